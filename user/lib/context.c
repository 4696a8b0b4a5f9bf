// SPDX-License-Identifier: LGPL-2.1-or-later
/* An open /dev/zc. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "fallback.h"

int zc_ioctl(int fd, unsigned long cmd, void *arg)
{
	if (fd < 0)
		return -ENODEV;
	return ioctl(fd, cmd, arg) < 0 ? -errno : 0;
}

static int zc_context_new(struct zc_context **ctx, bool any)
{
	struct zc_context *c = malloc(sizeof(*c));
	int err = 0;

	*ctx = NULL;
	if (!c)
		return -ENOMEM;
	c->any = any;
	c->fd = open(ZC_DEVICE, O_RDWR | O_CLOEXEC);
	c->why = c->fd < 0 ? -errno : 0;
	if (c->why && !any) {
		err = c->why;
		free(c);
		return err;
	}
	*ctx = c;
	return 0;
}

ZC_EXPORT int zc_open(struct zc_context **ctx)
{
	return zc_context_new(ctx, false);
}

ZC_EXPORT int zc_open_any(struct zc_context **ctx)
{
	return zc_context_new(ctx, true);
}

ZC_EXPORT int zc_why(const struct zc_context *ctx)
{
	return ctx->why;
}

ZC_EXPORT void zc_close(struct zc_context *ctx)
{
	if (!ctx)
		return;
	if (ctx->fd >= 0)
		close(ctx->fd);
	free(ctx);
}

ZC_EXPORT int zc_fd(const struct zc_context *ctx)
{
	return ctx->fd;
}

ZC_EXPORT int zc_query(const struct zc_context *ctx, struct zc_query *query)
{
	memset(query, 0, sizeof(*query));
	if (ctx->fd < 0) {
		zc_memory_limits(query);
		return 0;
	}
	return zc_ioctl(ctx->fd, ZC_IOC_QUERY, query);
}

ZC_EXPORT int zc_query_stats(const struct zc_context *ctx, struct zc_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	return zc_ioctl(ctx->fd, ZC_IOC_STATS, stats);
}

ZC_EXPORT int zc_query_node(const struct zc_context *ctx, int node,
			    struct zc_node_query *info)
{
	memset(info, 0, sizeof(*info));
	info->node = node;
	return zc_ioctl(ctx->fd, ZC_IOC_NODE_QUERY, info);
}

ZC_EXPORT int zc_buffer_info(const struct zc_context *ctx, uint64_t id, uint32_t flags,
			     struct zc_buf_info *info)
{
	memset(info, 0, sizeof(*info));
	info->id = id;
	info->flags = flags;
	return zc_ioctl(ctx->fd, ZC_IOC_BUF_INFO, info);
}

ZC_EXPORT int zc_events(struct zc_context *ctx, struct zc_event *events,
			unsigned int nr)
{
	ssize_t n;

	if (ctx->fd < 0)
		return -ENODEV;
	n = read(ctx->fd, events, nr * sizeof(*events));
	return n < 0 ? -errno : (int)(n / (ssize_t)sizeof(*events));
}
