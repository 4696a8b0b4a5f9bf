// SPDX-License-Identifier: GPL-2.0-only
/*
 * One run of a path: a sender and a receiver, each a process of its own that does
 * nothing else, joined by TCP on the loopback.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

uint64_t bench_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

/* Each 4 KiB. */
void bench_touch(volatile char *data, uint64_t size)
{
	uint64_t i;

	for (i = 0; i < size; i += 4096)
		data[i] = 1;
}

/* Two ends of a TCP connection on the loopback. */
int bench_tcp_pair(int *sock)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), err = 0;

	sock[0] = -1;
	sock[1] = -1;
	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&addr, len) || listen(fd, 1) ||
	    getsockname(fd, (struct sockaddr *)&addr, &len))
		err = -errno;
	if (!err) {
		sock[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (sock[0] < 0 ||
		    connect(sock[0], (struct sockaddr *)&addr, len))
			err = -errno;
	}
	if (!err) {
		sock[1] = accept(fd, NULL, NULL);
		if (sock[1] < 0)
			err = -errno;
	}
	close(fd);
	return err;
}

/*
 * As servers do that answer one request at a time. Else the Nagle algorithm puts a
 * varying number of answers into a packet, whichever way they come.
 */
int bench_no_delay(int sock)
{
	const int on = 1;

	return setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) ? -errno : 0;
}

/* One byte to ask for more, as a client does that waits for its answer. */
static ssize_t ask_for_more(int sock)
{
	return send(sock, "", 1, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

static void receive(int sock, struct bench_report *rep, uint64_t bytes, uint64_t answer)
{
	uint64_t begin = bench_cpu_ns(), asked = 0;
	ssize_t n = 1;

	/* MSG_TRUNC throws the bytes away: what is measured is the sending. */
	while (n > 0) {
		if (answer && asked == rep->bytes && asked < bytes) {
			n = ask_for_more(sock);
			asked += answer;
		}
		if (n >= 0)
			n = recv(sock, NULL, 1 << 20, MSG_TRUNC);
		if (n > 0)
			rep->bytes += n;
	}
	rep->err = n < 0 ? -errno : 0;
	rep->end_ns = now_ns();
	rep->cpu_ns = bench_cpu_ns() - begin;
}

static int measure(const struct bench_path *path, struct bench_run *run,
		   struct bench_report *rep)
{
	uint64_t begin;
	int err = path->setup ? path->setup(run) : 0;

	if (err)
		return err;
	if (lseek(run->file, 0, SEEK_SET) < 0)
		return -errno;
	rep->begin_ns = now_ns();
	begin = bench_cpu_ns();
	err = path->run(run);
	rep->cpu_ns = bench_cpu_ns() - begin;
	rep->syscalls = run->syscalls;
	rep->copied = run->copied;
	return err;
}

/* What is sent by which path. */
struct transfer {
	const struct bench_path *path;
	const char *file;
	uint64_t size;
	uint64_t per_call;
};

static void send_path(int sock, struct bench_report *rep, const void *arg)
{
	const struct transfer *t = arg;
	const struct bench_path *path = t->path;
	const char *file = t->file;
	struct bench_run run = {
		.sock = sock,
		.size = t->size,
		.per_call = t->per_call,
	};

	if (path->zc)
		rep->err = zc_open(&run.zc);
	run.file = open(file, O_RDONLY | O_CLOEXEC);
	if (run.file < 0)
		rep->err = -errno;
	run.direct = path->direct ?
		     open(file, O_RDONLY | O_DIRECT | O_CLOEXEC) : -1;
	if (!rep->err)
		rep->err = measure(path, &run, rep);
}

/* A process of its own for a side; its report comes through the pipe. */
static pid_t start(const struct bench_pair *pair, bool receiver, int *sock, int *pipe_fd)
{
	struct bench_report rep = { 0 };
	int fds[2];
	pid_t pid;

	if (pipe(fds))
		return -1;
	pid = bench_fork();
	if (pid) {
		close(fds[1]);
		*pipe_fd = fds[0];
		return pid;
	}
	if (pair->cpus)
		sched_setaffinity(0, sizeof(*pair->cpus), &pair->cpus[receiver]);
	else
		bench_pin(receiver ? BENCH_RECEIVER : BENCH_SENDER);
	if (receiver) {
		close(sock[0]);
		receive(sock[1], &rep, pair->bytes, pair->answer);
	} else {
		close(sock[1]);
		pair->sender(sock[0], &rep, pair->arg);
		shutdown(sock[0], SHUT_WR);
	}
	if (write(fds[1], &rep, sizeof(rep)) != sizeof(rep))
		_exit(1);
	_exit(0);
}

static void finish(pid_t pid, int pipe_fd, struct bench_report *rep)
{
	if (pid <= 0 || read(pipe_fd, rep, sizeof(*rep)) != sizeof(*rep)) {
		memset(rep, 0, sizeof(*rep));
		rep->err = -ECHILD;
	}
	if (pid > 0) {
		close(pipe_fd);
		waitpid(pid, NULL, 0);
	}
}

static int prepare_cache(int fd, uint64_t size, enum bench_cache cache)
{
	if (cache == BENCH_HOT)
		return bench_cache_fill(fd, size);
	if (cache == BENCH_COLD)
		return bench_cache_drop(fd, size);
	return 0;
}

/* Have the sender send, and see that all arrives. */
void bench_run_pair(const struct bench_pair *pair, struct bench_result *res)
{
	struct bench_report tx, rx;
	int sock[2], pipes[2];
	pid_t rx_pid, tx_pid;

	res->err = bench_tcp_pair(sock);
	if (res->err)
		return;
	rx_pid = start(pair, true, sock, &pipes[1]);
	tx_pid = start(pair, false, sock, &pipes[0]);
	close(sock[0]);
	close(sock[1]);
	finish(tx_pid, pipes[0], &tx);
	finish(rx_pid, pipes[1], &rx);
	res->err = tx.err ? tx.err : rx.err;
	if (!res->err && rx.bytes != pair->bytes)
		res->err = -EPROTO;
	res->cpu_ns = tx.cpu_ns + rx.cpu_ns;
	res->wall_ns = rx.end_ns - tx.begin_ns;
	res->syscalls = tx.syscalls;
	res->copied = tx.copied;
	res->call_ns = tx.call_ns;
}

/* Run @path once over the first @size bytes of @file, @per_call at a time. */
void bench_run_once(const struct bench_path *path, const char *file,
		    uint64_t size, uint64_t per_call, enum bench_cache cache,
		    struct bench_result *res)
{
	const struct transfer t = { path, file, size, per_call };
	const struct bench_pair pair = { .sender = send_path, .arg = &t, .bytes = size };
	uint64_t before, after;
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	memset(res, 0, sizeof(*res));
	if (fd < 0) {
		res->err = -errno;
		return;
	}
	res->err = prepare_cache(fd, size, cache);
	if (!res->err)
		res->err = bench_cache_resident(fd, size, &before);
	if (!res->err)
		bench_run_pair(&pair, res);
	if (!res->err)
		res->err = bench_cache_resident(fd, size, &after);
	if (!res->err)
		res->cache_bytes = after - before;
	close(fd);
}
