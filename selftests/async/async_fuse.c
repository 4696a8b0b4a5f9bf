// SPDX-License-Identifier: GPL-2.0-only
/* Files whose reads a program has to answer, and does not: FUSE. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuse_server.h"
#include "kselftest_harness.h"
#include "zc_test.h"
#include "zc_uring.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(fuse)

#define NORMAL	EXT4_DIR "/zc-fuse"
/* Enough for a hugepage, which is counted. */
#define SIZE	(4 * MIB)
/* In one request, and so in one read. */
#define PART	65536u

/* More than there are workers for the files of local disks. */
#define NR	20

FIXTURE(fuse)
{
	struct fuse_env env;
	int normal;
	int sock[NR + 1][2];
	struct zc_event ev;
};

FIXTURE_VARIANT(fuse)
{
	uint32_t flags;
};

/* A read keeps who does it. */
FIXTURE_VARIANT_ADD(fuse, waits)
{
	.flags = 0,
};

/* A read is under way by itself. */
FIXTURE_VARIANT_ADD(fuse, queued)
{
	.flags = FUSE_ASYNC_DIO,
};

FIXTURE_SETUP(fuse)
{
	if (!zct_has_fs("fuse"))
		SKIP(return, "the kernel has no fuse");
	self->normal = zct_pattern_file(NORMAL, SIZE);
	ASSERT_GE(self->normal, 0);
	self->env.server.flags = variant->flags;
	self->env.server.size = SIZE;
	ASSERT_EQ(0, fuse_begin(&self->env, self->sock, NR + 1));
	/* It has nothing to say to that, and is not asked again. */
	close(dup(self->env.file));
}

FIXTURE_TEARDOWN(fuse)
{
	EXPECT_EQ(0, fuse_end(&self->env, 2000));
	close(self->normal);
	unlink(NORMAL);
}

/* Transfers to as many sockets, all of which wait for the server. */
static void submit_all(struct __test_metadata *_metadata, SELF *self, uint64_t len)
{
	struct zc_sendfile arg;
	int i;

	for (i = 0; i < NR; i++)
		ASSERT_EQ(0, fuse_send(&self->env, self->env.file, i, len, ZC_SEND_ASYNC, &arg));
	ASSERT_TRUE(fuse_holds(&self->env.server, NR));
}

static pid_t send_in_child(SELF *self)
{
	struct zc_sendfile arg;
	pid_t pid = fork();

	if (pid)
		return pid;
	/* The connection ends with its last descriptor. */
	close(self->env.server.dev);
	fuse_send(&self->env, self->env.file, 0, SIZE, 0, &arg);
	_exit(arg.error);
}

/* Is the child gone within @ms? */
static bool gone(pid_t pid, int *status, int ms)
{
	uint64_t end = zct_now_ms() + ms;

	while (waitpid(pid, status, WNOHANG) != pid) {
		if (zct_now_ms() > end)
			return false;
		usleep(10000);
	}
	return true;
}

/* The server has the read, and then it is gone: so is who waited, killed or not. */
TEST_F_TIMEOUT(fuse, aborted, 60)
{
	pid_t pid = send_in_child(self);
	int status;

	ASSERT_TRUE(fuse_holds(&self->env.server, 1));
	EXPECT_FALSE(gone(pid, &status, 300));
	fuse_abort();
	ASSERT_TRUE(gone(pid, &status, 1000));
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_TRUE(WEXITSTATUS(status) == ENOTCONN || WEXITSTATUS(status) == ECONNABORTED)
		TH_LOG("status %#x", status);
	EXPECT_EQ(self->env.used, zct_used(self->env.fd));
}

TEST_F_TIMEOUT(fuse, killed, 60)
{
	pid_t pid = send_in_child(self);
	int status;

	ASSERT_TRUE(fuse_holds(&self->env.server, 1));
	/* As of read(2): the server may write to the memory of a read that it has. */
	kill(pid, SIGKILL);
	EXPECT_FALSE(gone(pid, &status, 300));
	EXPECT_GT(zct_used(self->env.fd), self->env.used);
	fuse_abort();
	ASSERT_TRUE(gone(pid, &status, 1000));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(self->env.used, zct_used(self->env.fd));
}

/* The server has not taken the read yet: FUSE forgets one that somebody waits for. */
TEST_F_TIMEOUT(fuse, killed_before_taken, 60)
{
	int status;
	pid_t pid;

	fuse_deaf(&self->env.server);
	pid = send_in_child(self);
	EXPECT_FALSE(gone(pid, &status, 300));
	kill(pid, SIGKILL);
	if (variant->flags & FUSE_ASYNC_DIO) {
		EXPECT_FALSE(gone(pid, &status, 300));
		fuse_abort();
	}
	ASSERT_TRUE(gone(pid, &status, 1000));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(self->env.used, zct_used(self->env.fd));
}

/* A server that goes in the middle: what it gave is sent, and the count is right. */
TEST_F_TIMEOUT(fuse, aborted_in_the_middle, 60)
{
	struct zct_rx rx = { .sock = self->sock[0][1], .check = true };
	struct zc_sendfile arg;

	self->env.server.hold = 4 * PART;
	zct_rx_start(&rx);
	ASSERT_EQ(0, fuse_send(&self->env, self->env.file, 0, SIZE, ZC_SEND_ASYNC, &arg));
	ASSERT_TRUE(fuse_holds(&self->env.server, 1));
	EXPECT_FALSE(zct_event(self->env.fd, &self->ev, 300));
	fuse_abort();
	ASSERT_TRUE(zct_event(self->env.fd, &self->ev, 1000));
	EXPECT_TRUE(self->ev.error == ENOTCONN || self->ev.error == ECONNABORTED)
		TH_LOG("error %u", self->ev.error);
	EXPECT_GE(self->ev.sent, 2 * PART);
	EXPECT_LE(self->ev.sent, 4 * PART);
	shutdown(self->sock[0][0], SHUT_WR);
	zct_rx_join(&rx);
	EXPECT_EQ(self->ev.sent, rx.bytes);
	EXPECT_EQ(-1, rx.bad);
}

/* Many that wait for the server hold up none that does not. */
TEST_F_TIMEOUT(fuse, others_go_on, 60)
{
	static const uint32_t flags[] = { 0, ZC_SEND_CACHED };
	struct zct_rx rx = { .sock = self->sock[NR][1] };
	struct zc_sendfile arg;
	int i;

	/* The workers of one processor are the fewest. */
	ASSERT_TRUE(zct_on_cpu(0));
	submit_all(_metadata, self, PART);
	zct_rx_start(&rx);
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, fuse_send(&self->env, self->normal, NR, SIZE,
				       ZC_SEND_ASYNC | flags[i], &arg));
		ASSERT_TRUE(zct_event(self->env.fd, &self->ev, 5000));
		EXPECT_EQ(self->normal, self->ev.user_data);
		EXPECT_EQ(SIZE, self->ev.sent);
	}
	fuse_answers(&self->env.server);
	for (i = 0; i < NR; i++) {
		ASSERT_TRUE(zct_event(self->env.fd, &self->ev, 5000));
		EXPECT_EQ(self->env.file, self->ev.user_data);
		EXPECT_EQ(0, self->ev.error);
		EXPECT_EQ(PART, self->ev.sent);
	}
	shutdown(self->sock[NR][0], SHUT_WR);
	zct_rx_join(&rx);
	EXPECT_EQ(2 * SIZE, rx.bytes);
}

/* Each still has its one event, once the server has let go of the memory. */
TEST_F_TIMEOUT(fuse, canceled, 60)
{
	struct zc_cancel cancel = { .user_data = self->env.file };
	uint64_t begin;
	int i;

	submit_all(_metadata, self, PART);
	begin = zct_now_ms();
	EXPECT_EQ(0, zct_ioctl(self->env.fd, ZC_IOC_CANCEL, &cancel));
	EXPECT_EQ(NR, cancel.count);
	EXPECT_LT(zct_now_ms() - begin, 1000);
	EXPECT_FALSE(zct_event(self->env.fd, &self->ev, 300));
	EXPECT_EQ(-ENOENT, zct_ioctl(self->env.fd, ZC_IOC_CANCEL, &cancel));
	fuse_answers(&self->env.server);
	for (i = 0; i < NR; i++) {
		ASSERT_TRUE(zct_event(self->env.fd, &self->ev, 1000));
		/* Who waits in a read cannot be canceled meanwhile, and may send it. */
		if (self->ev.error) {
			EXPECT_EQ(ECANCELED, self->ev.error);
			EXPECT_EQ(0, self->ev.sent);
		} else {
			EXPECT_FALSE(variant->flags & FUSE_ASYNC_DIO);
			EXPECT_EQ(PART, self->ev.sent);
		}
	}
	EXPECT_FALSE(zct_event(self->env.fd, &self->ev, 100));
	EXPECT_TRUE(zct_used_becomes(self->env.fd, self->env.used, 1000));
}

/* Nor do those wait that come behind it on its socket, and are canceled too. */
TEST_F_TIMEOUT(fuse, canceled_behind, 60)
{
	struct zc_cancel cancel = { .user_data = self->env.file };
	struct zc_sendfile arg;
	/* Who waits in a read holds up its socket. */
	int soon = variant->flags & FUSE_ASYNC_DIO ? 1 : 0;

	ASSERT_EQ(0, fuse_send(&self->env, self->env.file, 0, PART, ZC_SEND_ASYNC, &arg));
	ASSERT_TRUE(fuse_holds(&self->env.server, 1));
	ASSERT_EQ(0, fuse_send(&self->env, self->normal, 0, PART, ZC_SEND_ASYNC, &arg));
	ASSERT_EQ(0, zct_ioctl(self->env.fd, ZC_IOC_CANCEL, &cancel));
	EXPECT_FALSE(zct_event(self->env.fd, &self->ev, 300));
	cancel.user_data = self->normal;
	ASSERT_EQ(0, zct_ioctl(self->env.fd, ZC_IOC_CANCEL, &cancel));
	ASSERT_EQ(soon, zct_event(self->env.fd, &self->ev, 1000));
	if (!soon)
		return;
	EXPECT_EQ(self->normal, self->ev.user_data);
	EXPECT_EQ(ECANCELED, self->ev.error);
	fuse_answers(&self->env.server);
	ASSERT_TRUE(zct_event(self->env.fd, &self->ev, 1000));
	EXPECT_EQ(self->env.file, self->ev.user_data);
	EXPECT_EQ(ECANCELED, self->ev.error);
	EXPECT_EQ(0, self->ev.sent);
}

TEST_F_TIMEOUT(fuse, all_aborted, 60)
{
	int i;

	submit_all(_metadata, self, SIZE);
	EXPECT_GT(zct_used(self->env.fd), self->env.used);
	fuse_abort();
	for (i = 0; i < NR; i++) {
		ASSERT_TRUE(zct_event(self->env.fd, &self->ev, 1000));
		EXPECT_TRUE(self->ev.error == ENOTCONN || self->ev.error == ECONNABORTED)
			TH_LOG("error %u", self->ev.error);
		EXPECT_EQ(0, self->ev.sent);
	}
	EXPECT_TRUE(zct_used_becomes(self->env.fd, self->env.used, 1000));
}

/* The last close does not wait; the memory is back when the server has gone. */
TEST_F_TIMEOUT(fuse, closed, 60)
{
	struct pollfd p = { .fd = self->sock[0][1], .events = POLLIN };
	uint64_t begin;
	char c;
	int i;

	submit_all(_metadata, self, SIZE);
	EXPECT_GT(zct_used(self->env.fd), self->env.used);
	for (i = 0; i < NR; i++)
		close(self->sock[i][0]);
	begin = zct_now_ms();
	close(self->env.fd);
	EXPECT_LT(zct_now_ms() - begin, 1000);
	/* Nor does who unloads the module. */
	EXPECT_EQ(-EAGAIN, zct_unload(0));
	EXPECT_LT(zct_now_ms() - begin, 2000);
	self->env.fd = zct_open();
	EXPECT_EQ(0, poll(&p, 1, 300));
	fuse_abort();
	EXPECT_TRUE(zct_used_becomes(self->env.fd, self->env.used, 1000));
	for (i = 0; i < NR; i++) {
		p.fd = self->sock[i][1];
		/* The transfers had the last references to the sockets. */
		EXPECT_EQ(1, poll(&p, 1, 1000));
		EXPECT_EQ(0, recv(self->sock[i][1], &c, 1, MSG_DONTWAIT));
		self->sock[i][0] = -1;
	}
}

/* A transfer as a command of a ring. */
static int submit_by_ring(SELF *self, struct io_uring *ring)
{
	struct zc_sendfile arg = {
		.in_fd = self->env.file, .out_fd = self->sock[0][0], .len = SIZE,
	};

	if (io_uring_queue_init(4, ring, 0))
		return -ENOMEM;
	zct_uring_prep(io_uring_get_sqe(ring), self->env.fd, ZC_IOC_SENDFILE, &arg, sizeof(arg));
	return io_uring_submit(ring) == 1 ? 0 : -EIO;
}

/* Time that processors have spent in the kernel, ticks. */
static unsigned long long system_ticks(void)
{
	unsigned long long val[3] = { 0 };
	FILE *f = fopen("/proc/stat", "re");

	if (!f || fscanf(f, "cpu %llu %llu %llu", &val[0], &val[1], &val[2]) != 3)
		val[2] = 0;
	if (f)
		fclose(f);
	return val[2];
}

/*
 * Does no thread of the kernel spin? Not for half of one processor's time. kmemleak looks from
 * time to time, for a minute; who spins does so for ever.
 */
static bool is_quiet(void)
{
	unsigned long long ticks;
	uint64_t begin, ms;
	int i;

	sleep(2);
	for (i = 0; i < 40; i++) {
		ticks = system_ticks();
		begin = zct_now_ms();
		sleep(3);
		ticks = system_ticks() - ticks;
		ms = zct_now_ms() - begin;
		if (ticks < ms * sysconf(_SC_CLK_TCK) / 2000)
			return true;
	}
	return false;
}

/* Who dies with a ring neither waits nor spins for what never ends. */
TEST_F_TIMEOUT(fuse, ring_of_the_dead, 200)
{
	struct io_uring ring;
	int status;
	pid_t pid;

	/* Where it does not, their time is limited, and that cannot be switched off. */
	if (zct_param_set("uring_life", 0))
		SKIP(return, "this kernel does not ask commands of io_uring to end");
	pid = fork();
	if (!pid) {
		close(self->env.server.dev);
		if (submit_by_ring(self, &ring))
			_exit(1);
		pause();
	}
	ASSERT_TRUE(fuse_holds(&self->env.server, 1));
	kill(pid, SIGKILL);
	EXPECT_TRUE(gone(pid, &status, 5000));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_GT(zct_used(self->env.fd), self->env.used);
	EXPECT_TRUE(is_quiet());
}

/* Nor does a thread of the kernel spin on behalf of one that was closed. */
TEST_F_TIMEOUT(fuse, ring_closed, 200)
{
	struct io_uring ring;

	if (zct_param_set("uring_life", 0))
		SKIP(return, "this kernel does not ask commands of io_uring to end");
	ASSERT_EQ(0, submit_by_ring(self, &ring));
	ASSERT_TRUE(fuse_holds(&self->env.server, 1));
	io_uring_queue_exit(&ring);
	EXPECT_TRUE(is_quiet());
}

TEST_HARNESS_MAIN
