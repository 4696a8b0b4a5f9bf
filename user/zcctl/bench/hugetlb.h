/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's pool of hugepages of 2 MiB, for what zc is held against. */
#ifndef _ZCCTL_BENCH_HUGETLB_H
#define _ZCCTL_BENCH_HUGETLB_H

#include <linux/mman.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

/* Of these, whatever the default size is. */
#define BENCH_HUGETLB	(MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_2MB)

void bench_hugetlb_tune(uint64_t bytes);
void bench_hugetlb_why(uint64_t bytes, char *text, size_t size);

#endif /* _ZCCTL_BENCH_HUGETLB_H */
