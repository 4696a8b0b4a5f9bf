// SPDX-License-Identifier: GPL-2.0-only
/* The page: one file, that asks nobody for anything. */
#include <string.h>

#include "html.h"
#include "page.h"

/*
 * What is not ours is told to the browser by its hash alone: even if something of the reports
 * were taken for a script, or a style, none would run.
 */
static void page_head(FILE *to)
{
	fprintf(to,
		"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		"style-src '%s'; script-src '%s'; img-src data:; base-uri 'none'; "
		"form-action 'none'\">\n"
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		"<meta name=\"color-scheme\" content=\"light dark\">\n"
		"<meta name=\"generator\" content=\"zcctl " ZC_VERSION "\">\n"
		"<link rel=\"icon\" href=\"data:,\">\n"
		"<title>zcctl report</title>\n<style>%s</style>\n</head>\n<body>\n",
		page_css_hash, page_js_hash, page_css);
}

static void title(FILE *to, const struct views *views)
{
	size_t i;

	fputs("<header><h1>zc beside the usual ways</h1>\n<p class=\"sub\">", to);
	machine_line(to, views->res);
	fputs("</p>\n<nav><a href=\"#machine\">Measured on</a>", to);
	for (i = 0; i < views->nr; i++) {
		fprintf(to, " <a href=\"#t%zu\">", i);
		html_text(to, views->view[i].title);
		fputs("</a>", to);
	}
	fputs(" <a href=\"#rows\">All rows</a></nav></header>\n<main>\n", to);
}

static void key(FILE *to)
{
	fputs("<ul class=\"key\" aria-label=\"what the colours of bars mean\">"
	      "<li class=\"zc\">zc</li><li class=\"other\">other ways, and how many times "
	      "the best way of zc</li><li class=\"beats\">another way that needs less than "
	      "zc</li><li class=\"span\">from the least to the most of the runs</li></ul>\n", to);
}

static void test(FILE *to, const struct views *views, const struct view *view)
{
	fprintf(to, "<section id=\"t%zu\"><h2>", (size_t)(view - views->view));
	html_text(to, view->title);
	fputs(" <small>", to);
	html_text(to, view->name);
	fputs("</small></h2>\n", to);
	if (view->note) {
		fputs("<p>", to);
		html_text(to, view->note);
		fputs("</p>\n", to);
	}
	charts_write(to, views, view);
	latency_write(to, views, view);
	fputs("</section>\n", to);
}

static void download(FILE *to, const struct results *res)
{
	struct json_object *all = results_json(res);
	const char *text;
	size_t len;

	text = json_object_to_json_string_length(all, JSON_C_TO_STRING_PLAIN |
						 JSON_C_TO_STRING_NOSLASHESCAPE, &len);
	fputs("<p class=\"download\"><a download=\"zc-bench.json\" "
	      "href=\"data:application/json;base64,", to);
	html_base64(to, text, len);
	fprintf(to, "\">All of it as JSON</a> (%zu KiB), for <code>zcctl bench compare</code> and "
		"others.</p>\n", (len + 1023) / 1024);
	json_object_put(all);
}

void page_write(FILE *to, const struct views *views)
{
	size_t i;

	page_head(to);
	title(to, views);
	summary_write(to, views);
	machine_write(to, views->res);
	key(to);
	for (i = 0; i < views->nr; i++)
		test(to, views, &views->view[i]);
	fputs("<section id=\"rows\"><h2>All rows</h2>\n", to);
	for (i = 0; i < views->nr; i++)
		table_write(to, views, &views->view[i]);
	download(to, views->res);
	fprintf(to, "</section>\n</main>\n<footer>zcctl " ZC_VERSION "</footer>\n"
		"<script>%s</script>\n</body>\n</html>\n", page_js);
}
