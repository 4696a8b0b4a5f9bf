// SPDX-License-Identifier: GPL-2.0-only
/* A file that cannot be read at one place in its middle, sent in every way. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "fault.h"
#include "xfer.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(io)

#define SIZE	(16 * MIB)
/* The page that cannot be read; in the middle of a large read. */
#define BAD	(5 * MIB + 3 * 4096)
#define DIR	"/tmp/zc-io"
#define DM_SIZE	(256 * MIB / 512)

FIXTURE(io)
{
	int fd;
	int file;
	uint64_t used;
	uint64_t physical;
	bool coarse;
	struct xfer x;
};

FIXTURE_SETUP(io)
{
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->file = -1;
	self->used = zct_used(self->fd);
	self->x = (struct xfer){ .fd = self->fd, .family = AF_INET };
}

FIXTURE_TEARDOWN(io)
{
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 2000));
	close(self->fd);
	fault_restore();
}

static int break_disk(SELF *self, bool broken)
{
	return zct_disk_break(BAD + 3 * 512, broken);
}

/* What read(2) has to say, from @offset on: bytes, and then an errno. */
static int by_read(SELF *self, uint64_t offset, uint64_t *bytes)
{
	char *buf = malloc(65536);
	ssize_t n;

	*bytes = 0;
	while ((n = pread(self->file, buf, 65536, offset + *bytes)) > 0)
		*bytes += n;
	free(buf);
	return n < 0 ? errno : 0;
}

static void run(SELF *self, uint64_t offset, uint64_t len)
{
	self->x.in = self->file;
	self->x.offset = offset;
	self->x.len = len;
	xfer_run(&self->x);
}

/* All of @bytes have come, they are right, and @error is what ended it. */
static void came(struct __test_metadata *_metadata, SELF *self, uint64_t bytes,
		 int error)
{
	const struct xfer *x = &self->x;

	EXPECT_EQ(bytes, x->sent);
	EXPECT_EQ(bytes, x->rx.bytes);
	EXPECT_EQ(-1, x->rx.bad);
	/* The completion of io_uring has room for one of the two. */
	EXPECT_EQ(bytes && x->how == URING ? 0 : error, x->ret ? -x->ret : x->error)
		TH_LOG("how %d, flags %#x", x->how, x->flags);
	EXPECT_EQ(!bytes && error && x->how == SYNC, !!x->ret);
}

/*
 * The same, but where a read through the page cache fails folio by folio, of which that
 * with BAD is of 2 MiB at most.
 */
static void came_about(struct __test_metadata *_metadata, SELF *self, uint64_t bytes,
		       int error)
{
	const struct xfer *x = &self->x;

	if (self->coarse && x->flags & ZC_SEND_CACHED && x->sent < bytes) {
		EXPECT_GE(x->sent + HUGE, bytes);
		came(_metadata, self, x->sent, EIO);
	} else {
		came(_metadata, self, bytes, error);
	}
}

static void one(struct __test_metadata *_metadata, SELF *self, typeof(break_disk) *set)
{
	ASSERT_TRUE(zct_forget(self->file, SIZE));
	ASSERT_EQ(0, set(self, true));
	run(self, 5, SIZE);
	came_about(_metadata, self, BAD - 5, EIO);
	run(self, BAD, SIZE);
	came(_metadata, self, 0, EIO);
	/* Within the page that fails, and behind it. */
	run(self, BAD + 100, 5000);
	came(_metadata, self, 0, EIO);
	run(self, BAD + 4096, MIB);
	came_about(_metadata, self, MIB, 0);
	ASSERT_EQ(0, set(self, false));
	run(self, BAD, SIZE);
	came(_metadata, self, SIZE - BAD, 0);
	run(self, 0, SIZE);
	came(_metadata, self, SIZE, 0);
}

static void all(struct __test_metadata *_metadata, SELF *self, typeof(break_disk) *set)
{
	static const uint32_t flags[] = { ZC_SEND_DIRECT, 0, ZC_SEND_CACHED };
	uint64_t bytes;
	int how, i;

	/* That is how read(2) fails. */
	ASSERT_EQ(0, set(self, true));
	EXPECT_EQ(EIO, by_read(self, 0, &bytes));
	self->coarse = bytes < BAD;
	if (self->coarse)
		TH_LOG("read(2) fails %llu bytes before", (long long)(BAD - bytes));
	EXPECT_LE(bytes, BAD);
	EXPECT_GE(bytes, BAD - BAD % HUGE);
	for (how = SYNC; how <= URING; how++) {
		self->x.how = how;
		for (i = 0; i < 3; i++) {
			self->x.flags = flags[i];
			one(_metadata, self, set);
		}
	}
}

/* A part of the file is in the page cache. */
static void mixed(struct __test_metadata *_metadata, SELF *self, typeof(break_disk) *set)
{
	int how;

	self->x.flags = 0;
	for (how = SYNC; how <= URING; how++) {
		self->x.how = how;
		ASSERT_TRUE(zct_forget(self->file, SIZE));
		posix_fadvise(self->file, 0, 0, POSIX_FADV_RANDOM);
		ASSERT_TRUE(zct_warm(self->file, MIB, 2 * MIB));
		ASSERT_TRUE(zct_warm(self->file, 5 * MIB, BAD - 5 * MIB));
		ASSERT_TRUE(zct_warm(self->file, 9 * MIB, MIB));
		ASSERT_EQ(0, set(self, true));
		run(self, 0, SIZE);
		came(_metadata, self, BAD, EIO);
		if (how != URING)
			EXPECT_GE(self->x.cached, 2 * MIB);
		run(self, BAD, SIZE);
		came(_metadata, self, 0, EIO);
		/* What is in the cache need not be read. */
		ASSERT_EQ(0, set(self, false));
		ASSERT_TRUE(zct_warm(self->file, 5 * MIB, MIB));
		ASSERT_EQ(0, set(self, true));
		run(self, 1, SIZE);
		came(_metadata, self, SIZE - 1, 0);
		ASSERT_EQ(0, set(self, false));
		posix_fadvise(self->file, 0, 0, POSIX_FADV_NORMAL);
	}
}

TEST_F_TIMEOUT(io, disk, 600)
{
	self->file = zct_disk_new(SIZE / MIB);
	if (self->file < 0)
		SKIP(return, "no null_blk with configfs");
	all(_metadata, self, break_disk);
	mixed(_metadata, self, break_disk);
	close(self->file);
	EXPECT_EQ(0, zct_disk_free());
}

/* The device below ext4 has an error where BAD is; a table of device mapper. */
static int break_dm(SELF *self, bool broken)
{
	unsigned long long at = self->physical / 512, end = DM_SIZE;
	char cmd[1024], table[512];

	if (broken)
		snprintf(table, sizeof(table),
			 "0 %llu linear " SPARE_DISK " 0\\n%llu 8 error\\n"
			 "%llu %llu linear " SPARE_DISK " %llu", at, at, at + 8,
			 end - at - 8, at + 8);
	else
		snprintf(table, sizeof(table), "0 %llu linear " SPARE_DISK " 0", end);
	snprintf(cmd, sizeof(cmd), "printf '%s\\n' | dmsetup load zct && "
		 "dmsetup suspend --nolockfs zct && dmsetup resume zct", table);
	return system(cmd);
}

static bool find_bad(SELF *self)
{
	struct {
		struct fiemap map;
		struct fiemap_extent extent;
	} arg = { .map = { .fm_start = BAD, .fm_length = 4096, .fm_extent_count = 1,
			   .fm_flags = FIEMAP_FLAG_SYNC } };

	if (ioctl(self->file, FS_IOC_FIEMAP, &arg) || arg.map.fm_mapped_extents != 1)
		return false;
	self->physical = arg.extent.fe_physical + BAD - arg.extent.fe_logical;
	return true;
}

TEST_F_TIMEOUT(io, ext4, 600)
{
	char cmd[512];

	snprintf(cmd, sizeof(cmd), "modprobe -q dm-mod; dmsetup create zct --table "
		 "'0 %llu linear " SPARE_DISK " 0' && dmsetup mknodes zct && "
		 "mkfs.ext4 -q -F /dev/mapper/zct && mkdir -p " DIR,
		 (unsigned long long)DM_SIZE);
	if (system("dmsetup version >/dev/null 2>&1 || { modprobe -q dm-mod && "
		   "dmsetup version >/dev/null 2>&1; }"))
		SKIP(return, "no device mapper");
	ASSERT_EQ(0, system(cmd));
	ASSERT_EQ(0, mount("/dev/mapper/zct", DIR, "ext4", MS_NOATIME, NULL));
	self->file = zct_pattern_file(DIR "/file", SIZE);
	EXPECT_GE(self->file, 0);
	EXPECT_TRUE(find_bad(self));
	if (__test_passed(_metadata)) {
		all(_metadata, self, break_dm);
		mixed(_metadata, self, break_dm);
	}
	close(self->file);
	EXPECT_EQ(0, umount(DIR));
	EXPECT_EQ(0, system("dmsetup remove zct"));
	rmdir(DIR);
}

/* A disk of which requests fail on demand; returns why there is none, or NULL. */
static const char *frail_disk(SELF *self)
{
	struct stat st;
	char cmd[128];

	if (access("/sys/kernel/debug/fail_make_request/times", W_OK))
		return "no fail_make_request";
	self->file = zct_disk_new(SIZE / MIB);
	if (self->file < 0)
		return "no null_blk with configfs";
	if (fstat(self->file, &st))
		return "no fstat()";
	snprintf(cmd, sizeof(cmd), "echo 1 >/sys/dev/block/%u:%u/make-it-fail",
		 major(st.st_rdev), minor(st.st_rdev));
	return system(cmd) ? "no make-it-fail" : NULL;
}

/* So many requests fail, or all for -1, once @space bytes were asked for. */
static int fail_requests(int times, uint64_t space)
{
	char text[2][24];

	snprintf(text[0], sizeof(text[0]), "%d", times);
	snprintf(text[1], sizeof(text[1]), "%llu", (unsigned long long)space);
	return fault_set("fail_make_request", "verbose", "0") ?:
	       fault_set("fail_make_request", "times", text[0]) ?:
	       fault_set("fail_make_request", "space", text[1]) ?:
	       fault_set("fail_make_request", "probability", times ? "100" : "0");
}

/* A whole device goes away in the middle. */
TEST_F_TIMEOUT(io, requests, 120)
{
	const char *why = frail_disk(self);

	if (why)
		SKIP(return, "%s", why);
	self->x.flags = ZC_SEND_DIRECT;
	for (self->x.how = SYNC; self->x.how <= URING; self->x.how++) {
		EXPECT_EQ(0, fail_requests(-1, 7000000));
		run(self, 0, SIZE);
		EXPECT_GT(self->x.sent, 0);
		EXPECT_LE(self->x.sent, 7000000);
		came(_metadata, self, self->x.sent, EIO);
		run(self, self->x.sent, SIZE);
		came(_metadata, self, 0, EIO);
		EXPECT_EQ(0, fail_requests(0, 0));
	}
	fault_restore();
	close(self->file);
	EXPECT_EQ(0, zct_disk_free());
}

/* A request fails behind @space bytes. Returns whether it came to it. */
static bool fail_one(struct __test_metadata *_metadata, SELF *self, uint64_t len, uint64_t space)
{
	const struct xfer *x = &self->x;
	bool injected;

	EXPECT_TRUE(zct_forget(self->file, SIZE));
	EXPECT_EQ(0, fail_requests(1, space));
	run(self, 0, len);
	injected = !fault_get("fail_make_request", "times");
	EXPECT_EQ(0, fail_requests(0, 0));
	/* Read once more it is there; but readers of the page cache may be told of an error. */
	if (injected && x->flags & ZC_SEND_CACHED && x->sent < len)
		came(_metadata, self, x->sent, EIO);
	else
		came(_metadata, self, len, 0);
	run(self, 0, len);
	came(_metadata, self, len, 0);
	return injected;
}

/*
 * One request fails, but once: the first, the second …, until there is none more. What is left
 * of a request that was split is asked for anew, so its bytes count once for each piece.
 */
TEST_F_TIMEOUT(io, each_request, 600)
{
	static const uint32_t flags[] = { ZC_SEND_DIRECT, 0, ZC_SEND_CACHED };
	const char *why = frail_disk(self);
	const uint64_t len = 512 * 1024;
	unsigned int i, failed;
	uint64_t space;

	if (why)
		SKIP(return, "%s", why);
	for (self->x.how = SYNC; self->x.how <= URING; self->x.how++) {
		for (i = 0; i < 3; i++) {
			self->x.flags = flags[i];
			for (space = 0, failed = 0; space < 4 * len; space += 64 * 1024) {
				if (!fail_one(_metadata, self, len, space))
					break;
				failed++;
			}
			TH_LOG("how %d, flags %#x: %u failed", self->x.how, flags[i], failed);
			EXPECT_LT(8, failed);
			EXPECT_LT(space, 4 * len);
		}
	}
	fault_restore();
	close(self->file);
	EXPECT_EQ(0, zct_disk_free());
}

TEST_HARNESS_MAIN
