// SPDX-License-Identifier: GPL-2.0-only
/* TCP sockets by name. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "zcctl.h"

static int resolve(const char *host, const char *port, int flags,
		   struct addrinfo **list)
{
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = flags,
	};
	int err = getaddrinfo(host, port, &hints, list);

	if (err)
		return out_error(EX_FAILED, err == EAI_SYSTEM ? errno : 0, NULL,
				 "cannot find %s port %s: %s", host ? host : "any",
				 port, gai_strerror(err));
	return 0;
}

/* How a connection that is being made ended. @end: ns, when to give it up. */
static int wait_connected(int fd, uint64_t end)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(int);
	int n = 0, err = 0;

	while (!n) {
		uint64_t now = now_ns();

		if (now >= end)
			return -ETIMEDOUT;
		n = poll(&pfd, 1, (end - now) / 1000000 + 1);
		if (n < 0 && errno == EINTR)
			n = 0;
	}
	if (n < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len))
		return -errno;
	return -err;
}

/* By @end, unless that is 0. The socket blocks afterwards. */
static int connect_by(int fd, const struct addrinfo *ai, uint64_t end)
{
	int err = 0, flags = fcntl(fd, F_GETFL);

	if (end)
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	if (connect(fd, ai->ai_addr, ai->ai_addrlen))
		err = -errno;
	if (end && err == -EINPROGRESS)
		err = wait_connected(fd, end);
	if (end)
		fcntl(fd, F_SETFL, flags);
	return err;
}

static const char *connect_hint(const struct net_peer *peer, int err)
{
	switch (err) {
	case ECONNREFUSED:
		return peer->refused;
	case ETIMEDOUT:
		return "nothing answers: is that host up, and do firewalls let the port through?";
	case EHOSTUNREACH:
	case ENETUNREACH:
		return "there is no way to that host: see ip route get ADDRESS, ping ADDRESS";
	default:
		return NULL;
	}
}

/* To the first of its addresses that answers. Returns a descriptor or a negative errno. */
static int connect_to(const struct net_peer *peer, const struct addrinfo *list)
{
	uint64_t end = peer->timeout ? now_ns() + peer->timeout * 1000000000ull : 0;
	const struct addrinfo *ai;
	int fd, err = -ENOENT;

	for (ai = list; ai; ai = ai->ai_next) {
		fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC, 0);
		err = fd < 0 ? -errno : connect_by(fd, ai, end);
		if (!err)
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return err;
}

/* Returns a descriptor, or -1 after an error message. */
int net_connect(const struct net_peer *peer)
{
	struct addrinfo *list;
	int fd;

	out_waiting("connecting to %s port %s…", peer->host, peer->port);
	if (resolve(peer->host, peer->port, 0, &list))
		return -1;
	fd = connect_to(peer, list);
	freeaddrinfo(list);
	out_progress_end();
	if (fd >= 0)
		return fd;
	out_error(EX_FAILED, -fd, connect_hint(peer, -fd),
		  "cannot connect to %s port %s", peer->host, peer->port);
	return -1;
}

/* Returns a descriptor, or a negative errno without a message. */
int net_connect_quietly(const struct net_peer *peer)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list;
	int fd, err = getaddrinfo(peer->host, peer->port, &hints, &list);

	if (err)
		return err == EAI_SYSTEM ? -errno : -EHOSTUNREACH;
	fd = connect_to(peer, list);
	freeaddrinfo(list);
	return fd;
}

static int listen_on(const struct addrinfo *ai)
{
	int fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC, 0);
	const int on = 1, off = 0;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (ai->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (!bind(fd, ai->ai_addr, ai->ai_addrlen) && !listen(fd, SOMAXCONN))
		return fd;
	close(fd);
	return -1;
}

/*
 * Take connections. Returns a descriptor that does, or minus an exit code after an error
 * message.
 */
int net_listen(const char *bind_to, const char *port)
{
	struct addrinfo *list, *ai;
	int fd = -1, pass;

	if (resolve(bind_to, port, AI_PASSIVE, &list))
		return -EX_FAILED;
	/* A socket of IPv6 takes both; where there is no IPv6, IPv4. */
	for (pass = AF_INET6; fd < 0 && pass; pass = pass == AF_INET6 ? AF_INET : 0)
		for (ai = list; ai && fd < 0; ai = ai->ai_next)
			if (ai->ai_family == pass)
				fd = listen_on(ai);
	freeaddrinfo(list);
	if (fd < 0) {
		return -out_error(errno == EACCES ? EX_PERMISSION : EX_FAILED, errno, NULL,
				  "cannot listen on port %s", port);
	}
	return fd;
}

/* Wait for one connection. Returns a descriptor, or minus an exit code after a message. */
int net_accept(const char *bind_to, const char *port)
{
	int fd = net_listen(bind_to, port), conn;

	if (fd < 0)
		return fd;
	out_waiting("waiting for a connection on port %s", port);
	conn = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	out_progress_end();
	if (conn < 0)
		conn = -out_error(EX_FAILED, errno, NULL, "no connection on port %s", port);
	close(fd);
	return conn;
}
