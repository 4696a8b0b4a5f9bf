// SPDX-License-Identifier: GPL-2.0-only
/* A buffer is ordinary memory to the rest of the kernel. */
#include <errno.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "zc_test.h"

#define SIZE	(4 * HUGE)
#define FILE_NAME	EXT4_DIR "/zc-gup"

FIXTURE(gup)
{
	int fd;
	struct zc_buf_create buf;
	char *map;
};

FIXTURE_SETUP(gup)
{
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, zct_create(self->fd, SIZE, 0, ZC_NODE_ANY, &self->buf));
	self->map = zct_map(self->fd, &self->buf);
	ASSERT_NE(MAP_FAILED, self->map);
}

FIXTURE_TEARDOWN(gup)
{
	munmap(self->map, SIZE);
	close(self->fd);
	unlink(FILE_NAME);
}

TEST_F_TIMEOUT(gup, o_direct_read, 120)
{
	int file = zct_pattern_file(FILE_NAME, SIZE);

	ASSERT_GE(file, 0);
	close(file);
	file = open(FILE_NAME, O_RDONLY | O_DIRECT);
	ASSERT_GE(file, 0);
	/* Untouched memory, and memory that is mapped already. */
	EXPECT_EQ(SIZE, pread(file, self->map, SIZE, 0));
	EXPECT_EQ(-1, zct_pattern_check(self->map, 0, SIZE));
	EXPECT_EQ(SIZE - 4096, pread(file, self->map + 4096, SIZE - 4096, 0));
	EXPECT_EQ(-1, zct_pattern_check(self->map + 4096, 0, SIZE - 4096));
	EXPECT_EQ(0, zct_cached(file, SIZE));
	close(file);
}

TEST_F_TIMEOUT(gup, o_direct_write, 120)
{
	int file = open(FILE_NAME, O_RDWR | O_CREAT | O_DIRECT, 0600);
	char *copy = malloc(SIZE);

	ASSERT_GE(file, 0);
	zct_pattern(self->map, 99, SIZE);
	EXPECT_EQ(SIZE, pwrite(file, self->map, SIZE, 0));
	close(file);
	file = open(FILE_NAME, O_RDONLY);
	EXPECT_EQ(SIZE, pread(file, copy, SIZE, 0));
	EXPECT_EQ(-1, zct_pattern_check(copy, 99, SIZE));
	close(file);
	free(copy);
}

/* Wait for the notification of the one MSG_ZEROCOPY send. */
static bool notified(int sock)
{
	struct pollfd pfd = { .fd = sock };
	char control[128];
	struct msghdr msg = { .msg_control = control,
			      .msg_controllen = sizeof(control) };

	return poll(&pfd, 1, 20000) == 1 &&
	       recvmsg(sock, &msg, MSG_ERRQUEUE) == 0;
}

TEST_F_TIMEOUT(gup, msg_zerocopy, 120)
{
	const int on = 1;
	struct zct_rx rx;
	int sock[2];

	ASSERT_EQ(0, zct_pair(AF_INET, sock));
	ASSERT_EQ(0, setsockopt(sock[0], SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on)));
	rx = (struct zct_rx){ .sock = sock[1], .check = true };
	zct_rx_start(&rx);
	zct_pattern(self->map, 0, SIZE);
	EXPECT_EQ(SIZE, send(sock[0], self->map, SIZE, MSG_ZEROCOPY));
	EXPECT_TRUE(notified(sock[0]));
	shutdown(sock[0], SHUT_WR);
	zct_rx_join(&rx);
	EXPECT_EQ(SIZE, rx.bytes);
	EXPECT_EQ(-1, rx.bad);
	close(sock[0]);
	close(sock[1]);
}

/* The buffer goes while the network still has the pages of it. */
TEST_F_TIMEOUT(gup, freed_in_flight, 120)
{
	const size_t part = 128 << 10;
	const int on = 1;
	struct zct_rx rx;
	int sock[2];

	ASSERT_EQ(0, zct_pair(AF_INET, sock));
	ASSERT_EQ(0, setsockopt(sock[0], SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on)));
	zct_pattern(self->map, 0, SIZE);
	ASSERT_EQ(part, send(sock[0], self->map, part, MSG_ZEROCOPY));
	munmap(self->map, SIZE);
	close(self->fd);
	/* Whoever gets memory now must not get these pages. */
	self->fd = zct_open();
	ASSERT_EQ(0, zct_create(self->fd, SIZE, 0, ZC_NODE_ANY, &self->buf));
	self->map = zct_map(self->fd, &self->buf);
	ASSERT_NE(MAP_FAILED, self->map);
	memset(self->map, 0xff, SIZE);
	rx = (struct zct_rx){ .sock = sock[1], .check = true };
	zct_rx_start(&rx);
	shutdown(sock[0], SHUT_WR);
	zct_rx_join(&rx);
	EXPECT_EQ(part, rx.bytes);
	EXPECT_EQ(-1, rx.bad);
	close(sock[0]);
	close(sock[1]);
}

TEST_F_TIMEOUT(gup, process_vm_readv, 120)
{
	char *copy = malloc(SIZE);
	struct iovec to = { copy, SIZE }, from = { self->map, SIZE };

	zct_pattern(self->map, 7, SIZE);
	EXPECT_EQ(SIZE, process_vm_readv(getpid(), &to, 1, &from, 1, 0));
	EXPECT_EQ(-1, zct_pattern_check(copy, 7, SIZE));
	free(copy);
}

TEST_F_TIMEOUT(gup, vmsplice, 120)
{
	struct iovec iov = { self->map + HUGE - 4096, 8192 };
	char copy[8192];
	int fds[2];

	ASSERT_EQ(0, pipe(fds));
	zct_pattern(self->map, 0, SIZE);
	EXPECT_EQ(8192, vmsplice(fds[1], &iov, 1, 0));
	EXPECT_EQ(8192, read(fds[0], copy, 8192));
	EXPECT_EQ(-1, zct_pattern_check(copy, HUGE - 4096, 8192));
	close(fds[0]);
	close(fds[1]);
}

static bool kernel_is_6_1(void)
{
	struct utsname uts;

	return !uname(&uts) && !strncmp(uts.release, "6.1.", 4);
}

/* A ring with one entry, by system call alone: submit, wait, return cqe.res. */
struct ring {
	int fd;
	struct io_uring_params p;
	char *sq, *cq;
	struct io_uring_sqe *sqes;
};

static int ring_open(struct ring *r)
{
	memset(r, 0, sizeof(*r));
	r->fd = syscall(SYS_io_uring_setup, 1, &r->p);
	if (r->fd < 0)
		return -errno;
	r->sq = mmap(NULL, r->p.sq_off.array + 64, PROT_READ | PROT_WRITE, MAP_SHARED,
		     r->fd, IORING_OFF_SQ_RING);
	r->cq = mmap(NULL, r->p.cq_off.cqes + 64, PROT_READ | PROT_WRITE, MAP_SHARED,
		     r->fd, IORING_OFF_CQ_RING);
	r->sqes = mmap(NULL, sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
		       MAP_SHARED, r->fd, IORING_OFF_SQES);
	return r->sq == MAP_FAILED || r->cq == MAP_FAILED ||
	       r->sqes == MAP_FAILED ? -errno : 0;
}

static int ring_run(struct ring *r, const struct io_uring_sqe *sqe)
{
	unsigned int *tail = (void *)(r->sq + r->p.sq_off.tail);
	unsigned int *head = (void *)(r->cq + r->p.cq_off.head);
	struct io_uring_cqe *cqes = (void *)(r->cq + r->p.cq_off.cqes);
	unsigned int *array = (void *)(r->sq + r->p.sq_off.array);
	unsigned int mask = *(unsigned int *)(r->cq + r->p.cq_off.ring_mask);
	int res;

	r->sqes[0] = *sqe;
	array[*tail & *(unsigned int *)(r->sq + r->p.sq_off.ring_mask)] = 0;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, r->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) != 1)
		return -errno;
	res = cqes[*head & mask].res;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return res;
}

TEST_F_TIMEOUT(gup, io_uring_registered, 120)
{
	struct iovec iov = { self->map, SIZE };
	struct io_uring_sqe sqe = {
		.opcode = IORING_OP_READ_FIXED,
		.addr = (uintptr_t)self->map + 4096,
		.len = SIZE - 4096,
	};
	struct ring ring;
	int file, ret;

	ret = ring_open(&ring);
	if (ret == -ENOSYS || ret == -EPERM)
		SKIP(return, "no io_uring");
	ASSERT_EQ(0, ret);
	ret = syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_BUFFERS, &iov, 1);
	if (kernel_is_6_1()) {
		/* 6.1 registers anonymous, shmem and hugetlb memory only. */
		EXPECT_EQ(-1, ret);
		EXPECT_EQ(EOPNOTSUPP, errno);
		close(ring.fd);
		return;
	}
	EXPECT_EQ(0, ret);
	file = zct_pattern_file(FILE_NAME, SIZE);
	ASSERT_GE(file, 0);
	close(file);
	file = open(FILE_NAME, O_RDONLY | O_DIRECT);
	ASSERT_GE(file, 0);
	sqe.fd = file;
	EXPECT_EQ(SIZE - 4096, ring_run(&ring, &sqe));
	EXPECT_EQ(-1, zct_pattern_check(self->map + 4096, 0, SIZE - 4096));
	/* Registered memory outlives the mapping; unregister it last. */
	munmap(self->map, SIZE);
	close(ring.fd);
	close(file);
}

TEST_HARNESS_MAIN
