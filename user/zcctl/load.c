// SPDX-License-Identifier: GPL-2.0-only
/* zcctl load, unload and info: the module. */
#include <errno.h>
#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "zcctl.h"

static const char load_help[] =
"usage: zcctl load [--path FILE] [PARAMETER=VALUE…]\n"
"\n"
"Load the module: the one installed for the running kernel, or FILE.\n"
"\n"
"  --path FILE       a zc.ko, for instance ./zc.ko after make\n"
"  max_bytes=BYTES   limit on the memory of all buffers and transfers\n"
"                    (0, the default: a quarter of RAM)\n"
"  copybreak=N       sends of fewer bytes are copied (default 512)\n"
"  depth=N           reads that a transfer keeps in flight, 1 to 8 (default 4)\n"
"\n"
"examples:\n"
"  zcctl load\n"
"  zcctl load --path ./zc.ko max_bytes=1073741824\n";

/* What the kernel means by the errors of finit_module(2). */
static const char *load_hint(int err, bool path)
{
	switch (err) {
	case ENOENT:
		return path ?
		       "no such file; or it needs a symbol that this kernel lacks\n"
		       "  (dmesg says which): build it for this kernel" :
		       "it is not installed for this kernel: build it with make, then\n"
		       "  zcctl load --path ./zc.ko; or install it by DKMS";
	case ENOEXEC:
		return "it was built for another kernel (vermagic) or is no module:\n"
		       "  build it with the headers of the running kernel; dmesg says more";
	case EPERM:
		return geteuid() ?
		       "run as root: sudo zcctl load" :
		       "module loading is locked (kernel.modules_disabled=1, or lockdown)";
	case EACCES:
		return "run as root: sudo zcctl load";
	case EKEYREJECTED:
	case ENOKEY:
	case EBADMSG:
		return "the kernel takes only signed modules (Secure Boot):\n"
		       "  sign zc.ko with a key of yours that is enrolled by mokutil";
	case EINVAL:
		return "a parameter has a bad value, or is not known; dmesg says which";
	case ENOSYS:
		return "this kernel has no loadable modules";
	default:
		return "dmesg may say more";
	}
}

/* The parameters, joined by blanks; the caller's to free. */
static char *join(int argc, char **argv)
{
	size_t len = 1;
	char *text;
	int i;

	for (i = 0; i < argc; i++)
		len += strlen(argv[i]) + 1;
	text = calloc(1, len);
	for (i = 0; text && i < argc; i++) {
		strcat(text, argv[i]);
		strcat(text, i + 1 < argc ? " " : "");
	}
	return text;
}

static int load(const char *path, const char *params)
{
	int err = module_insert(path, params);

	if (err == -EEXIST)
		return out_error(EX_FAILED, -err, "zcctl info shows it; zcctl unload removes it",
				 "the module is loaded already");
	if (err)
		return out_error(err == -EPERM || err == -EACCES ?
				 EX_PERMISSION : EX_FAILED, -err,
				 load_hint(-err, path), "cannot load %s",
				 path ? path : "zc");
	if (out_json)
		out_object(out_new("load"));
	else
		puts("zc is loaded");
	return EX_OK;
}

int cmd_load(int argc, char **argv)
{
	static const struct option options[] = {
		{ "path", required_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ },
	};
	const char *path = NULL;
	char *params;
	int c, i, ret;

	while ((c = getopt_long(argc, argv, "+:f:h", options, NULL)) != -1) {
		switch (c) {
		case 'f':
			path = optarg;
			break;
		case 'h':
			fputs(load_help, stdout);
			return EX_OK;
		case ':':
			return out_no_value("load", argv);
		default:
			return out_bad_option("load", argv);
		}
	}
	for (i = optind; i < argc; i++)
		if (!strchr(argv[i], '='))
			return out_usage("load: '%s' is not PARAMETER=VALUE", argv[i]);
	params = join(argc - optind, argv + optind);
	if (!params)
		return out_error(EX_FAILED, ENOMEM, NULL, "load");
	ret = load(path, params);
	free(params);
	return ret;
}

static const char unload_help[] =
"usage: zcctl unload\n"
"\n"
"Unload the module. While processes hold the device open or map a buffer, that\n"
"is refused, and they are listed.\n";

static void print_holders(const struct holder *list, size_t nr)
{
	const struct passwd *pw;
	size_t i;

	for (i = 0; i < nr; i++) {
		pw = getpwuid(list[i].uid);
		fprintf(stderr, "  pid %d (%s) of %s: %u descriptors, %u mappings\n",
			list[i].pid, list[i].comm, pw ? pw->pw_name : "?",
			list[i].fds, list[i].mappings);
	}
}

static struct json_object *json_holders(const struct holder *list, size_t nr)
{
	struct json_object *array = json_object_new_array(), *obj;
	size_t i;

	for (i = 0; i < nr; i++) {
		obj = json_object_new_object();
		out_add_u64(obj, "pid", list[i].pid);
		out_add_u64(obj, "uid", list[i].uid);
		out_add_str(obj, "comm", list[i].comm);
		out_add_u64(obj, "fds", list[i].fds);
		out_add_u64(obj, "mappings", list[i].mappings);
		json_object_array_add(array, obj);
	}
	return array;
}

static int unload_busy(int err)
{
	struct json_object *obj;
	struct holder *list;
	size_t nr;

	holders_find(&list, &nr);
	out_error(EX_FAILED, err, nr ? "end these processes first, or wait for them:" :
		  "who holds it cannot be seen: run as root",
		  "the module is in use");
	if (out_json) {
		obj = out_new("holders");
		json_object_object_add(obj, "holders", json_holders(list, nr));
		out_object(obj);
	} else {
		print_holders(list, nr);
	}
	free(list);
	return EX_FAILED;
}

int cmd_unload(int argc, char **argv)
{
	int err;

	if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		fputs(unload_help, stdout);
		return EX_OK;
	}
	if (argc != 1)
		return out_usage("unload: no arguments, please");
	err = module_remove();
	switch (-err) {
	case 0:
		if (out_json)
			out_object(out_new("unload"));
		else
			puts("zc is unloaded");
		return EX_OK;
	case ENOENT:
		return out_error(EX_NO_MODULE, 0, NULL, "the module is not loaded");
	case EPERM:
		return out_error(EX_PERMISSION, -err, "run as root: sudo zcctl unload",
				 "cannot unload the module");
	case EAGAIN:
	case EBUSY:
		return unload_busy(-err);
	default:
		return out_error(EX_FAILED, -err, err == -ENOSYS ?
				 "this kernel has no loadable modules" : NULL,
				 "cannot unload the module");
	}
}

static const char info_help[] =
"usage: zcctl info\n"
"\n"
"Show the version, parameters, features and limits of the module.\n"
"Exit code 3: it is not loaded.\n";

static void read_sysfs(const char *file, char *buf, size_t size)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/module/zc/%s", file);
	f = fopen(path, "re");
	if (!f || !fgets(buf, size, f))
		snprintf(buf, size, "?");
	if (f)
		fclose(f);
	buf[strcspn(buf, "\n")] = '\0';
}

/**
 * struct bit_name - name of a flag
 * @bit:  flag
 * @name: name
 */
struct bit_name {
	uint64_t bit;
	const char *name;
};

static const struct bit_name features[] = {
	{ ZC_FEAT_BUFFER, "buffer" },
	{ ZC_FEAT_SENDFILE, "sendfile" },
	{ ZC_FEAT_PAGE_PATH, "page-path" },
};

static void info_json(const struct zc_query *q, const char *version)
{
	struct json_object *obj = out_new("info"), *names = json_object_new_array();
	size_t i;

	for (i = 0; i < sizeof(features) / sizeof(*features); i++)
		if (q->features & features[i].bit)
			json_object_array_add(names, json_object_new_string(features[i].name));
	out_add_str(obj, "version", version);
	out_add_u64(obj, "abi", q->abi);
	json_object_object_add(obj, "features", names);
	out_add_u64(obj, "max_buffer_size", q->max_buffer_size);
	out_add_u64(obj, "max_bytes", q->max_bytes);
	out_add_u64(obj, "used_bytes", q->used_bytes);
	out_add_u64(obj, "held_bytes", q->held_bytes);
	out_add_u64(obj, "buffers", q->buffers);
	out_add_u64(obj, "max_handles", q->max_handles);
	out_add_u64(obj, "huge_size", q->huge_size);
	out_add_u64(obj, "chunk_size", q->chunk_size);
	out_add_u64(obj, "depth", q->depth);
	out_object(obj);
}

static void info_text(const struct zc_query *q, const char *version)
{
	char a[32], b[32];
	size_t i;

	printf("zc %s, interface %u\n", version, q->abi);
	printf("features  ");
	for (i = 0; i < sizeof(features) / sizeof(*features); i++)
		if (q->features & features[i].bit)
			printf(" %s", features[i].name);
	printf("\nmemory     %s in use, of %s at most (max_bytes)\n",
	       out_bytes(q->used_bytes, a, sizeof(a)),
	       out_bytes(q->max_bytes, b, sizeof(b)));
	printf("buffers    %u, each of at most %s, %u per open file\n", q->buffers,
	       out_bytes(q->max_buffer_size, a, sizeof(a)), q->max_handles);
	printf("transfers  reads of %s, %u in flight (depth)\n",
	       out_bytes(q->chunk_size, a, sizeof(a)), q->depth);
}

int cmd_info(int argc, char **argv)
{
	struct zc_context *ctx;
	struct zc_query query;
	char version[64];
	int ret;

	if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		fputs(info_help, stdout);
		return EX_OK;
	}
	if (argc != 1)
		return out_usage("info: no arguments, please");
	ret = device_open(&ctx);
	if (ret)
		return ret;
	ret = zc_query(ctx, &query);
	zc_close(ctx);
	if (ret)
		return out_error(EX_FAILED, -ret, NULL, "cannot query the module");
	read_sysfs("version", version, sizeof(version));
	if (out_json)
		info_json(&query, version);
	else
		info_text(&query, version);
	return EX_OK;
}
