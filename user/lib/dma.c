// SPDX-License-Identifier: LGPL-2.1-or-later
/* Targets, and buffers that are mapped for them. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

ZC_EXPORT int zc_dma_next(const struct zc_context *ctx, uint32_t target,
			  struct zc_dma_query *info)
{
	memset(info, 0, sizeof(*info));
	info->target = target;
	return zc_ioctl(ctx->fd, ZC_IOC_DMA_QUERY, info);
}

/* Is it a number? No name is one, as each has a ':'. */
static bool zc_dma_number(const char *name, uint32_t *target)
{
	unsigned long long number;
	char *end;

	if (!isdigit((unsigned char)*name))
		return false;
	errno = 0;
	number = strtoull(name, &end, 10);
	*target = number;
	return !errno && !*end && number <= UINT32_MAX;
}

ZC_EXPORT int zc_dma_find(const struct zc_context *ctx, const char *name,
			  struct zc_dma_query *info)
{
	struct zc_dma_query query;
	uint32_t target = 0;
	bool number, found;
	int err;

	number = zc_dma_number(name, &target);
	do {
		err = zc_dma_next(ctx, target, &query);
		if (err)
			return err;
		found = number ? query.target == target :
				 !strncmp(name, query.name, sizeof(query.name));
		target = query.target + 1;
	} while (!found && !number && target);
	if (!found)
		return -ENOENT;
	*info = query;
	return 0;
}

ZC_EXPORT int zc_dma_attach(struct zc_context *ctx, const char *name, uint32_t bits,
			    uint32_t *target)
{
	struct zc_dma_attach arg = { .bits = bits };
	size_t len = strlen(name);
	int err;

	if (len >= sizeof(arg.name))
		return -ENAMETOOLONG;
	memcpy(arg.name, name, len);
	err = zc_ioctl(ctx->fd, ZC_IOC_DMA_ATTACH, &arg);
	if (!err && target)
		*target = arg.target;
	return err;
}

ZC_EXPORT int zc_dma_detach(struct zc_context *ctx, uint32_t target)
{
	struct zc_dma_detach arg = { .target = target };

	return zc_ioctl(ctx->fd, ZC_IOC_DMA_DETACH, &arg);
}

ZC_EXPORT int zc_buffer_dma_map(struct zc_buffer *buf, uint32_t target, uint32_t flags,
				uint64_t user_data, struct zc_dma_map *result)
{
	struct zc_dma_map arg = {
		.handle = buf->handle,
		.target = target,
		.flags = flags,
		.user_data = user_data,
	};
	int err = zc_buffer_ioctl(buf, ZC_IOC_DMA_MAP, &arg);

	if (!err && result)
		*result = arg;
	return err;
}

ZC_EXPORT int zc_buffer_dma_unmap(struct zc_buffer *buf, uint32_t target)
{
	struct zc_dma_unmap arg = { .handle = buf->handle, .target = target };

	return zc_buffer_ioctl(buf, ZC_IOC_DMA_UNMAP, &arg);
}

ZC_EXPORT int zc_buffer_dma_segments(const struct zc_buffer *buf, uint32_t target,
				     uint32_t first, struct zc_segment *segs,
				     unsigned int nr)
{
	unsigned int n, done = 0;
	int err;

	if (nr > INT_MAX)
		nr = INT_MAX;
	/* Each call has room for some. */
	while (done < nr && first <= UINT32_MAX - done) {
		struct zc_dma_segments arg = {
			.handle = buf->handle,
			.target = target,
			.first = first + done,
		};

		err = zc_buffer_ioctl(buf, ZC_IOC_DMA_SEGMENTS, &arg);
		if (err)
			return err;
		n = arg.nr < nr - done ? arg.nr : nr - done;
		memcpy(segs + done, arg.segments, n * sizeof(*segs));
		done += n;
		if (!n || first + done >= arg.total)
			break;
	}
	return done;
}

static int zc_buffer_sync(struct zc_buffer *buf, uint32_t flags, uint64_t offset,
			  uint64_t len)
{
	struct zc_buf_sync arg = {
		.handle = buf->handle,
		.flags = flags,
		.offset = offset,
		.len = len,
	};

	return zc_buffer_ioctl(buf, ZC_IOC_BUF_SYNC, &arg);
}

ZC_EXPORT int zc_buffer_sync_begin(struct zc_buffer *buf, uint32_t flags, uint64_t offset,
				   uint64_t len)
{
	/* It would end what it is to begin. */
	if (flags & ZC_SYNC_END)
		return -EINVAL;
	return zc_buffer_sync(buf, flags, offset, len);
}

ZC_EXPORT int zc_buffer_sync_end(struct zc_buffer *buf, uint32_t flags, uint64_t offset,
				 uint64_t len)
{
	return zc_buffer_sync(buf, flags | ZC_SYNC_END, offset, len);
}

ZC_EXPORT int zc_buffer_export(const struct zc_buffer *buf, uint32_t flags)
{
	struct zc_buf_export arg = { .handle = buf->handle, .flags = flags };
	int err = zc_buffer_ioctl(buf, ZC_IOC_BUF_EXPORT, &arg);

	return err ? err : arg.fd;
}
