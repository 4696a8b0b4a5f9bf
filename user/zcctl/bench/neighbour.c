// SPDX-License-Identifier: GPL-2.0-only
/*
 * Another process, which has a working set of its own in the page cache: read several
 * times, then idle. How much of it does a transfer of others evict, and how long does it
 * take to have it back?
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "neighbour.h"

/**
 * struct bench_neighbour - such a process
 * @pid:   process
 * @file:  what it reads; it has no name
 * @size:  bytes of it
 * @reads: how often it reads them before a run
 * @ask:   pipe to it, of enum order
 * @tell:  pipe from it, of struct told
 */
struct bench_neighbour {
	pid_t pid;
	int file;
	uint64_t size;
	unsigned int reads;
	int ask[2];
	int tell[2];
};

enum order { TOUCH, LOOK };

/* What the process says; see struct bench_result */
struct told {
	int err;
	uint64_t evicted;
	uint64_t reread_ns;
};

/* Random enough for no file system to keep it shorter than it is. */
static int write_all(int fd, uint64_t size)
{
	const size_t chunk = 1 << 20;
	uint64_t *buf = malloc(chunk), done, x = 88172645463325252ull;
	int err = buf ? 0 : -ENOMEM;
	size_t i;

	for (done = 0; done < size && !err; done += chunk) {
		for (i = 0; i < chunk / sizeof(*buf); i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			buf[i] = x;
		}
		if (write(fd, buf, chunk) != (ssize_t)chunk)
			err = errno ? -errno : -ENOSPC;
	}
	free(buf);
	return err ? err : fsync(fd) ? -errno : 0;
}

/* In memory of tmpfs there is no page cache to evict. */
static int make_file(const char *dir, uint64_t size)
{
	struct statfs fs;
	int fd, err;

	if (statfs(dir, &fs))
		return -errno;
	if (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC)
		return -EMEDIUMTYPE;
	fd = bench_file_in(dir);
	if (fd < 0)
		return fd;
	errno = 0;
	err = write_all(fd, size);
	if (!err)
		return fd;
	close(fd);
	return err;
}

static int read_again(int fd, uint64_t size)
{
	char *buf = malloc(1 << 20);
	ssize_t n = buf ? 1 : -1;
	uint64_t off;

	for (off = 0; n > 0 && off < size; off += n)
		n = pread(fd, buf, 1 << 20, off);
	free(buf);
	return n > 0 ? 0 : n ? -errno : -ENODATA;
}

/*
 * So often, and no more: what was before would have the kernel keep it longer. Sees that it
 * has all of it.
 */
static int touch(const struct bench_neighbour *nb)
{
	int err = bench_cache_drop(nb->file, nb->size);
	unsigned int i;
	uint64_t has;

	for (i = 0; i < nb->reads && !err; i++)
		err = read_again(nb->file, nb->size);
	if (!err)
		err = bench_cache_resident(nb->file, nb->size, &has);
	return err ? err : has < nb->size ? -ENOMEM : 0;
}

static struct told look(const struct bench_neighbour *nb)
{
	struct told told = { .err = 0 };
	uint64_t left, begin;

	told.err = bench_cache_resident(nb->file, nb->size, &left);
	if (left == BENCH_UNKNOWN)
		told.err = -BENCH_UNTOLD;
	if (told.err)
		return told;
	told.evicted = nb->size - left;
	begin = now_ns();
	told.err = read_again(nb->file, nb->size);
	told.reread_ns = now_ns() - begin;
	return told;
}

static void live(const struct bench_neighbour *nb)
{
	struct told told = { .err = 0 };
	enum order order;

	close(nb->ask[1]);
	close(nb->tell[0]);
	while (read(nb->ask[0], &order, sizeof(order)) == sizeof(order)) {
		if (order == TOUCH)
			told.err = touch(nb);
		else
			told = look(nb);
		if (write(nb->tell[1], &told, sizeof(told)) != sizeof(told))
			break;
	}
	_exit(0);
}

static int start(struct bench_neighbour *nb)
{
	if (pipe2(nb->ask, O_CLOEXEC) || pipe2(nb->tell, O_CLOEXEC))
		return -errno;
	nb->pid = bench_fork();
	if (nb->pid < 0)
		return -errno;
	if (!nb->pid)
		live(nb);
	close(nb->ask[0]);
	close(nb->tell[1]);
	nb->ask[0] = -1;
	nb->tell[1] = -1;
	return 0;
}

/**
 * bench_neighbour_begin - start one
 * @dir:   where its file is made
 * @size:  bytes of it, a multiple of 1 MiB
 * @reads: how often it reads them before each run
 * @made:  where to put it, for bench_neighbour_end()
 *
 * Returns: 0 or a negative errno; -EMEDIUMTYPE where files are memory.
 */
int bench_neighbour_begin(const char *dir, uint64_t size, unsigned int reads,
			  struct bench_neighbour **made)
{
	struct bench_neighbour *nb = calloc(1, sizeof(*nb));
	int err;

	if (!nb)
		return -ENOMEM;
	*nb = (struct bench_neighbour){
		.size = size,
		.reads = reads,
		.ask = { -1, -1 },
		.tell = { -1, -1 },
	};
	nb->file = make_file(dir, size);
	err = nb->file < 0 ? nb->file : start(nb);
	if (err)
		bench_neighbour_end(nb);
	else
		*made = nb;
	return err;
}

static int give_order(struct bench_neighbour *nb, enum order order, struct told *told)
{
	if (write(nb->ask[1], &order, sizeof(order)) != sizeof(order) ||
	    read(nb->tell[0], told, sizeof(*told)) != sizeof(*told))
		return -ECHILD;
	return told->err;
}

/* It reads all, and sees that it has it. Returns 0 or a negative errno. */
int bench_neighbour_touch(struct bench_neighbour *nb)
{
	struct told told;

	return give_order(nb, TOUCH, &told);
}

/* What it has lost. Returns 0 or a negative errno. */
int bench_neighbour_look(struct bench_neighbour *nb, struct bench_result *res)
{
	struct told told;
	int err = give_order(nb, LOOK, &told);

	if (err)
		return err;
	res->evicted = told.evicted;
	res->reread_ns = told.reread_ns;
	return 0;
}

static void close_both(const int *fds)
{
	if (fds[0] >= 0)
		close(fds[0]);
	if (fds[1] >= 0)
		close(fds[1]);
}

void bench_neighbour_end(struct bench_neighbour *nb)
{
	if (!nb)
		return;
	close_both(nb->ask);
	close_both(nb->tell);
	if (nb->pid > 0)
		waitpid(nb->pid, NULL, 0);
	if (nb->file >= 0)
		close(nb->file);
	free(nb);
}
