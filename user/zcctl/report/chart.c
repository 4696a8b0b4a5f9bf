// SPDX-License-Identifier: GPL-2.0-only
/* Bars, as SVG: sizes in it are in units of its own, which the page makes wider or narrower. */
#include <math.h>
#include <string.h>

#include "chart.h"
#include "html.h"

#define WIDTH		440.0
#define BAR_STEP	24.0
#define BAR_HEIGHT	15.0
#define CHARACTER	6.5	/* about, at the size of labels */
#define LABEL_MAX	26	/* characters */
#define TEXT_ROOM	112.0
#define GAP		6.0

/* Characters, not bytes */
static size_t length(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += (*text & 0xc0) != 0x80;
	return n;
}

static double label_room(const struct chart_bars *chart)
{
	size_t i, most = chart->room;

	for (i = 0; i < chart->nr; i++)
		if (length(chart->bars[i].label) > most)
			most = length(chart->bars[i].label);
	return (most > LABEL_MAX ? LABEL_MAX : most) * CHARACTER + GAP;
}

/* What is too long for its place ends with "…"; the tip has all of it. */
static void label(FILE *to, const char *text)
{
	size_t n = length(text) > LABEL_MAX ? LABEL_MAX - 1 : LABEL_MAX, i = 0;
	char part[4 * LABEL_MAX + 1];
	size_t at = 0;

	for (; *text && at + 1 < sizeof(part); text++) {
		if ((*text & 0xc0) != 0x80 && i++ == n)
			break;
		part[at++] = *text;
	}
	part[at] = '\0';
	html_text(to, part);
	if (*text)
		fputs("…", to);
}

/* From the least to the most of the runs. */
static void whisker(FILE *to, const struct chart_bar *bar, double x, double scale, double y)
{
	if (!(bar->high > bar->low))
		return;
	fprintf(to, "<path class=\"whisker\" d=\"M%.1f %.1fH%.1fM%.1f %.1fv6M%.1f %.1fv6\"/>",
		x + bar->low * scale, y, x + bar->high * scale, x + bar->low * scale, y - 3,
		x + bar->high * scale, y - 3);
}

static void rectangle(FILE *to, const char *class, double x, double y, double width,
		      double height)
{
	fprintf(to, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.2f\" height=\"%.0f\"/>",
		class, x, y, width, height);
}

static void one_bar(FILE *to, const struct chart_bar *bar, double x, double scale, double top)
{
	static const char *const kinds[] = { "zc", "other", "beats", "missing" };
	double middle = top + BAR_STEP / 2, width = bar->value * scale, end;

	fprintf(to, "<g class=\"bar %s\" tabindex=\"0\"><title>", kinds[bar->kind]);
	html_text(to, bar->tip);
	/* All of its row can be pointed at. */
	fputs("</title>", to);
	rectangle(to, "row", 0, top, WIDTH, BAR_STEP);
	fprintf(to, "<text class=\"label\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">", x - GAP,
		middle + 4);
	label(to, bar->label);
	fputs("</text>", to);
	if (bar->kind == CHART_MISSING) {
		end = x;
	} else {
		rectangle(to, "fill", x, middle - BAR_HEIGHT / 2, fmax(width, 0.75), BAR_HEIGHT);
		whisker(to, bar, x, scale, middle);
		end = x + fmax(width, bar->high * scale);
	}
	fprintf(to, "<text class=\"value\" x=\"%.1f\" y=\"%.1f\">", end + GAP, middle + 4);
	html_text(to, bar->text);
	fputs("</text></g>\n", to);
}

/**
 * chart_bars - bars one below the other
 * @to:    file
 * @chart: what they show
 */
void chart_bars(FILE *to, const struct chart_bars *chart)
{
	double x = label_room(chart), room = WIDTH - x - TEXT_ROOM;
	double scale = chart->most > 0 ? room / chart->most : 0;
	double height = chart->nr * BAR_STEP;
	size_t i;

	fprintf(to, "<svg class=\"chart bars\" viewBox=\"0 0 %.0f %.0f\"", WIDTH, height + 4);
	fputs(" role=\"img\" aria-label=\"", to);
	html_text(to, chart->title);
	fputs("\">\n", to);
	for (i = 0; i < chart->nr; i++)
		one_bar(to, &chart->bars[i], x, scale, 2 + i * BAR_STEP);
	fprintf(to, "<path class=\"axis\" d=\"M%.1f 0V%.1f\"/></svg>\n", x, height + 4);
}
