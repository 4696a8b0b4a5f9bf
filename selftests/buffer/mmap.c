// SPDX-License-Identifier: GPL-2.0-only
/* Mappings of buffers. */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/mempolicy.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "zc_test.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(mmap)

#define SIZE	(8 * HUGE)

FIXTURE(mmap)
{
	int fd;
	uint64_t used;
	struct zc_buf_create buf;
	char *map;
};

FIXTURE_SETUP(mmap)
{
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->used = zct_used(self->fd);
	ASSERT_EQ(0, zct_create(self->fd, SIZE, 0, ZC_NODE_ANY, &self->buf));
	self->map = zct_map(self->fd, &self->buf);
	ASSERT_NE(MAP_FAILED, self->map);
}

FIXTURE_TEARDOWN(mmap)
{
	int fd = zct_open();

	munmap(self->map, SIZE);
	close(self->fd);
	EXPECT_TRUE(zct_used_becomes(fd, self->used, 2000));
	close(fd);
}

static uint64_t faults(void)
{
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	return ru.ru_minflt;
}

static void *map_at(SELF *self, size_t len, int prot, int flags,
		    uint64_t offset)
{
	return mmap(NULL, len, prot, flags, self->fd, offset);
}

static unsigned int mappings(SELF *self)
{
	struct zc_buf_query query = { .handle = self->buf.handle };

	zct_ioctl(self->fd, ZC_IOC_BUF_QUERY, &query);
	return query.mappings;
}

TEST_F_TIMEOUT(mmap, hugepages, 120)
{
	uint64_t before = faults(), i;

	EXPECT_EQ(0, (uintptr_t)self->map % HUGE);
	for (i = 0; i < SIZE; i += 4096)
		self->map[i] = 1;
	EXPECT_LE(faults() - before, SIZE / HUGE + 4);
	EXPECT_EQ(SIZE, zct_smaps(self->map, "FilePmdMapped"));
	EXPECT_EQ(SIZE, zct_smaps(self->map, "Rss"));
	EXPECT_TRUE(zct_smaps_flag(self->map, " dd"));
	EXPECT_TRUE(zct_smaps_flag(self->map, " de"));
}

TEST_F_TIMEOUT(mmap, populate, 120)
{
	char *map = map_at(self, SIZE, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_POPULATE, self->buf.mmap_offset);
	uint64_t before, i;

	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(SIZE, zct_smaps(map, "FilePmdMapped"));
	before = faults();
	for (i = 0; i < SIZE; i += 4096)
		map[i] = 1;
	EXPECT_LE(faults() - before, 1);
	munmap(map, SIZE);
}

TEST_F_TIMEOUT(mmap, refused, 120)
{
	const uint64_t off = self->buf.mmap_offset;
	const int rw = PROT_READ | PROT_WRITE;

	EXPECT_EQ(MAP_FAILED, map_at(self, SIZE, rw, MAP_PRIVATE, off));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, map_at(self, SIZE + 4096, rw, MAP_SHARED, off));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, map_at(self, HUGE, rw, MAP_SHARED, off + SIZE));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, map_at(self, HUGE, rw, MAP_SHARED, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, map_at(self, 2 * HUGE, rw, MAP_SHARED,
				     off + SIZE - HUGE));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, map_at(self, HUGE, rw, MAP_SHARED, 1ull << 50));
	EXPECT_EQ(MAP_FAILED, map_at(self, HUGE, rw, MAP_SHARED, 1ull << 62));
	EXPECT_EQ(1, mappings(self));
}

TEST_F_TIMEOUT(mmap, part, 120)
{
	char *huge, *page;

	zct_pattern(self->map, 0, SIZE);
	huge = map_at(self, 2 * HUGE, PROT_READ, MAP_SHARED,
		      self->buf.mmap_offset + 3 * HUGE);
	ASSERT_NE(MAP_FAILED, huge);
	EXPECT_EQ(-1, zct_pattern_check(huge, 3 * HUGE, 2 * HUGE));
	EXPECT_EQ(2 * HUGE, zct_smaps(huge, "FilePmdMapped"));
	page = map_at(self, 8192, PROT_READ, MAP_SHARED,
		      self->buf.mmap_offset + HUGE - 4096);
	ASSERT_NE(MAP_FAILED, page);
	EXPECT_EQ(-1, zct_pattern_check(page, HUGE - 4096, 8192));
	EXPECT_EQ(3, mappings(self));
	munmap(huge, 2 * HUGE);
	munmap(page, 8192);
	EXPECT_EQ(1, mappings(self));
}

TEST_F_TIMEOUT(mmap, hole, 120)
{
	char *hole = self->map + 2 * HUGE + 4096 * 17;

	zct_pattern(self->map, 0, SIZE);
	ASSERT_EQ(0, munmap(hole, 4096));
	EXPECT_EQ(2, mappings(self));
	EXPECT_EQ(-1, zct_pattern_check(self->map, 0, hole - self->map));
	EXPECT_EQ(-1, zct_pattern_check(hole + 4096, hole + 4096 - self->map,
					SIZE - (hole + 4096 - self->map)));
	EXPECT_GE(zct_smaps(self->map, "FilePmdMapped"), 2 * HUGE);
}

TEST_F_TIMEOUT(mmap, fork, 120)
{
	int status;
	pid_t pid;

	self->map[5] = 1;
	pid = fork();
	if (!pid) {
		if (self->map[5] != 1)
			_exit(1);
		memset(self->map, 7, SIZE);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(7, self->map[5]);
	EXPECT_EQ(7, self->map[SIZE - 1]);
	EXPECT_EQ(1, mappings(self));
}

TEST_F_TIMEOUT(mmap, outlives_handle_and_file, 120)
{
	int fd = zct_open();

	zct_pattern(self->map, 0, SIZE);
	ASSERT_EQ(0, zct_destroy(self->fd, self->buf.handle));
	EXPECT_EQ(MAP_FAILED, map_at(self, HUGE, PROT_READ, MAP_SHARED,
				     self->buf.mmap_offset));
	close(self->fd);
	self->fd = -1;
	EXPECT_EQ(-1, zct_pattern_check(self->map, 0, SIZE));
	EXPECT_EQ(self->used + SIZE, zct_used(fd));
	/* Page tables may go, and the memory is still there. */
	madvise(self->map, SIZE, MADV_DONTNEED);
	EXPECT_EQ(-1, zct_pattern_check(self->map, 0, SIZE));
	munmap(self->map, SIZE);
	EXPECT_TRUE(zct_used_becomes(fd, self->used, 1000));
	close(fd);
}

/* The old mapping stays its own when the handle's place is used again. */
TEST_F_TIMEOUT(mmap, place_used_again, 120)
{
	struct zc_buf_create buf;
	char *map;

	memset(self->map, 1, SIZE);
	ASSERT_EQ(0, zct_destroy(self->fd, self->buf.handle));
	ASSERT_EQ(0, zct_create(self->fd, SIZE, 0, ZC_NODE_ANY, &buf));
	EXPECT_EQ(self->buf.mmap_offset, buf.mmap_offset);
	map = zct_map(self->fd, &buf);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(0, map[HUGE]);
	memset(map, 2, SIZE);
	madvise(self->map, SIZE, MADV_DONTNEED);
	EXPECT_EQ(1, self->map[HUGE]);
	EXPECT_EQ(2, map[HUGE]);
	munmap(map, SIZE);
}

TEST_F_TIMEOUT(mmap, advice, 120)
{
	zct_pattern(self->map, 0, SIZE);
	EXPECT_EQ(0, madvise(self->map, SIZE, MADV_DONTNEED));
	EXPECT_EQ(-1, zct_pattern_check(self->map, 0, SIZE));
	EXPECT_NE(0, madvise(self->map, SIZE, MADV_REMOVE));
	EXPECT_EQ(-1, zct_pattern_check(self->map, 0, SIZE));
	madvise(self->map, SIZE, MADV_NOHUGEPAGE);
	madvise(self->map, SIZE, MADV_DONTNEED);
	EXPECT_EQ(-1, zct_pattern_check(self->map, 0, SIZE));
	madvise(self->map, SIZE, MADV_PAGEOUT);
	madvise(self->map, SIZE, MADV_COLD);
	madvise(self->map, SIZE, MADV_FREE);
	EXPECT_EQ(-1, zct_pattern_check(self->map, 0, SIZE));
	EXPECT_EQ(0, mlock(self->map, SIZE));
	EXPECT_EQ(0, munlock(self->map, SIZE));
	EXPECT_EQ(0, msync(self->map, SIZE, MS_SYNC));
}

/* What would split or move an ordinary large page leaves a buffer as it is. */
TEST_F_TIMEOUT(mmap, advice_for_a_part, 120)
{
	static const int advice[] = { MADV_COLD, MADV_PAGEOUT, MADV_FREE,
				      MADV_DONTNEED, MADV_COLLAPSE, MADV_HUGEPAGE };
	const unsigned long nodes = 2;
	int node, status = 0;
	void *page;
	size_t i;

	zct_pattern(self->map, 0, SIZE);
	for (i = 0; i < sizeof(advice) / sizeof(*advice); i++) {
		madvise(self->map + HUGE + 4096, 4096, advice[i]);
		madvise(self->map + 3 * HUGE - 4096, 8192, advice[i]);
		EXPECT_EQ(-1, zct_pattern_check(self->map, 0, SIZE));
	}
	for (node = 0; node < 2; node++) {
		page = self->map + 5 * HUGE + 4096;
		syscall(SYS_move_pages, 0, 1ul, &page, &node, &status, MPOL_MF_MOVE);
	}
	syscall(SYS_mbind, self->map, SIZE, MPOL_BIND, &nodes, 8ul, MPOL_MF_MOVE);
	EXPECT_EQ(-1, zct_pattern_check(self->map, 0, SIZE));
}

static sigjmp_buf fault_jump;
static volatile int fault_signal;

static void on_fault(int sig)
{
	fault_signal = sig;
	siglongjmp(fault_jump, 1);
}

static int write_faults(volatile char *p)
{
	struct sigaction act = { .sa_handler = on_fault };

	sigaction(SIGSEGV, &act, NULL);
	sigaction(SIGBUS, &act, NULL);
	fault_signal = 0;
	if (!sigsetjmp(fault_jump, 1))
		*p = 1;
	signal(SIGSEGV, SIG_DFL);
	signal(SIGBUS, SIG_DFL);
	return fault_signal;
}

TEST_F_TIMEOUT(mmap, protection, 120)
{
	int fd = open("/dev/zc", O_RDONLY);
	struct zc_buf_create buf;
	char *map;

	self->map[0] = 3;
	EXPECT_EQ(0, mprotect(self->map, HUGE, PROT_READ));
	EXPECT_EQ(3, self->map[0]);
	EXPECT_EQ(SIGSEGV, write_faults(self->map));
	EXPECT_EQ(0, write_faults(self->map + HUGE));
	EXPECT_EQ(0, mprotect(self->map, HUGE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(0, write_faults(self->map));

	/* A file opened for reading cannot be mapped for writing. */
	ASSERT_EQ(0, zct_create(fd, HUGE, 0, ZC_NODE_ANY, &buf));
	EXPECT_EQ(MAP_FAILED, zct_map(fd, &buf));
	EXPECT_EQ(EACCES, errno);
	map = mmap(NULL, HUGE, PROT_READ, MAP_SHARED, fd, buf.mmap_offset);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(0, map[17]);
	EXPECT_NE(0, mprotect(map, HUGE, PROT_READ | PROT_WRITE));
	munmap(map, HUGE);
	close(fd);
}

TEST_F_TIMEOUT(mmap, remap, 120)
{
	char *moved;

	zct_pattern(self->map, 0, SIZE);
	EXPECT_EQ(MAP_FAILED, mremap(self->map, SIZE, 2 * SIZE, MREMAP_MAYMOVE));
	moved = mmap(NULL, SIZE + HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, moved);
	moved = mremap(self->map, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
		       (void *)(((uintptr_t)moved + HUGE - 1) & ~(HUGE - 1)));
	ASSERT_NE(MAP_FAILED, moved);
	self->map = moved;
	EXPECT_EQ(-1, zct_pattern_check(self->map, 0, SIZE));
	EXPECT_EQ(1, mappings(self));
	EXPECT_EQ(0, madvise(self->map, SIZE, MADV_DONTNEED));
	EXPECT_EQ(-1, zct_pattern_check(self->map, 0, SIZE));
	/* Shrink. */
	EXPECT_EQ(self->map, mremap(self->map, SIZE, HUGE, 0));
	EXPECT_EQ(-1, zct_pattern_check(self->map, 0, HUGE));
}

/* Only at an address that does not fit are pages small; the data are the same. */
TEST_F_TIMEOUT(mmap, unaligned_address, 120)
{
	char *area = mmap(NULL, SIZE + 2 * HUGE, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *map;

	ASSERT_NE(MAP_FAILED, area);
	zct_pattern(self->map, 0, SIZE);
	area = (char *)(((uintptr_t)area + HUGE - 1) & ~(HUGE - 1)) + 4096;
	map = mmap(area, SIZE, PROT_READ, MAP_SHARED | MAP_FIXED, self->fd,
		   self->buf.mmap_offset);
	ASSERT_EQ(area, map);
	EXPECT_EQ(-1, zct_pattern_check(map, 0, SIZE));
	EXPECT_EQ(0, zct_smaps(map, "FilePmdMapped"));
	munmap(map, SIZE);
}

static int futex(void *word, int op, unsigned int val)
{
	struct timespec soon = { .tv_nsec = 1000000 };
	int ret = syscall(SYS_futex, word, op, val, &soon, NULL, 0);

	return ret < 0 ? -errno : ret;
}

/* As documented: locks within the process work, and those between processes do not. */
TEST_F(mmap, futex)
{
	uint64_t offs[] = { 0, HUGE + 4096 };
	unsigned int i;

	for (i = 0; i < 2; i++) {
		char *word = self->map + offs[i];

		*word = 1;
		EXPECT_EQ(0, futex(word, FUTEX_WAKE_PRIVATE, 1));
		EXPECT_EQ(-EAGAIN, futex(word, FUTEX_WAIT_PRIVATE, 0));
		EXPECT_EQ(-ETIMEDOUT, futex(word, FUTEX_WAIT_PRIVATE, 1));
		EXPECT_EQ(-EFAULT, futex(word, FUTEX_WAKE, 1));
		EXPECT_EQ(-EFAULT, futex(word, FUTEX_WAIT, 1));
	}
}

TEST_HARNESS_MAIN
