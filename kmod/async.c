// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transfers that nobody waits for, thousands of them at once.
 *
 * All that go to one socket stand in a lane, and the first of a lane is the one
 * under way: so their order is kept. A lane is a work item, run by a few workers
 * for all lanes together, never a thread of its own. It does what it can without
 * waiting, and is run again when a read has ended or the socket has room (a
 * zc_waker in the one case, an entry in the socket's wait queue in the other). Where it
 * may have to wait for long it turns slow, for good, and is run by others (crew.c).
 *
 * What a transfer may have in flight is a share of the pool's room, so a peer that
 * never reads holds little, and the less the more such peers there are.
 *
 * Lifetimes: a lane is kept by its transfers (one reference for all of them), and
 * by each run that is due. A waker may come late, when the lane is gone but for
 * RCU; it then finds no reference to take.
 */
#include <linux/file.h>
#include <linux/hashtable.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <net/sock.h>

#include "async.h"
#include "compat.h"
#include "trace.h"
#include "zc.h"

/* Of lanes there may be as many as there is memory for. */
#define ZC_LANE_BITS	14

/* When to look for memory again, later each time; and for how long in vain. */
#define ZC_RETRY(nr)	msecs_to_jiffies(10 << min(nr, 6U))
#define ZC_RETRY_MAX	(30 * HZ)

/* Transfers that end in one run of a lane, before others have the worker. */
#define ZC_LANE_ENDS	16

/**
 * struct zc_lane - the transfers to one socket
 * @ref:   see above
 * @rcu:   for the end
 * @waker: for reads
 * @node:  in zc_lanes
 * @file:  the socket's, a reference is held
 * @sk:    its name in zc_lanes
 * @ops:   transfers, in order
 * @over:  those that are to end early and have not begun
 * @lives: those that have a deadline, by zc_op::life_node, the first one first
 * @active: the first of @ops, once it has begun
 * @slow:  has turned slow; never cleared
 * @flags: see below
 * @work:  a run
 * @by_slow: by a slow worker; its own
 * @later: has it run, by itself
 * @berth: its place among the workers
 * @user:  for whom the transfer was that has ended last; NULL: none has
 * @wait:  in the socket's wait queue
 * @waits: it is
 * @gone:  has left zc_lanes; a run that comes late has nothing to do
 */
struct zc_lane {
	struct kref ref;
	struct rcu_head rcu;
	struct zc_waker waker;
	struct hlist_node node;
	struct file *file;
	struct sock *sk;
	struct list_head ops;
	struct list_head over;
	struct list_head lives;
	struct zc_op *active;
	bool slow;
	unsigned long flags;
	struct work_struct work;
	bool by_slow;
	struct delayed_work later;
	struct zc_berth berth;
	struct zc_crew_user *user;
	wait_queue_entry_t wait;
	bool waits;
	bool gone;
};

/*
 * A run is due, or under way: there is one of a lane at a time, so a lane has one worker, however
 * long that waits and whatever happens meanwhile. A workqueue would keep a second for it.
 */
#define ZC_LANE_DUE	0
/* Something has happened since that run began: it is followed by another one. */
#define ZC_LANE_AGAIN	1

/*
 * Protects zc_lanes, zc_file::ops, zc_op::ending, and of a lane all its lists and
 * what is active. Held for a few steps.
 */
DEFINE_SPINLOCK(zc_lanes_lock);
static DEFINE_HASHTABLE(zc_lanes, ZC_LANE_BITS);
/* Until the last reference is gone: a run that is due holds one. */
static atomic_t zc_nr_lanes = ATOMIC_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(zc_lanes_wait);

static void zc_lane_free(struct kref *ref)
{
	struct zc_lane *lane = container_of(ref, struct zc_lane, ref);

	kfree_rcu(lane, rcu);
	if (atomic_dec_and_test(&zc_nr_lanes))
		wake_up(&zc_lanes_wait);
}

/* Have the lane run now. Any context; the caller holds a reference or RCU. */
static void zc_lane_kick(struct zc_lane *lane)
{
	if (!kref_get_unless_zero(&lane->ref))
		return;
	/* Both are full barriers, as those of zc_lane_work(): one of the two sees the other. */
	test_and_set_bit(ZC_LANE_AGAIN, &lane->flags);
	if (test_and_set_bit(ZC_LANE_DUE, &lane->flags)) {
		kref_put(&lane->ref, zc_lane_free);
		return;
	}
	/* The reference is the run's. */
	lane->by_slow = READ_ONCE(lane->slow);
	queue_work(zc_crew_wq(lane->by_slow ? ZC_CREW_SLOW : ZC_CREW_QUICK), &lane->work);
}

/* Have the lane run later, if nothing happens before; by itself. */
static void zc_lane_kick_later(struct zc_lane *lane, unsigned long delay)
{
	kref_get(&lane->ref);
	if (mod_delayed_work(zc_crew_wq(ZC_CREW_QUICK), &lane->later, delay))
		kref_put(&lane->ref, zc_lane_free);
}

static void zc_lane_later(struct work_struct *work)
{
	struct zc_lane *lane = container_of(to_delayed_work(work), struct zc_lane, later);

	zc_lane_kick(lane);
	kref_put(&lane->ref, zc_lane_free);
}

static void zc_lane_has_berth(struct zc_berth *berth)
{
	zc_lane_kick(container_of(berth, struct zc_lane, berth));
}

static void zc_lane_wake_read(struct zc_waker *waker)
{
	zc_lane_kick(container_of(waker, struct zc_lane, waker));
}

static int zc_lane_wake_socket(wait_queue_entry_t *wait, unsigned int mode,
			       int sync, void *key)
{
	struct zc_lane *lane = container_of(wait, struct zc_lane, wait);
	__poll_t events = key_to_poll(key);

	if (!events || (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
		zc_lane_kick(lane);
	return 0;
}

/* Take a transfer off the lists; after that it is the caller's alone. */
static void zc_op_unlink(struct zc_lane *lane, struct zc_op *op)
{
	spin_lock(&zc_lanes_lock);
	list_del(&op->lane_node);
	list_del(&op->file_node);
	list_del(&op->life_node);
	if (lane->active == op)
		lane->active = NULL;
	if (op->name)
		*op->name = NULL;
	spin_unlock(&zc_lanes_lock);
}

static void zc_op_end(struct zc_lane *lane, struct zc_op *op, int err)
{
	bool slow = op->slow;

	zc_op_unlink(lane, op);
	zc_behalf_put(&op->behalf);
	if (lane->user)
		zc_crew_user_put(lane->user);
	lane->user = op->user;
	op->ops->end(op, err);
	/* Not the last that keeps the module: zc_async_exit() waits for the lane. */
	if (slow)
		module_put(THIS_MODULE);
}

/* Have a transfer end, with this result. One that has begun keeps its place. */
static void zc_op_doom_locked(struct zc_lane *lane, struct zc_op *op, int err)
{
	lockdep_assert_held(&zc_lanes_lock);
	if (op->ending)
		return;
	op->ending = true;
	op->doomed = jiffies;
	op->err = err;
	list_del_init(&op->life_node);
	/* Of many the last is canceled first. */
	if (op != lane->active)
		list_move(&op->lane_node, &lane->over);
}

/* Has no device its memory? */
static bool zc_op_quiet(struct zc_op *op)
{
	return !op->ops->quiet || op->ops->quiet(op);
}

/* It ends, but a device still has its memory: the end of the reads wakes the lane. */
static bool zc_op_lingers(struct zc_lane *lane, struct zc_op *op, int err)
{
	if (zc_op_quiet(op))
		return false;
	spin_lock(&zc_lanes_lock);
	zc_op_doom_locked(lane, op, err);
	spin_unlock(&zc_lanes_lock);
	/* It may have been the last read that ended meanwhile. */
	return !zc_op_quiet(op);
}

/* As the one who submitted it. */
static int zc_op_advance(struct zc_op *op)
{
	struct zc_behalf own;
	int ret;

	zc_behalf_enter(&op->behalf, &own);
	ret = op->ops->advance(op);
	zc_behalf_leave(&own);
	return ret;
}

/* May a transfer that got no memory look for some again? */
static bool zc_op_may_retry(struct zc_op *op)
{
	if (!op->retries)
		op->starved = jiffies;
	return time_before(jiffies, op->starved + ZC_RETRY_MAX);
}

/*
 * The transfer to care for next: the one under way if it is over and need not linger,
 * else one that waits and is over, else the first in order. Where it is @ending,
 * zc_op::err says how.
 */
static struct zc_op *zc_lane_next(struct zc_lane *lane, bool *ending)
{
	struct zc_op *op;

	spin_lock(&zc_lanes_lock);
	op = list_first_entry_or_null(&lane->lives, struct zc_op, life_node);
	if (op && time_after_eq(jiffies, op->deadline))
		zc_op_doom_locked(lane, op, -ETIMEDOUT);
	op = lane->active;
	if (!op || !op->ending || !zc_op_quiet(op))
		op = list_first_entry_or_null(&lane->over, struct zc_op, lane_node) ?:
		     lane->active;
	if (!op) {
		op = list_first_entry_or_null(&lane->ops, struct zc_op, lane_node);
		lane->active = op;
	}
	/* Out of sight with the last transfer, so that the next one makes its own. */
	if (!op)
		hash_del(&lane->node);
	*ending = op && op->ending;
	spin_unlock(&zc_lanes_lock);
	return op;
}

/* Nothing to do before something happens, or a deadline comes. */
static void zc_lane_park(struct zc_lane *lane)
{
	unsigned long deadline = 0, now = jiffies;
	struct zc_op *op;

	spin_lock(&zc_lanes_lock);
	op = list_first_entry_or_null(&lane->lives, struct zc_op, life_node);
	if (op)
		deadline = op->deadline;
	spin_unlock(&zc_lanes_lock);
	if (op)
		zc_lane_kick_later(lane, time_after(deadline, now) ?
					 deadline - now : 0);
}

/*
 * Be woken by the socket, from the first transfer on. Whose socket it is may have made its queue
 * long, and keep it busy: not where others wait meanwhile.
 */
static void zc_lane_watch(struct zc_lane *lane)
{
	if (lane->waits)
		return;
	lane->waits = true;
	add_wait_queue(sk_sleep(lane->sk), &lane->wait);
}

/*
 * Nobody else has the socket. close(2) has returned already: there is nobody to linger for, and
 * what a kernel thread puts is closed by one thread for all. Who unloads the module meanwhile is
 * refused, and does not wait.
 */
static void zc_lane_close(struct zc_lane *lane)
{
	bool pinned = try_module_get(THIS_MODULE);

	if (READ_ONCE(lane->sk->sk_lingertime)) {
		lock_sock(lane->sk);
		if (lane->sk->sk_lingertime)
			sock_reset_flag(lane->sk, SOCK_LINGER);
		release_sock(lane->sk);
	}
	__fput_sync(lane->file);
	if (pinned)
		module_put(THIS_MODULE);
}

static void zc_lane_retire(struct zc_lane *lane)
{
	zc_crew_part(&lane->berth);
	zc_crew_user_put(lane->user);
	lane->gone = true;
	if (cancel_delayed_work(&lane->later))
		kref_put(&lane->ref, zc_lane_free);
	kref_put(&lane->ref, zc_lane_free);
}

/* From here on it runs where it is in nobody's way. */
static void zc_lane_slow(struct zc_lane *lane)
{
	WRITE_ONCE(lane->slow, true);
	zc_lane_kick(lane);
}

/*
 * Is a quick worker not for this lane? A send would wait for whoever has the socket: not
 * where others need the worker. The lane may have turned slow since it was run, too.
 */
static bool zc_lane_moves(struct zc_lane *lane)
{
	/* It may be taken, or let go of, just after: that is looked at again. */
	bool owned = data_race(sock_owned_by_user_nocheck(lane->sk));

	if (!READ_ONCE(lane->slow) && !owned)
		return false;
	zc_lane_slow(lane);
	return true;
}

/* Advance a transfer; or return false, and the lane waits for a worker, or moves. */
static bool zc_lane_advance(struct zc_lane *lane, struct zc_op *op, bool slow, int *ret)
{
	if (!zc_crew_join(&lane->berth, op->user, slow ? ZC_CREW_SLOW : ZC_CREW_QUICK)) {
		if (zc_crew_stuck(&lane->berth))
			zc_lane_slow(lane);
		else
			zc_lane_park(lane);
		return false;
	}
	*ret = zc_op_advance(op);
	zc_crew_part(&lane->berth);
	return true;
}

/*
 * The last transfer has ended. Returns: false if the lane waits for a worker: to close a socket
 * may take for ever. TIPC waits for a peer, SMC for a device, kTLS for room, and all for an epoll
 * that has it, whose user holds its lock while he reads events.
 */
static bool zc_lane_finish(struct zc_lane *lane, bool slow)
{
	if (lane->waits)
		remove_wait_queue(sk_sleep(lane->sk), &lane->wait);
	lane->waits = false;
	if (!zc_file_put_unless_last(lane->file)) {
		if (!slow) {
			zc_lane_slow(lane);
			return true;
		}
		/* It counts as a transfer of his. */
		if (!zc_crew_join(&lane->berth, lane->user, ZC_CREW_SLOW))
			return false;
		zc_lane_close(lane);
	}
	zc_lane_retire(lane);
	return true;
}

/* By a slow worker, or a quick one. Returns: false if it waits for another. */
static bool zc_lane_run(struct zc_lane *lane, bool slow)
{
	unsigned int ends = 0;
	struct zc_op *op;
	bool ending;
	int ret;

	while (slow || !zc_lane_moves(lane)) {
		op = zc_lane_next(lane, &ending);
		if (!op)
			return zc_lane_finish(lane, slow);
		zc_lane_watch(lane);
		/* That wants no worker, and is not to keep one from others. */
		if (ending)
			zc_crew_part(&lane->berth);
		/* Of one that is not ending others may be about to set it. */
		ret = ending ? op->err : 0;
		if (!ending && !zc_lane_advance(lane, op, slow, &ret))
			return false;
		if (ret == -ENOMEM && zc_op_may_retry(op)) {
			zc_lane_kick_later(lane, ZC_RETRY(op->retries));
			op->retries++;
			break;
		}
		if (ret == -EIOCBQUEUED || ret == -EINPROGRESS) {
			op->retries = 0;
			if (ret == -EINPROGRESS)
				zc_lane_kick(lane);
			else
				zc_lane_park(lane);
			break;
		}
		if (zc_op_lingers(lane, op, ret)) {
			zc_lane_park(lane);
			break;
		}
		zc_op_end(lane, op, ret);
		if (++ends == ZC_LANE_ENDS) {
			zc_lane_kick(lane);
			break;
		}
		cond_resched();
	}
	return true;
}

static void zc_lane_work(struct work_struct *work)
{
	struct zc_lane *lane = container_of(work, struct zc_lane, work);

	/* What has happened until here is seen. */
	test_and_clear_bit(ZC_LANE_AGAIN, &lane->flags);
	if (!lane->gone && zc_lane_run(lane, lane->by_slow))
		zc_crew_part(&lane->berth);
	test_and_clear_bit(ZC_LANE_DUE, &lane->flags);
	if (test_bit(ZC_LANE_AGAIN, &lane->flags))
		zc_lane_kick(lane);
	kref_put(&lane->ref, zc_lane_free);
}

static struct zc_lane *zc_lane_new(struct socket *sock)
{
	struct zc_lane *lane = kzalloc(sizeof(*lane), GFP_KERNEL_ACCOUNT);

	if (!lane)
		return NULL;
	kref_init(&lane->ref);
	lane->waker.wake = zc_lane_wake_read;
	lane->sk = sock->sk;
	lane->file = sock->file;
	INIT_LIST_HEAD(&lane->ops);
	INIT_LIST_HEAD(&lane->over);
	INIT_LIST_HEAD(&lane->lives);
	INIT_WORK(&lane->work, zc_lane_work);
	INIT_DELAYED_WORK(&lane->later, zc_lane_later);
	lane->berth.go = zc_lane_has_berth;
	init_waitqueue_func_entry(&lane->wait, zc_lane_wake_socket);
	return lane;
}

static struct zc_lane *zc_lane_find(const struct sock *sk)
{
	struct zc_lane *lane;

	hash_for_each_possible(zc_lanes, lane, node, (unsigned long)sk)
		if (lane->sk == sk)
			return lane;
	return NULL;
}

/* Few have a life other than that of the one before: the order is mostly there. */
static void zc_op_live_locked(struct zc_lane *lane, struct zc_op *op)
{
	struct zc_op *before;

	lockdep_assert_held(&zc_lanes_lock);
	INIT_LIST_HEAD(&op->life_node);
	if (!op->life)
		return;
	op->deadline = jiffies + msecs_to_jiffies(op->life);
	list_for_each_entry_reverse(before, &lane->lives, life_node)
		if (time_before_eq(before->deadline, op->deadline))
			break;
	/* Of no such one, the head is what stands there. */
	list_add(&op->life_node, &before->life_node);
}

/**
 * zc_op_submit - let a transfer run by itself
 * @op:   transfer with its kind and user data, whose memory and references are its
 *        own; freed by its end()
 * @zf:   file through which it can be canceled
 * @sock: socket it goes to; the transfer holds a reference on its file
 *
 * Returns: 0, and end() is called some time, possibly before the return; or
 * -ENOMEM, and nothing has happened. Sleeps.
 */
int zc_op_submit(struct zc_op *op, struct zc_file *zf, struct socket *sock)
{
	struct zc_lane *fresh, *lane;

	op->user = zc_crew_user_get();
	if (!op->user)
		return -ENOMEM;
	fresh = zc_lane_new(sock);
	if (!fresh) {
		zc_crew_user_put(op->user);
		return -ENOMEM;
	}
	/* It may never end: who unloads the module is to be refused, and not to wait. */
	if (op->slow)
		__module_get(THIS_MODULE);
	op->owner = current->files;
	zc_behalf_take(&op->behalf);
	rcu_read_lock();
	spin_lock(&zc_lanes_lock);
	lane = zc_lane_find(sock->sk);
	if (!lane) {
		lane = fresh;
		fresh = NULL;
		get_file(lane->file);
		atomic_inc(&zc_nr_lanes);
		hash_add(zc_lanes, &lane->node, (unsigned long)sock->sk);
	}
	if (op->slow)
		WRITE_ONCE(lane->slow, true);
	op->waker = &lane->waker;
	zc_op_live_locked(lane, op);
	list_add_tail(&op->lane_node, &lane->ops);
	list_add_tail(&op->file_node, &zf->ops);
	/* Another one may have its place in memory. */
	if (READ_ONCE(zf->dead) == op->owner)
		WRITE_ONCE(zf->dead, NULL);
	if (op->name)
		*op->name = op;
	spin_unlock(&zc_lanes_lock);
	zc_lane_kick(lane);
	rcu_read_unlock();
	kfree(fresh);
	return 0;
}

/**
 * zc_op_cancel_locked - have a transfer end early
 * @op: has not ended, nor is it ending
 *
 * Under zc_lanes_lock, in a reader's section of RCU.
 */
void zc_op_cancel_locked(struct zc_op *op)
{
	struct zc_lane *lane = container_of(op->waker, struct zc_lane, waker);

	lockdep_assert_held(&zc_lanes_lock);
	trace_zc_transfer_cancel(lane->file, op->user_data);
	zc_op_doom_locked(lane, op, -ECANCELED);
	zc_lane_kick(lane);
}

/**
 * zc_async_init - get ready for transfers that nobody waits for
 *
 * Returns: 0 or -ENOMEM.
 */
int zc_async_init(void)
{
	return zc_crew_init();
}

/**
 * zc_async_exit - undo zc_async_init()
 *
 * Nobody has the device open, so all transfers have been canceled; waits for the
 * last to end.
 */
void zc_async_exit(void)
{
	wait_event(zc_lanes_wait, !atomic_read(&zc_nr_lanes));
	/* Late wakers, which may have made a run due; then the runs. */
	synchronize_rcu();
	zc_turn_exit();
	zc_crew_exit();
}
