// SPDX-License-Identifier: GPL-2.0-only
/* Events of the netlink family: of buffers and of transfers, in their order, and none too many. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "kselftest_harness.h"
#include "nl.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(event)

#define NAME	EXT4_DIR "/nl_event"
#define SIZE	(16 * HUGE)
#define MS	5000

FIXTURE(event)
{
	int fd;
	int file;
	uint64_t used;
	/* Who listens, and who asks. */
	struct nl nl;
	struct nl ask;
	struct nl_stats before;
	struct nl_req req;
	struct nl_msg msg;
};

static int module_get(SELF *self)
{
	nl_begin(&self->req, ZC_CMD_MODULE_GET);
	return nl_do(&self->ask, &self->req, &self->msg);
}

FIXTURE_SETUP(event)
{
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->used = zct_used(self->fd);
	self->file = zct_pattern_file(NAME, SIZE);
	ASSERT_GE(self->file, 0);
	ASSERT_EQ(0, nl_open(&self->nl));
	ASSERT_EQ(0, nl_open(&self->ask));
	ASSERT_EQ(0, nl_stats(&self->ask, &self->before));
}

FIXTURE_TEARDOWN(event)
{
	nl_close(&self->nl);
	EXPECT_EQ(0, nl_grown(&self->ask, &self->before, ZC_A_STATS_EVENTS_LOST));
	nl_close(&self->ask);
	close(self->fd);
	close(self->file);
	unlink(NAME);
	self->fd = zct_open();
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 5000));
	close(self->fd);
}

/* From here on what happens is heard: kernels before 6.10 have to be made to look. */
static void listen_to(struct __test_metadata *_metadata, SELF *self, enum nl_group group)
{
	ASSERT_EQ(0, nl_join(&self->nl, group));
	ASSERT_EQ(0, module_get(self));
}

/* Is the next event that, of that buffer? */
static bool next_is(SELF *self, uint8_t cmd, uint32_t id)
{
	int ret = nl_event(&self->nl, &self->msg, MS);

	if (ret == 1 && self->msg.cmd == cmd && nl_u32(&self->msg, ZC_A_BUFFER_ID) == id)
		return true;
	printf("# %d: event %d of buffer %u, not %d of %u\n", ret, self->msg.cmd,
	       nl_u32(&self->msg, ZC_A_BUFFER_ID), cmd, id);
	return false;
}

#define MADE(id)	EXPECT_TRUE(next_is(self, ZC_CMD_BUFFER_MADE_NTF, id))
#define FREED(id)	EXPECT_TRUE(next_is(self, ZC_CMD_BUFFER_FREED_NTF, id))
#define NOTHING()	EXPECT_EQ(0, nl_event(&self->nl, &self->msg, 300))

TEST_F_TIMEOUT(event, made_and_freed, 120)
{
	struct zc_buf_create buf, other;
	uint32_t id, second;

	listen_to(_metadata, self, NL_BUFFERS);
	ASSERT_EQ(0, zct_create(self->fd, 3 * HUGE, ZC_BUF_ZERO, 1, &buf));
	id = nl_buffer_id(self->fd, buf.handle);
	MADE(id);
	EXPECT_EQ(ZC_BUFFER_STATE_HANDLE, nl_u32(&self->msg, ZC_A_BUFFER_STATE));
	EXPECT_EQ(buf.handle, nl_u32(&self->msg, ZC_A_BUFFER_HANDLE));
	EXPECT_EQ(3 * HUGE, nl_u64(&self->msg, ZC_A_BUFFER_SIZE));
	EXPECT_EQ(ZC_BUF_ZERO, nl_u32(&self->msg, ZC_A_BUFFER_FLAGS));
	EXPECT_EQ(getpid(), nl_u32(&self->msg, ZC_A_BUFFER_PID));
	EXPECT_EQ(0, nl_u32(&self->msg, ZC_A_BUFFER_UID));
	EXPECT_EQ(1, nl_u32(&self->msg, ZC_A_BUFFER_NODE));
	EXPECT_STREQ("event", nl_str(&self->msg, ZC_A_BUFFER_COMM));
	ASSERT_EQ(0, zct_create(self->fd, 4096, ZC_BUF_SLICE, ZC_NODE_ANY, &other));
	second = nl_buffer_id(self->fd, other.handle);
	MADE(second);
	ASSERT_EQ(0, zct_destroy(self->fd, buf.handle));
	FREED(id);
	EXPECT_EQ(0, nl_u32(&self->msg, ZC_A_BUFFER_STATE));
	EXPECT_EQ(3 * HUGE, nl_u64(&self->msg, ZC_A_BUFFER_SIZE));
	ASSERT_EQ(0, zct_destroy(self->fd, other.handle));
	FREED(second);
	NOTHING();
}

/* One that was parked and is had again has its number, and is told of as if it were new. */
TEST_F_TIMEOUT(event, again, 120)
{
	struct zc_buf_create buf;
	uint32_t id;
	int i;

	listen_to(_metadata, self, NL_BUFFERS);
	ASSERT_EQ(0, zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &buf));
	id = nl_buffer_id(self->fd, buf.handle);
	MADE(id);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, zct_destroy(self->fd, buf.handle));
		FREED(id);
		ASSERT_EQ(0, zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &buf));
		id = nl_buffer_id(self->fd, buf.handle);
		MADE(id);
	}
	ASSERT_EQ(0, zct_destroy(self->fd, buf.handle));
	FREED(id);
	/* When the memory goes that was kept, nobody is told a second time. */
	close(self->fd);
	self->fd = zct_open();
	sleep(1);
	NOTHING();
}

/* One that is mapped goes with its last mapping, and all go with the file. */
TEST_F_TIMEOUT(event, kept, 120)
{
	struct zc_buf_create buf, other;
	uint32_t id, second;
	void *map;

	listen_to(_metadata, self, NL_BUFFERS);
	ASSERT_EQ(0, zct_create(self->fd, HUGE, ZC_BUF_ZERO, ZC_NODE_ANY, &buf));
	id = nl_buffer_id(self->fd, buf.handle);
	MADE(id);
	map = zct_map(self->fd, &buf);
	ASSERT_EQ(0, zct_destroy(self->fd, buf.handle));
	NOTHING();
	munmap(map, HUGE);
	FREED(id);
	ASSERT_EQ(0, zct_create(self->fd, HUGE, ZC_BUF_ZERO, ZC_NODE_ANY, &other));
	second = nl_buffer_id(self->fd, other.handle);
	MADE(second);
	close(self->fd);
	self->fd = zct_open();
	FREED(second);
	NOTHING();
}

TEST_F_TIMEOUT(event, imported, 120)
{
	int mem = memfd_create("zc", MFD_CLOEXEC);
	struct zc_buf_import arg = { 0 };
	uint32_t id;

	ASSERT_GE(mem, 0);
	ASSERT_EQ(0, ftruncate(mem, HUGE));
	arg.fd = mem;
	arg.size = HUGE;
	listen_to(_metadata, self, NL_BUFFERS);
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_BUF_IMPORT, &arg));
	id = nl_buffer_id(self->fd, arg.handle);
	MADE(id);
	EXPECT_EQ(ZC_BUFFER_STATE_HANDLE | ZC_BUFFER_STATE_IMPORTED,
		  nl_u32(&self->msg, ZC_A_BUFFER_STATE));
	ASSERT_EQ(0, zct_destroy(self->fd, arg.handle));
	FREED(id);
	EXPECT_EQ(ZC_BUFFER_STATE_IMPORTED, nl_u32(&self->msg, ZC_A_BUFFER_STATE));
	/* What is refused was never there. */
	arg = (struct zc_buf_import) { .fd = mem, .size = HUGE, .offset = 1 };
	EXPECT_EQ(-EINVAL, zct_ioctl(self->fd, ZC_IOC_BUF_IMPORT, &arg));
	NOTHING();
	close(mem);
}

static bool next_transfer(SELF *self, uint8_t cmd)
{
	int ret = nl_event(&self->nl, &self->msg, MS);

	if (ret == 1 && self->msg.cmd == cmd)
		return true;
	printf("# %d: event %d, not %d\n", ret, self->msg.cmd, cmd);
	return false;
}

#define DONE()		EXPECT_TRUE(next_transfer(self, ZC_CMD_TRANSFER_DONE_NTF))
#define FAILED()	EXPECT_TRUE(next_transfer(self, ZC_CMD_TRANSFER_FAILED_NTF))
#define FALLBACK()	EXPECT_TRUE(next_transfer(self, ZC_CMD_TRANSFER_FALLBACK_NTF))

static void of_end(struct __test_metadata *_metadata, SELF *self, uint64_t sent, uint32_t waiter)
{
	EXPECT_EQ(sent, nl_u64(&self->msg, ZC_A_TRANSFER_SENT));
	EXPECT_EQ(waiter, nl_u32(&self->msg, ZC_A_TRANSFER_WAITER));
	EXPECT_EQ(getpid(), nl_u32(&self->msg, ZC_A_TRANSFER_PID));
	EXPECT_EQ(0, nl_u32(&self->msg, ZC_A_TRANSFER_UID));
	EXPECT_STREQ("event", nl_str(&self->msg, ZC_A_TRANSFER_COMM));
}

TEST_F_TIMEOUT(event, done, 120)
{
	struct zc_sendfile arg;
	struct zct_rx rx;
	char byte[4096];
	int sock[2];

	ASSERT_TRUE(zct_forget(self->file, SIZE));
	listen_to(_metadata, self, NL_TRANSFERS);
	ASSERT_EQ(0, zct_send(self->fd, AF_INET, self->file, 0, 2 * HUGE, ZC_SEND_DIRECT, &arg,
			      &rx));
	DONE();
	of_end(_metadata, self, 2 * HUGE, ZC_TRANSFER_WAITER_CALLER);
	EXPECT_NE(0, nl_u64(&self->msg, ZC_A_TRANSFER_ID));
	EXPECT_TRUE(nl_has(&self->msg, ZC_A_TRANSFER_ID));
	EXPECT_EQ(0, nl_u64(&self->msg, ZC_A_TRANSFER_COPIED));
	EXPECT_EQ(2 * HUGE, nl_u64(&self->msg, ZC_A_TRANSFER_OFFSET));
	EXPECT_FALSE(nl_has(&self->msg, ZC_A_TRANSFER_ERROR));
	/* A few pages have no number. */
	ASSERT_EQ(sizeof(byte), pread(self->file, byte, sizeof(byte), 0));
	ASSERT_EQ(0, zct_send(self->fd, AF_INET, self->file, 0, 4096, 0, &arg, &rx));
	DONE();
	of_end(_metadata, self, 4096, ZC_TRANSFER_WAITER_CALLER);
	EXPECT_FALSE(nl_has(&self->msg, ZC_A_TRANSFER_ID));
	EXPECT_EQ(4096, nl_u64(&self->msg, ZC_A_TRANSFER_CACHED));
	/* Without waiting. */
	ASSERT_EQ(0, zct_pair(AF_INET, sock));
	arg = (struct zc_sendfile) {
		.in_fd = self->file, .out_fd = sock[0], .len = 65536, .flags = ZC_SEND_ASYNC,
	};
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_SENDFILE, &arg));
	DONE();
	of_end(_metadata, self, 65536, ZC_TRANSFER_WAITER_EVENT);
	EXPECT_TRUE(nl_has(&self->msg, ZC_A_TRANSFER_ID));
	NOTHING();
	close(sock[0]);
	close(sock[1]);
}

TEST_F_TIMEOUT(event, failed, 120)
{
	struct zc_cancel cancel = { .flags = ZC_CANCEL_ALL };
	struct zc_sendfile arg = { .in_fd = self->file, .len = SIZE, .flags = ZC_SEND_NOSIGNAL };
	int sock[2], full[2];

	ASSERT_EQ(0, zct_pair(AF_UNIX, sock));
	ASSERT_EQ(0, zct_pair(AF_INET, full));
	close(sock[1]);
	listen_to(_metadata, self, NL_TRANSFERS);
	arg.out_fd = sock[0];
	EXPECT_EQ(-EPIPE, zct_ioctl(self->fd, ZC_IOC_SENDFILE, &arg));
	FAILED();
	of_end(_metadata, self, 0, ZC_TRANSFER_WAITER_CALLER);
	EXPECT_EQ(EPIPE, nl_u32(&self->msg, ZC_A_TRANSFER_ERROR));
	arg = (struct zc_sendfile) {
		.in_fd = self->file, .out_fd = full[0], .len = SIZE, .flags = ZC_SEND_ASYNC,
	};
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_SENDFILE, &arg));
	NOTHING();
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_CANCEL, &cancel));
	FAILED();
	EXPECT_EQ(ECANCELED, nl_u32(&self->msg, ZC_A_TRANSFER_ERROR));
	EXPECT_EQ(ZC_TRANSFER_WAITER_EVENT, nl_u32(&self->msg, ZC_A_TRANSFER_WAITER));
	/* No room is no failure. */
	arg = (struct zc_sendfile) {
		.in_fd = self->file, .out_fd = full[0], .len = SIZE, .flags = ZC_SEND_NONBLOCK,
	};
	while (!zct_ioctl(self->fd, ZC_IOC_SENDFILE, &arg))
		DONE();
	DONE();
	EXPECT_EQ(0, nl_u64(&self->msg, ZC_A_TRANSFER_SENT));
	NOTHING();
	close(sock[0]);
	close(full[0]);
	close(full[1]);
}

/* Copies that somebody could do something about are told of, and those of few bytes are not. */
TEST_F_TIMEOUT(event, fallback, 120)
{
	int file = open("/proc/version", O_RDONLY | O_CLOEXEC);
	struct zc_sendfile arg;
	struct zct_rx rx;

	ASSERT_GE(file, 0);
	listen_to(_metadata, self, NL_TRANSFERS);
	ASSERT_EQ(0, zct_send(self->fd, AF_INET, file, 0, 65536, 0, &arg, &rx));
	ASSERT_LT(0, arg.copied);
	FALLBACK();
	EXPECT_EQ(arg.copied, nl_u64(&self->msg, ZC_A_TRANSFER_COPIED));
	EXPECT_EQ(arg.copy_reasons, nl_u32(&self->msg, ZC_A_TRANSFER_REASONS));
	EXPECT_EQ(ZC_REASON_NO_DIRECT, arg.copy_reasons & ZC_REASON_NO_DIRECT);
	DONE();
	EXPECT_EQ(arg.copied, nl_u64(&self->msg, ZC_A_TRANSFER_COPIED));
	ASSERT_EQ(0, zct_send(self->fd, AF_INET, self->file, 0, 100, ZC_SEND_CACHED, &arg, &rx));
	EXPECT_EQ(100, arg.copied);
	DONE();
	NOTHING();
	close(file);
}

/* Each group by itself; nobody hears of what he has not asked for, or no longer. */
TEST_F_TIMEOUT(event, groups, 120)
{
	struct zc_buf_create buf;
	struct zc_sendfile arg;
	struct zct_rx rx;

	ASSERT_EQ(0, zct_create(self->fd, HUGE, ZC_BUF_ZERO, ZC_NODE_ANY, &buf));
	NOTHING();
	listen_to(_metadata, self, NL_TRANSFERS);
	ASSERT_EQ(0, zct_destroy(self->fd, buf.handle));
	ASSERT_EQ(0, zct_create(self->fd, HUGE, ZC_BUF_ZERO, ZC_NODE_ANY, &buf));
	NOTHING();
	listen_to(_metadata, self, NL_BUFFERS);
	ASSERT_EQ(0, nl_leave(&self->nl, NL_TRANSFERS));
	ASSERT_EQ(0, zct_send(self->fd, AF_INET, self->file, 0, HUGE, 0, &arg, &rx));
	NOTHING();
	ASSERT_EQ(0, zct_destroy(self->fd, buf.handle));
	EXPECT_EQ(1, nl_event(&self->nl, &self->msg, MS));
	EXPECT_EQ(ZC_CMD_BUFFER_FREED_NTF, self->msg.cmd);
	ASSERT_EQ(0, nl_leave(&self->nl, NL_BUFFERS));
	/* Long enough for the module to notice that nobody is there. */
	sleep(3);
	ASSERT_EQ(0, zct_create(self->fd, HUGE, ZC_BUF_ZERO, ZC_NODE_ANY, &buf));
	NOTHING();
	listen_to(_metadata, self, NL_BUFFERS);
	ASSERT_EQ(0, zct_destroy(self->fd, buf.handle));
	EXPECT_EQ(1, nl_event(&self->nl, &self->msg, MS));
}

/* Who does not read is told that he has missed something, and is in nobody's way. */
TEST_F_TIMEOUT(event, deaf, 120)
{
	struct zc_buf_create buf;
	int size = 4096, i, nr;

	ASSERT_EQ(0, setsockopt(self->nl.sock, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)));
	listen_to(_metadata, self, NL_BUFFERS);
	for (i = 0; i < 2000; i++) {
		ASSERT_EQ(0, zct_create(self->fd, 4096, ZC_BUF_SLICE, ZC_NODE_ANY, &buf));
		ASSERT_EQ(0, zct_destroy(self->fd, buf.handle));
	}
	EXPECT_EQ(-ENOBUFS, nl_drain(&self->nl));
	nr = nl_drain(&self->nl);
	EXPECT_LT(0, nr);
	EXPECT_GT(100, nr);
	/* From here on he hears again. */
	ASSERT_EQ(0, zct_create(self->fd, 4096, ZC_BUF_SLICE, ZC_NODE_ANY, &buf));
	EXPECT_EQ(1, nl_event(&self->nl, &self->msg, MS));
	EXPECT_EQ(ZC_CMD_BUFFER_MADE_NTF, self->msg.cmd);
}

TEST_HARNESS_MAIN
