// SPDX-License-Identifier: GPL-2.0-only
/* zcctl recv: receive on a TCP port. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "zcctl.h"

#define RECV_SIZE	(1ul << 20)

static const char recv_help[] =
"usage: zcctl recv PORT [-o FILE] [OPTION…]\n"
"\n"
"Wait for one TCP connection and write what comes to standard output, or to FILE.\n"
"With --serve connections are taken until a signal ends it, many at once.\n"
"\n"
"  -o, --output FILE  write here\n"
"  --bind ADDRESS     listen on this address only\n"
"  --discard          throw the bytes away, without a copy from the kernel\n"
"  --serve            with --discard: take one connection after the other, each in a\n"
"                     process of its own; as a receiver for zcctl bench\n"
"  -q, --quiet        say nothing of what was received\n"
"\n"
"examples:\n"
"  zcctl recv 4000 -o disk.img\n"
"  zcctl recv 4000 | sha256sum\n"
"  zcctl recv 4000 --discard --json\n"
"  zcctl recv 4000 --discard --serve --quiet\n";

/* By --quiet */
static bool quiet;

static int write_all(int fd, const char *buf, size_t len)
{
	while (len) {
		ssize_t n = write(fd, buf, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		buf += n;
		len -= n;
	}
	return 0;
}

/* @to is -1 to discard. Returns an exit code. */
static int receive(int sock, int to, char *buf, uint64_t *bytes)
{
	ssize_t n;
	int err;

	for (;;) {
		n = recv(sock, buf, RECV_SIZE, to < 0 ? MSG_TRUNC : 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return out_error(EX_FAILED, errno, NULL,
					 "receive failed after %llu bytes",
					 (unsigned long long)*bytes);
		if (!n)
			return EX_OK;
		*bytes += n;
		err = to < 0 ? 0 : write_all(to, buf, n);
		if (err)
			return out_error(EX_FAILED, -err, NULL, "cannot write");
		out_progress("received", *bytes, 0);
	}
}

static void show(uint64_t bytes, uint64_t ns, bool on_stdout)
{
	struct json_object *obj;
	double s = ns / 1e9;
	char a[32], b[32];

	if (quiet)
		return;
	/* Where the data went to stdout, nothing else may. */
	if (out_json && !on_stdout) {
		obj = out_new("recv");
		out_add_u64(obj, "received", bytes);
		out_add_u64(obj, "ns", ns);
		out_object(obj);
	} else if (!out_json) {
		fprintf(stderr, "received %s in %.3f s, %s/s\n",
			out_bytes(bytes, a, sizeof(a)), s,
			out_bytes(s > 0 ? bytes / s : 0, b, sizeof(b)));
	}
}

/* What the file had is lost only once there is something else: see cut(). */
static int open_output(const char *output, int *fd)
{
	*fd = open(output, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	if (*fd < 0)
		return out_error(errno == EACCES ? EX_PERMISSION : EX_FAILED, errno,
				 NULL, "cannot open %s", output);
	return EX_OK;
}

static int cut(int fd, const char *output)
{
	struct stat st;

	if (fstat(fd, &st) || (S_ISREG(st.st_mode) && ftruncate(fd, 0)))
		return out_error(EX_FAILED, errno, NULL, "cannot write %s", output);
	return EX_OK;
}

/* @output is NULL for stdout or, if @to is -1, for nothing. */
static int recv_to(int to, const char *output, const char *bind_to, const char *port)
{
	uint64_t bytes = 0, begin;
	char *buf = malloc(RECV_SIZE);
	int ret, sock;

	if (!buf)
		return out_error(EX_FAILED, ENOMEM, NULL, "recv");
	sock = net_accept(bind_to, port);
	ret = sock < 0 ? -sock : EX_OK;
	if (sock >= 0) {
		begin = now_ns();
		ret = output ? cut(to, output) : EX_OK;
		if (!ret)
			ret = receive(sock, to, buf, &bytes);
		out_progress_end();
		if (!ret)
			show(bytes, now_ns() - begin, to == STDOUT_FILENO);
		close(sock);
	}
	free(buf);
	return ret;
}

/* One of many connections, in a process that ends with its parent. */
static int discard_one(int sock, pid_t parent)
{
	uint64_t bytes = 0, begin = now_ns();
	int ret;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		return EX_FAILED;
	ret = receive(sock, -1, NULL, &bytes);
	out_progress_end();
	if (!ret)
		show(bytes, now_ns() - begin, false);
	return ret;
}

/* Until a signal, or returns an exit code. */
static int serve(const char *bind_to, const char *port)
{
	int fd = net_listen(bind_to, port), sock;
	pid_t parent = getpid(), pid;

	if (fd < 0)
		return -fd;
	/* Nobody waits for the children. */
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		sock = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		if (sock < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (sock < 0)
			break;
		fflush(NULL);
		pid = fork();
		if (!pid) {
			close(fd);
			exit(discard_one(sock, parent));
		}
		if (pid < 0)
			break;
		close(sock);
	}
	return out_error(EX_FAILED, errno, NULL, "cannot take another connection");
}

int cmd_recv(int argc, char **argv)
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "bind", required_argument, NULL, 'b' },
		{ "discard", no_argument, NULL, 'd' },
		{ "serve", no_argument, NULL, 's' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ },
	};
	const char *output = NULL, *bind_to = NULL;
	int c, to = STDOUT_FILENO, ret, port;
	bool discard = false, many = false;

	while ((c = getopt_long(argc, argv, ":o:qh", options, NULL)) != -1) {
		switch (c) {
		case 'q':
			quiet = true;
			break;
		case 'o':
			output = optarg;
			break;
		case 'b':
			bind_to = optarg;
			break;
		case 'd':
			discard = true;
			break;
		case 's':
			many = true;
			break;
		case 'h':
			fputs(recv_help, stdout);
			return EX_OK;
		case ':':
			return out_no_value("recv", argv);
		default:
			return out_bad_option("recv", argv);
		}
	}
	if (argc != optind + 1 || !parse_int(argv[optind], 1, 65535, &port))
		return out_usage("recv: one port, please, from 1 to 65535");
	if (discard && output)
		return out_usage("recv: --discard or --output, not both");
	if (many && !discard)
		return out_usage("recv: --serve is for --discard");
	if (many)
		return serve(bind_to, argv[optind]);
	ret = output ? open_output(output, &to) : EX_OK;
	if (ret)
		return ret;
	ret = recv_to(discard ? -1 : to, output, bind_to, argv[optind]);
	if (output && close(to) && !ret)
		ret = out_error(EX_FAILED, errno, NULL, "cannot write %s", output);
	return ret;
}
