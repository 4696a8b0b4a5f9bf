// SPDX-License-Identifier: GPL-2.0-only
/* A file sent once by one of the paths, with the page cache as it is to be. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "neighbour.h"

/**
 * bench_transfer_share - what each connection sends of the file
 * @size:    bytes in all
 * @request: bytes of each request; 0: all of a connection
 * @lanes:   connections
 *
 * Returns: bytes of each but the last, which has the rest; 0 if there is nothing for it.
 */
uint64_t bench_transfer_share(uint64_t size, uint64_t request, unsigned int lanes)
{
	uint64_t unit = request ? request : BENCH_BLOCK, share;

	if (lanes == 1)
		return size;
	share = (size / lanes + unit - 1) / unit * unit;
	return share * (lanes - 1) < size ? share : 0;
}

static int open_source(const struct bench_transfer *t, struct bench_run *run)
{
	int err = t->path->zc ? zc_open(&run->zc) : 0;

	if (err)
		return err;
	run->direct = -1;
	run->file = open(t->file, O_RDONLY | O_CLOEXEC);
	if (run->file < 0)
		return -errno;
	if (t->path->direct)
		run->direct = open(t->file, O_RDONLY | O_DIRECT | O_CLOEXEC);
	return 0;
}

/* Setup may have read. */
static int rewind_source(const struct bench_run *run)
{
	if (lseek(run->file, run->begin, SEEK_SET) < 0)
		return -errno;
	return run->direct >= 0 && lseek(run->direct, run->begin, SEEK_SET) < 0 ? -errno : 0;
}

static int answer(struct bench_lane *lane, const struct bench_path *path,
		  struct bench_run *run)
{
	int err = path->run(run);

	run->offset += run->size;
	return err ? err : bench_lane_answered(lane);
}

/* What the first request waits for is not counted: it begins when all are ready. */
static int serve(struct bench_lane *lane, const struct bench_path *path,
		 struct bench_run *run)
{
	uint64_t end = lane->offset + lane->bytes;
	int err;

	bench_lane_ready(lane);
	err = lane->rep->err ?: bench_lane_asked(lane);
	if (err)
		return err;
	bench_lane_begin(lane);
	while (!err) {
		run->size = end - run->offset < lane->request ? end - run->offset : lane->request;
		err = answer(lane, path, run);
		if (err || run->offset == end)
			break;
		err = bench_lane_asked(lane);
	}
	if (!err && path->finish)
		err = path->finish(run);
	bench_lane_end(lane);
	return err;
}

static void send_path(struct bench_lane *lane, const void *arg)
{
	const struct bench_transfer *t = arg;
	struct bench_report *rep = lane->rep;
	struct bench_run run = {
		.sock = lane->sock,
		.begin = lane->offset,
		.total = lane->bytes,
		.offset = lane->offset,
		.per_call = t->per_call,
	};

	rep->err = open_source(t, &run);
	if (!rep->err && t->request)
		rep->err = bench_no_delay(lane->sock);
	if (!rep->err && t->path->setup)
		rep->err = t->path->setup(&run);
	if (!rep->err)
		rep->err = rewind_source(&run);
	if (rep->err)
		return;
	rep->err = bench_peer_error(lane->sock, serve(lane, t->path, &run));
	rep->syscalls = run.syscalls;
	rep->copied = run.copied;
}

static int prepare_cache(int fd, uint64_t size, enum bench_cache cache)
{
	if (cache == BENCH_HOT)
		return bench_cache_fill(fd, size);
	if (cache == BENCH_COLD)
		return bench_cache_drop(fd, size);
	return 0;
}

/* What the page cache has of it and of the neighbour's before; afterwards what it lost. */
static int prepare(const struct bench_transfer *t, int fd, uint64_t *resident)
{
	int err = prepare_cache(fd, t->size, t->cache);

	if (!err && t->neighbour)
		err = bench_neighbour_touch(t->neighbour);
	if (!err)
		err = bench_cache_resident(fd, t->size, resident);
	/* Both do not fit in memory: what was read first had to go. */
	if (!err && t->cache == BENCH_HOT && *resident < t->size)
		err = bench_cache_missing(fd, t->size);
	return err;
}

static int look_after(const struct bench_transfer *t, int fd, uint64_t before,
		      struct bench_result *res)
{
	uint64_t after;
	int err = bench_cache_resident(fd, t->size, &after);

	if (err)
		return err;
	res->cache_bytes = bench_cache_growth(before, after);
	return t->neighbour ? bench_neighbour_look(t->neighbour, res) : 0;
}

/* Returns with all of it in *@res. */
void bench_transfer_run(const struct bench_transfer *t, struct bench_result *res)
{
	const struct bench_pair pair = {
		.sender = send_path,
		.arg = t,
		.bytes = t->size,
		.lanes = t->lanes,
		.share = bench_transfer_share(t->size, t->request, t->lanes),
		.request = t->request ? t->request : t->size,
		.timed = true,
		.peer = t->peer,
	};
	int fd = open(t->file, O_RDONLY | O_CLOEXEC);
	uint64_t before;

	memset(res, 0, sizeof(*res));
	if (fd < 0) {
		res->err = -errno;
		return;
	}
	res->err = prepare(t, fd, &before);
	if (!res->err)
		bench_run_pair(&pair, res);
	if (!res->err)
		res->err = look_after(t, fd, before, res);
	close(fd);
}
