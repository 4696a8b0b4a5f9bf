// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz [--seed N] [--processes P] [--threads T] [--seconds S] [--calls N] [--trace]
 *      [--times]
 *
 * Call the module at random, as one that knows it, until so many seconds have passed or so
 * many calls were made; the processes are killed now and then, and others take their place.
 * Then all that they had must be gone. Without options it is a test of a minute.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "edu.h"
#include "fuzz.h"
#include "kselftest.h"
#include "state.h"

/* What must be gone is waited for so long. */
#define PATIENCE_MS	120000

struct shared *shared;

static unsigned int processes = 3, nr_threads = 4, seconds = 60;
static pid_t pids[PROCESSES_MAX];
static unsigned int generation;
/* Processes that ended before they were told to, but for those that were killed */
static unsigned int died;

static const char *const params[] = {
	"max_bytes", "held_after", "idle_after", "copybreak", "depth", "uring_life",
};

#define PARAMS	(sizeof(params) / sizeof(*params))
static long long param[PARAMS];

static void usage(void)
{
	fputs("usage: fuzz [--seed N] [--processes P] [--threads T] [--seconds S] [--calls N]\n"
	      "            [--trace] [--times]\n", stderr);
	exit(2);
}

static void options(int argc, char **argv)
{
	static const struct option names[] = {
		{ "seed", 1, NULL, 's' }, { "processes", 1, NULL, 'p' },
		{ "threads", 1, NULL, 't' }, { "seconds", 1, NULL, 'S' },
		{ "calls", 1, NULL, 'n' }, { "trace", 0, NULL, 'T' },
		{ "times", 0, NULL, 'm' }, { }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		unsigned long long val = optarg ? strtoull(optarg, NULL, 0) : 0;

		switch (c) {
		case 's':
			shared->seed = val;
			break;
		case 'p':
			processes = val;
			break;
		case 't':
			nr_threads = val;
			break;
		case 'S':
			seconds = val;
			break;
		case 'n':
			shared->limit = val;
			break;
		case 'T':
			shared->trace = true;
			break;
		case 'm':
			shared->times = true;
			break;
		default:
			usage();
		}
	}
	if (optind != argc || !processes || processes > PROCESSES_MAX || !nr_threads ||
	    nr_threads > THREADS_MAX)
		usage();
}

static void start(unsigned int nr)
{
	generation++;
	pids[nr] = fork();
	if (!pids[nr])
		process_run(nr, generation, nr_threads);
}

static void progress(uint64_t since)
{
	uint64_t ms = zct_now_ms() - since;

	ksft_print_msg("%llu s: %llu calls, %u places, %u programs kept\n", ms / 1000ull,
		       (unsigned long long)shared->calls, shared->nr_pcs, shared->programs);
}

/* Those that have ended by themselves or were killed are made anew. */
static void watch(void)
{
	uint64_t begin = zct_now_ms(), rng = shared->seed, said = begin;
	unsigned int i;
	int status;

	while (!shared->stop) {
		usleep(100000);
		if (seconds && zct_now_ms() - begin > seconds * 1000ull)
			shared->stop = true;
		if (zct_now_ms() - said > 10000) {
			said = zct_now_ms();
			progress(begin);
		}
		if (rng_next(&rng) % 64 == 0)
			kill(pids[rng_next(&rng) % processes], SIGKILL);
		for (i = 0; i < processes && !shared->stop; i++) {
			if (waitpid(pids[i], &status, WNOHANG) != pids[i])
				continue;
			if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
				ksft_print_msg("a process ended with 0x%x\n", status);
				died++;
			}
			start(i);
		}
	}
	progress(begin);
}

static void show_stacks(pid_t pid)
{
	char command[160];

	snprintf(command, sizeof(command),
		 "grep -H . /proc/%d/task/*/stack /proc/%d/task/*/wchan | sed 's/^/# /'", pid, pid);
	if (system(command))
		ksft_print_msg("no stacks of process %d\n", pid);
}

/* Returns how many there are that do not end. */
static unsigned int end(void)
{
	uint64_t since = zct_now_ms();
	unsigned int i, hung = 0;

	for (i = 0; i < processes; i++) {
		/* By itself, if it can; it has a device open, which is a way of its own. */
		while (!waitpid(pids[i], NULL, WNOHANG)) {
			if (zct_now_ms() - since > PATIENCE_MS / 4)
				kill(pids[i], SIGKILL);
			if (zct_now_ms() - since > PATIENCE_MS) {
				show_stacks(pids[i]);
				hung++;
				break;
			}
			usleep(20000);
		}
	}
	return hung;
}

/* Nobody has a buffer, a transfer or a mapping any more. */
static bool all_gone(void)
{
	uint64_t until = zct_now_ms() + PATIENCE_MS;
	struct state now = { 0 };
	int fd = zct_open();
	bool gone = false;

	while (fd >= 0 && !gone && zct_now_ms() < until) {
		gone = !state_now(fd, &now) && !now.buffers && !now.used && !now.held &&
		       !now.mappings && !now.transfers;
		if (!gone)
			usleep(50000);
	}
	if (!gone)
		ksft_print_msg("%llu buffers, %llu bytes, %llu held, %llu mappings, %llu sends\n",
			       (unsigned long long)now.buffers, (unsigned long long)now.used,
			       (unsigned long long)now.held, (unsigned long long)now.mappings,
			       (unsigned long long)now.transfers);
	close(fd);
	return gone;
}

static uint64_t features(void)
{
	struct zc_query query = { 0 };
	int fd = zct_open();

	ioctl(fd, ZC_IOC_QUERY, &query);
	close(fd);
	return query.features;
}

/* The two most frequent ways to fail. */
static void show_errors(const struct count *count, char *text, size_t size)
{
	unsigned int i, n, last = 0, len = 0;

	text[0] = 0;
	for (n = 0; n < 2; n++) {
		unsigned int most = 0;

		for (i = 1; i < ERRNO_MAX; i++)
			if (i != last && count->error[i] > count->error[most])
				most = i;
		if (!count->error[most])
			return;
		len += snprintf(text + len, size - len, ", %s %llu %%", strerrorname_np(most),
				100ull * count->error[most] / count->tries);
		last = most;
	}
}

static void show_call(const struct call *call, const struct count *count, bool may)
{
	char errors[128], times[32] = "";

	show_errors(count, errors, sizeof(errors));
	if (shared->times && count->tries)
		snprintf(times, sizeof(times), " %8llu ns",
			 (unsigned long long)(count->ns / count->tries));
	ksft_print_msg("%-16s%9llu calls%s, %3llu %% succeeded%s%s\n", call->name,
		       (unsigned long long)count->tries, times,
		       count->tries ? 100ull * count->good / count->tries : 0, errors,
		       may ? "" : "; it cannot here");
}

/* A call that never succeeds is a mistake of the fuzzer. */
static bool all_succeed(uint64_t have)
{
	bool fine = true;
	unsigned int i;

	for (i = 0; i < nr_calls; i++) {
		const struct count *count = &shared->count[i];
		const struct call *call = calls[i];
		bool may = !(call->needs & ~have) && (shared->edu || !call->edu);

		show_call(call, count, may);
		/* Of few calls no one may have had what it needs. */
		if (may && count->tries >= 100 && !count->good)
			fine = false;
	}
	return fine;
}

/* None failed in a way that is not documented. */
static bool none_strays(void)
{
	bool fine = true;
	unsigned int i;

	for (i = 0; i < nr_calls; i++) {
		if (!shared->stray[i])
			continue;
		ksft_print_msg("%s: %s is not documented\n", calls[i]->name,
			       strerrorname_np(shared->stray[i]));
		fine = false;
	}
	return fine;
}

static void prepare(struct edu *edu)
{
	unsigned int i;
	int fd;

	for (i = 0; i < PARAMS; i++)
		param[i] = zct_param(params[i]);
	zct_param_set("max_bytes", LIMIT);
	zct_sysctl("vm/nr_hugepages", "8", NULL, 0);
	chmod("/dev/zc", 0666);
	fds_init();
	for (i = 0; i < SHARED_DEVS; i++)
		fd_put(FD_DEV, i, open("/dev/zc", O_RDWR | O_NONBLOCK | O_CLOEXEC));
	shared->edu = edu_find(edu, 0) && !edu_bind(edu, EDU_DRIVER);
	shared->dma_debug = !access("/sys/kernel/debug/dma-api", F_OK);
	fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
	ksft_print_msg("%s feedback of the kernel (KCOV)\n", fd < 0 ? "no" : "with");
	close(fd);
}

static void restore(const struct edu *edu)
{
	unsigned int i;

	/* The last descriptors that all had */
	for (i = 0; i < SHARED_DEVS; i++)
		close(fd_get(FD_DEV, i));
	if (shared->edu)
		edu_unbind(edu);
	for (i = 0; i < PARAMS; i++)
		zct_param_set(params[i], param[i]);
	zct_sysctl("vm/nr_hugepages", "0", NULL, 0);
	chmod("/dev/zc", 0660);
	files_remove();
}

static bool unload(void)
{
	int ret = zct_unload(PATIENCE_MS);

	if (ret)
		ksft_print_msg("it cannot be unloaded: %s\n", strerror(-ret));
	return !ret;
}

static void verify(uint64_t have)
{
	ksft_test_result(all_succeed(have), "each call succeeds now and then\n");
	ksft_test_result(none_strays(), "each error of an ioctl or a command is documented\n");
	ksft_test_result(!zct_param_set("reserve", 0) && all_gone(),
			 "no buffers, transfers or mappings are left\n");
	ksft_test_result(unload(), "the module can be unloaded\n");
}

int main(int argc, char **argv)
{
	unsigned int i, hung;
	struct edu edu;
	uint64_t have;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (shared == MAP_FAILED)
		return 2;
	shared->seed = time(NULL) * 1000003ull ^ getpid();
	options(argc, argv);
	ksft_print_header();
	i = zct_open();
	if ((int)i < 0)
		ksft_exit_skip("no /dev/zc\n");
	close(i);
	ksft_set_plan(6);
	calls_init();
	if (files_make())
		ksft_exit_fail_msg("no files to send\n");
	prepare(&edu);
	have = features();
	ksft_print_msg("fuzz --seed %llu --processes %u --threads %u\n",
		       (unsigned long long)shared->seed, processes, nr_threads);
	for (i = 0; i < processes; i++)
		start(i);
	watch();
	hung = end();
	restore(&edu);
	ksft_test_result(!hung, "all processes end\n");
	ksft_test_result(!died, "none of them ends before\n");
	verify(have);
	ksft_finished();
}
