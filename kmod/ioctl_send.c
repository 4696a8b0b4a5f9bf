// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls and io_uring commands for transfers: checks of their arguments, and the way
 * to the engine, blocking or not.
 */
#include <linux/fdtable.h>
#include <linux/uaccess.h>

#include "async.h"
#include "compat.h"
#include "ioctl.h"
#include "zc.h"

static int zc_send_check(struct zc_send *arg)
{
	if (arg->flags & ~ZC_SEND_BUF_FLAGS ||
	    zc_any_set(arg->__resv, ARRAY_SIZE(arg->__resv)))
		return -EINVAL;
	arg->error = 0;
	arg->sent = 0;
	arg->copied = 0;
	arg->copy_reasons = 0;
	arg->events = 0;
	arg->paths = 0;
	arg->frags = 0;
	return 0;
}

/*
 * A transfer that must not outlive the caller's descriptors is under way, if @ret is
 * positive. Another thread may have closed the last one before it was: then zc_flush()
 * has not seen it.
 */
static int zc_submitted(struct zc_file *zf, int ret)
{
	if (ret <= 0)
		return ret;
	if (!zc_file_has_fd(zf))
		zc_cancel_cyclic(zf, current->files);
	return 0;
}

/**
 * zc_ioctl_send - ZC_IOC_SEND
 * @zf:   file
 * @data: struct zc_send, of which nothing is checked yet
 *
 * Returns: 0 or a negative errno as documented there. Sleeps.
 */
int zc_ioctl_send(struct zc_file *zf, void *data)
{
	struct zc_send *arg = data;
	int ret;

	ret = zc_send_check(arg);
	if (ret)
		return ret;
	if (arg->flags & ZC_SEND_ASYNC)
		return zc_submitted(zf, zc_submit_send(zf, arg, NULL));
	return zc_send(zf, arg);
}

static int zc_sendfile_check(struct zc_sendfile *arg)
{
	if (arg->flags & ~ZC_SEND_FLAGS ||
	    zc_any_set(arg->__resv, ARRAY_SIZE(arg->__resv)))
		return -EINVAL;
	if (arg->offset > LLONG_MAX)
		return -EINVAL;
	if ((arg->flags & ZC_SEND_POS) &&
	    (arg->offset || (arg->flags & ZC_SEND_ASYNC)))
		return -EINVAL;
	if ((arg->flags & ZC_SEND_DIRECT) && (arg->flags & ZC_SEND_CACHED))
		return -EINVAL;
	arg->error = 0;
	arg->sent = 0;
	arg->copied = 0;
	arg->copy_reasons = 0;
	arg->chunks = 0;
	arg->cached = 0;
	arg->huge_bytes = 0;
	arg->paths = 0;
	arg->frags = 0;
	return 0;
}

/**
 * zc_ioctl_sendfile - ZC_IOC_SENDFILE
 * @zf:   file
 * @data: struct zc_sendfile, of which nothing is checked yet
 *
 * Returns: 0 or a negative errno as documented there. Sleeps.
 */
int zc_ioctl_sendfile(struct zc_file *zf, void *data)
{
	struct zc_sendfile *arg = data;
	int ret;

	ret = zc_sendfile_check(arg);
	if (ret)
		return ret;
	if (arg->flags & ZC_SEND_ASYNC)
		return zc_submitted(zf, zc_submit_sendfile(zf, arg, NULL));
	return zc_transfer_sendfile(arg);
}

/**
 * zc_ioctl_cancel - ZC_IOC_CANCEL
 * @zf:   file
 * @data: struct zc_cancel, of which nothing is checked yet
 *
 * Returns: 0 or a negative errno as documented there. Sleeps.
 */
int zc_ioctl_cancel(struct zc_file *zf, void *data)
{
	struct zc_cancel *arg = data;

	if (arg->flags & ~ZC_CANCEL_ALL ||
	    zc_any_set(arg->__resv, ARRAY_SIZE(arg->__resv)))
		return -EINVAL;
	return zc_cancel(zf, arg);
}

static int zc_uring_copy(const struct zc_uring_cmd *cmd, void *data,
			 size_t min, size_t size)
{
	if (cmd->__resv || cmd->size < min)
		return -EINVAL;
	/* What is not known of it is gone through in one go. */
	if (cmd->size > PAGE_SIZE)
		return -E2BIG;
	return copy_struct_from_user(data, size, u64_to_user_ptr(cmd->addr),
				     cmd->size);
}

static int zc_uring_sendfile(struct zc_file *zf, struct io_uring_cmd *ucmd,
			     const struct zc_uring_cmd *cmd)
{
	struct zc_sendfile arg;
	int ret;

	ret = zc_uring_copy(cmd, &arg, 104, sizeof(arg));
	ret = ret ?: zc_sendfile_check(&arg);
	if (ret)
		return ret;
	if (arg.flags & ZC_SEND_POS)
		return -EINVAL;
	arg.len = min_t(u64, arg.len, MAX_RW_COUNT);
	return zc_submit_sendfile(zf, &arg, ucmd);
}

static int zc_uring_send(struct zc_file *zf, struct io_uring_cmd *ucmd,
			 const struct zc_uring_cmd *cmd)
{
	struct zc_send arg;
	int ret;

	ret = zc_uring_copy(cmd, &arg, 96, sizeof(arg));
	ret = ret ?: zc_send_check(&arg);
	if (ret)
		return ret;
	arg.len = min_t(u64, arg.len, MAX_RW_COUNT);
	return zc_submit_send(zf, &arg, ucmd);
}

/**
 * zc_uring - a transfer by io_uring, or its end by force, as the ring goes away
 * @ucmd:        command
 * @issue_flags: of the call
 *
 * Returns: -EIOCBQUEUED, as the result always comes by itself; 0 to an end by force.
 */
int zc_uring(struct io_uring_cmd *ucmd, unsigned int issue_flags)
{
	struct zc_file *zf = ucmd->file->private_data;
	const struct zc_uring_cmd *user = zc_uring_args(ucmd);
	struct zc_uring_cmd cmd;
	int ret;

	if (zc_uring_is_cancel(issue_flags)) {
		zc_cancel_uring(ucmd);
		return 0;
	}
	cmd.addr = READ_ONCE(user->addr);
	cmd.size = READ_ONCE(user->size);
	cmd.__resv = READ_ONCE(user->__resv);
	zc_uring_cancelable(ucmd, issue_flags);
	if (ucmd->cmd_op == ZC_IOC_SENDFILE)
		ret = zc_uring_sendfile(zf, ucmd, &cmd);
	else if (ucmd->cmd_op == ZC_IOC_SEND)
		ret = zc_uring_send(zf, ucmd, &cmd);
	else
		ret = -ENOTTY;
	if (ret)
		zc_uring_end(ucmd, ret, 0);
	return -EIOCBQUEUED;
}
