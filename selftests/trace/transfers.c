// SPDX-License-Identifier: GPL-2.0-only
/* The tracepoints of transfers: what they say is what the result says. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "events.h"

#define SELF	FIXTURE_DATA(transfers)

#define NAME	EXT4_DIR "/transfers"
#define SIZE	(4 * HUGE)

FIXTURE(transfers)
{
	int fd;
	int file;
	int sock[2];
	unsigned long ino;
	unsigned long sock_ino;
	struct zct_rx rx;
};

static unsigned long ino_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? 0 : st.st_ino;
}

FIXTURE_SETUP(transfers)
{
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->file = zct_pattern_file(NAME, SIZE);
	ASSERT_GE(self->file, 0);
	self->ino = ino_of(self->file);
	ASSERT_EQ(0, zct_pair(AF_INET, self->sock));
	self->sock_ino = ino_of(self->sock[0]);
	if (!events_start())
		SKIP(return, "no tracepoints, or no tracefs");
}

FIXTURE_TEARDOWN(transfers)
{
	close(self->sock[0]);
	close(self->sock[1]);
	close(self->file);
	close(self->fd);
	unlink(NAME);
	if (!__test_passed(_metadata))
		events_show();
	events_stop();
}

static void receive(SELF *self, uint64_t offset, bool check)
{
	self->rx = (struct zct_rx){ .sock = self->sock[1], .offset = offset, .check = check };
	zct_rx_start(&self->rx);
}

static void received(SELF *self)
{
	shutdown(self->sock[0], SHUT_WR);
	zct_rx_join(&self->rx);
}

static int sendfile_on(SELF *self, struct zc_sendfile *arg, uint64_t offset, uint64_t len,
		       uint32_t flags)
{
	*arg = (struct zc_sendfile){
		.in_fd = self->file,
		.out_fd = self->sock[0],
		.offset = offset,
		.len = len,
		.flags = flags,
	};
	return zct_ioctl(self->fd, ZC_IOC_SENDFILE, arg);
}

TEST_F_TIMEOUT(transfers, direct, 120)
{
	struct zc_sendfile arg;

	receive(self, 100, true);
	ASSERT_EQ(0, sendfile_on(self, &arg, 100, SIZE - 100, ZC_SEND_DIRECT | ZC_SEND_NOSIGNAL));
	received(self);
	ASSERT_EQ(SIZE - 100, arg.sent);
	EXPECT_EQ(-1, self->rx.bad);
	EXPECT_EQ(1, events_count("zc_transfer_begin", "sock=%lu file=%lu buffer=0 pos=100 "
				  "len=%lu flags=nosignal|direct user_data=0", self->sock_ino,
				  self->ino, SIZE - 100));
	EXPECT_EQ(1, events_count("zc_transfer_end", "sock=%lu file=%lu buffer=0 pos=100 "
				  "sent=%lu copied=%lu cached=0 user_data=0 err=0", self->sock_ino,
				  self->ino, SIZE - 100, (unsigned long)arg.copied));
	/* It begins with the page that has byte 100. */
	EXPECT_EQ(1, events_count("zc_transfer_read", "file=%lu pos=0 direct=1", self->ino));
	EXPECT_EQ(1, events_count("zc_transfer_read_done", "file=%lu pos=0", self->ino));
	EXPECT_EQ(SIZE, events_sum("zc_transfer_read", "len", "file=%lu direct=1", self->ino));
	EXPECT_EQ(SIZE, events_sum("zc_transfer_read_done", "result", "file=%lu", self->ino));
	EXPECT_EQ(events_count("zc_transfer_read", "file=%lu", self->ino),
		  events_count("zc_transfer_read_done", "file=%lu", self->ino));
	EXPECT_EQ(SIZE - 100, events_sum("zc_transfer_send", "bytes", "sock=%lu",
					 self->sock_ino));
	EXPECT_LE(SIZE - 612, events_sum("zc_transfer_send", "bytes", "sock=%lu way=frags",
					 self->sock_ino));
	EXPECT_EQ(arg.copied, events_sum("zc_transfer_fallback", "bytes", "sock=%lu",
					 self->sock_ino));
}

/* A small file that is in the page cache has the shortest way, and both events on it. */
TEST_F_TIMEOUT(transfers, cached, 120)
{
	struct zc_sendfile arg;
	char page[8192];

	ASSERT_EQ(sizeof(page), pread(self->file, page, sizeof(page), 0));
	receive(self, 0, true);
	ASSERT_EQ(0, sendfile_on(self, &arg, 0, sizeof(page), 0));
	received(self);
	ASSERT_EQ(sizeof(page), arg.cached);
	EXPECT_EQ(1, events_count("zc_transfer_begin", "sock=%lu file=%lu pos=0 len=8192 "
				  "flags=none", self->sock_ino, self->ino));
	EXPECT_EQ(1, events_count("zc_transfer_send", "sock=%lu bytes=8192 way=frags",
				  self->sock_ino));
	EXPECT_EQ(1, events_count("zc_transfer_end", "sock=%lu file=%lu pos=0 sent=8192 copied=0 "
				  "cached=8192 reasons=none err=0", self->sock_ino, self->ino));
	EXPECT_EQ(0, events_count("zc_transfer_read", "file=%lu", self->ino));
	EXPECT_EQ(0, events_count("zc_transfer_fallback", "sock=%lu", self->sock_ino));
}

TEST_F_TIMEOUT(transfers, so_few_are_copied, 120)
{
	struct zc_sendfile arg;

	receive(self, 0, true);
	ASSERT_EQ(0, sendfile_on(self, &arg, 0, 100, 0));
	received(self);
	ASSERT_EQ(100, arg.copied);
	EXPECT_EQ(1, events_count("zc_transfer_send", "sock=%lu bytes=100 way=copy",
				  self->sock_ino));
	EXPECT_EQ(1, events_count("zc_transfer_fallback", "sock=%lu buffer=0 bytes=100 "
				  "reasons=small", self->sock_ino));
	EXPECT_EQ(1, events_count("zc_transfer_end", "sock=%lu sent=100 copied=100 reasons=small",
				  self->sock_ino));
}

/* Of a file that has no direct reads, nor folios that could be sent. */
TEST_F_TIMEOUT(transfers, read_by_copy, 120)
{
	struct zc_sendfile arg;

	close(self->file);
	self->file = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
	ASSERT_GE(self->file, 0);
	self->ino = ino_of(self->file);
	receive(self, 0, false);
	ASSERT_EQ(0, sendfile_on(self, &arg, 0, 4096, 0));
	received(self);
	ASSERT_EQ(ZC_COPY_NO_DIRECT, arg.copy_reasons);
	ASSERT_LT(0, arg.copied);
	EXPECT_EQ(arg.copied, events_sum("zc_transfer_fallback", "bytes", "sock=%lu "
					 "reasons=no_direct", self->sock_ino));
	EXPECT_LE(1, events_count("zc_transfer_read", "file=%lu pos=0 direct=0", self->ino));
	EXPECT_EQ(1, events_count("zc_transfer_end", "file=%lu copied=%lu reasons=no_direct",
				  self->ino, (unsigned long)arg.copied));
}

TEST_F_TIMEOUT(transfers, by_pages, 120)
{
	struct zc_sendfile arg;

	close(self->sock[0]);
	close(self->sock[1]);
	ASSERT_EQ(0, zct_pair(AF_UNIX, self->sock));
	self->sock_ino = ino_of(self->sock[0]);
	receive(self, 0, true);
	ASSERT_EQ(0, sendfile_on(self, &arg, 0, HUGE, 0));
	received(self);
	EXPECT_EQ(HUGE, events_sum("zc_transfer_send", "bytes", "sock=%lu way=pages",
				   self->sock_ino));
	EXPECT_EQ(0, events_count("zc_transfer_fallback", "sock=%lu", self->sock_ino));
}

/* As ended() of one that is waited for: the record on the device comes. */
static bool event_of(SELF *self, uint32_t type, struct zc_event *event)
{
	do {
		if (!zct_event(self->fd, event, 20000))
			return false;
	} while (event->type != type);
	return true;
}

TEST_F_TIMEOUT(transfers, not_waited_for, 120)
{
	struct zc_sendfile arg = { .in_fd = self->file, .out_fd = self->sock[0], .len = SIZE,
				   .flags = ZC_SEND_ASYNC, .user_data = 77 };
	struct zc_event event;

	receive(self, 0, true);
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_SENDFILE, &arg));
	ASSERT_TRUE(event_of(self, ZC_EVENT_DONE, &event));
	received(self);
	EXPECT_EQ(SIZE, event.sent);
	EXPECT_EQ(1, events_count("zc_transfer_begin", "sock=%lu file=%lu pos=0 len=%lu "
				  "flags=async user_data=77", self->sock_ino, self->ino, SIZE));
	EXPECT_EQ(1, events_count("zc_transfer_end", "sock=%lu file=%lu pos=0 sent=%lu "
				  "user_data=77 err=0", self->sock_ino, self->ino, SIZE));
	EXPECT_EQ(0, events_count("zc_transfer_cancel", "sock=%lu", self->sock_ino));
}

TEST_F_TIMEOUT(transfers, canceled, 120)
{
	struct zc_sendfile arg = { .in_fd = self->file, .out_fd = self->sock[0], .len = SIZE,
				   .flags = ZC_SEND_ASYNC, .user_data = 78 };
	struct zc_cancel cancel = { .user_data = 78 };
	int small = 4096;
	struct zc_event event;

	/* The peer does not read, and it is more than the sockets take. */
	setsockopt(self->sock[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	setsockopt(self->sock[1], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_SENDFILE, &arg));
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_CANCEL, &cancel));
	ASSERT_TRUE(event_of(self, ZC_EVENT_DONE, &event));
	EXPECT_EQ(ECANCELED, event.error);
	EXPECT_EQ(1, events_count("zc_transfer_cancel", "sock=%lu user_data=78",
				  self->sock_ino));
	EXPECT_EQ(1, events_count("zc_transfer_end", "sock=%lu sent=%lu user_data=78 err=%d",
				  self->sock_ino, (unsigned long)event.sent, -ECANCELED));
}

TEST_F_TIMEOUT(transfers, failed, 120)
{
	struct zc_sendfile arg;

	close(self->sock[1]);
	self->sock[1] = -1;
	EXPECT_EQ(-EPIPE, sendfile_on(self, &arg, 0, SIZE, ZC_SEND_NOSIGNAL) ?: -(int)arg.error);
	EXPECT_EQ(1, events_count("zc_transfer_begin", "sock=%lu file=%lu", self->sock_ino,
				  self->ino));
	EXPECT_EQ(1, events_count("zc_transfer_end", "sock=%lu sent=%lu err=%d",
				  self->sock_ino, (unsigned long)arg.sent, -EPIPE));
	/* One that is refused has neither. */
	close(self->sock[0]);
	self->sock[0] = -1;
	EXPECT_EQ(-EBADF, sendfile_on(self, &arg, 0, SIZE, 0));
	EXPECT_EQ(1, events_count("zc_transfer_begin", "file=%lu", self->ino));
	EXPECT_EQ(1, events_count("zc_transfer_end", "file=%lu", self->ino));
}

TEST_F_TIMEOUT(transfers, of_a_buffer, 120)
{
	struct zc_send arg = { .offset = 4096, .len = MIB, .user_data = 79 };
	struct zc_buf_create buf;
	struct zc_event event;
	long long id;
	char *map;

	ASSERT_EQ(0, zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &buf));
	id = events_first("zc_buffer_create", "buffer", "handle=%u", buf.handle);
	ASSERT_LT(0, id);
	map = zct_map(self->fd, &buf);
	ASSERT_NE(MAP_FAILED, map);
	zct_pattern(map, 0, HUGE);
	arg.handle = buf.handle;
	arg.out_fd = self->sock[0];
	receive(self, 4096, true);
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_SEND, &arg));
	received(self);
	EXPECT_EQ(-1, self->rx.bad);
	EXPECT_EQ(1, events_count("zc_transfer_begin", "sock=%lu file=0 buffer=%lld pos=4096 "
				  "len=1048576 flags=none user_data=79", self->sock_ino, id));
	EXPECT_EQ(1, events_count("zc_transfer_end", "sock=%lu file=0 buffer=%lld pos=4096 "
				  "sent=1048576 cached=0 user_data=79 err=0", self->sock_ino,
				  id));
	/* What comes back to this host is copied by the network, as the buffer may change. */
	ASSERT_TRUE(event_of(self, ZC_EVENT_RELEASED, &event));
	ASSERT_LT(0, event.copied);
	EXPECT_EQ(1, events_count("zc_transfer_fallback", "sock=0 buffer=%lld bytes=%lu "
				  "reasons=loopback", id, (unsigned long)event.copied));
	munmap(map, HUGE);
}

TEST_HARNESS_MAIN
