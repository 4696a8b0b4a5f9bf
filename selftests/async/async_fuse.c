// SPDX-License-Identifier: GPL-2.0-only
/* Files whose reads a program has to answer, and does not: FUSE. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "zc_test.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(fuse)

/* A mount of one file, its root: nobody has to look up anything. */
#define NAME	"/tmp/zc-fuse"
#define NORMAL	EXT4_DIR "/zc-fuse"
/* Enough for a hugepage, which is counted. */
#define SIZE	(4 * MIB)
/* In one request, and so in one read. */
#define PART	65536u

/* More than there are workers for the files of local disks. */
#define NR	20

/**
 * struct server - who answers
 * @dev:    the connection
 * @flags:  FUSE_INIT flags
 * @size:   of the file, bytes
 * @hold:   reads from here on get no answer
 * @deaf:   does not even listen, and never will
 * @lock:   of the following
 * @nr:     reads that wait for their answer
 * @waits:  those reads
 */
struct server {
	int dev;
	uint32_t flags;
	uint64_t size;
	uint64_t hold;
	bool deaf;
	pthread_t thread;
	pthread_mutex_t lock;
	unsigned int nr;
	struct {
		uint64_t unique;
		struct fuse_read_in in;
	} waits[256];
};

static void answer(struct server *s, uint64_t unique, int err, const void *data, size_t len)
{
	struct fuse_out_header head = { .len = sizeof(head) + len, .error = err,
					.unique = unique };
	char buf[sizeof(head) + (1 << 17)];

	memcpy(buf, &head, sizeof(head));
	if (len)
		memcpy(buf + sizeof(head), data, len);
	/* Nobody may want it any more. */
	if (write(s->dev, buf, head.len) < 0)
		return;
}

static void answer_read(struct server *s, uint64_t unique, const struct fuse_read_in *in)
{
	size_t len = in->offset < s->size ? s->size - in->offset : 0;
	char buf[1 << 17];

	if (len > in->size)
		len = in->size;
	zct_pattern(buf, in->offset, len);
	answer(s, unique, 0, buf, len);
}

static void serve_read(struct server *s, uint64_t unique, const struct fuse_read_in *in)
{
	if (in->offset < s->hold) {
		answer_read(s, unique, in);
		return;
	}
	pthread_mutex_lock(&s->lock);
	if (s->nr < sizeof(s->waits) / sizeof(*s->waits)) {
		s->waits[s->nr].unique = unique;
		s->waits[s->nr++].in = *in;
	}
	pthread_mutex_unlock(&s->lock);
}

static void serve(struct server *s, const struct fuse_in_header *head, const void *arg)
{
	struct fuse_init_out init = {
		.major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
		.flags = s->flags,
		.max_background = 200,
		.max_readahead = 1 << 17,
		.max_write = 1 << 17,
	};
	struct fuse_attr_out attr = {
		.attr_valid = 1000,
		.attr = { .ino = 1, .size = s->size, .mode = S_IFREG | 0644, .nlink = 1 },
	};
	struct fuse_open_out opened = { .fh = 1 };

	switch (head->opcode) {
	case FUSE_INIT:
		answer(s, head->unique, 0, &init, sizeof(init));
		break;
	case FUSE_GETATTR:
		answer(s, head->unique, 0, &attr, sizeof(attr));
		break;
	case FUSE_OPEN:
		answer(s, head->unique, 0, &opened, sizeof(opened));
		break;
	case FUSE_READ:
		serve_read(s, head->unique, arg);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		answer(s, head->unique, head->opcode == FUSE_RELEASE ? 0 : -ENOSYS, NULL, 0);
	}
}

static void *server_main(void *data)
{
	static char buf[1 << 18];
	struct server *s = data;
	struct pollfd p = { .fd = s->dev, .events = POLLIN };

	while (!__atomic_load_n(&s->deaf, __ATOMIC_RELAXED)) {
		const struct fuse_in_header *head = (void *)buf;

		if (poll(&p, 1, 20) < 1)
			continue;
		if (read(s->dev, buf, sizeof(buf)) >= (ssize_t)sizeof(*head))
			serve(s, head, head + 1);
		else if (errno == ENODEV)
			break;
	}
	return NULL;
}

/* Wait until @nr reads wait for their answers, 5 seconds at most. */
static bool server_holds(struct server *s, unsigned int nr)
{
	uint64_t end = zct_now_ms() + 5000;

	while (__atomic_load_n(&s->nr, __ATOMIC_RELAXED) < nr) {
		if (zct_now_ms() > end)
			return false;
		usleep(10000);
	}
	return true;
}

/* Answer all, and from now on at once. */
static void server_answers(struct server *s)
{
	pthread_mutex_lock(&s->lock);
	s->hold = UINT64_MAX;
	while (s->nr) {
		s->nr--;
		answer_read(s, s->waits[s->nr].unique, &s->waits[s->nr].in);
	}
	pthread_mutex_unlock(&s->lock);
}

/* The file has another size, and nobody is to go by the old one. */
static bool server_resizes(struct server *s, uint64_t size)
{
	struct {
		struct fuse_out_header head;
		struct fuse_notify_inval_inode_out arg;
	} note = {
		.head = { .len = sizeof(note), .error = FUSE_NOTIFY_INVAL_INODE },
		.arg = { .ino = 1, .off = -1 },
	};

	__atomic_store_n(&s->size, size, __ATOMIC_SEQ_CST);
	return write(s->dev, &note, sizeof(note)) == sizeof(note);
}

/* No longer listen. What comes from now on is in nobody's hands. */
static void server_deaf(struct server *s)
{
	__atomic_store_n(&s->deaf, true, __ATOMIC_RELAXED);
	pthread_join(s->thread, NULL);
}

/* As umount -f: all that waits fails, though the file is open yet. */
static void abort_all(void)
{
	umount2(NAME, MNT_FORCE);
}

FIXTURE(fuse)
{
	int fd;
	int file;
	int normal;
	uint64_t used;
	struct server server;
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

static int server_start(struct server *s)
{
	char opts[128];

	s->dev = open("/dev/fuse", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	snprintf(opts, sizeof(opts), "fd=%d,rootmode=100000,user_id=0,group_id=0", s->dev);
	if (s->dev < 0 || mount("zc", NAME, "fuse", MS_NOSUID | MS_NODEV, opts))
		return -errno;
	pthread_mutex_init(&s->lock, NULL);
	pthread_create(&s->thread, NULL, server_main, s);
	return 0;
}

FIXTURE_SETUP(fuse)
{
	struct stat st;
	int i;

	if (system("modprobe -q fuse 2>/dev/null; grep -qw fuse /proc/filesystems"))
		SKIP(return, "the kernel has no fuse");
	umount2(NAME, MNT_FORCE | MNT_DETACH);
	close(open(NAME, O_CREAT | O_WRONLY, 0600));
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->used = zct_used(self->fd);
	self->normal = zct_pattern_file(NORMAL, SIZE);
	ASSERT_GE(self->normal, 0);
	for (i = 0; i <= NR; i++)
		ASSERT_EQ(0, zct_pair(AF_INET, self->sock[i]));
	self->server.flags = variant->flags;
	self->server.size = SIZE;
	ASSERT_EQ(0, server_start(&self->server));
	self->file = open(NAME, O_RDONLY | O_CLOEXEC);
	ASSERT_GE(self->file, 0);
	ASSERT_EQ(0, fstat(self->file, &st));
	ASSERT_EQ(SIZE, st.st_size);
	/* It has nothing to say to that, and is not asked again. */
	close(dup(self->file));
}

FIXTURE_TEARDOWN(fuse)
{
	int i;

	abort_all();
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 2000));
	server_deaf(&self->server);
	close(self->file);
	close(self->server.dev);
	EXPECT_EQ(0, umount2(NAME, MNT_DETACH));
	for (i = 0; i <= NR; i++) {
		close(self->sock[i][0]);
		close(self->sock[i][1]);
	}
	close(self->normal);
	close(self->fd);
	unlink(NORMAL);
	unlink(NAME);
}

static int zc_send(SELF *self, int file, int sock, uint64_t len, uint32_t flags,
		   struct zc_sendfile *arg)
{
	*arg = (struct zc_sendfile){
		.in_fd = file,
		.out_fd = sock,
		.len = len,
		.flags = flags,
		.user_data = file,
	};
	return zct_ioctl(self->fd, ZC_IOC_SENDFILE, arg);
}

/* Read one event within @ms. Returns how many there were. */
static int next_event(SELF *self, int ms)
{
	struct pollfd p = { .fd = self->fd, .events = POLLIN };

	if (poll(&p, 1, ms) != 1)
		return 0;
	return read(self->fd, &self->ev, sizeof(self->ev)) / (int)sizeof(self->ev);
}

/* Transfers to as many sockets, all of which wait for the server. */
static void submit_all(struct __test_metadata *_metadata, SELF *self, uint64_t len)
{
	struct zc_sendfile arg;
	int i;

	for (i = 0; i < NR; i++)
		ASSERT_EQ(0, zc_send(self, self->file, self->sock[i][0], len,
				     ZC_SEND_ASYNC, &arg));
	ASSERT_TRUE(server_holds(&self->server, NR));
}

static pid_t send_in_child(SELF *self)
{
	struct zc_sendfile arg;
	pid_t pid = fork();

	if (pid)
		return pid;
	/* The connection ends with its last descriptor. */
	close(self->server.dev);
	zc_send(self, self->file, self->sock[0][0], SIZE, 0, &arg);
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

TEST_F_TIMEOUT(fuse, answered, 60)
{
	struct zc_sendfile arg;
	struct zct_rx rx;

	self->server.hold = UINT64_MAX;
	EXPECT_EQ(0, zct_send(self->fd, AF_INET, self->file, 5, UINT64_MAX, 0, &arg, &rx));
	EXPECT_EQ(SIZE - 5, arg.sent);
	EXPECT_EQ(SIZE - 5, rx.bytes);
	EXPECT_EQ(-1, rx.bad);
	EXPECT_EQ(0, arg.cached);
}

/* It has grown or shrunk elsewhere, as read(2) finds out when it comes to the old end. */
TEST_F_TIMEOUT(fuse, resized, 60)
{
	static const uint64_t sizes[] = { 2 * SIZE, SIZE / 2, 0, SIZE + 5 };
	struct zc_sendfile arg;
	struct zct_rx rx;
	unsigned int i;

	self->server.hold = UINT64_MAX;
	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		ASSERT_TRUE(server_resizes(&self->server, sizes[i]));
		EXPECT_EQ(0, zct_send(self->fd, AF_INET, self->file, 0, UINT64_MAX, 0, &arg,
				      &rx));
		EXPECT_EQ(sizes[i], arg.sent);
		EXPECT_EQ(sizes[i], rx.bytes);
		EXPECT_EQ(-1, rx.bad);
		ASSERT_TRUE(server_resizes(&self->server, SIZE));
		rx = (struct zct_rx){ .sock = self->sock[i][1], .check = true };
		zct_rx_start(&rx);
		ASSERT_EQ(0, zc_send(self, self->file, self->sock[i][0], UINT64_MAX,
				     ZC_SEND_ASYNC, &arg));
		ASSERT_EQ(1, next_event(self, 5000));
		EXPECT_EQ(0, self->ev.error);
		EXPECT_EQ(SIZE, self->ev.sent);
		shutdown(self->sock[i][0], SHUT_WR);
		zct_rx_join(&rx);
		EXPECT_EQ(SIZE, rx.bytes);
		EXPECT_EQ(-1, rx.bad);
	}
}

/* The server has the read, and then it is gone: so is who waited, killed or not. */
TEST_F_TIMEOUT(fuse, aborted, 60)
{
	pid_t pid = send_in_child(self);
	int status;

	ASSERT_TRUE(server_holds(&self->server, 1));
	EXPECT_FALSE(gone(pid, &status, 300));
	abort_all();
	ASSERT_TRUE(gone(pid, &status, 1000));
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_TRUE(WEXITSTATUS(status) == ENOTCONN || WEXITSTATUS(status) == ECONNABORTED)
		TH_LOG("status %#x", status);
	EXPECT_EQ(self->used, zct_used(self->fd));
}

TEST_F_TIMEOUT(fuse, killed, 60)
{
	pid_t pid = send_in_child(self);
	int status;

	ASSERT_TRUE(server_holds(&self->server, 1));
	/* As of read(2): the server may write to the memory of a read that it has. */
	kill(pid, SIGKILL);
	EXPECT_FALSE(gone(pid, &status, 300));
	EXPECT_GT(zct_used(self->fd), self->used);
	abort_all();
	ASSERT_TRUE(gone(pid, &status, 1000));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(self->used, zct_used(self->fd));
}

/* The server has not taken the read yet: FUSE forgets one that somebody waits for. */
TEST_F_TIMEOUT(fuse, killed_before_taken, 60)
{
	int status;
	pid_t pid;

	server_deaf(&self->server);
	pid = send_in_child(self);
	EXPECT_FALSE(gone(pid, &status, 300));
	kill(pid, SIGKILL);
	if (variant->flags & FUSE_ASYNC_DIO) {
		EXPECT_FALSE(gone(pid, &status, 300));
		abort_all();
	}
	ASSERT_TRUE(gone(pid, &status, 1000));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(self->used, zct_used(self->fd));
}

/* A server that goes in the middle: what it gave is sent, and the count is right. */
TEST_F_TIMEOUT(fuse, aborted_in_the_middle, 60)
{
	struct zct_rx rx = { .sock = self->sock[0][1], .check = true };
	struct zc_sendfile arg;

	self->server.hold = 4 * PART;
	zct_rx_start(&rx);
	ASSERT_EQ(0, zc_send(self, self->file, self->sock[0][0], SIZE, ZC_SEND_ASYNC, &arg));
	ASSERT_TRUE(server_holds(&self->server, 1));
	EXPECT_EQ(0, next_event(self, 300));
	abort_all();
	ASSERT_EQ(1, next_event(self, 1000));
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
		ASSERT_EQ(0, zc_send(self, self->normal, self->sock[NR][0], SIZE,
				     ZC_SEND_ASYNC | flags[i], &arg));
		ASSERT_EQ(1, next_event(self, 5000));
		EXPECT_EQ(self->normal, self->ev.user_data);
		EXPECT_EQ(SIZE, self->ev.sent);
	}
	server_answers(&self->server);
	for (i = 0; i < NR; i++) {
		ASSERT_EQ(1, next_event(self, 5000));
		EXPECT_EQ(self->file, self->ev.user_data);
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
	struct zc_cancel cancel = { .user_data = self->file };
	uint64_t begin;
	int i;

	submit_all(_metadata, self, PART);
	begin = zct_now_ms();
	EXPECT_EQ(0, zct_ioctl(self->fd, ZC_IOC_CANCEL, &cancel));
	EXPECT_EQ(NR, cancel.count);
	EXPECT_LT(zct_now_ms() - begin, 1000);
	EXPECT_EQ(0, next_event(self, 300));
	EXPECT_EQ(-ENOENT, zct_ioctl(self->fd, ZC_IOC_CANCEL, &cancel));
	server_answers(&self->server);
	for (i = 0; i < NR; i++) {
		ASSERT_EQ(1, next_event(self, 1000));
		/* Who waits in a read cannot be canceled meanwhile, and may send it. */
		if (self->ev.error) {
			EXPECT_EQ(ECANCELED, self->ev.error);
			EXPECT_EQ(0, self->ev.sent);
		} else {
			EXPECT_FALSE(variant->flags & FUSE_ASYNC_DIO);
			EXPECT_EQ(PART, self->ev.sent);
		}
	}
	EXPECT_EQ(0, next_event(self, 100));
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 1000));
}

/* Nor do those wait that come behind it on its socket, and are canceled too. */
TEST_F_TIMEOUT(fuse, canceled_behind, 60)
{
	struct zc_cancel cancel = { .user_data = self->file };
	struct zc_sendfile arg;
	/* Who waits in a read holds up its socket. */
	int soon = variant->flags & FUSE_ASYNC_DIO ? 1 : 0;

	ASSERT_EQ(0, zc_send(self, self->file, self->sock[0][0], PART, ZC_SEND_ASYNC, &arg));
	ASSERT_TRUE(server_holds(&self->server, 1));
	ASSERT_EQ(0, zc_send(self, self->normal, self->sock[0][0], PART, ZC_SEND_ASYNC,
			     &arg));
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_CANCEL, &cancel));
	EXPECT_EQ(0, next_event(self, 300));
	cancel.user_data = self->normal;
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_CANCEL, &cancel));
	ASSERT_EQ(soon, next_event(self, 1000));
	if (!soon)
		return;
	EXPECT_EQ(self->normal, self->ev.user_data);
	EXPECT_EQ(ECANCELED, self->ev.error);
	server_answers(&self->server);
	ASSERT_EQ(1, next_event(self, 1000));
	EXPECT_EQ(self->file, self->ev.user_data);
	EXPECT_EQ(ECANCELED, self->ev.error);
	EXPECT_EQ(0, self->ev.sent);
}

TEST_F_TIMEOUT(fuse, all_aborted, 60)
{
	int i;

	submit_all(_metadata, self, SIZE);
	EXPECT_GT(zct_used(self->fd), self->used);
	abort_all();
	for (i = 0; i < NR; i++) {
		ASSERT_EQ(1, next_event(self, 1000));
		EXPECT_TRUE(self->ev.error == ENOTCONN || self->ev.error == ECONNABORTED)
			TH_LOG("error %u", self->ev.error);
		EXPECT_EQ(0, self->ev.sent);
	}
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 1000));
}

/* The last close does not wait; the memory is back when the server has gone. */
TEST_F_TIMEOUT(fuse, closed, 60)
{
	struct pollfd p = { .fd = self->sock[0][1], .events = POLLIN };
	uint64_t begin;
	char c;
	int i;

	submit_all(_metadata, self, SIZE);
	EXPECT_GT(zct_used(self->fd), self->used);
	for (i = 0; i < NR; i++)
		close(self->sock[i][0]);
	begin = zct_now_ms();
	close(self->fd);
	EXPECT_LT(zct_now_ms() - begin, 1000);
	self->fd = zct_open();
	EXPECT_EQ(0, poll(&p, 1, 300));
	abort_all();
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 1000));
	for (i = 0; i < NR; i++) {
		p.fd = self->sock[i][1];
		/* The transfers had the last references to the sockets. */
		EXPECT_EQ(1, poll(&p, 1, 1000));
		EXPECT_EQ(0, recv(self->sock[i][1], &c, 1, MSG_DONTWAIT));
		self->sock[i][0] = -1;
	}
}

TEST_HARNESS_MAIN
