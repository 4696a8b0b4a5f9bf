// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the environment says. What is not understood is as if it was not there. */
#include <stdlib.h>
#include <string.h>

#include "preload.h"

/*
 * From 64 KiB on zc takes fewer instructions even of what the page cache has (0.84 of
 * sendfile's, see Documentation/benchmarks/sockets.rst); smaller files are at best as cheap,
 * and better off in the cache, for the next who asks.
 */
#define MIN_DEFAULT	65536

struct settings settings = { .mode = MODE_AUTO, .min = MIN_DEFAULT };

static const char *const modes[] = {
	[MODE_AUTO] = "auto",
	[MODE_OFF] = "off",
	[MODE_DIRECT] = "direct",
	[MODE_CACHED] = "cached",
};

static void read_mode(const char *text)
{
	unsigned int i;

	for (i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		if (!strcmp(text, modes[i]))
			settings.mode = i;
}

static void read_min(const char *text)
{
	unsigned long long val;
	char *end;

	if (*text < '0' || *text > '9')
		return;
	val = strtoull(text, &end, 10);
	if (!*end)
		settings.min = val;
}

/*
 * settings_read - take what the environment says; a program may change it later
 *
 * In a program that gains rights nothing is taken: /etc/ld.so.preload may load the library into
 * it, and the environment is that of who has fewer rights.
 */
void settings_read(void)
{
	const char *mode = secure_getenv("ZC_SENDFILE"), *min = secure_getenv("ZC_SENDFILE_MIN");
	const char *file = secure_getenv("ZC_SENDFILE_LOG");

	if (mode)
		read_mode(mode);
	if (min)
		read_min(min);
	if (file && strlen(file) < sizeof(settings.log))
		memcpy(settings.log, file, strlen(file) + 1);
}
