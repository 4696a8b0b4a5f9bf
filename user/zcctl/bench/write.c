// SPDX-License-Identifier: GPL-2.0-only
/* zcctl bench write: writers, and the buffers that they write from. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "write.h"

static const char write_help[] =
"usage: zcctl bench write [OPTION…] [DIR]\n"
"\n"
"Get a buffer, fill it, write() it and give it back, again and again, in one process or in\n"
"several at once, and show what the buffer costs and what the write does, each by itself:\n"
"\n"
"  fresh    mmap() and munmap() each time: page faults, and memory to clear\n"
"  malloc   malloc() and free() each time\n"
"  aligned  posix_memalign(), aligned to a page, and free() each time\n"
"  kept     one that is aligned to a page and kept: what a pool can do at best\n"
"  vmsplice one out of as many as a pipe takes, twice, by reference instead of write():\n"
"           for a pipe alone, and for programs that know when its reader is done\n"
"  zc       a buffer of zc made, mapped, unmapped and destroyed each time\n"
"  zc-kept  one out of a pool of mapped buffers of zc in the process\n"
"  zc-writer  in place in the buffer of libzc's writer, zc_writer_new(): it chooses how much is\n"
"           written at a time, so that some calls write what several have made\n"
"\n"
"All fill it alike, 8 bytes of each 64, as a program would that makes data: so the buffer of\n"
"kept costs no more than that.\n"
"\n"
"  --to A,B         what is written to (default pipe,file,null): a pipe with a reader that\n"
"                   splices to /dev/null, and copies nothing; a file of each process's own in\n"
"                   DIR (default $TMPDIR or /tmp), overwritten in place; /dev/null\n"
"  --size A,B       bytes of a write, multiples of 4K up to 1G (default 4K,64K,1M)\n"
"  --processes A,B  at once (default 1,2)\n"
"  --count N        writes in a run (default 1000)\n"
"  --paths A,B      of these (default all)\n"
"  --verify         compare what comes with what was written: a test, and no measurement\n"
BENCH_METHOD_HELP
"\n"
"Buffers of zc of up to 1 MiB are parts of a hugepage. --tune switches off meanwhile that the\n"
"kernel takes pages away to see who uses them (numa_balancing), which are faults, too. A file\n"
"is gone when the benchmark ends, however it ends.\n"
"\n"
"examples:\n"
"  zcctl bench write --size 64K --to pipe\n"
"  zcctl bench write --size 64K --to file --processes 1,2,4 /var/tmp\n";

struct bench {
	const char *dir;
	const char *to;
	const char *paths;
	struct bench_list sizes;
	struct bench_list processes;
	int count;
	bool verify;
	int files[WRITE_PROCESSES_MAX];
	unsigned int nr_files;
	unsigned int nr;
	struct write_row *rows;
};

static void measure(struct bench *b)
{
	unsigned int round, i;

	for (round = 0; round < (unsigned int)bench_method.repeat; round++)
		for (i = 0; i < b->nr; i++) {
			struct write_row *row = &b->rows[i];

			out_progress("measuring", round * b->nr + i, bench_method.repeat * b->nr);
			if (row->err)
				continue;
			write_run(&row->job, &row->latency, &row->last);
			row->err = row->last.err;
			if (row->err)
				continue;
			bench_runs_add(&row->cost, row->last.cpu);
			bench_runs_add(&row->wall, row->last.wall);
			bench_runs_add(&row->get, row->last.get);
			bench_runs_add(&row->write, row->last.write);
		}
	out_progress_end();
}

/* Those of a case stand together, by which the report sets them side by side. */
static void add_rows_of(struct bench *b, enum write_to to, uint64_t size, unsigned int processes)
{
	unsigned int repeat = bench_method.repeat, way;

	for (way = 0; way < write_nr_ways; way++) {
		if (!bench_listed(b->paths, write_ways[way].name) ||
		    (write_ways[way].refer && to != WRITE_PIPE))
			continue;
		b->rows[b->nr++].job = (struct write_job){
			.way = &write_ways[way],
			.to = to,
			.files = b->files,
			.size = size,
			.count = b->count,
			.timed = (b->count + repeat - 1) / repeat,
			.processes = processes,
			.verify = b->verify,
		};
	}
}

static int add_rows(struct bench *b)
{
	unsigned int to, size, i;

	b->rows = calloc(WRITE_SINKS * b->sizes.nr * b->processes.nr * write_nr_ways,
			 sizeof(*b->rows));
	if (!b->rows)
		return out_error(EX_FAILED, ENOMEM, NULL, "bench write");
	for (to = 0; to < WRITE_SINKS; to++)
		for (size = 0; bench_listed(b->to, write_sinks[to]) && size < b->sizes.nr; size++)
			for (i = 0; i < b->processes.nr; i++)
				add_rows_of(b, to, b->sizes.at[size], b->processes.at[i]);
	return b->nr ? EX_OK : out_usage("bench write: vmsplice is for --to pipe alone");
}

static int check_names(const struct bench *b)
{
	struct bench_names paths = { .list = b->paths }, sinks = { .list = b->to };
	unsigned int i;

	for (i = 0; i < write_nr_ways; i++)
		bench_names_add(&paths, write_ways[i].name);
	for (i = 0; i < WRITE_SINKS; i++)
		bench_names_add(&sinks, write_sinks[i]);
	return bench_names_check(&paths, "bench write: --paths") ?:
	       bench_names_check(&sinks, "bench write: --to");
}

static uint64_t most(const struct bench_list *of)
{
	uint64_t most = 0;
	unsigned int i;

	for (i = 0; i < of->nr; i++)
		most = of->at[i] > most ? of->at[i] : most;
	return most;
}

/* One for each process, long enough for all sizes; they have no name any more. */
static int make_files(struct bench *b)
{
	uint64_t size = most(&b->sizes);
	char number[32];
	const char *name;
	int fd;

	size = size < WRITE_REGION ? WRITE_REGION : size;
	while (b->nr_files < most(&b->processes)) {
		fd = write_file_make(b->dir, size);
		if (fd < 0)
			return out_error(EX_FAILED, -fd, "bench write takes another folder",
					 "cannot make a file in %s", b->dir);
		b->files[b->nr_files++] = fd;
	}
	name = write_file_system(b->files[0], number, sizeof(number));
	bench_environment_add("file_system", json_object_new_string(name));
	return EX_OK;
}

/* Shared with the processes, and used by one row after the other. */
static int add_shared(struct bench *b)
{
	struct write_told *told = bench_shared(WRITE_PROCESSES_MAX * sizeof(*told));
	unsigned int i;

	if (!told)
		return out_error(EX_FAILED, ENOMEM, NULL, "bench write");
	for (i = 0; i < b->nr; i++)
		b->rows[i].job.told = told;
	return EX_OK;
}

static int run(struct bench *b)
{
	struct bench_tally tally = {};
	unsigned int i, zc = 0;
	int ret = check_names(b) ?: add_rows(b);

	if (ret)
		return ret;
	for (i = 0; i < b->nr; i++)
		zc += b->rows[i].job.way->zc;
	ret = bench_need_module(zc, b->nr - zc) ?: bench_tune_balancing() ?: add_shared(b);
	if (!ret && bench_listed(b->to, write_sinks[WRITE_FILE]))
		ret = make_files(b);
	if (ret)
		return ret;
	measure(b);
	if (out_json)
		write_show_json(b->rows, b->nr);
	else
		write_show_text(b->rows, b->nr);
	for (i = 0; i < b->nr; i++)
		bench_tally_row(&tally, b->rows[i].job.way->zc,
				b->rows[i].err ? write_why_not(&b->rows[i]) : NULL);
	return bench_tally_verdict(&tally, b->paths);
}

static void clean_up(struct bench *b)
{
	while (b->nr_files)
		close(b->files[--b->nr_files]);
	free(b->rows);
}

int bench_write(int argc, char **argv)
{
	static struct bench b = {
		.count = 1000,
		.sizes = { { 4 << 10, 64 << 10, 1 << 20 }, 3 },
		.processes = { { 1, 2 }, 2 },
	};
	const struct bench_option options[] = {
		{ "to", BENCH_TEXT, &b.to, 0, 0 },
		{ "size", BENCH_SIZES, &b.sizes, WRITE_SIZE_MAX, WRITE_UNIT },
		{ "processes", BENCH_NUMBERS, &b.processes, WRITE_PROCESSES_MAX, 0 },
		{ "count", BENCH_NUMBER, &b.count, 1000000, 0 },
		{ "paths", BENCH_TEXT, &b.paths, 0, 0 },
		{ "verify", BENCH_FLAG, &b.verify, 0, 0 },
		{ },
	};
	int ret = bench_options("bench write", write_help, options, argc, argv);
	const char *tmp = getenv("TMPDIR");

	if (ret != BENCH_OPTION_TAKEN)
		return ret;
	if (argc > optind + 1)
		return out_usage("bench write: one folder at most");
	b.dir = argc > optind ? argv[optind] : tmp && *tmp ? tmp : "/tmp";
	ret = bench_method_begin() ?: run(&b);
	clean_up(&b);
	return ret;
}
