// SPDX-License-Identifier: GPL-2.0-only
/* Requests by generic netlink, and events: what is sent, what comes, and what went wrong. */
#include <errno.h>
#include <linux/genetlink.h>
#include <netlink/genl/genl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "nl.h"
#include "root.h"

/* As many times a dump is begun again that was interrupted. */
#define TRIES		5
/* The kernel answers while it is asked. */
#define ANSWER_MS	10000
/* More than it puts into one datagram. */
#define DATAGRAM	(64 << 10)

/**
 * struct zcnl - a connection with the family
 * @sock:    socket
 * @family:  number of the family
 * @seq:     number of the last request
 * @cmd:     its command
 * @seen:    what came of the reply: messages, one after another
 * @len:     bytes of them
 * @room:    bytes that there is room for
 * @broken:  the last dump does not fit together
 * @why:     what the kernel said of the last error, or ""
 * @attr:    name of the attribute that it was about, or ""
 * @pos:     where in @buf the next event is
 * @left:    bytes of events left there
 * @buf:     what came last
 */
struct zcnl {
	struct zcnl_socket *sock;
	int family;
	uint32_t seq;
	uint8_t cmd;
	char *seen;
	size_t len;
	size_t room;
	bool broken;
	char why[256];
	char attr[64];
	size_t pos;
	int left;
	char buf[DATAGRAM] __attribute__((aligned(NLMSG_ALIGNTO)));
};

static int no_family(void)
{
	if (!access("/sys/module/zc", F_OK))
		return out_error(EX_FAILED, 0,
				 "run it there, as by: sudo nsenter --net -t 1 zcctl …; or load the module\n"
				 "  anew, if it is of a version before this zcctl",
				 "the module answers by netlink in the initial network namespace alone");
	return out_error(EX_NO_MODULE, 0, root_load_hint(), "the module is not loaded");
}

/**
 * zcnl_there - is the family there?
 *
 * Returns: false if the kernel says that it is not; true if it cannot be asked.
 */
bool zcnl_there(void)
{
	struct zcnl_socket *sock;
	int family, err = socket_open(&sock, &family);

	if (!err)
		socket_close(sock);
	return err != -ENOENT;
}

/**
 * zcnl_open - connect to the module
 * @nl: out: the connection
 *
 * Returns: an exit code, after an error message.
 */
int zcnl_open(struct zcnl **nl)
{
	int err;

	*nl = calloc(1, sizeof(**nl));
	if (!*nl)
		return out_error(EX_FAILED, ENOMEM, NULL, "netlink");
	err = socket_open(&(*nl)->sock, &(*nl)->family);
	if (!err)
		return EX_OK;
	free(*nl);
	*nl = NULL;
	if (err == -ENOENT)
		return no_family();
	return out_error(err == -EPERM ? EX_PERMISSION : EX_FAILED, -err, NULL,
			 "cannot ask the kernel by generic netlink");
}

/**
 * zcnl_close - end a connection
 * @nl: connection, or NULL
 */
void zcnl_close(struct zcnl *nl)
{
	if (!nl)
		return;
	socket_close(nl->sock);
	free(nl->seen);
	free(nl);
}

/**
 * zcnl_new - begin a request
 * @nl:  connection
 * @cmd: ZC_CMD_*
 *
 * Returns: the request, for zcnl_put(), and zcnl_do() or zcnl_dump(), which free it. NULL
 * without memory, which these take, too.
 */
struct nl_msg *zcnl_new(struct zcnl *nl, int cmd)
{
	struct nl_msg *msg = nlmsg_alloc();

	if (msg && !genlmsg_put(msg, NL_AUTO_PORT, 0, nl->family, 0, NLM_F_REQUEST, cmd,
				ZC_FAMILY_VERSION)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return msg;
}

/**
 * zcnl_put - add a number, or a flag
 * @msg:  request, or NULL
 * @cmd:  its command
 * @attr: attribute
 * @val:  number; of a flag nothing
 */
void zcnl_put(struct nl_msg *msg, int cmd, int attr, uint64_t val)
{
	if (!msg)
		return;
	switch (zcnl_commands[cmd].set->fields[attr].type) {
	case ZCNL_U32:
		nla_put_u32(msg, attr, val);
		break;
	case ZCNL_U64:
		nla_put_u64(msg, attr, val);
		break;
	default:
		nla_put_flag(msg, attr);
	}
}

/* Which of the request's attributes is so far from its beginning? */
static const char *attr_at(struct nl_msg *msg, const struct zcnl_set *set, uint32_t offset)
{
	struct nlmsghdr *hdr = nlmsg_hdr(msg);
	struct nlattr *nla;
	int left;

	nlmsg_for_each_attr(nla, hdr, GENL_HDRLEN, left)
		if ((char *)nla - (char *)hdr == offset && nla_type(nla) <= set->max)
			return set->fields[nla_type(nla)].name;
	return NULL;
}

/* What the kernel says beside the number of an error, in the attributes from @first on. */
static void take_extack(struct zcnl *nl, struct nl_msg *msg, struct nlattr *first, int len)
{
	const struct genlmsghdr *genl = genlmsg_hdr(nlmsg_hdr(msg));
	const struct zcnl_set *set = zcnl_commands[genl->cmd].set;
	struct nlattr *tb[NLMSGERR_ATTR_MAX + 1];
	const char *name = NULL;
	uint32_t miss;

	if (nla_parse(tb, NLMSGERR_ATTR_MAX, first, len, NULL))
		return;
	if (tb[NLMSGERR_ATTR_MSG])
		snprintf(nl->why, sizeof(nl->why), "%.*s", nla_len(tb[NLMSGERR_ATTR_MSG]),
			 (const char *)nla_data(tb[NLMSGERR_ATTR_MSG]));
	if (tb[NLMSGERR_ATTR_OFFS] && nla_len(tb[NLMSGERR_ATTR_OFFS]) >= 4)
		name = attr_at(msg, set, nla_get_u32(tb[NLMSGERR_ATTR_OFFS]));
	if (tb[NLMSGERR_ATTR_MISS_TYPE] && nla_len(tb[NLMSGERR_ATTR_MISS_TYPE]) >= 4) {
		miss = nla_get_u32(tb[NLMSGERR_ATTR_MISS_TYPE]);
		name = miss <= (uint32_t)set->max ? set->fields[miss].name : NULL;
	}
	snprintf(nl->attr, sizeof(nl->attr), "%s", name ?: "");
}

/* The end of a reply. Returns 0 or a negative errno. */
static int take_end(struct zcnl *nl, struct nl_msg *msg, struct nlmsghdr *hdr)
{
	/* Of an error, the request's header follows, and its body unless it is capped. */
	size_t skip = sizeof(int), len = nlmsg_datalen(hdr);
	const struct nlmsgerr *end = nlmsg_data(hdr);

	if (len < sizeof(int))
		return hdr->nlmsg_type == NLMSG_DONE ? 0 : -EPROTO;
	if (hdr->nlmsg_type == NLMSG_ERROR) {
		if (len < sizeof(*end))
			return -EPROTO;
		skip = sizeof(*end);
		if (end->error && !(hdr->nlmsg_flags & NLM_F_CAPPED))
			skip += NLMSG_ALIGN(end->msg.nlmsg_len) - sizeof(end->msg);
	}
	if (end->error && (hdr->nlmsg_flags & NLM_F_ACK_TLVS) && skip < len)
		take_extack(nl, msg, (struct nlattr *)((char *)end + skip), len - skip);
	/* The highest errno that the kernel may return: MAX_ERRNO of include/linux/err.h */
	return end->error > 0 || end->error < -4095 ? -EPROTO : end->error;
}

static int keep(struct zcnl *nl, const struct nlmsghdr *hdr)
{
	size_t len = NLMSG_ALIGN(hdr->nlmsg_len);
	char *more;

	if (nl->len + len > nl->room) {
		more = realloc(nl->seen, 2 * (nl->len + len));
		if (!more)
			return -ENOMEM;
		nl->seen = more;
		nl->room = 2 * (nl->len + len);
	}
	memset(nl->seen + nl->len + len - NLMSG_ALIGNTO, 0, NLMSG_ALIGNTO);
	memcpy(nl->seen + nl->len, hdr, hdr->nlmsg_len);
	nl->len += len;
	return 0;
}

/* Of one datagram. Returns 1 after the end of the reply, 0 if there is more, or an errno. */
static int take(struct zcnl *nl, struct nl_msg *msg, int left)
{
	struct nlmsghdr *hdr;
	int err;

	for (hdr = (struct nlmsghdr *)nl->buf; nlmsg_ok(hdr, left); hdr = nlmsg_next(hdr, &left)) {
		if (hdr->nlmsg_seq != nl->seq)
			continue;
		if (hdr->nlmsg_flags & NLM_F_DUMP_INTR)
			nl->broken = true;
		if (hdr->nlmsg_type == NLMSG_ERROR || hdr->nlmsg_type == NLMSG_DONE)
			return take_end(nl, msg, hdr) ?: 1;
		err = hdr->nlmsg_type == nl->family ? keep(nl, hdr) : 0;
		if (err)
			return err;
	}
	/* What is left is none, or a part of one. */
	return left > 0 ? -EPROTO : 0;
}

/* Ask, and have the whole reply in @seen. Returns 0 or a negative errno. */
static int ask(struct zcnl *nl, struct nl_msg *msg)
{
	int err;

	nlmsg_hdr(msg)->nlmsg_seq = ++nl->seq;
	nl->cmd = genlmsg_hdr(nlmsg_hdr(msg))->cmd;
	nl->len = 0;
	nl->broken = false;
	*nl->why = '\0';
	*nl->attr = '\0';
	err = socket_send(nl->sock, msg);
	while (!err) {
		int n = socket_receive(nl->sock, nl->buf, sizeof(nl->buf), ANSWER_MS);

		if (n > 0)
			err = take(nl, msg, n);
		else if (n != -EINTR && n != -EAGAIN)
			err = n ?: -ETIMEDOUT;
	}
	return err > 0 ? 0 : err;
}

static bool parse(struct zcnl_reply *reply, struct nlmsghdr *hdr)
{
	const struct genlmsghdr *genl = nlmsg_data(hdr);

	if (nlmsg_datalen(hdr) < (int)GENL_HDRLEN || !genl->cmd || genl->cmd > ZC_CMD_MAX)
		return false;
	return reply_parse(reply, genl->cmd, zcnl_commands[genl->cmd].set,
			   genlmsg_attrdata(genl, 0), genlmsg_attrlen(genl, 0));
}

static void hand_out(struct zcnl *nl, zcnl_fn fn, void *arg)
{
	struct nlmsghdr *hdr = (struct nlmsghdr *)nl->seen;
	struct zcnl_reply reply;
	int left = nl->len;

	/* A reply has the command of its request, and with it the attributes that @fn knows. */
	for (; fn && nlmsg_ok(hdr, left); hdr = nlmsg_next(hdr, &left))
		if (parse(&reply, hdr) && reply.cmd == nl->cmd)
			fn(&reply, arg);
}

/**
 * zcnl_do - ask for one object, or for a change
 * @nl:  connection
 * @msg: request; freed
 * @fn:  gets the reply; or NULL
 * @arg: for @fn
 *
 * Returns: 0 or a negative errno, for zcnl_error().
 */
int zcnl_do(struct zcnl *nl, struct nl_msg *msg, zcnl_fn fn, void *arg)
{
	int err;

	if (!msg)
		return -ENOMEM;
	nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_ACK;
	err = ask(nl, msg);
	nlmsg_free(msg);
	if (!err)
		hand_out(nl, fn, arg);
	return err;
}

/**
 * zcnl_dump - ask for all objects that match
 * @nl:  connection
 * @msg: request; freed
 * @fn:  gets each
 * @arg: for @fn
 *
 * Begins again if something was made or went away meanwhile, some times: what @fn gets is
 * of one go. See zcnl_interrupted().
 *
 * Returns: 0 or a negative errno, for zcnl_error().
 */
int zcnl_dump(struct zcnl *nl, struct nl_msg *msg, zcnl_fn fn, void *arg)
{
	int err, tries = 0;

	if (!msg)
		return -ENOMEM;
	nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_DUMP;
	do
		err = ask(nl, msg);
	while (!err && nl->broken && ++tries < TRIES);
	nlmsg_free(msg);
	if (!err)
		hand_out(nl, fn, arg);
	return err;
}

/**
 * zcnl_interrupted - may what the last dump said not fit together?
 * @nl: connection
 */
bool zcnl_interrupted(const struct zcnl *nl)
{
	return nl->broken;
}

/**
 * zcnl_warn_interrupted - say so, to people
 * @nl: connection
 */
void zcnl_warn_interrupted(const struct zcnl *nl)
{
	if (nl->broken && !out_json)
		fprintf(stderr, "zcctl: things came and went while they were listed, %d times in a "
			"row: some may be missing\n", TRIES);
}

/* What goes with an error for people, below it. */
static void print_why(const struct zcnl *nl)
{
	if (*nl->why)
		fprintf(stderr, "  the module says: %s%s%s%s\n", nl->why, *nl->attr ? " (" : "",
			nl->attr, *nl->attr ? ")" : "");
	else if (*nl->attr)
		fprintf(stderr, "  it is about: %s\n", nl->attr);
}

/**
 * zcnl_error - say what went wrong, with what the kernel said
 * @nl:   connection
 * @err:  what zcnl_do(), zcnl_dump() or zcnl_join() returned
 * @hint: what helps, or NULL
 * @fmt:  what could not be done
 *
 * Returns: an exit code.
 */
int zcnl_error(const struct zcnl *nl, int err, const char *hint, const char *fmt, ...)
{
	int code = err == -EPERM || err == -EACCES ? EX_PERMISSION : EX_FAILED;
	struct json_object *obj, *inner;
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (err == -ENOENT && !zcnl_there())
		return out_error(EX_NO_MODULE, 0, NULL, "the module was unloaded");
	if (code == EX_PERMISSION && !hint)
		hint = "run it as root (CAP_NET_ADMIN in the initial user namespace)";
	if (out_json) {
		obj = out_error_new(code, -err, hint, text);
		json_object_object_get_ex(obj, "error", &inner);
		out_add_str(inner, "kernel", *nl->why ? nl->why : NULL);
		out_add_str(inner, "attribute", *nl->attr ? nl->attr : NULL);
		out_error_object(obj);
		return code;
	}
	out_error(code, -err, NULL, "%s", text);
	print_why(nl);
	if (hint)
		fprintf(stderr, "  %s\n", hint);
	return code;
}

/**
 * zcnl_join - have a group's events
 * @nl:    connection; no requests by it any more
 * @group: ZC_MCGRP_*
 *
 * Returns: 0 or a negative errno, for zcnl_error().
 */
int zcnl_join(struct zcnl *nl, const char *group)
{
	return socket_join(nl->sock, group);
}

/* Does the kernel say that the family is gone? Its number may be another's soon. */
static bool unloaded(const struct zcnl *nl, struct nlmsghdr *hdr)
{
	struct nlattr *id;

	if (hdr->nlmsg_type != GENL_ID_CTRL || nlmsg_datalen(hdr) < (int)GENL_HDRLEN ||
	    genlmsg_hdr(hdr)->cmd != CTRL_CMD_DELFAMILY)
		return false;
	id = nlmsg_find_attr(hdr, GENL_HDRLEN, CTRL_ATTR_FAMILY_ID);
	return id && nla_len(id) >= 2 && nla_get_u16(id) == nl->family;
}

/* The next event in @buf. Returns 1, 0 if there is none, or -ENODEV. */
static int next_in(struct zcnl *nl, struct zcnl_reply *reply)
{
	while (nl->left > 0) {
		struct nlmsghdr *hdr = (struct nlmsghdr *)(nl->buf + nl->pos);

		if (!nlmsg_ok(hdr, nl->left))
			break;
		nl->pos += NLMSG_ALIGN(hdr->nlmsg_len);
		nl->left -= NLMSG_ALIGN(hdr->nlmsg_len);
		if (unloaded(nl, hdr))
			return -ENODEV;
		if (hdr->nlmsg_type == nl->family && parse(reply, hdr))
			return 1;
	}
	nl->left = 0;
	return 0;
}

/**
 * zcnl_next - have the next event
 * @nl:         connection that has joined a group
 * @reply:      out: the event, valid until the next call
 * @when:       out: when it came
 * @timeout_ms: how long to wait; negative: for as long as it takes
 *
 * Returns: 1, 0 if none came in time, or a negative errno: -EINTR after a signal, -ENOBUFS
 * if events were lost, -ENODEV if the module was unloaded.
 */
int zcnl_next(struct zcnl *nl, struct zcnl_reply *reply, struct timespec *when, int timeout_ms)
{
	int ret = next_in(nl, reply);

	if (!ret) {
		ret = socket_receive(nl->sock, nl->buf, sizeof(nl->buf), timeout_ms);
		if (ret <= 0)
			return ret;
		nl->pos = 0;
		nl->left = ret;
		ret = next_in(nl, reply) ?: -EAGAIN;
	}
	clock_gettime(CLOCK_REALTIME, when);
	return ret;
}
