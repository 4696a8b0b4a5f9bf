// SPDX-License-Identifier: GPL-2.0-only
/* The environment, as libzc-sendfile.so reads it in programs of others. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "../../preload/preload.h"

static const char *const names[] = { "ZC_SENDFILE", "ZC_SENDFILE_MIN", "ZC_SENDFILE_LOG" };

#define NAMES	(sizeof(names) / sizeof(*names))

/* Parts end with a newline; what has no part is not set. setenv() would keep each for good. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *at = text, *part = NULL, *env[NAMES + 1] = { 0 };
	char **before = environ;
	size_t i;

	memcpy(text, data, size);
	text[size] = '\0';
	for (i = 0; i < NAMES; i++) {
		part = strsep(&at, "\n");
		if (!part)
			break;
		if (asprintf(&env[i], "%s=%s", names[i], part) < 0)
			abort();
	}
	environ = env;
	settings = (struct settings){ };
	settings_read();
	environ = before;
	if (settings.mode > MODE_CACHED || !memchr(settings.log, '\0', sizeof(settings.log)))
		abort();
	/* The name of the file is taken as it is, or not at all. */
	if (strcmp(settings.log, part && strlen(part) < sizeof(settings.log) ? part : ""))
		abort();
	for (i = 0; i < NAMES; i++)
		free(env[i]);
	free(text);
	return 0;
}
