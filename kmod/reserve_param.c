// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module parameter reserve: what there is to be on which node, as text.
 */
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/nodemask.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "pool.h"

/* "N": evenly, or "NODE:N,...": the other nodes have none. */
static int zc_targets_parse(const char *val, unsigned long *targets)
{
	char *copy = kstrdup(skip_spaces(val), GFP_KERNEL), *rest = copy, *part, *count;
	int nid, ret = -EINVAL;
	unsigned int nr;

	if (!copy)
		return -ENOMEM;
	strim(copy);
	if (!strchr(copy, ':')) {
		unsigned int nodes = num_node_state(N_MEMORY);

		if (kstrtouint(copy, 10, &nr) || nr > ZC_RESERVE_MAX)
			goto out;
		ret = 0;
		for_each_node_state(nid, N_MEMORY) {
			if (!nodes)
				break;
			targets[nid] = DIV_ROUND_UP(nr, nodes);
			nr -= targets[nid];
			nodes--;
		}
		goto out;
	}
	while ((part = strsep(&rest, ","))) {
		count = strchr(part, ':');
		if (!count)
			goto out;
		*count++ = '\0';
		if (kstrtoint(part, 10, &nid) || kstrtouint(count, 10, &nr) || nid < 0 ||
		    zc_pool_node_check(nid) || nr > ZC_RESERVE_MAX)
			goto out;
		targets[nid] = nr;
	}
	ret = 0;
out:
	kfree(copy);
	return ret;
}

static int zc_reserve_param_set(const char *val, const struct kernel_param *kp)
{
	unsigned long *targets = kcalloc(nr_node_ids, sizeof(*targets), GFP_KERNEL);
	int ret;

	if (!targets)
		return -ENOMEM;
	ret = zc_targets_parse(val, targets);
	if (!ret) {
		/* Takes long, and netlink waits for this lock with one that all families need. */
		kernel_param_unlock(THIS_MODULE);
		zc_reserve_set_all(targets);
		kernel_param_lock(THIS_MODULE);
	}
	kfree(targets);
	return ret;
}

static int zc_reserve_param_get(char *buf, const struct kernel_param *kp)
{
	int nid, len = 0;

	for_each_node_state(nid, N_MEMORY)
		len += scnprintf(buf + len, PAGE_SIZE - len, "%s%d:%lu", len ? "," : "",
				 nid, zc_reserve_target(nid));
	return len + scnprintf(buf + len, PAGE_SIZE - len, "\n");
}

static const struct kernel_param_ops zc_reserve_param = {
	.set = zc_reserve_param_set,
	.get = zc_reserve_param_get,
};
module_param_cb(reserve, &zc_reserve_param, NULL, 0644);
MODULE_PARM_DESC(reserve, "hugepages to keep ready for buffers: N, shared among the nodes, or NODE:N,...");
