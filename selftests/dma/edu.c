// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device that reads and writes buffers by itself (QEMU's edu), at the addresses that
 * ZC_IOC_DMA_SEGMENTS tells. On a machine of any kind.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dma.h"
#include "edu.h"
#include "kselftest_harness.h"

#define GIB	(1ull << 30)

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(edu)

static const char nr_1g[] = "/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages";

FIXTURE(edu)
{
	int fd;
	uint64_t used;
	struct edu edu;
	struct zc_dma_query query;
	struct zc_buf_create buf;
	char *map;
	struct segments segs;
};

FIXTURE_SETUP(edu)
{
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	ASSERT_TRUE(edu_find(&self->edu, 0));
	self->used = zct_used(self->fd);
	ASSERT_EQ(0, edu_begin(&self->edu, self->fd, 64));
	ASSERT_EQ(0, dma_query(self->fd, self->edu.target, &self->query));
	ASSERT_EQ(0, zct_create(self->fd, 3 * HUGE, 0, ZC_NODE_ANY, &self->buf));
	self->map = zct_map(self->fd, &self->buf);
	ASSERT_NE(MAP_FAILED, self->map);
	zct_pattern(self->map, 0, self->buf.size);
}

FIXTURE_TEARDOWN(edu)
{
	int fd = zct_open();

	munmap(self->map, self->buf.size);
	close(self->fd);
	/* Or the target is gone. */
	EXPECT_GE(0, dma_mappings(fd, self->edu.target));
	edu_end(&self->edu, fd);
	EXPECT_TRUE(zct_used_becomes(fd, self->used, 2000));
	close(fd);
}

/* Map a buffer, and learn where. Returns the number of segments or a negative errno. */
static int map(SELF *self, uint32_t handle, uint32_t flags, struct segments *segs)
{
	return dma_map(self->fd, handle, self->edu.target, flags | dma_bounce(), NULL) ?:
	       dma_segments(self->fd, handle, self->edu.target, segs);
}

/* Whose turn it is. */
static int cpu_begin(SELF *self, uint32_t handle)
{
	return dma_sync(self->fd, handle, ZC_SYNC_READ | ZC_SYNC_WRITE, 0, 0);
}

static int cpu_end(SELF *self, uint32_t handle)
{
	return dma_sync(self->fd, handle, ZC_SYNC_READ | ZC_SYNC_WRITE | ZC_SYNC_END, 0, 0);
}

/* Is all of it @byte but @len bytes of the pattern from @offset, which stand at @at? */
static bool only(const char *map, uint64_t size, char byte, uint64_t at, uint64_t offset,
		 uint64_t len)
{
	uint64_t i;

	for (i = 0; i < size; i++)
		if ((i < at || i >= at + len) && map[i] != byte)
			return false;
	return zct_pattern_check(map + at, offset, len) == -1;
}

static bool translated(SELF *self)
{
	return self->query.state & ZC_DMA_TRANSLATED;
}

/* It gets at memory as long as it is a target, whatever the firmware has left. */
TEST_F(edu, only_as_target)
{
	struct edu *edu = &self->edu;

	EXPECT_TRUE(edu_master(edu));
	ASSERT_EQ(0, dma_detach(self->fd, edu->target));
	EXPECT_FALSE(edu_master(edu));
	ASSERT_EQ(0, dma_attach(self->fd, edu->name, 64, &edu->target));
	EXPECT_TRUE(edu_master(edu));
	ASSERT_EQ(0, edu_unbind(edu));
	EXPECT_FALSE(edu_master(edu));
	ASSERT_EQ(0, edu_master_set(edu));
	ASSERT_TRUE(edu_master(edu));
	ASSERT_EQ(0, edu_bind(edu, EDU_DRIVER));
	EXPECT_FALSE(edu_master(edu));
	ASSERT_EQ(0, dma_attach(self->fd, edu->name, 64, &edu->target));
	EXPECT_TRUE(edu_master(edu));
}

/* What is known of it without asking the module. */
TEST_F(edu, query)
{
	struct zc_dma_query *query = &self->query;
	char type[32] = "";
	uint32_t state = ZC_DMA_ADDRESSES;

	if (edu_group(&self->edu, type, sizeof(type)) && !strncmp(type, "DMA", 3))
		state |= ZC_DMA_TRANSLATED;
	if (!strcmp(type, "DMA-FQ"))
		state |= ZC_DMA_LAZY;
	EXPECT_EQ(state, query->state);
	EXPECT_STREQ(self->edu.name, query->name);
	EXPECT_STREQ(EDU_DRIVER, query->driver);
	EXPECT_EQ(0, query->mappings);
	EXPECT_EQ(UINT64_MAX, query->mask);
	EXPECT_EQ(!dma_forced(), query->max_mapping == UINT64_MAX);
}

TEST_F(edu, bits)
{
	struct edu *edu = &self->edu;
	struct zc_dma_query query;
	unsigned int bits[] = { 0, 40, 32, 63, 0 }, i;
	uint32_t target;

	EXPECT_EQ(-EEXIST, dma_attach(self->fd, edu->name, 0, &target));
	EXPECT_EQ(-EEXIST, dma_attach(self->fd, edu->name, 64, &target));
	ASSERT_EQ(0, dma_query(self->fd, edu->target, &query));
	EXPECT_EQ(UINT64_MAX, query.mask);
	/* Each time anew, and not as it was set before. */
	for (i = 0; i < sizeof(bits) / sizeof(*bits); i++) {
		ASSERT_EQ(0, dma_detach(self->fd, edu->target));
		ASSERT_EQ(0, dma_attach(self->fd, edu->name, bits[i], &edu->target));
		ASSERT_EQ(0, dma_query(self->fd, edu->target, &query));
		EXPECT_EQ((1ull << (bits[i] ?: 32)) - 1, query.mask);
	}
	ASSERT_EQ(0, dma_detach(self->fd, edu->target));
	if (!translated(self)) {
		/* No kernel has memory for such a device alone. */
		EXPECT_EQ(-EIO, dma_attach(self->fd, edu->name, 12, &target));
		EXPECT_EQ(-ENOENT, dma_query(self->fd, target, &query));
	}
	ASSERT_EQ(0, edu_unbind(edu));
	EXPECT_EQ(-ENODEV, dma_attach(self->fd, edu->name, 0, &edu->target));
}

/* The device reads here, and writes there, to another buffer. */
TEST_F_TIMEOUT(edu, moves, 120)
{
	static const struct {
		uint64_t from;
		uint64_t to;
		unsigned int len;
	} moves[] = {
		{ 0, 0, EDU_MAX },
		{ HUGE / 2 + 1, 12345, 777 },
		{ HUGE - 1000, 2 * HUGE - 24, EDU_MAX },
		{ 3 * HUGE - EDU_MAX, 3 * HUGE - EDU_MAX, EDU_MAX },
		{ 2 * HUGE - 1, HUGE - 1, 2 },
		{ 3 * HUGE - 1, 0, 1 },
	};
	struct zc_buf_create to;
	struct segments segs;
	unsigned int i;
	char *dst;

	ASSERT_EQ(0, zct_create(self->fd, self->buf.size, 0, ZC_NODE_ANY, &to));
	dst = zct_map(self->fd, &to);
	ASSERT_NE(MAP_FAILED, dst);
	ASSERT_LT(0, map(self, self->buf.handle, ZC_DMA_TO_DEVICE, &self->segs));
	for (i = 0; i < sizeof(moves) / sizeof(*moves); i++) {
		memset(dst, i, to.size);
		ASSERT_LT(0, map(self, to.handle, ZC_DMA_FROM_DEVICE, &segs));
		ASSERT_TRUE(edu_get(&self->edu, &self->segs, moves[i].from, moves[i].len));
		ASSERT_TRUE(edu_put(&self->edu, &segs, moves[i].to, moves[i].len));
		ASSERT_EQ(0, cpu_begin(self, to.handle));
		EXPECT_TRUE(only(dst, to.size, i, moves[i].to, moves[i].from, moves[i].len))
			TH_LOG("move %u", i);
		ASSERT_EQ(0, cpu_end(self, to.handle));
		ASSERT_EQ(0, dma_unmap(self->fd, to.handle, self->edu.target));
		EXPECT_TRUE(only(dst, to.size, i, moves[i].to, moves[i].from, moves[i].len))
			TH_LOG("move %u, unmapped", i);
	}
	EXPECT_EQ(-1, zct_pattern_check(self->map, 0, self->buf.size));
	munmap(dst, to.size);
}

/* Of what the device has been told, each end is where it should be. */
TEST_F_TIMEOUT(edu, ends_of_segments, 120)
{
	unsigned int nr = 3, i, at = 0;
	uint64_t size = self->buf.size, part = HUGE, pos;
	char want[64], got[64];

	if (dma_forced()) {
		/* The first, one in the midst, and the last. */
		ASSERT_LT(0, map(self, self->buf.handle, BOTH, &self->segs));
		part = self->segs.at[0].len;
		ASSERT_LT(part, HUGE);
		ASSERT_LE(part, self->query.max_mapping);
	} else {
		ASSERT_EQ(3, map(self, self->buf.handle, BOTH, &self->segs));
	}
	EXPECT_EQ(size, dma_segments_size(&self->segs));
	for (i = 0; i < nr; i++) {
		unsigned int seg = i * (self->segs.nr - 1) / (nr - 1);
		uint64_t addr = self->segs.at[seg].addr, len = self->segs.at[seg].len;

		for (pos = 0, part = 0; part < seg; part++)
			pos += self->segs.at[part].len;
		memcpy(want + at, self->map + pos, 8);
		ASSERT_TRUE(edu_load(&self->edu, addr, at, 8));
		memcpy(want + at + 8, self->map + pos + len - 8, 8);
		ASSERT_TRUE(edu_load(&self->edu, addr + len - 8, at + 8, 8));
		at += 16;
	}
	ASSERT_TRUE(edu_put(&self->edu, &self->segs, HUGE, at));
	ASSERT_EQ(0, cpu_begin(self, self->buf.handle));
	memcpy(got, self->map + HUGE, at);
	EXPECT_EQ(0, memcmp(want, got, at));
	ASSERT_EQ(0, cpu_end(self, self->buf.handle));
}

/* Without an IOMMU addresses are the physical ones, with one they tell nothing of these. */
TEST_F(edu, addresses)
{
	int i, nr = map(self, self->buf.handle, BOTH, &self->segs);
	uint64_t pos = 0, phys;

	ASSERT_LT(0, nr);
	EXPECT_EQ(self->buf.size, dma_segments_size(&self->segs));
	for (i = 0; i < nr; i++) {
		phys = dma_physical(self->map + pos);
		ASSERT_NE(0, phys);
		EXPECT_EQ(!translated(self) && !dma_forced(), phys == self->segs.at[i].addr);
		pos += self->segs.at[i].len;
	}
}

/* What a user without privilege may know. Returns an exit code. */
static int stranger(void *data)
{
	SELF *self = data;
	uint32_t target = self->edu.target, handle = self->buf.handle;
	int nr = self->segs.nr, want = translated(self) ? nr : -EPERM;
	struct zc_dma_query query;
	struct zc_dma_map arg = { 0 };

	if (!dma_be_nobody() || dma_query(self->fd, target, &query))
		return 1;
	if (translated(self) != !!(query.state & ZC_DMA_ADDRESSES))
		return 2;
	if (dma_segments(self->fd, handle, target, &self->segs) != want)
		return 3;
	/* Nor how many: of small pages that would say which are in a row. */
	if (dma_forced())
		return 0;
	if (dma_unmap(self->fd, handle, target) ||
	    dma_map(self->fd, handle, target, BOTH, &arg))
		return 4;
	return arg.segments == (translated(self) ? nr : 0) ? 0 : 5;
}

/* Physical addresses are root's alone. */
TEST_F(edu, secret)
{
	ASSERT_LT(0, map(self, self->buf.handle, BOTH, &self->segs));
	EXPECT_EQ(0, dma_in_child(stranger, self));
}

/* Small pages, which lie where they lie: each of them is found. */
TEST_F_TIMEOUT(edu, small_pages, 120)
{
	struct zc_buf_import arg = { .size = 700 * PAGE };
	uint64_t pos, addr, rest;
	int i, nr;
	char *file;

	arg.fd = memfd_create("edu", MFD_CLOEXEC);
	ASSERT_EQ(0, ftruncate(arg.fd, arg.size));
	file = mmap(NULL, arg.size, PROT_READ | PROT_WRITE, MAP_SHARED, arg.fd, 0);
	ASSERT_NE(MAP_FAILED, file);
	zct_pattern(file, 0, arg.size);
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_BUF_IMPORT, &arg));
	nr = map(self, arg.handle, BOTH, &self->segs);
	ASSERT_LT(0, nr);
	EXPECT_EQ(arg.size, dma_segments_size(&self->segs));
	for (i = 0; i < nr; i++) {
		EXPECT_EQ(0, self->segs.at[i].len % PAGE);
		EXPECT_GE(HUGE, self->segs.at[i].len);
	}
	for (pos = 0; pos < arg.size && !translated(self) && !dma_forced(); pos += PAGE) {
		addr = dma_address(&self->segs, pos, &rest);
		ASSERT_EQ(dma_physical(file + pos), addr);
	}
	/* The last page, across the ends of a page, and all that is before a hole. */
	ASSERT_TRUE(edu_get(&self->edu, &self->segs, arg.size - 1000, 1000));
	ASSERT_TRUE(edu_put(&self->edu, &self->segs, 500 * PAGE - 500, 1000));
	ASSERT_EQ(0, cpu_begin(self, arg.handle));
	EXPECT_EQ(-1, zct_pattern_check(file + 500 * PAGE - 500, arg.size - 1000, 1000));
	EXPECT_EQ(-1, zct_pattern_check(file, 0, 500 * PAGE - 500));
	EXPECT_EQ(-1, zct_pattern_check(file + 500 * PAGE + 500, 500 * PAGE + 500,
					200 * PAGE - 500));
	munmap(file, arg.size);
	close(arg.fd);
}

static int hugepages_1g(int change)
{
	FILE *f = fopen(nr_1g, "re");
	int nr = -1;

	if (!f || fscanf(f, "%d", &nr) != 1)
		nr = -1;
	if (f)
		fclose(f);
	f = change && nr >= 0 ? fopen(nr_1g, "we") : NULL;
	if (f) {
		fprintf(f, "%d\n", nr + change);
		fclose(f);
	}
	return nr;
}

/* A hugepage of what size soever is one segment. */
TEST_F_TIMEOUT(edu, gigantic_page, 120)
{
	struct zc_buf_import arg = { .size = GIB };
	uint64_t off = GIB - HUGE - 1000;
	bool more = false;
	char *file;

	if (hugepages_1g(0) == 0) {
		hugepages_1g(1);
		more = true;
	}
	if (hugepages_1g(0) < 1)
		SKIP(return, "no page of 1 GiB is free: boot with hugepagesz=1G hugepages=1");
	arg.fd = memfd_create("edu", MFD_CLOEXEC | MFD_HUGETLB | MFD_HUGE_1GB);
	ASSERT_EQ(0, ftruncate(arg.fd, arg.size));
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_BUF_IMPORT, &arg));
	file = mmap(NULL, arg.size, PROT_READ | PROT_WRITE, MAP_SHARED, arg.fd, 0);
	ASSERT_NE(MAP_FAILED, file);
	zct_pattern(file + off, off, GIB - off);
	if (dma_forced()) {
		/* There are not so many bounce buffers. */
		EXPECT_EQ(-EIO, map(self, arg.handle, BOTH, &self->segs));
	} else {
		ASSERT_EQ(1, map(self, arg.handle, BOTH, &self->segs));
		EXPECT_EQ(GIB, self->segs.at[0].len);
		ASSERT_TRUE(edu_get(&self->edu, &self->segs, GIB - EDU_MAX, EDU_MAX));
		ASSERT_TRUE(edu_put(&self->edu, &self->segs, off - 5, EDU_MAX));
		EXPECT_EQ(-1, zct_pattern_check(file + off - 5, GIB - EDU_MAX, EDU_MAX));
		EXPECT_EQ(-1, zct_pattern_check(file + off + EDU_MAX - 5, off + EDU_MAX - 5,
						GIB - off - EDU_MAX + 5));
	}
	EXPECT_EQ(0, zct_destroy(self->fd, arg.handle));
	munmap(file, arg.size);
	close(arg.fd);
	if (more)
		hugepages_1g(-1);
}

/* A part of a hugepage: no more of it is the device's. */
TEST_F(edu, slice)
{
	struct zc_buf_create buf[3];
	char *at[3];
	int i;

	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, zct_create(self->fd, PAGE, ZC_BUF_SLICE, ZC_NODE_ANY, &buf[i]));
		at[i] = zct_map(self->fd, &buf[i]);
		ASSERT_NE(MAP_FAILED, at[i]);
		memset(at[i], 'a' + i, PAGE);
	}
	/* The one in the midst. */
	ASSERT_EQ(1, map(self, buf[1].handle, BOTH, &self->segs));
	EXPECT_EQ(PAGE, self->segs.at[0].len);
	EXPECT_EQ(!translated(self) && !dma_forced(),
		  dma_physical(at[1]) == self->segs.at[0].addr);
	ASSERT_TRUE(edu_get(&self->edu, &self->segs, 0, 100));
	ASSERT_EQ(0, cpu_begin(self, buf[1].handle));
	memset(at[1], 'z', PAGE);
	ASSERT_EQ(0, cpu_end(self, buf[1].handle));
	ASSERT_TRUE(edu_put(&self->edu, &self->segs, PAGE - 100, 100));
	ASSERT_EQ(0, cpu_begin(self, buf[1].handle));
	for (i = 0; i < PAGE; i++)
		if (at[1][i] != (i < PAGE - 100 ? 'z' : 'b') || at[0][i] != 'a' ||
		    at[2][i] != 'c')
			break;
	EXPECT_EQ(PAGE, i);
	for (i = 0; i < 3; i++)
		munmap(at[i], PAGE);
}

static int measure(SELF *self, uint32_t kind, uint32_t handle, struct zc_dma_measure *arg)
{
	*arg = (struct zc_dma_measure) {
		.target = self->edu.target,
		.kind = kind,
		.handle = handle,
		.size = kind == ZC_MEASURE_BUFFER ? 0 : self->buf.size,
	};
	return zct_ioctl(self->fd, ZC_IOC_DMA_MEASURE, arg);
}

static int measured_by_nobody(void *data)
{
	SELF *self = data;
	struct zc_dma_measure arg;

	return !dma_be_nobody() || measure(self, ZC_MEASURE_PAGES, 0, &arg) != -EPERM;
}

/* How much is to be done for a buffer, and for pages that are as many bytes. */
TEST_F_TIMEOUT(edu, measured, 120)
{
	uint64_t pages = self->buf.size / PAGE;
	struct zc_dma_measure arg;
	uint32_t kind;

	for (kind = ZC_MEASURE_HEAP; kind <= ZC_MEASURE_BUFFER; kind++) {
		bool buffer = kind == ZC_MEASURE_BUFFER;
		/* What does not begin with a page has one more. */
		uint64_t entries = buffer ? 3 : pages + (kind == ZC_MEASURE_HEAP);

		ASSERT_EQ(0, measure(self, kind, buffer ? self->buf.handle : 0, &arg));
		EXPECT_EQ(self->buf.size, arg.size);
		EXPECT_LT(0, arg.map_ns);
		EXPECT_LT(0, arg.unmap_ns);
		EXPECT_EQ(dma_forced() ? self->buf.size : 0, arg.bounced);
		EXPECT_EQ(translated(self) ? entries : 0, arg.entries);
		if (kind == ZC_MEASURE_LIST) {
			EXPECT_EQ(1, arg.calls);
			EXPECT_LE(1, arg.segments);
		} else {
			EXPECT_TRUE(arg.calls == entries || (buffer && dma_forced()));
			EXPECT_EQ(arg.calls, arg.segments);
		}
		TH_LOG("kind %u: %llu calls, %llu segments, %llu entries", kind,
		       (unsigned long long)arg.calls, (unsigned long long)arg.segments,
		       (unsigned long long)arg.entries);
	}
	EXPECT_EQ(0, dma_mappings(self->fd, self->edu.target));
	EXPECT_EQ(-1, zct_pattern_check(self->map, 0, self->buf.size));
	EXPECT_EQ(-EINVAL, measure(self, ZC_MEASURE_BUFFER + 1, 0, &arg));
	EXPECT_EQ(-ENOENT, measure(self, ZC_MEASURE_BUFFER, 12345, &arg));
	ASSERT_LT(0, map(self, self->buf.handle, BOTH, &self->segs));
	EXPECT_EQ(-EBUSY, measure(self, ZC_MEASURE_BUFFER, self->buf.handle, &arg));
	EXPECT_EQ(0, dma_in_child(measured_by_nobody, self));
}

/* Measures a buffer again and again. */
struct meter {
	SELF *self;
	pthread_t thread;
	bool stop;
	int ret;
	unsigned int done;
	unsigned int busy;
};

static void *meter_run(void *data)
{
	struct meter *m = data;
	struct zc_dma_measure arg;

	while (!m->ret && !__atomic_load_n(&m->stop, __ATOMIC_RELAXED)) {
		int ret = measure(m->self, ZC_MEASURE_BUFFER, m->self->buf.handle, &arg);

		if (!ret)
			m->done++;
		else if (ret == -EBUSY)
			m->busy++;
		else
			m->ret = ret;
	}
	return NULL;
}

/* It is mapped to be measured, or for somebody: for both, and DMA_API_DEBUG would say so. */
TEST_F_TIMEOUT(edu, measured_or_mapped, 120)
{
	struct meter m = { .self = self };
	uint64_t begin = zct_now_ms();
	unsigned int i;

	ASSERT_EQ(0, pthread_create(&m.thread, NULL, meter_run, &m));
	while (zct_now_ms() < begin + 2000 && __test_passed(_metadata)) {
		EXPECT_LT(0, map(self, self->buf.handle, BOTH, &self->segs));
		for (i = 0; i < 20; i++)
			EXPECT_EQ(0, dma_sync(self->fd, self->buf.handle, ZC_SYNC_READ,
					      i * PAGE + 837, 3259));
		EXPECT_EQ(0, dma_unmap(self->fd, self->buf.handle, self->edu.target));
		usleep(2000);
	}
	__atomic_store_n(&m.stop, true, __ATOMIC_RELAXED);
	pthread_join(m.thread, NULL);
	TH_LOG("%u times measured, %u times mapped already", m.done, m.busy);
	EXPECT_EQ(0, m.ret);
	EXPECT_LT(0, m.done);
	EXPECT_LT(0, m.busy);
}

/* One buffer for several devices. */
TEST_F(edu, two_targets)
{
	/* See bounce.c for those who write by way of a copy. */
	uint32_t flags = dma_forced() ? ZC_DMA_TO_DEVICE | ZC_DMA_BOUNCE : BOTH;
	uint32_t handle = self->buf.handle;
	struct segments other;
	struct edu second;

	if (!edu_find(&second, 1))
		SKIP(return, "no second device edu");
	ASSERT_EQ(0, edu_begin(&second, self->fd, 64));
	EXPECT_NE(self->edu.target, second.target);
	ASSERT_LT(0, map(self, handle, BOTH, &self->segs));
	ASSERT_EQ(0, dma_map(self->fd, handle, second.target, flags, NULL));
	ASSERT_EQ(0, dma_map(self->fd, handle, ZC_DMA_OWN, flags, NULL));
	EXPECT_EQ(1, dma_mappings(self->fd, second.target));
	EXPECT_EQ(-EEXIST, dma_map(self->fd, handle, second.target, flags, NULL));
	EXPECT_LT(0, dma_segments(self->fd, handle, second.target, &other));
	EXPECT_EQ(self->buf.size, dma_segments_size(&other));
	/* What the one gives up the other keeps. */
	ASSERT_EQ(0, dma_unmap(self->fd, handle, second.target));
	EXPECT_EQ(1, dma_mappings(self->fd, self->edu.target));
	EXPECT_TRUE(edu_get(&self->edu, &self->segs, 2 * HUGE, 64));
	EXPECT_TRUE(edu_put(&self->edu, &self->segs, 128, 64));
	ASSERT_EQ(0, cpu_begin(self, handle));
	EXPECT_EQ(-1, zct_pattern_check(self->map + 128, 2 * HUGE, 64));
	edu_end(&second, self->fd);
}

/* One reason for all of it. */
int main(int argc, char **argv)
{
	struct edu edu;

	if (!edu_find(&edu, 0))
		ksft_exit_skip("no device edu: guest.sh --edu\n");
	return test_harness_run(argc, argv);
}
