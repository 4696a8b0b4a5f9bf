// SPDX-License-Identifier: GPL-2.0-only
/*
 * copies zc|zc-hot|sendfile|write FILE: send a file over TCP on the loopback to a receiver
 * that throws it away, and print "SENT CACHED": bytes sent, and how many bytes of
 * the file are in the page cache then. It is not there before, except for zc-hot.
 * For nocopy.sh, which traces it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "zc_test.h"

static uint64_t by_zc(int file, int sock, uint64_t size)
{
	struct zc_sendfile arg = { .in_fd = file, .out_fd = sock, .len = size };
	int fd = zct_open();

	return zct_ioctl(fd, ZC_IOC_SENDFILE, &arg) || arg.copied ? 0 : arg.sent;
}

static uint64_t by_write(int file, int sock, uint64_t size)
{
	static char buf[65536];
	uint64_t sent = 0;
	ssize_t n;

	while ((n = read(file, buf, sizeof(buf))) > 0 && write(sock, buf, n) == n)
		sent += n;
	return sent;
}

int main(int argc, char **argv)
{
	struct zct_rx rx = { 0 };
	uint64_t sent = 0;
	struct stat st;
	int room = 1 << 27, sock[2], file;

	if (argc != 3)
		return 2;
	file = open(argv[2], O_RDONLY);
	if (file < 0 || fstat(file, &st) || zct_pair(AF_INET, sock) ||
	    !zct_forget(file, st.st_size))
		return 1;
	if (!strcmp(argv[1], "zc-hot") &&
	    mmap(NULL, st.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, file,
		 0) == MAP_FAILED)
		return 1;
	/* With room for all: a receiver that runs out of it copies what it has closer together. */
	setsockopt(sock[1], SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	rx.sock = sock[1];
	zct_rx_start(&rx);
	if (!strncmp(argv[1], "zc", 2))
		sent = by_zc(file, sock[0], st.st_size);
	else if (!strcmp(argv[1], "write"))
		sent = by_write(file, sock[0], st.st_size);
	else if (!strcmp(argv[1], "sendfile"))
		sent = sendfile(sock[0], file, NULL, st.st_size);
	shutdown(sock[0], SHUT_WR);
	zct_rx_join(&rx);
	if (rx.bytes != sent)
		return 1;
	printf("%llu %llu\n", (unsigned long long)sent,
	       (unsigned long long)zct_cached(file, st.st_size));
	return 0;
}
