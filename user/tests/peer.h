/* SPDX-License-Identifier: GPL-2.0-only */
/* What programs that test sends share. TAP output. */
#ifndef _ZC_TEST_PEER_H
#define _ZC_TEST_PEER_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* Of the file that make_file() makes */
#define SIZE	(3u << 20)
#define THREADS	8

/* Who takes what comes, until nothing does, and whether that is the file from @pos on */
struct receiver {
	int fd;
	uint64_t pos;
	uint64_t got;
	bool wrong;
	unsigned int sleeps_us;
	pthread_t thread;
};

void test(const char *what, bool ok);
int test_end(void);
void die(const char *what);

/* Signals that came to on_signal() */
extern volatile sig_atomic_t signals;

void on_signal(int sig);

int open_file(const char *name);
unsigned char byte_at(uint64_t pos);
void make_file(const char *path, uint64_t size);
void tcp_pair(int *fds);
int begin(struct receiver *r, uint64_t pos);
int begin_slowly(struct receiver *r, uint64_t pos);
bool end(struct receiver *r, int out, uint64_t bytes);

bool many_threads(bool (*fn)(void));
bool in_child(bool (*fn)(void));

#endif /* _ZC_TEST_PEER_H */
