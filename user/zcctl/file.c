// SPDX-License-Identifier: GPL-2.0-only
/* Files and block devices to send; and what the kernel says in a line. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "zcctl.h"

/* What it is, or NULL for what can be sent. */
static const char *unfit(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
	case S_IFBLK:
		return NULL;
	case S_IFDIR:
		return "a directory";
	case S_IFIFO:
		return "a FIFO";
	case S_IFSOCK:
		return "a socket";
	default:
		return "a character device";
	}
}

static int cannot_open(const char *path)
{
	return out_error(errno == EACCES ? EX_PERMISSION : EX_FAILED, errno, NULL,
			 "cannot open %s", path);
}

/*
 * Open what is to be sent. It is looked at before, as a FIFO would wait for a writer,
 * and O_NONBLOCK has a meaning of its own for block devices. Returns an exit code.
 */
int file_open(const char *path, int *fd, uint64_t *size)
{
	struct stat st;
	off_t end;

	if (stat(path, &st))
		return cannot_open(path);
	if (unfit(st.st_mode))
		return out_error(EX_FAILED, 0, NULL,
				 "%s is %s: only regular files and block devices can be sent",
				 path, unfit(st.st_mode));
	*fd = open(path, O_RDONLY | O_CLOEXEC);
	if (*fd < 0)
		return cannot_open(path);
	end = lseek(*fd, 0, SEEK_END);
	*size = end > 0 ? end : 0;
	return EX_OK;
}

/* For benchmarks, which want some bytes: at most *@size of them. */
int file_open_some(const char *path, int *fd, uint64_t *size)
{
	uint64_t end;
	int ret = file_open(path, fd, &end);

	if (ret)
		return ret;
	if (!end) {
		close(*fd);
		return out_error(EX_FAILED, 0, NULL, "%s is empty", path);
	}
	if (*size > end)
		*size = end;
	return EX_OK;
}

/* The first line of a file of sysfs, "?" if there is none. */
void file_line(const char *path, char *buf, size_t size)
{
	FILE *f = fopen(path, "re");

	if (!f || !fgets(buf, size, f))
		snprintf(buf, size, "?");
	if (f)
		fclose(f);
	buf[strcspn(buf, "\n")] = '\0';
}
