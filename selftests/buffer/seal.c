// SPDX-License-Identifier: GPL-2.0-only
/* Sealing a buffer while somebody takes references to its pages. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
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
		struct zc_buf_create buf;
		unsigned int delay = rand() % 500;
		int ret;

		ASSERT_EQ(0, zct_create(fd, HUGE, 0, ZC_NODE_ANY, &buf));
		t.page = mmap(NULL, HUGE, PROT_READ, MAP_SHARED, fd, buf.mmap_offset);
		ASSERT_NE(MAP_FAILED, t.page);
		t.delay = rand() % 2000;
		atomic_store(&t.round, i);
		spin(delay);
		ret = zct_seal(fd, buf.handle);
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

/**
 * struct reader - a thread that reads a buffer all the time
 * @map:   its mapping
 * @size:  bytes
 * @from:  where it begins, each time
 * @step:  to the next byte that it reads
 * @over:  read no more
 * @reads: how often it came to the end
 * @wrong: bytes that were not as they had been written
 */
struct reader {
	const volatile char *map;
	uint64_t size;
	uint64_t from;
	uint64_t step;
	atomic_bool over;
	atomic_uint reads;
	unsigned int wrong;
	pthread_t thread;
};

/* How often each is tried. */
#define ROUNDS	10

#define BYTE(at, step)	((char)((at) / (step) % 100 + 1))

static void *read_on(void *arg)
{
	struct reader *r = arg;
	uint64_t at;

	zct_on_cpu(1);
	while (!atomic_load(&r->over)) {
		for (at = r->from; at < r->size; at += r->step)
			r->wrong += r->map[at] != BYTE(at, r->step);
		atomic_fetch_add(&r->reads, 1);
	}
	return NULL;
}

static int share_rdonly(int fd, uint32_t handle)
{
	struct zc_buf_share arg = { .handle = handle, .flags = ZC_SHARE_RDONLY };

	return zct_ioctl(fd, ZC_IOC_BUF_SHARE, &arg) ?: arg.fd;
}

/* Who only reads is not in the way, however large the buffer is, and whatever he reads. */
FIXTURE(readers)
{
	int fd;
	uint64_t used;
};

FIXTURE_VARIANT(readers)
{
	uint64_t size;
	uint32_t flags;
	uint64_t step;
	bool all;
};

FIXTURE_VARIANT_ADD(readers, last_hugepage)
{
	.size = 256 * MIB,
	.flags = ZC_BUF_SMALL_OK,
	.step = HUGE,
};

FIXTURE_VARIANT_ADD(readers, all_hugepages)
{
	.size = 256 * MIB,
	.flags = ZC_BUF_SMALL_OK,
	.step = HUGE,
	.all = true,
};

FIXTURE_VARIANT_ADD(readers, last_page)
{
	.size = 1 * MIB,
	.flags = ZC_BUF_SLICE,
	.step = 4096,
};

FIXTURE_VARIANT_ADD(readers, all_pages)
{
	.size = 1 * MIB,
	.flags = ZC_BUF_SLICE,
	.step = 4096,
	.all = true,
};

FIXTURE_SETUP(readers)
{
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->used = zct_used(self->fd);
	zct_on_cpu(0);
}

FIXTURE_TEARDOWN(readers)
{
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 2000));
	close(self->fd);
}

/* What a helper gets of a test. */
#define VARIANT		FIXTURE_VARIANT(readers)

/* Make a buffer, and have somebody read it. Returns its handle; 0: it failed. */
static uint32_t reader_start(struct reader *r, int fd, const VARIANT *variant)
{
	struct zc_buf_create buf;
	int share;
	uint64_t at;
	char *map;

	*r = (struct reader){
		.size = variant->size,
		.from = variant->all ? 0 : variant->size - variant->step,
		.step = variant->step,
	};
	if (zct_create(fd, r->size, variant->flags, ZC_NODE_ANY, &buf))
		return 0;
	map = zct_map(fd, &buf);
	if (map == MAP_FAILED)
		return 0;
	for (at = 0; at < r->size; at += r->step)
		map[at] = BYTE(at, r->step);
	munmap(map, r->size);
	share = share_rdonly(fd, buf.handle);
	r->map = mmap(NULL, r->size, PROT_READ, MAP_SHARED, share, 0);
	close(share);
	if (r->map == MAP_FAILED || pthread_create(&r->thread, NULL, read_on, r))
		return 0;
	while (!atomic_load(&r->reads))
		usleep(1000);
	return buf.handle;
}

/* Returns what it read wrong. */
static unsigned int reader_stop(struct reader *r)
{
	atomic_store(&r->over, true);
	pthread_join(r->thread, NULL);
	munmap((void *)r->map, r->size);
	return r->wrong;
}

TEST_F_TIMEOUT(readers, seal, 120)
{
	unsigned int reads, round;
	struct reader reader;
	uint32_t handle;

	for (round = 0; round < ROUNDS; round++) {
		handle = reader_start(&reader, self->fd, variant);
		ASSERT_NE(0, handle);
		EXPECT_EQ(0, zct_seal(self->fd, handle));
		/* He goes on. */
		reads = atomic_load(&reader.reads);
		while (atomic_load(&reader.reads) == reads)
			usleep(1000);
		EXPECT_EQ(0, reader_stop(&reader));
		EXPECT_EQ(0, zct_destroy(self->fd, handle));
	}
}

/* Whoever holds a page of it might write. */
TEST_F_TIMEOUT(readers, seal_held, 120)
{
	struct reader reader;
	uint32_t handle = reader_start(&reader, self->fd, variant);
	struct iovec iov = { (char *)reader.map + variant->size / 2, 4096 };
	uint64_t begin;
	char page[4096];
	int fds[2];

	ASSERT_NE(0, handle);
	ASSERT_EQ(0, pipe(fds));
	ASSERT_EQ(4096, vmsplice(fds[1], &iov, 1, 0));
	begin = zct_now_ms();
	EXPECT_EQ(-EBUSY, zct_seal(self->fd, handle));
	EXPECT_LE(190, zct_now_ms() - begin);
	ASSERT_EQ(4096, read(fds[0], page, sizeof(page)));
	EXPECT_EQ(0, zct_seal(self->fd, handle));
	EXPECT_EQ(0, reader_stop(&reader));
	EXPECT_EQ(0, zct_destroy(self->fd, handle));
	close(fds[0]);
	close(fds[1]);
}

/*
 * While somebody tries, in vain, nobody is told that it is sealed; and what was mapped meanwhile
 * to be read can be made writable afterwards.
 */
TEST(map_while_sealing)
{
	uint64_t end = zct_now_ms() + RACE_MS;
	struct zct_sealer sealer;
	struct zc_buf_create buf;
	unsigned int busy = 0, made = 0;
	int fd = zct_open();
	char *map;

	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, zct_create(fd, 2 * HUGE, 0, ZC_NODE_ANY, &buf));
	ASSERT_EQ(0, zct_sealer_start(&sealer, fd, &buf));
	while ((busy < 20 || made < 5) && zct_now_ms() < end) {
		usleep(5000);
		map = zct_map(fd, &buf);
		if (map == MAP_FAILED) {
			EXPECT_EQ(EBUSY, errno);
			busy++;
		} else {
			map[HUGE] = 1;
			munmap(map, buf.size);
		}
		if (busy < 20)
			continue;
		map = mmap(NULL, buf.size, PROT_READ, MAP_SHARED, fd, buf.mmap_offset);
		if (map == MAP_FAILED) {
			/* The next one was faster. */
			EXPECT_EQ(EBUSY, errno);
			continue;
		}
		made++;
		EXPECT_EQ(0, mprotect(map, buf.size, PROT_READ | PROT_WRITE));
		munmap(map, buf.size);
	}
	EXPECT_LE(20, busy);
	EXPECT_LE(5, made);
	zct_sealer_stop(&sealer);
	EXPECT_EQ(0, sealer.odd);
	EXPECT_EQ(0, zct_seal(fd, buf.handle));
	map = mmap(NULL, buf.size, PROT_READ, MAP_SHARED, fd, buf.mmap_offset);
	EXPECT_NE(MAP_FAILED, map);
	EXPECT_EQ(-1, mprotect(map, buf.size, PROT_READ | PROT_WRITE));
	munmap(map, buf.size);
	EXPECT_EQ(MAP_FAILED, zct_map(fd, &buf));
	EXPECT_EQ(EPERM, errno);
	close(fd);
}

/*
 * How long a child lives on that is killed: one that maps a buffer again and again, or pauses.
 * Negative if it could not be killed.
 */
static int64_t killed_ms(int fd, const struct zc_buf_create *buf)
{
	uint64_t begin;
	int status;
	pid_t pid = fork();

	if (!pid && !buf)
		for (;;)
			pause();
	if (!pid)
		for (;;)
			munmap(mmap(NULL, HUGE, PROT_READ, MAP_SHARED, fd, buf->mmap_offset), HUGE);
	usleep(30000);
	begin = zct_now_ms();
	if (kill(pid, SIGKILL) || waitpid(pid, &status, 0) != pid)
		return -1;
	return zct_now_ms() - begin;
}

/*
 * Nor is who waits for it longer than he lives: not until it ends, which takes 200 ms. Half of
 * that, and more where the next one begins meanwhile, would be each time.
 */
TEST(killed_while_sealing)
{
	int64_t ms, waiting = 0, pausing = 0;
	struct zct_sealer sealer;
	struct zc_buf_create buf;
	int fd = zct_open(), round;

	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, zct_create(fd, 2 * HUGE, 0, ZC_NODE_ANY, &buf));
	ASSERT_EQ(0, zct_sealer_start(&sealer, fd, &buf));
	for (round = 0; round < 10; round++) {
		ms = killed_ms(fd, &buf);
		ASSERT_LE(0, ms);
		waiting += ms;
		ms = killed_ms(fd, NULL);
		ASSERT_LE(0, ms);
		pausing += ms;
	}
	zct_sealer_stop(&sealer);
	EXPECT_EQ(0, sealer.odd);
	EXPECT_LT(waiting, pausing + 500);
	EXPECT_EQ(0, zct_seal(fd, buf.handle));
	close(fd);
}

TEST_HARNESS_MAIN
