// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers mapped for targets.
 *
 * What a target has is unmapped when its owner says so, when the buffer loses its handle,
 * and before the device loses its driver: whichever is first. The owner is told of the last
 * by an event, for which the memory is taken when the buffer is mapped.
 *
 * A buffer is mapped in pieces that are in a row: a hugepage is one. Where it would be
 * bounced, so that the device does not see the buffer but a copy, this is not done unless
 * somebody privileged agrees.
 */
#include <linux/cc_platform.h>
#include <linux/dma-direct.h>
#include <linux/dma-mapping.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/swiotlb.h>

#include "dma.h"
#include "import.h"
#include "stats.h"
#include "trace.h"
#include "zc.h"

/* Bounce buffers lie somewhere below: those of encrypted guests anywhere. */
static u64 zc_bounce_mask(void)
{
	return cc_platform_has(CC_ATTR_GUEST_MEM_ENCRYPT) ? DMA_BIT_MASK(52) :
							    DMA_BIT_MASK(32);
}

/**
 * struct zc_piece - a part of a buffer that is mapped at once
 * @addr: where the device finds it
 * @len:  bytes
 */
struct zc_piece {
	dma_addr_t addr;
	u64 len;
};

/**
 * struct zc_mapped - a buffer mapped for a target
 * @of_target: in zc_target::maps
 * @of_buffer: in zc_buffer::targets
 * @target:    target
 * @note:      for the owner, if the target goes
 * @dir:       who reads and writes
 * @buf:       buffer, which is there for as long as this is
 * @nr:        valid entries of @pieces
 * @bounced:   bytes that are bounced
 * @charged:   bytes that count against zc_target::charged
 * @pieces:    all of the buffer, in order
 */
struct zc_mapped {
	struct list_head of_target;
	struct list_head of_buffer;
	struct zc_target *target;
	struct zc_note *note;
	enum dma_data_direction dir;
	struct zc_buffer *buf;
	unsigned long nr;
	u64 bounced;
	u64 charged;
	struct zc_piece pieces[];
};

static enum dma_data_direction zc_dma_dir(u32 flags)
{
	if (!(flags & ZC_DMA_FROM_DEVICE))
		return DMA_TO_DEVICE;
	/* What the processor writes meanwhile must get into a bounce buffer, or is lost. */
	return flags & (ZC_DMA_TO_DEVICE | ZC_DMA_BOUNCE) ? DMA_BIDIRECTIONAL : DMA_FROM_DEVICE;
}

/* Nobody writes to a buffer that is sealed, or that must not be written to. */
static int zc_mapped_own(struct zc_buffer *buf, enum dma_data_direction dir)
{
	int ret = dir == DMA_TO_DEVICE ? 0 : zc_buffer_writer_get(buf);

	if (!ret)
		atomic_inc(&buf->dma_mapped);
	return ret;
}

/* The buffer may be gone after this. */
static void zc_mapped_disown(struct zc_buffer *buf, enum dma_data_direction dir)
{
	if (dir != DMA_TO_DEVICE)
		zc_buffer_writer_put(buf);
	/* Pairs with zc_dma_drop(). */
	atomic_dec_return_release(&buf->dma_mapped);
}

static struct zc_mapped *zc_mapped_find(struct zc_buffer *buf, u32 target)
{
	struct zc_mapped *map;

	lockdep_assert_held(&buf->dma_lock);
	list_for_each_entry(map, &buf->targets, of_buffer)
		if (map->target->id == target)
			return map;
	return NULL;
}

/**
 * zc_dma_piece_max - how much can be mapped at once?
 * @dev: device
 *
 * Returns: bytes, a multiple of PAGE_SIZE. Any context.
 */
u64 zc_dma_piece_max(struct device *dev)
{
	u64 max = round_down(min_t(u64, dma_max_mapping_size(dev), SZ_1G), PAGE_SIZE);

	return max ?: PAGE_SIZE;
}

/**
 * zc_dma_is_direct - has the device memory at its own address?
 * @target: target that no IOMMU translates for
 * @phys:   where the memory is
 * @addr:   where the device finds it
 *
 * Returns: true if so; else it has a copy elsewhere. Any context.
 */
bool zc_dma_is_direct(const struct zc_target *target, phys_addr_t phys, dma_addr_t addr)
{
	return addr == phys_to_dma(target->dev, phys);
}

/**
 * zc_dma_reaches - can it be mapped for a target without a warning?
 * @target: target
 * @phys:   where the memory is
 * @len:    bytes
 * @flags:  ZC_DMA_BOUNCE if bounce buffers will do
 *
 * Returns: 0; -ERANGE, or -EREMOTEIO: by bounce buffers alone. Any context.
 */
int zc_dma_reaches(const struct zc_target *target, phys_addr_t phys, u64 len, u32 flags)
{
	struct device *dev = target->dev;
	u64 mask = min_not_zero(dma_get_mask(dev), dev->bus_dma_limit);
	dma_addr_t addr;

	if (zc_target_translates(target))
		return 0;
	addr = phys_to_dma(dev, phys);
	/* It may be none, and all ones then. */
	if (addr <= mask && len - 1 <= mask - addr && addr != DMA_MAPPING_ERROR &&
	    !is_swiotlb_force_bounce(dev))
		return 0;
	/* Else the core warns that it cannot be. */
	if (dma_max_mapping_size(dev) == SIZE_MAX || mask < zc_bounce_mask())
		return -ERANGE;
	return flags & ZC_DMA_BOUNCE ? 0 : -EREMOTEIO;
}

static int zc_piece_map(struct zc_mapped *map, struct page *page, u64 len, u32 flags)
{
	struct zc_piece *piece = &map->pieces[map->nr];
	struct device *dev = map->target->dev;
	int ret;

	ret = zc_dma_reaches(map->target, page_to_phys(page), len, flags);
	if (ret)
		return ret;
	piece->addr = dma_map_page_attrs(dev, page, 0, len, map->dir, ZC_DMA_ATTRS);
	if (dma_mapping_error(dev, piece->addr))
		return -EIO;
	piece->len = len;
	map->nr++;
	/* What is translated is whole pages, which are not bounced. */
	if (!zc_target_translates(map->target) &&
	    !zc_dma_is_direct(map->target, page_to_phys(page), piece->addr))
		map->bounced += len;
	if (map->bounced && !(flags & ZC_DMA_BOUNCE))
		return -EREMOTEIO;
	dma_sync_single_for_device(dev, piece->addr, len, map->dir);
	return 0;
}

/* What is mapped so far is unmapped by zc_mapped_undo(). */
static int zc_mapped_fill(struct zc_mapped *map, u64 max, u32 flags)
{
	const struct zc_mem *mem = &map->buf->mem;
	struct page *page;
	u64 pos, len;
	int ret;

	for (pos = 0; pos < mem->size; pos += len) {
		if (fatal_signal_pending(current))
			return -EINTR;
		len = zc_mem_piece(mem, pos >> PAGE_SHIFT, max, ZC_NO_BOUNDARY, &page);
		ret = zc_piece_map(map, page, len, flags);
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}

/* Of a mapping that nobody was told of: what the processor has written since stays. */
static void zc_mapped_undo(struct zc_mapped *map)
{
	struct device *dev = map->target->dev;
	unsigned long i;

	for (i = 0; i < map->nr; i++) {
		const struct zc_piece *piece = &map->pieces[i];

		dma_unmap_page_attrs(dev, piece->addr, piece->len, map->dir, ZC_DMA_ATTRS);
		cond_resched();
	}
	zc_dma_flush(dev);
	zc_target_uncharge(map->target, map->charged);
	zc_mapped_disown(map->buf, map->dir);
	if (map->note)
		zc_note_free(map->note);
	kvfree(map);
}

/* Of one that is not listed any more. */
static void zc_mapped_free(struct zc_mapped *map)
{
	unsigned long i;

	trace_zc_dma_unmap(map->buf, map->target->id, map->nr, map->bounced);
	for (i = 0; i < map->nr; i++) {
		dma_sync_single_for_cpu(map->target->dev, map->pieces[i].addr,
					map->pieces[i].len, map->dir);
		cond_resched();
	}
	zc_mapped_undo(map);
}

static void zc_mapped_list(struct zc_mapped *map)
{
	struct zc_target *target = map->target;

	lockdep_assert_held(&map->buf->dma_lock);
	list_add_tail(&map->of_buffer, &map->buf->targets);
	spin_lock(&target->lock);
	list_add_tail(&map->of_target, &target->maps);
	target->nr_maps++;
	spin_unlock(&target->lock);
}

static void zc_mapped_unlist(struct zc_mapped *map)
{
	struct zc_target *target = map->target;

	list_del(&map->of_buffer);
	spin_lock(&target->lock);
	list_del(&map->of_target);
	target->nr_maps--;
	spin_unlock(&target->lock);
}

/*
 * What comes back from a bounce buffer is all of it, and not only what the device has
 * written: if others write as well, one of them loses.
 */
static bool zc_mapped_clashes(const struct zc_mapped *map)
{
	const struct zc_mapped *other;

	lockdep_assert_held(&map->buf->dma_lock);
	if (map->dir == DMA_TO_DEVICE)
		return false;
	list_for_each_entry(other, &map->buf->targets, of_buffer)
		if (other->dir != DMA_TO_DEVICE && (map->bounced || other->bounced))
			return true;
	return false;
}

static struct zc_mapped *zc_mapped_new(struct zc_target *target, struct zc_buffer *buf,
				       const struct zc_dma_map *arg)
{
	u64 max = zc_dma_piece_max(target->dev);
	unsigned long nr = zc_mem_pieces(&buf->mem, max, ZC_NO_BOUNDARY);
	struct zc_mapped *map;
	int ret;

	if (!nr)
		return ERR_PTR(-EINTR);
	map = kvzalloc(struct_size(map, pieces, nr), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!map)
		return ERR_PTR(-ENOMEM);
	map->target = target;
	map->dir = zc_dma_dir(arg->flags);
	map->buf = buf;
	ret = zc_mapped_own(buf, map->dir);
	if (ret) {
		kvfree(map);
		return ERR_PTR(ret);
	}
	ret = zc_target_charge(target, buf->mem.size, &map->charged);
	if (!ret)
		ret = zc_mapped_fill(map, max, arg->flags);
	if (!ret && zc_mapped_clashes(map))
		ret = -EBUSY;
	if (ret) {
		zc_mapped_undo(map);
		return ERR_PTR(ret);
	}
	return map;
}

/**
 * zc_dma_lock - have targets stay, and what a buffer is mapped for
 * @buf: buffer, of which the caller has a reference, or NULL for targets alone
 *
 * Others may map, or unmap, what takes long.
 *
 * Returns: 0, to be undone by zc_dma_unlock(), or -EINTR (killed). Sleeps.
 */
int zc_dma_lock(struct zc_buffer *buf)
{
	if (down_read_killable(&zc_dma_sem))
		return -EINTR;
	if (!buf || !mutex_lock_killable(&buf->dma_lock))
		return 0;
	up_read(&zc_dma_sem);
	return -EINTR;
}

/**
 * zc_dma_unlock - undo zc_dma_lock()
 * @buf: as given to it
 */
void zc_dma_unlock(struct zc_buffer *buf)
{
	if (buf)
		mutex_unlock(&buf->dma_lock);
	up_read(&zc_dma_sem);
}

static int zc_dma_map_locked(struct zc_file *zf, struct zc_buffer *buf, struct zc_dma_map *arg)
{
	struct zc_target *target = zc_target_find(arg->target);
	struct zc_mapped *map;
	struct zc_note *note;

	if (!target)
		return -ENODEV;
	/* Its exporter knows how. */
	if (buf->mem.import && zc_import_is_dmabuf(buf->mem.import))
		return -EOPNOTSUPP;
	if (zc_mapped_find(buf, target->id))
		return -EEXIST;
	note = zc_note_new(zf, ZC_EVENT_UNMAPPED, arg->user_data);
	if (IS_ERR(note))
		return PTR_ERR(note);
	note->event.error = ENODEV;
	note->event.offset = target->id;
	map = zc_mapped_new(target, buf, arg);
	if (IS_ERR(map)) {
		zc_note_free(note);
		return PTR_ERR(map);
	}
	map->note = note;
	/* Who destroys it looks for mappings afterwards: one of us sees the other. */
	smp_mb();
	if (!READ_ONCE(buf->live)) {
		zc_mapped_undo(map);
		return -ENOENT;
	}
	zc_mapped_list(map);
	zc_stat_inc(ZC_STAT_MAPPED);
	trace_zc_dma_map(buf, target->id, map->nr, map->bounced);
	/* Whether small pages are in a row is a matter of physical addresses, too. */
	arg->segments = zc_target_tells(target) ? map->nr : 0;
	arg->bounced = map->bounced;
	return 0;
}

/**
 * zc_dma_map - map a buffer for a target
 * @zf:  file that the buffer is of, to be told of the target's end
 * @buf: buffer, of which the caller has a reference
 * @arg: struct zc_dma_map, checked, by who may
 *
 * Returns: 0 or a negative errno as documented there. Sleeps.
 */
int zc_dma_map(struct zc_file *zf, struct zc_buffer *buf, struct zc_dma_map *arg)
{
	int ret = zc_dma_lock(buf);

	if (ret)
		return ret;
	ret = zc_dma_map_locked(zf, buf, arg);
	zc_dma_unlock(buf);
	return ret;
}

/**
 * zc_dma_unmap - undo zc_dma_map()
 * @buf:    buffer, of which the caller has a reference
 * @target: number of the target
 *
 * Returns: 0 or -ENOENT. Sleeps.
 */
int zc_dma_unmap(struct zc_buffer *buf, u32 target)
{
	struct zc_mapped *map;

	down_read(&zc_dma_sem);
	mutex_lock(&buf->dma_lock);
	map = zc_mapped_find(buf, target);
	if (map) {
		zc_mapped_unlist(map);
		zc_mapped_free(map);
	}
	zc_dma_unlock(buf);
	return map ? 0 : -ENOENT;
}

/**
 * zc_dma_has - is a buffer mapped for a target?
 * @buf:    buffer
 * @target: number of the target
 *
 * Returns: true if so. Sleeps.
 */
bool zc_dma_has(struct zc_buffer *buf, u32 target)
{
	bool has;

	down_read(&zc_dma_sem);
	mutex_lock(&buf->dma_lock);
	has = zc_mapped_find(buf, target);
	zc_dma_unlock(buf);
	return has;
}

/**
 * zc_dma_drop_all - have a buffer mapped for nobody; see zc_dma_drop()
 * @buf: buffer, which has lost its handle, or nobody else uses. Sleeps.
 */
void zc_dma_drop_all(struct zc_buffer *buf)
{
	struct zc_mapped *map, *next;

	down_read(&zc_dma_sem);
	mutex_lock(&buf->dma_lock);
	list_for_each_entry_safe(map, next, &buf->targets, of_buffer) {
		zc_mapped_unlist(map);
		zc_mapped_free(map);
	}
	zc_dma_unlock(buf);
}

/**
 * zc_dma_revoke - have nothing mapped for a target, and tell those who had
 * @target: target; zc_dma_sem is held for writing, so that nobody uses what it has. Sleeps.
 */
void zc_dma_revoke(struct zc_target *target)
{
	struct zc_mapped *map, *next;
	struct zc_note *note;

	lockdep_assert_held_write(&zc_dma_sem);
	list_for_each_entry_safe(map, next, &target->maps, of_target) {
		note = map->note;
		map->note = NULL;
		/* The buffer is there until it is not mapped any more. */
		zc_mapped_unlist(map);
		zc_mapped_free(map);
		zc_note_post(note);
		zc_stat_inc(ZC_STAT_REVOKED);
	}
}

static int zc_dma_segments_locked(struct zc_buffer *buf, struct zc_dma_segments *arg)
{
	const struct zc_mapped *map = zc_mapped_find(buf, arg->target);
	unsigned long i;

	if (!map)
		return -ENOENT;
	if (!zc_target_tells(map->target))
		return -EPERM;
	arg->total = map->nr;
	arg->nr = 0;
	memset(arg->segments, 0, sizeof(arg->segments));
	for (i = arg->first; i < map->nr && arg->nr < ZC_DMA_SEGMENTS_MAX; i++)
		arg->segments[arg->nr++] = (struct zc_segment) {
			.addr = map->pieces[i].addr,
			.len = map->pieces[i].len,
		};
	return 0;
}

/**
 * zc_dma_segments - ZC_IOC_DMA_SEGMENTS
 * @buf: buffer, of which the caller has a reference
 * @arg: struct zc_dma_segments, checked
 *
 * Returns: 0 or a negative errno as documented there. Sleeps.
 */
int zc_dma_segments(struct zc_buffer *buf, struct zc_dma_segments *arg)
{
	int ret = zc_dma_lock(buf);

	if (ret)
		return ret;
	ret = zc_dma_segments_locked(buf, arg);
	zc_dma_unlock(buf);
	return ret;
}

static void zc_mapped_sync(const struct zc_mapped *map, u64 offset, u64 len, bool end)
{
	struct device *dev = map->target->dev;
	u64 pos = 0, from, to;
	unsigned long i;

	for (i = 0; i < map->nr && pos < offset + len; i++) {
		const struct zc_piece *piece = &map->pieces[i];

		from = max(pos, offset);
		to = min(pos + piece->len, offset + len);
		if (from < to && end)
			dma_sync_single_for_device(dev, piece->addr + (from - pos), to - from,
						   map->dir);
		else if (from < to)
			dma_sync_single_for_cpu(dev, piece->addr + (from - pos), to - from,
						map->dir);
		pos += piece->len;
		cond_resched();
	}
}

/**
 * zc_dma_sync - begin or end the processor's use of a buffer
 * @buf:    buffer, of which the caller has a reference
 * @offset: first byte
 * @len:    bytes, not beyond its end
 * @end:    it is the devices' from here on; else the processor's
 *
 * Returns: 0 or -EINTR (killed). Sleeps.
 */
int zc_dma_sync(struct zc_buffer *buf, u64 offset, u64 len, bool end)
{
	const struct zc_mapped *map;
	int ret = zc_dma_lock(buf);

	if (ret)
		return ret;
	list_for_each_entry(map, &buf->targets, of_buffer)
		zc_mapped_sync(map, offset, len, end);
	zc_dma_unlock(buf);
	return 0;
}
