// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the netlink family tells of, to those who listen; nobody does most of the time, and
 * then it costs a look at a flag.
 */
#include <linux/jiffies.h>
#include <linux/mutex.h>
#include <linux/pid_namespace.h>
#include <linux/ratelimit.h>
#include <linux/workqueue.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>
#include <linux/zc.h>
#include <linux/zc_netlink.h>

#include "compat.h"
#include "netlink.h"
#include "netlink-gen.h"
#include "roster.h"
#include "stats.h"

/* See zc_notify_wanted(). Changed under zc_notify_mutex. */
bool zc_notify_on __read_mostly;

/* The family is there. Changed under zc_notify_mutex, too. */
static bool zc_notify_ready;
static DEFINE_MUTEX(zc_notify_mutex);

/* When somebody last began to listen, or was about to; jiffies. */
static unsigned long zc_notify_since;

static void zc_notify_age(struct work_struct *work);
/* Nobody is woken for it. */
static DECLARE_DEFERRABLE_WORK(zc_notify_work, zc_notify_age);

static bool zc_notify_heard(unsigned int group)
{
	return genl_has_listeners(&zc_nl_family, &init_net, group);
}

static bool zc_notify_heard_any(void)
{
	return zc_notify_heard(ZC_NLGRP_BUFFERS) || zc_notify_heard(ZC_NLGRP_TRANSFERS) ||
	       zc_notify_heard(ZC_NLGRP_ALERTS);
}

static void zc_notify_begin(void)
{
	mutex_lock(&zc_notify_mutex);
	zc_notify_since = jiffies;
	if (zc_notify_ready) {
		WRITE_ONCE(zc_notify_on, true);
		schedule_delayed_work(&zc_notify_work, HZ);
	}
	mutex_unlock(&zc_notify_mutex);
}

/**
 * zc_notify_bound - somebody is about to listen
 * @group: to this group of the family
 *
 * Returns: 0. Sleeps.
 */
int zc_notify_bound(int group)
{
	/* Who may bind in another network namespace hears nothing. */
	if (capable(CAP_NET_ADMIN))
		zc_notify_begin();
	return 0;
}

/**
 * zc_notify_look - see whether somebody listens
 *
 * For kernels that do not say when somebody begins to, at once. Sleeps.
 */
void zc_notify_look(void)
{
	if (!zc_notify_wanted() && READ_ONCE(zc_notify_ready) && zc_notify_heard_any())
		zc_notify_begin();
}

/* For who is about to listen, and gets no processor. */
#define ZC_NOTIFY_GRACE	(10 * HZ)

static void zc_notify_judge_locked(bool heard)
{
	lockdep_assert_held(&zc_notify_mutex);
	if (heard)
		WRITE_ONCE(zc_notify_on, true);
	else if (time_after(jiffies, zc_notify_since + ZC_NOTIFY_GRACE))
		WRITE_ONCE(zc_notify_on, false);
	if (!ZC_GENL_BINDS || zc_notify_wanted())
		schedule_delayed_work(&zc_notify_work, HZ);
}

static void zc_notify_age(struct work_struct *work)
{
	bool heard = zc_notify_heard_any();

	mutex_lock(&zc_notify_mutex);
	if (zc_notify_ready)
		zc_notify_judge_locked(heard);
	mutex_unlock(&zc_notify_mutex);
}

/* What listeners see is as in the initial namespaces, which they are in. */
const struct zc_viewer zc_listener = {
	.pid_ns = &init_pid_ns,
	.user_ns = &init_user_ns,
	.admin = true,
};

static struct sk_buff *zc_notify_new(u8 cmd, void **head)
{
	struct sk_buff *msg = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);

	if (!msg) {
		zc_stat_inc(ZC_STAT_LOST);
		return NULL;
	}
	*head = genlmsg_put(msg, 0, 0, &zc_nl_family, 0, cmd);
	return msg;
}

static void zc_notify_send(struct sk_buff *msg, void *head, unsigned int group, int err)
{
	if (err) {
		nlmsg_free(msg);
		zc_stat_inc(ZC_STAT_LOST);
		return;
	}
	genlmsg_end(msg, head);
	/*
	 * Who has no room is told by the kernel that he has lost something. Nobody waits for
	 * him: with GFP_KERNEL those who tell would yield.
	 */
	err = genlmsg_multicast(&zc_nl_family, msg, 0, group, GFP_NOWAIT | __GFP_NOWARN);
	if (err && err != -ESRCH)
		zc_stat_inc(ZC_STAT_LOST);
}

static bool zc_notify_hears(unsigned int group)
{
	return zc_notify_wanted() && zc_notify_heard(group);
}

/**
 * zc_notify_buffer - tell of a buffer
 * @cmd:  ZC_CMD_BUFFER_MADE_NTF and the like
 * @info: what it is, or was. May sleep
 */
void zc_notify_buffer(u8 cmd, const struct zc_buf_info *info)
{
	unsigned int group = cmd == ZC_CMD_BUFFER_LEAK_NTF ? ZC_NLGRP_ALERTS :
							     ZC_NLGRP_BUFFERS;
	struct sk_buff *msg;
	void *head;

	if (!zc_notify_hears(group))
		return;
	msg = zc_notify_new(cmd, &head);
	if (msg)
		zc_notify_send(msg, head, group, zc_show_buffer(msg, info));
}

static void zc_notify_transfer_as(u8 cmd, const struct zc_transfer_info *info)
{
	struct sk_buff *msg;
	void *head;

	msg = zc_notify_new(cmd, &head);
	if (msg)
		zc_notify_send(msg, head, ZC_NLGRP_TRANSFERS,
			       zc_show_transfer(msg, &zc_listener, info));
}

/**
 * zc_notify_transfer - tell of the end of a transfer
 * @info: what it was. May sleep
 */
void zc_notify_transfer(const struct zc_transfer_info *info)
{
	bool failed = info->err && info->err != -EAGAIN;

	if (!zc_notify_hears(ZC_NLGRP_TRANSFERS))
		return;
	if (info->copied && (info->reasons & ~ZC_COPY_SMALL))
		zc_notify_transfer_as(ZC_CMD_TRANSFER_FALLBACK_NTF, info);
	zc_notify_transfer_as(failed ? ZC_CMD_TRANSFER_FAILED_NTF :
				       ZC_CMD_TRANSFER_DONE_NTF, info);
}

/**
 * zc_notify_target_gone - tell that a device is no target any more
 * @info: what it was. May sleep
 */
void zc_notify_target_gone(const struct zc_dma_query *info)
{
	struct sk_buff *msg;
	void *head;

	if (!zc_notify_hears(ZC_NLGRP_ALERTS))
		return;
	msg = zc_notify_new(ZC_CMD_TARGET_GONE_NTF, &head);
	if (msg)
		zc_notify_send(msg, head, ZC_NLGRP_ALERTS,
			       zc_show_target(msg, &zc_listener, info));
}

static void zc_notify_low(int node)
{
	struct sk_buff *msg;
	void *head;

	if (!zc_notify_hears(ZC_NLGRP_ALERTS))
		return;
	msg = zc_notify_new(ZC_CMD_POOL_LOW_NTF, &head);
	if (msg)
		zc_notify_send(msg, head, ZC_NLGRP_ALERTS, node == NUMA_NO_NODE ?
			       zc_show_limit(msg) : zc_show_node(msg, node));
}

/**
 * zc_notify_node_low - tell that a node's reserve is low
 * @node: NUMA node. May sleep
 */
void zc_notify_node_low(int node)
{
	zc_notify_low(node);
}

/**
 * zc_notify_limit - tell that a buffer was refused by the module's limit
 *
 * Not more than once a second. May sleep.
 */
void zc_notify_limit(void)
{
	static struct ratelimit_state limit =
		RATELIMIT_STATE_INIT_FLAGS(limit, HZ, 1, RATELIMIT_MSG_ON_RELEASE);

	if (zc_notify_wanted() && __ratelimit(&limit))
		zc_notify_low(NUMA_NO_NODE);
}

/**
 * zc_notify_start - begin to tell; the family is there
 */
void zc_notify_start(void)
{
	mutex_lock(&zc_notify_mutex);
	zc_notify_ready = true;
	/* Kernels that do not say when somebody listens are looked at. */
	if (!ZC_GENL_BINDS)
		schedule_delayed_work(&zc_notify_work, HZ);
	mutex_unlock(&zc_notify_mutex);
}

/**
 * zc_notify_stop - undo zc_notify_start(). Nobody has anything to tell any more
 */
void zc_notify_stop(void)
{
	mutex_lock(&zc_notify_mutex);
	zc_notify_ready = false;
	WRITE_ONCE(zc_notify_on, false);
	mutex_unlock(&zc_notify_mutex);
	cancel_delayed_work_sync(&zc_notify_work);
}
