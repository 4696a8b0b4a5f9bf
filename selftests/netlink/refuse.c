// SPDX-License-Identifier: GPL-2.0-only
/* What the netlink family refuses: with a sentence that says why, and without a trace. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>

#include "kselftest_harness.h"
#include "nl.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(refuse)

#define NOT_THERE	0x7fffffff

static const char *const params[] = {
	"max_bytes", "depth", "copybreak", "held_after", "idle_after", "uring_life",
};

#define NR_PARAMS	(sizeof(params) / sizeof(*params))

FIXTURE(refuse)
{
	int fd;
	struct nl nl;
	struct nl_req req;
	struct nl_msg msg;
	long long before[NR_PARAMS];
};

FIXTURE_SETUP(refuse)
{
	unsigned int i;

	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, nl_open(&self->nl));
	for (i = 0; i < NR_PARAMS; i++)
		self->before[i] = zct_param(params[i]);
}

/* Whatever was refused has changed nothing. */
FIXTURE_TEARDOWN(refuse)
{
	struct zc_node_query node = { 0 };
	unsigned int i;

	for (i = 0; i < NR_PARAMS; i++)
		EXPECT_EQ(self->before[i], zct_param(params[i]));
	EXPECT_EQ(0, zct_ioctl(self->fd, ZC_IOC_NODE_QUERY, &node));
	EXPECT_EQ(0, node.reserve_bytes);
	nl_close(&self->nl);
	close(self->fd);
}

/* Is it refused, with @err and a sentence? @says is part of it, unless it is the kernel's. */
static bool refused(SELF *self, int err, const char *says)
{
	int ret = nl_do(&self->nl, &self->req, &self->msg);

	if (ret == err && self->nl.text[0] && (!says || strstr(self->nl.text, says)))
		return true;
	printf("# %d and \"%s\", not %d and \"%s\"\n", ret, self->nl.text, err, says ?: "…");
	return false;
}

static bool refused_dump(SELF *self, int err, const char *says)
{
	int ret = nl_dump(&self->nl, &self->req, NULL, NULL);

	if (ret == err && self->nl.text[0] && (!says || strstr(self->nl.text, says)))
		return true;
	printf("# %d and \"%s\", not %d and \"%s\"\n", ret, self->nl.text, err, says ?: "…");
	return false;
}

#define REFUSED(...)		EXPECT_TRUE(refused(self, __VA_ARGS__))
#define REFUSED_DUMP(...)	EXPECT_TRUE(refused_dump(self, __VA_ARGS__))

/* Attributes that the family does not know, or that are none of the command's. */
TEST_F(refuse, unknown_attribute)
{
	static const struct {
		uint8_t cmd;
		int id;
		int known;
	} cmds[] = {
		{ ZC_CMD_MODULE_SET, 0, ZC_A_MODULE_MAX },
		{ ZC_CMD_POOL_GET, ZC_A_POOL_NODE, ZC_A_POOL_MAX },
		{ ZC_CMD_POOL_SET, ZC_A_POOL_NODE, ZC_A_POOL_MAX },
		{ ZC_CMD_BUFFER_GET, ZC_A_BUFFER_ID, ZC_A_BUFFER_MAX },
		{ ZC_CMD_TRANSFER_GET, 0, ZC_A_TRANSFER_MAX },
		{ ZC_CMD_TARGET_GET, ZC_A_TARGET_ID, ZC_A_TARGET_MAX },
	};
	unsigned int i;

	for (i = 0; i < sizeof(cmds) / sizeof(*cmds); i++) {
		nl_begin(&self->req, cmds[i].cmd);
		if (cmds[i].id)
			nl_put_u32(&self->req, cmds[i].id, 1);
		nl_put_u32(&self->req, cmds[i].known + 1, 1);
		REFUSED(-EINVAL, NULL);
		EXPECT_NE(0, self->nl.at);
		if (cmds[i].cmd == ZC_CMD_MODULE_SET || cmds[i].cmd == ZC_CMD_POOL_SET)
			continue;
		REFUSED_DUMP(-EINVAL, NULL);
	}
	/* What is said, but cannot be asked for. */
	nl_begin(&self->req, ZC_CMD_MODULE_SET);
	nl_put_u64(&self->req, ZC_A_MODULE_USED_BYTES, 1);
	REFUSED(-EINVAL, NULL);
	nl_begin(&self->req, ZC_CMD_BUFFER_GET);
	nl_put_u64(&self->req, ZC_A_BUFFER_SIZE, 1);
	REFUSED_DUMP(-EINVAL, NULL);
	/* Of another size. */
	nl_begin(&self->req, ZC_CMD_BUFFER_GET);
	nl_put_u64(&self->req, ZC_A_BUFFER_ID, 1);
	REFUSED(-EINVAL, NULL);
	nl_begin(&self->req, ZC_CMD_TARGET_GET);
	nl_put(&self->req, ZC_A_TARGET_DRIVER, "no end", 6);
	REFUSED_DUMP(-EINVAL, NULL);
}

TEST_F(refuse, out_of_range)
{
	static const struct {
		uint8_t cmd;
		int attr;
		uint64_t val;
		bool wide;
	} vals[] = {
		{ ZC_CMD_MODULE_SET, ZC_A_MODULE_DEPTH, 0 },
		{ ZC_CMD_MODULE_SET, ZC_A_MODULE_DEPTH, 9 },
		{ ZC_CMD_BUFFER_GET, ZC_A_BUFFER_ID, 0 },
		{ ZC_CMD_BUFFER_GET, ZC_A_BUFFER_PID, 0 },
		{ ZC_CMD_TRANSFER_GET, ZC_A_TRANSFER_ID, 0, true },
		{ ZC_CMD_TRANSFER_GET, ZC_A_TRANSFER_SOURCE, 2 },
		{ ZC_CMD_TRANSFER_GET, ZC_A_TRANSFER_WAITER, 3 },
		{ ZC_CMD_TRANSFER_GET, ZC_A_TRANSFER_PID, 0 },
		{ ZC_CMD_TARGET_GET, ZC_A_TARGET_BUFFER, 0 },
	};
	char name[100];
	unsigned int i;

	for (i = 0; i < sizeof(vals) / sizeof(*vals); i++) {
		nl_begin(&self->req, vals[i].cmd);
		if (vals[i].wide)
			nl_put_u64(&self->req, vals[i].attr, vals[i].val);
		else
			nl_put_u32(&self->req, vals[i].attr, vals[i].val);
		REFUSED(-ERANGE, NULL);
		EXPECT_NE(0, self->nl.at);
	}
	/* Bits that there are not. */
	nl_begin(&self->req, ZC_CMD_BUFFER_GET);
	nl_put_u32(&self->req, ZC_A_BUFFER_STATE, 8);
	REFUSED_DUMP(-EINVAL, NULL);
	memset(name, 'a', sizeof(name));
	name[64] = 0;
	nl_begin(&self->req, ZC_CMD_TARGET_GET);
	nl_put(&self->req, ZC_A_TARGET_DRIVER, name, 65);
	REFUSED_DUMP(-EINVAL, NULL);
	nl_begin(&self->req, ZC_CMD_MODULE_SET);
	nl_put_u32(&self->req, ZC_A_MODULE_URING_LIFE, 60001);
	REFUSED(-ERANGE, "minute");
}

/* Of what can be set some is right: then none of it is set. */
TEST_F(refuse, all_or_none)
{
	nl_begin(&self->req, ZC_CMD_MODULE_SET);
	REFUSED(-EINVAL, "nothing is given");
	nl_put_u64(&self->req, ZC_A_MODULE_MAX_BYTES, 77 * HUGE);
	nl_put_u32(&self->req, ZC_A_MODULE_DEPTH, 2);
	nl_put_u32(&self->req, ZC_A_MODULE_COPYBREAK, 9);
	nl_put_u32(&self->req, ZC_A_MODULE_HELD_AFTER, 9);
	nl_put_u32(&self->req, ZC_A_MODULE_IDLE_AFTER, 9);
	nl_put_u32(&self->req, ZC_A_MODULE_URING_LIFE, UINT32_MAX);
	REFUSED(-ERANGE, "minute");
	nl_begin(&self->req, ZC_CMD_MODULE_SET);
	nl_put_u64(&self->req, ZC_A_MODULE_MAX_BYTES, 77 * HUGE);
	nl_put_u32(&self->req, ZC_A_MODULE_DEPTH, 99);
	REFUSED(-ERANGE, NULL);
}

static bool kernel_cancels(void)
{
	int major, minor;
	struct utsname u;

	uname(&u);
	return sscanf(u.release, "%d.%d", &major, &minor) == 2 && major * 1000 + minor >= 6007;
}

/* A command of io_uring that lasts for ever is for kernels that can end it. */
TEST_F(refuse, uring_life)
{
	nl_begin(&self->req, ZC_CMD_MODULE_SET);
	nl_put_u32(&self->req, ZC_A_MODULE_URING_LIFE, 0);
	if (!kernel_cancels()) {
		REFUSED(-EINVAL, "6.7");
		return;
	}
	EXPECT_EQ(0, nl_do(&self->nl, &self->req, NULL));
	EXPECT_EQ(0, zct_param("uring_life"));
	EXPECT_EQ(0, zct_param_set("uring_life", self->before[5]));
}

TEST_F(refuse, pool)
{
	nl_begin(&self->req, ZC_CMD_POOL_GET);
	REFUSED(-EINVAL, "no node");
	nl_put_u32(&self->req, ZC_A_POOL_NODE, 99);
	REFUSED(-EINVAL, "no such NUMA node");
	nl_begin(&self->req, ZC_CMD_POOL_GET);
	nl_put_u32(&self->req, ZC_A_POOL_NODE, UINT32_MAX);
	REFUSED(-EINVAL, "no such NUMA node");
	/* A dump of a node that is not there is empty. */
	EXPECT_EQ(0, nl_dump(&self->nl, &self->req, NULL, NULL));
	nl_begin(&self->req, ZC_CMD_POOL_SET);
	nl_put_u64(&self->req, ZC_A_POOL_RESERVE_BYTES, HUGE);
	REFUSED(-EINVAL, "no node");
	nl_begin(&self->req, ZC_CMD_POOL_SET);
	nl_put_u32(&self->req, ZC_A_POOL_NODE, 0);
	REFUSED(-EINVAL, "no reserve-bytes");
	nl_put_u64(&self->req, ZC_A_POOL_RESERVE_BYTES, HUGE + 4096);
	REFUSED(-EINVAL, "2 MiB");
	nl_begin(&self->req, ZC_CMD_POOL_SET);
	nl_put_u32(&self->req, ZC_A_POOL_NODE, 77);
	nl_put_u64(&self->req, ZC_A_POOL_RESERVE_BYTES, HUGE);
	REFUSED(-EINVAL, "no such NUMA node");
	nl_begin(&self->req, ZC_CMD_POOL_SET);
	nl_put_u32(&self->req, ZC_A_POOL_NODE, 0);
	nl_put_u64(&self->req, ZC_A_POOL_RESERVE_BYTES, UINT64_MAX & ~(HUGE - 1));
	REFUSED(-ERANGE, "more than any node");
}

/* One is asked for by its number, and by nothing else. */
TEST_F(refuse, do_without_id)
{
	static const struct {
		uint8_t cmd;
		int id;
		int filter;
		bool wide;
	} cmds[] = {
		{ ZC_CMD_BUFFER_GET, ZC_A_BUFFER_ID, ZC_A_BUFFER_UID },
		{ ZC_CMD_TRANSFER_GET, ZC_A_TRANSFER_ID, ZC_A_TRANSFER_UID, true },
		{ ZC_CMD_TARGET_GET, ZC_A_TARGET_ID, ZC_A_TARGET_BUFFER },
	};
	unsigned int i;

	for (i = 0; i < sizeof(cmds) / sizeof(*cmds); i++) {
		nl_begin(&self->req, cmds[i].cmd);
		REFUSED(-EINVAL, "no id is given");
		nl_put_u32(&self->req, cmds[i].filter, 1);
		REFUSED(-EINVAL, "filters are for dumps");
		if (cmds[i].wide)
			nl_put_u64(&self->req, cmds[i].id, 1);
		else
			nl_put_u32(&self->req, cmds[i].id, 1);
		REFUSED(-EINVAL, "filters are for dumps");
	}
}

TEST_F(refuse, not_there)
{
	struct zc_buf_create buf;
	uint32_t id;

	nl_begin(&self->req, ZC_CMD_BUFFER_GET);
	nl_put_u32(&self->req, ZC_A_BUFFER_ID, NOT_THERE);
	REFUSED(-ENOENT, "no buffer");
	nl_begin(&self->req, ZC_CMD_BUFFER_GET);
	nl_put_u32(&self->req, ZC_A_BUFFER_ID, UINT32_MAX);
	REFUSED(-ENOENT, "no buffer");
	nl_begin(&self->req, ZC_CMD_TRANSFER_GET);
	nl_put_u64(&self->req, ZC_A_TRANSFER_ID, NOT_THERE);
	REFUSED(-ENOENT, "no transfer");
	nl_begin(&self->req, ZC_CMD_TRANSFER_GET);
	nl_put_u64(&self->req, ZC_A_TRANSFER_ID, UINT64_MAX);
	REFUSED(-ENOENT, "no transfer");
	nl_begin(&self->req, ZC_CMD_TARGET_GET);
	nl_put_u32(&self->req, ZC_A_TARGET_ID, UINT32_MAX);
	REFUSED(-ENOENT, "no target");
	nl_begin(&self->req, ZC_CMD_TARGET_GET);
	nl_put_u32(&self->req, ZC_A_TARGET_BUFFER, NOT_THERE);
	REFUSED_DUMP(-ENOENT, "no buffer");
	/* One that its file has destroyed and may have again is none. */
	ASSERT_EQ(0, zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &buf));
	id = nl_buffer_id(self->fd, buf.handle);
	ASSERT_EQ(0, zct_destroy(self->fd, buf.handle));
	nl_begin(&self->req, ZC_CMD_BUFFER_GET);
	nl_put_u32(&self->req, ZC_A_BUFFER_ID, id);
	REFUSED(-ENOENT, "no buffer");
	nl_begin(&self->req, ZC_CMD_BUFFER_GET);
	EXPECT_EQ(0, nl_dump(&self->nl, &self->req, NULL, NULL));
}

/* Commands that there are not, or not as dumps; events are none. */
TEST_F(refuse, commands)
{
	int cmd;

	for (cmd = ZC_CMD_BUFFER_MADE_NTF; cmd < 256; cmd++) {
		nl_begin(&self->req, cmd);
		EXPECT_EQ(-EOPNOTSUPP, nl_do(&self->nl, &self->req, NULL));
	}
	for (cmd = ZC_CMD_MODULE_GET; cmd <= ZC_CMD_STATS_GET; cmd++) {
		if (cmd == ZC_CMD_POOL_GET || cmd == ZC_CMD_BUFFER_GET ||
		    cmd == ZC_CMD_TRANSFER_GET || cmd == ZC_CMD_TARGET_GET)
			continue;
		nl_begin(&self->req, cmd);
		EXPECT_EQ(-EOPNOTSUPP, nl_dump(&self->nl, &self->req, NULL, NULL));
	}
}

/* Bytes at random, in a request of every command: refused, or an answer. */
TEST_F_TIMEOUT(refuse, noise, 120)
{
	unsigned int seed = 1, round, i;
	int ret;

	for (round = 0; round < 20000; round++) {
		/* Nothing that sets something. */
		do {
			nl_begin(&self->req, rand_r(&seed) % (ZC_CMD_STATS_GET + 1));
		} while (self->req.buf[NLMSG_HDRLEN] == ZC_CMD_MODULE_SET ||
			 self->req.buf[NLMSG_HDRLEN] == ZC_CMD_POOL_SET);
		for (i = rand_r(&seed) % 60; i; i--)
			self->req.buf[self->req.len++] = rand_r(&seed) % 4 ?
				rand_r(&seed) % 12 : rand_r(&seed);
		ret = round & 1 ? nl_do(&self->nl, &self->req, &self->msg) :
				  nl_dump(&self->nl, &self->req, NULL, NULL);
		EXPECT_NE(-EFAULT, ret);
		EXPECT_NE(-EMSGSIZE, ret);
		if (ret == -EBADMSG)
			break;
	}
	EXPECT_EQ(20000, round);
}

TEST_HARNESS_MAIN
