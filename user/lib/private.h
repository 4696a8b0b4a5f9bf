/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of libzc share. */
#ifndef _ZC_PRIVATE_H
#define _ZC_PRIVATE_H

#include <zc/zc.h>

#define ZC_EXPORT	__attribute__((visibility("default")))

struct zc_context {
	int fd;
};

struct zc_buffer {
	int fd;		/* own duplicate: the context may be closed first */
	uint32_t handle;
	uint64_t size;
	void *data;
};

/* ioctl() with a negative errno for -1. */
int zc_ioctl(int fd, unsigned long cmd, void *arg);

#endif /* _ZC_PRIVATE_H */
