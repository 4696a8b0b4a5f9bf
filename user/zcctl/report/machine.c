// SPDX-License-Identifier: GPL-2.0-only
/* On what machines, and how, it was measured. */
#include <stdlib.h>
#include <string.h>

#include "html.h"
#include "page.h"

/* What differs between two runs on one machine: it is said with each of them. */
static const char *const of_run[] = { "time", "command", "load", "repeat" };

struct fact {
	const char *name;
	const char *title;
};

static const struct fact of_all[] = {
	{ "kernel", "Kernel" }, { "machine", "Architecture" }, { "cpu", "Processor" },
	{ "cpus", "Processors online" }, { "virtual", "Virtual machine" },
	{ "icount", "Clock counts instructions" }, { "pinned", "Pinned to processors" },
	{ "governor", "Governor" }, { "clocksource", "Clock source" },
	{ "thp", "Transparent hugepages" }, { "module", "Module" },
	{ "module_srcversion", "Module's source version" }, { "zcctl", "zcctl" },
	{ "mitigations", "Mitigations" }, { "module_parameters", "Module's parameters" },
};

/* Said by some benchmarks alone */
static const struct fact of_some[] = {
	{ "nic", "Network device" }, { "tick_ns", "Kernel's tick, ns" },
	{ "memory_nodes", "NUMA nodes with memory" }, { "file_system", "File system" },
};

#define NR(array)	(sizeof(array) / sizeof(*(array)))

static const char *title_in(const struct fact *facts, size_t nr, const char *name)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (!strcmp(facts[i].name, name))
			return facts[i].title;
	return NULL;
}

/* NULL: it has none */
static const char *title_of(const char *name)
{
	return title_in(of_all, NR(of_all), name) ?: title_in(of_some, NR(of_some), name);
}

static bool said_by_run(const char *name)
{
	size_t i;

	for (i = 0; i < NR(of_run); i++)
		if (!strcmp(of_run[i], name))
			return true;
	return false;
}

/* Is all alike that belongs to the machine? */
static bool same_machine(struct json_object *a, struct json_object *b)
{
	struct json_object *other;

	json_object_object_foreach(a, name, val) {
		if (said_by_run(name))
			continue;
		other = NULL;
		json_object_object_get_ex(b, name, &other);
		if (!json_object_equal(val, other))
			return false;
	}
	return true;
}

/* Each once; the caller's. */
static struct json_object *machines(const struct results *res)
{
	struct json_object *list = json_object_new_array(), *env;
	size_t i, k;

	for (i = 0; i < json_object_array_length(res->environments); i++) {
		env = json_object_array_get_idx(res->environments, i);
		for (k = 0; env && k < json_object_array_length(list); k++)
			if (same_machine(env, json_object_array_get_idx(list, k)))
				break;
		if (env && k == json_object_array_length(list))
			json_object_array_add(list, json_object_get(env));
	}
	return list;
}

/* "2 of 14 open" */
static void mitigations_title(FILE *to, struct json_object *val)
{
	size_t vulnerable = 0, nr = 0;

	json_object_object_foreach(val, key, text) {
		(void)key;
		nr++;
		vulnerable += text && !strncmp(json_object_get_string(text), "Vulnerable", 10);
	}
	fprintf(to, "%zu known, %zu open", nr, vulnerable);
}

/* Names and values, which may be many: folded up */
static void folded(FILE *to, const char *name, struct json_object *val)
{
	fputs("<details><summary>", to);
	if (!strcmp(name, "mitigations"))
		mitigations_title(to, val);
	else if (*row_str(val, "device"))
		html_text(to, row_str(val, "device"));
	else
		fprintf(to, "%d", json_object_object_length(val));
	fputs("</summary><dl>", to);
	json_object_object_foreach(val, key, how) {
		fputs("<dt>", to);
		html_text(to, key);
		fputs("</dt><dd>", to);
		html_text(to, how ? json_object_get_string(how) : "not known");
		fputs("</dd>", to);
	}
	fputs("</dl></details>", to);
}

/* "0, 2" */
static void numbers(FILE *to, struct json_object *list)
{
	size_t i;

	for (i = 0; i < json_object_array_length(list); i++) {
		fputs(i ? ", " : "", to);
		html_text(to, json_object_get_string(json_object_array_get_idx(list, i)) ?: "–");
	}
}

static void value(FILE *to, const char *name, struct json_object *val)
{
	char text[FIGURE_TEXT];

	if (json_object_is_type(val, json_type_object))
		folded(to, name, val);
	else if (json_object_is_type(val, json_type_boolean))
		fputs(json_object_get_boolean(val) ? "yes" : "no", to);
	else if (json_object_is_type(val, json_type_int))
		html_text(to, count_text(json_object_get_double(val), text));
	else if (json_object_is_type(val, json_type_array))
		numbers(to, val);
	else if (!val)
		fputs(!strcmp(name, "module") ? "not loaded" :
		      !strcmp(name, "pinned") ? "no" : "–", to);
	else
		html_text(to, json_object_get_string(val));
}

static void one_line(FILE *to, struct json_object *list, const char *name)
{
	size_t i, nr = json_object_array_length(list);
	struct json_object *first = NULL, *val;
	bool alike = true;

	for (i = 0; i < nr; i++) {
		val = NULL;
		json_object_object_get_ex(json_object_array_get_idx(list, i), name, &val);
		first = i ? first : val;
		alike &= json_object_equal(first, val);
	}
	fputs("<tr><th scope=\"row\">", to);
	html_text(to, title_of(name) ?: name);
	fputs("</th>", to);
	for (i = 0; i < (alike ? 1 : nr); i++) {
		val = NULL;
		json_object_object_get_ex(json_object_array_get_idx(list, i), name, &val);
		fprintf(to, "<td%s", alike ? "" : " class=\"differs\"");
		if (alike && nr > 1)
			fprintf(to, " colspan=\"%zu\"", nr);
		fputs(">", to);
		value(to, name, val);
		fputs("</td>", to);
	}
	fputs("</tr>\n", to);
}

/* Does any of them say that? */
static bool said(struct json_object *list, const char *name)
{
	size_t i;

	for (i = 0; i < json_object_array_length(list); i++)
		if (json_object_object_get_ex(json_object_array_get_idx(list, i), name, NULL))
			return true;
	return false;
}

/* What has no title comes after what has. */
static void more_lines(FILE *to, struct json_object *list)
{
	struct fields names = { .nr = 0 };
	size_t i;

	for (i = 0; i < json_object_array_length(list); i++) {
		json_object_object_foreach(json_object_array_get_idx(list, i), name, val) {
			(void)val;
			if (!said_by_run(name) && !title_of(name))
				fields_add(&names, name);
		}
	}
	for (i = 0; i < names.nr; i++)
		one_line(to, list, names.name[i]);
}

static void runs(FILE *to, const struct results *res)
{
	size_t i, nr = json_object_array_length(res->environments);
	char text[FIGURE_TEXT];
	struct json_object *env;
	double val;

	fprintf(to, "<details%s><summary>%zu report%s</summary><ol class=\"runs\">\n",
		nr <= 3 ? " open" : "", nr, nr == 1 ? "" : "s");
	for (i = 0; i < nr; i++) {
		env = json_object_array_get_idx(res->environments, i);
		fputs("<li><code>", to);
		html_text(to, row_str(env, "command"));
		fputs("</code> ", to);
		html_text(to, row_str(env, "time"));
		if (row_num(env, "repeat", &val))
			fprintf(to, ", runs: %s", count_text(val, text));
		if (row_num(env, "load", &val))
			fprintf(to, ", load before: %.2f", val);
		fputs("</li>\n", to);
	}
	fputs("</ol></details>\n", to);
}

/**
 * machine_line - below the title: the first machine
 * @to:  file
 * @res: what was read
 */
void machine_line(FILE *to, const struct results *res)
{
	struct json_object *env = json_object_array_get_idx(res->environments, 0);
	static const char *const names[] = { "kernel", "cpu", "time" };
	size_t i, nr = 0;

	for (i = 0; i < NR(names); i++) {
		if (!*row_str(env, names[i]))
			continue;
		fputs(!nr++ ? "" : " · ", to);
		if (!i)
			fputs("Linux ", to);
		html_text(to, row_str(env, names[i]));
	}
	if (json_object_array_length(res->environments) > 1)
		fprintf(to, " · %zu reports", json_object_array_length(res->environments));
}

void machine_write(FILE *to, const struct results *res)
{
	struct json_object *list = machines(res);
	size_t i;

	fputs("<section id=\"machine\"><h2>Measured on</h2>\n", to);
	if (!json_object_array_length(list)) {
		fputs("<p class=\"warn\">The reports say nothing of it.</p>\n", to);
	} else {
		fputs("<div class=\"scroll\" tabindex=\"0\">"
		      "<table class=\"machine\"><tbody>\n", to);
		for (i = 0; i < NR(of_all); i++)
			one_line(to, list, of_all[i].name);
		for (i = 0; i < NR(of_some); i++)
			if (said(list, of_some[i].name))
				one_line(to, list, of_some[i].name);
		more_lines(to, list);
		fputs("</tbody></table></div>\n", to);
		runs(to, res);
	}
	fputs("</section>\n", to);
	json_object_put(list);
}
