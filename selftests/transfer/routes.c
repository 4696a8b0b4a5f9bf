// SPDX-License-Identifier: GPL-2.0-only
/* Each way that a byte can take from the module to a receiver. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "sender.h"
#include "veth.h"
#include "zc_sockets.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(routes)

#define SIZE	(4 * HUGE)
#define LEN	(SIZE - 12345)
#define NR(array)	(sizeof(array) / sizeof(*(array)))

FIXTURE(routes)
{
	struct sender s;
	struct zct_rx rx;
	int sock[2];
	struct veth veth;
	long long copybreak;
};

FIXTURE_SETUP(routes)
{
	self->veth = (struct veth){ -1, -1 };
	self->copybreak = zct_param("copybreak");
	ASSERT_TRUE(sender_open(&self->s, SIZE));
}

FIXTURE_TEARDOWN(routes)
{
	EXPECT_TRUE(sender_close(&self->s));
	close(self->veth.near);
	close(self->veth.far);
}

static const char *const names[] = { "file", "sealed", "buffer" };

/* Nobody sends any more, and the receiver has it all. */
static void arrived(struct __test_metadata *_metadata, SELF *self, uint64_t len)
{
	zct_rx_join(&self->rx);
	EXPECT_EQ(0, self->s.error);
	EXPECT_EQ(len, self->s.sent);
	EXPECT_EQ(len, self->rx.bytes);
	EXPECT_EQ(-1, self->rx.bad);
	EXPECT_TRUE(sender_released(&self->s, SENDER_PATIENCE_MS));
	close(self->sock[1]);
}

/*
 * Send some over the connection, by each of the sources, and have the receiver look
 * at it. What is left in self->s is the result.
 */
static void pass(struct __test_metadata *_metadata, SELF *self, enum origin from,
		 uint64_t offset, uint64_t len, uint32_t flags)
{
	struct sender *s = &self->s;

	self->rx = (struct zct_rx){ .sock = self->sock[1], .offset = offset,
				    .check = true };
	zct_rx_start(&self->rx);
	EXPECT_EQ(0, sender_send(s, from, self->sock[0], offset, len, flags))
		TH_LOG("from %s", names[from]);
	if (flags & ZC_SEND_ASYNC)
		EXPECT_TRUE(sender_done(s, SENDER_PATIENCE_MS));
	/* Some protocols know of no half of it. */
	if (shutdown(self->sock[0], SHUT_WR))
		shutdown(self->sock[0], SHUT_RDWR);
	arrived(_metadata, self, len);
	close(self->sock[0]);
	if (!__test_passed(_metadata))
		TH_LOG("from %s, flags %#x", names[from], flags);
}

/*
 * Bytes at the end of what a socket had room for may be few. Else nothing is copied,
 * in frags that are as large as may be: one or two for each packet, and one more
 * where a chunk or a packet's share of the send buffer ends. There may be less: what
 * TCP cuts off from a packet, for want of window, it gives a frag that grows on.
 */
static void by_reference(struct __test_metadata *_metadata, SELF *self,
			 uint32_t path, uint32_t flags)
{
	struct sender *s = &self->s;
	bool few = s->reasons == ZC_COPY_SMALL && s->copied < LEN / 100;

	if (flags & ZC_SEND_ASYNC) {
		EXPECT_TRUE(few || !s->copied);
		EXPECT_EQ(path, s->paths & ~ZC_PATH_COPY);
	} else {
		EXPECT_EQ(0, s->copied);
		EXPECT_EQ(0, s->reasons);
		EXPECT_EQ(path, s->paths);
	}
	if (path != ZC_PATH_PAGES && !(flags & ZC_SEND_ASYNC)) {
		EXPECT_LT(0, s->frags);
		EXPECT_GE(2 * (LEN / 65536) + s->chunks + 16, s->frags);
	}
	if (s->from != FROM_BUFFER)
		return;
	/* The receiver is in this host. */
	EXPECT_EQ(1, s->released);
	EXPECT_LE(s->sent - s->copied, s->net_copied);
	EXPECT_EQ(ZC_COPY_LOOPBACK, s->net_reasons);
}

static void by_copy(struct __test_metadata *_metadata, SELF *self, uint32_t reason)
{
	struct sender *s = &self->s;

	EXPECT_EQ(s->sent, s->copied);
	EXPECT_EQ(reason, s->reasons);
	EXPECT_EQ(ZC_PATH_COPY, s->paths);
	EXPECT_EQ(0, s->frags);
	EXPECT_EQ(s->from == FROM_BUFFER, s->released);
	EXPECT_EQ(0, s->net_copied);
}

static const uint32_t manners[] = { 0, ZC_SEND_ASYNC };

static void all_by_reference(struct __test_metadata *_metadata, SELF *self,
			     int family, bool far)
{
	enum origin from;
	size_t i;

	for (from = 0; from < FROM_NR; from++) {
		for (i = 0; i < NR(manners); i++) {
			uint32_t path = from == FROM_BUFFER ? ZC_PATH_NOTIFY :
							      ZC_PATH_FRAGS;

			ASSERT_EQ(0, far ? veth_connect(&self->veth, family, self->sock) :
					   zct_pair(family, self->sock));
			pass(_metadata, self, from, 7, LEN, manners[i]);
			by_reference(_metadata, self, path, manners[i]);
		}
	}
}

TEST_F_TIMEOUT(routes, loopback, 240)
{
	all_by_reference(_metadata, self, AF_INET, false);
	all_by_reference(_metadata, self, AF_INET6, false);
}

TEST_F_TIMEOUT(routes, veth, 240)
{
	if (!veth_have("veth"))
		SKIP(return, "no veth");
	ASSERT_TRUE(veth_up(&self->veth));
	all_by_reference(_metadata, self, AF_INET, true);
	all_by_reference(_metadata, self, AF_INET6, true);
}

TEST_F_TIMEOUT(routes, bridge, 240)
{
	if (!veth_have("veth") || !veth_have("bridge"))
		SKIP(return, "no bridge or veth");
	ASSERT_TRUE(veth_bridge_up(&self->veth));
	all_by_reference(_metadata, self, AF_INET, true);
	all_by_reference(_metadata, self, AF_INET6, true);
}

/*
 * TCP takes references for a device that cannot gather, and cuts its packets of
 * them by copying.
 */
TEST_F_TIMEOUT(routes, no_scatter_gather, 240)
{
	struct sender *s = &self->s;
	enum origin from;
	size_t i;

	if (!veth_have("veth"))
		SKIP(return, "no veth");
	ASSERT_TRUE(veth_up(&self->veth));
	ASSERT_EQ(0, zct_run("ethtool -K zc0 sg off >/dev/null"));
	for (from = 0; from < FROM_NR; from++) {
		for (i = 0; i < NR(manners); i++) {
			ASSERT_EQ(0, veth_connect(&self->veth, AF_INET, self->sock));
			pass(_metadata, self, from, 5, LEN, manners[i]);
			EXPECT_EQ(s->sent, s->copied);
			EXPECT_EQ(ZC_COPY_NO_SG, s->reasons & ~ZC_COPY_SMALL);
			EXPECT_EQ(from == FROM_BUFFER, s->released);
		}
	}
}

TEST_F_TIMEOUT(routes, unix_stream, 240)
{
	enum origin from;
	size_t i;

	for (from = 0; from < FROM_NR; from++) {
		for (i = 0; i < NR(manners); i++) {
			ASSERT_EQ(0, zct_pair(AF_UNIX, self->sock));
			pass(_metadata, self, from, 9, LEN, manners[i]);
			if (from == FROM_BUFFER)
				by_copy(_metadata, self, ZC_COPY_LOOPBACK);
			else
				by_reference(_metadata, self, ZC_PATH_PAGES,
					     manners[i]);
		}
	}
}

static int tipc_pair(int *sock)
{
	if (system("modprobe -q tipc 2>/dev/null"))
		return -EAFNOSUPPORT;
	return socketpair(AF_TIPC, SOCK_STREAM | SOCK_CLOEXEC, 0, sock) ? -errno : 0;
}

/* By each of the sources and manners. False if the kernel has no such sockets. */
static bool all_by_copy(struct __test_metadata *_metadata, SELF *self, int (*pair)(int *sock))
{
	enum origin from;
	size_t i;

	for (from = 0; from < FROM_NR; from++) {
		for (i = 0; i < NR(manners); i++) {
			int ret = pair(self->sock);

			if (ret == -EPROTONOSUPPORT || ret == -ENOPROTOOPT ||
			    ret == -EAFNOSUPPORT)
				return false;
			ASSERT_EQ(0, ret);
			pass(_metadata, self, from, 3, LEN, manners[i]);
			by_copy(_metadata, self, ZC_COPY_SOCKET);
		}
	}
	return true;
}

TEST_F_TIMEOUT(routes, mptcp, 240)
{
	if (!all_by_copy(_metadata, self, zct_mptcp_pair))
		SKIP(return, "no MPTCP");
}

TEST_F_TIMEOUT(routes, tipc, 240)
{
	if (!all_by_copy(_metadata, self, tipc_pair))
		SKIP(return, "no TIPC");
}

/* The end of such a socket waits for its peer, and the module has the last of it. */
TEST_F_TIMEOUT(routes, tipc_closed_late, 240)
{
	struct sender *s = &self->s;
	enum origin from;

	for (from = 0; from < FROM_NR; from++) {
		int ret = tipc_pair(self->sock);

		if (ret == -EAFNOSUPPORT)
			SKIP(return, "no TIPC");
		ASSERT_EQ(0, ret);
		EXPECT_EQ(0, sender_send(s, from, self->sock[0], 0, LEN, ZC_SEND_ASYNC));
		close(self->sock[0]);
		self->rx = (struct zct_rx){ .sock = self->sock[1], .check = true };
		zct_rx_start(&self->rx);
		EXPECT_TRUE(sender_done(s, SENDER_PATIENCE_MS));
		arrived(_metadata, self, LEN);
	}
}

/* Sends of fewer bytes are copied, no others. */
static void copybreak_is(struct __test_metadata *_metadata, SELF *self,
			 uint64_t copybreak)
{
	static const uint64_t lens[] = { 1, 511, 512, 513, 65535, 65536, 65537 };
	static const int families[] = { AF_INET, AF_UNIX };
	struct sender *s = &self->s;
	enum origin from;
	size_t i;

	for (i = 0; i < NR(lens) * NR(families) * FROM_NR; i++) {
		int family = families[i % NR(families)];
		uint64_t len = lens[i / NR(families) % NR(lens)];
		bool small = len < copybreak;

		from = i / NR(families) / NR(lens);
		ASSERT_EQ(0, zct_pair(family, self->sock));
		pass(_metadata, self, from, HUGE - 5, len, 0);
		if (family == AF_UNIX && from == FROM_BUFFER) {
			by_copy(_metadata, self, ZC_COPY_LOOPBACK);
			continue;
		}
		EXPECT_EQ(small ? len : 0, s->copied)
			TH_LOG("%llu bytes from %s", (long long)len, names[from]);
		EXPECT_EQ(small ? ZC_COPY_SMALL : 0, s->reasons);
		EXPECT_EQ(small, s->paths == ZC_PATH_COPY);
	}
}

TEST_F_TIMEOUT(routes, copybreak, 240)
{
	static const long long values[] = { 0, 512, 65536 };
	size_t i;

	ASSERT_LE(0, self->copybreak);
	for (i = 0; i < NR(values); i++) {
		EXPECT_EQ(0, zct_param_set("copybreak", values[i]));
		copybreak_is(_metadata, self, values[i]);
	}
	EXPECT_EQ(0, zct_param_set("copybreak", self->copybreak));
}

TEST_HARNESS_MAIN
