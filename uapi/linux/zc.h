/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * zc: zero-copy hugepage buffers.
 *
 * Everything a program needs to use /dev/zc without a library: open the
 * device, ask what it can do (ZC_IOC_QUERY), make a buffer (ZC_IOC_BUF_CREATE)
 * and mmap() it at the offset returned, or send a file (ZC_IOC_SENDFILE) or a part
 * of a buffer (ZC_IOC_SEND) to a socket.
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
 * All calls may sleep. They need no privilege beyond access to the device node, except where
 * <linux/zc_dma.h> says so. It may be
 * opened for reading, for writing or both: read(2) needs the one, as ever, and to map a
 * buffer both, or for reading alone (PROT_READ) the one (else EACCES).
 * Handles belong to the open file description, as do the buffers behind them;
 * threads, and processes that inherited the descriptor, share them.
 */
#ifndef _UAPI_LINUX_ZC_H
#define _UAPI_LINUX_ZC_H

#include <linux/ioctl.h>
#include <linux/types.h>
#include <linux/zc_dma.h>
#include <linux/zc_send.h>

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
/** ZC_FEAT_SEND - ZC_IOC_SEND, ZC_IOC_BUF_SEAL, and read() and poll() of events */
#define ZC_FEAT_SEND		(1ULL << 3)
/** ZC_FEAT_ASYNC - ZC_SEND_ASYNC, ZC_IOC_CANCEL, and commands by io_uring */
#define ZC_FEAT_ASYNC		(1ULL << 4)
/** ZC_FEAT_STATS - ZC_IOC_STATS */
#define ZC_FEAT_STATS		(1ULL << 5)
/** ZC_FEAT_SHARE - ZC_IOC_BUF_SHARE and ZC_SEND_SHARED */
#define ZC_FEAT_SHARE		(1ULL << 8)
/** ZC_FEAT_IMPORT - ZC_IOC_BUF_IMPORT */
#define ZC_FEAT_IMPORT		(1ULL << 9)
/** ZC_FEAT_DMA - ZC_IOC_DMA_ATTACH and the other calls for targets, and ZC_IOC_BUF_SYNC */
#define ZC_FEAT_DMA		(1ULL << 10)
/** ZC_FEAT_DMABUF - ZC_IOC_BUF_EXPORT, and ZC_IOC_BUF_IMPORT of dma-bufs */
#define ZC_FEAT_DMABUF		(1ULL << 11)
/** ZC_FEAT_INFO - ZC_IOC_BUF_INFO */
#define ZC_FEAT_INFO		(1ULL << 7)
/** ZC_FEAT_RESERVE - ZC_IOC_NODE_QUERY, and hugepages kept ready (parameter reserve) */
#define ZC_FEAT_RESERVE		(1ULL << 6)

/**
 * struct zc_query - features and limits of the module (ZC_IOC_QUERY)
 * @flags:           in: must be 0
 * @abi:             out: ZC_ABI_VERSION of the module
 * @features:        out: ZC_FEAT_* bits
 * @buf_flags:       out: the ZC_BUF_* flags accepted by ZC_IOC_BUF_CREATE
 * @send_flags:      out: the ZC_SEND_* flags accepted by ZC_IOC_SENDFILE; by ZC_IOC_SEND
 *                   those that struct zc_send names
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
 * @held_bytes:      out: memory that transfers have done with, or of buffers that
 *                   are gone, but others (the network) have not, as far as is known,
 *                   bytes. They count against @max_bytes
 * @parked_bytes:    out: memory of destroyed buffers that is kept for the files that
 *                   had them, bytes. It is not in @used_bytes, and goes where memory is
 *                   wanted
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
	__u64 held_bytes;
	__u64 parked_bytes;
	__u64 __resv;
};

/**
 * struct zc_stats - what the module has counted since it was loaded (ZC_IOC_STATS)
 * @flags:           in: must be 0
 * @__pad:           in: must be 0
 * @made:            out: buffers made
 * @again:           out: buffers that were had again by the file that had destroyed them
 * @refused_limit:   out: buffers refused by zc_query::max_bytes (ENOSPC)
 * @refused_memlock: out: buffers refused by RLIMIT_MEMLOCK (EPERM)
 * @refused_cgroup:  out: buffers refused by a memory cgroup (EDQUOT)
 * @refused_memory:  out: buffers refused for want of memory, or of hugepages (ENOMEM)
 * @refused_handle:  out: buffers refused by zc_query::max_handles (EMFILE)
 * @reserved:        out: hugepages that buffers got from the reserve, see
 *                   zc_node_query::reserve_bytes
 * @told_held:       out: destroyed buffers that were still mapped or held after as many
 *                   seconds as the module parameter held_after says. Each is told of by
 *                   a uevent of the device, with ZC_EVENT=held, ZC_BUFFER (its number
 *                   for ZC_IOC_BUF_INFO) and ZC_SECONDS, and in the kernel's log; of many
 *                   at once, some
 * @told_idle:       out: the same of buffers that nobody had mapped or sent from
 *                   (ZC_EVENT=idle, module parameter idle_after)
 * @__resv:          in: must be 0
 *
 * Of all users together.
 *
 * Errors: EINVAL (flags or reserved fields), EFAULT.
 */
struct zc_stats {
	__u32 flags;
	__u32 __pad;
	__u64 made;
	__u64 again;
	__u64 refused_limit;
	__u64 refused_memlock;
	__u64 refused_cgroup;
	__u64 refused_memory;
	__u64 refused_handle;
	__u64 reserved;
	__u64 told_held;
	__u64 told_idle;
	__u64 __resv[5];
};

/*
 * Why a node's reserve is short, for zc_node_query::why.
 */
/** ZC_SHORT_NONE - it is not */
#define ZC_SHORT_NONE		0
/** ZC_SHORT_LIMIT - zc_query::max_bytes leaves no room for it */
#define ZC_SHORT_LIMIT		1
/** ZC_SHORT_MEMORY - the node has not so much free memory */
#define ZC_SHORT_MEMORY		2
/** ZC_SHORT_FRAGMENTED - it has, but in too small pieces */
#define ZC_SHORT_FRAGMENTED	3
/** ZC_SHORT_STOPPED - who set it was killed before there were as many */
#define ZC_SHORT_STOPPED	4
/** ZC_SHORT_USED - memory was short, or some were held when their buffers went; soon more */
#define ZC_SHORT_USED		5

/**
 * struct zc_node_query - the memory of a NUMA node (ZC_IOC_NODE_QUERY)
 * @node:            in: NUMA node that has memory; 0 is the first
 * @next:            out: the next one, or -1
 * @flags:           in: must be 0
 * @why:             out: why @ready_bytes and @out_bytes are less than @reserve_bytes,
 *                   ZC_SHORT_*
 * @reserve_bytes:   out: hugepages that are to be kept for buffers on this node, bytes
 *                   (module parameter reserve)
 * @ready_bytes:     out: how many of them are ready, bytes
 * @out_bytes:       out: how many of them buffers have, bytes
 * @free_bytes:      out: memory of the node that the kernel has free, bytes
 * @free_huge_bytes: out: how much of that is in hugepages, bytes
 * @__resv:          in: must be 0
 *
 * Errors: EINVAL (no such node, or one without memory; flags or reserved fields), EFAULT.
 */
struct zc_node_query {
	__s32 node;
	__s32 next;
	__u32 flags;
	__u32 why;
	__u64 reserve_bytes;
	__u64 ready_bytes;
	__u64 out_bytes;
	__u64 free_bytes;
	__u64 free_huge_bytes;
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
 * ZC_BUF_SEALED - the bytes do not change any more
 *
 * Reported by ZC_IOC_BUF_QUERY after ZC_IOC_BUF_SEAL; not for
 * zc_buf_create::flags (EINVAL).
 */
#define ZC_BUF_SEALED		(1U << 2)
/**
 * ZC_BUF_ZERO - the bytes are zero
 *
 * Without it they are zero too, or what this open file had in a buffer of the same size
 * that it has destroyed.
 */
#define ZC_BUF_ZERO		(1U << 3)
/**
 * ZC_BUF_SLICE - up to 1 MiB, be content with a part of a hugepage
 *
 * The size is rounded up to a multiple of the page size (4096) instead of ZC_HUGE_SIZE,
 * and the buffer lies within one hugepage, in one piece, which other such buffers of the
 * same open file share: aligned to its size, or the next power of two. It is mapped by
 * small pages; zc_buf_create::huge_bytes is 0. Of the module's memory, of a cgroup's and
 * of RLIMIT_MEMLOCK the first one takes a whole hugepage, until the last one is gone.
 * Larger buffers are as without it.
 */
#define ZC_BUF_SLICE		(1U << 4)
/**
 * ZC_BUF_IMPORTED - the memory is that of a file
 *
 * Reported after ZC_IOC_BUF_IMPORT; not for zc_buf_create::flags (EINVAL).
 */
#define ZC_BUF_IMPORTED		(1U << 5)
/**
 * ZC_BUF_RDONLY - it can be read, and not written to, by this buffer
 *
 * Reported of one that was imported so from a dma-buf, which others may write to; not for
 * zc_buf_create::flags (EINVAL).
 */
#define ZC_BUF_RDONLY		(1U << 6)

/**
 * struct zc_buf_create - make a buffer (ZC_IOC_BUF_CREATE)
 * @size:        in: bytes wanted, more than 0; out: bytes granted, @size rounded
 *               up to a multiple of ZC_HUGE_SIZE, or see ZC_BUF_SLICE
 * @flags:       in: ZC_BUF_* bits
 * @node:        in: NUMA node, or ZC_NODE_ANY; out: node of the first page
 * @handle:      out: name of the buffer within this open file, never 0
 * @page_size:   out: smallest page size in the buffer, bytes: ZC_HUGE_SIZE, or
 *               less with ZC_BUF_SLICE, or if ZC_BUF_SMALL_OK was used and needed
 * @mmap_offset: out: offset to pass to mmap() on this descriptor
 * @huge_bytes:  out: how many bytes of the buffer lie on hugepages
 * @__resv:      in: must be 0
 *
 * The bytes are zero, or what this very open file has left in a buffer that it has destroyed: such
 * are kept for half a second or less, at most 4 and 8 MiB by processor, to be had again with the
 * same handle at the cost of a system call; not where the memory cgroup has less than a quarter of
 * its limit left. No other open file ever sees them. ZC_BUF_ZERO does without. The memory is
 * charged to the memory cgroup of the caller, or of who made it first, unless it comes from the
 * reserve (zc_node_query::reserve_bytes), and is neither swapped nor moved.
 *
 * mmap() wants MAP_SHARED, an offset from @mmap_offset up to the end of the buffer, and a length
 * that stays inside it; otherwise it fails with EINVAL. With an offset that is a multiple of
 * ZC_HUGE_SIZE the kernel picks an address at which whole pages of 2 MiB are mapped. Of a sealed
 * buffer see struct zc_buf_seal. A mapping keeps the buffer alive after ZC_IOC_BUF_DESTROY and
 * close(); fork() shares it. The mapped memory is ordinary memory to the kernel: O_DIRECT,
 * MSG_ZEROCOPY and io_uring registered buffers (the last from Linux 6.12 on) take it. But futexes
 * in it are those of one process: keep locks between processes (PTHREAD_PROCESS_SHARED) in a
 * memfd, be it one that is imported (struct zc_buf_import), for here they fail with EFAULT.
 *
 * Without CAP_IPC_LOCK it also counts as memory that the user has locked (RLIMIT_MEMLOCK), over all
 * his processes, as that of io_uring does: until it is destroyed and no longer mapped, sent from,
 * or held page by page (by a pipe, say), whoever has the buffer by then.
 *
 * Errors: EINVAL (size 0 or above zc_query::max_buffer_size, unknown flag, node that does not exist
 * or has no memory, reserved field), ENOSPC (zc_query::max_bytes reached), EPERM (RLIMIT_MEMLOCK
 * reached), EDQUOT (the memory cgroup's limit reached), ENOMEM (no memory of the kind asked for),
 * EMFILE (zc_query::max_handles reached), EINTR (killed meanwhile), EFAULT.
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
 * struct zc_buf_import - make a buffer of memory that exists (ZC_IOC_BUF_IMPORT)
 * @fd:          in: descriptor of a file in memory: of memfd_create(2), or another one on
 *               hugetlbfs or tmpfs; open for reading and writing, or for reading if it is
 *               sealed (F_SEAL_WRITE and, on tmpfs, F_SEAL_SHRINK). Or of a dma-buf
 * @flags:       in: must be 0
 * @offset:      in: where in the file the buffer begins, bytes, a multiple of the file's
 *               page size
 * @size:        in: bytes, a multiple of the file's page size, up to the end of the file;
 *               0: all that there is from @offset on; out: bytes
 * @handle:      out: name of the buffer within this open file, never 0
 * @page_size:   out: page size of the file, bytes: that of its hugepages, or 4096
 * @mmap_offset: out: offset to pass to mmap() on this descriptor
 * @huge_bytes:  out: how many bytes of the buffer lie on hugepages
 * @node:        out: NUMA node of the first page
 * @__pad:       in: must be 0
 * @__resv:      in: must be 0
 *
 * So there are buffers of 1 GiB pages. What is missing of the file is allocated, and the pages are
 * pinned until the buffer is destroyed and no longer sent from. They remain the file's: they do not
 * count as memory of the module (zc_query::used_bytes), but as what the user has locked
 * (RLIMIT_MEMLOCK, without CAP_IPC_LOCK), as io_uring's does: a part of a hugepage as all of it.
 *
 * A mapping of the buffer is one of the file, by whole pages (else EINVAL), not executable (else
 * EPERM), takes an open file for a moment (ENFILE, ENOMEM), is not listed as one of the buffer, and
 * does not keep it. Who may write by it can have other parts of the file by remap_file_pages(2);
 * what he may do with the file was asked of who imported it. Pages cut off or punched out of the
 * file stay in the buffer alone, and cannot be mapped (EINVAL). Of a sealed file the buffer is
 * ZC_BUF_SEALED; else the file cannot be sealed before the buffer is gone (EBUSY), nor can the
 * buffer (EOPNOTSUPP).
 *
 * The file is mapped for a moment: RLIMIT_AS and the like must allow for it. Between others of the
 * file that may stay, as the caller's, if there can be no more (vm.max_map_count; ENOMEM).
 *
 * A dma-buf is imported to be sent from: of this module, of the system heap, or of udmabuf;
 * others may move their memory, or free it before the network has let go. It is mapped as its
 * exporter maps it, for writing if the descriptor may, and its pages are of 4096 bytes here.
 * Devices that use it, and this, take turns by ZC_IOC_BUF_SYNC or DMA_BUF_IOCTL_SYNC.
 *
 * Errors: EBADF (no such descriptor), EINVAL (a file of another kind, or not whole pages within
 * it; flags or reserved fields), EACCES (not open as it must be), EPERM (RLIMIT_MEMLOCK reached;
 * not sealed as it must be), EBUSY (it is being sealed), ENOMEM (no memory, or no hugepage of
 * that size is free), EAGAIN and EOVERFLOW (as of mmap(2)), EOPNOTSUPP (another dma-buf, or
 * hugepages by a udmabuf that maps them wrongly: Linux 6.11 to 6.14), or what its exporter says,
 * EFAULT (the file has become shorter meanwhile, or see above), EMFILE (zc_query::max_handles
 * reached), EINTR (killed meanwhile).
 */
struct zc_buf_import {
	__s32 fd;
	__u32 flags;
	__u64 offset;
	__u64 size;
	__u32 handle;
	__u32 page_size;
	__u64 mmap_offset;
	__u64 huge_bytes;
	__s32 node;
	__u32 __pad;
	__u64 __resv[2];
};

/**
 * struct zc_buf_query - properties of a buffer (ZC_IOC_BUF_QUERY)
 * @handle:      in: handle of the buffer
 * @flags:       out: the ZC_BUF_* flags that it was made with, and ZC_BUF_SEALED
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
 * The memory is freed once the last mapping is gone too. Pages that the kernel still uses (an
 * O_DIRECT read or a MSG_ZEROCOPY send under way) are freed when it is done with them.
 *
 * Errors: EINVAL (flags or reserved field), ENOENT (no such handle), ENOMEM (the
 * handle stays: try again), EFAULT.
 */
struct zc_buf_destroy {
	__u32 handle;
	__u32 flags;
	__u64 __resv[3];
};

/**
 * struct zc_buf_seal - make a buffer immutable (ZC_IOC_BUF_SEAL)
 * @handle: in: handle of the buffer
 * @flags:  in: must be 0
 * @__resv: in: must be 0
 *
 * From here on the buffer can only be mapped for reading, by MAP_SHARED without PROT_WRITE, and
 * mprotect() cannot change that. It cannot be undone. What is sent from a sealed buffer needs no
 * notification: nobody can spoil it. Who only reads it meanwhile, by a mapping that cannot be made
 * writable, is not in the way.
 *
 * While a call tries, who wants to write (mmap() with PROT_WRITE, ZC_IOC_BUF_EXPORT,
 * ZC_IOC_DMA_MAP) gets EBUSY; when it has succeeded, EPERM. mmap() without PROT_WRITE waits for
 * its end where mprotect() might add that later; EBUSY if another one tries by then.
 *
 * Errors: EINVAL (flags or reserved field), ENOENT (no such handle), EBUSY (a mapping exists that
 * is or could be made writable, or the kernel still holds pages, for an O_DIRECT read under way or
 * a send that ZC_EVENT_RELEASED has not been read of: the call waits for 200 ms), EOPNOTSUPP
 * (imported: seal the file first), EFAULT. Sealing a sealed buffer succeeds.
 */
struct zc_buf_seal {
	__u32 handle;
	__u32 flags;
	__u64 __resv[3];
};

/** ZC_SHARE_RDONLY - for zc_buf_share::flags: who gets it may map it for reading alone */
#define ZC_SHARE_RDONLY		(1U << 0)

/**
 * struct zc_buf_share - a descriptor for one buffer (ZC_IOC_BUF_SHARE)
 * @handle: in: handle of the buffer
 * @flags:  in: 0 or ZC_SHARE_RDONLY
 * @fd:     out: descriptor, closed on exec, to be handed to another process (SCM_RIGHTS)
 * @__pad:  in: must be 0
 * @__resv: in: must be 0
 *
 * With it any process may mmap() the buffer, and no other, at offsets from 0 up to its size
 * (MAP_SHARED), and send from it by ZC_SEND_SHARED on a device file of its own. Nothing is
 * copied: it is the same memory. The descriptor keeps the buffer, as a mapping does, beyond
 * ZC_IOC_BUF_DESTROY and the end of who made it; what that user may lock is counted until
 * then. Sealed, before or afterwards, it is immutable to all.
 *
 * Errors: EINVAL (flags or reserved fields), ENOENT (no such handle), EACCES (the device was
 * not opened for writing, and ZC_SHARE_RDONLY is not set), EOPNOTSUPP (imported, and
 * ZC_SHARE_RDONLY is not set: hand over the file instead), EMFILE, ENFILE, ENOMEM, EFAULT.
 */
struct zc_buf_share {
	__u32 handle;
	__u32 flags;
	__s32 fd;
	__u32 __pad;
	__u64 __resv[2];
};

/** ZC_INFO_HOLDERS - for zc_buf_info::flags: who maps it, too, which takes longer */
#define ZC_INFO_HOLDERS		(1U << 0)

/** ZC_STATE_HANDLE - for zc_buf_info::state: it was not destroyed, and has its handle */
#define ZC_STATE_HANDLE		(1U << 0)
/** ZC_STATE_SEALED - for zc_buf_info::state: it is sealed */
#define ZC_STATE_SEALED		(1U << 1)

/** ZC_STATE_OWN - for zc_buf_info::state: it is of this open file, as is its handle */
#define ZC_STATE_OWN		(1U << 2)

/** ZC_HOLDERS_MAX - how many processes zc_buf_info::holders has room for */
#define ZC_HOLDERS_MAX		8

/**
 * struct zc_holder - a process that maps a buffer
 * @pid:      process, as the caller sees it; 0: it is not known
 * @uid:      its user; -1: not known
 * @mappings: how many times
 * @__pad:    0
 */
struct zc_holder {
	__s32 pid;
	__u32 uid;
	__u32 mappings;
	__u32 __pad;
};

/**
 * struct zc_buf_info - a buffer, of whatever open file (ZC_IOC_BUF_INFO)
 * @id:         in: a number, 0 for the first; out: number of the buffer, which is the
 *              first from there on. One more is where to go on
 * @flags:      in: 0 or ZC_INFO_HOLDERS
 * @state:      out: ZC_STATE_* bits
 * @pid:        out: process that made it, as the caller sees it; 0: it is gone, or in
 *              another PID namespace
 * @uid:        out: its user
 * @comm:       out: name of the process when it made the buffer
 * @size:       out: bytes
 * @huge_bytes: out: how many bytes lie on hugepages
 * @held_bytes: out: bytes on pages that others hold, the network, a pipe or a direct read,
 *              as far as can be told: of a buffer that is mapped those that are pinned;
 *              0 of one that is imported
 * @age_ms:     out: since it was made, milliseconds
 * @idle_ms:    out: since it was mapped, unmapped, sent from or destroyed
 * @handle:     out: its handle in the file that made it; 0 if it was destroyed
 * @buf_flags:  out: the ZC_BUF_* flags that it was made with
 * @node:       out: NUMA node of the first page
 * @mappings:   out: number of memory mappings (VMAs)
 * @sends:      out: sends from it that are under way, and descriptors for it
 *              (ZC_IOC_BUF_SHARE, ZC_IOC_BUF_EXPORT), as far as can be told
 * @nr_holders: out: with ZC_INFO_HOLDERS, processes that map it; more than ZC_HOLDERS_MAX
 *              are not in @holders
 * @holders:    out: who they are
 * @targets:    out: devices that it is mapped for (ZC_IOC_DMA_MAP)
 * @__pad:      out: 0
 * @__resv:     in: must be 0
 *
 * Buffers of others are shown with CAP_SYS_ADMIN alone. Parked ones are none. Of memory
 * that others hold of a buffer that is gone altogether only zc_query::held_bytes tells.
 *
 * Errors: EINVAL (flags or reserved fields), ENOENT (no more), EINTR (killed), EFAULT.
 */
struct zc_buf_info {
	__u64 id;
	__u32 flags;
	__u32 state;
	__s32 pid;
	__u32 uid;
	char comm[16];
	__u64 size;
	__u64 huge_bytes;
	__u64 held_bytes;
	__u64 age_ms;
	__u64 idle_ms;
	__u32 handle;
	__u32 buf_flags;
	__s32 node;
	__u32 mappings;
	__u32 sends;
	__u32 nr_holders;
	struct zc_holder holders[ZC_HOLDERS_MAX];
	__u32 targets;
	__u32 __pad;
	__u64 __resv[3];
};

#define ZC_IOC_MAGIC		0xED

#define ZC_IOC_QUERY		_IOWR(ZC_IOC_MAGIC, 0x00, struct zc_query)
#define ZC_IOC_STATS		_IOWR(ZC_IOC_MAGIC, 0x01, struct zc_stats)
#define ZC_IOC_NODE_QUERY	_IOWR(ZC_IOC_MAGIC, 0x02, struct zc_node_query)
#define ZC_IOC_BUF_CREATE	_IOWR(ZC_IOC_MAGIC, 0x10, struct zc_buf_create)
#define ZC_IOC_BUF_QUERY	_IOWR(ZC_IOC_MAGIC, 0x11, struct zc_buf_query)
#define ZC_IOC_BUF_DESTROY	_IOWR(ZC_IOC_MAGIC, 0x12, struct zc_buf_destroy)
#define ZC_IOC_BUF_SEAL		_IOWR(ZC_IOC_MAGIC, 0x13, struct zc_buf_seal)
#define ZC_IOC_BUF_INFO		_IOWR(ZC_IOC_MAGIC, 0x14, struct zc_buf_info)
#define ZC_IOC_BUF_SHARE	_IOWR(ZC_IOC_MAGIC, 0x15, struct zc_buf_share)
#define ZC_IOC_BUF_IMPORT	_IOWR(ZC_IOC_MAGIC, 0x16, struct zc_buf_import)
#define ZC_IOC_BUF_EXPORT	_IOWR(ZC_IOC_MAGIC, 0x17, struct zc_buf_export)
#define ZC_IOC_BUF_SYNC		_IOWR(ZC_IOC_MAGIC, 0x18, struct zc_buf_sync)
#define ZC_IOC_SENDFILE		_IOWR(ZC_IOC_MAGIC, 0x20, struct zc_sendfile)
#define ZC_IOC_SEND		_IOWR(ZC_IOC_MAGIC, 0x21, struct zc_send)
#define ZC_IOC_CANCEL		_IOWR(ZC_IOC_MAGIC, 0x22, struct zc_cancel)
#define ZC_IOC_DMA_QUERY	_IOWR(ZC_IOC_MAGIC, 0x30, struct zc_dma_query)
#define ZC_IOC_DMA_ATTACH	_IOWR(ZC_IOC_MAGIC, 0x31, struct zc_dma_attach)
#define ZC_IOC_DMA_DETACH	_IOWR(ZC_IOC_MAGIC, 0x32, struct zc_dma_detach)
#define ZC_IOC_DMA_MAP		_IOWR(ZC_IOC_MAGIC, 0x33, struct zc_dma_map)
#define ZC_IOC_DMA_UNMAP	_IOWR(ZC_IOC_MAGIC, 0x34, struct zc_dma_unmap)
#define ZC_IOC_DMA_SEGMENTS	_IOWR(ZC_IOC_MAGIC, 0x35, struct zc_dma_segments)
#define ZC_IOC_DMA_MEASURE	_IOWR(ZC_IOC_MAGIC, 0x36, struct zc_dma_measure)

#endif /* _UAPI_LINUX_ZC_H */
