/* SPDX-License-Identifier: GPL-2.0-only */
/* What a program can do with zc, once, in each of many ways. */
#ifndef _ZC_ACT_H
#define _ZC_ACT_H

#include "flow.h"
#include "nl.h"

/**
 * struct actor - who does it
 * @tx:  device, file, connection and seed
 * @nl:  socket of the family, which listens to all of its groups
 */
struct actor {
	struct flow_sender tx;
	struct nl nl;
};

/**
 * struct act - a kind of call; each returns 0 or a negative errno
 * @name: what it is called here
 * @fn:   do it
 * @buf:  or do it with a buffer, which is destroyed afterwards
 * @way:  or send some that way
 */
struct act {
	const char *name;
	int (*fn)(struct actor *a);
	int (*buf)(struct actor *a, struct zc_buf_create *buf);
	enum flow_way way;
};

extern const struct act acts[];
extern const unsigned int acts_nr;

/* Open what is needed; the file and the socket are the caller's. Returns 0 or -errno. */
int actor_open(struct actor *a, int file, int sock, unsigned int seed, struct flow_count *count);
void actor_close(struct actor *a);

/**
 * struct act_count - what actors have done, for others to see
 * @done:   by act
 * @good:   of these, which did what they should; the others found no room, or a peer gone
 * @failed: with an error that has no reason
 * @act:    of the last of these
 * @error:  its errno
 * @flow:   of what was sent
 */
struct act_count {
	uint64_t done[24];
	uint64_t good[24];
	uint64_t failed;
	uint32_t act;
	int error;
	struct flow_count flow;
};

/*
 * An actor in a process of its own, until it is killed, or *@stop: it does act number @which
 * again and again, or, if there is no such, any. Returns its number or a negative errno.
 */
pid_t actor_start(unsigned int which, int file, const int *sock, unsigned int seed,
		  struct act_count *count, const bool *stop);

#endif /* _ZC_ACT_H */
