/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files share that check the arguments of ioctls.
 */
#ifndef _ZC_IOCTL_H
#define _ZC_IOCTL_H

#include <linux/types.h>

struct zc_file;

#define ZC_BUF_FLAGS	(ZC_BUF_SMALL_OK | ZC_BUF_NODE_STRICT | ZC_BUF_ZERO | \
			 ZC_BUF_SLICE)

/* Is a reserved field not 0? They are few: a loop costs less than a search. */
static inline bool zc_any_set(const u64 *resv, size_t nr)
{
	u64 any = 0;

	while (nr--)
		any |= resv[nr];
	return any;
}

/* ioctl_buffer.c */

int zc_ioctl_buf_create(struct zc_file *zf, void *data);
void zc_undo_buf_create(struct zc_file *zf, void *data);
int zc_ioctl_buf_query(struct zc_file *zf, void *data);
int zc_ioctl_buf_destroy(struct zc_file *zf, void *data);
int zc_ioctl_buf_seal(struct zc_file *zf, void *data);
int zc_ioctl_buf_info(struct zc_file *zf, void *data);
int zc_ioctl_buf_share(struct zc_file *zf, void *data);
void zc_undo_buf_share(struct zc_file *zf, void *data);

#endif /* _ZC_IOCTL_H */
