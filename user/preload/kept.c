// SPDX-License-Identifier: LGPL-2.1-or-later
/* Descriptors of the library's own, in a process that may close any. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include "preload.h"

/* Above what programs count on, and below the limit of 1024 that most have. */
#define HIGH	900

/* Of a lower limit the last part, one of so many. */
#define PART	8

/* Where that begins, or -1: the limit was higher */
static int last_part = -1;

/*
 * kept_load - see how many descriptors there may be
 *
 * When the library is loaded: a program may not allow itself prlimit64(2) any more.
 */
void kept_load(void)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur <= HIGH)
		last_part = limit.rlim_cur - limit.rlim_cur / PART;
}

static int high_of_few(int fd)
{
	return last_part < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, last_part);
}

/*
 * Move it out of the program's way, if there is room. What the program takes for its output, or
 * its input, it must never be.
 */
static int move_high(int fd)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, HIGH);

	if (high < 0)
		high = high_of_few(fd);
	if (high < 0 && fd > STDERR_FILENO)
		return fd;
	close(fd);
	return high;
}

static int open_it(struct kept *kept, const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC | O_NOCTTY, 0644), old, err;
	struct stat st;

	if (fd < 0)
		return errno;
	if (fstat(fd, &st)) {
		err = errno;
		close(fd);
		return err;
	}
	fd = move_high(fd);
	if (fd < 0)
		return errno;
	atomic_store(&kept->dev, st.st_dev);
	atomic_store(&kept->ino, st.st_ino);
	old = -1;
	/* Another thread was faster: it opened the same file. */
	if (!atomic_compare_exchange_strong(&kept->fd, &old, fd))
		close(fd);
	return 0;
}

/**
 * kept_open - open a file for the library
 * @kept:  what has none, written
 * @path:  file
 * @flags: of open(2)
 *
 * open(2) and close(2) are cancellation points, which sendfile(2) is not.
 *
 * Returns: 0 or a positive errno. Any thread; of several the first one's stays.
 */
int kept_open(struct kept *kept, const char *path, int flags)
{
	int was, err;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &was);
	err = open_it(kept, path, flags);
	pthread_setcancelstate(was, &was);
	return err;
}

/**
 * kept_get - the descriptor, if it is still that of the file
 * @kept: file
 *
 * Another thread of the program may close it at once. Then a call with it fails, or is one of
 * a file that takes no such call.
 *
 * Returns: the descriptor, or -1. It is forgotten then: the number is the program's.
 */
int kept_get(struct kept *kept)
{
	int fd = atomic_load(&kept->fd);
	struct stat st;

	if (fd < 0)
		return -1;
	if (!fstat(fd, &st) && st.st_dev == atomic_load(&kept->dev) &&
	    st.st_ino == atomic_load(&kept->ino))
		return fd;
	atomic_compare_exchange_strong(&kept->fd, &fd, -1);
	return -1;
}
