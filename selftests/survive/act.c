// SPDX-License-Identifier: GPL-2.0-only
/* What a program can do with zc, once, in each of many ways. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "act.h"

static unsigned int below(struct actor *a, unsigned int nr)
{
	return rand_r(&a->tx.seed) % nr;
}

static int make(struct actor *a, struct zc_buf_create *buf)
{
	uint32_t flags = below(a, 4) ? 0 : ZC_BUF_ZERO;

	if (below(a, 2))
		return zct_create(a->tx.fd, 1 + below(a, 700000), flags | ZC_BUF_SLICE,
				  ZC_NODE_ANY, buf);
	return zct_create(a->tx.fd, (1 + below(a, 3)) * HUGE, flags, ZC_NODE_ANY, buf);
}

/* Write to each page of it, and see that it is there. */
static int touch(volatile char *map, uint64_t size)
{
	uint64_t at;

	for (at = 0; at < size; at += 65536)
		map[at] = 1 + at / 65536;
	for (at = 0; at < size; at += 65536)
		if (map[at] != (char)(1 + at / 65536))
			return -EBADMSG;
	return 0;
}

static int map_and_touch(int fd, uint64_t size, uint64_t offset)
{
	char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
	int ret;

	if (map == MAP_FAILED)
		return -errno;
	ret = touch(map, size);
	munmap(map, size);
	return ret;
}

static int with_buffer(struct actor *a, int (*fn)(struct actor *a, struct zc_buf_create *buf))
{
	struct zc_buf_create buf;
	int ret = make(a, &buf), gone;

	if (ret)
		return ret;
	ret = fn(a, &buf);
	gone = zct_destroy(a->tx.fd, buf.handle);
	return ret ?: gone;
}

static int do_map(struct actor *a, struct zc_buf_create *buf)
{
	return map_and_touch(a->tx.fd, buf->size, buf->mmap_offset);
}

static int do_seal(struct actor *a, struct zc_buf_create *buf)
{
	return do_map(a, buf) ?: zct_seal(a->tx.fd, buf->handle);
}

static int do_share(struct actor *a, struct zc_buf_create *buf)
{
	struct zc_buf_share share = { .handle = buf->handle };
	int ret = zct_ioctl(a->tx.fd, ZC_IOC_BUF_SHARE, &share);

	if (ret)
		return ret;
	ret = map_and_touch(share.fd, buf->size, 0);
	close(share.fd);
	return ret;
}

static int do_export(struct actor *a, struct zc_buf_create *buf)
{
	struct zc_buf_export arg = { .handle = buf->handle };
	int ret = zct_ioctl(a->tx.fd, ZC_IOC_BUF_EXPORT, &arg);

	/* Not in each kernel. */
	if (ret)
		return ret == -ENOTTY ? 0 : ret;
	ret = map_and_touch(arg.fd, buf->size, 0);
	close(arg.fd);
	return ret;
}

static int do_dma(struct actor *a, struct zc_buf_create *buf)
{
	struct zc_dma_map map = {
		.handle = buf->handle, .target = ZC_DMA_OWN,
		.flags = ZC_DMA_TO_DEVICE | ZC_DMA_FROM_DEVICE | ZC_DMA_BOUNCE,
	};
	struct zc_dma_segments segs = { .handle = buf->handle, .target = ZC_DMA_OWN };
	struct zc_dma_unmap unmap = { .handle = buf->handle, .target = ZC_DMA_OWN };
	int ret = zct_ioctl(a->tx.fd, ZC_IOC_DMA_MAP, &map);

	if (ret)
		return ret == -ENOTTY ? 0 : ret;
	ret = zct_ioctl(a->tx.fd, ZC_IOC_DMA_SEGMENTS, &segs);
	/* Half of them are left to whatever ends them. */
	return ret ?: below(a, 2) ? zct_ioctl(a->tx.fd, ZC_IOC_DMA_UNMAP, &unmap) : 0;
}

static int act_import(struct actor *a)
{
	struct zc_buf_import arg = { .size = (1 + below(a, 64)) * 4096ull };
	int ret = 0;

	arg.fd = memfd_create("zc-act", MFD_CLOEXEC);
	if (arg.fd < 0 || ftruncate(arg.fd, arg.size))
		ret = -errno;
	ret = ret ?: zct_ioctl(a->tx.fd, ZC_IOC_BUF_IMPORT, &arg);
	ret = ret ?: map_and_touch(a->tx.fd, arg.size, arg.mmap_offset);
	ret = ret ?: zct_destroy(a->tx.fd, arg.handle);
	close(arg.fd);
	return ret;
}

/* Some are destroyed with the file alone. */
static int act_forget(struct actor *a)
{
	struct zc_buf_create buf;
	int fd = zct_open(), ret, i;

	if (fd < 0)
		return -errno;
	for (i = 0, ret = 0; i < 4 && !ret; i++)
		ret = zct_create(fd, 1 + below(a, 300000), ZC_BUF_SLICE, ZC_NODE_ANY, &buf);
	close(fd);
	return ret;
}

static bool next_one(const struct nl_msg *msg, void *data)
{
	return true;
}

static int act_dump(struct actor *a)
{
	static const uint8_t cmds[] = { ZC_CMD_BUFFER_GET, ZC_CMD_TRANSFER_GET, ZC_CMD_TARGET_GET,
					ZC_CMD_POOL_GET };
	struct nl_req req;
	int ret;

	nl_begin(&req, cmds[below(a, sizeof(cmds))]);
	ret = nl_dump(&a->nl, &req, next_one, NULL);
	return ret < 0 ? ret : 0;
}

static int act_listen(struct actor *a)
{
	enum nl_group group = below(a, 3);
	int ret = nl_join(&a->nl, group), nr, left;

	if (ret)
		return ret;
	ret = with_buffer(a, do_map);
	/* Who listens to busy people loses some. */
	nr = nl_drain(&a->nl);
	left = nl_leave(&a->nl, group);
	return ret ?: nr < 0 && nr != -ENOBUFS ? nr : left;
}

static int act_ask(struct actor *a)
{
	struct zc_buf_info info = { .flags = ZC_INFO_HOLDERS };
	struct zc_node_query node = { 0 };
	struct zc_query query = { 0 };
	struct zc_stats stats = { 0 };
	int ret;

	ret = zct_ioctl(a->tx.fd, ZC_IOC_QUERY, &query) ?:
	      zct_ioctl(a->tx.fd, ZC_IOC_STATS, &stats) ?:
	      zct_ioctl(a->tx.fd, ZC_IOC_NODE_QUERY, &node);
	while (!ret) {
		ret = zct_ioctl(a->tx.fd, ZC_IOC_BUF_INFO, &info);
		info.id++;
	}
	return ret == -ENOENT ? 0 : ret;
}

static int send_by(struct actor *a, enum flow_way way)
{
	if (!below(a, 8))
		posix_fadvise(a->tx.file, 0, 0, POSIX_FADV_DONTNEED);
	return flow_send(&a->tx, way, flow_len(&a->tx.seed));
}

const struct act acts[] = {
	{ "create, map", .buf = do_map },
	{ "create, seal", .buf = do_seal },
	{ "share", .buf = do_share },
	{ "export", .buf = do_export },
	{ "import", .fn = act_import },
	{ "dma map", .buf = do_dma },
	{ "forget", .fn = act_forget },
	{ "netlink dump", .fn = act_dump },
	{ "netlink listen", .fn = act_listen },
	{ "query", .fn = act_ask },
	{ "send auto", .way = FLOW_AUTO },
	{ "send direct", .way = FLOW_DIRECT },
	{ "send cached", .way = FLOW_CACHED },
	{ "send async", .way = FLOW_ASYNC },
	{ "send io_uring", .way = FLOW_URING },
	{ "send sealed", .way = FLOW_SEALED },
	{ "send buffer", .way = FLOW_BUFFER },
};

const unsigned int acts_nr = sizeof(acts) / sizeof(*acts);

static int act_do(struct actor *a, const struct act *act)
{
	if (act->fn)
		return act->fn(a);
	return act->buf ? with_buffer(a, act->buf) : send_by(a, act->way);
}

int actor_open(struct actor *a, int file, int sock, unsigned int seed, struct flow_count *count)
{
	*a = (struct actor){
		.tx = { .file = file, .sock = sock, .seed = seed, .count = count },
	};
	a->tx.fd = zct_open();
	return a->tx.fd < 0 ? -errno : nl_open(&a->nl);
}

void actor_close(struct actor *a)
{
	nl_close(&a->nl);
	flow_sender_close(&a->tx);
}

/* Where memory is short, or somebody has gone, that is no failure of anybody. */
static bool has_reason(int error)
{
	return error == -ENOMEM || error == -ENOSPC || error == -EDQUOT || error == -EPIPE ||
	       error == -ECONNRESET;
}

static void actor_main(unsigned int which, struct actor *a, struct act_count *count,
		       const bool *stop)
{
	unsigned int act;
	int ret;

	while (!__atomic_load_n(stop, __ATOMIC_RELAXED)) {
		act = which < acts_nr ? which : below(a, acts_nr);
		ret = act_do(a, &acts[act]);
		if (!ret || has_reason(ret)) {
			count->good[act] += !ret;
			__atomic_fetch_add(&count->done[act], 1, __ATOMIC_RELAXED);
		} else {
			count->act = act;
			count->error = -ret;
			__atomic_fetch_add(&count->failed, 1, __ATOMIC_RELAXED);
		}
		if (ret == -EPIPE || ret == -ECONNRESET)
			break;
	}
}

pid_t actor_start(unsigned int which, int file, const int *sock, unsigned int seed,
		  struct act_count *count, const bool *stop)
{
	struct actor a;
	pid_t pid = fork();

	if (pid)
		return pid < 0 ? -errno : pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fds_close_but(file, sock[0]);
	if (actor_open(&a, file, sock[0], seed, &count->flow))
		_exit(1);
	actor_main(which, &a, count, stop);
	actor_close(&a);
	_exit(0);
}
