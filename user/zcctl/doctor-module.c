// SPDX-License-Identifier: GPL-2.0-only
/* zcctl doctor: is the module loaded, or installed, and can it be built? */
#include <stdlib.h>
#include <string.h>

#include "doctor.h"

static const char *const suffixes[] = { ".ko", ".ko.xz", ".ko.zst", ".ko.gz" };

#define NR(array)	(sizeof(array) / sizeof(*(array)))

/* Is @path, of @len bytes, that of the module, as "updates/zc.ko.xz" is? */
static bool is_ours(const char *path, size_t len)
{
	const char *base = memrchr(path, '/', len);
	size_t i;

	base = base ? base + 1 : path;
	len -= base - path;
	for (i = 0; i < NR(suffixes); i++)
		if (len == 2 + strlen(suffixes[i]) && !strncmp(base, "zc", 2) &&
		    !strncmp(base + 2, suffixes[i], len - 2))
			return true;
	return false;
}

/* What modprobe goes by: lines as "updates/zc.ko: kernel/other.ko". */
static bool find_in_index(struct doctor *doctor)
{
	char line[4096], path[160];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/lib/modules/%s/modules.dep", doctor->release);
	f = root_open(path);
	while (f && !found && fgets(line, sizeof(line), f)) {
		size_t len = strcspn(line, ":");

		if (!line[len] || !is_ours(line, len))
			continue;
		found = true;
		line[len] = '\0';
		if (*line == '/')
			snprintf(doctor->installed, sizeof(doctor->installed), "%.*s",
				 (int)sizeof(doctor->installed) - 1, line);
		else
			snprintf(doctor->installed, sizeof(doctor->installed),
				 "/lib/modules/%s/%.*s", doctor->release, ROOT_PATH / 2, line);
	}
	if (f)
		fclose(f);
	return found;
}

/* In a place where modprobe would find it, after depmod. */
static bool find_in_dirs(const struct doctor *doctor)
{
	static const char *const dirs[] = { "updates/dkms", "updates", "extra" };
	size_t i, j;

	for (i = 0; i < NR(dirs); i++)
		for (j = 0; j < NR(suffixes); j++)
			if (root_exists("/lib/modules/%s/%s/zc%s", doctor->release, dirs[i],
					suffixes[j]))
				return true;
	return false;
}

/**
 * doctor_module_look - is the module loaded, and is it installed?
 * @doctor: the visit
 */
void doctor_module_look(struct doctor *doctor)
{
	doctor->loaded = root_exists("/sys/module/zc");
	if (!find_in_index(doctor))
		*doctor->installed = '\0';
}

/**
 * doctor_module_info - what the module that is installed says of itself
 * @doctor: the visit
 * @key:    as of module_info()
 *
 * Returns: the value, the caller's to free, or NULL.
 */
char *doctor_module_info(const struct doctor *doctor, const char *key)
{
	char path[ROOT_PATH];

	root_path(path, sizeof(path), "%s", doctor->installed);
	return *doctor->installed ? module_info(path, key) : NULL;
}

static void see_loaded(struct doctor *doctor)
{
	char *installed = doctor_module_info(doctor, "srcversion");
	char version[64], source[64];

	root_line(version, sizeof(version), "/sys/module/zc/version");
	root_line(source, sizeof(source), "/sys/module/zc/srcversion");
	if (strcmp(version, ZC_VERSION))
		doctor_find(doctor, "module", DOCTOR_WARNING,
			    "sudo zcctl unload && sudo zcctl load",
			    "zc %s is loaded, and this is zcctl " ZC_VERSION ": install both of "
			    "one version", *version ? version : "of an unknown version");
	else if (*source && installed && strcmp(source, installed))
		doctor_find(doctor, "module", DOCTOR_NOTE,
			    "sudo zcctl unload && sudo zcctl load",
			    "zc %s is loaded, but of another build than the one installed",
			    version);
	else
		doctor_ok(doctor, "module", "zc %s is loaded", version);
	free(installed);
}

/* Was the installed one built for this kernel, and is it of the version of zcctl? */
static void see_installed(struct doctor *doctor)
{
	char *version = doctor_module_info(doctor, "version");
	char *magic = doctor_module_info(doctor, "vermagic");
	int len = magic ? strcspn(magic, " ") : 0;

	if (magic && strncmp(magic, doctor->release, len + 1) &&
	    (strncmp(magic, doctor->release, len) || doctor->release[len]))
		doctor_find(doctor, "module", DOCTOR_PROBLEM,
			    "make clean all && sudo make install",
			    "the one installed, %s, was built for kernel %.*s, and this one is %s",
			    doctor->installed, len, magic, doctor->release);
	else if (version && strcmp(version, ZC_VERSION))
		doctor_find(doctor, "module", DOCTOR_WARNING, "sudo make install",
			    "zc %s is installed for this kernel, and this is zcctl " ZC_VERSION
			    ": install both of one version", version);
	else
		doctor_find(doctor, "module", DOCTOR_WARNING, "sudo zcctl load",
			    "it is installed for this kernel, but not loaded");
	free(magic);
	free(version);
}

/**
 * doctor_module - the module itself
 * @doctor: the visit
 */
void doctor_module(struct doctor *doctor)
{
	char disabled[8];

	if (doctor->loaded) {
		see_loaded(doctor);
		return;
	}
	if (root_no_modules())
		doctor_find(doctor, "module", DOCTOR_PROBLEM, NULL,
			    "this kernel has no loadable modules: boot one that has (CONFIG_MODULES), "
			    "or see zc in a guest (make demo)");
	else if (*doctor->installed)
		see_installed(doctor);
	else if (find_in_dirs(doctor))
		doctor_find(doctor, "module", DOCTOR_PROBLEM, "sudo depmod -a",
			    "it is in /lib/modules/%s, but not in the index there",
			    doctor->release);
	else
		doctor_find(doctor, "module", DOCTOR_PROBLEM,
			    "make && sudo zcctl load --path ./zc.ko",
			    "it is neither loaded, nor installed for kernel %s", doctor->release);
	if (root_line(disabled, sizeof(disabled), "/proc/sys/kernel/modules_disabled") &&
	    *disabled == '1')
		doctor_find(doctor, "modules", DOCTOR_PROBLEM, NULL,
			    "none can be loaded until the next boot (kernel.modules_disabled=1)");
}

/* Of the distribution, or NULL. */
static const char *headers_command(const struct doctor *doctor, char *buf, size_t size)
{
	static const struct {
		const char *like;
		const char *command;
	} ways[] = {
		{ "debian", "sudo apt-get install linux-headers-%s" },
		{ "fedora", "sudo dnf install kernel-devel-%s" },
		{ "rhel", "sudo dnf install kernel-devel-%s" },
		{ "suse", "sudo zypper install kernel-devel" },
		{ "arch", "sudo pacman -S linux-headers" },
	};
	FILE *f = root_open("/etc/os-release");
	char line[256];
	size_t i;

	*buf = '\0';
	while (f && !*buf && fgets(line, sizeof(line), f))
		for (i = 0; i < NR(ways) && !*buf; i++)
			if ((!strncmp(line, "ID=", 3) || !strncmp(line, "ID_LIKE=", 8)) &&
			    strstr(line, ways[i].like))
				snprintf(buf, size, ways[i].command, doctor->release);
	if (f)
		fclose(f);
	return *buf ? buf : NULL;
}

/**
 * doctor_headers - can the module be built for this kernel?
 * @doctor: the visit
 */
void doctor_headers(struct doctor *doctor)
{
	bool there = doctor->loaded || *doctor->installed;
	char command[128];

	if (root_no_modules())
		return;
	if (root_exists("/lib/modules/%s/build/Makefile", doctor->release))
		doctor_ok(doctor, "headers",
			  "the headers of kernel %s are installed", doctor->release);
	else
		doctor_find(doctor, "headers", there ? DOCTOR_NOTE : DOCTOR_WARNING,
			    headers_command(doctor, command, sizeof(command)),
			    "there are no headers of kernel %s in /lib/modules: the module cannot be "
			    "built here%s", doctor->release,
			    there ? ", and need not be" : "");
}
