// SPDX-License-Identifier: GPL-2.0-only
/* Devices that may be targets, and their drivers, in sysfs. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dma.h"

#define PCI		"pci:"
#define PLATFORM	"platform:"
#define PCI_DRIVER	"/sys/bus/pci/drivers/" DMA_DRIVER

bool dma_sysfs_pci(const char *name)
{
	return !strncmp(name, PCI, strlen(PCI));
}

/* "0000:00:04.0" or "00:04.0"; as the kernel writes it, with "pci:" before. */
static bool pci_name(const char *text, char *name, size_t size)
{
	unsigned int domain, bus, dev, fn;
	int end = 0;

	if (text[strspn(text, "0123456789abcdefABCDEF:.")])
		return false;
	if (sscanf(text, "%8x:%2x:%2x.%1x%n", &domain, &bus, &dev, &fn, &end) != 4 ||
	    text[end]) {
		domain = 0;
		if (sscanf(text, "%2x:%2x.%1x%n", &bus, &dev, &fn, &end) != 3 || text[end])
			return false;
	}
	snprintf(name, size, PCI "%04x:%02x:%02x.%x", domain, bus, dev, fn);
	return dev < 32 && fn < 8;
}

/* Complete the name of a device. Returns whether it is one. */
bool dma_sysfs_name(const char *text, char *name, size_t size)
{
	const char *rest = text + strlen(PLATFORM);

	if (strncmp(text, PLATFORM, strlen(PLATFORM)))
		return pci_name(dma_sysfs_pci(text) ? text + strlen(PCI) : text, name, size);
	snprintf(name, size, "%s", text);
	return *rest && *rest != '.' && !strchr(rest, '/') && strlen(text) < size;
}

/* Of a complete name: the device, or a @file of it. */
static void device_path(const char *name, const char *file, char *path, size_t size)
{
	snprintf(path, size, "/sys/bus/%.*s/devices/%s%s", (int)strcspn(name, ":"), name,
		 strchr(name, ':') + 1, file);
}

bool dma_sysfs_exists(const char *name)
{
	char path[DMA_NAME + 64];

	device_path(name, "", path, sizeof(path));
	return !access(path, F_OK);
}

/* Returns whether it has one, and which. */
bool dma_sysfs_driver(const char *name, char *driver, size_t size)
{
	char path[DMA_NAME + 64], target[512];
	const char *base;
	ssize_t len;

	device_path(name, "/driver", path, sizeof(path));
	len = readlink(path, target, sizeof(target) - 1);
	if (len < 0)
		return false;
	target[len] = '\0';
	base = strrchr(target, '/');
	snprintf(driver, size, "%s", base ? base + 1 : target);
	return true;
}

/* Returns 0 or a negative errno. */
static int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err = fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return err;
}

static int put_override(const char *name, const char *text)
{
	char path[DMA_NAME + 64];

	device_path(name, "/driver_override", path, sizeof(path));
	return put(path, text);
}

/* Whom the device is kept for, if that is another driver than the module's own. */
static bool kept(const char *name, char *driver, size_t size)
{
	char path[DMA_NAME + 64];

	device_path(name, "/driver_override", path, sizeof(path));
	file_line(path, driver, size);
	/* The kernel's word for none, and that of file_line(). */
	return *driver && strcmp(driver, "(null)") && strcmp(driver, "?") &&
	       strcmp(driver, DMA_DRIVER);
}

/* Bind a PCI device that has no driver to the module's own. Returns an exit code. */
int dma_sysfs_bind(const char *name)
{
	char driver[64], hint[DMA_NAME + 128];
	const char *address = name + strlen(PCI);
	int err;

	if (access(PCI_DRIVER, F_OK))
		return out_error(EX_FAILED, ENODEV, "bind it to a driver of its own first",
				 "%s has no driver, and the module loaded has none for it",
				 name);
	if (kept(name, driver, sizeof(driver))) {
		snprintf(hint, sizeof(hint), "if that is not wanted any more:\n"
			 "  echo > /sys/bus/pci/devices/%s/driver_override", address);
		return out_error(EX_FAILED, EBUSY, hint,
				 "%s has no driver, and is kept for %s (driver_override)",
				 name, driver);
	}
	err = put_override(name, DMA_DRIVER "\n");
	if (!err) {
		err = put(PCI_DRIVER "/bind", address);
		if (err)
			put_override(name, "\n");
	}
	if (err == -EACCES || err == -EPERM)
		return out_error(EX_PERMISSION, -err, "run it as root",
				 "cannot bind %s to the driver " DMA_DRIVER, name);
	if (err)
		return out_error(EX_FAILED, -err, "dmesg may say more",
				 "cannot bind %s to the driver " DMA_DRIVER, name);
	return EX_OK;
}

bool dma_sysfs_bridge(const char *name)
{
	char path[DMA_NAME + 64], class[32];

	device_path(name, "/class", path, sizeof(path));
	file_line(path, class, sizeof(class));
	return !strncmp(class, "0x06", 4);
}

/* Those that are kept for the module's own driver, which has gone. Returns their number. */
unsigned int dma_sysfs_let_go(void)
{
	DIR *dir = opendir("/sys/bus/pci/devices");
	char name[DMA_NAME], path[DMA_NAME + 64], override[64];
	struct dirent *de;
	unsigned int nr = 0;

	while (dir && (de = readdir(dir))) {
		snprintf(name, sizeof(name), PCI "%.40s", de->d_name);
		device_path(name, "/driver_override", path, sizeof(path));
		file_line(path, override, sizeof(override));
		if (!strcmp(override, DMA_DRIVER) && !put_override(name, "\n"))
			nr++;
	}
	if (dir)
		closedir(dir);
	return nr;
}

/* Undo it. Returns 0 or a negative errno. */
int dma_sysfs_unbind(const char *name)
{
	int err = put(PCI_DRIVER "/unbind", name + strlen(PCI));

	return put_override(name, "\n") ?: err;
}
