/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A fuzzer of the module that knows its interface.
 *
 * A program is a list of steps. A step is a call and sixteen random words, from which the
 * call takes its arguments, one after the other: so a mutation of one word changes one
 * argument. What earlier calls have returned, descriptors, handles, mappings, is kept in
 * tables, which threads and some of which processes share; most arguments are taken from
 * there.
 */
#ifndef _FUZZ_H
#define _FUZZ_H

#include <liburing.h>
#include <setjmp.h>
#include <signal.h>
#include <time.h>

#include "nl.h"
#include "zc_test.h"

#define PAGE		4096ull

/* Words of a step, steps of a program, programs that are kept. */
#define WORDS		16
#define STEPS		24
#define CORPUS		2048
/* Descriptors of a kind, of which some devices are shared by all processes; buffers of one. */
#define FDS		12
#define SHARED_DEVS	2
#define BUFS		16
/* Numbers of buffers, transfers and targets that are remembered. */
#define IDS		16
#define THREADS_MAX	16
#define PROCESSES_MAX	16
#define CALLS_MAX	96

/* Above 2 MiB, so that edges of it are tried; where the kernel puts no mappings by itself. */
#define ARENA		((char *)0x10000000000ul)
#define ARENA_SIZE	(16 * HUGE)

/* What the module may have. */
#define LIMIT		(128 * MIB)

#define NAME_EXT4	EXT4_DIR "/fuzz"
#define NAME_TMP	"/tmp/zc-fuzz"

struct step {
	uint32_t call;
	uint32_t word[WORDS];
};

struct program {
	uint32_t nr;
	struct step step[STEPS];
};

/* A buffer, as it was when it was made. Threads race for it: it may be mixed of two. */
struct known {
	uint64_t offset;
	uint64_t size;
	uint32_t handle;
};

/* The last errno that is counted. */
#define ERRNO_MAX	134

/**
 * struct count - what came of a call
 * @tries: how often it was made
 * @good:  how often it did not fail
 * @ns:    what it took, with shared::times
 * @error: how it failed, by errno
 */
struct count {
	uint64_t tries;
	uint64_t good;
	uint64_t ns;
	uint32_t error[ERRNO_MAX];
};

/* By the low bits of addresses, and by pairs of such. */
#define PCS		(1u << 21)
#define EDGES		(1u << 18)

/**
 * struct shared - what all processes have
 * @seed:      where all begins
 * @limit:     end after so many calls; 0: never
 * @calls:     calls made
 * @stop:      it is time to end
 * @edu:       there is a device that can be a target
 * @trace:     say what is called, in the kernel's log
 * @times:     measure what calls take
 * @dma_debug: DMA_API_DEBUG watches; see memory_value()
 * @dir:       where files are made
 * @count:     by call
 * @programs:  programs ever kept
 * @corpus:    the last ones of them
 * @pcs:       places seen
 * @nr_pcs:    how many
 * @edges:     ways from one to another
 * @buf:       buffers of the devices that are shared
 * @stray:     by call, an error that is not documented, or 0
 * @id:        numbers of buffers
 * @transfer:  number of a transfer that was under way
 * @target:    numbers of targets
 */
struct shared {
	uint64_t seed;
	uint64_t limit;
	uint64_t calls;
	bool stop;
	bool edu;
	bool trace;
	bool times;
	bool dma_debug;
	const char *dir;
	struct count count[CALLS_MAX];
	uint32_t programs;
	struct program corpus[CORPUS];
	uint8_t pcs[PCS];
	uint32_t nr_pcs;
	uint8_t edges[EDGES];
	struct known buf[SHARED_DEVS][BUFS];
	int stray[CALLS_MAX];
	uint32_t id[IDS];
	uint64_t transfer;
	uint32_t target[IDS];
};

extern struct shared *shared;

/* Kinds of descriptors. A socket's peer has its place in the table. */
enum fd_kind {
	FD_DEV, FD_SHARE, FD_DMABUF, FD_SOCK, FD_PEER, FD_FILE, FD_MEM, FD_SPENT, FD_PIPE,
	FD_KINDS
};

/**
 * struct thread - what one thread has
 * @nr:      its number
 * @rng:     state of what makes programs
 * @prog:    the one that is run
 * @step:    the step that is done
 * @at:      words that were taken of it
 * @dev:     device that it is about
 * @arg:     where structures are put, the last bytes before what is not mapped
 * @arg_ro:  the same memory, for reading
 * @jump:    where to go on after a bad access, if @armed
 * @armed:   one is to be expected
 * @kcov:    of the kernel's coverage
 * @cover:   where the kernel writes places, or NULL
 * @nl:      socket of the netlink family
 * @ring:    of io_uring, its ring_fd -1 if there is none
 * @send:    arguments of its commands
 * @timer:   interrupts what blocks
 * @thread:  for pthread_join()
 */
struct thread {
	unsigned int nr;
	uint64_t rng;
	struct program prog;
	const struct step *step;
	unsigned int at;
	unsigned int dev;
	char *arg;
	char *arg_ro;
	sigjmp_buf jump;
	volatile sig_atomic_t armed;
	int kcov;
	uint64_t *cover;
	struct nl nl;
	struct io_uring ring;
	char send[8][256];
	timer_t timer;
	pthread_t thread;
};

extern __thread struct thread *self;

/**
 * struct call - one of the calls that steps are made of
 * @name:   its name
 * @weight: how often, compared with others
 * @fn:     does it; returns 0 or more, or a negative errno
 * @data:   for it
 * @needs:  ZC_FEAT_* bits without which it cannot succeed
 * @edu:    it succeeds only where there is such a device
 * @later:  it returns only that it was submitted; what counts is what comes of it
 */
struct call {
	const char *name;
	unsigned int weight;
	long (*fn)(struct thread *t, const void *data);
	const void *data;
	uint64_t needs;
	bool edu;
	bool later;
};

/* errors.c: does the documentation of this ioctl, by its structure, have that error? */
bool error_known(const char *call, int error);
/* Does that of this command, by the name of its call? */
bool command_error_known(const char *call, int error);

/* calls.c: the table of all */
extern const struct call *calls[CALLS_MAX];
extern unsigned int nr_calls;
void calls_init(void);
void call_done(unsigned int call, long ret);
/* Each of these has its own calls, up to one without a name. */
extern const struct call ioctl_calls[], fd_calls[], memory_calls[], socket_calls[],
	file_calls[], family_calls[], ring_calls[];

/* program.c: programs, random and better ones */
uint64_t rng_next(uint64_t *state);
void program_make(struct thread *t);
void program_keep(const struct program *prog);

/* cover.c: what the kernel tells of where it was */
void cover_open(struct thread *t);
void cover_enable(struct thread *t);
void cover_begin(struct thread *t);
/* Has the program reached something new? */
bool cover_end(struct thread *t);

/* process.c: a process with threads. Does not return. */
void process_run(unsigned int nr, unsigned int generation, unsigned int threads)
	__attribute__((noreturn));

/* values.c: arguments, from the words of a step */
uint32_t word(struct thread *t);
uint64_t edge_value(struct thread *t);
uint64_t size_value(struct thread *t);
uint64_t offset_value(struct thread *t, uint64_t size);
uint32_t flags_value(struct thread *t, uint32_t mask);
uint32_t id_value(struct thread *t);
uint32_t target_value(struct thread *t);
uint32_t other_target(struct thread *t);
void id_keep(uint32_t id);
void target_keep(uint32_t target);

static inline uint32_t below(struct thread *t, uint32_t n)
{
	return word(t) % n;
}

static inline bool one_in(struct thread *t, uint32_t n)
{
	return !below(t, n);
}

/**
 * struct place - where a structure lies
 * @user: the address that the kernel is given
 * @seen: where we see what it has written there, or NULL
 */
struct place {
	void *user;
	const void *seen;
};

/* Put it somewhere: most often where it should be. */
struct place place(struct thread *t, const void *data, size_t size);
/* Addresses that are mapped to something of the module, or were or will be. */
void *arena_addr(struct thread *t, size_t *len);

/* fds.c: the tables, and calls for descriptors */
void fds_init(void);
/* Who takes one out of the table closes it. */
int fd_take(enum fd_kind kind, unsigned int slot);
int fd_get(enum fd_kind kind, unsigned int slot);
void fd_keep(struct thread *t, enum fd_kind kind, int fd);
void fd_put(enum fd_kind kind, unsigned int slot, int fd);
/* Most often of that kind. */
int fd_value(struct thread *t, enum fd_kind kind);
unsigned int dev_value(struct thread *t);
struct known *dev_bufs(unsigned int dev);
void buf_keep(struct thread *t, unsigned int dev, const struct known *buf);
void buf_forget(unsigned int dev, uint32_t handle);
const struct known *buf_value(struct thread *t, unsigned int dev);

/* ioctls.c: the structure of ZC_IOC_SEND or ZC_IOC_SENDFILE. Returns its size. */
uint32_t send_make(struct thread *t, unsigned long cmd, unsigned int dev, char *arg);

/* files.c: memory to be imported */
int memory_value(struct thread *t);

/* sockets.c, files.c: what a process begins with */
void sockets_init(struct thread *t);
void files_init(struct thread *t);
/* What all have. Returns 0 or a negative errno. */
int files_make(void);
void files_remove(void);

/* family.c, rings.c */
void family_init(struct thread *t);
void ring_init(struct thread *t);

/* 0 or more, or a negative errno */
long result(long ret);

#endif /* _FUZZ_H */
