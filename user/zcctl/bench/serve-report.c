// SPDX-License-Identifier: GPL-2.0-only
/* The report of zcctl bench serve. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "serve.h"

#define GIB	(1024.0 * 1024.0 * 1024.0)

static uint64_t median(struct serve_row *row, enum serve_figure what)
{
	return bench_runs_median(&row->figures[what]);
}

static uint64_t row_bytes(struct serve_row *row)
{
	return median(row, SERVE_REQUESTS) * row->job.size;
}

/* Of what is counted by SERVE_UNIT */
static double each(struct serve_row *row, enum serve_figure what)
{
	return (double)median(row, what) / SERVE_UNIT;
}

static double allocations_per_s(struct serve_row *row)
{
	return median(row, SERVE_ALLOCATIONS) / (median(row, SERVE_WALL) / 1e9);
}

/* What a row is held to: requests a second, what each costs, and who waits longest. */
static double spread(struct serve_row *row)
{
	static const enum serve_figure judged[] = { SERVE_RATE, SERVE_BUSY_EACH, SERVE_P99 };
	double most = 0, one;
	size_t i;

	for (i = 0; i < sizeof(judged) / sizeof(*judged); i++) {
		one = bench_runs_spread(&row->figures[judged[i]]);
		most = one > most ? one : most;
	}
	return most;
}

/* What a row says that was not measured. */
const char *serve_why_not(const struct serve_row *row)
{
	if (row->job.cache == BENCH_COLD && row->last.err == -ENODATA)
		return "the file has fewer parts than there are connections";
	if (row->last.err == -ECHILD)
		return "the server or the client was killed";
	if (row->last.err == -EBADMSG)
		return "somebody else has asked the server for bytes";
	return bench_why_not(row->job.path->zc, row->last.err);
}

/* What of the server's memory, and the module's, was in use. */
static void add_memory(struct json_object *obj, struct serve_row *row)
{
	out_add_u64(obj, "server_peak_bytes", median(row, SERVE_PEAK));
	if (row->job.path->zc) {
		out_add_u64(obj, "module_peak_bytes", median(row, SERVE_MODULE));
		out_add_u64(obj, "buffers_made", row->last.made);
		out_add_u64(obj, "leaked_buffers", row->leaked);
	} else {
		json_object_object_add(obj, "module_peak_bytes", NULL);
		json_object_object_add(obj, "buffers_made", NULL);
		json_object_object_add(obj, "leaked_buffers", NULL);
	}
	out_add_u64(obj, "allocations", median(row, SERVE_ALLOCATIONS));
	out_add_double(obj, "allocations_per_s", allocations_per_s(row));
	out_add_u64(obj, "kernel_pages", median(row, SERVE_PAGES));
	bench_row_cached(obj, row->last.cache_bytes < 0 &&
			 row->last.cache_bytes != BENCH_GROWTH_UNKNOWN ? 0 :
			 row->last.cache_bytes);
}

static void add_cost(struct json_object *obj, struct serve_row *row)
{
	uint64_t user = median(row, SERVE_USER), system = median(row, SERVE_SYSTEM);

	bench_row_cost(obj, &row->figures[SERVE_BUSY], row_bytes(row));
	out_add_u64(obj, "server_user_ns", user);
	out_add_u64(obj, "server_system_ns", system);
	out_add_u64(obj, "client_cpu_ns", median(row, SERVE_CLIENT));
	out_add_double(obj, "server_ns_per_request", each(row, SERVE_SERVER_EACH));
	out_add_double(obj, "server_ns_per_gib", (user + system) / (row_bytes(row) / GIB));
	out_add_double(obj, "cpu_ns_per_request", each(row, SERVE_BUSY_EACH));
	out_add_double(obj, "cpu_ns_per_gib",
		       median(row, SERVE_BUSY) / (row_bytes(row) / GIB));
}

/* The quantiles are medians of those of each run; "latency" is of all runs together. */
static void add_times(struct json_object *obj, struct serve_row *row)
{
	static const struct {
		const char *key;
		enum serve_figure what;
	} times[] = {
		{ "wall_ns", SERVE_WALL },
		{ "p50_ns", SERVE_P50 },
		{ "p90_ns", SERVE_P90 },
		{ "p99_ns", SERVE_P99 },
		{ "p999_ns", SERVE_P999 },
		{ "first_byte_p50_ns", SERVE_FIRST_P50 },
		{ "first_byte_p99_ns", SERVE_FIRST_P99 },
	};
	size_t i;

	for (i = 0; i < sizeof(times) / sizeof(*times); i++) {
		out_add_u64(obj, times[i].key, median(row, times[i].what));
		bench_row_samples(obj, times[i].key, &row->figures[times[i].what]);
	}
	bench_row_spread(obj, spread(row), row->figures[SERVE_P99].nr);
	out_add_double(obj, "p99_spread", bench_runs_spread(&row->figures[SERVE_P99]));
	json_object_object_add(obj, "latency", bench_latency_json(&row->latency));
	json_object_object_add(obj, "first_byte", bench_latency_json(&row->first));
	out_add_double(obj, "requests_per_s", each(row, SERVE_RATE));
	bench_row_rates(obj, "requests_per_s", &row->figures[SERVE_RATE], SERVE_UNIT);
	out_add_double(obj, "bytes_per_s", each(row, SERVE_RATE) * row->job.size);
}

static struct json_object *row_json(struct serve_row *row)
{
	struct json_object *obj = bench_row("serve", row->job.path->name, row->job.cache,
					    row_bytes(row));

	out_add_u64(obj, "concurrency", row->job.connections);
	out_add_u64(obj, "file_bytes", row->job.size);
	out_add_u64(obj, "threads", row->job.threads);
	out_add_u64(obj, "parts", row->job.parts);
	json_object_object_add(obj, "verified", json_object_new_boolean(row->job.verify));
	if (row->last.err) {
		out_add_str(obj, "error", serve_why_not(row));
		return obj;
	}
	out_add_u64(obj, "requests", median(row, SERVE_REQUESTS));
	add_cost(obj, row);
	add_times(obj, row);
	bench_row_copied(obj, row->last.counts.copied);
	add_memory(obj, row);
	out_add_u64(obj, "syscalls", row->last.counts.syscalls);
	out_add_u64(obj, "socket_full", row->full);
	out_add_u64(obj, "least_requests", row->last.least);
	out_add_u64(obj, "most_requests", row->last.most);
	return obj;
}

/* sendfile beside a row of zc: the same of all else; what is in memory beside hot. */
static struct serve_row *sendfile_of(struct serve_row *rows, unsigned int nr,
				     const struct serve_row *as)
{
	enum bench_cache cache = as->job.cache == BENCH_NONE ? BENCH_HOT : as->job.cache;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		struct serve_row *row = &rows[i];

		if (!strcmp(row->job.path->name, "sendfile") && !row->last.err &&
		    row->job.cache == cache && row->job.connections == as->job.connections &&
		    row->job.size == as->job.size)
			return row;
	}
	return NULL;
}

static const char *verdict(struct serve_row *row, struct serve_row *base)
{
	bool later, dearer;

	if (row->last.leaked)
		return "leaks";
	if (!base || !row->job.path->zc)
		return "";
	later = median(row, SERVE_P99) > median(base, SERVE_P99);
	dearer = median(row, SERVE_BUSY) > median(base, SERVE_BUSY);
	if (later && dearer)
		return "sendfile beats its p99 and cost";
	return later ? "sendfile beats its p99" : dearer ? "sendfile beats its cost" : "";
}

static void row_text(struct serve_row *rows, unsigned int nr, struct serve_row *row)
{
	char size[32], peak[32], copied[32];

	printf("%5u %8s %-5s %-9s ", row->job.connections,
	       out_bytes(row->job.size, size, sizeof(size)),
	       bench_cache_name(row->job.cache), row->job.path->name);
	if (row->last.err) {
		printf("not measured: %s\n", serve_why_not(row));
		return;
	}
	printf("%8.0f %7.0f %8.2f %8.2f %8.2f %8.2f %7.1f %7.1f %8.0f %9s %9s %8s  %s%s\n",
	       each(row, SERVE_RATE), each(row, SERVE_RATE) * row->job.size / (1024.0 * 1024.0),
	       median(row, SERVE_P50) / 1e6, median(row, SERVE_P99) / 1e6,
	       median(row, SERVE_P999) / 1e6, row->latency.max / 1e6,
	       each(row, SERVE_SERVER_EACH) / 1e3, each(row, SERVE_BUSY_EACH) / 1e3,
	       allocations_per_s(row),
	       out_bytes(median(row, SERVE_PEAK) + median(row, SERVE_MODULE), peak,
			 sizeof(peak)),
	       out_bytes(row->last.counts.copied, copied, sizeof(copied)),
	       bench_spread_text(spread(row)), verdict(row, sendfile_of(rows, nr, row)),
	       bench_noisy_text(spread(row)));
}

static void show_text(struct serve_row *rows, unsigned int nr)
{
	bool untold = false;
	unsigned int i;

	printf("%5s %8s %-5s %-9s %8s %7s %8s %8s %8s %8s %7s %7s %8s %9s %9s %8s\n", "conn.",
	       "size", "cache", "path", "req/s", "MiB/s", "p50 ms", "p99 ms", "p99.9 ms",
	       "max ms", bench_method.icount ? "kinsn" : "CPU us", "machine", "alloc/s",
	       "memory", "copied", "spread");
	for (i = 0; i < nr; i++) {
		row_text(rows, nr, &rows[i]);
		untold |= rows[i].last.cache_bytes == BENCH_GROWTH_UNKNOWN;
	}
	printf("%s for a request: of the server, and of the whole machine. memory: most of the "
	       "server\nand of the module; spread: of req/s, p99 or machine, the largest\n",
	       bench_method.icount ? "kinsn" : "CPU us");
	if (nr && rows[0].job.verify)
		puts("all that came was compared with the source: that is in the machine's cost");
	if (untold)
		bench_untold_note();
}

/**
 * serve_show - the whole report
 * @rows: rows
 * @nr:   rows
 */
void serve_show(struct serve_row *rows, unsigned int nr)
{
	struct json_object *list;
	unsigned int i;

	if (!out_json) {
		show_text(rows, nr);
		return;
	}
	list = json_object_new_array();
	for (i = 0; i < nr; i++)
		json_object_array_add(list, row_json(&rows[i]));
	bench_rows_show(list);
}
