// SPDX-License-Identifier: GPL-2.0-only
/* zcctl bench write: writers, and the buffers that they write from. */
#include <errno.h>
#include <getopt.h>
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
"\n"
"All fill it alike, 8 bytes of each 64, as a program would that makes data: so the buffer of\n"
"kept costs no more than that.\n"
"\n"
"  --to A,B         what is written to (default pipe,file,null): a pipe with a reader that\n"
"                   splices to /dev/null, and copies nothing; a file of each process's own in\n"
"                   DIR (default $TMPDIR or /tmp), overwritten in place; /dev/null\n"
"  --size A,B       bytes of a write, multiples of 4K (default 4K,64K,1M)\n"
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
	uint64_t sizes[BENCH_SIZES_MAX];
	unsigned int nr_sizes;
	uint64_t processes[BENCH_SIZES_MAX];
	unsigned int nr_processes;
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

	b->rows = calloc(WRITE_SINKS * b->nr_sizes * b->nr_processes * write_nr_ways,
			 sizeof(*b->rows));
	if (!b->rows)
		return out_error(EX_FAILED, ENOMEM, NULL, "bench write");
	for (to = 0; to < WRITE_SINKS; to++)
		for (size = 0; bench_listed(b->to, write_sinks[to]) && size < b->nr_sizes; size++)
			for (i = 0; i < b->nr_processes; i++)
				add_rows_of(b, to, b->sizes[size], b->processes[i]);
	return b->nr ? EX_OK : out_usage("bench write: vmsplice is for --to pipe alone");
}

static int check_lists(const struct bench *b)
{
	unsigned int i, found = 0, sinks = 0;

	for (i = 0; i < b->nr_processes; i++)
		if (b->processes[i] > WRITE_PROCESSES_MAX)
			return out_usage("bench write: --processes to %d", WRITE_PROCESSES_MAX);
	for (i = 0; i < b->nr_sizes; i++)
		if (b->sizes[i] % WRITE_UNIT)
			return out_usage("bench write: --size takes multiples of 4K");
	for (i = 0; i < write_nr_ways; i++)
		found += bench_listed(b->paths, write_ways[i].name);
	if (b->paths && found != bench_list_length(b->paths))
		return out_usage("bench write: unknown name in --paths %s", b->paths);
	for (i = 0; i < WRITE_SINKS; i++)
		sinks += bench_listed(b->to, write_sinks[i]);
	if (b->to && sinks != bench_list_length(b->to))
		return out_usage("bench write: --to takes pipe, file and null, not %s", b->to);
	return EX_OK;
}

static uint64_t most(const uint64_t *of, unsigned int nr)
{
	uint64_t most = 0;

	while (nr--)
		most = of[nr] > most ? of[nr] : most;
	return most;
}

/* One for each process, long enough for all sizes; they have no name any more. */
static int make_files(struct bench *b)
{
	uint64_t size = most(b->sizes, b->nr_sizes);
	char number[32];
	const char *name;
	int fd;

	size = size < WRITE_REGION ? WRITE_REGION : size;
	while (b->nr_files < most(b->processes, b->nr_processes)) {
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

static int any_failed(const struct bench *b)
{
	unsigned int i, failed = 0;

	for (i = 0; i < b->nr; i++)
		failed += !!b->rows[i].err;
	return failed < b->nr ? EX_OK :
	       out_error(EX_FAILED, 0, write_why_not(&b->rows[0]), "nothing could be measured");
}

static int run(struct bench *b)
{
	unsigned int i, zc = 0;
	int ret = check_lists(b) ?: add_rows(b);

	if (ret)
		return ret;
	for (i = 0; i < b->nr; i++)
		zc += b->rows[i].job.way->zc;
	ret = bench_need_module(zc, b->nr - zc) ?: add_shared(b);
	if (!ret && bench_listed(b->to, write_sinks[WRITE_FILE]))
		ret = make_files(b);
	if (ret)
		return ret;
	/* It takes pages out of page tables to see who uses them: faults of its own. */
	if (bench_method.tune && !access(BENCH_BALANCING, F_OK))
		bench_setting(BENCH_BALANCING, "0");
	measure(b);
	if (out_json)
		write_show_json(b->rows, b->nr);
	else
		write_show_text(b->rows, b->nr);
	return any_failed(b) ?: bench_missed_module(zc);
}

static void clean_up(struct bench *b)
{
	while (b->nr_files)
		close(b->files[--b->nr_files]);
	free(b->rows);
}

static int take_option(struct bench *b, int c, char **argv)
{
	switch (c) {
	case 't':
		b->to = optarg;
		break;
	case 's':
		if (!bench_parse_sizes(optarg, b->sizes, &b->nr_sizes))
			return out_usage("bench write: '%s' is no size", optarg);
		break;
	case 'p':
		if (!bench_parse_sizes(optarg, b->processes, &b->nr_processes))
			return out_usage("bench write: bad --processes");
		break;
	case 'n':
		if (!parse_int(optarg, 1, 1000000, &b->count))
			return out_usage("bench write: bad --count");
		break;
	case 'P':
		b->paths = optarg;
		break;
	case 'v':
		b->verify = true;
		break;
	default:
		return bench_method_option("bench write", c, argv);
	}
	return BENCH_OPTION_TAKEN;
}

int bench_write(int argc, char **argv)
{
	static const struct option options[] = {
		{ "to", required_argument, NULL, 't' },
		{ "size", required_argument, NULL, 's' },
		{ "processes", required_argument, NULL, 'p' },
		{ "count", required_argument, NULL, 'n' },
		{ "paths", required_argument, NULL, 'P' },
		{ "verify", no_argument, NULL, 'v' },
		{ },
	};
	static struct bench b = { .count = 1000 };
	const char *tmp = getenv("TMPDIR");
	int c, ret;

	bench_parse_sizes("4K,64K,1M", b.sizes, &b.nr_sizes);
	bench_parse_sizes("1,2", b.processes, &b.nr_processes);
	while ((c = bench_getopt(argc, argv, options)) != -1) {
		if (c == 'h') {
			fputs(write_help, stdout);
			return EX_OK;
		}
		ret = take_option(&b, c, argv);
		if (ret != BENCH_OPTION_TAKEN)
			return ret;
	}
	if (argc > optind + 1)
		return out_usage("bench write: one folder at most");
	b.dir = argc > optind ? argv[optind] : tmp && *tmp ? tmp : "/tmp";
	ret = bench_method_begin() ?: run(&b);
	clean_up(&b);
	return ret;
}
