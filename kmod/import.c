// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that is a file's, of hugetlbfs or tmpfs (memfd_create(2)), as that of a buffer:
 * so there are buffers of 1 GiB pages. (Of dma-bufs see import_dmabuf.c.)
 *
 * Its pages are pinned for as long as the buffer lives, as those of memory that is
 * registered with io_uring; but they stay the file's, whose limits they count against. Who
 * maps the buffer maps the file: hugetlb's mappings are its own affair. Pages that are cut
 * off the file, or punched out of it, meanwhile, are in the buffer alone.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hugetlb.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <uapi/linux/fcntl.h>

#include "compat.h"
#include "import.h"
#include "zc.h"

/* Pages that are pinned, or let go, at a time. */
#define ZC_IMPORT_BATCH		512UL

/* So often, a tick between, unmapping is tried: two seconds. */
#define ZC_IMPORT_UNMAPS	(2 * HZ)

/* Of a file of the right kind: F_SEAL_* bits. Its owner may add some at any time. */
static unsigned int zc_import_seals(const struct file *file)
{
	struct inode *inode = file_inode(file);

#ifdef CONFIG_HUGETLBFS
	if (inode->i_sb->s_magic == HUGETLBFS_MAGIC)
		return READ_ONCE(HUGETLBFS_I(inode)->seals);
#endif
	return READ_ONCE(SHMEM_I(inode)->seals);
}

static bool zc_import_can(const struct file *file)
{
	const struct inode *inode = file_inode(file);

	if (!S_ISREG(inode->i_mode) || file->f_mapping != inode->i_mapping)
		return false;
	return (IS_ENABLED(CONFIG_HUGETLBFS) && inode->i_sb->s_magic == HUGETLBFS_MAGIC) ||
	       (IS_ENABLED(CONFIG_SHMEM) && inode->i_sb->s_magic == TMPFS_MAGIC);
}

/* Are they whole pages of the file? All that follow, if @size is 0. */
static bool zc_import_range(const struct file *file, u64 offset, u64 *size)
{
	const struct inode *inode = file_inode(file);
	u64 unit = i_blocksize(inode);
	u64 end = round_up((u64)i_size_read(inode), unit);

	if (offset >= end || !IS_ALIGNED(offset | *size, unit))
		return false;
	if (!*size)
		*size = end - offset;
	return *size <= end - offset && *size <= ZC_BUFFER_SIZE_MAX;
}

/*
 * From here on it is sealed against writing, or will not be. A page that is cut in two is
 * written to as well; one of hugetlb cannot be.
 */
static int zc_import_hold(struct zc_import *imp)
{
	unsigned int sealed = F_SEAL_WRITE | (imp->order ? 0 : F_SEAL_SHRINK);
	unsigned int seals = zc_import_seals(imp->from.file);

	if (!(seals & F_SEAL_WRITE)) {
		if (!(imp->from.file->f_mode & FMODE_WRITE))
			return -EACCES;
		return mapping_map_writable(imp->from.file->f_mapping) ? -EBUSY : 0;
	}
	if ((seals & sealed) != sealed)
		return -EPERM;
	imp->sealed = true;
	return 0;
}

/* The caller can put anything in the place of the mapping, parts of the file included. */
static bool zc_import_is_ours(const struct zc_import *imp, unsigned long nr)
{
	struct page *page = imp->pages[nr];
	struct folio *folio = page_folio(page);

	if (READ_ONCE(folio->mapping) != imp->from.file->f_mapping)
		return false;
	if (imp->order)
		return folio_order(folio) == imp->order && page == &folio->page;
	return folio->index + folio_page_idx(folio, page) ==
	       (imp->offset >> PAGE_SHIFT) + nr;
}

/* What is pinned so far is let go of by zc_import_unpin(). */
static int zc_import_pin(struct zc_import *imp, unsigned long addr, unsigned long nr)
{
	unsigned int flags = FOLL_LONGTERM | (imp->sealed ? 0 : FOLL_WRITE);
	unsigned long batch = imp->order ? 1 : ZC_IMPORT_BATCH;
	bool ours = true;
	int got;

	while (imp->nr < nr) {
		if (fatal_signal_pending(current))
			return -EINTR;
		got = pin_user_pages_fast(addr + (imp->nr << imp->order << PAGE_SHIFT),
					  min(batch, nr - imp->nr), flags,
					  imp->pages + imp->nr);
		if (got <= 0)
			return got ?: -EFAULT;
		while (got--)
			ours &= zc_import_is_ours(imp, imp->nr++);
		if (!ours)
			return -EFAULT;
		cond_resched();
	}
	return 0;
}

/* Undo zc_import_hold(), and what was pinned. */
static void zc_import_unpin(struct zc_import *imp)
{
	unsigned long i, nr;

	for (i = 0; i < imp->nr; i += nr) {
		nr = min(imp->nr - i, ZC_IMPORT_BATCH);
		/* Devices may have written to them. */
		unpin_user_pages_dirty_lock(imp->pages + i, nr, !imp->sealed);
		cond_resched();
	}
	if (!imp->sealed)
		mapping_unmap_writable(imp->from.file->f_mapping);
}

/*
 * A mapping for the moment is nothing for children, or core dumps; unless it is one with a
 * mapping of the caller's own that lies beside it, which is something for both.
 */
static void zc_import_hide(const struct zc_import *imp, unsigned long addr, unsigned long size)
{
	struct vm_area_struct *vma;

	mmap_write_lock(current->mm);
	vma = find_vma(current->mm, addr);
	if (vma && vma->vm_start == addr && vma->vm_end == addr + size &&
	    vma->vm_file == imp->from.file)
		vm_flags_set(vma, VM_DONTCOPY | VM_DONTDUMP);
	mmap_write_unlock(current->mm);
}

/*
 * That wants memory, too, which is waited for. It may also want one mapping more than a process
 * can have, where those of the caller's lie on both sides: who has them can take that one away.
 * Who is killed loses all of them anyway.
 */
static int zc_import_unmap(unsigned long addr, unsigned long size)
{
	unsigned int tries = ZC_IMPORT_UNMAPS;

	while (vm_munmap(addr, size) == -ENOMEM && !fatal_signal_pending(current)) {
		if (!--tries)
			return -ENOMEM;
		schedule_timeout_killable(1);
	}
	return 0;
}

/* Pages of files are had by mapping them: 6.1 lacks memfd_pin_folios(). */
static int zc_import_fill(struct zc_import *imp, unsigned long nr)
{
	unsigned long size = nr << imp->order << PAGE_SHIFT;
	unsigned long prot = PROT_READ | (imp->sealed ? 0 : PROT_WRITE);
	unsigned long addr;
	int ret;

	addr = vm_mmap(imp->from.file, 0, size, prot, MAP_SHARED, imp->offset);
	if (IS_ERR_VALUE(addr))
		return addr;
	zc_import_hide(imp, addr, size);
	ret = zc_import_pin(imp, addr, nr);
	return zc_import_unmap(addr, size) ?: ret;
}

/**
 * zc_import_from - look up a file in memory, or a dma-buf
 * @from:   set
 * @fd:     descriptor from the user
 * @offset: where a buffer is to begin in it, bytes
 * @size:   bytes, or 0: all from there on; set
 *
 * Returns: 0 and a reference to the file; -EBADF, or -EINVAL: it is of another kind, or
 * these are not whole pages of it.
 */
int zc_import_from(struct zc_import_from *from, int fd, u64 offset, u64 *size)
{
	struct file *file = fget(fd);

	if (!file)
		return -EBADF;
	if (zc_import_can(file) && zc_import_range(file, offset, size)) {
		*from = (struct zc_import_from) { .file = file };
		return 0;
	}
	fput(file);
	return zc_import_dmabuf_from(from, fd, offset, size);
}

/* Of one without pages. */
static void zc_import_undo(struct zc_import *imp)
{
	fput(imp->from.file);
	kvfree(imp);
}

static int zc_import_pages(struct zc_import *imp, unsigned long nr)
{
	int ret;

	if (imp->from.dmabuf)
		return zc_import_dmabuf_fill(imp, nr);
	ret = zc_import_hold(imp);
	if (ret)
		return ret;
	ret = zc_import_fill(imp, nr);
	if (ret)
		zc_import_unpin(imp);
	return ret;
}

/**
 * zc_import_new - have pages of others
 * @from:   from zc_import_from()
 * @offset: where they begin, bytes, as given there
 * @size:   bytes, as set there
 *
 * Returns: the pages, to be given to zc_import_free(), or ERR_PTR of a negative errno as
 * documented at struct zc_buf_import. Sleeps.
 */
struct zc_import *zc_import_new(const struct zc_import_from *from, u64 offset, u64 size)
{
	unsigned int shift = from->dmabuf ? PAGE_SHIFT : file_inode(from->file)->i_blkbits;
	struct zc_import *imp;
	int ret;

	imp = kvzalloc(struct_size(imp, pages, size >> shift),
		       GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!imp)
		return ERR_PTR(-ENOMEM);
	imp->from = *from;
	get_file(from->file);
	imp->offset = offset;
	imp->order = shift - PAGE_SHIFT;
	ret = zc_import_pages(imp, size >> shift);
	if (ret) {
		zc_import_undo(imp);
		return ERR_PTR(ret);
	}
	return imp;
}

/**
 * zc_import_free - let go of pages
 * @imp: from zc_import_new(). May sleep.
 */
void zc_import_free(struct zc_import *imp)
{
	if (imp->from.dmabuf)
		zc_import_dmabuf_empty(imp);
	else
		zc_import_unpin(imp);
	zc_import_undo(imp);
}

/**
 * zc_import_page - find a page
 * @imp:   pages
 * @index: page number in them, below their end
 *
 * Returns: the page, without a reference. Any context.
 */
struct page *zc_import_page(const struct zc_import *imp, pgoff_t index)
{
	struct page *page = imp->pages[index >> imp->order];

	if (!imp->order)
		return page;
	return folio_page(page_folio(page), index & (BIT(imp->order) - 1));
}

/**
 * zc_import_page_size - how large are they?
 * @imp: pages
 *
 * Returns: bytes. Any context.
 */
unsigned long zc_import_page_size(const struct zc_import *imp)
{
	return PAGE_SIZE << imp->order;
}

/**
 * zc_import_huge_bytes - how much of them lies on hugepages?
 * @imp: pages
 *
 * Returns: bytes. May sleep.
 */
u64 zc_import_huge_bytes(const struct zc_import *imp)
{
	u64 bytes = 0;
	unsigned long i;

	for (i = 0; i < imp->nr; i++) {
		if (folio_size(page_folio(imp->pages[i])) >= ZC_HUGE_SIZE)
			bytes += zc_import_page_size(imp);
		cond_resched();
	}
	return bytes;
}

/**
 * zc_import_locked_bytes - how much memory do they keep from being had otherwise?
 * @imp: pages
 *
 * Returns: bytes of the folios that they are of. May sleep.
 */
u64 zc_import_locked_bytes(const struct zc_import *imp)
{
	struct folio *folio, *last = NULL;
	u64 bytes = 0;
	unsigned long i;

	for (i = 0; i < imp->nr; i++) {
		folio = page_folio(imp->pages[i]);
		if (folio != last)
			bytes += folio_size(folio);
		last = folio;
		cond_resched();
	}
	return bytes;
}

/**
 * zc_import_sealed - is it immutable?
 * @imp: pages
 *
 * Returns: true if so; it does not change.
 */
bool zc_import_sealed(const struct zc_import *imp)
{
	return imp->sealed;
}

/**
 * zc_import_rdonly - may it only be read?
 * @imp: pages
 *
 * Returns: true if so, though it may be immutable besides; it does not change.
 */
bool zc_import_rdonly(const struct zc_import *imp)
{
	return imp->sealed || !(imp->from.file->f_mode & FMODE_WRITE);
}

/**
 * zc_import_sync - begin or end the processor's use of it
 * @imp:   pages
 * @flags: ZC_SYNC_* flags, checked
 *
 * Returns: 0, or what the exporter of a dma-buf says. Sleeps.
 */
int zc_import_sync(const struct zc_import *imp, u32 flags)
{
	return imp->from.dmabuf ? zc_import_dmabuf_sync(imp, flags) : 0;
}

/**
 * zc_import_mmap - map the file instead
 * @imp:    pages
 * @vma:    shared, of another file
 * @offset: where it begins in them, bytes; they do not end before it does
 *
 * It ends where they do, for good; but who may write to it can have other parts of the file
 * there by remap_file_pages(2).
 *
 * Returns: 0; -EINVAL (not whole pages, or cut off the file), -EPERM (to be executed, or
 * written to by who may not), or another negative errno of the file's own. It may be the
 * file's then, too.
 */
int zc_import_mmap(const struct zc_import *imp, struct vm_area_struct *vma, u64 offset)
{
	const unsigned int no_write = F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
	u64 end = imp->offset + offset + (vma->vm_end - vma->vm_start);
	unsigned long unit = zc_import_page_size(imp);
	int ret;

	if (imp->from.dmabuf)
		return zc_import_dmabuf_mmap(imp, vma, offset);
	/* hugetlb would make the file longer. */
	if (!IS_ALIGNED(vma->vm_start | vma->vm_end | offset, unit) ||
	    end > round_up((u64)i_size_read(file_inode(imp->from.file)), unit))
		return -EINVAL;
	/* The core has asked another file for its seals, and whether it is executable. */
	if (vma->vm_flags & VM_EXEC)
		return -EPERM;
	vm_flags_clear(vma, VM_MAYEXEC);
	if (zc_import_seals(imp->from.file) & no_write) {
		if (vma->vm_flags & VM_WRITE)
			return -EPERM;
		vm_flags_clear(vma, VM_MAYWRITE | VM_SHARED);
	}
	vma->vm_pgoff = (imp->offset + offset) >> PAGE_SHIFT;
	vma_set_file(vma, imp->from.file);
	ret = zc_call_mmap(imp->from.file, vma);
	if (!ret)
		vm_flags_set(vma, VM_DONTEXPAND);
	return ret;
}
