// SPDX-License-Identifier: GPL-2.0-only
/* What the module's tracepoints said. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "events.h"

#define INSTANCE	"/sys/kernel/tracing/instances/zc-events"
#define LINE_MAX_	1024

/**
 * struct search - which events, and what of them
 * @name: of the event
 * @want: "key=value" of some fields, a space between them
 * @key:  a field that is a number, or NULL
 * @nr:   so many there were
 * @first: the number of the first of them, or -1
 * @sum:  of all of them
 */
struct search {
	const char *name;
	char want[256];
	const char *key;
	unsigned int nr;
	long long first;
	long long sum;
};

static bool put(const char *file, const char *text)
{
	char path[128];
	bool done;
	int fd;

	snprintf(path, sizeof(path), INSTANCE "/%s", file);
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0)
		return false;
	done = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return done;
}

bool events_start(void)
{
	if (mkdir(INSTANCE, 0700) && errno != EEXIST)
		return false;
	/*
	 * Names of tasks are not wanted: to record them the kernel patches its scheduler each
	 * time, and an emulated processor (TCG) now and then still sees the breakpoint that
	 * stood there meanwhile, which is an oops.
	 */
	put("../../options/record-cmd", "0");
	/* What an instance begins with is what stands there then. */
	rmdir(INSTANCE);
	if (mkdir(INSTANCE, 0700) && errno != EEXIST)
		return false;
	return put("buffer_size_kb", "1024") && put("trace", "") && put("events/zc/enable", "1");
}

void events_stop(void)
{
	put("events/zc/enable", "0");
	rmdir(INSTANCE);
}

/* Where "key=" stands among the fields, or the whole of "key=value" if @whole; NULL if not. */
static const char *field(const char *fields, const char *text, size_t len, bool whole)
{
	const char *at;

	for (at = strstr(fields, text); at; at = strstr(at + 1, text))
		if (at[-1] == ' ' && (!whole || strchr("\n ", at[len])))
			return at + len;
	return NULL;
}

static bool matches(const char *fields, const char *want)
{
	char text[256], *next = text, *word;

	snprintf(text, sizeof(text), "%s", want);
	while ((word = strsep(&next, " ")))
		if (*word && !field(fields, word, strlen(word), true))
			return false;
	return true;
}

static void look(struct search *s, const char *line)
{
	char name[64], key[64];
	const char *at;
	long long val;

	snprintf(name, sizeof(name), " %s: ", s->name);
	line = strstr(line, name);
	if (!line)
		return;
	/* The fields, and the space before them. */
	line += strlen(name) - 1;
	if (!matches(line, s->want))
		return;
	s->nr++;
	if (!s->key)
		return;
	snprintf(key, sizeof(key), "%s=", s->key);
	at = field(line, key, strlen(key), false);
	val = at ? strtoll(at, NULL, 0) : -1;
	if (s->nr == 1)
		s->first = val;
	s->sum += val;
}

static void search(struct search *s, const char *name, const char *key, const char *fmt,
		   va_list args)
{
	FILE *f = fopen(INSTANCE "/trace", "re");
	char line[LINE_MAX_];

	*s = (struct search){ .name = name, .key = key, .first = -1 };
	vsnprintf(s->want, sizeof(s->want), fmt, args);
	while (f && fgets(line, sizeof(line), f))
		if (line[0] != '#')
			look(s, line);
	if (f)
		fclose(f);
}

unsigned int events_count(const char *name, const char *fmt, ...)
{
	struct search s;
	va_list args;

	va_start(args, fmt);
	search(&s, name, NULL, fmt, args);
	va_end(args);
	return s.nr;
}

bool events_come(int ms, const char *name, const char *fmt, ...)
{
	uint64_t end = zct_now_ms() + ms;
	struct search s;
	va_list args;

	do {
		va_start(args, fmt);
		search(&s, name, NULL, fmt, args);
		va_end(args);
		if (s.nr)
			return true;
		usleep(50000);
	} while (zct_now_ms() < end);
	return false;
}

long long events_first(const char *name, const char *key, const char *fmt, ...)
{
	struct search s;
	va_list args;

	va_start(args, fmt);
	search(&s, name, key, fmt, args);
	va_end(args);
	return s.first;
}

long long events_sum(const char *name, const char *key, const char *fmt, ...)
{
	struct search s;
	va_list args;

	va_start(args, fmt);
	search(&s, name, key, fmt, args);
	va_end(args);
	return s.sum;
}

void events_show(void)
{
	FILE *f = fopen(INSTANCE "/trace", "re");
	char line[LINE_MAX_];

	while (f && fgets(line, sizeof(line), f))
		printf("# %s", line);
	if (f)
		fclose(f);
}
