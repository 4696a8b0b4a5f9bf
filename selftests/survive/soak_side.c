// SPDX-License-Identifier: GPL-2.0-only
/* What goes on beside the streams: settings that change, a listener, a device. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "edu.h"
#include "soak.h"

static const struct {
	const char *name;
	long long values[4];
} settings[] = {
	{ "depth", { 1, 2, 4, 8 } },
	{ "copybreak", { 0, 512, 4096, 65536 } },
	{ "held_after", { 0, 1, 5, 60 } },
	{ "idle_after", { 0, 1, 5, 60 } },
	{ "max_bytes", { 128 * MIB, 256 * MIB, 512 * MIB, 1024 * MIB } },
};

#define SETTINGS	(sizeof(settings) / sizeof(*settings))

static long long were[SETTINGS];

void soak_settings_save(void)
{
	size_t i;

	for (i = 0; i < SETTINGS; i++)
		were[i] = zct_param(settings[i].name);
}

static void reserve(uint64_t bytes)
{
	struct nl_req req;
	struct nl nl;

	if (nl_open(&nl))
		return;
	nl_begin(&req, ZC_CMD_POOL_SET);
	nl_put_u32(&req, ZC_A_POOL_NODE, 0);
	nl_put_u64(&req, ZC_A_POOL_RESERVE_BYTES, bytes);
	nl_do(&nl, &req, NULL);
	nl_close(&nl);
}

static void change(unsigned int *seed)
{
	unsigned int which = rand_r(seed) % (SETTINGS + 2);

	if (which < SETTINGS)
		zct_param_set(settings[which].name,
			      settings[which].values[rand_r(seed) % 4]);
	else if (which == SETTINGS)
		reserve(rand_r(seed) % 9 * HUGE);
	else
		zct_run("echo 3 >/proc/sys/vm/drop_caches");
}

void soak_settings_restore(void)
{
	size_t i;

	for (i = 0; i < SETTINGS; i++)
		if (were[i] >= 0)
			zct_param_set(settings[i].name, were[i]);
	reserve(0);
}

void *soak_settings(void *data)
{
	struct soak *s = data;
	unsigned int seed = s->seed;

	while (!__atomic_load_n(&s->over, __ATOMIC_RELAXED)) {
		change(&seed);
		posix_fadvise(s->files[1], 0, 0, POSIX_FADV_DONTNEED);
		s->changes++;
		usleep(rand_r(&seed) % 1000000);
	}
	return NULL;
}

void *soak_listener(void *data)
{
	struct nl_msg *msg = malloc(sizeof(*msg));
	struct soak *s = data;
	struct nl nl;
	int group, ret;

	if (nl_open(&nl))
		return NULL;
	for (group = 0; group < 3; group++)
		nl_join(&nl, group);
	while (!__atomic_load_n(&s->over, __ATOMIC_RELAXED)) {
		ret = nl_event(&nl, msg, 200);
		s->events += ret == 1;
	}
	nl_close(&nl);
	free(msg);
	return NULL;
}

/* From the buffer into the device, and to another place in the buffer. */
static bool there_and_back(struct soak *s, const struct edu *edu, const struct segments *segs,
			   char *map, unsigned int *seed)
{
	unsigned int len = (1 + rand_r(seed) % (EDU_MAX / 8)) * 8;
	uint64_t from = rand_r(seed) % (HUGE / EDU_MAX / 2) * EDU_MAX, to = from + HUGE / 2;

	zct_pattern(map + from, *seed, len);
	memset(map + to, 0, len);
	if (!edu_get(edu, segs, from, len) || !edu_put(edu, segs, to, len) ||
	    memcmp(map + from, map + to, len))
		return false;
	s->dma += 2 * len;
	return true;
}

void *soak_device(void *data)
{
	struct segments *segs = malloc(sizeof(*segs));
	struct soak *s = data;
	unsigned int seed = s->seed;
	struct zc_buf_create buf;
	struct edu edu;
	void *map;

	s->device = edu_find(&edu, 0);
	if (!s->device || edu_begin(&edu, s->fd, 64)) {
		free(segs);
		return NULL;
	}
	while (!__atomic_load_n(&s->over, __ATOMIC_RELAXED)) {
		/* The limit of the moment may not allow it. */
		if (zct_create(s->fd, HUGE, 0, ZC_NODE_ANY, &buf)) {
			usleep(100000);
			continue;
		}
		map = zct_map(s->fd, &buf);
		/* Processes that begin meanwhile would keep it. */
		if (map == MAP_FAILED || madvise(map, HUGE, MADV_DONTFORK) ||
		    dma_map(s->fd, buf.handle, edu.target, BOTH | dma_bounce(), NULL) ||
		    dma_segments(s->fd, buf.handle, edu.target, segs) < 0 ||
		    !there_and_back(s, &edu, segs, map, &seed)) {
			printf("# a device did not find its memory\n");
			__atomic_fetch_add(&s->wrong, 1, __ATOMIC_RELAXED);
		}
		munmap(map, HUGE);
		zct_destroy(s->fd, buf.handle);
	}
	edu_end(&edu, s->fd);
	free(segs);
	return NULL;
}
