/* SPDX-License-Identifier: GPL-2.0-only */
/* What the harnesses for libFuzzer share. */
#ifndef _FUZZ_H
#define _FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* What the next sockets of netlink have to say; NULL: the kernel has no such family. */
void fuzz_answers(const uint8_t *data, size_t size);

/* Run zcctl as a command, with its words up to a NULL. Returns its exit code. */
int fuzz_zcctl(char **words);
/* The same of one of its functions; the first word is a name. */
int fuzz_call(int (*fn)(int argc, char **argv), char **words);

/* A file of these bytes: its name, up to the next call with the same number, 0 or 1. */
char *fuzz_file(int nr, const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif /* _FUZZ_H */
