// SPDX-License-Identifier: GPL-2.0-only
/* What the socket has been told, and what its peer does, holds for transfers. */
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "sender.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(socket)

#define SIZE	(2 * HUGE)
#define LEN	(SIZE - 4321)
#define NR(array)	(sizeof(array) / sizeof(*(array)))

/* Within which no timer of TCP sends what is corked; ms. */
#define CORK_MS	200

FIXTURE(socket)
{
	struct sender s;
	struct zct_rx rx;
	int sock[2];
	char *data;
};

FIXTURE_SETUP(socket)
{
	signal(SIGPIPE, SIG_IGN);
	ASSERT_TRUE(sender_open(&self->s, SIZE));
	self->data = malloc(SIZE);
	ASSERT_NE(NULL, self->data);
}

FIXTURE_TEARDOWN(socket)
{
	EXPECT_TRUE(sender_close(&self->s));
	free(self->data);
}

static const uint32_t manners[] = { 0, ZC_SEND_NONBLOCK, ZC_SEND_ASYNC };

static void option(int sock, int level, int name, int val)
{
	setsockopt(sock, level, name, &val, sizeof(val));
}

/* A connection of small packets, whose ends hold @room bytes or so. */
static int pair_of(int *sock, int room)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	sock[0] = socket(AF_INET, SOCK_STREAM, 0);
	option(sock[0], IPPROTO_TCP, TCP_MAXSEG, 1000);
	option(sock[0], SOL_SOCKET, SO_SNDBUFFORCE, room);
	option(fd, SOL_SOCKET, SO_RCVBUFFORCE, room);
	return zct_meet(fd, sock);
}

static int small_pair(int family, int *sock)
{
	int ret = family == AF_UNIX ? zct_pair(family, sock) : pair_of(sock, 32768);

	if (family == AF_UNIX)
		option(sock[0], SOL_SOCKET, SO_SNDBUF, 65536);
	return ret;
}

static uint64_t packets(int sock)
{
	struct tcp_info info;

	tcp_get_info(sock, &info);
	return info.tcpi_data_segs_out - info.tcpi_total_retrans;
}

static uint64_t unsent(int sock)
{
	struct tcp_info info;

	tcp_get_info(sock, &info);
	return info.tcpi_notsent_bytes;
}

static uint64_t mss(int sock)
{
	struct tcp_info info;

	tcp_get_info(sock, &info);
	return info.tcpi_snd_mss;
}

static void start_receiver(SELF *self, uint64_t offset)
{
	self->rx = (struct zct_rx){ .sock = self->sock[1], .offset = offset,
				    .check = true };
	zct_rx_start(&self->rx);
}

/* The receiver gets @bytes of the pattern, and then the end. */
static void finish(struct __test_metadata *_metadata, SELF *self, uint64_t bytes)
{
	shutdown(self->sock[0], SHUT_WR);
	zct_rx_join(&self->rx);
	EXPECT_EQ(bytes, self->rx.bytes);
	EXPECT_EQ(-1, self->rx.bad);
	close(self->sock[0]);
	close(self->sock[1]);
}

static void drain(struct __test_metadata *_metadata, SELF *self, uint64_t offset,
		  uint64_t bytes)
{
	start_receiver(self, offset);
	finish(_metadata, self, bytes);
}

/*
 * Send @nr times @len bytes, of which @stay are to stay, and note the packets that
 * have left and the bytes that have not. Returns whether it was fast enough for that
 * to mean something.
 */
static bool burst(struct __test_metadata *_metadata, SELF *self, enum origin from,
		  int nr, uint64_t len, uint32_t flags, uint64_t stay,
		  uint64_t *left)
{
	uint64_t start = zct_now_ms(), i;

	for (i = 0; i < nr; i++) {
		EXPECT_EQ(0, sender_send(&self->s, from, self->sock[0], i * len,
					 len, flags));
		EXPECT_EQ(len, self->s.sent);
	}
	/* Full packets may wait for an acknowledgment before. */
	while (unsent(self->sock[0]) > stay && zct_now_ms() - start < CORK_MS)
		;
	left[0] = packets(self->sock[0]);
	left[1] = unsent(self->sock[0]);
	if (zct_now_ms() - start < CORK_MS)
		return true;
	close(self->sock[0]);
	close(self->sock[1]);
	return false;
}

/* Events of sends that were short, or not of interest. */
static void forget_events(SELF *self, int nr)
{
	struct zc_event ev;

	while (nr-- && zct_event(self->s.fd, &ev, 5000))
		;
}

/*
 * Full packets leave, a short one does not before the cork is drawn. Sends with
 * notifications of their own share no packet, so there it is one send.
 */
TEST_F_TIMEOUT(socket, cork, 120)
{
	uint64_t len = 0, left[2], start = 0;
	enum origin from;
	int tries, nr = 0;

	for (from = 0; from < FROM_NR; from++) {
		for (tries = 0; tries < 20; tries++) {
			ASSERT_EQ(0, pair_of(self->sock, MIB));
			option(self->sock[0], IPPROTO_TCP, TCP_NODELAY, 1);
			option(self->sock[0], IPPROTO_TCP, TCP_CORK, 1);
			nr = from == FROM_BUFFER ? 1 : 5;
			len = 5 * (mss(self->sock[0]) + 20) / nr;
			start = zct_now_ms();
			if (burst(_metadata, self, from, nr, len, 0, 100, left))
				break;
			forget_events(self, from == FROM_BUFFER);
		}
		ASSERT_LT(tries, 20);
		EXPECT_EQ(5, left[0]);
		EXPECT_EQ(100, left[1]);
		option(self->sock[0], IPPROTO_TCP, TCP_CORK, 0);
		if (zct_now_ms() - start < CORK_MS)
			EXPECT_EQ(6, packets(self->sock[0]));
		EXPECT_EQ(0, unsent(self->sock[0]));
		drain(_metadata, self, 0, nr * len);
		forget_events(self, from == FROM_BUFFER);
	}
}

/* ZC_SEND_MORE does for a send what the cork does for all. */
TEST_F_TIMEOUT(socket, more, 120)
{
	uint64_t left[2], start = 0;
	enum origin from;
	int tries;

	for (from = 0; from < FROM_NR; from++) {
		for (tries = 0; tries < 20; tries++) {
			ASSERT_EQ(0, pair_of(self->sock, MIB));
			option(self->sock[0], IPPROTO_TCP, TCP_NODELAY, 1);
			start = zct_now_ms();
			if (burst(_metadata, self, from, 3, 100, ZC_SEND_MORE,
				  300, left))
				break;
			forget_events(self, from == FROM_BUFFER ? 3 : 0);
		}
		ASSERT_LT(tries, 20);
		EXPECT_EQ(0, left[0]);
		EXPECT_EQ(300, left[1]);
		EXPECT_EQ(0, sender_send(&self->s, from, self->sock[0], 300, 50, 0));
		if (zct_now_ms() - start < CORK_MS)
			EXPECT_EQ(1, packets(self->sock[0]));
		EXPECT_EQ(0, unsent(self->sock[0]));
		drain(_metadata, self, 0, 350);
		forget_events(self, from == FROM_BUFFER ? 4 : 0);
	}
}

/* Each send is a packet of its own that leaves at once, referred to or copied. */
TEST_F_TIMEOUT(socket, nodelay, 120)
{
	static const uint64_t lens[] = { 100, 700 };
	uint64_t left[2];
	enum origin from;
	size_t i;

	for (from = 0; from < FROM_NR; from++) {
		for (i = 0; i < NR(lens); i++) {
			ASSERT_EQ(0, pair_of(self->sock, MIB));
			option(self->sock[0], IPPROTO_TCP, TCP_NODELAY, 1);
			while (!burst(_metadata, self, from, 5, lens[i], 0, 0, left)) {
				forget_events(self, from == FROM_BUFFER ? 5 : 0);
				ASSERT_EQ(0, pair_of(self->sock, MIB));
				option(self->sock[0], IPPROTO_TCP, TCP_NODELAY, 1);
			}
			EXPECT_EQ(5, left[0]);
			EXPECT_EQ(0, left[1]);
			drain(_metadata, self, 0, 5 * lens[i]);
			forget_events(self, from == FROM_BUFFER ? 5 : 0);
		}
	}
}

static void wait_sent(SELF *self)
{
	int i;

	for (i = 0; unsent(self->sock[0]) && i < 1000; i++)
		usleep(10000);
}

/* How many packets does a transfer make, when the window is open already? */
static uint64_t packets_of(struct __test_metadata *_metadata, SELF *self,
			   enum origin from, uint32_t flags)
{
	struct sender *s = &self->s;
	uint64_t before;

	EXPECT_EQ(0, sender_send(s, FROM_SEALED, self->sock[0], 0, LEN, 0));
	wait_sent(self);
	before = packets(self->sock[0]);
	EXPECT_EQ(0, sender_send(s, from, self->sock[0], 0, LEN, flags));
	EXPECT_EQ(LEN, s->sent);
	wait_sent(self);
	return packets(self->sock[0]) - before;
}

/* One transfer over a connection of its own. Returns the packets that need not be. */
static int64_t short_packets(struct __test_metadata *_metadata, SELF *self,
			     enum origin from, int hot)
{
	uint64_t full, nr;

	EXPECT_EQ(0, pair_of(self->sock, 16 * MIB));
	option(self->sock[0], IPPROTO_TCP, TCP_NODELAY, 1);
	full = (LEN + mss(self->sock[0]) - 1) / mss(self->sock[0]);
	self->rx = (struct zct_rx){ .sock = self->sock[1] };
	zct_rx_start(&self->rx);
	nr = packets_of(_metadata, self, from, hot ? ZC_SEND_CACHED : 0);
	EXPECT_LE(full, nr);
	finish(_metadata, self, 2 * LEN);
	EXPECT_TRUE(sender_released(&self->s, 10000));
	return nr - full;
}

/*
 * Where all is there to be sent, there is no short packet but the last. A read that
 * is not over when the socket has room may make one: what came before it need not
 * wait. TCP may cut some at the edge of its window; a break between the pieces that
 * are sent at once would make eight or more.
 */
TEST_F_TIMEOUT(socket, full_packets, 240)
{
	enum origin from;
	int64_t many = 0;
	int hot, tries;

	for (from = 0; from < FROM_NR; from++) {
		for (hot = 0; hot < (from == FROM_FILE ? 3 : 1); hot++) {
			for (tries = 0; tries < 5; tries++) {
				many = short_packets(_metadata, self, from, hot);
				if (from == FROM_FILE && hot < 2)
					many -= self->s.chunks;
				if (many <= 3)
					break;
			}
			EXPECT_LE(many, 3) TH_LOG("from %d, %d", from, hot);
		}
	}
}

/* The peer resets the connection in the middle of it. */
static void reset_one(struct __test_metadata *_metadata, SELF *self,
		      enum origin from, uint32_t flags)
{
	struct linger linger = { .l_onoff = 1 };
	struct sender *s = &self->s;
	uint64_t got;

	ASSERT_EQ(0, small_pair(AF_INET, self->sock));
	sender_start(s, from, self->sock[0], 0, LEN, flags);
	tcp_stalled(self->sock[0]);
	got = recv(self->sock[1], self->data, 10000, MSG_WAITALL);
	EXPECT_EQ(10000, got);
	EXPECT_EQ(-1, zct_pattern_check(self->data, 0, got));
	setsockopt(self->sock[1], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(self->sock[1]);
	ASSERT_TRUE(sender_join(s, 10000));
	EXPECT_EQ(0, s->ret);
	EXPECT_LE(got, s->sent);
	EXPECT_GT(LEN, s->sent);
	EXPECT_EQ(tcp_taken(self->sock[0]), s->sent);
	if (flags == ZC_SEND_NONBLOCK) {
		EXPECT_EQ(EAGAIN, s->error);
	} else {
		EXPECT_TRUE(s->error == ECONNRESET || s->error == EPIPE)
			TH_LOG("error %d", s->error);
	}
	EXPECT_TRUE(sender_released(s, 10000));

	EXPECT_NE(0, sender_send(s, from, self->sock[0], s->sent, 1000, 0));
	EXPECT_TRUE(s->ret == -ECONNRESET || s->ret == -EPIPE);
	EXPECT_EQ(-s->ret, s->error);
	EXPECT_EQ(0, s->sent);
	EXPECT_TRUE(sender_released(s, 10000));
	EXPECT_EQ(-EPIPE, sender_send(s, from, self->sock[0], 0, 1000, 0));
	close(self->sock[0]);
}

TEST_F_TIMEOUT(socket, reset, 240)
{
	enum origin from;
	size_t i;

	for (from = 0; from < FROM_NR; from++)
		for (i = 0; i < NR(manners); i++)
			reset_one(_metadata, self, from, manners[i]);
}

/* A peer that says no more may still be told. */
TEST_F_TIMEOUT(socket, peer_says_no_more, 240)
{
	static const int families[] = { AF_INET, AF_UNIX };
	struct sender *s = &self->s;
	enum origin from;
	size_t i;

	for (from = 0; from < FROM_NR; from++) {
		for (i = 0; i < NR(families) * 2; i++) {
			ASSERT_EQ(0, small_pair(families[i / 2], self->sock));
			shutdown(self->sock[1], SHUT_WR);
			sender_start(s, from, self->sock[0], 5, LEN,
				     i & 1 ? ZC_SEND_ASYNC : 0);
			start_receiver(self, 5);
			ASSERT_TRUE(sender_join(s, 20000));
			EXPECT_EQ(0, s->ret);
			EXPECT_EQ(0, s->error);
			EXPECT_EQ(LEN, s->sent);
			finish(_metadata, self, LEN);
			EXPECT_TRUE(sender_released(s, 10000));
		}
	}
}

/*
 * A peer that listens no more: TCP has no word for it, so what there is room for is
 * taken, and can be received even so. A unix socket knows at once.
 */
TEST_F_TIMEOUT(socket, peer_hears_no_more, 240)
{
	struct sender *s = &self->s;
	enum origin from;
	size_t i;

	for (from = 0; from < FROM_NR; from++) {
		ASSERT_EQ(0, small_pair(AF_INET, self->sock));
		shutdown(self->sock[1], SHUT_RD);
		EXPECT_EQ(0, sender_send(s, from, self->sock[0], 0, 10000, 0));
		EXPECT_EQ(10000, s->sent);
		close(self->sock[0]);
		close(self->sock[1]);
		EXPECT_TRUE(sender_released(s, 10000));

		for (i = 0; i < NR(manners); i++) {
			ASSERT_EQ(0, small_pair(AF_UNIX, self->sock));
			sender_start(s, from, self->sock[0], 3, LEN, manners[i]);
			usleep(300000);
			shutdown(self->sock[1], SHUT_RD);
			ASSERT_TRUE(sender_join(s, 10000));
			EXPECT_EQ(0, s->ret);
			EXPECT_EQ(manners[i] == ZC_SEND_NONBLOCK ? EAGAIN : EPIPE,
				  s->error);
			EXPECT_GT(LEN, s->sent);
			EXPECT_LT(0, s->sent);
			drain(_metadata, self, 3, s->sent);
			EXPECT_TRUE(sender_released(s, 10000));
		}
	}
}

/*
 * The end, with @nr events, of an asynchronous transfer that went on after @before
 * bytes. A buffer's first part may be released before or after it is done.
 */
static void finish_rest(struct __test_metadata *_metadata, SELF *self,
			uint64_t before, int nr)
{
	uint64_t done = 0, released = 0;
	struct zc_event ev;
	int i;

	for (i = 0; i < nr; i++) {
		ASSERT_TRUE(zct_event(self->s.fd, &ev, 20000));
		EXPECT_EQ(0, ev.error);
		if (ev.type == ZC_EVENT_DONE)
			done += ev.sent;
		else
			released += ev.sent;
	}
	EXPECT_EQ(LEN - before, done);
	EXPECT_EQ(nr > 1 ? LEN : 0, released);
	finish(_metadata, self, LEN);
	EXPECT_FALSE(zct_event(self->s.fd, &ev, 0));
}

/* Time is up: what was sent was sent. An asynchronous transfer has its own time. */
TEST_F_TIMEOUT(socket, timeout, 240)
{
	static const int families[] = { AF_INET, AF_UNIX };
	struct timeval tv = { .tv_usec = 200000 };
	struct sender *s = &self->s;
	struct pollfd p = { .fd = s->fd, .events = POLLIN };
	enum origin from;
	uint64_t sent;
	size_t i;
	int nr;

	for (i = 0; i < FROM_NR * NR(families); i++) {
		from = i % FROM_NR;
		ASSERT_EQ(0, small_pair(families[i / FROM_NR], self->sock));
		setsockopt(self->sock[0], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
		EXPECT_EQ(0, sender_send(s, from, self->sock[0], 0, LEN, 0));
		EXPECT_EQ(EAGAIN, s->error);
		EXPECT_GT(LEN, s->sent);
		sent = s->sent;
		if (families[i / FROM_NR] == AF_INET)
			EXPECT_EQ(tcp_taken(self->sock[0]), sent);
		/* Acknowledgments may have come late. */
		for (nr = 1; !sender_send(s, from, self->sock[0], sent, LEN - sent, 0); nr++)
			sent += s->sent;
		EXPECT_EQ(-EAGAIN, s->ret);
		EXPECT_EQ(0, s->sent);
		/* The rest, by one that nobody waits for. */
		sender_start(s, from, self->sock[0], sent, LEN - sent, ZC_SEND_ASYNC);
		EXPECT_EQ(0, s->ret);
		usleep(500000);
		if (from != FROM_BUFFER)
			EXPECT_EQ(0, poll(&p, 1, 0));
		start_receiver(self, 0);
		finish_rest(_metadata, self, sent, from == FROM_BUFFER ? nr + 2 : 1);
	}
}

/* A count that is short is right. */
TEST_F_TIMEOUT(socket, short_count, 240)
{
	static const int families[] = { AF_INET, AF_UNIX };
	struct sender *s = &self->s;
	enum origin from;
	size_t i;

	for (i = 0; i < FROM_NR * NR(families); i++) {
		from = i % FROM_NR;
		ASSERT_EQ(0, small_pair(families[i / FROM_NR], self->sock));
		EXPECT_EQ(0, sender_send(s, from, self->sock[0], 1, LEN,
					 ZC_SEND_NONBLOCK));
		EXPECT_EQ(EAGAIN, s->error);
		EXPECT_GT(LEN, s->sent);
		drain(_metadata, self, 1, s->sent);
		EXPECT_TRUE(sender_released(s, 10000));
	}
}

TEST_HARNESS_MAIN
