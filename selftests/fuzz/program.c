// SPDX-License-Identifier: GPL-2.0-only
/* Programs: random ones, and mutations of those that have reached something new. */
#include "fuzz.h"

/* splitmix64 */
uint64_t rng_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static uint32_t rnd(struct thread *t, uint32_t n)
{
	return (rng_next(&t->rng) >> 32) % n;
}

static uint32_t random_call(struct thread *t)
{
	static unsigned int sum;
	unsigned int i, at;

	if (!sum) {
		unsigned int all = 0;

		for (i = 0; i < nr_calls; i++)
			all += calls[i]->weight;
		sum = all;
	}
	at = rnd(t, sum);
	for (i = 0; at >= calls[i]->weight; i++)
		at -= calls[i]->weight;
	return i;
}

static void random_step(struct thread *t, struct step *step)
{
	unsigned int i;

	step->call = random_call(t);
	for (i = 0; i < WORDS; i += 2) {
		uint64_t r = rng_next(&t->rng);

		step->word[i] = r;
		step->word[i + 1] = r >> 32;
	}
}

static void insert(struct program *prog, uint32_t at, const struct step *step)
{
	if (prog->nr == STEPS)
		return;
	memmove(&prog->step[at + 1], &prog->step[at], (prog->nr - at) * sizeof(*step));
	prog->step[at] = *step;
	prog->nr++;
}

/* One of those that are kept; the last ones more often. */
static const struct program *old(struct thread *t)
{
	uint32_t nr = __atomic_load_n(&shared->programs, __ATOMIC_ACQUIRE), back;

	back = nr < CORPUS ? nr : CORPUS;
	if (back > 64 && rnd(t, 2))
		back = 64;
	return &shared->corpus[(nr - 1 - rnd(t, back)) % CORPUS];
}

static void mutate_word(struct thread *t, struct step *step)
{
	uint32_t *w = &step->word[rnd(t, WORDS)];

	switch (rnd(t, 3)) {
	case 0:
		*w = rng_next(&t->rng);
		break;
	case 1:
		*w ^= 1u << rnd(t, 32);
		break;
	default:
		*w += rnd(t, 9) - 4;
	}
}

static void mutate(struct thread *t, struct program *prog)
{
	const struct program *other;
	uint32_t at = rnd(t, prog->nr), i;
	struct step step;

	switch (rnd(t, 8)) {
	case 0:
		random_step(t, &step);
		insert(prog, at, &step);
		break;
	case 1:
		step = prog->step[at];
		insert(prog, rnd(t, prog->nr), &step);
		break;
	case 2:
		if (prog->nr > 1) {
			prog->nr--;
			memmove(&prog->step[at], &prog->step[at + 1],
				(prog->nr - at) * sizeof(step));
		}
		break;
	case 3:
		/* The end of another one. It may just be written: any words will do. */
		other = old(t);
		for (i = at; i < STEPS && i < other->nr; i++)
			prog->step[i] = other->step[i];
		if (prog->nr < i)
			prog->nr = i;
		break;
	default:
		mutate_word(t, &prog->step[at]);
	}
}

static bool sound(const struct program *prog)
{
	uint32_t i;

	if (!prog->nr || prog->nr > STEPS)
		return false;
	for (i = 0; i < prog->nr; i++)
		if (prog->step[i].call >= nr_calls)
			return false;
	return true;
}

void program_make(struct thread *t)
{
	struct program *prog = &t->prog;
	uint32_t i;

	if (__atomic_load_n(&shared->programs, __ATOMIC_ACQUIRE) && rnd(t, 2)) {
		*prog = *old(t);
		if (sound(prog)) {
			for (i = 1 + rnd(t, 4); i; i--)
				mutate(t, prog);
			if (sound(prog))
				return;
		}
	}
	prog->nr = 4 + rnd(t, STEPS - 4);
	for (i = 0; i < prog->nr; i++)
		random_step(t, &prog->step[i]);
}

void program_keep(const struct program *prog)
{
	uint32_t nr = __atomic_fetch_add(&shared->programs, 1, __ATOMIC_ACQ_REL);

	shared->corpus[nr % CORPUS] = *prog;
}
