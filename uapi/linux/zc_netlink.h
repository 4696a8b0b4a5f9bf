/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/zc.yaml */
/* YNL-GEN uapi header */

#ifndef _UAPI_LINUX_ZC_NETLINK_H
#define _UAPI_LINUX_ZC_NETLINK_H

#define ZC_FAMILY_NAME		"zc"
#define ZC_FAMILY_VERSION	1

/**
 * enum zc_buffer_state - What state a buffer is in.
 * @ZC_BUFFER_STATE_HANDLE: It was not destroyed, and has its handle.
 * @ZC_BUFFER_STATE_SEALED: It is sealed, its bytes do not change any more.
 * @ZC_BUFFER_STATE_IMPORTED: Its memory is that of a file, or of a dma-buf.
 */
enum zc_buffer_state {
	ZC_BUFFER_STATE_HANDLE = 1,
	ZC_BUFFER_STATE_SEALED = 2,
	ZC_BUFFER_STATE_IMPORTED = 4,
};

/**
 * enum zc_reason - Why bytes were copied; the ZC_COPY_* bits of linux/zc.h.
 * @ZC_REASON_NO_DIRECT: The file cannot do direct reads, or the page cache was
 *   asked for, nor can its page cache be handed out.
 * @ZC_REASON_NO_SG: The device of the route takes no scatter-gather lists.
 * @ZC_REASON_SOCKET: The protocol of the socket has no path for pages.
 * @ZC_REASON_LOOPBACK: The packets loop back to this host, and the buffer may
 *   change.
 * @ZC_REASON_SMALL: Fewer bytes than pay for a reference (see copybreak).
 */
enum zc_reason {
	ZC_REASON_NO_DIRECT = 1,
	ZC_REASON_NO_SG = 2,
	ZC_REASON_SOCKET = 4,
	ZC_REASON_LOOPBACK = 8,
	ZC_REASON_SMALL = 16,
};

/**
 * enum zc_transfer_source - Where a transfer reads.
 * @ZC_TRANSFER_SOURCE_FILE: A file.
 * @ZC_TRANSFER_SOURCE_BUFFER: A buffer (ZC_IOC_SEND).
 */
enum zc_transfer_source {
	ZC_TRANSFER_SOURCE_FILE,
	ZC_TRANSFER_SOURCE_BUFFER,
};

/**
 * enum zc_transfer_waiter - Who waits for a transfer.
 * @ZC_TRANSFER_WAITER_CALLER: The system call that it is.
 * @ZC_TRANSFER_WAITER_EVENT: Nobody; an event tells of its end
 *   (ZC_SEND_ASYNC).
 * @ZC_TRANSFER_WAITER_IO_URING: Nobody; a completion of io_uring tells of its
 *   end.
 */
enum zc_transfer_waiter {
	ZC_TRANSFER_WAITER_CALLER,
	ZC_TRANSFER_WAITER_EVENT,
	ZC_TRANSFER_WAITER_IO_URING,
};

/**
 * enum zc_shortage - Why a reserve is short; the ZC_SHORT_* of linux/zc.h.
 * @ZC_SHORTAGE_NONE: It is not.
 * @ZC_SHORTAGE_LIMIT: The module's limit (max-bytes) leaves no room for it.
 * @ZC_SHORTAGE_MEMORY: The node has not so much free memory.
 * @ZC_SHORTAGE_FRAGMENTED: It has, but in too small pieces.
 * @ZC_SHORTAGE_STOPPED: Who set it was killed before there were as many.
 * @ZC_SHORTAGE_USED: It is being filled, memory was short, or some were held
 *   when their buffers went; soon more.
 */
enum zc_shortage {
	ZC_SHORTAGE_NONE,
	ZC_SHORTAGE_LIMIT,
	ZC_SHORTAGE_MEMORY,
	ZC_SHORTAGE_FRAGMENTED,
	ZC_SHORTAGE_STOPPED,
	ZC_SHORTAGE_USED,
};

/**
 * enum zc_target_state - What a target is like.
 * @ZC_TARGET_STATE_TRANSLATED: An IOMMU translates the addresses.
 * @ZC_TARGET_STATE_LAZY: The IOMMU forgets in its own time; the module has it
 *   forget at once.
 */
enum zc_target_state {
	ZC_TARGET_STATE_TRANSLATED = 1,
	ZC_TARGET_STATE_LAZY = 2,
};

enum {
	ZC_A_MODULE_ABI = 1,
	ZC_A_MODULE_VERSION,
	ZC_A_MODULE_FEATURES,
	ZC_A_MODULE_PAD,
	ZC_A_MODULE_MAX_BYTES,
	ZC_A_MODULE_USED_BYTES,
	ZC_A_MODULE_HELD_BYTES,
	ZC_A_MODULE_PARKED_BYTES,
	ZC_A_MODULE_BUFFERS,
	ZC_A_MODULE_TRANSFERS,
	ZC_A_MODULE_DEPTH,
	ZC_A_MODULE_COPYBREAK,
	ZC_A_MODULE_HELD_AFTER,
	ZC_A_MODULE_IDLE_AFTER,
	ZC_A_MODULE_URING_LIFE,

	__ZC_A_MODULE_MAX,
	ZC_A_MODULE_MAX = (__ZC_A_MODULE_MAX - 1)
};

enum {
	ZC_A_POOL_NODE = 1,
	ZC_A_POOL_PAD,
	ZC_A_POOL_RESERVE_BYTES,
	ZC_A_POOL_READY_BYTES,
	ZC_A_POOL_OUT_BYTES,
	ZC_A_POOL_FREE_BYTES,
	ZC_A_POOL_FREE_HUGE_BYTES,
	ZC_A_POOL_SHORT,

	__ZC_A_POOL_MAX,
	ZC_A_POOL_MAX = (__ZC_A_POOL_MAX - 1)
};

enum {
	ZC_A_HOLDER_PID = 1,
	ZC_A_HOLDER_UID,
	ZC_A_HOLDER_MAPPINGS,

	__ZC_A_HOLDER_MAX,
	ZC_A_HOLDER_MAX = (__ZC_A_HOLDER_MAX - 1)
};

enum {
	ZC_A_BUFFER_ID = 1,
	ZC_A_BUFFER_STATE,
	ZC_A_BUFFER_PID,
	ZC_A_BUFFER_UID,
	ZC_A_BUFFER_COMM,
	ZC_A_BUFFER_PAD,
	ZC_A_BUFFER_SIZE,
	ZC_A_BUFFER_HUGE_BYTES,
	ZC_A_BUFFER_HELD_BYTES,
	ZC_A_BUFFER_AGE_MS,
	ZC_A_BUFFER_IDLE_MS,
	ZC_A_BUFFER_HANDLE,
	ZC_A_BUFFER_FLAGS,
	ZC_A_BUFFER_NODE,
	ZC_A_BUFFER_MAPPINGS,
	ZC_A_BUFFER_SENDS,
	ZC_A_BUFFER_TARGETS,
	ZC_A_BUFFER_HOLDERS,
	ZC_A_BUFFER_HOLDER,
	ZC_A_BUFFER_TARGET,
	ZC_A_BUFFER_WITH_HOLDERS,
	ZC_A_BUFFER_STATE_NOT,

	__ZC_A_BUFFER_MAX,
	ZC_A_BUFFER_MAX = (__ZC_A_BUFFER_MAX - 1)
};

enum {
	ZC_A_TRANSFER_ID = 1,
	ZC_A_TRANSFER_PAD,
	ZC_A_TRANSFER_SOURCE,
	ZC_A_TRANSFER_WAITER,
	ZC_A_TRANSFER_PID,
	ZC_A_TRANSFER_UID,
	ZC_A_TRANSFER_COMM,
	ZC_A_TRANSFER_INODE,
	ZC_A_TRANSFER_DEV_MAJOR,
	ZC_A_TRANSFER_DEV_MINOR,
	ZC_A_TRANSFER_BUFFER,
	ZC_A_TRANSFER_SOCKET,
	ZC_A_TRANSFER_OFFSET,
	ZC_A_TRANSFER_LENGTH,
	ZC_A_TRANSFER_SENT,
	ZC_A_TRANSFER_COPIED,
	ZC_A_TRANSFER_CACHED,
	ZC_A_TRANSFER_REASONS,
	ZC_A_TRANSFER_AGE_MS,
	ZC_A_TRANSFER_ERROR,

	__ZC_A_TRANSFER_MAX,
	ZC_A_TRANSFER_MAX = (__ZC_A_TRANSFER_MAX - 1)
};

enum {
	ZC_A_TARGET_ID = 1,
	ZC_A_TARGET_NAME,
	ZC_A_TARGET_DRIVER,
	ZC_A_TARGET_STATE,
	ZC_A_TARGET_MAPPINGS,
	ZC_A_TARGET_PAD,
	ZC_A_TARGET_MASK,
	ZC_A_TARGET_MAX_MAPPING,
	ZC_A_TARGET_BUFFER,

	__ZC_A_TARGET_MAX,
	ZC_A_TARGET_MAX = (__ZC_A_TARGET_MAX - 1)
};

enum {
	ZC_A_STATS_PAD = 1,
	ZC_A_STATS_BUFFERS_MADE,
	ZC_A_STATS_BUFFERS_AGAIN,
	ZC_A_STATS_BUFFERS_FREED,
	ZC_A_STATS_BUFFERS_RESERVED,
	ZC_A_STATS_REFUSED_LIMIT,
	ZC_A_STATS_REFUSED_MEMLOCK,
	ZC_A_STATS_REFUSED_CGROUP,
	ZC_A_STATS_REFUSED_MEMORY,
	ZC_A_STATS_REFUSED_HANDLE,
	ZC_A_STATS_LEAKS_HELD,
	ZC_A_STATS_LEAKS_IDLE,
	ZC_A_STATS_TRANSFERS_BEGUN,
	ZC_A_STATS_TRANSFERS_DONE,
	ZC_A_STATS_TRANSFERS_FAILED,
	ZC_A_STATS_TRANSFERS_CANCELED,
	ZC_A_STATS_SENT_BYTES,
	ZC_A_STATS_COPIED_BYTES,
	ZC_A_STATS_CACHED_BYTES,
	ZC_A_STATS_FALLBACK_NO_DIRECT,
	ZC_A_STATS_FALLBACK_NO_SG,
	ZC_A_STATS_FALLBACK_SOCKET,
	ZC_A_STATS_FALLBACK_LOOPBACK,
	ZC_A_STATS_FALLBACK_SMALL,
	ZC_A_STATS_DMA_MAPPED,
	ZC_A_STATS_DMA_REVOKED,
	ZC_A_STATS_EVENTS_LOST,

	__ZC_A_STATS_MAX,
	ZC_A_STATS_MAX = (__ZC_A_STATS_MAX - 1)
};

enum {
	ZC_CMD_MODULE_GET = 1,
	ZC_CMD_MODULE_SET,
	ZC_CMD_POOL_GET,
	ZC_CMD_POOL_SET,
	ZC_CMD_BUFFER_GET,
	ZC_CMD_TRANSFER_GET,
	ZC_CMD_TARGET_GET,
	ZC_CMD_STATS_GET,
	ZC_CMD_BUFFER_MADE_NTF,
	ZC_CMD_BUFFER_FREED_NTF,
	ZC_CMD_BUFFER_LEAK_NTF,
	ZC_CMD_TRANSFER_DONE_NTF,
	ZC_CMD_TRANSFER_FAILED_NTF,
	ZC_CMD_TRANSFER_FALLBACK_NTF,
	ZC_CMD_POOL_LOW_NTF,
	ZC_CMD_TARGET_GONE_NTF,

	__ZC_CMD_MAX,
	ZC_CMD_MAX = (__ZC_CMD_MAX - 1)
};

#define ZC_MCGRP_BUFFERS	"buffers"
#define ZC_MCGRP_TRANSFERS	"transfers"
#define ZC_MCGRP_ALERTS		"alerts"

#endif /* _UAPI_LINUX_ZC_NETLINK_H */
