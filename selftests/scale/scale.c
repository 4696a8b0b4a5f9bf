// SPDX-License-Identifier: GPL-2.0-only
/* Ten thousand transfers at once, and what is promised of them. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "scale.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(scale)

#define SMALL		(64ull << 10)
#define LARGE		(16 * MIB)
/* Room of a peer that is to hold next to nothing: what counts is what the module holds. */
#define LITTLE		4096
#define LIMIT		(256 * MIB)
/* What a transfer may take beside that, and a socket beside what the network counts. */
#define RECORDS		(12ull << 10)
/* Leave off before the guest is out of memory. */
#define ENOUGH		(400 * MIB)

FIXTURE(scale)
{
	struct scale s;
	uint64_t used;
	long long limit;
	char tcp_mem[128];
	uint64_t start;
	bool debug;
};

FIXTURE_SETUP(scale)
{
	ASSERT_EQ(0, scale_open(&self->s));
	self->used = zct_used(self->s.fd);
	self->limit = zct_param_set("max_bytes", LIMIT) ? -1 : 0;
	ASSERT_EQ(0, self->limit);
	/* The network has a limit of its own, for a system with fewer connections. */
	ASSERT_EQ(0, zct_sysctl("net/ipv4/tcp_mem", "400000 500000 600000",
				self->tcp_mem, sizeof(self->tcp_mem)));
	self->debug = zct_kernel_is_slow();
	self->start = zct_now_ms();
}

FIXTURE_TEARDOWN(scale)
{
	int fd;

	scale_close(&self->s);
	fd = zct_open();
	EXPECT_TRUE(zct_used_becomes(fd, self->used, 5000));
	close(fd);
	EXPECT_EQ(0, zct_param_set("max_bytes", 0));
	EXPECT_EQ(0, zct_sysctl("net/ipv4/tcp_mem", self->tcp_mem, NULL, 0));
}

static uint64_t lap(SELF *self)
{
	uint64_t now = zct_now_ms(), ms = now - self->start;

	self->start = now;
	return ms;
}

/* How many at once: fewer where each step takes ten times as long. */
static unsigned int many(SELF *self)
{
	return self->debug ? 1000 : 10000;
}

/*
 * What is to be over within a second takes up to one on an emulated processor of
 * an idle host. On a busy one it is allowed three, and on a debug kernel ten.
 */
static int soon(SELF *self)
{
	return self->debug ? 10000 : 3000;
}

static void connect_many(struct __test_metadata *_metadata, SELF *self, int rcvbuf)
{
	unsigned int nr = many(self);

	ASSERT_EQ(0, scale_connect(&self->s, nr, rcvbuf));
	TH_LOG("%u connections in %llu ms%s", nr, (unsigned long long)lap(self),
	       self->debug ? " (so few on a debug kernel)" : "");
}

static void forget(struct scale *s)
{
	unsigned int i;

	s->done = 0;
	s->canceled = 0;
	s->failed = 0;
	s->wrong = 0;
	s->bytes = 0;
	for (i = 0; i < s->nr; i++)
		s->peers[i] = (struct scale_peer){
			.tx = s->peers[i].tx,
			.rx = s->peers[i].rx,
		};
}

/* Peers that got something else than one transfer of @len, whole. */
static unsigned int odd_peers(const struct scale *s, unsigned int first,
			      unsigned int last, uint64_t len)
{
	unsigned int i, odd = 0;

	for (i = first; i < last; i++) {
		const struct scale_peer *p = &s->peers[i];

		odd += p->events != 1 || p->sent != len || p->bytes != len;
	}
	return odd;
}

static void check_ends(struct __test_metadata *_metadata, struct scale *s,
		       unsigned int done, unsigned int canceled)
{
	EXPECT_EQ(done, s->done);
	EXPECT_EQ(canceled, s->canceled);
	EXPECT_EQ(0, s->failed) TH_LOG("the last error: %d", s->error);
	EXPECT_EQ(0, s->wrong);
}

/* Nobody reads before all are under way; then all come, right, and once. */
static void small_ones(struct __test_metadata *_metadata, SELF *self)
{
	struct scale *s = &self->s;
	unsigned int i;

	forget(s);
	lap(self);
	for (i = 0; i < s->nr; i++) {
		s->peers[i].at = scale_offset(i);
		ASSERT_EQ(0, scale_submit(s, i, 0, s->peers[i].at, SMALL));
	}
	ASSERT_EQ(0, scale_flush(s));
	/* What fits into the sockets, within the limit, has gone there unread. */
	scale_turn(s, 0);
	TH_LOG("submitted in %llu ms%s, %u or more have ended",
	       (unsigned long long)lap(self), s->uring ? " by io_uring" : "", s->done);
	ASSERT_EQ(0, scale_receive(s, 0, s->nr));
	EXPECT_TRUE(scale_until(s, s->nr, s->nr * SMALL, 90000));
	TH_LOG("all read in %llu ms", (unsigned long long)lap(self));
	scale_turn(s, 100);
	check_ends(_metadata, s, s->nr, 0);
	EXPECT_EQ(0, odd_peers(s, 0, s->nr, SMALL));
}

TEST_F_TIMEOUT(scale, at_once, 300)
{
	connect_many(_metadata, self, 0);
	small_ones(_metadata, self);
}

TEST_F_TIMEOUT(scale, at_once_uring, 300)
{
	connect_many(_metadata, self, 0);
	scale_device_close(&self->s);
	ASSERT_EQ(0, scale_device(&self->s, true));
	small_ones(_metadata, self);
}

/*
 * Submit to all, none of which reads, unless memory runs out. Returns how many
 * were submitted; *@most is the most that the module said to hold.
 */
static unsigned int large_ones(SELF *self, uint64_t *most)
{
	struct scale *s = &self->s;
	unsigned int i;
	uint64_t used;

	for (i = 0; i < s->nr; i++) {
		s->peers[i].at = scale_offset(i);
		if (scale_submit(s, i, 0, s->peers[i].at, LARGE))
			break;
		if (i % 16)
			continue;
		used = zct_used(s->fd);
		if (used > *most)
			*most = used;
		if (zct_meminfo("MemAvailable") < ENOUGH)
			break;
	}
	return scale_flush(s) ? 0 : i;
}

/* Watch until memory stands still. Returns the drop of MemAvailable from @before. */
static uint64_t settle(SELF *self, uint64_t before, uint64_t *most)
{
	uint64_t now = zct_meminfo("MemAvailable"), last, least = now, used;
	int i, still = 0;

	for (i = 0; i < 150 && still < 5 && now > ENOUGH; i++) {
		last = now;
		scale_turn(&self->s, 100);
		now = zct_meminfo("MemAvailable");
		used = zct_used(self->s.fd);
		if (used > *most)
			*most = used;
		if (now < least)
			least = now;
		still = now <= last + MIB && last <= now + MIB ? still + 1 : 0;
	}
	return before > least ? before - least : 0;
}

/* A hundred peers that do read get what is theirs. Returns in how many ms. */
static uint64_t readers(struct __test_metadata *_metadata, SELF *self)
{
	struct scale *s = &self->s;
	unsigned int first = s->nr, i;
	uint64_t ms;

	forget(s);
	ASSERT_EQ(0, scale_connect(s, 100, 0));
	lap(self);
	for (i = first; i < s->nr; i++) {
		s->peers[i].at = scale_offset(i);
		ASSERT_EQ(0, scale_submit(s, i, 0, s->peers[i].at, MIB));
	}
	ASSERT_EQ(0, scale_receive(s, first, s->nr));
	EXPECT_TRUE(scale_until(s, 100, 100 * MIB, 60000));
	ms = lap(self);
	TH_LOG("100 readers got %llu of 100 MiB in %llu ms",
	       (unsigned long long)(s->bytes / MIB), (unsigned long long)ms);
	EXPECT_EQ(0, odd_peers(s, first, s->nr, MIB));
	check_ends(_metadata, s, 100, 0);
	scale_disconnect(s, first);
	return ms;
}

/* Peers that never read hold no more memory than is allowed, and no reader up. */
TEST_F_TIMEOUT(scale, never_read, 300)
{
	struct scale *s = &self->s;
	uint64_t before, drop, most = 0, net, bound, alone, beside;
	struct zc_buf_create buf;
	unsigned int nr;

	alone = readers(_metadata, self);
	connect_many(_metadata, self, LITTLE);
	before = scale_memory();
	lap(self);
	nr = large_ones(self, &most);
	drop = settle(self, before, &most);
	/*
	 * For a peer with little room TCP cuts packets of a KiB, each with a head as large.
	 * How many is up to the socket's send buffer, which is not the module's.
	 */
	net = scale_tcp_memory();
	EXPECT_LT(0, net);
	bound = most + net + s->nr * RECORDS * (self->debug ? 8 : 1);
	TH_LOG("%u of %u: used_bytes %llu MiB at most, TCP %llu, memory %llu MiB of %llu (%llu ms)",
	       nr, s->nr, (unsigned long long)(most / MIB), (unsigned long long)(net / MIB),
	       (unsigned long long)(drop / MIB), (unsigned long long)(bound / MIB),
	       (unsigned long long)lap(self));
	EXPECT_EQ(s->nr, nr);
	EXPECT_LE(most, LIMIT);
	EXPECT_LE(drop, bound);
	check_ends(_metadata, s, 100, 0);
	beside = readers(_metadata, self);
	/* The processors are busy with the network's timers of the others, too. */
	EXPECT_LE(beside, alone + 5 * soon(self));
	EXPECT_EQ(0, zct_create(s->fd, HUGE, 0, ZC_NODE_ANY, &buf));
}

/* Every fourth is from a buffer that is not sealed. */
static int submit_mixed(struct scale *s, unsigned int i, uint32_t handle)
{
	struct zc_send arg = {
		.handle = handle,
		.out_fd = s->peers[i].tx,
		.len = HUGE,
		.flags = ZC_SEND_ASYNC,
		.user_data = i,
	};

	if (handle && i % 4 == 3)
		return zct_ioctl(s->fd, ZC_IOC_SEND, &arg);
	return scale_submit(s, i, 0, scale_offset(i), LARGE);
}

static int submit_all(struct scale *s, uint32_t handle)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < s->nr && !ret; i++)
		ret = submit_mixed(s, i, handle);
	return ret ?: scale_flush(s);
}

/* All memory is given back, soon. Returns when, in ms from the last lap. */
static uint64_t given_back(struct __test_metadata *_metadata, SELF *self,
			   uint64_t want)
{
	uint64_t ms;

	EXPECT_TRUE(zct_used_becomes(self->s.fd, want, 60000));
	ms = lap(self);
	EXPECT_LE(ms, soon(self));
	return ms;
}

/* A socket of a canceled transfer, emptied, can do all that a new one can. */
static void usable(struct __test_metadata *_metadata, SELF *self, unsigned int nr)
{
	struct scale *s = &self->s;
	uint64_t sent = 0;
	unsigned int i;

	for (i = 0; i < nr; i++)
		sent += s->peers[i].sent;
	ASSERT_EQ(0, scale_receive(s, 0, nr));
	EXPECT_TRUE(scale_until(s, 0, sent, 60000));
	scale_turn(s, 100);
	EXPECT_EQ(sent, s->bytes);
	forget(s);
	for (i = 0; i < nr; i++) {
		s->peers[i].at = scale_offset(i);
		ASSERT_EQ(0, scale_submit(s, i, 0, s->peers[i].at, 4096));
	}
	EXPECT_TRUE(scale_until(s, nr, nr * 4096, 20000));
	check_ends(_metadata, s, nr, 0);
	EXPECT_EQ(0, odd_peers(s, 0, nr, 4096));
}

TEST_F_TIMEOUT(scale, canceled, 300)
{
	struct zc_cancel cancel = { .flags = ZC_CANCEL_ALL };
	unsigned int i, releases = 0;
	struct scale *s = &self->s;
	struct zc_buf_create buf;
	uint64_t ms;

	connect_many(_metadata, self, LITTLE);
	ASSERT_EQ(0, zct_create(s->fd, HUGE, 0, ZC_NODE_ANY, &buf));
	ASSERT_EQ(0, submit_all(s, buf.handle));
	lap(self);
	ASSERT_EQ(0, zct_ioctl(s->fd, ZC_IOC_CANCEL, &cancel));
	EXPECT_EQ(s->nr, cancel.count);
	EXPECT_TRUE(scale_until(s, s->nr, 0, 60000));
	ms = lap(self);
	TH_LOG("%u canceled in %llu ms", s->done, (unsigned long long)ms);
	EXPECT_LE(ms, soon(self));
	given_back(_metadata, self, self->used + HUGE);
	check_ends(_metadata, s, s->nr, s->nr);
	for (i = 0; i < s->nr; i++) {
		EXPECT_EQ(1, s->peers[i].events);
		releases += i % 4 == 3 && s->peers[i].sent;
	}
	EXPECT_LT(0, releases);
	usable(_metadata, self, s->nr / 50);
	/* The network lets go of the rest with the sockets. */
	scale_disconnect(s, 0);
	for (i = 0; i < 100 && s->released < releases; i++)
		scale_turn(s, 100);
	EXPECT_EQ(releases, s->released);
}

/* Send by a process that is killed with all under way. */
static void kill_sender(struct __test_metadata *_metadata, SELF *self, bool uring)
{
	struct scale *s = &self->s;
	int fds[2], ret;
	pid_t pid;

	ASSERT_EQ(0, pipe(fds));
	pid = fork();
	if (!pid) {
		ret = scale_device(s, uring) ?: submit_all(s, 0);
		if (write(fds[1], &ret, sizeof(ret)) != sizeof(ret))
			_exit(1);
		pause();
	}
	close(fds[1]);
	ASSERT_EQ(sizeof(ret), read(fds[0], &ret, sizeof(ret)));
	EXPECT_EQ(0, ret);
	lap(self);
	kill(pid, SIGKILL);
	TH_LOG("killed in %llu ms%s",
	       (unsigned long long)given_back(_metadata, self, self->used),
	       uring ? " (io_uring)" : "");
	EXPECT_EQ(pid, waitpid(pid, NULL, 0));
	TH_LOG("and gone in %llu ms", (unsigned long long)lap(self));
	close(fds[0]);
}

static uint64_t memory_without_caches(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);

	/* Objects alone: the hot part of the file stays. */
	if (write(fd, "2", 1) != 1)
		return 0;
	close(fd);
	return scale_memory();
}

TEST_F_TIMEOUT(scale, gone, 300)
{
	uint64_t before = memory_without_caches(), after;
	struct scale *s = &self->s;

	connect_many(_metadata, self, LITTLE);
	kill_sender(_metadata, self, false);
	scale_disconnect(s, 0);
	connect_many(_metadata, self, LITTLE);
	kill_sender(_metadata, self, true);
	scale_disconnect(s, 0);
	connect_many(_metadata, self, LITTLE);
	/* And by the last close. */
	ASSERT_EQ(0, submit_all(s, 0));
	lap(self);
	close(s->fd);
	s->fd = zct_open();
	TH_LOG("closed in %llu ms",
	       (unsigned long long)given_back(_metadata, self, self->used));
	scale_disconnect(s, 0);
	after = memory_without_caches();
	TH_LOG("memory available: %llu MiB before, %llu after",
	       (unsigned long long)(before / MIB), (unsigned long long)(after / MIB));
	EXPECT_GE(after + 64 * MIB, before);
}

/* A ring with all of them goes away; before Linux 6.7 it waits for their end. */
TEST_F_TIMEOUT(scale, ring_closed, 300)
{
	struct scale *s = &self->s;
	uint64_t ms;

	if (!scale_uring_cancels())
		SKIP(return, "this kernel does not cancel commands of a ring");
	connect_many(_metadata, self, LITTLE);
	scale_device_close(s);
	ASSERT_EQ(0, scale_device(s, true));
	ASSERT_EQ(0, submit_all(s, 0));
	lap(self);
	io_uring_queue_exit(&s->ring);
	s->uring = false;
	EXPECT_TRUE(zct_used_becomes(s->fd, self->used, 60000));
	ms = lap(self);
	TH_LOG("ring closed in %llu ms", (unsigned long long)ms);
	/* io_uring asks for the end of each, and then completes it. */
	EXPECT_LE(ms, 2 * soon(self));
}

/* Some read a little now and then. Those that read all they can do not notice. */
TEST_F_TIMEOUT(scale, slow_peers, 300)
{
	struct scale *s = &self->s;
	unsigned int i, slow = 100, fast = 100;
	uint64_t end, early = 0;

	ASSERT_EQ(0, zct_param_set("max_bytes", 64 * MIB));
	ASSERT_EQ(0, scale_connect(s, slow + fast, 0));
	for (i = 0; i < s->nr; i++) {
		s->peers[i].at = scale_offset(i);
		ASSERT_EQ(0, scale_submit(s, i, 0, s->peers[i].at,
					  i < slow ? LARGE : MIB));
	}
	lap(self);
	ASSERT_EQ(0, scale_receive(s, slow, s->nr));
	end = zct_now_ms() + 60000;
	while (s->done < fast && zct_now_ms() < end) {
		static char some[4096];
		uint64_t next = zct_now_ms() + 10;

		for (i = 0; i < slow; i++)
			early += recv(s->peers[i].rx, some, sizeof(some),
				      MSG_DONTWAIT) > 0;
		while (s->done < fast && zct_now_ms() < next)
			scale_turn(s, 1);
	}
	TH_LOG("%u ended in %llu ms, %llu KiB read slowly", s->done,
	       (unsigned long long)lap(self), (unsigned long long)(4 * early));
	for (i = 0; i < slow; i++)
		EXPECT_EQ(0, s->peers[i].events);
	EXPECT_TRUE(scale_until(s, fast, fast * MIB, 10000));
	EXPECT_EQ(0, odd_peers(s, slow, s->nr, MIB));
	check_ends(_metadata, s, fast, 0);
}

/*
 * Where all read alike, all get alike. So much that it makes little difference that the
 * last ones begin a fifth of a second after the first.
 */
#define EQUAL	(8 * MIB)

TEST_F_TIMEOUT(scale, equal_peers, 400)
{
	struct scale *s = &self->s;
	uint64_t least = UINT64_MAX, most = 0, mean;
	unsigned int i, nr = 100, slow = 0, now;

	ASSERT_EQ(0, zct_param_set("max_bytes", 64 * MIB));
	ASSERT_EQ(0, scale_connect(s, nr, 0));
	for (i = 0; i < nr; i++) {
		s->peers[i].chunk = 32768;
		s->peers[i].at = scale_offset(2 * i + 1);
		ASSERT_EQ(0, scale_submit(s, i, 0, s->peers[i].at, EQUAL));
	}
	ASSERT_EQ(0, scale_receive(s, 0, nr));
	for (i = 1; i <= 20; i++) {
		EXPECT_TRUE(scale_until(s, 0, nr * EQUAL / 40 * i,
					self->debug ? 300000 : 60000));
		now = scale_slow_workers();
		if (now > slow)
			slow = now;
	}
	mean = s->bytes / nr;
	for (i = 0; i < nr; i++) {
		if (s->peers[i].bytes < least)
			least = s->peers[i].bytes;
		if (s->peers[i].bytes > most)
			most = s->peers[i].bytes;
	}
	TH_LOG("half-way: %llu to %llu KiB, %llu on average; %u slow workers",
	       (unsigned long long)least / 1024, (unsigned long long)most / 1024,
	       (unsigned long long)mean / 1024, slow);
	EXPECT_GE(least, mean / 3);
	/* None waits for anybody: few workers do it all. */
	EXPECT_GE(nr / 10, slow);
	EXPECT_TRUE(scale_until(s, nr, nr * EQUAL, 60000));
	EXPECT_EQ(0, odd_peers(s, 0, nr, EQUAL));
	check_ends(_metadata, s, nr, 0);
}

/* To each of many sockets many transfers: each comes in order, and its end too. */
TEST_F_TIMEOUT(scale, order, 300)
{
	unsigned int i, j, sockets = 100, each = 100;
	struct scale *s = &self->s;
	uint64_t bytes = 0;

	s->shift = 8;
	ASSERT_EQ(0, scale_connect(s, sockets, 0));
	for (j = 0; j < each; j++) {
		for (i = 0; i < sockets; i++) {
			uint64_t len = (i * 131 + j * 1009) % 9000;
			struct scale_peer *p = &s->peers[i];

			/* From the hot part of the file into the cold. */
			if (!j) {
				p->at = SCALE_HOT - 300000 + i;
				p->next = p->at;
			}
			ASSERT_EQ(0, scale_submit(s, i, j, p->next, len));
			p->next += len;
			bytes += len;
		}
	}
	for (i = 0; i < sockets; i++)
		s->peers[i].next = 0;
	ASSERT_EQ(0, scale_receive(s, 0, sockets));
	EXPECT_TRUE(scale_until(s, sockets * each, bytes, 60000));
	TH_LOG("%u transfers in %llu ms", s->done, (unsigned long long)lap(self));
	check_ends(_metadata, s, sockets * each, 0);
	EXPECT_EQ(bytes, s->bytes);
	for (i = 0; i < sockets; i++)
		EXPECT_EQ(each, s->peers[i].events);
}

TEST_HARNESS_MAIN
