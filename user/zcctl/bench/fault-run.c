// SPDX-License-Identifier: GPL-2.0-only
/* zcctl bench fault: the ways to get memory, and one run of one. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "fault.h"
#include "hugetlb.h"

/* What changes in /proc/meminfo, in kB but for HugePages_Free. */
const char *const fault_keys[FAULT_KEYS] = {
	"MemFree", "AnonPages", "AnonHugePages", "HugePages_Free", "PageTables",
};

#define ANON	(MAP_PRIVATE | MAP_ANONYMOUS)

const struct fault_way fault_ways[FAULT_WAYS] = {
	{ "small", ANON, false, MADV_NOHUGEPAGE, false },
	{ "small-populate", ANON, true, MADV_NOHUGEPAGE, false },
	{ "thp", ANON, false, MADV_HUGEPAGE, false },
	{ "thp-populate", ANON, true, MADV_HUGEPAGE, false },
	{ "hugetlb", BENCH_HUGETLB, false, 0, false },
	{ "hugetlb-populate", BENCH_HUGETLB, true, 0, false },
	{ "zc", 0, false, 0, false },
	{ "zc-populate", 0, true, 0, false },
	{ "zc-reserve", 0, false, 0, true },
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
		for (i = 0; i < FAULT_KEYS; i++)
			if (!strcmp(key, fault_keys[i]))
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

static int map_buffer(struct zc_context *zc, const struct fault_way *way, uint64_t size,
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

/*
 * Where transparent hugepages can be all of it: kernels before 6.7 put memory anywhere, and of
 * its first and last 2 MiB then none is huge, as it is with hugetlb and zc. NULL: anywhere.
 */
static char *huge_place(const struct fault_way *way, uint64_t size)
{
	char *all;

	if (way->advice != MADV_HUGEPAGE)
		return NULL;
	all = mmap(NULL, size + ZC_HUGE_SIZE, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);
	if (all == MAP_FAILED)
		return NULL;
	munmap(all, size + ZC_HUGE_SIZE);
	return all + (-(uintptr_t)all & (ZC_HUGE_SIZE - 1));
}

/*
 * Advice has to come before the pages: then these are asked for by another call. *@data: where
 * it may be.
 */
static int map_anonymous(const struct fault_way *way, uint64_t size, char **data)
{
	int populate = way->populate && !way->advice ? MAP_POPULATE : 0;

	*data = mmap(*data, size, PROT_READ | PROT_WRITE, way->flags | populate, -1, 0);
	if (*data == MAP_FAILED)
		return -errno;
	if (way->advice && madvise(*data, size, way->advice))
		return -errno;
	if (way->populate && way->advice && madvise(*data, size, MADV_POPULATE_WRITE))
		return -errno;
	return 0;
}

/* To look at the clock for each takes time itself: not in runs that count. */
static void touch_each(volatile char *data, uint64_t size, struct bench_latency *latency)
{
	uint64_t i, begin;

	for (i = 0; i < size; i += 4096) {
		begin = now_ns();
		data[i] = 1;
		bench_latency_add(latency, now_ns() - begin);
	}
}

/* @begin: when the memory was asked for */
static void touch_all(volatile char *data, uint64_t size, uint64_t begin, struct fault_told *told)
{
	uint64_t cpu, before, after, nr;

	/* Those of the counting itself come first. */
	nr = faults();
	nr = faults();
	cpu = bench_cpu_ns();
	before = now_ns();
	data[0] = 1;
	after = now_ns();
	bench_touch(data + 4096, size - 4096);
	told->touch = bench_cpu_ns() - cpu;
	told->faults = faults() - nr;
	told->first = after - before;
	told->byte = after - begin;
}

static void work(const struct fault_way *way, uint64_t size, struct bench_latency *warm,
		 struct fault_told *told)
{
	int64_t before[FAULT_KEYS] = {}, after[FAULT_KEYS] = {}, tables;
	struct zc_context *zc = NULL;
	struct zc_stats stats = {};
	uint64_t begin, cpu;
	char *data = huge_place(way, size);
	size_t i;

	told->err = way->flags ? 0 : zc_open(&zc) ?: zc_query_stats(zc, &stats);
	if (told->err)
		return;
	told->reserved = stats.reserved;
	tables = bench_page_tables();
	meminfo(before);
	begin = now_ns();
	cpu = bench_cpu_ns();
	told->err = way->flags ? map_anonymous(way, size, &data) :
				 map_buffer(zc, way, size, &data);
	told->get = bench_cpu_ns() - cpu;
	if (told->err)
		return;
	if (warm)
		touch_each(data, size, warm);
	else
		touch_all(data, size, begin, told);
	meminfo(after);
	for (i = 0; i < FAULT_KEYS; i++)
		told->change[i] = after[i] - before[i];
	told->tables = bench_page_tables() - tables;
	told->err = bench_smaps_read(data, &told->smaps);
	if (zc && !told->err)
		told->err = zc_query_stats(zc, &stats);
	told->reserved = stats.reserved - told->reserved;
	if (way->reserve && told->reserved * ZC_HUGE_SIZE != size && !told->err)
		told->err = -ENODATA;
}

bool fault_is_hugetlb(const struct fault_way *way)
{
	return way->flags == BENCH_HUGETLB;
}

/* What the process of a run is given. */
struct job {
	const struct fault_way *way;
	uint64_t size;
	struct bench_latency *warm;
};

static void work_alone(const void *arg, void *told)
{
	const struct job *job = arg;

	bench_pin(BENCH_SENDER);
	work(job->way, job->size, job->warm, told);
}

/**
 * fault_run - one run, in a process of its own, with which the memory goes
 * @way:  how it gets memory
 * @size: bytes
 * @warm: shared memory: it is to warm up, and to look at the clock for each 4 KiB; or NULL
 * @told: out: what it cost
 *
 * Returns: 0, -ENODATA if it came from elsewhere, or another negative errno.
 */
int fault_run(const struct fault_way *way, uint64_t size, struct bench_latency *warm,
	      struct fault_told *told)
{
	const struct job job = { way, size, warm };
	int err = bench_crew_alone(work_alone, &job, told, sizeof(*told));

	/* SIGBUS is for hugetlb that has none left. */
	if (err)
		told->err = err == -EFAULT ? -ENOMEM : err;
	return told->err;
}
