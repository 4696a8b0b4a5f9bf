// SPDX-License-Identifier: GPL-2.0-only
/*
 * One transfer: reads run ahead of sends, in order, and the result says what
 * happened.
 */
#include <linux/moduleparam.h>
#include <linux/sched/signal.h>
#include <linux/sched/xacct.h>
#include <linux/slab.h>

#include "zc.h"

static unsigned int zc_depth = 4;

static int zc_depth_set(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 1, ZC_DEPTH_MAX);
}

static const struct kernel_param_ops zc_depth_ops = {
	.set = zc_depth_set,
	.get = param_get_uint,
};
module_param_cb(depth, &zc_depth_ops, &zc_depth, 0644);
MODULE_PARM_DESC(depth, "reads that a transfer keeps in flight, 1 to 8 (default 4)");

/**
 * struct zc_transfer - a transfer under way
 * @src:    where from
 * @sink:   where to
 * @ring:   through which memory
 * @res:    arguments and result
 * @pos:    file offset of the next byte to send
 * @next:   file offset of the next byte to read
 * @end:    file offset to stop at
 * @step:   size of the next read, bytes
 * @head:   oldest of the reads in @chunks
 * @nr:     reads in @chunks
 * @chunks: reads under way or waiting to be sent, a ring in file order
 */
struct zc_transfer {
	struct zc_source src;
	struct zc_sink sink;
	struct zc_ring ring;
	struct zc_sendfile *res;
	u64 pos;
	u64 next;
	u64 end;
	size_t step;
	unsigned int head;
	unsigned int nr;
	struct zc_chunk chunks[ZC_DEPTH_MAX];
};

/**
 * zc_transfer_depth - reads that a transfer keeps in flight
 *
 * Returns: their number.
 */
unsigned int zc_transfer_depth(void)
{
	return READ_ONCE(zc_depth);
}

static struct zc_chunk *zc_transfer_chunk(struct zc_transfer *t, unsigned int i)
{
	return &t->chunks[(t->head + i) % ZC_DEPTH_MAX];
}

/* Start the read of the bytes from t->next on, which lie before @end. */
static int zc_transfer_read(struct zc_transfer *t, u64 end)
{
	struct zc_chunk *chunk = zc_transfer_chunk(t, t->nr);
	unsigned int align = t->src.align ?: PAGE_SIZE;
	size_t skip = t->src.align ? t->next & (align - 1) : 0;
	u64 left = round_up(skip + end - t->next, (u64)align);
	int ret;

	ret = zc_ring_carve(&t->ring, min_t(u64, t->step, left), left,
			    &chunk->span);
	if (ret)
		return ret;
	if (chunk->span.len <= skip) {
		zc_ring_release(&chunk->span);
		return -ENOMEM;
	}
	chunk->pos = t->next;
	chunk->skip = skip;
	chunk->len = min_t(u64, chunk->span.len - skip, end - t->next);
	t->next += chunk->len;
	t->step = min_t(size_t, t->step * 2, ZC_CHUNK_MAX);
	t->nr++;
	zc_source_read(&t->src, chunk);
	return 0;
}

/* Start as many reads as may run ahead. */
static int zc_transfer_fill(struct zc_transfer *t)
{
	u64 end = zc_source_end(&t->src, t->end);
	unsigned int depth = t->src.align ? zc_transfer_depth() : 1;
	int ret;

	if (t->next >= end)
		return 0;
	if (zc_sink_nonblock(&t->sink)) {
		long room = t->nr ? 0 : zc_sink_room(&t->sink);

		if (!room)
			return t->nr ? 0 : -EAGAIN;
		/* What the socket will not take would be read in vain. */
		end = min_t(u64, end, t->next + room);
		depth = 1;
	}
	while (t->nr < depth && t->next < end) {
		ret = zc_transfer_read(t, end);
		if (ret)
			return t->nr ? 0 : ret;
	}
	return 0;
}

/* Done with the oldest read, which is over. */
static void zc_transfer_pop(struct zc_transfer *t)
{
	zc_ring_release(&zc_transfer_chunk(t, 0)->span);
	t->head = (t->head + 1) % ZC_DEPTH_MAX;
	t->nr--;
}

/* Forget what was read ahead, and read on from the next byte to send. */
static void zc_transfer_rewind(struct zc_transfer *t)
{
	while (t->nr) {
		zc_source_wait(zc_transfer_chunk(t, 0));
		zc_transfer_pop(t);
	}
	t->next = t->pos;
}

/* Will more bytes follow at once? Then the socket need not send a short packet. */
static bool zc_transfer_more(struct zc_transfer *t)
{
	struct zc_chunk *next = zc_transfer_chunk(t, 1);

	if (t->res->flags & ZC_SEND_MORE)
		return true;
	return t->nr > 1 && completion_done(&next->done) &&
	       zc_source_wait(next) > 0;
}

static void zc_transfer_account(struct zc_transfer *t,
				const struct zc_chunk *chunk, size_t sent)
{
	struct zc_sendfile *res = t->res;

	t->pos += sent;
	res->sent += sent;
	res->chunks++;
	if (folio_order(chunk->span.slot->folio) == ZC_HUGE_ORDER)
		res->huge_bytes += sent;
	if (chunk->cached) {
		res->cached += sent;
		res->copied += sent;
		res->copy_reasons |= ZC_COPY_NO_DIRECT;
	}
}

/* Send @len bytes of the oldest read. Returns 0 if the socket took them all. */
static int zc_transfer_send(struct zc_transfer *t, size_t len)
{
	struct zc_chunk *chunk = zc_transfer_chunk(t, 0);
	struct folio *folio = chunk->span.slot->folio;
	ssize_t ret;

	ret = zc_sink_send(&t->sink, folio, chunk->span.off + chunk->skip, len,
			   zc_transfer_more(t));
	if (ret < 0)
		return ret;
	zc_transfer_account(t, chunk, ret);
	return ret < len ? zc_sink_why_short(&t->sink) : 0;
}

/* The file turned out not to do direct reads, though it said that it would. */
static int zc_transfer_no_direct(struct zc_transfer *t)
{
	if (t->res->flags & ZC_SEND_DIRECT)
		return -EOPNOTSUPP;
	t->src.align = 0;
	zc_transfer_rewind(t);
	return 0;
}

/* Send the oldest read. Returns 1 to go on, 0 at the end of the file. */
static int zc_transfer_step(struct zc_transfer *t)
{
	struct zc_chunk *chunk = zc_transfer_chunk(t, 0);
	ssize_t len = zc_source_wait(chunk);
	bool whole = len == chunk->len;
	int ret;

	if (t->src.align && (len == -EINVAL || len == -EOPNOTSUPP))
		return zc_transfer_no_direct(t) ?: 1;
	if (chunk->cached && (t->res->flags & ZC_SEND_DIRECT))
		return -EOPNOTSUPP;
	if (len <= 0)
		return len;
	ret = zc_transfer_send(t, len);
	if (ret)
		return ret;
	zc_transfer_pop(t);
	/* A short read: the end of the file, or an interruption. Ask again. */
	if (!whole)
		zc_transfer_rewind(t);
	return 1;
}

static int zc_transfer_run(struct zc_transfer *t)
{
	int ret;

	do {
		if (signal_pending(current))
			return -ERESTARTSYS;
		ret = zc_transfer_fill(t);
		if (ret || !t->nr)
			return ret;
		ret = zc_transfer_step(t);
		cond_resched();
	} while (ret > 0);
	return ret;
}

static int zc_transfer_open(struct zc_transfer *t, struct zc_sendfile *arg)
{
	int ret;

	t->res = arg;
	t->step = ZC_CHUNK_FIRST;
	ret = zc_source_open(&t->src, arg->in_fd);
	if (ret)
		return ret;
	if ((arg->flags & ZC_SEND_DIRECT) && !t->src.align) {
		ret = -EOPNOTSUPP;
		goto err_source;
	}
	ret = zc_sink_open(&t->sink, arg->out_fd, arg->flags);
	if (ret)
		goto err_source;
	t->pos = arg->offset;
	if (arg->flags & ZC_SEND_POS)
		t->pos = READ_ONCE(t->src.file->f_pos);
	t->next = t->pos;
	t->end = t->pos + min_t(u64, arg->len, LLONG_MAX - t->pos);
	return 0;

err_source:
	zc_source_close(&t->src);
	return ret;
}

static void zc_transfer_close(struct zc_transfer *t)
{
	struct zc_sendfile *res = t->res;

	zc_transfer_rewind(t);
	zc_ring_free(&t->ring);
	res->copied += t->sink.copied;
	res->copy_reasons |= t->sink.reasons;
	res->offset = t->pos;
	if (res->flags & ZC_SEND_POS)
		t->src.file->f_pos = t->pos;
	add_rchar(current, res->sent);
	add_wchar(current, res->sent);
	zc_sink_close(&t->sink);
	zc_source_close(&t->src);
}

/**
 * zc_transfer_sendfile - send a range of a file to a socket
 * @arg: arguments, checked but for the descriptors, with the result fields zero;
 *       on return the result
 *
 * Returns: 0 or a negative errno as documented at struct zc_sendfile. Sleeps.
 */
int zc_transfer_sendfile(struct zc_sendfile *arg)
{
	struct zc_transfer *t = kzalloc(sizeof(*t), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!t)
		return -ENOMEM;
	ret = zc_transfer_open(t, arg);
	if (!ret) {
		ret = zc_transfer_run(t);
		zc_transfer_close(t);
	}
	kfree(t);
	arg->error = ret == -ERESTARTSYS ? EINTR : -ret;
	return arg->sent ? 0 : ret;
}
