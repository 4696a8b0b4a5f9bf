// SPDX-License-Identifier: GPL-2.0-only
/* zcctl run: a program as it is, whose sendfile(2) goes through zc. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "program.h"
#include "zcctl.h"

#define LIBRARY	"libzc-sendfile.so"

static const char run_help[] =
"usage: zcctl run [OPTION…] -- PROGRAM [ARGUMENT…]\n"
"\n"
"Run a program as it is, with its sendfile(2) of files to TCP sockets done by zc: by\n"
LIBRARY ", which LD_PRELOAD has loaded. Where there is no module, or zc cannot\n"
"do it, sendfile(2) does it as ever. Nothing is to be seen of it but by --log.\n"
"\n"
"  --mode MODE     auto (default): around the page cache, and what is asked for again\n"
"                  within a minute by way of it; direct: around it, always; cached: by\n"
"                  way of it; off: by the kernel\n"
"  --min N         leave files of fewer bytes, and smaller pieces of files, to the kernel\n"
"                  (default 64K; K, M, G, T: binary units)\n"
"  --log FILE      add a line of JSON for each process that has sent files, when it ends\n"
"  --library FILE  this library (default: that beside zcctl, or of its installation)\n"
"\n"
"These are ZC_SENDFILE, ZC_SENDFILE_MIN and ZC_SENDFILE_LOG of the environment.\n"
"\n"
"It has no effect on programs that are linked statically, or gain rights when they are\n"
"run (setuid): these are refused. Nor has it on what asks the kernel for itself, without\n"
"the C library, as programs in Go do.\n"
"\n"
"examples:\n"
"  sudo zcctl run -- nginx -g 'daemon off;'\n"
"  zcctl run --mode direct --log /tmp/log -- nginx -g 'daemon off;'\n";

/**
 * struct job - what is to be run
 * @library: path of the library
 * @program: path of the program
 * @argv:    its arguments
 */
struct job {
	char *library;
	char *program;
	char **argv;
};

/* Where it may be, from the folder of zcctl: where it is built, and where it is installed. */
static const char *const places[] = {
	"", "../lib/", "../lib64/", "../lib/" ZC_MULTIARCH "/",
};

/* Returns the library's path, the caller's to free; or NULL. */
static char *find_library(void)
{
	char self[PATH_MAX], *slash, *path, *real;
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	size_t i;

	if (len < 0)
		return NULL;
	self[len] = '\0';
	slash = strrchr(self, '/');
	for (i = 0; slash && i < sizeof(places) / sizeof(*places); i++) {
		if (asprintf(&path, "%.*s/%s" LIBRARY, (int)(slash - self), self, places[i]) < 0)
			return NULL;
		real = realpath(path, NULL);
		free(path);
		if (real && !access(real, R_OK))
			return real;
		free(real);
	}
	return NULL;
}

/* LD_PRELOAD knows no quotes: what parts its words, or stands for others, must not be in them. */
static int check_library(const struct job *job)
{
	if (strpbrk(job->library, " :\t\n$"))
		return out_error(EX_FAILED, 0, "give it by --library in another place",
				 "LD_PRELOAD takes no path with blanks, colons or '$': '%s'",
				 job->library);
	return EX_OK;
}

static int take_library(struct job *job, const char *wanted)
{
	job->library = wanted ? realpath(wanted, NULL) : find_library();
	if (!job->library && wanted)
		return out_error(EX_FAILED, errno, NULL, "%s", wanted);
	if (!job->library)
		return out_error(EX_FAILED, 0,
				 "'make user' builds it, 'make install' installs it, "
				 "and --library says where it is",
				 LIBRARY " is not beside zcctl, nor in ../lib");
	return check_library(job);
}

static int check_program(const struct job *job)
{
	char path[PATH_MAX];

	switch (program_kind(job->program, job->library, path, sizeof(path))) {
	case PROGRAM_STATIC:
		return out_error(EX_FAILED, 0,
				 "libzc has zc_sendfile() for programs that can be changed",
				 "%s is linked statically: LD_PRELOAD has no effect on it", path);
	case PROGRAM_PRIVILEGED:
		return out_error(EX_FAILED, 0,
				 "as the user that it changes to, it can be run so",
				 "%s gains rights when it is run: LD_PRELOAD has no effect on it",
				 path);
	case PROGRAM_FOREIGN:
		return out_error(EX_FAILED, 0, "--library may be one that is built for it",
				 "%s is of another kind than %s", path, job->library);
	default:
		return EX_OK;
	}
}

/* In front of what was there before. */
static int set_preload(const struct job *job)
{
	const char *old = getenv("LD_PRELOAD");
	char *val;
	int err;

	if (!old || !*old)
		return setenv("LD_PRELOAD", job->library, 1);
	if (asprintf(&val, "%s:%s", job->library, old) < 0)
		return -1;
	err = setenv("LD_PRELOAD", val, 1);
	free(val);
	return err;
}

/* Returns only if it fails. */
static int run_program(const struct job *job)
{
	if (set_preload(job))
		return out_error(EX_FAILED, errno, NULL, "LD_PRELOAD");
	main_restore();
	out_flush();
	/* As a shell does it: what is of no kind that the kernel knows is a script of sh. */
	execvp(job->program, job->argv);
	return out_error(EX_FAILED, errno, NULL, "%s", job->program);
}

static int run_job(struct job *job, const char *library)
{
	int ret = take_library(job, library);

	if (ret)
		return ret;
	job->program = program_find(job->argv[0]);
	if (!job->program)
		return out_error(EX_FAILED, errno, NULL, "%s", job->argv[0]);
	ret = check_program(job);
	return ret ? ret : run_program(job);
}

static bool is_mode(const char *mode)
{
	return !strcmp(mode, "auto") || !strcmp(mode, "direct") || !strcmp(mode, "cached") ||
	       !strcmp(mode, "off");
}

static int set_min(const char *text)
{
	uint64_t min;
	char val[32];

	if (!parse_size(text, &min))
		return out_usage("run: '%s' is no size", text);
	snprintf(val, sizeof(val), "%llu", (unsigned long long)min);
	return setenv("ZC_SENDFILE_MIN", val, 1);
}

/* The program may have another folder by the time it is written. */
static int set_log(const char *file)
{
	int fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	char *path;

	if (fd < 0)
		return out_error(EX_FAILED, errno, NULL, "%s", file);
	close(fd);
	path = realpath(file, NULL);
	if (!path || setenv("ZC_SENDFILE_LOG", path, 1))
		return out_error(EX_FAILED, errno, NULL, "%s", file);
	free(path);
	return EX_OK;
}

static int take_option(int c, char **argv, const char **library)
{
	switch (c) {
	case 'm':
		if (!is_mode(optarg))
			return out_usage("run: --mode auto, direct, cached or off");
		return setenv("ZC_SENDFILE", optarg, 1);
	case 'n':
		return set_min(optarg);
	case 'l':
		return set_log(optarg);
	case 'f':
		*library = optarg;
		return EX_OK;
	case ':':
		return out_no_value("run", argv);
	default:
		return out_bad_option("run", argv);
	}
}

int cmd_run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "mode", required_argument, NULL, 'm' },
		{ "min", required_argument, NULL, 'n' },
		{ "log", required_argument, NULL, 'l' },
		{ "library", required_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ },
	};
	const char *library = NULL;
	struct job job = { };
	int c, ret;

	/* Options after the program's name are the program's. */
	while ((c = getopt_long(argc, argv, "+:h", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(run_help, stdout);
			return EX_OK;
		}
		ret = take_option(c, argv, &library);
		if (ret)
			return ret;
	}
	if (optind == argc || strcmp(argv[optind - 1], "--"))
		return out_usage("run: the program comes after --, as in zcctl run -- nginx");
	job.argv = argv + optind;
	ret = run_job(&job, library);
	free(job.library);
	free(job.program);
	return ret;
}
