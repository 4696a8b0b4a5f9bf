// SPDX-License-Identifier: GPL-2.0-only
/* What the benchmarks share: medians, rows of the report, whether the module is there. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bench.h"

#define MIB	(1024.0 * 1024.0)

bool bench_spread_shown;

void bench_runs_add(struct bench_runs *runs, uint64_t ns)
{
	if (runs->nr < BENCH_RUNS_MAX)
		runs->ns[runs->nr++] = ns;
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void runs_sort(struct bench_runs *runs)
{
	qsort(runs->ns, runs->nr, sizeof(*runs->ns), compare_u64);
}

uint64_t bench_runs_median(struct bench_runs *runs)
{
	unsigned int mid = runs->nr / 2;

	runs_sort(runs);
	if (!mid || runs->nr % 2)
		return runs->ns[mid];
	return runs->ns[mid - 1] + (runs->ns[mid] - runs->ns[mid - 1]) / 2;
}

uint64_t bench_runs_least(const struct bench_runs *runs)
{
	uint64_t least = runs->ns[0];
	unsigned int i;

	for (i = 1; i < runs->nr; i++)
		least = runs->ns[i] < least ? runs->ns[i] : least;
	return least;
}

uint64_t bench_runs_most(const struct bench_runs *runs)
{
	uint64_t most = runs->ns[0];
	unsigned int i;

	for (i = 1; i < runs->nr; i++)
		most = runs->ns[i] > most ? runs->ns[i] : most;
	return most;
}

/* Between the two runs, of sorted ones, that @share of the others is below: linear. */
static double quantile(const struct bench_runs *runs, double share)
{
	double at = (runs->nr - 1) * share;
	unsigned int below = at;

	if (below + 1 >= runs->nr)
		return runs->ns[runs->nr - 1];
	return runs->ns[below] + (at - below) * (runs->ns[below + 1] - runs->ns[below]);
}

/**
 * bench_runs_spread - how far runs scatter, as part of their median
 * @runs: sorted afterwards
 *
 * From BENCH_QUARTILES runs on the interquartile range, which more runs do not make larger;
 * of fewer, of which quartiles say nothing, from the least to the most.
 *
 * Returns: that, divided by the median; 0 if that is 0.
 */
double bench_runs_spread(struct bench_runs *runs)
{
	uint64_t mid = bench_runs_median(runs);
	double share = runs->nr < BENCH_QUARTILES ? 0 : 0.25;

	return mid ? (quantile(runs, 1 - share) - quantile(runs, share)) / mid : 0;
}

/* What that is of so many runs, as reports have it; NULL: of one nothing is known. */
const char *bench_spread_of(unsigned int runs)
{
	return runs < 2 ? NULL : runs < BENCH_QUARTILES ? "range" : "iqr";
}

/* Have room for @nr descriptors. */
int bench_need_files(unsigned long nr)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim))
		return -errno;
	if (lim.rlim_cur >= nr)
		return 0;
	lim.rlim_cur = nr;
	if (lim.rlim_max < nr)
		lim.rlim_max = nr;
	return setrlimit(RLIMIT_NOFILE, &lim) ? -errno : 0;
}

double bench_per_mib(uint64_t ns, uint64_t bytes)
{
	return ns / (bytes / MIB);
}

const char *bench_cache_name(enum bench_cache cache)
{
	static const char *const names[] = { "cold", "hot", "none" };

	return names[cache];
}

static void kernel_name(char *buf, size_t size)
{
	struct utsname uts;
	int major = 0, minor = 0;

	if (!uname(&uts))
		sscanf(uts.release, "%d.%d", &major, &minor);
	snprintf(buf, size, "%d.%d", major, minor);
}

/* A new row; @test says which benchmark it is of. */
struct json_object *bench_row(const char *test, const char *path,
			      enum bench_cache cache, uint64_t bytes)
{
	struct json_object *obj = json_object_new_object();
	char kernel[32];

	kernel_name(kernel, sizeof(kernel));
	out_add_str(obj, "kernel", kernel);
	out_add_str(obj, "test", test);
	out_add_str(obj, "path", path);
	out_add_str(obj, "cache", bench_cache_name(cache));
	out_add_u64(obj, "bytes", bytes);
	return obj;
}

/* How far so many runs scatter, and whether that is too much: once for each row. */
void bench_row_spread(struct json_object *obj, double spread, unsigned int runs)
{
	json_object_object_add(obj, "spread",
			       runs > 1 ? json_object_new_double(spread) : NULL);
	out_add_str(obj, "spread_of", bench_spread_of(runs));
	out_add_u64(obj, "runs", runs);
	json_object_object_add(obj, "noisy", json_object_new_boolean(bench_noisy(spread)));
}

/* For people, until the next call; of one run nothing is known. */
const char *bench_spread_text(double spread)
{
	static char text[16];

	if (bench_method.repeat < 2)
		return "-";
	bench_spread_shown = true;
	snprintf(text, sizeof(text), "%.1f %%", 100 * spread);
	return text;
}

/* That it is too much, at the end of a line for people. */
const char *bench_noisy_text(double spread)
{
	return bench_noisy(spread) ? "  noisy" : "";
}

/* Where the runs of a figure go. */
static struct json_object *row_samples(struct json_object *obj, const char *key)
{
	struct json_object *all, *list = json_object_new_array();

	if (!json_object_object_get_ex(obj, "samples", &all)) {
		all = json_object_new_object();
		json_object_object_add(obj, "samples", all);
	}
	json_object_object_add(all, key, list);
	return list;
}

/* All runs of what a row has as @key, for zcctl bench compare. */
void bench_row_samples(struct json_object *obj, const char *key,
		       const struct bench_runs *runs)
{
	struct json_object *list = row_samples(obj, key);
	unsigned int i;

	for (i = 0; i < runs->nr; i++)
		json_object_array_add(list, json_object_new_uint64(runs->ns[i]));
}

/* The same of what is counted by @unit. */
void bench_row_rates(struct json_object *obj, const char *key, const struct bench_runs *runs,
		     unsigned int unit)
{
	struct json_object *list = row_samples(obj, key);
	unsigned int i;

	for (i = 0; i < runs->nr; i++)
		json_object_array_add(list, json_object_new_double((double)runs->ns[i] / unit));
}

/* All but the spread. By icount a ns is an instruction. */
void bench_row_cost(struct json_object *obj, struct bench_runs *runs, uint64_t bytes)
{
	uint64_t median = bench_runs_median(runs);
	double cost = bench_per_mib(median, bytes);

	out_add_u64(obj, "cpu_ns", median);
	out_add_double(obj, "cpu_ns_per_mib", cost);
	if (bench_method.icount)
		out_add_double(obj, "kinsn_per_mib", cost / 1000);
	else
		out_add_str(obj, "kinsn_per_mib", NULL);
	bench_row_samples(obj, "cpu_ns", runs);
}

void bench_row_copied(struct json_object *obj, uint64_t copied)
{
	if (copied == BENCH_UNKNOWN)
		out_add_str(obj, "copied_bytes", NULL);
	else
		out_add_u64(obj, "copied_bytes", copied);
}

/* The kernel's rule for mincore(2), in words */
static const char untold[] = "the kernel tells only the file's owner, and who may write to it, "
			     "what of it is cached";

/* What the source's page cache grew by; why nobody knows. */
void bench_row_cached(struct json_object *obj, int64_t growth)
{
	if (growth != BENCH_GROWTH_UNKNOWN) {
		json_object_object_add(obj, "page_cache_bytes", json_object_new_int64(growth));
		return;
	}
	out_add_str(obj, "page_cache_bytes", NULL);
	out_add_str(obj, "page_cache_why", untold);
}

/* The same for people, below a table in which a row does not have it. */
void bench_untold_note(void)
{
	printf("page cache: unknown: %s\n", untold);
}

/* What a row says that was not measured: @zc: one that needs the module. */
const char *bench_why_not(bool zc, int err)
{
	if (err == -ECHILD)
		return "a process of the run was killed";
	if (err == -BENCH_UNTOLD)
		return untold;
	switch (zc ? -err : 0) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return "the module is not loaded";
	case ENOSPC:
		return "more than the module may have: /sys/module/zc/parameters/max_bytes";
	case EPERM:
		return "more than this user may lock: ulimit -l";
	}
	return strerror(-err);
}

/*
 * Before @zc rows that need the module, and @others. Returns an exit code, after an error
 * message, if nothing can be measured without it.
 */
int bench_need_module(unsigned int zc, unsigned int others)
{
	struct zc_context *ctx;
	int ret;

	if (!zc || others)
		return EX_OK;
	ret = device_open(&ctx);
	if (!ret)
		zc_close(ctx);
	return ret;
}

/* One more row; @why it could not be measured, or NULL. */
void bench_tally_row(struct bench_tally *tally, bool zc, const char *why)
{
	tally->nr++;
	tally->zc += zc;
	if (why && !tally->failed++)
		snprintf(tally->why, sizeof(tally->why), "%s", why);
}

/* Rows that nobody asked for by name lack: worth a word, but no failure. */
static void note_of_module(void)
{
	struct zc_context *ctx;
	int err = zc_open(&ctx);

	if (!err)
		zc_close(ctx);
	else if (!out_json)
		fprintf(stderr, "zcctl: rows of zc are not measured: %s\n",
			bench_why_not(true, err));
}

/**
 * bench_tally_verdict - after the report
 * @tally: its rows
 * @paths: the list of those that were asked for by name, or NULL: of all that there are
 *
 * That some were not measured is in the report, and no error, unless the module lacks and
 * they were asked for by name.
 *
 * Returns: an exit code, after a message if it is an error.
 */
int bench_tally_verdict(const struct bench_tally *tally, const char *paths)
{
	int ret = paths || tally->zc == tally->nr ? bench_need_module(tally->zc, 0) : EX_OK;

	if (ret)
		return ret;
	if (tally->nr && tally->failed == tally->nr)
		return out_error(EX_FAILED, 0, NULL, "nothing could be measured: %s", tally->why);
	if (tally->zc)
		note_of_module();
	return EX_OK;
}

/* As fork(). The child does not outlive the benchmark, whatever becomes of that. */
pid_t bench_fork(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	return 0;
}

/* Zeroed memory that is shared with children; the process's. Or NULL. */
void *bench_shared(size_t size)
{
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return mem == MAP_FAILED ? NULL : mem;
}

/* The whole report; consumes @rows. */
void bench_rows_show(struct json_object *rows)
{
	struct json_object *obj = json_object_new_object();

	out_add_str(obj, "schema", BENCH_SCHEMA);
	json_object_object_add(obj, "environment", bench_environment());
	json_object_object_add(obj, "rows", rows);
	out_object(obj);
}
