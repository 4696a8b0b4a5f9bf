// SPDX-License-Identifier: GPL-2.0-only
/* Buffers mapped for targets, and what the machine does to addresses. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dma.h"

bool dma_forced(void)
{
	FILE *f = fopen("/proc/cmdline", "re");
	char line[4096] = "";

	if (!f)
		return false;
	if (!fgets(line, sizeof(line), f))
		line[0] = 0;
	fclose(f);
	return strstr(line, "swiotlb=force");
}

uint32_t dma_bounce(void)
{
	return dma_forced() ? ZC_DMA_BOUNCE : 0;
}

uint64_t dma_physical(const volatile void *addr)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uintptr_t at = (uintptr_t)addr;
	uint64_t entry = 0, pfn;

	if (fd < 0)
		return 0;
	/* Have it mapped. */
	(void)*(const volatile char *)addr;
	if (pread(fd, &entry, sizeof(entry), at / PAGE * sizeof(entry)) != sizeof(entry))
		entry = 0;
	close(fd);
	pfn = entry & ((1ull << 55) - 1);
	return entry >> 63 && pfn ? pfn * PAGE + at % PAGE : 0;
}

int dma_attach(int fd, const char *name, uint32_t bits, uint32_t *target)
{
	struct zc_dma_attach arg = { .bits = bits };
	int ret;

	snprintf(arg.name, sizeof(arg.name), "%s", name);
	ret = zct_ioctl(fd, ZC_IOC_DMA_ATTACH, &arg);
	*target = ret ? NO_TARGET : arg.target;
	return ret;
}

int dma_detach(int fd, uint32_t target)
{
	struct zc_dma_detach arg = { .target = target };

	return zct_ioctl(fd, ZC_IOC_DMA_DETACH, &arg);
}

int dma_query(int fd, uint32_t target, struct zc_dma_query *arg)
{
	int ret;

	*arg = (struct zc_dma_query) { .target = target };
	ret = zct_ioctl(fd, ZC_IOC_DMA_QUERY, arg);
	return ret ?: arg->target == target ? 0 : -ENOENT;
}

int dma_map(int fd, uint32_t handle, uint32_t target, uint32_t flags, struct zc_dma_map *arg)
{
	struct zc_dma_map own = { .handle = handle, .target = target, .flags = flags };
	int ret;

	if (arg)
		own.user_data = arg->user_data;
	ret = zct_ioctl(fd, ZC_IOC_DMA_MAP, &own);
	if (arg)
		*arg = own;
	return ret;
}

int dma_unmap(int fd, uint32_t handle, uint32_t target)
{
	struct zc_dma_unmap arg = { .handle = handle, .target = target };

	return zct_ioctl(fd, ZC_IOC_DMA_UNMAP, &arg);
}

int dma_sync(int fd, uint32_t handle, uint32_t flags, uint64_t offset, uint64_t len)
{
	struct zc_buf_sync arg = {
		.handle = handle, .flags = flags, .offset = offset, .len = len,
	};

	return zct_ioctl(fd, ZC_IOC_BUF_SYNC, &arg);
}

int dma_mappings(int fd, uint32_t target)
{
	struct zc_dma_query query;

	return dma_query(fd, target, &query) ?: (int)query.mappings;
}

bool dma_mappings_become(int fd, uint32_t target, int want, int ms)
{
	uint64_t end = zct_now_ms() + ms;

	while (dma_mappings(fd, target) != want) {
		if (zct_now_ms() > end)
			return false;
		usleep(10000);
	}
	return true;
}

int dma_segments(int fd, uint32_t handle, uint32_t target, struct segments *segs)
{
	struct zc_dma_segments arg = { .handle = handle, .target = target };
	int ret;

	segs->nr = 0;
	do {
		arg.first = segs->nr;
		ret = zct_ioctl(fd, ZC_IOC_DMA_SEGMENTS, &arg);
		if (!ret && (arg.nr > ZC_DMA_SEGMENTS_MAX || arg.nr > SEGMENTS_MAX - segs->nr))
			ret = -E2BIG;
		if (ret) {
			segs->nr = ret;
			break;
		}
		memcpy(segs->at + segs->nr, arg.segments, arg.nr * sizeof(*segs->at));
		segs->nr += arg.nr;
	} while (arg.nr && segs->nr < (int)arg.total);
	return segs->nr;
}

uint64_t dma_segments_size(const struct segments *segs)
{
	uint64_t size = 0;
	int i;

	for (i = 0; i < segs->nr; i++)
		size += segs->at[i].len;
	return size;
}

uint64_t dma_address(const struct segments *segs, uint64_t offset, uint64_t *rest)
{
	int i;

	for (i = 0; i < segs->nr; i++) {
		if (offset < segs->at[i].len) {
			*rest = segs->at[i].len - offset;
			return segs->at[i].addr + offset;
		}
		offset -= segs->at[i].len;
	}
	*rest = 0;
	return 0;
}

bool dma_event_is(const struct zc_event *event, uint32_t target, uint64_t user_data)
{
	return event->type == ZC_EVENT_UNMAPPED && event->error == ENODEV &&
	       event->offset == target && event->user_data == user_data;
}

int dma_in_child(int (*fn)(void *data), void *data)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(fn(data));
	return pid > 0 && waitpid(pid, &status, 0) == pid ? status : -1;
}

bool dma_be_nobody(void)
{
	return !setgid(NOBODY) && !setuid(NOBODY);
}
