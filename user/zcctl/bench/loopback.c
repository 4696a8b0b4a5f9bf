// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connections on the loopback, both ends of which are ours. Any process of the machine may
 * connect to who listens there, and be the first: who it was is seen by the other end.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

/**
 * bench_listen - listen on the loopback, at a port that is free
 * @addr: out: where
 *
 * Returns: descriptor or a negative errno.
 */
int bench_listen(struct sockaddr_in *addr)
{
	socklen_t len = sizeof(*addr);
	int err, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	*addr = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	if (!bind(fd, (struct sockaddr *)addr, len) && !listen(fd, 4096) &&
	    !getsockname(fd, (struct sockaddr *)addr, &len))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/* Is @peer the other end of a connection of which @sock is the one? */
static bool joined(int sock, const struct sockaddr_in *peer)
{
	struct sockaddr_in own;
	socklen_t len = sizeof(own);

	return !getsockname(sock, (struct sockaddr *)&own, &len) && len == sizeof(own) &&
	       own.sin_port == peer->sin_port && own.sin_addr.s_addr == peer->sin_addr.s_addr;
}

/**
 * bench_accept_own - the other end of a connection
 * @listener: where it was made to
 * @sock:     the one end
 *
 * Strangers who were there before are sent away. Returns: descriptor or a negative errno.
 */
int bench_accept_own(int listener, int sock)
{
	struct sockaddr_in peer;
	socklen_t len;
	int fd;

	for (;;) {
		len = sizeof(peer);
		fd = accept4(listener, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC);
		if (fd < 0 && errno != ECONNABORTED && errno != EINTR)
			return -errno;
		if (fd >= 0 && joined(sock, &peer))
			return fd;
		if (fd >= 0)
			close(fd);
	}
}

/* Two ends of a TCP connection on the loopback. */
int bench_tcp_pair(int *sock)
{
	struct sockaddr_in addr;
	int listener = bench_listen(&addr), err = 0;

	sock[0] = -1;
	sock[1] = -1;
	if (listener < 0)
		return listener;
	sock[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (sock[0] < 0 || connect(sock[0], (struct sockaddr *)&addr, sizeof(addr)))
		err = -errno;
	if (!err) {
		sock[1] = bench_accept_own(listener, sock[0]);
		err = sock[1] < 0 ? sock[1] : 0;
	}
	close(listener);
	return err;
}
