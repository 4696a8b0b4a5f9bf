// SPDX-License-Identifier: GPL-2.0-only
/*
 * soak [--seconds N] [--sample N] [--seed N]: a mixed load for so long, of which each byte is
 * looked at where it arrives, and of which nothing is left at the end. Prints tables, each line
 * behind a "#"; the exit status is 0 if all was right. The module is loaded, and nobody else
 * uses it.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "soak.h"
#include "state.h"

/* Before the first look at memory, to fill what is kept for good */
#define WARM_UP_S	10

/* What printf() wants */
#define llu	unsigned long long

static void line(const struct soak *s, const struct state *now)
{
	uint64_t bytes = s->bytes;
	unsigned int i;

	for (i = 0; i < SOAK_FLOWS; i++)
		bytes += __atomic_load_n(&s->flows[i].flow.rx.bytes, __ATOMIC_RELAXED);
	printf("# %6llu %9llu %7llu %7llu %6llu %6llu %6llu %9llu %8llu %7llu %6llu\n",
	       (llu)(zct_now_ms() - s->begin) / 1000, (llu)(bytes / MIB), (llu)s->kills,
	       (llu)(now->used / MIB), (llu)(now->held / MIB), (llu)(now->parked / MIB),
	       (llu)now->buffers, (llu)(now->mem_free / 1024), (llu)(now->slab / 1024),
	       (llu)(now->caches / 1024), (llu)s->wrong);
	fflush(stdout);
}

static void heading(void)
{
	printf("# %6s %9s %7s %7s %6s %6s %6s %9s %8s %7s %6s\n", "s", "MiB came", "kills",
	       "MiB had", "held", "parked", "bufs", "free KiB", "slab KiB", "zc's", "wrong");
}

static int run(struct soak *s, unsigned int seconds, unsigned int sample)
{
	uint64_t end, next;
	struct state now;
	int ret;

	s->begin = zct_now_ms();
	end = s->begin + seconds * 1000ull;
	next = s->begin + sample * 1000ull;
	ret = soak_start(s);
	while (!ret && zct_now_ms() < end) {
		usleep(50000);
		ret = soak_turn(s);
		if (!ret && sample && zct_now_ms() >= next) {
			ret = state_now(s->fd, &now);
			line(s, &now);
			next += sample * 1000ull;
		}
	}
	/* What there is of them ends with this process. */
	if (ret)
		printf("# it could not go on: %s\n", strerror(-ret));
	else
		soak_end(s);
	return ret;
}

static void report(const struct soak *s, struct nl *nl, const struct nl_stats *stats)
{
	unsigned int i;

	printf("# %llu s: %llu MiB came and were looked at, %llu MiB sent in %llu transfers\n",
	       (llu)(zct_now_ms() - s->begin) / 1000, (llu)(s->bytes / MIB),
	       (llu)(nl_grown(nl, stats, ZC_A_STATS_SENT_BYTES) / MIB),
	       (llu)nl_grown(nl, stats, ZC_A_STATS_TRANSFERS_BEGUN));
	printf("# streams that ended by themselves: %llu, reset by the peer: %llu, killed: %llu\n",
	       (llu)s->ends[SOAK_STOPPED], (llu)s->ends[SOAK_RESET], (llu)s->ends[SOAK_KILLED]);
	printf("# processes killed: %llu, buffers made: %llu, calls that found no memory: %llu\n",
	       (llu)s->kills, (llu)nl_grown(nl, stats, ZC_A_STATS_BUFFERS_MADE), (llu)s->again);
	printf("# settings changed: %llu, events heard: %llu, bytes moved by a device: %llu\n",
	       (llu)s->changes, (llu)s->events, (llu)s->dma);
	for (i = 0; i < acts_nr; i++)
		printf("#   %-16s %llu, of which %llu succeeded\n", acts[i].name,
		       (llu)s->calls[i], (llu)s->good[i]);
}

/* In half a minute each kind of thing has happened; or the load is not what it is thought to be. */
static bool all_happened(const struct soak *s)
{
	const struct {
		const char *what;
		bool happened;
	} kinds[] = {
		{ "a stream that ended by itself", s->ends[SOAK_STOPPED] },
		{ "a stream reset by its peer", s->ends[SOAK_RESET] },
		{ "a stream killed", s->ends[SOAK_KILLED] },
		{ "a process killed", s->kills },
		{ "bytes looked at", s->bytes },
		{ "a setting changed", s->changes },
		{ "an event heard", s->events },
		{ "bytes moved by a device", s->dma || !s->device },
	};
	bool all = true;
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (!kinds[i].happened)
			printf("# has not happened: %s\n", kinds[i].what);
		all &= kinds[i].happened;
	}
	for (i = 0; i < acts_nr; i++) {
		if (!s->good[i])
			printf("# has never succeeded: %s\n", acts[i].name);
		all &= !!s->good[i];
	}
	return all;
}

static void compare(const struct state *before, const struct state *after)
{
	const struct {
		const char *name;
		uint64_t was, is;
	} rows[] = {
		{ "free memory, KiB", before->mem_free / 1024, after->mem_free / 1024 },
		{ "slab, KiB", before->slab / 1024, after->slab / 1024 },
		{ "slab named zc, bytes", before->caches, after->caches },
		{ "module: bytes", before->used, after->used },
		{ "module: held", before->held, after->held },
		{ "module: parked", before->parked, after->parked },
		{ "module: buffers", before->buffers, after->buffers },
		{ "module: transfers", before->transfers, after->transfers },
		{ "module: mappings", before->mappings, after->mappings },
	};
	size_t i;

	printf("# %-22s %12s %12s %12s\n", "", "before", "after", "difference");
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		printf("# %-22s %12llu %12llu %12lld\n", rows[i].name, (llu)rows[i].was,
		       (llu)rows[i].is, (long long)(rows[i].is - rows[i].was));
}

static int soak(unsigned int seconds, unsigned int sample, unsigned int seed)
{
	struct soak warm = { .seed = seed }, s = { .seed = seed + 1 };
	struct state first, before, after;
	struct nl_stats stats;
	bool right;
	struct nl nl;
	int ret;

	warm.fd = zct_open();
	s.fd = warm.fd;
	if (s.fd < 0 || nl_open(&nl)) {
		printf("# no module\n");
		return 2;
	}
	soak_settings_save();
	printf("# seed %u\n", seed);
	ret = state_now(s.fd, &first);
	/* Of memory anything will do. */
	first.mem_free = 0;
	first.slab = UINT64_MAX / 2;
	ret = ret ?: run(&warm, WARM_UP_S, 0);
	if (ret || !state_back(s.fd, &first, &before, 60000) || nl_stats(&nl, &stats))
		return 2;
	heading();
	ret = run(&s, seconds, sample);
	report(&s, &nl, &stats);
	nl_close(&nl);
	right = state_back(s.fd, &before, &after, 60000) && !s.wrong && !warm.wrong && !ret;
	compare(&before, &after);
	if (seconds >= 30)
		right &= all_happened(&s);
	printf("# %s\n", right ? "all right" : "NOT RIGHT");
	return !right;
}

static unsigned int number(const char *text)
{
	char *end;
	unsigned long val = strtoul(text, &end, 0);

	if (!*text || *end || val > 1000000) {
		fprintf(stderr, "soak: '%s' is no number of the kind\n", text);
		exit(2);
	}
	return val;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seconds", required_argument, NULL, 's' },
		{ "sample", required_argument, NULL, 'm' },
		{ "seed", required_argument, NULL, 'r' },
		{ 0 }
	};
	unsigned int seconds = 60, sample = 10, seed = 1;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 's':
			seconds = number(optarg);
			break;
		case 'm':
			sample = number(optarg);
			break;
		case 'r':
			seed = number(optarg);
			break;
		default:
			return 2;
		}
	}
	return soak(seconds, sample, seed);
}
