// SPDX-License-Identifier: GPL-2.0-only
/* Transfers that are under way, as the netlink family shows them: by whom, from where, how far. */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "kselftest_harness.h"
#include "nl.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(transfer)

#define NAME	EXT4_DIR "/nl_transfer"
/* More than sockets hold. */
#define SIZE	(16 * HUGE + 12345)

enum way { BLOCKED, EVENT, URING, RANGE, WAYS };

/**
 * struct way_of - a transfer to a peer that does not read
 * @sock:   its sockets
 * @inode:  number of the first one's inode
 * @id:     number of the transfer
 * @thread: in which a blocking one waits
 * @fd:     the device
 * @file:   file that it reads
 * @handle: or the buffer
 */
struct way_of {
	int sock[2];
	uint64_t inode;
	uint64_t id;
	pthread_t thread;
	int fd;
	int file;
	uint32_t handle;
};

FIXTURE(transfer)
{
	int fd;
	int file;
	uint64_t used;
	struct zc_buf_create buf;
	uint32_t buffer;
	struct io_uring ring;
	struct zc_sendfile arg;
	struct way_of way[WAYS];
	struct nl nl;
	struct nl_req req;
	struct nl_msg msg;
};

static void *send_blocking(void *data)
{
	struct way_of *way = data;
	struct zc_send send = { .handle = way->handle, .out_fd = way->sock[0], .len = SIZE,
				.flags = ZC_SEND_NOSIGNAL };
	struct zc_sendfile arg = { .in_fd = way->file, .out_fd = way->sock[0], .offset = 4096,
				   .len = SIZE, .flags = ZC_SEND_NOSIGNAL };

	prctl(PR_SET_NAME, way->handle ? "ranger" : "blocker");
	if (way->handle)
		zct_ioctl(way->fd, ZC_IOC_SEND, &send);
	else
		zct_ioctl(way->fd, ZC_IOC_SENDFILE, &arg);
	return NULL;
}

static int submit_uring(SELF *self, int sock)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&self->ring);
	struct zc_uring_cmd cmd = { .addr = (uintptr_t)&self->arg, .size = sizeof(self->arg) };

	self->arg = (struct zc_sendfile) {
		.in_fd = self->file, .out_fd = sock, .len = SIZE,
	};
	io_uring_prep_rw(IORING_OP_URING_CMD, sqe, self->fd, NULL, 0, 0);
	/* The word that cmd_op shares; older headers have not the name. */
	sqe->off = ZC_IOC_SENDFILE;
	memcpy((char *)sqe + 48, &cmd, sizeof(cmd));
	return io_uring_submit(&self->ring);
}

static int submit_event(SELF *self, int sock)
{
	struct zc_sendfile arg = {
		.in_fd = self->file, .out_fd = sock, .len = SIZE, .flags = ZC_SEND_ASYNC,
	};

	return zct_ioctl(self->fd, ZC_IOC_SENDFILE, &arg);
}

static bool take_socket(const struct nl_msg *msg, void *data)
{
	SELF *self = data;
	uint64_t inode = nl_u64(msg, ZC_A_TRANSFER_SOCKET);
	int i;

	for (i = 0; i < WAYS; i++)
		if (self->way[i].inode == inode)
			self->way[i].id = nl_u64(msg, ZC_A_TRANSFER_ID);
	return true;
}

static int get_transfer(SELF *self, uint64_t id)
{
	nl_begin(&self->req, ZC_CMD_TRANSFER_GET);
	nl_put_u64(&self->req, ZC_A_TRANSFER_ID, id);
	return nl_do(&self->nl, &self->req, &self->msg);
}

/* Wait until it goes no further, as the socket is full. */
static bool settles(SELF *self, uint64_t id)
{
	uint64_t end = zct_now_ms() + 20000, sent, since = zct_now_ms(), last = 0;

	while (zct_now_ms() < end) {
		if (get_transfer(self, id))
			return false;
		sent = nl_u64(&self->msg, ZC_A_TRANSFER_SENT);
		if (sent != last || !sent)
			since = zct_now_ms();
		if (zct_now_ms() > since + 500)
			return true;
		last = sent;
		usleep(20000);
	}
	return false;
}

/* All four on their way, and waiting for their peers. */
static void begin(struct __test_metadata *_metadata, SELF *self)
{
	struct stat st;
	int i;

	for (i = 0; i < WAYS; i++) {
		struct way_of *way = &self->way[i];

		way->fd = self->fd;
		way->file = self->file;
		ASSERT_EQ(0, zct_pair(AF_INET, way->sock));
		ASSERT_EQ(0, fstat(way->sock[0], &st));
		way->inode = st.st_ino;
	}
	self->way[RANGE].handle = self->buf.handle;
	ASSERT_EQ(0, pthread_create(&self->way[BLOCKED].thread, NULL, send_blocking,
				    &self->way[BLOCKED]));
	ASSERT_EQ(0, pthread_create(&self->way[RANGE].thread, NULL, send_blocking,
				    &self->way[RANGE]));
	ASSERT_EQ(0, submit_event(self, self->way[EVENT].sock[0]));
	ASSERT_EQ(1, submit_uring(self, self->way[URING].sock[0]));
	for (i = 0; i < WAYS; i++) {
		int tries = 500;

		while (!self->way[i].id && tries--) {
			nl_begin(&self->req, ZC_CMD_TRANSFER_GET);
			ASSERT_LE(0, nl_dump(&self->nl, &self->req, take_socket, self));
			usleep(10000);
		}
		ASSERT_NE(0, self->way[i].id);
		ASSERT_TRUE(settles(self, self->way[i].id));
	}
}

FIXTURE_SETUP(transfer)
{
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->used = zct_used(self->fd);
	self->file = zct_pattern_file(NAME, SIZE);
	ASSERT_GE(self->file, 0);
	ASSERT_EQ(0, nl_open(&self->nl));
	ASSERT_EQ(0, io_uring_queue_init(4, &self->ring, 0));
	ASSERT_EQ(0, zct_create(self->fd, SIZE, 0, ZC_NODE_ANY, &self->buf));
	ASSERT_EQ(0, zct_seal(self->fd, self->buf.handle));
	self->buffer = nl_buffer_id(self->fd, self->buf.handle);
	memset(self->way, 0, sizeof(self->way));
	begin(_metadata, self);
}

static void close_pair(struct way_of *way)
{
	/* Who waits for room hears of it. */
	shutdown(way->sock[0], SHUT_RDWR);
	close(way->sock[1]);
}

FIXTURE_TEARDOWN(transfer)
{
	struct zc_cancel cancel = { .flags = ZC_CANCEL_ALL };
	int i;

	zct_ioctl(self->fd, ZC_IOC_CANCEL, &cancel);
	for (i = 0; i < WAYS; i++) {
		close_pair(&self->way[i]);
		if (self->way[i].thread)
			pthread_join(self->way[i].thread, NULL);
		close(self->way[i].sock[0]);
	}
	io_uring_queue_exit(&self->ring);
	close(self->fd);
	self->fd = zct_open();
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 5000));
	nl_begin(&self->req, ZC_CMD_TRANSFER_GET);
	EXPECT_EQ(0, nl_dump(&self->nl, &self->req, NULL, NULL));
	nl_close(&self->nl);
	close(self->fd);
	close(self->file);
	unlink(NAME);
}

/* What is the same of all. */
static void common(struct __test_metadata *_metadata, SELF *self, enum way way,
		   uint32_t waiter, const char *comm)
{
	const struct nl_msg *msg = &self->msg;

	ASSERT_EQ(0, get_transfer(self, self->way[way].id));
	EXPECT_EQ(self->way[way].id, nl_u64(msg, ZC_A_TRANSFER_ID));
	EXPECT_EQ(waiter, nl_u32(msg, ZC_A_TRANSFER_WAITER));
	EXPECT_EQ(getpid(), nl_u32(msg, ZC_A_TRANSFER_PID));
	EXPECT_EQ(0, nl_u32(msg, ZC_A_TRANSFER_UID));
	EXPECT_STREQ(comm, nl_str(msg, ZC_A_TRANSFER_COMM));
	EXPECT_EQ(self->way[way].inode, nl_u64(msg, ZC_A_TRANSFER_SOCKET));
	EXPECT_EQ(SIZE, nl_u64(msg, ZC_A_TRANSFER_LENGTH));
	EXPECT_LE(65536, nl_u64(msg, ZC_A_TRANSFER_SENT));
	EXPECT_GT(SIZE, nl_u64(msg, ZC_A_TRANSFER_SENT));
	EXPECT_LE(400, nl_u64(msg, ZC_A_TRANSFER_AGE_MS));
	EXPECT_GT(120000, nl_u64(msg, ZC_A_TRANSFER_AGE_MS));
	EXPECT_FALSE(nl_has(msg, ZC_A_TRANSFER_ERROR));
}

static void of_file(struct __test_metadata *_metadata, SELF *self, uint64_t begin)
{
	const struct nl_msg *msg = &self->msg;
	struct stat st;

	ASSERT_EQ(0, fstat(self->file, &st));
	EXPECT_EQ(ZC_TRANSFER_SOURCE_FILE, nl_u32(msg, ZC_A_TRANSFER_SOURCE));
	EXPECT_EQ(st.st_ino, nl_u64(msg, ZC_A_TRANSFER_INODE));
	EXPECT_EQ(major(st.st_dev), nl_u32(msg, ZC_A_TRANSFER_DEV_MAJOR));
	EXPECT_EQ(minor(st.st_dev), nl_u32(msg, ZC_A_TRANSFER_DEV_MINOR));
	EXPECT_FALSE(nl_has(msg, ZC_A_TRANSFER_BUFFER));
	EXPECT_EQ(begin + nl_u64(msg, ZC_A_TRANSFER_SENT), nl_u64(msg, ZC_A_TRANSFER_OFFSET));
}

TEST_F_TIMEOUT(transfer, blocked, 120)
{
	common(_metadata, self, BLOCKED, ZC_TRANSFER_WAITER_CALLER, "blocker");
	of_file(_metadata, self, 4096);
}

TEST_F_TIMEOUT(transfer, event, 120)
{
	common(_metadata, self, EVENT, ZC_TRANSFER_WAITER_EVENT, "transfer");
	of_file(_metadata, self, 0);
}

TEST_F_TIMEOUT(transfer, uring, 120)
{
	common(_metadata, self, URING, ZC_TRANSFER_WAITER_IO_URING, "transfer");
	of_file(_metadata, self, 0);
}

TEST_F_TIMEOUT(transfer, range, 120)
{
	common(_metadata, self, RANGE, ZC_TRANSFER_WAITER_CALLER, "ranger");
	EXPECT_EQ(ZC_TRANSFER_SOURCE_BUFFER, nl_u32(&self->msg, ZC_A_TRANSFER_SOURCE));
	EXPECT_EQ(self->buffer, nl_u32(&self->msg, ZC_A_TRANSFER_BUFFER));
	EXPECT_FALSE(nl_has(&self->msg, ZC_A_TRANSFER_INODE));
	EXPECT_FALSE(nl_has(&self->msg, ZC_A_TRANSFER_DEV_MAJOR));
	EXPECT_EQ(nl_u64(&self->msg, ZC_A_TRANSFER_SENT),
		  nl_u64(&self->msg, ZC_A_TRANSFER_OFFSET));
	nl_begin(&self->req, ZC_CMD_BUFFER_GET);
	nl_put_u32(&self->req, ZC_A_BUFFER_ID, self->buffer);
	ASSERT_EQ(0, nl_do(&self->nl, &self->req, &self->msg));
	EXPECT_EQ(1, nl_u32(&self->msg, ZC_A_BUFFER_SENDS));
}

struct shown {
	SELF *self;
	unsigned int seen;
	bool wrong;
};

static bool show(const struct nl_msg *msg, void *data)
{
	uint64_t id = nl_u64(msg, ZC_A_TRANSFER_ID);
	struct shown *shown = data;
	int i;

	for (i = 0; i < WAYS && shown->self->way[i].id != id; i++)
		;
	if (i == WAYS || shown->seen & 1u << i)
		shown->wrong = true;
	else
		shown->seen |= 1u << i;
	return true;
}

/* Of another attribute than these two the value has 32 bits. */
static void filter(struct nl_req *req, int attr, uint64_t val)
{
	if (attr == ZC_A_TRANSFER_ID || attr == ZC_A_TRANSFER_SOCKET)
		nl_put_u64(req, attr, val);
	else
		nl_put_u32(req, attr, val);
}

/* Those that pass two filters, a bit each; or ~0. No filter: attribute 0. */
static unsigned int pass(SELF *self, int one, uint64_t one_val, int two, uint64_t two_val)
{
	struct shown shown = { .self = self };

	nl_begin(&self->req, ZC_CMD_TRANSFER_GET);
	if (one)
		filter(&self->req, one, one_val);
	if (two)
		filter(&self->req, two, two_val);
	if (nl_dump(&self->nl, &self->req, show, &shown) < 0 || shown.wrong)
		return ~0u;
	return shown.seen;
}

TEST_F_TIMEOUT(transfer, filters, 120)
{
	const int id = ZC_A_TRANSFER_ID, source = ZC_A_TRANSFER_SOURCE,
		  waiter = ZC_A_TRANSFER_WAITER, pid = ZC_A_TRANSFER_PID,
		  uid = ZC_A_TRANSFER_UID, buffer = ZC_A_TRANSFER_BUFFER,
		  socket = ZC_A_TRANSFER_SOCKET;
	int i;

	EXPECT_EQ(0xf, pass(self, 0, 0, 0, 0));
	for (i = 0; i < WAYS; i++) {
		EXPECT_EQ(1u << i, pass(self, id, self->way[i].id, 0, 0));
		EXPECT_EQ(1u << i, pass(self, socket, self->way[i].inode, 0, 0));
		EXPECT_EQ(1u << i, pass(self, socket, self->way[i].inode, id,
					self->way[i].id));
		EXPECT_EQ(0, pass(self, socket, self->way[i].inode, id,
				  self->way[(i + 1) % WAYS].id));
	}
	EXPECT_EQ(0x7, pass(self, source, ZC_TRANSFER_SOURCE_FILE, 0, 0));
	EXPECT_EQ(0x8, pass(self, source, ZC_TRANSFER_SOURCE_BUFFER, 0, 0));
	EXPECT_EQ(0x9, pass(self, waiter, ZC_TRANSFER_WAITER_CALLER, 0, 0));
	EXPECT_EQ(0x2, pass(self, waiter, ZC_TRANSFER_WAITER_EVENT, 0, 0));
	EXPECT_EQ(0x4, pass(self, waiter, ZC_TRANSFER_WAITER_IO_URING, 0, 0));
	EXPECT_EQ(0x1, pass(self, waiter, ZC_TRANSFER_WAITER_CALLER, source,
			    ZC_TRANSFER_SOURCE_FILE));
	EXPECT_EQ(0xf, pass(self, pid, getpid(), uid, 0));
	EXPECT_EQ(0, pass(self, pid, getppid(), 0, 0));
	EXPECT_EQ(0, pass(self, uid, NOBODY, 0, 0));
	EXPECT_EQ(0x8, pass(self, buffer, self->buffer, 0, 0));
	EXPECT_EQ(0, pass(self, buffer, self->buffer, source, ZC_TRANSFER_SOURCE_FILE));
	EXPECT_EQ(0, pass(self, buffer, self->buffer + 1, 0, 0));
	nl_begin(&self->req, ZC_CMD_MODULE_GET);
	ASSERT_EQ(0, nl_do(&self->nl, &self->req, &self->msg));
	EXPECT_EQ(WAYS, nl_u32(&self->msg, ZC_A_MODULE_TRANSFERS));
}

/* With their end they are gone; the numbers are not found any more. */
TEST_F_TIMEOUT(transfer, ended, 120)
{
	struct zc_cancel cancel = { .flags = ZC_CANCEL_ALL };
	int i, tries;

	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_CANCEL, &cancel));
	EXPECT_EQ(2, cancel.count);
	for (tries = 0; tries < 500 && pass(self, 0, 0, 0, 0) != 0x9; tries++)
		usleep(10000);
	EXPECT_EQ(0x9, pass(self, 0, 0, 0, 0));
	EXPECT_EQ(-ENOENT, get_transfer(self, self->way[EVENT].id));
	EXPECT_EQ(-ENOENT, get_transfer(self, self->way[URING].id));
	for (i = 0; i < WAYS; i++)
		close_pair(&self->way[i]);
	for (tries = 0; tries < 500 && pass(self, 0, 0, 0, 0); tries++)
		usleep(10000);
	EXPECT_EQ(0, pass(self, 0, 0, 0, 0));
	for (i = 0; i < WAYS; i++)
		EXPECT_EQ(-ENOENT, get_transfer(self, self->way[i].id));
	EXPECT_EQ(-ENOENT, get_transfer(self, UINT64_MAX));
}

TEST_HARNESS_MAIN
