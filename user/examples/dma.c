// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A buffer for a device: where it finds the buffer, and whose turn it is. The device itself
 * is not driven here. "make user" builds it (example-dma); "zcctl dma attach" makes a
 * device a target, and target 0 is always there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zc/zc.h>

static void fail(const char *what, int err)
{
	fprintf(stderr, "%s: %s\n", what, strerror(-err));
	exit(1);
}

/* What the device must be told of. */
static void segments(const struct zc_buffer *buf, uint32_t target)
{
	struct zc_segment segs[64];
	uint32_t first = 0;
	int i, nr;

	while ((nr = zc_buffer_dma_segments(buf, target, first, segs, 64)) > 0) {
		for (i = 0; i < nr; i++)
			printf("0x%016llx %llu bytes\n", (unsigned long long)segs[i].addr,
			       (unsigned long long)segs[i].len);
		first += nr;
	}
	/* Without an IOMMU they are physical ones, and for root alone (EPERM). */
	if (nr)
		fail("zc_buffer_dma_segments", nr);
}

/* Between begin and end the bytes are the processor's, else the device's. */
static void turn(struct zc_buffer *buf)
{
	int err = zc_buffer_sync_begin(buf, ZC_SYNC_WRITE, 0, 4096);

	if (err)
		fail("zc_buffer_sync_begin", err);
	memset(zc_buffer_data(buf), 0xa5, 4096);
	err = zc_buffer_sync_end(buf, ZC_SYNC_WRITE, 0, 4096);
	if (err)
		fail("zc_buffer_sync_end", err);
	/* Here the device is started, and waited for. */
	err = zc_buffer_sync_begin(buf, ZC_SYNC_READ, 0, 4096);
	if (err)
		fail("zc_buffer_sync_begin", err);
	printf("first byte: %#x\n", *(unsigned char *)zc_buffer_data(buf));
	err = zc_buffer_sync_end(buf, ZC_SYNC_READ, 0, 4096);
	if (err)
		fail("zc_buffer_sync_end", err);
}

int main(int argc, char **argv)
{
	struct zc_dma_query target;
	struct zc_context *ctx;
	struct zc_dma_map map;
	struct zc_buffer *buf;
	int err;

	if (argc != 2) {
		fprintf(stderr, "usage: %s pci:0000:00:04.0|NUMBER\n", argv[0]);
		return 2;
	}
	err = zc_open(&ctx);
	if (err)
		fail(ZC_DEVICE, err);
	err = zc_dma_find(ctx, argv[1], &target);
	if (err)
		fail(argv[1], err);
	err = zc_buffer_new(ctx, 4 * ZC_HUGE_SIZE, 0, ZC_NODE_ANY, &buf);
	if (err)
		fail("zc_buffer_new", err);
	err = zc_buffer_dma_map(buf, target.target, ZC_DMA_TO_DEVICE | ZC_DMA_FROM_DEVICE, 0,
				&map);
	if (err)
		fail("zc_buffer_dma_map", err);
	printf("%s finds it in %u pieces:\n", target.name, map.segments);
	segments(buf, target.target);
	turn(buf);
	/* The device must have stopped by now, unless an IOMMU keeps it away. */
	err = zc_buffer_dma_unmap(buf, target.target);
	if (err)
		fail("zc_buffer_dma_unmap", err);
	zc_buffer_free(buf);
	zc_close(ctx);
	return 0;
}
