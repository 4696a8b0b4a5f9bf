// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers mapped for targets: arguments, permissions and lifetime. By target 0, which is
 * there on any machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/memfd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dma.h"
#include "kselftest_harness.h"

#define OWN	ZC_DMA_OWN

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(dma)

FIXTURE(dma)
{
	int fd;
	uint64_t used;
	/* For those who need not care. */
	uint32_t both;
	uint32_t reads;
	struct zc_buf_create buf;
	struct segments segs;
};

FIXTURE_SETUP(dma)
{
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->used = zct_used(self->fd);
	self->both = BOTH | dma_bounce();
	self->reads = ZC_DMA_TO_DEVICE | dma_bounce();
	ASSERT_EQ(0, dma_mappings(self->fd, OWN));
	ASSERT_EQ(0, zct_create(self->fd, 3 * HUGE, 0, ZC_NODE_ANY, &self->buf));
}

FIXTURE_TEARDOWN(dma)
{
	int fd = zct_open();

	close(self->fd);
	EXPECT_EQ(0, dma_mappings(fd, OWN));
	EXPECT_TRUE(zct_used_becomes(fd, self->used, 2000));
	close(fd);
}

TEST_F(dma, features)
{
	struct zc_query query = { 0 };

	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_QUERY, &query));
	EXPECT_EQ(ZC_FEAT_DMA, query.features & ZC_FEAT_DMA);
}

TEST_F(dma, own_target)
{
	struct zc_dma_query query;
	char zeros[ZC_DMA_NAME_MAX] = { 0 };

	ASSERT_EQ(0, dma_query(self->fd, OWN, &query));
	EXPECT_STREQ("platform:zc", query.name);
	EXPECT_EQ(0, memcmp(query.name + 11, zeros, sizeof(query.name) - 11));
	EXPECT_EQ(ZC_DMA_ADDRESSES, query.state);
	EXPECT_EQ(0, query.mappings);
	EXPECT_EQ(UINT64_MAX, query.mask);
	EXPECT_EQ(!dma_forced(), query.max_mapping == UINT64_MAX);
	EXPECT_NE(0, query.max_mapping);
	/* Nobody has taken it away so far. */
	EXPECT_EQ(-EINVAL, dma_detach(self->fd, OWN));
	EXPECT_EQ(0, dma_query(self->fd, OWN, &query));
}

/* One after the other, each once, and then no more. */
TEST_F(dma, targets)
{
	struct zc_dma_query query = { 0 };
	uint32_t last;

	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_DMA_QUERY, &query));
	EXPECT_EQ(OWN, query.target);
	do {
		last = query.target;
		query = (struct zc_dma_query) { .target = last + 1 };
	} while (!zct_ioctl(self->fd, ZC_IOC_DMA_QUERY, &query) && query.target > last);
	EXPECT_EQ(-ENOENT, zct_ioctl(self->fd, ZC_IOC_DMA_QUERY, &query));
	query = (struct zc_dma_query) { .target = UINT32_MAX };
	EXPECT_EQ(-ENOENT, zct_ioctl(self->fd, ZC_IOC_DMA_QUERY, &query));
}

TEST_F(dma, bad_query)
{
	struct zc_dma_query query = { .flags = 1 };
	unsigned int i;

	EXPECT_EQ(-EINVAL, zct_ioctl(self->fd, ZC_IOC_DMA_QUERY, &query));
	for (i = 0; i < 2; i++) {
		query = (struct zc_dma_query) { 0 };
		query.__resv[i] = 1;
		EXPECT_EQ(-EINVAL, zct_ioctl(self->fd, ZC_IOC_DMA_QUERY, &query));
	}
	EXPECT_EQ(-EFAULT, zct_ioctl(self->fd, ZC_IOC_DMA_QUERY, NULL));
}

TEST_F(dma, bad_names)
{
	static const struct {
		const char *name;
		int err;
	} names[] = {
		{ "", -EINVAL }, { "zc", -EINVAL }, { "pci", -EINVAL }, { "platform", -EINVAL },
		{ "usb:1-1", -EINVAL }, { "PCI:0000:00:00.0", -EINVAL },
		{ "/sys/bus/pci/devices/0000:00:00.0", -EINVAL },
		{ "pci:", -ENODEV }, { "pci:zc", -ENODEV }, { "pci:0000:00:1e.7", -ENODEV },
		{ "pci:ffff:ff:1f.7", -ENODEV }, { "pci:../0000:00:00.0", -ENODEV },
		{ "platform:", -ENODEV }, { "platform:no such device", -ENODEV },
		{ "platform:0000:00:00.0", -ENODEV },
		/* The host bridge has no driver. */
		{ "pci:0000:00:00.0", -ENODEV },
	};
	struct zc_dma_attach arg = { 0 };
	uint32_t target;
	unsigned int i;
	int err;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		err = dma_attach(self->fd, names[i].name, 0, &target);
		EXPECT_EQ(names[i].err, err)
			TH_LOG("'%s'", names[i].name);
	}
	/* It is a target already, and has no driver. */
	err = dma_attach(self->fd, "platform:zc", 0, &target);
	EXPECT_TRUE(err == -EEXIST || err == -ENODEV);
	/* Without an end, and with something after the end. */
	memset(arg.name, 'x', sizeof(arg.name));
	memcpy(arg.name, "platform:", strlen("platform:"));
	EXPECT_EQ(-EINVAL, zct_ioctl(self->fd, ZC_IOC_DMA_ATTACH, &arg));
	memset(arg.name, 0, sizeof(arg.name));
	snprintf(arg.name, sizeof(arg.name), "platform:zc");
	arg.name[ZC_DMA_NAME_MAX - 1] = 'x';
	EXPECT_EQ(-EINVAL, zct_ioctl(self->fd, ZC_IOC_DMA_ATTACH, &arg));
	arg.name[ZC_DMA_NAME_MAX - 1] = 0;
	arg.name[ZC_DMA_NAME_MAX - 2] = 'x';
	EXPECT_EQ(-EINVAL, zct_ioctl(self->fd, ZC_IOC_DMA_ATTACH, &arg));
}

TEST_F(dma, bad_attach)
{
	struct zc_dma_attach arg = { .name = "platform:no" }, bad;
	struct zc_dma_detach detach = { .target = NO_TARGET };
	unsigned int bits[] = { 1, 11, 65, UINT32_MAX }, i;

	ASSERT_EQ(-ENODEV, zct_ioctl(self->fd, ZC_IOC_DMA_ATTACH, &arg));
	for (i = 0; i < sizeof(bits) / sizeof(*bits); i++) {
		bad = arg;
		bad.bits = bits[i];
		EXPECT_EQ(-EINVAL, zct_ioctl(self->fd, ZC_IOC_DMA_ATTACH, &bad));
	}
	bad = arg;
	bad.flags = 1;
	EXPECT_EQ(-EINVAL, zct_ioctl(self->fd, ZC_IOC_DMA_ATTACH, &bad));
	bad = arg;
	bad.__pad = 1;
	EXPECT_EQ(-EINVAL, zct_ioctl(self->fd, ZC_IOC_DMA_ATTACH, &bad));
	for (i = 0; i < 2; i++) {
		bad = arg;
		bad.__resv[i] = 1;
		EXPECT_EQ(-EINVAL, zct_ioctl(self->fd, ZC_IOC_DMA_ATTACH, &bad));
	}
	EXPECT_EQ(-ENOENT, zct_ioctl(self->fd, ZC_IOC_DMA_DETACH, &detach));
	detach.flags = 1;
	EXPECT_EQ(-EINVAL, zct_ioctl(self->fd, ZC_IOC_DMA_DETACH, &detach));
	for (i = 0; i < 3; i++) {
		detach = (struct zc_dma_detach) { .target = NO_TARGET };
		detach.__resv[i] = 1;
		EXPECT_EQ(-EINVAL, zct_ioctl(self->fd, ZC_IOC_DMA_DETACH, &detach));
	}
}

/* The first PCI device that another driver has. */
static bool virtio_name(char *name, size_t size)
{
	glob_t devices;
	bool found = !glob("/sys/bus/pci/drivers/virtio-pci/0*", 0, NULL, &devices);

	if (found) {
		snprintf(name, size, "pci:%s", strrchr(devices.gl_pathv[0], '/') + 1);
		globfree(&devices);
	}
	return found;
}

/* Its driver knows what addresses it reaches; the device goes on as if nothing was. */
TEST_F(dma, of_another_driver)
{
	struct zc_dma_query query;
	char name[ZC_DMA_NAME_MAX];
	uint32_t target, again;

	if (!virtio_name(name, sizeof(name)))
		SKIP(return, "no device of virtio");
	EXPECT_EQ(-EINVAL, dma_attach(self->fd, name, 64, &target));
	ASSERT_EQ(0, dma_attach(self->fd, name, 0, &target));
	EXPECT_LT(OWN, target);
	EXPECT_EQ(-EEXIST, dma_attach(self->fd, name, 0, &again));
	ASSERT_EQ(0, dma_query(self->fd, target, &query));
	EXPECT_STREQ(name, query.name);
	EXPECT_STREQ("virtio-pci", query.driver);
	EXPECT_EQ(0, dma_map(self->fd, self->buf.handle, target, self->both, NULL));
	EXPECT_EQ(1, dma_mappings(self->fd, target));
	EXPECT_EQ(0, dma_unmap(self->fd, self->buf.handle, target));
	EXPECT_EQ(0, dma_detach(self->fd, target));
	EXPECT_EQ(-ENOENT, dma_detach(self->fd, target));
	EXPECT_EQ(-ENOENT, dma_query(self->fd, target, &query));
	EXPECT_EQ(-ENODEV, dma_map(self->fd, self->buf.handle, target, self->both, NULL));
}

TEST_F(dma, bad_map)
{
	struct zc_dma_map good = { .handle = self->buf.handle, .flags = self->both }, bad;
	unsigned int i;

	bad = good;
	bad.flags = 0;
	EXPECT_EQ(-EINVAL, zct_ioctl(self->fd, ZC_IOC_DMA_MAP, &bad));
	bad.flags = ZC_DMA_BOUNCE;
	EXPECT_EQ(-EINVAL, zct_ioctl(self->fd, ZC_IOC_DMA_MAP, &bad));
	for (i = 3; i < 32; i++) {
		bad.flags = good.flags | 1u << i;
		EXPECT_EQ(-EINVAL, zct_ioctl(self->fd, ZC_IOC_DMA_MAP, &bad));
	}
	for (i = 0; i < 2; i++) {
		bad = good;
		bad.__resv[i] = 1;
		EXPECT_EQ(-EINVAL, zct_ioctl(self->fd, ZC_IOC_DMA_MAP, &bad));
	}
	bad = good;
	bad.handle++;
	EXPECT_EQ(-ENOENT, zct_ioctl(self->fd, ZC_IOC_DMA_MAP, &bad));
	bad.handle = 0;
	EXPECT_EQ(-ENOENT, zct_ioctl(self->fd, ZC_IOC_DMA_MAP, &bad));
	bad = good;
	bad.target = NO_TARGET;
	EXPECT_EQ(-ENODEV, zct_ioctl(self->fd, ZC_IOC_DMA_MAP, &bad));
	EXPECT_EQ(-EFAULT, zct_ioctl(self->fd, ZC_IOC_DMA_MAP, NULL));
	EXPECT_EQ(0, dma_mappings(self->fd, OWN));
}

TEST_F(dma, bad_unmap)
{
	struct zc_dma_unmap good = { .handle = self->buf.handle }, bad;
	unsigned int i;

	EXPECT_EQ(-ENOENT, zct_ioctl(self->fd, ZC_IOC_DMA_UNMAP, &good));
	ASSERT_EQ(0, dma_map(self->fd, self->buf.handle, OWN, self->both, NULL));
	bad = good;
	bad.flags = 1;
	EXPECT_EQ(-EINVAL, zct_ioctl(self->fd, ZC_IOC_DMA_UNMAP, &bad));
	bad = good;
	bad.__pad = 1;
	EXPECT_EQ(-EINVAL, zct_ioctl(self->fd, ZC_IOC_DMA_UNMAP, &bad));
	for (i = 0; i < 2; i++) {
		bad = good;
		bad.__resv[i] = 1;
		EXPECT_EQ(-EINVAL, zct_ioctl(self->fd, ZC_IOC_DMA_UNMAP, &bad));
	}
	bad = good;
	bad.handle++;
	EXPECT_EQ(-ENOENT, zct_ioctl(self->fd, ZC_IOC_DMA_UNMAP, &bad));
	bad = good;
	bad.target = NO_TARGET;
	EXPECT_EQ(-ENOENT, zct_ioctl(self->fd, ZC_IOC_DMA_UNMAP, &bad));
	EXPECT_EQ(1, dma_mappings(self->fd, OWN));
	EXPECT_EQ(0, zct_ioctl(self->fd, ZC_IOC_DMA_UNMAP, &good));
	EXPECT_EQ(-ENOENT, zct_ioctl(self->fd, ZC_IOC_DMA_UNMAP, &good));
}

TEST_F(dma, bad_segments)
{
	struct zc_dma_segments good = { .handle = self->buf.handle }, bad;
	unsigned int i;

	EXPECT_EQ(-ENOENT, zct_ioctl(self->fd, ZC_IOC_DMA_SEGMENTS, &good));
	ASSERT_EQ(0, dma_map(self->fd, self->buf.handle, OWN, self->both, NULL));
	bad = good;
	bad.flags = 1;
	EXPECT_EQ(-EINVAL, zct_ioctl(self->fd, ZC_IOC_DMA_SEGMENTS, &bad));
	for (i = 0; i < 2; i++) {
		bad = good;
		bad.__resv[i] = 1;
		EXPECT_EQ(-EINVAL, zct_ioctl(self->fd, ZC_IOC_DMA_SEGMENTS, &bad));
	}
	bad = good;
	bad.handle++;
	EXPECT_EQ(-ENOENT, zct_ioctl(self->fd, ZC_IOC_DMA_SEGMENTS, &bad));
	bad = good;
	bad.target = NO_TARGET;
	EXPECT_EQ(-ENOENT, zct_ioctl(self->fd, ZC_IOC_DMA_SEGMENTS, &bad));
	EXPECT_EQ(0, zct_ioctl(self->fd, ZC_IOC_DMA_SEGMENTS, &good));
}

TEST_F(dma, bad_sync)
{
	uint32_t handle = self->buf.handle, begin = ZC_SYNC_READ | ZC_SYNC_WRITE;
	uint64_t size = self->buf.size;
	struct zc_buf_sync bad;
	unsigned int i;

	EXPECT_EQ(-EINVAL, dma_sync(self->fd, handle, 0, 0, 0));
	EXPECT_EQ(-EINVAL, dma_sync(self->fd, handle, ZC_SYNC_END, 0, 0));
	EXPECT_EQ(-EINVAL, dma_sync(self->fd, handle, begin | 8, 0, 0));
	EXPECT_EQ(-EINVAL, dma_sync(self->fd, handle, begin | 1u << 31, 0, 0));
	EXPECT_EQ(-EINVAL, dma_sync(self->fd, handle, begin, 0, size + 1));
	EXPECT_EQ(-EINVAL, dma_sync(self->fd, handle, begin, 1, size));
	EXPECT_EQ(-EINVAL, dma_sync(self->fd, handle, begin, size, 1));
	EXPECT_EQ(-EINVAL, dma_sync(self->fd, handle, begin, size + 1, 0));
	EXPECT_EQ(-EINVAL, dma_sync(self->fd, handle, begin, PAGE, UINT64_MAX - PAGE + 1));
	EXPECT_EQ(-EINVAL, dma_sync(self->fd, handle, begin, UINT64_MAX, 2));
	EXPECT_EQ(-ENOENT, dma_sync(self->fd, handle + 1, begin, 0, 0));
	for (i = 0; i < 2; i++) {
		bad = (struct zc_buf_sync) { .handle = handle, .flags = begin };
		bad.__resv[i] = 1;
		EXPECT_EQ(-EINVAL, zct_ioctl(self->fd, ZC_IOC_BUF_SYNC, &bad));
	}
	/* Mapped for nobody, and mapped. */
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(0, dma_sync(self->fd, handle, begin, 0, 0));
		EXPECT_EQ(0, dma_sync(self->fd, handle, begin | ZC_SYNC_END, 0, 0));
		EXPECT_EQ(0, dma_sync(self->fd, handle, ZC_SYNC_READ, 1, size - 1));
		EXPECT_EQ(0, dma_sync(self->fd, handle, ZC_SYNC_WRITE, size - 1, 1));
		EXPECT_EQ(0, dma_sync(self->fd, handle, ZC_SYNC_WRITE, HUGE - 1, 2));
		EXPECT_EQ(i ? -EEXIST : 0, dma_map(self->fd, handle, OWN, self->both, NULL));
	}
}

/* They cover the buffer, and are told of in as many calls as one likes. */
TEST_F(dma, in_segments)
{
	uint64_t size = 20 * HUGE;
	struct zc_dma_segments arg = { 0 };
	struct zc_dma_map map = { 0 };
	struct zc_buf_create buf;

	ASSERT_EQ(0, zct_create(self->fd, size, 0, ZC_NODE_ANY, &buf));
	ASSERT_EQ(0, dma_map(self->fd, buf.handle, OWN, self->both, &map));
	ASSERT_EQ(map.segments, dma_segments(self->fd, buf.handle, OWN, &self->segs));
	EXPECT_EQ(size, dma_segments_size(&self->segs));
	EXPECT_EQ(dma_forced() ? size : 0, map.bounced);
	EXPECT_EQ(!dma_forced(), map.segments == 20);
	arg.handle = buf.handle;
	arg.first = 3;
	memset(arg.segments, 0xff, sizeof(arg.segments));
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_DMA_SEGMENTS, &arg));
	EXPECT_EQ(map.segments, arg.total);
	EXPECT_EQ(ZC_DMA_SEGMENTS_MAX, arg.nr);
	EXPECT_EQ(0, memcmp(self->segs.at + 3, arg.segments, sizeof(arg.segments)));
	arg.first = map.segments - 1;
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_DMA_SEGMENTS, &arg));
	EXPECT_EQ(1, arg.nr);
	EXPECT_EQ(self->segs.at[map.segments - 1].addr, arg.segments[0].addr);
	arg.first = map.segments;
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_DMA_SEGMENTS, &arg));
	EXPECT_EQ(map.segments, arg.total);
	EXPECT_EQ(0, arg.nr);
	arg.first = UINT32_MAX;
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_DMA_SEGMENTS, &arg));
	EXPECT_EQ(0, arg.nr);
}

TEST_F(dma, lifetime)
{
	uint32_t handle = self->buf.handle;
	struct zc_buf_create buf;
	struct zc_event event;
	int fd = zct_open();

	ASSERT_EQ(0, dma_map(self->fd, handle, OWN, self->both, NULL));
	EXPECT_EQ(-EEXIST, dma_map(self->fd, handle, OWN, self->both, NULL));
	EXPECT_EQ(-EEXIST, dma_map(self->fd, handle, OWN, self->reads, NULL));
	ASSERT_EQ(0, zct_create(fd, HUGE, 0, ZC_NODE_ANY, &buf));
	ASSERT_EQ(0, dma_map(fd, buf.handle, OWN, self->reads, NULL));
	EXPECT_EQ(2, dma_mappings(self->fd, OWN));
	EXPECT_EQ(0, dma_unmap(self->fd, handle, OWN));
	EXPECT_EQ(1, dma_mappings(self->fd, OWN));
	/* What has the same handle again is not mapped. */
	ASSERT_EQ(0, zct_destroy(fd, buf.handle));
	EXPECT_EQ(0, dma_mappings(self->fd, OWN));
	EXPECT_EQ(-ENOENT, dma_unmap(fd, buf.handle, OWN));
	ASSERT_EQ(0, zct_create(fd, HUGE, 0, ZC_NODE_ANY, &buf));
	EXPECT_EQ(-ENOENT, dma_unmap(fd, buf.handle, OWN));
	EXPECT_EQ(-ENOENT, dma_segments(fd, buf.handle, OWN, &self->segs));
	ASSERT_EQ(0, dma_map(fd, buf.handle, OWN, self->both, NULL));
	EXPECT_EQ(1, dma_mappings(self->fd, OWN));
	/* Whoever did it himself is not told. */
	EXPECT_FALSE(zct_event(fd, &event, 0));
	EXPECT_FALSE(zct_event(self->fd, &event, 0));
	close(fd);
	EXPECT_EQ(0, dma_mappings(self->fd, OWN));
}

/* A mapping of the memory keeps that, but not what is mapped for a device. */
TEST_F(dma, destroyed_but_mapped)
{
	char *map = zct_map(self->fd, &self->buf);

	ASSERT_NE(MAP_FAILED, map);
	zct_pattern(map, 0, self->buf.size);
	ASSERT_EQ(0, dma_map(self->fd, self->buf.handle, OWN, self->reads, NULL));
	ASSERT_EQ(0, zct_destroy(self->fd, self->buf.handle));
	EXPECT_EQ(0, dma_mappings(self->fd, OWN));
	EXPECT_EQ(-1, zct_pattern_check(map, 0, self->buf.size));
	munmap(map, self->buf.size);
}

TEST_F(dma, killed)
{
	int ready[2], status;
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	if (!pid) {
		int fd = zct_open();
		struct zc_buf_create buf;

		if (zct_create(fd, 4 * HUGE, 0, ZC_NODE_ANY, &buf) ||
		    dma_map(fd, buf.handle, OWN, self->both, NULL) ||
		    write(ready[1], "", 1) != 1)
			_exit(1);
		pause();
	}
	close(ready[1]);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	EXPECT_EQ(1, dma_mappings(self->fd, OWN));
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(dma_mappings_become(self->fd, OWN, 0, 2000));
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used + self->buf.size, 2000));
	close(ready[0]);
}

/* Neither may a device write to what is sealed, nor is sealed what one may write to. */
TEST_F(dma, sealed)
{
	uint32_t handle = self->buf.handle;

	ASSERT_EQ(0, dma_map(self->fd, handle, OWN, ZC_DMA_FROM_DEVICE | dma_bounce(), NULL));
	EXPECT_EQ(-EBUSY, zct_seal(self->fd, handle));
	ASSERT_EQ(0, dma_unmap(self->fd, handle, OWN));
	ASSERT_EQ(0, dma_map(self->fd, handle, OWN, self->both, NULL));
	EXPECT_EQ(-EBUSY, zct_seal(self->fd, handle));
	ASSERT_EQ(0, dma_unmap(self->fd, handle, OWN));
	ASSERT_EQ(0, dma_map(self->fd, handle, OWN, self->reads, NULL));
	EXPECT_EQ(0, zct_seal(self->fd, handle));
	ASSERT_EQ(0, dma_unmap(self->fd, handle, OWN));
	EXPECT_EQ(-EPERM, dma_map(self->fd, handle, OWN, self->both, NULL));
	EXPECT_EQ(-EPERM, dma_map(self->fd, handle, OWN, ZC_DMA_FROM_DEVICE | dma_bounce(),
				  NULL));
	EXPECT_EQ(0, dma_map(self->fd, handle, OWN, self->reads, NULL));
}

/* While somebody tries to seal it, it is not sealed yet. */
TEST_F(dma, while_sealing)
{
	uint64_t end = zct_now_ms() + 5000;
	uint32_t handle = self->buf.handle;
	struct zct_sealer sealer;
	unsigned int busy = 0;

	ASSERT_EQ(0, zct_sealer_start(&sealer, self->fd, &self->buf));
	while (busy < 20 && zct_now_ms() < end) {
		struct zc_dma_map arg;
		int ret = dma_map(self->fd, handle, OWN, self->both, &arg);

		if (ret) {
			EXPECT_EQ(-EBUSY, ret);
			busy++;
			ASSERT_EQ(0, dma_map(self->fd, handle, OWN, self->reads, &arg));
		}
		EXPECT_EQ(0, dma_unmap(self->fd, handle, OWN));
		usleep(5000);
	}
	EXPECT_EQ(20, busy);
	zct_sealer_stop(&sealer);
	EXPECT_EQ(0, sealer.odd);
	EXPECT_EQ(0, zct_seal(self->fd, handle));
}

TEST_F(dma, sealed_import)
{
	struct zc_buf_import arg = { 0 };

	arg.fd = memfd_create("dma", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	ASSERT_EQ(0, ftruncate(arg.fd, 4 * PAGE));
	ASSERT_EQ(0, fcntl(arg.fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK));
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_BUF_IMPORT, &arg));
	EXPECT_EQ(-EPERM, dma_map(self->fd, arg.handle, OWN, self->both, NULL));
	EXPECT_EQ(0, dma_map(self->fd, arg.handle, OWN, self->reads, NULL));
	close(arg.fd);
}

/* By a file that was opened for reading a device may read, and no more. */
TEST_F(dma, readonly)
{
	int fd = open("/dev/zc", O_RDONLY | O_CLOEXEC);
	struct zc_buf_create buf;

	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, zct_create(fd, HUGE, 0, ZC_NODE_ANY, &buf));
	EXPECT_EQ(-EACCES, dma_map(fd, buf.handle, OWN, self->both, NULL));
	EXPECT_EQ(-EACCES, dma_map(fd, buf.handle, OWN, ZC_DMA_FROM_DEVICE | dma_bounce(),
				   NULL));
	EXPECT_EQ(0, dma_map(fd, buf.handle, OWN, self->reads, NULL));
	close(fd);
}

/* What is root's alone. Returns an exit code. */
static int unprivileged(void *data)
{
	SELF *self = data;
	uint32_t handle = self->buf.handle, target;
	struct zc_dma_query query;

	if (!dma_be_nobody())
		return 1;
	if (dma_attach(self->fd, "platform:no", 0, &target) != -EPERM ||
	    dma_attach(self->fd, "platform:zc", 0, &target) != -EPERM)
		return 2;
	if (dma_detach(self->fd, NO_TARGET) != -EPERM)
		return 3;
	if (dma_query(self->fd, OWN, &query) || query.state & ZC_DMA_ADDRESSES)
		return 4;
	/* That it is mapped he may know, but not where. */
	if (query.mappings != 1 || dma_segments(self->fd, handle, OWN, &self->segs) != -EPERM)
		return 5;
	if (dma_unmap(self->fd, handle, OWN))
		return 6;
	if (dma_map(self->fd, handle, OWN, BOTH | ZC_DMA_BOUNCE, NULL) != -EPERM)
		return 7;
	if (dma_map(self->fd, handle, OWN, BOTH, NULL) != (dma_forced() ? -EREMOTEIO : 0))
		return 8;
	return 0;
}

TEST_F(dma, unprivileged)
{
	ASSERT_EQ(0, dma_map(self->fd, self->buf.handle, OWN, self->both, NULL));
	EXPECT_EQ(0, dma_in_child(unprivileged, self));
	EXPECT_EQ(dma_forced() ? 0 : 1, dma_mappings(self->fd, OWN));
}

TEST_HARNESS_MAIN
