// SPDX-License-Identifier: GPL-2.0-only
/* zcctl bench io: what sending a file costs, by zc and by the usual ways. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

#define WARM_UP_SIZE	(32ull << 20)

static const char io_help[] =
"usage: zcctl bench io FILE [OPTION…]\n"
"\n"
"Send the first bytes of a file or block device over TCP on the loopback, by zc and\n"
"by the usual ways, and show what each costs: CPU time of sender and receiver\n"
"together (user and system), bytes copied by the CPU on the sending side, system\n"
"calls of the sender, and growth of the page cache. The receiver throws the bytes\n"
"away. Each path runs in a process of its own, once to warm up, then in turn with\n"
"the others; the median is shown, and the spread. \"of zc\": times the cost of the\n"
"cheapest way of zc, with the cache alike; paths cheaper than zc are marked.\n"
"\n"
"  --size N      bytes to send (default 256M, or what the file has; K, M, G, T)\n"
"  --per-call N  sendfile and zc: at most N bytes by one call (default: all)\n"
"  --paths A,B   some paths only (default: all)\n"
"  --cache S     cold, hot or both (default both): what is in the page cache\n"
"                before each run\n"
BENCH_METHOD_HELP
"\n"
"paths: rw-4k rw-32k rw-1m mmap-write sendfile odirect-write\n"
"       odirect-msg_zerocopy io_uring-zc zc-direct zc-cached zc-auto zc-buffer\n"
"\n"
"examples:\n"
"  zcctl bench io /var/tmp/big --cache cold\n"
"  zcctl bench io /dev/nvme0n1 --size 1G --paths sendfile,zc-direct --json\n";

/**
 * struct row - a line of the report
 * @path:  path
 * @cache: page cache before each run
 * @runs:  what those counted cost
 * @last:  the last result; its error is the row's
 */
struct row {
	const struct bench_path *path;
	enum bench_cache cache;
	struct bench_runs runs;
	struct bench_result last;
};

/**
 * struct bench - a benchmark
 * @file:   source
 * @size:   bytes
 * @per_call: most bytes by one call of sendfile or zc, or 0
 * @paths:  names, comma-separated, or NULL for all
 * @cold:   measure with the file not cached
 * @hot:    measure with the file cached
 * @rows:   the report
 * @nr:     rows
 */
struct bench {
	const char *file;
	uint64_t size;
	uint64_t per_call;
	const char *paths;
	bool cold;
	bool hot;
	struct row *rows;
	unsigned int nr;
};

static void add_row(struct bench *b, const struct bench_path *path,
		    enum bench_cache cache)
{
	b->rows[b->nr++] = (struct row){ .path = path, .cache = cache };
}

static int bad_paths(const char *list)
{
	char names[256] = "";
	unsigned int i;

	for (i = 0; i < bench_nr_paths; i++) {
		size_t len = strlen(names);

		snprintf(names + len, sizeof(names) - len, " %s", bench_paths[i].name);
	}
	return out_usage("bench io: a path in '%s' is not known; there are:%s", list,
			 names);
}

static int add_rows(struct bench *b)
{
	unsigned int i, found = 0;

	b->rows = calloc(2 * bench_nr_paths, sizeof(*b->rows));
	if (!b->rows)
		return out_error(EX_FAILED, ENOMEM, NULL, "bench");
	for (i = 0; i < bench_nr_paths; i++) {
		if (!bench_listed(b->paths, bench_paths[i].name))
			continue;
		found++;
		if (bench_paths[i].memory) {
			add_row(b, &bench_paths[i], BENCH_NONE);
			continue;
		}
		if (b->cold)
			add_row(b, &bench_paths[i], BENCH_COLD);
		if (b->hot)
			add_row(b, &bench_paths[i], BENCH_HOT);
	}
	if (b->paths && found != bench_list_length(b->paths))
		return bad_paths(b->paths);
	return EX_OK;
}

/* All paths in turn, so that a drift of the machine hits all alike. */
static void measure(struct bench *b)
{
	uint64_t warm = b->size < WARM_UP_SIZE ? b->size : WARM_UP_SIZE;
	unsigned int i, total = (bench_method.repeat + 1) * b->nr;
	int round;

	for (round = 0; round <= bench_method.repeat; round++) {
		for (i = 0; i < b->nr; i++) {
			struct row *row = &b->rows[i];

			out_progress(row->path->name, round * b->nr + i, total);
			if (row->last.err)
				continue;
			bench_run_once(row->path, b->file,
				       round ? b->size : warm, b->per_call,
				       row->cache, &row->last);
			if (round && !row->last.err)
				bench_runs_add(&row->runs, row->last.cpu_ns);
		}
	}
	out_progress_end();
}

/* What a row says that was not measured. */
static const char *why_not(const struct row *row)
{
	int err = -row->last.err;

	if (row->path->zc && (err == ENOENT || err == ENODEV || err == ENXIO))
		return "the module is not loaded";
	return strerror(err);
}

static struct json_object *row_json(const struct bench *b, struct row *row)
{
	struct json_object *obj = bench_row("io", row->path->name, row->cache,
					    b->size);

	if (b->per_call)
		out_add_u64(obj, "per_call", b->per_call);
	if (row->last.err) {
		out_add_str(obj, "error", why_not(row));
		return obj;
	}
	bench_row_cost(obj, &row->runs, b->size);
	out_add_u64(obj, "wall_ns", row->last.wall_ns);
	bench_row_copied(obj, row->last.copied);
	out_add_u64(obj, "syscalls", row->last.syscalls);
	json_object_object_add(obj, "page_cache_bytes",
			       json_object_new_int64(row->last.cache_bytes));
	return obj;
}

static void show_json(struct bench *b)
{
	struct json_object *rows = json_object_new_array();
	unsigned int i;

	for (i = 0; i < b->nr; i++)
		json_object_array_add(rows, row_json(b, &b->rows[i]));
	bench_rows_show(rows);
}

static uint64_t median(struct row *row)
{
	return bench_runs_median(&row->runs);
}

/* The cheapest way of zc with the cache in this state, or NULL. */
static struct row *best_zc(struct bench *b, enum bench_cache cache)
{
	struct row *best = NULL;
	unsigned int i;

	for (i = 0; i < b->nr; i++) {
		struct row *row = &b->rows[i];

		if (!row->path->zc || row->cache != cache || row->last.err)
			continue;
		if (!best || median(row) < median(best))
			best = row;
	}
	return best;
}

static void row_text(struct bench *b, struct row *row)
{
	struct row *zc = best_zc(b, row->cache);
	char copied[32], cache[32], cost[32], ratio[32] = "-";
	const struct bench_result *r = &row->last;

	printf("%-21s %-5s ", row->path->name, bench_cache_name(row->cache));
	if (r->err) {
		printf("not measured: %s\n", why_not(row));
		return;
	}
	if (bench_method.icount)
		snprintf(cost, sizeof(cost), "%.1f", bench_per_mib(median(row), b->size) / 1000);
	else
		snprintf(cost, sizeof(cost), "%.3f",
			 bench_per_mib(median(row), b->size) * 1024 / 1e9);
	if (zc && row->path->zc)
		snprintf(ratio, sizeof(ratio), "1");
	else if (zc)
		snprintf(ratio, sizeof(ratio), "%.2f%s",
			 (double)median(row) / median(zc),
			 median(row) < median(zc) ? " beats zc" : "");
	if (r->copied == BENCH_UNKNOWN)
		snprintf(copied, sizeof(copied), "unknown");
	else
		out_bytes(r->copied, copied, sizeof(copied));
	out_bytes(r->cache_bytes > 0 ? r->cache_bytes : 0, cache, sizeof(cache));
	printf("%9s ", cost);
	if (bench_method.repeat > 1)
		printf("%5.1f %% ", 100 * bench_runs_spread(&row->runs));
	printf("%9s %9llu %9s  %s%s\n", copied, (unsigned long long)r->syscalls, cache,
	       ratio, bench_noisy(bench_runs_spread(&row->runs)) ? "  noisy" : "");
}

static void show_text(struct bench *b)
{
	char size[32];
	unsigned int i;

	printf("%s of %s, TCP on the loopback, sender and receiver together\n",
	       out_bytes(b->size, size, sizeof(size)), b->file);
	printf("%-21s %-5s %9s %s%9s %9s %9s  %s\n", "path", "cache",
	       bench_method.icount ? "kinsn/MiB" : "CPU s/GiB",
	       bench_method.repeat > 1 ? " spread " : "", "copied", "syscalls", "+cache", "of zc");
	for (i = 0; i < b->nr; i++)
		row_text(b, &b->rows[i]);
	if (best_zc(b, BENCH_COLD) || best_zc(b, BENCH_HOT))
		puts("of zc: times the cost of the cheapest way of zc, with the cache alike");
}

/*
 * Rows of zc are not tried where the device cannot be opened; what can be measured
 * is, all the same. Returns an exit code if nothing can.
 */
static int check_device(struct bench *b)
{
	struct zc_context *ctx;
	bool others = false;
	unsigned int i;
	int err = zc_open(&ctx);

	zc_close(ctx);
	for (i = 0; i < b->nr; i++) {
		if (b->rows[i].path->zc)
			b->rows[i].last.err = err;
		else
			others = true;
	}
	return err && !others ? device_open(&ctx) : EX_OK;
}

/* Did all fail in the same way? */
static bool all_alike(const struct bench *b)
{
	unsigned int i;

	for (i = 0; i < b->nr; i++)
		if (!b->rows[i].last.err || b->rows[i].last.err != b->rows[0].last.err)
			return false;
	return true;
}

/* What can be measured is shown all the same. */
static int any_failed(const struct bench *b)
{
	struct zc_context *ctx;
	unsigned int i;

	for (i = 0; i < b->nr; i++)
		if (b->rows[i].path->zc && b->rows[i].last.err) {
			int ret = device_open(&ctx);

			if (ret)
				return ret;
			zc_close(ctx);
			break;
		}
	for (i = 0; i < b->nr; i++)
		if (!b->rows[i].last.err)
			return EX_OK;
	return out_error(EX_FAILED, -b->rows[0].last.err, NULL,
			 "no path could be measured");
}

static int run(struct bench *b)
{
	int fd, ret = add_rows(b);

	if (!ret)
		ret = file_open_some(b->file, &fd, &b->size);
	if (ret)
		return ret;
	ret = check_device(b);
	if (!ret)
		measure(b);
	/* Open until now: a block device that nobody has open loses its page cache. */
	close(fd);
	if (ret)
		return ret;
	if (out_json)
		show_json(b);
	else if (!all_alike(b))
		show_text(b);
	return any_failed(b);
}

static bool parse_cache(struct bench *b, const char *text)
{
	b->cold = !strcmp(text, "cold") || !strcmp(text, "both");
	b->hot = !strcmp(text, "hot") || !strcmp(text, "both");
	return b->cold || b->hot;
}

int bench_io(int argc, char **argv)
{
	static const struct option options[] = {
		{ "size", required_argument, NULL, 's' },
		{ "per-call", required_argument, NULL, 'C' },
		{ "paths", required_argument, NULL, 'P' },
		{ "cache", required_argument, NULL, 'c' },
		{ },
	};
	struct bench b = { .size = 256 << 20, .cold = true, .hot = true };
	int c, ret;

	while ((c = bench_getopt(argc, argv, options)) != -1) {
		switch (c) {
		case 's':
			if (!parse_size(optarg, &b.size) || !b.size)
				return out_usage("bench io: '%s' is no size", optarg);
			break;
		case 'C':
			if (!parse_size(optarg, &b.per_call) || !b.per_call)
				return out_usage("bench io: '%s' is no size", optarg);
			break;
		case 'P':
			b.paths = optarg;
			break;
		case 'c':
			if (!parse_cache(&b, optarg))
				return out_usage("bench io: --cache cold, hot or both");
			break;
		case 'h':
			fputs(io_help, stdout);
			return EX_OK;
		default:
			ret = bench_method_option("bench io", c, argv);
			if (ret != BENCH_OPTION_TAKEN)
				return ret;
		}
	}
	if (argc != optind + 1)
		return out_usage("bench io: one file or block device, please");
	b.file = argv[optind];
	ret = bench_method_begin() ?: run(&b);
	free(b.rows);
	return ret;
}
