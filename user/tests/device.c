// SPDX-License-Identifier: GPL-2.0-only
/*
 * A /dev/zc for tests of libzc-sendfile.so where there is none: what it is asked to send goes
 * by the kernel's sendfile. FAKE_ERRNO: it refuses all, with that. FAKE_NONE: there is none.
 * FAKE_MOST: it sends no more bytes at once, as if the socket was full.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/zc.h>

/* Of the real function only what the library asks for. */
int open64(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = va_arg(ap, mode_t);
	va_end(ap);
	if (strcmp(path, "/dev/zc"))
		return syscall(SYS_openat, AT_FDCWD, path, flags | O_LARGEFILE, mode);
	if (getenv("FAKE_NONE")) {
		errno = ENOENT;
		return -1;
	}
	return memfd_create("zc", MFD_CLOEXEC);
}

static int fake_sendfile(struct zc_sendfile *arg)
{
	const char *most = getenv("FAKE_MOST");
	off_t at = arg->offset;
	ssize_t n;

	if (most && arg->len > (uint64_t)atoi(most))
		arg->len = atoi(most);
	n = syscall(SYS_sendfile, arg->out_fd, arg->in_fd,
		    arg->flags & ZC_SEND_POS ? NULL : &at, arg->len);
	if (n < 0)
		return -1;
	arg->sent = n;
	arg->offset = arg->flags & ZC_SEND_POS ? lseek(arg->in_fd, 0, SEEK_CUR) : at;
	arg->cached = arg->flags & ZC_SEND_CACHED ? n : 0;
	return 0;
}

int ioctl(int fd, unsigned long request, ...)
{
	const char *refuses = getenv("FAKE_ERRNO");
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (request != ZC_IOC_SENDFILE)
		return syscall(SYS_ioctl, fd, request, arg);
	if (refuses) {
		errno = atoi(refuses);
		return -1;
	}
	return fake_sendfile(arg);
}
