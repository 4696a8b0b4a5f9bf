// SPDX-License-Identifier: GPL-2.0-only
/* zcctl dma map: a buffer, and where a device finds it. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dma.h"

#define BOTH	(ZC_DMA_TO_DEVICE | ZC_DMA_FROM_DEVICE)

/**
 * struct wanted - what is to be mapped
 * @buffer: the buffer, and how long to hold it
 * @name:   name or number of the target
 * @flags:  ZC_DMA_* flags of the mapping
 */
struct wanted {
	struct alloc_wanted buffer;
	char name[DMA_NAME];
	uint32_t flags;
};

/**
 * struct mapped - a buffer that is mapped
 * @info:  the target
 * @map:   what the module said
 * @size:  bytes of the buffer
 * @segs:  its segments; NULL: they are not shown
 * @nr:    how many there are in @segs
 */
struct mapped {
	struct zc_dma_query info;
	struct zc_dma_map map;
	uint64_t size;
	struct zc_segment *segs;
	unsigned int nr;
};

static const char *direction(uint32_t flags)
{
	switch (flags & BOTH) {
	case ZC_DMA_TO_DEVICE:
		return "to";
	case ZC_DMA_FROM_DEVICE:
		return "from";
	default:
		return "both";
	}
}

static void show_json(const struct mapped *m, uint32_t flags)
{
	struct json_object *obj = out_new("dma-map"), *list = NULL;
	unsigned int i;

	if (m->segs)
		list = json_object_new_array();
	for (i = 0; i < m->nr; i++) {
		struct json_object *one = json_object_new_object();

		out_add_u64(one, "address", m->segs[i].addr);
		out_add_u64(one, "length", m->segs[i].len);
		json_object_array_add(list, one);
	}
	json_object_object_add(obj, "target", dma_json(&m->info));
	out_add_u64(obj, "size", m->size);
	out_add_str(obj, "direction", direction(flags));
	if (m->segs)
		out_add_u64(obj, "nr_segments", m->map.segments);
	else
		json_object_object_add(obj, "nr_segments", NULL);
	out_add_u64(obj, "bounced_bytes", m->map.bounced);
	json_object_object_add(obj, "segments", list);
	out_object(obj);
}

static void segments_text(const struct mapped *m)
{
	uint64_t total = 0;
	unsigned int i;

	puts("\nsegment             address        length");
	for (i = 0; i < m->nr; i++) {
		total += m->segs[i].len;
		printf("%7u  0x%016llx  %12llu\n", i, (unsigned long long)m->segs[i].addr,
		       (unsigned long long)m->segs[i].len);
	}
	printf("  total                      %12llu\n", (unsigned long long)total);
}

static void show_text(const struct mapped *m, uint32_t flags)
{
	static const char *const does[] = {
		[ZC_DMA_TO_DEVICE] = "reads it",
		[ZC_DMA_FROM_DEVICE] = "writes to it",
		[BOTH] = "reads it and writes to it",
	};
	char a[32];

	printf("target     %u, %s, %s%s\n", m->info.target, m->info.name,
	       *m->info.driver ? "driver " : "the module's own", m->info.driver);
	printf("size       %s; the device %s\n", out_bytes(m->size, a, sizeof(a)),
	       does[flags & BOTH]);
	if (m->segs)
		printf("segments   %u\n", m->map.segments);
	printf("bounced    %s\n", out_bytes(m->map.bounced, a, sizeof(a)));
	printf("addresses  %s\n", dma_addresses(&m->info));
	if (m->segs)
		segments_text(m);
	else
		puts("           and so not shown, nor how many segments there are: that is for\n"
		     "           root (CAP_SYS_ADMIN)");
}

/* Physical addresses may not be for the caller: no failure. Returns an exit code. */
static int read_segments(struct zc_buffer *buf, struct mapped *m)
{
	int nr;

	if (!(m->info.state & ZC_DMA_ADDRESSES))
		return EX_OK;
	m->segs = calloc(m->map.segments + 1ul, sizeof(*m->segs));
	if (!m->segs)
		return out_error(EX_FAILED, ENOMEM, NULL, "cannot read the segments");
	nr = zc_buffer_dma_segments(buf, m->info.target, 0, m->segs, m->map.segments);
	if (nr >= 0) {
		m->nr = nr;
		return EX_OK;
	}
	free(m->segs);
	m->segs = NULL;
	return out_error(EX_FAILED, -nr, NULL, "cannot read the segments");
}

static void range_hint(const struct zc_dma_query *info, bool bounce, char *hint, size_t size)
{
	if (bounce) {
		snprintf(hint, size, "the device reaches addresses up to 0x%llx, and bounce\n"
			 "  buffers, too, lie beyond: what helps is an IOMMU that translates",
			 (unsigned long long)info->mask);
		return;
	}
	snprintf(hint, size, "the device reaches addresses up to 0x%llx, and memory of the buffer\n"
		 "  lies beyond: what helps is an IOMMU that translates%s",
		 (unsigned long long)info->mask, strcmp(info->driver, DMA_DRIVER) ? "" :
		 ", or, if the device\n  has more address bits: detach it, and attach it with --bits");
}

/* Returns an exit code. */
static int failed(int err, const struct wanted *want, const struct zc_dma_query *info)
{
	char text[256] = "", a[32];
	const char *hint = text;
	int ret = EX_FAILED;

	switch (err) {
	case EPERM:
		if (!(want->flags & ZC_DMA_BOUNCE))
			break;
		ret = EX_PERMISSION;
		hint = "--bounce is for root: all devices of the machine share the bounce buffers";
		break;
	case ENODEV:
		hint = "the target has gone meanwhile";
		break;
	case ERANGE:
		range_hint(info, want->flags & ZC_DMA_BOUNCE, text, sizeof(text));
		break;
	case EREMOTEIO:
		hint = "the device reaches some of the memory by bounce buffers alone, which\n"
		       "  means copies: --bounce allows them, or an IOMMU does without";
		break;
	case EOPNOTSUPP:
		hint = "it is imported from a dma-buf: attach that to the device instead";
		break;
	case EIO:
		hint = want->flags & ZC_DMA_BOUNCE ?
		       "no addresses, or bounce buffers, are left for the device: there are 64 MiB\n"
		       "  of these for all devices, unless swiotlb= says otherwise at boot" :
		       "no addresses are left for the device: unmap others, or take less";
	}
	return out_error(ret, err, *hint ? hint : NULL, "cannot map %s for %s",
			 out_bytes(want->buffer.size, a, sizeof(a)), info->name);
}

/* Until the time is over or the target goes. Returns an exit code. */
static int hold(struct zc_context *ctx, const struct mapped *m, int seconds)
{
	struct pollfd pfd = { .fd = zc_fd(ctx), .events = POLLIN };
	struct zc_event event;

	fflush(stdout);
	if (poll(&pfd, 1, seconds * 1000) < 1 || zc_events(ctx, &event, 1) < 1 ||
	    event.type != ZC_EVENT_UNMAPPED)
		return EX_OK;
	return out_error(EX_FAILED, event.error, NULL,
			 "%s is a target no longer, and the buffer not mapped for it",
			 m->info.name);
}

/* Returns an exit code. */
static int map_buffer(struct zc_context *ctx, struct zc_buffer *buf,
		      const struct wanted *want, struct mapped *m)
{
	int err, ret;

	err = zc_buffer_dma_map(buf, m->info.target, want->flags, 0, &m->map);
	if (err)
		return failed(-err, want, &m->info);
	m->size = zc_buffer_size(buf);
	ret = read_segments(buf, m);
	if (ret)
		return ret;
	if (out_json)
		show_json(m, want->flags);
	else
		show_text(m, want->flags);
	free(m->segs);
	ret = hold(ctx, m, want->buffer.hold);
	if (ret)
		return ret;
	err = zc_buffer_dma_unmap(buf, m->info.target);
	if (err)
		return out_error(EX_FAILED, -err, NULL, "cannot unmap the buffer");
	return EX_OK;
}

static int map(const struct wanted *want)
{
	struct mapped m = { .size = 0 };
	struct zc_context *ctx;
	struct zc_buffer *buf;
	int ret = device_open(&ctx);

	if (ret)
		return ret;
	ret = dma_find(ctx, want->name, &m.info);
	if (!ret)
		ret = alloc_buffer(ctx, &want->buffer, &buf);
	if (!ret) {
		ret = map_buffer(ctx, buf, want, &m);
		zc_buffer_free(buf);
	}
	zc_close(ctx);
	return ret;
}

/* The target and the size. Returns an exit code. */
static int take_arguments(struct wanted *want, int argc, char **argv)
{
	if (argc != optind + 2)
		return out_usage("dma map: one target and one size, please, as in 0 64M");
	if (!dma_named(argv[optind], want->name, sizeof(want->name)))
		return out_usage("dma map: '%s' is neither the name nor the number of a target",
				 argv[optind]);
	if (!parse_size(argv[optind + 1], &want->buffer.size) || !want->buffer.size)
		return out_usage("dma map: '%s' is no size, as 64M is", argv[optind + 1]);
	if (want->buffer.page && want->buffer.flags)
		return out_usage("dma map: --page-size goes with neither --small-ok nor --slice");
	if (!(want->flags & BOTH))
		want->flags |= BOTH;
	return EX_OK;
}

int dma_map(int argc, char **argv)
{
	static const struct option options[] = {
		{ "to", no_argument, NULL, 't' },
		{ "from", no_argument, NULL, 'f' },
		{ "bounce", no_argument, NULL, 'b' },
		{ "small-ok", no_argument, NULL, 'o' },
		{ "slice", no_argument, NULL, 'l' },
		{ "page-size", required_argument, NULL, 'p' },
		{ "hold", required_argument, NULL, 'H' },
		{ "help", no_argument, NULL, 'h' },
		{ },
	};
	struct wanted want = { .buffer.node = ZC_NODE_ANY };
	int c, ret;

	while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		switch (c) {
		case 't':
			want.flags |= ZC_DMA_TO_DEVICE;
			break;
		case 'f':
			want.flags |= ZC_DMA_FROM_DEVICE;
			break;
		case 'b':
			want.flags |= ZC_DMA_BOUNCE;
			break;
		case 'o':
			want.buffer.flags |= ZC_BUF_SMALL_OK;
			break;
		case 'l':
			want.buffer.flags |= ZC_BUF_SLICE;
			break;
		case 'p':
			if (!parse_size(optarg, &want.buffer.page) || !want.buffer.page)
				return out_usage("dma map: '%s' is no page size", optarg);
			break;
		case 'H':
			if (!parse_int(optarg, 0, 86400, &want.buffer.hold))
				return out_usage("dma map: '%s' is no time", optarg);
			break;
		case 'h':
			fputs(dma_help, stdout);
			return EX_OK;
		case ':':
			return out_no_value("dma map", argv);
		default:
			return out_bad_option("dma map", argv);
		}
	}
	ret = take_arguments(&want, argc, argv);
	return ret ? ret : map(&want);
}
