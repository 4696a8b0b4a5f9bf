// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the memory of buffers and transfers comes from, and its limit.
 */
#include <linux/gfp.h>
#include <linux/module.h>
#include <linux/nodemask.h>

#include "zc.h"

static unsigned long zc_max_bytes;
module_param_named(max_bytes, zc_max_bytes, ulong, 0644);
MODULE_PARM_DESC(max_bytes, "limit on the memory of all buffers and transfers, bytes (0: a quarter of RAM)");

static atomic64_t zc_used = ATOMIC64_INIT(0);

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
 * zc_pool_used - memory that the module holds
 *
 * Returns: bytes.
 */
u64 zc_pool_used(void)
{
	return atomic64_read(&zc_used);
}

static bool zc_pool_charge(u64 bytes)
{
	u64 limit = zc_pool_limit();
	s64 used = atomic64_read(&zc_used);

	do {
		if (bytes > limit || used > limit - bytes)
			return false;
	} while (!atomic64_try_cmpxchg(&zc_used, &used, used + bytes));
	return true;
}

static void zc_pool_uncharge(u64 bytes)
{
	atomic64_sub(bytes, &zc_used);
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
 * zc_pool_get - get a folio, charged to the module and to the caller's memcg
 * @nid:   NUMA node that passed zc_pool_node_check(), or NUMA_NO_NODE for the
 *         caller's memory policy
 * @order: its size is PAGE_SIZE << @order
 * @extra: __GFP_ZERO, __GFP_THISNODE, or __GFP_NORETRY to fail rather than
 *         compact and reclaim
 *
 * Never invokes the OOM killer.
 *
 * Returns: the folio with one reference, to be given back by zc_pool_put(), or
 * NULL. May sleep.
 */
struct folio *zc_pool_get(int nid, unsigned int order, gfp_t extra)
{
	gfp_t gfp = GFP_HIGHUSER | __GFP_ACCOUNT | __GFP_NOWARN | extra;
	struct folio *folio;
	struct page *page;

	if (!(extra & __GFP_NORETRY))
		gfp |= __GFP_RETRY_MAYFAIL;
	if (order)
		gfp |= __GFP_COMP;
	if (!zc_pool_charge(PAGE_SIZE << order))
		return NULL;
	if (nid == NUMA_NO_NODE)
		page = alloc_pages(gfp, order);
	else
		page = alloc_pages_node(nid, gfp, order);
	if (!page) {
		zc_pool_uncharge(PAGE_SIZE << order);
		return NULL;
	}
	folio = page_folio(page);
	/* Its place in a mapping, for the rmap code; zc has none of its own. */
	folio->index = 0;
	return folio;
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
