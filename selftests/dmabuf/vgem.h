/* SPDX-License-Identifier: GPL-2.0-only */
/* A driver that maps dma-bufs as those of graphics cards do, but has no device behind it. */
#ifndef _VGEM_H
#define _VGEM_H

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>

/* Of <drm/drm.h>, which need not be there. */
struct vgem_prime {
	uint32_t handle;
	uint32_t flags;
	int32_t fd;
};

struct vgem_close {
	uint32_t handle;
	uint32_t pad;
};

#define VGEM_FD_TO_HANDLE	_IOWR('d', 0x2e, struct vgem_prime)
#define VGEM_CLOSE		_IOW('d', 0x09, struct vgem_close)

/* Returns a descriptor or a negative errno; -ENOSYS: the kernel has no such driver. */
static inline int vgem_open(void)
{
	int dri;

	if (system("modprobe -q vgem"))
		return -ENOSYS;
	dri = open("/dev/dri/card0", O_RDWR | O_CLOEXEC);
	return dri < 0 ? -errno : dri;
}

/* Have it map @dmabuf, for both directions. Returns 0 or a negative errno. */
static inline int vgem_import(int dri, int dmabuf, uint32_t *handle)
{
	struct vgem_prime prime = { .fd = dmabuf };

	if (ioctl(dri, VGEM_FD_TO_HANDLE, &prime))
		return -errno;
	*handle = prime.handle;
	return 0;
}

static inline int vgem_forget(int dri, uint32_t handle)
{
	struct vgem_close arg = { .handle = handle };

	return ioctl(dri, VGEM_CLOSE, &arg) ? -errno : 0;
}

#endif /* _VGEM_H */
