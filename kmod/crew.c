// SPDX-License-Identifier: GPL-2.0-only
/*
 * The few workers that are there for all, and how many of them one user may have.
 *
 * A worker waits where whoever submitted the transfer would: for a file that somebody
 * is writing to, for a socket that somebody sends to, for his cgroup's memory. He may
 * see to it that this takes for ever. So nobody has more workers than are free, and one
 * user alone no more than half.
 *
 * Who wants more stands in a queue: most wait for nobody and are done soon, and as many
 * threads as there are lanes would only get in each other's way. Where no worker of a
 * user gets done, those that stand behind go where others wait (the slow lanes).
 */
#include <linux/jiffies.h>
#include <linux/spinlock.h>
#include <linux/uidgid.h>
#include <linux/workqueue.h>

#include "async.h"

/* A worker that takes longer is taken to wait for somebody. */
#define ZC_CREW_LONG	(HZ / 10)

/* How many of the queue are asked whether a worker that is free now may be theirs. */
#define ZC_CREW_LOOKS	16

/* How many are sent off to the slow lanes before others have the lock. */
#define ZC_CREW_BATCH	64

static void zc_crew_look(struct work_struct *work);
static DECLARE_DELAYED_WORK(zc_crew_work, zc_crew_look);

/* Protects all here, zc_berth::state among it. */
static DEFINE_SPINLOCK(zc_crew_lock);
static struct zc_berth *zc_crew[ZC_CREW_MAX];
static unsigned int zc_crew_busy;
static LIST_HEAD(zc_crew_queue);

static bool zc_crew_may_locked(kuid_t uid)
{
	unsigned int own = 0, i;

	lockdep_assert_held(&zc_crew_lock);
	for (i = 0; i < zc_crew_busy; i++)
		own += uid_eq(zc_crew[i]->uid, uid);
	return own < ZC_CREW_MAX - zc_crew_busy;
}

static void zc_crew_take_locked(struct zc_berth *berth)
{
	lockdep_assert_held(&zc_crew_lock);
	berth->state = ZC_BERTH_HAS;
	berth->since = jiffies;
	zc_crew[zc_crew_busy++] = berth;
}

/* A worker is free: it goes to the first who may have it, not to who comes next. */
static void zc_crew_hand_on_locked(void)
{
	unsigned int looks = ZC_CREW_LOOKS;
	struct zc_berth *berth;

	lockdep_assert_held(&zc_crew_lock);
	list_for_each_entry(berth, &zc_crew_queue, node) {
		if (zc_crew_may_locked(berth->uid)) {
			list_del(&berth->node);
			zc_crew_take_locked(berth);
			berth->go(berth);
			return;
		}
		if (!--looks)
			return;
	}
}

static void zc_crew_part_locked(struct zc_berth *berth)
{
	unsigned int i = 0;

	lockdep_assert_held(&zc_crew_lock);
	if (berth->state == ZC_BERTH_WAITS)
		list_del(&berth->node);
	if (berth->state == ZC_BERTH_HAS) {
		while (zc_crew[i] != berth)
			i++;
		zc_crew[i] = zc_crew[--zc_crew_busy];
		zc_crew_hand_on_locked();
	}
	berth->state = ZC_BERTH_NONE;
}

/* Has none of the user's workers come back for long? So it is where he has none, too. */
static bool zc_crew_stuck_locked(kuid_t uid)
{
	unsigned int i;

	lockdep_assert_held(&zc_crew_lock);
	for (i = 0; i < zc_crew_busy; i++)
		if (uid_eq(zc_crew[i]->uid, uid) &&
		    time_before(jiffies, zc_crew[i]->since + ZC_CREW_LONG))
			return false;
	return true;
}

/* Returns: false when there may be more to look at. */
static bool zc_crew_look_some(unsigned long now)
{
	struct zc_berth *berth, *next;
	kuid_t uid = INVALID_UID;
	unsigned int nr = 0;
	bool stuck = false;

	spin_lock(&zc_crew_lock);
	list_for_each_entry_safe(berth, next, &zc_crew_queue, node) {
		/* The rest came later. */
		if (time_before(now, berth->since + ZC_CREW_LONG))
			break;
		if (!uid_eq(berth->uid, uid)) {
			uid = berth->uid;
			stuck = zc_crew_stuck_locked(uid);
		}
		if (!stuck)
			continue;
		list_del(&berth->node);
		berth->state = ZC_BERTH_STUCK;
		berth->go(berth);
		if (++nr == ZC_CREW_BATCH)
			break;
	}
	spin_unlock(&zc_crew_lock);
	return nr < ZC_CREW_BATCH;
}

static void zc_crew_look(struct work_struct *work)
{
	unsigned long now = jiffies;

	while (!zc_crew_look_some(now))
		cond_resched();
	spin_lock(&zc_crew_lock);
	if (!list_empty(&zc_crew_queue))
		queue_delayed_work(system_unbound_wq, &zc_crew_work, ZC_CREW_LONG);
	spin_unlock(&zc_crew_lock);
}

/**
 * zc_crew_join - have one more worker busy for a user
 * @berth: for this, which may have had its turn in the queue meanwhile
 * @uid:   the user
 *
 * Returns: true if it may be, until zc_crew_part(); or false, and zc_berth::go() is called
 * when it may ask again, unless zc_crew_part() comes first. Does not sleep.
 */
bool zc_crew_join(struct zc_berth *berth, kuid_t uid)
{
	bool may;

	spin_lock(&zc_crew_lock);
	if (berth->state != ZC_BERTH_NONE && !uid_eq(berth->uid, uid))
		zc_crew_part_locked(berth);
	berth->uid = uid;
	if (berth->state == ZC_BERTH_NONE && zc_crew_may_locked(uid)) {
		zc_crew_take_locked(berth);
	} else if (berth->state == ZC_BERTH_NONE) {
		berth->state = ZC_BERTH_WAITS;
		berth->since = jiffies;
		list_add_tail(&berth->node, &zc_crew_queue);
		queue_delayed_work(system_unbound_wq, &zc_crew_work, ZC_CREW_LONG);
	}
	may = berth->state == ZC_BERTH_HAS;
	if (may)
		berth->since = jiffies;
	spin_unlock(&zc_crew_lock);
	return may;
}

/**
 * zc_crew_stuck - is there no hope of a worker?
 * @berth: that zc_crew_join() refused
 *
 * Returns: true if it should go where others wait.
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
 * zc_crew_exit - nobody waits any more
 */
void zc_crew_exit(void)
{
	cancel_delayed_work_sync(&zc_crew_work);
}
