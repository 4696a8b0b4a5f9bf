// SPDX-License-Identifier: GPL-2.0-only
/* Files of many kinds, memory that can be imported, pipes. */
#include <errno.h>
#include <fcntl.h>
#include <linux/udmabuf.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "dmabuf.h"
#include "fuzz.h"

#define FILE_SIZE	(2 * HUGE + 12345)

static int make_file(const char *name, uint64_t size)
{
	int fd = zct_pattern_file(name, size);

	if (fd < 0)
		return -errno;
	/* Processes without privilege have it, too. */
	fchmod(fd, 0666);
	close(fd);
	return 0;
}

int files_make(void)
{
	if (make_file(NAME_TMP, FILE_SIZE))
		return -EIO;
	shared->dir = make_file(NAME_EXT4, FILE_SIZE) ? NAME_TMP : NAME_EXT4;
	return 0;
}

void files_remove(void)
{
	unlink(NAME_EXT4);
	unlink(NAME_TMP);
}

static int open_file(struct thread *t, unsigned int kind)
{
	switch (kind) {
	case 0 ... 3:
		return open(shared->dir, O_RDONLY | O_CLOEXEC);
	case 4 ... 5:
		return open(shared->dir, O_RDONLY | O_DIRECT | O_CLOEXEC);
	case 6:
		return open(NAME_TMP, O_RDWR | O_CLOEXEC);
	case 7:
		return open(SPARE_DISK, O_RDONLY | O_CLOEXEC);
	case 8:
		return open(shared->dir, O_RDWR | O_CLOEXEC);
	case 9:
		return open(shared->dir, O_WRONLY | O_CLOEXEC);
	case 10:
		return open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	case 11:
		return open("/dev/zero", O_RDONLY | O_CLOEXEC);
	case 12:
		return open("/tmp", O_RDONLY | O_CLOEXEC);
	case 13:
		return open(shared->dir, O_PATH | O_CLOEXEC);
	case 14:
		return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	default:
		return memfd_create("zc-fuzz", MFD_CLOEXEC);
	}
}

static long do_file(struct thread *t, const void *data)
{
	int fd = open_file(t, below(t, 16));

	if (fd >= 0)
		fd_keep(t, FD_FILE, fd);
	return result(fd);
}

/* Under the eyes of who sends it. */
static long do_change(struct thread *t, const void *data)
{
	int fd = open(below(t, 2) ? shared->dir : NAME_TMP, O_RDWR | O_CLOEXEC);
	uint64_t at = word(t) % FILE_SIZE;
	long ret;

	switch (below(t, 6)) {
	case 0:
		ret = ftruncate(fd, at);
		break;
	case 1:
		ret = ftruncate(fd, FILE_SIZE);
		break;
	case 2:
		ret = fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at,
				below(t, 64) * PAGE);
		break;
	case 3:
		ret = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) ? -1 : 0;
		break;
	case 4:
		ret = posix_fadvise(fd, at, 16 * PAGE, POSIX_FADV_WILLNEED) ? -1 : 0;
		break;
	default:
		ret = pwrite(fd, t->arg, PAGE, at);
	}
	ret = result(ret);
	close(fd);
	return ret;
}

static long do_seek(struct thread *t, const void *data)
{
	return result(lseek(fd_value(t, FD_FILE), offset_value(t, FILE_SIZE), SEEK_SET));
}

static int new_memory(struct thread *t)
{
	static const unsigned int seals[] = {
		F_SEAL_SHRINK, F_SEAL_WRITE | F_SEAL_SHRINK, F_SEAL_WRITE,
		F_SEAL_SHRINK | F_SEAL_GROW, F_SEAL_SEAL, F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK,
	};
	bool huge = one_in(t, 6);
	int fd = memfd_create("zc-fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING |
			      (huge ? MFD_HUGETLB : 0));

	if (fd < 0)
		return fd;
	ftruncate(fd, huge ? HUGE : (1 + below(t, 32)) * PAGE);
	if (one_in(t, 3))
		fcntl(fd, F_ADD_SEALS, seals[below(t, sizeof(seals) / sizeof(*seals))]);
	return fd;
}

static long do_memory(struct thread *t, const void *data)
{
	int fd = new_memory(t);

	if (fd >= 0)
		fd_keep(t, FD_MEM, fd);
	return result(fd);
}

/*
 * Memory to be imported; where DMA_API_DEBUG watches, none that was before. Of two mappings of the
 * same memory for a device, by two buffers that were imported from it, that does not know which
 * one a part that is synced belongs to, and warns that it is of none.
 */
int memory_value(struct thread *t)
{
	unsigned int at = below(t, FDS), i;

	if (!shared->dma_debug)
		return fd_value(t, FD_MEM);
	for (i = 0; i < FDS; i++) {
		int fd = fd_take(FD_MEM, (at + i) % FDS);

		if (fd >= 0) {
			fd_keep(t, FD_SPENT, fd);
			return fd;
		}
	}
	return -1;
}

/* While it is imported */
static long do_memory_change(struct thread *t, const void *data)
{
	int fd = fd_value(t, shared->dma_debug && one_in(t, 2) ? FD_SPENT : FD_MEM);

	switch (below(t, 4)) {
	case 0:
		return result(ftruncate(fd, below(t, 64) * PAGE));
	case 1:
		return result(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE));
	case 2:
		return result(fcntl(fd, F_ADD_SEALS, 1u << below(t, 5)));
	default:
		return result(pwrite(fd, t->arg, PAGE, 0));
	}
}

/*
 * udmabuf maps it for its device as the first one says who asks to read or write, and the
 * kernel's debugging of DMA warns of each later one who asks for something else.
 */
static void udmabuf_sync(int fd)
{
	if (!dmabuf_sync(fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW))
		dmabuf_sync(fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW);
}

/*
 * Of memory of its own: with a memfd of hugepages that are not reserved, udmabuf itself hits
 * a BUG() of Linux 6.12 (alloc_hugetlb_folio_reserve()).
 */
static int udmabuf_fd(void)
{
	int dev = open("/dev/udmabuf", O_RDWR | O_CLOEXEC), ret = -1;
	struct udmabuf_create arg = {
		.memfd = memfd_create("zc-fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING),
		.flags = UDMABUF_FLAGS_CLOEXEC, .size = PAGE,
	};

	if (dev >= 0 && !ftruncate(arg.memfd, PAGE) &&
	    !fcntl(arg.memfd, F_ADD_SEALS, F_SEAL_SHRINK))
		ret = ioctl(dev, UDMABUF_CREATE, &arg);
	if (ret >= 0)
		udmabuf_sync(ret);
	close(arg.memfd);
	close(dev);
	return ret;
}

/* A dma-buf of others, where there is one. */
static long do_dmabuf(struct thread *t, const void *data)
{
	int fd = one_in(t, 2) ? dmabuf_heap(4 * PAGE) : udmabuf_fd();

	if (fd < 0)
		return one_in(t, 2) ? -errno : 0;
	fd_keep(t, FD_DMABUF, fd);
	return 0;
}

static long do_pipe(struct thread *t, const void *data)
{
	static char bin[64 << 10];
	int fd[2];

	if (below(t, 4))
		return result(read(fd_value(t, FD_PIPE), bin, sizeof(bin)));
	if (pipe2(fd, O_NONBLOCK | O_CLOEXEC))
		return -errno;
	fd_put(FD_PIPE, 2 * below(t, FDS / 2), fd[0]);
	fd_put(FD_PIPE, 2 * below(t, FDS / 2) + 1, fd[1]);
	return 0;
}

void files_init(struct thread *t)
{
	unsigned int i;
	int fd[2];

	for (i = 0; i < FDS; i++) {
		int file = open_file(t, i), memory = new_memory(t);

		if (file >= 0)
			fd_put(FD_FILE, i, file);
		if (memory >= 0)
			fd_put(FD_MEM, i, memory);
	}
	for (i = 0; i < FDS && !pipe2(fd, O_NONBLOCK | O_CLOEXEC); i += 2) {
		fd_put(FD_PIPE, i, fd[0]);
		fd_put(FD_PIPE, i + 1, fd[1]);
	}
}

const struct call file_calls[] = {
	{ "file", 12, do_file },
	{ "change", 6, do_change },
	{ "seek", 10, do_seek },
	{ "memory", 10, do_memory },
	{ "memory_change", 15, do_memory_change },
	{ "dmabuf", 10, do_dmabuf },
	{ "pipe", 30, do_pipe },
	{ }
};
