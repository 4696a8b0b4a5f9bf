/* SPDX-License-Identifier: GPL-2.0-only */
/* Thousands of connections and of transfers, and one thread that sees to all. */
#ifndef _SCALE_H
#define _SCALE_H

#include <liburing.h>

#include "zc_test.h"

/* The page cache has the file's beginning and nothing else of it. */
#define SCALE_SIZE	(36 * MIB)
#define SCALE_HOT	(8 * MIB)
#define SCALE_COLD	(16 * MIB)

/**
 * struct scale_peer - a connection
 * @tx:     the socket that is sent to
 * @rx:     its other end
 * @at:     position in the file of the next byte to come
 * @bytes:  received
 * @chunk:  most bytes that a turn receives; 0: as many as there are
 * @events: transfers to it that have ended, as the events say
 * @next:   user data of the next event, if their order is of interest
 * @sent:   bytes, as the events say
 */
struct scale_peer {
	int tx;
	int rx;
	uint64_t at;
	uint64_t bytes;
	size_t chunk;
	unsigned int events;
	unsigned int next;
	uint64_t sent;
};

/**
 * struct scale - all of it
 * @fd:       the device
 * @file:     the pattern
 * @pattern:  the same in memory
 * @peers:    connections
 * @nr:       how many
 * @shift:    low bits of the user data that number the transfers of a peer
 * @uring:    submit by @ring
 * @ring:     if @uring
 * @args:     of what is queued
 * @queued:   how many
 * @epoll:    @fd and, from scale_receive() on, the receiving ends
 * @done:     transfers that have ended
 * @canceled: those of them that were canceled
 * @failed:   those that ended with another error, and events that should not be
 * @error:    the last such error
 * @released: ZC_EVENT_RELEASED
 * @bytes:    received
 * @wrong:    receptions that differ from the pattern
 */
struct scale {
	int fd;
	int file;
	unsigned char *pattern;
	struct scale_peer *peers;
	unsigned int nr;
	unsigned int shift;
	bool uring;
	struct io_uring ring;
	struct zc_sendfile *args;
	unsigned int queued;
	int epoll;
	unsigned int done;
	unsigned int canceled;
	unsigned int failed;
	int error;
	unsigned int released;
	uint64_t bytes;
	unsigned int wrong;
};

int scale_open(struct scale *s);
void scale_close(struct scale *s);
/* Open the device anew, by io_uring if @uring. Returns 0 or a negative errno. */
int scale_device(struct scale *s, bool uring);
void scale_device_close(struct scale *s);

/*
 * Add @nr connections, over loopback. With @rcvbuf the receiving ends have as much
 * room (SO_RCVBUF), else what the system sees fit. Returns 0 or a negative errno.
 */
int scale_connect(struct scale *s, unsigned int nr, int rcvbuf);
/* Close those from number @first on, without any delay. */
void scale_disconnect(struct scale *s, unsigned int first);

/* A part of the file that is hot or cold, another one for each @i. */
uint64_t scale_offset(unsigned int i);
/* Send a range of the file to a peer. Returns 0 or a negative errno. */
int scale_submit(struct scale *s, unsigned int peer, unsigned int nr,
		 uint64_t offset, uint64_t len);
/* Hand over what is still queued. */
int scale_flush(struct scale *s);

/* Peers from @first to @last - 1 are read from now on. */
int scale_receive(struct scale *s, unsigned int first, unsigned int last);
/* Take events, and what has come; wait for some at most @ms. */
void scale_turn(struct scale *s, int ms);
/* Until @done transfers have ended and @bytes have come; false after @ms. */
bool scale_until(struct scale *s, unsigned int done, uint64_t bytes, int ms);

/* MemAvailable, once it stands still. */
uint64_t scale_memory(void);
/* What all sockets of TCP hold, as the network counts it. */
uint64_t scale_tcp_memory(void);
/* Workers that run lanes of those who wait for somebody, at this moment. */
unsigned int scale_slow_workers(void);
/* Does io_uring ask for the end of commands when a ring goes away? */
bool scale_uring_cancels(void);

#endif /* _SCALE_H */
