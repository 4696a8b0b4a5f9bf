// SPDX-License-Identifier: GPL-2.0-only
/* zcctl transfer: the sends that are under way. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "lists.h"

static const char transfer_help[] =
"usage: zcctl transfer [list] [OPTION…]\n"
"       zcctl transfer show ID\n"
"\n"
"List the transfers that are under way, of the caller's own, or, with CAP_NET_ADMIN, of\n"
"all: from which file (device and inode) or buffer, into which socket ('ss -e' has its\n"
"number, as ino:), how much of what was asked for has gone into it, how much of that was\n"
"copied and why, how long it takes, and who waits for it: the caller, an event, or\n"
"io_uring. Those of a few pages that are sent at once are not shown.\n"
"\n"
"Options of list; of several, what fits all:\n"
"  --uid N      of this user\n"
"  --pid N      asked for by this process\n"
"  --socket N   into this socket, by the number of its inode\n"
"  --buffer N   from this buffer ('zcctl buffer')\n"
"\n"
"examples:\n"
"  zcctl transfer\n"
"  zcctl transfer list --pid 4711\n";

/**
 * transfer_from - where it reads, for people
 * @reply: transfer
 * @text:  room
 * @size:  bytes of it
 *
 * Returns: @text.
 */
const char *transfer_from(const struct zcnl_reply *reply, char *text, size_t size)
{
	if (reply_has(reply, ZC_A_TRANSFER_BUFFER))
		snprintf(text, size, "buffer %llu",
			 (unsigned long long)reply_num(reply, ZC_A_TRANSFER_BUFFER));
	else if (reply_has(reply, ZC_A_TRANSFER_INODE))
		snprintf(text, size, "%llu:%llu inode %llu",
			 (unsigned long long)reply_num(reply, ZC_A_TRANSFER_DEV_MAJOR),
			 (unsigned long long)reply_num(reply, ZC_A_TRANSFER_DEV_MINOR),
			 (unsigned long long)reply_num(reply, ZC_A_TRANSFER_INODE));
	else
		snprintf(text, size, "%s", reply_name(reply, ZC_A_TRANSFER_SOURCE));
	return text;
}

/**
 * transfer_length - how much was asked for, for people
 * @reply: transfer
 * @text:  room
 * @size:  bytes of it
 *
 * Who wants all of a file need not know how long it is.
 *
 * Returns: @text.
 */
const char *transfer_length(const struct zcnl_reply *reply, char *text, size_t size)
{
	uint64_t length = reply_num(reply, ZC_A_TRANSFER_LENGTH);

	if (length >= INT64_MAX)
		snprintf(text, size, "its end");
	else
		out_bytes(length, text, size);
	return text;
}

static void head_text(void)
{
	puts("      id  from                      socket      pid  user  asked by          "
	     "     sent      up to     copied     age  waits");
}

static void line_text(const struct zcnl_reply *reply)
{
	char id[24], from[64], sock[24], pid[16], uid[16], comm[64], a[32], b[32], c[32], age[24];

	printf("%8s  %-22s  %8s %8s %5s  %-16s %10s %10s %10s %7s  %s\n",
	       text_number(reply, ZC_A_TRANSFER_ID, id, sizeof(id)),
	       transfer_from(reply, from, sizeof(from)),
	       text_number(reply, ZC_A_TRANSFER_SOCKET, sock, sizeof(sock)),
	       text_pid(reply, ZC_A_TRANSFER_PID, pid, sizeof(pid)),
	       text_number(reply, ZC_A_TRANSFER_UID, uid, sizeof(uid)),
	       reply_text(reply, ZC_A_TRANSFER_COMM, comm, sizeof(comm)),
	       out_bytes(reply_num(reply, ZC_A_TRANSFER_SENT), a, sizeof(a)),
	       transfer_length(reply, b, sizeof(b)),
	       out_bytes(reply_num(reply, ZC_A_TRANSFER_COPIED), c, sizeof(c)),
	       text_age(reply_num(reply, ZC_A_TRANSFER_AGE_MS), age, sizeof(age)),
	       reply_name(reply, ZC_A_TRANSFER_WAITER));
}

static const struct list transfers_list = {
	.kind = "transfers",
	.cmd = ZC_CMD_TRANSFER_GET,
	.failed = "cannot list the transfers",
	.add = reply_add,
	.head = head_text,
	.text = line_text,
};

static void bytes_text(const struct zcnl_reply *reply)
{
	char a[32], b[32], why[128];

	printf("sent       %s, up to %s\n",
	       out_bytes(reply_num(reply, ZC_A_TRANSFER_SENT), a, sizeof(a)),
	       transfer_length(reply, b, sizeof(b)));
	reply_bits(reply, ZC_A_TRANSFER_REASONS, why, sizeof(why));
	printf("copied     %s%s%s\n",
	       out_bytes(reply_num(reply, ZC_A_TRANSFER_COPIED), a, sizeof(a)),
	       *why ? ": " : "", why);
	printf("cached     %s by way of the page cache\n",
	       out_bytes(reply_num(reply, ZC_A_TRANSFER_CACHED), a, sizeof(a)));
	printf("next byte  %llu of the %s\n",
	       (unsigned long long)reply_num(reply, ZC_A_TRANSFER_OFFSET),
	       reply_name(reply, ZC_A_TRANSFER_SOURCE));
}

static void show_text(const struct zcnl_reply *reply)
{
	char text[64], pid[16], uid[16], comm[64];

	printf("transfer   %s\n", text_number(reply, ZC_A_TRANSFER_ID, text, sizeof(text)));
	printf("from       %s\n", transfer_from(reply, text, sizeof(text)));
	printf("socket     %s\n", text_number(reply, ZC_A_TRANSFER_SOCKET, text, sizeof(text)));
	printf("asked by   %s, process %s of user %s\n",
	       reply_text(reply, ZC_A_TRANSFER_COMM, comm, sizeof(comm)),
	       text_pid(reply, ZC_A_TRANSFER_PID, pid, sizeof(pid)),
	       text_number(reply, ZC_A_TRANSFER_UID, uid, sizeof(uid)));
	printf("waits      %s\n", reply_name(reply, ZC_A_TRANSFER_WAITER));
	bytes_text(reply);
	printf("age        %s\n",
	       text_age(reply_num(reply, ZC_A_TRANSFER_AGE_MS), text, sizeof(text)));
	if (reply_num(reply, ZC_A_TRANSFER_ERROR))
		printf("failed     %s\n", strerror(reply_num(reply, ZC_A_TRANSFER_ERROR)));
}

static void take(const struct zcnl_reply *reply, void *arg __attribute__((unused)))
{
	struct json_object *obj;

	if (!out_json) {
		show_text(reply);
		return;
	}
	obj = out_new("transfer");
	json_object_object_add(obj, "transfer", reply_json(reply));
	out_object(obj);
}

static int transfer_show(int argc, char **argv)
{
	struct nl_msg *msg;
	struct zcnl *nl;
	uint64_t id;
	int ret, err;

	if (argc != optind + 1)
		return out_usage("transfer show: one ID, please, as 'zcctl transfer list' has");
	if (!parse_u64(argv[optind], 1, UINT64_MAX, &id))
		return out_usage("transfer show: '%s' is no ID", argv[optind]);
	ret = zcnl_open(&nl);
	if (ret)
		return ret;
	msg = zcnl_new(nl, ZC_CMD_TRANSFER_GET);
	zcnl_put(msg, ZC_CMD_TRANSFER_GET, ZC_A_TRANSFER_ID, id);
	err = zcnl_do(nl, msg, take, NULL);
	if (err == -ENOENT)
		ret = out_error(EX_FAILED, ENOENT, "'zcctl transfer list' shows those there are",
				"there is no transfer %llu, or not of yours",
				(unsigned long long)id);
	else if (err)
		ret = zcnl_error(nl, err, NULL, "cannot query transfer %llu",
				 (unsigned long long)id);
	zcnl_close(nl);
	return ret;
}

static int transfer_list(int argc, const struct filters *filters)
{
	struct list list = transfers_list;

	if (optind < argc)
		return out_usage("transfer list: no arguments, please");
	return list_show(&list, filters, filters->nr ?
			 "no transfers that fit, or none of yours" :
			 "no transfers under way, or none of yours");
}

static const struct option transfer_options[] = {
	{ "uid", required_argument, NULL, 'u' },
	{ "pid", required_argument, NULL, 'p' },
	{ "socket", required_argument, NULL, 's' },
	{ "buffer", required_argument, NULL, 'b' },
	{ "help", no_argument, NULL, 'h' },
	{ },
};

/* -1 with all options taken, or an exit code. */
static int take_options(int argc, char **argv, struct filters *filters)
{
	uint64_t val;
	int c;

	while ((c = getopt_long(argc, argv, ":h", transfer_options, NULL)) != -1) {
		switch (c) {
		case 'u':
			if (!parse_u64(optarg, 0, UINT32_MAX, &val))
				return out_usage("transfer: '%s' is no number of a user", optarg);
			filter_add(filters, ZC_A_TRANSFER_UID, val);
			break;
		case 'p':
			if (!parse_u64(optarg, 1, UINT32_MAX, &val))
				return out_usage("transfer: '%s' is no process", optarg);
			filter_add(filters, ZC_A_TRANSFER_PID, val);
			break;
		case 's':
			if (!parse_u64(optarg, 1, UINT64_MAX, &val))
				return out_usage("transfer: '%s' is no number of a socket", optarg);
			filter_add(filters, ZC_A_TRANSFER_SOCKET, val);
			break;
		case 'b':
			if (!parse_u64(optarg, 1, UINT32_MAX, &val))
				return out_usage("transfer: '%s' is no number of a buffer", optarg);
			filter_add(filters, ZC_A_TRANSFER_BUFFER, val);
			break;
		case 'h':
			fputs(transfer_help, stdout);
			return EX_OK;
		case ':':
			return out_no_value("transfer", argv);
		default:
			return out_bad_option("transfer", argv);
		}
	}
	return -1;
}

int cmd_transfer(int argc, char **argv)
{
	struct filters filters = { };
	int ret = take_options(argc, argv, &filters);
	const char *what;

	if (ret >= 0)
		return ret;
	what = optind < argc ? argv[optind++] : "list";
	if (!strcmp(what, "list"))
		return transfer_list(argc, &filters);
	if (strcmp(what, "show"))
		return out_usage("transfer: '%s' is neither list nor show", what);
	if (filters.nr)
		return out_usage("transfer show: no options but an ID, please");
	return transfer_show(argc, argv);
}
