// SPDX-License-Identifier: GPL-2.0-only
/*
 * What may befall a benchmark, to be preloaded into zcctl. By $HARM:
 *   killed N  the process that is forked as number N is killed before it does anything
 *   stranger  wherever somebody listens, another process is the first to connect; and who
 *             listens to all the world is ended
 *   named     all files have names, as where there is no O_TMPFILE
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *harm(const char *what)
{
	const char *text = getenv("HARM");
	size_t len = strlen(what);

	return text && !strncmp(text, what, len) ? text + len : NULL;
}

pid_t fork(void)
{
	typeof(fork) *real = dlsym(RTLD_NEXT, "fork");
	static int nr;
	const char *which = harm("killed ");
	pid_t pid = real();

	nr++;
	if (!pid && which && atoi(which) == nr)
		raise(SIGKILL);
	return pid;
}

int openat(int dir, const char *name, int flags, ...)
{
	typeof(openat) *real = dlsym(RTLD_NEXT, "openat");
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	if ((flags & O_TMPFILE) == O_TMPFILE && harm("named")) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return real(dir, name, flags, mode);
}

int listen(int fd, int backlog)
{
	typeof(listen) *real = dlsym(RTLD_NEXT, "listen");
	struct sockaddr_in addr = { .sin_family = AF_INET };
	socklen_t len = sizeof(addr);
	int err = real(fd, backlog), stranger;

	if (err || !harm("stranger"))
		return err;
	if (getsockname(fd, (struct sockaddr *)&addr, &len) ||
	    addr.sin_addr.s_addr != htonl(INADDR_LOOPBACK)) {
		fputs("harm: it listens to all the world\n", stderr);
		_exit(99);
	}
	/* Open until the end of the process */
	stranger = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return connect(stranger, (struct sockaddr *)&addr, len);
}
