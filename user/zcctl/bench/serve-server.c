// SPDX-License-Identifier: GPL-2.0-only
/* The server of zcctl bench serve: epoll, and sockets that do not block. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "serve.h"

#define EVENTS		64
#define ANSWERED_NS	20000000000ull	/* patience with a thread that has sent all */

static int watch(struct serve_thread *t, int op, struct serve_conn *c, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = c };

	return epoll_ctl(t->epoll, op, c->sock, &ev) ? -errno : 0;
}

static void conn_close(struct serve_thread *t, struct serve_conn *c)
{
	const struct serve_path *path = t->job->path;

	if (path->drop)
		path->drop(t, c);
	close(c->sock);
	c->sock = -1;
	t->open--;
}

/* The client may go at any time. */
static bool gone(int err)
{
	return err == -ECONNRESET || err == -EPIPE;
}

static void answered(struct serve_thread *t)
{
	__atomic_store_n(&t->answered, t->answered + 1, __ATOMIC_RELEASE);
}

static int conn_push(struct serve_thread *t, struct serve_conn *c)
{
	const struct serve_path *path = t->job->path;
	int ret = path->push(t, c);

	if (ret == 1 && !path->async)
		answered(t);
	if (ret == 1 && c->waits) {
		c->waits = false;
		return watch(t, EPOLL_CTL_MOD, c, EPOLLIN);
	}
	if (ret == -EAGAIN) {
		t->counts.full++;
		if (c->waits)
			return 0;
		c->waits = true;
		return watch(t, EPOLL_CTL_MOD, c, EPOLLOUT);
	}
	if (gone(ret)) {
		conn_close(t, c);
		return 0;
	}
	return ret == -EBUSY || ret == 1 ? 0 : ret;
}

/* A request has come, or a part of it, or the end. */
static int conn_read(struct serve_thread *t, struct serve_conn *c)
{
	ssize_t n = recv(c->sock, (char *)&c->req + c->got, sizeof(c->req) - c->got, 0);

	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n < 0 && !gone(-errno))
		return -errno;
	/* Who has been answered in part only has not waited for it. */
	if (n <= 0 || c->queued) {
		conn_close(t, c);
		return 0;
	}
	c->got += n;
	if (c->got < sizeof(c->req))
		return 0;
	c->got = 0;
	/* Anybody on this host can connect, and not all may read the file. */
	if (c->req.key != t->job->key)
		return -EBADMSG;
	if (c->req.part >= t->job->parts)
		return -EPROTO;
	c->fd = serve_source_fd(t->job->source, c->req.part);
	c->offset = serve_source_offset(t->job->source, c->req.part);
	c->left = t->job->size;
	return conn_push(t, c);
}

static int take_event(struct serve_thread *t, const struct zc_event *event)
{
	t->in_flight--;
	t->counts.copied += event->copied;
	if (gone(-event->error))
		return 0;
	if (event->error)
		return -event->error;
	if (event->sent != t->job->size)
		return -ENODATA;
	answered(t);
	return 0;
}

static int take_events(struct serve_thread *t)
{
	struct zc_event events[EVENTS];
	int i, err = 0, nr = zc_events(t->zc, events, EVENTS);

	t->counts.syscalls++;
	for (i = 0; i < nr && !err; i++)
		if (events[i].type == ZC_EVENT_DONE)
			err = take_event(t, &events[i]);
	return nr < 0 && nr != -EAGAIN ? nr : err;
}

static int handle(struct serve_thread *t, struct serve_conn *c)
{
	int err;

	if (!c)
		return take_events(t);
	if (c->sock < 0)
		return 0;
	err = c->waits ? conn_push(t, c) : conn_read(t, c);
	/* Who waits for a buffer has his turn when one has come back. */
	while (!err && t->first && t->nr_free)
		err = conn_push(t, t->first);
	return err;
}

static int loop(struct serve_thread *t)
{
	struct epoll_event ready[EVENTS];
	int i, nr, err = 0;

	while (!err && (t->open || t->in_flight)) {
		nr = epoll_wait(t->epoll, ready, EVENTS, -1);
		if (nr < 0 && errno != EINTR)
			return -errno;
		for (i = 0; i < nr && !err; i++)
			err = handle(t, ready[i].data.ptr);
	}
	return err;
}

/* A device for each thread, so that each has the events of its own. */
static int thread_open(struct serve_thread *t)
{
	const struct serve_path *path = t->job->path;
	struct epoll_event ev = { .events = EPOLLIN };
	unsigned int i;
	int err = 0;

	if (path->zc)
		err = zc_open(&t->zc);
	if (!err && path->async) {
		if (fcntl(zc_fd(t->zc), F_SETFL, O_NONBLOCK) ||
		    epoll_ctl(t->epoll, EPOLL_CTL_ADD, zc_fd(t->zc), &ev))
			err = -errno;
	}
	for (i = 0; i < t->nr_conns && !err; i++)
		err = watch(t, EPOLL_CTL_ADD, &t->conns[i], EPOLLIN);
	return err;
}

/* The first role of a server is a sender's; the client is the receiver. */
static void *run_thread(void *arg)
{
	struct serve_thread *t = arg;
	int err;

	bench_pin(t->nr ? BENCH_OTHERS + t->nr - 1 : BENCH_SENDER);
	err = thread_open(t);
	if (!err)
		err = loop(t);
	__atomic_store_n(&t->err, err, __ATOMIC_RELEASE);
	/* Else the clients would wait for ever. */
	if (t->err)
		for (; t->nr_conns; t->nr_conns--)
			if (t->conns[t->nr_conns - 1].sock >= 0)
				close(t->conns[t->nr_conns - 1].sock);
	return NULL;
}

static int thread_new(struct serve_server *server, unsigned int nr)
{
	struct serve_thread *t = &server->threads[nr];
	const struct serve_job *job = server->job;

	t->job = job;
	t->server = server;
	t->nr = nr;
	t->epoll = epoll_create1(EPOLL_CLOEXEC);
	t->conns = calloc(job->connections / job->threads + 1, sizeof(*t->conns));
	return t->epoll < 0 ? -errno : t->conns ? 0 : -ENOMEM;
}

/* A client. Strangers who were there before are sent away. */
static int accept_client(int listener, const struct serve_shared *sh)
{
	struct sockaddr_in peer;
	socklen_t len;
	int fd;

	for (;;) {
		len = sizeof(peer);
		fd = accept4(listener, (struct sockaddr *)&peer, &len,
			     SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			return -errno;
		if (peer.sin_addr.s_addr == htonl(INADDR_LOOPBACK) &&
		    __atomic_load_n(&sh->ports[ntohs(peer.sin_port)], __ATOMIC_ACQUIRE))
			return fd;
		close(fd);
	}
}

/* Round the threads, so that all have as many. */
static int accept_all(struct serve_server *server, int listener, struct serve_shared *sh)
{
	const struct serve_job *job = server->job;
	unsigned int i;

	for (i = 0; i < job->connections; i++) {
		struct serve_thread *t = &server->threads[i % job->threads];
		struct serve_conn *c = &t->conns[t->nr_conns];
		int err;

		c->sock = accept_client(listener, sh);
		if (c->sock < 0)
			return c->sock;
		c->index = t->nr_conns++;
		t->open++;
		err = bench_no_delay(c->sock);
		if (err)
			return err;
		__atomic_store_n(&sh->accepted, i + 1, __ATOMIC_RELEASE);
	}
	return 0;
}

static uint64_t timeval_ns(const struct timeval *tv)
{
	return tv->tv_sec * 1000000000ull + tv->tv_usec * 1000ull;
}

/*
 * A client has its last byte before the server has returned from sending it. Returns true
 * where there is no more to wait for, as a thread has failed.
 */
static bool all_answered(const struct serve_server *server, uint64_t due)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < server->job->threads; i++) {
		if (__atomic_load_n(&server->threads[i].err, __ATOMIC_ACQUIRE))
			return true;
		sum += __atomic_load_n(&server->threads[i].answered, __ATOMIC_ACQUIRE);
	}
	return sum >= due;
}

static void look(const struct serve_server *server, struct serve_moment *now)
{
	struct rusage usage;
	unsigned int i;

	getrusage(RUSAGE_SELF, &usage);
	*now = (struct serve_moment){
		.user_ns = timeval_ns(&usage.ru_utime),
		.system_ns = timeval_ns(&usage.ru_stime),
	};
	for (i = 0; i < server->job->threads; i++) {
		const struct serve_counts *counts = &server->threads[i].counts;

		now->counts.allocations += counts->allocations;
		now->counts.copied += counts->copied;
		now->counts.full += counts->full;
		now->counts.syscalls += counts->syscalls;
	}
}

static uint64_t peak_bytes(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	unsigned long long kib = 0;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmHWM: %llu kB", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib << 10;
}

/* While the threads serve, the first one answers what it is asked for, up to the end. */
static int serve(struct serve_server *server, int control, struct serve_shared *sh)
{
	unsigned int i, nr = server->job->threads;
	pthread_t *threads = calloc(nr, sizeof(*threads));
	int err = threads ? 0 : -ENOMEM;

	for (i = 0; i < nr && !err; i++)
		err = -pthread_create(&threads[i], NULL, run_thread, &server->threads[i]);
	if (err)
		return err;
	serve_tell(control, 's');
	while (!serve_hear(control, 'l')) {
		uint64_t end = now_ns() + ANSWERED_NS;

		while (!all_answered(server, sh->due)) {
			if (now_ns() > end)
				return -ETIMEDOUT;
			usleep(100);
		}
		look(server, &sh->now);
		serve_tell(control, 'l');
	}
	for (i = 0; i < nr; i++) {
		pthread_join(threads[i], NULL);
		if (!err)
			err = server->threads[i].err;
	}
	free(threads);
	return err;
}

/**
 * serve_server - the server's process, from the first connection to the end of the last
 * @job:      run
 * @listener: socket
 * @control:  socket to who looks on; answers 'l' after each look at @sh->now
 * @sh:       of what is the server's, filled in
 *
 * Returns: 0 or a negative errno.
 */
int serve_server(const struct serve_job *job, int listener, int control,
		 struct serve_shared *sh)
{
	struct serve_server server = { .job = job };
	unsigned int i;
	int err = 0;

	server.threads = calloc(job->threads, sizeof(*server.threads));
	if (!server.threads)
		return -ENOMEM;
	for (i = 0; i < job->threads && !err; i++)
		err = thread_new(&server, i);
	if (!err && job->path->setup) {
		err = zc_open(&server.zc);
		if (!err)
			err = job->path->setup(&server);
	}
	if (!err)
		err = accept_all(&server, listener, sh);
	close(listener);
	if (!err)
		err = serve(&server, control, sh);
	sh->peak_bytes = peak_bytes();
	return err;
}
