// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device node /dev/zc: open, release, and the table of ioctls; those that only ask
 * are done here.
 */
#include <linux/fdtable.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "async.h"
#include "compat.h"
#include "ioctl.h"
#include "pool.h"
#include "stats.h"
#include "words.h"
#include "zc.h"

/* The layout is the interface: the same for 32-bit and 64-bit programs. */
static_assert(sizeof(struct zc_query) == 112);
static_assert(offsetof(struct zc_query, max_buffer_size) == 40);
static_assert(offsetof(struct zc_query, buffers) == 64);
static_assert(offsetof(struct zc_query, parked_bytes) == 96);
static_assert(sizeof(struct zc_stats) == 128);
static_assert(sizeof(struct zc_node_query) == 80);
static_assert(offsetof(struct zc_node_query, reserve_bytes) == 16);
static_assert(sizeof(struct zc_buf_create) == 64);
static_assert(offsetof(struct zc_buf_create, mmap_offset) == 24);
static_assert(sizeof(struct zc_buf_import) == 72);
static_assert(offsetof(struct zc_buf_import, mmap_offset) == 32);
static_assert(sizeof(struct zc_buf_query) == 72);
static_assert(offsetof(struct zc_buf_query, page_size) == 32);
static_assert(sizeof(struct zc_buf_destroy) == 32);
static_assert(sizeof(struct zc_buf_seal) == 32);
static_assert(sizeof(struct zc_buf_info) == 264);
static_assert(offsetof(struct zc_buf_info, size) == 40);
static_assert(offsetof(struct zc_buf_info, holders) == 104);
static_assert(sizeof(struct zc_buf_share) == 32);
static_assert(sizeof(struct zc_buf_export) == 32);
static_assert(sizeof(struct zc_buf_sync) == 40);
static_assert(sizeof(struct zc_dma_query) == 144);
static_assert(offsetof(struct zc_dma_query, mask) == 112);
static_assert(sizeof(struct zc_dma_attach) == 80);
static_assert(sizeof(struct zc_dma_detach) == 32);
static_assert(sizeof(struct zc_dma_map) == 48);
static_assert(sizeof(struct zc_dma_unmap) == 32);
static_assert(sizeof(struct zc_dma_segments) == 296);
static_assert(sizeof(struct zc_dma_measure) == 88);
static_assert(sizeof(struct zc_send) == 96);
static_assert(offsetof(struct zc_send, sent) == 40);
static_assert(offsetof(struct zc_send, paths) == 64);
static_assert(sizeof(struct zc_event) == 64);
static_assert(offsetof(struct zc_event, sent) == 16);
static_assert(offsetof(struct zc_event, offset) == 40);
static_assert(sizeof(struct zc_cancel) == 32);
static_assert(sizeof(struct zc_uring_cmd) == 16);
static_assert(sizeof(struct zc_sendfile) == 104);
static_assert(offsetof(struct zc_sendfile, sent) == 32);
static_assert(offsetof(struct zc_sendfile, huge_bytes) == 64);
static_assert(offsetof(struct zc_sendfile, paths) == 80);

static void zc_file_free(struct kref *ref)
{
	kfree(container_of(ref, struct zc_file, ref));
}

/**
 * zc_file_put - drop a reference; the last one frees what is left of the file
 * @zf: file. Any context.
 */
void zc_file_put(struct zc_file *zf)
{
	kref_put(&zf->ref, zc_file_free);
}

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
	kref_init(&zf->ref);
	zf->writable = filp->f_mode & FMODE_WRITE;
	zc_buffer_open(zf);
	zc_event_open(zf);
	INIT_LIST_HEAD(&zf->ops);
	filp->f_mapping = zf->inode->i_mapping;
	filp->private_data = zf;
	return nonseekable_open(inode, filp);
}

static int zc_release(struct inode *inode, struct file *filp)
{
	struct zc_file *zf = filp->private_data;

	zc_event_close(zf);
	zc_op_cancel(zf, NULL, NULL);
	zc_buffer_close(zf);
	iput(zf->inode);
	zc_file_put(zf);
	return 0;
}

static int zc_ioctl_query(struct zc_file *zf, void *data)
{
	struct zc_query *arg = data;

	if (arg->flags || arg->__resv)
		return -EINVAL;
	zc_spare_reap(UINT_MAX);
	zc_slab_reap();
	*arg = (struct zc_query) {
		.abi = ZC_ABI_VERSION,
		.features = ZC_FEATURES,
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
		.held_bytes = zc_spare_held_bytes(),
		.parked_bytes = zc_park_bytes(),
	};
	return 0;
}

static int zc_ioctl_stats(struct zc_file *zf, void *data)
{
	struct zc_stats *arg = data;

	if (arg->flags || arg->__pad || zc_any_set(arg->__resv, ARRAY_SIZE(arg->__resv)))
		return -EINVAL;
	*arg = (struct zc_stats) {
		.made = zc_stat_read(ZC_STAT_MADE),
		.again = zc_stat_read(ZC_STAT_AGAIN),
		.refused_limit = zc_stat_read(ZC_STAT_NO_LIMIT),
		.refused_memlock = zc_stat_read(ZC_STAT_NO_MEMLOCK),
		.refused_cgroup = zc_stat_read(ZC_STAT_NO_CGROUP),
		.refused_memory = zc_stat_read(ZC_STAT_NO_MEMORY),
		.refused_handle = zc_stat_read(ZC_STAT_NO_HANDLE),
		.reserved = zc_stat_read(ZC_STAT_RESERVE),
		.told_held = zc_stat_read(ZC_STAT_HELD),
		.told_idle = zc_stat_read(ZC_STAT_IDLE),
	};
	return 0;
}

static int zc_ioctl_node_query(struct zc_file *zf, void *data)
{
	struct zc_node_query *arg = data;
	int ret, next;

	if (arg->flags || zc_any_set(arg->__resv, ARRAY_SIZE(arg->__resv)))
		return -EINVAL;
	ret = arg->node < 0 ? -EINVAL : zc_pool_node_check(arg->node);
	if (ret)
		return ret;
	zc_reserve_query(arg->node, arg);
	next = next_node(arg->node, node_states[N_MEMORY]);
	arg->next = next < MAX_NUMNODES ? next : -1;
	return 0;
}

static const struct file_operations zc_fops;

static int zc_is_file(const void *zf, struct file *filp, unsigned int fd)
{
	return filp->f_op == &zc_fops && filp->private_data == zf;
}

/**
 * zc_file_has_fd - has the caller's process a descriptor of a file?
 * @zf: file
 *
 * Returns: true if so. Any context of a process.
 */
bool zc_file_has_fd(const struct zc_file *zf)
{
	return iterate_fd(current->files, 0, zc_is_file, zf);
}

/**
 * struct zc_ioctl - one ioctl
 * @cmd:   command number, with the present size of its structure
 * @min:   size of the first version of the structure
 * @fn:    does it
 * @undo:  takes it back where the result cannot be written, or NULL
 * @always: the result is written on failure too, and cannot be taken back: see
 *         that it can be written before anything is done
 * @silent: there is no result
 */
struct zc_ioctl {
	unsigned int cmd;
	size_t min;
	int (*fn)(struct zc_file *zf, void *data);
	void (*undo)(struct zc_file *zf, void *data);
	bool always;
	bool silent;
};

static const struct zc_ioctl zc_ioctls[] = {
	[_IOC_NR(ZC_IOC_QUERY)] = {
		.cmd = ZC_IOC_QUERY,
		.min = 112,
		.fn = zc_ioctl_query,
	},
	[_IOC_NR(ZC_IOC_STATS)] = {
		.cmd = ZC_IOC_STATS,
		.min = 128,
		.fn = zc_ioctl_stats,
	},
	[_IOC_NR(ZC_IOC_NODE_QUERY)] = {
		.cmd = ZC_IOC_NODE_QUERY,
		.min = 80,
		.fn = zc_ioctl_node_query,
	},
	[_IOC_NR(ZC_IOC_BUF_CREATE)] = {
		.cmd = ZC_IOC_BUF_CREATE,
		.min = 64,
		.fn = zc_ioctl_buf_create,
		.undo = zc_undo_buf_create,
	},
	[_IOC_NR(ZC_IOC_BUF_QUERY)] = {
		.cmd = ZC_IOC_BUF_QUERY,
		.min = 72,
		.fn = zc_ioctl_buf_query,
	},
	[_IOC_NR(ZC_IOC_BUF_DESTROY)] = {
		.cmd = ZC_IOC_BUF_DESTROY,
		.min = 32,
		.fn = zc_ioctl_buf_destroy,
		.silent = true,
	},
	[_IOC_NR(ZC_IOC_BUF_SEAL)] = {
		.cmd = ZC_IOC_BUF_SEAL,
		.min = 32,
		.fn = zc_ioctl_buf_seal,
		.silent = true,
	},
	[_IOC_NR(ZC_IOC_BUF_INFO)] = {
		.cmd = ZC_IOC_BUF_INFO,
		.min = 264,
		.fn = zc_ioctl_buf_info,
	},
	[_IOC_NR(ZC_IOC_BUF_SHARE)] = {
		.cmd = ZC_IOC_BUF_SHARE,
		.min = 32,
		.fn = zc_ioctl_buf_share,
		.undo = zc_undo_buf_share,
	},
	[_IOC_NR(ZC_IOC_BUF_IMPORT)] = {
		.cmd = ZC_IOC_BUF_IMPORT,
		.min = 72,
		.fn = zc_ioctl_buf_import,
		.undo = zc_undo_buf_import,
	},
	[_IOC_NR(ZC_IOC_BUF_EXPORT)] = {
		.cmd = ZC_IOC_BUF_EXPORT,
		.min = 32,
		.fn = zc_ioctl_buf_export,
		.undo = zc_undo_buf_export,
	},
	[_IOC_NR(ZC_IOC_BUF_SYNC)] = {
		.cmd = ZC_IOC_BUF_SYNC,
		.min = 40,
		.fn = zc_ioctl_buf_sync,
		.silent = true,
	},
	[_IOC_NR(ZC_IOC_SENDFILE)] = {
		.cmd = ZC_IOC_SENDFILE,
		.min = 104,
		.fn = zc_ioctl_sendfile,
		.always = true,
	},
	[_IOC_NR(ZC_IOC_SEND)] = {
		.cmd = ZC_IOC_SEND,
		.min = 96,
		.fn = zc_ioctl_send,
		.always = true,
	},
	[_IOC_NR(ZC_IOC_CANCEL)] = {
		.cmd = ZC_IOC_CANCEL,
		.min = 32,
		.fn = zc_ioctl_cancel,
		.always = true,
	},
	[_IOC_NR(ZC_IOC_DMA_QUERY)] = {
		.cmd = ZC_IOC_DMA_QUERY,
		.min = 144,
		.fn = zc_ioctl_dma_query,
	},
	[_IOC_NR(ZC_IOC_DMA_ATTACH)] = {
		.cmd = ZC_IOC_DMA_ATTACH,
		.min = 80,
		.fn = zc_ioctl_dma_attach,
		.undo = zc_undo_dma_attach,
	},
	[_IOC_NR(ZC_IOC_DMA_DETACH)] = {
		.cmd = ZC_IOC_DMA_DETACH,
		.min = 32,
		.fn = zc_ioctl_dma_detach,
		.silent = true,
	},
	[_IOC_NR(ZC_IOC_DMA_MAP)] = {
		.cmd = ZC_IOC_DMA_MAP,
		.min = 48,
		.fn = zc_ioctl_dma_map,
		.undo = zc_undo_dma_map,
	},
	[_IOC_NR(ZC_IOC_DMA_UNMAP)] = {
		.cmd = ZC_IOC_DMA_UNMAP,
		.min = 32,
		.fn = zc_ioctl_dma_unmap,
		.silent = true,
	},
	[_IOC_NR(ZC_IOC_DMA_SEGMENTS)] = {
		.cmd = ZC_IOC_DMA_SEGMENTS,
		.min = 296,
		.fn = zc_ioctl_dma_segments,
	},
	[_IOC_NR(ZC_IOC_DMA_MEASURE)] = {
		.cmd = ZC_IOC_DMA_MEASURE,
		.min = 88,
		.fn = zc_ioctl_dma_measure,
	},
};

/* Room for the largest structure. */
union zc_ioctl_data {
	struct zc_query query;
	struct zc_stats stats;
	struct zc_node_query node_query;
	struct zc_buf_create buf_create;
	struct zc_buf_import buf_import;
	struct zc_buf_query buf_query;
	struct zc_buf_destroy buf_destroy;
	struct zc_buf_seal buf_seal;
	struct zc_buf_info buf_info;
	struct zc_buf_share buf_share;
	struct zc_buf_export buf_export;
	struct zc_buf_sync buf_sync;
	struct zc_dma_query dma_query;
	struct zc_dma_attach dma_attach;
	struct zc_dma_detach dma_detach;
	struct zc_dma_map dma_map;
	struct zc_dma_unmap dma_unmap;
	struct zc_dma_segments dma_segments;
	struct zc_dma_measure dma_measure;
	struct zc_send send;
	struct zc_cancel cancel;
	struct zc_sendfile sendfile;
};

/* Will what was read there be written over? It spans no more than two pages. */
static bool zc_user_writable(u8 __user *user, const u8 *data, size_t size)
{
	return !put_user(data[0], user) && !put_user(data[size - 1], user + size - 1);
}

/* What is moved most is of a size that the compiler knows. */
static int zc_ioctl_read(union zc_ioctl_data *data, size_t ksize, void __user *user,
			 size_t usize)
{
	u64 *words = (u64 *)data;

	if (usize != ksize)
		return copy_struct_from_user(data, ksize, user, usize);
	switch (ksize) {
	case sizeof(struct zc_buf_destroy):
		return zc_words_get(words, user, sizeof(struct zc_buf_destroy));
	case sizeof(struct zc_buf_create):
		return zc_words_get(words, user, sizeof(struct zc_buf_create));
	case sizeof(struct zc_sendfile):
		return zc_words_get(words, user, sizeof(struct zc_sendfile));
	}
	return copy_from_user(data, user, ksize) ? -EFAULT : 0;
}

static int zc_ioctl_write(const union zc_ioctl_data *data, void __user *user, size_t size)
{
	const u64 *words = (const u64 *)data;

	switch (size) {
	case sizeof(struct zc_buf_create):
		return zc_words_put(user, words, sizeof(struct zc_buf_create));
	case sizeof(struct zc_sendfile):
		return zc_words_put(user, words, sizeof(struct zc_sendfile));
	}
	return copy_to_user(user, data, size) ? -EFAULT : 0;
}

static int zc_ioctl_call(const struct zc_ioctl *ioc, struct zc_file *zf,
			 void __user *user, size_t usize)
{
	size_t ksize = _IOC_SIZE(ioc->cmd);
	size_t size = min(usize, ksize);
	/* All that is used of it is read from the user first. */
	union zc_ioctl_data data ZC_UNINITIALIZED;
	int ret;

	if (usize < ioc->min)
		return -EINVAL;
	ret = zc_ioctl_read(&data, ksize, user, usize);
	if (ret)
		return ret;
	if (ioc->always && !zc_user_writable(user, (u8 *)&data, size))
		return -EFAULT;
	ret = ioc->fn(zf, &data);
	if (ioc->silent || (ret && !ioc->always))
		return ret;
	if (zc_ioctl_write(&data, user, size)) {
		if (!ret && ioc->undo)
			ioc->undo(zf, &data);
		return -EFAULT;
	}
	return ret;
}

static long zc_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	const unsigned int mask = ~(_IOC_SIZEMASK << _IOC_SIZESHIFT);
	unsigned int nr = _IOC_NR(cmd);
	const struct zc_ioctl *ioc;

	if (nr >= ARRAY_SIZE(zc_ioctls))
		return -ENOTTY;
	ioc = &zc_ioctls[array_index_nospec(nr, ARRAY_SIZE(zc_ioctls))];
	if ((ioc->cmd ^ cmd) & mask)
		return -ENOTTY;
	return zc_ioctl_call(ioc, filp->private_data, (void __user *)arg, _IOC_SIZE(cmd));
}

/*
 * A descriptor is closed. Commands of io_uring keep the file open: those of a
 * process that dies are canceled here. So are, with the last descriptor that a process
 * has of it, transfers that could keep it open, see zc_socket_cyclic(): a process loses
 * a descriptor in no other way.
 */
static int zc_flush(struct file *filp, fl_owner_t id)
{
	struct zc_file *zf = filp->private_data;

	if (current->flags & PF_EXITING)
		zc_cancel_owner(zf, id);
	else if (id != current->files || !zc_file_has_fd(zf))
		zc_cancel_cyclic(zf, id);
	return 0;
}

static const struct file_operations zc_fops = {
	.owner = THIS_MODULE,
	.open = zc_open,
	.flush = zc_flush,
	.release = zc_release,
	.read = zc_event_read,
	.poll = zc_event_poll,
	.unlocked_ioctl = zc_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.uring_cmd = zc_uring,
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
	int ret = misc_register(&zc_misc);

	if (!ret)
		zc_guard_start(&zc_misc.this_device->kobj);
	return ret;
}

/**
 * zc_chardev_exit - undo zc_chardev_init()
 */
void zc_chardev_exit(void)
{
	zc_guard_stop();
	misc_deregister(&zc_misc);
}
