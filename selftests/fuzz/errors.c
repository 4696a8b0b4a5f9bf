// SPDX-License-Identifier: GPL-2.0-only
/* How calls may fail: as the headers say, and the specification of the family. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fuzz.h"

struct may {
	const char *call;
	int error;
};

static const struct may named[] = {
#include "errors.h"
};

/*
 * Of all calls: <linux/zc.h>, at its beginning; and what a descriptor is told that is not open, or
 * is that of something else.
 */
static const int all[] = { E2BIG, EINVAL, EBADF, ENOTTY };

static bool is_named(const char *call, int error)
{
	unsigned int i;

	for (i = 0; i < sizeof(named) / sizeof(*named); i++)
		if (named[i].error == error && !strcmp(named[i].call, call))
			return true;
	return false;
}

bool error_known(const char *call, int error)
{
	unsigned int i;

	for (i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (all[i] == error)
			return true;
	return is_named(call, error);
}

/* "buffer_dump" is a dump of "buffer-get". */
bool command_error_known(const char *call, int error)
{
	char name[32];
	char *what;

	snprintf(name, sizeof(name), "%s", call);
	what = strchr(name, '_');
	*what++ = '-';
	if (!strcmp(what, "dump"))
		memcpy(what, "get", sizeof("get"));
	return is_named("all", error) || is_named(name, error);
}
