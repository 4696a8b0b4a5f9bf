// SPDX-License-Identifier: GPL-2.0-only
/* All rows of a test, with all that they have. */
#include <string.h>

#include "html.h"
#include "page.h"

#define COLUMNS_MAX	40

/**
 * struct column - a field, or one of an object in a row
 * @parent: that object, or NULL
 * @name:   field
 */
struct column {
	const char *parent;
	const char *name;
};

struct columns {
	unsigned int nr;
	struct column column[COLUMNS_MAX];
};

/* Shown elsewhere, or beside the path */
static const char *const skipped[] = { "test", "path", "samples", "environment", "noisy", "error",
	"cdf" };

static bool skip(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(skipped) / sizeof(*skipped); i++)
		if (!strcmp(skipped[i], name))
			return true;
	return false;
}

static void add_column(struct columns *cols, const char *parent, const char *name)
{
	unsigned int i;

	for (i = 0; i < cols->nr; i++)
		if (!strcmp(cols->column[i].name, name) &&
		    !strcmp(cols->column[i].parent ?: "", parent ?: ""))
			return;
	if (cols->nr < COLUMNS_MAX)
		cols->column[cols->nr++] = (struct column){ parent, name };
}

static void field_columns(struct columns *cols, const char *name, struct json_object *val)
{
	if (!json_object_is_type(val, json_type_object) || !strcmp(name, "target")) {
		add_column(cols, NULL, name);
		return;
	}
	/* What is deeper is in the JSON alone. */
	json_object_object_foreach(val, part, inner)
		if (inner && !skip(part) && !json_object_is_type(inner, json_type_object) &&
		    !json_object_is_type(inner, json_type_array))
			add_column(cols, name, part);
}

/* What is unknown in all rows has no column. */
static void find_columns(struct columns *cols, const struct rows *rows)
{
	size_t i;

	cols->nr = 0;
	for (i = 0; i < rows->nr; i++) {
		json_object_object_foreach(rows->row[i], name, val)
			if (!skip(name) && val)
				field_columns(cols, name, val);
	}
}

static void head(FILE *to, const struct columns *cols)
{
	char text[FIGURE_TEXT];
	unsigned int i;

	fputs("<thead><tr><th>path</th>", to);
	for (i = 0; i < cols->nr; i++) {
		const struct column *col = &cols->column[i];

		fputs("<th title=\"", to);
		html_text(to, col->name);
		fputs("\">", to);
		if (col->parent && strcmp(col->parent, "latency")) {
			html_text(to, col->parent);
			fputs(" ", to);
		}
		html_text(to, field_title(col->name, text));
		fputs("</th>", to);
	}
	fputs("</tr></thead>\n", to);
}

static void cell(FILE *to, struct json_object *obj, const char *name, bool icount)
{
	char text[FIGURE_TEXT];
	struct figure fig;
	double val;

	figure_named(&fig, name);
	if (row_num(obj, name, &val)) {
		fputs("<td class=\"number\" title=\"", to);
		html_text(to, figure_exact(fig.unit, val, icount, text));
		fputs("\">", to);
	} else {
		fputs("<td>", to);
	}
	html_text(to, row_has(obj, name) ? field_text(name, obj, icount, text) : "–");
	fputs("</td>", to);
}

static void path_cell(FILE *to, const struct view *view, struct json_object *row)
{
	bool loses = row_loses(view, row);

	fprintf(to, "<tr class=\"%s\"><th scope=\"row\">",
		!row_measured(row) ? "missing" : loses ? "beats" : row_zc(row) ? "zc" : "other");
	html_text(to, row_str(row, "path"));
	if (loses)
		fputs(" <mark>zc loses</mark>", to);
	if (row_bool(row, "noisy"))
		fputs(" <i>noisy</i>", to);
	fputs("</th>", to);
}

static void one_row(FILE *to, const struct views *views, const struct view *view,
		    const struct columns *cols, struct json_object *row)
{
	bool icount = row_icount(views->res, row);
	struct json_object *obj;
	unsigned int i, left = cols->nr;

	path_cell(to, view, row);
	for (i = 0; i < cols->nr; i++) {
		obj = row;
		if (cols->column[i].parent)
			obj = json_object_object_get(row, cols->column[i].parent);
		/* What tells it apart is there; of the rest nothing is. */
		if (!row_measured(row) && !row_has(obj, cols->column[i].name))
			break;
		cell(to, obj, cols->column[i].name, icount);
		left--;
	}
	if (!row_measured(row)) {
		fprintf(to, "<td class=\"why\" colspan=\"%u\">not measured: ", left ?: 1);
		html_text(to, row_str(row, "error"));
		fputs("</td>", to);
	}
	fputs("</tr>\n", to);
}

void table_write(FILE *to, const struct views *views, const struct view *view)
{
	struct columns cols;
	size_t i;

	find_columns(&cols, &view->rows);
	fputs("<h3>", to);
	html_text(to, view->title);
	fprintf(to, " <small>%zu row%s</small></h3>\n", view->rows.nr,
		view->rows.nr == 1 ? "" : "s");
	fputs("<div class=\"scroll\" tabindex=\"0\"><table class=\"rows\">\n", to);
	head(to, &cols);
	fputs("<tbody>\n", to);
	for (i = 0; i < view->rows.nr; i++)
		one_row(to, views, view, &cols, view->rows.row[i]);
	fputs("</tbody></table></div>\n", to);
}
