// SPDX-License-Identifier: GPL-2.0-only
/* zcctl bench dma: what it costs to map memory for a device. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bench.h"
#include "dma.h"

static const char dma_bench_help[] =
"usage: zcctl bench dma [OPTION…]\n"
"\n"
"The alignment experiment: map memory for a target, which 'zcctl dma' tells of, and unmap it,\n"
"as a driver would; for root. The same bytes, in four ways:\n"
"\n"
"  heap       as from a heap: it begins at a cache line, and is mapped page by page\n"
"  pages      pages of 4 KiB, each mapped for itself\n"
"  list       the same, mapped by one call as a list (dma_map_sg)\n"
"  zc-buffer  a buffer, by hugepages of 2 MiB\n"
"\n"
"  --target NAME|NUMBER  a target (default 0, the module's own, which no IOMMU is before)\n"
"  --size N      bytes, a multiple of 2M up to 64M (default 2M)\n"
BENCH_METHOD_HELP
"\n"
"calls are those of the kernel's DMA API to map it; segments are what the device has to be\n"
"told of; entries, those of the IOMMU's last tables, as its page sizes have it; bounced, bytes\n"
"that the kernel copies.\n"
"\n"
"examples:\n"
"  zcctl bench dma\n"
"  zcctl dma attach 00:04.0 --bits 64\n"
"  zcctl bench dma --target 00:04.0 --size 64M\n";

static const char notes[] =
"\n"
"Measured is the work of the kernel alone: the device moves nothing, so this does not say how\n"
"fast it reads and writes. In an emulated machine (QEMU's TCG) the IOMMU's walk through its\n"
"tables and its cache (IOTLB) are emulated, too: what it does to forget an address costs what\n"
"the emulation has it cost, while what the kernel does to map and unmap is what it does on any\n"
"machine. A list is always one call, and with an IOMMU often one segment; pages of it that happen\n"
"to lie in a row are one piece, so that it costs less where memory is in large pieces still.\n";

/* The order of the rows, and their numbers. */
static const char *const kinds[] = {
	[ZC_MEASURE_HEAP] = "heap",
	[ZC_MEASURE_PAGES] = "pages",
	[ZC_MEASURE_LIST] = "list",
	[ZC_MEASURE_BUFFER] = "zc-buffer",
};

#define NR_KINDS	(sizeof(kinds) / sizeof(*kinds))

/**
 * struct row - memory of a kind
 * @err:      0 or a negative errno
 * @map:      time to map all of it, of each run
 * @unmap:    to unmap it
 * @segments: of each run: how many pages lie in a row is chance
 * @entries:  of each run, for the same reason
 * @last:     what the module said last
 */
struct row {
	int err;
	struct bench_runs map;
	struct bench_runs unmap;
	struct bench_runs segments;
	struct bench_runs entries;
	struct zc_dma_measure last;
};

struct bench {
	char name[DMA_NAME];
	struct zc_dma_query target;
	uint64_t size;
	struct row rows[NR_KINDS];
};

/* Returns 0 or a negative errno. */
static int measure_once(struct bench *b, struct zc_context *zc, uint32_t kind, uint32_t handle)
{
	struct zc_dma_measure *last = &b->rows[kind].last;

	*last = (struct zc_dma_measure){ .target = b->target.target, .kind = kind };
	if (kind == ZC_MEASURE_BUFFER)
		last->handle = handle;
	else
		last->size = b->size;
	return ioctl(zc_fd(zc), ZC_IOC_DMA_MEASURE, last) ? -errno : 0;
}

/* All kinds in turn; the first round warms up. The buffer goes with the device. */
static void measure(struct bench *b, struct zc_context *zc)
{
	struct zc_buf_create buf = { .size = b->size, .node = ZC_NODE_ANY };
	unsigned int round, i, rounds = bench_method.repeat + 1;

	bench_pin(BENCH_SENDER);
	if (ioctl(zc_fd(zc), ZC_IOC_BUF_CREATE, &buf))
		b->rows[ZC_MEASURE_BUFFER].err = -errno;
	for (round = 0; round < rounds; round++)
		for (i = 0; i < NR_KINDS; i++) {
			struct row *row = &b->rows[i];

			out_progress("measuring", round * NR_KINDS + i, rounds * NR_KINDS);
			row->err = row->err ?: measure_once(b, zc, i, buf.handle);
			if (row->err || !round)
				continue;
			bench_runs_add(&row->map, row->last.map_ns);
			bench_runs_add(&row->unmap, row->last.unmap_ns);
			bench_runs_add(&row->segments, row->last.segments);
			bench_runs_add(&row->entries, row->last.entries);
		}
	out_progress_end();
}

static double per_mib(struct row *row, struct bench_runs *runs)
{
	return bench_per_mib(bench_runs_median(runs), row->last.size);
}

/* For the same bytes, or 0 */
static double times_as_much(struct row *row, struct bench_runs *runs, struct row *base,
			    struct bench_runs *base_runs)
{
	double of = base->err ? 0 : per_mib(base, base_runs);

	return of ? per_mib(row, runs) / of : 0;
}

/* The one of mapping or of unmapping that scatters more. */
static double spread(struct row *row)
{
	double map = bench_runs_spread(&row->map), unmap = bench_runs_spread(&row->unmap);

	return map > unmap ? map : unmap;
}

static bool is_less(struct bench_runs *runs, struct bench_runs *base)
{
	return bench_runs_median(runs) < bench_runs_median(base);
}

/* What the row needs less of than a buffer does: "calls, segments". */
static const char *fewer(struct bench *b, struct row *row, char *text, size_t size)
{
	struct row *zc = &b->rows[ZC_MEASURE_BUFFER];
	const struct {
		const char *name;
		bool less;
	} all[] = {
		{ "to map", times_as_much(row, &row->map, zc, &zc->map) < 1 },
		{ "to unmap", times_as_much(row, &row->unmap, zc, &zc->unmap) < 1 },
		{ "calls", row->last.calls < zc->last.calls },
		{ "segments", is_less(&row->segments, &zc->segments) },
		{ "entries", is_less(&row->entries, &zc->entries) },
		{ "bounced", row->last.bounced < zc->last.bounced },
	};
	size_t i, len = 0;

	*text = '\0';
	for (i = 0; row != zc && !zc->err && i < sizeof(all) / sizeof(*all); i++)
		if (all[i].less)
			len += snprintf(text + len, size - len, "%s%s", len ? ", " : "  <<< ",
					all[i].name);
	return text;
}

/* @what is map or unmap; @of_zc what it is of that of zc-buffer. */
static void json_cost(struct json_object *obj, const char *what, struct row *row,
		      struct bench_runs *runs, double of_zc)
{
	double cost = per_mib(row, runs);
	char key[32];

	snprintf(key, sizeof(key), "%s_ns", what);
	out_add_u64(obj, key, bench_runs_median(runs));
	snprintf(key, sizeof(key), "%s_ns_least", what);
	out_add_u64(obj, key, bench_runs_least(runs));
	snprintf(key, sizeof(key), "%s_ns_most", what);
	out_add_u64(obj, key, bench_runs_most(runs));
	snprintf(key, sizeof(key), "%s_ns_per_mib", what);
	out_add_double(obj, key, cost);
	snprintf(key, sizeof(key), "%s_of_zc", what);
	if (of_zc)
		out_add_double(obj, key, of_zc);
	else
		out_add_str(obj, key, NULL);
}

static void json_row(struct bench *b, struct row *row, struct json_object *obj)
{
	struct row *zc = &b->rows[ZC_MEASURE_BUFFER];

	json_cost(obj, "map", row, &row->map, times_as_much(row, &row->map, zc, &zc->map));
	json_cost(obj, "unmap", row, &row->unmap,
		  times_as_much(row, &row->unmap, zc, &zc->unmap));
	if (bench_method.icount)
		out_add_double(obj, "kinsn_per_mib",
			       (per_mib(row, &row->map) + per_mib(row, &row->unmap)) / 1000);
	else
		out_add_str(obj, "kinsn_per_mib", NULL);
	out_add_u64(obj, "calls", row->last.calls);
	out_add_u64(obj, "segments", bench_runs_median(&row->segments));
	if (b->target.state & ZC_DMA_TRANSLATED)
		out_add_u64(obj, "entries", bench_runs_median(&row->entries));
	else
		out_add_str(obj, "entries", NULL);
	out_add_u64(obj, "bounced_bytes", row->last.bounced);
	bench_row_spread(obj, spread(row), row->map.nr);
	bench_row_samples(obj, "map_ns", &row->map);
	bench_row_samples(obj, "unmap_ns", &row->unmap);
	out_add_u64(obj, "icount", bench_method.icount);
}

static void show_json(struct bench *b)
{
	struct json_object *rows = json_object_new_array();
	unsigned int i;

	for (i = 0; i < NR_KINDS; i++) {
		struct row *row = &b->rows[i];
		struct json_object *obj = bench_row("dma", kinds[i], BENCH_NONE,
						    row->err ? b->size : row->last.size);

		json_object_object_add(obj, "target", dma_json(&b->target));
		out_add_u64(obj, "processors", sysconf(_SC_NPROCESSORS_ONLN));
		if (row->err)
			out_add_str(obj, "error", strerror(-row->err));
		else
			json_row(b, row, obj);
		json_object_array_add(rows, obj);
	}
	bench_rows_show(rows);
}

static void text_cost(struct row *row, struct bench_runs *runs, double of_zc)
{
	char range[64];

	snprintf(range, sizeof(range), "%.0f to %.0f",
		 bench_per_mib(bench_runs_least(runs), row->last.size),
		 bench_per_mib(bench_runs_most(runs), row->last.size));
	printf(" %9.0f %19s ", per_mib(row, runs), range);
	if (of_zc)
		printf("%8.2f", of_zc);
	else
		printf("%8s", "-");
}

/* Does it need less of anything than a buffer? */
static bool text_row(struct bench *b, struct row *row)
{
	struct row *zc = &b->rows[ZC_MEASURE_BUFFER];
	char text[96], entries[32] = "-";
	const char *beats;

	text_cost(row, &row->map, times_as_much(row, &row->map, zc, &zc->map));
	text_cost(row, &row->unmap, times_as_much(row, &row->unmap, zc, &zc->unmap));
	if (b->target.state & ZC_DMA_TRANSLATED)
		snprintf(entries, sizeof(entries), "%llu",
			 (unsigned long long)bench_runs_median(&row->entries));
	printf(" %6llu %8llu %7s", (unsigned long long)row->last.calls,
	       (unsigned long long)bench_runs_median(&row->segments), entries);
	printf(" %9s", out_bytes(row->last.bounced, text, sizeof(text)));
	printf(" %7s", bench_spread_text(spread(row)));
	beats = fewer(b, row, text, sizeof(text));
	printf("%s%s\n", beats, bench_noisy_text(spread(row)));
	return *beats;
}

static void show_text(struct bench *b)
{
	bool beaten = false;
	char size[32];
	unsigned int i;

	printf("%s for target %u, %s: driver %s, addresses %s\n",
	       out_bytes(b->size, size, sizeof(size)), b->target.target, b->target.name,
	       *b->target.driver ? b->target.driver : "none", dma_addresses(&b->target));
	printf("%s per MiB, medians of %d rounds\n", bench_method.icount ? "instructions" : "ns",
	       bench_method.repeat);
	printf("%-9s %9s %19s %8s %9s %19s %8s %6s %8s %7s %9s %7s\n", "path", "to map",
	       "least to most", "of zc", "to unmap", "least to most", "of zc", "calls",
	       "segments", "entries", "bounced", "spread");
	for (i = 0; i < NR_KINDS; i++) {
		struct row *row = &b->rows[i];

		printf("%-9s", kinds[i]);
		if (row->err)
			printf(" not measured: %s\n", strerror(-row->err));
		else
			beaten |= text_row(b, row);
	}
	fputs(notes, stdout);
	if (beaten)
		puts("<<< beside a row: zc-buffer needs more than that, of what is named.");
}

/* Nothing could be measured. Returns an exit code. */
static int failed(const struct bench *b, int err)
{
	const char *hint = NULL;
	int ret = EX_FAILED;

	switch (err) {
	case EPERM:
	case EACCES:
		ret = EX_PERMISSION;
		hint = "run it as root";
		break;
	case ENOTTY:
		hint = "the module loaded cannot measure it";
		break;
	case ENODEV:
		hint = "the target has gone meanwhile";
		break;
	case ERANGE:
		hint = "the device does not reach the memory: 'zcctl dma' says how far it reaches";
		break;
	case EIO:
		hint = "no addresses, or bounce buffers, are left for the device: take less";
	}
	return out_error(ret, err, hint, "cannot measure what it costs to map memory for %s",
			 b->target.name);
}

static int run(struct bench *b)
{
	struct zc_context *zc;
	unsigned int i;
	int ret = device_open(&zc);

	if (ret)
		return ret;
	ret = dma_find(zc, b->name, &b->target);
	if (!ret)
		measure(b, zc);
	zc_close(zc);
	if (ret)
		return ret;
	for (i = 0; i < NR_KINDS && b->rows[i].err; i++)
		;
	if (i == NR_KINDS)
		return failed(b, -b->rows[0].err);
	if (out_json)
		show_json(b);
	else
		show_text(b);
	return EX_OK;
}

int bench_dma(int argc, char **argv)
{
	static struct bench b = { .size = ZC_HUGE_SIZE };
	const char *target = "0";
	const struct bench_option options[] = {
		{ "target", BENCH_TEXT, &target, 0, 0 },
		{ "size", BENCH_SIZE, &b.size, ZC_MEASURE_MAX, ZC_HUGE_SIZE },
		{ },
	};
	int ret = bench_options("bench dma", dma_bench_help, options, argc, argv);

	if (ret != BENCH_OPTION_TAKEN)
		return ret;
	if (!dma_named(target, b.name, sizeof(b.name)))
		return out_usage("bench dma: '%s' is neither the name nor the number of a target",
				 target);
	if (argc != optind)
		return out_usage("bench dma: takes no file");
	return bench_method_begin() ?: run(&b);
}
