// SPDX-License-Identifier: GPL-2.0-only
/* ZC_IOC_SEND, ZC_IOC_BUF_SEAL, and the events that tell of the end. */
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "zc_test.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(send)

#define SIZE	(8 * HUGE)

FIXTURE(send)
{
	int fd;
	uint64_t used;
	struct zc_buf_create buf;
	char *map;
	struct zc_send arg;
	struct zct_rx rx;
};

FIXTURE_SETUP(send)
{
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->used = zct_used(self->fd);
	ASSERT_EQ(0, zct_create(self->fd, SIZE, 0, ZC_NODE_ANY, &self->buf));
	self->map = zct_map(self->fd, &self->buf);
	ASSERT_NE(MAP_FAILED, self->map);
	zct_pattern(self->map, 0, SIZE);
}

FIXTURE_TEARDOWN(send)
{
	if (self->map)
		munmap(self->map, SIZE);
	zct_destroy(self->fd, self->buf.handle);
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 2000));
	close(self->fd);
}

static void unmap(SELF *self)
{
	munmap(self->map, SIZE);
	self->map = NULL;
}

static int send_to(SELF *self, int sock, uint64_t offset, uint64_t len,
		   uint32_t flags)
{
	self->arg = (struct zc_send){
		.handle = self->buf.handle,
		.out_fd = sock,
		.offset = offset,
		.len = len,
		.flags = flags,
		.user_data = 0x1234567890abcdef ^ offset,
	};
	return zct_ioctl(self->fd, ZC_IOC_SEND, &self->arg);
}

/* Send over a new connection to a receiver that checks the pattern. */
static void send_range(struct __test_metadata *_metadata, SELF *self, int family,
		       uint64_t offset, uint64_t len)
{
	int sock[2];

	ASSERT_EQ(0, zct_pair(family, sock));
	self->rx = (struct zct_rx){ .sock = sock[1], .offset = offset, .check = true };
	zct_rx_start(&self->rx);
	EXPECT_EQ(0, send_to(self, sock[0], offset, len, 0));
	shutdown(sock[0], SHUT_WR);
	zct_rx_join(&self->rx);
	EXPECT_EQ(len, self->arg.sent);
	EXPECT_EQ(offset + len, self->arg.offset);
	EXPECT_EQ(0, self->arg.error);
	EXPECT_EQ(len, self->rx.bytes);
	EXPECT_EQ(-1, self->rx.bad);
	close(sock[0]);
	close(sock[1]);
}

static int events_ready(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms);
}

static const uint64_t offsets[] = { 0, 1, 4095, HUGE - 1, HUGE, 3 * HUGE + 5 };
static const uint64_t lens[] = { 0, 1, 4097, 65536, HUGE, 2 * HUGE + 77, 4 * HUGE };

#define NR(array)	(sizeof(array) / sizeof(*(array)))

TEST_F_TIMEOUT(send, sealed, 120)
{
	size_t i, j;

	unmap(self);
	ASSERT_EQ(0, zct_seal(self->fd, self->buf.handle));
	for (i = 0; i < NR(offsets); i++) {
		for (j = 0; j < NR(lens); j++) {
			send_range(_metadata, self, AF_INET, offsets[i], lens[j]);
			EXPECT_TRUE(zct_none_copied(self->arg.copied,
						    self->arg.copy_reasons));
			EXPECT_EQ(0, self->arg.events);
		}
	}
	send_range(_metadata, self, AF_INET, 0, SIZE);
	send_range(_metadata, self, AF_INET6, 1, SIZE - 2);
	send_range(_metadata, self, AF_UNIX, 3, SIZE - 3);
	EXPECT_EQ(0, self->arg.copied);
	EXPECT_EQ(0, events_ready(self->fd, 100));
}

/* Load once, serve to many. */
TEST_F_TIMEOUT(send, sealed_to_many, 120)
{
	int sock[16][2], i;

	unmap(self);
	ASSERT_EQ(0, zct_seal(self->fd, self->buf.handle));
	for (i = 0; i < 16; i++) {
		ASSERT_EQ(0, zct_pair(AF_INET, sock[i]));
		ASSERT_EQ(0, send_to(self, sock[i][0], i, SIZE - i, ZC_SEND_NONBLOCK));
		shutdown(sock[i][0], SHUT_WR);
		/* What is in the sockets needs no buffer. */
		if (i == 15)
			EXPECT_EQ(0, zct_destroy(self->fd, self->buf.handle));
		self->rx.bytes = self->arg.sent;
		EXPECT_GT(self->arg.sent, 0);
	}
	for (i = 0; i < 16; i++) {
		self->rx = (struct zct_rx){ .sock = sock[i][1], .offset = i,
					    .check = true };
		zct_rx_start(&self->rx);
		zct_rx_join(&self->rx);
		EXPECT_GT(self->rx.bytes, 0);
		EXPECT_EQ(-1, self->rx.bad);
		close(sock[i][0]);
		close(sock[i][1]);
	}
}

TEST_F_TIMEOUT(send, seal_rules, 120)
{
	struct zc_buf_query query = { .handle = self->buf.handle };
	struct zc_buf_seal arg = { .handle = self->buf.handle, .flags = 1 };
	struct zc_buf_create create;
	pid_t pid;
	char *map;
	int ret;

	EXPECT_EQ(-EINVAL, zct_create(self->fd, HUGE, ZC_BUF_SEALED, ZC_NODE_ANY,
				      &create));
	EXPECT_EQ(-EINVAL, zct_ioctl(self->fd, ZC_IOC_BUF_SEAL, &arg));
	arg.flags = 0;
	arg.handle = 99;
	EXPECT_EQ(-ENOENT, zct_ioctl(self->fd, ZC_IOC_BUF_SEAL, &arg));
	EXPECT_EQ(-EBUSY, zct_seal(self->fd, self->buf.handle));
	/* It could be made writable again. */
	ASSERT_EQ(0, mprotect(self->map, SIZE, PROT_READ));
	EXPECT_EQ(-EBUSY, zct_seal(self->fd, self->buf.handle));
	/* A part is enough, be it of a child. */
	munmap(self->map, SIZE - HUGE);
	EXPECT_EQ(-EBUSY, zct_seal(self->fd, self->buf.handle));
	pid = fork();
	if (!pid) {
		pause();
		_exit(0);
	}
	munmap(self->map + SIZE - HUGE, HUGE);
	self->map = NULL;
	EXPECT_EQ(-EBUSY, zct_seal(self->fd, self->buf.handle));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	EXPECT_EQ(0, zct_seal(self->fd, self->buf.handle));
	EXPECT_EQ(0, zct_seal(self->fd, self->buf.handle));
	EXPECT_EQ(0, zct_ioctl(self->fd, ZC_IOC_BUF_QUERY, &query));
	EXPECT_EQ(ZC_BUF_SEALED, query.flags);

	EXPECT_EQ(MAP_FAILED, zct_map(self->fd, &self->buf));
	EXPECT_EQ(EPERM, errno);
	map = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, self->fd, self->buf.mmap_offset);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(-1, zct_pattern_check(map, 0, SIZE));
	ret = mprotect(map, SIZE, PROT_READ | PROT_WRITE);
	EXPECT_EQ(-1, ret);
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(0, zct_seal(self->fd, self->buf.handle));
	munmap(map, SIZE);
	/* Nothing came to harm by all that. */
	send_range(_metadata, self, AF_INET, 0, SIZE);
	EXPECT_EQ(0, self->arg.events);
}

/* A read into the buffer that its mapping has not survived can still write to it. */
TEST_F_TIMEOUT(send, seal_read_under_way, 120)
{
	int disk = zct_disk_slow(64, 1500);
	struct iocb cb = {
		.aio_fildes = disk,
		.aio_lio_opcode = IOCB_CMD_PREAD,
		.aio_buf = (uintptr_t)self->map + HUGE,
		.aio_nbytes = 65536,
	};
	struct iocb *list[] = { &cb };
	aio_context_t ctx = 0;
	struct io_event done;

	if (disk < 0)
		SKIP(return, "no null_blk with configfs");
	ASSERT_EQ(0, syscall(SYS_io_setup, 1, &ctx));
	ASSERT_EQ(1, syscall(SYS_io_submit, ctx, 1, list));
	munmap(self->map, SIZE);
	self->map = NULL;
	EXPECT_EQ(-EBUSY, zct_seal(self->fd, self->buf.handle));
	ASSERT_EQ(1, syscall(SYS_io_getevents, ctx, 1, 1, &done, NULL));
	EXPECT_EQ(65536, done.res);
	EXPECT_EQ(0, zct_seal(self->fd, self->buf.handle));
	syscall(SYS_io_destroy, ctx);
	close(disk);
	EXPECT_EQ(0, zct_disk_free());
}

/* What the network holds of destroyed buffers counts against the limit. */
TEST_F_TIMEOUT(send, destroyed_counts, 120)
{
	struct zc_query query = {};
	struct zc_buf_create create;
	unsigned int nr = 0;
	int sock[2], ret;

	/* The buffers of this socket would take thousands of so few bytes. */
	ASSERT_EQ(0, zct_pair(AF_UNIX, sock));
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_QUERY, &query));
	do {
		struct zc_send arg = {
			.out_fd = sock[0], .len = 1024, .flags = ZC_SEND_NONBLOCK,
		};

		ret = zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &create);
		if (ret)
			break;
		arg.handle = create.handle;
		ASSERT_EQ(0, zct_seal(self->fd, create.handle));
		ret = zct_ioctl(self->fd, ZC_IOC_SEND, &arg);
		ASSERT_EQ(0, zct_destroy(self->fd, create.handle));
		ASSERT_LT(++nr, 2 * query.max_bytes / HUGE);
	} while (!ret);
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_QUERY, &query));
	EXPECT_LE(query.used_bytes + query.held_bytes, query.max_bytes);
	EXPECT_GE(query.held_bytes, (nr - 1) * HUGE);
	close(sock[0]);
	close(sock[1]);
	/* All of it comes back. */
	EXPECT_EQ(0, zct_create(self->fd, (nr - 1) * HUGE, ZC_BUF_SMALL_OK,
				ZC_NODE_ANY, &create));
	EXPECT_EQ(0, zct_destroy(self->fd, create.handle));
}

/* Nobody can write to a sealed buffer by other ways. */
TEST_F_TIMEOUT(send, sealed_is_read_only, 120)
{
	int file = open(SPARE_DISK, O_RDONLY | O_DIRECT), mem;
	char *map;

	ASSERT_GE(file, 0);
	unmap(self);
	ASSERT_EQ(0, zct_seal(self->fd, self->buf.handle));
	map = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, self->fd, self->buf.mmap_offset);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(-1, pread(file, map, 4096, 0));
	EXPECT_EQ(EFAULT, errno);
	mem = open("/proc/self/mem", O_RDWR);
	ASSERT_GE(mem, 0);
	EXPECT_EQ(-1, pwrite(mem, "x", 1, (uintptr_t)map));
	EXPECT_EQ(-1, zct_pattern_check(map, 0, SIZE));
	munmap(map, SIZE);
	close(mem);
	close(file);
}

/* One event for each send, with what was given to it. */
TEST_F_TIMEOUT(send, unsealed, 120)
{
	struct zc_event ev;
	size_t i, j;

	for (i = 0; i < NR(offsets); i++) {
		for (j = 0; j < NR(lens); j++) {
			send_range(_metadata, self, AF_INET, offsets[i], lens[j]);
			EXPECT_EQ(!!lens[j], self->arg.events);
			EXPECT_TRUE(zct_none_copied(self->arg.copied,
						    self->arg.copy_reasons));
			if (!lens[j])
				continue;
			ASSERT_TRUE(zct_event(self->fd, &ev, 10000));
			EXPECT_EQ(0x1234567890abcdef ^ offsets[i], ev.user_data);
			EXPECT_EQ(ZC_EVENT_RELEASED, ev.type);
			EXPECT_EQ(0, ev.error);
			EXPECT_EQ(lens[j], ev.sent);
			/*
			 * Over the loopback, where the receiver is in this host;
			 * again for each retransmission.
			 */
			if (self->arg.copied) {
				EXPECT_EQ(0, ev.copied);
			} else {
				EXPECT_LE(lens[j], ev.copied);
				EXPECT_EQ(ZC_COPY_LOOPBACK, ev.copy_reasons);
			}
			EXPECT_EQ(0, events_ready(self->fd, 0));
		}
	}
	send_range(_metadata, self, AF_UNIX, 5, SIZE - 5);
	EXPECT_EQ(SIZE - 5, self->arg.copied);
	EXPECT_EQ(ZC_COPY_LOOPBACK, self->arg.copy_reasons);
	ASSERT_TRUE(zct_event(self->fd, &ev, 10000));
	EXPECT_EQ(0, ev.copied);
}

/* Not before the socket is done with it. */
TEST_F_TIMEOUT(send, event_in_time, 120)
{
	struct zc_event ev;
	uint64_t sent;
	int sock[2];

	ASSERT_EQ(0, zct_pair(AF_INET, sock));
	ASSERT_EQ(0, send_to(self, sock[0], 0, SIZE, ZC_SEND_NONBLOCK));
	sent = self->arg.sent;
	ASSERT_LT(sent, SIZE);
	EXPECT_EQ(EAGAIN, self->arg.error);
	EXPECT_EQ(1, self->arg.events);
	EXPECT_EQ(0, events_ready(self->fd, 500));
	self->rx = (struct zct_rx){ .sock = sock[1], .check = true };
	zct_rx_start(&self->rx);
	EXPECT_TRUE(zct_event(self->fd, &ev, 10000));
	EXPECT_EQ(sent, ev.sent);
	/* From here on it may be changed. */
	memset(self->map, 0xff, SIZE);
	shutdown(sock[0], SHUT_WR);
	zct_rx_join(&self->rx);
	EXPECT_EQ(sent, self->rx.bytes);
	EXPECT_EQ(-1, self->rx.bad);
	close(sock[0]);
	close(sock[1]);
}

TEST_F_TIMEOUT(send, events, 120)
{
	void *volatile nowhere = NULL;
	struct zc_event ev[10];
	int sock[2], i, flags;
	pid_t pid;

	EXPECT_EQ(-1, read(self->fd, ev, sizeof(*ev) - 1));
	EXPECT_EQ(EINVAL, errno);
	flags = fcntl(self->fd, F_GETFL);
	ASSERT_EQ(0, fcntl(self->fd, F_SETFL, flags | O_NONBLOCK));
	EXPECT_EQ(-1, read(self->fd, ev, sizeof(ev)));
	EXPECT_EQ(EAGAIN, errno);
	ASSERT_EQ(0, fcntl(self->fd, F_SETFL, flags));
	ASSERT_EQ(0, zct_pair(AF_INET, sock));
	self->rx = (struct zct_rx){ .sock = sock[1] };
	zct_rx_start(&self->rx);

	/* A reader that waits is woken. */
	pid = fork();
	if (!pid) {
		usleep(300000);
		_exit(send_to(self, sock[0], 7, 1, 0));
	}
	EXPECT_EQ(sizeof(*ev), read(self->fd, ev, sizeof(ev)));
	EXPECT_EQ(0x1234567890abcdef ^ 7, ev->user_data);
	waitpid(pid, NULL, 0);

	/* As many as there are; a part of one is not for the taking. */
	for (i = 0; i < 25; i++)
		ASSERT_EQ(0, send_to(self, sock[0], i, 1, 0));
	for (i = 0; i < 25;) {
		ssize_t n = read(self->fd, ev, sizeof(ev) - 1);

		ASSERT_GT(n, 0);
		ASSERT_EQ(0, n % sizeof(*ev));
		i += n / sizeof(*ev);
	}
	EXPECT_EQ(25, i);
	/* To nowhere: the event stays. */
	ASSERT_EQ(0, send_to(self, sock[0], 3, 1, 0));
	EXPECT_EQ(1, events_ready(self->fd, 10000));
	EXPECT_EQ(-1, read(self->fd, nowhere, sizeof(ev)));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(sizeof(*ev), read(self->fd, ev, sizeof(ev)));
	EXPECT_EQ(0x1234567890abcdef ^ 3, ev->user_data);
	shutdown(sock[0], SHUT_WR);
	zct_rx_join(&self->rx);
	close(sock[0]);
	close(sock[1]);
}

TEST_F_TIMEOUT(send, errors, 120)
{
	int sock[2], udp = socket(AF_INET, SOCK_DGRAM, 0);
	int null = open("/dev/null", O_RDWR);
	struct zc_send *arg = &self->arg;

	ASSERT_EQ(0, zct_pair(AF_INET, sock));
	EXPECT_EQ(-EINVAL, send_to(self, sock[0], SIZE, 1, 0));
	EXPECT_EQ(-EINVAL, send_to(self, sock[0], SIZE + 1, 0, 0));
	EXPECT_EQ(-EINVAL, send_to(self, sock[0], 1, UINT64_MAX, 0));
	EXPECT_EQ(-EINVAL, send_to(self, sock[0], UINT64_MAX, 2, 0));
	EXPECT_EQ(-EINVAL, send_to(self, sock[0], 0, 1, ZC_SEND_DIRECT));
	EXPECT_EQ(-EINVAL, send_to(self, sock[0], 0, 1, ZC_SEND_POS));
	EXPECT_EQ(-EINVAL, send_to(self, sock[0], 0, 1, 1u << 31));
	EXPECT_EQ(-EBADF, send_to(self, -1, 0, 1, 0));
	EXPECT_EQ(-ENOTSOCK, send_to(self, null, 0, 1, 0));
	EXPECT_EQ(-EOPNOTSUPP, send_to(self, udp, 0, 1, 0));
	*arg = (struct zc_send){ .handle = 77, .out_fd = sock[0], .len = 1 };
	EXPECT_EQ(-ENOENT, zct_ioctl(self->fd, ZC_IOC_SEND, arg));
	*arg = (struct zc_send){ .handle = self->buf.handle, .out_fd = sock[0],
				 .len = 1, .__resv = { [2] = 1 } };
	EXPECT_EQ(-EINVAL, zct_ioctl(self->fd, ZC_IOC_SEND, arg));
	close(sock[1]);
	/* The first may be taken before the reset comes back. */
	while (!send_to(self, sock[0], 0, HUGE, ZC_SEND_NOSIGNAL))
		;
	EXPECT_TRUE(arg->error == EPIPE || arg->error == ECONNRESET);
	EXPECT_EQ(0, arg->sent);
	EXPECT_EQ(0, arg->events);
	close(sock[0]);
	close(udp);
	close(null);
}

/* Killed with everything under way: the sockets keep what they have taken. */
TEST_F_TIMEOUT(send, killed, 120)
{
	int i, sock[2];

	for (i = 0; i < 10; i++) {
		pid_t pid;

		ASSERT_EQ(0, zct_pair(AF_INET, sock));
		pid = fork();
		if (!pid) {
			struct zc_buf_create buf;
			int fd = open("/dev/zc", O_RDWR);
			struct zc_send arg = { .out_fd = sock[0], .len = SIZE };
			char *map;

			if (zct_create(fd, SIZE, 0, ZC_NODE_ANY, &buf))
				_exit(1);
			map = zct_map(fd, &buf);
			zct_pattern(map, 0, SIZE);
			arg.handle = buf.handle;
			for (;;)
				ioctl(fd, ZC_IOC_SEND, &arg);
		}
		usleep(100000 + i * 20000);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		close(sock[0]);
		self->rx = (struct zct_rx){ .sock = sock[1], .check = true };
		zct_rx_start(&self->rx);
		zct_rx_join(&self->rx);
		EXPECT_EQ(-1, self->rx.bad);
		close(sock[1]);
	}
}

TEST_HARNESS_MAIN
