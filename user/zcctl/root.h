/* SPDX-License-Identifier: GPL-2.0-only */
/* Files that say what the kernel and the machine are like: of /proc, /sys, /etc … */
#ifndef _ZCCTL_ROOT_H
#define _ZCCTL_ROOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define ROOT_PATH	512

void root_path(char *buf, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
bool root_exists(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
bool root_line(char *buf, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
FILE *root_open(const char *path);
bool root_no_modules(void);
const char *root_load_hint(void);
bool root_chosen(char *buf, size_t size, const char *path);

#endif /* _ZCCTL_ROOT_H */
