// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the netlink family is asked for: buffers, transfers and targets, one or those that
 * match.
 */
#include <linux/cred.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/zc.h>
#include <linux/zc_netlink.h>
#include <net/genetlink.h>

#include "compat.h"
#include "dma.h"
#include "netlink.h"
#include "netlink-gen.h"
#include "roster.h"
#include "zc.h"

/* A message of a dump is full: go on with the next one, if this has anything. */
#define ZC_SHOW_FULL	(-EMSGSIZE)

/* Narrow what may be seen down to what is @by's. Returns whether that leaves anything. */
static bool zc_uid_narrow(kuid_t *uid, kuid_t by)
{
	if (!uid_valid(*uid))
		*uid = by;
	return uid_eq(*uid, by);
}

/*
 * As whom does the caller look, and at whose buffers and transfers? @uid is set, to
 * INVALID_UID for all. Who asks need not be who reads the answer, nor who opened the
 * socket: a program of root's may have been handed it, and made to write to it what its
 * caller likes. So all three count; but for the last one where the kernel is addressed, as
 * with netlink_capable(): that was no accident.
 */
static int zc_viewer_of(const struct sk_buff *skb, struct netlink_ext_ack *extack,
			struct zc_viewer *viewer, kuid_t *uid)
{
	const struct file *file = NETLINK_CB(skb).sk->sk_socket->file;
	kuid_t asked = NETLINK_CREDS(skb)->uid;
	bool ok = true;

	*uid = uid_eq(asked, current_uid()) ? INVALID_UID : asked;
	if (!ns_capable_noaudit(&init_user_ns, CAP_NET_ADMIN))
		ok &= zc_uid_narrow(uid, current_uid());
	if (!(NETLINK_CB(skb).flags & NETLINK_SKB_DST) &&
	    !file_ns_capable(file, &init_user_ns, CAP_NET_ADMIN))
		ok &= zc_uid_narrow(uid, file->f_cred->uid);
	*viewer = (struct zc_viewer) {
		.pid_ns = task_active_pid_ns(current),
		.user_ns = current_user_ns(),
		.admin = !uid_valid(*uid),
	};
	if (ok)
		return 0;
	NL_SET_ERR_MSG(extack, "who opened the socket, asks and reads are several users");
	return -EPERM;
}

/**
 * zc_reply_new - begin the answer to a request for one thing
 * @info: request
 * @head: set to the head of the message
 *
 * Returns: the message, to be given to zc_reply_end(), or NULL. Sleeps.
 */
struct sk_buff *zc_reply_new(struct genl_info *info, void **head)
{
	struct sk_buff *msg = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);

	if (msg)
		*head = genlmsg_put_reply(msg, info, &zc_nl_family, 0, info->genlhdr->cmd);
	return msg;
}

/**
 * zc_reply_end - send it
 * @msg:  from zc_reply_new()
 * @head: the same
 * @info: request
 * @err:  negative errno, and it is not sent; or 0
 *
 * Returns: 0 or a negative errno. Sleeps.
 */
int zc_reply_end(struct sk_buff *msg, void *head, struct genl_info *info, int err)
{
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	genlmsg_end(msg, head);
	return genlmsg_reply(msg, info);
}

/* Let @version tell whether things have changed meanwhile: 0 is for those that do not care. */
static void zc_dump_begin(struct netlink_callback *cb, unsigned int version)
{
	cb->seq = version ?: 1;
}

/**
 * zc_part_new - begin a message of a dump
 * @skb: answer
 * @cb:  request
 * @cmd: ZC_CMD_*
 *
 * Returns: its head, for zc_part_end(); or NULL, where @skb is full. Any context.
 */
void *zc_part_new(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd)
{
	void *head = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				 &zc_nl_family, NLM_F_MULTI, cmd);

	if (head)
		genl_dump_check_consistent(cb, head);
	return head;
}

/**
 * zc_part_end - end it
 * @skb:  answer
 * @head: from zc_part_new()
 * @err:  0, or a negative errno: it is taken back
 *
 * Returns: @err. Any context.
 */
int zc_part_end(struct sk_buff *skb, void *head, int err)
{
	if (err)
		genlmsg_cancel(skb, head);
	else
		genlmsg_end(skb, head);
	return err;
}

/* What is asked for, by the numbers of attributes; NULL: whatever. */
static bool zc_wants_u32(struct nlattr **attrs, int attr, u32 value)
{
	return !attrs[attr] || nla_get_u32(attrs[attr]) == value;
}

static bool zc_buffer_wanted(struct nlattr **attrs, struct zc_buffer *buf,
			     const struct zc_buf_info *info)
{
	u32 states = attrs[ZC_A_BUFFER_STATE] ? nla_get_u32(attrs[ZC_A_BUFFER_STATE]) : 0;
	u32 not = attrs[ZC_A_BUFFER_STATE_NOT] ? nla_get_u32(attrs[ZC_A_BUFFER_STATE_NOT]) : 0;

	return zc_wants_u32(attrs, ZC_A_BUFFER_ID, info->id) &&
	       zc_wants_u32(attrs, ZC_A_BUFFER_PID, info->pid) &&
	       zc_wants_u32(attrs, ZC_A_BUFFER_UID, info->uid) &&
	       !(states & ~zc_buffer_state(info)) && !(not & zc_buffer_state(info)) &&
	       (!attrs[ZC_A_BUFFER_TARGET] ||
		zc_dma_has(buf, nla_get_u32(attrs[ZC_A_BUFFER_TARGET])));
}

/* Is an attribute there that a request for one thing cannot use? */
static int zc_only_id(struct genl_info *info, int id, int max)
{
	int attr;

	for (attr = 1; attr <= max; attr++) {
		if (attr != id && info->attrs[attr]) {
			NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[attr],
					    "filters are for dumps: to ask for one, give its id alone");
			return -EINVAL;
		}
	}
	if (info->attrs[id])
		return 0;
	NL_SET_ERR_MSG(info->extack, "no id is given, and it is no request for a dump");
	return -EINVAL;
}

/**
 * zc_nl_buffer_get_doit - ZC_CMD_BUFFER_GET, of one
 * @skb:  request
 * @info: the same
 *
 * Returns: 0 or a negative errno. Sleeps.
 */
int zc_nl_buffer_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct zc_buf_info what = { .flags = ZC_INFO_HOLDERS };
	struct zc_viewer viewer;
	struct zc_buffer *buf;
	struct sk_buff *msg;
	void *head;
	kuid_t uid;
	int ret;

	ret = zc_viewer_of(skb, info->extack, &viewer, &uid) ?:
	      zc_only_id(info, ZC_A_BUFFER_ID, ZC_A_BUFFER_STATE_NOT);
	if (ret)
		return ret;
	buf = zc_registry_get(nla_get_u32(info->attrs[ZC_A_BUFFER_ID]), uid);
	if (!buf) {
		NL_SET_ERR_MSG(info->extack,
			       "no buffer that you may see has this id; all need CAP_NET_ADMIN");
		return -ENOENT;
	}
	zc_registry_describe(buf, &viewer, &what);
	zc_buffer_put(buf);
	msg = zc_reply_new(info, &head);
	return msg ? zc_reply_end(msg, head, info, zc_show_buffer(msg, &what)) : -ENOMEM;
}

static int zc_dump_buffer(struct sk_buff *skb, struct netlink_callback *cb,
			  const struct zc_viewer *viewer, struct zc_buffer *buf)
{
	struct nlattr **attrs = zc_dump_attrs(cb);
	struct zc_buf_info info = {
		.flags = attrs[ZC_A_BUFFER_WITH_HOLDERS] ? ZC_INFO_HOLDERS : 0,
	};
	void *head;

	zc_registry_describe(buf, viewer, &info);
	if (!zc_buffer_wanted(attrs, buf, &info))
		return 0;
	head = zc_part_new(skb, cb, ZC_CMD_BUFFER_GET);
	if (!head)
		return ZC_SHOW_FULL;
	return zc_part_end(skb, head, zc_show_buffer(skb, &info));
}

/**
 * zc_nl_buffer_get_dumpit - ZC_CMD_BUFFER_GET, of those that match
 * @skb: answer, to be filled
 * @cb:  request; args[0] is where to go on
 *
 * Returns: bytes in @skb, 0 at the end, or a negative errno. Sleeps.
 */
int zc_nl_buffer_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	unsigned long id = cb->args[0];
	struct zc_viewer viewer;
	struct zc_buffer *buf;
	kuid_t uid;
	int ret;

	ret = zc_viewer_of(cb->skb, cb->extack, &viewer, &uid);
	if (ret)
		return ret;
	zc_dump_begin(cb, zc_registry_version());
	for (; id <= U32_MAX && (buf = zc_registry_next(&id, uid)); id++) {
		ret = zc_dump_buffer(skb, cb, &viewer, buf);
		zc_buffer_put(buf);
		/* The last number of all, where a long has no more. */
		if (ret || id == ULONG_MAX)
			break;
		cond_resched();
	}
	/* Those that have come behind the end meanwhile are not waited for: it would never end. */
	cb->args[0] = ret ? id : ULONG_MAX;
	return skb->len ?: ret;
}

static bool zc_transfer_wanted(struct nlattr **attrs, const struct zc_viewer *viewer,
			       const struct zc_transfer_info *info)
{
	pid_t pid = zc_transfer_pid(info, viewer);

	if (attrs[ZC_A_TRANSFER_ID] && nla_get_u64(attrs[ZC_A_TRANSFER_ID]) != info->id)
		return false;
	if (attrs[ZC_A_TRANSFER_SOCKET] &&
	    nla_get_u64(attrs[ZC_A_TRANSFER_SOCKET]) != info->socket)
		return false;
	return zc_wants_u32(attrs, ZC_A_TRANSFER_SOURCE, zc_transfer_source(info)) &&
	       zc_wants_u32(attrs, ZC_A_TRANSFER_WAITER, info->waiter) &&
	       zc_wants_u32(attrs, ZC_A_TRANSFER_PID, pid) &&
	       zc_wants_u32(attrs, ZC_A_TRANSFER_UID,
			    from_kuid_munged(viewer->user_ns, info->uid)) &&
	       zc_wants_u32(attrs, ZC_A_TRANSFER_BUFFER, info->buffer);
}

/**
 * zc_nl_transfer_get_doit - ZC_CMD_TRANSFER_GET, of one
 * @skb:  request
 * @info: the same
 *
 * Returns: 0 or a negative errno. Sleeps.
 */
int zc_nl_transfer_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct zc_transfer_info what;
	struct zc_viewer viewer;
	struct sk_buff *msg;
	void *head;
	kuid_t uid;
	int ret;

	ret = zc_viewer_of(skb, info->extack, &viewer, &uid) ?:
	      zc_only_id(info, ZC_A_TRANSFER_ID, ZC_A_TRANSFER_SOCKET);
	if (ret)
		return ret;
	if (!zc_roster_find(nla_get_u64(info->attrs[ZC_A_TRANSFER_ID]), uid, &what)) {
		NL_SET_ERR_MSG(info->extack,
			       "no transfer that you may see has this id; all need CAP_NET_ADMIN");
		return -ENOENT;
	}
	msg = zc_reply_new(info, &head);
	ret = msg ? zc_reply_end(msg, head, info, zc_show_transfer(msg, &viewer, &what)) :
		    -ENOMEM;
	zc_transfer_info_put(&what);
	return ret;
}

/**
 * struct zc_transfer_dump - a dump of transfers
 * @pos:  what is next
 * @info: what found no room in the last message, where @full
 * @full: see @info
 */
struct zc_transfer_dump {
	struct zc_roster_pos pos;
	struct zc_transfer_info info;
	bool full;
};

static struct zc_transfer_dump *zc_transfer_dump(const struct netlink_callback *cb)
{
	return (struct zc_transfer_dump *)cb->args[0];
}

/**
 * zc_nl_transfer_get_start - get ready for a dump of transfers
 * @cb: request
 *
 * Returns: 0, to be followed by zc_nl_transfer_get_done(), or -ENOMEM. Sleeps.
 */
int zc_nl_transfer_get_start(struct netlink_callback *cb)
{
	struct zc_transfer_dump *dump = kzalloc(sizeof(*dump), GFP_KERNEL_ACCOUNT);

	if (!dump)
		return -ENOMEM;
	zc_roster_open(&dump->pos);
	cb->args[0] = (long)dump;
	return 0;
}

/**
 * zc_nl_transfer_get_done - end a dump of transfers
 * @cb: request
 *
 * Returns: 0. Sleeps.
 */
int zc_nl_transfer_get_done(struct netlink_callback *cb)
{
	struct zc_transfer_dump *dump = zc_transfer_dump(cb);

	zc_roster_close(&dump->pos);
	if (dump->full)
		zc_transfer_info_put(&dump->info);
	kfree(dump);
	return 0;
}

static int zc_dump_transfer(struct sk_buff *skb, struct netlink_callback *cb,
			    const struct zc_viewer *viewer,
			    const struct zc_transfer_info *info)
{
	void *head;

	if (!zc_transfer_wanted(zc_dump_attrs(cb), viewer, info))
		return 0;
	head = zc_part_new(skb, cb, ZC_CMD_TRANSFER_GET);
	if (!head)
		return ZC_SHOW_FULL;
	return zc_part_end(skb, head, zc_show_transfer(skb, viewer, info));
}

/**
 * zc_nl_transfer_get_dumpit - ZC_CMD_TRANSFER_GET, of those that match
 * @skb: answer, to be filled
 * @cb:  request
 *
 * Returns: bytes in @skb, 0 at the end, or a negative errno. Sleeps.
 */
int zc_nl_transfer_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct zc_transfer_dump *dump = zc_transfer_dump(cb);
	struct zc_viewer viewer;
	kuid_t uid;
	int ret;

	ret = zc_viewer_of(cb->skb, cb->extack, &viewer, &uid);
	if (ret)
		return ret;
	zc_dump_begin(cb, zc_roster_version());
	while (!fatal_signal_pending(current) &&
	       (dump->full || zc_roster_next(&dump->pos, uid, &dump->info))) {
		/* What found no room may have been looked for by somebody who sees more. */
		ret = 0;
		if (!uid_valid(uid) || uid_eq(dump->info.uid, uid))
			ret = zc_dump_transfer(skb, cb, &viewer, &dump->info);
		dump->full = ret;
		if (ret)
			return skb->len ?: ret;
		zc_transfer_info_put(&dump->info);
	}
	return skb->len;
}

/*
 * The buffer whose targets are asked for, or NULL: whatever. Returns it, to be put, or an
 * error.
 */
static struct zc_buffer *zc_target_buffer(struct netlink_callback *cb, kuid_t uid)
{
	const struct nlattr *attr = zc_dump_attrs(cb)[ZC_A_TARGET_BUFFER];
	struct zc_buffer *buf;

	if (!attr)
		return NULL;
	buf = zc_registry_get(nla_get_u32(attr), uid);
	if (buf)
		return buf;
	NL_SET_ERR_MSG_ATTR(cb->extack, attr, "no buffer that you may see has this id");
	return ERR_PTR(-ENOENT);
}

static bool zc_target_wanted(struct nlattr **attrs, struct zc_buffer *buf,
			     const struct zc_dma_query *info)
{
	return zc_wants_u32(attrs, ZC_A_TARGET_ID, info->target) &&
	       (!attrs[ZC_A_TARGET_DRIVER] ||
		!nla_strcmp(attrs[ZC_A_TARGET_DRIVER], info->driver)) &&
	       (!buf || zc_dma_has(buf, info->target));
}

/**
 * zc_nl_target_get_doit - ZC_CMD_TARGET_GET, of one
 * @skb:  request
 * @info: the same
 *
 * Returns: 0 or a negative errno. Sleeps.
 */
int zc_nl_target_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct zc_dma_query what = { };
	struct zc_viewer viewer;
	struct sk_buff *msg;
	void *head;
	kuid_t uid;
	u32 id;
	int ret;

	ret = zc_viewer_of(skb, info->extack, &viewer, &uid) ?:
	      zc_only_id(info, ZC_A_TARGET_ID, ZC_A_TARGET_BUFFER);
	if (ret)
		return ret;
	id = nla_get_u32(info->attrs[ZC_A_TARGET_ID]);
	what.target = id;
	if (zc_target_query(&what) || what.target != id) {
		NL_SET_ERR_MSG(info->extack, "no target has this id");
		return -ENOENT;
	}
	msg = zc_reply_new(info, &head);
	return msg ? zc_reply_end(msg, head, info, zc_show_target(msg, &viewer, &what)) :
		     -ENOMEM;
}

/**
 * zc_nl_target_get_dumpit - ZC_CMD_TARGET_GET, of those that match
 * @skb: answer, to be filled
 * @cb:  request; args[0] is where to go on
 *
 * Returns: bytes in @skb, 0 at the end, or a negative errno. Sleeps.
 */
int zc_nl_target_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct zc_dma_query what = { .target = cb->args[0] };
	struct zc_viewer viewer;
	struct zc_buffer *buf;
	void *head;
	kuid_t uid;
	int ret;

	ret = zc_viewer_of(cb->skb, cb->extack, &viewer, &uid);
	if (ret)
		return ret;
	buf = zc_target_buffer(cb, uid);
	if (IS_ERR(buf))
		return PTR_ERR(buf);
	zc_dump_begin(cb, zc_target_version());
	for (; !ret && !zc_target_query(&what); what.target++) {
		if (!zc_target_wanted(zc_dump_attrs(cb), buf, &what))
			continue;
		head = zc_part_new(skb, cb, ZC_CMD_TARGET_GET);
		ret = head ? zc_part_end(skb, head, zc_show_target(skb, &viewer, &what)) :
			     ZC_SHOW_FULL;
		if (ret)
			break;
	}
	cb->args[0] = what.target;
	if (buf)
		zc_buffer_put(buf);
	return skb->len ?: ret;
}
