// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whose turn it is to begin: where many transfers are submitted at once, those that
 * would find little memory wait until the first have done with theirs, rather than
 * that all go on in small steps; and so do those that come faster than the network
 * gets on (pace.c).
 *
 * The network does not say when it lets go of memory, so somebody has to look. And
 * peers that never read may hold it: when nobody gets on, or who waits has waited for
 * long, some begin with what there is.
 */
#include <linux/atomic.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "async.h"
#include "pool.h"
#include "zc.h"

/* Enough to begin with, if that much is left to send. */
#define ZC_TURN_SHARE	SZ_256K

/* Looks in a row, one a jiffy, at which nobody could begin or had ended. */
#define ZC_TURN_LOOKS	(HZ / 10)

/*
 * Others may end all the time, and free nothing of what is wanted. Where no more than a
 * few wait, they soon have a share of what the others free, and take.
 */
#define ZC_TURN_WAIT	(2 * HZ)
#define ZC_TURN_WAIT_FEW (HZ / 10)

/*
 * Then so many begin at least, and a quarter of them; and of those who have waited for
 * long, so many, and a sixteenth: who keeps the others busy with transfers that end
 * delays nobody for longer than that takes.
 */
#define ZC_TURN_SOME	256U
#define ZC_TURN_FEW	16U

static DEFINE_SPINLOCK(zc_turns_lock);
/* By zc_turn::node, the first come first; under the lock, as is their count. */
static LIST_HEAD(zc_turns);
static unsigned int zc_nr_turns;
/* As many as stood there at a time since it was last empty. */
static unsigned int zc_most_turns;

/* Of those that had begun, and needed memory. */
static atomic_t zc_turns_ended = ATOMIC_INIT(0);

static void zc_turns_look(struct work_struct *work);
static DECLARE_DELAYED_WORK(zc_turns_work, zc_turns_look);

static void zc_turn_list_locked(struct zc_turn *turn)
{
	lockdep_assert_held(&zc_turns_lock);
	if (!turn->waited)
		turn->since = jiffies;
	turn->waited = true;
	list_add_tail(&turn->node, &zc_turns);
	zc_most_turns = zc_nr_turns++ ? max(zc_most_turns, zc_nr_turns) : 1;
}

static void zc_turn_unlist_locked(struct zc_turn *turn)
{
	lockdep_assert_held(&zc_turns_lock);
	if (list_empty(&turn->node))
		return;
	list_del_init(&turn->node);
	zc_nr_turns--;
}

/* By its own transfer, which alone lists it, and may be gone after that. */
static void zc_turn_unlist(struct zc_turn *turn)
{
	if (!turn->waited)
		return;
	spin_lock(&zc_turns_lock);
	zc_turn_unlist_locked(turn);
	spin_unlock(&zc_turns_lock);
}

static void zc_turn_begin_locked(struct zc_turn *turn)
{
	zc_turn_unlist_locked(turn);
	turn->paced = true;
	/* Under the lock: who leaves the list may be gone after that. */
	turn->begin(turn);
}

/* Let the first of those who wait begin, if the pace allows for it. */
static bool zc_turn_next(void)
{
	struct zc_turn *turn;

	spin_lock(&zc_turns_lock);
	turn = list_first_entry_or_null(&zc_turns, struct zc_turn, node);
	if (turn && !zc_pace_take(READ_ONCE(turn->wants)))
		turn = NULL;
	if (turn)
		zc_turn_begin_locked(turn);
	spin_unlock(&zc_turns_lock);
	return turn;
}

/* The same without memory, if it has waited for @min jiffies. */
static bool zc_turn_next_anyway(unsigned long min)
{
	struct zc_turn *turn;

	spin_lock(&zc_turns_lock);
	turn = list_first_entry_or_null(&zc_turns, struct zc_turn, node);
	if (turn && time_before(jiffies, turn->since + min))
		turn = NULL;
	if (turn) {
		WRITE_ONCE(turn->anyway, true);
		zc_turn_begin_locked(turn);
	}
	spin_unlock(&zc_turns_lock);
	return turn;
}

/* Let some begin with what there is: many if nobody gets on, or no more than that wait. */
static void zc_turns_anyway(bool stuck)
{
	unsigned int nr = READ_ONCE(zc_nr_turns), some = max(nr / 16, ZC_TURN_FEW);
	unsigned long min = ZC_TURN_WAIT;

	if (READ_ONCE(zc_most_turns) <= ZC_TURN_SOME) {
		some = ZC_TURN_SOME;
		min = ZC_TURN_WAIT_FEW;
	}
	if (stuck) {
		some = max(nr / 4, ZC_TURN_SOME);
		min = 0;
	}
	while (some-- && zc_turn_next_anyway(min))
		;
}

static void zc_turns_look(struct work_struct *work)
{
	static unsigned int looks, ended;
	static bool moved;
	unsigned int now = atomic_read(&zc_turns_ended);
	unsigned int nr = 0;

	zc_spare_reap(UINT_MAX);
	spin_lock(&zc_turns_lock);
	zc_pace_look();
	spin_unlock(&zc_turns_lock);
	/* Each will take its share only when it runs. */
	while (zc_pool_share() >= ZC_TURN_SHARE && nr < zc_pool_room() / ZC_TURN_SHARE &&
	       zc_turn_next())
		nr++;
	moved = moved || nr || now != ended;
	ended = now;
	if (++looks == ZC_TURN_LOOKS / 2 && !moved)
		zc_pool_reap();
	if (looks >= ZC_TURN_LOOKS) {
		zc_turns_anyway(!moved);
		looks = 0;
		moved = false;
	}
	if (READ_ONCE(zc_nr_turns)) {
		queue_delayed_work(system_unbound_wq, &zc_turns_work, 1);
		return;
	}
	/* Who comes next begins a window of its own. */
	looks = 0;
	moved = false;
}

/* Is there memory, and is nobody before it? Else it waits. */
static bool zc_turn_take(struct zc_turn *turn)
{
	bool mine = zc_pool_share() >= turn->wants;

	spin_lock(&zc_turns_lock);
	if (mine && !turn->paced)
		mine = list_empty(&zc_turns) && zc_pace_take(turn->wants);
	/* It may have been woken by something else while it stood there. */
	if (!mine && list_empty(&turn->node))
		zc_turn_list_locked(turn);
	if (mine)
		zc_turn_unlist_locked(turn);
	spin_unlock(&zc_turns_lock);
	if (!mine)
		queue_delayed_work(system_unbound_wq, &zc_turns_work, 1);
	return mine;
}

/**
 * zc_turn_mine - may this transfer begin?
 * @turn: its turn
 * @left: bytes that it will need memory for
 *
 * Returns: true, then ever; or false, and zc_turn::begin() is called later, unless
 * zc_turn_leave() comes first.
 */
bool zc_turn_mine(struct zc_turn *turn, u64 left)
{
	if (turn->began)
		return true;
	turn->counts = left;
	/* It may be on the list, and looked at. */
	WRITE_ONCE(turn->wants, min_t(u64, left, ZC_TURN_SHARE));
	if (READ_ONCE(turn->anyway) || !left)
		zc_turn_unlist(turn);
	else if (!zc_turn_take(turn))
		return false;
	turn->began = true;
	return true;
}

/**
 * zc_turn_leave - wait no more
 * @turn: its turn, whether it waits or not
 */
void zc_turn_leave(struct zc_turn *turn)
{
	if (turn->began && turn->counts)
		atomic_inc(&zc_turns_ended);
	zc_turn_unlist(turn);
}

/**
 * zc_turn_init - get a transfer ready to wait for its turn
 * @turn:  its turn
 * @begin: called when it may try again; with a spinlock held
 */
void zc_turn_init(struct zc_turn *turn, void (*begin)(struct zc_turn *turn))
{
	INIT_LIST_HEAD(&turn->node);
	turn->begin = begin;
	turn->waited = false;
	turn->wants = 0;
	turn->paced = false;
	turn->anyway = false;
	turn->began = false;
}

/**
 * zc_turn_exit - nobody waits any more
 */
void zc_turn_exit(void)
{
	cancel_delayed_work_sync(&zc_turns_work);
}
