// SPDX-License-Identifier: GPL-2.0-only
/* zcctl bench compare: what differs between two reports, and what only seems to. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "compare.h"

static const char compare_help[] =
"usage: zcctl bench compare A B [OPTION…]\n"
"\n"
"Read two reports of 'zcctl --json bench …', A from before and B from after, and show for\n"
"each figure of each row that both have: the medians of A and of B, B as part of A, and\n"
"from where to where that ratio is with 95 % (bootstrap of the medians, with the same draws\n"
"each time). \"better\" and \"worse\" are what the interval leaves no doubt about; all else is\n"
"no difference that these runs show. With less than 6 runs an interval is coarse.\n"
"\n"
"A and B are files, with one report or several, one after the other; folders, of which all\n"
"*.json are read; or - for standard input. Rows are alike if all that tells rows apart is:\n"
"test, path, cache, sizes, how many at once. Kernel, processors and icount are so only where\n"
"a side has several of them. Runs of rows alike on one side count together.\n"
"\n"
"  --all                 what did not change, too: without it such rows are only counted\n"
"  --figures A,B         some figures only (default: all that both have): cpu_ns,wall_ns\n"
"  --fail-worse PERCENT  of cpu_ns and wall_ns, or of --figures: something worse by more, with\n"
"                        all of its interval, is a failure. It takes 6 runs of each side, but\n"
"                        for what counts instructions (--icount) on both\n"
"\n"
"The more figures --fail-worse judges, the wider are the intervals by which it does: of all\n"
"of them together, if nothing differs, one is a failure with 5 % at most.\n"
"\n"
"exit status: 0, unless something is worse as --fail-worse has it, or cannot be read: 1; what\n"
"cannot be judged: 2.\n"
"\n"
"example:\n"
"  zcctl -j bench io FILE --repeat 10 >old.json\n"
"  zcctl -j bench io FILE --repeat 10 >new.json\n"
"  zcctl bench compare old.json new.json --fail-worse 5\n";

enum compare_verdict compare_verdict(const struct compare_line *line)
{
	const struct ratio *r = &line->ratio;

	if (!r->known)
		return COMPARE_UNKNOWN;
	if (r->low > 1)
		return line->more ? COMPARE_BETTER : COMPARE_WORSE;
	if (r->high < 1)
		return line->more ? COMPARE_WORSE : COMPARE_BETTER;
	return COMPARE_SAME;
}

static int parse_percent(const char *text, double *share)
{
	char *end;
	double percent = strtod(text, &end);

	if (end == text || *end || !(percent >= 0) || percent > 1000)
		return out_usage("bench compare: --fail-worse takes percent, not '%s'", text);
	*share = percent / 100;
	return EX_OK;
}

/* What is shown to people has nothing that a terminal would obey. */
static void be_plain(struct compare *cmp, int side)
{
	struct results *res = &cmp->res[side];
	struct results plain = {
		.environments = out_plain_json(res->environments),
		.rows = out_plain_json(res->rows),
	};

	results_free(res);
	*res = plain;
}

/**
 * compare_test - what is known of a test
 * @cmp:  with the reports
 * @name: of a row of theirs
 *
 * Returns: it, new or not; NULL: no memory.
 */
struct compare_test *compare_test(struct compare *cmp, const char *name)
{
	struct compare_test **more;
	size_t i;

	for (i = 0; i < cmp->nr_tests; i++)
		if (!strcmp(cmp->tests[i]->name, name))
			return cmp->tests[i];
	more = realloc(cmp->tests, (i + 1) * sizeof(*more));
	if (!more)
		return NULL;
	cmp->tests = more;
	more[i] = calloc(1, sizeof(**more));
	if (!more[i])
		return NULL;
	more[i]->name = name;
	cmp->nr_tests++;
	return more[i];
}

static int read_both(struct compare *cmp, char **names)
{
	int ret, i;

	if (!strcmp(names[0], "-") && !strcmp(names[1], "-"))
		return out_usage("bench compare: standard input can be read only once");
	for (i = 0; i < 2; i++) {
		cmp->name[i] = names[i];
		ret = results_add(&cmp->res[i], names[i]);
		if (ret)
			return ret;
		if (!out_json)
			be_plain(cmp, i);
	}
	return EX_OK;
}

/* Returns an exit code. */
static int verdict(const struct compare *cmp)
{
	size_t i, bad = 0;

	for (i = 0; i < cmp->nr; i++)
		bad += compare_too_bad(cmp, &cmp->lines[i]);
	if (!bad)
		return EX_OK;
	return out_error(EX_FAILED, 0, NULL, "%zu figure%s worse by more than %g %%", bad,
			 bad > 1 ? "s are" : " is", 100 * cmp->fail_worse);
}

static int run(struct compare *cmp, char **names)
{
	int ret = read_both(cmp, names) ?: compare_figures(cmp) ?: compare_match(cmp);

	if (!ret && cmp->nr)
		ret = compare_judge(cmp);
	if (ret)
		return ret;
	if (out_json)
		compare_json(cmp);
	else if (cmp->nr)
		compare_text(cmp);
	if (!cmp->nr)
		return out_error(EX_FAILED, 0, cmp->figures ? NULL :
				 "rows are alike if test, path, cache and sizes are",
				 "%s and %s have nothing to compare", cmp->name[0], cmp->name[1]);
	return verdict(cmp);
}

static int run_and_free(struct compare *cmp, char **names)
{
	int i, ret;
	size_t k;

	for (i = 0; i < 2; i++) {
		results_init(&cmp->res[i]);
		cmp->alone[i] = json_object_new_array();
	}
	ret = run(cmp, names);
	for (i = 0; i < 2; i++) {
		results_free(&cmp->res[i]);
		json_object_put(cmp->alone[i]);
	}
	for (k = 0; k < cmp->nr; k++) {
		free(cmp->lines[k].s[0].v);
		free(cmp->lines[k].s[1].v);
	}
	free(cmp->lines);
	for (k = 0; k < cmp->nr_tests; k++)
		free(cmp->tests[k]);
	free(cmp->tests);
	return ret;
}

int bench_compare(int argc, char **argv)
{
	static const struct option options[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "figures", required_argument, NULL, 'f' },
		{ "fail-worse", required_argument, NULL, 'w' },
		{ "help", no_argument, NULL, 'h' },
		{ },
	};
	struct compare cmp = { .fail_worse = COMPARE_NEVER };
	int c, ret;

	while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		switch (c) {
		case 'a':
			cmp.all = true;
			break;
		case 'f':
			cmp.figures = optarg;
			break;
		case 'w':
			ret = parse_percent(optarg, &cmp.fail_worse);
			if (ret)
				return ret;
			break;
		case 'h':
			fputs(compare_help, stdout);
			return EX_OK;
		case ':':
			return out_no_value("bench compare", argv);
		default:
			return out_bad_option("bench compare", argv);
		}
	}
	if (argc != optind + 2)
		return out_usage("bench compare: two reports, please: from before, and from after");
	return run_and_free(&cmp, argv + optind);
}
