/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of zcctl bench compare share. */
#ifndef _ZCCTL_COMPARE_H
#define _ZCCTL_COMPARE_H

#include "../report/figure.h"
#include "../report/ratio.h"
#include "../report/results.h"

/* Lower than PERCENT is no reason to fail. */
#define COMPARE_NEVER	(-1.0)

/**
 * struct compare_line - a figure of a row that both have
 * @row:    of A
 * @figure: its name
 * @unit:   of it
 * @more:   the more the better
 * @icount: it counts instructions, on both sides
 * @s:      runs of A and of B
 * @median: of A and of B
 * @noisy:  a row of either says so
 * @ratio:  of B to A
 * @judged: --fail-worse looks at it,
 * @sure:   by the same with an interval that is so wide that of all that it looks at hardly
 *          one is wrong
 */
struct compare_line {
	struct json_object *row;
	const char *figure;
	enum figure_unit unit;
	bool more;
	bool icount;
	struct series s[2];
	double median[2];
	bool noisy;
	struct ratio ratio;
	bool judged;
	struct ratio sure;
};

enum compare_verdict { COMPARE_UNKNOWN, COMPARE_SAME, COMPARE_BETTER, COMPARE_WORSE };

/**
 * struct compare_test - a test, whose rows may come together or not
 * @name:   its name
 * @keyed:  @key is known
 * @named:  @naming is
 * @key:    what tells its rows apart
 * @naming: what of this a reader knows them by
 */
struct compare_test {
	const char *name;
	bool keyed;
	bool named;
	struct fields key;
	struct fields naming;
};

/**
 * struct compare - two sets of reports, side by side
 * @name:       what they are called
 * @res:        what was read
 * @figures:    names, comma-separated, or NULL for all
 * @all:        show what did not change, too
 * @fail_worse: share by which something has to be worse to be a failure
 * @lines:      what both have
 * @nr:         of these
 * @tests:      those of the rows, as they come up
 * @nr_tests:   their number
 * @alone:      rows of A and of B that have no like, or that only one has measured
 */
struct compare {
	const char *name[2];
	struct results res[2];
	const char *figures;
	bool all;
	double fail_worse;
	struct compare_line *lines;
	size_t nr;
	struct compare_test **tests;
	size_t nr_tests;
	struct json_object *alone[2];
};

struct compare_test *compare_test(struct compare *cmp, const char *name);

int compare_figures(const struct compare *cmp);
int compare_match(struct compare *cmp);

enum compare_verdict compare_verdict(const struct compare_line *line);

/* compare-judge.c */
int compare_judge(struct compare *cmp);
size_t compare_judged(const struct compare *cmp);
bool compare_too_bad(const struct compare *cmp, const struct compare_line *line);
void compare_json(struct compare *cmp);
void compare_text(struct compare *cmp);

/* compare-env.c */
struct json_object *compare_differences(const struct compare *cmp);

#endif /* _ZCCTL_COMPARE_H */
