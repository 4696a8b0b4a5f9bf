// SPDX-License-Identifier: GPL-2.0-only
/*
 * The handles of a file: small numbers that name its buffers, as descriptors name files.
 *
 * They stand in pages of a table, which come as they are needed and go with the file: so
 * that to find one takes two loads, and no lock but that of RCU.
 */
#include <linux/bitmap.h>
#include <linux/nospec.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "zc.h"

/**
 * struct zc_handle_page - some handles of a file
 * @used: those given away
 * @bufs: their buffers
 */
struct zc_handle_page {
	DECLARE_BITMAP(used, ZC_HANDLES_PER_PAGE);
	struct zc_buffer __rcu *bufs[ZC_HANDLES_PER_PAGE];
};

static struct zc_buffer __rcu **zc_handle_slot(const struct zc_file *zf, u32 handle)
{
	u32 nr = handle / ZC_HANDLES_PER_PAGE;
	struct zc_handle_page *page;

	if (nr >= ZC_HANDLE_PAGES)
		return NULL;
	/* Pairs with zc_handle_page_get_locked(). */
	page = smp_load_acquire(&zf->handles[array_index_nospec(nr, ZC_HANDLE_PAGES)]);
	return page ? &page->bufs[handle % ZC_HANDLES_PER_PAGE] : NULL;
}

/**
 * zc_handle_load - what a handle names
 * @zf:     file
 * @handle: handle from the user
 *
 * Returns: the buffer, or NULL. Under rcu_read_lock(), for which it lasts.
 */
struct zc_buffer *zc_handle_load(const struct zc_file *zf, u32 handle)
{
	struct zc_buffer __rcu **slot = zc_handle_slot(zf, handle);

	return slot ? rcu_dereference(*slot) : NULL;
}

static struct zc_handle_page *zc_handle_page_get_locked(struct zc_file *zf, u32 nr)
{
	struct zc_handle_page *page = zf->handles[nr];

	if (page)
		return page;
	page = kzalloc(sizeof(*page), GFP_KERNEL_ACCOUNT);
	if (!page)
		return NULL;
	/* No buffer has handle 0. */
	if (!nr)
		__set_bit(0, page->used);
	/* Pairs with zc_handle_slot(). */
	smp_store_release(&zf->handles[nr], page);
	return page;
}

/**
 * zc_handle_alloc - choose a handle
 * @zf:     file, whose lock the caller holds
 * @handle: the smallest that is free; names nothing before zc_handle_store()
 *
 * Returns: 0, -EMFILE (there is none) or -ENOMEM. May sleep.
 */
int zc_handle_alloc(struct zc_file *zf, u32 *handle)
{
	struct zc_handle_page *page;
	unsigned int bit;
	u32 nr;

	lockdep_assert_held(&zf->lock);
	for (nr = zf->handles_full; nr < ZC_HANDLE_PAGES; nr++) {
		page = zc_handle_page_get_locked(zf, nr);
		if (!page)
			return -ENOMEM;
		bit = find_first_zero_bit(page->used, ZC_HANDLES_PER_PAGE);
		if (bit < ZC_HANDLES_PER_PAGE) {
			__set_bit(bit, page->used);
			*handle = nr * ZC_HANDLES_PER_PAGE + bit;
			return 0;
		}
		zf->handles_full = nr + 1;
	}
	return -EMFILE;
}

/**
 * zc_handle_store - have a handle name a buffer
 * @zf:     file, whose lock the caller holds
 * @handle: from zc_handle_alloc()
 * @buf:    what others find from here on
 */
void zc_handle_store(struct zc_file *zf, u32 handle, struct zc_buffer *buf)
{
	lockdep_assert_held(&zf->lock);
	rcu_assign_pointer(*zc_handle_slot(zf, handle), buf);
}

/**
 * zc_handle_free - give a handle back
 * @zf:     file, whose lock the caller holds
 * @handle: from zc_handle_alloc(). Others may go on using what they have found
 */
void zc_handle_free(struct zc_file *zf, u32 handle)
{
	u32 nr = handle / ZC_HANDLES_PER_PAGE;

	lockdep_assert_held(&zf->lock);
	RCU_INIT_POINTER(*zc_handle_slot(zf, handle), NULL);
	__clear_bit(handle % ZC_HANDLES_PER_PAGE, zf->handles[nr]->used);
	zf->handles_full = min(zf->handles_full, nr);
}

/**
 * zc_handle_next - go through the handles of a file
 * @zf:     file that nobody else uses any more
 * @handle: 0, then what came last; set to the next one
 *
 * Returns: its buffer, or NULL if there are no more.
 */
struct zc_buffer *zc_handle_next(const struct zc_file *zf, u32 *handle)
{
	struct zc_buffer __rcu **slot;
	u32 i;

	for (i = *handle + 1; i < ZC_HANDLE_PAGES * ZC_HANDLES_PER_PAGE; i++) {
		slot = zc_handle_slot(zf, i);
		if (!slot) {
			i |= ZC_HANDLES_PER_PAGE - 1;
			continue;
		}
		if (rcu_access_pointer(*slot)) {
			*handle = i;
			return rcu_dereference_raw(*slot);
		}
	}
	return NULL;
}

/**
 * zc_handles_free - forget all handles
 * @zf: file that nobody else uses any more
 */
void zc_handles_free(struct zc_file *zf)
{
	u32 nr;

	for (nr = 0; nr < ZC_HANDLE_PAGES; nr++)
		kfree(zf->handles[nr]);
}
