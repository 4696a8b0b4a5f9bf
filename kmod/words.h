/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Structures of the interface, to and from user space: all are made of 64-bit words, and
 * of so few that it is cheaper to move these than to have it done by the byte.
 */
#ifndef _ZC_WORDS_H
#define _ZC_WORDS_H

#include <linux/uaccess.h>

/**
 * zc_words_get - copy words from user space
 * @to:    here
 * @from:  from there
 * @bytes: so many, a multiple of 8
 *
 * Returns: 0 or -EFAULT. May sleep.
 */
static __always_inline int zc_words_get(u64 *to, const u64 __user *from, size_t bytes)
{
	size_t i;

	if (!user_read_access_begin(from, bytes))
		return -EFAULT;
#pragma GCC unroll 16	/* all of them */
	for (i = 0; i < bytes / sizeof(u64); i++)
		unsafe_get_user(to[i], from + i, fault);
	user_read_access_end();
	return 0;
fault:
	user_read_access_end();
	return -EFAULT;
}

/**
 * zc_words_put - copy words to user space
 * @to:    there
 * @from:  from here
 * @bytes: so many, a multiple of 8
 *
 * Returns: 0 or -EFAULT. May sleep.
 */
static __always_inline int zc_words_put(u64 __user *to, const u64 *from, size_t bytes)
{
	size_t i;

	if (!user_write_access_begin(to, bytes))
		return -EFAULT;
#pragma GCC unroll 16	/* all of them */
	for (i = 0; i < bytes / sizeof(u64); i++)
		unsafe_put_user(from[i], to + i, fault);
	user_write_access_end();
	return 0;
fault:
	user_write_access_end();
	return -EFAULT;
}

#endif /* _ZC_WORDS_H */
