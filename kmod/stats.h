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
 * @ZC_STAT_FREED:      buffers-freed, as all that follow but those of struct zc_stats an
 *                      attribute of the netlink family
 * @ZC_STAT_RESERVE:    zc_stats::reserved
 * @ZC_STAT_NO_LIMIT:   zc_stats::refused_limit
 * @ZC_STAT_NO_MEMLOCK: zc_stats::refused_memlock
 * @ZC_STAT_NO_CGROUP:  zc_stats::refused_cgroup
 * @ZC_STAT_NO_MEMORY:  zc_stats::refused_memory
 * @ZC_STAT_NO_HANDLE:  zc_stats::refused_handle
 * @ZC_STAT_HELD:       zc_stats::told_held
 * @ZC_STAT_IDLE:       zc_stats::told_idle
 * @ZC_STAT_BEGUN:      transfers-begun
 * @ZC_STAT_DONE:       transfers-done
 * @ZC_STAT_FAILED:     transfers-failed
 * @ZC_STAT_CANCELED:   transfers-canceled
 * @ZC_STAT_SENT:       sent-bytes
 * @ZC_STAT_COPIED:     copied-bytes
 * @ZC_STAT_CACHED:     cached-bytes
 * @ZC_STAT_FALLBACK:   fallback-no-direct; after it come the others, in the order of the
 *                      ZC_COPY_* bits
 * @ZC_STAT_FALLBACK_LAST: fallback-small
 * @ZC_STAT_MAPPED:     dma-mapped
 * @ZC_STAT_REVOKED:    dma-revoked
 * @ZC_STAT_LOST:       events-lost
 * @ZC_STATS:           their number
 */
enum zc_stat {
	ZC_STAT_MADE,
	ZC_STAT_AGAIN,
	ZC_STAT_FREED,
	ZC_STAT_RESERVE,
	ZC_STAT_NO_LIMIT,
	ZC_STAT_NO_MEMLOCK,
	ZC_STAT_NO_CGROUP,
	ZC_STAT_NO_MEMORY,
	ZC_STAT_NO_HANDLE,
	ZC_STAT_HELD,
	ZC_STAT_IDLE,
	ZC_STAT_BEGUN,
	ZC_STAT_DONE,
	ZC_STAT_FAILED,
	ZC_STAT_CANCELED,
	ZC_STAT_SENT,
	ZC_STAT_COPIED,
	ZC_STAT_CACHED,
	ZC_STAT_FALLBACK,
	ZC_STAT_FALLBACK_LAST = ZC_STAT_FALLBACK + 4,
	ZC_STAT_MAPPED,
	ZC_STAT_REVOKED,
	ZC_STAT_LOST,
	ZC_STATS
};

DECLARE_PER_CPU(u64, zc_stats[ZC_STATS]);

/**
 * zc_stat_inc - count one more
 * @what: of these. Any context.
 */
static inline void zc_stat_inc(enum zc_stat what)
{
	this_cpu_inc(zc_stats[what]);
}

/**
 * zc_stat_add - count more
 * @what: of these
 * @nr:   so many. Any context.
 */
static inline void zc_stat_add(enum zc_stat what, u64 nr)
{
	this_cpu_add(zc_stats[what], nr);
}

u64 zc_stat_read(enum zc_stat what);

#endif /* _ZC_STATS_H */
