// SPDX-License-Identifier: GPL-2.0-only
/* What the harnesses for libFuzzer share: zcctl as a function, files in memory. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "zcctl.h"

/* main() of zcctl, by another name */
int zcctl_main(int argc, char **argv);

int fuzz_call(int (*fn)(int argc, char **argv), char **words)
{
	int argc = 0;

	while (words[argc])
		argc++;
	/* It begins anew, as the C library has it. */
	optind = 0;
	opterr = 0;
	return fn(argc, words);
}

int fuzz_zcctl(char **words)
{
	char *argv[16] = { "zcctl" };
	int argc = 1;

	while (*words && argc < 15)
		argv[argc++] = *words++;
	argv[argc] = NULL;
	out_json = false;
	out_pretty = false;
	return fuzz_call(zcctl_main, argv);
}

char *fuzz_file(int nr, const uint8_t *data, size_t size)
{
	static int fds[2] = { -1, -1 };
	static char names[2][32];

	if (fds[nr] < 0)
		fds[nr] = memfd_create("fuzz", MFD_CLOEXEC);
	if (ftruncate(fds[nr], 0) || pwrite(fds[nr], data, size, 0) != (ssize_t)size)
		abort();
	snprintf(names[nr], sizeof(names[nr]), "/proc/self/fd/%d", fds[nr]);
	return names[nr];
}
