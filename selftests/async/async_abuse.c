// SPDX-License-Identifier: GPL-2.0-only
/* Transfers that nobody waits for, by programs that mean ill. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "zc_test.h"

FIXTURE(abuse)
{
	int fd;
	uint64_t used;
	struct zc_buf_create buf;
	int sock[2];
};

FIXTURE_SETUP(abuse)
{
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->used = zct_used(self->fd);
	ASSERT_EQ(0, zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &self->buf));
	ASSERT_EQ(0, zct_seal(self->fd, self->buf.handle));
	ASSERT_EQ(0, zct_pair(AF_UNIX, self->sock));
}

FIXTURE_TEARDOWN(abuse)
{
	close(self->sock[0]);
	close(self->sock[1]);
	close(self->fd);
	self->fd = zct_open();
	/* There may be 20,000 sends to end. */
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used,
				     zct_kernel_is_slow() ? 60000 : 10000));
	close(self->fd);
}

static int submit(int fd, uint32_t handle, int sock, uint64_t len, uint64_t user_data)
{
	struct zc_send arg = {
		.out_fd = sock,
		.handle = handle,
		.len = len,
		.flags = ZC_SEND_ASYNC,
		.user_data = user_data,
	};

	return zct_ioctl(fd, ZC_IOC_SEND, &arg);
}

/* Tens of thousands to one peer that does not read, and the younger half canceled. */
TEST_F_TIMEOUT(abuse, cancel_many, 240)
{
	const unsigned int nr = 20000;
	struct zc_cancel cancel = { .user_data = 2 };
	unsigned int i, ended = 0;
	struct zc_event ev[64];
	uint64_t begin = zct_now_ms(), took;

	for (i = 0; i < nr; i++)
		ASSERT_EQ(0, submit(self->fd, self->buf.handle, self->sock[0], HUGE,
				    i < nr / 2 ? 1 : 2));
	took = zct_now_ms() - begin;
	begin = zct_now_ms();
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_CANCEL, &cancel));
	EXPECT_EQ(nr / 2, cancel.count);
	while (ended < nr / 2) {
		struct pollfd p = { .fd = self->fd, .events = POLLIN };
		ssize_t n, j;

		ASSERT_EQ(1, poll(&p, 1, 20000));
		n = read(self->fd, ev, sizeof(ev)) / (ssize_t)sizeof(*ev);
		ASSERT_GT(n, 0);
		for (j = 0; j < n; j++) {
			EXPECT_EQ(2, ev[j].user_data);
			EXPECT_EQ(ECANCELED, ev[j].error);
		}
		ended += n;
	}
	/* Each of them in its turn, and not all of the others for each. */
	EXPECT_LT(zct_now_ms() - begin, 2 * took + 500);
}

#define CROWD		20000
/* Connections that nobody reads: what is sent there has no end of its own. */
#define CROWD_SOCKS	16
/* Wait for events when so many transfers are under way. */
#define CROWD_MOST	4000

/**
 * struct crowd - transfers that several threads submit, cancel and take the ends of
 * @fd:        the device
 * @handle:    a sealed buffer of it
 * @socks:     unix sockets and those of TCP in turn
 * @submitted: transfers; their user data are 1, 2, ... and so on
 * @ended:     of them
 * @canceled:  by their events
 * @counted:   by zc_cancel::count
 * @odd:       events that should not be, and calls that failed
 * @events:    of each transfer
 * @over:      no more is submitted
 */
struct crowd {
	int fd;
	uint32_t handle;
	int socks[CROWD_SOCKS][2];
	atomic_uint submitted;
	atomic_uint ended;
	unsigned int canceled;
	atomic_uint counted;
	atomic_uint odd;
	unsigned char events[CROWD + 1];
	atomic_bool over;
};

static void *crowd_submit(void *arg)
{
	struct crowd *c = arg;
	unsigned int i;

	for (i = 1; i <= CROWD; i++) {
		while (c->submitted - c->ended > CROWD_MOST)
			usleep(1000);
		c->odd += !!submit(c->fd, c->handle, c->socks[i % CROWD_SOCKS][0], HUGE, i);
		c->submitted = i;
	}
	c->over = true;
	return NULL;
}

/* Returns whether there was anything to cancel. */
static bool crowd_cancel(struct crowd *c, uint64_t user_data, uint32_t flags)
{
	struct zc_cancel cancel = { .user_data = user_data, .flags = flags };
	int ret = zct_ioctl(c->fd, ZC_IOC_CANCEL, &cancel);

	c->counted += cancel.count;
	c->odd += ret != (cancel.count ? 0 : -ENOENT);
	return cancel.count;
}

/* All of them, when there are many. */
static void *crowd_cancel_all(void *arg)
{
	struct crowd *c = arg;

	while (!c->over) {
		if (c->submitted - c->ended > CROWD_MOST / 2)
			crowd_cancel(c, 0, ZC_CANCEL_ALL);
		else
			usleep(1000);
	}
	return NULL;
}

/* One and one more, for each of which all before it are looked at; and what is none. */
static void *crowd_cancel_some(void *arg)
{
	struct crowd *c = arg;
	unsigned int i;

	for (i = 0; !c->over; i++) {
		crowd_cancel(c, c->submitted - i % 8, 0);
		c->odd += crowd_cancel(c, 0, 0);
	}
	return NULL;
}

/* Another file, whose transfers to the same sockets go with it; and a descriptor more. */
static void *crowd_reopen(void *arg)
{
	struct zc_buf_create buf;
	struct crowd *c = arg;
	int i, fd;

	while (!c->over) {
		fd = open("/dev/zc", O_RDWR | O_CLOEXEC);
		c->odd += !!zct_create(fd, HUGE, 0, ZC_NODE_ANY, &buf);
		c->odd += !!zct_seal(fd, buf.handle);
		for (i = 0; i < 2 * CROWD_SOCKS; i++)
			c->odd += !!submit(fd, buf.handle, c->socks[i % CROWD_SOCKS][0],
					   HUGE, CROWD + 1);
		close(dup(c->fd));
		close(fd);
	}
	return NULL;
}

/* Take events, until there was none for @ms. */
static void crowd_take(struct crowd *c, int ms)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	struct zc_event ev[64];
	ssize_t n, i;

	while (poll(&p, 1, ms) == 1) {
		n = read(c->fd, ev, sizeof(ev)) / (ssize_t)sizeof(*ev);
		for (i = 0; i < n; i++) {
			bool mine = ev[i].type == ZC_EVENT_DONE && ev[i].user_data &&
				    ev[i].user_data <= CROWD;

			if (!mine || c->events[ev[i].user_data]++)
				c->odd++;
			c->canceled += ev[i].error == ECANCELED;
			c->ended++;
		}
	}
}

/* Who cancels at the same time as others ends none twice, and forgets none. */
TEST_F_TIMEOUT(abuse, cancel_together, 240)
{
	void *(*const mains[])(void *) = {
		crowd_submit, crowd_cancel_all, crowd_cancel_some, crowd_reopen,
	};
	struct crowd *c = calloc(1, sizeof(*c));
	pthread_t threads[4];
	int size = 65536;
	unsigned int i;

	ASSERT_NE(NULL, c);
	c->fd = self->fd;
	c->handle = self->buf.handle;
	for (i = 0; i < CROWD_SOCKS; i++) {
		ASSERT_EQ(0, zct_pair(i & 1 ? AF_INET : AF_UNIX, c->socks[i]));
		/* Else one of TCP may grow to take a whole transfer. */
		setsockopt(c->socks[i][0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		setsockopt(c->socks[i][1], SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	}
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, mains[i], c));
	while (!c->over)
		crowd_take(c, 10);
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	crowd_cancel(c, 0, ZC_CANCEL_ALL);
	for (i = 0; i < 100 && c->ended < CROWD; i++)
		crowd_take(c, 100);
	crowd_take(c, 200);
	EXPECT_FALSE(crowd_cancel(c, 0, ZC_CANCEL_ALL));
	EXPECT_EQ(CROWD, c->ended);
	EXPECT_EQ(CROWD, c->canceled);
	EXPECT_EQ(CROWD, c->counted);
	EXPECT_EQ(0, c->odd);
	for (i = 0; i < CROWD_SOCKS; i++) {
		close(c->socks[i][0]);
		close(c->socks[i][1]);
	}
	free(c);
}

/*
 * Whose last user is the module are closed by it. One that lingers must not keep the
 * others from that.
 */
TEST_F_TIMEOUT(abuse, linger, 120)
{
	const struct linger linger = { .l_onoff = 1, .l_linger = 60 };
	struct zc_cancel cancel = { .user_data = 1 };
	uint64_t begin;
	int slow[2], quick[2], i;
	struct zct_rx rx;

	ASSERT_EQ(0, zct_pair(AF_INET, slow));
	ASSERT_EQ(0, setsockopt(slow[0], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	for (i = 0; i < 16; i++)
		ASSERT_EQ(0, submit(self->fd, self->buf.handle, slow[0], HUGE, 1));
	close(slow[0]);
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_CANCEL, &cancel));
	ASSERT_EQ(0, zct_pair(AF_INET, quick));
	for (i = 0; i < 16; i++)
		ASSERT_EQ(0, submit(self->fd, self->buf.handle, quick[0], HUGE, 2));
	close(quick[0]);
	begin = zct_now_ms();
	rx = (struct zct_rx){ .sock = quick[1] };
	zct_rx_start(&rx);
	zct_rx_join(&rx);
	EXPECT_EQ(16 * HUGE, rx.bytes);
	EXPECT_LT(zct_now_ms() - begin, 20000);
	close(quick[1]);
	close(slow[1]);
}

/**
 * struct holder - a thread that keeps the lock of a socket or a file for some seconds
 * @sock: sends to this …
 * @file: or writes to this …
 * @page: … what a slow disk has to be read for, while the lock is held
 */
struct holder {
	int sock;
	int file;
	const char *page;
	pthread_t thread;
};

/* More than there are quick workers, and than are sent to others at a time. */
#define HOLDERS	80
#define HELD_MS	4000

/* A page for each holder, so far apart that none is read with another. */
#define APART	(512 * 1024)

static char *slow_pages(int disk)
{
	char *map = mmap(NULL, HOLDERS * APART, PROT_READ, MAP_SHARED, disk, 0);

	if (map != MAP_FAILED)
		madvise(map, HOLDERS * APART, MADV_RANDOM);
	return map;
}

static void slow_pages_free(int disk, char *map)
{
	munmap(map, HOLDERS * APART);
	close(disk);
	zct_disk_free();
}

static void *hold(void *arg)
{
	const struct holder *h = arg;

	send(h->sock, h->page, 1, MSG_NOSIGNAL);
	return NULL;
}

/* Sends to sockets that somebody has locked wait for him; those to others do not. */
TEST_F_TIMEOUT(abuse, locked_sockets, 120)
{
	int disk = zct_disk_slow(64, HELD_MS), sock[HOLDERS][2], mine[2], i;
	struct holder holders[HOLDERS];
	uint64_t begin;
	struct zct_rx rx;
	char *map;

	if (disk < 0)
		SKIP(return, "no null_blk");
	map = slow_pages(disk);
	ASSERT_NE(MAP_FAILED, map);
	/* The workers of one processor are the fewest. */
	ASSERT_TRUE(zct_on_cpu(0));
	ASSERT_EQ(0, zct_pair(AF_INET, mine));
	for (i = 0; i < HOLDERS; i++) {
		ASSERT_EQ(0, zct_pair(AF_INET, sock[i]));
		holders[i] = (struct holder){ .sock = sock[i][0], .page = map + i * APART };
		ASSERT_EQ(0, pthread_create(&holders[i].thread, NULL, hold, &holders[i]));
	}
	usleep(500000);
	begin = zct_now_ms();
	for (i = 0; i < HOLDERS; i++)
		ASSERT_EQ(0, submit(self->fd, self->buf.handle, sock[i][0], 4096, 1));
	usleep(200000);
	ASSERT_EQ(0, submit(self->fd, self->buf.handle, mine[0], HUGE, 2));
	close(mine[0]);
	rx = (struct zct_rx){ .sock = mine[1] };
	zct_rx_start(&rx);
	zct_rx_join(&rx);
	EXPECT_EQ(HUGE, rx.bytes);
	EXPECT_LT(zct_now_ms() - begin, HELD_MS - 1000);
	close(mine[1]);
	for (i = 0; i < HOLDERS; i++) {
		pthread_join(holders[i].thread, NULL);
		close(sock[i][0]);
		close(sock[i][1]);
	}
	slow_pages_free(disk, map);
}

static void *hold_file(void *arg)
{
	const struct holder *h = arg;
	ssize_t n = pwrite(h->file, h->page, 1, 0);

	return n == 1 ? NULL : arg;
}

/* Reads of files that somebody has locked wait for him; those of others do not. */
TEST_F_TIMEOUT(abuse, locked_files, 120)
{
	int disk = zct_disk_slow(64, HELD_MS), sock[HOLDERS][2], mine[2], normal, i;
	struct zc_sendfile arg = { .len = MIB, .flags = ZC_SEND_ASYNC | ZC_SEND_DIRECT };
	struct holder holders[HOLDERS];
	uint64_t begin;
	struct zct_rx rx;
	char *map;

	if (disk < 0)
		SKIP(return, "no null_blk");
	map = slow_pages(disk);
	ASSERT_NE(MAP_FAILED, map);
	ASSERT_TRUE(zct_on_cpu(0));
	for (i = 0; i < HOLDERS; i++) {
		holders[i].page = map + i * APART;
		holders[i].file = zct_pattern_file(EXT4_DIR "/locked", MIB);
		ASSERT_GE(holders[i].file, 0);
		unlink(EXT4_DIR "/locked");
		ASSERT_EQ(0, zct_pair(AF_INET, sock[i]));
	}
	normal = zct_pattern_file(EXT4_DIR "/normal", MIB);
	ASSERT_GE(normal, 0);
	unlink(EXT4_DIR "/normal");
	ASSERT_EQ(0, zct_pair(AF_INET, mine));
	for (i = 0; i < HOLDERS; i++)
		ASSERT_EQ(0, pthread_create(&holders[i].thread, NULL, hold_file, &holders[i]));
	usleep(500000);
	begin = zct_now_ms();
	for (i = 0; i < HOLDERS; i++) {
		arg.in_fd = holders[i].file;
		arg.out_fd = sock[i][0];
		ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_SENDFILE, &arg));
	}
	usleep(200000);
	arg.in_fd = normal;
	arg.out_fd = mine[0];
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_SENDFILE, &arg));
	close(mine[0]);
	rx = (struct zct_rx){ .sock = mine[1], .check = true };
	zct_rx_start(&rx);
	zct_rx_join(&rx);
	EXPECT_EQ(MIB, rx.bytes);
	EXPECT_EQ(-1, rx.bad);
	EXPECT_LT(zct_now_ms() - begin, HELD_MS - 1000);
	close(mine[1]);
	close(normal);
	for (i = 0; i < HOLDERS; i++) {
		void *failed;

		pthread_join(holders[i].thread, &failed);
		EXPECT_EQ(NULL, failed);
		close(holders[i].file);
		close(sock[i][0]);
		close(sock[i][1]);
	}
	slow_pages_free(disk, map);
}

static int pass(int sock, const int *fds, size_t nr)
{
	union {
		struct cmsghdr head;
		char data[CMSG_SPACE(2 * sizeof(int))];
	} control = {};
	char c = 'x';
	struct iovec iov = { &c, 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(nr * sizeof(int)),
	};
	struct cmsghdr *cm = CMSG_FIRSTHDR(&msg);

	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(nr * sizeof(int));
	memcpy(CMSG_DATA(cm), fds, nr * sizeof(int));
	return sendmsg(sock, &msg, 0) == 1 ? 0 : -errno;
}

/*
 * A send keeps its socket, in whose queue lie the device, which keeps the send, and
 * the other end: nobody can reach any of them.
 */
static void make_cycle(void)
{
	struct zc_buf_create buf;
	int sock[2], fd = open("/dev/zc", O_RDWR | O_CLOEXEC), both[2];

	if (fd < 0 || zct_pair(AF_UNIX, sock) ||
	    zct_create(fd, 4 * HUGE, 0, ZC_NODE_ANY, &buf) ||
	    submit(fd, buf.handle, sock[0], 4 * HUGE, 1))
		_exit(1);
	both[0] = fd;
	both[1] = sock[1];
	if (pass(sock[1], both, 2))
		_exit(2);
	close(fd);
	close(sock[0]);
	close(sock[1]);
	_exit(0);
}

TEST_F_TIMEOUT(abuse, unix_cycle, 120)
{
	uint64_t used = zct_used(self->fd);
	int status, i;

	for (i = 0; i < 4; i++) {
		pid_t pid = fork();

		if (!pid)
			make_cycle();
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		ASSERT_EQ(0, status);
	}
	EXPECT_TRUE(zct_used_becomes(self->fd, used, 2000));
}

#define DUPS	20000

/* What a child takes to die that has many descriptors of the device; ms. */
static uint64_t dying_with_many(int fd)
{
	int ready[2], go[2], i;
	uint64_t begin;
	char byte;
	pid_t pid;

	if (pipe(ready) || pipe(go))
		return 0;
	pid = fork();
	if (!pid) {
		for (i = 0; i < DUPS; i++)
			if (dup(fd) < 0)
				_exit(1);
		if (write(ready[1], "", 1) == 1 && read(go[0], &byte, 1) == 1)
			_exit(0);
		_exit(2);
	}
	i = read(ready[0], &byte, 1);
	begin = zct_now_ms();
	i = write(go[1], "", 1) == i && waitpid(pid, &i, 0) == pid ? i : -1;
	begin = zct_now_ms() - begin;
	close(ready[0]);
	close(ready[1]);
	close(go[0]);
	close(go[1]);
	return i ? 0 : begin + 1;
}

/* Each is closed, and none of the sends of others is looked at for each. */
TEST_F_TIMEOUT(abuse, many_descriptors, 240)
{
	struct rlimit files = { DUPS + 100, DUPS + 100 };
	uint64_t without, with;
	int i;

	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &files));
	without = dying_with_many(self->fd);
	ASSERT_NE(0, without);
	for (i = 0; i < DUPS; i++)
		ASSERT_EQ(0, submit(self->fd, self->buf.handle, self->sock[0], HUGE, i));
	with = dying_with_many(self->fd);
	ASSERT_NE(0, with);
	TH_LOG("%llu ms, %llu ms with %d sends", (unsigned long long)without,
	       (unsigned long long)with, DUPS);
	EXPECT_LT(with, 4 * without + 1000);
}

/* A program may close one of several descriptors: the sends go on. */
TEST_F_TIMEOUT(abuse, duplicate_closed, 120)
{
	struct pollfd p = { .fd = self->fd, .events = POLLIN };
	struct zct_rx rx = { .sock = self->sock[1] };

	ASSERT_EQ(0, submit(self->fd, self->buf.handle, self->sock[0], HUGE, 1));
	close(dup(self->fd));
	EXPECT_EQ(0, poll(&p, 1, 300));
	zct_rx_start(&rx);
	EXPECT_EQ(1, poll(&p, 1, 20000));
	shutdown(self->sock[0], SHUT_WR);
	zct_rx_join(&rx);
	EXPECT_EQ(HUGE, rx.bytes);
}

TEST_HARNESS_MAIN
