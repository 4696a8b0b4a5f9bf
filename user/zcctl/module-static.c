// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's modules, by system call: for the static binary, as Debian has no
 * static libkmod. It reads plain zc.ko files; compressed ones are the kernel's
 * to unpack, where it can.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/module.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "zcctl.h"

/* Where packages and DKMS put it. */
static int module_open_installed(void)
{
	static const char *const dirs[] = { "updates/dkms", "updates", "extra" };
	struct utsname uts;
	char path[512];
	size_t i;
	int fd;

	if (uname(&uts) < 0)
		return -1;
	for (i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
		snprintf(path, sizeof(path), "/lib/modules/%s/%s/zc.ko",
			 uts.release, dirs[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0)
			return fd;
	}
	return -1;
}

static bool ends_in_ko(const char *path)
{
	size_t len = strlen(path);

	return len >= 3 && !strcmp(path + len - 3, ".ko");
}

int module_insert(const char *path, const char *params)
{
	int flags = 0, fd, err = 0;

	if (path) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (!ends_in_ko(path))
			flags = MODULE_INIT_COMPRESSED_FILE;
	} else {
		fd = module_open_installed();
	}
	if (fd < 0)
		return -errno;
	if (syscall(SYS_finit_module, fd, params, flags) < 0)
		err = -errno;
	close(fd);
	return err;
}

int module_remove(void)
{
	return syscall(SYS_delete_module, "zc", O_NONBLOCK) < 0 ? -errno : 0;
}
