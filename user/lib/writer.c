// SPDX-License-Identifier: LGPL-2.1-or-later
/* A writer with a buffer of the pool, whose size suits what is written to. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "private.h"

/* Smaller buffers are not worth a page. */
#define POOL_MIN	4096

#define SIZE_BEGIN	(64u << 10)
#define SIZE_MAX_AUTO	(1u << 20)

/* So many that the network may have some while another is filled */
#define SLOTS		4

/* After so many sends that were copied all the same, send(2) does it for less. */
#define COPIED_MAX	4

/**
 * struct zc_slot - a buffer
 * @buf:  of the pool, or NULL
 * @data: its memory, or ordinary memory
 * @size: bytes
 * @busy: events that must come before it may be filled again
 */
struct zc_slot {
	struct zc_buffer *buf;
	char *data;
	size_t size;
	unsigned int busy;
};

/**
 * struct zc_writer - a writer
 * @ctx:    whose pool it is
 * @own:    context for sends without a copy, whose events nobody else takes; or NULL
 * @fd:     what is written to
 * @size:   bytes that are written at a time
 * @grows:  @size may grow
 * @slot:   buffers; of these without @own the first alone
 * @at:     number of the one that is filled
 * @used:   bytes in it
 * @done:   bytes of them that are written
 * @copied: sends one after the other that were copied
 */
struct zc_writer {
	struct zc_context *ctx;
	struct zc_context *own;
	int fd;
	size_t size;
	bool grows;
	struct zc_slot slot[SLOTS];
	unsigned int at;
	size_t used;
	size_t done;
	unsigned int copied;
};

static void zc_slot_free(struct zc_slot *slot)
{
	if (slot->buf)
		zc_buffer_free(slot->buf);
	else
		free(slot->data);
	*slot = (struct zc_slot){ };
}

static int zc_slot_fill(struct zc_slot *slot, struct zc_context *ctx, size_t size)
{
	size_t page = sysconf(_SC_PAGESIZE);

	if (size >= POOL_MIN &&
	    !zc_buffer_new(ctx, size, ZC_BUF_SLICE | ZC_BUF_SMALL_OK, ZC_NODE_ANY, &slot->buf))
		slot->data = zc_buffer_data(slot->buf);
	else if (size > SIZE_MAX - page ||
		 posix_memalign((void **)&slot->data, page, (size + page - 1) & ~(page - 1)))
		return -ENOMEM;
	slot->size = size;
	return 0;
}

/* Can memory be sent to it without a copy? Who is not to wait is not to wait for that, either. */
static bool zc_writer_is_tcp(int fd)
{
	int protocol = 0;
	socklen_t len = sizeof(protocol);

	return !(fcntl(fd, F_GETFL) & O_NONBLOCK) &&
	       !getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) &&
	       protocol == IPPROTO_TCP;
}

static size_t zc_writer_suits(int fd, const struct stat *st)
{
	int pipe = S_ISFIFO(st->st_mode) ? fcntl(fd, F_GETPIPE_SZ) : 0;

	if (pipe <= 0)
		return SIZE_BEGIN;
	return pipe < (int)SIZE_MAX_AUTO ? pipe : (int)SIZE_MAX_AUTO;
}

ZC_EXPORT int zc_writer_new(struct zc_context *ctx, int fd, size_t size,
			    struct zc_writer **writer)
{
	struct zc_writer *w;
	struct stat st;
	int err;

	*writer = NULL;
	if (fstat(fd, &st))
		return -errno;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->ctx = ctx;
	w->fd = fd;
	w->size = size ?: zc_writer_suits(fd, &st);
	w->grows = !size && !S_ISFIFO(st.st_mode);
	if (w->size >= POOL_MIN && zc_writer_is_tcp(fd))
		zc_open(&w->own);
	err = zc_slot_fill(&w->slot[0], w->own ?: ctx, w->size);
	if (err) {
		zc_close(w->own);
		free(w);
		return err;
	}
	*writer = w;
	return 0;
}

ZC_EXPORT size_t zc_writer_size(const struct zc_writer *writer)
{
	return writer->size;
}

static struct zc_slot *zc_writer_slot(struct zc_writer *w)
{
	return &w->slot[w->at];
}

/* write(2) until all is written. Returns bytes; or a negative errno if there are none. */
static int64_t zc_writer_put(const struct zc_writer *w, const char *data, size_t len)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = write(w->fd, data + done, len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return done ? (int64_t)done : -errno;
		done += n;
	}
	return done;
}

/* Take events, of which there will be some, and wait for one. */
static int zc_writer_wait(struct zc_writer *w)
{
	struct zc_event events[SLOTS];
	int nr, i;

	do
		nr = zc_events(w->own, events, SLOTS);
	while (nr == -EINTR);
	for (i = 0; i < nr; i++) {
		w->slot[events[i].user_data].busy--;
		w->copied = events[i].copied ? w->copied + 1 : 0;
	}
	return nr < 0 ? nr : 0;
}

/* Wait until the network has let go of a buffer. */
static int zc_writer_idle(struct zc_writer *w, const struct zc_slot *slot)
{
	int err = 0;

	while (slot->busy && !err)
		err = zc_writer_wait(w);
	return err;
}

/* By the module. Returns as zc_writer_put(); -EOPNOTSUPP, and send(2) may do it. */
static int64_t zc_writer_send(struct zc_writer *w, struct zc_slot *slot)
{
	struct zc_send arg = {
		.out_fd = w->fd,
		.offset = w->done,
		.len = w->used - w->done,
		.user_data = w->at,
	};
	int64_t n;

	if (!w->own || !slot->buf || w->copied >= COPIED_MAX)
		return -EOPNOTSUPP;
	do
		n = zc_buffer_send(slot->buf, &arg);
	while (n == -EINTR);
	if (n == -ENOBUFS || n == -ENOMEM || n == -ENOTSOCK)
		return -EOPNOTSUPP;
	if (n > 0)
		slot->busy += arg.events;
	return n;
}

/* All of the buffer. What is written is not written again by the next call. */
static int zc_writer_drain(struct zc_writer *w)
{
	struct zc_slot *slot = zc_writer_slot(w);

	while (w->done < w->used) {
		int64_t n = zc_writer_send(w, slot);

		if (n == -EOPNOTSUPP)
			n = zc_writer_put(w, slot->data + w->done, w->used - w->done);
		if (n < 0)
			return n;
		w->done += n;
	}
	w->used = 0;
	w->done = 0;
	return 0;
}

/* The buffer that is filled next: another one while the network has this. */
static int zc_writer_next(struct zc_writer *w)
{
	if (zc_writer_slot(w)->busy)
		w->at = (w->at + 1) % SLOTS;
	return zc_writer_idle(w, zc_writer_slot(w));
}

/* The buffer is empty, and nobody else's: have it in the size that is wanted now. */
static int zc_writer_resize(struct zc_writer *w)
{
	struct zc_slot *slot = zc_writer_slot(w), next = { };
	int err;

	if (slot->size == w->size)
		return 0;
	err = zc_slot_fill(&next, w->own ?: w->ctx, w->size);
	/* The smaller one will do. */
	if (err)
		return slot->data ? 0 : err;
	zc_slot_free(slot);
	*slot = next;
	return 0;
}

/* Have an empty buffer. After one that was full it may be larger. */
static int zc_writer_turn(struct zc_writer *w, bool full)
{
	int err = zc_writer_drain(w);

	if (err)
		return err;
	if (full && w->grows && w->size < SIZE_MAX_AUTO)
		w->size *= 2;
	err = zc_writer_next(w);
	return err ?: zc_writer_resize(w);
}

ZC_EXPORT int zc_writer_reserve(struct zc_writer *writer, void **data, size_t *room)
{
	struct zc_slot *slot = zc_writer_slot(writer);
	int err;

	if (writer->used == slot->size || slot->busy) {
		err = zc_writer_turn(writer, writer->used == slot->size);
		if (err)
			return err;
		slot = zc_writer_slot(writer);
	}
	*data = slot->data + writer->used;
	*room = slot->size - writer->used;
	return 0;
}

ZC_EXPORT int zc_writer_commit(struct zc_writer *writer, size_t len)
{
	if (len > zc_writer_slot(writer)->size - writer->used)
		return -EINVAL;
	writer->used += len;
	return 0;
}

ZC_EXPORT int zc_writer_flush(struct zc_writer *writer)
{
	return zc_writer_drain(writer);
}

/* Some of the bytes. Returns how many or a negative errno. */
static int64_t zc_writer_take(struct zc_writer *w, const char *data, size_t len)
{
	void *to;
	size_t room;
	int err;

	if (len >= w->size) {
		err = zc_writer_drain(w);
		return err ? err : zc_writer_put(w, data, len);
	}
	err = zc_writer_reserve(w, &to, &room);
	if (err)
		return err;
	if (len > room)
		len = room;
	memcpy(to, data, len);
	w->used += len;
	return len;
}

ZC_EXPORT int64_t zc_writer_write(struct zc_writer *writer, const void *data, size_t len)
{
	size_t done = 0;

	while (done < len) {
		int64_t n = zc_writer_take(writer, (const char *)data + done, len - done);

		if (n < 0)
			return done ? (int64_t)done : n;
		done += n;
	}
	return done;
}

ZC_EXPORT int zc_writer_end(struct zc_writer *writer)
{
	unsigned int i;
	int err;

	if (!writer)
		return 0;
	err = zc_writer_drain(writer);
	/* What the network has of a buffer stays until it has done with it. */
	for (i = 0; i < SLOTS; i++)
		zc_slot_free(&writer->slot[i]);
	zc_close(writer->own);
	free(writer);
	return err;
}
