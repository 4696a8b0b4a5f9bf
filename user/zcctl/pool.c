// SPDX-License-Identifier: GPL-2.0-only
/* zcctl pool: the hugepages that are kept ready on each NUMA node. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "zcctl.h"

#define PARAMETER	"/sys/module/zc/parameters/reserve"
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
"and what helps; after 'set' the exit status is 1 then.\n"
"\n"
"What is kept ready counts against max_bytes, and gives way to buffers that would not fit\n"
"below it otherwise; it is filled up when they are gone. It has nothing to do with the\n"
"kernel's hugetlb pool (zcctl alloc --page-size).\n"
"\n"
"examples:\n"
"  zcctl pool set 128 --node 0\n"
"  zcctl pool show\n";

/**
 * struct nodes - the nodes that have memory
 * @list: what the module says of each
 * @nr:   how many
 */
struct nodes {
	struct zc_node_query list[NODES_MAX];
	size_t nr;
};

static const struct why {
	const char *name;
	const char *text;
	const char *help;
} whys[] = {
	[ZC_SHORT_NONE] = { "none", NULL, NULL },
	[ZC_SHORT_LIMIT] = {
		"limit", "max_bytes, the limit of all, leaves no room",
		"echo BYTES >/sys/module/zc/parameters/max_bytes, then set it again" },
	[ZC_SHORT_MEMORY] = {
		"memory", "the node has not so much free memory",
		"free some, as by: echo 3 >/proc/sys/vm/drop_caches, then set it again" },
	[ZC_SHORT_FRAGMENTED] = {
		"fragmented", "the node has enough free memory, but not in hugepages",
		"echo 1 >/proc/sys/vm/compact_memory, then set it again; or set it at boot,\n"
		"    before memory is in use: options zc reserve=… in /etc/modprobe.d" },
	[ZC_SHORT_STOPPED] = {
		"stopped", "who set it was killed meanwhile", "set it again" },
	[ZC_SHORT_USED] = {
		"used", "it gave way to buffers below max_bytes, memory was short, or others\n"
		"    hold what buffers had",
		"wait: what is missing is filled up in the background" },
};

#define NR_WHYS		(sizeof(whys) / sizeof(*whys))

static const struct why *why_of(const struct zc_node_query *node)
{
	static const struct why unknown = { "unknown", "for a reason that is new", NULL };

	return node->why < NR_WHYS ? &whys[node->why] : &unknown;
}

/* Returns an exit code. */
static int nodes_read(struct nodes *nodes)
{
	struct zc_context *ctx;
	int node = 0, ret;

	ret = device_open(&ctx);
	if (ret)
		return ret;
	for (nodes->nr = 0; node >= 0 && nodes->nr < NODES_MAX; nodes->nr++) {
		ret = zc_query_node(ctx, node, &nodes->list[nodes->nr]);
		/* There may be memory on no more than some of them, and not on the first. */
		while (ret == -EINVAL && !nodes->nr && ++node < NODES_MAX)
			ret = zc_query_node(ctx, node, &nodes->list[0]);
		if (ret)
			break;
		node = nodes->list[nodes->nr].next;
	}
	zc_close(ctx);
	if (!ret)
		return EX_OK;
	return out_error(EX_FAILED, -ret, ret == -ENOTTY ? "the module loaded has no reserve"
							 : NULL,
			 "cannot query the nodes");
}

static void show_json(const struct nodes *nodes)
{
	struct json_object *obj = out_new("pool"), *list = json_object_new_array();
	size_t i;

	for (i = 0; i < nodes->nr; i++) {
		const struct zc_node_query *node = &nodes->list[i];
		struct json_object *one = json_object_new_object();

		json_object_object_add(one, "node", json_object_new_int(node->node));
		out_add_u64(one, "reserve_bytes", node->reserve_bytes);
		out_add_u64(one, "ready_bytes", node->ready_bytes);
		out_add_u64(one, "out_bytes", node->out_bytes);
		out_add_str(one, "short", why_of(node)->name);
		out_add_u64(one, "free_bytes", node->free_bytes);
		out_add_u64(one, "free_huge_bytes", node->free_huge_bytes);
		json_object_array_add(list, one);
	}
	json_object_object_add(obj, "nodes", list);
	out_object(obj);
}

static void show_text(const struct nodes *nodes)
{
	size_t i;

	puts("node  reserve    ready  in use  free memory  of it in hugepages");
	for (i = 0; i < nodes->nr; i++) {
		const struct zc_node_query *node = &nodes->list[i];
		char a[32], b[32];

		printf("%4d  %7llu  %7llu  %6llu  %11s  %18s\n", node->node,
		       (unsigned long long)node->reserve_bytes / ZC_HUGE_SIZE,
		       (unsigned long long)node->ready_bytes / ZC_HUGE_SIZE,
		       (unsigned long long)node->out_bytes / ZC_HUGE_SIZE,
		       out_bytes(node->free_bytes, a, sizeof(a)),
		       out_bytes(node->free_huge_bytes, b, sizeof(b)));
	}
	for (i = 0; i < nodes->nr; i++) {
		const struct zc_node_query *node = &nodes->list[i];

		if (node->why == ZC_SHORT_NONE)
			continue;
		printf("node %d: %llu of %llu hugepages: %s\n", node->node,
		       (unsigned long long)(node->ready_bytes + node->out_bytes) /
				ZC_HUGE_SIZE,
		       (unsigned long long)node->reserve_bytes / ZC_HUGE_SIZE,
		       why_of(node)->text);
		if (why_of(node)->help)
			printf("    %s\n", why_of(node)->help);
	}
}

/* Has @node, or has each of them, what was asked for? */
static bool full(const struct nodes *nodes, int node)
{
	size_t i;

	for (i = 0; i < nodes->nr; i++) {
		const struct zc_node_query *one = &nodes->list[i];

		if ((node == ZC_NODE_ANY || node == one->node) &&
		    one->ready_bytes + one->out_bytes < one->reserve_bytes)
			return false;
	}
	return true;
}

static int show(struct nodes *nodes)
{
	int ret = nodes_read(nodes);

	if (ret)
		return ret;
	if (out_json)
		show_json(nodes);
	else
		show_text(nodes);
	return EX_OK;
}

/* What the parameter has to be for @node to have @count, or all of them. */
static int value(int count, int node, char *text, size_t size)
{
	static struct nodes nodes;
	size_t i, len = 0;
	bool found = false;
	int ret;

	if (node == ZC_NODE_ANY) {
		snprintf(text, size, "%d", count);
		return EX_OK;
	}
	ret = nodes_read(&nodes);
	if (ret)
		return ret;
	for (i = 0; i < nodes.nr && len < size; i++) {
		unsigned long long nr = nodes.list[i].reserve_bytes / ZC_HUGE_SIZE;

		if (nodes.list[i].node == node) {
			found = true;
			nr = count;
		}
		len += snprintf(text + len, size - len, "%s%d:%llu", i ? "," : "",
				nodes.list[i].node, nr);
	}
	if (!found)
		return out_error(EX_FAILED, EINVAL, "'zcctl pool show' lists those that have",
				 "NUMA node %d has no memory", node);
	return EX_OK;
}

static int set(int count, int node)
{
	static char text[NODES_MAX * 24];
	static struct nodes nodes;
	int fd, err = 0, ret;

	ret = value(count, node, text, sizeof(text));
	if (ret)
		return ret;
	fd = open(PARAMETER, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		err = errno;
	if (fd >= 0)
		close(fd);
	if (err == ENOENT)
		return out_error(EX_NO_MODULE, err, "load it: zcctl load",
				 "the module is not loaded");
	if (err == EACCES)
		return out_error(EX_PERMISSION, err, "run it as root",
				 "cannot write to " PARAMETER);
	if (err)
		return out_error(EX_FAILED, err, NULL, "cannot write to " PARAMETER);
	ret = show(&nodes);
	if (!ret && !full(&nodes, node))
		ret = EX_FAILED;
	return ret;
}

int cmd_pool(int argc, char **argv)
{
	static struct nodes nodes;
	static const struct option options[] = {
		{ "node", required_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' },
		{ },
	};
	int c, count, node = ZC_NODE_ANY;
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
		if (optind < argc || node != ZC_NODE_ANY)
			return out_usage("pool show: no arguments, please");
		return show(&nodes);
	}
	if (strcmp(what, "set"))
		return out_usage("pool: '%s' is neither show nor set", what);
	if (argc != optind + 1)
		return out_usage("pool set: one count, please, as in 128");
	if (!parse_int(argv[optind], 0, 1 << 29, &count))
		return out_usage("pool set: '%s' is no count of hugepages", argv[optind]);
	return set(count, node);
}
