// SPDX-License-Identifier: GPL-2.0-only
/*
 * On whose behalf a worker acts: with whose credentials, and at the expense of which
 * cgroups for memory and I/O, as if whoever submitted the transfer did it.
 */
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/kthread.h>
#include <linux/memcontrol.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>

#include "async.h"

/**
 * zc_behalf_take - remember the caller
 * @behalf: filled in, to be forgotten by zc_behalf_put()
 */
void zc_behalf_take(struct zc_behalf *behalf)
{
	/* Others set cred::non_rcu to what it is, too. */
	behalf->cred = data_race(get_current_cred());
	behalf->memcg = get_mem_cgroup_from_mm(current->mm);
#ifdef CONFIG_BLK_CGROUP
	behalf->blkcg = task_get_css(current, io_cgrp_id);
#endif
}

/**
 * zc_behalf_put - forget whom zc_behalf_take() remembered
 * @behalf: behalf
 */
void zc_behalf_put(struct zc_behalf *behalf)
{
#ifdef CONFIG_BLK_CGROUP
	css_put(behalf->blkcg);
#endif
	mem_cgroup_put(behalf->memcg);
	put_cred(behalf->cred);
}

/**
 * zc_behalf_enter - act on somebody's behalf
 * @behalf: whose
 * @own:    what to return to
 *
 * By a worker of a workqueue that acts on nobody's else.
 */
void zc_behalf_enter(const struct zc_behalf *behalf, struct zc_behalf *own)
{
	own->cred = override_creds(behalf->cred);
	own->memcg = set_active_memcg(behalf->memcg);
	kthread_associate_blkcg(behalf->blkcg);
}

/**
 * zc_behalf_leave - act on one's own behalf again
 * @own: from zc_behalf_enter()
 */
void zc_behalf_leave(const struct zc_behalf *own)
{
	kthread_associate_blkcg(NULL);
	set_active_memcg(own->memcg);
	revert_creds(own->cred);
}
