// SPDX-License-Identifier: GPL-2.0-only
/* Transfers that nobody waits for, by programs that mean ill. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "zc_test.h"

FIXTURE(abuse)
{
	int fd;
	uint64_t used;
	struct zc_buf_create buf;
	int sock[2];
};

FIXTURE_SETUP(abuse)
{
	struct zc_buf_seal seal = {};

	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->used = zct_used(self->fd);
	ASSERT_EQ(0, zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &self->buf));
	seal.handle = self->buf.handle;
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_BUF_SEAL, &seal));
	ASSERT_EQ(0, zct_pair(AF_UNIX, self->sock));
}

FIXTURE_TEARDOWN(abuse)
{
	close(self->sock[0]);
	close(self->sock[1]);
	close(self->fd);
	self->fd = zct_open();
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 10000));
	close(self->fd);
}

static int submit(int fd, uint32_t handle, int sock, uint64_t len, uint64_t user_data)
{
	struct zc_send arg = {
		.out_fd = sock,
		.handle = handle,
		.len = len,
		.flags = ZC_SEND_ASYNC,
		.user_data = user_data,
	};

	return zct_ioctl(fd, ZC_IOC_SEND, &arg);
}

/* Tens of thousands to one peer that does not read, and the younger half canceled. */
TEST_F_TIMEOUT(abuse, cancel_many, 240)
{
	const unsigned int nr = 20000;
	struct zc_cancel cancel = { .user_data = 2 };
	unsigned int i, ended = 0;
	struct zc_event ev[64];
	uint64_t begin = zct_now_ms(), took;

	for (i = 0; i < nr; i++)
		ASSERT_EQ(0, submit(self->fd, self->buf.handle, self->sock[0], HUGE,
				    i < nr / 2 ? 1 : 2));
	took = zct_now_ms() - begin;
	begin = zct_now_ms();
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_CANCEL, &cancel));
	EXPECT_EQ(nr / 2, cancel.count);
	while (ended < nr / 2) {
		struct pollfd p = { .fd = self->fd, .events = POLLIN };
		ssize_t n, j;

		ASSERT_EQ(1, poll(&p, 1, 20000));
		n = read(self->fd, ev, sizeof(ev)) / (ssize_t)sizeof(*ev);
		ASSERT_GT(n, 0);
		for (j = 0; j < n; j++) {
			EXPECT_EQ(2, ev[j].user_data);
			EXPECT_EQ(ECANCELED, ev[j].error);
		}
		ended += n;
	}
	/* Each of them in its turn, and not all of the others for each. */
	EXPECT_LT(zct_now_ms() - begin, 2 * took + 500);
}

/*
 * Whose last user is the module are closed by it. One that lingers must not keep the
 * others from that.
 */
TEST_F_TIMEOUT(abuse, linger, 120)
{
	const struct linger linger = { .l_onoff = 1, .l_linger = 60 };
	struct zc_cancel cancel = { .user_data = 1 };
	uint64_t begin;
	int slow[2], quick[2], i;
	struct zct_rx rx;

	ASSERT_EQ(0, zct_pair(AF_INET, slow));
	ASSERT_EQ(0, setsockopt(slow[0], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	for (i = 0; i < 16; i++)
		ASSERT_EQ(0, submit(self->fd, self->buf.handle, slow[0], HUGE, 1));
	close(slow[0]);
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_CANCEL, &cancel));
	ASSERT_EQ(0, zct_pair(AF_INET, quick));
	for (i = 0; i < 16; i++)
		ASSERT_EQ(0, submit(self->fd, self->buf.handle, quick[0], HUGE, 2));
	close(quick[0]);
	begin = zct_now_ms();
	rx = (struct zct_rx){ .sock = quick[1] };
	zct_rx_start(&rx);
	zct_rx_join(&rx);
	EXPECT_EQ(16 * HUGE, rx.bytes);
	EXPECT_LT(zct_now_ms() - begin, 20000);
	close(quick[1]);
	close(slow[1]);
}

/**
 * struct holder - a thread that keeps the lock of a socket for some seconds
 * @sock: sends to this …
 * @page: … what a slow disk has to be read for, while the lock is held
 */
struct holder {
	int sock;
	const char *page;
	pthread_t thread;
};

/* More than there are workers for the sockets of all. */
#define HOLDERS	24
#define HELD_MS	4000

static void *hold(void *arg)
{
	const struct holder *h = arg;

	send(h->sock, h->page, 1, MSG_NOSIGNAL);
	return NULL;
}

/* Sends to sockets that somebody has locked wait for him; those to others do not. */
TEST_F_TIMEOUT(abuse, locked_sockets, 120)
{
	int disk = zct_disk_slow(64, HELD_MS), sock[HOLDERS][2], mine[2], i;
	struct holder holders[HOLDERS];
	uint64_t begin;
	struct zct_rx rx;
	char *map;

	if (disk < 0)
		SKIP(return, "no null_blk");
	map = mmap(NULL, HOLDERS * HUGE / 2, PROT_READ, MAP_SHARED, disk, 0);
	ASSERT_NE(MAP_FAILED, map);
	madvise(map, HOLDERS * HUGE / 2, MADV_RANDOM);
	/* The workers of one processor are the fewest. */
	ASSERT_TRUE(zct_on_cpu(0));
	ASSERT_EQ(0, zct_pair(AF_INET, mine));
	for (i = 0; i < HOLDERS; i++) {
		ASSERT_EQ(0, zct_pair(AF_INET, sock[i]));
		holders[i] = (struct holder){ .sock = sock[i][0], .page = map + i * HUGE / 2 };
		ASSERT_EQ(0, pthread_create(&holders[i].thread, NULL, hold, &holders[i]));
	}
	usleep(500000);
	begin = zct_now_ms();
	for (i = 0; i < HOLDERS; i++)
		ASSERT_EQ(0, submit(self->fd, self->buf.handle, sock[i][0], 4096, 1));
	usleep(200000);
	ASSERT_EQ(0, submit(self->fd, self->buf.handle, mine[0], HUGE, 2));
	close(mine[0]);
	rx = (struct zct_rx){ .sock = mine[1] };
	zct_rx_start(&rx);
	zct_rx_join(&rx);
	EXPECT_EQ(HUGE, rx.bytes);
	EXPECT_LT(zct_now_ms() - begin, HELD_MS - 1000);
	close(mine[1]);
	for (i = 0; i < HOLDERS; i++) {
		pthread_join(holders[i].thread, NULL);
		close(sock[i][0]);
		close(sock[i][1]);
	}
	munmap(map, HOLDERS * HUGE / 2);
	close(disk);
	zct_disk_free();
}

static int pass(int sock, const int *fds, size_t nr)
{
	union {
		struct cmsghdr head;
		char data[CMSG_SPACE(2 * sizeof(int))];
	} control = {};
	char c = 'x';
	struct iovec iov = { &c, 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(nr * sizeof(int)),
	};
	struct cmsghdr *cm = CMSG_FIRSTHDR(&msg);

	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(nr * sizeof(int));
	memcpy(CMSG_DATA(cm), fds, nr * sizeof(int));
	return sendmsg(sock, &msg, 0) == 1 ? 0 : -errno;
}

/*
 * A send keeps its socket, in whose queue lie the device, which keeps the send, and
 * the other end: nobody can reach any of them.
 */
static void make_cycle(void)
{
	struct zc_buf_create buf;
	int sock[2], fd = open("/dev/zc", O_RDWR | O_CLOEXEC), both[2];

	if (fd < 0 || zct_pair(AF_UNIX, sock) ||
	    zct_create(fd, 4 * HUGE, 0, ZC_NODE_ANY, &buf) ||
	    submit(fd, buf.handle, sock[0], 4 * HUGE, 1))
		_exit(1);
	both[0] = fd;
	both[1] = sock[1];
	if (pass(sock[1], both, 2))
		_exit(2);
	close(fd);
	close(sock[0]);
	close(sock[1]);
	_exit(0);
}

TEST_F_TIMEOUT(abuse, unix_cycle, 120)
{
	uint64_t used = zct_used(self->fd);
	int status, i;

	for (i = 0; i < 4; i++) {
		pid_t pid = fork();

		if (!pid)
			make_cycle();
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		ASSERT_EQ(0, status);
	}
	EXPECT_TRUE(zct_used_becomes(self->fd, used, 2000));
}

/* A program may close one of several descriptors: the sends go on. */
TEST_F_TIMEOUT(abuse, duplicate_closed, 120)
{
	struct pollfd p = { .fd = self->fd, .events = POLLIN };
	struct zct_rx rx = { .sock = self->sock[1] };

	ASSERT_EQ(0, submit(self->fd, self->buf.handle, self->sock[0], HUGE, 1));
	close(dup(self->fd));
	EXPECT_EQ(0, poll(&p, 1, 300));
	zct_rx_start(&rx);
	EXPECT_EQ(1, poll(&p, 1, 20000));
	shutdown(self->sock[0], SHUT_WR);
	zct_rx_join(&rx);
	EXPECT_EQ(HUGE, rx.bytes);
}

TEST_HARNESS_MAIN
