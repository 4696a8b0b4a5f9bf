// SPDX-License-Identifier: GPL-2.0-only
/* One transfer in each of its ways, of which an allocation may fail. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fault.h"
#include "xfer.h"
#include "zc_uring.h"

/* With the end of a transfer, which the next would take for its own if it came later. */
#define PATIENCE_S	500

static void next_event(struct xfer *x)
{
	struct zc_event ev;

	if (!zct_event(x->fd, &ev, PATIENCE_S * 1000) || ev.type != ZC_EVENT_DONE) {
		x->ret = -EPROTO;
		return;
	}
	x->sent = ev.sent;
	x->error = ev.error;
	x->cached = ev.cached;
}

union args {
	struct zc_sendfile file;
	struct zc_send buf;
};

static void by_uring(struct xfer *x, union args *arg, unsigned long op, size_t size)
{
	struct __kernel_timespec ts = { .tv_sec = PATIENCE_S };
	struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	int ret;

	if (io_uring_queue_init(4, &ring, 0)) {
		x->ret = -EPROTO;
		return;
	}
	sqe = io_uring_get_sqe(&ring);
	zct_uring_prep(sqe, x->fd, op, arg, size);
	fault_arm(x->nth);
	ret = io_uring_submit(&ring);
	x->injected = x->nth && fault_disarm();
	/* It was not taken: it is still in the queue. */
	if (ret < 1 && x->injected)
		ret = io_uring_submit(&ring);
	if (ret != 1 || io_uring_wait_cqe_timeout(&ring, &cqe, &ts)) {
		x->ret = -EPROTO;
	} else {
		x->sent = cqe->res > 0 ? cqe->res : 0;
		x->error = cqe->res < 0 ? -cqe->res : 0;
		io_uring_cqe_seen(&ring, cqe);
	}
	io_uring_queue_exit(&ring);
}

static void by_ioctl(struct xfer *x, union args *arg, unsigned long op)
{
	fault_arm(x->nth);
	x->ret = zct_ioctl(x->fd, op, arg);
	x->injected = x->nth && fault_disarm();
	if (x->how == ASYNC) {
		if (!x->ret)
			next_event(x);
		return;
	}
	x->sent = x->in < 0 ? arg->buf.sent : arg->file.sent;
	x->error = x->in < 0 ? arg->buf.error : arg->file.error;
	x->cached = x->in < 0 ? 0 : arg->file.cached;
}

void xfer_run(struct xfer *x)
{
	uint32_t flags = x->flags | (x->how == ASYNC ? ZC_SEND_ASYNC : 0);
	unsigned long op = x->in < 0 ? ZC_IOC_SEND : ZC_IOC_SENDFILE;
	union args arg = { 0 };
	int sock[2];

	x->injected = false;
	x->error = 0;
	x->sent = 0;
	x->cached = 0;
	x->ret = x->pair ? x->pair(sock) : zct_pair(x->family, sock);
	if (x->ret)
		return;
	if (x->in < 0)
		arg.buf = (struct zc_send){ .handle = x->handle, .out_fd = sock[0],
			.offset = x->offset, .len = x->len, .flags = flags };
	else
		arg.file = (struct zc_sendfile){ .in_fd = x->in, .out_fd = sock[0],
			.offset = flags & ZC_SEND_POS ? 0 : x->offset,
			.len = x->len, .flags = flags };
	x->rx = (struct zct_rx){ .sock = sock[1], .offset = x->offset, .check = true };
	zct_rx_start(&x->rx);
	if (x->how == URING)
		by_uring(x, &arg, op, x->in < 0 ? sizeof(arg.buf) : sizeof(arg.file));
	else
		by_ioctl(x, &arg, op);
	shutdown(sock[0], SHUT_WR);
	zct_rx_join(&x->rx);
	close(sock[0]);
	close(sock[1]);
}

bool xfer_may_say(const struct xfer *x, int err)
{
	switch (err) {
	case 0:
	case ENOMEM:
		return true;
	case ENOBUFS:
		return x->family == AF_UNIX;
	case EAGAIN:
		return x->how == URING || (x->flags & ZC_SEND_NONBLOCK);
	case EIO:
		/* What the page cache could not be filled with; as read(2). */
		return x->flags & ZC_SEND_CACHED;
	default:
		return err == x->other;
	}
}
