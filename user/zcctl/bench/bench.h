/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of zcctl bench share. */
#ifndef _ZCCTL_BENCH_H
#define _ZCCTL_BENCH_H

#include <sched.h>

#include "method.h"
#include "zcctl.h"

#define BENCH_CHUNK	(2ul << 20)	/* of the paths with hugepage buffers */
#define BENCH_BUFFERS	8		/* of the asynchronous ones */

/* Hugepages kept ready for buffers, by node */
#define BENCH_RESERVE	"/sys/module/zc/parameters/reserve"

/* Does the kernel move memory to where it is used? */
#define BENCH_BALANCING	"/proc/sys/kernel/numa_balancing"

/* The copies could not be counted. */
#define BENCH_UNKNOWN	UINT64_MAX

/**
 * struct bench_run - one run of a path
 * @file:     the source; its position is 0
 * @direct:   the source opened with O_DIRECT, or -1
 * @sock:     a connected TCP socket
 * @size:     bytes to send
 * @per_call: at most so many by one call of sendfile or zc; 0: no limit
 * @zc:       the device, or NULL
 * @priv:     from setup to run
 * @syscalls: made by run()
 * @copied:   bytes copied by the CPU on the sending side, or BENCH_UNKNOWN
 */
struct bench_run {
	int file;
	int direct;
	int sock;
	uint64_t size;
	uint64_t per_call;
	struct zc_context *zc;
	void *priv;
	uint64_t syscalls;
	uint64_t copied;
};

/**
 * struct bench_path - a way to send a file
 * @name:   as in the report
 * @direct: goes around the page cache
 * @zc:     needs the module
 * @memory: sends from memory: the page cache makes no difference
 * @setup:  what is not measured, or NULL
 * @run:    what is. Both return 0 or a negative errno. The process ends after run()
 */
struct bench_path {
	const char *name;
	bool direct;
	bool zc;
	bool memory;
	int (*setup)(struct bench_run *run);
	int (*run)(struct bench_run *run);
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
int bench_uring_setup(struct bench_run *run);
int bench_uring_run(struct bench_run *run);

/* cache.c: the page cache of the source */
int bench_cache_drop(int fd, uint64_t size);
int bench_cache_fill(int fd, uint64_t size);
int bench_cache_resident(int fd, uint64_t size, uint64_t *bytes);

/* run.c: one run in processes of its own */

/**
 * struct bench_report - what a process says about itself
 * @err:      0 or a negative errno
 * @cpu_ns:   CPU time, user and system
 * @begin_ns: start of the sending
 * @end_ns:   end of the receiving
 * @bytes:    received
 * @syscalls: of the sender
 * @copied:   see struct bench_run
 * @call_ns:  the sender's cheapest call, or file; 0: not looked at
 */
struct bench_report {
	int err;
	uint64_t cpu_ns;
	uint64_t begin_ns;
	uint64_t end_ns;
	uint64_t bytes;
	uint64_t syscalls;
	uint64_t copied;
	uint64_t call_ns;
};

/* Sends to a socket, and reports all but what was received. */
typedef void bench_sender(int sock, struct bench_report *rep, const void *arg);

/**
 * struct bench_pair - a sender, and a receiver who throws the bytes away
 * @sender: sends
 * @arg:    for it
 * @bytes:  that it is going to send
 * @answer: the receiver writes a byte before each so many; 0: it never does
 * @cpus:   where the sender and the receiver run; NULL: where bench_pin() says
 */
struct bench_pair {
	bench_sender *sender;
	const void *arg;
	uint64_t bytes;
	uint64_t answer;
	const cpu_set_t *cpus;
};

/**
 * struct bench_result - what a run cost
 * @err:         0 or a negative errno
 * @cpu_ns:      CPU time of sender and receiver, user and system
 * @wall_ns:     from the first byte read to the last byte received
 * @syscalls:    of the sender
 * @copied:      see struct bench_run
 * @cache_bytes: growth of the source's page cache
 * @call_ns:     see struct bench_report
 */
struct bench_result {
	int err;
	uint64_t cpu_ns;
	uint64_t wall_ns;
	uint64_t syscalls;
	uint64_t copied;
	int64_t cache_bytes;
	uint64_t call_ns;
};

/* States of the page cache before a run. */
enum bench_cache { BENCH_COLD, BENCH_HOT, BENCH_NONE };

uint64_t bench_cpu_ns(void);
void bench_touch(volatile char *data, uint64_t size);
int bench_tcp_pair(int *sock);
int bench_no_delay(int sock);
void bench_run_pair(const struct bench_pair *pair, struct bench_result *res);
void bench_run_once(const struct bench_path *path, const char *file,
		    uint64_t size, uint64_t per_call, enum bench_cache cache,
		    struct bench_result *res);

/* common.c: what the benchmarks share */

#define BENCH_SCHEMA	"zc-bench/1"
#define BENCH_RUNS_MAX	100
#define BENCH_SIZES_MAX	32

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
bool bench_listed(const char *list, const char *name);
unsigned int bench_list_length(const char *list);
bool bench_parse_sizes(const char *text, uint64_t *sizes, unsigned int *nr);
int bench_need_files(unsigned long nr);
double bench_per_mib(uint64_t ns, uint64_t bytes);
struct json_object *bench_row(const char *test, const char *path,
			      enum bench_cache cache, uint64_t bytes);
void bench_row_samples(struct json_object *obj, const char *key,
		       const struct bench_runs *runs);
void bench_row_noisy(struct json_object *obj, double spread);
void bench_row_cost(struct json_object *obj, struct bench_runs *runs, uint64_t bytes);
void bench_row_copied(struct json_object *obj, uint64_t copied);
void bench_rows_show(struct json_object *rows);
const char *bench_why_not(bool zc, int err);
int bench_need_module(unsigned int zc, unsigned int others);
int bench_missed_module(unsigned int zc);
pid_t bench_fork(void);
void *bench_shared(size_t size);
const char *bench_cache_name(enum bench_cache cache);

/* busy.c: all processors together */
int bench_busy_ns(uint64_t *ns);

int bench_io(int argc, char **argv);
int bench_files(int argc, char **argv);
int bench_many(int argc, char **argv);
int bench_nic(int argc, char **argv);
int bench_alloc(int argc, char **argv);
int bench_fault(int argc, char **argv);
int bench_tlb(int argc, char **argv);
int bench_dma(int argc, char **argv);
int bench_copybreak(int argc, char **argv);
int bench_numa(int argc, char **argv);
int bench_compare(int argc, char **argv);

#endif /* _ZCCTL_BENCH_H */
