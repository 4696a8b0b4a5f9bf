// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading: each allocation of the module's initialisation fails in turn. Then it is not there,
 * nor anything of it, or it is there, for some things can do without, and works.
 */
#include <errno.h>
#include <unistd.h>

#include "fault.h"
#include "kselftest_harness.h"
#include "nl.h"

/* The network gives a family of netlink a new number each time, and has room for these. */
#define NUMBERS	64u
/* It allocates no more often than this. */
#define MOST	2000
/* The network lets go of what others had by then. */
#define LET_GO_MS	20000

FIXTURE(init)
{
};

/* The number that the module's family has this time; 0: none. */
static unsigned int number(void)
{
	struct nl nl;

	if (zct_load() || nl_open(&nl))
		return 0;
	nl_close(&nl);
	return zct_unload(LET_GO_MS) ? 0 : nl.family;
}

FIXTURE_SETUP(init)
{
	const char *why = fault_missing();
	unsigned int nr;
	int fd;

	if (why)
		SKIP(return, "%s", why);
	fd = zct_open();
	ASSERT_GE(fd, 0);
	close(fd);
	ASSERT_EQ(0, zct_unload(LET_GO_MS));
	/* From here on it needs memory for each, which can fail. */
	do {
		nr = number();
		ASSERT_NE(0, nr);
	} while (nr < NUMBERS);
	ASSERT_EQ(0, fault_begin_init());
}

FIXTURE_TEARDOWN(init)
{
	fault_restore();
}

/* Can it do what it is for? */
static bool works(void)
{
	struct zc_buf_create buf;
	int fd = zct_open();
	bool fine = fd >= 0 && !zct_create(fd, HUGE, 0, ZC_NODE_ANY, &buf);

	close(fd);
	return fine;
}

static bool anything_left(void)
{
	return !access("/sys/module/zc", F_OK) || !access("/dev/zc", F_OK) ||
	       !access("/sys/class/misc/zc", F_OK) || !access("/sys/devices/platform/zc", F_OK) ||
	       !access("/sys/bus/pci/drivers/zc", F_OK);
}

TEST_F_TIMEOUT(init, each_allocation, 3000)
{
	unsigned int nth, refused = 0;
	bool injected = true;
	int ret;

	for (nth = 1; injected && nth < MOST; nth++) {
		fault_arm(nth);
		ret = zct_load();
		injected = fault_disarm();
		if (ret) {
			ASSERT_TRUE(injected);
			/* The driver core, of a device whose name found no memory: EINVAL */
			EXPECT_TRUE(ret == -ENOMEM || ret == -EINVAL) {
				TH_LOG("allocation %u: %d", nth, ret);
			}
			EXPECT_FALSE(anything_left()) {
				TH_LOG("allocation %u", nth);
			}
			refused++;
			continue;
		}
		EXPECT_TRUE(works()) {
			TH_LOG("allocation %u", nth);
		}
		ASSERT_EQ(0, zct_unload(LET_GO_MS));
		EXPECT_FALSE(anything_left());
	}
	TH_LOG("%u allocations, without %u of which it is not loaded", fault_count(), refused);
	EXPECT_FALSE(injected);
	EXPECT_LT(20, refused);
}

TEST_HARNESS_MAIN
