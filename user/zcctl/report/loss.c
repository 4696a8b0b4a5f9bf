// SPDX-License-Identifier: GPL-2.0-only
/* Where other ways cost less than zc. */
#include <string.h>

#include "view.h"

/* The field of which a figure is made, if it has samples. */
static const char *sampled(const struct figure *fig)
{
	if (!strcmp(fig->name, ":map_per_mib"))
		return "map_ns";
	if (!strcmp(fig->name, ":unmap_per_mib"))
		return "unmap_ns";
	return *fig->name == ':' ? "cpu_ns" : fig->name;
}

/* From the least to the most of its runs. Returns false if nobody knows. */
bool figure_range(const struct figure *fig, struct json_object *row, double *low, double *high)
{
	struct json_object *samples, *list, *one;
	double val, of, v;
	size_t i;

	if (!json_object_object_get_ex(row, "samples", &samples) ||
	    !json_object_object_get_ex(samples, sampled(fig), &list) ||
	    !figure_value(fig, row, &val) || !row_num(row, sampled(fig), &of) || of <= 0)
		return false;
	*low = *high = val;
	for (i = 0; i < json_object_array_length(list); i++) {
		one = json_object_array_get_idx(list, i);
		if (!one)
			continue;
		v = json_object_get_double(one) * val / of;
		*low = v < *low ? v : *low;
		*high = v > *high ? v : *high;
	}
	return true;
}

static bool better(const struct figure *fig, double a, double b)
{
	return fig->more ? a > b : a < b;
}

/* Does it do other work than the test's other ways? */
bool row_aside(const struct view *view, struct json_object *row)
{
	const char *path = row_str(row, "path");
	size_t i;

	for (i = 0; i < sizeof(view->aside) / sizeof(*view->aside) && view->aside[i]; i++)
		if (!strcmp(view->aside[i], path))
			return true;
	return false;
}

/**
 * best_row - the cheapest of those that do the same work
 * @view: their test
 * @rows: of these
 * @fig:  by this
 * @zc:   of the module's ways, or of the others
 *
 * Returns: the row, or NULL if none was measured.
 */
struct json_object *best_row(const struct view *view, const struct rows *rows,
			     const struct figure *fig, bool zc)
{
	struct json_object *best = NULL;
	double val, least = 0;
	size_t i;

	for (i = 0; i < rows->nr; i++) {
		struct json_object *row = rows->row[i];

		if (row_zc(row) != zc || !row_measured(row) || !figure_value(fig, row, &val) ||
		    row_aside(view, row))
			continue;
		if (!best || better(fig, val, least)) {
			best = row;
			least = val;
		}
	}
	return best;
}

/* The module's best among the rows that are like this one but for their path. */
static struct json_object *rival(const struct view *view, const struct figure *fig,
				 struct json_object *row)
{
	struct json_object *best = NULL;
	double val, least = 0;
	size_t i;

	for (i = 0; i < view->rows.nr; i++) {
		struct json_object *zc = view->rows.row[i];

		if (!row_zc(zc) || !row_measured(zc) || !figure_value(fig, zc, &val) ||
		    row_aside(view, zc) || !fields_alike(&view->naming, zc, row))
			continue;
		if (!best || better(fig, val, least)) {
			best = zc;
			least = val;
		}
	}
	return best;
}

static bool overlap(const struct figure *fig, struct json_object *a, struct json_object *b)
{
	double low[2], high[2];

	return figure_range(fig, a, &low[0], &high[0]) && figure_range(fig, b, &low[1], &high[1]) &&
	       low[0] <= high[1] && low[1] <= high[0];
}

/* Do their runs leave a doubt which of the two is better? */
bool rows_noisy(const struct figure *fig, struct json_object *a, struct json_object *b)
{
	return row_bool(a, "noisy") || row_bool(b, "noisy") || overlap(fig, a, b);
}

/**
 * loss_of - does a row cost less than the cheapest way of zc in the same case?
 * @view: its test
 * @fig:  in this
 * @row:  row
 * @loss: by how much, if so
 */
bool loss_of(const struct view *view, const struct figure *fig, struct json_object *row,
	     struct loss *loss)
{
	struct json_object *zc;
	double own, of;

	if (row_zc(row) || !row_measured(row) || !figure_value(fig, row, &own) ||
	    row_aside(view, row))
		return false;
	zc = rival(view, fig, row);
	if (!zc || !figure_value(fig, zc, &of) || !better(fig, own, of))
		return false;
	*loss = (struct loss){ .row = row, .zc = zc, .fig = fig, .of = of > 0 ? own / of : 0 };
	loss->within = overlap(fig, row, zc);
	loss->noisy = rows_noisy(fig, row, zc);
	loss->slight = loss->within && own <= of * (1 + LOSS_SLIGHT) &&
		       own >= of * (1 - LOSS_SLIGHT);
	return true;
}

/* In any of its figures, and by more than the runs scatter? */
bool row_loses(const struct view *view, struct json_object *row)
{
	struct loss loss;
	unsigned int i;

	for (i = 0; i < view->nr; i++)
		if (loss_of(view, &view->figures[i], row, &loss) && !loss.slight)
			return true;
	return false;
}
