// SPDX-License-Identifier: GPL-2.0-only
/* Alerts of the netlink family: forgotten buffers, memory that runs low, targets that go. */
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>

#include "edu.h"
#include "kselftest_harness.h"
#include "nl.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(alert)

#define MS	10000

FIXTURE(alert)
{
	int fd;
	uint64_t used;
	struct nl nl;
	struct nl_stats before;
	struct nl_req req;
	struct nl_msg msg;
};

FIXTURE_SETUP(alert)
{
	struct nl ask;

	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->used = zct_used(self->fd);
	ASSERT_EQ(0, nl_open(&self->nl));
	ASSERT_EQ(0, nl_open(&ask));
	ASSERT_EQ(0, nl_join(&self->nl, NL_ALERTS));
	/* Which has a kernel before 6.10 look. */
	nl_begin(&self->req, ZC_CMD_MODULE_GET);
	ASSERT_EQ(0, nl_do(&ask, &self->req, &self->msg));
	ASSERT_EQ(0, nl_stats(&ask, &self->before));
	nl_close(&ask);
	ASSERT_EQ(60, zct_param("held_after"));
	ASSERT_EQ(0, zct_param("idle_after"));
	/* What is told of once a second may be told of now. */
	usleep(1100000);
}

FIXTURE_TEARDOWN(alert)
{
	EXPECT_EQ(0, nl_grown(&self->nl, &self->before, ZC_A_STATS_EVENTS_LOST));
	nl_close(&self->nl);
	EXPECT_EQ(0, zct_param_set("held_after", 60));
	EXPECT_EQ(0, zct_param_set("idle_after", 0));
	EXPECT_EQ(0, zct_param_set("max_bytes", 0));
	close(self->fd);
	self->fd = zct_open();
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 5000));
	close(self->fd);
}

static bool next_is(SELF *self, uint8_t cmd)
{
	int ret = nl_event(&self->nl, &self->msg, MS);

	if (ret == 1 && self->msg.cmd == cmd)
		return true;
	printf("# %d: event %d, not %d\n", ret, self->msg.cmd, cmd);
	return false;
}

#define NOTHING(ms)	EXPECT_EQ(0, nl_event(&self->nl, &self->msg, ms))

TEST_F_TIMEOUT(alert, held, 120)
{
	struct zc_buf_create buf;
	uint32_t id;
	void *map;

	ASSERT_EQ(0, zct_create(self->fd, 2 * HUGE, 0, ZC_NODE_ANY, &buf));
	id = nl_buffer_id(self->fd, buf.handle);
	map = zct_map(self->fd, &buf);
	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(0, zct_destroy(self->fd, buf.handle));
	ASSERT_EQ(0, zct_param_set("held_after", 1));
	ASSERT_TRUE(next_is(self, ZC_CMD_BUFFER_LEAK_NTF));
	EXPECT_EQ(id, nl_u32(&self->msg, ZC_A_BUFFER_ID));
	EXPECT_EQ(0, nl_u32(&self->msg, ZC_A_BUFFER_STATE));
	EXPECT_EQ(1, nl_u32(&self->msg, ZC_A_BUFFER_MAPPINGS));
	EXPECT_LE(1000, nl_u64(&self->msg, ZC_A_BUFFER_IDLE_MS));
	EXPECT_EQ(getpid(), nl_u32(&self->msg, ZC_A_BUFFER_PID));
	/* Once. */
	NOTHING(2500);
	munmap(map, 2 * HUGE);
	NOTHING(300);
}

TEST_F_TIMEOUT(alert, idle, 120)
{
	struct zc_buf_create buf;
	uint32_t id;

	ASSERT_EQ(0, zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &buf));
	id = nl_buffer_id(self->fd, buf.handle);
	ASSERT_EQ(0, zct_param_set("idle_after", 1));
	ASSERT_TRUE(next_is(self, ZC_CMD_BUFFER_LEAK_NTF));
	EXPECT_EQ(id, nl_u32(&self->msg, ZC_A_BUFFER_ID));
	EXPECT_EQ(ZC_BUFFER_STATE_HANDLE, nl_u32(&self->msg, ZC_A_BUFFER_STATE));
	EXPECT_EQ(buf.handle, nl_u32(&self->msg, ZC_A_BUFFER_HANDLE));
	NOTHING(2500);
	/* Used, and forgotten again. */
	munmap(zct_map(self->fd, &buf), HUGE);
	ASSERT_TRUE(next_is(self, ZC_CMD_BUFFER_LEAK_NTF));
	EXPECT_EQ(id, nl_u32(&self->msg, ZC_A_BUFFER_ID));
}

static int set_reserve(SELF *self, uint64_t bytes)
{
	struct nl nl;
	int ret = nl_open(&nl);

	ret = ret ?: nl_set_reserve(&nl, 0, bytes);
	nl_close(&nl);
	return ret;
}

/* Less than a quarter of a reserve is left: told of once a second, as long as it is used. */
TEST_F_TIMEOUT(alert, reserve, 120)
{
	struct zc_buf_create buf[8];
	int i;

	ASSERT_EQ(0, set_reserve(self, 8 * HUGE));
	for (i = 0; i < 6; i++)
		ASSERT_EQ(0, zct_create(self->fd, HUGE, ZC_BUF_ZERO, 0, &buf[i]));
	NOTHING(300);
	for (; i < 8; i++)
		ASSERT_EQ(0, zct_create(self->fd, HUGE, ZC_BUF_ZERO, 0, &buf[i]));
	ASSERT_TRUE(next_is(self, ZC_CMD_POOL_LOW_NTF));
	EXPECT_EQ(0, nl_u32(&self->msg, ZC_A_POOL_NODE));
	EXPECT_EQ(8 * HUGE, nl_u64(&self->msg, ZC_A_POOL_RESERVE_BYTES));
	EXPECT_GE(HUGE, nl_u64(&self->msg, ZC_A_POOL_READY_BYTES));
	EXPECT_LE(6 * HUGE, nl_u64(&self->msg, ZC_A_POOL_OUT_BYTES));
	NOTHING(300);
	/* Again, after a second. */
	ASSERT_EQ(0, zct_destroy(self->fd, buf[7].handle));
	sleep(2);
	ASSERT_EQ(0, zct_create(self->fd, HUGE, ZC_BUF_ZERO, 0, &buf[7]));
	ASSERT_TRUE(next_is(self, ZC_CMD_POOL_LOW_NTF));
	for (i = 0; i < 8; i++)
		EXPECT_EQ(0, zct_destroy(self->fd, buf[i].handle));
	EXPECT_EQ(0, set_reserve(self, 0));
}

/* The module's limit has no node. */
TEST_F_TIMEOUT(alert, limit, 120)
{
	struct zc_buf_create buf;
	int i;

	ASSERT_EQ(0, zct_param_set("max_bytes", self->used + HUGE));
	for (i = 0; i < 20; i++)
		EXPECT_EQ(-ENOSPC, zct_create(self->fd, 2 * HUGE, 0, ZC_NODE_ANY, &buf));
	ASSERT_TRUE(next_is(self, ZC_CMD_POOL_LOW_NTF));
	EXPECT_EQ(ZC_SHORTAGE_LIMIT, nl_u32(&self->msg, ZC_A_POOL_SHORT));
	EXPECT_FALSE(nl_has(&self->msg, ZC_A_POOL_NODE));
	NOTHING(300);
	usleep(1200000);
	EXPECT_EQ(-ENOSPC, zct_create(self->fd, 2 * HUGE, 0, ZC_NODE_ANY, &buf));
	EXPECT_TRUE(next_is(self, ZC_CMD_POOL_LOW_NTF));
}

TEST_F_TIMEOUT(alert, target_gone, 120)
{
	struct zc_dma_query query;
	struct zc_buf_create buf;
	uint32_t target;
	struct edu edu;

	if (!edu_find(&edu, 0))
		SKIP(return, "no device with a DMA engine (QEMU's edu)");
	ASSERT_EQ(0, edu_begin(&edu, self->fd, 64));
	ASSERT_EQ(0, dma_query(self->fd, edu.target, &query));
	ASSERT_EQ(0, zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &buf));
	ASSERT_EQ(0, dma_map(self->fd, buf.handle, edu.target, BOTH | dma_bounce(), NULL));
	NOTHING(300);
	ASSERT_EQ(0, dma_detach(self->fd, edu.target));
	ASSERT_TRUE(next_is(self, ZC_CMD_TARGET_GONE_NTF));
	EXPECT_EQ(edu.target, nl_u32(&self->msg, ZC_A_TARGET_ID));
	EXPECT_STREQ(edu.name, nl_str(&self->msg, ZC_A_TARGET_NAME));
	EXPECT_STREQ(query.driver, nl_str(&self->msg, ZC_A_TARGET_DRIVER));
	EXPECT_EQ(query.mask, nl_u64(&self->msg, ZC_A_TARGET_MASK));
	/* What was mapped is not any more. */
	EXPECT_EQ(0, nl_u32(&self->msg, ZC_A_TARGET_MAPPINGS));
	/* What could not be attached has no number, and does not go. */
	EXPECT_EQ(-EIO, dma_attach(self->fd, edu.name, 12, &target));
	NOTHING(300);
	EXPECT_EQ(0, dma_attach(self->fd, edu.name, 0, &target));
	EXPECT_EQ(edu.target + 1, target);
	EXPECT_EQ(0, dma_detach(self->fd, target));
	ASSERT_TRUE(next_is(self, ZC_CMD_TARGET_GONE_NTF));
	edu_end(&edu, self->fd);
	NOTHING(300);
}

TEST_HARNESS_MAIN
