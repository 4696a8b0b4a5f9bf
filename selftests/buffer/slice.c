// SPDX-License-Identifier: GPL-2.0-only
/* Small buffers that share a hugepage (ZC_BUF_SLICE). */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "zc_test.h"

#define PAGE		4096ull
#define PAGES		(HUGE / PAGE)

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(slice)

FIXTURE(slice)
{
	int fd;
	uint64_t used;
};

FIXTURE_SETUP(slice)
{
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->used = zct_used(self->fd);
	/* Those of another node's processor are not taken from the same hugepage. */
	ASSERT_TRUE(zct_on_cpu(0));
}

FIXTURE_TEARDOWN(slice)
{
	int fd = zct_open();

	close(self->fd);
	EXPECT_TRUE(zct_used_becomes(fd, self->used, 1000));
	close(fd);
}

static int create(int fd, uint64_t size, uint32_t flags, struct zc_buf_create *buf)
{
	return zct_create(fd, size, ZC_BUF_SLICE | flags, ZC_NODE_ANY, buf);
}

/* Map a buffer and fill it with the pattern that begins at its handle. */
static char *fill(int fd, const struct zc_buf_create *buf)
{
	char *map = zct_map(fd, buf);

	if (map != MAP_FAILED)
		zct_pattern(map, buf->handle * HUGE, buf->size);
	return map;
}

static bool intact(const char *map, const struct zc_buf_create *buf)
{
	return zct_pattern_check(map, buf->handle * HUGE, buf->size) == -1;
}

TEST_F_TIMEOUT(slice, sizes, 120)
{
	static const struct {
		uint64_t size, got;
	} sizes[] = {
		{ 1, PAGE }, { PAGE, PAGE }, { PAGE + 1, 2 * PAGE }, { 5 * PAGE, 5 * PAGE },
		{ 64 << 10, 64 << 10 }, { 300000, 74 * PAGE }, { 1 * MIB - 1, 1 * MIB },
		{ 1 * MIB, 1 * MIB }, { 1 * MIB + 1, HUGE }, { 3 * MIB, 2 * HUGE },
	};
	struct zc_buf_query query;
	struct zc_buf_create buf;
	unsigned int i;
	char *map;

	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		bool huge = sizes[i].got >= HUGE;

		ASSERT_EQ(0, create(self->fd, sizes[i].size, 0, &buf));
		EXPECT_EQ(sizes[i].got, buf.size);
		EXPECT_EQ(huge ? HUGE : PAGE, buf.page_size);
		EXPECT_EQ(huge ? buf.size : 0, buf.huge_bytes);
		query = (struct zc_buf_query){ .handle = buf.handle };
		ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_BUF_QUERY, &query));
		EXPECT_EQ(buf.size, query.size);
		EXPECT_TRUE(query.flags & ZC_BUF_SLICE);
		map = fill(self->fd, &buf);
		ASSERT_NE(MAP_FAILED, map);
		EXPECT_TRUE(intact(map, &buf));
		EXPECT_EQ(buf.size, zct_smaps(map, "Rss"));
		munmap(map, buf.size);
		EXPECT_EQ(MAP_FAILED, mmap(NULL, buf.size + PAGE, PROT_READ, MAP_SHARED,
					   self->fd, buf.mmap_offset));
		EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, self->fd,
					   buf.mmap_offset + buf.size));
		EXPECT_EQ(0, zct_destroy(self->fd, buf.handle));
	}
}

/* All 512 pages of a hugepage, and not one more; and all of them back. */
TEST_F_TIMEOUT(slice, whole_hugepage, 120)
{
	static struct zc_buf_create bufs[PAGES + 1];
	static char *maps[PAGES + 1];
	unsigned int i;

	for (i = 0; i < PAGES; i++) {
		ASSERT_EQ(0, create(self->fd, PAGE, 0, &bufs[i]));
		maps[i] = fill(self->fd, &bufs[i]);
		ASSERT_NE(MAP_FAILED, maps[i]);
	}
	EXPECT_EQ(self->used + HUGE, zct_used(self->fd));
	ASSERT_EQ(0, create(self->fd, PAGE, 0, &bufs[i]));
	maps[i] = fill(self->fd, &bufs[i]);
	EXPECT_EQ(self->used + 2 * HUGE, zct_used(self->fd));
	for (i = 0; i <= PAGES; i++) {
		EXPECT_TRUE(intact(maps[i], &bufs[i]));
		munmap(maps[i], PAGE);
		EXPECT_EQ(0, zct_destroy(self->fd, bufs[i].handle));
	}
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 2000));
}

/* They lie in one piece, and as the next power of two does: by their physical addresses. */
TEST_F_TIMEOUT(slice, in_one_piece, 120)
{
	static const uint64_t sizes[] = { 3 * PAGE, 64 << 10, PAGE, 1 * MIB, 200 << 10 };
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry, first = 0, align, hugepage = 0;
	struct zc_buf_create buf;
	unsigned int i, page;
	char *map;

	ASSERT_GE(pagemap, 0);
	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		ASSERT_EQ(0, create(self->fd, sizes[i], 0, &buf));
		map = fill(self->fd, &buf);
		for (align = 1; align * PAGE < sizes[i]; )
			align *= 2;
		for (page = 0; page < buf.size / PAGE; page++) {
			uint64_t at = ((uintptr_t)map / PAGE + page) * 8;

			ASSERT_EQ(8, pread(pagemap, &entry, 8, at));
			entry &= (1ull << 55) - 1;
			if (!page)
				first = entry;
			ASSERT_NE(0, entry);
			ASSERT_EQ(first + page, entry);
		}
		EXPECT_EQ(0, first % align);
		if (!hugepage)
			hugepage = first / PAGES;
		EXPECT_EQ(hugepage, first / PAGES);
		munmap(map, buf.size);
	}
	close(pagemap);
}

/* What others hold of a destroyed one is not given out again, and spoils no neighbour. */
TEST_F_TIMEOUT(slice, held, 120)
{
	struct zc_buf_create gone, buf;
	uint64_t used, round;
	struct iovec iov;
	char *map, got[2 * PAGE];
	int fds[2];

	ASSERT_EQ(0, pipe(fds));
	ASSERT_EQ(0, create(self->fd, 2 * PAGE, 0, &gone));
	map = fill(self->fd, &gone);
	iov = (struct iovec){ map, gone.size };
	ASSERT_EQ(gone.size, vmsplice(fds[1], &iov, 1, 0));
	munmap(map, gone.size);
	ASSERT_EQ(0, create(self->fd, PAGE, 0, &buf));
	ASSERT_EQ(0, zct_destroy(self->fd, gone.handle));
	/* All that is left of the hugepage, which is not even all but one. */
	for (round = 0; round < PAGES - 3; round++) {
		struct zc_buf_create more;

		ASSERT_EQ(0, create(self->fd, PAGE, 0, &more));
		map = fill(self->fd, &more);
		memset(map, 0xff, PAGE);
		munmap(map, PAGE);
	}
	used = zct_used(self->fd);
	EXPECT_EQ(self->used + HUGE, used);
	ASSERT_EQ(gone.size, read(fds[0], got, sizeof(got)));
	EXPECT_TRUE(intact(got, &gone));
	/* Now there is room for it again; and then there is none. */
	ASSERT_EQ(0, create(self->fd, 2 * PAGE, 0, &buf));
	EXPECT_EQ(used, zct_used(self->fd));
	ASSERT_EQ(0, create(self->fd, PAGE, 0, &buf));
	EXPECT_EQ(used + HUGE, zct_used(self->fd));
	close(fds[0]);
	close(fds[1]);
}

/* A pipe may have pages of a file that is long gone. */
TEST_F_TIMEOUT(slice, held_beyond_file, 120)
{
	struct zc_buf_create buf;
	char *map, got[PAGE];
	struct iovec iov;
	int fds[2], fd;

	ASSERT_EQ(0, pipe(fds));
	fd = zct_open();
	ASSERT_EQ(0, create(fd, PAGE, 0, &buf));
	map = fill(fd, &buf);
	iov = (struct iovec){ map, PAGE };
	ASSERT_EQ(PAGE, vmsplice(fds[1], &iov, 1, 0));
	munmap(map, PAGE);
	close(fd);
	/* So long the hugepage counts, as nobody can have it. */
	usleep(700000);
	EXPECT_EQ(self->used + HUGE, zct_used(self->fd));
	ASSERT_EQ(PAGE, read(fds[0], got, sizeof(got)));
	EXPECT_TRUE(intact(got, &buf));
	EXPECT_EQ(self->used, zct_used(self->fd));
	close(fds[0]);
	close(fds[1]);
}

/* To seal one asks for what its own pages are used for, and not its neighbours'. */
TEST_F_TIMEOUT(slice, sealed, 120)
{
	struct zc_buf_create one, two;
	char *map_one, *map_two;
	struct iovec iov;
	int fds[2];

	ASSERT_EQ(0, pipe(fds));
	ASSERT_EQ(0, create(self->fd, PAGE, 0, &one));
	ASSERT_EQ(0, create(self->fd, PAGE, 0, &two));
	map_one = fill(self->fd, &one);
	map_two = fill(self->fd, &two);
	iov = (struct iovec){ map_two, PAGE };
	ASSERT_EQ(PAGE, vmsplice(fds[1], &iov, 1, 0));
	EXPECT_EQ(-EBUSY, zct_seal(self->fd, two.handle));
	munmap(map_two, PAGE);
	EXPECT_EQ(-EBUSY, zct_seal(self->fd, two.handle));
	munmap(map_one, PAGE);
	EXPECT_EQ(0, zct_seal(self->fd, one.handle));
	EXPECT_EQ(MAP_FAILED, zct_map(self->fd, &one));
	map_one = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, self->fd, one.mmap_offset);
	EXPECT_TRUE(intact(map_one, &one));
	munmap(map_one, PAGE);
	close(fds[0]);
	close(fds[1]);
	EXPECT_EQ(0, zct_seal(self->fd, two.handle));
}

/* Old bytes are the file's own, and gone on request. */
TEST_F_TIMEOUT(slice, zero, 120)
{
	struct zc_buf_create keep, buf;
	unsigned int i;
	char *map;

	ASSERT_EQ(0, create(self->fd, PAGE, 0, &keep));
	for (i = 0; i < 2 * PAGES; i++) {
		ASSERT_EQ(0, create(self->fd, 3 * PAGE, ZC_BUF_ZERO, &buf));
		map = zct_map(self->fd, &buf);
		ASSERT_NE(MAP_FAILED, map);
		ASSERT_EQ(0, map[0]);
		ASSERT_EQ(0, memcmp(map, map + 1, 3 * PAGE - 1));
		memset(map, 0x5a, 3 * PAGE);
		munmap(map, 3 * PAGE);
		ASSERT_EQ(0, zct_destroy(self->fd, buf.handle));
	}
}

/* No two files share a hugepage. */
TEST_F_TIMEOUT(slice, files_apart, 120)
{
	struct zc_buf_create buf, other_buf;
	int other = zct_open();
	unsigned int i;
	char *map;

	for (i = 0; i < 16; i++) {
		ASSERT_EQ(0, create(self->fd, PAGE, 0, &buf));
		map = fill(self->fd, &buf);
		munmap(map, PAGE);
		ASSERT_EQ(0, create(other, PAGE, 0, &other_buf));
		map = zct_map(other, &other_buf);
		ASSERT_NE(MAP_FAILED, map);
		EXPECT_EQ(0, map[0]);
		EXPECT_EQ(0, memcmp(map, map + 1, PAGE - 1));
		munmap(map, PAGE);
	}
	EXPECT_EQ(self->used + 2 * HUGE, zct_used(self->fd));
	close(other);
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used + HUGE, 2000));
}

/* Small ones to a socket; destroyed and overwritten before the peer has read. */
TEST_F_TIMEOUT(slice, send, 240)
{
	static const int families[] = { AF_INET, AF_UNIX };
	uint64_t off, size = 300 << 10;
	unsigned int i, round;

	for (i = 0; i < 2; i++) {
		struct zct_rx rx = { .check = true };
		struct zc_buf_create buf;
		char *map;
		int sock[2];

		ASSERT_EQ(0, zct_pair(families[i], sock));
		rx.sock = sock[1];
		zct_rx_start(&rx);
		for (off = 0, round = 0; round < 40; round++, off += buf.size) {
			struct zc_send arg = { .out_fd = sock[0] };

			ASSERT_EQ(0, create(self->fd, round % 2 ? size : 5000, 0, &buf));
			map = zct_map(self->fd, &buf);
			ASSERT_NE(MAP_FAILED, map);
			zct_pattern(map, off, buf.size);
			munmap(map, buf.size);
			arg.handle = buf.handle;
			arg.len = buf.size;
			ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_SEND, &arg));
			ASSERT_EQ(buf.size, arg.sent);
			ASSERT_EQ(0, zct_destroy(self->fd, buf.handle));
		}
		close(sock[0]);
		zct_rx_join(&rx);
		EXPECT_EQ(-1, rx.bad);
		EXPECT_EQ(off, rx.bytes);
		close(sock[1]);
	}
}

static int read_direct(SELF *self, const char *path)
{
	int in = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	struct zc_buf_create buf;
	char *map;
	int ret = 1;

	if (in >= 0 && !create(self->fd, 200 << 10, 0, &buf)) {
		map = zct_map(self->fd, &buf);
		if (pread(in, map, buf.size, 1 * MIB) == (ssize_t)buf.size)
			ret = zct_pattern_check(map, 1 * MIB, buf.size) != -1;
		munmap(map, buf.size);
	}
	close(in);
	return ret;
}

TEST_F_TIMEOUT(slice, direct_read, 120)
{
	const char *path = EXT4_DIR "/slice";
	int file = zct_pattern_file(path, 2 * MIB);

	ASSERT_GE(file, 0);
	EXPECT_EQ(0, read_direct(self, path));
	close(file);
	unlink(path);
}

/* The hugepage is the user's, once. Returns an exit code. */
static int lock_one(int fd)
{
	const struct rlimit limit = { HUGE, HUGE };
	struct zc_buf_create buf;
	unsigned int i;

	if (setrlimit(RLIMIT_MEMLOCK, &limit) || setuid(NOBODY))
		return 1;
	for (i = 0; i < PAGES; i++)
		if (create(fd, PAGE, 0, &buf))
			return 2;
	if (create(fd, PAGE, 0, &buf) != -EPERM)
		return 3;
	/* All of them parked, or gone: there is room for another kind. */
	for (i = 1; i <= PAGES; i++)
		if (zct_destroy(fd, i))
			return 4;
	return zct_create(fd, HUGE, 0, ZC_NODE_ANY, &buf) ? 5 : 0;
}

TEST_F_TIMEOUT(slice, memlock, 120)
{
	int round, status;
	pid_t pid;

	for (round = 0; round < 2; round++) {
		pid = fork();
		if (!pid)
			_exit(lock_one(zct_open()));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(0, status);
	}
}

#define THREADS		4
#define OWN		16

/**
 * struct worker - makes and destroys
 * @fd:     of all
 * @seed:   differs
 * @wrong:  buffers that others had written to
 * @failed: calls
 */
struct worker {
	int fd;
	unsigned int seed;
	unsigned int wrong;
	unsigned int failed;
	pthread_t thread;
};

static void *work(void *data)
{
	struct worker *worker = data;
	struct zc_buf_create bufs[OWN] = { 0 };
	char *maps[OWN];
	unsigned int i, round;

	/* Where there are so many. */
	zct_on_cpu(worker->seed % 2);
	for (round = 0; round < 3000; round++) {
		i = rand_r(&worker->seed) % OWN;
		if (bufs[i].size) {
			worker->wrong += !intact(maps[i], &bufs[i]);
			munmap(maps[i], bufs[i].size);
			worker->failed += !!zct_destroy(worker->fd, bufs[i].handle);
			bufs[i].size = 0;
			continue;
		}
		if (create(worker->fd, PAGE << rand_r(&worker->seed) % 6, 0, &bufs[i])) {
			worker->failed++;
			bufs[i].size = 0;
			continue;
		}
		maps[i] = fill(worker->fd, &bufs[i]);
	}
	for (i = 0; i < OWN; i++) {
		if (!bufs[i].size)
			continue;
		worker->wrong += !intact(maps[i], &bufs[i]);
		munmap(maps[i], bufs[i].size);
	}
	return NULL;
}

TEST_F_TIMEOUT(slice, threads, 240)
{
	struct worker workers[THREADS];
	unsigned int i;

	for (i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ .fd = self->fd, .seed = i };
		ASSERT_EQ(0, pthread_create(&workers[i].thread, NULL, work, &workers[i]));
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		EXPECT_EQ(0, workers[i].wrong);
		EXPECT_EQ(0, workers[i].failed);
	}
}

/* Where there can be no more hugepages, room is found in whichever of many it is. */
TEST_F_TIMEOUT(slice, last_room, 120)
{
	static struct zc_buf_create bufs[80];
	const unsigned int nr = sizeof(bufs) / sizeof(*bufs);
	long long limit = zct_param("max_bytes");
	unsigned int i, j;
	uint64_t used;

	/* Two of each but one hugepage, which has them in smaller parts. */
	for (i = 0; i < 8; i++)
		ASSERT_EQ(0, create(self->fd, 256 << 10, 0, &bufs[i]));
	for (; i < nr; i++)
		ASSERT_EQ(0, create(self->fd, 1 * MIB, 0, &bufs[i]));
	used = zct_used(self->fd);
	ASSERT_EQ(self->used + (nr - 8 + 2) / 2 * HUGE, used);
	ASSERT_EQ(0, zct_param_set("max_bytes", used));
	for (i = 0; i < 8; i++) {
		struct zc_buf_create buf;

		ASSERT_EQ(0, zct_destroy(self->fd, bufs[i].handle));
		/* Too much for all of them, which are asked in turn: where it begins differs. */
		for (j = 0; j < i % 4; j++)
			EXPECT_EQ(-ENOSPC, create(self->fd, 1 * MIB, 0, &buf));
		EXPECT_EQ(0, create(self->fd, 128 << 10, 0, &buf));
		EXPECT_EQ(0, create(self->fd, 128 << 10, 0, &buf));
		EXPECT_EQ(-ENOSPC, create(self->fd, 4096, 0, &buf));
	}
	EXPECT_EQ(used, zct_used(self->fd));
	zct_param_set("max_bytes", limit);
}

/* Hugepages that pipes hold, a half each. */
#define HELD		48
#define HALVES		(2 * HELD)

/* Returns an exit code. */
static int hold_halves(int fd, int (*pipes)[2])
{
	struct zc_buf_create bufs[HALVES];
	struct iovec iov = { .iov_len = 1 * MIB };
	unsigned int i;

	for (i = 0; i < HALVES; i++) {
		if (create(fd, 1 * MIB, 0, &bufs[i]) || pipe(pipes[i]) ||
		    fcntl(pipes[i][1], F_SETPIPE_SZ, 1 * MIB) < 0)
			return 1;
		iov.iov_base = zct_map(fd, &bufs[i]);
		if (iov.iov_base == MAP_FAILED ||
		    vmsplice(pipes[i][1], &iov, 1, 0) != 1 * MIB)
			return 2;
		munmap(iov.iov_base, 1 * MIB);
	}
	for (i = 0; i < HALVES; i++)
		if (zct_destroy(fd, bufs[i].handle))
			return 3;
	return 0;
}

static void *look_when_told(void *arg)
{
	int fd;

	zct_on_cpu(1);
	do {
		fd = __atomic_load_n((int *)arg, __ATOMIC_ACQUIRE);
	} while (!fd);
	zct_used(fd);
	return NULL;
}

/* What has been let go of can be had, also while somebody else just looks what that is. */
TEST_F_TIMEOUT(slice, others_look, 240)
{
	long long limit = zct_param("max_bytes");
	int rounds = zct_kernel_is_slow() ? 2 : 20;
	int pipes[HALVES][2], start, round;
	volatile unsigned int spin;
	struct zc_buf_create buf;
	pthread_t thread;
	unsigned int i;

	for (round = 0; round < rounds; round++) {
		ASSERT_EQ(0, hold_halves(self->fd, pipes));
		start = 0;
		ASSERT_EQ(0, pthread_create(&thread, NULL, look_when_told, &start));
		EXPECT_EQ(0, zct_param_set("max_bytes", zct_used(self->fd)));
		for (i = 0; i < HALVES; i++) {
			close(pipes[i][0]);
			close(pipes[i][1]);
		}
		__atomic_store_n(&start, self->fd, __ATOMIC_RELEASE);
		for (spin = 0; spin < 1000 * round; spin++)
			;
		EXPECT_EQ(0, zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &buf));
		pthread_join(thread, NULL);
		zct_param_set("max_bytes", limit);
		zct_destroy(self->fd, buf.handle);
	}
}

TEST_HARNESS_MAIN
