// SPDX-License-Identifier: GPL-2.0-only
/* What zcctl makes of what it is answered by netlink, in all views of it. */
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
	{ "monitor", "--count", "9" }, { "-j", "dma" }, { "dma" }, { "top" },
};

/* Whoever looks at the terminal. */
static void *look(void *arg)
{
	int master = *(int *)arg;
	char text[4096];

	while (read(master, text, sizeof(text)) > 0)
		;
	return NULL;
}

/* A terminal for what wants one, where "q" was pressed. */
static void terminal(void)
{
	static int master = -1;
	pthread_t thread;
	int slave;

	if (master < 0) {
		master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
		if (grantpt(master) || unlockpt(master))
			abort();
		slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
		if (dup2(slave, STDIN_FILENO) || dup2(slave, STDOUT_FILENO) != STDOUT_FILENO ||
		    pthread_create(&thread, NULL, look, &master))
			abort();
		close(slave);
	}
	if (write(master, "q", 1) != 1)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char **view;

	if (!size)
		return 0;
	view = views[*data % (sizeof(views) / sizeof(*views))];
	fuzz_answers(data + 1, size - 1);
	if (!strcmp(*view, "top"))
		terminal();
	fuzz_zcctl(view);
	return 0;
}
