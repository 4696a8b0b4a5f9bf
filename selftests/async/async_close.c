// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files whose close never ends: of a FUSE program that has to be told of their times first, and
 * does not answer. The files of others are closed nevertheless.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuse_server.h"
#include "kselftest_harness.h"
#include "zc_test.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(closing)

#define FIRST	EXT4_DIR "/zc-close"
#define SIZE	(16 * MIB)
/* More than there are workers that close. */
#define NR	300
/* A filesystem that the module does not know. */
#define OTHER	"/tmp/zc-other"

FIXTURE(closing)
{
	struct fuse_env env;
	int files[NR];
	/* A file with more to send than the peer takes: all behind it wait, and read nothing. */
	int first;
	/* Of all that wait, and of others. */
	int sock[2][2];
	struct zc_event ev;
};

FIXTURE_SETUP(closing)
{
	int i;

	if (!zct_has_fs("fuse"))
		SKIP(return, "the kernel has no fuse");
	self->first = zct_pattern_file(FIRST, SIZE);
	ASSERT_GE(self->first, 0);
	self->env.server.size = SIZE;
	self->env.server.hold = UINT64_MAX;
	self->env.server.flags = FUSE_WRITEBACK_CACHE;
	self->env.server.below = true;
	ASSERT_EQ(0, fuse_begin(&self->env, self->sock, 2));
	for (i = 0; i < NR; i++) {
		self->files[i] = open(FUSE_BELOW, O_RDONLY | O_CLOEXEC);
		ASSERT_GE(self->files[i], 0);
	}
	mkdir(OTHER, 0700);
	ASSERT_EQ(0, mount("zc", OTHER, "ramfs", 0, NULL));
}

FIXTURE_TEARDOWN(closing)
{
	EXPECT_EQ(0, fuse_end(&self->env, 5000));
	umount2(OTHER, MNT_DETACH);
	rmdir(OTHER);
	close(self->first);
	unlink(FIRST);
}

static int submit(SELF *self, int file, int sock, uint64_t len)
{
	struct zc_sendfile arg = {
		.in_fd = file, .out_fd = sock, .len = len, .flags = ZC_SEND_ASYNC,
	};

	return zct_ioctl(self->env.fd, ZC_IOC_SENDFILE, &arg);
}

/* Somebody without privilege submits them all, and has the files open no longer. */
static pid_t submit_all(SELF *self)
{
	pid_t pid = fuse_fork(&self->env, NOBODY);
	int i;

	if (pid)
		return pid;
	if (submit(self, self->first, self->sock[0][0], SIZE))
		_exit(2);
	for (i = 0; i < NR; i++)
		if (submit(self, self->files[i], self->sock[0][0], SIZE))
			_exit(2);
	for (i = 0; i < NR; i++)
		close(self->files[i]);
	close(self->env.file);
	fuse_submitted(&self->env);
}

/* From a filesystem of its own; returns whether that can be unmounted soon after. */
static bool other_is_closed(struct __test_metadata *_metadata, SELF *self)
{
	uint64_t end = zct_now_ms() + 10000;
	int file = zct_pattern_file(OTHER "/file", 8192);

	EXPECT_GE(file, 0);
	EXPECT_EQ(0, submit(self, file, self->sock[1][0], 8192));
	close(file);
	EXPECT_TRUE(zct_event(self->env.fd, &self->ev, 10000));
	EXPECT_EQ(8192, self->ev.sent);
	while (umount(OTHER)) {
		if (errno != EBUSY || zct_now_ms() > end)
			return false;
		usleep(20000);
	}
	return true;
}

TEST_F_TIMEOUT(closing, others, 120)
{
	static const char page[4096];
	int dirty, i;
	pid_t pid;

	pid = submit_all(self);
	ASSERT_GT(pid, 0);
	for (i = 0; i < NR; i++)
		close(self->files[i]);
	dirty = open(FUSE_BELOW, O_RDWR | O_CLOEXEC);
	EXPECT_EQ(sizeof(page), write(dirty, page, sizeof(page)));
	fuse_deaf(&self->env.server);
	kill(pid, SIGKILL);
	EXPECT_EQ(pid, waitpid(pid, NULL, 0));
	/* Nobody waits for the end of a close to be told. */
	for (i = 0; i <= NR && zct_event(self->env.fd, &self->ev, 10000); i++)
		EXPECT_EQ(ECANCELED, self->ev.error);
	EXPECT_EQ(NR + 1, i);
	EXPECT_TRUE(other_is_closed(_metadata, self));
	/* Without this, this process would not end either. */
	fuse_abort();
	close(dirty);
}

TEST_HARNESS_MAIN
