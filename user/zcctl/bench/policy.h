/* SPDX-License-Identifier: GPL-2.0-only */
/* NUMA nodes, by system calls alone: whose processors, whose memory. */
#ifndef _ZCCTL_BENCH_POLICY_H
#define _ZCCTL_BENCH_POLICY_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

#define POLICY_NODES_MAX	64

unsigned int policy_nodes(int *nodes);
bool policy_node_cpus(int node, cpu_set_t *cpus);
int policy_distance(int from, int to);
int policy_bind_memory(void *addr, uint64_t len, int node);
int policy_bind_process(int node);
int policy_node_of(void *addr);
int policy_bytes(void *addr, uint64_t len, uint64_t *bytes);

#endif /* _ZCCTL_BENCH_POLICY_H */
