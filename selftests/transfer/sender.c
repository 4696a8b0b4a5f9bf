// SPDX-License-Identifier: GPL-2.0-only
/* The same bytes, a pattern, from a file and from buffers, waited for or not. */
#include <errno.h>
#include <linux/tcp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <unistd.h>

#include "sender.h"

#define NAME	EXT4_DIR "/sender"

static bool buffer_make(struct sender *s, enum origin from)
{
	struct zc_buf_create buf;
	void *map;

	if (zct_create(s->fd, s->size, ZC_BUF_SMALL_OK, ZC_NODE_ANY, &buf))
		return false;
	s->handles[from] = buf.handle;
	map = zct_map(s->fd, &buf);
	if (map == MAP_FAILED)
		return false;
	zct_pattern(map, 0, s->size);
	munmap(map, buf.size);
	return from != FROM_SEALED || !zct_seal(s->fd, buf.handle);
}

bool sender_open(struct sender *s, uint64_t size)
{
	memset(s, 0, sizeof(*s));
	s->size = size;
	s->fd = zct_open();
	s->used = zct_used(s->fd);
	s->file = zct_pattern_file(NAME, size);
	return s->fd >= 0 && s->file >= 0 && buffer_make(s, FROM_SEALED) &&
	       buffer_make(s, FROM_BUFFER);
}

bool sender_close(struct sender *s)
{
	bool back;

	zct_destroy(s->fd, s->handles[FROM_SEALED]);
	zct_destroy(s->fd, s->handles[FROM_BUFFER]);
	close(s->fd);
	s->fd = zct_open();
	back = zct_used_becomes(s->fd, s->used, 5000);
	close(s->fd);
	close(s->file);
	unlink(NAME);
	return back;
}

static int send_file(struct sender *s, int sock, uint64_t offset, uint64_t len,
		     uint32_t flags)
{
	struct zc_sendfile arg = {
		.in_fd = s->file,
		.out_fd = sock,
		.offset = offset,
		.len = len,
		.flags = flags | (flags & ZC_SEND_CACHED ? 0 : ZC_SEND_DIRECT),
		.user_data = (uintptr_t)s,
	};
	int ret = zct_ioctl(s->fd, ZC_IOC_SENDFILE, &arg);

	s->error = arg.error;
	s->sent = arg.sent;
	s->copied = arg.copied;
	s->reasons = arg.copy_reasons;
	s->paths = arg.paths;
	s->frags = arg.frags;
	s->chunks = arg.chunks;
	return ret;
}

static int send_buffer(struct sender *s, int sock, uint64_t offset, uint64_t len,
		       uint32_t flags)
{
	struct zc_send arg = {
		.handle = s->handles[s->from],
		.out_fd = sock,
		.offset = offset,
		.len = len,
		.flags = flags,
		.user_data = (uintptr_t)s,
	};
	int ret = zct_ioctl(s->fd, ZC_IOC_SEND, &arg);

	s->error = arg.error;
	s->sent = arg.sent;
	s->copied = arg.copied;
	s->reasons = arg.copy_reasons;
	s->paths = arg.paths;
	s->frags = arg.frags;
	s->chunks = 1;
	return ret;
}

int sender_send(struct sender *s, enum origin from, int sock, uint64_t offset,
		uint64_t len, uint32_t flags)
{
	s->from = from;
	s->released = 0;
	s->net_copied = 0;
	s->net_reasons = 0;
	s->ret = from == FROM_FILE ? send_file(s, sock, offset, len, flags) :
				     send_buffer(s, sock, offset, len, flags);
	return s->ret;
}

static bool next_event(struct sender *s, struct zc_event *ev, int ms)
{
	return zct_event(s->fd, ev, ms) && ev->user_data == (uintptr_t)s;
}

bool sender_done(struct sender *s, int ms)
{
	struct zc_event ev;

	if (!next_event(s, &ev, ms) || ev.type != ZC_EVENT_DONE)
		return false;
	s->error = ev.error;
	s->sent = ev.sent;
	s->copied = ev.copied;
	s->reasons = ev.copy_reasons;
	s->paths = ev.paths;
	return true;
}

bool sender_released(struct sender *s, int ms)
{
	struct zc_event ev;

	if (s->from == FROM_BUFFER && s->sent) {
		if (!next_event(s, &ev, ms) || ev.type != ZC_EVENT_RELEASED ||
		    ev.sent != s->sent || ev.error)
			return false;
		s->released++;
		s->net_copied = ev.copied;
		s->net_reasons = ev.copy_reasons;
	}
	return !next_event(s, &ev, 0);
}

static void *task_main(void *data)
{
	struct sender *s = data;

	sender_send(s, s->from, s->bg_sock, s->bg_offset, s->bg_len, s->bg_flags);
	return NULL;
}

void sender_start(struct sender *s, enum origin from, int sock, uint64_t offset,
		  uint64_t len, uint32_t flags)
{
	s->bg = !(flags & (ZC_SEND_ASYNC | ZC_SEND_NONBLOCK));
	s->bg_sock = sock;
	s->bg_offset = offset;
	s->bg_len = len;
	s->bg_flags = flags;
	s->from = from;
	if (s->bg)
		pthread_create(&s->thread, NULL, task_main, s);
	else
		sender_send(s, from, sock, offset, len, flags);
}

bool sender_join(struct sender *s, int ms)
{
	if (s->bg)
		return !pthread_join(s->thread, NULL);
	return !(s->bg_flags & ZC_SEND_ASYNC) || (!s->ret && sender_done(s, ms));
}

void tcp_get_info(int sock, struct tcp_info *info)
{
	socklen_t len = sizeof(*info);

	memset(info, 0, sizeof(*info));
	getsockopt(sock, IPPROTO_TCP, TCP_INFO, info, &len);
}

uint64_t tcp_taken(int sock)
{
	struct tcp_info info;

	tcp_get_info(sock, &info);
	return info.tcpi_bytes_sent - info.tcpi_bytes_retrans +
	       info.tcpi_notsent_bytes;
}

uint64_t tcp_stalled(int sock)
{
	uint64_t taken = tcp_taken(sock), since = zct_now_ms(), now;

	while (zct_now_ms() < since + 300) {
		usleep(20000);
		now = tcp_taken(sock);
		if (now != taken || !now)
			since = zct_now_ms();
		taken = now;
	}
	return taken;
}
