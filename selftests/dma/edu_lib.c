// SPDX-License-Identifier: GPL-2.0-only
/* QEMU's edu: a PCI device with a DMA engine. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "edu.h"

#define BUS		"/sys/bus/pci/"
#define BAR_SIZE	(1ul << 20)

#define REG_SRC		0x80
#define REG_DST		0x88
#define REG_COUNT	0x90
#define REG_CMD		0x98
#define CMD_RUN		1ull
#define CMD_STORE	2ull

/* Where its own memory is, as the engine sees it. */
#define EDU_RAM		0x40000ull

static int sysfs_read(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return -errno;
	len = read(fd, text, size - 1);
	text[len < 0 ? 0 : len] = 0;
	text[strcspn(text, "\n")] = 0;
	close(fd);
	return len < 0 ? -EIO : 0;
}

static int sysfs_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		ret = -errno;
	close(fd);
	return ret;
}

/* A file of the device. */
static const char *edu_file(const struct edu *edu, const char *file)
{
	static __thread char path[128];

	snprintf(path, sizeof(path), BUS "devices/%s/%s", edu->pci, file);
	return path;
}

static bool is_edu(const char *dir)
{
	char path[128], vendor[16] = "", device[16] = "";

	snprintf(path, sizeof(path), "%s/vendor", dir);
	sysfs_read(path, vendor, sizeof(vendor));
	snprintf(path, sizeof(path), "%s/device", dir);
	sysfs_read(path, device, sizeof(device));
	return !strcmp(vendor, "0x1234") && !strcmp(device, "0x11e8");
}

bool edu_find(struct edu *edu, unsigned int nth)
{
	bool found = false;
	glob_t devices;
	size_t i;

	memset(edu, 0, sizeof(*edu));
	edu->target = NO_TARGET;
	if (glob(BUS "devices/*", 0, NULL, &devices))
		return false;
	for (i = 0; i < devices.gl_pathc && !found; i++) {
		if (!is_edu(devices.gl_pathv[i]) || nth--)
			continue;
		snprintf(edu->pci, sizeof(edu->pci), "%s",
			 strrchr(devices.gl_pathv[i], '/') + 1);
		snprintf(edu->name, sizeof(edu->name), "pci:%s", edu->pci);
		found = true;
	}
	globfree(&devices);
	return found;
}

int edu_bind(const struct edu *edu, const char *driver)
{
	char path[128], link[256];
	ssize_t len;
	int ret;

	len = readlink(edu_file(edu, "driver"), link, sizeof(link) - 1);
	link[len < 0 ? 0 : len] = 0;
	if (len > 0 && !strcmp(strrchr(link, '/') + 1, driver))
		return 0;
	ret = sysfs_write(edu_file(edu, "driver_override"), driver);
	if (ret)
		return ret;
	snprintf(path, sizeof(path), BUS "drivers/%s/bind", driver);
	ret = sysfs_write(path, edu->pci);
	/* Or each load of the driver would take the device, in tests that are about others. */
	return sysfs_write(edu_file(edu, "driver_override"), "\n") ?: ret;
}

int edu_unbind(const struct edu *edu)
{
	return sysfs_write(edu_file(edu, "driver/unbind"), edu->pci);
}

/* The register of the device for commands, read or written. Returns 0 or a negative errno. */
static int edu_command(const struct edu *edu, bool write, uint16_t *command)
{
	int fd = open(edu_file(edu, "config"), O_RDWR | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return -errno;
	len = write ? pwrite(fd, command, sizeof(*command), PCI_COMMAND) :
		      pread(fd, command, sizeof(*command), PCI_COMMAND);
	close(fd);
	return len == sizeof(*command) ? 0 : -EIO;
}

bool edu_master(const struct edu *edu)
{
	uint16_t command;

	return !edu_command(edu, false, &command) && command & PCI_COMMAND_MASTER;
}

int edu_master_set(const struct edu *edu)
{
	uint16_t command = 0;
	int ret = edu_command(edu, false, &command);

	command |= PCI_COMMAND_MASTER;
	return ret ?: edu_command(edu, true, &command);
}

static int edu_map(struct edu *edu)
{
	int fd = open(edu_file(edu, "resource0"), O_RDWR | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return -errno;
	edu->regs = mmap(NULL, BAR_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (edu->regs == MAP_FAILED) {
		ret = -errno;
		edu->regs = NULL;
	}
	close(fd);
	return ret;
}

static void edu_unmap(struct edu *edu)
{
	if (edu->regs)
		munmap((void *)edu->regs, BAR_SIZE);
	edu->regs = NULL;
}

int edu_begin(struct edu *edu, int fd, uint32_t bits)
{
	/* Whatever a test before has left. */
	edu_unmap(edu);
	edu_unbind(edu);
	return edu_bind(edu, EDU_DRIVER) ?: dma_attach(fd, edu->name, bits, &edu->target) ?:
	       edu_map(edu);
}

void edu_end(struct edu *edu, int fd)
{
	edu_unmap(edu);
	if (edu->target != NO_TARGET)
		dma_detach(fd, edu->target);
	edu->target = NO_TARGET;
	edu_unbind(edu);
}

int edu_unplug(struct edu *edu)
{
	edu_unmap(edu);
	return sysfs_write(edu_file(edu, "remove"), "1");
}

int edu_plug(const struct edu *edu)
{
	return sysfs_write(BUS "rescan", "1") ?: access(edu_file(edu, ""), F_OK);
}

bool edu_group(const struct edu *edu, char *type, size_t size)
{
	return !sysfs_read(edu_file(edu, "iommu_group/type"), type, size);
}

int edu_group_set(const struct edu *edu, const char *type)
{
	return sysfs_write(edu_file(edu, "iommu_group/type"), type);
}

static void reg_write(const struct edu *edu, unsigned int reg, uint64_t val)
{
	*(volatile uint64_t *)(edu->regs + reg) = val;
}

static uint64_t reg_read(const struct edu *edu, unsigned int reg)
{
	return *(volatile uint64_t *)(edu->regs + reg);
}

static bool edu_run_begin(const struct edu *edu, uint64_t src, uint64_t dst, unsigned int len,
			  uint64_t cmd)
{
	if (!edu->regs || !len || len > EDU_MAX)
		return false;
	reg_write(edu, REG_SRC, src);
	reg_write(edu, REG_DST, dst);
	reg_write(edu, REG_COUNT, len);
	reg_write(edu, REG_CMD, cmd | CMD_RUN);
	return true;
}

bool edu_busy(const struct edu *edu)
{
	return reg_read(edu, REG_CMD) & CMD_RUN;
}

bool edu_end_run(const struct edu *edu)
{
	uint64_t end = zct_now_ms() + 10000;

	while (edu_busy(edu)) {
		if (zct_now_ms() > end)
			return false;
		usleep(2000);
	}
	return true;
}

static bool edu_run(const struct edu *edu, uint64_t src, uint64_t dst, unsigned int len,
		    uint64_t cmd)
{
	return edu_run_begin(edu, src, dst, len, cmd) && edu_end_run(edu);
}

bool edu_store_begin(const struct edu *edu, uint64_t addr, unsigned int at, unsigned int len)
{
	return at + len <= EDU_MAX && edu_run_begin(edu, EDU_RAM + at, addr, len, CMD_STORE);
}

bool edu_load(const struct edu *edu, uint64_t addr, unsigned int at, unsigned int len)
{
	return at + len <= EDU_MAX && edu_run(edu, addr, EDU_RAM + at, len, 0);
}

bool edu_store(const struct edu *edu, uint64_t addr, unsigned int at, unsigned int len)
{
	return at + len <= EDU_MAX && edu_run(edu, EDU_RAM + at, addr, len, CMD_STORE);
}

static bool edu_move(const struct edu *edu, const struct segments *segs, uint64_t offset,
		     unsigned int len, bool store)
{
	unsigned int at, nr;
	uint64_t addr, rest;

	for (at = 0; at < len; at += nr) {
		addr = dma_address(segs, offset + at, &rest);
		nr = rest < len - at ? rest : len - at;
		if (!nr || !(store ? edu_store : edu_load)(edu, addr, at, nr))
			return false;
	}
	return true;
}

bool edu_get(const struct edu *edu, const struct segments *segs, uint64_t offset,
	     unsigned int len)
{
	return edu_move(edu, segs, offset, len, false);
}

bool edu_put(const struct edu *edu, const struct segments *segs, uint64_t offset,
	     unsigned int len)
{
	return edu_move(edu, segs, offset, len, true);
}

/* " 24:  0  5  DMAR-MSI 0-edge dmar0": its interrupts, of all processors. */
unsigned long edu_faults(void)
{
	FILE *f = fopen("/proc/interrupts", "re");
	unsigned long sum = 0;
	char line[1024], *at, *end;

	while (f && fgets(line, sizeof(line), f)) {
		if (!strstr(line, "dmar"))
			continue;
		for (at = strchr(line, ':') + 1;; at = end) {
			unsigned long nr = strtoul(at, &end, 10);

			if (end == at)
				break;
			sum += nr;
		}
	}
	if (f)
		fclose(f);
	return sum;
}

bool edu_faulted(unsigned long before)
{
	uint64_t end = zct_now_ms() + 1000;

	while (edu_faults() <= before) {
		if (zct_now_ms() > end)
			return false;
		usleep(2000);
	}
	return true;
}

int edu_log(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

/*
 * "DMAR: [DMA Write NO_PASID] Request device [00:10.0] fault addr 0xfff000 [fault …". Linux
 * 7.3 names the device as sysfs does, "[0000:00:10.0]".
 */
static bool is_fault(const struct edu *edu, const char *line, uint64_t addr)
{
	const char *device = strstr(line, "Request device ["), *at = strstr(line, "fault addr ");
	char name[16] = "";

	return strstr(line, "DMAR:") && device && at &&
	       sscanf(device, "Request device [%15[0-9a-f:.]", name) == 1 &&
	       (!strcmp(name, edu->pci) || !strcmp(name, edu->pci + strlen("0000:"))) &&
	       strtoull(at + strlen("fault addr "), NULL, 16) == (addr & ~(PAGE - 1));
}

static bool edu_log_has(const struct edu *edu, int log, uint64_t addr)
{
	char line[2048];
	ssize_t len;

	/* EPIPE: some lines were lost. */
	while ((len = read(log, line, sizeof(line) - 1)) >= 0 || errno == EPIPE) {
		line[len < 0 ? 0 : len] = 0;
		if (is_fault(edu, line, addr))
			return true;
	}
	return false;
}

bool edu_logged(const struct edu *edu, int log, uint64_t addr, int ms)
{
	uint64_t end = zct_now_ms() + ms;

	while (!edu_log_has(edu, log, addr)) {
		if (zct_now_ms() >= end)
			return false;
		usleep(10000);
	}
	return true;
}
