/* SPDX-License-Identifier: GPL-2.0-only */
/* A FUSE mount of one file with the pattern, whose reads need not be answered. */
#ifndef _FUSE_SERVER_H
#define _FUSE_SERVER_H

#include <linux/fuse.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* It is the root of its mount: nobody has to look up anything. */
#define FUSE_FILE	"/tmp/zc-fuse"
/* Or it is this one, to be looked up, and has times of its own. */
#define FUSE_BELOW	FUSE_FILE "/file"

/**
 * struct fuse_server - who answers
 * @dev:    the connection
 * @flags:  FUSE_INIT flags
 * @below:  the file is FUSE_BELOW, in the root of the mount
 * @anyone: not for root alone
 * @size:   of the file, bytes
 * @hold:   reads from here on get no answer
 * @err:    what reads get instead of data, a negative errno; 0: nothing
 * @deaf:   does not even listen, and never will
 * @reader: whose the last read was
 * @lock:   of the following
 * @nr:     reads that wait for their answer
 * @waits:  those reads
 */
struct fuse_server {
	int dev;
	uint32_t flags;
	bool below;
	bool anyone;
	uint64_t size;
	uint64_t hold;
	int err;
	bool deaf;
	uint32_t reader;
	pthread_t thread;
	pthread_mutex_t lock;
	unsigned int nr;
	struct {
		uint64_t unique;
		struct fuse_read_in in;
	} waits[256];
};

/*
 * Mount it, to be served by a thread, and open the file. @flags, @size and @hold are set.
 * Returns a descriptor or a negative errno.
 */
int fuse_start(struct fuse_server *s);
/* Listen no longer, and undo the mount. 0 or a negative errno. */
int fuse_end(struct fuse_server *s);
/* Wait until @nr reads wait for their answers, 5 seconds at most. */
bool fuse_holds(struct fuse_server *s, unsigned int nr);
/* Answer all, and from now on at once. */
void fuse_answers(struct fuse_server *s);
/* The file has another size, and nobody is to go by the old one. */
bool fuse_resizes(struct fuse_server *s, uint64_t size);
/* No longer listen. What comes from now on is in nobody's hands. */
void fuse_deaf(struct fuse_server *s);
/* As umount -f: all that waits fails, though the file is open yet. */
void fuse_abort(void);

#endif /* _FUSE_SERVER_H */
