// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mapping of a buffer.
 *
 * DOC: hugepage mappings by a plain fault handler
 *
 * The fault handler returns a page of a 2 MiB folio with a reference, as for any
 * file, and the core maps the whole folio by a PMD (do_set_pmd()). So references
 * and rmap are the ordinary ones, and everything that works on file mappings
 * (GUP, O_DIRECT, MSG_ZEROCOPY, fork, partial munmap) works here.
 *
 * The core maps no PMD beyond the size of the file (Linux 6.12 and later), and a
 * device node has none. Each open file therefore gets an inode of a private
 * filesystem, with the largest size there is, as its f_mapping.
 */
#include <linux/compat.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/mount.h>
#include <linux/pseudo_fs.h>

#include "compat.h"
#include "import.h"
#include "trace.h"
#include "zc.h"

#define ZC_FS_MAGIC	0x7a63

static struct vfsmount *zc_mnt;

static int zc_fs_init_fs_context(struct fs_context *fc)
{
	return init_pseudo(fc, ZC_FS_MAGIC) ? 0 : -ENOMEM;
}

/* No owner: the mount below would pin the module for ever. */
static struct file_system_type zc_fs_type = {
	.name = "zc",
	.init_fs_context = zc_fs_init_fs_context,
	.kill_sb = kill_anon_super,
};

/**
 * zc_mapping_init - set up the private filesystem
 *
 * Returns: 0 or a negative errno.
 */
int zc_mapping_init(void)
{
	zc_mnt = kern_mount(&zc_fs_type);
	return PTR_ERR_OR_ZERO(zc_mnt);
}

/**
 * zc_mapping_exit - undo zc_mapping_init(), with all inodes gone
 */
void zc_mapping_exit(void)
{
	kern_unmount(zc_mnt);
}

/**
 * zc_mapping_new - make the inode behind the mappings of an open file
 *
 * Returns: the inode, to be given back by iput(), or ERR_PTR of -ENOMEM.
 */
struct inode *zc_mapping_new(void)
{
	struct inode *inode = alloc_anon_inode(zc_mnt->mnt_sb);

	if (!IS_ERR(inode))
		i_size_write(inode, MAX_LFS_FILESIZE);
	return inode;
}

/* fork, mremap and the split of a mapping come through here. */
static void zc_vma_open(struct vm_area_struct *vma)
{
	struct zc_buffer *buf = vma->vm_private_data;

	zc_buffer_get(buf);
	WRITE_ONCE(buf->touched, jiffies);
	atomic_inc(&buf->mappings);
	if (vma->vm_flags & VM_MAYWRITE)
		atomic_inc(&buf->writers);
	trace_zc_buffer_map(buf, vma);
}

static void zc_vma_close(struct vm_area_struct *vma)
{
	struct zc_buffer *buf = vma->vm_private_data;

	if (vma->vm_flags & VM_MAYWRITE)
		zc_buffer_writer_put(buf);
	WRITE_ONCE(buf->touched, jiffies);
	trace_zc_buffer_unmap(buf, vma);
	atomic_dec(&buf->mappings);
	zc_buffer_put(buf);
}

static vm_fault_t zc_vma_fault(struct vm_fault *vmf)
{
	struct zc_buffer *buf = vmf->vma->vm_private_data;
	pgoff_t first = zc_buffer_offset(buf) >> PAGE_SHIFT;
	struct page *page = zc_buffer_page(buf, vmf->pgoff - first);
	bool sealing;

	if (!page)
		return VM_FAULT_SIGBUS;
	/* Not between zc_seal_step()'s unmapping of the page and its look at it. */
	sealing = zc_buffer_sealing(buf);
	if (sealing)
		filemap_invalidate_lock_shared(buf->inode->i_mapping);
	get_page(page);
	if (sealing)
		filemap_invalidate_unlock_shared(buf->inode->i_mapping);
	/* Ownership of the reference goes to the page table. */
	vmf->page = page;
	return 0;
}

static const struct vm_operations_struct zc_vm_ops = {
	.open = zc_vma_open,
	.close = zc_vma_close,
	.fault = zc_vma_fault,
};

/*
 * A sealed buffer has no writers, and mprotect() makes none. Who wants to write while it is
 * being sealed is told so. Who only wants to read gets his mapping in any case, and waits for
 * what it is, but once: others could seal, or try to, again and again.
 */
static int zc_vma_writer(struct vm_area_struct *vma, struct zc_buffer *buf)
{
	bool reads = !(vma->vm_flags & VM_WRITE);
	int ret;

	if (!(vma->vm_flags & VM_MAYWRITE))
		return 0;
	ret = zc_buffer_writer_get(buf);
	if (ret == -EBUSY && reads)
		ret = zc_buffer_seal_wait(buf) ?: zc_buffer_writer_get(buf);
	if (ret == -EPERM && reads) {
		vm_flags_clear(vma, VM_MAYWRITE);
		return 0;
	}
	return ret;
}

/**
 * zc_mmap_buffer - map a buffer, or a part of it
 * @vma: of a file with the buffer's f_mapping; its offset is not below the buffer's
 * @buf: buffer, a reference to which goes to the mapping, unless it is one of another
 *       file, which the buffer was imported from
 *
 * Returns: 0; -EINVAL, -EPERM (a sealed buffer, for writing), -EBUSY (one that is just being
 * sealed), -EINTR (killed), or another negative errno of the other file's, and the caller still
 * has the reference. Sleeps.
 */
int zc_mmap_buffer(struct vm_area_struct *vma, struct zc_buffer *buf)
{
	u64 offset = ((u64)vma->vm_pgoff << PAGE_SHIFT) - zc_buffer_offset(buf);
	u64 len = vma->vm_end - vma->vm_start;
	int ret;

	if (!(vma->vm_flags & VM_MAYSHARE) || offset + len > buf->mem.size)
		return -EINVAL;
	if (buf->mem.import) {
		ret = zc_import_mmap(buf->mem.import, vma, offset);
		if (!ret)
			zc_buffer_put(buf);
		return ret;
	}
	ret = zc_vma_writer(vma, buf);
	if (ret)
		return ret;
	/*
	 * Not VM_MIXEDMAP, with which the core would neither count rmap nor drop
	 * the references; not VM_IO or VM_PFNMAP, which refuse GUP.
	 */
	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_ops = &zc_vm_ops;
	vma->vm_private_data = buf;
	WRITE_ONCE(buf->touched, jiffies);
	atomic_inc(&buf->mappings);
	trace_zc_buffer_map(buf, vma);
	return 0;
}

/*
 * As long as there is the import of a file, nobody can seal that; and the core counts a mapping
 * among those that write to the file only after this. Another thread may destroy the buffer
 * until then. Files are let go of when the caller returns to user mode.
 */
static struct file *zc_mmap_hold(struct zc_buffer *buf)
{
	return buf->mem.import ? zc_share_file(buf, O_RDONLY) : NULL;
}

/**
 * zc_mmap - map a buffer of a file, or a part of it
 * @filp: file of /dev/zc
 * @vma:  shared, inside one buffer
 *
 * Returns: 0; -ENFILE or -ENOMEM (of an import), or a negative errno as of zc_mmap_buffer().
 */
int zc_mmap(struct file *filp, struct vm_area_struct *vma)
{
	struct zc_buffer *buf;
	struct file *hold;
	int ret;

	buf = zc_buffer_find_at(filp->private_data, (u64)vma->vm_pgoff << PAGE_SHIFT);
	if (!buf)
		return -EINVAL;
	hold = zc_mmap_hold(buf);
	ret = IS_ERR(hold) ? PTR_ERR(hold) : zc_mmap_buffer(vma, buf);
	if (ret)
		zc_buffer_put(buf);
	if (!IS_ERR_OR_NULL(hold))
		fput(hold);
	return ret;
}

/* hugetlb wants its pages aligned, of whatever size they are. */
static unsigned long zc_area_aligned(struct file *filp, unsigned long addr,
				     unsigned long len, unsigned long pgoff,
				     unsigned long flags, unsigned long align)
{
	unsigned long ret;

	addr = ALIGN(addr, align);
	if (addr) {
		ret = zc_mm_get_unmapped_area(filp, addr, len, pgoff, flags);
		if (ret == addr)
			return ret;
	}
	if (len > TASK_SIZE - align)
		return -ENOMEM;
	ret = zc_mm_get_unmapped_area(filp, 0, len + align, pgoff, flags);
	return IS_ERR_VALUE(ret) ? ret : ALIGN(ret, align);
}

/**
 * zc_mmap_area - pick an address for the mapping of a buffer
 * @buf:   buffer, or NULL
 * @filp:  file that is mapped
 * @addr:  hint
 * @len:   bytes
 * @pgoff: offset in pages
 * @flags: MAP_* flags
 *
 * The core aligns for 64-bit programs alone, to leave 32-bit ones their small
 * address space. A program that maps hugepages wants them aligned.
 *
 * Returns: the address or a negative errno.
 */
unsigned long zc_mmap_area(const struct zc_buffer *buf, struct file *filp,
			   unsigned long addr, unsigned long len, unsigned long pgoff,
			   unsigned long flags)
{
	unsigned long ret;

	if (buf && buf->mem.import && !(flags & MAP_FIXED))
		return zc_area_aligned(filp, addr, len, pgoff, flags,
				       zc_buffer_page_size(buf));
	if (!in_compat_syscall())
		return thp_get_unmapped_area(filp, addr, len, pgoff, flags);
	if (addr || len > TASK_SIZE - ZC_HUGE_SIZE)
		goto plain;
	ret = zc_mm_get_unmapped_area(filp, 0, len + ZC_HUGE_SIZE, pgoff, flags);
	if (IS_ERR_VALUE(ret))
		goto plain;
	return ret + (((pgoff << PAGE_SHIFT) - ret) & (ZC_HUGE_SIZE - 1));

plain:
	return zc_mm_get_unmapped_area(filp, addr, len, pgoff, flags);
}

/**
 * zc_get_unmapped_area - pick an address at which the pages fit
 * @filp:  file of /dev/zc
 * @addr:  hint
 * @len:   bytes
 * @pgoff: offset in pages
 * @flags: MAP_* flags
 *
 * Returns: the address or a negative errno.
 */
unsigned long zc_get_unmapped_area(struct file *filp, unsigned long addr,
				   unsigned long len, unsigned long pgoff,
				   unsigned long flags)
{
	struct zc_buffer *buf;
	unsigned long ret;

	buf = zc_buffer_find_at(filp->private_data, (u64)pgoff << PAGE_SHIFT);
	ret = zc_mmap_area(buf, filp, addr, len, pgoff, flags);
	if (buf)
		zc_buffer_put(buf);
	return ret;
}
