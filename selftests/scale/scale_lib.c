// SPDX-License-Identifier: GPL-2.0-only
/* Thousands of connections and of transfers, and one thread that sees to all. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "scale.h"
#include "zc_uring.h"

#define NAME		EXT4_DIR "/async_scale"
#define ENTRIES		1024
#define EVENTS		256
#define DEVICE		UINT32_MAX

bool scale_uring_cancels(void)
{
	int major, minor;
	struct utsname u;

	uname(&u);
	return sscanf(u.release, "%d.%d", &major, &minor) == 2 &&
	       major * 1000 + minor >= 6007;
}

uint64_t scale_memory(void)
{
	uint64_t now = zct_meminfo("MemAvailable"), last;
	int i;

	for (i = 0; i < 50; i++) {
		last = now;
		usleep(200000);
		now = zct_meminfo("MemAvailable");
		if (now <= last + MIB && last <= now + MIB)
			break;
	}
	return now;
}

uint64_t scale_tcp_memory(void)
{
	FILE *f = fopen("/proc/net/sockstat", "r");
	unsigned long long pages = 0;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "TCP: inuse %*u orphan %*u tw %*u alloc %*u mem %llu", &pages);
	if (f)
		fclose(f);
	return pages * getpagesize();
}

unsigned int scale_slow_workers(void)
{
	unsigned int nr = 0;
	glob_t all;
	size_t i;

	if (glob("/proc/[0-9]*/comm", GLOB_NOSORT, NULL, &all))
		return UINT_MAX;
	for (i = 0; i < all.gl_pathc; i++) {
		FILE *f = fopen(all.gl_pathv[i], "r");
		char comm[64];

		/* One that is done, and waits for other work, has a minus. */
		if (f && fgets(comm, sizeof(comm), f))
			nr += !!strstr(comm, "+zc-slow-lanes");
		if (f)
			fclose(f);
	}
	globfree(&all);
	return nr;
}

int scale_device(struct scale *s, bool uring)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_CQSIZE,
		.cq_entries = 32768,
	};

	s->uring = uring;
	s->fd = zct_open();
	if (s->fd < 0 || fcntl(s->fd, F_SETFL, O_NONBLOCK))
		return -errno;
	return uring ? io_uring_queue_init_params(ENTRIES, &s->ring, &params) : 0;
}

void scale_device_close(struct scale *s)
{
	if (s->uring)
		io_uring_queue_exit(&s->ring);
	s->uring = false;
	close(s->fd);
}

static int file_open(struct scale *s)
{
	s->pattern = mmap(NULL, SCALE_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s->pattern == MAP_FAILED)
		return -ENOMEM;
	s->file = open(NAME, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (s->file < 0)
		return -errno;
	/* Other tests of this program may have left it. */
	if (pread(s->file, s->pattern, SCALE_SIZE, 0) != SCALE_SIZE) {
		zct_pattern(s->pattern, 0, SCALE_SIZE);
		if (pwrite(s->file, s->pattern, SCALE_SIZE, 0) != SCALE_SIZE)
			return -EIO;
	}
	if (fsync(s->file) || posix_fadvise(s->file, 0, 0, POSIX_FADV_DONTNEED) ||
	    posix_fadvise(s->file, 0, 0, POSIX_FADV_RANDOM) ||
	    readahead(s->file, 0, SCALE_HOT))
		return -EIO;
	return 0;
}

int scale_open(struct scale *s)
{
	struct rlimit limit = { 40000, 40000 };

	memset(s, 0, sizeof(*s));
	s->args = calloc(ENTRIES, sizeof(*s->args));
	if (!s->args || setrlimit(RLIMIT_NOFILE, &limit))
		return -errno;
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	return file_open(s) ?: scale_device(s, false);
}

void scale_close(struct scale *s)
{
	scale_device_close(s);
	scale_disconnect(s, 0);
	close(s->epoll);
	close(s->file);
	munmap(s->pattern, SCALE_SIZE);
	free(s->args);
}

static int peer_connect(struct scale_peer *p, int listener,
			const struct sockaddr_in *addr)
{
	/* No farewell: thousands of sockets in TIME_WAIT are of no use. */
	struct linger linger = { .l_onoff = 1 };

	memset(p, 0, sizeof(*p));
	p->tx = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (p->tx < 0 || connect(p->tx, (void *)addr, sizeof(*addr)))
		return -errno;
	p->rx = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (p->rx < 0)
		return -errno;
	if (setsockopt(p->tx, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) ||
	    setsockopt(p->rx, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)))
		return -errno;
	return 0;
}

int scale_connect(struct scale *s, unsigned int nr, int rcvbuf)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), ret = 0;
	socklen_t len = sizeof(addr);

	s->peers = realloc(s->peers, (s->nr + nr) * sizeof(*s->peers));
	if (!s->peers)
		return -ENOMEM;
	/* The connections inherit it, and offer no larger window at their start. */
	if (rcvbuf)
		setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf));
	if (bind(listener, (void *)&addr, len) || listen(listener, 16) ||
	    getsockname(listener, (void *)&addr, &len))
		ret = -errno;
	for (; !ret && nr; nr--, s->nr++)
		ret = peer_connect(&s->peers[s->nr], listener, &addr);
	close(listener);
	return ret;
}

void scale_disconnect(struct scale *s, unsigned int first)
{
	unsigned int i;

	for (i = first; i < s->nr; i++) {
		close(s->peers[i].tx);
		close(s->peers[i].rx);
	}
	if (first < s->nr)
		s->nr = first;
}

uint64_t scale_offset(unsigned int i)
{
	/* Neither pages nor blocks. */
	uint64_t off = i * 12345ull % (4 * MIB);

	return i & 1 ? SCALE_COLD + off : off;
}

static struct io_uring_sqe *sqe_get(struct scale *s)
{
	if (s->queued == ENTRIES && scale_flush(s))
		return NULL;
	return io_uring_get_sqe(&s->ring);
}

static int uring_submit(struct scale *s, const struct zc_sendfile *arg)
{
	struct io_uring_sqe *sqe = sqe_get(s);
	struct zc_sendfile *copy = &s->args[s->queued];

	if (!sqe)
		return -EBUSY;
	*copy = *arg;
	zct_uring_prep(sqe, s->fd, ZC_IOC_SENDFILE, copy, sizeof(*copy));
	sqe->user_data = arg->user_data;
	s->queued++;
	return 0;
}

int scale_submit(struct scale *s, unsigned int peer, unsigned int nr,
		 uint64_t offset, uint64_t len)
{
	struct zc_sendfile arg = {
		.in_fd = s->file,
		.out_fd = s->peers[peer].tx,
		.offset = offset,
		.len = len,
		.flags = s->uring ? 0 : ZC_SEND_ASYNC,
		.user_data = (uint64_t)peer << s->shift | nr,
	};

	if (s->uring)
		return uring_submit(s, &arg);
	return zct_ioctl(s->fd, ZC_IOC_SENDFILE, &arg);
}

int scale_flush(struct scale *s)
{
	int ret = 0;

	while (s->uring && s->queued) {
		ret = io_uring_submit(&s->ring);
		if (ret <= 0)
			return ret ?: -EBUSY;
		s->queued -= ret;
	}
	return 0;
}

int scale_receive(struct scale *s, unsigned int first, unsigned int last)
{
	struct epoll_event ev = { .events = EPOLLIN };

	for (ev.data.u32 = first; ev.data.u32 < last; ev.data.u32++)
		if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->peers[ev.data.u32].rx, &ev))
			return -errno;
	return 0;
}

/* A transfer has ended. */
static void take_end(struct scale *s, uint64_t user_data, int error, uint64_t sent)
{
	uint64_t peer = user_data >> s->shift, nr = user_data & ((1ull << s->shift) - 1);
	struct scale_peer *p = &s->peers[peer];

	s->done++;
	if (peer >= s->nr || (s->shift && nr != p->next)) {
		s->failed++;
		return;
	}
	p->events++;
	p->next = nr + 1;
	p->sent += sent;
	if (error == ECANCELED) {
		s->canceled++;
	} else if (error) {
		s->failed++;
		s->error = error;
	}
}

static unsigned int take_events(struct scale *s)
{
	static struct zc_event events[EVENTS];
	ssize_t len = read(s->fd, events, sizeof(events)), i;

	if (len <= 0)
		return 0;
	for (i = 0; i < len / (ssize_t)sizeof(*events); i++) {
		if (events[i].type == ZC_EVENT_RELEASED)
			s->released++;
		else
			take_end(s, events[i].user_data, events[i].error,
				 events[i].sent);
	}
	return i;
}

static unsigned int take_completions(struct scale *s)
{
	struct io_uring_cqe *cqe;
	unsigned int nr;

	for (nr = 0; s->uring && !io_uring_peek_cqe(&s->ring, &cqe); nr++) {
		take_end(s, cqe->user_data, cqe->res < 0 ? -cqe->res : 0,
			 cqe->res < 0 ? 0 : cqe->res);
		io_uring_cqe_seen(&s->ring, cqe);
	}
	return nr;
}

static void take_bytes(struct scale *s, struct scale_peer *p)
{
	static unsigned char buf[1 << 17];
	size_t max = p->chunk ?: sizeof(buf);
	ssize_t len = recv(p->rx, buf, max, MSG_DONTWAIT);

	if (len <= 0)
		return;
	if (p->at + len > SCALE_SIZE || memcmp(buf, s->pattern + p->at, len))
		s->wrong++;
	p->at += len;
	p->bytes += len;
	s->bytes += len;
}

void scale_turn(struct scale *s, int ms)
{
	struct epoll_event ev[EVENTS], dev = { .events = EPOLLIN, .data.u32 = DEVICE };
	int i, nr;

	/* Not only when their turn comes among ten thousand sockets. */
	while (take_events(s))
		ms = 0;
	if (take_completions(s))
		ms = 0;
	else if (s->uring && ms > 5)
		ms = 5;
	/* It is another one after scale_device(). */
	epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->fd, &dev);
	nr = epoll_wait(s->epoll, ev, EVENTS, ms);
	for (i = 0; i < nr; i++) {
		if (ev[i].data.u32 != DEVICE)
			take_bytes(s, &s->peers[ev[i].data.u32]);
	}
}

bool scale_until(struct scale *s, unsigned int done, uint64_t bytes, int ms)
{
	uint64_t end = zct_now_ms() + ms;

	while (s->done < done || s->bytes < bytes) {
		if (zct_now_ms() > end)
			return false;
		scale_turn(s, 100);
	}
	return true;
}
