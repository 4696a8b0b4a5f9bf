// SPDX-License-Identifier: GPL-2.0-only
/*
 * What it costs to map memory of several kinds for a target: as a driver would map it.
 */
#include <linux/cache.h>
#include <linux/dma-mapping.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "dma.h"
#include "zc.h"

/* The device may read: so what is in a buffer does not change. */
#define ZC_MEASURE_DIR	DMA_TO_DEVICE

/**
 * struct zc_sample - a part of what is measured
 * @page: first page
 * @off:  first byte in it
 * @len:  bytes
 * @addr: where the device finds it, while it is mapped
 */
struct zc_sample {
	struct page *page;
	unsigned int off;
	u64 len;
	dma_addr_t addr;
};

/**
 * struct zc_samples - what is measured
 * @size:   bytes
 * @nr:     valid entries of @list
 * @heap:   all of it is this, of vmalloc()
 * @pages:  all of it are single pages, to be freed
 * @list:   the parts, in order
 */
struct zc_samples {
	u64 size;
	unsigned long nr;
	void *heap;
	bool pages;
	struct zc_sample list[];
};

static struct zc_samples *zc_samples_new(unsigned long max)
{
	struct zc_samples *s;

	s = kvzalloc(struct_size(s, list, max), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	return s ?: ERR_PTR(-ENOMEM);
}

static void zc_samples_free(struct zc_samples *s)
{
	unsigned long i;

	for (i = 0; s->pages && i < s->nr; i++)
		__free_page(s->list[i].page);
	vfree(s->heap);
	kvfree(s);
}

static void zc_samples_add(struct zc_samples *s, struct page *page, unsigned int off, u64 len)
{
	s->list[s->nr++] = (struct zc_sample) { .page = page, .off = off, .len = len };
	s->size += len;
}

static struct zc_samples *zc_samples_heap(u64 size)
{
	unsigned long nr = size >> PAGE_SHIFT;
	struct zc_samples *s = zc_samples_new(nr + 1);
	u64 left = size;

	if (IS_ERR(s))
		return s;
	s->heap = __vmalloc(size + PAGE_SIZE, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!s->heap) {
		zc_samples_free(s);
		return ERR_PTR(-ENOMEM);
	}
	while (left) {
		unsigned int off = s->nr ? 0 : L1_CACHE_BYTES;
		u64 len = min(left, (u64)PAGE_SIZE - off);

		zc_samples_add(s, vmalloc_to_page(s->heap + (s->nr << PAGE_SHIFT)), off, len);
		left -= len;
	}
	return s;
}

static struct zc_samples *zc_samples_pages(u64 size)
{
	unsigned long nr = size >> PAGE_SHIFT;
	struct zc_samples *s = zc_samples_new(nr);
	struct page *page;

	if (IS_ERR(s))
		return s;
	s->pages = true;
	while (s->nr < nr) {
		page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
		if (!page) {
			zc_samples_free(s);
			return ERR_PTR(-ENOMEM);
		}
		zc_samples_add(s, page, 0, PAGE_SIZE);
		cond_resched();
	}
	return s;
}

static struct zc_samples *zc_samples_buffer(const struct zc_buffer *buf, u64 max)
{
	const struct zc_mem *mem = &buf->mem;
	struct zc_samples *s;
	struct page *page;
	unsigned long nr;
	u64 len;

	if (mem->import)
		return ERR_PTR(-EOPNOTSUPP);
	if (atomic_read(&buf->dma_mapped))
		return ERR_PTR(-EBUSY);
	if (mem->size > ZC_MEASURE_MAX)
		return ERR_PTR(-EINVAL);
	nr = zc_mem_pieces(mem, max, ZC_NO_BOUNDARY);
	s = nr ? zc_samples_new(nr) : ERR_PTR(-EINTR);
	while (!IS_ERR(s) && s->size < mem->size) {
		len = zc_mem_piece(mem, s->size >> PAGE_SHIFT, max, ZC_NO_BOUNDARY, &page);
		zc_samples_add(s, page, 0, len);
	}
	return s;
}

static struct zc_samples *zc_samples_get(const struct zc_buffer *buf, u64 max,
					 const struct zc_dma_measure *arg)
{
	if (buf)
		return zc_samples_buffer(buf, max);
	if (arg->kind == ZC_MEASURE_HEAP)
		return zc_samples_heap(arg->size);
	return zc_samples_pages(arg->size);
}

static int zc_samples_check(const struct zc_samples *s, const struct zc_target *target)
{
	unsigned long i;
	int ret = 0;

	for (i = 0; i < s->nr && !ret; i++)
		ret = zc_dma_reaches(target, page_to_phys(s->list[i].page) + s->list[i].off,
				     s->list[i].len, ZC_DMA_BOUNCE);
	return ret;
}

/* Entries of a table that has pages of these sizes, a bit each. */
static u64 zc_measure_entries(unsigned long sizes, dma_addr_t addr, phys_addr_t phys, u64 len)
{
	u64 end = PAGE_ALIGN(addr + len), nr = 0, size;

	addr = round_down(addr, PAGE_SIZE);
	phys = round_down(phys, PAGE_SIZE);
	while (addr < end) {
		size = sizes & GENMASK_ULL(__fls(end - addr), 0);
		if (addr | phys)
			size &= GENMASK_ULL(__ffs64(addr | phys), 0);
		if (!size)
			return 0;
		size = BIT_ULL(__fls(size));
		addr += size;
		phys += size;
		nr++;
	}
	return nr;
}

static void zc_measure_look(const struct zc_target *target, struct page *page, unsigned int off,
			    dma_addr_t addr, u64 len, struct zc_dma_measure *arg)
{
	unsigned long sizes = zc_target_page_sizes(target);
	phys_addr_t phys = page_to_phys(page) + off;

	if (sizes)
		arg->entries += zc_measure_entries(sizes, addr, phys, len);
	else if (!zc_dma_is_direct(target, phys, addr))
		arg->bounced += len;
}

/* A buffer is mapped as dma.c does it. */
static unsigned long zc_measure_attrs(const struct zc_dma_measure *arg)
{
	return arg->kind == ZC_MEASURE_BUFFER ? ZC_DMA_ATTRS : 0;
}

static void zc_measure_unmap(struct device *dev, struct zc_samples *s, unsigned long nr,
			     unsigned long attrs)
{
	unsigned long i;

	for (i = 0; i < nr; i++) {
		const struct zc_sample *one = &s->list[i];

		if (attrs)
			dma_sync_single_for_cpu(dev, one->addr, one->len, ZC_MEASURE_DIR);
		dma_unmap_page_attrs(dev, one->addr, one->len, ZC_MEASURE_DIR, attrs);
	}
	if (attrs)
		zc_dma_flush(dev);
}

static unsigned long zc_measure_map(struct device *dev, struct zc_samples *s,
				    unsigned long attrs)
{
	unsigned long i;

	for (i = 0; i < s->nr; i++) {
		struct zc_sample *one = &s->list[i];

		one->addr = dma_map_page_attrs(dev, one->page, one->off, one->len,
					       ZC_MEASURE_DIR, attrs);
		if (dma_mapping_error(dev, one->addr))
			break;
		if (attrs)
			dma_sync_single_for_device(dev, one->addr, one->len,
						   ZC_MEASURE_DIR);
	}
	return i;
}

static int zc_measure_each(const struct zc_target *target, struct zc_samples *s,
			   struct zc_dma_measure *arg)
{
	unsigned long attrs = zc_measure_attrs(arg), nr, i;
	struct device *dev = target->dev;
	u64 t[4];

	t[0] = ktime_get_ns();
	nr = zc_measure_map(dev, s, attrs);
	t[1] = ktime_get_ns();
	for (i = 0; i < nr; i++)
		zc_measure_look(target, s->list[i].page, s->list[i].off, s->list[i].addr,
				s->list[i].len, arg);
	t[2] = ktime_get_ns();
	zc_measure_unmap(dev, s, nr, attrs);
	t[3] = ktime_get_ns();
	arg->map_ns = t[1] - t[0];
	arg->unmap_ns = t[3] - t[2];
	arg->calls = nr;
	arg->segments = nr;
	return nr == s->nr ? 0 : -EIO;
}

/* Each entry of the list, and where it was put: one after the other, if it was translated. */
static void zc_measure_look_list(const struct zc_target *target, const struct sg_table *sgt,
				 struct zc_dma_measure *arg)
{
	struct scatterlist *sg, *dma = sgt->sgl;
	u64 done = 0, from, len;
	unsigned int i;

	for_each_sgtable_sg(sgt, sg, i) {
		for (from = 0; from < sg->length; from += len) {
			if (done == sg_dma_len(dma)) {
				dma = sg_next(dma);
				done = 0;
			}
			len = min_t(u64, sg->length - from, sg_dma_len(dma) - done);
			zc_measure_look(target, sg_page(sg) + (from >> PAGE_SHIFT), 0,
					sg_dma_address(dma) + done, len, arg);
			done += len;
		}
	}
}

static int zc_measure_table(const struct zc_target *target, struct sg_table *sgt,
			    struct zc_dma_measure *arg)
{
	u64 t[4];
	int ret;

	t[0] = ktime_get_ns();
	ret = dma_map_sgtable(target->dev, sgt, ZC_MEASURE_DIR, 0);
	t[1] = ktime_get_ns();
	if (ret)
		return ret == -ENOMEM ? ret : -EIO;
	zc_measure_look_list(target, sgt, arg);
	arg->segments = sgt->nents;
	t[2] = ktime_get_ns();
	dma_unmap_sgtable(target->dev, sgt, ZC_MEASURE_DIR, 0);
	t[3] = ktime_get_ns();
	arg->map_ns = t[1] - t[0];
	arg->unmap_ns = t[3] - t[2];
	arg->calls = 1;
	return 0;
}

static int zc_measure_list(const struct zc_target *target, struct zc_samples *s,
			   struct zc_dma_measure *arg)
{
	unsigned int max = min_t(u64, zc_dma_piece_max(target->dev),
				 dma_get_max_seg_size(target->dev)) & PAGE_MASK;
	struct sg_table sgt;
	struct page **pages;
	unsigned long i;
	int ret;

	pages = kvmalloc_array(s->nr, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return -ENOMEM;
	for (i = 0; i < s->nr; i++)
		pages[i] = s->list[i].page;
	/* Those that happen to be in a row are one. */
	ret = sg_alloc_table_from_pages_segment(&sgt, pages, s->nr, 0, s->size,
						max ?: PAGE_SIZE, GFP_KERNEL);
	if (!ret) {
		ret = zc_measure_table(target, &sgt, arg);
		sg_free_table(&sgt);
	}
	kvfree(pages);
	return ret;
}

static int zc_measure_target(const struct zc_target *target, const struct zc_buffer *buf,
			     struct zc_dma_measure *arg)
{
	struct zc_samples *s = zc_samples_get(buf, zc_dma_piece_max(target->dev), arg);
	int ret;

	if (IS_ERR(s))
		return PTR_ERR(s);
	arg->size = s->size;
	arg->entries = 0;
	arg->bounced = 0;
	ret = zc_samples_check(s, target);
	if (!ret && arg->kind == ZC_MEASURE_LIST)
		ret = zc_measure_list(target, s, arg);
	else if (!ret)
		ret = zc_measure_each(target, s, arg);
	/* Drivers leave that, and its cost, to the IOMMU; here the memory goes at once. */
	if (arg->kind != ZC_MEASURE_BUFFER)
		zc_dma_flush(target->dev);
	zc_samples_free(s);
	return ret;
}

/**
 * zc_dma_measure - ZC_IOC_DMA_MEASURE
 * @buf: buffer, of which the caller has a reference, or NULL for other memory
 * @arg: struct zc_dma_measure, checked, by who may
 *
 * Returns: 0 or a negative errno as documented there. Sleeps.
 */
int zc_dma_measure(struct zc_buffer *buf, struct zc_dma_measure *arg)
{
	const struct zc_target *target;
	/* It stays mapped for nobody: a copy that comes back must not meet what a device writes. */
	int ret = zc_dma_lock(buf);

	if (ret)
		return ret;
	target = zc_target_find(arg->target);
	ret = target ? zc_measure_target(target, buf, arg) : -ENODEV;
	zc_dma_unlock(buf);
	return ret;
}
