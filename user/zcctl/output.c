// SPDX-License-Identifier: GPL-2.0-only
/* Data to stdout and errors to stderr, for people or as JSON. */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "zcctl.h"

#define OUT_SCHEMA	"zcctl/1"

bool out_json;
bool out_pretty;
/* Who has the terminal for itself gives it back by this. */
void (*out_before_errors)(void);
static bool progress_shown;
/* Why output was lost; errno. */
static int out_lost;
static char command[64];

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static void print_object(FILE *to, struct json_object *obj)
{
	int flags = JSON_C_TO_STRING_NOSLASHESCAPE;

	flags |= out_pretty ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED :
			      JSON_C_TO_STRING_PLAIN;
	fprintf(to, "%s\n", json_object_to_json_string_ext(obj, flags));
	json_object_put(obj);
}

/* A new result. Consumed by out_object(). */
struct json_object *out_new(const char *kind)
{
	struct json_object *obj = json_object_new_object();

	out_add_str(obj, "schema", OUT_SCHEMA);
	out_add_str(obj, "kind", kind);
	return obj;
}

void out_add_str(struct json_object *obj, const char *key, const char *val)
{
	json_object_object_add(obj, key,
			       val ? json_object_new_string(val) : NULL);
}

void out_add_u64(struct json_object *obj, const char *key, uint64_t val)
{
	json_object_object_add(obj, key, json_object_new_uint64(val));
}

void out_add_double(struct json_object *obj, const char *key, double val)
{
	char text[32];

	snprintf(text, sizeof(text), "%.3f", val);
	json_object_object_add(obj, key, json_object_new_double_s(val, text));
}

void out_object(struct json_object *obj)
{
	print_object(stdout, obj);
}

/* An error as JSON, for out_error_object(). */
struct json_object *out_error_new(int code, int err, const char *hint, const char *text)
{
	struct json_object *obj = out_new("error"), *inner = json_object_new_object();

	out_add_str(inner, "message", text);
	out_add_u64(inner, "errno", err);
	out_add_str(inner, "reason", err ? strerror(err) : NULL);
	out_add_str(inner, "hint", hint);
	out_add_u64(inner, "exit", code);
	json_object_object_add(obj, "error", inner);
	return obj;
}

void out_error_object(struct json_object *obj)
{
	out_progress_end();
	print_object(stderr, obj);
}

/*
 * Say what went wrong, and what to do. @err is a positive errno or 0. Returns
 * @code, to be returned as exit code.
 */
int out_error(int code, int err, const char *hint, const char *fmt, ...)
{
	char text[512], plain[PLAIN_SIZE(sizeof(text))];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* Where both go to the same place, what was said before comes before. */
	out_flush();
	if (out_json) {
		out_error_object(out_error_new(code, err, hint, text));
		return code;
	}
	out_progress_end();
	fprintf(stderr, "zcctl: %s%s%s\n", out_plain(text, plain, sizeof(plain)),
		err ? ": " : "", err ? strerror(err) : "");
	if (hint)
		fprintf(stderr, "  %s\n", hint);
	return code;
}

/* What runs, for hints: a command, then, of some, a part of it. */
void out_command(const char *name)
{
	size_t len = strlen(command);

	snprintf(command + len, sizeof(command) - len, " %s", name);
}

int out_usage(const char *fmt, ...)
{
	char text[512], hint[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(hint, sizeof(hint), "zcctl%s --help", command);
	return out_error(EX_USAGE, 0, hint, "%s", text);
}

/* For the ':' of getopt_long(): an option without its value. Returns an exit code. */
int out_no_value(const char *what, char **argv)
{
	return out_usage("%s: '%s' lacks its value", what, argv[optind - 1]);
}

/* For the '?' of getopt_long(), whose own messages are off. Returns an exit code. */
int out_bad_option(const char *what, char **argv)
{
	const char *word = argv[optind - 1];

	if (strncmp(word, "--", 2))
		return out_usage("%s: '-%c' is no option", what, optopt);
	if (!optopt)
		return out_usage("%s: '%s' is no option", what, word);
	if (strchr(word, '='))
		return out_usage("%s: '%s': that option takes no value", what, word);
	return out_no_value(what, argv);
}

/*
 * Have what was printed written. False: it cannot be, now or before; out_finish() says so,
 * so there is no use in more.
 */
bool out_flush(void)
{
	errno = 0;
	if ((fflush(stdout) || ferror(stdout)) && !out_lost)
		out_lost = errno ? errno : EIO;
	return !out_lost;
}

/* At the end: @ret, unless output was lost. A reader who has gone away wants no more. */
int out_finish(int ret)
{
	if (out_flush() || out_lost == EPIPE || ret)
		return ret;
	return out_error(EX_FAILED, out_lost, NULL, "cannot write the output");
}

/* For people: "1.5 GiB". */
const char *out_bytes(uint64_t bytes, char *buf, size_t size)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double val = bytes;
	unsigned int i = 0;

	while (val >= 1024 && i < 4) {
		val /= 1024;
		i++;
	}
	snprintf(buf, size, i && val < 100 ? "%.1f %s" : "%.0f %s", val, units[i]);
	return buf;
}

/* What out_progress() counts, for people: bytes, unless it is said. */
const char *out_progress_unit;

static const char *progress_text(uint64_t nr, char *buf, size_t size)
{
	if (!out_progress_unit)
		return out_bytes(nr, buf, size);
	snprintf(buf, size, "%llu", (unsigned long long)nr);
	return buf;
}

/* A bar on a terminal, ten times a second; nothing elsewhere. */
void out_progress(const char *what, uint64_t done, uint64_t total)
{
	static uint64_t last;
	char a[32], b[32], bar[31];
	unsigned int filled;

	if (out_json || !isatty(STDERR_FILENO))
		return;
	if (done < total && now_ns() - last < 100000000)
		return;
	last = now_ns();
	progress_shown = true;
	if (!total) {
		fprintf(stderr, "\r%s %s\033[K", what,
			progress_text(done, a, sizeof(a)));
		return;
	}
	filled = 30 * ((double)done / total);
	memset(bar, '.', 30);
	memset(bar, '#', filled > 30 ? 30 : filled);
	bar[30] = '\0';
	fprintf(stderr, "\r%s [%s] %3.0f %%  %s of %s%s%s\033[K", what, bar,
		100.0 * done / total, progress_text(done, a, sizeof(a)),
		progress_text(total, b, sizeof(b)), out_progress_unit ? " " : "",
		out_progress_unit ?: "");
}

/* On a terminal, until something else is said: what is waited for. */
void out_waiting(const char *fmt, ...)
{
	va_list ap;

	if (out_json || !isatty(STDERR_FILENO))
		return;
	fputc('\r', stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("\033[K", stderr);
	progress_shown = true;
}

void out_progress_end(void)
{
	if (out_before_errors)
		out_before_errors();
	if (progress_shown)
		fputs("\r\033[K", stderr);
	progress_shown = false;
}

/* --help is the only option. Returns -1 if it was not given, or an exit code. */
int out_help_only(const char *what, const char *help, int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ },
	};
	int c;

	while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (c != 'h')
			return out_bad_option(what, argv);
		fputs(help, stdout);
		return EX_OK;
	}
	return -1;
}
