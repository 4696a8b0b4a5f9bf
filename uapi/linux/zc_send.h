/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * zc: what is sent to sockets, and how it is told of the end. Included by <linux/zc.h>.
 */
#ifndef _UAPI_LINUX_ZC_SEND_H
#define _UAPI_LINUX_ZC_SEND_H

#include <linux/types.h>

/*
 * Flags of a transfer, for zc_sendfile::flags and, where said, zc_send::flags.
 */
/**
 * ZC_SEND_POS - read at the file's own position and advance it
 *
 * As sendfile(2) does with a null offset. zc_sendfile::offset must then be 0 on
 * entry; on return it holds the new position.
 */
#define ZC_SEND_POS		(1U << 0)
/**
 * ZC_SEND_NONBLOCK - do not wait for room in the socket
 *
 * As if the socket had O_NONBLOCK set: a transfer that would have to wait ends
 * with what it has sent, or with EAGAIN. Reads from the file are waited for.
 */
#define ZC_SEND_NONBLOCK	(1U << 1)
/** ZC_SEND_NOSIGNAL - raise no SIGPIPE where the peer has gone, just EPIPE */
#define ZC_SEND_NOSIGNAL	(1U << 2)
/**
 * ZC_SEND_DIRECT - read around the page cache, or fail with EOPNOTSUPP
 *
 * Without it and ZC_SEND_CACHED, what the page cache has of the file is sent
 * from there, where that is worth while, and the rest is read around it. Short
 * pieces in the cache (below 64 KiB) may be read from the disk all the same, as
 * O_DIRECT does: what is dirty among them is then written first.
 */
#define ZC_SEND_DIRECT		(1U << 3)
/**
 * ZC_SEND_MORE - the caller will send more at once, as MSG_MORE of send(2)
 */
#define ZC_SEND_MORE		(1U << 4)
/**
 * ZC_SEND_CACHED - send from the page cache, and read into it what it has not
 *
 * As sendfile(2) does. Excludes ZC_SEND_DIRECT (EINVAL). For files that will be
 * sent often.
 */
#define ZC_SEND_CACHED		(1U << 5)
/**
 * ZC_SEND_ASYNC - return at once; an event tells of the end
 *
 * Arguments that are wrong fail the call as ever, and no event follows.
 * Otherwise it returns 0 with nothing sent yet, and one ZC_EVENT_DONE follows. The
 * descriptors may be closed meanwhile: the transfer has references of its own.
 *
 * Transfers to one socket are done one after the other, in the order of their
 * submission; other senders to the socket get in between. A transfer is not
 * disturbed by O_NONBLOCK or SO_SNDTIMEO of the socket, and ends short of its length only
 * at the end of the file or with an error. It is canceled by
 * ZC_IOC_CANCEL, and when the last descriptor of the device that it was submitted
 * through is closed, by the death of its owner for one. One to a unix socket is also
 * canceled when the process that submitted it has none of these descriptors any more,
 * even if another process has: the socket could keep the device open by itself.
 *
 * Workers of the kernel do it, on behalf of the submitter: with its credentials, and
 * its cgroups are charged for the page cache and for I/O. But not in its namespaces, so files
 * of procfs, sysfs and cgroups cannot be sent so (EOPNOTSUPP); and who asks which process
 * sends or reads (SO_PASSCRED and SO_PASSPIDFD of a unix socket, FUSE, fanotify) is told of a
 * worker, with the user and the group of the submitter.
 *
 * How much of a transfer is in flight is bounded: what the module may hold is
 * shared among the sockets that are served. Excludes ZC_SEND_POS (EINVAL);
 * ZC_SEND_NONBLOCK and ZC_SEND_NOSIGNAL make no difference.
 */
#define ZC_SEND_ASYNC		(1U << 6)
/**
 * ZC_SEND_SHARED - zc_send::handle is a descriptor from ZC_IOC_BUF_SHARE
 *
 * Of a buffer of whatever file.
 */
#define ZC_SEND_SHARED		(1U << 7)

/*
 * Why bytes were copied by the CPU, for zc_sendfile::copy_reasons.
 */
/**
 * ZC_COPY_NO_DIRECT - the file cannot do direct reads (or ZC_SEND_CACHED was
 * set), nor can its page cache be handed out
 *
 * The page cache of a filesystem of the network, or of a cluster, cannot: it may
 * be out of date.
 */
#define ZC_COPY_NO_DIRECT	(1U << 0)
/**
 * ZC_COPY_NO_SG - the route's device takes no scatter-gather lists
 *
 * With ZC_PATH_FRAGS or ZC_PATH_NOTIFY it is the network that copies, when it makes
 * the packets.
 */
#define ZC_COPY_NO_SG		(1U << 1)
/** ZC_COPY_SOCKET - the socket's protocol has no path for pages */
#define ZC_COPY_SOCKET		(1U << 2)
/** ZC_COPY_LOOPBACK - the packets loop back to this host, and the buffer may change */
#define ZC_COPY_LOOPBACK	(1U << 3)
/** ZC_COPY_SMALL - fewer bytes than pay for a reference (module parameter copybreak) */
#define ZC_COPY_SMALL		(1U << 4)

/*
 * How bytes got into the socket, for zc_sendfile::paths. A transfer may have more
 * than one.
 */
/** ZC_PATH_FRAGS - by reference, in frags of up to 64 KiB (TCP) */
#define ZC_PATH_FRAGS		(1U << 0)
/** ZC_PATH_PAGES - by reference, page by page (unix) */
#define ZC_PATH_PAGES		(1U << 1)
/** ZC_PATH_NOTIFY - as ZC_PATH_FRAGS, and the network tells when it has let go */
#define ZC_PATH_NOTIFY		(1U << 2)
/** ZC_PATH_COPY - by copy; zc_sendfile::copy_reasons say why */
#define ZC_PATH_COPY		(1U << 3)

/**
 * struct zc_sendfile - send a range of a file to a socket (ZC_IOC_SENDFILE)
 * @in_fd:        in: regular file or block device, open for reading
 * @out_fd:       in: connected stream socket
 * @offset:       in: first byte to send; out: byte after the last one sent
 * @len:          in: most bytes to send
 * @flags:        in: ZC_SEND_* bits
 * @error:        out: 0, or the positive errno that ended the transfer early
 * @sent:         out: bytes accepted by the socket
 * @copied:       out: bytes that the CPU copied on the way, each copy counted
 * @copy_reasons: out: ZC_COPY_* bits
 * @chunks:       out: reads, or runs of the page cache, that delivered data
 * @cached:       out: bytes that came from, or through, the page cache
 * @huge_bytes:   out: bytes sent that lay on the module's hugepages meanwhile
 * @user_data:    in: given back in the event (ZC_SEND_ASYNC)
 * @paths:        out: ZC_PATH_* bits, how the bytes got into the socket
 * @frags:        out: fragments of packets that refer to memory, so many made
 * @__resv:       in: must be 0
 *
 * The call behaves as sendfile(2). It returns 0 with @sent > 0 when anything was
 * sent, even if less than @len: @error then says why it ended early (0 at the
 * end of the file), and the next call meets the same error at its start. It
 * returns 0 with @sent == 0 at the end of the file or if @len is 0. It fails
 * only if nothing was sent; the structure is then written back too, unless that
 * is what failed. @sent is always exactly the number of bytes that the socket
 * took.
 *
 * The bytes sent are never older than what a read(2) at the time of the call
 * would have given. A change of the file during the call may or may not be seen.
 *
 * A signal ends the call with what was sent, or with EINTR (ERESTARTSYS: the
 * call is restarted where the handler says so). Reads that the device has
 * already taken are waited for.
 *
 * Errors:
 *
 * - EINVAL: unknown flag, flags that exclude each other, reserved field, @in_fd
 *   is neither regular file nor block device, @offset negative as loff_t, or
 *   ZC_SEND_POS with an @offset
 * - EBADF: @in_fd is not open for reading, or a descriptor is not open
 * - ENOTSOCK: @out_fd is not a socket
 * - EOPNOTSUPP: @out_fd is not a stream socket, ZC_SEND_DIRECT on a file
 *   that cannot do it, or ZC_SEND_ASYNC and a file of procfs, sysfs or cgroups
 * - ENOTCONN, EPIPE (with SIGPIPE), ECONNRESET and whatever else send(2) says
 * - EAGAIN: non-blocking socket without room, or SO_SNDTIMEO passed
 * - EIO and whatever else read(2) says
 * - ENOMEM: no memory, or zc_query::max_bytes reached
 * - ENOBUFS: ZC_SEND_ASYNC, and the file has 65,536 transfers and events already
 * - EINTR, EFAULT
 */
struct zc_sendfile {
	__s32 in_fd;
	__s32 out_fd;
	__u64 offset;
	__u64 len;
	__u32 flags;
	__s32 error;
	__u64 sent;
	__u64 copied;
	__u32 copy_reasons;
	__u32 chunks;
	__u64 cached;
	__u64 huge_bytes;
	__u64 user_data;
	__u32 paths;
	__u32 frags;
	__u64 __resv[2];
};

/**
 * struct zc_send - send a range of a buffer to a socket (ZC_IOC_SEND)
 * @handle:       in: handle of the buffer, or see ZC_SEND_SHARED
 * @out_fd:       in: connected stream socket
 * @offset:       in: first byte to send; out: byte after the last one sent
 * @len:          in: bytes to send; the range must lie in the buffer
 * @flags:        in: ZC_SEND_NONBLOCK, ZC_SEND_NOSIGNAL, ZC_SEND_MORE, ZC_SEND_ASYNC,
 *                ZC_SEND_SHARED
 * @error:        out: 0, or the positive errno that ended the transfer early
 * @user_data:    in: given back in the event
 * @sent:         out: bytes accepted by the socket
 * @copied:       out: bytes that the CPU copied on the way
 * @copy_reasons: out: ZC_COPY_* bits
 * @events:       out: how many events (ZC_EVENT_RELEASED) will follow: 0 or 1. Always 0
 *                with ZC_SEND_ASYNC, where that is not known yet: see ZC_EVENT_DONE
 * @paths:        out: ZC_PATH_* bits, how the bytes got into the socket
 * @frags:        out: fragments of packets that refer to memory, so many made
 * @__resv:       in: must be 0
 *
 * The network takes the bytes from the buffer until the peer has acknowledged
 * them. Those of a sealed buffer (ZC_IOC_BUF_SEAL) cannot change, and there is
 * nothing to wait for: no event follows, no byte is copied on any route whose device
 * can gather, and the buffer may be destroyed at once.
 *
 * If the buffer is not sealed, the bytes must not be changed before the event that
 * says that they are no longer used, or the peer may get either. One event
 * follows for each call with @sent > 0. Where packets loop back to this host the
 * network copies such bytes (the event says how many, ZC_COPY_LOOPBACK), as a
 * receiver here could hold them for ever. The bytes of two such calls share no
 * packet, whatever TCP_CORK and ZC_SEND_MORE say.
 *
 * As with ZC_IOC_SENDFILE the call returns 0 if anything was sent, and @error
 * says why it ended early.
 *
 * Errors:
 *
 * - EINVAL: unknown flag, reserved field, a range outside the buffer, or with
 *   ZC_SEND_SHARED a descriptor of something else
 * - ENOENT: no such handle
 * - EBADF, ENOTSOCK, EOPNOTSUPP (not a stream socket)
 * - ENOTCONN, EPIPE (with SIGPIPE), ECONNRESET and whatever else send(2) says
 * - EAGAIN: non-blocking socket without room, or SO_SNDTIMEO passed
 * - ENOBUFS: too many events are outstanding or unread
 * - ENOMEM, EINTR, EFAULT
 */
struct zc_send {
	__u32 handle;
	__s32 out_fd;
	__u64 offset;
	__u64 len;
	__u32 flags;
	__s32 error;
	__u64 user_data;
	__u64 sent;
	__u64 copied;
	__u32 copy_reasons;
	__u32 events;
	__u32 paths;
	__u32 frags;
	__u64 __resv[3];
};

/** ZC_EVENT_RELEASED - the kernel no longer needs the bytes of a ZC_IOC_SEND */
#define ZC_EVENT_RELEASED	1
/**
 * ZC_EVENT_DONE - a ZC_SEND_ASYNC transfer has ended
 *
 * zc_event::error is ECANCELED if it was canceled. Whatever it is, @sent bytes have
 * gone into the socket. If the transfer was from a buffer that is not sealed, a
 * ZC_EVENT_RELEASED with the same @user_data follows as well, if @sent is not 0.
 */
#define ZC_EVENT_DONE		2
/**
 * ZC_EVENT_UNMAPPED - a target has gone, and with it what ZC_IOC_DMA_MAP mapped for it
 *
 * @user_data is that of struct zc_dma_map, @error is ENODEV, and @offset is the number of
 * the target.
 */
#define ZC_EVENT_UNMAPPED	3

/**
 * struct zc_event - what read() on the device returns, one or more
 * @user_data:    as given to the call
 * @type:         ZC_EVENT_*
 * @error:        0 or a positive errno
 * @sent:         bytes accepted by the socket
 * @copied:       bytes that the CPU copied on the way, each copy counted: those
 *                that are retransmitted are copied again
 * @copy_reasons: ZC_COPY_* bits
 * @paths:        ZC_EVENT_DONE: ZC_PATH_* bits, how the bytes got into the socket
 * @offset:       ZC_EVENT_DONE: byte after the last one sent
 * @cached:       ZC_EVENT_DONE of a file: bytes that came from the page cache
 * @__resv:       0
 *
 * Events belong to the open file description. read() returns as many whole ones
 * as there are and fit, waits for the first if the descriptor is blocking, and
 * fails with EINVAL if there is no room for one, EAGAIN if there is none, or EINTR
 * or EFAULT. poll() reports POLLIN. What is unread on the last close is thrown
 * away.
 */
struct zc_event {
	__u64 user_data;
	__u32 type;
	__s32 error;
	__u64 sent;
	__u64 copied;
	__u32 copy_reasons;
	__u32 paths;
	__u64 offset;
	__u64 cached;
	__u64 __resv;
};

/** ZC_CANCEL_ALL - whatever their zc_cancel::user_data */
#define ZC_CANCEL_ALL		(1U << 0)

/**
 * struct zc_cancel - end asynchronous transfers early (ZC_IOC_CANCEL)
 * @user_data: in: which, as given to the call
 * @flags:     in: ZC_CANCEL_* bits
 * @count:     out: how many are going to end
 * @__resv:    in: must be 0
 *
 * Of those submitted through this open file. Each still has its event, which tells how
 * it ended: one that was about to end by itself may have done so. These events come in
 * no particular order.
 *
 * Errors: EINVAL (unknown flag, reserved field), ENOENT (none; @count is 0),
 * EFAULT.
 */
struct zc_cancel {
	__u64 user_data;
	__u32 flags;
	__u32 count;
	__u64 __resv[2];
};

/**
 * struct zc_uring_cmd - a send by io_uring
 * @addr:   address of a struct zc_sendfile or struct zc_send, which is read at
 *          submission and not written
 * @size:   its size, bytes, 4096 at most (E2BIG)
 * @__resv: must be 0
 *
 * Goes into the command area (io_uring_sqe::cmd) of an IORING_OP_URING_CMD on a
 * descriptor of the device, with ZC_IOC_SENDFILE or ZC_IOC_SEND as the command
 * (io_uring_sqe::cmd_op). An SQE of 64 bytes has room for it. All such are asynchronous,
 * with ZC_SEND_ASYNC in the flags or without, and without ZC_SEND_POS (EINVAL).
 *
 * The completion has the bytes sent, or a negative errno if there are none, and in a
 * large CQE (IORING_SETUP_CQE32) the bytes copied, in io_uring_cqe::big_cqe[0]. So what
 * ended one early that has sent something is told by the one that sends the rest. @len is
 * cut to 2 GiB less a page. io_uring keeps no order of completions.
 *
 * From a buffer that is not sealed, the completion does not mean that the bytes may be
 * changed: that says a ZC_EVENT_RELEASED, with the zc_send::user_data, to be read from the
 * descriptor of the device. A sealed buffer needs none.
 *
 * Such a command is canceled by ZC_IOC_CANCEL, which goes by the user_data of the
 * structure, not of the SQE; IORING_OP_ASYNC_CANCEL knows no such commands. From Linux 6.7
 * on it is canceled with its ring, too. Before, where it does not ask
 * for the end of commands when a ring goes away, one ends after 60 seconds at most
 * (module parameter uring_life), with the bytes sent or ETIMEDOUT.
 *
 * Errors: those of the structure, and ENOTTY (another command), E2BIG (@size), EINVAL (@size
 * below that of the first version; @__resv), EFAULT (@addr).
 */
struct zc_uring_cmd {
	__u64 addr;
	__u32 size;
	__u32 __resv;
};

#endif /* _UAPI_LINUX_ZC_SEND_H */
