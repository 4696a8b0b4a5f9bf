/* SPDX-License-Identifier: GPL-2.0-only */
/* Buffers as dma-bufs, and the other way round. */
#ifndef _DMABUF_H
#define _DMABUF_H

#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "zc_test.h"

#define PAGE	4096ull

#define RW	(PROT_READ | PROT_WRITE)

/* Returns a descriptor or a negative errno. */
static inline int export_fd(int fd, uint32_t handle, uint32_t flags)
{
	struct zc_buf_export arg = { .handle = handle, .flags = flags };

	return zct_ioctl(fd, ZC_IOC_BUF_EXPORT, &arg) ?: arg.fd;
}

static inline int import_fd(int fd, int from, uint64_t offset, uint64_t size,
			    struct zc_buf_import *arg)
{
	*arg = (struct zc_buf_import) { .fd = from, .offset = offset, .size = size };
	return zct_ioctl(fd, ZC_IOC_BUF_IMPORT, arg);
}

/* DMA_BUF_IOCTL_SYNC. Returns 0 or a negative errno. */
static inline int dmabuf_sync(int fd, uint64_t flags)
{
	struct dma_buf_sync arg = { .flags = flags };

	return ioctl(fd, DMA_BUF_IOCTL_SYNC, &arg) ? -errno : 0;
}

/* Of the system heap: memory of another maker. -1 where there is none. */
static inline int dmabuf_heap(uint64_t size)
{
	struct dma_heap_allocation_data arg = { .len = size, .fd_flags = O_RDWR | O_CLOEXEC };
	int dev = open("/dev/dma_heap/system", O_RDONLY | O_CLOEXEC), ret;

	if (dev < 0)
		return -1;
	ret = ioctl(dev, DMA_HEAP_IOCTL_ALLOC, &arg);
	close(dev);
	return ret ? -1 : (int)arg.fd;
}

/* How many bytes of @buf, from @offset on, come out of a socket as the pattern. */
static inline uint64_t send_checked(int fd, uint32_t handle, uint64_t offset, uint64_t len,
				    uint64_t pattern)
{
	struct zct_rx rx = { .offset = pattern, .check = true };
	struct zc_send arg = { .handle = handle, .offset = offset, .len = len };
	int sock[2], ret;

	if (zct_pair(AF_INET, sock))
		return 0;
	rx.sock = sock[1];
	arg.out_fd = sock[0];
	zct_rx_start(&rx);
	ret = zct_ioctl(fd, ZC_IOC_SEND, &arg);
	close(sock[0]);
	zct_rx_join(&rx);
	close(sock[1]);
	return ret || rx.bad != -1 || arg.sent != rx.bytes || arg.copied ? 0 : rx.bytes;
}

#endif /* _DMABUF_H */
