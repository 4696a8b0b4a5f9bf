// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers that were destroyed, kept for the file that had them: whole, with their
 * handle, their place among the mmap offsets, and what was last written to them. That
 * file may see it, nobody else. So one that is made and destroyed again and again costs
 * no more than two calls into the module.
 *
 * Each processor has few, under a lock that others take in need alone: for the memory,
 * or when the file goes. They are within the module's limit, and charged to the memory
 * cgroup that they were made in, unless that is near its own limit; nobody has them locked
 * (RLIMIT_MEMLOCK).
 *
 * Who takes the memory of a parked buffer leaves the rest to its file
 * (zc_file::hollows), as nobody else may change what the file's handles are.
 */
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/topology.h>
#include <linux/zc_netlink.h>

#include "netlink.h"
#include "pool.h"
#include "trace.h"
#include "zc.h"

/* Of one processor. */
#define ZC_PARK_SLOTS	4U
#define ZC_PARK_MAX	SZ_8M

/* See for one in so many whether its cgroup is short of memory. */
#define ZC_PARK_LOOK	32

/**
 * struct zc_park - those of one processor
 * @lock:  protects the rest
 * @bytes: memory of them all
 * @nr:    valid entries of @slots
 * @slots: the oldest comes first
 */
struct zc_park {
	spinlock_t lock;	/* see above */
	unsigned int nr;
	u64 bytes;
	struct zc_buffer *slots[ZC_PARK_SLOTS];
};

static DEFINE_PER_CPU_ALIGNED(struct zc_park, zc_parks) = {
	.lock = __SPIN_LOCK_UNLOCKED(zc_parks.lock),
};

static struct zc_buffer *zc_park_remove_locked(struct zc_park *park, unsigned int i)
{
	struct zc_buffer *buf = park->slots[i];

	lockdep_assert_held(&park->lock);
	park->bytes -= buf->mem.size;
	for (park->nr--; i < park->nr; i++)
		park->slots[i] = park->slots[i + 1];
	return buf;
}

/*
 * Its file does not go away before it has seen that the buffer is not here any more. Who
 * finds nothing here sees @used without it.
 */
static void zc_park_hollow_locked(struct zc_park *park, unsigned int i,
				  struct zc_mem *rubble, atomic64_t *used)
{
	struct zc_buffer *buf = zc_park_remove_locked(park, i);

	/* A part of a hugepage is not counted by itself. */
	if (!buf->mem.slab)
		atomic64_sub(buf->mem.size, used);
	trace_zc_buffer_free(buf);
	*rubble = buf->mem;
	memset(&buf->mem, 0, sizeof(buf->mem));
	llist_add(&buf->hollow, &buf->zf->hollows);
}

/* Does anybody still hold it, or pages of it? Else its reference is gone. */
static bool zc_park_claim(struct zc_buffer *buf)
{
	if (buf->mem.size > ZC_PARK_MAX || !refcount_dec_if_one(&buf->ref.refcount))
		return false;
	/* What those did who have put theirs comes before all that follows. */
	smp_acquire__after_ctrl_dep();
	if (!zc_buffer_sealed(buf) && zc_mem_reusable(&buf->mem) &&
	    (buf->parks++ % ZC_PARK_LOOK || !zc_mem_tight(&buf->mem)))
		return true;
	/* Nobody can have seen it without: it is not live, or mapped. */
	refcount_set(&buf->ref.refcount, 1);
	return false;
}

static bool zc_park_fits(const struct zc_park *park, u64 bytes)
{
	return park->nr < ZC_PARK_SLOTS && park->bytes <= ZC_PARK_MAX - bytes;
}

static noinline void zc_park_make_room(struct zc_park *park, u64 bytes, atomic64_t *used)
{
	struct zc_mem rubble[ZC_PARK_SLOTS];
	unsigned int nr = 0;

	spin_lock(&park->lock);
	while (!zc_park_fits(park, bytes))
		zc_park_hollow_locked(park, 0, &rubble[nr++], used);
	spin_unlock(&park->lock);
	while (nr)
		zc_mem_drop(&rubble[--nr]);
}

/**
 * zc_park_put - keep a destroyed buffer
 * @buf:  not live, of which the caller has what should be the last reference
 * @used: what is freed of others, to make room, is subtracted from this, bytes
 *
 * It is kept if it is not too large, not sealed, all of hugepages, and nobody else holds
 * it, and no cgroup wants the memory.
 *
 * Returns: true if so: the caller has no reference any more. May sleep.
 */
bool zc_park_put(struct zc_buffer *buf, atomic64_t *used)
{
	struct zc_park *park;

	if (!zc_park_claim(buf))
		return false;
	if (buf->mem.owner.user)
		zc_owner_suspend(&buf->mem.owner);
	buf->parked = jiffies;
	trace_zc_buffer_destroy(buf, true);
	/* Before somebody has it again. */
	if (zc_notify_wanted())
		zc_registry_tell(buf, ZC_CMD_BUFFER_FREED_NTF);
	park = raw_cpu_ptr(&zc_parks);
	spin_lock(&park->lock);
	while (!zc_park_fits(park, buf->mem.size)) {
		spin_unlock(&park->lock);
		zc_park_make_room(park, buf->mem.size, used);
		spin_lock(&park->lock);
	}
	park->bytes += buf->mem.size;
	park->slots[park->nr++] = buf;
	spin_unlock(&park->lock);
	return true;
}

/**
 * zc_park_take - take a buffer that a file has destroyed
 * @zf:    file
 * @size:  bytes
 * @flags: ZC_BUF_* flags that it was made with
 * @nid:   NUMA node that it was made for
 *
 * Returns: the buffer without a reference, not live, or NULL.
 */
struct zc_buffer *zc_park_take(struct zc_file *zf, u64 size, u32 flags, int nid)
{
	struct zc_park *park = raw_cpu_ptr(&zc_parks);
	struct zc_buffer *buf = NULL;
	unsigned int i;

	if (!READ_ONCE(park->nr))
		return NULL;
	spin_lock(&park->lock);
	for (i = park->nr; i--; ) {
		buf = park->slots[i];
		if (buf->zf == zf && buf->mem.size == size && buf->asked == nid &&
		    !((buf->flags ^ flags) & ~ZC_BUF_ZERO) &&
		    (nid != NUMA_NO_NODE || zc_pool_node_near(buf->node)) &&
		    (!buf->mem.owner.user || zc_owner_resume(&buf->mem.owner))) {
			zc_park_remove_locked(park, i);
			buf->flags = flags;
			break;
		}
		buf = NULL;
	}
	spin_unlock(&park->lock);
	return buf;
}

static bool zc_park_hollow_one(struct zc_park *park, const struct zc_file *zf,
			       unsigned long before, struct zc_mem *rubble,
			       atomic64_t *used)
{
	bool found = false;
	unsigned int i;

	/* A file that goes must wait for the one who takes a buffer of it. */
	if (!zf && !READ_ONCE(park->nr))
		return false;
	spin_lock(&park->lock);
	for (i = 0; i < park->nr && !found; i++) {
		const struct zc_buffer *buf = park->slots[i];

		found = (!zf || buf->zf == zf) && time_before_eq(buf->parked, before);
		if (found)
			zc_park_hollow_locked(park, i, rubble, used);
	}
	spin_unlock(&park->lock);
	return found;
}

/**
 * zc_park_drop - free the memory of parked buffers
 * @zf:     of this file; NULL: of all
 * @before: of those that were parked until then, jiffies
 * @most:   no more than this, but for what the last one has, bytes
 * @used:   it is subtracted from this, bytes
 *
 * Those of a file that nobody uses any more are all gone afterwards.
 *
 * Returns: bytes freed. From reclaim, too.
 */
u64 zc_park_drop(struct zc_file *zf, unsigned long before, u64 most, atomic64_t *used)
{
	struct zc_mem rubble;
	u64 freed = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		while (freed < most &&
		       zc_park_hollow_one(per_cpu_ptr(&zc_parks, cpu), zf, before,
					  &rubble, used)) {
			freed += rubble.size;
			zc_mem_drop(&rubble);
		}
	return freed;
}

/**
 * zc_park_bytes - memory of all parked buffers
 *
 * Returns: bytes. Any context.
 */
u64 zc_park_bytes(void)
{
	u64 bytes = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		bytes += READ_ONCE(per_cpu_ptr(&zc_parks, cpu)->bytes);
	return bytes;
}
