// SPDX-License-Identifier: GPL-2.0-only
/* Transfers that nobody waits for are at the expense of their submitter's cgroups. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "zc_test.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(cgroup)

#define ROOT	"/sys/fs/cgroup"
#define GROUP	ROOT "/zc-async"
#define NAME	EXT4_DIR "/async_cgroup"
#define SIZE	(32 * MIB)
/* Less than the file, more than what the sockets hold of it. */
#define LITTLE	(12 * MIB)
#define ROOM	(256 << 10)

FIXTURE(cgroup)
{
	int fd;
	int file;
	uint64_t used;
	int sock[2];
	struct zct_rx rx;
};

FIXTURE_SETUP(cgroup)
{
	int room = ROOM;

	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->used = zct_used(self->fd);
	self->file = zct_pattern_file(NAME, SIZE);
	ASSERT_GE(self->file, 0);
	ASSERT_TRUE(zct_forget(self->file, SIZE));
	ASSERT_EQ(0, zct_pair(AF_INET, self->sock));
	/* What lies in the sockets cannot be reclaimed. */
	setsockopt(self->sock[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	setsockopt(self->sock[1], SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
}

FIXTURE_TEARDOWN(cgroup)
{
	close(self->sock[0]);
	close(self->sock[1]);
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 1000));
	close(self->fd);
	close(self->file);
	unlink(NAME);
	if (!access(GROUP, F_OK))
		EXPECT_EQ(0, rmdir(GROUP));
}

/* Make a group with this controller. False if there is no such thing. */
static bool group_make(const char *controller)
{
	char cmd[256];

	snprintf(cmd, sizeof(cmd),
		 "grep -qw %s " ROOT "/cgroup.controllers && "
		 "echo +%s >" ROOT "/cgroup.subtree_control && mkdir " GROUP,
		 controller, controller);
	return !system(cmd);
}

/* A file of the group: what follows @key in its line that begins with @line, or 0. */
static uint64_t group_value(const char *file, const char *line, const char *key)
{
	char path[128], text[512];
	uint64_t val = 0;
	char *at;
	FILE *f;

	snprintf(path, sizeof(path), GROUP "/%s", file);
	f = fopen(path, "re");
	while (f && fgets(text, sizeof(text), f)) {
		at = strncmp(text, line, strlen(line)) ? NULL : strstr(text, key);
		if (at)
			val = strtoull(at + strlen(key), NULL, 10);
	}
	if (f)
		fclose(f);
	return val;
}

static int group_join(void)
{
	FILE *f = fopen(GROUP "/cgroup.procs", "we");

	if (!f)
		return -errno;
	fprintf(f, "%d", getpid());
	return fclose(f) ? -errno : 0;
}

/* The whole file, by a member of the group. Returns 0, or what went wrong. */
static int member(SELF *self, uint32_t flags)
{
	struct zc_sendfile arg = {
		.in_fd = self->file,
		.out_fd = self->sock[0],
		.len = SIZE,
		.flags = flags | ZC_SEND_ASYNC,
	};
	struct zc_event ev;
	int fd;

	if (group_join())
		return 1;
	fd = zct_open();
	if (zct_ioctl(fd, ZC_IOC_SENDFILE, &arg))
		return 2;
	if (!zct_event(fd, &ev, 60000))
		return 3;
	if (ev.error || ev.sent != SIZE)
		return 4;
	return flags & ZC_SEND_DIRECT && ev.cached ? 5 : 0;
}

static void send_by_member(struct __test_metadata *_metadata, SELF *self, uint32_t flags)
{
	int status;
	pid_t pid;

	pid = fork();
	if (!pid)
		_exit(member(self, flags));
	self->rx = (struct zct_rx){ .sock = self->sock[1], .check = true };
	zct_rx_start(&self->rx);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	shutdown(self->sock[0], SHUT_WR);
	zct_rx_join(&self->rx);
	EXPECT_EQ(SIZE, self->rx.bytes);
	EXPECT_EQ(-1, self->rx.bad);
}

TEST_F_TIMEOUT(cgroup, page_cache, 120)
{
	uint64_t cache;

	if (!group_make("memory"))
		SKIP(return, "no memory controller of cgroup v2");
	send_by_member(_metadata, self, ZC_SEND_CACHED);
	EXPECT_EQ(SIZE, zct_cached(self->file, SIZE));
	/* The kernel may leave off counting where it would change little. */
	cache = group_value("memory.stat", "file ", " ");
	EXPECT_GE(cache, SIZE - SIZE / 8);
	EXPECT_LE(cache, SIZE + SIZE / 8);
}

/* With less than the file takes, its beginning makes room for its end. */
TEST_F_TIMEOUT(cgroup, little_memory, 120)
{
	char cmd[128];

	if (!group_make("memory"))
		SKIP(return, "no memory controller of cgroup v2");
	snprintf(cmd, sizeof(cmd), "echo %llu >" GROUP "/memory.max", LITTLE);
	ASSERT_EQ(0, system(cmd));
	send_by_member(_metadata, self, ZC_SEND_CACHED);
	EXPECT_LE(zct_cached(self->file, SIZE), LITTLE);
	EXPECT_GT(group_value("memory.events", "max ", " "), 0);
	EXPECT_EQ(0, group_value("memory.events", "oom_kill ", " "));
}

static uint64_t group_read(SELF *self)
{
	char disk[32];
	struct stat st;

	if (fstat(self->file, &st))
		return 0;
	snprintf(disk, sizeof(disk), "%u:%u ", major(st.st_dev), minor(st.st_dev));
	return group_value("io.stat", disk, "rbytes=");
}

/* Around the page cache, and into it. */
TEST_F_TIMEOUT(cgroup, reads, 120)
{
	uint64_t before;

	if (!group_make("io"))
		SKIP(return, "no io controller of cgroup v2");
	before = group_read(self);
	send_by_member(_metadata, self, ZC_SEND_DIRECT);
	EXPECT_GE(group_read(self), before + SIZE);
	EXPECT_EQ(0, zct_cached(self->file, SIZE));
	close(self->sock[0]);
	close(self->sock[1]);
	ASSERT_EQ(0, zct_pair(AF_INET, self->sock));
	before = group_read(self);
	send_by_member(_metadata, self, ZC_SEND_CACHED);
	EXPECT_GE(group_read(self), before + SIZE);
}

#define OVERLAY	"/tmp/zc-overlay"

/* What a group says of its members depends on who asks, through overlayfs as well. */
TEST_F(cgroup, overlay)
{
	struct zc_sendfile arg = { .len = 1, .flags = ZC_SEND_ASYNC, .out_fd = self->sock[0] };
	struct zc_event ev;
	int i;

	ASSERT_EQ(0, mkdir(GROUP, 0700));
	ASSERT_EQ(0, mkdir(OVERLAY, 0700));
	ASSERT_EQ(0, mount("zc", OVERLAY, "overlay", MS_RDONLY,
			   "lowerdir=" GROUP ":" EXT4_DIR));
	arg.in_fd = open(OVERLAY "/cgroup.procs", O_RDONLY);
	EXPECT_LE(0, arg.in_fd);
	EXPECT_EQ(-EOPNOTSUPP, zct_ioctl(self->fd, ZC_IOC_SENDFILE, &arg));
	close(arg.in_fd);
	/* Another one that lies there is not refused. */
	arg.in_fd = open(OVERLAY "/async_cgroup", O_RDONLY);
	EXPECT_LE(0, arg.in_fd);
	EXPECT_EQ(0, zct_ioctl(self->fd, ZC_IOC_SENDFILE, &arg));
	EXPECT_TRUE(zct_event(self->fd, &ev, 10000));
	EXPECT_EQ(0, ev.error);
	EXPECT_EQ(1, ev.sent);
	close(arg.in_fd);
	/* The worker lets go of the file after that. */
	for (i = 0; i < 200 && umount(OVERLAY); i++)
		usleep(10000);
	EXPECT_LT(i, 200);
	EXPECT_EQ(0, rmdir(OVERLAY));
}

TEST_HARNESS_MAIN
