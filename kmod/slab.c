// SPDX-License-Identifier: GPL-2.0-only
/*
 * Small buffers: parts of a hugepage that those of one open file share.
 *
 * The hugepage is split into pages, each with a reference count of its own: so what one
 * buffer's pages are used for is seen apart from its neighbours', and what others (a
 * socket, a pipe) still hold when it is given back can neither be given out again nor
 * keep the rest. The page tables of no two open files have pages of the same hugepage,
 * so that bytes are never next to those of a stranger.
 *
 * What is given back may be had again, unchanged, by its file alone. When there is no
 * buffer in a hugepage any more, and nobody else holds a page of it, it goes back to the
 * page allocator.
 */
#include <linux/bitmap.h>
#include <linux/highmem.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "memory.h"
#include "pool.h"
#include "zc.h"

/**
 * struct zc_slab - a hugepage that was split into pages
 * @list:  in zc_file::slabs, while there is a buffer in it: the likeliest to have room
 *         comes first; then in zc_slabs_held
 * @zf:    whose it is, a reference is held
 * @page:  the first of ZC_HUGE_PAGES
 * @node:  its NUMA node
 * @live:  pages of buffers, under zc_file::slabs_lock as all that follows
 * @held:  pages that were given back, but others have
 * @used:  which pages are the one or the other
 * @stuck: which are the other
 * @owner: who has it locked
 */
struct zc_slab {
	struct list_head list;
	struct zc_file *zf;
	struct page *page;
	int node;
	unsigned int live;
	unsigned int held;
	DECLARE_BITMAP(used, ZC_HUGE_PAGES);
	DECLARE_BITMAP(stuck, ZC_HUGE_PAGES);
	struct zc_owner owner;
};

static struct zc_slab *zc_slab_new(struct zc_file *zf, u32 flags, int nid)
{
	gfp_t gfp = zc_mem_gfp(flags);
	struct zc_slab *slab = kzalloc(sizeof(*slab), GFP_KERNEL_ACCOUNT);
	struct page *page;
	int ret;

	if (!slab)
		return ERR_PTR(-ENOMEM);
	ret = zc_pool_charge_owner(&slab->owner, ZC_HUGE_SIZE);
	if (ret)
		goto err_slab;
	page = zc_pool_get_split(nid, gfp);
	if (IS_ERR(page)) {
		ret = zc_pool_why_none(PTR_ERR(page), nid, ZC_HUGE_ORDER, gfp);
		goto err_owner;
	}
	slab->page = page;
	slab->node = page_to_nid(page);
	kref_get(&zf->ref);
	slab->zf = zf;
	return slab;

err_owner:
	zc_owner_uncharge(&slab->owner);
err_slab:
	kfree(slab);
	return ERR_PTR(ret);
}

/* Those of which others hold pages, but that have no buffer any more. */
static LIST_HEAD(zc_slabs_held);
static DEFINE_SPINLOCK(zc_slabs_held_lock);
/* How many, those that somebody looks at included */
static atomic_t zc_nr_slabs_held = ATOMIC_INIT(0);

/* Take one off the list, if there are any. */
static struct zc_slab *zc_slab_take_held(void)
{
	struct zc_slab *slab;

	spin_lock(&zc_slabs_held_lock);
	slab = list_first_entry_or_null(&zc_slabs_held, struct zc_slab, list);
	if (slab)
		list_del(&slab->list);
	spin_unlock(&zc_slabs_held_lock);
	return slab;
}

static void zc_slab_put_held(struct zc_slab *slab)
{
	spin_lock(&zc_slabs_held_lock);
	list_add_tail(&slab->list, &zc_slabs_held);
	spin_unlock(&zc_slabs_held_lock);
}

static void zc_slab_free(struct zc_slab *slab)
{
	zc_pool_put_split(slab->page);
	zc_owner_uncharge(&slab->owner);
	zc_file_put(slab->zf);
	kfree(slab);
}

/* Have others let go of pages that were given back? Nobody else looks meanwhile. */
static void zc_slab_look(struct zc_slab *slab)
{
	unsigned int i;

	if (!slab->held)
		return;
	for_each_set_bit(i, slab->stuck, ZC_HUGE_PAGES) {
		if (!zc_folio_reusable(page_folio(slab->page + i)))
			continue;
		__clear_bit(i, slab->stuck);
		__clear_bit(i, slab->used);
		slab->held--;
	}
}

static unsigned long zc_slab_hole(struct zc_slab *slab, unsigned int nr)
{
	return bitmap_find_next_zero_area(slab->used, ZC_HUGE_PAGES, 0, nr,
					  roundup_pow_of_two(nr) - 1);
}

/* Returns the first of @nr pages, which lie as if they had been had by halving. */
static struct page *zc_slab_carve_locked(struct zc_slab *slab, unsigned int nr)
{
	unsigned long first = ZC_HUGE_PAGES;

	lockdep_assert_held(&slab->zf->slabs_lock);
	/* To ask what others hold takes long. */
	if (nr <= ZC_HUGE_PAGES - slab->live - slab->held)
		first = zc_slab_hole(slab, nr);
	if (first >= ZC_HUGE_PAGES && slab->held && nr <= ZC_HUGE_PAGES - slab->live) {
		zc_slab_look(slab);
		first = zc_slab_hole(slab, nr);
	}
	if (first >= ZC_HUGE_PAGES)
		return NULL;
	bitmap_set(slab->used, first, nr);
	slab->live += nr;
	return slab->page + first;
}

static bool zc_slab_suits(const struct zc_slab *slab, int nid)
{
	return nid == NUMA_NO_NODE ? zc_pool_node_near(slab->node) : slab->node == nid;
}

/* Of a file that has many, look at so many for one that has room. */
#define ZC_SLABS_FIND	16U

/* So many at most without letting go of the lock. */
#define ZC_SLABS_LOOK	4U

/* From one of the first @looks; those that have no room go behind the others. */
static struct zc_slab *zc_slab_find_locked(struct zc_file *zf, unsigned int nr, int nid,
					   bool any, unsigned int looks, struct page **page)
{
	struct zc_slab *slab;

	lockdep_assert_held(&zf->slabs_lock);
	for (; looks && !list_empty(&zf->slabs); looks--) {
		slab = list_first_entry(&zf->slabs, struct zc_slab, list);
		if (any || zc_slab_suits(slab, nid)) {
			*page = zc_slab_carve_locked(slab, nr);
			if (*page)
				return slab;
		}
		list_move_tail(&slab->list, &zf->slabs);
	}
	return NULL;
}

/* From one of @most slabs that the file has; @any: of whatever node. */
static struct zc_slab *zc_slab_find(struct zc_file *zf, unsigned int nr, int nid, bool any,
				    unsigned int most, struct page **page)
{
	unsigned int left = min(most, READ_ONCE(zf->nr_slabs));
	struct zc_slab *slab;

	while (left) {
		unsigned int now = min(left, ZC_SLABS_LOOK);

		spin_lock(&zf->slabs_lock);
		slab = zc_slab_find_locked(zf, nr, nid, any, now, page);
		spin_unlock(&zf->slabs_lock);
		if (slab)
			return slab;
		left -= now;
		cond_resched();
	}
	return NULL;
}

/**
 * zc_slab_get - get a part of a hugepage for a buffer
 * @zf:    whose buffer it will be
 * @nr:    pages, ZC_HUGE_PAGES at most
 * @flags: ZC_BUF_* flags, checked
 * @nid:   NUMA node that passed zc_pool_node_check(), or NUMA_NO_NODE
 * @page:  set to the first
 *
 * Returns: the slab, to be given to zc_slab_put(), or ERR_PTR of a negative errno as of
 * zc_buffer_new(). May sleep.
 */
struct zc_slab *zc_slab_get(struct zc_file *zf, unsigned int nr, u32 flags, int nid,
			    struct page **page)
{
	struct zc_slab *slab = zc_slab_find(zf, nr, nid, false, ZC_SLABS_FIND, page);
	bool any = !(flags & ZC_BUF_NODE_STRICT);

	if (slab)
		return slab;
	slab = zc_slab_new(zf, flags, nid);
	/* There is room for no more: look for it in each. */
	if (IS_ERR(slab))
		return zc_slab_find(zf, nr, nid, any, UINT_MAX, page) ?: slab;
	spin_lock(&zf->slabs_lock);
	*page = zc_slab_carve_locked(slab, nr);
	list_add(&slab->list, &zf->slabs);
	zf->nr_slabs++;
	spin_unlock(&zf->slabs_lock);
	return slab;
}

/**
 * zc_slab_put - give a part of a hugepage back
 * @slab: from zc_slab_get()
 * @page: the first one of it; others may still hold it
 * @nr:   pages
 *
 * From reclaim, too.
 */
void zc_slab_put(struct zc_slab *slab, struct page *page, unsigned int nr)
{
	unsigned int i, first = page - slab->page, held;
	struct zc_file *zf = slab->zf;
	bool last;

	spin_lock(&zf->slabs_lock);
	held = slab->held;
	for (i = first; i < first + nr; i++) {
		if (zc_folio_reusable(page_folio(slab->page + i))) {
			__clear_bit(i, slab->used);
		} else {
			__set_bit(i, slab->stuck);
			slab->held++;
		}
	}
	slab->live -= nr;
	last = !slab->live;
	if (last) {
		list_del(&slab->list);
		zf->nr_slabs--;
	} else if (slab->held - held < nr) {
		list_move(&slab->list, &zf->slabs);
	}
	spin_unlock(&zf->slabs_lock);
	if (!last)
		return;
	zc_slab_look(slab);
	if (!slab->held) {
		zc_slab_free(slab);
		return;
	}
	atomic_inc(&zc_nr_slabs_held);
	zc_slab_put_held(slab);
}

/**
 * zc_slab_reap - see which hugepages without buffers others have let go of
 *
 * One after the other, so that those who look at the same time find some, too.
 *
 * Returns: true if there are some that they have not. From reclaim, too.
 */
bool zc_slab_reap(void)
{
	unsigned int looks = atomic_read(&zc_nr_slabs_held);
	struct zc_slab *slab;

	for (; looks; looks--) {
		slab = zc_slab_take_held();
		if (!slab)
			break;
		zc_slab_look(slab);
		if (slab->held) {
			zc_slab_put_held(slab);
		} else {
			zc_slab_free(slab);
			atomic_dec(&zc_nr_slabs_held);
		}
		cond_resched();
	}
	return atomic_read(&zc_nr_slabs_held);
}

/**
 * zc_slab_exit - give back what others hold pages of
 */
void zc_slab_exit(void)
{
	struct zc_slab *slab, *next;

	list_for_each_entry_safe(slab, next, &zc_slabs_held, list)
		zc_slab_free(slab);
}
