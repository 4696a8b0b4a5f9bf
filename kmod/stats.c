// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the module counts.
 */
#include "stats.h"

DEFINE_PER_CPU(u64, zc_stats[ZC_STATS]);

/**
 * zc_stat_read - how many there were
 * @what: of these
 *
 * Returns: their number since the module was loaded. Any context.
 */
u64 zc_stat_read(enum zc_stat what)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(*per_cpu_ptr(&zc_stats[what], cpu));
	return sum;
}
