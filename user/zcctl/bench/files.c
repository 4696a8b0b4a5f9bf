// SPDX-License-Identifier: GPL-2.0-only
/* zcctl bench files: many files of one size, one system call for each. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "bench.h"

#define FILES_BYTES	(16ull << 20)	/* of all files of a size, if these are … */
#define FILES_MIN	256
#define FILES_MAX	1024
#define NR(array)	(sizeof(array) / sizeof(*(array)))

static const char files_help[] =
"usage: zcctl bench files DIR [OPTION…]\n"
"\n"
"Make files of each size in DIR, 16 MiB of them but 256 to 1024 files, and send\n"
"them one after the other over one TCP connection on the loopback, a system call\n"
"for each. Shows the CPU time of sender and receiver together. The files are open\n"
"before, and go away afterwards; the receiver throws the bytes away.\n"
"\n"
"  --sizes A,B   sizes of the files (default 1K,4K,16K,64K,256K)\n"
"  --paths A,B   some paths only (default: all)\n"
"  --cache S     cold, hot or both (default both): what is in the page cache\n"
"                before each run. Of cold files the metadata is in memory still\n"
"  --requests    the receiver asks for each file by a byte, and waits for it, as the\n"
"                client of a server does; else they come as fast as they may\n"
BENCH_METHOD_HELP
"\n"
"paths: rw sendfile zc-direct zc-cached zc-auto\n"
"\n"
"examples:\n"
"  zcctl bench files /var/tmp\n"
"  zcctl bench files /mnt --sizes 4K,64K --paths sendfile,zc-auto --cache hot\n";

/**
 * struct how - a way to send a file
 * @name:  as in the report
 * @zc:    needs the module
 * @flags: ZC_SEND_* flags
 * @send:  sends the file, from its beginning; 0 or a negative errno
 */
struct how {
	const char *name;
	bool zc;
	uint32_t flags;
	int (*send)(struct bench_run *run, uint32_t flags);
};

/**
 * struct set - files of a size
 * @size: of each, bytes
 * @nr:   how many
 * @fds:  descriptors
 */
struct set {
	uint64_t size;
	unsigned int nr;
	int *fds;
};

/**
 * struct row - a line of the report
 * @how:   way
 * @cache: page cache before each run
 * @size:  of the files
 * @nr:    how many
 * @runs:  what those counted cost
 * @call_ns: their cheapest call
 * @last:  the last result; its error is the row's
 */
struct row {
	const struct how *how;
	enum bench_cache cache;
	uint64_t size;
	unsigned int nr;
	struct bench_runs runs;
	uint64_t call_ns;
	struct bench_result last;
};

struct bench {
	const char *dir;
	struct bench_list sizes;
	const char *paths;
	struct bench_states cache;
	bool requests;
	struct row *rows;
	unsigned int nr;
};

/* What a sender is given. */
struct job {
	const struct how *how;
	const struct set *set;
	bool requests;
};

static int rw_send(struct bench_run *run, uint32_t flags)
{
	static char buf[32 << 10];
	uint64_t off = 0;

	(void)flags;
	while (off < run->size) {
		ssize_t n = pread(run->file, buf, sizeof(buf), off);
		int err;

		run->syscalls++;
		if (n <= 0)
			return n ? -errno : -ENODATA;
		err = bench_send_all(run, buf, n);
		if (err)
			return err;
		off += n;
		run->copied += 2 * n;
	}
	return 0;
}

static int sendfile_send(struct bench_run *run, uint32_t flags)
{
	off_t off = 0;

	(void)flags;
	while ((uint64_t)off < run->size) {
		ssize_t n = sendfile(run->sock, run->file, &off, run->size - off);

		run->syscalls++;
		if (n <= 0)
			return n ? -errno : -ENODATA;
	}
	return 0;
}

static int zc_send(struct bench_run *run, uint32_t flags)
{
	struct zc_sendfile arg = {
		.in_fd = run->file,
		.out_fd = run->sock,
		.len = run->size,
		.flags = flags,
	};
	int err = zc_sendfile_all(run->zc, &arg);

	run->syscalls++;
	run->copied += arg.copied;
	return !err && arg.sent < run->size ? -ENODATA : err;
}

static const struct how hows[] = {
	{ "rw", false, 0, rw_send },
	{ "sendfile", false, 0, sendfile_send },
	{ "zc-direct", true, ZC_SEND_DIRECT, zc_send },
	{ "zc-cached", true, ZC_SEND_CACHED, zc_send },
	{ "zc-auto", true, 0, zc_send },
};

static void send_set(struct bench_lane *lane, const void *arg)
{
	const struct job *job = arg;
	struct bench_report *rep = lane->rep;
	struct bench_run run = { .sock = lane->sock, .size = job->set->size };
	unsigned int i;
	uint64_t call;

	rep->err = bench_no_delay(lane->sock);
	if (job->how->zc && !rep->err)
		rep->err = zc_open(&run.zc);
	if (rep->err)
		return;
	bench_lane_ready(lane);
	bench_lane_begin(lane);
	for (i = 0; i < job->set->nr && !rep->err; i++) {
		run.file = job->set->fds[i];
		if (job->requests)
			rep->err = bench_lane_asked(lane);
		call = now_ns();
		if (!rep->err)
			rep->err = job->how->send(&run, job->how->flags);
		call = now_ns() - call;
		if (!rep->call_ns || call < rep->call_ns)
			rep->call_ns = call;
	}
	bench_lane_end(lane);
	rep->syscalls = run.syscalls;
	rep->copied = run.copied;
}

static int set_resident(const struct set *set, uint64_t *bytes)
{
	unsigned int i;
	uint64_t one;
	int err = 0;

	*bytes = 0;
	for (i = 0; i < set->nr && !err && *bytes != BENCH_UNKNOWN; i++) {
		err = bench_cache_resident(set->fds[i], set->size, &one);
		*bytes = one == BENCH_UNKNOWN ? one : *bytes + one;
	}
	return err;
}

/* One by one, and again, only those that did not go at once. */
static int set_drop(const struct set *set)
{
	unsigned int i;
	uint64_t left;
	int err = 0;

	for (i = 0; i < set->nr && !err; i++)
		err = -posix_fadvise(set->fds[i], 0, 0, POSIX_FADV_DONTNEED);
	for (i = 0; i < set->nr && !err; i++) {
		err = bench_cache_resident(set->fds[i], set->size, &left);
		if (!err && left)
			err = bench_cache_drop(set->fds[i], set->size);
	}
	return err;
}

/* Until it is seen to be so; @bytes is what the page cache has then. */
static int set_prepare(const struct set *set, enum bench_cache cache, uint64_t *bytes)
{
	unsigned int i;
	int err = 0;

	*bytes = 0;
	if (cache == BENCH_COLD)
		return set_drop(set);
	for (i = 0; i < set->nr && !err; i++)
		err = bench_cache_fill(set->fds[i], set->size);
	return err ? err : set_resident(set, bytes);
}

static void run_row(const struct bench *b, struct row *row, const struct set *set,
		    bool counted)
{
	const struct job job = { row->how, set, b->requests };
	const struct bench_pair pair = {
		.sender = send_set,
		.arg = &job,
		.bytes = set->nr * set->size,
		.request = b->requests ? set->size : 0,
	};
	uint64_t before = 0, after = 0;
	int err;

	memset(&row->last, 0, sizeof(row->last));
	err = set_prepare(set, row->cache, &before);
	if (!err) {
		bench_run_pair(&pair, &row->last);
		err = set_resident(set, &after);
	}
	if (!row->last.err)
		row->last.err = err;
	row->last.cache_bytes = bench_cache_growth(before, after);
	if (!counted || row->last.err)
		return;
	bench_runs_add(&row->runs, row->last.usage.cpu_ns);
	if (!row->call_ns || row->last.call_ns < row->call_ns)
		row->call_ns = row->last.call_ns;
}

static int make_file(int dir, uint64_t size)
{
	char block[4096];
	uint64_t done = 0;
	int fd = bench_file_at(dir);

	if (fd < 0)
		return fd;
	memset(block, 'z', sizeof(block));
	while (done < size) {
		uint64_t left = size - done;
		ssize_t n = write(fd, block,
				  left < sizeof(block) ? left : sizeof(block));

		if (n < 0) {
			int err = -errno;

			close(fd);
			return err;
		}
		done += n;
	}
	return fd;
}

static void set_free(struct set *set)
{
	while (set->nr)
		close(set->fds[--set->nr]);
	free(set->fds);
}

/* Has it room, and a tenth more, for others? */
static bool has_room(int dir, uint64_t nr, uint64_t size)
{
	struct statvfs st;

	return fstatvfs(dir, &st) || size / 10 * 11 <= st.f_bavail * st.f_frsize / nr;
}

static int set_make(struct set *set, int dir, uint64_t size)
{
	uint64_t want = FILES_BYTES / size;
	int fd = 0;

	want = want < FILES_MIN ? FILES_MIN : want;
	want = want > FILES_MAX ? FILES_MAX : want;
	if (!has_room(dir, want, size))
		return -ENOSPC;
	*set = (struct set){ .size = size, .fds = calloc(want, sizeof(int)) };
	if (!set->fds)
		return -ENOMEM;
	while (set->nr < want) {
		fd = make_file(dir, size);
		if (fd < 0)
			break;
		set->fds[set->nr++] = fd;
	}
	if (fd >= 0 && syncfs(dir))
		fd = -errno;
	if (fd < 0)
		set_free(set);
	return fd < 0 ? fd : 0;
}

/* The ways in turn, so that a drift of the machine hits all alike. */
static void measure_set(struct bench *b, const struct set *set, struct row *rows,
			unsigned int nr)
{
	unsigned int i, total = (bench_method.repeat + 1) * nr;
	int round;

	for (round = 0; round <= bench_method.repeat; round++) {
		for (i = 0; i < nr; i++) {
			out_progress(rows[i].how->name, round * nr + i, total);
			rows[i].nr = set->nr;
			if (!rows[i].last.err)
				run_row(b, &rows[i], set, round);
		}
	}
	out_progress_end();
}

static int measure(struct bench *b, int dir)
{
	unsigned int i, per_size = b->nr / b->sizes.nr;

	for (i = 0; i < b->sizes.nr; i++) {
		struct set set;
		int err = set_make(&set, dir, b->sizes.at[i]);

		if (err)
			return out_error(EX_FAILED, -err, NULL,
					 "cannot make files in %s", b->dir);
		measure_set(b, &set, b->rows + i * per_size, per_size);
		set_free(&set);
	}
	return EX_OK;
}

static int add_rows(struct bench *b)
{
	struct bench_names names = { .list = b->paths };
	unsigned int i;
	size_t how;

	b->rows = calloc(b->sizes.nr * NR(hows) * 2, sizeof(*b->rows));
	if (!b->rows)
		return out_error(EX_FAILED, ENOMEM, NULL, "bench");
	for (how = 0; how < NR(hows); how++)
		bench_names_add(&names, hows[how].name);
	for (i = 0; i < b->sizes.nr; i++) {
		for (how = 0; how < NR(hows); how++) {
			struct row row = { .how = &hows[how], .size = b->sizes.at[i] };

			if (!bench_listed(b->paths, hows[how].name))
				continue;
			row.cache = BENCH_COLD;
			if (b->cache.cold)
				b->rows[b->nr++] = row;
			row.cache = BENCH_HOT;
			if (b->cache.hot)
				b->rows[b->nr++] = row;
		}
	}
	return bench_names_check(&names, "bench files: --paths");
}

static const char *why_not(const struct row *row)
{
	return bench_why_not(row->how->zc, row->last.err);
}

static void show_json(struct bench *b)
{
	struct json_object *rows = json_object_new_array();
	unsigned int i;

	for (i = 0; i < b->nr; i++) {
		struct row *row = &b->rows[i];
		uint64_t bytes = row->nr * row->size;
		struct json_object *obj = bench_row("files", row->how->name,
						    row->cache, bytes);

		out_add_u64(obj, "file_bytes", row->size);
		out_add_u64(obj, "files", row->nr);
		json_object_object_add(obj, "requests", json_object_new_boolean(b->requests));
		if (row->last.err) {
			out_add_str(obj, "error", why_not(row));
		} else {
			bench_row_cost(obj, &row->runs, bytes);
			bench_row_spread(obj, bench_runs_spread(&row->runs), row->runs.nr);
			bench_row_copied(obj, row->last.copied);
			out_add_u64(obj, "call_ns_least", row->call_ns);
			out_add_u64(obj, "syscalls", row->last.syscalls);
			bench_row_cached(obj, row->last.cache_bytes);
		}
		json_object_array_add(rows, obj);
	}
	bench_rows_show(rows);
}

/* What sendfile costs for the same, or 0. */
static uint64_t sendfile_cost(struct bench *b, const struct row *as)
{
	unsigned int i;

	for (i = 0; i < b->nr; i++) {
		struct row *row = &b->rows[i];

		if (row->how->send == sendfile_send && row->size == as->size &&
		    row->cache == as->cache && !row->last.err)
			return bench_runs_median(&row->runs);
	}
	return 0;
}

static void row_text(struct bench *b, struct row *row)
{
	uint64_t cost, base = sendfile_cost(b, row);
	char size[32], copied[32], ratio[32] = "-";

	printf("%9s %5u  %-10s %-5s ", out_bytes(row->size, size, sizeof(size)),
	       row->nr, row->how->name, bench_cache_name(row->cache));
	if (row->last.err) {
		printf("not measured: %s\n", why_not(row));
		return;
	}
	cost = bench_runs_median(&row->runs);
	if (base)
		snprintf(ratio, sizeof(ratio), "%.2f%s", (double)cost / base,
			 row->how->zc && cost > base ? " sendfile beats it" : "");
	printf("%12.2f %7s %9s  %s%s\n", cost / 1000.0 / row->nr,
	       bench_spread_text(bench_runs_spread(&row->runs)),
	       out_bytes(row->last.copied, copied, sizeof(copied)), ratio,
	       bench_noisy_text(bench_runs_spread(&row->runs)));
}

static int report(struct bench *b)
{
	struct bench_tally tally = {};
	unsigned int i;

	if (out_json) {
		show_json(b);
	} else {
		printf("%9s %5s  %-10s %-5s %12s %7s %9s  %s\n", "size", "files",
		       "path", "cache", bench_method.icount ? "kinsn/file" : "CPU us/file",
		       "spread", "copied", "of sendfile");
		for (i = 0; i < b->nr; i++)
			row_text(b, &b->rows[i]);
	}
	for (i = 0; i < b->nr; i++)
		bench_tally_row(&tally, b->rows[i].how->zc,
				b->rows[i].last.err ? why_not(&b->rows[i]) : NULL);
	return bench_tally_verdict(&tally, b->paths);
}

static int run(struct bench *b)
{
	int dir, ret = add_rows(b);

	if (ret)
		return ret;
	dir = open(b->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return out_error(EX_FAILED, errno, NULL, "cannot open %s", b->dir);
	ret = -bench_need_files(FILES_MAX + 64);
	if (ret)
		ret = out_error(EX_FAILED, ret, "raise ulimit -n",
				"cannot have %d files open", FILES_MAX);
	if (!ret)
		ret = measure(b, dir);
	close(dir);
	return ret ? ret : report(b);
}

int bench_files(int argc, char **argv)
{
	struct bench b = {
		.sizes = { .at = { 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10 }, .nr = 5 },
		.cache = { true, true },
	};
	const struct bench_option options[] = {
		{ "sizes", BENCH_SIZES, &b.sizes, 0, 0 },
		{ "paths", BENCH_TEXT, &b.paths, 0, 0 },
		{ "cache", BENCH_STATES, &b.cache, 0, 0 },
		{ "requests", BENCH_FLAG, &b.requests, 0, 0 },
		{ },
	};
	int ret = bench_options("bench files", files_help, options, argc, argv);

	if (ret != BENCH_OPTION_TAKEN)
		return ret;
	if (argc != optind + 1)
		return out_usage("bench files: one directory, please");
	b.dir = argv[optind];
	ret = bench_method_begin() ?: run(&b);
	free(b.rows);
	return ret;
}
