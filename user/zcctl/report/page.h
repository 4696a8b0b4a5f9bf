/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts of the page. */
#ifndef _ZCCTL_PAGE_H
#define _ZCCTL_PAGE_H

#include <stdio.h>

#include "view.h"

void page_write(FILE *to, const struct views *views);

/* Each prints a part of it. */
void summary_write(FILE *to, const struct views *views);
void machine_write(FILE *to, const struct results *res);
void machine_line(FILE *to, const struct results *res);
void charts_write(FILE *to, const struct views *views, const struct view *view);
void latency_write(FILE *to, const struct views *views, const struct view *view);
void table_write(FILE *to, const struct views *views, const struct view *view);

/* Which of the colours a path has. */
unsigned int path_colour(const struct view *view, const char *path);
/* "instructions for a GiB" */
const char *figure_words(const struct figure *fig, bool icount, char *buf);

/* Made of page.css and page.js by the Makefile, with what a browser is told to accept. */
extern const char page_css[], page_css_hash[], page_js[], page_js_hash[];

#endif /* _ZCCTL_PAGE_H */
