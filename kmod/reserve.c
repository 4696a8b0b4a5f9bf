// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reserve: hugepages of each node, zeroed and ready, that the administrator has set
 * aside for buffers. They are had without a search for free memory, and without zeroing.
 *
 * Buffers have some of them, the rest is ready. What comes back is zeroed by a worker.
 * Under pressure the shrinker takes what is ready above the half; once less than three
 * quarters are left, of those that buffers have and the ready ones, the worker asks the
 * page allocator for more. Where that has none, or others were in need, it waits a while.
 *
 * As those of hugetlbfs, they are charged to no memory cgroup, so there are never more
 * than the administrator has set. They are within the module's limit.
 */
#include <linux/cpuset.h>
#include <linux/highmem.h>
#include <linux/list.h>
#include <linux/mmzone.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "netlink.h"
#include "pool.h"
#include "zc.h"

/* How long to let the node be when it had no hugepage, or gave some to others. */
#define ZC_REST_MIN	(10 * HZ)
#define ZC_REST_MAX	(160 * HZ)

/**
 * struct zc_reserve - that of one node
 * @lock:   protects the lists and their counts
 * @ready:  zeroed folios of ZC_HUGE_ORDER, by folio->lru
 * @used:   the same, of buffers that are gone
 * @nr:     folios on both
 * @out:    folios that buffers have
 * @drops:  how often the shrinker has taken some
 * @target: how many there should be. Under zc_reserve_mutex, as all that follows
 * @why:    why there are less: ZC_SHORT_*
 * @asked:  another target was asked for, which the worker is to see to
 * @told:   when listeners were last told that it is low, jiffies; 0: never
 * @rest:   how long to wait next time, jiffies
 * @until:  how long to wait this time
 */
struct zc_reserve {
	spinlock_t lock;	/* see above */
	struct list_head ready;
	struct list_head used;
	unsigned long nr;
	atomic_long_t out;
	unsigned long drops;
	unsigned long target;
	u32 why;
	bool asked;
	unsigned long told;
	unsigned long rest;
	unsigned long until;
};

/* By node; NULL before the module is ready. */
static struct zc_reserve *zc_reserves;
static DEFINE_MUTEX(zc_reserve_mutex);
/* It is being given back, for good. */
static bool zc_reserve_over;

/* What was asked for, by node. */
static unsigned long zc_targets[MAX_NUMNODES];

static void zc_reserve_work_fn(struct work_struct *work);
static DECLARE_DELAYED_WORK(zc_reserve_work, zc_reserve_work_fn);

static void zc_reserve_clear(struct folio *folio)
{
	unsigned long i;

	for (i = 0; i < ZC_HUGE_PAGES; i++) {
		clear_highpage(folio_page(folio, i));
		cond_resched();
	}
}

static void zc_reserve_add(struct zc_reserve *res, struct folio *folio)
{
	spin_lock(&res->lock);
	list_add(&folio->lru, &res->ready);
	res->nr++;
	spin_unlock(&res->lock);
}

static struct folio *zc_reserve_pop(struct zc_reserve *res, struct list_head *list)
{
	struct folio *folio;

	spin_lock(&res->lock);
	folio = list_first_entry_or_null(list, struct folio, lru);
	if (folio) {
		list_del(&folio->lru);
		res->nr--;
	}
	spin_unlock(&res->lock);
	return folio;
}

static struct folio *zc_reserve_pop_any(struct zc_reserve *res)
{
	return zc_reserve_pop(res, &res->used) ?: zc_reserve_pop(res, &res->ready);
}

static unsigned long zc_reserve_nr(const struct zc_reserve *res)
{
	return READ_ONCE(res->nr);
}

/* How many there are, those that buffers have included. */
static unsigned long zc_reserve_all(const struct zc_reserve *res)
{
	return zc_reserve_nr(res) + atomic_long_read(&res->out);
}

static u64 zc_node_free(int nid, unsigned int order)
{
	u64 pages = 0;
	int i;

	for (i = 0; i < MAX_NR_ZONES; i++) {
		struct zone *zone = &NODE_DATA(nid)->node_zones[i];
		unsigned int o;

		if (!populated_zone(zone))
			continue;
		for (o = order; o < ARRAY_SIZE(zone->free_area); o++)
			pages += (u64)READ_ONCE(zone->free_area[o].nr_free) << o;
	}
	return pages * PAGE_SIZE;
}

/* Is what the node has free less than what is missing, or only in pieces? */
static u32 zc_reserve_why(int nid, const struct zc_reserve *res)
{
	u64 missing = (u64)(res->target - zc_reserve_all(res)) * ZC_HUGE_SIZE;

	return zc_node_free(nid, 0) < missing ? ZC_SHORT_MEMORY : ZC_SHORT_FRAGMENTED;
}

static void zc_reserve_rest(struct zc_reserve *res)
{
	WRITE_ONCE(res->until, jiffies + res->rest);
	res->rest = min(2 * res->rest, (unsigned long)ZC_REST_MAX);
}

/* Have those ready that buffers have had; but no more than there should be. */
static void zc_reserve_clean_locked(struct zc_reserve *res)
{
	struct folio *folio;

	lockdep_assert_held(&zc_reserve_mutex);
	while ((folio = zc_reserve_pop(res, &res->used))) {
		zc_reserve_clear(folio);
		zc_reserve_add(res, folio);
	}
	while (zc_reserve_all(res) > res->target && (folio = zc_reserve_pop_any(res)))
		folio_put(folio);
}

/* Have as many as there should be, or know why not. */
static void zc_reserve_fill_locked(int nid, struct zc_reserve *res)
{
	unsigned long drops = READ_ONCE(res->drops);
	struct folio *folio;

	zc_reserve_clean_locked(res);
	res->why = ZC_SHORT_NONE;
	/* Until another target is asked for, to which the worker comes next. */
	while (zc_reserve_all(res) < res->target && !READ_ONCE(res->asked)) {
		/* Not what our own shrinker has just given away for it. */
		if (READ_ONCE(res->drops) != drops) {
			res->why = ZC_SHORT_MEMORY;
			break;
		}
		if (fatal_signal_pending(current)) {
			res->why = ZC_SHORT_STOPPED;
			return;
		}
		if (!zc_pool_make_room(ZC_HUGE_SIZE)) {
			res->why = ZC_SHORT_LIMIT;
			break;
		}
		folio = zc_pool_get_ready(nid);
		if (!folio) {
			res->why = zc_reserve_why(nid, res);
			break;
		}
		zc_reserve_add(res, folio);
		cond_resched();
	}
	if (READ_ONCE(res->why))
		zc_reserve_rest(res);
	else
		res->rest = ZC_REST_MIN;
}

static const char *zc_short_text(u32 why)
{
	switch (why) {
	case ZC_SHORT_LIMIT:
		return "max_bytes is reached";
	case ZC_SHORT_MEMORY:
		return "the node has no more free memory";
	case ZC_SHORT_FRAGMENTED:
		return "no more hugepages are free; echo 1 >/proc/sys/vm/compact_memory may help";
	}
	return "interrupted";
}

static void zc_reserve_apply_node_locked(int nid, struct zc_reserve *res)
{
	unsigned long target = READ_ONCE(zc_targets[nid]);
	u32 why;

	if (zc_reserve_over || (res->target == target && zc_reserve_all(res) == target))
		return;
	WRITE_ONCE(res->target, target);
	res->rest = ZC_REST_MIN;
	zc_reserve_fill_locked(nid, res);
	why = READ_ONCE(res->why);
	if (why)
		pr_warn("zc: reserve of node %d: %lu of %lu hugepages: %s\n", nid,
			zc_reserve_all(res), res->target, zc_short_text(why));
}

static void zc_reserve_apply_locked(void)
{
	int nid;

	for_each_node_state(nid, N_MEMORY)
		zc_reserve_apply_node_locked(nid, &zc_reserves[nid]);
}

static bool zc_reserve_low(const struct zc_reserve *res)
{
	unsigned long target = READ_ONCE(res->target);

	return zc_reserve_all(res) < target - target / 4;
}

static bool zc_reserve_rests(const struct zc_reserve *res)
{
	return time_before(jiffies, READ_ONCE(res->until));
}

static void zc_reserve_work_fn(struct work_struct *work)
{
	unsigned long next = ULONG_MAX;
	int nid;

	mutex_lock(&zc_reserve_mutex);
	for_each_node_state(nid, N_MEMORY) {
		struct zc_reserve *res = &zc_reserves[nid];

		if (xchg(&res->asked, false))
			zc_reserve_apply_node_locked(nid, res);
		zc_reserve_clean_locked(res);
		if (zc_reserve_low(res) && !zc_reserve_rests(res))
			zc_reserve_fill_locked(nid, res);
		if (zc_reserve_low(res))
			next = min_t(unsigned long, next,
				     max_t(long, READ_ONCE(res->until) - jiffies, 1));
	}
	mutex_unlock(&zc_reserve_mutex);
	if (next != ULONG_MAX)
		queue_delayed_work(system_unbound_wq, &zc_reserve_work, next);
}

static void zc_reserve_soon(void)
{
	mod_delayed_work(system_unbound_wq, &zc_reserve_work, 0);
}

/* Tell listeners, not more than once a second, if less than a quarter is ready. */
static noinline void zc_reserve_tell(int nid, struct zc_reserve *res)
{
	unsigned long told = READ_ONCE(res->told), now = jiffies ?: 1;

	if (zc_reserve_nr(res) * 4 >= READ_ONCE(res->target) ||
	    (told && time_before(now, told + HZ)) || cmpxchg(&res->told, told, now) != told)
		return;
	zc_notify_node_low(nid);
}

/**
 * zc_reserve_get - take a hugepage that is ready
 * @nid: of this node, or NUMA_NO_NODE: of any that the caller may use
 *
 * Returns: a zeroed folio of ZC_HUGE_ORDER with one reference, not charged, or NULL. May
 * sleep.
 */
struct folio *zc_reserve_get(int nid)
{
	struct folio *folio = NULL;
	struct zc_reserve *res;
	int i;

	if (nid == NUMA_NO_NODE) {
		for_each_node_state(i, N_MEMORY) {
			folio = zc_reserve_get(i);
			if (folio)
				break;
		}
		return folio;
	}
	res = &zc_reserves[nid];
	/* A cpuset's nodes hold for it, too. */
	if (!node_isset(nid, cpuset_current_mems_allowed))
		return NULL;
	if (!zc_reserve_nr(res)) {
		if (zc_notify_wanted())
			zc_reserve_tell(nid, res);
		return NULL;
	}
	folio = zc_reserve_pop(res, &res->ready);
	if (!folio) {
		/* As the page allocator would have to do. */
		folio = zc_reserve_pop(res, &res->used);
		if (folio)
			zc_reserve_clear(folio);
	}
	if (!folio)
		return NULL;
	atomic_long_inc(&res->out);
	if (zc_notify_wanted())
		zc_reserve_tell(nid, res);
	/* It is in no mapping: the field is ours. See zc_reserve_put(). */
	folio_change_private(folio, res);
	return folio;
}

/**
 * zc_reserve_unget - undo zc_reserve_get()
 * @folio: as it returned, untouched
 */
void zc_reserve_unget(struct folio *folio)
{
	struct zc_reserve *res = folio_change_private(folio, NULL);

	atomic_long_dec(&res->out);
	zc_reserve_add(res, folio);
}

/**
 * zc_reserve_put - give a hugepage back that a buffer has had
 * @folio: a folio of ZC_HUGE_ORDER
 *
 * It is kept if it came from here, there are not enough without it, and nobody else holds
 * it.
 *
 * Returns: true if so. From reclaim, too.
 */
bool zc_reserve_put(struct folio *folio)
{
	struct zc_reserve *res = folio_change_private(folio, NULL);

	if (!res)
		return false;
	if (atomic_long_dec_return(&res->out) + zc_reserve_nr(res) >=
	    READ_ONCE(res->target) || !zc_folio_reusable(folio)) {
		/* Another may have to come in its place. */
		zc_reserve_soon();
		return false;
	}
	spin_lock(&res->lock);
	list_add(&folio->lru, &res->used);
	res->nr++;
	spin_unlock(&res->lock);
	zc_reserve_soon();
	return true;
}

/**
 * zc_reserve_drop - give hugepages back to the page allocator
 * @nid: of this node, or NUMA_NO_NODE: of any
 * @nr:  how many at most
 * @all: below the half of what there should be, too
 *
 * Returns: how many. From reclaim, too.
 */
unsigned long zc_reserve_drop(int nid, unsigned long nr, bool all)
{
	struct zc_reserve *res;
	unsigned long done = 0;
	struct folio *folio;
	int i;

	for_each_node_state(i, N_MEMORY) {
		if (nid != NUMA_NO_NODE && nid != i)
			continue;
		res = &zc_reserves[i];
		while (done < nr && (all || zc_reserve_nr(res) > READ_ONCE(res->target) / 2)) {
			folio = zc_reserve_pop_any(res);
			if (!folio)
				break;
			WRITE_ONCE(res->until, jiffies + ZC_REST_MIN);
			WRITE_ONCE(res->drops, READ_ONCE(res->drops) + 1);
			folio_put(folio);
			done++;
		}
	}
	if (done)
		queue_delayed_work(system_unbound_wq, &zc_reserve_work, ZC_REST_MIN);
	return done;
}

/**
 * zc_reserve_spare - how many hugepages zc_reserve_drop() would give back
 * @nid: NUMA node
 *
 * Returns: their number. Any context.
 */
unsigned long zc_reserve_spare(int nid)
{
	unsigned long nr = zc_reserve_nr(&zc_reserves[nid]);
	unsigned long half = READ_ONCE(zc_reserves[nid].target) / 2;

	return nr > half ? nr - half : 0;
}

/**
 * zc_reserve_bytes - memory of all hugepages in reserve
 *
 * Returns: bytes. Any context.
 */
u64 zc_reserve_bytes(void)
{
	u64 sum = 0;
	int nid;

	for_each_node_state(nid, N_MEMORY)
		sum += zc_reserve_nr(&zc_reserves[nid]);
	return sum * ZC_HUGE_SIZE;
}

/**
 * zc_reserve_query - how a node is
 * @nid:  NUMA node that passed zc_pool_node_check()
 * @info: its fields but for node, next and the reserved ones are set
 */
void zc_reserve_query(int nid, struct zc_node_query *info)
{
	const struct zc_reserve *res = &zc_reserves[nid];

	/* Without the mutex, which is held for long while the reserve is filled. */
	info->reserve_bytes = (u64)READ_ONCE(zc_targets[nid]) * ZC_HUGE_SIZE;
	info->ready_bytes = (u64)zc_reserve_nr(res) * ZC_HUGE_SIZE;
	info->out_bytes = (u64)atomic_long_read(&res->out) * ZC_HUGE_SIZE;
	if (info->ready_bytes + info->out_bytes >= info->reserve_bytes)
		info->why = ZC_SHORT_NONE;
	else
		info->why = READ_ONCE(res->why) ?: ZC_SHORT_USED;
	info->free_bytes = zc_node_free(nid, 0);
	info->free_huge_bytes = zc_node_free(nid, ZC_HUGE_ORDER);
}

/**
 * zc_reserve_set - set the reserve of a node
 * @nid: NUMA node that passed zc_pool_node_check()
 * @nr:  hugepages
 *
 * Does not wait for them: who asks may hold what others need. See zc_reserve_query().
 *
 * Returns: 0 or -ERANGE. Any context.
 */
int zc_reserve_set(int nid, u64 nr)
{
	struct zc_reserve *res = &zc_reserves[nid];

	if (nr > ZC_RESERVE_MAX)
		return -ERANGE;
	WRITE_ONCE(zc_targets[nid], nr);
	WRITE_ONCE(res->why, ZC_SHORT_NONE);
	/* The worker sees the target that it is about. */
	smp_store_release(&res->asked, true);
	zc_reserve_soon();
	return 0;
}

/**
 * zc_reserve_set_all - set the reserve of all nodes, and wait for it
 * @targets: hugepages, by node
 *
 * Before zc_reserve_init() it is put down for that. Sleeps, until there are as many, or no
 * more can be had, or the caller is to die.
 */
void zc_reserve_set_all(const unsigned long *targets)
{
	int nid;

	mutex_lock(&zc_reserve_mutex);
	for (nid = 0; nid < nr_node_ids; nid++)
		WRITE_ONCE(zc_targets[nid], targets[nid]);
	if (zc_reserves && !zc_reserve_over) {
		zc_reserve_apply_locked();
		zc_reserve_soon();
	}
	mutex_unlock(&zc_reserve_mutex);
}

/**
 * zc_reserve_target - how many hugepages are there to be?
 * @nid: on this NUMA node
 *
 * Returns: their number.
 */
unsigned long zc_reserve_target(int nid)
{
	return READ_ONCE(zc_targets[nid]);
}

/**
 * zc_reserve_init - have the reserve that was asked for
 *
 * Returns: 0 or -ENOMEM; that there are less hugepages is none. Sleeps.
 */
int zc_reserve_init(void)
{
	struct zc_reserve *reserves = kcalloc(nr_node_ids, sizeof(*reserves), GFP_KERNEL);
	int nid;

	if (!reserves)
		return -ENOMEM;
	for (nid = 0; nid < nr_node_ids; nid++) {
		spin_lock_init(&reserves[nid].lock);
		INIT_LIST_HEAD(&reserves[nid].ready);
		INIT_LIST_HEAD(&reserves[nid].used);
		reserves[nid].until = jiffies;
		reserves[nid].rest = ZC_REST_MIN;
	}
	mutex_lock(&zc_reserve_mutex);
	zc_reserves = reserves;
	zc_reserve_apply_locked();
	zc_reserve_soon();
	mutex_unlock(&zc_reserve_mutex);
	return 0;
}

/**
 * zc_reserve_exit - give it back
 *
 * The parameter can be written to, and another target may still be asked for.
 */
void zc_reserve_exit(void)
{
	struct zc_reserve *reserves = zc_reserves;
	int nid;

	mutex_lock(&zc_reserve_mutex);
	zc_reserve_over = true;
	for (nid = 0; nid < nr_node_ids; nid++)
		WRITE_ONCE(reserves[nid].target, 0);
	mutex_unlock(&zc_reserve_mutex);
	zc_reserve_drop(NUMA_NO_NODE, ULONG_MAX, true);
	cancel_delayed_work_sync(&zc_reserve_work);
	mutex_lock(&zc_reserve_mutex);
	zc_reserves = NULL;
	mutex_unlock(&zc_reserve_mutex);
	kfree(reserves);
}
