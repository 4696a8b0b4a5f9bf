/* SPDX-License-Identifier: GPL-2.0-only */
/* zcctl bench numa: what its files share. */
#ifndef _ZCCTL_BENCH_NUMA_H
#define _ZCCTL_BENCH_NUMA_H

#include "bench.h"
#include "policy.h"

/* What is done with the memory. */
enum numa_use { NUMA_READ, NUMA_RANDOM, NUMA_SEND, NUMA_REQUESTS, NUMA_USES };

/**
 * struct numa_job - what is to be measured
 * @use:      what is done with the memory
 * @zc:       a buffer; else anonymous memory with MADV_HUGEPAGE
 * @node:     where the memory is to be, or negative: wherever it comes from
 * @cpus:     where the process runs, and the receiver
 * @size:     bytes
 * @accesses: of NUMA_RANDOM
 * @requests: of NUMA_REQUESTS
 */
struct numa_job {
	enum numa_use use;
	bool zc;
	int node;
	cpu_set_t cpus[2];
	uint64_t size;
	int accesses;
	int requests;
};

/**
 * struct numa_told - what came of it
 * @err:   0 or a negative errno
 * @ns:    time
 * @cpu:   CPU time; of NUMA_SEND and NUMA_REQUESTS that of both processes
 * @first: node of the first byte (get_mempolicy)
 * @bytes: on each node (move_pages)
 * @huge:  bytes by entries of hugepages
 */
struct numa_told {
	int err;
	uint64_t ns;
	uint64_t cpu;
	int first;
	uint64_t bytes[POLICY_NODES_MAX];
	uint64_t huge;
};

/* A request is answered by so much. */
#define NUMA_ANSWER	(64ull << 10)

/* numa-work.c */
int numa_run(const struct numa_job *job, struct numa_told *told);

#endif /* _ZCCTL_BENCH_NUMA_H */
