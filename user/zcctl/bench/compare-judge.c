// SPDX-License-Identifier: GPL-2.0-only
/* zcctl bench compare --fail-worse: what is judged, by what, and what cannot be. */
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "compare.h"

/* Those that all look at; others are asked for by name. */
#define JUDGED	"cpu_ns,wall_ns"

/* Figures that are judged */
size_t compare_judged(const struct compare *cmp)
{
	size_t i, nr = 0;

	for (i = 0; i < cmp->nr; i++)
		nr += cmp->lines[i].judged;
	return nr;
}

/* A count of instructions hardly scatters, of however few runs. */
static bool too_few(const struct compare_line *line)
{
	return !line->icount && (line->s[0].nr < RATIO_FEW || line->s[1].nr < RATIO_FEW);
}

static int refuse(const struct compare_line *line)
{
	return out_error(EX_USAGE, 0, "--repeat 6 or more, or --icount, for both reports",
			 "--fail-worse takes %d runs of each side: %s of test %s, path %s has %zu and %zu",
			 RATIO_FEW, line->figure, row_str(line->row, "test"),
			 row_str(line->row, "path"), line->s[0].nr, line->s[1].nr);
}

/**
 * compare_judge - look for what --fail-worse is to judge
 * @cmp: with all lines
 *
 * An interval of 95 % is wrong now and then, and of forty figures that do not differ one seems
 * worse. So those that are judged have wider ones, by their number (Bonferroni): that any of
 * them is wrong is as likely as that one of 95 % is.
 *
 * Returns: EX_OK, or an exit code after an error message.
 */
int compare_judge(struct compare *cmp)
{
	size_t i, nr;

	if (cmp->fail_worse < 0)
		return EX_OK;
	for (i = 0; i < cmp->nr; i++)
		cmp->lines[i].judged = bench_listed(cmp->figures ?: JUDGED, cmp->lines[i].figure);
	nr = compare_judged(cmp);
	if (!nr)
		return out_error(EX_USAGE, 0, "--figures says which",
				 "--fail-worse judges " JUDGED ", of which these have none");
	for (i = 0; i < cmp->nr; i++) {
		struct compare_line *line = &cmp->lines[i];

		if (!line->judged)
			continue;
		if (too_few(line))
			return refuse(line);
		line->sure = line->ratio;
		if (compare_verdict(line) == COMPARE_WORSE)
			ratio_interval(&line->s[0], &line->s[1], RATIO_TAIL / nr, &line->sure);
	}
	return EX_OK;
}

/* Of what is the better the more there is of it, the less counts. */
bool compare_too_bad(const struct compare *cmp, const struct compare_line *line)
{
	double limit = 1 + cmp->fail_worse;

	if (!line->judged || compare_verdict(line) != COMPARE_WORSE)
		return false;
	return line->more ? line->sure.high < 1 / limit : line->sure.low > limit;
}
