// SPDX-License-Identifier: GPL-2.0-only
/* What zcctl makes of what it is answered by netlink, in all views of it. */
#include "fuzz.h"

#define WORDS	6

static char *views[][WORDS] = {
	{ "-j", "buffer" }, { "buffer" }, { "-j", "buffer", "show", "1" },
	{ "buffer", "show", "1" },
	{ "-j", "leaks" }, { "leaks" }, { "-j", "transfer" }, { "transfer" },
	{ "-j", "transfer", "show", "1" }, { "transfer", "show", "1" },
	{ "-j", "stats" }, { "stats" }, { "stats", "--prometheus" },
	{ "-j", "status" }, { "status" },
	{ "-j", "pool" }, { "pool" }, { "-j", "monitor", "--count", "9" },
	{ "monitor", "--count", "9" }, { "-j", "dma" }, { "dma" },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	fuzz_answers(data + 1, size - 1);
	fuzz_zcctl(views[*data % (sizeof(views) / sizeof(*views))]);
	return 0;
}
