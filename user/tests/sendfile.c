// SPDX-License-Identifier: GPL-2.0-only
/*
 * What sendfile(2) promises, asked of whatever sendfile() there is: the C library's, or that of
 * libzc-sendfile.so. A program like others, that knows nothing of zc. TAP output.
 * usage: test-sendfile [FOLDER]
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "peer.h"

#define ODD	12345u

static char name[4096], small_name[4096];

/* It has signals handled later than they come, and calls the kernel for itself. */
#ifdef __SANITIZE_THREAD__
#define SANITIZED	true
#else
#define SANITIZED	false
#endif

/* Without SA_RESTART */
static void catch(int sig, void (*handler)(int))
{
	struct sigaction sa = { .sa_handler = handler };

	sigaction(sig, &sa, NULL);
}

static void test_range(const char *what, off_t pos, size_t count, size_t want)
{
	int in = open_file(name), out;
	struct receiver r;
	off_t at = pos;
	ssize_t n;

	out = begin(&r, pos);
	errno = ENOTRECOVERABLE;
	n = sendfile(out, in, &at, count);
	test(what, n == (ssize_t)want && at == pos + n && errno == ENOTRECOVERABLE &&
	     lseek(in, 0, SEEK_CUR) == 0 && end(&r, out, want));
	close(in);
}

static void test_position(void)
{
	int in = open_file(name), out;
	struct receiver r;
	ssize_t n;

	lseek(in, ODD, SEEK_SET);
	out = begin(&r, ODD);
	n = sendfile(out, in, NULL, 1u << 20);
	test("without an offset the file's position moves on",
	     n == 1u << 20 && lseek(in, 0, SEEK_CUR) == ODD + n);
	n = sendfile(out, in, NULL, SIZE);
	test("up to the end of the file",
	     n == SIZE - ODD - (1u << 20) && lseek(in, 0, SEEK_CUR) == SIZE);
	n = sendfile(out, in, NULL, SIZE);
	test("where there is nothing more", n == 0 && end(&r, out, SIZE - ODD));
	close(in);
}

/* The whole of a file to a socket that does not block, by so many bytes at once. */
static void test_nonblock(const char *what, size_t count)
{
	int in = open_file(name), out, fulls = 0;
	struct receiver r;
	off_t at = 0;
	ssize_t n;

	out = begin_slowly(&r, 0);
	fcntl(out, F_SETFL, O_NONBLOCK);
	do {
		off_t was = at;

		n = sendfile(out, in, &at, count);
		if (n < 0 && errno != EAGAIN)
			break;
		if (n < 0 ? at != was : at != was + n)
			break;
		if (n < 0) {
			fulls++;
			usleep(1000);
		}
	} while (n);
	test(what, n == 0 && fulls && at == SIZE && end(&r, out, SIZE));
	close(in);
}

/* Fill a socket that nobody reads from. */
static void fill(int out, int in)
{
	off_t at;

	fcntl(out, F_SETFL, O_NONBLOCK);
	do
		at = 0;
	while (sendfile(out, in, &at, SIZE) > 0);
}

static void test_full(void)
{
	struct timeval half = { .tv_usec = 500000 };
	struct itimerval timer = { .it_value = half, .it_interval = half };
	int in = open_file(name), fds[2];
	off_t at = 0;
	ssize_t n;

	tcp_pair(fds);
	fill(fds[0], in);
	test("a full socket: EAGAIN, and the offset is as it was",
	     sendfile(fds[0], in, &at, SIZE) < 0 && errno == EAGAIN && at == 0);
	fcntl(fds[0], F_SETFL, 0);
	catch(SIGALRM, on_signal);
	signals = 0;
	setitimer(ITIMER_REAL, &timer, NULL);
	/* It may have got room meanwhile, as the receiver's buffer grows. */
	while ((n = sendfile(fds[0], in, &(off_t){ 0 }, SIZE)) > 0 && n < SIZE)
		;
	test("a signal: EINTR", n < 0 && errno == EINTR && (signals || SANITIZED) &&
	     at == 0);
	setitimer(ITIMER_REAL, &(struct itimerval){ }, NULL);
	setsockopt(fds[0], SOL_SOCKET, SO_SNDTIMEO, &half, sizeof(half));
	while ((n = sendfile(fds[0], in, &(off_t){ 0 }, SIZE)) > 0 && n < SIZE)
		;
	test("a time-out: EAGAIN", n < 0 && errno == EAGAIN);
	close(fds[0]);
	close(fds[1]);
	tcp_pair(fds);
	setitimer(ITIMER_REAL, &timer, NULL);
	n = 0;
	while (at < (off_t)SIZE * 64 && (n = sendfile(fds[0], in, &(off_t){ 0 }, SIZE)) == SIZE)
		at += n;
	test("a signal when something was sent: a short count, or EINTR",
	     (n > 0 && n < SIZE) || (n < 0 && errno == EINTR));
	setitimer(ITIMER_REAL, &(struct itimerval){ }, NULL);
	close(fds[0]);
	close(fds[1]);
	close(in);
}

static void test_gone(void)
{
	int in = open_file(name), fds[2];
	off_t at = 0;
	ssize_t n;

	tcp_pair(fds);
	shutdown(fds[0], SHUT_WR);
	catch(SIGPIPE, on_signal);
	signals = 0;
	n = sendfile(fds[0], in, &at, SIZE);
	test("a closed socket: EPIPE, and one SIGPIPE", n < 0 && errno == EPIPE && signals == 1);
	signal(SIGPIPE, SIG_IGN);
	n = sendfile(fds[0], in, &at, SIZE);
	test("SIGPIPE ignored: EPIPE", n < 0 && errno == EPIPE && at == 0);
	close(fds[0]);
	close(fds[1]);
	close(in);
}

/* The error of a socket is told once: who asks a second time hears EPIPE, with SIGPIPE. */
static void test_refused(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int in = open_file(name), none = socket(AF_INET, SOCK_STREAM, 0);
	int out = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct pollfd ready = { .fd = out, .events = POLLOUT };
	socklen_t len = sizeof(addr);
	off_t at = 0;

	/* A port that is somebody's, who does not listen */
	if (bind(none, (void *)&addr, len) || getsockname(none, (void *)&addr, &len))
		die("bind");
	connect(out, (void *)&addr, len);
	poll(&ready, 1, -1);
	catch(SIGPIPE, on_signal);
	signals = 0;
	test("a connection that was refused: ECONNREFUSED, and no SIGPIPE",
	     sendfile(out, in, &at, SIZE) < 0 && errno == ECONNREFUSED && signals == 0);
	signal(SIGPIPE, SIG_IGN);
	close(none);
	close(out);
	close(in);
}

static void test_wrong(void)
{
	int in = open_file(name), writer = open(name, O_WRONLY), fds[2], pipes[2];
	off_t at = 0, negative = -1, past = (off_t)SIZE * 2;

	tcp_pair(fds);
	if (pipe(pipes))
		die("pipe");
	test("a file that cannot be read: EBADF",
	     sendfile(fds[0], writer, &at, SIZE) < 0 && errno == EBADF);
	test("no file: EBADF", sendfile(fds[0], -1, &at, SIZE) < 0 && errno == EBADF);
	test("no socket: EBADF", sendfile(-1, in, &at, SIZE) < 0 && errno == EBADF);
	test("a negative offset: EINVAL",
	     sendfile(fds[0], in, &negative, SIZE) < 0 && errno == EINVAL);
	test("a negative count: EINVAL",
	     sendfile(fds[0], in, &at, (size_t)-1) < 0 && errno == EINVAL);
	test("beyond the end: nothing", sendfile(fds[0], in, &past, SIZE) == 0);
	test("no bytes: nothing", sendfile(fds[0], in, &at, 0) == 0 && at == 0);
	test("from a pipe: ESPIPE",
	     sendfile(fds[0], pipes[0], &at, SIZE) < 0 && errno == ESPIPE);
	test("from a pipe, without an offset: EINVAL",
	     sendfile(fds[0], pipes[0], NULL, SIZE) < 0 && errno == EINVAL);
	close(in);
	close(writer);
	close(fds[0]);
	close(fds[1]);
	close(pipes[0]);
	close(pipes[1]);
}

static bool moved(int out, int from)
{
	static unsigned char block[1000];
	int in = open_file(name), i;
	off_t at = 5;
	bool ok;

	ok = sendfile(out, in, &at, sizeof(block)) == sizeof(block) &&
	     read(from, block, sizeof(block)) == sizeof(block);
	for (i = 0; ok && i < (int)sizeof(block); i++)
		ok = block[i] == byte_at(5 + i);
	close(in);
	return ok;
}

static void test_others(void)
{
	char copy[] = "/tmp/zc-sendfile-XXXXXX";
	int file = mkstemp(copy), again = open(copy, O_RDONLY), fds[2];

	test("to a file", moved(file, again));
	unlink(copy);
	close(file);
	close(again);
	if (pipe(fds))
		die("pipe");
	test("to a pipe", moved(fds[1], fds[0]));
	close(fds[0]);
	close(fds[1]);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		die("socketpair");
	test("to a unix socket", moved(fds[1], fds[0]));
	close(fds[0]);
	close(fds[1]);
}

static void test_small(void)
{
	int in = open(small_name, O_RDONLY), out;
	struct receiver r;
	off_t at = 0;

	out = begin(&r, 0);
	test("a small file", sendfile(out, in, &at, 1u << 30) == 1000 && at == 1000 &&
	     sendfile(out, in, &at, 1u << 30) == 0 && end(&r, out, 1000));
	close(in);
}

static bool whole_file(void)
{
	int in = open_file(name), out;
	struct receiver r;
	bool ok;

	out = begin(&r, 0);
	ok = sendfile(out, in, NULL, SIZE) == SIZE;
	close(in);
	return end(&r, out, SIZE) && ok;
}

static bool threads(void)
{
	return many_threads(whole_file);
}

/* As a daemon does; and then each number there was is that of another file. */
static bool closes_all(void)
{
	int i;

	for (i = 3; i < 1024; i++)
		close(i);
	return whole_file();
}

static bool replaces_all(void)
{
	int other = open("/dev/null", O_RDWR), i;

	for (i = 3; i < 1024; i++)
		if (i != other && fcntl(i, F_GETFD) >= 0)
			dup2(other, i);
	return whole_file();
}

static bool child_of_child(void)
{
	return in_child(whole_file) && whole_file();
}

/* By a thread that is to be cancelled: what sendfile() returns */
static void *cancelled(void *arg)
{
	int *fds = arg;
	ssize_t n;

	pthread_cancel(pthread_self());
	n = sendfile(fds[0], fds[1], NULL, SIZE);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	return (void *)n;
}

/* sendfile(2) is no cancellation point, not even where the library opens its device anew. */
static bool is_not_cancelled(void)
{
	struct receiver r;
	pthread_t thread;
	void *result;
	int fds[2], i;

	for (i = 3; i < 1024; i++)
		close(i);
	fds[0] = begin(&r, 0);
	fds[1] = open_file(name);
	if (pthread_create(&thread, NULL, cancelled, fds))
		die("thread");
	pthread_join(thread, &result);
	close(fds[1]);
	return end(&r, fds[0], SIZE) && result == (void *)(intptr_t)SIZE;
}

/* No other system calls from now on in this thread, or the process ends. */
static void allow_only(const int *calls, unsigned int nr)
{
	struct sock_filter code[32] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};
	struct sock_fprog prog = { .filter = code };
	unsigned int i, n = 1;

	for (i = 0; i < nr; i++) {
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i], 0, 1);
		code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	}
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	prog.len = n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		die("seccomp");
}

/* Those of libzc-sendfile(7). The time is the kernel's own call where there is no vDSO. */
static bool in_a_sandbox(void)
{
	static const int calls[] = {
		SYS_sendfile, SYS_ioctl, SYS_fstat, SYS_newfstatat, SYS_lseek, SYS_getsockopt,
		SYS_clock_gettime, SYS_exit_group,
	};
	int in = open_file(name), out, i;
	struct receiver r;
	off_t at = 0;
	ssize_t n = 0;

	out = begin(&r, 0);
	/* The library may look for a device again. */
	usleep(1100000);
	allow_only(calls, sizeof(calls) / sizeof(*calls));
	for (i = 0; i < 2 && n >= 0; i++) {
		at = 0;
		n = sendfile(out, in, &at, SIZE);
	}
	_exit(n != SIZE);
}

/* Whatever the library has must not be where a program finds it in its way. */
static bool low_ones_are_free(void)
{
	char path[64], target[64] = "";
	int i;

	for (i = 3; i < 900; i++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", i);
		if (readlink(path, target, sizeof(target) - 1) > 0 &&
		    (strstr(target, "/dev/zc") || strstr(target, "memfd:zc")))
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	const char *folder = argc > 1 ? argv[1] : "/tmp";

	snprintf(name, sizeof(name), "%s/zc-sendfile.%d", folder, getpid());
	snprintf(small_name, sizeof(small_name), "%s/zc-small.%d", folder, getpid());
	test("low descriptors are the program's", low_ones_are_free());
	make_file(name, SIZE);
	make_file(small_name, 1000);
	test_range("a whole file", 0, SIZE, SIZE);
	test_range("more than there is", 0, SIZE * 2, SIZE);
	test_range("more than 2 GiB asked for", 0, 3ul << 30, SIZE);
	test_range("from the middle, unaligned", ODD, 1u << 20, 1u << 20);
	test_range("the end", SIZE - ODD, SIZE, ODD);
	test_range("a piece", ODD, 999, 999);
	test_position();
	test_nonblock("a socket that does not block, the whole at once", SIZE);
	test_nonblock("and in pieces", 100000);
	test_full();
	test_gone();
	test_refused();
	test_wrong();
	test_others();
	test_small();
	test("a child", in_child(whole_file));
	test("a child's child", in_child(child_of_child));
	test("threads", threads());
	test("threads of a child", in_child(threads));
	test("a daemon that closes all descriptors", in_child(closes_all));
	test("a program that has others in their place", in_child(replaces_all));
	test("a thread that is to be cancelled", in_child(is_not_cancelled));
	test("a program that allows itself few system calls", SANITIZED || in_child(in_a_sandbox));
	unlink(name);
	unlink(small_name);
	return test_end();
}
