// SPDX-License-Identifier: LGPL-2.1-or-later
/* A file to a socket. */
#include <errno.h>

#include "fallback.h"

/* What the module refuses, as it does not know how; not what is wrong as a whole. */
static bool zc_sendfile_refused(int err, uint32_t flags)
{
	if (flags & (ZC_SEND_DIRECT | ZC_SEND_ASYNC))
		return false;
	return err == -EINVAL || err == -ENOTSOCK || err == -EOPNOTSUPP || err == -ENOTTY;
}

ZC_EXPORT int64_t zc_sendfile(struct zc_context *ctx, struct zc_sendfile *arg)
{
	const struct zc_sendfile as_given = *arg;
	int err;

	arg->sent = 0;
	if (ctx->fd < 0)
		return zc_move_file(arg);
	err = zc_ioctl(ctx->fd, ZC_IOC_SENDFILE, arg);
	if (ctx->any && zc_sendfile_refused(err, arg->flags)) {
		*arg = as_given;
		arg->sent = 0;
		return zc_move_file(arg);
	}
	return err ? err : (int64_t)arg->sent;
}

static void zc_sendfile_add(struct zc_sendfile *sum,
			    const struct zc_sendfile *part)
{
	sum->sent += part->sent;
	sum->copied += part->copied;
	sum->copy_reasons |= part->copy_reasons;
	sum->chunks += part->chunks;
	sum->cached += part->cached;
	sum->huge_bytes += part->huge_bytes;
	sum->paths |= part->paths;
	sum->frags += part->frags;
}

ZC_EXPORT int zc_cancel(struct zc_context *ctx, uint64_t user_data, uint32_t flags)
{
	struct zc_cancel arg = { .user_data = user_data, .flags = flags };
	int err = zc_ioctl(ctx->fd, ZC_IOC_CANCEL, &arg);

	return err ? err : (int)arg.count;
}

/* After an interruption: send the rest of @len. Returns 0 or a negative errno. */
static int zc_sendfile_rest(struct zc_context *ctx, struct zc_sendfile *arg, uint64_t len)
{
	struct zc_sendfile part = *arg;
	int64_t sent;
	int err;

	do {
		part.len = len - arg->sent;
		if (part.flags & ZC_SEND_POS)
			part.offset = 0;
		sent = zc_sendfile(ctx, &part);
		if (sent > 0)
			zc_sendfile_add(arg, &part);
		err = sent < 0 ? sent : -part.error;
	} while (err == -EINTR);
	arg->offset = part.offset;
	return err;
}

ZC_EXPORT int zc_sendfile_all(struct zc_context *ctx, struct zc_sendfile *arg)
{
	uint64_t offset = arg->offset;
	int64_t sent;
	int err;

	/* There is nothing to go on with before the event has come. */
	if (arg->flags & ZC_SEND_ASYNC)
		return -EINVAL;
	if (arg->flags & ZC_SEND_POS)
		arg->offset = 0;
	sent = zc_sendfile(ctx, arg);
	/* A short count without an error is the end of the file. */
	err = sent < 0 ? sent : -arg->error;
	/* Who is refused as a whole is told so before the result is written. */
	if (sent < 0) {
		*arg = (struct zc_sendfile){
			.in_fd = arg->in_fd,
			.out_fd = arg->out_fd,
			.offset = arg->flags & ZC_SEND_POS ? arg->offset : offset,
			.len = arg->len,
			.flags = arg->flags,
			.user_data = arg->user_data,
		};
	}
	if (err == -EINTR)
		err = zc_sendfile_rest(ctx, arg, arg->len);
	arg->error = -err;
	return err;
}
