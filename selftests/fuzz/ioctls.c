// SPDX-License-Identifier: GPL-2.0-only
/* The ioctls: a table of what their structures have, and one function that does them all. */
#include <stdio.h>

#include "fuzz.h"

/* Of a member: what goes in. */
enum kind {
	RESV, HANDLE, SIZE, OFFSET, LEN, FLAGS, NODE, SOCK, FILE_FD, MEMORY, ID, TARGET, OTHER,
	DATA,
	NAME, BITS, FEW, EDGE,
};

struct member {
	uint16_t at;
	uint16_t size;
	uint32_t kind;
	uint32_t mask;
};

/**
 * struct ioc - one ioctl
 * @cmd:    its number
 * @size:   of its structure
 * @member: what goes in, up to one without a size; the rest is 0
 * @fix:    what goes with what, or NULL
 * @done:   takes what came back, or NULL
 */
struct ioc {
	unsigned long cmd;
	uint32_t size;
	struct member member[10];
	void (*fix)(struct thread *t, void *arg);
	void (*done)(struct thread *t, unsigned int dev, const void *arg);
};

#define M(type, field, ...) \
	{ offsetof(struct type, field), sizeof(((struct type *)0)->field), __VA_ARGS__ }

static void put(char *arg, const struct member *m, uint64_t val)
{
	memcpy(arg + m->at, &val, m->size < sizeof(val) ? m->size : sizeof(val));
}

static int32_t node_value(struct thread *t)
{
	static const int32_t nodes[] = { 2, -2, 1023, 0x7fffffff };

	if (below(t, 16))
		return (int32_t)below(t, 3) - 1;
	return nodes[below(t, sizeof(nodes) / sizeof(*nodes))];
}

static void put_name(struct thread *t, char *name)
{
	static const char *const names[] = {
		"pci:0000:00:10.0", "pci:0000:00:10.0", "pci:0000:00:10.0", "pci:0000:00:11.0",
		"pci:0000:00:11.0", "platform:zc", "pci:0000:00:00.0", "",
	};

	snprintf(name, ZC_DMA_NAME_MAX, "%s", names[below(t, sizeof(names) / sizeof(*names))]);
	if (one_in(t, 32))
		memset(name, 'x', ZC_DMA_NAME_MAX);
}

static uint32_t bits_value(struct thread *t)
{
	static const uint32_t bits[] = { 0, 0, 0, 64, 64, 64, 32, 28, 12, 11, 65, ~0u };

	return bits[below(t, sizeof(bits) / sizeof(*bits))];
}

static void fill(struct thread *t, char *arg, const struct member *m,
		 const struct known *buf)
{
	/* A copy that does not change any more. */
	uint64_t size = __atomic_load_n(&buf->size, __ATOMIC_RELAXED);

	switch (m->kind) {
	case RESV:
		if (one_in(t, 128))
			arg[m->at + below(t, m->size)] = 1;
		return;
	case HANDLE:
		put(arg, m, one_in(t, 32) ? edge_value(t) : buf->handle);
		return;
	case SIZE:
		put(arg, m, size_value(t));
		return;
	case OFFSET:
		put(arg, m, offset_value(t, size));
		return;
	case LEN:
		put(arg, m, one_in(t, 8) ? size_value(t) : below(t, size < 8 * PAGE ? size + 1 :
			one_in(t, 4) ? size : 8 * PAGE));
		return;
	case FLAGS:
		put(arg, m, flags_value(t, m->mask));
		return;
	case NODE:
		put(arg, m, node_value(t));
		return;
	case SOCK:
		put(arg, m, fd_value(t, FD_SOCK));
		return;
	case FILE_FD:
		put(arg, m, fd_value(t, FD_FILE));
		return;
	case MEMORY:
		put(arg, m, one_in(t, 4) ? fd_value(t, FD_DMABUF) : memory_value(t));
		return;
	case ID:
		put(arg, m, one_in(t, 4) ? 0 : id_value(t));
		return;
	case TARGET:
		put(arg, m, target_value(t));
		return;
	case OTHER:
		put(arg, m, other_target(t));
		return;
	case DATA:
		put(arg, m, below(t, 8));
		return;
	case NAME:
		put_name(t, arg + m->at);
		return;
	case BITS:
		put(arg, m, bits_value(t));
		return;
	case FEW:
		put(arg, m, below(t, m->mask));
		return;
	case EDGE:
		put(arg, m, one_in(t, 16) ? edge_value(t) : 0);
	}
}

static void fix_create(struct thread *t, void *data)
{
	struct zc_buf_create *arg = data;

	if (arg->node == ZC_NODE_ANY && below(t, 16))
		arg->flags &= ~ZC_BUF_NODE_STRICT;
	if (arg->size < MIB && below(t, 4))
		arg->flags |= ZC_BUF_SLICE;
}

static void fix_import(struct thread *t, void *data)
{
	struct zc_buf_import *arg = data;

	/* All there is, most often; that is a few pages. */
	if (below(t, 4))
		arg->size = 0;
	if (below(t, 4))
		arg->offset = 0;
}

static void fix_sendfile(struct thread *t, void *data)
{
	struct zc_sendfile *arg = data;

	if (arg->flags & ZC_SEND_POS && below(t, 8))
		arg->offset = 0;
	if (arg->flags & ZC_SEND_ASYNC && below(t, 8))
		arg->flags &= ~ZC_SEND_POS;
}

static void fix_send(struct thread *t, void *data)
{
	struct zc_send *arg = data;

	if (below(t, 16))
		arg->flags |= ZC_SEND_NOSIGNAL;
	if (arg->flags & ZC_SEND_SHARED && below(t, 16))
		arg->handle = fd_value(t, FD_SHARE);
}

static void fix_measure(struct thread *t, void *data)
{
	struct zc_dma_measure *arg = data;

	if (one_in(t, 16))
		return;
	/* Larger ones take long. */
	arg->size = (1 + below(t, 8)) * PAGE;
	if (arg->kind == ZC_MEASURE_BUFFER)
		arg->size = 0;
	else
		arg->handle = 0;
}

static void fix_map(struct thread *t, void *data)
{
	struct zc_dma_map *arg = data;

	if (below(t, 8))
		arg->flags |= 1 + below(t, 3);
}

/* What was mapped last, by the device. */
static struct {
	uint32_t handle;
	uint32_t target;
} mapped[FDS];

static void fix_mapped(struct thread *t, void *data)
{
	struct zc_dma_unmap *arg = data;
	unsigned int dev = t->dev;

	if (one_in(t, 3))
		return;
	arg->handle = mapped[dev].handle;
	arg->target = mapped[dev].target;
}

static void done_map(struct thread *t, unsigned int dev, const void *data)
{
	const struct zc_dma_map *arg = data;

	mapped[dev].handle = arg->handle;
	mapped[dev].target = arg->target;
}

static void fix_sync(struct thread *t, void *data)
{
	struct zc_buf_sync *arg = data;

	if (below(t, 8))
		arg->flags |= 1 + below(t, 3);
	if (below(t, 2))
		arg->len = 0;
}

static void done_create(struct thread *t, unsigned int dev, const void *data)
{
	const struct zc_buf_create *arg = data;
	struct known buf = { arg->mmap_offset, arg->size, arg->handle };

	buf_keep(t, dev, &buf);
}

static void done_import(struct thread *t, unsigned int dev, const void *data)
{
	const struct zc_buf_import *arg = data;
	struct known buf = { arg->mmap_offset, arg->size, arg->handle };

	buf_keep(t, dev, &buf);
}

/* Some of those that are gone are still tried. */
static void done_destroy(struct thread *t, unsigned int dev, const void *data)
{
	const struct zc_buf_destroy *arg = data;

	if (below(t, 4))
		buf_forget(dev, arg->handle);
}

static void done_info(struct thread *t, unsigned int dev, const void *data)
{
	id_keep(((const struct zc_buf_info *)data)->id);
}

static void done_share(struct thread *t, unsigned int dev, const void *data)
{
	fd_keep(t, FD_SHARE, ((const struct zc_buf_share *)data)->fd);
}

static void done_export(struct thread *t, unsigned int dev, const void *data)
{
	fd_keep(t, FD_DMABUF, ((const struct zc_buf_export *)data)->fd);
}

static void done_attach(struct thread *t, unsigned int dev, const void *data)
{
	target_keep(((const struct zc_dma_attach *)data)->target);
}

static void done_target(struct thread *t, unsigned int dev, const void *data)
{
	target_keep(((const struct zc_dma_query *)data)->target);
}

#define IOC(type, nr, ...) \
	static const struct ioc ioc_##type = { nr, sizeof(struct type), { __VA_ARGS__ }

IOC(zc_query, ZC_IOC_QUERY, M(zc_query, flags, RESV), M(zc_query, __resv, RESV)) };
IOC(zc_stats, ZC_IOC_STATS, M(zc_stats, flags, RESV), M(zc_stats, __pad, RESV),
	M(zc_stats, __resv, RESV)) };
IOC(zc_node_query, ZC_IOC_NODE_QUERY, M(zc_node_query, node, NODE),
	M(zc_node_query, flags, RESV), M(zc_node_query, __resv, RESV)) };
IOC(zc_buf_create, ZC_IOC_BUF_CREATE, M(zc_buf_create, size, SIZE),
	M(zc_buf_create, flags, FLAGS, ZC_BUF_SMALL_OK | ZC_BUF_NODE_STRICT | ZC_BUF_ZERO |
		ZC_BUF_SLICE), M(zc_buf_create, node, NODE), M(zc_buf_create, __resv, RESV)),
	.fix = fix_create, .done = done_create };
IOC(zc_buf_query, ZC_IOC_BUF_QUERY, M(zc_buf_query, handle, HANDLE),
	M(zc_buf_query, __pad, RESV), M(zc_buf_query, __resv, RESV)) };
IOC(zc_buf_destroy, ZC_IOC_BUF_DESTROY, M(zc_buf_destroy, handle, HANDLE),
	M(zc_buf_destroy, flags, RESV), M(zc_buf_destroy, __resv, RESV)), .done = done_destroy };
IOC(zc_buf_seal, ZC_IOC_BUF_SEAL, M(zc_buf_seal, handle, HANDLE),
	M(zc_buf_seal, flags, RESV), M(zc_buf_seal, __resv, RESV)) };
IOC(zc_buf_info, ZC_IOC_BUF_INFO, M(zc_buf_info, id, ID),
	M(zc_buf_info, flags, FLAGS, ZC_INFO_HOLDERS), M(zc_buf_info, __resv, RESV)),
	.done = done_info };
IOC(zc_buf_share, ZC_IOC_BUF_SHARE, M(zc_buf_share, handle, HANDLE),
	M(zc_buf_share, flags, FLAGS, ZC_SHARE_RDONLY), M(zc_buf_share, __pad, RESV),
	M(zc_buf_share, __resv, RESV)), .done = done_share };
IOC(zc_buf_import, ZC_IOC_BUF_IMPORT, M(zc_buf_import, fd, MEMORY),
	M(zc_buf_import, flags, RESV), M(zc_buf_import, offset, OFFSET),
	M(zc_buf_import, size, SIZE), M(zc_buf_import, __pad, RESV),
	M(zc_buf_import, __resv, RESV)), .fix = fix_import, .done = done_import };
IOC(zc_buf_export, ZC_IOC_BUF_EXPORT, M(zc_buf_export, handle, HANDLE),
	M(zc_buf_export, flags, FLAGS, ZC_EXPORT_RDONLY), M(zc_buf_export, __pad, RESV),
	M(zc_buf_export, __resv, RESV)), .done = done_export };
IOC(zc_buf_sync, ZC_IOC_BUF_SYNC, M(zc_buf_sync, handle, HANDLE),
	M(zc_buf_sync, flags, FLAGS, ZC_SYNC_READ | ZC_SYNC_WRITE | ZC_SYNC_END),
	M(zc_buf_sync, offset, OFFSET), M(zc_buf_sync, len, LEN),
	M(zc_buf_sync, __resv, RESV)), .fix = fix_sync };
IOC(zc_sendfile, ZC_IOC_SENDFILE, M(zc_sendfile, in_fd, FILE_FD),
	M(zc_sendfile, out_fd, SOCK), M(zc_sendfile, offset, OFFSET), M(zc_sendfile, len, LEN),
	M(zc_sendfile, flags, FLAGS, ZC_SEND_POS | ZC_SEND_NONBLOCK | ZC_SEND_NOSIGNAL |
		ZC_SEND_DIRECT | ZC_SEND_MORE | ZC_SEND_CACHED | ZC_SEND_ASYNC),
	M(zc_sendfile, user_data, DATA), M(zc_sendfile, __resv, RESV)), .fix = fix_sendfile };
IOC(zc_send, ZC_IOC_SEND, M(zc_send, handle, HANDLE), M(zc_send, out_fd, SOCK),
	M(zc_send, offset, OFFSET), M(zc_send, len, LEN),
	M(zc_send, flags, FLAGS, ZC_SEND_NONBLOCK | ZC_SEND_NOSIGNAL | ZC_SEND_MORE |
		ZC_SEND_ASYNC | ZC_SEND_SHARED), M(zc_send, user_data, DATA),
	M(zc_send, __resv, RESV)), .fix = fix_send };
IOC(zc_cancel, ZC_IOC_CANCEL, M(zc_cancel, user_data, DATA),
	M(zc_cancel, flags, FLAGS, ZC_CANCEL_ALL), M(zc_cancel, __resv, RESV)) };
IOC(zc_dma_query, ZC_IOC_DMA_QUERY, M(zc_dma_query, target, TARGET),
	M(zc_dma_query, flags, RESV), M(zc_dma_query, __resv, RESV)), .done = done_target };
IOC(zc_dma_attach, ZC_IOC_DMA_ATTACH, M(zc_dma_attach, name, NAME),
	M(zc_dma_attach, flags, RESV), M(zc_dma_attach, bits, BITS),
	M(zc_dma_attach, __pad, RESV), M(zc_dma_attach, __resv, RESV)), .done = done_attach };
IOC(zc_dma_detach, ZC_IOC_DMA_DETACH, M(zc_dma_detach, target, OTHER),
	M(zc_dma_detach, flags, RESV), M(zc_dma_detach, __resv, RESV)) };
IOC(zc_dma_map, ZC_IOC_DMA_MAP, M(zc_dma_map, handle, HANDLE), M(zc_dma_map, target, TARGET),
	M(zc_dma_map, flags, FLAGS, ZC_DMA_TO_DEVICE | ZC_DMA_FROM_DEVICE | ZC_DMA_BOUNCE),
	M(zc_dma_map, user_data, DATA), M(zc_dma_map, __resv, RESV)), .fix = fix_map,
	.done = done_map };
IOC(zc_dma_unmap, ZC_IOC_DMA_UNMAP, M(zc_dma_unmap, handle, HANDLE),
	M(zc_dma_unmap, target, TARGET), M(zc_dma_unmap, flags, RESV),
	M(zc_dma_unmap, __pad, RESV), M(zc_dma_unmap, __resv, RESV)), .fix = fix_mapped };
IOC(zc_dma_segments, ZC_IOC_DMA_SEGMENTS, M(zc_dma_segments, handle, HANDLE),
	M(zc_dma_segments, target, TARGET), M(zc_dma_segments, flags, RESV),
	M(zc_dma_segments, first, EDGE), M(zc_dma_segments, __resv, RESV)),
	.fix = fix_mapped };
IOC(zc_dma_measure, ZC_IOC_DMA_MEASURE, M(zc_dma_measure, target, TARGET),
	M(zc_dma_measure, kind, FEW, 5), M(zc_dma_measure, handle, HANDLE),
	M(zc_dma_measure, flags, RESV), M(zc_dma_measure, size, SIZE),
	M(zc_dma_measure, __resv, RESV)), .fix = fix_measure };

/* Another size, direction or number than the command's own; most often none of these. */
static unsigned long twist(struct thread *t, const struct ioc *ioc, char *arg, uint32_t *size)
{
	unsigned long cmd = ioc->cmd;

	*size = ioc->size;
	switch (below(t, 64)) {
	case 0:
		*size += 8 * (1 + below(t, 8));
		break;
	case 1:
		*size += 8 * (1 + below(t, 8));
		arg[*size - 1] = below(t, 2);
		break;
	case 2:
		*size -= 8 * (1 + below(t, 3));
		break;
	case 3:
		*size = below(t, 512);
		break;
	case 4:
		return word(t);
	case 5:
		return cmd ^ (1ul << (below(t, 2) ? 30 : 31));
	case 6:
		arg[below(t, *size)] ^= 1u << below(t, 8);
	}
	return (cmd & ~((unsigned long)_IOC_SIZEMASK << _IOC_SIZESHIFT)) |
	       (unsigned long)*size << _IOC_SIZESHIFT;
}

static void make(struct thread *t, const struct ioc *ioc, unsigned int dev, char *arg)
{
	const struct known *buf = buf_value(t, dev);
	const struct member *m;

	for (m = ioc->member; m->size; m++)
		fill(t, arg, m, buf);
	t->dev = dev;
	if (ioc->fix)
		ioc->fix(t, arg);
}

/* The structure of a send, for those who do it in another way; returns its size. */
uint32_t send_make(struct thread *t, unsigned long cmd, unsigned int dev, char *arg)
{
	const struct ioc *ioc = cmd == ZC_IOC_SEND ? &ioc_zc_send : &ioc_zc_sendfile;

	memset(arg, 0, ioc->size);
	make(t, ioc, dev, arg);
	return ioc->size;
}

static long do_ioctl(struct thread *t, const void *data)
{
	const struct ioc *ioc = data;
	unsigned int dev = dev_value(t);
	char arg[512] __attribute__((aligned(8))) = { 0 };
	unsigned long cmd;
	struct place at;
	uint32_t size;
	long ret;

	make(t, ioc, dev, arg);
	cmd = twist(t, ioc, arg, &size);
	at = place(t, arg, size);
	ret = result(ioctl(fd_get(FD_DEV, dev), cmd, at.user));
	if (ret < 0 && _IOC_TYPE(cmd) == _IOC_TYPE(ioc->cmd) && _IOC_NR(cmd) == _IOC_NR(ioc->cmd) &&
	    !error_known(calls[t->step->call]->name, -ret))
		shared->stray[t->step->call] = -ret;
	if (ret >= 0 && ioc->done && cmd == ioc->cmd && at.seen) {
		memcpy(arg, at.seen, size);
		ioc->done(t, dev, arg);
	}
	return ret;
}

#define CALL(type, weight, ...)	{ #type, weight, do_ioctl, &ioc_##type, ##__VA_ARGS__ }

const struct call ioctl_calls[] = {
	CALL(zc_query, 20),
	CALL(zc_stats, 10),
	CALL(zc_node_query, 20),
	CALL(zc_buf_create, 90),
	CALL(zc_buf_query, 40),
	CALL(zc_buf_destroy, 70),
	CALL(zc_buf_seal, 10),
	CALL(zc_buf_info, 40, ZC_FEAT_INFO),
	CALL(zc_buf_share, 30),
	CALL(zc_buf_import, 12),
	CALL(zc_buf_export, 20, ZC_FEAT_DMABUF),
	CALL(zc_buf_sync, 30),
	CALL(zc_sendfile, 90),
	CALL(zc_send, 90),
	CALL(zc_cancel, 40),
	CALL(zc_dma_query, 20),
	CALL(zc_dma_attach, 10, 0, true),
	CALL(zc_dma_detach, 4, 0, true),
	CALL(zc_dma_map, 50),
	CALL(zc_dma_unmap, 40),
	CALL(zc_dma_segments, 30),
	CALL(zc_dma_measure, 10),
	{ }
};
