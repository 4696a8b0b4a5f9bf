/* SPDX-License-Identifier: GPL-2.0-only */
/* A FUSE mount of one file with the pattern, whose reads need not be answered. */
#ifndef _FUSE_SERVER_H
#define _FUSE_SERVER_H

#include <linux/fuse.h>
#include <linux/zc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

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
 * @most:   no read gets more than so many bytes; 0: it does
 * @opened: FOPEN_* flags of what is opened
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
	uint32_t most;
	uint32_t opened;
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

/**
 * struct fuse_env - what the fixtures have in common
 * @fd:     the device
 * @file:   that of the mount
 * @used:   memory that was in use at the beginning, bytes
 * @server: of the file
 * @sock:   pairs of sockets
 * @nr:     of them
 * @ready:  where a child says that it has submitted
 */
struct fuse_env {
	int fd;
	int file;
	uint64_t used;
	struct fuse_server server;
	int (*sock)[2];
	int nr;
	int ready;
};

/*
 * Open the device and @nr pairs of sockets, mount the file, to be served by a thread, and open
 * it. What @server is to do is set. 0 or a negative errno.
 */
int fuse_begin(struct fuse_env *e, int sock[][2], int nr);
/* Send the beginning of @file by the pair @nr; its event has @file. 0 or a negative errno. */
int fuse_send(const struct fuse_env *e, int file, int nr, uint64_t len, uint32_t flags,
	      struct zc_sendfile *arg);
/*
 * Have all that waits fail, and undo it. 0 or a negative errno; -ETIMEDOUT: what is used was not
 * what it had been, for @ms milliseconds.
 */
int fuse_end(struct fuse_env *e, int ms);
/*
 * fork(), of a child of user @uid. Its parent waits until it calls fuse_submitted(), which does
 * not return: it is to be killed. -1 on failure, also of the child.
 */
pid_t fuse_fork(struct fuse_env *e, uid_t uid);
void fuse_submitted(const struct fuse_env *e) __attribute__((noreturn));
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
