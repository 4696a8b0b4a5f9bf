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

/**
 * zc_owner_charge - count memory as locked by the caller
 * @owner: set; to be given to zc_owner_uncharge() if this succeeds
 * @bytes: a multiple of PAGE_SIZE
 *
 * CAP_IPC_LOCK does without.
 *
 * Returns: 0, or -EPERM: it is more than RLIMIT_MEMLOCK. Any context of the caller's.
 */
int zc_owner_charge(struct zc_owner *owner, u64 bytes)
{
	unsigned long limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	unsigned long pages = bytes >> PAGE_SHIFT;
	struct user_struct *user = current_user();
	long locked;

	owner->user = NULL;
	owner->bytes = bytes;
	if (capable(CAP_IPC_LOCK))
		return 0;
	locked = atomic_long_read(&user->locked_vm);
	do {
		if (pages > limit || locked > limit - pages)
			return -EPERM;
	} while (!atomic_long_try_cmpxchg(&user->locked_vm, &locked, locked + pages));
	owner->user = get_uid(user);
	return 0;
}

/**
 * zc_owner_uncharge - undo zc_owner_charge()
 * @owner: owner. May sleep.
 */
void zc_owner_uncharge(struct zc_owner *owner)
{
	if (!owner->user)
		return;
	atomic_long_sub(owner->bytes >> PAGE_SHIFT, &owner->user->locked_vm);
	free_uid(owner->user);
	owner->user = NULL;
}
