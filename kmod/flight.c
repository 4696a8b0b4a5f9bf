// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory in flight: hugepages, and parts of them, that transfers read into and send from,
 * and what the network still holds of earlier ones.
 */
#include <linux/math64.h>

#include "pool.h"
#include "zc.h"

/* Hugepages of transfers. */
static atomic64_t zc_moving = ATOMIC64_INIT(0);
/* All that transfers ever took of these, bytes. */
static atomic64_t zc_taken = ATOMIC64_INIT(0);

/**
 * zc_pool_flying - hugepages that transfers have, or the network of earlier ones
 *
 * Returns: bytes, but for open slices. Any context.
 */
s64 zc_pool_flying(void)
{
	return atomic64_read(&zc_moving) + (s64)zc_spare_held_bytes() -
	       (s64)zc_slice_bytes();
}

/**
 * zc_pool_taken - hugepages that transfers ever took
 *
 * With zc_pool_flying() it says how many they have done with.
 *
 * Returns: bytes. Any context.
 */
u64 zc_pool_taken(void)
{
	return atomic64_read(&zc_taken);
}

/**
 * zc_pool_room - how much more memory transfers may put in flight
 *
 * Half of the module's memory is theirs, with what the network still holds of
 * earlier ones. More would leave nothing for those who come later, once peers that
 * do not read have it.
 *
 * Returns: bytes, negative if there is more than that in flight. Any context.
 */
s64 zc_pool_room(void)
{
	return (s64)(zc_pool_limit() / 2) - zc_pool_flying() - (s64)zc_slice_bytes();
}

/* Of the room that there is, a transfer may have so much, within these bounds. */
#define ZC_SHARE_OF_ROOM	8
#define ZC_SHARE_MIN		SZ_16K
#define ZC_SHARE_MAX		SZ_8M

/**
 * zc_pool_share - how much one of many transfers may have in flight
 *
 * A part of what is free: where much is, each may have much, and as peers that do
 * not read fill it up the next ones get less and less, but always something.
 * (Dynamic thresholds: Choudhury and Hahne, IEEE/ACM ToN 6(2), 1998.)
 *
 * Returns: bytes. Any context but interrupts.
 */
long zc_pool_share(void)
{
	s64 room;

	zc_spare_reap(4);
	room = max_t(s64, zc_pool_room(), 0);
	return clamp_t(s64, div_s64(room, ZC_SHARE_OF_ROOM), ZC_SHARE_MIN,
		       ZC_SHARE_MAX);
}

/**
 * zc_pool_get_huge - get a hugepage for a transfer, charged to the module alone
 *
 * It may hold old data, and must never be mapped: see spare.c. Does not compact or
 * reclaim.
 *
 * Returns: the folio with one reference, to be given back by zc_pool_put_huge(),
 * or NULL. May sleep.
 */
struct folio *zc_pool_get_huge(void)
{
	struct folio *folio;

	if (zc_pool_room() < ZC_HUGE_SIZE) {
		zc_pool_reap();
		if (zc_pool_room() < ZC_HUGE_SIZE)
			return NULL;
	}
	if (!zc_pool_charge(ZC_HUGE_SIZE))
		return NULL;
	folio = zc_spare_get();
	if (!folio)
		folio = zc_pool_alloc(NUMA_NO_NODE, ZC_HUGE_ORDER,
				      GFP_HIGHUSER | __GFP_NOWARN | __GFP_NORETRY);
	if (!folio) {
		zc_pool_uncharge(ZC_HUGE_SIZE);
		return NULL;
	}
	atomic64_add(ZC_HUGE_SIZE, &zc_moving);
	atomic64_add(ZC_HUGE_SIZE, &zc_taken);
	return folio;
}

/**
 * zc_pool_put_huge - give a hugepage of a transfer back
 * @folio: from zc_pool_get_huge(). The network may still hold it
 */
void zc_pool_put_huge(struct folio *folio)
{
	atomic64_sub(ZC_HUGE_SIZE, &zc_moving);
	zc_pool_uncharge(ZC_HUGE_SIZE);
	zc_spare_put(folio);
}

/**
 * zc_pool_close_slices - let the open slices go with the spares
 * @used: those that are in use, too
 */
void zc_pool_close_slices(bool used)
{
	struct folio *folio;
	int nid;

	for (nid = 0; nid < nr_node_ids; nid++) {
		folio = zc_slice_close(nid, used);
		if (folio)
			zc_pool_put_huge(folio);
	}
}

/**
 * zc_pool_get_slice - get a part of a hugepage for a transfer, charged to the module
 * @len: bytes, a multiple of PAGE_SIZE
 * @off: where it begins in the folio
 *
 * As zc_pool_get_huge() otherwise; others have other parts.
 *
 * Returns: the folio, to be given back by folio_put(), or NULL. May sleep.
 */
struct folio *zc_pool_get_slice(size_t len, size_t *off)
{
	struct folio *folio, *fresh;

	/* The limit may have been lowered since they were opened. */
	if (zc_slice_bytes() > zc_pool_limit() / 2)
		zc_pool_close_slices(true);
	folio = zc_slice_carve(len, off);
	if (folio)
		return folio;
	fresh = zc_pool_get_huge();
	if (!fresh)
		return NULL;
	folio = zc_slice_open(&fresh, len, off);
	if (fresh)
		zc_pool_put_huge(fresh);
	return folio;
}
