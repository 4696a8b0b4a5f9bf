// SPDX-License-Identifier: GPL-2.0-only
/*
 * The socket of generic netlink, in the place of zcctl/nl-socket.c. What it says comes from
 * the fuzzer: pieces, each a byte for its kind, one for its length, and what is in it. Most
 * kinds have the headers that a reply must have, so that what comes after them is reached.
 */
#include <errno.h>
#include <netlink/genl/genl.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "nl.h"

#define FAMILY	29
/* After so many nothing more comes. */
#define PIECES	64

struct zcnl_socket {
	uint32_t seq;
	uint8_t cmd;
	unsigned int pieces;
};

static const uint8_t *from;
static size_t left;

void fuzz_answers(const uint8_t *data, size_t size)
{
	from = data;
	left = size;
}

int socket_open(struct zcnl_socket **sock, int *family)
{
	if (!from)
		return -ENOENT;
	*sock = calloc(1, sizeof(**sock));
	*family = FAMILY;
	return *sock ? 0 : -ENOMEM;
}

void socket_close(struct zcnl_socket *sock)
{
	free(sock);
}

int socket_send(struct zcnl_socket *sock, struct nl_msg *msg)
{
	const struct nlmsghdr *hdr = nlmsg_hdr(msg);

	sock->seq = hdr->nlmsg_seq;
	sock->cmd = ((const struct genlmsghdr *)nlmsg_data(hdr))->cmd;
	return 0;
}

int socket_join(struct zcnl_socket *sock __attribute__((unused)),
		const char *group __attribute__((unused)))
{
	return 0;
}

/* A message of @type, which has @len bytes from the fuzzer after @skip zeros. */
static int message(const struct zcnl_socket *sock, char *buf, int type, int skip, size_t len)
{
	struct nlmsghdr hdr = { NLMSG_HDRLEN + skip + len, type, NLM_F_MULTI, sock->seq, 0 };

	if (type != FAMILY)
		hdr.nlmsg_flags |= NLM_F_ACK_TLVS | NLM_F_CAPPED;
	memcpy(buf, &hdr, sizeof(hdr));
	memset(buf + NLMSG_HDRLEN, 0, skip);
	if (type == FAMILY && skip)
		buf[NLMSG_HDRLEN] = sock->cmd;
	if (len)
		memcpy(buf + NLMSG_HDRLEN + skip, from, len);
	return hdr.nlmsg_len;
}

static int piece(const struct zcnl_socket *sock, char *buf, uint8_t kind, size_t len)
{
	switch (kind % 8) {
	case 0:
		memcpy(buf, from, len);
		return len;
	case 1:
		return message(sock, buf, NLMSG_ERROR, sizeof(struct nlmsgerr), len);
	case 2:
		return message(sock, buf, NLMSG_ERROR, 0, len);
	case 3:
		return message(sock, buf, NLMSG_DONE, kind & 8 ? 4 : 0, len);
	case 4:
		/* An event, or the reply to another request */
		return message(sock, buf, FAMILY, 0, len);
	default:
		return message(sock, buf, FAMILY, GENL_HDRLEN, len);
	}
}

int socket_receive(struct zcnl_socket *sock, void *buf, size_t size,
		   int timeout_ms __attribute__((unused)))
{
	uint8_t kind;
	size_t len;
	int ret;

	if (sock->pieces++ > PIECES)
		return -ECONNRESET;
	if (left < 2)
		return message(sock, buf, sock->pieces % 2 ? NLMSG_DONE : NLMSG_ERROR,
			       sizeof(struct nlmsgerr), 0);
	kind = from[0];
	len = from[1] * (kind & 16 ? 8 : 1);
	from += 2;
	left -= 2;
	if (kind >> 4 == 15)
		return -(int)(1 + len % 130);
	if (len > left)
		len = left;
	if (len > size - 64)
		len = size - 64;
	ret = piece(sock, buf, kind, len);
	from += len;
	left -= len;
	return ret;
}
