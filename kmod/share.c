// SPDX-License-Identifier: GPL-2.0-only
/*
 * A buffer as a file of its own: a descriptor that can be handed to another process, who
 * may map that buffer and send from it, and nothing else. Whoever holds it needs neither
 * the device node nor the file that made the buffer.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>

#include "compat.h"
#include "ioctl.h"
#include "zc.h"

static int zc_share_mmap(struct file *filp, struct vm_area_struct *vma)
{
	struct zc_buffer *buf = filp->private_data;
	int ret;

	if (vma->vm_pgoff >= buf->mem.size >> PAGE_SHIFT)
		return -EINVAL;
	zc_buffer_get(buf);
	/* From here on it lies among the others of its file, where sealing finds it. */
	vma->vm_pgoff += zc_buffer_offset(buf) >> PAGE_SHIFT;
	ret = zc_mmap_buffer(vma, buf);
	if (ret)
		zc_buffer_put(buf);
	return ret;
}

static unsigned long zc_share_area(struct file *filp, unsigned long addr,
				   unsigned long len, unsigned long pgoff,
				   unsigned long flags)
{
	return zc_mmap_area(filp->private_data, filp, addr, len, pgoff, flags);
}

static int zc_share_release(struct inode *inode, struct file *filp)
{
	zc_buffer_put(filp->private_data);
	return 0;
}

static const struct file_operations zc_share_fops = {
	.owner = THIS_MODULE,
	.mmap = zc_share_mmap,
	.get_unmapped_area = zc_share_area,
	.release = zc_share_release,
	.llseek = noop_llseek,
	.fsync = noop_fsync,
};

/**
 * zc_share_file - make a file of a buffer
 * @buf:   buffer, to which the file has a reference
 * @flags: O_RDONLY or O_RDWR
 *
 * Returns: the file, or ERR_PTR of -ENFILE or -ENOMEM. Sleeps.
 */
struct file *zc_share_file(struct zc_buffer *buf, int flags)
{
	struct file *filp = anon_inode_getfile("[zc]", &zc_share_fops, buf, flags);

	if (IS_ERR(filp))
		return filp;
	zc_buffer_get(buf);
	filp->f_mapping = buf->inode->i_mapping;
	return filp;
}

/**
 * zc_share_new - make a descriptor of a buffer
 * @buf:   buffer
 * @flags: ZC_SHARE_* flags, checked
 *
 * Returns: a descriptor of the caller's, or a negative errno as documented at struct
 * zc_buf_share. Sleeps.
 */
int zc_share_new(struct zc_buffer *buf, u32 flags)
{
	int fd = get_unused_fd_flags(O_CLOEXEC);
	struct file *filp;

	if (fd < 0)
		return fd;
	filp = zc_share_file(buf, flags & ZC_SHARE_RDONLY ? O_RDONLY : O_RDWR);
	if (IS_ERR(filp)) {
		put_unused_fd(fd);
		return PTR_ERR(filp);
	}
	fd_install(fd, filp);
	return fd;
}

/**
 * zc_share_find - the buffer that a descriptor is of
 * @fd: descriptor from the user
 *
 * Returns: the buffer with a reference for the caller, or ERR_PTR of -EBADF, or -EINVAL (it
 * is of something else).
 */
struct zc_buffer *zc_share_find(int fd)
{
	struct zc_buffer *buf = ERR_PTR(-EINVAL);
	struct file *filp = fget(fd);

	if (!filp)
		return ERR_PTR(-EBADF);
	if (filp->f_op == &zc_share_fops) {
		buf = filp->private_data;
		zc_buffer_get(buf);
	}
	fput(filp);
	return buf;
}
