/* SPDX-License-Identifier: GPL-2.0-only */
/* How long things took: a histogram of constant size, for any number of them. */
#ifndef _ZCCTL_BENCH_LATENCY_H
#define _ZCCTL_BENCH_LATENCY_H

#include <json-c/json.h>
#include <stdint.h>

/* A bucket is at most 1/128 of its value wide. */
#define LATENCY_BITS	7
#define LATENCY_BUCKETS	((64 - LATENCY_BITS + 1) << LATENCY_BITS)

/**
 * struct bench_latency - times, ns. All zero: none. May be in shared memory; one writer
 * @count:   times
 * @sum:     of them
 * @max:     the longest
 * @buckets: logarithmic, with LATENCY_BITS bits linear
 */
struct bench_latency {
	uint64_t count;
	uint64_t sum;
	uint64_t max;
	uint32_t buckets[LATENCY_BUCKETS];
};

void bench_latency_add(struct bench_latency *lat, uint64_t ns);
void bench_latency_merge(struct bench_latency *lat, const struct bench_latency *more);
uint64_t bench_latency_at(const struct bench_latency *lat, double share);
struct json_object *bench_latency_json(const struct bench_latency *lat);

#endif /* _ZCCTL_BENCH_LATENCY_H */
