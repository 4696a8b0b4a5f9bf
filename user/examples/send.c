// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A file to a TCP peer by libzc. "make user" builds it (example-send); once libzc is
 * installed, "pkg-config --cflags --libs libzc" says what the compiler must be told.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zc/zc.h>

static int dial(const char *address, const char *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(atoi(port)) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (inet_pton(AF_INET, address, &to.sin_addr) != 1 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to))) {
		perror(address);
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
		fprintf(stderr, "usage: send FILE ADDRESS PORT\n");
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
