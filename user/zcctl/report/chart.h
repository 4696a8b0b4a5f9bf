/* SPDX-License-Identifier: GPL-2.0-only */
/* Charts, as SVG. What they show is decided elsewhere. */
#ifndef _ZCCTL_CHART_H
#define _ZCCTL_CHART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "figure.h"

#define CHART_COLOURS	8

/* How a bar looks: of the module, of others, of others that cost less, of nothing. */
enum chart_kind { CHART_ZC, CHART_OTHER, CHART_BEATS, CHART_MISSING };

/**
 * struct chart_bar - a bar
 * @label: to its left
 * @kind:  how it looks
 * @value: its length; of CHART_MISSING none
 * @low:   least of the runs
 * @high:  most of the runs; @low if there is no more than one
 * @text:  to its right
 * @tip:   all about it
 */
struct chart_bar {
	const char *label;
	enum chart_kind kind;
	double value;
	double low;
	double high;
	char *text;
	char *tip;
};

/**
 * struct chart_bars - bars one below the other
 * @title: for who cannot see them
 * @most:  the length of the whole width
 * @room:  characters that the longest label has, here or in other charts beside it
 * @nr:    bars
 * @bars:  each
 */
struct chart_bars {
	const char *title;
	double most;
	size_t room;
	size_t nr;
	const struct chart_bar *bars;
};

void chart_bars(FILE *to, const struct chart_bars *chart);

/**
 * struct chart_line - a line
 * @label:  its name
 * @colour: from 0 up
 * @nr:     points
 * @x:      where they are
 * @y:      where they are
 */
struct chart_line {
	const char *label;
	unsigned int colour;
	size_t nr;
	double *x;
	double *y;
};

/* Of y: the value by its logarithm, or a share of all by how little is missing to all. */
enum chart_scale { CHART_LOG, CHART_NINES };

/**
 * struct chart_lines - lines over an axis of logarithms
 * @title:  for who cannot see them
 * @x_name: below the axis
 * @x_unit: of its ticks
 * @y_unit: of the ticks of the other, if these are no shares
 * @icount: a ns is an instruction
 * @scale:  of y
 * @nr:     lines
 * @lines:  each
 */
struct chart_lines {
	const char *title;
	const char *x_name;
	enum figure_unit x_unit;
	enum figure_unit y_unit;
	bool icount;
	enum chart_scale scale;
	size_t nr;
	const struct chart_line *lines;
};

void chart_lines(FILE *to, const struct chart_lines *chart);
void chart_swatch(FILE *to, unsigned int colour);

#endif /* _ZCCTL_CHART_H */
