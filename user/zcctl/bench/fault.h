/* SPDX-License-Identifier: GPL-2.0-only */
/* zcctl bench fault: what its files share. */
#ifndef _ZCCTL_BENCH_FAULT_H
#define _ZCCTL_BENCH_FAULT_H

#include "bench.h"
#include "latency.h"
#include "smaps.h"

/* Keys of /proc/meminfo. */
#define FAULT_KEYS	5

extern const char *const fault_keys[FAULT_KEYS];

/**
 * struct fault_told - what a process says of its run
 * @err:    0 or a negative errno
 * @get:    CPU time of having it mapped
 * @touch:  CPU time of touching it
 * @first:  time of the first touch alone
 * @byte:   time from asking for the memory to the end of the first touch
 * @faults: page faults of touching it. What the kernel counts while it has it mapped
 *          interrupts nobody
 * @reserved: hugepages that came out of the module's reserve
 * @tables: growth of the process's page tables, bytes
 * @change: of /proc/meminfo while it was there
 * @smaps:  the mapping then
 */
struct fault_told {
	int err;
	uint64_t get;
	uint64_t touch;
	uint64_t first;
	uint64_t byte;
	uint64_t faults;
	uint64_t reserved;
	int64_t tables;
	int64_t change[FAULT_KEYS];
	struct bench_smaps smaps;
};

/**
 * struct fault_way - how to get memory
 * @name:  as in the report
 * @flags: of mmap(); 0: a buffer of zc
 * @populate: touch it by the call
 * @advice: of madvise(), or 0
 * @reserve: out of the module's reserve
 */
struct fault_way {
	const char *name;
	int flags;
	bool populate;
	int advice;
	bool reserve;
};

extern const struct fault_way fault_ways[];

#define FAULT_WAYS	9

/* fault-run.c */
bool fault_is_hugetlb(const struct fault_way *way);
int fault_run(const struct fault_way *way, uint64_t size, struct bench_latency *warm,
	      struct fault_told *told);

#endif /* _ZCCTL_BENCH_FAULT_H */
