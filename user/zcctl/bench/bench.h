/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of zcctl bench share. */
#ifndef _ZCCTL_BENCH_H
#define _ZCCTL_BENCH_H

#include <netinet/in.h>
#include <sched.h>

#include "crew.h"
#include "latency.h"
#include "method.h"
#include "options.h"
#include "zcctl.h"

#define BENCH_CHUNK	(2ul << 20)	/* of the paths with hugepage buffers */
#define BENCH_BUFFERS	8		/* of the asynchronous ones */
#define BENCH_BLOCK	4096		/* direct reads begin at these */

/* Hugepages kept ready for buffers, by node */
#define BENCH_RESERVE	"/sys/module/zc/parameters/reserve"

/* Does the kernel move memory to where it is used? */
#define BENCH_BALANCING	"/proc/sys/kernel/numa_balancing"

/* It could not be counted: copies, what the page cache has. */
#define BENCH_UNKNOWN	UINT64_MAX

/* An error that none of the calls has: nobody says whether the page cache is empty. */
#define BENCH_UNTOLD	ENOANO

/**
 * struct bench_run - one run of a path, of which each request is a part
 * @file:     the source; its position is that of the next request
 * @direct:   the source opened with O_DIRECT, or -1
 * @sock:     a connected TCP socket
 * @begin:    first byte of all requests
 * @total:    bytes of all requests
 * @offset:   first byte of the request; a multiple of BENCH_BLOCK
 * @size:     bytes of the request
 * @per_call: at most so many by one call of sendfile or zc; 0: no limit
 * @zc:       the device, or NULL
 * @priv:     from setup to run
 * @syscalls: made by run() and finish(), which add to it
 * @copied:   bytes copied by the CPU on the sending side, likewise, or BENCH_UNKNOWN
 */
struct bench_run {
	int file;
	int direct;
	int sock;
	uint64_t begin;
	uint64_t total;
	uint64_t offset;
	uint64_t size;
	uint64_t per_call;
	struct zc_context *zc;
	void *priv;
	uint64_t syscalls;
	uint64_t copied;
};

/**
 * struct bench_path - a way to send a file
 * @name:    as in the report
 * @direct:  goes around the page cache
 * @zc:      needs the module
 * @memory:  sends from memory: the page cache makes no difference
 * @missing: what there is not where it fails with EOPNOTSUPP, or NULL
 * @setup:   what is not measured, or NULL
 * @run:     what is: one request
 * @finish:  what is, too: what remains after the last, or NULL. All return 0 or a negative
 *           errno. The process ends afterwards
 */
struct bench_path {
	const char *name;
	bool direct;
	bool zc;
	bool memory;
	const char *missing;
	int (*setup)(struct bench_run *run);
	int (*run)(struct bench_run *run);
	int (*finish)(struct bench_run *run);
};

extern const struct bench_path bench_paths[];
extern const unsigned int bench_nr_paths;

/* paths.c */
size_t bench_direct_size(uint64_t left);
int bench_send_all(struct bench_run *run, const char *buf, size_t len);
void *bench_huge_alloc(size_t size);

/* zerocopy.c, uring.c */
int bench_zerocopy_setup(struct bench_run *run);
int bench_zerocopy_run(struct bench_run *run);
int bench_zerocopy_finish(struct bench_run *run);
int bench_uring_setup(struct bench_run *run);
int bench_uring_run(struct bench_run *run);
int bench_uring_finish(struct bench_run *run);
int bench_uring_send_setup(struct bench_run *run);
int bench_uring_send_run(struct bench_run *run);

/* cache.c: the page cache of the source */
#define BENCH_GROWTH_UNKNOWN	INT64_MIN

int64_t bench_cache_growth(uint64_t before, uint64_t after);
int bench_cache_drop(int fd, uint64_t size);
int bench_cache_missing(int fd, uint64_t size);
int bench_cache_fill(int fd, uint64_t size);
int bench_cache_resident(int fd, uint64_t size, uint64_t *bytes);

/* usage.c: what was used */

/**
 * struct bench_usage - of a process
 * @cpu_ns:      CPU time, user and system
 * @user_ns:     the one of it, which the kernel tells apart by its ticks
 * @system_ns:   the other
 * @voluntary:   context switches as it waited
 * @involuntary: context switches as others had to run
 */
struct bench_usage {
	uint64_t cpu_ns;
	uint64_t user_ns;
	uint64_t system_ns;
	uint64_t voluntary;
	uint64_t involuntary;
};

uint64_t bench_cpu_ns(void);
void bench_usage_begin(struct bench_usage *begin);
void bench_usage_end(const struct bench_usage *begin, struct bench_usage *use);
void bench_usage_add(struct bench_usage *use, const struct bench_usage *more);
uint64_t bench_tick_ns(void);
uint64_t bench_softirq_ns(void);

/* loopback.c: connections to nobody else */
int bench_listen(struct sockaddr_in *addr);
int bench_accept_own(int listener, int sock);
int bench_tcp_pair(int *sock);

/* lane.c: a connection; run.c: one run in processes of its own */

/**
 * struct bench_report - what a process says about itself
 * @done:       it came to its end
 * @err:        0 or a negative errno
 * @usage:      what it used
 * @begin_ns:   start of the sending, or the first request made
 * @end_ns:     end of the receiving
 * @bytes:      received
 * @syscalls:   of the sender
 * @copied:     see struct bench_run
 * @call_ns:    the sender's cheapest call, or file; 0: not looked at
 * @latency:    from each request to the last byte of its answer
 * @first_byte: from each request to the first one
 */
struct bench_report {
	bool done;
	int err;
	struct bench_usage usage;
	uint64_t begin_ns;
	uint64_t end_ns;
	uint64_t bytes;
	uint64_t syscalls;
	uint64_t copied;
	uint64_t call_ns;
	struct bench_latency latency;
	struct bench_latency first_byte;
};

/**
 * struct bench_lane - a connection, as one side of it has it
 * @sock:    TCP socket
 * @index:   number, from 0
 * @offset:  what it sends begins at this byte of all that is sent
 * @bytes:   that it sends
 * @request: bytes of each request; 0: nobody asks
 * @remote:  the receiver is elsewhere, and does not ask
 * @timed:   see struct bench_pair
 * @rep:     its report
 * @crew:    of which its sender is
 * @ready:   it has told that it is ready
 * @go:      descriptor that has a byte when it may begin
 * @used:    see bench_lane_begin()
 * @since:   ns, when the last request was made
 */
struct bench_lane {
	int sock;
	unsigned int index;
	uint64_t offset;
	uint64_t bytes;
	uint64_t request;
	bool remote;
	bool timed;
	struct bench_report *rep;
	const struct bench_crew *crew;
	bool ready;
	int go;
	struct bench_usage used;
	uint64_t since;
};

int bench_no_delay(int sock);
void bench_peer_watch(int sock);
int bench_peer_error(int sock, int err);
void bench_lane_ready(struct bench_lane *lane);
void bench_lane_begin(struct bench_lane *lane);
void bench_lane_end(struct bench_lane *lane);
int bench_lane_asked(struct bench_lane *lane);
int bench_lane_answered(struct bench_lane *lane);

/*
 * Sends to a lane, and reports all but what was received: first bench_lane_ready(), then
 * bench_lane_begin() and bench_lane_end() around what is measured.
 */
typedef void bench_sender(struct bench_lane *lane, const void *arg);

/**
 * struct bench_pair - senders, and receivers who throw the bytes away
 * @sender:  sends
 * @arg:     for it
 * @bytes:   that are going to be sent, by all
 * @lanes:   connections; 0 is 1
 * @share:   bytes of each connection but the last; 0: there is one
 * @request: the receiver writes a byte before each so many; 0: it never does
 * @timed:   requests are: a small part of what small ones cost
 * @peer:    to whom they are sent; NULL: to receivers on the loopback
 * @cpus:    where each sender and each receiver runs; NULL: where bench_pin() says
 */
struct bench_pair {
	bench_sender *sender;
	const void *arg;
	uint64_t bytes;
	unsigned int lanes;
	uint64_t share;
	uint64_t request;
	bool timed;
	const struct net_peer *peer;
	const cpu_set_t *cpus;
};

/**
 * struct bench_result - what a run cost. All zero before
 * @err:         0 or a negative errno
 * @usage:       of senders and receivers
 * @sender_ns:   CPU time of the senders
 * @softirq_ns:  of all processors, or BENCH_UNKNOWN
 * @busy_ns:     all that processors did meanwhile, whoever it was for, or BENCH_UNKNOWN
 * @wall_ns:     from the first request, or byte read, to the last byte received
 * @syscalls:    of the senders
 * @copied:      see struct bench_run
 * @cache_bytes: growth of the source's page cache, or BENCH_GROWTH_UNKNOWN
 * @call_ns:     see struct bench_report
 * @evicted:     bytes of the neighbour's that the page cache has no longer
 * @reread_ns:   what the neighbour needed to read all of its own again
 * @latency:     see struct bench_report
 * @first_byte:  likewise
 */
struct bench_result {
	int err;
	struct bench_usage usage;
	uint64_t sender_ns;
	uint64_t softirq_ns;
	uint64_t busy_ns;
	uint64_t wall_ns;
	uint64_t syscalls;
	uint64_t copied;
	int64_t cache_bytes;
	uint64_t call_ns;
	uint64_t evicted;
	uint64_t reread_ns;
	struct bench_latency latency;
	struct bench_latency first_byte;
};

void bench_touch(volatile char *data, uint64_t size);
void bench_run_pair(const struct bench_pair *pair, struct bench_result *res);

/* transfer.c: a file by one of the paths */

/* States of the page cache before a run. */
enum bench_cache { BENCH_COLD, BENCH_HOT, BENCH_NONE };

struct bench_neighbour;

/**
 * struct bench_transfer - what is sent, and how
 * @path:      path
 * @file:      source
 * @cache:     its page cache before
 * @size:      bytes, from its beginning
 * @request:   bytes of each request; 0: all of a connection
 * @lanes:     connections
 * @per_call:  see struct bench_run
 * @peer:      see struct bench_pair
 * @neighbour: whose page cache may suffer, or NULL
 */
struct bench_transfer {
	const struct bench_path *path;
	const char *file;
	enum bench_cache cache;
	uint64_t size;
	uint64_t request;
	unsigned int lanes;
	uint64_t per_call;
	const struct net_peer *peer;
	struct bench_neighbour *neighbour;
};

uint64_t bench_transfer_share(uint64_t size, uint64_t request, unsigned int lanes);
void bench_transfer_run(const struct bench_transfer *t, struct bench_result *res);

/* common.c: what the benchmarks share */

#define BENCH_SCHEMA	"zc-bench/1"
#define BENCH_RUNS_MAX	100

/* So many runs have quartiles, see bench_runs_spread() */
#define BENCH_QUARTILES	5

/**
 * struct bench_runs - the CPU time of some runs
 * @nr: runs
 * @ns: of each
 */
struct bench_runs {
	unsigned int nr;
	uint64_t ns[BENCH_RUNS_MAX];
};

void bench_runs_add(struct bench_runs *runs, uint64_t ns);
uint64_t bench_runs_median(struct bench_runs *runs);
uint64_t bench_runs_least(const struct bench_runs *runs);
uint64_t bench_runs_most(const struct bench_runs *runs);
double bench_runs_spread(struct bench_runs *runs);
const char *bench_spread_of(unsigned int runs);
int bench_need_files(unsigned long nr);
double bench_per_mib(uint64_t ns, uint64_t bytes);
struct json_object *bench_row(const char *test, const char *path,
			      enum bench_cache cache, uint64_t bytes);
void bench_row_samples(struct json_object *obj, const char *key,
		       const struct bench_runs *runs);
void bench_row_rates(struct json_object *obj, const char *key, const struct bench_runs *runs,
		     unsigned int unit);
void bench_row_spread(struct json_object *obj, double spread, unsigned int runs);
const char *bench_spread_text(double spread);
const char *bench_noisy_text(double spread);
void bench_row_cost(struct json_object *obj, struct bench_runs *runs, uint64_t bytes);
void bench_row_copied(struct json_object *obj, uint64_t copied);
void bench_row_cached(struct json_object *obj, int64_t growth);
void bench_untold_note(void);
void bench_rows_show(struct json_object *rows);
const char *bench_why_not(bool zc, int err);
int bench_need_module(unsigned int zc, unsigned int others);

/**
 * struct bench_tally - what became of the rows of a report
 * @nr:     rows
 * @zc:     of these need the module
 * @failed: could not be measured
 * @why:    not, the first of them
 */
struct bench_tally {
	unsigned int nr;
	unsigned int zc;
	unsigned int failed;
	char why[256];
};

void bench_tally_row(struct bench_tally *tally, bool zc, const char *why);
int bench_tally_verdict(const struct bench_tally *tally, const char *paths);
pid_t bench_fork(void);
void *bench_shared(size_t size);
const char *bench_cache_name(enum bench_cache cache);

/* tempfile.c: files that go with their descriptors */
int bench_file_at(int dir);
int bench_file_in(const char *name);

/* busy.c: all processors together */
int bench_busy_ns(uint64_t *ns);
uint64_t bench_busy_from(uint64_t begin, uint64_t end, uint64_t least);

int bench_io(int argc, char **argv);
int bench_files(int argc, char **argv);
int bench_many(int argc, char **argv);
int bench_serve(int argc, char **argv);
int bench_nic(int argc, char **argv);
int bench_alloc(int argc, char **argv);
int bench_fault(int argc, char **argv);
int bench_tlb(int argc, char **argv);
int bench_dma(int argc, char **argv);
int bench_copybreak(int argc, char **argv);
int bench_numa(int argc, char **argv);
int bench_write(int argc, char **argv);
int bench_compare(int argc, char **argv);

#endif /* _ZCCTL_BENCH_H */
