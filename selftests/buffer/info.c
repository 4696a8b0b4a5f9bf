// SPDX-License-Identifier: GPL-2.0-only
/* Whose buffers are, who has them, and which were forgotten. */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "zc_test.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(info)

FIXTURE(info)
{
	int fd;
	uint64_t used;
	uint64_t before;
	long long held_after;
	long long idle_after;
};

/* The first buffer from @id on. */
static int info_at(int fd, uint64_t id, uint32_t flags, struct zc_buf_info *info)
{
	*info = (struct zc_buf_info){ .id = id, .flags = flags };
	return zct_ioctl(fd, ZC_IOC_BUF_INFO, info);
}

FIXTURE_SETUP(info)
{
	struct zc_buf_info info;

	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->used = zct_used(self->fd);
	self->held_after = zct_param("held_after");
	self->idle_after = zct_param("idle_after");
	ASSERT_EQ(60, self->held_after);
	ASSERT_EQ(0, self->idle_after);
	/* What others have left. */
	for (self->before = 0; !info_at(self->fd, self->before, 0, &info); )
		self->before = info.id + 1;
}

FIXTURE_TEARDOWN(info)
{
	int fd = zct_open();

	close(self->fd);
	EXPECT_EQ(0, zct_param_set("held_after", self->held_after));
	EXPECT_EQ(0, zct_param_set("idle_after", self->idle_after));
	EXPECT_TRUE(zct_used_becomes(fd, self->used, 2000));
	close(fd);
}

static unsigned int count(SELF *self, int fd)
{
	struct zc_buf_info info;
	uint64_t id = self->before;
	unsigned int nr = 0;

	for (; !info_at(fd, id, 0, &info); nr++)
		id = info.id + 1;
	return nr;
}

/* Whether they are gone within 2 s. */
static bool none_left(SELF *self)
{
	int i;

	for (i = 0; i < 200 && count(self, self->fd); i++)
		usleep(10000);
	return i < 200;
}

/* The only one there is since the test began. */
static int the_only(SELF *self, struct zc_buf_info *info)
{
	if (count(self, self->fd) != 1)
		return -ESRCH;
	return info_at(self->fd, self->before, ZC_INFO_HOLDERS, info);
}

TEST_F_TIMEOUT(info, all_that_is_known, 120)
{
	struct zc_buf_create buf;
	struct zc_buf_info info;

	EXPECT_EQ(0, count(self, self->fd));
	EXPECT_EQ(-ENOENT, info_at(self->fd, UINT64_MAX, 0, &info));
	ASSERT_EQ(0, zct_create(self->fd, 3 * HUGE, 0, 1, &buf));
	usleep(100000);
	ASSERT_EQ(0, the_only(self, &info));
	EXPECT_EQ(ZC_STATE_HANDLE | ZC_STATE_OWN, info.state);
	EXPECT_EQ(getpid(), info.pid);
	EXPECT_EQ(0, info.uid);
	EXPECT_EQ(0, strncmp("info", info.comm, sizeof(info.comm)));
	EXPECT_EQ(3 * HUGE, info.size);
	EXPECT_EQ(3 * HUGE, info.huge_bytes);
	EXPECT_EQ(0, info.held_bytes);
	EXPECT_GE(info.age_ms, 90);
	EXPECT_LT(info.age_ms, 60000);
	EXPECT_GE(info.idle_ms, 90);
	EXPECT_EQ(buf.handle, info.handle);
	EXPECT_EQ(1, info.node);
	EXPECT_EQ(0, info.mappings);
	EXPECT_EQ(0, info.sends);
	EXPECT_EQ(0, info.nr_holders);
	ASSERT_EQ(0, zct_seal(self->fd, buf.handle));
	ASSERT_EQ(0, the_only(self, &info));
	EXPECT_EQ(ZC_STATE_HANDLE | ZC_STATE_OWN | ZC_STATE_SEALED, info.state);
	EXPECT_EQ(0, zct_destroy(self->fd, buf.handle));
	EXPECT_EQ(0, count(self, self->fd));
	/* A small one has its place, too; what is parked has none. */
	ASSERT_EQ(0, zct_create(self->fd, 4096, ZC_BUF_SLICE, ZC_NODE_ANY, &buf));
	ASSERT_EQ(0, the_only(self, &info));
	EXPECT_EQ(4096, info.size);
	EXPECT_EQ(ZC_BUF_SLICE, info.buf_flags);
	EXPECT_EQ(0, zct_destroy(self->fd, buf.handle));
	EXPECT_EQ(0, count(self, self->fd));
}

/* Who maps a buffer that was destroyed: this process, and one that it made. */
TEST_F_TIMEOUT(info, mapped, 120)
{
	struct zc_buf_create buf;
	struct zc_buf_info info;
	int status, i;
	char *map;
	pid_t pid;

	ASSERT_EQ(0, zct_create(self->fd, 2 * HUGE, 0, ZC_NODE_ANY, &buf));
	map = zct_map(self->fd, &buf);
	ASSERT_NE(MAP_FAILED, map);
	memset(map, 1, 2 * HUGE);
	ASSERT_EQ(0, zct_destroy(self->fd, buf.handle));
	ASSERT_EQ(0, the_only(self, &info));
	EXPECT_EQ(ZC_STATE_OWN, info.state);
	EXPECT_EQ(0, info.handle);
	EXPECT_EQ(1, info.mappings);
	ASSERT_EQ(1, info.nr_holders);
	EXPECT_EQ(getpid(), info.holders[0].pid);
	EXPECT_EQ(1, info.holders[0].mappings);
	/* What is mapped has references, and is not held for that. */
	EXPECT_EQ(0, info.held_bytes);
	pid = fork();
	if (!pid) {
		/* Its own is in two parts. */
		munmap(map + HUGE, 4096);
		if (setuid(NOBODY))
			_exit(1);
		pause();
	}
	for (i = 0; i < 500; i++) {
		ASSERT_EQ(0, the_only(self, &info));
		if (info.mappings == 3)
			break;
		usleep(10000);
	}
	/* setuid() may come later. */
	usleep(100000);
	ASSERT_EQ(0, the_only(self, &info));
	ASSERT_EQ(2, info.nr_holders);
	i = info.holders[1].pid == pid;
	EXPECT_EQ(pid, info.holders[i].pid);
	EXPECT_EQ(NOBODY, info.holders[i].uid);
	EXPECT_EQ(2, info.holders[i].mappings);
	EXPECT_EQ(getpid(), info.holders[!i].pid);
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, the_only(self, &info));
	EXPECT_EQ(1, info.nr_holders);
	munmap(map, 2 * HUGE);
	EXPECT_EQ(0, count(self, self->fd));
}

/* By the pages that a pipe has, and by a send to a peer that does not read. */
TEST_F_TIMEOUT(info, held, 120)
{
	struct zc_send arg = { .len = HUGE };
	struct zc_buf_create buf;
	struct zc_buf_info info;
	struct iovec iov;
	int fds[2], sock[2];
	char *map;

	ASSERT_EQ(0, pipe(fds));
	ASSERT_EQ(0, zct_create(self->fd, 3 * HUGE, 0, ZC_NODE_ANY, &buf));
	map = zct_map(self->fd, &buf);
	iov = (struct iovec){ map + HUGE, 4096 };
	ASSERT_EQ(4096, vmsplice(fds[1], &iov, 1, 0));
	munmap(map, 3 * HUGE);
	ASSERT_EQ(0, the_only(self, &info));
	EXPECT_EQ(HUGE, info.held_bytes);
	close(fds[0]);
	close(fds[1]);
	ASSERT_EQ(0, the_only(self, &info));
	EXPECT_EQ(0, info.held_bytes);

	ASSERT_EQ(0, zct_pair(AF_INET, sock));
	arg.handle = buf.handle;
	arg.out_fd = sock[0];
	arg.len = 65536;
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_SEND, &arg));
	ASSERT_EQ(0, zct_destroy(self->fd, buf.handle));
	ASSERT_EQ(0, the_only(self, &info));
	EXPECT_EQ(1, info.sends);
	EXPECT_EQ(HUGE, info.held_bytes);
	EXPECT_EQ(0, info.handle);
	close(sock[0]);
	close(sock[1]);
	EXPECT_TRUE(none_left(self));
}

/* Returns an exit code. */
static int see_own(SELF *self)
{
	int fd = zct_open();
	struct zc_buf_create buf;
	struct zc_buf_info info;

	if (setuid(NOBODY) || count(self, fd))
		return 1;
	if (zct_create(fd, HUGE, 0, ZC_NODE_ANY, &buf) || count(self, fd) != 1)
		return 2;
	/* By whatever file. */
	if (info_at(self->fd, self->before, 0, &info) || info.uid != NOBODY ||
	    info.pid != getpid() || info.state != ZC_STATE_HANDLE)
		return 3;
	return 0;
}

TEST_F_TIMEOUT(info, of_others, 120)
{
	struct zc_buf_create buf;
	int status;
	pid_t pid;

	ASSERT_EQ(0, zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &buf));
	pid = fork();
	if (!pid)
		_exit(see_own(self));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(1, count(self, self->fd));
}

/* With a SIGKILL everything is back when the process is gone. */
TEST_F_TIMEOUT(info, killed, 120)
{
	int status, round, ready[2];
	struct zc_buf_create buf;
	char byte;
	pid_t pid;

	for (round = 0; round < 20; round++) {
		ASSERT_EQ(0, pipe(ready));
		pid = fork();
		if (!pid) {
			int fd = zct_open(), i;

			for (i = 0; i < 4; i++) {
				zct_create(fd, HUGE << i % 2, 0, ZC_NODE_ANY, &buf);
				memset(zct_map(fd, &buf), 1, buf.size);
				zct_create(fd, 4096, ZC_BUF_SLICE, ZC_NODE_ANY, &buf);
			}
			if (write(ready[1], "", 1) == 1)
				pause();
			_exit(1);
		}
		close(ready[1]);
		ASSERT_EQ(1, read(ready[0], &byte, 1));
		EXPECT_EQ(8, count(self, self->fd));
		kill(pid, SIGKILL);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(0, count(self, self->fd));
		EXPECT_EQ(self->used, zct_used(self->fd));
		close(ready[0]);
	}
}

static struct zc_stats stats(SELF *self)
{
	struct zc_stats stats = { 0 };

	zct_ioctl(self->fd, ZC_IOC_STATS, &stats);
	return stats;
}

static int uevents(void)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int sock = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);

	return bind(sock, (void *)&addr, sizeof(addr)) ? -1 : sock;
}

/* Wait for a uevent that has all of these variables; at most 6 s. */
static bool told(int sock, const char *const *vars, int nr)
{
	struct pollfd pollfd = { .fd = sock, .events = POLLIN };
	char msg[4096], *var;
	int i, found;
	ssize_t len;

	while (poll(&pollfd, 1, 6000) > 0) {
		len = recv(sock, msg, sizeof(msg) - 1, 0);
		if (len <= 0)
			return false;
		msg[len] = '\0';
		for (found = 0, var = msg; var < msg + len; var += strlen(var) + 1)
			for (i = 0; i < nr; i++)
				found += !strcmp(var, vars[i]);
		if (found == nr)
			return true;
	}
	return false;
}

/* Destroyed, and still mapped. */
TEST_F_TIMEOUT(info, guard_held, 120)
{
	char id[40];
	const char *const vars[] = { "ZC_EVENT=held", "DEVNAME=zc", id };
	struct zc_stats before;
	struct zc_buf_create buf, other;
	struct zc_buf_info info;
	int sock = uevents();
	char *map;

	ASSERT_GE(sock, 0);
	before = stats(self);
	ASSERT_EQ(0, zct_create(self->fd, 2 * HUGE, 0, ZC_NODE_ANY, &buf));
	ASSERT_EQ(0, the_only(self, &info));
	snprintf(id, sizeof(id), "ZC_BUFFER=%llu", (unsigned long long)info.id);
	map = zct_map(self->fd, &buf);
	/* This one has its handle, and is nobody's business. */
	ASSERT_EQ(0, zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &other));
	ASSERT_EQ(0, zct_destroy(self->fd, buf.handle));
	ASSERT_EQ(0, zct_param_set("held_after", 1));
	EXPECT_TRUE(told(sock, vars, 3));
	EXPECT_EQ(before.told_held + 1, stats(self).told_held);
	/* And not again. */
	sleep(2);
	EXPECT_EQ(before.told_held + 1, stats(self).told_held);
	EXPECT_EQ(before.told_idle, stats(self).told_idle);
	munmap(map, 2 * HUGE);
	close(sock);
}

/* Its file closed, and still in a descriptor that was handed over. */
TEST_F_TIMEOUT(info, guard_shared, 120)
{
	static const char *const vars[] = { "ZC_EVENT=held", "DEVNAME=zc" };
	struct zc_buf_share share = { 0 };
	struct zc_buf_create buf;
	struct zc_buf_info info;
	int sock = uevents(), status;
	pid_t pid;

	ASSERT_EQ(0, zct_param_set("held_after", 1));
	pid = fork();
	if (!pid) {
		/* By who is gone soon. */
		_exit(zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &buf) ? 1 : 0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
	ASSERT_EQ(0, the_only(self, &info));
	EXPECT_EQ(0, info.pid);
	EXPECT_EQ(ZC_STATE_HANDLE | ZC_STATE_OWN, info.state);
	share.handle = info.handle;
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_BUF_SHARE, &share));
	close(self->fd);
	self->fd = zct_open();
	ASSERT_EQ(0, the_only(self, &info));
	EXPECT_EQ(0, info.state);
	EXPECT_EQ(0, info.handle);
	EXPECT_EQ(1, info.sends);
	EXPECT_TRUE(told(sock, vars, 2));
	close(share.fd);
	/* Who told of it may still have it in hands. */
	EXPECT_TRUE(none_left(self));
	close(sock);
}

/* Not mapped, and not used. */
TEST_F_TIMEOUT(info, guard_idle, 120)
{
	static const char *const vars[] = { "ZC_EVENT=idle", "DEVNAME=zc" };
	struct zc_buf_create buf, mapped;
	struct zc_stats before;
	int sock = uevents();
	char *map;

	ASSERT_GE(sock, 0);
	before = stats(self);
	ASSERT_EQ(0, zct_create(self->fd, 2 * HUGE, 0, ZC_NODE_ANY, &mapped));
	map = zct_map(self->fd, &mapped);
	ASSERT_EQ(0, zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &buf));
	ASSERT_EQ(0, zct_param_set("idle_after", 1));
	EXPECT_TRUE(told(sock, vars, 2));
	EXPECT_EQ(before.told_idle + 1, stats(self).told_idle);
	/* Used, and forgotten again. */
	munmap(zct_map(self->fd, &buf), HUGE);
	EXPECT_TRUE(told(sock, vars, 2));
	EXPECT_EQ(before.told_idle + 2, stats(self).told_idle);
	EXPECT_EQ(before.told_held, stats(self).told_held);
	munmap(map, 2 * HUGE);
	close(sock);
}

TEST_HARNESS_MAIN
