// SPDX-License-Identifier: GPL-2.0-only
/* zcctl bench serve: many connections, a server with buffers that are used again. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
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
 * @sizes:          of a part
 * @paths:          some only, or NULL
 * @cache:          how it is before
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
	struct bench_list connections;
	struct bench_list sizes;
	const char *paths;
	struct bench_states cache;
	int requests;
	int seconds;
	int files;
	int pool;
	int threads;
	bool verify;
	uint64_t key;
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

	for (i = 0; i < b->connections.nr && b->cache.cold; i++) {
		uint64_t nr = requests_of(b, b->connections.at[i]);

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
	unsigned int size, i, each = b->nr / b->sizes.nr;

	for (size = 0; size < b->sizes.nr; size++) {
		struct serve_row *rows = b->rows + size * each;
		struct serve_source src;
		int err = serve_source_open(&src, b->source, b->sizes.at[size], files_wanted(b));

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
		.key = b->key,
	};
}

/* In the order in which they are to be compared: paths beside each other. */
static int add_rows(struct bench *b)
{
	struct bench_names names = { .list = b->paths };
	unsigned int size, nr, path;

	b->rows = calloc(b->sizes.nr * b->connections.nr * serve_nr_paths * 2,
			 sizeof(*b->rows));
	if (!b->rows)
		return out_error(EX_FAILED, ENOMEM, NULL, "bench");
	for (path = 0; path < serve_nr_paths; path++)
		bench_names_add(&names, serve_paths[path].name);
	for (size = 0; size < b->sizes.nr; size++) {
		for (nr = 0; nr < b->connections.nr; nr++) {
			for (path = 0; path < 2 * serve_nr_paths; path++) {
				const struct serve_path *p = &serve_paths[path % serve_nr_paths];
				bool hot = path >= serve_nr_paths;

				if (bench_listed(b->paths, p->name) &&
				    (p->memory ? hot : hot ? b->cache.hot : b->cache.cold))
					add_row(b, p, hot ? BENCH_HOT : BENCH_COLD,
						b->connections.at[nr], b->sizes.at[size]);
			}
		}
	}
	return bench_names_check(&names, "bench serve: --paths");
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

	for (i = 0; i < b->connections.nr; i++)
		most = b->connections.at[i] > most ? b->connections.at[i] : most;
	most += files_wanted(b) + 256;
	err = bench_need_files(most);
	return !err ? EX_OK : out_error(EX_FAILED, -err,
					"raise ulimit -n and fs.nr_open, or have fewer --requests (not --seconds),\n"
					"  --connections, or --cache hot: a cold part is a file of its own",
					"cannot have %lu files open", most);
}

/* What is no folder has to be a file. Returns an exit code. */
static int check_source(const char *path)
{
	struct stat st;
	uint64_t size;
	int fd, ret;

	if (!stat(path, &st) && S_ISDIR(st.st_mode))
		return EX_OK;
	ret = file_open(path, &fd, &size);
	if (!ret)
		close(fd);
	return ret;
}

/* What can be measured is shown all the same. */
static int report(struct bench *b)
{
	struct bench_tally tally = {};
	unsigned int i;

	serve_show(b->rows, b->nr);
	for (i = 0; i < b->nr; i++)
		bench_tally_row(&tally, b->rows[i].job.path->zc,
				b->rows[i].last.err ? serve_why_not(&b->rows[i]) : NULL);
	return bench_tally_verdict(&tally, b->paths);
}

static int run(struct bench *b)
{
	struct serve_shared *sh;
	int ret;

	if (getrandom(&b->key, sizeof(b->key), 0) != sizeof(b->key))
		return out_error(EX_FAILED, errno, NULL, "bench serve");
	choose_threads(b);
	ret = check_source(b->source) ?: add_rows(b) ?: need_files(b);
	if (ret)
		return ret;
	sh = bench_shared(sizeof(*sh));
	if (!sh)
		return out_error(EX_FAILED, errno, NULL, "bench");
	ret = measure(b, sh);
	munmap(sh, sizeof(*sh));
	return ret ? ret : report(b);
}

int bench_serve(int argc, char **argv)
{
	static struct bench b = {
		.connections = { .at = { 10, 100, 1000 }, .nr = 3 },
		.sizes = { .at = { 64 << 10 }, .nr = 1 },
		.cache = { true, true },
		.files = FILES,
		.pool = POOL,
	};
	const struct bench_option options[] = {
		{ "connections", BENCH_NUMBERS, &b.connections, SERVE_CONNECTIONS_MAX, 0 },
		{ "size", BENCH_SIZES, &b.sizes, SERVE_SPAN, 0 },
		{ "paths", BENCH_TEXT, &b.paths, 0, 0 },
		{ "cache", BENCH_STATES, &b.cache, 0, 0 },
		{ "requests", BENCH_NUMBER, &b.requests, 0, 0 },
		{ "seconds", BENCH_NUMBER, &b.seconds, 3600, 0 },
		{ "files", BENCH_NUMBER, &b.files, FILES_MAX, 0 },
		{ "pool", BENCH_NUMBER, &b.pool, 65536, 0 },
		{ "threads", BENCH_NUMBER, &b.threads, CPU_SETSIZE, 0 },
		{ "verify", BENCH_FLAG, &b.verify, 0, 0 },
		{ },
	};
	int ret = bench_options("bench serve", serve_help, options, argc, argv);

	if (ret != BENCH_OPTION_TAKEN)
		return ret;
	if (argc != optind + 1)
		return out_usage("bench serve: one file, block device or folder, please");
	if (b.requests && b.seconds)
		return out_usage("bench serve: --requests or --seconds, not both");
	b.source = argv[optind];
	ret = bench_method_begin() ?: run(&b);
	free(b.rows);
	return ret;
}
