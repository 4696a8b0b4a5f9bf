// SPDX-License-Identifier: GPL-2.0-only
/* The bytes that tests send: a pattern, a file or a disk of it, and who receives it. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "zc_test.h"

#define RX_SIZE	(256ul << 10)

static uint64_t pattern_word(uint64_t nr)
{
	nr *= 0x9e3779b97f4a7c15ull;
	return nr ^ nr >> 29;
}

void zct_pattern(void *buf, uint64_t offset, size_t len)
{
	unsigned char *p = buf;

	while (len) {
		uint64_t word = pattern_word(offset / 8);
		size_t skip = offset % 8, n = 8 - skip;

		if (n > len)
			n = len;
		memcpy(p, (unsigned char *)&word + skip, n);
		p += n;
		offset += n;
		len -= n;
	}
}

int64_t zct_pattern_check(const void *buf, uint64_t offset, size_t len)
{
	static __thread unsigned char want[4096];
	const unsigned char *p = buf;
	size_t done, n, i;

	for (done = 0; done < len; done += n) {
		n = len - done < sizeof(want) ? len - done : sizeof(want);
		zct_pattern(want, offset + done, n);
		if (!memcmp(p + done, want, n))
			continue;
		for (i = 0; p[done + i] == want[i]; i++)
			;
		return done + i;
	}
	return -1;
}

int zct_pattern_file(const char *path, uint64_t size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	char *buf = malloc(MIB);
	uint64_t off;

	for (off = 0; fd >= 0 && buf && off < size; off += MIB) {
		size_t n = size - off < MIB ? size - off : MIB;

		zct_pattern(buf, off, n);
		if (pwrite(fd, buf, n, off) != (ssize_t)n) {
			close(fd);
			fd = -1;
		}
	}
	free(buf);
	if (fd >= 0 && (fsync(fd) ||
			posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

#define NULLB	"/sys/kernel/config/nullb/zct"

static const char *disk_make(unsigned int mib, unsigned int delay_ms)
{
	char cmd[512];

	snprintf(cmd, sizeof(cmd),
		 "modprobe -q null_blk nr_devices=0 2>/dev/null; "
		 "mountpoint -q /sys/kernel/config || "
		 "mount -t configfs none /sys/kernel/config; "
		 "mkdir " NULLB " && cd " NULLB " && echo %u >size && "
		 "echo 512 >blocksize && echo 1 >memory_backed && "
		 "echo %d >irqmode && echo %u000000 >completion_nsec && "
		 "echo 2 >queue_mode && echo 1 >power", mib, delay_ms ? 2 : 0,
		 delay_ms);
	if (system(cmd)) {
		rmdir(NULLB);
		return NULL;
	}
	/* Older kernels have numbers for names. */
	return access("/dev/zct", F_OK) ? "/dev/nullb0" : "/dev/zct";
}

int zct_disk_new(unsigned int mib)
{
	const char *path = disk_make(mib, 0);

	return path ? zct_pattern_file(path, mib * MIB) : -1;
}

int zct_disk_slow(unsigned int mib, unsigned int delay_ms)
{
	const char *path = disk_make(mib, delay_ms);

	return path ? open(path, O_RDONLY | O_DIRECT | O_CLOEXEC) : -1;
}

int zct_disk_break(uint64_t offset, bool broken)
{
	unsigned long long nr = offset / 512;
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "echo '%c%llu-%llu' >" NULLB "/badblocks",
		 broken ? '+' : '-', nr, nr);
	return system(cmd);
}

int zct_disk_free(void)
{
	return system("echo 0 >" NULLB "/power; rmdir " NULLB);
}

/* Have @listener a port of this machine, and @sock[0] connect to it. */
static int meet(int listener, int *sock)
{
	struct sockaddr_storage addr = { 0 };
	struct sockaddr_in6 *in6 = (void *)&addr;
	struct sockaddr_in *in = (void *)&addr;
	socklen_t len = sizeof(addr);

	/* Not bound yet: this is its family. */
	if (getsockname(listener, (void *)&addr, &len))
		return -errno;
	if (addr.ss_family == AF_INET6)
		in6->sin6_addr = in6addr_loopback;
	else
		in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (void *)&addr, len) || listen(listener, 1) ||
	    getsockname(listener, (void *)&addr, &len) || connect(sock[0], (void *)&addr, len))
		return -errno;
	sock[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	return sock[1] < 0 ? -errno : 0;
}

int zct_meet(int listener, int *sock)
{
	/* Of one that was not made, errno still says why. */
	int ret = listener < 0 || sock[0] < 0 ? -errno : meet(listener, sock);

	if (listener >= 0)
		close(listener);
	if (!ret)
		return 0;
	if (sock[0] >= 0)
		close(sock[0]);
	sock[0] = -1;
	sock[1] = -1;
	return ret;
}

int zct_pair(int family, int *sock)
{
	if (family == AF_UNIX)
		return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sock) ?
		       -errno : 0;
	sock[0] = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return zct_meet(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), sock);
}

/* Where do the next @len bytes differ from the pattern? -1: nowhere. */
static int64_t rx_check(const struct zct_rx *rx, const char *buf, size_t len)
{
	uint64_t at = rx->offset + rx->bytes;
	size_t done, n;
	int64_t bad;

	for (done = 0; done < len; done += n) {
		if (rx->wrap)
			at %= rx->wrap;
		n = rx->wrap && rx->wrap - at < len - done ? rx->wrap - at : len - done;
		bad = zct_pattern_check(buf + done, at, n);
		if (bad >= 0)
			return done + bad;
		at += n;
	}
	return -1;
}

static void *rx_main(void *data)
{
	char *buf = malloc(RX_SIZE);
	struct zct_rx *rx = data;
	ssize_t n;

	while (!__atomic_load_n(&rx->over, __ATOMIC_RELAXED) &&
	       (n = recv(rx->sock, buf, RX_SIZE, rx->check ? 0 : MSG_TRUNC)) > 0) {
		if (rx->check && rx->bad < 0) {
			rx->bad = rx_check(rx, buf, n);
			if (rx->bad >= 0)
				rx->bad += rx->bytes;
		}
		/* Others may look at it meanwhile. */
		__atomic_store_n(&rx->bytes, rx->bytes + n, __ATOMIC_RELAXED);
	}
	free(buf);
	__atomic_store_n(&rx->done, true, __ATOMIC_RELEASE);
	return NULL;
}

void zct_rx_start(struct zct_rx *rx)
{
	rx->done = false;
	rx->bytes = 0;
	rx->bad = -1;
	pthread_create(&rx->thread, NULL, rx_main, rx);
}

void zct_rx_join(struct zct_rx *rx)
{
	pthread_join(rx->thread, NULL);
}

int zct_send(int fd, int family, int in, uint64_t offset, uint64_t len,
	     uint32_t flags, struct zc_sendfile *arg, struct zct_rx *rx)
{
	int sock[2], ret;

	ret = zct_pair(family, sock);
	if (ret)
		return ret;
	*rx = (struct zct_rx){ .sock = sock[1], .offset = offset, .check = true };
	if (flags & ZC_SEND_POS)
		rx->offset = lseek(in, 0, SEEK_CUR);
	zct_rx_start(rx);
	*arg = (struct zc_sendfile){
		.in_fd = in,
		.out_fd = sock[0],
		.offset = offset,
		.len = len,
		.flags = flags,
	};
	ret = zct_ioctl(fd, ZC_IOC_SENDFILE, arg);
	shutdown(sock[0], SHUT_WR);
	zct_rx_join(rx);
	close(sock[0]);
	close(sock[1]);
	return ret;
}
