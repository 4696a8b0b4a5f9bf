// SPDX-License-Identifier: GPL-2.0-only
/* O_DIRECT into hugepages, then MSG_ZEROCOPY from them. */
#include <errno.h>
#include <time.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

/**
 * struct zerocopy - the state of the path
 * @buf:  BENCH_BUFFERS buffers, used in turn
 * @sent: sends made; the kernel numbers them from 0
 * @done: sends of which the notification has come
 * @copied: of these, how many the kernel copied after all
 */
struct zerocopy {
	char *buf;
	uint32_t sent;
	uint32_t done;
	uint32_t copied;
};

int bench_zerocopy_setup(struct bench_run *run)
{
	struct zerocopy *z = calloc(1, sizeof(*z));
	const int on = 1;

	if (run->direct < 0)
		return -EOPNOTSUPP;
	if (!z)
		return -ENOMEM;
	if (setsockopt(run->sock, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on)))
		return -errno;
	z->buf = bench_huge_alloc(BENCH_BUFFERS * BENCH_CHUNK);
	run->priv = z;
	return z->buf ? 0 : -ENOMEM;
}

/* Take a range of notifications, if there is one. Returns 1, 0 or -errno. */
static int reap(struct bench_run *run, struct zerocopy *z)
{
	struct sock_extended_err *ee;
	char control[128];
	struct msghdr msg = { .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *cm;

	run->syscalls++;
	if (recvmsg(run->sock, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return errno == EAGAIN ? 0 : -errno;
	cm = CMSG_FIRSTHDR(&msg);
	if (!cm)
		return -EPROTO;
	ee = (void *)CMSG_DATA(cm);
	if (ee->ee_origin != SO_EE_ORIGIN_ZEROCOPY || ee->ee_errno)
		return -EPROTO;
	z->done += ee->ee_data - ee->ee_info + 1;
	if (ee->ee_code & SO_EE_CODE_ZEROCOPY_COPIED)
		z->copied += ee->ee_data - ee->ee_info + 1;
	return 1;
}

/* Wait until no more than @most sends are without a notification. */
static int settle(struct bench_run *run, struct zerocopy *z, uint32_t most)
{
	struct pollfd pfd = { .fd = run->sock };
	int ret;

	while (z->sent - z->done > most) {
		ret = reap(run, z);
		if (ret < 0)
			return ret;
		if (ret)
			continue;
		run->syscalls++;
		if (poll(&pfd, 1, -1) < 0)
			return -errno;
	}
	return 0;
}

int bench_zerocopy_run(struct bench_run *run)
{
	struct zerocopy *z = run->priv;
	uint64_t left = run->size;
	int err;

	while (left) {
		char *buf = z->buf + (z->sent % BENCH_BUFFERS) * BENCH_CHUNK;
		ssize_t n, m;

		err = settle(run, z, BENCH_BUFFERS - 1);
		if (err)
			return err;
		n = read(run->direct, buf, bench_direct_size(left));
		run->syscalls++;
		if (n <= 0)
			return n ? -errno : -ENODATA;
		if ((uint64_t)n > left)
			n = left;
		m = send(run->sock, buf, n, MSG_ZEROCOPY);
		run->syscalls++;
		if (m != n)
			return m < 0 ? -errno : -EIO;
		z->sent++;
		left -= n;
	}
	err = settle(run, z, 0);
	run->copied = (uint64_t)z->copied * BENCH_CHUNK;
	if (run->copied > run->size)
		run->copied = run->size;
	return err;
}
