// SPDX-License-Identifier: LGPL-2.1-or-later
/* What was done, one line of JSON when the process ends (ZC_SENDFILE_LOG). */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "preload.h"

static struct kept log_file = { .fd = -1 };
static atomic_ullong counts[COUNT_NR];

static const char *const names[COUNT_NR] = {
	[COUNT_ZC] = "zc_calls",
	[COUNT_BYTES] = "zc_bytes",
	[COUNT_COPIED] = "zc_copied",
	[COUNT_CACHED] = "zc_cached",
	[COUNT_KERNEL] = "kernel_calls",
	[COUNT_SMALL] = "small",
	[COUNT_FILE] = "no_file",
	[COUNT_SOCKET] = "no_tcp",
	[COUNT_DEVICE] = "no_device",
	[COUNT_REFUSED] = "refused",
};

/* log_count - count @n of something */
void log_count(enum count what, uint64_t n)
{
	if (n)
		atomic_fetch_add_explicit(&counts[what], n, memory_order_relaxed);
}

/* What the parent has done is not the child's. */
static void forget(void)
{
	unsigned int i;

	for (i = 0; i < COUNT_NR; i++)
		atomic_store(&counts[i], 0);
}

/**
 * log_open - open the file for who may do so now
 *
 * A server that changes its user, or its root, could not later.
 */
void log_open(void)
{
	if (!*settings.log)
		return;
	pthread_atfork(NULL, NULL, forget);
	kept_open(&log_file, settings.log, O_WRONLY | O_APPEND | O_CREAT);
}

static int describe(char *line, size_t size)
{
	int len = snprintf(line, size, "{\"pid\":%d,\"program\":\"", getpid());
	const char *c;
	unsigned int i;

	/* What JSON would want quoted is no loss. */
	for (c = program_invocation_short_name; *c && len < 100; c++)
		if (*c > ' ' && *c < 0x7f && *c != '"' && *c != '\\')
			line[len++] = *c;
	len += snprintf(line + len, size - len, "\"");
	for (i = 0; i < COUNT_NR; i++)
		len += snprintf(line + len, size - len, ",\"%s\":%llu", names[i],
				(unsigned long long)atomic_load(&counts[i]));
	return len + snprintf(line + len, size - len, ",\"device_errno\":%d}\n", device_why());
}

__attribute__((destructor)) static void log_write(void)
{
	char line[1024];
	int fd, len, err = errno;

	if (!*settings.log ||
	    !(atomic_load(&counts[COUNT_ZC]) + atomic_load(&counts[COUNT_KERNEL])))
		return;
	fd = kept_get(&log_file);
	/* Who has closed it may perhaps open it once more. */
	if (fd < 0 && !kept_open(&log_file, settings.log, O_WRONLY | O_APPEND | O_CREAT))
		fd = kept_get(&log_file);
	len = describe(line, sizeof(line));
	/* A line is written as a whole; there is nobody to tell that it was not. */
	if (fd >= 0 && write(fd, line, len) < 0)
		len = 0;
	errno = err;
}
