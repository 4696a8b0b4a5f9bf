// SPDX-License-Identifier: GPL-2.0-only
/* zcctl stats: what the module has counted, in sum or by the second. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "prometheus.h"
#include "stats.h"
#include "stop.h"

#define SECOND		1000000000ull

static const char stats_help[] =
"usage: zcctl stats [--interval SECONDS [--count N] | --prometheus [-o FILE]]\n"
"\n"
"Show what the module has counted since it was loaded: buffers made and refused, leaks told\n"
"of, transfers, bytes sent and copied and why, mappings for devices, events lost. All users\n"
"may ask.\n"
"\n"
"  --interval S  a line every S seconds instead: what came by the second since the last;\n"
"                bytes of the module's memory, and buffers, as they are then\n"
"  --count N     end after N lines\n"
"  --prometheus  metrics of this, and of memory, in the text format of Prometheus\n"
"  -o FILE       put them into FILE, in one go, for the textfile collector of node_exporter;\n"
"                a module that is not loaded is no error then, but zc_up 0\n"
"\n"
"examples:\n"
"  zcctl stats\n"
"  zcctl -j stats --interval 10 --count 6\n"
"  zcctl stats --prometheus -o /var/lib/prometheus/node-exporter/zc.prom\n";

/* What a line for people has. */
static const struct column {
	int attr;
	const char *head;
} columns[] = {
	{ ZC_A_STATS_SENT_BYTES, "sent/s" },
	{ ZC_A_STATS_COPIED_BYTES, "copied/s" },
	{ ZC_A_STATS_CACHED_BYTES, "cached/s" },
	{ ZC_A_STATS_TRANSFERS_DONE, "done/s" },
	{ ZC_A_STATS_TRANSFERS_FAILED, "failed/s" },
	{ ZC_A_STATS_TRANSFERS_CANCELED, "canceled/s" },
	{ ZC_A_STATS_BUFFERS_MADE, "made/s" },
	{ ZC_A_STATS_BUFFERS_FREED, "freed/s" },
};

#define NR_COLUMNS	(sizeof(columns) / sizeof(*columns))
/* The headings are shown again after as many lines. */
#define PAGE		20

/**
 * struct load - what the module has at the time
 * @bytes:     its memory
 * @buffers:   buffers
 * @transfers: transfers
 */
struct load {
	uint64_t bytes;
	uint64_t buffers;
	uint64_t transfers;
};

/**
 * stats_rate - how many came by the second
 * @old: the counts before
 * @new: the counts now
 * @row: which of them
 */
double stats_rate(const struct stats *old, const struct stats *new, size_t row)
{
	double s = (new->at_ns - old->at_ns) / 1e9;
	/* A module that was loaded anew counts from 0 on. */
	uint64_t base = old->val[row] <= new->val[row] ? old->val[row] : 0;

	return s > 0 ? (new->val[row] - base) / s : 0;
}

/**
 * stats_rate_of - the same, by attribute
 * @old:  the counts before
 * @new:  the counts now
 * @attr: ZC_A_STATS_*
 */
double stats_rate_of(const struct stats *old, const struct stats *new, int attr)
{
	size_t i;

	for (i = 0; i < nr_stat_rows; i++)
		if (stat_rows[i].attr == attr)
			return stats_rate(old, new, i);
	return 0;
}

static void totals_text(const struct stats *stats)
{
	const char *group = "";
	char a[32];
	size_t i;

	for (i = 0; i < nr_stat_rows; i++) {
		const struct stat_row *row = &stat_rows[i];

		printf("%-12s%-26s", strcmp(group, row->group) ? row->group : "", row->label);
		group = row->group;
		if (!stats->has[i])
			puts("           -");
		else if (row->bytes)
			printf("%12s\n", out_bytes(stats->val[i], a, sizeof(a)));
		else
			printf("%12llu\n", (unsigned long long)stats->val[i]);
	}
}

/* All there is to say of a moment. */
static struct json_object *moment_json(const struct stats *stats)
{
	struct json_object *obj = out_new("stats"), *counts = json_object_new_object();
	struct timespec now;
	char text[64];

	clock_gettime(CLOCK_REALTIME, &now);
	out_add_str(obj, "time", time_utc(&now, text, sizeof(text)));
	stats_add(stats, counts);
	json_object_object_add(obj, "counts", counts);
	return obj;
}

static void interval_json(const struct stats *old, const struct stats *new,
			  const struct load *load)
{
	struct json_object *obj = moment_json(new), *rates = json_object_new_object();
	size_t i;

	out_add_u64(obj, "interval_ns", new->at_ns - old->at_ns);
	for (i = 0; i < nr_stat_rows; i++)
		if (new->has[i])
			out_add_double(rates, stat_rows[i].name, stats_rate(old, new, i));
		else
			json_object_object_add(rates, stat_rows[i].name, NULL);
	json_object_object_add(obj, "rates", rates);
	out_add_u64(obj, "used_bytes", load->bytes);
	out_add_u64(obj, "buffers", load->buffers);
	out_add_u64(obj, "transfers", load->transfers);
	out_object(obj);
}

static void head_text(void)
{
	size_t i;

	printf("time                         ");
	for (i = 0; i < NR_COLUMNS; i++)
		printf(" %10s", columns[i].head);
	printf(" %10s %8s\n", "memory", "buffers");
}

static bool in_bytes(int attr)
{
	size_t i;

	for (i = 0; i < nr_stat_rows; i++)
		if (stat_rows[i].attr == attr)
			return stat_rows[i].bytes;
	return false;
}

static void interval_text(const struct stats *old, const struct stats *new,
			  const struct load *load)
{
	struct timespec now;
	char text[64];
	size_t i;

	clock_gettime(CLOCK_REALTIME, &now);
	printf("%s", time_local(&now, text, sizeof(text)));
	for (i = 0; i < NR_COLUMNS; i++) {
		double rate = stats_rate_of(old, new, columns[i].attr);

		if (in_bytes(columns[i].attr))
			printf(" %10s", out_bytes(rate, text, sizeof(text)));
		else
			printf(" %10.1f", rate);
	}
	printf(" %10s %8llu\n", out_bytes(load->bytes, text, sizeof(text)),
	       (unsigned long long)load->buffers);
}

static void take_load(const struct zcnl_reply *reply, void *arg)
{
	struct load *load = arg;

	load->bytes = reply_num(reply, ZC_A_MODULE_USED_BYTES);
	load->buffers = reply_num(reply, ZC_A_MODULE_BUFFERS);
	load->transfers = reply_num(reply, ZC_A_MODULE_TRANSFERS);
}

/* One line. Returns an exit code. */
static int interval(struct zcnl *nl, struct stats *old, unsigned int line)
{
	struct load load = { };
	struct stats new;
	int ret = stats_read(nl, &new), err;

	if (ret)
		return ret;
	err = zcnl_do(nl, zcnl_new(nl, ZC_CMD_MODULE_GET), take_load, &load);
	if (err)
		return zcnl_error(nl, err, NULL, "cannot query the module");
	if (out_json) {
		interval_json(old, &new, &load);
	} else {
		if (line % PAGE == 0)
			head_text();
		interval_text(old, &new, &load);
	}
	*old = new;
	return EX_OK;
}

/* Line after line. Returns an exit code. */
static int intervals(struct zcnl *nl, int seconds, int count)
{
	struct stats old;
	uint64_t next = now_ns();
	unsigned int line;
	int ret = stats_read(nl, &old);

	stop_watch();
	for (line = 0; !ret && (!count || line < (unsigned int)count); line++) {
		next += seconds * SECOND;
		if (!stop_sleep(next))
			break;
		ret = interval(nl, &old, line);
		if (!out_flush())
			break;
	}
	return ret;
}

/* Returns an exit code. */
static int totals(struct zcnl *nl)
{
	struct stats stats;
	int ret = stats_read(nl, &stats);

	if (ret)
		return ret;
	if (out_json)
		out_object(moment_json(&stats));
	else
		totals_text(&stats);
	return EX_OK;
}

static int run(int seconds, int count)
{
	struct zcnl *nl;
	int ret = zcnl_open(&nl);

	if (ret)
		return ret;
	ret = seconds ? intervals(nl, seconds, count) : totals(nl);
	zcnl_close(nl);
	return ret;
}

int cmd_stats(int argc, char **argv)
{
	static const struct option options[] = {
		{ "interval", required_argument, NULL, 'i' },
		{ "count", required_argument, NULL, 'c' },
		{ "prometheus", no_argument, NULL, 'p' },
		{ "output", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ },
	};
	int c, seconds = 0, count = 0;
	const char *output = NULL;
	bool prometheus = false;

	while ((c = getopt_long(argc, argv, ":ho:", options, NULL)) != -1) {
		switch (c) {
		case 'i':
			if (!parse_int(optarg, 1, 86400, &seconds))
				return out_usage("stats: --interval 1 to 86400 seconds");
			break;
		case 'c':
			if (!parse_int(optarg, 1, INT32_MAX, &count))
				return out_usage("stats: '%s' is no number of lines", optarg);
			break;
		case 'p':
			prometheus = true;
			break;
		case 'o':
			output = optarg;
			break;
		case 'h':
			fputs(stats_help, stdout);
			return EX_OK;
		case ':':
			return out_no_value("stats", argv);
		default:
			return out_bad_option("stats", argv);
		}
	}
	if (optind < argc)
		return out_usage("stats: no arguments, please");
	if (count && !seconds)
		return out_usage("stats: --count goes with --interval");
	if (output && !prometheus)
		return out_usage("stats: -o goes with --prometheus");
	if (prometheus && (seconds || out_json))
		return out_usage("stats: --prometheus goes with neither --interval nor --json");
	if (prometheus)
		return prom_stats(output);
	return run(seconds, count);
}
