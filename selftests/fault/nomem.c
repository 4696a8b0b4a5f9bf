// SPDX-License-Identifier: GPL-2.0-only
/* Each allocation of each call fails in turn, as long as there is one more. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "fault.h"
#include "xfer.h"
#include "zc_sockets.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(nomem)

#define NAME	EXT4_DIR "/zc-nomem"
#define SHM	"/tmp/zc-nomem"
#define SIZE	(2 * HUGE)
#define LEN	(300 * 1024 + 5)

FIXTURE(nomem)
{
	int fd;
	int file;
	int shm;
	uint64_t used;
	unsigned int nth;
	bool injected;
	bool cold;
	bool spares;
	bool sealed;
	struct zc_buf_create buf;
	struct xfer x;
};

FIXTURE_SETUP(nomem)
{
	const char *why = fault_missing();

	if (why)
		SKIP(return, "%s", why);
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->used = zct_used(self->fd);
	self->file = zct_pattern_file(NAME, SIZE);
	self->shm = zct_pattern_file(SHM, SIZE);
	ASSERT_GE(self->file, 0);
	ASSERT_GE(self->shm, 0);
	self->x = (struct xfer){ .fd = self->fd, .family = AF_INET, .in = self->file,
				 .offset = 7, .len = LEN };
	ASSERT_EQ(0, fault_begin());
}

FIXTURE_TEARDOWN(nomem)
{
	fault_restore();
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 2000));
	close(self->file);
	close(self->shm);
	close(self->fd);
	unlink(NAME);
	unlink(SHM);
}

/* Without an injected failure all is well; with one, all is well or ENOMEM. */
static bool done(struct __test_metadata *_metadata, SELF *self, int ret)
{
	self->injected = fault_disarm();
	if (!self->injected || ret != -ENOMEM)
		EXPECT_EQ(0, ret);
	return !ret;
}

static void try_open(struct __test_metadata *_metadata, SELF *self)
{
	int fd;

	fault_arm(self->nth);
	fd = open("/dev/zc", O_RDWR);
	if (done(_metadata, self, fd < 0 ? -errno : 0))
		close(fd);
}

/* Try with the first allocation failing, the second … until all succeed. */
static void each(struct __test_metadata *_metadata, SELF *self, const char *what,
		 typeof(try_open) *attempt, unsigned int least)
{
	uint64_t used = zct_used(self->fd);
	unsigned int n = 0;
	bool more = true;

	while (more) {
		ASSERT_LT(++n, 5000);
		self->nth = n;
		attempt(_metadata, self);
		more = self->injected;
		EXPECT_TRUE(zct_used_becomes(self->fd, used, 2000));
		self->nth = 0;
		attempt(_metadata, self);
		EXPECT_TRUE(zct_used_becomes(self->fd, used, 2000));
		if (!__test_passed(_metadata)) {
			TH_LOG("%s: allocation %u", what, n);
			return;
		}
	}
	TH_LOG("%s: %u allocations", what, fault_count());
	EXPECT_GE(fault_count(), least);
}

static void try_close(struct __test_metadata *_metadata, SELF *self)
{
	struct zc_buf_create buf;
	int fd = open("/dev/zc", O_RDWR), ret;

	ASSERT_EQ(0, zct_create(fd, HUGE, 0, ZC_NODE_ANY, &buf));
	fault_arm(self->nth);
	ret = close(fd);
	done(_metadata, self, ret ? -errno : 0);
}

static void try_query(struct __test_metadata *_metadata, SELF *self)
{
	struct zc_query query = { 0 };
	struct zc_stats stats = { 0 };
	struct zc_node_query node = { 0 };
	int ret;

	fault_arm(self->nth);
	ret = zct_ioctl(self->fd, ZC_IOC_QUERY, &query) ?:
	      zct_ioctl(self->fd, ZC_IOC_STATS, &stats) ?:
	      zct_ioctl(self->fd, ZC_IOC_NODE_QUERY, &node);
	done(_metadata, self, ret);
}

static void create(struct __test_metadata *_metadata, SELF *self, uint32_t flags,
		   int node)
{
	struct zc_buf_create buf;
	int ret;

	fault_arm(self->nth);
	ret = zct_create(self->fd, 2 * HUGE, flags | ZC_BUF_ZERO, node, &buf);
	if (!done(_metadata, self, ret))
		return;
	EXPECT_EQ(2 * HUGE, buf.size);
	if (!(flags & ZC_BUF_SMALL_OK))
		EXPECT_EQ(2 * HUGE, buf.huge_bytes);
	EXPECT_EQ(0, zct_destroy(self->fd, buf.handle));
}

static void try_create(struct __test_metadata *_metadata, SELF *self)
{
	create(_metadata, self, 0, ZC_NODE_ANY);
}

static void try_create_small(struct __test_metadata *_metadata, SELF *self)
{
	create(_metadata, self, ZC_BUF_SMALL_OK, ZC_NODE_ANY);
}

static void try_create_node(struct __test_metadata *_metadata, SELF *self)
{
	create(_metadata, self, ZC_BUF_NODE_STRICT, 0);
}

/* The first in a hugepage. */
static void try_create_slice(struct __test_metadata *_metadata, SELF *self)
{
	struct zc_buf_create buf;
	int ret;

	fault_arm(self->nth);
	ret = zct_create(self->fd, 8192, ZC_BUF_SLICE | ZC_BUF_ZERO, ZC_NODE_ANY, &buf);
	if (!done(_metadata, self, ret))
		return;
	EXPECT_EQ(8192, buf.size);
	EXPECT_EQ(0, zct_destroy(self->fd, buf.handle));
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 2000));
}

static void try_share(struct __test_metadata *_metadata, SELF *self)
{
	struct zc_buf_share share = { .handle = self->buf.handle, .fd = -1 };
	struct zc_buf_info info = { .flags = ZC_INFO_HOLDERS };
	void *map;
	int ret;

	fault_arm(self->nth);
	ret = zct_ioctl(self->fd, ZC_IOC_BUF_SHARE, &share) ?:
	      zct_ioctl(self->fd, ZC_IOC_BUF_INFO, &info);
	map = ret ? MAP_FAILED : mmap(NULL, self->buf.size, PROT_READ, MAP_SHARED, share.fd, 0);
	done(_metadata, self, ret ?: map == MAP_FAILED ? -errno : 0);
	if (map != MAP_FAILED)
		munmap(map, self->buf.size);
	if (share.fd >= 0)
		close(share.fd);
}

static void try_map(struct __test_metadata *_metadata, SELF *self)
{
	char *map;

	fault_arm(self->nth);
	map = zct_map(self->fd, &self->buf);
	if (map != MAP_FAILED) {
		map[5] = 42;
		map[HUGE + 7] = 42;
	}
	if (!done(_metadata, self, map == MAP_FAILED ? -errno : 0))
		return;
	EXPECT_EQ(42, map[5]);
	EXPECT_EQ(42, map[HUGE + 7]);
	munmap(map, self->buf.size);
}

static void try_destroy(struct __test_metadata *_metadata, SELF *self)
{
	struct zc_buf_query query;
	struct zc_buf_create buf;
	int ret;

	/* Too large to be kept. */
	ASSERT_EQ(0, zct_create(self->fd, 5 * HUGE, 0, ZC_NODE_ANY, &buf));
	fault_arm(self->nth);
	ret = zct_destroy(self->fd, buf.handle);
	if (done(_metadata, self, ret))
		return;
	/* The handle is still there, and so is the buffer. */
	query = (struct zc_buf_query){ .handle = buf.handle };
	EXPECT_EQ(0, zct_ioctl(self->fd, ZC_IOC_BUF_QUERY, &query));
	EXPECT_EQ(0, zct_destroy(self->fd, buf.handle));
}

static void try_buf_query(struct __test_metadata *_metadata, SELF *self)
{
	struct zc_buf_query query = { .handle = self->buf.handle };
	int ret;

	fault_arm(self->nth);
	ret = zct_ioctl(self->fd, ZC_IOC_BUF_QUERY, &query);
	done(_metadata, self, ret);
}

static void try_seal(struct __test_metadata *_metadata, SELF *self)
{
	struct zc_buf_create buf;
	int ret;

	ASSERT_EQ(0, zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &buf));
	fault_arm(self->nth);
	ret = zct_seal(self->fd, buf.handle);
	done(_metadata, self, ret);
	EXPECT_EQ(0, zct_destroy(self->fd, buf.handle));
}

TEST_F_TIMEOUT(nomem, buffers, 600)
{
	struct zc_buf_create other[20];
	int i;

	each(_metadata, self, "open", try_open, 2);
	each(_metadata, self, "close", try_close, 0);
	each(_metadata, self, "query", try_query, 0);
	each(_metadata, self, "create", try_create, 4);
	each(_metadata, self, "create, small pages", try_create_small, 4);
	each(_metadata, self, "create on a node", try_create_node, 4);
	each(_metadata, self, "create a slice", try_create_slice, 4);
	/* A tree of more than one node. */
	for (i = 0; i < 20; i++)
		ASSERT_EQ(0, zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &other[i]));
	each(_metadata, self, "destroy", try_destroy, 0);
	each(_metadata, self, "create of many", try_create, 4);
	for (i = 0; i < 20; i++)
		EXPECT_EQ(0, zct_destroy(self->fd, other[i].handle));
	ASSERT_EQ(0, zct_create(self->fd, 2 * HUGE, 0, ZC_NODE_ANY, &self->buf));
	each(_metadata, self, "mmap", try_map, 2);
	each(_metadata, self, "share", try_share, 2);
	each(_metadata, self, "buffer query", try_buf_query, 0);
	each(_metadata, self, "seal", try_seal, 0);
	EXPECT_EQ(0, zct_destroy(self->fd, self->buf.handle));
}

static void try_send(struct __test_metadata *_metadata, SELF *self)
{
	struct xfer *x = &self->x;
	uint64_t came;
	int err;

	if (self->cold)
		posix_fadvise(x->in, 0, 0, POSIX_FADV_DONTNEED);
	else if (x->in >= 0)
		ASSERT_TRUE(zct_warm(x->in, x->offset, x->len));
	/* What shrinkers have. */
	if (!self->spares && self->nth)
		ASSERT_EQ(0, fault_write("/proc/sys/vm/drop_caches", "2"));
	if (x->flags & ZC_SEND_POS)
		lseek(x->in, x->offset, SEEK_SET);
	x->nth = self->nth;
	xfer_run(x);
	self->injected = x->injected;
	err = x->ret ? -x->ret : x->error;
	/* Of a socket that is done for not all comes that it has taken. */
	came = x->rx.bytes;
	if (err && err == x->other && came < x->sent)
		came = x->sent;
	EXPECT_EQ(x->sent, came);
	EXPECT_EQ(-1, x->rx.bad);
	if (x->flags & ZC_SEND_POS)
		EXPECT_EQ(x->offset + x->sent, lseek(x->in, 0, SEEK_CUR));
	if (x->ret)
		EXPECT_EQ(0, x->sent);
	if (self->injected)
		EXPECT_TRUE(xfer_may_say(x, err))
			TH_LOG("error %d after %llu", err, (unsigned long long)x->sent);
	if (!self->injected && !(x->flags & ZC_SEND_NONBLOCK))
		EXPECT_EQ(0, err);
	if (!err && !(x->flags & ZC_SEND_NONBLOCK))
		EXPECT_EQ(x->len, x->sent);
	if (!err && !self->cold && x->in >= 0 && x->how != URING)
		EXPECT_EQ(x->sent, x->cached);
}

static void sends(struct __test_metadata *_metadata, SELF *self, const char *what,
		  int in, bool cold, uint32_t flags, unsigned int least)
{
	self->x.in = in;
	self->x.flags = flags;
	self->cold = cold;
	each(_metadata, self, what, try_send, least);
}

TEST_F_TIMEOUT(nomem, sendfile, 600)
{
	self->spares = true;
	sends(_metadata, self, "direct", self->file, true, ZC_SEND_DIRECT, 5);
	sends(_metadata, self, "position", self->file, true, ZC_SEND_POS, 5);
	sends(_metadata, self, "missed", self->file, true, ZC_SEND_CACHED, 5);
	sends(_metadata, self, "hot", self->file, false, 0, 3);
	sends(_metadata, self, "tmpfs", self->shm, false, 0, 3);
	sends(_metadata, self, "nonblocking", self->file, true,
	      ZC_SEND_NONBLOCK | ZC_SEND_DIRECT, 5);
	self->x.family = AF_UNIX;
	sends(_metadata, self, "unix", self->file, true, ZC_SEND_DIRECT, 5);
}

/* Sockets that have copies. */
static void copied(struct __test_metadata *_metadata, SELF *self, const char *what,
		   unsigned int least)
{
	int sock[2];

	if (self->x.pair(sock)) {
		TH_LOG("this kernel has no %s", what);
		return;
	}
	close(sock[0]);
	close(sock[1]);
	self->spares = true;
	self->x.len = 50000;
	sends(_metadata, self, what, self->file, true, ZC_SEND_DIRECT, least);
	sends(_metadata, self, what, self->file, false, 0, least);
}

/* A connection ends where it cannot encrypt. */
TEST_F_TIMEOUT(nomem, sendfile_tls, 600)
{
	if (system("modprobe -q tls"))
		TH_LOG("modprobe tls failed");
	self->x.pair = zct_tls_pair;
	self->x.other = EBADMSG;
	copied(_metadata, self, "kernel TLS", 3);
}

/*
 * What MPTCP allocates is left to it: it waits for a timer each time. The transfer is always the
 * module's own; how much more is so near to it, is with what the compiler has inlined.
 */
TEST_F_TIMEOUT(nomem, sendfile_mptcp, 600)
{
	ASSERT_EQ(0, fault_begin_own());
	self->x.pair = zct_mptcp_pair;
	copied(_metadata, self, "MPTCP", 1);
}

/* The first folio is a hugepage that must be allocated. */
TEST_F_TIMEOUT(nomem, sendfile_no_spares, 600)
{
	self->x.len = HUGE + 5;
	sends(_metadata, self, "hugepage", self->file, true, ZC_SEND_DIRECT, 5);
}

static void submissions(struct __test_metadata *_metadata, SELF *self,
			enum xfer_how how)
{
	self->spares = true;
	self->x.how = how;
	sends(_metadata, self, "direct", self->file, true, ZC_SEND_DIRECT, 3);
	sends(_metadata, self, "hot", self->file, false, ZC_SEND_CACHED, 3);
}

TEST_F_TIMEOUT(nomem, async, 600)
{
	submissions(_metadata, self, ASYNC);
}

TEST_F_TIMEOUT(nomem, uring, 600)
{
	submissions(_metadata, self, URING);
}

static void released(struct __test_metadata *_metadata, SELF *self)
{
	struct zc_event ev;

	try_send(_metadata, self);
	if (self->sealed || !self->x.sent)
		return;
	ASSERT_EQ(sizeof(ev), read(self->fd, &ev, sizeof(ev)));
	EXPECT_EQ(ZC_EVENT_RELEASED, ev.type);
	EXPECT_EQ(self->x.sent, ev.sent);
}

TEST_F_TIMEOUT(nomem, send, 600)
{
	int how;
	void *map;

	ASSERT_EQ(0, zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &self->buf));
	map = zct_map(self->fd, &self->buf);
	ASSERT_NE(MAP_FAILED, map);
	zct_pattern(map, 0, HUGE);
	munmap(map, HUGE);
	self->spares = true;
	self->x.in = -1;
	self->x.handle = self->buf.handle;
	for (how = SYNC; how <= URING; how++) {
		self->x.how = how;
		each(_metadata, self, "not sealed", released, 3);
	}
	ASSERT_EQ(0, zct_seal(self->fd, self->buf.handle));
	self->sealed = true;
	for (how = SYNC; how <= URING; how++) {
		self->x.how = how;
		each(_metadata, self, "sealed", released, how ? 1 : 2);
	}
	EXPECT_EQ(0, zct_destroy(self->fd, self->buf.handle));
}

/* A transfer to a peer that does not read, and the event of its end. */
struct idle {
	int sock[2];
	uint64_t id;
};

static void idle_begin(struct __test_metadata *_metadata, SELF *self, struct idle *idle)
{
	struct zc_sendfile arg = { .in_fd = self->file, .len = SIZE,
				   .flags = ZC_SEND_ASYNC, .user_data = idle->id };

	ASSERT_EQ(0, zct_pair(AF_INET, idle->sock));
	arg.out_fd = idle->sock[0];
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_SENDFILE, &arg));
}

static void idle_end(struct __test_metadata *_metadata, SELF *self, struct idle *idle)
{
	struct zc_event ev = { 0 };

	EXPECT_TRUE(zct_event(self->fd, &ev, 5000));
	EXPECT_EQ(ZC_EVENT_DONE, ev.type);
	EXPECT_EQ(idle->id, ev.user_data);
	EXPECT_EQ(ECANCELED, ev.error);
	close(idle->sock[0]);
	close(idle->sock[1]);
}

static int cancel_all(SELF *self)
{
	struct zc_cancel arg = { .flags = ZC_CANCEL_ALL };

	return zct_ioctl(self->fd, ZC_IOC_CANCEL, &arg);
}

static void try_cancel(struct __test_metadata *_metadata, SELF *self)
{
	struct idle idle = { .id = 42 };

	idle_begin(_metadata, self, &idle);
	fault_arm(self->nth);
	if (!done(_metadata, self, cancel_all(self)))
		EXPECT_EQ(0, cancel_all(self));
	idle_end(_metadata, self, &idle);
}

static void try_epoll(struct __test_metadata *_metadata, SELF *self)
{
	struct epoll_event want = { .events = EPOLLIN };
	struct idle idle = { .id = 43 };
	int ep, ret;

	idle_begin(_metadata, self, &idle);
	fault_arm(self->nth);
	ep = epoll_create1(EPOLL_CLOEXEC);
	ret = ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, self->fd, &want) ? -errno : 0;
	EXPECT_EQ(0, cancel_all(self));
	if (!ret)
		EXPECT_EQ(1, epoll_wait(ep, &want, 1, 5000));
	done(_metadata, self, ret);
	if (ep >= 0)
		close(ep);
	idle_end(_metadata, self, &idle);
}

static void try_close_idle(struct __test_metadata *_metadata, SELF *self)
{
	struct idle idle = { .id = 44 };
	int fd = self->fd, ret;

	self->fd = open("/dev/zc", O_RDWR);
	ASSERT_GE(self->fd, 0);
	idle_begin(_metadata, self, &idle);
	fault_arm(self->nth);
	ret = close(self->fd);
	done(_metadata, self, ret ? -errno : 0);
	self->fd = fd;
	close(idle.sock[0]);
	close(idle.sock[1]);
}

TEST_F_TIMEOUT(nomem, events, 600)
{
	each(_metadata, self, "cancel", try_cancel, 0);
	each(_metadata, self, "epoll", try_epoll, 2);
	each(_metadata, self, "close with a transfer", try_close_idle, 0);
}

TEST_HARNESS_MAIN
