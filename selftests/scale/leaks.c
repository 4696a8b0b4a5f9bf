// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is left behind by workers that are killed at random, after 100,000 cycles of getting
 * a hugepage, using it and giving it back: by files in hugetlbfs, by buffers that the
 * workers take from one open file of all of them, by the same with a guard, and by buffers
 * from a file of each worker's own.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "zc_test.h"

#define CYCLES		100000
#define HUGETLBFS	"/tmp/zc-hugetlbfs"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(leaks)

/**
 * struct tally - what the workers share
 * @cycles: got, used and given back
 * @failed: calls that failed
 */
struct tally {
	uint64_t cycles;
	uint64_t failed;
};

FIXTURE(leaks)
{
	int fd;
	uint64_t used;
	struct tally *tally;
	unsigned int seed;
	uint64_t kills;
	uint64_t left;
};

FIXTURE_SETUP(leaks)
{
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->used = zct_used(self->fd);
	self->seed = 1;
	self->tally = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			   -1, 0);
	ASSERT_NE(MAP_FAILED, self->tally);
}

FIXTURE_TEARDOWN(leaks)
{
	int fd = zct_open();

	close(self->fd);
	EXPECT_TRUE(zct_used_becomes(fd, self->used, 2000));
	close(fd);
	munmap(self->tally, 4096);
}

static void use(char *map)
{
	unsigned int i;

	for (i = 0; i < 16; i++)
		map[i * 65536] = i;
}

/* One cycle each; false if it failed. */
static bool cycle_file(SELF *self, int fd, uint64_t nr)
{
	char path[64];
	char *map;
	int file;

	snprintf(path, sizeof(path), HUGETLBFS "/%d-%llu", getpid(), (unsigned long long)nr);
	file = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (file < 0 || ftruncate(file, HUGE))
		return false;
	map = mmap(NULL, HUGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (map == MAP_FAILED)
		return false;
	use(map);
	munmap(map, HUGE);
	close(file);
	return !unlink(path);
}

static bool cycle_buffer(SELF *self, int fd, uint64_t nr)
{
	struct zc_buf_create buf;
	char *map;

	if (zct_create(fd, HUGE, 0, ZC_NODE_ANY, &buf))
		return false;
	map = zct_map(fd, &buf);
	if (map == MAP_FAILED)
		return false;
	use(map);
	munmap(map, HUGE);
	return !zct_destroy(fd, buf.handle);
}

/* After each worker: what it has left, in hugepages. */
static uint64_t left_files(SELF *self)
{
	char cmd[128];
	uint64_t nr = 0;
	FILE *out;

	snprintf(cmd, sizeof(cmd), "ls " HUGETLBFS " | wc -l; rm -f " HUGETLBFS "/*");
	out = popen(cmd, "r");
	if (!out || fscanf(out, "%llu", (unsigned long long *)&nr) != 1)
		nr = 0;
	if (out)
		pclose(out);
	return nr;
}

/* Buffers of this file whose makers are gone; *@handle is that of one. */
static uint64_t orphans(SELF *self, uint32_t *handle)
{
	struct zc_buf_info info = { 0 };
	uint64_t nr = 0;

	for (; !zct_ioctl(self->fd, ZC_IOC_BUF_INFO, &info); info.id++) {
		if (info.pid || !info.handle || !(info.state & ZC_STATE_OWN))
			continue;
		*handle = info.handle;
		nr++;
	}
	return nr;
}

static uint64_t left_none(SELF *self)
{
	return 0;
}

static uint64_t guard(SELF *self)
{
	uint32_t handle;

	while (orphans(self, &handle))
		if (zct_destroy(self->fd, handle))
			return 1;
	return 0;
}

static void run(struct __test_metadata *_metadata, SELF *self, bool own,
		bool (*cycle)(SELF *self, int fd, uint64_t nr),
		uint64_t (*left)(SELF *self))
{
	uint64_t begin = zct_now_ms();
	int status;
	pid_t pid;

	while (__atomic_load_n(&self->tally->cycles, __ATOMIC_RELAXED) < CYCLES) {
		pid = fork();
		if (!pid) {
			int fd = own ? zct_open() : self->fd;
			uint64_t nr;

			for (nr = 0;; nr++) {
				__atomic_fetch_add(cycle(self, fd, nr) ? &self->tally->cycles :
						   &self->tally->failed, 1, __ATOMIC_RELAXED);
			}
		}
		ASSERT_GT(pid, 0);
		usleep(rand_r(&self->seed) % 30000);
		kill(pid, SIGKILL);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		self->kills++;
		self->left += left(self);
	}
	EXPECT_EQ(0, self->tally->failed);
	TH_LOG("%llu cycles, %llu kills, %llu left behind: %.2f %% of the kills; %.0f us a cycle",
	       (unsigned long long)self->tally->cycles, (unsigned long long)self->kills,
	       (unsigned long long)self->left, 100.0 * self->left / self->kills,
	       (zct_now_ms() - begin) * 1000.0 / self->tally->cycles);
}

/* No protection: who is killed leaves a file behind, and its hugepage with it. */
TEST_F_TIMEOUT(leaks, files, 1200)
{
	char before[32];

	mkdir(HUGETLBFS, 0700);
	ASSERT_EQ(0, zct_sysctl("vm/nr_hugepages", "64", before, sizeof(before)));
	ASSERT_EQ(0, mount("zc", HUGETLBFS, "hugetlbfs", 0, NULL));
	run(_metadata, self, false, cycle_file, left_files);
	EXPECT_GT(self->left, 0);
	EXPECT_EQ(0, umount(HUGETLBFS));
	rmdir(HUGETLBFS);
	EXPECT_EQ(0, zct_sysctl("vm/nr_hugepages", before, NULL, 0));
}

/* A pool of all: what the dead had is the file's still. */
TEST_F_TIMEOUT(leaks, pool, 1200)
{
	uint32_t handle;

	/* What one has left another cannot use; so many are let go at once. */
	run(_metadata, self, false, cycle_buffer, left_none);
	self->left = orphans(self, &handle);
	TH_LOG("%llu left behind: %.2f %% of the kills", (unsigned long long)self->left,
	       100.0 * self->left / self->kills);
	EXPECT_GT(self->left, 0);
}

/* The same, and who has the pool gives back what is of the dead. */
TEST_F_TIMEOUT(leaks, pool_and_guard, 1200)
{
	uint32_t handle;

	run(_metadata, self, false, cycle_buffer, guard);
	EXPECT_EQ(0, self->left);
	EXPECT_EQ(0, orphans(self, &handle));
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 2000));
}

/* A file for each: the kernel gives back all. */
TEST_F_TIMEOUT(leaks, own_file, 1200)
{
	struct zc_buf_info info = { 0 };

	run(_metadata, self, true, cycle_buffer, left_none);
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 2000));
	EXPECT_EQ(-ENOENT, zct_ioctl(self->fd, ZC_IOC_BUF_INFO, &info));
}

TEST_HARNESS_MAIN
