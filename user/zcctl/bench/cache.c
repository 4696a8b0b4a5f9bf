// SPDX-License-Identifier: GPL-2.0-only
/* The page cache of the source of a benchmark. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

#define DROP_NS	3000000000ull
#define FAR	(1ull << 30)

static uint64_t file_end(int fd, const struct stat *st)
{
	uint64_t end = st->st_size;

	if (S_ISBLK(st->st_mode) && ioctl(fd, BLKGETSIZE64, &end))
		end = 0;
	return end;
}

/*
 * Does mincore() tell what there is of a file? Of one that is another's, and that may not be
 * written, it says since Linux 5.2 that all is: so of what is so far behind the end that the
 * page cache has none of it, in no page however large.
 */
static bool is_told(int fd)
{
	size_t page = sysconf(_SC_PAGESIZE);
	unsigned char vec = 1;
	struct stat st;
	void *map;

	if (fstat(fd, &st))
		return false;
	map = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, (file_end(fd, &st) / FAR + 2) * FAR);
	/* The file system has no such place. */
	if (map == MAP_FAILED)
		return st.st_uid == geteuid() || !geteuid();
	if (mincore(map, page, &vec))
		vec = 1;
	munmap(map, page);
	return !(vec & 1);
}

/**
 * bench_cache_resident - what the page cache has of a file
 * @fd:    file
 * @size:  of so many bytes, from its beginning
 * @bytes: set to that, or to BENCH_UNKNOWN: the kernel does not tell it to everybody
 *
 * Returns: 0 or a negative errno.
 */
int bench_cache_resident(int fd, uint64_t size, uint64_t *bytes)
{
	size_t page = sysconf(_SC_PAGESIZE);
	size_t pages = (size + page - 1) / page, i;
	unsigned char *vec;
	void *map;
	int err = 0;

	*bytes = BENCH_UNKNOWN;
	if (!is_told(fd))
		return 0;
	*bytes = 0;
	vec = malloc(pages);
	if (!vec)
		return -ENOMEM;
	map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED || mincore(map, size, vec))
		err = -errno;
	for (i = 0; !err && i < pages; i++)
		*bytes += vec[i] & 1 ? page : 0;
	if (map != MAP_FAILED)
		munmap(map, size);
	free(vec);
	return err;
}

/* By what it has grown, of what bench_cache_resident() gave; it may have shrunk. */
int64_t bench_cache_growth(uint64_t before, uint64_t after)
{
	if (before == BENCH_UNKNOWN || after == BENCH_UNKNOWN)
		return BENCH_GROWTH_UNKNOWN;
	return after - before;
}

/*
 * Each CPU keeps some packets that others are done with until it receives again,
 * and with them pages of the file. Have each receive one.
 */
static void flush_packets(void)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), cpu;
	socklen_t len = sizeof(addr);
	cpu_set_t all, one;

	if (sock < 0)
		return;
	if (!bind(sock, (struct sockaddr *)&addr, len) &&
	    !getsockname(sock, (struct sockaddr *)&addr, &len) &&
	    !sched_getaffinity(0, sizeof(all), &all)) {
		for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
			if (!CPU_ISSET(cpu, &all))
				continue;
			CPU_ZERO(&one);
			CPU_SET(cpu, &one);
			if (!sched_setaffinity(0, sizeof(one), &one))
				sendto(sock, "", 1, 0, (struct sockaddr *)&addr, len);
		}
		sched_setaffinity(0, sizeof(all), &all);
	}
	close(sock);
}

/* One try; *@bytes is what is left. */
static int drop_once(int fd, uint64_t size, bool block, uint64_t *bytes)
{
	int err;

	flush_packets();
	fsync(fd);
	if (block)
		ioctl(fd, BLKFLSBUF, 0);
	err = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	if (err)
		return -err;
	return bench_cache_resident(fd, size, bytes);
}

/*
 * Empty it, and see that it is empty: -EBUSY if it is not, -BENCH_UNTOLD if nobody can see
 * it. The network may hold pages of the run before for a moment.
 */
int bench_cache_drop(int fd, uint64_t size)
{
	uint64_t bytes = 1, end = now_ns() + DROP_NS;
	struct stat st;
	int err;

	if (fstat(fd, &st))
		return -errno;
	for (;;) {
		err = drop_once(fd, size, S_ISBLK(st.st_mode), &bytes);
		if (err || !bytes)
			return err;
		if (bytes == BENCH_UNKNOWN)
			return -BENCH_UNTOLD;
		if (now_ns() > end)
			return -EBUSY;
		usleep(10000);
	}
}

/* Why what was read is not there: -ENODATA: the file became shorter, -ENOMEM: no room for it. */
int bench_cache_missing(int fd, uint64_t size)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	return S_ISREG(st.st_mode) && (uint64_t)st.st_size < size ? -ENODATA : -ENOMEM;
}

/*
 * Fill it with the first @size bytes, and see that it is full, if that can be seen. Read
 * more than once, as a file in use is: the kernel moves it among the active ones then, which
 * is not to be counted as the cost of whoever comes next.
 */
int bench_cache_fill(int fd, uint64_t size)
{
	uint64_t bytes, off;
	char *buf = malloc(1 << 20);
	ssize_t n = 1;
	int err, round;

	if (!buf)
		return -ENOMEM;
	for (round = 0; round < 3; round++)
		for (off = 0; n > 0 && off < size; off += n)
			n = pread(fd, buf, 1 << 20, off);
	free(buf);
	if (n <= 0)
		return n ? -errno : -ENODATA;
	err = bench_cache_resident(fd, size, &bytes);
	return err || bytes >= size ? err : bench_cache_missing(fd, size);
}
