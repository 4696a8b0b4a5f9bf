/* SPDX-License-Identifier: GPL-2.0-only */
/* What goes on until it is stopped, and the times of day in it. */
#ifndef _ZCCTL_STOP_H
#define _ZCCTL_STOP_H

#include <poll.h>
#include <time.h>

#include "zcctl.h"

void stop_watch(void);
bool stop_asked(void);
int stop_poll(struct pollfd *pfd, int timeout_ms);
bool stop_pipe(void);
bool stop_unread(void);
bool stop_sleep(uint64_t until_ns);
const char *time_utc(const struct timespec *when, char *text, size_t size);
const char *time_local(const struct timespec *when, char *text, size_t size);

#endif /* _ZCCTL_STOP_H */
