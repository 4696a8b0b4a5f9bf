// SPDX-License-Identifier: GPL-2.0-only
/* zcctl bench io: the report, as tables and as JSON. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "io.h"

/* What a row says that was not measured. */
const char *io_why_not(const struct io_row *row)
{
	int err = -row->last.err;
	const struct bench_path *path = row->t.path;

	if (path->missing && err == EOPNOTSUPP)
		return path->missing;
	switch (err) {
	case ECONNRESET:
	case EPIPE:
		return "the receiver went away";
	case ETIMEDOUT:
		return "the receiver does not answer any more";
	case ECONNREFUSED:
		return "nobody listens any more; does the receiver take several connections?";
	case ENODATA:
		return "the file became shorter";
	case ENOMEM:
		if (row->t.neighbour)
			return "memory is too small for this and the neighbour";
		break;
	}
	return bench_why_not(path->zc, -err);
}

static void add_keys(struct json_object *obj, const struct io_row *row)
{
	const struct bench_transfer *t = &row->t;

	out_add_u64(obj, "request_bytes", t->request ? t->request :
		    bench_transfer_share(t->size, 0, t->lanes));
	out_add_u64(obj, "connections", t->lanes);
	out_add_str(obj, "receiver", t->peer ? "remote" : "loopback");
	if (t->per_call)
		out_add_u64(obj, "per_call", t->per_call);
}

static struct json_object *row_json(const struct io_bench *b, struct io_row *row)
{
	struct json_object *obj = bench_row("io", row->t.path->name, row->t.cache, row->t.size);

	add_keys(obj, row);
	if (b->own) {
		out_add_u64(obj, "neighbour_bytes", b->own);
		out_add_u64(obj, "neighbour_reads", b->reads);
	}
	if (row->last.err) {
		out_add_str(obj, "error", io_why_not(row));
		return obj;
	}
	io_figures_json(obj, row);
	bench_row_copied(obj, row->last.copied);
	bench_row_cached(obj, row->last.cache_bytes);
	return obj;
}

static void show_json(struct io_bench *b)
{
	struct json_object *rows = json_object_new_array();
	unsigned int i;

	bench_environment_add("tick_ns", json_object_new_uint64(bench_tick_ns()));
	for (i = 0; i < b->nr; i++)
		json_object_array_add(rows, row_json(b, &b->rows[i]));
	bench_rows_show(rows);
}

static uint64_t cost(struct io_row *row)
{
	return io_figure(row, IO_CPU);
}

static bool same_kind(const struct bench_transfer *a, const struct bench_transfer *b)
{
	return a->cache == b->cache && a->size == b->size && a->request == b->request &&
	       a->lanes == b->lanes;
}

/* The way of zc that has least of a figure, for the same; or NULL. */
static struct io_row *best_zc(struct io_bench *b, const struct io_row *like,
			      enum io_figure which)
{
	struct io_row *best = NULL;
	unsigned int i;

	for (i = 0; i < b->nr; i++) {
		struct io_row *row = &b->rows[i];

		if (!row->t.path->zc || row->last.err || !same_kind(&row->t, &like->t))
			continue;
		if (!best || io_figure(row, which) < io_figure(best, which))
			best = row;
	}
	return best;
}

/* What tells the rows apart; only what there is more than one of. */
static void label(const struct io_bench *b, const struct io_row *row)
{
	char text[32];

	printf("%-21s %-5s ", row ? row->t.path->name : "path",
	       row ? bench_cache_name(row->t.cache) : "cache");
	if (b->size.nr > 1)
		printf("%9s ", row ? out_bytes(row->t.size, text, sizeof(text)) : "size");
	if (b->request.nr > 1)
		printf("%9s ", row ? out_bytes(row->t.request, text, sizeof(text)) : "request");
	if (b->lanes.nr > 1 && row)
		printf("%5u ", row->t.lanes);
	else if (b->lanes.nr > 1)
		printf("%5s ", "conns");
}

static double per_gib(const struct io_row *row, uint64_t ns)
{
	return bench_per_mib(ns, row->t.size) * 1024 / 1e9;
}

static struct io_row *sendfile_like(struct io_bench *b, const struct io_row *like)
{
	unsigned int i;

	for (i = 0; i < b->nr; i++) {
		struct io_row *row = &b->rows[i];

		if (!strcmp(row->t.path->name, "sendfile") && !row->last.err &&
		    same_kind(&row->t, &like->t))
			return row;
	}
	return NULL;
}

/* Of the least that a way of zc has; "-" where that is not known. */
static void show_part(struct io_bench *b, struct io_row *row, enum io_figure which)
{
	struct io_row *zc = best_zc(b, row, which);
	uint64_t own = io_figure(row, which), of = zc ? io_figure(zc, which) : 0;

	if (!of || own == BENCH_UNKNOWN || of == BENCH_UNKNOWN)
		printf(" %7s", "-");
	else
		printf(" %7.2f", (double)own / of);
}

static void show_ratio(struct io_bench *b, struct io_row *row)
{
	struct io_row *zc = best_zc(b, row, IO_CPU), *sendfile = sendfile_like(b, row);
	const char *verdict = "";

	show_part(b, row, IO_CPU);
	show_part(b, row, IO_BUSY);
	if (!zc)
		return;
	if (!row->t.path->zc && cost(row) < cost(zc))
		verdict = " beats zc";
	else if (row->t.path->zc && sendfile && cost(sendfile) < cost(row))
		verdict = " sendfile beats it";
	fputs(verdict, stdout);
}

static void row_text(struct io_bench *b, struct io_row *row)
{
	double spread;
	char text[32];

	label(b, row);
	if (row->last.err) {
		printf("not measured: %s\n", io_why_not(row));
		return;
	}
	spread = bench_runs_spread(&row->runs[IO_CPU]);
	if (bench_method.icount)
		printf("%9.1f ", bench_per_mib(cost(row), row->t.size) / 1000);
	else
		printf("%9.3f ", per_gib(row, cost(row)));
	printf("%7s ", bench_spread_text(spread));
	printf("%9s ", row->last.copied == BENCH_UNKNOWN ? "unknown" :
	       out_bytes(row->last.copied, text, sizeof(text)));
	printf("%9llu ", (unsigned long long)io_figure(row, IO_SYSCALLS));
	printf("%9s", row->last.cache_bytes == BENCH_GROWTH_UNKNOWN ? "unknown" :
	       out_bytes(row->last.cache_bytes > 0 ? row->last.cache_bytes : 0, text,
			 sizeof(text)));
	show_ratio(b, row);
	puts(bench_noisy_text(spread));
}

static void show_costs(struct io_bench *b)
{
	bool any = false, untold = false;
	unsigned int i;

	label(b, NULL);
	printf("%9s %s%9s %9s %9s %7s %7s\n", bench_method.icount ? "kinsn/MiB" : "CPU s/GiB",
	       " spread ", "copied", "syscalls", "+cache", "of zc", "all");
	for (i = 0; i < b->nr; i++) {
		row_text(b, &b->rows[i]);
		any |= !!best_zc(b, &b->rows[i], IO_CPU);
		untold |= b->rows[i].last.cache_bytes == BENCH_GROWTH_UNKNOWN;
	}
	if (any)
		printf("of zc: times the CPU time of the cheapest way of zc, of the sender%s\n"
		       "alone, with all else alike; all: times what all processors of this machine did\n"
		       "meanwhile, the kernel's threads, interrupts and strangers with it, of the way of\n"
		       "zc that has least of that\n", b->peer.host ? "" : " and the receiver");
	if (untold)
		bench_untold_note();
}

/* "-" for what is not known */
static void show_rate(const struct io_row *row, uint64_t ns, int width)
{
	if (ns == BENCH_UNKNOWN)
		printf("%*s ", width, "-");
	else
		printf("%*.3f ", width, per_gib(row, ns));
}

static void show_time(uint64_t ns)
{
	if (ns == BENCH_UNKNOWN)
		printf("%9s ", "-");
	else if (ns < 10000000)
		printf("%6.1f us ", ns / 1e3);
	else
		printf("%6.1f ms ", ns / 1e6);
}

static void show_wide(struct io_bench *b)
{
	unsigned int i;

	putchar('\n');
	label(b, NULL);
	printf("%9s %7s %7s %7s %7s %9s %9s\n", "MiB/s", "user", "system", "softirq", "all",
	       "waits", "preempted");
	for (i = 0; i < b->nr; i++) {
		struct io_row *row = &b->rows[i];

		if (row->last.err)
			continue;
		label(b, row);
		printf("%9.0f ", row->t.size / (io_figure(row, IO_WALL) / 1e9) / (1 << 20));
		show_rate(row, io_figure(row, IO_USER), 7);
		show_rate(row, io_figure(row, IO_SYSTEM), 7);
		show_rate(row, io_figure(row, IO_SOFTIRQ), 7);
		show_rate(row, io_figure(row, IO_BUSY), 7);
		printf("%9llu %9llu\n", (unsigned long long)io_figure(row, IO_VOLUNTARY),
		       (unsigned long long)io_figure(row, IO_INVOLUNTARY));
	}
	printf("user, system: of the sender%s; softirq, all: of this machine; s/GiB.\n"
	       "waits, preempted: context switches\n",
	       b->peer.host ? "" : " and the receiver");
}

static void show_latency(struct io_bench *b)
{
	static const double shares[] = { 0.5, 0.9, 0.99, 0.999 };
	unsigned int i, j;

	putchar('\n');
	label(b, NULL);
	printf("%8s %9s %9s %9s %9s %9s %9s\n", "requests", "1st byte", "p50", "p90", "p99",
	       "p99.9", "max");
	for (i = 0; i < b->nr; i++) {
		struct io_row *row = &b->rows[i];

		if (row->last.err)
			continue;
		label(b, row);
		printf("%8llu ", (unsigned long long)row->latency.count);
		show_time(row->first_byte.count ? bench_latency_at(&row->first_byte, 0.5) :
			  BENCH_UNKNOWN);
		for (j = 0; j < sizeof(shares) / sizeof(*shares); j++)
			show_time(bench_latency_at(&row->latency, shares[j]));
		show_time(row->latency.max);
		putchar('\n');
	}
	printf("from a request to all that it asks for%s; 1st byte: p50\n",
	       b->peer.host ? ", as acknowledged" : ", as received");
}

static void show_neighbour(struct io_bench *b)
{
	uint64_t most = 0;
	char text[32];
	unsigned int i;

	printf("\nneighbour: %s of another file, read by another process before each run (%d)\n",
	       out_bytes(b->own, text, sizeof(text)), b->reads);
	label(b, NULL);
	printf("%9s %6s %9s\n", "evicted", "", "to reread");
	for (i = 0; i < b->nr; i++) {
		struct io_row *row = &b->rows[i];
		uint64_t evicted;

		if (row->last.err)
			continue;
		label(b, row);
		evicted = io_figure(row, IO_EVICTED);
		most = evicted > most ? evicted : most;
		printf("%9s %4.0f %% ", out_bytes(evicted, text, sizeof(text)),
		       100.0 * evicted / b->own);
		show_time(io_figure(row, IO_REREAD));
		putchar('\n');
	}
	if (!most)
		puts("it lost nothing: there is memory for both. A larger FILE or --neighbour,\n"
		     "or a cgroup with less memory, shows what happens where there is not");
}

/* What there is one of, and so is not in the rows. */
static void show_title(const struct io_bench *b)
{
	char text[32];

	if (b->size.nr == 1)
		printf("%s of ", out_bytes(b->size.at[0], text, sizeof(text)));
	printf("%s, TCP ", b->file);
	if (b->peer.host)
		printf("to %s port %s, the sender", b->peer.host, b->peer.port);
	else
		printf("on the loopback, sender and receiver together");
	if (b->request.nr == 1 && b->request.at[0])
		printf(", %s a request", out_bytes(b->request.at[0], text, sizeof(text)));
	if (b->lanes.nr == 1 && b->lanes.at[0] > 1)
		printf(", %llu connections", (unsigned long long)b->lanes.at[0]);
	putchar('\n');
}

static void show_text(struct io_bench *b)
{
	show_title(b);
	show_costs(b);
	if (b->wide)
		show_wide(b);
	if (b->wide || b->request.nr > 1 || b->request.at[0])
		show_latency(b);
	if (b->own)
		show_neighbour(b);
}

/* All of it. */
void io_show(struct io_bench *b)
{
	if (out_json)
		show_json(b);
	else
		show_text(b);
}
