/* SPDX-License-Identifier: GPL-2.0-only */
/* Who changes settings of the machine, and what they were. */
#ifndef _ZCCTL_BENCH_CLAIM_H
#define _ZCCTL_BENCH_CLAIM_H

#include <sys/types.h>

/* See claim.c */
#define CLAIM_FILE	"/run/zcctl-bench"

int claim_take(pid_t *holder);
void claim_each(int fd, void (*back)(const char *path, const char *value));
void claim_left(void (*back)(const char *path, const char *value));
int claim_note(const char *path, const char *value);
void claim_clear(void);

#endif /* _ZCCTL_BENCH_CLAIM_H */
