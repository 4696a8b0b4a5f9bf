// SPDX-License-Identifier: GPL-2.0-only
/* Sealing a buffer while somebody takes references to its pages. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "zc_test.h"

/* How long to try. */
#define RACE_MS	5000

/**
 * struct toucher - a thread that touches a page when told
 * @page:  what it touches
 * @delay: loops before that
 * @round: the round to do; negative: end
 * @done:  the round that was done last
 */
struct toucher {
	const volatile char *page;
	unsigned int delay;
	atomic_int round;
	atomic_int done;
};

static void spin(unsigned int loops)
{
	volatile unsigned int i;

	for (i = 0; i < loops; i++)
		;
}

static void *touch(void *arg)
{
	struct toucher *t = arg;
	int last = 0, round;

	zct_on_cpu(1);
	for (;;) {
		while ((round = atomic_load(&t->round)) == last)
			;
		if (round < 0)
			return NULL;
		last = round;
		spin(t->delay);
		(void)*t->page;
		atomic_store(&t->done, round);
	}
}

/*
 * A read-only mapping that faults while each page is looked at for references: that
 * of the mapping must not get lost, else the page is free with the next fault.
 */
TEST(seal_while_faulting)
{
	struct toucher t = {};
	uint64_t end = zct_now_ms() + RACE_MS, used;
	int fd = open("/dev/zc", O_RDONLY), i;
	pthread_t thread;

	ASSERT_GE(fd, 0);
	used = zct_used(fd);
	if (!zct_on_cpu(0) || sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "one processor has no races");
	ASSERT_EQ(0, pthread_create(&thread, NULL, touch, &t));
	for (i = 1; zct_now_ms() < end; i++) {
		struct zc_buf_seal seal = {};
		struct zc_buf_create buf;
		unsigned int delay = rand() % 500;
		int ret;

		ASSERT_EQ(0, zct_create(fd, HUGE, 0, ZC_NODE_ANY, &buf));
		t.page = mmap(NULL, HUGE, PROT_READ, MAP_SHARED, fd, buf.mmap_offset);
		ASSERT_NE(MAP_FAILED, t.page);
		seal.handle = buf.handle;
		t.delay = rand() % 2000;
		atomic_store(&t.round, i);
		spin(delay);
		ret = zct_ioctl(fd, ZC_IOC_BUF_SEAL, &seal);
		EXPECT_TRUE(!ret || ret == -EBUSY);
		while (atomic_load(&t.done) != i)
			;
		madvise((void *)t.page, HUGE, MADV_DONTNEED);
		EXPECT_EQ(0, *t.page);
		munmap((void *)t.page, HUGE);
		EXPECT_EQ(0, zct_destroy(fd, buf.handle));
	}
	TH_LOG("%d seals", i);
	atomic_store(&t.round, -1);
	pthread_join(thread, NULL);
	EXPECT_TRUE(zct_used_becomes(fd, used, 2000));
	close(fd);
}

TEST_HARNESS_MAIN
