// SPDX-License-Identifier: GPL-2.0-only
/* The netlink family: each allocation of an answer, of a dump and of an event fails in turn. */
#include <errno.h>
#include <unistd.h>

#include "fault.h"
#include "kselftest_harness.h"
#include "nl.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(netlink)

FIXTURE(netlink)
{
	int fd;
	uint64_t used;
	struct zc_buf_create buf;
	struct nl nl;
	struct nl_req req;
	struct nl_msg msg;
};

FIXTURE_SETUP(netlink)
{
	const char *why = fault_missing();

	if (why)
		SKIP(return, "%s", why);
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &self->buf));
	self->used = zct_used(self->fd);
	ASSERT_EQ(0, fault_begin());
}

FIXTURE_TEARDOWN(netlink)
{
	fault_restore();
	EXPECT_EQ(self->used, zct_used(self->fd));
	close(self->fd);
}

/* What each request begins with. */
static void begin(SELF *self, int cmd, uint32_t id)
{
	nl_begin(&self->req, cmd);
	switch (cmd) {
	case ZC_CMD_POOL_GET:
		nl_put_u32(&self->req, ZC_A_POOL_NODE, 0);
		break;
	case ZC_CMD_POOL_SET:
		nl_put_u32(&self->req, ZC_A_POOL_NODE, 0);
		nl_put_u64(&self->req, ZC_A_POOL_RESERVE_BYTES, 0);
		break;
	case ZC_CMD_MODULE_SET:
		nl_put_u64(&self->req, ZC_A_MODULE_MAX_BYTES, 0);
		break;
	case ZC_CMD_BUFFER_GET:
		nl_put_u32(&self->req, ZC_A_BUFFER_ID, id);
		break;
	case ZC_CMD_TARGET_GET:
		nl_put_u32(&self->req, ZC_A_TARGET_ID, ZC_DMA_OWN);
		break;
	}
}

/* It fails for want of memory alone, and works as soon as there is some. */
static void fail_each(struct __test_metadata *_metadata, SELF *self, int cmd,
		      bool dump)
{
	uint32_t id = nl_buffer_id(self->fd, self->buf.handle);
	unsigned int n = 0;
	bool injected = true;
	int ret;

	while (injected) {
		ASSERT_LT(++n, 200);
		ASSERT_EQ(0, nl_open(&self->nl));
		if (dump)
			nl_begin(&self->req, cmd);
		else
			begin(self, cmd, id);
		fault_arm(n);
		ret = dump ? nl_dump(&self->nl, &self->req, NULL, NULL) :
			     nl_do(&self->nl, &self->req, &self->msg);
		injected = fault_disarm();
		EXPECT_TRUE(ret >= 0 || (injected && (ret == -ENOMEM || ret == -ENOBUFS)))
			TH_LOG("command %d: %u: %d", cmd, n, ret);
		nl_close(&self->nl);
	}
	EXPECT_LT(2, n) TH_LOG("command %d has only %u", cmd, n - 1);
}

TEST_F_TIMEOUT(netlink, answers, 600)
{
	static const int cmds[] = {
		ZC_CMD_MODULE_GET, ZC_CMD_MODULE_SET, ZC_CMD_POOL_GET, ZC_CMD_POOL_SET,
		ZC_CMD_BUFFER_GET, ZC_CMD_TARGET_GET, ZC_CMD_STATS_GET,
	};
	unsigned int i;

	for (i = 0; i < sizeof(cmds) / sizeof(*cmds); i++)
		fail_each(_metadata, self, cmds[i], false);
}

TEST_F_TIMEOUT(netlink, dumps, 600)
{
	static const int cmds[] = {
		ZC_CMD_POOL_GET, ZC_CMD_BUFFER_GET, ZC_CMD_TRANSFER_GET, ZC_CMD_TARGET_GET,
	};
	unsigned int i;

	for (i = 0; i < sizeof(cmds) / sizeof(*cmds); i++)
		fail_each(_metadata, self, cmds[i], true);
}

/* What arrives, what the module counts as lost, and what the socket says is lost: all. */
TEST_F_TIMEOUT(netlink, events, 600)
{
	unsigned int n = 0, lost = 0, failed = 0;
	bool injected = true;
	struct nl_stats before;
	struct nl listener;
	int ret, heard;

	ASSERT_EQ(0, nl_open(&self->nl));
	ASSERT_EQ(0, nl_open(&listener));
	ASSERT_EQ(0, nl_join(&listener, NL_BUFFERS));
	/* Also for kernels that do not say when somebody listens. */
	nl_begin(&self->req, ZC_CMD_MODULE_GET);
	ASSERT_EQ(0, nl_do(&self->nl, &self->req, &self->msg));
	while (injected) {
		struct zc_buf_create buf;
		bool overrun = false;
		uint64_t grown;

		ASSERT_LT(++n, 200);
		ASSERT_EQ(0, nl_stats(&self->nl, &before));
		fault_arm(n);
		ret = zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &buf);
		if (!ret)
			EXPECT_EQ(0, zct_destroy(self->fd, buf.handle));
		injected = fault_disarm();
		EXPECT_TRUE(!ret || (injected && ret == -ENOMEM)) TH_LOG("%u: %d", n, ret);
		grown = nl_grown(&self->nl, &before, ZC_A_STATS_EVENTS_LOST);
		for (heard = 0; (ret = nl_event(&listener, &self->msg, 20)); heard += ret > 0)
			overrun |= ret == -ENOBUFS;
		if (!heard && !grown && !overrun)
			failed++;
		else
			EXPECT_TRUE(overrun || heard + grown == 2)
				TH_LOG("%u: %d heard, %d lost", n, heard, (int)grown);
		lost += grown || overrun;
	}
	TH_LOG("%u allocations: %u buffers failed, %u events lost", n - 1, failed, lost);
	EXPECT_LT(1, lost);
	nl_close(&listener);
	nl_close(&self->nl);
}

TEST_HARNESS_MAIN
