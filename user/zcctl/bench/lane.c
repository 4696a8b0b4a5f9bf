// SPDX-License-Identifier: GPL-2.0-only
/*
 * A connection as its sender sees it: when it may begin, what is asked of it, and when
 * the other side has what it was sent.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define DRAIN_NS	50000
#define SILENT_MS	30000

/*
 * As servers do that answer one request at a time. Else the Nagle algorithm puts a
 * varying number of answers into a packet, whichever way they come.
 */
int bench_no_delay(int sock)
{
	const int on = 1;

	return setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) ? -errno : 0;
}

/* A peer that says nothing, or reads nothing, for so long is waited for no longer. */
void bench_peer_watch(int sock)
{
	const struct timeval time = { .tv_sec = SILENT_MS / 1000 };
	const unsigned int ms = SILENT_MS;

	setsockopt(sock, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
	setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time));
}

/*
 * @err of sending to such a peer. The kernel says once that it timed out, which sendfile() and
 * zc keep for themselves if the call has sent something before; then EPIPE, as of a peer that
 * has gone. But of that one it would be known sooner.
 */
int bench_peer_error(int sock, int err)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	if (err != -EPIPE || getsockopt(sock, IPPROTO_TCP, TCP_INFO, &info, &len))
		return err;
	return info.tcpi_last_data_sent >= SILENT_MS - 1000 ? -ETIMEDOUT : err;
}

/**
 * bench_lane_ready - all is prepared: the receivers may ask
 * @lane: connection
 *
 * Returns once all senders are ready if the lane has requests, else at once.
 */
void bench_lane_ready(struct bench_lane *lane)
{
	char byte;

	lane->ready = !bench_crew_tell(lane->crew, BENCH_READY);
	if (!lane->ready)
		lane->rep->err = -EPIPE;
	if (!lane->remote)
		return;
	bench_peer_watch(lane->sock);
	prctl(PR_SET_TIMERSLACK, 1);
	if (read(lane->go, &byte, 1) != 1)
		lane->rep->err = -ECANCELED;
}

/* From here on CPU time counts, */
void bench_lane_begin(struct bench_lane *lane)
{
	if (!lane->rep->begin_ns)
		lane->rep->begin_ns = now_ns();
	bench_usage_begin(&lane->used);
}

/* and to here. */
void bench_lane_end(struct bench_lane *lane)
{
	bench_usage_end(&lane->used, &lane->rep->usage);
}

/* Wait for a request. Returns 0 or a negative errno. */
int bench_lane_asked(struct bench_lane *lane)
{
	ssize_t n;
	char byte;

	if (lane->remote) {
		lane->since = now_ns();
		return 0;
	}
	n = recv(lane->sock, &byte, 1, 0);
	return n == 1 ? 0 : n ? -errno : -ECONNRESET;
}

/* Wait for a moment, or until the peer goes. Returns 0 or a negative errno. */
static int pause_beside(int sock)
{
	struct timespec pause = { .tv_nsec = DRAIN_NS };
	struct pollfd pfd = { .fd = sock, .events = POLLRDHUP };
	socklen_t len = sizeof(int);
	int err = 0;

	if (ppoll(&pfd, 1, &pause, NULL) <= 0)
		return 0;
	getsockopt(sock, SOL_SOCKET, SO_ERROR, &err, &len);
	if (err || pfd.revents & (POLLRDHUP | POLLHUP))
		return err ? -err : -EPIPE;
	/* A notification of MSG_ZEROCOPY, which is an "error", too. */
	nanosleep(&pause, NULL);
	return 0;
}

/* Returns 0 once the peer has acknowledged all, or a negative errno. */
static int wait_acknowledged(int sock)
{
	int left, err = 0;

	while (!err) {
		if (ioctl(sock, SIOCOUTQ, &left))
			return -errno;
		if (!left)
			return 0;
		err = pause_beside(sock);
	}
	return err;
}

/*
 * A receiver elsewhere asks for nothing: a request is answered when all is acknowledged,
 * which is seen to DRAIN_NS. What this looking costs is not counted.
 */
int bench_lane_answered(struct bench_lane *lane)
{
	struct bench_report *rep = lane->rep;
	int err;

	if (!lane->remote)
		return 0;
	bench_lane_end(lane);
	err = wait_acknowledged(lane->sock);
	rep->end_ns = now_ns();
	bench_latency_add(&rep->latency, rep->end_ns - lane->since);
	bench_lane_begin(lane);
	return err;
}
