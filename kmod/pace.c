// SPDX-License-Identifier: GPL-2.0-only
/*
 * How fast transfers begin, of those that are submitted in a crowd.
 *
 * Who receives from thousands at once comes to each of them late. The more is in
 * flight, the later; and after two jiffies or so without an acknowledgment TCP takes
 * its last packet for lost, and sends it again (a tail loss probe, RFC 8985): 64 KiB
 * for nothing, on a loopback. So they begin at the pace at which the network gets done
 * with what the others sent: faster if that is gone at once, slower if it piles up.
 *
 * Where for long it takes much longer than that, the peers read slowly, or not at all,
 * and nothing is won by waiting for them: then more and more begin.
 *
 * The network is looked at while somebody waits. What it was like before is forgotten
 * soon after: else, once slow peers have had the pace go up, nobody would wait any more,
 * and nobody would look again.
 */
#include <linux/jiffies.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/sizes.h>

#include "async.h"
#include "pool.h"
#include "zc.h"

/* Bytes in a jiffy: to begin with, and never less. */
#define ZC_PACE_START	((s64)SZ_1G / HZ)
#define ZC_PACE_MIN	((s64)SZ_256M / HZ)
/* And never more, which is no pace any more. */
#define ZC_PACE_MAX	((s64)SZ_1G * 1024)

/* So much may begin at once, where none did before. */
#define ZC_PACE_BURST	((s64)SZ_32M)

/* It piles up if it will take so many jiffies. */
#define ZC_PACE_QUEUE	2

/* Peers are slow if it will take so many, and for so long. */
#define ZC_PACE_LONG	16
#define ZC_PACE_PATIENT	(HZ / 2)

static struct {
	s64 rate;		/* bytes in a jiffy */
	s64 left;		/* bytes that may begin now */
	unsigned long filled;	/* when @left was last added to, jiffies */
	unsigned long looked;	/* when @rate was last set, jiffies */
	u64 taken;		/* zc_pool_taken() at the last look */
	s64 flying;		/* zc_pool_flying() at the last look */
	unsigned long quick;	/* when peers were last seen not to be slow, jiffies */
} zc_pace = { .rate = ZC_PACE_START };

static void zc_pace_fill(void)
{
	unsigned long passed = jiffies - zc_pace.filled;

	if (jiffies - zc_pace.looked > ZC_PACE_LONG)
		zc_pace.rate = ZC_PACE_START;
	zc_pace.filled += passed;
	zc_pace.left = min(zc_pace.left + zc_pace.rate * (s64)min(passed, 1000UL),
			   max(ZC_PACE_QUEUE * zc_pace.rate, ZC_PACE_BURST));
}

static s64 zc_pace_rate(s64 flying, s64 done)
{
	if (flying <= ZC_PACE_LONG * done || !flying)
		zc_pace.quick = jiffies;
	if (time_after(jiffies, zc_pace.quick + ZC_PACE_PATIENT))
		return clamp_t(s64, 2 * zc_pace.rate, ZC_PACE_MIN, ZC_PACE_MAX);
	if (flying > ZC_PACE_QUEUE * done)
		return max(done - done / 4, ZC_PACE_MIN);
	if (flying > done / 2)
		return max(done, ZC_PACE_MIN);
	return max(done + done / 4, ZC_PACE_START);
}

/**
 * zc_pace_look - set the pace by what the network has done with since the last look
 *
 * The caller sees to it that one at a time is in any of these functions.
 */
void zc_pace_look(void)
{
	unsigned long passed = jiffies - zc_pace.looked;
	s64 flying = zc_pool_flying(), done;
	u64 taken = zc_pool_taken();

	if (!passed)
		return;
	zc_pace_fill();
	/* Nobody had to wait in between. */
	if (passed > ZC_PACE_LONG)
		zc_pace.quick = jiffies;
	done = (s64)(taken - zc_pace.taken) - (flying - zc_pace.flying);
	done = div_s64(max_t(s64, done, 0), min(passed, 1000UL));
	zc_pace.rate = zc_pace_rate(flying, done);
	zc_pace.looked += passed;
	zc_pace.taken = taken;
	zc_pace.flying = flying;
}

/**
 * zc_pace_take - may a transfer begin?
 * @bytes: that it puts in flight at first, less than ZC_PACE_BURST
 *
 * Returns: true if it may, and then is taken to do so.
 */
bool zc_pace_take(u64 bytes)
{
	zc_pace_fill();
	if (zc_pace.left < (s64)bytes)
		return false;
	zc_pace.left -= bytes;
	return true;
}
