// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls for targets and what is mapped for them: checks of their arguments, and who
 * may.
 */
#include <linux/capability.h>
#include <linux/string.h>

#include "dma.h"
#include "ioctl.h"
#include "zc.h"

/* Fewer address less than a page. */
#define ZC_DMA_BITS_MIN		12
#define ZC_DMA_BITS_MAX		64

#define ZC_DMA_FLAGS		(ZC_DMA_TO_DEVICE | ZC_DMA_FROM_DEVICE | ZC_DMA_BOUNCE)

/**
 * zc_ioctl_dma_query - ZC_IOC_DMA_QUERY
 * @zf:   file
 * @data: struct zc_dma_query, of which nothing is checked yet
 *
 * Returns: 0 or a negative errno as documented there. Sleeps.
 */
int zc_ioctl_dma_query(struct zc_file *zf, void *data)
{
	struct zc_dma_query *arg = data;

	if (arg->flags || zc_any_set(arg->__resv, ARRAY_SIZE(arg->__resv)))
		return -EINVAL;
	return zc_target_query(arg);
}

/**
 * zc_ioctl_dma_attach - ZC_IOC_DMA_ATTACH
 * @zf:   file
 * @data: struct zc_dma_attach, of which nothing is checked yet
 *
 * Returns: 0 or a negative errno as documented there. Sleeps.
 */
int zc_ioctl_dma_attach(struct zc_file *zf, void *data)
{
	struct zc_dma_attach *arg = data;
	size_t len;

	if (arg->flags || arg->__pad || zc_any_set(arg->__resv, ARRAY_SIZE(arg->__resv)) ||
	    arg->name[ZC_DMA_NAME_MAX - 1])
		return -EINVAL;
	len = strlen(arg->name);
	if (memchr_inv(arg->name + len, 0, ZC_DMA_NAME_MAX - len))
		return -EINVAL;
	if (arg->bits && (arg->bits < ZC_DMA_BITS_MIN || arg->bits > ZC_DMA_BITS_MAX))
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	return zc_target_attach(arg);
}

/**
 * zc_undo_dma_attach - take ZC_IOC_DMA_ATTACH back
 * @zf:   file
 * @data: struct zc_dma_attach, as zc_ioctl_dma_attach() left it
 */
void zc_undo_dma_attach(struct zc_file *zf, void *data)
{
	const struct zc_dma_attach *arg = data;

	zc_target_detach(arg->target);
}

/**
 * zc_ioctl_dma_detach - ZC_IOC_DMA_DETACH
 * @zf:   file
 * @data: struct zc_dma_detach, of which nothing is checked yet
 *
 * Returns: 0 or a negative errno as documented there. Sleeps.
 */
int zc_ioctl_dma_detach(struct zc_file *zf, void *data)
{
	const struct zc_dma_detach *arg = data;

	if (arg->flags || zc_any_set(arg->__resv, ARRAY_SIZE(arg->__resv)) ||
	    arg->target == ZC_DMA_OWN)
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	return zc_target_detach(arg->target);
}

static int zc_dma_map_check(const struct zc_file *zf, const struct zc_dma_map *arg)
{
	if (arg->flags & ~ZC_DMA_FLAGS || zc_any_set(arg->__resv, ARRAY_SIZE(arg->__resv)) ||
	    !(arg->flags & (ZC_DMA_TO_DEVICE | ZC_DMA_FROM_DEVICE)))
		return -EINVAL;
	if (arg->flags & ZC_DMA_FROM_DEVICE && !zf->writable)
		return -EACCES;
	if (arg->flags & ZC_DMA_BOUNCE && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	return 0;
}

/**
 * zc_ioctl_dma_map - ZC_IOC_DMA_MAP
 * @zf:   file
 * @data: struct zc_dma_map, of which nothing is checked yet
 *
 * Returns: 0 or a negative errno as documented there. Sleeps.
 */
int zc_ioctl_dma_map(struct zc_file *zf, void *data)
{
	struct zc_dma_map *arg = data;
	struct zc_buffer *buf;
	int ret = zc_dma_map_check(zf, arg);

	if (ret)
		return ret;
	buf = zc_buffer_find(zf, arg->handle);
	if (!buf)
		return -ENOENT;
	ret = zc_dma_map(zf, buf, arg);
	zc_buffer_put(buf);
	return ret;
}

static int zc_dma_unmap_handle(struct zc_file *zf, u32 handle, u32 target)
{
	struct zc_buffer *buf = zc_buffer_find(zf, handle);
	int ret;

	if (!buf)
		return -ENOENT;
	ret = zc_dma_unmap(buf, target);
	zc_buffer_put(buf);
	return ret;
}

/**
 * zc_undo_dma_map - take ZC_IOC_DMA_MAP back
 * @zf:   file
 * @data: struct zc_dma_map, as zc_ioctl_dma_map() left it
 */
void zc_undo_dma_map(struct zc_file *zf, void *data)
{
	const struct zc_dma_map *arg = data;

	zc_dma_unmap_handle(zf, arg->handle, arg->target);
}

/**
 * zc_ioctl_dma_unmap - ZC_IOC_DMA_UNMAP
 * @zf:   file
 * @data: struct zc_dma_unmap, of which nothing is checked yet
 *
 * Returns: 0 or a negative errno as documented there. Sleeps.
 */
int zc_ioctl_dma_unmap(struct zc_file *zf, void *data)
{
	const struct zc_dma_unmap *arg = data;

	if (arg->flags || arg->__pad || zc_any_set(arg->__resv, ARRAY_SIZE(arg->__resv)))
		return -EINVAL;
	return zc_dma_unmap_handle(zf, arg->handle, arg->target);
}

/**
 * zc_ioctl_dma_segments - ZC_IOC_DMA_SEGMENTS
 * @zf:   file
 * @data: struct zc_dma_segments, of which nothing is checked yet
 *
 * Returns: 0 or a negative errno as documented there. Sleeps.
 */
int zc_ioctl_dma_segments(struct zc_file *zf, void *data)
{
	struct zc_dma_segments *arg = data;
	struct zc_buffer *buf;
	int ret;

	if (arg->flags || zc_any_set(arg->__resv, ARRAY_SIZE(arg->__resv)))
		return -EINVAL;
	buf = zc_buffer_find(zf, arg->handle);
	if (!buf)
		return -ENOENT;
	ret = zc_dma_segments(buf, arg);
	zc_buffer_put(buf);
	return ret;
}

static int zc_dma_measure_check(const struct zc_dma_measure *arg)
{
	bool buffer = arg->kind == ZC_MEASURE_BUFFER;

	if (arg->flags || zc_any_set(arg->__resv, ARRAY_SIZE(arg->__resv)) ||
	    arg->kind > ZC_MEASURE_BUFFER || buffer == !arg->handle)
		return -EINVAL;
	if (buffer ? arg->size : !arg->size || arg->size > ZC_MEASURE_MAX ||
	    !IS_ALIGNED(arg->size, PAGE_SIZE))
		return -EINVAL;
	return capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

/**
 * zc_ioctl_dma_measure - ZC_IOC_DMA_MEASURE
 * @zf:   file
 * @data: struct zc_dma_measure, of which nothing is checked yet
 *
 * Returns: 0 or a negative errno as documented there. Sleeps.
 */
int zc_ioctl_dma_measure(struct zc_file *zf, void *data)
{
	struct zc_dma_measure *arg = data;
	struct zc_buffer *buf;
	int ret;

	ret = zc_dma_measure_check(arg);
	if (ret)
		return ret;
	if (arg->kind != ZC_MEASURE_BUFFER)
		return zc_dma_measure(NULL, arg);
	buf = zc_buffer_find(zf, arg->handle);
	if (!buf)
		return -ENOENT;
	ret = zc_dma_measure(buf, arg);
	zc_buffer_put(buf);
	return ret;
}
