// SPDX-License-Identifier: GPL-2.0-only
/* Files that go with their descriptors, however the benchmark ends. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#include "bench.h"

#define TRIES	16

/* Where there are none without a name: one that nobody guesses, for a moment. */
static int open_named(int dir)
{
	unsigned long long random;
	sigset_t all, before;
	char name[32];
	int fd, err;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return -errno;
	snprintf(name, sizeof(name), ".zc-bench-%016llx", random);
	/* Whatever ends this process does so when the name is gone. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	err = fd < 0 ? -errno : 0;
	if (!err)
		unlinkat(dir, name, 0);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return err ?: fd;
}

/**
 * bench_file_at - an empty file without a name
 * @dir: descriptor of the folder that it is made in
 *
 * Returns: descriptor or a negative errno.
 */
int bench_file_at(int dir)
{
	int fd = openat(dir, ".", O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600), tries;

	if (fd >= 0)
		return fd;
	fd = -errno;
	/* What who does not know of O_TMPFILE says of it; or the file system, or NFS. */
	if (fd != -EOPNOTSUPP && fd != -EISDIR && fd != -EINVAL)
		return fd;
	fd = -EEXIST;
	for (tries = 0; tries < TRIES && fd == -EEXIST; tries++)
		fd = open_named(dir);
	return fd;
}

/* The same in the folder @name. */
int bench_file_in(const char *name)
{
	int fd, dir = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return -errno;
	fd = bench_file_at(dir);
	close(dir);
	return fd;
}
