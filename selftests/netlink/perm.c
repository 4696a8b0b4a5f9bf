// SPDX-License-Identifier: GPL-2.0-only
/* Who may see and set what by the netlink family. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "kselftest_harness.h"
#include "nl.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(perm)

/* More than the first messages of a dump hold, of buffers and of transfers. */
#define NR_MANY	3000
#define NR_SENDS	200

/**
 * struct shared - what the test and its children share
 * @fd:      the device
 * @mine:    number of a buffer of root's
 * @nobodys: number of one of nobody's
 * @asks:    a child asks for a dump
 * @sent:    a child has sent all that it should: -1; or the line where it could not
 * @pass:    by which it gives the socket away
 * @nl:      the socket
 * @req:     request
 * @msg:     answer
 */
struct shared {
	int fd;
	uint32_t mine;
	uint32_t nobodys;
	bool asks;
	atomic_int sent;
	int pass[2];
	struct nl nl;
	struct nl_req req;
	struct nl_msg msg;
};

FIXTURE(perm)
{
	uint64_t used;
	struct shared *shared;
	int sock[2];
	int file;
};

#define NAME	EXT4_DIR "/nl_perm"

/* In the file of the test. */
static int make_as_nobody(void *data)
{
	struct shared *s = data;
	struct zc_buf_create buf;

	if (!nl_be_nobody() || zct_create(s->fd, 4096, ZC_BUF_SLICE, ZC_NODE_ANY, &buf))
		return 1;
	s->nobodys = nl_buffer_id(s->fd, buf.handle);
	return s->nobodys ? 0 : 2;
}

FIXTURE_SETUP(perm)
{
	struct zc_buf_create buf;
	struct zc_sendfile arg;
	struct shared *s;

	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, s);
	self->shared = s;
	s->fd = zct_open();
	ASSERT_GE(s->fd, 0);
	self->used = zct_used(s->fd);
	ASSERT_EQ(0, zct_create(s->fd, 4096, ZC_BUF_SLICE, ZC_NODE_ANY, &buf));
	s->mine = nl_buffer_id(s->fd, buf.handle);
	ASSERT_NE(0, s->mine);
	ASSERT_EQ(0, nl_in_child(make_as_nobody, s));
	ASSERT_EQ(0, zct_pair(AF_INET, self->sock));
	/* A transfer of root's that stays. */
	self->file = zct_pattern_file(NAME, 16 * HUGE);
	ASSERT_GE(self->file, 0);
	arg = (struct zc_sendfile) {
		.in_fd = self->file, .out_fd = self->sock[0], .len = 16 * HUGE,
		.flags = ZC_SEND_ASYNC,
	};
	ASSERT_EQ(0, zct_ioctl(s->fd, ZC_IOC_SENDFILE, &arg));
}

FIXTURE_TEARDOWN(perm)
{
	int fd = zct_open();

	close(self->shared->fd);
	close(self->sock[0]);
	close(self->sock[1]);
	close(self->file);
	unlink(NAME);
	EXPECT_TRUE(zct_used_becomes(fd, self->used, 5000));
	close(fd);
	munmap(self->shared, sizeof(*self->shared));
}

/* Bits of what is seen: a buffer of root's, one of nobody's, another one. */
#define SEES_ROOTS	1
#define SEES_NOBODYS	2
#define SEES_OTHERS	4
#define SEES_REFUSED	8

struct sight {
	struct shared *s;
	int sees;
};

static bool see(const struct nl_msg *msg, void *data)
{
	uint32_t uid = nl_u32(msg, ZC_A_BUFFER_UID);
	struct sight *sight = data;

	sight->sees |= uid == 0 ? SEES_ROOTS : uid == NOBODY ? SEES_NOBODYS : SEES_OTHERS;
	return true;
}

/* The rest of a dump of buffers that was asked for. */
static int sees_rest(struct shared *s)
{
	struct sight sight = { .s = s };

	if (nl_dump_rest(&s->nl, see, &sight) < 0)
		sight.sees |= SEES_REFUSED;
	return sight.sees;
}

static int sees(struct shared *s)
{
	nl_begin(&s->req, ZC_CMD_BUFFER_GET);
	if (nl_send(&s->nl, &s->req, NLM_F_DUMP))
		return SEES_REFUSED;
	return sees_rest(s);
}

static int get_one(struct shared *s, uint8_t cmd, int attr, uint32_t id)
{
	nl_begin(&s->req, cmd);
	nl_put_u32(&s->req, attr, id);
	return nl_do(&s->nl, &s->req, &s->msg);
}

TEST_F_TIMEOUT(perm, root, 120)
{
	struct shared *s = self->shared;

	ASSERT_EQ(0, nl_open(&s->nl));
	EXPECT_EQ(SEES_ROOTS | SEES_NOBODYS, sees(s));
	EXPECT_EQ(0, get_one(s, ZC_CMD_BUFFER_GET, ZC_A_BUFFER_ID, s->nobodys));
	nl_begin(&s->req, ZC_CMD_TRANSFER_GET);
	EXPECT_EQ(1, nl_dump(&s->nl, &s->req, NULL, NULL));
	EXPECT_EQ(0, get_one(s, ZC_CMD_TARGET_GET, ZC_A_TARGET_ID, 0));
	EXPECT_TRUE(nl_has(&s->msg, ZC_A_TARGET_MAPPINGS));
	nl_close(&s->nl);
}

static bool take_id(const struct nl_msg *msg, void *data)
{
	*(uint64_t *)data = nl_u64(msg, ZC_A_TRANSFER_ID);
	return true;
}

/*
 * Of a child, whose exit status says which line was the first to go wrong, as far as there is
 * room for it; what follows is not tried any more.
 */
#define CHECK(what)	(bad = bad ?: (what) ? 0 : __LINE__ % 120 + 1)

static int get_as_nobody(void *data)
{
	struct shared *s = data;
	uint64_t id = 0;
	int bad = 0;

	/* Root's transfer, as root sees it. */
	CHECK(!nl_open(&s->nl));
	nl_begin(&s->req, ZC_CMD_TRANSFER_GET);
	CHECK(nl_dump(&s->nl, &s->req, take_id, &id) == 1);
	nl_close(&s->nl);
	CHECK(nl_be_nobody());
	CHECK(!nl_open(&s->nl));
	CHECK(sees(s) == SEES_NOBODYS);
	CHECK(!get_one(s, ZC_CMD_BUFFER_GET, ZC_A_BUFFER_ID, s->nobodys));
	CHECK(get_one(s, ZC_CMD_BUFFER_GET, ZC_A_BUFFER_ID, s->mine) == -ENOENT);
	CHECK(strstr(s->nl.text, "CAP_NET_ADMIN"));
	/* Nor whether it is mapped for a target. */
	nl_begin(&s->req, ZC_CMD_TARGET_GET);
	nl_put_u32(&s->req, ZC_A_TARGET_BUFFER, s->mine);
	CHECK(nl_dump(&s->nl, &s->req, NULL, NULL) == -ENOENT);
	nl_begin(&s->req, ZC_CMD_TRANSFER_GET);
	CHECK(!nl_dump(&s->nl, &s->req, NULL, NULL));
	nl_begin(&s->req, ZC_CMD_TRANSFER_GET);
	nl_put_u64(&s->req, ZC_A_TRANSFER_ID, id);
	CHECK(nl_do(&s->nl, &s->req, NULL) == -ENOENT);
	/* Sums are everybody's; whose mappings there are is not. */
	CHECK(!get_one(s, ZC_CMD_TARGET_GET, ZC_A_TARGET_ID, 0));
	CHECK(!nl_has(&s->msg, ZC_A_TARGET_MAPPINGS));
	nl_begin(&s->req, ZC_CMD_MODULE_GET);
	CHECK(!nl_do(&s->nl, &s->req, &s->msg));
	CHECK(nl_u32(&s->msg, ZC_A_MODULE_BUFFERS) == 2);
	nl_begin(&s->req, ZC_CMD_STATS_GET);
	CHECK(!nl_do(&s->nl, &s->req, NULL));
	CHECK(!get_one(s, ZC_CMD_POOL_GET, ZC_A_POOL_NODE, 0));
	return bad;
}

TEST_F_TIMEOUT(perm, nobody_sees, 120)
{
	EXPECT_EQ(0, nl_in_child(get_as_nobody, self->shared));
}

/* Neither set nor listen. */
static int set_as(struct shared *s)
{
	int group, bad = 0;

	nl_begin(&s->req, ZC_CMD_MODULE_SET);
	nl_put_u32(&s->req, ZC_A_MODULE_DEPTH, 5);
	CHECK(nl_do(&s->nl, &s->req, NULL) == -EPERM);
	CHECK(strstr(s->nl.text, "CAP_NET_ADMIN"));
	nl_begin(&s->req, ZC_CMD_POOL_SET);
	nl_put_u32(&s->req, ZC_A_POOL_NODE, 0);
	nl_put_u64(&s->req, ZC_A_POOL_RESERVE_BYTES, HUGE);
	CHECK(nl_do(&s->nl, &s->req, NULL) == -EPERM);
	CHECK(strstr(s->nl.text, "CAP_NET_ADMIN"));
	for (group = NL_BUFFERS; group <= NL_ALERTS; group++)
		CHECK(nl_join(&s->nl, group) == -EPERM);
	return bad;
}

static int set_as_nobody(void *data)
{
	struct shared *s = data;
	int bad = 0;

	CHECK(nl_be_nobody());
	CHECK(!nl_open(&s->nl));
	return bad ?: set_as(s);
}

TEST_F_TIMEOUT(perm, nobody_sets, 120)
{
	long long depth = zct_param("depth");
	struct zc_node_query query = { 0 };

	EXPECT_EQ(0, nl_in_child(set_as_nobody, self->shared));
	EXPECT_EQ(depth, zct_param("depth"));
	ASSERT_EQ(0, zct_ioctl(self->shared->fd, ZC_IOC_NODE_QUERY, &query));
	EXPECT_EQ(0, query.reserve_bytes);
}

/* Root of a user namespace is administrator of nothing here. */
static int in_user_namespace(void *data)
{
	struct shared *s = data;
	char map[64];
	int fd, bad = 0;

	CHECK(nl_be_nobody());
	/* Who has changed user cannot write his own map. */
	CHECK(!prctl(PR_SET_DUMPABLE, 1));
	if (!bad && unshare(CLONE_NEWUSER))
		return 127;
	fd = open("/proc/self/uid_map", O_WRONLY);
	snprintf(map, sizeof(map), "0 %d 1", NOBODY);
	CHECK(write(fd, map, strlen(map)) == (ssize_t)strlen(map));
	close(fd);
	CHECK(getuid() == 0);
	CHECK(!nl_open(&s->nl));
	/* That is himself, by the numbers of the namespace. */
	CHECK(sees(s) == SEES_ROOTS);
	CHECK(get_one(s, ZC_CMD_BUFFER_GET, ZC_A_BUFFER_ID, s->mine) == -ENOENT);
	CHECK(!get_one(s, ZC_CMD_BUFFER_GET, ZC_A_BUFFER_ID, s->nobodys));
	CHECK(nl_u32(&s->msg, ZC_A_BUFFER_UID) == 0);
	return bad ?: set_as(s);
}

TEST_F_TIMEOUT(perm, user_namespace, 120)
{
	int ret = nl_in_child(in_user_namespace, self->shared);

	if (ret == 127)
		SKIP(return, "no user namespaces for who has no privilege");
	EXPECT_EQ(0, ret);
}

/* In another network namespace the family is not there, whoever asks. */
static int in_net_namespace(void *data)
{
	struct shared *s = data;
	int bad = 0;

	CHECK(!nl_open(&s->nl));
	CHECK(!unshare(CLONE_NEWNET));
	/* A socket stays where it was made. */
	CHECK(sees(s) == (SEES_ROOTS | SEES_NOBODYS));
	nl_close(&s->nl);
	CHECK(nl_open(&s->nl) == -ENOENT);
	return bad;
}

TEST_F_TIMEOUT(perm, net_namespace, 120)
{
	EXPECT_EQ(0, nl_in_child(in_net_namespace, self->shared));
}

/* Numbers of processes are those of who looks; his own makers have none to others. */
static int look_in_pid_namespace(void *data)
{
	struct shared *s = data;
	int bad = 0;

	CHECK(getpid() == 1);
	CHECK(!nl_open(&s->nl));
	CHECK(!get_one(s, ZC_CMD_BUFFER_GET, ZC_A_BUFFER_ID, s->mine));
	CHECK(!nl_has(&s->msg, ZC_A_BUFFER_PID));
	return bad;
}

static int in_pid_namespace(void *data)
{
	if (unshare(CLONE_NEWPID))
		return errno == EINVAL ? 127 : 1;
	return nl_in_child(look_in_pid_namespace, data);
}

TEST_F_TIMEOUT(perm, pid_namespace, 120)
{
	int ret = nl_in_child(in_pid_namespace, self->shared);

	if (ret == 127)
		SKIP(return, "the kernel has no PID namespaces");
	EXPECT_EQ(0, ret);
}

/* Whoever has the other end of @sock gets @fd, and is what he was before. */
static bool give(int sock, int fd)
{
	char room[CMSG_SPACE(sizeof(fd))] = { 0 }, byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = room,
			      .msg_controllen = sizeof(room) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	return sendmsg(sock, &msg, 0) == 1;
}

static int take(int sock)
{
	char room[CMSG_SPACE(sizeof(int))], byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = room,
			      .msg_controllen = sizeof(room) };
	int fd = -1;

	if (recvmsg(sock, &msg, 0) == 1 && CMSG_FIRSTHDR(&msg))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

/* Opens the socket as nobody, and perhaps asks for a dump by it. */
static int open_as_nobody(void *data)
{
	struct shared *s = data;
	int bad = 0;

	CHECK(nl_be_nobody());
	CHECK(!nl_open(&s->nl));
	nl_begin(&s->req, ZC_CMD_BUFFER_GET);
	CHECK(!s->asks || !nl_send(&s->nl, &s->req, NLM_F_DUMP));
	CHECK(give(s->pass[1], s->nl.sock));
	return bad;
}

/* Who opened the socket counts: as where a program of root's writes what it is told to. */
TEST_F_TIMEOUT(perm, opened_by_nobody, 120)
{
	struct shared *s = self->shared;
	long long depth = zct_param("depth");

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, s->pass));
	ASSERT_EQ(0, nl_in_child(open_as_nobody, s));
	s->nl.sock = take(s->pass[0]);
	ASSERT_LE(0, s->nl.sock);
	EXPECT_EQ(SEES_NOBODYS, sees(s));
	EXPECT_EQ(-ENOENT, get_one(s, ZC_CMD_BUFFER_GET, ZC_A_BUFFER_ID, s->mine));
	EXPECT_EQ(0, get_one(s, ZC_CMD_BUFFER_GET, ZC_A_BUFFER_ID, s->nobodys));
	nl_begin(&s->req, ZC_CMD_TRANSFER_GET);
	EXPECT_EQ(0, nl_dump(&s->nl, &s->req, NULL, NULL));
	ASSERT_EQ(0, get_one(s, ZC_CMD_TARGET_GET, ZC_A_TARGET_ID, 0));
	EXPECT_FALSE(nl_has(&s->msg, ZC_A_TARGET_MAPPINGS));
	nl_begin(&s->req, ZC_CMD_MODULE_SET);
	nl_put_u32(&s->req, ZC_A_MODULE_DEPTH, 5);
	EXPECT_EQ(-EPERM, nl_do(&s->nl, &s->req, NULL));
	EXPECT_EQ(depth, zct_param("depth"));
	nl_close(&s->nl);
}

/* Who asked counts, when root reads on. */
TEST_F_TIMEOUT(perm, asked_by_nobody, 120)
{
	struct shared *s = self->shared;

	s->asks = true;
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, s->pass));
	ASSERT_EQ(0, nl_in_child(open_as_nobody, s));
	s->nl.sock = take(s->pass[0]);
	ASSERT_LE(0, s->nl.sock);
	EXPECT_EQ(SEES_NOBODYS, sees_rest(s));
	nl_close(&s->nl);
}

static int ask_as_nobody(void *data)
{
	struct shared *s = data;
	int bad = 0;

	CHECK(nl_be_nobody());
	CHECK(sees(s) == SEES_NOBODYS);
	CHECK(get_one(s, ZC_CMD_BUFFER_GET, ZC_A_BUFFER_ID, s->mine) == -ENOENT);
	return bad ?: set_as(s);
}

/* As a server that was root when it began. */
TEST_F_TIMEOUT(perm, opened_by_root, 120)
{
	struct shared *s = self->shared;

	ASSERT_EQ(0, nl_open(&s->nl));
	EXPECT_EQ(0, nl_in_child(ask_as_nobody, s));
	nl_close(&s->nl);
}

static bool count(const struct nl_msg *msg, void *data)
{
	++*(int *)data;
	return true;
}

static int read_as_nobody(void *data)
{
	struct shared *s = data;
	int nr = 0, bad = 0;

	CHECK(nl_be_nobody());
	CHECK(nl_dump_rest(&s->nl, count, &nr) == -EPERM);
	CHECK(nr < NR_MANY);
	return bad;
}

/* Who reads counts: he gets what root has asked and not yet read, and no more. */
TEST_F_TIMEOUT(perm, asked_by_root, 120)
{
	struct shared *s = self->shared;
	struct zc_buf_create buf;
	int i;

	for (i = 0; i < NR_MANY; i++)
		ASSERT_EQ(0, zct_create(s->fd, 4096, ZC_BUF_SLICE, ZC_NODE_ANY, &buf));
	ASSERT_EQ(0, nl_open(&s->nl));
	nl_begin(&s->req, ZC_CMD_BUFFER_GET);
	ASSERT_EQ(0, nl_send(&s->nl, &s->req, NLM_F_DUMP));
	EXPECT_EQ(0, nl_in_child(read_as_nobody, s));
	nl_close(&s->nl);
}

/* Behind root's, so that they stay for as long as the process does. */
static void send_as_nobody(const SELF *self)
{
	int i, bad = 0;

	CHECK(nl_be_nobody());
	/* Where the test ends early, too. */
	CHECK(!prctl(PR_SET_PDEATHSIG, SIGKILL));
	for (i = 0; i < NR_SENDS; i++) {
		struct zc_sendfile arg = {
			.in_fd = self->file, .out_fd = self->sock[0], .len = HUGE,
			.flags = ZC_SEND_ASYNC,
		};

		CHECK(!zct_ioctl(self->shared->fd, ZC_IOC_SENDFILE, &arg));
	}
	self->shared->sent = bad ?: -1;
	pause();
}

/* Transfers of nobody's in the first message, which was made when it was asked for, and later. */
struct parts {
	const struct nl *nl;
	unsigned int first;
	unsigned int later;
};

static bool count_nobodys(const struct nl_msg *msg, void *data)
{
	struct parts *parts = data;

	if (nl_u32(msg, ZC_A_TRANSFER_UID) == NOBODY && parts->nl->parts == 1)
		parts->first++;
	else if (nl_u32(msg, ZC_A_TRANSFER_UID) == NOBODY)
		parts->later++;
	return true;
}

static int read_without_capability(void *data)
{
	struct shared *s = data;
	struct parts parts = { .nl = &s->nl };
	int bad = 0;

	CHECK(!zct_drop_capabilities());
	CHECK(nl_dump_rest(&s->nl, count_nobodys, &parts) > 0);
	CHECK(parts.first);
	CHECK(!parts.later);
	return bad;
}

/* Not even the one that found no room any more, and was next. */
TEST_F_TIMEOUT(perm, asked_with_capability, 120)
{
	struct shared *s = self->shared;
	pid_t pid = fork();

	if (!pid)
		send_as_nobody(self);
	while (!s->sent)
		usleep(1000);
	ASSERT_EQ(-1, s->sent);
	ASSERT_EQ(0, nl_open(&s->nl));
	nl_begin(&s->req, ZC_CMD_TRANSFER_GET);
	ASSERT_EQ(NR_SENDS + 1, nl_dump(&s->nl, &s->req, NULL, NULL));
	ASSERT_LT(2, s->nl.parts);
	ASSERT_EQ(0, nl_send(&s->nl, &s->req, NLM_F_DUMP));
	EXPECT_EQ(0, nl_in_child(read_without_capability, s));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	nl_close(&s->nl);
}

TEST_HARNESS_MAIN
