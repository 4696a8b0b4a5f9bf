// SPDX-License-Identifier: GPL-2.0-only
/* In words: what zc costs beside others, and where it loses. */
#include <stdlib.h>
#include <string.h>

#include "html.h"
#include "page.h"

#define NR(array)	(sizeof(array) / sizeof(*(array)))

/**
 * struct tally - the module's best beside another way, in all cases of a test and a cache
 * @nr:    cases
 * @least: ratio
 * @most:  ratio
 * @zc:    the row of the module that is best, where there is one case
 * @base:  the other's row
 * @zc_path: the only path that is best, or NULL
 * @base_path: the only path beside it, or NULL
 * @noisy: in so many of the cases the runs leave it in doubt
 */
struct tally {
	size_t nr;
	double least;
	double most;
	struct json_object *zc;
	struct json_object *base;
	const char *zc_path;
	const char *base_path;
	size_t noisy;
};

static const char *ratio_text(double val, char *buf)
{
	/* Just below 1 is not 1; little has two digits, too. */
	if (val >= 0.0001 && val < 0.0995)
		snprintf(buf, FIGURE_TEXT, "%.2g", val);
	else
		snprintf(buf, FIGURE_TEXT, val != 1 && val > 0.995 && val < 1.005 ? "%.3f" :
			 val < 9.95 ? "%.2f" : "%.0f", val);
	return buf;
}

/* What to measure by: what the test says, or the best of the others. */
static struct json_object *base_row(const struct view *view, const struct rows *rows,
				    const struct figure *fig)
{
	double val;
	size_t i, k;

	for (k = 0; k < sizeof(view->base) / sizeof(*view->base) && view->base[k]; k++)
		for (i = 0; i < rows->nr; i++)
			if (!strcmp(row_str(rows->row[i], "path"), view->base[k]) &&
			    row_measured(rows->row[i]) && figure_value(fig, rows->row[i], &val))
				return rows->row[i];
	return best_row(view, rows, fig, false);
}

static struct json_object *row_of(const struct rows *rows, const char *path)
{
	size_t i;

	for (i = 0; i < rows->nr; i++)
		if (!strcmp(row_str(rows->row[i], "path"), path) && row_measured(rows->row[i]))
			return rows->row[i];
	return NULL;
}

/* Of the way of zc that is @aside, or, without one, of the best that does what others do. */
static void add_case(struct tally *tally, const struct view *view, const struct rows *rows,
		     const struct figure *fig, const char *aside)
{
	struct json_object *zc = aside ? row_of(rows, aside) : best_row(view, rows, fig, true);
	struct json_object *base = aside && view->yardstick ? row_of(rows, view->yardstick) :
				   base_row(view, rows, fig);
	double own, of;

	if (!zc || !base || !figure_value(fig, zc, &own) || !figure_value(fig, base, &of) ||
	    of <= 0)
		return;
	if (!tally->nr) {
		tally->least = own / of;
		tally->most = own / of;
		tally->zc_path = row_str(zc, "path");
		tally->base_path = row_str(base, "path");
	}
	tally->nr++;
	tally->noisy += rows_noisy(fig, zc, base);
	tally->least = own / of < tally->least ? own / of : tally->least;
	tally->most = own / of > tally->most ? own / of : tally->most;
	tally->zc = zc;
	tally->base = base;
	if (tally->zc_path && strcmp(tally->zc_path, row_str(zc, "path")))
		tally->zc_path = NULL;
	if (tally->base_path && strcmp(tally->base_path, row_str(base, "path")))
		tally->base_path = NULL;
}

static void way(FILE *to, const char *path, const char *otherwise)
{
	if (path)
		fputs("<code>", to);
	html_text(to, path ?: otherwise);
	if (path)
		fputs("</code>", to);
}

/* "cold: zc-direct costs 0.07 of sendfile (186 M against 2.54 G instructions for a GiB)" */
static void say(FILE *to, const struct views *views, const struct view *view,
		const struct rows *rows, const struct fields *by, const struct tally *tally)
{
	const struct figure *fig = &view->figures[0];
	char text[512], low[FIGURE_TEXT], high[FIGURE_TEXT], words[FIGURE_TEXT];
	double own, of;
	bool icount;

	rows_icount(views, rows, &icount);
	fputs("<li><a href=\"#t", to);
	fprintf(to, "%zu\">", (size_t)(view - views->view));
	html_text(to, view->title);
	fputs("</a>", to);
	fields_text(by, rows->row[0], icount, text, sizeof(text));
	if (*text) {
		fputs(", ", to);
		html_text(to, text);
	}
	fputs(": ", to);
	way(to, tally->zc_path, "the best way of zc");
	fprintf(to, " %s <b>%s", fig->more ? "gives" : "costs", ratio_text(tally->least, low));
	if (strcmp(low, ratio_text(tally->most, high)))
		fprintf(to, " to %s", high);
	fputs("</b> of ", to);
	way(to, tally->base_path, "the best other way");
	if (tally->nr == 1 && figure_value(fig, tally->zc, &own) &&
	    figure_value(fig, tally->base, &of))
		fprintf(to, " (%s against %s %s)", figure_text(fig->unit, own, icount, low),
			figure_text(fig->unit, of, icount, high), figure_words(fig, icount, words));
	if (tally->noisy && tally->noisy < tally->nr)
		fprintf(to, " (%zu of %zu cases noisy)", tally->noisy, tally->nr);
	else if (tally->noisy)
		fputs(" (noisy)", to);
	fputs("</li>\n", to);
}

static void summarize_cases(FILE *to, const struct views *views, const struct view *view,
			    const struct rows *rows, const struct fields *by, const char *aside)
{
	struct tally tally = { .nr = 0 };
	struct groups parts;
	size_t i;

	if (groups_make(&parts, rows, &view->naming))
		for (i = 0; i < parts.nr; i++)
			add_case(&tally, view, &parts.group[i], &view->figures[0], aside);
	groups_free(&parts);
	if (tally.nr)
		say(to, views, view, rows, by, &tally);
}

/* The best way of zc; then those, each for itself, that do other work. */
static void summarize(FILE *to, const struct views *views, const struct view *view)
{
	struct fields by = { .nr = 0 };
	struct groups groups;
	size_t i, k;

	if (fields_have(&view->naming, "cache"))
		fields_add(&by, "cache");
	if (fields_have(&view->naming, "kernel"))
		fields_add(&by, "kernel");
	if (groups_make(&groups, &view->rows, &by))
		for (i = 0; i < groups.nr; i++) {
			const struct rows *rows = &groups.group[i];

			summarize_cases(to, views, view, rows, &by, NULL);
			for (k = 0; k < NR(view->aside) && view->aside[k]; k++)
				if (!strncmp(view->aside[k], "zc", 2))
					summarize_cases(to, views, view, rows, &by, view->aside[k]);
		}
	groups_free(&groups);
}

/* Each row in which another way costs less; @slight: how many do so by next to nothing. */
static size_t losses(FILE *to, const struct views *views, const struct view *view, bool print,
		     size_t *slight)
{
	char text[512], ratio[FIGURE_TEXT], words[FIGURE_TEXT];
	struct loss loss;
	unsigned int k;
	size_t i, nr = 0;

	for (i = 0; i < view->rows.nr; i++)
		for (k = 0; k < view->nr; k++) {
			bool icount = row_icount(views->res, view->rows.row[i]);

			if (!loss_of(view, &view->figures[k], view->rows.row[i], &loss))
				continue;
			*slight += loss.slight;
			nr += !loss.slight;
			if (!print || loss.slight)
				continue;
			fputs("<li>", to);
			html_text(to, view->title);
			fields_text(&view->naming, loss.row, icount, text, sizeof(text));
			fputs(*text ? ", " : "", to);
			html_text(to, text);
			fputs(": ", to);
			way(to, row_str(loss.row, "path"), "");
			fprintf(to, " %s <b>%s</b> of ", loss.fig->more ? "gives" : "needs",
				ratio_text(loss.of, ratio));
			way(to, row_str(loss.zc, "path"), "");
			fputs(", ", to);
			html_text(to, figure_words(loss.fig, icount, words));
			fputs(loss.within ? " (noisy: their runs overlap)</li>\n" :
			      loss.noisy ? " (noisy)</li>\n" : "</li>\n", to);
		}
	return nr;
}

/**
 * struct count - of all rows
 * @rows:    all
 * @missing: not measured
 * @noisy:   said to be
 * @zc:      of the module, measured
 * @zc_missing: of the module, not measured
 */
struct count {
	size_t rows;
	size_t missing;
	size_t noisy;
	size_t zc;
	size_t zc_missing;
};

static void count_rows(const struct results *res, struct count *count)
{
	size_t i;

	*count = (struct count){ .rows = results_nr(res) };
	for (i = 0; i < count->rows; i++) {
		struct json_object *row = results_row(res, i);
		bool measured = row_measured(row);

		count->missing += !measured;
		count->noisy += row_bool(row, "noisy");
		count->zc += measured && row_zc(row);
		count->zc_missing += !measured && row_zc(row);
	}
}

/* Why rows are missing, each reason once; there are few. */
static void reasons(FILE *to, const struct results *res)
{
	const char *seen[8];
	size_t nr = 0, i, k;

	for (i = 0; i < results_nr(res) && nr < sizeof(seen) / sizeof(*seen); i++) {
		struct json_object *row = results_row(res, i);

		if (row_measured(row))
			continue;
		for (k = 0; k < nr && strcmp(seen[k], row_str(row, "error")); k++)
			;
		if (k < nr)
			continue;
		seen[nr++] = row_str(row, "error");
		fputs(nr > 1 ? "; " : ": ", to);
		html_text(to, seen[nr - 1]);
	}
}

static void remarks(FILE *to, const struct results *res)
{
	struct count count;

	count_rows(res, &count);
	if (!count.zc)
		fputs("<p class=\"warn\"><b>zc was not measured</b>, so nothing here says what it "
		      "costs.</p>\n", to);
	if (count.missing) {
		fprintf(to, "<p class=\"warn\">%zu of %zu rows were not measured", count.missing,
			count.rows);
		reasons(to, res);
		fputs(".</p>\n", to);
	}
	if (count.noisy)
		fprintf(to, "<p class=\"warn\">%zu of %zu rows are noisy: their runs spread more "
			"than was allowed.</p>\n", count.noisy, count.rows);
}

static void slightly(FILE *to, size_t nr, const char *more)
{
	if (nr)
		fprintf(to, "<p>%zu%s within what the runs scatter: by %.0f %% at most, and "
			"their runs overlap.</p>\n", nr, more, 100 * LOSS_SLIGHT);
}

static void lost(FILE *to, const struct views *views)
{
	size_t i, nr = 0, slight = 0;

	for (i = 0; i < views->nr; i++)
		nr += losses(to, views, &views->view[i], false, &slight);
	if (!nr) {
		fputs("<p><b>zc loses nowhere</b>: no other way needs less than the best way of zc "
		      "in the same case.</p>\n", to);
		slightly(to, slight, "");
		return;
	}
	fprintf(to, "<h3 class=\"lost\">zc loses here <small>%zu time%s: another way needs less "
		"than the best way of zc in the same case</small></h3>\n<ul class=\"lost\">\n", nr,
		nr > 1 ? "s" : "");
	for (i = 0; i < views->nr; i++)
		losses(to, views, &views->view[i], true, &(size_t){ 0 });
	fputs("</ul>\n", to);
	slightly(to, slight, " more");
}

void summary_write(FILE *to, const struct views *views)
{
	struct count count;
	size_t i;

	count_rows(views->res, &count);
	fputs("<section id=\"summary\"><h2>In short</h2>\n", to);
	remarks(to, views->res);
	if (count.zc) {
		fputs("<ul class=\"short\">\n", to);
		for (i = 0; i < views->nr; i++)
			if (views->view[i].nr)
				summarize(to, views, &views->view[i]);
		fputs("</ul>\n", to);
		lost(to, views);
	}
	fputs("</section>\n", to);
}
