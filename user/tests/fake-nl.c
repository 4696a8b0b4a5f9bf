// SPDX-License-Identifier: GPL-2.0-only
/*
 * The socket of generic netlink, without a kernel: in the place of zcctl/nl-socket.c. What
 * is answered is in the file that ZC_FAKE names; what was asked is added to the one that
 * ZC_FAKE_LOG names. See fixtures/README.
 */
#include <errno.h>
#include <netlink/genl/genl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake.h"
#include "stop.h"

/* As the kernel numbers its first. */
#define FAMILY		29
/* Messages of a dump that come at once. */
#define DATAGRAM	16384

/**
 * struct datagram - what is received at once
 * @next: after it
 * @len:  bytes
 * @err:  in their place: an error
 * @data: bytes
 */
struct datagram {
	struct datagram *next;
	size_t len;
	int err;
	char data[];
};

struct zcnl_socket {
	struct datagram *first;
	char groups[128];
	struct script script;
};

/* How often each was asked for, by all sockets: the nth time gets the nth answer. */
static unsigned int asked[ZC_CMD_MAX + 1][2];

static struct datagram *queue(struct zcnl_socket *sock, const void *data, size_t len)
{
	struct datagram **end = &sock->first, *new = calloc(1, sizeof(*new) + len);

	while (*end)
		end = &(*end)->next;
	*end = new;
	new->len = len;
	if (len)
		memcpy(new->data, data, len);
	return new;
}

int socket_open(struct zcnl_socket **sock, int *family)
{
	int err;

	*sock = calloc(1, sizeof(**sock));
	*family = FAMILY;
	err = script_read(&(*sock)->script, getenv("ZC_FAKE"));
	if (err)
		socket_close(*sock);
	return err;
}

void socket_close(struct zcnl_socket *sock)
{
	struct datagram *next;

	for (; sock && sock->first; sock->first = next) {
		next = sock->first->next;
		free(sock->first);
	}
	if (sock)
		script_free(&sock->script);
	free(sock);
}

/* An answer's messages, as many in a datagram as fit. */
static void queue_replies(struct zcnl_socket *sock, const struct block *block, uint32_t seq,
			  int cmd)
{
	char data[DATAGRAM];
	size_t len = 0;
	int i;

	for (i = 0; i < block->nr; i++) {
		struct nl_msg *msg = script_message(&sock->script, block, i, FAMILY, cmd, seq);
		struct nlmsghdr *hdr = nlmsg_hdr(msg);

		if (block->interrupted)
			hdr->nlmsg_flags |= NLM_F_DUMP_INTR;
		if (len + NLMSG_ALIGN(hdr->nlmsg_len) > sizeof(data)) {
			queue(sock, data, len);
			len = 0;
		}
		memset(data + len, 0, NLMSG_ALIGN(hdr->nlmsg_len));
		memcpy(data + len, hdr, hdr->nlmsg_len);
		len += NLMSG_ALIGN(hdr->nlmsg_len);
		nlmsg_free(msg);
	}
	if (len)
		queue(sock, data, len);
}

/* Where in the request an attribute is; 0: nowhere. */
static uint32_t offset_of(struct nlmsghdr *request, int attr)
{
	struct nlattr *nla = nlmsg_find_attr(request, GENL_HDRLEN, attr);

	return nla ? (char *)nla - (char *)request : 0;
}

/* As netlink_ack() of the kernel does. */
static void queue_error(struct zcnl_socket *sock, const struct block *block,
			struct nlmsghdr *request)
{
	size_t body = block->whole ? request->nlmsg_len : sizeof(*request);
	struct nl_msg *msg = nlmsg_alloc();
	struct nlmsghdr *hdr = nlmsg_put(msg, 0, request->nlmsg_seq, NLMSG_ERROR, 0, 0);
	uint32_t off;
	int err = -block->error;

	nlmsg_append(msg, &err, sizeof(err), 0);
	nlmsg_append(msg, request, body, NLMSG_ALIGNTO);
	hdr = nlmsg_hdr(msg);
	hdr->nlmsg_flags |= block->whole ? 0 : NLM_F_CAPPED;
	if (*block->text || block->attr || block->miss)
		hdr->nlmsg_flags |= NLM_F_ACK_TLVS;
	if (*block->text)
		nla_put(msg, NLMSGERR_ATTR_MSG, strlen(block->text) + !block->no_nul, block->text);
	off = block->attr ? offset_of(request, block->attr) : 0;
	if (off)
		nla_put_u32(msg, NLMSGERR_ATTR_OFFS, off);
	if (block->miss)
		nla_put_u32(msg, NLMSGERR_ATTR_MISS_TYPE, block->miss);
	hdr = nlmsg_hdr(msg);
	hdr->nlmsg_len -= block->cut;
	queue(sock, hdr, hdr->nlmsg_len);
	nlmsg_free(msg);
}

static void queue_done(struct zcnl_socket *sock, uint32_t seq, bool interrupted)
{
	struct nl_msg *msg = nlmsg_alloc();
	int zero = 0;

	nlmsg_put(msg, 0, seq, NLMSG_DONE, 0, NLM_F_MULTI);
	nlmsg_append(msg, &zero, sizeof(zero), 0);
	if (interrupted)
		nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_DUMP_INTR;
	queue(sock, nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len);
	nlmsg_free(msg);
}

static void write_log(struct nlmsghdr *hdr)
{
	const struct genlmsghdr *genl = nlmsg_data(hdr);
	const char *path = getenv("ZC_FAKE_LOG");
	FILE *log = path ? fopen(path, "ae") : NULL;
	struct zcnl_reply request;
	int i;

	if (!log)
		return;
	fprintf(log, "%s %s", zcnl_commands[genl->cmd].name,
		hdr->nlmsg_flags & NLM_F_DUMP ? "dump" : "do");
	reply_parse(&request, genl->cmd, zcnl_commands[genl->cmd].set, genlmsg_attrdata(genl, 0),
		    genlmsg_attrlen(genl, 0));
	for (i = 1; i <= request.set->max; i++) {
		if (!request.tb[i])
			continue;
		fprintf(log, " %s", request.set->fields[i].name);
		if (request.set->fields[i].type != ZCNL_FLAG)
			fprintf(log, "=%llu", (unsigned long long)reply_num(&request, i));
	}
	fputc('\n', log);
	fclose(log);
}

int socket_send(struct zcnl_socket *sock, struct nl_msg *msg)
{
	static const struct block unknown = { .error = EOPNOTSUPP };
	struct nlmsghdr *hdr = nlmsg_hdr(msg);
	const struct genlmsghdr *genl = nlmsg_data(hdr);
	bool dump = (hdr->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	const struct block *block = script_find(&sock->script, genl->cmd, dump,
						asked[genl->cmd][dump]++);

	write_log(hdr);
	if (!block)
		block = &unknown;
	if (block->error) {
		queue_error(sock, block, hdr);
		return 0;
	}
	queue_replies(sock, block, hdr->nlmsg_seq, genl->cmd);
	if (dump)
		queue_done(sock, hdr->nlmsg_seq, block->interrupted);
	else
		queue_error(sock, block, hdr);
	return 0;
}

/* The kernel says that the family is gone; of another, so many numbers on. */
static void queue_gone(struct zcnl_socket *sock, int other)
{
	struct nl_msg *msg = nlmsg_alloc();

	genlmsg_put(msg, 0, 0, GENL_ID_CTRL, 0, 0, CTRL_CMD_DELFAMILY, 2);
	nla_put_string(msg, CTRL_ATTR_FAMILY_NAME, other ? "other" : ZC_FAMILY_NAME);
	nla_put_u16(msg, CTRL_ATTR_FAMILY_ID, FAMILY + other);
	queue(sock, nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len);
	nlmsg_free(msg);
}

/* The next events of groups that were joined. */
static void queue_events(struct zcnl_socket *sock)
{
	const struct block *block;
	int cmd;

	while (!sock->first && (block = script_event(&sock->script, &cmd))) {
		if (!strstr(sock->groups, block->group))
			continue;
		if (block->error == ENODEV)
			queue_gone(sock, block->cut);
		else if (block->error)
			queue(sock, NULL, 0)->err = -block->error;
		else
			queue_replies(sock, block, 0, cmd);
	}
}

int socket_receive(struct zcnl_socket *sock, void *buf, size_t size, int timeout_ms)
{
	struct datagram *first;
	int ret;

	if (*sock->groups)
		queue_events(sock);
	first = sock->first;
	if (!first)
		return stop_poll(NULL, timeout_ms) < 0 ? -errno : 0;
	ret = first->err ?: (int)first->len;
	if (first->len > size)
		ret = -EMSGSIZE;
	else
		memcpy(buf, first->data, first->len);
	sock->first = first->next;
	free(first);
	return ret;
}

int socket_join(struct zcnl_socket *sock, const char *group)
{
	if (sock->script.join_error)
		return -sock->script.join_error;
	strncat(sock->groups, group, sizeof(sock->groups) - strlen(sock->groups) - 1);
	return 0;
}
