// SPDX-License-Identifier: GPL-2.0-only
/* What devices have: each allocation of a mapping, of a target, of a dma-buf fails in turn. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "edu.h"
#include "fault.h"
#include "kselftest_harness.h"
#include "card.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(dma)

FIXTURE(dma)
{
	int fd;
	uint64_t used;
	struct zc_query query;
	/* Of many pieces. */
	struct zc_buf_create buf;
	struct edu edu;
	uint32_t target;
	uint32_t flags;
	uint32_t kind;
	/* What the attempt has made: a dma-buf, its handle as it was imported, what maps it */
	int dmabuf;
	uint32_t imported;
	int dri;
	uint32_t gem;
};

FIXTURE_SETUP(dma)
{
	const char *why = fault_missing();

	if (why)
		SKIP(return, "%s", why);
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_QUERY, &self->query));
	ASSERT_EQ(0, zct_create(self->fd, 8 * HUGE, 0, ZC_NODE_ANY, &self->buf));
	self->used = zct_used(self->fd);
	self->target = ZC_DMA_OWN;
	self->flags = BOTH;
	edu_find(&self->edu, 0);
	ASSERT_EQ(0, fault_begin());
}

FIXTURE_TEARDOWN(dma)
{
	fault_restore();
	EXPECT_EQ(self->used, zct_used(self->fd));
	close(self->fd);
}

/**
 * struct attempt - what is tried
 * @what:  its name
 * @go:    do it; 0 or a negative errno, with which it must have done nothing
 * @undo:  what takes it back, if it was done; 0 or a negative errno
 * @other: what else may come of it than -ENOMEM; 0: nothing
 * @least: how many allocations it has at least
 * @first: what must have been done before, or NULL; 0 or a negative errno
 * @sure:  it frees, which needs no memory, or can do without
 */
struct attempt {
	const char *what;
	int (*go)(SELF *self);
	int (*undo)(SELF *self);
	int other;
	unsigned int least;
	int (*first)(SELF *self);
	bool sure;
};

/* Returns whether the @nth allocation came, which has failed; 0: none. */
static bool once(struct __test_metadata *_metadata, SELF *self, const struct attempt *a,
		 unsigned int nth)
{
	bool injected;
	int ret;

	if (a->first)
		EXPECT_EQ(0, a->first(self)) TH_LOG("before %s, allocation %u", a->what, nth);
	fault_arm(nth);
	ret = a->go(self);
	injected = fault_disarm();
	EXPECT_TRUE(!ret || (injected && !a->sure && (ret == -ENOMEM || ret == a->other))) {
		TH_LOG("%s, allocation %u: %d", a->what, nth, ret);
	}
	if (!ret)
		EXPECT_EQ(0, a->undo(self)) TH_LOG("%s, allocation %u", a->what, nth);
	EXPECT_EQ(self->used, zct_used(self->fd));
	return injected;
}

/* The first fails, the second …, until none is left; and after each of them it works. */
static void each(struct __test_metadata *_metadata, SELF *self, const struct attempt *a)
{
	unsigned int n = 1;

	while (once(_metadata, self, a, n)) {
		once(_metadata, self, a, 0);
		ASSERT_LT(++n, 5000);
	}
	TH_LOG("%s: %u allocations", a->what, fault_count());
	EXPECT_GE(fault_count(), a->least);
}

static int nothing(SELF *self)
{
	return 0;
}

static int map(SELF *self)
{
	int ret = dma_map(self->fd, self->buf.handle, self->target, self->flags, NULL);

	return dma_mappings(self->fd, self->target) == !ret ? ret : -EBADMSG;
}

static int unmap(SELF *self)
{
	int ret = dma_unmap(self->fd, self->buf.handle, self->target);

	return dma_mappings(self->fd, self->target) ? -EBADMSG : ret;
}

/* IOMMUs do not tell what they found no memory for. */
static const struct attempt mapping = { "map", map, unmap, -EIO, 2 };

TEST_F_TIMEOUT(dma, mapped, 600)
{
	each(_metadata, self, &mapping);
	/* It can be sealed for want of writers: those that failed have left none. */
	EXPECT_EQ(0, zct_seal(self->fd, self->buf.handle));
}

static int attach(SELF *self)
{
	return dma_attach(self->fd, self->edu.name, 0, &self->edu.target);
}

static int detach(SELF *self)
{
	return dma_detach(self->fd, self->edu.target);
}

static int sync_all(SELF *self)
{
	uint32_t flags = ZC_SYNC_READ | ZC_SYNC_WRITE;

	return dma_sync(self->fd, self->buf.handle, flags, 0, 0) ?:
	       dma_sync(self->fd, self->buf.handle, flags | ZC_SYNC_END, 0, 0);
}

static int query(SELF *self)
{
	struct zc_dma_query arg;

	return dma_query(self->fd, self->target, &arg);
}

static int find(SELF *self)
{
	struct segments segs;
	int nr = dma_segments(self->fd, self->buf.handle, self->target, &segs);

	if (nr < 0)
		return nr;
	return dma_segments_size(&segs) == self->buf.size ? 0 : -EBADMSG;
}

static int measure(SELF *self)
{
	struct zc_dma_measure arg = { .target = self->target, .kind = self->kind };
	int ret;

	if (self->kind == ZC_MEASURE_BUFFER)
		arg.handle = self->buf.handle;
	else
		arg.size = HUGE;
	ret = zct_ioctl(self->fd, ZC_IOC_DMA_MEASURE, &arg);
	return dma_mappings(self->fd, self->target) ? -EBADMSG : ret;
}

TEST_F_TIMEOUT(dma, target, 600)
{
	static const struct attempt attaching = { "attach", attach, detach, 0, 1 };
	static const struct attempt syncing = { "sync", sync_all, nothing, 0, 0 };
	static const struct attempt finding = { "segments", find, nothing, 0, 0 };
	static const struct attempt measuring = { "measure", measure, nothing, -EIO, 2 };
	/* What it is mapped by the buffer has. */
	static const struct attempt measuring_buffer = { "measure", measure, nothing, -EIO, 1 };

	if (!self->edu.name[0])
		SKIP(return, "no device");
	edu_unbind(&self->edu);
	ASSERT_EQ(0, edu_bind(&self->edu, EDU_DRIVER));
	each(_metadata, self, &attaching);
	ASSERT_EQ(0, dma_attach(self->fd, self->edu.name, 64, &self->target));
	each(_metadata, self, &mapping);
	for (self->kind = ZC_MEASURE_HEAP; self->kind < ZC_MEASURE_BUFFER; self->kind++)
		each(_metadata, self, &measuring);
	each(_metadata, self, &measuring_buffer);
	self->flags |= ZC_DMA_BOUNCE;
	each(_metadata, self, &mapping);
	ASSERT_EQ(0, map(self));
	each(_metadata, self, &syncing);
	each(_metadata, self, &finding);
	EXPECT_EQ(0, unmap(self));
	EXPECT_EQ(0, zct_seal(self->fd, self->buf.handle));
	EXPECT_EQ(0, dma_detach(self->fd, self->target));
	edu_unbind(&self->edu);
}

static int attach_and_map(SELF *self)
{
	int ret = dma_attach(self->fd, self->edu.name, 64, &self->edu.target);

	self->target = self->edu.target;
	return ret ?: map(self);
}

static int bind_and_map(SELF *self)
{
	int ret = edu_bind(&self->edu, EDU_DRIVER);

	return ret ?: attach_and_map(self);
}

static int unbind(SELF *self)
{
	int ret = edu_unbind(&self->edu);

	return ret ?: dma_mappings(self->fd, self->target) == -ENOENT ? 0 : -EBADMSG;
}

/* Whoever frees has no need of memory; and one that is bound no longer has no mappings. */
TEST_F_TIMEOUT(dma, ends, 600)
{
	static const struct attempt unmapping = {
		"unmap", unmap, nothing, .first = map, .sure = true,
	};
	static const struct attempt detaching = {
		"detach", detach, nothing, .first = attach, .sure = true,
	};
	static const struct attempt detaching_mapped = {
		"detach with a mapping", detach, nothing, .first = attach_and_map,
		.sure = true,
	};
	static const struct attempt unbinding = {
		"unbind with a mapping", unbind, nothing, .first = bind_and_map, .sure = true,
	};
	static const struct attempt querying = { "query", query, nothing, 0, 0 };

	each(_metadata, self, &unmapping);
	each(_metadata, self, &querying);
	if (!self->edu.name[0])
		SKIP(return, "no device");
	edu_unbind(&self->edu);
	ASSERT_EQ(0, edu_bind(&self->edu, EDU_DRIVER));
	each(_metadata, self, &detaching);
	each(_metadata, self, &detaching_mapped);
	edu_unbind(&self->edu);
	/*
	 * Of the module alone: where the kernel disables a device it runs code of the firmware,
	 * and where memory fails that, Linux 6.12 has an object of ACPI that it has freed.
	 */
	ASSERT_EQ(0, fault_begin_module());
	each(_metadata, self, &unbinding);
	EXPECT_EQ(0, zct_seal(self->fd, self->buf.handle));
}

/* Exported, and imported again. */
static int export_import(SELF *self)
{
	struct zc_buf_export ex = { .handle = self->buf.handle };
	struct zc_buf_import im = { 0 };
	char *map;
	int ret;

	ret = zct_ioctl(self->fd, ZC_IOC_BUF_EXPORT, &ex);
	if (ret)
		return ret;
	map = mmap(NULL, self->buf.size, PROT_READ | PROT_WRITE, MAP_SHARED, ex.fd, 0);
	if (map == MAP_FAILED) {
		ret = -errno;
	} else {
		/* The page fault has what it needs, or this were the end. */
		map[HUGE] = 1;
		munmap(map, self->buf.size);
		im.fd = ex.fd;
		ret = zct_ioctl(self->fd, ZC_IOC_BUF_IMPORT, &im);
	}
	close(ex.fd);
	self->imported = im.handle;
	return ret;
}

static int forget_import(SELF *self)
{
	return zct_destroy(self->fd, self->imported);
}

TEST_F_TIMEOUT(dma, dmabuf, 600)
{
	static const struct attempt importing = {
		"export, import", export_import, forget_import, -ENFILE, 5,
	};

	if (!(self->query.features & ZC_FEAT_DMABUF))
		SKIP(return, "a kernel without dma-buf");
	each(_metadata, self, &importing);
	EXPECT_EQ(0, zct_seal(self->fd, self->buf.handle));
}

static int driver_maps(SELF *self)
{
	return card_import(self->dri, self->dmabuf, &self->gem);
}

static int driver_forgets(SELF *self)
{
	return card_forget(self->dri, self->gem);
}

/* Mapped by a driver, of whose allocations each fails, too. */
TEST_F_TIMEOUT(dma, driver, 600)
{
	static const struct attempt driving = {
		"mapped by a driver", driver_maps, driver_forgets, 0, 4,
	};
	struct zc_buf_export ex = { .handle = self->buf.handle };

	self->dri = vgem_open();
	if (self->dri == -ENOSYS)
		SKIP(return, "no vgem");
	ASSERT_GE(self->dri, 0);
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_BUF_EXPORT, &ex));
	self->dmabuf = ex.fd;
	each(_metadata, self, &driving);
	close(ex.fd);
	close(self->dri);
	EXPECT_EQ(0, zct_seal(self->fd, self->buf.handle));
}

TEST_HARNESS_MAIN
