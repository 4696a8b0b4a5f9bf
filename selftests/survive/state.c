// SPDX-License-Identifier: GPL-2.0-only
/* What is left behind: by the module's counters, and by the kernel's. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "state.h"

/* Objects of caches that are named after the module; others' may share them. */
static uint64_t own_caches(void)
{
	FILE *f = fopen("/proc/slabinfo", "re");
	unsigned long long objects, size;
	uint64_t bytes = 0;
	char line[512];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "zc_%*s %llu %*u %llu", &objects, &size) == 2)
			bytes += objects * size;
	if (f)
		fclose(f);
	return bytes;
}

static uint64_t transfers(void)
{
	struct nl_msg msg;
	struct nl_req req;
	struct nl nl;
	uint64_t nr = UINT64_MAX;

	if (nl_open(&nl))
		return nr;
	nl_begin(&req, ZC_CMD_MODULE_GET);
	if (!nl_do(&nl, &req, &msg) && nl_has(&msg, ZC_A_MODULE_TRANSFERS))
		nr = nl_u32(&msg, ZC_A_MODULE_TRANSFERS);
	nl_close(&nl);
	return nr;
}

int state_now(int fd, struct state *s)
{
	struct zc_dma_query dma = { .target = ZC_DMA_OWN };
	struct zc_query query = { 0 };
	int ret = zct_ioctl(fd, ZC_IOC_QUERY, &query);

	if (ret)
		return ret;
	*s = (struct state){
		.used = query.used_bytes,
		.held = query.held_bytes,
		.parked = query.parked_bytes,
		.buffers = query.buffers,
		.transfers = transfers(),
		.mem_free = zct_mem_free(),
		.slab = zct_meminfo("SUnreclaim"),
		.caches = own_caches(),
	};
	/* A kernel without DMA has no target. */
	if (!zct_ioctl(fd, ZC_IOC_DMA_QUERY, &dma))
		s->mappings = dma.mappings;
	return 0;
}

int state_settled(int fd, struct state *s)
{
	zct_stir();
	sync();
	zct_run("echo 3 >/proc/sys/vm/drop_caches");
	return state_now(fd, s);
}

/* Who has more than before? With @say, a line for each. */
static bool is_back(const struct state *before, const struct state *now, bool say)
{
	/* KASAN and kmemleak keep memory of their own; the latter knows better what is lost. */
	bool debug = !access("/sys/kernel/debug/kmemleak", F_OK);
	const struct {
		const char *name;
		uint64_t was, is, room;
	} all[] = {
		{ "bytes in use", before->used, now->used, 0 },
		{ "bytes held", before->held, now->held, 0 },
		{ "bytes parked", before->parked, now->parked, 0 },
		{ "buffers", before->buffers, now->buffers, 0 },
		{ "transfers", before->transfers, now->transfers, 0 },
		{ "mappings", before->mappings, now->mappings, 0 },
		{ "memory not free", -before->mem_free, -now->mem_free,
		  debug ? UINT64_MAX / 2 : STATE_FREE },
		{ "slab", before->slab, now->slab, debug ? UINT64_MAX / 2 : STATE_SLAB },
	};
	bool back = true;
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(*all); i++) {
		if ((int64_t)(all[i].is - all[i].was) <= (int64_t)all[i].room)
			continue;
		back = false;
		if (say)
			printf("# %s: %lld more than before\n", all[i].name,
			       (long long)(all[i].is - all[i].was));
	}
	return back;
}

bool state_back(int fd, const struct state *before, struct state *after, int ms)
{
	uint64_t end = zct_now_ms() + ms;

	do {
		if (state_settled(fd, after))
			return false;
		if (is_back(before, after, false))
			return true;
		usleep(200000);
	} while (zct_now_ms() < end);
	return is_back(before, after, true);
}
