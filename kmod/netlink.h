/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The netlink family, generated from Documentation/netlink/specs/zc.yaml.
 */
#ifndef _ZC_NETLINK_H
#define _ZC_NETLINK_H

#include <linux/compiler.h>
#include <linux/types.h>
#include <linux/uidgid.h>

struct genl_family;
struct genl_info;
struct netlink_callback;
struct pid_namespace;
struct sk_buff;
struct user_namespace;
struct zc_buf_info;
struct zc_buffer;
struct zc_dma_query;
struct zc_transfer_info;

/* netlink.c: the family, and what is set */

extern struct genl_family zc_nl_family;

int zc_netlink_init(void);
void zc_netlink_exit(void);

/* netlink_get.c: what is asked for */

struct sk_buff *zc_reply_new(struct genl_info *info, void **head);
int zc_reply_end(struct sk_buff *msg, void *head, struct genl_info *info, int err);
void *zc_part_new(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd);
int zc_part_end(struct sk_buff *skb, void *head, int err);

/* netlink_show.c: what is said of things */

/**
 * struct zc_viewer - as whom somebody looks
 * @pid_ns:  as which processes are numbered
 * @user_ns: as which users are numbered
 * @admin:   may see what is of others
 */
struct zc_viewer {
	struct pid_namespace *pid_ns;
	struct user_namespace *user_ns;
	bool admin;
};

u32 zc_buffer_state(const struct zc_buf_info *info);
pid_t zc_transfer_pid(const struct zc_transfer_info *info, const struct zc_viewer *viewer);
u32 zc_transfer_source(const struct zc_transfer_info *info);
int zc_show_buffer(struct sk_buff *msg, const struct zc_buf_info *info);
int zc_show_transfer(struct sk_buff *msg, const struct zc_viewer *viewer,
		     const struct zc_transfer_info *info);
int zc_show_target(struct sk_buff *msg, const struct zc_viewer *viewer,
		   const struct zc_dma_query *info);
int zc_show_node(struct sk_buff *msg, int node);
int zc_show_limit(struct sk_buff *msg);

/* notify.c: what is told */

extern bool zc_notify_on;

/**
 * zc_notify_wanted - may somebody listen?
 *
 * A static key would save two instructions, and have all processors stop for each listener
 * who comes or goes.
 *
 * Returns: false if nobody does; costs next to nothing then. Any context.
 */
static inline bool zc_notify_wanted(void)
{
	return unlikely(READ_ONCE(zc_notify_on));
}

extern const struct zc_viewer zc_listener;

void zc_notify_look(void);
void zc_notify_buffer(u8 cmd, const struct zc_buf_info *info);
void zc_notify_transfer(const struct zc_transfer_info *info);
void zc_notify_target_gone(const struct zc_dma_query *info);
void zc_notify_node_low(int node);
void zc_notify_limit(void);
void zc_notify_start(void);
void zc_notify_stop(void);
int zc_notify_bound(int group);

#endif /* _ZC_NETLINK_H */
