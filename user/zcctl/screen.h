/* SPDX-License-Identifier: GPL-2.0-only */
/* A terminal that is drawn anew again and again. */
#ifndef _ZCCTL_SCREEN_H
#define _ZCCTL_SCREEN_H

#include "zcctl.h"

/**
 * enum screen_event - what ended a wait
 * @SCREEN_TIME:    it was long enough
 * @SCREEN_RESIZED: the terminal has another size, or is to be drawn for another reason
 * @SCREEN_QUIT:    the user, or a signal, wants it to end
 */
enum screen_event {
	SCREEN_TIME,
	SCREEN_RESIZED,
	SCREEN_QUIT,
};

int screen_open(void);
void screen_close(void);
unsigned int screen_lines(void);
void screen_begin(void);
void screen_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void screen_head(const char *text);
void screen_end(void);
enum screen_event screen_wait(uint64_t until_ns);
bool screen_done(void);

#endif /* _ZCCTL_SCREEN_H */
