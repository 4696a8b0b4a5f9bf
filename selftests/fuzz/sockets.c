// SPDX-License-Identifier: GPL-2.0-only
/* Sockets of many kinds and in many states, and peers that read, or do not. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "fuzz.h"
#include "zc_sockets.h"

/* One of UDP that sends to the other. */
static int datagram_pair(int *sock)
{
	struct sockaddr_in addr = { AF_INET, 0, { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(addr);

	sock[0] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	sock[1] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return bind(sock[1], (void *)&addr, len) ?:
	       getsockname(sock[1], (void *)&addr, &len) ?:
	       connect(sock[0], (void *)&addr, len);
}

/* Its peer has what it gets as it comes. */
static int tls_tx(int sock)
{
	return zct_tls_ulp(sock) ?: zct_tls_way(sock, TLS_TX);
}

static int make_pair(unsigned int kind, int *sock)
{
	static const struct sockaddr_in any = { AF_INET, 0, { 0 } };

	sock[0] = -1;
	sock[1] = -1;
	switch (kind) {
	default:
		return zct_pair(AF_INET, sock);
	case 1:
		return zct_pair(AF_INET6, sock);
	case 2 ... 3:
		return zct_pair(AF_UNIX, sock);
	case 4:
		return socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sock);
	case 5:
		return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock);
	case 6:
		return datagram_pair(sock);
	case 7:
		return zct_mptcp_pair(sock);
	case 8:
		/* Not connected, or listening. */
		sock[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		sock[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		return bind(sock[0], (void *)&any, sizeof(any)) ?: listen(sock[0], 1);
	case 9:
		return zct_pair(AF_INET, sock) ?: tls_tx(sock[0]);
	}
}

static void close_pair(int *sock)
{
	if (sock[0] >= 0)
		close(sock[0]);
	if (sock[1] >= 0)
		close(sock[1]);
}

/* Few block, and these not for long. */
static void dress(struct thread *t, int *sock)
{
	const struct timeval soon = { 0, 20000 };
	int small = 4608, one = 1;

	if (below(t, 16))
		fcntl(sock[0], F_SETFL, O_NONBLOCK);
	setsockopt(sock[0], SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof(soon));
	setsockopt(sock[0], SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one));
	if (one_in(t, 4))
		setsockopt(sock[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	fcntl(sock[1], F_SETFL, O_NONBLOCK);
}

static long new_pair(struct thread *t, unsigned int kind, unsigned int slot)
{
	int sock[2];

	if (make_pair(kind, sock)) {
		close_pair(sock);
		return -EIO;
	}
	dress(t, sock);
	fd_put(FD_SOCK, slot, sock[0]);
	fd_put(FD_PEER, slot, sock[1]);
	return 0;
}

void sockets_init(struct thread *t)
{
	unsigned int i;

	for (i = 0; i < FDS; i++)
		new_pair(t, i < 4 ? 0 : i - 3, i);
}

static long do_socket(struct thread *t, const void *data)
{
	return new_pair(t, below(t, 16), below(t, FDS));
}

static long reset(int fd)
{
	const struct linger now = { 1, 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	return result(close(fd));
}

/* Data stays with a reader that peeks, or in a pipe. */
static long do_peer(struct thread *t, const void *data)
{
	static char bin[64 << 10];
	unsigned int slot = below(t, FDS);
	int fd = fd_get(FD_PEER, slot);

	switch (below(t, 32)) {
	case 0:
		return reset(fd_take(FD_PEER, slot));
	case 1:
		return result(shutdown(fd, below(t, 3)));
	case 2:
		return result(recv(fd, bin, sizeof(bin), MSG_PEEK | MSG_DONTWAIT));
	case 3 ... 4:
		return result(splice(fd, NULL, fd_value(t, FD_PIPE), NULL, 64 * PAGE,
				     SPLICE_F_NONBLOCK));
	case 5:
		return result(send(fd, bin, 1 + below(t, PAGE), MSG_DONTWAIT | MSG_NOSIGNAL));
	default:
		return result(recv(fd, bin, sizeof(bin), MSG_DONTWAIT));
	}
}

/* All there is, so that senders get on. */
static long do_drain(struct thread *t, const void *data)
{
	static char bin[256 << 10];
	unsigned int i, slot = below(t, FDS);
	long ret = -EAGAIN, n;

	for (i = 0; i < 8; i++) {
		n = recv(fd_get(FD_PEER, slot), bin, sizeof(bin), MSG_DONTWAIT);
		if (n <= 0)
			break;
		ret = n;
	}
	return ret;
}

static long do_sockopt(struct thread *t, const void *data)
{
	const struct sockaddr none = { AF_UNSPEC };
	int fd = fd_value(t, FD_SOCK), val = below(t, 2);

	switch (below(t, 10)) {
	case 0 ... 1:
		return result(setsockopt(fd, SOL_TCP, TCP_CORK, &val, sizeof(val)));
	case 2:
		return result(setsockopt(fd, SOL_TCP, TCP_NODELAY, &val, sizeof(val)));
	case 3:
		val = 4096 << below(t, 8);
		return result(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &val, sizeof(val)));
	case 4:
		return result(fcntl(fd, F_SETFL, below(t, 4) ? O_NONBLOCK : 0));
	case 5:
		return result(one_in(t, 4) ? shutdown(fd, SHUT_WR) : 0);
	case 6:
		return result(one_in(t, 4) ? connect(fd, &none, sizeof(none)) : 0);
	case 7:
		return result(one_in(t, 4) ? tls_tx(fd) : 0);
	case 8:
		val = 1000 << below(t, 12);
		return result(setsockopt(fd, SOL_TCP, TCP_NOTSENT_LOWAT, &val, sizeof(val)));
	default:
		return result(setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &val, sizeof(val)));
	}
}

static long take_fd(struct thread *t, struct msghdr *msg, int from)
{
	struct cmsghdr *cmsg;
	int fd;

	if (recvmsg(from, msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0)
		return -errno;
	cmsg = CMSG_FIRSTHDR(msg);
	if (!cmsg || cmsg->cmsg_type != SCM_RIGHTS)
		return -ENOMSG;
	memcpy(&fd, CMSG_DATA(cmsg), sizeof(fd));
	close(fd);
	return 0;
}

/* A device travels through a socket, or stays in it. */
static long do_pass(struct thread *t, const void *data)
{
	char room[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = room,
			      .msg_controllen = sizeof(room) };
	/* Those of unix sockets, as sockets_init() has it. */
	unsigned int slot = one_in(t, 4) ? below(t, FDS) : 5 + below(t, 4);
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	int fd = fd_value(t, below(t, 2) ? FD_DEV : below(t, FD_KINDS));

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	if (below(t, 3))
		return result(sendmsg(fd_get(FD_SOCK, slot), &msg, MSG_DONTWAIT | MSG_NOSIGNAL));
	return take_fd(t, &msg, fd_get(FD_PEER, slot));
}

const struct call socket_calls[] = {
	{ "socket", 8, do_socket },
	{ "peer", 60, do_peer },
	{ "drain", 40, do_drain },
	{ "sockopt", 30, do_sockopt },
	{ "pass", 10, do_pass },
	{ }
};
