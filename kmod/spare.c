// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hugepages that transfers have done with, kept for the next ones: to get one from
 * the page allocator costs more than to send what it holds.
 *
 * The network may still hold pages of one. Then it is held: it counts against the
 * module's limit, and is not given out before the network has let go. So peers
 * that never read cost a bounded part of the memory, whoever sent to them.
 *
 * No user ever maps one, and a transfer sends no byte of it that was not read into
 * it before, so what it held last is nobody's to see.
 *
 * A spare belongs to no memory cgroup: it was the first user's, and will be the
 * next one's. The shrinker takes those that are idle under pressure.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/spinlock.h>
#include <linux/topology.h>
#include <linux/workqueue.h>

#include "pool.h"
#include "zc.h"

/* Idle ones to keep for ever. One transfer alone comes to use up to ZC_RING_SLOTS. */
#define ZC_IDLE_MAX	64U

/* Of more than that, half go each time nobody has wanted one of them for so long. */
#define ZC_IDLE_TIME	(5 * HZ)

/* How many to look at for one that is near, or has become idle. */
#define ZC_SPARES_LOOK	4U

static DEFINE_SPINLOCK(zc_spares_lock);
/* By folio->lru; under the lock, as are their counts. */
static LIST_HEAD(zc_idle);		/* the last one used comes first */
static LIST_HEAD(zc_held);		/* the likeliest to be idle comes first */
static LIST_HEAD(zc_lost);		/* the same, but users have had them */
static unsigned int zc_nr_idle;
static unsigned int zc_nr_held;
static unsigned int zc_nr_lost;
static atomic64_t zc_lost_bytes;

/* As few as there were at a time since they were last aged. */
static unsigned int zc_idle_least;

static void zc_spares_age(struct work_struct *work);
static DECLARE_DELAYED_WORK(zc_spares_work, zc_spares_age);

/* Move those of the first @looks that have become idle. Returns how many. */
static unsigned int zc_move_idle_locked(struct list_head *from, unsigned int looks,
					struct list_head *to)
{
	struct folio *folio;
	unsigned int nr = 0;

	lockdep_assert_held(&zc_spares_lock);
	for (; looks; looks--) {
		folio = list_first_entry(from, struct folio, lru);
		if (!zc_folio_idle(folio)) {
			/* Of a peer that does not read: not in the way. */
			list_move_tail(&folio->lru, from);
			continue;
		}
		list_move(&folio->lru, to);
		nr++;
	}
	return nr;
}

/* See which of the first @looks that are held have become idle. */
static void zc_spare_reap_locked(unsigned int looks)
{
	unsigned int nr = zc_move_idle_locked(&zc_held, min(looks, zc_nr_held),
					      &zc_idle);

	zc_nr_held -= nr;
	zc_nr_idle += nr;
}

/* The same; those that are idle move to @done, to be freed. */
static void zc_lost_reap_locked(unsigned int looks, struct list_head *done)
{
	zc_nr_lost -= zc_move_idle_locked(&zc_lost, min(looks, zc_nr_lost), done);
}

static void zc_lost_free_one(struct folio *folio)
{
	list_del(&folio->lru);
	atomic64_sub(folio_size(folio), &zc_lost_bytes);
	zc_owner_let_go(folio_get_private(folio), folio_size(folio));
	folio_change_private(folio, NULL);
	folio_put(folio);
}

/*
 * Others count those of @done, and do not find them. So there are few at a time, and the
 * processor is not given up before they are free.
 */
static void zc_lost_free(struct list_head *done)
{
	struct folio *folio, *next;

	list_for_each_entry_safe(folio, next, done, lru)
		zc_lost_free_one(folio);
}

static struct folio *zc_spare_take_locked(struct folio *folio)
{
	lockdep_assert_held(&zc_spares_lock);
	list_del(&folio->lru);
	zc_nr_idle--;
	zc_idle_least = min(zc_idle_least, zc_nr_idle);
	return folio;
}

/* Give all but @keep of the idle ones back to the page allocator. */
static unsigned int zc_spare_trim(unsigned int keep, unsigned int most)
{
	struct folio *folio;
	unsigned int done;

	for (done = 0; done < most; done++) {
		spin_lock(&zc_spares_lock);
		folio = NULL;
		if (zc_nr_idle > keep)
			folio = zc_spare_take_locked(list_last_entry(&zc_idle,
								     struct folio, lru));
		spin_unlock(&zc_spares_lock);
		if (!folio)
			break;
		folio_put(folio);
	}
	return done;
}

/* One near this processor, if it is soon found: the CPU does not touch the bytes. */
static struct folio *zc_spare_choose_locked(void)
{
	unsigned int looks = ZC_SPARES_LOOK;
	int nid = numa_mem_id();
	struct folio *folio;

	lockdep_assert_held(&zc_spares_lock);
	list_for_each_entry(folio, &zc_idle, lru) {
		if (folio_nid(folio) == nid)
			return folio;
		if (!--looks)
			break;
	}
	return list_first_entry_or_null(&zc_idle, struct folio, lru);
}

/**
 * zc_spare_get - take a spare hugepage
 *
 * Returns: a folio of ZC_HUGE_ORDER, neither zeroed nor charged, or NULL if there is
 * none.
 */
struct folio *zc_spare_get(void)
{
	struct folio *folio;

	spin_lock(&zc_spares_lock);
	zc_spare_reap_locked(ZC_SPARES_LOOK);
	folio = zc_spare_choose_locked();
	if (folio)
		zc_spare_take_locked(folio);
	spin_unlock(&zc_spares_lock);
	return folio;
}

/**
 * zc_spare_put - keep a hugepage for later
 * @folio: a folio of ZC_HUGE_ORDER that was never mapped, no longer charged; the
 *         network may hold it. Not to be touched afterwards
 */
void zc_spare_put(struct folio *folio)
{
	bool idle = zc_folio_idle(folio);

	spin_lock(&zc_spares_lock);
	if (idle) {
		list_add(&folio->lru, &zc_idle);
		zc_nr_idle++;
	} else {
		list_add_tail(&folio->lru, &zc_held);
		zc_nr_held++;
	}
	zc_spare_reap_locked(2);
	spin_unlock(&zc_spares_lock);
	if (READ_ONCE(zc_nr_idle) > ZC_IDLE_MAX)
		queue_delayed_work(system_unbound_wq, &zc_spares_work, ZC_IDLE_TIME);
}

/*
 * What a crowd of transfers needed is of no use when they are gone. The pool keeps all
 * within the limit, and under pressure the shrinker takes them, but no longer than this.
 */
static void zc_spares_age(struct work_struct *work)
{
	unsigned int least;

	spin_lock(&zc_spares_lock);
	least = zc_idle_least;
	zc_idle_least = zc_nr_idle;
	spin_unlock(&zc_spares_lock);
	/* Whoever takes one keeps count of the least. */
	if (least > ZC_IDLE_MAX)
		zc_spare_trim(0, (least - ZC_IDLE_MAX + 1) / 2);
	if (READ_ONCE(zc_nr_idle) > ZC_IDLE_MAX)
		queue_delayed_work(system_unbound_wq, &zc_spares_work, ZC_IDLE_TIME);
}

/**
 * zc_spare_lose - let a folio go that users have had
 * @folio: a folio of any order, no longer charged or mapped; others may hold it. Not to
 *         be touched afterwards
 * @owner: whose it was
 *
 * As held spares are, it is counted until it is idle, and its owner has it locked as
 * long. Then it goes back to the page allocator, as what it holds is somebody's.
 */
void zc_spare_lose(struct folio *folio, const struct zc_owner *owner)
{
	LIST_HEAD(done);

	if (zc_folio_idle(folio)) {
		folio_put(folio);
		return;
	}
	/* Nobody else has a use for the field, as it is in no mapping. */
	folio_change_private(folio, zc_owner_hold(owner, folio_size(folio)));
	atomic64_add(folio_size(folio), &zc_lost_bytes);
	spin_lock(&zc_spares_lock);
	list_add_tail(&folio->lru, &zc_lost);
	zc_nr_lost++;
	zc_lost_reap_locked(2, &done);
	spin_unlock(&zc_spares_lock);
	zc_lost_free(&done);
}

/**
 * zc_spare_drop - give idle spares back to the page allocator
 * @nr: how many at most
 *
 * Returns: how many.
 */
unsigned int zc_spare_drop(unsigned int nr)
{
	return zc_spare_trim(0, nr);
}

/**
 * zc_spare_reap - see which spares have become idle
 * @looks: look at so many at most. May sleep; from reclaim, too
 */
void zc_spare_reap(unsigned int looks)
{
	LIST_HEAD(done);

	looks = min(looks, max(READ_ONCE(zc_nr_held), READ_ONCE(zc_nr_lost)));
	while (looks) {
		unsigned int now = min(looks, 32U);

		spin_lock(&zc_spares_lock);
		zc_spare_reap_locked(now);
		zc_lost_reap_locked(now, &done);
		spin_unlock(&zc_spares_lock);
		zc_lost_free(&done);
		looks -= now;
		/* There may be as many as there are pages. */
		if (looks)
			cond_resched();
	}
}

/**
 * zc_spare_idle_bytes - memory in spares that nobody holds
 *
 * Returns: bytes. Any context.
 */
u64 zc_spare_idle_bytes(void)
{
	return (u64)READ_ONCE(zc_nr_idle) * ZC_HUGE_SIZE;
}

/**
 * zc_spare_held_bytes - memory given back that others were last seen to hold
 *
 * Returns: bytes. Any context.
 */
u64 zc_spare_held_bytes(void)
{
	return (u64)READ_ONCE(zc_nr_held) * ZC_HUGE_SIZE + atomic64_read(&zc_lost_bytes);
}

/**
 * zc_spare_exit - give all spares back
 *
 * What the network holds goes back to the page allocator when it lets go.
 */
void zc_spare_exit(void)
{
	struct folio *folio, *next;

	cancel_delayed_work_sync(&zc_spares_work);
	zc_spare_drop(UINT_MAX);
	/* Of buffers of small pages there may be millions. */
	list_splice(&zc_held, &zc_lost);
	list_for_each_entry_safe(folio, next, &zc_lost, lru) {
		zc_lost_free_one(folio);
		cond_resched();
	}
}
