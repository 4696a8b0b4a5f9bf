// SPDX-License-Identifier: GPL-2.0-only
/* zcctl dma show: the devices that buffers can be mapped for. */
#include <getopt.h>
#include <stdio.h>

#include "dma.h"
#include "lists.h"

/* How many bits the addresses have that the device reaches. */
static int bits_of(const struct zcnl_reply *reply)
{
	uint64_t mask = reply_num(reply, ZC_A_TARGET_MASK);

	return mask ? 64 - __builtin_clzll(mask) : 0;
}

/**
 * target_add - a target, into an object of JSON
 * @reply: target
 * @obj:   object
 */
void target_add(const struct zcnl_reply *reply, struct json_object *obj)
{
	uint64_t state = reply_num(reply, ZC_A_TARGET_STATE);

	reply_add(reply, obj);
	json_object_object_add(obj, "translated",
			       json_object_new_boolean(state & ZC_TARGET_STATE_TRANSLATED));
	json_object_object_add(obj, "lazy",
			       json_object_new_boolean(state & ZC_TARGET_STATE_LAZY));
	out_add_u64(obj, "bits", bits_of(reply));
	if (reply_num(reply, ZC_A_TARGET_MAX_MAPPING) == UINT64_MAX)
		json_object_object_add(obj, "max_mapping", NULL);
}

static void head_text(void)
{
	puts("target  name                  driver          "
	     "addresses             reach  max mapping  mappings");
}

static const char *addresses(const struct zcnl_reply *reply)
{
	uint64_t state = reply_num(reply, ZC_A_TARGET_STATE);

	if (!(state & ZC_TARGET_STATE_TRANSLATED))
		return "physical";
	return state & ZC_TARGET_STATE_LAZY ? "translated, lazy" : "translated, strict";
}

static void target_text(const struct zcnl_reply *reply)
{
	char id[16], name[128], driver[64], mappings[16], a[32] = "no limit";
	uint64_t max = reply_num(reply, ZC_A_TARGET_MAX_MAPPING);

	reply_text(reply, ZC_A_TARGET_DRIVER, driver, sizeof(driver));
	if (max != UINT64_MAX)
		out_bytes(max, a, sizeof(a));
	printf("%6s  %-20s  %-14s  %-18s  %2d bits  %11s  %8s\n",
	       text_number(reply, ZC_A_TARGET_ID, id, sizeof(id)),
	       reply_text(reply, ZC_A_TARGET_NAME, name, sizeof(name)), *driver ? driver : "-",
	       addresses(reply), bits_of(reply), a,
	       text_number(reply, ZC_A_TARGET_MAPPINGS, mappings, sizeof(mappings)));
}

const struct list targets_list = {
	.kind = "targets",
	.cmd = ZC_CMD_TARGET_GET,
	.failed = "cannot query the targets",
	.add = target_add,
	.head = head_text,
	.text = target_text,
};

/**
 * dma_show - the command
 * @argc: as of main()
 * @argv: as of main()
 *
 * Returns: an exit code.
 */
int dma_show(int argc, char **argv)
{
	int ret = out_help_only("dma show", dma_help, argc, argv);
	struct list list = targets_list;

	if (ret >= 0)
		return ret;
	if (optind < argc)
		return out_usage("dma show: no arguments, please");
	return list_show(&list, NULL, "no targets");
}
