// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interface itself: sizes, reserved fields, flags and pointers. Built for 64
 * and for 32 bits.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "zc_test.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(abi)

/* The layout must not depend on the width of the program. */
static_assert(sizeof(struct zc_query) == 112, "zc_query");
static_assert(sizeof(struct zc_buf_create) == 64, "zc_buf_create");
static_assert(sizeof(struct zc_stats) == 128, "zc_stats");
static_assert(sizeof(struct zc_node_query) == 80, "zc_node_query");
static_assert(sizeof(struct zc_buf_info) == 264, "zc_buf_info");
static_assert(sizeof(struct zc_buf_share) == 32, "zc_buf_share");
static_assert(sizeof(struct zc_buf_import) == 72, "zc_buf_import");
static_assert(sizeof(struct zc_buf_query) == 72, "zc_buf_query");
static_assert(sizeof(struct zc_buf_destroy) == 32, "zc_buf_destroy");
static_assert(sizeof(struct zc_buf_seal) == 32, "zc_buf_seal");
static_assert(sizeof(struct zc_sendfile) == 104, "zc_sendfile");
static_assert(sizeof(struct zc_send) == 96, "zc_send");
static_assert(sizeof(struct zc_event) == 64, "zc_event");
static_assert(sizeof(struct zc_cancel) == 32, "zc_cancel");
static_assert(sizeof(struct zc_uring_cmd) == 16, "zc_uring_cmd");
static_assert(sizeof(struct zc_buf_export) == 32, "zc_buf_export");
static_assert(sizeof(struct zc_buf_sync) == 40, "zc_buf_sync");
static_assert(sizeof(struct zc_dma_query) == 144, "zc_dma_query");
static_assert(sizeof(struct zc_dma_attach) == 80, "zc_dma_attach");
static_assert(sizeof(struct zc_dma_detach) == 32, "zc_dma_detach");
static_assert(sizeof(struct zc_dma_map) == 48, "zc_dma_map");
static_assert(sizeof(struct zc_dma_unmap) == 32, "zc_dma_unmap");
static_assert(sizeof(struct zc_dma_segments) == 296, "zc_dma_segments");
static_assert(sizeof(struct zc_dma_measure) == 88, "zc_dma_measure");
static_assert(offsetof(struct zc_query, max_bytes) == 48, "max_bytes");
static_assert(offsetof(struct zc_query, __resv) == 104, "query resv");
static_assert(offsetof(struct zc_buf_create, huge_bytes) == 32, "huge_bytes");
static_assert(offsetof(struct zc_buf_query, mappings) == 40, "mappings");
static_assert(offsetof(struct zc_sendfile, copied) == 40, "copied");
static_assert(offsetof(struct zc_sendfile, user_data) == 72, "sendfile user_data");
static_assert(offsetof(struct zc_sendfile, __resv) == 88, "sendfile resv");
static_assert(offsetof(struct zc_send, events) == 60, "events");
static_assert(offsetof(struct zc_event, copied) == 24, "event copied");

/* A command with a structure of another size. */
static unsigned long resize(unsigned long cmd, size_t size)
{
	return _IOC(_IOC_DIR(cmd), _IOC_TYPE(cmd), _IOC_NR(cmd), size);
}

/* Room for a structure of tomorrow. */
#define BIG	1024

static const unsigned long commands[] = {
	ZC_IOC_QUERY, ZC_IOC_STATS, ZC_IOC_NODE_QUERY,
	ZC_IOC_BUF_CREATE, ZC_IOC_BUF_QUERY, ZC_IOC_BUF_DESTROY, ZC_IOC_BUF_SEAL,
	ZC_IOC_BUF_INFO, ZC_IOC_BUF_SHARE, ZC_IOC_BUF_IMPORT,
	ZC_IOC_BUF_EXPORT, ZC_IOC_BUF_SYNC,
	ZC_IOC_SENDFILE, ZC_IOC_SEND, ZC_IOC_CANCEL,
	ZC_IOC_DMA_QUERY, ZC_IOC_DMA_ATTACH, ZC_IOC_DMA_DETACH,
	ZC_IOC_DMA_MAP, ZC_IOC_DMA_UNMAP, ZC_IOC_DMA_SEGMENTS,
	ZC_IOC_DMA_MEASURE,
};

#define NR_COMMANDS	(sizeof(commands) / sizeof(*commands))

FIXTURE(abi)
{
	int fd;
	uint64_t used;
	struct zc_query query;
	struct zc_buf_create buf;
	int file;
	int memory;
	int sock[2];
	union {
		char bytes[BIG];
		uint64_t align;
		uint32_t handle;
	} arg;
};

FIXTURE_SETUP(abi)
{
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_QUERY, &self->query));
	ASSERT_EQ(0, zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &self->buf));
	self->used = zct_used(self->fd);
	self->file = zct_pattern_file("/tmp/abi", 8192);
	ASSERT_GE(self->file, 0);
	self->memory = memfd_create("abi", MFD_CLOEXEC);
	ASSERT_EQ(0, ftruncate(self->memory, HUGE));
	ASSERT_EQ(0, zct_pair(AF_INET, self->sock));
}

FIXTURE_TEARDOWN(abi)
{
	EXPECT_EQ(self->used, zct_used(self->fd));
	close(self->sock[0]);
	close(self->sock[1]);
	close(self->memory);
	close(self->file);
	close(self->fd);
	unlink("/tmp/abi");
}

static int dma_map(SELF *self)
{
	struct zc_dma_map arg = { .handle = self->buf.handle, .flags = ZC_DMA_TO_DEVICE };

	return zct_ioctl(self->fd, ZC_IOC_DMA_MAP, &arg);
}

static int dma_unmap(SELF *self)
{
	struct zc_dma_unmap arg = { .handle = self->buf.handle };

	return zct_ioctl(self->fd, ZC_IOC_DMA_UNMAP, &arg);
}

/* Arguments that are right for this command, in self->arg, the rest zero. */
static void valid(SELF *self, unsigned long cmd)
{
	struct zc_buf_create buf;

	memset(&self->arg, 0, sizeof(self->arg));
	switch (cmd) {
	case ZC_IOC_DMA_UNMAP:
	case ZC_IOC_DMA_SEGMENTS:
		dma_map(self);
		/* The handle comes first. */
		__attribute__((fallthrough));
	case ZC_IOC_BUF_QUERY:
	case ZC_IOC_BUF_SHARE:
	case ZC_IOC_BUF_EXPORT:
		self->arg.handle = self->buf.handle;
		break;
	case ZC_IOC_BUF_DESTROY:
	case ZC_IOC_BUF_SEAL:
		zct_create(self->fd, 1, 0, ZC_NODE_ANY, &buf);
		self->arg.handle = buf.handle;
		break;
	case ZC_IOC_BUF_CREATE: {
		struct zc_buf_create *arg = (void *)&self->arg;

		arg->size = 1;
		arg->node = ZC_NODE_ANY;
		break;
	}
	case ZC_IOC_BUF_SYNC: {
		struct zc_buf_sync *arg = (void *)&self->arg;

		arg->handle = self->buf.handle;
		arg->flags = ZC_SYNC_READ;
		break;
	}
	case ZC_IOC_DMA_ATTACH: {
		struct zc_dma_attach *arg = (void *)&self->arg;

		memcpy(arg->name, "platform:none", sizeof("platform:none"));
		break;
	}
	case ZC_IOC_DMA_MEASURE: {
		struct zc_dma_measure *arg = (void *)&self->arg;

		arg->kind = ZC_MEASURE_PAGES;
		arg->size = 8192;
		break;
	}
	case ZC_IOC_DMA_DETACH: {
		struct zc_dma_detach *arg = (void *)&self->arg;

		arg->target = 0x7fffffff;
		break;
	}
	case ZC_IOC_DMA_MAP: {
		struct zc_dma_map *arg = (void *)&self->arg;

		arg->handle = self->buf.handle;
		arg->flags = ZC_DMA_TO_DEVICE;
		break;
	}
	case ZC_IOC_BUF_IMPORT: {
		struct zc_buf_import *arg = (void *)&self->arg;

		arg->fd = self->memory;
		break;
	}
	case ZC_IOC_SEND: {
		struct zc_send *arg = (void *)&self->arg;

		arg->handle = self->buf.handle;
		arg->out_fd = self->sock[0];
		arg->len = 1;
		break;
	}
	case ZC_IOC_SENDFILE: {
		struct zc_sendfile *arg = (void *)&self->arg;

		arg->in_fd = self->file;
		arg->out_fd = self->sock[0];
		arg->len = 1;
		break;
	}
	}
}

/* What it then returns: there is nothing to cancel, and no device. */
static int expected(SELF *self, unsigned long cmd)
{
	switch (cmd) {
	case ZC_IOC_CANCEL:
	case ZC_IOC_DMA_DETACH:
		return -ENOENT;
	case ZC_IOC_DMA_ATTACH:
		return -ENODEV;
	case ZC_IOC_BUF_EXPORT:
		return self->query.features & ZC_FEAT_DMABUF ? 0 : -ENOTTY;
	}
	return 0;
}

/* A create that succeeded, or a destroy that did not, left a handle. */
static void tidy(SELF *self, unsigned long cmd, int ret)
{
	if (cmd == ZC_IOC_BUF_CREATE && !ret)
		zct_destroy(self->fd, ((struct zc_buf_create *)&self->arg)->handle);
	if (cmd == ZC_IOC_BUF_IMPORT && !ret)
		zct_destroy(self->fd, ((struct zc_buf_import *)&self->arg)->handle);
	if (cmd == ZC_IOC_BUF_SHARE && !ret)
		close(((struct zc_buf_share *)&self->arg)->fd);
	if (cmd == ZC_IOC_BUF_EXPORT && !ret)
		close(((struct zc_buf_export *)&self->arg)->fd);
	if ((cmd == ZC_IOC_DMA_MAP && !ret) || (cmd == ZC_IOC_DMA_UNMAP && ret) ||
	    cmd == ZC_IOC_DMA_SEGMENTS)
		dma_unmap(self);
	if (cmd == ZC_IOC_BUF_SEAL || (cmd == ZC_IOC_BUF_DESTROY && ret))
		zct_destroy(self->fd, self->arg.handle);
}

TEST_F_TIMEOUT(abi, query, 120)
{
	const struct zc_query *q = &self->query;

	EXPECT_EQ(ZC_ABI_VERSION, q->abi);
	EXPECT_TRUE(q->features & ZC_FEAT_BUFFER);
	EXPECT_TRUE(q->features & ZC_FEAT_SENDFILE);
	EXPECT_TRUE(q->features & ZC_FEAT_PAGE_PATH);
	EXPECT_TRUE(q->features & ZC_FEAT_SEND);
	EXPECT_TRUE(q->features & ZC_FEAT_ASYNC);
	EXPECT_EQ(ZC_BUF_SMALL_OK | ZC_BUF_NODE_STRICT | ZC_BUF_ZERO | ZC_BUF_SLICE,
		  q->buf_flags);
	EXPECT_EQ(ZC_SEND_POS | ZC_SEND_NONBLOCK | ZC_SEND_NOSIGNAL |
		  ZC_SEND_DIRECT | ZC_SEND_MORE | ZC_SEND_CACHED | ZC_SEND_ASYNC,
		  q->send_flags);
	EXPECT_GE(q->max_buffer_size, HUGE);
	EXPECT_GE(q->max_bytes, HUGE);
	EXPECT_EQ(ZC_HUGE_SIZE, q->huge_size);
	EXPECT_GT(q->max_handles, 0);
	EXPECT_GT(q->chunk_size, 0);
	EXPECT_GE(q->depth, 1);
	EXPECT_EQ(0, q->__pad);
	EXPECT_GE(self->used, HUGE);
}

TEST_F_TIMEOUT(abi, valid_calls, 120)
{
	size_t i;
	int ret;

	for (i = 0; i < NR_COMMANDS; i++) {
		valid(self, commands[i]);
		ret = zct_ioctl(self->fd, commands[i], &self->arg);
		EXPECT_EQ(expected(self, commands[i]), ret) TH_LOG("command %zu", i);
		tidy(self, commands[i], ret);
	}
}

TEST_F_TIMEOUT(abi, too_short, 120)
{
	size_t i, size;
	int ret;

	for (i = 0; i < NR_COMMANDS; i++) {
		valid(self, commands[i]);
		for (size = 0; size < _IOC_SIZE(commands[i]); size += 4) {
			ret = zct_ioctl(self->fd, resize(commands[i], size),
					&self->arg);
			EXPECT_EQ(-EINVAL, ret)
				TH_LOG("command %zu, %zu bytes", i, size);
		}
		tidy(self, commands[i], -EINVAL);
	}
}

TEST_F_TIMEOUT(abi, longer_with_zeroes, 120)
{
	size_t i;
	int ret;

	for (i = 0; i < NR_COMMANDS; i++) {
		valid(self, commands[i]);
		ret = zct_ioctl(self->fd, resize(commands[i], BIG), &self->arg);
		EXPECT_EQ(expected(self, commands[i]), ret) TH_LOG("command %zu", i);
		tidy(self, commands[i], ret);
	}
}

TEST_F_TIMEOUT(abi, longer_with_something, 120)
{
	size_t i, at;
	int ret;

	for (i = 0; i < NR_COMMANDS; i++) {
		for (at = _IOC_SIZE(commands[i]); at < BIG; at = 2 * at + 1) {
			valid(self, commands[i]);
			self->arg.bytes[at] = 1;
			ret = zct_ioctl(self->fd, resize(commands[i], BIG),
					&self->arg);
			EXPECT_EQ(-E2BIG, ret)
				TH_LOG("command %zu, byte %zu", i, at);
			tidy(self, commands[i], ret);
		}
	}
}

/* Offsets of the reserved words and pads that must be zero, to the kernel and from it. */
static const struct {
	unsigned long cmd;
	size_t from, to;
} resv[] = {
	{ ZC_IOC_QUERY, offsetof(struct zc_query, flags), 4 },
	{ ZC_IOC_QUERY, offsetof(struct zc_query, __resv), 112 },
	{ ZC_IOC_STATS, offsetof(struct zc_stats, flags), 8 },
	{ ZC_IOC_STATS, offsetof(struct zc_stats, __resv), 128 },
	{ ZC_IOC_NODE_QUERY, offsetof(struct zc_node_query, flags), 12 },
	{ ZC_IOC_NODE_QUERY, offsetof(struct zc_node_query, __resv), 80 },
	{ ZC_IOC_BUF_CREATE, offsetof(struct zc_buf_create, __resv), 64 },
	{ ZC_IOC_BUF_QUERY, offsetof(struct zc_buf_query, __pad), 72 },
	{ ZC_IOC_BUF_DESTROY, offsetof(struct zc_buf_destroy, flags), 32 },
	{ ZC_IOC_BUF_SEAL, offsetof(struct zc_buf_seal, flags), 32 },
	{ ZC_IOC_BUF_INFO, offsetof(struct zc_buf_info, __resv), 264 },
	{ ZC_IOC_BUF_SHARE, offsetof(struct zc_buf_share, __pad), 32 },
	{ ZC_IOC_BUF_IMPORT, offsetof(struct zc_buf_import, flags), 8 },
	{ ZC_IOC_BUF_IMPORT, offsetof(struct zc_buf_import, __pad), 72 },
	{ ZC_IOC_BUF_EXPORT, offsetof(struct zc_buf_export, __pad), 32 },
	{ ZC_IOC_BUF_SYNC, offsetof(struct zc_buf_sync, __resv), 40 },
	{ ZC_IOC_DMA_QUERY, offsetof(struct zc_dma_query, flags), 8 },
	{ ZC_IOC_DMA_QUERY, offsetof(struct zc_dma_query, __resv), 144 },
	{ ZC_IOC_DMA_ATTACH, offsetof(struct zc_dma_attach, flags), 52 },
	{ ZC_IOC_DMA_ATTACH, offsetof(struct zc_dma_attach, __pad), 80 },
	{ ZC_IOC_DMA_DETACH, offsetof(struct zc_dma_detach, flags), 32 },
	{ ZC_IOC_DMA_MAP, offsetof(struct zc_dma_map, __resv), 48 },
	{ ZC_IOC_DMA_UNMAP, offsetof(struct zc_dma_unmap, flags), 32 },
	{ ZC_IOC_DMA_SEGMENTS, offsetof(struct zc_dma_segments, flags), 12 },
	{ ZC_IOC_DMA_SEGMENTS, offsetof(struct zc_dma_segments, __resv), 296 },
	{ ZC_IOC_DMA_MEASURE, offsetof(struct zc_dma_measure, flags), 16 },
	{ ZC_IOC_DMA_MEASURE, offsetof(struct zc_dma_measure, __resv), 88 },
	{ ZC_IOC_SENDFILE, offsetof(struct zc_sendfile, __resv), 104 },
	{ ZC_IOC_SEND, offsetof(struct zc_send, __resv), 96 },
	{ ZC_IOC_CANCEL, offsetof(struct zc_cancel, __resv), 32 },
};

TEST_F_TIMEOUT(abi, reserved, 120)
{
	size_t i, at;
	int ret;

	for (i = 0; i < sizeof(resv) / sizeof(*resv); i++) {
		for (at = resv[i].from; at < resv[i].to; at++) {
			valid(self, resv[i].cmd);
			self->arg.bytes[at] = 0x80;
			ret = zct_ioctl(self->fd, resv[i].cmd, &self->arg);
			EXPECT_EQ(-EINVAL, ret)
				TH_LOG("entry %zu, byte %zu", i, at);
			tidy(self, resv[i].cmd, ret);
		}
	}
}

/* Nothing of the kernel's stack, nor of what another call has left there. */
TEST_F_TIMEOUT(abi, reserved_comes_back, 120)
{
	size_t i, at;
	int ret;

	for (i = 0; i < sizeof(resv) / sizeof(*resv); i++) {
		valid(self, resv[i].cmd);
		ret = zct_ioctl(self->fd, resv[i].cmd, &self->arg);
		for (at = resv[i].from; at < resv[i].to; at++)
			EXPECT_EQ(0, self->arg.bytes[at])
				TH_LOG("entry %zu, byte %zu", i, at);
		tidy(self, resv[i].cmd, ret);
	}
}

TEST_F_TIMEOUT(abi, unknown_flags, 120)
{
	unsigned int bit;

	for (bit = 0; bit < 32; bit++) {
		struct zc_sendfile *send = (void *)&self->arg;
		struct zc_buf_create buf;

		if (!(self->query.buf_flags & (1u << bit)))
			EXPECT_EQ(-EINVAL, zct_create(self->fd, 1, 1u << bit,
						      ZC_NODE_ANY, &buf))
				TH_LOG("buffer flag %u", bit);
		if (self->query.send_flags & (1u << bit))
			continue;
		valid(self, ZC_IOC_SENDFILE);
		send->flags = 1u << bit;
		EXPECT_EQ(-EINVAL, zct_ioctl(self->fd, ZC_IOC_SENDFILE, send))
			TH_LOG("send flag %u", bit);
	}
}

TEST_F_TIMEOUT(abi, unknown_commands, 120)
{
	unsigned int nr;

	memset(&self->arg, 0, sizeof(self->arg));
	for (nr = 0; nr < 256; nr++) {
		if (nr <= 2 || (nr >= 0x10 && nr <= 0x18) ||
		    (nr >= 0x20 && nr <= 0x22) || (nr >= 0x30 && nr <= 0x36))
			continue;
		EXPECT_EQ(-ENOTTY, zct_ioctl(self->fd,
					     _IOC(_IOC_READ | _IOC_WRITE,
						  ZC_IOC_MAGIC, nr, 64),
					     &self->arg)) TH_LOG("number %u", nr);
	}
	/* The direction and the type belong to the command. */
	EXPECT_EQ(-ENOTTY, zct_ioctl(self->fd, _IO(ZC_IOC_MAGIC, 0), &self->arg));
	EXPECT_EQ(-ENOTTY, zct_ioctl(self->fd, _IOR(ZC_IOC_MAGIC, 0, struct zc_query),
				     &self->arg));
	EXPECT_EQ(-ENOTTY, zct_ioctl(self->fd, _IOW(ZC_IOC_MAGIC, 0, struct zc_query),
				     &self->arg));
	EXPECT_EQ(-ENOTTY, zct_ioctl(self->fd, _IOWR('Z', 0, struct zc_query),
				     &self->arg));
}

TEST_F_TIMEOUT(abi, bad_pointers, 120)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	char *map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t i;

	ASSERT_TRUE(map != MAP_FAILED);
	munmap(map + page, page);
	for (i = 0; i < NR_COMMANDS; i++) {
		EXPECT_EQ(-EFAULT, zct_ioctl(self->fd, commands[i], NULL));
		EXPECT_EQ(-EFAULT, zct_ioctl(self->fd, commands[i], map + page));
		EXPECT_EQ(-EFAULT, zct_ioctl(self->fd, commands[i], map + page - 8));
	}
	munmap(map, page);
}

/* The result has nowhere to go: nothing may stay behind. */
TEST_F_TIMEOUT(abi, read_only_result, 120)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	struct zc_sendfile *send;
	struct zc_buf_create *buf;
	char byte;
	void *map;

	map = mmap(NULL, page, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(map != MAP_FAILED);
	valid(self, ZC_IOC_BUF_CREATE);
	buf = memcpy(map, &self->arg, sizeof(*buf));
	mprotect(map, page, PROT_READ);
	EXPECT_EQ(-EFAULT, zct_ioctl(self->fd, ZC_IOC_BUF_CREATE, buf));
	EXPECT_EQ(self->used, zct_used(self->fd));

	mprotect(map, page, PROT_READ | PROT_WRITE);
	valid(self, ZC_IOC_SENDFILE);
	send = memcpy(map, &self->arg, sizeof(*send));
	mprotect(map, page, PROT_READ);
	EXPECT_EQ(-EFAULT, zct_ioctl(self->fd, ZC_IOC_SENDFILE, send));
	/* Not a byte was sent. */
	EXPECT_EQ(-1, recv(self->sock[1], &byte, 1, MSG_DONTWAIT));
	EXPECT_EQ(EAGAIN, errno);
	munmap(map, page);
}

TEST_F_TIMEOUT(abi, node, 120)
{
	struct stat st;
	char byte;

	ASSERT_EQ(0, stat("/dev/zc", &st));
	EXPECT_TRUE(S_ISCHR(st.st_mode));
	EXPECT_EQ(0660, st.st_mode & 07777);
	EXPECT_EQ(-1, read(self->fd, &byte, 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, write(self->fd, &byte, 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, lseek(self->fd, 1, SEEK_SET));
	EXPECT_EQ(ESPIPE, errno);
}

/* Handles belong to the open file, not to the process. */
TEST_F_TIMEOUT(abi, other_file, 120)
{
	struct zc_buf_query query = { .handle = self->buf.handle };
	int other = zct_open(), copy = dup(self->fd);

	EXPECT_EQ(-ENOENT, zct_ioctl(other, ZC_IOC_BUF_QUERY, &query));
	EXPECT_EQ(-ENOENT, zct_destroy(other, self->buf.handle));
	EXPECT_EQ(0, zct_ioctl(copy, ZC_IOC_BUF_QUERY, &query));
	close(other);
	close(copy);
}

TEST_F_TIMEOUT(abi, passed_to_a_child, 120)
{
	struct zc_buf_query query = { .handle = self->buf.handle };
	char byte, control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cm = CMSG_FIRSTHDR(&msg);
	int pair[2], status;
	pid_t pid;

	ASSERT_EQ(0, zct_pair(AF_UNIX, pair));
	pid = fork();
	if (!pid) {
		int got;

		close(self->fd);
		if (recvmsg(pair[1], &msg, 0) != 1)
			_exit(1);
		memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(got));
		_exit(zct_ioctl(got, ZC_IOC_BUF_QUERY, &query) ? 2 : 0);
	}
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cm), &self->fd, sizeof(int));
	ASSERT_EQ(1, sendmsg(pair[0], &msg, 0));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	close(pair[0]);
	close(pair[1]);
}

/* The whole way, for the program of the other width as well. */
TEST_F_TIMEOUT(abi, end_to_end, 120)
{
	struct zc_buf_create buf;
	struct zc_sendfile send;
	struct zct_rx rx;
	char *map;

	ASSERT_EQ(0, zct_create(self->fd, 2 * HUGE, 0, ZC_NODE_ANY, &buf));
	map = zct_map(self->fd, &buf);
	ASSERT_TRUE(map != MAP_FAILED);
	zct_pattern(map, 0, 2 * HUGE);
	EXPECT_EQ(-1, zct_pattern_check(map, 0, 2 * HUGE));
	EXPECT_EQ(2 * HUGE, zct_smaps(map, "FilePmdMapped"));
	munmap(map, 2 * HUGE);
	/* Who knows a place for it gets that. */
	EXPECT_TRUE(mmap(map, 2 * HUGE, PROT_READ, MAP_SHARED, self->fd, buf.mmap_offset) == map);
	EXPECT_EQ(-1, zct_pattern_check(map, 0, 2 * HUGE));
	munmap(map, 2 * HUGE);
	EXPECT_EQ(0, zct_destroy(self->fd, buf.handle));

	EXPECT_EQ(0, zct_send(self->fd, AF_INET, self->file, 5, 8000, 0, &send, &rx));
	EXPECT_EQ(8000, send.sent);
	EXPECT_EQ(8005, send.offset);
	EXPECT_EQ(8000, rx.bytes);
	EXPECT_EQ(-1, rx.bad);
}

TEST_HARNESS_MAIN
