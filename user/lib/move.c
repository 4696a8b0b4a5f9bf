// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Sends without the module, by sendfile(2), splice(2) and send(2), with the module's results.
 * What none of these takes is refused with their errno.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "fallback.h"

/* The kernel takes no more by one call. */
#define COUNT_MAX	0x7ffff000

/* Bytes that are moved by way of a pipe at a time, at most: what a pipe holds. */
#define PIPE_BYTES	65536

#define FLAGS	(ZC_SEND_POS | ZC_SEND_NONBLOCK | ZC_SEND_NOSIGNAL | ZC_SEND_DIRECT | \
		 ZC_SEND_MORE | ZC_SEND_CACHED | ZC_SEND_ASYNC)

#define BUF_FLAGS	(ZC_SEND_NONBLOCK | ZC_SEND_NOSIGNAL | ZC_SEND_MORE | ZC_SEND_ASYNC)

static int zc_move_check(const struct zc_sendfile *arg)
{
	if (arg->flags & ~FLAGS || arg->__resv[0] || arg->__resv[1] || arg->offset > INT64_MAX)
		return -EINVAL;
	if ((arg->flags & ZC_SEND_POS) && (arg->offset || arg->flags & ZC_SEND_ASYNC))
		return -EINVAL;
	if ((arg->flags & ZC_SEND_DIRECT) && (arg->flags & ZC_SEND_CACHED))
		return -EINVAL;
	/* Nobody reads around the page cache here, nor goes on when the call is over. */
	if (arg->flags & (ZC_SEND_DIRECT | ZC_SEND_ASYNC))
		return -EOPNOTSUPP;
	return 0;
}

static size_t zc_count(uint64_t len)
{
	return len < COUNT_MAX ? len : COUNT_MAX;
}

/* Why fewer bytes went than were to go, where there was no error: a negative errno. */
static int zc_why_short(int out, uint32_t flags)
{
	struct timeval timeout = { };
	socklen_t len = sizeof(timeout);

	if (flags & ZC_SEND_NONBLOCK || fcntl(out, F_GETFL) & O_NONBLOCK)
		return -EAGAIN;
	getsockopt(out, SOL_SOCKET, SO_SNDTIMEO, &timeout, &len);
	return timeout.tv_sec || timeout.tv_usec ? -EAGAIN : -EINTR;
}

static bool zc_at_end(int in, uint64_t pos)
{
	char c;

	return pread(in, &c, 1, pos) == 0;
}

/*
 * Comes more after these @n bytes of @left? Of more than the file has nothing comes, and what
 * was announced would be waited for, by the end of the file.
 */
static bool zc_has_more(const struct zc_sendfile *arg, uint64_t pos, size_t n, uint64_t left)
{
	return arg->flags & ZC_SEND_MORE || (left > n && !zc_at_end(arg->in_fd, pos + n));
}

static off_t zc_begin(const struct zc_sendfile *arg)
{
	return arg->flags & ZC_SEND_POS ? lseek(arg->in_fd, 0, SEEK_CUR) : (off_t)arg->offset;
}

/*
 * By sendfile(2). These set @arg->sent, and return 0 at the end of the file or when all is sent,
 * or a negative errno.
 */
static int zc_by_sendfile(struct zc_sendfile *arg)
{
	off_t pos = zc_begin(arg);

	while (arg->sent < arg->len) {
		size_t want = zc_count(arg->len - arg->sent);
		ssize_t n = sendfile(arg->out_fd, arg->in_fd,
				     arg->flags & ZC_SEND_POS ? NULL : &pos, want);

		if (n <= 0)
			return n ? -errno : 0;
		arg->sent += n;
		arg->chunks++;
		if (arg->flags & ZC_SEND_POS)
			pos += n;
		if ((size_t)n < want)
			return zc_at_end(arg->in_fd, pos) ?
				       0 : zc_why_short(arg->out_fd, arg->flags);
	}
	return 0;
}

/* What a pipe holds goes on. Returns how much of @len has gone; why not all in @err. */
static size_t zc_drain(const struct zc_sendfile *arg, int from, size_t len, bool more, int *err)
{
	unsigned int flags = (arg->flags & ZC_SEND_NONBLOCK ? SPLICE_F_NONBLOCK : 0) |
			     (more ? SPLICE_F_MORE : 0);
	size_t done = 0;

	*err = 0;
	while (done < len) {
		ssize_t n = splice(from, NULL, arg->out_fd, NULL, len - done, flags);

		if (n <= 0) {
			*err = n ? -errno : -EPIPE;
			break;
		}
		done += n;
	}
	return done;
}

/* The file's position moves on, where that is what was asked for. */
static int zc_advance(const struct zc_sendfile *arg, off_t begin)
{
	if (arg->flags & ZC_SEND_POS && lseek(arg->in_fd, begin + arg->sent, SEEK_SET) < 0)
		return -errno;
	return 0;
}

/* By a pipe of ours: splice(2) can say that there is more, which sendfile(2) cannot. */
static int zc_by_pipe(struct zc_sendfile *arg, const int *fds)
{
	loff_t begin = zc_begin(arg);
	int err = 0;

	while (!err && arg->sent < arg->len) {
		uint64_t left = arg->len - arg->sent;
		loff_t pos = begin + arg->sent;
		ssize_t n = splice(arg->in_fd, &pos, fds[1], NULL,
				   left < PIPE_BYTES ? left : PIPE_BYTES, 0);

		if (n <= 0) {
			err = n ? -errno : 0;
			break;
		}
		/* What the socket does not take goes with the pipe. */
		arg->sent += zc_drain(arg, fds[0], n,
				      zc_has_more(arg, begin + arg->sent, n, left), &err);
		arg->chunks++;
	}
	return zc_advance(arg, begin) ?: err;
}

/* A part of the file by way of memory. Returns bytes, 0 at its end, or a negative errno. */
static int64_t zc_copy_some(const struct zc_sendfile *arg, char *data, off_t pos, uint64_t len)
{
	ssize_t n = pread(arg->in_fd, data, len < PIPE_BYTES ? len : PIPE_BYTES, pos);
	int flags = MSG_DONTWAIT | MSG_NOSIGNAL;

	if (n <= 0)
		return n ? -errno : 0;
	if (zc_has_more(arg, pos, n, len))
		flags |= MSG_MORE;
	if (!(arg->flags & ZC_SEND_NOSIGNAL))
		flags &= ~MSG_NOSIGNAL;
	n = send(arg->out_fd, data, n, flags);
	return n < 0 ? -errno : n;
}

/*
 * To a socket that blocks, but is not to this time: neither sendfile(2) nor splice(2) can do
 * that, and send(2) can.
 */
static int zc_by_copy(struct zc_sendfile *arg)
{
	off_t begin = zc_begin(arg);
	char *data = malloc(PIPE_BYTES);
	int64_t n = data ? 0 : -ENOMEM;

	while (data && arg->sent < arg->len) {
		n = zc_copy_some(arg, data, begin + arg->sent, arg->len - arg->sent);
		if (n <= 0)
			break;
		arg->sent += n;
		arg->copied += 2 * n;
		arg->copy_reasons = ZC_COPY_NO_MODULE;
		arg->chunks++;
	}
	free(data);
	return zc_advance(arg, begin) ?: n < 0 ? n : 0;
}

/* From a pipe, which sendfile(2) does not take. */
static int zc_from_pipe(struct zc_sendfile *arg)
{
	unsigned int flags = (arg->flags & ZC_SEND_NONBLOCK ? SPLICE_F_NONBLOCK : 0) |
			     (arg->flags & ZC_SEND_MORE ? SPLICE_F_MORE : 0);

	if (arg->offset)
		return -ESPIPE;
	while (arg->sent < arg->len) {
		ssize_t n = splice(arg->in_fd, NULL, arg->out_fd, NULL,
				   zc_count(arg->len - arg->sent), flags);

		if (n <= 0)
			return n ? -errno : 0;
		arg->sent += n;
		arg->chunks++;
	}
	return 0;
}

static int zc_by_own_pipe(struct zc_sendfile *arg)
{
	int fds[2], err;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	err = zc_by_pipe(arg, fds);
	close(fds[0]);
	close(fds[1]);
	return err;
}

static int zc_move(struct zc_sendfile *arg, const struct stat *st)
{
	if (S_ISFIFO(st->st_mode))
		return zc_from_pipe(arg);
	if (arg->flags & ZC_SEND_NONBLOCK && !(fcntl(arg->out_fd, F_GETFL) & O_NONBLOCK)) {
		int err = zc_by_copy(arg);

		if (err != -ENOTSOCK)
			return err;
	}
	if (arg->flags & (ZC_SEND_NONBLOCK | ZC_SEND_MORE))
		return zc_by_own_pipe(arg);
	return zc_by_sendfile(arg);
}

/* Where the next call goes on. */
static uint64_t zc_moved_to(const struct zc_sendfile *arg, const struct stat *st)
{
	if (S_ISFIFO(st->st_mode))
		return 0;
	if (arg->flags & ZC_SEND_POS)
		return lseek(arg->in_fd, 0, SEEK_CUR);
	return arg->offset + arg->sent;
}

/**
 * zc_move_file - zc_sendfile() by the kernel's own calls
 * @arg: as for ZC_IOC_SENDFILE; the file may be a pipe, too, and the socket anything
 *
 * Returns: bytes, or a negative errno if there are none.
 */
int64_t zc_move_file(struct zc_sendfile *arg)
{
	int err = zc_move_check(arg);
	struct zc_sigpipe sigpipe;
	struct stat st;

	if (!err && fstat(arg->in_fd, &st))
		err = -errno;
	if (err)
		return err;
	*arg = (struct zc_sendfile) {
		.in_fd = arg->in_fd,
		.out_fd = arg->out_fd,
		.offset = arg->offset,
		.len = arg->len,
		.flags = arg->flags,
		.user_data = arg->user_data,
	};
	zc_sigpipe_block(&sigpipe, arg->flags);
	err = zc_move(arg, &st);
	zc_sigpipe_restore(&sigpipe);
	arg->error = -err;
	arg->offset = zc_moved_to(arg, &st);
	if (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode))
		arg->cached = arg->sent;
	if (arg->sent)
		arg->paths = ZC_PATH_KERNEL;
	return arg->sent || !err ? (int64_t)arg->sent : err;
}

static ssize_t zc_put(const struct zc_send *arg, const char *data, size_t len)
{
	int flags = (arg->flags & ZC_SEND_NONBLOCK ? MSG_DONTWAIT : 0) |
		    (arg->flags & ZC_SEND_NOSIGNAL ? MSG_NOSIGNAL : 0) |
		    (arg->flags & ZC_SEND_MORE ? MSG_MORE : 0);
	ssize_t n = send(arg->out_fd, data, len, flags);
	struct zc_sigpipe sigpipe;

	if (n >= 0 || errno != ENOTSOCK)
		return n;
	zc_sigpipe_block(&sigpipe, arg->flags);
	n = write(arg->out_fd, data, len);
	zc_sigpipe_restore(&sigpipe);
	return n;
}

static int zc_put_check(const struct zc_buffer *buf, const struct zc_send *arg)
{
	if (arg->flags & ~BUF_FLAGS || arg->__resv[0] || arg->__resv[1] || arg->__resv[2])
		return -EINVAL;
	if (arg->offset > buf->size || arg->len > buf->size - arg->offset)
		return -EINVAL;
	return arg->flags & ZC_SEND_ASYNC ? -EOPNOTSUPP : 0;
}

/**
 * zc_move_buffer - zc_buffer_send() by the kernel's own calls
 * @buf: buffer
 * @arg: as for ZC_IOC_SEND; the socket may be a file or a pipe, too
 *
 * Returns: bytes, or a negative errno if there are none.
 */
int64_t zc_move_buffer(const struct zc_buffer *buf, struct zc_send *arg)
{
	int err = zc_put_check(buf, arg);
	size_t want = zc_count(arg->len);
	ssize_t n;

	if (err)
		return err;
	n = zc_put(arg, (char *)buf->data + arg->offset, want);
	err = n < 0 ? errno : 0;
	*arg = (struct zc_send) {
		.handle = arg->handle,
		.out_fd = arg->out_fd,
		.offset = arg->offset + (n > 0 ? n : 0),
		.len = arg->len,
		.flags = arg->flags,
		.user_data = arg->user_data,
		.error = n >= 0 && (size_t)n < want ? -zc_why_short(arg->out_fd, arg->flags) : err,
	};
	if (n < 0)
		return -err;
	arg->sent = n;
	arg->copied = n;
	if (n) {
		arg->copy_reasons = ZC_COPY_NO_MODULE;
		arg->paths = ZC_PATH_COPY | ZC_PATH_KERNEL;
	}
	return n;
}
