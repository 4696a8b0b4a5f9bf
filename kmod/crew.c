// SPDX-License-Identifier: GPL-2.0-only
/*
 * The few workers that are there for all, and how many of them one user may have.
 *
 * A worker waits where whoever submitted the transfer would: for a file that somebody
 * is writing to, for a socket that somebody sends to, for his cgroup's memory. He may
 * see to it that this takes for ever. So nobody has more workers than are free, and one
 * user alone no more than half; who wants more goes where others wait (the slow lanes).
 */
#include <linux/spinlock.h>
#include <linux/uidgid.h>

#include "async.h"

static DEFINE_SPINLOCK(zc_crew_lock);
/* For whom the busy ones are busy. */
static kuid_t zc_crew[ZC_CREW_MAX];
static unsigned int zc_crew_busy;

/**
 * zc_crew_join - have one more worker busy for a user
 * @uid: the user
 *
 * Returns: true if it may be, until zc_crew_part(). Does not sleep.
 */
bool zc_crew_join(kuid_t uid)
{
	unsigned int own = 0, i;
	bool may;

	spin_lock(&zc_crew_lock);
	for (i = 0; i < zc_crew_busy; i++)
		own += uid_eq(zc_crew[i], uid);
	may = own < ZC_CREW_MAX - zc_crew_busy;
	if (may)
		zc_crew[zc_crew_busy++] = uid;
	spin_unlock(&zc_crew_lock);
	return may;
}

/**
 * zc_crew_part - have one less
 * @uid: of zc_crew_join()
 */
void zc_crew_part(kuid_t uid)
{
	unsigned int i = 0;

	spin_lock(&zc_crew_lock);
	while (!uid_eq(zc_crew[i], uid))
		i++;
	zc_crew[i] = zc_crew[--zc_crew_busy];
	spin_unlock(&zc_crew_lock);
}
