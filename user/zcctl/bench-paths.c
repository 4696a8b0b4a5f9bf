// SPDX-License-Identifier: GPL-2.0-only
/* The ways to send a file that zc is measured beside, and zc. */
#include <errno.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

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

/* read() @fd to the end of the size, write() it; each byte is copied @copies times. */
static int copy_loop(struct bench_run *run, int fd, char *buf, size_t chunk,
		     unsigned int copies)
{
	uint64_t left = run->size;
	int err;

	while (left) {
		ssize_t n = read(fd, buf, left < chunk ? left : chunk);

		run->syscalls++;
		if (n <= 0)
			return n ? -errno : -ENODATA;
		err = bench_send_all(run, buf, n);
		if (err)
			return err;
		left -= n;
	}
	run->copied = copies * run->size;
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
	return copy_loop(run, run->file, run->priv, 4 << 10, 2);
}

static int rw_32k_run(struct bench_run *run)
{
	return copy_loop(run, run->file, run->priv, 32 << 10, 2);
}

static int rw_1m_run(struct bench_run *run)
{
	return copy_loop(run, run->file, run->priv, 1 << 20, 2);
}

static int mmap_write_run(struct bench_run *run)
{
	char *map = mmap(NULL, run->size, PROT_READ, MAP_SHARED, run->file, 0);
	int err;

	run->syscalls++;
	if (map == MAP_FAILED)
		return -errno;
	err = bench_send_all(run, map, run->size);
	munmap(map, run->size);
	run->syscalls++;
	run->copied = run->size;
	return err;
}

static int sendfile_run(struct bench_run *run)
{
	uint64_t left = run->size;

	while (left) {
		ssize_t n = sendfile(run->sock, run->file, NULL, left);

		run->syscalls++;
		if (n <= 0)
			return n ? -errno : -ENODATA;
		left -= n;
	}
	run->copied = 0;
	return 0;
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
	return copy_loop(run, run->direct, run->priv, BENCH_CHUNK, 1);
}

static int zc_direct_run(struct bench_run *run)
{
	struct zc_sendfile arg = {
		.in_fd = run->file,
		.out_fd = run->sock,
		.len = run->size,
		.flags = ZC_SEND_DIRECT,
	};
	int err = zc_sendfile_all(run->zc, &arg);

	run->syscalls = 1;
	run->copied = arg.copied;
	if (!err && arg.sent < run->size)
		return -ENODATA;
	return err;
}

const struct bench_path bench_paths[] = {
	{ .name = "rw-4k", .setup = rw_setup, .run = rw_4k_run },
	{ .name = "rw-32k", .setup = rw_setup, .run = rw_32k_run },
	{ .name = "rw-1m", .setup = rw_setup, .run = rw_1m_run },
	{ .name = "mmap-write", .run = mmap_write_run },
	{ .name = "sendfile", .run = sendfile_run },
	{
		.name = "odirect-write",
		.direct = true,
		.setup = odirect_setup,
		.run = odirect_write_run,
	}, {
		.name = "odirect-msg_zerocopy",
		.direct = true,
		.setup = bench_zerocopy_setup,
		.run = bench_zerocopy_run,
	}, {
		.name = "io_uring-zc",
		.direct = true,
		.setup = bench_uring_setup,
		.run = bench_uring_run,
	}, {
		.name = "zc-direct",
		.direct = true,
		.zc = true,
		.run = zc_direct_run,
	},
};

const unsigned int bench_nr_paths = sizeof(bench_paths) / sizeof(*bench_paths);
