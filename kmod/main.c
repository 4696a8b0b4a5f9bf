// SPDX-License-Identifier: GPL-2.0-only
/*
 * zc: zero-copy hugepage buffers.
 */
#include <linux/module.h>

#include "async.h"
#include "dma.h"
#include "import.h"
#include "netlink.h"
#include "pool.h"
#include "roster.h"
#include "zc.h"

static int __init zc_init(void)
{
	int ret;

	ret = zc_mapping_init();
	if (ret)
		return ret;
	zc_roster_init();
	ret = zc_pool_init();
	if (ret)
		goto err_mapping;
	ret = zc_transfer_init();
	if (ret)
		goto err_pool;
	ret = zc_send_init();
	if (ret)
		goto err_transfer;
	ret = zc_async_init();
	if (ret)
		goto err_send;
	ret = zc_submit_init();
	if (ret)
		goto err_async;
	ret = zc_target_init();
	if (ret)
		goto err_submit;
	ret = zc_import_dmabuf_init();
	if (ret)
		goto err_target;
	/* What is found from here on must not fail to come. */
	ret = zc_netlink_init();
	if (ret)
		goto err_import;
	ret = zc_chardev_init();
	if (ret)
		goto err_netlink;
	return 0;

err_netlink:
	zc_netlink_exit();
err_import:
	zc_import_dmabuf_exit();
err_target:
	zc_target_exit();
err_submit:
	zc_submit_exit();
err_async:
	zc_async_exit();
err_send:
	zc_send_exit();
err_transfer:
	zc_transfer_exit();
err_pool:
	zc_pool_exit();
err_mapping:
	zc_mapping_exit();
	return ret;
}

static void __exit zc_exit(void)
{
	zc_chardev_exit();
	zc_import_dmabuf_exit();
	zc_target_exit();
	zc_async_exit();
	zc_submit_exit();
	zc_send_exit();
	zc_transfer_exit();
	/* Not before all who have something to tell. */
	zc_netlink_exit();
	zc_pool_exit();
	zc_mapping_exit();
}

module_init(zc_init);
module_exit(zc_exit);

MODULE_DESCRIPTION("Zero-copy hugepage buffers");
MODULE_AUTHOR("The zc project");
MODULE_LICENSE("GPL");
MODULE_VERSION(ZC_MODULE_VERSION);
