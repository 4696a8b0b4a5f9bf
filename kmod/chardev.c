// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device node /dev/zc: open, release, and the table of ioctls with the
 * checks of their arguments.
 */
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "zc.h"

#define ZC_BUF_FLAGS	(ZC_BUF_SMALL_OK | ZC_BUF_NODE_STRICT)
#define ZC_SEND_FLAGS	(ZC_SEND_POS | ZC_SEND_NONBLOCK | ZC_SEND_NOSIGNAL | \
			 ZC_SEND_DIRECT | ZC_SEND_MORE)
#define ZC_COPY_REASONS	(ZC_COPY_NO_DIRECT | ZC_COPY_NO_SG | ZC_COPY_SOCKET)

/* The layout is the interface: the same for 32-bit and 64-bit programs. */
static_assert(sizeof(struct zc_query) == 112);
static_assert(offsetof(struct zc_query, max_buffer_size) == 40);
static_assert(offsetof(struct zc_query, buffers) == 64);
static_assert(sizeof(struct zc_buf_create) == 64);
static_assert(offsetof(struct zc_buf_create, mmap_offset) == 24);
static_assert(sizeof(struct zc_buf_query) == 72);
static_assert(offsetof(struct zc_buf_query, page_size) == 32);
static_assert(sizeof(struct zc_buf_destroy) == 32);
static_assert(sizeof(struct zc_sendfile) == 104);
static_assert(offsetof(struct zc_sendfile, sent) == 32);
static_assert(offsetof(struct zc_sendfile, huge_bytes) == 64);

static int zc_open(struct inode *inode, struct file *filp)
{
	struct zc_file *zf = kzalloc(sizeof(*zf), GFP_KERNEL_ACCOUNT);

	if (!zf)
		return -ENOMEM;
	zf->inode = zc_mapping_new();
	if (IS_ERR(zf->inode)) {
		int ret = PTR_ERR(zf->inode);

		kfree(zf);
		return ret;
	}
	mutex_init(&zf->lock);
	mt_init_flags(&zf->buffers, MT_FLAGS_ALLOC_RANGE);
	filp->f_mapping = zf->inode->i_mapping;
	filp->private_data = zf;
	return nonseekable_open(inode, filp);
}

static int zc_release(struct inode *inode, struct file *filp)
{
	struct zc_file *zf = filp->private_data;

	zc_buffer_remove_all(zf);
	iput(zf->inode);
	mutex_destroy(&zf->lock);
	kfree(zf);
	return 0;
}

static int zc_ioctl_query(struct zc_file *zf, void *data)
{
	struct zc_query *arg = data;

	if (arg->flags || memchr_inv(arg->__resv, 0, sizeof(arg->__resv)))
		return -EINVAL;
	*arg = (struct zc_query) {
		.abi = ZC_ABI_VERSION,
		.features = ZC_FEAT_BUFFER | ZC_FEAT_SENDFILE |
			    ZC_FEAT_PAGE_PATH,
		.buf_flags = ZC_BUF_FLAGS,
		.send_flags = ZC_SEND_FLAGS,
		.copy_reasons = ZC_COPY_REASONS,
		.max_buffer_size = ZC_BUFFER_SIZE_MAX,
		.max_bytes = zc_pool_limit(),
		.used_bytes = zc_pool_used(),
		.buffers = zc_buffer_count(),
		.max_handles = ZC_FILE_BUFFERS_MAX,
		.huge_size = ZC_HUGE_SIZE,
		.chunk_size = ZC_CHUNK_MAX,
		.depth = zc_transfer_depth(),
	};
	return 0;
}

static int zc_buf_create_check(const struct zc_buf_create *arg)
{
	if (arg->flags & ~ZC_BUF_FLAGS ||
	    memchr_inv(arg->__resv, 0, sizeof(arg->__resv)))
		return -EINVAL;
	if (!arg->size || arg->size > ZC_BUFFER_SIZE_MAX)
		return -EINVAL;
	if (arg->node == ZC_NODE_ANY && (arg->flags & ZC_BUF_NODE_STRICT))
		return -EINVAL;
	return zc_pool_node_check(arg->node);
}

static int zc_ioctl_buf_create(struct zc_file *zf, void *data)
{
	struct zc_buf_create *arg = data;
	struct zc_buffer *buf;
	int ret;

	static_assert(ZC_NODE_ANY == NUMA_NO_NODE);
	ret = zc_buf_create_check(arg);
	if (ret)
		return ret;
	buf = zc_buffer_new(arg->size, arg->flags, arg->node);
	if (IS_ERR(buf))
		return PTR_ERR(buf);
	/* Others may destroy the handle as soon as it exists. */
	zc_buffer_get(buf);
	ret = zc_buffer_publish(zf, buf);
	if (ret) {
		zc_buffer_put(buf);
	} else {
		arg->size = buf->size;
		arg->node = buf->node;
		arg->handle = buf->handle;
		arg->page_size = zc_buffer_page_size(buf);
		arg->mmap_offset = zc_buffer_offset(buf);
		arg->huge_bytes = buf->huge_bytes;
	}
	zc_buffer_put(buf);
	return ret;
}

static void zc_undo_buf_create(struct zc_file *zf, void *data)
{
	const struct zc_buf_create *arg = data;

	zc_buffer_remove(zf, arg->handle);
}

static int zc_ioctl_buf_query(struct zc_file *zf, void *data)
{
	struct zc_buf_query *arg = data;
	struct zc_buffer *buf;

	if (arg->__pad || memchr_inv(arg->__resv, 0, sizeof(arg->__resv)))
		return -EINVAL;
	buf = zc_buffer_find(zf, arg->handle);
	if (!buf)
		return -ENOENT;
	arg->flags = buf->flags;
	arg->size = buf->size;
	arg->mmap_offset = zc_buffer_offset(buf);
	arg->huge_bytes = buf->huge_bytes;
	arg->page_size = zc_buffer_page_size(buf);
	arg->node = buf->node;
	arg->mappings = atomic_read(&buf->mappings);
	zc_buffer_put(buf);
	return 0;
}

static int zc_ioctl_buf_destroy(struct zc_file *zf, void *data)
{
	const struct zc_buf_destroy *arg = data;

	if (arg->flags || memchr_inv(arg->__resv, 0, sizeof(arg->__resv)))
		return -EINVAL;
	return zc_buffer_remove(zf, arg->handle);
}

static int zc_ioctl_sendfile(struct zc_file *zf, void *data)
{
	struct zc_sendfile *arg = data;

	if (arg->flags & ~ZC_SEND_FLAGS ||
	    memchr_inv(arg->__resv, 0, sizeof(arg->__resv)))
		return -EINVAL;
	if (arg->offset > LLONG_MAX)
		return -EINVAL;
	if ((arg->flags & ZC_SEND_POS) && arg->offset)
		return -EINVAL;
	arg->error = 0;
	arg->sent = 0;
	arg->copied = 0;
	arg->copy_reasons = 0;
	arg->chunks = 0;
	arg->cached = 0;
	arg->huge_bytes = 0;
	return zc_transfer_sendfile(arg);
}

/**
 * struct zc_ioctl - one ioctl
 * @cmd:   command number, with the present size of its structure
 * @min:   size of the first version of the structure
 * @fn:    does it
 * @undo:  takes it back where the result cannot be written, or NULL
 * @always: the result is written on failure too, and cannot be taken back: see
 *         that it can be written before anything is done
 */
struct zc_ioctl {
	unsigned int cmd;
	size_t min;
	int (*fn)(struct zc_file *zf, void *data);
	void (*undo)(struct zc_file *zf, void *data);
	bool always;
};

static const struct zc_ioctl zc_ioctls[] = {
	{
		.cmd = ZC_IOC_QUERY,
		.min = 112,
		.fn = zc_ioctl_query,
	}, {
		.cmd = ZC_IOC_BUF_CREATE,
		.min = 64,
		.fn = zc_ioctl_buf_create,
		.undo = zc_undo_buf_create,
	}, {
		.cmd = ZC_IOC_BUF_QUERY,
		.min = 72,
		.fn = zc_ioctl_buf_query,
	}, {
		.cmd = ZC_IOC_BUF_DESTROY,
		.min = 32,
		.fn = zc_ioctl_buf_destroy,
	}, {
		.cmd = ZC_IOC_SENDFILE,
		.min = 104,
		.fn = zc_ioctl_sendfile,
		.always = true,
	},
};

/* Room for the largest structure. */
union zc_ioctl_data {
	struct zc_query query;
	struct zc_buf_create buf_create;
	struct zc_buf_query buf_query;
	struct zc_buf_destroy buf_destroy;
	struct zc_sendfile sendfile;
};

static int zc_ioctl_call(const struct zc_ioctl *ioc, struct zc_file *zf,
			 void __user *user, size_t usize)
{
	size_t ksize = _IOC_SIZE(ioc->cmd);
	size_t size = min(usize, ksize);
	union zc_ioctl_data data;
	int ret;

	if (usize < ioc->min)
		return -EINVAL;
	ret = copy_struct_from_user(&data, ksize, user, usize);
	if (ret)
		return ret;
	if (ioc->always && copy_to_user(user, &data, size))
		return -EFAULT;
	ret = ioc->fn(zf, &data);
	if (ret && !ioc->always)
		return ret;
	if (copy_to_user(user, &data, size)) {
		if (!ret && ioc->undo)
			ioc->undo(zf, &data);
		return -EFAULT;
	}
	return ret;
}

static long zc_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	const unsigned int mask = ~(_IOC_SIZEMASK << _IOC_SIZESHIFT);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(zc_ioctls); i++)
		if ((zc_ioctls[i].cmd & mask) == (cmd & mask))
			return zc_ioctl_call(&zc_ioctls[i], filp->private_data,
					     (void __user *)arg, _IOC_SIZE(cmd));
	return -ENOTTY;
}

static const struct file_operations zc_fops = {
	.owner = THIS_MODULE,
	.open = zc_open,
	.release = zc_release,
	.unlocked_ioctl = zc_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = zc_mmap,
	.get_unmapped_area = zc_get_unmapped_area,
	.fsync = noop_fsync,
};

static struct miscdevice zc_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "zc",
	.fops = &zc_fops,
	.mode = 0660,
};

/**
 * zc_chardev_init - make the device node
 *
 * From here on the module is in use.
 *
 * Returns: 0 or a negative errno.
 */
int zc_chardev_init(void)
{
	return misc_register(&zc_misc);
}

/**
 * zc_chardev_exit - undo zc_chardev_init()
 */
void zc_chardev_exit(void)
{
	misc_deregister(&zc_misc);
}
