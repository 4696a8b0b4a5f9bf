// SPDX-License-Identifier: GPL-2.0-only
/* What the kernel says of a mapping, and of the page tables. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "smaps.h"

static const char *const keys[] = {
	[SMAPS_RSS] = "Rss",
	[SMAPS_ANON_HUGE] = "AnonHugePages",
	[SMAPS_SHMEM_PMD] = "ShmemPmdMapped",
	[SMAPS_FILE_PMD] = "FilePmdMapped",
	[SMAPS_SHARED_HUGETLB] = "Shared_Hugetlb",
	[SMAPS_PRIVATE_HUGETLB] = "Private_Hugetlb",
	[SMAPS_KERNEL_PAGE] = "KernelPageSize",
	[SMAPS_MMU_PAGE] = "MMUPageSize",
};

/* "Rss:   4 kB" */
static void take_field(struct bench_smaps *smaps, const char *line)
{
	char key[64];
	long long kib;
	size_t i;

	if (sscanf(line, "%63[^:]: %lld kB", key, &kib) != 2)
		return;
	for (i = 0; i < SMAPS_KEYS; i++)
		if (!strcmp(key, keys[i]))
			smaps->kib[i] = kib;
}

/**
 * bench_smaps_read - what pages does a mapping have?
 * @addr:  somewhere in it
 * @smaps: out: as /proc/self/smaps says
 *
 * Returns: 0, -ENOENT if nothing is mapped there, or another negative errno.
 */
int bench_smaps_read(const void *addr, struct bench_smaps *smaps)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	bool inside = false, found = false;
	unsigned long start, end;
	char line[512];

	*smaps = (struct bench_smaps){ };
	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			inside = (unsigned long)addr >= start && (unsigned long)addr < end;
		found |= inside;
		if (inside)
			take_field(smaps, line);
	}
	fclose(f);
	return found ? 0 : -ENOENT;
}

/* Bytes of a mapping that are mapped by entries of hugepages. */
uint64_t bench_smaps_huge(const struct bench_smaps *smaps)
{
	uint64_t kib = 0;
	int i;

	for (i = SMAPS_ANON_HUGE; i <= SMAPS_PRIVATE_HUGETLB; i++)
		kib += smaps->kib[i];
	return kib * 1024;
}

/* By the kernel's names, in KiB as there. */
struct json_object *bench_smaps_json(const struct bench_smaps *smaps)
{
	struct json_object *obj = json_object_new_object();
	int i;

	for (i = 0; i < SMAPS_KEYS; i++)
		json_object_object_add(obj, keys[i], json_object_new_int64(smaps->kib[i]));
	return obj;
}

/* Bytes that this process has in page tables, to the page; or -1. */
int64_t bench_page_tables(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	long long kib = -1;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmPTE: %lld kB", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib < 0 ? -1 : kib * 1024;
}
