// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a transfer is between, the file and the socket; and the shortest way from the
 * one to the other.
 */
#include <linux/sched/signal.h>
#include <linux/uio.h>

#include "trace.h"
#include "zc.h"

/* May the page cache have all of it, at once? */
static bool zc_ends_small(const struct zc_ends *ends)
{
	return ends->src.cache &&
	       zc_source_end(&ends->src, ends->end) - ends->pos <= ZC_RUN_VECS * PAGE_SIZE;
}

/**
 * zc_ends_open - take the file and the socket of a transfer
 * @ends: filled in; to be closed by zc_ends_close()
 * @arg:  arguments
 *
 * Returns: 0 or a negative errno as documented at struct zc_sendfile. Sleeps.
 */
int zc_ends_open(struct zc_ends *ends, const struct zc_sendfile *arg)
{
	int ret = zc_source_open(&ends->src, arg->in_fd, arg->flags);

	if (ret)
		return ret;
	ends->pos = arg->offset;
	if (arg->flags & ZC_SEND_POS)
		ends->pos = READ_ONCE(ends->src.file->f_pos);
	ends->end = ends->pos + min_t(u64, arg->len, LLONG_MAX - ends->pos);
	if (!zc_ends_small(ends))
		ret = zc_source_settle(&ends->src);
	ret = ret ?: zc_sink_open(&ends->sink, arg->out_fd, arg->flags);
	if (ret) {
		zc_source_close(&ends->src);
		return ret;
	}
	if (trace_zc_transfer_begin_enabled())
		trace_zc_transfer_begin(&ends->sink, &ends->src, NULL, ends->pos, arg->len,
					arg->flags, arg->user_data);
	return 0;
}

/**
 * zc_ends_close - let file and socket go
 * @ends: ends; @pos is where the transfer ended
 * @res:  result, of which the rest is set
 * @err:  how it ended: 0 or a negative errno
 */
void zc_ends_close(struct zc_ends *ends, struct zc_sendfile *res, int err)
{
	zc_sink_result(&ends->sink, res);
	/* A call that is restarted is read again, and must not have one then. */
	if (err != -ERESTARTSYS || res->sent || !(res->flags & ZC_SEND_POS))
		res->offset = ends->pos;
	if (res->flags & ZC_SEND_POS && res->sent)
		ends->src.file->f_pos = ends->pos;
	if (trace_zc_transfer_end_enabled())
		trace_zc_transfer_end(&ends->sink, &ends->src, NULL, ends->pos, res->sent,
				      res->copied, res->cached, res->copy_reasons,
				      res->user_data, err);
	zc_sink_close(&ends->sink);
	zc_source_close(&ends->src);
}

/**
 * zc_ends_wants - how much memory will a transfer between them need?
 * @ends: ends
 *
 * Returns: bytes, by the present size of the file; 0 if the page cache has the first.
 */
u64 zc_ends_wants(const struct zc_ends *ends)
{
	u64 end = zc_source_end(&ends->src, ends->end);

	if (ends->src.cache && zc_cache_has(&ends->src, ends->pos))
		return 0;
	return end > ends->pos ? end - ends->pos : 0;
}

/**
 * zc_ends_send_few - send at once what the page cache has, if that is all of it
 * @ends: ends, just opened; @pos moves on
 * @res:  result
 *
 * And if it is a few pages: by a run of folios on the stack, and without a transfer,
 * which costs as much as the rest of it.
 *
 * Returns: 1, and what is left, from @pos on, is for a transfer; 0, all is sent, or a
 * negative errno. Sleeps.
 */
int zc_ends_send_few(struct zc_ends *ends, struct zc_sendfile *res)
{
	union {
		struct zc_run run;
		u8 room[offsetof(struct zc_run, bvecs[ZC_RUN_FEW])];
	} few;
	struct zc_run *run = &few.run;
	u64 end = zc_source_end(&ends->src, ends->end);
	struct iov_iter iter;
	ssize_t len, ret;

	if (ends->src.settled || end <= ends->pos ||
	    end - ends->pos > ZC_RUN_FEW * PAGE_SIZE - offset_in_page(ends->pos) ||
	    signal_pending(current))
		return 1;
	run->nr = 0;
	run->len = 0;
	run->max = ZC_RUN_FEW;
	run->inner = true;
	len = zc_cache_get(&ends->src, ends->pos, end, &run);
	if (len < 0)
		return len;
	ret = 0;
	if (ends->pos + len == end) {
		iov_iter_bvec(&iter, ITER_SOURCE, run->bvecs, run->nr, len);
		ret = zc_sink_send(&ends->sink, &iter, zc_sink_small(len) |
				   (res->flags & ZC_SEND_MORE ? ZC_HOW_MORE : 0));
	}
	zc_cache_put(run);
	if (ret < 0)
		return ret;
	ends->pos += ret;
	/* This may be its second time: an asynchronous one was sent in part before. */
	res->sent += ret;
	res->cached += ret;
	res->chunks += !!ret;
	if (ends->pos == end)
		return 0;
	return (ret ? zc_sink_why_short(&ends->sink) : 0) ?: 1;
}
