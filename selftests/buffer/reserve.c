// SPDX-License-Identifier: GPL-2.0-only
/* Hugepages kept ready for buffers on each node (parameter reserve). */
#include <errno.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "zc_test.h"

#define PARAM		"/sys/module/zc/parameters/reserve"
#define POISON		0x5a

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(reserve)

FIXTURE(reserve)
{
	int fd;
	uint64_t used;
	long long max_bytes;
};

static int set(const char *val)
{
	int fd = open(PARAM, O_WRONLY | O_CLOEXEC), ret = 0;

	if (fd < 0 || write(fd, val, strlen(val)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

FIXTURE_SETUP(reserve)
{
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->used = zct_used(self->fd);
	self->max_bytes = zct_param("max_bytes");
	ASSERT_GE(self->max_bytes, 0);
	ASSERT_EQ(0, set("0"));
	ASSERT_TRUE(zct_on_cpu(0));
}

FIXTURE_TEARDOWN(reserve)
{
	int fd = zct_open();

	close(self->fd);
	EXPECT_EQ(0, set("0"));
	EXPECT_EQ(0, zct_param_set("max_bytes", self->max_bytes));
	EXPECT_TRUE(zct_used_becomes(fd, self->used, 1000));
	close(fd);
}

static bool is(const char *want)
{
	char got[256] = "";
	int fd = open(PARAM, O_RDONLY | O_CLOEXEC);

	if (read(fd, got, sizeof(got) - 1) < 0)
		got[0] = '\0';
	close(fd);
	got[strcspn(got, "\n")] = '\0';
	return !strcmp(got, want);
}

static struct zc_node_query node_query(SELF *self, int node)
{
	struct zc_node_query query = { .node = node };

	if (zct_ioctl(self->fd, ZC_IOC_NODE_QUERY, &query))
		memset(&query, 0xff, sizeof(query));
	return query;
}

static uint64_t ready(SELF *self, int node)
{
	return node_query(self, node).ready_bytes / HUGE;
}

static bool ready_becomes(SELF *self, int node, uint64_t want)
{
	int i;

	for (i = 0; i < 300 && ready(self, node) != want; i++)
		usleep(10000);
	return ready(self, node) == want;
}

static uint64_t from_reserve(SELF *self)
{
	struct zc_stats stats = { 0 };

	zct_ioctl(self->fd, ZC_IOC_STATS, &stats);
	return stats.reserved;
}

/* A buffer's bytes, all of this value? Then they become @fill. */
static bool all(int fd, const struct zc_buf_create *buf, char val, char fill)
{
	char *map = zct_map(fd, buf);
	bool same;

	if (map == MAP_FAILED)
		return false;
	same = map[0] == val && !memcmp(map, map + 1, buf->size - 1);
	memset(map, fill, buf->size);
	munmap(map, buf->size);
	return same;
}

TEST_F_TIMEOUT(reserve, values, 120)
{
	static const char *const bad[] = {
		"x", "-1", "", "5:1", "0:1,", "0:", ":1", "0:1,1", "0:x", "999999999999",
		"4294967296:1", "0:1;1:1", "0:536870913",
	};
	struct zc_node_query query;
	unsigned int i;

	EXPECT_TRUE(is("0:0,1:0"));
	ASSERT_EQ(0, set("0:4,1:2\n"));
	EXPECT_TRUE(is("0:4,1:2"));
	query = node_query(self, 0);
	EXPECT_EQ(4 * HUGE, query.reserve_bytes);
	EXPECT_EQ(4 * HUGE, query.ready_bytes);
	EXPECT_EQ(ZC_SHORT_NONE, query.why);
	EXPECT_EQ(1, query.next);
	EXPECT_GE(query.free_bytes, query.free_huge_bytes);
	EXPECT_GT(query.free_huge_bytes, 0);
	query = node_query(self, 1);
	EXPECT_EQ(2 * HUGE, query.ready_bytes);
	EXPECT_EQ(-1, query.next);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		/* An empty write does not come to the module. */
		if (*bad[i])
			EXPECT_EQ(-EINVAL, set(bad[i]));
		EXPECT_TRUE(is("0:4,1:2"));
	}
	ASSERT_EQ(0, set("1:3"));
	EXPECT_TRUE(is("0:0,1:3"));
	EXPECT_EQ(0, ready(self, 0));
	ASSERT_EQ(0, set("7"));
	EXPECT_TRUE(is("0:4,1:3"));
	EXPECT_EQ(7, ready(self, 0) + ready(self, 1));
	query = (struct zc_node_query){ .node = 2 };
	EXPECT_EQ(-EINVAL, zct_ioctl(self->fd, ZC_IOC_NODE_QUERY, &query));
	query.node = -1;
	EXPECT_EQ(-EINVAL, zct_ioctl(self->fd, ZC_IOC_NODE_QUERY, &query));
	query.node = 1 << 30;
	EXPECT_EQ(-EINVAL, zct_ioctl(self->fd, ZC_IOC_NODE_QUERY, &query));
}

/* Buffers come from there, of their node, and are zero; and go back. */
TEST_F_TIMEOUT(reserve, taken, 120)
{
	uint64_t before = from_reserve(self);
	struct zc_buf_create buf;

	ASSERT_EQ(0, set("0:8,1:8"));
	ASSERT_EQ(0, zct_create(self->fd, 4 * HUGE, ZC_BUF_NODE_STRICT, 1, &buf));
	EXPECT_EQ(before + 4, from_reserve(self));
	EXPECT_EQ(1, buf.node);
	EXPECT_EQ(4 * HUGE, buf.huge_bytes);
	EXPECT_TRUE(all(self->fd, &buf, 0, POISON));
	EXPECT_EQ(8, ready(self, 0));
	/* What a buffer has is not made up for by others. */
	EXPECT_EQ(4 * HUGE, node_query(self, 1).out_bytes);
	EXPECT_EQ(ZC_SHORT_NONE, node_query(self, 1).why);
	sleep(1);
	EXPECT_EQ(4, ready(self, 1));
	EXPECT_EQ(self->used + 4 * HUGE, zct_used(self->fd));
	ASSERT_EQ(0, zct_destroy(self->fd, buf.handle));
	EXPECT_TRUE(ready_becomes(self, 1, 8));
	/* The local one, and more than there is. */
	ASSERT_EQ(0, zct_create(self->fd, 24 * HUGE, 0, ZC_NODE_ANY, &buf));
	EXPECT_EQ(before + 4 + 8, from_reserve(self));
	EXPECT_EQ(0, buf.node);
	EXPECT_TRUE(all(self->fd, &buf, 0, POISON));
}

/* What comes back is zeroed before another gets it. */
TEST_F_TIMEOUT(reserve, zeroed, 120)
{
	struct zc_buf_create buf;
	uint64_t before;
	int round, fd;

	/* So that no fresh ones come in the place of those. */
	ASSERT_EQ(0, zct_param_set("max_bytes", self->used + 8 * HUGE));
	ASSERT_EQ(0, set("0:8"));
	for (round = 0; round < 4; round++) {
		/* One may be on its way from one list to the other. */
		usleep(200000);
		ASSERT_TRUE(ready_becomes(self, 0, 8));
		before = from_reserve(self);
		fd = zct_open();
		ASSERT_EQ(0, zct_create(fd, 8 * HUGE, ZC_BUF_NODE_STRICT, 0, &buf));
		EXPECT_EQ(before + 8, from_reserve(self));
		EXPECT_TRUE(all(fd, &buf, 0, POISON));
		close(fd);
	}
}

/* It is within the module's limit, and in the way of no buffer. */
TEST_F_TIMEOUT(reserve, limit, 120)
{
	struct zc_node_query query;
	struct zc_buf_create buf;

	ASSERT_EQ(0, zct_param_set("max_bytes", self->used + 16 * HUGE));
	ASSERT_EQ(0, set("0:20"));
	query = node_query(self, 0);
	EXPECT_EQ(20 * HUGE, query.reserve_bytes);
	EXPECT_EQ(16 * HUGE, query.ready_bytes);
	EXPECT_EQ(ZC_SHORT_LIMIT, query.why);
	ASSERT_EQ(0, zct_create(self->fd, 4 * HUGE, ZC_BUF_NODE_STRICT, 1, &buf));
	EXPECT_EQ(12, ready(self, 0));
	ASSERT_EQ(0, zct_create(self->fd, 12 * HUGE, ZC_BUF_NODE_STRICT, 0, &buf));
	EXPECT_EQ(-ENOSPC, zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &buf));
	EXPECT_EQ(0, ready(self, 0));
}

/* More than the node has: what there is, and the reason; nobody is killed. */
TEST_F_TIMEOUT(reserve, short_of_memory, 240)
{
	uint64_t free_before = zct_mem_free();
	struct zc_node_query query;

	ASSERT_EQ(0, zct_param_set("max_bytes", 1ll << 40));
	ASSERT_EQ(0, set("0:100000"));
	query = node_query(self, 0);
	EXPECT_LT(query.ready_bytes, 100000 * HUGE);
	EXPECT_GT(query.ready_bytes, 64 * HUGE);
	EXPECT_EQ(ZC_SHORT_MEMORY, query.why);
	EXPECT_LT(query.free_bytes, 512 * MIB);
	ASSERT_EQ(0, set("0:0"));
	EXPECT_EQ(0, ready(self, 0));
	EXPECT_GE(zct_mem_free() + 64 * MIB, free_before);
}

/* Under pressure half of it goes, and comes back later. */
TEST_F_TIMEOUT(reserve, pressure, 120)
{
	int i, fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);

	ASSERT_EQ(0, set("0:32"));
	EXPECT_EQ(32, ready(self, 0));
	for (i = 0; i < 20 && ready(self, 0) > 16; i++)
		ASSERT_EQ(1, write(fd, "2", 1));
	EXPECT_EQ(16, ready(self, 0));
	ASSERT_EQ(1, write(fd, "2", 1));
	EXPECT_EQ(16, ready(self, 0));
	EXPECT_EQ(ZC_SHORT_USED, node_query(self, 0).why);
	close(fd);
	for (i = 0; i < 200 && ready(self, 0) < 32; i++)
		usleep(100000);
	EXPECT_EQ(32, ready(self, 0));
}

/* A policy of the caller's own holds, whatever is ready elsewhere. */
TEST_F_TIMEOUT(reserve, policy, 120)
{
	unsigned long nodes = 1 << 1;
	struct zc_buf_create buf;
	int status;
	pid_t pid;

	ASSERT_EQ(0, set("0:8"));
	pid = fork();
	if (!pid) {
		uint64_t before = from_reserve(self);

		if (syscall(SYS_set_mempolicy, MPOL_BIND, &nodes, 8 * sizeof(nodes)))
			_exit(1);
		if (zct_create(self->fd, 2 * HUGE, 0, ZC_NODE_ANY, &buf))
			_exit(2);
		if (buf.node != 1 || from_reserve(self) != before)
			_exit(3);
		if (zct_create(self->fd, 2 * HUGE, 0, 0, &buf))
			_exit(4);
		_exit(buf.node || from_reserve(self) != before + 2 ? 5 : 0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/* Set anew by one while others take from it and give back. */
TEST_F_TIMEOUT(reserve, while_in_use, 240)
{
	int i, status;
	pid_t pid[3];

	for (i = 0; i < 3; i++) {
		pid[i] = fork();
		if (!pid[i]) {
			int fd = zct_open(), round, bad = 0;
			struct zc_buf_create buf;

			for (round = 0; round < 60; round++) {
				if (zct_create(fd, (1 + round % 5) * HUGE, ZC_BUF_ZERO,
					       i % 2, &buf))
					_exit(1);
				bad += !all(fd, &buf, 0, POISON);
				if (zct_destroy(fd, buf.handle))
					_exit(2);
			}
			_exit(bad ? 3 : 0);
		}
	}
	for (i = 0; i < 40; i++) {
		ASSERT_EQ(0, set(i % 3 ? i % 3 == 1 ? "0:3,1:9" : "12" : "0"));
		usleep(20000);
	}
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(pid[i], waitpid(pid[i], &status, 0));
		EXPECT_EQ(0, status);
	}
}

TEST_HARNESS_MAIN
