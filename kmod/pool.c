// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the memory of buffers comes from, and the limit of all that the module holds.
 */
#include <linux/gfp.h>
#include <linux/module.h>
#include <linux/nodemask.h>

#include "compat.h"
#include "pool.h"
#include "stats.h"
#include "zc.h"

static unsigned long zc_max_bytes;
module_param_named(max_bytes, zc_max_bytes, ulong, 0644);
MODULE_PARM_DESC(max_bytes, "limit on the memory of all buffers and transfers, bytes (0: a quarter of RAM)");

/* Of buffers and transfers, open slices included. */
static atomic64_t zc_used = ATOMIC64_INIT(0);
/* How long to keep a parked buffer that its file does not want again. */
#define ZC_PARK_TIME	(HZ / 4)

static void zc_parks_age(struct work_struct *work);
static DECLARE_DELAYED_WORK(zc_parks_work, zc_parks_age);
/* The work is under way. */
static int zc_parks_aged;

static struct shrinker *zc_shrinker;

/**
 * zc_pool_limit - most memory that the module may hold
 *
 * Returns: bytes.
 */
u64 zc_pool_limit(void)
{
	unsigned long limit = READ_ONCE(zc_max_bytes);

	return limit ?: (u64)totalram_pages() * PAGE_SIZE / 4;
}

/**
 * zc_pool_limit_set - set it
 * @bytes: limit; 0: a quarter of the memory. Who has more keeps it
 */
void zc_pool_limit_set(unsigned long bytes)
{
	WRITE_ONCE(zc_max_bytes, bytes);
}

/**
 * zc_pool_used - memory that buffers and transfers hold
 *
 * Returns: bytes.
 */
u64 zc_pool_used(void)
{
	u64 used = atomic64_read(&zc_used), idle = zc_slice_bytes() + zc_park_bytes();

	return used > idle ? used - idle : 0;
}

static bool zc_pool_try_charge(u64 bytes, u64 limit)
{
	s64 used = atomic64_read(&zc_used);

	do {
		u64 taken = used + zc_spare_held_bytes();

		if (bytes > limit || taken > limit - bytes)
			return false;
	} while (!atomic64_try_cmpxchg(&zc_used, &used, used + bytes));
	return true;
}

/* See what of it is idle. Returns: whether somebody has some yet, the network or a transfer. */
static bool zc_pool_look(void)
{
	zc_pool_close_slices(false);
	zc_spare_reap(UINT_MAX);
	return zc_slab_reap() || zc_spare_held_bytes() || zc_slice_bytes();
}

/**
 * zc_pool_reap - see what the network has let go of, and have it do so
 *
 * Closes slices that nobody uses.
 * For when memory is short: takes a while. Sleeps.
 */
void zc_pool_reap(void)
{
	if (!zc_pool_look())
		return;
	zc_defer_flush();
	zc_pool_look();
}

/**
 * zc_pool_uncharge - undo zc_pool_charge()
 * @bytes: the same. Any context.
 */
void zc_pool_uncharge(u64 bytes)
{
	atomic64_sub(bytes, &zc_used);
}

/**
 * zc_pool_clear_parks - free the memory of parked buffers
 * @zf: of this file; NULL: of all
 */
void zc_pool_clear_parks(struct zc_file *zf)
{
	zc_park_drop(zf, jiffies, U64_MAX, &zc_used);
}

static void zc_parks_age_later(void)
{
	if (!READ_ONCE(zc_parks_aged) && !xchg(&zc_parks_aged, 1))
		queue_delayed_work(system_unbound_wq, &zc_parks_work, ZC_PARK_TIME);
}

static void zc_parks_age(struct work_struct *work)
{
	zc_park_drop(NULL, jiffies - ZC_PARK_TIME, U64_MAX, &zc_used);
	/* Who parks one from here on sees it, or is seen. */
	smp_store_mb(zc_parks_aged, 0);
	if (zc_park_bytes())
		zc_parks_age_later();
}

/**
 * zc_pool_park - keep a destroyed buffer for its file
 * @buf: not live, of which the caller has what should be the last reference
 *
 * Returns: true if so: the caller has it no longer. May sleep.
 */
bool zc_pool_park(struct zc_buffer *buf)
{
	if (!zc_park_put(buf, &zc_used))
		return false;
	/* Pairs with zc_parks_age(). */
	smp_mb();
	zc_parks_age_later();
	return true;
}

/**
 * zc_pool_has_room - could the module hold more?
 * @bytes: so much
 *
 * Returns: true if nothing need go for it. Any context.
 */
bool zc_pool_has_room(u64 bytes)
{
	return atomic64_read(&zc_used) + zc_spare_held_bytes() + zc_spare_idle_bytes() +
	       zc_reserve_bytes() + bytes <= zc_pool_limit();
}

/**
 * zc_pool_make_room - have go what nobody uses, so that the module could hold more
 * @bytes: so much
 *
 * Returns: true if there is room for it. May sleep.
 */
bool zc_pool_make_room(u64 bytes)
{
	if (zc_pool_has_room(bytes))
		return true;
	zc_pool_close_slices(false);
	while (!zc_pool_has_room(bytes))
		if (!zc_spare_drop(1))
			return false;
	return true;
}

/**
 * zc_pool_charge - count memory against the module's limit
 * @bytes: so much, to be given to zc_pool_uncharge()
 *
 * Returns: false if it is too much. May sleep.
 */
bool zc_pool_charge(u64 bytes)
{
	u64 limit = zc_pool_limit();

	if (!zc_pool_try_charge(bytes, limit)) {
		zc_pool_clear_parks(NULL);
		zc_pool_reap();
		if (!zc_pool_try_charge(bytes, limit))
			return false;
	}
	/* What is kept for later is within the limit too, but in nobody's way. */
	while (!zc_pool_has_room(0) && (zc_spare_drop(1) || zc_reserve_drop(NUMA_NO_NODE, 1, true)))
		;
	return true;
}

/**
 * zc_pool_node_check - may memory be asked of this node?
 * @nid: NUMA node from the user, or NUMA_NO_NODE
 *
 * The page allocator takes a node that does not exist at its word, and crashes.
 *
 * Returns: 0, or -EINVAL.
 */
int zc_pool_node_check(int nid)
{
	if (nid == NUMA_NO_NODE)
		return 0;
	if (nid < 0 || nid >= MAX_NUMNODES || !node_state(nid, N_MEMORY))
		return -EINVAL;
	return 0;
}

/**
 * zc_pool_charge_owner - count memory as locked by the caller
 * @owner: as of zc_owner_charge()
 * @bytes: as of zc_owner_charge()
 *
 * Others may have let go of what he had before.
 *
 * Returns: 0 or -EPERM. May sleep.
 */
int zc_pool_charge_owner(struct zc_owner *owner, u64 bytes)
{
	int ret = zc_owner_charge(owner, bytes);

	if (!ret)
		return 0;
	/* What is parked is not locked, but for the rest of its hugepage. */
	zc_pool_clear_parks(NULL);
	zc_pool_reap();
	return zc_owner_charge(owner, bytes);
}

static struct page *zc_pool_alloc_pages(int nid, unsigned int order, gfp_t gfp)
{
	if (nid == NUMA_NO_NODE)
		return alloc_pages(gfp, order);
	return alloc_pages_node(nid, gfp, order);
}

static struct folio *zc_pool_folio(struct page *page)
{
	struct folio *folio = page_folio(page);

	/* Its place in a mapping, for the rmap code; zc has none of its own. */
	folio->index = 0;
	return folio;
}

/**
 * zc_pool_alloc - get a folio from the page allocator, charged to nobody
 * @nid:   NUMA node, or NUMA_NO_NODE
 * @order: its size is PAGE_SIZE << @order
 * @gfp:   but for __GFP_COMP
 *
 * Returns: the folio with one reference, or NULL. May sleep as @gfp says.
 */
struct folio *zc_pool_alloc(int nid, unsigned int order, gfp_t gfp)
{
	struct page *page = zc_pool_alloc_pages(nid, order,
						gfp | (order ? __GFP_COMP : 0));

	return page ? zc_pool_folio(page) : NULL;
}

/* @extra as of zc_pool_get(); or __GFP_COMP, for a folio. */
static struct page *zc_pool_get_pages(int nid, unsigned int order, gfp_t extra)
{
	gfp_t gfp = GFP_HIGHUSER | __GFP_ACCOUNT | __GFP_NOWARN | extra;
	struct page *page;

	if (!(extra & __GFP_NORETRY))
		gfp |= __GFP_RETRY_MAYFAIL;
	if (!zc_pool_charge(PAGE_SIZE << order))
		return ERR_PTR(-ENOSPC);
	page = zc_pool_alloc_pages(nid, order, gfp);
	/* Who does not even reclaim for it does not take it from others, either. */
	if (!page && !(extra & __GFP_NORETRY) && zc_park_bytes()) {
		zc_pool_clear_parks(NULL);
		page = zc_pool_alloc_pages(nid, order, gfp);
	}
	if (page)
		return page;
	zc_pool_uncharge(PAGE_SIZE << order);
	return ERR_PTR(-ENOMEM);
}

/**
 * zc_pool_get_ready - get a hugepage for the reserve
 * @nid: NUMA node
 *
 * Returns: a zeroed folio of that node, charged to nobody, or NULL. Sleeps.
 */
struct folio *zc_pool_get_ready(int nid)
{
	return zc_pool_alloc(nid, ZC_HUGE_ORDER, GFP_HIGHUSER | __GFP_ZERO | __GFP_NOWARN |
						 __GFP_THISNODE | __GFP_RETRY_MAYFAIL);
}

/* From the reserve: of the node that it is asked of, or of any, if there is no other. */
static struct folio *zc_pool_get_reserved(int nid)
{
	struct folio *folio = zc_reserve_get(nid);

	if (!folio)
		return NULL;
	if (!zc_pool_charge(ZC_HUGE_SIZE)) {
		zc_reserve_unget(folio);
		return ERR_PTR(-ENOSPC);
	}
	zc_stat_inc(ZC_STAT_RESERVE);
	return folio;
}

/**
 * zc_pool_get_huge_for - get a hugepage for a buffer
 * @nid:    as of zc_pool_get()
 * @strict: of that node alone
 *
 * From the reserve of the node, or else from the page allocator, or else from the reserve
 * of another node. Who has a NUMA policy of his own, and names no node, gets none of the
 * reserve, as only the page allocator knows what the policy says.
 *
 * Returns: as of zc_pool_get(), a zeroed folio. May sleep.
 */
struct folio *zc_pool_get_huge_for(int nid, bool strict)
{
	struct folio *folio = NULL;

	if (nid != NUMA_NO_NODE || !zc_pool_has_policy())
		folio = zc_pool_get_reserved(nid == NUMA_NO_NODE ? numa_mem_id() : nid);
	if (folio)
		return folio;
	folio = zc_pool_get(nid, ZC_HUGE_ORDER,
			    __GFP_ZERO | (strict ? __GFP_THISNODE : 0));
	if (folio == ERR_PTR(-ENOMEM) && !strict && !zc_pool_has_policy())
		return zc_pool_get_reserved(NUMA_NO_NODE) ?: folio;
	return folio;
}

/**
 * zc_pool_get - get a folio, charged to the module and to the caller's memcg
 * @nid:   NUMA node that passed zc_pool_node_check(), or NUMA_NO_NODE for the
 *         caller's memory policy
 * @order: its size is PAGE_SIZE << @order
 * @extra: __GFP_ZERO, __GFP_THISNODE, or __GFP_NORETRY to fail rather than
 *         compact and reclaim
 *
 * Never invokes the OOM killer.
 *
 * Returns: the folio with one reference, to be given back by zc_pool_put(), or ERR_PTR
 * of -ENOSPC (the module has all that it may) or -ENOMEM; see zc_pool_why_none(). May
 * sleep.
 */
struct folio *zc_pool_get(int nid, unsigned int order, gfp_t extra)
{
	struct page *page = zc_pool_get_pages(nid, order,
					      extra | (order ? __GFP_COMP : 0));

	return IS_ERR(page) ? ERR_CAST(page) : zc_pool_folio(page);
}

/**
 * zc_pool_get_split - get a hugepage as pages with a reference each
 * @nid:   as of zc_pool_get()
 * @extra: as of zc_pool_get()
 *
 * Returns: the first of ZC_HUGE_PAGES in a row, to be given back by zc_pool_put_split(), or
 * ERR_PTR as of zc_pool_get(). May sleep.
 */
struct page *zc_pool_get_split(int nid, gfp_t extra)
{
	struct page *page = zc_pool_get_pages(nid, ZC_HUGE_ORDER, extra);
	unsigned long i;

	if (IS_ERR(page))
		return page;
	split_page(page, ZC_HUGE_ORDER);
	for (i = 0; i < ZC_HUGE_PAGES; i++)
		zc_pool_folio(page + i);
	return page;
}

static bool zc_pool_could_get(int nid, unsigned int order, gfp_t gfp)
{
	struct folio *folio = zc_pool_alloc(nid, order, gfp);

	if (folio)
		folio_put(folio);
	return folio;
}

/**
 * zc_pool_why_none - why there was no folio
 * @err:   what zc_pool_get() returned
 * @nid:   as of zc_pool_get()
 * @order: as of zc_pool_get()
 * @extra: as of zc_pool_get()
 *
 * Where there is one that is not charged, but none that is, the memory cgroup is the
 * cause.
 *
 * Returns: @err, or -EDQUOT instead of -ENOMEM. May sleep.
 */
int zc_pool_why_none(int err, int nid, unsigned int order, gfp_t extra)
{
	gfp_t gfp = GFP_HIGHUSER | __GFP_NOWARN | __GFP_NORETRY | (extra & __GFP_THISNODE);

	if (err != -ENOMEM)
		return err;
	/* Memory that comes and goes would look like it, if it were there only before. */
	if (zc_pool_could_get(nid, order, gfp) &&
	    !zc_pool_could_get(nid, order, gfp | __GFP_ACCOUNT) &&
	    zc_pool_could_get(nid, order, gfp))
		return -EDQUOT;
	return err;
}

/**
 * zc_pool_put - give a folio back
 * @folio: from zc_pool_get()
 *
 * Others (the network, a user who pinned the page) may still hold it. Then it
 * goes back to the page allocator when they let go, without the module.
 */
void zc_pool_put(struct folio *folio)
{
	zc_pool_uncharge(folio_size(folio));
	folio_put(folio);
}

/**
 * zc_pool_put_split - give the pages of a hugepage back
 * @page: from zc_pool_get_split(). Others may still hold some, for what these are worth
 */
void zc_pool_put_split(struct page *page)
{
	unsigned long i;

	zc_pool_uncharge(ZC_HUGE_SIZE);
	for (i = 0; i < ZC_HUGE_PAGES; i++)
		put_page(page + i);
}

/**
 * zc_pool_put_used - give a folio back that users have had
 * @folio: from zc_pool_get()
 * @owner: whose it is
 *
 * While others hold it, by a socket's reference to a few bytes for one, it counts
 * against the module's limit and the owner's, and is never given out again.
 */
void zc_pool_put_used(struct folio *folio, const struct zc_owner *owner)
{
	zc_pool_uncharge(folio_size(folio));
	zc_pool_lose(folio, owner);
}

/**
 * zc_pool_lose - the same, of a hugepage that is not charged to the module
 * @folio: as of zc_pool_put_used()
 * @owner: as of zc_pool_put_used()
 */
void zc_pool_lose(struct folio *folio, const struct zc_owner *owner)
{
	if (!zc_reserve_put(folio))
		zc_spare_lose(folio, owner);
}

static unsigned long zc_pool_count(struct shrinker *shrinker, struct shrink_control *sc)
{
	zc_spare_reap(UINT_MAX);
	zc_slab_reap();
	return (zc_spare_idle_bytes() + zc_park_bytes()) / PAGE_SIZE +
	       zc_reserve_spare(sc->nid) * ZC_HUGE_PAGES ?: SHRINK_EMPTY;
}

static unsigned long zc_pool_scan(struct shrinker *shrinker, struct shrink_control *sc)
{
	u64 most = (u64)sc->nr_to_scan * PAGE_SIZE;
	u64 freed = (u64)zc_spare_drop(DIV_ROUND_UP(sc->nr_to_scan, ZC_HUGE_PAGES)) *
		    ZC_HUGE_SIZE;

	if (freed < most)
		freed += zc_park_drop(NULL, jiffies, most - freed, &zc_used);
	if (freed < most)
		freed += (u64)zc_reserve_drop(sc->nid,
					      DIV_ROUND_UP(most - freed, ZC_HUGE_SIZE),
					      false) * ZC_HUGE_SIZE;
	return freed ? freed / PAGE_SIZE : SHRINK_STOP;
}

/**
 * zc_pool_init - get ready to hand out memory
 *
 * Returns: 0 or a negative errno.
 */
int zc_pool_init(void)
{
	int ret = zc_defer_init();

	if (ret)
		return ret;
	ret = zc_slice_init();
	if (ret)
		goto err_defer;
	ret = zc_reserve_init();
	if (ret)
		goto err_slice;
	zc_shrinker = zc_shrinker_new("zc", zc_pool_count, zc_pool_scan);
	ret = PTR_ERR_OR_ZERO(zc_shrinker);
	if (ret)
		goto err_reserve;
	return 0;

err_reserve:
	zc_reserve_exit();
err_slice:
	zc_slice_exit();
err_defer:
	zc_defer_exit();
	return ret;
}

/**
 * zc_pool_exit - undo zc_pool_init()
 */
void zc_pool_exit(void)
{
	cancel_delayed_work_sync(&zc_parks_work);
	zc_shrinker_free(zc_shrinker);
	zc_reserve_exit();
	zc_slab_exit();
	zc_pool_close_slices(true);
	zc_slice_exit();
	zc_spare_exit();
	zc_defer_exit();
}
