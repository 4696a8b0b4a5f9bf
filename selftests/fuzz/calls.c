// SPDX-License-Identifier: GPL-2.0-only
/* The table of all calls. */
#include "fuzz.h"

const struct call *calls[CALLS_MAX];
unsigned int nr_calls;

void calls_init(void)
{
	static const struct call *const parts[] = {
		ioctl_calls, fd_calls, memory_calls, socket_calls, file_calls, family_calls,
		ring_calls,
	};
	const struct call *call;
	unsigned int i;

	for (i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		for (call = parts[i]; call->name && nr_calls < CALLS_MAX; call++)
			calls[nr_calls++] = call;
}

/* What is lost in a race is little. */
void call_done(unsigned int call, long ret)
{
	struct count *count = &shared->count[call];

	count->tries++;
	if (ret >= 0)
		count->good++;
	else if (-ret < ERRNO_MAX)
		count->error[-ret]++;
}
