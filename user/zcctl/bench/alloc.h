/* SPDX-License-Identifier: GPL-2.0-only */
/* zcctl bench alloc: what its files share. */
#ifndef _ZCCTL_BENCH_ALLOC_H
#define _ZCCTL_BENCH_ALLOC_H

#include <errno.h>
#include <sys/ioctl.h>

#include "bench.h"
#include "latency.h"

#define ALLOC_PROCESSES_MAX	64

/* Where the module gets a buffer from. */
enum alloc_tier { ALLOC_NO_TIER, ALLOC_CACHE, ALLOC_LIST, ALLOC_KERNEL };

/**
 * struct alloc_way - how to get memory
 * @name: as in the report
 * @fn:   gets @size bytes and gives them back, once. Returns 0 or a negative errno; NULL
 *        for a tier
 * @more: so many times as many in a run
 * @zc:   needs the module
 * @tier: the buffer comes from there
 */
struct alloc_way {
	const char *name;
	int (*fn)(struct zc_context *zc, uint64_t size);
	unsigned int more;
	bool zc;
	enum alloc_tier tier;
};

extern const struct alloc_way alloc_ways[];
extern const unsigned int alloc_nr_ways;

/**
 * struct alloc_served - from where buffers came, as the module counts
 * @buffers:  that were got
 * @again:    out of the cache of a processor
 * @reserved: hugepages out of the reserve of a node
 * @fresh:    hugepages that the module took for them, those included
 */
struct alloc_served {
	uint64_t buffers;
	uint64_t again;
	uint64_t reserved;
	uint64_t fresh;
};

/* Where processes wait for each other; in shared memory, at first all zero. */
struct alloc_barrier {
	unsigned int arrived;
	unsigned int turn;
};

/**
 * struct alloc_job - what a process is to do
 * @way:       the way
 * @size:      bytes of each
 * @count:     so often
 * @timed:     and then so often with an eye on the clock
 * @nr:        its number
 * @processes: of all
 * @latency:   of each time of @timed; of a tier: of the getting alone
 * @barrier:   of all
 */
struct alloc_job {
	const struct alloc_way *way;
	uint64_t size;
	unsigned int count;
	unsigned int timed;
	unsigned int nr;
	unsigned int processes;
	struct bench_latency *latency;
	struct alloc_barrier *barrier;
};

/**
 * struct alloc_told - what a process says of its run
 * @err:    0 or a negative errno
 * @times:  that were counted
 * @cpu:    CPU time of these
 * @get:    of a tier, the part that getting took
 * @begin:  of a way, when they began
 * @end:    of a way, when they were done
 * @wall:   time that they took
 * @late:   see alloc_tier_run()
 * @served: of a tier, of all processes; told by the first
 */
struct alloc_told {
	int err;
	uint64_t times;
	uint64_t cpu;
	uint64_t get;
	uint64_t begin;
	uint64_t end;
	uint64_t wall;
	uint64_t late;
	struct alloc_served served;
};

/* The largest buffer that is a part of a hugepage. */
#define ALLOC_SLICE_MAX	(1ull << 20)

static inline bool alloc_is_slice(uint64_t size)
{
	return size <= ALLOC_SLICE_MAX;
}

/* Here, as a call more would be some of what is measured. */
static inline int alloc_buffer_make(struct zc_context *zc, uint64_t size,
				    struct zc_buf_create *arg)
{
	*arg = (struct zc_buf_create){
		.size = size,
		.flags = alloc_is_slice(size) ? ZC_BUF_SLICE : 0,
		.node = ZC_NODE_ANY,
	};
	return ioctl(zc_fd(zc), ZC_IOC_BUF_CREATE, arg) ? -errno : 0;
}

static inline int alloc_buffer_destroy(struct zc_context *zc, uint32_t handle)
{
	struct zc_buf_destroy arg = { .handle = handle };

	return ioctl(zc_fd(zc), ZC_IOC_BUF_DESTROY, &arg) ? -errno : 0;
}

/* alloc-run.c */
uint64_t alloc_clock_cost(uint64_t (*clock)(void));
int alloc_run(const struct alloc_job *job, struct bench_latency *latency,
	      struct alloc_told *all);

/* alloc-tiers.c */
int alloc_tier_tune(const struct alloc_job *job);
void alloc_tier_run(const struct alloc_job *job, struct alloc_told *told);
uint64_t alloc_tier_kernel(const struct alloc_served *served);
const char *alloc_tier_missed(const struct alloc_job *job, const struct alloc_told *all);

#endif /* _ZCCTL_BENCH_ALLOC_H */
