/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * zc: zero-copy hugepage buffers.
 *
 * Everything a program needs to use /dev/zc without a library: open the
 * device, ask what it can do (ZC_IOC_QUERY), make a buffer (ZC_IOC_BUF_CREATE)
 * and mmap() it at the offset returned, or send a file to a socket
 * (ZC_IOC_SENDFILE).
 *
 * Rules that hold for every structure here
 * ----------------------------------------
 * - Fields have a fixed width, are naturally aligned, and the layout is the
 *   same for 32-bit and 64-bit programs. There are no pointers.
 * - "in" fields are read by the kernel, "out" fields are written by it, whatever
 *   they held before. Fields named __resv, and flag bits that the running module
 *   does not know, must be zero: otherwise the call fails with EINVAL and does
 *   nothing.
 * - The size of the structure is part of the command number. A structure may
 *   grow at its end in a later version. A shorter, older one is accepted, with
 *   the missing fields taken as zero, as long as it is not shorter than its
 *   first version (else EINVAL); a longer, newer one is accepted as long as the
 *   bytes that the running module does not know are zero (else E2BIG).
 * - All sizes, lengths and offsets are in bytes.
 * - A call that fails with EFAULT on writing its result back has no effect that
 *   the caller could not see otherwise: no handle stays behind.
 *
 * All calls may sleep. They need no privilege beyond access to the device node.
 * Handles belong to the open file description, as do the buffers behind them;
 * threads, and processes that inherited the descriptor, share them.
 */
#ifndef _UAPI_LINUX_ZC_H
#define _UAPI_LINUX_ZC_H

#include <linux/ioctl.h>
#include <linux/types.h>

/** ZC_ABI_VERSION - version of this interface, for zc_query::abi */
#define ZC_ABI_VERSION		1

/** ZC_HUGE_SIZE - size in bytes of the hugepages that buffers are made of */
#define ZC_HUGE_SIZE		(1U << 21)

/** ZC_NODE_ANY - no wish for a NUMA node: take the local one */
#define ZC_NODE_ANY		(-1)

/*
 * Features, for zc_query::features. A set bit means that the running module on
 * the running kernel can do it.
 */
/** ZC_FEAT_BUFFER - ZC_IOC_BUF_CREATE, _QUERY, _DESTROY and mmap() */
#define ZC_FEAT_BUFFER		(1ULL << 0)
/** ZC_FEAT_SENDFILE - ZC_IOC_SENDFILE */
#define ZC_FEAT_SENDFILE	(1ULL << 1)
/**
 * ZC_FEAT_PAGE_PATH - pages are handed to TCP and unix stream sockets without a
 * copy, on every route, loopback included
 */
#define ZC_FEAT_PAGE_PATH	(1ULL << 2)

/**
 * struct zc_query - features and limits of the module (ZC_IOC_QUERY)
 * @flags:           in: must be 0
 * @abi:             out: ZC_ABI_VERSION of the module
 * @features:        out: ZC_FEAT_* bits
 * @buf_flags:       out: the ZC_BUF_* flags accepted by ZC_IOC_BUF_CREATE
 * @send_flags:      out: the ZC_SEND_* flags accepted by ZC_IOC_SENDFILE
 * @copy_reasons:    out: the ZC_COPY_* bits that a transfer may report
 * @max_buffer_size: out: largest size of one buffer, bytes
 * @max_bytes:       out: limit on the memory of all buffers and transfers of
 *                   the module together, bytes (module parameter max_bytes)
 * @used_bytes:      out: memory held now by all buffers and transfers, bytes
 * @buffers:         out: buffers alive now, of all users
 * @max_handles:     out: most buffers that one open file may hold
 * @huge_size:       out: size of a hugepage, bytes (ZC_HUGE_SIZE)
 * @chunk_size:      out: most bytes that a transfer reads at once
 * @depth:           out: most reads that a transfer keeps in flight
 * @__pad:           out: 0
 * @__resv:          in: must be 0
 *
 * Errors: EINVAL (flags or reserved fields), EFAULT.
 */
struct zc_query {
	__u32 flags;
	__u32 abi;
	__u64 features;
	__u64 buf_flags;
	__u64 send_flags;
	__u64 copy_reasons;
	__u64 max_buffer_size;
	__u64 max_bytes;
	__u64 used_bytes;
	__u32 buffers;
	__u32 max_handles;
	__u32 huge_size;
	__u32 chunk_size;
	__u32 depth;
	__u32 __pad;
	__u64 __resv[3];
};

/*
 * Flags of a buffer, for zc_buf_create::flags.
 */
/**
 * ZC_BUF_SMALL_OK - where no hugepage is free, make do with small pages
 *
 * Without it a buffer is made of 2 MiB pages alone, or not made at all
 * (ENOMEM). With it, zc_buf_create::page_size and zc_buf_create::huge_bytes say
 * what was granted.
 */
#define ZC_BUF_SMALL_OK		(1U << 0)
/**
 * ZC_BUF_NODE_STRICT - memory of the NUMA node asked for, or none (ENOMEM)
 *
 * Excludes ZC_NODE_ANY (EINVAL).
 */
#define ZC_BUF_NODE_STRICT	(1U << 1)

/**
 * struct zc_buf_create - make a buffer (ZC_IOC_BUF_CREATE)
 * @size:        in: bytes wanted, more than 0; out: bytes granted, @size rounded
 *               up to a multiple of ZC_HUGE_SIZE
 * @flags:       in: ZC_BUF_* bits
 * @node:        in: NUMA node, or ZC_NODE_ANY; out: node of the first page
 * @handle:      out: name of the buffer within this open file, never 0
 * @page_size:   out: smallest page size in the buffer, bytes: ZC_HUGE_SIZE, or
 *               less if ZC_BUF_SMALL_OK was used and needed
 * @mmap_offset: out: offset to pass to mmap() on this descriptor
 * @huge_bytes:  out: how many bytes of the buffer lie on hugepages
 * @__resv:      in: must be 0
 *
 * The bytes are zero. The memory is charged to the caller's memory cgroup and
 * is neither swapped nor moved.
 *
 * mmap() wants MAP_SHARED, an offset from @mmap_offset up to the end of the
 * buffer, and a length that stays inside it; otherwise it fails with EINVAL.
 * With an offset that is a multiple of ZC_HUGE_SIZE the kernel picks an address
 * at which whole pages of 2 MiB are mapped. A mapping keeps the buffer alive
 * after ZC_IOC_BUF_DESTROY and close(); fork() shares it. The mapped memory is
 * ordinary memory to the kernel: O_DIRECT, MSG_ZEROCOPY and io_uring registered
 * buffers (the last from Linux 6.12 on) take it.
 *
 * Errors: EINVAL (size 0 or above zc_query::max_buffer_size, unknown flag,
 * node that does not exist or has no memory, reserved field), ENOMEM (no memory
 * of the kind asked for, or zc_query::max_bytes reached), EMFILE
 * (zc_query::max_handles reached), EINTR (killed meanwhile), EFAULT.
 */
struct zc_buf_create {
	__u64 size;
	__u32 flags;
	__s32 node;
	__u32 handle;
	__u32 page_size;
	__u64 mmap_offset;
	__u64 huge_bytes;
	__u64 __resv[3];
};

/**
 * struct zc_buf_query - properties of a buffer (ZC_IOC_BUF_QUERY)
 * @handle:      in: handle of the buffer
 * @flags:       out: the ZC_BUF_* flags that it was made with
 * @size:        out: bytes
 * @mmap_offset: out: offset for mmap()
 * @huge_bytes:  out: how many bytes lie on hugepages
 * @page_size:   out: smallest page size in the buffer, bytes
 * @node:        out: NUMA node of the first page
 * @mappings:    out: number of memory mappings (VMAs) of the buffer now
 * @__pad:       in: must be 0
 * @__resv:      in: must be 0
 *
 * Errors: EINVAL (reserved field), ENOENT (no such handle), EFAULT.
 */
struct zc_buf_query {
	__u32 handle;
	__u32 flags;
	__u64 size;
	__u64 mmap_offset;
	__u64 huge_bytes;
	__u32 page_size;
	__s32 node;
	__u32 mappings;
	__u32 __pad;
	__u64 __resv[3];
};

/**
 * struct zc_buf_destroy - give up a handle (ZC_IOC_BUF_DESTROY)
 * @handle: in: handle of the buffer
 * @flags:  in: must be 0
 * @__resv: in: must be 0
 *
 * The memory is freed once the last mapping is gone too. Pages that the kernel
 * still uses (an O_DIRECT read or a MSG_ZEROCOPY send under way) are freed when
 * it is done with them.
 *
 * Errors: EINVAL (flags or reserved field), ENOENT (no such handle), ENOMEM (the
 * handle stays: try again), EFAULT.
 */
struct zc_buf_destroy {
	__u32 handle;
	__u32 flags;
	__u64 __resv[3];
};

/*
 * Flags of a transfer, for zc_sendfile::flags.
 */
/**
 * ZC_SEND_POS - read at the file's own position and advance it
 *
 * As sendfile(2) does with a null offset. zc_sendfile::offset must then be 0 on
 * entry; on return it holds the new position.
 */
#define ZC_SEND_POS		(1U << 0)
/**
 * ZC_SEND_NONBLOCK - do not wait for room in the socket
 *
 * As if the socket had O_NONBLOCK set: a transfer that would have to wait ends
 * with what it has sent, or with EAGAIN. Reads from the file are waited for.
 */
#define ZC_SEND_NONBLOCK	(1U << 1)
/** ZC_SEND_NOSIGNAL - raise no SIGPIPE where the peer has gone, just EPIPE */
#define ZC_SEND_NOSIGNAL	(1U << 2)
/**
 * ZC_SEND_DIRECT - read around the page cache, or fail with EOPNOTSUPP
 *
 * Without it, a file that cannot do direct reads is read through the page
 * cache, which costs a copy (ZC_COPY_NO_DIRECT).
 */
#define ZC_SEND_DIRECT		(1U << 3)
/**
 * ZC_SEND_MORE - the caller will send more at once, as MSG_MORE of send(2)
 */
#define ZC_SEND_MORE		(1U << 4)

/*
 * Why bytes were copied by the CPU, for zc_sendfile::copy_reasons.
 */
/** ZC_COPY_NO_DIRECT - the file or filesystem cannot do direct reads */
#define ZC_COPY_NO_DIRECT	(1U << 0)
/** ZC_COPY_NO_SG - the route's device takes no scatter-gather lists */
#define ZC_COPY_NO_SG		(1U << 1)
/** ZC_COPY_SOCKET - the socket's protocol has no path for pages */
#define ZC_COPY_SOCKET		(1U << 2)

/**
 * struct zc_sendfile - send a range of a file to a socket (ZC_IOC_SENDFILE)
 * @in_fd:        in: regular file or block device, open for reading
 * @out_fd:       in: connected stream socket
 * @offset:       in: first byte to send; out: byte after the last one sent
 * @len:          in: most bytes to send
 * @flags:        in: ZC_SEND_* bits
 * @error:        out: 0, or the positive errno that ended the transfer early
 * @sent:         out: bytes accepted by the socket
 * @copied:       out: bytes that the CPU copied on the way, each copy counted
 * @copy_reasons: out: ZC_COPY_* bits
 * @chunks:       out: reads that delivered data
 * @cached:       out: bytes that were read through the page cache
 * @huge_bytes:   out: bytes sent that lay on hugepages meanwhile
 * @__resv:       in: must be 0
 *
 * The call behaves as sendfile(2). It returns 0 with @sent > 0 when anything was
 * sent, even if less than @len: @error then says why it ended early (0 at the
 * end of the file), and the next call meets the same error at its start. It
 * returns 0 with @sent == 0 at the end of the file or if @len is 0. It fails
 * only if nothing was sent; the structure is then written back too, unless that
 * is what failed. @sent is always exactly the number of bytes that the socket
 * took.
 *
 * The bytes sent are never older than what a read(2) at the time of the call
 * would have given. A change of the file during the call may or may not be seen.
 *
 * A signal ends the call with what was sent, or with EINTR (ERESTARTSYS: the
 * call is restarted where the handler says so). Reads that the device has
 * already taken are waited for.
 *
 * Errors:
 *
 * - EINVAL: unknown flag, reserved field, @in_fd is neither regular file nor
 *   block device, @offset negative as loff_t, or ZC_SEND_POS with an @offset
 * - EBADF: @in_fd is not open for reading, or a descriptor is not open
 * - ENOTSOCK: @out_fd is not a socket
 * - EOPNOTSUPP: @out_fd is not a stream socket, or ZC_SEND_DIRECT on a file
 *   that cannot do it
 * - ENOTCONN, EPIPE (with SIGPIPE), ECONNRESET and whatever else send(2) says
 * - EAGAIN: non-blocking socket without room, or SO_SNDTIMEO passed
 * - EIO and whatever else read(2) says
 * - ENOMEM: no memory, or zc_query::max_bytes reached
 * - EINTR, EFAULT
 */
struct zc_sendfile {
	__s32 in_fd;
	__s32 out_fd;
	__u64 offset;
	__u64 len;
	__u32 flags;
	__s32 error;
	__u64 sent;
	__u64 copied;
	__u32 copy_reasons;
	__u32 chunks;
	__u64 cached;
	__u64 huge_bytes;
	__u64 __resv[4];
};

#define ZC_IOC_MAGIC		0xED

#define ZC_IOC_QUERY		_IOWR(ZC_IOC_MAGIC, 0x00, struct zc_query)
#define ZC_IOC_BUF_CREATE	_IOWR(ZC_IOC_MAGIC, 0x10, struct zc_buf_create)
#define ZC_IOC_BUF_QUERY	_IOWR(ZC_IOC_MAGIC, 0x11, struct zc_buf_query)
#define ZC_IOC_BUF_DESTROY	_IOWR(ZC_IOC_MAGIC, 0x12, struct zc_buf_destroy)
#define ZC_IOC_SENDFILE		_IOWR(ZC_IOC_MAGIC, 0x20, struct zc_sendfile)

#endif /* _UAPI_LINUX_ZC_H */
