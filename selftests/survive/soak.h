/* SPDX-License-Identifier: GPL-2.0-only */
/* A mixed load, for as long as one likes. */
#ifndef _ZC_SOAK_H
#define _ZC_SOAK_H

#include "act.h"

#define SOAK_FLOWS	(2 * FLOW_WAYS)
#define SOAK_ACTORS	6

/** enum soak_end - how a stream comes to its end */
enum soak_end { SOAK_STOPPED, SOAK_RESET, SOAK_KILLED, SOAK_ENDS };

#define SOAK_THREADS	3

/**
 * struct soak_slot - a process, and who looks at what it sends
 * @flow:  the stream; of an actor the receiver alone
 * @pid:   of an actor
 * @count: what that has done
 * @until: when it is to end, ms; 0: it is about to
 * @how:   the way it ends
 */
struct soak_slot {
	struct flow flow;
	pid_t pid;
	struct act_count *count;
	uint64_t until;
	enum soak_end how;
};

/**
 * struct soak - all of it
 * @fd:      the device
 * @files:   what is sent: one that is dropped from the page cache, and one that is not
 * @seed:    of what comes next
 * @begin:   when it began, ms
 * @stop:    for actors: never set, as they are killed
 * @flows:   streams, each of one way
 * @actors:  processes that do anything
 * @ends:    streams, by how they ended
 * @bytes:   that came, and were right
 * @calls:   that ended, by act
 * @good:    of these, which did what they should
 * @kills:   processes that were killed
 * @again:   calls that found no memory
 * @changes: of settings
 * @events:  of netlink, that were heard
 * @device:  there is one with an engine
 * @dma:     bytes that it has moved, and were right
 * @wrong:   what was not as it should be
 * @side:    the threads beside
 * @over:    they are to end
 */
struct soak {
	int fd;
	int files[2];
	unsigned int seed;
	uint64_t begin;
	bool *stop;
	struct soak_slot flows[SOAK_FLOWS];
	struct soak_slot actors[SOAK_ACTORS];
	uint64_t ends[SOAK_ENDS];
	uint64_t bytes;
	uint64_t calls[24];
	uint64_t good[24];
	uint64_t kills;
	uint64_t again;
	uint64_t changes;
	uint64_t events;
	bool device;
	uint64_t dma;
	uint64_t wrong;
	pthread_t side[SOAK_THREADS];
	bool over;
};

/* Have all of them. Returns 0 or a negative errno. */
int soak_start(struct soak *s);
/* End those whose time has come, and begin others in the place of those that have ended. */
int soak_turn(struct soak *s);
/* End all. */
void soak_end(struct soak *s);

/* Settings of the module as they were. */
void soak_settings_save(void);
void soak_settings_restore(void);

/* The threads beside: who changes settings, who listens, who drives a device. */
void *soak_settings(void *data);
void *soak_listener(void *data);
void *soak_device(void *data);

#endif /* _ZC_SOAK_H */
