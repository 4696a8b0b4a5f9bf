// SPDX-License-Identifier: GPL-2.0-only
/* zcctl status: what the module is, may and has. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "pool.h"
#include "stats.h"

static const char status_help[] =
"usage: zcctl status\n"
"\n"
"Show the module's version, features and parameters; what memory it has, and what is kept\n"
"ready on each NUMA node; how many buffers and transfers there are; what was counted that\n"
"wants a look: buffers refused, leaks told of, events lost. All users may ask.\n"
"\n"
"Exit code 3: the module is not loaded.\n";

/* Those that can be set; reserve is told of by node. */
static const int parameters[] = {
	ZC_A_MODULE_COPYBREAK, ZC_A_MODULE_DEPTH, ZC_A_MODULE_HELD_AFTER, ZC_A_MODULE_IDLE_AFTER,
	ZC_A_MODULE_MAX_BYTES, ZC_A_MODULE_URING_LIFE,
};

#define NR(array)	(sizeof(array) / sizeof(*(array)))

/**
 * struct status - all that is shown
 * @module: what the module says of itself
 * @data:   room for it
 * @nodes:  the nodes
 * @stats:  the counts
 */
struct status {
	struct zcnl_reply module;
	char data[1024] __attribute__((aligned(8)));
	struct nodes nodes;
	struct stats stats;
};

/* The reply goes with the next request: keep it. */
static void take(const struct zcnl_reply *reply, void *arg)
{
	struct status *status = arg;
	size_t len = (size_t)reply->len < sizeof(status->data) ? (size_t)reply->len :
		     sizeof(status->data);

	memcpy(status->data, reply->first, len);
	reply_parse(&status->module, reply->cmd, reply->set, (struct nlattr *)status->data, len);
}

/* As the module has them in /sys, too: with "_". */
static const char *name_of(int attr, char *name, size_t size)
{
	char *p;

	snprintf(name, size, "%s", zcnl_module.fields[attr].name);
	for (p = name; *p; p++)
		if (*p == '-')
			*p = '_';
	return name;
}

static void show_json(const struct status *status)
{
	struct json_object *obj = out_new("status"), *inner = json_object_new_object();
	char name[64];
	size_t i;

	reply_add(&status->module, obj);
	for (i = 0; i < NR(parameters); i++) {
		name_of(parameters[i], name, sizeof(name));
		json_object_object_add(inner, name, reply_has(&status->module, parameters[i]) ?
			json_object_new_uint64(reply_num(&status->module, parameters[i])) : NULL);
	}
	json_object_object_add(obj, "parameters", inner);
	json_object_object_add(obj, "nodes", json_object_get(status->nodes.json));
	inner = json_object_new_object();
	stats_add(&status->stats, inner);
	json_object_object_add(obj, "counts", inner);
	out_object(obj);
}

static void memory_text(const struct zcnl_reply *module)
{
	char a[32], b[32];

	printf("memory     %s in use, of %s at most (max_bytes)\n",
	       out_bytes(reply_num(module, ZC_A_MODULE_USED_BYTES), a, sizeof(a)),
	       out_bytes(reply_num(module, ZC_A_MODULE_MAX_BYTES), b, sizeof(b)));
	if (reply_num(module, ZC_A_MODULE_HELD_BYTES))
		printf("held       %s by others, the network for one; counted in max_bytes too\n",
		       out_bytes(reply_num(module, ZC_A_MODULE_HELD_BYTES), a, sizeof(a)));
	if (reply_num(module, ZC_A_MODULE_PARKED_BYTES))
		printf("parked     %s in buffers that their files may want again\n",
		       out_bytes(reply_num(module, ZC_A_MODULE_PARKED_BYTES), a, sizeof(a)));
}

static unsigned long long count(const struct status *status, int attr)
{
	return stats_of(&status->stats, attr);
}

static void counts_text(const struct status *status)
{
	unsigned long long refused = 0;
	size_t i;

	for (i = 0; i < nr_stat_rows; i++)
		if (!strcmp(stat_rows[i].group, "refused"))
			refused += status->stats.val[i];
	printf("buffers    %llu now; made %llu, had again %llu, refused %llu\n",
	       (unsigned long long)reply_num(&status->module, ZC_A_MODULE_BUFFERS),
	       count(status, ZC_A_STATS_BUFFERS_MADE), count(status, ZC_A_STATS_BUFFERS_AGAIN),
	       refused);
	printf("transfers  %llu now; done %llu, failed %llu, canceled %llu\n",
	       (unsigned long long)reply_num(&status->module, ZC_A_MODULE_TRANSFERS),
	       count(status, ZC_A_STATS_TRANSFERS_DONE),
	       count(status, ZC_A_STATS_TRANSFERS_FAILED),
	       count(status, ZC_A_STATS_TRANSFERS_CANCELED));
	printf("leaks      %llu destroyed and held, %llu not used were told of ('zcctl leaks')\n",
	       count(status, ZC_A_STATS_LEAKS_HELD), count(status, ZC_A_STATS_LEAKS_IDLE));
	if (count(status, ZC_A_STATS_EVENTS_LOST))
		printf("events     %llu could not be sent for want of memory\n",
		       count(status, ZC_A_STATS_EVENTS_LOST));
}

static void show_text(const struct status *status)
{
	const struct zcnl_reply *module = &status->module;
	char text[256];
	size_t i;

	printf("zc %s, interface %llu\n",
	       reply_text(module, ZC_A_MODULE_VERSION, text, sizeof(text)),
	       (unsigned long long)reply_num(module, ZC_A_MODULE_ABI));
	printf("features   %s\n", reply_bits(module, ZC_A_MODULE_FEATURES, text, sizeof(text)));
	printf("parameters");
	for (i = 0; i < NR(parameters); i++)
		if (reply_has(module, parameters[i]))
			printf(" %s=%llu", name_of(parameters[i], text, sizeof(text)),
			       (unsigned long long)reply_num(module, parameters[i]));
	putchar('\n');
	memory_text(module);
	counts_text(status);
	nodes_show(&status->nodes);
}

static int read_all(struct zcnl *nl, struct status *status)
{
	int err = zcnl_do(nl, zcnl_new(nl, ZC_CMD_MODULE_GET), take, status), ret;

	if (!err && !status->module.set)
		err = -EPROTO;
	if (err)
		return zcnl_error(nl, err, NULL, "cannot query the module");
	ret = nodes_read(nl, &status->nodes);
	return ret ? ret : stats_read(nl, &status->stats);
}

int cmd_status(int argc, char **argv)
{
	int ret = out_help_only("status", status_help, argc, argv);
	struct status status = { };
	struct zcnl *nl;

	if (ret >= 0)
		return ret;
	if (optind < argc)
		return out_usage("status: no arguments, please");
	ret = zcnl_open(&nl);
	if (ret)
		return ret;
	ret = read_all(nl, &status);
	if (!ret && out_json)
		show_json(&status);
	else if (!ret)
		show_text(&status);
	nodes_free(&status.nodes);
	zcnl_close(nl);
	return ret;
}
