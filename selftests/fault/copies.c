// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each copy from and to user space of each call fails in turn: the call says EFAULT, what it has
 * made is gone, and the next one works. Those that are made word by word cannot be made to fail:
 * of the structures of 32, 64 and 104 bytes, unless the caller has one of another size, which is
 * tried as well.
 */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "edu.h"
#include "fault.h"
#include "kselftest_harness.h"
#include "xfer.h"

#define SELF	FIXTURE_DATA(copies)
#define LEN	4096

union any {
	struct zc_query query;
	struct zc_stats stats;
	struct zc_node_query node_query;
	struct zc_buf_create create;
	struct zc_buf_query buf_query;
	struct zc_buf_destroy destroy;
	struct zc_buf_seal seal;
	struct zc_buf_info info;
	struct zc_buf_share share;
	struct zc_buf_import import;
	struct zc_buf_export export;
	struct zc_buf_sync sync;
	struct zc_send send;
	struct zc_sendfile sendfile;
	struct zc_cancel cancel;
	struct zc_dma_query dma_query;
	struct zc_dma_attach attach;
	struct zc_dma_detach detach;
	struct zc_dma_measure measure;
	struct zc_dma_map map;
	struct zc_dma_unmap unmap;
	struct zc_dma_segments segments;
	/* What comes behind the largest of them */
	char more[sizeof(struct zc_dma_segments) + 8];
};

FIXTURE(copies)
{
	int fd;
	int memfd;
	int sock[2];
	uint64_t features;
	struct edu edu;
	struct zc_buf_create buf;
	struct zc_buf_create sealed;
};

FIXTURE_SETUP(copies)
{
	const char *why = fault_missing();
	struct zc_query query = { 0 };
	int ret;

	if (why)
		SKIP(return, "%s", why);
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_QUERY, &query));
	self->features = query.features;
	if (edu_find(&self->edu, 0)) {
		edu_unbind(&self->edu);
		ASSERT_EQ(0, edu_bind(&self->edu, EDU_DRIVER));
	}
	self->memfd = memfd_create("zc", MFD_CLOEXEC);
	ASSERT_EQ(0, ftruncate(self->memfd, LEN));
	ASSERT_EQ(0, zct_pair(AF_INET, self->sock));
	ASSERT_EQ(0, zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &self->buf));
	ASSERT_EQ(0, zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &self->sealed));
	ASSERT_EQ(0, zct_seal(self->fd, self->sealed.handle));
	ret = fault_begin_copies();
	if (ret == -EOPNOTSUPP)
		SKIP(return, "no fail_usercopy in debugfs");
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(copies)
{
	fault_restore();
	edu_unbind(&self->edu);
	close(self->sock[0]);
	close(self->sock[1]);
	close(self->memfd);
	close(self->fd);
}

static void none(SELF *self, union any *arg)
{
}

static void create_ready(SELF *self, union any *arg)
{
	arg->create = (struct zc_buf_create){ .size = HUGE, .node = ZC_NODE_ANY };
}

static void create_undo(SELF *self, union any *arg)
{
	zct_destroy(self->fd, arg->create.handle);
}

/* Those that begin with a handle, and leave nothing that was not there. */
static void handle_ready(SELF *self, union any *arg)
{
	arg->seal.handle = self->buf.handle;
}

static void destroy_ready(SELF *self, union any *arg)
{
	struct zc_buf_create buf;

	if (zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &buf))
		abort();
	arg->destroy.handle = buf.handle;
}

/* What of the buffer is still there after a failure */
static void destroy_failed(SELF *self, union any *arg)
{
	if (zct_destroy(self->fd, arg->destroy.handle))
		abort();
}

static void seal_ready(SELF *self, union any *arg)
{
	arg->seal.handle = self->sealed.handle;
}

static void share_undo(SELF *self, union any *arg)
{
	close(arg->share.fd);
}

static void export_undo(SELF *self, union any *arg)
{
	close(arg->export.fd);
}

static void import_ready(SELF *self, union any *arg)
{
	arg->import.fd = self->memfd;
}

static void import_undo(SELF *self, union any *arg)
{
	zct_destroy(self->fd, arg->import.handle);
}

static void sync_ready(SELF *self, union any *arg)
{
	handle_ready(self, arg);
	arg->sync.flags = ZC_SYNC_READ | ZC_SYNC_WRITE;
}

static void sync_undo(SELF *self, union any *arg)
{
	arg->sync.flags |= ZC_SYNC_END;
	zct_ioctl(self->fd, ZC_IOC_BUF_SYNC, &arg->sync);
}

static void target_ready(SELF *self, union any *arg)
{
	arg->dma_query.target = ZC_DMA_OWN;
}

static void map_ready(SELF *self, union any *arg)
{
	arg->map = (struct zc_dma_map){
		.handle = self->buf.handle, .target = ZC_DMA_OWN, .flags = ZC_DMA_TO_DEVICE,
	};
}

static void map_undo(SELF *self, union any *arg)
{
	dma_unmap(self->fd, self->buf.handle, ZC_DMA_OWN);
}

static void have_mapped(SELF *self)
{
	if (dma_map(self->fd, self->buf.handle, ZC_DMA_OWN, ZC_DMA_TO_DEVICE, NULL))
		abort();
}

static void unmap_ready(SELF *self, union any *arg)
{
	have_mapped(self);
	arg->unmap = (struct zc_dma_unmap){
		.handle = self->buf.handle, .target = ZC_DMA_OWN,
	};
}

static void segments_ready(SELF *self, union any *arg)
{
	have_mapped(self);
	arg->segments = (struct zc_dma_segments){
		.handle = self->buf.handle, .target = ZC_DMA_OWN,
	};
}

static void measure_ready(SELF *self, union any *arg)
{
	arg->measure = (struct zc_dma_measure){
		.target = ZC_DMA_OWN, .kind = ZC_MEASURE_PAGES, .size = LEN,
	};
}

static void attach_ready(SELF *self, union any *arg)
{
	snprintf(arg->attach.name, sizeof(arg->attach.name), "%s", self->edu.name);
}

static void attach_undo(SELF *self, union any *arg)
{
	dma_detach(self->fd, arg->attach.target);
}

static void detach_ready(SELF *self, union any *arg)
{
	if (dma_attach(self->fd, self->edu.name, 0, &self->edu.target))
		abort();
	arg->detach.target = self->edu.target;
}

static void detach_failed(SELF *self, union any *arg)
{
	dma_detach(self->fd, self->edu.target);
}

/* What has gone out stays with the peer, whatever the caller is told. */
static void send_ready(SELF *self, union any *arg)
{
	arg->send = (struct zc_send){
		.handle = self->sealed.handle, .out_fd = self->sock[0], .len = LEN,
	};
}

static void sendfile_ready(SELF *self, union any *arg)
{
	arg->sendfile = (struct zc_sendfile){
		.in_fd = self->memfd, .out_fd = self->sock[0], .len = LEN,
	};
}

static void cancel_ready(SELF *self, union any *arg)
{
	arg->cancel.flags = ZC_CANCEL_ALL;
}

/*
 * A call: what it is given, what takes back what it did, what takes back what ready() did where
 * it failed, how often it copies at least if it is asked in its own size, what it needs of the
 * module or whether of a device, and what it says.
 */
static const struct call {
	const char *name;
	unsigned long cmd;
	void (*ready)(SELF *self, union any *arg);
	void (*undo)(SELF *self, union any *arg);
	void (*failed)(SELF *self, union any *arg);
	unsigned int least;
	uint64_t feature;
	int want;
	bool device;
} calls[] = {
	{ "query", ZC_IOC_QUERY, none, none, none, 2 },
	{ "stats", ZC_IOC_STATS, none, none, none, 2 },
	{ "node query", ZC_IOC_NODE_QUERY, none, none, none, 2 },
	{ "create", ZC_IOC_BUF_CREATE, create_ready, create_undo, none, 0 },
	{ "buf query", ZC_IOC_BUF_QUERY, handle_ready, none, none, 2 },
	{ "destroy", ZC_IOC_BUF_DESTROY, destroy_ready, none, destroy_failed, 0 },
	{ "seal", ZC_IOC_BUF_SEAL, seal_ready, none, none, 0 },
	{ "info", ZC_IOC_BUF_INFO, none, none, none, 2 },
	{ "share", ZC_IOC_BUF_SHARE, handle_ready, share_undo, none, 1 },
	{ "import", ZC_IOC_BUF_IMPORT, import_ready, import_undo, none, 2 },
	{ "export", ZC_IOC_BUF_EXPORT, handle_ready, export_undo, none, 1, ZC_FEAT_DMABUF },
	{ "sync", ZC_IOC_BUF_SYNC, sync_ready, sync_undo, none, 1 },
	{ "send", ZC_IOC_SEND, send_ready, none, none, 2 },
	{ "sendfile", ZC_IOC_SENDFILE, sendfile_ready, none, none, 0 },
	{ "cancel", ZC_IOC_CANCEL, cancel_ready, none, none, 1, 0, -ENOENT },
	{ "dma query", ZC_IOC_DMA_QUERY, target_ready, none, none, 2 },
	{ "dma map", ZC_IOC_DMA_MAP, map_ready, map_undo, none, 2 },
	{ "dma unmap", ZC_IOC_DMA_UNMAP, unmap_ready, none, map_undo, 0 },
	{ "dma segments", ZC_IOC_DMA_SEGMENTS, segments_ready, map_undo, map_undo, 2 },
	{ "dma measure", ZC_IOC_DMA_MEASURE, measure_ready, none, none, 2 },
	{ "dma attach", ZC_IOC_DMA_ATTACH, attach_ready, attach_undo, none, 2, .device = true },
	{ "dma detach", ZC_IOC_DMA_DETACH, detach_ready, none, detach_failed, 0, .device = true },
};

static unsigned int nr_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int nr = 0;

	while (readdir(dir))
		nr++;
	closedir(dir);
	return nr;
}

/* As of a caller with a longer structure. */
static unsigned long longer(unsigned long cmd)
{
	return _IOC(_IOC_DIR(cmd), _IOC_TYPE(cmd), _IOC_NR(cmd), _IOC_SIZE(cmd) + 8);
}

/* The @nth copy of @cmd fails, or none for 0. Returns whether it came to it. */
static bool attempt(struct __test_metadata *_metadata, SELF *self, const struct call *call,
		    unsigned long cmd, unsigned int nth)
{
	char sink[LEN];
	union any arg;
	bool injected;
	int ret;

	memset(&arg, 0, sizeof(arg));
	call->ready(self, &arg);
	fault_arm(nth);
	ret = zct_ioctl(self->fd, cmd, &arg);
	injected = fault_disarm();
	EXPECT_TRUE(ret == call->want || (injected && ret == -EFAULT)) {
		TH_LOG("%s, copy %u: %d", call->name, nth, ret);
	}
	(ret == call->want ? call->undo : call->failed)(self, &arg);
	while (recv(self->sock[1], sink, sizeof(sink), MSG_DONTWAIT) > 0)
		;
	return injected;
}

static void fail_each(struct __test_metadata *_metadata, SELF *self, const struct call *call,
		      unsigned long cmd, unsigned int least)
{
	uint64_t used = zct_used(self->fd);
	unsigned int fds = nr_open(), n;

	for (n = 1; n < 100 && attempt(_metadata, self, call, cmd, n); n++) {
		EXPECT_TRUE(zct_used_becomes(self->fd, used, 2000));
		EXPECT_EQ(fds, nr_open());
		EXPECT_EQ(0, dma_mappings(self->fd, ZC_DMA_OWN));
		attempt(_metadata, self, call, cmd, 0);
	}
	EXPECT_LT(least, n) TH_LOG("%s: %u copies", call->name, n - 1);
	EXPECT_TRUE(zct_used_becomes(self->fd, used, 2000));
}

TEST_F_TIMEOUT(copies, calls, 600)
{
	unsigned int i;

	for (i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		const struct call *call = &calls[i];

		if ((self->features & call->feature) != call->feature ||
		    (call->device && !self->edu.name[0]))
			continue;
		fail_each(_metadata, self, call, call->cmd, call->least);
		fail_each(_metadata, self, call, longer(call->cmd), 1);
	}
	/* Nobody writes to it: what has failed, and has not, has left no writer. */
	EXPECT_EQ(0, zct_seal(self->fd, self->buf.handle));
}

/* A command of io_uring has its structure elsewhere, which is read as it is submitted. */
TEST_F_TIMEOUT(copies, uring, 600)
{
	struct xfer x = {
		.fd = self->fd, .how = URING, .family = AF_INET, .len = LEN,
		.handle = self->sealed.handle,
	};
	const int in[] = { -1, self->memfd };
	unsigned int i;

	for (i = 0; i < 2; i++) {
		x.in = in[i];
		for (x.nth = 1, x.injected = true; x.injected && x.nth < 100; x.nth++) {
			xfer_run(&x);
			EXPECT_EQ(0, x.ret);
			EXPECT_EQ(x.injected ? EFAULT : 0, x.error);
			EXPECT_EQ(x.injected ? 0 : LEN, x.rx.bytes);
		}
		EXPECT_LT(2, x.nth);
	}
}

/* What could not be handed out is there still. */
TEST_F_TIMEOUT(copies, events, 600)
{
	struct zc_send arg = {
		.handle = self->sealed.handle, .out_fd = self->sock[0], .len = LEN,
		.flags = ZC_SEND_ASYNC, .user_data = 77,
	};
	struct pollfd p = { .fd = self->fd, .events = POLLIN };
	struct zc_event ev = { 0 };

	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_SEND, &arg));
	ASSERT_EQ(1, poll(&p, 1, 30000));
	fault_arm(1);
	EXPECT_EQ(-1, read(self->fd, &ev, sizeof(ev)));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_TRUE(fault_disarm());
	EXPECT_EQ(sizeof(ev), read(self->fd, &ev, sizeof(ev)));
	EXPECT_EQ(77, ev.user_data);
}

TEST_HARNESS_MAIN
