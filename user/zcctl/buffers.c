// SPDX-License-Identifier: GPL-2.0-only
/* zcctl buffer, zcctl leaks: what buffers there are, whose, and who has them. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "zcctl.h"

static const char buffer_help[] =
"usage: zcctl buffer [list]\n"
"       zcctl buffer show ID\n"
"\n"
"List the buffers that there are, of the caller's own, or, with CAP_SYS_ADMIN, of all:\n"
"who made each, how old it is, how long nobody has mapped, unmapped or sent from it, in\n"
"how many places it is mapped, how many sends from it and descriptors for it (shares,\n"
"dma-bufs) there are, and how much of it\n"
"others hold (the network, a pipe, a direct read). With an ID, all about one, and which\n"
"processes map it.\n";

static const char leaks_help[] =
"usage: zcctl leaks\n"
"\n"
"List the buffers that were destroyed, or whose maker is gone, and are still there, with\n"
"the processes that map them: of the caller's own, or, with CAP_SYS_ADMIN, of all. The exit\n"
"status is 1 if there are any. And say how much memory of buffers that are gone others\n"
"still hold.\n"
"\n"
"The kernel's log and 'udevadm monitor -k -p' tell of those that were destroyed, too: after\n"
"as many seconds as the module parameter held_after says (60); and of buffers with a handle\n"
"that nobody uses after idle_after (0: never).\n";

static bool forgotten(const struct zc_buf_info *info)
{
	return !(info->state & ZC_STATE_HANDLE) || !info->pid;
}

static void name(const struct zc_buf_info *info, char *text, size_t size)
{
	snprintf(text, size, "%.*s", (int)sizeof(info->comm), info->comm);
}

static struct json_object *info_json(const struct zc_buf_info *info)
{
	struct json_object *obj = json_object_new_object();
	struct json_object *holders = json_object_new_array();
	char comm[sizeof(info->comm) + 1];
	unsigned int i;

	name(info, comm, sizeof(comm));
	out_add_u64(obj, "id", info->id);
	json_object_object_add(obj, "handle", info->handle ?
			       json_object_new_int64(info->handle) : NULL);
	json_object_object_add(obj, "sealed",
			       json_object_new_boolean(info->state & ZC_STATE_SEALED));
	json_object_object_add(obj, "pid", info->pid ? json_object_new_int(info->pid) : NULL);
	out_add_u64(obj, "uid", info->uid);
	out_add_str(obj, "comm", comm);
	out_add_u64(obj, "size", info->size);
	out_add_u64(obj, "huge_bytes", info->huge_bytes);
	out_add_u64(obj, "held_bytes", info->held_bytes);
	json_object_object_add(obj, "node", json_object_new_int(info->node));
	out_add_u64(obj, "age_ms", info->age_ms);
	out_add_u64(obj, "idle_ms", info->idle_ms);
	out_add_u64(obj, "mappings", info->mappings);
	out_add_u64(obj, "sends", info->sends);
	out_add_u64(obj, "targets", info->targets);
	for (i = 0; i < info->nr_holders && i < ZC_HOLDERS_MAX; i++) {
		const struct zc_holder *holder = &info->holders[i];
		struct json_object *one = json_object_new_object();

		json_object_object_add(one, "pid", holder->pid ?
				       json_object_new_int(holder->pid) : NULL);
		out_add_u64(one, "uid", holder->uid);
		out_add_u64(one, "mappings", holder->mappings);
		json_object_array_add(holders, one);
	}
	out_add_u64(obj, "nr_holders", info->nr_holders);
	json_object_object_add(obj, "holders", holders);
	return obj;
}

static void head_text(void)
{
	puts("      id       size  node  handle      pid  user  made by           "
	     "    age    idle  mapped  sends       held");
}

static void info_text(const struct zc_buf_info *info)
{
	char comm[sizeof(info->comm) + 1], handle[16] = "-", pid[16] = "gone", a[32], b[32];

	name(info, comm, sizeof(comm));
	if (info->handle)
		snprintf(handle, sizeof(handle), "%u", info->handle);
	if (info->pid)
		snprintf(pid, sizeof(pid), "%d", info->pid);
	printf("%8llu %10s  %4d  %6s %8s %5u  %-16s %5llu s %5llu s  %6u  %5u %10s\n",
	       (unsigned long long)info->id, out_bytes(info->size, a, sizeof(a)), info->node,
	       handle, pid, info->uid, comm, (unsigned long long)info->age_ms / 1000,
	       (unsigned long long)info->idle_ms / 1000, info->mappings, info->sends,
	       out_bytes(info->held_bytes, b, sizeof(b)));
}

static const char *many(unsigned int n, char *text, size_t size)
{
	if (n == 1)
		return "once";
	snprintf(text, size, "%u times", n);
	return text;
}

static void ties_text(const struct zc_buf_info *info)
{
	if (info->buf_flags & ZC_BUF_IMPORTED)
		puts("         imported: who maps it maps what it was imported from");
	if (info->targets)
		printf("         mapped for %u %s ('zcctl dma')\n", info->targets,
		       info->targets == 1 ? "device" : "devices");
}

static void holders_text(const struct zc_buf_info *info)
{
	unsigned int i;

	for (i = 0; i < info->nr_holders && i < ZC_HOLDERS_MAX; i++) {
		const struct zc_holder *holder = &info->holders[i];
		char path[64], comm[32] = "?", times[24];

		snprintf(path, sizeof(path), "/proc/%d/comm", holder->pid);
		if (holder->pid)
			file_line(path, comm, sizeof(comm));
		printf("         mapped %s by %s, process %d of user %u\n",
		       many(holder->mappings, times, sizeof(times)), comm, holder->pid,
		       holder->uid);
	}
	if (info->nr_holders > ZC_HOLDERS_MAX)
		printf("         and by %u processes more\n", info->nr_holders - ZC_HOLDERS_MAX);
}

/* Those that are @wanted, or all; returns their number, or a negative errno. */
static int list(struct zc_context *ctx, uint32_t flags,
		bool (*wanted)(const struct zc_buf_info *info), struct json_object *array)
{
	struct zc_buf_info info;
	uint64_t id = 0;
	int ret, nr = 0;

	while (!(ret = zc_buffer_info(ctx, id, flags, &info))) {
		id = info.id + 1;
		if (wanted && !wanted(&info))
			continue;
		if (out_json) {
			json_object_array_add(array, info_json(&info));
		} else {
			if (!nr)
				head_text();
			info_text(&info);
			ties_text(&info);
			holders_text(&info);
		}
		nr++;
	}
	return ret == -ENOENT ? nr : ret;
}

static int failed(int ret)
{
	return out_error(EX_FAILED, -ret, ret == -ENOTTY ? "the module loaded does not know"
							 : NULL,
			 "cannot list the buffers");
}

static int buffer_list(struct zc_context *ctx)
{
	struct json_object *obj, *array = json_object_new_array();
	int nr = list(ctx, 0, NULL, array);

	if (nr < 0) {
		json_object_put(array);
		return failed(nr);
	}
	if (out_json) {
		obj = out_new("buffers");
		json_object_object_add(obj, "buffers", array);
		out_object(obj);
		return EX_OK;
	}
	json_object_put(array);
	if (!nr)
		puts("no buffers, or none of yours");
	return EX_OK;
}

static int buffer_show(struct zc_context *ctx, int id)
{
	struct json_object *obj;
	struct zc_buf_info info;
	int ret = zc_buffer_info(ctx, id, ZC_INFO_HOLDERS, &info);

	if (!ret && info.id != (uint64_t)id)
		ret = -ENOENT;
	if (ret == -ENOENT)
		return out_error(EX_FAILED, ENOENT, "'zcctl buffer list' shows those there are",
				 "there is no buffer %d, or not of yours", id);
	if (ret)
		return failed(ret);
	if (out_json) {
		obj = out_new("buffer");
		json_object_object_add(obj, "buffer", info_json(&info));
		out_object(obj);
	} else {
		head_text();
		info_text(&info);
		ties_text(&info);
		holders_text(&info);
	}
	return EX_OK;
}

static int leaks(struct zc_context *ctx)
{
	struct json_object *obj, *array = json_object_new_array();
	struct zc_query query;
	char a[32];
	int nr = list(ctx, ZC_INFO_HOLDERS, forgotten, array);
	int ret = nr < 0 ? nr : zc_query(ctx, &query);

	if (ret) {
		json_object_put(array);
		return failed(ret);
	}
	if (out_json) {
		obj = out_new("leaks");
		json_object_object_add(obj, "buffers", array);
		out_add_u64(obj, "held_bytes", query.held_bytes);
		out_object(obj);
	} else {
		json_object_put(array);
		if (!nr)
			printf("all buffers%s have a handle, and a maker that lives\n",
			       geteuid() ? " that you may see" : "");
		if (query.held_bytes)
			printf("of others that are gone %s is still held, by the network for one\n",
			       out_bytes(query.held_bytes, a, sizeof(a)));
	}
	return nr ? EX_FAILED : EX_OK;
}

int cmd_buffer(int argc, char **argv)
{
	int ret = out_help_only("buffer", buffer_help, argc, argv), id = 0;
	struct zc_context *ctx;
	const char *what;
	bool show;

	if (ret >= 0)
		return ret;
	what = optind < argc ? argv[optind++] : "list";
	show = !strcmp(what, "show");
	if (!show && strcmp(what, "list"))
		return out_usage("buffer: '%s' is neither list nor show", what);
	if (argc != optind + show)
		return out_usage(show ? "buffer show: one ID, please, as 'zcctl buffer list' has"
				      : "buffer list: no arguments, please");
	if (show && !parse_int(argv[optind], 1, INT32_MAX, &id))
		return out_usage("buffer show: '%s' is no ID", argv[optind]);
	ret = device_open(&ctx);
	if (ret)
		return ret;
	ret = show ? buffer_show(ctx, id) : buffer_list(ctx);
	zc_close(ctx);
	return ret;
}

int cmd_leaks(int argc, char **argv)
{
	int ret = out_help_only("leaks", leaks_help, argc, argv);
	struct zc_context *ctx;

	if (ret >= 0)
		return ret;
	if (optind < argc)
		return out_usage("leaks: no arguments, please");
	ret = device_open(&ctx);
	if (ret)
		return ret;
	ret = leaks(ctx);
	zc_close(ctx);
	return ret;
}
