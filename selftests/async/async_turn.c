// SPDX-License-Identifier: GPL-2.0-only
/* Whose turn it is, where others do what they can to keep memory short and busy. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "zc_test.h"

#define NAME	EXT4_DIR "/async_turn"
/* Less room than a transfer begins with, see ZC_TURN_SHARE: all have to wait. */
#define LIMIT	(3 * MIB)
#define LEN	(512ull << 10)
/* Transfers to peers that do not read, of which one ends each @BUSY_MS. */
#define BUSY		400
#define BUSY_MS		60
/* Short ones that are under way, to a peer that reads. */
#define FLOOD		64
#define FLOOD_LEN	16384

FIXTURE(turn)
{
	int fd;
	uint64_t used;
};

FIXTURE_SETUP(turn)
{
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->used = zct_used(self->fd);
}

FIXTURE_TEARDOWN(turn)
{
	EXPECT_EQ(0, zct_param_set("max_bytes", 0));
	close(self->fd);
	self->fd = zct_open();
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 10000));
	close(self->fd);
}

/**
 * struct busy - who keeps others busy
 * @fd:    the device
 * @file:  that is sent
 * @sock:  for the flood
 * @socks: for those that end one by one
 * @ended: of them
 * @over:  leave off
 * @odd:   calls that failed
 */
struct busy {
	int fd;
	int file;
	int sock[2];
	int socks[BUSY][2];
	atomic_uint ended;
	atomic_bool over;
	atomic_uint odd;
};

static int submit(int fd, int file, int sock, uint64_t len, uint64_t user_data)
{
	struct zc_sendfile arg = {
		.in_fd = file,
		.out_fd = sock,
		.len = len,
		.flags = ZC_SEND_ASYNC | ZC_SEND_DIRECT,
		.user_data = user_data,
	};

	return zct_ioctl(fd, ZC_IOC_SENDFILE, &arg);
}

/* One of those that have begun ends, again and again. */
static void *busy_end(void *arg)
{
	struct zc_cancel cancel = {};
	struct busy *b = arg;

	while (!b->over && b->ended < BUSY) {
		cancel.user_data = b->ended++;
		b->odd += !!zct_ioctl(b->fd, ZC_IOC_CANCEL, &cancel);
		usleep(BUSY_MS * 1000);
	}
	return NULL;
}

static void *busy_flood(void *arg)
{
	struct busy *b = arg;
	struct pollfd p = { .fd = b->fd, .events = POLLIN };
	struct zc_event ev[FLOOD];
	ssize_t n, i;
	int flying = 0;

	while (!b->over) {
		for (; flying < FLOOD; flying++)
			b->odd += !!submit(b->fd, b->file, b->sock[0], FLOOD_LEN, BUSY);
		if (poll(&p, 1, 10) != 1)
			continue;
		n = read(b->fd, ev, sizeof(ev)) / (ssize_t)sizeof(*ev);
		for (i = 0; i < n; i++)
			flying -= ev[i].user_data == BUSY;
	}
	return NULL;
}

/* Have hugepages open for small transfers, on all nodes: more than @LIMIT allows for. */
static void open_slices(struct __test_metadata *_metadata, struct busy *b)
{
	struct zc_sendfile arg;
	struct zct_rx rx;
	cpu_set_t all;
	int i;

	sched_getaffinity(0, sizeof(all), &all);
	for (i = 0; i < CPU_SETSIZE; i++) {
		if (!CPU_ISSET(i, &all))
			continue;
		ASSERT_TRUE(zct_on_cpu(i));
		ASSERT_EQ(0, zct_send(b->fd, AF_INET, b->file, 0, FLOOD_LEN,
				      ZC_SEND_DIRECT, &arg, &rx));
		ASSERT_EQ(FLOOD_LEN, arg.sent);
	}
	sched_setaffinity(0, sizeof(all), &all);
}

/* Submit them, and wait until all have begun. */
static void busy_begin(struct __test_metadata *_metadata, struct busy *b)
{
	unsigned int i;

	for (i = 0; i < BUSY; i++) {
		ASSERT_EQ(0, zct_pair(AF_UNIX, b->socks[i]));
		ASSERT_EQ(0, submit(b->fd, b->file, b->socks[i][0], HUGE, i));
	}
	for (i = 0; i < BUSY; i++) {
		struct pollfd p = { .fd = b->socks[i][1], .events = POLLIN };

		ASSERT_EQ(1, poll(&p, 1, 30000));
	}
	ASSERT_EQ(0, zct_pair(AF_INET, b->sock));
}

/*
 * Where memory is short, a transfer waits for others to end. Who has some end all the
 * time, and has short ones stand before it, delays it no longer than for seconds.
 */
TEST_F_TIMEOUT(turn, others_end, 120)
{
	struct busy *b = calloc(1, sizeof(*b));
	struct pollfd p = { .fd = self->fd, .events = POLLIN };
	struct zct_rx flood, mine = {};
	pthread_t threads[2];
	struct zc_event ev;
	uint64_t begin;
	int sock[2], i;

	ASSERT_NE(NULL, b);
	b->fd = zct_open();
	b->file = zct_pattern_file(NAME, HUGE);
	ASSERT_GE(b->file, 0);
	ASSERT_EQ(0, zct_pair(AF_INET, sock));
	open_slices(_metadata, b);
	ASSERT_EQ(0, zct_param_set("max_bytes", LIMIT));
	busy_begin(_metadata, b);
	flood = (struct zct_rx){ .sock = b->sock[1] };
	zct_rx_start(&flood);
	pthread_create(&threads[0], NULL, busy_end, b);
	pthread_create(&threads[1], NULL, busy_flood, b);
	usleep(500000);

	begin = zct_now_ms();
	mine.sock = sock[1];
	zct_rx_start(&mine);
	ASSERT_EQ(0, submit(self->fd, b->file, sock[0], LEN, 1));
	EXPECT_EQ(1, poll(&p, 1, 60000));
	TH_LOG("%llu ms, %u others have ended", (unsigned long long)(zct_now_ms() - begin),
	       b->ended);
	EXPECT_LT(zct_now_ms() - begin, 8000);
	EXPECT_EQ(sizeof(ev), read(self->fd, &ev, sizeof(ev)));
	EXPECT_EQ(0, ev.error);
	EXPECT_EQ(LEN, ev.sent);
	/* They had not come to their end by then. */
	EXPECT_LT(b->ended, BUSY);

	b->over = true;
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ(0, b->odd);
	close(b->fd);
	close(b->sock[0]);
	close(sock[0]);
	zct_rx_join(&flood);
	zct_rx_join(&mine);
	EXPECT_EQ(LEN, mine.bytes);
	close(b->sock[1]);
	close(sock[1]);
	for (i = 0; i < BUSY; i++) {
		close(b->socks[i][0]);
		close(b->socks[i][1]);
	}
	close(b->file);
	unlink(NAME);
	free(b);
}

TEST_HARNESS_MAIN
