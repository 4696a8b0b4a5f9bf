/* SPDX-License-Identifier: GPL-2.0-only */
/* What a report shows: tests, rows that belong together, and who costs less. */
#ifndef _ZCCTL_VIEW_H
#define _ZCCTL_VIEW_H

#include "figure.h"
#include "results.h"

#define VIEW_FIGURES	6

/**
 * struct rows - some rows
 * @nr:  how many
 * @row: each
 */
struct rows {
	size_t nr;
	struct json_object **row;
};

/**
 * struct groups - rows by what they have alike
 * @nr:    groups
 * @group: each, none of them empty
 */
struct groups {
	size_t nr;
	struct rows *group;
};

/**
 * struct view - a test
 * @name:    as in the rows
 * @title:   for people
 * @note:    what was done, or NULL
 * @base:    paths to measure zc by, the best first
 * @aside:   paths that do more or less than the others: zc's best is none of them, and loses
 *           to none
 * @yardstick: one of them, which the module's are measured by, or NULL: @base
 * @charts:  of the figures, so many are drawn
 * @nr:      figures
 * @figures: what counts: the less the better, unless they say so
 * @naming:  fields that have to be said to name a row, beside test and path
 * @rows:    all
 */
struct view {
	const char *name;
	const char *title;
	const char *note;
	const char *base[4];
	const char *aside[6];
	const char *yardstick;
	unsigned int charts;
	unsigned int nr;
	struct figure figures[VIEW_FIGURES];
	struct fields naming;
	struct rows rows;
};

/**
 * struct views - all tests
 * @res:  what was read
 * @nr:   tests
 * @view: each
 */
struct views {
	const struct results *res;
	size_t nr;
	struct view *view;
};

bool views_init(struct views *views, const struct results *res);
void views_free(struct views *views);

/* view.c: rows that have these fields alike; false where there is no memory */
bool groups_make(struct groups *groups, const struct rows *rows, const struct fields *by);
void groups_free(struct groups *groups);
bool rows_have(const struct rows *rows, const struct figure *fig);
const char *rows_icount(const struct views *views, const struct rows *rows, bool *icount);
const char *fields_text(const struct fields *fields, struct json_object *row, bool icount,
			char *buf, size_t size);

/* loss.c: where others cost less */

#define LOSS_SLIGHT	0.02

/**
 * struct loss - a row that costs less than the cheapest way of zc
 * @row:    of another path
 * @zc:     that way's row
 * @fig:    in which
 * @of:     the row's part of that
 * @within: the runs of the two overlap
 * @noisy:  they do, or one of the two is noisy
 * @slight: they do, and the two are within LOSS_SLIGHT: not counted as lost
 */
struct loss {
	struct json_object *row;
	struct json_object *zc;
	const struct figure *fig;
	double of;
	bool within;
	bool noisy;
	bool slight;
};

bool figure_range(const struct figure *fig, struct json_object *row, double *low, double *high);
bool rows_noisy(const struct figure *fig, struct json_object *a, struct json_object *b);
bool row_aside(const struct view *view, struct json_object *row);
struct json_object *best_row(const struct view *view, const struct rows *rows,
			     const struct figure *fig, bool zc);
bool loss_of(const struct view *view, const struct figure *fig, struct json_object *row,
	     struct loss *loss);
bool row_loses(const struct view *view, struct json_object *row);

#endif /* _ZCCTL_VIEW_H */
