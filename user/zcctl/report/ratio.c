// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two sets of runs: the ratio of their medians, and an interval for it by the bootstrap: what
 * the ratio would have been of runs drawn from these, again and again, with replacement. No
 * shape of their distribution is taken for granted. The draws are the same each time.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ratio.h"

#define DRAWS_MAX	4000
#define DRAWS_MIN	400
#define DRAWS_RUNS	4000000		/* runs drawn in all, about */
#define SEED		0x7a63ull

/* Returns false where there is no memory. */
bool series_add(struct series *s, double v)
{
	double *more;

	if (s->nr == SERIES_MAX)
		return true;
	if (!(s->nr & (s->nr - 1))) {
		more = realloc(s->v, (s->nr ? 2 * s->nr : 1) * sizeof(*more));
		if (!more)
			return false;
		s->v = more;
	}
	s->v[s->nr++] = v;
	return true;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

void series_sort(struct series *s)
{
	if (s->nr)
		qsort(s->v, s->nr, sizeof(*s->v), compare);
}

/* Of a sorted one that is not empty; of an even number the mean of the middle two. */
double series_median(const struct series *s)
{
	return (s->v[(s->nr - 1) / 2] + s->v[s->nr / 2]) / 2;
}

/* SplitMix64 */
static uint64_t draw(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

/* The median of as many runs drawn from the series. @times: room for how often each was. */
static double draw_median(const struct series *s, uint32_t *times, uint64_t *state)
{
	size_t i, seen = 0, low = (s->nr - 1) / 2, high = s->nr / 2;
	double sum = 0;

	memset(times, 0, s->nr * sizeof(*times));
	for (i = 0; i < s->nr; i++)
		times[((draw(state) >> 32) * s->nr) >> 32]++;
	for (i = 0; i < s->nr; i++) {
		if (seen <= low && low < seen + times[i])
			sum += s->v[i];
		if (seen <= high && high < seen + times[i])
			sum += s->v[i];
		seen += times[i];
	}
	return sum / 2;
}

/* Nothing and nothing are alike; something beside nothing is infinitely more. */
static double divide(double b, double a)
{
	if (a == b)
		return 1;
	return a > 0 ? b / a : INFINITY;
}

/**
 * ratio_interval - what the ratio of the medians is between
 * @a:     sorted, not empty
 * @b:     sorted, not empty
 * @tail:  share of the draws that is left out at either end; of less than one all of the range
 * @ratio: the interval goes there
 */
void ratio_interval(const struct series *a, const struct series *b, double tail,
		    struct ratio *ratio)
{
	size_t i, draws = DRAWS_RUNS / (a->nr + b->nr);
	uint32_t *times = calloc(a->nr + b->nr, sizeof(*times));
	uint64_t state = SEED;
	double *all;

	draws = draws > DRAWS_MAX ? DRAWS_MAX : draws < DRAWS_MIN ? DRAWS_MIN : draws;
	all = calloc(draws, sizeof(*all));
	if (all && times) {
		for (i = 0; i < draws; i++) {
			double base = draw_median(a, times, &state);

			all[i] = divide(draw_median(b, times, &state), base);
		}
		qsort(all, draws, sizeof(*all), compare);
		i = draws * tail;
		ratio->low = i ? all[i] : divide(b->v[0], a->v[a->nr - 1]);
		ratio->high = i ? all[draws - 1 - i] : divide(b->v[b->nr - 1], a->v[0]);
		ratio->known = true;
	}
	free(all);
	free(times);
}

/**
 * ratio_of - compare two series
 * @a:     sorted, not empty
 * @b:     sorted, not empty
 * @ratio: what they differ by
 */
void ratio_of(const struct series *a, const struct series *b, struct ratio *ratio)
{
	*ratio = (struct ratio){ .ratio = divide(series_median(b), series_median(a)) };
	if (a->nr > 1 && b->nr > 1)
		ratio_interval(a, b, RATIO_TAIL, ratio);
}

/* How likely all of so many runs are below all of the others, or above, if nothing differs. */
double ratio_by_chance(size_t a, size_t b)
{
	double ways = 1;
	size_t i;

	for (i = 1; i <= a; i++)
		ways = ways * (b + i) / i;
	return 2 / ways;
}
