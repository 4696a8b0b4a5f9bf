/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The map of the module: shared types, and who may call whom.
 *
 * A buffer:   chardev -> buffer -> pool
 *                  mmap ---^
 * A transfer: chardev -> transfer -> source -> (file)
 *                           |-> ring -> pool
 *                           `-> sink -> (socket)
 *
 * Nothing calls upwards. All functions may sleep, except where said.
 *
 * Locks: zc_file::lock is the only one that is held across calls. It is taken
 * with the mmap lock held (zc_mmap()), so no user memory may be touched under
 * it. The pool's counters are atomic.
 */
#ifndef _ZC_H
#define _ZC_H

#include <linux/atomic.h>
#include <linux/bvec.h>
#include <linux/completion.h>
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/maple_tree.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/net.h>
#include <linux/sizes.h>
#include <linux/zc.h>

#define ZC_HUGE_ORDER	(21 - PAGE_SHIFT)
#define ZC_HUGE_PAGES	BIT(ZC_HUGE_ORDER)

/* pool.c: where memory comes from, and its limit */

int zc_pool_node_check(int nid);
struct folio *zc_pool_get(int nid, unsigned int order, gfp_t extra);
void zc_pool_put(struct folio *folio);
u64 zc_pool_limit(void);
u64 zc_pool_used(void);

/* buffer.c: one buffer */

/* One buffer is at most 1 TiB; the mmap offsets of a file span 16 TiB, what a
 * 32-bit program can still express to mmap2().
 */
#define ZC_BUFFER_SIZE_MAX	SZ_1T
#define ZC_OFFSET_SPAN		(16 * SZ_1T)
#define ZC_FILE_BUFFERS_MAX	1024U

/**
 * struct zc_block - 2 MiB of a buffer
 * @huge:  a folio of ZC_HUGE_ORDER; NULL if @small is used
 * @small: ZC_HUGE_PAGES single-page folios; NULL if @huge is used
 */
struct zc_block {
	struct folio *huge;
	struct folio **small;
};

/**
 * struct zc_buffer - a buffer
 * @ref:        one for the handle, one for each VMA
 * @size:       bytes, a multiple of ZC_HUGE_SIZE
 * @huge_bytes: bytes that lie on hugepages
 * @handle:     its name in the file; also its mmap offset in units of 2 MiB.
 *              Written once, before the buffer can be found
 * @flags:      ZC_BUF_* flags it was made with
 * @node:       NUMA node of the first page
 * @mappings:   VMAs that map it
 * @nr_blocks:  valid entries of @blocks
 * @blocks:     the memory, immutable once the buffer can be found
 */
struct zc_buffer {
	struct kref ref;
	u64 size;
	u64 huge_bytes;
	u32 handle;
	u32 flags;
	int node;
	atomic_t mappings;
	unsigned long nr_blocks;
	struct zc_block *blocks;
};

/**
 * struct zc_file - an open file of /dev/zc
 * @inode:      private inode behind f_mapping, so that the mappings of this file
 *              can be found and its size does not stand in the way of PMDs
 * @lock:       protects @buffers and @nr_buffers
 * @buffers:    handle -> buffer; a buffer takes one index per 2 MiB
 * @nr_buffers: buffers in @buffers
 */
struct zc_file {
	struct inode *inode;
	struct mutex lock;	/* see above */
	struct maple_tree buffers;
	unsigned int nr_buffers;
};

struct zc_buffer *zc_buffer_new(u64 size, u32 flags, int nid);
void zc_buffer_get(struct zc_buffer *buf);
void zc_buffer_put(struct zc_buffer *buf);
int zc_buffer_publish(struct zc_file *zf, struct zc_buffer *buf);
struct zc_buffer *zc_buffer_find(struct zc_file *zf, u32 handle);
struct zc_buffer *zc_buffer_find_at(struct zc_file *zf, u64 offset);
int zc_buffer_remove(struct zc_file *zf, u32 handle);
void zc_buffer_remove_all(struct zc_file *zf);
struct page *zc_buffer_page(const struct zc_buffer *buf, pgoff_t index);
u64 zc_buffer_offset(const struct zc_buffer *buf);
u32 zc_buffer_page_size(const struct zc_buffer *buf);
unsigned int zc_buffer_count(void);

/* mmap.c: the mapping of a buffer */

int zc_mapping_init(void);
void zc_mapping_exit(void);
struct inode *zc_mapping_new(void);
int zc_mmap(struct file *filp, struct vm_area_struct *vma);
unsigned long zc_get_unmapped_area(struct file *filp, unsigned long addr,
				   unsigned long len, unsigned long pgoff,
				   unsigned long flags);

/* ring.c: the folios of a transfer */

#define ZC_RING_SLOTS	16U

/**
 * struct zc_slot - one folio of a ring
 * @folio:   the folio, or NULL
 * @used:    bytes handed out since it was last idle
 * @pending: spans handed out and not yet released
 */
struct zc_slot {
	struct folio *folio;
	size_t used;
	unsigned int pending;
};

/**
 * struct zc_span - a part of a folio
 * @slot: the slot it was carved from
 * @off:  first byte, from the start of the folio, a multiple of PAGE_SIZE
 * @len:  bytes, a multiple of PAGE_SIZE
 */
struct zc_span {
	struct zc_slot *slot;
	size_t off;
	size_t len;
};

/**
 * struct zc_ring - transfer-private folios
 * @slots: the folios
 * @cur:   the slot being carved
 */
struct zc_ring {
	struct zc_slot slots[ZC_RING_SLOTS];
	unsigned int cur;
};

int zc_ring_carve(struct zc_ring *ring, size_t want, u64 left,
		  struct zc_span *span);
void zc_ring_release(struct zc_span *span);
void zc_ring_free(struct zc_ring *ring);

/* source.c: file -> folios */

/**
 * struct zc_source - the file that a transfer reads
 * @file:   the file, a reference is held
 * @host:   inode of its data
 * @align:  alignment of direct reads in the file, bytes; 0: read through the
 *          page cache
 */
struct zc_source {
	struct file *file;
	struct inode *host;
	unsigned int align;
};

/**
 * struct zc_chunk - one read, from its submission until its bytes are sent
 * @iocb:   the read
 * @bv:     where it reads to; must live as long as the read
 * @done:   the read is over and @result is valid
 * @result: bytes read from the aligned start, or negative errno
 * @span:   the memory
 * @pos:    file offset of the first byte wanted
 * @skip:   bytes in @span before that byte, for alignment
 * @len:    bytes wanted
 * @cached: the read went through the page cache. Valid when @done
 */
struct zc_chunk {
	struct kiocb iocb;
	struct bio_vec bv;
	struct completion done;
	ssize_t result;
	struct zc_span span;
	u64 pos;
	size_t skip;
	size_t len;
	bool cached;
};

int zc_source_open(struct zc_source *src, int fd);
void zc_source_close(struct zc_source *src);
u64 zc_source_end(const struct zc_source *src, u64 end);
void zc_source_read(struct zc_source *src, struct zc_chunk *chunk);
ssize_t zc_source_wait(struct zc_chunk *chunk);

/* sink.c: folios -> socket */

/**
 * struct zc_sink - the socket that a transfer writes
 * @sock:      the socket, a reference on its file is held
 * @msg_flags: MSG_* flags of every send
 * @pages:     the protocol takes pages by reference
 * @copied:    bytes copied by the CPU so far
 * @reasons:   ZC_COPY_* bits, why
 */
struct zc_sink {
	struct socket *sock;
	int msg_flags;
	bool pages;
	u64 copied;
	u32 reasons;
};

int zc_sink_open(struct zc_sink *sink, int fd, u32 flags);
void zc_sink_close(struct zc_sink *sink);
bool zc_sink_nonblock(const struct zc_sink *sink);
long zc_sink_room(struct zc_sink *sink);
ssize_t zc_sink_send(struct zc_sink *sink, struct folio *folio, size_t off,
		     size_t len, bool more);
int zc_sink_why_short(const struct zc_sink *sink);

/* transfer.c: one transfer */

#define ZC_CHUNK_FIRST	SZ_128K
#define ZC_CHUNK_MAX	ZC_HUGE_SIZE
#define ZC_DEPTH_MAX	8U

int zc_transfer_sendfile(struct zc_sendfile *arg);
unsigned int zc_transfer_depth(void);

/* chardev.c: the device node */

int zc_chardev_init(void);
void zc_chardev_exit(void);

#endif /* _ZC_H */
