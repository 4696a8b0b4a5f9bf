// SPDX-License-Identifier: GPL-2.0-only
/* zcctl send: a file to HOST:PORT. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "zcctl.h"

static const char send_help[] =
"usage: zcctl send FILE HOST:PORT [OPTION…]\n"
"\n"
"Send a file or block device to a TCP receiver without a copy and without filling\n"
"the page cache. Where bytes had to be copied, the result says how many, and why.\n"
"\n"
"  --offset N   start at this byte (K, M, G, T: binary units)\n"
"  --length N   send at most so many bytes\n"
"  --direct     read around the page cache, or fail\n"
"  --cached     send from the page cache, and leave the file there for the next\n"
"  --timeout S  give up connecting after S seconds (default: when the kernel does)\n"
"\n"
"Without --direct and --cached, what the page cache has is sent from there, and\n"
"the rest read around it.\n"
"\n"
"examples:\n"
"  zcctl send disk.img otherhost:4000        (there: zcctl recv 4000 -o disk.img)\n"
"  zcctl send /dev/nvme0n1 [::1]:4000 --length 1G\n";

/* A progress bar wants pauses; a script one call. */
#define PROGRESS_STEP	(64ull << 20)

/**
 * struct reason - a bit that explains
 * @bit:  ZC_COPY_* or ZC_PATH_* flag
 * @name: for JSON
 * @text: for people
 */
struct reason {
	uint32_t bit;
	const char *name;
	const char *text;
};

/* How bytes got into the socket. */
static const struct reason paths[] = {
	{ ZC_PATH_FRAGS, "frags", "by reference, in large fragments" },
	{ ZC_PATH_PAGES, "pages", "by reference, page by page" },
	{ ZC_PATH_NOTIFY, "notify", "by reference, with notification" },
	{ ZC_PATH_COPY, "copy", "by copy" },
};

static const struct reason reasons[] = {
	{ ZC_COPY_NO_DIRECT, "no-direct", "the file cannot be read directly" },
	{ ZC_COPY_NO_SG, "no-sg", "the route's device takes no scatter-gather lists" },
	{ ZC_COPY_SOCKET, "socket", "the socket's protocol takes no pages" },
	{ ZC_COPY_LOOPBACK, "loopback", "the packets loop back to this host" },
	{ ZC_COPY_SMALL, "small", "so few bytes do not pay for a reference" },
};

#define NR(array)	(sizeof(array) / sizeof(*(array)))

/**
 * struct job - one send
 * @file:   what
 * @in:     its descriptor
 * @out:    the socket
 * @size:   bytes in the file, 0 if not known
 * @total:  bytes expected, 0 if not known
 * @offset: start
 * @length: at most so many bytes
 * @flags:  ZC_SEND_* flags
 * @calls:  system calls made
 * @ns:     time taken
 */
struct job {
	const char *file;
	int in;
	int out;
	uint64_t size;
	uint64_t total;
	uint64_t offset;
	uint64_t length;
	uint32_t flags;
	uint64_t calls;
	uint64_t ns;
};

/* One call, or several small ones where somebody watches. */
static int run(struct job *job, struct zc_context *ctx, struct zc_sendfile *sum)
{
	bool watched = !out_json && isatty(STDERR_FILENO);
	uint64_t begin = now_ns();
	int err = 0;

	*sum = (struct zc_sendfile){ .offset = job->offset };
	while (sum->sent < job->length) {
		uint64_t left = job->length - sum->sent;
		struct zc_sendfile arg = {
			.in_fd = job->in,
			.out_fd = job->out,
			.offset = sum->offset,
			.len = watched && left > PROGRESS_STEP ? PROGRESS_STEP : left,
			.flags = job->flags,
		};

		job->calls++;
		err = zc_sendfile_all(ctx, &arg);
		sum->offset = arg.offset;
		sum->sent += arg.sent;
		sum->copied += arg.copied;
		sum->copy_reasons |= arg.copy_reasons;
		sum->chunks += arg.chunks;
		sum->cached += arg.cached;
		sum->huge_bytes += arg.huge_bytes;
		sum->paths |= arg.paths;
		sum->frags += arg.frags;
		if (err || arg.sent < arg.len)
			break;
		out_progress("send", sum->sent, job->total);
	}
	out_progress_end();
	job->ns = now_ns() - begin;
	return err;
}

static struct json_object *names(const struct reason *list, size_t nr, uint32_t bits)
{
	struct json_object *array = json_object_new_array();
	size_t i;

	for (i = 0; i < nr; i++)
		if (bits & list[i].bit)
			json_object_array_add(array, json_object_new_string(list[i].name));
	return array;
}

static void show_json(const struct job *job, const struct zc_sendfile *res)
{
	struct json_object *obj = out_new("send");

	out_add_str(obj, "file", job->file);
	out_add_u64(obj, "sent", res->sent);
	out_add_u64(obj, "ns", job->ns);
	out_add_u64(obj, "copied", res->copied);
	json_object_object_add(obj, "copy_reasons",
			       names(reasons, NR(reasons), res->copy_reasons));
	json_object_object_add(obj, "paths", names(paths, NR(paths), res->paths));
	out_add_u64(obj, "frags", res->frags);
	out_add_u64(obj, "cached", res->cached);
	out_add_u64(obj, "huge_bytes", res->huge_bytes);
	out_add_u64(obj, "chunks", res->chunks);
	out_add_u64(obj, "syscalls", job->calls);
	out_object(obj);
}

static void show_text(const struct job *job, const struct zc_sendfile *res)
{
	double s = job->ns / 1e9;
	char a[32], b[32];
	size_t i;

	printf("sent       %s in %.3f s, %s/s\n", out_bytes(res->sent, a, sizeof(a)),
	       s, out_bytes(s > 0 ? res->sent / s : 0, b, sizeof(b)));
	printf("copied     %s\n", out_bytes(res->copied, a, sizeof(a)));
	for (i = 0; i < NR(reasons); i++)
		if (res->copy_reasons & reasons[i].bit)
			printf("           because %s\n", reasons[i].text);
	for (i = 0; i < NR(paths); i++)
		if (res->paths & paths[i].bit)
			printf("socket     got it %s\n", paths[i].text);
	printf("frags      %u\n", res->frags);
	printf("page cache %s came from it, or through it\n",
	       out_bytes(res->cached, a, sizeof(a)));
	printf("hugepages  carried %s\n", out_bytes(res->huge_bytes, a, sizeof(a)));
	printf("calls      %llu, for %u reads or runs of the page cache\n",
	       (unsigned long long)job->calls, res->chunks);
}

/*
 * Half-close, and wait until the peer has read all: then it has the bytes. Returns 0 or a negative
 * errno, as of a peer that closes with bytes unread.
 */
static int finish(int sock)
{
	int err = shutdown(sock, SHUT_WR) ? -errno : 0;
	ssize_t n;
	char c;

	do
		n = read(sock, &c, 1);
	while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 ? -errno : err;
}

static int failed(const struct job *job, int err, uint64_t sent)
{
	const char *hint = NULL;
	char a[32];

	if (err == -EOPNOTSUPP && (job->flags & ZC_SEND_DIRECT))
		hint = "without --direct it is sent through the page cache";
	else if (err == -EINVAL && !job->size)
		hint = "what the kernel makes up when it is read, as in /proc, may not be fit:\n"
		       "  send a copy";
	return out_error(EX_FAILED, -err, hint, "%s: failed after %s", job->file,
			 out_bytes(sent, a, sizeof(a)));
}

static int send_open(struct job *job, struct zc_context *ctx)
{
	struct zc_sendfile res;
	int err = run(job, ctx, &res);

	if (err)
		return failed(job, err, res.sent);
	err = finish(job->out);
	if (err)
		return out_error(EX_FAILED, -err, "what it has of the file, it alone knows",
				 "%s: the peer went away before it had read all", job->file);
	if (!out_json && !res.sent && job->offset && job->length)
		fprintf(stderr, "zcctl: nothing to send: %s has %llu bytes, and --offset is %llu\n",
			job->file, (unsigned long long)job->size,
			(unsigned long long)job->offset);
	if (out_json)
		show_json(job, &res);
	else
		show_text(job, &res);
	return EX_OK;
}

static int send_to(struct job *job, const struct net_peer *peer)
{
	struct zc_context *ctx;
	int ret = device_open(&ctx);

	if (ret)
		return ret;
	ret = EX_FAILED;
	job->out = net_connect(peer);
	if (job->out >= 0) {
		ret = send_open(job, ctx);
		close(job->out);
	}
	zc_close(ctx);
	return ret;
}

static int send_file(struct job *job, const struct net_peer *peer)
{
	int ret = file_open(job->file, &job->in, &job->size);

	if (ret)
		return ret;
	if (job->size > job->offset)
		job->total = job->size - job->offset;
	if (job->total > job->length)
		job->total = job->length;
	ret = send_to(job, peer);
	close(job->in);
	return ret;
}

/* @to is HOST:PORT. Returns an exit code. */
static int send_file_to(struct job *job, const char *to, int timeout)
{
	char *host = NULL, *port = NULL;
	int ret;

	if (!parse_host_port(to, &host, &port)) {
		ret = out_usage("send: '%s' is not HOST:PORT, as localhost:4000 and [::1]:4000 are",
				to);
	} else {
		const struct net_peer peer = {
			.host = host,
			.port = port,
			.timeout = timeout,
			.refused = "start a receiver there first: zcctl recv PORT",
		};

		ret = send_file(job, &peer);
	}
	free(host);
	free(port);
	return ret;
}

int cmd_send(int argc, char **argv)
{
	static const struct option options[] = {
		{ "offset", required_argument, NULL, 'o' },
		{ "length", required_argument, NULL, 'l' },
		{ "direct", no_argument, NULL, 'd' },
		{ "cached", no_argument, NULL, 'c' },
		{ "timeout", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ },
	};
	struct job job = { .length = INT64_MAX, .flags = ZC_SEND_NOSIGNAL };
	int c, timeout = 0;

	while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		switch (c) {
		case 'o':
			if (!parse_size(optarg, &job.offset))
				return out_usage("send: '%s' is no offset", optarg);
			break;
		case 'l':
			if (!parse_size(optarg, &job.length))
				return out_usage("send: '%s' is no length", optarg);
			break;
		case 'd':
			job.flags |= ZC_SEND_DIRECT;
			break;
		case 'c':
			job.flags |= ZC_SEND_CACHED;
			break;
		case 't':
			if (!parse_int(optarg, 1, 86400, &timeout))
				return out_usage("send: --timeout 1 to 86400 seconds");
			break;
		case 'h':
			fputs(send_help, stdout);
			return EX_OK;
		case ':':
			return out_no_value("send", argv);
		default:
			return out_bad_option("send", argv);
		}
	}
	if (argc != optind + 2)
		return out_usage("send: FILE HOST:PORT, please");
	if ((job.flags & ZC_SEND_DIRECT) && (job.flags & ZC_SEND_CACHED))
		return out_usage("send: --direct or --cached, not both");
	job.file = argv[optind];
	return send_file_to(&job, argv[optind + 1], timeout);
}
