// SPDX-License-Identifier: GPL-2.0-only
/* The histogram of times beside the times themselves, sorted. TAP output. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/latency.h"

#define NR	20011

static uint64_t times[NR];
static struct bench_latency whole, half[2];
static int tests, failed;

static void check(bool right, const char *name)
{
	printf("%sok %d %s\n", right ? "" : "not ", ++tests, name);
	failed += !right;
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* From a few ns to the greatest number that there is. */
static void make_times(void)
{
	uint64_t state = 88172645463325252ull;
	unsigned int i;

	for (i = 0; i < NR; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		times[i] = state >> (i % 64);
	}
	times[17] = UINT64_MAX;
	times[18] = 0;
}

/* Never less than the exact one, and at most by 1/128 more. */
static bool close_to(double share)
{
	uint64_t rank = share * NR, exact, got = bench_latency_at(&whole, share);

	rank += rank < share * NR;
	exact = times[rank ? rank - 1 : 0];
	if (got >= exact && got - exact <= exact / 128)
		return true;
	printf("# %.4f: %llu instead of %llu\n", share, (unsigned long long)got,
	       (unsigned long long)exact);
	return false;
}

static bool all_close(void)
{
	unsigned int i;

	for (i = 0; i <= 1000; i++)
		if (!close_to(i / 1000.0))
			return false;
	return close_to(0.9999);
}

/* Rises in both, and ends with the longest and 1. */
static bool curve_good(struct json_object *obj)
{
	struct json_object *cdf = json_object_object_get(obj, "cdf");
	size_t i, nr = json_object_array_length(cdf);
	double share = 0, was;
	uint64_t ns = 0, before;

	for (i = 0; i < nr; i++) {
		struct json_object *point = json_object_array_get_idx(cdf, i);

		was = share;
		before = ns;
		ns = json_object_get_uint64(json_object_array_get_idx(point, 0));
		share = json_object_get_double(json_object_array_get_idx(point, 1));
		if (share <= was || (i && ns <= before))
			return false;
	}
	printf("# %zu points\n", nr);
	return nr > 20 && nr < 400 && share == 1 && ns == whole.max;
}

int main(void)
{
	static struct bench_latency none;
	struct json_object *obj;
	unsigned int i;

	make_times();
	for (i = 0; i < NR; i++) {
		bench_latency_add(&whole, times[i]);
		bench_latency_add(&half[i & 1], times[i]);
	}
	qsort(times, NR, sizeof(*times), compare_u64);
	check(whole.count == NR && whole.max == UINT64_MAX, "latency: count and longest");
	check(all_close(), "latency: quantiles as of the sorted times, to 1/128");
	bench_latency_merge(&half[0], &half[1]);
	check(!memcmp(&half[0], &whole, sizeof(whole)), "latency: two halves are the whole");
	check(bench_latency_at(&none, 0.99) == 0, "latency: none");
	obj = bench_latency_json(&whole);
	check(curve_good(obj), "latency: the curve rises to 1");
	json_object_put(obj);
	obj = bench_latency_json(&none);
	check(!json_object_array_length(json_object_object_get(obj, "cdf")),
	      "latency: no curve of none");
	json_object_put(obj);
	printf("1..%d\n", tests);
	return !!failed;
}
