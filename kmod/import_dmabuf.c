// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that is a dma-buf's, as that of a buffer.
 *
 * The core has it that nobody but the exporter looks at the pages behind a mapping for a
 * device. What the exporter maps for the kernel are pages that the kernel may read: these
 * are what is sent. Whether they stay where they are meanwhile only he knows (those of
 * graphics drivers may not), and so whose dma-bufs are taken is a matter of a list.
 */
#include <linux/dma-buf.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/net.h>
#include <linux/sched/signal.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>
#include <linux/zc.h>

#include "buffer.h"
#include "compat.h"
#include "dmabuf.h"
#include "import.h"

ZC_IMPORT_NS_DMA_BUF;

/* What maps them for the kernel, see zc_dmabuf_vmap_alive() */
static struct workqueue_struct *zc_import_wq;

/* Exporters of ordinary memory that they neither move nor free before the dma-buf goes. */
static const char * const zc_import_exporters[] = { "system", "udmabuf" };

static bool zc_import_dmabuf_can(const struct dma_buf *dmabuf)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(zc_import_exporters); i++)
		if (!strcmp(dmabuf->exp_name, zc_import_exporters[i]))
			return true;
	return false;
}

/**
 * zc_import_dmabuf_from - look up a dma-buf
 * @from:   set
 * @fd:     descriptor from the user
 * @offset: where a buffer is to begin in it, bytes
 * @size:   bytes, or 0: all from there on; set
 *
 * Returns: 0 and a reference to its file; -EBADF, or -EINVAL: it is none, or these are not
 * whole pages of it.
 */
int zc_import_dmabuf_from(struct zc_import_from *from, int fd, u64 offset, u64 *size)
{
	struct dma_buf *dmabuf = dma_buf_get(fd);
	u64 end;

	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	end = round_down((u64)dmabuf->size, PAGE_SIZE);
	if (offset < end && !*size)
		*size = end - offset;
	if (offset >= end || !IS_ALIGNED(offset | *size, PAGE_SIZE) || *size > end - offset ||
	    *size > ZC_BUFFER_SIZE_MAX) {
		dma_buf_put(dmabuf);
		return -EINVAL;
	}
	from->file = dmabuf->file;
	from->dmabuf = dmabuf;
	return 0;
}

/* A page that the network can have a reference to, @offset bytes into the map. */
static struct page *zc_import_dmabuf_page(const struct iosys_map *map, unsigned long offset)
{
	const void *addr = map->vaddr + offset;
	struct page *page;

	if (map->is_iomem)
		page = NULL;
	else if (is_vmalloc_addr(addr))
		page = vmalloc_to_page(addr);
	else
		page = virt_addr_valid(addr) ? virt_to_page(addr) : NULL;
	if (!page || !pfn_valid(page_to_pfn(page)) || PageReserved(page) ||
	    is_zone_device_page(page) || !sendpage_ok(page))
		return NULL;
	return page;
}

/* One of our own. */
static int zc_import_dmabuf_copy(struct zc_import *imp, const struct zc_mem *mem,
				 unsigned long nr)
{
	for (; imp->nr < nr; imp->nr++) {
		if (fatal_signal_pending(current))
			return -EINTR;
		imp->pages[imp->nr] = zc_mem_page(mem, (imp->offset >> PAGE_SHIFT) + imp->nr);
		cond_resched();
	}
	return 0;
}

static bool zc_import_queue(struct work_struct *work)
{
	return queue_work(zc_import_wq, work);
}

/**
 * zc_import_dmabuf_fill - find the pages of a dma-buf
 * @imp: of which, and where; if this succeeds, to be given to zc_import_dmabuf_empty()
 * @nr:  how many pages
 *
 * Returns: 0, or a negative errno as documented at struct zc_buf_import. Sleeps.
 */
int zc_import_dmabuf_fill(struct zc_import *imp, unsigned long nr)
{
	struct dma_buf *dmabuf = imp->from.dmabuf;
	const struct zc_buffer *own = zc_dmabuf_buffer(dmabuf);
	int ret;

	if (own)
		return zc_import_dmabuf_copy(imp, &own->mem, nr);
	if (!zc_import_dmabuf_can(dmabuf))
		return -EOPNOTSUPP;
	ret = zc_dmabuf_vmap_alive(zc_import_queue, zc_dma_buf_vmap, dmabuf, &imp->map);
	if (ret)
		return ret == -EINVAL ? -EOPNOTSUPP : ret;
	ret = -EOPNOTSUPP;
	for (; imp->nr < nr; imp->nr++) {
		struct page *page = zc_import_dmabuf_page(&imp->map, imp->offset +
							  (imp->nr << PAGE_SHIFT));

		if (!page || (ZC_UDMABUF_MAPS_HEADS && PageCompound(page) &&
			      !strcmp(dmabuf->exp_name, "udmabuf")))
			goto err;
		imp->pages[imp->nr] = page;
		if (fatal_signal_pending(current)) {
			ret = -EINTR;
			goto err;
		}
		cond_resched();
	}
	return 0;

err:
	zc_dma_buf_vunmap(dmabuf, &imp->map);
	return ret;
}

/**
 * zc_import_dmabuf_empty - let go of the pages
 * @imp: from zc_import_dmabuf_fill(). Sleeps.
 */
void zc_import_dmabuf_empty(struct zc_import *imp)
{
	if (!zc_dmabuf_buffer(imp->from.dmabuf))
		zc_dma_buf_vunmap(imp->from.dmabuf, &imp->map);
}

/**
 * zc_import_dmabuf_mmap - map the dma-buf instead
 * @imp:    pages of a dma-buf
 * @vma:    shared, of another file
 * @offset: where it begins in them, bytes
 *
 * Returns: 0, -EPERM (to be executed, or written to by who may not), or what the exporter
 * says. It may be the dma-buf's then, too.
 */
int zc_import_dmabuf_mmap(const struct zc_import *imp, struct vm_area_struct *vma, u64 offset)
{
	int ret;

	/* The core has asked another file. */
	if (vma->vm_flags & VM_EXEC)
		return -EPERM;
	vm_flags_clear(vma, VM_MAYEXEC);
	if (zc_import_rdonly(imp)) {
		if (vma->vm_flags & VM_WRITE)
			return -EPERM;
		vm_flags_clear(vma, VM_MAYWRITE | VM_SHARED);
	}
	ret = dma_buf_mmap(imp->from.dmabuf, vma, (imp->offset + offset) >> PAGE_SHIFT);
	if (!ret)
		vm_flags_set(vma, VM_DONTEXPAND);
	return ret;
}

/**
 * zc_import_dmabuf_sync - begin or end the processor's use of it
 * @imp:   pages of a dma-buf
 * @flags: ZC_SYNC_* flags, checked
 *
 * Returns: 0, or what the exporter says. Sleeps.
 */
int zc_import_dmabuf_sync(const struct zc_import *imp, u32 flags)
{
	enum dma_data_direction dir = DMA_BIDIRECTIONAL;

	if (!(flags & ZC_SYNC_READ))
		dir = DMA_TO_DEVICE;
	else if (!(flags & ZC_SYNC_WRITE))
		dir = DMA_FROM_DEVICE;
	if (flags & ZC_SYNC_END)
		return dma_buf_end_cpu_access(imp->from.dmabuf, dir);
	return dma_buf_begin_cpu_access(imp->from.dmabuf, dir);
}

/**
 * zc_import_dmabuf_init - be able to import dma-bufs
 *
 * Returns: 0 or -ENOMEM.
 */
int zc_import_dmabuf_init(void)
{
	zc_import_wq = alloc_workqueue("zc-import", WQ_UNBOUND, 0);
	return zc_import_wq ? 0 : -ENOMEM;
}

/**
 * zc_import_dmabuf_exit - undo zc_import_dmabuf_init()
 *
 * Nobody imports any more.
 */
void zc_import_dmabuf_exit(void)
{
	destroy_workqueue(zc_import_wq);
}
