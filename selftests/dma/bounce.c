// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that a device does not reach, and bounce buffers: on a machine where all devices
 * have to use these (swiotlb=force), and of devices with few address bits where no IOMMU
 * helps them.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dma.h"
#include "edu.h"
#include "kselftest_harness.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(bounce)

/* Where memory ends that 32 bits reach. The node 1 of the guests is above. */
#define LOW		(4ull << 30)
#define HIGH_NODE	1

FIXTURE(bounce)
{
	int fd;
	uint64_t used;
	bool forced;
	struct edu edu;
	struct zc_buf_create buf;
	char *map;
	struct segments segs;
};

FIXTURE_SETUP(bounce)
{
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	ASSERT_TRUE(edu_find(&self->edu, 0));
	self->used = zct_used(self->fd);
	self->forced = dma_forced();
	ASSERT_EQ(0, edu_begin(&self->edu, self->fd, self->forced ? 64 : 32));
	ASSERT_EQ(0, zct_create(self->fd, 2 * HUGE, ZC_BUF_NODE_STRICT, HIGH_NODE, &self->buf));
	self->map = zct_map(self->fd, &self->buf);
	ASSERT_NE(MAP_FAILED, self->map);
	zct_pattern(self->map, 0, self->buf.size);
	if (!self->forced && dma_physical(self->map) < LOW)
		SKIP(return, "no memory above 4 GiB on node 1");
}

FIXTURE_TEARDOWN(bounce)
{
	int fd = zct_open();

	munmap(self->map, self->buf.size);
	close(self->fd);
	EXPECT_GE(0, dma_mappings(fd, self->edu.target));
	edu_end(&self->edu, fd);
	EXPECT_TRUE(zct_used_becomes(fd, self->used, 2000));
	close(fd);
}

/* Map the buffer, with leave to bounce, and learn where. */
static int map(SELF *self, uint32_t flags, struct zc_dma_map *arg)
{
	return dma_map(self->fd, self->buf.handle, self->edu.target, flags | ZC_DMA_BOUNCE,
		       arg) ?:
	       dma_segments(self->fd, self->buf.handle, self->edu.target, &self->segs);
}

static int unmap(SELF *self)
{
	return dma_unmap(self->fd, self->buf.handle, self->edu.target);
}

static int begin(SELF *self, uint32_t flags, uint64_t offset, uint64_t len)
{
	return dma_sync(self->fd, self->buf.handle, flags, offset, len);
}

static int end(SELF *self, uint32_t flags, uint64_t offset, uint64_t len)
{
	return dma_sync(self->fd, self->buf.handle, flags | ZC_SYNC_END, offset, len);
}

/* Not without leave, nor with any of the slots lost that were taken until then. */
TEST_F(bounce, refused)
{
	uint32_t flags[] = { ZC_DMA_TO_DEVICE, ZC_DMA_FROM_DEVICE, BOTH };
	int i;

	for (i = 0; i < 300; i++)
		ASSERT_EQ(-EREMOTEIO, dma_map(self->fd, self->buf.handle, self->edu.target,
					      flags[i % 3], NULL));
	EXPECT_EQ(0, dma_mappings(self->fd, self->edu.target));
	EXPECT_EQ(-1, zct_pattern_check(self->map, 0, self->buf.size));
	EXPECT_LT(0, map(self, BOTH, NULL));
}

TEST_F(bounce, all_of_it)
{
	struct zc_dma_map arg = { 0 };
	struct zc_dma_query query;
	uint64_t pos = 0;
	int i, nr = map(self, BOTH, &arg);

	ASSERT_LT(0, nr);
	EXPECT_EQ(nr, arg.segments);
	EXPECT_EQ(self->buf.size, arg.bounced);
	EXPECT_EQ(self->buf.size, dma_segments_size(&self->segs));
	ASSERT_EQ(0, dma_query(self->fd, self->edu.target, &query));
	EXPECT_LT(0, query.max_mapping);
	for (i = 0; i < nr; i++) {
		EXPECT_LE(self->segs.at[i].len, query.max_mapping);
		EXPECT_NE(dma_physical(self->map + pos), self->segs.at[i].addr);
		EXPECT_LT(self->segs.at[i].addr + self->segs.at[i].len, LOW);
		pos += self->segs.at[i].len;
	}
}

/* What is written here is there after the end, and what is written there after the begin. */
TEST_F_TIMEOUT(bounce, turns, 120)
{
	uint64_t at = HUGE - 500, to = 77777;

	ASSERT_LT(0, map(self, BOTH, NULL));
	/* As it was when it was mapped. */
	ASSERT_TRUE(edu_get(&self->edu, &self->segs, at, 1000));
	ASSERT_TRUE(edu_put(&self->edu, &self->segs, to, 1000));
	EXPECT_EQ(-1, zct_pattern_check(self->map + to, to, 1000));
	ASSERT_EQ(0, begin(self, ZC_SYNC_READ, 0, 0));
	EXPECT_EQ(-1, zct_pattern_check(self->map + to, at, 1000));
	ASSERT_EQ(0, end(self, ZC_SYNC_READ, 0, 0));
	/* As it is after the processor's turn. */
	ASSERT_EQ(0, begin(self, ZC_SYNC_WRITE, at, 1000));
	zct_pattern(self->map + at, 5000, 1000);
	ASSERT_EQ(0, end(self, ZC_SYNC_WRITE, at, 1000));
	ASSERT_TRUE(edu_get(&self->edu, &self->segs, at, 1000));
	ASSERT_TRUE(edu_put(&self->edu, &self->segs, to, 1000));
	/* Some bytes, and no more than that. */
	ASSERT_EQ(0, begin(self, ZC_SYNC_READ, to, 300));
	EXPECT_EQ(-1, zct_pattern_check(self->map + to, 5000, 300));
	ASSERT_EQ(0, begin(self, ZC_SYNC_READ | ZC_SYNC_WRITE, to + 300, 700));
	EXPECT_EQ(-1, zct_pattern_check(self->map + to, 5000, 1000));
	/* The rest is as it was. */
	ASSERT_EQ(0, begin(self, ZC_SYNC_READ, 0, 0));
	EXPECT_EQ(-1, zct_pattern_check(self->map, 0, to));
	EXPECT_EQ(-1, zct_pattern_check(self->map + to + 1000, to + 1000, at - to - 1000));
	EXPECT_EQ(-1, zct_pattern_check(self->map + at, 5000, 1000));
	EXPECT_EQ(-1, zct_pattern_check(self->map + at + 1000, at + 1000,
					self->buf.size - at - 1000));
}

/* What the device has written is there once it is unmapped, however that comes. */
TEST_F_TIMEOUT(bounce, copied_at_unmap, 120)
{
	uint64_t to = HUGE + 100;
	int round;

	for (round = 0; round < 2; round++) {
		zct_pattern(self->map, 0, self->buf.size);
		ASSERT_LT(0, map(self, BOTH, NULL));
		ASSERT_TRUE(edu_get(&self->edu, &self->segs, 5, EDU_MAX));
		ASSERT_TRUE(edu_put(&self->edu, &self->segs, to, EDU_MAX));
		ASSERT_EQ(0, round ? dma_detach(self->fd, self->edu.target) : unmap(self));
		EXPECT_EQ(-1, zct_pattern_check(self->map + to, 5, EDU_MAX));
		EXPECT_EQ(-1, zct_pattern_check(self->map, 0, to));
		EXPECT_EQ(-1, zct_pattern_check(self->map + to + EDU_MAX, to + EDU_MAX,
						self->buf.size - to - EDU_MAX));
	}
}

/* What a device only reads does not come back. */
TEST_F_TIMEOUT(bounce, read_only, 120)
{
	ASSERT_LT(0, map(self, ZC_DMA_TO_DEVICE, NULL));
	ASSERT_TRUE(edu_get(&self->edu, &self->segs, 0, 500));
	ASSERT_TRUE(edu_put(&self->edu, &self->segs, HUGE, 500));
	ASSERT_EQ(0, begin(self, ZC_SYNC_READ, 0, 0));
	EXPECT_EQ(-1, zct_pattern_check(self->map, 0, self->buf.size));
	ASSERT_EQ(0, unmap(self));
	EXPECT_EQ(-1, zct_pattern_check(self->map, 0, self->buf.size));
}

/* The processor may write, too, to what a device only writes to: it is not lost. */
TEST_F_TIMEOUT(bounce, write_only, 120)
{
	ASSERT_LT(0, map(self, ZC_DMA_FROM_DEVICE, NULL));
	ASSERT_EQ(0, begin(self, ZC_SYNC_WRITE, 0, 1000));
	memset(self->map, 'x', 1000);
	ASSERT_EQ(0, end(self, ZC_SYNC_WRITE, 0, 1000));
	ASSERT_TRUE(edu_get(&self->edu, &self->segs, HUGE, 500));
	ASSERT_TRUE(edu_put(&self->edu, &self->segs, 2 * HUGE - 500, 500));
	ASSERT_EQ(0, begin(self, ZC_SYNC_READ, 0, 0));
	EXPECT_EQ(-1, zct_pattern_check(self->map + 2 * HUGE - 500, HUGE, 500));
	EXPECT_EQ('x', self->map[0]);
	EXPECT_EQ('x', self->map[999]);
	EXPECT_EQ(-1, zct_pattern_check(self->map + 1000, 1000, 2 * HUGE - 1500));
	ASSERT_EQ(0, unmap(self));
	EXPECT_EQ('x', self->map[0]);
	EXPECT_EQ(-1, zct_pattern_check(self->map + 2 * HUGE - 500, HUGE, 500));
}

/* Two devices that write, each to a copy: the one does not undo what the other did. */
TEST_F_TIMEOUT(bounce, two_writers, 120)
{
	uint32_t handle = self->buf.handle;
	struct edu second;

	if (!edu_find(&second, 1))
		SKIP(return, "no second device edu");
	ASSERT_EQ(0, edu_begin(&second, self->fd, self->forced ? 64 : 32));
	ASSERT_LT(0, map(self, BOTH, NULL));
	/* It may be refused. */
	if (!dma_map(self->fd, handle, second.target, BOTH | ZC_DMA_BOUNCE, NULL)) {
		ASSERT_TRUE(edu_get(&self->edu, &self->segs, HUGE, 500));
		ASSERT_TRUE(edu_put(&self->edu, &self->segs, 0, 500));
		ASSERT_EQ(0, begin(self, ZC_SYNC_READ, 0, 0));
		EXPECT_EQ(-1, zct_pattern_check(self->map, HUGE, 500));
		ASSERT_EQ(0, end(self, ZC_SYNC_READ, 0, 0));
		ASSERT_EQ(0, dma_unmap(self->fd, handle, second.target));
		EXPECT_EQ(-1, zct_pattern_check(self->map, HUGE, 500));
	}
	edu_end(&second, self->fd);
}

/* There are 64 MiB of them, which are all there afterwards. */
TEST_F_TIMEOUT(bounce, too_much, 120)
{
	uint32_t target = self->edu.target;
	struct zc_buf_create buf;
	int i;

	ASSERT_EQ(0, zct_create(self->fd, 80 * MIB, ZC_BUF_NODE_STRICT, HIGH_NODE, &buf));
	EXPECT_EQ(-EIO, dma_map(self->fd, buf.handle, target, BOTH | ZC_DMA_BOUNCE, NULL));
	ASSERT_EQ(0, zct_destroy(self->fd, buf.handle));
	EXPECT_EQ(0, dma_mappings(self->fd, target));
	ASSERT_EQ(0, zct_create(self->fd, 32 * MIB, ZC_BUF_NODE_STRICT, HIGH_NODE, &buf));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, dma_map(self->fd, buf.handle, target, BOTH | ZC_DMA_BOUNCE, NULL));
		ASSERT_EQ(0, dma_unmap(self->fd, buf.handle, target));
	}
}

/* Where devices need no bounce buffers, it is a matter of where the memory is. */
TEST_F(bounce, low_memory)
{
	struct zc_dma_map arg = { 0 };
	struct zc_buf_create buf;
	char *at;
	bool low;

	if (self->forced)
		SKIP(return, "here all is bounced");
	ASSERT_EQ(0, zct_create(self->fd, 2 * HUGE, ZC_BUF_NODE_STRICT, 0, &buf));
	at = zct_map(self->fd, &buf);
	ASSERT_NE(MAP_FAILED, at);
	low = dma_physical(at) < LOW && dma_physical(at + HUGE) < LOW;
	munmap(at, buf.size);
	if (!low)
		SKIP(return, "no memory below 4 GiB comes first on node 0");
	ASSERT_EQ(0, dma_map(self->fd, buf.handle, self->edu.target, BOTH, NULL));
	ASSERT_EQ(0, dma_unmap(self->fd, buf.handle, self->edu.target));
	/* With leave to bounce as well. */
	ASSERT_EQ(0, dma_map(self->fd, buf.handle, self->edu.target, BOTH | ZC_DMA_BOUNCE,
			     &arg));
	EXPECT_EQ(0, arg.bounced);
	ASSERT_EQ(0, dma_unmap(self->fd, buf.handle, self->edu.target));
	/* Nor does a device that reaches all need any. */
	ASSERT_EQ(0, dma_detach(self->fd, self->edu.target));
	ASSERT_EQ(0, dma_attach(self->fd, self->edu.name, 64, &self->edu.target));
	EXPECT_LT(0, map(self, BOTH, &arg));
	EXPECT_EQ(0, arg.bounced);
	EXPECT_EQ(2, arg.segments);
}

/* Memory of a file, the first half of which is on one node and the rest on another. */
static int halves(uint64_t size)
{
	int fd = memfd_create("bounce", MFD_CLOEXEC);
	unsigned long node;
	char *map;

	if (fd < 0 || ftruncate(fd, size))
		return -1;
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -1;
	for (node = 0; node < 2; node++) {
		unsigned long nodes = 1ul << node;

		syscall(SYS_set_mempolicy, MPOL_BIND, &nodes, 64);
		zct_pattern(map + node * size / 2, node * size / 2, size / 2);
	}
	syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0);
	munmap(map, size);
	return fd;
}

/* Of a buffer that is here and there, what is beyond reach is bounced, and no more. */
TEST_F_TIMEOUT(bounce, half_of_it, 120)
{
	uint64_t half = 100 * PAGE;
	struct zc_buf_import arg = { 0 };
	struct zc_dma_map dma = { 0 };
	char *file;

	if (self->forced)
		SKIP(return, "here all is bounced");
	arg.fd = halves(2 * half);
	ASSERT_GE(arg.fd, 0);
	file = mmap(NULL, 2 * half, PROT_READ, MAP_SHARED, arg.fd, 0);
	ASSERT_NE(MAP_FAILED, file);
	if (dma_physical(file) >= LOW)
		SKIP(return, "no memory below 4 GiB comes first on node 0");
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_BUF_IMPORT, &arg));
	EXPECT_EQ(-EREMOTEIO, dma_map(self->fd, arg.handle, self->edu.target, BOTH, NULL));
	ASSERT_EQ(0, dma_map(self->fd, arg.handle, self->edu.target, BOTH | ZC_DMA_BOUNCE,
			     &dma));
	EXPECT_EQ(half, dma.bounced);
	ASSERT_LT(0, dma_segments(self->fd, arg.handle, self->edu.target, &self->segs));
	EXPECT_EQ(2 * half, dma_segments_size(&self->segs));
	ASSERT_TRUE(edu_get(&self->edu, &self->segs, half - 700, 1400));
	ASSERT_TRUE(edu_put(&self->edu, &self->segs, half - 800, 1400));
	ASSERT_EQ(0, dma_sync(self->fd, arg.handle, ZC_SYNC_READ, half - 800, 1400));
	EXPECT_EQ(-1, zct_pattern_check(file, 0, half - 800));
	EXPECT_EQ(-1, zct_pattern_check(file + half - 800, half - 700, 1400));
	EXPECT_EQ(-1, zct_pattern_check(file + half + 600, half + 600, half - 600));
	munmap(file, 2 * half);
	close(arg.fd);
}

/* Even bounce buffers are beyond the reach of 28 bits. */
TEST_F(bounce, few_bits)
{
	struct edu narrow;
	int err;

	if (!edu_find(&narrow, 1))
		SKIP(return, "no second device edu");
	err = edu_begin(&narrow, self->fd, 28);
	if (err == -EIO)
		SKIP(return, "this kernel keeps no memory for less than 32 bits");
	ASSERT_EQ(0, err);
	EXPECT_EQ(-ERANGE, dma_map(self->fd, self->buf.handle, narrow.target, BOTH, NULL));
	EXPECT_EQ(-ERANGE, dma_map(self->fd, self->buf.handle, narrow.target,
				   BOTH | ZC_DMA_BOUNCE, NULL));
	EXPECT_EQ(0, dma_mappings(self->fd, narrow.target));
	edu_end(&narrow, self->fd);
}

/* One reason for all of it. */
int main(int argc, char **argv)
{
	char type[32];
	struct edu edu;

	if (!edu_find(&edu, 0))
		ksft_exit_skip("no device edu: guest.sh --edu\n");
	if (edu_group(&edu, type, sizeof(type)) && !strncmp(type, "DMA", 3))
		ksft_exit_skip("with an IOMMU nothing is bounced\n");
	return test_harness_run(argc, argv);
}
