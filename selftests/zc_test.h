/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of zc share. */
#ifndef _ZC_TEST_H
#define _ZC_TEST_H

#include <linux/zc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/types.h>

#define MIB		(1ull << 20)
#define HUGE		((uint64_t)ZC_HUGE_SIZE)
#define EXT4_DIR	"/mnt/ext4"
/* A user without privilege. */
#define NOBODY		65534
#define SPARE_DISK	"/dev/disk/by-id/virtio-spare"

/* Is it a kernel that looks over its own shoulder (kmemleak, KCSAN), and takes its time? */
bool zct_kernel_is_slow(void);
/* Is there time for what takes long ($ZC_ALL)? */
bool zct_all(void);
/* Have no capability any more, whoever one is. Returns 0 or a negative errno. */
int zct_drop_capabilities(void);
/* Load the module, $ZC_KO; 0 or a negative errno. */
int zct_load(void);
/* Unload it, once nobody has it, at most @ms milliseconds later; -EAGAIN: somebody has. */
int zct_unload(int ms);
/* Kill a child within 30 ms, at random. Did it live until then? */
bool zct_kill_soon(pid_t pid, unsigned int *seed);
/* Open the device, loading the module if need be; -1 on failure. */
int zct_open(void);
uint64_t zct_used(int fd);
/* Wait until used_bytes is @want, at most @ms milliseconds. */
bool zct_used_becomes(int fd, uint64_t want, int ms);
/* ioctl() that returns 0 or a negative errno. */
int zct_ioctl(int fd, unsigned long cmd, void *arg);
/* Read one event within @ms milliseconds. False if there was none. */
bool zct_event(int fd, struct zc_event *ev, int ms);
int zct_create(int fd, uint64_t size, uint32_t flags, int node,
	       struct zc_buf_create *arg);
int zct_destroy(int fd, uint32_t handle);
int zct_seal(int fd, uint32_t handle);
void *zct_map(int fd, const struct zc_buf_create *buf);
/* A value of a parameter of the module, and its change; the old value or -1. */
long long zct_param(const char *name);
int zct_param_set(const char *name, long long val);
int zct_sysctl(const char *path, const char *set, char *get, size_t size);

/* A "Key: N kB" line of smaps for the mapping at @addr, or of /proc/meminfo; bytes. */
uint64_t zct_smaps(const void *addr, const char *key);
bool zct_smaps_flag(const void *addr, const char *flag);
uint64_t zct_meminfo(const char *key);
/* Memory that is free, those pages on the lists of the processors included; bytes. */
uint64_t zct_mem_free(void);
/* Processes that the kernel has killed for want of memory. */
uint64_t zct_oom_kills(void);
/* Bytes of the file that are in the page cache. */
uint64_t zct_cached(int fd, uint64_t size);

/*
 * Packets that one processor made and another is done with wait for the next network
 * interrupt of the first, with the pages that they refer to. Have each processor get one.
 */
void zct_stir(void);
/* Drop a file from the page cache, once the network holds none of it. False if it stays. */
bool zct_forget(int fd, uint64_t size);
/* Have a range of a file in the page cache. False if it cannot be read. */
bool zct_warm(int fd, uint64_t offset, uint64_t len);

/* A pattern in which each position is told from any other. */
void zct_pattern(void *buf, uint64_t offset, size_t len);
/* Returns the first position that differs, or -1. */
int64_t zct_pattern_check(const void *buf, uint64_t offset, size_t len);
/* Make a file of it; with the page cache of it dropped. Returns a descriptor (O_RDWR). */
int zct_pattern_file(const char *path, uint64_t size);

/*
 * A disk in memory (null_blk) of the pattern. Returns a descriptor, or -1 where
 * there is none to be had.
 */
int zct_disk_new(unsigned int mib);
/* The same, empty, O_DIRECT, and each request takes so long. */
int zct_disk_slow(unsigned int mib, unsigned int delay_ms);
/* Reads of the 512 bytes at @offset fail from here on, or no longer. */
int zct_disk_break(uint64_t offset, bool broken);
int zct_disk_free(void);

/* A connected pair of stream sockets: AF_INET, AF_INET6 or AF_UNIX. */
int zct_pair(int family, int *sock);
/*
 * Connect @sock[0] on this machine by way of @listener, of the same kind and not bound yet: for
 * sockets that have options. Either may be what socket(2) has just failed with. The other end is
 * @sock[1]. @listener is closed; if it fails (0 or a negative errno), so is @sock[0], and both
 * are -1.
 */
int zct_meet(int listener, int *sock);

/**
 * struct zct_rx - a receiver in a thread
 * @sock:   where from, until the end
 * @offset: pattern offset of the first byte, if @check
 * @check:  compare with the pattern
 * @wrap:   if not 0: behind the byte of this pattern offset its beginning comes again
 * @over:   receive no more: where more comes all the time, shutdown(2) does not end it
 * @done:   it receives no more
 * @bytes:  received
 * @bad:    stream position of the first wrong byte, or -1
 */
struct zct_rx {
	int sock;
	uint64_t offset;
	bool check;
	uint64_t wrap;
	bool over;
	bool done;
	uint64_t bytes;
	int64_t bad;
	pthread_t thread;
};

void zct_rx_start(struct zct_rx *rx);
void zct_rx_join(struct zct_rx *rx);

/**
 * struct zct_sealer - a thread that tries to seal a buffer of which a page is held
 * @fd:     device
 * @handle: buffer
 * @pipe:   has the page
 * @over:   try no more
 * @odd:    tries that did not end with EBUSY
 */
struct zct_sealer {
	int fd;
	uint32_t handle;
	int pipe[2];
	bool over;
	unsigned int odd;
	pthread_t thread;
};

/* Each try takes 200 ms, and they follow one another. Returns 0 or a negative errno. */
int zct_sealer_start(struct zct_sealer *sealer, int fd, const struct zc_buf_create *buf);
void zct_sealer_stop(struct zct_sealer *sealer);

/*
 * Send @len bytes from @offset of @in over a new connection to a receiver that
 * checks the pattern. Returns what the ioctl did; *@arg is the result, *@rx what
 * came.
 */
int zct_send(int fd, int family, int in, uint64_t offset, uint64_t len,
	     uint32_t flags, struct zc_sendfile *arg, struct zct_rx *rx);

/*
 * Leave free memory in single pages: every second page of so large an area is held by pipes,
 * where it can be neither freed nor moved, until this process ends. False if that cannot be.
 */
bool zct_fragment(uint64_t size);

/* system(), of a command that is made as by printf(). */
int __attribute__((format(printf, 1, 2))) zct_run(const char *fmt, ...);
/* Does the kernel have file systems of this type? */
bool zct_has_fs(const char *type);

uint64_t zct_now_ms(void);

/* Run this thread on one processor alone. False if there is none of that number. */
bool zct_on_cpu(int cpu);

/* Was nothing copied, but perhaps a tail too small for a reference? */
static inline bool zct_none_copied(uint64_t copied, uint32_t reasons)
{
	return copied ? copied < 512 && reasons == ZC_COPY_SMALL : !reasons;
}

#endif /* _ZC_TEST_H */
