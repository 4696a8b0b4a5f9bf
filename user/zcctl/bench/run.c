// SPDX-License-Identifier: GPL-2.0-only
/*
 * One run: senders and receivers, each a process of its own that does nothing else,
 * joined by TCP, on the loopback or to a receiver elsewhere.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

/**
 * struct crew - the processes of a run
 * @pair:  what they do
 * @lanes: connections
 * @rep:   a report of each sender, then of each receiver; in shared memory
 * @all:   processes, whose gate is for their end: who has done must not take another's byte
 * @go:    pipe: a byte for each that may begin
 */
struct crew {
	const struct bench_pair *pair;
	unsigned int lanes;
	struct bench_report *rep;
	struct bench_crew all;
	int go[2];
};

/* Each 4 KiB. */
void bench_touch(volatile char *data, uint64_t size)
{
	uint64_t i;

	for (i = 0; i < size; i += 4096)
		data[i] = 1;
}

/* One byte to ask for more, as a client does that waits for its answer. */
static int ask_for_more(struct bench_lane *lane)
{
	if (lane->timed || !lane->rep->bytes)
		lane->since = now_ns();
	return send(lane->sock, "", 1, MSG_NOSIGNAL) == 1 ? 0 : -errno;
}

/* Some bytes came of a request of which the last is number @asked. */
static void got_some(struct bench_lane *lane, uint64_t asked, bool first)
{
	struct bench_report *rep = lane->rep;

	if (!lane->timed) {
		if (rep->bytes == lane->bytes)
			rep->end_ns = now_ns();
		return;
	}
	if (first)
		bench_latency_add(&rep->first_byte, now_ns() - lane->since);
	if (rep->bytes != asked)
		return;
	rep->end_ns = now_ns();
	bench_latency_add(&rep->latency, rep->end_ns - lane->since);
}

/* Requests, one after the other; each but the last of the same size. */
static int receive_answers(struct bench_lane *lane)
{
	struct bench_report *rep = lane->rep;
	uint64_t asked = lane->request, before;
	ssize_t n = 1;

	while (n > 0) {
		before = rep->bytes;
		n = recv(lane->sock, NULL, 1 << 20, MSG_TRUNC);
		if (n <= 0)
			break;
		rep->bytes += n;
		if (asked > lane->bytes)
			asked = lane->bytes;
		got_some(lane, asked, before % lane->request == 0);
		if (rep->bytes == asked && asked < lane->bytes) {
			n = ask_for_more(lane) ?: 1;
			asked += lane->request;
		}
	}
	return n < 0 ? -errno : 0;
}

/* MSG_TRUNC throws the bytes away: what is measured is the sending. */
static int receive_all(struct bench_lane *lane)
{
	struct bench_report *rep = lane->rep;
	ssize_t n;

	while ((n = recv(lane->sock, NULL, 1 << 20, MSG_TRUNC)) > 0)
		rep->bytes += n;
	rep->end_ns = now_ns();
	return n < 0 ? -errno : 0;
}

static void receive(struct bench_lane *lane)
{
	struct bench_report *rep = lane->rep;
	char byte;

	if (lane->request) {
		if (read(lane->go, &byte, 1) != 1)
			return;
		rep->err = ask_for_more(lane);
		rep->begin_ns = lane->since;
	}
	bench_lane_begin(lane);
	if (!rep->err)
		rep->err = lane->request ? receive_answers(lane) : receive_all(lane);
	bench_lane_end(lane);
}

/* Until the counters of the machine have been read this process stays. */
static void tell_done(struct crew *crew)
{
	int err = bench_crew_tell(&crew->all, BENCH_DONE);

	_exit(err || bench_crew_wait(&crew->all));
}

static void place(const struct bench_pair *pair, const struct bench_lane *lane, bool receiver)
{
	if (pair->cpus)
		sched_setaffinity(0, sizeof(*pair->cpus), &pair->cpus[receiver]);
	else
		bench_pin((receiver ? BENCH_RECEIVER : BENCH_SENDER) + 2 * lane->index);
}

static void work(struct crew *crew, struct bench_lane *lane, bool receiver)
{
	close(crew->go[1]);
	place(crew->pair, lane, receiver);
	if (receiver) {
		receive(lane);
	} else {
		crew->pair->sender(lane, crew->pair->arg);
		if (!lane->ready)
			bench_crew_tell(&crew->all, BENCH_FAILED);
		shutdown(lane->sock, SHUT_WR);
	}
	lane->rep->done = true;
	tell_done(crew);
}

static int start(struct crew *crew, struct bench_lane *lane, bool receiver, int sock, int other)
{
	unsigned int nr = lane->index + (receiver ? crew->lanes : 0);
	pid_t pid = bench_crew_fork(&crew->all);

	if (pid)
		return pid < 0 ? pid : 0;
	if (other >= 0)
		close(other);
	lane->sock = sock;
	lane->rep = &crew->rep[nr];
	work(crew, lane, receiver);
	return 0;
}

static void lane_init(const struct crew *crew, unsigned int nr, struct bench_lane *lane)
{
	const struct bench_pair *pair = crew->pair;
	uint64_t share = pair->share ? pair->share : pair->bytes;

	memset(lane, 0, sizeof(*lane));
	lane->index = nr;
	lane->offset = nr * share;
	lane->bytes = pair->bytes - lane->offset < share ? pair->bytes - lane->offset : share;
	lane->request = pair->request < lane->bytes ? pair->request : lane->bytes;
	if (!pair->request)
		lane->request = 0;
	lane->remote = pair->peer;
	lane->timed = pair->timed;
	lane->crew = &crew->all;
	lane->go = crew->go[0];
}

static int start_lane(struct crew *crew, unsigned int nr)
{
	struct bench_lane lane;
	int sock[2] = { -1, -1 }, err = 0;

	lane_init(crew, nr, &lane);
	if (lane.remote) {
		sock[0] = net_connect_quietly(crew->pair->peer);
		err = sock[0] < 0 ? sock[0] : 0;
	} else {
		err = bench_tcp_pair(sock);
	}
	if (!err && !lane.remote)
		err = start(crew, &lane, true, sock[1], sock[0]);
	if (!err)
		err = start(crew, &lane, false, sock[0], sock[1]);
	if (sock[0] >= 0)
		close(sock[0]);
	if (sock[1] >= 0)
		close(sock[1]);
	return err;
}

static uint64_t cpu_of_all(const struct crew *crew)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < 2 * crew->lanes; i++)
		sum += crew->rep[i].usage.cpu_ns;
	return sum;
}

/* All begin at once. What the machine counts is taken around them. */
static void let_work(struct crew *crew, struct bench_result *res)
{
	unsigned int each = crew->pair->peer ? 1 : 2, i;
	uint64_t busy[2], softirq;

	if (bench_crew_hear(&crew->all, BENCH_READY, crew->lanes))
		return;
	softirq = bench_softirq_ns();
	if (bench_busy_ns(&busy[0]))
		busy[0] = BENCH_UNKNOWN;
	for (i = 0; i < crew->lanes && crew->pair->request; i++)
		if (write(crew->go[1], "", 1) != 1)
			return;
	if (bench_crew_hear(&crew->all, BENCH_DONE, each * crew->lanes))
		return;
	if (busy[0] != BENCH_UNKNOWN && !bench_busy_ns(&busy[1]))
		res->busy_ns = bench_busy_from(busy[0], busy[1], cpu_of_all(crew));
	if (softirq != BENCH_UNKNOWN)
		res->softirq_ns = bench_softirq_ns() - softirq;
}

/* That the peer went away is mostly the consequence of an error that it has. */
static bool is_cause(int err)
{
	return err && err != -ECONNRESET && err != -EPIPE && err != -ECANCELED;
}

static void add_report(struct bench_result *res, const struct bench_report *rep)
{
	int err = rep->done ? rep->err : -ECHILD;

	if (err && (!res->err || (is_cause(err) && !is_cause(res->err))))
		res->err = err;
	bench_usage_add(&res->usage, &rep->usage);
	res->syscalls += rep->syscalls;
	if (rep->copied == BENCH_UNKNOWN || res->copied == BENCH_UNKNOWN)
		res->copied = BENCH_UNKNOWN;
	else
		res->copied += rep->copied;
	if (rep->call_ns && (!res->call_ns || rep->call_ns < res->call_ns))
		res->call_ns = rep->call_ns;
	if (rep->latency.count)
		bench_latency_merge(&res->latency, &rep->latency);
	if (rep->first_byte.count)
		bench_latency_merge(&res->first_byte, &rep->first_byte);
}

/* From the first request, or the first byte read, to the last byte received. */
static void add_wall(const struct crew *crew, struct bench_result *res)
{
	const struct bench_report *tx = crew->rep, *rx = crew->rep + crew->lanes;
	const struct bench_report *first = crew->pair->request && !crew->pair->peer ? rx : tx;
	const struct bench_report *last = crew->pair->peer ? tx : rx;
	uint64_t begin = UINT64_MAX, end = 0;
	unsigned int i;

	for (i = 0; i < crew->lanes; i++) {
		begin = first[i].begin_ns < begin ? first[i].begin_ns : begin;
		end = last[i].end_ns > end ? last[i].end_ns : end;
	}
	res->wall_ns = end - begin;
}

static void collect(const struct crew *crew, struct bench_result *res)
{
	uint64_t received = 0;
	unsigned int i;

	for (i = 0; i < crew->lanes; i++)
		add_report(res, &crew->rep[i]);
	res->sender_ns = res->usage.cpu_ns;
	for (i = crew->lanes; i < 2 * crew->lanes && !crew->pair->peer; i++) {
		add_report(res, &crew->rep[i]);
		received += crew->rep[i].bytes;
	}
	if (!res->err && !crew->pair->peer && received != crew->pair->bytes)
		res->err = -EPROTO;
	if (!res->err)
		add_wall(crew, res);
}

static int crew_init(struct crew *crew)
{
	int err = bench_crew_begin(&crew->all, 2 * crew->lanes);

	crew->rep = bench_shared(2 * crew->lanes * sizeof(*crew->rep));
	if (!crew->rep)
		return -ENOMEM;
	return err ?: pipe(crew->go) ? -errno : 0;
}

/* Those that still wait see that they may end. */
static int crew_end(struct crew *crew)
{
	if (crew->go[0] >= 0) {
		close(crew->go[0]);
		close(crew->go[1]);
	}
	return bench_crew_end(&crew->all);
}

/**
 * bench_run_pair - have the senders send, and see that all arrives
 * @pair: what, and how many
 * @res:  what it cost, which this adds to
 */
void bench_run_pair(const struct bench_pair *pair, struct bench_result *res)
{
	struct crew crew = {
		.pair = pair,
		.lanes = pair->lanes ? pair->lanes : 1,
		.go = { -1, -1 },
	};
	unsigned int i;
	int err;

	res->busy_ns = BENCH_UNKNOWN;
	res->softirq_ns = BENCH_UNKNOWN;
	res->err = crew_init(&crew);
	for (i = 0; i < crew.lanes && !res->err; i++)
		res->err = start_lane(&crew, i);
	/* Else those that were started already are of no use. */
	crew.all.err = res->err;
	if (!res->err)
		let_work(&crew, res);
	err = crew_end(&crew);
	res->err = res->err ?: err;
	if (!res->err)
		collect(&crew, res);
	if (crew.rep)
		munmap(crew.rep, 2 * crew.lanes * sizeof(*crew.rep));
}
