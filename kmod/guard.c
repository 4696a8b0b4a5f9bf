// SPDX-License-Identifier: GPL-2.0-only
/*
 * The leak guard: buffers that were destroyed, but are still mapped or held, and those
 * that nobody has used for long, are told of: by a line in the kernel's log, a uevent of
 * the device, and a count. Nothing is taken from anybody.
 */
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/pid_namespace.h>
#include <linux/ratelimit.h>
#include <linux/workqueue.h>
#include <linux/zc_netlink.h>

#include "netlink.h"
#include "stats.h"
#include "trace.h"
#include "zc.h"

static unsigned int zc_held_after = 60;
static unsigned int zc_idle_after;

/* Of the device. NULL: it is not there yet, or no longer. */
static struct kobject *zc_guard_kobj;
static DEFINE_MUTEX(zc_guard_mutex);

static void zc_guard_look(struct work_struct *work);
static DECLARE_DELAYED_WORK(zc_guard_work, zc_guard_look);

static void zc_guard_soon_locked(void)
{
	if (zc_guard_kobj && (zc_held_after || zc_idle_after))
		mod_delayed_work(system_unbound_wq, &zc_guard_work, 0);
}

static int zc_guard_set(const char *val, const struct kernel_param *kp)
{
	int ret;

	mutex_lock(&zc_guard_mutex);
	ret = param_set_uint(val, kp);
	zc_guard_soon_locked();
	mutex_unlock(&zc_guard_mutex);
	return ret;
}

static const struct kernel_param_ops zc_guard_param = {
	.set = zc_guard_set,
	.get = param_get_uint,
};

module_param_cb(held_after, &zc_guard_param, &zc_held_after, 0644);
MODULE_PARM_DESC(held_after, "tell of a destroyed buffer that is still mapped or held after so many seconds (0: never)");
module_param_cb(idle_after, &zc_guard_param, &zc_idle_after, 0644);
MODULE_PARM_DESC(idle_after, "tell of a buffer that nobody has mapped or sent from for so many seconds (0: never)");

static void zc_guard_after_set(unsigned int *after, unsigned int seconds)
{
	mutex_lock(&zc_guard_mutex);
	WRITE_ONCE(*after, seconds);
	zc_guard_soon_locked();
	mutex_unlock(&zc_guard_mutex);
}

/**
 * zc_guard_held_after - when is a destroyed buffer told of that is still held?
 *
 * Returns: seconds; 0: never.
 */
unsigned int zc_guard_held_after(void)
{
	return READ_ONCE(zc_held_after);
}

/**
 * zc_guard_held_after_set - set it
 * @seconds: 0: never. Sleeps.
 */
void zc_guard_held_after_set(unsigned int seconds)
{
	zc_guard_after_set(&zc_held_after, seconds);
}

/**
 * zc_guard_idle_after - when is a buffer told of that nobody uses?
 *
 * Returns: seconds; 0: never.
 */
unsigned int zc_guard_idle_after(void)
{
	return READ_ONCE(zc_idle_after);
}

/**
 * zc_guard_idle_after_set - set it
 * @seconds: 0: never. Sleeps.
 */
void zc_guard_idle_after_set(unsigned int seconds)
{
	zc_guard_after_set(&zc_idle_after, seconds);
}

/* Who listens may be anybody: no more than that there is something to look at. */
static void zc_guard_tell_locked(const struct zc_buffer *buf, const char *what,
				 unsigned long seconds)
{
	static DEFINE_RATELIMIT_STATE(limit, DEFAULT_RATELIMIT_INTERVAL,
				      DEFAULT_RATELIMIT_BURST);
	char event[24], id[24], time[40], *env[4];

	lockdep_assert_held(&zc_guard_mutex);
	if (!__ratelimit(&limit))
		return;
	pr_notice("zc: buffer %u of %llu bytes, made by %s[%d], has been %s for %lu s\n",
		  buf->id, buf->mem.size, buf->maker.comm, zc_registry_pid(buf, &init_pid_ns), what,
		  seconds);
	snprintf(event, sizeof(event), "ZC_EVENT=%s", what);
	snprintf(id, sizeof(id), "ZC_BUFFER=%u", buf->id);
	snprintf(time, sizeof(time), "ZC_SECONDS=%lu", seconds);
	env[0] = event;
	env[1] = id;
	env[2] = time;
	env[3] = NULL;
	kobject_uevent_env(zc_guard_kobj, KOBJ_CHANGE, env);
}

static void zc_guard_look_at_locked(struct zc_buffer *buf)
{
	unsigned long touched = READ_ONCE(buf->touched);
	bool live = READ_ONCE(buf->live);
	unsigned int limit = live ? zc_idle_after : zc_held_after;
	unsigned long seconds = (jiffies - touched) / HZ;

	if (!limit || seconds < limit)
		return;
	/* Mapped is not idle: what the processor does there is not seen. */
	if (live && (atomic_read(&buf->mappings) || zc_registry_sends(buf)))
		return;
	/* Once for each time that it was used. */
	if (buf->told && buf->told_of == touched)
		return;
	buf->told = true;
	buf->told_of = touched;
	zc_stat_inc(live ? ZC_STAT_IDLE : ZC_STAT_HELD);
	if (zc_notify_wanted())
		zc_registry_tell(buf, ZC_CMD_BUFFER_LEAK_NTF);
	trace_zc_buffer_leak(buf, live, seconds);
	zc_guard_tell_locked(buf, live ? "idle" : "held", seconds);
}

static void zc_guard_look(struct work_struct *work)
{
	struct zc_buffer *buf;
	unsigned int least;
	unsigned long id;

	mutex_lock(&zc_guard_mutex);
	least = min_not_zero(zc_held_after, zc_idle_after);
	for (id = 0; (buf = zc_registry_next(&id, INVALID_UID)); id++) {
		if (zc_guard_kobj)
			zc_guard_look_at_locked(buf);
		zc_buffer_put(buf);
		cond_resched();
	}
	if (zc_guard_kobj && least)
		queue_delayed_work(system_unbound_wq, &zc_guard_work,
				   max(least / 4, 1U) * (unsigned long)HZ);
	mutex_unlock(&zc_guard_mutex);
}

/**
 * zc_guard_start - begin to look for leaks
 * @kobj: what uevents are of
 */
void zc_guard_start(struct kobject *kobj)
{
	mutex_lock(&zc_guard_mutex);
	zc_guard_kobj = kobj;
	zc_guard_soon_locked();
	mutex_unlock(&zc_guard_mutex);
}

/**
 * zc_guard_stop - undo zc_guard_start()
 */
void zc_guard_stop(void)
{
	mutex_lock(&zc_guard_mutex);
	zc_guard_kobj = NULL;
	mutex_unlock(&zc_guard_mutex);
	cancel_delayed_work_sync(&zc_guard_work);
}
