// SPDX-License-Identifier: GPL-2.0-only
/* Rows of a report: what they have, and which of it tells them apart. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "results.h"

#define NR(array)	(sizeof(array) / sizeof(*(array)))

/*
 * What tells rows apart: all strings but those that are results, and these. "target" is an
 * object of dma.
 */
static const char *const results_text[] = { "error", "paths", "note",
	"page_cache_why", "spread_of" };
static const char *const keys[] = { "bytes", "target", "file_bytes", "files", "requests",
	"per_call", "transfer_bytes", "buffer_bytes", "request_bytes", "working_set", "stride",
	"parts", "verified", "modelled", "concurrency", "in_flight", "connections", "clients",
	"threads", "processes", "depth", "batch", "cpu_node", "memory_node", "processors",
	"icount" };
/* These are of the machine: they do so only within a report. */
static const char *const machine[] = { "kernel", "processors", "icount" };

static bool listed(const char *name, const char *const *list, size_t nr)
{
	while (nr--)
		if (!strcmp(name, list[nr]))
			return true;
	return false;
}

/* "" if there is none. */
const char *row_str(struct json_object *row, const char *key)
{
	struct json_object *val = NULL;

	json_object_object_get_ex(row, key, &val);
	return json_object_is_type(val, json_type_string) ? json_object_get_string(val) : "";
}

bool row_num(struct json_object *row, const char *key, double *val)
{
	struct json_object *obj = NULL;

	json_object_object_get_ex(row, key, &obj);
	if (!json_object_is_type(obj, json_type_int) && !json_object_is_type(obj, json_type_double))
		return false;
	*val = json_object_get_double(obj);
	return isfinite(*val);
}

bool row_bool(struct json_object *row, const char *key)
{
	struct json_object *val = NULL;

	json_object_object_get_ex(row, key, &val);
	return (json_object_is_type(val, json_type_boolean) ||
		json_object_is_type(val, json_type_int)) && json_object_get_boolean(val);
}

bool row_has(struct json_object *row, const char *key)
{
	struct json_object *val = NULL;

	return json_object_object_get_ex(row, key, &val) && val;
}

bool row_measured(struct json_object *row)
{
	return !row_has(row, "error");
}

bool row_zc(struct json_object *row)
{
	const char *path = row_str(row, "path");

	return !strncmp(path, "zc", 2) && (!path[2] || path[2] == '-');
}

bool row_key_field(const char *name, struct json_object *val)
{
	if (json_object_is_type(val, json_type_string))
		return !listed(name, results_text, NR(results_text));
	/* Whether there are any, not how many were served. */
	if (!strcmp(name, "requests"))
		return json_object_is_type(val, json_type_boolean);
	return val && listed(name, keys, NR(keys));
}

/* What a target of dma is, whatever its number */
static const char *target_text(struct json_object *target, char *buf, size_t size)
{
	double nr = 1;

	if (row_num(target, "target", &nr) && !nr)
		snprintf(buf, size, "the module's own");
	else if (!row_bool(target, "translated"))
		snprintf(buf, size, "a device, no IOMMU");
	else
		snprintf(buf, size, "a device, IOMMU %s",
			 row_bool(target, "lazy") ? "lazy" : "strict");
	return buf;
}

/* A field as text that is alike if it is alike; of what was modelled by what. */
const char *row_field(struct json_object *row, const char *name, char *buf, size_t size)
{
	struct json_object *val = NULL;

	json_object_object_get_ex(row, name, &val);
	if (json_object_is_type(val, json_type_object) && !strcmp(name, "target"))
		return target_text(val, buf, size);
	if (json_object_is_type(val, json_type_object)) {
		snprintf(buf, size, "%s", row_str(val, "model"));
		return buf;
	}
	snprintf(buf, size, "%s", val ? json_object_get_string(val) : "");
	return buf;
}

bool fields_have(const struct fields *fields, const char *name)
{
	return listed(name, fields->name, fields->nr);
}

void fields_add(struct fields *fields, const char *name)
{
	if (fields->nr < FIELDS_MAX && !fields_have(fields, name))
		fields->name[fields->nr++] = name;
}

static bool same_field(struct json_object *a, struct json_object *b, const char *name)
{
	char x[512], y[512];

	return !strcmp(row_field(a, name, x, sizeof(x)), row_field(b, name, y, sizeof(y)));
}

/* Have rows of the test different values of it? */
bool fields_vary(const struct results *res, const char *test, const char *name)
{
	struct json_object *first = NULL;
	size_t i;

	for (i = 0; i < results_nr(res); i++) {
		struct json_object *row = results_row(res, i);

		if (strcmp(row_str(row, "test"), test))
			continue;
		if (first && !same_field(first, row, name))
			return true;
		first = first ?: row;
	}
	return false;
}

/**
 * fields_of - what tells the rows of a test apart
 * @fields: more is added to it
 * @res:    rows
 * @test:   test
 */
void fields_of(struct fields *fields, const struct results *res, const char *test)
{
	size_t i;

	for (i = 0; i < results_nr(res); i++) {
		struct json_object *row = results_row(res, i);

		if (strcmp(row_str(row, "test"), test))
			continue;
		json_object_object_foreach(row, name, val)
			if (row_key_field(name, val) && !listed(name, machine, NR(machine)))
				fields_add(fields, name);
	}
	for (i = 0; i < NR(machine); i++)
		if (fields_vary(res, test, machine[i]))
			fields_add(fields, machine[i]);
}

/* What was not measured may not say all that it would have. */
static bool untold(struct json_object *row, const char *name)
{
	return !row_measured(row) && !row_has(row, name);
}

bool fields_alike(const struct fields *fields, struct json_object *a, struct json_object *b)
{
	unsigned int i;

	for (i = 0; i < fields->nr; i++)
		if (!same_field(a, b, fields->name[i]) &&
		    !untold(a, fields->name[i]) && !untold(b, fields->name[i]))
			return false;
	return true;
}

/* What a row has of two fields, as text. */
struct pair {
	char *other;
	char *name;
};

static int by_pair(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	return strcmp(x->other, y->other) ?: strcmp(x->name, y->name);
}

/* Those of the rows of the test, sorted; fewer than there are where there is no memory. */
static size_t pairs_of(const struct results *res, const char *test, const char *name,
		       const char *other, struct pair *pairs)
{
	char text[512];
	size_t i, nr = 0;

	for (i = 0; i < results_nr(res); i++) {
		struct json_object *row = results_row(res, i);

		if (strcmp(row_str(row, "test"), test))
			continue;
		pairs[nr].other = strdup(row_field(row, other, text, sizeof(text)));
		pairs[nr].name = strdup(row_field(row, name, text, sizeof(text)));
		if (!pairs[nr].other || !pairs[nr].name) {
			free(pairs[nr].other);
			free(pairs[nr].name);
			break;
		}
		nr++;
	}
	if (nr)
		qsort(pairs, nr, sizeof(*pairs), by_pair);
	return nr;
}

/* Has a field one value for each value of another? Then it says nothing beside that. */
bool field_follows(const struct results *res, const char *test, const char *name,
		   const char *other)
{
	struct pair *pairs = calloc(results_nr(res) + 1, sizeof(*pairs));
	size_t i, nr = pairs ? pairs_of(res, test, name, other, pairs) : 0;
	bool follows = true;

	for (i = 1; i < nr && follows; i++)
		follows = strcmp(pairs[i - 1].other, pairs[i].other) ||
			  !strcmp(pairs[i - 1].name, pairs[i].name);
	for (i = 0; i < nr; i++) {
		free(pairs[i].other);
		free(pairs[i].name);
	}
	free(pairs);
	return follows;
}

/* Sums of other fields, and what is the path's own, or the cache's */
static bool said_by_others(const struct results *res, const char *test, const char *name)
{
	static const char *const sums[] = { "bytes", "files" };
	static const char *const parts[] = { "file_bytes", "transfer_bytes", "per_call" };
	size_t i;

	if (!listed(name, machine, NR(machine)) && (field_follows(res, test, name, "path") ||
						    field_follows(res, test, name, "cache")))
		return true;
	if (!listed(name, sums, NR(sums)))
		return false;
	for (i = 0; i < NR(parts); i++)
		if (fields_vary(res, test, parts[i]) && field_follows(res, test, name, parts[i]))
			return true;
	return false;
}

/* Of these, what has to be said beside test, path and cache to name a row. */
void fields_naming(struct fields *fields, const struct results *res, const char *test)
{
	static const char *const said[] = { "test", "path", "cache" };
	struct fields all = { .nr = 0 };
	unsigned int i;

	fields_of(&all, res, test);
	for (i = 0; i < all.nr; i++)
		if (!listed(all.name[i], said, NR(said)) && fields_vary(res, test, all.name[i]) &&
		    !said_by_others(res, test, all.name[i]))
			fields_add(fields, all.name[i]);
}
