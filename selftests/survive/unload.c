// SPDX-License-Identifier: GPL-2.0-only
/* The module is to be unloaded while all ways of sending use it, and is afterwards. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "flow.h"
#include "state.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(unload)

#define STEP		(200 * 1024ull)
#define PATIENCE_MS	100000
/* The network lets go of what it had by then. */
#define LET_GO_MS	20000
/* The latter with ZC_ALL; load.sh has more, with less at a time. */
#define FEW_ROUNDS	8
#define ROUNDS		50

static int memory(struct state *s)
{
	int fd = zct_open(), ret = state_settled(fd, s);

	close(fd);
	return ret;
}

FIXTURE(unload)
{
	struct flows flows;
};

FIXTURE_SETUP(unload)
{
	int fd = zct_open();

	ASSERT_GE(fd, 0);
	close(fd);
}

FIXTURE_TEARDOWN(unload)
{
	EXPECT_EQ(0, zct_unload(LET_GO_MS));
}

static void round_of(struct __test_metadata *_metadata, SELF *self, int tries)
{
	int i;

	ASSERT_EQ(0, flows_start(&self->flows, flow_loopback, NULL, 1));
	EXPECT_TRUE(flows_move(&self->flows, STEP, PATIENCE_MS));
	for (i = 0; i < tries; i++) {
		EXPECT_EQ(-EAGAIN, zct_unload(0));
		usleep(1000);
	}
	/* Nothing was taken from anybody. */
	EXPECT_TRUE(flows_move(&self->flows, STEP, PATIENCE_MS));
	EXPECT_TRUE(flows_end(&self->flows));
}

/* Refused each time; afterwards it goes, and comes again. */
TEST_F_TIMEOUT(unload, under_load, 900)
{
	int rounds = zct_all() ? ROUNDS : FEW_ROUNDS, i;
	struct state before, after;

	if (!getenv("ZC_KO"))
		SKIP(return, "who loads it again? (ZC_KO)");
	round_of(_metadata, self, 300);
	ASSERT_EQ(0, zct_unload(LET_GO_MS));
	round_of(_metadata, self, 1);
	ASSERT_EQ(0, memory(&before));
	for (i = 0; i < rounds && __test_passed(_metadata); i++) {
		round_of(_metadata, self, 10);
		ASSERT_EQ(0, zct_unload(LET_GO_MS));
	}
	i = zct_open();
	EXPECT_TRUE(state_back(i, &before, &after, 30000));
	close(i);
}

TEST_HARNESS_MAIN
