// SPDX-License-Identifier: GPL-2.0-only
/*
 * Targets that go while buffers are mapped for them: detached, unbound, unplugged, or with
 * the module; and owners who do not wait for that.
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dma.h"
#include "edu.h"
#include "kselftest_harness.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(gone)

/* How long to try; and how long at most, where little has happened until then. */
#define RACE_MS		2500
#define RACE_MAX_MS	30000
#define WORKERS		4
#define NR_BUFS		4

FIXTURE(gone)
{
	int fd;
	uint64_t used;
	struct edu edu;
	struct zc_buf_create buf[NR_BUFS];
	char *map;
	struct segments segs;
};

FIXTURE_SETUP(gone)
{
	struct zc_dma_map arg;
	int i;

	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	ASSERT_TRUE(edu_find(&self->edu, 0));
	self->used = zct_used(self->fd);
	ASSERT_EQ(0, edu_begin(&self->edu, self->fd, 64));
	for (i = 0; i < NR_BUFS; i++) {
		ASSERT_EQ(0, zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &self->buf[i]));
		arg.user_data = 0xfeed0000beef0000ull + i;
		ASSERT_EQ(0, dma_map(self->fd, self->buf[i].handle, self->edu.target,
				     BOTH | dma_bounce(), &arg));
	}
	self->map = zct_map(self->fd, &self->buf[0]);
	ASSERT_NE(MAP_FAILED, self->map);
	EXPECT_EQ(NR_BUFS, dma_mappings(self->fd, self->edu.target));
}

FIXTURE_TEARDOWN(gone)
{
	int fd = zct_open();

	munmap(self->map, HUGE);
	close(self->fd);
	/* Or the target is gone. */
	EXPECT_GE(0, dma_mappings(fd, self->edu.target));
	edu_end(&self->edu, fd);
	EXPECT_TRUE(zct_used_becomes(fd, self->used, 2000));
	close(fd);
}

/* One event for each that was mapped, and nothing is left. */
static void has_gone(struct __test_metadata *_metadata, SELF *self)
{
	uint32_t target = self->edu.target;
	struct zc_dma_query query;
	struct zc_event event;
	unsigned int seen = 0;
	int i;

	for (i = 0; i < NR_BUFS; i++) {
		ASSERT_TRUE(zct_event(self->fd, &event, 2000));
		EXPECT_TRUE(dma_event_is(&event, target, event.user_data));
		EXPECT_EQ(0xfeed0000beef0000ull, event.user_data & ~3ull);
		seen |= 1u << (event.user_data & 3);
	}
	EXPECT_EQ((1u << NR_BUFS) - 1, seen);
	EXPECT_FALSE(zct_event(self->fd, &event, 0));
	EXPECT_EQ(-ENOENT, dma_query(self->fd, target, &query));
	for (i = 0; i < NR_BUFS; i++) {
		uint32_t handle = self->buf[i].handle;

		EXPECT_EQ(-ENOENT, dma_segments(self->fd, handle, target, &self->segs));
		EXPECT_EQ(-ENOENT, dma_unmap(self->fd, handle, target));
		EXPECT_EQ(-ENODEV, dma_map(self->fd, handle, target, BOTH | dma_bounce(),
					   NULL));
		EXPECT_EQ(0, dma_sync(self->fd, handle, ZC_SYNC_READ, 0, 0));
	}
	EXPECT_EQ(-ENOENT, dma_detach(self->fd, target));
	/* The memory is all there, and nobody writes to it any more. */
	zct_pattern(self->map, 0, HUGE);
	munmap(self->map, HUGE);
	EXPECT_EQ(0, zct_seal(self->fd, self->buf[0].handle));
	self->map = mmap(NULL, HUGE, PROT_READ, MAP_SHARED, self->fd,
			 self->buf[0].mmap_offset);
	ASSERT_NE(MAP_FAILED, self->map);
	EXPECT_EQ(-1, zct_pattern_check(self->map, 0, HUGE));
}

static bool all_are(const char *mem, char c, size_t len)
{
	return mem[0] == c && !memcmp(mem, mem + 1, len - 1);
}

/* The device can be a target again, which is another one. */
static void comes_back(struct __test_metadata *_metadata, SELF *self)
{
	uint32_t old = self->edu.target, flags = ZC_DMA_TO_DEVICE | dma_bounce();

	ASSERT_EQ(0, edu_begin(&self->edu, self->fd, 64));
	EXPECT_NE(old, self->edu.target);
	EXPECT_EQ(0, dma_mappings(self->fd, self->edu.target));
	ASSERT_EQ(0, dma_map(self->fd, self->buf[0].handle, self->edu.target, flags, NULL));
	EXPECT_EQ(1, dma_mappings(self->fd, self->edu.target));
	ASSERT_LT(0, dma_segments(self->fd, self->buf[0].handle, self->edu.target,
				  &self->segs));
	EXPECT_TRUE(edu_get(&self->edu, &self->segs, HUGE - 100, 100));
	EXPECT_EQ(0, dma_unmap(self->fd, self->buf[0].handle, self->edu.target));
}

TEST_F_TIMEOUT(gone, detached, 120)
{
	ASSERT_EQ(0, dma_detach(self->fd, self->edu.target));
	has_gone(_metadata, self);
	/* It is bound still. */
	comes_back(_metadata, self);
}

TEST_F_TIMEOUT(gone, unbound, 120)
{
	uint32_t again;

	ASSERT_EQ(0, edu_unbind(&self->edu));
	has_gone(_metadata, self);
	EXPECT_EQ(-ENODEV, dma_attach(self->fd, self->edu.name, 64, &again));
	comes_back(_metadata, self);
}

TEST_F_TIMEOUT(gone, unplugged, 120)
{
	uint32_t again;

	ASSERT_EQ(0, edu_unplug(&self->edu));
	has_gone(_metadata, self);
	EXPECT_EQ(-ENODEV, dma_attach(self->fd, self->edu.name, 64, &again));
	ASSERT_EQ(0, edu_plug(&self->edu));
	comes_back(_metadata, self);
}

/*
 * In the midst of what the device does: what was under way as it was unbound or detached does
 * not come any more.
 */
TEST_F_TIMEOUT(gone, busy, 120)
{
	uint64_t begin, fastest = UINT64_MAX;
	struct edu *edu = &self->edu;
	int round, under_way = 0;
	bool unbind;

	for (round = 0; round < 4 || (!under_way && round < 12); round++) {
		unbind = round != 1;
		ASSERT_LT(0, dma_segments(self->fd, self->buf[0].handle, edu->target,
					  &self->segs));
		zct_pattern(self->map, 0, EDU_MAX);
		ASSERT_TRUE(edu_get(edu, &self->segs, 0, EDU_MAX));
		begin = zct_now_ms();
		ASSERT_TRUE(edu_store_begin(edu, self->segs.at[0].addr, 0, EDU_MAX));
		usleep(20000 * (round % 4));
		ASSERT_EQ(0, unbind ? edu_unbind(edu) : dma_detach(self->fd, edu->target));
		memset(self->map, 0xa5, EDU_MAX);
		if (zct_now_ms() - begin < fastest)
			fastest = zct_now_ms() - begin;
		under_way += edu_busy(edu);
		EXPECT_TRUE(edu_end_run(edu));
		EXPECT_TRUE(all_are(self->map, 0xa5, EDU_MAX));
		ASSERT_EQ(0, edu_begin(edu, self->fd, 64));
		ASSERT_EQ(0, dma_map(self->fd, self->buf[0].handle, edu->target,
				     BOTH | dma_bounce(), NULL));
	}
	if (!under_way && fastest >= 100)
		SKIP(return, "what it does is over before it is let go of");
	EXPECT_LT(0, under_way);
}

/* The end of a target is told to each owner, of his own, however he sees it. */
TEST_F_TIMEOUT(gone, many_owners, 120)
{
	int fd[8], i;
	struct zc_event event;

	for (i = 0; i < 8; i++) {
		struct zc_dma_map arg = { .user_data = i };
		struct zc_buf_create buf;

		fd[i] = zct_open();
		ASSERT_GE(fd[i], 0);
		ASSERT_EQ(0, zct_create(fd[i], PAGE, ZC_BUF_SLICE, ZC_NODE_ANY, &buf));
		ASSERT_EQ(0, dma_map(fd[i], buf.handle, self->edu.target, BOTH | dma_bounce(),
				     &arg));
	}
	/* One of them is not there any more, another one has nothing mapped. */
	close(fd[3]);
	ASSERT_EQ(0, dma_unmap(fd[5], 1, self->edu.target));
	ASSERT_EQ(0, dma_detach(self->fd, self->edu.target));
	for (i = 0; i < 8; i++) {
		if (i == 3)
			continue;
		EXPECT_EQ(i != 5, zct_event(fd[i], &event, i == 5 ? 0 : 2000));
		EXPECT_TRUE(i == 5 || dma_event_is(&event, self->edu.target, i));
		EXPECT_FALSE(zct_event(fd[i], &event, 0));
		close(fd[i]);
	}
	has_gone(_metadata, self);
}

/* Targets do not keep the module, nor does it leave the device without a way back. */
TEST_F_TIMEOUT(gone, module_unloaded, 120)
{
	struct zc_dma_query query = { .target = ZC_DMA_OWN + 1 };
	uint32_t target = self->edu.target;
	int i, ret;

	munmap(self->map, HUGE);
	close(self->fd);
	/* What others have had of it before may take its time. */
	ret = zct_unload(5000);
	EXPECT_EQ(0, ret);
	EXPECT_EQ(ret ? 0 : -1, access("/sys/bus/pci/drivers/" EDU_DRIVER, F_OK));
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	EXPECT_EQ(-ENOENT, zct_ioctl(self->fd, ZC_IOC_DMA_QUERY, &query));
	for (i = 0; i < NR_BUFS; i++)
		ASSERT_EQ(0, zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &self->buf[i]));
	self->map = zct_map(self->fd, &self->buf[0]);
	ASSERT_NE(MAP_FAILED, self->map);
	self->used = 0;
	ASSERT_EQ(0, edu_begin(&self->edu, self->fd, 64));
	EXPECT_LE(self->edu.target, target);
	ASSERT_EQ(0, dma_map(self->fd, self->buf[0].handle, self->edu.target,
			     BOTH | dma_bounce(), NULL));
	EXPECT_EQ(1, dma_mappings(self->fd, self->edu.target));
}

/* Owners are killed wherever they are; what they had mapped goes with them. */
TEST_F_TIMEOUT(gone, owner_killed, 120)
{
	uint32_t flags = BOTH | dma_bounce();
	int round, status;
	pid_t pid;

	for (round = 0; round < 10; round++) {
		pid = fork();
		if (!pid) {
			int fd = zct_open();

			for (;;) {
				struct zc_buf_create buf;

				zct_create(fd, 4 * HUGE, 0, ZC_NODE_ANY, &buf);
				dma_map(fd, buf.handle, self->edu.target, flags, NULL);
				if (round & 1)
					dma_unmap(fd, buf.handle, self->edu.target);
				zct_destroy(fd, buf.handle);
			}
		}
		usleep(10000 + 5000 * round);
		kill(pid, SIGKILL);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_TRUE(WIFSIGNALED(status));
		EXPECT_TRUE(dma_mappings_become(self->fd, self->edu.target, NR_BUFS, 2000));
	}
}

/**
 * struct race - what those who race with one another share
 * @target: number of the target, or of the one before
 * @stop:   it is over
 * @mapped: how often a buffer was mapped
 * @told:   how often the target went before it was unmapped
 */
struct race {
	atomic_uint target;
	atomic_bool stop;
	atomic_uint mapped;
	atomic_uint told;
};

/* Was it unmapped, or is there the event that says why not? */
static bool race_unmap(struct race *race, int fd, uint32_t handle, uint32_t target,
		       uint64_t user_data)
{
	int ret = dma_unmap(fd, handle, target);
	struct zc_event event;

	if (ret == -ENOENT) {
		atomic_fetch_add(&race->told, 1);
		return zct_event(fd, &event, 5000) && dma_event_is(&event, target, user_data);
	}
	/* Nobody has told what is not so. */
	return !ret && !zct_event(fd, &event, 0);
}

/* One round of who has buffers. Returns 0, or where it has gone wrong. */
static int race_round(struct race *race, int fd, unsigned int round)
{
	uint32_t target, slice = round & 1 ? ZC_BUF_SLICE : 0;
	struct zc_dma_map arg = { .user_data = round };
	struct zc_buf_create buf;
	struct segments segs;
	int ret;

	ret = zct_create(fd, slice ? 3 * PAGE : HUGE, slice, ZC_NODE_ANY, &buf);
	if (ret)
		return 1;
	target = atomic_load(&race->target);
	ret = dma_map(fd, buf.handle, target, BOTH | dma_bounce(), &arg);
	if (ret && ret != -ENODEV)
		return 2;
	if (!ret) {
		atomic_fetch_add(&race->mapped, 1);
		ret = dma_segments(fd, buf.handle, target, &segs);
		if (ret <= 0 && ret != -ENOENT)
			return 3;
		if (ret > 0 && dma_segments_size(&segs) != buf.size)
			return 4;
		if (dma_sync(fd, buf.handle, ZC_SYNC_READ, 0, 0))
			return 5;
		if (!race_unmap(race, fd, buf.handle, target, round))
			return 6;
	}
	return zct_destroy(fd, buf.handle) ? 7 : 0;
}

static int race_worker(struct race *race)
{
	int fd = zct_open(), ret = 0;
	unsigned int round;

	for (round = 0; !ret && !atomic_load(&race->stop); round++)
		ret = race_round(race, fd, round);
	close(fd);
	return ret;
}

/* The same by a file on which nobody waits: destroyed, or closed, as it is. */
static int race_careless(struct race *race)
{
	unsigned int round = 0;
	int fd, ret, i;

	while (!atomic_load(&race->stop)) {
		fd = zct_open();
		if (fd < 0)
			return 1;
		for (i = 0; i < 20; i++) {
			struct zc_buf_create buf;

			if (zct_create(fd, HUGE, 0, ZC_NODE_ANY, &buf))
				return 2;
			ret = dma_map(fd, buf.handle, atomic_load(&race->target),
				      BOTH | dma_bounce(), NULL);
			if (ret && ret != -ENODEV)
				return 3;
			if (round++ % 3 && zct_destroy(fd, buf.handle))
				return 4;
		}
		close(fd);
	}
	return 0;
}

/* Targets come and go. */
static int race_admin(struct race *race, SELF *self)
{
	struct edu *edu = &self->edu;
	unsigned int round;
	uint32_t target;

	for (round = 0; !atomic_load(&race->stop); round++) {
		target = atomic_load(&race->target);
		if (round & 3 ? dma_detach(self->fd, target) : edu_unbind(edu))
			return 1;
		if (!(round & 3) && edu_bind(edu, EDU_DRIVER))
			return 2;
		if (dma_attach(self->fd, edu->name, 64, &target))
			return 3;
		atomic_store(&race->target, target);
		usleep(rand() % 50000);
	}
	return 0;
}

static int race_part(struct race *race, SELF *self, int part)
{
	if (part == 0)
		return race_admin(race, self);
	return part == 1 ? race_careless(race) : race_worker(race);
}

TEST_F_TIMEOUT(gone, race, 120)
{
	struct race *race = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t begin = zct_now_ms();
	pid_t pid[WORKERS + 2];
	int i, status;

	ASSERT_NE(MAP_FAILED, race);
	atomic_store(&race->target, self->edu.target);
	for (i = 0; i < WORKERS + 2; i++) {
		pid[i] = fork();
		if (!pid[i])
			_exit(race_part(race, self, i));
	}
	usleep(RACE_MS * 1000);
	while (atomic_load(&race->told) < 5 && zct_now_ms() < begin + RACE_MAX_MS)
		usleep(100000);
	atomic_store(&race->stop, true);
	for (i = 0; i < WORKERS + 2; i++) {
		ASSERT_EQ(pid[i], waitpid(pid[i], &status, 0));
		EXPECT_EQ(0, status)
			TH_LOG("part %d", i);
	}
	TH_LOG("%u times mapped, %u of these undone by the target's end", race->mapped,
	       race->told);
	EXPECT_LT(0, race->mapped);
	EXPECT_LT(0, race->told);
	self->edu.target = race->target;
	EXPECT_EQ(0, dma_mappings(self->fd, self->edu.target));
	munmap(race, PAGE);
}

/* One reason for all of it. */
int main(int argc, char **argv)
{
	struct edu edu;

	if (!edu_find(&edu, 0))
		ksft_exit_skip("no device edu: guest.sh --edu\n");
	return test_harness_run(argc, argv);
}
