/* SPDX-License-Identifier: GPL-2.0-only */
/* Processes of a run, none of which ends unnoticed. */
#ifndef _ZCCTL_BENCH_CREW_H
#define _ZCCTL_BENCH_CREW_H

#include <signal.h>
#include <stddef.h>
#include <sys/types.h>

/* What processes of a run tell. */
#define BENCH_READY	'r'
#define BENCH_FAILED	'f'	/* will never be ready */
#define BENCH_DONE	'd'

/**
 * struct bench_crew - the processes of a run, as they and their parent have it
 * @pids:   of those that were started; 0: has been waited for
 * @nr:     how many were started
 * @most:   how many may be
 * @ready:  so many told BENCH_READY
 * @failed: so many told BENCH_FAILED
 * @done:   so many told BENCH_DONE
 * @err:    why it is no run any more: a negative errno; or 0
 * @told:   pipe that they tell by
 * @gate:   pipe that the parent opens by closing it
 * @deaths: signalfd of SIGCHLD
 * @mask:   signals that were blocked before
 */
struct bench_crew {
	pid_t *pids;
	unsigned int nr;
	unsigned int most;
	unsigned int ready;
	unsigned int failed;
	unsigned int done;
	int err;
	int told[2];
	int gate[2];
	int deaths;
	sigset_t mask;
};

/* For the parent */
int bench_crew_begin(struct bench_crew *crew, unsigned int most);
pid_t bench_crew_fork(struct bench_crew *crew);
int bench_crew_hear(struct bench_crew *crew, char what, unsigned int nr);
void bench_crew_open(struct bench_crew *crew);
int bench_crew_end(struct bench_crew *crew);

/* For its processes */
int bench_crew_tell(const struct bench_crew *crew, char what);
int bench_crew_wait(const struct bench_crew *crew);
void bench_crew_leave(const struct bench_crew *crew) __attribute__((noreturn));

/* What one process does for a run of its own: @told, all zero before, is what it has to say. */
typedef void bench_work(const void *arg, void *told);

int bench_crew_alone(bench_work *work, const void *arg, void *told, size_t size);

#endif /* _ZCCTL_BENCH_CREW_H */
