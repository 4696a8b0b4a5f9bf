/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Devices that read and write buffers by themselves, and what is mapped for them.
 */
#ifndef _ZC_DMA_H
#define _ZC_DMA_H

#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/list.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "buffer.h"

struct zc_dma_attach;
struct zc_dma_map;
struct zc_dma_measure;
struct zc_dma_query;
struct zc_dma_segments;
struct zc_file;

/* target.c: the devices */

/**
 * struct zc_target - a device that buffers are mapped for
 * @list:    among all targets
 * @id:      its number, never used again
 * @dev:     the device, a reference is held
 * @lock:    protects @maps, @nr_maps and @charged where zc_dma_sem is held for reading
 * @maps:    what is mapped for it
 * @nr_maps: how many these are
 * @charged: bytes of them that are mapped by those without privilege
 * @name:    bus and device
 */
struct zc_target {
	struct list_head list;
	u32 id;
	struct device *dev;
	spinlock_t lock;	/* see above */
	struct list_head maps;
	unsigned int nr_maps;
	u64 charged;
	char name[ZC_DMA_NAME_MAX];
};

/*
 * Held for reading by who uses a target, for writing by who makes one or takes one away.
 * Taken below the mmap lock, and below the lock of a device.
 */
extern struct rw_semaphore zc_dma_sem;

struct zc_target *zc_target_find(u32 id);
bool zc_target_translates(const struct zc_target *target);
void zc_dma_flush(struct device *dev);
int zc_target_charge(struct zc_target *target, u64 bytes, u64 *charged);
void zc_target_uncharge(struct zc_target *target, u64 bytes);
unsigned long zc_target_page_sizes(const struct zc_target *target);
bool zc_target_tells(const struct zc_target *target);
int zc_target_query(struct zc_dma_query *arg);
unsigned int zc_target_version(void);
int zc_target_attach(struct zc_dma_attach *arg);
int zc_target_detach(u32 id);
int zc_target_init(void);
void zc_target_exit(void);

/* dma.c: what is mapped for them */

/* Many devices may have a buffer: what the caches have is taken care of apart. */
#define ZC_DMA_ATTRS	DMA_ATTR_SKIP_CPU_SYNC

u64 zc_dma_piece_max(struct device *dev);
bool zc_dma_is_direct(const struct zc_target *target, phys_addr_t phys, dma_addr_t addr);
int zc_dma_reaches(const struct zc_target *target, phys_addr_t phys, u64 len, u32 flags);
int zc_dma_lock(struct zc_buffer *buf);
void zc_dma_unlock(struct zc_buffer *buf);
int zc_dma_map(struct zc_file *zf, struct zc_buffer *buf, struct zc_dma_map *arg);
int zc_dma_unmap(struct zc_buffer *buf, u32 target);
int zc_dma_segments(struct zc_buffer *buf, struct zc_dma_segments *arg);
int zc_dma_sync(struct zc_buffer *buf, u64 offset, u64 len, bool end);
bool zc_dma_has(struct zc_buffer *buf, u32 target);
void zc_dma_drop_all(struct zc_buffer *buf);
void zc_dma_revoke(struct zc_target *target);

/* dma_measure.c: what that costs */

int zc_dma_measure(struct zc_buffer *buf, struct zc_dma_measure *arg);

/**
 * zc_dma_drop - have a buffer mapped for nobody
 * @buf: buffer, which has lost its handle, or nobody else uses. May sleep.
 */
static inline void zc_dma_drop(struct zc_buffer *buf)
{
	/* Pairs with zc_mapped_disown(), and with zc_dma_map(). */
	if (unlikely(atomic_read_acquire(&buf->dma_mapped)))
		zc_dma_drop_all(buf);
}

#endif /* _ZC_DMA_H */
