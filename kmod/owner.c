// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whose a buffer is: the memory that a user may lock (RLIMIT_MEMLOCK) is counted over all
 * his processes, with that of io_uring, AF_XDP and perf, which count it in the same way.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/mm.h>
#include <linux/resource.h>
#include <linux/sched/signal.h>
#include <linux/sched/user.h>

#include "owner.h"

static bool zc_owner_count(struct user_struct *user, unsigned long pages)
{
	unsigned long limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	long locked = atomic_long_read(&user->locked_vm);

	do {
		if (pages > limit || locked > limit - pages)
			return false;
	} while (!atomic_long_try_cmpxchg(&user->locked_vm, &locked, locked + pages));
	return true;
}

/**
 * zc_owner_charge - count memory as locked by the caller
 * @owner: set; to be given to zc_owner_uncharge() if this succeeds
 * @bytes: a multiple of PAGE_SIZE
 *
 * CAP_IPC_LOCK does without.
 *
 * Returns: 0, or -EPERM: it is more than RLIMIT_MEMLOCK.
 */
int zc_owner_charge(struct zc_owner *owner, u64 bytes)
{
	struct user_struct *user = current_user();

	owner->user = NULL;
	owner->bytes = bytes;
	if (capable(CAP_IPC_LOCK))
		return 0;
	if (!zc_owner_count(user, bytes >> PAGE_SHIFT))
		return -EPERM;
	owner->user = get_uid(user);
	return 0;
}

/**
 * zc_owner_uncharge - undo zc_owner_charge()
 * @owner: owner, who counts
 */
void zc_owner_uncharge(struct zc_owner *owner)
{
	zc_owner_suspend(owner);
	zc_owner_forget(owner);
}

/**
 * zc_owner_suspend - do not count memory for a while
 * @owner: owner, who counts. Any context.
 */
void zc_owner_suspend(const struct zc_owner *owner)
{
	if (owner->user)
		atomic_long_sub(owner->bytes >> PAGE_SHIFT, &owner->user->locked_vm);
}

/**
 * zc_owner_resume - count it again
 * @owner: from zc_owner_suspend(). Any context of a process, whose RLIMIT_MEMLOCK holds
 *
 * Returns: true if so; else it is too much now, and does not count.
 */
bool zc_owner_resume(const struct zc_owner *owner)
{
	return !owner->user || zc_owner_count(owner->user, owner->bytes >> PAGE_SHIFT);
}

/**
 * zc_owner_forget - have no owner
 * @owner: owner, who does not count
 */
void zc_owner_forget(struct zc_owner *owner)
{
	if (owner->user)
		free_uid(owner->user);
	owner->user = NULL;
}

/**
 * zc_owner_hold - count a part of the memory on its own, whatever becomes of the rest
 * @owner: owner, not forgotten
 * @bytes: so much, though it may be more than RLIMIT_MEMLOCK
 *
 * Returns: the user, to be given to zc_owner_let_go(), or NULL. Any context.
 */
struct user_struct *zc_owner_hold(const struct zc_owner *owner, u64 bytes)
{
	if (!owner->user)
		return NULL;
	atomic_long_add(bytes >> PAGE_SHIFT, &owner->user->locked_vm);
	return get_uid(owner->user);
}

/**
 * zc_owner_let_go - undo zc_owner_hold()
 * @user:  as it returned
 * @bytes: the same
 */
void zc_owner_let_go(struct user_struct *user, u64 bytes)
{
	if (!user)
		return;
	atomic_long_sub(bytes >> PAGE_SHIFT, &user->locked_vm);
	free_uid(user);
}
