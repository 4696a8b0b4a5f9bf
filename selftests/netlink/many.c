// SPDX-License-Identifier: GPL-2.0-only
/* Dumps of more than a message holds, and beside those who make and destroy. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "kselftest_harness.h"
#include "nl.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(many)

#define NAME		EXT4_DIR "/nl_many"
#define SIZE		(4 * MIB)
#define NR_BUFS		5000
#define NR_TRANSFERS	3000
/* So many sockets, with a lane of transfers each. */
#define NR_SOCKS	30
#define MAKERS		4
#define RACE_MS		4000

FIXTURE(many)
{
	int fd;
	uint64_t used;
	struct nl nl;
	struct nl_req req;
	uint64_t *ids;
	unsigned int nr;
};

FIXTURE_SETUP(many)
{
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->used = zct_used(self->fd);
	self->ids = calloc(NR_BUFS * 4, sizeof(*self->ids));
	ASSERT_NE(NULL, self->ids);
	self->nr = 0;
	ASSERT_EQ(0, nl_open(&self->nl));
}

FIXTURE_TEARDOWN(many)
{
	nl_close(&self->nl);
	close(self->fd);
	free(self->ids);
	self->fd = zct_open();
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 10000));
	close(self->fd);
}

static bool take_buffer(const struct nl_msg *msg, void *data)
{
	SELF *self = data;

	if (self->nr < NR_BUFS * 4)
		self->ids[self->nr++] = nl_u32(msg, ZC_A_BUFFER_ID);
	return true;
}

static bool take_transfer(const struct nl_msg *msg, void *data)
{
	SELF *self = data;

	if (self->nr < NR_BUFS * 4)
		self->ids[self->nr++] = nl_u64(msg, ZC_A_TRANSFER_ID);
	return true;
}

/* Returns how many, or a negative errno. */
static int dump(SELF *self, uint8_t cmd)
{
	self->nr = 0;
	nl_begin(&self->req, cmd);
	return nl_dump(&self->nl, &self->req,
		       cmd == ZC_CMD_BUFFER_GET ? take_buffer : take_transfer, self);
}

static int compare(const void *a, const void *b)
{
	uint64_t one = *(const uint64_t *)a, two = *(const uint64_t *)b;

	return one < two ? -1 : one > two;
}

/* How often a number came more than once, or was 0. */
static unsigned int twice(SELF *self)
{
	unsigned int i, nr = 0;

	qsort(self->ids, self->nr, sizeof(*self->ids), compare);
	for (i = 0; i < self->nr; i++)
		nr += !self->ids[i] || (i && self->ids[i] == self->ids[i - 1]);
	return nr;
}

TEST_F_TIMEOUT(many, buffers, 240)
{
	struct zc_buf_create buf;
	unsigned int i;

	for (i = 0; i < NR_BUFS; i++)
		ASSERT_EQ(0, zct_create(self->fd, 4096, ZC_BUF_SLICE, ZC_NODE_ANY, &buf));
	EXPECT_EQ(NR_BUFS, dump(self, ZC_CMD_BUFFER_GET));
	EXPECT_LT(3, self->nl.parts);
	EXPECT_FALSE(self->nl.intr);
	EXPECT_EQ(0, twice(self));
	/* None of them matches: an empty dump that has to look at them all. */
	nl_put_u32(&self->req, ZC_A_BUFFER_UID, NOBODY);
	EXPECT_EQ(0, nl_dump(&self->nl, &self->req, NULL, NULL));
}

/* A dump that is not read to its end is in nobody's way, and nothing stays behind. */
TEST_F_TIMEOUT(many, half_read, 240)
{
	struct zc_buf_create buf;
	struct nl other;
	unsigned int i;

	for (i = 0; i < NR_BUFS; i++)
		ASSERT_EQ(0, zct_create(self->fd, 4096, ZC_BUF_SLICE, ZC_NODE_ANY, &buf));
	ASSERT_EQ(0, nl_open(&other));
	nl_begin(&self->req, ZC_CMD_BUFFER_GET);
	ASSERT_EQ(0, nl_send(&other, &self->req, NLM_F_DUMP));
	nl_begin(&self->req, ZC_CMD_TRANSFER_GET);
	/* One at a time. */
	EXPECT_EQ(0, nl_send(&other, &self->req, NLM_F_DUMP));
	EXPECT_EQ(NR_BUFS, dump(self, ZC_CMD_BUFFER_GET));
	close(self->fd);
	self->fd = zct_open();
	EXPECT_EQ(0, dump(self, ZC_CMD_BUFFER_GET));
	nl_close(&other);
	ASSERT_EQ(0, zct_create(self->fd, 4096, ZC_BUF_SLICE, ZC_NODE_ANY, &buf));
	EXPECT_EQ(1, dump(self, ZC_CMD_BUFFER_GET));
}

TEST_F_TIMEOUT(many, transfers, 240)
{
	int file = zct_pattern_file(NAME, SIZE), sock[NR_SOCKS][2], i, tries;
	struct rlimit files = { 8192, 8192 };
	struct zc_sendfile arg;

	ASSERT_GE(file, 0);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &files));
	for (i = 0; i < NR_SOCKS; i++)
		ASSERT_EQ(0, zct_pair(AF_INET, sock[i]));
	/* More to each than it holds: all are under way until they are canceled. */
	for (i = 0; i < NR_TRANSFERS; i++) {
		arg = (struct zc_sendfile) {
			.in_fd = file, .out_fd = sock[i % NR_SOCKS][0], .len = SIZE,
			.flags = ZC_SEND_ASYNC,
		};
		ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_SENDFILE, &arg));
	}
	/* Until those that found room have gone. */
	for (tries = 0; tries < 30; tries++) {
		i = dump(self, ZC_CMD_TRANSFER_GET);
		usleep(300000);
		if (i == dump(self, ZC_CMD_TRANSFER_GET) && !self->nl.intr)
			break;
	}
	EXPECT_LE(NR_TRANSFERS - 3 * NR_SOCKS, i);
	EXPECT_GE(NR_TRANSFERS, i);
	EXPECT_LT(3, self->nl.parts);
	EXPECT_FALSE(self->nl.intr);
	EXPECT_EQ(0, twice(self));
	nl_begin(&self->req, ZC_CMD_TRANSFER_GET);
	nl_put_u32(&self->req, ZC_A_TRANSFER_WAITER, ZC_TRANSFER_WAITER_EVENT);
	EXPECT_EQ(i, nl_dump(&self->nl, &self->req, NULL, NULL));
	close(self->fd);
	self->fd = zct_open();
	for (tries = 0; tries < 1000 && dump(self, ZC_CMD_TRANSFER_GET); tries++)
		usleep(10000);
	EXPECT_EQ(0, dump(self, ZC_CMD_TRANSFER_GET));
	for (i = 0; i < NR_SOCKS; i++) {
		close(sock[i][0]);
		close(sock[i][1]);
	}
	close(file);
	unlink(NAME);
}

/**
 * struct churn - others who make and destroy
 * @stop:   they are to end
 * @rounds: how often they did
 */
struct churn {
	atomic_bool stop;
	atomic_int rounds;
	pthread_t thread[MAKERS];
};

/* Each with a new number: nothing is had again, as the file is another one. */
static void *make_and_close(void *data)
{
	struct churn *churn = data;
	struct zc_buf_create buf;
	int fd, i;

	while (!churn->stop) {
		fd = zct_open();
		for (i = 0; i < 20; i++)
			zct_create(fd, 4096, ZC_BUF_SLICE, ZC_NODE_ANY, &buf);
		for (i = 1; i <= 10; i++)
			zct_destroy(fd, i);
		close(fd);
		churn->rounds++;
	}
	return NULL;
}

/* A transfer of a megabyte at a time, so that all of them come on the list. */
static void *transfer_on(void *data)
{
	struct churn *churn = data;
	int file = open(NAME, O_RDONLY | O_CLOEXEC), fd = zct_open(), sock[2];
	struct zct_rx rx = { 0 };

	zct_pair(AF_INET, sock);
	rx.sock = sock[1];
	zct_rx_start(&rx);
	while (!churn->stop) {
		struct zc_sendfile arg = { .in_fd = file, .out_fd = sock[0], .len = MIB };

		if (zct_ioctl(fd, ZC_IOC_SENDFILE, &arg))
			break;
		churn->rounds++;
	}
	shutdown(sock[0], SHUT_RDWR);
	zct_rx_join(&rx);
	close(sock[0]);
	close(sock[1]);
	close(fd);
	close(file);
	return NULL;
}

static void churn_start(struct churn *churn, void *(*main)(void *))
{
	int i;

	memset(churn, 0, sizeof(*churn));
	for (i = 0; i < MAKERS; i++)
		pthread_create(&churn->thread[i], NULL, main, churn);
}

static int churn_stop(struct churn *churn)
{
	int i;

	churn->stop = true;
	for (i = 0; i < MAKERS; i++)
		pthread_join(churn->thread[i], NULL);
	return churn->rounds;
}

/* How many of @ids, which are sorted as those of the dump are, it lacks. */
static unsigned int lacks(SELF *self, const uint64_t *ids, unsigned int nr)
{
	unsigned int i, missing = 0;

	for (i = 0; i < nr; i++)
		missing += !bsearch(&ids[i], self->ids, self->nr, sizeof(*ids), compare);
	return missing;
}

/*
 * What was there all the time is in each dump, once; dumps that others got between say so;
 * and each of them ends, however many come meanwhile.
 */
static void dump_beside(struct __test_metadata *_metadata, SELF *self, uint8_t cmd,
			void *(*main)(void *), unsigned int there)
{
	unsigned int intr = 0, dumps = 0, most = 0;
	uint64_t end, *ids = calloc(there, sizeof(*ids));
	struct churn churn;

	ASSERT_EQ(there, dump(self, cmd));
	EXPECT_EQ(0, twice(self));
	memcpy(ids, self->ids, there * sizeof(*ids));
	churn_start(&churn, main);
	end = zct_now_ms() + RACE_MS;
	/* Some such dumps, however slow the machine is. */
	while (zct_now_ms() < end || (!intr && zct_now_ms() < end + 60000)) {
		EXPECT_LE(there, dump(self, cmd));
		intr += self->nl.intr;
		dumps++;
		if (self->nl.parts > most)
			most = self->nl.parts;
		EXPECT_GT(NR_BUFS * 4, self->nr);
		EXPECT_EQ(0, twice(self));
		EXPECT_EQ(0, lacks(self, ids, there));
		if (_metadata->exit_code != KSFT_PASS)
			break;
	}
	EXPECT_LT(0, churn_stop(&churn));
	EXPECT_LT(0, intr);
	TH_LOG("%u dumps beside %d rounds, %u of them interrupted, %u messages at most", dumps,
	       churn.rounds, intr, most);
	free(ids);
}

TEST_F_TIMEOUT(many, buffers_come_and_go, 240)
{
	struct zc_buf_create buf;
	int i;

	for (i = 0; i < 1000; i++)
		ASSERT_EQ(0, zct_create(self->fd, 4096, ZC_BUF_SLICE, ZC_NODE_ANY, &buf));
	dump_beside(_metadata, self, ZC_CMD_BUFFER_GET, make_and_close, 1000);
}

TEST_F_TIMEOUT(many, transfers_come_and_go, 240)
{
	int file = zct_pattern_file(NAME, SIZE), sock[2], i;
	struct zc_sendfile arg;

	ASSERT_GE(file, 0);
	ASSERT_EQ(0, zct_pair(AF_INET, sock));
	for (i = 0; i < 500; i++) {
		arg = (struct zc_sendfile) {
			.in_fd = file, .out_fd = sock[0], .len = SIZE * (i ? 1 : 4096),
			.flags = ZC_SEND_ASYNC,
		};
		/* The first one never ends. */
		if (!i)
			ASSERT_EQ(0, ftruncate(file, SIZE * 4096));
		ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_SENDFILE, &arg));
	}
	sleep(1);
	dump_beside(_metadata, self, ZC_CMD_TRANSFER_GET, transfer_on, 500);
	close(sock[0]);
	close(sock[1]);
	close(file);
	unlink(NAME);
}

struct chase {
	SELF *self;
	unsigned int parts;
};

/* Another one, with a higher number, for each message that comes. */
static bool make_one_more(const struct nl_msg *msg, void *data)
{
	struct chase *chase = data;
	struct zc_buf_create buf;

	if (chase->parts == chase->self->nl.parts)
		return true;
	chase->parts = chase->self->nl.parts;
	return chase->parts < 100 &&
	       !zct_create(chase->self->fd, 4096, ZC_BUF_SLICE, ZC_NODE_ANY, &buf);
}

/* A dump ends, though others come behind those that it has shown. */
TEST_F_TIMEOUT(many, ends, 120)
{
	struct chase chase = { .self = self };
	struct zc_buf_create buf;
	int i;

	for (i = 0; i < 1000; i++)
		ASSERT_EQ(0, zct_create(self->fd, 4096, ZC_BUF_SLICE, ZC_NODE_ANY, &buf));
	nl_begin(&self->req, ZC_CMD_BUFFER_GET);
	EXPECT_LE(1000, nl_dump(&self->nl, &self->req, make_one_more, &chase));
	EXPECT_LT(2, chase.parts);
	EXPECT_GT(50, chase.parts);
}

/* Who dumps is killed wherever he is; others are in nobody's way then. */
TEST_F_TIMEOUT(many, killed, 240)
{
	struct zc_buf_create buf;
	int round, status, i;
	pid_t pid;

	for (i = 0; i < 3000; i++)
		ASSERT_EQ(0, zct_create(self->fd, 4096, ZC_BUF_SLICE, ZC_NODE_ANY, &buf));
	for (round = 0; round < 20; round++) {
		pid = fork();
		if (!pid) {
			for (;;)
				dump(self, round & 1 ? ZC_CMD_BUFFER_GET : ZC_CMD_TRANSFER_GET);
		}
		usleep(3000 * round);
		ASSERT_EQ(0, kill(pid, SIGKILL));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
	}
	/* The socket was theirs, too: what it still has is not for this one. */
	nl_close(&self->nl);
	ASSERT_EQ(0, nl_open(&self->nl));
	EXPECT_EQ(3000, dump(self, ZC_CMD_BUFFER_GET));
}

TEST_HARNESS_MAIN
