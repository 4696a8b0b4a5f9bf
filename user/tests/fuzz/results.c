// SPDX-License-Identifier: GPL-2.0-only
/* Reports of zcctl bench, as zcctl bench compare and zcctl report read them. */
#include <string.h>

#include "bench/bench.h"
#include "fuzz.h"

static void compare(const uint8_t *data, size_t size, int how)
{
	/* Two reports, with a byte of ones between them; or one, with itself. */
	const uint8_t *end = memchr(data, 0xff, size);
	size_t first = end ? (size_t)(end - data) : size;
	char *words[] = {
		"compare", how & 4 ? "--all" : "--fail-worse=5", NULL, NULL, NULL,
	};

	out_json = how & 2;
	words[2] = fuzz_file(0, data, first);
	words[3] = end ? fuzz_file(1, end + 1, size - first - 1) : fuzz_file(1, data, size);
	fuzz_call(bench_compare, words);
}

static void report(const uint8_t *data, size_t size)
{
	char *words[] = { "report", "--output", "-", fuzz_file(0, data, size), NULL };

	out_json = false;
	fuzz_call(cmd_report, words);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	if (*data & 1)
		compare(data + 1, size - 1, *data);
	else
		report(data + 1, size - 1);
	return 0;
}
