// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every buffer of every file, by a number of its own: who made it, what state it is in,
 * and who has it mapped.
 */
#include <linux/cred.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/rbtree.h>
#include <linux/sched/signal.h>
#include <linux/xarray.h>
#include <linux/zc_netlink.h>

#include "netlink.h"
#include "pool.h"
#include "stats.h"
#include "zc.h"

static DEFINE_XARRAY_ALLOC1(zc_registry);
static u32 zc_registry_last;

/**
 * zc_registry_add - give a buffer its number
 * @buf: buffer, made by the caller
 *
 * Returns: 0 or -ENOMEM. Sleeps.
 */
int zc_registry_add(struct zc_buffer *buf)
{
	struct zc_maker *maker = &buf->maker;
	int ret;

	maker->pid = get_pid(task_tgid(current));
	maker->uid = current_uid();
	get_task_comm(maker->comm, current->group_leader);
	ret = xa_alloc_cyclic(&zc_registry, &buf->id, buf, xa_limit_32b, &zc_registry_last,
			      GFP_KERNEL_ACCOUNT);
	if (ret < 0)
		put_pid(maker->pid);
	return min(ret, 0);
}

/**
 * zc_registry_del - take it back
 * @buf: from zc_registry_add(). It may be found until RCU's readers are done. Any context
 *       but interrupts.
 */
void zc_registry_del(struct zc_buffer *buf)
{
	xa_erase(&zc_registry, buf->id);
	put_pid(buf->maker.pid);
}

/**
 * zc_registry_next - go through all buffers
 * @id:  begin with this number; set to that of the buffer
 * @uid: those of this user; or INVALID_UID: all
 *
 * Returns: a buffer with a reference for the caller, that is not parked; or NULL if there
 * are no more, or the caller is to die. Sleeps.
 */
struct zc_buffer *zc_registry_next(unsigned long *id, kuid_t uid)
{
	struct zc_buffer *buf;
	bool taken;

	for (; !fatal_signal_pending(current); (*id)++) {
		rcu_read_lock();
		buf = xa_find(&zc_registry, id, ULONG_MAX, XA_PRESENT);
		/* Who may not see it does not get in the way of who destroys it, either. */
		taken = buf && (!uid_valid(uid) || uid_eq(buf->maker.uid, uid)) &&
			kref_get_unless_zero(&buf->ref);
		rcu_read_unlock();
		if (taken || !buf)
			return buf;
		/* Parked ones may be many. */
		cond_resched();
	}
	return NULL;
}

/**
 * zc_registry_get - find a buffer
 * @id:  its number
 * @uid: of this user; or INVALID_UID: of whomever
 *
 * Returns: the buffer with a reference for the caller, that is not parked; or NULL. Any
 * context.
 */
struct zc_buffer *zc_registry_get(u32 id, kuid_t uid)
{
	struct zc_buffer *buf;

	rcu_read_lock();
	buf = xa_load(&zc_registry, id);
	if (buf && ((uid_valid(uid) && !uid_eq(buf->maker.uid, uid)) ||
		    !kref_get_unless_zero(&buf->ref)))
		buf = NULL;
	rcu_read_unlock();
	return buf;
}

/**
 * zc_registry_pid - the process that made a buffer
 * @buf: buffer
 * @ns:  as which it is numbered
 *
 * Returns: its number, or 0 if it is gone, or not in there.
 */
pid_t zc_registry_pid(const struct zc_buffer *buf, struct pid_namespace *ns)
{
	struct pid *pid = buf->maker.pid;

	return pid_has_task(pid, PIDTYPE_TGID) ? pid_nr_ns(pid, ns) : 0;
}

/**
 * zc_registry_sends - sends from a buffer that are under way
 * @buf: buffer, of which the caller has a reference
 *
 * Returns: their number, as far as can be told. Any context.
 */
unsigned int zc_registry_sends(const struct zc_buffer *buf)
{
	int nr = (int)kref_read(&buf->ref) - atomic_read(&buf->mappings) -
		 !!READ_ONCE(buf->live) - 1;

	return max(nr, 0);
}

/* To whom a VMA belongs. */
static void zc_holder_add(struct zc_buf_info *info, const struct zc_viewer *viewer,
			  const struct vm_area_struct *vma)
{
	struct zc_holder holder = { .uid = (u32)-1, .mappings = 1 };
	unsigned int i;

#ifdef CONFIG_MEMCG
	struct task_struct *task;

	rcu_read_lock();
	task = rcu_dereference(vma->vm_mm->owner);
	if (task) {
		holder.pid = task_tgid_nr_ns(task, viewer->pid_ns);
		holder.uid = from_kuid_munged(viewer->user_ns, task_uid(task));
	}
	rcu_read_unlock();
#endif
	for (i = 0; i < min_t(u32, info->nr_holders, ZC_HOLDERS_MAX); i++) {
		if (info->holders[i].pid == holder.pid && holder.pid) {
			info->holders[i].mappings++;
			return;
		}
	}
	if (info->nr_holders < ZC_HOLDERS_MAX)
		info->holders[info->nr_holders] = holder;
	info->nr_holders++;
}

/* The first VMA of a file that does not begin before @first. */
static struct rb_node *zc_holders_from(struct address_space *mapping, pgoff_t first)
{
	struct rb_node *node = mapping->i_mmap.rb_root.rb_node, *found = NULL;

	while (node) {
		if (rb_entry(node, struct vm_area_struct, shared.rb)->vm_pgoff < first) {
			node = node->rb_right;
		} else {
			found = node;
			node = node->rb_left;
		}
	}
	return found;
}

/* The tree is in the order of offsets, and no VMA is of two buffers. */
static void zc_registry_holders(const struct zc_buffer *buf, const struct zc_viewer *viewer,
				struct zc_buf_info *info)
{
	struct address_space *mapping = buf->inode->i_mapping;
	struct rb_node *node;
	pgoff_t first, end;

	/* One that nobody maps may not have its place yet. */
	if (!atomic_read_acquire(&buf->mappings))
		return;
	first = zc_buffer_offset(buf) >> PAGE_SHIFT;
	end = first + (buf->mem.size >> PAGE_SHIFT);
	i_mmap_lock_read(mapping);
	for (node = zc_holders_from(mapping, first); node; node = rb_next(node)) {
		struct vm_area_struct *vma =
			rb_entry(node, struct vm_area_struct, shared.rb);

		if (vma->vm_pgoff >= end)
			break;
		if (vma->vm_private_data == buf)
			zc_holder_add(info, viewer, vma);
		cond_resched();
	}
	i_mmap_unlock_read(mapping);
}

/**
 * zc_registry_describe - say what a buffer is
 * @buf:    buffer, which does not go away meanwhile
 * @viewer: as whom
 * @info:   set, but for ZC_STATE_OWN; its flags say whether holders are wanted. Sleeps.
 */
void zc_registry_describe(const struct zc_buffer *buf, const struct zc_viewer *viewer,
			  struct zc_buf_info *info)
{
	*info = (struct zc_buf_info) {
		.id = buf->id,
		.flags = info->flags,
		.state = (READ_ONCE(buf->live) ? ZC_STATE_HANDLE : 0) |
			 (zc_buffer_sealed(buf) ? ZC_STATE_SEALED : 0),
		.pid = zc_registry_pid(buf, viewer->pid_ns),
		.uid = from_kuid_munged(viewer->user_ns, buf->maker.uid),
		.size = buf->mem.size,
		.huge_bytes = buf->mem.huge_bytes,
		.held_bytes = info->flags & ZC_INFO_BRIEF ? 0 :
			      zc_mem_held(&buf->mem, !atomic_read(&buf->mappings)),
		.age_ms = zc_since_ms(READ_ONCE(buf->born)),
		.idle_ms = zc_since_ms(READ_ONCE(buf->touched)),
		.handle = READ_ONCE(buf->live) ? buf->handle : 0,
		.buf_flags = buf->flags,
		.node = buf->node,
		.mappings = atomic_read(&buf->mappings),
		.sends = zc_registry_sends(buf),
		.targets = atomic_read(&buf->dma_mapped),
	};
	static_assert(sizeof(info->comm) == TASK_COMM_LEN);
	memcpy(info->comm, buf->maker.comm, TASK_COMM_LEN);
	if (info->flags & ZC_INFO_HOLDERS)
		zc_registry_holders(buf, viewer, info);
}

/**
 * zc_registry_info - ZC_IOC_BUF_INFO
 * @zf:   file that asks
 * @info: struct zc_buf_info, checked
 *
 * Returns: 0 or -ENOENT. Sleeps.
 */
int zc_registry_info(const struct zc_file *zf, struct zc_buf_info *info)
{
	struct zc_viewer viewer = {
		.pid_ns = task_active_pid_ns(current),
		.user_ns = current_user_ns(),
		.admin = ns_capable_noaudit(&init_user_ns, CAP_SYS_ADMIN),
	};
	unsigned long id = min_t(u64, info->id, ULONG_MAX);
	struct zc_buffer *buf;

	buf = zc_registry_next(&id, viewer.admin ? INVALID_UID : current_uid());
	if (!buf)
		return fatal_signal_pending(current) ? -EINTR : -ENOENT;
	zc_registry_describe(buf, &viewer, info);
	if (buf->inode == zf->inode)
		info->state |= ZC_STATE_OWN;
	zc_buffer_put(buf);
	return 0;
}

/**
 * zc_registry_tell - tell listeners of a buffer
 * @buf: buffer, which does not go away meanwhile
 * @cmd: ZC_CMD_BUFFER_MADE_NTF and the like. Sleeps.
 */
noinline void zc_registry_tell(const struct zc_buffer *buf, u8 cmd)
{
	struct zc_buf_info info = { .flags = cmd == ZC_CMD_BUFFER_LEAK_NTF ? 0 : ZC_INFO_BRIEF };

	zc_registry_describe(buf, &zc_listener, &info);
	if (cmd == ZC_CMD_BUFFER_MADE_NTF) {
		/* Others find it by that a moment later. */
		info.state |= ZC_STATE_HANDLE;
		info.handle = buf->handle;
	}
	zc_notify_buffer(cmd, &info);
}

/**
 * zc_registry_version - have buffers come or gone?
 *
 * Returns: another number than before if so.
 */
unsigned int zc_registry_version(void)
{
	return zc_stat_read(ZC_STAT_MADE) + zc_stat_read(ZC_STAT_AGAIN) +
	       zc_stat_read(ZC_STAT_FREED);
}
