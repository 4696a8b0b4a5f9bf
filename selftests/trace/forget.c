// SPDX-License-Identifier: GPL-2.0-only
/* Forgets a buffer: destroys what it has mapped, until the guard has told of it. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "zc_test.h"

int main(void)
{
	uint64_t end = zct_now_ms() + 60000;
	struct zc_stats stats = { 0 };
	struct zc_buf_create buf;
	int fd = zct_open();
	uint64_t before;

	if (fd < 0 || zct_ioctl(fd, ZC_IOC_STATS, &stats))
		return 1;
	before = stats.told_held;
	if (zct_create(fd, HUGE, 0, ZC_NODE_ANY, &buf) || zct_map(fd, &buf) == MAP_FAILED ||
	    zct_destroy(fd, buf.handle))
		return 2;
	while (stats.told_held == before && zct_now_ms() < end) {
		usleep(100000);
		stats = (struct zc_stats){ 0 };
		if (zct_ioctl(fd, ZC_IOC_STATS, &stats))
			return 3;
	}
	return stats.told_held == before ? 4 : 0;
}
