// SPDX-License-Identifier: GPL-2.0-only
/* Figures of rows: what they are called, and how people read them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "figure.h"

#define NR(array)	(sizeof(array) / sizeof(*(array)))
#define MIB		(1024.0 * 1024.0)

/* What follows from fields begins with a colon. */
static const struct figure known[] = {
	{ ":per_gib", "CPU time for a GiB", FIGURE_NS, false },
	{ ":per_file", "CPU time for each", FIGURE_NS, false },
	{ ":map_per_mib", "to map a MiB", FIGURE_NS, false },
	{ ":unmap_per_mib", "to unmap a MiB", FIGURE_NS, false },
	{ ":first_touch", "to get it and to touch it", FIGURE_NS, false },
	{ ":tlb_misses", "misses of the TLB for each access", FIGURE_COUNT, false },
	{ "cpu_ns", "CPU time", FIGURE_NS, false },
	{ "cpu_ns_per_access", "CPU time for each access", FIGURE_NS, false },
	{ "requests_per_s", "requests by the second", FIGURE_PER_S, true },
	{ "gb_per_s", "GB by the second", FIGURE_COUNT, true },
	{ "access_ns", "each access", FIGURE_NS, false },
	{ "bytes_per_s", "bytes by the second", FIGURE_PER_S, true },
	{ "wall_ns", "elapsed", FIGURE_NS, false },
	{ "cpu_ns_per_mib", "CPU time for a MiB", FIGURE_NS, false },
	{ "get_cpu_ns", "to get it", FIGURE_NS, false },
	{ "get_ns", "the buffer: to get, to fill, to give back", FIGURE_NS, false },
	{ "write_ns", "the write alone", FIGURE_NS, false },
	{ "touch_cpu_ns", "to touch it", FIGURE_NS, false },
	{ "map_ns", "to map", FIGURE_NS, false },
	{ "unmap_ns", "to unmap", FIGURE_NS, false },
	{ "call_ns_least", "cheapest call", FIGURE_NS, false },
	{ "first_byte_ns", "until the first byte", FIGURE_NS, false },
	{ "faults", "page faults", FIGURE_COUNT, false },
	{ "faults_per_write", "page faults of each write", FIGURE_COUNT, false },
	{ "syscalls", "system calls", FIGURE_COUNT, false },
	{ "copied_bytes", "copied by the CPU", FIGURE_BYTES, false },
	{ "page_cache_bytes", "page cache grew by", FIGURE_BYTES, false },
	{ "file_bytes", "size", FIGURE_BYTES, false },
	{ "per_call", "by one call", FIGURE_BYTES, false },
	{ "transfer_bytes", "each transfer", FIGURE_BYTES, false },
	{ "bytes", "bytes", FIGURE_BYTES, false },
	{ "page_size", "pages", FIGURE_BYTES, false },
	{ "size", "size", FIGURE_BYTES, false },
	{ "working_set", "working set", FIGURE_BYTES, false },
	{ "concurrency", "at once", FIGURE_COUNT, false },
	{ "processes", "processes", FIGURE_COUNT, false },
	{ "frags_per_packet", "fragments of a full packet", FIGURE_COUNT, false },
	{ "spread", "spread", FIGURE_SHARE, false },
	{ "load", "load", FIGURE_COUNT, false },
	{ "kinsn_per_mib", "thousand instructions for a MiB", FIGURE_COUNT, false },
	{ "mean_ns", "mean", FIGURE_NS, false },
	{ "p50_ns", "half within", FIGURE_NS, false },
	{ "p90_ns", "90 % within", FIGURE_NS, false },
	{ "p99_ns", "99 % within", FIGURE_NS, false },
	{ "p999_ns", "99.9 % within", FIGURE_NS, false },
	{ "max_ns", "longest", FIGURE_NS, false },
};

static bool ends(const char *name, const char *end)
{
	size_t len = strlen(name), n = strlen(end);

	return len >= n && !strcmp(name + len - n, end);
}

static enum figure_unit unit_of(const char *name)
{
	if (ends(name, "_per_s") || ends(name, "_per_second") || strstr(name, "throughput"))
		return FIGURE_PER_S;
	if (ends(name, "_ns") || strstr(name, "_ns_"))
		return FIGURE_NS;
	if (ends(name, "bytes") || ends(name, "_size"))
		return FIGURE_BYTES;
	if (ends(name, "_share"))
		return FIGURE_SHARE;
	return FIGURE_COUNT;
}

/* Any field; @name has to live as long. */
void figure_named(struct figure *fig, const char *name)
{
	size_t i;

	for (i = 0; i < NR(known); i++) {
		if (strcmp(known[i].name, name))
			continue;
		*fig = known[i];
		return;
	}
	*fig = (struct figure){ .name = name, .unit = unit_of(name) };
	fig->more = fig->unit == FIGURE_PER_S;
}

/* CPU time of a byte */
static bool per_byte(struct json_object *row, double *val)
{
	double bytes;

	if (row_num(row, "cpu_ns_per_mib", val)) {
		*val /= MIB;
		return true;
	}
	if (row_num(row, "kinsn_per_mib", val)) {
		*val *= 1000 / MIB;
		return true;
	}
	if (!row_num(row, "cpu_ns", val) || !row_num(row, "bytes", &bytes) || bytes <= 0)
		return false;
	*val /= bytes;
	return true;
}

static bool per_mib(struct json_object *row, const char *key, double *val)
{
	double bytes;

	if (!row_num(row, key, val) || !row_num(row, "bytes", &bytes) || bytes <= 0)
		return false;
	*val *= MIB / bytes;
	return true;
}

static bool sum(struct json_object *row, const char *a, const char *b, double *val)
{
	double x, y;

	if (!row_num(row, a, &x) || !row_num(row, b, &y))
		return false;
	*val = x + y;
	return true;
}

/* The program's, and the kernel's meanwhile; or what a model of a TLB has of the program's. */
static bool tlb_misses(struct json_object *row, double *val)
{
	struct json_object *modelled;
	double all;

	if (json_object_object_get_ex(row, "modelled", &modelled) &&
	    row_num(modelled, "l2_misses_per_access", val))
		return true;
	if (!sum(row, "dtlb_load_misses_user", "dtlb_load_misses_kernel", val) &&
	    !row_num(row, "dtlb_load_misses_user", val))
		return false;
	return row_num(row, "accesses", &all) && all > 0 && isfinite(*val /= all);
}

static bool derived(const char *name, struct json_object *row, double *val)
{
	double each;

	if (!strcmp(name, ":per_gib"))
		return per_byte(row, val) && isfinite(*val *= 1024 * MIB);
	if (!strcmp(name, ":per_file"))
		return per_byte(row, val) && row_num(row, "file_bytes", &each) &&
		       isfinite(*val *= each);
	if (!strcmp(name, ":map_per_mib"))
		return per_mib(row, "map_ns", val);
	if (!strcmp(name, ":unmap_per_mib"))
		return per_mib(row, "unmap_ns", val);
	if (!strcmp(name, ":tlb_misses"))
		return tlb_misses(row, val);
	return sum(row, "get_cpu_ns", "touch_cpu_ns", val);
}

/* Returns false if the row has none. */
bool figure_value(const struct figure *fig, struct json_object *row, double *val)
{
	if (*fig->name == ':')
		return derived(fig->name, row, val) && *val >= 0;
	return row_num(row, fig->name, val);
}

/* Three digits, and no exponent: "182", "18.2", "1.82" */
static int digits(double val)
{
	val = fabs(val);
	return val >= 99.95 || val == 0 ? 0 : val >= 9.995 ? 1 : 2;
}

static const char *scaled(double val, double base, const char *const *units, size_t nr, char *buf)
{
	size_t i = 0;

	while (i + 1 < nr && fabs(val) >= base * 0.9995) {
		val /= base;
		i++;
	}
	/* What are whole numbers before anything is divided stay so. */
	snprintf(buf, FIGURE_TEXT, "%.*f%s",
		 !i && val == floor(val) ? 0 : digits(val), val, units[i]);
	return buf;
}

/* "2,048" */
const char *count_text(double val, char *buf)
{
	char text[FIGURE_TEXT / 2];
	size_t len, i, at = 0, first;

	if (fabs(val) >= 1e15) {
		snprintf(buf, FIGURE_TEXT, "%.3g", val);
		return buf;
	}
	if (fabs(val) >= 99.95)
		val = round(val);
	if (val != floor(val)) {
		snprintf(buf, FIGURE_TEXT, "%.*f", fabs(val) < 1 ? 4 : digits(val), val);
		return buf;
	}
	snprintf(text, sizeof(text), "%.0f", fabs(val));
	len = strlen(text);
	first = len % 3;
	if (val < 0)
		buf[at++] = '-';
	for (i = 0; i < len; i++) {
		if (i && i % 3 == first % 3)
			buf[at++] = ',';
		buf[at++] = text[i];
	}
	buf[at] = '\0';
	return buf;
}

/* For people: "1.82 ms", "182 M", "2.00 MiB" */
const char *figure_text(enum figure_unit unit, double val, bool icount, char *buf)
{
	static const char *const times[] = { " ns", " µs", " ms", " s" };
	static const char *const thousands[] = { "", " k", " M", " G", " T" };
	static const char *const bytes[] = { " B", " KiB", " MiB", " GiB", " TiB" };

	switch (unit) {
	case FIGURE_NS:
		if (icount)
			return scaled(val, 1000, thousands, NR(thousands), buf);
		return scaled(val, 1000, times, NR(times), buf);
	case FIGURE_BYTES:
		scaled(val, 1024, bytes, NR(bytes), buf);
		/* "64.0 KiB" is 64 KiB. */
		if (val >= 1024 && fmod(val, 1024) == 0 && val / 1024 < 1024)
			snprintf(buf, FIGURE_TEXT, "%.0f KiB", val / 1024);
		else if (val >= MIB && fmod(val, MIB) == 0 && val / MIB < 1024)
			snprintf(buf, FIGURE_TEXT, "%.0f MiB", val / MIB);
		else if (val >= 1024 * MIB && fmod(val, 1024 * MIB) == 0)
			snprintf(buf, FIGURE_TEXT, "%.0f GiB", val / MIB / 1024);
		return buf;
	case FIGURE_SHARE:
		snprintf(buf, FIGURE_TEXT, "%.1f %%", 100 * val);
		return buf;
	case FIGURE_PER_S:
		return scaled(val, 1000, thousands, NR(thousands), buf);
	default:
		return count_text(val, buf);
	}
}

/* Not rounded: "1,818,210 ns" */
const char *figure_exact(enum figure_unit unit, double val, bool icount, char *buf)
{
	size_t len;

	if (unit == FIGURE_SHARE)
		return figure_text(unit, val, icount, buf);
	if (unit != FIGURE_NS && unit != FIGURE_BYTES && val != floor(val))
		snprintf(buf, FIGURE_TEXT, "%.9g", val);
	else
		count_text(round(val), buf);
	len = strlen(buf);
	snprintf(buf + len, FIGURE_TEXT - len, "%s",
		 unit == FIGURE_NS ? icount ? " instructions" : " ns" :
		 unit == FIGURE_BYTES ? " bytes" : "");
	return buf;
}

/* Below an axis: what it counts. */
const char *figure_unit_name(const struct figure *fig, bool icount)
{
	switch (fig->unit) {
	case FIGURE_NS:
		return icount ? "instructions" : strstr(fig->name, "wall") ? "time" : "CPU time";
	case FIGURE_BYTES:
		return "bytes";
	case FIGURE_PER_S:
		return "by the second";
	default:
		return fig->title ?: fig->name;
	}
}

/* A field of a row, for people; "" if there is none. */
const char *field_text(const char *name, struct json_object *row, bool icount, char *buf)
{
	struct json_object *obj = NULL;
	struct figure fig;
	double val;

	json_object_object_get_ex(row, name, &obj);
	if (json_object_is_type(obj, json_type_boolean)) {
		snprintf(buf, FIGURE_TEXT, "%s", json_object_get_boolean(obj) ? "yes" : "no");
		return buf;
	}
	figure_named(&fig, name);
	if (row_num(row, name, &val))
		return figure_text(fig.unit, val, icount, buf);
	return row_field(row, name, buf, FIGURE_TEXT);
}

/* "file bytes", "dTLB misses" */
const char *field_title(const char *name, char *buf)
{
	struct figure fig;
	char *p;

	figure_named(&fig, name);
	snprintf(buf, FIGURE_TEXT, "%s", fig.title ?: name);
	for (p = buf; *p; p++)
		if (*p == '_')
			*p = ' ';
	for (p = buf; (p = strstr(p, "tlb")); p += 3)
		memcpy(p, "TLB", 3);
	return buf;
}

/* Is a ns of this row an instruction? */
bool row_icount(const struct results *res, struct json_object *row)
{
	if (row_has(row, "icount"))
		return row_bool(row, "icount");
	if (row_has(row, "kinsn_per_mib"))
		return true;
	return row_bool(results_environment(res, row), "icount");
}
