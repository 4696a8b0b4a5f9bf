// SPDX-License-Identifier: GPL-2.0-only
/* zcctl bench nic: what is copied, and how packets are made, on the way to a host. */
#include <errno.h>
#include <getopt.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

#define NIC_WAIT_MS	60000
#define PACKET_MAX	(65536u - 1 - 320)	/* less what TCP keeps for headers */

static const char nic_help[] =
"usage: zcctl bench nic FILE HOST:PORT [--size N]\n"
"\n"
"Send the first bytes of FILE (default 16M) to a TCP receiver on another host, which\n"
"takes several connections and throws the bytes away, in each way that zc has, and\n"
"show what was copied and how many fragments a full packet has, as TCP gives it to the\n"
"device: of up to 64 KiB, but no more than half of the receiver's window. Of the\n"
"buffer that is not sealed, the copies are those that its event tells of.\n"
"\n"
"Each way sends once: these are counts, and no times, so that nothing is repeated, and\n"
"nothing is known of how they scatter. --repeat, --noise, --strict, --pin and --tune are for\n"
"the other benchmarks.\n"
"\n"
"example, with the receiver there:\n"
"  zcctl recv 4000 --discard --serve\n"
"  zcctl bench nic /var/tmp/big otherhost:4000\n";

struct nic {
	struct zc_context *zc;
	struct zc_buffer *buf;
	int file;
	uint64_t size;
	const char *host;
	const char *port;
	bool loopback;
};

/**
 * struct way - a way to send, and what became of it
 * @name:   as in the report
 * @cache:  page cache before
 * @flags:  ZC_SEND_* flags
 * @send:   sends to the socket
 * @err:    0 or a negative errno
 * @copied: bytes
 * @paths:  ZC_PATH_* bits
 * @frags:  fragments
 * @packet: bytes of a full packet
 */
struct way {
	const char *name;
	enum bench_cache cache;
	uint32_t flags;
	int (*send)(struct nic *nic, struct way *way, int sock);
	int err;
	uint64_t copied;
	uint32_t paths;
	uint32_t frags;
	uint32_t packet;
};

static int send_file(struct nic *nic, struct way *way, int sock)
{
	struct zc_sendfile arg = {
		.in_fd = nic->file,
		.out_fd = sock,
		.len = nic->size,
		.flags = way->flags,
	};
	int err = way->cache == BENCH_HOT ?
		  bench_cache_fill(nic->file, nic->size) :
		  bench_cache_drop(nic->file, nic->size);

	if (!err)
		err = zc_sendfile_all(nic->zc, &arg);
	way->copied = arg.copied;
	way->paths = arg.paths;
	way->frags = arg.frags;
	return !err && arg.sent < nic->size ? -ENODATA : err;
}

/* Wait until the network has let go of the buffer. */
static int wait_released(struct nic *nic, struct way *way)
{
	struct pollfd pfd = { .fd = zc_fd(nic->zc), .events = POLLIN };
	struct zc_event event;
	int nr;

	nr = poll(&pfd, 1, NIC_WAIT_MS);
	if (nr <= 0)
		return nr ? -errno : -ETIMEDOUT;
	nr = zc_events(nic->zc, &event, 1);
	if (nr < 0)
		return nr;
	way->copied += event.copied;
	return event.type == ZC_EVENT_RELEASED ? -event.error : -EPROTO;
}

static int send_buffer(struct nic *nic, struct way *way, int sock)
{
	uint64_t done = 0;

	while (done < nic->size) {
		struct zc_send arg = {
			.out_fd = sock,
			.offset = done,
			.len = nic->size - done,
		};
		int64_t n = zc_buffer_send(nic->buf, &arg);
		int err;

		if (n < 0)
			return n;
		done += n;
		way->copied += arg.copied;
		way->paths |= arg.paths;
		way->frags += arg.frags;
		err = arg.events ? wait_released(nic, way) : 0;
		if (err)
			return err;
	}
	return 0;
}

static int send_sealed(struct nic *nic, struct way *way, int sock)
{
	int err = zc_buffer_seal(nic->buf);

	return err ? err : send_buffer(nic, way, sock);
}

/* The unsealed buffer first: there is no way back. */
static struct way ways[] = {
	{ "zc-direct", BENCH_COLD, ZC_SEND_DIRECT, send_file, 0, 0, 0, 0, 0 },
	{ "zc-auto", BENCH_HOT, 0, send_file, 0, 0, 0, 0, 0 },
	{ "zc-buffer-unsealed", BENCH_NONE, 0, send_buffer, 0, 0, 0, 0, 0 },
	{ "zc-buffer", BENCH_NONE, 0, send_sealed, 0, 0, 0, 0, 0 },
};

#define NR_WAYS	(sizeof(ways) / sizeof(*ways))

/* As tcp_send_mss() and tcp_bound_to_half_wnd() have it; 0 if it is not known. */
static uint32_t full_packet(int sock)
{
	struct tcp_info info = { .tcpi_snd_mss = 0 };
	socklen_t len = sizeof(info);
	uint32_t most;

	if (getsockopt(sock, IPPROTO_TCP, TCP_INFO, &info, &len) || !info.tcpi_snd_mss)
		return 0;
	most = info.tcpi_snd_wnd / 2 < PACKET_MAX ? info.tcpi_snd_wnd / 2 : PACKET_MAX;
	return most / info.tcpi_snd_mss * info.tcpi_snd_mss;
}

/* Returns an exit code; what goes wrong on the way is the way's error. */
static int send_one(struct nic *nic, struct way *way)
{
	const struct net_peer peer = {
		.host = nic->host,
		.port = nic->port,
		.refused = "start a receiver there that takes several connections:\n"
			   "  zcctl recv PORT --discard --serve",
	};
	int sock = net_connect(&peer);
	char c;

	if (sock < 0)
		return EX_FAILED;
	nic->loopback = bench_environment_nic(sock);
	way->packet = full_packet(sock);
	bench_peer_watch(sock);
	way->err = bench_peer_error(sock, way->send(nic, way, sock));
	shutdown(sock, SHUT_WR);
	/* Until the peer has all of it. */
	while (read(sock, &c, 1) > 0)
		;
	close(sock);
	return EX_OK;
}

static double frags_per(const struct nic *nic, const struct way *way, uint32_t bytes)
{
	return (double)way->frags * bytes / nic->size;
}

static const char *path_names(uint32_t paths, char *buf, size_t size)
{
	snprintf(buf, size, "%s%s%s%s", paths & ZC_PATH_FRAGS ? "frags " : "",
		 paths & ZC_PATH_PAGES ? "pages " : "",
		 paths & ZC_PATH_NOTIFY ? "notify " : "",
		 paths & ZC_PATH_COPY ? "copy " : "");
	if (*buf)
		buf[strlen(buf) - 1] = '\0';
	return buf;
}

/* The one run that there is, for zcctl bench compare. */
static void add_sample(struct json_object *obj, const char *key, uint64_t val)
{
	struct bench_runs runs = { .nr = 1, .ns = { val } };

	bench_row_samples(obj, key, &runs);
}

static void show_json(const struct nic *nic)
{
	struct json_object *rows = json_object_new_array();
	char names[64];
	size_t i;

	for (i = 0; i < NR_WAYS; i++) {
		struct json_object *obj = bench_row("nic", ways[i].name,
						    ways[i].cache, nic->size);

		if (ways[i].err) {
			out_add_str(obj, "error", bench_why_not(true, ways[i].err));
		} else {
			out_add_u64(obj, "runs", 1);
			out_add_str(obj, "spread", NULL);
			add_sample(obj, "copied_bytes", ways[i].copied);
			add_sample(obj, "frags", ways[i].frags);
			bench_row_copied(obj, ways[i].copied);
			out_add_u64(obj, "frags", ways[i].frags);
			out_add_double(obj, "frags_per_64k",
				       frags_per(nic, &ways[i], 65536));
			out_add_u64(obj, "packet_bytes", ways[i].packet);
			out_add_double(obj, "frags_per_packet",
				       frags_per(nic, &ways[i], ways[i].packet));
			out_add_str(obj, "paths", path_names(ways[i].paths, names,
							     sizeof(names)));
		}
		json_object_array_add(rows, obj);
	}
	bench_rows_show(rows);
}

static void show_text(const struct nic *nic)
{
	char text[64];
	size_t i;

	printf("%s to %s port %s\n", out_bytes(nic->size, text, sizeof(text)),
	       nic->host, nic->port);
	printf("%-18s %-5s %9s %9s %9s %9s  %s\n", "path", "cache", "copied", "frags",
	       "packet", "frags in", "way");
	for (i = 0; i < NR_WAYS; i++) {
		printf("%-18s %-5s ", ways[i].name, bench_cache_name(ways[i].cache));
		if (ways[i].err) {
			printf("not measured: %s\n", bench_why_not(true, ways[i].err));
			continue;
		}
		printf("%9s %9u %9u %9.2f  ",
		       out_bytes(ways[i].copied, text, sizeof(text)), ways[i].frags,
		       ways[i].packet, frags_per(nic, &ways[i], ways[i].packet));
		puts(path_names(ways[i].paths, text, sizeof(text)));
	}
	puts("each was sent once. frags: of all packets; packet: bytes of a full one; frags in:\n"
	     "fragments of such a packet");
	if (nic->loopback)
		puts("this is the loopback, which no network device sends: give a HOST elsewhere");
}

static int run(struct nic *nic)
{
	struct bench_tally tally = {};
	int ret = EX_OK, err;
	size_t i;

	err = zc_buffer_new(nic->zc, nic->size, ZC_BUF_SMALL_OK, ZC_NODE_ANY,
			    &nic->buf);
	if (err)
		return out_error(EX_FAILED, -err, NULL, "cannot make a buffer");
	memset(zc_buffer_data(nic->buf), 'z', nic->size);
	for (i = 0; i < NR_WAYS && !ret; i++) {
		out_progress(ways[i].name, i, NR_WAYS);
		ret = send_one(nic, &ways[i]);
	}
	out_progress_end();
	zc_buffer_free(nic->buf);
	if (ret)
		return ret;
	if (out_json)
		show_json(nic);
	else
		show_text(nic);
	for (i = 0; i < NR_WAYS; i++)
		bench_tally_row(&tally, true,
				ways[i].err ? bench_why_not(true, ways[i].err) : NULL);
	return bench_tally_verdict(&tally, NULL);
}

static int open_and_run(struct nic *nic, const char *file)
{
	int ret = file_open_some(file, &nic->file, &nic->size);

	if (ret)
		return ret;
	ret = device_open(&nic->zc);
	if (!ret) {
		ret = run(nic);
		zc_close(nic->zc);
	}
	close(nic->file);
	return ret;
}

int bench_nic(int argc, char **argv)
{
	static const struct option options[] = {
		{ "size", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ },
	};
	struct nic nic = { .size = 16 << 20 };
	char *host, *port;
	int c;

	while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		switch (c) {
		case 's':
			if (!parse_size(optarg, &nic.size) || !nic.size)
				return out_usage("bench nic: '%s' is no size", optarg);
			break;
		case 'h':
			fputs(nic_help, stdout);
			return EX_OK;
		case ':':
			return out_no_value("bench nic", argv);
		default:
			return out_bad_option("bench nic", argv);
		}
	}
	if (argc != optind + 2 || !parse_host_port(argv[optind + 1], &host, &port))
		return out_usage("bench nic: a file and HOST:PORT, please");
	/* As the report's environment says. */
	bench_method.repeat = 1;
	nic.host = host;
	nic.port = port;
	c = open_and_run(&nic, argv[optind]);
	free(host);
	free(port);
	return c;
}
