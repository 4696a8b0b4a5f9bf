// SPDX-License-Identifier: GPL-2.0-only
/* Arguments, from the words of a step. */
#include "fuzz.h"

/* More words than there are come of those that there are. */
uint32_t word(struct thread *t)
{
	unsigned int at = t->at++;
	uint32_t w = t->step->word[at % WORDS];

	if (at >= WORDS) {
		w = (w ^ at) * 0x9e3779b1u;
		w ^= w >> 15;
	}
	return w;
}

uint64_t edge_value(struct thread *t)
{
	static const uint64_t edges[] = {
		0, 1, 2, 7, 511, 512, 4095, 4096, 4097, 65535, 65536, MIB - 1, MIB, MIB + 1,
		HUGE - 1, HUGE, HUGE + 1, 3 * HUGE, 1ull << 30, (1ull << 31) - 1, 1ull << 31,
		(1ull << 31) + 1, (1ull << 32) - 1, 1ull << 32, 1ull << 40, (1ull << 63) - 1,
		1ull << 63, (1ull << 63) + 1, ~0ull - HUGE + 1, ~0ull - 4095, ~0ull - 1, ~0ull,
	};

	return edges[below(t, sizeof(edges) / sizeof(*edges))];
}

uint64_t size_value(struct thread *t)
{
	switch (below(t, 16)) {
	case 0:
		return edge_value(t);
	case 1:
		return 1 + below(t, 2 * HUGE);
	case 2:
		return (1 + below(t, 3)) * HUGE;
	case 3 ... 6:
		return HUGE;
	default:
		return (1 + below(t, 16)) * PAGE;
	}
}

/* Within something of that size, or not. */
uint64_t offset_value(struct thread *t, uint64_t size)
{
	switch (below(t, 16)) {
	case 0:
		return edge_value(t);
	case 1 ... 5:
		return size ? word(t) % size : 0;
	case 6 ... 8:
		return size / PAGE ? word(t) % (size / PAGE) * PAGE : 0;
	default:
		return 0;
	}
}

uint32_t flags_value(struct thread *t, uint32_t mask)
{
	uint32_t flags = word(t);

	if (one_in(t, 48))
		return flags;
	if (one_in(t, 3))
		return 0;
	/* A bit in four is set. */
	return flags & (flags >> 16 | flags << 16) & mask;
}

static uint32_t kept(struct thread *t, const uint32_t *from)
{
	return one_in(t, 24) ? (uint32_t)edge_value(t) : from[below(t, IDS)];
}

uint32_t id_value(struct thread *t)
{
	return kept(t, shared->id);
}

/* Target 0 is always there. */
uint32_t target_value(struct thread *t)
{
	return one_in(t, 2) ? 0 : kept(t, shared->target);
}

/* One that is not, if any is known: most that were are gone. */
uint32_t other_target(struct thread *t)
{
	unsigned int at = below(t, IDS), i;

	for (i = 0; i < IDS && !one_in(t, 48); i++)
		if (shared->target[(at + i) % IDS])
			return shared->target[(at + i) % IDS];
	return target_value(t);
}

void id_keep(uint32_t id)
{
	shared->id[id % IDS] = id;
}

void target_keep(uint32_t target)
{
	shared->target[target % IDS] = target;
}

static void *bad_addr(struct thread *t)
{
	static const uintptr_t bad[] = {
		0, 1, PAGE - 1, (1ul << 47) - PAGE, 1ul << 47, 0xffff888000000000ul,
		0xffffffff81000000ul, ~0ul - 7,
	};

	return (void *)bad[below(t, sizeof(bad) / sizeof(*bad))];
}

/* @arg is the beginning of two pages, after which nothing is mapped. */
struct place place(struct thread *t, const void *data, size_t size)
{
	char *end = t->arg + 2 * PAGE, *at = t->arg;
	size_t len;

	switch (below(t, 32)) {
	case 0:
		at += 1 + below(t, 7);
		break;
	case 1:
		at = end - size;
		break;
	case 2:
		at = t->arg + PAGE - size / 2;
		break;
	case 3:
		/* Half of it is not mapped. */
		at = end - size / 2;
		memcpy(at, data, size / 2);
		return (struct place) { at };
	case 4:
		memcpy(t->arg, data, size);
		return (struct place) { t->arg_ro };
	case 5:
		return (struct place) { one_in(t, 2) ? bad_addr(t) : arena_addr(t, &len) };
	}
	memcpy(at, data, size);
	return (struct place) { at, at };
}

void *arena_addr(struct thread *t, size_t *len)
{
	uint64_t at = below(t, 8) ? below(t, 4) * HUGE : below(t, ARENA_SIZE / HUGE) * HUGE;

	*len = HUGE;
	switch (below(t, 8)) {
	case 0:
		at += below(t, 512) * PAGE;
		*len = (1 + below(t, 512)) * PAGE;
		break;
	case 1:
		*len = (1 + below(t, 2)) * HUGE;
		break;
	case 2 ... 4:
		*len = (1 + below(t, 64)) * PAGE;
		break;
	case 5:
		at += HUGE - PAGE;
		*len = 2 * PAGE;
		break;
	}
	if (*len > ARENA_SIZE - at)
		*len = ARENA_SIZE - at;
	return ARENA + at;
}
