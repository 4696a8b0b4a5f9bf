// SPDX-License-Identifier: GPL-2.0-only
/*
 * Targets: the devices that the administrator has named, so that buffers can be mapped for
 * them. The first is a platform device of the module's own.
 *
 * A target is bound to a driver: that has told the kernel which addresses the device
 * reaches, and as long as it is bound nobody takes the IOMMU's tables away. When it is to be
 * unbound, all that is mapped for the device is unmapped before. A PCI device that has no
 * driver gets one here.
 */
#include <linux/dma-direct.h>
#include <linux/dma-mapping.h>
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/zc.h>

#include "compat.h"
#include "dma.h"
#include "netlink.h"

/* More than anybody needs. */
#define ZC_TARGETS_MAX		64

/* What a PCI device reaches that nobody knows. */
#define ZC_PCI_BITS		32

DECLARE_RWSEM(zc_dma_sem);

/* All under zc_dma_sem. */
static LIST_HEAD(zc_targets);
static unsigned int zc_nr_targets;
static u32 zc_next_target = ZC_DMA_OWN;
static unsigned int zc_targets_gone;

/* Written once, while drivers are let go of elsewhere. */
static struct platform_device *zc_own;

static bool zc_target_is_own(const struct device *dev)
{
	const struct platform_device *own = READ_ONCE(zc_own);

	return own && dev == &own->dev;
}

/* Turn it on. It gets at memory as a target only. */
static int zc_pci_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	int ret = pcim_enable_device(pdev);

	if (ret)
		return ret;
	/* The firmware may have made it one. */
	pci_clear_master(pdev);
	ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(ZC_PCI_BITS));
	if (ret)
		return ret;
	/* What is too long for the device is divided by who drives it. */
	dma_set_max_seg_size(&pdev->dev, UINT_MAX);
	return 0;
}

/* Only for devices whose driver_override names it. */
static struct pci_driver zc_pci_driver = {
	.name = "zc",
	.probe = zc_pci_probe,
};

static bool zc_target_is_ours(const struct device *dev)
{
	return dev->driver == &zc_pci_driver.driver;
}

static void zc_target_start(struct device *dev)
{
	if (zc_target_is_ours(dev))
		pci_set_master(to_pci_dev(dev));
}

/* Before its mappings go: what it has begun does not come to memory that others have then. */
static void zc_target_stop(struct device *dev)
{
	if (!zc_target_is_ours(dev))
		return;
	pci_clear_master(to_pci_dev(dev));
	/* One that was pulled out never says that it is done. */
	if (pci_device_is_present(to_pci_dev(dev)))
		pci_wait_for_pending_transaction(to_pci_dev(dev));
}

/**
 * zc_target_find - find a target
 * @id: its number
 *
 * Returns: the target, which lasts as long as the caller holds zc_dma_sem, or NULL.
 */
struct zc_target *zc_target_find(u32 id)
{
	struct zc_target *target;

	lockdep_assert_held(&zc_dma_sem);
	list_for_each_entry(target, &zc_targets, list)
		if (target->id == id)
			return target;
	return NULL;
}

static struct zc_target *zc_target_of(const struct device *dev)
{
	struct zc_target *target;

	lockdep_assert_held(&zc_dma_sem);
	list_for_each_entry(target, &zc_targets, list)
		if (target->dev == dev)
			return target;
	return NULL;
}

/* May the caller know, and do, what concerns all of the machine? */
static bool zc_target_admin(void)
{
	return ns_capable_noaudit(&init_user_ns, CAP_SYS_ADMIN);
}

static bool zc_domain_is(struct device *dev, unsigned int type)
{
#ifdef CONFIG_IOMMU_API
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);

	return domain && (domain->type & type) == type;
#else
	return false;
#endif
}

/**
 * zc_target_translates - does an IOMMU translate what the device accesses?
 * @target: target
 *
 * Returns: true if so, and what the kernel maps for it has other addresses than physical
 * ones. Any context.
 */
bool zc_target_translates(const struct zc_target *target)
{
	return zc_domain_is(target->dev, IOMMU_DOMAIN_DMA);
}

/**
 * zc_target_page_sizes - what pages have the tables of the IOMMU?
 * @target: target
 *
 * Returns: a bit for each size; 0 if it does not translate. Any context.
 */
unsigned long zc_target_page_sizes(const struct zc_target *target)
{
#ifdef CONFIG_IOMMU_API
	if (zc_target_translates(target))
		return iommu_get_domain_for_dev(target->dev)->pgsize_bitmap;
#endif
	return 0;
}

/**
 * zc_target_tells - may the caller read addresses?
 * @target: target
 *
 * Returns: true if they are no physical ones, or the caller may know these. Any context of
 * a process.
 */
bool zc_target_tells(const struct zc_target *target)
{
	return zc_target_translates(target) || zc_target_admin();
}

/**
 * zc_dma_flush - have a device not reach what was unmapped
 * @dev: device, a target or not
 *
 * An IOMMU may be one that forgets in its own time. Any context.
 */
void zc_dma_flush(struct device *dev)
{
#ifdef CONFIG_IOMMU_API
	if (zc_domain_is(dev, IOMMU_DOMAIN_DMA_FQ))
		iommu_flush_iotlb_all(iommu_get_domain_for_dev(dev));
#endif
}

/* Of the addresses that a device has behind an IOMMU, its driver needs some. */
#define ZC_TARGET_SHARE		4

/**
 * zc_target_charge - take addresses
 * @target:  target
 * @bytes:   so many
 * @charged: set to what is to be given to zc_target_uncharge()
 *
 * Returns: 0, or -ENOSPC: it is too much for those without privilege. Any context of a
 * process.
 */
int zc_target_charge(struct zc_target *target, u64 bytes, u64 *charged)
{
	u64 most = dma_get_mask(target->dev) / ZC_TARGET_SHARE;
	int ret = 0;

	if (!zc_target_translates(target) || zc_target_admin())
		return 0;
	spin_lock(&target->lock);
	if (bytes > most || target->charged > most - bytes) {
		ret = -ENOSPC;
	} else {
		target->charged += bytes;
		*charged = bytes;
	}
	spin_unlock(&target->lock);
	return ret;
}

/**
 * zc_target_uncharge - give addresses back
 * @target: target
 * @bytes:  as zc_target_charge() had it. Any context.
 */
void zc_target_uncharge(struct zc_target *target, u64 bytes)
{
	spin_lock(&target->lock);
	target->charged -= bytes;
	spin_unlock(&target->lock);
}

static void zc_target_describe(const struct zc_target *target, struct zc_dma_query *arg)
{
	/* Others stay bound while they are targets. */
	const char *driver = zc_target_is_own(target->dev) ? "" : target->dev->driver->name;
	size_t max = dma_max_mapping_size(target->dev);

	*arg = (struct zc_dma_query) {
		.target = target->id,
		.state = (zc_target_translates(target) ? ZC_DMA_TRANSLATED : 0) |
			 (zc_domain_is(target->dev, IOMMU_DOMAIN_DMA_FQ) ? ZC_DMA_LAZY : 0) |
			 (zc_target_tells(target) ? ZC_DMA_ADDRESSES : 0),
		.mappings = READ_ONCE(target->nr_maps),
		.mask = dma_get_mask(target->dev),
		.max_mapping = max < SIZE_MAX ? max : U64_MAX,
	};
	strscpy(arg->name, target->name, sizeof(arg->name));
	strscpy(arg->driver, driver, sizeof(arg->driver));
}

/**
 * zc_target_query - ZC_IOC_DMA_QUERY
 * @arg: struct zc_dma_query, checked
 *
 * Returns: 0 or -ENOENT. Sleeps.
 */
int zc_target_query(struct zc_dma_query *arg)
{
	struct zc_target *target;
	int ret = -ENOENT;

	down_read(&zc_dma_sem);
	/* They stand in the order of their numbers. */
	list_for_each_entry(target, &zc_targets, list) {
		if (target->id >= arg->target) {
			zc_target_describe(target, arg);
			ret = 0;
			break;
		}
	}
	up_read(&zc_dma_sem);
	return ret;
}

/**
 * zc_target_version - have targets come or gone?
 *
 * Returns: another number than before if so. Sleeps.
 */
unsigned int zc_target_version(void)
{
	unsigned int version;

	down_read(&zc_dma_sem);
	version = zc_next_target + zc_targets_gone;
	up_read(&zc_dma_sem);
	return version;
}

static int zc_target_add_locked(struct device *dev, const char *bus, u32 *id)
{
	struct zc_target *target;

	lockdep_assert_held_write(&zc_dma_sem);
	if (zc_nr_targets >= ZC_TARGETS_MAX || zc_next_target == U32_MAX)
		return -ENOSPC;
	target = kzalloc(sizeof(*target), GFP_KERNEL);
	if (!target)
		return -ENOMEM;
	if (snprintf(target->name, sizeof(target->name), "%s:%s", bus, dev_name(dev)) >=
	    sizeof(target->name)) {
		kfree(target);
		return -EINVAL;
	}
	target->id = zc_next_target++;
	target->dev = get_device(dev);
	spin_lock_init(&target->lock);
	INIT_LIST_HEAD(&target->maps);
	list_add_tail(&target->list, &zc_targets);
	zc_nr_targets++;
	*id = target->id;
	return 0;
}

static void zc_target_del_locked(struct zc_target *target)
{
	struct zc_dma_query gone;

	lockdep_assert_held_write(&zc_dma_sem);
	zc_target_stop(target->dev);
	zc_dma_revoke(target);
	/* The module's own one goes with the module. */
	if (zc_notify_wanted() && !zc_target_is_own(target->dev)) {
		zc_target_describe(target, &gone);
		zc_notify_target_gone(&gone);
	}
	zc_targets_gone++;
	list_del(&target->list);
	zc_nr_targets--;
	put_device(target->dev);
	kfree(target);
}

static bool zc_target_has(const struct device *dev)
{
	bool has;

	/* The first one needs no driver. */
	if (zc_target_is_own(dev))
		return false;
	down_read(&zc_dma_sem);
	has = zc_target_of(dev);
	up_read(&zc_dma_sem);
	return has;
}

/* The driver is about to let go of the device, which is locked. */
static int zc_target_notify(struct notifier_block *nb, unsigned long event, void *data)
{
	struct zc_target *target;

	/* Who binds and unbinds other devices does not wait for ours. */
	if (event != BUS_NOTIFY_UNBIND_DRIVER || !zc_target_has(data))
		return NOTIFY_DONE;
	down_write(&zc_dma_sem);
	/* Somebody may have detached it meanwhile. */
	target = zc_target_of(data);
	if (target)
		zc_target_del_locked(target);
	up_write(&zc_dma_sem);
	return NOTIFY_OK;
}

/**
 * struct zc_bus - where targets are
 * @name: as the user writes it
 * @type: the bus
 * @nb:   told of what becomes of its devices
 */
struct zc_bus {
	const char *name;
	const struct bus_type *type;
	struct notifier_block nb;
};

static struct zc_bus zc_buses[] = {
#ifdef CONFIG_PCI
	{ "pci", &pci_bus_type, { .notifier_call = zc_target_notify } },
#endif
	{ "platform", &platform_bus_type, { .notifier_call = zc_target_notify } },
};

/* Of "BUS:DEVICE". Returns the device with a reference, or ERR_PTR. */
static struct device *zc_target_device(const char *name, const struct zc_bus **bus)
{
	struct device *dev;
	size_t i, len;

	for (i = 0; i < ARRAY_SIZE(zc_buses); i++) {
		len = strlen(zc_buses[i].name);
		if (strncmp(name, zc_buses[i].name, len) || name[len] != ':')
			continue;
		dev = zc_bus_find(zc_buses[i].type, name + len + 1);
		*bus = &zc_buses[i];
		return dev ?: ERR_PTR(-ENODEV);
	}
	return ERR_PTR(-EINVAL);
}

/* A driver that gives the device to somebody else maps nothing for it. */
static bool zc_target_is_lent(const struct device *dev)
{
	if (dev_is_pci(dev))
		return to_pci_driver(dev->driver)->driver_managed_dma;
	return dev->bus == &platform_bus_type &&
	       to_platform_driver(dev->driver)->driver_managed_dma;
}

static int zc_target_set_bits(struct device *dev, unsigned int bits)
{
	if (!zc_target_is_ours(dev))
		return bits ? -EINVAL : 0;
	return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(bits ?: ZC_PCI_BITS));
}

static int zc_target_attach_device(struct device *dev, const struct zc_bus *bus,
				   struct zc_dma_attach *arg)
{
	int ret;

	device_lock_assert(dev);
	if (!dev->driver || !dev->dma_mask)
		return -ENODEV;
	if (zc_target_is_lent(dev))
		return -EBUSY;
	down_write(&zc_dma_sem);
	ret = zc_target_of(dev) ? -EEXIST : zc_target_set_bits(dev, arg->bits);
	ret = ret ?: zc_target_add_locked(dev, bus->name, &arg->target);
	if (!ret)
		zc_target_start(dev);
	up_write(&zc_dma_sem);
	return ret;
}

/**
 * zc_target_attach - ZC_IOC_DMA_ATTACH
 * @arg: struct zc_dma_attach, checked, by who may
 *
 * Returns: 0 or a negative errno as documented there. Sleeps.
 */
int zc_target_attach(struct zc_dma_attach *arg)
{
	const struct zc_bus *bus;
	struct device *dev = zc_target_device(arg->name, &bus);
	int ret;

	if (IS_ERR(dev))
		return PTR_ERR(dev);
	/* It stays bound, or is about to be unbound: then we are told of that. */
	device_lock(dev);
	ret = zc_target_attach_device(dev, bus, arg);
	device_unlock(dev);
	put_device(dev);
	return ret;
}

/**
 * zc_target_detach - ZC_IOC_DMA_DETACH
 * @id: number of the target, by who may
 *
 * Returns: 0 or -ENOENT. Sleeps.
 */
int zc_target_detach(u32 id)
{
	struct zc_target *target;

	down_write(&zc_dma_sem);
	target = zc_target_find(id);
	if (target)
		zc_target_del_locked(target);
	up_write(&zc_dma_sem);
	return target ? 0 : -ENOENT;
}

static void zc_target_unwatch(size_t nr)
{
	while (nr--)
		zc_bus_unwatch(zc_buses[nr].type, &zc_buses[nr].nb);
}

static int zc_target_watch(void)
{
	size_t i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(zc_buses); i++) {
		ret = zc_bus_watch(zc_buses[i].type, &zc_buses[i].nb);
		if (ret) {
			zc_target_unwatch(i);
			return ret;
		}
	}
	return 0;
}

static void zc_target_del_all(void)
{
	struct zc_target *target, *next;

	down_write(&zc_dma_sem);
	list_for_each_entry_safe(target, next, &zc_targets, list)
		zc_target_del_locked(target);
	up_write(&zc_dma_sem);
}

/* It reaches all there is, as a device that is never bound to a driver may. */
static int zc_target_add_own(void)
{
	struct platform_device *own;
	u32 id;
	int ret;

	own = platform_device_register_simple("zc", PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(own))
		return PTR_ERR(own);
	WRITE_ONCE(zc_own, own);
	ret = dma_set_mask_and_coherent(&own->dev, DMA_BIT_MASK(64));
	if (!ret) {
		down_write(&zc_dma_sem);
		ret = zc_target_add_locked(&own->dev, "platform", &id);
		up_write(&zc_dma_sem);
	}
	if (ret)
		platform_device_unregister(own);
	return ret;
}

/**
 * zc_target_init - have the first target, and a driver for others
 *
 * Returns: 0 or a negative errno.
 */
int zc_target_init(void)
{
	int ret = zc_target_watch();

	if (ret)
		return ret;
	ret = zc_target_add_own();
	if (ret)
		goto err_watch;
	ret = pci_register_driver(&zc_pci_driver);
	if (ret)
		goto err_own;
	return 0;

err_own:
	zc_target_del_all();
	platform_device_unregister(zc_own);
err_watch:
	zc_target_unwatch(ARRAY_SIZE(zc_buses));
	return ret;
}

/**
 * zc_target_exit - undo zc_target_init(), with no buffers left
 */
void zc_target_exit(void)
{
	pci_unregister_driver(&zc_pci_driver);
	zc_target_del_all();
	platform_device_unregister(zc_own);
	zc_target_unwatch(ARRAY_SIZE(zc_buses));
}
