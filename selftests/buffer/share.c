// SPDX-License-Identifier: GPL-2.0-only
/* A buffer handed to another process (ZC_IOC_BUF_SHARE). */
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
#include "zc_test.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(share)

FIXTURE(share)
{
	int fd;
	uint64_t used;
	struct zc_buf_create buf;
	char *map;
};

FIXTURE_SETUP(share)
{
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->used = zct_used(self->fd);
	/* Not the first, so that its offset is not 0. */
	ASSERT_EQ(0, zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &self->buf));
	ASSERT_EQ(0, zct_create(self->fd, 3 * HUGE, 0, ZC_NODE_ANY, &self->buf));
	ASSERT_NE(0, self->buf.mmap_offset);
	self->map = zct_map(self->fd, &self->buf);
	ASSERT_NE(MAP_FAILED, self->map);
	zct_pattern(self->map, 0, 3 * HUGE);
}

FIXTURE_TEARDOWN(share)
{
	int fd = zct_open();

	munmap(self->map, 3 * HUGE);
	close(self->fd);
	EXPECT_TRUE(zct_used_becomes(fd, self->used, 2000));
	close(fd);
}

static int share(int fd, uint32_t handle, uint32_t flags)
{
	struct zc_buf_share arg = { .handle = handle, .flags = flags };

	return zct_ioctl(fd, ZC_IOC_BUF_SHARE, &arg) ?: arg.fd;
}

static char *map_shared(int fd, int prot, uint64_t len, off_t off)
{
	return mmap(NULL, len, prot, MAP_SHARED, fd, off);
}

static bool intact(const char *map, uint64_t off, uint64_t len)
{
	return zct_pattern_check(map, off, len) == -1;
}

/* Hand a descriptor over, as between strangers; returns the other's number of it. */
static int hand_over(int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	int sock[2], got = -1;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sock))
		return -1;
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	if (sendmsg(sock[0], &msg, 0) == 1 && recvmsg(sock[1], &msg, 0) == 1)
		memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(got));
	close(sock[0]);
	close(sock[1]);
	return got;
}

/* What a user without privilege can do with it. Returns an exit code. */
static int stranger(SELF *self, int fd, bool rdonly)
{
	int got = hand_over(fd);
	char *map;

	/* He has nothing else of it. */
	munmap(self->map, 3 * HUGE);
	close(self->fd);
	close(fd);
	if (got < 0 || setgid(NOBODY) || setuid(NOBODY) || open("/dev/zc", O_RDWR) >= 0)
		return 1;
	map = map_shared(got, PROT_READ, 3 * HUGE, 0);
	if (map == MAP_FAILED || !intact(map, 0, 3 * HUGE))
		return 2;
	if (zct_smaps(map, "FilePmdMapped") != 3 * HUGE)
		return 3;
	if (!mprotect(map, 4096, PROT_READ | PROT_WRITE) == rdonly)
		return 4;
	if ((map_shared(got, PROT_READ | PROT_WRITE, HUGE, 0) == MAP_FAILED) != rdonly)
		return 5;
	munmap(map, 3 * HUGE);
	map = map_shared(got, PROT_READ, 4096, 2 * HUGE + 8192);
	if (map == MAP_FAILED || !intact(map, 2 * HUGE + 8192, 4096))
		return 6;
	if (map_shared(got, PROT_READ, 4096, 3 * HUGE) != MAP_FAILED ||
	    map_shared(got, PROT_READ, 3 * HUGE + 4096, 0) != MAP_FAILED ||
	    map_shared(got, PROT_READ, HUGE, 3 * HUGE - 4096) != MAP_FAILED ||
	    map_shared(got, PROT_READ, 4096, 1ull << 45) != MAP_FAILED ||
	    mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, got, 0) != MAP_FAILED)
		return 7;
	return 0;
}

TEST_F_TIMEOUT(share, strangers, 120)
{
	int fd, status, rdonly;
	pid_t pid;

	for (rdonly = 0; rdonly < 2; rdonly++) {
		fd = share(self->fd, self->buf.handle, rdonly ? ZC_SHARE_RDONLY : 0);
		ASSERT_GE(fd, 0);
		EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
		pid = fork();
		if (!pid)
			_exit(stranger(self, fd, rdonly));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(0, status);
		close(fd);
	}
}

/* It is the same memory, and stays when all else is gone. */
TEST_F_TIMEOUT(share, outlives, 120)
{
	int fd = share(self->fd, self->buf.handle, 0);
	char *map;

	ASSERT_GE(fd, 0);
	map = map_shared(fd, PROT_READ | PROT_WRITE, 3 * HUGE, 0);
	ASSERT_NE(MAP_FAILED, map);
	self->map[5] = 'x';
	EXPECT_EQ('x', map[5]);
	map[HUGE] = 'y';
	EXPECT_EQ('y', self->map[HUGE]);
	ASSERT_EQ(0, zct_destroy(self->fd, self->buf.handle));
	munmap(self->map, 3 * HUGE);
	close(self->fd);
	munmap(map, 3 * HUGE);
	self->fd = zct_open();
	EXPECT_EQ(self->used + 3 * HUGE, zct_used(self->fd));
	map = map_shared(fd, PROT_READ, 3 * HUGE, 0);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ('x', map[5]);
	EXPECT_EQ('y', map[HUGE]);
	/* The mapping alone keeps it, too. */
	close(fd);
	EXPECT_EQ('y', map[HUGE]);
	munmap(map, 3 * HUGE);
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 1000));
	self->map = mmap(NULL, 3 * HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* There is nothing to be written back, which is no error. */
TEST_F_TIMEOUT(share, msync, 120)
{
	int rdonly;

	EXPECT_EQ(0, msync(self->map, 3 * HUGE, MS_SYNC));
	for (rdonly = 0; rdonly < 2; rdonly++) {
		int fd = share(self->fd, self->buf.handle, rdonly ? ZC_SHARE_RDONLY : 0);
		char *map = map_shared(fd, rdonly ? PROT_READ : PROT_READ | PROT_WRITE,
				       3 * HUGE, 0);

		ASSERT_NE(MAP_FAILED, map);
		EXPECT_TRUE(intact(map, 0, 3 * HUGE));
		EXPECT_EQ(0, msync(map, 3 * HUGE, MS_SYNC));
		EXPECT_EQ(0, msync(map, 3 * HUGE, MS_ASYNC));
		EXPECT_EQ(0, fsync(fd));
		EXPECT_EQ(0, fdatasync(fd));
		munmap(map, 3 * HUGE);
		close(fd);
	}
}

/* Who maps it for writing by the one way is in the way of sealing by the other. */
TEST_F_TIMEOUT(share, sealed, 120)
{
	int fd = share(self->fd, self->buf.handle, 0);
	int rdonly = share(self->fd, self->buf.handle, ZC_SHARE_RDONLY);
	char *map, *other;

	map = map_shared(fd, PROT_READ | PROT_WRITE, HUGE, HUGE);
	ASSERT_NE(MAP_FAILED, map);
	munmap(self->map, 3 * HUGE);
	EXPECT_EQ(-EBUSY, zct_seal(self->fd, self->buf.handle));
	munmap(map, HUGE);
	other = map_shared(rdonly, PROT_READ, 3 * HUGE, 0);
	EXPECT_TRUE(intact(other, 0, 3 * HUGE));
	ASSERT_EQ(0, zct_seal(self->fd, self->buf.handle));
	EXPECT_EQ(MAP_FAILED, map_shared(fd, PROT_READ | PROT_WRITE, HUGE, 0));
	EXPECT_EQ(EPERM, errno);
	map = map_shared(fd, PROT_READ, 3 * HUGE, 0);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(-1, mprotect(map, HUGE, PROT_READ | PROT_WRITE));
	EXPECT_TRUE(intact(map, 0, 3 * HUGE));
	EXPECT_TRUE(intact(other, 0, 3 * HUGE));
	munmap(map, 3 * HUGE);
	munmap(other, 3 * HUGE);
	close(fd);
	close(rdonly);
	self->map = mmap(NULL, 3 * HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* From a device file that has nothing to do with the buffer's. */
TEST_F_TIMEOUT(share, send, 120)
{
	int fd = share(self->fd, self->buf.handle, ZC_SHARE_RDONLY), other = zct_open();
	struct zct_rx rx = { .check = true, .offset = 5000 };
	struct zc_send arg = { .flags = ZC_SEND_SHARED, .offset = 5000 };
	struct zc_event event;
	int sock[2];

	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, zct_pair(AF_INET, sock));
	rx.sock = sock[1];
	zct_rx_start(&rx);
	arg.out_fd = sock[0];
	arg.handle = fd;
	arg.len = 3 * HUGE - 5000 + 1;
	EXPECT_EQ(-EINVAL, zct_ioctl(other, ZC_IOC_SEND, &arg));
	arg.handle = sock[0];
	EXPECT_EQ(-EINVAL, zct_ioctl(other, ZC_IOC_SEND, &arg));
	arg.handle = 12345;
	EXPECT_EQ(-EBADF, zct_ioctl(other, ZC_IOC_SEND, &arg));
	arg.handle = UINT32_MAX;
	EXPECT_EQ(-EBADF, zct_ioctl(other, ZC_IOC_SEND, &arg));
	arg.handle = fd;
	arg.flags = 0;
	arg.len = 3 * HUGE - 5000;
	EXPECT_EQ(-ENOENT, zct_ioctl(other, ZC_IOC_SEND, &arg));
	arg.flags = ZC_SEND_SHARED;
	while (arg.len) {
		ASSERT_EQ(0, zct_ioctl(other, ZC_IOC_SEND, &arg));
		ASSERT_EQ(1, arg.events);
		arg.len -= arg.sent;
		/* The event is for who has sent. */
		ASSERT_EQ(sizeof(event), read(other, &event, sizeof(event)));
		EXPECT_EQ(ZC_EVENT_RELEASED, event.type);
	}
	close(sock[0]);
	zct_rx_join(&rx);
	EXPECT_EQ(-1, rx.bad);
	EXPECT_EQ(3 * HUGE - 5000, rx.bytes);
	close(sock[1]);
	close(other);
	close(fd);
}

/* Of a small one, no more than that; and who maps it is known. */
TEST_F_TIMEOUT(share, slice, 120)
{
	struct zc_buf_info info = { .flags = ZC_INFO_HOLDERS };
	struct zc_buf_create buf, next;
	int fd, rdonly;
	char *map;

	ASSERT_EQ(0, zct_create(self->fd, 8192, ZC_BUF_SLICE, ZC_NODE_ANY, &buf));
	ASSERT_EQ(0, zct_create(self->fd, 8192, ZC_BUF_SLICE, ZC_NODE_ANY, &next));
	fd = share(self->fd, buf.handle, 0);
	ASSERT_GE(fd, 0);
	EXPECT_EQ(MAP_FAILED, map_shared(fd, PROT_READ, 12288, 0));
	EXPECT_EQ(MAP_FAILED, map_shared(fd, PROT_READ, 4096, 8192));
	map = map_shared(fd, PROT_READ | PROT_WRITE, 8192, 0);
	ASSERT_NE(MAP_FAILED, map);
	zct_pattern(map, 0, 8192);
	ASSERT_EQ(0, zct_destroy(self->fd, buf.handle));
	do {
		info.id++;
		ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_BUF_INFO, &info));
	} while (info.size != 8192 || info.handle);
	EXPECT_EQ(1, info.nr_holders);
	EXPECT_EQ(getpid(), info.holders[0].pid);
	EXPECT_TRUE(intact(map, 0, 8192));
	munmap(map, 8192);
	close(fd);
	EXPECT_EQ(-ENOENT, share(self->fd, buf.handle, 0));
	/* A device that was opened for reading gives nothing to write to. */
	fd = open("/dev/zc", O_RDONLY | O_CLOEXEC);
	ASSERT_EQ(0, zct_create(fd, HUGE, 0, ZC_NODE_ANY, &buf));
	EXPECT_EQ(-EACCES, share(fd, buf.handle, 0));
	rdonly = share(fd, buf.handle, ZC_SHARE_RDONLY);
	EXPECT_LE(0, rdonly);
	close(rdonly);
	close(fd);
	EXPECT_EQ(-EINVAL, share(self->fd, next.handle, 2));
}

/* Its holder is killed while he uses it. */
TEST_F_TIMEOUT(share, killed, 120)
{
	int fd = share(self->fd, self->buf.handle, 0), status, round;
	pid_t pid;

	for (round = 0; round < 10; round++) {
		pid = fork();
		if (!pid) {
			char *map = map_shared(fd, PROT_READ | PROT_WRITE, 3 * HUGE, 0);

			for (;;)
				zct_pattern(map, 0, 3 * HUGE);
		}
		usleep(20000 * round);
		kill(pid, SIGKILL);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_TRUE(intact(self->map, 0, 3 * HUGE));
	}
	close(fd);
}

TEST_HARNESS_MAIN
