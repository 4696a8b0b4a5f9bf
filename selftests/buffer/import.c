// SPDX-License-Identifier: GPL-2.0-only
/* Buffers of memory that is a file's (ZC_IOC_BUF_IMPORT). */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/memfd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "import.h"

#define GIB	(1ull << 30)

/* As SIZE_2M. */
#define SIZE_1G	(MFD_HUGETLB | MFD_HUGE_1GB)

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(import)

static const char nr_1g[] = "/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages";
static const char free_1g[] = "/sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages";

FIXTURE(import)
{
	int fd;
	uint64_t used;
	long long nr;
};

FIXTURE_SETUP(import)
{
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->used = zct_used(self->fd);
	self->nr = number(NR_2M);
	number_set(NR_2M, NR_HUGE);
	ASSERT_EQ(NR_HUGE, number(FREE_2M));
}

FIXTURE_TEARDOWN(import)
{
	int fd = zct_open();

	close(self->fd);
	EXPECT_TRUE(zct_used_becomes(fd, self->used, 2000));
	EXPECT_TRUE(number_becomes(FREE_2M, NR_HUGE));
	number_set(NR_2M, self->nr);
	close(fd);
}

static char *map_file(int fd, uint64_t size)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

static char *map_buffer(int zc, const struct zc_buf_import *arg, int prot)
{
	return mmap(NULL, arg->size, prot, MAP_SHARED, zc, arg->mmap_offset);
}

static bool intact(const char *map, uint64_t off, uint64_t len)
{
	return zct_pattern_check(map, off, len) == -1;
}

/* Send a range, which is of the pattern; did all of it arrive? */
static bool sent(int zc, uint32_t handle, uint64_t off, uint64_t len, int family,
		 uint32_t *events)
{
	struct zct_rx rx = { .offset = off, .check = true };
	struct zc_send arg = { .handle = handle, .offset = off, .len = len };
	struct zc_event event;
	int sock[2], ret;

	if (zct_pair(family, sock))
		return false;
	rx.sock = sock[1];
	zct_rx_start(&rx);
	arg.out_fd = sock[0];
	ret = zct_ioctl(zc, ZC_IOC_SEND, &arg);
	shutdown(sock[0], SHUT_WR);
	zct_rx_join(&rx);
	close(sock[0]);
	close(sock[1]);
	*events = arg.events;
	if (arg.events && (read(zc, &event, sizeof(event)) != sizeof(event) ||
			   event.type != ZC_EVENT_RELEASED))
		return false;
	return !ret && arg.sent == len && rx.bytes == len && rx.bad == -1;
}

/* It is the file's memory, whichever way one looks at it, and can be sent. */
static void run(struct __test_metadata *_metadata, SELF *self, unsigned int flags,
		uint64_t page, uint64_t offset, uint64_t size)
{
	int fd = memory(flags, offset + size);
	struct zc_buf_query query = { 0 };
	struct zc_buf_import arg;
	uint64_t end = size < 4 * HUGE ? size : 4 * HUGE;
	char *file, *map;
	uint32_t events;

	ASSERT_GE(fd, 0);
	file = map_file(fd, offset + size);
	ASSERT_NE(MAP_FAILED, file);
	zct_pattern(file + offset, 0, end);
	ASSERT_EQ(0, import(self->fd, fd, offset, 0, &arg));
	EXPECT_EQ(size, arg.size);
	EXPECT_EQ(page, arg.page_size);
	EXPECT_EQ(page < HUGE ? 0 : size, arg.huge_bytes);
	/* It is not the module's memory. */
	EXPECT_EQ(self->used, zct_used(self->fd));
	query.handle = arg.handle;
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_BUF_QUERY, &query));
	EXPECT_EQ(ZC_BUF_IMPORTED, query.flags);
	EXPECT_EQ(size, query.size);
	EXPECT_EQ(page, query.page_size);
	EXPECT_EQ(arg.mmap_offset, query.mmap_offset);
	close(fd);

	map = map_buffer(self->fd, &arg, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(0, (uintptr_t)map % page);
	EXPECT_TRUE(intact(map, 0, end));
	EXPECT_EQ(page, zct_smaps(map, "KernelPageSize"));
	map[size - 1] = 'x';
	EXPECT_EQ('x', file[offset + size - 1]);
	zct_pattern(map + size - PAGE, size - PAGE, PAGE);
	munmap(file, offset + size);

	EXPECT_TRUE(sent(self->fd, arg.handle, 0, end, AF_INET, &events));
	EXPECT_EQ(1, events);
	EXPECT_TRUE(sent(self->fd, arg.handle, size - PAGE, PAGE, AF_INET6, &events));
	EXPECT_TRUE(sent(self->fd, arg.handle, 100, end - 200, AF_UNIX, &events));

	/* The mapping stays, as it is the file's. */
	EXPECT_EQ(0, zct_destroy(self->fd, arg.handle));
	EXPECT_TRUE(intact(map, 0, end));
	munmap(map, size);
}

TEST_F_TIMEOUT(import, small_pages, 120)
{
	run(_metadata, self, 0, PAGE, 0, 2 * HUGE + 3 * PAGE);
	run(_metadata, self, 0, PAGE, 5 * PAGE, PAGE);
}

TEST_F_TIMEOUT(import, hugepages, 120)
{
	run(_metadata, self, SIZE_2M, HUGE, 0, HUGE);
	run(_metadata, self, SIZE_2M, HUGE, HUGE, 5 * HUGE);
}

TEST_F_TIMEOUT(import, gigantic_pages, 240)
{
	long long had = number(nr_1g), spare;

	if (had < 0)
		SKIP(return, "this processor has no pages of 1 GiB");
	if (number(free_1g) < 1)
		number_set(nr_1g, had + 1);
	spare = number(free_1g);
	if (spare < 1) {
		number_set(nr_1g, had);
		SKIP(return, "no page of 1 GiB is free: boot with hugepagesz=1G hugepages=1");
	}
	run(_metadata, self, SIZE_1G, GIB, 0, GIB);
	EXPECT_TRUE(number_becomes(free_1g, spare));
	number_set(nr_1g, had);
}

/* Whole pages, where they fit: hugetlb checks neither, if another file is mapped. */
TEST_F_TIMEOUT(import, places, 120)
{
	int fd = memory(SIZE_2M, 3 * HUGE);
	struct zc_buf_import arg;
	char *map, *hole;

	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, import(self->fd, fd, HUGE, 2 * HUGE, &arg));
	/* A hint that is not aligned does no harm. */
	map = mmap((void *)0x7f0000001000, arg.size, PROT_READ, MAP_SHARED, self->fd,
		   arg.mmap_offset);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(0, (uintptr_t)map % HUGE);
	munmap(map, arg.size);
	hole = mmap(NULL, 4 * HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, hole);
	hole = (char *)(((uintptr_t)hole + HUGE - 1) & ~(HUGE - 1));
	EXPECT_EQ(MAP_FAILED, mmap(hole + PAGE, HUGE, PROT_READ, MAP_SHARED | MAP_FIXED,
				   self->fd, arg.mmap_offset));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(hole, mmap(hole, HUGE, PROT_READ, MAP_SHARED | MAP_FIXED, self->fd,
			     arg.mmap_offset + HUGE));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, self->fd,
				   arg.mmap_offset));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, HUGE, PROT_READ, MAP_SHARED, self->fd,
				   arg.mmap_offset + PAGE));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 3 * HUGE, PROT_READ, MAP_SHARED, self->fd,
				   arg.mmap_offset));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, HUGE, PROT_READ, MAP_PRIVATE, self->fd,
				   arg.mmap_offset));
	munmap(hole, 3 * HUGE);
	close(fd);
}

TEST_F_TIMEOUT(import, direct_read, 120)
{
	int fd = memory(SIZE_2M, HUGE), in;
	struct zc_buf_import arg;
	char *map;

	ASSERT_GE(fd, 0);
	in = zct_pattern_file(EXT4_DIR "/import", HUGE);
	if (in < 0)
		SKIP(return, "no file for direct reads");
	close(in);
	in = open(EXT4_DIR "/import", O_RDONLY | O_DIRECT);
	ASSERT_GE(in, 0);
	ASSERT_EQ(0, import(self->fd, fd, 0, 0, &arg));
	map = map_buffer(self->fd, &arg, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(HUGE, read(in, map, HUGE));
	EXPECT_TRUE(intact(map, 0, HUGE));
	munmap(map, HUGE);
	close(in);
	unlink(EXT4_DIR "/import");
	close(fd);
}

TEST_F_TIMEOUT(import, sealed, 120)
{
	struct zc_buf_query query = { 0 };
	struct zc_buf_import arg;
	unsigned int flags[] = { 0, SIZE_2M }, i;
	uint32_t events;
	char *map;
	int fd, rdonly;
	char path[64];

	for (i = 0; i < 2; i++) {
		fd = memory(flags[i], HUGE);
		ASSERT_GE(fd, 0);
		map = map_file(fd, HUGE);
		ASSERT_NE(MAP_FAILED, map);
		zct_pattern(map, 0, HUGE);
		munmap(map, HUGE);
		/* As long as it is imported for writing it cannot be sealed. */
		ASSERT_EQ(0, import(self->fd, fd, 0, 0, &arg));
		EXPECT_EQ(-1, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
		EXPECT_EQ(EBUSY, errno);
		EXPECT_EQ(-EOPNOTSUPP, zct_seal(self->fd, arg.handle));
		EXPECT_EQ(0, zct_destroy(self->fd, arg.handle));
		ASSERT_EQ(0, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
		if (!i) {
			/* A page could be cut in two. */
			EXPECT_EQ(-EPERM, import(self->fd, fd, 0, 0, &arg));
			ASSERT_EQ(0, fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
		}

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		rdonly = open(path, O_RDONLY | O_CLOEXEC);
		ASSERT_GE(rdonly, 0);
		ASSERT_EQ(0, import(self->fd, i ? fd : rdonly, 0, 0, &arg));
		query.handle = arg.handle;
		ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_BUF_QUERY, &query));
		EXPECT_EQ(ZC_BUF_IMPORTED | ZC_BUF_SEALED, query.flags);
		EXPECT_EQ(0, zct_seal(self->fd, arg.handle));
		EXPECT_EQ(MAP_FAILED, map_buffer(self->fd, &arg, PROT_READ | PROT_WRITE));
		EXPECT_EQ(EPERM, errno);
		map = map_buffer(self->fd, &arg, PROT_READ);
		ASSERT_NE(MAP_FAILED, map);
		EXPECT_TRUE(intact(map, 0, HUGE));
		EXPECT_NE(0, mprotect(map, HUGE, PROT_READ | PROT_WRITE));
		munmap(map, HUGE);
		/* Nobody can spoil it: there is nothing to tell. */
		EXPECT_TRUE(sent(self->fd, arg.handle, 0, HUGE, AF_INET, &events));
		EXPECT_EQ(0, events);
		EXPECT_EQ(0, zct_destroy(self->fd, arg.handle));
		close(rdonly);
		close(fd);
	}
}

/* Who may not write to the file from now on cannot do so by way of the buffer. */
TEST_F_TIMEOUT(import, sealed_for_the_future, 120)
{
	unsigned int flags[] = { 0, SIZE_2M }, i;
	struct zc_buf_import arg;
	char *map;
	int fd;

	for (i = 0; i < 2; i++) {
		fd = memory(flags[i], HUGE);
		ASSERT_GE(fd, 0);
		ASSERT_EQ(0, import(self->fd, fd, 0, 0, &arg));
		ASSERT_EQ(0, fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
		EXPECT_EQ(MAP_FAILED, map_buffer(self->fd, &arg, PROT_READ | PROT_WRITE));
		EXPECT_EQ(EPERM, errno);
		map = map_buffer(self->fd, &arg, PROT_READ);
		ASSERT_NE(MAP_FAILED, map);
		EXPECT_NE(0, mprotect(map, HUGE, PROT_READ | PROT_WRITE));
		munmap(map, HUGE);
		EXPECT_EQ(0, zct_destroy(self->fd, arg.handle));
		EXPECT_EQ(-EPERM, import(self->fd, fd, 0, 0, &arg));
		close(fd);
	}
}

TEST_F_TIMEOUT(import, bad, 120)
{
	int fd = memory(0, 2 * HUGE), huge = memory(SIZE_2M, 2 * HUGE), rdonly, pipes[2];
	struct zc_buf_import arg;
	char path[64];
	int other;

	ASSERT_GE(fd, 0);
	ASSERT_GE(huge, 0);
	EXPECT_EQ(-EBADF, import(self->fd, -1, 0, 0, &arg));
	EXPECT_EQ(-EBADF, import(self->fd, 1000, 0, 0, &arg));
	EXPECT_EQ(-EINVAL, import(self->fd, self->fd, 0, 0, &arg));
	ASSERT_EQ(0, pipe(pipes));
	EXPECT_EQ(-EINVAL, import(self->fd, pipes[0], 0, 0, &arg));
	close(pipes[0]);
	close(pipes[1]);
	other = open("/proc/self/exe", O_RDONLY);
	EXPECT_EQ(-EINVAL, import(self->fd, other, 0, 0, &arg));
	close(other);
	/* A device, and a folder, in a tmpfs. */
	other = open("/dev/zero", O_RDWR);
	EXPECT_EQ(-EINVAL, import(self->fd, other, 0, 0, &arg));
	close(other);
	other = open("/dev", O_RDONLY);
	EXPECT_EQ(-EINVAL, import(self->fd, other, 0, 0, &arg));
	close(other);
	other = memory(0, 0);
	EXPECT_EQ(-EINVAL, import(self->fd, other, 0, 0, &arg));
	close(other);

	EXPECT_EQ(-EINVAL, import(self->fd, fd, 1, 0, &arg));
	EXPECT_EQ(-EINVAL, import(self->fd, fd, 0, 1, &arg));
	EXPECT_EQ(-EINVAL, import(self->fd, fd, 2 * HUGE, 0, &arg));
	EXPECT_EQ(-EINVAL, import(self->fd, fd, 0, 2 * HUGE + PAGE, &arg));
	EXPECT_EQ(-EINVAL, import(self->fd, fd, HUGE, HUGE + PAGE, &arg));
	EXPECT_EQ(-EINVAL, import(self->fd, fd, PAGE, -PAGE, &arg));
	EXPECT_EQ(-EINVAL, import(self->fd, fd, -PAGE, 2 * PAGE, &arg));
	EXPECT_EQ(-EINVAL, import(self->fd, huge, PAGE, HUGE, &arg));
	EXPECT_EQ(-EINVAL, import(self->fd, huge, 0, PAGE, &arg));

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	rdonly = open(path, O_RDONLY);
	EXPECT_EQ(-EACCES, import(self->fd, rdonly, 0, 0, &arg));
	close(rdonly);
	rdonly = open(path, O_WRONLY);
	EXPECT_EQ(-EACCES, import(self->fd, rdonly, 0, 0, &arg));
	close(rdonly);

	/* More hugepages than there are, and more than a buffer may have. */
	close(huge);
	huge = memory(SIZE_2M, (NR_HUGE + 1) * HUGE);
	ASSERT_GE(huge, 0);
	EXPECT_EQ(-ENOMEM, import(self->fd, huge, 0, 0, &arg));
	EXPECT_EQ(0, import(self->fd, huge, HUGE, 0, &arg));
	close(huge);
	ASSERT_EQ(0, ftruncate(fd, (1ull << 40) + PAGE));
	EXPECT_EQ(-EINVAL, import(self->fd, fd, 0, 0, &arg));
	close(fd);
}

/* What is no longer in the file is the buffer's still. */
TEST_F_TIMEOUT(import, cut_off, 120)
{
	unsigned int flags[] = { 0, SIZE_2M }, i;
	struct zc_buf_import arg;
	uint32_t events;
	char *map;
	int fd;

	for (i = 0; i < 2; i++) {
		fd = memory(flags[i], 2 * HUGE);
		ASSERT_GE(fd, 0);
		map = map_file(fd, 2 * HUGE);
		ASSERT_NE(MAP_FAILED, map);
		zct_pattern(map, 0, 2 * HUGE);
		ASSERT_EQ(0, import(self->fd, fd, 0, 0, &arg));
		ASSERT_EQ(0, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
				       HUGE));
		EXPECT_EQ(0, map[0] | map[HUGE - 1]);
		EXPECT_TRUE(sent(self->fd, arg.handle, 0, 2 * HUGE, AF_INET, &events));
		ASSERT_EQ(0, ftruncate(fd, 0));
		EXPECT_EQ(MAP_FAILED, map_buffer(self->fd, &arg, PROT_READ | PROT_WRITE));
		EXPECT_EQ(EINVAL, errno);
		EXPECT_TRUE(sent(self->fd, arg.handle, 0, 2 * HUGE, AF_UNIX, &events));
		munmap(map, 2 * HUGE);
		EXPECT_EQ(0, zct_destroy(self->fd, arg.handle));
		close(fd);
	}
}

/* Returns the status of a child that does it, or -1. */
static int in_child(int (*fn)(int zc, int fd), int zc, int fd)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(fn(zc, fd));
	return pid > 0 && waitpid(pid, &status, 0) == pid ? status : -1;
}

/* What a user without privilege may pin. Returns an exit code. */
static int limited(int zc, int fd)
{
	struct rlimit limit = { HUGE + HUGE / 2, HUGE + HUGE / 2 };
	struct zc_buf_import arg;
	unsigned int i;

	if (setrlimit(RLIMIT_MEMLOCK, &limit) || setgid(NOBODY) || setuid(NOBODY))
		return 1;
	if (import(zc, fd, 0, 2 * HUGE, &arg) != -EPERM)
		return 2;
	for (i = 0; i < 3; i++) {
		if (import(zc, fd, 0, HUGE, &arg))
			return 3;
		if (zct_destroy(zc, arg.handle))
			return 4;
	}
	if (import(zc, fd, 0, HUGE, &arg) || import(zc, fd, HUGE, HUGE, &arg) != -EPERM)
		return 5;
	return 0;
}

TEST_F_TIMEOUT(import, memlock, 120)
{
	int fd = memory(SIZE_2M, 2 * HUGE);

	ASSERT_GE(fd, 0);
	EXPECT_EQ(0, in_child(limited, self->fd, fd));
	close(fd);
}

/* Handed over, for reading alone, and no more of the file than that. */
TEST_F_TIMEOUT(import, shared, 120)
{
	unsigned int flags[] = { 0, SIZE_2M }, i;
	struct zc_buf_share share = { 0 };
	struct zc_buf_import arg;
	char *map;
	int fd;

	for (i = 0; i < 2; i++) {
		fd = memory(flags[i], 4 * HUGE);
		ASSERT_GE(fd, 0);
		map = map_file(fd, 4 * HUGE);
		ASSERT_NE(MAP_FAILED, map);
		zct_pattern(map, 0, 4 * HUGE);
		munmap(map, 4 * HUGE);
		ASSERT_EQ(0, import(self->fd, fd, HUGE, 2 * HUGE, &arg));
		close(fd);
		share.handle = arg.handle;
		share.flags = 0;
		EXPECT_EQ(-EOPNOTSUPP, zct_ioctl(self->fd, ZC_IOC_BUF_SHARE, &share));
		share.flags = ZC_SHARE_RDONLY;
		ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_BUF_SHARE, &share));
		map = mmap(NULL, HUGE, PROT_READ, MAP_SHARED, share.fd, HUGE);
		ASSERT_NE(MAP_FAILED, map);
		EXPECT_TRUE(intact(map, 2 * HUGE, HUGE));
		EXPECT_NE(0, mprotect(map, HUGE, PROT_READ | PROT_WRITE));
		EXPECT_NE(0, mprotect(map, HUGE, PROT_READ | PROT_EXEC));
		EXPECT_EQ(MAP_FAILED, mremap(map, HUGE, 2 * HUGE, MREMAP_MAYMOVE));
		EXPECT_NE(0, remap_file_pages(map, HUGE, 0, 0, 0));
		EXPECT_NE(0, madvise(map, HUGE, MADV_REMOVE));
		EXPECT_EQ(MAP_FAILED, map_file(share.fd, HUGE));
		EXPECT_EQ(MAP_FAILED, mmap(NULL, HUGE, PROT_READ | PROT_EXEC, MAP_SHARED,
					   share.fd, 0));
		EXPECT_EQ(MAP_FAILED, mmap(NULL, HUGE, PROT_READ, MAP_SHARED, share.fd,
					   2 * HUGE));
		munmap(map, HUGE);
		close(share.fd);
		EXPECT_EQ(0, zct_destroy(self->fd, arg.handle));
	}
}

/* Hugepages of tmpfs; -1 if there are none to be had. */
static int collapsed(uint64_t size)
{
	int fd = memory(0, size);
	char *map = mmap(NULL, size + HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	map = (char *)(((uintptr_t)map + HUGE - 1) & ~(HUGE - 1));
	if (fd < 0 || mmap(map, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) !=
	    map)
		return -1;
	zct_pattern(map, 0, size);
	if (madvise(map, size, 25 /* MADV_COLLAPSE */)) {
		close(fd);
		fd = -1;
	}
	munmap(map, size);
	return fd;
}

/* What a user without privilege may pin of hugepages of which he has a page each. */
static int parts(int zc, int fd)
{
	struct rlimit limit = { HUGE + PAGE, HUGE + PAGE };
	struct zc_buf_import arg;

	if (setrlimit(RLIMIT_MEMLOCK, &limit) || setgid(NOBODY) || setuid(NOBODY))
		return 1;
	if (import(zc, fd, PAGE, PAGE, &arg))
		return 2;
	return import(zc, fd, HUGE, PAGE, &arg) == -EPERM ? 0 : 3;
}

/* A buffer may begin anywhere in a hugepage, and end. */
TEST_F_TIMEOUT(import, parts_of_hugepages, 120)
{
	struct zc_send send = { 0 };
	struct zc_buf_import arg;
	struct zct_rx rx = { .offset = HUGE / 2 + PAGE + 5, .check = true };
	int fd = collapsed(2 * HUGE), sock[2];

	if (fd < 0)
		SKIP(return, "this kernel makes no hugepages of tmpfs");
	ASSERT_EQ(0, import(self->fd, fd, HUGE / 2 + PAGE, HUGE, &arg));
	EXPECT_EQ(HUGE, arg.huge_bytes);
	ASSERT_EQ(0, zct_pair(AF_INET, sock));
	rx.sock = sock[1];
	zct_rx_start(&rx);
	send.handle = arg.handle;
	send.out_fd = sock[0];
	send.offset = 5;
	send.len = HUGE - 5;
	EXPECT_EQ(0, zct_ioctl(self->fd, ZC_IOC_SEND, &send));
	shutdown(sock[0], SHUT_WR);
	zct_rx_join(&rx);
	EXPECT_EQ(HUGE - 5, rx.bytes);
	EXPECT_EQ(-1, rx.bad);
	close(sock[0]);
	close(sock[1]);
	EXPECT_EQ(0, in_child(parts, self->fd, fd));
	close(fd);
}

/* Locks between processes, which memory of the module's own cannot have. */
TEST_F_TIMEOUT(import, futex, 120)
{
	static const unsigned int flags[] = { 0, SIZE_2M };
	struct zc_buf_import arg;
	unsigned int i;
	int status, woken;
	uint32_t *word;
	pid_t pid;

	for (i = 0; i < 2; i++) {
		int fd = memory(flags[i], 2 * HUGE);
		uint64_t end = zct_now_ms() + 5000;

		ASSERT_GE(fd, 0);
		ASSERT_EQ(0, import(self->fd, fd, 0, 0, &arg));
		word = (void *)map_buffer(self->fd, &arg, PROT_READ | PROT_WRITE);
		ASSERT_NE(MAP_FAILED, (char *)word);
		pid = fork();
		if (!pid)
			_exit(!!syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL, NULL, 0));
		do {
			woken = syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
			usleep(1000);
		} while (!woken && zct_now_ms() < end);
		EXPECT_EQ(1, woken);
		if (woken != 1)
			kill(pid, SIGKILL);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(0, status);
		munmap(word, arg.size);
		EXPECT_EQ(0, zct_destroy(self->fd, arg.handle));
		close(fd);
	}
}

TEST_HARNESS_MAIN
