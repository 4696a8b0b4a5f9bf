/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of asynchronous transfers share; see zc.h for the map. */
#ifndef _ZC_ASYNC_H
#define _ZC_ASYNC_H

#include "zc.h"

/* turn.c: who may begin when memory is short */

/**
 * struct zc_turn - somebody who may have to wait
 * @node:   among those who wait: added by its own transfer alone
 * @begin:  called when it may try again; with a spinlock held
 * @waited: it had to wait
 * @since:  since then, jiffies
 * @wants:  bytes that it needs memory for to begin
 * @paced:  others were before it, but no more
 * @anyway: has waited for long enough
 * @began:  it is under way
 * @counts: it needed memory for that
 */
struct zc_turn {
	struct list_head node;
	void (*begin)(struct zc_turn *turn);
	bool waited;
	unsigned long since;
	u64 wants;
	bool paced;
	bool anyway;
	bool began;
	bool counts;
};

void zc_turn_init(struct zc_turn *turn, void (*begin)(struct zc_turn *turn));
void zc_turn_exit(void);
bool zc_turn_mine(struct zc_turn *turn, u64 left);
void zc_turn_leave(struct zc_turn *turn);

/* pace.c: how fast many begin; under the lock of turn.c */

void zc_pace_look(void);
bool zc_pace_take(u64 bytes);

/* crew.c: the workers, and how many of them one user may have */

struct workqueue_struct;
struct zc_crew_user;

enum zc_crew_nr {
	ZC_CREW_QUICK,
	ZC_CREW_SLOW,
	ZC_CREW_CLOSE,
	ZC_CREWS
};

enum zc_berth_state {
	ZC_BERTH_NONE,
	ZC_BERTH_WAITS,		/* in the queue */
	ZC_BERTH_HAS,		/* has a worker, or one that is kept for it */
	ZC_BERTH_STUCK,		/* has waited in vain */
};

/**
 * struct zc_berth - a place among the workers, of a lane or of a file to be closed
 * @node:  among those of @user that wait
 * @go:    called when it may try again; with a spinlock held
 * @user:  for whom, while there is a state
 * @crew:  which workers
 * @state: changed under the lock of crew.c alone
 */
struct zc_berth {
	struct list_head node;
	void (*go)(struct zc_berth *berth);
	struct zc_crew_user *user;
	enum zc_crew_nr crew;
	enum zc_berth_state state;
};

int zc_crew_init(void);
void zc_crew_exit(void);
struct workqueue_struct *zc_crew_wq(enum zc_crew_nr nr);
struct zc_crew_user *zc_crew_user_get(void);
struct zc_crew_user *zc_crew_user_hold(struct zc_crew_user *user);
void zc_crew_user_put(struct zc_crew_user *user);
bool zc_crew_join(struct zc_berth *berth, struct zc_crew_user *user, enum zc_crew_nr nr);
bool zc_crew_stuck(const struct zc_berth *berth);
void zc_crew_part(struct zc_berth *berth);

/* behalf.c: as whom a worker acts */

/**
 * struct zc_behalf - somebody
 * @cred:  credentials
 * @memcg: cgroup that memory is charged to
 * @blkcg: cgroup that I/O is charged to; unused where the kernel has none
 */
struct zc_behalf {
	const struct cred *cred;
	struct mem_cgroup *memcg;
	struct cgroup_subsys_state *blkcg;
};

void zc_behalf_take(struct zc_behalf *behalf);
void zc_behalf_put(struct zc_behalf *behalf);
void zc_behalf_enter(const struct zc_behalf *behalf, struct zc_behalf *own);
void zc_behalf_leave(const struct zc_behalf *own);

/* async.c: transfers that nobody waits for */

struct zc_op;

/**
 * struct zc_op_ops - a kind of asynchronous transfer
 * @advance: do what can be done without waiting. Returns as zc_transfer_advance(),
 *           and zeroes zc_op::retries if it sent something
 * @quiet:   has no device its memory? NULL: none ever has
 * @end:     it is over, with this result; frees it. This and @advance may sleep
 */
struct zc_op_ops {
	int (*advance)(struct zc_op *op);
	bool (*quiet)(struct zc_op *op);
	void (*end)(struct zc_op *op, int err);
};

/**
 * struct zc_op - an asynchronous transfer
 * @ops:       its kind
 * @lane_node: among the transfers to the same socket
 * @file_node: in zc_file::ops
 * @life_node: among those to the same socket that have a deadline
 * @waker:     of its lane
 * @name:      refers to it from its submission to its end, or until it is forsaken, under
 *             zc_lanes_lock; NULL: nothing does
 * @user_data: from the user
 * @owner:     files_struct of the submitter: a name
 * @behalf:    on whose behalf it is
 * @user:      for whom it has a worker
 * @life:      how long it may last from its submission, ms; 0: no limit
 * @deadline:  when @life is over, jiffies
 * @retries:   attempts in a row that sent nothing, for want of memory
 * @starved:   when the first of them was, jiffies
 * @slow:      its reads may have to wait for somebody who never answers
 * @cyclic:    its socket may be kept by what the socket itself has received
 * @ending:    is to end, with @err
 * @doomed:    since then, jiffies
 * @forsaken:  whom @name belonged to does not wait for the end
 * @err:       negative errno or 0
 */
struct zc_op {
	const struct zc_op_ops *ops;
	struct list_head lane_node;
	struct list_head file_node;
	struct list_head life_node;
	struct zc_waker *waker;
	struct zc_op **name;
	u64 user_data;
	const void *owner;
	struct zc_behalf behalf;
	struct zc_crew_user *user;
	unsigned int life;
	unsigned long deadline;
	unsigned int retries;
	unsigned long starved;
	bool slow;
	bool cyclic;
	bool ending;
	unsigned long doomed;
	bool forsaken;
	int err;
};

int zc_async_init(void);
void zc_async_exit(void);
int zc_op_submit(struct zc_op *op, struct zc_file *zf, struct socket *sock);
/* For cancel.c */
extern spinlock_t zc_lanes_lock;
void zc_op_cancel_locked(struct zc_op *op);

/* cancel.c: their end, before they have ended by themselves */

unsigned int zc_op_cancel(struct zc_file *zf,
			  bool (*match)(struct zc_op *op, void *arg),
			  void *match_arg);
bool zc_op_cancel_one(struct zc_op **name);

/* submit.c: the kinds of asynchronous transfer */

struct io_uring_cmd;

int zc_submit_init(void);
void zc_submit_exit(void);
int zc_submit_sendfile(struct zc_file *zf, struct zc_sendfile *arg,
		       struct io_uring_cmd *ucmd);
int zc_submit_send(struct zc_file *zf, struct zc_send *arg,
		   struct io_uring_cmd *ucmd);
int zc_cancel(struct zc_file *zf, struct zc_cancel *arg);
void zc_cancel_owner(struct zc_file *zf, const void *owner);
void zc_cancel_cyclic(struct zc_file *zf, const void *owner);
void zc_cancel_uring(struct io_uring_cmd *ucmd);
unsigned int zc_uring_life(void);
void zc_uring_life_set(unsigned int ms);

#endif /* _ZC_ASYNC_H */
