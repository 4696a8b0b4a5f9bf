// SPDX-License-Identifier: GPL-2.0-only
/* A buffer as a dma-buf (ZC_IOC_BUF_EXPORT). */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "dma.h"
#include "dmabuf.h"
#include "card.h"

#define SIZE	(3 * HUGE)

FIXTURE(export)
{
	int fd;
	uint64_t used;
	struct zc_buf_create buf;
	char *map;
};

FIXTURE_SETUP(export)
{
	struct zc_query query = { 0 };

	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_QUERY, &query));
	if (!(query.features & ZC_FEAT_DMABUF))
		SKIP(return, "a kernel without dma-buf");
	self->used = zct_used(self->fd);
	/* Not the first, so that its offset is not 0. */
	ASSERT_EQ(0, zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &self->buf));
	ASSERT_EQ(0, zct_create(self->fd, SIZE, 0, ZC_NODE_ANY, &self->buf));
	self->map = zct_map(self->fd, &self->buf);
	ASSERT_NE(MAP_FAILED, self->map);
	zct_pattern(self->map, 0, SIZE);
}

FIXTURE_TEARDOWN(export)
{
	int fd = zct_open();

	munmap(self->map, SIZE);
	close(self->fd);
	EXPECT_TRUE(zct_used_becomes(fd, self->used, 2000));
	close(fd);
}

static bool intact(const char *map, uint64_t off, uint64_t len)
{
	return zct_pattern_check(map, off, len) == -1;
}

/* By an address that is aligned, as the core does not choose it. */
static char *map_aligned(int fd, int prot, uint64_t len)
{
	char *room = mmap(NULL, len + HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *at = (char *)(((uintptr_t)room + HUGE - 1) & ~(HUGE - 1));

	if (room == MAP_FAILED)
		return room;
	munmap(room, len + HUGE);
	return mmap(at, len, prot, MAP_SHARED | MAP_FIXED, fd, 0);
}

TEST_F(export, same_memory)
{
	int dmabuf = export_fd(self->fd, self->buf.handle, 0);
	char *map;

	ASSERT_GE(dmabuf, 0);
	EXPECT_EQ(SIZE, lseek(dmabuf, 0, SEEK_END));
	map = map_aligned(dmabuf, RW, SIZE);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(0, dmabuf_sync(dmabuf, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW));
	EXPECT_TRUE(intact(map, 0, SIZE));
	EXPECT_EQ(SIZE, zct_smaps(map, "FilePmdMapped"));
	map[HUGE + 5] ^= 1;
	EXPECT_EQ(map[HUGE + 5], self->map[HUGE + 5]);
	map[HUGE + 5] ^= 1;
	EXPECT_EQ(0, msync(map, SIZE, MS_SYNC));
	EXPECT_EQ(0, dmabuf_sync(dmabuf, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, HUGE, PROT_READ, MAP_SHARED, dmabuf, SIZE));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 2 * HUGE, PROT_READ, MAP_SHARED, dmabuf, 2 * HUGE));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, HUGE, PROT_READ, MAP_PRIVATE, dmabuf, 0));
	munmap(map, SIZE);
	close(dmabuf);
}

TEST_F(export, arguments)
{
	struct zc_buf_export arg = { .handle = self->buf.handle, .__pad = 1 };
	int ro, dmabuf;

	EXPECT_EQ(-EINVAL, export_fd(self->fd, self->buf.handle, 2));
	EXPECT_EQ(-EINVAL, zct_ioctl(self->fd, ZC_IOC_BUF_EXPORT, &arg));
	arg.__pad = 0;
	arg.__resv[1] = 1;
	EXPECT_EQ(-EINVAL, zct_ioctl(self->fd, ZC_IOC_BUF_EXPORT, &arg));
	EXPECT_EQ(-ENOENT, export_fd(self->fd, 9999, 0));
	ro = open("/dev/zc", O_RDONLY);
	ASSERT_GE(ro, 0);
	ASSERT_EQ(0, zct_create(ro, HUGE, 0, ZC_NODE_ANY, &self->buf));
	EXPECT_EQ(-EACCES, export_fd(ro, self->buf.handle, 0));
	dmabuf = export_fd(ro, self->buf.handle, ZC_EXPORT_RDONLY);
	EXPECT_GE(dmabuf, 0);
	close(dmabuf);
	close(ro);
}

/* The descriptor that could not be told of is closed. */
TEST_F(export, result_not_written)
{
	struct zc_buf_export *arg = mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int before = dup(self->fd);

	close(before);
	arg->handle = self->buf.handle;
	ASSERT_EQ(0, mprotect(arg, PAGE, PROT_READ));
	EXPECT_EQ(-EFAULT, zct_ioctl(self->fd, ZC_IOC_BUF_EXPORT, arg));
	EXPECT_EQ(before, dup(self->fd));
	close(before);
	EXPECT_EQ(0, munmap(self->map, SIZE));
	self->map = MAP_FAILED;
	EXPECT_EQ(0, zct_seal(self->fd, self->buf.handle));
}

/* Who has it for writing may write at any time. */
TEST_F(export, sealing)
{
	int dmabuf = export_fd(self->fd, self->buf.handle, 0), ro;
	char *map;

	ASSERT_GE(dmabuf, 0);
	munmap(self->map, SIZE);
	EXPECT_EQ(-EBUSY, zct_seal(self->fd, self->buf.handle));
	close(dmabuf);
	ro = export_fd(self->fd, self->buf.handle, ZC_EXPORT_RDONLY);
	ASSERT_GE(ro, 0);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, HUGE, RW, MAP_SHARED, ro, 0));
	map = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, ro, 0);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_TRUE(intact(map, 0, SIZE));
	EXPECT_EQ(-1, mprotect(map, HUGE, RW));
	EXPECT_EQ(0, zct_seal(self->fd, self->buf.handle));
	EXPECT_TRUE(intact(map, 0, SIZE));
	EXPECT_EQ(-EPERM, export_fd(self->fd, self->buf.handle, 0));
	munmap(map, SIZE);
	close(ro);
	ro = export_fd(self->fd, self->buf.handle, ZC_EXPORT_RDONLY);
	EXPECT_GE(ro, 0);
	close(ro);
	self->map = MAP_FAILED;
}

/* While somebody tries to seal it, it is not sealed yet. */
TEST_F(export, while_sealing)
{
	uint64_t end = zct_now_ms() + 5000;
	struct zct_sealer sealer;
	unsigned int busy = 0;

	munmap(self->map, SIZE);
	self->map = MAP_FAILED;
	ASSERT_EQ(0, zct_sealer_start(&sealer, self->fd, &self->buf));
	while (busy < 20 && zct_now_ms() < end) {
		int dmabuf = export_fd(self->fd, self->buf.handle, 0);

		if (dmabuf < 0) {
			EXPECT_EQ(-EBUSY, dmabuf);
			busy++;
		} else {
			close(dmabuf);
		}
		dmabuf = export_fd(self->fd, self->buf.handle, ZC_EXPORT_RDONLY);
		EXPECT_LE(0, dmabuf);
		close(dmabuf);
		usleep(5000);
	}
	EXPECT_EQ(20, busy);
	zct_sealer_stop(&sealer);
	EXPECT_EQ(0, sealer.odd);
}

/* It outlives the handle, the file, and the process. */
TEST_F(export, keeps_it)
{
	int dmabuf = export_fd(self->fd, self->buf.handle, 0), sock[2], status, got = -1;
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	char *map;
	pid_t pid;

	ASSERT_GE(dmabuf, 0);
	ASSERT_EQ(0, zct_destroy(self->fd, self->buf.handle));
	munmap(self->map, SIZE);
	map = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, dmabuf, 0);
	EXPECT_TRUE(intact(map, 0, SIZE));
	EXPECT_LE(self->used + SIZE, zct_used(self->fd));
	munmap(map, SIZE);
	close(dmabuf);
	/* By another, who is killed. */
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	pid = fork();
	if (!pid) {
		struct zc_buf_create buf;
		int fd = zct_open();

		zct_create(fd, SIZE, 0, ZC_NODE_ANY, &buf);
		zct_pattern(zct_map(fd, &buf), 0, SIZE);
		dmabuf = export_fd(fd, buf.handle, 0);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &dmabuf, sizeof(dmabuf));
		sendmsg(sock[0], &msg, 0);
		pause();
		_exit(1);
	}
	ASSERT_EQ(1, recvmsg(sock[1], &msg, 0));
	memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(got));
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	map = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, got, 0);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_TRUE(intact(map, 0, SIZE));
	munmap(map, SIZE);
	close(got);
	close(sock[0]);
	close(sock[1]);
	self->map = MAP_FAILED;
}

/* A slice, which shares its hugepage with others: they are not to be seen. */
TEST_F(export, slice)
{
	struct zc_buf_create one, two;
	char *map;
	int dmabuf;

	ASSERT_EQ(0, zct_create(self->fd, 64 << 10, ZC_BUF_SLICE, ZC_NODE_ANY, &one));
	ASSERT_EQ(0, zct_create(self->fd, 64 << 10, ZC_BUF_SLICE, ZC_NODE_ANY, &two));
	dmabuf = export_fd(self->fd, one.handle, 0);
	ASSERT_GE(dmabuf, 0);
	EXPECT_EQ(64 << 10, lseek(dmabuf, 0, SEEK_END));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 128 << 10, PROT_READ, MAP_SHARED, dmabuf, 0));
	map = mmap(NULL, 64 << 10, RW, MAP_SHARED, dmabuf, 0);
	ASSERT_NE(MAP_FAILED, map);
	zct_pattern(map, 0, 64 << 10);
	munmap(map, 64 << 10);
	close(dmabuf);
	map = zct_map(self->fd, &one);
	EXPECT_TRUE(intact(map, 0, 64 << 10));
	munmap(map, 64 << 10);
}

/* How many devices have it, as the kernel lists them; -1: it does not. */
static int attached(int dmabuf)
{
	FILE *f = fopen("/sys/kernel/debug/dma_buf/bufinfo", "re");
	unsigned long want, inode;
	bool here = false;
	char line[256];
	struct stat st;
	int nr = -1;

	if (!f || fstat(dmabuf, &st))
		return -1;
	want = st.st_ino;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*x %*x %*x %*x zc %lu", &inode) == 1)
			here = inode == want;
		if (here && sscanf(line, "Total %d devices attached", &nr) == 1)
			break;
	}
	fclose(f);
	return nr;
}

/* A driver maps it for its device: vgem has none, but does what others do. */
TEST_F(export, driver)
{
	int dmabuf, ro, dri = vgem_open(), ret;
	uint32_t gem = 0;

	if (dri == -ENOSYS)
		SKIP(return, "no vgem");
	ASSERT_GE(dri, 0);
	dmabuf = export_fd(self->fd, self->buf.handle, 0);
	ASSERT_GE(dmabuf, 0);
	EXPECT_EQ(0, attached(dmabuf));
	ASSERT_EQ(0, card_import(dri, dmabuf, &gem));
	EXPECT_EQ(1, attached(dmabuf));
	EXPECT_EQ(0, dmabuf_sync(dmabuf, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW));
	EXPECT_TRUE(intact(self->map, 0, SIZE));
	EXPECT_EQ(0, dmabuf_sync(dmabuf, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW));
	/* The driver keeps it now. */
	close(dmabuf);
	munmap(self->map, SIZE);
	self->map = MAP_FAILED;
	EXPECT_EQ(-EBUSY, zct_seal(self->fd, self->buf.handle));
	EXPECT_EQ(0, card_forget(dri, gem));
	EXPECT_EQ(0, zct_seal(self->fd, self->buf.handle));
	/*
	 * For reading alone it would not do: this one wants to write. That of 7.3 takes it, as it
	 * maps nothing before there is something to be done.
	 */
	ro = export_fd(self->fd, self->buf.handle, ZC_EXPORT_RDONLY);
	ASSERT_GE(ro, 0);
	ret = card_import(dri, ro, &gem);
	if (ret) {
		EXPECT_EQ(-EPERM, ret);
	} else {
		EXPECT_EQ(1, attached(ro));
		EXPECT_EQ(0, card_forget(dri, gem));
	}
	close(ro);
	close(dri);
}

/* More than there are bounce buffers for (swiotlb=force), which is 64 MiB in all. */
TEST_F(export, driver_without_room)
{
	struct zc_buf_create large;
	int dri, dmabuf, ret, i;
	uint32_t gem = 0;

	if (!dma_forced())
		SKIP(return, "nothing has to bounce");
	dri = vgem_open();
	if (dri == -ENOSYS)
		SKIP(return, "no vgem");
	ASSERT_GE(dri, 0);
	ASSERT_EQ(0, zct_create(self->fd, 96 * MIB, 0, ZC_NODE_ANY, &large));
	dmabuf = export_fd(self->fd, large.handle, 0);
	ASSERT_GE(dmabuf, 0);
	/* As often as it likes: what it had got is given back. */
	for (i = 0; i < 5; i++) {
		ret = card_import(dri, dmabuf, &gem);
		if (!ret)
			break;
		EXPECT_EQ(-EIO, ret);
		EXPECT_EQ(0, attached(dmabuf));
	}
	if (!i && !ret) {
		EXPECT_EQ(0, card_forget(dri, gem));
		SKIP(goto done, "a driver that maps nothing yet");
	}
	EXPECT_EQ(5, i);
done:
	close(dmabuf);
	EXPECT_EQ(0, zct_destroy(self->fd, large.handle));
	dmabuf = export_fd(self->fd, self->buf.handle, 0);
	ASSERT_GE(dmabuf, 0);
	ASSERT_EQ(0, card_import(dri, dmabuf, &gem));
	EXPECT_EQ(0, card_forget(dri, gem));
	close(dmabuf);
	close(dri);
}

/* More than there are descriptors for. */
TEST_F(export, many)
{
	int n = 0, dmabuf;

	while ((dmabuf = export_fd(self->fd, self->buf.handle, 0)) >= 0)
		n++;
	EXPECT_EQ(-EMFILE, dmabuf);
	EXPECT_LT(100, n);
	while (n)
		close(dmabuf = self->fd + n--);
	munmap(self->map, SIZE);
	self->map = MAP_FAILED;
	EXPECT_EQ(0, zct_seal(self->fd, self->buf.handle));
}

TEST_HARNESS_MAIN
