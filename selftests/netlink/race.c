// SPDX-License-Identifier: GPL-2.0-only
/* Those who come and go while the family has something to tell, and the module itself. */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "kselftest_harness.h"
#include "nl.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(race)

#define NAME		EXT4_DIR "/nl_race"
#define LISTENERS	4
#define MAKERS		4
#define RACE_MS		4000
/* What holds the module may be let go of a moment later. */
#define SOON_MS		2000

FIXTURE(race)
{
	uint64_t used;
	int file;
	int shared;
	atomic_bool stop;
	atomic_int rounds;
	atomic_int heard;
	atomic_int wrong;
};

FIXTURE_SETUP(race)
{
	int fd = zct_open();

	ASSERT_GE(fd, 0);
	self->used = zct_used(fd);
	close(fd);
	self->file = zct_pattern_file(NAME, 4 * MIB);
	ASSERT_GE(self->file, 0);
	self->stop = false;
	self->rounds = 0;
	self->heard = 0;
	self->wrong = 0;
}

FIXTURE_TEARDOWN(race)
{
	int fd = zct_open();

	EXPECT_TRUE(zct_used_becomes(fd, self->used, 5000));
	close(fd);
	close(self->file);
	unlink(NAME);
}

/* Buffers, fresh and had again, and a transfer. */
static void *make(void *data)
{
	SELF *self = data;
	struct zc_buf_create buf;
	struct zc_sendfile arg;
	int fd = zct_open(), sock[2];
	char room[4096];

	if (fd < 0 || zct_pair(AF_UNIX, sock)) {
		self->wrong++;
		return NULL;
	}
	while (!self->stop) {
		if (zct_create(fd, 4096, ZC_BUF_SLICE, ZC_NODE_ANY, &buf) ||
		    zct_destroy(fd, buf.handle) ||
		    zct_create(fd, HUGE, 0, ZC_NODE_ANY, &buf) || zct_destroy(fd, buf.handle))
			self->wrong++;
		arg = (struct zc_sendfile) {
			.in_fd = self->file, .out_fd = sock[0], .len = sizeof(room),
			.flags = self->rounds & 1 ? ZC_SEND_ASYNC : 0,
		};
		if (zct_ioctl(fd, ZC_IOC_SENDFILE, &arg) ||
		    recv(sock[1], room, sizeof(room), MSG_WAITALL) != sizeof(room))
			self->wrong++;
		self->rounds++;
	}
	close(sock[0]);
	close(sock[1]);
	close(fd);
	return NULL;
}

/* Joins, hears, leaves, or just goes. */
static void *listen_on_and_off(void *data)
{
	static __thread struct nl_msg msg;
	static __thread struct nl_req req;
	unsigned int round = 0;
	SELF *self = data;
	struct nl nl, ask;
	int ret;

	if (nl_open(&ask))
		self->wrong++;
	while (!self->stop) {
		if (nl_open(&nl) || nl_join(&nl, NL_BUFFERS) || nl_join(&nl, NL_TRANSFERS) ||
		    nl_join(&nl, NL_ALERTS))
			self->wrong++;
		nl_begin(&req, round & 3 ? ZC_CMD_MODULE_GET : ZC_CMD_STATS_GET);
		if (nl_do(&ask, &req, NULL))
			self->wrong++;
		ret = nl_event(&nl, &msg, 10);
		if (ret == 1)
			self->heard++;
		else if (ret && ret != -ENOBUFS)
			self->wrong++;
		if (round++ & 1)
			nl_leave(&nl, NL_BUFFERS);
		/* Now and then long enough for nobody to be there. */
		if (!(round % 50))
			usleep(100000);
		nl_close(&nl);
	}
	nl_close(&ask);
	return NULL;
}

TEST_F_TIMEOUT(race, listeners_and_makers, 120)
{
	pthread_t threads[LISTENERS + MAKERS];
	uint64_t end = zct_now_ms() + RACE_MS;
	int i;

	for (i = 0; i < LISTENERS + MAKERS; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL,
					    i < LISTENERS ? listen_on_and_off : make, self));
	while (zct_now_ms() < end || (!self->heard && zct_now_ms() < end + 60000))
		usleep(50000);
	self->stop = true;
	for (i = 0; i < LISTENERS + MAKERS; i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ(0, self->wrong);
	EXPECT_LT(0, self->heard);
	EXPECT_LT(0, self->rounds);
	TH_LOG("%d rounds, %d events heard", self->rounds, self->heard);
}

/* All on one processor, and of one file: what one destroys another has at once. */
static void *make_shared(void *data)
{
	SELF *self = data;
	struct zc_buf_create buf;

	zct_on_cpu(0);
	while (!self->stop) {
		if (zct_create(self->shared, HUGE, 0, ZC_NODE_ANY, &buf) ||
		    zct_destroy(self->shared, buf.handle))
			self->wrong++;
		self->rounds++;
	}
	return NULL;
}

/* Of each buffer one is made before it is freed, and freed before it is made again. */
static void in_order(struct __test_metadata *_metadata, SELF *self, void *(*main)(void *))
{
	static struct nl_msg msg;
	uint8_t *alive = calloc(1 << 20, 1);
	int size = 64 << 20, i, nr = 0, bad = 0;
	pthread_t threads[MAKERS];
	struct nl nl, ask;
	struct nl_req req;
	uint32_t id;

	ASSERT_EQ(0, nl_open(&nl));
	ASSERT_EQ(0, nl_open(&ask));
	ASSERT_EQ(0, setsockopt(nl.sock, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)));
	ASSERT_EQ(0, nl_join(&nl, NL_BUFFERS));
	nl_begin(&req, ZC_CMD_MODULE_GET);
	ASSERT_EQ(0, nl_do(&ask, &req, NULL));
	for (i = 0; i < MAKERS; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, main, self));
	usleep(1000000);
	self->stop = true;
	for (i = 0; i < MAKERS; i++)
		pthread_join(threads[i], NULL);
	while (nl_event(&nl, &msg, 300) == 1) {
		id = nl_u32(&msg, ZC_A_BUFFER_ID);
		ASSERT_GT(1 << 20, id);
		bad += (msg.cmd == ZC_CMD_BUFFER_FREED_NTF) != alive[id];
		alive[id] = msg.cmd == ZC_CMD_BUFFER_MADE_NTF;
		nr++;
	}
	EXPECT_EQ(0, bad);
	for (i = 0; i < 1 << 20; i++)
		EXPECT_EQ(0, alive[i]);
	EXPECT_LE(4, nr);
	EXPECT_EQ(0, self->wrong);
	nl_close(&nl);
	nl_close(&ask);
	free(alive);
}

TEST_F_TIMEOUT(race, order, 120)
{
	in_order(_metadata, self, make);
}

TEST_F_TIMEOUT(race, order_shared, 120)
{
	self->shared = zct_open();
	ASSERT_LE(0, self->shared);
	in_order(_metadata, self, make_shared);
	close(self->shared);
}

/* Who listens does not keep the module, and hears nothing of the next one. */
TEST_F_TIMEOUT(race, unload_with_listener, 120)
{
	static struct nl_msg msg;
	struct zc_buf_create buf;
	struct nl nl, next;
	struct nl_req req;
	int fd;

	ASSERT_EQ(0, nl_open(&nl));
	ASSERT_EQ(0, nl_join(&nl, NL_BUFFERS));
	ASSERT_EQ(0, zct_unload(SOON_MS));
	nl_begin(&req, ZC_CMD_MODULE_GET);
	EXPECT_EQ(-ENOENT, nl_do(&nl, &req, NULL));
	EXPECT_EQ(-ENOENT, nl_open(&next));
	fd = zct_open();
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, zct_create(fd, 4096, ZC_BUF_SLICE, ZC_NODE_ANY, &buf));
	EXPECT_EQ(0, nl_event(&nl, &msg, 300));
	ASSERT_EQ(0, nl_open(&next));
	ASSERT_EQ(0, nl_join(&next, NL_BUFFERS));
	EXPECT_EQ(0, zct_create(fd, 4096, ZC_BUF_SLICE, ZC_NODE_ANY, &buf));
	EXPECT_EQ(1, nl_event(&next, &msg, 5000));
	nl_close(&next);
	nl_close(&nl);
	close(fd);
}

/* Of the reserve, on all nodes. */
static uint64_t ready_bytes(int fd, uint64_t *room)
{
	struct zc_node_query query = { 0 };
	uint64_t sum = 0;
	int nodes = 0;

	*room = UINT64_MAX;
	do {
		if (zct_ioctl(fd, ZC_IOC_NODE_QUERY, &query))
			return UINT64_MAX;
		sum += query.ready_bytes;
		if (query.free_huge_bytes < *room)
			*room = query.free_huge_bytes;
		nodes++;
		query = (struct zc_node_query){ .node = query.next };
	} while (query.node >= 0);
	/* It is shared among them evenly. */
	*room *= nodes;
	return sum;
}

/* Was something else set by netlink while so much is being fetched for the reserve? */
static bool set_meanwhile(struct __test_metadata *_metadata, int fd, struct nl *nl,
			  uint64_t want, long long copybreak)
{
	struct nl_req req;
	uint64_t room;
	int status;
	pid_t pid;
	bool is;

	ASSERT_EQ(0, zct_param_set("reserve", 0));
	pid = fork();
	if (!pid)
		_exit(!!zct_param_set("reserve", want / HUGE));
	while (!ready_bytes(fd, &room))
		;
	nl_begin(&req, ZC_CMD_MODULE_SET);
	nl_put_u32(&req, ZC_A_MODULE_COPYBREAK, copybreak);
	EXPECT_EQ(0, nl_do(nl, &req, NULL));
	is = ready_bytes(fd, &room) < want;
	EXPECT_EQ(copybreak, zct_param("copybreak"));
	EXPECT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	/* It was not because there were no more to be had. */
	EXPECT_EQ(want, ready_bytes(fd, &room));
	return is;
}

/* It does not wait for them: others wait for netlink. This processor may be late, not always. */
TEST_F_TIMEOUT(race, set_beside_reserve, 300)
{
	long long max_bytes = zct_param("max_bytes"), copybreak = zct_param("copybreak");
	int fd = zct_open(), i = 0;
	uint64_t room, want;
	struct nl nl;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, nl_open(&nl));
	ASSERT_EQ(0, zct_param_set("max_bytes", 1ll << 40));
	ASSERT_EQ(0, ready_bytes(fd, &room));
	want = room / 2 / HUGE * HUGE;
	ASSERT_LT(64 * HUGE, want);
	while (!set_meanwhile(_metadata, fd, &nl, want, copybreak + 1 + i))
		ASSERT_GT(5, ++i);
	EXPECT_EQ(0, zct_param_set("reserve", 0));
	EXPECT_EQ(0, zct_param_set("copybreak", copybreak));
	EXPECT_EQ(0, zct_param_set("max_bytes", max_bytes));
	nl_close(&nl);
	close(fd);
}

/* A dump that is not read to its end does. */
TEST_F_TIMEOUT(race, unload_with_dump, 120)
{
	static const uint8_t cmds[] = { ZC_CMD_BUFFER_GET, ZC_CMD_TRANSFER_GET };
	struct nl_req req;
	struct nl nl;
	int fd, i;

	for (i = 0; i < 2; i++) {
		struct zc_buf_create buf;
		int nr;

		fd = zct_open();
		ASSERT_LE(0, fd);
		for (nr = 0; nr < 2000; nr++)
			ASSERT_EQ(0, zct_create(fd, 4096, ZC_BUF_SLICE, ZC_NODE_ANY, &buf));
		ASSERT_EQ(0, nl_open(&nl));
		nl_begin(&req, cmds[i]);
		ASSERT_EQ(0, nl_send(&nl, &req, NLM_F_DUMP));
		close(fd);
		if (cmds[i] == ZC_CMD_BUFFER_GET) {
			EXPECT_EQ(-EAGAIN, zct_unload(0));
			/* It ends, with what there is by then. */
			EXPECT_LT(0, nl_dump_rest(&nl, NULL, NULL));
		}
		nl_close(&nl);
		EXPECT_EQ(0, zct_unload(SOON_MS));
	}
	fd = zct_open();
	ASSERT_LE(0, fd);
	for (i = 0; i < 2000; i++) {
		struct zc_buf_create buf;

		ASSERT_EQ(0, zct_create(fd, 4096, ZC_BUF_SLICE, ZC_NODE_ANY, &buf));
	}
	ASSERT_EQ(0, nl_open(&nl));
	nl_begin(&req, ZC_CMD_BUFFER_GET);
	ASSERT_EQ(0, nl_send(&nl, &req, NLM_F_DUMP));
	close(fd);
	/* Or who asked goes. */
	nl_close(&nl);
	EXPECT_EQ(0, zct_unload(SOON_MS));
}

TEST_HARNESS_MAIN
