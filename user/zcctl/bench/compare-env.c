// SPDX-License-Identifier: GPL-2.0-only
/* zcctl bench compare: on what machines, and how, the two sides were made. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "compare.h"

/* What makes figures differ whatever was changed. */
static const char *const watched[] = { "kernel", "machine", "cpu", "cpus", "virtual", "governor",
	"icount", "pinned", "module", "module_srcversion", "zcctl", "clocksource", "thp" };

/* The same, of which each part is looked at by its name: all of them together are long. */
static const char *const in_parts[] = { "mitigations", "module_parameters" };

#define NR(array)	(sizeof(array) / sizeof(*(array)))

static const char *text_of(struct json_object *val)
{
	return json_object_is_type(val, json_type_string) ? json_object_get_string(val) :
	       json_object_to_json_string_ext(val, JSON_C_TO_STRING_PLAIN |
					      JSON_C_TO_STRING_NOSLASHESCAPE);
}

static bool in_list(struct json_object *list, const char *text)
{
	size_t i;

	for (i = 0; i < json_object_array_length(list); i++)
		if (!strcmp(json_object_get_string(json_object_array_get_idx(list, i)), text))
			return true;
	return false;
}

/* All values that the environments of a side have of it, each once. */
static struct json_object *values(const struct results *res, const char *key, const char *part)
{
	struct json_object *list = json_object_new_array(), *val, *env;
	size_t i, nr = json_object_array_length(res->environments);
	const char *text;

	for (i = 0; i < nr; i++) {
		env = json_object_array_get_idx(res->environments, i);
		val = NULL;
		json_object_object_get_ex(env, key, &val);
		if (part && json_object_is_type(val, json_type_object))
			json_object_object_get_ex(val, part, &val);
		text = val ? text_of(val) : "not known";
		if (!in_list(list, text))
			json_object_array_add(list, json_object_new_string(text));
	}
	return list;
}

static int by_text(const void *a, const void *b)
{
	struct json_object *const *x = a, *const *y = b;

	return strcmp(json_object_get_string(*x), json_object_get_string(*y));
}

static void compare_values(const struct compare *cmp, const char *key, const char *part,
			   struct json_object *found)
{
	struct json_object *a = values(&cmp->res[0], key, part);
	struct json_object *b = values(&cmp->res[1], key, part);
	struct json_object *obj;
	char what[128];

	json_object_array_sort(a, by_text);
	json_object_array_sort(b, by_text);
	if (json_object_equal(a, b)) {
		json_object_put(a);
		json_object_put(b);
		return;
	}
	snprintf(what, sizeof(what), "%s%s%s", key, part ? " " : "", part ?: "");
	obj = json_object_new_object();
	out_add_str(obj, "what", what);
	json_object_object_add(obj, "a", a);
	json_object_object_add(obj, "b", b);
	json_object_array_add(found, obj);
}

/* The names of parts in the environments of a side go to @names. */
static void part_names(const struct results *res, const char *key, struct json_object *names)
{
	size_t i, nr = json_object_array_length(res->environments);
	struct json_object *all;

	for (i = 0; i < nr; i++) {
		all = NULL;
		json_object_object_get_ex(json_object_array_get_idx(res->environments, i),
					  key, &all);
		if (!json_object_is_type(all, json_type_object))
			continue;
		json_object_object_foreach(all, part, val) {
			(void)val;
			if (!in_list(names, part))
				json_object_array_add(names, json_object_new_string(part));
		}
	}
}

static void compare_parts(const struct compare *cmp, const char *key, struct json_object *found)
{
	struct json_object *names = json_object_new_array();
	size_t i;

	part_names(&cmp->res[0], key, names);
	part_names(&cmp->res[1], key, names);
	for (i = 0; i < json_object_array_length(names); i++)
		compare_values(cmp, key,
			       json_object_get_string(json_object_array_get_idx(names, i)), found);
	json_object_put(names);
}

/**
 * compare_differences - what differs between the environments of the two sides
 * @cmp: with the reports
 *
 * Returns: a list of {"what", "a", "b"}, the caller's; each of the latter a list of texts.
 */
struct json_object *compare_differences(const struct compare *cmp)
{
	struct json_object *found = json_object_new_array();
	size_t i;

	for (i = 0; i < NR(watched); i++)
		compare_values(cmp, watched[i], NULL, found);
	for (i = 0; i < NR(in_parts); i++)
		compare_parts(cmp, in_parts[i], found);
	return found;
}
