// SPDX-License-Identifier: GPL-2.0-only
/* zcctl bench tlb: the orders in which memory is loaded from. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tlb.h"

#define LOADS	(1ull << 20)	/* of patterns that have no end of their own */

static inline uint64_t load(const char *data, uint64_t pos)
{
	return *(const volatile uint64_t *)(data + pos);
}

static inline uint64_t steps(const char *data, uint64_t size, uint64_t step, uint64_t accesses)
{
	uint64_t pos = 0, sum = 0;

	while (accesses--) {
		sum += load(data, pos);
		pos += step;
		if (pos >= size)
			pos = 0;
	}
	return sum;
}

static uint64_t sequential(const char *data, const struct tlb_walk *walk, uint64_t accesses)
{
	return steps(data, walk->size, TLB_LINE, accesses);
}

static uint64_t sequential_accesses(const struct tlb_walk *walk)
{
	return walk->size / TLB_LINE;
}

static uint64_t strided(const char *data, const struct tlb_walk *walk, uint64_t accesses)
{
	return steps(data, walk->size, walk->stride, accesses);
}

static uint64_t strided_accesses(const struct tlb_walk *walk)
{
	return (walk->size + walk->stride - 1) / walk->stride;
}

/* Marsaglia's xorshift64: the same numbers each time, and no memory. */
static inline uint64_t random_next(uint64_t x)
{
	x ^= x << 13;
	x ^= x >> 7;
	return x ^ x << 17;
}

/* From 0 to @limit - 1, which is less than 1 << 32. */
static inline uint64_t random_below(uint64_t x, uint64_t limit)
{
	return (x >> 32) * limit >> 32;
}

/* Where the next load is does not depend on this one. */
static uint64_t random_loads(const char *data, const struct tlb_walk *walk, uint64_t accesses)
{
	uint64_t lines = walk->size / TLB_LINE, x = 88172645463325252ull, sum = 0;

	while (accesses--) {
		x = random_next(x);
		sum += load(data, random_below(x, lines) * TLB_LINE);
	}
	return sum;
}

/* This one loads where the next one is. */
static uint64_t chase(const char *data, const struct tlb_walk *walk, uint64_t accesses)
{
	uint64_t pos = 0, sum = 0;

	(void)walk;
	while (accesses--) {
		pos = load(data, pos);
		sum += pos;
	}
	return sum;
}

static uint64_t jump_accesses(const struct tlb_walk *walk)
{
	uint64_t lines = walk->size / TLB_LINE;

	return lines < LOADS ? lines : LOADS;
}

const struct tlb_pattern tlb_patterns[] = {
	{ "sequential", false, sequential_accesses, sequential },
	{ "strided", false, strided_accesses, strided },
	{ "random", false, jump_accesses, random_loads },
	{ "chase", true, jump_accesses, chase },
};

const unsigned int tlb_nr_patterns = sizeof(tlb_patterns) / sizeof(*tlb_patterns);

uint64_t tlb_walk_accesses(const struct tlb_pattern *pattern, const struct tlb_walk *walk)
{
	return walk->accesses ? walk->accesses : pattern->accesses(walk);
}

/* Sattolo's shuffle: each line once, before the first one comes again. */
static uint32_t *chain_make(uint64_t lines)
{
	uint32_t *order = malloc(lines * sizeof(*order)), tmp;
	uint64_t i, j, x = 2463534242ull;

	for (i = 0; order && i < lines; i++)
		order[i] = i;
	for (i = lines - 1; order && i; i--) {
		x = random_next(x);
		j = random_below(x, i);
		tmp = order[i];
		order[i] = order[j];
		order[j] = tmp;
	}
	return order;
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0)
			return -errno;
		data += n;
		len -= n;
	}
	return 0;
}

/*
 * Have the file say in the first 8 bytes of each line where the next one is: the walk of
 * pointers needs no index beside it, whose pages would be counted, too.
 */
int tlb_chain_write(int fd, uint64_t size)
{
	static uint64_t block[(1 << 20) / sizeof(uint64_t)];
	const uint64_t words = TLB_LINE / sizeof(*block);
	const uint64_t per_block = sizeof(block) / TLB_LINE;
	uint64_t lines = size / TLB_LINE, i;
	uint32_t *next = chain_make(lines);
	int err = next ? 0 : -ENOMEM;

	for (i = 0; i < lines && !err; i++) {
		block[i % per_block * words] = next[i] * (uint64_t)TLB_LINE;
		if (i % per_block == per_block - 1)
			err = write_all(fd, (char *)block, sizeof(block));
	}
	free(next);
	return err;
}

/*
 * Marks for who watches the machine from outside, see selftests/qemu/tlb: a long NOP whose
 * displacement, which nobody uses, says what it is, with the number in RAX. To a processor
 * it is nothing.
 */
#ifdef __x86_64__
#define MARK		".byte 0x0f, 0x1f, 0x84, 0x00, %c0, 0x54, 0x63, 0x7a"
#define MARK_REG	"a"
#else
#define MARK		""
#define MARK_REG	"r"
#endif

/* Forget what the TLB has. */
void tlb_mark_flush(void)
{
	asm volatile(MARK : : "i"(0) : "memory");
}

void tlb_mark_begin(uint64_t number)
{
	asm volatile(MARK : : "i"(1), MARK_REG(number) : "memory");
}

void tlb_mark_end(void)
{
	asm volatile(MARK : : "i"(2) : "memory");
}
