// SPDX-License-Identifier: GPL-2.0-only
/* zcctl bench alloc: what it costs to get memory and to give it back. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "hugetlb.h"

static const char alloc_help[] =
"usage: zcctl bench alloc [OPTION…]\n"
"\n"
"Get memory and give it back, again and again, in one process or in several at once,\n"
"each on a processor of its own as far as there are some:\n"
"\n"
"  ioctl      a system call that does nothing: an ioctl that /dev/zc does not know\n"
"  zc         make a buffer and destroy it\n"
"  zc-cache   some buffers at once, which the processor's cache has for this file\n"
"  zc-list    the same, out of the node's reserve of cleared hugepages; up to 1 MiB a\n"
"             part of a hugepage, of which the file has another part\n"
"  zc-kernel  the same, out of the kernel's page allocator, which has to clear them\n"
"  zc-map     a buffer made, mapped, touched, unmapped and destroyed\n"
"  hugetlb    mmap(MAP_HUGETLB | MAP_POPULATE) and munmap()\n"
"  thp        mmap() with MADV_HUGEPAGE, each 4 KiB touched, and munmap()\n"
"  small      the same with MADV_NOHUGEPAGE\n"
"  malloc     malloc(), each 4 KiB touched, and free()\n"
"\n"
"zc-cache, zc-list and zc-kernel count where their buffers came from, and say so if it was\n"
"elsewhere. Buffers of up to 1 MiB are parts of a hugepage.\n"
"\n"
"  --size A,B       bytes (default 2M)\n"
"  --count N        times in a run (default 1000; tenfold for ioctl)\n"
"  --processes A,B  at once (default 1,2)\n"
"  --paths A,B      of these (default all)\n"
BENCH_METHOD_HELP
"\n"
"zc-list wants hugepages in the reserve (zcctl pool), zc-kernel none, hugetlb some in the\n"
"kernel's pool: --tune sees to that meanwhile.\n"
"\n"
"examples:\n"
"  zcctl bench alloc --size 64M --count 100 --processes 1\n"
"  sudo zcctl bench alloc --tune --size 4K,64K,2M,64M --processes 1,2,4\n";

/**
 * struct row - a way, a size, and so many processes
 * @job:     what each process does
 * @err:     0, or why it was not measured
 * @missed:  why it was not what it should be, or NULL; its own
 * @cost:    CPU time of one, of each run
 * @get:     of a tier, the part of it that getting took
 * @wall:    time of one, of all processes
 * @last:    what was told of the last run
 * @late:    see alloc_tier_run(), of all runs
 * @latency: of all runs
 */
struct row {
	struct alloc_job job;
	int err;
	char *missed;
	struct bench_runs cost;
	struct bench_runs get;
	struct bench_runs wall;
	struct alloc_told last;
	uint64_t late;
	struct bench_latency latency;
};

struct bench {
	struct bench_list sizes;
	int count;
	struct bench_list processes;
	const char *paths;
	unsigned int nr;
	struct row *rows;
};

static void take_run(struct row *row, const struct alloc_told *all)
{
	const char *missed = alloc_tier_missed(&row->job, all);

	row->last = *all;
	row->late += all->late;
	if (missed && !row->missed)
		row->missed = strdup(missed);
	bench_runs_add(&row->cost, all->cpu / all->times);
	bench_runs_add(&row->get, all->get / all->times);
	bench_runs_add(&row->wall, all->wall / all->times);
}

static void measure(struct bench *b)
{
	unsigned int round, i;

	for (round = 0; round < (unsigned int)bench_method.repeat; round++)
		for (i = 0; i < b->nr; i++) {
			struct row *row = &b->rows[i];
			struct alloc_told all = {};

			out_progress("measuring", round * b->nr + i, bench_method.repeat * b->nr);
			row->err = row->err ?: alloc_tier_tune(&row->job);
			row->err = row->err ?: alloc_run(&row->job, &row->latency, &all);
			if (!row->err)
				take_run(row, &all);
		}
	out_progress_end();
}

static struct row *find(struct bench *b, const char *name, const struct row *like,
			unsigned int processes)
{
	unsigned int i;

	for (i = 0; i < b->nr; i++) {
		struct row *row = &b->rows[i];

		if (!strcmp(row->job.way->name, name) && !row->err &&
		    row->job.size == like->job.size && row->job.processes == processes)
			return row;
	}
	return NULL;
}

/* Of two medians, or 0 */
static double times_as_much(struct bench_runs *runs, struct bench_runs *base)
{
	uint64_t of = bench_runs_median(base);

	return of ? (double)bench_runs_median(runs) / of : 0;
}

/* How much more than one process do all get done? 0: that is not known. */
static double scaling(struct bench *b, struct row *row)
{
	struct row *alone = find(b, row->job.way->name, row, 1);

	return alone ? times_as_much(&alone->wall, &row->wall) : 0;
}

/* What was not measured says why, and what mends it. */
static const char *why_not(const struct row *row)
{
	const struct alloc_way *way = row->job.way;
	static char text[256];

	if (row->missed)
		return row->missed;
	if (row->err == -ERANGE)
		return "smaller than a hugepage";
	if (row->err == -ETIMEDOUT || row->err == -EIO)
		return "one of the processes failed";
	if (row->err == -EACCES && bench_method.tune && way->zc)
		return "--tune is for root";
	if (row->err != -ENOMEM || strcmp(way->name, "hugetlb"))
		return bench_why_not(way->zc, row->err);
	bench_hugetlb_why(row->job.size * row->job.processes, text, sizeof(text));
	return text;
}

static void add_served(struct json_object *obj, const struct row *row)
{
	const struct alloc_served *s = &row->last.served;
	struct json_object *served = json_object_new_object();

	out_add_u64(served, "buffers", s->buffers);
	out_add_u64(served, "cache", s->again);
	out_add_u64(served, "reserve_hugepages", s->reserved);
	out_add_u64(served, "kernel_hugepages", alloc_tier_kernel(s));
	if (alloc_is_slice(row->job.size))
		out_add_u64(served, "parts", s->buffers - s->again - alloc_tier_kernel(s));
	json_object_object_add(obj, "served", served);
}

/* Of several at once, that of what they get done together, too. */
static double row_spread(struct row *row)
{
	double cost = bench_runs_spread(&row->cost), wall = bench_runs_spread(&row->wall);

	return row->job.processes > 1 && wall > cost ? wall : cost;
}

static void add_figures(struct bench *b, struct json_object *obj, struct row *row)
{
	uint64_t wall = bench_runs_median(&row->wall);
	double scale = scaling(b, row);

	out_add_u64(obj, "cpu_ns", bench_runs_median(&row->cost));
	out_add_u64(obj, "wall_ns", wall);
	if (wall)
		out_add_double(obj, "per_s", 1e9 / wall);
	if (scale)
		out_add_double(obj, "scaling", scale);
	bench_row_spread(obj, row_spread(row), row->cost.nr);
	bench_row_samples(obj, "cpu_ns", &row->cost);
	bench_row_samples(obj, "wall_ns", &row->wall);
	if (row->job.way->tier) {
		out_add_u64(obj, "get_cpu_ns", bench_runs_median(&row->get));
		bench_row_samples(obj, "get_cpu_ns", &row->get);
	}
	if (row->job.way->tier == ALLOC_LIST)
		out_add_u64(obj, "late", row->late);
	out_add_u64(obj, "icount", bench_method.icount);
	json_object_object_add(obj, "latency", bench_latency_json(&row->latency));
}

static void show_json(struct bench *b)
{
	struct json_object *rows = json_object_new_array();
	unsigned int i;

	for (i = 0; i < b->nr; i++) {
		struct row *row = &b->rows[i];
		struct json_object *obj = bench_row("alloc", row->job.way->name, BENCH_NONE,
						    row->job.size);

		out_add_u64(obj, "processes", row->job.processes);
		out_add_u64(obj, "processors", sysconf(_SC_NPROCESSORS_ONLN));
		if (!row->err && row->job.way->tier)
			add_served(obj, row);
		if (row->err || row->missed)
			out_add_str(obj, "error", why_not(row));
		else
			add_figures(b, obj, row);
		json_object_array_add(rows, obj);
	}
	bench_rows_show(rows);
}

/* Does one that is none of zc cost less than a buffer that is mapped? */
static bool beats_zc(struct bench *b, struct row *row)
{
	struct row *zc = find(b, "zc-map", row, row->job.processes);

	return zc && !row->job.way->zc &&
	       bench_runs_median(&row->cost) < bench_runs_median(&zc->cost);
}

static void show_row(struct bench *b, struct row *row)
{
	struct row *base = find(b, "ioctl", row, row->job.processes);
	const struct bench_latency *lat = &row->latency;
	char cells[3][32] = { "-", "-", "-" };

	printf("%-9s %9u ", row->job.way->name, row->job.processes);
	if (row->err || row->missed) {
		printf("not measured: %s\n", why_not(row));
		return;
	}
	if (row->job.way->tier)
		snprintf(cells[0], sizeof(cells[0]), "%llu",
			 (unsigned long long)bench_runs_median(&row->get));
	if (row->job.processes > 1 && scaling(b, row))
		snprintf(cells[1], sizeof(cells[1]), "%.2f", scaling(b, row));
	if (base)
		snprintf(cells[2], sizeof(cells[2]), "%.2f",
			 times_as_much(&row->cost, &base->cost));
	printf("%12llu %12s %7s %9s ", (unsigned long long)bench_runs_median(&row->cost),
	       cells[0], bench_spread_text(row_spread(row)), cells[2]);
	printf("%10.0f %7s %10llu %10llu %10llu %11llu%s%s%s\n",
	       bench_runs_median(&row->wall) ? 1e9 / bench_runs_median(&row->wall) : 0, cells[1],
	       (unsigned long long)bench_latency_at(lat, 0.5),
	       (unsigned long long)bench_latency_at(lat, 0.99),
	       (unsigned long long)bench_latency_at(lat, 0.999), (unsigned long long)lat->max,
	       beats_zc(b, row) ? "  beats zc-map" : "",
	       row->late && row->job.way->tier == ALLOC_LIST ? "  some not cleared yet" : "",
	       bench_noisy_text(row_spread(row)));
}

static void show_text(struct bench *b)
{
	uint64_t size = 0;
	char text[32];
	unsigned int i;

	for (i = 0; i < b->nr; i++) {
		if (size != b->rows[i].job.size) {
			size = b->rows[i].job.size;
			printf("%s%s: %s to get it and to give it back\n", i ? "\n" : "",
			       out_bytes(size, text, sizeof(text)),
			       bench_method.icount ? "instructions" : "CPU ns");
			printf("%-9s %9s %12s %12s %7s %9s %10s %7s %10s %10s %10s %11s\n", "path",
			       "processes", "each", "to get", "spread", "of ioctl", "a second",
			       "times", "p50", "p99", "p99.9", "longest");
		}
		show_row(b, &b->rows[i]);
	}
	puts("\na second: by all processes; times: of what one gets done. p50 to longest: of each\n"
	     "time, of zc-cache, zc-list and zc-kernel of the getting");
}

static void add_row(struct bench *b, const struct alloc_way *way, uint64_t size,
		    unsigned int processes)
{
	unsigned int count = b->count * way->more;

	b->rows[b->nr++] = (struct row){
		.job.way = way,
		.job.size = size,
		.job.processes = processes,
		.job.count = count,
		.job.timed = (count + bench_method.repeat - 1) / bench_method.repeat,
	};
	if (!strcmp(way->name, "hugetlb"))
		bench_hugetlb_tune(processes * (size > ZC_HUGE_SIZE ? size : ZC_HUGE_SIZE));
}

static int add_rows(struct bench *b)
{
	struct bench_names names = { .list = b->paths };
	unsigned int size, way, i;
	int ret;

	for (way = 0; way < alloc_nr_ways; way++)
		bench_names_add(&names, alloc_ways[way].name);
	ret = bench_names_check(&names, "bench alloc: --paths");
	if (ret)
		return ret;
	b->rows = calloc(b->sizes.nr * b->processes.nr * alloc_nr_ways, sizeof(*b->rows));
	if (!b->rows)
		return out_error(EX_FAILED, ENOMEM, NULL, "bench alloc");
	for (size = 0; size < b->sizes.nr; size++)
		for (way = 0; way < alloc_nr_ways; way++)
			for (i = 0; i < b->processes.nr; i++)
				if (bench_listed(b->paths, alloc_ways[way].name))
					add_row(b, &alloc_ways[way], b->sizes.at[size],
						b->processes.at[i]);
	return EX_OK;
}

/* Shared with the processes, and used by one row after the other. */
static int add_shared(struct bench *b)
{
	struct bench_latency *latency = bench_shared(ALLOC_PROCESSES_MAX * sizeof(*latency));
	struct alloc_barrier *barrier = bench_shared(sizeof(*barrier));
	unsigned int i;

	if (!latency || !barrier)
		return out_error(EX_FAILED, ENOMEM, NULL, "bench alloc");
	for (i = 0; i < b->nr; i++) {
		b->rows[i].job.latency = latency;
		b->rows[i].job.barrier = barrier;
	}
	return EX_OK;
}

static int run(struct bench *b)
{
	struct bench_tally tally = {};
	unsigned int i, zc = 0;
	int ret = add_rows(b) ?: add_shared(b);

	for (i = 0; i < b->nr; i++)
		zc += b->rows[i].job.way->zc;
	ret = ret ?: bench_need_module(zc, b->nr - zc);
	if (ret)
		return ret;
	measure(b);
	if (out_json)
		show_json(b);
	else
		show_text(b);
	for (i = 0; i < b->nr; i++) {
		const struct row *row = &b->rows[i];

		bench_tally_row(&tally, row->job.way->zc,
				row->err || row->missed ? why_not(row) : NULL);
	}
	return bench_tally_verdict(&tally, b->paths);
}

static void clean_up(struct bench *b)
{
	unsigned int i;

	for (i = 0; i < b->nr; i++)
		free(b->rows[i].missed);
	free(b->rows);
}

int bench_alloc(int argc, char **argv)
{
	static struct bench b = {
		.sizes = { .at = { ZC_HUGE_SIZE }, .nr = 1 },
		.processes = { .at = { 1, 2 }, .nr = 2 },
		.count = 1000,
	};
	const struct bench_option options[] = {
		{ "size", BENCH_SIZES, &b.sizes, 0, 0 },
		{ "count", BENCH_NUMBER, &b.count, 1000000, 0 },
		{ "processes", BENCH_NUMBERS, &b.processes, ALLOC_PROCESSES_MAX, 0 },
		{ "paths", BENCH_TEXT, &b.paths, 0, 0 },
		{ },
	};
	int ret = bench_options("bench alloc", alloc_help, options, argc, argv);

	if (ret != BENCH_OPTION_TAKEN)
		return ret;
	if (argc != optind)
		return out_usage("bench alloc: takes no file");
	ret = bench_method_begin() ?: run(&b);
	clean_up(&b);
	return ret;
}
