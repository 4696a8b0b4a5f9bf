/* SPDX-License-Identifier: GPL-2.0-only */
/* Drivers of graphics cards, which map dma-bufs; vgem does as they do without a device. */
#ifndef _CARD_H
#define _CARD_H

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Of <drm/drm.h>, which need not be there. */
struct card_version {
	int version[3];
	size_t name_len;
	char *name;
	size_t date_len;
	char *date;
	size_t desc_len;
	char *desc;
};

struct card_prime {
	uint32_t handle;
	uint32_t flags;
	int32_t fd;
};

struct card_close {
	uint32_t handle;
	uint32_t pad;
};

#define CARD_VERSION		_IOWR('d', 0x00, struct card_version)
#define CARD_FD_TO_HANDLE	_IOWR('d', 0x2e, struct card_prime)
#define CARD_CLOSE		_IOW('d', 0x09, struct card_close)

/* Returns a descriptor of the card whose driver's name begins so, or -ENOSYS: none. */
static inline int card_open(const char *driver)
{
	char path[32], name[32] = "";
	int i, fd;

	for (i = 0; i < 8; i++) {
		struct card_version version = { .name = name, .name_len = sizeof(name) - 1 };

		snprintf(path, sizeof(path), "/dev/dri/card%d", i);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (!ioctl(fd, CARD_VERSION, &version) &&
		    !strncmp(name, driver, strlen(driver)))
			return fd;
		close(fd);
	}
	return -ENOSYS;
}

static inline int vgem_open(void)
{
	return system("modprobe -q vgem") ? -ENOSYS : card_open("vgem");
}

/* Have it map @dmabuf, for both directions. Returns 0 or a negative errno. */
static inline int card_import(int card, int dmabuf, uint32_t *handle)
{
	struct card_prime prime = { .fd = dmabuf };

	if (ioctl(card, CARD_FD_TO_HANDLE, &prime))
		return -errno;
	*handle = prime.handle;
	return 0;
}

static inline int card_forget(int card, uint32_t handle)
{
	struct card_close arg = { .handle = handle };

	return ioctl(card, CARD_CLOSE, &arg) ? -errno : 0;
}

#endif /* _CARD_H */
