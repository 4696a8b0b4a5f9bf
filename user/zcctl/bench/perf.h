/* SPDX-License-Identifier: GPL-2.0-only */
/* What the processor counts of its data TLB, by perf_event_open(2). */
#ifndef _ZCCTL_BENCH_PERF_H
#define _ZCCTL_BENCH_PERF_H

#include <stdbool.h>
#include <stdint.h>

enum bench_perf_event {
	BENCH_PERF_LOADS,
	BENCH_PERF_MISSES,
	BENCH_PERF_WALK,
	BENCH_PERF_EVENTS,
};

/* Counted apart: what the program does, and what the kernel does meanwhile. */
enum bench_perf_who { BENCH_PERF_USER, BENCH_PERF_KERNEL, BENCH_PERF_WHO };

/**
 * struct bench_perf_value - what read(2) gives of a counter
 * @value:   counted
 * @enabled: ns for which it was to count
 * @running: ns for which it did, sharing the hardware with others
 */
struct bench_perf_value {
	uint64_t value;
	uint64_t enabled;
	uint64_t running;
};

/**
 * struct bench_perf_counter - an event, of the program or of the kernel
 * @fd:     descriptor, or -1
 * @why:    why there is none, or NULL
 * @before: of bench_perf_begin()
 * @after:  of bench_perf_end()
 */
struct bench_perf_counter {
	int fd;
	const char *why;
	struct bench_perf_value before;
	struct bench_perf_value after;
};

struct bench_perf {
	struct bench_perf_counter counters[BENCH_PERF_EVENTS][BENCH_PERF_WHO];
};

void bench_perf_open(struct bench_perf *perf);
void bench_perf_close(struct bench_perf *perf);
void bench_perf_begin(struct bench_perf *perf);
void bench_perf_end(struct bench_perf *perf);
bool bench_perf_count(const struct bench_perf_counter *counter, uint64_t *count);
const char *bench_perf_name(enum bench_perf_event event);

#endif /* _ZCCTL_BENCH_PERF_H */
