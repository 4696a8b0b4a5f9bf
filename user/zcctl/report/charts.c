// SPDX-License-Identifier: GPL-2.0-only
/* The charts of a test: bars, or lines where something is measured by size or number. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chart.h"
#include "html.h"
#include "page.h"

#define LINE_VALUES	3	/* so many different ones make a line */

/* Fields to have on the axis, the best first; others after them. */
static const char *const axes[] = { "file_bytes", "concurrency", "per_call", "working_set",
	"request_bytes", "connections", "clients", "depth", "batch" };
/* These are no axis. */
static const char *const no_axes[] = { "kernel", "icount", "processors", "files", "target" };

#define NR(array)	(sizeof(array) / sizeof(*(array)))

static bool listed(const char *name, const char *const *list, size_t nr)
{
	while (nr--)
		if (!strcmp(name, list[nr]))
			return true;
	return false;
}

/* A path has a number there in all its rows, and at least so many different ones. */
static bool path_axis(const struct view *view, const char *path, const char *name)
{
	double seen[LINE_VALUES], val;
	unsigned int nr = 0, k;
	size_t i;

	for (i = 0; i < view->rows.nr; i++) {
		if (strcmp(row_str(view->rows.row[i], "path"), path))
			continue;
		if (!row_num(view->rows.row[i], name, &val) || val <= 0)
			return false;
		for (k = 0; k < nr && seen[k] != val; k++)
			;
		if (k == nr && nr < LINE_VALUES)
			seen[nr++] = val;
	}
	return nr == LINE_VALUES;
}

/* One path with a line is enough: what was not measured may have said less. */
static bool is_axis(const struct view *view, const char *name)
{
	const struct fields path = { 1, { "path" } };
	struct groups groups;
	bool found = false;
	size_t i;

	if (listed(name, no_axes, NR(no_axes)))
		return false;
	if (groups_make(&groups, &view->rows, &path))
		for (i = 0; i < groups.nr && !found; i++)
			found = path_axis(view, row_str(groups.group[i].row[0], "path"), name);
	groups_free(&groups);
	return found;
}

/* What a test is measured by; NULL: by its paths alone. */
static const char *find_axis(const struct view *view)
{
	unsigned int i;

	for (i = 0; i < NR(axes); i++)
		if (fields_have(&view->naming, axes[i]) && is_axis(view, axes[i]))
			return axes[i];
	for (i = 0; i < view->naming.nr; i++)
		if (is_axis(view, view->naming.name[i]))
			return view->naming.name[i];
	return NULL;
}

/* What is alike in a panel */
static void panel_fields(const struct views *views, const struct view *view, const char *axis,
			 struct fields *by)
{
	const struct fields *all = &view->naming;
	unsigned int i;

	by->nr = 0;
	for (i = 0; i < all->nr; i++)
		if (!axis || (strcmp(all->name[i], axis) &&
			      (!strcmp(all->name[i], "cache") ||
			       !field_follows(views->res, view->name, all->name[i], axis))))
			fields_add(by, all->name[i]);
}

/* "instructions for a GiB" rather than "CPU time for a GiB" */
const char *figure_words(const struct figure *fig, bool icount, char *buf)
{
	static const char time[] = "CPU time";

	field_title(fig->name, buf);
	if (icount && !strncmp(buf, time, strlen(time))) {
		char rest[FIGURE_TEXT];

		snprintf(rest, sizeof(rest), "%s", buf + strlen(time));
		snprintf(buf, FIGURE_TEXT, "instructions%.40s", rest);
	} else if (icount && fig->unit == FIGURE_NS) {
		size_t len = strlen(buf);

		snprintf(buf + len, FIGURE_TEXT - len, ", instructions");
	}
	return buf;
}

static void panel_begin(FILE *to, const char *title)
{
	fputs("<figure class=\"panel\">", to);
	if (*title) {
		fputs("<figcaption>", to);
		html_text(to, title);
		fputs("</figcaption>", to);
	}
	fputs("\n", to);
}

/* The best first */
static bool more_first;

static int by_value(const void *a, const void *b)
{
	const struct chart_bar *x = a, *y = b;

	bool missing = x->kind == CHART_MISSING, other = y->kind == CHART_MISSING;

	if (missing != other)
		return missing ? 1 : -1;
	return (x->value < y->value ? -1 : x->value > y->value) * (more_first ? -1 : 1);
}

/* Beside the value, how many times the cheapest way of zc that is. */
static char *bar_text(const struct figure *fig, double val, bool icount, double of)
{
	char text[FIGURE_TEXT], times[FIGURE_TEXT], *out = NULL;

	figure_text(fig->unit, val, icount, text);
	if (of <= 0 || val == of)
		return strdup(text);
	if (val / of < 9.95)
		snprintf(times, sizeof(times), "%.2f", val / of);
	else
		count_text(round(val / of), times);
	return asprintf(&out, "%s · %s×", text, times) < 0 ? NULL : out;
}

static char *bar_tip(const struct figure *fig, struct json_object *row, bool icount, double val,
		     const struct loss *loss)
{
	char text[FIGURE_TEXT], low[FIGURE_TEXT], high[FIGURE_TEXT], words[FIGURE_TEXT];
	char *out = NULL, *range = NULL;
	double from, most;
	int n;

	if (figure_range(fig, row, &from, &most) && most > from &&
	    asprintf(&range, "\nruns from %s to %s", figure_exact(fig->unit, from, icount, low),
		     figure_exact(fig->unit, most, icount, high)) < 0)
		range = NULL;
	n = asprintf(&out, "%s\n%s: %s%s%s%s", row_str(row, "path"),
		     figure_words(fig, icount, words), figure_exact(fig->unit, val, icount, text),
		     range ?: "", row_bool(row, "noisy") ? "\nnoisy" : "",
		     !loss ? "" : loss->within ? "\nzc loses here, within the scatter of the runs" :
		     "\nzc loses here");
	free(range);
	return n < 0 ? NULL : out;
}

static void make_bar(const struct views *views, const struct view *view, const struct figure *fig,
		     struct json_object *row, double of, struct chart_bar *bar)
{
	bool icount = row_icount(views->res, row);
	struct loss loss;
	double val;

	*bar = (struct chart_bar){ .label = row_str(row, "path"), .kind = CHART_MISSING };
	if (!row_measured(row) || !figure_value(fig, row, &val)) {
		if (asprintf(&bar->text, "not measured") < 0)
			bar->text = NULL;
		if (asprintf(&bar->tip, "%s\nnot measured: %s", row_str(row, "path"),
			     row_measured(row) ? "not known" : row_str(row, "error")) < 0)
			bar->tip = NULL;
		return;
	}
	bar->value = val;
	bar->low = val;
	bar->high = val;
	figure_range(fig, row, &bar->low, &bar->high);
	bar->kind = row_zc(row) ? CHART_ZC : CHART_OTHER;
	if (loss_of(view, fig, row, &loss) && !loss.slight)
		bar->kind = CHART_BEATS;
	bar->text = bar_text(fig, val, icount, row_aside(view, row) ? 0 : of);
	bar->tip = bar_tip(fig, row, icount, val, bar->kind == CHART_BEATS ? &loss : NULL);
}

/* The longest of all, so that panels can be compared; but not of other sizes. */
static double most_of(const struct rows *rows, const struct figure *fig)
{
	double val, low, high, most = 0;
	size_t i;

	for (i = 0; i < rows->nr; i++) {
		if (!row_measured(rows->row[i]) || !figure_value(fig, rows->row[i], &val))
			continue;
		most = val > most ? val : most;
		if (figure_range(fig, rows->row[i], &low, &high) && high > most)
			most = high;
	}
	return most;
}

static void bars_panel(FILE *to, const struct views *views, const struct view *view,
		       const struct figure *fig, const struct rows *rows, double most)
{
	struct chart_bar *bars = calloc(rows->nr, sizeof(*bars));
	struct chart_bars chart = { .nr = rows->nr, .bars = bars, .most = most };
	struct json_object *zc = best_row(view, rows, fig, true);
	double of = 0;
	size_t i;

	if (!bars)
		return;
	if (zc)
		figure_value(fig, zc, &of);
	for (i = 0; i < rows->nr; i++)
		make_bar(views, view, fig, rows->row[i], of, &bars[i]);
	more_first = fig->more;
	qsort(bars, rows->nr, sizeof(*bars), by_value);
	chart.title = view->title;
	for (i = 0; i < view->rows.nr; i++)
		if (strlen(row_str(view->rows.row[i], "path")) > chart.room)
			chart.room = strlen(row_str(view->rows.row[i], "path"));
	for (i = 0; i < rows->nr; i++) {
		bars[i].text = bars[i].text ?: strdup("");
		bars[i].tip = bars[i].tip ?: strdup("");
	}
	chart_bars(to, &chart);
	for (i = 0; i < rows->nr; i++) {
		free(bars[i].text);
		free(bars[i].tip);
	}
	free(bars);
}

static const struct figure *line_figure;
static const char *line_axis;

static int by_axis(const void *a, const void *b)
{
	double x = 0, y = 0;

	row_num(*(struct json_object *const *)a, line_axis, &x);
	row_num(*(struct json_object *const *)b, line_axis, &y);
	return x < y ? -1 : x > y;
}

static bool make_line(const struct view *view, const struct rows *rows, struct chart_line *line)
{
	size_t i;

	const char *path = row_str(rows->row[0], "path");

	*line = (struct chart_line){ .label = path, .colour = path_colour(view, path) };
	line->x = calloc(rows->nr, sizeof(*line->x));
	line->y = calloc(rows->nr, sizeof(*line->y));
	if (!line->x || !line->y)
		return false;
	qsort(rows->row, rows->nr, sizeof(*rows->row), by_axis);
	for (i = 0; i < rows->nr; i++) {
		if (!row_measured(rows->row[i]) ||
		    !figure_value(line_figure, rows->row[i], &line->y[line->nr]))
			continue;
		row_num(rows->row[i], line_axis, &line->x[line->nr++]);
	}
	return true;
}

/* What has no line is named below. */
static void name_missing(FILE *to, const struct rows *rows)
{
	size_t i;

	for (i = 0; i < rows->nr; i++) {
		if (row_measured(rows->row[i]))
			continue;
		fputs("<p class=\"missing\">", to);
		html_text(to, row_str(rows->row[i], "path"));
		fputs(": not measured: ", to);
		html_text(to, row_str(rows->row[i], "error"));
		fputs("</p>\n", to);
		return;
	}
}

static void lines_panel(FILE *to, const struct views *views, const struct view *view,
			const struct figure *fig, const struct rows *rows)
{
	const struct fields path = { 1, { "path" } };
	char x_name[FIGURE_TEXT];
	struct chart_lines chart = { .title = view->title, .y_unit = fig->unit };
	struct chart_line *lines = NULL;
	struct figure axis;
	struct groups groups;
	size_t i;

	figure_named(&axis, line_axis);
	line_figure = fig;
	if (groups_make(&groups, rows, &path))
		lines = calloc(groups.nr, sizeof(*lines));
	for (i = 0; lines && i < groups.nr; i++)
		if (make_line(view, &groups.group[i], &lines[i]))
			chart.nr++;
	chart.lines = lines;
	chart.x_name = field_title(line_axis, x_name);
	chart.x_unit = axis.unit;
	chart.icount = row_icount(views->res, rows->row[0]);
	chart_lines(to, &chart);
	for (i = 0; i < groups.nr; i++)
		name_missing(to, &groups.group[i]);
	for (i = 0; lines && i < groups.nr; i++) {
		free(lines[i].x);
		free(lines[i].y);
	}
	free(lines);
	groups_free(&groups);
}

static bool sizes_differ(const struct view *view)
{
	return fields_have(&view->naming, "bytes") || fields_have(&view->naming, "size") ||
	       fields_have(&view->naming, "working_set");
}

static void one_panel(FILE *to, const struct views *views, const struct view *view,
		      const struct figure *fig, const struct rows *rows, double most)
{
	if (line_axis)
		lines_panel(to, views, view, fig, rows);
	else
		bars_panel(to, views, view, fig, rows, most);
	fputs("</figure>\n", to);
}

static void figure_head(FILE *to, const struct figure *fig, bool icount)
{
	char words[FIGURE_TEXT];

	html_text(to, figure_words(fig, icount, words));
	fprintf(to, " <small>%s is better%s</small>", fig->more ? "more" : "less",
		line_axis ? "; both axes logarithmic" : "");
}

static void one_figure(FILE *to, const struct views *views, const struct view *view,
		       const struct figure *fig, const struct groups *groups,
		       const struct fields *by)
{
	double most = most_of(&view->rows, fig);
	char text[512];
	bool icount;
	size_t i;

	rows_icount(views, &view->rows, &icount);
	fputs("<h3>", to);
	figure_head(to, fig, icount);
	fputs("</h3>\n<div class=\"panels\">\n", to);
	for (i = 0; i < groups->nr; i++) {
		const struct rows *rows = &groups->group[i];

		panel_begin(to, fields_text(by, rows->row[0], icount, text, sizeof(text)));
		one_panel(to, views, view, fig, rows,
			  sizes_differ(view) ? most_of(rows, fig) : most);
	}
	fputs("</div>\n", to);
}

/* All figures side by side, where each is one chart. */
static void single_panels(FILE *to, const struct views *views, const struct view *view)
{
	unsigned int i;
	bool icount;

	rows_icount(views, &view->rows, &icount);
	fputs("<div class=\"panels\">\n", to);
	for (i = 0; i < view->charts; i++) {
		fputs("<figure class=\"panel\"><figcaption>", to);
		figure_head(to, &view->figures[i], icount);
		fputs("</figcaption>\n", to);
		one_panel(to, views, view, &view->figures[i], &view->rows,
			  most_of(&view->rows, &view->figures[i]));
	}
	fputs("</div>\n", to);
}

void charts_write(FILE *to, const struct views *views, const struct view *view)
{
	struct groups groups;
	struct fields by;
	unsigned int i;

	line_axis = find_axis(view);
	panel_fields(views, view, line_axis, &by);
	if (groups_make(&groups, &view->rows, &by)) {
		if (groups.nr == 1)
			single_panels(to, views, view);
		for (i = 0; i < view->charts && groups.nr > 1; i++)
			one_figure(to, views, view, &view->figures[i], &groups, &by);
	}
	groups_free(&groups);
}
