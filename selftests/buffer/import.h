/* SPDX-License-Identifier: GPL-2.0-only */
/* Files in memory, and the hugepages for them. */
#ifndef _IMPORT_H
#define _IMPORT_H

#include <fcntl.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "zc_test.h"

#define PAGE	4096ull
#define NR_HUGE	8

/* A page size for memfd_create(). */
#define SIZE_2M	(MFD_HUGETLB | MFD_HUGE_2MB)

#define HUGE_2M	"/sys/kernel/mm/hugepages/hugepages-2048kB"
#define NR_2M	HUGE_2M "/nr_hugepages"
#define FREE_2M	HUGE_2M "/free_hugepages"

static inline long long number(const char *path)
{
	FILE *f = fopen(path, "re");
	long long val = -1;

	if (f) {
		if (fscanf(f, "%lld", &val) != 1)
			val = -1;
		fclose(f);
	}
	return val;
}

static inline void number_set(const char *path, long long val)
{
	FILE *f = fopen(path, "we");

	if (f) {
		fprintf(f, "%lld\n", val);
		fclose(f);
	}
}

static inline bool number_becomes(const char *path, long long want)
{
	uint64_t end = zct_now_ms() + 2000;

	while (number(path) != want && zct_now_ms() < end)
		usleep(10000);
	return number(path) == want;
}

static inline int memory(unsigned int flags, uint64_t size)
{
	int fd = memfd_create("zc", MFD_CLOEXEC | MFD_ALLOW_SEALING | flags);

	if (fd >= 0 && ftruncate(fd, size)) {
		close(fd);
		return -1;
	}
	return fd;
}

static inline int import(int zc, int fd, uint64_t offset, uint64_t size,
			 struct zc_buf_import *arg)
{
	*arg = (struct zc_buf_import) { .fd = fd, .offset = offset, .size = size };
	return zct_ioctl(zc, ZC_IOC_BUF_IMPORT, arg);
}

#endif /* _IMPORT_H */
