// SPDX-License-Identifier: GPL-2.0-only
/*
 * One buffer: memory, named by a handle in its file, kept by the handle and by each
 * mapping.
 */
#include <linux/delay.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>
#include <linux/zc_netlink.h>

#include "dma.h"
#include "import.h"
#include "netlink.h"
#include "pool.h"
#include "stats.h"
#include "trace.h"
#include "zc.h"

/* Highest index of zc_file::buffers, in units of 2 MiB. */
#define ZC_INDEX_MAX	(ZC_OFFSET_SPAN / ZC_HUGE_SIZE - 1)

/* Of a buffer without memory. */
static void zc_buffer_forget(struct zc_buffer *buf)
{
	zc_registry_del(buf);
	iput(buf->inode);
	kfree_rcu(buf, rcu);
}

static void zc_buffer_free(struct zc_buffer *buf)
{
	/* One that never had a handle was never made, to those who count. */
	if (buf->zf) {
		zc_stat_inc(ZC_STAT_FREED);
		if (zc_notify_wanted())
			zc_registry_tell(buf, ZC_CMD_BUFFER_FREED_NTF);
	}
	zc_dma_drop(buf);
	trace_zc_buffer_free(buf);
	zc_mem_put(&buf->mem);
	zc_buffer_forget(buf);
}

/* Of memory, if @ret is 0, that becomes the buffer's, or is given back. */
static struct zc_buffer *zc_buffer_of(struct zc_file *zf, struct zc_buffer *buf, int ret)
{
	if (ret) {
		kfree(buf);
		return ERR_PTR(ret);
	}
	ihold(zf->inode);
	buf->inode = zf->inode;
	kref_init(&buf->ref);
	mutex_init(&buf->dma_lock);
	INIT_LIST_HEAD(&buf->targets);
	buf->node = page_to_nid(zc_buffer_page(buf, 0));
	buf->born = jiffies;
	buf->touched = jiffies;
	/* From here on others may take a reference. */
	ret = zc_registry_add(buf);
	if (ret) {
		zc_mem_put(&buf->mem);
		iput(buf->inode);
		kfree(buf);
		return ERR_PTR(ret);
	}
	return buf;
}

/**
 * zc_buffer_new - make a buffer
 * @zf:    whose it will be
 * @size:  bytes, 1 to ZC_BUFFER_SIZE_MAX
 * @flags: ZC_BUF_* flags, checked
 * @nid:   NUMA node that passed zc_pool_node_check()
 *
 * Returns: the buffer with one reference and no handle, or ERR_PTR of -ENOSPC (the
 * module's limit), -EPERM (RLIMIT_MEMLOCK), -EDQUOT (the memory cgroup), -ENOMEM or -EINTR
 * (killed). May sleep.
 */
struct zc_buffer *zc_buffer_new(struct zc_file *zf, u64 size, u32 flags, int nid)
{
	struct zc_buffer *buf;

	size = zc_mem_size(size, flags);
	if (size > zc_pool_limit())
		return ERR_PTR(-ENOSPC);
	buf = kzalloc(sizeof(*buf), GFP_KERNEL_ACCOUNT);
	if (!buf)
		return ERR_PTR(-ENOMEM);
	buf->flags = flags;
	buf->asked = nid;
	return zc_buffer_of(zf, buf, zc_mem_get(&buf->mem, zf, size, flags, nid));
}

/**
 * zc_buffer_import - make a buffer of memory that is a file's
 * @zf:     whose it will be
 * @fd:     descriptor from the user, of a file in memory
 * @offset: where in the file, bytes
 * @size:   bytes, up to ZC_BUFFER_SIZE_MAX, or 0: all from there on
 *
 * Returns: the buffer with one reference and no handle, or ERR_PTR of a negative errno as
 * documented at struct zc_buf_import. Sleeps.
 */
struct zc_buffer *zc_buffer_import(struct zc_file *zf, int fd, u64 offset, u64 size)
{
	struct zc_buffer *buf = kzalloc(sizeof(*buf), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!buf)
		return ERR_PTR(-ENOMEM);
	buf->flags = ZC_BUF_IMPORTED;
	buf->asked = NUMA_NO_NODE;
	ret = zc_mem_import(&buf->mem, fd, offset, size);
	if (!ret && zc_import_sealed(buf->mem.import)) {
		atomic_set(&buf->writers, INT_MIN);
		buf->sealed = true;
	} else if (!ret && zc_import_rdonly(buf->mem.import)) {
		buf->flags |= ZC_BUF_RDONLY;
	}
	return zc_buffer_of(zf, buf, ret);
}

/**
 * zc_buffer_again - take a buffer that the file has destroyed
 * @zf:    file
 * @size:  bytes, as of zc_buffer_new()
 * @flags: ZC_BUF_* flags, checked
 * @nid:   NUMA node that passed zc_pool_node_check()
 *
 * Returns: the buffer, which has its handle, but can be found only after
 * zc_buffer_revive(); or NULL, where zc_buffer_new() is to make one.
 */
struct zc_buffer *zc_buffer_again(struct zc_file *zf, u64 size, u32 flags, int nid)
{
	if (flags & ZC_BUF_ZERO)
		return NULL;
	return zc_park_take(zf, zc_mem_size(size, flags), flags, nid);
}

static void zc_buffer_live(struct zc_buffer *buf)
{
	/* Pairs with zc_buffer_if_live(). */
	smp_store_release(&buf->live, 1);
}

/* Before others find it. */
static noinline void zc_buffer_revive_told(struct zc_buffer *buf)
{
	zc_registry_tell(buf, ZC_CMD_BUFFER_MADE_NTF);
	zc_buffer_live(buf);
}

/**
 * zc_buffer_revive - let others find a buffer
 * @buf: from zc_buffer_again()
 */
void zc_buffer_revive(struct zc_buffer *buf)
{
	buf->born = jiffies;
	buf->touched = jiffies;
	kref_init(&buf->ref);
	if (zc_notify_wanted())
		zc_buffer_revive_told(buf);
	else
		zc_buffer_live(buf);
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

/* Take a handle away, if there is memory to do so. */
static int zc_buffer_erase_locked(struct zc_file *zf, const struct zc_buffer *buf)
{
	lockdep_assert_held(&zf->lock);
	mtree_erase(&zf->buffers, buf->index);
	/* It wants memory, and does not say when it got none. */
	if (mtree_load(&zf->buffers, buf->index))
		return -ENOMEM;
	zc_handle_free(zf, buf->handle);
	return 0;
}

/* Forget parked buffers of which others have taken the memory. */
static void zc_buffer_reap_locked(struct zc_file *zf)
{
	struct zc_buffer *buf, *next;

	lockdep_assert_held(&zf->lock);
	llist_for_each_entry_safe(buf, next, llist_del_all(&zf->hollows), hollow) {
		if (zc_buffer_erase_locked(zf, buf)) {
			llist_add(&buf->hollow, &zf->hollows);
			continue;
		}
		zc_buffer_forget(buf);
	}
}

static noinline void zc_buffer_reap(struct zc_file *zf)
{
	mutex_lock(&zf->lock);
	zc_buffer_reap_locked(zf);
	mutex_unlock(&zf->lock);
}

/* Choose its place among the mmap offsets. */
static int zc_buffer_place_locked(struct zc_file *zf, struct zc_buffer *buf)
{
	MA_STATE(mas, &zf->buffers, 0, 0);
	unsigned long nr = DIV_ROUND_UP(buf->mem.size, ZC_HUGE_SIZE);
	int ret = -EMFILE;

	lockdep_assert_held(&zf->lock);
	/* Not mtree_alloc_range(), which 6.1 gets wrong for an empty tree. */
	mas_lock(&mas);
	if (!mas_empty_area(&mas, 1, ZC_INDEX_MAX, nr)) {
		buf->index = mas.index;
		mas_set_range(&mas, buf->index, buf->index + nr - 1);
		ret = mas_store_gfp(&mas, buf, GFP_KERNEL_ACCOUNT);
	}
	mas_unlock(&mas);
	return ret;
}

static int zc_buffer_insert_locked(struct zc_file *zf, struct zc_buffer *buf)
{
	int ret = zc_handle_alloc(zf, &buf->handle);

	if (ret)
		return ret;
	ret = zc_buffer_place_locked(zf, buf);
	if (ret) {
		zc_handle_free(zf, buf->handle);
		return ret;
	}
	buf->zf = zf;
	trace_zc_buffer_create(buf, false);
	zc_buffer_live(buf);
	zc_handle_store(zf, buf->handle, buf);
	return 0;
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
	zc_buffer_reap_locked(zf);
	ret = zc_buffer_insert_locked(zf, buf);
	if (ret == -EMFILE) {
		/* Parked buffers have handles, and places, too. */
		zc_pool_clear_parks(zf);
		zc_buffer_reap_locked(zf);
		ret = zc_buffer_insert_locked(zf, buf);
	}
	mutex_unlock(&zf->lock);
	return ret;
}

/* Of a buffer that was found, under the lock or RCU: NULL if it is parked, or gone. */
static struct zc_buffer *zc_buffer_tryget(struct zc_buffer *buf)
{
	return buf && kref_get_unless_zero(&buf->ref) ? buf : NULL;
}

/* Of a buffer that was found and is held: has it lost its handle meanwhile? */
static struct zc_buffer *zc_buffer_if_live(struct zc_buffer *buf)
{
	/* Pairs with zc_buffer_live(). */
	if (!buf || smp_load_acquire(&buf->live))
		return buf;
	zc_buffer_put(buf);
	return NULL;
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
	buf = zc_buffer_tryget(mtree_load(&zf->buffers, offset / ZC_HUGE_SIZE));
	mutex_unlock(&zf->lock);
	return zc_buffer_if_live(buf);
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
	struct zc_buffer *buf;

	rcu_read_lock();
	buf = zc_buffer_tryget(zc_handle_load(zf, handle));
	rcu_read_unlock();
	return zc_buffer_if_live(buf);
}

/*
 * Read-only mappings that fault, compaction, and a direct read that has just ended
 * hold pages for a moment: looked at again after so long, and twice as long each time.
 * In all they are given 200 ms.
 */
#define ZC_SEAL_PAUSE_US	50UL
#define ZC_SEAL_PAUSES_US	200000UL

/*
 * Empty the mappings from @pos on, up to the next multiple of 2 MiB, and see who is left.
 * Faults wait meanwhile: else who reads a page all the time would have it again at once.
 * Returns where the first page begins that somebody holds.
 */
static u64 zc_seal_step(struct zc_buffer *buf, u64 pos)
{
	struct address_space *mapping = buf->inode->i_mapping;
	u64 end = min(round_down(pos, (u64)ZC_HUGE_SIZE) + ZC_HUGE_SIZE, buf->mem.size);

	filemap_invalidate_lock(mapping);
	unmap_mapping_range(mapping, zc_buffer_offset(buf) + pos, end - pos, 0);
	pos = zc_mem_idle(&buf->mem, pos, end);
	filemap_invalidate_unlock(mapping);
	return pos;
}

/* Has everybody who might write let go of each page? */
static bool zc_seal_all(struct zc_buffer *buf)
{
	unsigned long pause = ZC_SEAL_PAUSE_US, paused = 0;
	u64 pos = 0, next;

	while (pos < buf->mem.size && !fatal_signal_pending(current)) {
		next = zc_seal_step(buf, pos);
		if (next > pos) {
			pos = next;
			pause = ZC_SEAL_PAUSE_US;
			cond_resched();
			continue;
		}
		if (paused >= ZC_SEAL_PAUSES_US)
			break;
		fsleep(pause);
		paused += pause;
		pause *= 2;
	}
	return pos >= buf->mem.size;
}

/**
 * zc_buffer_seal - make a buffer immutable
 * @buf: buffer
 *
 * No new writers come once @writers is negative. Those that are gone may have left
 * some behind, a direct read under way for one. Such reads do not always count as
 * pins (on 6.1 none does), so any reference will do: the mappings are emptied, to be
 * filled again by faults, and each page must be seen without one. Once is enough, and not
 * all need be so at the same time, as whoever comes to hold one afterwards only reads.
 *
 * Returns: 0; -EBUSY if there are writable mappings, or somebody else holds pages: by
 * a direct read, vmsplice(), or a send that has not ended; -EOPNOTSUPP if it is imported
 * from a file that was not sealed. Sleeps.
 */
int zc_buffer_seal(struct zc_buffer *buf)
{
	bool done;
	int old;

	if (buf->mem.import)
		return zc_buffer_sealed(buf) ? 0 : -EOPNOTSUPP;
	old = atomic_cmpxchg(&buf->writers, 0, INT_MIN);
	if (old)
		return zc_buffer_sealed(buf) ? 0 : -EBUSY;
	done = zc_seal_all(buf);
	if (done)
		/* Pairs with zc_buffer_sealed(). */
		smp_store_release(&buf->sealed, true);
	else
		atomic_set(&buf->writers, 0);
	/* Pairs with the barrier of who begins to wait. */
	smp_mb();
	wake_up_var(&buf->writers);
	return done ? 0 : -EBUSY;
}

/**
 * zc_buffer_seal_wait - wait until nobody tries to seal a buffer
 * @buf: buffer
 *
 * That takes 200 ms, or a little more. Then the next one may try.
 *
 * Returns: 0, or -EINTR (killed). Sleeps.
 */
int zc_buffer_seal_wait(struct zc_buffer *buf)
{
	return wait_var_event_killable(&buf->writers, !zc_buffer_sealing(buf)) ? -EINTR : 0;
}

/**
 * zc_buffer_remove - take a buffer's handle away and drop its reference
 * @zf:     file
 * @handle: handle
 *
 * Returns: 0; -ENOENT, or -ENOMEM and the handle stays. May sleep.
 */
int zc_buffer_remove(struct zc_file *zf, u32 handle)
{
	struct zc_buffer *buf;
	int ret;

	rcu_read_lock();
	buf = zc_handle_load(zf, handle);
	if (!buf || !xchg(&buf->live, 0)) {
		rcu_read_unlock();
		return -ENOENT;
	}
	rcu_read_unlock();
	/* The reference of the handle is the caller's now. */
	if (!atomic_read(&buf->dma_mapped) && zc_pool_park(buf)) {
		zc_stat_inc(ZC_STAT_FREED);
		if (unlikely(!llist_empty(&zf->hollows)))
			zc_buffer_reap(zf);
		return 0;
	}
	WRITE_ONCE(buf->touched, jiffies);
	mutex_lock(&zf->lock);
	zc_buffer_reap_locked(zf);
	ret = zc_buffer_erase_locked(zf, buf);
	if (ret)
		zc_buffer_live(buf);
	else
		trace_zc_buffer_destroy(buf, false);
	mutex_unlock(&zf->lock);
	if (ret)
		return ret;
	zc_dma_drop(buf);
	zc_buffer_put(buf);
	return 0;
}

/**
 * zc_buffer_open - get ready for the buffers of a file
 * @zf: file
 */
void zc_buffer_open(struct zc_file *zf)
{
	mutex_init(&zf->lock);
	spin_lock_init(&zf->slabs_lock);
	INIT_LIST_HEAD(&zf->slabs);
	mt_init_flags(&zf->buffers, MT_FLAGS_ALLOC_RANGE);
	init_llist_head(&zf->hollows);
}

/**
 * zc_buffer_close - take all handles of a file away
 * @zf: file that nobody else uses any more
 */
void zc_buffer_close(struct zc_file *zf)
{
	struct zc_buffer *buf;
	u32 handle = 0;

	zc_pool_clear_parks(zf);
	while ((buf = zc_handle_next(zf, &handle))) {
		/* Parked ones are hollow now, and have no reference. */
		if (kref_read(&buf->ref)) {
			/* Others may have it for longer. */
			WRITE_ONCE(buf->live, 0);
			WRITE_ONCE(buf->touched, jiffies);
			trace_zc_buffer_destroy(buf, false);
			zc_dma_drop(buf);
			zc_buffer_put(buf);
		} else {
			zc_buffer_forget(buf);
		}
	}
	mtree_destroy(&zf->buffers);
	zc_handles_free(zf);
	mutex_destroy(&zf->lock);
}

/**
 * zc_buffer_count - buffers alive
 *
 * Returns: their number, those without a handle included, parked ones not.
 */
unsigned int zc_buffer_count(void)
{
	s64 freed = zc_stat_read(ZC_STAT_FREED);
	s64 made = zc_stat_read(ZC_STAT_MADE) + zc_stat_read(ZC_STAT_AGAIN);

	/* What was freed before it was counted as made comes to less than none. */
	return max_t(s64, made - freed, 0);
}
