// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the netlink family says of a buffer, a transfer, a target and a node, in answers and
 * events alike.
 */
#include <linux/pid_namespace.h>
#include <linux/zc.h>
#include <linux/zc_netlink.h>
#include <net/genetlink.h>

#include "dma.h"
#include "netlink.h"
#include "pool.h"
#include "roster.h"

static int zc_show_pid(struct sk_buff *msg, int attr, pid_t pid)
{
	return pid > 0 ? nla_put_u32(msg, attr, pid) : 0;
}

static int zc_show_holder(struct sk_buff *msg, const struct zc_holder *holder)
{
	struct nlattr *nest = nla_nest_start(msg, ZC_A_BUFFER_HOLDER);

	if (!nest)
		return -EMSGSIZE;
	if (zc_show_pid(msg, ZC_A_HOLDER_PID, holder->pid) ||
	    (holder->uid != (u32)-1 && nla_put_u32(msg, ZC_A_HOLDER_UID, holder->uid)) ||
	    nla_put_u32(msg, ZC_A_HOLDER_MAPPINGS, holder->mappings))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

static int zc_show_holders(struct sk_buff *msg, const struct zc_buf_info *info)
{
	u32 i, nr = min_t(u32, info->nr_holders, ZC_HOLDERS_MAX);

	if (!(info->flags & ZC_INFO_HOLDERS))
		return 0;
	if (nla_put_u32(msg, ZC_A_BUFFER_HOLDERS, info->nr_holders))
		return -EMSGSIZE;
	for (i = 0; i < nr; i++)
		if (zc_show_holder(msg, &info->holders[i]))
			return -EMSGSIZE;
	return 0;
}

/**
 * zc_transfer_pid - whose transfer is it?
 * @info:   transfer
 * @viewer: as whom
 *
 * Returns: number of the process, 0 if it is gone, or not seen. Any context.
 */
pid_t zc_transfer_pid(const struct zc_transfer_info *info, const struct zc_viewer *viewer)
{
	return pid_has_task(info->pid, PIDTYPE_TGID) ? pid_nr_ns(info->pid, viewer->pid_ns) : 0;
}

/**
 * zc_buffer_state - what state is a buffer in?
 * @info: buffer
 *
 * Returns: bits of enum zc_buffer_state. Any context.
 */
u32 zc_buffer_state(const struct zc_buf_info *info)
{
	return (info->state & ZC_STATE_HANDLE ? ZC_BUFFER_STATE_HANDLE : 0) |
	       (info->state & ZC_STATE_SEALED ? ZC_BUFFER_STATE_SEALED : 0) |
	       (info->buf_flags & ZC_BUF_IMPORTED ? ZC_BUFFER_STATE_IMPORTED : 0);
}

/**
 * zc_show_buffer - put a buffer into a message
 * @msg:  message
 * @info: from zc_registry_describe()
 *
 * Returns: 0 or -EMSGSIZE. Any context.
 */
int zc_show_buffer(struct sk_buff *msg, const struct zc_buf_info *info)
{
	if (nla_put_u32(msg, ZC_A_BUFFER_ID, info->id) ||
	    nla_put_u32(msg, ZC_A_BUFFER_STATE, zc_buffer_state(info)) ||
	    zc_show_pid(msg, ZC_A_BUFFER_PID, info->pid) ||
	    nla_put_u32(msg, ZC_A_BUFFER_UID, info->uid) ||
	    nla_put_string(msg, ZC_A_BUFFER_COMM, info->comm) ||
	    nla_put_u64_64bit(msg, ZC_A_BUFFER_SIZE, info->size, ZC_A_BUFFER_PAD) ||
	    nla_put_u64_64bit(msg, ZC_A_BUFFER_HUGE_BYTES, info->huge_bytes, ZC_A_BUFFER_PAD) ||
	    (!(info->flags & ZC_INFO_BRIEF) &&
	     nla_put_u64_64bit(msg, ZC_A_BUFFER_HELD_BYTES, info->held_bytes,
			       ZC_A_BUFFER_PAD)) ||
	    nla_put_u64_64bit(msg, ZC_A_BUFFER_AGE_MS, info->age_ms, ZC_A_BUFFER_PAD) ||
	    nla_put_u64_64bit(msg, ZC_A_BUFFER_IDLE_MS, info->idle_ms, ZC_A_BUFFER_PAD) ||
	    (info->handle && nla_put_u32(msg, ZC_A_BUFFER_HANDLE, info->handle)) ||
	    nla_put_u32(msg, ZC_A_BUFFER_FLAGS, info->buf_flags) ||
	    nla_put_u32(msg, ZC_A_BUFFER_NODE, info->node) ||
	    nla_put_u32(msg, ZC_A_BUFFER_MAPPINGS, info->mappings) ||
	    nla_put_u32(msg, ZC_A_BUFFER_SENDS, info->sends) ||
	    nla_put_u32(msg, ZC_A_BUFFER_TARGETS, info->targets))
		return -EMSGSIZE;
	return zc_show_holders(msg, info);
}

static int zc_show_origin(struct sk_buff *msg, const struct zc_transfer_info *info)
{
	if (info->buffer)
		return nla_put_u32(msg, ZC_A_TRANSFER_BUFFER, info->buffer);
	if (nla_put_u64_64bit(msg, ZC_A_TRANSFER_INODE, info->inode, ZC_A_TRANSFER_PAD) ||
	    nla_put_u32(msg, ZC_A_TRANSFER_DEV_MAJOR, MAJOR(info->dev)) ||
	    nla_put_u32(msg, ZC_A_TRANSFER_DEV_MINOR, MINOR(info->dev)))
		return -EMSGSIZE;
	return 0;
}

/* With what error, or 0: no room in a non-blocking socket is no failure. */
static int zc_transfer_failed_as(const struct zc_transfer_info *info)
{
	switch (info->err) {
	case -EAGAIN:
		return 0;
	case -ERESTARTSYS:
		return -EINTR;
	default:
		return info->err;
	}
}

/**
 * zc_transfer_source - where does a transfer read?
 * @info: transfer
 *
 * Returns: enum zc_transfer_source. Any context.
 */
u32 zc_transfer_source(const struct zc_transfer_info *info)
{
	return info->buffer ? ZC_TRANSFER_SOURCE_BUFFER : ZC_TRANSFER_SOURCE_FILE;
}

/**
 * zc_show_transfer - put a transfer into a message
 * @msg:    message
 * @viewer: as whom
 * @info:   what to say
 *
 * Returns: 0 or -EMSGSIZE. Any context.
 */
int zc_show_transfer(struct sk_buff *msg, const struct zc_viewer *viewer,
		     const struct zc_transfer_info *info)
{
	const int pad = ZC_A_TRANSFER_PAD;

	if ((info->id && nla_put_u64_64bit(msg, ZC_A_TRANSFER_ID, info->id, pad)) ||
	    nla_put_u32(msg, ZC_A_TRANSFER_SOURCE, zc_transfer_source(info)) ||
	    nla_put_u32(msg, ZC_A_TRANSFER_WAITER, info->waiter) ||
	    zc_show_pid(msg, ZC_A_TRANSFER_PID, zc_transfer_pid(info, viewer)) ||
	    nla_put_u32(msg, ZC_A_TRANSFER_UID, from_kuid_munged(viewer->user_ns, info->uid)) ||
	    nla_put_string(msg, ZC_A_TRANSFER_COMM, info->comm) ||
	    zc_show_origin(msg, info) ||
	    nla_put_u64_64bit(msg, ZC_A_TRANSFER_SOCKET, info->socket, pad) ||
	    nla_put_u64_64bit(msg, ZC_A_TRANSFER_OFFSET, info->offset, pad) ||
	    nla_put_u64_64bit(msg, ZC_A_TRANSFER_LENGTH, info->length, pad) ||
	    nla_put_u64_64bit(msg, ZC_A_TRANSFER_SENT, info->sent, pad) ||
	    nla_put_u64_64bit(msg, ZC_A_TRANSFER_COPIED, info->copied, pad) ||
	    nla_put_u64_64bit(msg, ZC_A_TRANSFER_CACHED, info->cached, pad) ||
	    nla_put_u32(msg, ZC_A_TRANSFER_REASONS, info->reasons) ||
	    nla_put_u64_64bit(msg, ZC_A_TRANSFER_AGE_MS, info->age_ms, pad) ||
	    (zc_transfer_failed_as(info) &&
	     nla_put_u32(msg, ZC_A_TRANSFER_ERROR, -zc_transfer_failed_as(info))))
		return -EMSGSIZE;
	return 0;
}

static u32 zc_target_state(const struct zc_dma_query *info)
{
	return (info->state & ZC_DMA_TRANSLATED ? ZC_TARGET_STATE_TRANSLATED : 0) |
	       (info->state & ZC_DMA_LAZY ? ZC_TARGET_STATE_LAZY : 0);
}

/**
 * zc_show_target - put a target into a message
 * @msg:    message
 * @viewer: as whom
 * @info:   what to say
 *
 * Returns: 0 or -EMSGSIZE. Any context.
 */
int zc_show_target(struct sk_buff *msg, const struct zc_viewer *viewer,
		   const struct zc_dma_query *info)
{
	if (nla_put_u32(msg, ZC_A_TARGET_ID, info->target) ||
	    nla_put_string(msg, ZC_A_TARGET_NAME, info->name) ||
	    nla_put_string(msg, ZC_A_TARGET_DRIVER, info->driver) ||
	    nla_put_u32(msg, ZC_A_TARGET_STATE, zc_target_state(info)) ||
	    (viewer->admin && nla_put_u32(msg, ZC_A_TARGET_MAPPINGS, info->mappings)) ||
	    nla_put_u64_64bit(msg, ZC_A_TARGET_MASK, info->mask, ZC_A_TARGET_PAD) ||
	    nla_put_u64_64bit(msg, ZC_A_TARGET_MAX_MAPPING, info->max_mapping, ZC_A_TARGET_PAD))
		return -EMSGSIZE;
	return 0;
}

/**
 * zc_show_node - put the memory of a node into a message
 * @msg:  message
 * @node: NUMA node that passed zc_pool_node_check()
 *
 * Returns: 0 or -EMSGSIZE. May sleep.
 */
int zc_show_node(struct sk_buff *msg, int node)
{
	const int pad = ZC_A_POOL_PAD;
	struct zc_node_query info;

	static_assert((int)ZC_SHORTAGE_USED == ZC_SHORT_USED);
	static_assert((int)ZC_SHORTAGE_LIMIT == ZC_SHORT_LIMIT);
	zc_reserve_query(node, &info);
	if (nla_put_u32(msg, ZC_A_POOL_NODE, node) ||
	    nla_put_u64_64bit(msg, ZC_A_POOL_RESERVE_BYTES, info.reserve_bytes, pad) ||
	    nla_put_u64_64bit(msg, ZC_A_POOL_READY_BYTES, info.ready_bytes, pad) ||
	    nla_put_u64_64bit(msg, ZC_A_POOL_OUT_BYTES, info.out_bytes, pad) ||
	    nla_put_u64_64bit(msg, ZC_A_POOL_FREE_BYTES, info.free_bytes, pad) ||
	    nla_put_u64_64bit(msg, ZC_A_POOL_FREE_HUGE_BYTES, info.free_huge_bytes, pad) ||
	    nla_put_u32(msg, ZC_A_POOL_SHORT, info.why))
		return -EMSGSIZE;
	return 0;
}

/**
 * zc_show_limit - put into a message that the module's limit is reached
 * @msg: message
 *
 * Returns: 0 or -EMSGSIZE. Any context.
 */
int zc_show_limit(struct sk_buff *msg)
{
	return nla_put_u32(msg, ZC_A_POOL_SHORT, ZC_SHORTAGE_LIMIT);
}
