// SPDX-License-Identifier: GPL-2.0-only
/* Sockets of a sockmap whose program sees what is sent: TCP has copies, and no references. */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "sender.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(sockmap)

#define ROOT	"/sys/fs/cgroup"
#define GROUP	ROOT "/zc-sockmap"
#define SIZE	(2 * HUGE)
#define LEN	(SIZE - 4321)
#define NR(array)	(sizeof(array) / sizeof(*(array)))

FIXTURE(sockmap)
{
	struct sender s;
	struct zct_rx rx;
	int sock[2];
	int map;
	int verdict;
	int hook;
	const char *missing;
};

/* Returns what the call does, or a negative errno. */
static int bpf(int cmd, union bpf_attr *attr)
{
	int ret = syscall(SYS_bpf, cmd, attr, sizeof(*attr));

	return ret < 0 ? -errno : ret;
}

/* A map with room for one socket, whose cookie it tells. */
static int map_create(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_SOCKMAP,
		.key_size = sizeof(uint32_t),
		.value_size = sizeof(uint64_t),
		.max_entries = 1,
	};

	return bpf(BPF_MAP_CREATE, &attr);
}

static int prog_load(uint32_t type, const struct bpf_insn *code, size_t len)
{
	union bpf_attr attr = {
		.prog_type = type,
		.insns = (uintptr_t)code,
		.insn_cnt = len / sizeof(*code),
		.license = (uintptr_t)"GPL",
	};

	return bpf(BPF_PROG_LOAD, &attr);
}

static int prog_attach(int prog, int target, uint32_t type)
{
	union bpf_attr attr = {
		.target_fd = target,
		.attach_bpf_fd = prog,
		.attach_type = type,
	};

	return bpf(BPF_PROG_ATTACH, &attr);
}

/* return SK_PASS; */
static int verdict_load(void)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = SK_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return prog_load(BPF_PROG_TYPE_SK_MSG, code, sizeof(code));
}

/*
 * if (skops->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB) {
 *	__u32 key = 0;
 *
 *	bpf_sock_map_update(skops, map, &key, BPF_ANY);
 * }
 * return 1;
 */
static int hook_load(int map)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = BPF_REG_2, .src_reg = BPF_REG_1,
		  .off = offsetof(struct bpf_sock_ops, op) },
		{ .code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = BPF_REG_2, .off = 7,
		  .imm = BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB },
		{ .code = BPF_ST | BPF_MEM | BPF_W, .dst_reg = BPF_REG_10, .off = -4 },
		{ .code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = BPF_REG_2,
		  .src_reg = BPF_PSEUDO_MAP_FD, .imm = map },
		{ },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_3,
		  .src_reg = BPF_REG_10 },
		{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = BPF_REG_3, .imm = -4 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_4, .imm = BPF_ANY },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_sock_map_update },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return prog_load(BPF_PROG_TYPE_SOCK_OPS, code, sizeof(code));
}

static int map_put(int map, int sock)
{
	uint64_t value = sock;
	uint32_t key = 0;
	union bpf_attr attr = {
		.map_fd = map,
		.key = (uintptr_t)&key,
		.value = (uintptr_t)&value,
		.flags = BPF_ANY,
	};

	return bpf(BPF_MAP_UPDATE_ELEM, &attr);
}

/* Is it this socket that the map has? */
static bool map_has(int map, int sock)
{
	uint64_t value = 0, cookie = 0;
	socklen_t len = sizeof(cookie);
	uint32_t key = 0;
	union bpf_attr attr = {
		.map_fd = map,
		.key = (uintptr_t)&key,
		.value = (uintptr_t)&value,
	};

	return !getsockopt(sock, SOL_SOCKET, SO_COOKIE, &cookie, &len) && cookie &&
	       !bpf(BPF_MAP_LOOKUP_ELEM, &attr) && value == cookie;
}

static int group_join(const char *procs)
{
	return zct_run("echo %d >%s", getpid(), procs);
}

/* Is that the answer of a kernel that was built without, or that lets nobody do so? */
static bool is_missing(SELF *self, int ret, const char *what)
{
	if (ret == -EPERM || ret == -ENOSYS || ret == -EINVAL)
		self->missing = what;
	return self->missing;
}

FIXTURE_SETUP(sockmap)
{
	self->hook = -1;
	self->map = map_create();
	if (is_missing(self, self->map, "no sockmap"))
		SKIP(return, "%s: errno %d", self->missing, -self->map);
	ASSERT_LE(0, self->map);
	self->verdict = verdict_load();
	if (is_missing(self, self->verdict, "no sk_msg programs"))
		SKIP(return, "%s: errno %d", self->missing, -self->verdict);
	ASSERT_LE(0, self->verdict);
	ASSERT_EQ(0, prog_attach(self->verdict, self->map, BPF_SK_MSG_VERDICT));
	ASSERT_TRUE(sender_open(&self->s, SIZE));
}

FIXTURE_TEARDOWN(sockmap)
{
	EXPECT_TRUE(sender_close(&self->s));
	close(self->hook);
	close(self->verdict);
	close(self->map);
	if (!access(GROUP "/cgroup.procs", F_OK)) {
		EXPECT_EQ(0, group_join(ROOT "/cgroup.procs"));
		EXPECT_EQ(0, rmdir(GROUP));
	}
}

/*
 * From here on sockets of this process are in a group where those that are connected to get into
 * the map before anybody accepts them. Returns 0 or a negative errno.
 */
static int group_hook(SELF *self)
{
	int dir, ret;

	self->hook = hook_load(self->map);
	if (self->hook < 0)
		return self->hook;
	if (mkdir(GROUP, 0700) && errno != EEXIST)
		return -errno;
	dir = open(GROUP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	ret = prog_attach(self->hook, dir, BPF_CGROUP_SOCK_OPS);
	close(dir);
	if (!ret && group_join(GROUP "/cgroup.procs"))
		ret = -EIO;
	return ret;
}

/* All bytes arrive, each copied, and the module knows it. */
static void by_copy(struct __test_metadata *_metadata, SELF *self, enum origin from,
		    int out, int in, uint32_t flags)
{
	struct sender *s = &self->s;

	self->rx = (struct zct_rx){ .sock = in, .offset = 3, .check = true };
	zct_rx_start(&self->rx);
	EXPECT_EQ(0, sender_send(s, from, out, 3, LEN, flags));
	if (flags & ZC_SEND_ASYNC)
		EXPECT_TRUE(sender_done(s, SENDER_PATIENCE_MS));
	shutdown(out, SHUT_WR);
	zct_rx_join(&self->rx);
	EXPECT_EQ(0, s->error);
	EXPECT_EQ(LEN, s->sent);
	EXPECT_EQ(LEN, self->rx.bytes);
	EXPECT_EQ(-1, self->rx.bad);
	EXPECT_EQ(s->sent, s->copied) TH_LOG("from %d, flags %#x", from, flags);
	EXPECT_EQ(ZC_COPY_SOCKET, s->reasons);
	EXPECT_EQ(ZC_PATH_COPY, s->paths);
	EXPECT_EQ(0, s->frags);
	EXPECT_TRUE(sender_released(s, 10000));
	EXPECT_EQ(0, s->net_copied);
	close(out);
	close(in);
}

static const uint32_t manners[] = { 0, ZC_SEND_ASYNC };

TEST_F_TIMEOUT(sockmap, before_accept, 240)
{
	enum origin from;
	size_t i;
	int ret;

	if (access(ROOT "/cgroup.controllers", F_OK))
		SKIP(return, "no cgroup v2");
	ret = group_hook(self);
	if (is_missing(self, ret, "no sock_ops programs of cgroups"))
		SKIP(return, "%s: errno %d", self->missing, -ret);
	ASSERT_EQ(0, ret);
	for (from = 0; from < FROM_NR; from++) {
		for (i = 0; i < NR(manners); i++) {
			ASSERT_EQ(0, zct_pair(AF_INET, self->sock));
			ASSERT_TRUE(map_has(self->map, self->sock[1]));
			by_copy(_metadata, self, from, self->sock[1], self->sock[0],
				manners[i]);
		}
	}
}

TEST_F_TIMEOUT(sockmap, once_connected, 240)
{
	enum origin from;
	size_t i, end;

	for (from = 0; from < FROM_NR; from++) {
		for (i = 0; i < NR(manners); i++) {
			for (end = 0; end < 2; end++) {
				ASSERT_EQ(0, zct_pair(AF_INET, self->sock));
				ASSERT_EQ(0, map_put(self->map, self->sock[end]));
				ASSERT_TRUE(map_has(self->map, self->sock[end]));
				by_copy(_metadata, self, from, self->sock[end],
					self->sock[!end], manners[i]);
			}
		}
	}
}

/* The rest of a transfer whose socket gets into the map in the middle of it. */
TEST_F_TIMEOUT(sockmap, meanwhile, 240)
{
	struct sender *s = &self->s;
	int size = 65536;
	enum origin from;
	uint64_t before;

	for (from = 0; from < FROM_NR; from++) {
		ASSERT_EQ(0, zct_pair(AF_INET, self->sock));
		setsockopt(self->sock[1], SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
		setsockopt(self->sock[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		sender_start(s, from, self->sock[0], 0, LEN, ZC_SEND_ASYNC);
		ASSERT_EQ(0, s->ret);
		before = tcp_stalled(self->sock[0]);
		ASSERT_LT(before, LEN / 2);
		ASSERT_EQ(0, map_put(self->map, self->sock[0]));
		self->rx = (struct zct_rx){ .sock = self->sock[1], .check = true };
		zct_rx_start(&self->rx);
		EXPECT_TRUE(sender_join(s, 30000));
		shutdown(self->sock[0], SHUT_WR);
		zct_rx_join(&self->rx);
		EXPECT_EQ(0, s->error);
		EXPECT_EQ(LEN, s->sent);
		EXPECT_EQ(LEN, self->rx.bytes);
		EXPECT_EQ(-1, self->rx.bad);
		EXPECT_TRUE(s->reasons & ZC_COPY_SOCKET);
		EXPECT_LE(LEN - before, s->copied);
		EXPECT_TRUE(sender_released(s, 10000));
		close(self->sock[0]);
		close(self->sock[1]);
	}
}

TEST_HARNESS_MAIN
