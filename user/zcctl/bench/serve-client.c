// SPDX-License-Identifier: GPL-2.0-only
/*
 * The clients of zcctl bench serve: each asks, takes what comes, and asks again. All are
 * one thread, by epoll.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "serve.h"

#define EVENTS		64
#define STALL_MS	20000
#define BACKLOG		64	/* connections that the server has not taken yet */
#define TAKE		(1u << 20)

/**
 * struct conn - a connection
 * @sock:  socket
 * @part:  that it has asked for
 * @asked: when, ns
 * @got:   bytes of it
 * @count: requests that were answered, of those that count
 */
struct conn {
	int sock;
	unsigned int part;
	uint64_t asked;
	uint64_t got;
	uint64_t count;
};

/**
 * struct client - all of them
 * @job:   run
 * @sh:    for what is measured
 * @conns: connections
 * @epoll: of these
 * @step:  from a part to the next that is asked for
 * @asked: requests of this round
 * @limit: of these, at most
 * @end:   begin none after that, ns; 0: no limit
 * @busy:  connections that wait for an answer
 * @count: measure, and count
 * @buf:   what has come, and what should have come
 */
struct client {
	const struct serve_job *job;
	struct serve_shared *sh;
	struct conn *conns;
	int epoll;
	unsigned int step;
	uint64_t asked;
	uint64_t limit;
	uint64_t end;
	unsigned int busy;
	bool count;
	char *buf;
};

/*
 * Not one after another: else the file would be read ahead, which it is not where each part
 * is a file. The first part is for what is not counted.
 */
static unsigned int next_part(struct client *cl)
{
	if (!cl->count || cl->job->parts < 2)
		return 0;
	return 1 + cl->asked * cl->step % (cl->job->parts - 1);
}

static unsigned int common_divisor(unsigned int a, unsigned int b)
{
	return b ? common_divisor(b, a % b) : a;
}

/* So that each part has its turn before one has it again. */
static unsigned int choose_step(unsigned int parts)
{
	unsigned int step = parts * 0.618;

	if (parts < 2)
		return 1;
	while (common_divisor(parts, step) != 1)
		step++;
	return step;
}

static int ask(struct client *cl, struct conn *c)
{
	struct serve_request req;

	if (cl->asked == cl->limit || (cl->end && now_ns() >= cl->end))
		return 0;
	c->part = next_part(cl);
	c->got = 0;
	req = (struct serve_request){ .part = c->part, .key = cl->job->key };
	cl->asked++;
	cl->busy++;
	c->asked = now_ns();
	if (send(c->sock, &req, sizeof(req), MSG_NOSIGNAL) != sizeof(req))
		return -errno;
	return 0;
}

/* Are the bytes that have come those of the source? */
static int verify(struct client *cl, const struct conn *c, size_t len)
{
	const struct serve_source *src = cl->job->source;
	char *want = cl->buf + TAKE;
	uint64_t off = serve_source_offset(src, c->part) + c->got;
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(serve_source_fd(src, c->part), want + done, len - done,
				  off + done);

		if (n <= 0)
			return n ? -errno : -ENODATA;
		done += n;
	}
	return memcmp(cl->buf, want, len) ? -EBADMSG : 0;
}

static void count(struct client *cl, struct conn *c)
{
	c->count++;
	cl->sh->requests++;
	bench_latency_add(&cl->sh->latency, now_ns() - c->asked);
}

/* MSG_TRUNC throws the bytes away: what is measured is the sending. */
static int take(struct client *cl, struct conn *c)
{
	uint64_t left = cl->job->size - c->got;
	ssize_t n = recv(c->sock, cl->buf, left < TAKE ? left : TAKE,
			 MSG_DONTWAIT | (cl->job->verify ? 0 : MSG_TRUNC));
	int err = 0;

	if (n <= 0)
		return !n ? -ECONNRESET : errno == EAGAIN ? 0 : -errno;
	if (!c->got && cl->count)
		bench_latency_add(&cl->sh->first, now_ns() - c->asked);
	if (cl->job->verify)
		err = verify(cl, c, n);
	c->got += n;
	if (err || c->got < cl->job->size)
		return err;
	if (cl->count)
		count(cl, c);
	cl->busy--;
	return ask(cl, c);
}

/* Until all that were asked are answered. */
static int round_of(struct client *cl, uint64_t limit, uint64_t run_ns)
{
	struct epoll_event ready[EVENTS];
	unsigned int i;
	int nr, err = 0;

	cl->asked = 0;
	cl->limit = limit;
	cl->end = run_ns ? now_ns() + run_ns : 0;
	for (i = 0; i < cl->job->connections && !err; i++)
		err = ask(cl, &cl->conns[i]);
	while (!err && cl->busy) {
		nr = epoll_wait(cl->epoll, ready, EVENTS, STALL_MS);
		if (nr <= 0)
			return nr ? -errno : -ETIMEDOUT;
		for (i = 0; i < (unsigned int)nr && !err; i++)
			err = take(cl, ready[i].data.ptr);
	}
	return err;
}

/* The end of a connection leaves no TIME_WAIT, so that there are ports for the next run. */
static int connect_one(struct client *cl, struct conn *c, uint16_t port)
{
	const struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = port,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const struct linger no_wait = { .l_onoff = 1 };
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };
	struct sockaddr_in own = addr;
	socklen_t len = sizeof(own);

	own.sin_port = 0;
	c->sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* Before it is connected: the server may take it at once. */
	if (c->sock < 0 || bind(c->sock, (const struct sockaddr *)&own, len) ||
	    getsockname(c->sock, (struct sockaddr *)&own, &len))
		return -errno;
	__atomic_store_n(&cl->sh->ports[ntohs(own.sin_port)], true, __ATOMIC_RELEASE);
	if (connect(c->sock, (const struct sockaddr *)&addr, sizeof(addr)) ||
	    setsockopt(c->sock, SOL_SOCKET, SO_LINGER, &no_wait, sizeof(no_wait)) ||
	    epoll_ctl(cl->epoll, EPOLL_CTL_ADD, c->sock, &ev))
		return -errno;
	return bench_no_delay(c->sock);
}

/* Has who looks on closed its end, as it does where the server has gone? */
static bool is_over(int control)
{
	char byte;

	return recv(control, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
}

/*
 * No faster than the server takes them: what does not fit its queue is tried again late. It
 * may have taken more than these, if others have connected, too.
 */
static int connect_all(struct client *cl, uint16_t port, int control)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < cl->job->connections && !err; i++) {
		while (i > __atomic_load_n(&cl->sh->accepted, __ATOMIC_ACQUIRE) + BACKLOG) {
			if (is_over(control))
				return -ECHILD;
			usleep(100);
		}
		err = connect_one(cl, &cl->conns[i], port);
	}
	return err;
}

/* Each is owed nothing any more. */
static int check_end(const struct client *cl)
{
	unsigned int i;
	char byte;

	for (i = 0; i < cl->job->connections; i++)
		if (recv(cl->conns[i].sock, &byte, 1, MSG_DONTWAIT) >= 0)
			return -EPROTO;
	return 0;
}

static void share_out(const struct client *cl)
{
	struct serve_shared *sh = cl->sh;
	unsigned int i;

	sh->least = UINT64_MAX;
	for (i = 0; i < cl->job->connections; i++) {
		uint64_t nr = cl->conns[i].count;

		sh->least = nr < sh->least ? nr : sh->least;
		sh->most = nr > sh->most ? nr : sh->most;
	}
}

/* The first requests, which find no connection warm, do not count. */
static int measure(struct client *cl, int control)
{
	struct serve_shared *sh = cl->sh;
	uint64_t cpu;
	int err = round_of(cl, cl->job->connections, 0);

	if (!err)
		err = serve_tell(control, 'w') ?: serve_hear(control, 'g');
	if (err)
		return err;
	cl->count = true;
	cpu = bench_cpu_ns();
	sh->begin_ns = now_ns();
	err = round_of(cl, cl->job->requests, cl->job->run_ns);
	sh->end_ns = now_ns();
	sh->client_ns = bench_cpu_ns() - cpu;
	share_out(cl);
	if (!err)
		err = serve_tell(control, 'd') ?: serve_hear(control, 'q');
	return err ? err : check_end(cl);
}

/**
 * serve_client - the clients' process
 * @job:     run
 * @port:    of the server, in network order
 * @control: socket to who looks on: tells 'w' when it is warm, waits for 'g', tells 'd' when
 *           all is done, and waits for 'q'
 * @sh:      of what is the client's, filled in
 *
 * Returns: 0 or a negative errno.
 */
int serve_client(const struct serve_job *job, uint16_t port, int control,
		 struct serve_shared *sh)
{
	struct client cl = {
		.job = job,
		.sh = sh,
		.conns = calloc(job->connections, sizeof(*cl.conns)),
		.epoll = epoll_create1(EPOLL_CLOEXEC),
		.step = choose_step(job->parts - 1),
		.buf = malloc(2 * TAKE),
	};
	int err = cl.conns && cl.buf && cl.epoll >= 0 ? 0 : -ENOMEM;

	bench_pin(BENCH_RECEIVER);
	if (!err)
		err = connect_all(&cl, port, control);
	if (!err)
		err = measure(&cl, control);
	return err;
}
