// SPDX-License-Identifier: GPL-2.0-only
/*
 * A buffer as a dma-buf: drivers map it for their devices, and programs for themselves.
 *
 * Whether the devices have it, or the processor, is what begin and end of the processor's
 * access say. Fences are those that the importers add; the buffer has none of its own.
 */
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "dma.h"
#include "dmabuf.h"
#include "ioctl.h"
#include "zc.h"

/**
 * struct zc_dmabuf - what is behind a dma-buf
 * @file: file of the buffer, which is held by it, for mappings
 * @buf:  the buffer
 * @rdonly: nobody may write to it
 * @lock: protects @maps
 * @maps: what devices have, struct zc_dmabuf_map
 */
struct zc_dmabuf {
	struct file *file;
	struct zc_buffer *buf;
	bool rdonly;
	struct mutex lock;	/* see above */
	struct list_head maps;
};

/**
 * struct zc_dmabuf_map - the buffer mapped for a device
 * @list: in zc_dmabuf::maps
 * @dev:  device
 * @dir:  who reads and writes
 * @sgt:  pages, and where the device finds them
 */
struct zc_dmabuf_map {
	struct list_head list;
	struct device *dev;
	enum dma_data_direction dir;
	struct sg_table sgt;
};

static int zc_dmabuf_fill(struct sg_table *sgt, const struct zc_mem *mem, struct device *dev)
{
	u64 limit = min_t(u64, dma_get_max_seg_size(dev), zc_dma_piece_max(dev));
	u64 max = max_t(u64, round_down(limit, PAGE_SIZE), PAGE_SIZE);
	u64 mask = dma_get_seg_boundary(dev) | ~PAGE_MASK;
	unsigned long nr = zc_mem_pieces(mem, max, mask);
	struct scatterlist *sg;
	struct page *page;
	u64 pos = 0, len;
	unsigned int i;
	int ret;

	if (!nr)
		return -EINTR;
	if (nr > UINT_MAX)
		return -EFBIG;
	ret = sg_alloc_table(sgt, nr, GFP_KERNEL | __GFP_NOWARN);
	if (ret)
		return ret;
	for_each_sgtable_sg(sgt, sg, i) {
		len = zc_mem_piece(mem, pos >> PAGE_SHIFT, max, mask, &page);
		sg_set_page(sg, page, len, 0);
		pos += len;
		cond_resched();
	}
	return 0;
}

static struct sg_table *zc_dmabuf_map(struct dma_buf_attachment *at,
				      enum dma_data_direction dir)
{
	struct zc_dmabuf *zd = at->dmabuf->priv;
	struct zc_dmabuf_map *map;
	int ret;

	if (zd->rdonly && dir != DMA_TO_DEVICE)
		return ERR_PTR(-EPERM);
	map = kzalloc(sizeof(*map), GFP_KERNEL);
	if (!map)
		return ERR_PTR(-ENOMEM);
	map->dev = at->dev;
	map->dir = dir;
	ret = zc_dmabuf_fill(&map->sgt, &zd->buf->mem, at->dev);
	if (ret)
		goto err_map;
	ret = dma_map_sgtable(at->dev, &map->sgt, dir, ZC_DMA_ATTRS);
	if (ret)
		goto err_table;
	dma_sync_sgtable_for_device(at->dev, &map->sgt, dir);
	mutex_lock(&zd->lock);
	list_add_tail(&map->list, &zd->maps);
	mutex_unlock(&zd->lock);
	return &map->sgt;

err_table:
	sg_free_table(&map->sgt);
err_map:
	kfree(map);
	return ERR_PTR(ret);
}

static void zc_dmabuf_unmap(struct dma_buf_attachment *at, struct sg_table *sgt,
			    enum dma_data_direction dir)
{
	struct zc_dmabuf_map *map = container_of(sgt, struct zc_dmabuf_map, sgt);
	struct zc_dmabuf *zd = at->dmabuf->priv;

	mutex_lock(&zd->lock);
	list_del(&map->list);
	mutex_unlock(&zd->lock);
	dma_sync_sgtable_for_cpu(map->dev, sgt, map->dir);
	dma_unmap_sgtable(map->dev, sgt, map->dir, ZC_DMA_ATTRS);
	zc_dma_flush(map->dev);
	sg_free_table(sgt);
	kfree(map);
}

static int zc_dmabuf_begin(struct dma_buf *dmabuf, enum dma_data_direction dir)
{
	struct zc_dmabuf *zd = dmabuf->priv;
	struct zc_dmabuf_map *map;

	mutex_lock(&zd->lock);
	list_for_each_entry(map, &zd->maps, list)
		dma_sync_sgtable_for_cpu(map->dev, &map->sgt, map->dir);
	mutex_unlock(&zd->lock);
	return 0;
}

static int zc_dmabuf_end(struct dma_buf *dmabuf, enum dma_data_direction dir)
{
	struct zc_dmabuf *zd = dmabuf->priv;
	struct zc_dmabuf_map *map;

	mutex_lock(&zd->lock);
	list_for_each_entry(map, &zd->maps, list)
		dma_sync_sgtable_for_device(map->dev, &map->sgt, map->dir);
	mutex_unlock(&zd->lock);
	return 0;
}

static int zc_dmabuf_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	struct zc_dmabuf *zd = dmabuf->priv;

	/* An importer may ask for what its own file allows. */
	if (zd->rdonly) {
		if (vma->vm_flags & VM_WRITE)
			return -EPERM;
		vm_flags_clear(vma, VM_MAYWRITE);
	}
	/* So it lies among the others of the buffer, where sealing finds it. */
	vma_set_file(vma, zd->file);
	return zc_call_mmap(zd->file, vma);
}

static int zc_dmabuf_vmap_pages(struct dma_buf *dmabuf, struct iosys_map *map)
{
	struct zc_dmabuf *zd = dmabuf->priv;
	const struct zc_mem *mem = &zd->buf->mem;
	unsigned long nr = mem->size >> PAGE_SHIFT, i;
	struct page **pages;
	void *addr;

	pages = kvmalloc_array(nr, sizeof(*pages), GFP_KERNEL | __GFP_NOWARN);
	if (!pages)
		return -ENOMEM;
	for (i = 0; i < nr; i++)
		pages[i] = zc_mem_page(mem, i);
	addr = vmap(pages, nr, VM_MAP, PAGE_KERNEL);
	kvfree(pages);
	if (!addr)
		return -ENOMEM;
	iosys_map_set_vaddr(map, addr);
	return 0;
}

static int zc_dmabuf_vmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	return zc_dmabuf_vmap_alive(schedule_work, zc_dmabuf_vmap_pages, dmabuf, map);
}

static void zc_dmabuf_vunmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	vunmap(map->vaddr);
}

static void zc_dmabuf_free(struct zc_dmabuf *zd)
{
	if (!zd->rdonly)
		zc_buffer_writer_put(zd->buf);
	/* With the buffer, perhaps. */
	fput(zd->file);
	mutex_destroy(&zd->lock);
	kfree(zd);
}

static void zc_dmabuf_release(struct dma_buf *dmabuf)
{
	zc_dmabuf_free(dmabuf->priv);
}

static const struct dma_buf_ops zc_dmabuf_ops = {
	.map_dma_buf = zc_dmabuf_map,
	.unmap_dma_buf = zc_dmabuf_unmap,
	.begin_cpu_access = zc_dmabuf_begin,
	.end_cpu_access = zc_dmabuf_end,
	.mmap = zc_dmabuf_mmap,
	.vmap = zc_dmabuf_vmap,
	.vunmap = zc_dmabuf_vunmap,
	.release = zc_dmabuf_release,
};

/* Not for the kernel: importers write to such a mapping without a word. */
static const struct dma_buf_ops zc_dmabuf_rdonly_ops = {
	.map_dma_buf = zc_dmabuf_map,
	.unmap_dma_buf = zc_dmabuf_unmap,
	.begin_cpu_access = zc_dmabuf_begin,
	.end_cpu_access = zc_dmabuf_end,
	.mmap = zc_dmabuf_mmap,
	.release = zc_dmabuf_release,
};

static struct zc_dmabuf *zc_dmabuf_of(struct zc_buffer *buf, bool rdonly)
{
	struct zc_dmabuf *zd;
	struct file *file;
	int ret;

	zd = kzalloc(sizeof(*zd), GFP_KERNEL_ACCOUNT);
	if (!zd)
		return ERR_PTR(-ENOMEM);
	file = zc_share_file(buf, rdonly ? O_RDONLY : O_RDWR);
	if (IS_ERR(file)) {
		kfree(zd);
		return ERR_CAST(file);
	}
	ret = rdonly ? 0 : zc_buffer_writer_get(buf);
	if (ret) {
		fput(file);
		kfree(zd);
		return ERR_PTR(ret);
	}
	zd->file = file;
	zd->buf = buf;
	zd->rdonly = rdonly;
	mutex_init(&zd->lock);
	INIT_LIST_HEAD(&zd->maps);
	return zd;
}

/**
 * zc_dmabuf_new - make a dma-buf of a buffer
 * @buf:    buffer that is not imported, of which the caller has a reference
 * @rdonly: nobody is to write to it
 *
 * Returns: a descriptor of the caller's, or a negative errno as documented at struct
 * zc_buf_export. Sleeps.
 */
int zc_dmabuf_new(struct zc_buffer *buf, bool rdonly)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct dma_buf *dmabuf;
	struct zc_dmabuf *zd;
	int fd;

	if (buf->mem.size > SIZE_MAX)
		return -EFBIG;
	zd = zc_dmabuf_of(buf, rdonly);
	if (IS_ERR(zd))
		return PTR_ERR(zd);
	info.exp_name = KBUILD_MODNAME;
	info.ops = rdonly ? &zc_dmabuf_rdonly_ops : &zc_dmabuf_ops;
	info.size = buf->mem.size;
	info.flags = rdonly ? O_RDONLY : O_RDWR;
	info.priv = zd;
	dmabuf = dma_buf_export(&info);
	if (IS_ERR(dmabuf)) {
		zc_dmabuf_free(zd);
		return PTR_ERR(dmabuf);
	}
	fd = dma_buf_fd(dmabuf, O_CLOEXEC);
	if (fd < 0)
		dma_buf_put(dmabuf);
	return fd;
}

/**
 * zc_dmabuf_buffer - the buffer that a dma-buf is of
 * @dmabuf: dma-buf
 *
 * Returns: the buffer, which lasts as long as the dma-buf, or NULL: it is of others. Any
 * context.
 */
const struct zc_buffer *zc_dmabuf_buffer(const struct dma_buf *dmabuf)
{
	const struct zc_dmabuf *zd = dmabuf->priv;

	if (dmabuf->ops != &zc_dmabuf_ops && dmabuf->ops != &zc_dmabuf_rdonly_ops)
		return NULL;
	return zd->buf;
}
