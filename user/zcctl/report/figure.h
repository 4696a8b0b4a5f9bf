/* SPDX-License-Identifier: GPL-2.0-only */
/* Figures of rows: what they are called, and how people read them. */
#ifndef _ZCCTL_FIGURE_H
#define _ZCCTL_FIGURE_H

#include "results.h"

enum figure_unit {
	FIGURE_NS,		/* or instructions, by icount */
	FIGURE_BYTES,
	FIGURE_COUNT,
	FIGURE_SHARE,
	FIGURE_PER_S,
};

/**
 * struct figure - something that rows have, or that follows from what they have
 * @name:  of the field, or of what figure_value() makes
 * @title: for people
 * @unit:  of it
 * @more:  the more the better
 */
struct figure {
	const char *name;
	const char *title;
	enum figure_unit unit;
	bool more;
};

#define FIGURE_TEXT	64

void figure_named(struct figure *fig, const char *name);
bool figure_value(const struct figure *fig, struct json_object *row, double *val);
const char *figure_text(enum figure_unit unit, double val, bool icount, char *buf);
const char *figure_exact(enum figure_unit unit, double val, bool icount, char *buf);
const char *figure_unit_name(const struct figure *fig, bool icount);
const char *field_text(const char *name, struct json_object *row, bool icount, char *buf);
const char *field_title(const char *name, char *buf);
bool row_icount(const struct results *res, struct json_object *row);
const char *count_text(double val, char *buf);

#endif /* _ZCCTL_FIGURE_H */
