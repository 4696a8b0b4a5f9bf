/* SPDX-License-Identifier: GPL-2.0-only */
/* The tests that are known. */
#ifndef _ZCCTL_REPORT_TESTS_H
#define _ZCCTL_REPORT_TESTS_H

#include <stdbool.h>
#include <stddef.h>

/**
 * struct test - what is known of a test; see struct view
 * @mixed: what is in the page cache is a matter of the path; the rest is none of most tests
 */
struct test {
	const char *name;
	const char *title;
	const char *note;
	const char *base[4];
	const char *figures[6];
	unsigned int charts;
	bool mixed;
	const char *aside[6];
	const char *yardstick;
};

const struct test *test_named(const char *name);
size_t test_order(const char *name);

#endif /* _ZCCTL_REPORT_TESTS_H */
