// SPDX-License-Identifier: GPL-2.0-only
/* Buffers: making, asking, destroying. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "zc_test.h"

FIXTURE(buffer)
{
	int fd;
	uint64_t used;
};

FIXTURE_SETUP(buffer)
{
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->used = zct_used(self->fd);
}

FIXTURE_TEARDOWN(buffer)
{
	int fd = zct_open();

	/* Whatever a test leaves goes with the file. */
	close(self->fd);
	EXPECT_TRUE(zct_used_becomes(fd, self->used, 2000));
	close(fd);
}

TEST_F_TIMEOUT(buffer, sizes, 120)
{
	static const uint64_t sizes[] = {
		1, 4095, 4096, HUGE - 1, HUGE, HUGE + 1, 3 * HUGE, 64 * MIB,
	};
	struct zc_buf_query query;
	struct zc_buf_create buf;
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		uint64_t want = (sizes[i] + HUGE - 1) / HUGE * HUGE;

		ASSERT_EQ(0, zct_create(self->fd, sizes[i], 0, ZC_NODE_ANY, &buf));
		EXPECT_EQ(want, buf.size);
		EXPECT_EQ(want, buf.huge_bytes);
		EXPECT_EQ(ZC_HUGE_SIZE, buf.page_size);
		EXPECT_NE(0, buf.handle);
		EXPECT_EQ(0, buf.mmap_offset % HUGE);
		EXPECT_GE(buf.node, 0);
		EXPECT_EQ(self->used + want, zct_used(self->fd));

		query = (struct zc_buf_query){ .handle = buf.handle };
		EXPECT_EQ(0, zct_ioctl(self->fd, ZC_IOC_BUF_QUERY, &query));
		EXPECT_EQ(want, query.size);
		EXPECT_EQ(want, query.huge_bytes);
		EXPECT_EQ(buf.mmap_offset, query.mmap_offset);
		EXPECT_EQ(buf.page_size, query.page_size);
		EXPECT_EQ(buf.node, query.node);
		EXPECT_EQ(0, query.flags);
		EXPECT_EQ(0, query.mappings);

		EXPECT_EQ(0, zct_destroy(self->fd, buf.handle));
		EXPECT_EQ(-ENOENT, zct_destroy(self->fd, buf.handle));
		EXPECT_EQ(-ENOENT, zct_ioctl(self->fd, ZC_IOC_BUF_QUERY, &query));
		EXPECT_EQ(self->used, zct_used(self->fd));
	}
}

TEST_F_TIMEOUT(buffer, bad_sizes, 120)
{
	struct zc_query query = { 0 };
	struct zc_buf_create buf;

	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_QUERY, &query));
	EXPECT_EQ(-EINVAL, zct_create(self->fd, 0, 0, ZC_NODE_ANY, &buf));
	EXPECT_EQ(-EINVAL, zct_create(self->fd, query.max_buffer_size + 1, 0,
				      ZC_NODE_ANY, &buf));
	EXPECT_EQ(-EINVAL, zct_create(self->fd, UINT64_MAX, 0, ZC_NODE_ANY, &buf));
	EXPECT_EQ(-EINVAL, zct_create(self->fd, 1ull << 63, 0, ZC_NODE_ANY, &buf));
	EXPECT_EQ(-ENOSPC, zct_create(self->fd, query.max_buffer_size, 0,
				      ZC_NODE_ANY, &buf));
	EXPECT_EQ(-ENOSPC, zct_create(self->fd, query.max_bytes + 1, 0,
				      ZC_NODE_ANY, &buf));
}

TEST_F_TIMEOUT(buffer, bad_nodes, 120)
{
	static const int nodes[] = { -2, -3, 2, 63, 64, 1023, 1024, 4096, INT_MAX,
				     INT_MIN };
	struct zc_buf_create buf;
	size_t i;

	for (i = 0; i < sizeof(nodes) / sizeof(*nodes); i++) {
		EXPECT_EQ(-EINVAL, zct_create(self->fd, 1, 0, nodes[i], &buf))
			TH_LOG("node %d", nodes[i]);
		EXPECT_EQ(-EINVAL, zct_create(self->fd, 1, ZC_BUF_NODE_STRICT,
					      nodes[i], &buf))
			TH_LOG("node %d, strict", nodes[i]);
	}
	EXPECT_EQ(-EINVAL, zct_create(self->fd, 1, ZC_BUF_NODE_STRICT, ZC_NODE_ANY,
				      &buf));
}

static int node_of(void *page)
{
	int status = -1;

	if (syscall(SYS_move_pages, 0, 1ul, &page, NULL, &status, 0) < 0)
		return -errno;
	return status;
}

TEST_F_TIMEOUT(buffer, each_node, 120)
{
	struct zc_buf_create buf;
	int node, found = 0;
	char path[64], *map;

	for (node = 0; node < 64; node++) {
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%d", node);
		if (access(path, F_OK))
			continue;
		found++;
		ASSERT_EQ(0, zct_create(self->fd, 2 * HUGE, ZC_BUF_NODE_STRICT,
					node, &buf));
		EXPECT_EQ(node, buf.node);
		map = zct_map(self->fd, &buf);
		ASSERT_NE(MAP_FAILED, map);
		memset(map, 1, buf.size);
		EXPECT_EQ(node, node_of(map));
		EXPECT_EQ(node, node_of(map + HUGE));
		munmap(map, buf.size);
		EXPECT_EQ(0, zct_destroy(self->fd, buf.handle));
	}
	EXPECT_GT(found, 0);
}

/* Memory that was used before comes back zeroed. */
TEST_F_TIMEOUT(buffer, zeroed, 120)
{
	const uint64_t size = 32 * MIB;
	struct zc_buf_create buf;
	uint64_t *map, i, wrong;
	int round;

	for (round = 0; round < 3; round++) {
		ASSERT_EQ(0, zct_create(self->fd, size, round ? ZC_BUF_ZERO : 0,
					ZC_NODE_ANY, &buf));
		map = zct_map(self->fd, &buf);
		ASSERT_NE(MAP_FAILED, map);
		for (i = 0, wrong = 0; i < size / 8; i++)
			wrong += !!map[i];
		EXPECT_EQ(0, wrong);
		memset(map, 0xa5, size);
		munmap(map, size);
		EXPECT_EQ(0, zct_destroy(self->fd, buf.handle));
	}
}

TEST_F_TIMEOUT(buffer, many, 120)
{
	struct zc_buf_create buf[32];
	int i, j;

	for (i = 0; i < 32; i++)
		ASSERT_EQ(0, zct_create(self->fd, (i % 3 + 1) * HUGE, 0,
					ZC_NODE_ANY, &buf[i]));
	for (i = 0; i < 32; i++) {
		for (j = 0; j < i; j++) {
			EXPECT_NE(buf[i].handle, buf[j].handle);
			EXPECT_TRUE(buf[i].mmap_offset >=
				    buf[j].mmap_offset + buf[j].size ||
				    buf[j].mmap_offset >=
				    buf[i].mmap_offset + buf[i].size);
		}
	}
	EXPECT_EQ(-ENOENT, zct_destroy(self->fd, buf[31].handle + 1));
	EXPECT_EQ(-ENOENT, zct_destroy(self->fd, 0));
	EXPECT_EQ(-ENOENT, zct_destroy(self->fd, UINT32_MAX));
	for (i = 31; i >= 0; i -= 2)
		EXPECT_EQ(0, zct_destroy(self->fd, buf[i].handle));
	/* The holes are used again. */
	for (i = 1; i < 32; i += 2)
		EXPECT_EQ(0, zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &buf[i]));
}

static void *destroyer(void *data)
{
	const int fd = *(int *)data;
	unsigned int i;

	for (i = 0; i < 20000; i++)
		zct_destroy(fd, i % 8);
	return NULL;
}

/* Creating, mapping and destroying the same handles at the same time. */
TEST_F_TIMEOUT(buffer, concurrent_destroy, 120)
{
	struct zc_buf_create buf;
	pthread_t thread;
	char *map;
	int i;

	pthread_create(&thread, NULL, destroyer, &self->fd);
	for (i = 0; i < 300; i++) {
		ASSERT_EQ(0, zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &buf));
		map = zct_map(self->fd, &buf);
		if (map != MAP_FAILED) {
			map[0] = 1;
			map[HUGE - 1] = 2;
			munmap(map, HUGE);
		}
		zct_destroy(self->fd, buf.handle);
	}
	pthread_join(thread, NULL);
}

TEST_F_TIMEOUT(buffer, owner_killed, 120)
{
	int ready[2], status;
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	if (!pid) {
		struct zc_buf_create buf;
		int fd = zct_open();
		char *map;

		if (zct_create(fd, 16 * HUGE, 0, ZC_NODE_ANY, &buf))
			_exit(1);
		map = zct_map(fd, &buf);
		memset(map, 1, buf.size);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		pause();
		_exit(1);
	}
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	EXPECT_EQ(self->used + 16 * HUGE, zct_used(self->fd));
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 1000));
	close(ready[0]);
	close(ready[1]);
}

TEST_HARNESS_MAIN
