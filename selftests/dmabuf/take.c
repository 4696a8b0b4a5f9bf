// SPDX-License-Identifier: GPL-2.0-only
/* A buffer of the memory of a dma-buf (ZC_IOC_BUF_IMPORT). */
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <linux/udmabuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kselftest_harness.h"
#include "dmabuf.h"

#define SIZE	(3 * HUGE)

FIXTURE(take)
{
	int fd;
	uint64_t used;
};

FIXTURE_SETUP(take)
{
	struct zc_query query = { 0 };

	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_QUERY, &query));
	if (!(query.features & ZC_FEAT_DMABUF))
		SKIP(return, "a kernel without dma-buf");
	self->used = zct_used(self->fd);
}

FIXTURE_TEARDOWN(take)
{
	int fd = zct_open();

	close(self->fd);
	EXPECT_TRUE(zct_used_becomes(fd, self->used, 2000));
	close(fd);
}

/* A dma-buf of the pattern, exported by an open file of its own, which is closed. */
static int own(uint64_t size, uint32_t flags)
{
	struct zc_buf_create buf;
	int fd = zct_open(), dmabuf;
	char *map;

	if (zct_create(fd, size, 0, ZC_NODE_ANY, &buf))
		return -1;
	map = zct_map(fd, &buf);
	zct_pattern(map, 0, size);
	munmap(map, size);
	dmabuf = export_fd(fd, buf.handle, flags);
	close(fd);
	return dmabuf;
}

/* A memfd of the pattern, as udmabuf wants it; or -1. */
static int pattern_memfd(unsigned int flags, uint64_t size)
{
	int memfd = memfd_create("take", MFD_ALLOW_SEALING | flags);
	char *map = MAP_FAILED;

	if (!ftruncate(memfd, size))
		map = mmap(NULL, size, RW, MAP_SHARED, memfd, 0);
	if (map == MAP_FAILED) {
		close(memfd);
		return -1;
	}
	zct_pattern(map, 0, size);
	munmap(map, size);
	fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK);
	return memfd;
}

/* By udmabuf, of all of a memfd. */
static int udmabuf(unsigned int flags, uint64_t size)
{
	struct udmabuf_create arg = { .memfd = pattern_memfd(flags, size), .size = size };
	int dev = open("/dev/udmabuf", O_RDWR);
	int dmabuf = ioctl(dev, UDMABUF_CREATE, &arg);

	close(arg.memfd);
	close(dev);
	return dmabuf;
}

/* Of the system heap, with the pattern; -1 where there is none. */
static int heap(uint64_t size)
{
	int fd = dmabuf_heap(size);
	char *map;

	if (fd < 0)
		return -1;
	map = mmap(NULL, size, RW, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -1;
	dmabuf_sync(fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE);
	zct_pattern(map, 0, size);
	dmabuf_sync(fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE);
	munmap(map, size);
	return fd;
}

static int sync_buf(int fd, uint32_t handle, uint32_t flags)
{
	struct zc_buf_sync arg = { .handle = handle, .flags = flags };

	return zct_ioctl(fd, ZC_IOC_BUF_SYNC, &arg);
}

/* It is sent, mapped, and gives back what it takes. */
static void use(struct __test_metadata *_metadata, int fd, int dmabuf, uint64_t size)
{
	struct zc_buf_import arg;
	char *map;

	ASSERT_EQ(0, import_fd(fd, dmabuf, 0, 0, &arg));
	/* The buffer has it from here on. */
	close(dmabuf);
	EXPECT_EQ(size, arg.size);
	EXPECT_EQ(PAGE, arg.page_size);
	EXPECT_EQ(0, sync_buf(fd, arg.handle, ZC_SYNC_READ));
	EXPECT_EQ(size, send_checked(fd, arg.handle, 0, size, 0));
	EXPECT_EQ(size - 5 * PAGE - 7, send_checked(fd, arg.handle, 5 * PAGE + 7,
						    size - 5 * PAGE - 7, 5 * PAGE + 7));
	EXPECT_EQ(0, sync_buf(fd, arg.handle, ZC_SYNC_READ | ZC_SYNC_END));
	map = mmap(NULL, size, RW, MAP_SHARED, fd, arg.mmap_offset);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(-1, zct_pattern_check(map, 0, size));
	/* What is written goes out. */
	memset(map, 0, PAGE);
	zct_pattern(map, size, PAGE);
	EXPECT_EQ(PAGE, send_checked(fd, arg.handle, 0, PAGE, size));
	EXPECT_EQ(0, zct_destroy(fd, arg.handle));
	EXPECT_EQ(-1, zct_pattern_check(map + PAGE, PAGE, size - PAGE));
	munmap(map, size);
}

TEST_F(take, own)
{
	int dmabuf = own(SIZE, 0);

	ASSERT_GE(dmabuf, 0);
	use(_metadata, self->fd, dmabuf, SIZE);
}

TEST_F(take, udmabuf)
{
	int dmabuf = udmabuf(0, SIZE);

	if (dmabuf < 0)
		SKIP(return, "no udmabuf");
	use(_metadata, self->fd, dmabuf, SIZE);
}

/* udmabuf of some kernels maps these wrongly: then they are refused, and never sent so. */
TEST_F(take, udmabuf_of_hugepages)
{
	const char *nr = "vm/nr_hugepages";
	struct zc_buf_import arg;
	char was[32];
	int dmabuf, ret;

	ASSERT_EQ(0, zct_sysctl(nr, "4", was, sizeof(was)));
	dmabuf = udmabuf(MFD_HUGETLB | MFD_HUGE_2MB, 2 * HUGE);
	if (dmabuf >= 0) {
		ret = import_fd(self->fd, dmabuf, 0, 0, &arg);
		EXPECT_TRUE(ret == -EOPNOTSUPP ||
			    (!ret && send_checked(self->fd, arg.handle, 0, 2 * HUGE, 0) ==
			     2 * HUGE));
		TH_LOG("import: %d", ret);
		if (!ret)
			zct_destroy(self->fd, arg.handle);
		close(dmabuf);
	}
	zct_sysctl(nr, was, NULL, 0);
	if (dmabuf < 0)
		SKIP(return, "no udmabuf of hugepages");
}

/* Two pages of a memfd of 2 MiB, by udmabuf: the later one first. */
static int udmabuf_backwards(unsigned int flags)
{
	int memfd = pattern_memfd(flags, HUGE), dev = open("/dev/udmabuf", O_RDWR), dmabuf;
	struct {
		struct udmabuf_create_list head;
		struct udmabuf_create_item item[2];
	} arg = {
		.head.count = 2,
		.item = { { memfd, 0, 5 * PAGE, PAGE }, { memfd, 0, 2 * PAGE, PAGE } },
	};

	dmabuf = ioctl(dev, UDMABUF_CREATE_LIST, &arg);
	close(memfd);
	close(dev);
	return dmabuf;
}

/* What follows a page in its hugepage need not follow it in the dma-buf, nor be anybody else's. */
static void take_backwards(struct __test_metadata *_metadata, int fd, unsigned int flags)
{
	int dmabuf = udmabuf_backwards(flags), sock[2], ret;
	struct zc_buf_import arg;
	struct zc_send send = { .len = 2 * PAGE };
	char got[3 * PAGE];

	if (dmabuf < 0)
		SKIP(return, "no udmabuf of these");
	ret = import_fd(fd, dmabuf, 0, 0, &arg);
	close(dmabuf);
	if (ret == -EOPNOTSUPP)
		SKIP(return, "udmabuf of this kernel maps other pages than it was given");
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, zct_pair(AF_INET, sock));
	send.handle = arg.handle;
	send.out_fd = sock[0];
	ASSERT_EQ(0, zct_ioctl(fd, ZC_IOC_SEND, &send));
	close(sock[0]);
	EXPECT_EQ(2 * PAGE, recv(sock[1], got, sizeof(got), MSG_WAITALL));
	EXPECT_EQ(-1, zct_pattern_check(got, 5 * PAGE, PAGE));
	EXPECT_EQ(-1, zct_pattern_check(got + PAGE, 2 * PAGE, PAGE));
	close(sock[1]);
	EXPECT_EQ(0, zct_destroy(fd, arg.handle));
}

TEST_F(take, udmabuf_backwards)
{
	take_backwards(_metadata, self->fd, 0);
}

TEST_F(take, udmabuf_backwards_huge)
{
	char was[32];

	ASSERT_EQ(0, zct_sysctl("vm/nr_hugepages", "4", was, sizeof(was)));
	take_backwards(_metadata, self->fd, MFD_HUGETLB | MFD_HUGE_2MB);
	zct_sysctl("vm/nr_hugepages", was, NULL, 0);
}

TEST_F(take, heap)
{
	int dmabuf = heap(SIZE);

	if (dmabuf < 0)
		SKIP(return, "no heap");
	use(_metadata, self->fd, dmabuf, SIZE);
}

TEST_F(take, ranges)
{
	int dmabuf = own(SIZE, 0);
	struct zc_buf_import arg;

	ASSERT_GE(dmabuf, 0);
	ASSERT_EQ(0, import_fd(self->fd, dmabuf, HUGE + PAGE, 3 * PAGE, &arg));
	EXPECT_EQ(3 * PAGE, arg.size);
	EXPECT_EQ(3 * PAGE, send_checked(self->fd, arg.handle, 0, 3 * PAGE, HUGE + PAGE));
	ASSERT_EQ(0, import_fd(self->fd, dmabuf, SIZE - PAGE, 0, &arg));
	EXPECT_EQ(PAGE, arg.size);
	EXPECT_EQ(PAGE, send_checked(self->fd, arg.handle, 0, PAGE, SIZE - PAGE));
	EXPECT_EQ(-EINVAL, import_fd(self->fd, dmabuf, SIZE, 0, &arg));
	EXPECT_EQ(-EINVAL, import_fd(self->fd, dmabuf, 0, SIZE + PAGE, &arg));
	EXPECT_EQ(-EINVAL, import_fd(self->fd, dmabuf, PAGE, SIZE, &arg));
	EXPECT_EQ(-EINVAL, import_fd(self->fd, dmabuf, 1, PAGE, &arg));
	EXPECT_EQ(-EINVAL, import_fd(self->fd, dmabuf, 0, 1, &arg));
	EXPECT_EQ(-EINVAL, import_fd(self->fd, dmabuf, ~0ull & ~(PAGE - 1), 2 * PAGE, &arg));
	close(dmabuf);
}

/* What may be read alone is not written to by this way either. */
TEST_F(take, read_only)
{
	int dmabuf = own(SIZE, ZC_EXPORT_RDONLY);
	struct zc_buf_query query = { 0 };
	struct zc_buf_import arg;
	char *map;

	ASSERT_GE(dmabuf, 0);
	ASSERT_EQ(0, import_fd(self->fd, dmabuf, 0, 0, &arg));
	query.handle = arg.handle;
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_BUF_QUERY, &query));
	EXPECT_EQ(ZC_BUF_IMPORTED | ZC_BUF_RDONLY, query.flags);
	EXPECT_EQ(SIZE, send_checked(self->fd, arg.handle, 0, SIZE, 0));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, SIZE, RW, MAP_SHARED, self->fd, arg.mmap_offset));
	map = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, self->fd, arg.mmap_offset);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(-1, zct_pattern_check(map, 0, SIZE));
	EXPECT_EQ(-1, mprotect(map, PAGE, RW));
	EXPECT_EQ(-1, mprotect(map, PAGE, PROT_READ | PROT_EXEC));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, SIZE, PROT_READ | PROT_EXEC, MAP_SHARED, self->fd,
				   arg.mmap_offset));
	munmap(map, SIZE);
	close(dmabuf);
}

/* What has an exporter is handed on by him alone. */
TEST_F(take, not_handed_on)
{
	struct zc_dma_map map = { .target = ZC_DMA_OWN, .flags = ZC_DMA_TO_DEVICE };
	int dmabuf = own(HUGE, 0);
	struct zc_buf_import arg;

	ASSERT_GE(dmabuf, 0);
	ASSERT_EQ(0, import_fd(self->fd, dmabuf, 0, 0, &arg));
	map.handle = arg.handle;
	EXPECT_EQ(-EOPNOTSUPP, zct_ioctl(self->fd, ZC_IOC_DMA_MAP, &map));
	EXPECT_EQ(-EOPNOTSUPP, export_fd(self->fd, arg.handle, 0));
	EXPECT_EQ(-EOPNOTSUPP, export_fd(self->fd, arg.handle, ZC_EXPORT_RDONLY));
	EXPECT_EQ(-EOPNOTSUPP, zct_seal(self->fd, arg.handle));
	close(dmabuf);
}

/* The exporter's buffer cannot be sealed while somebody has it to write to. */
TEST_F(take, not_sealed)
{
	struct zc_buf_create buf;
	struct zc_buf_import arg;
	int dmabuf;

	ASSERT_EQ(0, zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &buf));
	dmabuf = export_fd(self->fd, buf.handle, 0);
	ASSERT_GE(dmabuf, 0);
	ASSERT_EQ(0, import_fd(self->fd, dmabuf, 0, 0, &arg));
	close(dmabuf);
	EXPECT_EQ(-EBUSY, zct_seal(self->fd, buf.handle));
	EXPECT_EQ(0, zct_destroy(self->fd, arg.handle));
	EXPECT_EQ(0, zct_seal(self->fd, buf.handle));
}

/* Over and over: the fixture counts the memory. */
TEST_F(take, again_and_again)
{
	int dmabuf = own(HUGE, 0), i;
	struct zc_buf_import arg;

	ASSERT_GE(dmabuf, 0);
	for (i = 0; i < 200; i++) {
		ASSERT_EQ(0, import_fd(self->fd, dmabuf, 0, 0, &arg));
		ASSERT_EQ(0, zct_destroy(self->fd, arg.handle));
	}
	close(dmabuf);
}

/* References to it, as the kernel counts them, or -1. */
static int references(int dmabuf)
{
	char path[64], line[64];
	int nr = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", dmabuf);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "count: %d", &nr) == 1)
			break;
	if (f)
		fclose(f);
	return nr;
}

/* Killed in the midst of it, over and over: nobody has it then, and it is as it was. */
TEST_F_TIMEOUT(take, killed, 120)
{
	const uint64_t size = 64 * MIB;
	int dmabuf = heap(size), i, before;
	struct zc_buf_import arg;
	unsigned int seed = 1;
	pid_t pid;

	if (dmabuf < 0)
		SKIP(return, "no heap");
	before = references(dmabuf);
	ASSERT_LT(0, before);
	for (i = 0; i < 50; i++) {
		pid = fork();
		if (!pid) {
			int fd = zct_open();

			while (!import_fd(fd, dmabuf, 0, 0, &arg) &&
			       !zct_destroy(fd, arg.handle))
				;
			_exit(1);
		}
		ASSERT_GT(pid, 0);
		/* Nothing failed before. */
		EXPECT_TRUE(zct_kill_soon(pid, &seed));
	}
	for (i = 0; i < 200 && references(dmabuf) != before; i++)
		usleep(10000);
	EXPECT_EQ(before, references(dmabuf));
	use(_metadata, self->fd, dmabuf, size);
}

TEST_HARNESS_MAIN
