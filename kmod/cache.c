// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page cache's own folios: what read(2) would copy out of the cache is sent
 * from where it lies, as sendfile(2) does, but with no pipe between the two.
 */
#include <linux/fsnotify.h>
#include <linux/magic.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/swap.h>

#include "compat.h"
#include "zc.h"

/* Less than this in a row is not worth the end of direct reads. */
#define ZC_RUN_MIN	SZ_64K

/**
 * zc_cache_usable - may a file's cache be sent as it is?
 * @file: file
 *
 * Only where it holds what read(2) gives without a question to anybody else:
 * these filesystems of local disks, block devices and tmpfs. Those of a network
 * or a cluster would first ask whether their cache still holds.
 *
 * Returns: true if it may.
 */
bool zc_cache_usable(const struct file *file)
{
	const struct inode *host = file->f_mapping->host;

	if (S_ISBLK(host->i_mode))
		return true;
	if (IS_DAX(host) || file->f_mapping != file_inode(file)->i_mapping)
		return false;
	switch (host->i_sb->s_magic) {
	case BTRFS_SUPER_MAGIC:
	case EROFS_SUPER_MAGIC_V1:
	case EXFAT_SUPER_MAGIC:
	case EXT4_SUPER_MAGIC:		/* and ext2, ext3 */
	case F2FS_SUPER_MAGIC:
	case ISOFS_SUPER_MAGIC:
	case MSDOS_SUPER_MAGIC:
	case SQUASHFS_MAGIC:
	case TMPFS_MAGIC:
	case XFS_SUPER_MAGIC:
		return true;
	default:
		return false;
	}
}

/* Sound, and with data in it? Memory errors are for read(2) to report. */
static bool zc_folio_good(struct folio *folio)
{
	return folio_test_uptodate(folio) && !folio_test_hwpoison(folio) &&
	       !(folio_test_large(folio) && folio_test_has_hwpoisoned(folio));
}

/* Add what @folio has of the file to the run that ends at @pos. */
static void zc_run_add(struct zc_run *run, struct folio *folio, u64 pos)
{
	struct bio_vec *bv = &run->bvecs[run->nr++];
	size_t off = pos - folio_pos(folio);

	bv->bv_page = folio_page(folio, 0);
	bv->bv_offset = off;
	bv->bv_len = folio_size(folio) - off;
	run->len += bv->bv_len;
}

/* The size must be looked at after the folios were seen to be up to date. */
static void zc_run_clip(struct zc_run *run, u64 pos, u64 size)
{
	u64 max = size > pos ? size - pos : 0;

	while (run->len > max) {
		struct bio_vec *last = &run->bvecs[run->nr - 1];
		size_t cut = min_t(u64, run->len - max, last->bv_len);

		last->bv_len -= cut;
		run->len -= cut;
		if (last->bv_len)
			break;
		folio_put(page_folio(last->bv_page));
		run->nr--;
	}
}

/* What read(2) asks of a security module and of fanotify listeners, for a range. */
static int zc_cache_may_read(const struct zc_source *src, u64 pos, u64 end)
{
	loff_t first = pos;

	return rw_verify_area(READ, src->file, &first, min_t(u64, end - pos, MAX_RW_COUNT));
}

static void zc_cache_read_ahead(struct zc_source *src, struct folio *folio,
				unsigned long pages)
{
	struct file *file = src->file;

	DEFINE_READAHEAD(ractl, file, &file->f_ra, file->f_mapping,
			 folio_next_index(folio));
	page_cache_async_ra(&ractl, folio, pages);
}

/* Take over the folios of a batch, as far as they are good. */
static bool zc_run_take(struct zc_run *run, struct zc_source *src,
			struct folio_batch *batch, u64 pos, u64 end)
{
	bool good = true;
	unsigned int i;

	for (i = 0; i < folio_batch_count(batch); i++) {
		struct folio *folio = batch->folios[i];
		u64 at = pos + run->len;

		good = good && run->nr < run->max && zc_folio_good(folio) &&
		       at - folio_pos(folio) < folio_size(folio);
		if (!good) {
			folio_put(folio);
			continue;
		}
		if (folio_test_readahead(folio) && src->fill)
			zc_cache_read_ahead(src, folio,
					    (end - at) >> PAGE_SHIFT);
		folio_mark_accessed(folio);
		if (mapping_writably_mapped(src->file->f_mapping))
			flush_dcache_folio(folio);
		zc_run_add(run, folio, at);
	}
	folio_batch_init(batch);
	return good;
}

/**
 * zc_cache_free - free a run
 * @run: run, empty
 */
void zc_cache_free(struct zc_run *run)
{
	if (!run->inner)
		kfree(run);
}

/* What a call has for its own time is not charged: it is a page or two a thread. */
static struct zc_run *zc_run_new(struct zc_run *run, u64 pos, u64 end, gfp_t gfp)
{
	u64 pages = ((end - 1) >> PAGE_SHIFT) - (pos >> PAGE_SHIFT) + 1;
	unsigned int max = min_t(u64, pages, ZC_RUN_VECS);

	if (!run || run->max < max) {
		if (run)
			zc_cache_free(run);
		run = kmalloc(struct_size(run, bvecs, max), gfp);
		if (!run)
			return NULL;
		run->max = max;
		run->inner = false;
	}
	run->nr = 0;
	run->len = 0;
	return run;
}

/**
 * zc_cache_get - take what the page cache has of a file
 * @src: source whose cache is usable
 * @pos: from here
 * @end: to here at most, more than @pos
 * @run: filled in, allocated if it is NULL or too small, to be emptied by
 *       zc_cache_put() and freed by zc_cache_free()
 *
 * Who may not read the file (a security module's say, or a fanotify listener's) is
 * refused here, as by read(2).
 *
 * Returns: the bytes in a row that the cache has, 0 if it has none (or @pos lies
 * behind the end of the file) or not enough of them to bother with; -ENOMEM, or what
 * read(2) would give.
 */
ssize_t zc_cache_get(struct zc_source *src, u64 pos, u64 end,
		     struct zc_run **run)
{
	struct address_space *mapping = src->file->f_mapping;
	pgoff_t index = pos >> PAGE_SHIFT, last = (end - 1) >> PAGE_SHIFT;
	struct folio_batch batch;
	struct zc_run *r;
	int ret;

	if (!READ_ONCE(mapping->nrpages))
		return 0;
	ret = zc_cache_may_read(src, pos, end);
	if (ret)
		return zc_source_error(ret);
	r = zc_run_new(*run, pos, end, src->flags & ZC_SEND_ASYNC ?
		       zc_gfp_account() : GFP_KERNEL);
	*run = r;
	if (!r)
		return -ENOMEM;
	folio_batch_init(&batch);
	while (index <= last && r->nr < r->max &&
	       zc_get_folios_contig(mapping, &index, last, &batch))
		if (!zc_run_take(r, src, &batch, pos, end))
			break;
	zc_run_clip(r, pos, min_t(u64, end, i_size_read(src->host)));
	/* The rest of a row is: no direct read is under way. */
	if (src->align && r->nr < r->max && r->len < ZC_RUN_MIN && pos != src->taken &&
	    pos + r->len < min_t(u64, end, i_size_read(src->host)))
		zc_cache_put(r);
	if (r->len) {
		src->taken = pos + r->len;
		src->file->f_ra.prev_pos = pos + r->len - 1;
		file_accessed(src->file);
		fsnotify_access(src->file);
	}
	return r->len;
}

/**
 * zc_cache_has - has the page cache something of a file?
 * @src: source whose cache is usable
 * @pos: here
 *
 * Returns: true if it has the page there, be it up to date or not.
 */
bool zc_cache_has(const struct zc_source *src, u64 pos)
{
	return filemap_range_has_page(src->file->f_mapping, pos, pos);
}

/**
 * zc_cache_put - let go of what zc_cache_get() took
 * @run: run, stays allocated
 */
void zc_cache_put(struct zc_run *run)
{
	while (run->nr)
		folio_put(page_folio(run->bvecs[--run->nr].bv_page));
	run->len = 0;
}

/**
 * zc_cache_next - where does the cache have a part of a file?
 * @src: source whose cache is usable
 * @pos: from here, where zc_cache_get() found nothing
 * @end: to here at most, more than @pos
 *
 * Returns: the first offset, a multiple of PAGE_SIZE behind @pos, that
 * zc_cache_get() would find something at; @end if there is none.
 */
u64 zc_cache_next(struct zc_source *src, u64 pos, u64 end)
{
	struct address_space *mapping = src->file->f_mapping;
	pgoff_t index = (pos >> PAGE_SHIFT) + 1, last = (end - 1) >> PAGE_SHIFT;
	pgoff_t first = 0, next = ULONG_MAX;	/* the folios in a row seen last */
	struct folio_batch batch;
	bool found = false;
	unsigned int i;

	if (!READ_ONCE(mapping->nrpages))
		return end;
	folio_batch_init(&batch);
	while (!found && index <= last &&
	       filemap_get_folios(mapping, &index, last, &batch)) {
		for (i = 0; i < folio_batch_count(&batch); i++) {
			struct folio *folio = batch.folios[i];

			if (!found && zc_folio_good(folio)) {
				if (folio->index != next)
					first = max(folio->index,
						    (pgoff_t)(pos >> PAGE_SHIFT) + 1);
				next = folio_next_index(folio);
				found = next - first >= ZC_RUN_MIN >> PAGE_SHIFT ||
					next > last;
			}
			folio_put(folio);
		}
		folio_batch_init(&batch);
	}
	return found ? (u64)first << PAGE_SHIFT : end;
}

/**
 * zc_cache_fill - have a part of a file read into the cache
 * @src: source that has @fill set
 * @pos: from here
 * @end: to here is wanted, more than @pos
 *
 * Waits for the folio at @pos alone; the readahead may still be busy with the
 * rest. Nothing is read for who may not read it, and before a fanotify listener,
 * who may have to fetch it first, has said yes.
 *
 * Returns: 0 or a negative errno, as read(2) would give.
 */
int zc_cache_fill(struct zc_source *src, u64 pos, u64 end)
{
	struct file *file = src->file;
	struct address_space *mapping = file->f_mapping;
	pgoff_t index = pos >> PAGE_SHIFT;
	struct folio *folio = NULL;
	int ret;

	ret = zc_cache_may_read(src, pos, end);
	if (ret)
		return zc_source_error(ret);
	if (!filemap_range_has_page(mapping, pos, pos))
		page_cache_sync_readahead(mapping, &file->f_ra, file, index,
					  ((end - 1) >> PAGE_SHIFT) - index + 1);
	/* Not while somebody punches a hole there: as filemap_create_folio(). */
	filemap_invalidate_lock_shared(mapping);
	if (pos < i_size_read(src->host))
		folio = read_mapping_folio(mapping, index, file);
	filemap_invalidate_unlock_shared(mapping);
	if (IS_ERR(folio))
		return zc_source_error(PTR_ERR(folio));
	if (folio)
		folio_put(folio);
	return 0;
}
