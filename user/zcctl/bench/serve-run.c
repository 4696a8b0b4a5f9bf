// SPDX-License-Identifier: GPL-2.0-only
/*
 * One run of zcctl bench serve: a server and a client, each a process of its own, and this
 * one, which looks on, and takes neither's time. Neither outlives it.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "serve.h"

#define LOOK_MS		20	/* how often the module's memory is looked at */
#define END_NS		60000000000ull	/* patience with a process that should end, */
#define LOST_NS		3000000000ull	/* and with one whose run is lost */
#define LEFT_NS		3000000000ull	/* and with the module, which lets go of its buffers */

enum side { SERVER, CLIENT, SIDES };

/**
 * struct run - a run, as its parent sees it
 * @job:     run
 * @sh:      shared with the processes
 * @zc:      device, with the paths that need it; or NULL
 * @pid:     processes; 0: has ended
 * @control: sockets to them; -1: closed
 * @port:    of the server, in network order
 * @buffers: that there were before
 * @peak:    most memory that the module was seen to have, bytes
 * @unready: why the page cache was not as it is to be, or 0
 */
struct run {
	const struct serve_job *job;
	struct serve_shared *sh;
	struct zc_context *zc;
	pid_t pid[SIDES];
	int control[SIDES];
	uint16_t port;
	uint32_t buffers;
	uint64_t peak;
	int unready;
};

/* What is counted of the whole machine. */
struct moment {
	struct serve_moment server;
	struct zc_stats stats;
	uint64_t busy_ns;
	uint64_t pages;
};

int serve_tell(int control, char what)
{
	return send(control, &what, 1, MSG_NOSIGNAL) == 1 ? 0 : -ECHILD;
}

/* Returns -ECHILD if the other side has ended. */
int serve_hear(int control, char what)
{
	ssize_t n;
	char got;

	do {
		n = recv(control, &got, 1, 0);
	} while (n < 0 && errno == EINTR);
	return n == 1 && got == what ? 0 : -ECHILD;
}

static void look_at_module(struct run *run)
{
	struct zc_query query;

	if (run->zc && !zc_query(run->zc, &query) && query.used_bytes > run->peak)
		run->peak = query.used_bytes;
}

/*
 * Wait until a process tells that; -ECHILD if either ends meanwhile. The other may have told
 * something before its turn, as a client that the server's threads have served before the
 * server said that they are there: only its end is waited for.
 */
static int expect(struct run *run, enum side side, char what)
{
	struct pollfd fds[SIDES] = {
		{ .fd = run->control[SERVER] },
		{ .fd = run->control[CLIENT] },
	};
	int nr;

	fds[side].events = POLLIN;
	for (;;) {
		look_at_module(run);
		nr = poll(fds, SIDES, run->zc ? LOOK_MS : -1);
		if (nr < 0 && errno != EINTR)
			return -errno;
		if (nr <= 0)
			continue;
		if (fds[side].revents)
			return serve_hear(fds[side].fd, what);
		return -ECHILD;
	}
}

/* It has its end of the control socket, and no other. */
static int fork_side(struct run *run, enum side side)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -errno;
	run->pid[side] = bench_fork();
	if (run->pid[side]) {
		close(pair[1]);
		run->control[side] = pair[0];
		return run->pid[side] < 0 ? -errno : 0;
	}
	close(pair[0]);
	if (side == CLIENT)
		close(run->control[SERVER]);
	zc_close(run->zc);
	run->control[side] = pair[1];
	return 0;
}

static int start(struct run *run)
{
	struct serve_shared *sh = run->sh;
	struct sockaddr_in addr;
	int err, listener = bench_listen(&addr);

	if (listener < 0)
		return listener;
	run->port = addr.sin_port;
	err = fork_side(run, SERVER);
	if (!run->pid[SERVER]) {
		sh->server_err = serve_server(run->job, listener, run->control[SERVER], sh);
		_exit(0);
	}
	close(listener);
	if (!err)
		err = fork_side(run, CLIENT);
	if (!err && !run->pid[CLIENT]) {
		sh->client_err = serve_client(run->job, run->port, run->control[CLIENT], sh);
		_exit(0);
	}
	return err;
}

/* Pages that the allocator has given away: those of all who run. */
static uint64_t pages_given(void)
{
	FILE *f = fopen("/proc/vmstat", "re");
	unsigned long long one, sum = 0;
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "pgalloc_%*s %llu", &one) == 1)
			sum += one;
	if (f)
		fclose(f);
	return sum;
}

static int look(struct run *run, struct moment *now)
{
	int err;

	/* The first of each connection is not counted. */
	run->sh->due = run->job->connections + run->sh->requests;
	err = serve_tell(run->control[SERVER], 'l') ?: expect(run, SERVER, 'l');
	memset(&now->stats, 0, sizeof(now->stats));
	if (!err && run->zc)
		err = zc_query_stats(run->zc, &now->stats);
	now->server = run->sh->now;
	now->pages = pages_given();
	return err ? err : bench_busy_ns(&now->busy_ns);
}

/* By requests of the run: with --seconds it has its own number of them. */
static void take_each(uint64_t *figures)
{
	double nr = figures[SERVE_REQUESTS];

	if (!nr)
		return;
	figures[SERVE_RATE] = nr * SERVE_UNIT * 1e9 / figures[SERVE_WALL];
	figures[SERVE_BUSY_EACH] = figures[SERVE_BUSY] * SERVE_UNIT / nr;
	figures[SERVE_SERVER_EACH] = (figures[SERVE_USER] + figures[SERVE_SYSTEM]) *
				     SERVE_UNIT / nr;
}

static void take(struct run *run, const struct moment *from, const struct moment *to,
		 struct serve_result *res)
{
	const struct serve_counts *a = &from->server.counts, *b = &to->server.counts;
	const struct serve_shared *sh = run->sh;
	uint64_t *figures = res->figures;

	figures[SERVE_WALL] = sh->end_ns - sh->begin_ns;
	figures[SERVE_P50] = bench_latency_at(&sh->latency, 0.5);
	figures[SERVE_P90] = bench_latency_at(&sh->latency, 0.9);
	figures[SERVE_P99] = bench_latency_at(&sh->latency, 0.99);
	figures[SERVE_P999] = bench_latency_at(&sh->latency, 0.999);
	figures[SERVE_FIRST_P50] = bench_latency_at(&sh->first, 0.5);
	figures[SERVE_FIRST_P99] = bench_latency_at(&sh->first, 0.99);
	figures[SERVE_USER] = to->server.user_ns - from->server.user_ns;
	figures[SERVE_SYSTEM] = to->server.system_ns - from->server.system_ns;
	figures[SERVE_CLIENT] = sh->client_ns;
	figures[SERVE_BUSY] = bench_busy_from(from->busy_ns, to->busy_ns, sh->client_ns +
					      figures[SERVE_USER] + figures[SERVE_SYSTEM]);
	figures[SERVE_PAGES] = to->pages - from->pages;
	figures[SERVE_REQUESTS] = sh->requests;
	take_each(figures);
	res->least = sh->least;
	res->most = sh->most;
	res->counts.allocations = b->allocations - a->allocations;
	res->counts.copied = b->copied - a->copied;
	res->counts.full = b->full - a->full;
	res->counts.syscalls = b->syscalls - a->syscalls;
	res->made = to->stats.made + to->stats.again - from->stats.made - from->stats.again;
	figures[SERVE_ALLOCATIONS] = res->counts.allocations + res->made;
}

/* From the connections to the last byte. The page cache is made ready in between. */
static int drive(struct run *run, struct serve_result *res)
{
	const struct serve_job *job = run->job;
	struct moment from, to;
	uint64_t before = 0, after = 0;
	int err = expect(run, SERVER, 's') ?: expect(run, CLIENT, 'w');

	if (!err) {
		err = serve_source_prepare(job->source, job->cache, job->parts, &before);
		run->unready = err;
	}
	if (!err)
		err = look(run, &from) ?: serve_tell(run->control[CLIENT], 'g') ?:
		      expect(run, CLIENT, 'd') ?: look(run, &to);
	if (!err)
		err = serve_source_resident(job->source, job->parts, &after);
	if (err)
		return err;
	take(run, &from, &to, res);
	res->cache_bytes = bench_cache_growth(before, after);
	return serve_tell(run->control[CLIENT], 'q');
}

/* It has been told to end; if it does not, it is killed. */
static bool wait_end(pid_t pid, uint64_t patience)
{
	uint64_t end = now_ns() + patience;
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (now_ns() > end)
			kill(pid, SIGKILL);
		usleep(1000);
	}
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

/* The client first: the server ends when its connections have. */
static int finish(struct run *run, uint64_t patience)
{
	bool well = true;
	int side;

	for (side = CLIENT; side >= SERVER; side--) {
		if (run->control[side] >= 0)
			close(run->control[side]);
		if (run->pid[side] > 0 && !wait_end(run->pid[side], patience))
			well = false;
	}
	/* One whose other side was killed says only that it has gone. */
	if (!well)
		return run->sh->server_err ?: -ECHILD;
	return run->sh->server_err ?: run->sh->client_err;
}

/* What the module has still, a moment after the end of all who had something. */
static int64_t leaked(struct run *run)
{
	uint64_t end = now_ns() + LEFT_NS;
	struct zc_query query;

	while (!zc_query(run->zc, &query) && query.buffers > run->buffers) {
		if (now_ns() > end)
			return query.buffers - run->buffers;
		usleep(1000);
	}
	return 0;
}

static int open_device(struct run *run)
{
	struct zc_query query;
	int err = zc_open(&run->zc) ?: zc_query(run->zc, &query);

	run->buffers = err ? 0 : query.buffers;
	return err;
}

/**
 * serve_run - one run
 * @job: run
 * @sh:  memory shared with children, for the time
 * @res: what it gave
 */
void serve_run(const struct serve_job *job, struct serve_shared *sh,
	       struct serve_result *res)
{
	struct run run = { .job = job, .sh = sh, .control = { -1, -1 } };
	int err;

	memset(sh, 0, sizeof(*sh));
	memset(res, 0, sizeof(*res));
	if (job->path->zc)
		res->err = open_device(&run);
	if (!res->err) {
		res->err = start(&run);
		if (!res->err)
			res->err = drive(&run, res);
		/* Who ended first knows better why; who never began does not. */
		err = finish(&run, res->err ? LOST_NS : END_NS);
		if (err && !run.unready)
			res->err = err;
		res->figures[SERVE_PEAK] = sh->peak_bytes;
		res->figures[SERVE_MODULE] = run.peak;
		if (run.zc)
			res->leaked = leaked(&run);
	}
	zc_close(run.zc);
}
