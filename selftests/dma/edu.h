/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * QEMU's edu: a PCI device with a DMA engine that the tests drive by its registers. It has
 * 4 KiB of its own, and copies between these and memory.
 */
#ifndef _EDU_H
#define _EDU_H

#include "dma.h"

/* Some versions of QEMU stop where a transfer ends at the end of the 4 KiB. */
#define EDU_MAX		2048u

#define EDU_DRIVER	"zc"

/**
 * struct edu - one such device
 * @pci:    its name among the PCI devices, "0000:00:10.0"
 * @name:   its name as a target
 * @target: number of the target, or NO_TARGET
 * @regs:   registers, or NULL
 */
struct edu {
	char pci[16];
	char name[ZC_DMA_NAME_MAX];
	uint32_t target;
	volatile char *regs;
};

/* The device number @nth; false if the machine has none. */
bool edu_find(struct edu *edu, unsigned int nth);

/* Each returns 0 or a negative errno. */
int edu_bind(const struct edu *edu, const char *driver);
int edu_unbind(const struct edu *edu);
/* Have it get at memory, as firmware may leave it. */
int edu_master_set(const struct edu *edu);
/* Have it bound to the module's driver, attached, and its registers mapped. */
int edu_begin(struct edu *edu, int fd, uint32_t bits);
/* The contrary of all that, as far as it is. */
void edu_end(struct edu *edu, int fd);
/* Take it out of the machine, and put it back. */
int edu_unplug(struct edu *edu);
int edu_plug(const struct edu *edu);
/* Does it get at memory (is it a bus master)? */
bool edu_master(const struct edu *edu);
/* The type of its IOMMU group, as "DMA"; false if it has none. */
bool edu_group(const struct edu *edu, char *type, size_t size);
int edu_group_set(const struct edu *edu, const char *type);

/*
 * The engine: from memory at @addr to the byte @at of the device, or back. False if it does
 * not end; whether it has reached the memory it does not say.
 */
bool edu_load(const struct edu *edu, uint64_t addr, unsigned int at, unsigned int len);
bool edu_store(const struct edu *edu, uint64_t addr, unsigned int at, unsigned int len);
/* The latter in parts: a tenth of a second later it is done, and the device busy no more. */
bool edu_store_begin(const struct edu *edu, uint64_t addr, unsigned int at, unsigned int len);
bool edu_busy(const struct edu *edu);
bool edu_end_run(const struct edu *edu);
/* The same with a place in a buffer. False also if that has no such place. */
bool edu_get(const struct edu *edu, const struct segments *segs, uint64_t offset,
	     unsigned int len);
bool edu_put(const struct edu *edu, const struct segments *segs, uint64_t offset,
	     unsigned int len);

/* How often an IOMMU has kept a device from memory. */
unsigned long edu_faults(void);
/* Wait for it to be more often than @before, at most a second. */
bool edu_faulted(unsigned long before);
/* Follow the kernel's log from here on. Returns a descriptor. */
int edu_log(void);
/*
 * Does it say, in @ms milliseconds, that this device was kept from @addr? Of more than three
 * in five seconds it does not tell.
 */
bool edu_logged(const struct edu *edu, int log, uint64_t addr, int ms);

#endif /* _EDU_H */
