// SPDX-License-Identifier: GPL-2.0-only
/* How calls may fail: as the headers say. */
#include <errno.h>
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

bool error_known(const char *call, int error)
{
	unsigned int i;

	for (i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (all[i] == error)
			return true;
	for (i = 0; i < sizeof(named) / sizeof(*named); i++)
		if (named[i].error == error && !strcmp(named[i].call, call))
			return true;
	return false;
}
