// SPDX-License-Identifier: GPL-2.0-only
/* ZC_IOC_SENDFILE of files that are cut, punched and written, before and meanwhile. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "zc_test.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(change)

#define PAGE	4096ull
#define SIZE	(4 * MIB + 123)
/* What is written is a part of the pattern that is not in the file otherwise. */
#define NEW	(1ull << 40)

/**
 * struct taker - a receiver that keeps all
 * @sock: where from
 * @buf:  for 2 * SIZE
 * @len:  bytes received
 */
struct taker {
	int sock;
	char *buf;
	uint64_t len;
	pthread_t thread;
};

FIXTURE(change)
{
	int fd;
	int file;
	uint64_t used;
	struct zc_sendfile arg;
	struct taker taker;
	char *buf;
};

FIXTURE_VARIANT(change)
{
	const char *name;
	uint32_t flags;
};

FIXTURE_VARIANT_ADD(change, ext4)
{
	.name = EXT4_DIR "/zc-change",
};

FIXTURE_VARIANT_ADD(change, ext4_cached)
{
	.name = EXT4_DIR "/zc-change",
	.flags = ZC_SEND_CACHED,
};

FIXTURE_VARIANT_ADD(change, ext4_direct)
{
	.name = EXT4_DIR "/zc-change",
	.flags = ZC_SEND_DIRECT,
};

FIXTURE_VARIANT_ADD(change, ext4_async)
{
	.name = EXT4_DIR "/zc-change",
	.flags = ZC_SEND_ASYNC,
};

FIXTURE_VARIANT_ADD(change, ext4_cached_async)
{
	.name = EXT4_DIR "/zc-change",
	.flags = ZC_SEND_CACHED | ZC_SEND_ASYNC,
};

FIXTURE_VARIANT_ADD(change, ext4_direct_async)
{
	.name = EXT4_DIR "/zc-change",
	.flags = ZC_SEND_DIRECT | ZC_SEND_ASYNC,
};

FIXTURE_VARIANT_ADD(change, tmpfs)
{
	.name = "/tmp/zc-change",
};

FIXTURE_SETUP(change)
{
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->used = zct_used(self->fd);
	self->file = zct_pattern_file(variant->name, SIZE);
	ASSERT_GE(self->file, 0);
	self->taker.buf = malloc(2 * SIZE);
	self->buf = malloc(2 * SIZE);
}

FIXTURE_TEARDOWN(change)
{
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 1000));
	close(self->file);
	close(self->fd);
	unlink(variant->name);
	free(self->taker.buf);
	free(self->buf);
}

static void *take(void *data)
{
	struct taker *t = data;
	ssize_t n;

	t->len = 0;
	while ((n = recv(t->sock, t->buf + t->len, 2 * SIZE - t->len, 0)) > 0)
		t->len += n;
	return NULL;
}

/* Send all there is from @offset on. What came is in the taker. */
static void send_from(struct __test_metadata *_metadata, SELF *self, uint64_t offset,
		      uint32_t flags)
{
	int sock[2];

	ASSERT_EQ(0, zct_pair(AF_INET, sock));
	self->taker.sock = sock[1];
	pthread_create(&self->taker.thread, NULL, take, &self->taker);
	self->arg = (struct zc_sendfile){
		.in_fd = self->file,
		.out_fd = sock[0],
		.offset = offset,
		.len = UINT64_MAX,
		.flags = flags,
	};
	EXPECT_EQ(0, zct_ioctl(self->fd, ZC_IOC_SENDFILE, &self->arg));
	if (flags & ZC_SEND_ASYNC) {
		struct zc_event event;

		ASSERT_TRUE(zct_event(self->fd, &event, 60000));
		self->arg.error = event.error;
		self->arg.sent = event.sent;
		self->arg.offset += event.sent;
	}
	EXPECT_EQ(0, self->arg.error);
	shutdown(sock[0], SHUT_WR);
	pthread_join(self->taker.thread, NULL);
	EXPECT_EQ(self->arg.sent, self->taker.len);
	EXPECT_EQ(offset + self->arg.sent, self->arg.offset);
	close(sock[0]);
	close(sock[1]);
}

/**
 * struct cutter - somebody who works on the file
 * @file: the file
 * @seed: of what comes next
 * @buf:  for SIZE
 * @stop: end
 */
struct cutter {
	int file;
	unsigned int seed;
	char *buf;
	bool stop;
	pthread_t thread;
};

/* One change, after which a byte is what it was, what is written here, or zero. */
static void cut(struct cutter *c)
{
	uint64_t off = rand_r(&c->seed) % SIZE, len = 1 + rand_r(&c->seed) % (SIZE - off);
	const int keep = FALLOC_FL_KEEP_SIZE;

	/* Often whole pages: those are taken out of the cache, others zeroed in it. */
	if (rand_r(&c->seed) % 2)
		off &= -PAGE;
	switch (rand_r(&c->seed) % 6) {
	case 0:
		if (ftruncate(c->file, off) || ftruncate(c->file, SIZE))
			abort();
		break;
	case 1:
		if (ftruncate(c->file, off))
			abort();
		break;
	case 2:
		if (fallocate(c->file, FALLOC_FL_PUNCH_HOLE | keep, off, len))
			abort();
		break;
	case 3:
		/* Not on each filesystem. */
		if (fallocate(c->file, FALLOC_FL_ZERO_RANGE | keep, off, len) &&
		    errno != EOPNOTSUPP)
			abort();
		break;
	case 4:
		posix_fadvise(c->file, 0, 0, POSIX_FADV_DONTNEED);
		break;
	default:
		zct_pattern(c->buf, off + rand_r(&c->seed) % 2 * NEW, len);
		if (pwrite(c->file, c->buf, len, off) != (ssize_t)len)
			abort();
	}
}

/* After each change: what read(2) gives. */
TEST_F_TIMEOUT(change, before, 120)
{
	struct cutter cutter = { .file = self->file, .seed = 1, .buf = malloc(SIZE) };
	int i;

	for (i = 0; i < 60; i++) {
		uint64_t offset = i % 3 * 4321;
		ssize_t len;

		/* Half of the time all of it is in the cache before. */
		if (i % 2)
			ASSERT_LE(0, pread(self->file, self->buf, SIZE, 0));
		cut(&cutter);
		send_from(_metadata, self, offset, variant->flags);
		len = pread(self->file, self->buf, 2 * SIZE, offset);
		ASSERT_GE(len, 0);
		ASSERT_EQ(len, self->arg.sent)
			TH_LOG("round %d", i);
		ASSERT_EQ(0, memcmp(self->buf, self->taker.buf, len))
			TH_LOG("round %d", i);
	}
	free(cutter.buf);
}

static void *cut_again(void *data)
{
	struct cutter *c = data;

	while (!__atomic_load_n(&c->stop, __ATOMIC_RELAXED))
		cut(c);
	return NULL;
}

/* Where is a byte of @got that the file has never had there? -1: nowhere. */
static int64_t find_alien(const char *got, uint64_t offset, size_t len)
{
	static char old[PAGE], new[PAGE];
	size_t done, n, i;

	for (done = 0; done < len; done += n) {
		n = len - done < PAGE ? len - done : PAGE;
		zct_pattern(old, offset + done, n);
		if (!memcmp(got + done, old, n))
			continue;
		zct_pattern(new, offset + done + NEW, n);
		for (i = 0; i < n; i++)
			if (got[done + i] && got[done + i] != old[i] &&
			    got[done + i] != new[i])
				return offset + done + i;
	}
	return -1;
}

/* Each byte is one that the file has had there, and they are as many as it says. */
TEST_F_TIMEOUT(change, meanwhile, 120)
{
	struct cutter cutter = { .seed = 2, .buf = malloc(SIZE) };
	uint64_t sent = 0;
	ssize_t len;
	int i;

	cutter.file = open(variant->name, O_RDWR | O_CLOEXEC);
	ASSERT_GE(cutter.file, 0);
	pthread_create(&cutter.thread, NULL, cut_again, &cutter);
	for (i = 0; i < 40; i++) {
		uint64_t offset = i % 4 * 4321;

		send_from(_metadata, self, offset, variant->flags);
		EXPECT_LE(self->arg.offset, SIZE);
		EXPECT_EQ(-1, find_alien(self->taker.buf, offset, self->taker.len));
		sent += self->arg.sent;
	}
	EXPECT_GT(sent, SIZE);
	__atomic_store_n(&cutter.stop, true, __ATOMIC_RELAXED);
	pthread_join(cutter.thread, NULL);
	/* Nothing stale was left in the page cache. */
	len = pread(self->file, self->buf, 2 * SIZE, 0);
	ASSERT_EQ(0, fsync(self->file));
	posix_fadvise(self->file, 0, 0, POSIX_FADV_DONTNEED);
	EXPECT_EQ(len, pread(self->file, self->taker.buf, 2 * SIZE, 0));
	EXPECT_EQ(0, memcmp(self->buf, self->taker.buf, len));
	close(cutter.file);
	free(cutter.buf);
}

TEST_HARNESS_MAIN
