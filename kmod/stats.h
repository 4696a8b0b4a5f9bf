/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the module counts, on each processor by itself.
 */
#ifndef _ZC_STATS_H
#define _ZC_STATS_H

#include <linux/percpu.h>
#include <linux/types.h>

/**
 * enum zc_stat - what is counted; each says where it is shown
 * @ZC_STAT_MADE:       zc_stats::made
 * @ZC_STAT_AGAIN:      zc_stats::again
 * @ZC_STAT_RESERVE:    zc_stats::reserved
 * @ZC_STAT_NO_LIMIT:   zc_stats::refused_limit
 * @ZC_STAT_NO_MEMLOCK: zc_stats::refused_memlock
 * @ZC_STAT_NO_CGROUP:  zc_stats::refused_cgroup
 * @ZC_STAT_NO_MEMORY:  zc_stats::refused_memory
 * @ZC_STAT_NO_HANDLE:  zc_stats::refused_handle
 * @ZC_STAT_HELD:       zc_stats::told_held
 * @ZC_STAT_IDLE:       zc_stats::told_idle
 * @ZC_STATS:           their number
 */
enum zc_stat {
	ZC_STAT_MADE,
	ZC_STAT_AGAIN,
	ZC_STAT_RESERVE,
	ZC_STAT_NO_LIMIT,
	ZC_STAT_NO_MEMLOCK,
	ZC_STAT_NO_CGROUP,
	ZC_STAT_NO_MEMORY,
	ZC_STAT_NO_HANDLE,
	ZC_STAT_HELD,
	ZC_STAT_IDLE,
	ZC_STATS
};

DECLARE_PER_CPU(unsigned long, zc_stats[ZC_STATS]);

/**
 * zc_stat_inc - count one more
 * @what: of these. Any context.
 */
static inline void zc_stat_inc(enum zc_stat what)
{
	this_cpu_inc(zc_stats[what]);
}

u64 zc_stat_read(enum zc_stat what);

#endif /* _ZC_STATS_H */
