// SPDX-License-Identifier: GPL-2.0-only
/* zcctl bench tlb: what the processor's TLB makes of a file's bytes in memory. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "perf.h"
#include "tlb.h"

#define SIZE		(256ull << 20)
#define PATTERNS_MAX	8
#define WAYS_MAX	8
#define ROWS_MAX	(PATTERNS_MAX * WAYS_MAX)

static const char tlb_help[] =
"usage: zcctl bench tlb [OPTION…]\n"
"\n"
"Load from the same bytes of a file in memory of several kinds, and show the time, and what\n"
"the processor counts of its data TLB: loads, misses, and the cycles that page walks take.\n"
"All is in memory before, and each row is walked once to warm up. The kinds (paths):\n"
"\n"
"  small    read() into anonymous memory with MADV_NOHUGEPAGE\n"
"  mmap     the file's pages in the page cache, mapped\n"
"  thp      read() into anonymous memory with MADV_HUGEPAGE\n"
"  hugetlb  read() into MAP_HUGETLB\n"
"  zc       read() into a buffer\n"
"\n"
"The patterns, of 8 bytes each:\n"
"\n"
"  sequential  one load for each 64 bytes\n"
"  strided     one for each --stride\n"
"  random      anywhere; the next does not depend on the one before\n"
"  chase       where the one before says. The file's own bytes are the pointers, so it has\n"
"              to be the one made for it, without --file\n"
"\n"
"  --size N        bytes, a multiple of 2M (default 256M, or what FILE has of that); each path\n"
"                  has as much memory, all at once\n"
"  --file FILE     these bytes (default: a file in $TMPDIR, or /var/tmp, while it runs)\n"
"  --stride N      bytes, a multiple of 8 (default 4096)\n"
"  --accesses N    loads of a run (default: once through it; at most 1048576 of random, chase)\n"
"  --patterns A,B  of these (default all)\n"
"  --paths A,B     of these (default all)\n"
BENCH_METHOD_HELP
"\n"
"Which pages are behind a path says /proc/self/smaps: a path may not have got what it asked\n"
"for. hugetlb needs free hugepages: /proc/sys/vm/nr_hugepages. What happens in the kernel\n"
"meanwhile is counted apart; others than root may not have that.\n"
"\n"
"examples:\n"
"  sudo zcctl bench tlb\n"
"  sudo zcctl bench tlb --file /var/tmp/big --patterns strided,random --stride 64K\n"
"  zcctl --json bench tlb --size 64M --paths small,thp\n";

/* The file's bytes, by one way. */
struct column {
	const struct tlb_way *way;
	struct tlb_memory mem;
	int err;
};

struct row {
	const struct tlb_pattern *pattern;
	struct column *col;
	uint64_t accesses;
	int err;
	struct bench_runs time;
	struct bench_runs counts[BENCH_PERF_EVENTS][BENCH_PERF_WHO];
};

struct bench {
	struct tlb_walk walk;
	const char *file;
	const char *patterns;
	const char *paths;
	int fd;
	struct bench_perf perf;
	unsigned int nr_cols;
	struct column cols[WAYS_MAX];
	unsigned int nr;
	struct row rows[ROWS_MAX];
};

static const char *why_not(const struct row *row)
{
	int err = -(row->col->err ?: row->err);
	const char *name = row->col->way->name;

	if (!strcmp(name, "hugetlb") && err == ENOMEM)
		return "too few free hugepages, see /proc/sys/vm/nr_hugepages";
	if (err == EBADMSG)
		return "its bytes are not those of the other paths";
	if (err == ENODATA)
		return "the file became shorter";
	return bench_why_not(!strcmp(name, "zc"), -err);
}

/* A file without a name goes with the process, however that ends. Returns an exit code. */
static int make_file(struct bench *b)
{
	const char *dir = getenv("TMPDIR");
	int err;

	dir = dir && *dir ? dir : "/var/tmp";
	b->fd = bench_file_in(dir);
	if (b->fd < 0)
		return out_error(EX_FAILED, -b->fd, "choose another folder by TMPDIR",
				 "cannot make a file in %s", dir);
	err = tlb_chain_write(b->fd, b->walk.size);
	if (!err && fsync(b->fd))
		err = -errno;
	return !err ? EX_OK :
	       out_error(EX_FAILED, -err, "less by --size, or another folder by TMPDIR",
			 "cannot write a file in %s", dir);
}

/* Returns an exit code. */
static int open_file(struct bench *b)
{
	uint64_t size;
	int ret;

	if (!b->file) {
		b->walk.size = b->walk.size ?: SIZE;
		return make_file(b);
	}
	ret = file_open(b->file, &b->fd, &size);
	if (ret)
		return ret;
	size -= size % ZC_HUGE_SIZE;
	if (!size)
		return out_error(EX_FAILED, 0, NULL, "%s has less than 2M", b->file);
	if (size < b->walk.size)
		return out_error(EX_FAILED, 0, NULL, "%s has less than --size: %lluM would do",
				 b->file, (unsigned long long)size >> 20);
	if (!b->walk.size)
		b->walk.size = size < SIZE ? size : SIZE;
	return EX_OK;
}

static void make_memory(struct bench *b, struct zc_context *zc)
{
	unsigned int i;

	for (i = 0; i < b->nr_cols; i++) {
		struct column *col = &b->cols[i];

		out_progress("reading", i, b->nr_cols);
		col->mem.size = b->walk.size;
		col->err = col->way->make(&col->mem, zc, b->fd);
		if (!col->err)
			col->err = tlb_memory_smaps(&col->mem);
	}
}

static uint64_t run_once(struct bench *b, struct row *row, bool counted)
{
	uint64_t begin, sum;

	if (!counted)
		return row->pattern->run(row->col->mem.data, &b->walk, row->accesses);
	bench_perf_begin(&b->perf);
	begin = bench_cpu_ns();
	tlb_mark_begin(row - b->rows);
	sum = row->pattern->run(row->col->mem.data, &b->walk, row->accesses);
	tlb_mark_end();
	bench_runs_add(&row->time, bench_cpu_ns() - begin);
	bench_perf_end(&b->perf);
	return sum;
}

static sigjmp_buf lost;

static void on_bus(int sig)
{
	siglongjmp(lost, sig);
}

/* Of a file that has become shorter there are no pages to load from: SIGBUS. */
static int run_safely(struct bench *b, struct row *row, bool counted, uint64_t *sum)
{
	const struct sigaction action = { .sa_handler = on_bus };
	struct sigaction old;
	int err = 0;

	sigaction(SIGBUS, &action, &old);
	if (sigsetjmp(lost, 1))
		err = -ENODATA;
	else
		*sum = run_once(b, row, counted);
	sigaction(SIGBUS, &old, NULL);
	return err;
}

static void add_counts(const struct bench_perf *perf, struct row *row)
{
	unsigned int event, who;
	uint64_t count;

	for (event = 0; event < BENCH_PERF_EVENTS; event++)
		for (who = 0; who < BENCH_PERF_WHO; who++)
			if (bench_perf_count(&perf->counters[event][who], &count))
				bench_runs_add(&row->counts[event][who], count);
}

/* The ways of a pattern take turns. The first round is to warm up. */
static void measure(struct bench *b)
{
	unsigned int round, i, total = (bench_method.repeat + 1) * b->nr;
	uint64_t sum, want = 0;
	const struct tlb_pattern *last = NULL;

	bench_pin(BENCH_SENDER);
	tlb_mark_flush();
	for (round = 0; round <= (unsigned int)bench_method.repeat; round++)
		for (i = 0; i < b->nr; i++) {
			struct row *row = &b->rows[i];

			out_progress("measuring", round * b->nr + i, total);
			if (row->err || row->col->err)
				continue;
			row->err = run_safely(b, row, round > 0, &sum);
			if (row->err)
				continue;
			if (row->pattern != last)
				want = sum;
			last = row->pattern;
			if (sum != want)
				row->err = -EBADMSG;
			else if (round)
				add_counts(&b->perf, row);
		}
	out_progress_end();
}

/* A counter that never moved while there were loads is none. */
static bool is_counted(const struct row *row, unsigned int event, unsigned int who)
{
	const struct bench_runs *loads = &row->counts[BENCH_PERF_LOADS][BENCH_PERF_USER];

	return row->counts[event][who].nr && !(loads->nr && !bench_runs_most(loads));
}

static const char *why_not_counted(const struct bench *b, const struct row *row,
				   unsigned int event, unsigned int who)
{
	if (b->perf.counters[event][who].why)
		return b->perf.counters[event][who].why;
	return row->counts[event][who].nr ? "it stays at 0 whatever is loaded" :
					    "others had the counter all the time";
}

static void row_counts(const struct bench *b, struct row *row, struct json_object *obj)
{
	struct json_object *not = json_object_new_object();
	unsigned int event, who;
	char key[64];

	for (event = 0; event < BENCH_PERF_EVENTS; event++)
		for (who = 0; who < BENCH_PERF_WHO; who++) {
			snprintf(key, sizeof(key), "%s_%s", bench_perf_name(event),
				 who == BENCH_PERF_USER ? "user" : "kernel");
			if (is_counted(row, event, who)) {
				out_add_u64(obj, key, bench_runs_median(&row->counts[event][who]));
				bench_row_samples(obj, key, &row->counts[event][who]);
				continue;
			}
			out_add_str(obj, key, NULL);
			out_add_str(not, key, why_not_counted(b, row, event, who));
		}
	json_object_object_add(obj, "not_counted", not);
}

static struct json_object *row_json(const struct bench *b, struct row *row)
{
	struct json_object *obj = bench_row("tlb", row->col->way->name, row->col->way->cache,
					    b->walk.size);

	out_add_str(obj, "pattern", row->pattern->name);
	out_add_u64(obj, "accesses", row->accesses);
	if (!strcmp(row->pattern->name, "strided"))
		out_add_u64(obj, "stride", b->walk.stride);
	out_add_u64(obj, "mark", row - b->rows);
	if (row->col->err || row->err) {
		out_add_str(obj, "error", why_not(row));
		return obj;
	}
	out_add_u64(obj, "page_size", row->col->mem.page_size);
	out_add_u64(obj, "mapped_bytes", row->col->mem.mapped);
	out_add_u64(obj, "huge_bytes", row->col->mem.huge);
	out_add_u64(obj, "cpu_ns", bench_runs_median(&row->time));
	out_add_double(obj, "cpu_ns_per_access",
		       (double)bench_runs_median(&row->time) / row->accesses);
	bench_row_spread(obj, bench_runs_spread(&row->time), row->time.nr);
	bench_row_samples(obj, "cpu_ns", &row->time);
	out_add_u64(obj, "icount", bench_method.icount);
	row_counts(b, row, obj);
	return obj;
}

static void show_json(struct bench *b)
{
	struct json_object *rows = json_object_new_array();
	unsigned int i;

	for (i = 0; i < b->nr; i++)
		json_object_array_add(rows, row_json(b, &b->rows[i]));
	bench_rows_show(rows);
}

static const char *pages_text(const struct tlb_memory *mem, char *buf, size_t size)
{
	char page[32];

	out_bytes(mem->page_size > ZC_HUGE_SIZE ? mem->page_size : ZC_HUGE_SIZE, page,
		  sizeof(page));
	if (!mem->huge)
		return out_bytes(mem->page_size, buf, size);
	if (mem->huge >= mem->size)
		snprintf(buf, size, "%s", page);
	else
		snprintf(buf, size, "%.0f%% %s", 100.0 * mem->huge / mem->size, page);
	return buf;
}

static void print_count(struct row *row, unsigned int event, unsigned int who, int width)
{
	if (is_counted(row, event, who))
		printf(" %*.4f", width,
		       (double)bench_runs_median(&row->counts[event][who]) / row->accesses);
	else
		printf(" %*s", width, "-");
}

/* Do the same loads take less time than from a buffer? */
static bool beats_zc(struct bench *b, struct row *row)
{
	unsigned int i;

	for (i = 0; i < b->nr; i++) {
		struct row *zc = &b->rows[i];

		if (zc != row && zc->pattern == row->pattern && !zc->err && zc->time.nr &&
		    !strcmp(zc->col->way->name, "zc"))
			return bench_runs_median(&row->time) < bench_runs_median(&zc->time);
	}
	return false;
}

static void row_text(struct bench *b, struct row *row)
{
	double spread = bench_runs_spread(&row->time);
	char pages[64];

	printf("%-10s %-8s ", row->pattern->name, row->col->way->name);
	if (row->col->err || row->err) {
		printf("not measured: %s\n", why_not(row));
		return;
	}
	printf("%-12s %9llu %9.2f %7s",
	       pages_text(&row->col->mem, pages, sizeof(pages)),
	       (unsigned long long)row->accesses,
	       (double)bench_runs_median(&row->time) / row->accesses,
	       bench_spread_text(spread));
	print_count(row, BENCH_PERF_LOADS, BENCH_PERF_USER, 8);
	print_count(row, BENCH_PERF_MISSES, BENCH_PERF_USER, 8);
	print_count(row, BENCH_PERF_MISSES, BENCH_PERF_KERNEL, 8);
	print_count(row, BENCH_PERF_WALK, BENCH_PERF_USER, 8);
	printf("%s%s\n", beats_zc(b, row) ? "  beats zc" : "", bench_noisy_text(spread));
}

/* Why there are columns without figures; one line where all is for the same reason. */
static void say_not_counted(const struct bench *b)
{
	const char *first = b->perf.counters[0][0].why;
	bool alike = first;
	unsigned int event, who;

	for (event = 0; event < BENCH_PERF_EVENTS; event++)
		for (who = 0; who < BENCH_PERF_WHO; who++)
			alike = alike && b->perf.counters[event][who].why == first;
	if (alike) {
		printf("dTLB loads, misses, page walks: not counted: %s\n", first);
		return;
	}
	for (event = 0; event < BENCH_PERF_EVENTS; event++)
		for (who = 0; who < BENCH_PERF_WHO; who++)
			if (b->perf.counters[event][who].why)
				printf("%s, %s: not counted: %s\n", bench_perf_name(event),
				       who == BENCH_PERF_USER ? "program" : "kernel",
				       b->perf.counters[event][who].why);
}

static void show_text(struct bench *b)
{
	char size[32];
	unsigned int i;

	printf("%s of %s; %s and dTLB events by access\n",
	       out_bytes(b->walk.size, size, sizeof(size)), b->file ?: "a file made for it",
	       bench_method.icount ? "instructions" : "CPU ns");
	printf("%-10s %-8s %-12s %9s %9s %7s %8s %8s %8s %8s\n", "pattern", "path", "pages",
	       "accesses", bench_method.icount ? "insns" : "ns", "spread", "loads", "misses",
	       "kernel's",
	       "walk cyc");
	for (i = 0; i < b->nr; i++)
		row_text(b, &b->rows[i]);
	for (i = 0; i < b->nr_cols; i++)
		if (!b->cols[i].err && !strcmp(b->cols[i].way->name, "thp") &&
		    !b->cols[i].mem.huge)
			puts("thp got no hugepage: /sys/kernel/mm/transparent_hugepage/enabled");
	say_not_counted(b);
}

/* Which rows there are; a name that nobody knows is an error. */
static int choose(struct bench *b)
{
	const char *patterns = b->patterns ?: b->file ? "sequential,strided,random" : NULL;
	struct bench_names way_names = { .list = b->paths }, names = { .list = b->patterns };
	unsigned int i, j;

	for (i = 0; i < tlb_nr_ways; i++)
		if (bench_names_add(&way_names, tlb_ways[i].name))
			b->cols[b->nr_cols++].way = &tlb_ways[i];
	for (i = 0; i < tlb_nr_patterns; i++) {
		bench_names_add(&names, tlb_patterns[i].name);
		if (!bench_listed(patterns, tlb_patterns[i].name))
			continue;
		if (b->file && tlb_patterns[i].chain)
			return out_usage("bench tlb: %s holds no pointers: leave out --file, or %s",
					 b->file, tlb_patterns[i].name);
		for (j = 0; j < b->nr_cols; j++)
			b->rows[b->nr++] = (struct row){
				.pattern = &tlb_patterns[i],
				.col = &b->cols[j],
			};
	}
	return bench_names_check(&way_names, "bench tlb: --paths") ?:
	       bench_names_check(&names, "bench tlb: --patterns");
}

static int verdict(const struct bench *b)
{
	struct bench_tally tally = {};
	unsigned int i;

	for (i = 0; i < b->nr; i++) {
		const struct row *row = &b->rows[i];

		bench_tally_row(&tally, !strcmp(row->col->way->name, "zc"),
				row->col->err || row->err ? why_not(row) : NULL);
	}
	return bench_tally_verdict(&tally, b->paths);
}

static int run(struct bench *b)
{
	bool want_zc = bench_listed(b->paths, "zc");
	struct zc_context *zc = NULL;
	int ret = choose(b), err = 0;
	unsigned int i;

	if (!ret)
		ret = open_file(b);
	for (i = 0; i < b->nr; i++)
		b->rows[i].accesses = tlb_walk_accesses(b->rows[i].pattern, &b->walk);
	if (!ret) {
		if (want_zc)
			err = zc_open(&zc);
		bench_perf_open(&b->perf);
		make_memory(b, err ? NULL : zc);
		measure(b);
		(out_json ? show_json : show_text)(b);
		ret = verdict(b);
		bench_perf_close(&b->perf);
	}
	for (i = 0; i < b->nr_cols; i++)
		tlb_memory_free(&b->cols[i].mem);
	if (zc)
		zc_close(zc);
	if (b->fd >= 0)
		close(b->fd);
	return ret;
}

int bench_tlb(int argc, char **argv)
{
	static struct bench b = { .walk.stride = 4096, .fd = -1 };
	const struct bench_option options[] = {
		{ "size", BENCH_SIZE, &b.walk.size, 0, ZC_HUGE_SIZE },
		{ "file", BENCH_TEXT, &b.file, 0, 0 },
		{ "stride", BENCH_SIZE, &b.walk.stride, 0, 8 },
		{ "accesses", BENCH_COUNT, &b.walk.accesses, 1ull << 40, 0 },
		{ "patterns", BENCH_TEXT, &b.patterns, 0, 0 },
		{ "paths", BENCH_TEXT, &b.paths, 0, 0 },
		{ },
	};
	int ret = bench_options("bench tlb", tlb_help, options, argc, argv);

	if (ret != BENCH_OPTION_TAKEN)
		return ret;
	if (argc != optind)
		return out_usage("bench tlb: a file comes after --file");
	return bench_method_begin() ?: run(&b);
}
