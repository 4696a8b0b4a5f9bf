/* SPDX-License-Identifier: GPL-2.0-only */
/* One transfer in each of its ways, of which an allocation may fail. */
#ifndef _XFER_H
#define _XFER_H

#include "zc_test.h"

enum xfer_how { SYNC, ASYNC, URING };

/**
 * struct xfer - one transfer over a connection of its own
 * @fd:     the device
 * @how:    by whom it is driven
 * @family: of the sockets
 * @pair:   makes them instead, connected; or NULL
 * @other:  an error that such sockets have for want of memory, positive; or 0
 * @in:     file, or -1: @handle
 * @handle: buffer
 * @offset: first byte; pattern offset too
 * @len:    bytes
 * @flags:  ZC_SEND_*
 * @nth:    allocation of the submission to fail
 * @injected: out: it came
 * @ret:    out: of the call; 0 or a negative errno
 * @error:  out: why it ended early, positive
 * @sent:   out: bytes, by what the module says
 * @cached: out: of them from the page cache (not by io_uring)
 * @rx:     out: what came
 */
struct xfer {
	int fd;
	enum xfer_how how;
	int family;
	int (*pair)(int *sock);
	int other;
	int in;
	uint32_t handle;
	uint64_t offset;
	uint64_t len;
	uint32_t flags;
	unsigned int nth;
	bool injected;
	int ret;
	int error;
	uint64_t sent;
	uint64_t cached;
	struct zct_rx rx;
};

void xfer_run(struct xfer *x);
/* May the module say so of it (0: success), where an allocation failed? */
bool xfer_may_say(const struct xfer *x, int err);

#endif /* _XFER_H */
