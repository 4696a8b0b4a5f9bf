// SPDX-License-Identifier: GPL-2.0-only
/* zcctl bench io: what sending a file costs, by zc and by the usual ways. */
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"

#define WARM_UP_SIZE	(32ull << 20)
#define SIZE		(256ull << 20)
#define LANES_MAX	1024
#define READS		2
#define READS_MAX	100
#define CONNECT_TIMEOUT	10	/* s */

static const char io_help[] =
"usage: zcctl bench io FILE [HOST:PORT] [OPTION…]\n"
"\n"
"Send the first bytes of a file or block device over TCP, on the loopback or to HOST:PORT,\n"
"by zc and by the usual ways, and show what each costs: CPU time of sender and receiver\n"
"together (user and system), bytes copied by the CPU on the sending side, system calls of\n"
"the sender, and growth of the page cache. The receiver throws the bytes away. Each side\n"
"of a connection is a process of its own. Each path runs once to warm up, then in turn\n"
"with the others; the median is shown, and the spread. \"of zc\": times the CPU time\n"
"of the cheapest way of zc, of sender and receiver alone, with all else alike; \"all\": the\n"
"same of what all processors did; paths cheaper than zc by the first are marked. --json has\n"
"all: throughput, user and system time, softirqs, context switches, latencies, samples.\n"
"\n"
"  --size A,B         bytes to send (default 256M, or what the file has; K, M, G, T)\n"
"  --request A,B      bytes that the receiver asks for, and waits for, before it asks for\n"
"                     more; a multiple of 4K (default: all): the latency is that of these\n"
"  --connections A,B  connections at once, each of which sends its part of the bytes\n"
"  --per-call N       sendfile and zc: at most N bytes by one call (default: all)\n"
"  --paths A,B        some paths only (default: all)\n"
"  --cache S          cold, hot or both (default both): what is in the page cache\n"
"                     before each run\n"
"  --neighbour N      another process has N bytes of another file in the page cache: say\n"
"                     how much of that each path evicts. Takes memory that is short\n"
"  --neighbour-reads N  how often it reads them before each run (default 2): the kernel\n"
"                     rather keeps what was read more than once\n"
"  --neighbour-dir D  where that file is made for the time (default: where FILE is, or\n"
"                     /var/tmp if that is a device)\n"
"  --wide             throughput, kinds of CPU time, context switches and latencies, too\n"
BENCH_METHOD_HELP
"\n"
"paths: rw-4k rw-32k rw-1m rw-dontcache (by 32 KiB) mmap-write sendfile splice (a pipe of\n"
"       1 MiB) io_uring-send odirect-write odirect-msg_zerocopy io_uring-zc (READ_FIXED\n"
"       and SEND_ZC) zc-direct zc-cached zc-auto zc-buffer\n"
"\n"
"With HOST:PORT the CPU time is that of the sender alone, and a request is answered when\n"
"all of it is acknowledged, which is seen to some 50 us. The receiver there:\n"
"  zcctl recv PORT --discard --serve\n"
"\n"
"examples:\n"
"  zcctl bench io /var/tmp/big --cache cold\n"
"  zcctl bench io /dev/nvme0n1 --size 1G --paths sendfile,zc-direct --json\n"
"  zcctl bench io /var/tmp/big --request 64K,1M --connections 1,16 --wide\n"
"  zcctl bench io /var/tmp/big otherhost:4000 --paths sendfile,zc-auto\n";

static int check_paths(const struct io_bench *b)
{
	struct bench_names names = { .list = b->paths };
	unsigned int i;

	for (i = 0; i < bench_nr_paths; i++)
		bench_names_add(&names, bench_paths[i].name);
	return bench_names_check(&names, "bench io: --paths");
}

/* What comes from memory is the same in any state of the cache: BENCH_NONE. */
static bool wanted(const struct io_bench *b, const struct bench_transfer *t)
{
	switch (t->cache) {
	case BENCH_COLD:
		return b->cache.cold && !t->path->memory;
	case BENCH_HOT:
		return b->cache.hot && !t->path->memory;
	default:
		return t->path->memory;
	}
}

/* One of each path, and of each state of the cache that it knows. */
static void add_paths(struct io_bench *b, const struct bench_transfer *like)
{
	struct bench_transfer t = *like;
	unsigned int i;
	int cache;

	for (i = 0; i < bench_nr_paths; i++) {
		if (!bench_listed(b->paths, bench_paths[i].name))
			continue;
		t.path = &bench_paths[i];
		for (cache = BENCH_COLD; cache <= BENCH_NONE; cache++) {
			t.cache = cache;
			if (wanted(b, &t))
				b->rows[b->nr++].t = t;
		}
	}
}

/* All sizes with all requests and all numbers of connections. */
static int add_rows(struct io_bench *b)
{
	struct bench_transfer t = {
		.file = b->file,
		.per_call = b->per_call,
		.peer = b->peer.host ? &b->peer : NULL,
		.neighbour = b->neighbour,
	};
	unsigned int combinations = b->size.nr * b->request.nr * b->lanes.nr, i;

	b->rows = calloc(2 * bench_nr_paths * combinations, sizeof(*b->rows));
	if (!b->rows)
		return out_error(EX_FAILED, ENOMEM, NULL, "bench");
	for (i = 0; i < combinations; i++) {
		t.size = b->size.at[i / b->lanes.nr / b->request.nr];
		t.request = b->request.at[i / b->lanes.nr % b->request.nr];
		t.lanes = b->lanes.at[i % b->lanes.nr];
		if (!bench_transfer_share(t.size, t.request, t.lanes))
			return out_usage("bench io: %llu bytes are too few for %u connections",
					 (unsigned long long)t.size, t.lanes);
		add_paths(b, &t);
	}
	return EX_OK;
}

/* Enough for each connection to have something to do. */
static uint64_t warm_up_size(const struct bench_transfer *t)
{
	uint64_t least = t->lanes * (t->request ? t->request : BENCH_CHUNK);

	if (least < WARM_UP_SIZE)
		least = WARM_UP_SIZE;
	return t->size < least || !bench_transfer_share(least, t->request, t->lanes) ?
	       t->size : least;
}

/* All paths in turn, so that a drift of the machine hits all alike. */
static void measure(struct io_bench *b)
{
	unsigned int i, total = (bench_method.repeat + 1) * b->nr;
	int round;

	for (round = 0; round <= bench_method.repeat; round++) {
		for (i = 0; i < b->nr; i++) {
			struct io_row *row = &b->rows[i];
			struct bench_transfer t = row->t;

			out_progress(t.path->name, round * b->nr + i, total);
			if (row->last.err)
				continue;
			if (!round) {
				t.size = warm_up_size(&t);
				t.neighbour = NULL;
			}
			bench_transfer_run(&t, &row->last);
			if (round && !row->last.err)
				io_figures_add(row);
		}
	}
	out_progress_end();
}

/*
 * Rows of zc are not tried where the device cannot be opened; what can be measured
 * is, all the same. Returns an exit code if nothing can.
 */
static int check_device(struct io_bench *b)
{
	struct zc_context *ctx;
	bool others = false;
	unsigned int i;
	int err = zc_open(&ctx);

	zc_close(ctx);
	for (i = 0; i < b->nr; i++) {
		if (b->rows[i].t.path->zc)
			b->rows[i].last.err = err;
		else
			others = true;
	}
	return err && !others ? device_open(&ctx) : EX_OK;
}

/* Did all fail in the same way? */
static bool all_alike(const struct io_bench *b)
{
	unsigned int i;

	for (i = 0; i < b->nr; i++)
		if (!b->rows[i].last.err || b->rows[i].last.err != b->rows[0].last.err)
			return false;
	return true;
}

static int verdict(const struct io_bench *b)
{
	struct bench_tally tally = {};
	unsigned int i;

	for (i = 0; i < b->nr; i++)
		bench_tally_row(&tally, b->rows[i].t.path->zc,
				b->rows[i].last.err ? io_why_not(&b->rows[i]) : NULL);
	return bench_tally_verdict(&tally, b->paths);
}

/* Sizes that were asked for must be there. */
static int check_sizes(struct io_bench *b)
{
	char want[32], has[32];
	unsigned int i;

	if (!b->size.nr) {
		b->size.at[b->size.nr++] = b->end < SIZE ? b->end : SIZE;
		return EX_OK;
	}
	for (i = 0; i < b->size.nr; i++)
		if (b->size.at[i] > b->end)
			return out_error(EX_FAILED, 0, NULL, "%s has %s, and not the %s of --size",
					 b->file, out_bytes(b->end, has, sizeof(has)),
					 out_bytes(b->size.at[i], want, sizeof(want)));
	return EX_OK;
}

/* Where the neighbour's file goes; the caller's to free. */
static char *neighbour_dir(const struct io_bench *b)
{
	struct stat st;
	char *path, *dir;

	if (b->dir)
		return strdup(b->dir);
	if (stat(b->file, &st) || !S_ISREG(st.st_mode))
		return strdup("/var/tmp");
	path = strdup(b->file);
	dir = path ? strdup(dirname(path)) : NULL;
	free(path);
	return dir;
}

static int start_neighbour(struct io_bench *b)
{
	char *dir = b->own ? neighbour_dir(b) : NULL;
	int err;

	if (!b->own)
		return EX_OK;
	if (!dir)
		return out_error(EX_FAILED, ENOMEM, NULL, "bench");
	out_waiting("making the neighbour's file…");
	err = bench_neighbour_begin(dir, b->own, b->reads, &b->neighbour);
	out_progress_end();
	if (err == -EMEDIUMTYPE)
		out_error(EX_FAILED, 0, "--neighbour-dir takes a folder on a disk",
			  "files in %s are memory, which has nothing to be evicted", dir);
	else if (err)
		out_error(err == -EACCES ? EX_PERMISSION : EX_FAILED, -err,
			  "--neighbour-dir takes another folder",
			  "cannot make the neighbour's file in %s", dir);
	free(dir);
	return err == -EACCES ? EX_PERMISSION : err ? EX_FAILED : EX_OK;
}

static int measure_and_show(struct io_bench *b)
{
	int ret = check_device(b);

	if (ret)
		return ret;
	measure(b);
	if (out_json || !all_alike(b))
		io_show(b);
	return verdict(b);
}

/* Is anybody there, and what is on the way? */
static int look_at_peer(const struct io_bench *b)
{
	int sock = b->peer.host ? net_connect(&b->peer) : -1;

	if (sock < 0)
		return b->peer.host ? EX_FAILED : EX_OK;
	bench_environment_nic(sock);
	close(sock);
	return EX_OK;
}

static int run(struct io_bench *b)
{
	int fd, ret = check_paths(b);

	b->end = UINT64_MAX;
	if (!ret)
		ret = file_open_some(b->file, &fd, &b->end);
	if (ret)
		return ret;
	ret = check_sizes(b);
	if (!ret)
		ret = look_at_peer(b);
	if (!ret)
		ret = start_neighbour(b);
	if (!ret)
		ret = add_rows(b);
	if (!ret)
		ret = measure_and_show(b);
	bench_neighbour_end(b->neighbour);
	/* Open until now: a block device that nobody has open loses its page cache. */
	close(fd);
	return ret;
}

static int parse_peer(struct net_peer *peer, const char *text)
{
	char *host = NULL, *port = NULL;
	bool good = parse_host_port(text, &host, &port);

	*peer = (struct net_peer){
		.host = host,
		.port = port,
		.timeout = CONNECT_TIMEOUT,
		.refused = "start a receiver there: zcctl recv PORT --discard --serve",
	};
	return good ? EX_OK : out_usage("bench io: '%s' is not HOST:PORT", text);
}

int bench_io(int argc, char **argv)
{
	struct io_bench b = {
		.request = { .nr = 1 },
		.lanes = { .at = { 1 }, .nr = 1 },
		.cache = { true, true },
	};
	const struct bench_option options[] = {
		{ "size", BENCH_SIZES, &b.size, 0, 0 },
		{ "request", BENCH_SIZES, &b.request, 0, BENCH_BLOCK },
		{ "connections", BENCH_NUMBERS, &b.lanes, LANES_MAX, 0 },
		{ "per-call", BENCH_SIZE, &b.per_call, 0, 0 },
		{ "paths", BENCH_TEXT, &b.paths, 0, 0 },
		{ "cache", BENCH_STATES, &b.cache, 0, 0 },
		{ "neighbour", BENCH_SIZE, &b.own, 0, 1 << 20 },
		{ "neighbour-reads", BENCH_NUMBER, &b.reads, READS_MAX, 0 },
		{ "neighbour-dir", BENCH_TEXT, &b.dir, 0, 0 },
		{ "wide", BENCH_FLAG, &b.wide, 0, 0 },
		{ },
	};
	int ret = bench_options("bench io", io_help, options, argc, argv);

	if (ret != BENCH_OPTION_TAKEN)
		return ret;
	if (argc != optind + 1 && argc != optind + 2)
		return out_usage("bench io: one file or block device, please, and maybe HOST:PORT");
	if ((b.reads || b.dir) && !b.own)
		return out_usage("bench io: --neighbour-reads and -dir take --neighbour");
	b.reads = b.reads ?: READS;
	b.file = argv[optind];
	ret = argc == optind + 2 ? parse_peer(&b.peer, argv[optind + 1]) : EX_OK;
	ret = ret ?: bench_method_begin() ?: run(&b);
	free(b.rows);
	free((char *)b.peer.host);
	free((char *)b.peer.port);
	return ret;
}
