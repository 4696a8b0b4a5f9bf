/* SPDX-License-Identifier: GPL-2.0-only */
/* What is left behind: by the module's counters, and by the kernel's. */
#ifndef _ZC_STATE_H
#define _ZC_STATE_H

#include "nl.h"

/* What counters of the kernel may differ by, of which others have a share. */
#define STATE_FREE	(16 * MIB)
#define STATE_SLAB	(8 * MIB)

/**
 * struct state - at a moment
 * @used:      bytes that the module has
 * @held:      of buffers that are gone, others have
 * @parked:    that are kept for those who had them
 * @buffers:   that there are
 * @transfers: under way
 * @mappings:  for the module's own target
 * @mem_free:  free memory, bytes
 * @slab:      kernel memory that cannot be taken back, bytes
 * @caches:    of that, the module's own, as far as they have names
 */
struct state {
	uint64_t used;
	uint64_t held;
	uint64_t parked;
	uint64_t buffers;
	uint64_t transfers;
	uint64_t mappings;
	uint64_t mem_free;
	uint64_t slab;
	uint64_t caches;
};

/* As it is. Returns 0 or a negative errno. */
int state_now(int fd, struct state *s);
/* The same, without what the kernel would take back if it needed it. */
int state_settled(int fd, struct state *s);
/*
 * Wait until the module has no more than @before, and no memory is missing; @after is what
 * there is in the end. False, and a line for each that is not back, after @ms.
 */
bool state_back(int fd, const struct state *before, struct state *after, int ms);

#endif /* _ZC_STATE_H */
