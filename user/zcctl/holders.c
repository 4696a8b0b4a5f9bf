// SPDX-License-Identifier: GPL-2.0-only
/* Who holds the device: descriptors and mappings, found in /proc. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "zcctl.h"

/* A buffer that was handed over (ZC_IOC_BUF_SHARE). */
#define SHARED		"anon_inode:[zc]"

/* What the name of a dma-buf begins with. */
#define DMABUF		"/dmabuf:"

/* Of a dma-buf: did the module export it? */
static bool exported(const char *pid, const char *fd)
{
	char path[64], line[128];
	bool ours = false;
	FILE *info;

	snprintf(path, sizeof(path), "/proc/%.16s/fdinfo/%.16s", pid, fd);
	info = fopen(path, "re");
	if (!info)
		return false;
	while (!ours && fgets(line, sizeof(line), info))
		ours = !strcmp(line, "exp_name:\tzc\n");
	fclose(info);
	return ours;
}

static unsigned int count_fds(const char *pid)
{
	unsigned int nr = 0;
	struct dirent *de;
	char path[64], target[64];
	ssize_t len;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%.16s/fd", pid);
	dir = opendir(path);
	if (!dir)
		return 0;
	while ((de = readdir(dir))) {
		len = readlinkat(dirfd(dir), de->d_name, target,
				 sizeof(target) - 1);
		if (len <= 0)
			continue;
		target[len] = '\0';
		nr += !strcmp(target, ZC_DEVICE) || !strcmp(target, SHARED) ||
		      !strcmp(target, ZC_DEVICE " (deleted)") ||
		      (!strncmp(target, DMABUF, strlen(DMABUF)) &&
		       exported(pid, de->d_name));
	}
	closedir(dir);
	return nr;
}

static unsigned int count_mappings(const char *pid)
{
	unsigned int nr = 0;
	char path[64], line[512];
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%.16s/maps", pid);
	maps = fopen(path, "re");
	if (!maps)
		return 0;
	while (fgets(line, sizeof(line), maps)) {
		const char *name = strchr(line, '/');

		nr += name ? !strcmp(name, ZC_DEVICE "\n") ||
			     !strcmp(name, ZC_DEVICE " (deleted)\n") :
			     !!strstr(line, SHARED);
	}
	fclose(maps);
	return nr;
}

static void describe(const char *pid, struct holder *h)
{
	char path[64], comm[32];
	struct stat st;

	h->pid = atoi(pid);
	snprintf(path, sizeof(path), "/proc/%.16s", pid);
	h->uid = stat(path, &st) ? (uid_t)-1 : st.st_uid;
	snprintf(path, sizeof(path), "/proc/%.16s/comm", pid);
	/* Anybody can have any name. */
	file_line(path, comm, sizeof(comm));
	out_plain(comm, h->comm, sizeof(h->comm));
}

/*
 * All processes that hold the device, as far as the caller may look. *@list is
 * the caller's to free. Returns 0 or a negative errno.
 */
int holders_find(struct holder **list, size_t *nr)
{
	struct holder h, *more;
	struct dirent *de;
	DIR *proc = opendir("/proc");

	*list = NULL;
	*nr = 0;
	if (!proc)
		return -errno;
	while ((de = readdir(proc))) {
		if (!isdigit((unsigned char)*de->d_name))
			continue;
		h.fds = count_fds(de->d_name);
		h.mappings = count_mappings(de->d_name);
		if (!h.fds && !h.mappings)
			continue;
		describe(de->d_name, &h);
		more = realloc(*list, (*nr + 1) * sizeof(h));
		if (!more)
			break;
		*list = more;
		more[(*nr)++] = h;
	}
	closedir(proc);
	return 0;
}
