// SPDX-License-Identifier: GPL-2.0-only
/* ZC_IOC_SENDFILE with descriptors that are wrong, and peers and files that go. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "zc_test.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(err)

#define SIZE		(24 * MIB)
#define FILE_NAME	EXT4_DIR "/zc-err"

FIXTURE(err)
{
	int fd;
	int file;
	int sock[2];
	uint64_t used;
	struct zc_sendfile arg;
};

FIXTURE_SETUP(err)
{
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->used = zct_used(self->fd);
	self->file = zct_pattern_file(FILE_NAME, SIZE);
	ASSERT_GE(self->file, 0);
	ASSERT_EQ(0, zct_pair(AF_INET, self->sock));
}

FIXTURE_TEARDOWN(err)
{
	EXPECT_EQ(self->used, zct_used(self->fd));
	close(self->sock[0]);
	close(self->sock[1]);
	close(self->file);
	close(self->fd);
	unlink(FILE_NAME);
}

static int zc_send(SELF *self, int in, int out, uint64_t offset,
		   uint64_t len, uint32_t flags)
{
	self->arg = (struct zc_sendfile){
		.in_fd = in,
		.out_fd = out,
		.offset = offset,
		.len = len,
		.flags = flags,
	};
	return zct_ioctl(self->fd, ZC_IOC_SENDFILE, &self->arg);
}

/* The same by sendfile(2). */
static int os_send(int in, int out, size_t len)
{
	off_t offset = 0;

	return sendfile(out, in, &offset, len) < 0 ? -errno : 0;
}

TEST_F_TIMEOUT(err, bad_source, 120)
{
	int pipefd[2], dir = open("/tmp", O_RDONLY), path, wronly, zero, null, event;
	const int out = self->sock[0];

	ASSERT_EQ(0, pipe(pipefd));
	event = eventfd(1, 0);
	ASSERT_LE(0, event);
	path = open(FILE_NAME, O_PATH);
	wronly = open(FILE_NAME, O_WRONLY);
	zero = open("/dev/zero", O_RDONLY);
	null = dup(self->file);
	close(null);
	EXPECT_EQ(-EBADF, zc_send(self, -1, out, 0, 10, 0));
	EXPECT_EQ(-EBADF, zc_send(self, null, out, 0, 10, 0));
	EXPECT_EQ(-EBADF, zc_send(self, path, out, 0, 10, 0));
	EXPECT_EQ(-EBADF, zc_send(self, wronly, out, 0, 10, 0));
	EXPECT_EQ(-EINVAL, zc_send(self, pipefd[0], out, 0, 10, 0));
	EXPECT_EQ(-EINVAL, zc_send(self, dir, out, 0, 10, 0));
	EXPECT_EQ(-EINVAL, zc_send(self, zero, out, 0, 10, 0));
	EXPECT_EQ(-EINVAL, zc_send(self, self->fd, out, 0, 10, 0));
	EXPECT_EQ(-EINVAL, zc_send(self, self->sock[1], out, 0, 10, 0));
	/* It can be read into pages, and is neither. */
	EXPECT_EQ(-EINVAL, zc_send(self, event, out, 0, 10, 0));
	close(event);
	/* As sendfile(2), where it has an opinion. */
	EXPECT_EQ(-EBADF, os_send(wronly, out, 10));
	EXPECT_EQ(-EBADF, os_send(path, out, 10));
	EXPECT_EQ(-EINVAL, os_send(dir, out, 10));
	close(pipefd[0]);
	close(pipefd[1]);
	close(dir);
	close(path);
	close(wronly);
	close(zero);
}

TEST_F_TIMEOUT(err, bad_sink, 120)
{
	int pipefd[2], udp, fresh, listener, closed, err;

	signal(SIGPIPE, SIG_IGN);
	ASSERT_EQ(0, pipe(pipefd));
	udp = socket(AF_INET, SOCK_DGRAM, 0);
	fresh = socket(AF_INET, SOCK_STREAM, 0);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	closed = dup(self->sock[0]);
	close(closed);
	ASSERT_EQ(0, listen(listener, 1));
	EXPECT_EQ(-EBADF, zc_send(self, self->file, -1, 0, 10, 0));
	EXPECT_EQ(-EBADF, zc_send(self, self->file, closed, 0, 10, 0));
	EXPECT_EQ(-ENOTSOCK, zc_send(self, self->file, pipefd[1], 0, 10, 0));
	EXPECT_EQ(-ENOTSOCK, zc_send(self, self->file, self->file, 0, 10, 0));
	EXPECT_EQ(-EOPNOTSUPP, zc_send(self, self->file, udp, 0, 10, 0));
	err = os_send(self->file, fresh, 10);
	EXPECT_EQ(err, zc_send(self, self->file, fresh, 0, 10, 0));
	EXPECT_EQ(-err, self->arg.error);
	EXPECT_EQ(0, self->arg.sent);
	EXPECT_EQ(os_send(self->file, listener, 10),
		  zc_send(self, self->file, listener, 0, 10, 0));
	/* Even where there is nothing to send, the descriptors must be right. */
	EXPECT_EQ(-ENOTSOCK, zc_send(self, self->file, pipefd[1], 0, 0, 0));
	close(pipefd[0]);
	close(pipefd[1]);
	close(udp);
	close(fresh);
	close(listener);
}

static volatile int sigpipes;

static void on_sigpipe(int sig)
{
	sigpipes++;
}

TEST_F_TIMEOUT(err, sigpipe, 120)
{
	signal(SIGPIPE, on_sigpipe);
	shutdown(self->sock[0], SHUT_WR);
	EXPECT_EQ(-EPIPE, zc_send(self, self->file, self->sock[0], 0, 10,
				  ZC_SEND_NOSIGNAL));
	EXPECT_EQ(0, sigpipes);
	EXPECT_EQ(-EPIPE, zc_send(self, self->file, self->sock[0], 0, 10, 0));
	EXPECT_EQ(1, sigpipes);
	EXPECT_EQ(EPIPE, self->arg.error);
}

/* The peer resets while bytes are under way to it. */
TEST_F_TIMEOUT(err, reset, 120)
{
	const struct linger hard = { .l_onoff = 1 };
	int ret;

	signal(SIGPIPE, SIG_IGN);
	ASSERT_EQ(0, setsockopt(self->sock[1], SOL_SOCKET, SO_LINGER, &hard,
				sizeof(hard)));
	close(self->sock[1]);
	ret = zc_send(self, self->file, self->sock[0], 0, SIZE, 0);
	EXPECT_TRUE(ret == -ECONNRESET || ret == -EPIPE) TH_LOG("%d", ret);
	EXPECT_EQ(0, self->arg.sent);
	EXPECT_EQ(-EPIPE, zc_send(self, self->file, self->sock[0], 0, SIZE, 0));
}

struct closer {
	int sock;
	uint64_t after;
	pthread_t thread;
};

static void *close_later(void *data)
{
	struct closer *c = data;
	static char buf[65536];
	uint64_t got = 0;
	ssize_t n;

	while (got < c->after && (n = recv(c->sock, buf, sizeof(buf), 0)) > 0)
		got += n;
	close(c->sock);
	return NULL;
}

TEST_F_TIMEOUT(err, peer_closes_in_the_middle, 120)
{
	static const uint64_t after[] = { 1, 100000, 3 * MIB, 9 * MIB };
	struct closer c;
	int sock[2], ret;
	size_t i;

	signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < sizeof(after) / sizeof(*after); i++) {
		ASSERT_EQ(0, zct_pair(AF_INET, sock));
		c = (struct closer){ .sock = sock[1], .after = after[i] };
		pthread_create(&c.thread, NULL, close_later, &c);
		ret = zc_send(self, self->file, sock[0], 0, SIZE, 0);
		pthread_join(c.thread, NULL);
		/* All of it may have fitted into the buffers. */
		if (!ret) {
			EXPECT_GT(self->arg.sent, 0);
			EXPECT_EQ(self->arg.sent, self->arg.offset);
			if (self->arg.sent < SIZE)
				EXPECT_GT(self->arg.error, 0);
		} else {
			EXPECT_TRUE(ret == -EPIPE || ret == -ECONNRESET);
			EXPECT_EQ(0, self->arg.sent);
		}
		close(sock[0]);
		EXPECT_EQ(self->used, zct_used(self->fd));
	}
}

static volatile bool stop;

static void *truncate_again(void *data)
{
	int file = *(int *)data;

	while (!stop) {
		if (ftruncate(file, SIZE / 2 + 100) || ftruncate(file, 12345))
			break;
		if (ftruncate(file, SIZE))
			break;
	}
	return NULL;
}

/* Bytes are the pattern's or, where the file was cut and grew again, zero. */
TEST_F_TIMEOUT(err, truncated_meanwhile, 120)
{
	struct zct_rx rx;
	pthread_t thread;
	int sock[2], i;

	stop = false;
	pthread_create(&thread, NULL, truncate_again, &self->file);
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, zct_pair(AF_INET, sock));
		rx = (struct zct_rx){ .sock = sock[1] };
		zct_rx_start(&rx);
		EXPECT_EQ(0, zc_send(self, self->file, sock[0], 0, SIZE, 0));
		EXPECT_EQ(0, self->arg.error);
		shutdown(sock[0], SHUT_WR);
		zct_rx_join(&rx);
		EXPECT_EQ(self->arg.sent, rx.bytes);
		EXPECT_LE(self->arg.sent, SIZE);
		close(sock[0]);
		close(sock[1]);
	}
	stop = true;
	pthread_join(thread, NULL);
}

static void *grow(void *data)
{
	int file = *(int *)data;
	char *buf = malloc(100000);
	uint64_t off;

	for (off = SIZE; off < SIZE + 8 * MIB; off += 100000) {
		zct_pattern(buf, off, 100000);
		if (pwrite(file, buf, 100000, off) != 100000)
			break;
	}
	free(buf);
	return NULL;
}

TEST_F_TIMEOUT(err, growing_meanwhile, 120)
{
	struct zct_rx rx;
	pthread_t thread;

	rx = (struct zct_rx){ .sock = self->sock[1], .check = true };
	zct_rx_start(&rx);
	pthread_create(&thread, NULL, grow, &self->file);
	EXPECT_EQ(0, zc_send(self, self->file, self->sock[0], 0, UINT64_MAX, 0));
	pthread_join(thread, NULL);
	shutdown(self->sock[0], SHUT_WR);
	zct_rx_join(&rx);
	EXPECT_GE(rx.bytes, SIZE);
	EXPECT_EQ(self->arg.sent, rx.bytes);
	EXPECT_EQ(-1, rx.bad);
}

struct fds {
	int in;
	int out;
};

static void *close_both(void *data)
{
	struct fds *fds = data;

	usleep(20000);
	close(fds->in);
	close(fds->out);
	return NULL;
}

/* The transfer has references of its own. */
TEST_F_TIMEOUT(err, descriptors_closed_meanwhile, 120)
{
	struct fds fds = { dup(self->file), dup(self->sock[0]) };
	struct zct_rx rx;
	pthread_t thread;

	rx = (struct zct_rx){ .sock = self->sock[1], .check = true };
	pthread_create(&thread, NULL, close_both, &fds);
	zct_rx_start(&rx);
	EXPECT_EQ(0, zc_send(self, fds.in, fds.out, 0, SIZE, 0));
	pthread_join(thread, NULL);
	EXPECT_EQ(SIZE, self->arg.sent);
	shutdown(self->sock[0], SHUT_WR);
	zct_rx_join(&rx);
	EXPECT_EQ(SIZE, rx.bytes);
	EXPECT_EQ(-1, rx.bad);
}

/* A device that fails for one block in the middle: all bytes before it arrive. */
TEST_F_TIMEOUT(err, read_error, 120)
{
	const uint64_t bad = 5 * MIB + 8 * 512;
	struct zc_sendfile arg;
	struct zct_rx rx;
	int file = zct_disk_new(16);

	if (file < 0)
		SKIP(return, "no null_blk with configfs");
	EXPECT_EQ(0, zct_disk_break(bad, true));
	EXPECT_EQ(0, zct_send(self->fd, AF_INET, file, 0, 16 * MIB, 0, &arg, &rx));
	EXPECT_EQ(EIO, arg.error);
	EXPECT_EQ(bad, arg.sent);
	EXPECT_EQ(bad, rx.bytes);
	EXPECT_EQ(-1, rx.bad);
	EXPECT_EQ(-EIO, zct_send(self->fd, AF_INET, file, bad, 4096, 0, &arg, &rx));
	EXPECT_EQ(0, rx.bytes);
	EXPECT_EQ(0, zct_send(self->fd, AF_INET, file, bad + 4096, MIB, 0, &arg, &rx));
	EXPECT_EQ(MIB, rx.bytes);
	EXPECT_EQ(-1, rx.bad);
	close(file);
	EXPECT_EQ(0, zct_disk_free());
}

TEST_HARNESS_MAIN
