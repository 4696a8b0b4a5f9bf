// SPDX-License-Identifier: GPL-2.0-only
/* The tables of descriptors and buffers, and calls that are for any descriptor. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "fuzz.h"

static int fds[FD_KINDS][FDS];
static struct known own[FDS][BUFS];

void fds_init(void)
{
	memset(fds, 0xff, sizeof(fds));
}

long result(long ret)
{
	return ret < 0 ? -errno : ret;
}

int fd_get(enum fd_kind kind, unsigned int slot)
{
	return __atomic_load_n(&fds[kind][slot], __ATOMIC_RELAXED);
}

int fd_take(enum fd_kind kind, unsigned int slot)
{
	/* All processes have these as long as they live. */
	if (kind == FD_DEV && slot < SHARED_DEVS)
		return -1;
	return __atomic_exchange_n(&fds[kind][slot], -1, __ATOMIC_RELAXED);
}

void fd_put(enum fd_kind kind, unsigned int slot, int fd)
{
	int old = __atomic_exchange_n(&fds[kind][slot], fd, __ATOMIC_RELAXED);

	if (old >= 0)
		close(old);
	if (kind == FD_DEV && slot >= SHARED_DEVS)
		memset(own[slot], 0, sizeof(own[slot]));
}

/* In the place of another one, if there is one. */
void fd_keep(struct thread *t, enum fd_kind kind, int fd)
{
	unsigned int first = kind == FD_DEV ? SHARED_DEVS : 0, slot;

	slot = first + below(t, FDS - first);
	fd_put(kind, slot, fd);
}

static int fd_some(struct thread *t, enum fd_kind kind)
{
	unsigned int slot = below(t, FDS), i;

	for (i = 0; i < FDS; i++) {
		int fd = fd_get(kind, (slot + i) % FDS);

		if (fd >= 0)
			return fd;
	}
	return -1;
}

int fd_value(struct thread *t, enum fd_kind kind)
{
	int fd;

	switch (below(t, 48)) {
	case 0:
		/* But for those that the fuzzer itself writes to. */
		fd = edge_value(t);
		return fd >= 0 && fd <= STDERR_FILENO ? -1 : fd;
	case 1 ... 2:
		return fd_some(t, below(t, FD_KINDS));
	default:
		return fd_some(t, kind);
	}
}

/* The shared ones half of the time. */
unsigned int dev_value(struct thread *t)
{
	unsigned int dev = below(t, 2 * FDS);

	if (dev >= FDS || fd_get(FD_DEV, dev) < 0)
		return dev % SHARED_DEVS;
	return dev;
}

struct known *dev_bufs(unsigned int dev)
{
	return dev < SHARED_DEVS ? shared->buf[dev] : own[dev];
}

void buf_keep(struct thread *t, unsigned int dev, const struct known *buf)
{
	struct known *slot = &dev_bufs(dev)[below(t, BUFS)];
	struct zc_buf_destroy old = { .handle = slot->handle };

	*slot = *buf;
	if (old.handle && old.handle != buf->handle)
		ioctl(fd_get(FD_DEV, dev), ZC_IOC_BUF_DESTROY, &old);
}

void buf_forget(unsigned int dev, uint32_t handle)
{
	struct known *buf = dev_bufs(dev);
	unsigned int i;

	for (i = 0; i < BUFS; i++)
		if (buf[i].handle == handle)
			buf[i].handle = 0;
}

const struct known *buf_value(struct thread *t, unsigned int dev)
{
	const struct known *buf = dev_bufs(dev);
	unsigned int at = below(t, BUFS), i;

	for (i = 0; i < BUFS; i++)
		if (buf[(at + i) % BUFS].handle)
			return &buf[(at + i) % BUFS];
	return buf;
}

static long do_open(struct thread *t, const void *data)
{
	static const int how[] = { O_RDWR, O_RDWR, O_RDWR, O_RDWR, O_RDONLY, O_WRONLY };
	int flags = how[below(t, sizeof(how) / sizeof(*how))], fd;

	if (!one_in(t, 8))
		flags |= O_NONBLOCK;
	fd = open("/dev/zc", flags | O_CLOEXEC);
	if (fd >= 0)
		fd_keep(t, FD_DEV, fd);
	return result(fd);
}

static long do_close(struct thread *t, const void *data)
{
	int fd = fd_take(below(t, FD_KINDS), below(t, FDS));

	return result(close(fd));
}

/* Another descriptor of the same open file, which comes and goes. */
static long do_dup(struct thread *t, const void *data)
{
	int fd = dup(fd_value(t, below(t, 4) ? FD_DEV : below(t, FD_KINDS)));

	return result(fd < 0 ? fd : close(fd));
}

static long do_read(struct thread *t, const void *data)
{
	size_t size = one_in(t, 8) ? below(t, 512) : (1 + below(t, 32)) * sizeof(struct zc_event);
	static const char zeros[32 * sizeof(struct zc_event)];
	struct place at = place(t, zeros, size);

	return result(read(fd_value(t, FD_DEV), at.user, size));
}

static long do_poll(struct thread *t, const void *data)
{
	struct pollfd p[3];
	unsigned int i;

	for (i = 0; i < 3; i++)
		p[i] = (struct pollfd) { .fd = fd_value(t, FD_DEV), .events = word(t) };
	return result(poll(p, 1 + below(t, 3), one_in(t, 64) ? 5 : 0));
}

/* What a device file is not for. */
static long do_odd(struct thread *t, const void *data)
{
	int fd = fd_value(t, one_in(t, 3) ? FD_SHARE : FD_DEV);
	uint64_t size = size_value(t);
	off_t off = 0;

	switch (below(t, 9)) {
	case 0:
		return result(lseek(fd, size, below(t, 5)));
	case 1:
		return result(ftruncate(fd, size));
	case 2:
		return result(fallocate(fd, below(t, 4), 0, size));
	case 3:
		return result(write(fd, t->arg, below(t, 128)));
	case 4:
		return result(pread(fd, t->arg, below(t, 128), size));
	case 5:
		return result(sendfile(fd_value(t, FD_SOCK), fd, &off, PAGE));
	case 6:
		return result(fcntl(fd, F_SETFL, one_in(t, 4) ? 0 : O_NONBLOCK | O_ASYNC));
	case 7:
		return result(splice(fd, NULL, fd_value(t, FD_PIPE), NULL, PAGE,
				     SPLICE_F_NONBLOCK));
	default:
		return result(fsync(fd));
	}
}

/* Interrupt another thread, or this one. */
static long do_interrupt(struct thread *t, const void *data)
{
	return result(syscall(SYS_tgkill, getpid(), getpid() + below(t, 8), SIGALRM));
}

/* A child has all that its parent has, and gives it back in an order of its own. */
static void child(struct thread *t)
{
	unsigned int kind = below(t, FD_KINDS + 1), slot;
	size_t len;

	for (slot = 0; kind < FD_KINDS && slot < FDS; slot++)
		close(fd_get(kind, slot));
	if (one_in(t, 2)) {
		void *addr = arena_addr(t, &len);

		syscall(SYS_munmap, addr, len);
	}
	if (one_in(t, 4))
		raise(SIGKILL);
	_exit(0);
}

static long do_fork(struct thread *t, const void *data)
{
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (!pid)
		child(t);
	while (waitpid(pid, NULL, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

static long do_param(struct thread *t, const void *data)
{
	static const char *const names[] = {
		"max_bytes", "held_after", "idle_after", "copybreak", "depth", "uring_life",
		"reserve",
	};
	char path[64], text[256];
	long ret;
	int fd;

	snprintf(path, sizeof(path), "/sys/module/zc/parameters/%s",
		 names[below(t, sizeof(names) / sizeof(*names))]);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = result(read(fd, text, sizeof(text)));
	close(fd);
	return ret;
}

const struct call fd_calls[] = {
	{ "open", 8, do_open },
	{ "close", 10, do_close },
	{ "dup", 20, do_dup },
	{ "read", 40, do_read },
	{ "poll", 30, do_poll },
	{ "odd", 20, do_odd },
	{ "interrupt", 10, do_interrupt },
	{ "fork", 1, do_fork },
	{ "param", 2, do_param },
	{ }
};
