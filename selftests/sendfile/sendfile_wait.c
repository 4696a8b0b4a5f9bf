// SPDX-License-Identifier: GPL-2.0-only
/* ZC_IOC_SENDFILE where the socket makes it wait: time-outs, signals, kill. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "zc_test.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(wait)

/* More than all buffers of the socket hold. */
#define SIZE		(48 * MIB)
#define FILE_NAME	EXT4_DIR "/zc-wait"

FIXTURE(wait)
{
	int fd;
	int file;
	int sock[2];
	uint64_t used;
	struct zc_sendfile arg;
	struct zct_rx rx;
};

FIXTURE_VARIANT(wait)
{
	int family;
};

FIXTURE_VARIANT_ADD(wait, tcp)
{
	.family = AF_INET,
};

FIXTURE_VARIANT_ADD(wait, unix)
{
	.family = AF_UNIX,
};

FIXTURE_SETUP(wait)
{
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->used = zct_used(self->fd);
	self->file = zct_pattern_file(FILE_NAME, SIZE);
	ASSERT_GE(self->file, 0);
	ASSERT_EQ(0, zct_pair(variant->family, self->sock));
	self->rx = (struct zct_rx){ .sock = self->sock[1], .check = true };
}

FIXTURE_TEARDOWN(wait)
{
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 1000));
	close(self->sock[0]);
	close(self->sock[1]);
	close(self->file);
	close(self->fd);
	unlink(FILE_NAME);
}

static int zc_send(SELF *self, uint64_t offset, uint32_t flags)
{
	self->arg = (struct zc_sendfile){
		.in_fd = self->file,
		.out_fd = self->sock[0],
		.offset = flags & ZC_SEND_POS ? 0 : offset,
		.len = SIZE - offset,
		.flags = flags,
	};
	return zct_ioctl(self->fd, ZC_IOC_SENDFILE, &self->arg);
}

/* What was sent, and no other byte, arrives. */
static void check_stream(struct __test_metadata *_metadata,
			 SELF *self, uint64_t sent)
{
	zct_rx_start(&self->rx);
	shutdown(self->sock[0], SHUT_WR);
	zct_rx_join(&self->rx);
	EXPECT_EQ(sent, self->rx.bytes);
	EXPECT_EQ(-1, self->rx.bad);
}

TEST_F_TIMEOUT(wait, nonblocking_flag, 120)
{
	uint64_t sent;

	ASSERT_EQ(0, zc_send(self, 0, ZC_SEND_NONBLOCK));
	EXPECT_GT(self->arg.sent, 0);
	EXPECT_LT(self->arg.sent, SIZE);
	EXPECT_EQ(EAGAIN, self->arg.error);
	EXPECT_EQ(self->arg.sent, self->arg.offset);
	sent = self->arg.sent;
	/* A little may fit still, as packets are handed on; then nothing. */
	while (!zc_send(self, sent, ZC_SEND_NONBLOCK))
		sent += self->arg.sent;
	EXPECT_EQ(-EAGAIN, zc_send(self, sent, ZC_SEND_NONBLOCK));
	EXPECT_EQ(0, self->arg.sent);
	EXPECT_EQ(EAGAIN, self->arg.error);
	check_stream(_metadata, self, sent);
}

/* The whole file, by edge-triggered epoll: each EAGAIN must be followed by an edge. */
TEST_F_TIMEOUT(wait, nonblocking_epoll, 120)
{
	struct epoll_event ev = { .events = EPOLLOUT | EPOLLET };
	int ep = epoll_create1(0), waits = 0, ret;
	uint64_t sent = 0;

	ASSERT_EQ(0, fcntl(self->sock[0], F_SETFL, O_NONBLOCK));
	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, self->sock[0], &ev));
	ASSERT_EQ(1, epoll_wait(ep, &ev, 1, 0));
	while (sent < SIZE) {
		ret = zc_send(self, sent, 0);
		if (!ret) {
			ASSERT_GT(self->arg.sent, 0);
			sent += self->arg.sent;
			continue;
		}
		ASSERT_EQ(-EAGAIN, ret);
		/* A receiver from the start on might always have made room. */
		if (!waits++)
			zct_rx_start(&self->rx);
		ASSERT_EQ(1, epoll_wait(ep, &ev, 1, 20000));
	}
	ASSERT_GT(waits, 0);
	shutdown(self->sock[0], SHUT_WR);
	zct_rx_join(&self->rx);
	EXPECT_EQ(SIZE, self->rx.bytes);
	EXPECT_EQ(-1, self->rx.bad);
	close(ep);
}

TEST_F_TIMEOUT(wait, send_timeout, 120)
{
	const struct timeval tv = { .tv_usec = 300000 };
	uint64_t begin = zct_now_ms(), sent;

	ASSERT_EQ(0, setsockopt(self->sock[0], SOL_SOCKET, SO_SNDTIMEO, &tv,
				sizeof(tv)));
	ASSERT_EQ(0, zc_send(self, 0, 0));
	EXPECT_GT(self->arg.sent, 0);
	EXPECT_LT(self->arg.sent, SIZE);
	EXPECT_EQ(EAGAIN, self->arg.error);
	EXPECT_GE(zct_now_ms() - begin, 250);
	sent = self->arg.sent;
	begin = zct_now_ms();
	while (!zc_send(self, sent, 0))
		sent += self->arg.sent;
	EXPECT_EQ(EAGAIN, self->arg.error);
	EXPECT_GE(zct_now_ms() - begin, 250);
	check_stream(_metadata, self, sent);
}

static void *seek_soon(void *arg)
{
	SELF *self = arg;

	usleep(100000);
	lseek(self->file, 4096, SEEK_SET);
	return NULL;
}

/* Who sends nothing leaves the position to the one who has moved it meanwhile. */
TEST_F_TIMEOUT(wait, position_of_another, 120)
{
	const struct timeval tv = { .tv_usec = 400000 };
	uint64_t sent = 0;
	pthread_t seeker;

	ASSERT_EQ(0, setsockopt(self->sock[0], SOL_SOCKET, SO_SNDTIMEO, &tv,
				sizeof(tv)));
	while (!zc_send(self, sent, 0))
		sent += self->arg.sent;
	ASSERT_EQ(EAGAIN, self->arg.error);
	ASSERT_EQ(0, pthread_create(&seeker, NULL, seek_soon, self));
	EXPECT_EQ(-EAGAIN, zc_send(self, 0, ZC_SEND_POS));
	pthread_join(seeker, NULL);
	EXPECT_EQ(4096, lseek(self->file, 0, SEEK_CUR));
	check_stream(_metadata, self, sent);
}

/* Send some pages of the file and @rest bytes through a socket that holds few at a time. */
static void send_rest(struct __test_metadata *_metadata, SELF *self, int family, int room,
		      uint64_t offset, uint64_t rest, uint32_t flags)
{
	uint64_t end = 100 * 4096 + rest, pos = offset;
	struct pollfd p = { .events = POLLOUT };
	int sock[2], ret;
	struct zct_rx rx;

	ASSERT_EQ(0, zct_pair(family, sock));
	ASSERT_EQ(0, setsockopt(sock[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)));
	p.fd = sock[0];
	rx = (struct zct_rx){ .sock = sock[1], .offset = offset, .check = true };
	zct_rx_start(&rx);
	while (pos < end) {
		self->arg = (struct zc_sendfile){
			.in_fd = self->file,
			.out_fd = sock[0],
			.offset = pos,
			.len = end - pos,
			.flags = flags | ZC_SEND_NONBLOCK,
		};
		ret = zct_ioctl(self->fd, ZC_IOC_SENDFILE, &self->arg);
		if (ret) {
			ASSERT_EQ(-EAGAIN, ret);
			ASSERT_EQ(1, poll(&p, 1, 5000));
			continue;
		}
		ASSERT_GT(self->arg.sent, 0);
		EXPECT_EQ(self->arg.sent < end - pos ? EAGAIN : 0, self->arg.error);
		EXPECT_TRUE(zct_none_copied(self->arg.copied, self->arg.copy_reasons))
			TH_LOG("%llu copied of %llu", (unsigned long long)self->arg.copied,
			       (unsigned long long)self->arg.sent);
		pos += self->arg.sent;
	}
	EXPECT_EQ(end, pos);
	shutdown(sock[0], SHUT_WR);
	zct_rx_join(&rx);
	EXPECT_EQ(end - offset, rx.bytes);
	EXPECT_EQ(-1, rx.bad);
	close(sock[0]);
	close(sock[1]);
}

/*
 * Little room, and ranges that end a little behind a page: each call sends something or
 * says EAGAIN, however the room, which is rounded to pages, and the rest come to lie.
 */
TEST_F_TIMEOUT(wait, nonblocking_rests, 120)
{
	static const int rooms[] = { 4096, 20000, 100000 };
	static const uint64_t rests[] = { 1, 511, 512, 4095 };
	static const uint32_t flags[] = { 0, ZC_SEND_CACHED, 0, ZC_SEND_DIRECT };
	size_t i, j;

	for (i = 0; i < 3; i++)
		for (j = 0; j < 4; j++)
			send_rest(_metadata, self, variant->family, rooms[i],
				  (i + j) % 3 * 1365, rests[j], flags[j]);
}

/* The bytes behind the last page that there is room for go with it: one read, no copy. */
TEST_F_TIMEOUT(wait, nonblocking_rest_goes_along, 120)
{
	static const uint64_t rests[] = { 1, 511, 512, 4000 };
	static const uint32_t flags[] = { 0, ZC_SEND_CACHED, 0, ZC_SEND_DIRECT };
	const uint64_t pages = 15 * 4096;
	/* The kernel doubles it. All is to fit into one packet of the loopback. */
	const int room = (pages + 500) / 2;
	size_t i;

	if (variant->family == AF_UNIX)
		SKIP(return, "its packets are smaller than its room");
	for (i = 0; i < 4; i++) {
		close(self->sock[0]);
		close(self->sock[1]);
		ASSERT_EQ(0, zct_pair(AF_INET, self->sock));
		ASSERT_EQ(0, setsockopt(self->sock[0], SOL_SOCKET, SO_SNDBUF, &room,
					sizeof(room)));
		self->arg = (struct zc_sendfile){
			.in_fd = self->file,
			.out_fd = self->sock[0],
			.len = pages + rests[i],
			.flags = flags[i] | ZC_SEND_NONBLOCK,
		};
		ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_SENDFILE, &self->arg));
		EXPECT_EQ(pages + rests[i], self->arg.sent);
		EXPECT_EQ(0, self->arg.error);
		EXPECT_EQ(1, self->arg.chunks);
		EXPECT_EQ(0, self->arg.copied);
	}
}

static volatile int alarms;

static void on_alarm(int sig)
{
	alarms++;
}

static void alarm_in(int ms, bool restart)
{
	struct sigaction act = { .sa_handler = on_alarm,
				 .sa_flags = restart ? SA_RESTART : 0 };
	const struct itimerval it = { .it_value.tv_usec = 1000 * ms };

	alarms = 0;
	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
}

TEST_F_TIMEOUT(wait, signal_gives_partial_count, 120)
{
	uint64_t sent;
	int ret;

	alarm_in(400, false);
	ASSERT_EQ(0, zc_send(self, 0, 0));
	EXPECT_EQ(1, alarms);
	EXPECT_GT(self->arg.sent, 0);
	EXPECT_LT(self->arg.sent, SIZE);
	EXPECT_EQ(EINTR, self->arg.error);
	sent = self->arg.sent;
	/* Again until there is no room at all: nothing sent. */
	for (;;) {
		alarm_in(400, false);
		ret = zc_send(self, sent, 0);
		EXPECT_EQ(1, alarms);
		if (ret || !self->arg.sent)
			break;
		sent += self->arg.sent;
	}
	EXPECT_EQ(-EINTR, ret);
	EXPECT_EQ(0, self->arg.sent);
	check_stream(_metadata, self, sent);
}

static void *read_later(void *data)
{
	usleep(800000);
	zct_rx_start(data);
	return NULL;
}

/* With SA_RESTART a call that has sent nothing goes on after the handler. */
static void signal_restarts(struct __test_metadata *_metadata, SELF *self, uint32_t flags)
{
	pthread_t thread;
	uint64_t sent = 0;
	sigset_t set;
	int ret;

	while (!zc_send(self, sent, ZC_SEND_NONBLOCK))
		sent += self->arg.sent;
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	/* The signal is for this thread, which is in the call. */
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	pthread_create(&thread, NULL, read_later, &self->rx);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	alarm_in(300, true);
	ASSERT_EQ(sent, lseek(self->file, sent, SEEK_SET));
	ret = zc_send(self, sent, flags);
	EXPECT_EQ(0, ret);
	EXPECT_EQ(1, alarms);
	EXPECT_GT(self->arg.sent, 0);
	sent += self->arg.sent;
	EXPECT_EQ(sent, self->arg.offset);
	while (sent < SIZE && !zc_send(self, sent, 0))
		sent += self->arg.sent;
	pthread_join(thread, NULL);
	shutdown(self->sock[0], SHUT_WR);
	zct_rx_join(&self->rx);
	EXPECT_EQ(sent, self->rx.bytes);
	EXPECT_EQ(-1, self->rx.bad);
}

TEST_F_TIMEOUT(wait, signal_restarts, 120)
{
	signal_restarts(_metadata, self, 0);
}

TEST_F_TIMEOUT(wait, signal_restarts_at_position, 120)
{
	signal_restarts(_metadata, self, ZC_SEND_POS);
}

/* The peer has stopped reading, and the sender is killed: gone within a second. */
TEST_F_TIMEOUT(wait, killed, 120)
{
	uint64_t begin, free_before = zct_mem_free();
	int status, round;
	pid_t pid;

	for (round = 0; round < 5; round++) {
		pid = fork();
		if (!pid) {
			zc_send(self, 0, 0);
			_exit(0);
		}
		/* At first while it still sends, then while it waits. */
		usleep(5000 + 150000 * round);
		begin = zct_now_ms();
		kill(pid, SIGKILL);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_LE(zct_now_ms() - begin, 1000);
		EXPECT_TRUE(WIFSIGNALED(status));
		EXPECT_EQ(self->used, zct_used(self->fd));
		/* What the socket holds goes with the socket. */
		close(self->sock[0]);
		close(self->sock[1]);
		ASSERT_EQ(0, zct_pair(variant->family, self->sock));
	}
	usleep(500000);
	EXPECT_GE(zct_mem_free() + 64 * MIB, free_before);
}

/* A peer that does not read costs a bounded amount of memory, whatever the file. */
TEST_F_TIMEOUT(wait, silent_peer_is_bounded, 120)
{
	const struct timeval tv = { .tv_usec = 500000 };
	uint64_t free_before;

	ASSERT_EQ(0, setsockopt(self->sock[0], SOL_SOCKET, SO_SNDTIMEO, &tv,
				sizeof(tv)));
	free_before = zct_mem_free();
	ASSERT_EQ(0, zc_send(self, 0, 0));
	EXPECT_EQ(self->used, zct_used(self->fd));
	EXPECT_LE(free_before, zct_mem_free() + 64 * MIB);
	check_stream(_metadata, self, self->arg.sent);
}

TEST_HARNESS_MAIN
