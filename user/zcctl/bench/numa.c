// SPDX-License-Identifier: GPL-2.0-only
/* zcctl bench numa: memory near and far, and processes that are bound. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "numa.h"

static const char numa_help[] =
"usage: zcctl bench numa [OPTION…]\n"
"\n"
"Use memory of each NUMA node from a processor of each, and see that it does lie there\n"
"(move_pages, get_mempolicy):\n"
"\n"
"  zc-read, thp-read      read all of it in a row: a buffer; anonymous memory that is bound\n"
"                         by mbind(), with MADV_HUGEPAGE\n"
"  zc-random, thp-random  follow a chain of cache lines through it, one after the other\n"
"  zc-send                send the buffer to TCP on the loopback, the sender being there\n"
"\n"
"And answer requests, each with 64 KiB of a buffer, whose bytes are read before they are\n"
"sent; by two processes\n"
"\n"
"  unbound                that run where the kernel likes, with memory as it comes\n"
"  thread-pinned          each on a processor, with memory had before they were bound\n"
"  cpu+memory-bound       the same, with memory of the node where they run\n"
"\n"
"  --size N       bytes of memory, a multiple of 2M (default 256M)\n"
"  --accesses N   of a chain (default 1000000)\n"
"  --requests N   of a run (default 2000)\n"
"  --paths A,B    of these (default all)\n"
BENCH_METHOD_HELP
"\n"
"There is no --pin: it goes through the nodes by itself. --tune switches off meanwhile\n"
"that the kernel moves memory to where it is used (numa_balancing).\n"
"\n"
"example:\n"
"  zcctl bench numa --size 1G --repeat 9\n";

static const struct {
	const char *name;
	enum numa_use use;
	bool zc;
} uses[] = {
	{ "zc-read", NUMA_READ, true },
	{ "thp-read", NUMA_READ, false },
	{ "zc-random", NUMA_RANDOM, true },
	{ "thp-random", NUMA_RANDOM, false },
	{ "zc-send", NUMA_SEND, true },
};

#define NR_USES		(sizeof(uses) / sizeof(*uses))

static const char *const bindings[] = { "unbound", "thread-pinned", "cpu+memory-bound" };

#define NR_BINDINGS	(sizeof(bindings) / sizeof(*bindings))

/**
 * struct row - a use, from a node, of a node's memory
 * @name:  as in the report
 * @job:   what is done
 * @from:  node of the processor, or negative: of any
 * @err:   0, or why it was not measured
 * @wall:  time of each run
 * @cpu:   CPU time of each
 * @rate:  requests a second of each
 * @last:  run
 */
struct row {
	const char *name;
	struct numa_job job;
	int from;
	int err;
	struct bench_runs wall;
	struct bench_runs cpu;
	struct bench_runs rate;
	struct numa_told last;
};

struct bench {
	uint64_t size;
	int accesses;
	int requests;
	const char *paths;
	int nodes[POLICY_NODES_MAX];
	unsigned int nr_nodes;
	struct row *rows;
	unsigned int nr;
	unsigned int zc;
};

static bool takes_requests(const struct row *row)
{
	return row->job.use == NUMA_REQUESTS;
}

static bool is_remote(const struct row *row)
{
	return row->from >= 0 && row->job.node >= 0 && row->from != row->job.node;
}

static void measure(struct bench *b)
{
	unsigned int round, i, rounds = bench_method.repeat + 1;

	for (round = 0; round < rounds; round++)
		for (i = 0; i < b->nr; i++) {
			struct row *row = &b->rows[i];

			out_progress(row->name, round * b->nr + i, rounds * b->nr);
			row->err = row->err ?: numa_run(&row->job, &row->last);
			if (!round || row->err)
				continue;
			bench_runs_add(&row->wall, row->last.ns);
			bench_runs_add(&row->cpu, row->last.cpu);
			if (takes_requests(row) && row->last.ns)
				bench_runs_add(&row->rate,
					       row->job.requests * 1e9 / row->last.ns);
		}
	out_progress_end();
}

static double mean(const struct bench_runs *runs)
{
	double sum = 0;
	unsigned int i;

	for (i = 0; i < runs->nr; i++)
		sum += runs->ns[i];
	return runs->nr ? sum / runs->nr : 0;
}

/* By Newton's way: the one use of it is not worth another library. */
static double root(double square)
{
	double guess = square > 1 ? square : 1;
	int i;

	for (i = 0; i < 100; i++)
		guess = (guess + square / guess) / 2;
	return square > 0 ? guess : 0;
}

/* Standard deviation, as far as some of all possible runs tell; negative: one does not. */
static double deviation(const struct bench_runs *runs)
{
	double of = mean(runs), sum = 0;
	unsigned int i;

	if (runs->nr < 2)
		return -1;
	for (i = 0; i < runs->nr; i++)
		sum += (runs->ns[i] - of) * (runs->ns[i] - of);
	return root(sum / (runs->nr - 1));
}

/* What a row is measured in. */
static double figure(struct row *row)
{
	uint64_t wall = bench_runs_median(&row->wall);

	switch (row->job.use) {
	case NUMA_RANDOM:
		return (double)wall / row->job.accesses;
	case NUMA_REQUESTS:
		return mean(&row->rate);
	default:
		return wall ? (double)row->job.size / wall : 0;
	}
}

static const char *unit(const struct row *row)
{
	switch (row->job.use) {
	case NUMA_RANDOM:
		return "ns/access";
	case NUMA_REQUESTS:
		return "requests/s";
	default:
		return "GB/s";
	}
}

static struct row *find(struct bench *b, const char *name, int from, int node)
{
	unsigned int i;

	for (i = 0; i < b->nr; i++)
		if (!strcmp(b->rows[i].name, name) && b->rows[i].from == from &&
		    b->rows[i].job.node == node && !b->rows[i].err)
			return &b->rows[i];
	return NULL;
}

/* How many times the time of local memory, or of who is not bound; 0: that is not known. */
static double of_base(struct bench *b, struct row *row)
{
	struct row *base = takes_requests(row) ? find(b, bindings[0], -1, -1) :
			   find(b, row->name, row->from, row->from);
	uint64_t of = base ? bench_runs_median(&base->wall) : 0;

	return of ? (double)bench_runs_median(&row->wall) / of : 0;
}

/* Is anonymous memory faster than a buffer that is used alike? */
static bool beats_zc(struct bench *b, struct row *row)
{
	struct row *zc;
	char name[32];

	if (row->job.zc)
		return false;
	snprintf(name, sizeof(name), "zc%s", strchr(row->name, '-'));
	zc = find(b, name, row->from, row->job.node);
	return zc && bench_runs_median(&row->wall) < bench_runs_median(&zc->wall);
}

static const char *why_not(const struct row *row)
{
	if (row->err == -EXDEV)
		return "the memory came from another node";
	if (row->err == -ENOMEM)
		return "the node has not so much memory free, or not in hugepages";
	return bench_why_not(row->job.zc, row->err);
}

static void add_node(struct json_object *obj, const char *key, int node)
{
	json_object_object_add(obj, key, node < 0 ? NULL : json_object_new_int(node));
}

static void add_places(struct bench *b, struct json_object *obj, const struct row *row)
{
	struct json_object *places = json_object_new_object();
	char text[16];
	unsigned int i;

	for (i = 0; i < b->nr_nodes; i++) {
		snprintf(text, sizeof(text), "%d", b->nodes[i]);
		out_add_u64(places, text, row->last.bytes[b->nodes[i]]);
	}
	json_object_object_add(obj, "memory_bytes", places);
	add_node(obj, "first_node", row->last.first);
	out_add_u64(obj, "huge_bytes", row->last.huge);
}

static void add_figure(struct json_object *obj, struct row *row)
{
	double sd = deviation(&row->rate);

	switch (row->job.use) {
	case NUMA_RANDOM:
		out_add_u64(obj, "accesses", row->job.accesses);
		out_add_double(obj, "access_ns", figure(row));
		break;
	case NUMA_REQUESTS:
		out_add_u64(obj, "requests", row->job.requests);
		out_add_double(obj, "requests_per_s", figure(row));
		json_object_object_add(obj, "requests_per_s_sd",
				       sd < 0 ? NULL : json_object_new_double(sd));
		bench_row_samples(obj, "requests_per_s", &row->rate);
		break;
	default:
		out_add_double(obj, "gb_per_s", figure(row));
	}
}

static void add_measured(struct bench *b, struct json_object *obj, struct row *row)
{
	out_add_u64(obj, "cpu_ns", bench_runs_median(&row->cpu));
	out_add_u64(obj, "wall_ns", bench_runs_median(&row->wall));
	add_figure(obj, row);
	if (of_base(b, row))
		out_add_double(obj, "of_base", of_base(b, row));
	bench_row_spread(obj, bench_runs_spread(&row->wall), row->wall.nr);
	bench_row_samples(obj, "wall_ns", &row->wall);
	bench_row_samples(obj, "cpu_ns", &row->cpu);
	add_places(b, obj, row);
	out_add_u64(obj, "icount", bench_method.icount);
}

static struct json_object *row_json(struct bench *b, struct row *row)
{
	struct json_object *obj = bench_row("numa", row->name, BENCH_NONE, row->job.size);
	int distance = row->from < 0 || row->job.node < 0 ? -1 :
		       policy_distance(row->from, row->job.node);

	add_node(obj, "cpu_node", row->from);
	add_node(obj, "memory_node", row->job.node);
	add_node(obj, "distance", distance);
	json_object_object_add(obj, "remote", json_object_new_boolean(is_remote(row)));
	out_add_str(obj, "note", bench_virtual());
	if (row->err)
		out_add_str(obj, "error", why_not(row));
	else
		add_measured(b, obj, row);
	return obj;
}

static void show_json(struct bench *b)
{
	struct json_object *rows = json_object_new_array();
	unsigned int i;

	for (i = 0; i < b->nr; i++)
		json_object_array_add(rows, row_json(b, &b->rows[i]));
	bench_environment_add("memory_nodes", json_object_new_int(b->nr_nodes));
	bench_rows_show(rows);
}

/* Where most of it lies, and whether that is all. */
static const char *place(struct bench *b, const struct row *row, char *text, size_t size)
{
	int best = b->nodes[0];
	unsigned int i;

	for (i = 0; i < b->nr_nodes; i++)
		if (row->last.bytes[b->nodes[i]] > row->last.bytes[best])
			best = b->nodes[i];
	snprintf(text, size, "%d%s", best,
		 row->last.bytes[best] == row->job.size ? "" : " mostly");
	return text;
}

static void show_row(struct bench *b, struct row *row)
{
	char from[16] = "any", lies[32] = "any", sd[32] = "", base[32] = "-";
	double spread = bench_runs_spread(&row->wall);

	if (row->from >= 0)
		snprintf(from, sizeof(from), "%d", row->from);
	printf("%-17s %6s ", row->name, from);
	if (row->err) {
		if (row->job.node >= 0)
			snprintf(lies, sizeof(lies), "%d", row->job.node);
		printf("%9s not measured: %s\n", lies, why_not(row));
		return;
	}
	if (takes_requests(row) && deviation(&row->rate) >= 0)
		snprintf(sd, sizeof(sd), "%.1f", deviation(&row->rate));
	if (of_base(b, row))
		snprintf(base, sizeof(base), "%.3f", of_base(b, row));
	printf("%9s %10.2f %-10s %8s %7s %7s%s%s%s\n", place(b, row, lies, sizeof(lies)),
	       figure(row), unit(row), sd, bench_spread_text(spread), base,
	       is_remote(row) ? "  remote" : "", beats_zc(b, row) ? "  beats zc" : "",
	       bench_noisy_text(spread));
}

static void show_text(struct bench *b)
{
	unsigned int i;
	char size[32];

	printf("%s, %u NUMA %s with memory\n", out_bytes(b->size, size, sizeof(size)),
	       b->nr_nodes, b->nr_nodes == 1 ? "node" : "nodes");
	if (b->nr_nodes == 1)
		puts("there is no remote memory here: all is local");
	if (bench_virtual())
		puts(bench_virtual());
	printf("%-17s %6s %9s %10s %-10s %8s %7s %7s\n", "path", "CPU of", "memory of",
	       "figure", "", "std.dev.", "spread", "times");
	for (i = 0; i < b->nr; i++)
		show_row(b, &b->rows[i]);
	puts("any: whatever node; requests/s: mean of the runs; times: the time, of that of local\n"
	     "memory, or of requests of who is bound nowhere");
}

/* One processor of a node, another for the receiver if there is one; else one elsewhere. */
static bool choose_cpus(struct numa_job *job, int node)
{
	cpu_set_t cpus;
	int cpu, found = 0;

	if (!policy_node_cpus(node, &cpus))
		return false;
	CPU_ZERO(&job->cpus[0]);
	CPU_ZERO(&job->cpus[1]);
	for (cpu = 0; cpu < CPU_SETSIZE && found < 2; cpu++)
		if (CPU_ISSET(cpu, &cpus))
			CPU_SET(cpu, &job->cpus[found++]);
	if (found == 2 || sched_getaffinity(0, sizeof(cpus), &cpus))
		return true;
	for (cpu = 0; cpu < CPU_SETSIZE && found < 2; cpu++)
		if (CPU_ISSET(cpu, &cpus) && !CPU_ISSET(cpu, &job->cpus[0]))
			CPU_SET(cpu, &job->cpus[found++]);
	if (found < 2)
		job->cpus[1] = job->cpus[0];
	return true;
}

static struct row *new_row(struct bench *b, const char *name, enum numa_use use, bool zc)
{
	struct row *row = &b->rows[b->nr++];

	*row = (struct row){ .name = name, .from = -1 };
	row->job = (struct numa_job){
		.use = use,
		.zc = zc,
		.node = -1,
		.size = b->size,
		.accesses = b->accesses,
		.requests = b->requests,
	};
	b->zc += zc;
	return row;
}

/* From a node with processors, to one with memory. */
static void add_pair(struct bench *b, int from, int node)
{
	struct numa_job job;
	unsigned int i;

	if (!choose_cpus(&job, from))
		return;
	for (i = 0; i < NR_USES; i++) {
		struct row *row;

		if (!bench_listed(b->paths, uses[i].name))
			continue;
		row = new_row(b, uses[i].name, uses[i].use, uses[i].zc);
		row->from = from;
		row->job.node = node;
		memcpy(row->job.cpus, job.cpus, sizeof(job.cpus));
	}
}

/* The bound ones are on the first node that has processors and memory. */
static void add_requests(struct bench *b)
{
	unsigned int i, home = 0;
	struct numa_job job;

	while (home < b->nr_nodes && !choose_cpus(&job, b->nodes[home]))
		home++;
	for (i = 0; i < NR_BINDINGS; i++) {
		struct row *row;

		if (!bench_listed(b->paths, bindings[i]) || (i && home == b->nr_nodes))
			continue;
		row = new_row(b, bindings[i], NUMA_REQUESTS, true);
		if (i) {
			row->from = b->nodes[home];
			memcpy(row->job.cpus, job.cpus, sizeof(job.cpus));
		} else if (!sched_getaffinity(0, sizeof(cpu_set_t), &row->job.cpus[0])) {
			row->job.cpus[1] = row->job.cpus[0];
		}
		if (i == 2)
			row->job.node = b->nodes[home];
	}
}

static int check_paths(const struct bench *b)
{
	struct bench_names names = { .list = b->paths };
	unsigned int i;

	for (i = 0; i < NR_USES; i++)
		bench_names_add(&names, uses[i].name);
	for (i = 0; i < NR_BINDINGS; i++)
		bench_names_add(&names, bindings[i]);
	return bench_names_check(&names, "bench numa: --paths");
}

static int add_rows(struct bench *b)
{
	unsigned int i, k;
	int ret = check_paths(b);

	if (ret)
		return ret;
	b->nr_nodes = policy_nodes(b->nodes);
	b->rows = calloc(b->nr_nodes * b->nr_nodes * NR_USES + NR_BINDINGS, sizeof(*b->rows));
	if (!b->rows)
		return out_error(EX_FAILED, ENOMEM, NULL, "bench numa");
	for (i = 0; i < b->nr_nodes; i++)
		for (k = 0; k < b->nr_nodes; k++)
			add_pair(b, b->nodes[i], b->nodes[k]);
	add_requests(b);
	return b->nr ? EX_OK : out_error(EX_FAILED, 0, NULL, "no node has processors and memory");
}

static int run(struct bench *b)
{
	struct bench_tally tally = {};
	unsigned int i;
	int ret = add_rows(b) ?: bench_need_module(b->zc, b->nr - b->zc) ?: bench_tune_balancing();

	if (ret)
		return ret;
	bench_unpin();
	measure(b);
	if (out_json)
		show_json(b);
	else
		show_text(b);
	for (i = 0; i < b->nr; i++)
		bench_tally_row(&tally, b->rows[i].job.zc,
				b->rows[i].err ? why_not(&b->rows[i]) : NULL);
	return bench_tally_verdict(&tally, b->paths);
}

int bench_numa(int argc, char **argv)
{
	struct bench b = { .size = 256ull << 20, .accesses = 1000000, .requests = 2000 };
	const struct bench_option options[] = {
		{ "size", BENCH_SIZE, &b.size, 0, ZC_HUGE_SIZE },
		{ "accesses", BENCH_NUMBER, &b.accesses, 1000000000, 0 },
		{ "requests", BENCH_NUMBER, &b.requests, 1000000000, 0 },
		{ "paths", BENCH_TEXT, &b.paths, 0, 0 },
		{ },
	};
	int ret = bench_options("bench numa", numa_help, options, argc, argv);

	if (ret != BENCH_OPTION_TAKEN)
		return ret;
	if (argc != optind)
		return out_usage("bench numa: takes no file");
	if (bench_method.pin)
		return out_usage("bench numa: takes no --pin: it goes through the nodes by itself");
	ret = bench_method_begin() ?: run(&b);
	free(b.rows);
	return ret;
}
