// SPDX-License-Identifier: GPL-2.0-only
/* What devices have: each allocation of mapping a buffer, and of a dma-buf, fails in turn. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fault.h"
#include "kselftest_harness.h"
#include "vgem.h"

FIXTURE(dma)
{
	int fd;
	uint64_t used;
	struct zc_query query;
	struct zc_buf_create buf;
};

FIXTURE_SETUP(dma)
{
	const char *why = fault_missing();

	if (why)
		SKIP(return, "%s", why);
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_QUERY, &self->query));
	/* Of many pieces. */
	ASSERT_EQ(0, zct_create(self->fd, 8 * HUGE, 0, ZC_NODE_ANY, &self->buf));
	self->used = zct_used(self->fd);
	ASSERT_EQ(0, fault_begin());
}

FIXTURE_TEARDOWN(dma)
{
	fault_restore();
	EXPECT_EQ(self->used, zct_used(self->fd));
	close(self->fd);
}

static unsigned int mappings(int fd)
{
	struct zc_dma_query arg = { .target = ZC_DMA_OWN };

	return zct_ioctl(fd, ZC_IOC_DMA_QUERY, &arg) ? ~0u : arg.mappings;
}

static int map(int fd, uint32_t handle)
{
	struct zc_dma_map arg = {
		.handle = handle,
		.target = ZC_DMA_OWN,
		.flags = ZC_DMA_TO_DEVICE | ZC_DMA_FROM_DEVICE,
	};

	return zct_ioctl(fd, ZC_IOC_DMA_MAP, &arg);
}

static int unmap(int fd, uint32_t handle)
{
	struct zc_dma_unmap arg = { .handle = handle, .target = ZC_DMA_OWN };

	return zct_ioctl(fd, ZC_IOC_DMA_UNMAP, &arg);
}

/* It can be sealed for want of writers: those that failed have left none. */
static int seal(int fd, uint32_t handle)
{
	struct zc_buf_seal arg = { .handle = handle };

	return zct_ioctl(fd, ZC_IOC_BUF_SEAL, &arg);
}

TEST_F_TIMEOUT(dma, mapped, 600)
{
	unsigned int n = 0;
	bool injected = true;
	int ret;

	while (injected) {
		ASSERT_LT(++n, 1000);
		fault_arm(n);
		ret = map(self->fd, self->buf.handle);
		injected = fault_disarm();
		EXPECT_TRUE(!ret || (injected && ret == -ENOMEM)) TH_LOG("%u: %d", n, ret);
		EXPECT_EQ(!ret, mappings(self->fd));
		if (!ret)
			EXPECT_EQ(0, unmap(self->fd, self->buf.handle));
	}
	TH_LOG("%u allocations", n - 1);
	EXPECT_LT(2, n);
	EXPECT_EQ(0, seal(self->fd, self->buf.handle));
}

/* Exported, and imported again. */
TEST_F_TIMEOUT(dma, dmabuf, 600)
{
	unsigned int n = 0;
	bool injected = true;
	int ret;

	if (!(self->query.features & ZC_FEAT_DMABUF))
		SKIP(return, "a kernel without dma-buf");
	while (injected) {
		struct zc_buf_export ex = { .handle = self->buf.handle };
		struct zc_buf_import im = { 0 };

		ASSERT_LT(++n, 5000);
		fault_arm(n);
		ret = zct_ioctl(self->fd, ZC_IOC_BUF_EXPORT, &ex);
		im.fd = ex.fd;
		if (!ret) {
			ret = zct_ioctl(self->fd, ZC_IOC_BUF_IMPORT, &im);
			close(ex.fd);
		}
		injected = fault_disarm();
		EXPECT_TRUE(!ret || (injected && (ret == -ENOMEM || ret == -ENFILE)))
			TH_LOG("%u: %d", n, ret);
		if (!ret)
			EXPECT_EQ(0, zct_destroy(self->fd, im.handle));
	}
	TH_LOG("%u allocations", n - 1);
	EXPECT_LT(5, n);
	EXPECT_EQ(0, seal(self->fd, self->buf.handle));
}

/* Mapped by a driver, of whose allocations each fails, too. */
TEST_F_TIMEOUT(dma, driver, 600)
{
	struct zc_buf_export ex = { .handle = self->buf.handle };
	int dri = vgem_open(), ret;
	bool injected = true;
	unsigned int n = 0;
	uint32_t gem = 0;

	if (dri == -ENOSYS)
		SKIP(return, "no vgem");
	ASSERT_GE(dri, 0);
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_BUF_EXPORT, &ex));
	while (injected) {
		ASSERT_LT(++n, 1000);
		fault_arm(n);
		ret = vgem_import(dri, ex.fd, &gem);
		injected = fault_disarm();
		EXPECT_TRUE(!ret || (injected && ret == -ENOMEM)) TH_LOG("%u: %d", n, ret);
		if (!ret)
			EXPECT_EQ(0, vgem_forget(dri, gem));
	}
	TH_LOG("%u allocations", n - 1);
	EXPECT_LT(4, n);
	close(ex.fd);
	close(dri);
	EXPECT_EQ(0, seal(self->fd, self->buf.handle));
}

TEST_HARNESS_MAIN
