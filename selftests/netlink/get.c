// SPDX-License-Identifier: GPL-2.0-only
/* What the netlink family says of the module, its memory, buffers and targets. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "dma.h"
#include "kselftest_harness.h"
#include "nl.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(get)

#define NR_BUFS	6

FIXTURE(get)
{
	int fd;
	uint64_t used;
	struct nl nl;
	struct nl_req req;
	struct nl_msg msg;
};

FIXTURE_SETUP(get)
{
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->used = zct_used(self->fd);
	ASSERT_EQ(0, nl_open(&self->nl));
}

FIXTURE_TEARDOWN(get)
{
	nl_close(&self->nl);
	close(self->fd);
	self->fd = zct_open();
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 2000));
	close(self->fd);
}

static int ask(SELF *self, uint8_t cmd)
{
	nl_begin(&self->req, cmd);
	return nl_do(&self->nl, &self->req, &self->msg);
}

/* The same as the ioctl and the parameters say. */
TEST_F_TIMEOUT(get, module, 120)
{
	struct zc_buf_create buf, gone;
	struct zc_query query = { 0 };

	ASSERT_EQ(0, zct_create(self->fd, 2 * HUGE, 0, ZC_NODE_ANY, &gone));
	ASSERT_EQ(0, zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &buf));
	ASSERT_EQ(0, zct_destroy(self->fd, gone.handle));
	ASSERT_EQ(0, ask(self, ZC_CMD_MODULE_GET));
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_QUERY, &query));
	EXPECT_EQ(ZC_CMD_MODULE_GET, self->msg.cmd);
	EXPECT_EQ(query.abi, nl_u32(&self->msg, ZC_A_MODULE_ABI));
	EXPECT_EQ(query.features, nl_u64(&self->msg, ZC_A_MODULE_FEATURES));
	EXPECT_LT(0, strlen(nl_str(&self->msg, ZC_A_MODULE_VERSION)));
	EXPECT_EQ(query.max_bytes, nl_u64(&self->msg, ZC_A_MODULE_MAX_BYTES));
	EXPECT_EQ(self->used + HUGE, nl_u64(&self->msg, ZC_A_MODULE_USED_BYTES));
	EXPECT_EQ(query.held_bytes, nl_u64(&self->msg, ZC_A_MODULE_HELD_BYTES));
	EXPECT_GE(2 * HUGE, nl_u64(&self->msg, ZC_A_MODULE_PARKED_BYTES));
	EXPECT_EQ(1, nl_u32(&self->msg, ZC_A_MODULE_BUFFERS));
	EXPECT_EQ(0, nl_u32(&self->msg, ZC_A_MODULE_TRANSFERS));
	EXPECT_EQ(zct_param("depth"), nl_u32(&self->msg, ZC_A_MODULE_DEPTH));
	EXPECT_EQ(zct_param("copybreak"), nl_u32(&self->msg, ZC_A_MODULE_COPYBREAK));
	EXPECT_EQ(zct_param("held_after"), nl_u32(&self->msg, ZC_A_MODULE_HELD_AFTER));
	EXPECT_EQ(zct_param("idle_after"), nl_u32(&self->msg, ZC_A_MODULE_IDLE_AFTER));
	EXPECT_EQ(zct_param("uring_life"), nl_u32(&self->msg, ZC_A_MODULE_URING_LIFE));
}

/* Each parameter alone, and all at once; the parameters in sysfs are the same ones. */
TEST_F_TIMEOUT(get, module_set, 120)
{
	static const struct {
		const char *name;
		int attr;
		uint64_t val;
		bool wide;
	} params[] = {
		{ "max_bytes", ZC_A_MODULE_MAX_BYTES, 123 * HUGE, true },
		{ "depth", ZC_A_MODULE_DEPTH, 3 },
		{ "copybreak", ZC_A_MODULE_COPYBREAK, 777 },
		{ "held_after", ZC_A_MODULE_HELD_AFTER, 4294967295 },
		{ "idle_after", ZC_A_MODULE_IDLE_AFTER, 86400 },
		{ "uring_life", ZC_A_MODULE_URING_LIFE, 12345 },
	};
	const size_t nr = sizeof(params) / sizeof(*params);
	long long was[nr];
	struct nl_req all;
	size_t i;

	nl_begin(&all, ZC_CMD_MODULE_SET);
	for (i = 0; i < nr; i++) {
		was[i] = zct_param(params[i].name);
		nl_begin(&self->req, ZC_CMD_MODULE_SET);
		if (params[i].wide) {
			nl_put_u64(&self->req, params[i].attr, params[i].val);
			nl_put_u64(&all, params[i].attr, params[i].val - 1);
		} else {
			nl_put_u32(&self->req, params[i].attr, params[i].val);
			nl_put_u32(&all, params[i].attr, params[i].val - 1);
		}
		EXPECT_EQ(0, nl_do(&self->nl, &self->req, NULL));
		EXPECT_EQ(params[i].val, zct_param(params[i].name));
	}
	EXPECT_EQ(0, nl_do(&self->nl, &all, NULL));
	for (i = 0; i < nr; i++) {
		EXPECT_EQ(params[i].val - 1, zct_param(params[i].name));
		EXPECT_EQ(0, zct_param_set(params[i].name, was[i]));
	}
	ASSERT_EQ(0, ask(self, ZC_CMD_MODULE_GET));
	EXPECT_EQ(was[1], nl_u32(&self->msg, ZC_A_MODULE_DEPTH));
	/* A quarter of the memory. */
	nl_begin(&self->req, ZC_CMD_MODULE_SET);
	nl_put_u64(&self->req, ZC_A_MODULE_MAX_BYTES, 0);
	EXPECT_EQ(0, nl_do(&self->nl, &self->req, NULL));
	ASSERT_EQ(0, ask(self, ZC_CMD_MODULE_GET));
	EXPECT_LT(zct_meminfo("MemTotal") / 5, nl_u64(&self->msg, ZC_A_MODULE_MAX_BYTES));
	EXPECT_GE(zct_meminfo("MemTotal") / 4 + 16 * HUGE,
		  nl_u64(&self->msg, ZC_A_MODULE_MAX_BYTES));
}

/* The attributes lie in what it was copied from. */
static bool count_nodes(const struct nl_msg *msg, void *data)
{
	unsigned int *nodes = data;

	*nodes |= 1u << nl_u32(msg, ZC_A_POOL_NODE);
	return nl_has(msg, ZC_A_POOL_RESERVE_BYTES);
}

TEST_F_TIMEOUT(get, pool, 120)
{
	struct zc_node_query query = { .node = 0 };
	unsigned int nodes = 0;

	ASSERT_EQ(0, nl_set_reserve(&self->nl, 0, 5 * HUGE));
	nl_begin(&self->req, ZC_CMD_POOL_GET);
	nl_put_u32(&self->req, ZC_A_POOL_NODE, 0);
	ASSERT_EQ(0, nl_do(&self->nl, &self->req, &self->msg));
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_NODE_QUERY, &query));
	EXPECT_EQ(5 * HUGE, query.reserve_bytes);
	EXPECT_EQ(0, nl_u32(&self->msg, ZC_A_POOL_NODE));
	EXPECT_EQ(5 * HUGE, nl_u64(&self->msg, ZC_A_POOL_RESERVE_BYTES));
	EXPECT_EQ(5 * HUGE, nl_u64(&self->msg, ZC_A_POOL_READY_BYTES));
	EXPECT_EQ(0, nl_u64(&self->msg, ZC_A_POOL_OUT_BYTES));
	EXPECT_LT(0, nl_u64(&self->msg, ZC_A_POOL_FREE_BYTES));
	EXPECT_GE(nl_u64(&self->msg, ZC_A_POOL_FREE_BYTES),
		  nl_u64(&self->msg, ZC_A_POOL_FREE_HUGE_BYTES));
	EXPECT_EQ(ZC_SHORTAGE_NONE, nl_u32(&self->msg, ZC_A_POOL_SHORT));
	/* All nodes, and one of them. */
	nl_begin(&self->req, ZC_CMD_POOL_GET);
	EXPECT_EQ(2, nl_dump(&self->nl, &self->req, count_nodes, &nodes));
	EXPECT_EQ(3, nodes);
	nodes = 0;
	nl_put_u32(&self->req, ZC_A_POOL_NODE, 1);
	EXPECT_EQ(1, nl_dump(&self->nl, &self->req, count_nodes, &nodes));
	EXPECT_EQ(2, nodes);
	ASSERT_EQ(0, nl_set_reserve(&self->nl, 0, 0));
	/* More than the limit allows: it succeeds, and says why it is short. */
	ASSERT_EQ(0, zct_param_set("max_bytes", self->used + 2 * HUGE));
	EXPECT_EQ(0, nl_set_reserve(&self->nl, 0, 9 * HUGE));
	nl_begin(&self->req, ZC_CMD_POOL_GET);
	nl_put_u32(&self->req, ZC_A_POOL_NODE, 0);
	ASSERT_EQ(0, nl_do(&self->nl, &self->req, &self->msg));
	EXPECT_EQ(9 * HUGE, nl_u64(&self->msg, ZC_A_POOL_RESERVE_BYTES));
	EXPECT_EQ(ZC_SHORTAGE_LIMIT, nl_u32(&self->msg, ZC_A_POOL_SHORT));
	EXPECT_EQ(0, zct_param_set("max_bytes", 0));
	EXPECT_EQ(0, nl_set_reserve(&self->nl, 0, 0));
}

static int ask_buffer(SELF *self, uint32_t id)
{
	nl_begin(&self->req, ZC_CMD_BUFFER_GET);
	nl_put_u32(&self->req, ZC_A_BUFFER_ID, id);
	return nl_do(&self->nl, &self->req, &self->msg);
}

TEST_F_TIMEOUT(get, buffer, 120)
{
	struct nl_msg *msg = &self->msg, *holder = malloc(sizeof(*holder));
	struct zc_buf_create buf;
	void *map, *again;
	uint32_t id;

	ASSERT_EQ(0, zct_create(self->fd, 3 * HUGE, 0, 1, &buf));
	id = nl_buffer_id(self->fd, buf.handle);
	ASSERT_NE(0, id);
	/* The clock of an age is that of the ticks, some of which may come late. */
	usleep(200000);
	ASSERT_EQ(0, ask_buffer(self, id));
	EXPECT_EQ(id, nl_u32(msg, ZC_A_BUFFER_ID));
	EXPECT_EQ(ZC_BUFFER_STATE_HANDLE, nl_u32(msg, ZC_A_BUFFER_STATE));
	EXPECT_EQ(getpid(), nl_u32(msg, ZC_A_BUFFER_PID));
	EXPECT_EQ(0, nl_u32(msg, ZC_A_BUFFER_UID));
	EXPECT_STREQ("get", nl_str(msg, ZC_A_BUFFER_COMM));
	EXPECT_EQ(3 * HUGE, nl_u64(msg, ZC_A_BUFFER_SIZE));
	EXPECT_EQ(3 * HUGE, nl_u64(msg, ZC_A_BUFFER_HUGE_BYTES));
	EXPECT_EQ(0, nl_u64(msg, ZC_A_BUFFER_HELD_BYTES));
	EXPECT_LE(160, nl_u64(msg, ZC_A_BUFFER_AGE_MS));
	EXPECT_GT(60000, nl_u64(msg, ZC_A_BUFFER_AGE_MS));
	EXPECT_LE(160, nl_u64(msg, ZC_A_BUFFER_IDLE_MS));
	EXPECT_EQ(buf.handle, nl_u32(msg, ZC_A_BUFFER_HANDLE));
	EXPECT_EQ(0, nl_u32(msg, ZC_A_BUFFER_FLAGS));
	EXPECT_EQ(1, nl_u32(msg, ZC_A_BUFFER_NODE));
	EXPECT_EQ(0, nl_u32(msg, ZC_A_BUFFER_MAPPINGS));
	EXPECT_EQ(0, nl_u32(msg, ZC_A_BUFFER_SENDS));
	EXPECT_EQ(0, nl_u32(msg, ZC_A_BUFFER_TARGETS));
	/* Asked for alone, with its holders. */
	EXPECT_EQ(0, nl_u32(msg, ZC_A_BUFFER_HOLDERS));
	EXPECT_FALSE(nl_has(msg, ZC_A_BUFFER_HOLDER));
	ASSERT_EQ(0, zct_seal(self->fd, buf.handle));
	map = mmap(NULL, buf.size, PROT_READ, MAP_SHARED, self->fd, buf.mmap_offset);
	again = mmap(NULL, HUGE, PROT_READ, MAP_SHARED, self->fd, buf.mmap_offset);
	ASSERT_NE(MAP_FAILED, map);
	ASSERT_NE(MAP_FAILED, again);
	ASSERT_EQ(0, dma_map(self->fd, buf.handle, ZC_DMA_OWN, ZC_DMA_TO_DEVICE | dma_bounce(),
			     NULL));
	ASSERT_EQ(0, ask_buffer(self, id));
	EXPECT_EQ(ZC_BUFFER_STATE_HANDLE | ZC_BUFFER_STATE_SEALED,
		  nl_u32(msg, ZC_A_BUFFER_STATE));
	EXPECT_EQ(2, nl_u32(msg, ZC_A_BUFFER_MAPPINGS));
	EXPECT_EQ(1, nl_u32(msg, ZC_A_BUFFER_TARGETS));
	EXPECT_EQ(1, nl_u32(msg, ZC_A_BUFFER_HOLDERS));
	ASSERT_EQ(1, msg->nr[ZC_A_BUFFER_HOLDER]);
	nl_inner(holder, msg, ZC_A_BUFFER_HOLDER);
	EXPECT_EQ(getpid(), nl_u32(holder, ZC_A_HOLDER_PID));
	EXPECT_EQ(0, nl_u32(holder, ZC_A_HOLDER_UID));
	EXPECT_EQ(2, nl_u32(holder, ZC_A_HOLDER_MAPPINGS));
	/* Without its handle it is still there, as it is mapped. */
	ASSERT_EQ(0, dma_unmap(self->fd, buf.handle, ZC_DMA_OWN));
	ASSERT_EQ(0, zct_destroy(self->fd, buf.handle));
	ASSERT_EQ(0, ask_buffer(self, id));
	EXPECT_EQ(ZC_BUFFER_STATE_SEALED, nl_u32(msg, ZC_A_BUFFER_STATE));
	EXPECT_FALSE(nl_has(msg, ZC_A_BUFFER_HANDLE));
	munmap(map, buf.size);
	munmap(again, HUGE);
	EXPECT_EQ(-ENOENT, ask_buffer(self, id));
	free(holder);
}

/**
 * struct seen - which of some buffers a dump has shown
 * @ids:  numbers of the buffers
 * @seen: which of them, a bit each
 * @more: others
 * @held: how many had holders
 */
struct seen {
	uint32_t ids[NR_BUFS];
	unsigned int seen;
	unsigned int more;
	unsigned int held;
};

static bool see(const struct nl_msg *msg, void *data)
{
	struct seen *seen = data;
	uint32_t id = nl_u32(msg, ZC_A_BUFFER_ID);
	int i;

	seen->held += nl_has(msg, ZC_A_BUFFER_HOLDERS);
	for (i = 0; i < NR_BUFS; i++) {
		if (seen->ids[i] == id) {
			/* Not twice. */
			if (seen->seen & 1u << i)
				return false;
			seen->seen |= 1u << i;
			return true;
		}
	}
	seen->more++;
	return true;
}

struct filter {
	int attr;
	uint32_t val;
};

/* The buffers that pass, a bit each; or ~0 if the dump fails, or shows others. */
static unsigned int pass(SELF *self, struct seen *seen, const struct filter *filters, int nr)
{
	int i, ret;

	nl_begin(&self->req, ZC_CMD_BUFFER_GET);
	for (i = 0; i < nr; i++) {
		if (filters[i].attr == ZC_A_BUFFER_WITH_HOLDERS)
			nl_put(&self->req, filters[i].attr, NULL, 0);
		else
			nl_put_u32(&self->req, filters[i].attr, filters[i].val);
	}
	seen->seen = 0;
	seen->more = 0;
	seen->held = 0;
	ret = nl_dump(&self->nl, &self->req, see, seen);
	return ret >= 0 && !seen->more ? seen->seen : ~0u;
}

/* Someone else's process makes buffer 4, another user buffer 5, in the file of this one. */
static int make_as(void *data)
{
	int *arg = data;
	struct zc_buf_create buf;

	if (arg[1] && !nl_be_nobody())
		return 1;
	if (zct_create(arg[0], HUGE, 0, ZC_NODE_ANY, &buf))
		return 2;
	return buf.handle < 100 ? 100 + (int)buf.handle % 20 : 3;
}

#define PASS(...)	pass(self, &seen, (struct filter[]){ __VA_ARGS__ }, \
			     sizeof((struct filter[]){ __VA_ARGS__ }) / sizeof(struct filter))

/* 0 plain, 1 sealed, 2 sealed and mapped for target 0, 3 plain and mapped for it, 4, 5. */
TEST_F_TIMEOUT(get, buffer_filters, 120)
{
	const unsigned int flags = ZC_DMA_TO_DEVICE | dma_bounce();
	uint32_t sealed = ZC_BUFFER_STATE_SEALED, handle = ZC_BUFFER_STATE_HANDLE;
	struct zc_buf_create buf[4];
	struct seen seen = { 0 };
	int arg[2] = { self->fd, 0 }, i, ret;

	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &buf[i]));
		seen.ids[i] = nl_buffer_id(self->fd, buf[i].handle);
	}
	for (; i < 6; i++) {
		arg[1] = i - 4;
		ret = nl_in_child(make_as, arg);
		ASSERT_LE(100, ret);
		seen.ids[i] = nl_buffer_id(self->fd, ret - 100);
		ASSERT_NE(0, seen.ids[i]);
	}
	ASSERT_EQ(0, zct_seal(self->fd, buf[1].handle));
	ASSERT_EQ(0, zct_seal(self->fd, buf[2].handle));
	for (i = 2; i < 4; i++)
		ASSERT_EQ(0, dma_map(self->fd, buf[i].handle, ZC_DMA_OWN, flags, NULL));
	EXPECT_EQ(0x3f, pass(self, &seen, NULL, 0));
	EXPECT_EQ(0, seen.held);
	EXPECT_EQ(0x3f, PASS({ ZC_A_BUFFER_WITH_HOLDERS }));
	EXPECT_EQ(6, seen.held);
	EXPECT_EQ(0x02, PASS({ ZC_A_BUFFER_ID, seen.ids[1] }));
	EXPECT_EQ(0x3f, PASS({ ZC_A_BUFFER_STATE, handle }));
	EXPECT_EQ(0x06, PASS({ ZC_A_BUFFER_STATE, sealed }));
	EXPECT_EQ(0x06, PASS({ ZC_A_BUFFER_STATE, sealed | handle }));
	EXPECT_EQ(0x00, PASS({ ZC_A_BUFFER_STATE, ZC_BUFFER_STATE_IMPORTED }));
	EXPECT_EQ(0x3f, PASS({ ZC_A_BUFFER_STATE, 0 }));
	EXPECT_EQ(0x39, PASS({ ZC_A_BUFFER_STATE_NOT, sealed }));
	EXPECT_EQ(0x00, PASS({ ZC_A_BUFFER_STATE_NOT, handle }));
	EXPECT_EQ(0x00, PASS({ ZC_A_BUFFER_STATE, sealed }, { ZC_A_BUFFER_STATE_NOT, sealed }));
	EXPECT_EQ(0x0f, PASS({ ZC_A_BUFFER_PID, getpid() }));
	EXPECT_EQ(0x00, PASS({ ZC_A_BUFFER_PID, getppid() }));
	EXPECT_EQ(0x20, PASS({ ZC_A_BUFFER_UID, NOBODY }));
	EXPECT_EQ(0x1f, PASS({ ZC_A_BUFFER_UID, 0 }));
	EXPECT_EQ(0x0c, PASS({ ZC_A_BUFFER_TARGET, ZC_DMA_OWN }));
	EXPECT_EQ(0x00, PASS({ ZC_A_BUFFER_TARGET, NO_TARGET }));
	/* All that is given has to match. */
	EXPECT_EQ(0x04, PASS({ ZC_A_BUFFER_TARGET, 0 }, { ZC_A_BUFFER_STATE, sealed }));
	EXPECT_EQ(0x00, PASS({ ZC_A_BUFFER_ID, seen.ids[1] }, { ZC_A_BUFFER_ID, 0x7fffffff }));
	EXPECT_EQ(0x00, PASS({ ZC_A_BUFFER_UID, NOBODY }, { ZC_A_BUFFER_PID, getpid() }));
	EXPECT_EQ(0x04, PASS({ ZC_A_BUFFER_TARGET, 0 }, { ZC_A_BUFFER_STATE, sealed | handle },
			     { ZC_A_BUFFER_PID, getpid() }, { ZC_A_BUFFER_UID, 0 },
			     { ZC_A_BUFFER_ID, seen.ids[2] }, { ZC_A_BUFFER_WITH_HOLDERS }));
	EXPECT_EQ(1, seen.held);
}

static bool count_targets(const struct nl_msg *msg, void *data)
{
	uint32_t id = nl_u32(msg, ZC_A_TARGET_ID);
	unsigned int *targets = data;

	*targets |= 1u << (id < 31 ? id : 31);
	return true;
}

/* Targets that match, a bit each; or ~0. */
static unsigned int targets(SELF *self, const char *driver, uint32_t buffer)
{
	unsigned int targets = 0;

	nl_begin(&self->req, ZC_CMD_TARGET_GET);
	if (driver)
		nl_put(&self->req, ZC_A_TARGET_DRIVER, driver, strlen(driver) + 1);
	if (buffer)
		nl_put_u32(&self->req, ZC_A_TARGET_BUFFER, buffer);
	return nl_dump(&self->nl, &self->req, count_targets, &targets) < 0 ? ~0u : targets;
}

TEST_F_TIMEOUT(get, target, 120)
{
	struct zc_dma_query query;
	struct zc_buf_create buf;
	uint32_t id;

	ASSERT_EQ(0, dma_query(self->fd, ZC_DMA_OWN, &query));
	nl_begin(&self->req, ZC_CMD_TARGET_GET);
	nl_put_u32(&self->req, ZC_A_TARGET_ID, ZC_DMA_OWN);
	ASSERT_EQ(0, nl_do(&self->nl, &self->req, &self->msg));
	EXPECT_EQ(ZC_DMA_OWN, nl_u32(&self->msg, ZC_A_TARGET_ID));
	EXPECT_STREQ("platform:zc", nl_str(&self->msg, ZC_A_TARGET_NAME));
	EXPECT_STREQ(query.driver, nl_str(&self->msg, ZC_A_TARGET_DRIVER));
	EXPECT_EQ(query.mask, nl_u64(&self->msg, ZC_A_TARGET_MASK));
	EXPECT_EQ(query.max_mapping, nl_u64(&self->msg, ZC_A_TARGET_MAX_MAPPING));
	EXPECT_EQ(0, nl_u32(&self->msg, ZC_A_TARGET_MAPPINGS));
	ASSERT_EQ(0, zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &buf));
	id = nl_buffer_id(self->fd, buf.handle);
	EXPECT_EQ(1, targets(self, NULL, 0) & 1);
	EXPECT_EQ(1, targets(self, query.driver, 0) & 1);
	EXPECT_EQ(0, targets(self, "none", 0));
	EXPECT_EQ(0, targets(self, NULL, id));
	ASSERT_EQ(0, dma_map(self->fd, buf.handle, 0, ZC_DMA_TO_DEVICE | dma_bounce(), NULL));
	EXPECT_EQ(1, targets(self, NULL, id));
	EXPECT_EQ(1, targets(self, query.driver, id));
	EXPECT_EQ(0, targets(self, "none", id));
	ASSERT_EQ(0, nl_do(&self->nl, (nl_begin(&self->req, ZC_CMD_TARGET_GET),
				       nl_put_u32(&self->req, ZC_A_TARGET_ID, 0), &self->req),
			   &self->msg));
	EXPECT_EQ(1, nl_u32(&self->msg, ZC_A_TARGET_MAPPINGS));
	/* A buffer that is not there is an error, at the end of the dump. */
	EXPECT_EQ(~0u, targets(self, NULL, 0x7fffffff));
	EXPECT_LT(0, strlen(self->nl.text));
}

TEST_HARNESS_MAIN
