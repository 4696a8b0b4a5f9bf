// SPDX-License-Identifier: GPL-2.0-only
/* Transfers that nobody waits for: ZC_SEND_ASYNC, ZC_IOC_CANCEL and their events. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "zc_test.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(async)

#define NAME	EXT4_DIR "/async"
#define SIZE	(8 * HUGE + 12345)
#define NR(array)	(sizeof(array) / sizeof(*(array)))

FIXTURE(async)
{
	int fd;
	int file;
	uint64_t used;
	int sock[2];
	struct zct_rx rx;
	struct zc_event ev;
};

FIXTURE_SETUP(async)
{
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->used = zct_used(self->fd);
	self->file = zct_pattern_file(NAME, SIZE);
	ASSERT_GE(self->file, 0);
	ASSERT_EQ(0, zct_pair(AF_INET, self->sock));
}

FIXTURE_TEARDOWN(async)
{
	EXPECT_EQ(0, zct_param_set("max_bytes", 0));
	close(self->sock[0]);
	close(self->sock[1]);
	if (self->fd >= 0)
		close(self->fd);
	self->fd = zct_open();
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 1000));
	close(self->fd);
	close(self->file);
	unlink(NAME);
}

static int submit(SELF *self, int sock, uint64_t offset, uint64_t len,
		  uint32_t flags, uint64_t user_data)
{
	struct zc_sendfile arg = {
		.in_fd = self->file,
		.out_fd = sock,
		.offset = offset,
		.len = len,
		.flags = flags | ZC_SEND_ASYNC,
		.user_data = user_data,
	};
	int ret = zct_ioctl(self->fd, ZC_IOC_SENDFILE, &arg);

	return ret ?: arg.sent ? -EPROTO : 0;
}

static int cancel(SELF *self, uint64_t user_data, uint32_t flags, uint32_t *count)
{
	struct zc_cancel arg = { .user_data = user_data, .flags = flags };
	int ret = zct_ioctl(self->fd, ZC_IOC_CANCEL, &arg);

	*count = arg.count;
	return ret;
}

static void receive(SELF *self, uint64_t offset)
{
	self->rx = (struct zct_rx){ .sock = self->sock[1], .offset = offset,
				    .check = true };
	zct_rx_start(&self->rx);
}

static void reconnect(struct __test_metadata *_metadata, SELF *self, int family)
{
	close(self->sock[0]);
	close(self->sock[1]);
	ASSERT_EQ(0, zct_pair(family, self->sock));
}

static void one(struct __test_metadata *_metadata, SELF *self, int family,
		uint64_t offset, uint64_t len, uint32_t flags)
{
	uint64_t there = offset < SIZE ? SIZE - offset : 0;
	uint64_t want = len < there ? len : there;

	reconnect(_metadata, self, family);
	receive(self, offset);
	ASSERT_EQ(0, submit(self, self->sock[0], offset, len, flags, ~offset ^ len));
	ASSERT_TRUE(zct_event(self->fd, &self->ev, 20000));
	EXPECT_EQ(ZC_EVENT_DONE, self->ev.type);
	EXPECT_EQ(0, self->ev.error);
	EXPECT_EQ(~offset ^ len, self->ev.user_data);
	EXPECT_EQ(want, self->ev.sent);
	EXPECT_EQ(offset + want, self->ev.offset);
	EXPECT_EQ(!self->ev.copied, !(self->ev.paths & ZC_PATH_COPY));
	EXPECT_EQ(0, self->ev.__resv);
	shutdown(self->sock[0], SHUT_WR);
	zct_rx_join(&self->rx);
	EXPECT_EQ(want, self->rx.bytes);
	EXPECT_EQ(-1, self->rx.bad);
	EXPECT_FALSE(zct_event(self->fd, &self->ev, 0));
}

TEST_F_TIMEOUT(async, ranges, 240)
{
	static const uint64_t offsets[] = { 0, 1, 4095, HUGE - 1, 3 * HUGE + 5, SIZE };
	static const uint64_t lens[] = { 0, 1, 4097, 65536, HUGE, 4 * HUGE + 77,
					 UINT64_MAX };
	size_t i, j;

	for (i = 0; i < NR(offsets); i++)
		for (j = 0; j < NR(lens); j++)
			one(_metadata, self, AF_INET, offsets[i], lens[j], 0);
	EXPECT_EQ(0, zct_cached(self->file, SIZE));
}

/*
 * Nothing is copied but, where a read that the socket had room for happens to end
 * with the last whole page, the SIZE % 4096 bytes after it: fewer than copybreak.
 */
static void few_copied(struct __test_metadata *_metadata, SELF *self)
{
	if (!self->ev.copied)
		return;
	EXPECT_EQ(SIZE % 4096, self->ev.copied);
	EXPECT_EQ(ZC_COPY_SMALL, self->ev.copy_reasons);
}

TEST_F_TIMEOUT(async, ways, 240)
{
	one(_metadata, self, AF_INET6, 1, SIZE, ZC_SEND_DIRECT);
	few_copied(_metadata, self);
	EXPECT_EQ(0, self->ev.cached);
	one(_metadata, self, AF_UNIX, 3, SIZE, 0);
	few_copied(_metadata, self);
	one(_metadata, self, AF_INET, 5, SIZE, ZC_SEND_CACHED);
	EXPECT_EQ(self->ev.sent, self->ev.cached);
	few_copied(_metadata, self);
	/* Now it is hot. */
	one(_metadata, self, AF_INET, 0, SIZE, 0);
	EXPECT_EQ(self->ev.sent, self->ev.cached);
	few_copied(_metadata, self);
}

/* The call does not wait for a peer; nor do the socket's own ways disturb it. */
TEST_F_TIMEOUT(async, returns_at_once, 120)
{
	struct timeval tv = { .tv_usec = 100000 };

	fcntl(self->sock[0], F_SETFL, O_NONBLOCK);
	setsockopt(self->sock[0], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	ASSERT_EQ(0, submit(self, self->sock[0], 7, SIZE, 0, 1));
	EXPECT_FALSE(zct_event(self->fd, &self->ev, 700));
	receive(self, 7);
	ASSERT_TRUE(zct_event(self->fd, &self->ev, 20000));
	EXPECT_EQ(SIZE - 7, self->ev.sent);
	EXPECT_EQ(0, self->ev.error);
	shutdown(self->sock[0], SHUT_WR);
	zct_rx_join(&self->rx);
	EXPECT_EQ(SIZE - 7, self->rx.bytes);
	EXPECT_EQ(-1, self->rx.bad);
}

/* The descriptors may be closed, and the numbers used again. */
TEST_F_TIMEOUT(async, own_references, 120)
{
	int old[2] = { self->sock[0], self->file };

	ASSERT_EQ(0, submit(self, self->sock[0], 0, SIZE, 0, 1));
	close(self->sock[0]);
	close(self->file);
	self->file = open("/dev/null", O_RDWR);
	self->sock[0] = dup(self->file);
	EXPECT_TRUE(self->file == old[0] || self->file == old[1]);
	receive(self, 0);
	ASSERT_TRUE(zct_event(self->fd, &self->ev, 20000));
	EXPECT_EQ(SIZE, self->ev.sent);
	/* The transfer had the last reference: the end of it is the end of all. */
	zct_rx_join(&self->rx);
	EXPECT_EQ(SIZE, self->rx.bytes);
	EXPECT_EQ(-1, self->rx.bad);
}

/* A hundred to one socket come in their order, and so do the events. */
TEST_F_TIMEOUT(async, order, 120)
{
	uint64_t at = 0, step = SIZE / 100 / 7;
	int i, nr = 0;

	for (i = 0; i < 100; i++) {
		uint64_t len = step * (i % 14);

		ASSERT_EQ(0, submit(self, self->sock[0], at, len, i % 3 ?
				    0 : ZC_SEND_CACHED, i));
		at += len;
	}
	receive(self, 0);
	for (nr = 0; nr < 100; nr++) {
		ASSERT_TRUE(zct_event(self->fd, &self->ev, 20000));
		EXPECT_EQ(nr, self->ev.user_data);
		EXPECT_EQ(0, self->ev.error);
		EXPECT_EQ(step * (nr % 14), self->ev.sent);
	}
	shutdown(self->sock[0], SHUT_WR);
	zct_rx_join(&self->rx);
	EXPECT_EQ(at, self->rx.bytes);
	EXPECT_EQ(-1, self->rx.bad);
}

TEST_F_TIMEOUT(async, canceled, 120)
{
	int i, under_way = 0;
	uint64_t sent = 0;
	uint32_t count;

	EXPECT_EQ(-ENOENT, cancel(self, 0, 0, &count));
	EXPECT_EQ(-ENOENT, cancel(self, 0, ZC_CANCEL_ALL, &count));
	EXPECT_EQ(-EINVAL, cancel(self, 0, 2, &count));
	for (i = 0; i < 10; i++)
		ASSERT_EQ(0, submit(self, self->sock[0], 0, SIZE, 0, i / 2));
	EXPECT_FALSE(zct_event(self->fd, &self->ev, 300));
	/* Some that wait. */
	EXPECT_EQ(0, cancel(self, 3, 0, &count));
	EXPECT_EQ(2, count);
	for (i = 0; i < 2; i++) {
		ASSERT_TRUE(zct_event(self->fd, &self->ev, 1000));
		EXPECT_EQ(3, self->ev.user_data);
		EXPECT_EQ(ECANCELED, self->ev.error);
		EXPECT_EQ(0, self->ev.sent);
	}
	EXPECT_EQ(-ENOENT, cancel(self, 3, 0, &count));
	/*
	 * The one under way and the one that waits behind it, whichever ends first; the
	 * next one starts where that stopped.
	 */
	EXPECT_EQ(0, cancel(self, 0, 0, &count));
	EXPECT_EQ(2, count);
	for (i = 0; i < 2; i++) {
		ASSERT_TRUE(zct_event(self->fd, &self->ev, 1000));
		EXPECT_EQ(0, self->ev.user_data);
		EXPECT_EQ(ECANCELED, self->ev.error);
		EXPECT_EQ(self->ev.sent, self->ev.offset);
		EXPECT_LT(self->ev.sent, SIZE);
		under_way += self->ev.sent > 0;
		sent += self->ev.sent;
	}
	EXPECT_EQ(1, under_way);
	EXPECT_FALSE(zct_event(self->fd, &self->ev, 300));
	/* And all. */
	EXPECT_EQ(0, cancel(self, 0, ZC_CANCEL_ALL, &count));
	EXPECT_EQ(6, count);
	for (i = 0; i < 6; i++) {
		ASSERT_TRUE(zct_event(self->fd, &self->ev, 1000));
		EXPECT_EQ(ECANCELED, self->ev.error);
		sent += self->ev.sent;
	}
	EXPECT_FALSE(zct_event(self->fd, &self->ev, 0));
	/* What was sent comes, and nothing else; then the socket is as good as new. */
	self->rx = (struct zct_rx){ .sock = self->sock[1], .check = false };
	zct_rx_start(&self->rx);
	ASSERT_EQ(0, submit(self, self->sock[0], 0, SIZE, 0, 9));
	ASSERT_TRUE(zct_event(self->fd, &self->ev, 20000));
	EXPECT_EQ(SIZE, self->ev.sent);
	shutdown(self->sock[0], SHUT_WR);
	zct_rx_join(&self->rx);
	EXPECT_EQ(sent + SIZE, self->rx.bytes);
}

/* Is the stream at its end, or reset, within @ms, whatever comes before? */
static bool stream_ends(int sock, int ms)
{
	static char buf[1 << 16];
	uint64_t until = zct_now_ms() + ms;
	struct pollfd p = { .fd = sock, .events = POLLIN };

	while (zct_now_ms() < until && poll(&p, 1, 100) >= 0)
		if (recv(sock, buf, sizeof(buf), MSG_DONTWAIT) == 0 ||
		    (errno != EAGAIN && errno != EINTR))
			return true;
	return false;
}

/* The last close of the device cancels: nothing remains, the sockets are free. */
TEST_F_TIMEOUT(async, closed, 120)
{
	int other[2], i;

	ASSERT_EQ(0, zct_pair(AF_INET6, other));
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, submit(self, self->sock[0], 0, SIZE, 0, i));
		ASSERT_EQ(0, submit(self, other[0], 0, SIZE, ZC_SEND_CACHED, i));
	}
	close(self->sock[0]);
	close(other[0]);
	usleep(200000);
	close(self->fd);
	self->fd = zct_open();
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 1000));
	EXPECT_TRUE(stream_ends(self->sock[1], 5000));
	EXPECT_TRUE(stream_ends(other[1], 5000));
	close(other[1]);
}

TEST_F_TIMEOUT(async, killed, 240)
{
	int i, round, most = zct_kernel_is_slow() ? 3000 : 1000;

	for (round = 0; round < 10; round++) {
		int n = 20, sock[20][2];
		uint64_t before;
		pid_t pid;

		for (i = 0; i < n; i++)
			ASSERT_EQ(0, zct_pair(AF_INET, sock[i]));
		pid = fork();
		if (!pid) {
			close(self->fd);
			self->fd = open("/dev/zc", O_RDWR);
			for (i = 0; i < 10 * n; i++)
				if (submit(self, sock[i % n][0], i, SIZE, i & 1 ?
					   ZC_SEND_CACHED : 0, i))
					_exit(1);
			pause();
		}
		for (i = 0; i < n; i++)
			close(sock[i][0]);
		usleep(20000 * round);
		kill(pid, SIGKILL);
		before = zct_now_ms();
		waitpid(pid, NULL, 0);
		EXPECT_TRUE(zct_used_becomes(self->fd, self->used, most));
		EXPECT_LT(zct_now_ms() - before, most);
		for (i = 0; i < n; i++) {
			EXPECT_TRUE(stream_ends(sock[i][1], 5000));
			close(sock[i][1]);
		}
	}
}

TEST_F_TIMEOUT(async, errors, 120)
{
	int null = open("/dev/null", O_RDWR), udp = socket(AF_INET, SOCK_DGRAM, 0);
	int i;

	EXPECT_EQ(-EINVAL, submit(self, self->sock[0], 0, 1, ZC_SEND_POS, 0));
	EXPECT_EQ(-EINVAL, submit(self, self->sock[0], 0, 1,
				  ZC_SEND_DIRECT | ZC_SEND_CACHED, 0));
	EXPECT_EQ(-EINVAL, submit(self, self->sock[0], UINT64_MAX, 1, 0, 0));
	EXPECT_EQ(-EBADF, submit(self, -1, 0, 1, 0, 0));
	EXPECT_EQ(-ENOTSOCK, submit(self, null, 0, 1, 0, 0));
	EXPECT_EQ(-EOPNOTSUPP, submit(self, udp, 0, 1, 0, 0));
	/* No event comes of those. */
	EXPECT_FALSE(zct_event(self->fd, &self->ev, 200));

	/* A peer that goes, before and in the middle; others are not harmed. */
	ASSERT_EQ(0, submit(self, self->sock[0], 0, SIZE, 0, 5));
	EXPECT_FALSE(zct_event(self->fd, &self->ev, 200));
	close(self->sock[1]);
	ASSERT_TRUE(zct_event(self->fd, &self->ev, 5000));
	EXPECT_TRUE(self->ev.error == EPIPE || self->ev.error == ECONNRESET)
		TH_LOG("error %u", self->ev.error);
	EXPECT_LT(self->ev.sent, SIZE);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, submit(self, self->sock[0], 0, SIZE, 0, 6 + i));
		ASSERT_TRUE(zct_event(self->fd, &self->ev, 5000));
		EXPECT_EQ(EPIPE, self->ev.error);
		EXPECT_EQ(0, self->ev.sent);
	}
	one(_metadata, self, AF_INET, 0, SIZE, 0);
	/* A file that shrinks: what there is. */
	reconnect(_metadata, self, AF_INET);
	ASSERT_EQ(0, submit(self, self->sock[0], 0, SIZE, 0, 1));
	EXPECT_FALSE(zct_event(self->fd, &self->ev, 200));
	ASSERT_EQ(0, ftruncate(self->file, SIZE / 2));
	receive(self, 0);
	ASSERT_TRUE(zct_event(self->fd, &self->ev, 20000));
	EXPECT_EQ(0, self->ev.error);
	shutdown(self->sock[0], SHUT_WR);
	zct_rx_join(&self->rx);
	EXPECT_EQ(self->ev.sent, self->rx.bytes);
	EXPECT_GE(self->ev.sent, SIZE / 2);
	close(udp);
	close(null);
}

/* What a file says to whom, by his namespaces, a worker is not told. */
TEST_F(async, personal)
{
	static const char * const files[] = {
		"/proc/sys/kernel/hostname", "/proc/self/mountinfo", "/sys/kernel/notes",
		"/sys/fs/cgroup/cgroup.procs",
	};
	int i;

	for (i = 0; i < 4; i++) {
		close(self->file);
		self->file = open(files[i], O_RDONLY);
		ASSERT_GE(self->file, 0);
		EXPECT_EQ(-EOPNOTSUPP, submit(self, self->sock[0], 0, 4096, 0, 0));
	}
	EXPECT_FALSE(zct_event(self->fd, &self->ev, 200));
}

/* From a buffer: DONE, and then RELEASED unless it is sealed. */
TEST_F_TIMEOUT(async, buffer, 120)
{
	struct zc_buf_create buf;
	struct zc_send arg;
	int sealed;
	void *map;

	ASSERT_EQ(0, zct_create(self->fd, 4 * HUGE, 0, ZC_NODE_ANY, &buf));
	map = zct_map(self->fd, &buf);
	ASSERT_NE(MAP_FAILED, map);
	zct_pattern(map, 0, 4 * HUGE);
	munmap(map, 4 * HUGE);
	for (sealed = 0; sealed < 2; sealed++) {
		reconnect(_metadata, self, AF_INET);
		arg = (struct zc_send){
			.handle = buf.handle,
			.out_fd = self->sock[0],
			.offset = 77,
			.len = 4 * HUGE - 77,
			.flags = ZC_SEND_ASYNC,
			.user_data = 0xabcdef,
		};
		ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_SEND, &arg));
		EXPECT_EQ(0, arg.sent);
		EXPECT_EQ(0, arg.events);
		EXPECT_FALSE(zct_event(self->fd, &self->ev, 300));
		/* The handle may go meanwhile. */
		if (sealed)
			EXPECT_EQ(0, zct_destroy(self->fd, buf.handle));
		receive(self, 77);
		ASSERT_TRUE(zct_event(self->fd, &self->ev, 20000));
		EXPECT_EQ(ZC_EVENT_DONE, self->ev.type);
		EXPECT_EQ(0xabcdef, self->ev.user_data);
		EXPECT_EQ(4 * HUGE - 77, self->ev.sent);
		EXPECT_EQ(4 * HUGE, self->ev.offset);
		EXPECT_EQ(0, self->ev.error);
		if (!sealed) {
			ASSERT_TRUE(zct_event(self->fd, &self->ev, 20000));
			EXPECT_EQ(ZC_EVENT_RELEASED, self->ev.type);
			EXPECT_EQ(0xabcdef, self->ev.user_data);
			EXPECT_EQ(4 * HUGE - 77, self->ev.sent);
		}
		shutdown(self->sock[0], SHUT_WR);
		zct_rx_join(&self->rx);
		EXPECT_EQ(4 * HUGE - 77, self->rx.bytes);
		EXPECT_EQ(-1, self->rx.bad);
		EXPECT_FALSE(zct_event(self->fd, &self->ev, 100));
		if (!sealed)
			ASSERT_EQ(0, zct_seal(self->fd, buf.handle));
	}
}

/* Transfers and sends of others share a socket without harm to either. */
TEST_F_TIMEOUT(async, shared_socket, 120)
{
	uint64_t i, others = 0;

	self->rx = (struct zct_rx){ .sock = self->sock[1], .check = false };
	zct_rx_start(&self->rx);
	for (i = 0; i < 50; i++) {
		ASSERT_EQ(0, submit(self, self->sock[0], i, HUGE, 0, i));
		others += write(self->sock[0], "others", 6);
	}
	for (i = 0; i < 50; i++) {
		ASSERT_TRUE(zct_event(self->fd, &self->ev, 20000));
		EXPECT_EQ(i, self->ev.user_data);
		EXPECT_EQ(HUGE, self->ev.sent);
		EXPECT_EQ(0, self->ev.error);
	}
	shutdown(self->sock[0], SHUT_WR);
	zct_rx_join(&self->rx);
	EXPECT_EQ(50 * HUGE + others, self->rx.bytes);
}

/*
 * Half of the module's memory is not to be had, and many want some: all come to
 * their end.
 */
TEST_F_TIMEOUT(async, little_memory, 240)
{
	struct zct_rx rx[50];
	int sock[50][2], i;

	ASSERT_EQ(0, zct_param_set("max_bytes", 2 * HUGE));
	for (i = 0; i < 50; i++) {
		ASSERT_EQ(0, zct_pair(AF_INET, sock[i]));
		rx[i] = (struct zct_rx){ .sock = sock[i][1], .offset = i,
					 .check = true };
		zct_rx_start(&rx[i]);
		ASSERT_EQ(0, submit(self, sock[i][0], i, HUGE, ZC_SEND_DIRECT, i));
	}
	for (i = 0; i < 50; i++) {
		/* Longer than it may take one to give up for want of memory. */
		ASSERT_TRUE(zct_event(self->fd, &self->ev, 40000))
			TH_LOG("after %d, %llu bytes used", i,
			       (unsigned long long)zct_used(self->fd));
		EXPECT_EQ(0, self->ev.error)
			TH_LOG("transfer %llu, after %llu bytes",
			       (unsigned long long)self->ev.user_data,
			       (unsigned long long)self->ev.sent);
		EXPECT_EQ(HUGE, self->ev.sent);
	}
	for (i = 0; i < 50; i++) {
		shutdown(sock[i][0], SHUT_WR);
		zct_rx_join(&rx[i]);
		EXPECT_EQ(HUGE, rx[i].bytes);
		EXPECT_EQ(-1, rx[i].bad);
		close(sock[i][0]);
		close(sock[i][1]);
	}
}

/* All that the module may have. */
static uint32_t have_all_memory(struct __test_metadata *_metadata, SELF *self)
{
	struct zc_buf_create buf;

	EXPECT_EQ(0, zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &buf));
	EXPECT_EQ(0, zct_param_set("max_bytes", zct_used(self->fd)));
	return buf.handle;
}

/* There is none: looked for again, for half a minute. */
TEST_F_TIMEOUT(async, no_memory, 240)
{
	uint64_t begin = zct_now_ms();

	if (!zct_all())
		SKIP(return, "takes half a minute; make check-all has it");
	have_all_memory(_metadata, self);
	ASSERT_EQ(0, submit(self, self->sock[0], 0, 10000, ZC_SEND_DIRECT, 1));
	ASSERT_TRUE(zct_event(self->fd, &self->ev, 120000));
	EXPECT_EQ(ENOMEM, self->ev.error);
	EXPECT_EQ(0, self->ev.sent);
	EXPECT_LE(29000, zct_now_ms() - begin);
}

/* Or until there is some. */
TEST_F_TIMEOUT(async, no_memory_yet, 240)
{
	uint32_t handle = have_all_memory(_metadata, self);

	ASSERT_EQ(0, submit(self, self->sock[0], 0, 10000, ZC_SEND_DIRECT, 2));
	EXPECT_FALSE(zct_event(self->fd, &self->ev, 2000));
	EXPECT_EQ(0, zct_destroy(self->fd, handle));
	ASSERT_TRUE(zct_event(self->fd, &self->ev, 20000));
	EXPECT_EQ(2, self->ev.user_data);
	EXPECT_EQ(0, self->ev.error);
	EXPECT_EQ(10000, self->ev.sent);
}

/* As many as a file may have, of transfers and events; one more is refused, and has no event. */
TEST_F_TIMEOUT(async, too_many, 600)
{
	const unsigned int most = 65536;
	uint64_t sum = 0;
	uint32_t count, i;

	for (i = 0; i < most; i++)
		ASSERT_EQ(0, submit(self, self->sock[0], 0, SIZE, 0, i));
	EXPECT_EQ(-ENOBUFS, submit(self, self->sock[0], 0, SIZE, 0, most));
	EXPECT_EQ(0, cancel(self, 0, ZC_CANCEL_ALL, &count));
	EXPECT_EQ(most, count);
	for (i = 0; i < most; i++) {
		ASSERT_TRUE(zct_event(self->fd, &self->ev, 60000));
		ASSERT_EQ(ECANCELED, self->ev.error);
		sum += self->ev.user_data;
	}
	EXPECT_FALSE(zct_event(self->fd, &self->ev, 0));
	EXPECT_EQ((uint64_t)most * (most - 1) / 2, sum);
	reconnect(_metadata, self, AF_INET);
	ASSERT_EQ(0, submit(self, self->sock[0], 0, 1, 0, 7));
	ASSERT_TRUE(zct_event(self->fd, &self->ev, 20000));
	EXPECT_EQ(1, self->ev.sent);
}

TEST_HARNESS_MAIN
