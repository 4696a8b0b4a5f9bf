// SPDX-License-Identifier: GPL-2.0-only
/* Sends as commands of io_uring, and what else its rings do to the module. */
#include <errno.h>
#include <sys/uio.h>

#include "fuzz.h"
#include "zc_uring.h"

#define ENTRIES		16

/* No call has this number. */
#define NO_CALL		CALLS_MAX

void ring_init(struct thread *t)
{
	static const unsigned int how[] = {
		0, 0, 0, 0, IORING_SETUP_CQE32, IORING_SETUP_SQE128, IORING_SETUP_IOPOLL,
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
		IORING_SETUP_COOP_TASKRUN,
	};
	unsigned int flags = how[rng_next(&t->rng) % (sizeof(how) / sizeof(*how))];

	if (io_uring_queue_init(ENTRIES, &t->ring, flags) &&
	    io_uring_queue_init(ENTRIES, &t->ring, 0))
		t->ring.ring_fd = -1;
}

/* What was submitted before has the number of its call. */
static void reap(struct thread *t)
{
	struct io_uring_cqe *cqe;

	while (!io_uring_peek_cqe(&t->ring, &cqe)) {
		if (cqe->user_data < NO_CALL)
			call_done(cqe->user_data, cqe->res);
		io_uring_cqe_seen(&t->ring, cqe);
	}
}

static struct io_uring_sqe *get_sqe(struct thread *t)
{
	struct io_uring_sqe *sqe;

	if (t->ring.ring_fd < 0)
		return NULL;
	sqe = io_uring_get_sqe(&t->ring);
	if (sqe)
		return sqe;
	io_uring_submit(&t->ring);
	reap(t);
	return io_uring_get_sqe(&t->ring);
}

static long submit(struct thread *t)
{
	int ret = io_uring_submit(&t->ring);

	reap(t);
	return ret;
}

static void prep(struct thread *t, struct io_uring_sqe *sqe, int fd, unsigned long op,
		 uint64_t addr, uint32_t size)
{
	zct_uring_prep(sqe, fd, op, (const void *)(uintptr_t)addr, size);
	if (one_in(t, 64))
		((char *)sqe)[ZCT_URING_CMD + offsetof(struct zc_uring_cmd, __resv)] = 1;
	sqe->user_data = t->step->call;
	if (one_in(t, 8))
		sqe->flags = IOSQE_ASYNC;
	else if (one_in(t, 16))
		sqe->flags = 1u << below(t, 7);
}

static long do_send(struct thread *t, const void *data)
{
	unsigned long op = (uintptr_t)data;
	struct io_uring_sqe *sqe = get_sqe(t);
	unsigned int dev = dev_value(t);
	char *arg = t->send[below(t, 8)];
	uint32_t size;
	uint64_t addr;

	if (!sqe)
		return -EBADF;
	size = send_make(t, op, dev, arg);
	addr = (uintptr_t)arg;
	if (one_in(t, 16))
		addr = (uintptr_t)place(t, arg, size).user;
	if (one_in(t, 32))
		size = edge_value(t);
	prep(t, sqe, fd_get(FD_DEV, dev), one_in(t, 64) ? word(t) : op, addr, size);
	return below(t, 3) ? submit(t) : 0;
}

/* Other operations on the device, or with a mapping of it. */
static long do_other(struct thread *t, const void *data)
{
	struct io_uring_sqe *sqe = get_sqe(t);
	size_t len;
	void *addr = arena_addr(t, &len);

	if (!sqe)
		return -EBADF;
	switch (below(t, 6)) {
	case 0:
		io_uring_prep_read(sqe, fd_value(t, FD_DEV), t->send, sizeof(struct zc_event), 0);
		break;
	case 1:
		io_uring_prep_poll_add(sqe, fd_value(t, FD_DEV), word(t) & 0xff);
		break;
	case 2:
		io_uring_prep_read_fixed(sqe, fd_value(t, FD_FILE), addr, PAGE, 0, 0);
		break;
	case 3:
		io_uring_prep_read(sqe, fd_value(t, FD_FILE), addr, len, 0);
		break;
	case 4:
		io_uring_prep_send(sqe, fd_value(t, FD_SOCK), addr, len,
				   MSG_NOSIGNAL | MSG_DONTWAIT);
		break;
	default:
		io_uring_prep_cancel(sqe, (void *)(uintptr_t)t->step->call, below(t, 8));
	}
	io_uring_sqe_set_data64(sqe, t->step->call);
	return submit(t);
}

static long do_register(struct thread *t, const void *data)
{
	struct iovec iov[2];
	unsigned int i;

	if (t->ring.ring_fd < 0)
		return -EBADF;
	io_uring_unregister_buffers(&t->ring);
	for (i = 0; i < 2; i++)
		iov[i].iov_base = arena_addr(t, &iov[i].iov_len);
	return io_uring_register_buffers(&t->ring, iov, 1 + below(t, 2));
}

static long do_wait(struct thread *t, const void *data)
{
	struct __kernel_timespec ts = { 0, below(t, 8) ? 0 : 2000000 };
	struct io_uring_cqe *cqe;
	long ret;

	if (t->ring.ring_fd < 0)
		return -EBADF;
	io_uring_submit(&t->ring);
	ret = io_uring_wait_cqe_timeout(&t->ring, &cqe, &ts);
	reap(t);
	return ret;
}

/* With what is under way */
static long do_exit(struct thread *t, const void *data)
{
	if (t->ring.ring_fd >= 0)
		io_uring_queue_exit(&t->ring);
	ring_init(t);
	return t->ring.ring_fd < 0 ? -EIO : 0;
}

const struct call ring_calls[] = {
	{ "ring_sendfile", 60, do_send, (void *)ZC_IOC_SENDFILE, .later = true },
	{ "ring_send", 60, do_send, (void *)ZC_IOC_SEND, .later = true },
	{ "ring_other", 20, do_other, .later = true },
	{ "ring_register", 10, do_register },
	{ "ring_wait", 30, do_wait },
	{ "ring_exit", 2, do_exit },
	{ }
};
