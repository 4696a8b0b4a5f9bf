// SPDX-License-Identifier: GPL-2.0-only
/* TCP sockets by name. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
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

/* Returns a descriptor, or -1 after an error message. */
int net_connect(const char *host, const char *port)
{
	struct addrinfo *list, *ai;
	int fd = -1, err = 0;

	if (resolve(host, port, 0, &list))
		return -1;
	for (ai = list; ai; ai = ai->ai_next) {
		fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC, 0);
		if (fd >= 0 && !connect(fd, ai->ai_addr, ai->ai_addrlen))
			break;
		err = errno;
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	freeaddrinfo(list);
	if (fd < 0)
		out_error(EX_FAILED, err,
			  err == ECONNREFUSED ?
			  "start a receiver there first: zcctl recv PORT" : NULL,
			  "cannot connect to %s port %s", host, port);
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
	if (!bind(fd, ai->ai_addr, ai->ai_addrlen) && !listen(fd, 1))
		return fd;
	close(fd);
	return -1;
}

/* Wait for one connection. Returns a descriptor, or -1 after an error message. */
int net_accept(const char *bind_to, const char *port)
{
	struct addrinfo *list, *ai;
	int fd = -1, conn, pass;

	if (resolve(bind_to, port, AI_PASSIVE, &list))
		return -1;
	/* A socket of IPv6 takes both; where there is no IPv6, IPv4. */
	for (pass = AF_INET6; fd < 0 && pass; pass = pass == AF_INET6 ? AF_INET : 0)
		for (ai = list; ai && fd < 0; ai = ai->ai_next)
			if (ai->ai_family == pass)
				fd = listen_on(ai);
	freeaddrinfo(list);
	if (fd < 0) {
		out_error(EX_FAILED, errno, NULL, "cannot listen on port %s", port);
		return -1;
	}
	conn = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	if (conn < 0)
		out_error(EX_FAILED, errno, NULL, "no connection on port %s", port);
	close(fd);
	return conn;
}
