/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of test-libzc share. */
#ifndef _ZC_TEST_LIBZC_H
#define _ZC_TEST_LIBZC_H

#include <zc/zc.h>

#define ODD	12345u
#define BUFFER	(2u << 20)

extern struct zc_context *ctx;

/* libzc-memory.c */
void test_memory(void);

#endif /* _ZC_TEST_LIBZC_H */
