// SPDX-License-Identifier: GPL-2.0-only
/* zcctl bench write: the ways to have a buffer to write from. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "alloc.h"
#include "write.h"

static int fresh_get(struct write_buffers *b, char **data)
{
	*data = mmap(NULL, b->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return *data == MAP_FAILED ? -errno : 0;
}

static int fresh_put(struct write_buffers *b, char *data)
{
	return munmap(data, b->size) ? -errno : 0;
}

static int malloc_get(struct write_buffers *b, char **data)
{
	*data = malloc(b->size);
	return *data ? 0 : -ENOMEM;
}

static int aligned_get(struct write_buffers *b, char **data)
{
	void *mem = NULL;
	int err = posix_memalign(&mem, WRITE_UNIT, b->size);

	*data = mem;
	return -err;
}

static int malloc_put(struct write_buffers *b, char *data)
{
	(void)b;
	free(data);
	return 0;
}

static int kept_begin(struct write_buffers *b)
{
	int err = aligned_get(b, &b->kept);

	if (!err)
		bench_touch(b->kept, b->size);
	return err;
}

static int kept_get(struct write_buffers *b, char **data)
{
	*data = b->kept;
	return 0;
}

static int kept_put(struct write_buffers *b, char *data)
{
	(void)b;
	(void)data;
	return 0;
}

static void kept_end(struct write_buffers *b)
{
	free(b->kept);
}

/*
 * So many that a page comes round again long after it has left the pipe, which holds less.
 * Who gives pages away has no other means to know.
 */
static int ring_begin(struct write_buffers *b)
{
	int err;

	b->ring = 2 * WRITE_PIPE_BYTES / b->size + 2;
	err = posix_memalign((void **)&b->kept, WRITE_UNIT, b->ring * b->size);
	if (!err)
		bench_touch(b->kept, b->ring * b->size);
	return -err;
}

static int ring_get(struct write_buffers *b, char **data)
{
	*data = b->kept + b->turn * b->size;
	b->turn = (b->turn + 1) % b->ring;
	return 0;
}

static int zc_begin(struct write_buffers *b)
{
	return zc_open(&b->zc);
}

static int zc_get(struct write_buffers *b, char **data)
{
	struct zc_buf_create buf;
	int err = alloc_buffer_make(b->zc, b->size, &buf);

	if (err)
		return err;
	b->handle = buf.handle;
	b->mapped = buf.size;
	*data = mmap(NULL, buf.size, PROT_READ | PROT_WRITE, MAP_SHARED, zc_fd(b->zc),
		     buf.mmap_offset);
	if (*data != MAP_FAILED)
		return 0;
	err = -errno;
	alloc_buffer_destroy(b->zc, buf.handle);
	return err;
}

static int zc_put(struct write_buffers *b, char *data)
{
	int err = munmap(data, b->mapped) ? -errno : 0;

	return alloc_buffer_destroy(b->zc, b->handle) ?: err;
}

static void zc_end(struct write_buffers *b)
{
	zc_close(b->zc);
}

static void pool_end(struct write_buffers *b)
{
	unsigned int i;

	for (i = 0; i < WRITE_POOL; i++)
		zc_buffer_free(b->pool[i]);
	zc_close(b->zc);
}

static int pool_begin(struct write_buffers *b)
{
	uint32_t flags = alloc_is_slice(b->size) ? ZC_BUF_SLICE : 0;
	int err = zc_open(&b->zc);
	unsigned int i;

	for (i = 0; i < WRITE_POOL && !err; i++) {
		err = zc_buffer_new(b->zc, b->size, flags, ZC_NODE_ANY, &b->pool[i]);
		if (err)
			break;
		b->free[b->nr_free++] = zc_buffer_data(b->pool[i]);
		bench_touch(b->free[i], b->size);
	}
	if (err)
		pool_end(b);
	return err;
}

static int pool_get(struct write_buffers *b, char **data)
{
	if (!b->nr_free)
		return -ENOBUFS;
	*data = b->free[--b->nr_free];
	return 0;
}

static int pool_put(struct write_buffers *b, char *data)
{
	b->free[b->nr_free++] = data;
	return 0;
}

/* It chooses the size of its writes, and has a buffer of the pool for them. */
static int writer_begin(struct write_buffers *b)
{
	int err = zc_open(&b->zc);

	if (err)
		return err;
	/* Of a file, which others have written before; of what has no place this does nothing. */
	lseek(b->fd, 0, SEEK_SET);
	err = zc_writer_new(b->zc, b->fd, 0, &b->writer);
	if (err)
		zc_close(b->zc);
	return err;
}

static void writer_end(struct write_buffers *b)
{
	zc_writer_end(b->writer);
	zc_close(b->zc);
}

const struct write_way write_ways[] = {
	{ "fresh", false, false, NULL, fresh_get, fresh_put, NULL },
	{ "malloc", false, false, NULL, malloc_get, malloc_put, NULL },
	{ "aligned", false, false, NULL, aligned_get, malloc_put, NULL },
	{ "kept", false, false, kept_begin, kept_get, kept_put, kept_end },
	{ "vmsplice", false, true, ring_begin, ring_get, kept_put, kept_end },
	{ "zc", true, false, zc_begin, zc_get, zc_put, zc_end },
	{ "zc-kept", true, false, pool_begin, pool_get, pool_put, pool_end },
	{ "zc-writer", true, false, writer_begin, NULL, NULL, writer_end },
};

const unsigned int write_nr_ways = sizeof(write_ways) / sizeof(*write_ways);
