// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is left behind by workers that are killed at random, after 100,000 cycles of getting
 * a hugepage, using it and giving it back: by files in hugetlbfs, by buffers that the
 * workers take from one open file of all of them, by the same with a guard, and by buffers
 * from a file of each worker's own.
 */
#include <dirent.h>
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
/* A worker is killed after so many cycles on the average. */
#define CYCLES_EACH	400
/* What may be left behind, hugepages: one by each worker, and some to work with. */
#define ROOM		(2 * CYCLES / CYCLES_EACH)
/* Not one cycle may fail; but do not try for ever. */
#define FAILURES	100

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(leak)

/**
 * struct tally - what the workers share
 * @cycles: got, used and given back
 * @failed: calls that failed
 */
struct tally {
	uint64_t cycles;
	uint64_t failed;
};

FIXTURE(leak)
{
	int fd;
	uint64_t used;
	struct tally *tally;
	unsigned int seed;
	uint64_t kills;
	uint64_t left;
	uint64_t ms;
};

FIXTURE_SETUP(leak)
{
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->used = zct_used(self->fd);
	self->seed = 1;
	self->tally = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			   -1, 0);
	ASSERT_NE(MAP_FAILED, self->tally);
	ASSERT_EQ(0, zct_param_set("max_bytes", ROOM * HUGE));
}

FIXTURE_TEARDOWN(leak)
{
	int fd = zct_open();

	close(self->fd);
	EXPECT_TRUE(zct_used_becomes(fd, self->used, 2000));
	EXPECT_EQ(0, zct_param_set("max_bytes", 0));
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
	if (file < 0)
		return false;
	map = mmap(NULL, HUGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	close(file);
	if (map != MAP_FAILED) {
		use(map);
		munmap(map, HUGE);
	}
	return !unlink(path) && map != MAP_FAILED;
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

/* Files that nobody will ever remove. */
static uint64_t left_files(SELF *self)
{
	DIR *dir = opendir(HUGETLBFS);
	struct dirent *entry;
	uint64_t nr = 0;

	while (dir && (entry = readdir(dir)))
		nr += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return nr;
}

/* Buffers of this file whose makers are gone; *@handle is that of one. */
static uint64_t orphans(int fd, uint32_t *handle)
{
	struct zc_buf_info info = { 0 };
	uint64_t nr = 0;

	for (; !zct_ioctl(fd, ZC_IOC_BUF_INFO, &info); info.id++) {
		if (info.pid || !info.handle || !(info.state & ZC_STATE_OWN))
			continue;
		*handle = info.handle;
		nr++;
	}
	return nr;
}

static void guard(SELF *self)
{
	uint32_t handle;

	while (orphans(self->fd, &handle))
		if (zct_destroy(self->fd, handle))
			return;
}

static void work(SELF *self, bool own, bool (*cycle)(SELF *self, int fd, uint64_t nr))
{
	int fd = own ? zct_open() : self->fd;
	uint64_t nr;

	for (nr = 0;; nr++)
		__atomic_fetch_add(cycle(self, fd, nr) ? &self->tally->cycles :
				   &self->tally->failed, 1, __ATOMIC_RELAXED);
}

static uint64_t cycles(const SELF *self)
{
	return __atomic_load_n(&self->tally->cycles, __ATOMIC_RELAXED) +
	       __atomic_load_n(&self->tally->failed, __ATOMIC_RELAXED);
}

/* Worker after worker, each killed wherever it is; @after looks after what it had. */
static void run(struct __test_metadata *_metadata, SELF *self, bool own,
		bool (*cycle)(SELF *self, int fd, uint64_t nr), void (*after)(SELF *self))
{
	uint64_t begin = zct_now_ms(), until;
	int status;
	pid_t pid;

	while (cycles(self) < CYCLES && self->tally->failed < FAILURES) {
		until = cycles(self) + rand_r(&self->seed) % (2 * CYCLES_EACH);
		pid = fork();
		if (!pid)
			work(self, own, cycle);
		ASSERT_GT(pid, 0);
		while (cycles(self) < until)
			usleep(500);
		usleep(rand_r(&self->seed) % 2000);
		kill(pid, SIGKILL);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		self->kills++;
		if (after)
			after(self);
	}
	self->ms = zct_now_ms() - begin;
	EXPECT_EQ(0, self->tally->failed);
}

static void report(struct __test_metadata *_metadata, SELF *self, const char *name)
{
	TH_LOG("%s: %llu cycles of %.0f us, %llu kills", name,
	       (unsigned long long)cycles(self), self->ms * 1000.0 / cycles(self),
	       (unsigned long long)self->kills);
	TH_LOG("%s: %llu left behind, %.3f %% of the cycles, %.1f %% of the kills", name,
	       (unsigned long long)self->left, 100.0 * self->left / cycles(self),
	       100.0 * self->left / self->kills);
}

/* No protection: who is killed leaves a file behind, and its hugepage with it. */
TEST_F_TIMEOUT(leak, files, 900)
{
	char before[32], room[32];

	snprintf(room, sizeof(room), "%d", ROOM);
	mkdir(HUGETLBFS, 0700);
	ASSERT_EQ(0, zct_sysctl("vm/nr_hugepages", room, before, sizeof(before)));
	ASSERT_EQ(ROOM * HUGE, zct_meminfo("HugePages_Free") / 1024 * HUGE);
	ASSERT_EQ(0, mount("zc", HUGETLBFS, "hugetlbfs", 0, NULL));
	run(_metadata, self, false, cycle_file, NULL);
	self->left = left_files(self);
	report(_metadata, self, "no protection");
	EXPECT_GT(self->left, 0);
	EXPECT_EQ(0, umount(HUGETLBFS));
	rmdir(HUGETLBFS);
	EXPECT_EQ(0, zct_sysctl("vm/nr_hugepages", before, NULL, 0));
}

/* One open file for all, a pool: what the dead had stays there. */
TEST_F_TIMEOUT(leak, pool, 900)
{
	uint32_t handle;

	run(_metadata, self, false, cycle_buffer, NULL);
	self->left = orphans(self->fd, &handle);
	report(_metadata, self, "pool");
	EXPECT_GT(self->left, 0);
}

/* The same, and who has the pool gives back what is of the dead. */
TEST_F_TIMEOUT(leak, pool_and_guard, 900)
{
	uint32_t handle;

	run(_metadata, self, false, cycle_buffer, guard);
	self->left = orphans(self->fd, &handle);
	report(_metadata, self, "pool and guard");
	EXPECT_EQ(0, self->left);
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 2000));
}

/* A file for each: the kernel gives back all. */
TEST_F_TIMEOUT(leak, own_file, 900)
{
	struct zc_buf_info info = { 0 };

	run(_metadata, self, true, cycle_buffer, NULL);
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 2000));
	self->left = (zct_used(self->fd) - self->used) / HUGE;
	report(_metadata, self, "a file each");
	EXPECT_EQ(0, self->left);
	EXPECT_EQ(-ENOENT, zct_ioctl(self->fd, ZC_IOC_BUF_INFO, &info));
}

TEST_HARNESS_MAIN
