// SPDX-License-Identifier: GPL-2.0-only
/* zcctl: the commands, and what they share. */
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "zcctl.h"

static const struct command commands[] = {
	{ "load", cmd_load, "load the module" },
	{ "unload", cmd_unload, "unload it, or say who holds it" },
	{ "doctor", cmd_doctor, "look whether zc can work here, and say what mends it" },
	{ "status", cmd_status, "its version, parameters, memory, and what wants a look" },
	{ "alloc", cmd_alloc, "make and map a buffer, and show what it is" },
	{ "pool", cmd_pool, "hugepages kept ready on each NUMA node" },
	{ "buffer", cmd_buffer, "what buffers there are, and whose" },
	{ "leaks", cmd_leaks, "those that were destroyed, and are still there" },
	{ "transfer", cmd_transfer, "sends that are under way" },
	{ "stats", cmd_stats, "what was counted, once or as rates" },
	{ "top", cmd_top, "memory, rates, the biggest buffers and transfers, live" },
	{ "monitor", cmd_monitor, "what happens, a line for each event" },
	{ "dma", cmd_dma, "devices that use memory by themselves, and where they find it" },
	{ "send", cmd_send, "send a file to HOST:PORT without a copy" },
	{ "recv", cmd_recv, "receive on a TCP port" },
	{ "run", cmd_run, "run a program as it is, with its sendfile(2) by zc" },
	{ "bench", cmd_bench, "measure zc beside the usual ways" },
	{ "report", cmd_report, "a page of what was measured, in charts and words" },
};

static void help(void)
{
	size_t i;

	puts("zcctl: zero-copy hugepage buffers\n"
	     "\n"
	     "usage: zcctl [-j] [-p] COMMAND [ARGUMENT…]\n"
	     "       zcctl COMMAND --help\n");
	for (i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		printf("  %-8s %s\n", commands[i].name, commands[i].brief);
	puts("  help     zcctl help COMMAND: the same as zcctl COMMAND --help\n"
	     "\n"
	     "  -j, --json     results and errors as JSON: bytes and ns, never rounded\n"
	     "  -p, --pretty   the same, indented\n"
	     "  -V, --version  version of zcctl\n"
	     "\n"
	     "Sizes take K, M, G and T, in binary units.\n"
	     "\n"
	     "A first walk:\n"
	     "  sudo zcctl load --path ./zc.ko\n"
	     "  sudo zcctl alloc 64M\n"
	     "  zcctl recv 4000 -o copy &\n"
	     "  sudo zcctl send FILE localhost:4000\n"
	     "\n"
	     "exit codes: 0 done, 1 failed, 2 wrong usage, 3 module not loaded,\n"
	     "            4 no permission, 5 'leaks' found some,\n"
	     "            6 'bench --strict': noisy");
}

/* -j and -p may stand anywhere before "--". Returns the new argc. */
static int take_common(int argc, char **argv)
{
	int i, n = 1;
	bool literal = false;

	for (i = 1; i < argc; i++) {
		literal |= !strcmp(argv[i], "--");
		if (!literal && (!strcmp(argv[i], "-j") || !strcmp(argv[i], "--json")))
			out_json = true;
		else if (!literal && (!strcmp(argv[i], "-p") || !strcmp(argv[i], "--pretty") ||
				      !strcmp(argv[i], "-jp") || !strcmp(argv[i], "-pj")))
			out_pretty = true;
		else
			argv[n++] = argv[i];
	}
	argv[n] = NULL;
	return n;
}

/* "help bench io" is "bench io --help". */
static void turn_help(int argc, char **argv)
{
	memmove(argv + 1, argv + 2, (argc - 2) * sizeof(*argv));
	argv[argc - 1] = "--help";
}

/* What is opened next must not become the standard output that a caller has closed. */
static void fill_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

static int run(int argc, char **argv)
{
	size_t i;

	argc = take_common(argc, argv);
	out_json |= out_pretty;
	if (argc < 2)
		return out_usage("which command?");
	if (!strcmp(argv[1], "help") && argc > 2)
		turn_help(argc, argv);
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") ||
	    !strcmp(argv[1], "help")) {
		help();
		return EX_OK;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		puts("zcctl " ZC_VERSION);
		return EX_OK;
	}
	for (i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (strcmp(argv[1], commands[i].name))
			continue;
		out_command(argv[1]);
		return commands[i].fn(argc - 1, argv + 1);
	}
	return out_usage(*argv[1] == '-' ? "'%s' is no option" : "no command '%s'", argv[1]);
}

static void (*sigpipe)(int);

/* Who is run in the place of zcctl has what zcctl was started with. */
void main_restore(void)
{
	signal(SIGPIPE, sigpipe);
}

int main(int argc, char **argv)
{
	sigpipe = signal(SIGPIPE, SIG_IGN);
	fill_standard();
	/* What goes on for long is flushed line by line, where it can be seen what went wrong. */
	if (!isatty(STDOUT_FILENO))
		setvbuf(stdout, NULL, _IOFBF, BUFSIZ);
	opterr = 0;	/* errors are ours to report, maybe as JSON */
	return out_finish(run(argc, argv));
}
