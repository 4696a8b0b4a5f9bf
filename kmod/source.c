// SPDX-License-Identifier: GPL-2.0-only
/*
 * File -> folios: direct reads where the file can do them, several at a time;
 * else reads through the page cache.
 */
#include <linux/blkdev.h>
#include <linux/fsnotify.h>
#include <linux/magic.h>
#include <linux/rcupdate.h>
#include <linux/stat.h>
#include <linux/uio.h>

#include "compat.h"
#include "trace.h"
#include "zc.h"

/* Direct reads that need a coarser alignment are not worth their padding. */
#define ZC_ALIGN_MAX	SZ_64K

static unsigned int zc_source_stat_align(struct file *file)
{
	struct kstat stat;

	if (vfs_getattr(&file->f_path, &stat, STATX_DIOALIGN,
			AT_STATX_DONT_SYNC))
		return 0;
	/* Many filesystems do direct reads without saying how. */
	if (!(stat.result_mask & STATX_DIOALIGN))
		return PAGE_SIZE;
	return stat.dio_offset_align;
}

/*
 * Alignment of direct reads, at least a page so that the memory is aligned as
 * well; 0 where there are none.
 */
static unsigned int zc_source_align(struct file *file, struct inode *host)
{
	unsigned int align;

	if (!(file->f_mode & FMODE_CAN_ODIRECT))
		return 0;
	/* DAX copies by the CPU; tmpfs takes O_DIRECT without a meaning. */
	if (IS_DAX(host) || host->i_sb->s_magic == TMPFS_MAGIC)
		return 0;
	if (S_ISBLK(host->i_mode))
		align = bdev_logical_block_size(I_BDEV(host));
	else
		align = zc_source_stat_align(file);
	if (!align || align > ZC_ALIGN_MAX || !is_power_of_2(align))
		return 0;
	return max_t(unsigned int, align, PAGE_SIZE);
}

/**
 * zc_source_no_direct - do without direct reads
 * @src: source without reads under way
 */
void zc_source_no_direct(struct zc_source *src)
{
	src->align = 0;
	/* tmpfs has none, as its folios have nowhere to be read from. */
	src->fill = src->cache && src->file->f_mapping->a_ops->read_folio;
}

/**
 * zc_source_close - let the file go
 * @src: source without reads under way
 */
void zc_source_close(struct zc_source *src)
{
	if (src->ref)
		fput(src->file);
}

/*
 * Does what it says depend on who reads it? procfs and kernfs (sysfs, cgroups) tell of his
 * namespaces, and a worker has others. The flag is on filesystems of the kernel's own alone;
 * overlayfs may lie above kernfs.
 */
static bool zc_source_is_personal(const struct file *file)
{
	return d_real_inode(file->f_path.dentry)->i_sb->s_iflags & SB_I_NOEXEC;
}

static int zc_source_check(const struct file *file, u32 flags)
{
	const struct inode *inode = file_inode(file);

	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	if ((!S_ISREG(inode->i_mode) && !S_ISBLK(inode->i_mode)) || !file->f_op->read_iter)
		return -EINVAL;
	return (flags & ZC_SEND_ASYNC) && zc_source_is_personal(file) ? -EOPNOTSUPP : 0;
}

/**
 * zc_source_open - take a file to read from
 * @src:   filled in; to be closed by zc_source_close()
 * @fd:    descriptor from the user
 * @flags: ZC_SEND_* flags
 *
 * Returns: 0, and zc_source_settle() comes before the first read; -EBADF (not open,
 * or not for reading), -EINVAL (neither regular file nor block device), -EOPNOTSUPP
 * (ZC_SEND_ASYNC, and what it says depends on who reads it).
 */
int zc_source_open(struct zc_source *src, int fd, u32 flags)
{
	struct file *file = zc_file_get(fd, flags & ZC_SEND_ASYNC, &src->ref);
	int ret;

	if (!file)
		return -EBADF;
	src->file = file;
	ret = zc_source_check(file, flags);
	if (ret) {
		zc_source_close(src);
		return ret;
	}
	src->host = file->f_mapping->host;
	src->flags = flags;
	src->waker = NULL;
	src->unsure = !zc_cache_usable(file);
	src->cache = !(flags & ZC_SEND_DIRECT) && !src->unsure;
	src->settled = false;
	src->fill = false;
	src->align = 0;
	src->taken = U64_MAX;
	return 0;
}

/**
 * zc_source_settle - find out how the file is read
 * @src: source
 *
 * To ask the filesystem costs as much as to send a small file from the page cache, so
 * that comes first. Does nothing the second time.
 *
 * Returns: 0; -EOPNOTSUPP (ZC_SEND_DIRECT and no direct reads).
 */
int zc_source_settle(struct zc_source *src)
{
	if (src->settled)
		return 0;
	src->settled = true;
	if (!(src->flags & ZC_SEND_CACHED))
		src->align = zc_source_align(src->file, src->host);
	if (!src->align)
		zc_source_no_direct(src);
	return (src->flags & ZC_SEND_DIRECT) && !src->align ? -EOPNOTSUPP : 0;
}

/**
 * zc_source_end - where reads must end
 * @src: source
 * @end: file offset at which the transfer ends
 *
 * Returns: @end, or the present end of the file if that comes first. Other files
 * know their end when they are read: for some (procfs) the size says nothing.
 */
u64 zc_source_end(const struct zc_source *src, u64 end)
{
	if (!src->align && !src->cache)
		return end;
	return min_t(u64, end, i_size_read(src->host));
}

/**
 * zc_source_error - what others say of a read is not to be taken for what a step of ours says
 * @err: a filesystem, the program behind FUSE, a security module or a fanotify listener says it
 *
 * Returns: what becomes of it. Any context.
 */
int zc_source_error(long err)
{
	return err == -EAGAIN || err == -EINPROGRESS || err == -EIOCBQUEUED ? -EIO : err;
}

/**
 * zc_source_refresh - have the size right of a file that ends before it was expected to
 * @src: source
 *
 * What this host last knew of a file of a network or of FUSE may be old: read(2) asks
 * before it says that this is the end.
 *
 * Returns: 0 or a negative errno, as stat(2) would give. Sleeps, until the server has
 * answered.
 */
int zc_source_refresh(struct zc_source *src)
{
	struct kstat stat;

	if (!src->unsure)
		return 0;
	return zc_source_error(vfs_getattr(&src->file->f_path, &stat, STATX_SIZE,
					   AT_STATX_SYNC_AS_STAT));
}

/* May be called in interrupt context. */
static void zc_source_complete(struct kiocb *iocb, long ret)
{
	struct zc_chunk *chunk = container_of(iocb, struct zc_chunk, iocb);
	struct zc_waker *waker = chunk->waker;

	trace_zc_transfer_read_done(chunk, ret);
	/* The chunk may be gone once it is complete; wakers last as long as RCU. */
	rcu_read_lock();
	chunk->result = ret;
	complete_all(&chunk->done);
	if (waker)
		waker->wake(waker);
	rcu_read_unlock();
}

/*
 * What is compressed, or lies in the tree, btrfs reads through the page cache, and does not say so
 * (btrfs_file_read_iter()).
 */
static bool zc_source_tells(const struct zc_source *src)
{
	return file_inode(src->file)->i_sb->s_magic != BTRFS_SUPER_MAGIC;
}

static void zc_source_read_direct(struct zc_source *src, struct zc_chunk *chunk,
				  struct iov_iter *iter)
{
	bool tells = zc_source_tells(src);
	u64 pos = chunk->iocb.ki_pos;
	ssize_t ret;

	chunk->iocb.ki_flags |= IOCB_DIRECT;
	/* Into the cache nothing is read then, -EAGAIN it is. */
	if (!tells)
		chunk->iocb.ki_flags |= IOCB_NOIO;
	chunk->iocb.ki_complete = zc_source_complete;
	ret = vfs_iocb_iter_read(src->file, &chunk->iocb, iter);
	chunk->queued = ret == -EIOCBQUEUED;
	if (chunk->queued)
		return;
	if (!tells && ret == -EAGAIN)
		ret = -EOPNOTSUPP;
	/* Filesystems that fall back to the page cache clear the flag; of btrfs it may be. */
	chunk->cached = !(chunk->iocb.ki_flags & IOCB_DIRECT) ||
			(!tells && filemap_range_has_page(src->file->f_mapping, pos, pos));
	zc_source_complete(&chunk->iocb, ret);
}

/**
 * zc_source_read - start a read
 * @src:   source
 * @chunk: @pos, @skip, @len and @span are set; must stay where it is until
 *         zc_source_wait() has returned
 *
 * A direct read is under way on return; one through the page cache is over.
 */
void zc_source_read(struct zc_source *src, struct zc_chunk *chunk)
{
	struct folio *folio = chunk->span.slot->folio;
	size_t bytes = src->align ? chunk->span.len : chunk->len;
	struct iov_iter iter;

	init_completion(&chunk->done);
	init_sync_kiocb(&chunk->iocb, src->file);
	chunk->iocb.ki_pos = chunk->pos - chunk->skip;
	chunk->cached = !src->align;
	chunk->waker = src->waker;
	chunk->queued = false;
	chunk->bv.bv_page = folio_page(folio, 0);
	chunk->bv.bv_offset = chunk->span.off;
	chunk->bv.bv_len = bytes;
	iov_iter_bvec(&iter, ITER_DEST, &chunk->bv, 1, bytes);
	trace_zc_transfer_read(chunk, bytes, src->align);
	if (src->align) {
		zc_source_read_direct(src, chunk, &iter);
		return;
	}
	chunk->iocb.ki_flags &= ~IOCB_DIRECT;	/* the file may have O_DIRECT */
	zc_source_complete(&chunk->iocb,
			   vfs_iocb_iter_read(src->file, &chunk->iocb, &iter));
}

/**
 * zc_source_ready - is the read of a chunk over?
 * @chunk: chunk
 *
 * Returns: true if it is, or the chunk needs none.
 */
bool zc_source_ready(struct zc_chunk *chunk)
{
	return chunk->shared || completion_done(&chunk->done);
}

/**
 * zc_source_wait - wait for a read to end
 * @chunk: chunk
 *
 * Not interruptible: the device has the memory until it answers.
 *
 * Returns: how many of the bytes wanted are there, 0 at the end of the file, or a
 * negative errno.
 */
ssize_t zc_source_wait(struct zc_chunk *chunk)
{
	if (chunk->shared)
		return chunk->len;
	wait_for_completion_io(&chunk->done);
	if (chunk->result < 0)
		return zc_source_error(chunk->result);
	/* Where it waits, vfs_iocb_iter_read() does so. */
	if (chunk->queued)
		fsnotify_access(chunk->iocb.ki_filp);
	chunk->queued = false;
	if (chunk->result <= chunk->skip)
		return 0;
	return min_t(size_t, chunk->result - chunk->skip, chunk->len);
}
