/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files share that check the arguments of ioctls.
 */
#ifndef _ZC_IOCTL_H
#define _ZC_IOCTL_H

#include <linux/types.h>

struct io_uring_cmd;
struct zc_file;

#define ZC_FEATURES \
	(ZC_FEAT_BUFFER | ZC_FEAT_SENDFILE | ZC_FEAT_PAGE_PATH | ZC_FEAT_SEND | \
	 ZC_FEAT_ASYNC | ZC_FEAT_STATS | ZC_FEAT_RESERVE | ZC_FEAT_INFO | ZC_FEAT_SHARE | \
	 ZC_FEAT_IMPORT | ZC_FEAT_DMA | \
	 (IS_ENABLED(CONFIG_DMA_SHARED_BUFFER) ? ZC_FEAT_DMABUF : 0))

#define ZC_BUF_FLAGS	(ZC_BUF_SMALL_OK | ZC_BUF_NODE_STRICT | ZC_BUF_ZERO | \
			 ZC_BUF_SLICE)

#define ZC_SEND_FLAGS	(ZC_SEND_POS | ZC_SEND_NONBLOCK | ZC_SEND_NOSIGNAL | \
			 ZC_SEND_DIRECT | ZC_SEND_MORE | ZC_SEND_CACHED | \
			 ZC_SEND_ASYNC)
#define ZC_SEND_BUF_FLAGS (ZC_SEND_NONBLOCK | ZC_SEND_NOSIGNAL | \
			   ZC_SEND_MORE | ZC_SEND_ASYNC | ZC_SEND_SHARED)
#define ZC_COPY_REASONS	(ZC_COPY_NO_DIRECT | ZC_COPY_NO_SG | ZC_COPY_SOCKET | \
			 ZC_COPY_LOOPBACK | ZC_COPY_SMALL)

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
int zc_ioctl_buf_import(struct zc_file *zf, void *data);
void zc_undo_buf_import(struct zc_file *zf, void *data);
int zc_ioctl_buf_query(struct zc_file *zf, void *data);
int zc_ioctl_buf_destroy(struct zc_file *zf, void *data);
int zc_ioctl_buf_seal(struct zc_file *zf, void *data);
int zc_ioctl_buf_info(struct zc_file *zf, void *data);
int zc_ioctl_buf_share(struct zc_file *zf, void *data);
void zc_undo_buf_share(struct zc_file *zf, void *data);
int zc_ioctl_buf_export(struct zc_file *zf, void *data);
void zc_undo_buf_export(struct zc_file *zf, void *data);
int zc_ioctl_buf_sync(struct zc_file *zf, void *data);

/* ioctl_dma.c */

int zc_ioctl_dma_query(struct zc_file *zf, void *data);
int zc_ioctl_dma_attach(struct zc_file *zf, void *data);
void zc_undo_dma_attach(struct zc_file *zf, void *data);
int zc_ioctl_dma_detach(struct zc_file *zf, void *data);
int zc_ioctl_dma_map(struct zc_file *zf, void *data);
void zc_undo_dma_map(struct zc_file *zf, void *data);
int zc_ioctl_dma_unmap(struct zc_file *zf, void *data);
int zc_ioctl_dma_segments(struct zc_file *zf, void *data);
int zc_ioctl_dma_measure(struct zc_file *zf, void *data);

/* ioctl_send.c */

int zc_ioctl_sendfile(struct zc_file *zf, void *data);
int zc_ioctl_send(struct zc_file *zf, void *data);
int zc_ioctl_cancel(struct zc_file *zf, void *data);
int zc_uring(struct io_uring_cmd *ucmd, unsigned int issue_flags);

#endif /* _ZC_IOCTL_H */
