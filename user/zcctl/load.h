/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of zcctl load share. */
#ifndef _ZCCTL_LOAD_H
#define _ZCCTL_LOAD_H

#include "zcctl.h"

#define KMSG_LINES	8
#define KMSG_LINE	256

/**
 * struct kmsg - what the kernel has logged
 * @nr:   how many lines
 * @line: each
 */
struct kmsg {
	size_t nr;
	char line[KMSG_LINES][KMSG_LINE];
};

int kmsg_open(void);
void kmsg_read(int fd, struct kmsg *log);

/**
 * struct load_failed - a module that was not loaded
 * @err:    positive errno
 * @path:   its file, or NULL for the one installed
 * @params: whether parameters were given
 * @log:    what the kernel said of it
 */
struct load_failed {
	int err;
	const char *path;
	bool params;
	struct kmsg log;
};

int load_explain(const struct load_failed *failed);

#endif /* _ZCCTL_LOAD_H */
