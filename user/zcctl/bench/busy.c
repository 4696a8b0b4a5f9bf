// SPDX-License-Identifier: GPL-2.0-only
/*
 * For how long all processors together have been busy: with processes, workers of
 * the kernel, interrupts.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

/*
 * The kernel adds up idle time as a processor gets something to do: one that sleeps since
 * long ago would have had all of that time within the run that wakes it. So go there once.
 * False: not all may be gone to.
 */
static bool wake_all(void)
{
	int nr = 0, cpu, here = sched_getcpu();
	cpu_set_t before, one;

	if (sched_getaffinity(0, sizeof(before), &before))
		return false;
	for (cpu = 0; cpu < CPU_SETSIZE && nr < sysconf(_SC_NPROCESSORS_ONLN); cpu++) {
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		nr += cpu == here || !sched_setaffinity(0, sizeof(one), &one);
	}
	sched_setaffinity(0, sizeof(before), &before);
	return cpu < CPU_SETSIZE;
}

/*
 * The kernel's own count of idle time, to the ns; /proc/stat has it to 10 ms only,
 * and needs no root.
 */
static int idle_exact(uint64_t *ns)
{
	FILE *f = fopen("/proc/timer_list", "re");
	unsigned long long one;
	bool found = false;
	char line[256];

	*ns = 0;
	if (!f)
		return -errno;
	if (!wake_all()) {
		fclose(f);
		return -EPERM;
	}
	while (fgets(line, sizeof(line), f)) {
		/* A processor whose task waits for a disk is idle, too. */
		if (sscanf(line, " .idle_sleeptime : %llu nsecs", &one) != 1 &&
		    sscanf(line, " .iowait_sleeptime : %llu nsecs", &one) != 1)
			continue;
		*ns += one;
		found = true;
	}
	fclose(f);
	return found ? 0 : -ENODATA;
}

static int idle_coarse(uint64_t *ns)
{
	FILE *f = fopen("/proc/stat", "re");
	unsigned long long idle = 0, iowait = 0;
	int got;

	if (!f)
		return -errno;
	got = fscanf(f, "cpu %*u %*u %*u %llu %llu", &idle, &iowait);
	fclose(f);
	*ns = (idle + iowait) * 1000000000ull / sysconf(_SC_CLK_TCK);
	return got == 2 ? 0 : -ENODATA;
}

/* Of two calls the difference is meant: see bench_busy_from(). */
int bench_busy_ns(uint64_t *ns)
{
	uint64_t idle;
	int err = idle_exact(&idle);

	if (err)
		err = idle_coarse(&idle);
	*ns = now_ns() * sysconf(_SC_NPROCESSORS_ONLN) - idle;
	return err;
}

/**
 * bench_busy_from - what all processors did from one moment to another
 * @begin: from bench_busy_ns()
 * @end:   likewise
 * @least: CPU time that somebody is known to have had meanwhile
 *
 * Returns: ns, not less than @least: idle time that is counted to 10 ms may be more than
 * there was.
 */
uint64_t bench_busy_from(uint64_t begin, uint64_t end, uint64_t least)
{
	return end < begin || end - begin < least ? least : end - begin;
}
