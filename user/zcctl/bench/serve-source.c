// SPDX-License-Identifier: GPL-2.0-only
/* What zcctl bench serve serves: parts of a file, or files in a folder. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "serve.h"

/* No two parts have the same bytes, nor has one the same twice. */
static void fill_block(uint64_t *block, size_t size, unsigned int part, uint64_t off)
{
	size_t i;

	for (i = 0; i < size / sizeof(*block); i++)
		block[i] = ((uint64_t)part << 32 | (off / sizeof(*block) + i)) *
			   0x9e3779b97f4a7c15ull;
}

static int fill_file(int fd, unsigned int part, uint64_t size)
{
	uint64_t block[8192], done = 0;

	while (done < size) {
		uint64_t left = size - done;
		ssize_t n;

		fill_block(block, sizeof(block), part, done);
		n = write(fd, block, left < sizeof(block) ? left : sizeof(block));
		if (n < 0)
			return -errno;
		done += n;
	}
	return 0;
}

/* A file that goes away when nobody has it open. */
static int make_file(int dir, unsigned int part, uint64_t size)
{
	int err, fd = bench_file_at(dir);

	if (fd < 0)
		return fd;
	err = fill_file(fd, part, size);
	if (!err)
		return fd;
	close(fd);
	return err;
}

static int make_files(struct serve_source *src, int dir, unsigned int wanted)
{
	src->files = true;
	src->fds = calloc(wanted, sizeof(int));
	if (!src->fds)
		return -ENOMEM;
	while (src->nr < wanted) {
		int fd = make_file(dir, src->nr, src->size);

		if (fd < 0)
			return fd;
		src->fds[src->nr++] = fd;
	}
	return syncfs(dir) ? -errno : 0;
}

/*
 * Parts of a file follow each other, but are asked for in another order. The kernel reads
 * ahead as it likes: no server tells it not to, and who copies would pay for that.
 */
static int take_parts(struct serve_source *src, const char *path)
{
	off_t end;

	src->fds = calloc(1, sizeof(int));
	if (!src->fds)
		return -ENOMEM;
	src->fds[0] = open(path, O_RDONLY | O_CLOEXEC);
	if (src->fds[0] < 0)
		return -errno;
	end = lseek(src->fds[0], 0, SEEK_END);
	if (end < 0)
		return -errno;
	src->nr = ((uint64_t)end < SERVE_SPAN ? (uint64_t)end : SERVE_SPAN) / src->size;
	return src->nr ? 0 : -ENODATA;
}

/**
 * serve_source_open - have something to serve
 * @src:    filled in; to be closed by serve_source_close(), on failure too
 * @path:   a file, or a folder to make files in
 * @size:   of each part, bytes
 * @wanted: files in a folder
 *
 * Returns: 0 or a negative errno; -ENODATA: the file is smaller than a part.
 */
int serve_source_open(struct serve_source *src, const char *path, uint64_t size,
		      unsigned int wanted)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err;

	*src = (struct serve_source){ .size = size };
	if (dir < 0)
		return errno == ENOTDIR ? take_parts(src, path) : -errno;
	err = make_files(src, dir, wanted);
	close(dir);
	return err;
}

void serve_source_close(struct serve_source *src)
{
	unsigned int i;

	for (i = 0; src->fds && i < (src->files ? src->nr : 1); i++)
		if (src->fds[i] >= 0)
			close(src->fds[i]);
	free(src->fds);
	src->fds = NULL;
	src->nr = 0;
}

int serve_source_fd(const struct serve_source *src, unsigned int part)
{
	return src->fds[src->files ? part : 0];
}

uint64_t serve_source_offset(const struct serve_source *src, unsigned int part)
{
	return src->files ? 0 : part * src->size;
}

/* Bytes of the first @parts parts that are in the page cache, or BENCH_UNKNOWN. */
int serve_source_resident(const struct serve_source *src, unsigned int parts,
			  uint64_t *bytes)
{
	unsigned int i;
	uint64_t one;
	int err = 0;

	*bytes = 0;
	if (!src->files)
		err = bench_cache_resident(src->fds[0], parts * src->size, bytes);
	for (i = 0; src->files && i < parts && !err && *bytes != BENCH_UNKNOWN; i++) {
		err = bench_cache_resident(src->fds[i], src->size, &one);
		*bytes = one == BENCH_UNKNOWN ? one : *bytes + one;
	}
	return err;
}

/* One by one, and again, only those that did not go at once. */
static int drop_files(const struct serve_source *src)
{
	unsigned int i;
	uint64_t left;
	int err = 0;

	for (i = 0; i < src->nr && !err; i++)
		err = -posix_fadvise(src->fds[i], 0, 0, POSIX_FADV_DONTNEED);
	for (i = 0; i < src->nr && !err; i++) {
		err = bench_cache_resident(src->fds[i], src->size, &left);
		if (!err && left)
			err = bench_cache_drop(src->fds[i], src->size);
	}
	return err;
}

static int fill(const struct serve_source *src, unsigned int parts)
{
	unsigned int i;
	int err = 0;

	if (!src->files)
		return bench_cache_fill(src->fds[0], parts * src->size);
	for (i = 0; i < parts && !err; i++)
		err = bench_cache_fill(src->fds[i], src->size);
	return err;
}

/**
 * serve_source_prepare - have the page cache in a state, and see that it is
 * @src:   source
 * @cache: state
 * @parts: that matter, from the first on
 * @bytes: set to what it has of these
 *
 * Returns: 0 or a negative errno.
 */
int serve_source_prepare(const struct serve_source *src, enum bench_cache cache,
			 unsigned int parts, uint64_t *bytes)
{
	int err = 0;

	*bytes = 0;
	if (cache == BENCH_HOT)
		err = fill(src, parts);
	else if (cache == BENCH_COLD)
		err = src->files ? drop_files(src) :
				   bench_cache_drop(src->fds[0], parts * src->size);
	return err ? err : serve_source_resident(src, parts, bytes);
}
