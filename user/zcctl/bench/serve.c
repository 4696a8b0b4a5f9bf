// SPDX-License-Identifier: GPL-2.0-only
/* zcctl bench serve: many connections, a server with buffers that are used again. */
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "serve.h"

#define REQUESTS	10000
#define EACH		5	/* by default, for each connection */
#define FILES		64
#define FILES_MAX	20000
#define POOL		64

static const char serve_help[] =
"usage: zcctl bench serve FILE|DIR [OPTION…]\n"
"\n"
"Serve parts of FILE, or files made in DIR, to many connections at once, over TCP on the\n"
"loopback. The server has sockets that do not block, epoll, and a thread for each of its\n"
"processors; the client has one for all its connections. Each of these asks for a part by\n"
"16 bytes, takes it, throws it away, and asks for the next. What is measured is what the\n"
"client sees: requests a second, and how long each took. The first request of each\n"
"connection does not count.\n"
"\n"
"  --connections A,B  at once (default 10,100,1000; up to 10000)\n"
"  --size A,B         bytes of a part (default 64K)\n"
"  --paths A,B        some paths only (default: all)\n"
"  --cache S          cold, hot or both (default both): what is in the page cache before\n"
"                     each run. When it is cold, no part is asked for twice: FILE should\n"
"                     have as many parts as there are requests, or there are fewer requests\n"
"  --requests N       in all (default 10000, and not less than 5 for each connection)\n"
"  --seconds S        ask for so long instead\n"
"  --files N          parts that are asked for, in turn, when the cache is hot (default 64)\n"
"  --pool N           buffers of 1 MiB for each thread of the path copy-pool (default 64)\n"
"  --threads N        of the server (default: one for each processor but one, which is\n"
"                     the client's)\n"
"  --verify           compare what comes with the source: a test, and no measurement\n"
BENCH_METHOD_HELP
"\n"
"paths: copy-own copy-pool sendfile zc-auto zc-direct zc-async zc-buffer\n"
"  copy-own   read and write by a buffer of 32 KiB, from malloc() for each request\n"
"  copy-pool  by one of the pool, 1 MiB and page-aligned; who finds none waits for one\n"
"  zc-async   transfers without waiting (ZC_SEND_ASYNC); events tell of their end\n"
"  zc-buffer  all parts in a sealed buffer\n"
"\n"
"examples:\n"
"  zcctl bench serve /dev/nvme0n1\n"
"  zcctl bench serve /var/tmp --connections 1000 --cache hot --paths sendfile,zc-auto\n";

/**
 * struct bench - what the options say
 * @source:         file or folder
 * @connections:    at once
 * @nr_connections: their number
 * @sizes:          of a part
 * @nr_sizes:       their number
 * @paths:          some only, or NULL
 * @cold:           measure so
 * @hot:            and so
 * @requests:       0: by the number of connections
 * @seconds:        0: by requests
 * @files:          parts when hot
 * @pool:           buffers of a thread
 * @threads:        of the server; 0: by the number of processors
 * @verify:         compare
 * @rows:           of the report
 * @nr:             rows
 */
struct bench {
	const char *source;
	uint64_t connections[BENCH_SIZES_MAX];
	unsigned int nr_connections;
	uint64_t sizes[BENCH_SIZES_MAX];
	unsigned int nr_sizes;
	const char *paths;
	bool cold;
	bool hot;
	int requests;
	int seconds;
	int files;
	int pool;
	int threads;
	bool verify;
	struct serve_row *rows;
	unsigned int nr;
};

static uint64_t requests_of(const struct bench *b, unsigned int connections)
{
	uint64_t nr = b->requests;

	if (b->seconds)
		return UINT64_MAX;
	if (!nr) {
		nr = EACH * connections;
		nr = nr < REQUESTS ? REQUESTS : nr;
	}
	return nr < connections ? connections : nr;
}

/* For the most of all rows, and one that does not count. */
static unsigned int files_wanted(const struct bench *b)
{
	uint64_t most = b->files;
	unsigned int i;

	for (i = 0; i < b->nr_connections && b->cold; i++) {
		uint64_t nr = requests_of(b, b->connections[i]);

		most = nr > most ? nr : most;
	}
	return (most > FILES_MAX ? FILES_MAX : most) + 1;
}

/* Cold, each part is asked for once. */
static int fit(struct serve_row *row, const struct serve_source *src, const struct bench *b)
{
	struct serve_job *job = &row->job;
	uint64_t wanted = job->cache == BENCH_COLD ? job->requests : (uint64_t)b->files;

	job->source = src;
	job->parts = src->nr;
	if (wanted < src->nr)
		job->parts = wanted + 1;
	if (job->cache != BENCH_COLD)
		return 0;
	if (src->nr <= job->connections)
		return -ENODATA;
	if (job->requests > src->nr - 1)
		job->requests = src->nr - 1;
	return 0;
}

static void measure_row(struct serve_row *row, struct serve_shared *sh, bool counted)
{
	int i;

	serve_run(&row->job, sh, &row->last);
	if (!counted || row->last.err)
		return;
	for (i = 0; i < SERVE_FIGURES; i++)
		bench_runs_add(&row->figures[i], row->last.figures[i]);
	bench_latency_merge(&row->latency, &sh->latency);
	bench_latency_merge(&row->first, &sh->first);
	row->full += row->last.counts.full;
	row->leaked += row->last.leaked;
}

/* The rows in turn, so that a drift of the machine hits all alike. */
static void measure_size(struct serve_row *rows, unsigned int nr, struct serve_shared *sh)
{
	unsigned int i, total = (bench_method.repeat + 1) * nr;
	int round;

	for (round = 0; round <= bench_method.repeat; round++) {
		for (i = 0; i < nr; i++) {
			out_progress(rows[i].job.path->name, round * nr + i, total);
			if (!rows[i].last.err)
				measure_row(&rows[i], sh, round);
		}
	}
	out_progress_end();
}

static int measure(struct bench *b, struct serve_shared *sh)
{
	unsigned int size, i, each = b->nr / b->nr_sizes;

	for (size = 0; size < b->nr_sizes; size++) {
		struct serve_row *rows = b->rows + size * each;
		struct serve_source src;
		int err = serve_source_open(&src, b->source, b->sizes[size], files_wanted(b));

		for (i = 0; i < each && !err; i++)
			rows[i].last.err = fit(&rows[i], &src, b);
		if (!err)
			measure_size(rows, each, sh);
		serve_source_close(&src);
		if (err)
			return out_error(EX_FAILED, -err, err == -ENODATA ?
					 "a larger file, or a smaller --size" : NULL,
					 "cannot serve parts of %s", b->source);
	}
	return EX_OK;
}

static void add_row(struct bench *b, const struct serve_path *path, enum bench_cache cache,
		    unsigned int connections, uint64_t size)
{
	b->rows[b->nr++].job = (struct serve_job){
		.path = path,
		.size = size,
		.cache = path->memory ? BENCH_NONE : cache,
		.connections = connections,
		.threads = (unsigned int)b->threads < connections ? (unsigned int)b->threads :
								    connections,
		.requests = requests_of(b, connections),
		.run_ns = b->seconds * 1000000000ull,
		.pool = b->pool,
		.verify = b->verify,
	};
}

/* In the order in which they are to be compared: paths beside each other. */
static int add_rows(struct bench *b)
{
	unsigned int size, nr, path, found = 0;

	b->rows = calloc(b->nr_sizes * b->nr_connections * serve_nr_paths * 2,
			 sizeof(*b->rows));
	if (!b->rows)
		return out_error(EX_FAILED, ENOMEM, NULL, "bench");
	for (path = 0; path < serve_nr_paths; path++)
		found += bench_listed(b->paths, serve_paths[path].name);
	if (b->paths && found != bench_list_length(b->paths))
		return out_usage("bench serve: --paths of copy-own, copy-pool, sendfile, "
				 "zc-auto, zc-direct, zc-async and zc-buffer");
	for (size = 0; size < b->nr_sizes; size++) {
		for (nr = 0; nr < b->nr_connections; nr++) {
			for (path = 0; path < 2 * serve_nr_paths; path++) {
				const struct serve_path *p = &serve_paths[path % serve_nr_paths];
				bool hot = path >= serve_nr_paths;

				if (bench_listed(b->paths, p->name) &&
				    (p->memory ? hot : hot ? b->hot : b->cold))
					add_row(b, p, hot ? BENCH_HOT : BENCH_COLD,
						b->connections[nr], b->sizes[size]);
			}
		}
	}
	return EX_OK;
}

/* One processor is the client's. */
static void choose_threads(struct bench *b)
{
	unsigned int cpus = bench_cpus();

	if (!b->threads)
		b->threads = cpus > 1 ? cpus - 1 : 1;
}

static int need_files(const struct bench *b)
{
	unsigned long most = 0;
	unsigned int i;
	int err;

	for (i = 0; i < b->nr_connections; i++)
		most = b->connections[i] > most ? b->connections[i] : most;
	err = bench_need_files(most + files_wanted(b) + 256);
	return !err ? EX_OK : out_error(EX_FAILED, -err, "raise ulimit -n, or --connections less",
					"cannot have %lu connections", most);
}

/* What can be measured is shown all the same. */
static int report(struct bench *b)
{
	unsigned int i, failed = 0;
	struct zc_context *ctx;
	bool device = true;

	serve_show(b->rows, b->nr);
	for (i = 0; i < b->nr; i++) {
		failed += !!b->rows[i].last.err;
		if (b->rows[i].job.path->zc && b->rows[i].last.err)
			device = false;
	}
	if (!device) {
		int ret = device_open(&ctx);

		if (ret)
			return ret;
		zc_close(ctx);
	}
	return failed < b->nr ? EX_OK : out_error(EX_FAILED, -b->rows[0].last.err, NULL,
						  "no path could be measured");
}

static int run(struct bench *b)
{
	struct serve_shared *sh;
	int ret;

	choose_threads(b);
	ret = add_rows(b) ?: need_files(b);
	if (ret)
		return ret;
	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		  -1, 0);
	if (sh == MAP_FAILED)
		return out_error(EX_FAILED, errno, NULL, "bench");
	ret = measure(b, sh);
	munmap(sh, sizeof(*sh));
	return ret ? ret : report(b);
}

static int parse_connections(struct bench *b, const char *text)
{
	unsigned int i;
	bool good = bench_parse_sizes(text, b->connections, &b->nr_connections);

	for (i = 0; good && i < b->nr_connections; i++)
		good = b->connections[i] <= SERVE_CONNECTIONS_MAX;
	return good ? EX_OK : out_usage("bench serve: --connections 1 to %d, by commas",
					SERVE_CONNECTIONS_MAX);
}

static int parse_sizes(struct bench *b, const char *text)
{
	unsigned int i;
	bool good = bench_parse_sizes(text, b->sizes, &b->nr_sizes);

	for (i = 0; good && i < b->nr_sizes; i++)
		good = b->sizes[i] <= SERVE_SPAN;
	return good ? EX_OK : out_usage("bench serve: bad --size");
}

static int parse_cache(struct bench *b, const char *text)
{
	b->cold = !strcmp(text, "cold") || !strcmp(text, "both");
	b->hot = !strcmp(text, "hot") || !strcmp(text, "both");
	return b->cold || b->hot ? EX_OK :
				   out_usage("bench serve: --cache cold, hot or both");
}

static int parse_number(const char *option, int most, int *val)
{
	return parse_int(optarg, 1, most, val) ? EX_OK :
	       out_usage("bench serve: %s 1 to %d", option, most);
}

static int parse_option(struct bench *b, int c)
{
	switch (c) {
	case 'n':
		return parse_connections(b, optarg);
	case 's':
		return parse_sizes(b, optarg);
	case 'c':
		return parse_cache(b, optarg);
	case 'P':
		b->paths = optarg;
		return EX_OK;
	case 'r':
		return parse_number("--requests", INT32_MAX, &b->requests);
	case 'S':
		return parse_number("--seconds", 3600, &b->seconds);
	case 'f':
		return parse_number("--files", FILES_MAX, &b->files);
	case 'p':
		return parse_number("--pool", 65536, &b->pool);
	case 't':
		return parse_number("--threads", CPU_SETSIZE, &b->threads);
	default:
		b->verify = true;
		return EX_OK;
	}
}

static const struct option options[] = {
	{ "connections", required_argument, NULL, 'n' },
	{ "size", required_argument, NULL, 's' },
	{ "paths", required_argument, NULL, 'P' },
	{ "cache", required_argument, NULL, 'c' },
	{ "requests", required_argument, NULL, 'r' },
	{ "seconds", required_argument, NULL, 'S' },
	{ "files", required_argument, NULL, 'f' },
	{ "pool", required_argument, NULL, 'p' },
	{ "threads", required_argument, NULL, 't' },
	{ "verify", no_argument, NULL, 'v' },
	{ },
};

int bench_serve(int argc, char **argv)
{
	static struct bench b = { .cold = true, .hot = true, .files = FILES, .pool = POOL };
	int c, ret;

	bench_parse_sizes("10,100,1000", b.connections, &b.nr_connections);
	bench_parse_sizes("64K", b.sizes, &b.nr_sizes);
	while ((c = bench_getopt(argc, argv, options)) != -1) {
		if (c == 'h') {
			fputs(serve_help, stdout);
			return EX_OK;
		}
		if (c < 256 && c != ':' && c != '?') {
			ret = parse_option(&b, c);
			if (ret)
				return ret;
			continue;
		}
		ret = bench_method_option("bench serve", c, argv);
		if (ret != BENCH_OPTION_TAKEN)
			return ret;
	}
	if (argc != optind + 1)
		return out_usage("bench serve: one file, block device or folder, please");
	if (b.requests && b.seconds)
		return out_usage("bench serve: --requests or --seconds, not both");
	b.source = argv[optind];
	ret = bench_method_begin() ?: run(&b);
	free(b.rows);
	return ret;
}
