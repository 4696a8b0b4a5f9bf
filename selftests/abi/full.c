// SPDX-License-Identifier: GPL-2.0-only
/* A buffer is mapped where a program of 32 bits has hardly any addresses left. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "zc_test.h"

#define CHUNK	(16 * MIB)

FIXTURE(full)
{
	int fd;
	struct zc_buf_create buf;
	/* What was taken first, a chunk */
	char *first;
};

/* Addresses, and no memory */
static char *take(size_t size)
{
	char *map = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return map == MAP_FAILED ? NULL : map;
}

FIXTURE_SETUP(full)
{
	size_t size;

	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &self->buf));
	self->first = take(CHUNK);
	ASSERT_NE(NULL, self->first);
	for (size = CHUNK; size >= 4096; size /= 2)
		while (take(size))
			;
}

FIXTURE_TEARDOWN(full)
{
	close(self->fd);
}

/* A gap of which no part is aligned as it should be, but which is large enough, will do. */
TEST_F_TIMEOUT(full, unaligned, 120)
{
	char *gap, *map;

	gap = (char *)(uintptr_t)(((uintptr_t)self->first + HUGE - 1) & ~(HUGE - 1)) + MIB;
	ASSERT_EQ(0, munmap(gap, HUGE));
	map = zct_map(self->fd, &self->buf);
	ASSERT_EQ(gap, map);
	map[0] = 1;
	map[HUGE - 1] = 2;
	munmap(map, HUGE);
	/* With more room it is where it should be. */
	ASSERT_EQ(0, munmap(gap + HUGE, 2 * HUGE));
	map = zct_map(self->fd, &self->buf);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(0, (uintptr_t)map % HUGE);
	EXPECT_EQ(1, map[0]);
	EXPECT_EQ(2, map[HUGE - 1]);
}

TEST_F_TIMEOUT(full, too_small, 120)
{
	ASSERT_EQ(0, munmap(self->first, HUGE - 4096));
	EXPECT_EQ(MAP_FAILED, zct_map(self->fd, &self->buf));
	EXPECT_EQ(ENOMEM, errno);
	/* The buffer is as it was. */
	ASSERT_EQ(0, munmap(self->first, CHUNK));
	EXPECT_NE(MAP_FAILED, zct_map(self->fd, &self->buf));
}

TEST_HARNESS_MAIN
