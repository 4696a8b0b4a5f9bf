// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an open file has to tell, in order: fixed-size records for read(2) and
 * poll(2).
 *
 * The memory for a record is taken before what it will tell of is begun, so no
 * record is ever lost for want of memory. Records nobody reads are bounded by
 * ZC_FILE_NOTES_MAX, as are operations under way: each has its record.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "zc.h"

/**
 * zc_note_reserve - let an operation begin that a file may have to look for
 * @zf: file
 *
 * Returns: 0, to be followed by zc_note_unreserve(); -ENOBUFS (too many). Any context.
 */
int zc_note_reserve(struct zc_file *zf)
{
	if (atomic_inc_return(&zf->nr_notes) <= ZC_FILE_NOTES_MAX)
		return 0;
	atomic_dec(&zf->nr_notes);
	return -ENOBUFS;
}

/**
 * zc_note_hold - have what follows an operation count as one, however many there are
 * @zf: file; to be followed by zc_note_unreserve(). Any context
 */
void zc_note_hold(struct zc_file *zf)
{
	atomic_inc(&zf->nr_notes);
}

/**
 * zc_note_unreserve - it has ended
 * @zf: file. Any context
 */
void zc_note_unreserve(struct zc_file *zf)
{
	atomic_dec(&zf->nr_notes);
}

/**
 * zc_note_new - take the memory for a record
 * @zf:   file that it will be read from; a reference is taken
 * @type: ZC_EVENT_*
 * @user_data: from the user
 *
 * Returns: the record, to be given to zc_note_post() or zc_note_free(); or
 * ERR_PTR of -ENOBUFS (too many), -ENOMEM. May sleep.
 */
struct zc_note *zc_note_new(struct zc_file *zf, u32 type, u64 user_data)
{
	struct zc_note *note;
	int ret = zc_note_reserve(zf);

	if (ret)
		return ERR_PTR(ret);
	note = kzalloc(sizeof(*note), zc_gfp_account());
	if (!note) {
		zc_note_unreserve(zf);
		return ERR_PTR(-ENOMEM);
	}
	kref_get(&zf->ref);
	note->zf = zf;
	note->event.type = type;
	note->event.user_data = user_data;
	return note;
}

/**
 * zc_note_free - give a record back unread
 * @note: record. Any context
 */
void zc_note_free(struct zc_note *note)
{
	struct zc_file *zf = note->zf;

	kfree(note);
	atomic_dec(&zf->nr_notes);
	zc_file_put(zf);
}

/**
 * zc_note_post - let a record be read
 * @note: record, filled in; belongs to the file from here on. Any context
 */
void zc_note_post(struct zc_note *note)
{
	struct zc_file *zf = note->zf;
	unsigned long flags;
	bool closed;

	/* The reader may free the record, and with it this reference. */
	kref_get(&zf->ref);
	spin_lock_irqsave(&zf->notes_lock, flags);
	closed = zf->closed;
	if (!closed)
		list_add_tail(&note->list, &zf->notes);
	spin_unlock_irqrestore(&zf->notes_lock, flags);
	if (closed)
		zc_note_free(note);
	else
		wake_up_poll(&zf->notes_wait, EPOLLIN | EPOLLRDNORM);
	zc_file_put(zf);
}

static struct zc_note *zc_note_take(struct zc_file *zf)
{
	struct zc_note *note;

	spin_lock_irq(&zf->notes_lock);
	note = list_first_entry_or_null(&zf->notes, struct zc_note, list);
	if (note)
		list_del(&note->list);
	spin_unlock_irq(&zf->notes_lock);
	return note;
}

static void zc_note_untake(struct zc_note *note)
{
	struct zc_file *zf = note->zf;

	spin_lock_irq(&zf->notes_lock);
	list_add(&note->list, &zf->notes);
	spin_unlock_irq(&zf->notes_lock);
	/* Another reader may have found none meanwhile. */
	wake_up_poll(&zf->notes_wait, EPOLLIN | EPOLLRDNORM);
}

static bool zc_notes_ready(struct zc_file *zf)
{
	return !list_empty(&zf->notes);
}

/**
 * zc_event_read - read(2) on the device
 * @filp: file of /dev/zc
 * @data: where to
 * @len:  room there, bytes
 * @pos:  ignored
 *
 * Returns: bytes, a multiple of sizeof(struct zc_event); -EINVAL (no room for
 * one), -EAGAIN, -ERESTARTSYS, -EFAULT.
 */
ssize_t zc_event_read(struct file *filp, char __user *data, size_t len,
		      loff_t *pos)
{
	struct zc_file *zf = filp->private_data;
	struct zc_note *note;
	size_t done = 0;

	if (len < sizeof(note->event))
		return -EINVAL;
	while (len - done >= sizeof(note->event)) {
		note = zc_note_take(zf);
		if (!note) {
			if (done)
				break;
			if (filp->f_flags & O_NONBLOCK)
				return -EAGAIN;
			if (wait_event_interruptible(zf->notes_wait,
						     zc_notes_ready(zf)))
				return -ERESTARTSYS;
			continue;
		}
		if (copy_to_user(data + done, &note->event, sizeof(note->event))) {
			zc_note_untake(note);
			return done ?: -EFAULT;
		}
		done += sizeof(note->event);
		zc_note_free(note);
	}
	return done;
}

/**
 * zc_event_poll - poll(2) on the device
 * @filp: file of /dev/zc
 * @wait: poll table
 *
 * Returns: EPOLLIN | EPOLLRDNORM if there is something to read.
 */
__poll_t zc_event_poll(struct file *filp, struct poll_table_struct *wait)
{
	struct zc_file *zf = filp->private_data;

	poll_wait(filp, &zf->notes_wait, wait);
	return zc_notes_ready(zf) ? EPOLLIN | EPOLLRDNORM : 0;
}

/**
 * zc_event_open - get a new file ready for records
 * @zf: file
 */
void zc_event_open(struct zc_file *zf)
{
	spin_lock_init(&zf->notes_lock);
	INIT_LIST_HEAD(&zf->notes);
	init_waitqueue_head(&zf->notes_wait);
	atomic_set(&zf->nr_notes, 0);
}

/**
 * zc_event_close - throw away what is unread, now and from here on
 * @zf: file that nobody reads any more
 */
void zc_event_close(struct zc_file *zf)
{
	struct zc_note *note;

	spin_lock_irq(&zf->notes_lock);
	zf->closed = true;
	spin_unlock_irq(&zf->notes_lock);
	while ((note = zc_note_take(zf)))
		zc_note_free(note);
}
