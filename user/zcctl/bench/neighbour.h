/* SPDX-License-Identifier: GPL-2.0-only */
/* Another process, with a working set of its own in the page cache. */
#ifndef _ZCCTL_BENCH_NEIGHBOUR_H
#define _ZCCTL_BENCH_NEIGHBOUR_H

#include <stdint.h>

struct bench_neighbour;
struct bench_result;

int bench_neighbour_begin(const char *dir, uint64_t size, unsigned int reads,
			  struct bench_neighbour **made);
int bench_neighbour_touch(struct bench_neighbour *nb);
int bench_neighbour_look(struct bench_neighbour *nb, struct bench_result *res);
void bench_neighbour_end(struct bench_neighbour *nb);

#endif /* _ZCCTL_BENCH_NEIGHBOUR_H */
