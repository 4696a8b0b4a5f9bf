// SPDX-License-Identifier: GPL-2.0-only
/* How all benchmarks measure: the options that they share, processors, noise. */
#include <errno.h>
#include <glob.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "method.h"

#define REPEAT		3

/*
 * Above this a row is noisy. Of runs that scatter as a normal distribution, from the least to
 * the most of three is 1.69 times the standard deviation in the mean, and the interquartile
 * range of many 1.35 times: 10 and 8 % of the median both stand for one of 5.9 %.
 */
#define NOISE		0.10
#define NOISE_IQR	0.08
/* The same where clocks count instructions. */
#define ICOUNT_OF	0.2

/* Above what a char may be */
enum option_code {
	OPT_REPEAT = 256,
	OPT_ICOUNT,
	OPT_PIN,
	OPT_NOISE,
	OPT_STRICT,
	OPT_TUNE,
};

static const struct option shared[] = {
	{ "repeat", required_argument, NULL, OPT_REPEAT },
	{ "icount", no_argument, NULL, OPT_ICOUNT },
	{ "pin", required_argument, NULL, OPT_PIN },
	{ "noise", required_argument, NULL, OPT_NOISE },
	{ "strict", no_argument, NULL, OPT_STRICT },
	{ "tune", no_argument, NULL, OPT_TUNE },
	{ "help", no_argument, NULL, 'h' },
};

#define NR_SHARED	(sizeof(shared) / sizeof(*shared))
#define OWN_MAX		32

struct bench_method bench_method = { .repeat = REPEAT };

/* A row was noisy. */
static bool noise_seen;

/* The processors to run on, in turn; none: wherever the kernel likes. */
static int cpus[CPU_SETSIZE];
static unsigned int nr_cpus;

static int parse_noise(const char *bench, const char *text)
{
	char *end;
	double percent = strtod(text, &end);

	if (end == text || *end || !(percent > 0) || percent > 1000)
		return out_usage("%s: --noise takes percent, not '%s'", bench, text);
	bench_method.noise = percent / 100;
	return BENCH_OPTION_TAKEN;
}

/**
 * bench_getopt - getopt_long() with the options that all have, and --help as 'h'
 * @argc: from the benchmark's name on
 * @argv: from there
 * @own:  its own options, fewer than OWN_MAX, up to an empty one
 *
 * Returns: as getopt_long(), for options that begin with ':'.
 */
int bench_getopt(int argc, char **argv, const struct option *own)
{
	static struct option all[OWN_MAX + NR_SHARED];
	size_t nr = 0;

	while (nr < OWN_MAX - 1 && own[nr].name) {
		all[nr] = own[nr];
		nr++;
	}
	memcpy(&all[nr], shared, sizeof(shared));
	return getopt_long(argc, argv, ":h", all, NULL);
}

/**
 * bench_method_option - for what bench_getopt() says that a benchmark does not know itself
 * @bench: its name
 * @c:     from bench_getopt()
 * @argv:  for messages
 *
 * Returns: BENCH_OPTION_TAKEN, or an exit code after an error message.
 */
int bench_method_option(const char *bench, int c, char **argv)
{
	switch (c) {
	case OPT_REPEAT:
		if (!parse_int(optarg, 1, BENCH_RUNS_MAX, &bench_method.repeat))
			return out_usage("%s: --repeat 1 to %d", bench, BENCH_RUNS_MAX);
		break;
	case OPT_ICOUNT:
		bench_method.icount = true;
		break;
	case OPT_PIN:
		bench_method.pin = optarg;
		break;
	case OPT_NOISE:
		return parse_noise(bench, optarg);
	case OPT_STRICT:
		bench_method.strict = true;
		break;
	case OPT_TUNE:
		bench_method.tune = true;
		break;
	case ':':
		return out_no_value(bench, argv);
	default:
		return out_bad_option(bench, argv);
	}
	return BENCH_OPTION_TAKEN;
}

static int bad_pin(const char *why)
{
	return out_usage("--pin takes processors as 0,2 or none, not '%s'%s",
			 bench_method.pin, why);
}

/* The listed ones, all of which the process must be allowed to use. */
static int parse_pin(const cpu_set_t *allowed)
{
	const char *p = bench_method.pin;
	char *end;

	while (nr_cpus < CPU_SETSIZE) {
		unsigned long cpu = strtoul(p, &end, 10);

		if (end == p || (*end && *end != ',') || *p == '-' || *p == '+')
			return bad_pin("");
		if (cpu >= CPU_SETSIZE || !CPU_ISSET(cpu, allowed))
			return bad_pin(": this process may not run there");
		cpus[nr_cpus++] = cpu;
		if (!*end)
			return EX_OK;
		p = end + 1;
	}
	return bad_pin("");
}

static int choose_cpus(void)
{
	cpu_set_t allowed;
	int cpu;

	nr_cpus = 0;
	if (bench_method.pin && !strcmp(bench_method.pin, "none"))
		return EX_OK;
	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		return EX_OK;
	if (bench_method.pin)
		return parse_pin(&allowed);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &allowed))
			cpus[nr_cpus++] = cpu;
	return EX_OK;
}

/**
 * bench_pin - bind the calling thread to a processor
 * @role: what it does, or BENCH_OTHERS and a number
 *
 * Returns: 0 or a negative errno. Without processors to choose from it does nothing.
 */
int bench_pin(enum bench_role role)
{
	cpu_set_t set;

	if (!nr_cpus)
		return 0;
	CPU_ZERO(&set);
	CPU_SET(cpus[role % nr_cpus], &set);
	return sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
}

/* For who chooses processors by itself: the environment is not to say otherwise. */
void bench_unpin(void)
{
	nr_cpus = 0;
}

/* Processors to run on; where none are chosen, those that the process may use. */
unsigned int bench_cpus(void)
{
	cpu_set_t allowed;

	if (nr_cpus)
		return nr_cpus;
	return sched_getaffinity(0, sizeof(allowed), &allowed) ? 1 : CPU_COUNT(&allowed);
}

/* For the environment: the list, or null. */
void bench_pin_json(struct json_object *obj)
{
	struct json_object *list = nr_cpus ? json_object_new_array() : NULL;
	unsigned int i;

	for (i = 0; i < nr_cpus; i++)
		json_object_array_add(list, json_object_new_int(cpus[i]));
	json_object_object_add(obj, "pinned", list);
}

/* Returns an exit code, after an error message if there was an error. */
static int tuned(int err, const char *what)
{
	if (!err)
		return EX_OK;
	return out_error(err == -EACCES ? EX_PERMISSION : EX_FAILED, -err,
			 err == -EACCES ? "--tune is for root" : NULL, "cannot %s", what);
}

static int tune(void)
{
	glob_t found;
	int err = 0, ret;
	size_t i;

	if (geteuid())
		return tuned(-EACCES, "change settings of the machine");
	ret = bench_settings_claim();
	if (ret)
		return ret;
	/* Virtual machines have none; then there is nothing to set. */
	if (glob("/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor", 0, NULL, &found))
		return EX_OK;
	for (i = 0; i < found.gl_pathc && !err; i++)
		err = bench_setting(found.gl_pathv[i], "performance");
	globfree(&found);
	return tuned(err, "set the governor");
}

/**
 * bench_tune_balancing - with --tune: the kernel moves no memory to where it is used
 *
 * To see who uses pages it takes them out of page tables, which makes faults of its own.
 *
 * Returns: an exit code.
 */
int bench_tune_balancing(void)
{
	if (!bench_method.tune || access(BENCH_BALANCING, F_OK))
		return EX_OK;
	return tuned(bench_setting(BENCH_BALANCING, "0"), "switch off " BENCH_BALANCING);
}

/* Others that run now make noise. */
static void warn_of_load(void)
{
	double load;

	if (getloadavg(&load, 1) != 1 || load < 1 || out_json || bench_method.icount)
		return;
	fprintf(stderr, "zcctl: %.1f other programs run on this machine: figures will scatter\n",
		load);
}

/* After the options are known. Returns an exit code. */
int bench_method_begin(void)
{
	int ret = choose_cpus();

	if (!ret && bench_method.strict && bench_method.repeat < 2)
		ret = out_usage("--strict takes --repeat 2 or more: one run cannot scatter");
	if (!ret && bench_method.icount && !bench_emulated())
		ret = out_usage("--icount: the clock counts no instructions here (QEMU's may)");
	if (!ret && bench_method.tune)
		ret = tune();
	if (!ret)
		warn_of_load();
	return ret;
}

/* What is in the table that was. */
static void say_spread(void)
{
	if (bench_spread_shown)
		printf("spread: %s of %d runs, of the median\n",
		       bench_method.repeat < BENCH_QUARTILES ? "from the least to the most" :
							       "the interquartile range",
		       bench_method.repeat);
}

/* Returns the exit code: @ret, or that something was noisy where this is a failure. */
int bench_method_end(int ret)
{
	say_spread();
	ret = bench_settings_restore(ret);
	if (ret || !noise_seen || !bench_method.strict)
		return ret;
	return out_error(EX_NOISY, 0,
			 "more runs (--repeat), an idle machine, --pin and --tune make it quieter",
			 "figures scatter more than --noise allows");
}

/* Does a row scatter too much? Remembered for bench_method_end(). */
bool bench_noisy(double spread)
{
	double limit = bench_method.noise;

	if (!limit)
		limit = (bench_method.repeat < BENCH_QUARTILES ? NOISE : NOISE_IQR) *
			(bench_method.icount ? ICOUNT_OF : 1);
	if (bench_method.repeat < 2 || spread <= limit)
		return false;
	noise_seen = true;
	return true;
}
