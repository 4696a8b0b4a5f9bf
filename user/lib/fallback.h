/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What there is without the module; for contexts of zc_open_any() alone. */
#ifndef _ZC_FALLBACK_H
#define _ZC_FALLBACK_H

#include "private.h"

/* move.c: a file to a socket, or whatever else, by the kernel's own calls */

int64_t zc_move_file(struct zc_sendfile *arg);
int64_t zc_move_buffer(const struct zc_buffer *buf, struct zc_send *arg);

/* memory.c: buffers */

int zc_memory_new(struct zc_buffer *buf, uint64_t size, uint32_t flags, int node);
int zc_memory_take(struct zc_buffer *buf, int fd, uint64_t offset, uint64_t size);
int zc_memory_query(const struct zc_buffer *buf, struct zc_buf_query *query);
int zc_memory_seal(struct zc_buffer *buf);
int zc_memory_share(const struct zc_buffer *buf, uint32_t flags);
void zc_memory_limits(struct zc_query *query);

/* sigpipe.c: no SIGPIPE for this thread, meanwhile */

/**
 * struct zc_sigpipe - what was before
 * @mask:    signals that were blocked
 * @pending: SIGPIPE was waiting already
 * @on:      something was changed
 */
struct zc_sigpipe {
	sigset_t mask;
	bool pending;
	bool on;
};

void zc_sigpipe_block(struct zc_sigpipe *was, uint32_t flags);
void zc_sigpipe_restore(const struct zc_sigpipe *was);

#endif /* _ZC_FALLBACK_H */
