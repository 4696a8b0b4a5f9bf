/* SPDX-License-Identifier: GPL-2.0-only */
/* What the module's tracepoints said. */
#ifndef _EVENTS_H
#define _EVENTS_H

#include "zc_test.h"

/*
 * Begin with nothing, in a buffer of our own, beside which others may trace. False where
 * there are none, or no tracefs.
 */
bool events_start(void);
void events_stop(void);

/*
 * Events of this name among whose fields are these, as they are printed: printf() makes
 * "key=value key=value" of @fmt. They are read anew each time.
 */
unsigned int events_count(const char *name, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Wait until there is one, at most @ms milliseconds. */
bool events_come(int ms, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* A number of the first of them, or -1; of all of them, added up. */
long long events_first(const char *name, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
long long events_sum(const char *name, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* All that was said, for people. */
void events_show(void);

#endif /* _EVENTS_H */
