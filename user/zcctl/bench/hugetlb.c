// SPDX-License-Identifier: GPL-2.0-only
/* The kernel's pool of hugepages of 2 MiB, for what zc is held against. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench.h"
#include "hugetlb.h"

#define POOL	"/sys/kernel/mm/hugepages/hugepages-2048kB/"

static uint64_t pool_number(const char *path)
{
	char line[32];

	file_line(path, line, sizeof(line));
	return strtoull(line, NULL, 10);
}

/* What nobody has, or is going to have. */
static uint64_t idle_pages(void)
{
	uint64_t nr_free = pool_number(POOL "free_hugepages");
	uint64_t promised = pool_number(POOL "resv_hugepages");

	return nr_free > promised ? nr_free - promised : 0;
}

static uint64_t pages_of(uint64_t bytes)
{
	return (bytes + ZC_HUGE_SIZE - 1) / ZC_HUGE_SIZE;
}

/**
 * bench_hugetlb_tune - with --tune: have so much in the pool until the end
 * @bytes: that is to be mapped
 *
 * The kernel finds as many as it can, and no mapping is had where that is not enough: then
 * bench_hugetlb_why() has what to say.
 */
void bench_hugetlb_tune(uint64_t bytes)
{
	uint64_t want = pages_of(bytes), idle = idle_pages();
	char text[24];

	if (!bench_method.tune || idle >= want)
		return;
	snprintf(text, sizeof(text), "%llu",
		 (unsigned long long)(pool_number(POOL "nr_hugepages") + want - idle));
	bench_setting(POOL "nr_hugepages", text);
}

/* Why there were not so many @bytes, and what mends it. */
void bench_hugetlb_why(uint64_t bytes, char *text, size_t size)
{
	uint64_t want = pages_of(bytes), nr = pool_number(POOL "nr_hugepages");
	bool tuned = bench_method.tune && !access(POOL "nr_hugepages", W_OK);
	uint64_t idle = idle_pages();

	if (idle >= want) {
		snprintf(text, size, "%llu hugepages are free, but not for this process",
			 (unsigned long long)idle);
		return;
	}
	snprintf(text, size, "%llu of %llu hugepages are free: %s%secho %llu >%snr_hugepages",
		 (unsigned long long)idle, (unsigned long long)want,
		 tuned ? "memory is short, or in pieces; " : "--tune, or ",
		 tuned ? "echo 1 >/proc/sys/vm/compact_memory, then " : "",
		 (unsigned long long)(nr + want - idle), POOL);
}
