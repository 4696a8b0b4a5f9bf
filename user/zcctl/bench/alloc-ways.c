// SPDX-License-Identifier: GPL-2.0-only
/* zcctl bench alloc: the ways to get memory, and to give it back. */
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "alloc.h"
#include "hugetlb.h"

static int way_ioctl(struct zc_context *zc, uint64_t size)
{
	(void)size;
	return ioctl(zc_fd(zc), _IO('Z', 255)) < 0 && errno == ENOTTY ? 0 : -EIO;
}

static int way_zc(struct zc_context *zc, uint64_t size)
{
	struct zc_buf_create buf;

	return alloc_buffer_make(zc, size, &buf) ?: alloc_buffer_destroy(zc, buf.handle);
}

static int touch_mapping(uint64_t size, int flags, int fd, uint64_t offset, int advice)
{
	void *data = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, offset);

	if (data == MAP_FAILED)
		return -errno;
	if (advice && madvise(data, size, advice))
		return -errno;
	if (!(flags & MAP_POPULATE))
		bench_touch(data, size);
	return munmap(data, size) ? -errno : 0;
}

static int way_zc_map(struct zc_context *zc, uint64_t size)
{
	struct zc_buf_create buf;
	int err = alloc_buffer_make(zc, size, &buf);

	if (err)
		return err;
	err = touch_mapping(buf.size, MAP_SHARED, zc_fd(zc), buf.mmap_offset, 0);
	return alloc_buffer_destroy(zc, buf.handle) ?: err;
}

/* There are no parts of its pages. */
static int way_hugetlb(struct zc_context *zc, uint64_t size)
{
	(void)zc;
	size = (size + ZC_HUGE_SIZE - 1) / ZC_HUGE_SIZE * ZC_HUGE_SIZE;
	return touch_mapping(size, BENCH_HUGETLB | MAP_POPULATE, -1, 0, 0);
}

static int way_thp(struct zc_context *zc, uint64_t size)
{
	(void)zc;
	if (size < ZC_HUGE_SIZE)
		return -ERANGE;
	return touch_mapping(size, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0, MADV_HUGEPAGE);
}

static int way_small(struct zc_context *zc, uint64_t size)
{
	(void)zc;
	return touch_mapping(size, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0, MADV_NOHUGEPAGE);
}

static int way_malloc(struct zc_context *zc, uint64_t size)
{
	char *data = malloc(size);

	(void)zc;
	if (!data)
		return -ENOMEM;
	bench_touch(data, size);
	free(data);
	return 0;
}

const struct alloc_way alloc_ways[] = {
	{ "ioctl", way_ioctl, 10, true, ALLOC_NO_TIER },
	{ "zc", way_zc, 1, true, ALLOC_NO_TIER },
	{ "zc-cache", NULL, 1, true, ALLOC_CACHE },
	{ "zc-list", NULL, 1, true, ALLOC_LIST },
	{ "zc-kernel", NULL, 1, true, ALLOC_KERNEL },
	{ "zc-map", way_zc_map, 1, true, ALLOC_NO_TIER },
	{ "hugetlb", way_hugetlb, 1, false, ALLOC_NO_TIER },
	{ "thp", way_thp, 1, false, ALLOC_NO_TIER },
	{ "small", way_small, 1, false, ALLOC_NO_TIER },
	{ "malloc", way_malloc, 1, false, ALLOC_NO_TIER },
};

const unsigned int alloc_nr_ways = sizeof(alloc_ways) / sizeof(*alloc_ways);
