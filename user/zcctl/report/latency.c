// SPDX-License-Identifier: GPL-2.0-only
/* How long things took: what share of them was done by when. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chart.h"
#include "html.h"
#include "page.h"

/*
 * The colours of zc's ways are blue, those of others are not, and none is orange: that is what
 * zc loses to. Some are known by their names wherever they are; others take what is left, in
 * their order.
 */
static const char *const coloured[2][CHART_COLOURS / 2] = {
	{ "zc-auto", "zc-direct", "zc-buffer", "zc-async" },
	{ "sendfile", "rw", "mmap-write", "io_uring-zc" },
};

#define NR(array)	(sizeof(array) / sizeof(*(array)))

static bool path_zc(const char *path)
{
	return !strncmp(path, "zc", 2) && (!path[2] || path[2] == '-');
}

static unsigned int known(const char *path)
{
	const char *const *names = coloured[!path_zc(path)];
	unsigned int k = 0;

	while (k < NR(*coloured) && strcmp(names[k], path))
		k++;
	return k;
}

static bool has_path(const struct view *view, const char *path)
{
	size_t i;

	for (i = 0; i < view->rows.nr; i++)
		if (!strcmp(row_str(view->rows.row[i], "path"), path))
			return true;
	return false;
}

/* How many paths of its kind that are not known come before it. */
static unsigned int place(const struct view *view, const char *path)
{
	const char *seen[64];
	unsigned int nr = 0, k;
	size_t i;

	for (i = 0; i < view->rows.nr && nr < NR(seen); i++) {
		const char *other = row_str(view->rows.row[i], "path");

		if (!strcmp(other, path))
			break;
		if (path_zc(other) != path_zc(path) || known(other) < NR(*coloured))
			continue;
		for (k = 0; k < nr && strcmp(seen[k], other); k++)
			;
		if (k == nr)
			seen[nr++] = other;
	}
	return nr;
}

/**
 * path_colour - which of the colours a path has; from CHART_COLOURS on they come again, dashed
 * @view: its test
 * @path: path
 */
unsigned int path_colour(const struct view *view, const char *path)
{
	unsigned int other = !path_zc(path), nr = NR(*coloured), k = known(path), before;

	if (k == nr)
		for (before = place(view, path), k = 0;; k++) {
			if (k < nr && has_path(view, coloured[other][k]))
				continue;
			if (!before--)
				break;
		}
	return k / nr * CHART_COLOURS + other * nr + k % nr;
}

static const struct {
	const char *name;
	const char *title;
} kinds[] = {
	{ "latency", "how long each took" },
	{ "first_byte", "when the first byte came" },
};

/* Which of them is being written */
static const char *kind;

static struct json_object *curve(struct json_object *row)
{
	struct json_object *latency, *cdf;

	if (!json_object_object_get_ex(row, kind, &latency) ||
	    !json_object_object_get_ex(latency, "cdf", &cdf) ||
	    json_object_array_length(cdf) < 2)
		return NULL;
	return cdf;
}

/* The last point is the longest of all: as far as that many can tell. */
static double share(struct json_object *row, double val)
{
	double count = 0;

	row_num(json_object_object_get(row, kind), "count", &count);
	if (val >= 1)
		return count > 1 ? 1 - 0.5 / count : 1;
	return val;
}

static bool make_line(const struct view *view, struct json_object *row, struct chart_line *line)
{
	struct json_object *cdf = curve(row), *point;
	size_t i;

	*line = (struct chart_line){ .label = row_str(row, "path") };
	line->colour = path_colour(view, line->label);
	line->nr = json_object_array_length(cdf);
	line->x = calloc(line->nr, sizeof(*line->x));
	line->y = calloc(line->nr, sizeof(*line->y));
	for (i = 0; i < line->nr && line->x && line->y; i++) {
		point = json_object_array_get_idx(cdf, i);
		line->x[i] = json_object_get_double(json_object_array_get_idx(point, 0));
		line->y[i] = json_object_get_double(json_object_array_get_idx(point, 1));
		line->y[i] = share(row, line->y[i]);
	}
	return line->x && line->y;
}

static void legend(FILE *to, const struct view *view, struct json_object *row, bool icount)
{
	static const char *const names[] = { "p50_ns", "p99_ns", "p999_ns", "max_ns" };
	static const char *const words[] = { "half", "99 %", "99.9 %", "all" };
	/* The slowest of fewer is all that there is of it. */
	static const double least[] = { 0, 100, 1000, 0 };
	struct json_object *latency = json_object_object_get(row, kind);
	char text[FIGURE_TEXT];
	double val, count;
	size_t i;

	if (!row_num(latency, "count", &count))
		count = INFINITY;

	fputs("<tr><th>", to);
	chart_swatch(to, path_colour(view, row_str(row, "path")));
	html_text(to, row_str(row, "path"));
	fputs("</th>", to);
	for (i = 0; i < NR(names); i++) {
		fprintf(to, "<td title=\"%s: ", words[i]);
		if (count < least[i]) {
			fprintf(to, "not known of fewer than %.0f\">–</td>", least[i]);
		} else if (row_num(latency, names[i], &val)) {
			html_text(to, figure_exact(FIGURE_NS, val, icount, text));
			fprintf(to, "\">%s</td>", figure_text(FIGURE_NS, val, icount, text));
		} else {
			fputs("not known\">–</td>", to);
		}
	}
	fputs("</tr>\n", to);
}

static void panel(FILE *to, const struct views *views, const struct view *view,
		  const struct rows *rows)
{
	struct chart_line *lines = calloc(rows->nr, sizeof(*lines));
	struct chart_lines chart = { .title = view->title, .scale = CHART_NINES, .lines = lines };
	bool icount = row_icount(views->res, rows->row[0]);
	size_t i;

	if (!lines)
		return;
	for (i = 0; i < rows->nr; i++)
		if (curve(rows->row[i]) && make_line(view, rows->row[i], &lines[chart.nr]))
			chart.nr++;
	chart.x_name = icount ? "instructions, at most" : "time, at most";
	chart.x_unit = FIGURE_NS;
	chart.icount = icount;
	chart_lines(to, &chart);
	fputs("<table class=\"legend\"><thead><tr><th>share within</th><td>50 %</td><td>99 %</td>"
	      "<td>99.9 %</td><td>all</td></tr></thead>\n", to);
	for (i = 0; i < rows->nr; i++)
		if (curve(rows->row[i]))
			legend(to, view, rows->row[i], icount);
	fputs("</table>\n", to);
	for (i = 0; i < chart.nr; i++) {
		free(lines[i].x);
		free(lines[i].y);
	}
	free(lines);
}

static bool any_curve(const struct rows *rows)
{
	size_t i;

	for (i = 0; i < rows->nr; i++)
		if (curve(rows->row[i]))
			return true;
	return false;
}

static void one_kind(FILE *to, const struct views *views, const struct view *view,
		     const char *title)
{
	struct groups groups;
	char text[512];
	size_t i;

	fprintf(to, "<h3>%s <small>further left is better; each step up is a tenth of what was "
		"left</small></h3>\n<div class=\"panels\">\n", title);
	if (groups_make(&groups, &view->rows, &view->naming))
		for (i = 0; i < groups.nr; i++) {
			const struct rows *rows = &groups.group[i];

			if (!any_curve(rows))
				continue;
			fputs("<figure class=\"panel latency\"><figcaption>", to);
			html_text(to, fields_text(&view->naming, rows->row[0], false, text,
						  sizeof(text)));
			fputs("</figcaption>\n", to);
			panel(to, views, view, rows);
			fputs("</figure>\n", to);
		}
	groups_free(&groups);
	fputs("</div>\n", to);
}

/* Nothing of a test that did not look at it. */
void latency_write(FILE *to, const struct views *views, const struct view *view)
{
	size_t i;

	for (i = 0; i < NR(kinds); i++) {
		kind = kinds[i].name;
		if (any_curve(&view->rows))
			one_kind(to, views, view, kinds[i].title);
	}
}
