/* SPDX-License-Identifier: GPL-2.0-only */
/* A send of zc as a command of io_uring. */
#ifndef _ZC_URING_TEST_H
#define _ZC_URING_TEST_H

#include <liburing.h>
#include <linux/zc.h>
#include <stdint.h>
#include <string.h>

/* Where in an SQE the command's own part is */
#define ZCT_URING_CMD	48

/* @arg is read when it is submitted. */
static inline void zct_uring_prep(struct io_uring_sqe *sqe, int fd, uint32_t op,
				  const void *arg, uint32_t size)
{
	struct zc_uring_cmd cmd = { .addr = (uintptr_t)arg, .size = size };

	io_uring_prep_rw(IORING_OP_URING_CMD, sqe, fd, NULL, 0, 0);
	/* The word that cmd_op shares; older headers have not the name. */
	sqe->off = op;
	memcpy((char *)sqe + ZCT_URING_CMD, &cmd, sizeof(cmd));
}

#endif /* _ZC_URING_TEST_H */
