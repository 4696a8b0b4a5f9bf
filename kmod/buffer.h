/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Buffers: what they are, who finds them, and who maps them.
 */
#ifndef _ZC_BUFFER_H
#define _ZC_BUFFER_H

#include <linux/atomic.h>
#include <linux/kref.h>
#include <linux/llist.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/uidgid.h>
#include <linux/zc.h>

#include "memory.h"

struct kobject;
struct pid_namespace;
struct zc_file;
struct zc_viewer;

#define ZC_HUGE_ORDER	(21 - PAGE_SHIFT)
#define ZC_HUGE_PAGES	BIT(ZC_HUGE_ORDER)

/* buffer.c: one buffer */

/* One buffer is at most 1 TiB; the mmap offsets of a file span 16 TiB, what a
 * 32-bit program can still express to mmap2().
 */
#define ZC_BUFFER_SIZE_MAX	SZ_1T
#define ZC_OFFSET_SPAN		(16 * SZ_1T)
#define ZC_HANDLES_PER_PAGE	256U
#define ZC_HANDLE_PAGES		64U
/* Handle 0 names none. */
#define ZC_FILE_BUFFERS_MAX	(ZC_HANDLE_PAGES * ZC_HANDLES_PER_PAGE - 1)

/**
 * struct zc_maker - who made a buffer
 * @pid:  process, a reference is held
 * @uid:  user
 * @comm: name of the process
 */
struct zc_maker {
	struct pid *pid;
	kuid_t uid;
	char comm[TASK_COMM_LEN];
};

/**
 * struct zc_buffer - a buffer
 * @ref:        one for the handle, one for each VMA; none while it is parked
 * @rcu:        finders may still look at @ref and @live
 * @zf:         the file that has, or had, its handle. Written once, as @handle
 * @inode:      that of @zf, a reference is held
 * @live:       has its handle. Cleared by the one who takes that away
 * @mem:        its memory, immutable once the buffer can be found
 * @handle:     its name in the file. Written once, before the buffer can be found but in
 *              the registry, as is the next
 * @index:      its mmap offset in units of 2 MiB
 * @flags:      ZC_BUF_* flags it was made with
 * @asked:      NUMA node that was asked for, or NUMA_NO_NODE
 * @node:       NUMA node of the first page
 * @mappings:   VMAs that map it
 * @writers:    VMAs that may be writable, and devices that write; negative once it is sealed
 *              or about to be
 * @sealed:     is immutable; never cleared
 * @dma_lock:   protects @targets, where zc_dma_sem is held for reading
 * @targets:    what it is mapped as for targets
 * @dma_mapped: how many these are
 * @parked:     when it was parked, jiffies
 * @parks:      how often
 * @id:         its number among all buffers; see registry.c
 * @maker:      who made it first
 * @born:       when it was made, or had again, jiffies
 * @touched:    when it was last mapped, unmapped, sent from or destroyed, jiffies
 * @told:       the leak guard has told of it,
 * @told_of:    when this was @touched
 * @hollow:     in zc_file::hollows
 */
struct zc_buffer {
	struct kref ref;
	struct rcu_head rcu;
	struct zc_file *zf;
	struct inode *inode;
	int live;
	struct zc_mem mem;
	u32 handle;
	u32 index;
	u32 flags;
	int asked;
	int node;
	atomic_t mappings;
	atomic_t writers;
	bool sealed;
	struct mutex dma_lock;	/* see above */
	struct list_head targets;
	atomic_t dma_mapped;
	unsigned long parked;
	unsigned int parks;
	u32 id;
	struct zc_maker maker;
	unsigned long born;
	unsigned long touched;
	bool told;
	unsigned long told_of;
	struct llist_node hollow;
};

struct zc_buffer *zc_buffer_new(struct zc_file *zf, u64 size, u32 flags, int nid);
struct zc_buffer *zc_buffer_import(struct zc_file *zf, int fd, u64 offset, u64 size);
struct zc_buffer *zc_buffer_again(struct zc_file *zf, u64 size, u32 flags, int nid);
void zc_buffer_revive(struct zc_buffer *buf);
void zc_buffer_get(struct zc_buffer *buf);
void zc_buffer_put(struct zc_buffer *buf);
int zc_buffer_publish(struct zc_file *zf, struct zc_buffer *buf);
struct zc_buffer *zc_buffer_find(struct zc_file *zf, u32 handle);
struct zc_buffer *zc_buffer_find_at(struct zc_file *zf, u64 offset);
int zc_buffer_remove(struct zc_file *zf, u32 handle);
int zc_buffer_seal(struct zc_buffer *buf);
int zc_buffer_seal_wait(struct zc_buffer *buf);
void zc_buffer_open(struct zc_file *zf);
void zc_buffer_close(struct zc_file *zf);
unsigned int zc_buffer_count(void);

/**
 * zc_since_ms - how long ago was that?
 * @begin: jiffies
 *
 * Returns: milliseconds. Any context.
 */
static inline u64 zc_since_ms(unsigned long begin)
{
	return div_u64((u64)(jiffies - begin) * MSEC_PER_SEC, HZ);
}

/**
 * zc_buffer_sealed - is a buffer immutable?
 * @buf: buffer
 *
 * Returns: true if it is; then it stays so. Any context.
 */
static inline bool zc_buffer_sealed(const struct zc_buffer *buf)
{
	/* Pairs with zc_buffer_seal(): who sees it sees the bytes as they stay. */
	return smp_load_acquire(&buf->sealed);
}

/**
 * zc_buffer_sealing - does somebody just try to seal a buffer?
 * @buf: buffer
 *
 * Returns: true if so. Any context.
 */
static inline bool zc_buffer_sealing(const struct zc_buffer *buf)
{
	return atomic_read(&buf->writers) < 0 && !zc_buffer_sealed(buf);
}

/**
 * zc_buffer_writer_get - have one more who may write to a buffer
 * @buf: buffer
 *
 * Returns: 0, and zc_buffer_writer_put() is to follow; -EPERM: it is sealed; -EBUSY: somebody
 * just tries to. Any context.
 */
static inline int zc_buffer_writer_get(struct zc_buffer *buf)
{
	if (atomic_inc_unless_negative(&buf->writers))
		return 0;
	return zc_buffer_sealed(buf) ? -EPERM : -EBUSY;
}

/**
 * zc_buffer_writer_put - undo zc_buffer_writer_get()
 * @buf: buffer. Any context.
 */
static inline void zc_buffer_writer_put(struct zc_buffer *buf)
{
	atomic_dec(&buf->writers);
}

/**
 * zc_buffer_offset - mmap offset of a buffer that has a handle
 * @buf: buffer
 *
 * Returns: bytes.
 */
static inline u64 zc_buffer_offset(const struct zc_buffer *buf)
{
	return (u64)buf->index * ZC_HUGE_SIZE;
}

/**
 * zc_buffer_page_size - smallest page size in a buffer
 * @buf: buffer
 *
 * Returns: bytes.
 */
static inline u32 zc_buffer_page_size(const struct zc_buffer *buf)
{
	return zc_mem_page_size(&buf->mem);
}

/**
 * zc_buffer_page - find a page of a buffer
 * @buf:   buffer
 * @index: page number in it
 *
 * Returns: the page, without a reference, or NULL past the end. Any context.
 */
static inline struct page *zc_buffer_page(const struct zc_buffer *buf, pgoff_t index)
{
	return zc_mem_page(&buf->mem, index);
}

/* handle.c: names of buffers */

struct zc_buffer *zc_handle_load(const struct zc_file *zf, u32 handle);
int zc_handle_alloc(struct zc_file *zf, u32 *handle);
void zc_handle_store(struct zc_file *zf, u32 handle, struct zc_buffer *buf);
void zc_handle_free(struct zc_file *zf, u32 handle);
struct zc_buffer *zc_handle_next(const struct zc_file *zf, u32 *handle);
void zc_handles_free(struct zc_file *zf);

/* registry.c: all buffers, and guard.c: those that were forgotten */

int zc_registry_add(struct zc_buffer *buf);
void zc_registry_del(struct zc_buffer *buf);
struct zc_buffer *zc_registry_next(unsigned long *id, kuid_t uid);
pid_t zc_registry_pid(const struct zc_buffer *buf, struct pid_namespace *ns);
unsigned int zc_registry_sends(const struct zc_buffer *buf);
struct zc_buffer *zc_registry_get(u32 id, kuid_t uid);

/* For zc_buf_info::flags, of the module alone: not what takes long. */
#define ZC_INFO_BRIEF	BIT(31)

void zc_registry_describe(const struct zc_buffer *buf, const struct zc_viewer *viewer,
			  struct zc_buf_info *info);
void zc_registry_tell(const struct zc_buffer *buf, u8 cmd);
unsigned int zc_registry_version(void);
int zc_registry_info(const struct zc_file *zf, struct zc_buf_info *info);
void zc_guard_start(struct kobject *kobj);
void zc_guard_stop(void);
unsigned int zc_guard_held_after(void);
void zc_guard_held_after_set(unsigned int seconds);
unsigned int zc_guard_idle_after(void);
void zc_guard_idle_after_set(unsigned int seconds);

/* mmap.c: the mapping of a buffer */

int zc_mapping_init(void);
void zc_mapping_exit(void);
struct inode *zc_mapping_new(void);
int zc_mmap(struct file *filp, struct vm_area_struct *vma);
int zc_mmap_buffer(struct vm_area_struct *vma, struct zc_buffer *buf);
unsigned long zc_get_unmapped_area(struct file *filp, unsigned long addr,
				   unsigned long len, unsigned long pgoff,
				   unsigned long flags);
unsigned long zc_mmap_area(const struct zc_buffer *buf, struct file *filp,
			   unsigned long addr, unsigned long len, unsigned long pgoff,
			   unsigned long flags);

/* share.c: a buffer as a file of its own */

struct file *zc_share_file(struct zc_buffer *buf, int flags);
int zc_share_new(struct zc_buffer *buf, u32 flags);
struct zc_buffer *zc_share_find(int fd);

#endif /* _ZC_BUFFER_H */
