/* SPDX-License-Identifier: GPL-2.0-only */
/* Failures on demand, and one transfer in each of its ways. */
#ifndef _FAULT_H
#define _FAULT_H

#include "zc_test.h"

/* Why this kernel cannot fail on demand; NULL if it can. */
const char *fault_missing(void);
/* Change a setting below debugfs; fault_restore() takes all changes back. */
int fault_set(const char *attr, const char *file, const char *val);
void fault_restore(void);
/* What a setting is, a number; or a negative errno. */
long fault_get(const char *attr, const char *file);
/* From here on allocations that may sleep can fail too, whatever their order. */
int fault_begin(void);
/*
 * Instead: copies to and from user space by the module can fail, and no allocation. Returns
 * -EOPNOTSUPP if this kernel cannot.
 */
int fault_begin_copies(void);
/* Instead: those that are asked for from within the module can fail, and no others. */
int fault_begin_module(void);
/* Instead: those that a module makes while it is initialised can fail, and no others. */
int fault_begin_init(void);
/*
 * Fail the @nth allocation, or copy, of this thread from here on; 0: none. Where the kernel can
 * tell, those of slabs come first, and then those of pages: so the same number is the same one.
 * To be called with 1, 2, 3 … until fault_disarm() says no.
 */
void fault_arm(unsigned int nth);
/* Returns whether that allocation came, or there are those of the other kind to be tried. */
bool fault_disarm(void);
/* How many have failed since fault_arm(1). */
unsigned int fault_count(void);
/* Fail @percent of what is allocated from within the module, so often at most. */
int fault_spread(unsigned int percent, unsigned int times);
/* No more. Returns how many failed. */
unsigned int fault_calm(void);

enum xfer_how { SYNC, ASYNC, URING };

/**
 * struct xfer - one transfer over a connection of its own
 * @fd:     the device
 * @how:    by whom it is driven
 * @family: of the sockets
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

#endif /* _FAULT_H */
