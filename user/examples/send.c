// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A file to a TCP peer by libzc. "make user" builds it (example-send); once libzc is
 * installed, "pkg-config --cflags --libs libzc" says what the compiler must be told.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zc/zc.h>

/* To the first address of the host, of IPv4 or IPv6, that takes a connection. */
static int dial(const char *host, const char *port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list, *ai;
	int fd = -1, err = getaddrinfo(host, port, &hints, &list);

	if (err) {
		fprintf(stderr, "%s port %s: %s\n", host, port,
			err == EAI_SYSTEM ? strerror(errno) : gai_strerror(err));
		exit(1);
	}
	for (ai = list; ai; ai = ai->ai_next) {
		fd = socket(ai->ai_family, ai->ai_socktype, ai->ai_protocol);
		if (fd >= 0 && !connect(fd, ai->ai_addr, ai->ai_addrlen))
			break;
		err = errno;
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	freeaddrinfo(list);
	if (fd < 0) {
		fprintf(stderr, "%s port %s: %s\n", host, port, strerror(err));
		exit(1);
	}
	return fd;
}

int main(int argc, char **argv)
{
	struct zc_sendfile arg = { .len = INT64_MAX };
	struct zc_context *ctx;
	int err;

	if (argc != 4) {
		fprintf(stderr, "usage: %s FILE HOST PORT\n", argv[0]);
		return 2;
	}
	err = zc_open(&ctx);
	if (err) {
		fprintf(stderr, "%s: %s\n", ZC_DEVICE, strerror(-err));
		return 1;
	}
	arg.in_fd = open(argv[1], O_RDONLY);
	if (arg.in_fd < 0) {
		perror(argv[1]);
		return 1;
	}
	arg.out_fd = dial(argv[2], argv[3]);
	err = zc_sendfile_all(ctx, &arg);
	printf("%llu bytes, %llu of them copied\n", (unsigned long long)arg.sent,
	       (unsigned long long)arg.copied);
	if (err)
		fprintf(stderr, "%s: %s\n", argv[1], strerror(-err));
	zc_close(ctx);
	return !!err;
}
