// SPDX-License-Identifier: GPL-2.0-only
/*
 * For how long all processors together have been busy: with processes, workers of
 * the kernel, interrupts.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

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

/* Of two calls the difference is meant. */
int bench_busy_ns(uint64_t *ns)
{
	uint64_t idle;
	int err = idle_exact(&idle);

	if (err)
		err = idle_coarse(&idle);
	*ns = now_ns() * sysconf(_SC_NPROCESSORS_ONLN) - idle;
	return err;
}
