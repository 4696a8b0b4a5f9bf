// SPDX-License-Identifier: GPL-2.0-only
/* zcctl bench tlb: the ways to have a file's bytes in memory, and the pages of each. */
#include <errno.h>
#include <linux/mman.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tlb.h"

#define ANON	(MAP_PRIVATE | MAP_ANONYMOUS)

static int fill(struct tlb_memory *mem, int fd)
{
	uint64_t done = 0;

	while (done < mem->size) {
		ssize_t n = pread(fd, mem->data + done, mem->size - done, done);

		if (n < 0)
			return -errno;
		if (!n)
			return -ENODATA;
		done += n;
	}
	return 0;
}

/* Room to align it to 2 MiB: without that a THP is chance. */
static int map_anonymous(struct tlb_memory *mem, int flags)
{
	mem->map_size = flags & MAP_HUGETLB ? mem->size : mem->size + ZC_HUGE_SIZE;
	mem->map = mmap(NULL, mem->map_size, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (mem->map == MAP_FAILED) {
		mem->map = NULL;
		return -errno;
	}
	mem->data = (char *)(((uintptr_t)mem->map + ZC_HUGE_SIZE - 1) &
			     ~(uintptr_t)(ZC_HUGE_SIZE - 1));
	return 0;
}

/* A kernel without THP does not know the advice, and has small pages anyway. */
static int make_small(struct tlb_memory *mem, struct zc_context *zc, int fd)
{
	int err = map_anonymous(mem, ANON);

	(void)zc;
	if (!err && madvise(mem->data, mem->size, MADV_NOHUGEPAGE) && errno != EINVAL)
		err = -errno;
	return err ? err : fill(mem, fd);
}

static int make_thp(struct tlb_memory *mem, struct zc_context *zc, int fd)
{
	int err = map_anonymous(mem, ANON);

	(void)zc;
	if (!err && madvise(mem->data, mem->size, MADV_HUGEPAGE))
		err = -errno;
	return err ? err : fill(mem, fd);
}

static int make_hugetlb(struct tlb_memory *mem, struct zc_context *zc, int fd)
{
	int err = map_anonymous(mem, ANON | MAP_HUGETLB | MAP_HUGE_2MB);

	(void)zc;
	return err ? err : fill(mem, fd);
}

/* All of it in the page cache, and all of that mapped. */
static int make_mmap(struct tlb_memory *mem, struct zc_context *zc, int fd)
{
	int err = bench_cache_fill(fd, mem->size);

	(void)zc;
	if (err)
		return err;
	mem->map_size = mem->size;
	mem->map = mmap(NULL, mem->size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (mem->map == MAP_FAILED) {
		mem->map = NULL;
		return -errno;
	}
	mem->data = mem->map;
	return 0;
}

static int make_zc(struct tlb_memory *mem, struct zc_context *zc, int fd)
{
	int err = zc ? zc_buffer_new(zc, mem->size, 0, ZC_NODE_ANY, &mem->buf) : -ENODEV;

	if (err) {
		mem->buf = NULL;
		return err;
	}
	mem->data = zc_buffer_data(mem->buf);
	return fill(mem, fd);
}

const struct tlb_way tlb_ways[] = {
	{ "small", BENCH_NONE, make_small },
	{ "mmap", BENCH_HOT, make_mmap },
	{ "thp", BENCH_NONE, make_thp },
	{ "hugetlb", BENCH_NONE, make_hugetlb },
	{ "zc", BENCH_NONE, make_zc },
};

const unsigned int tlb_nr_ways = sizeof(tlb_ways) / sizeof(*tlb_ways);

/* Add what a line of smaps says of the mapping. */
static void smaps_line(struct tlb_memory *mem, const char *line)
{
	static const char *const huge[] = {
		"AnonHugePages", "ShmemPmdMapped", "FilePmdMapped",
		"Shared_Hugetlb", "Private_Hugetlb",
	};
	unsigned long long kib;
	char key[64];
	size_t i;

	if (sscanf(line, "%63[^:]: %llu kB", key, &kib) != 2)
		return;
	if (!strcmp(key, "KernelPageSize"))
		mem->page_size = kib << 10;
	if (!strcmp(key, "Rss") || strstr(key, "_Hugetlb"))
		mem->mapped += kib << 10;
	for (i = 0; i < sizeof(huge) / sizeof(*huge); i++)
		if (!strcmp(key, huge[i]))
			mem->huge += kib << 10;
}

/* Which pages are behind it, whatever was asked for. */
int tlb_memory_smaps(struct tlb_memory *mem)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	unsigned long first, end;
	bool ours = false;
	char line[512];

	mem->page_size = 0;
	mem->mapped = 0;
	mem->huge = 0;
	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &first, &end) == 2)
			ours = first < (uintptr_t)mem->data + mem->size &&
			       end > (uintptr_t)mem->data;
		else if (ours)
			smaps_line(mem, line);
	}
	fclose(f);
	return 0;
}

void tlb_memory_free(struct tlb_memory *mem)
{
	if (mem->map)
		munmap(mem->map, mem->map_size);
	zc_buffer_free(mem->buf);
	mem->map = NULL;
	mem->buf = NULL;
	mem->data = NULL;
}
