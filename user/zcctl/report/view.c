// SPDX-License-Identifier: GPL-2.0-only
/* The tests of a report, and rows that belong together. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests.h"
#include "view.h"

/* Of tests that are not known: what is looked for first, up to VIEW_FIGURES. */
static const char *const usual[] = { ":per_gib", "cpu_ns", "wall_ns", "requests_per_s",
	"bytes_per_s" };

#define NR(array)	(sizeof(array) / sizeof(*(array)))

static bool rows_add(struct rows *rows, struct json_object *row)
{
	struct json_object **more = rows->row;

	if (!(rows->nr & (rows->nr - 1)))
		more = realloc(rows->row, (rows->nr ? 2 * rows->nr : 1) * sizeof(*more));
	if (!more)
		return false;
	rows->row = more;
	rows->row[rows->nr++] = row;
	return true;
}

/* Has any of them the figure? */
bool rows_have(const struct rows *rows, const struct figure *fig)
{
	double val;
	size_t i;

	for (i = 0; i < rows->nr; i++)
		if (figure_value(fig, rows->row[i], &val))
			return true;
	return false;
}

static void add_figure(struct view *view, const char *name)
{
	struct figure fig;
	unsigned int i;

	figure_named(&fig, name);
	for (i = 0; i < view->nr; i++)
		if (!strcmp(view->figures[i].name, name))
			return;
	if (view->nr < VIEW_FIGURES && rows_have(&view->rows, &fig))
		view->figures[view->nr++] = fig;
}

/* Misses of the TLB, whatever they are called */
static bool tlb_field(const char *name, struct json_object *val)
{
	return strstr(name, "tlb") && strstr(name, "miss") && !row_key_field(name, val) &&
	       (json_object_is_type(val, json_type_int) ||
		json_object_is_type(val, json_type_double));
}

static void guess_figures(struct view *view)
{
	struct json_object *samples;
	size_t i;

	for (i = 0; i < view->rows.nr; i++) {
		json_object_object_foreach(view->rows.row[i], name, val)
			if (tlb_field(name, val))
				add_figure(view, name);
	}
	for (i = 0; i < NR(usual); i++)
		if (i != 1 || !view->nr)
			add_figure(view, usual[i]);
	for (i = 0; i < view->rows.nr && !view->nr; i++) {
		if (!json_object_object_get_ex(view->rows.row[i], "samples", &samples) || !samples)
			continue;
		json_object_object_foreach(samples, name, val)
			if (val)
				add_figure(view, name);
	}
	view->charts = view->nr;
}

static void choose_figures(struct view *view, const struct test *test)
{
	size_t i;

	for (i = 0; i < NR(test->figures) && test->figures[i]; i++)
		add_figure(view, test->figures[i]);
	view->charts = view->nr < test->charts ? view->nr : test->charts;
	if (!view->nr)
		guess_figures(view);
}

static bool any_cache(const struct rows *rows)
{
	size_t i;

	for (i = 0; i < rows->nr; i++)
		if (strcmp(row_str(rows->row[i], "cache"), "none"))
			return true;
	return false;
}

static bool view_init(struct view *view, const struct results *res, const char *name)
{
	const struct test *test = test_named(name);
	size_t i;

	*view = (struct view){ .name = name, .title = test ? test->title : name };
	for (i = 0; i < results_nr(res); i++)
		if (!strcmp(row_str(results_row(res, i), "test"), name) &&
		    !rows_add(&view->rows, results_row(res, i)))
			return false;
	/* Where a cold file is set against a hot one, the cache is no case of its own. */
	if (!(test && test->mixed) && any_cache(&view->rows))
		fields_add(&view->naming, "cache");
	fields_naming(&view->naming, res, name);
	if (!test) {
		guess_figures(view);
		return true;
	}
	view->note = test->note;
	memcpy(view->base, test->base, sizeof(view->base));
	memcpy(view->aside, test->aside, sizeof(view->aside));
	view->yardstick = test->yardstick;
	choose_figures(view, test);
	return true;
}

static int by_order(const void *a, const void *b)
{
	const struct view *x = a, *y = b;
	size_t i = test_order(x->name), k = test_order(y->name);

	return i < k ? -1 : i > k ? 1 : strcmp(x->name, y->name);
}

/**
 * views_init - the tests of a report
 * @views: to be freed in any case
 * @res:   what was read
 *
 * Returns: false where there is no memory.
 */
bool views_init(struct views *views, const struct results *res)
{
	size_t i, k;

	*views = (struct views){ .res = res };
	for (i = 0; i < results_nr(res); i++) {
		const char *name = row_str(results_row(res, i), "test");
		struct view *more;

		for (k = views->nr; k--;)
			if (!strcmp(views->view[k].name, name))
				break;
		if (k != (size_t)-1)
			continue;
		more = realloc(views->view, (views->nr + 1) * sizeof(*more));
		if (!more)
			return false;
		views->view = more;
		if (!view_init(&views->view[views->nr++], res, name))
			return false;
	}
	if (views->nr)
		qsort(views->view, views->nr, sizeof(*views->view), by_order);
	return true;
}

void views_free(struct views *views)
{
	size_t i;

	for (i = 0; i < views->nr; i++)
		free(views->view[i].rows.row);
	free(views->view);
}

/* In the order of their first rows. Returns false where there is no memory. */
bool groups_make(struct groups *groups, const struct rows *rows, const struct fields *by)
{
	struct rows *more;
	size_t i, k;

	*groups = (struct groups){ .nr = 0 };
	for (i = 0; i < rows->nr; i++) {
		for (k = 0; k < groups->nr; k++)
			if (fields_alike(by, groups->group[k].row[0], rows->row[i]))
				break;
		if (k == groups->nr) {
			more = realloc(groups->group, (k + 1) * sizeof(*more));
			if (!more)
				return false;
			groups->group = more;
			groups->group[groups->nr++] = (struct rows){ .nr = 0 };
		}
		if (!rows_add(&groups->group[k], rows->row[i]))
			return false;
	}
	return true;
}

void groups_free(struct groups *groups)
{
	size_t i;

	for (i = 0; i < groups->nr; i++)
		free(groups->group[i].row);
	free(groups->group);
}

/* By what counts the rows are: "instructions", or "CPU time" */
const char *rows_icount(const struct views *views, const struct rows *rows, bool *icount)
{
	*icount = rows->nr && row_icount(views->res, rows->row[0]);
	return *icount ? "instructions" : "CPU time";
}

/* One field of a row, as people say it. */
static int field_words(const char *name, struct json_object *row, bool icount, char *buf,
		       size_t size)
{
	const char *cache = row_str(row, "cache");
	char title[FIGURE_TEXT], text[FIGURE_TEXT];

	if (!strcmp(name, "cache"))
		return snprintf(buf, size, "%s", strcmp(cache, "none") ? cache : "from memory");
	if (!strcmp(name, "kernel"))
		return snprintf(buf, size, "Linux %s", row_str(row, "kernel"));
	if (!strcmp(name, "requests"))
		return snprintf(buf, size, "%s", row_bool(row, name) ? "on request" : "at once");
	if (!strcmp(name, "icount"))
		return snprintf(buf, size, "%s", row_bool(row, name) ? "instructions" : "time");
	if (!strcmp(name, "target") || !strcmp(name, "pattern") || !strcmp(name, "bytes"))
		return snprintf(buf, size, "%s", field_text(name, row, icount, text));
	if (!strcmp(name, "concurrency"))
		return snprintf(buf, size, "%s at once", field_text(name, row, icount, text));
	if (json_object_is_type(json_object_object_get(row, name), json_type_boolean))
		return snprintf(buf, size, "%s%s", row_bool(row, name) ? "" : "not ",
				field_title(name, title));
	field_text(name, row, icount, text);
	if ((!strcmp(name, "processes") || !strcmp(name, "processors")) && !strcmp(text, "1"))
		return snprintf(buf, size, "1 %.*s", (int)strlen(name) - (name[7] == 'e' ? 2 : 1),
				name);
	if (!strcmp(name, "processes") || !strcmp(name, "processors"))
		return snprintf(buf, size, "%s %s", text, name);
	return snprintf(buf, size, "%s %s", field_title(name, title), text);
}

/* "cold, file 4 KiB, on request" */
const char *fields_text(const struct fields *fields, struct json_object *row, bool icount,
			char *buf, size_t size)
{
	size_t len = 0;
	unsigned int i;

	*buf = '\0';
	for (i = 0; i < fields->nr && len < size; i++) {
		if (!row_has(row, fields->name[i]))
			continue;
		if (len)
			len += snprintf(buf + len, size - len, ", ");
		if (len < size)
			len += field_words(fields->name[i], row, icount, buf + len, size - len);
	}
	return buf;
}
