// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory of one buffer: blocks of 2 MiB, each a hugepage, or small pages where there
 * was none and the caller agreed; or a part of a hugepage.
 */
#include <linux/file.h>
#include <linux/highmem.h>
#include <linux/memcontrol.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "import.h"
#include "memory.h"
#include "pool.h"
#include "zc.h"

static void zc_block_put(struct zc_block *block, const struct zc_owner *owner)
{
	unsigned long i;

	if (block->huge)
		zc_pool_put_used(block->huge, owner);
	if (!block->small)
		return;
	for (i = 0; i < ZC_HUGE_PAGES && block->small[i]; i++)
		zc_pool_put_used(block->small[i], owner);
	kvfree(block->small);
}

/* What is there so far is freed by zc_block_put(). */
static int zc_block_get_small(struct zc_block *block, unsigned long nr, int nid, gfp_t gfp)
{
	unsigned long i;

	block->small = kvcalloc(ZC_HUGE_PAGES, sizeof(*block->small),
				GFP_KERNEL_ACCOUNT);
	if (!block->small)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		struct folio *folio = zc_pool_get(nid, 0, gfp);

		if (IS_ERR(folio))
			return zc_pool_why_none(PTR_ERR(folio), nid, 0, gfp);
		block->small[i] = folio;
	}
	return 0;
}

static int zc_block_get(struct zc_block *block, u32 flags, int nid)
{
	gfp_t gfp = zc_mem_gfp(flags);
	struct folio *folio;

	folio = zc_pool_get_huge_for(nid, flags & ZC_BUF_NODE_STRICT);
	if (!IS_ERR(folio)) {
		block->huge = folio;
		return 0;
	}
	if (flags & ZC_BUF_SMALL_OK)
		return zc_block_get_small(block, ZC_HUGE_PAGES, nid, gfp);
	return zc_pool_why_none(PTR_ERR(folio), nid, ZC_HUGE_ORDER, gfp);
}

static int zc_mem_get_blocks(struct zc_mem *mem, u32 flags, int nid)
{
	unsigned long nr = mem->size / ZC_HUGE_SIZE;
	int ret;

	mem->blocks = kvcalloc(nr, sizeof(*mem->blocks),
			       GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!mem->blocks)
		return -ENOMEM;
	while (mem->nr_blocks < nr) {
		struct zc_block *block = &mem->blocks[mem->nr_blocks++];

		if (fatal_signal_pending(current))
			return -EINTR;
		ret = zc_block_get(block, flags, nid);
		if (ret)
			return ret;
		if (block->huge)
			mem->huge_bytes += ZC_HUGE_SIZE;
		cond_resched();
	}
	return 0;
}

static unsigned long zc_mem_pages(const struct zc_mem *mem)
{
	return mem->size >> PAGE_SHIFT;
}

static int zc_mem_get_slice(struct zc_mem *mem, struct zc_file *zf, u32 flags, int nid)
{
	struct zc_slab *slab = zc_slab_get(zf, zc_mem_pages(mem), flags, nid, &mem->page);
	unsigned long i;

	if (IS_ERR(slab))
		return PTR_ERR(slab);
	mem->slab = slab;
	if (flags & ZC_BUF_ZERO)
		for (i = 0; i < zc_mem_pages(mem); i++)
			clear_highpage(mem->page + i);
	return 0;
}

/* Where there is no hugepage to have a part of. */
static int zc_mem_get_few(struct zc_mem *mem, u32 flags, int nid)
{
	mem->blocks = kvcalloc(1, sizeof(*mem->blocks), GFP_KERNEL_ACCOUNT);
	if (!mem->blocks)
		return -ENOMEM;
	mem->nr_blocks = 1;
	return zc_block_get_small(mem->blocks, zc_mem_pages(mem), nid, zc_mem_gfp(flags));
}

/**
 * zc_mem_get - get memory for a buffer, charged to the caller
 * @mem:   all zero
 * @zf:    whose buffer it will be
 * @size:  bytes, from zc_mem_size()
 * @flags: ZC_BUF_* flags, checked
 * @nid:   NUMA node that passed zc_pool_node_check()
 *
 * Returns: 0, or a negative errno as of zc_buffer_new() and there is none. May sleep.
 */
int zc_mem_get(struct zc_mem *mem, struct zc_file *zf, u64 size, u32 flags, int nid)
{
	int ret;

	mem->size = size;
	if (size < ZC_HUGE_SIZE) {
		ret = zc_mem_get_slice(mem, zf, flags, nid);
		if (ret != -ENOMEM || !(flags & ZC_BUF_SMALL_OK))
			return ret;
	}
	ret = zc_pool_charge_owner(&mem->owner, size);
	if (ret)
		return ret;
	if (size < ZC_HUGE_SIZE)
		ret = zc_mem_get_few(mem, flags, nid);
	else
		ret = zc_mem_get_blocks(mem, flags, nid);
	if (ret)
		zc_mem_put(mem);
	return ret;
}

/**
 * zc_mem_import - have memory of a file, or of a dma-buf, for a buffer, locked for the caller
 * @mem:    all zero
 * @fd:     descriptor from the user
 * @offset: where in it, bytes
 * @size:   bytes, or 0: all from there on
 *
 * Returns: 0, or a negative errno as documented at struct zc_buf_import and there is none.
 * Sleeps.
 */
int zc_mem_import(struct zc_mem *mem, int fd, u64 offset, u64 size)
{
	struct zc_import_from from;
	struct zc_import *imp;
	u64 locked;
	int ret;

	ret = zc_import_from(&from, fd, offset, &size);
	if (ret)
		return ret;
	ret = zc_pool_charge_owner(&mem->owner, size);
	if (ret)
		goto out;
	imp = zc_import_new(&from, offset, size);
	if (IS_ERR(imp)) {
		ret = PTR_ERR(imp);
		zc_owner_uncharge(&mem->owner);
		goto out;
	}
	/* A page may keep a whole hugepage. */
	locked = zc_import_locked_bytes(imp);
	if (locked > size) {
		zc_owner_uncharge(&mem->owner);
		ret = zc_pool_charge_owner(&mem->owner, locked);
		if (ret) {
			zc_import_free(imp);
			goto out;
		}
	}
	mem->size = size;
	mem->huge_bytes = zc_import_huge_bytes(imp);
	mem->import = imp;
out:
	fput(from.file);
	return ret;
}

/**
 * zc_mem_put - give it back
 * @mem: from zc_mem_get() or zc_mem_import(), or all zero; others may still hold pages of
 *       it. May sleep.
 */
void zc_mem_put(struct zc_mem *mem)
{
	unsigned long i;

	if (mem->slab)
		zc_slab_put(mem->slab, mem->page, zc_mem_pages(mem));
	if (mem->import)
		zc_import_free(mem->import);
	for (i = 0; i < mem->nr_blocks; i++) {
		zc_block_put(&mem->blocks[i], &mem->owner);
		cond_resched();
	}
	kvfree(mem->blocks);
	zc_owner_uncharge(&mem->owner);
}

/**
 * zc_mem_drop - give parked memory back, which is neither charged nor locked
 * @mem: that was zc_mem_reusable() when it was parked. From reclaim, too
 */
void zc_mem_drop(struct zc_mem *mem)
{
	unsigned long i;

	if (mem->slab)
		zc_slab_put(mem->slab, mem->page, zc_mem_pages(mem));
	for (i = 0; i < mem->nr_blocks; i++)
		zc_pool_lose(mem->blocks[i].huge, &mem->owner);
	kvfree(mem->blocks);
	zc_owner_forget(&mem->owner);
}

/**
 * zc_mem_idle - how far has everybody else let go of it?
 * @mem: memory that is not imported; see zc_folio_idle()
 * @pos: where to begin, bytes: a page of it, small or huge, begins there
 * @end: where to stop, bytes
 *
 * Returns: where the first page begins that somebody holds, or @end. Any context.
 */
u64 zc_mem_idle(const struct zc_mem *mem, u64 pos, u64 end)
{
	while (pos < end) {
		struct folio *folio = page_folio(zc_mem_page(mem, pos >> PAGE_SHIFT));

		if (!zc_folio_idle(folio))
			break;
		pos += folio_size(folio);
	}
	return pos;
}

/**
 * zc_mem_reusable - is it all of our own hugepages, or of one, and zc_folio_reusable()?
 * @mem: memory that is not mapped. Any context.
 *
 * Returns: true if so.
 */
bool zc_mem_reusable(const struct zc_mem *mem)
{
	unsigned long i;

	if (mem->slab) {
		for (i = 0; i < zc_mem_pages(mem); i++)
			if (!zc_folio_reusable(page_folio(mem->page + i)))
				return false;
		return true;
	}
	if (mem->import || mem->huge_bytes != mem->size)
		return false;
	for (i = 0; i < mem->nr_blocks; i++)
		if (!zc_folio_reusable(mem->blocks[i].huge))
			return false;
	return true;
}

static bool zc_folio_held(struct folio *folio, bool unmapped)
{
	return unmapped ? folio_ref_count(folio) > 1 : folio_maybe_dma_pinned(folio);
}

/**
 * zc_mem_held - how much of it do others hold, as far as can be told?
 * @mem:      memory
 * @unmapped: by what reference soever, as nobody maps it; else by pins (FOLL_PIN)
 *
 * Returns: bytes of the folios that are held; 0 if it is imported, and so pinned. May
 * sleep.
 */
u64 zc_mem_held(const struct zc_mem *mem, bool unmapped)
{
	struct folio *folio;
	u64 bytes = 0;
	pgoff_t i;

	if (mem->import)
		return 0;
	for (i = 0; i < zc_mem_pages(mem); i += folio_nr_pages(folio)) {
		folio = page_folio(zc_mem_page(mem, i));
		if (zc_folio_held(folio, unmapped))
			bytes += folio_size(folio);
		cond_resched();
	}
	return bytes;
}

/* A cgroup is tight when this part of its limit is left. */
#define ZC_CGROUP_TIGHT		4

/**
 * zc_mem_tight - is the memory cgroup that it is charged to near a limit?
 * @mem: memory
 *
 * Reclaim for a cgroup does not call the shrinker of the module, so that what nobody uses
 * might have somebody there killed. Any context.
 *
 * Returns: true if so, or one above it is.
 */
bool zc_mem_tight(const struct zc_mem *mem)
{
	bool tight = false;
#ifdef CONFIG_MEMCG
	const struct page_counter *counter;
	struct mem_cgroup *memcg;

	rcu_read_lock();
	memcg = folio_memcg(page_folio(zc_mem_page(mem, 0)));
	for (counter = memcg ? &memcg->memory : NULL; counter && !tight;
	     counter = counter->parent) {
		unsigned long max = min(READ_ONCE(counter->max), READ_ONCE(counter->high));

		tight = atomic_long_read(&counter->usage) >= max - max / ZC_CGROUP_TIGHT;
	}
	rcu_read_unlock();
#endif
	return tight;
}

/**
 * zc_mem_page_size - smallest page size in it
 * @mem: memory
 *
 * Returns: bytes. Any context.
 */
unsigned long zc_mem_page_size(const struct zc_mem *mem)
{
	if (mem->import)
		return zc_import_page_size(mem->import);
	return mem->huge_bytes == mem->size ? ZC_HUGE_SIZE : PAGE_SIZE;
}

/**
 * zc_mem_page - find a page
 * @mem:   memory
 * @index: page number in it
 *
 * Returns: the page, without a reference, or NULL past the end. Any context.
 */
struct page *zc_mem_page(const struct zc_mem *mem, pgoff_t index)
{
	unsigned long nr = index >> ZC_HUGE_ORDER;
	unsigned long sub = index & (ZC_HUGE_PAGES - 1);
	const struct zc_block *block;

	if (index >= zc_mem_pages(mem))
		return NULL;
	if (mem->slab)
		return mem->page + index;
	if (mem->import)
		return zc_import_page(mem->import, index);
	block = &mem->blocks[nr];
	if (block->huge)
		return folio_page(block->huge, sub);
	return folio_page(block->small[sub], 0);
}

/* So many pages are surely in a row: up to the end of a hugepage, or of a part of one. */
static unsigned long zc_mem_row(const struct zc_mem *mem, pgoff_t index, struct page **page)
{
	unsigned long unit = ZC_HUGE_PAGES;

	*page = zc_mem_page(mem, index);
	if (mem->slab)
		return zc_mem_pages(mem) - index;
	if (mem->import)
		unit = zc_import_page_size(mem->import) >> PAGE_SHIFT;
	else if (!mem->blocks[index >> ZC_HUGE_ORDER].huge)
		unit = 1;
	return unit - (index & (unit - 1));
}

/**
 * zc_mem_piece - a piece of it that is in one
 * @mem:   memory
 * @index: page number in it, not past the end, where the piece begins
 * @max:   most bytes, a multiple of PAGE_SIZE
 * @mask:  it crosses no multiple of @mask + 1, a power of two from PAGE_SIZE on, in physical
 *         memory; ZC_NO_BOUNDARY: it may
 * @page:  set to the first page
 *
 * Returns: bytes: a hugepage, of what size soever, or up to ZC_HUGE_SIZE of small pages
 * that happen to be in a row. Any context.
 */
u64 zc_mem_piece(const struct zc_mem *mem, pgoff_t index, u64 max, u64 mask,
		 struct page **page)
{
	unsigned long nr = zc_mem_row(mem, index, page);
	u64 room = mask - (page_to_phys(*page) & mask);
	u64 limit = min(max(nr, ZC_HUGE_PAGES), max >> PAGE_SHIFT);
	struct page *next;

	while (nr < limit && index + nr < zc_mem_pages(mem)) {
		unsigned long more = zc_mem_row(mem, index + nr, &next);

		/* A hugepage stays whole. */
		if (page_to_pfn(next) != page_to_pfn(*page) + nr || nr + more > limit)
			break;
		nr += more;
	}
	return min((min_t(u64, nr, limit) << PAGE_SHIFT) - 1, room) + 1;
}

/**
 * zc_mem_pieces - how many pieces is it?
 * @mem:  memory
 * @max:  as for zc_mem_piece()
 * @mask: as for zc_mem_piece()
 *
 * Returns: their number; 0: the caller was killed. May sleep.
 */
unsigned long zc_mem_pieces(const struct zc_mem *mem, u64 max, u64 mask)
{
	unsigned long nr = 0;
	struct page *page;
	u64 pos;

	for (pos = 0; pos < mem->size; nr++) {
		pos += zc_mem_piece(mem, pos >> PAGE_SHIFT, max, mask, &page);
		if (fatal_signal_pending(current))
			return 0;
		cond_resched();
	}
	return nr;
}
