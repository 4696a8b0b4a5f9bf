// SPDX-License-Identifier: GPL-2.0-only
/* Sockets that encrypt in the kernel, from the start or from somewhere on. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "sender.h"
#include "zc_sockets.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(ktls)

#define SIZE	(2 * HUGE)
#define LEN	(SIZE - 4321)
#define NR(array)	(sizeof(array) / sizeof(*(array)))

/* A record on the wire: a header, 8 bytes of the nonce, the bytes, 16 of the tag. */
#define HEADER	5
#define EXTRA	(8 + 16)

FIXTURE(ktls)
{
	struct sender s;
	int sock[2];
	char *raw;
};

FIXTURE_SETUP(ktls)
{
	int ret;

	if (system("modprobe -q tls"))
		TH_LOG("modprobe tls failed");
	ASSERT_EQ(0, zct_pair(AF_INET, self->sock));
	ret = zct_tls_ulp(self->sock[0]);
	if (ret == -ENOENT)
		SKIP(return, "no kernel TLS");
	ASSERT_EQ(0, ret);
	close(self->sock[0]);
	close(self->sock[1]);
	ASSERT_TRUE(sender_open(&self->s, SIZE));
	self->raw = malloc(2 * SIZE);
	ASSERT_NE(NULL, self->raw);
}

FIXTURE_TEARDOWN(ktls)
{
	EXPECT_TRUE(sender_close(&self->s));
	free(self->raw);
}

static const uint32_t manners[] = { 0, ZC_SEND_ASYNC };

/* A connection whose ends hold little, and whose receiver does not wait for ever. */
static int small_pair(int *sock)
{
	struct timeval tv = { .tv_sec = 30 };
	int size = 65536, ret = zct_pair(AF_INET, sock);

	if (ret)
		return ret;
	setsockopt(sock[1], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(sock[1], SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	setsockopt(sock[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return 0;
}

/* Receive @len bytes; they must be the pattern from @offset on. */
static void receive(struct __test_metadata *_metadata, SELF *self, int sock,
		    uint64_t offset, uint64_t len)
{
	uint64_t got;
	ssize_t n;

	for (got = 0; got < len; got += n) {
		n = recv(sock, self->raw, len - got < MIB ? len - got : MIB, 0);
		ASSERT_GT(n, 0)
			TH_LOG("errno %d after %llu of %llu", errno, (long long)got,
			       (long long)len);
		ASSERT_EQ(-1, zct_pattern_check(self->raw, offset + got, n));
	}
	EXPECT_EQ(-1, recv(sock, self->raw, 1, MSG_DONTWAIT));
	EXPECT_EQ(EAGAIN, errno);
}

static void all_copied(struct __test_metadata *_metadata, SELF *self)
{
	struct sender *s = &self->s;

	EXPECT_EQ(s->sent, s->copied);
	EXPECT_EQ(ZC_COPY_SOCKET, s->reasons);
	EXPECT_EQ(ZC_PATH_COPY, s->paths);
	EXPECT_TRUE(sender_released(s, 10000));
	EXPECT_EQ(0, s->net_copied);
}

/* From each end of a connection to the other. */
TEST_F_TIMEOUT(ktls, both_ways, 240)
{
	struct sender *s = &self->s;
	enum origin from;
	size_t i, end;

	for (from = 0; from < FROM_NR; from++) {
		for (i = 0; i < NR(manners); i++) {
			ASSERT_EQ(0, zct_tls_pair(self->sock));
			for (end = 0; end < 2; end++) {
				sender_start(s, from, self->sock[end], 11, LEN,
					     manners[i]);
				receive(_metadata, self, self->sock[!end], 11, LEN);
				EXPECT_TRUE(sender_join(s, 30000));
				EXPECT_EQ(0, s->ret);
				EXPECT_EQ(LEN, s->sent);
				EXPECT_EQ(0, s->error);
				all_copied(_metadata, self);
			}
			close(self->sock[0]);
			close(self->sock[1]);
		}
	}
}

/* The first transfer in the clear, the next one not. */
TEST_F_TIMEOUT(ktls, between, 240)
{
	struct sender *s = &self->s;
	enum origin from;

	for (from = 0; from < FROM_NR; from++) {
		ASSERT_EQ(0, zct_pair(AF_INET, self->sock));
		sender_start(s, from, self->sock[0], 0, HUGE, 0);
		receive(_metadata, self, self->sock[1], 0, HUGE);
		EXPECT_TRUE(sender_join(s, 0));
		EXPECT_EQ(HUGE, s->sent);
		EXPECT_EQ(0, s->copied);
		EXPECT_TRUE(sender_released(s, 10000));

		ASSERT_EQ(0, zct_tls_ulp(self->sock[0]));
		ASSERT_EQ(0, zct_tls_way(self->sock[0], TLS_TX));
		ASSERT_EQ(0, zct_tls_ulp(self->sock[1]));
		ASSERT_EQ(0, zct_tls_way(self->sock[1], TLS_RX));
		sender_start(s, from, self->sock[0], HUGE, HUGE, 0);
		receive(_metadata, self, self->sock[1], HUGE, HUGE);
		EXPECT_TRUE(sender_join(s, 0));
		EXPECT_EQ(HUGE, s->sent);
		all_copied(_metadata, self);
		close(self->sock[0]);
		close(self->sock[1]);
	}
}

/* What the socket has not taken when it begins to encrypt goes encrypted. */
TEST_F_TIMEOUT(ktls, meanwhile, 240)
{
	struct sender *s = &self->s;
	enum origin from;
	uint64_t clear;

	for (from = 0; from < FROM_NR; from++) {
		ASSERT_EQ(0, small_pair(self->sock));
		sender_start(s, from, self->sock[0], 0, LEN, ZC_SEND_ASYNC);
		ASSERT_EQ(0, s->ret);
		clear = tcp_stalled(self->sock[0]);
		ASSERT_LT(clear, LEN / 2);
		ASSERT_EQ(0, zct_tls_ulp(self->sock[0]));
		ASSERT_EQ(0, zct_tls_way(self->sock[0], TLS_TX));
		ASSERT_EQ(clear, tcp_taken(self->sock[0]));

		for (uint64_t got = 0; got < clear;) {
			ssize_t n = recv(self->sock[1], self->raw, clear - got, 0);

			ASSERT_GT(n, 0);
			ASSERT_EQ(-1, zct_pattern_check(self->raw, got, n));
			got += n;
		}
		ASSERT_EQ(0, zct_tls_ulp(self->sock[1]));
		ASSERT_EQ(0, zct_tls_way(self->sock[1], TLS_RX));
		receive(_metadata, self, self->sock[1], clear, LEN - clear);
		EXPECT_TRUE(sender_join(s, 30000));
		EXPECT_EQ(0, s->error);
		EXPECT_EQ(LEN, s->sent);
		EXPECT_TRUE(s->reasons & ZC_COPY_SOCKET);
		EXPECT_LE(LEN - clear, s->copied);
		EXPECT_TRUE(sender_released(s, 10000));
		close(self->sock[0]);
		close(self->sock[1]);
	}
}

/**
 * struct wire - what comes over the wire of a connection that changes to TLS
 * @sock:  where from
 * @want:  bytes, without what TLS adds
 * @raw:   for what comes
 * @clear: bytes of the pattern that came in the clear
 * @got:   bytes that came, without what TLS adds
 * @len:   bytes on the wire
 * @ok:    they were: a part of the pattern, and then records
 */
struct wire {
	int sock;
	uint64_t want;
	unsigned char *raw;
	uint64_t clear;
	uint64_t got;
	uint64_t len;
	bool ok;
	pthread_t thread;
};

/* Go over the records from @at on. Returns the start of the first that is not whole. */
static uint64_t wire_records(struct wire *w, uint64_t at)
{
	while (w->len - at >= HEADER) {
		const unsigned char *p = w->raw + at;
		size_t len = p[3] << 8 | p[4];

		w->ok = w->ok && p[0] == 23 && p[1] == 3 && p[2] == 3 &&
			len > EXTRA && len <= 16384 + EXTRA;
		if (!w->ok || w->len - at < HEADER + len)
			break;
		w->got += len - EXTRA;
		at += HEADER + len;
	}
	return at;
}

static void *wire_main(void *data)
{
	struct wire *w = data;
	uint64_t at = 0;
	bool secret = false;
	ssize_t n;

	w->ok = true;
	while (w->ok && w->got < w->want) {
		n = recv(w->sock, w->raw + w->len, 2 * SIZE - w->len, 0);
		if (n <= 0)
			break;
		if (!secret) {
			int64_t bad = zct_pattern_check(w->raw + w->len, w->len, n);

			secret = bad >= 0;
			at = w->len + (secret ? bad : n);
			/* A header may begin as the pattern goes on. */
			while (secret && at && w->raw[at] != 23 && at > w->len + bad - 3)
				at--;
			w->clear = at;
			w->got = at;
		}
		w->len += n;
		if (secret)
			at = wire_records(w, at);
	}
	w->ok = w->ok && at == w->len;
	return NULL;
}

/* At no matter what time it begins, nothing is lost, twice there, or mixed up. */
TEST_F_TIMEOUT(ktls, race, 240)
{
	struct sender *s = &self->s;
	int i, mixed = 0;

	for (i = 0; i < 36; i++) {
		uint32_t flags = manners[i % NR(manners)];
		enum origin from = i / NR(manners) % FROM_NR;
		struct wire w = { .want = LEN, .raw = (void *)self->raw };

		ASSERT_EQ(0, small_pair(self->sock));
		w.sock = self->sock[1];
		pthread_create(&w.thread, NULL, wire_main, &w);
		sender_start(s, from, self->sock[0], 0, LEN, flags);
		usleep(i / (NR(manners) * FROM_NR) * 3000);
		EXPECT_EQ(0, zct_tls_ulp(self->sock[0]));
		usleep(i % 5 * 100);
		EXPECT_EQ(0, zct_tls_way(self->sock[0], TLS_TX));
		EXPECT_TRUE(sender_join(s, 30000));
		EXPECT_EQ(0, s->error);
		EXPECT_EQ(LEN, s->sent);
		pthread_join(w.thread, NULL);
		EXPECT_TRUE(w.ok)
			TH_LOG("round %d: %llu in the clear, %llu on the wire", i,
			       (long long)w.clear, (long long)w.len);
		EXPECT_EQ(LEN, w.got);
		mixed += w.clear && w.clear < LEN;
		EXPECT_TRUE(sender_released(s, 10000));
		close(self->sock[0]);
		close(self->sock[1]);
	}
	EXPECT_GT(mixed, 0);
}

TEST_HARNESS_MAIN
