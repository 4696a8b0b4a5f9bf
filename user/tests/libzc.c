// SPDX-License-Identifier: GPL-2.0-only
/*
 * libzc by zc_open_any(): the same results with the module and without. Says which it is in its
 * first test. TAP output. usage: test-libzc [FOLDER]
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/sockios.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "libzc.h"
#include "peer.h"

struct zc_context *ctx;
static char name[4096];

/* Which way it went is what zc_why() says. */
static bool path_fits(uint32_t paths)
{
	return !!(paths & ZC_PATH_KERNEL) == !!zc_why(ctx);
}

static void test_range(const char *what, uint64_t pos, uint64_t len, uint64_t want,
		       uint32_t flags)
{
	struct zc_sendfile arg = { .in_fd = open_file(name), .offset = pos, .len = len,
				   .flags = flags };
	struct receiver r;
	int64_t n;

	if (flags & ZC_SEND_POS) {
		lseek(arg.in_fd, pos, SEEK_SET);
		arg.offset = 0;
	}
	arg.out_fd = begin(&r, pos);
	n = zc_sendfile_all(ctx, &arg);
	if (n || arg.offset != pos + want)
		printf("# %lld, error %d, offset %llu, sent %llu\n", (long long)n, arg.error,
		       (unsigned long long)arg.offset, (unsigned long long)arg.sent);
	test(what, n == 0 && arg.sent == want && arg.offset == pos + want && arg.error == 0 &&
	     (!want || path_fits(arg.paths)) &&
	     lseek(arg.in_fd, 0, SEEK_CUR) == (flags & ZC_SEND_POS ? (off_t)(pos + want) : 0) &&
	     end(&r, arg.out_fd, want));
	close(arg.in_fd);
}

/*
 * Less than a packet, of which nobody has said that more will come: it does not wait in the
 * socket for that, even if more was asked for than the file has.
 */
static void test_end_is_sent(const char *what, uint32_t flags)
{
	struct zc_sendfile arg = { .in_fd = open_file(name), .offset = SIZE - 1000,
				   .len = INT64_MAX - SIZE, .flags = flags };
	struct receiver r;
	int waits = -1;
	int64_t n;

	if (flags & ZC_SEND_POS) {
		lseek(arg.in_fd, arg.offset, SEEK_SET);
		arg.offset = 0;
	}
	arg.out_fd = begin(&r, SIZE - 1000);
	fcntl(arg.out_fd, F_SETFL, flags & ZC_SEND_POS ? O_NONBLOCK : 0);
	n = zc_sendfile(ctx, &arg);
	ioctl(arg.out_fd, SIOCOUTQNSD, &waits);
	test(what, end(&r, arg.out_fd, 1000) && n == 1000 && !waits);
	close(arg.in_fd);
}

/* All of it to a socket that does not block, or is not to. */
static void test_nonblock(const char *what, int socket_flags, uint32_t flags)
{
	struct zc_sendfile arg = { .in_fd = open_file(name), .flags = flags };
	bool ok = true, full = false;
	struct receiver r;
	uint64_t at = 0;
	int64_t n;

	arg.out_fd = begin_slowly(&r, 0);
	fcntl(arg.out_fd, F_SETFL, socket_flags);
	while (ok && at < SIZE) {
		arg.offset = at;
		arg.len = SIZE;
		n = zc_sendfile(ctx, &arg);
		ok = n > 0 ? arg.offset == at + n && arg.sent == (uint64_t)n &&
			     (at + n == SIZE || arg.error == EAGAIN) : n == -EAGAIN;
		full |= n == -EAGAIN || arg.error == EAGAIN;
		at += n > 0 ? n : 0;
		if (n < 0)
			usleep(1000);
	}
	ok &= full;
	test(what, end(&r, arg.out_fd, SIZE) && ok);
	close(arg.in_fd);
}

static void test_gone(void)
{
	struct zc_sendfile arg = { .in_fd = open_file(name), .len = SIZE };
	int64_t n, m;
	int fds[2];

	tcp_pair(fds);
	shutdown(fds[0], SHUT_WR);
	signal(SIGPIPE, on_signal);
	arg.out_fd = fds[0];
	signals = 0;
	n = zc_sendfile(ctx, &arg);
	test("a closed socket: EPIPE and SIGPIPE", n == -EPIPE && signals == 1);
	arg.flags = ZC_SEND_NOSIGNAL;
	n = zc_sendfile(ctx, &arg);
	arg.flags |= ZC_SEND_NONBLOCK;
	m = zc_sendfile(ctx, &arg);
	test("with ZC_SEND_NOSIGNAL: EPIPE alone", n == -EPIPE && m == -EPIPE && signals == 1);
	close(fds[0]);
	close(fds[1]);
	close(arg.in_fd);
}

static int64_t refused(uint32_t flags, uint64_t offset)
{
	struct zc_sendfile arg = { .in_fd = open_file(name), .offset = offset, .len = 1,
				   .flags = flags };
	int64_t n;
	int fds[2];

	tcp_pair(fds);
	arg.out_fd = fds[0];
	n = zc_sendfile(ctx, &arg);
	close(fds[0]);
	close(fds[1]);
	close(arg.in_fd);
	return n;
}

static void test_wrong(void)
{
	struct zc_sendfile arg = { .in_fd = -1, .out_fd = -1, .len = 1 };
	bool module = !zc_why(ctx);

	test("no file: EBADF", zc_sendfile(ctx, &arg) == -EBADF);
	test("an unknown flag: EINVAL", refused(1u << 30, 0) == -EINVAL);
	test("flags that exclude each other: EINVAL",
	     refused(ZC_SEND_DIRECT | ZC_SEND_CACHED, 0) == -EINVAL);
	test("a position and an offset: EINVAL", refused(ZC_SEND_POS, 1) == -EINVAL);
	test("a negative offset: EINVAL", refused(0, INT64_MAX + 1ull) == -EINVAL);
	if (module)
		return;
	test("ZC_SEND_DIRECT: EOPNOTSUPP", refused(ZC_SEND_DIRECT, 0) == -EOPNOTSUPP);
	test("ZC_SEND_ASYNC: EOPNOTSUPP", refused(ZC_SEND_ASYNC, 0) == -EOPNOTSUPP);
	test("what the module alone can do: ENODEV",
	     zc_query_stats(ctx, &(struct zc_stats){ }) == -ENODEV &&
	     zc_query_node(ctx, 0, &(struct zc_node_query){ }) == -ENODEV &&
	     zc_buffer_info(ctx, 0, 0, &(struct zc_buf_info){ }) == -ENODEV &&
	     zc_events(ctx, &(struct zc_event){ }, 1) == -ENODEV &&
	     zc_cancel(ctx, 0, ZC_CANCEL_ALL) == -ENODEV &&
	     zc_dma_next(ctx, 0, &(struct zc_dma_query){ }) == -ENODEV && zc_fd(ctx) == -1);
}

/* A pipe's bytes to a file, and a file's to a pipe, which the module does not take. */
static void test_others(void)
{
	struct zc_sendfile arg = { .in_fd = open_file(name), .offset = ODD, .len = 1000 };
	unsigned char block[1000];
	int fds[2], i, out;
	bool ok;

	if (pipe(fds))
		die("pipe");
	arg.out_fd = fds[1];
	ok = zc_sendfile(ctx, &arg) == 1000 && arg.offset == ODD + 1000 &&
	     arg.paths == ZC_PATH_KERNEL && read(fds[0], block, 1000) == 1000;
	for (i = 0; i < 1000; i++)
		ok &= block[i] == byte_at(ODD + i);
	test("a file to a pipe", ok);
	ok = write(fds[1], block, 1000) == 1000;
	close(fds[1]);
	close(arg.in_fd);
	out = open("/tmp", O_TMPFILE | O_RDWR, 0600);
	arg = (struct zc_sendfile){ .in_fd = fds[0], .out_fd = out, .len = 5000 };
	ok &= zc_sendfile(ctx, &arg) == 1000 && arg.error == 0 && !arg.cached;
	memset(block, 0, sizeof(block));
	ok &= pread(out, block, 1000, 0) == 1000;
	for (i = 0; i < 1000; i++)
		ok &= block[i] == byte_at(ODD + i);
	test("a pipe to a file, up to its end", ok);
	close(out);
	close(fds[0]);
}

static void fill(unsigned char *data, uint64_t len)
{
	uint64_t i;

	for (i = 0; i < len; i++)
		data[i] = byte_at(i);
}

static bool send_buffer(struct zc_buffer *buf, uint64_t len)
{
	struct zc_send arg = { .offset = ODD };
	uint32_t events = 0;
	struct receiver r;
	int64_t n = 0;

	arg.out_fd = begin(&r, ODD);
	while (n >= 0 && arg.offset < len) {
		arg.len = len - arg.offset;
		n = zc_buffer_send(buf, &arg);
		events += arg.events;
	}
	while (events) {
		struct zc_event event;

		events -= zc_events(ctx, &event, 1);
	}
	if (!zc_why(ctx))
		return n > 0 && end(&r, arg.out_fd, len - ODD);
	return n > 0 && arg.copied == (uint64_t)n && arg.copy_reasons == ZC_COPY_NO_MODULE &&
	       end(&r, arg.out_fd, len - ODD);
}

static void test_buffer(void)
{
	struct zc_buf_query query;
	struct zc_buffer *buf;
	struct zc_send arg = { .out_fd = 1, .offset = BUFFER, .len = 1 };
	unsigned char *data, *seen;
	int fd;

	test("no buffer of 0 bytes", zc_buffer_new(ctx, 0, 0, ZC_NODE_ANY, &buf) == -EINVAL);
	test("nor with an unknown flag",
	     zc_buffer_new(ctx, 1, 1u << 30, ZC_NODE_ANY, &buf) == -EINVAL);
	if (zc_buffer_new(ctx, 5000, ZC_BUF_SLICE, ZC_NODE_ANY, &buf))
		die("zc_buffer_new");
	test("a slice", zc_buffer_size(buf) == 8192);
	zc_buffer_free(buf);
	if (zc_buffer_new(ctx, BUFFER - 5, ZC_BUF_SMALL_OK, ZC_NODE_ANY, &buf))
		die("zc_buffer_new");
	data = zc_buffer_data(buf);
	test("a buffer", zc_buffer_size(buf) == BUFFER && !data[0] && !data[BUFFER - 1] &&
	     !zc_buffer_query(buf, &query) && query.size == BUFFER);
	printf("# pages of %u bytes\n", query.page_size);
	fill(data, BUFFER);
	test("it is sent", send_buffer(buf, BUFFER));
	test("not beyond its end", zc_buffer_send(buf, &arg) == -EINVAL);
	fd = zc_buffer_share(buf, ZC_SHARE_RDONLY);
	seen = mmap(NULL, BUFFER, PROT_READ, MAP_SHARED, fd, 0);
	data[7] ^= 255;
	test("it is shared", seen != MAP_FAILED && seen[7] == data[7] &&
	     mmap(NULL, BUFFER, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
	data[7] ^= 255;
	munmap(seen, BUFFER);
	close(fd);
	test("it is sealed", !zc_buffer_seal(buf) && data == zc_buffer_data(buf) &&
	     data[ODD] == byte_at(ODD) && !zc_buffer_query(buf, &query) &&
	     query.flags & ZC_BUF_SEALED);
	test("and sent", send_buffer(buf, BUFFER));
	zc_buffer_free(buf);
}

static bool on_disk(void)
{
	struct statfs fs;

	return !statfs(name, &fs) && fs.f_type != TMPFS_MAGIC;
}

static int disk_file(void)
{
	int fd = open(name, O_RDWR), err;
	struct zc_buffer *buf;

	err = zc_buffer_import(ctx, fd, 0, 0, &buf);
	if (!err)
		zc_buffer_free(buf);
	close(fd);
	return err;
}

static void test_import(void)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct zc_buffer *buf;
	unsigned char *data;

	if (fd < 0 || ftruncate(fd, 1 << 20))
		die("memfd");
	test("a file's memory as a buffer", !zc_buffer_import(ctx, fd, 4096, 0, &buf) &&
	     zc_buffer_size(buf) == (1 << 20) - 4096);
	data = zc_buffer_data(buf);
	data[0] = 77;
	pread(fd, &data[1], 1, 4096);
	test("is the same memory", data[1] == 77);
	zc_buffer_free(buf);
	test("not beyond its end",
	     zc_buffer_import(ctx, fd, 0, 2 << 20, &buf) == -EINVAL && !buf);
	test("nor of a file on a disk", !on_disk() || disk_file() == -EINVAL);
	test("nor in parts of pages", zc_buffer_import(ctx, fd, 1, 4096, &buf) == -EINVAL);
	close(fd);
}

/* What is written by the writer, of the file's bytes, in pieces of all sizes */
static bool write_all(struct zc_writer *w, uint64_t len)
{
	static unsigned char piece[300000];
	uint64_t at = 0;
	size_t n = 1;

	while (at < len) {
		if (n > len - at)
			n = len - at;
		for (size_t i = 0; i < n; i++)
			piece[i] = byte_at(at + i);
		if (zc_writer_write(w, piece, n) != (int64_t)n)
			return false;
		at += n;
		n = n * 7 % sizeof(piece) + 1;
	}
	return true;
}

static bool fill_all(struct zc_writer *w, uint64_t len)
{
	uint64_t at = 0, i;
	size_t room;
	void *data;

	while (at < len) {
		if (zc_writer_reserve(w, &data, &room))
			return false;
		if (room > len - at)
			room = len - at;
		for (i = 0; i < room; i++)
			((unsigned char *)data)[i] = byte_at(at + i);
		if (zc_writer_commit(w, room))
			return false;
		at += room;
	}
	return true;
}

typedef bool writer_fn(struct zc_writer *w, uint64_t len);

static void test_writer_to_socket(const char *what, size_t size, writer_fn *fn)
{
	struct zc_writer *w;
	struct receiver r;
	int out = begin(&r, 0);
	bool ok;

	ok = !zc_writer_new(ctx, out, size, &w) && fn(w, SIZE);
	printf("# %zu bytes at a time\n", ok ? zc_writer_size(w) : 0);
	ok = ok && !zc_writer_end(w);
	test(what, ok && end(&r, out, SIZE));
}

static bool same_as_file(int fd)
{
	unsigned char block[4096];
	uint64_t at = 0;
	ssize_t n, i;

	while ((n = pread(fd, block, sizeof(block), at)) > 0)
		for (i = 0; i < n; i++, at++)
			if (block[i] != byte_at(at))
				return false;
	return at == SIZE;
}

static void test_writers(void)
{
	int out = open("/tmp", O_TMPFILE | O_RDWR, 0600), fds[2];
	struct zc_writer *w;
	size_t room;
	void *data;
	bool ok;

	ok = !zc_writer_new(ctx, out, 0, &w) && zc_writer_size(w) == 65536 && fill_all(w, SIZE);
	test("a writer, to a file, grows",
	     ok && zc_writer_size(w) == 1 << 20 && !zc_writer_end(w) && same_as_file(out));
	ftruncate(out, 0);
	lseek(out, 0, SEEK_SET);
	ok = !zc_writer_new(ctx, out, 100, &w) && write_all(w, SIZE) && !zc_writer_end(w);
	test("a small one", ok && same_as_file(out));
	close(out);
	test_writer_to_socket("to a socket", 0, write_all);
	test_writer_to_socket("filled in place", 0, fill_all);
	test_writer_to_socket("of one size", 10000, fill_all);
	if (pipe2(fds, O_NONBLOCK))
		die("pipe");
	ok = !zc_writer_new(ctx, fds[1], 0, &w) &&
	     zc_writer_size(w) == (size_t)fcntl(fds[1], F_GETPIPE_SZ) &&
	     !zc_writer_reserve(w, &data, &room) && !zc_writer_commit(w, room) &&
	     !zc_writer_flush(w) && !zc_writer_reserve(w, &data, &room) &&
	     zc_writer_commit(w, room + 1) == -EINVAL && !zc_writer_commit(w, 5);
	test("a full pipe: EAGAIN", ok && zc_writer_flush(w) == -EAGAIN &&
	     zc_writer_end(w) == -EAGAIN);
	test("more than there can be: ENOMEM",
	     zc_writer_new(ctx, fds[1], SIZE_MAX - 5, &w) == -ENOMEM && !w);
	test("no descriptor: EBADF", zc_writer_new(ctx, -1, 0, &w) == -EBADF && !w);
	close(fds[0]);
	close(fds[1]);
}

static bool whole_file(void)
{
	struct zc_sendfile arg = { .in_fd = open_file(name), .len = SIZE };
	struct receiver r;
	bool ok;

	arg.out_fd = begin(&r, 0);
	ok = !zc_sendfile_all(ctx, &arg) && arg.sent == SIZE;
	close(arg.in_fd);
	return end(&r, arg.out_fd, SIZE) && ok;
}

/* Buffers, a writer and queries of one thread among others, on one context */
static bool all_kinds(void)
{
	struct zc_buffer *buf;
	struct zc_writer *w;
	struct zc_query query;
	struct receiver r;
	int out = begin(&r, 0);
	bool ok;

	ok = !zc_query(ctx, &query) && zc_why(ctx) <= 0 &&
	     !zc_buffer_new(ctx, 4096, ZC_BUF_SLICE, ZC_NODE_ANY, &buf);
	if (ok)
		zc_buffer_free(buf);
	ok = ok && !zc_writer_new(ctx, out, 0, &w) && fill_all(w, SIZE) && !zc_writer_end(w);
	return end(&r, out, SIZE) && ok && whole_file();
}

int main(int argc, char **argv)
{
	struct zc_query query;

	snprintf(name, sizeof(name), "%s/zc-libzc.%d", argc > 1 ? argv[1] : "/tmp", getpid());
	make_file(name, SIZE);
	if (zc_open_any(&ctx))
		die("zc_open_any");
	printf("# without the module: %s\n", zc_why(ctx) ? strerror(-zc_why(ctx)) : "no");
	test("a context", !zc_query(ctx, &query) && query.features & ZC_FEAT_SENDFILE &&
	     !query.abi == !!zc_why(ctx));
	test_range("a whole file", 0, SIZE, SIZE, 0);
	test_range("more than there is", 0, UINT32_MAX * 2ull, SIZE, 0);
	test_range("a range", ODD, 100000, 100000, 0);
	test_range("the end", SIZE - ODD, SIZE, ODD, 0);
	test_range("beyond the end", SIZE + 5, SIZE, 0, 0);
	test_range("from the file's position", ODD, 100000, 100000, ZC_SEND_POS);
	test_range("with more to come", ODD, 100000, 100000, ZC_SEND_MORE);
	test_range("both", ODD, SIZE, SIZE - ODD, ZC_SEND_MORE | ZC_SEND_POS);
	test_end_is_sent("the end of a file does not wait", 0);
	test_end_is_sent("nor by a socket that is not to block", ZC_SEND_NONBLOCK);
	test_end_is_sent("nor does one that does not", ZC_SEND_NONBLOCK | ZC_SEND_POS);
	test_nonblock("a socket that does not block", O_NONBLOCK, 0);
	test_nonblock("one that is not to", 0, ZC_SEND_NONBLOCK);
	test_gone();
	test_wrong();
	test_others();
	test_buffer();
	test_memory();
	test_import();
	test_writers();
	test("threads on one context", many_threads(all_kinds));
	test("a child", in_child(whole_file));
	zc_close(ctx);
	unlink(name);
	return test_end();
}
