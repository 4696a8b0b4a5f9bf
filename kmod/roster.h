/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The transfers that are under way, for those who ask, and what has become of those that
 * are over.
 */
#ifndef _ZC_ROSTER_H
#define _ZC_ROSTER_H

#include <linux/list.h>
#include <linux/kdev_t.h>
#include <linux/sched.h>
#include <linux/types.h>
#include <linux/uidgid.h>

#include "stats.h"

struct pid;
struct zc_ends;
struct zc_range;
struct zc_sendfile;

/**
 * struct zc_entry - a transfer on the roster
 * @node:   among those that began on the same processor, by @id
 * @cpu:    that one
 * @id:     its number; 0: it is not on the roster, or a mark of somebody who reads it
 * @waiter: enum zc_transfer_waiter
 * @ends:   of one from a file; @arg are then its arguments and result
 * @arg:    see @ends
 * @range:  of one from a buffer
 * @task:   thread that waits for it; NULL: none does, and the next two say who asked for it
 * @pid:    process, a reference is held
 * @comm:   name of the thread
 * @uid:    user who asked for it
 * @begun:  jiffies
 */
struct zc_entry {
	struct list_head node;
	unsigned int cpu;
	u64 id;
	u32 waiter;
	const struct zc_ends *ends;
	const struct zc_sendfile *arg;
	const struct zc_range *range;
	struct task_struct *task;
	struct pid *pid;
	char comm[TASK_COMM_LEN];
	kuid_t uid;
	unsigned long begun;
};

/**
 * struct zc_transfer_info - what is said of a transfer
 * @id:        its number, or 0: it has none
 * @waiter:    enum zc_transfer_waiter
 * @buffer:    number of the buffer, or 0: it is from a file
 * @inode:     of the file
 * @dev:       of the file
 * @socket:    inode of the socket
 * @offset:    of the next byte
 * @length:    bytes asked for
 * @sent:      bytes
 * @copied:    bytes
 * @cached:    bytes
 * @reasons:   ZC_COPY_* bits
 * @pid:       process, a reference is held, to be given to zc_transfer_info_put(); or NULL
 * @uid:       its user
 * @comm:      name of the thread
 * @age_ms:    since it was asked for
 * @err:       how it has ended, negative errno or 0
 */
struct zc_transfer_info {
	u64 id;
	u32 waiter;
	u32 buffer;
	u64 inode;
	dev_t dev;
	u64 socket;
	u64 offset;
	u64 length;
	u64 sent;
	u64 copied;
	u64 cached;
	u32 reasons;
	struct pid *pid;
	kuid_t uid;
	char comm[TASK_COMM_LEN];
	u64 age_ms;
	int err;
};

void zc_roster_init(void);
void zc_roster_add(struct zc_entry *entry);
void zc_roster_del(struct zc_entry *entry);
void zc_roster_tell(struct zc_entry *entry, int err);

/**
 * struct zc_outcome - what has become of a transfer
 * @sent:    bytes
 * @copied:  bytes
 * @cached:  bytes
 * @reasons: ZC_COPY_* bits
 * @err:     negative errno or 0
 */
struct zc_outcome {
	u64 sent;
	u64 copied;
	u64 cached;
	u32 reasons;
	int err;
};

void zc_roster_count_copies(u64 bytes, u32 reasons);
void zc_roster_count_failure(int err);

/**
 * zc_roster_count_end - count a transfer that is over
 * @out: what has become of it. Any context.
 */
static inline void zc_roster_count_end(const struct zc_outcome *out)
{
	zc_stat_add(ZC_STAT_SENT, out->sent);
	zc_stat_add(ZC_STAT_CACHED, out->cached);
	if (unlikely(out->copied))
		zc_roster_count_copies(out->copied, out->reasons);
	if (likely(!out->err || out->err == -EAGAIN))
		zc_stat_inc(ZC_STAT_DONE);
	else
		zc_roster_count_failure(out->err);
}

unsigned int zc_roster_count(void);
unsigned int zc_roster_version(void);
bool zc_roster_find(u64 id, kuid_t uid, struct zc_transfer_info *info);

/**
 * struct zc_roster_pos - somebody who reads the roster
 * @mark: where
 * @cpu:  among the transfers that began on this processor
 */
struct zc_roster_pos {
	struct zc_entry mark;
	unsigned int cpu;
};

void zc_roster_open(struct zc_roster_pos *pos);
bool zc_roster_next(struct zc_roster_pos *pos, kuid_t uid, struct zc_transfer_info *info);
void zc_roster_close(struct zc_roster_pos *pos);
void zc_transfer_info_put(struct zc_transfer_info *info);

#endif /* _ZC_ROSTER_H */
