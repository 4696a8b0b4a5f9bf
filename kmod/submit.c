// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kinds of asynchronous transfer, and how each tells of its end: by an event
 * of the file, or by a completion of io_uring.
 */
#include <linux/file.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/net.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <linux/zc_netlink.h>
#include <net/sock.h>

#include "async.h"
#include "compat.h"
#include "netlink.h"
#include "pool.h"
#include "roster.h"
#include "zc.h"

static unsigned int zc_life = ZC_URING_LIFE_NEEDED ? ZC_URING_LIFE_MAX : 0;

static int zc_life_param_set(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, ZC_URING_LIFE_NEEDED, ZC_URING_LIFE_MAX);
}

static const struct kernel_param_ops zc_life_ops = {
	.set = zc_life_param_set,
	.get = param_get_uint,
};
module_param_cb(uring_life, &zc_life_ops, &zc_life, 0644);
MODULE_PARM_DESC(uring_life,
		 "ms that a command of io_uring may last, to 60000 (default: that before Linux 6.7, else 0: as long as it takes)");

/**
 * zc_uring_life - how long may a command of io_uring last?
 *
 * Returns: ms; 0: as long as it takes.
 */
unsigned int zc_uring_life(void)
{
	return READ_ONCE(zc_life);
}

/**
 * zc_uring_life_set - set it
 * @ms: ZC_URING_LIFE_NEEDED to ZC_URING_LIFE_MAX
 */
void zc_uring_life_set(unsigned int ms)
{
	WRITE_ONCE(zc_life, ms);
}

/**
 * struct zc_end - who is told
 * @zf:   file that the transfer was submitted through, a reference is held by @note, or for
 *        @ucmd, which may be gone first
 * @note: event to post; NULL: @ucmd
 * @ucmd: command to complete
 */
struct zc_end {
	struct zc_file *zf;
	struct zc_note *note;
	struct io_uring_cmd *ucmd;
};

/**
 * struct zc_op_sendfile - of a file -> socket
 * @op:   the transfer, as one of many
 * @turn: when it may begin
 * @close: closes the file when all is over
 * @berth: who does that
 * @end:  who is told
 * @entry: on the roster
 * @arg:  arguments and result
 * @ends: file and socket
 * @t:    how the bytes get from the one to the other; NULL before its turn, for
 *        there may be thousands that wait
 */
struct zc_op_sendfile {
	struct zc_op op;
	union {
		struct zc_turn turn;
		struct {
			struct work_struct close;
			struct zc_berth berth;
		};
	};
	struct zc_end end;
	struct zc_entry entry;
	struct zc_sendfile arg;
	struct zc_ends ends;
	struct zc_transfer *t;
};

/* There may be thousands that wait, and kmalloc() would give each a third more. */
static struct kmem_cache *zc_op_sendfiles;

/* Of a buffer -> socket. */
struct zc_op_send {
	struct zc_op op;
	struct zc_end end;
	struct zc_entry entry;
	struct zc_send arg;
	struct zc_range range;
};

static int zc_end_init(struct zc_end *end, struct zc_file *zf, u64 user_data,
		       struct io_uring_cmd *ucmd)
{
	int ret;

	end->zf = zf;
	end->ucmd = ucmd;
	if (ucmd) {
		ret = zc_note_reserve(zf);
		if (!ret)
			kref_get(&zf->ref);
		return ret;
	}
	end->note = zc_note_new(zf, ZC_EVENT_DONE, user_data);
	return PTR_ERR_OR_ZERO(end->note);
}

/* It is told, and yet counts: files to be closed are as many as transfers may be, together. */
static void zc_end_stay(struct zc_end *end)
{
	zc_note_hold(end->zf);
	kref_get(&end->zf->ref);
}

/* Of a command, without its end; or undo zc_end_stay(). */
static void zc_end_let_go(struct zc_end *end)
{
	zc_note_unreserve(end->zf);
	zc_file_put(end->zf);
}

static void zc_end_cancel(struct zc_end *end)
{
	if (end->note)
		zc_note_free(end->note);
	else
		zc_end_let_go(end);
}

static void zc_end_tell(const struct zc_op *op, struct zc_end *end, int err, u64 sent,
			u64 copied)
{
	if (end->note) {
		end->note->event.error = -err;
		end->note->event.sent = sent;
		end->note->event.copied = copied;
		zc_note_post(end->note);
		return;
	}
	zc_end_let_go(end);
	if (!op->forsaken)
		zc_uring_end(end->ucmd, sent ? min_t(u64, sent, INT_MAX) : err, copied);
}

static void zc_op_leave_roster(struct zc_entry *entry, int err)
{
	if (zc_notify_wanted())
		zc_roster_tell(entry, err);
	zc_roster_del(entry);
}

static void zc_op_count(u64 sent, u64 copied, u64 cached, u32 reasons, int err)
{
	const struct zc_outcome out = {
		.sent = sent,
		.copied = copied,
		.cached = cached,
		.reasons = reasons,
		.err = err,
	};

	zc_roster_count_end(&out);
}

/* Returns as zc_ends_send_few(). */
static int zc_op_sendfile_first(struct zc_op_sendfile *o)
{
	int ret = zc_ends_send_few(&o->ends, &o->arg);

	/* Where the socket is full, the transfer waits for it. */
	if (ret <= 0 && ret != -EAGAIN)
		return ret;
	o->ends.src.waker = o->op.waker;
	o->t = zc_transfer_new(&o->ends, &o->arg);
	return o->t ? 1 : -ENOMEM;
}

static int zc_op_sendfile_advance(struct zc_op *op)
{
	struct zc_op_sendfile *o = container_of(op, struct zc_op_sendfile, op);
	u64 before = o->arg.sent;
	int ret = 1;

	if (!zc_turn_mine(&o->turn, zc_ends_wants(&o->ends)))
		return -EIOCBQUEUED;
	if (!o->t)
		ret = zc_op_sendfile_first(o);
	if (ret > 0) {
		o->t->share = zc_pool_share();
		ret = zc_transfer_advance(o->t);
	}
	if (o->arg.sent != before)
		op->retries = 0;
	return ret;
}

static void zc_op_sendfile_close(struct work_struct *work)
{
	struct zc_op_sendfile *o = container_of(work, struct zc_op_sendfile, close);
	struct zc_crew_user *user = o->berth.user;

	__fput_sync(o->ends.src.file);
	zc_crew_part(&o->berth);
	zc_crew_user_put(user);
	zc_end_let_go(&o->end);
	kmem_cache_free(zc_op_sendfiles, o);
	/* zc_crew_exit() waits for the rest of this function. */
	module_put(THIS_MODULE);
}

static void zc_op_sendfile_closes(struct zc_berth *berth)
{
	struct zc_op_sendfile *o = container_of(berth, struct zc_op_sendfile, berth);

	queue_work(zc_crew_wq(ZC_CREW_CLOSE), &o->close);
}

/* The file, by a worker, when its submitter has one; then it frees this. */
static void zc_op_sendfile_close_later(struct zc_op_sendfile *o)
{
	struct zc_crew_user *user = zc_crew_user_hold(o->op.user);

	/* Who unloads the module is to be refused, and not to wait. */
	__module_get(THIS_MODULE);
	INIT_WORK(&o->close, zc_op_sendfile_close);
	o->berth = (struct zc_berth){ .go = zc_op_sendfile_closes };
	if (zc_crew_join(&o->berth, user, ZC_CREW_CLOSE))
		zc_op_sendfile_closes(&o->berth);
}

static void zc_op_sendfile_end(struct zc_op *op, int err)
{
	struct zc_op_sendfile *o = container_of(op, struct zc_op_sendfile, op);
	bool apart = o->ends.src.unsure;

	if (apart) {
		get_file(o->ends.src.file);
		zc_end_stay(&o->end);
	}
	zc_turn_leave(&o->turn);
	if (o->t)
		zc_transfer_free(o->t);
	zc_op_leave_roster(&o->entry, err);
	zc_ends_close(&o->ends, &o->arg, err);
	zc_op_count(o->arg.sent, o->arg.copied, o->arg.cached, o->arg.copy_reasons, err);
	if (o->end.note) {
		o->end.note->event.copy_reasons = o->arg.copy_reasons;
		o->end.note->event.paths = o->arg.paths;
		o->end.note->event.offset = o->arg.offset;
		o->end.note->event.cached = o->arg.cached;
	}
	zc_end_tell(op, &o->end, err, o->arg.sent, o->arg.copied);
	if (apart)
		zc_op_sendfile_close_later(o);
	else
		kmem_cache_free(zc_op_sendfiles, o);
}

static void zc_op_sendfile_begin(struct zc_turn *turn)
{
	struct zc_op_sendfile *o = container_of(turn, struct zc_op_sendfile, turn);

	o->op.waker->wake(o->op.waker);
}

static bool zc_op_sendfile_quiet(struct zc_op *op)
{
	struct zc_op_sendfile *o = container_of(op, struct zc_op_sendfile, op);

	return !o->t || zc_transfer_quiet(o->t);
}

static const struct zc_op_ops zc_op_sendfile_ops = {
	.advance = zc_op_sendfile_advance,
	.quiet = zc_op_sendfile_quiet,
	.end = zc_op_sendfile_end,
};

/*
 * What nobody will receive any more may lie in the queue of a unix socket: the
 * descriptor of the device among it, and the other end, without which the send to the
 * socket would fail. So the send would keep the socket for ever, and the socket the
 * device. See zc_cancel_cyclic().
 */
static bool zc_socket_cyclic(const struct socket *sock)
{
	return sock->sk->sk_family == AF_UNIX;
}

static void zc_op_init(struct zc_op *op, const struct zc_op_ops *ops, u64 user_data,
		       struct io_uring_cmd *ucmd)
{
	op->ops = ops;
	op->user_data = user_data;
	op->life = ucmd ? READ_ONCE(zc_life) : 0;
	op->name = ucmd ? &zc_uring_pdu(ucmd)->op : NULL;
}

/* Returns as zc_submit_sendfile(); once it is positive or 0, @op may be gone. */
static int zc_op_start(struct zc_op *op, struct zc_file *zf, struct socket *sock)
{
	bool cyclic = !op->name && zc_socket_cyclic(sock);

	op->cyclic = cyclic;
	return zc_op_submit(op, zf, sock) ?: cyclic;
}

/* The same, of one that is shown meanwhile. */
static int zc_op_start_on_roster(struct zc_op *op, struct zc_entry *entry,
				 struct zc_file *zf, struct socket *sock)
{
	int ret;

	entry->waiter = op->name ? ZC_TRANSFER_WAITER_IO_URING : ZC_TRANSFER_WAITER_EVENT;
	zc_roster_add(entry);
	zc_stat_inc(ZC_STAT_BEGUN);
	ret = zc_op_start(op, zf, sock);
	if (ret < 0) {
		zc_stat_add(ZC_STAT_BEGUN, -1);
		zc_roster_del(entry);
	}
	return ret;
}

/* Do reads wait? For others than local disks to answer, or since they are no direct ones. */
static bool zc_reads_wait(const struct file *file, u32 flags)
{
	return !(file->f_mode & FMODE_NOWAIT) || !(file->f_mode & FMODE_CAN_ODIRECT) ||
	       (flags & ZC_SEND_CACHED);
}

/**
 * zc_submit_sendfile - start sending a range of a file to a socket
 * @zf:   file that it can be canceled through
 * @arg:  arguments, checked but for the descriptors
 * @ucmd: command to complete at the end, or NULL: post an event
 *
 * Returns: 0, and its end will be told; 1, and it must end when the caller has no
 * descriptor of the device any more: zc_cancel_cyclic(); or a negative errno as
 * documented at struct zc_sendfile. Sleeps.
 */
int zc_submit_sendfile(struct zc_file *zf, struct zc_sendfile *arg,
		       struct io_uring_cmd *ucmd)
{
	struct zc_op_sendfile *o = kmem_cache_zalloc(zc_op_sendfiles, GFP_KERNEL_ACCOUNT);
	int ret;

	if (!o)
		return -ENOMEM;
	zc_op_init(&o->op, &zc_op_sendfile_ops, arg->user_data, ucmd);
	zc_turn_init(&o->turn, zc_op_sendfile_begin);
	o->arg = *arg;
	o->arg.flags |= ZC_SEND_ASYNC;
	ret = zc_end_init(&o->end, zf, arg->user_data, ucmd);
	if (ret)
		goto err_free;
	ret = zc_ends_open(&o->ends, &o->arg);
	if (ret)
		goto err_end;
	o->op.slow = zc_reads_wait(o->ends.src.file, arg->flags);
	o->entry.ends = &o->ends;
	o->entry.arg = &o->arg;
	ret = zc_op_start_on_roster(&o->op, &o->entry, zf, o->ends.sink.sock);
	if (ret >= 0)
		return ret;
	zc_ends_close(&o->ends, &o->arg, ret);
err_end:
	zc_end_cancel(&o->end);
err_free:
	kmem_cache_free(zc_op_sendfiles, o);
	return ret;
}

static int zc_op_send_advance(struct zc_op *op)
{
	struct zc_op_send *o = container_of(op, struct zc_op_send, op);
	u64 before = o->arg.sent;
	int ret = zc_range_run(&o->range);

	if (o->arg.sent != before)
		op->retries = 0;
	if (ret == -EAGAIN)
		return zc_sink_writable(&o->range.sink) ? -ENOMEM : -EIOCBQUEUED;
	return ret;
}

static void zc_op_send_end(struct zc_op *op, int err)
{
	struct zc_op_send *o = container_of(op, struct zc_op_send, op);

	if (o->end.note) {
		o->end.note->event.copy_reasons = o->range.sink.reasons;
		o->end.note->event.paths = o->range.sink.paths;
		o->end.note->event.offset = o->arg.offset;
	}
	zc_op_leave_roster(&o->entry, err);
	zc_op_count(o->arg.sent, o->range.sink.copied, 0, o->range.sink.reasons, err);
	zc_end_tell(op, &o->end, err, o->arg.sent, o->range.sink.copied);
	/* The other event of it, that of the bytes, comes after this one. */
	zc_range_close(&o->range, err);
	kfree(o);
}

static const struct zc_op_ops zc_op_send_ops = {
	.advance = zc_op_send_advance,
	.end = zc_op_send_end,
};

/**
 * zc_submit_send - start sending a range of a buffer to a socket
 * @zf:   file that has the buffer
 * @arg:  arguments, flags and reserved fields checked
 * @ucmd: command to complete at the end, or NULL: post an event
 *
 * Returns: as zc_submit_sendfile(), or a negative errno as documented at struct
 * zc_send. Sleeps.
 */
int zc_submit_send(struct zc_file *zf, struct zc_send *arg,
		   struct io_uring_cmd *ucmd)
{
	struct zc_op_send *o = kzalloc(sizeof(*o), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!o)
		return -ENOMEM;
	zc_op_init(&o->op, &zc_op_send_ops, arg->user_data, ucmd);
	o->arg = *arg;
	o->arg.flags |= ZC_SEND_ASYNC;
	ret = zc_end_init(&o->end, zf, arg->user_data, ucmd);
	if (ret)
		goto err_free;
	ret = zc_range_open(&o->range, zf, &o->arg);
	if (ret)
		goto err_end;
	o->entry.range = &o->range;
	ret = zc_op_start_on_roster(&o->op, &o->entry, zf, o->range.sink.sock);
	if (ret >= 0)
		return ret;
	zc_range_close(&o->range, ret);
err_end:
	zc_end_cancel(&o->end);
err_free:
	kfree(o);
	return ret;
}

static bool zc_op_has_data(struct zc_op *op, void *arg)
{
	return op->user_data == *(u64 *)arg;
}

/**
 * zc_cancel - end transfers of a file early
 * @zf:  file
 * @arg: arguments, checked; and the result
 *
 * Returns: 0 or -ENOENT.
 */
int zc_cancel(struct zc_file *zf, struct zc_cancel *arg)
{
	arg->count = zc_op_cancel(zf, arg->flags & ZC_CANCEL_ALL ?
				  NULL : zc_op_has_data, &arg->user_data);
	return arg->count ? 0 : -ENOENT;
}

static bool zc_op_has_owner(struct zc_op *op, void *arg)
{
	return op->owner == arg;
}

/**
 * zc_cancel_owner - end the transfers that a dying process submitted
 * @zf:    file
 * @owner: its files_struct
 */
void zc_cancel_owner(struct zc_file *zf, const void *owner)
{
	/* It loses one descriptor after the other, and may have had many. */
	if (READ_ONCE(zf->dead) == owner)
		return;
	zc_op_cancel(zf, zc_op_has_owner, (void *)owner);
	WRITE_ONCE(zf->dead, owner);
}

/* Of those that go on it is the owner no more: its address may be another's soon. */
static bool zc_op_loses_owner(struct zc_op *op, void *arg)
{
	if (op->owner != arg)
		return false;
	if (!op->cyclic)
		op->owner = NULL;
	return op->cyclic;
}

/**
 * zc_cancel_cyclic - end those transfers of a process that may keep themselves going
 * @zf:    file, of which the process has lost its last descriptor: the others go on, whatever
 *         becomes of the process
 * @owner: its files_struct
 */
void zc_cancel_cyclic(struct zc_file *zf, const void *owner)
{
	zc_op_cancel(zf, zc_op_loses_owner, (void *)owner);
}

/**
 * zc_cancel_uring - end the transfer of a command early
 * @ucmd: command
 *
 * A ring that goes away asks for the end of each, of thousands, and without a pause until
 * the last has ended. So what does not end soon goes on without it.
 */
void zc_cancel_uring(struct io_uring_cmd *ucmd)
{
	if (zc_op_cancel_one(&zc_uring_pdu(ucmd)->op))
		zc_uring_end(ucmd, -ECANCELED, 0);
}

/**
 * zc_submit_init - get ready for transfers that nobody waits for
 *
 * Returns: 0 or -ENOMEM.
 */
int zc_submit_init(void)
{
	zc_op_sendfiles = KMEM_CACHE(zc_op_sendfile, SLAB_ACCOUNT);
	return zc_op_sendfiles ? 0 : -ENOMEM;
}

/**
 * zc_submit_exit - undo zc_submit_init(), when all have ended
 */
void zc_submit_exit(void)
{
	kmem_cache_destroy(zc_op_sendfiles);
}
