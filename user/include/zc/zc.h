/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libzc: zero-copy hugepage buffers, and files to sockets without a copy.
 *
 * Functions return 0 or a count, or a negative errno (-ENOENT, …); they print
 * nothing and never exit. What an errno means for a call of the module is
 * documented in <linux/zc.h>. Sizes, lengths and offsets are in bytes.
 *
 * Threads may call any function at the same time, with the same context and the same
 * buffer, but for what ends one: zc_close(), zc_buffer_free(), and zc_buffer_seal(), as
 * others may not use the memory meanwhile. A writer (zc_writer_new()) is one thread's at a
 * time.
 *
 * Without the module zc_open() fails. zc_open_any() does not: what can be done is done by
 * the kernel's own calls then, and what cannot fails with -ENODEV.
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
 * zc_open_any - open the device, or do without
 * @ctx: the context, to be given back by zc_close()
 *
 * With the module it is as zc_open(), and what the module refuses, as a file or a socket is
 * of a kind that it does not take, goes by sendfile(2), splice(2) or send(2). Where there is
 * no module, or the caller may not open its device, all goes that way, and zc_why() says why:
 *
 * - zc_sendfile() and zc_sendfile_all() have the same results: bytes, offsets, short counts,
 *   errors. ZC_SEND_DIRECT and ZC_SEND_ASYNC fail with -EOPNOTSUPP.
 * - Buffers are memory of the kernel's, of 2 MiB pages if hugetlb has some free, else as
 *   ZC_BUF_SMALL_OK (zc_buffer_query() tells); shared and sealed as the module's are.
 *   zc_buffer_send() copies, and no event follows.
 * - zc_query() tells what there is, zc_fd() is -1, and what else only the module can do fails
 *   with -ENODEV.
 *
 * What went by the kernel's own calls has ZC_PATH_KERNEL in its result. Does not block.
 *
 * Returns: 0 or -ENOMEM.
 */
int zc_open_any(struct zc_context **ctx);

/**
 * zc_why - why is there no module behind a context?
 * @ctx: context
 *
 * Returns: 0 if there is one; else the negative errno that zc_open() failed with: -ENOENT
 * (not loaded), -EACCES (no permission on the device node), -EMFILE ...
 */
int zc_why(const struct zc_context *ctx);

/**
 * ZC_PATH_KERNEL - for zc_sendfile::paths and zc_send::paths: not by the module
 *
 * Of libzc, see zc_open_any(). How many bytes the kernel copied of a file is not known; those
 * that libzc did are counted (ZC_COPY_NO_MODULE).
 */
#define ZC_PATH_KERNEL		(1U << 31)

/** ZC_COPY_NO_MODULE - for copy_reasons of both: not by the module, but by send(2) */
#define ZC_COPY_NO_MODULE	(1U << 31)

/**
 * zc_close - close the device
 * @ctx: context, or NULL. Buffers made from it stay valid, until they are freed
 */
void zc_close(struct zc_context *ctx);

/**
 * zc_fd - descriptor behind a context, for poll() and ioctl()
 * @ctx: context, which keeps the descriptor
 *
 * Returns: descriptor; -1 if there is none, see zc_open_any().
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
 * zc_query_node - memory of a NUMA node, and what is kept ready of it for buffers
 * @ctx:  context
 * @node: NUMA node that has memory
 * @info: written; its next is the next such node, or -1
 *
 * Returns: 0; -EINVAL (no such node), -ENOTTY (the module is too old), or another negative
 * errno.
 */
int zc_query_node(const struct zc_context *ctx, int node, struct zc_node_query *info);

/**
 * zc_buffer_info - whose a buffer is, and who has it
 * @ctx:   context; the buffer may be of another, and of another process
 * @id:    0 for the first, or one more than the last one's
 * @flags: 0, or ZC_INFO_HOLDERS: also the processes that map it
 * @info:  written: the buffer with the smallest number from @id on
 *
 * Does not block. Those of other users are shown with CAP_SYS_ADMIN alone.
 *
 * Returns: 0; -ENOENT (there are no more), -ENOTTY (the module is too old), or another
 * negative errno.
 */
int zc_buffer_info(const struct zc_context *ctx, uint64_t id, uint32_t flags,
		   struct zc_buf_info *info);

/**
 * zc_buffer_new - make a buffer and map it
 * @ctx:   context
 * @size:  bytes, rounded up to a multiple of 2 MiB; with ZC_BUF_SLICE, and up to 1 MiB,
 *         of the page size
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
 * zc_buffer_import - make a buffer of memory that is a file's, and map it
 * @ctx:    context; the buffer outlives it
 * @fd:     descriptor, of memfd_create() or another file on hugetlbfs or tmpfs; or of a
 *          dma-buf, of this module, the system heap or udmabuf. It may be closed afterwards
 * @offset: where in the file the buffer begins, bytes, a multiple of its page size
 * @size:   bytes, the same; 0: all that there is from @offset on
 * @buf:    set; NULL on failure
 *
 * It is mapped for reading alone if the file is sealed (F_SEAL_WRITE). May block.
 *
 * Returns: 0, or a negative errno as documented at struct zc_buf_import.
 */
int zc_buffer_import(struct zc_context *ctx, int fd, uint64_t offset, uint64_t size,
		     struct zc_buffer **buf);

/**
 * zc_buffer_new_hugetlb - make a buffer of pages of a size that hugetlb has, and map it
 * @ctx:       context; the buffer outlives it
 * @size:      bytes wanted, more than 0; rounded up to a multiple of @page_size
 * @page_size: bytes, as 1 << 30
 * @buf:       set; NULL on failure
 *
 * The pages are those of the kernel's hugetlb pool, which the administrator has set aside.
 * May block.
 *
 * Returns: 0; -EINVAL (no such pages on this machine), -ENOMEM (not so many are free),
 * or a negative errno as of zc_buffer_import().
 */
int zc_buffer_new_hugetlb(struct zc_context *ctx, uint64_t size, uint64_t page_size,
			  struct zc_buffer **buf);

/**
 * zc_buffer_free - unmap a buffer and give its memory back
 * @buf: buffer, or NULL. Nobody may use its memory any more. Sends from it that
 *       are still under way in the kernel end well
 *
 * In a child made by fork() it ends the child's mapping alone: the buffer stays until the process
 * that made it frees it, or has ended, and so have all that have the context.
 */
void zc_buffer_free(struct zc_buffer *buf);

/**
 * zc_buffer_data - memory of a buffer
 * @buf: buffer, which keeps the memory
 *
 * Returns: its first byte, aligned to 2 MiB, or the page size with ZC_BUF_SLICE or if it
 * is imported.
 */
void *zc_buffer_data(const struct zc_buffer *buf);

/**
 * zc_buffer_size - size of a buffer
 * @buf: buffer
 *
 * Returns: bytes, a multiple of 2 MiB, or of the page size with ZC_BUF_SLICE or if it is
 * imported.
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
 * Returns: 0, also if another process was faster; -EBUSY (somebody else maps it, or an
 * O_DIRECT read or a send from it is under way) or -EOPNOTSUPP (imported), and the buffer is as
 * before; -ENOMEM, and the process may have lost the mapping (access raises SIGSEGV).
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
 * zc_buffer_share - a descriptor for one buffer, to be handed to another process
 * @buf:   buffer
 * @flags: 0 or ZC_SHARE_RDONLY: who gets it may map it for reading alone
 *
 * By SCM_RIGHTS, say. Who gets it maps the buffer by mmap(), MAP_SHARED and from offset 0,
 * or sends from it by ZC_SEND_SHARED. It is the same memory, and stays until the descriptor
 * and all mappings are gone. Nobody makes it shorter or longer.
 *
 * Without the module ZC_SHARE_RDONLY keeps other users from writing, but neither root nor processes
 * of the same user, which can have the memory's file made writable; zc_buffer_seal() does.
 *
 * Returns: the descriptor, the caller's to close; or a negative errno.
 */
int zc_buffer_share(const struct zc_buffer *buf, uint32_t flags);

/**
 * zc_buffer_export - a buffer as a dma-buf, for drivers of devices and for other programs
 * @buf:   buffer
 * @flags: 0 or ZC_EXPORT_RDONLY: who gets it may only read
 *
 * The descriptor keeps the memory, as a mapping does. Unless it was exported with
 * ZC_EXPORT_RDONLY the buffer cannot be sealed before the last such descriptor is closed.
 *
 * Returns: the descriptor, the caller's to close; or a negative errno: -EOPNOTSUPP
 * (imported), -EPERM (sealed, and not ZC_EXPORT_RDONLY), -ENOTTY (the module is too old, or
 * the kernel has no dma-bufs).
 */
int zc_buffer_export(const struct zc_buffer *buf, uint32_t flags);

/**
 * zc_buffer_dma_map - map a buffer for a target, a device that uses memory by itself
 * @buf:       buffer
 * @target:    number of the target, see zc_dma_find()
 * @flags:     ZC_DMA_TO_DEVICE, ZC_DMA_FROM_DEVICE or both; ZC_DMA_BOUNCE
 * @user_data: for the ZC_EVENT_UNMAPPED that zc_events() has if the target goes
 * @result:    written, with the number of segments (0 for who may not read addresses) and the
 *             bytes that are bounced; or NULL
 *
 * It stays mapped until zc_buffer_dma_unmap() or zc_buffer_free(), once for each target. At
 * first it is the device's: see zc_buffer_sync_begin(). May block.
 *
 * Returns: 0; -ENODEV (no such target), -EEXIST (mapped for it already), -ERANGE (memory
 * that the device does not reach), -EREMOTEIO (that it reaches by bounce buffers alone, and
 * ZC_DMA_BOUNCE is not set), -ENOTTY (the module is too old), or another negative errno as
 * documented at struct zc_dma_map.
 */
int zc_buffer_dma_map(struct zc_buffer *buf, uint32_t target, uint32_t flags,
		      uint64_t user_data, struct zc_dma_map *result);

/**
 * zc_buffer_dma_unmap - undo zc_buffer_dma_map()
 * @buf:    buffer
 * @target: number of the target
 *
 * Who drives the device must have stopped it, unless an IOMMU translates its addresses
 * (ZC_DMA_TRANSLATED). May block.
 *
 * Returns: 0; -ENOENT (not mapped for that target), or another negative errno.
 */
int zc_buffer_dma_unmap(struct zc_buffer *buf, uint32_t target);

/**
 * zc_buffer_dma_segments - where a device finds a buffer
 * @buf:    buffer, mapped for the target
 * @target: number of the target
 * @first:  number of the first segment wanted, from 0
 * @segs:   written: the segments, in the order of the buffer's bytes
 * @nr:     room there
 *
 * Returns: how many; 0 if there are none from @first on. Or a negative errno: -ENOENT (not
 * mapped for that target), -EPERM (the addresses are physical ones, which CAP_SYS_ADMIN
 * alone may know).
 */
int zc_buffer_dma_segments(const struct zc_buffer *buf, uint32_t target, uint32_t first,
			   struct zc_segment *segs, unsigned int nr);

/**
 * zc_buffer_sync_begin - begin the processor's use of a buffer that is mapped for targets
 * @buf:    buffer
 * @flags:  ZC_SYNC_READ, ZC_SYNC_WRITE or both
 * @offset: first byte
 * @len:    bytes; 0: up to the end of the buffer
 *
 * For all targets. Until zc_buffer_sync_end() no device may use these bytes. May block.
 *
 * Returns: 0; -EINVAL (flags, or bytes beyond the end), or another negative errno.
 */
int zc_buffer_sync_begin(struct zc_buffer *buf, uint32_t flags, uint64_t offset,
			 uint64_t len);

/**
 * zc_buffer_sync_end - end it: the bytes are the devices' again
 * @buf:    buffer
 * @flags:  as given to zc_buffer_sync_begin()
 * @offset: the same
 * @len:    the same
 *
 * Returns: as zc_buffer_sync_begin().
 */
int zc_buffer_sync_end(struct zc_buffer *buf, uint32_t flags, uint64_t offset,
		       uint64_t len);

/**
 * struct zc_view - a part of a buffer's memory, to be handed on by value
 * @buf:    buffer, which must outlive the view
 * @data:   first byte
 * @offset: where that is in the buffer, bytes
 * @size:   bytes
 *
 * From zc_buffer_view() or zc_view_slice(), which do not let it reach beyond the buffer.
 * Nothing is copied.
 */
struct zc_view {
	struct zc_buffer *buf;
	void *data;
	uint64_t offset;
	uint64_t size;
};

/**
 * zc_buffer_view - view a part of a buffer
 * @buf:    buffer
 * @offset: first byte
 * @len:    bytes
 * @view:   set, if there is such a part
 *
 * Returns: 0, or -ERANGE: it is not all within the buffer.
 */
int zc_buffer_view(struct zc_buffer *buf, uint64_t offset, uint64_t len,
		   struct zc_view *view);

/**
 * zc_view_slice - view a part of a view
 * @view:   view
 * @offset: first byte, in the view
 * @len:    bytes
 * @slice:  set, if there is such a part; may be @view
 *
 * Returns: 0, or -ERANGE: it is not all within the view.
 */
int zc_view_slice(const struct zc_view *view, uint64_t offset, uint64_t len,
		  struct zc_view *slice);

/**
 * zc_view_at - an element of a view taken as an array
 * @view:  view
 * @index: which one, from 0
 * @size:  bytes of each
 * @align: what their addresses must be multiples of
 *
 * See ZC_VIEW_AT() and ZC_VIEW_NR().
 *
 * Returns: its address; or NULL with errno ERANGE (the view ends before it does), or
 * EINVAL (the view does not begin, or the elements do not follow, where @align wants it).
 */
void *zc_view_at(const struct zc_view *view, uint64_t index, size_t size, size_t align);

/** ZC_VIEW_AT - pointer to element @index of a view as an array of @type, or NULL */
#define ZC_VIEW_AT(view, type, index) \
	((type *)zc_view_at(view, index, sizeof(type), __alignof__(type)))

/** ZC_VIEW_NR - how many elements of @type a view holds */
#define ZC_VIEW_NR(view, type)	((view)->size / sizeof(type))

/**
 * zc_view_send - zc_buffer_send() of a part of a view
 * @view: view
 * @arg:  as of zc_buffer_send(), with the offset in the view
 *
 * Returns: as zc_buffer_send(); -ERANGE if the range is not all within the view.
 */
int64_t zc_view_send(const struct zc_view *view, struct zc_send *arg);

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

/**
 * zc_dma_next - what targets there are: devices that buffers can be mapped for
 * @ctx:    context
 * @target: 0 for the first, or one more than the last one's number
 * @info:   written: the target with the smallest number from @target on
 *
 * Does not block.
 *
 * Returns: 0; -ENOENT (there are no more), -ENOTTY (the module is too old), or another
 * negative errno.
 */
int zc_dma_next(const struct zc_context *ctx, uint32_t target, struct zc_dma_query *info);

/**
 * zc_dma_find - find a target
 * @ctx:  context
 * @name: its name, as "pci:0000:00:04.0", or its number, as "1"
 * @info: written, if there is such a target
 *
 * Does not block.
 *
 * Returns: 0; -ENOENT (no such target), -ENOTTY (the module is too old), or another
 * negative errno.
 */
int zc_dma_find(const struct zc_context *ctx, const char *name, struct zc_dma_query *info);

/**
 * zc_dma_attach - have a device as a target
 * @ctx:    context; the target outlives it
 * @name:   "pci:0000:00:04.0" or "platform:NAME"; the device is bound to a driver
 * @bits:   address bits of the device, if its driver is the module's own ("zc"); 0: as its
 *          driver has set them
 * @target: set to its number; or NULL
 *
 * Wants CAP_SYS_ADMIN. May block.
 *
 * Returns: 0; -EPERM, -ENODEV (no such device, or it has no driver), -EBUSY (its driver does
 * no DMA by way of the kernel), -EEXIST (it is a target already), -ENAMETOOLONG, -ENOTTY
 * (the module is too old), or another negative errno as documented at struct
 * zc_dma_attach.
 */
int zc_dma_attach(struct zc_context *ctx, const char *name, uint32_t bits,
		  uint32_t *target);

/**
 * zc_dma_detach - have a target no longer
 * @ctx:    context
 * @target: its number
 *
 * Wants CAP_SYS_ADMIN. What is mapped for it is unmapped first, and each owner is told
 * (ZC_EVENT_UNMAPPED). May block.
 *
 * Returns: 0; -EPERM, -EINVAL (ZC_DMA_OWN), -ENOENT (no such target), or another negative
 * errno.
 */
int zc_dma_detach(struct zc_context *ctx, uint32_t target);

#ifdef __cplusplus
}
#endif

#include <zc/writer.h>

#endif /* _ZC_ZC_H */
