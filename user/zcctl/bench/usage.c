// SPDX-License-Identifier: GPL-2.0-only
/* What a process used, and what the machine spent on softirqs meanwhile. */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define SEC	1000000000ull

uint64_t bench_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * SEC + ts.tv_nsec;
}

static uint64_t timeval_ns(const struct timeval *tv)
{
	return tv->tv_sec * SEC + tv->tv_usec * 1000ull;
}

static void take_rusage(struct bench_usage *use)
{
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	use->user_ns = timeval_ns(&ru.ru_utime);
	use->system_ns = timeval_ns(&ru.ru_stime);
	use->voluntary = ru.ru_nvcsw;
	use->involuntary = ru.ru_nivcsw;
}

/* The clock last, so that it does not count the look at the rest. */
void bench_usage_begin(struct bench_usage *begin)
{
	take_rusage(begin);
	begin->cpu_ns = bench_cpu_ns();
}

/* Adds to *@use what was used since @begin. */
void bench_usage_end(const struct bench_usage *begin, struct bench_usage *use)
{
	struct bench_usage end = { .cpu_ns = bench_cpu_ns() };

	take_rusage(&end);
	use->cpu_ns += end.cpu_ns - begin->cpu_ns;
	use->user_ns += end.user_ns - begin->user_ns;
	use->system_ns += end.system_ns - begin->system_ns;
	use->voluntary += end.voluntary - begin->voluntary;
	use->involuntary += end.involuntary - begin->involuntary;
}

void bench_usage_add(struct bench_usage *use, const struct bench_usage *more)
{
	use->cpu_ns += more->cpu_ns;
	use->user_ns += more->user_ns;
	use->system_ns += more->system_ns;
	use->voluntary += more->voluntary;
	use->involuntary += more->involuntary;
}

/* The unit of the kernel's times of softirqs, and of what it calls user and system. */
uint64_t bench_tick_ns(void)
{
	return SEC / sysconf(_SC_CLK_TCK);
}

/*
 * Of all processors. Counted by ticks, which say nothing where clocks count
 * instructions: BENCH_UNKNOWN then.
 */
uint64_t bench_softirq_ns(void)
{
	FILE *f = bench_method.icount ? NULL : fopen("/proc/stat", "re");
	unsigned long long ticks;
	int got;

	if (!f)
		return BENCH_UNKNOWN;
	got = fscanf(f, "cpu %*u %*u %*u %*u %*u %*u %llu", &ticks);
	fclose(f);
	return got == 1 ? ticks * bench_tick_ns() : BENCH_UNKNOWN;
}
