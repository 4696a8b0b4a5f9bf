/* SPDX-License-Identifier: GPL-2.0-only */
/* How all benchmarks measure: repetitions, processors, noise, settings, environment. */
#ifndef _ZCCTL_BENCH_METHOD_H
#define _ZCCTL_BENCH_METHOD_H

#include <getopt.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

/* The processors of BENCH_SENDER, BENCH_RECEIVER and others go round the list. */
enum bench_role { BENCH_SENDER, BENCH_RECEIVER, BENCH_OTHERS };

/**
 * struct bench_method - what the common options say; one for the process
 * @repeat: runs counted
 * @icount: clocks count instructions
 * @pin:    "A,B…": processors to run on; "none"; NULL: those that the process may use
 * @noise:  a row whose spread is above this is noisy; 0: see bench_noisy()
 * @strict: a noisy row is a failure
 * @tune:   change settings of the machine, and restore them
 */
struct bench_method {
	int repeat;
	bool icount;
	const char *pin;
	double noise;
	bool strict;
	bool tune;
};

extern struct bench_method bench_method;

/* A table has spreads: at its end it is said what they are. */
extern bool bench_spread_shown;

#define BENCH_METHOD_HELP \
	"\n" \
	"  --repeat N       runs counted (default 3)\n" \
	"  --pin A,B|none   processors to run on, in turn (default: those it may use)\n" \
	"  --noise PERCENT  rows whose runs spread more are marked as noisy: of the median,\n" \
	"                   the least to the most (default 10; 2 by icount), from 5 runs on the\n" \
	"                   interquartile range (default 8; 1.6 by icount)\n" \
	"  --strict         a noisy row is a failure: exit status 6\n" \
	"  --tune           set the governor to performance, and what a benchmark needs more,\n" \
	"                   and restore it (for root)\n" \
	"  --icount         clocks count instructions (QEMU -icount shift=0): report these\n"

#define BENCH_OPTION_TAKEN	(-1)

int bench_getopt(int argc, char **argv, const struct option *own);
int bench_method_option(const char *bench, int c, char **argv);
int bench_method_begin(void);
int bench_tune_balancing(void);
int bench_method_end(int ret);
bool bench_noisy(double spread);

int bench_pin(enum bench_role role);
void bench_unpin(void);
unsigned int bench_cpus(void);
void bench_pin_json(struct json_object *obj);

/* settings.c */
int bench_setting(const char *path, const char *value);
int bench_settings_claim(void);
int bench_settings_restore(int ret);

/* environment.c */
void bench_environment_begin(int argc, char **argv);
bool bench_emulated(void);
const char *bench_virtual(void);
void bench_environment_add(const char *key, struct json_object *val);
bool bench_environment_nic(int sock);
struct json_object *bench_environment(void);

#endif /* _ZCCTL_BENCH_METHOD_H */
