// SPDX-License-Identifier: GPL-2.0-only
/*
 * One buffer: memory made of 2 MiB blocks, named by a handle in its file, kept
 * by the handle and by each mapping.
 */
#include <linux/delay.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "zc.h"

static atomic_t zc_buffers = ATOMIC_INIT(0);

/* Highest index of zc_file::buffers, in units of 2 MiB. */
#define ZC_INDEX_MAX	(ZC_OFFSET_SPAN / ZC_HUGE_SIZE - 1)

static void zc_block_free(struct zc_block *block)
{
	unsigned long i;

	if (block->huge)
		zc_pool_put_used(block->huge);
	if (!block->small)
		return;
	for (i = 0; i < ZC_HUGE_PAGES && block->small[i]; i++)
		zc_pool_put(block->small[i]);
	kvfree(block->small);
}

/* What is there so far is freed by zc_block_free(). */
static int zc_block_fill_small(struct zc_block *block, int nid, gfp_t gfp)
{
	unsigned long i;

	block->small = kvcalloc(ZC_HUGE_PAGES, sizeof(*block->small),
				GFP_KERNEL_ACCOUNT);
	if (!block->small)
		return -ENOMEM;
	for (i = 0; i < ZC_HUGE_PAGES; i++) {
		block->small[i] = zc_pool_get(nid, 0, gfp);
		if (!block->small[i])
			return -ENOMEM;
	}
	return 0;
}

static int zc_block_fill(struct zc_block *block, u32 flags, int nid)
{
	gfp_t gfp = __GFP_ZERO;

	if (flags & ZC_BUF_NODE_STRICT)
		gfp |= __GFP_THISNODE;
	block->huge = zc_pool_get(nid, ZC_HUGE_ORDER, gfp);
	if (block->huge)
		return 0;
	if (!(flags & ZC_BUF_SMALL_OK))
		return -ENOMEM;
	return zc_block_fill_small(block, nid, gfp);
}

static void zc_buffer_free(struct zc_buffer *buf)
{
	unsigned long i;

	if (!buf)
		return;
	for (i = 0; i < buf->nr_blocks; i++) {
		zc_block_free(&buf->blocks[i]);
		cond_resched();
	}
	kvfree(buf->blocks);
	kfree(buf);
	atomic_dec(&zc_buffers);
}

static int zc_buffer_fill(struct zc_buffer *buf)
{
	unsigned long nr = buf->size / ZC_HUGE_SIZE;
	int nid = buf->node;
	int ret;

	while (buf->nr_blocks < nr) {
		struct zc_block *block = &buf->blocks[buf->nr_blocks++];

		if (fatal_signal_pending(current))
			return -EINTR;
		ret = zc_block_fill(block, buf->flags, nid);
		if (ret)
			return ret;
		if (block->huge)
			buf->huge_bytes += ZC_HUGE_SIZE;
		cond_resched();
	}
	buf->node = page_to_nid(zc_buffer_page(buf, 0));
	return 0;
}

/**
 * zc_buffer_new - make a buffer
 * @size:  bytes, 1 to ZC_BUFFER_SIZE_MAX, rounded up to a multiple of 2 MiB
 * @flags: ZC_BUF_* flags, checked
 * @nid:   NUMA node that passed zc_pool_node_check()
 *
 * Returns: the buffer with one reference and no handle, or ERR_PTR of -ENOMEM or
 * -EINTR (killed). May sleep.
 */
struct zc_buffer *zc_buffer_new(u64 size, u32 flags, int nid)
{
	struct zc_buffer *buf;
	int ret;

	size = round_up(size, (u64)ZC_HUGE_SIZE);
	if (size > zc_pool_limit())
		return ERR_PTR(-ENOMEM);
	buf = kzalloc(sizeof(*buf), GFP_KERNEL_ACCOUNT);
	if (!buf)
		return ERR_PTR(-ENOMEM);
	atomic_inc(&zc_buffers);
	kref_init(&buf->ref);
	buf->size = size;
	buf->flags = flags;
	buf->node = nid;
	buf->blocks = kvcalloc(size / ZC_HUGE_SIZE, sizeof(*buf->blocks),
			       GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	ret = buf->blocks ? zc_buffer_fill(buf) : -ENOMEM;
	if (ret) {
		zc_buffer_free(buf);
		return ERR_PTR(ret);
	}
	return buf;
}

/**
 * zc_buffer_get - take a reference
 * @buf: a buffer that the caller holds a reference on. Any context.
 */
void zc_buffer_get(struct zc_buffer *buf)
{
	kref_get(&buf->ref);
}

static void zc_buffer_release(struct kref *ref)
{
	zc_buffer_free(container_of(ref, struct zc_buffer, ref));
}

/**
 * zc_buffer_put - drop a reference; the last one frees the buffer
 * @buf: buffer. May sleep.
 */
void zc_buffer_put(struct zc_buffer *buf)
{
	kref_put(&buf->ref, zc_buffer_release);
}

/* Caller holds zf->lock, the only one under which the tree changes. */
static int zc_buffer_insert_locked(struct zc_file *zf, struct zc_buffer *buf)
{
	MA_STATE(mas, &zf->buffers, 0, 0);
	int ret;

	lockdep_assert_held(&zf->lock);
	if (zf->nr_buffers == ZC_FILE_BUFFERS_MAX)
		return -EMFILE;
	/* Not mtree_alloc_range(), which 6.1 gets wrong for an empty tree. */
	mas_lock(&mas);
	if (mas_empty_area(&mas, 1, ZC_INDEX_MAX, buf->nr_blocks)) {
		ret = -EMFILE;
		goto out;
	}
	buf->handle = mas.index;
	mas_set_range(&mas, buf->handle, buf->handle + buf->nr_blocks - 1);
	ret = mas_store_gfp(&mas, buf, GFP_KERNEL_ACCOUNT);
	if (!ret)
		zf->nr_buffers++;
out:
	mas_unlock(&mas);
	return ret;
}

/**
 * zc_buffer_publish - give a buffer a handle
 * @zf:  file
 * @buf: a whole buffer. From here on the file owns the caller's reference, and
 *       others find the buffer
 *
 * Returns: 0; -EMFILE (no handle or no offsets left) or -ENOMEM, and the caller
 * still owns the reference.
 */
int zc_buffer_publish(struct zc_file *zf, struct zc_buffer *buf)
{
	int ret;

	mutex_lock(&zf->lock);
	ret = zc_buffer_insert_locked(zf, buf);
	mutex_unlock(&zf->lock);
	return ret;
}

/**
 * zc_buffer_find_at - find the buffer at an mmap offset
 * @zf:     file
 * @offset: bytes
 *
 * Returns: the buffer with a reference for the caller, or NULL.
 */
struct zc_buffer *zc_buffer_find_at(struct zc_file *zf, u64 offset)
{
	struct zc_buffer *buf;

	if (offset >= ZC_OFFSET_SPAN)
		return NULL;
	mutex_lock(&zf->lock);
	buf = mtree_load(&zf->buffers, offset / ZC_HUGE_SIZE);
	if (buf)
		zc_buffer_get(buf);
	mutex_unlock(&zf->lock);
	return buf;
}

/**
 * zc_buffer_find - find a buffer by its handle
 * @zf:     file
 * @handle: handle
 *
 * Returns: the buffer with a reference for the caller, or NULL.
 */
struct zc_buffer *zc_buffer_find(struct zc_file *zf, u32 handle)
{
	struct zc_buffer *buf = zc_buffer_find_at(zf, (u64)handle * ZC_HUGE_SIZE);

	if (buf && buf->handle != handle) {
		zc_buffer_put(buf);
		return NULL;
	}
	return buf;
}

/**
 * zc_buffer_sealed - is a buffer immutable?
 * @buf: buffer
 *
 * Returns: true if it is; then it stays so. Any context.
 */
bool zc_buffer_sealed(const struct zc_buffer *buf)
{
	/* Pairs with zc_buffer_seal(): who sees it sees the bytes as they stay. */
	return smp_load_acquire(&buf->sealed);
}

static bool zc_block_idle(const struct zc_block *block)
{
	unsigned long i;

	if (block->huge)
		return zc_folio_idle(block->huge);
	for (i = 0; i < ZC_HUGE_PAGES; i++)
		if (!zc_folio_idle(block->small[i]))
			return false;
	return true;
}

static bool zc_buffer_idle(const struct zc_buffer *buf)
{
	unsigned long i;

	for (i = 0; i < buf->nr_blocks; i++) {
		if (!zc_block_idle(&buf->blocks[i]))
			return false;
		cond_resched();
	}
	return true;
}

/*
 * Read-only mappings that fault, compaction, and a direct read that has just ended
 * hold pages for a moment. In all they are given 200 ms.
 */
#define ZC_SEAL_TRIES	12

/**
 * zc_buffer_seal - make a buffer immutable
 * @zf:  its file
 * @buf: buffer
 *
 * No new writers come once @writers is negative. Those that are gone may have left
 * some behind, a direct read under way for one. Such reads do not always count as
 * pins (on 6.1 none does), so any reference will do: the mappings are emptied, to be
 * filled again by faults, and each folio must be seen without one.
 *
 * Returns: 0; -EBUSY if there are writable mappings, or somebody else holds pages: by
 * a direct read, vmsplice(), or a send that has not ended. Sleeps.
 */
int zc_buffer_seal(struct zc_file *zf, struct zc_buffer *buf)
{
	int old = atomic_cmpxchg(&buf->writers, 0, INT_MIN);
	unsigned int tries;

	if (old)
		return zc_buffer_sealed(buf) ? 0 : -EBUSY;
	for (tries = 0; tries < ZC_SEAL_TRIES; tries++) {
		unmap_mapping_range(zf->inode->i_mapping, zc_buffer_offset(buf),
				    buf->size, 0);
		if (zc_buffer_idle(buf)) {
			/* Pairs with zc_buffer_sealed(). */
			smp_store_release(&buf->sealed, true);
			return 0;
		}
		if (fatal_signal_pending(current))
			break;
		fsleep(50UL << tries);
	}
	atomic_set(&buf->writers, 0);
	return -EBUSY;
}

/**
 * zc_buffer_remove - take a buffer's handle away and drop its reference
 * @zf:     file
 * @handle: handle
 *
 * Returns: 0; -ENOENT, or -ENOMEM and the handle stays.
 */
int zc_buffer_remove(struct zc_file *zf, u32 handle)
{
	struct zc_buffer *buf;
	int ret = -ENOENT;

	mutex_lock(&zf->lock);
	buf = mtree_load(&zf->buffers, handle);
	if (buf && buf->handle == handle) {
		mtree_erase(&zf->buffers, handle);
		/* It wants memory, and does not say when it got none. */
		ret = mtree_load(&zf->buffers, handle) ? -ENOMEM : 0;
		if (!ret)
			zf->nr_buffers--;
	}
	mutex_unlock(&zf->lock);
	if (!ret)
		zc_buffer_put(buf);
	return ret;
}

/**
 * zc_buffer_remove_all - take all handles of a file away
 * @zf: file that nobody else uses any more
 */
void zc_buffer_remove_all(struct zc_file *zf)
{
	struct zc_buffer *buf;
	unsigned long index = 0;

	mt_for_each(&zf->buffers, buf, index, ULONG_MAX)
		zc_buffer_put(buf);
	mtree_destroy(&zf->buffers);
	zf->nr_buffers = 0;
}

/**
 * zc_buffer_page - find a page of a buffer
 * @buf:   buffer
 * @index: page number in it
 *
 * Returns: the page, without a reference, or NULL past the end. Any context.
 */
struct page *zc_buffer_page(const struct zc_buffer *buf, pgoff_t index)
{
	unsigned long nr = index >> ZC_HUGE_ORDER;
	unsigned long sub = index & (ZC_HUGE_PAGES - 1);
	const struct zc_block *block;

	if (nr >= buf->nr_blocks)
		return NULL;
	block = &buf->blocks[nr];
	if (block->huge)
		return folio_page(block->huge, sub);
	return folio_page(block->small[sub], 0);
}

/**
 * zc_buffer_offset - mmap offset of a buffer that has a handle
 * @buf: buffer
 *
 * Returns: bytes.
 */
u64 zc_buffer_offset(const struct zc_buffer *buf)
{
	return (u64)buf->handle * ZC_HUGE_SIZE;
}

/**
 * zc_buffer_page_size - smallest page size in a buffer
 * @buf: buffer
 *
 * Returns: bytes.
 */
u32 zc_buffer_page_size(const struct zc_buffer *buf)
{
	return buf->huge_bytes == buf->size ? ZC_HUGE_SIZE : PAGE_SIZE;
}

/**
 * zc_buffer_count - buffers alive
 *
 * Returns: their number, those without a handle included.
 */
unsigned int zc_buffer_count(void)
{
	return atomic_read(&zc_buffers);
}
