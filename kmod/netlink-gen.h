/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/zc.yaml */
/* YNL-GEN kernel header */

#ifndef _LINUX_ZC_GEN_H
#define _LINUX_ZC_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/zc_netlink.h>

/* Ops table for zc */
extern const struct genl_split_ops zc_nl_ops[12];

int zc_nl_transfer_get_start(struct netlink_callback *cb);
int zc_nl_transfer_get_done(struct netlink_callback *cb);

int zc_nl_module_get_doit(struct sk_buff *skb, struct genl_info *info);
int zc_nl_module_set_doit(struct sk_buff *skb, struct genl_info *info);
int zc_nl_pool_get_doit(struct sk_buff *skb, struct genl_info *info);
int zc_nl_pool_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int zc_nl_pool_set_doit(struct sk_buff *skb, struct genl_info *info);
int zc_nl_buffer_get_doit(struct sk_buff *skb, struct genl_info *info);
int zc_nl_buffer_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int zc_nl_transfer_get_doit(struct sk_buff *skb, struct genl_info *info);
int zc_nl_transfer_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int zc_nl_target_get_doit(struct sk_buff *skb, struct genl_info *info);
int zc_nl_target_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int zc_nl_stats_get_doit(struct sk_buff *skb, struct genl_info *info);

enum {
	ZC_NLGRP_BUFFERS,
	ZC_NLGRP_TRANSFERS,
	ZC_NLGRP_ALERTS,
};

#endif /* _LINUX_ZC_GEN_H */
