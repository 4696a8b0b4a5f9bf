// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Buffers without the module: of hugetlb's pages where some are free, else of memory that may
 * be of transparent hugepages. A memfd, so that it can be shared, and sealed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/memfd.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "fallback.h"

#define FLAGS	(ZC_BUF_SMALL_OK | ZC_BUF_NODE_STRICT | ZC_BUF_ZERO | ZC_BUF_SLICE)

/* Most bytes that are a slice, as of the module */
#define SLICE_MAX	(1u << 20)

#define SIZE_LIMIT	(1ull << 40)

static int zc_memory_map(struct zc_buffer *buf, int prot)
{
	if (buf->size > SIZE_MAX)
		return -EFBIG;
	buf->data = mmap(NULL, buf->size, prot, MAP_SHARED, buf->fd, buf->offset);
	return buf->data == MAP_FAILED ? -errno : 0;
}

/*
 * What a receiver of the descriptor cannot do: cut the memory off, which would be SIGBUS for all
 * others; nor, as another user, open it once more for writing. Ours stays as it was opened.
 */
static int zc_memory_guard(int fd)
{
	return fchmod(fd, 0444) || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) ? -errno : 0;
}

/* A memfd of pages of @page bytes, mapped: hugetlb's are reserved by that, or are not there. */
static int zc_memory_make(struct zc_buffer *buf, unsigned int flags, uint32_t page)
{
	int err;

	buf->fd = memfd_create("zc", MFD_CLOEXEC | MFD_ALLOW_SEALING | flags);
	if (buf->fd < 0)
		return -errno;
	buf->page = page;
	err = ftruncate(buf->fd, buf->size) ? -errno :
	      zc_memory_guard(buf->fd) ?: zc_memory_map(buf, PROT_READ | PROT_WRITE);
	if (err)
		close(buf->fd);
	return err;
}

/*
 * hugetlb reserves pages of any node, before it is asked for those of one: there may be none, and
 * then it is SIGBUS.
 */
static int zc_memory_make_any(struct zc_buffer *buf, uint32_t flags, uint32_t page)
{
	if (!(buf->size % ZC_HUGE_SIZE) && !(flags & ZC_BUF_NODE_STRICT) &&
	    !zc_memory_make(buf, MFD_HUGETLB | MFD_HUGE_2MB, ZC_HUGE_SIZE))
		return 0;
	return zc_memory_make(buf, 0, page);
}

/*
 * By the number of one node: what it takes of a mask, in words. A node that is only preferred is
 * not asked for where nobody may (EPERM: containers), or the kernel knows no nodes (ENOSYS).
 */
static int zc_memory_bind(const struct zc_buffer *buf, uint32_t flags, int node)
{
	unsigned long mask[16] = { };
	const int bits = 8 * sizeof(*mask);

	if (node == ZC_NODE_ANY)
		return flags & ZC_BUF_NODE_STRICT ? -EINVAL : 0;
	if (node < 0 || node >= (int)sizeof(mask) * 8)
		return -EINVAL;
	mask[node / bits] = 1ul << node % bits;
	if (syscall(SYS_mbind, buf->data, buf->size,
		    flags & ZC_BUF_NODE_STRICT ? MPOL_BIND : MPOL_PREFERRED, mask,
		    sizeof(mask) * 8, MPOL_MF_STRICT) &&
	    (flags & ZC_BUF_NODE_STRICT || (errno != EPERM && errno != ENOSYS)))
		return -errno;
	return 0;
}

/**
 * zc_memory_new - memory for a buffer
 * @buf:   without memory
 * @size:  bytes, which are rounded up as the module does
 * @flags: ZC_BUF_* flags; ZC_BUF_SMALL_OK is as if set
 * @node:  NUMA node, or ZC_NODE_ANY
 *
 * Returns: 0 or a negative errno.
 */
int zc_memory_new(struct zc_buffer *buf, uint64_t size, uint32_t flags, int node)
{
	uint32_t page = sysconf(_SC_PAGESIZE);
	uint64_t unit = flags & ZC_BUF_SLICE && size <= SLICE_MAX ? page : ZC_HUGE_SIZE;
	int err;

	if (!size || size > SIZE_LIMIT || flags & ~FLAGS)
		return -EINVAL;
	buf->plain = true;
	buf->size = (size + unit - 1) & ~(unit - 1);
	err = zc_memory_make_any(buf, flags, page);
	if (err)
		return err;
	err = zc_memory_bind(buf, flags, node);
	if (err) {
		munmap(buf->data, buf->size);
		close(buf->fd);
		return err;
	}
	madvise(buf->data, buf->size, MADV_HUGEPAGE);
	return 0;
}

/* How a file may be mapped: PROT_* bits, or a negative errno. */
static int zc_memory_prot(int fd)
{
	int mode = fcntl(fd, F_GETFL), seals = fcntl(fd, F_GET_SEALS);

	if (mode < 0)
		return -errno;
	if (seals >= 0 && seals & F_SEAL_WRITE)
		return PROT_READ;
	return (mode & O_ACCMODE) == O_RDWR ? PROT_READ | PROT_WRITE : -EACCES;
}

/* Is that part of it there? Its size, if @size is 0. */
static int zc_memory_range(struct zc_buffer *buf, int fd, uint64_t size)
{
	struct statfs fs;
	struct stat st;

	if (fstat(fd, &st) || fstatfs(fd, &fs))
		return -errno;
	/* Of dma-bufs it is the module that knows. */
	if (!S_ISREG(st.st_mode))
		return -EOPNOTSUPP;
	/* What else there is takes none of it: its memory is the page cache's. */
	if (fs.f_type != TMPFS_MAGIC && fs.f_type != HUGETLBFS_MAGIC)
		return -EINVAL;
	buf->page = fs.f_bsize;
	if (buf->offset > (uint64_t)st.st_size || buf->offset % buf->page || size % buf->page)
		return -EINVAL;
	buf->size = size ?: st.st_size - buf->offset;
	if (!buf->size || buf->size > st.st_size - buf->offset)
		return -EINVAL;
	return 0;
}

/**
 * zc_memory_take - the memory of a file for a buffer
 * @buf:    without memory
 * @fd:     of memfd_create(), or another file on hugetlbfs or tmpfs
 * @offset: where in it the buffer begins, bytes
 * @size:   bytes, or 0 for all
 *
 * Returns: 0 or a negative errno.
 */
int zc_memory_take(struct zc_buffer *buf, int fd, uint64_t offset, uint64_t size)
{
	int prot = zc_memory_prot(fd), err;

	buf->plain = true;
	buf->offset = offset;
	buf->handle = 0;
	err = prot < 0 ? prot : zc_memory_range(buf, fd, size);
	if (err)
		return err;
	buf->sealed = !(prot & PROT_WRITE);
	buf->imported = true;
	buf->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (buf->fd < 0)
		return -errno;
	err = zc_memory_map(buf, prot);
	if (err)
		close(buf->fd);
	return err;
}

/**
 * zc_memory_query - properties of a buffer
 * @buf:   buffer
 * @query: written. Transparent hugepages are not counted: they come and go
 *
 * Returns: 0.
 */
int zc_memory_query(const struct zc_buffer *buf, struct zc_buf_query *query)
{
	*query = (struct zc_buf_query) {
		.size = buf->size,
		.flags = (buf->sealed ? ZC_BUF_SEALED : 0) |
			 (buf->imported ? ZC_BUF_IMPORTED : 0),
		.page_size = buf->page,
		.huge_bytes = buf->page >= ZC_HUGE_SIZE ? buf->size : 0,
		.node = ZC_NODE_ANY,
	};
	return 0;
}

/**
 * zc_memory_seal - nobody can change it any more
 * @buf: buffer, whose memory stays in its place
 *
 * Returns: 0 or a negative errno: -EBUSY (somebody else has it mapped for writing).
 */
int zc_memory_seal(struct zc_buffer *buf)
{
	int err, shown;

	if (buf->imported)
		return buf->sealed ? 0 : -EOPNOTSUPP;
	if (buf->sealed)
		return 0;
	err = zc_buffer_hide(buf);
	if (err)
		return err;
	if (fcntl(buf->fd, F_ADD_SEALS, F_SEAL_WRITE))
		err = -errno;
	shown = zc_buffer_show(buf, buf->offset, !err);
	if (shown < 0)
		return shown;
	/* Another process may have sealed it. */
	buf->sealed = shown;
	return shown ? 0 : err;
}

/**
 * zc_memory_share - a descriptor for another process
 * @buf:   buffer
 * @flags: 0 or ZC_SHARE_RDONLY
 *
 * Returns: it, or a negative errno.
 */
int zc_memory_share(const struct zc_buffer *buf, uint32_t flags)
{
	char path[64];
	int fd;

	if (flags & ~ZC_SHARE_RDONLY)
		return -EINVAL;
	/* Whoever maps it does so from offset 0. */
	if (buf->imported)
		return -EOPNOTSUPP;
	if (!flags) {
		fd = fcntl(buf->fd, F_DUPFD_CLOEXEC, 0);
	} else {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", buf->fd);
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	return fd < 0 ? -errno : fd;
}

/**
 * zc_memory_limits - what there is without the module
 * @query: written
 */
void zc_memory_limits(struct zc_query *query)
{
	*query = (struct zc_query) {
		.features = ZC_FEAT_BUFFER | ZC_FEAT_SENDFILE | ZC_FEAT_SEND,
		.buf_flags = FLAGS,
		.send_flags = ZC_SEND_POS | ZC_SEND_NONBLOCK | ZC_SEND_NOSIGNAL | ZC_SEND_MORE |
			      ZC_SEND_CACHED,
		.copy_reasons = ZC_COPY_NO_MODULE,
		.max_buffer_size = SIZE_LIMIT,
		.huge_size = ZC_HUGE_SIZE,
	};
}
