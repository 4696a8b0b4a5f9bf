// SPDX-License-Identifier: GPL-2.0-only
/* zcctl bench write: one run, in processes that write at once. */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "alloc.h"
#include "write.h"

/* A writer warms up by so many writes, or by so many bytes if that is less often. */
#define WARM_TIMES	64
#define WARM_BYTES	(64ull << 20)
/* By which a writer of libzc has the largest buffer that it takes, and each page of it */
#define WARM_GATHER	(4ull << 20)

/* What a process has for its writes */
struct writer {
	const struct write_job *job;
	struct write_told *told;
	struct write_buffers buffers;
	struct write_sink sink;
};

static uint64_t faults(void)
{
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	return ru.ru_minflt + ru.ru_majflt;
}

/* As little as a program does that makes data: it goes to each line. */
static void fill(volatile char *data, uint64_t size, uint64_t at)
{
	uint64_t i;

	for (i = 0; i < size; i += WRITE_LINE)
		*(volatile uint64_t *)(data + i) = at + i;
}

static int write_buffer(struct writer *w, const char *data)
{
	int err = write_sink_put(&w->sink, data, w->job->size);

	w->told->sink |= !!err;
	return err;
}

/* What a writer of libzc has, if there is one, is written; in a file the next has its place. */
static int gathered_flush(struct writer *w)
{
	int err;

	if (!w->buffers.writer)
		return 0;
	err = zc_writer_flush(w->buffers.writer);
	if (!err && w->sink.region &&
	    lseek(w->sink.fd, w->sink.at % w->sink.region, SEEK_SET) < 0)
		err = -errno;
	return err;
}

/* In place in the writer's buffer, or in some, one after the other. */
static int write_gathered(struct writer *w)
{
	uint64_t left = w->job->size, region = w->sink.region;
	int err = 0;

	while (left && !err) {
		size_t room;
		void *data;

		err = zc_writer_reserve(w->buffers.writer, &data, &room);
		if (err)
			break;
		if (room > left)
			room = left;
		if (region && room > region - w->sink.at % region)
			room = region - w->sink.at % region;
		fill(data, room, w->sink.at);
		err = zc_writer_commit(w->buffers.writer, room);
		w->sink.at += room;
		left -= room;
		if (!err && region && !(w->sink.at % region))
			err = gathered_flush(w);
	}
	w->told->sink |= !!err;
	return err;
}

static int write_once(struct writer *w)
{
	char *data;
	int err;

	if (!w->job->way->get)
		return write_gathered(w);
	err = w->job->way->get(&w->buffers, &data);
	if (err)
		return err;
	fill(data, w->job->size, w->sink.at);
	err = write_buffer(w, data);
	return w->job->way->put(&w->buffers, data) ?: err;
}

static uint64_t less(uint64_t time, uint64_t cost)
{
	return time > cost ? time - cost : 0;
}

/* The same with a look at the clock in between, each of which takes @clock. */
static int write_timed(struct writer *w, uint64_t clock)
{
	uint64_t begin = now_ns(), ready = begin, written, get, took;
	char *data;
	int err;

	if (!w->job->way->get) {
		err = write_gathered(w);
		written = now_ns();
	} else {
		err = w->job->way->get(&w->buffers, &data);
		if (err)
			return err;
		fill(data, w->job->size, w->sink.at);
		ready = now_ns();
		err = write_buffer(w, data);
		written = now_ns();
		err = w->job->way->put(&w->buffers, data) ?: err;
	}
	get = less(now_ns() - written, clock) + less(ready - begin, clock);
	took = less(written - ready, clock);
	bench_latency_add(&w->told->get, get);
	bench_latency_add(&w->told->write, took);
	bench_latency_add(&w->told->whole, get + took);
	return err;
}

static int warm_up(struct writer *w)
{
	uint64_t times = WARM_BYTES / w->job->size + 1;
	int err = 0;

	times = times < WARM_TIMES ? times : WARM_TIMES;
	if (w->buffers.writer && times < WARM_GATHER / w->job->size)
		times = WARM_GATHER / w->job->size;
	for (; times && !err; times--)
		err = write_once(w);
	return err ?: gathered_flush(w);
}

static int run_writes(struct writer *w)
{
	struct write_told *told = w->told;
	uint64_t clock = alloc_clock_cost(now_ns), cpu;
	unsigned int i;
	int err = 0;

	/*
	 * Faults of the counting itself come first: each of its functions is called once. Its
	 * code need not be mapped yet, for mapping around a fault passes over pages that
	 * another process, doing the same, has locked.
	 */
	bench_cpu_ns();
	told->faults = faults();
	told->faults = faults();
	told->begin = now_ns();
	cpu = bench_cpu_ns();
	for (i = 0; i < w->job->count && !err; i++)
		err = write_once(w);
	err = err ?: gathered_flush(w);
	told->cpu = bench_cpu_ns() - cpu;
	told->end = now_ns();
	told->faults = faults() - told->faults;
	/* Who looks at the clock each time is slower: that does not count. */
	for (i = 0; i < w->job->timed && !err; i++)
		err = write_timed(w, clock);
	return err ?: gathered_flush(w);
}

/* Warm up, say so, and begin when all have done so. */
static int work(struct writer *w, const struct bench_crew *crew)
{
	const struct write_way *way = w->job->way;
	int err;

	w->buffers.fd = w->sink.fd;
	err = way->begin ? way->begin(&w->buffers) : 0;
	if (!err)
		err = warm_up(w);
	if (err)
		return bench_crew_tell(crew, BENCH_FAILED) ?: err;
	err = bench_crew_tell(crew, BENCH_READY) ?: bench_crew_wait(crew) ?: run_writes(w);
	if (way->end)
		way->end(&w->buffers);
	return err;
}

/* The sink first: its reader would share the buffers, each page of which is copied then. */
static int work_to_sink(struct writer *w, const struct bench_crew *crew)
{
	int err = write_sink_open(&w->sink, w->job), closed;

	if (err) {
		w->told->sink = true;
		return bench_crew_tell(crew, BENCH_FAILED) ?: err;
	}
	err = work(w, crew);
	closed = write_sink_close(&w->sink, w->job);
	/* Why its reader has gone */
	if ((err && err != -EPIPE) || !closed)
		return err;
	w->told->sink = true;
	return closed;
}

static int start_all(struct write_job *job, struct bench_crew *crew)
{
	pid_t pid = 1;

	for (job->nr = 0; job->nr < job->processes && pid > 0; job->nr++) {
		struct write_told *told = &job->told[job->nr];
		struct writer w = { .job = job, .told = told, .buffers.size = job->size };

		memset(told, 0, sizeof(*told));
		pid = bench_crew_fork(crew);
		if (!pid) {
			told->err = bench_pin(job->nr);
			told->err = work_to_sink(&w, crew) ?: told->err;
			bench_crew_leave(crew);
		}
	}
	return pid < 0 ? pid : 0;
}

static void take_all(const struct write_job *job, struct bench_latency *latency,
		     struct write_result *res)
{
	static struct bench_latency get, call;
	uint64_t begin = UINT64_MAX, end = 0, nr = (uint64_t)job->count * job->processes;
	uint64_t faulted = 0;
	unsigned int i;

	memset(&get, 0, sizeof(get));
	memset(&call, 0, sizeof(call));
	for (i = 0; i < job->processes; i++) {
		const struct write_told *told = &job->told[i];

		begin = told->begin < begin ? told->begin : begin;
		end = told->end > end ? told->end : end;
		res->cpu += told->cpu;
		faulted += told->faults;
		bench_latency_merge(latency, &told->whole);
		bench_latency_merge(&get, &told->get);
		bench_latency_merge(&call, &told->write);
	}
	res->cpu /= nr;
	res->wall = (end - begin) / nr;
	res->faults = (double)faulted / nr;
	res->get = bench_latency_at(&get, 0.5);
	res->write = bench_latency_at(&call, 0.5);
	res->pipe_bytes = job->told[0].pipe_bytes;
}

/**
 * write_run - one run
 * @of:      what each process does; @nr is set here
 * @latency: what writes took is added to this
 * @res:     out: what it cost, or why it was none
 */
void write_run(const struct write_job *of, struct bench_latency *latency,
	       struct write_result *res)
{
	struct write_job job = *of;
	struct bench_crew crew;
	unsigned int i;
	int err;

	*res = (struct write_result){ };
	err = bench_crew_begin(&crew, job.processes) ?: start_all(&job, &crew);
	err = err ?: bench_crew_hear(&crew, BENCH_READY, job.processes);
	bench_crew_open(&crew);
	/* Who was never ready has failed, and says why. */
	if (!err || err == -ECANCELED)
		bench_crew_hear(&crew, BENCH_DONE, job.processes);
	res->err = bench_crew_end(&crew);
	for (i = 0; i < job.processes && !res->err; i++) {
		res->err = job.told[i].err;
		res->sink = job.told[i].sink;
	}
	if (!res->err)
		take_all(&job, latency, res);
}
