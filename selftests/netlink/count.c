// SPDX-License-Identifier: GPL-2.0-only
/* What is counted: each counter by exactly what was done, and no other one. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "edu.h"
#include "kselftest_harness.h"
#include "nl.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(count)

#define NAME	EXT4_DIR "/nl_count"
#define SIZE	(3 * HUGE)

FIXTURE(count)
{
	int fd;
	int file;
	uint64_t used;
	struct nl nl;
	struct nl_stats before;
};

FIXTURE_SETUP(count)
{
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->used = zct_used(self->fd);
	self->file = zct_pattern_file(NAME, SIZE);
	ASSERT_GE(self->file, 0);
	ASSERT_EQ(0, nl_open(&self->nl));
	/* What the test before has left to be freed. */
	usleep(700000);
	ASSERT_EQ(0, nl_stats(&self->nl, &self->before));
}

FIXTURE_TEARDOWN(count)
{
	nl_close(&self->nl);
	close(self->fd);
	close(self->file);
	unlink(NAME);
	self->fd = zct_open();
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 2000));
	close(self->fd);
}

#define GROWN(attr)	nl_grown(&self->nl, &self->before, ZC_A_STATS_ ## attr)
/* None but these. */
#define ONLY(...)	nl_grown_only(&self->nl, &self->before, (int[]){ __VA_ARGS__, 0 })

TEST_F_TIMEOUT(count, buffers, 120)
{
	struct zc_buf_create buf;
	void *map;
	int i;

	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, zct_create(self->fd, HUGE, ZC_BUF_ZERO, ZC_NODE_ANY, &buf));
	EXPECT_EQ(3, GROWN(BUFFERS_MADE));
	EXPECT_EQ(0, GROWN(BUFFERS_FREED));
	/* One that is mapped goes with its mapping. */
	map = zct_map(self->fd, &buf);
	ASSERT_EQ(0, zct_destroy(self->fd, buf.handle));
	EXPECT_EQ(0, GROWN(BUFFERS_FREED));
	munmap(map, buf.size);
	EXPECT_EQ(1, GROWN(BUFFERS_FREED));
	/* Had again, which is neither made nor freed; what is kept for that is freed. */
	ASSERT_EQ(0, zct_create(self->fd, 2 * HUGE, 0, ZC_NODE_ANY, &buf));
	ASSERT_EQ(0, zct_destroy(self->fd, buf.handle));
	EXPECT_EQ(4, GROWN(BUFFERS_MADE));
	EXPECT_EQ(2, GROWN(BUFFERS_FREED));
	ASSERT_EQ(0, zct_create(self->fd, 2 * HUGE, 0, ZC_NODE_ANY, &buf));
	EXPECT_EQ(4, GROWN(BUFFERS_MADE));
	EXPECT_EQ(1, GROWN(BUFFERS_AGAIN));
	close(self->fd);
	self->fd = zct_open();
	EXPECT_TRUE(nl_grows(&self->nl, &self->before, ZC_A_STATS_BUFFERS_FREED, 5, 2000));
	EXPECT_TRUE(ONLY(ZC_A_STATS_BUFFERS_MADE, ZC_A_STATS_BUFFERS_AGAIN,
			 ZC_A_STATS_BUFFERS_FREED));
}

static int set_reserve(SELF *self, uint64_t bytes)
{
	return nl_set_reserve(&self->nl, 0, bytes);
}

TEST_F_TIMEOUT(count, reserved, 120)
{
	struct zc_buf_create buf;

	ASSERT_EQ(0, set_reserve(self, 4 * HUGE));
	EXPECT_EQ(0, zct_create(self->fd, 3 * HUGE, ZC_BUF_ZERO, 0, &buf));
	EXPECT_EQ(3, GROWN(BUFFERS_RESERVED));
	EXPECT_EQ(1, GROWN(BUFFERS_MADE));
	EXPECT_TRUE(ONLY(ZC_A_STATS_BUFFERS_MADE, ZC_A_STATS_BUFFERS_RESERVED));
	EXPECT_EQ(0, zct_destroy(self->fd, buf.handle));
	EXPECT_EQ(0, set_reserve(self, 0));
}

static int exceed_memlock(void *data)
{
	const struct rlimit limit = { HUGE, HUGE };
	struct zc_buf_create buf;

	if (setrlimit(RLIMIT_MEMLOCK, &limit) || !nl_be_nobody())
		return 1;
	return zct_create(*(int *)data, 2 * HUGE, 0, ZC_NODE_ANY, &buf) == -EPERM ? 0 : 2;
}

static int exceed_cgroup(void *data)
{
	struct zc_buf_create buf;
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "echo %d >/sys/fs/cgroup/zc-test/cgroup.procs", getpid());
	if (system(cmd))
		return 1;
	return zct_create(*(int *)data, 64 * MIB, 0, ZC_NODE_ANY, &buf) == -EDQUOT ? 0 : 2;
}

/* Each cause of a refusal has its counter. */
TEST_F_TIMEOUT(count, refused, 240)
{
	struct zc_query query = { 0 };
	struct zc_buf_create buf;
	unsigned int i;
	int fd;

	ASSERT_EQ(0, zct_param_set("max_bytes", self->used + HUGE));
	EXPECT_EQ(-ENOSPC, zct_create(self->fd, 2 * HUGE, 0, ZC_NODE_ANY, &buf));
	EXPECT_EQ(0, zct_param_set("max_bytes", 0));
	EXPECT_EQ(1, GROWN(REFUSED_LIMIT));
	EXPECT_TRUE(ONLY(ZC_A_STATS_REFUSED_LIMIT));
	EXPECT_EQ(0, nl_in_child(exceed_memlock, &self->fd));
	EXPECT_EQ(1, GROWN(REFUSED_MEMLOCK));
	EXPECT_TRUE(ONLY(ZC_A_STATS_REFUSED_LIMIT, ZC_A_STATS_REFUSED_MEMLOCK));
	ASSERT_EQ(0, zct_param_set("max_bytes", 1ll << 40));
	EXPECT_EQ(-ENOMEM, zct_create(self->fd, zct_meminfo("MemTotal") * 2, 0, ZC_NODE_ANY,
				      &buf));
	EXPECT_EQ(0, zct_param_set("max_bytes", 0));
	EXPECT_EQ(1, GROWN(REFUSED_MEMORY));
	EXPECT_EQ(0, GROWN(REFUSED_HANDLE));
	EXPECT_EQ(0, GROWN(BUFFERS_MADE));
	ASSERT_EQ(0, nl_stats(&self->nl, &self->before));
	fd = zct_open();
	ASSERT_EQ(0, zct_ioctl(fd, ZC_IOC_QUERY, &query));
	for (i = 0; i < query.max_handles; i++)
		ASSERT_EQ(0, zct_create(fd, 1, ZC_BUF_SLICE, ZC_NODE_ANY, &buf));
	EXPECT_EQ(-EMFILE, zct_create(fd, 1, ZC_BUF_SLICE, ZC_NODE_ANY, &buf));
	close(fd);
	EXPECT_EQ(1, GROWN(REFUSED_HANDLE));
	EXPECT_EQ(query.max_handles, GROWN(BUFFERS_MADE));
	EXPECT_TRUE(nl_grows(&self->nl, &self->before, ZC_A_STATS_BUFFERS_FREED,
			     query.max_handles, 5000));
	EXPECT_TRUE(ONLY(ZC_A_STATS_REFUSED_HANDLE, ZC_A_STATS_BUFFERS_MADE,
			 ZC_A_STATS_BUFFERS_FREED));
}

TEST_F_TIMEOUT(count, refused_cgroup, 120)
{
	if (system("grep -q memory /sys/fs/cgroup/cgroup.controllers && "
		   "echo +memory >/sys/fs/cgroup/cgroup.subtree_control && "
		   "mkdir -p /sys/fs/cgroup/zc-test && "
		   "echo 32M >/sys/fs/cgroup/zc-test/memory.max"))
		SKIP(return, "no memory controller of cgroup v2");
	EXPECT_EQ(0, nl_in_child(exceed_cgroup, &self->fd));
	EXPECT_EQ(1, GROWN(REFUSED_CGROUP));
	EXPECT_TRUE(ONLY(ZC_A_STATS_REFUSED_CGROUP));
	EXPECT_EQ(0, rmdir("/sys/fs/cgroup/zc-test"));
}

static const int a_transfer[] = {
	ZC_A_STATS_TRANSFERS_BEGUN, ZC_A_STATS_TRANSFERS_DONE, ZC_A_STATS_SENT_BYTES, 0,
};

/* Read around the page cache, from there, and by reference from a buffer. */
TEST_F_TIMEOUT(count, sent, 120)
{
	struct zc_buf_create buf;
	struct zc_sendfile arg;
	struct zct_rx rx;
	struct zc_send send;
	char byte[4096];
	int sock[2];

	ASSERT_TRUE(zct_forget(self->file, SIZE));
	ASSERT_EQ(0, zct_send(self->fd, AF_INET, self->file, 0, HUGE, ZC_SEND_DIRECT, &arg,
			      &rx));
	EXPECT_EQ(0, arg.copied);
	EXPECT_TRUE(nl_grown_only(&self->nl, &self->before, a_transfer));
	EXPECT_EQ(1, GROWN(TRANSFERS_BEGUN));
	EXPECT_EQ(1, GROWN(TRANSFERS_DONE));
	EXPECT_EQ(HUGE, GROWN(SENT_BYTES));
	ASSERT_EQ(0, zct_send(self->fd, AF_INET, self->file, 0, 2 * HUGE, ZC_SEND_CACHED, &arg,
			      &rx));
	EXPECT_EQ(2 * HUGE, arg.cached);
	EXPECT_EQ(2, GROWN(TRANSFERS_DONE));
	EXPECT_EQ(3 * HUGE, GROWN(SENT_BYTES));
	EXPECT_EQ(2 * HUGE, GROWN(CACHED_BYTES));
	/* A few pages, which are on no list meanwhile. */
	ASSERT_EQ(sizeof(byte), pread(self->file, byte, sizeof(byte), 0));
	ASSERT_EQ(0, zct_send(self->fd, AF_INET, self->file, 0, 4096, 0, &arg, &rx));
	EXPECT_EQ(3, GROWN(TRANSFERS_BEGUN));
	EXPECT_EQ(3, GROWN(TRANSFERS_DONE));
	EXPECT_EQ(3 * HUGE + 4096, GROWN(SENT_BYTES));
	EXPECT_EQ(2 * HUGE + 4096, GROWN(CACHED_BYTES));
	/* From a buffer. */
	ASSERT_EQ(0, zct_pair(AF_INET, sock));
	ASSERT_EQ(0, zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &buf));
	ASSERT_EQ(0, zct_seal(self->fd, buf.handle));
	send = (struct zc_send) { .handle = buf.handle, .out_fd = sock[0], .len = 65536 };
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_SEND, &send));
	EXPECT_EQ(65536, send.sent);
	EXPECT_EQ(4, GROWN(TRANSFERS_BEGUN));
	EXPECT_EQ(4, GROWN(TRANSFERS_DONE));
	EXPECT_EQ(3 * HUGE + 4096 + 65536, GROWN(SENT_BYTES));
	EXPECT_EQ(0, GROWN(COPIED_BYTES));
	EXPECT_EQ(0, GROWN(TRANSFERS_FAILED));
	EXPECT_EQ(0, GROWN(TRANSFERS_CANCELED));
	close(sock[0]);
	close(sock[1]);
}

/* Copies, by their reasons: of few bytes, and of a buffer that may change. */
TEST_F_TIMEOUT(count, copied, 120)
{
	struct zc_buf_create buf;
	struct zc_sendfile arg;
	struct zct_rx rx;
	struct zc_send send;
	struct zc_event event;
	int sock[2], file;

	ASSERT_EQ(0, zct_send(self->fd, AF_INET, self->file, 0, 100, ZC_SEND_CACHED, &arg,
			      &rx));
	EXPECT_EQ(ZC_COPY_SMALL, arg.copy_reasons);
	EXPECT_EQ(100, GROWN(COPIED_BYTES));
	EXPECT_EQ(1, GROWN(FALLBACK_SMALL));
	ASSERT_EQ(0, zct_pair(AF_INET, sock));
	ASSERT_EQ(0, zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &buf));
	send = (struct zc_send) { .handle = buf.handle, .out_fd = sock[0], .len = 65536 };
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_SEND, &send));
	EXPECT_EQ(0, send.copied);
	/* By the network, when it looped back: the event says so. */
	ASSERT_TRUE(zct_event(self->fd, &event, 5000));
	EXPECT_EQ(ZC_COPY_LOOPBACK, event.copy_reasons);
	EXPECT_LE(65536, event.copied);
	EXPECT_EQ(100 + event.copied, GROWN(COPIED_BYTES));
	EXPECT_EQ(1, GROWN(FALLBACK_LOOPBACK));
	EXPECT_EQ(1, GROWN(FALLBACK_SMALL));
	EXPECT_EQ(0, GROWN(FALLBACK_NO_DIRECT));
	/* A file that cannot do direct reads, and whose pages cannot be had. */
	file = open("/proc/version", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, file);
	send.copied = GROWN(COPIED_BYTES);
	ASSERT_EQ(0, zct_send(self->fd, AF_INET, file, 0, 65536, 0, &arg, &rx));
	EXPECT_EQ(ZC_COPY_NO_DIRECT, arg.copy_reasons & ~ZC_COPY_SMALL);
	EXPECT_EQ(1, GROWN(FALLBACK_NO_DIRECT));
	EXPECT_EQ(send.copied + arg.copied, GROWN(COPIED_BYTES));
	close(file);
	close(sock[0]);
	close(sock[1]);
	EXPECT_EQ(0, GROWN(FALLBACK_NO_SG));
	EXPECT_EQ(0, GROWN(FALLBACK_SOCKET));
}

/* What fails, what is canceled, and what is neither: no room. */
TEST_F_TIMEOUT(count, ends, 120)
{
	struct zc_cancel cancel = { .flags = ZC_CANCEL_ALL };
	struct zc_sendfile arg = { .in_fd = self->file, .len = SIZE,
				   .flags = ZC_SEND_NOSIGNAL | ZC_SEND_NONBLOCK };
	int sock[2], full[2], ret;
	uint64_t nr;

	ASSERT_EQ(0, zct_pair(AF_UNIX, sock));
	ASSERT_EQ(0, zct_pair(AF_INET, full));
	/* Arguments that are wrong begin nothing. */
	arg.out_fd = self->file;
	EXPECT_EQ(-ENOTSOCK, zct_ioctl(self->fd, ZC_IOC_SENDFILE, &arg));
	EXPECT_EQ(0, GROWN(TRANSFERS_BEGUN));
	arg.out_fd = full[0];
	for (nr = 0; !(ret = zct_ioctl(self->fd, ZC_IOC_SENDFILE, &arg)); nr++)
		;
	EXPECT_EQ(-EAGAIN, ret);
	EXPECT_EQ(nr + 1, GROWN(TRANSFERS_BEGUN));
	EXPECT_EQ(nr + 1, GROWN(TRANSFERS_DONE));
	arg.flags = ZC_SEND_ASYNC;
	arg.offset = 0;
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_SENDFILE, &arg));
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_CANCEL, &cancel));
	EXPECT_TRUE(nl_grows(&self->nl, &self->before, ZC_A_STATS_TRANSFERS_CANCELED, 1, 5000));
	EXPECT_EQ(nr + 2, GROWN(TRANSFERS_BEGUN));
	EXPECT_EQ(0, GROWN(TRANSFERS_FAILED));
	close(sock[1]);
	arg.flags = ZC_SEND_NOSIGNAL;
	arg.out_fd = sock[0];
	EXPECT_EQ(-EPIPE, zct_ioctl(self->fd, ZC_IOC_SENDFILE, &arg));
	EXPECT_EQ(1, GROWN(TRANSFERS_FAILED));
	EXPECT_EQ(nr + 1, GROWN(TRANSFERS_DONE));
	EXPECT_EQ(1, GROWN(TRANSFERS_CANCELED));
	EXPECT_EQ(nr + 3, GROWN(TRANSFERS_BEGUN));
	close(sock[0]);
	close(full[0]);
	close(full[1]);
}

TEST_F_TIMEOUT(count, dma, 120)
{
	struct zc_buf_create buf;
	struct edu edu;

	ASSERT_EQ(0, zct_create(self->fd, HUGE, ZC_BUF_ZERO, ZC_NODE_ANY, &buf));
	ASSERT_EQ(0, nl_stats(&self->nl, &self->before));
	ASSERT_EQ(0, dma_map(self->fd, buf.handle, 0, BOTH | dma_bounce(), NULL));
	EXPECT_EQ(-EEXIST, dma_map(self->fd, buf.handle, 0, BOTH | dma_bounce(), NULL));
	EXPECT_EQ(1, GROWN(DMA_MAPPED));
	ASSERT_EQ(0, dma_unmap(self->fd, buf.handle, 0));
	EXPECT_TRUE(ONLY(ZC_A_STATS_DMA_MAPPED));
	if (!edu_find(&edu, 0))
		SKIP(return, "no device with a DMA engine (QEMU's edu)");
	ASSERT_EQ(0, edu_begin(&edu, self->fd, 64));
	ASSERT_EQ(0, dma_map(self->fd, buf.handle, edu.target, BOTH | dma_bounce(), NULL));
	EXPECT_EQ(2, GROWN(DMA_MAPPED));
	EXPECT_EQ(0, GROWN(DMA_REVOKED));
	ASSERT_EQ(0, dma_detach(self->fd, edu.target));
	EXPECT_EQ(1, GROWN(DMA_REVOKED));
	EXPECT_EQ(2, GROWN(DMA_MAPPED));
	edu_end(&edu, self->fd);
	EXPECT_TRUE(ONLY(ZC_A_STATS_DMA_MAPPED, ZC_A_STATS_DMA_REVOKED));
}

TEST_HARNESS_MAIN
