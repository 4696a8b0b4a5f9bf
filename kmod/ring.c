// SPDX-License-Identifier: GPL-2.0-only
/*
 * The folios of a transfer: private to it, read into, handed to the network, and
 * used again once the network has let go.
 *
 * On the page path the network says nothing when it is done with a page; it
 * drops its reference. Nobody else can hold one, as these folios are never
 * mapped: a reference count back at one means that the folio is free.
 *
 * A peer that does not read can hold folios for ever. They are not waited for:
 * when all slots are held, the oldest is left to the network, and its slot gets
 * a fresh folio. What the network can hold this way is bounded by the send and
 * receive buffers of the socket, and for hugepages by the module's limit (spare.c).
 *
 * A transfer that will not fill a hugepage gets a slice of one, which it uses once.
 */
#include "pool.h"
#include "zc.h"

/* Where no hugepage is free, these are tried in turn. */
static const unsigned int zc_ring_orders[] = { 4, 2, 0 };

/* More than this takes a hugepage of its own. */
#define ZC_SLICE_MAX	(ZC_HUGE_SIZE / 2)

/* A slice never is: the hugepage that it is of has other references. */
static bool zc_slot_idle(const struct zc_slot *slot)
{
	if (!slot->folio || slot->pending)
		return false;
	return zc_folio_idle(slot->folio);
}

static void zc_slot_drop(struct zc_slot *slot)
{
	if (!slot->folio)
		return;
	if (folio_order(slot->folio) != ZC_HUGE_ORDER)
		zc_pool_put(slot->folio);
	else if (slot->size == ZC_HUGE_SIZE)
		zc_pool_put_huge(slot->folio);
	else
		folio_put(slot->folio);
	slot->folio = NULL;
}

static bool zc_slot_alloc_huge(struct zc_slot *slot, u64 left)
{
	slot->base = 0;
	slot->size = ZC_HUGE_SIZE;
	if (left > ZC_SLICE_MAX) {
		slot->folio = zc_pool_get_huge();
	} else {
		slot->size = left;
		slot->folio = zc_pool_get_slice(left, &slot->base);
	}
	return slot->folio;
}

static bool zc_slot_alloc_small(struct zc_slot *slot, u64 left)
{
	unsigned int i;

	slot->base = 0;
	for (i = 0; i < ARRAY_SIZE(zc_ring_orders); i++) {
		unsigned int order = zc_ring_orders[i];

		if (order && PAGE_SIZE << order > left)
			continue;
		slot->size = PAGE_SIZE << order;
		slot->folio = zc_pool_get(NUMA_NO_NODE, order,
					  order ? __GFP_NORETRY : 0);
		if (!IS_ERR(slot->folio))
			return true;
	}
	slot->folio = NULL;
	return false;
}

static bool zc_slot_alloc(struct zc_slot *slot, u64 left)
{
	slot->used = 0;
	return zc_slot_alloc_huge(slot, left) || zc_slot_alloc_small(slot, left);
}

/* Find a slot to carve next: an idle one, an empty one, or the oldest held. */
static struct zc_slot *zc_ring_next(struct zc_ring *ring, u64 left)
{
	struct zc_slot *empty = NULL, *held = NULL;
	unsigned int i;

	for (i = 1; i <= ZC_RING_SLOTS; i++) {
		unsigned int nr = (ring->cur + i) % ZC_RING_SLOTS;
		struct zc_slot *slot = &ring->slots[nr];

		if (zc_slot_idle(slot)) {
			slot->used = 0;
			ring->cur = nr;
			return slot;
		}
		if (!slot->folio && !empty)
			empty = slot;
		if (slot->folio && !slot->pending && !held)
			held = slot;
	}
	if (empty && zc_slot_alloc(empty, left))
		goto found;
	if (!held)
		return NULL;
	zc_slot_drop(held);
	empty = held;
	if (!zc_slot_alloc(empty, left))
		return NULL;
found:
	ring->cur = empty - ring->slots;
	return empty;
}

/**
 * zc_ring_carve - get memory to read into
 * @ring: ring
 * @want: most bytes to get, a multiple of PAGE_SIZE
 * @left: bytes that the transfer will still want, @want included, a multiple of
 *        PAGE_SIZE: no more memory is taken than this
 * @span: the memory
 *
 * Returns: 0 with @span->len from PAGE_SIZE to @want, to be given back by
 * zc_ring_release(); or -ENOMEM.
 */
int zc_ring_carve(struct zc_ring *ring, size_t want, u64 left,
		  struct zc_span *span)
{
	struct zc_slot *slot = &ring->slots[ring->cur];

	ring->used = true;
	if (!slot->folio || slot->used == slot->size) {
		slot = zc_ring_next(ring, left);
		if (!slot)
			return -ENOMEM;
	}
	span->slot = slot;
	span->off = slot->base + slot->used;
	span->len = min(want, slot->size - slot->used);
	slot->used += span->len;
	slot->pending++;
	return 0;
}

/**
 * zc_ring_release - give memory back
 * @span: from zc_ring_carve(), neither read into nor sent from any more by the
 *        transfer. The network may still hold it
 */
void zc_ring_release(struct zc_span *span)
{
	struct zc_slot *slot = span->slot;

	slot->pending--;
	span->slot = NULL;
	/* Only whole hugepages are worth keeping; the rest is short, or shared. */
	if (!slot->pending && slot->used == slot->size &&
	    slot->size < ZC_HUGE_SIZE)
		zc_slot_drop(slot);
}

/**
 * zc_ring_free - let all folios go
 * @ring: ring whose spans have all been released; may be carved again
 */
void zc_ring_free(struct zc_ring *ring)
{
	unsigned int i;

	if (!ring->used)
		return;
	for (i = 0; i < ZC_RING_SLOTS; i++)
		zc_slot_drop(&ring->slots[i]);
	ring->used = false;
}
