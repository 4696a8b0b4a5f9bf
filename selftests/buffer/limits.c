// SPDX-License-Identifier: GPL-2.0-only
/* Buffers when memory, or what is allowed of it, runs out. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "zc_test.h"

/* What other users of memory may do meanwhile. */
#define SLACK	(48 * MIB)

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(limits)

FIXTURE(limits)
{
	int fd;
	uint64_t used;
	long long max_bytes;
};

FIXTURE_SETUP(limits)
{
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->used = zct_used(self->fd);
	self->max_bytes = zct_param("max_bytes");
	ASSERT_GE(self->max_bytes, 0);
}

FIXTURE_TEARDOWN(limits)
{
	EXPECT_EQ(0, zct_param_set("max_bytes", self->max_bytes));
	close(self->fd);
}

/* What others hold of buffers that are gone. */
static uint64_t held_bytes(int fd)
{
	struct zc_query query = { 0 };

	return zct_ioctl(fd, ZC_IOC_QUERY, &query) ? UINT64_MAX : query.held_bytes;
}

static struct zc_stats stats(SELF *self)
{
	struct zc_stats stats = { 0 };

	zct_ioctl(self->fd, ZC_IOC_STATS, &stats);
	return stats;
}

TEST_F_TIMEOUT(limits, module_limit, 240)
{
	struct zc_stats before = stats(self);
	struct zc_query query = { 0 };
	struct zc_buf_create buf;

	ASSERT_EQ(0, zct_param_set("max_bytes", self->used + 4 * HUGE));
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_QUERY, &query));
	EXPECT_EQ(self->used + 4 * HUGE, query.max_bytes);
	EXPECT_EQ(-ENOSPC, zct_create(self->fd, 5 * HUGE, 0, ZC_NODE_ANY, &buf));
	EXPECT_EQ(self->used, zct_used(self->fd));
	ASSERT_EQ(0, zct_create(self->fd, 3 * HUGE, 0, ZC_NODE_ANY, &buf));
	EXPECT_EQ(-ENOSPC, zct_create(self->fd, 2 * HUGE, ZC_BUF_SMALL_OK,
				      ZC_NODE_ANY, &buf));
	EXPECT_EQ(before.refused_limit + 2, stats(self).refused_limit);
	EXPECT_EQ(before.refused_memory, stats(self).refused_memory);
	EXPECT_EQ(self->used + 3 * HUGE, zct_used(self->fd));
	ASSERT_EQ(0, zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &buf));
}

/* All memory, until there is no more: refused, nothing lost, nobody killed. */
TEST_F_TIMEOUT(limits, exhaustion, 240)
{
	uint64_t free_before, kills = zct_oom_kills();
	struct zc_buf_create buf;
	int fd = zct_open(), err, made = 0;

	ASSERT_EQ(0, zct_param_set("max_bytes", 1ll << 40));
	free_before = zct_mem_free();
	while (!(err = zct_create(fd, 8 * HUGE, 0, ZC_NODE_ANY, &buf)))
		made++;
	EXPECT_EQ(-ENOMEM, err);
	EXPECT_GT(made, 10);
	EXPECT_EQ(self->used + made * 8 * HUGE, zct_used(self->fd));
	close(fd);
	EXPECT_EQ(self->used, zct_used(self->fd));
	EXPECT_EQ(kills, zct_oom_kills());
	EXPECT_GE(zct_mem_free() + SLACK, free_before);
}

/* One giant that cannot be had, or takes long: killed in the middle. */
TEST_F_TIMEOUT(limits, killed_while_creating, 240)
{
	uint64_t total = zct_meminfo("MemTotal");
	int status, round;
	pid_t pid;

	ASSERT_EQ(0, zct_param_set("max_bytes", 1ll << 40));
	for (round = 0; round < 5; round++) {
		pid = fork();
		if (!pid) {
			struct zc_buf_create buf;

			zct_create(self->fd, total / 2, 0, ZC_NODE_ANY, &buf);
			_exit(0);
		}
		usleep(10000 + 20000 * round);
		kill(pid, SIGKILL);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		/* Killed, or just done and then the handle is the file's. */
		close(self->fd);
		self->fd = zct_open();
		EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 2000));
	}
}

TEST_F_TIMEOUT(limits, handles, 240)
{
	struct zc_query query = { 0 };
	struct zc_buf_create buf;
	unsigned int i, last;

	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_QUERY, &query));
	ASSERT_EQ(0, zct_param_set("max_bytes", 1ll << 40));
	for (i = 0; i < query.max_handles; i++)
		ASSERT_EQ(0, zct_create(self->fd, 1, ZC_BUF_SLICE, ZC_NODE_ANY, &buf));
	last = buf.handle;
	EXPECT_EQ(-EMFILE, zct_create(self->fd, 1, ZC_BUF_SLICE, ZC_NODE_ANY, &buf));
	EXPECT_EQ(-EMFILE, zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &buf));
	EXPECT_EQ(0, zct_destroy(self->fd, last));
	EXPECT_EQ(0, zct_destroy(self->fd, last / 2));
	EXPECT_EQ(0, zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &buf));
	EXPECT_EQ(0, zct_create(self->fd, 1, ZC_BUF_SLICE, ZC_NODE_ANY, &buf));
	EXPECT_EQ(-EMFILE, zct_create(self->fd, 1, ZC_BUF_SLICE, ZC_NODE_ANY, &buf));
}

/*
 * Have no hugepage left, nor a part of one. What others give back meanwhile, and what the
 * kernel moves together, makes some more, which are taken, too; small pages, of which there
 * are many more, would do each time. Returns what the last part had: -ENOMEM.
 */
static int use_up(int fd)
{
	struct zc_buf_create buf;
	unsigned int round, i;
	int err = 0;

	for (round = 0; round < 20 && !err; round++) {
		while (!zct_create(fd, HUGE, 0, ZC_NODE_ANY, &buf))
			;
		for (i = 0; i < HUGE / 8192 && !err; i++)
			err = zct_create(fd, 8192, ZC_BUF_SLICE, ZC_NODE_ANY, &buf);
	}
	return err;
}

/* To have less to fragment, page by page: take hugepages until so much is available. */
static uint64_t use_most(int fd, uint64_t left)
{
	struct zc_buf_create buf;
	uint64_t available;

	do {
		available = zct_meminfo("MemAvailable");
	} while (available > left && !zct_create(fd, 32 * HUGE, 0, ZC_NODE_ANY, &buf));
	return available;
}

/* A child fragments memory as far as it gets; then small pages must do. */
TEST_F_TIMEOUT(limits, small_pages, 240)
{
	const uint64_t size = 64 * HUGE;
	uint64_t *map, i, wrong = 0, held, used, free, hog_size;
	uint64_t kills = zct_oom_kills();
	struct zc_buf_create buf;
	int ready[2], pipes[2], status, err;
	char byte = 0;
	pid_t pid;

	ASSERT_EQ(0, zct_param_set("max_bytes", 1ll << 40));
	free = use_most(self->fd, 1024 * MIB);
	hog_size = free > 512 * MIB ? free - 320 * MIB : free / 3;
	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	if (!pid) {
		byte = zct_fragment(hog_size);
		if (write(ready[1], &byte, 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	EXPECT_EQ(1, byte);

	/* Take all hugepages that are left, then some more. */
	do {
		err = zct_create(self->fd, 4 * HUGE, 0, ZC_NODE_ANY, &buf);
	} while (!err);
	EXPECT_EQ(-ENOMEM, err);
	do {
		EXPECT_EQ(-ENOMEM, use_up(self->fd));
		used = zct_used(self->fd);
		ASSERT_EQ(0, zct_create(self->fd, 300000, ZC_BUF_SLICE | ZC_BUF_SMALL_OK,
					ZC_NODE_ANY, &buf));
		/* One more may have become free since. */
	} while (zct_used(self->fd) >= used + HUGE);
	EXPECT_EQ(303104, buf.size);
	map = zct_map(self->fd, &buf);
	ASSERT_NE(MAP_FAILED, map);
	zct_pattern(map, 0, buf.size);
	EXPECT_EQ(-1, zct_pattern_check(map, 0, buf.size));
	/* What a pipe holds of it counts on, when it is gone. */
	ASSERT_EQ(0, pipe(pipes));
	held = held_bytes(self->fd);
	EXPECT_EQ(3 * 4096, vmsplice(pipes[1], &(struct iovec){ map, 3 * 4096 }, 1, 0));
	munmap(map, buf.size);
	EXPECT_EQ(0, zct_destroy(self->fd, buf.handle));
	EXPECT_EQ(held + 3 * 4096, held_bytes(self->fd));
	close(pipes[0]);
	close(pipes[1]);
	EXPECT_EQ(held, held_bytes(self->fd));
	err = zct_create(self->fd, size, ZC_BUF_SMALL_OK, ZC_NODE_ANY, &buf);
	EXPECT_EQ(0, err);
	if (!err) {
		EXPECT_EQ(size, buf.size);
		EXPECT_EQ(4096, buf.page_size);
		EXPECT_LT(buf.huge_bytes, size);
		map = zct_map(self->fd, &buf);
		EXPECT_NE(MAP_FAILED, map);
		for (i = 0; i < size / 8; i++)
			wrong += !!map[i];
		EXPECT_EQ(0, wrong);
		zct_pattern(map, 0, size);
		EXPECT_EQ(-1, zct_pattern_check(map, 0, size));
		EXPECT_EQ(size, zct_smaps(map, "Rss"));
		EXPECT_EQ(buf.huge_bytes, zct_smaps(map, "FilePmdMapped"));
		munmap(map, size);
	}
	close(self->fd);
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	self->fd = zct_open();
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 2000));
	EXPECT_EQ(kills, zct_oom_kills());
}

/* A cgroup's limit holds for buffers, and its end frees them. */
TEST_F_TIMEOUT(limits, memcg, 240)
{
	const char *const group = "/sys/fs/cgroup/zc-test";
	struct zc_stats before = stats(self);
	struct zc_buf_create buf;
	int status, err;
	char cmd[256];
	pid_t pid;

	snprintf(cmd, sizeof(cmd),
		 "grep -q memory /sys/fs/cgroup/cgroup.controllers && "
		 "echo +memory >/sys/fs/cgroup/cgroup.subtree_control && "
		 "mkdir -p %s && echo 64M >%s/memory.max", group, group);
	if (system(cmd))
		SKIP(return, "no memory controller of cgroup v2");
	pid = fork();
	if (!pid) {
		int fd;

		snprintf(cmd, sizeof(cmd), "echo %d >%s/cgroup.procs", getpid(),
			 group);
		if (system(cmd))
			_exit(1);
		fd = zct_open();
		if (zct_create(fd, 16 * MIB, 0, ZC_NODE_ANY, &buf))
			_exit(2);
		err = zct_create(fd, 64 * MIB, 0, ZC_NODE_ANY, &buf);
		_exit(err == -EDQUOT ? 0 : 3);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(before.refused_cgroup + 1, stats(self).refused_cgroup);
	EXPECT_EQ(before.refused_memory, stats(self).refused_memory);
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 2000));
	EXPECT_EQ(0, rmdir(group));
}

/* What a user without privilege may lock: 4 hugepages. Returns an exit code. */
static int lock_memory(int fd, int other)
{
	const struct rlimit limit = { 4 * HUGE, 4 * HUGE };
	struct zc_buf_create buf[4], more;
	int i;

	if (setrlimit(RLIMIT_MEMLOCK, &limit) || setuid(NOBODY))
		return 1;
	if (zct_create(fd, 5 * HUGE, 0, ZC_NODE_ANY, &more) != -EPERM)
		return 2;
	for (i = 0; i < 4; i++)
		if (zct_create(i & 1 ? fd : other, HUGE, 0, ZC_NODE_ANY, &buf[i]))
			return 3;
	if (zct_create(fd, 1, ZC_BUF_SMALL_OK, ZC_NODE_ANY, &more) != -EPERM)
		return 4;
	/* What is kept for the file does not count. */
	if (zct_destroy(fd, buf[1].handle) || zct_destroy(fd, buf[3].handle))
		return 5;
	if (zct_create(fd, HUGE, 0, ZC_NODE_ANY, &more) || zct_destroy(fd, more.handle))
		return 6;
	if (zct_create(other, 2 * HUGE, 0, ZC_NODE_ANY, &more))
		return 7;
	if (zct_create(fd, 1, 0, ZC_NODE_ANY, &more) != -EPERM)
		return 8;
	return 0;
}

TEST_F_TIMEOUT(limits, memlock, 240)
{
	struct zc_stats before = stats(self);
	struct zc_buf_create buf;
	int round, status;
	pid_t pid;

	/* What the last one had is given back. */
	for (round = 1; round <= 2; round++) {
		pid = fork();
		if (!pid)
			_exit(lock_memory(zct_open(), zct_open()));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(0, status);
		EXPECT_EQ(before.refused_memlock + 3 * round, stats(self).refused_memlock);
		EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 2000));
	}
	/* CAP_IPC_LOCK does without. */
	ASSERT_EQ(0, zct_create(self->fd, 8 * HUGE, 0, ZC_NODE_ANY, &buf));
}

/* So many buffers that are gone, but for a page of each, which the pipe has. */
static int lose(int fd, int to, int nr)
{
	struct zc_buf_create buf;
	struct iovec iov;

	for (; nr; nr--) {
		if (zct_create(fd, HUGE, 0, ZC_NODE_ANY, &buf))
			return 2;
		iov = (struct iovec){ zct_map(fd, &buf), 4096 };
		if (iov.iov_base == MAP_FAILED || vmsplice(to, &iov, 1, 0) != 4096 ||
		    munmap(iov.iov_base, HUGE) || zct_destroy(fd, buf.handle))
			return 3;
	}
	return 0;
}

/*
 * As a user without privilege: a pipe that holds one page of a buffer has its hugepage
 * locked, whoever has destroyed the buffer. Returns an exit code.
 */
static int lock_by_pipe(int fd)
{
	const struct rlimit limit = { 4 * HUGE, 4 * HUGE };
	struct zc_buf_create buf;
	char page[4096];
	int ret, fds[2];

	if (setrlimit(RLIMIT_MEMLOCK, &limit) || setuid(NOBODY) || pipe(fds))
		return 1;
	ret = lose(fd, fds[1], 4);
	if (ret)
		return ret;
	if (zct_create(fd, HUGE, 0, ZC_NODE_ANY, &buf) != -EPERM)
		return 4;
	if (read(fds[0], page, sizeof(page)) != sizeof(page))
		return 5;
	if (zct_create(fd, HUGE, 0, ZC_NODE_ANY, &buf))
		return 6;
	if (zct_create(fd, HUGE, 0, ZC_NODE_ANY, &buf) != -EPERM)
		return 7;
	return 0;
}

TEST_F_TIMEOUT(limits, memlock_of_destroyed, 240)
{
	int round, status;
	pid_t pid;

	for (round = 1; round <= 2; round++) {
		pid = fork();
		if (!pid)
			_exit(lock_by_pipe(zct_open()));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(0, status);
		EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 2000));
	}
}

/* At most so many does one who looks take at a time; and how many there are to look at. */
#define LOOKS	32
#define LOST	(4 * LOOKS)

/* For ever, while nobody else wants the processor. */
static void look_idly(void)
{
	const struct sched_param param = { 0 };
	int fd = zct_open();

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || sched_setscheduler(0, SCHED_IDLE, &param))
		_exit(1);
	while (held_bytes(fd) != UINT64_MAX)
		;
	_exit(2);
}

/* Who looks what is idle, and loses the processor to us, has not taken it all from us. */
TEST_F_TIMEOUT(limits, looked_at_by_the_slow, 600)
{
	struct zc_buf_create buf;
	int round, fds[2];
	pid_t pid;

	ASSERT_TRUE(zct_on_cpu(0));
	ASSERT_EQ(0, zct_param_set("max_bytes", self->used + (LOST + LOOKS) * HUGE));
	pid = fork();
	if (!pid)
		look_idly();
	for (round = 0; round < 6; round++) {
		ASSERT_EQ(0, pipe(fds));
		ASSERT_LE(LOST * 4096, fcntl(fds[1], F_SETPIPE_SZ, LOST * 4096));
		ASSERT_EQ(0, lose(self->fd, fds[1], LOST));
		close(fds[0]);
		close(fds[1]);
		usleep(round * 500);
		ASSERT_EQ(0, zct_create(self->fd, LOST * HUGE, 0, ZC_NODE_ANY, &buf))
			TH_LOG("round %d", round);
		ASSERT_EQ(0, zct_destroy(self->fd, buf.handle));
	}
	EXPECT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(pid, waitpid(pid, NULL, 0));
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 2000));
}

TEST_HARNESS_MAIN
