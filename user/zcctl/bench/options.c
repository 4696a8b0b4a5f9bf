// SPDX-License-Identifier: GPL-2.0-only
/* What benchmarks take as arguments. */
#include <stdio.h>
#include <string.h>

#include "bench.h"

#define OWN_MAX		16
/* Above what method.c has */
#define OWN_CODE	1024

/* Is @name in the comma-separated @list? All are in none. */
bool bench_listed(const char *list, const char *name)
{
	size_t len = strlen(name);
	const char *p = list;

	if (!list)
		return true;
	while ((p = strstr(p, name))) {
		if ((p == list || p[-1] == ',') && (!p[len] || p[len] == ','))
			return true;
		p += len;
	}
	return false;
}

/* One more that there is. Is it wanted? */
bool bench_names_add(struct bench_names *names, const char *name)
{
	size_t len = strlen(names->known);

	snprintf(names->known + len, sizeof(names->known) - len, " %s", name);
	return bench_listed(names->list, name);
}

/* Is the word at @word, of @len bytes, one of those that there are, which follow spaces? */
static bool is_known(const struct bench_names *names, const char *word, size_t len)
{
	const char *p = names->known;

	while (len && (p = strchr(p, ' '))) {
		p++;
		if (strcspn(p, " ") == len && !memcmp(p, word, len))
			return true;
	}
	return false;
}

/**
 * bench_names_check - after all that there are
 * @names:  these
 * @option: with the benchmark, for the message: "bench io: --paths"
 *
 * A name that is there twice is taken once.
 *
 * Returns: an exit code, after an error message if the list has others.
 */
int bench_names_check(const struct bench_names *names, const char *option)
{
	const char *p = names->list;
	size_t len;

	for (; p; p = p[len] ? p + len + 1 : NULL) {
		len = strcspn(p, ",");
		if (!is_known(names, p, len))
			return out_usage("%s: '%.*s' is not known; there are:%s", option, (int)len,
					 p, names->known);
	}
	return EX_OK;
}

/* "1K,4K,…" into at most BENCH_SIZES_MAX @sizes, none of them 0. */
static bool parse_list(const char *text, uint64_t *sizes, unsigned int *nr)
{
	char word[32];

	for (*nr = 0; *nr < BENCH_SIZES_MAX; text++) {
		size_t len = strcspn(text, ",");

		if (len >= sizeof(word))
			return false;
		memcpy(word, text, len);
		word[len] = '\0';
		if (!parse_size(word, &sizes[*nr]) || !sizes[*nr])
			return false;
		(*nr)++;
		text += len;
		if (!*text)
			return true;
	}
	return false;
}

static bool fits(const struct bench_option *option, uint64_t val)
{
	return val && (!option->most || val <= option->most) &&
	       (!option->unit || val % option->unit == 0);
}

static bool take_size(const struct bench_option *option, const char *text)
{
	uint64_t val;

	if (!parse_size(text, &val) || !fits(option, val))
		return false;
	*(uint64_t *)option->val = val;
	return true;
}

static bool take_list(const struct bench_option *option, const char *text)
{
	struct bench_list *list = option->val;
	unsigned int i;

	if (!parse_list(text, list->at, &list->nr))
		return false;
	for (i = 0; i < list->nr; i++)
		if (!fits(option, list->at[i]))
			return false;
	return true;
}

static bool take_states(struct bench_states *states, const char *text)
{
	states->cold = !strcmp(text, "cold") || !strcmp(text, "both");
	states->hot = !strcmp(text, "hot") || !strcmp(text, "both");
	return states->cold || states->hot;
}

static bool take(const struct bench_option *option, const char *text)
{
	switch (option->kind) {
	case BENCH_FLAG:
		*(bool *)option->val = true;
		return true;
	case BENCH_TEXT:
		*(const char **)option->val = text;
		return true;
	case BENCH_NUMBER:
		return parse_int(text, 1, option->most ?: INT32_MAX, option->val);
	case BENCH_COUNT:
		return parse_u64(text, 1, option->most ?: UINT64_MAX, option->val);
	case BENCH_SIZE:
		return take_size(option, text);
	case BENCH_SIZES:
	case BENCH_NUMBERS:
		return take_list(option, text);
	case BENCH_STATES:
		return take_states(option->val, text);
	}
	return false;
}

/* "2M": the largest unit in which it is whole */
static const char *short_size(uint64_t bytes, char *text, size_t size)
{
	static const char units[] = " KMGT";
	unsigned int unit = 0;

	while (units[unit + 1] && bytes && !(bytes % 1024)) {
		bytes /= 1024;
		unit++;
	}
	snprintf(text, size, unit ? "%llu%c" : "%llu", (unsigned long long)bytes, units[unit]);
	return text;
}

/* "sizes by commas, up to 64M, multiples of 2M" */
static const char *wanted(const struct bench_option *option, char *text, size_t size)
{
	bool many = option->kind == BENCH_SIZES || option->kind == BENCH_NUMBERS;
	bool sized = option->kind == BENCH_SIZES || option->kind == BENCH_SIZE;
	char num[32], to[48] = "", of[64] = "";

	if (option->kind == BENCH_STATES)
		return "cold, hot or both";
	if (option->most && sized)
		snprintf(to, sizeof(to), ", up to %s", short_size(option->most, num, sizeof(num)));
	else if (option->most)
		snprintf(to, sizeof(to), ", 1 to %llu", (unsigned long long)option->most);
	if (option->unit)
		snprintf(of, sizeof(of), ", %s of %s", many ? "multiples" : "a multiple",
			 short_size(option->unit, num, sizeof(num)));
	snprintf(text, size, "%s%s%s%s%s", many ? "" : "a ", sized ? "size" : "number",
		 many ? "s by commas" : "", to, of);
	return text;
}

static int take_own(const char *bench, const struct bench_option *option, const char *text)
{
	char what[160];

	if (take(option, text))
		return BENCH_OPTION_TAKEN;
	return out_usage("%s: --%s takes %s, not '%s'", bench, option->name,
			 wanted(option, what, sizeof(what)), text);
}

/* For bench_getopt() */
static void to_getopt(const struct bench_option *own, struct option *all)
{
	unsigned int nr;

	for (nr = 0; own[nr].name && nr < OWN_MAX; nr++)
		all[nr] = (struct option){
			.name = own[nr].name,
			.has_arg = own[nr].kind == BENCH_FLAG ? no_argument : required_argument,
			.val = OWN_CODE + nr,
		};
}

/**
 * bench_options - take all options: the benchmark's own, those that all have, and --help
 * @bench: "bench io"
 * @help:  what --help prints
 * @own:   its own, up to an empty one
 * @argc:  from the benchmark's name on
 * @argv:  from there; optind is the first that is no option
 *
 * Returns: BENCH_OPTION_TAKEN, or an exit code: there is nothing more to do, as there was
 * an error message, or the help.
 */
int bench_options(const char *bench, const char *help, const struct bench_option *own,
		  int argc, char **argv)
{
	struct option all[OWN_MAX + 1] = {};
	int c, ret = BENCH_OPTION_TAKEN;

	to_getopt(own, all);
	while (ret == BENCH_OPTION_TAKEN && (c = bench_getopt(argc, argv, all)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			return EX_OK;
		}
		ret = c >= OWN_CODE ? take_own(bench, &own[c - OWN_CODE], optarg) :
				      bench_method_option(bench, c, argv);
	}
	return ret;
}
