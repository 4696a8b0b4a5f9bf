/* SPDX-License-Identifier: GPL-2.0-only */
/* A file that takes the place of another all at once. */
#ifndef _ZCCTL_TEXTFILE_H
#define _ZCCTL_TEXTFILE_H

#include <stdio.h>

/**
 * struct textfile - a file that is being written
 * @to:   where to write
 * @path: where it will be
 * @tmp:  where it is until then
 */
struct textfile {
	FILE *to;
	const char *path;
	char *tmp;
};

int textfile_open(struct textfile *file, const char *path);
int textfile_close(struct textfile *file);

#endif /* _ZCCTL_TEXTFILE_H */
