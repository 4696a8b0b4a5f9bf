// SPDX-License-Identifier: GPL-2.0-only
/*
 * One transfer: reads run ahead of sends, in order, and the result says what
 * happened.
 */
#include <linux/moduleparam.h>
#include <linux/sched/signal.h>
#include <linux/sched/xacct.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <linux/zc_netlink.h>

#include "compat.h"
#include "netlink.h"
#include "roster.h"
#include "trace.h"
#include "zc.h"

static unsigned int zc_depth = 4;

static int zc_depth_param_set(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 1, ZC_DEPTH_MAX);
}

static const struct kernel_param_ops zc_depth_ops = {
	.set = zc_depth_param_set,
	.get = param_get_uint,
};
module_param_cb(depth, &zc_depth_ops, &zc_depth, 0644);
MODULE_PARM_DESC(depth, "reads that a transfer keeps in flight, 1 to 8 (default 4)");

/**
 * zc_transfer_depth - reads that a transfer keeps in flight
 *
 * Returns: their number.
 */
unsigned int zc_transfer_depth(void)
{
	return READ_ONCE(zc_depth);
}

/**
 * zc_transfer_depth_set - set it
 * @depth: their number, 1 to ZC_DEPTH_MAX
 */
void zc_transfer_depth_set(unsigned int depth)
{
	WRITE_ONCE(zc_depth, depth);
}

static struct zc_chunk *zc_transfer_chunk(struct zc_transfer *t, unsigned int i)
{
	return &t->chunks[(t->head + i) % ZC_DEPTH_MAX];
}

/*
 * Start the read of bytes from t->next on: of some that lie before @stop, where
 * others follow that lie before @end.
 */
static int zc_transfer_read(struct zc_transfer *t, u64 stop, u64 end)
{
	struct zc_chunk *chunk = zc_transfer_chunk(t, t->nr);
	unsigned int align = t->ends->src.align ?: PAGE_SIZE;
	size_t skip = t->ends->src.align ? t->next & (align - 1) : 0;
	u64 want = round_up(skip + stop - t->next, (u64)align);
	u64 left = round_up(skip + end - t->next, (u64)align);
	int ret;

	ret = zc_ring_carve(&t->ring, min_t(u64, t->step, want), left,
			    &chunk->span);
	if (ret)
		return ret;
	if (chunk->span.len <= skip) {
		zc_ring_release(&chunk->span);
		return -ENOMEM;
	}
	chunk->pos = t->next;
	chunk->skip = skip;
	chunk->sent = 0;
	chunk->len = min_t(u64, chunk->span.len - skip, stop - t->next);
	t->next += chunk->len;
	if (t->next >= t->fine)
		t->step = min_t(size_t, t->step * 4, ZC_CHUNK_MAX);
	t->nr++;
	zc_source_read(&t->ends->src, chunk);
	return 1;
}

/* Take what the page cache has from t->next on. */
static int zc_transfer_take(struct zc_transfer *t, u64 end)
{
	struct zc_chunk *chunk = zc_transfer_chunk(t, t->nr);
	ssize_t len = zc_cache_get(&t->ends->src, t->next, end, &chunk->run);

	if (len <= 0)
		return len;
	chunk->pos = t->next;
	chunk->skip = 0;
	chunk->sent = 0;
	chunk->len = len;
	chunk->cached = true;
	chunk->shared = true;
	t->next += len;
	t->nr++;
	return 1;
}

/*
 * Go for the bytes from t->next on, in the page cache or elsewhere. Waits for
 * them only if there is nothing else to send.
 *
 * Returns: 1; 0 if it would have to wait, or a negative errno.
 */
static int zc_transfer_get(struct zc_transfer *t, u64 end)
{
	u64 stop = end;
	int ret;

	if (t->ends->src.cache) {
		ret = zc_transfer_take(t, end);
		if (ret)
			return ret;
	}
	ret = zc_source_settle(&t->ends->src);
	if (ret)
		return ret;
	if (!t->ends->src.align && t->nr)
		return 0;
	if (t->ends->src.fill && t->next < i_size_read(t->ends->src.host)) {
		ret = zc_cache_fill(&t->ends->src, t->next, end);
		ret = ret ?: zc_transfer_take(t, end);
		if (ret)
			return ret;
	}
	if (t->ends->src.cache)
		stop = zc_cache_next(&t->ends->src, t->next,
				     min_t(u64, end, t->next + t->step));
	return zc_transfer_read(t, stop, end);
}

/* Is the last of the chunks all that could be taken of the page cache at once? */
static bool zc_transfer_full(struct zc_transfer *t)
{
	const struct zc_chunk *last = zc_transfer_chunk(t, t->nr - 1);

	return last->shared && last->run->nr == last->run->max;
}

/* Get as many chunks as may run ahead. */
static int zc_transfer_fill(struct zc_transfer *t)
{
	u64 end = zc_source_end(&t->ends->src, t->ends->end);
	unsigned int depth = t->ends->src.align ? zc_transfer_depth() : 2;
	int ret;

	if (t->next >= end) {
		if (t->nr || end == t->ends->end)
			return 0;
		ret = zc_source_refresh(&t->ends->src);
		end = zc_source_end(&t->ends->src, t->ends->end);
		if (ret || t->next >= end)
			return ret;
	}
	if (zc_sink_nonblock(&t->ends->sink)) {
		long room = zc_sink_room(&t->ends->sink, t->share);
		u64 fits = round_down(t->ends->pos + room, PAGE_SIZE);

		if (!room && !t->nr)
			return -EAGAIN;
		/*
		 * What the socket will not take would be read in vain, and so would
		 * a part of a page, as direct reads are of whole ones. But the part
		 * that ends the range goes with the page before it.
		 */
		if (end >= fits + PAGE_SIZE)
			end = fits;
		depth = t->async ? 2 : 1;
	}
	while (t->nr < depth && t->next < end) {
		/* One to send, and one to know that it follows. */
		if (t->nr >= 2 && zc_transfer_full(t))
			break;
		ret = zc_transfer_get(t, end);
		if (ret <= 0)
			return t->nr ? 0 : ret;
	}
	return 0;
}

/* Done with the oldest chunk, whose read is over. */
static void zc_transfer_pop(struct zc_transfer *t)
{
	struct zc_chunk *chunk = zc_transfer_chunk(t, 0);

	if (chunk->shared)
		zc_cache_put(chunk->run);
	else
		zc_ring_release(&chunk->span);
	chunk->shared = false;
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
	t->next = t->ends->pos;
}

/* Will more bytes follow at once? Then the socket need not send a short packet. */
static bool zc_transfer_more(struct zc_transfer *t)
{
	struct zc_chunk *next = zc_transfer_chunk(t, 1);

	if (t->res->flags & ZC_SEND_MORE)
		return true;
	return t->nr > 1 && zc_source_ready(next) &&
	       zc_source_wait(next) > 0;
}

static unsigned int zc_transfer_how(struct zc_transfer *t,
				    const struct zc_chunk *chunk, size_t len)
{
	return (chunk->shared ? 0 : ZC_HOW_PRIVATE) | zc_sink_small(len) |
	       (zc_transfer_more(t) ? ZC_HOW_MORE : 0);
}

static void zc_transfer_account(struct zc_transfer *t,
				const struct zc_chunk *chunk, size_t sent)
{
	struct zc_sendfile *res = t->res;

	t->ends->pos += sent;
	res->sent += sent;
	res->chunks += !chunk->sent;
	if (chunk->cached)
		res->cached += sent;
	if (chunk->shared)
		return;
	if (folio_order(chunk->span.slot->folio) == ZC_HUGE_ORDER)
		res->huge_bytes += sent;
	if (chunk->cached) {
		res->copied += sent;
		res->copy_reasons |= ZC_COPY_NO_DIRECT;
		trace_zc_transfer_fallback(&t->ends->sink, NULL, sent, ZC_COPY_NO_DIRECT);
	}
}

/* Send the oldest chunk up to byte @len. Returns 0 if all are sent or more would go. */
static int zc_transfer_send(struct zc_transfer *t, size_t len)
{
	struct zc_chunk *chunk = zc_transfer_chunk(t, 0);
	struct iov_iter iter;
	ssize_t ret;

	if (chunk->shared) {
		iov_iter_bvec(&iter, ITER_SOURCE, chunk->run->bvecs,
			      chunk->run->nr, len);
	} else {
		/* The read is over: its vector is free for the send. */
		chunk->bv.bv_offset = chunk->span.off + chunk->skip;
		chunk->bv.bv_len = len;
		iov_iter_bvec(&iter, ITER_SOURCE, &chunk->bv, 1, len);
	}
	iov_iter_advance(&iter, chunk->sent);
	ret = zc_sink_send(&t->ends->sink, &iter, zc_transfer_how(t, chunk, len));
	if (ret < 0)
		return ret;
	zc_transfer_account(t, chunk, ret);
	chunk->sent += ret;
	return chunk->sent < len ? zc_sink_why_short(&t->ends->sink) : 0;
}

/* The file turned out not to do direct reads, though it said that it would. */
static int zc_transfer_no_direct(struct zc_transfer *t)
{
	if (t->res->flags & ZC_SEND_DIRECT)
		return -EOPNOTSUPP;
	zc_transfer_rewind(t);
	zc_source_no_direct(&t->ends->src);
	return 0;
}

/*
 * The read of the oldest chunk failed. A direct read does so as a whole: what can
 * be read before the place that cannot is read and sent in the smallest pieces, the
 * last of which fails again. It is forgotten, for who tries again to read again.
 */
static int zc_transfer_failed(struct zc_transfer *t, int err)
{
	struct zc_chunk *chunk = zc_transfer_chunk(t, 0);
	bool large = t->ends->src.align && chunk->span.len > t->ends->src.align;

	if (large) {
		t->fine = chunk->pos + chunk->len;
		t->step = t->ends->src.align;
	}
	zc_transfer_rewind(t);
	return large ? 1 : err;
}

/*
 * Has the oldest chunk none of the bytes wanted, though the file goes on? A read begins where a
 * page does, and whoever is behind FUSE may answer with less than was asked for.
 */
static bool zc_transfer_fell_short(struct zc_transfer *t)
{
	const struct zc_source *src = &t->ends->src;
	const struct zc_chunk *chunk = zc_transfer_chunk(t, 0);

	return src->unsure && src->align && chunk->skip && chunk->result > 0 &&
	       chunk->result <= chunk->skip && chunk->pos < i_size_read(src->host);
}

/* Send the oldest chunk. Returns 1 to go on, 0 at the end of the file. */
static int zc_transfer_step(struct zc_transfer *t)
{
	struct zc_chunk *chunk = zc_transfer_chunk(t, 0);
	ssize_t len = zc_source_wait(chunk);
	bool whole = len == chunk->len;
	int ret;

	if (t->ends->src.align && (len == -EINVAL || len == -EOPNOTSUPP))
		return zc_transfer_no_direct(t) ?: 1;
	/* Other reads begin where they are to. */
	if (zc_transfer_fell_short(t))
		return zc_transfer_no_direct(t) ?: 1;
	if (chunk->cached && (t->res->flags & ZC_SEND_DIRECT))
		return -EOPNOTSUPP;
	if (len < 0)
		return zc_transfer_failed(t, len);
	if (!len)
		return 0;
	do {
		ret = zc_transfer_send(t, len);
		if (ret)
			return ret;
	} while (chunk->sent < len);
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
		/* Not after the last: who gets a small file need not interrupt the next. */
		cond_resched();
		ret = zc_transfer_step(t);
	} while (ret > 0);
	return ret;
}

/*
 * Is there something to do with the oldest chunk? What failed or is short is read
 * again, and that waits for the others.
 */
static bool zc_transfer_ready(struct zc_transfer *t)
{
	const struct zc_chunk *first = zc_transfer_chunk(t, 0);
	unsigned int i;

	for (i = 0; i < t->nr; i++) {
		struct zc_chunk *chunk = zc_transfer_chunk(t, i);

		if (!zc_source_ready(chunk))
			return false;
		if (zc_source_wait(chunk) == chunk->len && chunk == first)
			return true;
	}
	return true;
}

/**
 * zc_transfer_quiet - are all its reads over?
 * @t: transfer
 *
 * Returns: true if they are; then zc_transfer_free() waits for nobody.
 */
bool zc_transfer_quiet(struct zc_transfer *t)
{
	unsigned int i;

	for (i = 0; i < t->nr; i++)
		if (!zc_source_ready(zc_transfer_chunk(t, i)))
			return false;
	return true;
}

/* Chunks that a transfer may send before others have their turn. */
#define ZC_TURN	8

/**
 * zc_transfer_advance - do what can be done of an asynchronous transfer now
 * @t: transfer
 *
 * Reads through the page cache are waited for, nothing else.
 *
 * Returns: 0 at its end; -EIOCBQUEUED, and the source's waker or the socket's
 * pollers will be woken when there is more to do; -EINPROGRESS, and there is more
 * to do at once; -ENOMEM, and it may be tried again; another negative errno that
 * ends it.
 */
int zc_transfer_advance(struct zc_transfer *t)
{
	unsigned int turn;
	int ret;

	for (turn = 0; turn < ZC_TURN; turn++) {
		ret = zc_transfer_fill(t);
		/* Who waits, for the peer or for memory, keeps none. */
		if (ret == -EAGAIN || ret == -ENOMEM)
			zc_ring_free(&t->ring);
		if (ret == -EAGAIN)
			return -EIOCBQUEUED;
		if (ret || !t->nr)
			return ret;
		if (!zc_transfer_ready(t))
			return -EIOCBQUEUED;
		ret = zc_transfer_step(t);
		if (ret == -EAGAIN)
			return zc_sink_writable(&t->ends->sink) ? -ENOMEM : -EIOCBQUEUED;
		if (ret <= 0)
			return ret;
	}
	return -EINPROGRESS;
}

/*
 * Freed as they are made: without chunks and folios, and with a run of their own. So
 * a transfer of a small file neither begins with the zeroing of a page nor has more
 * than itself allocated.
 */
static struct kmem_cache *zc_transfers;

static void zc_transfer_construct(void *obj)
{
	struct zc_transfer *t = obj;

	memset(t, 0, sizeof(*t));
	t->few.max = ZC_RUN_FEW;
	t->few.inner = true;
	t->chunks[0].run = &t->few;
}

/**
 * zc_transfer_new - get a transfer ready
 * @ends: between these, which must live as long; their @pos moves on
 * @arg:  arguments, checked; and the result
 *
 * Many may be under way for one who waits for none: then it is charged to the memcg
 * of the caller.
 *
 * Returns: the transfer, to be freed by zc_transfer_free(); or NULL. Sleeps.
 */
struct zc_transfer *zc_transfer_new(struct zc_ends *ends, struct zc_sendfile *arg)
{
	struct zc_transfer *t = kmem_cache_alloc(zc_transfers,
						 arg->flags & ZC_SEND_ASYNC ?
						 zc_gfp_account() : GFP_KERNEL);

	if (!t)
		return NULL;
	t->ends = ends;
	t->next = ends->pos;
	t->res = arg;
	t->async = arg->flags & ZC_SEND_ASYNC;
	t->share = LONG_MAX;
	t->step = ZC_CHUNK_FIRST;
	t->fine = 0;
	return t;
}

/**
 * zc_transfer_free - end a transfer, wherever it is
 * @t: from zc_transfer_new(). Waits for reads under way, see zc_transfer_quiet()
 */
void zc_transfer_free(struct zc_transfer *t)
{
	unsigned int i;

	zc_transfer_rewind(t);
	for (i = 0; i < ZC_DEPTH_MAX; i++) {
		if (t->chunks[i].run)
			zc_cache_free(t->chunks[i].run);
		t->chunks[i].run = NULL;
	}
	t->chunks[0].run = &t->few;
	t->head = 0;
	zc_ring_free(&t->ring);
	kmem_cache_free(zc_transfers, t);
}

static int zc_transfer_whole(struct zc_ends *ends, struct zc_sendfile *arg)
{
	struct zc_transfer *t = zc_transfer_new(ends, arg);
	int ret;

	if (!t)
		return -ENOMEM;
	ret = zc_transfer_run(t);
	zc_transfer_free(t);
	return ret;
}

/* Send it all, with a transfer if there is more to do than zc_ends_send_few() can. */
static int zc_transfer_all(struct zc_ends *ends, struct zc_sendfile *arg)
{
	struct zc_entry entry ZC_UNINITIALIZED;
	int ret = zc_ends_send_few(ends, arg);
	bool few = ret <= 0;

	entry.id = 0;
	entry.waiter = ZC_TRANSFER_WAITER_CALLER;
	entry.ends = ends;
	entry.arg = arg;
	entry.range = NULL;
	if (!few) {
		zc_roster_add(&entry);
		ret = zc_transfer_whole(ends, arg);
	}
	if (zc_notify_wanted())
		zc_roster_tell(&entry, ret);
	if (!few)
		zc_roster_del(&entry);
	return ret;
}

static void zc_transfer_count(const struct zc_sendfile *arg, int err)
{
	const struct zc_outcome out = {
		.sent = arg->sent,
		.copied = arg->copied,
		.cached = arg->cached,
		.reasons = arg->copy_reasons,
		.err = err,
	};

	zc_roster_count_end(&out);
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
	/* All that is used of it is set by zc_ends_open(). */
	struct zc_ends ends ZC_UNINITIALIZED;
	int ret = zc_ends_open(&ends, arg);

	if (!ret) {
		zc_stat_inc(ZC_STAT_BEGUN);
		ret = zc_transfer_all(&ends, arg);
		zc_ends_close(&ends, arg, ret);
		zc_transfer_count(arg, ret);
		add_rchar(current, arg->sent);
		add_wchar(current, arg->sent);
	}
	arg->error = ret == -ERESTARTSYS ? EINTR : -ret;
	return arg->sent ? 0 : ret;
}

/**
 * zc_transfer_init - get ready for transfers
 *
 * Returns: 0 or -ENOMEM.
 */
int zc_transfer_init(void)
{
	zc_transfers = kmem_cache_create("zc_transfer",
					 offsetof(struct zc_transfer, few.bvecs[ZC_RUN_FEW]),
					 0, SLAB_HWCACHE_ALIGN, zc_transfer_construct);
	return zc_transfers ? 0 : -ENOMEM;
}

/**
 * zc_transfer_exit - undo zc_transfer_init(), when all have ended
 */
void zc_transfer_exit(void)
{
	kmem_cache_destroy(zc_transfers);
}
