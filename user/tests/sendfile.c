// SPDX-License-Identifier: GPL-2.0-only
/*
 * What sendfile(2) promises, asked of whatever sendfile() there is: the C library's, or that of
 * libzc-sendfile.so. A program like others, that knows nothing of zc. TAP output.
 * usage: test-sendfile [FOLDER]
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE	(3u << 20)
#define ODD	12345u
#define THREADS	8

static int nr, failed;
static char name[4096], small_name[4096];
static volatile sig_atomic_t signals;

static void test(const char *what, bool ok)
{
	printf("%sok %d %s\n", ok ? "" : "not ", ++nr, what);
	failed += !ok;
	fflush(stdout);
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static unsigned char byte_at(uint64_t pos)
{
	/* The last part of the file but one is a hole. */
	if (pos >= SIZE / 2 && pos < SIZE / 2 + (1u << 19))
		return 0;
	return (pos * 2654435761u) >> 13;
}

static void make_file(const char *path, uint64_t size)
{
	static unsigned char block[4096];
	uint64_t pos, i;
	int fd = open(path, O_CREAT | O_TRUNC | O_RDWR, 0600);

	if (fd < 0 || ftruncate(fd, size))
		die(path);
	for (pos = 0; pos < size; pos += sizeof(block)) {
		uint64_t len = size - pos < sizeof(block) ? size - pos : sizeof(block);

		if (pos >= SIZE / 2 && pos + len <= SIZE / 2 + (1u << 19))
			continue;
		for (i = 0; i < len; i++)
			block[i] = byte_at(pos + i);
		if (pwrite(fd, block, len, pos) != (ssize_t)len)
			die(path);
	}
	/* On the disk, and not in the cache */
	fsync(fd);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	close(fd);
}

static void tcp_pair(int *fds)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(addr);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(listener, (void *)&addr, len) || listen(listener, 1) ||
	    getsockname(listener, (void *)&addr, &len))
		die("listen");
	fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(fds[0], (void *)&addr, len))
		die("connect");
	fds[1] = accept(listener, NULL, NULL);
	if (fds[1] < 0)
		die("accept");
	close(listener);
}

/* Who takes what comes, until nothing does, and whether that is the file from @pos on */
struct receiver {
	int fd;
	uint64_t pos;
	uint64_t got;
	bool wrong;
	pthread_t thread;
};

static void *receive(void *arg)
{
	static __thread unsigned char block[65536];
	struct receiver *r = arg;
	ssize_t n, i;

	while ((n = read(r->fd, block, sizeof(block))) > 0) {
		for (i = 0; i < n; i++)
			r->wrong |= block[i] != byte_at(r->pos + r->got + i);
		r->got += n;
	}
	return NULL;
}

/* A receiver at the other end of what is returned. */
static int begin(struct receiver *r, uint64_t pos)
{
	int fds[2];

	tcp_pair(fds);
	*r = (struct receiver){ .fd = fds[1], .pos = pos };
	if (pthread_create(&r->thread, NULL, receive, r))
		die("thread");
	return fds[0];
}

/* Has it got just these @bytes? */
static bool end(struct receiver *r, int out, uint64_t bytes)
{
	close(out);
	pthread_join(r->thread, NULL);
	close(r->fd);
	if (r->wrong || r->got != bytes)
		printf("# got %llu bytes, not %llu%s\n", (unsigned long long)r->got,
		       (unsigned long long)bytes, r->wrong ? ", wrong ones" : "");
	return !r->wrong && r->got == bytes;
}

static int open_file(void)
{
	int fd = open(name, O_RDONLY);

	if (fd < 0)
		die(name);
	return fd;
}

static void on_signal(int sig)
{
	(void)sig;
	signals++;
}

/* Without SA_RESTART */
static void catch(int sig, void (*handler)(int))
{
	struct sigaction sa = { .sa_handler = handler };

	sigaction(sig, &sa, NULL);
}

static void test_range(const char *what, off_t pos, size_t count, size_t want)
{
	int in = open_file(), out;
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
	int in = open_file(), out;
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
	int in = open_file(), out, fulls = 0;
	struct receiver r;
	off_t at = 0;
	ssize_t n;

	out = begin(&r, 0);
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
	test(what, n == 0 && at == SIZE && end(&r, out, SIZE));
	printf("# full %d times\n", fulls);
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
	struct itimerval timer = { .it_value = half };
	int in = open_file(), fds[2];
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
	n = sendfile(fds[0], in, &at, SIZE);
	test("a signal: EINTR", n < 0 && errno == EINTR && signals == 1 && at == 0);
	setsockopt(fds[0], SOL_SOCKET, SO_SNDTIMEO, &half, sizeof(half));
	/* It may have got room meanwhile, as the receiver's buffer grows. */
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
	close(fds[0]);
	close(fds[1]);
	close(in);
}

static void test_gone(void)
{
	int in = open_file(), fds[2];
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

static void test_wrong(void)
{
	int in = open_file(), writer = open(name, O_WRONLY), fds[2], pipes[2];
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
	int in = open_file(), i;
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
	int in = open_file(), out;
	struct receiver r;
	bool ok;

	out = begin(&r, 0);
	ok = sendfile(out, in, NULL, SIZE) == SIZE;
	close(in);
	return end(&r, out, SIZE) && ok;
}

static void *thread(void *arg)
{
	int i;

	for (i = 0; i < 5; i++)
		if (!whole_file())
			*(bool *)arg = true;
	return NULL;
}

static bool many_threads(void)
{
	pthread_t threads[THREADS];
	bool wrong[THREADS] = { };
	bool ok = true;
	int i;

	for (i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, thread, &wrong[i]))
			die("thread");
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		ok &= !wrong[i];
	}
	return ok;
}

static bool in_child(bool (*fn)(void))
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		exit(!fn());
	return waitpid(pid, &status, 0) == pid && !status;
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

/* Whatever the library has must not be where a program finds it in its way. */
static bool lowest_is_free(void)
{
	int a = dup(0);

	close(a);
	return a == 3;
}

int main(int argc, char **argv)
{
	const char *folder = argc > 1 ? argv[1] : "/tmp";

	snprintf(name, sizeof(name), "%s/zc-sendfile.%d", folder, getpid());
	snprintf(small_name, sizeof(small_name), "%s/zc-small.%d", folder, getpid());
	test("descriptor 3 is the program's", lowest_is_free());
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
	test_wrong();
	test_others();
	test_small();
	test("a child", in_child(whole_file));
	test("a child's child", in_child(child_of_child));
	test("threads", many_threads());
	test("threads of a child", in_child(many_threads));
	test("a daemon that closes all descriptors", in_child(closes_all));
	test("a program that has others in their place", in_child(replaces_all));
	unlink(name);
	unlink(small_name);
	printf("1..%d\n", nr);
	return !!failed;
}
