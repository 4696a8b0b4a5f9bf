// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>

#include "model.h"

#define K4	(1u << TLB_4K)
#define M2	(1u << TLB_2M)
#define G1	(1u << TLB_1G)
#define ALL	(K4 | M2 | G1)

#define GLOBAL	UINT64_MAX

static const struct tlb_geometry geometries[] = {
	/*
	 * Intel 64 and IA-32 Architectures Optimization Reference Manual (248966), "TLB
	 * Parameters of the Skylake Client Microarchitecture"; those of the server are the same.
	 */
	{
		.name = "skylake",
		.l1 = { { 64, 4, K4 }, { 32, 4, M2 }, { 4, 4, G1 } },
		.l2 = { { 1536, 12, K4 | M2 }, { 16, 4, G1 } },
	},
	/*
	 * Software Optimization Guide for AMD Family 19h Processors (56665), "L1 Translation
	 * Lookaside Buffers", and "L2". Pages in a row that share an entry (16 KiB) are not
	 * modelled, nor how a page of 1 GiB is in pieces in the second level.
	 */
	{
		.name = "zen3",
		.l1 = { { 64, 64, ALL } },
		.l2 = { { 2048, 16, K4 | M2 } },
	},
	/* The same of Models 10h and more (57647). */
	{
		.name = "zen4",
		.l1 = { { 72, 72, ALL } },
		.l2 = { { 3072, 24, K4 | M2 } },
	},
};

struct entry {
	uint64_t vpn;
	uint64_t asid;
	uint64_t used;		/* 0: empty */
	enum tlb_page page;
};

struct array {
	struct tlb_shape shape;
	struct entry *entries;
};

struct tlb {
	struct array levels[2][TLB_ARRAYS_MAX];
	uint64_t clock;
};

static const unsigned int shifts[] = { 12, 21, 30 };

const struct tlb_geometry *tlb_geometry(const char *name)
{
	unsigned int i;

	for (i = 0; i < sizeof(geometries) / sizeof(*geometries); i++)
		if (!strcmp(geometries[i].name, name))
			return &geometries[i];
	return NULL;
}

const char *tlb_page_name(enum tlb_page page)
{
	static const char *const names[] = { "4K", "2M", "1G" };

	return names[page];
}

struct tlb *tlb_new(const struct tlb_geometry *geometry)
{
	struct tlb *tlb = calloc(1, sizeof(*tlb));
	unsigned int level, i;

	for (level = 0; tlb && level < 2; level++)
		for (i = 0; i < TLB_ARRAYS_MAX; i++) {
			struct array *array = &tlb->levels[level][i];

			array->shape = level ? geometry->l2[i] : geometry->l1[i];
			array->entries = calloc(array->shape.entries + 1, sizeof(struct entry));
			if (!array->entries) {
				tlb_free(tlb);
				return NULL;
			}
		}
	return tlb;
}

void tlb_free(struct tlb *tlb)
{
	unsigned int level, i;

	for (level = 0; tlb && level < 2; level++)
		for (i = 0; i < TLB_ARRAYS_MAX; i++)
			free(tlb->levels[level][i].entries);
	free(tlb);
}

void tlb_flush(struct tlb *tlb)
{
	unsigned int level, i;

	for (level = 0; level < 2; level++)
		for (i = 0; i < TLB_ARRAYS_MAX; i++)
			memset(tlb->levels[level][i].entries, 0,
			       tlb->levels[level][i].shape.entries * sizeof(struct entry));
}

/* The ways in which a page may be: chosen by the low bits of its number. */
static struct entry *set_of(const struct array *array, uint64_t vpn)
{
	unsigned int sets = array->shape.entries / array->shape.ways;

	return array->entries + vpn % sets * array->shape.ways;
}

static struct entry *array_find(const struct array *array, uint64_t asid, uint64_t addr,
				enum tlb_page page)
{
	uint64_t vpn = addr >> shifts[page];
	struct entry *set = set_of(array, vpn);
	unsigned int i;

	for (i = 0; i < array->shape.ways; i++)
		if (set[i].used && set[i].vpn == vpn && set[i].page == page &&
		    (set[i].asid == asid || set[i].asid == GLOBAL))
			return &set[i];
	return NULL;
}

/* Until it is found nobody knows how large its page is: all are looked for. */
static struct entry *level_find(struct tlb *tlb, unsigned int level, uint64_t asid,
				uint64_t addr)
{
	struct entry *entry = NULL;
	unsigned int i, page;

	for (i = 0; i < TLB_ARRAYS_MAX && !entry; i++)
		for (page = 0; page < TLB_PAGES && !entry; page++)
			if (tlb->levels[level][i].shape.pages & 1u << page)
				entry = array_find(&tlb->levels[level][i], asid, addr, page);
	if (entry)
		entry->used = ++tlb->clock;
	return entry;
}

/* Instead of the one that was used least recently. */
static void level_insert(struct tlb *tlb, unsigned int level, uint64_t asid, uint64_t addr,
			 enum tlb_page page)
{
	uint64_t vpn = addr >> shifts[page];
	struct entry *set, *oldest;
	unsigned int i;

	for (i = 0; i < TLB_ARRAYS_MAX; i++)
		if (tlb->levels[level][i].shape.pages & 1u << page)
			break;
	if (i == TLB_ARRAYS_MAX)
		return;
	set = set_of(&tlb->levels[level][i], vpn);
	oldest = set;
	for (i = tlb->levels[level][i].shape.ways; i--; )
		if (set[i].used < oldest->used)
			oldest = &set[i];
	*oldest = (struct entry){ vpn, asid, ++tlb->clock, page };
}

enum tlb_found tlb_find(struct tlb *tlb, uint64_t asid, uint64_t addr, enum tlb_page *page)
{
	struct entry *entry = level_find(tlb, 0, asid, addr);

	if (entry) {
		*page = entry->page;
		return TLB_L1;
	}
	entry = level_find(tlb, 1, asid, addr);
	if (!entry)
		return TLB_MISS;
	*page = entry->page;
	level_insert(tlb, 0, entry->asid, addr, entry->page);
	return TLB_L2;
}

void tlb_insert(struct tlb *tlb, uint64_t asid, uint64_t addr, enum tlb_page page, bool global)
{
	level_insert(tlb, 0, global ? GLOBAL : asid, addr, page);
	level_insert(tlb, 1, global ? GLOBAL : asid, addr, page);
}
