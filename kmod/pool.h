/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory: for buffers and transfers, from those who keep some and from the page
 * allocator.
 */
#ifndef _ZC_POOL_H
#define _ZC_POOL_H

#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/topology.h>
#include <linux/types.h>

struct zc_buffer;
struct zc_file;
struct zc_node_query;
struct zc_owner;
struct zc_slab;

/* pool.c: where the memory of buffers comes from, and the limit of all */

int zc_pool_init(void);
void zc_pool_exit(void);
bool zc_pool_park(struct zc_buffer *buf);
void zc_pool_clear_parks(struct zc_file *zf);
int zc_pool_node_check(int nid);
int zc_pool_charge_owner(struct zc_owner *owner, u64 bytes);
struct folio *zc_pool_get(int nid, unsigned int order, gfp_t extra);
struct folio *zc_pool_get_huge_for(int nid, bool strict);
int zc_pool_why_none(int err, int nid, unsigned int order, gfp_t extra);
void zc_pool_put(struct folio *folio);
struct page *zc_pool_get_split(int nid, gfp_t extra);
void zc_pool_put_split(struct page *page);
void zc_pool_put_used(struct folio *folio, const struct zc_owner *owner);
bool zc_pool_charge(u64 bytes);
void zc_pool_uncharge(u64 bytes);
struct folio *zc_pool_alloc(int nid, unsigned int order, gfp_t gfp);
bool zc_pool_has_room(u64 bytes);
bool zc_pool_make_room(u64 bytes);
struct folio *zc_pool_get_ready(int nid);
void zc_pool_lose(struct folio *folio, const struct zc_owner *owner);
u64 zc_pool_limit(void);
void zc_pool_limit_set(unsigned long bytes);
u64 zc_pool_used(void);
void zc_pool_reap(void);

/* flight.c: hugepages of transfers */

struct folio *zc_pool_get_huge(void);
void zc_pool_put_huge(struct folio *folio);
struct folio *zc_pool_get_slice(size_t len, size_t *off);
void zc_pool_close_slices(bool used);
s64 zc_pool_flying(void);
u64 zc_pool_taken(void);
s64 zc_pool_room(void);
long zc_pool_share(void);

/**
 * zc_pool_has_policy - has the caller a NUMA policy of his own?
 *
 * Returns: true if so. Any context.
 */
static inline bool zc_pool_has_policy(void)
{
#ifdef CONFIG_NUMA
	return current->mempolicy;
#else
	return false;
#endif
}

/**
 * zc_pool_node_near - is memory of this node what the caller would get?
 * @nid: NUMA node
 *
 * Returns: true if it is his own, and he has no policy that might say otherwise. Any
 * context.
 */
static inline bool zc_pool_node_near(int nid)
{
	return !zc_pool_has_policy() && nid == numa_mem_id();
}

/**
 * zc_folio_idle - has everybody else let go of a folio?
 * @folio: a folio of the caller's own
 *
 * Of one that is not mapped nobody can come to hold it afterwards but by the caller. A
 * transient reference (by compaction, say) can only delay the answer. It must not be
 * frozen for the question: a buffer's folio may be faulted in meanwhile, or sent, and
 * those take their reference without a look at the others. Any context.
 *
 * Returns: true if so; then their last accesses come before the caller's next.
 */
static inline bool zc_folio_idle(struct folio *folio)
{
	if (folio_ref_count(folio) != 1)
		return false;
	/* Pairs with the barrier in the put that left one. */
	smp_mb();
	return true;
}

/**
 * zc_folio_reusable - may a folio be had again?
 * @folio: as of zc_folio_idle()
 *
 * Returns: true if nobody else holds it, and it is as good as new. Any context.
 */
static inline bool zc_folio_reusable(struct folio *folio)
{
	return zc_folio_idle(folio) && !folio_test_hwpoison(folio) &&
	       !(folio_test_large(folio) && folio_test_has_hwpoisoned(folio));
}

/* park.c: buffers kept for the file that had them last */

bool zc_park_put(struct zc_buffer *buf, atomic64_t *used);
struct zc_buffer *zc_park_take(struct zc_file *zf, u64 size, u32 flags, int nid);
u64 zc_park_drop(struct zc_file *zf, unsigned long before, u64 most, atomic64_t *used);
u64 zc_park_bytes(void);

/* reserve.c: hugepages kept ready on each node */

int zc_reserve_init(void);
void zc_reserve_exit(void);
struct folio *zc_reserve_get(int nid);
void zc_reserve_unget(struct folio *folio);
bool zc_reserve_put(struct folio *folio);
unsigned long zc_reserve_drop(int nid, unsigned long nr, bool all);
unsigned long zc_reserve_spare(int nid);
u64 zc_reserve_bytes(void);
/* More hugepages than any node has: 1 PiB. */
#define ZC_RESERVE_MAX	BIT(29)

int zc_reserve_set(int nid, u64 nr);
void zc_reserve_set_all(const unsigned long *targets);
unsigned long zc_reserve_target(int nid);
void zc_reserve_query(int nid, struct zc_node_query *info);

/* slab.c: parts of hugepages, for small buffers */

struct zc_slab *zc_slab_get(struct zc_file *zf, unsigned int nr, u32 flags, int nid,
			    struct page **page);
void zc_slab_put(struct zc_slab *slab, struct page *page, unsigned int nr);
bool zc_slab_reap(void);
void zc_slab_exit(void);

/* spare.c: hugepages kept for the next transfer, or still held by the network */

void zc_spare_exit(void);
struct folio *zc_spare_get(void);
void zc_spare_put(struct folio *folio);
void zc_spare_lose(struct folio *folio, const struct zc_owner *owner);
unsigned int zc_spare_drop(unsigned int nr);
void zc_spare_reap(unsigned int looks);
u64 zc_spare_idle_bytes(void);
u64 zc_spare_held_bytes(void);

/* defer.c: packets that were read, but are not freed yet */

int zc_defer_init(void);
void zc_defer_exit(void);
void zc_defer_flush(void);

/* slice.c: parts of hugepages, for transfers */

int zc_slice_init(void);
void zc_slice_exit(void);
struct folio *zc_slice_carve(size_t len, size_t *off);
struct folio *zc_slice_open(struct folio **fresh, size_t len, size_t *off);
struct folio *zc_slice_close(int nid, bool used);
u64 zc_slice_bytes(void);

#endif /* _ZC_POOL_H */
