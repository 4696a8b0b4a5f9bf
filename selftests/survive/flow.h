/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Streams that go on until they are told to end: who sends is a process of its own, and who
 * receives looks at each byte. A stream is the pattern's first FLOW_SIZE bytes again and again,
 * whatever way they take.
 */
#ifndef _ZC_FLOW_H
#define _ZC_FLOW_H

#include <liburing.h>

#include "zc_test.h"

/* Three hugepages, but for a part of a block, so that nothing begins where it ended. */
#define FLOW_SIZE	(3 * HUGE - 12345)
#define FLOW_FILE	EXT4_DIR "/zc-flow"

/** enum flow_way - ways that bytes take into a socket */
enum flow_way {
	FLOW_AUTO,
	FLOW_DIRECT,
	FLOW_CACHED,
	FLOW_ASYNC,
	FLOW_URING,
	FLOW_SEALED,
	FLOW_BUFFER,
	FLOW_WAYS,
};

extern const char *const flow_names[FLOW_WAYS];

/* Of what comes by chance: $ZC_SEED, or 1. */
unsigned int flow_seed(void);

/**
 * struct flow_count - what a sender has done, for others to see
 * @sent:  bytes that sockets took, by what the module says
 * @sends: calls that did all of it
 * @again: calls that found no memory, and were made again
 * @error: the errno that ended it, or 0
 */
struct flow_count {
	uint64_t sent;
	uint64_t sends;
	uint64_t again;
	int error;
};

/**
 * struct flow_sender - one end of a stream
 * @fd:     the device
 * @file:   FLOW_SIZE bytes of the pattern, or -1
 * @sock:   where to
 * @at:     pattern offset of the next byte
 * @seed:   of what comes next
 * @buf:    handles, by whether it is sealed; 0: not made yet
 * @ring:   for FLOW_URING
 * @rings:  it is there
 * @count:  what has been done
 */
struct flow_sender {
	int fd;
	int file;
	int sock;
	uint64_t at;
	unsigned int seed;
	uint32_t buf[2];
	struct io_uring ring;
	bool rings;
	struct flow_count *count;
};

/* Send the next @len bytes, all of them. Returns 0 or a negative errno. */
int flow_send(struct flow_sender *s, enum flow_way way, uint64_t len);
/* A few bytes, some pages or some hugepages: as many as the seed says. */
uint64_t flow_len(unsigned int *seed);
/* Close what flow_send() has opened. */
void flow_sender_close(struct flow_sender *s);

/**
 * struct flow - a stream
 * @way:   that it takes
 * @pid:   of the sender
 * @rx:    the receiver; without a socket once it has gone
 * @count: what the sender has done
 * @stop:  the sender is to end, when it has sent what it has begun
 */
struct flow {
	enum flow_way way;
	pid_t pid;
	struct zct_rx rx;
	struct flow_count *count;
	bool *stop;
};

/**
 * struct flows - one of each way
 * @file:  what they send
 * @of:    the flows
 */
struct flows {
	int file;
	struct flow of[FLOW_WAYS];
};

/* In a child: all but these and standard files; those of others would keep connections. */
void fds_close_but(int one, int other);

/* Make a connection. Returns 0 or a negative errno. */
typedef int (*flow_connect)(int *sock, void *data);
int flow_loopback(int *sock, void *data);

/* Begin one over that connection, which is the flow's from then on. Returns 0 or -errno. */
int flow_start(struct flow *f, enum flow_way way, int file, const int *sock, unsigned int seed);
void flow_stop(struct flow *f);
/* The receiver goes, without a word to the sender or by a reset. */
void flow_leave(struct flow *f);
void flow_reset(struct flow *f);
/* Are both ends over, so that nobody would wait for them? */
bool flow_over(pid_t sender, const struct zct_rx *rx);
/*
 * Wait for both ends. Is all right: each byte, as many as were sent, and no error, or
 * one of @errors, which end with 0? Who was killed, or has an error, may have sent more than
 * came. Else prints what was not.
 */
bool flow_join(struct flow *f, const int *errors);

/* Have all ways at once. Returns 0 or a negative errno. */
int flows_start(struct flows *fl, flow_connect connect, void *data, unsigned int seed);
/* Wait until each has received @bytes more; false, and prints which has not, after @ms. */
bool flows_move(struct flows *fl, uint64_t bytes, int ms);
/* Stop all of them, and see that each was right to its end. */
bool flows_end(struct flows *fl);
/* How many transfers found no memory, and were made again. */
uint64_t flows_again(const struct flows *fl);

#endif /* _ZC_FLOW_H */
