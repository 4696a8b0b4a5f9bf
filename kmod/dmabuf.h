/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Buffers as dma-bufs.
 */
#ifndef _ZC_DMABUF_H
#define _ZC_DMABUF_H

#include <linux/errno.h>
#include <linux/sched.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct dma_buf;
struct iosys_map;
struct zc_buffer;

/**
 * struct zc_dmabuf_vmap - a dma-buf to be mapped for the kernel
 * @work:   by a worker
 * @vmap:   how
 * @dmabuf: which
 * @map:    set, if @ret is 0
 * @ret:    result
 */
struct zc_dmabuf_vmap {
	struct work_struct work;
	int (*vmap)(struct dma_buf *dmabuf, struct iosys_map *map);
	struct dma_buf *dmabuf;
	struct iosys_map *map;
	int ret;
};

static inline void zc_dmabuf_vmap_work(struct work_struct *work)
{
	struct zc_dmabuf_vmap *it = container_of(work, struct zc_dmabuf_vmap, work);

	it->ret = it->vmap(it->dmabuf, it->map);
}

/**
 * zc_dmabuf_vmap_alive - map a dma-buf for the kernel, though the caller may be killed meanwhile
 * @queue:  has a worker do a work
 * @vmap:   how; returns 0 or a negative errno, and may sleep. Called by a worker, if the
 *          caller is a process
 * @dmabuf: which
 * @map:    set, if this succeeds
 *
 * Who is killed may not get the memory for it, and of each failure the core warns.
 *
 * An exporter is called with the lock of the dma-buf, which an importer takes in @vmap: their
 * works are in queues of their own, so that the one does not wait behind the other, and, as
 * this is in the files of both, two things for lockdep.
 *
 * Returns: what @vmap says. Sleeps.
 */
static inline int zc_dmabuf_vmap_alive(bool (*queue)(struct work_struct *work),
				       int (*vmap)(struct dma_buf *dmabuf, struct iosys_map *map),
				       struct dma_buf *dmabuf, struct iosys_map *map)
{
	struct zc_dmabuf_vmap it = { .vmap = vmap, .dmabuf = dmabuf, .map = map };

	/* Of threads of the kernel some must not wait for workers. */
	if (current->flags & PF_KTHREAD)
		return vmap(dmabuf, map);
	INIT_WORK_ONSTACK(&it.work, zc_dmabuf_vmap_work);
	queue(&it.work);
	flush_work(&it.work);
	destroy_work_on_stack(&it.work);
	return it.ret;
}

#ifdef CONFIG_DMA_SHARED_BUFFER
int zc_dmabuf_new(struct zc_buffer *buf, bool rdonly);
const struct zc_buffer *zc_dmabuf_buffer(const struct dma_buf *dmabuf);
#else
static inline int zc_dmabuf_new(struct zc_buffer *buf, bool rdonly)
{
	return -ENOTTY;
}
#endif

#endif /* _ZC_DMABUF_H */
