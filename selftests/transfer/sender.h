/* SPDX-License-Identifier: GPL-2.0-only */
/* The same bytes, a pattern, from a file and from buffers, waited for or not. */
#ifndef _ZC_SENDER_H
#define _ZC_SENDER_H

#include "zc_test.h"

/* The debug kernel, with others beside it, copies 200 KiB a second where it has to. */
#define SENDER_PATIENCE_MS	100000

/** enum origin - where bytes come from */
enum origin { FROM_FILE, FROM_SEALED, FROM_BUFFER, FROM_NR };

/**
 * struct sender - sources, and how the last transfer went
 * @fd:       the device
 * @used:     used_bytes before
 * @size:     bytes of each source
 * @file:     one, not in the page cache
 * @handles:  buffers, by enum origin
 * @from:     what the last transfer was from
 * @ret:      0 or the negative errno of the call
 * @error:    why it ended early
 * @sent:     bytes
 * @copied:   bytes, by the module
 * @reasons:  ZC_COPY_* bits, of the module
 * @paths:    ZC_PATH_* bits
 * @frags:    not of an asynchronous transfer
 * @chunks:   of a file, not of an asynchronous transfer
 * @released: how many events of that type there were, by sender_released()
 * @net_copied: bytes that the network copied, says that event
 * @net_reasons: why
 * @bg:       a thread waits in the call, with the arguments that follow
 */
struct sender {
	int fd;
	uint64_t used;
	uint64_t size;
	int file;
	uint32_t handles[FROM_NR];
	enum origin from;
	int ret;
	int error;
	uint64_t sent;
	uint64_t copied;
	uint32_t reasons;
	uint32_t paths;
	uint32_t frags;
	uint32_t chunks;
	int released;
	uint64_t net_copied;
	uint32_t net_reasons;
	bool bg;
	int bg_sock;
	uint64_t bg_offset;
	uint64_t bg_len;
	uint32_t bg_flags;
	pthread_t thread;
};

bool sender_open(struct sender *s, uint64_t size);
/* Returns whether all memory came back. */
bool sender_close(struct sender *s);
/* Make the call. Returns what it did; with ZC_SEND_ASYNC the rest is still to come. */
int sender_send(struct sender *s, enum origin from, int sock, uint64_t offset,
		uint64_t len, uint32_t flags);
/* Wait for the end of an asynchronous transfer. */
bool sender_done(struct sender *s, int ms);
/* Take all that is still to be told of it, and no more. */
bool sender_released(struct sender *s, int ms);

/*
 * The same whether the call waits (then in a thread), does not (ZC_SEND_NONBLOCK), or
 * is asynchronous; and the end of it.
 */
void sender_start(struct sender *s, enum origin from, int sock, uint64_t offset,
		  uint64_t len, uint32_t flags);
bool sender_join(struct sender *s, int ms);

/* Bytes that a TCP socket has ever taken; and the same once it takes no more. */
uint64_t tcp_taken(int sock);
uint64_t tcp_stalled(int sock);
struct tcp_info;
void tcp_get_info(int sock, struct tcp_info *info);

#endif /* _ZC_SENDER_H */
