// SPDX-License-Identifier: GPL-2.0-only
/* zcctl doctor: the device node, and what translates the addresses of devices. */
#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "doctor.h"

#define GROUP		"zc"
#define GROUPS		"/sys/kernel/iommu_groups"
#define CAP_DAC_OVERRIDE 1

/* Is the process in group @gid? */
static bool in_group(unsigned int gid)
{
	FILE *f = root_open("/proc/self/status");
	unsigned int own = -1, one;
	char line[4096];
	bool yes = false;
	int at, len;

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Gid: %*u %u", &own) == 1 && own == gid)
			yes = true;
		at = 0;
		if (sscanf(line, "Groups:%n", &at) < 0 || !at)
			continue;
		for (; sscanf(line + at, "%u%n", &one, &len) == 1; at += len)
			yes |= one == gid;
	}
	if (f)
		fclose(f);
	return yes;
}

/* Of the file: those of others, of the network say, do not matter here. */
static void group_name(unsigned int gid, char *name, size_t size)
{
	FILE *f = root_open("/etc/group");
	struct group *group;

	snprintf(name, size, "%u", gid);
	while (f && (group = fgetgrent(f))) {
		if (group->gr_gid != gid)
			continue;
		snprintf(name, size, "%s", group->gr_name);
		break;
	}
	if (f)
		fclose(f);
}

/* May it be opened to read and write? As the kernel would say, but for ACLs. */
static bool is_open_to(const struct doctor *doctor, const struct stat *st)
{
	unsigned int shift = st->st_uid == doctor->uid ? 6 : in_group(st->st_gid) ? 3 : 0;

	return doctor->caps & 1ull << CAP_DAC_OVERRIDE || (st->st_mode >> shift & 6) == 6;
}

static void find_closed(struct doctor *doctor, const struct stat *st, const char *group)
{
	unsigned int mode = st->st_mode & 0777;
	char command[160];

	if (st->st_gid && (mode & 060) == 060) {
		snprintf(command, sizeof(command), "sudo usermod -aG %s $USER", group);
		doctor_find(doctor, "device", DOCTOR_WARNING, command,
			    ZC_DEVICE " is open to root and group %s (mode %04o), and this user is "
			    "not in it; a new group counts when you log in again", group, mode);
		return;
	}
	doctor_find(doctor, "device", DOCTOR_WARNING,
		    "sudo groupadd -f " GROUP " && sudo usermod -aG " GROUP " $USER && sudo chgrp "
		    GROUP " " ZC_DEVICE,
		    ZC_DEVICE " is not open to this user (mode %04o, group %s); to let a group in "
		    "for good takes a udev rule: KERNEL==\"zc\", GROUP=\"" GROUP "\"", mode, group);
}

/**
 * doctor_device - may the device node be opened?
 * @doctor: the visit
 */
void doctor_device(struct doctor *doctor)
{
	char path[ROOT_PATH], group[64];
	struct stat st;

	root_path(path, sizeof(path), "%s", ZC_DEVICE);
	if (stat(path, &st)) {
		if (doctor->loaded)
			doctor_find(doctor, "device", DOCTOR_PROBLEM, NULL,
				    "there is no " ZC_DEVICE ", though the module is loaded: a "
				    "container has to be given it");
		else
			doctor_note(doctor, "device",
				    "there is no " ZC_DEVICE " before the module is loaded");
		return;
	}
	group_name(st.st_gid, group, sizeof(group));
	if (!is_open_to(doctor, &st))
		find_closed(doctor, &st, group);
	else if (doctor->uid)
		doctor_ok(doctor, "device", "this user may open " ZC_DEVICE);
	else
		doctor_ok(doctor, "device",
			  "root may open " ZC_DEVICE ", and group %s (mode %04o)", group,
			  st.st_mode & 0777);
}

/**
 * struct iommu - groups of devices behind an IOMMU, by what it does for them
 * @strict:   translates, and forgets at once
 * @lazy:     translates, and forgets in its own time
 * @identity: lets addresses through
 */
struct iommu {
	unsigned int strict;
	unsigned int lazy;
	unsigned int identity;
};

static bool read_groups(struct iommu *iommu)
{
	char path[ROOT_PATH], type[32];
	struct dirent *de;
	DIR *dir;

	root_path(path, sizeof(path), GROUPS);
	dir = opendir(path);
	while (dir && (de = readdir(dir))) {
		if (*de->d_name == '.' ||
		    !root_line(type, sizeof(type), GROUPS "/%s/type", de->d_name))
			continue;
		iommu->strict += !strcmp(type, "DMA");
		iommu->lazy += !strcmp(type, "DMA-FQ");
		iommu->identity += !strcmp(type, "identity");
	}
	if (dir)
		closedir(dir);
	return iommu->strict || iommu->lazy || iommu->identity;
}

/**
 * doctor_iommu - how devices reach memory
 * @doctor: the visit
 */
void doctor_iommu(struct doctor *doctor)
{
	struct iommu iommu = { };
	char line[4096];

	root_line(line, sizeof(line), "/proc/cmdline");
	if (!read_groups(&iommu))
		doctor_note(doctor, "iommu",
			    "there is none, or it is off%s: devices use physical addresses, and reach "
			    "all memory", strstr(line, "iommu=off") ?
			    " (iommu=off on the kernel's command line)" :
			    " (in the firmware, or without intel_iommu=on)");
	else if (iommu.identity)
		doctor_note(doctor, "iommu",
			    "passthrough: %u of %u groups of devices use physical addresses: boot with "
			    "iommu.passthrough=0 to have all translated",
			    iommu.identity, iommu.identity + iommu.strict + iommu.lazy);
	else if (iommu.lazy)
		doctor_note(doctor, "iommu",
			    "lazy: devices reach what was unmapped for some milliseconds: boot with "
			    "iommu.strict=1 for those that are not trusted");
	else
		doctor_ok(doctor, "iommu",
			  "strict: devices reach what is mapped for them, and nothing else");
}
