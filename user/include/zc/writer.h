/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Large writes from buffers of the pool; a part of <zc/zc.h>, which includes this. */
#ifndef _ZC_WRITER_H
#define _ZC_WRITER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct zc_context;

/** struct zc_writer - a buffered writer; opaque */
struct zc_writer;

/**
 * zc_writer_new - write in large pieces, from a buffer of the pool
 * @ctx:    context, which must outlive the writer
 * @fd:     pipe, file, or stream socket, which must outlive it, too; it is not closed
 * @size:   bytes that are written at a time; 0: what suits, see zc_writer_size()
 * @writer: the writer, to be given back by zc_writer_end()
 *
 * From 4 KiB on its buffer is page-aligned and of the context's pool; if there is none to be
 * had, and below that, it is ordinary memory. If @size is 0, it begins with 64 KiB, or with what
 * the pipe holds, and is doubled up to 1 MiB as long as it is filled. What is filled in place
 * (zc_writer_reserve()) goes to a TCP socket by zc_buffer_send(), without a copy where the route
 * can do that.
 *
 * Returns: 0; -EBADF, -ENOMEM.
 */
int zc_writer_new(struct zc_context *ctx, int fd, size_t size, struct zc_writer **writer);

/**
 * zc_writer_write - write bytes
 * @writer: writer
 * @data:   bytes, free again when the call returns
 * @len:    how many. More than the buffer has room for are not copied to it
 *
 * Blocks as the descriptor does.
 *
 * Returns: bytes taken: fewer than @len only if the descriptor does not block, or fails; a
 * negative errno if none.
 */
int64_t zc_writer_write(struct zc_writer *writer, const void *data, size_t len);

/**
 * zc_writer_reserve - room in the buffer, to be filled in place
 * @writer: writer
 * @data:   set: where
 * @room:   set: how many bytes, at least 1
 *
 * What is there stays until zc_writer_commit(). Writes first, if the buffer is full.
 *
 * Returns: 0 or a negative errno.
 */
int zc_writer_reserve(struct zc_writer *writer, void **data, size_t *room);

/**
 * zc_writer_commit - what was filled is to be written
 * @writer: writer
 * @len:    bytes, from the beginning of what zc_writer_reserve() gave; at most its room
 *
 * Returns: 0; -EINVAL (more than there was room for).
 */
int zc_writer_commit(struct zc_writer *writer, size_t len);

/**
 * zc_writer_flush - write what the buffer has
 * @writer: writer
 *
 * Returns: 0, and all is written, or a negative errno: call it again to go on.
 */
int zc_writer_flush(struct zc_writer *writer);

/**
 * zc_writer_size - bytes that are written at a time now
 * @writer: writer
 *
 * Returns: bytes.
 */
size_t zc_writer_size(const struct zc_writer *writer);

/**
 * zc_writer_end - write what the buffer has, and give the writer back
 * @writer: writer, or NULL. It is gone afterwards, whatever the result
 *
 * Of a process and its children made by fork() only one uses the writer, and ends it.
 *
 * Returns: 0, or the negative errno for which not all was written.
 */
int zc_writer_end(struct zc_writer *writer);

#ifdef __cplusplus
}
#endif

#endif /* _ZC_WRITER_H */
