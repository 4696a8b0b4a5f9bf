// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls for buffers: checks of their arguments, and their results.
 */
#include <linux/fdtable.h>
#include <linux/zc_netlink.h>

#include "compat.h"
#include "dma.h"
#include "dmabuf.h"
#include "import.h"
#include "ioctl.h"
#include "netlink.h"
#include "pool.h"
#include "stats.h"
#include "trace.h"
#include "zc.h"

#define ZC_SYNC_FLAGS		(ZC_SYNC_READ | ZC_SYNC_WRITE | ZC_SYNC_END)

static int zc_buf_create_check(const struct zc_buf_create *arg)
{
	if (arg->flags & ~ZC_BUF_FLAGS ||
	    zc_any_set(arg->__resv, ARRAY_SIZE(arg->__resv)))
		return -EINVAL;
	if (!arg->size || arg->size > ZC_BUFFER_SIZE_MAX)
		return -EINVAL;
	if (arg->node == ZC_NODE_ANY && (arg->flags & ZC_BUF_NODE_STRICT))
		return -EINVAL;
	return arg->node == ZC_NODE_ANY ? 0 : zc_pool_node_check(arg->node);
}

/* Count it by its cause. */
static void zc_buf_refused(int err)
{
	switch (err) {
	case -ENOSPC:
		zc_stat_inc(ZC_STAT_NO_LIMIT);
		zc_notify_limit();
		break;
	case -EPERM:
		zc_stat_inc(ZC_STAT_NO_MEMLOCK);
		break;
	case -EDQUOT:
		zc_stat_inc(ZC_STAT_NO_CGROUP);
		break;
	case -ENOMEM:
		zc_stat_inc(ZC_STAT_NO_MEMORY);
		break;
	case -EMFILE:
		zc_stat_inc(ZC_STAT_NO_HANDLE);
		break;
	}
}

/*
 * Name a new buffer, or count the error that came instead. Returns it, or the error.
 * Others may destroy it as soon as it has a name: the caller has a reference of his own.
 */
static struct zc_buffer *zc_buf_publish(struct zc_file *zf, struct zc_buffer *buf)
{
	int ret;

	if (IS_ERR(buf)) {
		zc_buf_refused(PTR_ERR(buf));
		return buf;
	}
	zc_buffer_get(buf);
	ret = zc_buffer_publish(zf, buf);
	if (!ret) {
		zc_stat_inc(ZC_STAT_MADE);
		zc_notify_look();
		if (zc_notify_wanted())
			zc_registry_tell(buf, ZC_CMD_BUFFER_MADE_NTF);
		return buf;
	}
	zc_buffer_put(buf);
	zc_buffer_put(buf);
	zc_buf_refused(ret);
	return ERR_PTR(ret);
}

static void zc_buf_describe(struct zc_buf_create *arg, const struct zc_buffer *buf)
{
	arg->size = buf->mem.size;
	arg->node = buf->node;
	arg->handle = buf->handle;
	arg->page_size = zc_buffer_page_size(buf);
	arg->mmap_offset = zc_buffer_offset(buf);
	arg->huge_bytes = buf->mem.huge_bytes;
}

/**
 * zc_ioctl_buf_create - ZC_IOC_BUF_CREATE
 * @zf:   file
 * @data: struct zc_buf_create, of which nothing is checked yet
 *
 * Returns: 0 or a negative errno as documented there. Sleeps.
 */
int zc_ioctl_buf_create(struct zc_file *zf, void *data)
{
	struct zc_buf_create *arg = data;
	struct zc_buffer *buf;
	int ret;

	static_assert(ZC_NODE_ANY == NUMA_NO_NODE);
	ret = zc_buf_create_check(arg);
	if (ret)
		return ret;
	buf = zc_buffer_again(zf, arg->size, arg->flags, arg->node);
	if (buf) {
		zc_buf_describe(arg, buf);
		trace_zc_buffer_create(buf, true);
		zc_buffer_revive(buf);
		zc_stat_inc(ZC_STAT_AGAIN);
		return 0;
	}
	buf = zc_buf_publish(zf, zc_buffer_new(zf, arg->size, arg->flags, arg->node));
	if (IS_ERR(buf))
		return PTR_ERR(buf);
	zc_buf_describe(arg, buf);
	zc_buffer_put(buf);
	return 0;
}

/**
 * zc_undo_buf_create - take ZC_IOC_BUF_CREATE back
 * @zf:   file
 * @data: struct zc_buf_create, as zc_ioctl_buf_create() left it
 */
void zc_undo_buf_create(struct zc_file *zf, void *data)
{
	const struct zc_buf_create *arg = data;

	zc_buffer_remove(zf, arg->handle);
}

/**
 * zc_ioctl_buf_import - ZC_IOC_BUF_IMPORT
 * @zf:   file
 * @data: struct zc_buf_import, of which nothing is checked yet
 *
 * Returns: 0 or a negative errno as documented there. Sleeps.
 */
int zc_ioctl_buf_import(struct zc_file *zf, void *data)
{
	struct zc_buf_import *arg = data;
	struct zc_buffer *buf;

	if (arg->flags || arg->__pad || arg->size > ZC_BUFFER_SIZE_MAX ||
	    zc_any_set(arg->__resv, ARRAY_SIZE(arg->__resv)))
		return -EINVAL;
	buf = zc_buf_publish(zf, zc_buffer_import(zf, arg->fd, arg->offset, arg->size));
	if (IS_ERR(buf))
		return PTR_ERR(buf);
	arg->size = buf->mem.size;
	arg->handle = buf->handle;
	arg->page_size = zc_buffer_page_size(buf);
	arg->mmap_offset = zc_buffer_offset(buf);
	arg->huge_bytes = buf->mem.huge_bytes;
	arg->node = buf->node;
	trace_zc_buffer_import(buf);
	zc_buffer_put(buf);
	return 0;
}

/**
 * zc_undo_buf_import - take ZC_IOC_BUF_IMPORT back
 * @zf:   file
 * @data: struct zc_buf_import, as zc_ioctl_buf_import() left it
 */
void zc_undo_buf_import(struct zc_file *zf, void *data)
{
	const struct zc_buf_import *arg = data;

	zc_buffer_remove(zf, arg->handle);
}

/**
 * zc_ioctl_buf_query - ZC_IOC_BUF_QUERY
 * @zf:   file
 * @data: struct zc_buf_query, of which nothing is checked yet
 *
 * Returns: 0 or a negative errno as documented there. Sleeps.
 */
int zc_ioctl_buf_query(struct zc_file *zf, void *data)
{
	struct zc_buf_query *arg = data;
	struct zc_buffer *buf;

	if (arg->__pad || zc_any_set(arg->__resv, ARRAY_SIZE(arg->__resv)))
		return -EINVAL;
	buf = zc_buffer_find(zf, arg->handle);
	if (!buf)
		return -ENOENT;
	arg->flags = buf->flags;
	if (zc_buffer_sealed(buf))
		arg->flags |= ZC_BUF_SEALED;
	arg->size = buf->mem.size;
	arg->mmap_offset = zc_buffer_offset(buf);
	arg->huge_bytes = buf->mem.huge_bytes;
	arg->page_size = zc_buffer_page_size(buf);
	arg->node = buf->node;
	arg->mappings = atomic_read(&buf->mappings);
	zc_buffer_put(buf);
	return 0;
}

/**
 * zc_ioctl_buf_destroy - ZC_IOC_BUF_DESTROY
 * @zf:   file
 * @data: struct zc_buf_destroy, of which nothing is checked yet
 *
 * Returns: 0 or a negative errno as documented there. Sleeps.
 */
int zc_ioctl_buf_destroy(struct zc_file *zf, void *data)
{
	const struct zc_buf_destroy *arg = data;

	if (arg->flags || zc_any_set(arg->__resv, ARRAY_SIZE(arg->__resv)))
		return -EINVAL;
	return zc_buffer_remove(zf, arg->handle);
}

/**
 * zc_ioctl_buf_seal - ZC_IOC_BUF_SEAL
 * @zf:   file
 * @data: struct zc_buf_seal, of which nothing is checked yet
 *
 * Returns: 0 or a negative errno as documented there. Sleeps.
 */
int zc_ioctl_buf_seal(struct zc_file *zf, void *data)
{
	const struct zc_buf_seal *arg = data;
	struct zc_buffer *buf;
	int ret;

	if (arg->flags || zc_any_set(arg->__resv, ARRAY_SIZE(arg->__resv)))
		return -EINVAL;
	buf = zc_buffer_find(zf, arg->handle);
	if (!buf)
		return -ENOENT;
	ret = zc_buffer_seal(buf);
	trace_zc_buffer_seal(buf, ret);
	zc_buffer_put(buf);
	return ret;
}

/**
 * zc_ioctl_buf_info - ZC_IOC_BUF_INFO
 * @zf:   file that asks
 * @data: struct zc_buf_info, of which nothing is checked yet
 *
 * Returns: 0 or a negative errno as documented there. Sleeps.
 */
int zc_ioctl_buf_info(struct zc_file *zf, void *data)
{
	struct zc_buf_info *arg = data;

	if (arg->flags & ~ZC_INFO_HOLDERS ||
	    zc_any_set(arg->__resv, ARRAY_SIZE(arg->__resv)))
		return -EINVAL;
	return zc_registry_info(zf, arg);
}

/**
 * zc_ioctl_buf_share - ZC_IOC_BUF_SHARE
 * @zf:   file
 * @data: struct zc_buf_share, of which nothing is checked yet
 *
 * Returns: 0 or a negative errno as documented there. Sleeps.
 */
int zc_ioctl_buf_share(struct zc_file *zf, void *data)
{
	struct zc_buf_share *arg = data;
	struct zc_buffer *buf;
	int fd;

	if (arg->flags & ~ZC_SHARE_RDONLY || arg->__pad ||
	    zc_any_set(arg->__resv, ARRAY_SIZE(arg->__resv)))
		return -EINVAL;
	if (!zf->writable && !(arg->flags & ZC_SHARE_RDONLY))
		return -EACCES;
	buf = zc_buffer_find(zf, arg->handle);
	if (!buf)
		return -ENOENT;
	/* Who may write to it has all of the file. */
	if (buf->mem.import && !(arg->flags & ZC_SHARE_RDONLY))
		fd = -EOPNOTSUPP;
	else
		fd = zc_share_new(buf, arg->flags);
	if (fd >= 0)
		trace_zc_buffer_export(buf, fd, false, arg->flags & ZC_SHARE_RDONLY);
	zc_buffer_put(buf);
	arg->fd = fd;
	return min(fd, 0);
}

/**
 * zc_undo_buf_share - take ZC_IOC_BUF_SHARE back
 * @zf:   file
 * @data: struct zc_buf_share, as zc_ioctl_buf_share() left it
 */
void zc_undo_buf_share(struct zc_file *zf, void *data)
{
	const struct zc_buf_share *arg = data;

	close_fd(arg->fd);
}

/**
 * zc_ioctl_buf_export - ZC_IOC_BUF_EXPORT
 * @zf:   file
 * @data: struct zc_buf_export, of which nothing is checked yet
 *
 * Returns: 0 or a negative errno as documented there. Sleeps.
 */
int zc_ioctl_buf_export(struct zc_file *zf, void *data)
{
	struct zc_buf_export *arg = data;
	struct zc_buffer *buf;
	int fd;

	if (arg->flags & ~ZC_EXPORT_RDONLY || arg->__pad ||
	    zc_any_set(arg->__resv, ARRAY_SIZE(arg->__resv)))
		return -EINVAL;
	if (!zf->writable && !(arg->flags & ZC_EXPORT_RDONLY))
		return -EACCES;
	buf = zc_buffer_find(zf, arg->handle);
	if (!buf)
		return -ENOENT;
	if (buf->mem.import)
		fd = -EOPNOTSUPP;
	else
		fd = zc_dmabuf_new(buf, arg->flags & ZC_EXPORT_RDONLY);
	if (fd >= 0)
		trace_zc_buffer_export(buf, fd, true, arg->flags & ZC_EXPORT_RDONLY);
	zc_buffer_put(buf);
	arg->fd = fd;
	return min(fd, 0);
}

/**
 * zc_undo_buf_export - take ZC_IOC_BUF_EXPORT back
 * @zf:   file
 * @data: struct zc_buf_export, as zc_ioctl_buf_export() left it
 */
void zc_undo_buf_export(struct zc_file *zf, void *data)
{
	const struct zc_buf_export *arg = data;

	close_fd(arg->fd);
}

static int zc_buf_sync_range(const struct zc_buffer *buf, u64 offset, u64 *len)
{
	if (offset > buf->mem.size)
		return -EINVAL;
	if (!*len)
		*len = buf->mem.size - offset;
	return *len <= buf->mem.size - offset ? 0 : -EINVAL;
}

/**
 * zc_ioctl_buf_sync - ZC_IOC_BUF_SYNC
 * @zf:   file
 * @data: struct zc_buf_sync, of which nothing is checked yet
 *
 * Returns: 0 or a negative errno as documented there. Sleeps.
 */
int zc_ioctl_buf_sync(struct zc_file *zf, void *data)
{
	const struct zc_buf_sync *arg = data;
	struct zc_buffer *buf;
	u64 len = arg->len;
	int ret;

	if (arg->flags & ~ZC_SYNC_FLAGS || !(arg->flags & (ZC_SYNC_READ | ZC_SYNC_WRITE)) ||
	    zc_any_set(arg->__resv, ARRAY_SIZE(arg->__resv)))
		return -EINVAL;
	buf = zc_buffer_find(zf, arg->handle);
	if (!buf)
		return -ENOENT;
	ret = zc_buf_sync_range(buf, arg->offset, &len);
	if (!ret && buf->mem.import)
		ret = zc_import_sync(buf->mem.import, arg->flags);
	if (!ret)
		ret = zc_dma_sync(buf, arg->offset, len, arg->flags & ZC_SYNC_END);
	zc_buffer_put(buf);
	return ret;
}
