// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packets that were read, but are not freed yet.
 *
 * One that was made on another processor than it is read on goes on a list of that
 * other one's, which frees what is there when it next receives something, or when
 * half of net.core.skb_defer_max have come (skb_attempt_defer_free() in
 * net/core/skbuff.c, since 5.19). A processor that receives nothing keeps them for
 * ever, and the hugepages that they are of. Where memory is short each processor is
 * made to receive: by a NAPI instance of its own, which never has anything.
 */
#include <linux/atomic.h>
#include <linux/jiffies.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/percpu.h>
#include <linux/smp.h>
#include <linux/wait.h>

#include "compat.h"
#include "pool.h"
#include "zc.h"

/* Not oftener than this, as each processor is interrupted. */
#define ZC_DEFER_PAUSE	(HZ / 50)

/* A processor that takes longer to answer is not waited for. */
#define ZC_DEFER_WAIT	(HZ / 10)

/* Not a variable of the module: these lie in a few KiB that all modules share. */
static struct napi_struct __percpu *zc_defer_napi;
static struct net_device *zc_defer_dev;
static DEFINE_MUTEX(zc_defer_lock);	/* one at a time, and zc_defer_next */
static unsigned long zc_defer_next;

/* Instances that are scheduled. */
static atomic_t zc_defer_due = ATOMIC_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(zc_defer_wait);

/* The list was freed just before. */
static int zc_defer_poll(struct napi_struct *napi, int budget)
{
	napi_complete_done(napi, 0);
	if (atomic_dec_and_test(&zc_defer_due))
		wake_up(&zc_defer_wait);
	return 0;
}

static void zc_defer_schedule(void *unused)
{
	struct napi_struct *napi = this_cpu_ptr(zc_defer_napi);

	if (!napi_schedule_prep(napi))
		return;
	atomic_inc(&zc_defer_due);
	__napi_schedule(napi);
}

/**
 * zc_defer_flush - have each processor free the packets that are left to it
 *
 * Does nothing if that was done just now. Sleeps.
 */
void zc_defer_flush(void)
{
	if (time_before(jiffies, READ_ONCE(zc_defer_next)))
		return;
	mutex_lock(&zc_defer_lock);
	if (time_after_eq(jiffies, zc_defer_next)) {
		local_bh_disable();
		on_each_cpu(zc_defer_schedule, NULL, 1);
		/* This processor's runs here. */
		local_bh_enable();
		wait_event_timeout(zc_defer_wait, !atomic_read(&zc_defer_due),
				   ZC_DEFER_WAIT);
		WRITE_ONCE(zc_defer_next, jiffies + ZC_DEFER_PAUSE);
	}
	mutex_unlock(&zc_defer_lock);
}

/**
 * zc_defer_init - get ready to flush
 *
 * Returns: 0 or -ENOMEM.
 */
int zc_defer_init(void)
{
	int cpu;

	zc_defer_napi = alloc_percpu(struct napi_struct);
	if (!zc_defer_napi)
		return -ENOMEM;
	zc_defer_dev = zc_netdev_dummy_new();
	if (!zc_defer_dev) {
		free_percpu(zc_defer_napi);
		return -ENOMEM;
	}
	for_each_possible_cpu(cpu) {
		struct napi_struct *napi = per_cpu_ptr(zc_defer_napi, cpu);

		netif_napi_add_tx(zc_defer_dev, napi, zc_defer_poll);
		napi_enable(napi);
	}
	zc_defer_next = jiffies;
	return 0;
}

/**
 * zc_defer_exit - undo zc_defer_init()
 */
void zc_defer_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct napi_struct *napi = per_cpu_ptr(zc_defer_napi, cpu);

		napi_disable(napi);
		__netif_napi_del(napi);
	}
	synchronize_net();
	zc_netdev_dummy_free(zc_defer_dev);
	free_percpu(zc_defer_napi);
}
