/* SPDX-License-Identifier: GPL-2.0-only */
/* A program that is to be run, as zcctl run sees it. */
#ifndef _ZCCTL_PROGRAM_H
#define _ZCCTL_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

/**
 * enum program_kind - what LD_PRELOAD does to a program
 * @PROGRAM_FINE:       it loads the library
 * @PROGRAM_SCRIPT:     its interpreter may
 * @PROGRAM_STATIC:     nobody loads libraries for it
 * @PROGRAM_PRIVILEGED: it gains rights when it is run, so that LD_PRELOAD is passed over
 * @PROGRAM_FOREIGN:    it is of another machine, or has other words, than the library
 * @PROGRAM_UNKNOWN:    it is none of these, or cannot be read
 */
enum program_kind {
	PROGRAM_FINE,
	PROGRAM_SCRIPT,
	PROGRAM_STATIC,
	PROGRAM_PRIVILEGED,
	PROGRAM_FOREIGN,
	PROGRAM_UNKNOWN,
};

char *program_find(const char *name);
enum program_kind program_kind(const char *program, const char *library, char *path,
			       size_t size);

#endif /* _ZCCTL_PROGRAM_H */
