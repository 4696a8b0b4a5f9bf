// SPDX-License-Identifier: GPL-2.0-only
/*
 * Workers that wait for a FUSE program which does not answer, and whatever happens to those that
 * they work for meanwhile: others find one.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
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

/* More than a socket takes whose peer does not read. */
#define LARGE		EXT4_DIR "/zc-crew"
#define LARGE_SIZE	(16 * MIB)

#define ALICE	1001
#define BOB	1002

FIXTURE(crew)
{
	struct fuse_env env;
	int zc[2];
	pid_t pid[2];
	int sock[MANY + SOME + 1][2];
	int ep;
	struct epoll_event *events;
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

static int submit_file(SELF *self, int fd, int file, int i, uint64_t offset, uint64_t len)
{
	struct zc_sendfile arg = {
		.in_fd = file,
		.out_fd = self->sock[i][0],
		.offset = offset,
		.len = len,
		.flags = ZC_SEND_ASYNC,
	};

	return zct_ioctl(fd, ZC_IOC_SENDFILE, &arg);
}

static int submit(SELF *self, int fd, int i, uint64_t offset)
{
	return submit_file(self, fd, self->env.file, i, offset, PART);
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

/* Who gets events where his memory has to be read first: the epoll is locked until it is. */
static void *get_events(void *arg)
{
	SELF *self = arg;

	return (void *)(long)epoll_wait(self->ep, self->events, 1, -1);
}

/* Nobody else has the sockets, and to close them waits for the lock of an epoll. */
TEST_F_TIMEOUT(crew, closing, 120)
{
	struct epoll_event ev = { .events = EPOLLERR }, ready = { .events = EPOLLIN };
	struct zc_cancel cancel = { .flags = ZC_CANCEL_ALL };
	int file = zct_pattern_file(LARGE, LARGE_SIZE), wake = eventfd(1, EFD_CLOEXEC), i;
	pthread_t thread;
	char *map;

	ASSERT_GE(file, 0);
	self->ep = epoll_create1(EPOLL_CLOEXEC);
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, self->env.file, 0);
	ASSERT_NE(MAP_FAILED, map);
	/* What is read along, before that place, is not answered either. */
	self->events = (struct epoll_event *)(map + SIZE / 4 * 3);
	/* Workers are divided by node: theirs are those of whoever comes later. */
	ASSERT_TRUE(zct_on_cpu(0));
	for (i = 0; i < SOME; i++) {
		ASSERT_EQ(0, epoll_ctl(self->ep, EPOLL_CTL_ADD, self->sock[i][0], &ev));
		ASSERT_EQ(0, submit_file(self, self->zc[0], file, i, 0, LARGE_SIZE));
		close(self->sock[i][0]);
	}
	ASSERT_EQ(0, epoll_ctl(self->ep, EPOLL_CTL_ADD, wake, &ready));
	ASSERT_EQ(0, pthread_create(&thread, NULL, get_events, self));
	EXPECT_TRUE(fuse_holds(&self->env.server, 1));
	EXPECT_EQ(0, zct_ioctl(self->zc[0], ZC_IOC_CANCEL, &cancel));
	EXPECT_EQ(SOME, cancel.count);
	/* Nor is the file one that those wait for who close. */
	EXPECT_EQ(0, submit_file(self, self->env.fd, file, MANY + SOME, 0, PART));
	EXPECT_TRUE(zct_event(self->env.fd, &self->ev, 10000));
	EXPECT_EQ(PART, self->ev.sent);
	fuse_answers(&self->env.server);
	pthread_join(thread, NULL);
	munmap(map, SIZE);
	close(self->ep);
	close(wake);
	close(file);
	unlink(LARGE);
	/* They are closed for good. */
	for (i = 0; i < SOME; i++)
		self->sock[i][0] = -1;
}

TEST_HARNESS_MAIN
