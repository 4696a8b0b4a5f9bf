// SPDX-License-Identifier: GPL-2.0-only
/* zcctl dma: targets, the devices that buffers can be mapped for, come and go. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "dma.h"

const char dma_help[] =
"usage: zcctl dma [show]\n"
"       zcctl dma attach NAME [--bits N]\n"
"       zcctl dma detach NAME|NUMBER\n"
"       zcctl dma map NAME|NUMBER SIZE [OPTION…]\n"
"\n"
"Devices that read and write memory by themselves. One that was attached is a target, and\n"
"buffers can be mapped for it.\n"
"\n"
"  show    list the targets: their drivers; whether an IOMMU translates the addresses that\n"
"          they use (strict: what drivers unmap is out of reach at once; lazy: after some\n"
"          milliseconds) or these are physical ones; how far they reach; the largest piece\n"
"          that can be mapped at once; how many buffers are mapped (for CAP_NET_ADMIN)\n"
"  attach  make a device a target: pci:0000:00:04.0, or 00:04.0 for short, or\n"
"          platform:NAME. A PCI device without a driver is bound to the module's own, zc\n"
"  detach  have it as a target no longer. What is mapped for it is unmapped, and if its\n"
"          driver is zc, it has none afterwards\n"
"  map     make a buffer, map it for a target, and list the addresses at which the device\n"
"          finds it. The buffer goes when the command ends\n"
"\n"
"Option of attach:\n"
"  --bits N      address bits of the device, 12 to 64, if its driver is zc (default 32)\n"
"\n"
"Options of map:\n"
"  --to          the device only reads the buffer\n"
"  --from        the device only writes to it (default: both)\n"
"  --bounce      memory that the device does not reach may be copied, by bounce buffers\n"
"  --small-ok    small pages where no hugepage is free\n"
"  --slice       up to 1 MiB: a part of a hugepage, rounded up to 4 KiB\n"
"  --page-size N pages of 1G, or another size, from the kernel's hugetlb pool\n"
"  --hold SECS   keep it mapped so long before the command ends\n"
"\n"
"Without an IOMMU a device of less than 64 bits reaches a part of the memory, and it is\n"
"chance whether a buffer lies there. What does is mapped in pieces of 256 KiB, as the kernel\n"
"might have to bounce it.\n"
"\n"
"Root alone may attach, detach, use --bounce, and see physical addresses. Target 0 is the\n"
"module's own, and does no DMA: it shows what an ideal device without an IOMMU would get.\n"
"\n"
"examples:\n"
"  zcctl dma attach 00:04.0 --bits 64\n"
"  zcctl dma map 00:04.0 8M\n"
"  zcctl dma map 0 64M --from\n"
"  zcctl dma detach pci:0000:00:04.0\n";

static const char too_old[] = "the module loaded does not know of targets";

/* The name of a target, completed, or its number. Returns whether it is one of both. */
bool dma_named(const char *text, char *name, size_t size)
{
	int number;

	if (!parse_int(text, 0, INT32_MAX, &number))
		return dma_sysfs_name(text, name, size);
	snprintf(name, size, "%d", number);
	return true;
}

/* By its name or number. Returns an exit code. */
int dma_find(struct zc_context *ctx, const char *name, struct zc_dma_query *info)
{
	int err = zc_dma_find(ctx, name, info);

	if (!err)
		return EX_OK;
	if (err == -ENOENT)
		return out_error(EX_FAILED, ENOENT, "'zcctl dma show' lists those there are",
				 "there is no target %s", name);
	return out_error(EX_FAILED, -err, err == -ENOTTY ? too_old : NULL,
			 "cannot query the targets");
}

const char *dma_addresses(const struct zc_dma_query *info)
{
	if (!(info->state & ZC_DMA_TRANSLATED))
		return "physical";
	return info->state & ZC_DMA_LAZY ? "translated, lazy" : "translated, strict";
}

/* How many bits the addresses have that the device reaches. */
static int bits_of(const struct zc_dma_query *info)
{
	return info->mask ? 64 - __builtin_clzll(info->mask) : 0;
}

struct json_object *dma_json(const struct zc_dma_query *info)
{
	struct json_object *obj = json_object_new_object();

	out_add_u64(obj, "target", info->target);
	out_add_str(obj, "name", info->name);
	out_add_str(obj, "driver", info->driver);
	json_object_object_add(obj, "translated",
			       json_object_new_boolean(info->state & ZC_DMA_TRANSLATED));
	json_object_object_add(obj, "lazy",
			       json_object_new_boolean(info->state & ZC_DMA_LAZY));
	json_object_object_add(obj, "addresses_shown",
			       json_object_new_boolean(info->state & ZC_DMA_ADDRESSES));
	out_add_u64(obj, "bits", bits_of(info));
	out_add_u64(obj, "mask", info->mask);
	if (info->max_mapping == UINT64_MAX)
		json_object_object_add(obj, "max_mapping", NULL);
	else
		out_add_u64(obj, "max_mapping", info->max_mapping);
	out_add_u64(obj, "mappings", info->mappings);
	return obj;
}

static void exists_hint(struct zc_context *ctx, const char *name, char *hint, size_t size)
{
	struct zc_dma_query info;

	if (!zc_dma_find(ctx, name, &info))
		snprintf(hint, size, "it is target %u; to have it with other --bits, detach it "
			 "first", info.target);
}

static void busy_hint(const char *name, const char *driver, char *hint, size_t size)
{
	snprintf(hint, size, "its driver, %s, does no DMA by way of the kernel; to do without it:\n"
		 "  echo %s > /sys/bus/%.*s/drivers/%s/unbind", driver, strchr(name, ':') + 1,
		 (int)strcspn(name, ":"), name, driver);
}

static const char *nodev_hint(const char *name, const char *driver)
{
	if (!strcmp(name, "platform:zc"))
		return "it is target 0 already, for as long as the module is loaded";
	if (dma_sysfs_exists(name))
		return *driver ? "" : "it has no driver: bind it to one first";
	return dma_sysfs_pci(name) ? "there is no such device: lspci -D lists those there are" :
	       "there is no such device: ls /sys/bus/platform/devices lists those there are";
}

/* Returns an exit code. */
static int attach_failed(struct zc_context *ctx, int err, const char *name, int bits)
{
	char text[2 * DMA_NAME] = "", driver[64] = "";
	const char *hint = text;

	dma_sysfs_driver(name, driver, sizeof(driver));
	switch (err) {
	case EPERM:
	case EACCES:
		return out_error(EX_PERMISSION, err, "run it as root", "cannot attach %s", name);
	case ENODEV:
		hint = nodev_hint(name, driver);
		break;
	case EBUSY:
		if (*driver)
			busy_hint(name, driver, text, sizeof(text));
		break;
	case EEXIST:
		exists_hint(ctx, name, text, sizeof(text));
		break;
	case EINVAL:
		if (bits && strcmp(driver, DMA_DRIVER))
			snprintf(text, sizeof(text),
				 "--bits is for the driver " DMA_DRIVER
				 ": this device has %s, which has set its own",
				 *driver ? driver : "none");
		break;
	case EIO:
		hint = "the machine cannot serve a device with so few, or so many, address bits:\n"
		       "  try others, as --bits 32 or --bits 64";
		break;
	case ENOSPC:
		hint = "there are too many targets: 'zcctl dma detach' one";
		break;
	case ENAMETOOLONG:
		snprintf(text, sizeof(text), "the name of a target has %d bytes at most",
			 ZC_DMA_NAME_MAX - 1);
		break;
	case ENOTTY:
		hint = too_old;
	}
	return out_error(EX_FAILED, err, *hint ? hint : NULL, "cannot attach %s", name);
}

static void attached(const struct zc_dma_query *info, int bits, bool bound)
{
	struct json_object *obj;

	if (out_json) {
		obj = out_new("dma-attach");
		json_object_object_add(obj, "target", dma_json(info));
		json_object_object_add(obj, "bound", json_object_new_boolean(bound));
		out_object(obj);
		return;
	}
	if (bound)
		printf("%s had no driver, and is bound to " DMA_DRIVER " now\n", info->name);
	printf("%s is target %u: driver %s, addresses of %d bits%s, %s\n", info->name,
	       info->target, info->driver, bits_of(info),
	       bits || strcmp(info->driver, DMA_DRIVER) ? "" : " (unless --bits says more)",
	       dma_addresses(info));
}

static int attach_device(struct zc_context *ctx, const char *name, int bits)
{
	struct zc_dma_query info;
	bool bound = false;
	char driver[64];
	uint32_t target;
	int ret, err;

	if (dma_sysfs_pci(name) && dma_sysfs_exists(name) &&
	    !dma_sysfs_driver(name, driver, sizeof(driver))) {
		if (dma_sysfs_bridge(name))
			return out_error(EX_FAILED, EINVAL,
					 "lspci -D lists all devices, and what they are",
					 "%s is a bridge, and no device that does DMA", name);
		ret = dma_sysfs_bind(name);
		if (ret)
			return ret;
		bound = true;
	}
	err = zc_dma_attach(ctx, name, bits, &target);
	if (err) {
		ret = attach_failed(ctx, -err, name, bits);
		if (bound)
			dma_sysfs_unbind(name);
		return ret;
	}
	err = zc_dma_next(ctx, target, &info);
	if (err)
		return out_error(EX_FAILED, -err, NULL, "cannot query target %u", target);
	attached(&info, bits, bound);
	return EX_OK;
}

static int attach(int argc, char **argv)
{
	static const struct option options[] = {
		{ "bits", required_argument, NULL, 'b' },
		{ "help", no_argument, NULL, 'h' },
		{ },
	};
	struct zc_context *ctx;
	char name[DMA_NAME];
	int c, ret, bits = 0;

	while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		switch (c) {
		case 'b':
			if (!parse_int(optarg, 12, 64, &bits))
				return out_usage("dma attach: '%s' is no number of bits, 12 to 64",
						 optarg);
			break;
		case 'h':
			fputs(dma_help, stdout);
			return EX_OK;
		case ':':
			return out_no_value("dma attach", argv);
		default:
			return out_bad_option("dma attach", argv);
		}
	}
	if (argc != optind + 1)
		return out_usage("dma attach: one device, please, as pci:0000:00:04.0");
	if (!dma_sysfs_name(argv[optind], name, sizeof(name)))
		return out_usage("dma attach: '%s' is neither pci:0000:00:04.0 nor platform:NAME",
				 argv[optind]);
	ret = device_open(&ctx);
	if (ret)
		return ret;
	ret = attach_device(ctx, name, bits);
	zc_close(ctx);
	return ret;
}

static int detach_failed(int err, const struct zc_dma_query *info)
{
	if (err == EPERM || err == EACCES)
		return out_error(EX_PERMISSION, err, "run it as root", "cannot detach %s",
				 info->name);
	return out_error(EX_FAILED, err, err == EINVAL && info->target == ZC_DMA_OWN ?
			 "target 0 is the module's own, and stays" : NULL,
			 "cannot detach %s", info->name);
}

static void detached(const struct zc_dma_query *info, bool unbound)
{
	struct json_object *obj;

	if (out_json) {
		obj = out_new("dma-detach");
		out_add_u64(obj, "target", info->target);
		out_add_str(obj, "name", info->name);
		out_add_u64(obj, "unmapped", info->mappings);
		json_object_object_add(obj, "unbound", json_object_new_boolean(unbound));
		out_object(obj);
		return;
	}
	printf("%s is a target no longer", info->name);
	if (info->mappings)
		printf("; buffers unmapped: %u", info->mappings);
	puts(unbound ? "; it has no driver now" : "");
}

/* Of a device that is bound to the module's driver, and no target. Returns an exit code. */
static int let_go(const char *name)
{
	int err = dma_sysfs_unbind(name);

	if (err)
		return out_error(EX_FAILED, -err, NULL,
				 "%s was no target, and is still bound to " DMA_DRIVER, name);
	if (out_json)
		out_object(out_new("dma-detach"));
	else
		printf("%s was no target; it has no driver now\n", name);
	return EX_OK;
}

static int detach_target(struct zc_context *ctx, const char *name)
{
	struct zc_dma_query info;
	char driver[64];
	bool unbind;
	int err, ret;

	/* It may have been unbound, and bound again, by others. */
	if (dma_sysfs_pci(name) && zc_dma_find(ctx, name, &info) == -ENOENT &&
	    dma_sysfs_driver(name, driver, sizeof(driver)) && !strcmp(driver, DMA_DRIVER))
		return let_go(name);
	ret = dma_find(ctx, name, &info);
	if (ret)
		return ret;
	err = zc_dma_detach(ctx, info.target);
	if (err)
		return detach_failed(-err, &info);
	unbind = dma_sysfs_pci(info.name) && !strcmp(info.driver, DMA_DRIVER);
	err = unbind ? dma_sysfs_unbind(info.name) : 0;
	if (err)
		return out_error(EX_FAILED, -err, NULL,
				 "%s is a target no longer, but still bound to " DMA_DRIVER,
				 info.name);
	detached(&info, unbind);
	return EX_OK;
}

static int detach(int argc, char **argv)
{
	int ret = out_help_only("dma detach", dma_help, argc, argv);
	struct zc_context *ctx;
	char name[DMA_NAME];

	if (ret >= 0)
		return ret;
	if (argc != optind + 1)
		return out_usage("dma detach: one target, please, as 'zcctl dma show' has");
	if (!dma_named(argv[optind], name, sizeof(name)))
		return out_usage("dma detach: '%s' is neither the name nor the number of a target",
				 argv[optind]);
	ret = device_open(&ctx);
	if (ret)
		return ret;
	ret = detach_target(ctx, name);
	zc_close(ctx);
	return ret;
}

static const struct command parts[] = {
	{ "show", dma_show, "list the targets" },
	{ "attach", attach, "make a device a target" },
	{ "detach", detach, "have it as a target no longer" },
	{ "map", dma_map, "map a buffer for a target" },
};

int cmd_dma(int argc, char **argv)
{
	size_t i;

	/* "zcctl dma" and "zcctl dma --help" are of show. */
	if (argc < 2 || *argv[1] == '-')
		return dma_show(argc, argv);
	for (i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		if (strcmp(argv[1], parts[i].name))
			continue;
		out_command(argv[1]);
		return parts[i].fn(argc - 1, argv + 1);
	}
	return out_usage("dma: '%s' is neither show, attach, detach nor map", argv[1]);
}
