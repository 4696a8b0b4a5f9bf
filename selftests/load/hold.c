// SPDX-License-Identifier: GPL-2.0-only
/*
 * hold fd|mapping|unread: keep the module's device open, or a buffer mapped with
 * the descriptor closed, or pages of a transfer unread in a socket with nothing
 * else held. Prints "ready", and on a line from standard input checks its data and
 * exits with 0 if they are right. For load.sh.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "zc_test.h"

#define UNREAD	(256u << 10)

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
	if (!strcmp(argv[1], "unread"))
		return hold_unread(fd);
	wait_for_line();
	return 0;
}
