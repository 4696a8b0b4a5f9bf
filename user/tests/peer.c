// SPDX-License-Identifier: GPL-2.0-only
/* What programs that test sends share: a file, and who receives it. */
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peer.h"

static int nr, failed;

void test(const char *what, bool ok)
{
	printf("%sok %d %s\n", ok ? "" : "not ", ++nr, what);
	failed += !ok;
	fflush(stdout);
}

void die(const char *what)
{
	perror(what);
	exit(1);
}

volatile sig_atomic_t signals;

void on_signal(int sig)
{
	(void)sig;
	signals++;
}

/* To be read from its beginning. */
int open_file(const char *name)
{
	int fd = open(name, O_RDONLY);

	if (fd < 0)
		die(name);
	return fd;
}

unsigned char byte_at(uint64_t pos)
{
	/* The last part of the file but one is a hole. */
	if (pos >= SIZE / 2 && pos < SIZE / 2 + (1u << 19))
		return 0;
	return (pos * 2654435761u) >> 13;
}

void make_file(const char *path, uint64_t size)
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

void tcp_pair(int *fds)
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

static void *receive(void *arg)
{
	static __thread unsigned char block[65536];
	struct receiver *r = arg;
	ssize_t n, i;

	usleep(r->sleeps_us);
	while ((n = read(r->fd, block, sizeof(block))) > 0) {
		for (i = 0; i < n; i++)
			r->wrong |= block[i] != byte_at(r->pos + r->got + i);
		r->got += n;
	}
	return NULL;
}

/* A receiver at the other end of what is returned. */
static int begin_after(struct receiver *r, uint64_t pos, unsigned int us)
{
	int fds[2];

	tcp_pair(fds);
	*r = (struct receiver){ .fd = fds[1], .pos = pos, .sleeps_us = us };
	if (pthread_create(&r->thread, NULL, receive, r))
		die("thread");
	return fds[0];
}

int begin(struct receiver *r, uint64_t pos)
{
	return begin_after(r, pos, 0);
}

/* To a socket that does not take it all at once. */
int begin_slowly(struct receiver *r, uint64_t pos)
{
	int out = begin_after(r, pos, 200000), few = 32768;

	if (setsockopt(out, SOL_SOCKET, SO_SNDBUF, &few, sizeof(few)))
		die("SO_SNDBUF");
	return out;
}

/* Has it got just these @bytes? */
bool end(struct receiver *r, int out, uint64_t bytes)
{
	close(out);
	pthread_join(r->thread, NULL);
	close(r->fd);
	if (r->wrong || r->got != bytes)
		printf("# got %llu bytes, not %llu%s\n", (unsigned long long)r->got,
		       (unsigned long long)bytes, r->wrong ? ", wrong ones" : "");
	return !r->wrong && r->got == bytes;
}

struct job {
	bool (*fn)(void);
	bool wrong;
	pthread_t thread;
};

static void *work(void *arg)
{
	struct job *job = arg;
	int i;

	for (i = 0; i < 5; i++)
		job->wrong |= !job->fn();
	return NULL;
}

bool many_threads(bool (*fn)(void))
{
	struct job jobs[THREADS] = { };
	bool ok = true;
	int i;

	for (i = 0; i < THREADS; i++) {
		jobs[i].fn = fn;
		if (pthread_create(&jobs[i].thread, NULL, work, &jobs[i]))
			die("thread");
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(jobs[i].thread, NULL);
		ok &= !jobs[i].wrong;
	}
	return ok;
}

bool in_child(bool (*fn)(void))
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		exit(!fn());
	return waitpid(pid, &status, 0) == pid && !status;
}

/* The plan. Returns the exit status. */
int test_end(void)
{
	printf("1..%d\n", nr);
	return !!failed;
}
