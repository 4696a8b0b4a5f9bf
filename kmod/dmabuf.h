/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Buffers as dma-bufs.
 */
#ifndef _ZC_DMABUF_H
#define _ZC_DMABUF_H

#include <linux/errno.h>
#include <linux/types.h>

struct dma_buf;
struct iosys_map;
struct zc_buffer;

#ifdef CONFIG_DMA_SHARED_BUFFER
int zc_dmabuf_vmap_alive(int (*vmap)(struct dma_buf *dmabuf, struct iosys_map *map),
			 struct dma_buf *dmabuf, struct iosys_map *map);
int zc_dmabuf_new(struct zc_buffer *buf, bool rdonly);
const struct zc_buffer *zc_dmabuf_buffer(const struct dma_buf *dmabuf);
#else
static inline int zc_dmabuf_new(struct zc_buffer *buf, bool rdonly)
{
	return -ENOTTY;
}
#endif

#endif /* _ZC_DMABUF_H */
