// SPDX-License-Identifier: GPL-2.0-only
/* ZC_IOC_SENDFILE: which bytes arrive, and what the result says. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "zc_test.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(sendfile)

#define SIZE		(5 * HUGE + 12345)
#define FILE_NAME	EXT4_DIR "/zc-sendfile"

FIXTURE(sendfile)
{
	int fd;
	int file;
	uint64_t used;
	struct zc_sendfile arg;
	struct zct_rx rx;
};

FIXTURE_SETUP(sendfile)
{
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->used = zct_used(self->fd);
	self->file = zct_pattern_file(FILE_NAME, SIZE);
	ASSERT_GE(self->file, 0);
}

FIXTURE_TEARDOWN(sendfile)
{
	EXPECT_EQ(self->used, zct_used(self->fd));
	close(self->file);
	close(self->fd);
	unlink(FILE_NAME);
}

static int send_range(SELF *self, uint64_t offset, uint64_t len,
		      uint32_t flags)
{
	return zct_send(self->fd, AF_INET, self->file, offset, len, flags,
			&self->arg, &self->rx);
}

TEST_F_TIMEOUT(sendfile, lengths_and_offsets, 120)
{
	static const uint64_t offsets[] = { 0, 1, 511, 4095, 4096, 4097, HUGE - 1,
					    HUGE, SIZE - 1, SIZE, SIZE + 1,
					    1ull << 40 };
	static const uint64_t lens[] = { 0, 1, 4095, 4096, 4097, HUGE - 1, HUGE,
					 HUGE + 1, SIZE, SIZE + 1, UINT64_MAX };
	size_t i, j;

	for (i = 0; i < sizeof(offsets) / sizeof(*offsets); i++) {
		for (j = 0; j < sizeof(lens) / sizeof(*lens); j++) {
			uint64_t off = offsets[i], left = off < SIZE ? SIZE - off : 0;
			uint64_t want = lens[j] < left ? lens[j] : left;
			const struct zc_sendfile *arg = &self->arg;

			EXPECT_EQ(0, send_range(self, off, lens[j], 0));
			EXPECT_EQ(want, arg->sent)
				TH_LOG("offset %llu, length %llu",
				       (unsigned long long)off,
				       (unsigned long long)lens[j]);
			EXPECT_EQ(off + want, arg->offset);
			EXPECT_EQ(0, arg->error);
			EXPECT_EQ(want, self->rx.bytes);
			EXPECT_EQ(-1, self->rx.bad);
			EXPECT_TRUE(zct_none_copied(arg->copied, arg->copy_reasons));
			EXPECT_EQ(0, arg->cached);
			EXPECT_EQ(!want, !arg->chunks);
			EXPECT_LE(arg->huge_bytes, want);
		}
	}
	EXPECT_EQ(0, zct_cached(self->file, SIZE));
}

TEST_F_TIMEOUT(sendfile, hugepages_carry, 120)
{
	EXPECT_EQ(0, send_range(self, 0, 4 * HUGE, 0));
	EXPECT_EQ(4 * HUGE, self->arg.sent);
	EXPECT_EQ(4 * HUGE, self->arg.huge_bytes);
	/* Small first, then larger: fewer reads than of the first size. */
	EXPECT_LE(self->arg.chunks, 12);
	EXPECT_GE(self->arg.chunks, 5);
}

/* A hugepage that is open for small files is not in the way of one that fills it. */
TEST_F_TIMEOUT(sendfile, slices_leave_room, 120)
{
	int cpu;

	for (cpu = 1; cpu >= 0; cpu--) {
		zct_on_cpu(cpu);
		EXPECT_EQ(0, send_range(self, 0, 65536, ZC_SEND_DIRECT));
		EXPECT_EQ(65536, self->arg.huge_bytes);
	}
	/* Half is for transfers: as much as is open on two nodes. */
	ASSERT_EQ(0, zct_param_set("max_bytes", 4 * HUGE));
	EXPECT_EQ(0, send_range(self, 0, HUGE, ZC_SEND_DIRECT));
	EXPECT_EQ(0, zct_param_set("max_bytes", 0));
	EXPECT_EQ(HUGE, self->arg.huge_bytes);
	EXPECT_EQ(HUGE, self->rx.bytes);
	EXPECT_EQ(-1, self->rx.bad);
}

TEST_F_TIMEOUT(sendfile, negative_offset, 120)
{
	EXPECT_EQ(-EINVAL, send_range(self, 1ull << 63, 1, 0));
	EXPECT_EQ(-EINVAL, send_range(self, UINT64_MAX, 1, 0));
	EXPECT_EQ(0, send_range(self, INT64_MAX, UINT64_MAX, 0));
	EXPECT_EQ(0, self->arg.sent);
}

TEST_F_TIMEOUT(sendfile, position, 120)
{
	EXPECT_EQ(0, send_range(self, 100, 1000, 0));
	EXPECT_EQ(SIZE, lseek(self->file, 0, SEEK_CUR) ?: SIZE);

	ASSERT_EQ(77, lseek(self->file, 77, SEEK_SET));
	EXPECT_EQ(-EINVAL, send_range(self, 1, 1000, ZC_SEND_POS));
	EXPECT_EQ(77, lseek(self->file, 0, SEEK_CUR));
	EXPECT_EQ(0, send_range(self, 0, 1000, ZC_SEND_POS));
	EXPECT_EQ(1000, self->arg.sent);
	EXPECT_EQ(-1, self->rx.bad);
	EXPECT_EQ(1077, self->arg.offset);
	EXPECT_EQ(1077, lseek(self->file, 0, SEEK_CUR));
	EXPECT_EQ(0, send_range(self, 0, UINT64_MAX, ZC_SEND_POS));
	EXPECT_EQ(SIZE - 1077, self->arg.sent);
	EXPECT_EQ(-1, self->rx.bad);
	EXPECT_EQ(SIZE, lseek(self->file, 0, SEEK_CUR));
	EXPECT_EQ(0, send_range(self, 0, UINT64_MAX, ZC_SEND_POS));
	EXPECT_EQ(0, self->arg.sent);
}

TEST_F_TIMEOUT(sendfile, ipv6_and_unix, 120)
{
	EXPECT_EQ(0, zct_send(self->fd, AF_INET6, self->file, 3, UINT64_MAX, 0,
			      &self->arg, &self->rx));
	EXPECT_EQ(SIZE - 3, self->arg.sent);
	EXPECT_EQ(SIZE - 3, self->rx.bytes);
	EXPECT_EQ(-1, self->rx.bad);
	EXPECT_EQ(0, self->arg.copied);
	EXPECT_EQ(0, zct_send(self->fd, AF_UNIX, self->file, 3, UINT64_MAX, 0,
			      &self->arg, &self->rx));
	EXPECT_EQ(SIZE - 3, self->arg.sent);
	EXPECT_EQ(SIZE - 3, self->rx.bytes);
	EXPECT_EQ(-1, self->rx.bad);
	EXPECT_EQ(0, self->arg.copied);
}

/* What was written a moment ago, and is in the page cache alone, is sent. */
TEST_F_TIMEOUT(sendfile, dirty_pages, 120)
{
	struct zc_sendfile arg;
	char *buf = malloc(HUGE);
	struct zct_rx rx;
	int sock[2], round;

	for (round = 1; round <= 5; round++) {
		arg = (struct zc_sendfile){ .in_fd = self->file, .offset = 8192,
					    .len = HUGE };
		rx = (struct zct_rx){ .offset = 1000 * round, .check = true };
		zct_pattern(buf, rx.offset, HUGE);
		ASSERT_EQ(HUGE, pwrite(self->file, buf, HUGE, 8192));
		ASSERT_EQ(0, zct_pair(AF_INET, sock));
		arg.out_fd = sock[0];
		rx.sock = sock[1];
		zct_rx_start(&rx);
		EXPECT_EQ(0, zct_ioctl(self->fd, ZC_IOC_SENDFILE, &arg));
		shutdown(sock[0], SHUT_WR);
		zct_rx_join(&rx);
		EXPECT_EQ(HUGE, rx.bytes);
		EXPECT_EQ(-1, rx.bad);
		close(sock[0]);
		close(sock[1]);
	}
	free(buf);
}

TEST_F_TIMEOUT(sendfile, beyond_4_gib, 120)
{
	const uint64_t at = 5ull << 30;
	char *buf = malloc(MIB);

	zct_pattern(buf, at, MIB);
	ASSERT_EQ(MIB, pwrite(self->file, buf, MIB, at));
	EXPECT_EQ(0, send_range(self, at, UINT64_MAX, 0));
	EXPECT_EQ(MIB, self->rx.bytes);
	EXPECT_EQ(-1, self->rx.bad);
	EXPECT_EQ(at + MIB, self->arg.offset);
	free(buf);
}

TEST_F_TIMEOUT(sendfile, opened_with_o_direct, 120)
{
	int file = open(FILE_NAME, O_RDONLY | O_DIRECT);

	ASSERT_GE(file, 0);
	EXPECT_EQ(0, zct_send(self->fd, AF_INET, file, 1, UINT64_MAX, ZC_SEND_DIRECT,
			      &self->arg, &self->rx));
	EXPECT_EQ(SIZE - 1, self->rx.bytes);
	EXPECT_EQ(-1, self->rx.bad);
	close(file);
}

/* send(2) and transfers on one socket keep their order. */
TEST_F_TIMEOUT(sendfile, among_other_sends, 120)
{
	const size_t part = 40000;
	char *buf = malloc(part);
	struct zc_sendfile arg;
	int sock[2], i;

	ASSERT_EQ(0, zct_pair(AF_INET, sock));
	self->rx = (struct zct_rx){ .sock = sock[1], .check = true };
	zct_rx_start(&self->rx);
	for (i = 0; i < 100; i++) {
		arg = (struct zc_sendfile){
			.in_fd = self->file,
			.out_fd = sock[0],
			.offset = i * part,
			.len = part,
			.flags = i % 3 ? 0 : ZC_SEND_MORE,
		};
		if (i % 2) {
			EXPECT_EQ(0, zct_ioctl(self->fd, ZC_IOC_SENDFILE, &arg));
			EXPECT_EQ(part, arg.sent);
		} else {
			zct_pattern(buf, i * part, part);
			EXPECT_EQ(part, send(sock[0], buf, part, 0));
		}
	}
	shutdown(sock[0], SHUT_WR);
	zct_rx_join(&self->rx);
	EXPECT_EQ(100 * part, self->rx.bytes);
	EXPECT_EQ(-1, self->rx.bad);
	close(sock[0]);
	close(sock[1]);
	free(buf);
}

struct worker {
	int fd;
	int file;
	uint64_t start;
	pthread_t thread;
	uint64_t wrong;
};

static void *work(void *data)
{
	struct worker *w = data;
	struct zc_sendfile arg;
	struct zct_rx rx;
	uint64_t i;

	for (i = 0; i < 6; i++) {
		uint64_t off = w->start + i * 77777;

		if (zct_send(w->fd, i % 3 ? AF_INET : AF_UNIX, w->file, off, UINT64_MAX,
			     0, &arg, &rx))
			w->wrong++;
		if (rx.bad != -1 || rx.bytes != SIZE - off || arg.sent != rx.bytes)
			w->wrong++;
	}
	return NULL;
}

TEST_F_TIMEOUT(sendfile, many_at_once, 120)
{
	struct worker workers[8];
	int i;

	for (i = 0; i < 8; i++) {
		workers[i] = (struct worker){ .fd = self->fd, .file = self->file,
					      .start = i * 1111 };
		pthread_create(&workers[i].thread, NULL, work, &workers[i]);
	}
	for (i = 0; i < 8; i++) {
		pthread_join(workers[i].thread, NULL);
		EXPECT_EQ(0, workers[i].wrong);
	}
}

/* All values of the parameter, and the largest number of reads in flight. */
TEST_F_TIMEOUT(sendfile, depth, 120)
{
	long long old = zct_param("depth");
	int depth;

	ASSERT_GE(old, 1);
	for (depth = 1; depth <= 8; depth++) {
		EXPECT_EQ(0, zct_param_set("depth", depth));
		EXPECT_EQ(0, send_range(self, 0, UINT64_MAX, 0));
		EXPECT_EQ(SIZE, self->rx.bytes);
		EXPECT_EQ(-1, self->rx.bad);
	}
	EXPECT_EQ(-EINVAL, zct_param_set("depth", 0));
	EXPECT_EQ(-EINVAL, zct_param_set("depth", 9));
	EXPECT_EQ(0, zct_param_set("depth", old));
}

/* Little memory makes transfers small, not wrong. */
TEST_F_TIMEOUT(sendfile, little_memory, 120)
{
	static const uint64_t limits[] = { 4096, 65536, HUGE - 4096, HUGE, 3 * HUGE };
	long long old = zct_param("max_bytes");
	size_t i;

	ASSERT_EQ(0, zct_param_set("max_bytes", 1));
	EXPECT_EQ(-ENOMEM, send_range(self, 0, UINT64_MAX, 0));
	EXPECT_EQ(0, self->rx.bytes);
	for (i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		EXPECT_EQ(0, zct_param_set("max_bytes", self->used + limits[i]));
		EXPECT_EQ(0, send_range(self, 5, UINT64_MAX, 0));
		EXPECT_EQ(SIZE - 5, self->rx.bytes);
		EXPECT_EQ(-1, self->rx.bad);
	}
	EXPECT_EQ(0, zct_param_set("max_bytes", old));
}

TEST_HARNESS_MAIN
