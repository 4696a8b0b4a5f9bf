// SPDX-License-Identifier: GPL-2.0-only
/* zcctl bench alloc: what it costs to get memory and to give it back. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define HUGE		(2ull << 20)
#define PROCESSES_MAX	64

static const char alloc_help[] =
"usage: zcctl bench alloc [OPTION…]\n"
"\n"
"Get memory and give it back, again and again, in one process or in several at once,\n"
"each on a processor of its own as far as there are some:\n"
"\n"
"  ioctl      a system call that does nothing: an ioctl that /dev/zc does not know\n"
"  zc         make a buffer and destroy it\n"
"  zc-map     the same, mapped, touched and unmapped\n"
"  hugetlb    mmap(MAP_HUGETLB | MAP_POPULATE) and munmap()\n"
"  thp        mmap() with MADV_HUGEPAGE, each 4 KiB touched, and munmap()\n"
"  small      the same with MADV_NOHUGEPAGE\n"
"  malloc     malloc(), each 4 KiB touched, and free()\n"
"\n"
"  --size N         bytes (default 2M)\n"
"  --count N        times in a run (default 1000; tenfold for ioctl)\n"
"  --processes A,B  at once (default 1,2)\n"
"  --paths A,B      of these (default all)\n"
BENCH_METHOD_HELP
"\n"
"example:\n"
"  zcctl bench alloc --size 64M --count 100 --processes 1\n";

/**
 * struct way - how to get memory
 * @name: as in the report
 * @fn:   gets @size bytes and gives them back, once. Returns 0 or a negative errno
 * @more: so many times as many in a run
 */
struct way {
	const char *name;
	int (*fn)(struct zc_context *zc, uint64_t size);
	unsigned int more;
};

struct row {
	const struct way *way;
	unsigned int processes;
	int err;
	struct bench_runs cost;		/* CPU time of one */
	struct bench_runs wall;		/* time of one, of all processes */
};

struct bench {
	uint64_t size;
	int count;
	uint64_t processes[BENCH_SIZES_MAX];
	unsigned int nr_processes;
	const char *paths;
	unsigned int nr;
	struct row rows[8 * BENCH_SIZES_MAX];
};

static int way_ioctl(struct zc_context *zc, uint64_t size)
{
	(void)size;
	return ioctl(zc_fd(zc), _IO('Z', 255)) < 0 && errno == ENOTTY ? 0 : -EIO;
}

static int buffer_make(struct zc_context *zc, uint64_t size, struct zc_buf_create *arg)
{
	*arg = (struct zc_buf_create){ .size = size, .node = ZC_NODE_ANY };
	return ioctl(zc_fd(zc), ZC_IOC_BUF_CREATE, arg) ? -errno : 0;
}

static int buffer_destroy(struct zc_context *zc, uint32_t handle)
{
	struct zc_buf_destroy arg = { .handle = handle };

	return ioctl(zc_fd(zc), ZC_IOC_BUF_DESTROY, &arg) ? -errno : 0;
}

static int way_zc(struct zc_context *zc, uint64_t size)
{
	struct zc_buf_create buf;

	return buffer_make(zc, size, &buf) ?: buffer_destroy(zc, buf.handle);
}

static int touch_mapping(uint64_t size, int flags, int fd, uint64_t offset, int advice)
{
	void *data = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, offset);

	if (data == MAP_FAILED)
		return -errno;
	if (advice && madvise(data, size, advice))
		return -errno;
	if (!(flags & MAP_POPULATE))
		bench_touch(data, size);
	return munmap(data, size) ? -errno : 0;
}

static int way_zc_map(struct zc_context *zc, uint64_t size)
{
	struct zc_buf_create buf;
	int err = buffer_make(zc, size, &buf);

	if (err)
		return err;
	err = touch_mapping(buf.size, MAP_SHARED, zc_fd(zc), buf.mmap_offset, 0);
	return buffer_destroy(zc, buf.handle) ?: err;
}

static int way_hugetlb(struct zc_context *zc, uint64_t size)
{
	(void)zc;
	return touch_mapping(size, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_POPULATE,
			     -1, 0, 0);
}

static int way_thp(struct zc_context *zc, uint64_t size)
{
	(void)zc;
	return touch_mapping(size, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0, MADV_HUGEPAGE);
}

static int way_small(struct zc_context *zc, uint64_t size)
{
	(void)zc;
	return touch_mapping(size, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0, MADV_NOHUGEPAGE);
}

static int way_malloc(struct zc_context *zc, uint64_t size)
{
	char *data = malloc(size);

	(void)zc;
	if (!data)
		return -ENOMEM;
	bench_touch(data, size);
	free(data);
	return 0;
}

static const struct way ways[] = {
	{ "ioctl", way_ioctl, 10 },
	{ "zc", way_zc, 1 },
	{ "zc-map", way_zc_map, 1 },
	{ "hugetlb", way_hugetlb, 1 },
	{ "thp", way_thp, 1 },
	{ "small", way_small, 1 },
	{ "malloc", way_malloc, 1 },
};

#define NR_WAYS	(sizeof(ways) / sizeof(*ways))

/**
 * struct told - what a process says of its run
 * @err:   0 or a negative errno
 * @cpu:   CPU time
 * @begin: of the run
 * @end:   of the run
 */
struct told {
	int err;
	uint64_t cpu;
	uint64_t begin;
	uint64_t end;
};

/*
 * Warm up; say so to @tell; begin when all have done so, which is when nobody has the other
 * end of @go open any more.
 */
static void work(const struct bench *b, const struct way *way, int go, int tell,
		 struct told *told)
{
	int i, count = b->count * way->more;
	struct zc_context *zc;
	uint64_t cpu;
	char c = 0;

	told->err = zc_open(&zc);
	for (i = 0; !told->err && i < 16; i++)
		told->err = way->fn(zc, b->size);
	if (write(tell, &c, 1) != 1 || read(go, &c, 1))
		told->err = -EIO;
	told->begin = now_ns();
	cpu = bench_cpu_ns();
	for (i = 0; !told->err && i < count; i++)
		told->err = way->fn(zc, b->size);
	told->cpu = bench_cpu_ns() - cpu;
	told->end = now_ns();
}

static void child(const struct bench *b, const struct way *way, unsigned int nr, int go,
		  int tell)
{
	struct told told;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(nr % sysconf(_SC_NPROCESSORS_ONLN), &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	work(b, way, go, tell, &told);
	_exit(write(tell, &told, sizeof(told)) != sizeof(told));
}

static int listen_all(int fd, unsigned int nr, struct told *all)
{
	struct told one;

	*all = (struct told){ .begin = UINT64_MAX };
	while (nr--) {
		if (read(fd, &one, sizeof(one)) != sizeof(one))
			return -EIO;
		all->err = all->err ?: one.err;
		all->cpu += one.cpu;
		all->begin = one.begin < all->begin ? one.begin : all->begin;
		all->end = one.end > all->end ? one.end : all->end;
	}
	return all->err;
}

/* One run of @nr processes. */
static int run_once(const struct bench *b, const struct way *way, unsigned int nr,
		    struct told *all)
{
	unsigned int i, started = 0;
	int go[2], tell[2], err;
	char c;

	if (pipe2(go, O_CLOEXEC))
		return -errno;
	if (pipe2(tell, O_CLOEXEC)) {
		err = -errno;
		close(go[0]);
		close(go[1]);
		return err;
	}
	for (i = 0; i < nr; i++) {
		pid_t pid = fork();

		if (!pid) {
			close(go[1]);
			child(b, way, i, go[0], tell[1]);
		}
		started += pid > 0;
	}
	close(go[0]);
	close(tell[1]);
	for (i = 0; i < started && read(tell[0], &c, 1) == 1; i++)
		;
	close(go[1]);
	err = listen_all(tell[0], started, all);
	close(tell[0]);
	while (wait(NULL) > 0)
		;
	return started < nr ? -EAGAIN : err;
}

static void measure(struct bench *b)
{
	unsigned int round, i;

	for (round = 0; round < (unsigned int)bench_method.repeat; round++)
		for (i = 0; i < b->nr; i++) {
			struct row *row = &b->rows[i];
			uint64_t times = (uint64_t)b->count * row->way->more;
			struct told all = {};

			out_progress("measuring", round * b->nr + i, bench_method.repeat * b->nr);
			row->err = row->err ?: run_once(b, row->way, row->processes, &all);
			if (row->err)
				continue;
			bench_runs_add(&row->cost, all.cpu / (times * row->processes));
			bench_runs_add(&row->wall,
				       (all.end - all.begin) / (times * row->processes));
		}
	out_progress_end();
}

static struct row *find(struct bench *b, const char *name, unsigned int processes)
{
	unsigned int i;

	for (i = 0; i < b->nr; i++)
		if (!strcmp(b->rows[i].way->name, name) &&
		    b->rows[i].processes == processes && !b->rows[i].err)
			return &b->rows[i];
	return NULL;
}

/* Of two medians, or 0 */
static double times_as_much(struct bench_runs *runs, struct bench_runs *base)
{
	uint64_t of = base ? bench_runs_median(base) : 0;

	return of ? (double)bench_runs_median(runs) / of : 0;
}

static void show_json(struct bench *b)
{
	struct json_object *rows = json_object_new_array();
	unsigned int i;

	for (i = 0; i < b->nr; i++) {
		struct row *row = &b->rows[i];
		struct json_object *obj = bench_row("alloc", row->way->name, BENCH_NONE,
						    b->size);

		out_add_u64(obj, "processes", row->processes);
		out_add_u64(obj, "processors", sysconf(_SC_NPROCESSORS_ONLN));
		if (row->err) {
			out_add_str(obj, "error", strerror(-row->err));
		} else {
			out_add_u64(obj, "cpu_ns", bench_runs_median(&row->cost));
			out_add_u64(obj, "wall_ns", bench_runs_median(&row->wall));
			out_add_double(obj, "spread", bench_runs_spread(&row->cost));
			out_add_u64(obj, "icount", bench_method.icount);
			bench_row_samples(obj, "cpu_ns", &row->cost);
			bench_row_samples(obj, "wall_ns", &row->wall);
		}
		json_object_array_add(rows, obj);
	}
	bench_rows_show(rows);
}

static void show_text(struct bench *b)
{
	char size[32];
	unsigned int i;

	printf("%s: %s to get it and to give it back\n", out_bytes(b->size, size, sizeof(size)),
	       bench_method.icount ? "instructions" : "CPU ns");
	printf("%-8s %9s %13s  %-7s %10s %12s\n", "path", "processes", "each", "spread",
	       "of ioctl", "throughput");
	for (i = 0; i < b->nr; i++) {
		struct row *row = &b->rows[i];
		struct row *base = find(b, "ioctl", row->processes);
		struct row *alone = find(b, row->way->name, 1);

		printf("%-8s %9u ", row->way->name, row->processes);
		if (row->err) {
			printf("not measured: %s\n", strerror(-row->err));
			continue;
		}
		printf("%13llu %6.1f %% ", (unsigned long long)bench_runs_median(&row->cost),
		       100 * bench_runs_spread(&row->cost));
		printf("%10.2f ", times_as_much(&row->cost, base ? &base->cost : NULL));
		if (alone && row->processes > 1)
			printf("%8.2f times\n", times_as_much(&alone->wall, &row->wall));
		else
			printf("%12s\n", "-");
	}
}

static int add_rows(struct bench *b)
{
	unsigned int way, i, found = 0;

	for (way = 0; way < NR_WAYS; way++) {
		if (!bench_listed(b->paths, ways[way].name))
			continue;
		found++;
		for (i = 0; i < b->nr_processes; i++) {
			if (b->processes[i] > PROCESSES_MAX)
				return out_usage("bench alloc: --processes to %d",
						 PROCESSES_MAX);
			b->rows[b->nr++] = (struct row){
				.way = &ways[way],
				.processes = b->processes[i],
			};
		}
	}
	if (b->paths && found != bench_list_length(b->paths))
		return out_usage("bench alloc: unknown name in --paths %s", b->paths);
	return EX_OK;
}

static int run(struct bench *b)
{
	struct zc_context *zc;
	unsigned int i, failed = 0;
	int ret = add_rows(b);

	if (!ret)
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

int bench_alloc(int argc, char **argv)
{
	static const struct option options[] = {
		{ "size", required_argument, NULL, 's' },
		{ "count", required_argument, NULL, 'n' },
		{ "processes", required_argument, NULL, 'p' },
		{ "paths", required_argument, NULL, 'P' },
		{ },
	};
	static struct bench b = { .size = HUGE, .count = 1000 };
	int c, ret;

	bench_parse_sizes("1,2", b.processes, &b.nr_processes);
	while ((c = bench_getopt(argc, argv, options)) != -1) {
		switch (c) {
		case 's':
			if (!parse_size(optarg, &b.size) || !b.size)
				return out_usage("bench alloc: '%s' is no size", optarg);
			break;
		case 'n':
			if (!parse_int(optarg, 1, 1000000, &b.count))
				return out_usage("bench alloc: bad --count");
			break;
		case 'p':
			if (!bench_parse_sizes(optarg, b.processes, &b.nr_processes))
				return out_usage("bench alloc: bad --processes");
			break;
		case 'P':
			b.paths = optarg;
			break;
		case 'h':
			fputs(alloc_help, stdout);
			return EX_OK;
		default:
			ret = bench_method_option("bench alloc", c, argv);
			if (ret != BENCH_OPTION_TAKEN)
				return ret;
		}
	}
	if (argc != optind)
		return out_usage("bench alloc: takes no file");
	return bench_method_begin() ?: run(&b);
}
