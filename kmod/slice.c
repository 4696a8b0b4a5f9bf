// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parts of hugepages, for transfers that do not fill one: a small file takes as
 * many pages as it has, and ten thousand of them some hugepages together.
 *
 * On each node one hugepage is open, and carved from its start. Each slice holds a
 * reference of its own. When no more fits, the hugepage goes back to the pool, where
 * it is idle when the last slice is gone and the network has let go.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/topology.h>

#include "pool.h"
#include "zc.h"

/**
 * struct zc_slicer - the open hugepage of a node
 * @lock:  protects the rest
 * @folio: the hugepage, with a reference of the slicer's; or NULL
 * @used:  bytes of it in slices
 */
struct zc_slicer {
	spinlock_t lock;	/* see above */
	struct folio *folio;
	size_t used;
};

static struct zc_slicer *zc_slicers;
static atomic_t zc_nr_open = ATOMIC_INIT(0);

/* Carve the open hugepage, from its start again if nobody has a slice of it left. */
static struct folio *zc_slice_carve_locked(struct zc_slicer *slicer, size_t len,
					   size_t *off)
{
	lockdep_assert_held(&slicer->lock);
	if (!slicer->folio)
		return NULL;
	if (slicer->used + len > ZC_HUGE_SIZE) {
		if (!zc_folio_idle(slicer->folio))
			return NULL;
		slicer->used = 0;
	}
	*off = slicer->used;
	slicer->used += len;
	folio_get(slicer->folio);
	return slicer->folio;
}

/**
 * zc_slice_carve - get a part of the open hugepage near this processor
 * @len: bytes, a multiple of PAGE_SIZE
 * @off: where it begins in the folio
 *
 * Returns: the folio, to be given back by folio_put(); neither zeroed nor charged to
 * anybody. NULL if none is open that has so much left.
 */
struct folio *zc_slice_carve(size_t len, size_t *off)
{
	struct zc_slicer *slicer = &zc_slicers[numa_mem_id()];
	struct folio *folio;

	spin_lock(&slicer->lock);
	folio = zc_slice_carve_locked(slicer, len, off);
	spin_unlock(&slicer->lock);
	return folio;
}

/**
 * zc_slice_open - get a part of a fresh hugepage, and open it for the next ones
 * @fresh: hugepage, belongs to the slices from here on; on return one that does no
 *         longer, or NULL
 * @len:   bytes, a multiple of PAGE_SIZE
 * @off:   where the part begins in the folio
 *
 * Returns: the folio, as zc_slice_carve().
 */
struct folio *zc_slice_open(struct folio **fresh, size_t len, size_t *off)
{
	struct zc_slicer *slicer = &zc_slicers[numa_mem_id()];
	struct folio *folio;

	spin_lock(&slicer->lock);
	/* Somebody else may have opened one meanwhile. */
	folio = zc_slice_carve_locked(slicer, len, off);
	if (!folio) {
		swap(slicer->folio, *fresh);
		slicer->used = 0;
		if (!*fresh)
			atomic_inc(&zc_nr_open);
		folio = zc_slice_carve_locked(slicer, len, off);
	}
	spin_unlock(&slicer->lock);
	return folio;
}

/**
 * zc_slice_close - carve no more of an open hugepage
 * @nid:  node
 * @used: even if it has slices that somebody uses, or the network holds
 *
 * Returns: the hugepage, the caller's from here on; or NULL.
 */
struct folio *zc_slice_close(int nid, bool used)
{
	struct zc_slicer *slicer = &zc_slicers[nid];
	struct folio *folio;

	spin_lock(&slicer->lock);
	folio = slicer->folio;
	if (folio && (used || zc_folio_idle(folio))) {
		slicer->folio = NULL;
		atomic_dec(&zc_nr_open);
	} else {
		folio = NULL;
	}
	spin_unlock(&slicer->lock);
	return folio;
}

/**
 * zc_slice_bytes - memory in open hugepages
 *
 * Returns: bytes. Any context.
 */
u64 zc_slice_bytes(void)
{
	return (u64)atomic_read(&zc_nr_open) * ZC_HUGE_SIZE;
}

/**
 * zc_slice_init - get ready for slices
 *
 * Returns: 0 or -ENOMEM.
 */
int zc_slice_init(void)
{
	int nid;

	zc_slicers = kcalloc(nr_node_ids, sizeof(*zc_slicers), GFP_KERNEL);
	if (!zc_slicers)
		return -ENOMEM;
	for (nid = 0; nid < nr_node_ids; nid++)
		spin_lock_init(&zc_slicers[nid].lock);
	return 0;
}

/**
 * zc_slice_exit - undo zc_slice_init(), when all are closed
 */
void zc_slice_exit(void)
{
	kfree(zc_slicers);
}
