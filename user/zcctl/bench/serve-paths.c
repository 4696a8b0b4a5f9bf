// SPDX-License-Identifier: GPL-2.0-only
/* The ways to serve that zcctl bench serve measures. All leave a full socket at once. */
#include <errno.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "serve.h"

/* Read and send by a buffer of so many bytes, which the connection has. */
static int copy_loop(struct serve_thread *t, struct serve_conn *c, size_t size)
{
	while (c->left || c->pos < c->len) {
		ssize_t n;

		if (c->pos == c->len) {
			n = pread(c->fd, c->buf, c->left < size ? c->left : size, c->offset);
			t->counts.syscalls++;
			if (n <= 0)
				return n ? -errno : -ENODATA;
			c->pos = 0;
			c->len = n;
			c->offset += n;
			c->left -= n;
			t->counts.copied += n;
		}
		n = send(c->sock, c->buf + c->pos, c->len - c->pos, MSG_NOSIGNAL);
		t->counts.syscalls++;
		if (n < 0)
			return -errno;
		c->pos += n;
		t->counts.copied += n;
	}
	return 1;
}

static void own_drop(struct serve_thread *t, struct serve_conn *c)
{
	(void)t;
	free(c->buf);
	c->buf = NULL;
	c->pos = 0;
	c->len = 0;
}

/* A buffer for the request, as a server without a pool has it. */
static int own_push(struct serve_thread *t, struct serve_conn *c)
{
	int ret;

	if (!c->buf) {
		c->buf = malloc(SERVE_FRESH);
		if (!c->buf)
			return -ENOMEM;
		t->counts.allocations++;
	}
	ret = copy_loop(t, c, SERVE_FRESH);
	if (ret == 1)
		own_drop(t, c);
	return ret;
}

static char *pool_get(struct serve_thread *t)
{
	char *buf;

	if (t->nr_free)
		return t->free[--t->nr_free];
	if (t->made == t->job->pool)
		return NULL;
	if (!t->free)
		t->free = calloc(t->job->pool, sizeof(*t->free));
	buf = t->free ? aligned_alloc(sysconf(_SC_PAGESIZE), SERVE_POOLED) : NULL;
	if (!buf)
		return NULL;
	t->made++;
	t->counts.allocations++;
	return buf;
}

static void pool_wait(struct serve_thread *t, struct serve_conn *c)
{
	c->queued = true;
	c->next = NULL;
	if (t->first)
		t->last->next = c;
	else
		t->first = c;
	t->last = c;
}

/* The one that goes need not be the first. */
static void pool_leave(struct serve_thread *t, struct serve_conn *c)
{
	struct serve_conn *prev = NULL, *one = t->first;

	while (one != c) {
		prev = one;
		one = one->next;
	}
	if (prev)
		prev->next = c->next;
	else
		t->first = c->next;
	if (t->last == c)
		t->last = prev;
	c->queued = false;
}

static void pool_drop(struct serve_thread *t, struct serve_conn *c)
{
	if (c->queued)
		pool_leave(t, c);
	if (c->buf)
		t->free[t->nr_free++] = c->buf;
	c->buf = NULL;
	c->pos = 0;
	c->len = 0;
}

/* A buffer of the pool, until all is sent; or the next that comes back. */
static int pool_push(struct serve_thread *t, struct serve_conn *c)
{
	int ret;

	if (!c->buf)
		c->buf = pool_get(t);
	if (!c->buf && !t->made)
		return -ENOMEM;
	if (!c->buf) {
		if (!c->queued)
			pool_wait(t, c);
		return -EBUSY;
	}
	if (c->queued)
		pool_leave(t, c);
	ret = copy_loop(t, c, SERVE_POOLED);
	if (ret == 1)
		pool_drop(t, c);
	return ret;
}

static int sendfile_push(struct serve_thread *t, struct serve_conn *c)
{
	while (c->left) {
		off_t off = c->offset;
		ssize_t n = sendfile(c->sock, c->fd, &off, c->left);

		t->counts.syscalls++;
		if (n <= 0)
			return n ? -errno : -ENODATA;
		c->offset += n;
		c->left -= n;
	}
	return 1;
}

/*
 * The socket is non-blocking, so the transfer ends where it is full. Reads of what is not
 * in the page cache are waited for, as with sendfile.
 */
static int zc_push(struct serve_thread *t, struct serve_conn *c)
{
	while (c->left) {
		struct zc_sendfile arg = {
			.in_fd = c->fd,
			.out_fd = c->sock,
			.offset = c->offset,
			.len = c->left,
			.flags = t->job->path->flags | ZC_SEND_NOSIGNAL,
		};
		int64_t n = zc_sendfile(t->zc, &arg);

		t->counts.syscalls++;
		if (n <= 0)
			return n ? n : -ENODATA;
		t->counts.copied += arg.copied;
		c->offset += n;
		c->left -= n;
		if (arg.error)
			return -arg.error;
	}
	return 1;
}

/* The event tells when it has ended; it begins after those before it to this socket. */
static int async_push(struct serve_thread *t, struct serve_conn *c)
{
	struct zc_sendfile arg = {
		.in_fd = c->fd,
		.out_fd = c->sock,
		.offset = c->offset,
		.len = c->left,
		.flags = t->job->path->flags | ZC_SEND_ASYNC,
		.user_data = c->index,
	};
	int64_t n = zc_sendfile(t->zc, &arg);

	t->counts.syscalls++;
	if (n < 0)
		return n;
	t->in_flight++;
	c->left = 0;
	return 1;
}

/* All parts, as a server that knows what it will be asked for would have them. */
static int buffer_setup(struct serve_server *server)
{
	const struct serve_job *job = server->job;
	uint64_t size = job->size;
	unsigned int part;
	int err = zc_buffer_new(server->zc, job->parts * size, 0, ZC_NODE_ANY, &server->buf);

	for (part = 0; part < job->parts && !err; part++) {
		char *to = (char *)zc_buffer_data(server->buf) + part * size;
		uint64_t off = serve_source_offset(job->source, part), done = 0;

		while (done < size) {
			ssize_t n = pread(serve_source_fd(job->source, part), to + done,
					  size - done, off + done);

			if (n <= 0)
				return n ? -errno : -ENODATA;
			done += n;
		}
	}
	return err ? err : zc_buffer_seal(server->buf);
}

static int buffer_push(struct serve_thread *t, struct serve_conn *c)
{
	uint64_t size = t->job->size;

	while (c->left) {
		struct zc_send arg = {
			.out_fd = c->sock,
			.offset = c->req.part * size + size - c->left,
			.len = c->left,
			.flags = ZC_SEND_NOSIGNAL,
		};
		int64_t n = zc_buffer_send(t->server->buf, &arg);

		t->counts.syscalls++;
		if (n <= 0)
			return n ? n : -ENODATA;
		t->counts.copied += arg.copied;
		c->left -= n;
		if (arg.error)
			return -arg.error;
	}
	return 1;
}

const struct serve_path serve_paths[] = {
	{ .name = "copy-own", .push = own_push, .drop = own_drop },
	{ .name = "copy-pool", .push = pool_push, .drop = pool_drop },
	{ .name = "sendfile", .push = sendfile_push },
	{ .name = "zc-auto", .zc = true, .push = zc_push },
	{ .name = "zc-direct", .zc = true, .flags = ZC_SEND_DIRECT, .push = zc_push },
	{ .name = "zc-async", .zc = true, .async = true, .push = async_push },
	{
		.name = "zc-buffer",
		.zc = true,
		.memory = true,
		.setup = buffer_setup,
		.push = buffer_push,
	},
};

const unsigned int serve_nr_paths = sizeof(serve_paths) / sizeof(*serve_paths);
