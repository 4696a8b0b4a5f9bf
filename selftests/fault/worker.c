// SPDX-License-Identifier: GPL-2.0-only
/*
 * Workers, by whom transfers are done that nobody waits for: each allocation that the module asks
 * for in them fails in turn, as long as there is one more; then, at random, many of those that it
 * and what it calls ask for.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fault.h"
#include "kselftest_harness.h"
#include "xfer.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(worker)

#define NAME	EXT4_DIR "/zc-worker"
#define SHM	"/tmp/zc-worker"
#define SIZE	(2 * HUGE)

/* What may be sent without a waiter. */
static const struct way {
	const char *what;
	uint32_t flags;
	enum { COLD, HOT, SHMEM, BUFFER } from;
	/* Workers allocate so often at least. */
	unsigned int least;
} ways[] = {
	{ "direct", ZC_SEND_DIRECT, COLD, 3 },
	{ "missed", ZC_SEND_CACHED, COLD, 3 },
	{ "cold", 0, COLD, 3 },
	{ "hot", 0, HOT, 3 },
	{ "tmpfs", 0, SHMEM, 3 },
	/* All that it takes is taken before. */
	{ "buffer", 0, BUFFER, 0 },
};

#define NR_WAYS	(sizeof(ways) / sizeof(*ways))

FIXTURE(worker)
{
	int fd;
	int file;
	int shm;
	uint64_t used;
	struct zc_buf_create buf;
	struct xfer x;
};

FIXTURE_VARIANT(worker)
{
	enum xfer_how how;
};

FIXTURE_VARIANT_ADD(worker, async) { .how = ASYNC };
FIXTURE_VARIANT_ADD(worker, uring) { .how = URING };

FIXTURE_SETUP(worker)
{
	const char *why = fault_missing();
	void *map;

	if (why)
		SKIP(return, "%s", why);
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->file = zct_pattern_file(NAME, SIZE);
	self->shm = zct_pattern_file(SHM, SIZE);
	ASSERT_GE(self->file, 0);
	ASSERT_GE(self->shm, 0);
	ASSERT_EQ(0, zct_create(self->fd, SIZE, 0, ZC_NODE_ANY, &self->buf));
	map = zct_map(self->fd, &self->buf);
	ASSERT_NE(MAP_FAILED, map);
	zct_pattern(map, 0, SIZE);
	munmap(map, SIZE);
	ASSERT_EQ(0, zct_seal(self->fd, self->buf.handle));
	self->used = zct_used(self->fd);
	self->x = (struct xfer){ .fd = self->fd, .how = variant->how, .family = AF_INET,
				 .handle = self->buf.handle, .offset = 7,
				 .len = HUGE + 12345 };
	if (fault_begin_own())
		SKIP(return, "no filter by stack trace");
}

FIXTURE_TEARDOWN(worker)
{
	fault_restore();
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 2000));
	EXPECT_EQ(0, zct_destroy(self->fd, self->buf.handle));
	close(self->file);
	close(self->shm);
	close(self->fd);
	unlink(NAME);
	unlink(SHM);
}

static void choose(SELF *self, const struct way *way)
{
	self->x.flags = way->flags;
	self->x.in = way->from == BUFFER ? -1 : way->from == SHMEM ? self->shm : self->file;
	if (way->from == COLD)
		posix_fadvise(self->file, 0, 0, POSIX_FADV_DONTNEED);
	if (way->from == HOT && !zct_warm(self->file, 0, SIZE))
		abort();
}

/* Have the module free what it keeps for the next transfer: that allocates, then. */
static void forget(void)
{
	if (fault_write("/proc/sys/vm/drop_caches", "2"))
		abort();
}

/* The submission may fail; what was submitted does not, unless the page cache has to. */
static void judge(struct __test_metadata *_metadata, SELF *self, const struct way *way)
{
	struct xfer *x = &self->x;
	int err = x->ret ? -x->ret : x->error;

	EXPECT_EQ(x->sent, x->rx.bytes);
	EXPECT_EQ(-1, x->rx.bad);
	EXPECT_TRUE(xfer_may_say(x, err));
	if (x->how == ASYNC && !x->ret && way->flags != ZC_SEND_CACHED)
		EXPECT_EQ(0, err);
	if (!err)
		EXPECT_EQ(x->len, x->sent);
	if (!err && x->how == ASYNC && way->from == HOT)
		EXPECT_EQ(x->len, x->cached);
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 2000));
	if (!__test_passed(_metadata))
		TH_LOG("%s: call %d, error %d", way->what, x->ret, x->error);
}

/* All is well, without a failure. */
static void works(struct __test_metadata *_metadata, SELF *self, const struct way *way)
{
	choose(self, way);
	xfer_run(&self->x);
	EXPECT_EQ(0, self->x.ret ?: self->x.error);
	EXPECT_EQ(self->x.len, self->x.rx.bytes);
	EXPECT_EQ(-1, self->x.rx.bad);
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 2000));
}

static void each(struct __test_metadata *_metadata, SELF *self, const struct way *way)
{
	unsigned int n = 0;
	bool more = true;

	while (more) {
		ASSERT_LT(++n, 1000);
		choose(self, way);
		forget();
		fault_arm_workers(n);
		xfer_run(&self->x);
		judge(_metadata, self, way);
		more = fault_disarm();
		works(_metadata, self, way);
		if (!__test_passed(_metadata)) {
			TH_LOG("%s: allocation %u", way->what, n);
			return;
		}
	}
	TH_LOG("%s: %u allocations", way->what, fault_count());
	EXPECT_GE(fault_count(), way->least);
}

TEST_F_TIMEOUT(worker, each, 600)
{
	unsigned int i;

	for (i = 0; i < NR_WAYS; i++)
		each(_metadata, self, &ways[i]);
}

/* No memory for a while is no reason for a transfer without a waiter to fail. */
TEST_F_TIMEOUT(worker, many, 600)
{
	unsigned int i, failed = 0;

	ASSERT_EQ(0, fault_begin_module());
	for (i = 0; i < 5 * NR_WAYS; i++) {
		choose(self, &ways[i % NR_WAYS]);
		ASSERT_EQ(0, fault_spread(5, 20));
		xfer_run(&self->x);
		failed += fault_calm();
		judge(_metadata, self, &ways[i % NR_WAYS]);
	}
	TH_LOG("%u allocations failed", failed);
	EXPECT_GT(failed, 0);
	for (i = 0; i < NR_WAYS; i++)
		works(_metadata, self, &ways[i]);
}

TEST_HARNESS_MAIN
