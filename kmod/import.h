/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory of others as that of a buffer.
 */
#ifndef _ZC_IMPORT_H
#define _ZC_IMPORT_H

#include <linux/err.h>
#include <linux/iosys-map.h>
#include <linux/types.h>

struct dma_buf;
struct file;
struct page;
struct vm_area_struct;

/**
 * struct zc_import_from - whose memory it is
 * @file:   file, a reference is held
 * @dmabuf: the dma-buf that this is, or NULL: a file in memory
 */
struct zc_import_from {
	struct file *file;
	struct dma_buf *dmabuf;
};

/**
 * struct zc_import - pages of a file, or of a dma-buf
 * @from:   of this
 * @map:    keeps the pages of a dma-buf where they are
 * @offset: where in it they begin, bytes
 * @order:  how large they are
 * @sealed: nobody can write to the file. Else it is not sealed as long as this exists
 * @nr:     valid entries of @pages
 * @pages:  the first page of each
 */
struct zc_import {
	struct zc_import_from from;
	struct iosys_map map;
	u64 offset;
	unsigned int order;
	bool sealed;
	unsigned long nr;
	struct page *pages[];
};

/* import.c */

int zc_import_from(struct zc_import_from *from, int fd, u64 offset, u64 *size);
struct zc_import *zc_import_new(const struct zc_import_from *from, u64 offset, u64 size);
void zc_import_free(struct zc_import *imp);
struct page *zc_import_page(const struct zc_import *imp, pgoff_t index);
unsigned long zc_import_page_size(const struct zc_import *imp);
u64 zc_import_huge_bytes(const struct zc_import *imp);
u64 zc_import_locked_bytes(const struct zc_import *imp);
bool zc_import_sealed(const struct zc_import *imp);
bool zc_import_rdonly(const struct zc_import *imp);
int zc_import_mmap(const struct zc_import *imp, struct vm_area_struct *vma, u64 offset);
int zc_import_sync(const struct zc_import *imp, u32 flags);

static inline bool zc_import_is_dmabuf(const struct zc_import *imp)
{
	return imp->from.dmabuf;
}

/* import_dmabuf.c */

#ifdef CONFIG_DMA_SHARED_BUFFER
int zc_import_dmabuf_from(struct zc_import_from *from, int fd, u64 offset, u64 *size);
int zc_import_dmabuf_fill(struct zc_import *imp, unsigned long nr);
void zc_import_dmabuf_empty(struct zc_import *imp);
int zc_import_dmabuf_mmap(const struct zc_import *imp, struct vm_area_struct *vma, u64 offset);
int zc_import_dmabuf_sync(const struct zc_import *imp, u32 flags);
int zc_import_dmabuf_init(void);
void zc_import_dmabuf_exit(void);
#else
static inline int zc_import_dmabuf_from(struct zc_import_from *from, int fd, u64 offset,
					u64 *size)
{
	return -EINVAL;
}

static inline int zc_import_dmabuf_fill(struct zc_import *imp, unsigned long nr)
{
	return -EINVAL;
}

static inline void zc_import_dmabuf_empty(struct zc_import *imp)
{
}

static inline int zc_import_dmabuf_mmap(const struct zc_import *imp,
					struct vm_area_struct *vma, u64 offset)
{
	return -EINVAL;
}

static inline int zc_import_dmabuf_sync(const struct zc_import *imp, u32 flags)
{
	return 0;
}

static inline int zc_import_dmabuf_init(void)
{
	return 0;
}

static inline void zc_import_dmabuf_exit(void)
{
}
#endif

#endif /* _ZC_IMPORT_H */
