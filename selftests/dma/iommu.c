// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an IOMMU does for buffers: that a device does not reach what is not, or no longer,
 * mapped for it, and that one of few address bits reaches all that is.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dma.h"
#include "edu.h"
#include "kselftest_harness.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(iommu)

/* What a device tries to read or write where it must not. */
#define LEN	64

FIXTURE(iommu)
{
	int fd;
	uint64_t used;
	struct edu edu;
	struct zc_buf_create buf;
	char *map;
	struct segments segs;
	/* For what the device has got, and what it is to write. */
	struct zc_buf_create own;
	char *notes;
	struct segments own_segs;
};

FIXTURE_SETUP(iommu)
{
	struct zc_dma_query query;

	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->used = zct_used(self->fd);
	ASSERT_TRUE(edu_find(&self->edu, 0));
	ASSERT_EQ(0, edu_begin(&self->edu, self->fd, 64));
	ASSERT_EQ(0, dma_query(self->fd, self->edu.target, &query));
	ASSERT_EQ(ZC_DMA_TRANSLATED | ZC_DMA_ADDRESSES, query.state);
	ASSERT_EQ(0, zct_create(self->fd, 2 * HUGE, 0, ZC_NODE_ANY, &self->buf));
	self->map = zct_map(self->fd, &self->buf);
	ASSERT_NE(MAP_FAILED, self->map);
	zct_pattern(self->map, 0, self->buf.size);
	ASSERT_EQ(0, zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &self->own));
	self->notes = zct_map(self->fd, &self->own);
	ASSERT_NE(MAP_FAILED, self->notes);
	memset(self->notes, 'n', HUGE);
}

FIXTURE_TEARDOWN(iommu)
{
	int fd = zct_open();

	munmap(self->map, self->buf.size);
	munmap(self->notes, self->own.size);
	close(self->fd);
	EXPECT_GE(0, dma_mappings(fd, self->edu.target));
	edu_end(&self->edu, fd);
	EXPECT_TRUE(zct_used_becomes(fd, self->used, 2000));
	close(fd);
}

/* Map a buffer, and learn where. Returns the number of segments or a negative errno. */
static int map(SELF *self, uint32_t handle, uint32_t flags, struct segments *segs)
{
	return dma_map(self->fd, handle, self->edu.target, flags, NULL) ?:
	       dma_segments(self->fd, handle, self->edu.target, segs);
}

static bool intact(SELF *self)
{
	return zct_pattern_check(self->map, 0, self->buf.size) == -1;
}

/* Is the device, whatever it has of its own, kept from writing to @addr? */
static bool kept(SELF *self, uint64_t addr)
{
	unsigned long before = edu_faults();

	return edu_store(&self->edu, addr, 0, LEN) && edu_faulted(before);
}

/* The same when it has something to write. */
static bool cannot_write(SELF *self, uint64_t addr)
{
	return edu_get(&self->edu, &self->own_segs, 0, LEN) && kept(self, addr);
}

/* Does it not read from it, where the pattern of @offset stands? */
static bool cannot_read(SELF *self, uint64_t addr, uint64_t offset)
{
	unsigned long before;

	if (!edu_get(&self->edu, &self->own_segs, 0, LEN))
		return false;
	before = edu_faults();
	return edu_load(&self->edu, addr, 0, LEN) && edu_faulted(before) &&
	       edu_put(&self->edu, &self->own_segs, PAGE, LEN) &&
	       zct_pattern_check(self->notes + PAGE, offset, LEN) >= 0;
}

TEST_F_TIMEOUT(iommu, unmapped, 120)
{
	unsigned long before = edu_faults();
	uint64_t addr, rest;
	int log = edu_log();

	ASSERT_GE(log, 0);
	ASSERT_EQ(1, map(self, self->own.handle, BOTH, &self->own_segs));
	ASSERT_EQ(2, map(self, self->buf.handle, BOTH, &self->segs));
	addr = dma_address(&self->segs, HUGE + 5 * PAGE, &rest);
	/* So it is with what is mapped. */
	ASSERT_TRUE(edu_get(&self->edu, &self->own_segs, 0, LEN));
	ASSERT_TRUE(edu_store(&self->edu, addr, 0, LEN));
	EXPECT_FALSE(intact(self));
	zct_pattern(self->map, 0, self->buf.size);
	EXPECT_EQ(before, edu_faults());
	EXPECT_FALSE(edu_logged(&self->edu, log, addr, 0));

	ASSERT_EQ(0, dma_unmap(self->fd, self->buf.handle, self->edu.target));
	EXPECT_TRUE(cannot_write(self, addr));
	EXPECT_TRUE(edu_logged(&self->edu, log, addr, 2000));
	close(log);
	EXPECT_TRUE(cannot_read(self, addr + PAGE, HUGE + 6 * PAGE));
	EXPECT_TRUE(cannot_write(self, self->segs.at[0].addr));
	EXPECT_TRUE(intact(self));
}

TEST_F_TIMEOUT(iommu, detached, 120)
{
	uint32_t handle = self->buf.handle;
	uint64_t addr;

	ASSERT_EQ(2, map(self, handle, BOTH, &self->segs));
	addr = self->segs.at[0].addr;
	ASSERT_EQ(0, dma_detach(self->fd, self->edu.target));
	/* It is stopped. What it would write is what it has had before. */
	EXPECT_TRUE(edu_store(&self->edu, addr, 0, LEN));
	EXPECT_TRUE(intact(self));
	/* Another time it is another target, and has nothing any more. */
	ASSERT_EQ(0, dma_attach(self->fd, self->edu.name, 64, &self->edu.target));
	EXPECT_TRUE(kept(self, addr));
	EXPECT_TRUE(intact(self));
	EXPECT_EQ(-ENOENT, dma_segments(self->fd, handle, self->edu.target, &self->segs));
	ASSERT_EQ(1, map(self, self->own.handle, BOTH, &self->own_segs));
	EXPECT_TRUE(cannot_write(self, self->own_segs.at[0].addr + HUGE));
	EXPECT_TRUE(intact(self));
}

TEST_F_TIMEOUT(iommu, destroyed, 120)
{
	ASSERT_EQ(1, map(self, self->own.handle, BOTH, &self->own_segs));
	ASSERT_EQ(2, map(self, self->buf.handle, BOTH, &self->segs));
	/* The memory mapping keeps the memory, which the device has lost all the same. */
	ASSERT_EQ(0, zct_destroy(self->fd, self->buf.handle));
	EXPECT_TRUE(cannot_write(self, self->segs.at[1].addr));
	EXPECT_TRUE(cannot_read(self, self->segs.at[0].addr, 0));
	EXPECT_TRUE(intact(self));
}

/* Whoever has mapped it is gone before the device begins. */
TEST_F_TIMEOUT(iommu, killed, 120)
{
	struct segments segs;
	int pipes[2], status;
	pid_t pid;

	ASSERT_EQ(1, map(self, self->own.handle, BOTH, &self->own_segs));
	ASSERT_EQ(0, pipe(pipes));
	pid = fork();
	if (!pid) {
		int fd = zct_open();
		struct zc_buf_create buf;

		if (zct_create(fd, HUGE, 0, ZC_NODE_ANY, &buf) ||
		    dma_map(fd, buf.handle, self->edu.target, BOTH, NULL) ||
		    dma_segments(fd, buf.handle, self->edu.target, &segs) != 1 ||
		    write(pipes[1], &segs.at[0].addr, sizeof(segs.at[0].addr)) < 0)
			_exit(1);
		pause();
	}
	close(pipes[1]);
	ASSERT_EQ(sizeof(segs.at[0].addr),
		  read(pipes[0], &segs.at[0].addr, sizeof(segs.at[0].addr)));
	EXPECT_EQ(2, dma_mappings(self->fd, self->edu.target));
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(dma_mappings_become(self->fd, self->edu.target, 1, 2000));
	EXPECT_TRUE(cannot_write(self, segs.at[0].addr));
	close(pipes[0]);
}

/* What it is mapped for the device can do, and no more. */
TEST_F_TIMEOUT(iommu, read_only, 120)
{
	ASSERT_EQ(1, map(self, self->own.handle, BOTH, &self->own_segs));
	ASSERT_EQ(2, map(self, self->buf.handle, ZC_DMA_TO_DEVICE, &self->segs));
	EXPECT_TRUE(cannot_write(self, self->segs.at[1].addr + 3 * PAGE));
	EXPECT_TRUE(intact(self));
	EXPECT_TRUE(edu_get(&self->edu, &self->segs, HUGE, LEN));
	EXPECT_TRUE(edu_put(&self->edu, &self->own_segs, 0, LEN));
	EXPECT_EQ(-1, zct_pattern_check(self->notes, HUGE, LEN));
}

/* Whoever has a part of a hugepage gives the device no more than that. */
TEST_F_TIMEOUT(iommu, slice, 120)
{
	struct zc_buf_create buf[3];
	char *at[3], want[PAGE];
	int i;

	memset(want, 's', PAGE);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, zct_create(self->fd, PAGE, ZC_BUF_SLICE, ZC_NODE_ANY, &buf[i]));
		at[i] = zct_map(self->fd, &buf[i]);
		ASSERT_NE(MAP_FAILED, at[i]);
		memcpy(at[i], want, PAGE);
	}
	ASSERT_EQ(1, map(self, self->own.handle, BOTH, &self->own_segs));
	ASSERT_EQ(1, map(self, buf[1].handle, BOTH, &self->segs));
	EXPECT_TRUE(cannot_write(self, self->segs.at[0].addr - PAGE));
	/* Unless something else is mapped there, which was first. */
	if (self->own_segs.at[0].addr != self->segs.at[0].addr + PAGE)
		EXPECT_TRUE(cannot_write(self, self->segs.at[0].addr + PAGE));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, memcmp(want, at[i], PAGE));
		munmap(at[i], PAGE);
	}
}

/* All memory, by addresses that it has bits for. */
TEST_F_TIMEOUT(iommu, few_bits, 120)
{
	unsigned int node, i;
	struct edu narrow;

	if (!edu_find(&narrow, 1))
		SKIP(return, "no second device edu");
	ASSERT_EQ(0, edu_begin(&narrow, self->fd, 28));
	for (node = 0; node < 2; node++) {
		struct zc_dma_map arg = { 0 };
		struct zc_buf_create buf;
		char *at;

		ASSERT_EQ(0, zct_create(self->fd, 3 * HUGE, ZC_BUF_NODE_STRICT, node, &buf));
		at = zct_map(self->fd, &buf);
		ASSERT_NE(MAP_FAILED, at);
		zct_pattern(at, 0, buf.size);
		ASSERT_EQ(0, dma_map(self->fd, buf.handle, narrow.target, BOTH, &arg));
		EXPECT_EQ(3, arg.segments);
		EXPECT_EQ(0, arg.bounced);
		ASSERT_EQ(3, dma_segments(self->fd, buf.handle, narrow.target, &self->segs));
		for (i = 0; i < 3; i++)
			EXPECT_GE(1ull << 28, self->segs.at[i].addr + self->segs.at[i].len);
		ASSERT_TRUE(edu_get(&narrow, &self->segs, 3 * HUGE - 900, 900));
		ASSERT_TRUE(edu_put(&narrow, &self->segs, HUGE - 450, 900));
		EXPECT_EQ(-1, zct_pattern_check(at, 0, HUGE - 450));
		EXPECT_EQ(-1, zct_pattern_check(at + HUGE - 450, 3 * HUGE - 900, 900));
		EXPECT_EQ(-1, zct_pattern_check(at + HUGE + 450, HUGE + 450, 2 * HUGE - 450));
		munmap(at, buf.size);
		ASSERT_EQ(0, zct_destroy(self->fd, buf.handle));
	}
	edu_end(&narrow, self->fd);
}

/* More than there are addresses: nothing is left behind by what does not fit. */
TEST_F_TIMEOUT(iommu, no_addresses, 120)
{
	struct zc_buf_create buf;
	struct edu narrow;
	int i;

	if (!edu_find(&narrow, 1))
		SKIP(return, "no second device edu");
	/* 16 MiB of addresses. */
	ASSERT_EQ(0, edu_begin(&narrow, self->fd, 24));
	ASSERT_EQ(0, zct_create(self->fd, 24 * MIB, 0, ZC_NODE_ANY, &buf));
	for (i = 0; i < 5; i++)
		EXPECT_EQ(-EIO, dma_map(self->fd, buf.handle, narrow.target, BOTH, NULL));
	EXPECT_EQ(0, dma_mappings(self->fd, narrow.target));
	ASSERT_EQ(0, zct_destroy(self->fd, buf.handle));
	ASSERT_EQ(0, zct_create(self->fd, 8 * MIB, 0, ZC_NODE_ANY, &buf));
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, dma_map(self->fd, buf.handle, narrow.target, BOTH, NULL));
		ASSERT_EQ(0, dma_unmap(self->fd, buf.handle, narrow.target));
	}
	edu_end(&narrow, self->fd);
}

/* What a user without privilege may have of 256 MiB of addresses. Returns an exit code. */
static int modest(void *data)
{
	const struct edu *narrow = data;
	uint32_t target = narrow->target;
	struct zc_buf_create large, half[3];
	int fd = zct_open(), i;

	if (fd < 0 || zct_create(fd, 66 * MIB, 0, ZC_NODE_ANY, &large))
		return 1;
	for (i = 0; i < 3; i++)
		if (zct_create(fd, 32 * MIB - i / 2 * 20 * MIB, 0, ZC_NODE_ANY, &half[i]))
			return 2;
	/* Root has no such limit, and what he has does not count. */
	if (dma_map(fd, large.handle, target, BOTH, NULL) || !dma_be_nobody())
		return 3;
	if (dma_map(fd, half[0].handle, target, BOTH, NULL) ||
	    dma_map(fd, half[1].handle, target, BOTH, NULL) != -ENOSPC ||
	    dma_map(fd, half[2].handle, target, BOTH, NULL))
		return 4;
	/* Nor does what is undone. */
	if (dma_unmap(fd, large.handle, target) ||
	    dma_map(fd, large.handle, target, BOTH, NULL) != -ENOSPC ||
	    dma_map(fd, half[1].handle, target, BOTH, NULL) != -ENOSPC)
		return 5;
	if (dma_unmap(fd, half[0].handle, target) ||
	    dma_map(fd, half[1].handle, target, BOTH, NULL))
		return 6;
	return 0;
}

TEST_F_TIMEOUT(iommu, fair_share, 120)
{
	struct edu narrow;
	int i;

	if (!edu_find(&narrow, 1))
		SKIP(return, "no second device edu");
	ASSERT_EQ(0, edu_begin(&narrow, self->fd, 28));
	/* Each time from the beginning. */
	for (i = 0; i < 2; i++)
		EXPECT_EQ(0, dma_in_child(modest, &narrow));
	EXPECT_EQ(0, dma_mappings(self->fd, narrow.target));
	edu_end(&narrow, self->fd);
}

/* Have the IOMMU treat the device in another way, and make it a target again. */
static int become(SELF *self, const char *type)
{
	char now[32] = "";

	edu_end(&self->edu, self->fd);
	edu_group_set(&self->edu, type);
	if (!edu_group(&self->edu, now, sizeof(now)) || strcmp(now, type))
		return -ENOTSUP;
	return edu_begin(&self->edu, self->fd, 64);
}

/*
 * Unmap just before the device writes: how often that was so. A lazy IOMMU would forget ten
 * milliseconds later.
 */
static unsigned int just_too_late(struct __test_metadata *_metadata, SELF *self)
{
	unsigned int nr = 0, tries, us = 95000;

	for (tries = 0; tries < 40; tries++) {
		ASSERT_EQ(2, map(self, self->buf.handle, BOTH, &self->segs));
		/* So that it remembers. */
		ASSERT_TRUE(edu_store(&self->edu, self->segs.at[0].addr, 0, LEN));
		zct_pattern(self->map, 0, LEN);
		ASSERT_TRUE(edu_store_begin(&self->edu, self->segs.at[0].addr, 0, LEN));
		usleep(us);
		ASSERT_EQ(0, dma_unmap(self->fd, self->buf.handle, self->edu.target));
		if (edu_busy(&self->edu)) {
			nr++;
			us += 500;
			ASSERT_TRUE(edu_end_run(&self->edu));
			EXPECT_TRUE(intact(self));
		} else {
			us -= 500;
			zct_pattern(self->map, 0, LEN);
		}
	}
	TH_LOG("%u of %u times", nr, tries);
	return nr;
}

#define TRACE	"/sys/kernel/tracing/instances/zc-iommu"

static int trace_set(const char *file, const char *val)
{
	char path[96];
	FILE *f;

	snprintf(path, sizeof(path), TRACE "/%s", file);
	f = fopen(path, "we");
	if (!f)
		return -errno;
	fputs(val, f);
	return fclose(f) ? -errno : 0;
}

/* How often something is said in the trace. */
static int trace_says(const char *what)
{
	FILE *f = fopen(TRACE "/trace", "re");
	char line[256];
	int nr = 0;

	while (f && fgets(line, sizeof(line), f))
		nr += line[0] != '#' && strstr(line, what);
	if (f)
		fclose(f);
	return nr;
}

/*
 * How often the caller has the IOMMU forget as he measures this; -1: it failed, or cannot be
 * traced. Of so few pages the kernel does not on its own.
 */
static int forgets(SELF *self, uint32_t kind)
{
	struct zc_dma_measure arg = {
		.target = self->edu.target,
		.kind = kind,
		.handle = kind == ZC_MEASURE_BUFFER ? self->own.handle : 0,
		.size = kind == ZC_MEASURE_BUFFER ? 0 : 4 * PAGE,
	};
	char filter[32];
	int nr = -1;

	if (mkdir(TRACE, 0700))
		return -1;
	snprintf(filter, sizeof(filter), "common_pid == %d", getpid());
	/* What was unmapped before is forgotten within ten milliseconds. */
	usleep(100000);
	if (!trace_set("events/intel_iommu/qi_submit/filter", filter) &&
	    !trace_set("events/intel_iommu/qi_submit/enable", "1") &&
	    !zct_ioctl(self->fd, ZC_IOC_DMA_MEASURE, &arg))
		nr = trace_says("qi_submit: iotlb_inv");
	rmdir(TRACE);
	return nr;
}

TEST_F_TIMEOUT(iommu, lazy, 120)
{
	struct zc_dma_query query;
	int ret = become(self, "DMA-FQ");
	uint32_t kind;

	if (!ret) {
		ASSERT_EQ(0, dma_query(self->fd, self->edu.target, &query));
		EXPECT_EQ(ZC_DMA_TRANSLATED | ZC_DMA_LAZY | ZC_DMA_ADDRESSES, query.state);
		EXPECT_EQ(2, map(self, self->buf.handle, BOTH, &self->segs));
		EXPECT_TRUE(edu_get(&self->edu, &self->segs, HUGE, LEN));
		EXPECT_TRUE(edu_put(&self->edu, &self->segs, 1000, LEN));
		EXPECT_EQ(-1, zct_pattern_check(self->map + 1000, HUGE, LEN));
		zct_pattern(self->map, 0, self->buf.size);
		ASSERT_EQ(0, dma_unmap(self->fd, self->buf.handle, self->edu.target));
		EXPECT_LE(5, just_too_late(_metadata, self));
		/* Memory that is the kernel's again just after. */
		for (kind = ZC_MEASURE_HEAP; kind <= ZC_MEASURE_BUFFER; kind++)
			EXPECT_LE(1, forgets(self, kind))
				TH_LOG("kind %u", kind);
	}
	EXPECT_EQ(0, ret);
	EXPECT_EQ(0, become(self, "DMA"));
}

/* Physical addresses are secrets with an IOMMU, too, if it lets them pass. */
TEST_F_TIMEOUT(iommu, passed_through, 120)
{
	struct zc_dma_query query;
	int ret = become(self, "identity");

	if (!ret) {
		ASSERT_EQ(0, dma_query(self->fd, self->edu.target, &query));
		EXPECT_EQ(ZC_DMA_ADDRESSES, query.state);
		EXPECT_EQ(2, map(self, self->buf.handle, BOTH, &self->segs));
		EXPECT_EQ(dma_physical(self->map), self->segs.at[0].addr);
		EXPECT_EQ(dma_physical(self->map + HUGE), self->segs.at[1].addr);
		EXPECT_TRUE(edu_get(&self->edu, &self->segs, HUGE, LEN));
		EXPECT_TRUE(edu_put(&self->edu, &self->segs, 1000, LEN));
		EXPECT_EQ(-1, zct_pattern_check(self->map + 1000, HUGE, LEN));
		ASSERT_EQ(0, dma_unmap(self->fd, self->buf.handle, self->edu.target));
	}
	EXPECT_EQ(0, ret);
	EXPECT_EQ(0, become(self, "DMA"));
}

/* A device that another program has is none of ours. */
TEST_F_TIMEOUT(iommu, lent, 120)
{
	uint32_t target;

	if (system("modprobe -q vfio-pci"))
		SKIP(return, "no vfio-pci");
	edu_end(&self->edu, self->fd);
	ASSERT_EQ(0, edu_bind(&self->edu, "vfio-pci"));
	EXPECT_EQ(-EBUSY, dma_attach(self->fd, self->edu.name, 0, &target));
	EXPECT_EQ(0, edu_unbind(&self->edu));
}

/* One reason for all of it. */
int main(int argc, char **argv)
{
	char type[32];
	struct edu edu;

	if (!edu_find(&edu, 0))
		ksft_exit_skip("no device edu: guest.sh --edu\n");
	if (!edu_group(&edu, type, sizeof(type)) || strcmp(type, "DMA"))
		ksft_exit_skip("no IOMMU that forgets at once: guest.sh --iommu\n");
	return test_harness_run(argc, argv);
}
