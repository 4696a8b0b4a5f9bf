// SPDX-License-Identifier: GPL-2.0-only
/*
 * A range of a buffer -> socket.
 *
 * The bytes of a sealed buffer cannot change: the network's references to their
 * folios are all there is to it. Those of another may, so its owner is told when
 * the network has let go of them, by the same means as for MSG_ZEROCOPY.
 */
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <linux/zc_netlink.h>

#include "compat.h"
#include "netlink.h"
#include "roster.h"
#include "trace.h"
#include "zc.h"

/* In one go: so much, in so many pieces at most. */
#define ZC_SEND_BURST	SZ_2M
#define ZC_SEND_VECS	32U

/* Bursts of an asynchronous send before others have their turn. */
#define ZC_SEND_TURN	8U

/**
 * struct zc_hold - what the network has of a buffer by one call
 * @ubuf:   one reference for the call, one for each skb
 * @buf:    buffer, a reference is held
 * @note:   to be posted at the end; freed instead if nothing was sent
 * @sent:   bytes sent by the call; valid when it has dropped its reference
 * @copied: bytes that the network copied, as the packets looped back
 * @work:   the end of it
 *
 * Holds a reference on the module too: it may outlive the file.
 */
struct zc_hold {
	struct ubuf_info ubuf;
	struct zc_buffer *buf;
	struct zc_note *note;
	u64 sent;
	atomic64_t copied;
	struct work_struct work;
};

static struct workqueue_struct *zc_wq;

/* The end of a buffer may sleep; the network's last reference may be dropped anywhere. */
static void zc_hold_end(struct work_struct *work)
{
	struct zc_hold *hold = container_of(work, struct zc_hold, work);
	struct zc_event *event = &hold->note->event;

	event->sent = hold->sent;
	event->copied = atomic64_read(&hold->copied);
	if (event->copied) {
		event->copy_reasons = ZC_COPY_LOOPBACK;
		zc_roster_count_copies(event->copied, ZC_COPY_LOOPBACK);
		trace_zc_transfer_fallback(NULL, hold->buf, event->copied, ZC_COPY_LOOPBACK);
	}
	zc_buffer_put(hold->buf);
	if (hold->sent)
		zc_note_post(hold->note);
	else
		zc_note_free(hold->note);
	kfree(hold);
	/* zc_send_exit() waits for the rest of this function. */
	module_put(THIS_MODULE);
}

/* Called in any context, for each skb that has gone. */
static void zc_hold_put(struct sk_buff *skb, struct ubuf_info *ubuf, bool success)
{
	struct zc_hold *hold = container_of(ubuf, struct zc_hold, ubuf);

	if (skb && !success)
		atomic64_add(skb->data_len, &hold->copied);
	/* zc_send_exit() waits for this section after zc_hold_end(). */
	rcu_read_lock();
	if (refcount_dec_and_test(&ubuf->refcnt))
		queue_work(zc_wq, &hold->work);
	rcu_read_unlock();
}

static struct zc_hold *zc_hold_new(struct zc_file *zf, struct zc_buffer *buf,
				   u64 user_data)
{
	struct zc_hold *hold = kzalloc(sizeof(*hold), zc_gfp_account());

	if (!hold)
		return ERR_PTR(-ENOMEM);
	hold->note = zc_note_new(zf, ZC_EVENT_RELEASED, user_data);
	if (IS_ERR(hold->note)) {
		int ret = PTR_ERR(hold->note);

		kfree(hold);
		return ERR_PTR(ret);
	}
	refcount_set(&hold->ubuf.refcnt, 1);
	ZC_UBUF_CALLBACK(&hold->ubuf, zc_hold_put);
	INIT_WORK(&hold->work, zc_hold_end);
	zc_buffer_get(buf);
	hold->buf = buf;
	__module_get(THIS_MODULE);
	return hold;
}

/*
 * How many bytes from @pos on, of @len, are in a row in memory? What follows a page in its folio
 * need not follow it in a dma-buf, nor belong to it: udmabuf takes pages in any order.
 */
static u32 zc_send_row(const struct zc_buffer *buf, u64 pos, u64 len)
{
	u64 max = PAGE_ALIGN(offset_in_page(pos) + len);
	struct page *page;

	return zc_mem_piece(&buf->mem, pos >> PAGE_SHIFT, max, ZC_NO_BOUNDARY, &page) -
	       offset_in_page(pos);
}

/* Describe the bytes from @pos on. Returns how many of at most @len. */
static size_t zc_send_vecs(const struct zc_buffer *buf, u64 pos, u64 len,
			   struct bio_vec *bvecs, unsigned int *nr)
{
	size_t done = 0;

	for (*nr = 0; *nr < ZC_SEND_VECS && done < len; (*nr)++) {
		struct page *page = zc_buffer_page(buf, (pos + done) >> PAGE_SHIFT);
		struct folio *folio = page_folio(page);
		struct bio_vec *bv = &bvecs[*nr];

		/* Imported, it may begin anywhere in a folio. */
		bv->bv_page = folio_page(folio, 0);
		bv->bv_offset = folio_page_idx(folio, page) * PAGE_SIZE +
				offset_in_page(pos + done);
		bv->bv_len = min_t(u64, len - done,
				   folio_size(folio) - bv->bv_offset);
		if (buf->mem.import)
			bv->bv_len = min(bv->bv_len, zc_send_row(buf, pos + done, len - done));
		done += bv->bv_len;
	}
	return done;
}

/**
 * zc_range_run - send on, from where it is
 * @range: from zc_range_open()
 *
 * Returns: 0 when all is sent, -EAGAIN if the socket is non-blocking and has no
 * room, -EINPROGRESS if an asynchronous send has had its turn, or another negative
 * errno as documented at struct zc_send. Sleeps.
 */
int zc_range_run(struct zc_range *range)
{
	struct zc_send *arg = range->arg;
	unsigned int how = zc_sink_small(arg->len), turn = 0;
	struct bio_vec bvecs[ZC_SEND_VECS];
	struct iov_iter iter;
	unsigned int nr;
	int err;

	while (arg->sent < arg->len) {
		u64 left = arg->len - arg->sent;
		size_t len = zc_send_vecs(range->buf, arg->offset,
					  min_t(u64, left, ZC_SEND_BURST),
					  bvecs, &nr);
		ssize_t ret;

		if (signal_pending(current))
			return -ERESTARTSYS;
		if ((arg->flags & ZC_SEND_ASYNC) && turn++ == ZC_SEND_TURN)
			return -EINPROGRESS;
		iov_iter_bvec(&iter, ITER_SOURCE, bvecs, nr, len);
		if (len < left || (arg->flags & ZC_SEND_MORE))
			how |= ZC_HOW_MORE;
		else
			how &= ~ZC_HOW_MORE;
		ret = zc_sink_send(&range->sink, &iter, how);
		if (ret < 0)
			return ret;
		arg->sent += ret;
		arg->offset += ret;
		err = ret < len ? zc_sink_why_short(&range->sink) : 0;
		if (err)
			return err;
		cond_resched();
	}
	return 0;
}

/**
 * zc_range_open - get a send ready
 * @range: filled in
 * @zf:    file that has the buffer
 * @arg:   arguments, flags and reserved fields checked; on zc_range_close() the
 *         result
 *
 * Returns: 0 or a negative errno as documented at struct zc_send. Sleeps.
 */
int zc_range_open(struct zc_range *range, struct zc_file *zf,
		  struct zc_send *arg)
{
	struct zc_buffer *buf;
	int ret = -EINVAL;

	if (arg->flags & ZC_SEND_SHARED)
		buf = zc_share_find(arg->handle);
	else
		buf = zc_buffer_find(zf, arg->handle) ?: ERR_PTR(-ENOENT);
	if (IS_ERR(buf))
		return PTR_ERR(buf);
	range->arg = arg;
	range->buf = buf;
	range->hold = NULL;
	if (arg->offset > buf->mem.size || arg->len > buf->mem.size - arg->offset)
		goto err_buffer;
	ret = zc_sink_open(&range->sink, arg->out_fd, arg->flags);
	if (ret)
		goto err_buffer;
	if (!zc_buffer_sealed(buf) && arg->len) {
		range->hold = zc_hold_new(zf, buf, arg->user_data);
		if (IS_ERR(range->hold)) {
			ret = PTR_ERR(range->hold);
			goto err_sink;
		}
		zc_sink_notify(&range->sink, &range->hold->ubuf);
	}
	if (trace_zc_transfer_begin_enabled())
		trace_zc_transfer_begin(&range->sink, NULL, buf, arg->offset, arg->len,
					arg->flags, arg->user_data);
	return 0;

err_sink:
	zc_sink_close(&range->sink);
err_buffer:
	zc_buffer_put(buf);
	return ret;
}

/**
 * zc_range_close - end a send, wherever it is
 * @range: from zc_range_open()
 * @err:   how it ended: 0 or a negative errno
 */
void zc_range_close(struct zc_range *range, int err)
{
	struct zc_send *arg = range->arg;

	arg->copied = range->sink.copied;
	arg->copy_reasons = range->sink.reasons;
	arg->paths = range->sink.paths;
	arg->frags = range->sink.frags;
	if (trace_zc_transfer_end_enabled())
		trace_zc_transfer_end(&range->sink, NULL, range->buf, arg->offset, arg->sent,
				      arg->copied, 0, arg->copy_reasons, arg->user_data, err);
	if (range->hold) {
		range->hold->sent = arg->sent;
		arg->events = !!arg->sent;
		zc_hold_put(NULL, &range->hold->ubuf, true);
	}
	zc_sink_close(&range->sink);
	WRITE_ONCE(range->buf->touched, jiffies);
	zc_buffer_put(range->buf);
}

static int zc_send_range(struct zc_range *range)
{
	struct zc_entry entry ZC_UNINITIALIZED;
	int ret;

	entry.waiter = ZC_TRANSFER_WAITER_CALLER;
	entry.range = range;
	zc_roster_add(&entry);
	ret = zc_range_run(range);
	if (zc_notify_wanted())
		zc_roster_tell(&entry, ret);
	zc_roster_del(&entry);
	return ret;
}

static void zc_send_count(const struct zc_send *arg, int err)
{
	const struct zc_outcome out = {
		.sent = arg->sent,
		.copied = arg->copied,
		.reasons = arg->copy_reasons,
		.err = err,
	};

	zc_roster_count_end(&out);
}

/**
 * zc_send - send a range of a buffer to a socket
 * @zf:  file that has the buffer
 * @arg: arguments, flags and reserved fields checked, with the result fields
 *       zero; on return the result
 *
 * Returns: 0 or a negative errno as documented at struct zc_send. Sleeps.
 */
int zc_send(struct zc_file *zf, struct zc_send *arg)
{
	struct zc_range range;
	int ret;

	ret = zc_range_open(&range, zf, arg);
	if (ret)
		return ret;
	zc_stat_inc(ZC_STAT_BEGUN);
	ret = zc_send_range(&range);
	zc_range_close(&range, ret);
	zc_send_count(arg, ret);
	arg->error = ret == -ERESTARTSYS ? EINTR : -ret;
	return arg->sent ? 0 : ret;
}

/**
 * zc_send_init - get ready for sends
 *
 * Returns: 0 or -ENOMEM.
 */
int zc_send_init(void)
{
	zc_wq = alloc_workqueue("zc", WQ_UNBOUND, 0);
	return zc_wq ? 0 : -ENOMEM;
}

/**
 * zc_send_exit - undo zc_send_init()
 *
 * All have dropped their references on the module; wait for the last steps of
 * those who did.
 */
void zc_send_exit(void)
{
	destroy_workqueue(zc_wq);
	synchronize_rcu();
}
