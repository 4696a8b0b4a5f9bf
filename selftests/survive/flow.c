// SPDX-License-Identifier: GPL-2.0-only
/* Streams that go on until they are told to end. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flow.h"
#include "zc_uring.h"

const char *const flow_names[FLOW_WAYS] = {
	[FLOW_AUTO] = "auto", [FLOW_DIRECT] = "direct", [FLOW_CACHED] = "cached",
	[FLOW_ASYNC] = "async", [FLOW_URING] = "io_uring", [FLOW_SEALED] = "sealed",
	[FLOW_BUFFER] = "buffer",
};

unsigned int flow_seed(void)
{
	const char *val = getenv("ZC_SEED");

	return val && *val ? strtoul(val, NULL, 0) : 1;
}

/* A buffer with the pattern, made when it is first wanted. */
static int buffer(struct flow_sender *s, bool sealed, uint32_t *handle)
{
	struct zc_buf_create buf;
	void *map;
	int ret;

	*handle = s->buf[sealed];
	if (*handle)
		return 0;
	ret = zct_create(s->fd, FLOW_SIZE, ZC_BUF_SMALL_OK, ZC_NODE_ANY, &buf);
	if (ret)
		return ret;
	map = zct_map(s->fd, &buf);
	if (map == MAP_FAILED)
		return -errno;
	zct_pattern(map, 0, FLOW_SIZE);
	munmap(map, buf.size);
	ret = sealed ? zct_seal(s->fd, buf.handle) : 0;
	s->buf[sealed] = buf.handle;
	*handle = buf.handle;
	return ret;
}

/* The end of the last asynchronous transfer; other events are of no interest. */
static int wait_event(struct flow_sender *s, uint64_t *sent)
{
	struct zc_event ev;

	do {
		if (read(s->fd, &ev, sizeof(ev)) != sizeof(ev)) {
			if (errno != EINTR)
				return -errno;
			ev.type = 0;
		}
	} while (ev.type != ZC_EVENT_DONE);
	*sent = ev.sent;
	return -ev.error;
}

static int by_ring(struct flow_sender *s, const struct zc_sendfile *arg, uint64_t *sent)
{
	struct io_uring_cqe *cqe;
	int ret;

	if (!s->rings) {
		ret = io_uring_queue_init(4, &s->ring, 0);
		if (ret)
			return ret;
		s->rings = true;
	}
	zct_uring_prep(io_uring_get_sqe(&s->ring), s->fd, ZC_IOC_SENDFILE, arg, sizeof(*arg));
	do {
		ret = io_uring_submit(&s->ring);
	} while (ret == -EINTR);
	if (ret != 1)
		return ret < 0 ? ret : -EPROTO;
	do {
		ret = io_uring_wait_cqe(&s->ring, &cqe);
	} while (ret == -EINTR);
	if (ret)
		return ret;
	ret = cqe->res;
	io_uring_cqe_seen(&s->ring, cqe);
	*sent = ret > 0 ? ret : 0;
	return ret > 0 ? 0 : ret;
}

static int send_file(struct flow_sender *s, enum flow_way way, uint64_t len, uint64_t *sent)
{
	static const uint32_t flags[FLOW_WAYS] = {
		[FLOW_DIRECT] = ZC_SEND_DIRECT, [FLOW_CACHED] = ZC_SEND_CACHED,
		[FLOW_ASYNC] = ZC_SEND_ASYNC,
	};
	struct zc_sendfile arg = {
		.in_fd = s->file, .out_fd = s->sock, .offset = s->at, .len = len,
		.flags = flags[way] | ZC_SEND_NOSIGNAL,
	};
	int ret;

	if (way == FLOW_URING)
		return by_ring(s, &arg, sent);
	ret = zct_ioctl(s->fd, ZC_IOC_SENDFILE, &arg);
	if (!ret && way == FLOW_ASYNC)
		return wait_event(s, sent);
	*sent = arg.sent;
	return ret ?: -arg.error;
}

static int send_buffer(struct flow_sender *s, enum flow_way way, uint64_t len, uint64_t *sent)
{
	struct zc_send arg = {
		.out_fd = s->sock, .offset = s->at, .len = len,
		.flags = ZC_SEND_NOSIGNAL | (way == FLOW_BUFFER ? ZC_SEND_ASYNC : 0),
	};
	int ret = buffer(s, way == FLOW_SEALED, &arg.handle);

	ret = ret ?: zct_ioctl(s->fd, ZC_IOC_SEND, &arg);
	if (!ret && way == FLOW_BUFFER)
		return wait_event(s, sent);
	*sent = arg.sent;
	return ret ?: -arg.error;
}

int flow_send(struct flow_sender *s, enum flow_way way, uint64_t len)
{
	while (len) {
		uint64_t n = FLOW_SIZE - s->at < len ? FLOW_SIZE - s->at : len, sent = 0;
		int ret = way < FLOW_SEALED ? send_file(s, way, n, &sent) :
					      send_buffer(s, way, n, &sent);

		s->at = (s->at + sent) % FLOW_SIZE;
		s->count->sent += sent;
		len -= sent;
		/* No memory, nor room below max_bytes, which others change: there may be later. */
		if (ret == -ENOMEM || ret == -ENOBUFS || ret == -ENOSPC) {
			s->count->again++;
			usleep(2000);
		} else if (ret && ret != -EINTR) {
			return ret;
		} else if (!ret && !sent) {
			return -ENODATA;
		}
	}
	s->count->sends++;
	return 0;
}

uint64_t flow_len(unsigned int *seed)
{
	static const uint64_t most[] = { 1000, 65536, 65536, 4 * MIB };

	return 1 + rand_r(seed) % most[rand_r(seed) % 4];
}

void flow_sender_close(struct flow_sender *s)
{
	if (s->rings)
		io_uring_queue_exit(&s->ring);
	s->rings = false;
	close(s->fd);
}

int flow_loopback(int *sock, void *data)
{
	return zct_pair(AF_INET, sock);
}

void fds_close_but(int one, int other)
{
	int fd;

	for (fd = 3; fd < 1024; fd++)
		if (fd != one && fd != other)
			close(fd);
}

static int sender_main(struct flow *f, int file, int sock, unsigned int seed)
{
	struct flow_sender s = { .file = file, .sock = sock, .seed = seed, .count = f->count };
	int ret = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fds_close_but(file, sock);
	s.fd = zct_open();
	if (s.fd < 0)
		ret = -errno;
	while (!ret && !__atomic_load_n(f->stop, __ATOMIC_RELAXED)) {
		/* Hot, cold, or a part of it. */
		if (!(rand_r(&s.seed) % 16))
			posix_fadvise(file, rand_r(&s.seed) % FLOW_SIZE, 0,
				      POSIX_FADV_DONTNEED);
		ret = flow_send(&s, f->way, flow_len(&s.seed));
	}
	f->count->error = -ret;
	shutdown(sock, SHUT_WR);
	flow_sender_close(&s);
	return 0;
}

int flow_start(struct flow *f, enum flow_way way, int file, const int *sock, unsigned int seed)
{
	char *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED)
		return -errno;
	f->way = way;
	f->count = (void *)shared;
	f->stop = (void *)(shared + 2048);
	f->pid = fork();
	if (!f->pid)
		_exit(sender_main(f, file, sock[0], seed));
	close(sock[0]);
	if (f->pid < 0)
		return -errno;
	f->rx = (struct zct_rx){ .sock = sock[1], .check = true, .wrap = FLOW_SIZE };
	zct_rx_start(&f->rx);
	return 0;
}

void flow_stop(struct flow *f)
{
	__atomic_store_n(f->stop, true, __ATOMIC_RELAXED);
}

void flow_leave(struct flow *f)
{
	__atomic_store_n(&f->rx.over, true, __ATOMIC_RELAXED);
	shutdown(f->rx.sock, SHUT_RD);
	zct_rx_join(&f->rx);
	close(f->rx.sock);
	f->rx.sock = -1;
}

void flow_reset(struct flow *f)
{
	struct linger linger = { .l_onoff = 1 };

	setsockopt(f->rx.sock, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	flow_leave(f);
}

bool flow_over(pid_t sender, const struct zct_rx *rx)
{
	siginfo_t info = { 0 };

	return (rx->sock < 0 || __atomic_load_n(&rx->done, __ATOMIC_ACQUIRE)) &&
	       !waitid(P_PID, sender, &info, WEXITED | WNOHANG | WNOWAIT) &&
	       info.si_pid == sender;
}

static bool is_one_of(int error, const int *errors)
{
	for (; errors && *errors; errors++)
		if (error == *errors)
			return true;
	return !error && !errors;
}

bool flow_join(struct flow *f, const int *errors)
{
	struct flow_count count;
	bool good, killed;
	int status;

	waitpid(f->pid, &status, 0);
	if (f->rx.sock >= 0) {
		zct_rx_join(&f->rx);
		close(f->rx.sock);
	}
	count = *f->count;
	munmap(f->count, 4096);
	killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	good = f->rx.bad < 0 && (killed || (!status && is_one_of(count.error, errors) &&
					    (errors || f->rx.bytes == count.sent)));
	if (!good)
		printf("# %s: %llu bytes sent, %llu came, wrong at %lld, errno %d, status %#x\n",
		       flow_names[f->way], (unsigned long long)count.sent,
		       (unsigned long long)f->rx.bytes, (long long)f->rx.bad, count.error,
		       status);
	return good;
}

int flows_start(struct flows *fl, flow_connect connect, void *data, unsigned int seed)
{
	int sock[2], ret, way;

	fl->file = zct_pattern_file(FLOW_FILE, FLOW_SIZE);
	if (fl->file < 0)
		return -EIO;
	for (way = 0; way < FLOW_WAYS; way++) {
		ret = connect(sock, data);
		ret = ret ?: flow_start(&fl->of[way], way, fl->file, sock, seed + way);
		if (ret)
			return ret;
	}
	return 0;
}

static uint64_t received(const struct flow *f)
{
	return __atomic_load_n(&f->rx.bytes, __ATOMIC_RELAXED);
}

bool flows_move(struct flows *fl, uint64_t bytes, int ms)
{
	uint64_t until[FLOW_WAYS], end = zct_now_ms() + ms;
	int way;

	for (way = 0; way < FLOW_WAYS; way++)
		until[way] = received(&fl->of[way]) + bytes;
	for (way = 0; way < FLOW_WAYS; way++) {
		while (received(&fl->of[way]) < until[way]) {
			if (zct_now_ms() > end) {
				printf("# %s: stands still at %llu bytes\n", flow_names[way],
				       (unsigned long long)received(&fl->of[way]));
				return false;
			}
			usleep(5000);
		}
	}
	return true;
}

uint64_t flows_again(const struct flows *fl)
{
	uint64_t again = 0;
	int way;

	for (way = 0; way < FLOW_WAYS; way++)
		again += fl->of[way].count->again;
	return again;
}

bool flows_end(struct flows *fl)
{
	bool good = true;
	int way;

	for (way = 0; way < FLOW_WAYS; way++)
		flow_stop(&fl->of[way]);
	for (way = 0; way < FLOW_WAYS; way++)
		good &= flow_join(&fl->of[way], NULL);
	close(fl->file);
	unlink(FLOW_FILE);
	return good;
}
