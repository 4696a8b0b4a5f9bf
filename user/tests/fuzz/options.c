// SPDX-License-Identifier: GPL-2.0-only
/* The command line: words of commands that only look, where they find no module. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

/* None that runs for long, or changes, sends or writes anything. */
static char *const first[] = {
	"buffer", "leaks", "transfer", "status", "monitor", "--version",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *words[12] = { NULL }, *text, *at;
	int n = 0;

	if (size < 2)
		return 0;
	text = malloc(size + 1);
	memcpy(text, data, size);
	text[size] = '\0';
	fuzz_answers(NULL, 0);
	words[n++] = first[*data % (sizeof(first) / sizeof(*first))];
	for (at = strtok(text + 1, "\n"); at && n < 11; at = strtok(NULL, "\n"))
		words[n++] = at;
	fuzz_zcctl(words);
	free(text);
	return 0;
}
