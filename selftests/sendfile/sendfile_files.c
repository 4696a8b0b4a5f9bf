// SPDX-License-Identifier: GPL-2.0-only
/* ZC_IOC_SENDFILE from each kind of file. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "zc_test.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(files)

#define SIZE	(3 * HUGE + 4321)

FIXTURE(files)
{
	int fd;
	uint64_t used;
	struct zc_sendfile arg;
	struct zct_rx rx;
};

FIXTURE_SETUP(files)
{
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->used = zct_used(self->fd);
}

FIXTURE_TEARDOWN(files)
{
	EXPECT_EQ(self->used, zct_used(self->fd));
	close(self->fd);
}

/* Send a file of the pattern from a filesystem that does direct reads. */
static void direct(struct __test_metadata *_metadata, SELF *self,
		   int file, uint64_t size)
{
	static const uint64_t offsets[] = { 0, 1, 4095, HUGE + 77 };
	size_t i;

	for (i = 0; i < sizeof(offsets) / sizeof(*offsets); i++) {
		EXPECT_EQ(0, zct_send(self->fd, AF_INET, file, offsets[i], UINT64_MAX,
				      ZC_SEND_DIRECT, &self->arg, &self->rx));
		EXPECT_EQ(size - offsets[i], self->rx.bytes);
		EXPECT_EQ(size - offsets[i], self->arg.sent);
		EXPECT_EQ(-1, self->rx.bad);
		EXPECT_EQ(0, self->arg.copied);
		EXPECT_EQ(0, self->arg.cached);
	}
	EXPECT_EQ(0, zct_cached(file, size));
}

/* Send a file of the pattern that can be sent from the page cache alone. */
static void cached(struct __test_metadata *_metadata, SELF *self,
		   int file, uint64_t size)
{
	EXPECT_EQ(0, zct_send(self->fd, AF_INET, file, 5, UINT64_MAX, 0, &self->arg,
			      &self->rx));
	EXPECT_EQ(size - 5, self->rx.bytes);
	EXPECT_EQ(-1, self->rx.bad);
	EXPECT_EQ(0, self->arg.copied);
	EXPECT_EQ(size - 5, self->arg.cached);
	EXPECT_EQ(0, self->arg.copy_reasons);
	EXPECT_EQ(-EOPNOTSUPP, zct_send(self->fd, AF_INET, file, 5, 1, ZC_SEND_DIRECT,
					&self->arg, &self->rx));
	EXPECT_EQ(0, self->rx.bytes);
}

TEST_F_TIMEOUT(files, ext4, 120)
{
	int file = zct_pattern_file(EXT4_DIR "/zc-file", SIZE);

	ASSERT_GE(file, 0);
	direct(_metadata, self, file, SIZE);
	close(file);
	unlink(EXT4_DIR "/zc-file");
}

/* Data journalling makes ext4 refuse direct reads, though it takes O_DIRECT. */
TEST_F_TIMEOUT(files, ext4_journalled, 120)
{
	int file;

	ASSERT_EQ(0, system("mkfs.ext4 -q -F " SPARE_DISK " && mkdir -p /tmp/ext4j && "
			    "mount -t ext4 -o data=journal " SPARE_DISK " /tmp/ext4j"));
	file = zct_pattern_file("/tmp/ext4j/zc-file", SIZE);
	EXPECT_GE(file, 0);
	cached(_metadata, self, file, SIZE);
	close(file);
	EXPECT_EQ(0, umount("/tmp/ext4j"));
	rmdir("/tmp/ext4j");
}

TEST_F_TIMEOUT(files, tmpfs, 120)
{
	int file = zct_pattern_file("/tmp/zc-file", SIZE);

	ASSERT_GE(file, 0);
	cached(_metadata, self, file, SIZE);
	close(file);
	unlink("/tmp/zc-file");
}

TEST_F_TIMEOUT(files, overlayfs, 120)
{
	int file = zct_pattern_file("/root/zc-file", SIZE);

	ASSERT_GE(file, 0);
	EXPECT_EQ(0, zct_send(self->fd, AF_INET, file, 5, UINT64_MAX, 0, &self->arg,
			      &self->rx));
	EXPECT_EQ(SIZE - 5, self->rx.bytes);
	EXPECT_EQ(-1, self->rx.bad);
	/* As the filesystem below can: a tmpfs in the guests. Its cache is not taken. */
	EXPECT_EQ(self->arg.copied, self->arg.cached);
	close(file);
	unlink("/root/zc-file");
}

TEST_F_TIMEOUT(files, xfs, 120)
{
	int file;

	if (!zct_has_fs("xfs"))
		SKIP(return, "the kernel has no xfs");
	ASSERT_EQ(0, system("mkfs.xfs -q -f " SPARE_DISK " && mkdir -p /tmp/xfs && "
			    "mount -t xfs " SPARE_DISK " /tmp/xfs"));
	file = zct_pattern_file("/tmp/xfs/zc-file", SIZE);
	EXPECT_GE(file, 0);
	direct(_metadata, self, file, SIZE);
	close(file);
	EXPECT_EQ(0, umount("/tmp/xfs"));
	rmdir("/tmp/xfs");
}

/* Zeros btrfs compresses, and reads through the page cache; the pattern it cannot. */
TEST_F_TIMEOUT(files, btrfs, 120)
{
	int file;

	if (!zct_has_fs("btrfs"))
		SKIP(return, "the kernel has no btrfs");
	ASSERT_EQ(0, system("mkfs.btrfs -q -f " SPARE_DISK " && mkdir -p /tmp/btrfs && "
			    "mount -t btrfs -o compress-force " SPARE_DISK " /tmp/btrfs && "
			    "head -c 4M /dev/zero >/tmp/btrfs/zeros"));
	file = zct_pattern_file("/tmp/btrfs/zc-file", SIZE);
	EXPECT_GE(file, 0);
	EXPECT_EQ(0, zct_send(self->fd, AF_INET, file, 5, UINT64_MAX, 0, &self->arg,
			      &self->rx));
	EXPECT_EQ(SIZE - 5, self->rx.bytes);
	EXPECT_EQ(-1, self->rx.bad);
	EXPECT_EQ(0, self->arg.cached);
	close(file);
	file = open("/tmp/btrfs/zeros", O_RDONLY);
	EXPECT_GE(file, 0);
	EXPECT_EQ(0, fsync(file));
	EXPECT_EQ(0, posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED));
	EXPECT_EQ(-EOPNOTSUPP, zct_send(self->fd, AF_INET, file, 0, UINT64_MAX,
					ZC_SEND_DIRECT, &self->arg, &self->rx));
	EXPECT_EQ(0, self->rx.bytes);
	EXPECT_EQ(0, posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED));
	EXPECT_EQ(0, zct_send(self->fd, AF_INET, file, 0, UINT64_MAX, 0, &self->arg,
			      &self->rx));
	EXPECT_EQ(4 * MIB, self->rx.bytes);
	EXPECT_EQ(4 * MIB, self->arg.cached);
	EXPECT_EQ(0, self->arg.copied);
	close(file);
	EXPECT_EQ(0, umount("/tmp/btrfs"));
	rmdir("/tmp/btrfs");
}

TEST_F_TIMEOUT(files, block_device, 120)
{
	const uint64_t size = 16 * MIB;
	char *buf = malloc(MIB);
	uint64_t off;
	int file;

	file = open(SPARE_DISK, O_RDWR);
	ASSERT_GE(file, 0);
	for (off = 0; off < size; off += MIB) {
		zct_pattern(buf, off, MIB);
		ASSERT_EQ(MIB, pwrite(file, buf, MIB, off));
	}
	/* Not synced: what is sent is what read(2) would give. */
	EXPECT_EQ(0, zct_send(self->fd, AF_INET, file, 511, size - 511,
			      ZC_SEND_DIRECT, &self->arg, &self->rx));
	EXPECT_EQ(size - 511, self->rx.bytes);
	EXPECT_EQ(-1, self->rx.bad);
	EXPECT_EQ(0, self->arg.copied);
	free(buf);
	close(file);
}

TEST_F_TIMEOUT(files, end_of_block_device, 120)
{
	int file = open(SPARE_DISK, O_RDONLY);
	off_t end = lseek(file, 0, SEEK_END);

	ASSERT_GT(end, 1000);
	self->rx.check = false;
	EXPECT_EQ(0, zct_send(self->fd, AF_INET, file, end - 1000, UINT64_MAX, 0,
			      &self->arg, &self->rx));
	EXPECT_EQ(1000, self->arg.sent);
	EXPECT_EQ(1000, self->rx.bytes);
	EXPECT_EQ(0, zct_send(self->fd, AF_INET, file, end, UINT64_MAX, 0, &self->arg,
			      &self->rx));
	EXPECT_EQ(0, self->arg.sent);
	close(file);
}

/* Their size says nothing: they end when a read says so. */
TEST_F_TIMEOUT(files, procfs, 120)
{
	int file = open("/proc/version", O_RDONLY);
	char text[512];
	ssize_t len = pread(file, text, sizeof(text), 0);

	ASSERT_GT(len, 0);
	EXPECT_EQ(0, zct_send(self->fd, AF_INET, file, 0, UINT64_MAX, 0, &self->arg,
			      &self->rx));
	EXPECT_EQ(len, self->rx.bytes);
	/* By the read, and again by the send if that is small. */
	EXPECT_EQ(len < 512 ? 2 * len : len, self->arg.copied);
	EXPECT_EQ(len, self->arg.cached);
	EXPECT_EQ(ZC_COPY_NO_DIRECT | (len < 512 ? ZC_COPY_SMALL : 0),
		  self->arg.copy_reasons);
	close(file);
}

TEST_F_TIMEOUT(files, sparse_and_empty, 120)
{
	int file = open(EXT4_DIR "/zc-sparse", O_RDWR | O_CREAT | O_TRUNC, 0600);

	ASSERT_GE(file, 0);
	EXPECT_EQ(0, zct_send(self->fd, AF_INET, file, 0, UINT64_MAX, 0, &self->arg,
			      &self->rx));
	EXPECT_EQ(0, self->arg.sent);
	ASSERT_EQ(0, ftruncate(file, SIZE));
	EXPECT_EQ(0, zct_send(self->fd, AF_INET, file, 0, UINT64_MAX, 0, &self->arg,
			      &self->rx));
	EXPECT_EQ(SIZE, self->rx.bytes);
	close(file);
	unlink(EXT4_DIR "/zc-sparse");
}

/* Long enough for every folio of the ring to be used many times. */
TEST_F_TIMEOUT(files, half_a_gigabyte, 280)
{
	const uint64_t size = 512 * MIB;
	int file = zct_pattern_file(EXT4_DIR "/zc-large", size);

	ASSERT_GE(file, 0);
	EXPECT_EQ(0, zct_send(self->fd, AF_INET, file, 0, size, 0, &self->arg,
			      &self->rx));
	EXPECT_EQ(size, self->arg.sent);
	EXPECT_EQ(size, self->rx.bytes);
	EXPECT_EQ(-1, self->rx.bad);
	EXPECT_EQ(0, self->arg.copied);
	EXPECT_EQ(0, zct_cached(file, size));
	close(file);
	unlink(EXT4_DIR "/zc-large");
}

TEST_HARNESS_MAIN
