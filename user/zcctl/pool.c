// SPDX-License-Identifier: GPL-2.0-only
/* zcctl pool: the hugepages that are kept ready on each NUMA node. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pool.h"

/* All nodes. */
#define EVERY		(-1)
/* Nodes that Linux can have. */
#define NODES_MAX	1024

static const char pool_help[] =
"usage: zcctl pool [show]\n"
"       zcctl pool set COUNT [--node N]\n"
"\n"
"Show, or set, how many hugepages of 2 MiB the module keeps for buffers on each NUMA\n"
"node: zeroed, and had even when memory is short. Without --node COUNT is shared\n"
"evenly among the nodes; with it the other nodes keep what they have. 'zcctl load\n"
"reserve=COUNT' does the same at load. Where there are less than asked for, it says why,\n"
"and what helps; after 'set' the exit status is 1 then. To set it is for root.\n"
"\n"
"What is kept ready counts against max_bytes, and gives way to buffers that would not fit\n"
"below it otherwise; it is filled up when they are gone. It has nothing to do with the\n"
"kernel's hugetlb pool (zcctl alloc --page-size).\n"
"\n"
"examples:\n"
"  zcctl pool set 128 --node 0\n"
"  zcctl pool show\n";

/**
 * struct room - what max_bytes has
 * @max:  that
 * @used: how much of it buffers and transfers have
 */
struct room {
	uint64_t max;
	uint64_t used;
};

/**
 * struct state - how a node's reserve is
 * @have: hugepages that are ready or that buffers have, bytes
 * @why:  enum zc_shortage
 */
struct state {
	uint64_t have;
	uint64_t why;
};

/* How often to look whether a reserve is there, and when to give up. */
#define WAIT_US		20000
#define STILL_NS	10000000000ull

/* Has @node, or has each of them, what was asked for? */
static bool full(const struct nodes *nodes, int node)
{
	size_t i;

	for (i = 0; i < nodes->nr; i++) {
		const struct node *one = &nodes->list[i];

		if ((node == EVERY || (unsigned int)node == one->node) &&
		    one->ready + one->out < one->reserve)
			return false;
	}
	return true;
}

static int show(struct zcnl *nl, int set)
{
	struct nodes nodes;
	struct json_object *obj;
	int ret = nodes_read(nl, &nodes);

	if (ret)
		return ret;
	if (out_json) {
		obj = out_new("pool");
		json_object_object_add(obj, "nodes", json_object_get(nodes.json));
		out_object(obj);
	} else {
		nodes_show(&nodes);
	}
	if (set >= EVERY && !full(&nodes, set))
		ret = EX_FAILED;
	nodes_free(&nodes);
	return ret;
}

static void take_state(const struct zcnl_reply *reply, void *arg)
{
	struct state *state = arg;

	state->have = reply_num(reply, ZC_A_POOL_READY_BYTES) +
		      reply_num(reply, ZC_A_POOL_OUT_BYTES);
	state->why = reply_num(reply, ZC_A_POOL_SHORT);
}

/*
 * The module fills the reserve by itself: until it is there, or is known to be short, or
 * nothing comes any more. What it has become is shown afterwards.
 */
static void wait_node(struct zcnl *nl, unsigned int node, uint64_t count)
{
	struct state now = { 0, 0 }, before = now;
	uint64_t since = now_ns();

	while (now_ns() - since < STILL_NS) {
		struct nl_msg *msg = zcnl_new(nl, ZC_CMD_POOL_GET);

		zcnl_put(msg, ZC_CMD_POOL_GET, ZC_A_POOL_NODE, node);
		if (zcnl_do(nl, msg, take_state, &now))
			break;
		if (now.why != ZC_SHORTAGE_USED && now.have / ZC_HUGE_SIZE <= count)
			break;
		if (now.have != before.have)
			since = now_ns();
		before = now;
		out_waiting("node %u: %llu of %llu hugepages …", node,
			    (unsigned long long)(now.have / ZC_HUGE_SIZE),
			    (unsigned long long)count);
		usleep(WAIT_US);
	}
	out_progress_end();
}

/* Returns an exit code. */
static int set_node(struct zcnl *nl, unsigned int node, uint64_t count)
{
	struct nl_msg *msg = zcnl_new(nl, ZC_CMD_POOL_SET);
	int err;

	zcnl_put(msg, ZC_CMD_POOL_SET, ZC_A_POOL_NODE, node);
	zcnl_put(msg, ZC_CMD_POOL_SET, ZC_A_POOL_RESERVE_BYTES, count * ZC_HUGE_SIZE);
	err = zcnl_do(nl, msg, NULL, NULL);
	if (err)
		return zcnl_error(nl, err, NULL, "cannot set the reserve of node %u", node);
	wait_node(nl, node, count);
	return EX_OK;
}

static void take_room(const struct zcnl_reply *reply, void *arg)
{
	struct room *room = arg;

	room->max = reply_num(reply, ZC_A_MODULE_MAX_BYTES);
	room->used = reply_num(reply, ZC_A_MODULE_USED_BYTES);
}

/* As many hugepages on each node as max_bytes has room for, if all are to have as many. */
static uint64_t even(struct zcnl *nl, const struct nodes *nodes)
{
	struct room room = { 0, 0 };
	size_t i;

	if (zcnl_do(nl, zcnl_new(nl, ZC_CMD_MODULE_GET), take_room, &room))
		return UINT64_MAX;
	for (i = 0; i < nodes->nr; i++)
		room.max += nodes->list[i].out;
	return (room.max > room.used ? room.max - room.used : 0) / ZC_HUGE_SIZE / nodes->nr;
}

/* The part of node number @i. */
static uint64_t share(const struct nodes *nodes, uint64_t count, size_t i)
{
	return count / nodes->nr + (i < count % nodes->nr);
}

/*
 * First those that get fewer, so that there is room; then, where max_bytes has not enough
 * for all, each what it can have, lest the first get all.
 */
static int set_all(struct zcnl *nl, const struct nodes *nodes, uint64_t count)
{
	uint64_t most = even(nl, nodes);
	int ret = EX_OK;
	size_t i;

	for (i = 0; !ret && i < nodes->nr; i++)
		if (share(nodes, count, i) * ZC_HUGE_SIZE < nodes->list[i].reserve)
			ret = set_node(nl, nodes->list[i].node, share(nodes, count, i));
	for (i = 0; !ret && i < nodes->nr; i++)
		if (share(nodes, count, i) > most)
			ret = set_node(nl, nodes->list[i].node, most);
	for (i = 0; !ret && i < nodes->nr; i++)
		ret = set_node(nl, nodes->list[i].node, share(nodes, count, i));
	return ret;
}

static int set_one(struct zcnl *nl, const struct nodes *nodes, uint64_t count, int node)
{
	size_t i;

	for (i = 0; i < nodes->nr; i++)
		if (nodes->list[i].node == (unsigned int)node)
			return set_node(nl, node, count);
	return out_error(EX_FAILED, EINVAL, "'zcctl pool show' lists those that have",
			 "NUMA node %d has no memory", node);
}

static int set(struct zcnl *nl, int count, int node)
{
	struct nodes nodes;
	int ret = nodes_read(nl, &nodes);

	if (ret)
		return ret;
	if (node != EVERY)
		ret = set_one(nl, &nodes, count, node);
	else if (nodes.nr)
		ret = set_all(nl, &nodes, count);
	nodes_free(&nodes);
	return ret ? ret : show(nl, node);
}

/* Below EVERY: nothing is set. Returns an exit code. */
static int run(int count, int node)
{
	struct zcnl *nl;
	int ret = zcnl_open(&nl);

	if (ret)
		return ret;
	ret = count < 0 ? show(nl, EVERY - 1) : set(nl, count, node);
	zcnl_close(nl);
	return ret;
}

int cmd_pool(int argc, char **argv)
{
	static const struct option options[] = {
		{ "node", required_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' },
		{ },
	};
	int c, count, node = EVERY;
	const char *what;

	while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		switch (c) {
		case 'n':
			if (!parse_int(optarg, 0, NODES_MAX - 1, &node))
				return out_usage("pool: '%s' is no NUMA node", optarg);
			break;
		case 'h':
			fputs(pool_help, stdout);
			return EX_OK;
		case ':':
			return out_no_value("pool", argv);
		default:
			return out_bad_option("pool", argv);
		}
	}
	what = optind < argc ? argv[optind++] : "show";
	if (!strcmp(what, "show")) {
		if (optind < argc || node != EVERY)
			return out_usage("pool show: no arguments, please");
		return run(-1, EVERY);
	}
	if (strcmp(what, "set"))
		return out_usage("pool: '%s' is neither show nor set", what);
	if (argc != optind + 1)
		return out_usage("pool set: one count, please, as in 128");
	if (!parse_int(argv[optind], 0, 1 << 29, &count))
		return out_usage("pool set: '%s' is no count of hugepages", argv[optind]);
	return run(count, node);
}
