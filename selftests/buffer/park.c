// SPDX-License-Identifier: GPL-2.0-only
/* Destroyed buffers that are kept for the file that had them. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "zc_test.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(park)

#define MARK		0x5a63706f69736f6eull

FIXTURE(park)
{
	int fd;
	uint64_t used;
	long long max_bytes;
	struct zc_buf_create buf;
};

FIXTURE_SETUP(park)
{
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->used = zct_used(self->fd);
	self->max_bytes = zct_param("max_bytes");
	ASSERT_GE(self->max_bytes, 0);
	/* What one processor keeps the others do not find. */
	ASSERT_TRUE(zct_on_cpu(0));
}

FIXTURE_TEARDOWN(park)
{
	int fd = zct_open();

	/* With the file all goes that it has, and had. */
	close(self->fd);
	EXPECT_TRUE(zct_used_becomes(fd, self->used, 1000));
	EXPECT_EQ(0, zct_param_set("max_bytes", self->max_bytes));
	close(fd);
}

/* Have the shrinkers take what they can get. */
static bool drop_caches(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);
	bool done = write(fd, "2", 1) == 1;

	close(fd);
	return done;
}

static uint64_t parked(int fd)
{
	struct zc_query query = { 0 };

	return zct_ioctl(fd, ZC_IOC_QUERY, &query) ? UINT64_MAX : query.parked_bytes;
}

static int create(SELF *self, uint64_t size, uint32_t flags)
{
	return zct_create(self->fd, size, flags, ZC_NODE_ANY, &self->buf);
}

/* Each page is marked, or looked at: how many have the mark? */
static int pages(int fd, const struct zc_buf_create *buf, bool mark)
{
	uint64_t i, *map = zct_map(fd, buf);
	int found = 0;

	if (map == MAP_FAILED)
		return -1;
	for (i = 0; i < buf->size / 8; i += 4096 / 8) {
		if (mark)
			map[i] = MARK;
		found += map[i] == MARK;
	}
	munmap(map, buf->size);
	return found;
}

/* A buffer of marked pages, which is destroyed. */
static void leave(struct __test_metadata *_metadata, SELF *self, uint64_t size)
{
	ASSERT_EQ(0, create(self, size, 0));
	ASSERT_EQ(size / 4096, pages(self->fd, &self->buf, true));
	ASSERT_EQ(0, zct_destroy(self->fd, self->buf.handle));
}

/* The same file gets the same buffer, and is asked no more about it meanwhile. */
TEST_F_TIMEOUT(park, again, 120)
{
	static const uint64_t sizes[] = { HUGE, 3 * HUGE, 4 * HUGE };
	struct zc_buf_query query;
	struct zc_query before, after;
	struct zc_buf_create buf;
	unsigned int i;

	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		before = (struct zc_query){ 0 };
		after = (struct zc_query){ 0 };
		ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_QUERY, &before));
		leave(_metadata, self, sizes[i]);
		buf = self->buf;
		EXPECT_EQ(self->used, zct_used(self->fd));
		EXPECT_GE(parked(self->fd), sizes[i]);
		ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_QUERY, &after));
		EXPECT_EQ(before.buffers, after.buffers);
		query = (struct zc_buf_query){ .handle = buf.handle };
		EXPECT_EQ(-ENOENT, zct_ioctl(self->fd, ZC_IOC_BUF_QUERY, &query));
		EXPECT_EQ(-ENOENT, zct_destroy(self->fd, buf.handle));
		EXPECT_EQ(MAP_FAILED, zct_map(self->fd, &buf));
		ASSERT_EQ(0, create(self, sizes[i], 0));
		EXPECT_EQ(0, memcmp(&buf, &self->buf, sizeof(buf)));
		EXPECT_EQ(sizes[i] / 4096, pages(self->fd, &self->buf, false));
		EXPECT_EQ(self->used + sizes[i], zct_used(self->fd));
		ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_QUERY, &after));
		EXPECT_EQ(before.buffers + 1, after.buffers);
		ASSERT_EQ(0, zct_destroy(self->fd, self->buf.handle));
	}
}

/* Who wants zeroes, another size, other flags or another node gets no old bytes. */
TEST_F_TIMEOUT(park, another, 120)
{
	leave(_metadata, self, HUGE);
	ASSERT_EQ(0, create(self, HUGE, ZC_BUF_ZERO));
	EXPECT_EQ(0, pages(self->fd, &self->buf, false));
	leave(_metadata, self, HUGE);
	ASSERT_EQ(0, create(self, 2 * HUGE, 0));
	EXPECT_EQ(0, pages(self->fd, &self->buf, false));
	leave(_metadata, self, HUGE);
	ASSERT_EQ(0, create(self, HUGE, ZC_BUF_SMALL_OK));
	EXPECT_EQ(0, pages(self->fd, &self->buf, false));
	leave(_metadata, self, HUGE);
	ASSERT_EQ(0, zct_create(self->fd, HUGE, 0, 0, &self->buf));
	EXPECT_EQ(0, pages(self->fd, &self->buf, false));
	/* What was zeroed once may come again to who does not mind. */
	ASSERT_EQ(0, create(self, HUGE, ZC_BUF_ZERO));
	ASSERT_EQ(HUGE / 4096, pages(self->fd, &self->buf, true));
	ASSERT_EQ(0, zct_destroy(self->fd, self->buf.handle));
	ASSERT_EQ(0, create(self, HUGE, ZC_BUF_ZERO));
	EXPECT_EQ(0, pages(self->fd, &self->buf, false));
}

/* What is sealed, mapped, or held by a pipe is not kept. */
TEST_F_TIMEOUT(park, in_use, 120)
{
	struct zc_buf_create old;
	uint64_t *map;
	struct iovec iov;
	int pipes[2];

	ASSERT_EQ(0, create(self, HUGE, 0));
	ASSERT_EQ(HUGE / 4096, pages(self->fd, &self->buf, true));
	ASSERT_EQ(0, zct_seal(self->fd, self->buf.handle));
	ASSERT_EQ(0, zct_destroy(self->fd, self->buf.handle));
	ASSERT_EQ(0, create(self, HUGE, 0));
	EXPECT_EQ(0, pages(self->fd, &self->buf, true) - (int)(HUGE / 4096));

	map = zct_map(self->fd, &self->buf);
	ASSERT_NE(MAP_FAILED, map);
	old = self->buf;
	ASSERT_EQ(0, zct_destroy(self->fd, old.handle));
	ASSERT_EQ(0, create(self, HUGE, 0));
	EXPECT_EQ(0, pages(self->fd, &self->buf, false));
	EXPECT_EQ(MARK, *map);
	munmap(map, HUGE);
	ASSERT_EQ(0, zct_destroy(self->fd, self->buf.handle));

	leave(_metadata, self, HUGE);
	ASSERT_EQ(0, create(self, HUGE, 0));
	map = zct_map(self->fd, &self->buf);
	ASSERT_NE(MAP_FAILED, map);
	*map = MARK;
	iov = (struct iovec){ map, 8 };
	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(8, vmsplice(pipes[1], &iov, 1, 0));
	munmap(map, HUGE);
	ASSERT_EQ(0, zct_destroy(self->fd, self->buf.handle));
	ASSERT_EQ(0, create(self, HUGE, 0));
	EXPECT_EQ(0, pages(self->fd, &self->buf, false));
	close(pipes[0]);
	close(pipes[1]);
	ASSERT_EQ(0, zct_destroy(self->fd, self->buf.handle));
}

/* What is kept stands in nobody's way: neither its own file's nor that of others. */
TEST_F_TIMEOUT(park, limit, 120)
{
	int other = zct_open();
	struct zc_buf_create buf;

	ASSERT_GE(other, 0);
	ASSERT_EQ(0, zct_param_set("max_bytes", self->used + 4 * HUGE));
	leave(_metadata, self, 4 * HUGE);
	EXPECT_EQ(4 * HUGE, parked(self->fd));
	ASSERT_EQ(0, zct_create(other, 3 * HUGE, 0, ZC_NODE_ANY, &buf));
	EXPECT_EQ(0, pages(other, &buf, false));
	EXPECT_EQ(0, parked(self->fd));
	EXPECT_EQ(-ENOSPC, create(self, 4 * HUGE, 0));
	ASSERT_EQ(0, create(self, HUGE, 0));
	EXPECT_EQ(0, pages(self->fd, &self->buf, false));
	ASSERT_EQ(0, zct_destroy(self->fd, self->buf.handle));
	close(other);
	ASSERT_EQ(0, create(self, 4 * HUGE, 0));
	ASSERT_EQ(0, zct_destroy(self->fd, self->buf.handle));
}

/* Under pressure, or after a time, the memory goes, and then the handle. */
TEST_F_TIMEOUT(park, goes, 120)
{
	uint64_t end;

	leave(_metadata, self, 4 * HUGE);
	ASSERT_TRUE(drop_caches());
	EXPECT_EQ(0, parked(self->fd));
	ASSERT_EQ(0, create(self, 4 * HUGE, 0));
	EXPECT_EQ(0, pages(self->fd, &self->buf, true) - (int)(4 * HUGE / 4096));
	ASSERT_EQ(0, zct_destroy(self->fd, self->buf.handle));
	for (end = zct_now_ms() + 5000; parked(self->fd) && zct_now_ms() < end; )
		usleep(50000);
	EXPECT_EQ(0, parked(self->fd));
	ASSERT_EQ(0, create(self, 4 * HUGE, 0));
	EXPECT_EQ(0, pages(self->fd, &self->buf, false));
	ASSERT_EQ(0, zct_destroy(self->fd, self->buf.handle));
}

/**
 * struct few - what is kept of several buffers
 * @kept:   after eight of a hugepage each; then one of five; then one of four, and one more,
 *          bytes
 * @newest: how many of four that were made in between were the newest of the eight
 */
struct few {
	uint64_t kept[3];
	unsigned int newest;
};

/* Returns how long it took, of that of which time takes something away, in ms; or an error. */
static int keep_few(SELF *self, struct few *few)
{
	struct zc_buf_create buf[8];
	uint64_t begin;
	int i, err = 0;

	for (i = 0; i < 8; i++)
		err = err ?: zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &buf[i]);
	begin = zct_now_ms();
	for (i = 0; i < 8; i++)
		err = err ?: zct_destroy(self->fd, buf[i].handle);
	few->kept[0] = parked(self->fd);
	err = err ?: create(self, 5 * HUGE, 0) ?: zct_destroy(self->fd, self->buf.handle);
	few->kept[1] = parked(self->fd);
	few->newest = 0;
	for (i = 7; i >= 4; i--) {
		err = err ?: create(self, HUGE, 0);
		few->newest += self->buf.handle == buf[i].handle;
		buf[i] = self->buf;
	}
	err = err ?: create(self, 4 * HUGE, 0) ?: zct_destroy(self->fd, self->buf.handle) ?:
	      zct_destroy(self->fd, buf[7].handle);
	few->kept[2] = parked(self->fd);
	begin = zct_now_ms() - begin;
	for (i = 6; i >= 4; i--)
		err = err ?: zct_destroy(self->fd, buf[i].handle);
	return err ?: (int)begin;
}

/* The newest are kept, and no more than 8 MiB of them, for a quarter of a second. */
TEST_F_TIMEOUT(park, few, 120)
{
	uint64_t end = zct_now_ms() + 15000;
	struct few few;
	int ms;

	do {
		ms = keep_few(self, &few);
		ASSERT_LE(0, ms);
	} while (ms >= 250 && zct_now_ms() < end);
	if (ms >= 250)
		SKIP(return, "too slow: what is kept goes meanwhile");
	EXPECT_EQ(4 * HUGE, few.kept[0]);
	EXPECT_EQ(4 * HUGE, few.kept[1]);
	EXPECT_EQ(4, few.newest);
	EXPECT_EQ(HUGE, few.kept[2]);
}

/* All that a child gets by another open file, as another user, until there is no more. */
static int see_all(void)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	struct zc_buf_create buf;
	int fd = zct_open(), found = 0, n = 0;

	if (fd < 0 || setrlimit(RLIMIT_MEMLOCK, &all) || setuid(NOBODY))
		return -1;
	for (; !zct_create(fd, HUGE, n & 1 ? ZC_BUF_SMALL_OK : 0, ZC_NODE_ANY, &buf); n++)
		found += pages(fd, &buf, false);
	return n > 16 ? found : -1;
}

/* Nobody else ever sees the bytes, whatever he gets hold of. */
TEST_F_TIMEOUT(park, never_seen, 240)
{
	struct zc_buf_create buf[16];
	int i, status;
	pid_t pid;

	ASSERT_EQ(0, zct_param_set("max_bytes", zct_meminfo("MemAvailable") * 3 / 4));
	for (i = 0; i < 16; i++) {
		ASSERT_EQ(0, zct_create(self->fd, (1 + i % 4) * HUGE, 0, ZC_NODE_ANY,
					&buf[i]));
		ASSERT_LT(0, pages(self->fd, &buf[i], true));
	}
	for (i = 0; i < 16; i++)
		ASSERT_EQ(0, zct_destroy(self->fd, buf[i].handle));
	EXPECT_GT(parked(self->fd), 0);
	pid = fork();
	if (!pid)
		_exit(see_all());
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/**
 * struct user - one of several threads that share a file
 * @fd:    the file
 * @nr:    which it is
 * @end:   it begins nothing then
 * @done:  how many buffers it had
 * @wrong: how often it found the mark of another
 * @stop:  for the one who takes the memory
 */
struct user {
	int fd;
	unsigned int nr;
	uint64_t end;
	unsigned int done;
	unsigned int wrong;
	volatile bool stop;
};

/* To make a buffer, and see for a while that nobody else has it. */
static void *use(void *data)
{
	struct user *user = data;
	struct zc_buf_create buf;
	volatile uint64_t *map;
	unsigned int i;

	for (i = 0; i < 2000 && zct_now_ms() < user->end; i++) {
		uint64_t tag = (uint64_t)user->nr << 32 | i;

		if (zct_create(user->fd, (1 + i % 2) * HUGE, 0, ZC_NODE_ANY, &buf))
			continue;
		/* One in four is never mapped. */
		map = i % 4 ? zct_map(user->fd, &buf) : MAP_FAILED;
		if (map != MAP_FAILED) {
			*map = tag;
			sched_yield();
			user->wrong += *map != tag;
			munmap((void *)map, buf.size);
		}
		user->wrong += !!zct_destroy(user->fd, buf.handle);
		user->done++;
	}
	return NULL;
}

static void *take_memory(void *data)
{
	struct user *user = data;

	while (!user->stop) {
		user->wrong += !drop_caches();
		usleep(1000);
	}
	return NULL;
}

TEST_F_TIMEOUT(park, threads, 240)
{
	uint64_t end = zct_now_ms() + 60000;
	struct user users[5] = {};
	pthread_t threads[5];
	cpu_set_t all;
	int i;

	memset(&all, 0xff, sizeof(all));
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(all), &all));
	for (i = 0; i < 5; i++) {
		users[i] = (struct user){ .fd = self->fd, .nr = i, .end = end };
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, i ? use : take_memory,
					    &users[i]));
	}
	for (i = 4; i >= 0; i--) {
		users[i].stop = true;
		pthread_join(threads[i], NULL);
		EXPECT_EQ(0, users[i].wrong);
		if (i)
			EXPECT_LT(50, users[i].done);
	}
}

/* Files that come and go, with what they left, while others want memory. */
TEST_F_TIMEOUT(park, files_go, 240)
{
	struct user taker = { .fd = self->fd };
	uint64_t end = zct_now_ms() + 60000;
	struct zc_buf_create buf;
	pthread_t thread;
	cpu_set_t all;
	int i, j, fd;

	memset(&all, 0xff, sizeof(all));
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(all), &all));
	ASSERT_EQ(0, pthread_create(&thread, NULL, take_memory, &taker));
	for (i = 0; i < 200 && zct_now_ms() < end; i++) {
		fd = zct_open();
		ASSERT_GE(fd, 0);
		for (j = 0; j < 3; j++) {
			ASSERT_EQ(0, zct_create(fd, HUGE, 0, ZC_NODE_ANY, &buf));
			EXPECT_EQ(0, zct_destroy(fd, buf.handle));
		}
		close(fd);
	}
	EXPECT_LT(20, i);
	taker.stop = true;
	pthread_join(thread, NULL);
	EXPECT_EQ(0, taker.wrong);
	EXPECT_EQ(0, parked(self->fd));
}

#define GROUP	"/sys/fs/cgroup/zc-park"

/* How often is a buffer had again, with @fill bytes of the cgroup's memory in use? */
static int again(SELF *self, size_t fill)
{
	struct zc_stats before = { 0 }, after = { 0 };
	void *area = mmap(NULL, fill, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	int i;

	if (area == MAP_FAILED || zct_ioctl(self->fd, ZC_IOC_STATS, &before))
		return -1;
	for (i = 0; i < 100; i++)
		if (create(self, HUGE, 0) || zct_destroy(self->fd, self->buf.handle))
			return -1;
	if (munmap(area, fill) || zct_ioctl(self->fd, ZC_IOC_STATS, &after))
		return -1;
	return after.again - before.again;
}

static int see_cgroup(SELF *self)
{
	char cmd[80];

	snprintf(cmd, sizeof(cmd), "echo %d >" GROUP "/cgroup.procs", getpid());
	if (system(cmd) || !zct_on_cpu(0))
		return 1;
	if (again(self, 8 * MIB) != 99)
		return 2;
	/* It was made when there was enough, and goes soon. */
	if (again(self, 52 * MIB) > 32 || parked(self->fd))
		return 3;
	if (again(self, 52 * MIB))
		return 4;
	return again(self, 8 * MIB) == 99 ? 0 : 5;
}

/* A cgroup that is short of memory pays for nothing that it does not use. */
TEST_F_TIMEOUT(park, cgroup, 240)
{
	int status;
	pid_t pid;

	if (system("grep -q memory /sys/fs/cgroup/cgroup.controllers && "
		   "echo +memory >/sys/fs/cgroup/cgroup.subtree_control && "
		   "mkdir -p " GROUP " && echo 64M >" GROUP "/memory.max"))
		SKIP(return, "no memory controller of cgroup v2");
	pid = fork();
	if (!pid)
		_exit(see_cgroup(self));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, rmdir(GROUP));
}

TEST_HARNESS_MAIN
