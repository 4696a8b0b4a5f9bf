// SPDX-License-Identifier: GPL-2.0-only
/*
 * Workers that wait for a FUSE program which does not answer, and whatever happens to those that
 * they work for meanwhile: others find one.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuse_server.h"
#include "kselftest_harness.h"
#include "zc_test.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(crew)

#define SIZE	(4 * MIB)
/* In one request, and so in one read. */
#define PART	65536u

/* Half of what may be had, which is what one user has at most; and some more. */
#define MANY	120
#define SOME	20

#define ALICE	1001
#define BOB	1002

FIXTURE(crew)
{
	struct fuse_env env;
	int zc[2];
	pid_t pid[2];
	int sock[MANY + SOME + 1][2];
	struct zc_event ev;
};

FIXTURE_SETUP(crew)
{
	int i;

	if (!zct_has_fs("fuse"))
		SKIP(return, "the kernel has no fuse");
	self->env.server.anyone = true;
	self->env.server.size = SIZE;
	self->env.server.hold = SIZE / 2;
	ASSERT_EQ(0, fuse_begin(&self->env, self->sock, MANY + SOME + 1));
	for (i = 0; i < 2; i++) {
		self->zc[i] = zct_open();
		ASSERT_GE(self->zc[i], 0);
	}
}

FIXTURE_TEARDOWN(crew)
{
	int i;

	EXPECT_EQ(0, fuse_end(&self->env, 10000));
	for (i = 0; i < 2 && self->pid[i] > 0; i++) {
		kill(self->pid[i], SIGKILL);
		EXPECT_EQ(self->pid[i], waitpid(self->pid[i], NULL, 0));
	}
	close(self->zc[0]);
	close(self->zc[1]);
}

static int submit(SELF *self, int fd, int i, uint64_t offset)
{
	struct zc_sendfile arg = {
		.in_fd = self->env.file,
		.out_fd = self->sock[i][0],
		.offset = offset,
		.len = PART,
		.flags = ZC_SEND_ASYNC,
	};

	return zct_ioctl(fd, ZC_IOC_SENDFILE, &arg);
}

/* Transfers that read what nobody answers, to those sockets; their end would be theirs. */
static bool submitted_by(SELF *self, int who, uid_t uid, int first, int nr)
{
	int i;

	self->pid[who] = fuse_fork(&self->env, uid);
	if (self->pid[who])
		return self->pid[who] > 0;
	for (i = first; i < first + nr; i++)
		if (submit(self, self->zc[who], i, SIZE / 2))
			_exit(2);
	fuse_submitted(&self->env);
}

/* Alice has half of all workers that may be had, and Bob some of the others. */
static void all_wait(struct __test_metadata *_metadata, SELF *self)
{
	ASSERT_TRUE(submitted_by(self, 0, ALICE, 0, MANY));
	/* Later, and with Bob there, she would have less. */
	ASSERT_TRUE(fuse_holds(&self->env.server, MANY));
	ASSERT_TRUE(submitted_by(self, 1, BOB, MANY, SOME));
	ASSERT_TRUE(fuse_holds(&self->env.server, MANY + SOME))
		TH_LOG("%u reads wait", self->env.server.nr);
}

static bool others_go_on(SELF *self)
{
	return !submit(self, self->env.fd, MANY + SOME, 0) &&
	       zct_event(self->env.fd, &self->ev, 10000) && self->ev.sent == PART;
}

/* Each of their sends is woken, by its end for one, while its worker waits. */
TEST_F_TIMEOUT(crew, canceled, 120)
{
	struct zc_cancel cancel = { .flags = ZC_CANCEL_ALL };
	int i;

	all_wait(_metadata, self);
	EXPECT_TRUE(others_go_on(self));
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(0, zct_ioctl(self->zc[i], ZC_IOC_CANCEL, &cancel));
		EXPECT_EQ(i ? SOME : MANY, cancel.count);
	}
	EXPECT_TRUE(others_go_on(self));
}

/* Or by the end of its peer. */
TEST_F_TIMEOUT(crew, peers_gone, 120)
{
	int i;

	all_wait(_metadata, self);
	for (i = 0; i < MANY + SOME; i++)
		shutdown(self->sock[i][1], SHUT_RDWR);
	EXPECT_TRUE(others_go_on(self));
}

TEST_HARNESS_MAIN
