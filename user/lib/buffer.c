// SPDX-License-Identifier: LGPL-2.1-or-later
/* A buffer and its mapping. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "private.h"

struct zc_buffer {
	int fd;		/* own duplicate: the context may be closed first */
	uint32_t handle;
	uint64_t size;
	void *data;
};

static void zc_buffer_destroy(struct zc_buffer *buf)
{
	struct zc_buf_destroy arg = { .handle = buf->handle };

	zc_ioctl(buf->fd, ZC_IOC_BUF_DESTROY, &arg);
}

static int zc_buffer_create(struct zc_buffer *buf, uint64_t size,
			    uint32_t flags, int node)
{
	struct zc_buf_create arg = {
		.size = size,
		.flags = flags,
		.node = node,
	};
	int err = zc_ioctl(buf->fd, ZC_IOC_BUF_CREATE, &arg);

	if (err)
		return err;
	buf->handle = arg.handle;
	buf->size = arg.size;
	if (arg.size > SIZE_MAX) {
		zc_buffer_destroy(buf);
		return -EFBIG;
	}
	buf->data = mmap(NULL, arg.size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 buf->fd, arg.mmap_offset);
	if (buf->data == MAP_FAILED) {
		err = -errno;
		zc_buffer_destroy(buf);
	}
	return err;
}

ZC_EXPORT int zc_buffer_new(struct zc_context *ctx, uint64_t size,
			    uint32_t flags, int node, struct zc_buffer **buf)
{
	struct zc_buffer *b = calloc(1, sizeof(*b));
	int err;

	*buf = NULL;
	if (!b)
		return -ENOMEM;
	b->fd = fcntl(ctx->fd, F_DUPFD_CLOEXEC, 0);
	if (b->fd < 0) {
		err = -errno;
		goto err_free;
	}
	err = zc_buffer_create(b, size, flags, node);
	if (err)
		goto err_close;
	*buf = b;
	return 0;

err_close:
	close(b->fd);
err_free:
	free(b);
	return err;
}

ZC_EXPORT void zc_buffer_free(struct zc_buffer *buf)
{
	if (!buf)
		return;
	munmap(buf->data, buf->size);
	zc_buffer_destroy(buf);
	close(buf->fd);
	free(buf);
}

ZC_EXPORT void *zc_buffer_data(const struct zc_buffer *buf)
{
	return buf->data;
}

ZC_EXPORT uint64_t zc_buffer_size(const struct zc_buffer *buf)
{
	return buf->size;
}

ZC_EXPORT int zc_buffer_query(const struct zc_buffer *buf,
			      struct zc_buf_query *query)
{
	memset(query, 0, sizeof(*query));
	query->handle = buf->handle;
	return zc_ioctl(buf->fd, ZC_IOC_BUF_QUERY, query);
}

ZC_EXPORT int zc_buffer_share(const struct zc_buffer *buf, uint32_t flags)
{
	struct zc_buf_share arg = { .handle = buf->handle, .flags = flags };
	int err = zc_ioctl(buf->fd, ZC_IOC_BUF_SHARE, &arg);

	return err ? err : arg.fd;
}

static int zc_buffer_remap(struct zc_buffer *buf, int prot)
{
	struct zc_buf_query query;
	int err = zc_buffer_query(buf, &query);

	if (err)
		return err;
	if (mmap(buf->data, buf->size, prot, MAP_SHARED | MAP_FIXED, buf->fd,
		 query.mmap_offset) == MAP_FAILED)
		return -errno;
	return 0;
}

ZC_EXPORT int zc_buffer_seal(struct zc_buffer *buf)
{
	struct zc_buf_seal arg = { .handle = buf->handle };
	int err;

	/* Keep the place: a mapping that could be made writable is in the way. */
	if (mmap(buf->data, buf->size, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
		 0) == MAP_FAILED)
		return -errno;
	err = zc_ioctl(buf->fd, ZC_IOC_BUF_SEAL, &arg);
	if (err)
		return zc_buffer_remap(buf, PROT_READ | PROT_WRITE) ?: err;
	return zc_buffer_remap(buf, PROT_READ);
}

ZC_EXPORT int64_t zc_buffer_send(struct zc_buffer *buf, struct zc_send *arg)
{
	int err;

	arg->handle = buf->handle;
	arg->sent = 0;
	err = zc_ioctl(buf->fd, ZC_IOC_SEND, arg);
	return err ? err : (int64_t)arg->sent;
}
