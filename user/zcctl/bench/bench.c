// SPDX-License-Identifier: GPL-2.0-only
/* zcctl bench: the benchmarks. */
#include <stdio.h>
#include <string.h>

#include "bench.h"

static const struct command benches[] = {
	{ "io", bench_io, "send a file, by zc and by the usual ways" },
	{ "files", bench_files, "send many small files" },
	{ "many", bench_many, "many transfers under way at once" },
	{ "serve", bench_serve, "serve many connections: latency, memory, allocations" },
	{ "nic", bench_nic, "send to another host: copies and fragments" },
	{ "alloc", bench_alloc, "get memory and give it back" },
	{ "fault", bench_fault, "touch memory for the first time" },
	{ "numa", bench_numa, "memory near and far, and processes that are bound" },
	{ "write", bench_write, "write from buffers: what each costs, and the write" },
	{ "tlb", bench_tlb, "load from memory: what the processor's TLB makes of it" },
	{ "dma", bench_dma, "map memory for a device and unmap it" },
	{ "copybreak", bench_copybreak, "small sends by reference and by copy" },
	{ "compare", bench_compare, "two reports: what is better or worse, and how sure that is" },
};

static void help(void)
{
	size_t i;

	puts("usage: zcctl bench BENCHMARK [ARGUMENT…]\n"
	     "       zcctl bench BENCHMARK --help\n");
	for (i = 0; i < sizeof(benches) / sizeof(*benches); i++)
		printf("  %-9s %s\n", benches[i].name, benches[i].brief);
}

int cmd_bench(int argc, char **argv)
{
	size_t i;

	if (argc < 2)
		return out_usage("which benchmark?");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		help();
		return EX_OK;
	}
	for (i = 0; i < sizeof(benches) / sizeof(*benches); i++) {
		if (strcmp(argv[1], benches[i].name))
			continue;
		out_command(argv[1]);
		out_progress_unit = "runs";
		bench_environment_begin(argc - 1, argv + 1);
		return bench_method_end(benches[i].fn(argc - 1, argv + 1));
	}
	return out_usage("no benchmark '%s'", argv[1]);
}
