// SPDX-License-Identifier: GPL-2.0-only
/* What a program may answer that a file is of (FUSE): who asks, in what size, what errors. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuse_server.h"
#include "kselftest_harness.h"
#include "zc_test.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(server)

#define SIZE	(4 * MIB)
/* In one request, and so in one read. */
#define PART	65536u

#define NR	4

FIXTURE(server)
{
	struct fuse_env env;
	int sock[NR][2];
	struct zc_event ev;
};

FIXTURE_VARIANT(server)
{
	uint32_t flags;
};

/* A read keeps who does it. */
FIXTURE_VARIANT_ADD(server, waits)
{
	.flags = 0,
};

/* A read is under way by itself. */
FIXTURE_VARIANT_ADD(server, queued)
{
	.flags = FUSE_ASYNC_DIO,
};

FIXTURE_SETUP(server)
{
	if (!zct_has_fs("fuse"))
		SKIP(return, "the kernel has no fuse");
	self->env.server.flags = variant->flags;
	self->env.server.size = SIZE;
	self->env.server.hold = UINT64_MAX;
	ASSERT_EQ(0, fuse_begin(&self->env, self->sock, NR));
}

FIXTURE_TEARDOWN(server)
{
	EXPECT_EQ(0, fuse_end(&self->env, 2000));
}

/* It may, where the page cache has no part. Of that a read that begins before has nothing. */
TEST_F_TIMEOUT(server, answers_little, 60)
{
	const uint64_t len = 100000;
	struct zc_sendfile arg;
	struct zct_rx rx;
	int file;

	self->env.server.most = 1000;
	self->env.server.opened = FOPEN_DIRECT_IO;
	file = open(FUSE_FILE, O_RDONLY | O_CLOEXEC);
	ASSERT_GE(file, 0);
	EXPECT_EQ(0, zct_send(self->env.fd, AF_INET, file, 5, len, 0, &arg, &rx));
	EXPECT_EQ(0, arg.error);
	EXPECT_EQ(len, arg.sent);
	EXPECT_EQ(len, rx.bytes);
	EXPECT_EQ(-1, rx.bad);
	/* The end of the file is one all the same. */
	EXPECT_EQ(0, zct_send(self->env.fd, AF_INET, file, SIZE - len, UINT64_MAX, 0, &arg, &rx));
	EXPECT_EQ(len, rx.bytes);
	EXPECT_EQ(-1, rx.bad);
	/* From the first on it is not around the page cache that this would be. */
	EXPECT_EQ(0, zct_send(self->env.fd, AF_INET, file, 0, len, ZC_SEND_DIRECT, &arg, &rx));
	EXPECT_EQ(EOPNOTSUPP, arg.error);
	EXPECT_EQ(1000, rx.bytes);
	close(file);
}

TEST_F_TIMEOUT(server, answered, 60)
{
	struct zc_sendfile arg;
	struct zct_rx rx;

	EXPECT_EQ(0, zct_send(self->env.fd, AF_INET, self->env.file, 5, UINT64_MAX, 0, &arg, &rx));
	EXPECT_EQ(SIZE - 5, arg.sent);
	EXPECT_EQ(SIZE - 5, rx.bytes);
	EXPECT_EQ(-1, rx.bad);
	EXPECT_EQ(0, arg.cached);
}

/* Who submits it reads, whoever does the work. */
TEST_F_TIMEOUT(server, submitter, 60)
{
	struct zc_sendfile arg;

	setfsuid(NOBODY);
	EXPECT_EQ(0, fuse_send(&self->env, self->env.file, 0, PART, ZC_SEND_ASYNC, &arg));
	setfsuid(0);
	ASSERT_TRUE(zct_event(self->env.fd, &self->ev, 10000));
	EXPECT_EQ(PART, self->ev.sent);
	EXPECT_EQ(NOBODY, __atomic_load_n(&self->env.server.reader, __ATOMIC_RELAXED));
	/* The worker that did it is itself again. */
	ASSERT_EQ(0, fuse_send(&self->env, self->env.file, 0, PART, ZC_SEND_ASYNC, &arg));
	ASSERT_TRUE(zct_event(self->env.fd, &self->ev, 10000));
	EXPECT_EQ(0, __atomic_load_n(&self->env.server.reader, __ATOMIC_RELAXED));
}

/* It says what the module says to itself: none of that is to be taken for its own. */
TEST_F_TIMEOUT(server, strange_errors, 60)
{
	static const int errs[] = { EAGAIN, EINPROGRESS, EIO };
	struct zc_sendfile arg;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		self->env.server.err = -errs[i];
		EXPECT_EQ(-EIO, fuse_send(&self->env, self->env.file, i, PART, 0, &arg));
		ASSERT_EQ(0, fuse_send(&self->env, self->env.file, i, PART, ZC_SEND_ASYNC, &arg));
		ASSERT_TRUE(zct_event(self->env.fd, &self->ev, 10000)) TH_LOG("error %d", errs[i]);
		EXPECT_EQ(EIO, self->ev.error);
		EXPECT_EQ(0, self->ev.sent);
	}
}

/* It has grown or shrunk elsewhere, as read(2) finds out when it comes to the old end. */
TEST_F_TIMEOUT(server, resized, 60)
{
	static const uint64_t sizes[] = { 2 * SIZE, SIZE / 2, 0, SIZE + 5 };
	struct zc_sendfile arg;
	struct zct_rx rx;
	unsigned int i;

	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		ASSERT_TRUE(fuse_resizes(&self->env.server, sizes[i]));
		EXPECT_EQ(0, zct_send(self->env.fd, AF_INET, self->env.file, 0, UINT64_MAX, 0, &arg,
				      &rx));
		EXPECT_EQ(sizes[i], arg.sent);
		EXPECT_EQ(sizes[i], rx.bytes);
		EXPECT_EQ(-1, rx.bad);
		ASSERT_TRUE(fuse_resizes(&self->env.server, SIZE));
		rx = (struct zct_rx){ .sock = self->sock[i][1], .check = true };
		zct_rx_start(&rx);
		ASSERT_EQ(0, fuse_send(&self->env, self->env.file, i, UINT64_MAX,
				       ZC_SEND_ASYNC, &arg));
		ASSERT_TRUE(zct_event(self->env.fd, &self->ev, 5000));
		EXPECT_EQ(0, self->ev.error);
		EXPECT_EQ(SIZE, self->ev.sent);
		shutdown(self->sock[i][0], SHUT_WR);
		zct_rx_join(&rx);
		EXPECT_EQ(SIZE, rx.bytes);
		EXPECT_EQ(-1, rx.bad);
	}
}

TEST_HARNESS_MAIN
