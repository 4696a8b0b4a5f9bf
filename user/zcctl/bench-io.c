// SPDX-License-Identifier: GPL-2.0-only
/* zcctl bench io: what sending a file costs, by zc and by the usual ways. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bench.h"

#define BENCH_SCHEMA	"zc-bench/1"
#define REPEAT_MAX	100
#define WARM_UP_SIZE	(32ull << 20)
#define MIB		(1024.0 * 1024.0)

static const char io_help[] =
"usage: zcctl bench io FILE [OPTION…]\n"
"\n"
"Send the first bytes of a file or block device over TCP on the loopback, by zc and\n"
"by the usual ways, and show what each costs: CPU time of sender and receiver\n"
"together (user and system), bytes copied by the CPU on the sending side, system\n"
"calls of the sender, and growth of the page cache. The receiver throws the bytes\n"
"away. Each path runs in a process of its own, once to warm up, then in turn with\n"
"the others; the median is shown, and the spread. Paths cheaper than zc are marked.\n"
"\n"
"  --size N      bytes to send (default 256M, or what the file has)\n"
"  --paths A,B   some paths only (default: all)\n"
"  --cache S     cold, hot or both (default both): what is in the page cache\n"
"                before each run\n"
"  --repeat N    runs counted (default 3)\n"
"  --icount      clocks count instructions (QEMU -icount shift=0): report these\n"
"\n"
"paths: rw-4k rw-32k rw-1m mmap-write sendfile odirect-write\n"
"       odirect-msg_zerocopy io_uring-zc zc-direct\n"
"\n"
"examples:\n"
"  zcctl bench io /var/tmp/big --cache cold\n"
"  zcctl bench io /dev/nvme0n1 --size 1G --paths sendfile,zc-direct --json\n";

/**
 * struct row - a line of the report
 * @path:  path
 * @cache: page cache before each run
 * @runs:  runs counted
 * @cpu:   CPU time of each, ns
 * @last:  the last result; its error is the row's
 */
struct row {
	const struct bench_path *path;
	enum bench_cache cache;
	unsigned int runs;
	uint64_t cpu[REPEAT_MAX];
	struct bench_result last;
};

/**
 * struct bench - a benchmark
 * @file:   source
 * @size:   bytes
 * @paths:  names, comma-separated, or NULL for all
 * @cold:   measure with the file not cached
 * @hot:    measure with the file cached
 * @icount: a ns is an instruction
 * @repeat: runs counted
 * @rows:   the report
 * @nr:     rows
 */
struct bench {
	const char *file;
	uint64_t size;
	const char *paths;
	bool cold;
	bool hot;
	bool icount;
	int repeat;
	struct row *rows;
	unsigned int nr;
};

static const char *const cache_names[] = { "cold", "hot", "none" };

static bool wanted(const char *list, const char *name)
{
	size_t len = strlen(name);
	const char *p = list;

	if (!list)
		return true;
	while ((p = strstr(p, name))) {
		if ((p == list || p[-1] == ',') && (!p[len] || p[len] == ','))
			return true;
		p += len;
	}
	return false;
}

static unsigned int count_names(const char *list)
{
	unsigned int nr = 1;

	for (; *list; list++)
		nr += *list == ',';
	return nr;
}

static void add_row(struct bench *b, const struct bench_path *path,
		    enum bench_cache cache)
{
	b->rows[b->nr++] = (struct row){ .path = path, .cache = cache };
}

static int add_rows(struct bench *b)
{
	unsigned int i, found = 0;

	b->rows = calloc(2 * bench_nr_paths, sizeof(*b->rows));
	if (!b->rows)
		return out_error(EX_FAILED, ENOMEM, NULL, "bench");
	for (i = 0; i < bench_nr_paths; i++) {
		if (!wanted(b->paths, bench_paths[i].name))
			continue;
		found++;
		if (b->cold)
			add_row(b, &bench_paths[i], BENCH_COLD);
		if (b->hot)
			add_row(b, &bench_paths[i], BENCH_HOT);
	}
	if (b->paths && found != count_names(b->paths))
		return out_usage("bench io: a path in '%s' is not known", b->paths);
	return EX_OK;
}

/* All paths in turn, so that a drift of the machine hits all alike. */
static void measure(struct bench *b)
{
	uint64_t warm = b->size < WARM_UP_SIZE ? b->size : WARM_UP_SIZE;
	unsigned int i, total = (b->repeat + 1) * b->nr;
	int round;

	for (round = 0; round <= b->repeat; round++) {
		for (i = 0; i < b->nr; i++) {
			struct row *row = &b->rows[i];

			out_progress(row->path->name, round * b->nr + i, total);
			if (row->last.err)
				continue;
			bench_run_once(row->path, b->file,
				       round ? b->size : warm, row->cache,
				       &row->last);
			if (round && !row->last.err)
				row->cpu[row->runs++] = row->last.cpu_ns;
		}
	}
	out_progress_end();
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static uint64_t median(struct row *row)
{
	qsort(row->cpu, row->runs, sizeof(*row->cpu), compare_u64);
	return row->cpu[row->runs / 2];
}

/* (most - least) / median, with the runs sorted by median(). */
static double spread(const struct row *row)
{
	uint64_t mid = row->cpu[row->runs / 2];

	return mid ? (double)(row->cpu[row->runs - 1] - row->cpu[0]) / mid : 0;
}

static double per_mib(const struct bench *b, uint64_t val)
{
	return val / (b->size / MIB);
}

static void kernel_name(char *buf, size_t size)
{
	struct utsname uts;
	int major = 0, minor = 0;

	if (!uname(&uts))
		sscanf(uts.release, "%d.%d", &major, &minor);
	snprintf(buf, size, "%d.%d", major, minor);
}

static struct json_object *row_json(const struct bench *b, struct row *row)
{
	struct json_object *obj = json_object_new_object();
	char kernel[32];

	kernel_name(kernel, sizeof(kernel));
	out_add_str(obj, "kernel", kernel);
	out_add_str(obj, "path", row->path->name);
	out_add_str(obj, "cache", cache_names[row->cache]);
	out_add_u64(obj, "bytes", b->size);
	if (row->last.err) {
		out_add_str(obj, "error", strerror(-row->last.err));
		return obj;
	}
	out_add_u64(obj, "cpu_ns", median(row));
	out_add_double(obj, "cpu_ns_per_mib", per_mib(b, median(row)));
	if (b->icount)
		out_add_double(obj, "kinsn_per_mib", per_mib(b, median(row)) / 1000);
	else
		out_add_str(obj, "kinsn_per_mib", NULL);
	out_add_double(obj, "spread", spread(row));
	out_add_u64(obj, "runs", row->runs);
	out_add_u64(obj, "wall_ns", row->last.wall_ns);
	if (row->last.copied == BENCH_UNKNOWN)
		out_add_str(obj, "copied_bytes", NULL);
	else
		out_add_u64(obj, "copied_bytes", row->last.copied);
	out_add_u64(obj, "syscalls", row->last.syscalls);
	json_object_object_add(obj, "page_cache_bytes",
			       json_object_new_int64(row->last.cache_bytes));
	return obj;
}

static void show_json(struct bench *b)
{
	struct json_object *obj = json_object_new_object();
	struct json_object *rows = json_object_new_array();
	unsigned int i;

	for (i = 0; i < b->nr; i++)
		json_object_array_add(rows, row_json(b, &b->rows[i]));
	out_add_str(obj, "schema", BENCH_SCHEMA);
	json_object_object_add(obj, "rows", rows);
	out_object(obj);
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

	printf("%-21s %-5s ", row->path->name, cache_names[row->cache]);
	if (r->err) {
		printf("not measured: %s\n", strerror(-r->err));
		return;
	}
	if (b->icount)
		snprintf(cost, sizeof(cost), "%.1f", per_mib(b, median(row)) / 1000);
	else
		snprintf(cost, sizeof(cost), "%.3f",
			 per_mib(b, median(row)) * 1024 / 1e9);
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
	printf("%9s %5.1f %% %9s %9llu %9s  %s\n", cost, 100 * spread(row), copied,
	       (unsigned long long)r->syscalls, cache, ratio);
}

static void show_text(struct bench *b)
{
	char size[32];
	unsigned int i;

	printf("%s of %s, TCP on the loopback, sender and receiver together\n",
	       out_bytes(b->size, size, sizeof(size)), b->file);
	printf("%-21s %-5s %9s %7s %9s %9s %9s  %s\n", "path", "cache",
	       b->icount ? "kinsn/MiB" : "CPU s/GiB", "spread", "copied",
	       "syscalls", "+cache", "of zc");
	for (i = 0; i < b->nr; i++)
		row_text(b, &b->rows[i]);
}

static int check_file(struct bench *b)
{
	int fd = open(b->file, O_RDONLY | O_CLOEXEC);
	off_t end;

	if (fd < 0)
		return out_error(errno == EACCES ? EX_PERMISSION : EX_FAILED, errno,
				 NULL, "cannot open %s", b->file);
	end = lseek(fd, 0, SEEK_END);
	close(fd);
	if (end <= 0)
		return out_error(EX_FAILED, 0, NULL, "%s is empty", b->file);
	if (b->size > (uint64_t)end)
		b->size = end;
	return EX_OK;
}

static int any_failed(const struct bench *b)
{
	unsigned int i;

	for (i = 0; i < b->nr; i++)
		if (!b->rows[i].last.err)
			return EX_OK;
	return out_error(EX_FAILED, -b->rows[0].last.err, NULL,
			 "no path could be measured");
}

static int run(struct bench *b)
{
	/* A block device loses its page cache when nobody has it open. */
	int fd, ret = check_file(b);

	if (!ret)
		ret = add_rows(b);
	if (ret)
		return ret;
	fd = open(b->file, O_RDONLY | O_CLOEXEC);
	measure(b);
	close(fd);
	if (out_json)
		show_json(b);
	else
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
		{ "paths", required_argument, NULL, 'P' },
		{ "cache", required_argument, NULL, 'c' },
		{ "repeat", required_argument, NULL, 'r' },
		{ "icount", no_argument, NULL, 'i' },
		{ "help", no_argument, NULL, 'h' },
		{ },
	};
	struct bench b = { .size = 256 << 20, .cold = true, .hot = true,
			   .repeat = 3 };
	int c, ret;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 's':
			if (!parse_size(optarg, &b.size) || !b.size)
				return out_usage("bench io: '%s' is no size", optarg);
			break;
		case 'P':
			b.paths = optarg;
			break;
		case 'c':
			if (!parse_cache(&b, optarg))
				return out_usage("bench io: --cache cold, hot or both");
			break;
		case 'r':
			if (!parse_int(optarg, 1, REPEAT_MAX, &b.repeat))
				return out_usage("bench io: --repeat 1 to %d", REPEAT_MAX);
			break;
		case 'i':
			b.icount = true;
			break;
		case 'h':
			fputs(io_help, stdout);
			return EX_OK;
		default:
			return out_usage("bench io: bad option");
		}
	}
	if (argc != optind + 1)
		return out_usage("bench io: one file or block device, please");
	b.file = argv[optind];
	ret = run(&b);
	free(b.rows);
	return ret;
}
