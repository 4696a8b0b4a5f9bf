// SPDX-License-Identifier: GPL-2.0-only
/*
 * hold fd|mapping|dmabuf|sent|unread: keep the module's device open, or, with that closed, a
 * buffer mapped, a buffer as a dma-buf, a buffer that the network has not let go of and tells
 * when it has, or pages of a file unread in a socket. Prints "ready", and on a line from
 * standard input checks its data and exits with 0 if they are right; with 4, and before, if
 * the kernel has no such thing. For load.sh.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "zc_test.h"

#define UNREAD	(256u << 10)
#define CANNOT	4

static void wait_for_line(void)
{
	puts("ready");
	fflush(stdout);
	getchar();
}

static int hold_mapping(int fd)
{
	struct zc_buf_create buf;
	char *map;

	if (zct_create(fd, HUGE, 0, ZC_NODE_ANY, &buf))
		return 1;
	map = zct_map(fd, &buf);
	if (map == MAP_FAILED)
		return 1;
	close(fd);
	zct_pattern(map, 0, HUGE);
	wait_for_line();
	return zct_pattern_check(map, 0, HUGE) != -1;
}

static int hold_dmabuf(int fd)
{
	struct zc_buf_create buf;
	struct zc_buf_export export = { 0 };
	char *map;
	int ret;

	if (zct_create(fd, HUGE, 0, ZC_NODE_ANY, &buf))
		return 1;
	export.handle = buf.handle;
	ret = zct_ioctl(fd, ZC_IOC_BUF_EXPORT, &export);
	if (ret)
		return ret == -ENOTTY ? CANNOT : 1;
	close(fd);
	map = mmap(NULL, HUGE, PROT_READ | PROT_WRITE, MAP_SHARED, export.fd, 0);
	if (map == MAP_FAILED)
		return 1;
	zct_pattern(map, 0, HUGE);
	munmap(map, HUGE);
	wait_for_line();
	map = mmap(NULL, HUGE, PROT_READ, MAP_SHARED, export.fd, 0);
	return map == MAP_FAILED || zct_pattern_check(map, 0, HUGE) != -1;
}

/* More than its peer has room for: the rest waits, with a reference to the buffer. */
static int hold_sent(int fd)
{
	struct zc_send arg = { .len = HUGE, .flags = ZC_SEND_NONBLOCK };
	struct zct_rx rx = { .check = true };
	struct zc_buf_create buf;
	int sock[2];
	char *map;

	if (zct_create(fd, HUGE, 0, ZC_NODE_ANY, &buf) || zct_pair(AF_INET, sock))
		return 1;
	map = zct_map(fd, &buf);
	if (map == MAP_FAILED)
		return 1;
	zct_pattern(map, 0, HUGE);
	munmap(map, HUGE);
	arg.handle = buf.handle;
	arg.out_fd = sock[0];
	rx.sock = sock[1];
	if (zct_ioctl(fd, ZC_IOC_SEND, &arg) || !arg.sent || !arg.events)
		return 1;
	close(fd);
	wait_for_line();
	zct_rx_start(&rx);
	shutdown(sock[0], SHUT_WR);
	zct_rx_join(&rx);
	close(sock[0]);
	zct_stir();
	return rx.bytes != arg.sent || rx.bad != -1;
}

static int hold_unread(int fd)
{
	int file = zct_pattern_file("/mnt/ext4/zc-hold", UNREAD), sock[2];
	struct zc_sendfile arg = { .in_fd = file, .len = UNREAD };
	struct zct_rx rx = { .check = true };

	if (zct_pair(AF_INET, sock))
		return 1;
	arg.out_fd = sock[0];
	rx.sock = sock[1];
	if (zct_ioctl(fd, ZC_IOC_SENDFILE, &arg) || arg.sent != UNREAD || arg.copied)
		return 1;
	close(fd);
	close(file);
	unlink("/mnt/ext4/zc-hold");
	wait_for_line();
	zct_rx_start(&rx);
	shutdown(sock[0], SHUT_WR);
	zct_rx_join(&rx);
	return rx.bytes != UNREAD || rx.bad != -1;
}

int main(int argc, char **argv)
{
	int fd = zct_open();

	if (argc != 2 || fd < 0)
		return 2;
	if (!strcmp(argv[1], "mapping"))
		return hold_mapping(fd);
	if (!strcmp(argv[1], "dmabuf"))
		return hold_dmabuf(fd);
	if (!strcmp(argv[1], "sent"))
		return hold_sent(fd);
	if (!strcmp(argv[1], "unread"))
		return hold_unread(fd);
	wait_for_line();
	return 0;
}
