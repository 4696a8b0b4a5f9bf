// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a receiver on this host has read the kernel may leave for another processor to
 * free, when that next receives something (net.core.skb_defer_max). Where memory is
 * short the module sees to it that it does.
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "zc_test.h"

#define FILE_NAME	EXT4_DIR "/zc-deferred"

/* What a helper gets of a test. */
#define SELF		FIXTURE_DATA(deferred)

/* How often to try to have packets left behind: a timer may be in the way. */
#define TRIES	50

/* The module does not have them freed oftener than this; us. */
#define PAUSE_US	30000

struct stream {
	int sock[2];
	struct zct_rx rx;
	struct zc_sendfile arg;
};

FIXTURE(deferred)
{
	int fd;
	int file;
};

FIXTURE_SETUP(deferred)
{
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->file = zct_pattern_file(FILE_NAME, HUGE);
	ASSERT_GE(self->file, 0);
	/* Half of it is for transfers: one hugepage. */
	ASSERT_EQ(0, zct_param_set("max_bytes", 2 * HUGE));
}

FIXTURE_TEARDOWN(deferred)
{
	EXPECT_EQ(0, zct_param_set("max_bytes", 0));
	close(self->file);
	close(self->fd);
	unlink(FILE_NAME);
}

static uint64_t held(int fd)
{
	struct zc_query query = {};

	return zct_ioctl(fd, ZC_IOC_QUERY, &query) ? 0 : query.held_bytes;
}

/* Send what takes a whole hugepage, from @cpu to a reader on processor 1. */
static int send_from(SELF *self, struct stream *s, int cpu)
{
	int ret;

	s->rx = (struct zct_rx){ .sock = s->sock[1], .check = true };
	s->arg = (struct zc_sendfile){
		.in_fd = self->file,
		.out_fd = s->sock[0],
		.len = HUGE,
		.flags = ZC_SEND_DIRECT,
	};
	zct_on_cpu(1);
	zct_rx_start(&s->rx);
	zct_on_cpu(cpu);
	ret = zct_ioctl(self->fd, ZC_IOC_SENDFILE, &s->arg);
	zct_on_cpu(1);
	return ret;
}

/* Wait until it has all been read, with no packet more, and the pause is over. */
static void settle(struct stream *s)
{
	uint64_t end = zct_now_ms() + 10000;

	while (__atomic_load_n(&s->rx.bytes, __ATOMIC_RELAXED) < HUGE &&
	       zct_now_ms() < end)
		usleep(100);
	usleep(PAUSE_US);
}

static void end(struct __test_metadata *_metadata, struct stream *s)
{
	shutdown(s->sock[0], SHUT_WR);
	zct_rx_join(&s->rx);
	EXPECT_EQ(HUGE, s->rx.bytes);
	EXPECT_EQ(-1, s->rx.bad);
	close(s->sock[0]);
	close(s->sock[1]);
}

TEST_F_TIMEOUT(deferred, freed_when_short, 120)
{
	struct stream first, next;
	bool caught = false;
	int tries;

	if (!zct_on_cpu(1))
		SKIP(return, "one processor");
	for (tries = 0; tries < TRIES && !caught; tries++) {
		ASSERT_EQ(0, zct_pair(AF_INET, first.sock));
		ASSERT_EQ(0, zct_pair(AF_INET, next.sock));
		EXPECT_EQ(0, send_from(self, &first, 0));
		settle(&first);
		caught = held(self->fd);
		EXPECT_EQ(0, send_from(self, &next, 1));
		/* Without, it takes small pages. */
		EXPECT_EQ(HUGE, next.arg.huge_bytes)
			TH_LOG("in try %d", tries);
		end(_metadata, &first);
		end(_metadata, &next);
		usleep(PAUSE_US);
	}
	EXPECT_TRUE(caught)
		TH_LOG("no packet was left behind in %d tries", tries);
}

TEST_HARNESS_MAIN
