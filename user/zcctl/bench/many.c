// SPDX-License-Identifier: GPL-2.0-only
/* zcctl bench many: transfers that run by themselves, many at once. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

#define EVENTS		64
#define STALL_MS	10000
#define RUN_NS		20000000000ull
#define SPAN_MAX	(64ull << 20)

static const char many_help[] =
"usage: zcctl bench many FILE [OPTION…]\n"
"\n"
"Send parts of FILE by asynchronous transfers (ZC_SEND_ASYNC), so many under way at\n"
"once, each over a TCP connection of its own on the loopback. One process submits,\n"
"reads the events and, by epoll, receives and throws away. Beside it sendfile to\n"
"sockets that do not block, by epoll, with FILE in the page cache. The cost is the\n"
"time for which the processors of the whole machine were not idle, as the module's\n"
"workers do most of it: run nothing else. Connections, transfers and bytes are the\n"
"same for every number in flight. Of FILE the first 64 MiB are used. With the defaults\n"
"it takes some minutes.\n"
"\n"
"  --in-flight A,B  transfers under way at once (default 10,100,1000,10000)\n"
"  --paths A,B      of zc-async and sendfile (default both)\n"
"  --transfers N    transfers in all (default 10000); a run that takes more than 20 s\n"
"                   is given up\n"
"  --size N         bytes of each (default 256K)\n"
BENCH_METHOD_HELP
"\n"
"example:\n"
"  zcctl bench many /dev/nvme0n1 --in-flight 10,1000 --transfers 1000\n";

/**
 * struct many - one run
 * @zc:        device, or NULL with sendfile
 * @file:      source
 * @span:      bytes of it that are used, a multiple of @size
 * @size:      bytes of a transfer
 * @nr:        transfers
 * @in_flight: of these, at once
 * @tx:        sending ends, one for each transfer
 * @rx:        receiving ends
 * @epoll:     of the device and the receiving ends
 * @submitted: transfers
 * @done:      transfers that have ended
 * @received:  bytes
 * @copied:    bytes, by the CPU
 * @sendfile:  use that instead of zc
 * @sent:      with sendfile: bytes of each transfer
 * @peak:      most transfers under way
 */
struct many {
	struct zc_context *zc;
	int file;
	uint64_t span;
	uint64_t size;
	unsigned int nr;
	unsigned int in_flight;
	int *tx;
	int *rx;
	int epoll;
	unsigned int submitted;
	unsigned int done;
	uint64_t received;
	uint64_t copied;
	bool sendfile;
	uint64_t *sent;
	unsigned int peak;
};

/**
 * struct row - a line of the report
 * @sendfile:  path
 * @in_flight: transfers at once
 * @err:       0 or a negative errno
 * @runs:      what those counted cost the machine
 * @process:   of these ns the last run's own process
 * @copied:    bytes copied by the CPU on the sending side
 * @peak:      most transfers that were under way
 */
struct row {
	bool sendfile;
	unsigned int in_flight;
	int err;
	struct bench_runs runs;
	uint64_t process;
	uint64_t copied;
	unsigned int peak;
};

struct bench {
	const char *file;
	struct bench_list in_flight;
	unsigned int nr_rows;
	struct row rows[2 * BENCH_SIZES_MAX];
	const char *paths;
	uint64_t size;
	int transfers;
};

/* What epoll tells: the device, or one end of a connection. */
#define DEVICE		UINT64_MAX
#define RECEIVER(i)	(2ull * (i))
#define SENDER(i)	(2ull * (i) + 1)

static int watch(struct many *m, int fd, uint32_t events, uint64_t who)
{
	struct epoll_event ev = { .events = events, .data.u64 = who };

	return epoll_ctl(m->epoll, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

static int submit_zc(struct many *m, unsigned int nr)
{
	struct zc_sendfile arg = {
		.in_fd = m->file,
		.out_fd = m->tx[nr],
		.offset = nr * m->size % m->span,
		.len = m->size,
		.flags = ZC_SEND_ASYNC | ZC_SEND_DIRECT,
		.user_data = nr,
	};

	return zc_sendfile(m->zc, &arg);
}

/* Returns 1 if the socket took all that was left. */
static int push_sendfile(struct many *m, unsigned int nr)
{
	while (m->sent[nr] < m->size) {
		off_t off = nr * m->size % m->span + m->sent[nr];
		ssize_t n = sendfile(m->tx[nr], m->file, &off,
				     m->size - m->sent[nr]);

		if (n <= 0)
			return n && errno == EAGAIN ? 0 : n ? -errno : -ENODATA;
		m->sent[nr] += n;
	}
	m->done++;
	return 1;
}

static int submit_sendfile(struct many *m, unsigned int nr)
{
	int ret = push_sendfile(m, nr);

	return ret ? ret : watch(m, m->tx[nr], EPOLLOUT, SENDER(nr));
}

/* Submit what may be under way. */
static int submit(struct many *m)
{
	while (m->submitted < m->nr && m->submitted - m->done < m->in_flight) {
		unsigned int nr = m->submitted++;
		int ret;

		if (m->submitted - m->done > m->peak)
			m->peak = m->submitted - m->done;
		ret = m->sendfile ? submit_sendfile(m, nr) : submit_zc(m, nr);
		if (ret < 0)
			return ret;
	}
	return 0;
}

static int socket_writable(struct many *m, unsigned int nr)
{
	int ret = push_sendfile(m, nr);

	if (ret <= 0)
		return ret;
	epoll_ctl(m->epoll, EPOLL_CTL_DEL, m->tx[nr], NULL);
	return submit(m);
}

static int take_events(struct many *m)
{
	struct zc_event events[EVENTS];
	int i, nr = zc_events(m->zc, events, EVENTS);

	if (nr < 0)
		return nr;
	for (i = 0; i < nr; i++) {
		if (events[i].type != ZC_EVENT_DONE)
			continue;
		if (events[i].error)
			return -events[i].error;
		if (events[i].sent != m->size)
			return -ENODATA;
		m->copied += events[i].copied;
		m->done++;
	}
	return submit(m);
}

static int take_bytes(struct many *m, int sock)
{
	ssize_t n = recv(sock, NULL, 1 << 20, MSG_TRUNC | MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	m->received += n;
	return 0;
}

static int serve(struct many *m, uint64_t who)
{
	if (who == DEVICE)
		return take_events(m);
	return who & 1 ? socket_writable(m, who / 2) : take_bytes(m, m->rx[who / 2]);
}

/* All transfers, from the first submission to the last byte. */
static int drive(struct many *m)
{
	struct epoll_event ready[EVENTS];
	uint64_t end = now_ns() + RUN_NS;
	int i, nr, err = submit(m);

	while (!err && (m->done < m->nr || m->received < m->nr * m->size)) {
		nr = epoll_wait(m->epoll, ready, EVENTS, STALL_MS);
		if (nr <= 0 || now_ns() > end)
			return nr < 0 ? -errno : -ETIMEDOUT;
		for (i = 0; i < nr && !err; i++)
			err = serve(m, ready[i].data.u64);
	}
	return err;
}

/*
 * A connection from one of 250 addresses of the loopback, so that there are ports for
 * thousands; without TIME_WAIT at its end, so that there are for the next run.
 */
static int connect_one(int listener, unsigned int nr, const struct sockaddr_in *to, int *tx,
		       int *rx)
{
	const struct sockaddr_in from = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK + nr % 250),
	};
	const struct linger no_wait = { .l_onoff = 1 };
	const int on = 1;

	*tx = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* The port is chosen as it connects: it may be that of another connection. */
	if (*tx < 0 ||
	    setsockopt(*tx, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) ||
	    bind(*tx, (const struct sockaddr *)&from, sizeof(from)) ||
	    connect(*tx, (const struct sockaddr *)to, sizeof(*to)))
		return -errno;
	*rx = bench_accept_own(listener, *tx);
	if (*rx < 0)
		return *rx;
	if (setsockopt(*tx, SOL_SOCKET, SO_LINGER, &no_wait, sizeof(no_wait)) ||
	    setsockopt(*rx, SOL_SOCKET, SO_LINGER, &no_wait, sizeof(no_wait)))
		return -errno;
	return 0;
}

static int connect_to(struct many *m, int listener, const struct sockaddr_in *addr)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < m->nr && !err; i++) {
		err = connect_one(listener, i, addr, &m->tx[i], &m->rx[i]);
		if (!err && m->sendfile && fcntl(m->tx[i], F_SETFL, O_NONBLOCK))
			err = -errno;
		if (!err)
			err = watch(m, m->rx[i], EPOLLIN, RECEIVER(i));
	}
	return err;
}

static int connect_all(struct many *m)
{
	struct sockaddr_in addr;
	int err, listener;

	m->tx = calloc(m->nr, sizeof(int));
	m->rx = calloc(m->nr, sizeof(int));
	m->sent = calloc(m->nr, sizeof(*m->sent));
	m->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!m->tx || !m->rx || !m->sent || m->epoll < 0)
		return -ENOMEM;
	err = m->zc ? watch(m, zc_fd(m->zc), EPOLLIN, DEVICE) : 0;
	listener = bench_listen(&addr);
	if (listener < 0)
		return listener;
	if (!err)
		err = connect_to(m, listener, &addr);
	close(listener);
	return err;
}

static void disconnect_all(struct many *m)
{
	unsigned int i;

	for (i = 0; m->tx && m->rx && i < m->nr; i++) {
		if (m->rx[i] > 0)
			close(m->rx[i]);
		if (m->tx[i] > 0)
			close(m->tx[i]);
	}
	free(m->tx);
	free(m->rx);
	free(m->sent);
	if (m->epoll >= 0)
		close(m->epoll);
}

/* With the connections made. */
static int run_open(struct many *m, struct row *row, uint64_t *busy)
{
	uint64_t begin = 0, end = 0, process;
	int err = m->sendfile ? bench_cache_fill(m->file, m->span) :
				bench_cache_drop(m->file, m->span);

	if (!err)
		err = bench_busy_ns(&begin);
	process = bench_cpu_ns();
	if (!err)
		err = drive(m);
	process = bench_cpu_ns() - process;
	if (!err)
		err = bench_busy_ns(&end);
	*busy = bench_busy_from(begin, end, process);
	row->process = process;
	row->copied = m->copied;
	row->peak = m->peak;
	return err;
}

static int run_once(const struct bench *b, struct row *row, uint64_t *busy)
{
	struct many m = {
		.size = b->size,
		.nr = b->transfers,
		.in_flight = row->in_flight,
		.sendfile = row->sendfile,
		.epoll = -1,
	};
	off_t end;
	int err;

	m.file = open(b->file, O_RDONLY | O_CLOEXEC);
	if (m.file < 0)
		return -errno;
	end = lseek(m.file, 0, SEEK_END);
	m.span = ((uint64_t)end < SPAN_MAX ? (uint64_t)end : SPAN_MAX) / m.size * m.size;
	err = !m.span ? -ENODATA : row->sendfile ? 0 : zc_open(&m.zc);
	if (!err) {
		err = connect_all(&m);
		if (!err)
			err = run_open(&m, row, busy);
		disconnect_all(&m);
		zc_close(m.zc);
	}
	close(m.file);
	return err;
}

static void measure_row(struct bench *b, struct row *row, bool counted)
{
	uint64_t busy = 0;

	if (!row->err)
		row->err = run_once(b, row, &busy);
	if (counted && !row->err)
		bench_runs_add(&row->runs, busy);
}

/* To warm up, the last of each path, which as a rule needs the most of all. */
static void warm_up(struct bench *b)
{
	unsigned int i;

	for (i = b->in_flight.nr - 1; i < b->nr_rows; i += b->in_flight.nr)
		measure_row(b, &b->rows[i], false);
}

static void measure(struct bench *b)
{
	unsigned int i, total = bench_method.repeat * b->nr_rows;
	int round;

	bench_pin(BENCH_SENDER);
	warm_up(b);
	for (round = 0; round < bench_method.repeat; round++) {
		for (i = 0; i < b->nr_rows; i++) {
			out_progress("many", round * b->nr_rows + i, total);
			measure_row(b, &b->rows[i], true);
		}
	}
	out_progress_end();
}

static const char *path_name(const struct row *row)
{
	return row->sendfile ? "sendfile" : "zc-async";
}

static const char *why_not(const struct row *row)
{
	if (row->err == -ENODATA)
		return "the file has less than --size";
	if (row->err == -ETIMEDOUT)
		return "it took too long: less by --transfers";
	return bench_why_not(!row->sendfile, row->err);
}

static void show_json(struct bench *b)
{
	struct json_object *rows = json_object_new_array();
	uint64_t bytes = b->transfers * b->size;
	unsigned int i;

	for (i = 0; i < b->nr_rows; i++) {
		struct row *row = &b->rows[i];
		struct json_object *obj = bench_row("many", path_name(row),
						    row->sendfile ? BENCH_HOT : BENCH_COLD,
						    bytes);

		out_add_u64(obj, "concurrency", row->in_flight);
		out_add_u64(obj, "transfer_bytes", b->size);
		if (row->err) {
			out_add_str(obj, "error", why_not(row));
		} else {
			bench_row_cost(obj, &row->runs, bytes);
			bench_row_spread(obj, bench_runs_spread(&row->runs), row->runs.nr);
			bench_row_copied(obj, row->copied);
			out_add_u64(obj, "process_ns", row->process);
			out_add_u64(obj, "peak", row->peak);
		}
		json_object_array_add(rows, obj);
	}
	bench_rows_show(rows);
}

/* Does sendfile cost less for as many at once? */
static bool beats_zc(struct bench *b, struct row *row)
{
	unsigned int i;

	for (i = 0; i < b->nr_rows; i++) {
		struct row *zc = &b->rows[i];

		if (row->sendfile && !zc->sendfile && zc->in_flight == row->in_flight)
			return !zc->err && bench_runs_median(&row->runs) <
					   bench_runs_median(&zc->runs);
	}
	return false;
}

static void row_text(struct bench *b, struct row *row)
{
	double spread = bench_runs_spread(&row->runs);
	uint64_t bytes = b->transfers * b->size;
	char copied[32];

	printf("%-8s %9u ", path_name(row), row->in_flight);
	if (row->err) {
		printf("not measured: %s\n", why_not(row));
		return;
	}
	printf("%9u %12.1f %12.1f %7s %9s%s%s\n", row->peak,
	       bench_per_mib(bench_runs_median(&row->runs), bytes) / 1000,
	       bench_per_mib(row->process, bytes) / 1000, bench_spread_text(spread),
	       out_bytes(row->copied, copied, sizeof(copied)),
	       beats_zc(b, row) ? "  beats zc-async" : "", bench_noisy_text(spread));
}

static void show_text(struct bench *b)
{
	char size[32];
	unsigned int i;

	printf("%d transfers of %s, TCP on the loopback, the whole machine\n",
	       b->transfers, out_bytes(b->size, size, sizeof(size)));
	printf("%-8s %9s %9s %12s %12s %7s %9s\n", "path", "in flight", "most",
	       bench_method.icount ? "kinsn/MiB" : "CPU us/MiB", "own process", "spread",
	       "copied");
	for (i = 0; i < b->nr_rows; i++)
		row_text(b, &b->rows[i]);
	puts("most: in flight at any time; own process: of the cost, what the process did itself,\n"
	     "and not the module's workers or softirq");
}

static int add_rows(struct bench *b)
{
	static const char *const paths[] = { "zc-async", "sendfile" };
	struct bench_names names = { .list = b->paths };
	unsigned int i, path;

	for (path = 0; path < 2; path++) {
		if (!bench_names_add(&names, paths[path]))
			continue;
		for (i = 0; i < b->in_flight.nr; i++)
			b->rows[b->nr_rows++] = (struct row){
				.sendfile = path,
				.in_flight = b->in_flight.at[i],
			};
	}
	return bench_names_check(&names, "bench many: --paths");
}

static int run(struct bench *b)
{
	struct bench_tally tally = {};
	unsigned int i, zc = 0;
	uint64_t size = SPAN_MAX;
	int fd, ret = add_rows(b);

	for (i = 0; i < b->nr_rows; i++)
		zc += !b->rows[i].sendfile;
	ret = ret ?: bench_need_module(zc, b->nr_rows - zc);
	if (ret)
		return ret;
	ret = -bench_need_files(2ul * b->transfers + 64);
	if (ret)
		return out_error(EX_FAILED, ret, "raise ulimit -n (as root), or fewer --transfers",
				 "cannot have %d files open", 2 * b->transfers + 64);
	/* A block device loses its page cache when nobody has it open. */
	ret = file_open_some(b->file, &fd, &size);
	if (ret)
		return ret;
	measure(b);
	close(fd);
	if (out_json)
		show_json(b);
	else
		show_text(b);
	for (i = 0; i < b->nr_rows; i++)
		bench_tally_row(&tally, !b->rows[i].sendfile,
				b->rows[i].err ? why_not(&b->rows[i]) : NULL);
	return bench_tally_verdict(&tally, b->paths);
}

int bench_many(int argc, char **argv)
{
	static struct bench b = {
		.in_flight = { .at = { 10, 100, 1000, 10000 }, .nr = 4 },
		.size = 256 << 10,
		.transfers = 10000,
	};
	const struct bench_option options[] = {
		{ "in-flight", BENCH_NUMBERS, &b.in_flight, 0, 0 },
		{ "paths", BENCH_TEXT, &b.paths, 0, 0 },
		{ "transfers", BENCH_NUMBER, &b.transfers, 25000, 0 },
		{ "size", BENCH_SIZE, &b.size, 0, 0 },
		{ },
	};
	int ret = bench_options("bench many", many_help, options, argc, argv);

	if (ret != BENCH_OPTION_TAKEN)
		return ret;
	if (argc != optind + 1)
		return out_usage("bench many: one file or block device, please");
	b.file = argv[optind];
	return bench_method_begin() ?: run(&b);
}
