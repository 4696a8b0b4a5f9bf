/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel says of a mapping, and of the page tables. */
#ifndef _ZCCTL_BENCH_SMAPS_H
#define _ZCCTL_BENCH_SMAPS_H

#include <json-c/json.h>
#include <stdint.h>

/* Fields of /proc/self/smaps that tell what pages a mapping has. */
enum smaps_key {
	SMAPS_RSS,
	SMAPS_ANON_HUGE,
	SMAPS_SHMEM_PMD,
	SMAPS_FILE_PMD,
	SMAPS_SHARED_HUGETLB,
	SMAPS_PRIVATE_HUGETLB,
	SMAPS_KERNEL_PAGE,
	SMAPS_MMU_PAGE,
	SMAPS_KEYS
};

/**
 * struct bench_smaps - one mapping
 * @kib: its fields, KiB
 */
struct bench_smaps {
	int64_t kib[SMAPS_KEYS];
};

int bench_smaps_read(const void *addr, struct bench_smaps *smaps);
uint64_t bench_smaps_huge(const struct bench_smaps *smaps);
struct json_object *bench_smaps_json(const struct bench_smaps *smaps);
int64_t bench_page_tables(void);

#endif /* _ZCCTL_BENCH_SMAPS_H */
