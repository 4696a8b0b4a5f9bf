// SPDX-License-Identifier: GPL-2.0-only
/* zcctl bench alloc: one run of a way, in processes that do it at once. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "alloc.h"

/* A way warms up by so many times, or by so many bytes if that is less often. */
#define WARM_TIMES	16
#define WARM_BYTES	(64ull << 20)

/* What it takes to look at a clock: the least of some times. */
uint64_t alloc_clock_cost(uint64_t (*clock)(void))
{
	uint64_t least = UINT64_MAX, begin, took;
	int i;

	for (i = 0; i < 16; i++) {
		begin = clock();
		took = clock() - begin;
		least = took < least ? took : least;
	}
	return least;
}

static int warm_up(const struct alloc_job *job, struct zc_context *zc)
{
	uint64_t times = WARM_BYTES / job->size + 1;
	int err = 0;

	for (times = times < WARM_TIMES ? times : WARM_TIMES; times && !err; times--)
		err = job->way->fn(zc, job->size);
	return err;
}

static void run_way(const struct alloc_job *job, struct zc_context *zc,
		    struct alloc_told *told)
{
	int (*fn)(struct zc_context *zc, uint64_t size) = job->way->fn;
	uint64_t cpu, clock, begin, took, size = job->size;
	unsigned int i, count = job->count;
	int err = told->err;

	told->begin = now_ns();
	cpu = bench_cpu_ns();
	for (i = 0; !err && i < count; i++)
		err = fn(zc, size);
	told->err = err;
	told->cpu = bench_cpu_ns() - cpu;
	told->end = now_ns();
	told->times = job->count;
	/* Who looks at the clock each time is slower: that does not count. */
	clock = alloc_clock_cost(now_ns);
	for (i = 0; !told->err && i < job->timed; i++) {
		begin = now_ns();
		told->err = fn(zc, size);
		took = now_ns() - begin;
		bench_latency_add(job->latency, took > clock ? took - clock : 0);
	}
}

/* Warm up; say so; begin when all have done so. */
static void work(const struct alloc_job *job, const struct bench_crew *crew,
		 struct alloc_told *told)
{
	struct zc_context *zc = NULL;

	if (job->way->zc)
		told->err = zc_open(&zc);
	if (!told->err && job->way->fn)
		told->err = warm_up(job, zc);
	told->err = bench_crew_tell(crew, BENCH_READY) ?: bench_crew_wait(crew) ?: told->err;
	/* Those of a tier wait for each other, whatever happened to one. */
	if (job->way->fn)
		run_way(job, zc, told);
	else
		alloc_tier_run(job, told);
}

static int start_all(struct alloc_job job, struct bench_crew *crew, struct alloc_told *told)
{
	struct bench_latency *latency = job.latency;
	pid_t pid = 1;

	for (job.nr = 0; job.nr < job.processes && pid > 0; job.nr++) {
		job.latency = &latency[job.nr];
		memset(job.latency, 0, sizeof(*latency));
		pid = bench_crew_fork(crew);
		if (!pid) {
			told[job.nr].err = bench_pin(job.nr);
			work(&job, crew, &told[job.nr]);
			bench_crew_leave(crew);
		}
	}
	return pid < 0 ? pid : 0;
}

static int add_all(const struct alloc_told *told, unsigned int nr, struct alloc_told *all)
{
	unsigned int i;

	*all = (struct alloc_told){ .begin = UINT64_MAX };
	for (i = 0; i < nr; i++) {
		const struct alloc_told *one = &told[i];

		all->err = all->err ?: one->err;
		all->times += one->times;
		all->cpu += one->cpu;
		all->get += one->get;
		all->late += one->late;
		all->begin = one->begin < all->begin ? one->begin : all->begin;
		all->end = one->end > all->end ? one->end : all->end;
		all->wall = one->wall > all->wall ? one->wall : all->wall;
		if (one->served.buffers)
			all->served = one->served;
	}
	if (all->end > all->begin)
		all->wall = all->end - all->begin;
	return all->err;
}

/**
 * alloc_run - one run
 * @job:     what each process does; @nr and @barrier are set here, and @latency is shared
 *           memory for all of them
 * @latency: what they took is added to this
 * @all:     out: what they say, together: the sum, but for @wall,
 *           which is that of all together
 *
 * Returns: 0 or a negative errno.
 */
int alloc_run(const struct alloc_job *job, struct bench_latency *latency,
	      struct alloc_told *all)
{
	size_t size = job->processes * sizeof(*all);
	struct alloc_told *told = bench_shared(size);
	struct bench_crew crew;
	unsigned int i;
	int err;

	*job->barrier = (struct alloc_barrier){ };
	if (!told)
		return -ENOMEM;
	err = bench_crew_begin(&crew, job->processes) ?: start_all(*job, &crew, told);
	err = err ?: bench_crew_hear(&crew, BENCH_READY, job->processes);
	bench_crew_open(&crew);
	if (!err)
		bench_crew_hear(&crew, BENCH_DONE, job->processes);
	err = bench_crew_end(&crew) ?: add_all(told, job->processes, all);
	for (i = 0; i < job->processes; i++)
		bench_latency_merge(latency, &job->latency[i]);
	munmap(told, size);
	return err;
}
