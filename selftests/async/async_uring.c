// SPDX-License-Identifier: GPL-2.0-only
/* Both sends as commands of io_uring. */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "zc_test.h"

/* As programs do it */
#include <zc/uring.h>

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(uring)

#define NAME	EXT4_DIR "/async_uring"
#define SIZE	(8 * HUGE + 12345)
#define ENTRIES	64

FIXTURE(uring)
{
	int fd;
	int file;
	uint64_t used;
	long long life;
	int sock[2];
	struct zct_rx rx;
	struct io_uring ring;
	struct zc_sendfile arg[ENTRIES];
};

FIXTURE_SETUP(uring)
{
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->used = zct_used(self->fd);
	self->life = zct_param("uring_life");
	self->file = zct_pattern_file(NAME, SIZE);
	ASSERT_GE(self->file, 0);
	ASSERT_EQ(0, zct_pair(AF_INET, self->sock));
	self->ring.ring_fd = -1;
	ASSERT_EQ(0, io_uring_queue_init(ENTRIES, &self->ring, 0));
}

FIXTURE_TEARDOWN(uring)
{
	EXPECT_EQ(0, zct_param_set("uring_life", self->life));
	if (self->ring.ring_fd >= 0)
		io_uring_queue_exit(&self->ring);
	close(self->sock[0]);
	close(self->sock[1]);
	close(self->fd);
	self->fd = zct_open();
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 1000));
	close(self->fd);
	close(self->file);
	unlink(NAME);
}

static bool kernel_cancels(void)
{
	int major, minor;
	struct utsname u;

	uname(&u);
	return sscanf(u.release, "%d.%d", &major, &minor) == 2 &&
	       major * 1000 + minor >= 6007;
}

static struct io_uring_sqe *command(SELF *self, unsigned long op, void *arg,
				    size_t size)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&self->ring);

	zc_uring_prep(sqe, self->fd, op, arg, size);
	return sqe;
}

static void queue(SELF *self, int i, int sock, uint64_t offset, uint64_t len)
{
	self->arg[i] = (struct zc_sendfile){
		.in_fd = self->file,
		.out_fd = sock,
		.offset = offset,
		.len = len,
		.user_data = i,
	};
	command(self, ZC_IOC_SENDFILE, &self->arg[i], sizeof(self->arg[i]))->user_data = i;
}

/* Wait at most @ms for a completion. Returns its result, or -ETIME. */
static int completion(SELF *self, int ms, uint64_t *user_data)
{
	struct __kernel_timespec ts = { ms / 1000, ms % 1000 * 1000000 };
	struct io_uring_cqe *cqe;
	int ret;

	ret = io_uring_wait_cqe_timeout(&self->ring, &cqe, &ts);
	if (ret)
		return ret;
	ret = cqe->res;
	if (user_data)
		*user_data = cqe->user_data;
	io_uring_cqe_seen(&self->ring, cqe);
	return ret;
}

static void receive(SELF *self, uint64_t offset)
{
	self->rx = (struct zct_rx){ .sock = self->sock[1], .offset = offset,
				    .check = true };
	zct_rx_start(&self->rx);
}

static void finish(struct __test_metadata *_metadata, SELF *self, uint64_t bytes)
{
	shutdown(self->sock[0], SHUT_WR);
	zct_rx_join(&self->rx);
	EXPECT_EQ(bytes, self->rx.bytes);
	EXPECT_EQ(-1, self->rx.bad);
}

TEST_F_TIMEOUT(uring, sendfile, 120)
{
	uint64_t id;

	receive(self, 5);
	queue(self, 3, self->sock[0], 5, SIZE);
	EXPECT_EQ(1, io_uring_submit(&self->ring));
	/* The arguments have been read. */
	memset(self->arg, 0xff, sizeof(self->arg));
	EXPECT_EQ(SIZE - 5, completion(self, 20000, &id));
	EXPECT_EQ(3, id);
	finish(_metadata, self, SIZE - 5);
	EXPECT_EQ(0, zct_cached(self->file, SIZE));
}

/* By the kernel's own threads, and by a thread that polls the ring. */
TEST_F_TIMEOUT(uring, other_threads, 120)
{
	struct io_uring_params p = { .flags = IORING_SETUP_SQPOLL,
				     .sq_thread_idle = 1000 };
	int i;

	receive(self, 0);
	for (i = 0; i < 8; i++) {
		queue(self, i, self->sock[0], i * HUGE, HUGE);
		io_uring_sqe_set_flags(&self->ring.sq.sqes[i], IOSQE_ASYNC | IOSQE_IO_LINK);
	}
	self->ring.sq.sqes[7].flags = IOSQE_ASYNC;
	EXPECT_EQ(8, io_uring_submit(&self->ring));
	for (i = 0; i < 8; i++)
		EXPECT_EQ(HUGE, completion(self, 20000, NULL));
	io_uring_queue_exit(&self->ring);
	ASSERT_EQ(0, io_uring_queue_init_params(ENTRIES, &self->ring, &p));
	queue(self, 0, self->sock[0], 8 * HUGE, HUGE);
	EXPECT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_EQ(12345, completion(self, 20000, NULL));
	finish(_metadata, self, SIZE);
}

/* The bytes come in order; io_uring promises no order of completions. */
TEST_F_TIMEOUT(uring, order, 120)
{
	uint64_t at = 0, id, seen = 0;
	int i;

	for (i = 0; i < ENTRIES; i++) {
		queue(self, i, self->sock[0], at, SIZE / ENTRIES);
		at += SIZE / ENTRIES;
	}
	EXPECT_EQ(ENTRIES, io_uring_submit(&self->ring));
	receive(self, 0);
	for (i = 0; i < ENTRIES; i++) {
		EXPECT_EQ(SIZE / ENTRIES, completion(self, 20000, &id));
		EXPECT_EQ(0, seen & 1ull << id);
		seen |= 1ull << id;
	}
	finish(_metadata, self, at);
}

TEST_F_TIMEOUT(uring, buffer, 120)
{
	struct zc_event ev;
	struct zc_buf_create buf;
	struct zc_send arg;
	void *map;

	ASSERT_EQ(0, zct_create(self->fd, 2 * HUGE, 0, ZC_NODE_ANY, &buf));
	map = zct_map(self->fd, &buf);
	ASSERT_NE(MAP_FAILED, map);
	zct_pattern(map, 0, 2 * HUGE);
	munmap(map, 2 * HUGE);
	arg = (struct zc_send){ .handle = buf.handle, .out_fd = self->sock[0],
				.len = 2 * HUGE, .user_data = 12 };
	command(self, ZC_IOC_SEND, &arg, sizeof(arg));
	EXPECT_EQ(1, io_uring_submit(&self->ring));
	receive(self, 0);
	EXPECT_EQ(2 * HUGE, completion(self, 20000, NULL));
	/* The end of the use is told as ever. */
	EXPECT_EQ(sizeof(ev), read(self->fd, &ev, sizeof(ev)));
	EXPECT_EQ(ZC_EVENT_RELEASED, ev.type);
	EXPECT_EQ(12, ev.user_data);
	finish(_metadata, self, 2 * HUGE);
}

TEST_F_TIMEOUT(uring, large_completion, 120)
{
	struct io_uring_cqe *cqe;
	int file = open("/tmp/async_hole", O_RDWR | O_CREAT | O_TRUNC, 0600);

	io_uring_queue_exit(&self->ring);
	ASSERT_EQ(0, io_uring_queue_init(ENTRIES, &self->ring,
					 IORING_SETUP_CQE32 | IORING_SETUP_SQE128));
	ASSERT_EQ(0, ftruncate(file, 4096));
	queue(self, 0, self->sock[0], 0, 4096);
	self->arg[0].in_fd = file;
	EXPECT_EQ(1, io_uring_submit(&self->ring));
	ASSERT_EQ(0, io_uring_wait_cqe(&self->ring, &cqe));
	EXPECT_EQ(4096, cqe->res);
	/* Holes of tmpfs are read by copying. */
	EXPECT_EQ(4096, cqe->big_cqe[0]);
	io_uring_cqe_seen(&self->ring, cqe);
	close(file);
	unlink("/tmp/async_hole");
}

TEST_F_TIMEOUT(uring, errors, 120)
{
	struct zc_sendfile *arg = &self->arg[0];
	struct io_uring_sqe *sqe;
	void *map;
	int i;

	for (i = 0; i < 12; i++) {
		static const int want[] = {
			-EBADF, -EBADF, -EINVAL, -EINVAL, -EINVAL, -EFAULT, -ENOTTY,
			-E2BIG, -EINVAL, -EINVAL, -EFAULT, -ENOTTY,
		};
		struct {
			struct zc_sendfile arg;
			uint64_t more;
		} large = { .more = 1 };
		unsigned long op = i == 6 ? ZC_IOC_QUERY : i == 11 ? 0 :
				   ZC_IOC_SENDFILE;

		*arg = (struct zc_sendfile){
			.in_fd = i == 0 ? -1 : self->file,
			.out_fd = i == 1 ? -1 : self->sock[0],
			.len = 1,
			.flags = i == 2 ? ZC_SEND_POS : i == 3 ? 1u << 31 : 0,
			.__resv = { i == 4 },
		};
		large.arg = *arg;
		sqe = command(self, op, i == 5 ? NULL : i == 7 ? (void *)&large : arg,
			      i == 7 ? sizeof(large) : i == 8 ? sizeof(*arg) - 8 :
			      sizeof(*arg));
		if (i == 9)
			((struct zc_uring_cmd *)((char *)sqe + 48))->__resv = 1;
		if (i == 10)
			((struct zc_uring_cmd *)((char *)sqe + 48))->addr = UINT64_MAX - 7;
		sqe->flags = i & 1 ? IOSQE_ASYNC : 0;
		EXPECT_EQ(1, io_uring_submit(&self->ring));
		EXPECT_EQ(want[i], completion(self, 5000, NULL)) TH_LOG("case %d", i);
	}
	/* Longer than anything, if only by zeros: somebody would have to go through them. */
	map = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(map != MAP_FAILED);
	*(struct zc_sendfile *)map = (struct zc_sendfile){
		.in_fd = self->file,
		.out_fd = self->sock[0],
		.len = 1,
	};
	command(self, ZC_IOC_SENDFILE, map, 4096);
	command(self, ZC_IOC_SENDFILE, map, 4096 + 8);
	EXPECT_EQ(2, io_uring_submit(&self->ring));
	EXPECT_EQ(-E2BIG + 1, completion(self, 5000, NULL) + completion(self, 5000, NULL));
	munmap(map, 2 * 4096);
	/* A peer that has gone. */
	close(self->sock[1]);
	for (i = 0; i < 3; i++) {
		queue(self, i, self->sock[0], 0, SIZE);
		EXPECT_EQ(1, io_uring_submit(&self->ring));
	}
	for (i = 0; i < 3; i++) {
		uint64_t id = 3;
		int ret = completion(self, 5000, &id);

		/* The last to be done; its completion may come first. */
		if (id == 2)
			EXPECT_EQ(-EPIPE, ret);
		EXPECT_GT(3, id);
	}
}

/* What a file has to say depends on who reads it: none that a worker reads. */
TEST_F(uring, personal)
{
	static const char * const files[] = { "/proc/sys/kernel/hostname", "/sys/kernel/notes" };
	int i;

	for (i = 0; i < 2; i++) {
		close(self->file);
		self->file = open(files[i], O_RDONLY);
		ASSERT_GE(self->file, 0);
		queue(self, 0, self->sock[0], 0, 4096);
		EXPECT_EQ(1, io_uring_submit(&self->ring));
		EXPECT_EQ(-EOPNOTSUPP, completion(self, 5000, NULL));
	}
}

TEST_F_TIMEOUT(uring, canceled, 120)
{
	struct zc_cancel arg = { .user_data = 1 };
	uint64_t id;
	int ret;

	queue(self, 0, self->sock[0], 0, SIZE);
	queue(self, 1, self->sock[0], 0, SIZE);
	EXPECT_EQ(2, io_uring_submit(&self->ring));
	EXPECT_EQ(-ETIME, completion(self, 300, NULL));
	EXPECT_EQ(0, zct_ioctl(self->fd, ZC_IOC_CANCEL, &arg));
	EXPECT_EQ(1, arg.count);
	EXPECT_EQ(-ECANCELED, completion(self, 1000, &id));
	EXPECT_EQ(1, id);
	arg = (struct zc_cancel){ .flags = ZC_CANCEL_ALL };
	EXPECT_EQ(0, zct_ioctl(self->fd, ZC_IOC_CANCEL, &arg));
	/* What was sent is told. */
	ret = completion(self, 1000, &id);
	EXPECT_EQ(0, id);
	EXPECT_GT(ret, 0);
	EXPECT_LT(ret, SIZE);
	receive(self, 0);
	finish(_metadata, self, ret);
}

/* The ring goes away with commands under way to peers that do not read. */
TEST_F_TIMEOUT(uring, ring_closed, 120)
{
	struct zc_cancel arg = { .flags = ZC_CANCEL_ALL };
	int i;

	ASSERT_EQ(0, zct_param_set("uring_life", 5000));
	for (i = 0; i < 10; i++)
		queue(self, i, self->sock[0], 0, SIZE);
	EXPECT_EQ(10, io_uring_submit(&self->ring));
	EXPECT_EQ(-ETIME, completion(self, 300, NULL));
	io_uring_queue_exit(&self->ring);
	self->ring.ring_fd = -1;
	/* Before 6.7 the kernel does not ask: their life is the limit. */
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used,
				     kernel_cancels() ? 1000 : 6000));
	sleep(kernel_cancels() ? 1 : 6);
	EXPECT_EQ(-ENOENT, zct_ioctl(self->fd, ZC_IOC_CANCEL, &arg));
}

/* Commands have a life each, and end in the order of their ends. */
TEST_F_TIMEOUT(uring, life, 60)
{
	uint64_t start = zct_now_ms(), id;
	int ret;

	EXPECT_EQ(kernel_cancels() ? 0 : 60000, self->life);
	EXPECT_NE(0, zct_param_set("uring_life", 60001));
	EXPECT_EQ(kernel_cancels(), !zct_param_set("uring_life", 0));
	ASSERT_EQ(0, zct_param_set("uring_life", 60000));
	queue(self, 0, self->sock[0], 0, SIZE);
	EXPECT_EQ(1, io_uring_submit(&self->ring));
	ASSERT_EQ(0, zct_param_set("uring_life", 3000));
	queue(self, 1, self->sock[0], 0, SIZE);
	EXPECT_EQ(1, io_uring_submit(&self->ring));
	ASSERT_EQ(0, zct_param_set("uring_life", 1000));
	queue(self, 2, self->sock[0], 0, SIZE);
	EXPECT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_EQ(-ETIMEDOUT, completion(self, 2500, &id));
	EXPECT_EQ(2, id);
	EXPECT_GE(zct_now_ms() - start, 1000);
	EXPECT_EQ(-ETIMEDOUT, completion(self, 5000, &id));
	EXPECT_EQ(1, id);
	EXPECT_GE(zct_now_ms() - start, 3000);
	/* The first has most of its minute left. */
	receive(self, 0);
	ret = completion(self, 20000, &id);
	EXPECT_EQ(0, id);
	finish(_metadata, self, ret);
	EXPECT_EQ(SIZE, ret);
}

TEST_F_TIMEOUT(uring, killed, 120)
{
	int round, i, pipefd[2];

	for (round = 0; round < 10; round++) {
		char byte;
		pid_t pid;

		ASSERT_EQ(0, pipe(pipefd));
		pid = fork();
		if (!pid) {
			self->fd = open("/dev/zc", O_RDWR);
			if (io_uring_queue_init(ENTRIES, &self->ring, 0))
				_exit(1);
			for (i = 0; i < 10; i++)
				queue(self, i, self->sock[0], 0, SIZE);
			io_uring_submit(&self->ring);
			byte = write(pipefd[1], "x", 1);
			pause();
		}
		EXPECT_EQ(1, read(pipefd[0], &byte, 1));
		usleep(10000 * round);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 1000));
		close(pipefd[0]);
		close(pipefd[1]);
	}
}

TEST_HARNESS_MAIN
