/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * zcctl bench serve: a server and its clients. One run has two processes, joined by TCP on
 * the loopback: the server with a thread for each of its processors, the client with all
 * ends of the connections. Each connection asks for a part of the source, takes it, and
 * asks for the next.
 */
#ifndef _ZCCTL_BENCH_SERVE_H
#define _ZCCTL_BENCH_SERVE_H

#include "bench.h"
#include "latency.h"

#define SERVE_FRESH	(32ul << 10)	/* a buffer of its own for each request */
#define SERVE_POOLED	(1ul << 20)	/* one of the pool */
#define SERVE_CONNECTIONS_MAX	10000
#define SERVE_SPAN	(64ull << 30)	/* of a file, that is looked at */

/**
 * struct serve_source - what is served: parts of one size
 * @fds:   files; of a folder one for each part, else one that has all
 * @files: is it a folder?
 * @nr:    parts
 * @size:  of each, bytes
 */
struct serve_source {
	int *fds;
	bool files;
	unsigned int nr;
	uint64_t size;
};

/**
 * struct serve_job - a run
 * @path:        way to serve
 * @source:      what
 * @size:        of a part, bytes
 * @cache:       state of the page cache before
 * @connections: at once
 * @threads:     of the server
 * @parts:       that are asked for, of those of the source
 * @requests:    that count, in all
 * @run_ns:      begin none after so long; 0: no limit
 * @pool:        buffers of the pool of each thread, at most
 * @verify:      have the client compare what it gets with the source
 * @key:         of each request: the server has no bytes for strangers
 */
struct serve_job {
	const struct serve_path *path;
	const struct serve_source *source;
	uint64_t size;
	enum bench_cache cache;
	unsigned int connections;
	unsigned int threads;
	unsigned int parts;
	uint64_t requests;
	uint64_t run_ns;
	unsigned int pool;
	bool verify;
	uint64_t key;
};

/**
 * struct serve_request - what a client asks for
 * @part: number of the part
 * @key:  see struct serve_job
 */
struct serve_request {
	uint64_t part;
	uint64_t key;
};

/**
 * struct serve_conn - a connection, as the server has it
 * @sock:   non-blocking socket; -1: closed
 * @index:  number within the thread
 * @got:    bytes of a request that have come
 * @req:    the request
 * @fd:     file that is being sent, from
 * @offset: here on,
 * @left:   so many bytes
 * @buf:    of the paths that copy, or NULL; it has
 * @pos:    bytes that are to be sent from here
 * @len:    up to here
 * @waits:  for room in the socket
 * @queued: for a buffer of the pool, before
 * @next:   that one
 */
struct serve_conn {
	int sock;
	unsigned int index;
	unsigned int got;
	struct serve_request req;
	int fd;
	uint64_t offset;
	uint64_t left;
	char *buf;
	size_t pos;
	size_t len;
	bool waits;
	bool queued;
	struct serve_conn *next;
};

/**
 * struct serve_counts - what a thread has done
 * @allocations: buffers got from the allocator
 * @copied:      bytes copied by the CPU
 * @full:        times that a socket was full
 * @syscalls:    that send or read
 */
struct serve_counts {
	uint64_t allocations;
	uint64_t copied;
	uint64_t full;
	uint64_t syscalls;
};

/**
 * struct serve_thread - a thread of the server, with connections of its own
 * @job:       run
 * @server:    server
 * @nr:        number of the thread
 * @epoll:     of the connections and, with an asynchronous path, of the device
 * @conns:     connections
 * @nr_conns:  their number
 * @open:      of these not closed
 * @zc:        device, or NULL
 * @in_flight: asynchronous transfers
 * @answered:  requests of which nothing is left to be counted
 * @counts:    read by others, when all that they know of is answered
 * @free:      buffers of the pool that nobody has
 * @nr_free:   their number
 * @made:      buffers of the pool
 * @first:     who waits for one, in turn
 * @last:      the last of them
 * @err:       why it ended: 0 or a negative errno
 */
struct serve_thread {
	const struct serve_job *job;
	struct serve_server *server;
	unsigned int nr;
	int epoll;
	struct serve_conn *conns;
	unsigned int nr_conns;
	unsigned int open;
	struct zc_context *zc;
	unsigned int in_flight;
	uint64_t answered;
	struct serve_counts counts;
	char **free;
	unsigned int nr_free;
	unsigned int made;
	struct serve_conn *first;
	struct serve_conn *last;
	int err;
};

/**
 * struct serve_server - the server
 * @job:     run
 * @threads: threads
 * @zc:      device of @buf
 * @buf:     sealed buffer that has all parts, or NULL
 */
struct serve_server {
	const struct serve_job *job;
	struct serve_thread *threads;
	struct zc_context *zc;
	struct zc_buffer *buf;
};

/**
 * struct serve_path - a way to serve
 * @name:   as in the report
 * @zc:     needs the module
 * @memory: from memory: the page cache makes no difference
 * @async:  without waiting, and an event tells of the end
 * @flags:  ZC_SEND_* flags
 * @setup:  what the server does before all else, or NULL; 0 or a negative errno
 * @push:   send what a connection is owed, as far as the socket takes it: 1, all is sent,
 *          or a negative errno; -EAGAIN: the socket is full; -EBUSY: queued for a buffer
 * @drop:   forget what a connection is owed, or NULL
 */
struct serve_path {
	const char *name;
	bool zc;
	bool memory;
	bool async;
	uint32_t flags;
	int (*setup)(struct serve_server *server);
	int (*push)(struct serve_thread *t, struct serve_conn *c);
	void (*drop)(struct serve_thread *t, struct serve_conn *c);
};

extern const struct serve_path serve_paths[];
extern const unsigned int serve_nr_paths;

/**
 * struct serve_moment - what was counted up to a moment
 * @user_ns:   CPU time of the server
 * @system_ns: the same in the kernel
 * @counts:    of all its threads
 */
struct serve_moment {
	uint64_t user_ns;
	uint64_t system_ns;
	struct serve_counts counts;
};

/**
 * struct serve_shared - what the processes of a run tell each other
 * @accepted:   connections that the server has taken
 * @ports:      the clients', by number: all others are strangers
 * @server_err: 0 or a negative errno
 * @client_err: the same
 * @now:        the server, when it was asked last
 * @due:        requests that it must have answered, before it looks
 * @peak_bytes: most memory that the server had; 0: not known
 * @begin_ns:   the first counted request
 * @end_ns:     last byte of the last one
 * @client_ns:  CPU time of the client
 * @requests:   answered
 * @least:      of these by the connection that had the fewest,
 * @most:       and the most
 * @latency:    from request to last byte
 * @first:      from request to first byte
 */
struct serve_shared {
	uint32_t accepted;
	bool ports[65536];
	int server_err;
	int client_err;
	struct serve_moment now;
	uint64_t due;
	uint64_t peak_bytes;
	uint64_t begin_ns;
	uint64_t end_ns;
	uint64_t client_ns;
	uint64_t requests;
	uint64_t least;
	uint64_t most;
	struct bench_latency latency;
	struct bench_latency first;
};

/* So that whole numbers have three digits behind the point */
#define SERVE_UNIT	1000

/* What a run gave, of which the median of several is shown. */
enum serve_figure {
	SERVE_WALL,		/* ns, from the first request to the last byte */
	SERVE_P50,
	SERVE_P90,
	SERVE_P99,
	SERVE_P999,
	SERVE_FIRST_P50,	/* to the first byte */
	SERVE_FIRST_P99,
	SERVE_REQUESTS,		/* answered */
	SERVE_RATE,		/* of these in SERVE_UNIT seconds */
	SERVE_BUSY,		/* ns that the machine's processors were busy */
	SERVE_BUSY_EACH,	/* the same in SERVE_UNIT requests */
	SERVE_SERVER_EACH,	/* CPU time of the server for so many */
	SERVE_USER,		/* CPU time of the server */
	SERVE_SYSTEM,
	SERVE_CLIENT,		/* of the client */
	SERVE_PEAK,		/* most memory of the server, bytes */
	SERVE_MODULE,		/* of the module, as seen from time to time */
	SERVE_PAGES,		/* that the kernel's allocator gave away, machine-wide */
	SERVE_ALLOCATIONS,	/* buffers got from the allocator or the module */
	SERVE_FIGURES
};

/**
 * struct serve_result - what a run gave
 * @err:         0 or a negative errno
 * @figures:     see enum serve_figure
 * @least:       answers to the connection that had the fewest
 * @most:        and the most
 * @counts:      of the server
 * @made:        buffers that the module made or gave again
 * @leaked:      of these there are still, after the end of the server
 * @cache_bytes: growth of the page cache of the source, or BENCH_GROWTH_UNKNOWN
 */
struct serve_result {
	int err;
	uint64_t figures[SERVE_FIGURES];
	uint64_t least;
	uint64_t most;
	struct serve_counts counts;
	uint64_t made;
	int64_t leaked;
	int64_t cache_bytes;
};

/* serve-source.c */
int serve_source_open(struct serve_source *src, const char *path, uint64_t size,
		      unsigned int wanted);
void serve_source_close(struct serve_source *src);
int serve_source_fd(const struct serve_source *src, unsigned int part);
uint64_t serve_source_offset(const struct serve_source *src, unsigned int part);
int serve_source_prepare(const struct serve_source *src, enum bench_cache cache,
			 unsigned int parts, uint64_t *bytes);
int serve_source_resident(const struct serve_source *src, unsigned int parts,
			  uint64_t *bytes);

/* serve-server.c, serve-client.c: the processes */
int serve_server(const struct serve_job *job, int listener, int control,
		 struct serve_shared *sh);
int serve_client(const struct serve_job *job, uint16_t port, int control,
		 struct serve_shared *sh);

/* serve-run.c: a byte each way by the control socket */
int serve_tell(int control, char what);
int serve_hear(int control, char what);
void serve_run(const struct serve_job *job, struct serve_shared *sh,
	       struct serve_result *res);

/* serve-report.c */

/**
 * struct serve_row - a line of the report
 * @job:     run
 * @figures: what those counted gave
 * @last:    the last one; its error is the row's
 * @full:    times that a socket was full, in all runs
 * @leaked:  buffers, in all runs
 * @latency: of all runs
 * @first:   the same, to the first byte
 */
struct serve_row {
	struct serve_job job;
	struct bench_runs figures[SERVE_FIGURES];
	struct serve_result last;
	uint64_t full;
	int64_t leaked;
	struct bench_latency latency;
	struct bench_latency first;
};

const char *serve_why_not(const struct serve_row *row);
void serve_show(struct serve_row *rows, unsigned int nr);

#endif /* _ZCCTL_BENCH_SERVE_H */
