// SPDX-License-Identifier: GPL-2.0-only
/* The ways to send a file that zc is measured beside, and zc. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

#define SPLICE_PIPE	(1u << 20)

/* In the kernel since 6.14 */
#ifndef RWF_DONTCACHE
#define RWF_DONTCACHE	0x80
#endif

int bench_send_all(struct bench_run *run, const char *buf, size_t len)
{
	while (len) {
		ssize_t n = write(run->sock, buf, len);

		run->syscalls++;
		if (n < 0)
			return -errno;
		buf += n;
		len -= n;
	}
	return 0;
}

/* Hugepages if the system has some free, else what THP makes of it. */
void *bench_huge_alloc(size_t size)
{
	const size_t align = 2ul << 20;
	char *p;

	p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (p == MAP_FAILED) {
		p = mmap(NULL, size + align, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			return NULL;
		p += -(uintptr_t)p & (align - 1);
		madvise(p, size, MADV_HUGEPAGE);
	}
	memset(p, 1, size);
	return p;
}

/* What to read directly where @left bytes are wanted: whole blocks, at most a chunk. */
size_t bench_direct_size(uint64_t left)
{
	const size_t block = 4096;

	return left < BENCH_CHUNK ? (left + block - 1) & ~(block - 1) : BENCH_CHUNK;
}

typedef ssize_t read_fn(int fd, char *buf, size_t len);

static ssize_t read_plain(int fd, char *buf, size_t len)
{
	return read(fd, buf, len);
}

/* Read @fd to the end of the size, write() it; each byte is copied @copies times. */
static int copy_loop(struct bench_run *run, int fd, read_fn *get, size_t chunk,
		     unsigned int copies)
{
	uint64_t left = run->size;
	char *buf = run->priv;
	int err;

	while (left) {
		size_t want = left < chunk ? left : chunk;
		ssize_t n = get(fd, buf, fd == run->direct ?
				bench_direct_size(left) : want);

		run->syscalls++;
		if (n <= 0)
			return n ? -errno : -ENODATA;
		if ((size_t)n > want)
			n = want;
		err = bench_send_all(run, buf, n);
		if (err)
			return err;
		left -= n;
	}
	run->copied += copies * run->size;
	return 0;
}

/* Page-aligned memory of ordinary pages. */
static int rw_setup(struct bench_run *run)
{
	run->priv = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	return run->priv == MAP_FAILED ? -errno : 0;
}

static int rw_4k_run(struct bench_run *run)
{
	return copy_loop(run, run->file, read_plain, 4 << 10, 2);
}

static int rw_32k_run(struct bench_run *run)
{
	return copy_loop(run, run->file, read_plain, 32 << 10, 2);
}

static int rw_1m_run(struct bench_run *run)
{
	return copy_loop(run, run->file, read_plain, 1 << 20, 2);
}

static int mmap_write_run(struct bench_run *run)
{
	char *map = mmap(NULL, run->size, PROT_READ, MAP_SHARED, run->file, run->offset);
	int err;

	run->syscalls++;
	if (map == MAP_FAILED)
		return -errno;
	err = bench_send_all(run, map, run->size);
	munmap(map, run->size);
	run->syscalls++;
	run->copied += run->size;
	/* What is not mapped is behind the end of the file. */
	return err == -EFAULT ? -ENODATA : err;
}

/* What the next call should send. */
static size_t call_size(const struct bench_run *run, uint64_t left)
{
	return run->per_call && run->per_call < left ? run->per_call : left;
}

static int sendfile_run(struct bench_run *run)
{
	uint64_t left = run->size;

	while (left) {
		ssize_t n = sendfile(run->sock, run->file, NULL,
				     call_size(run, left));

		run->syscalls++;
		if (n <= 0)
			return n ? -errno : -ENODATA;
		left -= n;
	}
	return 0;
}

/*
 * From the file into a pipe, from there into the socket: references to pages of the page
 * cache, which the CPU does not read.
 */
static int splice_setup(struct bench_run *run)
{
	static int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	/* 1 MiB is what everyone may have by default; else it is smaller. */
	fcntl(fds[0], F_SETPIPE_SZ, SPLICE_PIPE);
	run->priv = fds;
	return 0;
}

static int splice_out(struct bench_run *run, int from, size_t len, unsigned int flags)
{
	while (len) {
		ssize_t n = splice(from, NULL, run->sock, NULL, len, flags);

		run->syscalls++;
		if (n <= 0)
			return n ? -errno : -EPIPE;
		len -= n;
	}
	return 0;
}

static int splice_run(struct bench_run *run)
{
	uint64_t left = run->size;
	const int *fds = run->priv;
	int err;

	while (left) {
		ssize_t n = splice(run->file, NULL, fds[1], NULL,
				   left < SPLICE_PIPE ? left : SPLICE_PIPE, SPLICE_F_MOVE);

		run->syscalls++;
		if (n <= 0)
			return n ? -errno : -ENODATA;
		left -= n;
		err = splice_out(run, fds[0], n, SPLICE_F_MOVE | (left ? SPLICE_F_MORE : 0));
		if (err)
			return err;
	}
	return 0;
}

static ssize_t read_dontcache(int fd, char *buf, size_t len)
{
	const struct iovec iov = { .iov_base = buf, .iov_len = len };

	return preadv2(fd, &iov, 1, -1, RWF_DONTCACHE);
}

/* As rw-32k, but what was read does not stay in the page cache. */
static int rw_dontcache_run(struct bench_run *run)
{
	return copy_loop(run, run->file, read_dontcache, 32 << 10, 2);
}

static int odirect_setup(struct bench_run *run)
{
	if (run->direct < 0)
		return -EOPNOTSUPP;
	run->priv = bench_huge_alloc(BENCH_CHUNK);
	return run->priv ? 0 : -ENOMEM;
}

static int odirect_write_run(struct bench_run *run)
{
	return copy_loop(run, run->direct, read_plain, BENCH_CHUNK, 1);
}

static int zc_run(struct bench_run *run, uint32_t flags)
{
	uint64_t done = 0;
	int err;

	while (done < run->size) {
		struct zc_sendfile arg = {
			.in_fd = run->file,
			.out_fd = run->sock,
			.offset = run->offset + done,
			.len = call_size(run, run->size - done),
			.flags = flags,
		};

		err = zc_sendfile_all(run->zc, &arg);
		run->syscalls++;
		run->copied += arg.copied;
		done += arg.sent;
		if (err)
			return err;
		if (arg.sent < arg.len)
			return -ENODATA;
	}
	return 0;
}

static int zc_direct_run(struct bench_run *run)
{
	return zc_run(run, ZC_SEND_DIRECT);
}

static int zc_cached_run(struct bench_run *run)
{
	return zc_run(run, ZC_SEND_CACHED);
}

static int zc_auto_run(struct bench_run *run)
{
	return zc_run(run, 0);
}

/* The file in a sealed buffer, as a server would have it. */
static int zc_buffer_setup(struct bench_run *run)
{
	struct zc_buffer *buf;
	uint64_t done = 0;
	int err = zc_buffer_new(run->zc, run->total, 0, ZC_NODE_ANY, &buf);

	if (err)
		return err;
	while (done < run->total) {
		ssize_t n = pread(run->direct < 0 ? run->file : run->direct,
				  (char *)zc_buffer_data(buf) + done,
				  zc_buffer_size(buf) - done, run->begin + done);

		if (n <= 0)
			return n ? -errno : -ENODATA;
		done += n;
	}
	run->priv = buf;
	return zc_buffer_seal(buf);
}

static int zc_buffer_run(struct bench_run *run)
{
	struct zc_send arg = {
		.out_fd = run->sock,
		.offset = run->offset - run->begin,
		.len = run->size,
	};
	int64_t n = zc_buffer_send(run->priv, &arg);

	run->syscalls++;
	run->copied += arg.copied;
	if (n < 0)
		return n;
	return arg.sent < run->size ? -ENODATA : 0;
}

static const char no_direct[] = "this file has no direct reads";

const struct bench_path bench_paths[] = {
	{ .name = "rw-4k", .setup = rw_setup, .run = rw_4k_run },
	{ .name = "rw-32k", .setup = rw_setup, .run = rw_32k_run },
	{ .name = "rw-1m", .setup = rw_setup, .run = rw_1m_run },
	{ .name = "mmap-write", .run = mmap_write_run },
	{ .name = "sendfile", .run = sendfile_run },
	{ .name = "splice", .setup = splice_setup, .run = splice_run },
	{
		.name = "rw-dontcache",
		.missing = "the kernel, or this file system, has no RWF_DONTCACHE",
		.setup = rw_setup,
		.run = rw_dontcache_run,
	},
	{
		.name = "io_uring-send",
		.setup = bench_uring_send_setup,
		.run = bench_uring_send_run,
	}, {
		.name = "odirect-write",
		.direct = true,
		.missing = no_direct,
		.setup = odirect_setup,
		.run = odirect_write_run,
	}, {
		.name = "odirect-msg_zerocopy",
		.direct = true,
		.missing = no_direct,
		.setup = bench_zerocopy_setup,
		.run = bench_zerocopy_run,
		.finish = bench_zerocopy_finish,
	}, {
		.name = "io_uring-zc",
		.direct = true,
		.missing = no_direct,
		.setup = bench_uring_setup,
		.run = bench_uring_run,
		.finish = bench_uring_finish,
	}, {
		.name = "zc-direct",
		.direct = true,
		.zc = true,
		.run = zc_direct_run,
	},
	{ .name = "zc-cached", .zc = true, .run = zc_cached_run },
	{ .name = "zc-auto", .zc = true, .run = zc_auto_run },
	{
		.name = "zc-buffer",
		.direct = true,
		.zc = true,
		.memory = true,
		.setup = zc_buffer_setup,
		.run = zc_buffer_run,
	},
};

const unsigned int bench_nr_paths = sizeof(bench_paths) / sizeof(*bench_paths);
