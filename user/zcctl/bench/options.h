/* SPDX-License-Identifier: GPL-2.0-only */
/* What benchmarks take as arguments: options by a table, lists, names out of some. */
#ifndef _ZCCTL_BENCH_OPTIONS_H
#define _ZCCTL_BENCH_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#define BENCH_SIZES_MAX	32

/* A list of sizes or numbers, each of which is measured. */
struct bench_list {
	uint64_t at[BENCH_SIZES_MAX];
	unsigned int nr;
};

/* In which states of the page cache is measured? */
struct bench_states {
	bool cold;
	bool hot;
};

/* What an option's value is, and what its @val points to */
enum bench_kind {
	BENCH_FLAG,	/* none: a bool */
	BENCH_TEXT,	/* any: a const char * */
	BENCH_NUMBER,	/* from 1 on: an int */
	BENCH_COUNT,	/* likewise: a uint64_t */
	BENCH_SIZE,	/* with a unit, more than 0: a uint64_t */
	BENCH_SIZES,	/* several by commas: a struct bench_list */
	BENCH_NUMBERS,	/* likewise, of numbers */
	BENCH_STATES,	/* cold, hot or both: a struct bench_states */
};

/**
 * struct bench_option - an option of a benchmark's own
 * @name: without dashes
 * @kind: what it takes
 * @val:  where that goes
 * @most: the largest that it takes; 0: no limit
 * @unit: sizes are multiples of that; 0: of anything
 */
struct bench_option {
	const char *name;
	enum bench_kind kind;
	void *val;
	uint64_t most;
	uint64_t unit;
};

int bench_options(const char *bench, const char *help, const struct bench_option *own,
		  int argc, char **argv);

/**
 * struct bench_names - do names in a list all belong to something?
 * @list:  as the option has it, or NULL: all
 * @known: those that there are
 */
struct bench_names {
	const char *list;
	char known[512];
};

bool bench_listed(const char *list, const char *name);
bool bench_names_add(struct bench_names *names, const char *name);
int bench_names_check(const struct bench_names *names, const char *option);

#endif /* _ZCCTL_BENCH_OPTIONS_H */
