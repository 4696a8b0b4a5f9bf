// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module's parameters in sysfs: each allocation of reading and of setting them fails in turn.
 * One that could not be set is as it was.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"
#include "kselftest_harness.h"
#include "zc_test.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(params)
#define FOLDER	"/sys/module/zc/parameters/"

/* Two values of each, both of which may be set. */
static const struct param {
	const char *path;
	const char *val[2];
} params[] = {
	{ FOLDER "max_bytes", { "268435456", "134217728" } },
	{ FOLDER "reserve", { "4", "0" } },
	{ FOLDER "copybreak", { "1024", "0" } },
	{ FOLDER "depth", { "4", "8" } },
	{ FOLDER "held_after", { "30", "60" } },
	{ FOLDER "idle_after", { "30", "0" } },
	{ FOLDER "uring_life", { "1000", "2000" } },
};

#define NR	(sizeof(params) / sizeof(*params))

FIXTURE(params)
{
	int fd;
	char before[NR][64];
	/* How the kernel writes the values of the one that is looked at */
	char said[2][64];
};

FIXTURE_SETUP(params)
{
	const char *why = fault_missing();
	unsigned int i;

	if (why)
		SKIP(return, "%s", why);
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	for (i = 0; i < NR; i++)
		ASSERT_EQ(0, fault_read(params[i].path, self->before[i], 64));
	ASSERT_EQ(0, fault_begin());
}

FIXTURE_TEARDOWN(params)
{
	unsigned int i;

	fault_restore();
	for (i = 0; i < NR; i++)
		EXPECT_EQ(0, fault_write(params[i].path, self->before[i]));
	close(self->fd);
}

/* Have it the first value. */
static void begin(struct __test_metadata *_metadata, SELF *self, const struct param *param)
{
	int i;

	for (i = 1; i >= 0; i--) {
		ASSERT_EQ(0, fault_write(param->path, param->val[i]));
		ASSERT_EQ(0, fault_read(param->path, self->said[i], sizeof(self->said[i])));
	}
	ASSERT_STRNE(self->said[0], self->said[1]);
}

static bool is(const struct param *param, const char *want)
{
	char now[64];

	return !fault_read(param->path, now, sizeof(now)) && !strcmp(now, want);
}

static void fail_set(struct __test_metadata *_metadata, SELF *self, const struct param *param)
{
	bool injected = true;
	unsigned int n;
	int ret;

	begin(_metadata, self, param);
	for (n = 1; injected; n++) {
		ASSERT_LT(n, 1000);
		ASSERT_EQ(0, fault_write(param->path, param->val[0]));
		fault_arm(n);
		ret = fault_write(param->path, param->val[1]);
		injected = fault_disarm();
		EXPECT_TRUE(!ret || (injected && ret == -ENOMEM));
		EXPECT_TRUE(is(param, self->said[!ret]));
		if (!__test_passed(_metadata)) {
			TH_LOG("%s, allocation %u: %d", param->path, n, ret);
			return;
		}
	}
	TH_LOG("%s: %u allocations", param->path, fault_count());
	EXPECT_LE(1, fault_count());
}

static void fail_read(struct __test_metadata *_metadata, SELF *self, const struct param *param)
{
	bool injected = true;
	unsigned int n;
	char val[64];
	int ret;

	begin(_metadata, self, param);
	for (n = 1; injected; n++) {
		ASSERT_LT(n, 1000);
		fault_arm(n);
		ret = fault_read(param->path, val, sizeof(val));
		injected = fault_disarm();
		EXPECT_TRUE(!ret || (injected && ret == -ENOMEM));
		if (!ret)
			EXPECT_STREQ(self->said[0], val);
		EXPECT_TRUE(is(param, self->said[0]));
		if (!__test_passed(_metadata)) {
			TH_LOG("%s, allocation %u: %d", param->path, n, ret);
			return;
		}
	}
	EXPECT_LE(1, fault_count());
}

TEST_F_TIMEOUT(params, set, 600)
{
	unsigned int i;

	for (i = 0; i < NR; i++)
		fail_set(_metadata, self, &params[i]);
}

TEST_F_TIMEOUT(params, read, 600)
{
	unsigned int i;

	for (i = 0; i < NR; i++)
		fail_read(_metadata, self, &params[i]);
}

TEST_HARNESS_MAIN
