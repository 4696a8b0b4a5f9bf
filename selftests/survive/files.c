// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files that others work on while they are sent, in ways that change none of the bytes that
 * should come: replaced, grown and cut behind them, written with what they hold, 64 MB a second.
 * What comes of those whose bytes change is in sendfile_change.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "flow.h"
#include "state.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(files)

#define STEP		(1 * MIB)
#define PATIENCE_MS	200000
#define OTHER		FLOW_FILE "-other"
#define RATE		64000000ull

/**
 * struct writer - somebody who writes
 * @name:   to that file
 * @flags:  of open(2)
 * @bytes:  written
 * @ms:     in so many milliseconds
 * @failed: he could not
 * @stop:   end
 */
struct writer {
	const char *name;
	int flags;
	uint64_t bytes;
	uint64_t ms;
	bool failed;
	bool stop;
	pthread_t thread;
};

FIXTURE(files)
{
	int fd;
	struct state before;
	struct flows flows;
};

FIXTURE_SETUP(files)
{
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, state_settled(self->fd, &self->before));
	ASSERT_EQ(0, flows_start(&self->flows, flow_loopback, NULL, 1));
}

FIXTURE_TEARDOWN(files)
{
	struct state after;

	EXPECT_EQ(0, flows_again(&self->flows));
	EXPECT_TRUE(flows_end(&self->flows));
	unlink(OTHER);
	EXPECT_TRUE(state_back(self->fd, &self->before, &after, 30000));
	close(self->fd);
}

static bool moves(SELF *self)
{
	return flows_move(&self->flows, STEP, PATIENCE_MS);
}

/* Another file takes the name, and then none has it: who has it open has the old one. */
TEST_F_TIMEOUT(files, replaced, 900)
{
	char *zeroes = calloc(1, MIB);
	int i, other;
	uint64_t at;

	for (i = 0; i < 5; i++) {
		other = open(OTHER, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		ASSERT_GE(other, 0);
		for (at = 0; at < FLOW_SIZE; at += MIB)
			ASSERT_EQ(MIB, pwrite(other, zeroes, MIB, at));
		ASSERT_EQ(0, rename(OTHER, FLOW_FILE));
		EXPECT_EQ(0, fsync(other));
		EXPECT_TRUE(moves(self));
		close(other);
		if (i % 2)
			EXPECT_EQ(0, unlink(FLOW_FILE));
		zct_run("echo 1 >/proc/sys/vm/drop_caches");
		EXPECT_TRUE(moves(self));
	}
	free(zeroes);
}

static void *grow_and_cut(void *data)
{
	struct writer *w = data;
	int file = open(w->name, w->flags);
	unsigned int seed = 1;
	char junk[5000];

	memset(junk, 0xa5, sizeof(junk));
	while (!__atomic_load_n(&w->stop, __ATOMIC_RELAXED)) {
		uint64_t at = FLOW_SIZE + rand_r(&seed) % 3 * 70000;

		if (pwrite(file, junk, sizeof(junk), at) != sizeof(junk) ||
		    (rand_r(&seed) % 2 &&
		     fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FLOW_SIZE,
			       MIB)) ||
		    (rand_r(&seed) % 2 && ftruncate(file, FLOW_SIZE)))
			w->failed = true;
		w->bytes += sizeof(junk);
	}
	close(file);
	return NULL;
}

/* It grows, has holes and ends again, in the page that the last byte is in, too. */
TEST_F_TIMEOUT(files, grown_and_cut_behind, 900)
{
	struct writer w = { .name = FLOW_FILE, .flags = O_RDWR | O_CLOEXEC };
	int i;

	pthread_create(&w.thread, NULL, grow_and_cut, &w);
	for (i = 0; i < 8; i++)
		EXPECT_TRUE(moves(self));
	__atomic_store_n(&w.stop, true, __ATOMIC_RELAXED);
	pthread_join(w.thread, NULL);
	EXPECT_FALSE(w.failed);
	EXPECT_LT(0, w.bytes);
}

/* A MiB of the pattern at a time, which is there before; no faster than at that rate. */
static void *write_on(void *data)
{
	uint64_t begin, at = 0, whole = FLOW_SIZE / MIB * MIB;
	struct writer *w = data;
	int file = open(w->name, w->flags, 0600);
	char *buf = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	zct_pattern(buf, 0, whole);
	begin = zct_now_ms();
	while (!__atomic_load_n(&w->stop, __ATOMIC_RELAXED) && !w->failed) {
		w->failed = pwrite(file, buf + at, MIB, at) != (ssize_t)MIB;
		at = (at + MIB) % whole;
		__atomic_store_n(&w->bytes, w->bytes + MIB, __ATOMIC_RELAXED);
		while ((zct_now_ms() - begin) * (RATE / 1000) < w->bytes)
			usleep(2000);
	}
	w->ms = zct_now_ms() - begin + 1;
	munmap(buf, whole);
	close(file);
	return NULL;
}

/* 64 MB a second, as far as the machine can, beside all the readers. */
TEST_F_TIMEOUT(files, writer, 900)
{
	static const struct writer kinds[] = {
		{ .name = OTHER, .flags = O_CREAT },
		{ .name = OTHER, .flags = O_CREAT | O_DIRECT },
		{ .name = FLOW_FILE },
		{ .name = FLOW_FILE, .flags = O_DIRECT },
	};
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct writer w = kinds[i];

		w.flags |= O_RDWR | O_CLOEXEC;
		pthread_create(&w.thread, NULL, write_on, &w);
		do {
			EXPECT_TRUE(moves(self));
		} while (__atomic_load_n(&w.bytes, __ATOMIC_RELAXED) < 24 * MIB && !w.failed);
		__atomic_store_n(&w.stop, true, __ATOMIC_RELAXED);
		pthread_join(w.thread, NULL);
		EXPECT_FALSE(w.failed);
		TH_LOG("%s%s: %.1f MB/s", w.flags & O_DIRECT ? "direct, " : "",
		       i < 2 ? "another file" : "the same file",
		       w.bytes / 1000.0 / w.ms);
	}
}

TEST_HARNESS_MAIN
