// SPDX-License-Identifier: GPL-2.0-only
/* zcctl doctor: can a file be read directly? */
#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "doctor.h"

#define ALIGN_MAX	65536
#define BLOCK		4096
#define OVERLAYFS	0x794c7630

#ifndef STATX_DIOALIGN
#define STATX_DIOALIGN	0x2000
#endif

/**
 * struct fs - a filesystem
 * @magic: as statfs(2) knows it
 * @name:  for people
 * @cache: does zc send from its page cache by reference?
 */
static const struct fs {
	unsigned long magic;
	const char *name;
	bool cache;
} filesystems[] = {
	{ 0xef53, "ext4", true },
	{ 0x58465342, "XFS", true },
	{ 0x9123683e, "btrfs", true },
	{ 0xf2f52010, "f2fs", true },
	{ 0x01021994, "tmpfs", true },
	{ 0x73717368, "squashfs", true },
	{ 0xe0f5e1e2, "erofs", true },
	{ 0x2011bab0, "exFAT", true },
	{ 0x4d44, "FAT", true },
	{ 0x9660, "ISO 9660", true },
	{ OVERLAYFS, "overlayfs", false },
	{ 0x6969, "NFS", false },
	{ 0xff534d42, "SMB", false },
	{ 0xfe534d42, "SMB", false },
	{ 0x65735546, "FUSE", false },
	{ 0x01021997, "9P", false },
	{ 0x00c36400, "Ceph", false },
	{ 0x2fc12fc1, "ZFS", false },
	{ 0x958458f6, "hugetlbfs", false },
	{ 0x9fa0, "proc", false },
	{ 0x62656572, "sysfs", false },
};

static const struct fs *fs_of(int fd)
{
	static const struct fs unknown = { 0, "a filesystem that zcctl does not know", false };
	struct statfs st;
	size_t i;

	if (fstatfs(fd, &st))
		return &unknown;
	for (i = 0; i < sizeof(filesystems) / sizeof(*filesystems); i++)
		if (filesystems[i].magic == (unsigned long)st.f_type)
			return &filesystems[i];
	return &unknown;
}

/**
 * struct direct - direct reads of a file
 * @align: multiples of how many bytes; 0: the kernel does not say
 * @why:   why there are none, or NULL
 */
struct direct {
	unsigned int align;
	const char *why;
};

/*
 * What the headers of old systems lack stands behind what they have: where in struct statx
 * it is does not change.
 */
static void ask_align(int fd, struct direct *direct)
{
	union {
		struct statx stx;
		__u32 word[64];
	} u = { };

	if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &u.stx))
		return;
#ifdef STATX_ATTR_DAX
	if (u.stx.stx_attributes & STATX_ATTR_DAX)
		direct->why = "it is in memory already (DAX), and is copied";
#endif
	if (!(u.stx.stx_mask & STATX_DIOALIGN))
		return;
	direct->align = u.word[0x9c / 4];	/* stx_dio_offset_align */
	if (!direct->align)
		direct->why = "the filesystem has none for it";
	else if (direct->align > ALIGN_MAX)
		direct->why = "they would have to be too coarse";
}

/* Try it: open(2) may refuse, and so may read(2). */
static void try_read(const char *path, struct direct *direct)
{
	int fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	void *buf = NULL;

	if (fd < 0) {
		direct->why = "the filesystem has none";
		return;
	}
	if (!posix_memalign(&buf, BLOCK, ALIGN_MAX) && read(fd, buf, ALIGN_MAX) < 0)
		direct->why = strerror(errno);
	free(buf);
	close(fd);
}

static void find_indirect(struct doctor *doctor, const struct fs *fs, const char *why)
{
	if (fs->cache)
		doctor_note(doctor, "file",
			    "%s: no direct reads: %s. It goes through the page cache, and from there "
			    "without a copy", fs->name, why);
	else
		doctor_find(doctor, "file", DOCTOR_WARNING, NULL,
			    "%s: no direct reads: %s. It is read and copied", fs->name, why);
}

static void find_fs(struct doctor *doctor, int fd, const struct stat *st)
{
	static const struct fs block = { 0, "a block device", true };
	const struct fs *fs = S_ISBLK(st->st_mode) ? &block : fs_of(fd);
	struct direct direct = { };

	if (!strcmp(fs->name, "tmpfs")) {
		doctor_ok(doctor, "file",
			  "tmpfs: it is in memory, and goes out from there without a copy");
		return;
	}
	ask_align(fd, &direct);
	if (!direct.why)
		try_read(doctor->file, &direct);
	if (direct.why)
		find_indirect(doctor, fs, direct.why);
	else if (fs->magic == OVERLAYFS)
		doctor_note(doctor, "file",
			    "overlayfs: zc reads it directly if the layer that it is in can do so, and "
			    "that cannot be seen from here: look at the file there");
	else if (direct.align)
		doctor_ok(doctor, "file",
			  "%s: zc reads it directly, around the page cache; direct reads are of "
			  "multiples of %u bytes", fs->name, direct.align);
	else
		doctor_ok(doctor, "file",
			  "%s: zc reads it directly, around the page cache; a direct read was tried, "
			  "as the kernel does not tell its alignment", fs->name);
}

/**
 * doctor_file - the file that is to be sent
 * @doctor: the visit
 */
void doctor_file(struct doctor *doctor)
{
	struct stat st;
	int fd;

	if (!doctor->file)
		return;
	/* A FIFO would wait for a writer. */
	if (!stat(doctor->file, &st) && !S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) {
		doctor_find(doctor, "file", DOCTOR_PROBLEM, NULL,
			    "%s: only regular files and block devices can be sent", doctor->file);
		return;
	}
	fd = open(doctor->file, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st)) {
		doctor_find(doctor, "file", DOCTOR_PROBLEM, NULL, "cannot open %s: %s",
			    doctor->file, strerror(errno));
		return;
	}
	find_fs(doctor, fd, &st);
	close(fd);
}
