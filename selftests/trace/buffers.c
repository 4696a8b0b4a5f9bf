// SPDX-License-Identifier: GPL-2.0-only
/* The tracepoints of buffers: each is there, once, with the right fields. */
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "events.h"

FIXTURE(buffers)
{
	int fd;
	struct zc_buf_create buf;
	uint32_t id;
};

FIXTURE_SETUP(buffers)
{
	/* Destroyed buffers are kept by the processor. */
	ASSERT_TRUE(zct_on_cpu(0));
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	if (!events_start())
		SKIP(return, "no tracepoints, or no tracefs");
}

FIXTURE_TEARDOWN(buffers)
{
	if (self->fd >= 0)
		close(self->fd);
	if (!__test_passed(_metadata))
		events_show();
	events_stop();
}

/* Its number, as others than the tracepoints tell it; 0 if there is none. */
static uint32_t number(int fd, uint32_t handle)
{
	struct zc_buf_info info = { 0 };

	for (; !zct_ioctl(fd, ZC_IOC_BUF_INFO, &info); info = (struct zc_buf_info){
	     .id = info.id + 1 })
		if (info.state & ZC_STATE_OWN && info.handle == handle)
			return info.id;
	return 0;
}

/* A buffer in self->buf and self->id. */
#define MAKE(size, flags) do {							\
	ASSERT_EQ(0, zct_create(self->fd, size, flags, ZC_NODE_ANY, &self->buf));	\
	self->id = number(self->fd, self->buf.handle);				\
	ASSERT_NE(0, self->id);							\
} while (0)

TEST_F_TIMEOUT(buffers, made_destroyed_and_had_again, 120)
{
	uint32_t handle;

	MAKE(2 * HUGE, 0);
	handle = self->buf.handle;
	EXPECT_EQ(1, events_count("zc_buffer_create", "buffer=%u", self->id));
	EXPECT_EQ(1, events_count("zc_buffer_create",
				  "buffer=%u size=%lu huge_bytes=%lu handle=%u flags=none "
				  "node=%d again=0", self->id, 2 * HUGE, 2 * HUGE, handle,
				  self->buf.node));
	/* Nothing between them: what is parked stays so for a moment. */
	ASSERT_EQ(0, zct_destroy(self->fd, handle));
	ASSERT_EQ(0, zct_create(self->fd, 2 * HUGE, 0, ZC_NODE_ANY, &self->buf));
	EXPECT_EQ(handle, self->buf.handle);
	EXPECT_EQ(1, events_count("zc_buffer_destroy",
				  "buffer=%u size=%lu handle=%u mappings=0 parked=1", self->id,
				  2 * HUGE, handle));
	EXPECT_EQ(0, events_count("zc_buffer_free", "buffer=%u", self->id));
	EXPECT_EQ(1, events_count("zc_buffer_create", "buffer=%u handle=%u size=%lu again=1",
				  self->id, handle, 2 * HUGE));
	/* The file goes, and with it what it has. */
	close(self->fd);
	self->fd = -1;
	EXPECT_TRUE(events_come(5000, "zc_buffer_free", "buffer=%u size=%lu", self->id,
				2 * HUGE));
	EXPECT_EQ(1, events_count("zc_buffer_free", "buffer=%u", self->id));
	EXPECT_EQ(1, events_count("zc_buffer_destroy", "buffer=%u parked=0", self->id));
	EXPECT_EQ(2, events_count("zc_buffer_create", "buffer=%u", self->id));
}

/* What is parked is freed when its file goes, and said to be so once. */
TEST_F_TIMEOUT(buffers, parked_and_freed, 120)
{
	MAKE(4096, ZC_BUF_SLICE);
	EXPECT_EQ(1, events_count("zc_buffer_create", "buffer=%u size=4096 flags=slice",
				  self->id));
	ASSERT_EQ(0, zct_destroy(self->fd, self->buf.handle));
	EXPECT_EQ(1, events_count("zc_buffer_destroy", "buffer=%u size=4096 parked=1",
				  self->id));
	EXPECT_EQ(0, events_count("zc_buffer_free", "buffer=%u", self->id));
	close(self->fd);
	self->fd = -1;
	EXPECT_TRUE(events_come(5000, "zc_buffer_free", "buffer=%u size=4096", self->id));
	EXPECT_EQ(1, events_count("zc_buffer_free", "buffer=%u", self->id));
	EXPECT_EQ(1, events_count("zc_buffer_destroy", "buffer=%u", self->id));
}

TEST_F_TIMEOUT(buffers, refused, 120)
{
	unsigned int nr;

	EXPECT_EQ(0, zct_param_set("max_bytes", HUGE));
	EXPECT_EQ(-ENOSPC, zct_create(self->fd, 64 * HUGE, 0, ZC_NODE_ANY, &self->buf));
	EXPECT_EQ(0, zct_param_set("max_bytes", 0));
	nr = events_count("zc_buffer_create", "size=%lu", 64 * HUGE) +
	     events_count("zc_buffer_free", "size=%lu", 64 * HUGE);
	EXPECT_EQ(0, nr);
	EXPECT_EQ(-ENOENT, zct_destroy(self->fd, 12345));
	EXPECT_EQ(0, events_count("zc_buffer_destroy", "handle=12345"));
}

TEST_F_TIMEOUT(buffers, mapped, 120)
{
	int status = -1;
	pid_t pid;
	char *map;

	MAKE(2 * HUGE, 0);
	map = mmap(NULL, HUGE, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd,
		   self->buf.mmap_offset + HUGE);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(1, events_count("zc_buffer_map", "buffer=%u addr=0x%lx offset=%lu len=%lu "
				  "writable=1", self->id, (unsigned long)map, HUGE, HUGE));
	pid = fork();
	if (!pid)
		_exit(0);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(2, events_count("zc_buffer_map", "buffer=%u len=%lu", self->id, HUGE));
	EXPECT_EQ(1, events_count("zc_buffer_unmap", "buffer=%u len=%lu", self->id, HUGE));
	/* Who maps it keeps it. */
	ASSERT_EQ(0, zct_destroy(self->fd, self->buf.handle));
	EXPECT_EQ(1, events_count("zc_buffer_destroy", "buffer=%u mappings=1 parked=0",
				  self->id));
	EXPECT_EQ(0, events_count("zc_buffer_free", "buffer=%u", self->id));
	ASSERT_EQ(0, munmap(map, HUGE));
	EXPECT_EQ(2, events_count("zc_buffer_unmap", "buffer=%u addr=0x%lx offset=%lu len=%lu "
				  "writable=1", self->id, (unsigned long)map, HUGE, HUGE));
	EXPECT_EQ(1, events_count("zc_buffer_free", "buffer=%u size=%lu", self->id, 2 * HUGE));
}

TEST_F_TIMEOUT(buffers, sealed, 120)
{
	char *map;

	MAKE(HUGE, 0);
	map = zct_map(self->fd, &self->buf);
	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(-EBUSY, zct_seal(self->fd, self->buf.handle));
	EXPECT_EQ(1, events_count("zc_buffer_seal", "buffer=%u err=%d", self->id, -EBUSY));
	munmap(map, HUGE);
	ASSERT_EQ(0, zct_seal(self->fd, self->buf.handle));
	EXPECT_EQ(1, events_count("zc_buffer_seal", "buffer=%u err=0", self->id));
	map = mmap(NULL, HUGE, PROT_READ, MAP_SHARED, self->fd, self->buf.mmap_offset);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(1, events_count("zc_buffer_map", "buffer=%u writable=0", self->id));
	munmap(map, HUGE);
	EXPECT_EQ(1, events_count("zc_buffer_unmap", "buffer=%u writable=0", self->id));
	ASSERT_EQ(0, zct_destroy(self->fd, self->buf.handle));
	EXPECT_EQ(1, events_count("zc_buffer_free", "buffer=%u", self->id));
}

static int memory_file(uint64_t size)
{
	int fd = memfd_create("buffers", MFD_CLOEXEC);

	if (fd >= 0 && ftruncate(fd, size)) {
		close(fd);
		return -1;
	}
	return fd;
}

TEST_F_TIMEOUT(buffers, imported, 120)
{
	struct zc_buf_import arg = { .offset = 4096, .size = 3 * 4096 };
	int file = memory_file(MIB);
	struct stat st;

	ASSERT_GE(file, 0);
	ASSERT_EQ(0, fstat(file, &st));
	arg.fd = file;
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_BUF_IMPORT, &arg));
	self->id = number(self->fd, arg.handle);
	EXPECT_EQ(1, events_count("zc_buffer_import", "buffer=%u file=%lu offset=4096 size=12288 "
				  "dmabuf=0", self->id, (unsigned long)st.st_ino));
	EXPECT_EQ(1, events_count("zc_buffer_create", "buffer=%u size=12288 flags=imported",
				  self->id));
	ASSERT_EQ(0, zct_destroy(self->fd, arg.handle));
	EXPECT_EQ(1, events_count("zc_buffer_free", "buffer=%u size=12288", self->id));
	close(file);
}

TEST_F_TIMEOUT(buffers, exported, 120)
{
	struct zc_buf_share share = { .flags = ZC_SHARE_RDONLY };
	struct zc_buf_export export = { 0 };
	struct zc_buf_import back = { 0 };
	struct stat st;
	int ret;

	MAKE(HUGE, 0);
	share.handle = self->buf.handle;
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_BUF_SHARE, &share));
	EXPECT_EQ(1, events_count("zc_buffer_export", "buffer=%u fd=%d dmabuf=0 rdonly=1",
				  self->id, share.fd));
	close(share.fd);
	export.handle = self->buf.handle;
	ret = zct_ioctl(self->fd, ZC_IOC_BUF_EXPORT, &export);
	if (ret == -ENOTTY)
		SKIP(return, "no dma-bufs in this kernel");
	ASSERT_EQ(0, ret);
	EXPECT_EQ(1, events_count("zc_buffer_export", "buffer=%u fd=%d dmabuf=1 rdonly=0",
				  self->id, export.fd));
	ASSERT_EQ(0, fstat(export.fd, &st));
	back.fd = export.fd;
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_BUF_IMPORT, &back));
	EXPECT_EQ(1, events_count("zc_buffer_import", "buffer=%u file=%lu offset=0 size=%lu "
				  "dmabuf=1", number(self->fd, back.handle),
				  (unsigned long)st.st_ino, HUGE));
	close(export.fd);
}

TEST_F_TIMEOUT(buffers, forgotten, 120)
{
	char *map;

	MAKE(HUGE, 0);
	map = zct_map(self->fd, &self->buf);
	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(0, zct_destroy(self->fd, self->buf.handle));
	EXPECT_EQ(0, zct_param_set("held_after", 1));
	EXPECT_TRUE(events_come(20000, "zc_buffer_leak", "buffer=%u size=%lu why=held "
				"comm=buffers pid=%d", self->id, HUGE, getpid()));
	EXPECT_GE(events_first("zc_buffer_leak", "seconds", "buffer=%u", self->id), 1);
	EXPECT_EQ(0, zct_param_set("held_after", 60));
	munmap(map, HUGE);
	MAKE(HUGE, 0);
	EXPECT_EQ(0, zct_param_set("idle_after", 1));
	EXPECT_TRUE(events_come(20000, "zc_buffer_leak", "buffer=%u size=%lu why=idle "
				"comm=buffers pid=%d", self->id, HUGE, getpid()));
	EXPECT_EQ(0, zct_param_set("idle_after", 0));
}

TEST_F_TIMEOUT(buffers, mapped_for_a_device, 120)
{
	struct zc_dma_map arg = { .flags = ZC_DMA_TO_DEVICE | ZC_DMA_FROM_DEVICE };
	struct zc_dma_unmap unmap = { 0 };

	MAKE(2 * HUGE, 0);
	arg.handle = self->buf.handle;
	arg.target = ZC_DMA_OWN;
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_DMA_MAP, &arg));
	EXPECT_EQ(1, events_count("zc_dma_map", "buffer=%u target=0 bytes=%lu bounced=0",
				  self->id, 2 * HUGE));
	if (arg.segments)
		EXPECT_EQ(arg.segments, events_first("zc_dma_map", "segments", "buffer=%u",
						     self->id));
	unmap.handle = self->buf.handle;
	unmap.target = ZC_DMA_OWN;
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_DMA_UNMAP, &unmap));
	EXPECT_EQ(1, events_count("zc_dma_unmap", "buffer=%u target=0 bytes=%lu bounced=0",
				  self->id, 2 * HUGE));
	EXPECT_EQ(events_first("zc_dma_map", "segments", "buffer=%u", self->id),
		  events_first("zc_dma_unmap", "segments", "buffer=%u", self->id));
	/* It is unmapped, too, when the buffer loses its handle. */
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_DMA_MAP, &arg));
	ASSERT_EQ(0, zct_destroy(self->fd, self->buf.handle));
	EXPECT_EQ(2, events_count("zc_dma_unmap", "buffer=%u target=0", self->id));
}

TEST_HARNESS_MAIN
