// SPDX-License-Identifier: GPL-2.0-only
/* The model against what can be computed by hand. TAP. */
#include <stdio.h>
#include <stdlib.h>

#include "model.h"

#define KIB	1024ull
#define MIB	(1024 * KIB)
#define GIB	(1024 * MIB)

static struct tlb *tlb;
static unsigned int nr, failed;
static uint64_t l1_misses, walks;

static void check(const char *name, const char *what, uint64_t got, uint64_t want)
{
	nr++;
	if (got == want) {
		printf("ok %u %s: %s\n", nr, name, what);
		return;
	}
	failed++;
	printf("not ok %u %s: %s: %llu, not %llu\n", nr, name, what, (unsigned long long)got,
	       (unsigned long long)want);
}

static void begin(const char *geometry)
{
	tlb_free(tlb);
	tlb = tlb_new(tlb_geometry(geometry));
	if (!tlb)
		exit(1);
}

static void touch(uint64_t asid, uint64_t addr, enum tlb_page page, bool global)
{
	enum tlb_page found = TLB_PAGES;

	switch (tlb_find(tlb, asid, addr, &found)) {
	case TLB_MISS:
		walks++;
		tlb_insert(tlb, asid, addr, page, global);
		/* fall through */
	case TLB_L2:
		l1_misses++;
	case TLB_L1:
		break;
	}
	if (found != TLB_PAGES && found != page)
		check("a page", "has the size it came with", found, page);
}

/* Once through @size bytes, which misses as often as said. */
static void pass(const char *name, uint64_t size, uint64_t step, enum tlb_page page,
		 uint64_t want_l1, uint64_t want_walks)
{
	uint64_t addr;

	l1_misses = 0;
	walks = 0;
	for (addr = 0; addr < size; addr += step)
		touch(1, 0x7f0000000000 + addr, page, false);
	check(name, "misses of the first level", l1_misses, want_l1);
	check(name, "page walks", walks, want_walks);
}

static void skylake(void)
{
	begin("skylake");
	pass("64 MiB of 4 KiB, far beyond reach", 64 * MIB, 64, TLB_4K, 16384, 16384);
	pass("the same again", 64 * MIB, 64, TLB_4K, 16384, 16384);
	begin("skylake");
	pass("256 KiB, which the first level has", 256 * KIB, 64, TLB_4K, 64, 64);
	pass("the same again", 256 * KIB, 64, TLB_4K, 0, 0);
	begin("skylake");
	pass("6 MiB, which the second level has", 6 * MIB, 64, TLB_4K, 1536, 1536);
	pass("the same again", 6 * MIB, 64, TLB_4K, 1536, 0);
	begin("skylake");
	pass("64 MiB of 2 MiB", 64 * MIB, 64, TLB_2M, 32, 32);
	pass("the same again", 64 * MIB, 64, TLB_2M, 0, 0);
	begin("skylake");
	pass("4 GiB of 2 MiB, beyond reach", 4 * GIB, 4096, TLB_2M, 2048, 2048);
	pass("the same again", 4 * GIB, 4096, TLB_2M, 2048, 2048);
	begin("skylake");
	pass("4 GiB of 1 GiB", 4 * GIB, 4096, TLB_1G, 4, 4);
	pass("the same again", 4 * GIB, 4096, TLB_1G, 0, 0);
}

/* The first level has 16 sets of 4, the second one 128 of 12. */
static void conflicts(void)
{
	begin("skylake");
	pass("4 pages, 16 apart: one set of 4", 256 * KIB, 64 * KIB, TLB_4K, 4, 4);
	pass("the same again", 256 * KIB, 64 * KIB, TLB_4K, 0, 0);
	begin("skylake");
	pass("5 of them", 320 * KIB, 64 * KIB, TLB_4K, 5, 5);
	pass("the same again", 320 * KIB, 64 * KIB, TLB_4K, 5, 0);
	begin("skylake");
	pass("12 pages, 128 apart: one set of 12", 6 * MIB, 512 * KIB, TLB_4K, 12, 12);
	pass("the same again", 6 * MIB, 512 * KIB, TLB_4K, 12, 0);
	begin("skylake");
	pass("13 of them", 6 * MIB + 512 * KIB, 512 * KIB, TLB_4K, 13, 13);
	pass("the same again", 6 * MIB + 512 * KIB, 512 * KIB, TLB_4K, 13, 13);
}

/* Any entry has any page: no stride is worse than another. */
static void zen(void)
{
	begin("zen3");
	pass("64 pages, 128 apart, any of 64 entries", 32 * MIB, 512 * KIB, TLB_4K, 64, 64);
	pass("the same again", 32 * MIB, 512 * KIB, TLB_4K, 0, 0);
	begin("zen3");
	pass("8 MiB, which 2048 entries have", 8 * MIB, 4096, TLB_4K, 2048, 2048);
	pass("the same again", 8 * MIB, 4096, TLB_4K, 2048, 0);
	begin("zen4");
	pass("12 MiB, which 3072 entries have", 12 * MIB, 4096, TLB_4K, 3072, 3072);
	pass("the same again", 12 * MIB, 4096, TLB_4K, 3072, 0);
}

static void spaces(void)
{
	begin("skylake");
	walks = 0;
	touch(1, 0x1000, TLB_4K, false);
	touch(2, 0x1000, TLB_4K, false);
	touch(1, 0x1000, TLB_4K, false);
	check("two address spaces", "page walks", walks, 2);
	walks = 0;
	touch(1, 0xffff888000000000, TLB_2M, true);
	touch(2, 0xffff888000001000, TLB_2M, true);
	check("a global page in two of them", "page walks", walks, 1);
	walks = 0;
	tlb_flush(tlb);
	touch(1, 0x1000, TLB_4K, false);
	touch(1, 0xffff888000000000, TLB_2M, true);
	check("after a flush", "page walks", walks, 2);
}

/* Of four ways the one used last stays, whenever it came. */
static void least_recent(void)
{
	unsigned int i;

	begin("skylake");
	for (i = 0; i < 4; i++)
		touch(1, i * 64 * KIB, TLB_4K, false);
	touch(1, 0, TLB_4K, false);
	touch(1, 4 * 64 * KIB, TLB_4K, false);
	l1_misses = 0;
	touch(1, 0, TLB_4K, false);
	check("used once more", "stays", l1_misses, 0);
	touch(1, 64 * KIB, TLB_4K, false);
	check("used least recently", "goes", l1_misses, 1);
}

int main(void)
{
	skylake();
	conflicts();
	zen();
	spaces();
	least_recent();
	check("a processor that nobody knows", "has no geometry", !tlb_geometry("z80"), 1);
	tlb_free(tlb);
	printf("1..%u\n", nr);
	return failed > 0;
}
