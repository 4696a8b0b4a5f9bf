// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/zc.yaml */
/* YNL-GEN kernel source */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "netlink-gen.h"

#include <uapi/linux/zc_netlink.h>

/* ZC_CMD_MODULE_SET - do */
static const struct nla_policy zc_module_set_nl_policy[ZC_A_MODULE_URING_LIFE + 1] = {
	[ZC_A_MODULE_MAX_BYTES] = { .type = NLA_U64, },
	[ZC_A_MODULE_DEPTH] = NLA_POLICY_RANGE(NLA_U32, 1, 8),
	[ZC_A_MODULE_COPYBREAK] = { .type = NLA_U32, },
	[ZC_A_MODULE_HELD_AFTER] = { .type = NLA_U32, },
	[ZC_A_MODULE_IDLE_AFTER] = { .type = NLA_U32, },
	[ZC_A_MODULE_URING_LIFE] = { .type = NLA_U32, },
};

/* ZC_CMD_POOL_GET - do */
static const struct nla_policy zc_pool_get_do_nl_policy[ZC_A_POOL_NODE + 1] = {
	[ZC_A_POOL_NODE] = { .type = NLA_U32, },
};

/* ZC_CMD_POOL_GET - dump */
static const struct nla_policy zc_pool_get_dump_nl_policy[ZC_A_POOL_NODE + 1] = {
	[ZC_A_POOL_NODE] = { .type = NLA_U32, },
};

/* ZC_CMD_POOL_SET - do */
static const struct nla_policy zc_pool_set_nl_policy[ZC_A_POOL_RESERVE_BYTES + 1] = {
	[ZC_A_POOL_NODE] = { .type = NLA_U32, },
	[ZC_A_POOL_RESERVE_BYTES] = { .type = NLA_U64, },
};

/* ZC_CMD_BUFFER_GET - do */
static const struct nla_policy zc_buffer_get_do_nl_policy[ZC_A_BUFFER_STATE_NOT + 1] = {
	[ZC_A_BUFFER_ID] = NLA_POLICY_MIN(NLA_U32, 1),
	[ZC_A_BUFFER_STATE] = NLA_POLICY_MASK(NLA_U32, 0x7),
	[ZC_A_BUFFER_PID] = NLA_POLICY_MIN(NLA_U32, 1),
	[ZC_A_BUFFER_UID] = { .type = NLA_U32, },
	[ZC_A_BUFFER_TARGET] = { .type = NLA_U32, },
	[ZC_A_BUFFER_WITH_HOLDERS] = { .type = NLA_FLAG, },
	[ZC_A_BUFFER_STATE_NOT] = NLA_POLICY_MASK(NLA_U32, 0x7),
};

/* ZC_CMD_BUFFER_GET - dump */
static const struct nla_policy zc_buffer_get_dump_nl_policy[ZC_A_BUFFER_STATE_NOT + 1] = {
	[ZC_A_BUFFER_ID] = NLA_POLICY_MIN(NLA_U32, 1),
	[ZC_A_BUFFER_STATE] = NLA_POLICY_MASK(NLA_U32, 0x7),
	[ZC_A_BUFFER_PID] = NLA_POLICY_MIN(NLA_U32, 1),
	[ZC_A_BUFFER_UID] = { .type = NLA_U32, },
	[ZC_A_BUFFER_TARGET] = { .type = NLA_U32, },
	[ZC_A_BUFFER_WITH_HOLDERS] = { .type = NLA_FLAG, },
	[ZC_A_BUFFER_STATE_NOT] = NLA_POLICY_MASK(NLA_U32, 0x7),
};

/* ZC_CMD_TRANSFER_GET - do */
static const struct nla_policy zc_transfer_get_do_nl_policy[ZC_A_TRANSFER_SOCKET + 1] = {
	[ZC_A_TRANSFER_ID] = NLA_POLICY_MIN(NLA_U64, 1),
	[ZC_A_TRANSFER_SOURCE] = NLA_POLICY_MAX(NLA_U32, 1),
	[ZC_A_TRANSFER_WAITER] = NLA_POLICY_MAX(NLA_U32, 2),
	[ZC_A_TRANSFER_PID] = NLA_POLICY_MIN(NLA_U32, 1),
	[ZC_A_TRANSFER_UID] = { .type = NLA_U32, },
	[ZC_A_TRANSFER_BUFFER] = { .type = NLA_U32, },
	[ZC_A_TRANSFER_SOCKET] = { .type = NLA_U64, },
};

/* ZC_CMD_TRANSFER_GET - dump */
static const struct nla_policy zc_transfer_get_dump_nl_policy[ZC_A_TRANSFER_SOCKET + 1] = {
	[ZC_A_TRANSFER_ID] = NLA_POLICY_MIN(NLA_U64, 1),
	[ZC_A_TRANSFER_SOURCE] = NLA_POLICY_MAX(NLA_U32, 1),
	[ZC_A_TRANSFER_WAITER] = NLA_POLICY_MAX(NLA_U32, 2),
	[ZC_A_TRANSFER_PID] = NLA_POLICY_MIN(NLA_U32, 1),
	[ZC_A_TRANSFER_UID] = { .type = NLA_U32, },
	[ZC_A_TRANSFER_BUFFER] = { .type = NLA_U32, },
	[ZC_A_TRANSFER_SOCKET] = { .type = NLA_U64, },
};

/* ZC_CMD_TARGET_GET - do */
static const struct nla_policy zc_target_get_do_nl_policy[ZC_A_TARGET_BUFFER + 1] = {
	[ZC_A_TARGET_ID] = { .type = NLA_U32, },
	[ZC_A_TARGET_DRIVER] = { .type = NLA_NUL_STRING, .len = 63, },
	[ZC_A_TARGET_BUFFER] = NLA_POLICY_MIN(NLA_U32, 1),
};

/* ZC_CMD_TARGET_GET - dump */
static const struct nla_policy zc_target_get_dump_nl_policy[ZC_A_TARGET_BUFFER + 1] = {
	[ZC_A_TARGET_ID] = { .type = NLA_U32, },
	[ZC_A_TARGET_DRIVER] = { .type = NLA_NUL_STRING, .len = 63, },
	[ZC_A_TARGET_BUFFER] = NLA_POLICY_MIN(NLA_U32, 1),
};

/* Ops table for zc */
const struct genl_split_ops zc_nl_ops[12] = {
	{
		.cmd	= ZC_CMD_MODULE_GET,
		.doit	= zc_nl_module_get_doit,
		.flags	= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= ZC_CMD_MODULE_SET,
		.doit		= zc_nl_module_set_doit,
		.policy		= zc_module_set_nl_policy,
		.maxattr	= ZC_A_MODULE_URING_LIFE,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= ZC_CMD_POOL_GET,
		.doit		= zc_nl_pool_get_doit,
		.policy		= zc_pool_get_do_nl_policy,
		.maxattr	= ZC_A_POOL_NODE,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= ZC_CMD_POOL_GET,
		.dumpit		= zc_nl_pool_get_dumpit,
		.policy		= zc_pool_get_dump_nl_policy,
		.maxattr	= ZC_A_POOL_NODE,
		.flags		= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= ZC_CMD_POOL_SET,
		.doit		= zc_nl_pool_set_doit,
		.policy		= zc_pool_set_nl_policy,
		.maxattr	= ZC_A_POOL_RESERVE_BYTES,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= ZC_CMD_BUFFER_GET,
		.doit		= zc_nl_buffer_get_doit,
		.policy		= zc_buffer_get_do_nl_policy,
		.maxattr	= ZC_A_BUFFER_STATE_NOT,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= ZC_CMD_BUFFER_GET,
		.dumpit		= zc_nl_buffer_get_dumpit,
		.policy		= zc_buffer_get_dump_nl_policy,
		.maxattr	= ZC_A_BUFFER_STATE_NOT,
		.flags		= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= ZC_CMD_TRANSFER_GET,
		.doit		= zc_nl_transfer_get_doit,
		.policy		= zc_transfer_get_do_nl_policy,
		.maxattr	= ZC_A_TRANSFER_SOCKET,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= ZC_CMD_TRANSFER_GET,
		.start		= zc_nl_transfer_get_start,
		.dumpit		= zc_nl_transfer_get_dumpit,
		.done		= zc_nl_transfer_get_done,
		.policy		= zc_transfer_get_dump_nl_policy,
		.maxattr	= ZC_A_TRANSFER_SOCKET,
		.flags		= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= ZC_CMD_TARGET_GET,
		.doit		= zc_nl_target_get_doit,
		.policy		= zc_target_get_do_nl_policy,
		.maxattr	= ZC_A_TARGET_BUFFER,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= ZC_CMD_TARGET_GET,
		.dumpit		= zc_nl_target_get_dumpit,
		.policy		= zc_target_get_dump_nl_policy,
		.maxattr	= ZC_A_TARGET_BUFFER,
		.flags		= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd	= ZC_CMD_STATS_GET,
		.doit	= zc_nl_stats_get_doit,
		.flags	= GENL_CMD_CAP_DO,
	},
};

static const struct genl_multicast_group zc_nl_mcgrps[] = {
	[ZC_NLGRP_BUFFERS] = { "buffers", },
	[ZC_NLGRP_TRANSFERS] = { "transfers", },
	[ZC_NLGRP_ALERTS] = { "alerts", },
};
