/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of 'zcctl dma' share. */
#ifndef _ZCCTL_DMA_H
#define _ZCCTL_DMA_H

#include "zcctl.h"

/* Room for a name of a device; those that are too long for the module can be told of. */
#define DMA_NAME	256

/* The module's own driver for PCI devices without one. */
#define DMA_DRIVER	"zc"

/* dma.c: attach and detach */

extern const char dma_help[];

bool dma_named(const char *text, char *name, size_t size);
int dma_find(struct zc_context *ctx, const char *name, struct zc_dma_query *info);
const char *dma_addresses(const struct zc_dma_query *info);
struct json_object *dma_json(const struct zc_dma_query *info);

/* targets.c: what targets there are */

int dma_show(int argc, char **argv);

/* dma-map.c: a buffer that is mapped for one */

int dma_map(int argc, char **argv);

/* dma-sysfs.c: devices and their drivers */

bool dma_sysfs_name(const char *text, char *name, size_t size);
bool dma_sysfs_pci(const char *name);
bool dma_sysfs_exists(const char *name);
bool dma_sysfs_driver(const char *name, char *driver, size_t size);
bool dma_sysfs_bridge(const char *name);
unsigned int dma_sysfs_let_go(void);
int dma_sysfs_bind(const char *name);
int dma_sysfs_unbind(const char *name);

#endif /* _ZCCTL_DMA_H */
