// SPDX-License-Identifier: GPL-2.0-only
/*
 * Folios -> socket, by reference where the protocol takes pages, else by copy.
 */
#include <linux/file.h>
#include <linux/net.h>
#include <linux/socket.h>
#include <net/inet_connection_sock.h>
#include <net/sock.h>

#include "compat.h"
#include "zc.h"

/*
 * Plain TCP and unix stream sockets keep page references until the peer has the
 * bytes. Others (TLS, MPTCP, SMC, vsock) get a copy.
 */
static bool zc_sink_takes_pages(const struct sock *sk)
{
	switch (sk->sk_family) {
	case AF_INET:
	case AF_INET6:
		return sk->sk_protocol == IPPROTO_TCP &&
		       !READ_ONCE(inet_csk(sk)->icsk_ulp_ops);
	case AF_UNIX:
		return true;
	default:
		return false;
	}
}

static bool zc_sink_is_tcp(const struct sock *sk)
{
	return sk->sk_family != AF_UNIX && sk->sk_protocol == IPPROTO_TCP;
}

/**
 * zc_sink_open - take a socket to write to
 * @sink:  filled in; to be closed by zc_sink_close()
 * @fd:    descriptor from the user
 * @flags: ZC_SEND_* flags
 *
 * Returns: 0; -EBADF, -ENOTSOCK, -EOPNOTSUPP (not a stream socket).
 */
int zc_sink_open(struct zc_sink *sink, int fd, u32 flags)
{
	struct socket *sock;
	int err;

	sock = sockfd_lookup(fd, &err);
	if (!sock)
		return err;
	if (sock->type != SOCK_STREAM) {
		sockfd_put(sock);
		return -EOPNOTSUPP;
	}
	sink->sock = sock;
	sink->msg_flags = 0;
	if ((flags & ZC_SEND_NONBLOCK) || (sock->file->f_flags & O_NONBLOCK))
		sink->msg_flags |= MSG_DONTWAIT;
	if (flags & ZC_SEND_NOSIGNAL)
		sink->msg_flags |= MSG_NOSIGNAL;
	sink->pages = zc_sink_takes_pages(sock->sk);
	sink->copied = 0;
	sink->reasons = 0;
	return 0;
}

/**
 * zc_sink_close - let the socket go
 * @sink: sink
 */
void zc_sink_close(struct zc_sink *sink)
{
	sockfd_put(sink->sock);
}

/**
 * zc_sink_nonblock - must sends not wait?
 * @sink: sink
 *
 * Returns: true if they must not.
 */
bool zc_sink_nonblock(const struct zc_sink *sink)
{
	return sink->msg_flags & MSG_DONTWAIT;
}

static long zc_sink_space(struct sock *sk)
{
	if (zc_sink_is_tcp(sk))
		return sk_stream_wspace(sk);
	return sock_wspace(sk);
}

/**
 * zc_sink_room - how much a non-blocking send could take
 * @sink: sink
 *
 * A hint that spares reads whose bytes would not be taken. Where there is no
 * room, the socket is asked to wake its pollers when there is, as a send that
 * fails would.
 *
 * Returns: bytes, at least PAGE_SIZE if a send should be tried, or 0.
 */
long zc_sink_room(struct zc_sink *sink)
{
	struct sock *sk = sink->sock->sk;
	long room = zc_sink_space(sk);

	/* An error is for the send to report. */
	if (READ_ONCE(sk->sk_err) || (READ_ONCE(sk->sk_shutdown) & SEND_SHUTDOWN))
		return PAGE_SIZE;
	if (room <= 0) {
		set_bit(SOCK_NOSPACE, &sink->sock->flags);
		sk_set_bit(SOCKWQ_ASYNC_NOSPACE, sk);
		/* Pairs with the barrier between freeing and the flag's test. */
		smp_mb__after_atomic();
		room = zc_sink_space(sk);
	}
	return room <= 0 ? 0 : max_t(long, room, PAGE_SIZE);
}

static ssize_t zc_sink_send_copy(struct zc_sink *sink, struct folio *folio,
				 size_t off, size_t len, int flags)
{
	struct msghdr msg = { .msg_flags = flags };
	struct bio_vec bv = {
		.bv_page = folio_page(folio, 0),
		.bv_offset = off,
		.bv_len = len,
	};

	iov_iter_bvec(&msg.msg_iter, ITER_SOURCE, &bv, 1, len);
	return sock_sendmsg(sink->sock, &msg);
}

/**
 * zc_sink_send - send a part of a folio
 * @sink:  sink
 * @folio: folio; on return the socket may hold references to it, and the bytes
 *         must not change until it has dropped them
 * @off:   first byte in the folio
 * @len:   bytes
 * @more:  more will follow at once
 *
 * Returns: bytes taken by the socket, less than @len if it was interrupted, timed
 * out or failed meanwhile; or a negative errno. May raise SIGPIPE.
 */
ssize_t zc_sink_send(struct zc_sink *sink, struct folio *folio, size_t off,
		     size_t len, bool more)
{
	const struct sock *sk = sink->sock->sk;
	int flags = sink->msg_flags | (more ? MSG_MORE : 0);
	u32 reason = 0;
	ssize_t ret;

	if (!sink->pages) {
		reason = ZC_COPY_SOCKET;
		ret = zc_sink_send_copy(sink, folio, off, len, flags);
	} else {
		/* TCP itself copies where the route cannot gather. */
		if (zc_sink_is_tcp(sk) && !(sk->sk_route_caps & NETIF_F_SG))
			reason = ZC_COPY_NO_SG;
		ret = zc_sock_send_pages(sink->sock, folio, off, len,
					 flags | MSG_NO_SHARED_FRAGS);
	}
	if (ret > 0 && reason) {
		sink->copied += ret;
		sink->reasons |= reason;
	}
	return ret;
}

/**
 * zc_sink_why_short - why did a send take less than it was given?
 * @sink: sink
 *
 * Leaves the socket's error for the next send to report.
 *
 * Returns: negative errno.
 */
int zc_sink_why_short(const struct zc_sink *sink)
{
	const struct sock *sk = sink->sock->sk;
	int err = READ_ONCE(sk->sk_err);

	if (err)
		return -err;
	if (READ_ONCE(sk->sk_shutdown) & SEND_SHUTDOWN)
		return -EPIPE;
	if (signal_pending(current))
		return -EINTR;
	return -EAGAIN;
}
