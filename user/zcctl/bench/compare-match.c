// SPDX-License-Identifier: GPL-2.0-only
/* zcctl bench compare: rows that are alike, and their figures. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "compare.h"

/* Of rows that have no samples. */
static const char *const single[] = { "cpu_ns", "wall_ns", "map_ns", "unmap_ns", "get_cpu_ns",
	"touch_cpu_ns" };

#define NR(array)	(sizeof(array) / sizeof(*(array)))
#define NAMES_MAX	32
#define ALL_MAX		64

/**
 * struct keyed - a row by what tells it apart
 * @key: as text
 * @nr:  its place in the report
 * @row: the row
 */
struct keyed {
	char *key;
	size_t nr;
	struct json_object *row;
};

/* The rows of a side, sorted by key, then by place; @seen of each: it was looked at. */
struct side {
	struct keyed *rows;
	bool *seen;
	size_t nr;
};

static int by_key(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;

	return strcmp(x->key, y->key) ?: (x->nr > y->nr) - (x->nr < y->nr);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* How much there was where requests were counted for a time */
static bool by_time(struct json_object *row, const char *field)
{
	return !strcmp(field, "bytes") && row_has(row, "requests_per_s");
}

/* "test=io\npath=sendfile\n…"; fields that a row has not are left out. NULL: no memory. */
static char *make_key(const struct fields *fields, struct json_object *row)
{
	char text[512], *key = NULL;
	unsigned int i;
	size_t len;
	FILE *f = open_memstream(&key, &len);

	if (!f)
		return NULL;
	for (i = 0; i < fields->nr; i++)
		if (row_has(row, fields->name[i]) && !by_time(row, fields->name[i]))
			fprintf(f, "%s=%s\n", fields->name[i],
				row_field(row, fields->name[i], text, sizeof(text)));
	fclose(f);
	return key;
}

/* What tells rows of a test apart, on either side; NULL: no memory. */
static const struct fields *key_fields(struct compare *cmp, const char *test)
{
	struct compare_test *known = compare_test(cmp, test);

	if (!known || known->keyed)
		return known ? &known->key : NULL;
	fields_of(&known->key, &cmp->res[0], test);
	fields_of(&known->key, &cmp->res[1], test);
	qsort(known->key.name, known->key.nr, sizeof(*known->key.name), by_name);
	known->keyed = true;
	return &known->key;
}

static int side_init(struct compare *cmp, int which, struct side *side)
{
	const struct results *res = &cmp->res[which];
	size_t i, nr = results_nr(res);

	side->rows = calloc(nr + 1, sizeof(*side->rows));
	side->seen = calloc(nr + 1, sizeof(*side->seen));
	for (i = 0; i < nr && side->rows && side->seen; i++) {
		struct keyed *k = &side->rows[i];
		const struct fields *fields;

		k->row = results_row(res, i);
		k->nr = i;
		fields = key_fields(cmp, row_str(k->row, "test"));
		k->key = fields ? make_key(fields, k->row) : NULL;
		if (!k->key)
			break;
		side->nr++;
	}
	if (side->nr < nr || !side->rows || !side->seen)
		return out_error(EX_FAILED, ENOMEM, NULL, "bench compare");
	qsort(side->rows, nr, sizeof(*side->rows), by_key);
	return EX_OK;
}

static void side_free(struct side *side)
{
	size_t i;

	for (i = 0; i < side->nr; i++)
		free(side->rows[i].key);
	free(side->rows);
	free(side->seen);
}

/* The first of the rows with the key, of @*nr; NULL if there are none. */
static struct keyed *find(const struct side *side, const char *key, size_t *nr)
{
	size_t low = 0, high = side->nr, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (strcmp(side->rows[mid].key, key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (*nr = 0; low + *nr < side->nr && !strcmp(side->rows[low + *nr].key, key);)
		(*nr)++;
	return *nr ? &side->rows[low] : NULL;
}

/* The runs of a row, or the one figure that it has. */
static bool add_runs(struct series *s, struct json_object *row, const char *figure)
{
	struct json_object *samples, *list, *one;
	bool ok = true;
	double val;
	size_t i;

	if (json_object_object_get_ex(row, "samples", &samples) &&
	    json_object_object_get_ex(samples, figure, &list)) {
		for (i = 0; ok && i < json_object_array_length(list); i++) {
			one = json_object_array_get_idx(list, i);
			ok = !one || series_add(s, json_object_get_double(one));
		}
		return ok;
	}
	return !row_num(row, figure, &val) || val < 0 || series_add(s, val);
}

/* One more, where it is new and there is room. */
static void add_name(const char **names, unsigned int *nr, const char *name)
{
	unsigned int i;

	for (i = 0; i < *nr; i++)
		if (!strcmp(names[i], name))
			return;
	if (*nr < ALL_MAX)
		names[(*nr)++] = name;
}

/* All names of figures of a row. */
static unsigned int figure_names(struct json_object *row, const char **names)
{
	struct json_object *samples = NULL;
	unsigned int nr = 0, i;

	json_object_object_get_ex(row, "samples", &samples);
	if (samples) {
		json_object_object_foreach(samples, key, val)
			if (val && nr < NAMES_MAX)
				names[nr++] = key;
		return nr;
	}
	for (i = 0; i < NR(single); i++)
		if (row_has(row, single[i]))
			names[nr++] = single[i];
	return nr;
}

static void row_names(struct json_object *row, const char **all, unsigned int *nr)
{
	const char *names[NAMES_MAX];
	unsigned int i, found = figure_names(row, names);

	for (i = 0; i < found; i++)
		add_name(all, nr, names[i]);
}

static unsigned int all_names(const struct results *res, const char **all, unsigned int nr)
{
	size_t row;

	for (row = 0; row < results_nr(res); row++)
		row_names(results_row(res, row), all, &nr);
	return nr;
}

static int no_figure(const char *name, size_t len, const char *const *all, unsigned int nr)
{
	char known[1024] = "";
	size_t at = 0;
	unsigned int i;

	for (i = 0; i < nr && at < sizeof(known); i++)
		at += snprintf(known + at, sizeof(known) - at, "%s%s", i ? ", " : "", all[i]);
	return out_usage("bench compare: no figure '%.*s'; there are: %s", (int)len, name, known);
}

/**
 * compare_figures - are those that are asked for in any of the reports?
 * @cmp: with the reports
 *
 * Returns: EX_OK, or an exit code after an error message that has those that there are.
 */
int compare_figures(const struct compare *cmp)
{
	const char *all[ALL_MAX], *name = cmp->figures;
	unsigned int nr = all_names(&cmp->res[0], all, 0), k;
	size_t len;

	nr = all_names(&cmp->res[1], all, nr);
	for (; name && nr; name += len + 1) {
		len = strcspn(name, ",");
		for (k = 0; k < nr && (strncmp(all[k], name, len) || all[k][len]); k++)
			;
		if (k == nr)
			return no_figure(name, len, all, nr);
		if (!name[len])
			break;
	}
	return EX_OK;
}

static int no_memory(void)
{
	return out_error(EX_FAILED, ENOMEM, NULL, "bench compare");
}

/* One figure, of the rows with a key on both sides. */
static int add_line(struct compare *cmp, const char *figure, struct keyed *const *rows,
		    const size_t *nr)
{
	struct compare_line line = { .row = rows[0]->row, .figure = figure, .icount = true }, *more;
	struct series *s = line.s;
	struct figure fig;
	bool ok = true;
	size_t i;
	int side;

	figure_named(&fig, figure);
	line.unit = fig.unit;
	line.more = fig.more;
	for (side = 0; side < 2; side++) {
		for (i = 0; ok && i < nr[side]; i++) {
			ok = add_runs(&s[side], rows[side][i].row, figure);
			line.noisy |= row_bool(rows[side][i].row, "noisy");
			line.icount &= row_icount(&cmp->res[side], rows[side][i].row);
		}
		series_sort(&s[side]);
		line.median[side] = s[side].nr ? series_median(&s[side]) : 0;
	}
	if (ok && s[0].nr && s[1].nr) {
		ratio_of(&s[0], &s[1], &line.ratio);
		more = realloc(cmp->lines, (cmp->nr + 1) * sizeof(line));
		if (more) {
			cmp->lines = more;
			cmp->lines[cmp->nr++] = line;
			return EX_OK;
		}
		ok = false;
	}
	free(s[0].v);
	free(s[1].v);
	return ok ? EX_OK : no_memory();
}

/* What a figure is the sum of has to be alike, in each row that has it. */
static bool other_sum(struct keyed *const *rows, const size_t *nr)
{
	double first = 0, bytes;
	bool any = false;
	size_t i;
	int side;

	for (side = 0; side < 2; side++) {
		for (i = 0; i < nr[side]; i++) {
			struct json_object *row = rows[side][i].row;

			if (!row_measured(row) || !row_num(row, "bytes", &bytes))
				continue;
			if (any && bytes != first)
				return true;
			first = bytes;
			any = true;
		}
	}
	return false;
}

/* All figures of all that is alike: a row may lack what another has. */
static int add_lines(struct compare *cmp, struct keyed *const *rows, const size_t *nr)
{
	const char *names[ALL_MAX];
	bool differ = other_sum(rows, nr);
	unsigned int i, found = 0;
	size_t row;
	int ret = EX_OK;

	for (row = 0; row < nr[0]; row++)
		row_names(rows[0][row].row, names, &found);
	for (i = 0; i < found && !ret; i++) {
		bool sum = !strcmp(names[i], "cpu_ns") || !strcmp(names[i], "wall_ns");

		if (bench_listed(cmp->figures, names[i]) && !(sum && differ))
			ret = add_line(cmp, names[i], rows, nr);
	}
	return ret;
}

static bool any_measured(const struct keyed *rows, size_t nr)
{
	while (nr--)
		if (row_measured(rows[nr].row))
			return true;
	return false;
}

/* A row of @side, and those of the other with its key. */
static int match_row(struct compare *cmp, struct side *sides, int side, const char *key)
{
	size_t nr[2];
	struct keyed *rows[2] = { find(&sides[0], key, &nr[0]), find(&sides[1], key, &nr[1]) };
	bool measured[2] = { any_measured(rows[0], nr[0]), any_measured(rows[1], nr[1]) };

	if (measured[0] && measured[1])
		return side ? EX_OK : add_lines(cmp, rows, nr);
	if (measured[side])
		json_object_array_add(cmp->alone[side], json_object_get(rows[side]->row));
	return EX_OK;
}

/* In the order of the reports: A's, then what B alone has. */
static int match_side(struct compare *cmp, struct side *sides, int side)
{
	const struct side *own = &sides[side];
	size_t *order = calloc(own->nr + 1, sizeof(*order)), i;
	size_t nr;
	int ret = order ? EX_OK : no_memory();

	for (i = 0; !ret && i < own->nr; i++)
		order[own->rows[i].nr] = i;
	for (i = 0; !ret && i < own->nr; i++) {
		const struct keyed *first = find(own, own->rows[order[i]].key, &nr);

		/* Once for all that are alike. */
		if (own->seen[first - own->rows])
			continue;
		own->seen[first - own->rows] = true;
		ret = match_row(cmp, sides, side, first->key);
	}
	free(order);
	return ret;
}

/**
 * compare_match - fill in what both sides have, and what one has alone
 * @cmp: with the reports
 *
 * Returns: EX_OK, or an exit code after an error message.
 */
int compare_match(struct compare *cmp)
{
	struct side sides[2] = {};
	int ret = side_init(cmp, 0, &sides[0]) ?: side_init(cmp, 1, &sides[1]);

	if (!ret)
		ret = match_side(cmp, sides, 0) ?: match_side(cmp, sides, 1);
	side_free(&sides[0]);
	side_free(&sides[1]);
	return ret;
}
