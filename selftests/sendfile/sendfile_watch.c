// SPDX-License-Identifier: GPL-2.0-only
/* ZC_IOC_SENDFILE of files that others watch, and may keep from being read. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "zc_test.h"

/* What a helper gets of a test. */
#define SELF		FIXTURE_DATA(watch)

#define SIZE		(8 * MIB)
#define FILE_NAME	EXT4_DIR "/zc-watch"

/**
 * struct guard - a fanotify listener that decides who may read
 * @fd:      the listener
 * @allowed: how many more reads are allowed
 * @asked:   how many times it was asked
 * @stop:    end
 */
struct guard {
	int fd;
	unsigned int allowed;
	unsigned int asked;
	bool stop;
	pthread_t thread;
};

static void guard_decide(struct guard *g, const struct fanotify_event_metadata *event)
{
	struct fanotify_response answer = { .fd = event->fd, .response = FAN_DENY };
	unsigned int left = __atomic_load_n(&g->allowed, __ATOMIC_RELAXED);

	if (left)
		answer.response = FAN_ALLOW;
	if (left && left < UINT32_MAX)
		__atomic_store_n(&g->allowed, left - 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&g->asked, 1, __ATOMIC_RELAXED);
	if (write(g->fd, &answer, sizeof(answer)) != sizeof(answer))
		abort();
	close(event->fd);
}

static void *guard_main(void *data)
{
	struct guard *g = data;
	struct pollfd p = { .fd = g->fd, .events = POLLIN };
	struct fanotify_event_metadata events[16], *event;
	ssize_t len;

	while (!__atomic_load_n(&g->stop, __ATOMIC_RELAXED)) {
		if (poll(&p, 1, 20) < 1)
			continue;
		len = read(g->fd, events, sizeof(events));
		for (event = events; FAN_EVENT_OK(event, len);
		     event = FAN_EVENT_NEXT(event, len))
			guard_decide(g, event);
	}
	return NULL;
}

/* Returns 0 or a negative errno. */
static int guard_start(struct guard *g)
{
	g->fd = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY | O_LARGEFILE);
	if (g->fd < 0 ||
	    fanotify_mark(g->fd, FAN_MARK_ADD, FAN_ACCESS_PERM, AT_FDCWD, FILE_NAME))
		return -errno;
	pthread_create(&g->thread, NULL, guard_main, g);
	return 0;
}

static void guard_stop(struct guard *g)
{
	__atomic_store_n(&g->stop, true, __ATOMIC_RELAXED);
	pthread_join(g->thread, NULL);
	close(g->fd);
}

FIXTURE(watch)
{
	int fd;
	int file;
	uint64_t used;
	struct guard guard;
	struct zc_sendfile arg;
	struct zct_rx rx;
};

FIXTURE_VARIANT(watch)
{
	uint32_t flags;
	bool hot;
	uint64_t len;
};

FIXTURE_VARIANT_ADD(watch, few)
{
	.hot = true,
	.len = 30000,
};

FIXTURE_VARIANT_ADD(watch, hot)
{
	.hot = true,
	.len = SIZE,
};

FIXTURE_VARIANT_ADD(watch, cold)
{
	.len = SIZE,
};

FIXTURE_VARIANT_ADD(watch, direct)
{
	.flags = ZC_SEND_DIRECT,
	.len = SIZE,
};

FIXTURE_VARIANT_ADD(watch, cached)
{
	.flags = ZC_SEND_CACHED,
	.len = SIZE,
};

FIXTURE_SETUP(watch)
{
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->used = zct_used(self->fd);
	self->file = zct_pattern_file(FILE_NAME, SIZE);
	ASSERT_GE(self->file, 0);
}

FIXTURE_TEARDOWN(watch)
{
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 1000));
	close(self->file);
	close(self->fd);
	unlink(FILE_NAME);
}

/*
 * Have the guard decide on reads of the file, opened again: for one opened before, newer
 * kernels ask nobody. False where there is no such guard.
 */
static bool guarded(SELF *self, unsigned int allowed)
{
	self->guard = (struct guard){ .allowed = allowed };
	if (guard_start(&self->guard))
		return false;
	close(self->file);
	self->file = open(FILE_NAME, O_RDWR | O_CLOEXEC);
	return self->file >= 0;
}

/* Have all of the file in the page cache, or nothing. */
static bool heat(SELF *self, bool hot)
{
	return hot ? zct_warm(self->file, 0, SIZE) : zct_forget(self->file, SIZE);
}

/* Send @len bytes, and wait for the end. Returns 0 or a negative errno. */
static int zc_send(SELF *self, uint64_t len, uint32_t flags)
{
	struct zc_event ev;
	int sock[2], ret;

	ret = zct_pair(AF_INET, sock);
	if (ret)
		return ret;
	self->rx = (struct zct_rx){ .sock = sock[1], .check = true };
	zct_rx_start(&self->rx);
	self->arg = (struct zc_sendfile){
		.in_fd = self->file,
		.out_fd = sock[0],
		.len = len,
		.flags = flags,
	};
	ret = zct_ioctl(self->fd, ZC_IOC_SENDFILE, &self->arg);
	if (!ret && flags & ZC_SEND_ASYNC) {
		if (!zct_event(self->fd, &ev, 10000))
			ev = (struct zc_event){ .error = ETIME };
		self->arg.error = ev.error;
		self->arg.sent = ev.sent;
		ret = ev.sent ? 0 : -ev.error;
	}
	shutdown(sock[0], SHUT_WR);
	zct_rx_join(&self->rx);
	close(sock[0]);
	close(sock[1]);
	return ret;
}

static const uint32_t ways[] = { 0, ZC_SEND_ASYNC };

/* Who may not read may not send: what read(2) and sendfile(2) say is said. */
TEST_F_TIMEOUT(watch, refused, 120)
{
	off_t pos = 0;
	int sock[2], i;
	char c;

	for (i = 0; i < 2; i++) {
		ASSERT_TRUE(heat(self, variant->hot));
		if (!guarded(self, 0))
			SKIP(return, "no fanotify that decides");
		EXPECT_EQ(-EPERM, zc_send(self, variant->len, variant->flags | ways[i]));
		EXPECT_GT(self->guard.asked, 0);
		EXPECT_EQ(EPERM, self->arg.error);
		EXPECT_EQ(0, self->arg.sent);
		EXPECT_EQ(0, self->rx.bytes);
		/* Nor is it read for nothing. */
		if (!variant->hot)
			EXPECT_EQ(0, zct_cached(self->file, SIZE));
		ASSERT_EQ(0, zct_pair(AF_INET, sock));
		EXPECT_EQ(-1, pread(self->file, &c, 1, 0));
		EXPECT_EQ(EPERM, errno);
		EXPECT_EQ(-1, sendfile(sock[0], self->file, &pos, 1));
		EXPECT_EQ(EPERM, errno);
		close(sock[0]);
		close(sock[1]);
		guard_stop(&self->guard);
	}
}

TEST_F_TIMEOUT(watch, allowed, 120)
{
	int i;

	for (i = 0; i < 2; i++) {
		ASSERT_TRUE(heat(self, variant->hot));
		if (!guarded(self, UINT32_MAX))
			SKIP(return, "no fanotify that decides");
		EXPECT_EQ(0, zc_send(self, variant->len, variant->flags | ways[i]));
		EXPECT_GT(self->guard.asked, 0);
		EXPECT_EQ(0, self->arg.error);
		EXPECT_EQ(variant->len, self->arg.sent);
		EXPECT_EQ(variant->len, self->rx.bytes);
		EXPECT_EQ(-1, self->rx.bad);
		guard_stop(&self->guard);
	}
}

/* In the middle of it: what was allowed is sent, and nothing else. */
TEST_F_TIMEOUT(watch, refused_in_the_middle, 120)
{
	int i;

	if (variant->len < SIZE)
		SKIP(return, "asked but once");
	for (i = 0; i < 2; i++) {
		ASSERT_TRUE(heat(self, variant->hot));
		if (!guarded(self, 3))
			SKIP(return, "no fanotify that decides");
		EXPECT_EQ(0, zc_send(self, variant->len, variant->flags | ways[i]));
		EXPECT_EQ(EPERM, self->arg.error);
		EXPECT_GT(self->arg.sent, 0);
		EXPECT_LT(self->arg.sent, SIZE);
		EXPECT_EQ(self->arg.sent, self->rx.bytes);
		EXPECT_EQ(-1, self->rx.bad);
		guard_stop(&self->guard);
	}
}

/* Who watches is told, as of a read(2). */
TEST_F_TIMEOUT(watch, told, 120)
{
	struct inotify_event event;
	int i, fd;

	for (i = 0; i < 2; i++) {
		ASSERT_TRUE(heat(self, variant->hot));
		fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
		ASSERT_GE(fd, 0);
		ASSERT_LE(0, inotify_add_watch(fd, FILE_NAME, IN_ACCESS));
		EXPECT_EQ(0, zc_send(self, variant->len, variant->flags | ways[i]));
		EXPECT_EQ(variant->len, self->arg.sent);
		EXPECT_EQ(sizeof(event), read(fd, &event, sizeof(event)))
			TH_LOG("flags %#x", variant->flags | ways[i]);
		close(fd);
	}
}

TEST_HARNESS_MAIN
