// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * sendfile() and sendfile64() in the place of the C library's: what zc can do goes to zc, and
 * all else, and all that zc refuses, to the C library. <sys/sendfile.h> is not included, as
 * it would give the one the name of the other.
 */
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/zc.h>

#include "preload.h"

#define EXPORT	__attribute__((visibility("default")))

/* The kernel takes no more by one call. */
#define COUNT_MAX	0x7ffff000

typedef ssize_t sendfile_fn(int out, int in, int64_t *offset, size_t count);

/**
 * struct piece - what is to be sent
 * @out:   socket
 * @in:    file
 * @pos:   where it begins in the file
 * @count: bytes
 * @own:   the file's own position is to be advanced
 */
struct piece {
	int out;
	int in;
	int64_t pos;
	size_t count;
	bool own;
};

static ssize_t by_syscall(int out, int in, int64_t *offset, size_t count)
{
#ifdef SYS_sendfile64
	return syscall(SYS_sendfile64, out, in, offset, count);
#else
	return syscall(SYS_sendfile, out, in, offset, count);
#endif
}

/*
 * The C library's, or that of another library in the same place. Found when this one is loaded:
 * later on the loader's lock may be held, by who waits for this thread.
 */
static sendfile_fn *next_one(void)
{
	static atomic_uintptr_t next;
	sendfile_fn *fn = (sendfile_fn *)atomic_load(&next);

	if (!fn) {
		fn = (sendfile_fn *)dlsym(RTLD_NEXT, "sendfile64");
		if (!fn)
			fn = by_syscall;
		atomic_store(&next, (uintptr_t)fn);
	}
	return fn;
}

static ssize_t by_kernel(int out, int in, int64_t *offset, size_t count, enum count why)
{
	log_count(COUNT_KERNEL, 1);
	log_count(why, why != COUNT_KERNEL);
	return next_one()(out, in, offset, count);
}

static bool is_tcp(int fd)
{
	int protocol;
	socklen_t len = sizeof(protocol);

	return !getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) &&
	       protocol == IPPROTO_TCP;
}

/*
 * Is it better left to the kernel? Pieces of a file that come one after the other are read
 * ahead by the kernel, and not by zc; but the last one goes the way of the others, and so does the
 * rest of one.
 */
static bool is_small(const struct stat *st, const struct piece *p)
{
	if (S_ISBLK(st->st_mode))
		return p->count < settings.min;
	if ((uint64_t)st->st_size < settings.min)
		return true;
	return p->count < settings.min && p->pos + (int64_t)p->count < st->st_size &&
	       !rest_is(p->out, p->in, p->pos);
}

/*
 * What is the kernel to say of it? COUNT_ZC: nothing. An answer to a call that is wrong is the
 * kernel's, too.
 */
static enum count look(struct piece *p, const int64_t *offset, struct stat *st)
{
	if ((ssize_t)p->count <= 0)
		return COUNT_SMALL;
	if (!is_tcp(p->out))
		return COUNT_SOCKET;
	if (fstat(p->in, st) || !(S_ISREG(st->st_mode) || S_ISBLK(st->st_mode)))
		return COUNT_FILE;
	p->pos = p->own ? lseek(p->in, 0, SEEK_CUR) : *offset;
	if (p->pos < 0 || p->pos > INT64_MAX - COUNT_MAX)
		return COUNT_FILE;
	return is_small(st, p) ? COUNT_SMALL : COUNT_ZC;
}

static uint32_t flags_of(const struct stat *st, const struct piece *p)
{
	uint32_t flags = p->own ? ZC_SEND_POS : 0;

	switch (settings.mode) {
	case MODE_DIRECT:
		return flags | ZC_SEND_DIRECT;
	case MODE_CACHED:
		return flags | ZC_SEND_CACHED;
	default:
		return S_ISREG(st->st_mode) && again_is(st, !p->pos) ? flags | ZC_SEND_CACHED :
								       flags;
	}
}

/*
 * Was it zc that refused, and nothing done? Of the rest the kernel would say the same, if it was
 * asked; but the error of a socket it tells once, and then EPIPE, with SIGPIPE.
 */
static bool is_refusal(int err)
{
	switch (err) {
	case EAGAIN:
	case EINTR:
	case EIO:
	case EACCES:
	case EPIPE:
	case EMSGSIZE:
	case ENOTCONN:
	case ECONNREFUSED:
	case ECONNRESET:
	case ECONNABORTED:
	case ETIMEDOUT:
	case ENETDOWN:
	case ENETUNREACH:
	case EHOSTDOWN:
	case EHOSTUNREACH:
	case ENONET:
	case ENOPROTOOPT:
	case EPROTO:
		return false;
	default:
		return true;
	}
}

/* Returns bytes sent, or -1 with errno. */
static ssize_t by_zc(int device, struct piece *p, const struct stat *st)
{
	struct zc_sendfile arg = {
		.in_fd = p->in,
		.out_fd = p->out,
		.offset = p->own ? 0 : p->pos,
		.len = p->count < COUNT_MAX ? p->count : COUNT_MAX,
		.flags = flags_of(st, p),
	};

	if (ioctl(device, ZC_IOC_SENDFILE, &arg))
		return -1;
	p->pos = arg.offset;
	rest_set(p->out, p->in, p->pos, arg.sent < p->count);
	log_count(COUNT_ZC, 1);
	log_count(COUNT_BYTES, arg.sent);
	log_count(COUNT_COPIED, arg.copied);
	log_count(COUNT_CACHED, arg.cached);
	return arg.sent;
}

static ssize_t send_file(int out, int in, int64_t *offset, size_t count)
{
	struct piece p = { .out = out, .in = in, .count = count, .own = !offset };
	int device, err = errno;
	enum count why;
	struct stat st;
	ssize_t sent;

	why = settings.mode == MODE_OFF ? COUNT_KERNEL : look(&p, offset, &st);
	device = why == COUNT_ZC ? device_get() : -1;
	if (why == COUNT_ZC && device < 0)
		why = COUNT_DEVICE;
	if (why != COUNT_ZC) {
		errno = err;
		return by_kernel(out, in, offset, count, why);
	}
	sent = by_zc(device, &p, &st);
	if (sent < 0) {
		if (!is_refusal(errno))
			return -1;
		errno = err;
		return by_kernel(out, in, offset, count, COUNT_REFUSED);
	}
	if (offset)
		*offset = p.pos;
	errno = err;
	return sent;
}

EXPORT ssize_t sendfile64(int out, int in, int64_t *offset, size_t count)
{
	return send_file(out, in, offset, count);
}

/* Of 32-bit programs that know no large files. */
EXPORT ssize_t sendfile(int out, int in, long *offset, size_t count)
{
	int64_t pos = offset ? *offset : 0;
	ssize_t sent = send_file(out, in, offset ? &pos : NULL, count);

	if (offset)
		*offset = pos;
	return sent;
}

__attribute__((constructor)) static void load(void)
{
	int err = errno;

	next_one();
	settings_read();
	again_load();
	kept_load();
	log_open();
	if (settings.mode != MODE_OFF)
		device_open();
	errno = err;
}
