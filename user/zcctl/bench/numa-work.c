// SPDX-License-Identifier: GPL-2.0-only
/* zcctl bench numa: one run, in a process of its own. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "numa.h"
#include "smaps.h"

#define LINE	64

/**
 * struct memory - what is used
 * @data: of it
 * @size: bytes
 * @zc:   device, for a buffer
 * @buf:  the buffer, or NULL
 */
struct memory {
	void *data;
	uint64_t size;
	struct zc_context *zc;
	struct zc_buffer *buf;
};

static int get_buffer(struct memory *mem, const struct numa_job *job)
{
	uint32_t flags = job->node < 0 ? 0 : ZC_BUF_NODE_STRICT;
	int err = zc_open(&mem->zc);

	err = err ?: zc_buffer_new(mem->zc, job->size, flags,
				   job->node < 0 ? ZC_NODE_ANY : job->node, &mem->buf);
	if (!err)
		mem->data = zc_buffer_data(mem->buf);
	return err;
}

static int get_anonymous(struct memory *mem, const struct numa_job *job)
{
	int err = 0;

	mem->data = mmap(NULL, job->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	if (mem->data == MAP_FAILED)
		return -errno;
	/* A kernel without hugepages has it in small ones. */
	madvise(mem->data, job->size, MADV_HUGEPAGE);
	if (job->node >= 0)
		err = policy_bind_memory(mem->data, job->size, job->node);
	/* One that knows no nodes has but one. */
	return err == -ENOSYS ? 0 : err;
}

/* Have it, and see where it is. */
static int get_memory(struct memory *mem, const struct numa_job *job, struct numa_told *told)
{
	struct bench_smaps smaps;
	int err = job->zc ? get_buffer(mem, job) : get_anonymous(mem, job);

	if (err)
		return err;
	mem->size = job->size;
	memset(mem->data, 1, mem->size);
	told->first = policy_node_of(mem->data);
	err = policy_bytes(mem->data, mem->size, told->bytes);
	if (told->first == -ENOSYS || err == -ENOSYS) {
		told->first = 0;
		told->bytes[0] = mem->size;
		err = 0;
	}
	err = err ?: bench_smaps_read(mem->data, &smaps);
	told->huge = bench_smaps_huge(&smaps);
	if (err)
		return err;
	return job->node >= 0 && told->bytes[job->node] != mem->size ? -EXDEV : 0;
}

static void put_memory(struct memory *mem)
{
	zc_buffer_free(mem->buf);
	zc_close(mem->zc);
}

/* The compiler is to read all of it. */
static uint64_t sum(const void *data, uint64_t size)
{
	const uint64_t *p = data, *end = p + size / sizeof(*p);
	uint64_t all = 0;

	while (p < end)
		all += *p++;
	__asm__ volatile("" : "+r" (all));
	return all;
}

/*
 * A round through all lines, each of which says which one is next, so that none can be read
 * ahead: by a linear congruence of full period, which wants a power of two of them.
 */
static uint64_t chain(void *data, uint64_t size)
{
	uint64_t lines = 1, i;

	while (2 * lines * LINE <= size)
		lines *= 2;
	for (i = 0; i < lines; i++)
		*(uint64_t *)((char *)data + i * LINE) =
			(i * 2862933555777941757ull + 3037000493ull) & (lines - 1);
	return lines;
}

static void follow(const void *data, int steps)
{
	uint64_t i = 0;

	while (steps--)
		i = *(const uint64_t *)((const char *)data + i * LINE);
	__asm__ volatile("" : "+r" (i));
}

static void walk(const struct memory *mem, const struct numa_job *job, struct numa_told *told)
{
	uint64_t begin, cpu;

	if (job->use == NUMA_RANDOM)
		chain(mem->data, mem->size);
	cpu = bench_cpu_ns();
	begin = now_ns();
	if (job->use == NUMA_RANDOM)
		follow(mem->data, job->accesses);
	else
		sum(mem->data, mem->size);
	told->ns = now_ns() - begin;
	told->cpu = bench_cpu_ns() - cpu;
}

static void walk_alone(const void *arg, void *say)
{
	const struct numa_job *job = arg;
	struct numa_told *told = say;
	struct memory mem = {};

	if (sched_setaffinity(0, sizeof(job->cpus[0]), &job->cpus[0]))
		told->err = -errno;
	told->err = told->err ?: get_memory(&mem, job, told);
	if (!told->err)
		walk(&mem, job, told);
}

static int run_walk(const struct numa_job *job, struct numa_told *told)
{
	int err = bench_crew_alone(walk_alone, job, told, sizeof(*told));

	return err ?: told->err;
}

/* What the sender works with. */
struct sending {
	const struct numa_job *job;
	struct memory *mem;
};

static int send_part(const struct memory *mem, int sock, uint64_t offset, uint64_t len)
{
	struct zc_send arg = { .out_fd = sock, .offset = offset, .len = len };
	int64_t n = zc_buffer_send(mem->buf, &arg);

	if (n < 0)
		return n;
	return arg.sent < len ? -ENODATA : 0;
}

static void send_once(struct bench_lane *lane, const void *arg)
{
	const struct sending *s = arg;

	bench_lane_ready(lane);
	bench_lane_begin(lane);
	lane->rep->err = send_part(s->mem, lane->sock, 0, s->mem->size);
	bench_lane_end(lane);
}

/* Who answers looks at each byte, as for a checksum, and sends it. */
static void answer(struct bench_lane *lane, const void *arg)
{
	const struct sending *s = arg;
	struct bench_report *rep = lane->rep;
	uint64_t offset = 0;
	int i, requests = s->job->requests;

	rep->err = bench_no_delay(lane->sock);
	bench_lane_ready(lane);
	bench_lane_begin(lane);
	for (i = 0; i < requests && !rep->err; i++) {
		rep->err = bench_lane_asked(lane);
		if (rep->err)
			break;
		sum((char *)s->mem->data + offset, NUMA_ANSWER);
		rep->err = send_part(s->mem, lane->sock, offset, NUMA_ANSWER);
		offset = (offset + NUMA_ANSWER) % s->mem->size;
	}
	bench_lane_end(lane);
}

/*
 * The memory is had by this process, which nothing binds, as it is where a thread is bound
 * that gets its buffers from a pool.
 */
static int run_pair(const struct numa_job *job, struct numa_told *told)
{
	bool requests = job->use == NUMA_REQUESTS;
	struct memory mem = {};
	const struct sending sending = { job, &mem };
	const struct bench_pair pair = {
		.sender = requests ? answer : send_once,
		.arg = &sending,
		.bytes = requests ? job->requests * NUMA_ANSWER : job->size,
		.request = requests ? NUMA_ANSWER : 0,
		.cpus = job->cpus,
	};
	struct bench_result res = {};
	int err = get_memory(&mem, job, told);

	/* Nobody has to be told then when the bytes may be changed. */
	err = err ?: zc_buffer_seal(mem.buf);
	if (!err) {
		bench_run_pair(&pair, &res);
		err = res.err;
	}
	put_memory(&mem);
	told->ns = res.wall_ns;
	told->cpu = res.usage.cpu_ns;
	return err;
}

/**
 * numa_run - one run
 * @job:  what is measured
 * @told: out: what came of it
 *
 * Returns: 0, -EXDEV if the memory is elsewhere, or another negative errno.
 */
int numa_run(const struct numa_job *job, struct numa_told *told)
{
	*told = (struct numa_told){ };
	if (job->use == NUMA_READ || job->use == NUMA_RANDOM)
		return run_walk(job, told);
	return run_pair(job, told);
}
