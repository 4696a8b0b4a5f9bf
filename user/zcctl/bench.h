/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of zcctl bench share. */
#ifndef _ZCCTL_BENCH_H
#define _ZCCTL_BENCH_H

#include "zcctl.h"

#define BENCH_CHUNK	(2ul << 20)	/* of the paths with hugepage buffers */
#define BENCH_BUFFERS	8		/* of the asynchronous ones */

/* The copies could not be counted. */
#define BENCH_UNKNOWN	UINT64_MAX

/**
 * struct bench_run - one run of a path
 * @file:     the source; its position is 0
 * @direct:   the source opened with O_DIRECT, or -1
 * @sock:     a connected TCP socket
 * @size:     bytes to send
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
 * @setup:  what is not measured, or NULL
 * @run:    what is. Both return 0 or a negative errno. The process ends after run()
 */
struct bench_path {
	const char *name;
	bool direct;
	bool zc;
	int (*setup)(struct bench_run *run);
	int (*run)(struct bench_run *run);
};

extern const struct bench_path bench_paths[];
extern const unsigned int bench_nr_paths;

/* bench-paths.c */
int bench_send_all(struct bench_run *run, const char *buf, size_t len);
void *bench_huge_alloc(size_t size);

/* bench-zerocopy.c, bench-uring.c */
int bench_zerocopy_setup(struct bench_run *run);
int bench_zerocopy_run(struct bench_run *run);
int bench_uring_setup(struct bench_run *run);
int bench_uring_run(struct bench_run *run);

/* bench-cache.c: the page cache of the source */
int bench_cache_drop(int fd, uint64_t size);
int bench_cache_fill(int fd, uint64_t size);
int bench_cache_resident(int fd, uint64_t size, uint64_t *bytes);

/* bench-run.c: one run in processes of its own */

/**
 * struct bench_result - what a run cost
 * @err:         0 or a negative errno
 * @cpu_ns:      CPU time of sender and receiver, user and system
 * @wall_ns:     from the first byte read to the last byte received
 * @syscalls:    of the sender
 * @copied:      see struct bench_run
 * @cache_bytes: growth of the source's page cache
 */
struct bench_result {
	int err;
	uint64_t cpu_ns;
	uint64_t wall_ns;
	uint64_t syscalls;
	uint64_t copied;
	int64_t cache_bytes;
};

/* States of the page cache before a run. */
enum bench_cache { BENCH_COLD, BENCH_HOT, BENCH_NONE };

void bench_run_once(const struct bench_path *path, const char *file,
		    uint64_t size, enum bench_cache cache,
		    struct bench_result *res);

int bench_io(int argc, char **argv);

#endif /* _ZCCTL_BENCH_H */
