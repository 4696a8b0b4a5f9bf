// SPDX-License-Identifier: GPL-2.0-only
/* The netlink family as a program without a library speaks to it. */
#include <errno.h>
#include <linux/genetlink.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nl.h"

#define HDRS_LEN	(NLMSG_HDRLEN + GENL_HDRLEN)

static void begin(struct nl_req *req, uint16_t type, uint8_t cmd, uint8_t version)
{
	struct nlmsghdr *nlh = (void *)req->buf;
	struct genlmsghdr *genl = (void *)(req->buf + NLMSG_HDRLEN);

	memset(req, 0, sizeof(*req));
	req->len = HDRS_LEN;
	nlh->nlmsg_type = type;
	genl->cmd = cmd;
	genl->version = version;
}

void nl_begin(struct nl_req *req, uint8_t cmd)
{
	begin(req, 0, cmd, ZC_FAMILY_VERSION);
}

void nl_put(struct nl_req *req, int attr, const void *data, size_t len)
{
	struct nlattr *nla = (void *)(req->buf + req->len);

	if (req->len + NLA_HDRLEN + NLA_ALIGN(len) > sizeof(req->buf))
		abort();
	nla->nla_type = attr;
	nla->nla_len = NLA_HDRLEN + len;
	if (len)
		memcpy(nla + 1, data, len);
	req->len += NLA_HDRLEN + NLA_ALIGN(len);
}

void nl_put_u32(struct nl_req *req, int attr, uint32_t val)
{
	nl_put(req, attr, &val, sizeof(val));
}

void nl_put_u64(struct nl_req *req, int attr, uint64_t val)
{
	nl_put(req, attr, &val, sizeof(val));
}

static void finish(struct nl *nl, struct nl_req *req, uint16_t flags)
{
	struct nlmsghdr *nlh = (void *)req->buf;

	nlh->nlmsg_len = req->len;
	if (!nlh->nlmsg_type)
		nlh->nlmsg_type = nl->family;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = ++nl->seq;
}

int nl_send(struct nl *nl, struct nl_req *req, uint16_t flags)
{
	finish(nl, req, flags);
	return write(nl->sock, req->buf, req->len) == req->len ? 0 : -errno;
}

int nl_send_to(struct nl *nl, struct nl_req *req, uint16_t flags)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	finish(nl, req, flags);
	return sendto(nl->sock, req->buf, req->len, 0, (void *)&kernel, sizeof(kernel)) ==
	       req->len ? 0 : -errno;
}

static void parse(struct nl_msg *msg, const char *pos, size_t len)
{
	memset(msg->attr, 0, sizeof(msg->attr));
	memset(msg->nr, 0, sizeof(msg->nr));
	while (len >= NLA_HDRLEN) {
		const struct nlattr *nla = (const void *)pos;
		int type = nla->nla_type & NLA_TYPE_MASK;
		size_t step = NLA_ALIGN(nla->nla_len);

		if (nla->nla_len < NLA_HDRLEN || nla->nla_len > len)
			break;
		if (type < NL_ATTRS_MAX) {
			msg->attr[type] = nla;
			msg->nr[type]++;
		}
		if (step >= len)
			break;
		pos += step;
		len -= step;
	}
}

/* Parts of the message that this is a copy of. */
static void keep(struct nl_msg *msg, const struct nlmsghdr *nlh)
{
	const struct genlmsghdr *genl = NLMSG_DATA(nlh);
	size_t len = nlh->nlmsg_len - HDRS_LEN;

	if (len > sizeof(msg->buf))
		abort();
	msg->cmd = genl->cmd;
	memcpy(msg->buf, (const char *)nlh + HDRS_LEN, len);
	parse(msg, msg->buf, len);
}

/* What NLMSG_ERROR and NLMSG_DONE say besides the number. */
static void take_text(struct nl *nl, const struct nlmsghdr *nlh, size_t skip)
{
	struct nl_msg *said;

	nl->text[0] = 0;
	nl->at = 0;
	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS) || nlh->nlmsg_len < NLMSG_HDRLEN + skip)
		return;
	said = malloc(sizeof(*said));
	parse(said, (const char *)nlh + NLMSG_HDRLEN + skip, nlh->nlmsg_len - NLMSG_HDRLEN - skip);
	if (nl_has(said, NLMSGERR_ATTR_MSG))
		snprintf(nl->text, sizeof(nl->text), "%s", nl_str(said, NLMSGERR_ATTR_MSG));
	if (nl_has(said, NLMSGERR_ATTR_OFFS))
		nl->at = nl_u32(said, NLMSGERR_ATTR_OFFS);
	free(said);
}

static int take_error(struct nl *nl, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *err = NLMSG_DATA(nlh);
	size_t skip = sizeof(*err);

	/* The request comes back with it, unless it is capped. */
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		skip += NLMSG_ALIGN(err->msg.nlmsg_len) - sizeof(err->msg);
	take_text(nl, nlh, skip);
	return err->error;
}

static ssize_t receive(struct nl *nl, char *buf, size_t size)
{
	ssize_t len = recv(nl->sock, buf, size, MSG_TRUNC);

	if (len < 0)
		return -errno;
	return (size_t)len > size ? -EMSGSIZE : len;
}

#define RECV_SIZE	(64 << 10)

static __thread char recv_buf[RECV_SIZE] __attribute__((aligned(8)));

int nl_answer(struct nl *nl, struct nl_msg *msg)
{
	const struct nlmsghdr *nlh = (const void *)recv_buf;
	ssize_t len;

	nl->text[0] = 0;
	for (;;) {
		len = receive(nl, recv_buf, sizeof(recv_buf));
		if (len < 0)
			return len;
		if (!NLMSG_OK(nlh, len))
			return -EBADMSG;
		if (nlh->nlmsg_seq != nl->seq)
			continue;
		if (nlh->nlmsg_type == NLMSG_ERROR)
			return take_error(nl, nlh);
		if (msg)
			keep(msg, nlh);
	}
}

/* With an acknowledgment, so that there is an end whatever the answer is. */
int nl_do(struct nl *nl, struct nl_req *req, struct nl_msg *msg)
{
	int ret = nl_send(nl, req, NLM_F_ACK);

	return ret ?: nl_answer(nl, msg);
}

int nl_dump_rest(struct nl *nl, nl_each each, void *data)
{
	static __thread struct nl_msg msg;
	const struct nlmsghdr *nlh;
	int nr = 0, err;
	ssize_t len;

	nl->intr = false;
	nl->parts = 0;
	nl->text[0] = 0;
	for (;;) {
		len = receive(nl, recv_buf, sizeof(recv_buf));
		if (len < 0)
			return len;
		nl->parts++;
		for (nlh = (const void *)recv_buf; NLMSG_OK(nlh, len);
		     nlh = NLMSG_NEXT(nlh, len)) {
			if (nlh->nlmsg_seq != nl->seq)
				continue;
			if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
				nl->intr = true;
			if (nlh->nlmsg_type == NLMSG_ERROR)
				return take_error(nl, nlh);
			if (nlh->nlmsg_type == NLMSG_DONE) {
				take_text(nl, nlh, sizeof(int));
				memcpy(&err, NLMSG_DATA(nlh), sizeof(err));
				return err ?: nr;
			}
			keep(&msg, nlh);
			nr++;
			if (each && !each(&msg, data))
				return -ECANCELED;
		}
	}
}

int nl_dump(struct nl *nl, struct nl_req *req, nl_each each, void *data)
{
	int ret = nl_send(nl, req, NLM_F_DUMP);

	return ret ?: nl_dump_rest(nl, each, data);
}

int nl_event(struct nl *nl, struct nl_msg *msg, int ms)
{
	struct pollfd p = { .fd = nl->sock, .events = POLLIN };
	const struct nlmsghdr *nlh = (const void *)recv_buf;
	ssize_t len;

	if (poll(&p, 1, ms) != 1)
		return 0;
	len = receive(nl, recv_buf, sizeof(recv_buf));
	if (len < 0)
		return len;
	if (!NLMSG_OK(nlh, len) || nlh->nlmsg_type != nl->family)
		return -EBADMSG;
	keep(msg, nlh);
	return 1;
}

int nl_drain(struct nl *nl)
{
	static __thread struct nl_msg msg;
	int nr = 0, ret;

	while ((ret = nl_event(nl, &msg, 0)) == 1)
		nr++;
	return ret ?: nr;
}

uint32_t nl_u32(const struct nl_msg *msg, int attr)
{
	uint32_t val = UINT32_MAX;

	if (msg->attr[attr] && msg->attr[attr]->nla_len == NLA_HDRLEN + sizeof(val))
		memcpy(&val, msg->attr[attr] + 1, sizeof(val));
	return val;
}

uint64_t nl_u64(const struct nl_msg *msg, int attr)
{
	uint64_t val = UINT64_MAX;

	if (msg->attr[attr] && msg->attr[attr]->nla_len == NLA_HDRLEN + sizeof(val))
		memcpy(&val, msg->attr[attr] + 1, sizeof(val));
	return val;
}

const char *nl_str(const struct nl_msg *msg, int attr)
{
	const struct nlattr *nla = msg->attr[attr];
	const char *text = (const char *)(nla + 1);

	if (!nla || nla->nla_len <= NLA_HDRLEN || text[nla->nla_len - NLA_HDRLEN - 1])
		return "";
	return text;
}

void nl_inner(struct nl_msg *inner, const struct nl_msg *msg, int attr)
{
	const struct nlattr *nla = msg->attr[attr];

	parse(inner, (const char *)(nla + 1), nla ? nla->nla_len - NLA_HDRLEN : 0);
}

/* The numbers of the family and of its groups; -ENOENT if it is not there. */
static int find_family(struct nl *nl)
{
	static const char *const names[] = {
		ZC_MCGRP_BUFFERS, ZC_MCGRP_TRANSFERS, ZC_MCGRP_ALERTS,
	};
	struct nl_msg *msg = calloc(3, sizeof(*msg));
	const char *pos, *end;
	struct nl_req req;
	unsigned int i;
	int ret;

	begin(&req, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1);
	nl_put(&req, CTRL_ATTR_FAMILY_NAME, ZC_FAMILY_NAME, sizeof(ZC_FAMILY_NAME));
	ret = nl_do(nl, &req, &msg[0]);
	if (ret || !nl_has(&msg[0], CTRL_ATTR_FAMILY_ID) ||
	    !nl_has(&msg[0], CTRL_ATTR_MCAST_GROUPS))
		goto out;
	memcpy(&nl->family, msg[0].attr[CTRL_ATTR_FAMILY_ID] + 1, sizeof(nl->family));
	pos = (const char *)(msg[0].attr[CTRL_ATTR_MCAST_GROUPS] + 1);
	end = pos - NLA_HDRLEN + msg[0].attr[CTRL_ATTR_MCAST_GROUPS]->nla_len;
	for (; pos < end; pos += NLA_ALIGN(((const struct nlattr *)pos)->nla_len)) {
		msg[1].attr[0] = (const void *)pos;
		nl_inner(&msg[2], &msg[1], 0);
		for (i = 0; i < sizeof(names) / sizeof(*names); i++)
			if (!strcmp(names[i], nl_str(&msg[2], CTRL_ATTR_MCAST_GRP_NAME)))
				nl->group[i] = nl_u32(&msg[2], CTRL_ATTR_MCAST_GRP_ID);
	}
out:
	free(msg);
	return ret;
}

int nl_open(struct nl *nl)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK };
	int on = 1, ret;

	memset(nl, 0, sizeof(*nl));
	nl->sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (nl->sock < 0)
		return -errno;
	if (bind(nl->sock, (void *)&addr, sizeof(addr)) ||
	    setsockopt(nl->sock, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on)) ||
	    setsockopt(nl->sock, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on)))
		ret = -errno;
	else
		ret = find_family(nl);
	if (ret)
		nl_close(nl);
	return ret;
}

void nl_close(struct nl *nl)
{
	if (nl->sock >= 0)
		close(nl->sock);
	nl->sock = -1;
}

static int membership(struct nl *nl, int opt, enum nl_group group)
{
	return setsockopt(nl->sock, SOL_NETLINK, opt, &nl->group[group],
			  sizeof(nl->group[group])) ? -errno : 0;
}

int nl_join(struct nl *nl, enum nl_group group)
{
	return membership(nl, NETLINK_ADD_MEMBERSHIP, group);
}

int nl_leave(struct nl *nl, enum nl_group group)
{
	return membership(nl, NETLINK_DROP_MEMBERSHIP, group);
}

int nl_stats(struct nl *nl, struct nl_stats *stats)
{
	static __thread struct nl_msg msg;
	struct nl_req req;
	int attr, ret;

	nl_begin(&req, ZC_CMD_STATS_GET);
	ret = nl_do(nl, &req, &msg);
	for (attr = 0; attr <= ZC_A_STATS_MAX; attr++)
		stats->of[attr] = !ret && attr != ZC_A_STATS_PAD ? nl_u64(&msg, attr) : 0;
	stats->of[0] = 0;
	return ret;
}

uint64_t nl_grown(struct nl *nl, const struct nl_stats *before, int attr)
{
	struct nl_stats now;

	return nl_stats(nl, &now) ? UINT64_MAX : now.of[attr] - before->of[attr];
}

bool nl_grows(struct nl *nl, const struct nl_stats *before, int attr, uint64_t by, int ms)
{
	uint64_t end = zct_now_ms() + ms;

	while (nl_grown(nl, before, attr) < by && zct_now_ms() < end)
		usleep(10000);
	return nl_grown(nl, before, attr) == by;
}

bool nl_grown_only(struct nl *nl, const struct nl_stats *before, const int *attrs)
{
	struct nl_stats now;
	int attr, i;
	bool ok;

	ok = !nl_stats(nl, &now);
	for (attr = 1; ok && attr <= ZC_A_STATS_MAX; attr++) {
		for (i = 0; attrs[i] && attrs[i] != attr; i++)
			;
		if (attrs[i] || now.of[attr] == before->of[attr])
			continue;
		printf("# counter %d has grown by %llu\n", attr,
		       (unsigned long long)(now.of[attr] - before->of[attr]));
		ok = false;
	}
	return ok;
}

uint32_t nl_buffer_id(int fd, uint32_t handle)
{
	struct zc_buf_info info;
	uint64_t id = 0;

	for (;; id = info.id + 1) {
		info = (struct zc_buf_info) { .id = id };
		if (zct_ioctl(fd, ZC_IOC_BUF_INFO, &info))
			return 0;
		if ((info.state & ZC_STATE_OWN) && info.handle == handle)
			return info.id;
	}
}

bool nl_be_nobody(void)
{
	return !setgid(NOBODY) && !setuid(NOBODY);
}

int nl_in_child(int (*fn)(void *data), void *data)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(fn(data));
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

int nl_set_reserve(struct nl *nl, unsigned int node, uint64_t bytes)
{
	struct nl_req req;
	struct nl_msg msg;
	int i, ret;

	nl_begin(&req, ZC_CMD_POOL_SET);
	nl_put_u32(&req, ZC_A_POOL_NODE, node);
	nl_put_u64(&req, ZC_A_POOL_RESERVE_BYTES, bytes);
	ret = nl_do(nl, &req, NULL);
	for (i = 0; !ret && i < 2000; i++) {
		nl_begin(&req, ZC_CMD_POOL_GET);
		nl_put_u32(&req, ZC_A_POOL_NODE, node);
		ret = nl_do(nl, &req, &msg);
		if (ret || nl_u64(&msg, ZC_A_POOL_READY_BYTES) +
			   nl_u64(&msg, ZC_A_POOL_OUT_BYTES) == bytes)
			return ret;
		if (nl_u32(&msg, ZC_A_POOL_SHORT) > ZC_SHORTAGE_NONE &&
		    nl_u32(&msg, ZC_A_POOL_SHORT) != ZC_SHORTAGE_USED)
			return 0;
		usleep(10000);
	}
	return ret ?: -ETIMEDOUT;
}
