// SPDX-License-Identifier: GPL-2.0-only
/* zcctl bench fault: what the first touch of memory costs. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fault.h"
#include "hugetlb.h"

static const char fault_help[] =
"usage: zcctl bench fault [OPTION…]\n"
"\n"
"Map memory and touch each 4 KiB of it for the first time, in a process of its own for\n"
"each run, and show the page faults, what both cost, how long it takes to the first byte\n"
"and for each 4 KiB, the page tables, and what /proc/meminfo and /proc/self/smaps say while\n"
"it is there:\n"
"\n"
"  small, small-populate      anonymous memory with MADV_NOHUGEPAGE\n"
"  thp, thp-populate          with MADV_HUGEPAGE, and MADV_POPULATE_WRITE\n"
"  hugetlb, hugetlb-populate  MAP_HUGETLB, pages of 2 MiB\n"
"  zc, zc-populate            a buffer, which is made and mapped\n"
"  zc-reserve                 one out of the node's reserve of cleared hugepages\n"
"\n"
"The others with MAP_POPULATE where it says so.\n"
"\n"
"  --size N      bytes, a multiple of 2M (default 1G)\n"
"  --paths A,B   of these (default all)\n"
BENCH_METHOD_HELP
"\n"
"hugetlb needs as many hugepages in the kernel's pool, zc-reserve in the module's reserve,\n"
"where zc and zc-populate want none. --tune sees to that meanwhile, and that the kernel takes\n"
"no pages away to see who uses them (numa_balancing), which are faults, too.\n"
"\n"
"example:\n"
"  zcctl bench fault --size 256M --paths small,thp,zc\n";

/**
 * struct row - one way
 * @way:     the way
 * @err:     0, or why it was not measured
 * @get:     see struct fault_told, as all up to @byte
 * @touch:   of each run
 * @both:    CPU time of both
 * @first:   of each run
 * @byte:    of each run
 * @last:    run
 * @latency: of each 4 KiB, in the run that warms up
 */
struct row {
	const struct fault_way *way;
	int err;
	struct bench_runs get;
	struct bench_runs touch;
	struct bench_runs both;
	struct bench_runs first;
	struct bench_runs byte;
	struct fault_told last;
	struct bench_latency *latency;
};

struct bench {
	uint64_t size;
	const char *paths;
	unsigned int nr;
	struct row rows[FAULT_WAYS];
};

static void add_run(struct row *row)
{
	bench_runs_add(&row->get, row->last.get);
	bench_runs_add(&row->touch, row->last.touch);
	bench_runs_add(&row->both, row->last.get + row->last.touch);
	bench_runs_add(&row->first, row->last.first);
	bench_runs_add(&row->byte, row->last.byte);
}

/* The node of the processor that measures, as far as that is known before. */
static unsigned int home_node(void)
{
	unsigned int cpu, node = 0;
	cpu_set_t before;

	if (sched_getaffinity(0, sizeof(before), &before))
		return 0;
	bench_pin(BENCH_SENDER);
	getcpu(&cpu, &node);
	sched_setaffinity(0, sizeof(before), &before);
	return node;
}

/*
 * With --tune: have what a buffer is made of in the reserve, or not. It is emptied first, as
 * what comes back from a buffer is not cleared at once.
 */
static int tune_reserve(const struct bench *b, const struct fault_way *way)
{
	char text[48];
	int err;

	if (!bench_method.tune || way->flags)
		return 0;
	err = bench_setting(BENCH_RESERVE, "0");
	if (err || !way->reserve)
		return err;
	snprintf(text, sizeof(text), "%u:%llu", home_node(),
		 (unsigned long long)b->size / ZC_HUGE_SIZE);
	return bench_setting(BENCH_RESERVE, text);
}

/* The first round warms up, and takes the time of each touch. */
static void measure(struct bench *b)
{
	unsigned int round, i, rounds = bench_method.repeat + 1;

	for (round = 0; round < rounds; round++)
		for (i = 0; i < b->nr; i++) {
			struct row *row = &b->rows[i];

			out_progress("measuring", round * b->nr + i, rounds * b->nr);
			row->err = row->err ?: tune_reserve(b, row->way);
			row->err = row->err ?: fault_run(row->way, b->size,
						      round ? NULL : row->latency, &row->last);
			if (round && !row->err)
				add_run(row);
		}
	out_progress_end();
}

/* Why it was not measured, and what mends it. */
static const char *why_not(const struct bench *b, const struct row *row)
{
	static char text[256];

	if (row->way->reserve && row->err == -ENODATA) {
		snprintf(text, sizeof(text), "%llu of %llu hugepages came out of the reserve: "
			 "--tune, or zcctl pool set",
			 (unsigned long long)row->last.reserved,
			 (unsigned long long)b->size / ZC_HUGE_SIZE);
		return text;
	}
	if (!fault_is_hugetlb(row->way) || row->err != -ENOMEM)
		return bench_why_not(!row->way->flags, row->err);
	bench_hugetlb_why(b->size, text, sizeof(text));
	return text;
}

/* What it was asked for and did not get; or NULL. */
static const char *missed(const struct bench *b, const struct row *row)
{
	static char text[160], huge[32], all[32], thp[64];
	uint64_t got = bench_smaps_huge(&row->last.smaps);

	if (row->way->advice == MADV_NOHUGEPAGE || got == b->size)
		return NULL;
	out_bytes(got, huge, sizeof(huge));
	out_bytes(b->size, all, sizeof(all));
	file_line("/sys/kernel/mm/transparent_hugepage/enabled", thp, sizeof(thp));
	if (row->way->advice != MADV_HUGEPAGE)
		snprintf(text, sizeof(text), "%s of %s by hugepages", huge, all);
	else if (got)
		snprintf(text, sizeof(text), "%s of %s by hugepages: not aligned, or short",
			 huge, all);
	else if (strstr(thp, "[never]"))
		snprintf(text, sizeof(text), "no hugepages: "
			 "/sys/kernel/mm/transparent_hugepage/enabled says never");
	else
		snprintf(text, sizeof(text), "no hugepages: the kernel has none, or "
			 "the memory is not aligned");
	return text;
}

static void add_kernel_says(struct json_object *obj, const struct fault_told *told)
{
	struct json_object *change = json_object_new_object();
	size_t k;

	for (k = 0; k < FAULT_KEYS; k++)
		json_object_object_add(change, fault_keys[k],
				       json_object_new_int64(told->change[k]));
	json_object_object_add(obj, "meminfo", change);
	json_object_object_add(obj, "smaps", bench_smaps_json(&told->smaps));
	out_add_u64(obj, "huge_bytes", bench_smaps_huge(&told->smaps));
	out_add_u64(obj, "reserved_hugepages", told->reserved);
	json_object_object_add(obj, "page_table_bytes", json_object_new_int64(told->tables));
}

static void add_figures(struct json_object *obj, struct row *row)
{
	out_add_u64(obj, "faults", row->last.faults);
	out_add_u64(obj, "cpu_ns", bench_runs_median(&row->both));
	out_add_u64(obj, "get_cpu_ns", bench_runs_median(&row->get));
	out_add_u64(obj, "touch_cpu_ns", bench_runs_median(&row->touch));
	out_add_u64(obj, "first_touch_ns", bench_runs_median(&row->first));
	out_add_u64(obj, "first_byte_ns", bench_runs_median(&row->byte));
	bench_row_spread(obj, bench_runs_spread(&row->both), row->both.nr);
	bench_row_samples(obj, "cpu_ns", &row->both);
	bench_row_samples(obj, "get_cpu_ns", &row->get);
	bench_row_samples(obj, "touch_cpu_ns", &row->touch);
	bench_row_samples(obj, "first_touch_ns", &row->first);
	bench_row_samples(obj, "first_byte_ns", &row->byte);
	out_add_u64(obj, "icount", bench_method.icount);
	json_object_object_add(obj, "latency", bench_latency_json(row->latency));
}

static void show_json(struct bench *b)
{
	struct json_object *rows = json_object_new_array();
	unsigned int i;

	for (i = 0; i < b->nr; i++) {
		struct row *row = &b->rows[i];
		struct json_object *obj = bench_row("fault", row->way->name, BENCH_NONE,
						    b->size);

		if (row->err) {
			out_add_str(obj, "error", why_not(b, row));
		} else {
			add_figures(obj, row);
			add_kernel_says(obj, &row->last);
			out_add_str(obj, "note", missed(b, row));
		}
		json_object_array_add(rows, obj);
	}
	bench_rows_show(rows);
}

static uint64_t cost(struct row *row)
{
	return bench_runs_median(&row->both);
}

/* What costs less than the cheapest of zc is marked. */
static bool beats_zc(struct bench *b, struct row *row)
{
	unsigned int i;
	bool some = false;

	for (i = 0; i < b->nr; i++) {
		struct row *zc = &b->rows[i];

		if (zc->way->flags || zc->err)
			continue;
		some = true;
		if (cost(zc) <= cost(row))
			return false;
	}
	return some && row->way->flags;
}

static void show_costs(struct bench *b)
{
	unsigned int i;

	printf("%-17s %7s %13s %13s %7s %12s %12s %8s %8s %10s\n", "path", "faults", "to get it",
	       "to touch it", "spread", "first touch", "first byte", "p50", "p99", "longest");
	for (i = 0; i < b->nr; i++) {
		struct row *row = &b->rows[i];

		printf("%-17s ", row->way->name);
		if (row->err) {
			printf("not measured: %s\n", why_not(b, row));
			continue;
		}
		printf("%7llu %13llu %13llu %7s %12llu %12llu %8llu %8llu %10llu%s%s\n",
		       (unsigned long long)row->last.faults,
		       (unsigned long long)bench_runs_median(&row->get),
		       (unsigned long long)bench_runs_median(&row->touch),
		       bench_spread_text(bench_runs_spread(&row->both)),
		       (unsigned long long)bench_runs_median(&row->first),
		       (unsigned long long)bench_runs_median(&row->byte),
		       (unsigned long long)bench_latency_at(row->latency, 0.5),
		       (unsigned long long)bench_latency_at(row->latency, 0.99),
		       (unsigned long long)row->latency->max,
		       beats_zc(b, row) ? "  beats zc" : "",
		       bench_noisy_text(bench_runs_spread(&row->both)));
	}
}

static void show_kernel_says(struct bench *b)
{
	unsigned int i;
	size_t k;

	printf("\n%-17s", "/proc/meminfo, kB");
	for (k = 0; k < FAULT_KEYS; k++)
		printf(" %14s", fault_keys[k]);
	printf("  %12s %12s\n", "page tables", "hugepages");
	for (i = 0; i < b->nr; i++) {
		struct row *row = &b->rows[i];
		char tables[32], huge[32];

		if (row->err)
			continue;
		printf("%-17s", row->way->name);
		for (k = 0; k < FAULT_KEYS; k++)
			printf(" %+14lld", (long long)row->last.change[k]);
		printf("  %12s %12s%s%s\n",
		       out_bytes(row->last.tables, tables, sizeof(tables)),
		       out_bytes(bench_smaps_huge(&row->last.smaps), huge, sizeof(huge)),
		       missed(b, row) ? "  " : "", missed(b, row) ?: "");
	}
}

static void show_text(struct bench *b)
{
	char size[32];

	printf("%s, each 4 KiB touched for the first time: %s\n",
	       out_bytes(b->size, size, sizeof(size)),
	       bench_method.icount ? "instructions" : "ns; to get and to touch it: CPU time");
	show_costs(b);
	show_kernel_says(b);
	puts("\nfirst byte: from asking for the memory to the end of the first touch; p50, p99,\n"
	     "longest: of each 4 KiB, in a run for itself. Page tables: of the process;\n"
	     "hugepages: bytes mapped by their entries, as smaps says");
}

static int add_rows(struct bench *b)
{
	struct bench_names names = { .list = b->paths };
	unsigned int i;

	for (i = 0; i < FAULT_WAYS; i++) {
		struct row *row = &b->rows[b->nr];

		if (!bench_names_add(&names, fault_ways[i].name))
			continue;
		b->nr++;
		row->way = &fault_ways[i];
		/* The child that measures fills it in. */
		row->latency = bench_shared(sizeof(*row->latency));
		if (!row->latency)
			return out_error(EX_FAILED, ENOMEM, NULL, "bench fault");
		if (fault_is_hugetlb(row->way))
			bench_hugetlb_tune(b->size);
	}
	return bench_names_check(&names, "bench fault: --paths");
}

static int run(struct bench *b)
{
	struct bench_tally tally = {};
	unsigned int i, zc = 0;
	int ret = add_rows(b);

	for (i = 0; i < b->nr; i++)
		zc += !b->rows[i].way->flags;
	ret = ret ?: bench_need_module(zc, b->nr - zc) ?: bench_tune_balancing();
	if (ret)
		return ret;
	measure(b);
	if (out_json)
		show_json(b);
	else
		show_text(b);
	for (i = 0; i < b->nr; i++)
		bench_tally_row(&tally, !b->rows[i].way->flags,
				b->rows[i].err ? why_not(b, &b->rows[i]) : NULL);
	return bench_tally_verdict(&tally, b->paths);
}

int bench_fault(int argc, char **argv)
{
	static struct bench b = { .size = 1ull << 30 };
	const struct bench_option options[] = {
		{ "size", BENCH_SIZE, &b.size, 0, ZC_HUGE_SIZE },
		{ "paths", BENCH_TEXT, &b.paths, 0, 0 },
		{ },
	};
	int ret = bench_options("bench fault", fault_help, options, argc, argv);

	if (ret != BENCH_OPTION_TAKEN)
		return ret;
	if (argc != optind)
		return out_usage("bench fault: takes no file");
	return bench_method_begin() ?: run(&b);
}
