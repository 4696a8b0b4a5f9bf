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
 * @len:  bytes of the last ones, by number
 */
struct zerocopy {
	char *buf;
	uint32_t sent;
	uint32_t done;
	uint32_t len[BENCH_BUFFERS];
};

int bench_zerocopy_setup(struct bench_run *run)
{
	struct zerocopy *z;
	const int on = 1;

	if (run->direct < 0)
		return -EOPNOTSUPP;
	if (setsockopt(run->sock, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on)))
		return -errno;
	z = calloc(1, sizeof(*z));
	if (!z)
		return -ENOMEM;
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
	uint32_t i;

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
	/* What the kernel copied after all. */
	for (i = ee->ee_info; ee->ee_code & SO_EE_CODE_ZEROCOPY_COPIED; i++) {
		run->copied += z->len[i % BENCH_BUFFERS];
		if (i == ee->ee_data)
			break;
	}
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
		z->len[z->sent % BENCH_BUFFERS] = n;
		z->sent++;
		left -= n;
	}
	return 0;
}

/* The kernel still owes notifications, as it does to a server between requests. */
int bench_zerocopy_finish(struct bench_run *run)
{
	return settle(run, run->priv, 0);
}
