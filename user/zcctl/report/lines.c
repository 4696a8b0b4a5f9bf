// SPDX-License-Identifier: GPL-2.0-only
/* Lines over an axis of logarithms, as SVG. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chart.h"
#include "html.h"

#define WIDTH		440.0
#define HEIGHT		270.0
#define LEFT		52.0
#define TOP		10.0
#define BOTTOM		42.0
#define LABEL_ROOM	98.0	/* right of the lines, for their names */
#define LABEL_STEP	13.0
#define TICKS_MAX	8
#define NINES_MAX	7.0

/* A whole of shares that nobody is missing from is as far as what can be told apart. */
#define NINES_END	0.0000001

/* A tick at the end of an axis is on it, whatever rounding has done. */
#define NEAR		0.000000001

/**
 * struct area - where lines are drawn, and what that means
 * @x:  of the plot, from and to
 * @lx: logarithms there
 * @ly: logarithms, or nines, at the bottom and at the top
 * @right: where the plot ends
 */
struct area {
	const struct chart_lines *chart;
	double lx[2];
	double ly[2];
	double right;
};

static double scaled_y(const struct chart_lines *chart, double y)
{
	if (chart->scale == CHART_LOG)
		return log10(y);
	return fmin(NINES_MAX, -log10(fmax(1 - y, NINES_END)));
}

static bool drawable(const struct chart_lines *chart, double x, double y)
{
	return x > 0 && isfinite(x) && isfinite(y) && (chart->scale == CHART_NINES || y > 0);
}

static void widen(double *range, double least)
{
	double more = (least - (range[1] - range[0])) / 2;

	if (more > 0) {
		range[0] -= more;
		range[1] += more;
	}
}

/* Returns false if there is nothing to draw. */
static bool measure(struct area *area)
{
	const struct chart_lines *chart = area->chart;
	double x[2] = { DBL_MAX, -DBL_MAX }, y[2] = { DBL_MAX, -DBL_MAX };
	size_t i, k;

	for (i = 0; i < chart->nr; i++)
		for (k = 0; k < chart->lines[i].nr; k++) {
			const struct chart_line *line = &chart->lines[i];

			if (!drawable(chart, line->x[k], line->y[k]))
				continue;
			x[0] = fmin(x[0], log10(line->x[k]));
			x[1] = fmax(x[1], log10(line->x[k]));
			y[0] = fmin(y[0], scaled_y(chart, line->y[k]));
			y[1] = fmax(y[1], scaled_y(chart, line->y[k]));
		}
	if (x[0] > x[1])
		return false;
	if (chart->scale == CHART_NINES)
		y[0] = 0;
	widen(x, 0.3);
	widen(y, 0.5);
	/* Nothing lies on the edge. */
	y[1] += (y[1] - y[0]) / 25;
	if (chart->scale == CHART_LOG)
		y[0] -= (y[1] - y[0]) / 25;
	memcpy(area->lx, x, sizeof(x));
	memcpy(area->ly, y, sizeof(y));
	area->right = WIDTH - (chart->scale == CHART_NINES ? 14 : LABEL_ROOM);
	return true;
}

static double at_x(const struct area *area, double lx)
{
	return LEFT + (lx - area->lx[0]) / (area->lx[1] - area->lx[0]) * (area->right - LEFT);
}

static double at_y(const struct area *area, double ly)
{
	double part = (ly - area->ly[0]) / (area->ly[1] - area->ly[0]);

	return HEIGHT - BOTTOM - part * (HEIGHT - BOTTOM - TOP);
}

/* "20.0 k" is "20 k" on an axis. */
static const char *tick_text(enum figure_unit unit, double val, bool icount, char *buf)
{
	char *point, *end;

	figure_text(unit, val, icount, buf);
	point = strchr(buf, '.');
	if (!point)
		return buf;
	end = point + 1 + strspn(point + 1, "0123456789");
	while (end[-1] == '0' || end[-1] == '.') {
		bool whole = end[-1] == '.';

		memmove(end - 1, end, strlen(end) + 1);
		end--;
		if (whole)
			break;
	}
	return buf;
}

static void x_tick(FILE *to, const struct area *area, double val)
{
	double x = at_x(area, log10(val));
	char text[FIGURE_TEXT];

	fprintf(to, "<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/>", x, TOP, HEIGHT - BOTTOM);
	fprintf(to, "<text class=\"tick\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">", x,
		HEIGHT - BOTTOM + 15);
	html_text(to, tick_text(area->chart->x_unit, val, area->chart->icount, text));
	fputs("</text>\n", to);
}

static void y_tick(FILE *to, const struct area *area, double ly, const char *text)
{
	double y = at_y(area, ly);

	fprintf(to, "<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/>", LEFT, y, area->right);
	fprintf(to, "<text class=\"tick\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">", LEFT - 6,
		y + 3.5);
	html_text(to, text);
	fputs("</text>\n", to);
}

/*
 * The values that are to have a tick, of an axis from @low to @high: powers of a base, by as
 * many at once as it takes, and 2 and 5 between them where there are few. Returns how many.
 */
static size_t ticks(double low, double high, double base, double *vals)
{
	static const double between[] = { 1, 2, 5 };
	double step = log10(base), first, from, val;
	size_t nr = 0, i, of = base == 10 && high - low < 2.4 ? 3 : 1;
	int by = 1;

	while ((high - low) / (step * by) > TICKS_MAX - 3)
		by++;
	from = floor(low / step / by) * by;
	for (first = from; first * step <= high + NEAR; first += by)
		for (i = 0; i < of; i++) {
			val = pow(base, first) * between[i];
			if (log10(val) >= low - NEAR && log10(val) <= high + NEAR &&
			    nr < TICKS_MAX)
				vals[nr++] = val;
		}
	return nr;
}

/* Where powers are too far apart: 1, 2 or 5 of something, as on an axis without logarithms. */
static size_t even_ticks(double low, double high, double *vals)
{
	double from = pow(10, low), to = pow(10, high), step, val;
	size_t nr = 0;

	step = pow(10, floor(log10((to - from) / 4)));
	if ((to - from) / step > 14)
		step *= 5;
	else if ((to - from) / step > 6)
		step *= 2;
	for (val = ceil(from / step) * step; val <= to && nr < TICKS_MAX; val += step)
		vals[nr++] = val;
	return nr;
}

static void axes(FILE *to, const struct area *area)
{
	const struct chart_lines *chart = area->chart;
	static const char *const nines[] = { "0 %", "90 %", "99 %", "99.9 %", "99.99 %",
		"99.999 %", "99.9999 %", "99.99999 %" };
	double vals[TICKS_MAX];
	char text[FIGURE_TEXT];
	size_t i, nr;

	nr = ticks(area->lx[0], area->lx[1], chart->x_unit == FIGURE_BYTES ? 2 : 10, vals);
	for (i = 0; i < nr; i++)
		x_tick(to, area, vals[i]);
	if (chart->scale == CHART_NINES) {
		y_tick(to, area, -log10(0.5), "50 %");
		for (i = 0; i < sizeof(nines) / sizeof(*nines) && i <= area->ly[1]; i++)
			y_tick(to, area, i, nines[i]);
	} else {
		nr = ticks(area->ly[0], area->ly[1], 10, vals);
		if (area->ly[1] - area->ly[0] < 0.7)
			nr = even_ticks(area->ly[0], area->ly[1], vals);
		for (i = 0; i < nr; i++)
			y_tick(to, area, log10(vals[i]),
			       tick_text(chart->y_unit, vals[i], chart->icount, text));
	}
	fprintf(to, "<text class=\"name\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">",
		(LEFT + area->right) / 2, HEIGHT - 8);
	html_text(to, chart->x_name);
	fputs("</text>\n", to);
}

static void point(FILE *to, const struct area *area, const struct chart_line *line, size_t k)
{
	const struct chart_lines *chart = area->chart;
	char x[FIGURE_TEXT], y[FIGURE_TEXT];

	fprintf(to, "<circle class=\"point\" cx=\"%.1f\" cy=\"%.1f\" r=\"%s\"><title>",
		at_x(area, log10(line->x[k])), at_y(area, scaled_y(chart, line->y[k])),
		chart->scale == CHART_NINES ? "2" : "3");
	html_text(to, line->label);
	if (chart->scale == CHART_NINES)
		snprintf(y, sizeof(y), "%.6g %%", 100 * line->y[k]);
	else
		figure_exact(chart->y_unit, line->y[k], chart->icount, y);
	figure_exact(chart->x_unit, line->x[k], chart->icount, x);
	fputs(chart->scale == CHART_NINES ? "\n" : ", ", to);
	html_text(to, chart->scale == CHART_NINES ? y : x);
	fputs(chart->scale == CHART_NINES ? " took at most " : "\n", to);
	html_text(to, chart->scale == CHART_NINES ? x : y);
	fputs("</title></circle>", to);
}

static void draw(FILE *to, const struct area *area, const struct chart_line *line)
{
	char move = 'M';
	size_t k;

	fprintf(to, "<g class=\"line c%u d%u\"><path class=\"stroke\" d=\"",
		line->colour % CHART_COLOURS, line->colour / CHART_COLOURS % 3);
	for (k = 0; k < line->nr; k++) {
		if (!drawable(area->chart, line->x[k], line->y[k]))
			continue;
		fprintf(to, "%c%.1f %.1f", move, at_x(area, log10(line->x[k])),
			at_y(area, scaled_y(area->chart, line->y[k])));
		move = 'L';
	}
	fputs("\"/>", to);
	for (k = 0; k < line->nr; k++)
		if (drawable(area->chart, line->x[k], line->y[k]))
			point(to, area, line, k);
	fputs("</g>\n", to);
}

/* Where the name of a line goes: at its end, or a little above or below. */
struct place {
	const struct chart_line *line;
	double y;
	double to;
};

static int by_y(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return x->y < y->y ? -1 : x->y > y->y;
}

static void push_apart(struct place *places, size_t nr)
{
	double bottom = HEIGHT - BOTTOM;
	size_t i;

	qsort(places, nr, sizeof(*places), by_y);
	for (i = 0; i < nr; i++) {
		places[i].to = places[i].y;
		if (i && places[i].to < places[i - 1].to + LABEL_STEP)
			places[i].to = places[i - 1].to + LABEL_STEP;
	}
	for (i = nr; i--; bottom = places[i].to - LABEL_STEP)
		if (places[i].to > bottom)
			places[i].to = bottom;
}

static void names(FILE *to, const struct area *area)
{
	const struct chart_lines *chart = area->chart;
	struct place *places = calloc(chart->nr + 1, sizeof(*places));
	size_t i, k, nr = 0;

	for (i = 0; i < chart->nr && places; i++) {
		const struct chart_line *line = &chart->lines[i];

		for (k = line->nr; k--;)
			if (drawable(chart, line->x[k], line->y[k]))
				break;
		if (k == (size_t)-1)
			continue;
		places[nr++] = (struct place){
			line, at_y(area, scaled_y(chart, line->y[k])), 0 };
	}
	if (nr)
		push_apart(places, nr);
	for (i = 0; i < nr; i++) {
		fprintf(to, "<path class=\"lead\" d=\"M%.1f %.1fL%.1f %.1f\"/>", area->right + 2,
			places[i].y, area->right + 8, places[i].to);
		fprintf(to, "<text class=\"series c%u\" x=\"%.1f\" y=\"%.1f\">",
			places[i].line->colour % CHART_COLOURS, area->right + 10,
			places[i].to + 4);
		html_text(to, places[i].line->label);
		fputs("</text>\n", to);
	}
	free(places);
}

/* The colour of a line, for a legend. */
void chart_swatch(FILE *to, unsigned int colour)
{
	fprintf(to, "<svg class=\"swatch line c%u d%u\" viewBox=\"0 0 22 8\" aria-hidden=\"true\">"
		"<path class=\"stroke\" d=\"M1 4H21\"/></svg>",
		colour % CHART_COLOURS, colour / CHART_COLOURS % 3);
}

/**
 * chart_lines - lines over an axis of logarithms
 * @to:    file
 * @chart: what they show. Their names are at their ends; shares, whose lines all end at the
 *         top, need a legend
 */
void chart_lines(FILE *to, const struct chart_lines *chart)
{
	struct area area = { .chart = chart };
	size_t i;

	if (!measure(&area))
		return;
	fprintf(to, "<svg class=\"chart lines\" viewBox=\"0 0 %.0f %.0f\"", WIDTH, HEIGHT);
	fputs(" role=\"img\" aria-label=\"", to);
	html_text(to, chart->title);
	fputs("\">\n", to);
	axes(to, &area);
	for (i = 0; i < chart->nr; i++)
		draw(to, &area, &chart->lines[i]);
	if (chart->scale == CHART_LOG)
		names(to, &area);
	fputs("</svg>\n", to);
}
