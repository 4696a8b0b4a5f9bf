// SPDX-License-Identifier: GPL-2.0-only
/* How long things took: a histogram of constant size, for any number of them. */
#include <stddef.h>

#include "latency.h"
#include "zcctl.h"

#define LINEAR		(1u << LATENCY_BITS)

/* A point of a report's curve has at least this part of what is slower. */
#define POINT_PART	24

static unsigned int bucket(uint64_t ns)
{
	unsigned int shift;

	if (ns < 2 * LINEAR)
		return ns;
	shift = 63 - LATENCY_BITS - __builtin_clzll(ns);
	return (shift << LATENCY_BITS) + (ns >> shift);
}

/* The greatest value of a bucket. */
static uint64_t bucket_end(unsigned int i)
{
	unsigned int shift;

	if (i < 2 * LINEAR)
		return i;
	shift = (i >> LATENCY_BITS) - 1;
	return (((uint64_t)i - ((uint64_t)shift << LATENCY_BITS) + 1) << shift) - 1;
}

void bench_latency_add(struct bench_latency *lat, uint64_t ns)
{
	lat->count++;
	lat->sum += ns;
	if (ns > lat->max)
		lat->max = ns;
	lat->buckets[bucket(ns)]++;
}

void bench_latency_merge(struct bench_latency *lat, const struct bench_latency *more)
{
	unsigned int i;

	lat->count += more->count;
	lat->sum += more->sum;
	if (more->max > lat->max)
		lat->max = more->max;
	for (i = 0; i < LATENCY_BUCKETS; i++)
		lat->buckets[i] += more->buckets[i];
}

/**
 * bench_latency_at - a quantile
 * @lat:   times
 * @share: 0.99: the 99th percentile
 *
 * Returns: the least time that so many did not exceed, to 1/128, but never more than the
 * longest; 0 if there are none.
 */
uint64_t bench_latency_at(const struct bench_latency *lat, double share)
{
	uint64_t wanted = share * lat->count, seen = 0, end;
	unsigned int i;

	/* Rounded up: of three the second is the median. */
	if (wanted < share * lat->count)
		wanted++;
	for (i = 0; i < LATENCY_BUCKETS; i++) {
		seen += lat->buckets[i];
		if (seen && seen >= wanted) {
			end = bucket_end(i);
			return end < lat->max ? end : lat->max;
		}
	}
	return lat->max;
}

/* [[ns, share], …]: that share took at most so long. Denser towards the slow end. */
static struct json_object *curve(const struct bench_latency *lat)
{
	struct json_object *list = json_object_new_array(), *point;
	uint64_t seen = 0, shown = 0, end;
	unsigned int i;

	for (i = 0; i < LATENCY_BUCKETS && lat->count; i++) {
		seen += lat->buckets[i];
		if (!lat->buckets[i] ||
		    (seen - shown) * POINT_PART < lat->count - shown)
			continue;
		shown = seen;
		point = json_object_new_array();
		end = bucket_end(i) < lat->max ? bucket_end(i) : lat->max;
		json_object_array_add(point, json_object_new_uint64(end));
		json_object_array_add(point, json_object_new_double((double)seen / lat->count));
		json_object_array_add(list, point);
	}
	return list;
}

/* As a row's "latency". */
struct json_object *bench_latency_json(const struct bench_latency *lat)
{
	struct json_object *obj = json_object_new_object();

	out_add_u64(obj, "count", lat->count);
	out_add_u64(obj, "mean_ns", lat->count ? lat->sum / lat->count : 0);
	out_add_u64(obj, "p50_ns", bench_latency_at(lat, 0.5));
	out_add_u64(obj, "p90_ns", bench_latency_at(lat, 0.9));
	out_add_u64(obj, "p99_ns", bench_latency_at(lat, 0.99));
	out_add_u64(obj, "p999_ns", bench_latency_at(lat, 0.999));
	out_add_u64(obj, "max_ns", lat->max);
	json_object_object_add(obj, "cdf", curve(lat));
	return obj;
}
