// SPDX-License-Identifier: GPL-2.0-only
/* The reserve of each NUMA node: read, shown. */
#include <stdio.h>
#include <stdlib.h>

#include "pool.h"

static const struct why {
	const char *text;
	const char *help;
} whys[] = {
	[ZC_SHORTAGE_NONE] = { NULL, NULL },
	[ZC_SHORTAGE_LIMIT] = {
		"max_bytes, the limit of all, leaves no room",
		"echo BYTES >/sys/module/zc/parameters/max_bytes, then set it again" },
	[ZC_SHORTAGE_MEMORY] = {
		"the node has not so much free memory",
		"free some, as by: echo 3 >/proc/sys/vm/drop_caches, then set it again" },
	[ZC_SHORTAGE_FRAGMENTED] = {
		"the node has enough free memory, but not in hugepages",
		"echo 1 >/proc/sys/vm/compact_memory, then set it again; or set it at boot,\n"
		"    before memory is in use: options zc reserve=… in /etc/modprobe.d" },
	[ZC_SHORTAGE_STOPPED] = {
		"who set it was killed meanwhile", "set it again" },
	[ZC_SHORTAGE_USED] = {
		"it gave way to buffers below max_bytes, memory was short, or others\n"
		"    hold what buffers had",
		"wait: what is missing is filled up in the background" },
};

#define NR_WHYS		(sizeof(whys) / sizeof(*whys))

static const struct why *why_of(const struct node *node)
{
	static const struct why unknown = { "for a reason that is new", NULL };

	return node->why < NR_WHYS ? &whys[node->why] : &unknown;
}

static void take(const struct zcnl_reply *reply, void *arg)
{
	struct nodes *nodes = arg;
	struct node *more, *node;

	if (!reply_has(reply, ZC_A_POOL_NODE))
		return;
	more = realloc(nodes->list, (nodes->nr + 1) * sizeof(*more));
	if (!more)
		return;
	nodes->list = more;
	node = &more[nodes->nr++];
	node->node = reply_num(reply, ZC_A_POOL_NODE);
	node->reserve = reply_num(reply, ZC_A_POOL_RESERVE_BYTES);
	node->ready = reply_num(reply, ZC_A_POOL_READY_BYTES);
	node->out = reply_num(reply, ZC_A_POOL_OUT_BYTES);
	node->free = reply_num(reply, ZC_A_POOL_FREE_BYTES);
	node->free_huge = reply_num(reply, ZC_A_POOL_FREE_HUGE_BYTES);
	node->why = reply_num(reply, ZC_A_POOL_SHORT);
	json_object_array_add(nodes->json, reply_json(reply));
}

/**
 * nodes_read - the reserve of all nodes that have memory
 * @nl:    connection
 * @nodes: out: them, for nodes_free()
 *
 * Returns: an exit code, after an error message.
 */
int nodes_read(struct zcnl *nl, struct nodes *nodes)
{
	int err;

	*nodes = (struct nodes){ .json = json_object_new_array() };
	err = zcnl_dump(nl, zcnl_new(nl, ZC_CMD_POOL_GET), take, nodes);
	if (!err)
		return EX_OK;
	nodes_free(nodes);
	return zcnl_error(nl, err, NULL, "cannot query the nodes");
}

/**
 * nodes_free - forget what nodes_read() read
 * @nodes: nodes
 */
void nodes_free(struct nodes *nodes)
{
	free(nodes->list);
	json_object_put(nodes->json);
	*nodes = (struct nodes){ };
}

/**
 * nodes_show - a table for people, and why there are less than there should be
 * @nodes: nodes
 */
void nodes_show(const struct nodes *nodes)
{
	size_t i;

	puts("node  reserve    ready  in use  free memory  of it in hugepages");
	for (i = 0; i < nodes->nr; i++) {
		const struct node *node = &nodes->list[i];
		char a[32], b[32];

		printf("%4u  %7llu  %7llu  %6llu  %11s  %18s\n", node->node,
		       (unsigned long long)node->reserve / ZC_HUGE_SIZE,
		       (unsigned long long)node->ready / ZC_HUGE_SIZE,
		       (unsigned long long)node->out / ZC_HUGE_SIZE,
		       out_bytes(node->free, a, sizeof(a)),
		       out_bytes(node->free_huge, b, sizeof(b)));
	}
	for (i = 0; i < nodes->nr; i++) {
		const struct node *node = &nodes->list[i];

		if (node->why == ZC_SHORTAGE_NONE)
			continue;
		printf("node %u: %llu of %llu hugepages: %s\n", node->node,
		       (unsigned long long)(node->ready + node->out) / ZC_HUGE_SIZE,
		       (unsigned long long)node->reserve / ZC_HUGE_SIZE, why_of(node)->text);
		if (why_of(node)->help)
			printf("    %s\n", why_of(node)->help);
	}
}
