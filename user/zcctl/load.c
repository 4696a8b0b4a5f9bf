// SPDX-License-Identifier: GPL-2.0-only
/* zcctl load and unload: the module. */
#include <errno.h>
#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dma.h"
#include "load.h"
#include "zcctl.h"

static const char load_help[] =
"usage: zcctl load [--path FILE] [PARAMETER=VALUE…]\n"
"\n"
"Load the module: the one installed for the running kernel, or FILE.\n"
"\n"
"  --path FILE       a zc.ko, for instance ./zc.ko after make\n"
"  max_bytes=BYTES   limit on the memory of all buffers and transfers (K, M, G, T:\n"
"                    binary units; 0, the default: a quarter of RAM)\n"
"  copybreak=BYTES   sends of fewer bytes are copied (default 512; 0: never)\n"
"  depth=N           reads that a transfer keeps in flight, 1 to 8 (default 4)\n"
"  uring_life=MS     how long a command of io_uring may last, to 60000 (default 0,\n"
"                    as long as it takes; before Linux 6.7: 60000, and not 0)\n"
"  reserve=N         hugepages that are kept ready, shared among the NUMA nodes; or\n"
"                    NODE:N,… (see zcctl pool)\n"
"  held_after=SECS   when to tell of destroyed buffers that others have (default 60)\n"
"  idle_after=SECS   when to tell of buffers that nobody uses (default 0: never)\n"
"\n"
"examples:\n"
"  zcctl load\n"
"  zcctl load --path ./zc.ko max_bytes=1G\n";

/* Parameters in bytes. */
static const char *const in_bytes[] = { "max_bytes", "copybreak" };

/* What the kernel takes for any module. */
static const char *const of_any[] = { "dyndbg", "async_probe" };

#define NR(array)	(sizeof(array) / sizeof(*(array)))

/* To the kernel "-" and "_" in names are the same. */
static bool same_name(const char *a, const char *b, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (a[i] != b[i] && !(strchr("-_", a[i]) && strchr("-_", b[i])))
			return false;
	return true;
}

/* Is the name before "=" the word @name, @len bytes long? */
static bool is_named(const char *arg, const char *name, size_t len)
{
	return strcspn(arg, "=") == len && same_name(arg, name, len);
}

static bool is_among(const char *arg, const char *const *names, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (is_named(arg, names[i], strlen(names[i])))
			return true;
	return false;
}

/* Is the name before "=" one of @names, which are parted by blanks? */
static bool is_known(const char *arg, const char *names)
{
	size_t len;

	for (; *names; names += len + (names[len] == ' ')) {
		len = strcspn(names, " ");
		if (is_named(arg, names, len))
			return true;
	}
	return false;
}

/* The kernel passes over what it does not know. Returns an exit code. */
static int check_names(const char *path, int argc, char **argv)
{
	char *names = argc ? module_params(path) : NULL;
	int i, ret = EX_OK;

	for (i = 0; names && !ret && i < argc; i++)
		if (!is_known(argv[i], names) && !is_among(argv[i], of_any, NR(of_any)))
			ret = out_usage("load: the module has no parameter '%.*s'; there are: %s",
					(int)strcspn(argv[i], "="), argv[i], names);
	free(names);
	return ret;
}

/* Sizes as the kernel knows them. */
static int print_param(FILE *to, const char *arg)
{
	const char *value = strchr(arg, '=') + 1;
	uint64_t bytes;

	if (!is_among(arg, in_bytes, NR(in_bytes))) {
		fprintf(to, "%s ", arg);
		return EX_OK;
	}
	if (!parse_size(value, &bytes))
		return out_usage("load: '%s' is no size, as 64M is", value);
	fprintf(to, "%.*s%llu ", (int)(value - arg), arg, (unsigned long long)bytes);
	return EX_OK;
}

/* The parameters, joined by blanks; the caller's to free. Returns an exit code. */
static int join(int argc, char **argv, char **text)
{
	size_t len;
	FILE *to = open_memstream(text, &len);
	int i, ret = EX_OK;

	if (!to)
		return out_error(EX_FAILED, errno, NULL, "load");
	for (i = 0; !ret && i < argc; i++)
		ret = print_param(to, argv[i]);
	if (fclose(to) && !ret)
		ret = out_error(EX_FAILED, errno, NULL, "load");
	if (ret)
		free(*text);
	return ret;
}

static int check_path(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return out_error(errno == EACCES ? EX_PERMISSION : EX_FAILED, errno,
				 errno == ENOENT ? "make builds one: ./zc.ko" : NULL,
				 "cannot load %s", path);
	if (S_ISDIR(st.st_mode))
		return out_error(EX_FAILED, 0, "name the file in it: --path …/zc.ko",
				 "cannot load %s: it is a directory", path);
	if (!S_ISREG(st.st_mode))
		return out_error(EX_FAILED, 0, NULL,
				 "cannot load %s: it is no regular file", path);
	return EX_OK;
}

static int load(const char *path, const char *params)
{
	struct load_failed failed = { .path = path, .params = *params };
	int log = kmsg_open(), err = module_insert(path, params);

	failed.err = -err;
	if (err)
		kmsg_read(log, &failed.log);
	if (log >= 0)
		close(log);
	/* One that was loaded by --path need not be installed. */
	if (err == -EEXIST || (err == -ENOENT && !path && !access("/sys/module/zc", F_OK)))
		return out_error(EX_FAILED, EEXIST,
				 "zcctl status shows it; zcctl unload removes it",
				 "the module is loaded already");
	if (err)
		return load_explain(&failed);
	if (out_json)
		out_object(out_new("load"));
	else
		puts("zc is loaded");
	return EX_OK;
}

static int check_and_load(const char *path, int argc, char **argv)
{
	char *params;
	int ret = path ? check_path(path) : EX_OK;

	if (!ret)
		ret = check_names(path, argc, argv);
	if (!ret)
		ret = join(argc, argv, &params);
	if (ret)
		return ret;
	ret = load(path, params);
	free(params);
	return ret;
}

int cmd_load(int argc, char **argv)
{
	static const struct option options[] = {
		{ "path", required_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ },
	};
	const char *path = NULL;
	int c, i;

	while ((c = getopt_long(argc, argv, ":f:h", options, NULL)) != -1) {
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
		if (!strchr(argv[i], '=') || *argv[i] == '=')
			return out_usage("load: '%s' is not PARAMETER=VALUE", argv[i]);
	return check_and_load(path, argc - optind, argv + optind);
}

static const char unload_help[] =
"usage: zcctl unload\n"
"\n"
"Unload the module. While processes hold the device open or map a buffer, that\n"
"is refused, and they are listed (with --json in the error, as \"holders\").\n";

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
	static const char text[] = "the module is in use";
	struct json_object *obj;
	struct holder *list;
	const char *hint;
	size_t nr;

	holders_find(&list, &nr);
	hint = nr ? "end these processes first, or wait for them" :
		    geteuid() ? "who holds it cannot be seen: run as root" :
		    "no process does: a dma-buf, or a read that does not end ('zcctl transfer')";
	if (out_json) {
		obj = out_error_new(EX_FAILED, err, hint, text);
		json_object_object_add(obj, "holders", json_holders(list, nr));
		out_error_object(obj);
	} else {
		out_error(EX_FAILED, 0, hint, "%s", text);
		print_holders(list, nr);
	}
	free(list);
	return EX_FAILED;
}

/* And so many devices are not kept for it any more. */
static void unloaded(unsigned int devices)
{
	struct json_object *obj;

	if (out_json) {
		obj = out_new("unload");
		out_add_u64(obj, "devices", devices);
		out_object(obj);
		return;
	}
	puts("zc is unloaded");
	if (devices)
		printf("devices that were bound to it and have no driver now: %u\n",
		       devices);
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
		unloaded(dma_sysfs_let_go());
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
