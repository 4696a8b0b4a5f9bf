// SPDX-License-Identifier: GPL-2.0-only
/* zcctl bench fault: what the first touch of memory costs. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

static const char fault_help[] =
"usage: zcctl bench fault [OPTION…]\n"
"\n"
"Map memory and touch each 4 KiB of it for the first time, in a process of its own for\n"
"each run, and show the page faults, what both cost, and how /proc/meminfo differs while\n"
"it is there:\n"
"\n"
"  small, small-populate      anonymous memory with MADV_NOHUGEPAGE\n"
"  thp, thp-populate          with MADV_HUGEPAGE, and MADV_POPULATE_WRITE\n"
"  hugetlb, hugetlb-populate  MAP_HUGETLB\n"
"  zc, zc-populate            a buffer, which is made and mapped\n"
"\n"
"The others with MAP_POPULATE where it says so.\n"
"\n"
"  --size N      bytes, a multiple of 2M (default 1G)\n"
"  --paths A,B   of these (default all)\n"
BENCH_METHOD_HELP
"\n"
"hugetlb needs as many hugepages: /proc/sys/vm/nr_hugepages.\n"
"\n"
"example:\n"
"  zcctl bench fault --size 256M --paths small,thp,zc\n";

/* What changes in /proc/meminfo, in kB but for HugePages_Free. */
static const char *const meminfo_keys[] = {
	"MemFree", "AnonPages", "AnonHugePages", "HugePages_Free", "PageTables",
};

#define NR_KEYS	(sizeof(meminfo_keys) / sizeof(*meminfo_keys))

/**
 * struct told - what a process says of its run
 * @err:    0 or a negative errno
 * @get:    CPU time of having it mapped
 * @touch:  CPU time of touching it
 * @faults: page faults of touching it. What the kernel counts while it has it mapped
 *          interrupts nobody
 * @change: of /proc/meminfo while it was there
 */
struct told {
	int err;
	uint64_t get;
	uint64_t touch;
	uint64_t faults;
	int64_t change[NR_KEYS];
};

/**
 * struct way - how to get memory
 * @name:  as in the report
 * @flags: of mmap(); 0: a buffer of zc
 * @populate: touch it by the call
 * @advice: of madvise(), or 0
 */
struct way {
	const char *name;
	int flags;
	bool populate;
	int advice;
};

#define ANON	(MAP_PRIVATE | MAP_ANONYMOUS)

static const struct way ways[] = {
	{ "small", ANON, false, MADV_NOHUGEPAGE },
	{ "small-populate", ANON, true, MADV_NOHUGEPAGE },
	{ "thp", ANON, false, MADV_HUGEPAGE },
	{ "thp-populate", ANON, true, MADV_HUGEPAGE },
	{ "hugetlb", ANON | MAP_HUGETLB, false, 0 },
	{ "hugetlb-populate", ANON | MAP_HUGETLB, true, 0 },
	{ "zc", 0, false, 0 },
	{ "zc-populate", 0, true, 0 },
};

#define NR_WAYS	(sizeof(ways) / sizeof(*ways))

struct row {
	const struct way *way;
	int err;
	struct bench_runs get;
	struct bench_runs touch;
	struct told last;
};

struct bench {
	uint64_t size;
	const char *paths;
	unsigned int nr;
	struct row rows[NR_WAYS];
};

static void meminfo(int64_t *vals)
{
	FILE *f = fopen("/proc/meminfo", "re");
	char line[128], key[64];
	long long val;
	size_t i;

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%63[^:]: %lld", key, &val) != 2)
			continue;
		for (i = 0; i < NR_KEYS; i++)
			if (!strcmp(key, meminfo_keys[i]))
				vals[i] = val;
	}
	if (f)
		fclose(f);
}

static uint64_t faults(void)
{
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	return ru.ru_minflt + ru.ru_majflt;
}

static int map_buffer(struct zc_context *zc, const struct way *way, uint64_t size,
		      char **data)
{
	struct zc_buf_create arg = { .size = size, .node = ZC_NODE_ANY };
	int err = ioctl(zc_fd(zc), ZC_IOC_BUF_CREATE, &arg) ? -errno : 0;

	if (err)
		return err;
	*data = mmap(NULL, arg.size, PROT_READ | PROT_WRITE,
		     MAP_SHARED | (way->populate ? MAP_POPULATE : 0), zc_fd(zc),
		     arg.mmap_offset);
	return *data == MAP_FAILED ? -errno : 0;
}

/* Advice has to come before the pages: then these are asked for by another call. */
static int map_anonymous(const struct way *way, uint64_t size, char **data)
{
	int populate = way->populate && !way->advice ? MAP_POPULATE : 0;

	*data = mmap(NULL, size, PROT_READ | PROT_WRITE, way->flags | populate, -1, 0);
	if (*data == MAP_FAILED)
		return -errno;
	if (way->advice && madvise(*data, size, way->advice))
		return -errno;
	if (way->populate && way->advice && madvise(*data, size, MADV_POPULATE_WRITE))
		return -errno;
	return 0;
}

static void work(const struct bench *b, const struct way *way, struct told *told)
{
	int64_t before[NR_KEYS] = {}, after[NR_KEYS] = {};
	uint64_t begin, nr;
	struct zc_context *zc;
	char *data = NULL;
	size_t i;

	told->err = zc_open(&zc);
	if (told->err)
		return;
	meminfo(before);
	begin = bench_cpu_ns();
	told->err = way->flags ? map_anonymous(way, b->size, &data) :
				 map_buffer(zc, way, b->size, &data);
	told->get = bench_cpu_ns() - begin;
	if (told->err)
		return;
	/* Those of the counting itself come first. */
	nr = faults();
	nr = faults();
	begin = bench_cpu_ns();
	bench_touch(data, b->size);
	told->touch = bench_cpu_ns() - begin;
	told->faults = faults() - nr;
	meminfo(after);
	for (i = 0; i < NR_KEYS; i++)
		told->change[i] = after[i] - before[i];
}

/* Its memory goes with the process. */
static int run_once(const struct bench *b, const struct way *way, struct told *told)
{
	int tell[2];
	pid_t pid;

	if (pipe(tell))
		return -errno;
	pid = fork();
	if (!pid) {
		struct told own = {};

		work(b, way, &own);
		_exit(write(tell[1], &own, sizeof(own)) != sizeof(own));
	}
	close(tell[1]);
	*told = (struct told){ .err = -EIO };
	/* SIGBUS, where hugetlb has none left, ends it without a word. */
	if (read(tell[0], told, sizeof(*told)) != sizeof(*told))
		told->err = -ENOMEM;
	close(tell[0]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return told->err;
}

static void measure(struct bench *b)
{
	unsigned int round, i;

	for (round = 0; round < (unsigned int)bench_method.repeat; round++)
		for (i = 0; i < b->nr; i++) {
			struct row *row = &b->rows[i];

			out_progress("measuring", round * b->nr + i, bench_method.repeat * b->nr);
			row->err = row->err ?: run_once(b, row->way, &row->last);
			if (row->err)
				continue;
			bench_runs_add(&row->get, row->last.get);
			bench_runs_add(&row->touch, row->last.touch);
		}
	out_progress_end();
}

static void show_json(struct bench *b)
{
	struct json_object *rows = json_object_new_array();
	unsigned int i;
	size_t k;

	for (i = 0; i < b->nr; i++) {
		struct row *row = &b->rows[i];
		struct json_object *obj = bench_row("fault", row->way->name, BENCH_NONE,
						    b->size);
		struct json_object *change = json_object_new_object();

		if (row->err) {
			out_add_str(obj, "error", strerror(-row->err));
			json_object_put(change);
		} else {
			out_add_u64(obj, "faults", row->last.faults);
			out_add_u64(obj, "get_cpu_ns", bench_runs_median(&row->get));
			out_add_u64(obj, "touch_cpu_ns", bench_runs_median(&row->touch));
			out_add_u64(obj, "icount", bench_method.icount);
			for (k = 0; k < NR_KEYS; k++)
				json_object_object_add(change, meminfo_keys[k],
						       json_object_new_int64(row->last.change[k]));
			json_object_object_add(obj, "meminfo", change);
		}
		json_object_array_add(rows, obj);
	}
	bench_rows_show(rows);
}

static void show_text(struct bench *b)
{
	char size[32];
	unsigned int i;
	size_t k;

	printf("%s, each 4 KiB touched for the first time: %s\n",
	       out_bytes(b->size, size, sizeof(size)),
	       bench_method.icount ? "instructions" : "CPU ns");
	printf("%-17s %7s %12s %12s ", "path", "faults", "to get it", "to touch it");
	for (k = 0; k < NR_KEYS; k++)
		printf(" %14s", meminfo_keys[k]);
	putchar('\n');
	for (i = 0; i < b->nr; i++) {
		struct row *row = &b->rows[i];

		printf("%-17s ", row->way->name);
		if (row->err) {
			printf("not measured: %s\n", strerror(-row->err));
			continue;
		}
		printf("%7llu %12llu %12llu ", (unsigned long long)row->last.faults,
		       (unsigned long long)bench_runs_median(&row->get),
		       (unsigned long long)bench_runs_median(&row->touch));
		for (k = 0; k < NR_KEYS; k++)
			printf(" %+14lld", (long long)row->last.change[k]);
		putchar('\n');
	}
}

static int run(struct bench *b)
{
	struct zc_context *zc;
	unsigned int i, failed = 0;
	int ret;

	for (i = 0; i < NR_WAYS; i++)
		if (bench_listed(b->paths, ways[i].name))
			b->rows[b->nr++].way = &ways[i];
	if (b->paths && b->nr != bench_list_length(b->paths))
		return out_usage("bench fault: unknown name in --paths %s", b->paths);
	ret = device_open(&zc);
	if (ret)
		return ret;
	zc_close(zc);
	measure(b);
	if (out_json)
		show_json(b);
	else
		show_text(b);
	for (i = 0; i < b->nr; i++)
		failed += !!b->rows[i].err;
	return failed < b->nr ? EX_OK :
	       out_error(EX_FAILED, -b->rows[0].err, NULL, "nothing could be measured");
}

int bench_fault(int argc, char **argv)
{
	static const struct option options[] = {
		{ "size", required_argument, NULL, 's' },
		{ "paths", required_argument, NULL, 'P' },
		{ },
	};
	static struct bench b = { .size = 1ull << 30 };
	int c, ret;

	while ((c = bench_getopt(argc, argv, options)) != -1) {
		switch (c) {
		case 's':
			if (!parse_size(optarg, &b.size) || !b.size ||
			    b.size % ZC_HUGE_SIZE)
				return out_usage("bench fault: '%s' is no multiple of 2M",
						 optarg);
			break;
		case 'P':
			b.paths = optarg;
			break;
		case 'h':
			fputs(fault_help, stdout);
			return EX_OK;
		default:
			ret = bench_method_option("bench fault", c, argv);
			if (ret != BENCH_OPTION_TAKEN)
				return ret;
		}
	}
	if (argc != optind)
		return out_usage("bench fault: takes no file");
	return bench_method_begin() ?: run(&b);
}
