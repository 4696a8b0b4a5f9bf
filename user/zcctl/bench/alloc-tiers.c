// SPDX-License-Identifier: GPL-2.0-only
/*
 * zcctl bench alloc: buffers out of each tier of the module's allocator by itself.
 *
 * - The cache of a processor keeps what a file has destroyed, for that file: some buffers
 *   are made and destroyed by the same open file, again and again.
 * - The list: each open file makes as many at once as the cache could not keep, and
 *   destroys them. Hugepages come out of the node's reserve then; parts of one out of the
 *   hugepage that the file has a part of already.
 * - The kernel: the same where there is no reserve, and no such hugepage.
 *
 * What the module counts says whether they did come from there.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"

/* What the cache of a processor keeps */
#define CACHE_NR	4
#define CACHE_BYTES	(8ull << 20)

/* Of a batch of the others: no more than these */
#define BATCH_NR	16
#define BATCH_BYTES	(32ull << 20)

/* To wait for the others: after so long one is dead. */
#define PATIENCE	10000000000ull

/* So often in a row, a ms apart, the module's worker must have nothing in hand; tries */
#define SETTLED		5
#define SETTLE_TRIES	1000

/**
 * struct batch - buffers that are made one after the other, and then destroyed
 * @job:    of the process
 * @nr:     buffers
 * @file:   which file each is of
 * @handle: of each
 * @fixed:  cost of a look at the CPU time
 * @clock:  cost of a look at the clock
 * @slow:   time that a buffer takes at least whose memory is cleared first
 * @wait:   time that the module's worker may take to clear a batch
 * @short_of: the reserve is less than it should be: no waiting for it
 */
struct batch {
	const struct alloc_job *job;
	unsigned int nr;
	struct zc_context *file[BATCH_NR];
	uint32_t handle[BATCH_NR];
	uint64_t fixed;
	uint64_t clock;
	uint64_t slow;
	uint64_t wait;
	bool short_of;
};

static uint64_t huge_pages(uint64_t size)
{
	return (size + ZC_HUGE_SIZE - 1) / ZC_HUGE_SIZE;
}

static unsigned int batch_nr(const struct alloc_job *job)
{
	bool cache = job->way->tier == ALLOC_CACHE;
	uint64_t nr = (cache ? CACHE_BYTES : BATCH_BYTES) / job->size;
	unsigned int most = cache ? CACHE_NR : BATCH_NR;

	/* All parts of one hugepage, beside the first. */
	if (job->way->tier == ALLOC_LIST && alloc_is_slice(job->size))
		nr = ZC_HUGE_SIZE / job->size - 1;
	return nr < most ? nr ?: 1 : most;
}

/* Is the hugepage that goes with the file none of what was got? */
static bool file_apart(const struct alloc_job *job)
{
	return job->way->tier == ALLOC_CACHE ||
	       (job->way->tier == ALLOC_LIST && alloc_is_slice(job->size));
}

/**
 * alloc_tier_tune - with --tune: have the reserve that a tier needs, until the end
 * @job: the run that is next
 *
 * Returns: 0 or a negative errno. That there are less hugepages is none.
 */
int alloc_tier_tune(const struct alloc_job *job)
{
	uint64_t nr = batch_nr(job) * huge_pages(job->size) * job->processes;
	char old[256], text[512] = "", *part, *rest = old;
	size_t len = 0;

	if (!bench_method.tune || job->way->tier == ALLOC_NO_TIER)
		return 0;
	if (job->way->tier != ALLOC_LIST || alloc_is_slice(job->size))
		return bench_setting(BENCH_RESERVE, "0");
	/* "0:N,1:N": all processes may be on one node. */
	file_line(BENCH_RESERVE, old, sizeof(old));
	while ((part = strsep(&rest, ",")) && len < sizeof(text))
		len += snprintf(text + len, sizeof(text) - len, "%s%d:%llu", len ? "," : "",
				atoi(part), (unsigned long long)nr);
	return bench_setting(BENCH_RESERVE, text);
}

/* All wait until the last one is there. A system call would let them begin apart. */
static int barrier(const struct alloc_job *job)
{
	struct alloc_barrier *b = job->barrier;
	unsigned int turn = __atomic_load_n(&b->turn, __ATOMIC_ACQUIRE);
	uint64_t end = now_ns() + PATIENCE;

	if (__atomic_add_fetch(&b->arrived, 1, __ATOMIC_ACQ_REL) == job->processes) {
		__atomic_store_n(&b->arrived, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&b->turn, turn + 1, __ATOMIC_RELEASE);
		return 0;
	}
	while (__atomic_load_n(&b->turn, __ATOMIC_ACQUIRE) == turn) {
		if (now_ns() > end)
			return -ETIMEDOUT;
		sched_yield();
	}
	return 0;
}

/* Files for the next batch, and what they must have before. */
static int batch_open(struct batch *batch)
{
	const struct alloc_job *job = batch->job;
	bool each = job->way->tier == ALLOC_KERNEL && alloc_is_slice(job->size);
	struct zc_buf_create first;
	unsigned int i;
	int err = 0;

	for (i = 0; i < batch->nr && !err; i++) {
		if (!i || each)
			err = zc_open(&batch->file[i]);
		else
			batch->file[i] = batch->file[0];
	}
	/* It is there until the file goes. */
	if (!err && job->way->tier == ALLOC_LIST && alloc_is_slice(job->size))
		err = alloc_buffer_make(batch->file[0], job->size, &first);
	return err;
}

static int batch_close(struct batch *batch)
{
	unsigned int i;

	for (i = batch->nr; i--; ) {
		if (batch->file[i] && (!i || batch->file[i] != batch->file[0]))
			zc_close(batch->file[i]);
		batch->file[i] = NULL;
	}
	return 0;
}

static int batch_make(struct batch *batch)
{
	struct zc_buf_create arg;
	unsigned int i;
	int err = 0;

	for (i = 0; i < batch->nr && !err; i++) {
		err = alloc_buffer_make(batch->file[i], batch->job->size, &arg);
		batch->handle[i] = arg.handle;
	}
	return err;
}

/* The same, with an eye on the clock. */
static int batch_make_timed(struct batch *batch, struct alloc_told *told)
{
	struct zc_buf_create arg;
	uint64_t begin, took;
	unsigned int i;
	int err = 0;

	for (i = 0; i < batch->nr && !err; i++) {
		begin = now_ns();
		err = alloc_buffer_make(batch->file[i], batch->job->size, &arg);
		took = now_ns() - begin;
		took -= took < batch->clock ? took : batch->clock;
		batch->handle[i] = arg.handle;
		bench_latency_add(batch->job->latency, took);
		told->late += took >= batch->slow;
	}
	return err;
}

/* What the cache of the processor has by then goes with the file. */
static int batch_destroy(struct batch *batch)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < batch->nr && !err; i++)
		err = alloc_buffer_destroy(batch->file[i], batch->handle[i]);
	return err ?: file_apart(batch->job) ? 0 : batch_close(batch);
}

/* The sum of these; fresh: hugepages that the module has taken and not given back. */
static int count(struct zc_context *zc, struct alloc_served *served, int sign)
{
	struct zc_query query;
	struct zc_stats stats;
	int err = zc_query_stats(zc, &stats) ?: zc_query(zc, &query);

	if (err)
		return err;
	served->buffers += sign * (stats.made + stats.again);
	served->again += sign * stats.again;
	served->reserved += sign * stats.reserved;
	served->fresh += sign * ((query.used_bytes + query.parked_bytes) / ZC_HUGE_SIZE);
	return 0;
}

/* Take part in counting what all get; the first of them counts. */
static int count_together(struct batch *batch, struct alloc_told *told, int sign)
{
	int err = barrier(batch->job);

	if (!err && !batch->job->nr)
		err = count(batch->file[0], &told->served, sign);
	return barrier(batch->job) ?: err;
}

/* Add to @sum what @clock says that @fn took, and the time to @told. */
static int timed(struct batch *batch, int (*fn)(struct batch *batch), uint64_t *sum,
		 struct alloc_told *told)
{
	uint64_t begin = now_ns(), cpu = bench_cpu_ns(), took;
	int err = fn(batch);

	took = bench_cpu_ns() - cpu;
	took -= took < batch->fixed ? took : batch->fixed;
	*sum += took;
	told->wall += now_ns() - begin;
	return err;
}

/* Others wait: so each step is taken, and the first thing that goes wrong told in the end. */
static int batch_run(struct batch *batch, bool each, struct alloc_told *told)
{
	uint64_t put = 0, get = 0;
	int err = batch->job->way->tier == ALLOC_CACHE ? 0 : batch_open(batch);

	if (err)
		return err;
	err = count_together(batch, told, -1);
	if (err)
		return err;
	err = each ? batch_make_timed(batch, told) : timed(batch, batch_make, &get, told);
	err = count_together(batch, told, 1) ?: err;
	if (err)
		return err;
	if (each) {
		err = batch_destroy(batch);
	} else {
		err = timed(batch, batch_destroy, &put, told);
		told->get += get;
		told->cpu += get + put;
		told->times += batch->nr;
	}
	if (!err && batch->job->way->tier != ALLOC_CACHE)
		batch_close(batch);
	return err;
}

/* What the module's worker has to do for one of them, as this process would. */
static uint64_t clear_time(uint64_t size)
{
	char *data = malloc(ZC_HUGE_SIZE);
	uint64_t begin;

	if (!data)
		return 0;
	memset(data, 1, ZC_HUGE_SIZE);
	begin = now_ns();
	memset(data, 0, ZC_HUGE_SIZE);
	/* Or it would be none of the compiler's business. */
	__asm__ volatile("" : : "r" (data) : "memory");
	begin = now_ns() - begin;
	free(data);
	return begin * huge_pages(size);
}

/* Is each hugepage of the reserve either there or in a buffer? */
static bool nothing_in_hand(struct zc_context *zc)
{
	struct zc_node_query info;
	int node;

	for (node = 0; node >= 0; node = info.next)
		if (zc_query_node(zc, node, &info) ||
		    info.ready_bytes + info.out_bytes < info.reserve_bytes)
			return false;
	return true;
}

/*
 * Have the module's worker clear what came back. It has one in hand nearly all of the time
 * until it is done.
 */
static void settle(struct batch *batch)
{
	struct zc_context *zc = NULL;
	int quiet = 0, tries = 0;

	usleep(batch->wait / 1000);
	if (batch->short_of || zc_open(&zc))
		return;
	while (quiet < SETTLED && tries++ < SETTLE_TRIES) {
		quiet = nothing_in_hand(zc) ? quiet + 1 : 0;
		usleep(1000);
	}
	batch->short_of = quiet < SETTLED;
	zc_close(zc);
}

static int batch_begin(struct batch *batch, const struct alloc_job *job)
{
	uint64_t clear = clear_time(job->size);
	int err = 0;

	batch->job = job;
	batch->nr = batch_nr(job);
	batch->fixed = alloc_clock_cost(bench_cpu_ns);
	batch->clock = alloc_clock_cost(now_ns);
	batch->slow = clear / 2;
	batch->wait = 3 * clear * batch->nr * job->processes + 10000000;
	if (job->way->tier != ALLOC_CACHE)
		return 0;
	/* From here on the file has some. */
	err = batch_open(batch) ?: batch_make(batch);
	return err ?: batch_destroy(batch);
}

/**
 * alloc_tier_run - get and give back buffers of a tier
 * @job:  how often, about
 * @told: out: what it cost; @late: of those out of the reserve whose time was taken, how
 *        many had to be cleared first, as far as time tells. May come with an error
 */
void alloc_tier_run(const struct alloc_job *job, struct alloc_told *told)
{
	struct batch batch = {};
	unsigned int i, loops, more;

	/* Of an error the others learn by waiting in vain, as of a death. */
	told->err = told->err ?: batch_begin(&batch, job);
	if (told->err)
		return;
	loops = (job->count + batch.nr - 1) / batch.nr;
	more = (job->timed + batch.nr - 1) / batch.nr;
	for (i = 0; i < loops + more && !told->err; i++) {
		told->err = batch_run(&batch, i >= loops, told);
		if (job->way->tier == ALLOC_LIST && !alloc_is_slice(job->size))
			settle(&batch);
	}
}

/**
 * alloc_tier_kernel - how many hugepages came from the kernel?
 * @served: as the module counted
 *
 * Returns: their number; 0, too, if others gave back more meanwhile.
 */
uint64_t alloc_tier_kernel(const struct alloc_served *served)
{
	int64_t nr = served->fresh - served->reserved;

	return nr > 0 ? nr : 0;
}

/**
 * alloc_tier_missed - did buffers come from elsewhere?
 * @job: the run
 * @all: what was told of it
 *
 * Returns: NULL, or what it says of that. Overwritten by the next call.
 */
const char *alloc_tier_missed(const struct alloc_job *job, const struct alloc_told *all)
{
	const struct alloc_served *s = &all->served;
	uint64_t huge = s->buffers * huge_pages(job->size);
	bool slice = alloc_is_slice(job->size);
	static char text[192];

	switch (job->way->tier) {
	case ALLOC_CACHE:
		if (s->again == s->buffers && !s->fresh)
			return NULL;
		snprintf(text, sizeof(text), "%llu of %llu came out of the cache, which keeps "
			 "%d buffers and 8 MiB by processor",
			 (unsigned long long)s->again, (unsigned long long)s->buffers, CACHE_NR);
		return text;
	case ALLOC_LIST:
		if (!s->again && (slice ? !s->fresh : s->reserved == huge && s->fresh == huge))
			return NULL;
		if (slice)
			snprintf(text, sizeof(text), "%llu of %llu parts were of another hugepage",
				 (unsigned long long)s->fresh, (unsigned long long)s->buffers);
		else
			snprintf(text, sizeof(text), "%llu of %llu hugepages came out of the "
				 "reserve: --tune, or zcctl pool set %llu on each node",
				 (unsigned long long)s->reserved, (unsigned long long)huge,
				 (unsigned long long)(batch_nr(job) * huge_pages(job->size) *
						      job->processes));
		return text;
	case ALLOC_KERNEL:
		if (!s->again && !s->reserved && s->fresh == huge)
			return NULL;
		snprintf(text, sizeof(text), "%llu of %llu hugepages came from the kernel, %llu "
			 "out of the reserve: --tune, or zcctl pool set 0",
			 (unsigned long long)alloc_tier_kernel(s), (unsigned long long)huge,
			 (unsigned long long)s->reserved);
		return text;
	default:
		return NULL;
	}
}
