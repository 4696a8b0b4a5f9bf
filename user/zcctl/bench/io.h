/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of zcctl bench io share. */
#ifndef _ZCCTL_BENCH_IO_H
#define _ZCCTL_BENCH_IO_H

#include "bench.h"
#include "neighbour.h"

/* What each run gives a number of; see io-figures.c */
enum io_figure {
	IO_CPU,
	IO_SENDER,
	IO_USER,
	IO_SYSTEM,
	IO_SOFTIRQ,
	IO_BUSY,
	IO_VOLUNTARY,
	IO_INVOLUNTARY,
	IO_WALL,
	IO_SYSCALLS,
	IO_FIRST_BYTE,
	IO_P50,
	IO_P99,
	IO_EVICTED,
	IO_REREAD,
	IO_FIGURES,
};

/**
 * struct io_row - a line of the report
 * @t:          what is measured
 * @runs:       what those counted gave
 * @last:       the last result; its error is the row's
 * @latency:    of all that counted
 * @first_byte: likewise
 */
struct io_row {
	struct bench_transfer t;
	struct bench_runs runs[IO_FIGURES];
	struct bench_result last;
	struct bench_latency latency;
	struct bench_latency first_byte;
};

/**
 * struct io_bench - a benchmark
 * @file:        source
 * @end:         bytes of it
 * @size:        to send
 * @request:     bytes of each request; 0: all
 * @lanes:       connections
 * @per_call:    most bytes by one call of sendfile or zc, or 0
 * @paths:       names, comma-separated, or NULL for all
 * @cache:       measure with the file cached, and not
 * @wide:        show all to people, too
 * @peer:        the receiver; its host is NULL for one on the loopback
 * @own:         bytes of the neighbour's working set; 0: there is none
 * @reads:       how often it reads them before each run
 * @dir:         where its file is made, or NULL
 * @neighbour:   the neighbour, or NULL
 * @rows:        the report
 * @nr:          rows
 */
struct io_bench {
	const char *file;
	uint64_t end;
	struct bench_list size;
	struct bench_list request;
	struct bench_list lanes;
	uint64_t per_call;
	const char *paths;
	struct bench_states cache;
	bool wide;
	struct net_peer peer;
	uint64_t own;
	int reads;
	const char *dir;
	struct bench_neighbour *neighbour;
	struct io_row *rows;
	unsigned int nr;
};

/* io-figures.c */
void io_figures_add(struct io_row *row);
uint64_t io_figure(struct io_row *row, enum io_figure which);
void io_figures_json(struct json_object *obj, struct io_row *row);

/* io-report.c */
const char *io_why_not(const struct io_row *row);
void io_show(struct io_bench *b);

#endif /* _ZCCTL_BENCH_IO_H */
