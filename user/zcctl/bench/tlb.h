/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of zcctl bench tlb share. */
#ifndef _ZCCTL_BENCH_TLB_H
#define _ZCCTL_BENCH_TLB_H

#include "bench.h"

#define TLB_LINE	64		/* bytes from one load to the next, and of the chain */

/**
 * struct tlb_walk - what is walked, and how far
 * @size:     bytes of memory, a multiple of 2 MiB
 * @stride:   bytes from one load to the next, strided
 * @accesses: loads; 0: as many as suit the pattern
 */
struct tlb_walk {
	uint64_t size;
	uint64_t stride;
	uint64_t accesses;
};

/**
 * struct tlb_pattern - an order to load in
 * @name:     as in the report
 * @chain:    the bytes have to be those of tlb_chain_write()
 * @accesses: loads that suit it
 * @run:      loads, 8 bytes each; returns their sum, the same for the same bytes
 */
struct tlb_pattern {
	const char *name;
	bool chain;
	uint64_t (*accesses)(const struct tlb_walk *walk);
	uint64_t (*run)(const char *data, const struct tlb_walk *walk, uint64_t accesses);
};

extern const struct tlb_pattern tlb_patterns[];
extern const unsigned int tlb_nr_patterns;

/* tlb-walk.c */
uint64_t tlb_walk_accesses(const struct tlb_pattern *pattern, const struct tlb_walk *walk);
int tlb_chain_write(int fd, uint64_t size);
void tlb_mark_flush(void);
void tlb_mark_begin(uint64_t number);
void tlb_mark_end(void);

/**
 * struct tlb_memory - the file's bytes in memory
 * @data:      first byte
 * @size:      bytes
 * @map:       what munmap() takes, or NULL
 * @map_size:  bytes of it
 * @buf:       buffer of zc, or NULL
 * @page_size: of the mapping, by smaps
 * @mapped:    bytes that are there, by smaps
 * @huge:      of these by entries of 2 MiB and more
 */
struct tlb_memory {
	char *data;
	uint64_t size;
	void *map;
	uint64_t map_size;
	struct zc_buffer *buf;
	uint64_t page_size;
	uint64_t mapped;
	uint64_t huge;
};

/**
 * struct tlb_way - a way to have the file's bytes in memory
 * @name:  as in the report
 * @cache: of the file, BENCH_NONE where it has none to do with it
 * @make:  fills in @mem, whose size is set; all of it is there afterwards. Returns 0 or a
 *         negative errno; what it made goes by tlb_memory_free() either way
 */
struct tlb_way {
	const char *name;
	enum bench_cache cache;
	int (*make)(struct tlb_memory *mem, struct zc_context *zc, int fd);
};

extern const struct tlb_way tlb_ways[];
extern const unsigned int tlb_nr_ways;

/* tlb-memory.c */
int tlb_memory_smaps(struct tlb_memory *mem);
void tlb_memory_free(struct tlb_memory *mem);

#endif /* _ZCCTL_BENCH_TLB_H */
