// SPDX-License-Identifier: LGPL-2.1-or-later
/* A buffer and its mapping. */
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fallback.h"

static void zc_buffer_destroy(struct zc_buffer *buf)
{
	struct zc_buf_destroy arg = { .handle = buf->handle };

	if (!buf->plain)
		zc_ioctl(buf->fd, ZC_IOC_BUF_DESTROY, &arg);
}

static int zc_buffer_map(struct zc_buffer *buf, int prot, uint64_t offset)
{
	int err = -EFBIG;

	if (buf->size <= SIZE_MAX) {
		buf->data = mmap(NULL, buf->size, prot, MAP_SHARED, buf->fd, offset);
		if (buf->data != MAP_FAILED)
			return 0;
		err = -errno;
	}
	zc_buffer_destroy(buf);
	return err;
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
	return zc_buffer_map(buf, PROT_READ | PROT_WRITE, arg.mmap_offset);
}

static int zc_buffer_take(struct zc_buffer *buf, int fd, uint64_t offset, uint64_t size)
{
	struct zc_buf_import arg = {
		.fd = fd,
		.offset = offset,
		.size = size,
	};
	struct zc_buf_query query;
	int err = zc_ioctl(buf->fd, ZC_IOC_BUF_IMPORT, &arg);

	if (err)
		return err;
	buf->handle = arg.handle;
	buf->size = arg.size;
	err = zc_buffer_query(buf, &query);
	if (err) {
		zc_buffer_destroy(buf);
		return err;
	}
	return zc_buffer_map(buf, PROT_READ |
			     (query.flags & (ZC_BUF_SEALED | ZC_BUF_RDONLY) ?
			      0 : PROT_WRITE),
			     arg.mmap_offset);
}

/* Without memory as yet. */
static int zc_buffer_begin(struct zc_context *ctx, struct zc_buffer **buf)
{
	int err;

	*buf = calloc(1, sizeof(**buf));
	if (!*buf)
		return -ENOMEM;
	(*buf)->any = ctx->any;
	(*buf)->maker = getpid();
	(*buf)->fd = -1;
	/* Memory has a descriptor of its own. */
	if (ctx->fd < 0)
		return 0;
	(*buf)->fd = fcntl(ctx->fd, F_DUPFD_CLOEXEC, 0);
	if ((*buf)->fd >= 0)
		return 0;
	err = -errno;
	free(*buf);
	*buf = NULL;
	return err;
}

/* Pass on what came of it; if that is an error there is no buffer. */
static int zc_buffer_end(struct zc_buffer **buf, int err)
{
	if (err) {
		if (!(*buf)->plain)
			close((*buf)->fd);
		free(*buf);
		*buf = NULL;
	}
	return err;
}

ZC_EXPORT int zc_buffer_new(struct zc_context *ctx, uint64_t size,
			    uint32_t flags, int node, struct zc_buffer **buf)
{
	int err = zc_buffer_begin(ctx, buf);

	if (err)
		return err;
	return zc_buffer_end(buf, ctx->fd < 0 ? zc_memory_new(*buf, size, flags, node) :
						zc_buffer_create(*buf, size, flags, node));
}

ZC_EXPORT int zc_buffer_import(struct zc_context *ctx, int fd, uint64_t offset,
			       uint64_t size, struct zc_buffer **buf)
{
	int err = zc_buffer_begin(ctx, buf);

	if (err)
		return err;
	return zc_buffer_end(buf, ctx->fd < 0 ? zc_memory_take(*buf, fd, offset, size) :
						zc_buffer_take(*buf, fd, offset, size));
}

ZC_EXPORT int zc_buffer_new_hugetlb(struct zc_context *ctx, uint64_t size,
				    uint64_t page_size, struct zc_buffer **buf)
{
	unsigned int shift = page_size ? __builtin_ctzll(page_size) : 0;
	int fd, err;

	*buf = NULL;
	if (page_size != 1ull << shift || shift < 12 || shift > MFD_HUGE_MASK || !size ||
	    size > INT64_MAX - page_size)
		return -EINVAL;
	fd = memfd_create("zc", MFD_CLOEXEC | MFD_HUGETLB | shift << MFD_HUGE_SHIFT);
	if (fd < 0)
		return errno == ENODEV || errno == ENOENT ? -EINVAL : -errno;
	if (ftruncate(fd, (size + page_size - 1) & ~(page_size - 1)))
		err = -errno;
	else
		err = zc_buffer_import(ctx, fd, 0, 0, buf);
	close(fd);
	return err;
}

ZC_EXPORT void zc_buffer_free(struct zc_buffer *buf)
{
	if (!buf)
		return;
	munmap(buf->data, buf->size);
	/* A child has the same open file, in which the maker's buffer has its handle. */
	if (getpid() == buf->maker)
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
	if (buf->plain)
		return zc_memory_query(buf, query);
	memset(query, 0, sizeof(*query));
	query->handle = buf->handle;
	return zc_ioctl(buf->fd, ZC_IOC_BUF_QUERY, query);
}

ZC_EXPORT int zc_buffer_share(const struct zc_buffer *buf, uint32_t flags)
{
	struct zc_buf_share arg = { .handle = buf->handle, .flags = flags };
	int err;

	if (buf->plain)
		return zc_memory_share(buf, flags);
	err = zc_ioctl(buf->fd, ZC_IOC_BUF_SHARE, &arg);
	return err ? err : arg.fd;
}

int zc_buffer_hide(struct zc_buffer *buf)
{
	return mmap(buf->data, buf->size, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) ==
	       MAP_FAILED ? -errno : 0;
}

/*
 * Is another process just sealing it? The module has waited for that, but once, and says EBUSY if
 * the next one tries. A memfd says EPERM, then and, before Linux 6.7, when it is sealed.
 */
static bool zc_buffer_sealing(const struct zc_buffer *buf, int err)
{
	if (!buf->plain)
		return err == EBUSY;
	if (err != EPERM || fcntl(buf->fd, F_GET_SEALS) & F_SEAL_WRITE)
		return false;
	usleep(1000);
	return true;
}

/* A mapping for reading, which may become one for writing unless the memory is sealed */
static void *zc_buffer_look(const struct zc_buffer *buf, uint64_t offset, bool *sealed)
{
	void *data;

	do
		data = mmap(NULL, buf->size, PROT_READ, MAP_SHARED, buf->fd, offset);
	while (data == MAP_FAILED && zc_buffer_sealing(buf, errno));
	if (data != MAP_FAILED)
		return data;
	/* RLIMIT_AS may have no room for two. */
	if (errno == ENOMEM)
		return mmap(buf->data, buf->size, PROT_READ, MAP_SHARED | MAP_FIXED, buf->fd,
			    offset);
	if (!buf->plain || errno != EPERM)
		return MAP_FAILED;
	/* What is sealed is the same by a private mapping. */
	*sealed = true;
	return mmap(NULL, buf->size, PROT_READ, MAP_PRIVATE | MAP_NORESERVE, buf->fd, offset);
}

/**
 * zc_buffer_show - undo zc_buffer_hide()
 * @buf:    buffer; its memory is as it was, but for reading alone if it is sealed by now
 * @offset: of its memory, in what its descriptor maps
 * @sealed: by the caller
 *
 * The place is kept until there is what goes there.
 *
 * Returns: 1: it is sealed, by whomever; 0: it is not; or a negative errno.
 */
int zc_buffer_show(struct zc_buffer *buf, uint64_t offset, bool sealed)
{
	void *data = zc_buffer_look(buf, offset, &sealed);
	int err;

	if (data == MAP_FAILED)
		return -errno;
	if (!sealed && mprotect(data, buf->size, PROT_READ | PROT_WRITE)) {
		if (errno != EACCES)
			goto fail;
		sealed = true;
	}
	if (data == buf->data || mremap(data, buf->size, buf->size, MREMAP_MAYMOVE | MREMAP_FIXED,
					buf->data) != MAP_FAILED)
		return sealed;
fail:
	err = -errno;
	munmap(data, buf->size);
	return err;
}

ZC_EXPORT int zc_buffer_seal(struct zc_buffer *buf)
{
	struct zc_buf_seal arg = { .handle = buf->handle };
	struct zc_buf_query query;
	int err, shown;

	if (buf->plain)
		return zc_memory_seal(buf);
	err = zc_buffer_query(buf, &query);
	if (err)
		return err;
	/* It is sealed with its file, or not at all. */
	if (query.flags & ZC_BUF_IMPORTED)
		return query.flags & ZC_BUF_SEALED ? 0 : -EOPNOTSUPP;
	/* Keep the place: a mapping that could be made writable is in the way. */
	err = zc_buffer_hide(buf);
	if (err)
		return err;
	err = zc_ioctl(buf->fd, ZC_IOC_BUF_SEAL, &arg);
	shown = zc_buffer_show(buf, query.mmap_offset, !err);
	/* Another process may have sealed it. */
	return shown > 0 ? 0 : shown ?: err;
}

ZC_EXPORT int64_t zc_buffer_send(struct zc_buffer *buf, struct zc_send *arg)
{
	const struct zc_send as_given = *arg;
	int err;

	if (buf->plain)
		return zc_move_buffer(buf, arg);
	arg->handle = buf->handle;
	arg->sent = 0;
	err = zc_ioctl(buf->fd, ZC_IOC_SEND, arg);
	if (buf->any && (err == -ENOTSOCK || err == -EOPNOTSUPP)) {
		*arg = as_given;
		return zc_move_buffer(buf, arg);
	}
	return err ? err : (int64_t)arg->sent;
}
