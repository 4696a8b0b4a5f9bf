// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Files that were asked for before. What is read around the page cache is never in it: a file
 * that many ask for would be read from the disk for each. So the second who asks within a
 * minute has it put there. A file that is read once leaves nothing behind, as ever.
 */
#include <time.h>
#include <unistd.h>

#include "preload.h"

#define FILES	1024
#define SOON	60

/* Larger files than that part of the memory are never put there. */
#define PART	8

/* Which file, 48 bits of a hash; and when it was last begun, seconds, and whether again. */
static atomic_ullong files[FILES];

#define KEY(entry)	((entry) >> 16)
#define TIME(entry)	(((entry) >> 1) & 0x7fff)
#define AGAIN(entry)	((entry) & 1)

static uint64_t hash(const struct stat *st)
{
	uint64_t h = (uint64_t)st->st_dev * 0x9e3779b97f4a7c15ull ^ st->st_ino;

	h = (h ^ h >> 32) * 0xd6e8feb86659fd93ull;
	return h ^ h >> 29;
}

/* Bytes that a file may have; 0 before again_load() */
static uint64_t largest;

/* again_load - how much memory there is, which the kernel may not be asked for later (seccomp) */
void again_load(void)
{
	largest = (uint64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE) / PART;
}

/**
 * again_is - was a file asked for before, not long ago?
 * @st:     file
 * @begins: this is the beginning of the file
 *
 * What is not the beginning goes the way that the beginning has gone. Two files of the same
 * place make each other forgotten.
 *
 * Returns: true if so, and if it is not too large for the cache.
 */
bool again_is(const struct stat *st, bool begins)
{
	uint64_t h = hash(st), key = h >> 16, entry;
	atomic_ullong *at;
	struct timespec ts;
	unsigned int age;
	bool again;

	if ((uint64_t)st->st_size > largest)
		return false;
	at = &files[h % FILES];
	entry = atomic_load(at);
	if (!begins)
		return KEY(entry) == key && AGAIN(entry);
	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	age = (ts.tv_sec - TIME(entry)) & 0x7fff;
	again = KEY(entry) == key && age <= SOON;
	atomic_store(at, key << 16 | (ts.tv_sec & 0x7fff) << 1 | again);
	return again;
}
