/* SPDX-License-Identifier: GPL-2.0-only */
/* zcctl bench write: what its files share. */
#ifndef _ZCCTL_BENCH_WRITE_H
#define _ZCCTL_BENCH_WRITE_H

#include "bench.h"
#include "latency.h"

#define WRITE_PROCESSES_MAX	64

/* Buffers in the pool of a process */
#define WRITE_POOL		4

/* Of each so many bytes the first eight are written: a cache line. */
#define WRITE_LINE		64

/* Sizes are multiples of this, and what is aligned is so to this. */
#define WRITE_UNIT		4096

/* No write is larger: of a ring of buffers there is more than one. */
#define WRITE_SIZE_MAX		(1ull << 30)

/* Of a pipe, if the writer may have so many */
#define WRITE_PIPE_BYTES	(1 << 20)

/* A file is written over and over from its beginning to here, or to the end of one write. */
#define WRITE_REGION		(16ull << 20)

/**
 * struct write_buffers - where a process has its buffers from
 * @size:    bytes of each
 * @fd:      what is written to
 * @zc:      the device, or NULL
 * @writer:  of libzc, or NULL
 * @handle:  of the buffer in use, if it is destroyed afterwards
 * @mapped:  bytes of it
 * @kept:    the one that is kept, or the first of the ring; or NULL
 * @ring:    buffers of the ring
 * @turn:    the next of them
 * @pool:    buffers with which the pool began
 * @free:    memory of those that are free; the last is the next
 * @nr_free: how many
 */
struct write_buffers {
	uint64_t size;
	int fd;
	struct zc_context *zc;
	struct zc_writer *writer;
	uint32_t handle;
	uint64_t mapped;
	char *kept;
	uint64_t ring;
	uint64_t turn;
	struct zc_buffer *pool[WRITE_POOL];
	char *free[WRITE_POOL];
	unsigned int nr_free;
};

/**
 * struct write_way - how a writer has its buffer
 * @name:  as in the report
 * @zc:    needs the module
 * @refer: by reference, which only a pipe takes: vmsplice() instead of write()
 * @begin: what is not measured, or NULL
 * @get:   a buffer; NULL: a writer of libzc has it, and writes when it has enough
 * @put:   gives it back. All return 0 or a negative errno
 * @end:   undoes @begin, or NULL
 */
struct write_way {
	const char *name;
	bool zc;
	bool refer;
	int (*begin)(struct write_buffers *b);
	int (*get)(struct write_buffers *b, char **data);
	int (*put)(struct write_buffers *b, char *data);
	void (*end)(struct write_buffers *b);
};

extern const struct write_way write_ways[];
extern const unsigned int write_nr_ways;

enum write_to { WRITE_PIPE, WRITE_FILE, WRITE_NULL, WRITE_SINKS };

extern const char *const write_sinks[WRITE_SINKS];

/**
 * struct write_told - what a process says of its run; in shared memory
 * @err:        0 or a negative errno
 * @sink:       it was the sink's
 * @begin:      when the writes began that were counted
 * @end:        when they were done
 * @cpu:        CPU time of them
 * @faults:     page faults
 * @arrived:    bytes that the reader of the pipe got
 * @pipe_bytes: what the pipe holds
 * @whole:      of the writes that were timed: all of it
 * @get:        getting the buffer, filling it, giving it back
 * @write:      the call
 */
struct write_told {
	int err;
	bool sink;
	uint64_t begin;
	uint64_t end;
	uint64_t cpu;
	uint64_t faults;
	uint64_t arrived;
	uint64_t pipe_bytes;
	struct bench_latency whole;
	struct bench_latency get;
	struct bench_latency write;
};

/**
 * struct write_job - what a process is to do
 * @way:       the way
 * @to:        the sink
 * @files:     descriptors of the files, one for each process
 * @size:      bytes of each write
 * @count:     so often
 * @timed:     and then so often with an eye on the clock
 * @nr:        its number
 * @processes: of all
 * @verify:    see what came
 * @told:      of all
 */
struct write_job {
	const struct write_way *way;
	enum write_to to;
	const int *files;
	uint64_t size;
	unsigned int count;
	unsigned int timed;
	unsigned int nr;
	unsigned int processes;
	bool verify;
	struct write_told *told;
};

/**
 * struct write_sink - where a process writes to
 * @fd:     descriptor
 * @at:     bytes that were written
 * @region: of a file
 * @refer:  see struct write_way
 * @reader: of the pipe, or 0
 */
struct write_sink {
	int fd;
	uint64_t at;
	uint64_t region;
	bool refer;
	pid_t reader;
};

/**
 * struct write_result - of one run, all processes
 * @err:        0 or a negative errno
 * @sink:       it was the sink's
 * @cpu:        CPU time of one write
 * @wall:       time, by the number of all
 * @get:        median of the getting, filling and giving back
 * @write:      that of the call
 * @faults:     page faults of one
 * @pipe_bytes: what a pipe holds
 */
struct write_result {
	int err;
	bool sink;
	uint64_t cpu;
	uint64_t wall;
	uint64_t get;
	uint64_t write;
	double faults;
	uint64_t pipe_bytes;
};

/**
 * struct write_row - a sink, a size, a way, and so many processes
 * @job:     what each process does
 * @err:     0, or why it was not measured
 * @cost:    CPU time of one write, of each run
 * @wall:    see struct write_result
 * @get:     likewise
 * @write:   likewise
 * @last:    run
 * @latency: of all runs
 */
struct write_row {
	struct write_job job;
	int err;
	struct bench_runs cost;
	struct bench_runs wall;
	struct bench_runs get;
	struct bench_runs write;
	struct write_result last;
	struct bench_latency latency;
};

/* write-sinks.c */
int write_file_make(const char *dir, uint64_t size);
const char *write_file_system(int fd, char *buf, size_t size);
uint64_t write_region(uint64_t size);
int write_sink_open(struct write_sink *sink, const struct write_job *job);
int write_sink_put(struct write_sink *sink, const char *data, uint64_t size);
int write_sink_close(struct write_sink *sink, const struct write_job *job);

/* write-run.c */
void write_run(const struct write_job *job, struct bench_latency *latency,
	       struct write_result *res);

/* write-report.c */
void write_show_json(struct write_row *rows, unsigned int nr);
void write_show_text(struct write_row *rows, unsigned int nr);
const char *write_why_not(const struct write_row *row);

#endif /* _ZCCTL_BENCH_WRITE_H */
