// SPDX-License-Identifier: GPL-2.0-only
/* The netlink family: each allocation of an answer, of a dump and of an event fails in turn. */
#include <errno.h>
#include <sys/socket.h>
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
	/* Of a transfer, to be asked for */
	uint64_t transfer;
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
	EXPECT_EQ(0, zct_param_set("reserve", 0));
	EXPECT_EQ(self->used, zct_used(self->fd));
	close(self->fd);
}

/* What each request begins with. */
static void begin(SELF *self, int cmd)
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
		nl_put_u32(&self->req, ZC_A_BUFFER_ID,
			   nl_buffer_id(self->fd, self->buf.handle));
		break;
	case ZC_CMD_TRANSFER_GET:
		nl_put_u64(&self->req, ZC_A_TRANSFER_ID, self->transfer);
		break;
	case ZC_CMD_TARGET_GET:
		nl_put_u32(&self->req, ZC_A_TARGET_ID, ZC_DMA_OWN);
		break;
	}
}

/* Do it by a socket of its own, with the allocation @nth failing, if not 0. */
static int ask(SELF *self, int cmd, bool dump, unsigned int nth, bool *injected)
{
	int ret = nl_open(&self->nl);

	*injected = false;
	if (ret)
		return ret;
	if (dump)
		nl_begin(&self->req, cmd);
	else
		begin(self, cmd);
	fault_arm(nth);
	ret = dump ? nl_dump(&self->nl, &self->req, NULL, NULL) :
		     nl_do(&self->nl, &self->req, &self->msg);
	*injected = fault_disarm();
	nl_close(&self->nl);
	return ret;
}

/* It fails for want of memory alone, leaves nothing, and works as soon as there is some. */
static void fail_each(struct __test_metadata *_metadata, SELF *self, int cmd,
		      bool dump)
{
	uint64_t used = zct_used(self->fd);
	bool injected = true, none;
	unsigned int n = 0;
	int ret;

	while (injected) {
		ASSERT_LT(++n, 200);
		ret = ask(self, cmd, dump, n, &injected);
		EXPECT_TRUE(ret >= 0 || (injected && (ret == -ENOMEM || ret == -ENOBUFS)))
			TH_LOG("command %d: %u: %d", cmd, n, ret);
		EXPECT_TRUE(zct_used_becomes(self->fd, used, 2000));
		EXPECT_LE(0, ask(self, cmd, dump, 0, &none)) TH_LOG("command %d: %u", cmd, n);
	}
	EXPECT_LE(2, fault_count()) TH_LOG("command %d has only %u", cmd, fault_count());
}

static bool take_id(const struct nl_msg *msg, void *data)
{
	*(uint64_t *)data = nl_u64(msg, ZC_A_TRANSFER_ID);
	return true;
}

/* To a peer that does not read, until one of the two sockets is closed. */
static int begin_transfer(SELF *self, int sock[2])
{
	struct zc_buf_create buf;
	struct zc_send arg = { .flags = ZC_SEND_ASYNC };
	int ret;

	ret = zct_create(self->fd, 4 * HUGE, 0, ZC_NODE_ANY, &buf) ?: zct_pair(AF_INET, sock);
	if (ret)
		return ret;
	arg.handle = buf.handle;
	arg.out_fd = sock[0];
	arg.len = buf.size;
	ret = zct_ioctl(self->fd, ZC_IOC_SEND, &arg) ?: zct_destroy(self->fd, buf.handle);
	nl_begin(&self->req, ZC_CMD_TRANSFER_GET);
	return ret ?: nl_dump(&self->nl, &self->req, take_id, &self->transfer) == 1 ? 0 : -ENOENT;
}

TEST_F_TIMEOUT(netlink, answers, 600)
{
	static const int cmds[] = {
		ZC_CMD_MODULE_GET, ZC_CMD_MODULE_SET, ZC_CMD_POOL_GET, ZC_CMD_POOL_SET,
		ZC_CMD_BUFFER_GET, ZC_CMD_TARGET_GET, ZC_CMD_STATS_GET, ZC_CMD_TRANSFER_GET,
	};
	unsigned int i;
	int sock[2];

	ASSERT_EQ(0, nl_open(&self->nl));
	ASSERT_EQ(0, begin_transfer(self, sock));
	nl_close(&self->nl);
	for (i = 0; i < sizeof(cmds) / sizeof(*cmds); i++)
		fail_each(_metadata, self, cmds[i], false);
	close(sock[1]);
	close(sock[0]);
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 5000));
}

static uint64_t ready_bytes(SELF *self)
{
	begin(self, ZC_CMD_POOL_GET);
	if (nl_do(&self->nl, &self->req, &self->msg))
		return UINT64_MAX;
	return nl_u64(&self->msg, ZC_A_POOL_READY_BYTES);
}

/* A reserve that finds no memory says so, and is filled as soon as there is some. */
TEST_F_TIMEOUT(netlink, reserve, 120)
{
	const uint64_t want = 16 * HUGE;
	int ret = fault_spread(50, 1000), i;

	if (ret == -EOPNOTSUPP)
		SKIP(return, "no filter by stack trace");
	ASSERT_EQ(0, nl_open(&self->nl));
	/* Who asks for it may find no memory, either. */
	for (i = 0; i < 100 && (!i || ret == -ENOMEM); i++)
		ret = nl_set_reserve(&self->nl, 0, want);
	EXPECT_EQ(0, ret);
	EXPECT_LT(0, fault_calm());
	EXPECT_GT(want, ready_bytes(self));
	EXPECT_LT(ZC_SHORTAGE_NONE, nl_u32(&self->msg, ZC_A_POOL_SHORT));
	EXPECT_EQ(0, nl_set_reserve(&self->nl, 0, want));
	/* What it says at first may be of the time before. */
	for (i = 0; i < 2000 && ready_bytes(self) != want; i++)
		usleep(10000);
	EXPECT_EQ(want, ready_bytes(self));
	EXPECT_EQ(ZC_SHORTAGE_NONE, nl_u32(&self->msg, ZC_A_POOL_SHORT));
	EXPECT_EQ(0, nl_set_reserve(&self->nl, 0, 0));
	nl_close(&self->nl);
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
	TH_LOG("%u allocations: %u buffers failed, %u events lost", fault_count(),
	       failed, lost);
	EXPECT_LT(1, lost);
	nl_close(&listener);
	nl_close(&self->nl);
}

TEST_HARNESS_MAIN
