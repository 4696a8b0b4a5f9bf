// SPDX-License-Identifier: GPL-2.0-only
/*
 * The netlink family: the module as a whole, what can be set, and what was counted. Its
 * policies and the table of its commands are generated, see netlink-gen.c.
 */
#include <linux/module.h>
#include <linux/zc.h>
#include <linux/zc_netlink.h>
#include <net/genetlink.h>

#include "async.h"
#include "compat.h"
#include "ioctl.h"
#include "netlink.h"
#include "netlink-gen.h"
#include "pool.h"
#include "roster.h"
#include "stats.h"
#include "zc.h"

/* Setting is for the administrator of the machine. */
static int zc_nl_admin(struct sk_buff *skb, struct genl_info *info)
{
	if (netlink_capable(skb, CAP_NET_ADMIN))
		return 0;
	NL_SET_ERR_MSG(info->extack, "to set this needs CAP_NET_ADMIN");
	return -EPERM;
}

static int zc_show_parameters(struct sk_buff *msg)
{
	if (nla_put_u64_64bit(msg, ZC_A_MODULE_MAX_BYTES, zc_pool_limit(), ZC_A_MODULE_PAD) ||
	    nla_put_u32(msg, ZC_A_MODULE_DEPTH, zc_transfer_depth()) ||
	    nla_put_u32(msg, ZC_A_MODULE_COPYBREAK, zc_sink_copybreak()) ||
	    nla_put_u32(msg, ZC_A_MODULE_HELD_AFTER, zc_guard_held_after()) ||
	    nla_put_u32(msg, ZC_A_MODULE_IDLE_AFTER, zc_guard_idle_after()) ||
	    nla_put_u32(msg, ZC_A_MODULE_URING_LIFE, zc_uring_life()))
		return -EMSGSIZE;
	return 0;
}

static int zc_show_module(struct sk_buff *msg)
{
	const int pad = ZC_A_MODULE_PAD;

	/* What the network has let go of is not held. */
	zc_spare_reap(UINT_MAX);
	zc_slab_reap();
	if (nla_put_u32(msg, ZC_A_MODULE_ABI, ZC_ABI_VERSION) ||
	    nla_put_string(msg, ZC_A_MODULE_VERSION, ZC_MODULE_VERSION) ||
	    nla_put_u64_64bit(msg, ZC_A_MODULE_FEATURES, ZC_FEATURES, pad) ||
	    nla_put_u64_64bit(msg, ZC_A_MODULE_USED_BYTES, zc_pool_used(), pad) ||
	    nla_put_u64_64bit(msg, ZC_A_MODULE_HELD_BYTES, zc_spare_held_bytes(), pad) ||
	    nla_put_u64_64bit(msg, ZC_A_MODULE_PARKED_BYTES, zc_park_bytes(), pad) ||
	    nla_put_u32(msg, ZC_A_MODULE_BUFFERS, zc_buffer_count()) ||
	    nla_put_u32(msg, ZC_A_MODULE_TRANSFERS, zc_roster_count()))
		return -EMSGSIZE;
	return zc_show_parameters(msg);
}

/**
 * zc_nl_module_get_doit - ZC_CMD_MODULE_GET
 * @skb:  request
 * @info: the same
 *
 * Returns: 0 or a negative errno. Sleeps.
 */
int zc_nl_module_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *msg;
	void *head;

	/* Who listens may ask this so that a kernel that does not say so notices. */
	zc_notify_look();
	msg = zc_reply_new(info, &head);
	return msg ? zc_reply_end(msg, head, info, zc_show_module(msg)) : -ENOMEM;
}

static int zc_uring_life_check(struct genl_info *info)
{
	const struct nlattr *attr = info->attrs[ZC_A_MODULE_URING_LIFE];
	u32 life = nla_get_u32(attr);

	if (life > ZC_URING_LIFE_MAX) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr, "more than a minute (60000)");
		return -ERANGE;
	}
	if (ZC_URING_LIFE_NEEDED && !life) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "before Linux 6.7 a command of io_uring has to end some time");
		return -EINVAL;
	}
	return 0;
}

/* Can all that is given be set? The policy has looked at the ranges. */
static int zc_module_set_check(struct genl_info *info)
{
	struct nlattr **attrs = info->attrs;
	int attr;

	for (attr = 1; attr <= ZC_A_MODULE_URING_LIFE && !attrs[attr]; attr++)
		;
	if (attr > ZC_A_MODULE_URING_LIFE) {
		NL_SET_ERR_MSG(info->extack, "nothing is given to be set");
		return -EINVAL;
	}
	if (attrs[ZC_A_MODULE_MAX_BYTES] &&
	    nla_get_u64(attrs[ZC_A_MODULE_MAX_BYTES]) > ULONG_MAX) {
		NL_SET_ERR_MSG_ATTR(info->extack, attrs[ZC_A_MODULE_MAX_BYTES],
				    "more memory than this machine can have");
		return -ERANGE;
	}
	return attrs[ZC_A_MODULE_URING_LIFE] ? zc_uring_life_check(info) : 0;
}

/**
 * zc_nl_module_set_doit - ZC_CMD_MODULE_SET
 * @skb:  request
 * @info: the same
 *
 * Returns: 0 or a negative errno. Sleeps.
 */
int zc_nl_module_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr **attrs = info->attrs;
	int ret = zc_nl_admin(skb, info);

	ret = ret ?: zc_module_set_check(info);
	if (ret)
		return ret;
	/* As who reads and writes them by sysfs. */
	kernel_param_lock(THIS_MODULE);
	if (attrs[ZC_A_MODULE_MAX_BYTES])
		zc_pool_limit_set(nla_get_u64(attrs[ZC_A_MODULE_MAX_BYTES]));
	if (attrs[ZC_A_MODULE_DEPTH])
		zc_transfer_depth_set(nla_get_u32(attrs[ZC_A_MODULE_DEPTH]));
	if (attrs[ZC_A_MODULE_COPYBREAK])
		zc_sink_copybreak_set(nla_get_u32(attrs[ZC_A_MODULE_COPYBREAK]));
	if (attrs[ZC_A_MODULE_HELD_AFTER])
		zc_guard_held_after_set(nla_get_u32(attrs[ZC_A_MODULE_HELD_AFTER]));
	if (attrs[ZC_A_MODULE_IDLE_AFTER])
		zc_guard_idle_after_set(nla_get_u32(attrs[ZC_A_MODULE_IDLE_AFTER]));
	if (attrs[ZC_A_MODULE_URING_LIFE])
		zc_uring_life_set(nla_get_u32(attrs[ZC_A_MODULE_URING_LIFE]));
	kernel_param_unlock(THIS_MODULE);
	return 0;
}

/* The node of a request, or a negative errno. */
static int zc_nl_node(struct genl_info *info)
{
	const struct nlattr *attr = info->attrs[ZC_A_POOL_NODE];
	u32 node;

	if (!attr) {
		NL_SET_ERR_MSG(info->extack, "no node is given");
		return -EINVAL;
	}
	node = nla_get_u32(attr);
	if (node > INT_MAX || zc_pool_node_check(node)) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "there is no such NUMA node, or it has no memory");
		return -EINVAL;
	}
	return node;
}

/**
 * zc_nl_pool_get_doit - ZC_CMD_POOL_GET, of one node
 * @skb:  request
 * @info: the same
 *
 * Returns: 0 or a negative errno. Sleeps.
 */
int zc_nl_pool_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	int node = zc_nl_node(info);
	struct sk_buff *msg;
	void *head;

	if (node < 0)
		return node;
	msg = zc_reply_new(info, &head);
	return msg ? zc_reply_end(msg, head, info, zc_show_node(msg, node)) : -ENOMEM;
}

/**
 * zc_nl_pool_get_dumpit - ZC_CMD_POOL_GET, of all nodes or one
 * @skb: answer, to be filled
 * @cb:  request; args[0] is where to go on
 *
 * Returns: bytes in @skb, 0 at the end, or a negative errno. Sleeps.
 */
int zc_nl_pool_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct nlattr *only = zc_dump_attrs(cb)[ZC_A_POOL_NODE];
	int node, ret = 0;
	void *head;

	for_each_node_state(node, N_MEMORY) {
		if (node < cb->args[0] || (only && nla_get_u32(only) != node))
			continue;
		head = zc_part_new(skb, cb, ZC_CMD_POOL_GET);
		ret = head ? zc_part_end(skb, head, zc_show_node(skb, node)) : -EMSGSIZE;
		if (ret)
			break;
	}
	cb->args[0] = node;
	return skb->len ?: ret;
}

/**
 * zc_nl_pool_set_doit - ZC_CMD_POOL_SET
 * @skb:  request
 * @info: the same
 *
 * Returns: 0 or a negative errno. Sleeps; not until the reserve is there.
 */
int zc_nl_pool_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *attr = info->attrs[ZC_A_POOL_RESERVE_BYTES];
	int ret = zc_nl_admin(skb, info);
	int node = ret ?: zc_nl_node(info);
	u64 bytes;

	if (node < 0)
		return node;
	if (!attr) {
		NL_SET_ERR_MSG(info->extack, "no reserve-bytes are given");
		return -EINVAL;
	}
	bytes = nla_get_u64(attr);
	if (bytes % ZC_HUGE_SIZE) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "a reserve is of hugepages: a multiple of 2 MiB");
		return -EINVAL;
	}
	ret = zc_reserve_set(node, bytes / ZC_HUGE_SIZE);
	if (ret)
		NL_SET_ERR_MSG_ATTR(info->extack, attr, "more than any node can have");
	return ret;
}

static const struct {
	int attr;
	enum zc_stat stat;
} zc_shown_stats[] = {
	{ ZC_A_STATS_BUFFERS_MADE, ZC_STAT_MADE },
	{ ZC_A_STATS_BUFFERS_AGAIN, ZC_STAT_AGAIN },
	{ ZC_A_STATS_BUFFERS_FREED, ZC_STAT_FREED },
	{ ZC_A_STATS_BUFFERS_RESERVED, ZC_STAT_RESERVE },
	{ ZC_A_STATS_REFUSED_LIMIT, ZC_STAT_NO_LIMIT },
	{ ZC_A_STATS_REFUSED_MEMLOCK, ZC_STAT_NO_MEMLOCK },
	{ ZC_A_STATS_REFUSED_CGROUP, ZC_STAT_NO_CGROUP },
	{ ZC_A_STATS_REFUSED_MEMORY, ZC_STAT_NO_MEMORY },
	{ ZC_A_STATS_REFUSED_HANDLE, ZC_STAT_NO_HANDLE },
	{ ZC_A_STATS_LEAKS_HELD, ZC_STAT_HELD },
	{ ZC_A_STATS_LEAKS_IDLE, ZC_STAT_IDLE },
	{ ZC_A_STATS_TRANSFERS_BEGUN, ZC_STAT_BEGUN },
	{ ZC_A_STATS_TRANSFERS_DONE, ZC_STAT_DONE },
	{ ZC_A_STATS_TRANSFERS_FAILED, ZC_STAT_FAILED },
	{ ZC_A_STATS_TRANSFERS_CANCELED, ZC_STAT_CANCELED },
	{ ZC_A_STATS_SENT_BYTES, ZC_STAT_SENT },
	{ ZC_A_STATS_COPIED_BYTES, ZC_STAT_COPIED },
	{ ZC_A_STATS_CACHED_BYTES, ZC_STAT_CACHED },
	{ ZC_A_STATS_FALLBACK_NO_DIRECT, ZC_STAT_FALLBACK },
	{ ZC_A_STATS_FALLBACK_NO_SG, ZC_STAT_FALLBACK + 1 },
	{ ZC_A_STATS_FALLBACK_SOCKET, ZC_STAT_FALLBACK + 2 },
	{ ZC_A_STATS_FALLBACK_LOOPBACK, ZC_STAT_FALLBACK + 3 },
	{ ZC_A_STATS_FALLBACK_SMALL, ZC_STAT_FALLBACK + 4 },
	{ ZC_A_STATS_DMA_MAPPED, ZC_STAT_MAPPED },
	{ ZC_A_STATS_DMA_REVOKED, ZC_STAT_REVOKED },
	{ ZC_A_STATS_EVENTS_LOST, ZC_STAT_LOST },
};

static int zc_show_stats(struct sk_buff *msg)
{
	size_t i;

	/* All of them, and in the order of the bits. */
	static_assert(ARRAY_SIZE(zc_shown_stats) == ZC_STATS);
	static_assert(BIT(ZC_STAT_FALLBACK_LAST - ZC_STAT_FALLBACK) == ZC_COPY_SMALL);
	for (i = 0; i < ARRAY_SIZE(zc_shown_stats); i++)
		if (nla_put_u64_64bit(msg, zc_shown_stats[i].attr,
				      zc_stat_read(zc_shown_stats[i].stat), ZC_A_STATS_PAD))
			return -EMSGSIZE;
	return 0;
}

/**
 * zc_nl_stats_get_doit - ZC_CMD_STATS_GET
 * @skb:  request
 * @info: the same
 *
 * Returns: 0 or a negative errno. Sleeps.
 */
int zc_nl_stats_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *msg;
	void *head;

	msg = zc_reply_new(info, &head);
	return msg ? zc_reply_end(msg, head, info, zc_show_stats(msg)) : -ENOMEM;
}

/* The generated table says nothing of who may listen. */
static const struct genl_multicast_group zc_groups[] = {
	[ZC_NLGRP_BUFFERS] = { .name = "buffers", .flags = GENL_MCAST_CAP_NET_ADMIN },
	[ZC_NLGRP_TRANSFERS] = { .name = "transfers", .flags = GENL_MCAST_CAP_NET_ADMIN },
	[ZC_NLGRP_ALERTS] = { .name = "alerts", .flags = GENL_MCAST_CAP_NET_ADMIN },
};

/*
 * Of the initial network namespace: who is administrator of another one is none of the
 * machine, and to whom user 0 is another there, he is not here.
 */
struct genl_family zc_nl_family __ro_after_init = {
	.name = ZC_FAMILY_NAME,
	.version = ZC_FAMILY_VERSION,
	.parallel_ops = true,
	.module = THIS_MODULE,
	.mcgrps = zc_groups,
	.n_mcgrps = ARRAY_SIZE(zc_groups),
};

/**
 * zc_netlink_init - register the family
 *
 * Returns: 0 or a negative errno.
 */
int zc_netlink_init(void)
{
	int ret;

	static_assert(ARRAY_SIZE(zc_nl_ops) <= ZC_GENL_OPS_MAX);
	zc_genl_set_bind(&zc_nl_family, zc_notify_bound);
	zc_genl_set_ops(&zc_nl_family, zc_nl_ops, ARRAY_SIZE(zc_nl_ops));
	ret = genl_register_family(&zc_nl_family);
	if (!ret)
		zc_notify_start();
	return ret;
}

/**
 * zc_netlink_exit - undo zc_netlink_init()
 *
 * Nothing happens any more that could be told.
 */
void zc_netlink_exit(void)
{
	zc_notify_stop();
	genl_unregister_family(&zc_nl_family);
}
