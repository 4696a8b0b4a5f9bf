/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whose a buffer is.
 */
#ifndef _ZC_OWNER_H
#define _ZC_OWNER_H

#include <linux/types.h>

struct user_struct;

/**
 * struct zc_owner - who has a buffer
 * @user:  whose locked memory it is; NULL: it is not limited
 * @bytes: so much of it
 */
struct zc_owner {
	struct user_struct *user;
	u64 bytes;
};

int zc_owner_charge(struct zc_owner *owner, u64 bytes);
void zc_owner_uncharge(struct zc_owner *owner);
void zc_owner_suspend(const struct zc_owner *owner);
bool zc_owner_resume(const struct zc_owner *owner);
void zc_owner_forget(struct zc_owner *owner);
struct user_struct *zc_owner_hold(const struct zc_owner *owner, u64 bytes);
void zc_owner_let_go(struct user_struct *user, u64 bytes);

#endif /* _ZC_OWNER_H */
