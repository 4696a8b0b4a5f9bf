/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libzc-sendfile.so: sendfile(2) of programs that know nothing of zc. What its files share.
 *
 * It lives in the process of somebody else. So it prints nothing, takes no lock, allocates
 * nothing, leaves errno alone, and takes no descriptor for granted: the program may close
 * any, and open another file by that number.
 */
#ifndef _ZC_PRELOAD_H
#define _ZC_PRELOAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* sendfile.c: what programs call */

ssize_t sendfile64(int out, int in, int64_t *offset, size_t count);
ssize_t sendfile(int out, int in, long *offset, size_t count);

/* settings.c: what the environment says, once, when the library is loaded */

/**
 * enum mode - how files are sent (ZC_SENDFILE)
 * @MODE_AUTO:   around the page cache; what is asked for again, by way of it
 * @MODE_OFF:    by the kernel's sendfile
 * @MODE_DIRECT: around the page cache, whatever it has
 * @MODE_CACHED: by way of the page cache
 */
enum mode {
	MODE_AUTO,
	MODE_OFF,
	MODE_DIRECT,
	MODE_CACHED,
};

/**
 * struct settings - what the environment says
 * @mode: ZC_SENDFILE
 * @min:  ZC_SENDFILE_MIN: files, and pieces of them, of fewer bytes are left to the kernel
 * @log:  ZC_SENDFILE_LOG: file that is told what was done; or ""
 */
struct settings {
	enum mode mode;
	uint64_t min;
	char log[4096];
};

extern struct settings settings;
void settings_read(void);

/* kept.c: descriptors of the library's own */

/**
 * struct kept - a descriptor, and how it is known again
 * @fd:  descriptor, or -1
 * @dev: device that has its inode
 * @ino: inode
 *
 * Written before the program runs, or by who has set @fd to -1 for himself.
 */
struct kept {
	atomic_int fd;
	atomic_ullong dev;
	atomic_ullong ino;
};

void kept_load(void);
int kept_open(struct kept *kept, const char *path, int flags);
int kept_get(struct kept *kept);

/* device.c: /dev/zc */

int device_get(void);
void device_open(void);
int device_why(void);

/* again.c: files that were asked for before */

void again_load(void);
bool again_is(const struct stat *st, bool begins);

/* rest.c: what is left of pieces */

bool rest_is(int out, int in, int64_t pos);
void rest_set(int out, int in, int64_t pos, bool some);

/* log.c: what was done, for who wants to know */

/**
 * enum count - what is counted
 * @COUNT_ZC:       calls that went through zc
 * @COUNT_BYTES:    bytes that did
 * @COUNT_COPIED:   how many of them were copied all the same
 * @COUNT_CACHED:   how many came from the page cache, or through it
 * @COUNT_KERNEL:   calls that were left to the kernel
 * @COUNT_SMALL:    of them: the file, or the piece of it, was small
 * @COUNT_FILE:     of them: neither a regular file nor a block device
 * @COUNT_SOCKET:   of them: not to a TCP socket
 * @COUNT_DEVICE:   of them: there was no /dev/zc
 * @COUNT_REFUSED:  of them: zc refused
 * @COUNT_NR:       how many there are
 */
enum count {
	COUNT_ZC,
	COUNT_BYTES,
	COUNT_COPIED,
	COUNT_CACHED,
	COUNT_KERNEL,
	COUNT_SMALL,
	COUNT_FILE,
	COUNT_SOCKET,
	COUNT_DEVICE,
	COUNT_REFUSED,
	COUNT_NR,
};

void log_open(void);
void log_count(enum count what, uint64_t n);

#endif /* _ZC_PRELOAD_H */
