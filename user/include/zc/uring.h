/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sends of zc by io_uring: what goes into an SQE. Inline, and of the kernel's header alone, so
 * that a program may use liburing, or none.
 */
#ifndef _ZC_URING_H
#define _ZC_URING_H

#include <linux/io_uring.h>
#include <stdint.h>
#include <string.h>
#include <zc/zc.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where the command's own bytes are in an SQE; older headers have no name for it. */
#define ZC_URING_CMD_OFFSET	48

static inline void zc_uring_prep(struct io_uring_sqe *sqe, int fd, uint32_t op, const void *arg,
				 uint32_t size)
{
	struct zc_uring_cmd cmd;
	uint64_t user_data = sqe->user_data;

	memset(&cmd, 0, sizeof(cmd));
	cmd.addr = (uintptr_t)arg;
	cmd.size = size;
	memset(sqe, 0, 64);
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = fd;
	/* cmd_op, which shares the first four bytes of this */
	sqe->off = op;
	sqe->user_data = user_data;
	memcpy((char *)sqe + ZC_URING_CMD_OFFSET, &cmd, sizeof(cmd));
}

/**
 * zc_uring_prep_sendfile - an SQE that sends a range of a file to a socket
 * @sqe: SQE; its user_data stays as it is
 * @fd:  zc_fd() of a context: without the module there is none
 * @arg: arguments, which are read when the SQE is submitted, and not written
 *
 * See struct zc_uring_cmd of <linux/zc.h> for the completion.
 */
static inline void zc_uring_prep_sendfile(struct io_uring_sqe *sqe, int fd,
					  const struct zc_sendfile *arg)
{
	zc_uring_prep(sqe, fd, ZC_IOC_SENDFILE, arg, sizeof(*arg));
}

/**
 * zc_uring_prep_send - an SQE that sends a range of a buffer to a socket
 * @sqe: SQE; its user_data stays as it is
 * @fd:  zc_fd() of the buffer's context
 * @arg: arguments, with the handle of the buffer (zc_buffer_query())
 *
 * As zc_uring_prep_sendfile().
 */
static inline void zc_uring_prep_send(struct io_uring_sqe *sqe, int fd,
				      const struct zc_send *arg)
{
	zc_uring_prep(sqe, fd, ZC_IOC_SEND, arg, sizeof(*arg));
}

#ifdef __cplusplus
}
#endif

#endif /* _ZC_URING_H */
