// SPDX-License-Identifier: GPL-2.0-only
/*
 * Folios -> socket, by reference where the protocol takes pages, else by copy.
 */
#include <linux/moduleparam.h>
#include <linux/net.h>
#include <linux/netdevice.h>
#include <linux/poll.h>
#include <linux/skbuff.h>
#include <linux/skmsg.h>
#include <linux/socket.h>
#include <linux/tcp.h>
#include <net/dst.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "compat.h"
#include "trace.h"
#include "zc.h"

/* Some drivers and skb_copy_ubufs() are not made for frags larger than this. */
#define ZC_FRAG_MAX	SZ_64K

/* Measured by `make bench`: where a reference begins to cost less than a copy. */
static unsigned int zc_copybreak = 512;
module_param_named(copybreak, zc_copybreak, uint, 0644);
MODULE_PARM_DESC(copybreak, "sends of fewer bytes are copied (default 512)");

static bool zc_sk_is_mapped(struct sock *sk)
{
	bool mapped;

	rcu_read_lock();
	mapped = sk_psock(sk);
	rcu_read_unlock();
	return mapped;
}

/*
 * Plain TCP and unix stream sockets keep page references until the peer has the
 * bytes. Others (TLS, MPTCP, SMC, vsock, sockmap) get a copy, and so does a unix
 * socket whose sender is to be told of the end, as it knows no such thing. A socket
 * may turn into one of TLS at any time, so this is asked for each send.
 */
static enum zc_sink_way zc_sink_way(const struct zc_sink *sink)
{
	const struct socket *sock = sink->sock;

	/* From IPv6 to IPv4 it may change (IPV6_ADDRFORM). */
	switch (READ_ONCE(sock->sk->sk_family)) {
	case AF_INET:
	case AF_INET6:
		if (sock->sk->sk_protocol != IPPROTO_TCP ||
		    !test_bit(SOCK_SUPPORT_ZC, &sock->flags))
			return ZC_WAY_COPY;
		/* Of a sockmap: one put there before it was accepted has the flag all the same. */
		return zc_sk_is_mapped(sock->sk) ? ZC_WAY_COPY : ZC_WAY_FRAGS;
	case AF_UNIX:
		return sink->ubuf ? ZC_WAY_COPY : ZC_WAY_PAGES;
	default:
		return ZC_WAY_COPY;
	}
}

static bool zc_sink_is_tcp(const struct sock *sk)
{
	return READ_ONCE(sk->sk_family) != AF_UNIX && sk->sk_protocol == IPPROTO_TCP;
}

/**
 * zc_sink_close - let the socket go
 * @sink: sink
 */
void zc_sink_close(struct zc_sink *sink)
{
	if (sink->ref)
		fput(sink->file);
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
	struct file *file = zc_file_get(fd, flags & ZC_SEND_ASYNC, &sink->ref);
	int ret = 0;

	if (!file)
		return -EBADF;
	sink->file = file;
	sink->sock = sock_from_file(file);
	if (!sink->sock)
		ret = -ENOTSOCK;
	else if (sink->sock->type != SOCK_STREAM)
		ret = -EOPNOTSUPP;
	if (ret) {
		zc_sink_close(sink);
		return ret;
	}
	sink->msg_flags = 0;
	if ((flags & (ZC_SEND_NONBLOCK | ZC_SEND_ASYNC)) || (file->f_flags & O_NONBLOCK))
		sink->msg_flags |= MSG_DONTWAIT;
	if (flags & (ZC_SEND_NOSIGNAL | ZC_SEND_ASYNC))
		sink->msg_flags |= MSG_NOSIGNAL;
	sink->ubuf = NULL;
	sink->copied = 0;
	sink->reasons = 0;
	sink->paths = 0;
	sink->frags = 0;
	return 0;
}

/**
 * zc_sink_result - how has it gone?
 * @sink: sink
 * @res:  result, of which the fields that tell how bytes got into the socket are set
 */
void zc_sink_result(const struct zc_sink *sink, struct zc_sendfile *res)
{
	res->copied += sink->copied;
	res->copy_reasons |= sink->reasons;
	res->paths = sink->paths;
	res->frags = sink->frags;
}

/**
 * zc_sink_notify - have the end of the network's use of the bytes told
 * @sink: sink
 * @ubuf: is told of all that is sent from here on. Its flags are set here
 *
 * With it the network copies packets that loop back to this host. A unix socket
 * has no such thing; it gets a copy.
 */
void zc_sink_notify(struct zc_sink *sink, struct ubuf_info *ubuf)
{
	ubuf->flags = SKBFL_ZEROCOPY_FRAG | SKBFL_DONT_ORPHAN;
	sink->ubuf = ubuf;
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

/* As sk_stream_wspace() and sock_wspace() have it, without the lock that the latter wants. */
static long zc_sink_space(struct sock *sk)
{
	long room = READ_ONCE(sk->sk_sndbuf);

	if (zc_sink_is_tcp(sk))
		return room - READ_ONCE(sk->sk_wmem_queued);
	if (READ_ONCE(sk->sk_shutdown) & SEND_SHUTDOWN)
		return 0;
	return max(room - (long)refcount_read(&sk->sk_wmem_alloc), 0L);
}

/*
 * Room for a sender who may have @share bytes in the socket. MPTCP has copies, which are
 * not the pool's; and before 6.12 it wakes nobody while it has room by its own count.
 */
static long zc_sink_space_of(struct sock *sk, long share)
{
	long space = zc_sink_space(sk);

	if (sk->sk_protocol == IPPROTO_MPTCP)
		return space;
	return min(space, share - READ_ONCE(sk->sk_wmem_queued));
}

/**
 * zc_sink_room - how much a non-blocking send could take
 * @sink:  sink
 * @share: most bytes that the socket should hold
 *
 * A hint that spares reads whose bytes would not be taken. Where there is no
 * room, the socket is asked to wake its pollers when there is, as a send that
 * fails would.
 *
 * Returns: bytes, at least PAGE_SIZE if a send should be tried, or 0.
 */
long zc_sink_room(struct zc_sink *sink, long share)
{
	struct sock *sk = sink->sock->sk;
	long room = zc_sink_space_of(sk, share);

	/* An error is for the send to report. */
	if (READ_ONCE(sk->sk_err) || (READ_ONCE(sk->sk_shutdown) & SEND_SHUTDOWN))
		return PAGE_SIZE;
	if (room <= 0) {
		set_bit(SOCK_NOSPACE, &sink->sock->flags);
		sk_set_bit(SOCKWQ_ASYNC_NOSPACE, sk);
		/* Pairs with the barrier between freeing and the flag's test. */
		smp_mb__after_atomic();
		room = zc_sink_space_of(sk, share);
	}
	return room <= 0 ? 0 : max_t(long, room, PAGE_SIZE);
}

/**
 * zc_sink_writable - is it worth while to try a non-blocking send again?
 * @sink: sink
 *
 * Where it is not, the socket will wake its pollers when it is.
 *
 * Returns: true if there is room, or an error to report.
 */
bool zc_sink_writable(const struct zc_sink *sink)
{
	return vfs_poll(sink->file, NULL) & (EPOLLOUT | EPOLLERR | EPOLLHUP);
}

static ssize_t zc_sink_send_copy(struct zc_sink *sink, struct iov_iter *iter,
				 int flags)
{
	struct msghdr msg = { .msg_flags = flags, .msg_iter = *iter };

	return sock_sendmsg(sink->sock, &msg);
}

/* Can these bytes, which a reference covers already, prolong the last frag? */
static bool zc_frag_merge(struct skb_shared_info *shinfo, struct page *page,
			  size_t off, size_t len)
{
	skb_frag_t *frag;
	size_t end;

	if (!shinfo->nr_frags)
		return false;
	frag = &shinfo->frags[shinfo->nr_frags - 1];
	end = skb_frag_off(frag) + skb_frag_size(frag);
	if (page_folio(skb_frag_page(frag)) != page_folio(page) ||
	    page_to_pfn(skb_frag_page(frag)) + (end >> PAGE_SHIFT) !=
		    page_to_pfn(page) ||
	    offset_in_page(end) != off || skb_frag_size(frag) + len > ZC_FRAG_MAX)
		return false;
	skb_frag_size_add(frag, len);
	return true;
}

/**
 * struct zc_msg - a message and how its skbs are filled
 * @msg:   what TCP is given, and gives back to zc_skb_fill() as its msg_iter
 * @frags: frags made
 * @hold:  leave the first skb a byte short, see zc_sink_holds()
 * @held:  that was done
 * @last:  the socket, if no more follows: its last skb is not to wait for that one's
 *         sake; else NULL
 */
struct zc_msg {
	struct msghdr msg;
	u32 frags;
	bool hold;
	bool held;
	struct tcp_sock *last;
};

/*
 * The Nagle algorithm takes a short skb for a small packet, and would hold the last
 * bytes back until it has been acknowledged. A cork is the user's.
 */
static void zc_skb_push(struct tcp_sock *tp)
{
	if (!(tp->nonagle & TCP_NAGLE_CORK))
		tp->nonagle |= TCP_NAGLE_PUSH;
}

/**
 * zc_skb_fill - append bytes of folios to an skb
 * @skb:    skb that TCP is about to send
 * @from:   the bytes, an ITER_BVEC, of a struct zc_msg; advanced by those that fit
 * @length: append so many at most
 *
 * Makes a frag of as many contiguous bytes as may be, and takes a reference for
 * each frag, which the network drops as that of any page. (MSG_SPLICE_PAGES would
 * make a frag for each PAGE_SIZE.)
 *
 * Returns: 0; -EMSGSIZE if not all fit. Any context.
 */
int zc_skb_fill(struct sk_buff *skb, struct iov_iter *from, size_t length)
{
	struct zc_msg *zm = container_of(from, struct zc_msg, msg.msg_iter);
	struct skb_shared_info *shinfo = skb_shinfo(skb);
	size_t left = min(length, iov_iter_count(from));

	if (zm->hold && length < iov_iter_count(from)) {
		if (length == 1) {
			zm->hold = false;
			return -EMSGSIZE;
		}
		zm->held = true;
		left = length - 1;
	}
	while (left) {
		const struct bio_vec *bv = from->bvec;
		struct folio *folio = page_folio(bv->bv_page);
		size_t off = bv->bv_offset + from->iov_offset;
		struct page *page =
			folio_page(folio, folio_page_idx(folio, bv->bv_page) +
						  (off >> PAGE_SHIFT));
		size_t len = min3(left, bv->bv_len - from->iov_offset,
				  (size_t)ZC_FRAG_MAX);

		off = offset_in_page(off);
		if (!zc_frag_merge(shinfo, page, off, len)) {
			if (shinfo->nr_frags == MAX_SKB_FRAGS)
				return -EMSGSIZE;
			folio_get(folio);
			skb_fill_page_desc_noacc(skb, shinfo->nr_frags, page,
						 off, len);
			zm->frags++;
		}
		skb->len += len;
		skb->data_len += len;
		skb->truesize += len;
		iov_iter_advance(from, len);
		left -= len;
	}
	if (zm->held && zm->last && !iov_iter_count(from))
		zc_skb_push(zm->last);
	return 0;
}

/* Until 6.7 TCP holds a reference during the call. */
static void zc_ubuf_put(struct sk_buff *skb, struct ubuf_info *ubuf, bool success)
{
	refcount_dec(&ubuf->refcnt);
}

/*
 * TCP transmits each skb as soon as it is full, if none waits before it. Where an
 * skb is one packet, to a receiver on this host, each wakes the receiver, which
 * reads it, sleeps, and is woken for the next: two switches of tasks for each 64 KiB.
 * An skb that is a byte short is not transmitted before the end of the call, and then
 * the others with it, in one go. Not where a cork is to see to it that none is short.
 */
static bool zc_sink_holds(const struct zc_sink *sink, unsigned int how)
{
	const struct sock *sk = sink->sock->sk;
	const struct tcp_sock *tp = tcp_sk(sk);

	/* No lock of the socket is held: what is a moment old will do. */
	bool corked = data_race(tp->nonagle & TCP_NAGLE_CORK);

	return 2 * READ_ONCE(tp->mss_cache) > READ_ONCE(sk->sk_gso_max_size) &&
	       (how & ZC_HOW_MORE || !corked);
}

/*
 * The network asks who fills its skbs of a ubuf_info, which it then notifies of
 * the end of each skb, and which makes it copy what loops back to this host. The
 * one here has no SKBFL_ZEROCOPY_ENABLE: no skb is ever seen to have it, nothing
 * is notified or copied, and nobody looks at it after the call.
 */
static ssize_t zc_sink_send_frags(struct zc_sink *sink, struct iov_iter *iter,
				  unsigned int how, int flags)
{
	struct ubuf_info ubuf = {
		.refcnt = REFCOUNT_INIT(1),
		.flags = how & ZC_HOW_PRIVATE ? 0 : SKBFL_SHARED_FRAG,
	};
	struct zc_msg zm = {
		.msg = {
			.msg_flags = flags | MSG_ZEROCOPY,
			.msg_iter = *iter,
			.msg_ubuf = sink->ubuf ?: &ubuf,
			.sg_from_iter = zc_sg_from_iter,
		},
		.hold = zc_sink_holds(sink, how),
		.last = how & ZC_HOW_MORE ? NULL : tcp_sk(sink->sock->sk),
	};
	ssize_t ret;

	ZC_UBUF_CALLBACK(&ubuf, zc_ubuf_put);
	ret = sock_sendmsg(sink->sock, &zm.msg);
	sink->frags += zm.frags;
	return ret;
}

/* Why bytes have to be copied; 0 if they need not. */
static u32 zc_sink_reason(const struct zc_sink *sink, unsigned int how)
{
	const struct sock *sk = sink->sock->sk;

	switch (sink->way) {
	case ZC_WAY_FRAGS:
		/* TCP itself copies where it cannot leave that to GSO: it looks again. */
		if (!(data_race(sk->sk_route_caps) & NETIF_F_SG))
			return ZC_COPY_NO_SG;
		return how & ZC_HOW_SMALL ? ZC_COPY_SMALL : 0;
	case ZC_WAY_PAGES:
		return how & ZC_HOW_SMALL ? ZC_COPY_SMALL : 0;
	default:
		return READ_ONCE(sk->sk_family) == AF_UNIX ?
			ZC_COPY_LOOPBACK : ZC_COPY_SOCKET;
	}
}

/*
 * Can the route's device gather? TCP refers to memory even where it cannot; GSO then
 * copies.
 */
static bool zc_sink_gathers(const struct zc_sink *sink)
{
	const struct sock *sk = sink->sock->sk;
	const struct dst_entry *dst;
	bool yes = true;

	if (sink->way != ZC_WAY_FRAGS)
		return true;
	rcu_read_lock();
	dst = rcu_dereference(sk->sk_dst_cache);
	if (dst)
		yes = READ_ONCE(dst->dev)->features & NETIF_F_SG;
	rcu_read_unlock();
	return yes;
}

/* By reference. */
static ssize_t zc_sink_send_refs(struct zc_sink *sink, struct iov_iter *iter,
				 unsigned int how, int flags)
{
	if (sink->way == ZC_WAY_FRAGS)
		return zc_sink_send_frags(sink, iter, how, flags);
	if (how & ZC_HOW_PRIVATE)
		flags |= MSG_NO_SHARED_FRAGS;
	return zc_unix_send_pages(sink->sock, iter, flags);
}

static u32 zc_sink_path(const struct zc_sink *sink)
{
	if (sink->way == ZC_WAY_PAGES)
		return ZC_PATH_PAGES;
	return sink->ubuf ? ZC_PATH_NOTIFY : ZC_PATH_FRAGS;
}

/**
 * zc_sink_copybreak - how many bytes pay for a reference?
 *
 * Returns: sends of fewer are copied.
 */
unsigned int zc_sink_copybreak(void)
{
	return READ_ONCE(zc_copybreak);
}

/**
 * zc_sink_copybreak_set - set it
 * @bytes: sends of fewer are copied
 */
void zc_sink_copybreak_set(unsigned int bytes)
{
	WRITE_ONCE(zc_copybreak, bytes);
}

/**
 * zc_sink_small - do so few bytes cost less to copy than to refer to?
 * @len: bytes
 *
 * Returns: ZC_HOW_SMALL if so, for zc_sink_send(); or 0.
 */
unsigned int zc_sink_small(u64 len)
{
	return len < READ_ONCE(zc_copybreak) ? ZC_HOW_SMALL : 0;
}

/**
 * zc_sink_send - send parts of folios
 * @sink: sink
 * @iter: the bytes, an ITER_BVEC; on return the socket may hold references to
 *        their folios. Not advanced
 * @how:  ZC_HOW_* bits
 *
 * Returns: bytes taken by the socket, less than there are if it was interrupted,
 * timed out or failed meanwhile; or a negative errno. May raise SIGPIPE.
 */
ssize_t zc_sink_send(struct zc_sink *sink, struct iov_iter *iter, unsigned int how)
{
	int flags = sink->msg_flags | (how & ZC_HOW_MORE ? MSG_MORE : 0);
	ssize_t ret = 0;
	u32 reason;

	sink->way = zc_sink_way(sink);
	reason = zc_sink_reason(sink, how);
	if (!reason)
		ret = zc_sink_send_refs(sink, iter, how, flags);
	/* It has turned into one of TLS since it was asked: nothing was taken. */
	if (!reason && ret == -EOPNOTSUPP)
		reason = ZC_COPY_SOCKET;
	if (reason)
		ret = zc_sink_send_copy(sink, iter, flags);
	if (ret <= 0)
		return ret;
	sink->paths |= reason ? ZC_PATH_COPY : zc_sink_path(sink);
	trace_zc_transfer_send(sink, ret, reason);
	if (!reason && !zc_sink_gathers(sink))
		reason = ZC_COPY_NO_SG;
	sink->reasons |= reason;
	if (reason) {
		sink->copied += ret;
		trace_zc_transfer_fallback(sink, NULL, ret, reason);
	}
	return ret;
}

/**
 * zc_sink_why_short - why did a send take less than it was given?
 * @sink: sink
 *
 * Leaves the socket's error for the next send to report.
 *
 * Returns: negative errno; 0 if only the next send can tell. A unix socket, for
 * one, ends short when it gets no memory.
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
	if (!zc_sink_nonblock(sink) &&
	    READ_ONCE(sk->sk_sndtimeo) == MAX_SCHEDULE_TIMEOUT)
		return 0;
	return -EAGAIN;
}
