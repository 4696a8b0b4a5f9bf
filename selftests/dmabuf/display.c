// SPDX-License-Identifier: GPL-2.0-only
/*
 * A buffer is shown on a display by a driver that maps it for the kernel, for it copies what is
 * to be seen to the memory of the card (cirrus, of QEMU's). There it is looked at.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kselftest_harness.h"
#include "card.h"
#include "dmabuf.h"

#define PCI_DRIVERS	"/sys/bus/pci/drivers/"

#define SIZE		(3 * HUGE)
/* Where the picture begins: not where a page does, and not all in one hugepage. */
#define OFFSET		(HUGE - 700002)

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(display)

/* Of <drm/drm_mode.h>. */
struct mode {
	uint32_t clock;
	uint16_t h[5];
	uint16_t v[5];
	uint32_t vrefresh;
	uint32_t flags;
	uint32_t type;
	char name[32];
};

struct resources {
	uint64_t fbs;
	uint64_t crtcs;
	uint64_t connectors;
	uint64_t encoders;
	uint32_t nr_fbs;
	uint32_t nr_crtcs;
	uint32_t nr_connectors;
	uint32_t nr_encoders;
	uint32_t limits[4];
};

struct connector {
	uint64_t encoders;
	uint64_t modes;
	uint64_t props;
	uint64_t prop_values;
	uint32_t nr_modes;
	uint32_t nr_props;
	uint32_t nr_encoders;
	uint32_t encoder_id;
	uint32_t id;
	uint32_t type[2];
	uint32_t connection;
	uint32_t mm[2];
	uint32_t subpixel;
	uint32_t pad;
};

struct crtc {
	uint64_t connectors;
	uint32_t nr_connectors;
	uint32_t id;
	uint32_t fb;
	uint32_t x;
	uint32_t y;
	uint32_t gamma_size;
	uint32_t mode_valid;
	struct mode mode;
};

struct framebuffer {
	uint32_t id;
	uint32_t width;
	uint32_t height;
	uint32_t format;
	uint32_t flags;
	uint32_t handles[4];
	uint32_t pitches[4];
	uint32_t offsets[4];
	uint64_t modifiers[4];
};

#define RGB565			0x36314752	/* "RG16" */

#define GET_RESOURCES		_IOWR('d', 0xa0, struct resources)
#define SET_CRTC		_IOWR('d', 0xa2, struct crtc)
#define GET_CONNECTOR		_IOWR('d', 0xa7, struct connector)
#define REMOVE_FB		_IOWR('d', 0xaf, uint32_t)
#define ADD_FB			_IOWR('d', 0xb8, struct framebuffer)

FIXTURE(display)
{
	int fd;
	uint64_t used;
	int card;
	/* Of PCI, with its driver before it */
	char device[128];
	uint32_t crtc;
	uint32_t connector;
	struct mode mode;
};

/* The first mode of the first connector. Returns 0 or a negative errno. */
static int find_mode(SELF *self)
{
	struct resources res = {
		.crtcs = (uintptr_t)&self->crtc, .nr_crtcs = 1,
		.connectors = (uintptr_t)&self->connector, .nr_connectors = 1,
	};
	struct connector con = { 0 };
	struct mode *modes;
	int ret = 0;

	if (ioctl(self->card, GET_RESOURCES, &res))
		return -errno;
	if (res.nr_crtcs != 1 || res.nr_connectors != 1)
		return -EINVAL;
	con.id = self->connector;
	if (ioctl(self->card, GET_CONNECTOR, &con) || !con.nr_modes)
		return -ENODEV;
	modes = calloc(con.nr_modes, sizeof(*modes));
	con = (struct connector){
		.id = con.id, .modes = (uintptr_t)modes, .nr_modes = con.nr_modes,
	};
	if (ioctl(self->card, GET_CONNECTOR, &con))
		ret = -errno;
	self->mode = modes[0];
	free(modes);
	return ret;
}

/* Its driver's name has changed in 6.14. */
static bool card_there(SELF *self)
{
	glob_t found;
	bool there;

	if (zct_run("modprobe -q drm_kms_helper fbdev_emulation=0; "
		    "modprobe -q cirrus || modprobe -q cirrus-qemu"))
		return false;
	there = !glob(PCI_DRIVERS "cirrus*/0000:*", 0, NULL, &found);
	if (there)
		snprintf(self->device, sizeof(self->device), "%s", found.gl_pathv[0]);
	globfree(&found);
	return there;
}

/* The device is to have its driver ("bind"), or not ("unbind"). */
static int driver(SELF *self, const char *how)
{
	char *name = strrchr(self->device, '/');

	return zct_run("echo %s >%.*s/%s", name + 1, (int)(name - self->device), self->device,
		       how);
}

FIXTURE_SETUP(display)
{
	struct zc_query query = { 0 };

	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, zct_ioctl(self->fd, ZC_IOC_QUERY, &query));
	self->used = zct_used(self->fd);
	self->card = -1;
	if (!(query.features & ZC_FEAT_DMABUF))
		SKIP(return, "a kernel without dma-buf");
	if (!card_there(self))
		SKIP(return, "no card with that driver");
	self->card = card_open("cirrus");
	ASSERT_GE(self->card, 0);
	ASSERT_EQ(0, find_mode(self));
}

FIXTURE_TEARDOWN(display)
{
	int fd = zct_open();

	close(self->fd);
	if (self->card >= 0)
		close(self->card);
	EXPECT_TRUE(zct_used_becomes(fd, self->used, 2000));
	close(fd);
}

/* A buffer with the pattern from @pattern on, as a dma-buf. */
static int picture(SELF *self, uint64_t pattern)
{
	struct zc_buf_create buf;
	int dmabuf;
	char *map;

	if (zct_create(self->fd, SIZE, 0, ZC_NODE_ANY, &buf))
		return -1;
	map = zct_map(self->fd, &buf);
	zct_pattern(map, pattern, SIZE);
	munmap(map, SIZE);
	dmabuf = export_fd(self->fd, buf.handle, 0);
	return zct_destroy(self->fd, buf.handle) ? -1 : dmabuf;
}

/* Have @dmabuf shown. Returns 0 and what it is shown by, or a negative errno. */
static int show(SELF *self, int dmabuf, uint32_t *fb)
{
	struct crtc crtc = {
		.connectors = (uintptr_t)&self->connector, .nr_connectors = 1,
		.id = self->crtc, .mode_valid = 1, .mode = self->mode,
	};
	struct framebuffer arg = {
		.width = self->mode.h[0], .height = self->mode.v[0], .format = RGB565,
		.pitches = { 2 * self->mode.h[0] }, .offsets = { OFFSET },
	};
	int ret = card_import(self->card, dmabuf, &arg.handles[0]);

	if (ret)
		return ret;
	if (ioctl(self->card, ADD_FB, &arg))
		return -errno;
	crtc.fb = *fb = arg.id;
	ret = ioctl(self->card, SET_CRTC, &crtc) ? -errno : 0;
	card_forget(self->card, arg.handles[0]);
	return ret;
}

static int forget(SELF *self, uint32_t fb)
{
	return ioctl(self->card, REMOVE_FB, &fb) ? -errno : 0;
}

/* The first byte of the card's memory that is not that of the pattern, or -1. */
static int64_t looked_at(SELF *self, uint64_t pattern)
{
	uint64_t size = 2ull * self->mode.h[0] * self->mode.v[0], i;
	char path[160], *copy = malloc(size);
	volatile char *map;
	int64_t bad = 0;
	int fd;

	/* As long as the driver has it nobody else can. */
	close(self->card);
	self->card = -1;
	if (driver(self, "unbind"))
		return 0;
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource0",
		 strrchr(self->device, '/') + 1);
	fd = open(path, O_RDWR | O_CLOEXEC);
	map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (map != MAP_FAILED) {
		for (i = 0; i < size; i++)
			copy[i] = map[i];
		bad = zct_pattern_check(copy, pattern, size);
		munmap((void *)map, size);
	}
	close(fd);
	free(copy);
	return driver(self, "bind") ? 0 : bad;
}

/* Each byte of it is where it should be, and what is shown anew is seen. */
TEST_F_TIMEOUT(display, shown, 120)
{
	uint32_t fb[2];
	int dmabuf;

	dmabuf = picture(self, 12345);
	ASSERT_GE(dmabuf, 0);
	ASSERT_EQ(0, show(self, dmabuf, &fb[0]));
	/* The driver has it, and nobody else. */
	close(dmabuf);
	EXPECT_EQ(self->used + SIZE, zct_used(self->fd));
	EXPECT_EQ(-1, looked_at(self, 12345 + OFFSET));
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 2000));

	self->card = card_open("cirrus");
	ASSERT_GE(self->card, 0);
	dmabuf = picture(self, 777);
	ASSERT_GE(dmabuf, 0);
	ASSERT_EQ(0, show(self, dmabuf, &fb[0]));
	close(dmabuf);
	dmabuf = picture(self, 999);
	ASSERT_GE(dmabuf, 0);
	ASSERT_EQ(0, show(self, dmabuf, &fb[1]));
	close(dmabuf);
	EXPECT_EQ(0, forget(self, fb[0]));
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used + SIZE, 2000));
	EXPECT_EQ(-1, looked_at(self, 999 + OFFSET));
}

/* Drivers write to what they have mapped so: not of a dma-buf that nobody may write to. */
TEST_F(display, readonly)
{
	struct zc_buf_create buf;
	uint32_t fb;
	int dmabuf;

	ASSERT_EQ(0, zct_create(self->fd, SIZE, 0, ZC_NODE_ANY, &buf));
	dmabuf = export_fd(self->fd, buf.handle, ZC_EXPORT_RDONLY);
	ASSERT_GE(dmabuf, 0);
	EXPECT_EQ(-EPERM, show(self, dmabuf, &fb));
	close(dmabuf);
}

/* Who has it shown is killed meanwhile: the core warns of what cannot be mapped. */
TEST_F_TIMEOUT(display, killed, 120)
{
	int dmabuf = picture(self, 0), i;
	unsigned int seed = 1;
	uint32_t fb;
	pid_t pid;

	ASSERT_GE(dmabuf, 0);
	/* One at a time may say what is shown. */
	close(self->card);
	for (i = 0; i < 50; i++) {
		pid = fork();
		if (!pid) {
			self->card = card_open("cirrus");
			while (!show(self, dmabuf, &fb) && !forget(self, fb))
				;
			_exit(1);
		}
		ASSERT_GT(pid, 0);
		/* Nothing failed before. */
		EXPECT_TRUE(zct_kill_soon(pid, &seed));
	}
	self->card = card_open("cirrus");
	ASSERT_GE(self->card, 0);
	ASSERT_EQ(0, show(self, dmabuf, &fb));
	close(dmabuf);
	EXPECT_EQ(-1, looked_at(self, OFFSET));
}

TEST_HARNESS_MAIN
