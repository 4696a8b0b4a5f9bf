/* SPDX-License-Identifier: GPL-2.0-only */
/* Two sets of runs: the ratio of their medians, and how sure it is. */
#ifndef _ZCCTL_RATIO_H
#define _ZCCTL_RATIO_H

#include <stdbool.h>
#include <stddef.h>

/* Medians of fewer runs on either side are within the most and the least of them with less
 * than 95 %: 1 - 2^(1 - n).
 */
#define RATIO_FEW	6
#define SERIES_MAX	10000

/* At either end of an interval of 95 % */
#define RATIO_TAIL	0.025

/**
 * struct series - what runs gave
 * @nr: runs; more than SERIES_MAX are not looked at
 * @v:  of each, sorted by series_sort()
 */
struct series {
	size_t nr;
	double *v;
};

/**
 * struct ratio - of the medians of two series
 * @ratio: B / A
 * @low:   its interval of 95 %
 * @high:  its other end
 * @known: there is an interval: both have at least two runs
 */
struct ratio {
	double ratio;
	double low;
	double high;
	bool known;
};

bool series_add(struct series *s, double v);
void series_sort(struct series *s);
double series_median(const struct series *s);
void ratio_interval(const struct series *a, const struct series *b, double tail,
		    struct ratio *ratio);
void ratio_of(const struct series *a, const struct series *b, struct ratio *ratio);
double ratio_by_chance(size_t a, size_t b);

#endif /* _ZCCTL_RATIO_H */
