/* SPDX-License-Identifier: GPL-2.0-only */
/* The reserve of each NUMA node. */
#ifndef _ZCCTL_POOL_H
#define _ZCCTL_POOL_H

#include "nl.h"

/**
 * struct node - a NUMA node that has memory
 * @node:      its number
 * @reserve:   bytes that there should be
 * @ready:     bytes that are ready
 * @out:       bytes that buffers have
 * @free:      bytes that the kernel has free
 * @free_huge: of these, in hugepages
 * @why:       enum zc_shortage
 */
struct node {
	unsigned int node;
	uint64_t reserve;
	uint64_t ready;
	uint64_t out;
	uint64_t free;
	uint64_t free_huge;
	unsigned int why;
};

/**
 * struct nodes - all of them
 * @list: each
 * @nr:   how many
 * @json: the same, as an array
 */
struct nodes {
	struct node *list;
	size_t nr;
	struct json_object *json;
};

int nodes_read(struct zcnl *nl, struct nodes *nodes);
void nodes_free(struct nodes *nodes);
void nodes_show(const struct nodes *nodes);

#endif /* _ZCCTL_POOL_H */
