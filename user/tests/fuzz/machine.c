// SPDX-License-Identifier: GPL-2.0-only
/*
 * What files of /proc, sysfs and /etc say of a machine, as zcctl doctor reads them: below
 * $ZCCTL_ROOT there are links to files in memory, each of which has a part of the input.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

static const char *const names[] = {
	"etc/group", "etc/os-release", "proc/buddyinfo", "proc/cmdline", "proc/modules",
	"proc/self/limits", "proc/self/status", "proc/version",
	"sys/kernel/mm/transparent_hugepage/enabled", "sys/kernel/security/lockdown",
	"sys/kernel/security/lsm", "sys/module/module/parameters/sig_enforce",
	"sys/module/zc/srcversion", "sys/module/zc/version",
	"sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages",
	"sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages",
	"proc/sys/kernel/osrelease", "lib/modules/x/updates/zc.ko", "run/zcctl-bench",
};

#define FILES	(sizeof(names) / sizeof(*names))

static int fds[FILES];
static char root[] = "/tmp/zc-fuzz-XXXXXX";

static void make_folders(char *path)
{
	char *slash = path + strlen(root);

	for (; (slash = strchr(slash + 1, '/')); *slash = '/') {
		*slash = '\0';
		mkdir(path, 0700);
	}
}

static void remove_all(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	if (system(command))
		abort();
}

static void make_root(void)
{
	char path[256], target[32];
	size_t i;

	if (!mkdtemp(root))
		abort();
	atexit(remove_all);
	for (i = 0; i < FILES; i++) {
		fds[i] = memfd_create("fuzz", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "%s/%s", root, names[i]);
		make_folders(path);
		snprintf(target, sizeof(target), "/proc/self/fd/%d", fds[i]);
		if (symlink(target, path))
			abort();
	}
	setenv("ZCCTL_ROOT", root, 1);
}

/* Parts end with a NUL. */
static void fill(const uint8_t *data, size_t size)
{
	size_t i;

	for (i = 0; i < FILES; i++) {
		const uint8_t *end = memchr(data, 0, size);
		size_t len = end ? (size_t)(end - data) : size;

		if (ftruncate(fds[i], 0) || pwrite(fds[i], data, len, 0) != (ssize_t)len)
			abort();
		data += len + !!end;
		size -= len + !!end;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *words[] = { "doctor", size & 1 ? "-j" : NULL, NULL };

	if (!*fds)
		make_root();
	fill(data, size);
	fuzz_answers(NULL, 0);
	fuzz_zcctl(words);
	return 0;
}
