/* SPDX-License-Identifier: GPL-2.0-only */
/* What the module has counted: one table, from which all outputs are made. */
#ifndef _ZCCTL_STATS_H
#define _ZCCTL_STATS_H

#include "nl.h"

/**
 * struct stat_row - a count; it only grows while the module is loaded
 * @attr:  ZC_A_STATS_*
 * @name:  name in JSON; units are the last word: "sent_bytes"
 * @group: heading for people; those of one stand together
 * @label: name below the heading, for people
 * @bytes: bytes, rather than a number of things
 * @doc:   what it counts, in a sentence
 */
struct stat_row {
	int attr;
	const char *name;
	const char *group;
	const char *label;
	bool bytes;
	const char *doc;
};

/* In the order in which they are shown. */
extern const struct stat_row stat_rows[];
extern const size_t nr_stat_rows;

/* Each attribute has a row at most. */
#define STATS_MAX	(ZC_A_STATS_MAX + 1)

/**
 * struct stats - what was counted, at a time
 * @at_ns: when, by CLOCK_MONOTONIC
 * @has:   does the module count that?
 * @val:   how much; both in the order of @stat_rows
 */
struct stats {
	uint64_t at_ns;
	bool has[STATS_MAX];
	uint64_t val[STATS_MAX];
};

double stats_rate(const struct stats *old, const struct stats *new, size_t row);
double stats_rate_of(const struct stats *old, const struct stats *new, int attr);
int stats_read(struct zcnl *nl, struct stats *stats);
uint64_t stats_of(const struct stats *stats, int attr);
void stats_add(const struct stats *stats, struct json_object *obj);

#endif /* _ZCCTL_STATS_H */
