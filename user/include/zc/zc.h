/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libzc: zero-copy hugepage buffers, and files to sockets without a copy.
 *
 * Functions return 0 or a count, or a negative errno (-ENOENT, …); they print
 * nothing and never exit. What an errno means for a call of the module is
 * documented in <linux/zc.h>. Sizes, lengths and offsets are in bytes.
 *
 * A context may be used by several threads at once. A buffer may too, but for
 * its last call, zc_buffer_free().
 */
#ifndef _ZC_ZC_H
#define _ZC_ZC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/zc.h>

#ifdef __cplusplus
extern "C" {
#endif

/** ZC_DEVICE - path of the device node */
#define ZC_DEVICE	"/dev/zc"

/** struct zc_context - an open /dev/zc; opaque */
struct zc_context;

/** struct zc_buffer - a buffer and its mapping; opaque */
struct zc_buffer;

/**
 * zc_open - open the device
 * @ctx: the context, to be given back by zc_close()
 *
 * The descriptor has O_CLOEXEC. Does not block.
 *
 * Returns: 0; -ENOENT (module not loaded), -EACCES (no permission on the device
 * node), -ENOMEM and what else open(2) says.
 */
int zc_open(struct zc_context **ctx);

/**
 * zc_close - close the device
 * @ctx: context, or NULL. Buffers made from it stay valid, until they are freed
 */
void zc_close(struct zc_context *ctx);

/**
 * zc_fd - descriptor behind a context, for poll() and ioctl()
 * @ctx: context, which keeps the descriptor
 *
 * Returns: descriptor.
 */
int zc_fd(const struct zc_context *ctx);

/**
 * zc_query - features and limits of the module
 * @ctx:   context
 * @query: written
 *
 * Does not block.
 *
 * Returns: 0 or a negative errno.
 */
int zc_query(const struct zc_context *ctx, struct zc_query *query);

/**
 * zc_query_stats - what the module has counted
 * @ctx:   context
 * @stats: written
 *
 * Does not block.
 *
 * Returns: 0 or a negative errno.
 */
int zc_query_stats(const struct zc_context *ctx, struct zc_stats *stats);

/**
 * zc_buffer_new - make a buffer and map it
 * @ctx:   context
 * @size:  bytes, rounded up to a multiple of 2 MiB
 * @flags: ZC_BUF_* flags
 * @node:  NUMA node, or ZC_NODE_ANY
 * @buf:   the buffer, to be given back by zc_buffer_free()
 *
 * The memory is zero, or, but for ZC_BUF_ZERO, what a buffer of this context had that
 * was freed; shared with children made by fork(), and charged to the caller's memory
 * cgroup and, without CAP_IPC_LOCK, to his RLIMIT_MEMLOCK. May block until memory has
 * been found.
 *
 * Returns: 0; -EINVAL, -ENOSPC (the module's limit), -EPERM (RLIMIT_MEMLOCK), -EDQUOT (the
 * memory cgroup's), -ENOMEM, -EMFILE, -EINTR.
 */
int zc_buffer_new(struct zc_context *ctx, uint64_t size, uint32_t flags,
		  int node, struct zc_buffer **buf);

/**
 * zc_buffer_free - unmap a buffer and give its memory back
 * @buf: buffer, or NULL. Nobody may use its memory any more. Sends from it that
 *       are still under way in the kernel end well
 */
void zc_buffer_free(struct zc_buffer *buf);

/**
 * zc_buffer_data - memory of a buffer
 * @buf: buffer, which keeps the memory
 *
 * Returns: its first byte, aligned to 2 MiB.
 */
void *zc_buffer_data(const struct zc_buffer *buf);

/**
 * zc_buffer_size - size of a buffer
 * @buf: buffer
 *
 * Returns: bytes, a multiple of 2 MiB.
 */
uint64_t zc_buffer_size(const struct zc_buffer *buf);

/**
 * zc_buffer_query - properties of a buffer
 * @buf:   buffer
 * @query: written, with the handle, by which ioctls and io_uring know the buffer
 *
 * Does not block.
 *
 * Returns: 0 or a negative errno.
 */
int zc_buffer_query(const struct zc_buffer *buf, struct zc_buf_query *query);

/**
 * zc_buffer_seal - make a buffer immutable
 * @buf: buffer, mapped by this process alone. Its memory stays where it is, for
 *       reading; writing to it raises SIGSEGV. Nobody may use it meanwhile
 *
 * What is sent from it afterwards needs no notification.
 *
 * Returns: 0; -EBUSY (somebody else maps it, or an O_DIRECT read or a send from it is
 * under way), and the buffer is as before; -ENOMEM, and the process may have lost the
 * mapping (access raises SIGSEGV).
 */
int zc_buffer_seal(struct zc_buffer *buf);

/**
 * zc_buffer_send - send a range of a buffer to a socket, once
 * @buf: buffer
 * @arg: struct zc_send of <linux/zc.h>: arguments in (but for the handle, which is
 *       set here), result out. The result is valid on failure too
 *
 * One call of ZC_IOC_SEND; the count may be short. If @arg->events is 1
 * afterwards, zc_events() will return an event when the bytes may be changed.
 * Blocks as the socket does.
 *
 * With ZC_SEND_ASYNC it returns 0 at once, with @arg->events 0, and zc_events() has the
 * result; and, if something was sent from a buffer that is not sealed, another event when
 * the bytes may be changed.
 *
 * Returns: bytes sent, or a negative errno if there are none.
 */
int64_t zc_buffer_send(struct zc_buffer *buf, struct zc_send *arg);

/**
 * zc_events - read what the module has to tell
 * @ctx:    context; poll() on zc_fd() says when there is something
 * @events: written
 * @nr:     room there, at least 1
 *
 * Blocks until there is one, unless O_NONBLOCK was set on zc_fd().
 *
 * Returns: how many; -EAGAIN, -EINTR.
 */
int zc_events(struct zc_context *ctx, struct zc_event *events, unsigned int nr);

/**
 * zc_sendfile - send a range of a file to a socket, once
 * @ctx: context
 * @arg: struct zc_sendfile of <linux/zc.h>: arguments in, result out. The
 *       result is valid on failure too
 *
 * One call of ZC_IOC_SENDFILE, with the meaning of sendfile(2): the count may be
 * short. Blocks as the socket does, and while the file is read.
 *
 * With ZC_SEND_ASYNC it returns 0 at once, and zc_events() has the result.
 *
 * Returns: bytes sent (0: end of file, or ZC_SEND_ASYNC), or a negative errno if there are
 * none.
 */
int64_t zc_sendfile(struct zc_context *ctx, struct zc_sendfile *arg);

/**
 * zc_sendfile_all - send a range of a file to a blocking socket, to its end
 * @ctx: context
 * @arg: as for zc_sendfile(). The result is the sum over all calls
 *
 * Repeats zc_sendfile() until @arg->len bytes have been sent, the file ends or an
 * error ends it. Interruptions by signals are repeated too. Not with ZC_SEND_ASYNC
 * (-EINVAL).
 *
 * Returns: 0 (all sent, or end of file), or the negative errno that ended it;
 * @arg->sent bytes have been sent either way.
 */
int zc_sendfile_all(struct zc_context *ctx, struct zc_sendfile *arg);

/**
 * zc_cancel - end sends with ZC_SEND_ASYNC early
 * @ctx:       context that they were submitted through
 * @user_data: which, as in their arguments
 * @flags:     0, or ZC_CANCEL_ALL for all of them
 *
 * Each still has its event. Does not block.
 *
 * Returns: how many are going to end; -ENOENT (none), -EINVAL.
 */
int zc_cancel(struct zc_context *ctx, uint64_t user_data, uint32_t flags);

#ifdef __cplusplus
}
#endif

#endif /* _ZC_ZC_H */
