// SPDX-License-Identifier: GPL-2.0-only
/* The netlink family: each command with its attributes, and some that it has not. */
#include <errno.h>
#include <linux/genetlink.h>
#include <sys/socket.h>

#include "fuzz.h"

/* Of an attribute: its value. */
enum value { U32, ID, TRANSFER, TARGET, NODE, FEW, MAX_BYTES, RESERVE, SECONDS, FLAG, PID };

struct attr {
	uint16_t type;
	uint16_t size;
	uint32_t value;
};

struct command {
	uint8_t cmd;
	bool dump;
	struct attr attr[10];
};

void family_init(struct thread *t)
{
	if (nl_open(&t->nl))
		t->nl.sock = -1;
}

static uint64_t attr_value(struct thread *t, const struct attr *attr)
{
	if (one_in(t, 24) && attr->value != MAX_BYTES && attr->value != RESERVE)
		return edge_value(t);
	switch (attr->value) {
	case ID:
		return id_value(t);
	case TRANSFER:
		return shared->transfer + below(t, 3);
	case TARGET:
		return target_value(t);
	case NODE:
		return below(t, 2);
	case FEW:
		return below(t, 9);
	case MAX_BYTES:
		/* Never so much that the machine runs out of it. */
		return below(t, 4) ? LIMIT : LIMIT >> below(t, 8);
	case RESERVE:
		return below(t, 3) * HUGE;
	case SECONDS:
		return below(t, 3);
	case PID:
		return getpid();
	default:
		return word(t);
	}
}

/* Half of what it takes, and at times what it does not, or too little of it. */
static void put_attrs(struct thread *t, struct nl_req *req, const struct attr *attr, bool dump)
{
	const struct attr *begin = attr;
	uint64_t val;

	for (; attr->type; attr++) {
		if (attr->value != MAX_BYTES && attr->value != NODE && (dump || attr != begin) &&
		    below(t, 3))
			continue;
		val = attr_value(t, attr);
		nl_put(req, attr->type, &val, one_in(t, 64) ? below(t, 9) : attr->size);
	}
	if (one_in(t, 32)) {
		val = edge_value(t);
		nl_put(req, below(t, 48) | (one_in(t, 4) ? NLA_F_NESTED : 0), &val, below(t, 9));
	}
}

/* The transfer that it is about, if it is about one. */
static void remember(const struct nlmsghdr *nlh)
{
	const struct genlmsghdr *genl = NLMSG_DATA(nlh);
	const struct nlattr *id = (void *)(genl + 1);

	if (nlh->nlmsg_len >= NLMSG_LENGTH(GENL_HDRLEN + NLA_HDRLEN + sizeof(uint64_t)) &&
	    genl->cmd == ZC_CMD_TRANSFER_GET && id->nla_type == ZC_A_TRANSFER_ID)
		memcpy(&shared->transfer, id + 1, sizeof(shared->transfer));
}

/*
 * The first answer to it is there when it is sent, if there will be any: behind events, for who
 * has joined a group, and what others were answered before.
 */
static long answer(struct thread *t)
{
	char buf[8192] __attribute__((aligned(8)));
	const struct nlmsghdr *nlh = (void *)buf;
	const struct nlmsgerr *err = NLMSG_DATA(nlh);
	unsigned int i;
	ssize_t len;
	long ret = -EAGAIN;

	for (i = 0; i < 256; i++) {
		len = recv(t->nl.sock, buf, sizeof(buf), MSG_DONTWAIT);
		if (len < (ssize_t)sizeof(*nlh))
			break;
		if (nlh->nlmsg_type == t->nl.family)
			remember(nlh);
		if (ret != -EAGAIN || nlh->nlmsg_seq != t->nl.seq)
			continue;
		if (nlh->nlmsg_type == NLMSG_ERROR && len >= NLMSG_LENGTH(sizeof(*err)))
			ret = err->error;
		else if (nlh->nlmsg_type == NLMSG_DONE || nlh->nlmsg_type == t->nl.family)
			ret = 0;
	}
	return ret;
}

static long do_command(struct thread *t, const void *data)
{
	const struct command *command = data;
	uint16_t flags = command->dump ? NLM_F_DUMP : NLM_F_ACK;
	uint8_t cmd = command->cmd;
	struct nl_req req;
	long ret;

	if (one_in(t, 128))
		cmd = word(t);
	nl_begin(&req, cmd);
	put_attrs(t, &req, command->attr, command->dump);
	if (one_in(t, 64))
		flags = word(t);
	if (one_in(t, 64))
		req.len -= below(t, 4) * 4;
	if (req.len > NLMSG_HDRLEN && one_in(t, 64)) {
		req.buf[NLMSG_HDRLEN + below(t, req.len - NLMSG_HDRLEN)] ^= word(t);
		/* It may be another one now. */
		cmd = 0;
	}
	ret = one_in(t, 2) ? nl_send(&t->nl, &req, flags) : nl_send_to(&t->nl, &req, flags);
	if (ret)
		return ret;
	ret = answer(t);
	/* There may be none. */
	if (ret < 0 && ret != -EAGAIN && cmd == command->cmd &&
	    !command_error_known(calls[t->step->call]->name, -ret))
		shared->stray[t->step->call] = -ret;
	return ret;
}

static long do_group(struct thread *t, const void *data)
{
	enum nl_group group = below(t, 3);

	return below(t, 2) ? nl_join(&t->nl, group) : nl_leave(&t->nl, group);
}

/* A dump that is left where it is. */
static long do_hang_up(struct thread *t, const void *data)
{
	static const uint8_t cmds[] = {
		ZC_CMD_BUFFER_GET, ZC_CMD_TRANSFER_GET, ZC_CMD_TARGET_GET, ZC_CMD_POOL_GET,
	};
	struct nl_req req;
	int ret;

	nl_begin(&req, cmds[below(t, sizeof(cmds))]);
	ret = nl_send(&t->nl, &req, NLM_F_DUMP);
	nl_close(&t->nl);
	family_init(t);
	return ret;
}

static const struct command
	module_get = { ZC_CMD_MODULE_GET },
	module_set = { ZC_CMD_MODULE_SET, false, {
		{ ZC_A_MODULE_MAX_BYTES, 8, MAX_BYTES }, { ZC_A_MODULE_DEPTH, 4, FEW },
		{ ZC_A_MODULE_COPYBREAK, 4, U32 }, { ZC_A_MODULE_HELD_AFTER, 4, SECONDS },
		{ ZC_A_MODULE_IDLE_AFTER, 4, SECONDS }, { ZC_A_MODULE_URING_LIFE, 4, SECONDS } } },
	pool_get = { ZC_CMD_POOL_GET, false, { { ZC_A_POOL_NODE, 4, NODE } } },
	pool_dump = { ZC_CMD_POOL_GET, true, { { ZC_A_POOL_NODE, 4, NODE } } },
	pool_set = { ZC_CMD_POOL_SET, false, {
		{ ZC_A_POOL_NODE, 4, NODE }, { ZC_A_POOL_RESERVE_BYTES, 8, RESERVE } } },
	buffer_get = { ZC_CMD_BUFFER_GET, false, { { ZC_A_BUFFER_ID, 4, ID } } },
	buffer_dump = { ZC_CMD_BUFFER_GET, true, {
		{ ZC_A_BUFFER_ID, 4, ID }, { ZC_A_BUFFER_STATE, 4, FEW },
		{ ZC_A_BUFFER_PID, 4, PID }, { ZC_A_BUFFER_UID, 4, FEW },
		{ ZC_A_BUFFER_TARGET, 4, TARGET }, { ZC_A_BUFFER_WITH_HOLDERS, 0, FLAG },
		{ ZC_A_BUFFER_STATE_NOT, 4, FEW } } },
	transfer_get = { ZC_CMD_TRANSFER_GET, false, { { ZC_A_TRANSFER_ID, 8, TRANSFER } } },
	transfer_dump = { ZC_CMD_TRANSFER_GET, true, {
		{ ZC_A_TRANSFER_ID, 8, TRANSFER }, { ZC_A_TRANSFER_SOURCE, 4, FEW },
		{ ZC_A_TRANSFER_WAITER, 4, FEW }, { ZC_A_TRANSFER_PID, 4, PID },
		{ ZC_A_TRANSFER_UID, 4, FEW }, { ZC_A_TRANSFER_BUFFER, 4, ID },
		{ ZC_A_TRANSFER_SOCKET, 8, FEW } } },
	target_get = { ZC_CMD_TARGET_GET, false, { { ZC_A_TARGET_ID, 4, TARGET } } },
	target_dump = { ZC_CMD_TARGET_GET, true, {
		{ ZC_A_TARGET_ID, 4, TARGET }, { ZC_A_TARGET_DRIVER, 4, FEW },
		{ ZC_A_TARGET_BUFFER, 4, ID } } },
	stats_get = { ZC_CMD_STATS_GET };

const struct call family_calls[] = {
	{ "module_get", 10, do_command, &module_get },
	{ "module_set", 4, do_command, &module_set },
	{ "pool_get", 10, do_command, &pool_get },
	{ "pool_dump", 5, do_command, &pool_dump },
	{ "pool_set", 2, do_command, &pool_set },
	{ "buffer_get", 15, do_command, &buffer_get },
	{ "buffer_dump", 10, do_command, &buffer_dump },
	{ "transfer_get", 15, do_command, &transfer_get },
	{ "transfer_dump", 10, do_command, &transfer_dump },
	{ "target_get", 10, do_command, &target_get },
	{ "target_dump", 5, do_command, &target_dump },
	{ "stats_get", 10, do_command, &stats_get },
	{ "group", 5, do_group },
	{ "hang_up", 1, do_hang_up },
	{ }
};
