// SPDX-License-Identifier: GPL-2.0-only
/* ZC_IOC_SENDFILE and the page cache: what it has, what it has not, and writers. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "zc_test.h"

/* What a helper gets of a test. */
#define SELF		FIXTURE_DATA(cache)

#define SIZE		(4 * HUGE + 12345)
#define PAGE		4096ull
#define FILE_NAME	EXT4_DIR "/zc-cache"

FIXTURE(cache)
{
	int fd;
	int file;
	uint64_t used;
	struct zc_sendfile arg;
	struct zct_rx rx;
};

FIXTURE_SETUP(cache)
{
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->used = zct_used(self->fd);
	self->file = zct_pattern_file(FILE_NAME, SIZE);
	ASSERT_GE(self->file, 0);
}

FIXTURE_TEARDOWN(cache)
{
	EXPECT_EQ(self->used, zct_used(self->fd));
	close(self->file);
	close(self->fd);
	unlink(FILE_NAME);
}

/* Have exactly this range in the cache: no readahead. */
static void load(int file, uint64_t off, uint64_t len)
{
	static char buf[MIB];

	posix_fadvise(file, 0, 0, POSIX_FADV_RANDOM);
	while (len) {
		ssize_t n = pread(file, buf, len < PAGE ? len : PAGE, off);

		if (n <= 0)
			break;
		off += n;
		len -= n;
	}
	posix_fadvise(file, 0, 0, POSIX_FADV_NORMAL);
}

/* Send it all, from @offset on; see that the right bytes came. */
static void send_all(struct __test_metadata *_metadata, SELF *self, int family,
		     uint64_t offset, uint32_t flags)
{
	EXPECT_EQ(0, zct_send(self->fd, family, self->file, offset, UINT64_MAX, flags,
			      &self->arg, &self->rx));
	EXPECT_EQ(SIZE - offset, self->arg.sent);
	EXPECT_EQ(SIZE - offset, self->rx.bytes);
	EXPECT_EQ(-1, self->rx.bad);
	EXPECT_TRUE(zct_none_copied(self->arg.copied, self->arg.copy_reasons));
}

TEST_F_TIMEOUT(cache, hot, 120)
{
	static const uint64_t offsets[] = { 0, 1, 4095, 4096, HUGE + 77, SIZE - 1 };
	size_t i;

	load(self->file, 0, SIZE);
	for (i = 0; i < sizeof(offsets) / sizeof(*offsets); i++) {
		send_all(_metadata, self, AF_INET, offsets[i], 0);
		EXPECT_EQ(SIZE - offsets[i], self->arg.cached);
		EXPECT_EQ(0, self->arg.huge_bytes);
	}
	send_all(_metadata, self, AF_INET6, 5, 0);
	send_all(_metadata, self, AF_UNIX, 5, 0);
	EXPECT_EQ(SIZE - 5, self->arg.cached);
}

TEST_F_TIMEOUT(cache, hot_lengths, 120)
{
	static const uint64_t lens[] = { 0, 1, 4095, 4096, 4097, 65536, MIB - 1, MIB,
					 MIB + 1, HUGE };
	size_t i;

	load(self->file, 0, SIZE);
	for (i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		EXPECT_EQ(0, zct_send(self->fd, AF_INET, self->file, 4093, lens[i], 0,
				      &self->arg, &self->rx));
		EXPECT_EQ(lens[i], self->arg.sent);
		EXPECT_EQ(lens[i], self->rx.bytes);
		EXPECT_EQ(-1, self->rx.bad);
		EXPECT_EQ(lens[i], self->arg.cached);
	}
}

/* Large and small pieces: one transfer takes both ways, and the cache is as before. */
TEST_F_TIMEOUT(cache, mixed, 120)
{
	uint64_t before;

	load(self->file, 3 * PAGE, MIB);
	load(self->file, HUGE, PAGE);
	load(self->file, HUGE + 2 * PAGE, PAGE);
	load(self->file, 2 * HUGE - 64 * PAGE, 128 * PAGE);
	load(self->file, SIZE - 100, 100);
	before = zct_cached(self->file, SIZE);
	EXPECT_GE(before, MIB + 131 * PAGE);
	EXPECT_LE(before, MIB + 131 * PAGE + 16 * PAGE);
	send_all(_metadata, self, AF_INET, 0, 0);
	EXPECT_GE(self->arg.cached, MIB + 128 * PAGE);
	EXPECT_LE(self->arg.cached, before);
	EXPECT_GT(self->arg.huge_bytes, 0);
	send_all(_metadata, self, AF_INET, 4 * PAGE + 1, 0);
	EXPECT_GE(self->arg.cached, MIB - 2 * PAGE);
	EXPECT_EQ(before, zct_cached(self->file, SIZE));
	send_all(_metadata, self, AF_INET, 0, ZC_SEND_DIRECT);
	EXPECT_EQ(0, self->arg.cached);
	EXPECT_EQ(before, zct_cached(self->file, SIZE));
}

TEST_F_TIMEOUT(cache, every_second_page, 120)
{
	uint64_t off;

	for (off = 0; off < SIZE; off += 2 * PAGE)
		load(self->file, off, PAGE);
	send_all(_metadata, self, AF_INET, 0, 0);
	/* Read over, not piece by piece. */
	EXPECT_LE(self->arg.chunks, 16);
}

TEST_F_TIMEOUT(cache, forced, 120)
{
	EXPECT_EQ(0, zct_cached(self->file, SIZE));
	send_all(_metadata, self, AF_INET, 0, ZC_SEND_CACHED);
	EXPECT_EQ(SIZE, self->arg.cached);
	EXPECT_LE(SIZE, zct_cached(self->file, SIZE));
	send_all(_metadata, self, AF_INET, 1, ZC_SEND_CACHED);
	EXPECT_EQ(SIZE - 1, self->arg.cached);
	EXPECT_EQ(0, zct_send(self->fd, AF_INET, self->file, SIZE, 5, ZC_SEND_CACHED,
			      &self->arg, &self->rx));
	EXPECT_EQ(0, self->arg.sent);
	EXPECT_EQ(-EINVAL, zct_send(self->fd, AF_INET, self->file, 0, 5,
				    ZC_SEND_CACHED | ZC_SEND_DIRECT, &self->arg,
				    &self->rx));
}

/* In the cache alone, in pieces of all sizes: old data is never sent. */
TEST_F_TIMEOUT(cache, dirty, 120)
{
	static const uint64_t sizes[] = { 1, PAGE, 9 * PAGE, 16 * PAGE, 300 * PAGE };
	static char page[PAGE];
	size_t i, round;

	for (round = 0; round < 3; round++) {
		static const uint32_t flags[] = { 0, ZC_SEND_DIRECT, ZC_SEND_CACHED };
		uint64_t off = round * PAGE;

		zct_pattern(page, 0, PAGE);
		ASSERT_EQ(0, posix_fadvise(self->file, 0, 0, POSIX_FADV_DONTNEED));
		/* Spoil the file, and mend it in the cache. */
		for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
			uint64_t at, len = sizes[i];
			char *buf = malloc(len);

			at = off + i * 350 * PAGE;
			memset(buf, 0xff, len);
			ASSERT_EQ((ssize_t)len, pwrite(self->file, buf, len, at));
			ASSERT_EQ(0, fsync(self->file));
			ASSERT_EQ(0, posix_fadvise(self->file, 0, 0,
						   POSIX_FADV_DONTNEED));
			zct_pattern(buf, at, len);
			ASSERT_EQ((ssize_t)len, pwrite(self->file, buf, len, at));
			free(buf);
		}
		send_all(_metadata, self, AF_INET, 0, flags[round]);
	}
}

/**
 * struct churn - somebody who works on the file meanwhile
 * @file:   the file
 * @stop:   end
 * @loads:  what is done is to load and drop pages; else to write them
 * @gen:    each page of the file holds at least this number
 */
struct churn {
	int file;
	bool stop;
	bool loads;
	uint64_t gen;
	pthread_t thread;
};

static void churn_write(struct churn *c, uint64_t gen)
{
	uint64_t off, page[PAGE / 8];
	size_t i;

	for (i = 0; i < PAGE / 8; i++)
		page[i] = gen;
	for (off = 0; off + PAGE <= SIZE; off += PAGE)
		if (pwrite(c->file, page, PAGE, off) != (ssize_t)PAGE)
			abort();
	__atomic_store_n(&c->gen, gen, __ATOMIC_RELEASE);
	/* At times it is in the file, at times not. */
	if (gen % 3 == 0)
		sync_file_range(c->file, 0, 0, SYNC_FILE_RANGE_WRITE);
	if (gen % 4 == 0)
		posix_fadvise(c->file, 0, 0, POSIX_FADV_DONTNEED);
}

static void *churn_main(void *data)
{
	struct churn *c = data;
	unsigned int seed = 1;
	uint64_t gen = 1;

	while (!__atomic_load_n(&c->stop, __ATOMIC_RELAXED)) {
		uint64_t off = rand_r(&seed) % (SIZE / PAGE) * PAGE;
		uint64_t len = (1 + rand_r(&seed) % 100) * PAGE;

		if (!c->loads)
			churn_write(c, ++gen);
		else if (rand_r(&seed) % 2)
			load(c->file, off, len);
		else
			posix_fadvise(c->file, off, len, POSIX_FADV_DONTNEED);
	}
	return NULL;
}

/* Pages that come and go make no difference. */
TEST_F_TIMEOUT(cache, pages_come_and_go, 120)
{
	struct churn churn = { .loads = true };
	int i;

	churn.file = open(FILE_NAME, O_RDONLY);
	ASSERT_GE(churn.file, 0);
	pthread_create(&churn.thread, NULL, churn_main, &churn);
	for (i = 0; i < 20; i++)
		send_all(_metadata, self, AF_INET, i * 1001,
			 i % 5 == 4 ? ZC_SEND_CACHED : 0);
	churn.stop = true;
	pthread_join(churn.thread, NULL);
	close(churn.file);
}

/* Reads the generations: the oldest seen, but for one torn page. */
struct reader {
	int sock;
	uint64_t oldest;
	uint64_t bytes;
	pthread_t thread;
};

static void *reader_main(void *data)
{
	struct reader *r = data;
	uint64_t words[PAGE];
	size_t have = 0;
	ssize_t n;

	r->oldest = UINT64_MAX;
	r->bytes = 0;
	while ((n = read(r->sock, (char *)words + have, sizeof(words) - have)) > 0) {
		size_t i;

		have += n;
		for (i = 0; i < have / 8; i++)
			if (words[i] < r->oldest)
				r->oldest = words[i];
		memmove(words, words + have / 8, have % 8);
		have %= 8;
		r->bytes += n;
	}
	return NULL;
}

/* Never anything older than what had been written before the call. */
TEST_F_TIMEOUT(cache, writer, 120)
{
	static const uint32_t flags[] = { 0, ZC_SEND_CACHED, ZC_SEND_DIRECT };
	struct churn churn = { 0 };
	struct reader reader;
	int i, sock[2];

	churn.file = open(FILE_NAME, O_RDWR);
	ASSERT_GE(churn.file, 0);
	churn_write(&churn, 1);
	pthread_create(&churn.thread, NULL, churn_main, &churn);
	for (i = 0; i < 30; i++) {
		uint64_t gen = __atomic_load_n(&churn.gen, __ATOMIC_ACQUIRE);
		struct zc_sendfile arg = {
			.in_fd = self->file,
			.len = SIZE / PAGE * PAGE,
			.flags = flags[i % 3],
		};

		ASSERT_EQ(0, zct_pair(AF_INET, sock));
		reader.sock = sock[1];
		pthread_create(&reader.thread, NULL, reader_main, &reader);
		arg.out_fd = sock[0];
		EXPECT_EQ(0, zct_ioctl(self->fd, ZC_IOC_SENDFILE, &arg));
		shutdown(sock[0], SHUT_WR);
		pthread_join(reader.thread, NULL);
		EXPECT_EQ(arg.sent, reader.bytes);
		EXPECT_EQ(SIZE / PAGE * PAGE, arg.sent);
		EXPECT_GE(reader.oldest, gen)
			TH_LOG("flags %#x", arg.flags);
		close(sock[0]);
		close(sock[1]);
	}
	churn.stop = true;
	pthread_join(churn.thread, NULL);
	close(churn.file);
}

/* tmpfs has nothing but its cache; where that has holes, there are zeroes. */
TEST_F_TIMEOUT(cache, tmpfs_with_holes, 120)
{
	int file = zct_pattern_file("/tmp/zc-cache", SIZE), zero;
	char *want = malloc(SIZE), *got = malloc(SIZE);
	struct zc_sendfile arg = { .len = UINT64_MAX };
	uint64_t have = 0;
	int sock[2];
	pid_t pid;

	ASSERT_GE(file, 0);
	zct_pattern(want, 0, SIZE);
	for (zero = 0; zero < 3; zero++) {
		uint64_t at = (100 + 500 * zero) * PAGE, len = (zero * 70 + 1) * PAGE;

		ASSERT_EQ(0, fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				       at, len));
		memset(want + at, 0, len);
	}
	ASSERT_EQ(0, zct_pair(AF_INET, sock));
	pid = fork();
	if (!pid) {
		arg.in_fd = file;
		arg.out_fd = sock[0];
		_exit(ioctl(self->fd, ZC_IOC_SENDFILE, &arg) || arg.sent != SIZE ||
		      arg.copied > 400 * PAGE || !arg.copied);
	}
	close(sock[0]);
	while (have < SIZE) {
		ssize_t n = read(sock[1], got + have, SIZE - have);

		ASSERT_GT(n, 0);
		have += n;
	}
	EXPECT_EQ(0, memcmp(want, got, SIZE));
	zero = 1;
	waitpid(pid, &zero, 0);
	EXPECT_EQ(0, zero);
	close(sock[1]);
	close(file);
	unlink("/tmp/zc-cache");
	free(want);
	free(got);
}

TEST_HARNESS_MAIN
