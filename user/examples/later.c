// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Three ways to a TCP peer that do not wait for it, one after the other: a file by an
 * event of the device, a sealed buffer, and a file by io_uring. "make user" builds it
 * (example-later); it needs liburing, too.
 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zc/uring.h>
#include <zc/zc.h>

static void fail(const char *what, int err)
{
	fprintf(stderr, "%s: %s\n", what, strerror(err));
	exit(1);
}

static int dial(const char *host, const char *port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *ai;
	int fd;

	if (getaddrinfo(host, port, &hints, &ai))
		fail(host, EHOSTUNREACH);
	fd = socket(ai->ai_family, ai->ai_socktype, 0);
	if (fd < 0 || connect(fd, ai->ai_addr, ai->ai_addrlen))
		fail(host, errno);
	freeaddrinfo(ai);
	return fd;
}

/* The call returns at once. The event comes when the socket has taken all. */
static void by_event(struct zc_context *ctx, int file, int sock)
{
	struct zc_sendfile arg = {
		.in_fd = file,
		.out_fd = sock,
		.len = INT64_MAX,
		.flags = ZC_SEND_ASYNC,
		.user_data = 1,
	};
	struct zc_event event;
	int err = zc_sendfile(ctx, &arg);

	if (err)
		fail("zc_sendfile", -err);
	/* Or poll() on zc_fd(), for many at once. */
	err = zc_events(ctx, &event, 1);
	if (err != 1)
		fail("zc_events", -err);
	if (event.error)
		fail("transfer", event.error);
	printf("event: %llu bytes, %llu of them copied\n", (unsigned long long)event.sent,
	       (unsigned long long)event.copied);
}

/* Written once, sent as often as one likes: nobody can change it any more. */
static void from_buffer(struct zc_context *ctx, int file, int sock)
{
	struct zc_send arg = { .out_fd = sock };
	struct zc_buffer *buf;
	int64_t n = zc_buffer_new(ctx, ZC_HUGE_SIZE, ZC_BUF_SMALL_OK, ZC_NODE_ANY, &buf);
	ssize_t len;

	if (n)
		fail("zc_buffer_new", -n);
	len = pread(file, zc_buffer_data(buf), zc_buffer_size(buf), 0);
	if (len < 0)
		fail("pread", errno);
	n = zc_buffer_seal(buf);
	if (n)
		fail("zc_buffer_seal", -n);
	/* Each call goes on where the last one ended. */
	while (arg.offset < (uint64_t)len) {
		arg.len = len - arg.offset;
		n = zc_buffer_send(buf, &arg);
		if (n < 0)
			fail("zc_buffer_send", -n);
	}
	/* What the network has yet stays, until it is done with it. */
	zc_buffer_free(buf);
	printf("buffer: %zd bytes, %llu events to wait for\n", len,
	       (unsigned long long)arg.events);
}

/* A command on the device; its argument may go as soon as it is submitted. */
static void by_io_uring(struct zc_context *ctx, int file, int sock)
{
	struct zc_sendfile arg = { .in_fd = file, .out_fd = sock, .len = INT64_MAX };
	struct io_uring ring;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	int err = io_uring_queue_init(8, &ring, 0);

	if (err)
		fail("io_uring_queue_init", -err);
	sqe = io_uring_get_sqe(&ring);
	zc_uring_prep_sendfile(sqe, zc_fd(ctx), &arg);
	err = io_uring_submit(&ring);
	if (err != 1)
		fail("io_uring_submit", -err);
	err = io_uring_wait_cqe(&ring, &cqe);
	if (err)
		fail("io_uring_wait_cqe", -err);
	if (cqe->res < 0)
		fail("command", -cqe->res);
	printf("io_uring: %d bytes\n", cqe->res);
	io_uring_cqe_seen(&ring, cqe);
	io_uring_queue_exit(&ring);
}

int main(int argc, char **argv)
{
	struct zc_context *ctx;
	int err, file, sock;

	if (argc != 4) {
		fprintf(stderr, "usage: %s FILE HOST PORT\n", argv[0]);
		return 2;
	}
	err = zc_open(&ctx);
	if (err)
		fail(ZC_DEVICE, -err);
	file = open(argv[1], O_RDONLY);
	if (file < 0)
		fail(argv[1], errno);
	sock = dial(argv[2], argv[3]);
	by_event(ctx, file, sock);
	from_buffer(ctx, file, sock);
	by_io_uring(ctx, file, sock);
	zc_close(ctx);
	return 0;
}
