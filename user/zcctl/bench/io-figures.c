// SPDX-License-Identifier: GPL-2.0-only
/* zcctl bench io: the numbers of a row: what each run gave, their median, their rates. */
#include <stddef.h>

#include "io.h"

#define GIB	(1024.0 * 1024.0 * 1024.0)

/**
 * struct figure - a number that a run gives
 * @name: in the report
 * @at:   where it is in struct bench_result
 * @rate: name of the same by GiB, or NULL
 * @unit: what one of that rate is
 * @mean: so coarse that the mean of the runs says more than their median
 */
static const struct figure {
	const char *name;
	size_t at;
	const char *rate;
	double unit;
	bool mean;
} figures[IO_FIGURES] = {
#define AT(field)	offsetof(struct bench_result, field)
	[IO_CPU] = { "cpu_ns", AT(usage.cpu_ns), "cpu_s_per_gib", 1e9, false },
	[IO_SENDER] = { "sender_cpu_ns", AT(sender_ns), NULL, 0, false },
	[IO_USER] = { "user_ns", AT(usage.user_ns), "user_s_per_gib", 1e9, false },
	[IO_SYSTEM] = { "system_ns", AT(usage.system_ns), "system_s_per_gib", 1e9, false },
	[IO_SOFTIRQ] = { "softirq_ns", AT(softirq_ns), "softirq_s_per_gib", 1e9, true },
	[IO_BUSY] = { "busy_ns", AT(busy_ns), "busy_s_per_gib", 1e9, false },
	[IO_VOLUNTARY] = { "voluntary_switches", AT(usage.voluntary), NULL, 0, false },
	[IO_INVOLUNTARY] = { "involuntary_switches", AT(usage.involuntary), NULL, 0, false },
	[IO_WALL] = { "wall_ns", AT(wall_ns), NULL, 0, false },
	[IO_SYSCALLS] = { "syscalls", AT(syscalls), "syscalls_per_gib", 1, false },
	[IO_EVICTED] = { "neighbour_evicted_bytes", AT(evicted), NULL, 0, false },
	[IO_REREAD] = { "neighbour_reread_ns", AT(reread_ns), NULL, 0, false },
#undef AT
	/* Of the run's histograms; the row has what is of all runs, too. */
	[IO_FIRST_BYTE] = { "first_byte_p50_ns", 0, NULL, 0, false },
	[IO_P50] = { "latency_p50_ns", 0, NULL, 0, false },
	[IO_P99] = { "latency_p99_ns", 0, NULL, 0, false },
};

static bool is_neighbours(enum io_figure which)
{
	return which == IO_EVICTED || which == IO_REREAD;
}

static uint64_t quantile(const struct bench_latency *lat, double share)
{
	return lat->count ? bench_latency_at(lat, share) : BENCH_UNKNOWN;
}

static uint64_t value(const struct bench_result *res, enum io_figure which)
{
	switch (which) {
	case IO_FIRST_BYTE:
		return quantile(&res->first_byte, 0.5);
	case IO_P50:
		return quantile(&res->latency, 0.5);
	case IO_P99:
		return quantile(&res->latency, 0.99);
	default:
		return *(const uint64_t *)((const char *)res + figures[which].at);
	}
}

/* The last run counts. */
void io_figures_add(struct io_row *row)
{
	int i;

	for (i = 0; i < IO_FIGURES; i++)
		bench_runs_add(&row->runs[i], value(&row->last, i));
	bench_latency_merge(&row->latency, &row->last.latency);
	bench_latency_merge(&row->first_byte, &row->last.first_byte);
}

static uint64_t mean(const struct bench_runs *runs)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < runs->nr; i++)
		sum += runs->ns[i];
	return sum / runs->nr;
}

/* Of all runs: BENCH_UNKNOWN if one of them does not know it. */
uint64_t io_figure(struct io_row *row, enum io_figure which)
{
	struct bench_runs *runs = &row->runs[which];

	if (bench_runs_most(runs) == BENCH_UNKNOWN)
		return BENCH_UNKNOWN;
	return figures[which].mean ? mean(runs) : bench_runs_median(runs);
}

static void add_known(struct json_object *obj, const char *key, uint64_t val, double unit)
{
	if (val == BENCH_UNKNOWN)
		out_add_str(obj, key, NULL);
	else if (unit)
		out_add_double(obj, key, val / unit);
	else
		out_add_u64(obj, key, val);
}

/* All but the CPU time, which bench_row_cost() shows. */
static void add_figure(struct json_object *obj, struct io_row *row, enum io_figure which)
{
	const struct figure *f = &figures[which];
	uint64_t val = io_figure(row, which);

	if (which != IO_CPU) {
		add_known(obj, f->name, val, 0);
		if (val != BENCH_UNKNOWN)
			bench_row_samples(obj, f->name, &row->runs[which]);
	}
	if (f->rate)
		add_known(obj, f->rate, val, f->unit * row->t.size / GIB);
}

void io_figures_json(struct json_object *obj, struct io_row *row)
{
	uint64_t wall = io_figure(row, IO_WALL);
	int i;

	bench_row_cost(obj, &row->runs[IO_CPU], row->t.size);
	bench_row_spread(obj, bench_runs_spread(&row->runs[IO_CPU]), row->runs[IO_CPU].nr);
	out_add_double(obj, "bytes_per_s", wall ? row->t.size / (wall / 1e9) : 0);
	for (i = 0; i < IO_FIGURES; i++)
		if (!is_neighbours(i) || row->t.neighbour)
			add_figure(obj, row, i);
	json_object_object_add(obj, "latency", bench_latency_json(&row->latency));
	json_object_object_add(obj, "first_byte", row->first_byte.count ?
			       bench_latency_json(&row->first_byte) : NULL);
}
