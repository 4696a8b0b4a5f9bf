// SPDX-License-Identifier: GPL-2.0-only
/* Each allocation of ZC_IOC_BUF_IMPORT, and of a mapping of it, fails in turn. */
#include <errno.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dmabuf.h"
#include "fault.h"
#include "kselftest_harness.h"

/* What is imported. Each page may be an allocation. */
struct kind {
	uint64_t size;
	/* For memfd_create() */
	unsigned int flags;
	bool heap;
};

static int make(const struct kind *kind)
{
	int fd = kind->heap ? dmabuf_heap(kind->size) :
			      memfd_create("zc", MFD_CLOEXEC | kind->flags);

	if (fd >= 0 && !kind->heap && ftruncate(fd, kind->size)) {
		close(fd);
		return -1;
	}
	return fd;
}

static unsigned int nr_mappings(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	unsigned int nr = 0;
	int c;

	while (f && (c = fgetc(f)) != EOF)
		nr += c == '\n';
	if (f)
		fclose(f);
	return nr;
}

/*
 * Import and map a new file, with the @nth allocation failing; *@injected: that came.
 * Returns 0 or a negative errno.
 */
static int attempt(int zc, const struct kind *kind, unsigned int nth, bool *injected)
{
	struct zc_buf_import arg = { .fd = make(kind) };
	char *map = MAP_FAILED;
	int ret;

	if (arg.fd < 0)
		return -EIO;
	fault_arm(nth);
	ret = zct_ioctl(zc, ZC_IOC_BUF_IMPORT, &arg);
	if (!ret) {
		map = mmap(NULL, kind->size, RW, MAP_SHARED, zc, arg.mmap_offset);
		ret = map == MAP_FAILED ? -errno : 0;
	}
	*injected = fault_disarm();
	if (map != MAP_FAILED)
		munmap(map, kind->size);
	if (arg.handle)
		zct_destroy(zc, arg.handle);
	close(arg.fd);
	return ret;
}

/* Without an injected failure, as after each, all is well; with one, all is well or ENOMEM. */
static void run(struct __test_metadata *_metadata, const struct kind *kind)
{
	unsigned int n = 0, before = nr_mappings();
	int zc = zct_open(), ret;
	bool injected, none;
	uint64_t used, huge;

	ASSERT_GE(zc, 0);
	ASSERT_EQ(0, attempt(zc, kind, 0, &injected));
	injected = true;
	used = zct_used(zc);
	huge = zct_meminfo("HugePages_Free");
	while (injected) {
		ASSERT_LT(++n, 5000);
		ret = attempt(zc, kind, n, &injected);
		if (ret && (!injected || ret != -ENOMEM)) {
			EXPECT_EQ(0, ret)
				TH_LOG("allocation %u", n);
			break;
		}
		EXPECT_EQ(before, nr_mappings());
		EXPECT_TRUE(zct_used_becomes(zc, used, 2000));
		ASSERT_EQ(0, attempt(zc, kind, 0, &none)) TH_LOG("after allocation %u", n);
	}
	TH_LOG("%u allocations", fault_count());
	EXPECT_LT(9, fault_count());
	EXPECT_EQ(used, zct_used(zc));
	EXPECT_EQ(huge, zct_meminfo("HugePages_Free"));
	close(zc);
}

FIXTURE(import)
{
	char before[32];
};

FIXTURE_SETUP(import)
{
	const char *why = fault_missing();

	if (why)
		SKIP(return, "%s", why);
	ASSERT_EQ(0, zct_sysctl("vm/nr_hugepages", "4", self->before, sizeof(self->before)));
	ASSERT_EQ(0, fault_begin());
}

FIXTURE_TEARDOWN(import)
{
	fault_restore();
	EXPECT_EQ(0, zct_sysctl("vm/nr_hugepages", self->before, NULL, 0));
}

TEST_F_TIMEOUT(import, small_pages, 600)
{
	run(_metadata, &(struct kind){ .size = 32 * PAGE });
}

TEST_F_TIMEOUT(import, hugepages, 600)
{
	run(_metadata, &(struct kind){ .size = 2 * HUGE, .flags = MFD_HUGETLB | MFD_HUGE_2MB });
}

/*
 * Of a dma-buf that is not the module's. What its exporter maps for the kernel a worker asks for,
 * and does not fail here: of that the core warns (dma_buf_vmap()).
 */
TEST_F_TIMEOUT(import, dmabuf, 600)
{
	const struct kind kind = { .size = 2 * HUGE, .heap = true };
	int fd = make(&kind);

	if (fd < 0)
		SKIP(return, "no heap");
	close(fd);
	run(_metadata, &kind);
}

TEST_HARNESS_MAIN
