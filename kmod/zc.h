/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The map of the module: shared types, and who may call whom.
 *
 * A buffer:   chardev -> ioctl_buffer -> buffer -> handle, registry <- guard
 *                                mmap ----^  `-> memory -> owner
 *                                                  |-> slab
 *                                                  `-> pool -> park, spare
 * For DMA:    chardev -> ioctl_dma -> target -> dma -> (device)
 *                              `------------------^ `-> memory, event
 * Its bytes:  chardev -> send -> buffer
 *                           |-> sink -> (socket)
 *                           `-> event -> (read(2))
 * A transfer: chardev -> transfer -> source -> (file)
 *                           |-> cache -> (page cache)
 *                           |-> ring -> flight -> slice, spare, defer
 *                           `-> sink -> (socket)
 *
 * Later:      chardev -> submit -> async -> (worker) -> transfer, send
 *                           `-> turn -> pace -> flight -> pool
 *
 * For who looks: netlink -> netlink_get -> registry, roster, target
 *                   |            `-> netlink_show <- notify
 *                   `-> pool, transfer, sink, guard, submit (what they may)
 * Who tells:  buffer, transfer, submit, send, guard, reserve, target -> notify
 * Traced:     all of them -> trace -> (tracefs, perf, BPF)
 *
 * Nothing calls upwards, but that what holds a file puts it (zc_file_put()). All functions
 * may sleep, except where said.
 *
 * Locks: zc_file::lock is taken with the mmap lock held (zc_mmap()), so no user memory may
 * be touched under it. So is the invalidate lock of its mapping, while a buffer is being
 * sealed (zc_vma_fault()). Mutexes that are held while other rooms are asked: zc_dma_sem and
 * zc_buffer::dma_lock (dma, target), zc_reserve_mutex and zc_guard_mutex.
 * zc_file::notes_lock (in any context), the locks of the spares, of the parks and of
 * the slabs (from reclaim too), of the slices, of the lanes and of
 * the roster are taken for lists alone. The
 * pool's counters are atomic. Buffers are found by their handle under RCU.
 */
#ifndef _ZC_H
#define _ZC_H

#include <linux/atomic.h>
#include <linux/bvec.h>
#include <linux/completion.h>
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/llist.h>
#include <linux/maple_tree.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/net.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/zc.h>

#include "buffer.h"

/**
 * zc_gfp_account - how something small is allocated that counts for the caller's memcg
 *
 * A worker acts for somebody who does not wait. Where his cgroup has no memory left, it has
 * nobody there killed for it, whose end may just be giving back what is missing: the
 * allocation fails, and so does the transfer, with ENOMEM, and can be made again.
 */
static inline gfp_t zc_gfp_account(void)
{
	if (current->flags & PF_WQ_WORKER)
		return GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN;
	return GFP_KERNEL_ACCOUNT;
}

#define ZC_MODULE_VERSION	"0.1.0"

/**
 * struct zc_file - an open file of /dev/zc
 * @ref:        one for the file, one for each zc_note and each slab
 * @inode:      private inode behind f_mapping, so that the mappings of this file
 *              can be found and its size does not stand in the way of PMDs
 * @writable:   was opened for writing
 * @lock:       protects @buffers and changes of @handles
 * @buffers:    mmap offset in units of 2 MiB -> buffer
 * @handles:    handle -> buffer; see handle.c
 * @handles_full: so many of these have none to give away
 * @slabs_lock: protects @slabs, @nr_slabs, and all that is in them
 * @slabs:      hugepages that its small buffers share; see slab.c
 * @nr_slabs:   how many
 * @hollows:    of its buffers, those whose memory was taken while they were parked
 * @notes_lock: protects @notes and @closed
 * @notes:      records to be read, oldest first
 * @notes_wait: readers and pollers
 * @nr_notes:   records, those not yet in @notes included, and transfers that will
 *              have none
 * @closed:     nobody will read
 * @ops:        asynchronous transfers, under the lock of async.c
 * @dead:       files_struct of the last process that died, none of which are in @ops: a name
 */
struct zc_file {
	struct kref ref;
	struct inode *inode;
	bool writable;
	struct mutex lock;	/* see above */
	struct maple_tree buffers;
	struct zc_handle_page *handles[ZC_HANDLE_PAGES];
	u32 handles_full;
	spinlock_t slabs_lock;	/* see above */
	struct list_head slabs;
	unsigned int nr_slabs;
	struct llist_head hollows;
	spinlock_t notes_lock;	/* see above */
	struct list_head notes;
	wait_queue_head_t notes_wait;
	atomic_t nr_notes;
	bool closed;
	struct list_head ops;
	const void *dead;
};

/* event.c: what a file has to tell */

#define ZC_FILE_NOTES_MAX	65536

/**
 * struct zc_note - a record on its way to the reader
 * @list:  in zc_file::notes
 * @zf:    file, a reference is held
 * @event: what is read
 */
struct zc_note {
	struct list_head list;
	struct zc_file *zf;
	struct zc_event event;
};

struct zc_note *zc_note_new(struct zc_file *zf, u32 type, u64 user_data);
void zc_note_free(struct zc_note *note);
int zc_note_reserve(struct zc_file *zf);
void zc_note_hold(struct zc_file *zf);
void zc_note_unreserve(struct zc_file *zf);
void zc_note_post(struct zc_note *note);
void zc_event_open(struct zc_file *zf);
void zc_event_close(struct zc_file *zf);
ssize_t zc_event_read(struct file *filp, char __user *data, size_t len,
		      loff_t *pos);
__poll_t zc_event_poll(struct file *filp, struct poll_table_struct *wait);

/* ring.c: the folios of a transfer */

#define ZC_RING_SLOTS	16U

/**
 * struct zc_slot - one folio of a ring, or a part of it
 * @folio:   the folio, or NULL
 * @base:    where the slot's part of it begins
 * @size:    bytes of that part; less than the folio has if others have the rest
 * @used:    bytes of it handed out since it was last idle
 * @pending: spans handed out and not yet released
 */
struct zc_slot {
	struct folio *folio;
	size_t base;
	size_t size;
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
 * @used:  some have, or had, a folio
 */
struct zc_ring {
	struct zc_slot slots[ZC_RING_SLOTS];
	unsigned int cur;
	bool used;
};

int zc_ring_carve(struct zc_ring *ring, size_t want, u64 left,
		  struct zc_span *span);
void zc_ring_release(struct zc_span *span);
void zc_ring_free(struct zc_ring *ring);

/* cache.c: the page cache's folios */

#define ZC_RUN_VECS	256U
#define ZC_RUN_FEW	4U

/**
 * struct zc_run - bytes in a row of a file, in folios of the page cache
 * @len:   bytes
 * @nr:    entries of @bvecs in use; a reference to the folio of each is held
 * @max:   entries of @bvecs
 * @inner: is a part of something else, which frees it
 * @bvecs: the bytes, a part of one folio each
 */
struct zc_run {
	size_t len;
	unsigned int nr;
	unsigned int max;
	bool inner;
	struct bio_vec bvecs[] __counted_by(max);
};

struct zc_source;

bool zc_cache_usable(const struct file *file);
ssize_t zc_cache_get(struct zc_source *src, u64 pos, u64 end,
		     struct zc_run **run);
bool zc_cache_has(const struct zc_source *src, u64 pos);
void zc_cache_put(struct zc_run *run);
void zc_cache_free(struct zc_run *run);
u64 zc_cache_next(struct zc_source *src, u64 pos, u64 end);
int zc_cache_fill(struct zc_source *src, u64 pos, u64 end);

/* source.c: file -> folios */

/**
 * struct zc_waker - somebody to be told when a read has ended
 * @wake: tells; in any context, under rcu_read_lock(), for which the waker lasts
 */
struct zc_waker {
	void (*wake)(struct zc_waker *waker);
};

/**
 * struct zc_source - the file that a transfer reads
 * @file:   the file
 * @ref:    a reference to it is held; see zc_file_get()
 * @host:   inode of its data
 * @flags:  ZC_SEND_* flags
 * @cache:  what the page cache has is sent from there
 * @unsure: others may change the file's size, so that it has to be asked for
 * @settled: the next two are known
 * @align:  alignment of direct reads in the file, bytes; 0: read through the
 *          page cache
 * @fill:   what the cache has not is first read into it
 * @taken:  where the last of the cache ended; see zc_cache_get()
 * @waker:  told of the end of each read; NULL: nobody is
 */
struct zc_source {
	struct file *file;
	bool ref;
	struct inode *host;
	u32 flags;
	bool cache;
	bool unsure;
	bool settled;
	bool fill;
	unsigned int align;
	u64 taken;
	struct zc_waker *waker;
};

/**
 * struct zc_chunk - bytes of the file, from their read until they are sent
 * @iocb:   the read
 * @bv:     where it reads to; must live as long as the read
 * @done:   the read is over and @result is valid; see zc_source_ready()
 * @waker:  see struct zc_source
 * @result: bytes read from the aligned start, or negative errno
 * @span:   the memory read into
 * @run:    where @shared is set, the memory instead, and nothing is read. Stays
 *          allocated for later ones
 * @pos:    file offset of the first byte wanted
 * @skip:   bytes in @span before that byte, for alignment
 * @len:    bytes wanted
 * @sent:   bytes of them sent
 * @cached: the read went through the page cache. Valid when @done
 * @shared: the bytes lie in folios of the page cache
 * @queued: the read did not wait, and nobody who watches the file was told of it yet
 */
struct zc_chunk {
	struct kiocb iocb;
	struct bio_vec bv;
	struct completion done;
	struct zc_waker *waker;
	ssize_t result;
	struct zc_span span;
	struct zc_run *run;
	u64 pos;
	size_t skip;
	size_t len;
	size_t sent;
	bool cached;
	bool shared;
	bool queued;
};

int zc_source_open(struct zc_source *src, int fd, u32 flags);
int zc_source_settle(struct zc_source *src);
void zc_source_no_direct(struct zc_source *src);
void zc_source_close(struct zc_source *src);
u64 zc_source_end(const struct zc_source *src, u64 end);
int zc_source_error(long err);
int zc_source_refresh(struct zc_source *src);
void zc_source_read(struct zc_source *src, struct zc_chunk *chunk);
bool zc_source_ready(struct zc_chunk *chunk);
ssize_t zc_source_wait(struct zc_chunk *chunk);

/* sink.c: folios -> socket */

/**
 * enum zc_sink_way - how bytes get into a socket
 * @ZC_WAY_COPY:  sendmsg(); works with every stream socket
 * @ZC_WAY_PAGES: by reference, page by page
 * @ZC_WAY_FRAGS: by reference, in frags of many pages
 */
enum zc_sink_way {
	ZC_WAY_COPY,
	ZC_WAY_PAGES,
	ZC_WAY_FRAGS,
};

/**
 * struct zc_sink - the socket that a transfer writes
 * @sock:      the socket
 * @file:      its file
 * @ref:       a reference to that is held; see zc_file_get()
 * @msg_flags: MSG_* flags of every send
 * @way:       how bytes get into it; decided for each send
 * @ubuf:      is told when the network needs them no longer; NULL: nobody is
 * @copied:    bytes copied by the CPU so far
 * @reasons:   ZC_COPY_* bits, why
 * @paths:     ZC_PATH_* bits, how bytes got into the socket so far
 * @frags:     frags made so far
 */
struct zc_sink {
	struct socket *sock;
	struct file *file;
	bool ref;
	int msg_flags;
	enum zc_sink_way way;
	struct ubuf_info *ubuf;
	u64 copied;
	u32 reasons;
	u32 paths;
	u32 frags;
};

/*
 * Nobody else has the folios: the network may change them (ESP deciphers in place).
 * Others, those of a sealed buffer too, it must copy first.
 */
#define ZC_HOW_PRIVATE	BIT(0)
/* More will follow at once. */
#define ZC_HOW_MORE	BIT(1)
/* So few, from zc_sink_small(), that they are better copied. */
#define ZC_HOW_SMALL	BIT(2)

int zc_sink_open(struct zc_sink *sink, int fd, u32 flags);
void zc_sink_close(struct zc_sink *sink);
void zc_sink_result(const struct zc_sink *sink, struct zc_sendfile *res);
void zc_sink_notify(struct zc_sink *sink, struct ubuf_info *ubuf);
bool zc_sink_nonblock(const struct zc_sink *sink);
long zc_sink_room(struct zc_sink *sink, long share);
bool zc_sink_writable(const struct zc_sink *sink);
unsigned int zc_sink_small(u64 len);
unsigned int zc_sink_copybreak(void);
void zc_sink_copybreak_set(unsigned int bytes);
ssize_t zc_sink_send(struct zc_sink *sink, struct iov_iter *iter, unsigned int how);
int zc_sink_why_short(const struct zc_sink *sink);

/* ends.c: what a transfer is between */

/**
 * struct zc_ends - what a transfer is between
 * @src:  where from
 * @sink: where to
 * @pos:  file offset of the next byte to send
 * @end:  file offset to stop at
 */
struct zc_ends {
	struct zc_source src;
	struct zc_sink sink;
	u64 pos;
	u64 end;
};

int zc_ends_open(struct zc_ends *ends, const struct zc_sendfile *arg);
void zc_ends_close(struct zc_ends *ends, struct zc_sendfile *res, int err);
u64 zc_ends_wants(const struct zc_ends *ends);
int zc_ends_send_few(struct zc_ends *ends, struct zc_sendfile *res);

/* transfer.c: one transfer */

#define ZC_CHUNK_FIRST	SZ_128K
#define ZC_CHUNK_MAX	ZC_HUGE_SIZE
#define ZC_DEPTH_MAX	8U

/**
 * struct zc_transfer - a transfer under way
 * @ends:   between these, its owner's
 * @ring:   through which memory
 * @res:    arguments and result
 * @async:  nobody waits for it
 * @share:  most bytes that the socket should hold, if it is non-blocking
 * @next:   file offset of the next byte to read
 * @step:   size of the next read, bytes
 * @fine:   file offset up to which reads stay small
 * @head:   oldest in @chunks
 * @nr:     how many are in @chunks
 * @chunks: what is being read or waits to be sent, a ring in file order
 * @few:    the first run of the first chunk, with ZC_RUN_FEW entries: all that a small
 *          file takes
 */
struct zc_transfer {
	struct zc_ends *ends;
	struct zc_ring ring;
	struct zc_sendfile *res;
	bool async;
	long share;
	u64 next;
	size_t step;
	u64 fine;
	unsigned int head;
	unsigned int nr;
	struct zc_chunk chunks[ZC_DEPTH_MAX];
	struct zc_run few;
};

int zc_transfer_init(void);
void zc_transfer_exit(void);
struct zc_transfer *zc_transfer_new(struct zc_ends *ends, struct zc_sendfile *arg);
int zc_transfer_advance(struct zc_transfer *t);
bool zc_transfer_quiet(struct zc_transfer *t);
void zc_transfer_free(struct zc_transfer *t);
int zc_transfer_sendfile(struct zc_sendfile *arg);
unsigned int zc_transfer_depth(void);
void zc_transfer_depth_set(unsigned int depth);

/* send.c: a range of a buffer -> socket */

/**
 * struct zc_range - a send from a buffer under way
 * @arg:  arguments and result
 * @sink: where to
 * @buf:  where from, a reference is held
 * @hold: what the network has of it; NULL if the buffer is sealed
 */
struct zc_range {
	struct zc_send *arg;
	struct zc_sink sink;
	struct zc_buffer *buf;
	struct zc_hold *hold;
};

int zc_range_open(struct zc_range *range, struct zc_file *zf,
		  struct zc_send *arg);
int zc_range_run(struct zc_range *range);
void zc_range_close(struct zc_range *range, int err);
int zc_send(struct zc_file *zf, struct zc_send *arg);
int zc_send_init(void);
void zc_send_exit(void);

/* chardev.c: the device node */

void zc_file_put(struct zc_file *zf);
bool zc_file_has_fd(const struct zc_file *zf);

int zc_chardev_init(void);
void zc_chardev_exit(void);

#endif /* _ZC_H */
