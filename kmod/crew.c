// SPDX-License-Identifier: GPL-2.0-only
/*
 * The workers that are there for all, and how many of them one user may have.
 *
 * A worker waits where whoever submitted the transfer would: for a file that somebody
 * is writing to, for a socket that somebody sends to, for his cgroup's memory. He may
 * see to it that this takes for ever. So nobody has more workers than are free, and one
 * user alone no more than half.
 *
 * Few are quick. Who wants more of them stands in a queue: most lanes wait for nobody and
 * are done soon, and as many threads as there are lanes would get in each other's way.
 * Where none of a user's gets done for long, that is no use, and he goes where others wait:
 * to the slow ones, of which there are many. As many more close files.
 */
#include <linux/cred.h>
#include <linux/hashtable.h>
#include <linux/jiffies.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>
#include <linux/workqueue.h>

#include "async.h"
#include "compat.h"

/*
 * Of each more workers than may be had, so one is always free, whatever those wait for: what is
 * queued does not wait long before it is asked whether it may have one. Since 6.9 they are divided
 * among the nodes, and one user's work may be all on one: see zc_crew_init().
 *
 * Quick workers; more than processors, as a read through the page cache blocks one.
 */
#define ZC_QUICK_WORKERS	16
#define ZC_QUICK_MAX		6

/*
 * Those for files whose reads wait: for a disk, or for a server or a FUSE program that maybe
 * never answers; for sockets that somebody works on, who may wait for such a file
 * meanwhile; and for who would wait in vain for a quick one. So they block none but their
 * like.
 */
#define ZC_SLOW_WORKERS		512
#define ZC_SLOW_MAX		240

/*
 * Those that close files that others than this host have a part in: to write back, or to say
 * that it is closed, may take for ever (a file of FUSE or NFS). What a kernel thread puts is
 * closed by one work for the whole system, which must not wait for that, nor must one that
 * others need.
 */
#define ZC_CLOSE_WORKERS	512
#define ZC_CLOSE_MAX		240

/* Workers that none comes back from for so long are taken to wait for somebody. */
#define ZC_CREW_LONG		(HZ / 10)

/* How many are sent off to the slow workers before others have the lock. */
#define ZC_CREW_BATCH		64

#define ZC_CREW_USER_BITS	6

/**
 * struct zc_crew - workers
 * @name:  what they are called
 * @nr:    how many there are
 * @wq:    they
 * @max:   how many may be had at a time; fewer where a node has few
 * @busy:  how many are
 * @users: who stands in the queue for more, by zc_crew_side::node
 * @moved: when one came back, or the first was had, jiffies
 */
struct zc_crew {
	const char *name;
	unsigned int nr;
	struct workqueue_struct *wq;
	unsigned int max;
	unsigned int busy;
	struct list_head users;
	unsigned long moved;
};

/**
 * struct zc_crew_side - what a user has of some workers
 * @node:  in zc_crew::users, if @queue is not empty
 * @queue: berths that wait
 * @nr:    how many there are that have one
 * @moved: when one came back, or the first was had, jiffies
 */
struct zc_crew_side {
	struct list_head node;
	struct list_head queue;
	unsigned int nr;
	unsigned long moved;
};

/**
 * struct zc_crew_user - one whose transfers want workers
 * @node: in zc_crew_users
 * @uid:  user
 * @refs: transfers
 * @side: of each crew
 */
struct zc_crew_user {
	struct hlist_node node;
	kuid_t uid;
	unsigned int refs;
	struct zc_crew_side side[ZC_CREWS];
};

static void zc_crew_look(struct work_struct *work);
static DECLARE_DELAYED_WORK(zc_crew_work, zc_crew_look);

/* Protects all here, zc_berth::state among it. */
static DEFINE_SPINLOCK(zc_crew_lock);
static DEFINE_HASHTABLE(zc_crew_users, ZC_CREW_USER_BITS);
static struct zc_crew zc_crews[ZC_CREWS] = {
	[ZC_CREW_QUICK] = {
		.name = "zc-lanes",
		.nr = ZC_QUICK_WORKERS,
		.max = ZC_QUICK_MAX,
		.users = LIST_HEAD_INIT(zc_crews[ZC_CREW_QUICK].users),
	},
	[ZC_CREW_SLOW] = {
		.name = "zc-slow-lanes",
		.nr = ZC_SLOW_WORKERS,
		.max = ZC_SLOW_MAX,
		.users = LIST_HEAD_INIT(zc_crews[ZC_CREW_SLOW].users),
	},
	[ZC_CREW_CLOSE] = {
		.name = "zc-close",
		.nr = ZC_CLOSE_WORKERS,
		.max = ZC_CLOSE_MAX,
		.users = LIST_HEAD_INIT(zc_crews[ZC_CREW_CLOSE].users),
	},
};

/* The ids of a user namespace are at the disposal of whoever made it. */
static kuid_t zc_crew_uid(const struct cred *cred)
{
	const struct user_namespace *ns = cred->user_ns;
	kuid_t uid = cred->uid;

	for (; ns->parent; ns = ns->parent)
		uid = ns->owner;
	return uid;
}

static struct zc_crew_user *zc_crew_user_find_locked(kuid_t uid)
{
	struct zc_crew_user *user;

	lockdep_assert_held(&zc_crew_lock);
	hash_for_each_possible(zc_crew_users, user, node, __kuid_val(uid))
		if (uid_eq(user->uid, uid))
			return user;
	return NULL;
}

/* The user with a reference, who is @fresh if there is none; or NULL, if that is NULL. */
static struct zc_crew_user *zc_crew_user_find(kuid_t uid, struct zc_crew_user *fresh)
{
	struct zc_crew_user *user;

	spin_lock(&zc_crew_lock);
	user = zc_crew_user_find_locked(uid);
	if (!user && fresh) {
		user = fresh;
		hash_add(zc_crew_users, &user->node, __kuid_val(uid));
	}
	if (user)
		user->refs++;
	spin_unlock(&zc_crew_lock);
	return user;
}

/**
 * zc_crew_user_get - for whom the caller's transfers have workers
 *
 * Returns: the user, with a reference, or NULL: no memory. Sleeps.
 */
struct zc_crew_user *zc_crew_user_get(void)
{
	kuid_t uid = zc_crew_uid(current_cred());
	struct zc_crew_user *user = zc_crew_user_find(uid, NULL), *fresh;
	unsigned int i;

	if (user)
		return user;
	fresh = kzalloc(sizeof(*fresh), GFP_KERNEL_ACCOUNT);
	if (!fresh)
		return NULL;
	fresh->uid = uid;
	for (i = 0; i < ARRAY_SIZE(fresh->side); i++)
		INIT_LIST_HEAD(&fresh->side[i].queue);
	user = zc_crew_user_find(uid, fresh);
	if (user != fresh)
		kfree(fresh);
	return user;
}

/**
 * zc_crew_user_hold - have one more reference
 * @user: user, of whom the caller has one
 *
 * Returns: the user.
 */
struct zc_crew_user *zc_crew_user_hold(struct zc_crew_user *user)
{
	spin_lock(&zc_crew_lock);
	user->refs++;
	spin_unlock(&zc_crew_lock);
	return user;
}

/**
 * zc_crew_user_put - undo zc_crew_user_get()
 * @user: user, whom no berth names any more
 */
void zc_crew_user_put(struct zc_crew_user *user)
{
	bool last;

	spin_lock(&zc_crew_lock);
	last = !--user->refs;
	if (last)
		hash_del(&user->node);
	spin_unlock(&zc_crew_lock);
	if (last)
		kfree(user);
}

static bool zc_crew_may_locked(const struct zc_crew *crew, const struct zc_crew_side *side)
{
	lockdep_assert_held(&zc_crew_lock);
	return side->nr < crew->max - crew->busy;
}

static struct zc_crew_side *zc_berth_side(const struct zc_berth *berth)
{
	return &berth->user->side[berth->crew];
}

static void zc_crew_take_locked(struct zc_berth *berth)
{
	struct zc_crew_side *side = zc_berth_side(berth);
	struct zc_crew *crew = &zc_crews[berth->crew];

	lockdep_assert_held(&zc_crew_lock);
	berth->state = ZC_BERTH_HAS;
	if (!side->nr++)
		side->moved = jiffies;
	if (!crew->busy++)
		crew->moved = jiffies;
}

static void zc_crew_enqueue_locked(struct zc_berth *berth)
{
	struct zc_crew_side *side = zc_berth_side(berth);

	lockdep_assert_held(&zc_crew_lock);
	berth->state = ZC_BERTH_WAITS;
	if (list_empty(&side->queue))
		list_add_tail(&side->node, &zc_crews[berth->crew].users);
	list_add_tail(&berth->node, &side->queue);
}

static void zc_crew_dequeue_locked(struct zc_berth *berth)
{
	struct zc_crew_side *side = zc_berth_side(berth);

	lockdep_assert_held(&zc_crew_lock);
	list_del(&berth->node);
	if (list_empty(&side->queue))
		list_del(&side->node);
}

/* What is free goes to those who wait, not to who comes next; in turn to each user. */
static void zc_crew_hand_on_locked(struct zc_crew *crew)
{
	struct zc_crew_side *side, *next;
	struct zc_berth *berth;

	lockdep_assert_held(&zc_crew_lock);
	list_for_each_entry_safe(side, next, &crew->users, node) {
		if (!zc_crew_may_locked(crew, side))
			continue;
		list_move_tail(&side->node, &crew->users);
		berth = list_first_entry(&side->queue, struct zc_berth, node);
		zc_crew_dequeue_locked(berth);
		zc_crew_take_locked(berth);
		berth->go(berth);
		if (crew->busy == crew->max)
			return;
	}
}

static void zc_crew_part_locked(struct zc_berth *berth)
{
	struct zc_crew_side *side = zc_berth_side(berth);
	struct zc_crew *crew = &zc_crews[berth->crew];

	lockdep_assert_held(&zc_crew_lock);
	if (berth->state == ZC_BERTH_WAITS)
		zc_crew_dequeue_locked(berth);
	if (berth->state == ZC_BERTH_HAS) {
		side->nr--;
		side->moved = jiffies;
		crew->busy--;
		crew->moved = jiffies;
		zc_crew_hand_on_locked(crew);
	}
	berth->state = ZC_BERTH_NONE;
}

/* Is it no use to wait for a quick worker? Those of others count, if a user has none. */
static bool zc_crew_stuck_locked(const struct zc_crew_side *side)
{
	lockdep_assert_held(&zc_crew_lock);
	return time_after_eq(jiffies,
			     (side->nr ? side->moved : zc_crews[ZC_CREW_QUICK].moved) +
			     ZC_CREW_LONG);
}

/* Have the next few who wait in vain for a quick worker go elsewhere. Returns: all? */
static bool zc_crew_look_some(void)
{
	struct zc_crew *crew = &zc_crews[ZC_CREW_QUICK];
	struct zc_crew_side *side, *next;
	struct zc_berth *berth, *more;
	unsigned int nr = 0;

	spin_lock(&zc_crew_lock);
	list_for_each_entry_safe(side, next, &crew->users, node) {
		if (!zc_crew_stuck_locked(side))
			continue;
		list_for_each_entry_safe(berth, more, &side->queue, node) {
			if (nr++ == ZC_CREW_BATCH)
				goto out;
			zc_crew_dequeue_locked(berth);
			berth->state = ZC_BERTH_STUCK;
			berth->go(berth);
		}
	}
out:
	spin_unlock(&zc_crew_lock);
	return nr <= ZC_CREW_BATCH;
}

static void zc_crew_look(struct work_struct *work)
{
	while (!zc_crew_look_some())
		cond_resched();
	spin_lock(&zc_crew_lock);
	if (!list_empty(&zc_crews[ZC_CREW_QUICK].users))
		queue_delayed_work(system_unbound_wq, &zc_crew_work, ZC_CREW_LONG);
	spin_unlock(&zc_crew_lock);
}

/**
 * zc_crew_join - have one more worker busy for a user
 * @berth: for this, which may have had its turn in the queue meanwhile
 * @user:  the user
 * @nr:    of which crew
 *
 * Returns: true if it may be, until zc_crew_part(); or false. Then, unless zc_crew_stuck()
 * says that it is no use, zc_berth::go() is called when it may ask again, if zc_crew_part()
 * does not come first. Does not sleep.
 */
bool zc_crew_join(struct zc_berth *berth, struct zc_crew_user *user, enum zc_crew_nr nr)
{
	struct zc_crew_side *side = &user->side[nr];
	bool has;

	spin_lock(&zc_crew_lock);
	if (berth->state != ZC_BERTH_NONE && (berth->user != user || berth->crew != nr))
		zc_crew_part_locked(berth);
	if (berth->state == ZC_BERTH_NONE) {
		berth->user = user;
		berth->crew = nr;
		if (zc_crew_may_locked(&zc_crews[nr], side)) {
			zc_crew_take_locked(berth);
		} else if (nr == ZC_CREW_QUICK && zc_crew_stuck_locked(side)) {
			berth->state = ZC_BERTH_STUCK;
		} else {
			zc_crew_enqueue_locked(berth);
			if (nr == ZC_CREW_QUICK)
				queue_delayed_work(system_unbound_wq, &zc_crew_work,
						   ZC_CREW_LONG);
		}
	}
	has = berth->state == ZC_BERTH_HAS;
	spin_unlock(&zc_crew_lock);
	return has;
}

/**
 * zc_crew_stuck - is there no hope of a quick worker?
 * @berth: that zc_crew_join() refused
 *
 * Returns: true if it should go to the slow ones.
 */
bool zc_crew_stuck(const struct zc_berth *berth)
{
	return READ_ONCE(berth->state) == ZC_BERTH_STUCK;
}

/**
 * zc_crew_part - have one less, or stand in the queue no more
 * @berth: for this; it may be that it has no worker, and does not wait either
 */
void zc_crew_part(struct zc_berth *berth)
{
	/* From there none but the caller goes on. */
	if (READ_ONCE(berth->state) == ZC_BERTH_NONE)
		return;
	spin_lock(&zc_crew_lock);
	zc_crew_part_locked(berth);
	spin_unlock(&zc_crew_lock);
}

/**
 * zc_crew_wq - the workqueue of some workers
 * @nr: of that crew
 *
 * Returns: it.
 */
struct workqueue_struct *zc_crew_wq(enum zc_crew_nr nr)
{
	return zc_crews[nr].wq;
}

/**
 * zc_crew_init - have workers
 *
 * Returns: 0 or -ENOMEM.
 */
int zc_crew_init(void)
{
	unsigned int i;

	for (i = 0; i < ZC_CREWS; i++) {
		struct zc_crew *crew = &zc_crews[i];
		unsigned int share = zc_workqueue_share(crew->nr);

		crew->max = min(crew->max, share - 1 - share / 16);
		crew->wq = alloc_workqueue("%s", WQ_UNBOUND, crew->nr, crew->name);
		if (!crew->wq)
			goto err;
	}
	return 0;

err:
	while (i--)
		destroy_workqueue(zc_crews[i].wq);
	return -ENOMEM;
}

/**
 * zc_crew_exit - undo zc_crew_init()
 *
 * Nobody waits any more; waits for what is still due.
 */
void zc_crew_exit(void)
{
	unsigned int i;

	cancel_delayed_work_sync(&zc_crew_work);
	for (i = ZC_CREWS; i--;)
		destroy_workqueue(zc_crews[i].wq);
}
