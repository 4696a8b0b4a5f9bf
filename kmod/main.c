// SPDX-License-Identifier: GPL-2.0-only
/*
 * zc: zero-copy hugepage buffers.
 */
#include <linux/module.h>

#include "zc.h"

static int __init zc_init(void)
{
	int ret;

	ret = zc_mapping_init();
	if (ret)
		return ret;
	ret = zc_chardev_init();
	if (ret)
		goto err_mapping;
	return 0;

err_mapping:
	zc_mapping_exit();
	return ret;
}

static void __exit zc_exit(void)
{
	zc_chardev_exit();
	zc_mapping_exit();
}

module_init(zc_init);
module_exit(zc_exit);

MODULE_DESCRIPTION("Zero-copy hugepage buffers");
MODULE_AUTHOR("The zc project");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
