/* SPDX-License-Identifier: GPL-2.0-only */
/* Buffers mapped for targets, and what the machine does to addresses. */
#ifndef _DMA_H
#define _DMA_H

#include "zc_test.h"

#define PAGE	4096ull

/* The device reads and writes. */
#define BOTH	(ZC_DMA_TO_DEVICE | ZC_DMA_FROM_DEVICE)

/* No target has this number. */
#define NO_TARGET	0x7fffffff

#define SEGMENTS_MAX	1024

/**
 * struct segments - where a device finds a buffer
 * @nr: how many there are, or a negative errno
 * @at: the segments
 */
struct segments {
	int nr;
	struct zc_segment at[SEGMENTS_MAX];
};

/* Must all devices bounce (swiotlb=force)? */
bool dma_forced(void);
/* ZC_DMA_BOUNCE where they must. */
uint32_t dma_bounce(void);
/* The physical address of memory of this process, for root; 0 if there is none. */
uint64_t dma_physical(const volatile void *addr);

/* Each returns 0 or a negative errno. */
int dma_attach(int fd, const char *name, uint32_t bits, uint32_t *target);
int dma_detach(int fd, uint32_t target);
/* Of that target, and not of the next. */
int dma_query(int fd, uint32_t target, struct zc_dma_query *arg);
int dma_map(int fd, uint32_t handle, uint32_t target, uint32_t flags, struct zc_dma_map *arg);
int dma_unmap(int fd, uint32_t handle, uint32_t target);
int dma_sync(int fd, uint32_t handle, uint32_t flags, uint64_t offset, uint64_t len);

/* How many buffers are mapped for it, or a negative errno. */
int dma_mappings(int fd, uint32_t target);
/* Wait until so many are, at most @ms milliseconds. */
bool dma_mappings_become(int fd, uint32_t target, int want, int ms);

/* All of them, as many calls as that takes. Returns segments::nr. */
int dma_segments(int fd, uint32_t handle, uint32_t target, struct segments *segs);
/* Bytes in all of them. */
uint64_t dma_segments_size(const struct segments *segs);
/* Address of the byte at @offset; *@rest: bytes from there to the end of the segment. */
uint64_t dma_address(const struct segments *segs, uint64_t offset, uint64_t *rest);

/* Is it the one that tells of the end of @target? */
bool dma_event_is(const struct zc_event *event, uint32_t target, uint64_t user_data);

/* Returns the status of a child that does it, or -1. */
int dma_in_child(int (*fn)(void *data), void *data);
/* Become a user without privilege; false if that cannot be. */
bool dma_be_nobody(void);

#endif /* _DMA_H */
