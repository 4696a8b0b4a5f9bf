// SPDX-License-Identifier: GPL-2.0-only
/* zcctl bench compare: what it prints. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "compare.h"

static const char *const verdicts[] = { "unknown", "same", "better", "worse" };

/* Found once for each test; none where there is no memory. */
static const struct fields *naming(struct compare *cmp, const char *test)
{
	static const struct fields none;
	struct compare_test *known = compare_test(cmp, test);

	if (!known)
		return &none;
	if (!known->named) {
		fields_naming(&known->naming, &cmp->res[0], test);
		fields_naming(&known->naming, &cmp->res[1], test);
		known->named = true;
	}
	return &known->naming;
}

/* By what a reader knows the row. */
static void row_name(struct compare *cmp, struct json_object *row, char *buf, size_t size)
{
	const struct fields *fields = naming(cmp, row_str(row, "test"));
	const char *cache = row_str(row, "cache");
	char title[FIGURE_TEXT], text[FIGURE_TEXT];
	size_t len, i;

	len = snprintf(buf, size, "%s %s%s%s", row_str(row, "test"), row_str(row, "path"),
		       strcmp(cache, "none") ? " " : "", strcmp(cache, "none") ? cache : "");
	for (i = 0; i < fields->nr && len < size; i++)
		if (row_has(row, fields->name[i]))
			len += snprintf(buf + len, size - len, ", %s %s",
					field_title(fields->name[i], title),
					field_text(fields->name[i], row, false, text));
}

static struct json_object *number(double val)
{
	return isfinite(val) ? json_object_new_double(val) : NULL;
}

/* What tells the row apart, as it is there. */
static struct json_object *row_key(struct compare *cmp, struct json_object *row)
{
	struct json_object *key = json_object_new_object(), *val;
	static const char *const always[] = { "test", "path", "cache", "bytes" };
	const struct fields *fields = naming(cmp, row_str(row, "test"));
	unsigned int i;

	for (i = 0; i < sizeof(always) / sizeof(*always); i++)
		if (json_object_object_get_ex(row, always[i], &val))
			json_object_object_add(key, always[i], json_object_get(val));
	for (i = 0; i < fields->nr; i++)
		if (json_object_object_get_ex(row, fields->name[i], &val) && val)
			json_object_object_add(key, fields->name[i], json_object_get(val));
	return key;
}

static void add_key(struct json_object *list, struct compare *cmp,
		    struct json_object *row)
{
	json_object_array_add(list, row_key(cmp, row));
}

static struct json_object *line_json(struct compare *cmp, const struct compare_line *line)
{
	struct json_object *obj = json_object_new_object();
	const struct ratio *r = &line->ratio;

	json_object_object_add(obj, "row", row_key(cmp, line->row));
	out_add_str(obj, "figure", line->figure);
	out_add_u64(obj, "a_runs", line->s[0].nr);
	out_add_u64(obj, "b_runs", line->s[1].nr);
	json_object_object_add(obj, "a_median", number(line->median[0]));
	json_object_object_add(obj, "b_median", number(line->median[1]));
	json_object_object_add(obj, "ratio", number(r->ratio));
	json_object_object_add(obj, "low", r->known ? number(r->low) : NULL);
	json_object_object_add(obj, "high", r->known ? number(r->high) : NULL);
	out_add_str(obj, "verdict", verdicts[compare_verdict(line)]);
	json_object_object_add(obj, "more_is_better", json_object_new_boolean(line->more));
	json_object_object_add(obj, "coarse",
			       json_object_new_boolean(line->s[0].nr < RATIO_FEW ||
						       line->s[1].nr < RATIO_FEW));
	json_object_object_add(obj, "noisy", json_object_new_boolean(line->noisy));
	json_object_object_add(obj, "judged", json_object_new_boolean(line->judged));
	json_object_object_add(obj, "failed", json_object_new_boolean(compare_too_bad(cmp, line)));
	return obj;
}

void compare_json(struct compare *cmp)
{
	struct json_object *obj = out_new("comparison"), *list = json_object_new_array(), *alone;
	static const char *const names[] = { "only_a", "only_b" };
	size_t i;
	int side;

	out_add_str(obj, "a", cmp->name[0]);
	out_add_str(obj, "b", cmp->name[1]);
	json_object_object_add(obj, "differences", compare_differences(cmp));
	for (i = 0; i < cmp->nr; i++)
		json_object_array_add(list, line_json(cmp, &cmp->lines[i]));
	json_object_object_add(obj, "figures", list);
	for (side = 0; side < 2; side++) {
		alone = json_object_new_array();
		for (i = 0; i < json_object_array_length(cmp->alone[side]); i++)
			add_key(alone, cmp, json_object_array_get_idx(cmp->alone[side], i));
		json_object_object_add(obj, names[side], alone);
	}
	out_object(obj);
}

static const char *joined(struct json_object *list, char *buf, size_t size)
{
	size_t i, len = 0;

	*buf = '\0';
	for (i = 0; i < json_object_array_length(list) && len < size; i++)
		len += snprintf(buf + len, size - len, "%s%s", i ? "; " : "",
				json_object_get_string(json_object_array_get_idx(list, i)));
	return buf;
}

static void text_environment(const struct compare *cmp)
{
	struct json_object *found = compare_differences(cmp), *one;
	char a[256], b[256];
	size_t i;

	for (i = 0; i < json_object_array_length(found); i++) {
		one = json_object_array_get_idx(found, i);
		joined(json_object_object_get(one, "a"), a, sizeof(a));
		joined(json_object_object_get(one, "b"), b, sizeof(b));
		printf("not alike: %s: A %s, B %s\n", row_str(one, "what"), *a ? a : "says nothing",
		       *b ? b : "says nothing");
	}
	if (i)
		putchar('\n');
	json_object_put(found);
}

/* "1.05", or "-" for what is not known. */
static const char *ratio_text(double val, char *buf)
{
	snprintf(buf, FIGURE_TEXT, !isfinite(val) ? "much" : val < 9.995 ? "%.3f" : "%.1f", val);
	return buf;
}

static void text_line(struct compare *cmp, const struct compare_line *line, int width)
{
	char name[256], a[FIGURE_TEXT], b[FIGURE_TEXT], text[FIGURE_TEXT], low[FIGURE_TEXT],
	     high[FIGURE_TEXT], range[3 * FIGURE_TEXT] = "-";
	const struct ratio *r = &line->ratio;
	static const char *const words[] = { "one run", "-", "better", "worse" };

	row_name(cmp, line->row, name, sizeof(name));
	if (r->known)
		snprintf(range, sizeof(range), "%s to %s", ratio_text(r->low, low),
			 ratio_text(r->high, high));
	/* What has more bytes than columns is not padded by printf(). */
	figure_text(line->unit, line->median[0], line->icount, a);
	figure_text(line->unit, line->median[1], line->icount, b);
	printf("%-*s %-12s %*s %*s %8s %16s  %s%s%s\n", width, name, line->figure,
	       10 + (strstr(a, "µ") ? 1 : 0), a, 10 + (strstr(b, "µ") ? 1 : 0), b,
	       ratio_text(r->ratio, text), range, words[compare_verdict(line)],
	       line->noisy ? ", noisy" : "", compare_too_bad(cmp, line) ? "  <<<" : "");
}

static void text_alone(struct compare *cmp, int side)
{
	size_t i, nr = json_object_array_length(cmp->alone[side]);
	char name[256], file[PLAIN_SIZE(PATH_MAX)];

	if (!nr)
		return;
	printf("\nmeasured in %s (%s) only:\n", side ? "B" : "A",
	       out_plain(cmp->name[side], file, sizeof(file)));
	for (i = 0; i < nr; i++) {
		row_name(cmp, json_object_array_get_idx(cmp->alone[side], i), name, sizeof(name));
		printf("  %s\n", name);
	}
}

/* What has to be known to believe it. */
static void text_notes(const struct compare *cmp)
{
	size_t i, few = SERIES_MAX, count[4] = {}, noisy = 0, least[2] = { 0, 0 };

	for (i = 0; i < cmp->nr; i++) {
		const struct compare_line *line = &cmp->lines[i];
		size_t nr = line->s[0].nr < line->s[1].nr ? line->s[0].nr : line->s[1].nr;

		count[compare_verdict(line)]++;
		noisy += line->noisy;
		if (nr < few && nr > 1) {
			few = nr;
			least[0] = line->s[0].nr;
			least[1] = line->s[1].nr;
		}
	}
	printf("\n%zu better, %zu worse, %zu with no difference that these runs show",
	       count[COMPARE_BETTER], count[COMPARE_WORSE], count[COMPARE_SAME]);
	if (count[COMPARE_SAME] && !cmp->all)
		fputs(" (--all lists them)", stdout);
	if (count[COMPARE_UNKNOWN])
		printf(", %zu of single runs, of which nothing is known", count[COMPARE_UNKNOWN]);
	puts("");
	if (compare_judged(cmp))
		printf("%zu judged by --fail-worse, with intervals so wide that of all of these "
		       "one\nis wrong with 5 %% at most\n", compare_judged(cmp));
	if (few < RATIO_FEW)
		printf("Intervals are coarse: with %zu and %zu runs all of one side are below the "
		       "other by chance\n"
		       "in %.2g of 100 rows that do not differ. More runs "
		       "(--repeat 10) make them sharp.\n", least[0], least[1],
		       100 * ratio_by_chance(least[0], least[1]));
	if (noisy)
		printf("%zu of noisy rows: an idle machine, --pin and --tune make them quieter.\n",
		       noisy);
}

/* Of single runs nobody knows. */
static bool shown(const struct compare *cmp, const struct compare_line *line)
{
	return cmp->all || compare_verdict(line) != COMPARE_SAME;
}

static void text_file(const struct compare *cmp, int side)
{
	char file[PLAIN_SIZE(PATH_MAX)];

	printf("%c: %s\n", "AB"[side], out_plain(cmp->name[side], file, sizeof(file)));
}

void compare_text(struct compare *cmp)
{
	int width = 12, len;
	char name[256];
	bool any = false;
	size_t i;

	text_file(cmp, 0);
	text_file(cmp, 1);
	text_environment(cmp);
	for (i = 0; i < cmp->nr; i++) {
		if (!shown(cmp, &cmp->lines[i]))
			continue;
		any = true;
		row_name(cmp, cmp->lines[i].row, name, sizeof(name));
		len = strlen(name);
		width = len > width ? len : width;
	}
	if (any)
		printf("%-*s %-12s %10s %10s %8s %16s\n", width, "row", "figure", "A", "B",
		       "B/A", "95 % of it");
	for (i = 0; i < cmp->nr; i++)
		if (shown(cmp, &cmp->lines[i]))
			text_line(cmp, &cmp->lines[i], width);
	text_alone(cmp, 0);
	text_alone(cmp, 1);
	text_notes(cmp);
}
