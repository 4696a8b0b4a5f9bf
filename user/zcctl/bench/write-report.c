// SPDX-License-Identifier: GPL-2.0-only
/* zcctl bench write: what is told of what was measured. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "write.h"

/* Why it was not measured. */
const char *write_why_not(const struct write_row *row)
{
	if (row->err == -EBADMSG)
		return "other bytes came than were written";
	/* What the sink says is no matter of the module's. */
	return bench_why_not(row->job.way->zc && !row->last.sink, row->err);
}

static bool same_case(const struct write_row *a, const struct write_row *b)
{
	return a->job.to == b->job.to && a->job.size == b->job.size &&
	       a->job.processes == b->job.processes;
}

/* What costs less than the cheapest of zc is marked. */
static bool beats_zc(struct write_row *rows, unsigned int nr, struct write_row *row)
{
	bool some = false;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		struct write_row *zc = &rows[i];

		if (!zc->job.way->zc || zc->err || !same_case(zc, row))
			continue;
		some = true;
		if (bench_runs_median(&zc->cost) <= bench_runs_median(&row->cost))
			return false;
	}
	return some && !row->job.way->zc;
}

static void add_figures(struct json_object *obj, struct write_row *row)
{
	uint64_t wall = bench_runs_median(&row->wall);

	out_add_u64(obj, "cpu_ns", bench_runs_median(&row->cost));
	out_add_u64(obj, "wall_ns", wall);
	out_add_u64(obj, "get_ns", bench_runs_median(&row->get));
	out_add_u64(obj, "write_ns", bench_runs_median(&row->write));
	if (wall)
		out_add_double(obj, "gb_per_s", (double)row->job.size / wall);
	out_add_double(obj, "faults_per_write", row->last.faults);
	if (row->last.pipe_bytes)
		out_add_u64(obj, "pipe_bytes", row->last.pipe_bytes);
	bench_row_spread(obj, bench_runs_spread(&row->cost), row->cost.nr);
	bench_row_samples(obj, "cpu_ns", &row->cost);
	bench_row_samples(obj, "wall_ns", &row->wall);
	bench_row_samples(obj, "get_ns", &row->get);
	bench_row_samples(obj, "write_ns", &row->write);
	out_add_u64(obj, "icount", bench_method.icount);
	json_object_object_add(obj, "latency", bench_latency_json(&row->latency));
}

void write_show_json(struct write_row *rows, unsigned int nr)
{
	struct json_object *list = json_object_new_array();
	unsigned int i;

	for (i = 0; i < nr; i++) {
		struct write_row *row = &rows[i];
		struct json_object *obj = bench_row("write", row->job.way->name, BENCH_NONE,
						    row->job.size);

		out_add_str(obj, "sink", write_sinks[row->job.to]);
		out_add_u64(obj, "processes", row->job.processes);
		out_add_u64(obj, "processors", sysconf(_SC_NPROCESSORS_ONLN));
		if (row->err)
			out_add_str(obj, "error", write_why_not(row));
		else
			add_figures(obj, row);
		json_object_array_add(list, obj);
	}
	bench_rows_show(list);
}

static void show_row(struct write_row *rows, unsigned int nr, struct write_row *row)
{
	double spread;

	printf("%-9s %9u ", row->job.way->name, row->job.processes);
	if (row->err) {
		printf("not measured: %s\n", write_why_not(row));
		return;
	}
	spread = bench_runs_spread(&row->cost);
	printf("%10llu %7s %10llu %10llu %10llu %8.4g %10llu %10llu %10llu%s%s\n",
	       (unsigned long long)bench_runs_median(&row->cost), bench_spread_text(spread),
	       (unsigned long long)bench_runs_median(&row->wall),
	       (unsigned long long)bench_runs_median(&row->get),
	       (unsigned long long)bench_runs_median(&row->write), row->last.faults,
	       (unsigned long long)bench_latency_at(&row->latency, 0.5),
	       (unsigned long long)bench_latency_at(&row->latency, 0.99),
	       (unsigned long long)row->latency.max,
	       beats_zc(rows, nr, row) ? "  beats zc" : "",
	       bench_noisy(spread) ? "  noisy" : "");
}

void write_show_text(struct write_row *rows, unsigned int nr)
{
	const struct write_row *last = NULL;
	unsigned int i;
	char text[32];

	for (i = 0; i < nr; i++) {
		const struct write_job *job = &rows[i].job;

		if (!last || last->job.to != job->to || last->job.size != job->size) {
			printf("%s%s to %s: %s of a write with its buffer\n", last ? "\n" : "",
			       out_bytes(job->size, text, sizeof(text)), write_sinks[job->to],
			       bench_method.icount ? "instructions" : "ns");
			printf("%-9s %9s %10s %7s %10s %10s %10s %8s %10s %10s %10s\n", "path",
			       "processes", "CPU", "spread", "elapsed", "buffer", "write",
			       "faults", "p50", "p99", "longest");
		}
		last = &rows[i];
		show_row(rows, nr, &rows[i]);
	}
	puts("\nCPU: of the writing processes, not of who reads, nor of the kernel's own threads;\n"
	     "beats zc: by that. elapsed: by the writes of all processes; buffer: to get, to fill\n"
	     "and to give back, of which kept has the filling alone, and zc-writer none: it fills within\n"
	     "the write; write: the call; medians of single ones. p50 to longest: of both together");
}
