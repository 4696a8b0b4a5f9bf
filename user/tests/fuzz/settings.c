// SPDX-License-Identifier: GPL-2.0-only
/* The environment, as libzc-sendfile.so reads it in programs of others. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "../../preload/preload.h"

static const char *const names[] = { "ZC_SENDFILE", "ZC_SENDFILE_MIN", "ZC_SENDFILE_LOG" };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *at = text, *log = NULL;
	size_t i;

	memcpy(text, data, size);
	text[size] = '\0';
	/* Parts end with a newline; what has no part is not set. */
	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char *part = strsep(&at, "\n");

		if (!part)
			unsetenv(names[i]);
		else if (setenv(names[i], part, 1))
			abort();
		log = part;
	}
	settings = (struct settings){ };
	settings_read();
	if (settings.mode > MODE_CACHED || !memchr(settings.log, '\0', sizeof(settings.log)))
		abort();
	/* The name of the file is taken as it is, or not at all. */
	if (strcmp(settings.log, log && strlen(log) < sizeof(settings.log) ? log : ""))
		abort();
	free(text);
	return 0;
}
