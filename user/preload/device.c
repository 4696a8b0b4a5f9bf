// SPDX-License-Identifier: LGPL-2.1-or-later
/* /dev/zc, of a process. */
#include <errno.h>
#include <fcntl.h>
#include <time.h>

#include <linux/zc.h>

#include "preload.h"

#define ZC_DEVICE	"/dev/zc"

/* So often a process that has none looks whether there is one now, seconds. */
#define AGAIN	1

static struct kept device = { .fd = -1 };
static atomic_int why;
static atomic_llong tried;

/* What the node was when it could not be opened, see node() */
static atomic_llong seen;

static int64_t seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return ts.tv_sec;
}

/* When the node was last changed, ns; 0: there is none. The call is one that fstat(3) makes. */
static int64_t node(void)
{
	struct stat st;

	if (fstatat(AT_FDCWD, ZC_DEVICE, &st, 0))
		return 0;
	return st.st_ctim.tv_sec * 1000000000ll + st.st_ctim.tv_nsec;
}

/*
 * Is it worth while to open it once more? For who had none, or no right to it, only if that is
 * another matter now: a program may not allow itself open(2) any more, and be killed for it.
 */
static bool is_worth_it(int err)
{
	return (err != ENOENT && err != EACCES && err != EPERM) || node() != atomic_load(&seen);
}

/**
 * device_open - open it, if it can be had
 *
 * When the library is loaded, too: as root, say, which a server later is not, or before a
 * chroot. Processes that are forked have it, and may use it: a send needs nothing of it but
 * the way into the module.
 */
void device_open(void)
{
	atomic_store(&tried, seconds());
	atomic_store(&seen, node());
	atomic_store(&why, kept_open(&device, ZC_DEVICE, O_RDWR));
}

/* device_why - the positive errno for which there is no device, or 0 */
int device_why(void)
{
	return atomic_load(&why);
}

/* device_get - a descriptor of it, or -1 */
int device_get(void)
{
	int fd = kept_get(&device), err = atomic_load(&why);

	if (fd >= 0)
		return fd;
	/* Closed behind our back, or not there yet. */
	if (err && seconds() - atomic_load(&tried) < AGAIN)
		return -1;
	atomic_store(&tried, seconds());
	if (err && !is_worth_it(err))
		return -1;
	device_open();
	return kept_get(&device);
}
