// SPDX-License-Identifier: GPL-2.0-only
/* zcctl monitor: what happens, a line for each event. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "lists.h"
#include "stop.h"

/* How often to see whether anybody reads; events tell, too, but may be rare. */
#define LOOK_MS		1000

static const char monitor_help[] =
"usage: zcctl monitor [buffers] [transfers] [alerts] [OPTION…]\n"
"\n"
"Print what happens, a line for each event, until it is stopped (SIGINT, SIGTERM, or when\n"
"nobody reads any more). Without a group all three. For root.\n"
"\n"
"  buffers    buffer-made, buffer-freed\n"
"  transfers  transfer-done, transfer-failed, transfer-fallback (bytes were copied)\n"
"  alerts     buffer-leak, pool-low (of the reserve, or the limit is reached), target-gone\n"
"\n"
"With --json each line is an object: \"time\" (RFC 3339, UTC), \"event\", and what is known of\n"
"the buffer, transfer, node or device. If more comes than is read, the event is \"lost\".\n"
"\n"
"  --count N      end after N events\n"
"  --timeout S    end after S seconds; exit code 1 if --count was not reached by then\n"
"\n"
"Exit code 3: the module is not loaded, or was unloaded meanwhile.\n"
"\n"
"examples:\n"
"  zcctl monitor alerts\n"
"  zcctl -j monitor >>/var/log/zc.json\n"
"  zcctl monitor alerts --count 1 --timeout 600 || echo all was well\n";

static const char *const groups[] = {
	ZC_MCGRP_BUFFERS, ZC_MCGRP_TRANSFERS, ZC_MCGRP_ALERTS,
};

#define NR_GROUPS	(sizeof(groups) / sizeof(*groups))

/**
 * struct wanted - what to print, and when to end
 * @groups:  bits of @groups
 * @count:   as many events; 0: no matter
 * @timeout: seconds; 0: no matter
 */
struct wanted {
	unsigned int groups;
	int count;
	int timeout;
};

/* "buffer-made" of "buffer-made-ntf". */
static const char *event_name(int cmd, char *text, size_t size)
{
	size_t len;

	snprintf(text, size, "%s", zcnl_commands[cmd].name);
	len = strlen(text);
	if (len > 4 && !strcmp(text + len - 4, "-ntf"))
		text[len - 4] = '\0';
	return text;
}

static void maker_text(const struct zcnl_reply *reply, int comm, int pid, int uid)
{
	char a[64], b[16], c[16];

	printf(", by %s, process %s of user %s", reply_text(reply, comm, a, sizeof(a)),
	       text_pid(reply, pid, b, sizeof(b)), text_number(reply, uid, c, sizeof(c)));
}

static void buffer_text(const struct zcnl_reply *reply)
{
	char id[16], a[32], b[32];

	printf("buffer %s: %s", text_number(reply, ZC_A_BUFFER_ID, id, sizeof(id)),
	       out_bytes(reply_num(reply, ZC_A_BUFFER_SIZE), a, sizeof(a)));
	maker_text(reply, ZC_A_BUFFER_COMM, ZC_A_BUFFER_PID, ZC_A_BUFFER_UID);
	if (reply->cmd != ZC_CMD_BUFFER_LEAK_NTF)
		return;
	if (reply_num(reply, ZC_A_BUFFER_STATE) & ZC_BUFFER_STATE_HANDLE)
		printf("; not used for %s",
		       text_age(reply_num(reply, ZC_A_BUFFER_IDLE_MS), a, sizeof(a)));
	else
		printf("; destroyed, but mapped in %llu place(s), %s held by others",
		       (unsigned long long)reply_num(reply, ZC_A_BUFFER_MAPPINGS),
		       out_bytes(reply_num(reply, ZC_A_BUFFER_HELD_BYTES), b, sizeof(b)));
}

static void transfer_text(const struct zcnl_reply *reply)
{
	char from[64], sock[24], a[32], b[32], c[32], why[128];

	printf("%s to socket %s: sent %s, up to %s", transfer_from(reply, from, sizeof(from)),
	       text_number(reply, ZC_A_TRANSFER_SOCKET, sock, sizeof(sock)),
	       out_bytes(reply_num(reply, ZC_A_TRANSFER_SENT), a, sizeof(a)),
	       transfer_length(reply, b, sizeof(b)));
	if (reply_num(reply, ZC_A_TRANSFER_COPIED))
		printf(", copied %s (%s)",
		       out_bytes(reply_num(reply, ZC_A_TRANSFER_COPIED), c, sizeof(c)),
		       reply_bits(reply, ZC_A_TRANSFER_REASONS, why, sizeof(why)));
	maker_text(reply, ZC_A_TRANSFER_COMM, ZC_A_TRANSFER_PID, ZC_A_TRANSFER_UID);
	if (reply_num(reply, ZC_A_TRANSFER_ERROR))
		printf(": %s", strerror(reply_num(reply, ZC_A_TRANSFER_ERROR)));
}

static void pool_text(const struct zcnl_reply *reply)
{
	char node[16];

	text_number(reply, ZC_A_POOL_NODE, node, sizeof(node));
	if (reply_has(reply, ZC_A_POOL_RESERVE_BYTES))
		printf("node %s: %llu of %llu hugepages of the reserve are ready", node,
		       (unsigned long long)reply_num(reply, ZC_A_POOL_READY_BYTES) / ZC_HUGE_SIZE,
		       (unsigned long long)reply_num(reply, ZC_A_POOL_RESERVE_BYTES) /
				ZC_HUGE_SIZE);
	else
		printf("a buffer was refused: the limit, max_bytes, is reached");
}

static void target_text(const struct zcnl_reply *reply)
{
	char id[16], name[128];

	printf("target %s, %s", text_number(reply, ZC_A_TARGET_ID, id, sizeof(id)),
	       reply_text(reply, ZC_A_TARGET_NAME, name, sizeof(name)));
}

static void event_text(const struct zcnl_reply *reply, const struct timespec *when)
{
	char time[64], name[64];

	printf("%s %-17s ", time_local(when, time, sizeof(time)),
	       event_name(reply->cmd, name, sizeof(name)));
	if (reply->set == &zcnl_buffer)
		buffer_text(reply);
	else if (reply->set == &zcnl_transfer)
		transfer_text(reply);
	else if (reply->set == &zcnl_pool)
		pool_text(reply);
	else if (reply->set == &zcnl_target)
		target_text(reply);
	putchar('\n');
}

static struct json_object *event_new(const char *name, const struct timespec *when)
{
	struct json_object *obj = out_new("event");
	char time[64];

	out_add_str(obj, "time", time_utc(when, time, sizeof(time)));
	out_add_str(obj, "event", name);
	return obj;
}

static void event_json(const struct zcnl_reply *reply, const struct timespec *when)
{
	char name[64];
	struct json_object *obj = event_new(event_name(reply->cmd, name, sizeof(name)), when);

	if (reply->set == &zcnl_buffer)
		buffer_add(reply, obj);
	else if (reply->set == &zcnl_target)
		target_add(reply, obj);
	else
		reply_add(reply, obj);
	out_object(obj);
}

static void lost(void)
{
	struct timespec when;
	char time[64];

	clock_gettime(CLOCK_REALTIME, &when);
	if (out_json)
		out_object(event_new("lost", &when));
	else
		printf("%s %-17s %s\n", time_local(&when, time, sizeof(time)), "lost",
		       "events were lost: more came than could be read");
}

/* Milliseconds that may be waited, or 0 for none. */
static int wait_ms(uint64_t end_ns, bool pipe)
{
	int ms = pipe ? LOOK_MS : -1;
	uint64_t now = now_ns(), left;

	if (!end_ns)
		return ms;
	if (now >= end_ns)
		return 0;
	left = (end_ns - now) / 1000000 + 1;
	return pipe && left > LOOK_MS ? LOOK_MS : (int)left;
}

/* Returns 1 if an event was printed, 0 if there is more to wait for, or a negative errno. */
static int one(struct zcnl *nl, int ms)
{
	struct zcnl_reply reply;
	struct timespec when;
	int n = zcnl_next(nl, &reply, &when, ms);

	if (n == -ENOBUFS)
		lost();
	else if (n == 1 && out_json)
		event_json(&reply, &when);
	else if (n == 1)
		event_text(&reply, &when);
	if (n == -ENOBUFS || n == 1)
		return out_flush() ? n == 1 : -EPIPE;
	return n == -EINTR || n == -EAGAIN ? 0 : n;
}

/* Returns an exit code. */
static int events(struct zcnl *nl, const struct wanted *want)
{
	uint64_t end = want->timeout ? now_ns() + want->timeout * 1000000000ull : 0;
	bool pipe = stop_pipe();
	int seen = 0, n = 0;

	while (n >= 0 && !stop_asked() && (!want->count || seen < want->count)) {
		int ms = wait_ms(end, pipe);

		if (!ms)
			break;
		n = one(nl, ms);
		seen += n > 0;
		if (!n && pipe && stop_unread())
			return EX_OK;
	}
	if (n == -ENODEV)
		return out_error(EX_NO_MODULE, 0, NULL, "the module was unloaded");
	if (n < 0 && n != -EPIPE)
		return out_error(EX_FAILED, -n, NULL, "cannot receive events");
	if (n >= 0 && !stop_asked() && seen < want->count)
		return out_error(EX_FAILED, 0, NULL, "%d of %d events came in %d seconds", seen,
				 want->count, want->timeout);
	return EX_OK;
}

/* Kernels before 6.10 do not tell the module of who listens: one request does. */
static int be_noticed(void)
{
	struct zcnl *nl;
	int ret = zcnl_open(&nl), err;

	if (ret)
		return ret;
	err = zcnl_do(nl, zcnl_new(nl, ZC_CMD_MODULE_GET), NULL, NULL);
	if (err)
		ret = zcnl_error(nl, err, NULL, "cannot query the module");
	zcnl_close(nl);
	return ret;
}

static int join(struct zcnl *nl, unsigned int wanted)
{
	size_t i;
	int err;

	for (i = 0; i < NR_GROUPS; i++) {
		err = wanted & 1u << i ? zcnl_join(nl, groups[i]) : 0;
		if (err)
			return zcnl_error(nl, err, NULL, "cannot have events of %s", groups[i]);
	}
	return be_noticed();
}

static int monitor(const struct wanted *want)
{
	struct zcnl *nl;
	int ret;

	/* A reader who goes away is no error, and ends it all the same. */
	stop_watch();
	ret = zcnl_open(&nl);
	if (ret)
		return ret;
	ret = join(nl, want->groups);
	if (!ret)
		ret = events(nl, want);
	zcnl_close(nl);
	return ret;
}

/* Returns an exit code. */
static int take_groups(int argc, char **argv, struct wanted *want)
{
	size_t i;

	for (; optind < argc; optind++) {
		for (i = 0; i < NR_GROUPS && strcmp(argv[optind], groups[i]); i++)
			;
		if (i == NR_GROUPS)
			return out_usage("monitor: '%s' is neither buffers, transfers nor alerts",
					 argv[optind]);
		want->groups |= 1u << i;
	}
	if (!want->groups)
		want->groups = (1u << NR_GROUPS) - 1;
	return EX_OK;
}

int cmd_monitor(int argc, char **argv)
{
	static const struct option options[] = {
		{ "count", required_argument, NULL, 'c' },
		{ "timeout", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ },
	};
	struct wanted want = { };
	int c, ret;

	while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			if (!parse_int(optarg, 1, INT32_MAX, &want.count))
				return out_usage("monitor: '%s' is no number of events", optarg);
			break;
		case 't':
			if (!parse_int(optarg, 1, 1000000, &want.timeout))
				return out_usage("monitor: --timeout 1 to 1000000 seconds");
			break;
		case 'h':
			fputs(monitor_help, stdout);
			return EX_OK;
		case ':':
			return out_no_value("monitor", argv);
		default:
			return out_bad_option("monitor", argv);
		}
	}
	ret = take_groups(argc, argv, &want);
	return ret ? ret : monitor(&want);
}
