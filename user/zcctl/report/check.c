// SPDX-License-Identifier: GPL-2.0-only
/* Is it a report? What is read further on may rely on what is looked at here. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "results.h"

/* Of what others do not know the type matters not: nobody reads it. */
static const char *const strings[] = { "kernel", "test", "path", "cache", "error", "command",
	"time", "zcctl", "module", "module_srcversion", "machine", "cpu", "clocksource", "thp",
	"governor" };
static const char *const numbers[] = { "bytes", "runs", "spread", "syscalls", "files",
	"file_bytes", "faults", "processes", "concurrency", "calls", "segments", "entries",
	"count", "cpus", "load", "repeat" };
static const char *const number_ends[] = { "_ns", "_bytes", "_per_mib", "_per_s", "_per_access",
	"_misses" };

#define ROWS_MAX	10000u	/* a hundred times what there is */
#define NR(array)	(sizeof(array) / sizeof(*(array)))

/* Where in a file something is wrong. */
struct place {
	const char *path;
	const char *what;	/* "environment", or "row" with its number */
	size_t nr;
};

static bool listed(const char *name, const char *const *list, size_t nr)
{
	while (nr--)
		if (!strcmp(name, list[nr]))
			return true;
	return false;
}

static bool number_name(const char *name)
{
	size_t i, len = strlen(name), end;

	for (i = 0; i < NR(number_ends); i++) {
		end = strlen(number_ends[i]);
		if (len > end && !strcmp(name + len - end, number_ends[i]))
			return true;
	}
	return listed(name, numbers, NR(numbers));
}

static bool is_number(struct json_object *val)
{
	return (json_object_is_type(val, json_type_int) ||
		json_object_is_type(val, json_type_double)) &&
	       isfinite(json_object_get_double(val));
}

/* What it is, as an error has it. */
static const char *type_of(struct json_object *val)
{
	static const char *const names[] = { "null", "a boolean", "a number", "a number",
		"an object", "a list", "a string" };

	if (json_object_is_type(val, json_type_double) && !isfinite(json_object_get_double(val)))
		return "not finite";
	return names[json_object_get_type(val)];
}

/* The same of a list: what the first is that is no number */
static const char *type_in(struct json_object *list)
{
	size_t i, nr = json_object_is_type(list, json_type_array) ?
		       json_object_array_length(list) : 0;

	for (i = 0; i < nr; i++) {
		struct json_object *val = json_object_array_get_idx(list, i);

		if (json_object_is_type(val, json_type_double) &&
		    !isfinite(json_object_get_double(val)))
			return "a list with what is not finite";
	}
	return type_of(list);
}

static int bad(const struct place *place, const char *key, struct json_object *val,
	       const char *wanted)
{
	char nr[32] = "";

	if (!strcmp(place->what, "row"))
		snprintf(nr, sizeof(nr), " %zu", place->nr + 1);
	return out_error(EX_FAILED, 0, NULL, "%s, %s%s: \"%s\" is %s, not %s", place->path,
			 place->what, nr, key, val ? type_in(val) : "missing or null", wanted);
}

/* A list of numbers from 0 up, of which those that are not known are null. */
static bool number_list(struct json_object *list)
{
	size_t i;

	if (!json_object_is_type(list, json_type_array))
		return false;
	for (i = 0; i < json_object_array_length(list); i++) {
		struct json_object *val = json_object_array_get_idx(list, i);

		if (val && (!is_number(val) || json_object_get_double(val) < 0))
			return false;
	}
	return true;
}

static int check_samples(const struct place *place, struct json_object *samples)
{
	if (!json_object_is_type(samples, json_type_object))
		return bad(place, "samples", samples, "an object");
	json_object_object_foreach(samples, key, val)
		if (!number_list(val))
			return bad(place, key, val, "a list of numbers from 0 up, in \"samples\"");
	return EX_OK;
}

/* [[ns, share], …] */
static bool is_curve(struct json_object *cdf)
{
	struct json_object *point;
	size_t i;

	if (!json_object_is_type(cdf, json_type_array))
		return false;
	for (i = 0; i < json_object_array_length(cdf); i++) {
		point = json_object_array_get_idx(cdf, i);
		if (!number_list(point) || json_object_array_length(point) != 2 ||
		    !json_object_array_get_idx(point, 0) || !json_object_array_get_idx(point, 1))
			return false;
	}
	return true;
}

/* {"0": bytes, "1": bytes}: of each node */
static bool by_node(struct json_object *obj)
{
	if (!json_object_is_type(obj, json_type_object))
		return false;
	json_object_object_foreach(obj, node, val)
		if (!*node || (val && (!is_number(val) || json_object_get_double(val) < 0)))
			return false;
	return true;
}

static int check_fields(const struct place *place, struct json_object *obj);

static int check_latency(const struct place *place, const char *key,
			 struct json_object *latency)
{
	struct json_object *cdf;

	if (!json_object_is_type(latency, json_type_object))
		return bad(place, key, latency, "an object");
	if (json_object_object_get_ex(latency, "cdf", &cdf) && !is_curve(cdf))
		return bad(place, "cdf", cdf, "a list of pairs of numbers");
	return check_fields(place, latency);
}

/* What is there is of its type. */
static int check_fields(const struct place *place, struct json_object *obj)
{
	json_object_object_foreach(obj, key, val) {
		int ret = EX_OK;

		if (!val)
			continue;
		if (!strcmp(key, "samples"))
			ret = check_samples(place, val);
		else if (!strcmp(key, "latency") || !strcmp(key, "first_byte"))
			ret = check_latency(place, key, val);
		else if (listed(key, strings, NR(strings)) &&
			 !json_object_is_type(val, json_type_string))
			ret = bad(place, key, val, "a string");
		else if (!strcmp(key, "memory_bytes") && !by_node(val))
			ret = bad(place, key, val, "an object with numbers from 0 up, by node");
		else if (strcmp(key, "memory_bytes") && number_name(key) && !is_number(val))
			ret = bad(place, key, val, "a number");
		if (ret)
			return ret;
	}
	return EX_OK;
}

static int check_row(const struct place *place, struct json_object *row)
{
	static const char *const needed[] = { "kernel", "test", "path", "cache" };
	struct json_object *val;
	size_t i;

	if (!json_object_is_type(row, json_type_object))
		return out_error(EX_FAILED, 0, NULL, "%s, row %zu is %s, not an object",
				 place->path, place->nr + 1, type_of(row));
	for (i = 0; i < NR(needed); i++) {
		val = NULL;
		if (!json_object_object_get_ex(row, needed[i], &val) || !val)
			return bad(place, needed[i], NULL, "a string");
	}
	val = NULL;
	if (!json_object_object_get_ex(row, "bytes", &val) || !val)
		return bad(place, "bytes", NULL, "a number");
	return check_fields(place, row);
}

static int check_environment(const char *path, struct json_object *env)
{
	struct place place = { .path = path, .what = "environment" };

	if (!env)
		return EX_OK;
	if (!json_object_is_type(env, json_type_object))
		return out_error(EX_FAILED, 0, NULL, "%s: its environment is %s, not an object",
				 path, type_of(env));
	return check_fields(&place, env);
}

static int check_environments(const char *path, struct json_object *report)
{
	struct json_object *val = NULL;
	int ret = EX_OK;
	size_t i;

	json_object_object_get_ex(report, "environment", &val);
	ret = check_environment(path, val);
	if (ret || !json_object_object_get_ex(report, "environments", &val) || !val)
		return ret;
	if (!json_object_is_type(val, json_type_array))
		return out_error(EX_FAILED, 0, NULL, "%s: its environments are %s, not a list",
				 path, type_of(val));
	for (i = 0; !ret && i < json_object_array_length(val); i++)
		ret = check_environment(path, json_object_array_get_idx(val, i));
	return ret;
}

static int check_schema(const char *path, struct json_object *report)
{
	struct json_object *val = NULL;

	if (!json_object_is_type(report, json_type_object))
		return out_error(EX_FAILED, 0, NULL, "%s is no report: it is %s, not an object",
				 path, type_of(report));
	json_object_object_get_ex(report, "schema", &val);
	if (!json_object_is_type(val, json_type_string))
		return out_error(EX_FAILED, 0, NULL, "%s is no report: it names no schema", path);
	if (strcmp(json_object_get_string(val), RESULTS_SCHEMA))
		return out_error(EX_FAILED, 0, NULL,
				 "%s is no report: its schema is '%.40s', not " RESULTS_SCHEMA,
				 path, json_object_get_string(val));
	return EX_OK;
}

/**
 * results_check - is it a report of zcctl bench?
 * @path:   where it is from, for messages
 * @report: what was read
 *
 * Returns: EX_OK, or an exit code after an error message.
 */
int results_check(const char *path, struct json_object *report)
{
	struct place place = { .path = path, .what = "row" };
	struct json_object *rows = NULL;
	int ret = check_schema(path, report) ?: check_environments(path, report);

	if (ret)
		return ret;
	json_object_object_get_ex(report, "rows", &rows);
	if (!json_object_is_type(rows, json_type_array))
		return out_error(EX_FAILED, 0, NULL, "%s has no rows", path);
	if (json_object_array_length(rows) > ROWS_MAX)
		return out_error(EX_FAILED, 0, NULL, "%s has more than %u rows", path, ROWS_MAX);
	for (; !ret && place.nr < json_object_array_length(rows); place.nr++)
		ret = check_row(&place, json_object_array_get_idx(rows, place.nr));
	return ret;
}
