// SPDX-License-Identifier: GPL-2.0-only
/*
 * The roster: transfers that are under way, and who asked for them. One that sends a few
 * pages at once is not on it: it would cost as much as the sending.
 *
 * Each processor has a list of those that began on it, in the order of their numbers. Who
 * reads one leaves a mark in it, so that it can be let go after a few steps: a user may
 * have many under way.
 */
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/math64.h>
#include <linux/percpu.h>
#include <linux/pid.h>
#include <linux/spinlock.h>
#include <linux/zc_netlink.h>

#include "netlink.h"
#include "roster.h"
#include "zc.h"

/**
 * struct zc_roster - transfers that began on a processor
 * @lock:    protects the rest
 * @entries: the transfers, and the marks of those who read
 * @begun:   how many there were
 * @ended:   how many are not there any more
 */
struct zc_roster {
	spinlock_t lock;	/* see above */
	struct list_head entries;
	u64 begun;
	u64 ended;
};

static DEFINE_PER_CPU(struct zc_roster, zc_rosters);

/* Entries that are looked at before others have the lock. */
#define ZC_ROSTER_STEPS	64

/* Whose it is. One whose caller waits for it is his for as long as it is on the roster. */
static void zc_entry_sign(struct zc_entry *entry)
{
	entry->uid = current_uid();
	entry->begun = jiffies;
	if (entry->waiter == ZC_TRANSFER_WAITER_CALLER) {
		entry->task = current;
		entry->pid = NULL;
		return;
	}
	entry->task = NULL;
	entry->pid = get_pid(task_tgid(current));
	get_task_comm(entry->comm, current);
}

/**
 * zc_roster_add - put a transfer on the roster
 * @entry: of the transfer: all but what this sets is set, and stays valid until
 *         zc_roster_del(). For the caller. Any context of a process.
 */
void zc_roster_add(struct zc_entry *entry)
{
	struct zc_roster *roster;

	zc_entry_sign(entry);
	entry->cpu = raw_smp_processor_id();
	roster = per_cpu_ptr(&zc_rosters, entry->cpu);
	spin_lock(&roster->lock);
	entry->id = roster->begun++ * nr_cpu_ids + entry->cpu + 1;
	list_add_tail(&entry->node, &roster->entries);
	spin_unlock(&roster->lock);
}

/**
 * zc_roster_del - take it off
 * @entry: from zc_roster_add(); keeps its number. Any context of a process.
 */
void zc_roster_del(struct zc_entry *entry)
{
	struct zc_roster *roster = per_cpu_ptr(&zc_rosters, entry->cpu);

	spin_lock(&roster->lock);
	list_del(&entry->node);
	roster->ended++;
	spin_unlock(&roster->lock);
	put_pid(entry->pid);
}

static void zc_info_of_range(struct zc_transfer_info *info, const struct zc_range *range)
{
	info->buffer = range->buf->id;
	info->socket = file_inode(range->sink.file)->i_ino;
	info->offset = READ_ONCE(range->arg->offset);
	info->length = range->arg->len;
	info->sent = READ_ONCE(range->arg->sent);
	info->copied = READ_ONCE(range->sink.copied);
	info->reasons = READ_ONCE(range->sink.reasons);
}

static void zc_info_of_ends(struct zc_transfer_info *info, const struct zc_ends *ends,
			    const struct zc_sendfile *arg)
{
	const struct inode *inode = file_inode(ends->src.file);

	info->inode = inode->i_ino;
	info->dev = S_ISBLK(inode->i_mode) ? inode->i_rdev : inode->i_sb->s_dev;
	info->socket = file_inode(ends->sink.file)->i_ino;
	info->offset = READ_ONCE(ends->pos);
	info->length = arg->len;
	info->sent = READ_ONCE(arg->sent);
	info->cached = READ_ONCE(arg->cached);
	info->copied = READ_ONCE(arg->copied) + READ_ONCE(ends->sink.copied);
	info->reasons = READ_ONCE(arg->copy_reasons) | READ_ONCE(ends->sink.reasons);
}

/* Of a transfer that does not end meanwhile. */
static void zc_entry_describe(const struct zc_entry *entry, struct zc_transfer_info *info)
{
	memset(info, 0, sizeof(*info));
	info->id = entry->id;
	info->waiter = entry->waiter;
	info->uid = entry->uid;
	info->age_ms = zc_since_ms(entry->begun);
	if (entry->task) {
		info->pid = get_pid(task_tgid(entry->task));
		get_task_comm(info->comm, entry->task);
	} else {
		info->pid = get_pid(entry->pid);
		memcpy(info->comm, entry->comm, sizeof(info->comm));
	}
	if (entry->range)
		zc_info_of_range(info, entry->range);
	else
		zc_info_of_ends(info, entry->ends, entry->arg);
}

/**
 * zc_transfer_info_put - let go of what is said of a transfer
 * @info: from zc_roster_next() or zc_roster_find()
 */
void zc_transfer_info_put(struct zc_transfer_info *info)
{
	put_pid(info->pid);
}

/**
 * zc_roster_tell - tell listeners of the end of a transfer
 * @entry: of the transfer, on the roster, or not: then @id is 0, and it is the caller's
 * @err:   how it ended
 *
 * Before what it is between is closed. May sleep.
 */
noinline void zc_roster_tell(struct zc_entry *entry, int err)
{
	struct zc_transfer_info info;

	/* One of a few pages, whose caller this is. */
	if (!entry->id)
		zc_entry_sign(entry);
	zc_entry_describe(entry, &info);
	info.err = err;
	zc_notify_transfer(&info);
	zc_transfer_info_put(&info);
}

/**
 * zc_roster_count_copies - count bytes that a transfer has copied
 * @bytes:   bytes
 * @reasons: ZC_COPY_* bits, why. Any context.
 */
void zc_roster_count_copies(u64 bytes, u32 reasons)
{
	unsigned int bit;

	zc_stat_add(ZC_STAT_COPIED, bytes);
	for (bit = 0; ZC_STAT_FALLBACK + bit <= ZC_STAT_FALLBACK_LAST; bit++)
		if (reasons & BIT(bit))
			zc_stat_inc(ZC_STAT_FALLBACK + bit);
}

/**
 * zc_roster_count_failure - count a transfer that has ended with an error
 * @err: negative errno. Any context.
 */
void zc_roster_count_failure(int err)
{
	bool canceled = err == -ECANCELED || err == -ERESTARTSYS || err == -EINTR;

	zc_stat_inc(canceled ? ZC_STAT_CANCELED : ZC_STAT_FAILED);
}

/**
 * zc_roster_count - how many are on the roster?
 *
 * Returns: their number.
 */
unsigned int zc_roster_count(void)
{
	s64 nr = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		const struct zc_roster *roster = per_cpu_ptr(&zc_rosters, cpu);

		nr += READ_ONCE(roster->begun) - READ_ONCE(roster->ended);
	}
	return max_t(s64, nr, 0);
}

/**
 * zc_roster_version - has the roster changed?
 *
 * Returns: another number than before if so.
 */
unsigned int zc_roster_version(void)
{
	unsigned int sum = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		const struct zc_roster *roster = per_cpu_ptr(&zc_rosters, cpu);

		sum += READ_ONCE(roster->begun) + READ_ONCE(roster->ended);
	}
	return sum;
}

/**
 * zc_roster_open - begin to read the roster
 * @pos: where, from the start; to be given to zc_roster_close()
 */
void zc_roster_open(struct zc_roster_pos *pos)
{
	memset(pos, 0, sizeof(*pos));
	pos->cpu = cpumask_first(cpu_possible_mask);
	INIT_LIST_HEAD(&pos->mark.node);
}

/*
 * Describe the next entry of one list that is the user's. Returns: 1 if there is one, 0 at
 * the end, -EAGAIN if others are to have the lock first.
 */
static int zc_roster_step(struct zc_roster *roster, struct zc_roster_pos *pos, kuid_t uid,
			  struct zc_transfer_info *info)
{
	struct zc_entry *entry = &pos->mark;
	unsigned int steps;
	int ret = -EAGAIN;

	spin_lock(&roster->lock);
	if (list_empty(&pos->mark.node))
		list_add(&pos->mark.node, &roster->entries);
	for (steps = 0; steps < ZC_ROSTER_STEPS; steps++) {
		if (list_is_last(&entry->node, &roster->entries)) {
			list_del_init(&pos->mark.node);
			ret = 0;
			break;
		}
		entry = list_next_entry(entry, node);
		if (!entry->id || (uid_valid(uid) && !uid_eq(entry->uid, uid)))
			continue;
		zc_entry_describe(entry, info);
		ret = 1;
		break;
	}
	if (ret)
		list_move(&pos->mark.node, &entry->node);
	spin_unlock(&roster->lock);
	return ret;
}

/**
 * zc_roster_next - read on
 * @pos:  from zc_roster_open()
 * @uid:  transfers of this user; or INVALID_UID: all
 * @info: set to the next one, to be given to zc_transfer_info_put()
 *
 * Returns: true; false if there are no more. May sleep.
 */
bool zc_roster_next(struct zc_roster_pos *pos, kuid_t uid, struct zc_transfer_info *info)
{
	int ret;

	while (pos->cpu < nr_cpu_ids) {
		ret = zc_roster_step(per_cpu_ptr(&zc_rosters, pos->cpu), pos, uid, info);
		if (ret > 0)
			return true;
		if (!ret)
			pos->cpu = cpumask_next(pos->cpu, cpu_possible_mask);
		cond_resched();
	}
	return false;
}

/**
 * zc_roster_close - read no more
 * @pos: from zc_roster_open()
 */
void zc_roster_close(struct zc_roster_pos *pos)
{
	struct zc_roster *roster;

	if (list_empty(&pos->mark.node))
		return;
	roster = per_cpu_ptr(&zc_rosters, pos->cpu);
	spin_lock(&roster->lock);
	list_del_init(&pos->mark.node);
	spin_unlock(&roster->lock);
}

/**
 * zc_roster_find - look for a transfer
 * @id:   its number
 * @uid:  of this user; or INVALID_UID: of whomever
 * @info: set, to be given to zc_transfer_info_put()
 *
 * Returns: true if it is under way. May sleep.
 */
bool zc_roster_find(u64 id, kuid_t uid, struct zc_transfer_info *info)
{
	struct zc_roster_pos pos;
	bool found = false;
	u32 cpu;

	div_u64_rem(id - 1, nr_cpu_ids, &cpu);
	if (!cpu_possible(cpu))
		return false;
	zc_roster_open(&pos);
	pos.cpu = cpu;
	/* Numbers ascend on a processor; those of the next one are none of it. */
	while (!found && zc_roster_next(&pos, uid, info)) {
		found = info->id == id;
		if (!found)
			zc_transfer_info_put(info);
		if (pos.cpu != cpu || info->id > id)
			break;
	}
	zc_roster_close(&pos);
	return found;
}

/**
 * zc_roster_init - get ready for transfers
 */
void zc_roster_init(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct zc_roster *roster = per_cpu_ptr(&zc_rosters, cpu);

		spin_lock_init(&roster->lock);
		INIT_LIST_HEAD(&roster->entries);
	}
}
