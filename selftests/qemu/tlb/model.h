/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A model of a processor's data TLB: two levels of set-associative arrays, which forget what
 * was used least recently. It knows nothing of QEMU: plugin.c feeds it what a guest does, and
 * test.c what a test makes up.
 */
#ifndef ZC_TLB_MODEL_H
#define ZC_TLB_MODEL_H

#include <stdbool.h>
#include <stdint.h>

enum tlb_page { TLB_4K, TLB_2M, TLB_1G, TLB_PAGES };

enum tlb_found { TLB_L1, TLB_L2, TLB_MISS };

#define TLB_ARRAYS_MAX	3

/**
 * struct tlb_shape - an array of a TLB
 * @entries: in all; 0: there is no such array
 * @ways:    in which a page may be; as many as @entries: in any
 * @pages:   sizes that it takes, bits 1 << enum tlb_page
 */
struct tlb_shape {
	unsigned int entries;
	unsigned int ways;
	unsigned int pages;
};

/**
 * struct tlb_geometry - the TLB of a processor
 * @name: as the option takes it
 * @l1:   arrays that are looked at first, at once
 * @l2:   those after them; what they do not have takes a page walk
 */
struct tlb_geometry {
	const char *name;
	struct tlb_shape l1[TLB_ARRAYS_MAX];
	struct tlb_shape l2[TLB_ARRAYS_MAX];
};

struct tlb;

const struct tlb_geometry *tlb_geometry(const char *name);
const char *tlb_page_name(enum tlb_page page);
struct tlb *tlb_new(const struct tlb_geometry *geometry);
void tlb_free(struct tlb *tlb);
void tlb_flush(struct tlb *tlb);

/**
 * tlb_find - look an address up, as a load or a store does
 * @tlb:  model
 * @asid: address space
 * @addr: virtual address
 * @page: written if it is found: of which size the page is
 *
 * Returns: where it was; on TLB_MISS tlb_insert() is next.
 */
enum tlb_found tlb_find(struct tlb *tlb, uint64_t asid, uint64_t addr, enum tlb_page *page);

/**
 * tlb_insert - remember what a page walk found, in both levels
 * @tlb:    model
 * @asid:   address space
 * @addr:   virtual address
 * @page:   size of its page
 * @global: the same in all address spaces
 */
void tlb_insert(struct tlb *tlb, uint64_t asid, uint64_t addr, enum tlb_page page, bool global);

#endif /* ZC_TLB_MODEL_H */
