// SPDX-License-Identifier: GPL-2.0-only
/* The end of transfers that nobody waits for, before they have ended by themselves. */
#include <linux/file.h>
#include <linux/sched.h>

#include "async.h"
#include "zc.h"

/* Who asks again and again for the end of one waits for it no longer than this. */
#define ZC_FORSAKE	(HZ / 10)

/* Transfers of a file that are looked at before others have the lock. */
#define ZC_CANCEL_BATCH	64

/*
 * Cancel those that match among the next few that stand between @from, which moves on,
 * and @to, before it: the last first, as the end of one lets the one behind it begin. Returns
 * how many; @more if that were not all.
 */
static unsigned int zc_op_cancel_some(struct zc_op *from, struct zc_op *to,
				      bool (*match)(struct zc_op *op, void *arg),
				      void *match_arg, bool *more)
{
	unsigned int nr = 0, looks;
	struct zc_op *op;

	rcu_read_lock();
	spin_lock(&zc_lanes_lock);
	for (looks = 0; looks < ZC_CANCEL_BATCH; looks++) {
		op = list_prev_entry(from, file_node);
		*more = op != to;
		if (!*more)
			break;
		list_move_tail(&from->file_node, &op->file_node);
		/* Neither what ends, nor a mark of somebody else who cancels. */
		if (op->ending || (match && !match(op, match_arg)))
			continue;
		zc_op_cancel_locked(op);
		nr++;
	}
	spin_unlock(&zc_lanes_lock);
	rcu_read_unlock();
	return nr;
}

/**
 * zc_op_cancel - end transfers early
 * @zf:        file that they were submitted through
 * @match:     which; NULL: all
 * @match_arg: for @match
 *
 * They end with -ECANCELED, soon, unless they have ended by themselves; what was
 * sent is sent. None of them begins because of the end of another. Those that are submitted
 * meanwhile are left alone.
 *
 * Returns: how many. Sleeps.
 */
unsigned int zc_op_cancel(struct zc_file *zf,
			  bool (*match)(struct zc_op *op, void *arg),
			  void *match_arg)
{
	struct zc_op from = { .ending = true }, to = { .ending = true };
	unsigned int nr = 0;
	bool more = true;

	spin_lock(&zc_lanes_lock);
	list_add(&to.file_node, &zf->ops);
	list_add_tail(&from.file_node, &zf->ops);
	spin_unlock(&zc_lanes_lock);
	while (more) {
		nr += zc_op_cancel_some(&from, &to, match, match_arg, &more);
		cond_resched();
	}
	spin_lock(&zc_lanes_lock);
	list_del(&from.file_node);
	list_del(&to.file_node);
	spin_unlock(&zc_lanes_lock);
	return nr;
}

/**
 * zc_op_cancel_one - end a transfer early, without looking for it
 * @name: its zc_op::name
 *
 * A device, or a server, may have its memory, or a worker, for as long as it likes. Who asks
 * again, long after it was to end, is not to wait for that.
 *
 * Returns: true if it is forsaken: @name is none any more, and its end() tells nobody. Any
 * context that may take a spinlock.
 */
bool zc_op_cancel_one(struct zc_op **name)
{
	bool forsaken = false;
	struct zc_op *op;

	rcu_read_lock();
	spin_lock(&zc_lanes_lock);
	op = *name;
	if (op && !op->ending) {
		zc_op_cancel_locked(op);
	} else if (op && time_after(jiffies, op->doomed + ZC_FORSAKE)) {
		op->forsaken = true;
		op->name = NULL;
		*name = NULL;
		forsaken = true;
	}
	spin_unlock(&zc_lanes_lock);
	rcu_read_unlock();
	return forsaken;
}
