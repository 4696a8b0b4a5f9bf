// SPDX-License-Identifier: GPL-2.0-only
/* zcctl report: a page of what zcctl bench has measured. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "../textfile.h"
#include "page.h"

static const char report_help[] =
"usage: zcctl report RESULTS… [-o FILE]\n"
"\n"
"Make one page of HTML of reports of 'zcctl --json bench …': on what machine they were made,\n"
"what zc costs beside the usual ways, and where it loses, in words and charts, how long each\n"
"took, and all rows. The page has all that it needs in it, and no address of anything: it\n"
"can be kept, sent, printed, and looked at without a network.\n"
"\n"
"RESULTS are files, with one report or several, one after the other; folders, of which all\n"
"*.json are read; or - for standard input. A page has 2000 rows at most.\n"
"\n"
"  -o, --output FILE  the page (default report.html); -: standard output\n"
"\n"
"example:\n"
"  zcctl -j bench io FILE >io.json\n"
"  zcctl -j bench alloc >alloc.json\n"
"  zcctl report io.json alloc.json -o report.html\n";

/* Nobody reads more; and each row is looked for among all that it could lose to. */
#define PAGE_ROWS	2000u

static int write_page(const struct views *views, const char *path)
{
	struct textfile file;
	int ret;

	if (!strcmp(path, "-")) {
		page_write(stdout, views);
		if (fflush(stdout) || ferror(stdout))
			return out_error(EX_FAILED, errno, NULL, "cannot write the page");
		return EX_OK;
	}
	ret = textfile_open(&file, path);
	if (ret)
		return ret;
	page_write(file.to, views);
	return textfile_close(&file);
}

static void say(const struct results *res, const char *path)
{
	struct json_object *obj;

	if (!strcmp(path, "-"))
		return;
	if (!out_json) {
		printf("%s: %zu rows\n", path, results_nr(res));
		return;
	}
	obj = out_new("report");
	out_add_str(obj, "file", path);
	out_add_u64(obj, "rows", results_nr(res));
	out_object(obj);
}

static int make(struct results *res, char **names, const char *path)
{
	struct views views;
	int ret = EX_OK;

	while (*names && !ret)
		ret = results_add(res, *names++);
	if (ret)
		return ret;
	if (!results_nr(res))
		return out_error(EX_FAILED, 0, NULL, "there are no rows to make a page of");
	if (results_nr(res) > PAGE_ROWS)
		return out_error(EX_FAILED, 0, "make pages of some of the reports each",
				 "there are %zu rows, and a page has %u at most",
				 results_nr(res), PAGE_ROWS);
	if (views_init(&views, res))
		ret = write_page(&views, path);
	else
		ret = out_error(EX_FAILED, ENOMEM, NULL, "report");
	views_free(&views);
	if (!ret)
		say(res, path);
	return ret;
}

int cmd_report(int argc, char **argv)
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ },
	};
	const char *path = "report.html";
	struct results res;
	int c, ret;

	while ((c = getopt_long(argc, argv, ":ho:", options, NULL)) != -1) {
		switch (c) {
		case 'o':
			path = optarg;
			break;
		case 'h':
			fputs(report_help, stdout);
			return EX_OK;
		case ':':
			return out_no_value("report", argv);
		default:
			return out_bad_option("report", argv);
		}
	}
	if (argc == optind)
		return out_usage("report: of which results? 'zcctl --json bench …' makes some");
	results_init(&res);
	ret = make(&res, argv + optind, path);
	results_free(&res);
	return ret;
}
