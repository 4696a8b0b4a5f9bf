// SPDX-License-Identifier: GPL-2.0-only
/* zcctl buffer, zcctl leaks: what buffers there are, whose, and who has them. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lists.h"

static const char buffer_help[] =
"usage: zcctl buffer [list] [OPTION…]\n"
"       zcctl buffer show ID\n"
"\n"
"List the buffers that there are, of the caller's own, or, with CAP_NET_ADMIN, of all:\n"
"who made each, how old it is, how long nobody has mapped, unmapped or sent from it, in\n"
"how many places it is mapped, how many sends from it and descriptors for it (shares,\n"
"dma-bufs) there are, and how much of it others hold (the network, a pipe, a direct read).\n"
"With an ID, all about one, which processes map it, and which devices it is mapped for.\n"
"\n"
"Options of list; of several, what fits all:\n"
"  --uid N     of this user\n"
"  --pid N     made by this process\n"
"  --sealed    that are sealed\n"
"  --target N  that are mapped for this device, by its number ('zcctl dma')\n"
"\n"
"examples:\n"
"  zcctl buffer list --uid 1000 --sealed\n"
"  zcctl -j buffer | jq '.buffers[] | select(.idle_ms > 60000)'\n";

static const char leaks_help[] =
"usage: zcctl leaks\n"
"\n"
"List the buffers that were destroyed, or whose maker is gone, and are still there, with\n"
"the processes that map them: of the caller's own, or, with CAP_NET_ADMIN, of all. And say\n"
"how much memory of buffers that are gone others still hold.\n"
"\n"
"Exit code 5: there are some. 0: there are none.\n"
"\n"
"'zcctl monitor alerts', the kernel's log and 'udevadm monitor -k -p' tell of those that\n"
"were destroyed, too: after as many seconds as the module parameter held_after says (60);\n"
"and of buffers with a handle that nobody uses after idle_after (0: never).\n";

static bool forgotten(const struct zcnl_reply *reply)
{
	return !(reply_num(reply, ZC_A_BUFFER_STATE) & ZC_BUFFER_STATE_HANDLE) ||
	       !reply_has(reply, ZC_A_BUFFER_PID);
}

/**
 * buffer_add - a buffer, into an object of JSON
 * @reply: buffer
 * @obj:   object
 */
void buffer_add(const struct zcnl_reply *reply, struct json_object *obj)
{
	reply_add(reply, obj);
	json_object_object_add(obj, "sealed",
			       json_object_new_boolean(reply_num(reply, ZC_A_BUFFER_STATE) &
						       ZC_BUFFER_STATE_SEALED));
}

static void head_text(void)
{
	puts("      id       size  node  handle      pid  user  made by           "
	     "    age    idle  mapped  sends       held");
}

static void line_text(const struct zcnl_reply *reply)
{
	char comm[64], id[16], node[16], handle[16], pid[16], uid[16], a[32], b[32], age[24],
	     idle[24];

	printf("%8s %10s  %4s  %6s %8s %5s  %-16s %7s %7s  %6u  %5u %10s\n",
	       text_number(reply, ZC_A_BUFFER_ID, id, sizeof(id)),
	       out_bytes(reply_num(reply, ZC_A_BUFFER_SIZE), a, sizeof(a)),
	       text_number(reply, ZC_A_BUFFER_NODE, node, sizeof(node)),
	       text_number(reply, ZC_A_BUFFER_HANDLE, handle, sizeof(handle)),
	       text_pid(reply, ZC_A_BUFFER_PID, pid, sizeof(pid)),
	       text_number(reply, ZC_A_BUFFER_UID, uid, sizeof(uid)),
	       reply_text(reply, ZC_A_BUFFER_COMM, comm, sizeof(comm)),
	       text_age(reply_num(reply, ZC_A_BUFFER_AGE_MS), age, sizeof(age)),
	       text_age(reply_num(reply, ZC_A_BUFFER_IDLE_MS), idle, sizeof(idle)),
	       (unsigned int)reply_num(reply, ZC_A_BUFFER_MAPPINGS),
	       (unsigned int)reply_num(reply, ZC_A_BUFFER_SENDS),
	       out_bytes(reply_num(reply, ZC_A_BUFFER_HELD_BYTES), b, sizeof(b)));
}

static const char *many(unsigned int n, char *text, size_t size)
{
	if (n == 1)
		return "once";
	snprintf(text, size, "%u times", n);
	return text;
}

static void ties_text(const struct zcnl_reply *reply)
{
	unsigned int targets = reply_num(reply, ZC_A_BUFFER_TARGETS);

	if (reply_num(reply, ZC_A_BUFFER_STATE) & ZC_BUFFER_STATE_SEALED)
		puts("         sealed: its bytes do not change any more");
	if (reply_num(reply, ZC_A_BUFFER_STATE) & ZC_BUFFER_STATE_IMPORTED)
		puts("         imported: who maps it maps what it was imported from");
	if (targets)
		printf("         mapped for %u %s ('zcctl dma')\n", targets,
		       targets == 1 ? "device" : "devices");
}

static void holder_text(const struct zcnl_reply *holder)
{
	char path[64], comm[32] = "?", plain[PLAIN_SIZE(sizeof(comm))], times[24], pid[16],
	     uid[16];

	text_number(holder, ZC_A_HOLDER_PID, pid, sizeof(pid));
	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	if (reply_has(holder, ZC_A_HOLDER_PID))
		file_line(path, comm, sizeof(comm));
	printf("         mapped %s by %s, process %s of user %s\n",
	       many(reply_num(holder, ZC_A_HOLDER_MAPPINGS), times, sizeof(times)),
	       out_plain(comm, plain, sizeof(plain)), pid,
	       text_number(holder, ZC_A_HOLDER_UID, uid, sizeof(uid)));
}

static void holders_text(const struct zcnl_reply *reply)
{
	unsigned int nr = reply_num(reply, ZC_A_BUFFER_HOLDERS), shown = 0;
	struct zcnl_reply holder = { .first = NULL };

	while (reply_nest(reply, ZC_A_BUFFER_HOLDER, &holder)) {
		holder_text(&holder);
		shown++;
	}
	/* Where they were asked for. */
	if (shown && nr > shown)
		printf("         and by %u processes more\n", nr - shown);
}

static void buffer_text(const struct zcnl_reply *reply)
{
	line_text(reply);
	ties_text(reply);
	holders_text(reply);
}

static const struct list buffers_list = {
	.kind = "buffers",
	.cmd = ZC_CMD_BUFFER_GET,
	.failed = "cannot list the buffers",
	.add = buffer_add,
	.head = head_text,
	.text = buffer_text,
};

static void take_buffer(const struct zcnl_reply *reply, void *arg)
{
	struct json_object **obj = arg;

	if (out_json) {
		/* Of several answers, where one was expected, the last. */
		json_object_put(*obj);
		*obj = json_object_new_object();
		buffer_add(reply, *obj);
		return;
	}
	head_text();
	buffer_text(reply);
}

/* A buffer, and the devices that it is mapped for. Returns an exit code. */
static int show(struct zcnl *nl, unsigned int id)
{
	struct nl_msg *msg = zcnl_new(nl, ZC_CMD_BUFFER_GET);
	struct json_object *buffer = NULL, *obj;
	struct list targets = targets_list;
	struct filters filters = { };
	int err, ret;

	zcnl_put(msg, ZC_CMD_BUFFER_GET, ZC_A_BUFFER_ID, id);
	err = zcnl_do(nl, msg, take_buffer, &buffer);
	if (err == -ENOENT)
		return out_error(EX_FAILED, ENOENT, "'zcctl buffer list' shows those there are",
				 "there is no buffer %u, or not of yours", id);
	if (err)
		return zcnl_error(nl, err, NULL, "cannot query buffer %u", id);
	filter_add(&filters, ZC_A_TARGET_BUFFER, id);
	ret = list_read(nl, &targets, &filters);
	if (!ret && out_json) {
		obj = out_new("buffer");
		json_object_object_add(obj, "buffer", buffer);
		json_object_object_add(obj, "targets", targets.array);
		targets.array = NULL;
		out_object(obj);
		buffer = NULL;
	}
	json_object_put(buffer);
	list_free(&targets);
	return ret;
}

static int buffer_show(int argc, char **argv)
{
	struct zcnl *nl;
	uint64_t id;
	int ret;

	if (argc != optind + 1)
		return out_usage("buffer show: one ID, please, as 'zcctl buffer list' has");
	if (!parse_u64(argv[optind], 1, UINT32_MAX, &id))
		return out_usage("buffer show: '%s' is no ID", argv[optind]);
	ret = zcnl_open(&nl);
	if (ret)
		return ret;
	ret = show(nl, id);
	zcnl_close(nl);
	return ret;
}

static int buffer_list(int argc, const struct filters *filters)
{
	struct list list = buffers_list;

	if (optind < argc)
		return out_usage("buffer list: no arguments, please");
	return list_show(&list, filters, filters->nr ? "no buffers that fit, or none of yours" :
			 "no buffers, or none of yours");
}

static const struct option buffer_options[] = {
	{ "uid", required_argument, NULL, 'u' },
	{ "pid", required_argument, NULL, 'p' },
	{ "sealed", no_argument, NULL, 's' },
	{ "target", required_argument, NULL, 't' },
	{ "help", no_argument, NULL, 'h' },
	{ },
};

/* -1 with all options taken, or an exit code. */
static int take_options(int argc, char **argv, struct filters *filters)
{
	uint64_t val;
	int c;

	while ((c = getopt_long(argc, argv, ":h", buffer_options, NULL)) != -1) {
		switch (c) {
		case 'u':
			if (!parse_u64(optarg, 0, UINT32_MAX, &val))
				return out_usage("buffer: '%s' is no number of a user", optarg);
			filter_add(filters, ZC_A_BUFFER_UID, val);
			break;
		case 'p':
			if (!parse_u64(optarg, 1, UINT32_MAX, &val))
				return out_usage("buffer: '%s' is no process", optarg);
			filter_add(filters, ZC_A_BUFFER_PID, val);
			break;
		case 's':
			filter_add(filters, ZC_A_BUFFER_STATE, ZC_BUFFER_STATE_SEALED);
			break;
		case 't':
			if (!parse_u64(optarg, 0, UINT32_MAX, &val))
				return out_usage("buffer: '%s' is no number of a target", optarg);
			filter_add(filters, ZC_A_BUFFER_TARGET, val);
			break;
		case 'h':
			fputs(buffer_help, stdout);
			return EX_OK;
		case ':':
			return out_no_value("buffer", argv);
		default:
			return out_bad_option("buffer", argv);
		}
	}
	return -1;
}

int cmd_buffer(int argc, char **argv)
{
	struct filters filters = { };
	int ret = take_options(argc, argv, &filters);
	const char *what;

	if (ret >= 0)
		return ret;
	what = optind < argc ? argv[optind++] : "list";
	if (!strcmp(what, "list"))
		return buffer_list(argc, &filters);
	if (strcmp(what, "show"))
		return out_usage("buffer: '%s' is neither list nor show", what);
	if (filters.nr)
		return out_usage("buffer show: no options but an ID, please");
	return buffer_show(argc, argv);
}

static void take_held(const struct zcnl_reply *reply, void *arg)
{
	*(uint64_t *)arg = reply_num(reply, ZC_A_MODULE_HELD_BYTES);
}

static int leaks(struct zcnl *nl)
{
	struct list list = buffers_list;
	struct filters filters = { };
	struct json_object *obj;
	uint64_t held = 0;
	char a[32];
	int ret, err;

	list.kind = "leaks";
	list.wanted = forgotten;
	filter_add(&filters, ZC_A_BUFFER_WITH_HOLDERS, 1);
	ret = list_read(nl, &list, &filters);
	if (ret)
		return ret;
	obj = out_new("leaks");
	json_object_object_add(obj, "buffers", list.array);
	json_object_object_add(obj, "interrupted",
			       json_object_new_boolean(zcnl_interrupted(nl)));
	err = zcnl_do(nl, zcnl_new(nl, ZC_CMD_MODULE_GET), take_held, &held);
	if (err) {
		json_object_put(obj);
		return zcnl_error(nl, err, NULL, "cannot query the module");
	}
	out_add_u64(obj, "held_bytes", held);
	if (out_json) {
		out_object(obj);
		return list.nr ? EX_LEAKS : EX_OK;
	}
	json_object_put(obj);
	if (!list.nr)
		printf("all buffers%s have a handle, and a maker that lives\n",
		       geteuid() ? " that you may see" : "");
	if (held)
		printf("of others that are gone %s is still held, by the network for one\n",
		       out_bytes(held, a, sizeof(a)));
	return list.nr ? EX_LEAKS : EX_OK;
}

int cmd_leaks(int argc, char **argv)
{
	int ret = out_help_only("leaks", leaks_help, argc, argv);
	struct zcnl *nl;

	if (ret >= 0)
		return ret;
	if (optind < argc)
		return out_usage("leaks: no arguments, please");
	ret = zcnl_open(&nl);
	if (ret)
		return ret;
	ret = leaks(nl);
	zcnl_close(nl);
	return ret;
}
