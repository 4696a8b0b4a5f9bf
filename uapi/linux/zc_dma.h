/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * zc: buffers and devices that read and write memory by themselves. Included by
 * <linux/zc.h>.
 *
 * A target is a device that the administrator has named (ZC_IOC_DMA_ATTACH, which wants
 * CAP_SYS_ADMIN). Whoever has a buffer maps it for a target (ZC_IOC_DMA_MAP), reads at which
 * addresses the device finds it (ZC_IOC_DMA_SEGMENTS), and says when the processor and when
 * the device is to use it (ZC_IOC_BUF_SYNC). How the device is told of the addresses is a
 * matter of its driver, or of who drives it from user space.
 *
 * Addresses that are physical ones, as no IOMMU translates them, are for CAP_SYS_ADMIN
 * alone.
 *
 * Target 0 is always there. It is a platform device of the module's own ("platform:zc"),
 * which does no DMA: what is mapped for it shows what an ideal device without an IOMMU
 * would get, and proves nothing of a real one.
 */
#ifndef _UAPI_LINUX_ZC_DMA_H
#define _UAPI_LINUX_ZC_DMA_H

#include <linux/types.h>

/** ZC_DMA_NAME_MAX - room for the name of a target, its final 0 included */
#define ZC_DMA_NAME_MAX		48

/** ZC_DMA_OWN - target 0, the module's own platform device */
#define ZC_DMA_OWN		0

/**
 * struct zc_dma_attach - name a target (ZC_IOC_DMA_ATTACH)
 * @name:   in: the device, as "pci:0000:00:04.0" or "platform:NAME", and zeros
 * @flags:  in: must be 0
 * @bits:   in: address bits of the device, 12 to 64, if it is bound to the module's own
 *          driver for PCI devices without one ("zc"); 0: 32 of these, or as another
 *          driver has set them
 * @target: out: number of the target, for the other calls
 * @__pad:  in: must be 0
 * @__resv: in: must be 0
 *
 * The device must be bound to a driver, which has told the kernel what addresses it
 * reaches. One that has none can be bound to "zc", which does nothing but turn it on, and
 * lets it get at memory (be a bus master) while it is a target: write "zc" to its
 * driver_override in sysfs, and its name to /sys/bus/pci/drivers/zc/bind. It stays a target
 * until ZC_IOC_DMA_DETACH, or until it is unbound or unplugged. The module can be unloaded
 * meanwhile, with all targets.
 *
 * Errors: EPERM (needs CAP_SYS_ADMIN), EINVAL (no such kind of name; bits with another
 * driver than "zc", or out of range; flags or reserved fields), ENODEV (no such device, or
 * it has no driver), EBUSY (a driver that does no DMA by way of the kernel, as vfio-pci,
 * has it), EEXIST (it is a target already), EIO (the device cannot have so few or so many
 * bits), ENOSPC (too many targets), ENOMEM, EFAULT.
 */
struct zc_dma_attach {
	char name[ZC_DMA_NAME_MAX];
	__u32 flags;
	__u32 bits;
	__u32 target;
	__u32 __pad;
	__u64 __resv[2];
};

/**
 * struct zc_dma_detach - have a target no longer (ZC_IOC_DMA_DETACH)
 * @target: in: number of the target, not ZC_DMA_OWN
 * @flags:  in: must be 0
 * @__resv: in: must be 0
 *
 * What is mapped for it is unmapped first, and each owner is told (ZC_EVENT_UNMAPPED). Who
 * drives it has stopped it before; one bound to "zc" is stopped.
 *
 * Errors: EPERM (needs CAP_SYS_ADMIN), EINVAL (ZC_DMA_OWN; flags or reserved fields),
 * ENOENT (no such target), EFAULT.
 */
struct zc_dma_detach {
	__u32 target;
	__u32 flags;
	__u64 __resv[3];
};

/** ZC_DMA_TRANSLATED - for zc_dma_query::state: an IOMMU translates the addresses */
#define ZC_DMA_TRANSLATED	(1U << 0)
/**
 * ZC_DMA_LAZY - for zc_dma_query::state: the IOMMU forgets in its own time
 *
 * What drivers unmap can be reached by the device for some milliseconds more. The module has
 * it forgotten at once.
 */
#define ZC_DMA_LAZY		(1U << 1)
/** ZC_DMA_ADDRESSES - for zc_dma_query::state: who asks may read addresses */
#define ZC_DMA_ADDRESSES	(1U << 2)

/**
 * struct zc_dma_query - a target (ZC_IOC_DMA_QUERY)
 * @target:      in: a number, 0 for the first; out: number of the target, which is the
 *               first from there on. One more is where to go on
 * @flags:       in: must be 0
 * @name:        out: its name, as given to ZC_IOC_DMA_ATTACH
 * @driver:      out: name of the driver that it is bound to
 * @state:       out: ZC_DMA_TRANSLATED and the like
 * @mappings:    out: buffers that are mapped for it, of all users
 * @mask:        out: highest address that the device reaches
 * @max_mapping: out: largest piece that can be mapped for it at once, bytes; less than
 *               2^64 - 1 where memory may have to be bounced (swiotlb)
 * @__resv:      in: must be 0
 *
 * Errors: EINVAL (flags or reserved fields), ENOENT (no more), EFAULT.
 */
struct zc_dma_query {
	__u32 target;
	__u32 flags;
	char name[ZC_DMA_NAME_MAX];
	char driver[ZC_DMA_NAME_MAX];
	__u32 state;
	__u32 mappings;
	__u64 mask;
	__u64 max_mapping;
	__u64 __resv[2];
};

/** ZC_DMA_TO_DEVICE - for zc_dma_map::flags: the device reads */
#define ZC_DMA_TO_DEVICE	(1U << 0)
/** ZC_DMA_FROM_DEVICE - for zc_dma_map::flags: the device writes */
#define ZC_DMA_FROM_DEVICE	(1U << 1)
/**
 * ZC_DMA_BOUNCE - for zc_dma_map::flags: bounce buffers will do
 *
 * The kernel copies between them and the buffer at ZC_IOC_BUF_SYNC, and when it is mapped
 * and unmapped. All devices of the machine share them (64 MiB by default): it needs
 * CAP_SYS_ADMIN.
 */
#define ZC_DMA_BOUNCE		(1U << 2)

/**
 * struct zc_dma_map - map a buffer for a target (ZC_IOC_DMA_MAP)
 * @handle:    in: handle of the buffer
 * @target:    in: number of the target
 * @flags:     in: ZC_DMA_TO_DEVICE, ZC_DMA_FROM_DEVICE or both; ZC_DMA_BOUNCE
 * @segments:  out: how many segments it has: pieces that the device sees as one each; 0 for
 *             who may not read addresses
 * @user_data: in: for the event, if there will be one
 * @bounced:   out: bytes that are bounced
 * @__resv:    in: must be 0
 *
 * It stays mapped until ZC_IOC_DMA_UNMAP, ZC_IOC_BUF_DESTROY, or the end of the file; or
 * the target goes, which one ZC_EVENT_UNMAPPED tells of. A buffer can be mapped for many
 * targets, and once for each. At first it is the device's: see ZC_IOC_BUF_SYNC. Where the
 * device may write, sealing is refused (EBUSY).
 *
 * A segment is a hugepage, of what size soever, or small pages that happen to lie in a
 * row, up to 2 MiB; never longer than zc_dma_query::max_mapping.
 *
 * Errors: EINVAL (flags or reserved fields), ENOENT (no such handle), ENODEV (no such
 * target), EEXIST (mapped for it already), EBUSY (several devices would write, and one is
 * bounced: what another has written would be lost; or somebody just tries to seal it, and
 * ZC_DMA_FROM_DEVICE: try again), EPERM (sealed, or imported so that it cannot be
 * written to, and ZC_DMA_FROM_DEVICE; ZC_DMA_BOUNCE without CAP_SYS_ADMIN), EACCES
 * (ZC_DMA_FROM_DEVICE, and the device node was not opened for writing), EOPNOTSUPP
 * (imported from a dma-buf: attach that to the device), ERANGE (memory that the device does
 * not reach: zc_dma_query::mask), EREMOTEIO (memory that it reaches by bounce buffers
 * alone, and ZC_DMA_BOUNCE is not set), EIO (no addresses, or bounce buffers, are left),
 * ENOSPC (those without CAP_SYS_ADMIN have a quarter of what the device reaches behind an
 * IOMMU, together), ENOBUFS (too many events), ENOMEM, EINTR (killed meanwhile), EFAULT.
 */
struct zc_dma_map {
	__u32 handle;
	__u32 target;
	__u32 flags;
	__u32 segments;
	__u64 user_data;
	__u64 bounced;
	__u64 __resv[2];
};

/**
 * struct zc_dma_unmap - undo ZC_IOC_DMA_MAP (ZC_IOC_DMA_UNMAP)
 * @handle: in: handle of the buffer
 * @target: in: number of the target
 * @flags:  in: must be 0
 * @__pad:  in: must be 0
 * @__resv: in: must be 0
 *
 * From here on the device does not reach it any more where an IOMMU translates
 * (ZC_DMA_TRANSLATED). Else who drives the device must have stopped it before this, and
 * before whatever else unmaps: the memory may be somebody else's at once.
 *
 * Errors: EINVAL (flags or reserved fields), ENOENT (no such handle, or not mapped for that
 * target), EFAULT.
 */
struct zc_dma_unmap {
	__u32 handle;
	__u32 target;
	__u32 flags;
	__u32 __pad;
	__u64 __resv[2];
};

/**
 * struct zc_segment - a part of a buffer, as a device sees it
 * @addr: DMA address
 * @len:  bytes
 */
struct zc_segment {
	__u64 addr;
	__u64 len;
};

/** ZC_DMA_SEGMENTS_MAX - how many segments one call returns */
#define ZC_DMA_SEGMENTS_MAX	16

/**
 * struct zc_dma_segments - where a device finds a buffer (ZC_IOC_DMA_SEGMENTS)
 * @handle:   in: handle of the buffer
 * @target:   in: number of the target
 * @flags:    in: must be 0
 * @first:    in: number of the first segment wanted
 * @total:    out: segments that there are
 * @nr:       out: valid entries of @segments; 0 from @total on
 * @segments: out: the segments, in the order of the buffer's bytes
 * @__resv:   in: must be 0
 *
 * Errors: EINVAL (flags or reserved fields), ENOENT (no such handle, or not mapped for that
 * target), EPERM (the addresses are physical ones, and the caller lacks CAP_SYS_ADMIN),
 * EINTR (killed), EFAULT.
 */
struct zc_dma_segments {
	__u32 handle;
	__u32 target;
	__u32 flags;
	__u32 first;
	__u32 total;
	__u32 nr;
	struct zc_segment segments[ZC_DMA_SEGMENTS_MAX];
	__u64 __resv[2];
};

/*
 * What memory is measured, for zc_dma_measure::kind.
 */
/**
 * ZC_MEASURE_HEAP - as it comes from a heap: in a row for the processor alone, and it begins
 * with the second cache line of a page. Mapped page by page
 */
#define ZC_MEASURE_HEAP		0
/** ZC_MEASURE_PAGES - whole pages of 4096 bytes, each mapped for itself */
#define ZC_MEASURE_PAGES	1
/** ZC_MEASURE_LIST - the same, mapped by one call as a list (dma_map_sg()) */
#define ZC_MEASURE_LIST		2
/** ZC_MEASURE_BUFFER - a buffer, as ZC_IOC_DMA_MAP maps it */
#define ZC_MEASURE_BUFFER	3

/** ZC_MEASURE_MAX - most bytes that can be measured at once */
#define ZC_MEASURE_MAX		(64U << 20)

/**
 * struct zc_dma_measure - what does it cost to map memory? (ZC_IOC_DMA_MEASURE)
 * @target:   in: number of the target
 * @kind:     in: ZC_MEASURE_*
 * @handle:   in: handle of the buffer for ZC_MEASURE_BUFFER; else 0
 * @flags:    in: must be 0
 * @size:     in: bytes, a multiple of 4096 up to ZC_MEASURE_MAX; 0 for ZC_MEASURE_BUFFER, up
 *            to which that may have. out: bytes mapped
 * @map_ns:   out: what it took to map it, nanoseconds by the monotonic clock
 * @unmap_ns: out: what it took to unmap it, and of a buffer to have a lazy IOMMU forget it,
 *            nanoseconds
 * @calls:    out: calls of the kernel's DMA API to map it
 * @segments: out: pieces that the device has to be told of
 * @entries:  out: entries in the last level of the IOMMU's tables, as its page sizes have
 *            it; 0 where none translates
 * @bounced:  out: bytes that are bounced
 * @__resv:   in: must be 0
 *
 * Memory of that kind is mapped for reads of the device, once, and unmapped; the device is
 * told of nothing. It does what a driver would do, and no more.
 *
 * Errors: EPERM (needs CAP_SYS_ADMIN), EINVAL (kind, size, flags or reserved fields), ENOENT
 * (no such handle), ENODEV (no such target), EOPNOTSUPP (imported), EBUSY (the buffer is
 * mapped), ERANGE and EIO (as of struct zc_dma_map), ENOMEM, EINTR (killed), EFAULT.
 */
struct zc_dma_measure {
	__u32 target;
	__u32 kind;
	__u32 handle;
	__u32 flags;
	__u64 size;
	__u64 map_ns;
	__u64 unmap_ns;
	__u64 calls;
	__u64 segments;
	__u64 entries;
	__u64 bounced;
	__u64 __resv[2];
};

/** ZC_SYNC_READ - for zc_buf_sync::flags: the processor reads */
#define ZC_SYNC_READ		(1U << 0)
/** ZC_SYNC_WRITE - for zc_buf_sync::flags: the processor writes */
#define ZC_SYNC_WRITE		(1U << 1)
/** ZC_SYNC_END - for zc_buf_sync::flags: no longer. Without it: from here on */
#define ZC_SYNC_END		(1U << 2)

/**
 * struct zc_buf_sync - begin or end the processor's use of a buffer (ZC_IOC_BUF_SYNC)
 * @handle: in: handle of the buffer
 * @flags:  in: ZC_SYNC_READ, ZC_SYNC_WRITE or both; ZC_SYNC_END
 * @offset: in: first byte
 * @len:    in: bytes; 0: up to the end of the buffer
 * @__resv: in: must be 0
 *
 * For all targets that it is mapped for, if any, and of a buffer that was imported from a dma-buf
 * for its exporter (all of it, as DMA_BUF_IOCTL_SYNC). Between begin and end the device must
 * not use these bytes. Where devices see what the processor's caches have, and nothing is
 * bounced, it costs next to nothing.
 *
 * Errors: EINVAL (flags, none of read and write, bytes beyond the end, or reserved fields),
 * ENOENT (no such handle), EINTR (killed), EFAULT, or what the exporter says.
 */
struct zc_buf_sync {
	__u32 handle;
	__u32 flags;
	__u64 offset;
	__u64 len;
	__u64 __resv[2];
};

/** ZC_EXPORT_RDONLY - for zc_buf_export::flags: who gets it may only read */
#define ZC_EXPORT_RDONLY	(1U << 0)

/**
 * struct zc_buf_export - a buffer as a dma-buf (ZC_IOC_BUF_EXPORT)
 * @handle: in: handle of the buffer
 * @flags:  in: 0 or ZC_EXPORT_RDONLY
 * @fd:     out: descriptor of the dma-buf, closed on exec
 * @__pad:  in: must be 0
 * @__resv: in: must be 0
 *
 * It keeps the buffer, as a mapping does. Drivers attach to it and map it for their devices;
 * programs mmap() it from offset 0 (MAP_SHARED; at an address that is a multiple of
 * ZC_HUGE_SIZE, which they choose, by whole hugepages if it has them) and use
 * DMA_BUF_IOCTL_SYNC. Without ZC_EXPORT_RDONLY somebody may write to it: it cannot be sealed
 * before the last descriptor is closed (EBUSY). With it, drivers that map dma-bufs for the
 * kernel do not take it, as they might write.
 *
 * Errors: EINVAL (flags or reserved fields), ENOENT (no such handle), EACCES (the device was
 * not opened for writing, and ZC_EXPORT_RDONLY is not set), EPERM (sealed, and it is not
 * set), EBUSY (somebody just tries to seal it, and it is not set: try again), EOPNOTSUPP
 * (imported: hand over what it was imported from), EMFILE, ENFILE, ENOMEM, EFBIG (a kernel of
 * 32 bits), ENOTTY (a kernel without dma-buf: no ZC_FEAT_DMABUF), EFAULT.
 */
struct zc_buf_export {
	__u32 handle;
	__u32 flags;
	__s32 fd;
	__u32 __pad;
	__u64 __resv[2];
};

#endif /* _UAPI_LINUX_ZC_DMA_H */
