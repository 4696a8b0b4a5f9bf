/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a buffer is made of.
 */
#ifndef _ZC_MEMORY_H
#define _ZC_MEMORY_H

#include <linux/gfp.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/types.h>
#include <linux/zc.h>

#include "owner.h"

/* Larger buffers share no hugepage. */
#define ZC_SLAB_MAX	SZ_1M

/* For zc_mem_piece(). */
#define ZC_NO_BOUNDARY	U64_MAX

struct zc_file;
struct zc_import;
struct zc_slab;

/**
 * struct zc_block - 2 MiB of a buffer
 * @huge:  a folio of ZC_HUGE_ORDER; NULL if @small is used
 * @small: single-page folios, ZC_HUGE_PAGES at most; NULL if @huge is used
 */
struct zc_block {
	struct folio *huge;
	struct folio **small;
};

/**
 * struct zc_mem - the memory of a buffer
 * @size:       bytes, a multiple of ZC_HUGE_SIZE; or of PAGE_SIZE, and less than that or
 *              imported
 * @huge_bytes: bytes that lie on hugepages, undivided
 * @nr_blocks:  valid entries of @blocks
 * @blocks:     the memory
 * @slab:       or this has it, and the next is the first of its pages
 * @page:       see @slab
 * @import:     or this has it
 * @owner:      whose it is; @slab has its own
 */
struct zc_mem {
	u64 size;
	u64 huge_bytes;
	unsigned long nr_blocks;
	struct zc_block *blocks;
	struct zc_slab *slab;
	struct page *page;
	struct zc_import *import;
	struct zc_owner owner;
};

/**
 * zc_mem_size - how much memory a buffer gets
 * @size:  bytes, as the user has asked for
 * @flags: ZC_BUF_* flags, checked
 *
 * Returns: bytes.
 */
static inline u64 zc_mem_size(u64 size, u32 flags)
{
	if ((flags & ZC_BUF_SLICE) && size <= ZC_SLAB_MAX)
		return PAGE_ALIGN(size);
	return round_up(size, (u64)ZC_HUGE_SIZE);
}

/**
 * zc_mem_gfp - what to ask of the pool for a buffer
 * @flags: ZC_BUF_* flags, checked
 *
 * Returns: as zc_pool_get() takes it.
 */
static inline gfp_t zc_mem_gfp(u32 flags)
{
	return __GFP_ZERO | (flags & ZC_BUF_NODE_STRICT ? __GFP_THISNODE : 0);
}

int zc_mem_get(struct zc_mem *mem, struct zc_file *zf, u64 size, u32 flags, int nid);
int zc_mem_import(struct zc_mem *mem, int fd, u64 offset, u64 size);
void zc_mem_put(struct zc_mem *mem);
void zc_mem_drop(struct zc_mem *mem);
u64 zc_mem_idle(const struct zc_mem *mem, u64 pos, u64 end);
bool zc_mem_reusable(const struct zc_mem *mem);
u64 zc_mem_held(const struct zc_mem *mem, bool unmapped);
bool zc_mem_tight(const struct zc_mem *mem);
unsigned long zc_mem_page_size(const struct zc_mem *mem);
struct page *zc_mem_page(const struct zc_mem *mem, pgoff_t index);
u64 zc_mem_piece(const struct zc_mem *mem, pgoff_t index, u64 max, u64 mask,
		 struct page **page);
unsigned long zc_mem_pieces(const struct zc_mem *mem, u64 max, u64 mask);

#endif /* _ZC_MEMORY_H */
