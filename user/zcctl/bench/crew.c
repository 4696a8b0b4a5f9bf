// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes of a run. They tell that they are ready, and that they have done, and wait at a
 * gate for each other. One that is killed tells nothing, and others hold the pipe that it
 * would have told by: so the parent waits for SIGCHLD, too, and ends the others then.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

static void close_end(int *fds, int which)
{
	if (fds[which] >= 0)
		close(fds[which]);
	fds[which] = -1;
}

/**
 * bench_crew_begin - no processes yet
 * @crew: filled in; to be ended by bench_crew_end(), on failure too
 * @most: processes there may be
 *
 * Returns: 0 or a negative errno.
 */
int bench_crew_begin(struct bench_crew *crew, unsigned int most)
{
	sigset_t child;

	*crew = (struct bench_crew){
		.pids = calloc(most, sizeof(*crew->pids)),
		.most = most,
		.told = { -1, -1 },
		.gate = { -1, -1 },
		.deaths = -1,
	};
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, &crew->mask);
	if (!crew->pids)
		crew->err = -ENOMEM;
	else if (pipe(crew->told) || pipe(crew->gate))
		crew->err = -errno;
	else
		crew->deaths = signalfd(-1, &child, SFD_NONBLOCK | SFD_CLOEXEC);
	if (!crew->err && crew->deaths < 0)
		crew->err = -errno;
	return crew->err;
}

/**
 * bench_crew_fork - one more process
 * @crew: of which it is
 *
 * Returns: as fork(), but a negative errno. The process ends by bench_crew_leave().
 */
pid_t bench_crew_fork(struct bench_crew *crew)
{
	pid_t pid = crew->nr < crew->most ? bench_fork() : -1;

	if (pid < 0) {
		crew->err = -EAGAIN;
		return crew->err;
	}
	if (pid) {
		crew->pids[crew->nr++] = pid;
		return pid;
	}
	sigprocmask(SIG_SETMASK, &crew->mask, NULL);
	close_end(crew->told, 0);
	close_end(crew->gate, 1);
	close(crew->deaths);
	return 0;
}

/* Returns: 0 or a negative errno. */
int bench_crew_tell(const struct bench_crew *crew, char what)
{
	return write(crew->told[1], &what, 1) == 1 ? 0 : -EPIPE;
}

/* Until the gate is open. Returns: 0 or a negative errno. */
int bench_crew_wait(const struct bench_crew *crew)
{
	char byte;

	return read(crew->gate[0], &byte, 1) ? -EIO : 0;
}

void bench_crew_leave(const struct bench_crew *crew)
{
	_exit(bench_crew_tell(crew, BENCH_DONE) ? 1 : 0);
}

/* SIGBUS is for memory that is not there. */
static int why_ended(int status)
{
	if (WIFEXITED(status))
		return WEXITSTATUS(status) ? -EIO : 0;
	return WTERMSIG(status) == SIGBUS ? -EFAULT : -ECHILD;
}

/* See who has ended. Returns how many still run. */
static unsigned int count_alive(struct bench_crew *crew)
{
	unsigned int i, alive = 0;
	int status;

	for (i = 0; i < crew->nr; i++) {
		if (!crew->pids[i])
			continue;
		if (waitpid(crew->pids[i], &status, WNOHANG) != crew->pids[i]) {
			alive++;
			continue;
		}
		crew->pids[i] = 0;
		crew->err = crew->err ?: why_ended(status);
	}
	return alive;
}

static void take_told(struct bench_crew *crew)
{
	char bytes[64];
	ssize_t i, n = read(crew->told[0], bytes, sizeof(bytes));

	for (i = 0; i < n; i++) {
		crew->ready += bytes[i] == BENCH_READY;
		crew->failed += bytes[i] == BENCH_FAILED;
		crew->done += bytes[i] == BENCH_DONE;
	}
}

/* Until something was told, or one has died. What was told before its end comes first. */
static void listen_once(struct bench_crew *crew)
{
	struct signalfd_siginfo info;
	struct pollfd fds[] = {
		{ .fd = crew->told[0], .events = POLLIN },
		{ .fd = crew->deaths, .events = POLLIN },
	};

	if (poll(fds, 2, -1) < 0)
		return;
	if (fds[0].revents) {
		take_told(crew);
		return;
	}
	while (read(crew->deaths, &info, sizeof(info)) > 0)
		;
	if (!count_alive(crew) && !crew->err && poll(fds, 1, 0) == 0)
		crew->err = -ECHILD;
}

/**
 * bench_crew_hear - wait until processes told something
 * @crew: they
 * @what: BENCH_READY or BENCH_DONE
 * @nr:   of them
 *
 * Returns: 0; -ECANCELED if one will never be ready; -ECHILD if one was killed, -EFAULT if
 * that was by SIGBUS; or another negative errno.
 */
int bench_crew_hear(struct bench_crew *crew, char what, unsigned int nr)
{
	while (!crew->err) {
		if ((what == BENCH_READY ? crew->ready : crew->done) >= nr)
			return 0;
		if (what == BENCH_READY && crew->failed)
			return -ECANCELED;
		listen_once(crew);
	}
	return crew->err;
}

void bench_crew_open(struct bench_crew *crew)
{
	close_end(crew->gate, 1);
}

/**
 * bench_crew_end - wait for the end of all
 * @crew: they; killed if it is no run any more
 *
 * Returns: 0, or why it was none, see bench_crew_hear().
 */
int bench_crew_end(struct bench_crew *crew)
{
	unsigned int i;
	int status;

	bench_crew_open(crew);
	for (i = 0; i < crew->nr && crew->err; i++)
		if (crew->pids[i])
			kill(crew->pids[i], SIGKILL);
	for (i = 0; i < crew->nr; i++) {
		if (!crew->pids[i])
			continue;
		while (waitpid(crew->pids[i], &status, 0) < 0 && errno == EINTR)
			;
		crew->err = crew->err ?: why_ended(status);
	}
	close_end(crew->gate, 0);
	close_end(crew->told, 0);
	close_end(crew->told, 1);
	close_end(&crew->deaths, 0);
	free(crew->pids);
	crew->pids = NULL;
	sigprocmask(SIG_SETMASK, &crew->mask, NULL);
	return crew->err;
}

/**
 * bench_crew_alone - a run by one process, with which all that it has goes
 * @work: what it does
 * @arg:  for @work
 * @told: out: what it says
 * @size: of that, bytes
 *
 * Returns: 0, or why it was no run, see bench_crew_hear().
 */
int bench_crew_alone(bench_work *work, const void *arg, void *told, size_t size)
{
	struct bench_crew crew;
	void *shared = bench_shared(size);
	int err = shared ? bench_crew_begin(&crew, 1) : -ENOMEM;
	pid_t pid;

	if (!shared)
		return err;
	pid = err ? err : bench_crew_fork(&crew);
	if (!pid) {
		work(arg, shared);
		bench_crew_leave(&crew);
	}
	bench_crew_hear(&crew, BENCH_DONE, 1);
	err = bench_crew_end(&crew);
	memcpy(told, shared, size);
	munmap(shared, size);
	return err;
}
