// SPDX-License-Identifier: GPL-2.0-only
/* zcctl bench copybreak: from which size on is a reference cheaper than a copy? */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

#define PARAMETER	"/sys/module/zc/parameters/copybreak"
#define SIZE_MAX_SMALL	(64ull << 10)

static const char copybreak_help[] =
"usage: zcctl bench copybreak FILE [OPTION…]\n"
"\n"
"Small sends over TCP on the loopback, from a sealed buffer and from FILE, which is in\n"
"the page cache: with the module parameter copybreak at 0 each is by reference, with\n"
"a large one each is copied. Shows the CPU time of both sides, and the smallest size\n"
"from which on the reference costs less. Needs root, to set the parameter; the old\n"
"value is put back. Sent in two patterns:\n"
"\n"
"  answer        each at once (TCP_NODELAY), and received before the next\n"
"  stream        one after the other; TCP puts many into a packet\n"
"\n"
"  --sizes A,B   bytes of a send, up to 64K (default 64 to 8K in octaves, and between)\n"
"  --sends N     sends of a run (default 2000)\n"
BENCH_METHOD_HELP
"\n"
"example:\n"
"  zcctl bench copybreak /var/tmp/file --sizes 256,512,1K\n";

enum from { FROM_BUFFER, FROM_FILE, NR_FROM };
enum how { BY_REFERENCE, BY_COPY, NR_HOW };
enum pattern { ANSWER, STREAM, NR_PATTERN };

static const char *const patterns[NR_PATTERN] = { "answer", "stream" };

static const char *const names[NR_FROM][NR_HOW] = {
	{ "zc-buffer-ref", "zc-buffer-copy" },
	{ "zc-auto-ref", "zc-auto-copy" },
};

struct row {
	uint64_t size;
	enum pattern pattern;
	int err;
	struct bench_runs runs[NR_FROM][NR_HOW];
	uint64_t copied[NR_FROM][NR_HOW];
};

struct bench {
	const char *name;
	struct zc_context *zc;
	struct zc_buffer *buf;
	int file;
	int sock[2];
	struct bench_list sizes;
	unsigned int nr;
	struct row rows[NR_PATTERN * BENCH_SIZES_MAX];
	int sends;
};

static int choose(enum how how)
{
	return bench_setting(PARAMETER, how == BY_COPY ? "1000000" : "0");
}

static int send_one(const struct bench *b, int sock, enum from from, uint64_t size,
		    uint64_t *copied)
{
	struct zc_sendfile file = {
		.in_fd = b->file,
		.out_fd = sock,
		.len = size,
	};
	struct zc_send buf = { .out_fd = sock, .len = size };
	int64_t n;

	n = from == FROM_FILE ? zc_sendfile(b->zc, &file) :
				zc_buffer_send(b->buf, &buf);
	*copied += from == FROM_FILE ? file.copied : buf.copied;
	if (n < 0)
		return n;
	return (uint64_t)n < size ? -EIO : 0;
}

static int receive(struct bench *b, uint64_t size)
{
	while (size) {
		ssize_t n = recv(b->sock[1], NULL, size, MSG_TRUNC);

		if (n <= 0)
			return n ? -errno : -EPIPE;
		size -= n;
	}
	return 0;
}

static int run_answers(struct bench *b, struct row *row, enum from from,
		       struct bench_result *res)
{
	uint64_t begin = bench_cpu_ns();
	int i, err = 0;

	for (i = 0; i < b->sends && !err; i++) {
		err = send_one(b, b->sock[0], from, row->size, &res->copied);
		if (!err)
			err = receive(b, row->size);
	}
	res->usage.cpu_ns = bench_cpu_ns() - begin;
	return err;
}

/* What the sender of a stream is given. */
struct stream {
	const struct bench *b;
	enum from from;
	uint64_t size;
};

static void send_stream(struct bench_lane *lane, const void *arg)
{
	const struct stream *s = arg;
	struct bench_report *rep = lane->rep;
	int i;

	bench_lane_ready(lane);
	bench_lane_begin(lane);
	for (i = 0; i < s->b->sends && !rep->err; i++)
		rep->err = send_one(s->b, lane->sock, s->from, s->size, &rep->copied);
	bench_lane_end(lane);
}

static int run_once(struct bench *b, struct row *row, enum from from, enum how how,
		    bool counted)
{
	const struct stream s = { b, from, row->size };
	const struct bench_pair pair = {
		.sender = send_stream,
		.arg = &s,
		.bytes = b->sends * s.size,
	};
	struct bench_result res = { .err = 0 };
	int err = choose(how);

	if (err)
		return err;
	if (row->pattern == ANSWER)
		res.err = run_answers(b, row, from, &res);
	else
		bench_run_pair(&pair, &res);
	if (counted && !res.err)
		bench_runs_add(&row->runs[from][how], res.usage.cpu_ns);
	row->copied[from][how] = res.copied;
	return res.err;
}

static void measure(struct bench *b)
{
	unsigned int i;
	int round, from, how;

	/* Who sends a stream, and who takes it, go where they should by themselves. */
	bench_pin(BENCH_SENDER);
	for (round = 0; round <= bench_method.repeat; round++) {
		for (i = 0; i < b->nr; i++) {
			struct row *row = &b->rows[i];

			out_progress("copybreak", round * b->nr + i,
				     (bench_method.repeat + 1) * b->nr);
			for (from = 0; from < NR_FROM; from++)
				for (how = 0; how < NR_HOW && !row->err; how++)
					row->err = run_once(b, row, from, how, round);
		}
	}
	out_progress_end();
}

/* ns (or instructions) of one send */
static double cost(struct bench *b, struct row *row, int from, int how)
{
	return (double)bench_runs_median(&row->runs[from][how]) / b->sends;
}

/* The one that scatters most of what a line for people has. */
static double spread(struct row *row)
{
	double most = 0, one;
	int from, how;

	for (from = 0; from < NR_FROM; from++)
		for (how = 0; how < NR_HOW; how++) {
			one = bench_runs_spread(&row->runs[from][how]);
			most = one > most ? one : most;
		}
	return most;
}

/* The smallest size from which on a reference costs no more; 0: none. */
static uint64_t break_even(struct bench *b, int pattern, int from)
{
	uint64_t best = 0;
	unsigned int i;

	for (i = b->nr; i--;) {
		struct row *row = &b->rows[i];

		if (row->pattern != (enum pattern)pattern)
			continue;
		if (row->err || cost(b, row, from, BY_REFERENCE) >
				cost(b, row, from, BY_COPY))
			break;
		best = row->size;
	}
	return best;
}

static const char *why_not(const struct row *row)
{
	return bench_why_not(true, row->err);
}

static struct json_object *row_json(struct bench *b, struct row *row, int from,
				    int how)
{
	uint64_t bytes = row->size * b->sends;
	struct json_object *obj = bench_row("copybreak", names[from][how],
					    from == FROM_FILE ? BENCH_HOT : BENCH_NONE,
					    bytes);

	out_add_u64(obj, "file_bytes", row->size);
	out_add_str(obj, "pattern", patterns[row->pattern]);
	if (row->err) {
		out_add_str(obj, "error", why_not(row));
		return obj;
	}
	bench_row_cost(obj, &row->runs[from][how], bytes);
	bench_row_spread(obj, bench_runs_spread(&row->runs[from][how]),
			 row->runs[from][how].nr);
	out_add_double(obj, "kinsn_per_send", cost(b, row, from, how) / 1000);
	bench_row_copied(obj, row->copied[from][how]);
	out_add_u64(obj, "syscalls", b->sends);
	return obj;
}

static void show_json(struct bench *b)
{
	struct json_object *rows = json_object_new_array();
	unsigned int i;
	int from, how;

	for (i = 0; i < b->nr; i++)
		for (from = 0; from < NR_FROM; from++)
			for (how = 0; how < NR_HOW; how++)
				json_object_array_add(rows, row_json(b, &b->rows[i],
								     from, how));
	bench_rows_show(rows);
}

static void show_even(struct bench *b, int pattern, const char *what, int from)
{
	uint64_t even = break_even(b, pattern, from);

	if (even)
		printf("%s, %s: a reference costs no more from %llu bytes on\n",
		       patterns[pattern], what, (unsigned long long)even);
	else
		printf("%s, %s: a copy costs less at all of these sizes\n",
		       patterns[pattern], what);
}

static void show_text(struct bench *b)
{
	unsigned int i;
	int pattern;

	printf("%s of one send and its receipt, TCP on the loopback\n",
	       bench_method.icount ? "kinsn" : "CPU us");
	printf("%-8s %9s  %12s %12s  %13s %12s %7s\n", "pattern", "bytes", "buffer: ref", "copy",
	       "hot file: ref", "copy", "spread");
	for (i = 0; i < b->nr; i++) {
		struct row *row = &b->rows[i];

		printf("%-8s %9llu  ", patterns[row->pattern],
		       (unsigned long long)row->size);
		if (row->err) {
			printf("not measured: %s\n", why_not(row));
			continue;
		}
		printf("%12.2f %12.2f  %13.2f %12.2f %7s%s\n",
		       cost(b, row, FROM_BUFFER, BY_REFERENCE) / 1000,
		       cost(b, row, FROM_BUFFER, BY_COPY) / 1000,
		       cost(b, row, FROM_FILE, BY_REFERENCE) / 1000,
		       cost(b, row, FROM_FILE, BY_COPY) / 1000,
		       bench_spread_text(spread(row)),
		       bench_noisy_text(spread(row)));
	}
	for (pattern = 0; pattern < NR_PATTERN; pattern++) {
		show_even(b, pattern, "sealed buffer", FROM_BUFFER);
		show_even(b, pattern, "hot file", FROM_FILE);
	}
}

static int prepare(struct bench *b)
{
	unsigned int i;
	int err;

	err = bench_cache_fill(b->file, SIZE_MAX_SMALL);
	if (!err)
		err = zc_buffer_new(b->zc, SIZE_MAX_SMALL, ZC_BUF_SMALL_OK,
				    ZC_NODE_ANY, &b->buf);
	if (err)
		return err;
	memset(zc_buffer_data(b->buf), 'z', SIZE_MAX_SMALL);
	err = zc_buffer_seal(b->buf);
	if (!err)
		err = bench_tcp_pair(b->sock);
	err = err ?: bench_no_delay(b->sock[0]);
	b->nr = NR_PATTERN * b->sizes.nr;
	for (i = 0; i < b->nr; i++) {
		struct row *row = &b->rows[i];

		row->size = b->sizes.at[i % b->sizes.nr];
		row->pattern = i / b->sizes.nr;
	}
	return err;
}

static int run(struct bench *b)
{
	uint64_t size = SIZE_MAX_SMALL;
	struct bench_tally tally = {};
	unsigned int i;
	int err, ret = file_open_some(b->name, &b->file, &size);

	if (!ret)
		ret = device_open(&b->zc);
	if (!ret)
		ret = bench_settings_claim();
	if (ret)
		return ret;
	err = choose(BY_COPY);
	if (err)
		return out_error(err == -EACCES ? EX_PERMISSION : EX_FAILED, -err,
				 NULL, "cannot set %s", PARAMETER);
	err = prepare(b);
	if (err)
		return out_error(EX_FAILED, -err, NULL, "bench copybreak");
	measure(b);
	zc_buffer_free(b->buf);
	close(b->file);
	if (out_json)
		show_json(b);
	else
		show_text(b);
	for (i = 0; i < b->nr; i++)
		bench_tally_row(&tally, true, b->rows[i].err ? why_not(&b->rows[i]) : NULL);
	return bench_tally_verdict(&tally, NULL);
}

int bench_copybreak(int argc, char **argv)
{
	static struct bench b = {
		.sizes = {
			.at = { 64, 128, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 8192 },
			.nr = 12,
		},
		.sends = 2000,
	};
	const struct bench_option options[] = {
		{ "sizes", BENCH_SIZES, &b.sizes, SIZE_MAX_SMALL, 0 },
		{ "sends", BENCH_NUMBER, &b.sends, 1000000, 0 },
		{ },
	};
	int ret = bench_options("bench copybreak", copybreak_help, options, argc, argv);

	if (ret != BENCH_OPTION_TAKEN)
		return ret;
	if (argc != optind + 1)
		return out_usage("bench copybreak: one file or block device, please");
	b.name = argv[optind];
	return bench_method_begin() ?: run(&b);
}
