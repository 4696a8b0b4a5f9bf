/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the kernels that zc builds for, Linux 6.1 to 7.3. The
 * rest of the module is written for the newest one; version checks stand here
 * and nowhere else. Each says since when the new way exists, and so when the old
 * one may go.
 */
#ifndef _ZC_COMPAT_H
#define _ZC_COMPAT_H

#include <linux/bvec.h>
#include <linux/device.h>
#include <linux/dma-buf.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/netdevice.h>
#include <linux/pagemap.h>
#include <linux/sched/isolation.h>
#include <linux/sched/mm.h>
#include <linux/shrinker.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/socket.h>
#include <linux/skbuff.h>
#include <linux/uio.h>
#include <linux/version.h>
#include <net/genetlink.h>
#include <net/sock.h>

/* Its header got a folder of its own in 6.7. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
#include <linux/io_uring.h>
#else
#include <linux/io_uring/cmd.h>
#endif

/* struct folio_batch moved house after 6.12. */
#ifdef __has_include
#if __has_include("linux/folio_batch.h")
#define ZC_FOLIO_BATCH_H "linux/folio_batch.h"
#endif
#endif
#ifndef ZC_FOLIO_BATCH_H
#define ZC_FOLIO_BATCH_H "linux/pagevec.h"
#endif
#include ZC_FOLIO_BATCH_H

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "zc needs Linux 6.1 or later"
#endif

/*
 * Kernels are built to zero what stands on the stack, where it is declared. For what is
 * written to at once that is work for nothing. GCC 12 and Clang let it be.
 */
#if __has_attribute(uninitialized)
#define ZC_UNINITIALIZED	__attribute__((uninitialized))
#else
#define ZC_UNINITIALIZED
#endif

/*
 * filemap_get_folios_contig() takes the rest of a large folio that has just come in the
 * place of a small one for a folio of its own, and crashes; not since 6.12. Here the
 * caller looks whether they are in a row.
 */
static inline unsigned int zc_get_folios_contig(struct address_space *mapping,
						pgoff_t *start, pgoff_t end,
						struct folio_batch *batch)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
	return filemap_get_folios(mapping, start, min(end, *start + SZ_1M / PAGE_SIZE),
				  batch);
#else
	return filemap_get_folios_contig(mapping, start, end, batch);
#endif
}

/* vm_flags became read-only, with setters, in 6.3. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
static inline void vm_flags_set(struct vm_area_struct *vma, unsigned long flags)
{
	vma->vm_flags |= flags;
}

static inline void vm_flags_clear(struct vm_area_struct *vma,
				  unsigned long flags)
{
	vma->vm_flags &= ~flags;
}
#endif

/**
 * zc_file_get - the file of a descriptor
 * @fd:    descriptor from the user
 * @stays: is needed after the call that it was given to
 * @ref:   set if a reference was taken, to be given back by fput(). Else nobody can
 *         close it until the call returns
 *
 * struct fd became one word in 6.12.
 *
 * Returns: the file, or NULL.
 */
static inline struct file *zc_file_get(int fd, bool stays, bool *ref)
{
	struct fd f;

	*ref = true;
	if (stays)
		return fget(fd);
	f = fdget(fd);
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
	*ref = f.flags & FDPUT_FPUT;
	return f.file;
#else
	*ref = f.word & FDPUT_FPUT;
	return fd_file(f);
#endif
}

/**
 * zc_mm_get_unmapped_area - pick an address for a mapping of the caller
 * @filp:  file
 * @addr:  hint
 * @len:   bytes
 * @pgoff: offset in pages
 * @flags: MAP_* flags
 *
 * mm_get_unmapped_area() came in 6.10, and lost its mm argument in 6.19.
 *
 * Returns: the address or a negative errno.
 */
static inline unsigned long zc_mm_get_unmapped_area(struct file *filp,
						    unsigned long addr,
						    unsigned long len,
						    unsigned long pgoff,
						    unsigned long flags)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
	return current->mm->get_unmapped_area(filp, addr, len, pgoff, flags);
#elif LINUX_VERSION_CODE < KERNEL_VERSION(6, 19, 0)
	return mm_get_unmapped_area(current->mm, filp, addr, len, pgoff, flags);
#else
	return mm_get_unmapped_area(filp, addr, len, pgoff, flags);
#endif
}

/* call_mmap() became vfs_mmap() in 6.17. */
static inline int zc_call_mmap(struct file *filp, struct vm_area_struct *vma)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
	return call_mmap(filp, vma);
#else
	return vfs_mmap(filp, vma);
#endif
}

/*
 * A bus became const to those who look for its devices, and to those who are told of them,
 * in 6.9 at the latest.
 */
static inline struct device *zc_bus_find(const struct bus_type *bus, const char *name)
{
	return bus_find_device_by_name((void *)bus, NULL, name);
}

static inline int zc_bus_watch(const struct bus_type *bus, struct notifier_block *nb)
{
	return bus_register_notifier((void *)bus, nb);
}

static inline void zc_bus_unwatch(const struct bus_type *bus, struct notifier_block *nb)
{
	bus_unregister_notifier((void *)bus, nb);
}

/* Who maps a dma-buf for the kernel must hold its lock since 6.2. */
#ifdef CONFIG_DMA_SHARED_BUFFER
static inline int zc_dma_buf_vmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
	return dma_buf_vmap(dmabuf, map);
#else
	return dma_buf_vmap_unlocked(dmabuf, map);
#endif
}

static inline void zc_dma_buf_vunmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
	dma_buf_vunmap(dmabuf, map);
#else
	dma_buf_vunmap_unlocked(dmabuf, map);
#endif
}
#endif

/* For each page udmabuf maps the first one of its folio, from 6.11 on; not since 6.15. */
#define ZC_UDMABUF_MAPS_HEADS	(LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0) && \
				 LINUX_VERSION_CODE < KERNEL_VERSION(6, 15, 0))

/* Namespaces of symbols became strings in 6.13. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
#define ZC_IMPORT_NS_DMA_BUF	MODULE_IMPORT_NS(DMA_BUF)
#else
#define ZC_IMPORT_NS_DMA_BUF	MODULE_IMPORT_NS("DMA_BUF")
#endif

/**
 * zc_unix_send_pages - send parts of folios on a unix socket by reference
 * @sock:  a unix stream socket
 * @iter:  the bytes, an ITER_BVEC; the socket takes references of its own
 * @flags: MSG_* flags
 *
 * MSG_SPLICE_PAGES came in 6.5 and replaced sendpage(), which takes a page at a
 * time.
 *
 * Returns: bytes taken by the socket, or a negative errno. May sleep.
 */
static inline ssize_t zc_unix_send_pages(struct socket *sock,
					 const struct iov_iter *iter, int flags)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
	struct iov_iter from = *iter;
	size_t done = 0;
	ssize_t ret;

	/*
	 * A unix socket appends to its last skb without a look at the send
	 * buffer until the frags are used up: small frags keep it bounded.
	 */
	while (iov_iter_count(&from)) {
		size_t off = from.bvec->bv_offset + from.iov_offset;
		struct page *page = from.bvec->bv_page + (off >> PAGE_SHIFT);
		size_t n = min3(iov_iter_count(&from),
				from.bvec->bv_len - from.iov_offset,
				PAGE_SIZE - offset_in_page(off));
		bool last = n == iov_iter_count(&from) && !(flags & MSG_MORE);

		ret = kernel_sendpage(sock, page, offset_in_page(off), n,
				      flags | (last ? 0 :
					       MSG_MORE | MSG_SENDPAGE_NOTLAST));
		if (ret <= 0)
			return done ?: ret;
		done += ret;
		iov_iter_advance(&from, ret);
	}
	return done;
#else
	struct msghdr msg = {
		.msg_flags = flags | MSG_SPLICE_PAGES,
		.msg_iter = *iter,
	};

	return sock_sendmsg(sock, &msg);
#endif
}

/* The callback of a ubuf_info moved to an ops structure in 6.10. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
#define ZC_UBUF_CALLBACK(ubuf, fn)	((ubuf)->callback = (fn))
#else
#define ZC_UBUF_CALLBACK(ubuf, fn) do {					\
	static const struct ubuf_info_ops zc_ops = { .complete = (fn) };	\
									\
	(ubuf)->ops = &zc_ops;						\
} while (0)
#endif

/* sink.c */
int zc_skb_fill(struct sk_buff *skb, struct iov_iter *from, size_t length);

/*
 * msghdr::sg_from_iter lost its socket in 6.11, when its caller took over the
 * charge to the send buffer.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)
static inline int zc_sg_from_iter(struct sock *sk, struct sk_buff *skb,
				  struct iov_iter *from, size_t length)
{
	unsigned int before = skb->truesize;
	int ret = zc_skb_fill(skb, from, length);

	sk_wmem_queued_add(sk, skb->truesize - before);
	if (!skb_zcopy_pure(skb))
		sk_mem_charge(sk, skb->truesize - before);
	return ret;
}
#else
static inline int zc_sg_from_iter(struct sk_buff *skb, struct iov_iter *from,
				  size_t length)
{
	return zc_skb_fill(skb, from, length);
}
#endif

/**
 * zc_shrinker_new - register a shrinker
 * @name:  for debugfs
 * @count: see struct shrinker
 * @scan:  see struct shrinker
 *
 * Shrinkers are allocated by the core since 6.7.
 *
 * Returns: the shrinker, to be given to zc_shrinker_free(), or ERR_PTR.
 */
static inline struct shrinker *
zc_shrinker_new(const char *name,
		unsigned long (*count)(struct shrinker *, struct shrink_control *),
		unsigned long (*scan)(struct shrinker *, struct shrink_control *))
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
	struct shrinker *shrinker = kzalloc(sizeof(*shrinker), GFP_KERNEL);
	int ret;

	if (!shrinker)
		return ERR_PTR(-ENOMEM);
	shrinker->count_objects = count;
	shrinker->scan_objects = scan;
	shrinker->seeks = DEFAULT_SEEKS;
	shrinker->flags = SHRINKER_NUMA_AWARE;
	ret = register_shrinker(shrinker, "%s", name);
	if (ret) {
		kfree(shrinker);
		return ERR_PTR(ret);
	}
#else
	struct shrinker *shrinker = shrinker_alloc(SHRINKER_NUMA_AWARE, "%s", name);

	if (!shrinker)
		return ERR_PTR(-ENOMEM);
	shrinker->count_objects = count;
	shrinker->scan_objects = scan;
	shrinker_register(shrinker);
#endif
	return shrinker;
}

static inline void zc_shrinker_free(struct shrinker *shrinker)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
	unregister_shrinker(shrinker);
	kfree(shrinker);
#else
	shrinker_free(shrinker);
#endif
}

/**
 * zc_netdev_dummy_new - get a device for NAPI alone
 *
 * alloc_netdev_dummy() came in 6.10; later, what it replaced went.
 *
 * Returns: the device, to be given to zc_netdev_dummy_free(), or NULL.
 */
static inline struct net_device *zc_netdev_dummy_new(void)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
	struct net_device *dev = kvzalloc(sizeof(*dev), GFP_KERNEL);

	if (dev)
		init_dummy_netdev(dev);
	return dev;
#else
	return alloc_netdev_dummy(0);
#endif
}

static inline void zc_netdev_dummy_free(struct net_device *dev)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
	kvfree(dev);
#else
	free_netdev(dev);
#endif
}

/*
 * struct genl_split_ops, of which the netlink family's table is generated, came in 6.2. Its
 * bind, by which the module learns that somebody listens, came in 6.10.
 */
#define ZC_GENL_OPS_MAX	16

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
struct genl_split_ops {
	int (*doit)(struct sk_buff *skb, struct genl_info *info);
	int (*start)(struct netlink_callback *cb);
	int (*dumpit)(struct sk_buff *skb, struct netlink_callback *cb);
	int (*done)(struct netlink_callback *cb);
	const struct nla_policy *policy;
	unsigned int maxattr;
	u8 cmd;
	u8 flags;
};

/* Of a command that answers to both, the two stand together and take the same attributes. */
static inline void zc_genl_set_ops(struct genl_family *family,
				   const struct genl_split_ops *split, size_t nr)
{
	static struct genl_ops ops[ZC_GENL_OPS_MAX];
	struct genl_ops *op = ops - 1;
	size_t i;

	for (i = 0; i < nr; i++) {
		if (!i || split[i].cmd != split[i - 1].cmd)
			op++;
		op->cmd = split[i].cmd;
		op->policy = split[i].policy;
		op->maxattr = split[i].maxattr;
		op->doit = split[i].doit ?: op->doit;
		op->start = split[i].start ?: op->start;
		op->dumpit = split[i].dumpit ?: op->dumpit;
		op->done = split[i].done ?: op->done;
	}
	family->ops = ops;
	family->n_ops = op + 1 - ops;
}
#else
static inline void zc_genl_set_ops(struct genl_family *family,
				   const struct genl_split_ops *split, size_t nr)
{
	family->split_ops = split;
	family->n_split_ops = nr;
}
#endif

#define ZC_GENL_BINDS		(LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0))

static inline void zc_genl_set_bind(struct genl_family *family, int (*bind)(int group))
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
	family->bind = bind;
#endif
}

/**
 * zc_dump_attrs - the attributes of a request for a dump
 * @cb: request
 *
 * They moved in 6.6.
 *
 * Returns: the attributes, by number.
 */
static inline struct nlattr **zc_dump_attrs(struct netlink_callback *cb)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
	return genl_dumpit_info(cb)->attrs;
#else
	return genl_dumpit_info(cb)->info.attrs;
#endif
}

/*
 * In a command's own space: the result, from its end to the task that reaps it,
 * and its transfer, as long as there is one.
 */
struct zc_op;

struct zc_uring_pdu {
	int ret;
	u64 res2;
	struct zc_op *op;
};

static inline struct zc_uring_pdu *zc_uring_pdu(struct io_uring_cmd *ucmd)
{
	static_assert(sizeof(struct zc_uring_pdu) <= sizeof_field(struct io_uring_cmd, pdu));
	return (struct zc_uring_pdu *)ucmd->pdu;
}

/* The callback in the task's context: its arguments changed in 6.19. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 19, 0)
static inline void zc_uring_done(struct io_uring_cmd *ucmd, unsigned int issue_flags)
{
	struct zc_uring_pdu *pdu = zc_uring_pdu(ucmd);

	io_uring_cmd_done(ucmd, pdu->ret, pdu->res2, issue_flags);
}
#else
static inline void zc_uring_done(struct io_tw_req tw_req, io_tw_token_t tw)
{
	struct io_uring_cmd *ucmd = io_uring_cmd_from_tw(tw_req);
	struct zc_uring_pdu *pdu = zc_uring_pdu(ucmd);

	io_uring_cmd_done32(ucmd, pdu->ret, pdu->res2,
			    IO_URING_CMD_TASK_WORK_ISSUE_FLAGS);
}
#endif

/**
 * zc_uring_end - complete a command from any context
 * @ucmd: command; not to be touched afterwards
 * @ret:  result
 * @res2: second result, of large CQEs
 */
static inline void zc_uring_end(struct io_uring_cmd *ucmd, int ret, u64 res2)
{
	zc_uring_pdu(ucmd)->ret = ret;
	zc_uring_pdu(ucmd)->res2 = res2;
	io_uring_cmd_complete_in_task(ucmd, zc_uring_done);
}

/**
 * zc_uring_args - a command's arguments
 * @ucmd: command, being issued
 *
 * Returns: 16 bytes in memory that the user may change meanwhile.
 */
static inline const void *zc_uring_args(const struct io_uring_cmd *ucmd)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
	return ucmd->cmd;
#else
	return ucmd->sqe->cmd;
#endif
}

/**
 * zc_file_put_unless_last - let go of a file that somebody else has, too
 * @file: file
 *
 * Returns: false if nobody has; then the caller still does. Any context.
 */
static inline bool zc_file_put_unless_last(struct file *file)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
	/* FILE_REF_ONEREF is 0. */
	return atomic_long_dec_if_positive(&file->f_ref.refcnt) >= 0;
#else
	return atomic_long_add_unless(&file->f_count, -1, 1);
#endif
}

/**
 * zc_workqueue_share - how many works of an unbound workqueue are run at a time, at least?
 * @nr: of so many, where they are all on the node that has the fewest processors
 *
 * Returns: as many, but since 6.9 max_active is divided among the nodes, by their processors
 * (wq_update_node_max_active()); no less than eight (WQ_DFL_MIN_ACTIVE). Those count that are
 * online now and not isolated; what becomes of them later does not.
 */
static inline unsigned int zc_workqueue_share(unsigned int nr)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 9, 0)
	unsigned int all, share = nr, cpus;
	const struct cpumask *mask;
	int node;

	rcu_read_lock();
	mask = housekeeping_cpumask(HK_TYPE_DOMAIN);
	all = cpumask_weight_and(mask, cpu_online_mask);
	for_each_node_state(node, N_CPU) {
		cpus = cpumask_weight_and(mask, cpumask_of_node(node));
		if (cpus && all)
			share = min(share, DIV_ROUND_UP(nr * cpus, all));
	}
	rcu_read_unlock();
	return max(share, min(nr, 8U));
#else
	return nr;
#endif
}

/*
 * Before 6.7 nobody asks for the end of commands when their ring goes away, and
 * warns when they last. There a command ends after so long at most, in ms.
 */
#define ZC_URING_LIFE_MAX	60000
#define ZC_URING_LIFE_NEEDED	(LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0))

/**
 * zc_uring_cancelable - be asked for the end of a command when its ring goes away
 * @ucmd:        command, being issued; zc_uring_end() must end it from here on
 * @issue_flags: IO_URING_F_* flags
 */
static inline void zc_uring_cancelable(struct io_uring_cmd *ucmd,
				       unsigned int issue_flags)
{
	zc_uring_pdu(ucmd)->op = NULL;
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
	io_uring_cmd_mark_cancelable(ucmd, issue_flags);
#endif
}

static inline bool zc_uring_is_cancel(unsigned int issue_flags)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
	return issue_flags & IO_URING_F_CANCEL;
#else
	return false;
#endif
}

#endif /* _ZC_COMPAT_H */
