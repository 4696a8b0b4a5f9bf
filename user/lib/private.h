/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of libzc share. */
#ifndef _ZC_PRIVATE_H
#define _ZC_PRIVATE_H

#include <errno.h>
#include <signal.h>
#include <sys/types.h>
#include <zc/zc.h>

#define ZC_EXPORT	__attribute__((visibility("default")))

/**
 * struct zc_context - an open /dev/zc, or what there is instead. Never changed
 * @fd:  descriptor, or -1
 * @why: 0, or the negative errno for which there is none
 * @any: from zc_open_any(): what the module refuses goes another way
 */
struct zc_context {
	int fd;
	int why;
	bool any;
};

/**
 * struct zc_buffer - a buffer and its mapping
 * @fd:     own duplicate of the context's: that may be closed first; or @plain, of the memory
 * @handle: the module's name for it; or 0
 * @size:   bytes
 * @data:   mapping
 * @maker:  process that made it: its children share the handle
 * @any:    of a context of zc_open_any()
 * @plain:  memory of the kernel's, not of the module's
 * @sealed: @plain, and nobody can change it
 * @imported: @plain, and a file's
 * @page:   @plain: bytes of each page
 * @offset: @plain: where in the file it begins, bytes
 */
struct zc_buffer {
	int fd;
	uint32_t handle;
	uint64_t size;
	void *data;
	pid_t maker;
	bool any;
	bool plain;
	bool sealed;
	bool imported;
	uint32_t page;
	uint64_t offset;
};

/* ioctl() with a negative errno for -1; -ENODEV without a descriptor. */
int zc_ioctl(int fd, unsigned long cmd, void *arg);

/* The same of the buffer's descriptor, if that is the module's. */
static inline int zc_buffer_ioctl(const struct zc_buffer *buf, unsigned long cmd, void *arg)
{
	return buf->plain ? -ENODEV : zc_ioctl(buf->fd, cmd, arg);
}

/* Have the memory of @buf inaccessible, but in its place. */
int zc_buffer_hide(struct zc_buffer *buf);
int zc_buffer_show(struct zc_buffer *buf, uint64_t offset, bool sealed);

#endif /* _ZC_PRIVATE_H */
