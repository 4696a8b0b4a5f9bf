// SPDX-License-Identifier: GPL-2.0-only
/* The device, with errors that help. */
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <sys/stat.h>

#include "root.h"
#include "zcctl.h"

/*
 * What lets the caller in, who may not. Groups by /etc/group alone: the static zcctl has
 * no others.
 */
static const char *device_hint(char *hint, size_t size)
{
	const struct group *group = NULL;
	struct stat st;
	FILE *file;

	if (stat(ZC_DEVICE, &st) || !st.st_gid || (st.st_mode & 0060) != 0060)
		return "run as root; a udev rule lets a group in for good, see zc(4)";
	file = fopen("/etc/group", "re");
	do {
		group = file ? fgetgrent(file) : NULL;
	} while (group && group->gr_gid != st.st_gid);
	snprintf(hint, size, "join the group %s: usermod -aG %s USER, and log in again",
		 group ? group->gr_name : "of " ZC_DEVICE, group ? group->gr_name : "GROUP");
	if (file)
		fclose(file);
	return hint;
}

/* Returns EX_OK, or an exit code after an error message. */
int device_open(struct zc_context **ctx)
{
	int err = zc_open(ctx);
	char hint[160];

	switch (-err) {
	case 0:
		return EX_OK;
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return out_error(EX_NO_MODULE, 0, root_load_hint(),
				 "the module is not loaded: there is no %s",
				 ZC_DEVICE);
	case EACCES:
	case EPERM:
		return out_error(EX_PERMISSION, -err, device_hint(hint, sizeof(hint)),
				 "cannot open %s", ZC_DEVICE);
	default:
		return out_error(EX_FAILED, -err, NULL, "cannot open %s",
				 ZC_DEVICE);
	}
}
