/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: the life of a buffer and of a transfer. Documentation/tracing.rst is about
 * each; its examples are run by selftests/trace.
 *
 * A buffer goes by its number (registry.c), files and sockets by those of their inodes, as
 * `ls -i` and `ss -e` show them: never by where they are in memory. What wants work is done
 * where an entry is filled in, or behind trace_..._enabled(), so that a tracepoint that is off
 * costs a nop.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM zc

#if !defined(_ZC_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _ZC_TRACE_H

#include <linux/pid_namespace.h>
#include <linux/tracepoint.h>

#include "buffer.h"
#include "import.h"
#include "zc.h"

TRACE_DEFINE_ENUM(ZC_WAY_COPY);
TRACE_DEFINE_ENUM(ZC_WAY_PAGES);
TRACE_DEFINE_ENUM(ZC_WAY_FRAGS);

#define zc_show_way(way)					\
	__print_symbolic(way,					\
		{ ZC_WAY_COPY,		"copy" },		\
		{ ZC_WAY_PAGES,		"pages" },		\
		{ ZC_WAY_FRAGS,		"frags" })

#define zc_show_reasons(reasons)				\
	((reasons) ? __print_flags(reasons, "|",		\
		{ ZC_COPY_NO_DIRECT,	"no_direct" },		\
		{ ZC_COPY_NO_SG,	"no_sg" },		\
		{ ZC_COPY_SOCKET,	"socket" },		\
		{ ZC_COPY_LOOPBACK,	"loopback" },		\
		{ ZC_COPY_SMALL,	"small" }) : "none")

#define zc_show_send_flags(flags)				\
	((flags) ? __print_flags(flags, "|",			\
		{ ZC_SEND_POS,		"pos" },		\
		{ ZC_SEND_NONBLOCK,	"nonblock" },		\
		{ ZC_SEND_NOSIGNAL,	"nosignal" },		\
		{ ZC_SEND_DIRECT,	"direct" },		\
		{ ZC_SEND_MORE,		"more" },		\
		{ ZC_SEND_CACHED,	"cached" },		\
		{ ZC_SEND_ASYNC,	"async" },		\
		{ ZC_SEND_SHARED,	"shared" }) : "none")

#define zc_show_buf_flags(flags)				\
	((flags) ? __print_flags(flags, "|",			\
		{ ZC_BUF_SMALL_OK,	"small_ok" },		\
		{ ZC_BUF_NODE_STRICT,	"node_strict" },	\
		{ ZC_BUF_SEALED,	"sealed" },		\
		{ ZC_BUF_ZERO,		"zero" },		\
		{ ZC_BUF_SLICE,		"slice" },		\
		{ ZC_BUF_IMPORTED,	"imported" },		\
		{ ZC_BUF_RDONLY,	"rdonly" }) : "none")

/* It is about to have its handle; not for the first time, if @again. */
TRACE_EVENT(zc_buffer_create,
	TP_PROTO(const struct zc_buffer *buf, bool again),
	TP_ARGS(buf, again),
	TP_STRUCT__entry(
		__field(u64, size)
		__field(u64, huge_bytes)
		__field(u32, buffer)
		__field(u32, handle)
		__field(u32, flags)
		__field(s32, node)
		__field(u8, again)
	),
	TP_fast_assign(
		__entry->size = buf->mem.size;
		__entry->huge_bytes = buf->mem.huge_bytes;
		__entry->buffer = buf->id;
		__entry->handle = buf->handle;
		__entry->flags = buf->flags;
		__entry->node = buf->node;
		__entry->again = again;
	),
	TP_printk("buffer=%u size=%llu huge_bytes=%llu handle=%u flags=%s node=%d again=%u",
		  __entry->buffer, __entry->size, __entry->huge_bytes, __entry->handle,
		  zc_show_buf_flags(__entry->flags), __entry->node, __entry->again)
);

/* Its handle is gone; @parked, nobody else has it, and its file may have it again. */
TRACE_EVENT(zc_buffer_destroy,
	TP_PROTO(const struct zc_buffer *buf, bool parked),
	TP_ARGS(buf, parked),
	TP_STRUCT__entry(
		__field(u64, size)
		__field(u32, buffer)
		__field(u32, handle)
		__field(u32, mappings)
		__field(u8, parked)
	),
	TP_fast_assign(
		__entry->size = buf->mem.size;
		__entry->buffer = buf->id;
		__entry->handle = buf->handle;
		__entry->mappings = atomic_read(&buf->mappings);
		__entry->parked = parked;
	),
	TP_printk("buffer=%u size=%llu handle=%u mappings=%u parked=%u",
		  __entry->buffer, __entry->size, __entry->handle, __entry->mappings,
		  __entry->parked)
);

/* Its memory goes. Not of one that never had a handle. */
TRACE_EVENT_CONDITION(zc_buffer_free,
	TP_PROTO(const struct zc_buffer *buf),
	TP_ARGS(buf),
	TP_CONDITION(buf->zf),
	TP_STRUCT__entry(
		__field(u64, size)
		__field(u32, buffer)
	),
	TP_fast_assign(
		__entry->size = buf->mem.size;
		__entry->buffer = buf->id;
	),
	TP_printk("buffer=%u size=%llu", __entry->buffer, __entry->size)
);

TRACE_EVENT(zc_buffer_seal,
	TP_PROTO(const struct zc_buffer *buf, int err),
	TP_ARGS(buf, err),
	TP_STRUCT__entry(
		__field(u32, buffer)
		__field(s32, err)
	),
	TP_fast_assign(
		__entry->buffer = buf->id;
		__entry->err = err;
	),
	TP_printk("buffer=%u err=%d", __entry->buffer, __entry->err)
);

DECLARE_EVENT_CLASS(zc_vma,
	TP_PROTO(const struct zc_buffer *buf, const struct vm_area_struct *vma),
	TP_ARGS(buf, vma),
	TP_STRUCT__entry(
		__field(u64, addr)
		__field(u64, offset)
		__field(u64, len)
		__field(u32, buffer)
		__field(u8, writable)
	),
	TP_fast_assign(
		__entry->addr = vma->vm_start;
		__entry->offset = ((u64)vma->vm_pgoff << PAGE_SHIFT) - zc_buffer_offset(buf);
		__entry->len = vma->vm_end - vma->vm_start;
		__entry->buffer = buf->id;
		__entry->writable = !!(vma->vm_flags & VM_MAYWRITE);
	),
	TP_printk("buffer=%u addr=0x%llx offset=%llu len=%llu writable=%u",
		  __entry->buffer, __entry->addr, __entry->offset, __entry->len,
		  __entry->writable)
);

DEFINE_EVENT(zc_vma, zc_buffer_map,
	TP_PROTO(const struct zc_buffer *buf, const struct vm_area_struct *vma),
	TP_ARGS(buf, vma)
);

DEFINE_EVENT(zc_vma, zc_buffer_unmap,
	TP_PROTO(const struct zc_buffer *buf, const struct vm_area_struct *vma),
	TP_ARGS(buf, vma)
);

TRACE_EVENT(zc_buffer_import,
	TP_PROTO(const struct zc_buffer *buf),
	TP_ARGS(buf),
	TP_STRUCT__entry(
		__field(u64, file)
		__field(u64, offset)
		__field(u64, size)
		__field(u32, buffer)
		__field(u8, dmabuf)
	),
	TP_fast_assign(
		const struct zc_import *imp = buf->mem.import;

		__entry->file = file_inode(imp->from.file)->i_ino;
		__entry->offset = imp->offset;
		__entry->size = buf->mem.size;
		__entry->buffer = buf->id;
		__entry->dmabuf = !!imp->from.dmabuf;
	),
	TP_printk("buffer=%u file=%llu offset=%llu size=%llu dmabuf=%u",
		  __entry->buffer, __entry->file, __entry->offset, __entry->size,
		  __entry->dmabuf)
);

/* As a descriptor of the caller's: a dma-buf, or a share. */
TRACE_EVENT(zc_buffer_export,
	TP_PROTO(const struct zc_buffer *buf, int fd, bool dmabuf, bool rdonly),
	TP_ARGS(buf, fd, dmabuf, rdonly),
	TP_STRUCT__entry(
		__field(u32, buffer)
		__field(s32, fd)
		__field(u8, dmabuf)
		__field(u8, rdonly)
	),
	TP_fast_assign(
		__entry->buffer = buf->id;
		__entry->fd = fd;
		__entry->dmabuf = dmabuf;
		__entry->rdonly = rdonly;
	),
	TP_printk("buffer=%u fd=%d dmabuf=%u rdonly=%u",
		  __entry->buffer, __entry->fd, __entry->dmabuf, __entry->rdonly)
);

/* The guard tells of it (guard.c). @comm and @pid are its maker's; 0 if that one is gone. */
TRACE_EVENT(zc_buffer_leak,
	TP_PROTO(const struct zc_buffer *buf, bool idle, unsigned long seconds),
	TP_ARGS(buf, idle, seconds),
	TP_STRUCT__entry(
		__field(u64, size)
		__field(u64, seconds)
		__field(u32, buffer)
		__field(s32, pid)
		__array(char, comm, TASK_COMM_LEN)
		__field(u8, idle)
	),
	TP_fast_assign(
		__entry->size = buf->mem.size;
		__entry->seconds = seconds;
		__entry->buffer = buf->id;
		__entry->pid = zc_registry_pid(buf, &init_pid_ns);
		memcpy(__entry->comm, buf->maker.comm, TASK_COMM_LEN);
		__entry->idle = idle;
	),
	TP_printk("buffer=%u size=%llu why=%s seconds=%llu comm=%s pid=%d",
		  __entry->buffer, __entry->size, __entry->idle ? "idle" : "held",
		  __entry->seconds, __entry->comm, __entry->pid)
);

/* @src is NULL, or @buf: that is where the bytes come from. */
TRACE_EVENT(zc_transfer_begin,
	TP_PROTO(const struct zc_sink *sink, const struct zc_source *src,
		 const struct zc_buffer *buf, u64 pos, u64 len, u32 flags, u64 user_data),
	TP_ARGS(sink, src, buf, pos, len, flags, user_data),
	TP_STRUCT__entry(
		__field(u64, sock)
		__field(u64, file)
		__field(u64, pos)
		__field(u64, len)
		__field(u64, user_data)
		__field(u32, buffer)
		__field(u32, flags)
	),
	TP_fast_assign(
		__entry->sock = file_inode(sink->file)->i_ino;
		__entry->file = src ? file_inode(src->file)->i_ino : 0;
		__entry->pos = pos;
		__entry->len = len;
		__entry->user_data = user_data;
		__entry->buffer = buf ? buf->id : 0;
		__entry->flags = flags;
	),
	TP_printk("sock=%llu file=%llu buffer=%u pos=%llu len=%llu flags=%s user_data=%llu",
		  __entry->sock, __entry->file, __entry->buffer, __entry->pos, __entry->len,
		  zc_show_send_flags(__entry->flags), __entry->user_data)
);

/* @pos is where it has come to; the entry has where it began, as that of zc_transfer_begin. */
TRACE_EVENT(zc_transfer_end,
	TP_PROTO(const struct zc_sink *sink, const struct zc_source *src,
		 const struct zc_buffer *buf, u64 pos, u64 sent, u64 copied, u64 cached,
		 u32 reasons, u64 user_data, int err),
	TP_ARGS(sink, src, buf, pos, sent, copied, cached, reasons, user_data, err),
	TP_STRUCT__entry(
		__field(u64, sock)
		__field(u64, file)
		__field(u64, pos)
		__field(u64, sent)
		__field(u64, copied)
		__field(u64, cached)
		__field(u64, user_data)
		__field(u32, buffer)
		__field(u32, reasons)
		__field(s32, err)
	),
	TP_fast_assign(
		__entry->sock = file_inode(sink->file)->i_ino;
		__entry->file = src ? file_inode(src->file)->i_ino : 0;
		__entry->pos = pos - sent;
		__entry->sent = sent;
		__entry->copied = copied;
		__entry->cached = cached;
		__entry->user_data = user_data;
		__entry->buffer = buf ? buf->id : 0;
		__entry->reasons = reasons;
		__entry->err = err == -ERESTARTSYS ? -EINTR : err;
	),
	TP_printk("sock=%llu file=%llu buffer=%u pos=%llu sent=%llu copied=%llu cached=%llu reasons=%s user_data=%llu err=%d",
		  __entry->sock, __entry->file, __entry->buffer, __entry->pos, __entry->sent,
		  __entry->copied, __entry->cached, zc_show_reasons(__entry->reasons),
		  __entry->user_data, __entry->err)
);

/* Of whole blocks, if it is @direct: it may begin before what is wanted. */
TRACE_EVENT(zc_transfer_read,
	TP_PROTO(const struct zc_chunk *chunk, u64 len, bool direct),
	TP_ARGS(chunk, len, direct),
	TP_STRUCT__entry(
		__field(u64, file)
		__field(u64, pos)
		__field(u64, len)
		__field(u8, direct)
	),
	TP_fast_assign(
		__entry->file = file_inode(chunk->iocb.ki_filp)->i_ino;
		__entry->pos = chunk->pos - chunk->skip;
		__entry->len = len;
		__entry->direct = direct;
	),
	TP_printk("file=%llu pos=%llu len=%llu direct=%u",
		  __entry->file, __entry->pos, __entry->len, __entry->direct)
);

/* In interrupt context, too. */
TRACE_EVENT(zc_transfer_read_done,
	TP_PROTO(const struct zc_chunk *chunk, long result),
	TP_ARGS(chunk, result),
	TP_STRUCT__entry(
		__field(u64, file)
		__field(u64, pos)
		__field(s64, result)
	),
	TP_fast_assign(
		__entry->file = file_inode(chunk->iocb.ki_filp)->i_ino;
		__entry->pos = chunk->pos - chunk->skip;
		__entry->result = result;
	),
	TP_printk("file=%llu pos=%llu result=%lld",
		  __entry->file, __entry->pos, __entry->result)
);

TRACE_EVENT(zc_transfer_send,
	TP_PROTO(const struct zc_sink *sink, size_t bytes, bool copy),
	TP_ARGS(sink, bytes, copy),
	TP_STRUCT__entry(
		__field(u64, sock)
		__field(u64, bytes)
		__field(u8, way)
	),
	TP_fast_assign(
		__entry->sock = file_inode(sink->file)->i_ino;
		__entry->bytes = bytes;
		__entry->way = copy ? ZC_WAY_COPY : sink->way;
	),
	TP_printk("sock=%llu bytes=%llu way=%s",
		  __entry->sock, __entry->bytes, zc_show_way(__entry->way))
);

/* @sink is NULL where the network copied what was sent from @buf: the socket may be gone. */
TRACE_EVENT(zc_transfer_fallback,
	TP_PROTO(const struct zc_sink *sink, const struct zc_buffer *buf, u64 bytes,
		 u32 reasons),
	TP_ARGS(sink, buf, bytes, reasons),
	TP_STRUCT__entry(
		__field(u64, sock)
		__field(u64, bytes)
		__field(u32, buffer)
		__field(u32, reasons)
	),
	TP_fast_assign(
		__entry->sock = sink ? file_inode(sink->file)->i_ino : 0;
		__entry->bytes = bytes;
		__entry->buffer = buf ? buf->id : 0;
		__entry->reasons = reasons;
	),
	TP_printk("sock=%llu buffer=%u bytes=%llu reasons=%s",
		  __entry->sock, __entry->buffer, __entry->bytes,
		  zc_show_reasons(__entry->reasons))
);

/* It is to end with ECANCELED, if it does not end first. @sock is the socket's file. */
TRACE_EVENT(zc_transfer_cancel,
	TP_PROTO(const struct file *sock, u64 user_data),
	TP_ARGS(sock, user_data),
	TP_STRUCT__entry(
		__field(u64, sock)
		__field(u64, user_data)
	),
	TP_fast_assign(
		__entry->sock = file_inode(sock)->i_ino;
		__entry->user_data = user_data;
	),
	TP_printk("sock=%llu user_data=%llu", __entry->sock, __entry->user_data)
);

DECLARE_EVENT_CLASS(zc_mapped,
	TP_PROTO(const struct zc_buffer *buf, u32 target, u64 segments, u64 bounced),
	TP_ARGS(buf, target, segments, bounced),
	TP_STRUCT__entry(
		__field(u64, bytes)
		__field(u64, segments)
		__field(u64, bounced)
		__field(u32, buffer)
		__field(u32, target)
	),
	TP_fast_assign(
		__entry->bytes = buf->mem.size;
		__entry->segments = segments;
		__entry->bounced = bounced;
		__entry->buffer = buf->id;
		__entry->target = target;
	),
	TP_printk("buffer=%u target=%u bytes=%llu segments=%llu bounced=%llu",
		  __entry->buffer, __entry->target, __entry->bytes, __entry->segments,
		  __entry->bounced)
);

DEFINE_EVENT(zc_mapped, zc_dma_map,
	TP_PROTO(const struct zc_buffer *buf, u32 target, u64 segments, u64 bounced),
	TP_ARGS(buf, target, segments, bounced)
);

DEFINE_EVENT(zc_mapped, zc_dma_unmap,
	TP_PROTO(const struct zc_buffer *buf, u32 target, u64 segments, u64 bounced),
	TP_ARGS(buf, target, segments, bounced)
);

#endif /* _ZC_TRACE_H */

/* Found by -I, as this header is read by one of the kernel's. */
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
