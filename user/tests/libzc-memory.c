// SPDX-License-Identifier: GPL-2.0-only
/* Memory of buffers: what other processes can do with it, and what not. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "libzc.h"
#include "peer.h"

/* As in a container, which may not say where its memory is to be */
static bool no_mbind(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mbind, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { .len = 4, .filter = code };
	struct zc_buffer *buf;
	bool ok;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		return false;
	ok = !zc_buffer_new(ctx, BUFFER, ZC_BUF_SMALL_OK, 0, &buf);
	if (ok)
		zc_buffer_free(buf);
	return ok && zc_buffer_new(ctx, BUFFER, ZC_BUF_SMALL_OK | ZC_BUF_NODE_STRICT, 0, &buf) ==
		     -EPERM;
}

/* Without the module: of a node, for certain, are small pages alone. */
static void test_nodes(void)
{
	struct zc_buf_query query = { };
	struct zc_buffer *buf;

	if (!zc_why(ctx))
		return;
	test("a node that cannot be asked for", in_child(no_mbind));
	if (zc_buffer_new(ctx, BUFFER, ZC_BUF_NODE_STRICT, 0, &buf))
		die("zc_buffer_new");
	test("pages of a node", !zc_buffer_query(buf, &query) && query.page_size < BUFFER);
	zc_buffer_free(buf);
}

static int received;

/* As who was handed a descriptor for reading: can nobody open it for writing? */
static bool cannot_write(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", received);
	return !setresgid(65534, 65534, 65534) && !setresuid(65534, 65534, 65534) &&
	       open(path, O_RDWR) < 0;
}

static void test_receivers(void)
{
	struct zc_buffer *buf;
	int all;

	if (zc_buffer_new(ctx, BUFFER, ZC_BUF_SMALL_OK, ZC_NODE_ANY, &buf))
		die("zc_buffer_new");
	all = zc_buffer_share(buf, 0);
	received = zc_buffer_share(buf, ZC_SHARE_RDONLY);
	test("who has a descriptor cuts nothing off", all >= 0 && received >= 0 &&
	     ftruncate(all, 0) && ftruncate(received, 0) && ftruncate(all, 2 * BUFFER));
	if (geteuid())
		test("nor does another user write # SKIP not root", true);
	else
		test("nor does another user write", in_child(cannot_write));
	close(all);
	close(received);
	zc_buffer_free(buf);
}

static struct zc_buffer *inherited;

/* For so long, unless it is sealed. Each time its memory is there. */
static bool seal_for(double seconds)
{
	const unsigned char *data = zc_buffer_data(inherited);
	struct timespec begin, now;
	int err;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	do {
		err = zc_buffer_seal(inherited);
		if ((err && err != -EBUSY) || data[ODD] != 77)
			return false;
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (err && now.tv_sec - begin.tv_sec + (now.tv_nsec - begin.tv_nsec) / 1e9 < seconds);
	return true;
}

/* Two processes, of which neither can while a pipe has a page, which takes each a while to see */
static void test_two_seal(void)
{
	struct iovec page = { .iov_len = 4096 };
	unsigned char *data, bytes[4096];
	int status, fds[2];
	pid_t pid;
	bool ok;

	if (pipe(fds) || zc_buffer_new(ctx, BUFFER, ZC_BUF_SMALL_OK, ZC_NODE_ANY, &inherited))
		die("zc_buffer_new");
	data = zc_buffer_data(inherited);
	data[ODD] = 77;
	page.iov_base = data;
	ok = vmsplice(fds[1], &page, 1, 0) == 4096;
	fflush(stdout);
	pid = fork();
	if (!pid)
		exit(!seal_for(3));
	ok = seal_for(1) && ok;
	ok = read(fds[0], bytes, 4096) == 4096 && ok;
	ok = seal_for(3) && ok;
	ok = waitpid(pid, &status, 0) == pid && !status && ok;
	/* The other one's mapping is gone. */
	test("two processes seal a buffer", ok && !zc_buffer_seal(inherited) && data[ODD] == 77);
	zc_buffer_free(inherited);
	close(fds[0]);
	close(fds[1]);
}

static bool free_inherited(void)
{
	zc_buffer_free(inherited);
	return true;
}

static void test_inherited(void)
{
	struct zc_buf_query query, next;
	struct zc_buffer *buf = NULL;
	bool ok;

	if (zc_buffer_new(ctx, 4096, ZC_BUF_SLICE, ZC_NODE_ANY, &inherited))
		die("zc_buffer_new");
	*(int *)zc_buffer_data(inherited) = 77;
	ok = in_child(free_inherited) && !zc_buffer_new(ctx, 4096, ZC_BUF_SLICE, ZC_NODE_ANY, &buf);
	test("a buffer that a child frees is there", ok && !zc_buffer_query(inherited, &query) &&
	     !zc_buffer_query(buf, &next) && (!query.handle || query.handle != next.handle) &&
	     *(int *)zc_buffer_data(inherited) == 77);
	zc_buffer_free(buf);
	zc_buffer_free(inherited);
}

void test_memory(void)
{
	test_nodes();
	test_receivers();
	test_two_seal();
	test_inherited();
}
