// SPDX-License-Identifier: GPL-2.0-only
/*
 * io_uring, by liburing: READ_FIXED and SEND_ZC on registered hugepage buffers, around the
 * page cache; and READ and SEND as anyone would have them, which copy twice.
 */
#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define SEND_CHUNK	(128u << 10)	/* of READ and SEND: stays in caches */

/* Newer than the liburing of Debian 12; in the kernel since 6.2. */
#ifndef IORING_SEND_ZC_REPORT_USAGE
#define IORING_SEND_ZC_REPORT_USAGE	(1U << 3)
#define IORING_NOTIF_USAGE_ZC_COPIED	(1U << 31)
#endif

enum slot_state { SLOT_FREE, SLOT_READING, SLOT_FULL, SLOT_SENDING };

/**
 * struct slot - a buffer
 * @state:  what it is used for
 * @len:    bytes in it
 * @sent:   of these, sent
 * @notifs: notifications that the kernel still owes for it
 */
struct slot {
	enum slot_state state;
	size_t len;
	size_t sent;
	unsigned int notifs;
};

/**
 * struct uring - the state of the path
 * @ring:    ring
 * @fixed:   READ_FIXED and SEND_ZC, of registered buffers
 * @buf:     BENCH_BUFFERS buffers
 * @chunk:   bytes of each
 * @slots:   their state
 * @fill:    slot to read into next
 * @drain:   slot to send next, or being sent
 * @read:    bytes of the request of which the read has been started
 * @sent:    of these, sent
 * @report:  ask the kernel whether it copied
 * @copied:  bytes that it did copy
 */
struct uring {
	struct io_uring ring;
	bool fixed;
	char *buf;
	size_t chunk;
	struct slot slots[BENCH_BUFFERS];
	unsigned int fill;
	unsigned int drain;
	uint64_t read;
	uint64_t sent;
	bool report;
	uint64_t copied;
};

static int setup(struct bench_run *run, size_t chunk, struct uring **state)
{
	struct uring *u = calloc(1, sizeof(*u));

	if (!u)
		return -ENOMEM;
	u->chunk = chunk;
	u->buf = bench_huge_alloc(BENCH_BUFFERS * chunk);
	if (!u->buf) {
		free(u);
		return -ENOMEM;
	}
	*state = u;
	run->priv = u;
	return io_uring_queue_init(4 * BENCH_BUFFERS, &u->ring, 0);
}

int bench_uring_setup(struct bench_run *run)
{
	struct iovec iov[BENCH_BUFFERS];
	struct uring *u;
	unsigned int i;
	int err;

	if (run->direct < 0)
		return -EOPNOTSUPP;
	err = setup(run, BENCH_CHUNK, &u);
	if (err)
		return err;
	for (i = 0; i < BENCH_BUFFERS; i++) {
		iov[i].iov_base = u->buf + i * BENCH_CHUNK;
		iov[i].iov_len = BENCH_CHUNK;
	}
	u->fixed = true;
	u->report = true;
	return io_uring_register_buffers(&u->ring, iov, BENCH_BUFFERS);
}

int bench_uring_send_setup(struct bench_run *run)
{
	struct uring *u;

	return setup(run, SEND_CHUNK, &u);
}

static void start_read(struct bench_run *run, struct uring *u)
{
	struct slot *slot = &u->slots[u->fill];
	uint64_t left = run->size - u->read, at = run->offset + u->read;
	struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);
	char *buf = u->buf + u->fill * u->chunk;

	slot->len = left < u->chunk ? left : u->chunk;
	slot->sent = 0;
	slot->state = SLOT_READING;
	if (u->fixed)
		io_uring_prep_read_fixed(sqe, run->direct, buf, bench_direct_size(left), at,
					 u->fill);
	else
		io_uring_prep_read(sqe, run->file, buf, slot->len, at);
	io_uring_sqe_set_data64(sqe, u->fill);
	u->read += slot->len;
	u->fill = (u->fill + 1) % BENCH_BUFFERS;
}

static void start_send(struct bench_run *run, struct uring *u)
{
	struct slot *slot = &u->slots[u->drain];
	struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);
	char *buf = u->buf + u->drain * u->chunk + slot->sent;
	size_t len = slot->len - slot->sent;

	slot->state = SLOT_SENDING;
	if (u->fixed)
		io_uring_prep_send_zc_fixed(sqe, run->sock, buf, len, MSG_WAITALL,
					    u->report ? IORING_SEND_ZC_REPORT_USAGE : 0,
					    u->drain);
	else
		io_uring_prep_send(sqe, run->sock, buf, len, MSG_WAITALL);
	io_uring_sqe_set_data64(sqe, u->drain);
}

static bool slot_idle(const struct slot *slot)
{
	return slot->state == SLOT_FREE && !slot->notifs;
}

static void start_what_can(struct bench_run *run, struct uring *u)
{
	while (u->read < run->size && slot_idle(&u->slots[u->fill]))
		start_read(run, u);
	/* One send at a time keeps the order. */
	if (u->slots[u->drain].state == SLOT_FULL)
		start_send(run, u);
}

static int sent(struct uring *u, struct slot *slot, struct io_uring_cqe *cqe)
{
	if (cqe->flags & IORING_CQE_F_MORE)
		slot->notifs++;
	/* 6.1 cannot tell whether it copied. */
	if (cqe->res == -EINVAL && u->report) {
		u->report = false;
		slot->state = SLOT_FULL;
		return 0;
	}
	if (cqe->res <= 0)
		return cqe->res ? cqe->res : -EIO;
	slot->sent += cqe->res;
	u->sent += cqe->res;
	slot->state = SLOT_FULL;
	if (slot->sent == slot->len) {
		slot->state = SLOT_FREE;
		u->drain = (u->drain + 1) % BENCH_BUFFERS;
	}
	return 0;
}

static int completed(struct uring *u, struct io_uring_cqe *cqe)
{
	struct slot *slot = &u->slots[io_uring_cqe_get_data64(cqe)];

	if (cqe->flags & IORING_CQE_F_NOTIF) {
		slot->notifs--;
		if (cqe->res & IORING_NOTIF_USAGE_ZC_COPIED)
			u->copied += slot->len;
		return 0;
	}
	if (slot->state == SLOT_SENDING)
		return sent(u, slot, cqe);
	if (cqe->res < (int)slot->len)
		return cqe->res < 0 ? cqe->res : -ENODATA;
	slot->state = SLOT_FULL;
	return 0;
}

static bool owed(const struct uring *u)
{
	unsigned int i, notifs = 0;

	for (i = 0; i < BENCH_BUFFERS; i++)
		notifs += u->slots[i].notifs;
	return notifs;
}

/* Submit what there is, and take what has come. */
static int turn(struct bench_run *run, struct uring *u)
{
	struct io_uring_cqe *cqe;
	int err = io_uring_submit_and_wait(&u->ring, 1);

	run->syscalls++;
	if (err < 0)
		return err;
	while (!io_uring_peek_cqe(&u->ring, &cqe)) {
		err = completed(u, cqe);
		io_uring_cqe_seen(&u->ring, cqe);
		if (err)
			return err;
	}
	return 0;
}

int bench_uring_run(struct bench_run *run)
{
	struct uring *u = run->priv;
	int err = 0;

	u->read = 0;
	u->sent = 0;
	while (u->sent < run->size && !err) {
		start_what_can(run, u);
		err = turn(run, u);
	}
	return err;
}

int bench_uring_send_run(struct bench_run *run)
{
	int err = bench_uring_run(run);

	run->copied += 2 * run->size;
	return err;
}

/* The kernel still owes notifications, as it does to a server between requests. */
int bench_uring_finish(struct bench_run *run)
{
	struct uring *u = run->priv;
	int err = 0;

	while (owed(u) && !err)
		err = turn(run, u);
	run->copied = u->report ? u->copied : BENCH_UNKNOWN;
	return err;
}
