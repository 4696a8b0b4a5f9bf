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

static int64_t seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return ts.tv_sec;
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
	int fd = kept_get(&device);

	if (fd >= 0)
		return fd;
	/* Closed behind our back, or not there yet. */
	if (atomic_load(&why) && seconds() - atomic_load(&tried) < AGAIN)
		return -1;
	device_open();
	return kept_get(&device);
}
