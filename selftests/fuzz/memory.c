// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings: many threads change one and the same part of their address space, the arena, and
 * mappings where the kernel has put them, which one thread has at a time.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "fuzz.h"

#define PLACES	16

/* Where the kernel has put one. */
static struct {
	int taken;
	char *addr;
	size_t len;
} places[PLACES];

/* Touch memory that may not be there. */
static bool touch(struct thread *t, volatile char *addr, bool write)
{
	if (sigsetjmp(t->jump, 0)) {
		t->armed = 0;
		return false;
	}
	t->armed = 1;
	if (write)
		*addr = 1;
	else
		(void)*addr;
	t->armed = 0;
	return true;
}

static long touch_some(struct thread *t, char *addr, size_t len)
{
	unsigned int i, done = 0;

	for (i = 1 + below(t, 4); i; i--)
		done += touch(t, addr + word(t) % len, below(t, 2));
	return done ? 0 : -EFAULT;
}

static int prot_value(struct thread *t)
{
	static const int prots[] = {
		PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE,
		PROT_READ, PROT_READ, PROT_NONE, PROT_WRITE, PROT_READ | PROT_EXEC,
	};

	return prots[below(t, sizeof(prots) / sizeof(*prots))];
}

static int map_flags(struct thread *t)
{
	int flags = one_in(t, 32) ? MAP_PRIVATE : MAP_SHARED;

	if (one_in(t, 8))
		flags |= MAP_POPULATE;
	if (one_in(t, 32))
		flags |= MAP_LOCKED;
	return flags;
}

static void keep_place(struct thread *t, char *addr, size_t len)
{
	unsigned int i = below(t, PLACES);

	if (__atomic_exchange_n(&places[i].taken, 1, __ATOMIC_ACQUIRE)) {
		munmap(addr, len);
		return;
	}
	if (places[i].addr)
		munmap(places[i].addr, places[i].len);
	places[i].addr = addr;
	places[i].len = len;
	__atomic_store_n(&places[i].taken, 0, __ATOMIC_RELEASE);
}

/* @offset and @size of what there is to be mapped. */
static long map(struct thread *t, int fd, uint64_t offset, uint64_t size)
{
	int prot = prot_value(t), flags = map_flags(t);
	uint64_t skip = offset_value(t, size);
	char *addr = NULL;
	size_t len;

	if (one_in(t, 3)) {
		len = one_in(t, 32) ? edge_value(t) : size - skip;
		addr = mmap(NULL, len, prot, flags, fd, offset + skip);
		if (addr == MAP_FAILED)
			return -errno;
		keep_place(t, addr, len);
		return 0;
	}
	addr = arena_addr(t, &len);
	if (len > size - skip)
		len = size - skip;
	if (len > ARENA_SIZE)
		len = PAGE;
	if (len > ARENA + ARENA_SIZE - addr)
		len = ARENA + ARENA_SIZE - addr;
	if (mmap(addr, len, prot, flags | MAP_FIXED, fd, offset + skip) == MAP_FAILED)
		return -errno;
	if (below(t, 2))
		touch_some(t, addr, len);
	return 0;
}

static long do_mmap(struct thread *t, const void *data)
{
	unsigned int dev = dev_value(t);
	const struct known *buf = buf_value(t, dev);
	uint64_t offset = one_in(t, 32) ? edge_value(t) : buf->offset;

	return map(t, fd_get(FD_DEV, dev), offset, buf->size);
}

static long do_mmap_share(struct thread *t, const void *data)
{
	return map(t, fd_value(t, FD_SHARE), 0, one_in(t, 4) ? PAGE : HUGE);
}

static long do_mmap_dmabuf(struct thread *t, const void *data)
{
	return map(t, fd_value(t, FD_DMABUF), 0, one_in(t, 2) ? PAGE : HUGE);
}

static long do_munmap(struct thread *t, const void *data)
{
	size_t len;
	void *addr = arena_addr(t, &len);

	return result(munmap(addr, len));
}

static long do_mprotect(struct thread *t, const void *data)
{
	size_t len;
	void *addr = arena_addr(t, &len);

	return result(mprotect(addr, len, prot_value(t)));
}

/* From the arena into the arena. */
static long do_mremap(struct thread *t, const void *data)
{
	size_t len, to_len;
	void *addr = arena_addr(t, &len), *to = arena_addr(t, &to_len);
	int flags = MREMAP_MAYMOVE | MREMAP_FIXED;

	if (to_len > len && !one_in(t, 8))
		to_len = len;
	if (one_in(t, 4))
		flags |= MREMAP_DONTUNMAP;
	if (one_in(t, 32))
		len = 0;
	return mremap(addr, len, to_len, flags, to) == MAP_FAILED ? -errno : 0;
}

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ	22
#define MADV_POPULATE_WRITE	23
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED	24
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE		25
#endif

static long do_madvise(struct thread *t, const void *data)
{
	/* All, but for those that break memory on purpose. */
	static const int advice[] = {
		MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_DONTNEED,
		MADV_DONTNEED, MADV_FREE, MADV_REMOVE, MADV_DONTFORK, MADV_DOFORK,
		MADV_MERGEABLE, MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_DONTDUMP, MADV_WIPEONFORK,
		MADV_COLD, MADV_PAGEOUT, MADV_POPULATE_READ, MADV_POPULATE_WRITE,
		MADV_DONTNEED_LOCKED, MADV_COLLAPSE,
	};
	size_t len;
	void *addr = arena_addr(t, &len);

	return result(madvise(addr, len, advice[below(t, sizeof(advice) / sizeof(*advice))]));
}

static long do_mlock(struct thread *t, const void *data)
{
	static unsigned char core[ARENA_SIZE / PAGE];
	size_t len;
	void *addr = arena_addr(t, &len);

	switch (below(t, 4)) {
	case 0:
		return result(mlock(addr, len));
	case 1:
		return result(msync(addr, len, below(t, 8)));
	case 2:
		return result(mincore(addr, len, core));
	default:
		return result(munlock(addr, len));
	}
}

static long do_touch(struct thread *t, const void *data)
{
	size_t len;
	void *addr = arena_addr(t, &len);

	return touch_some(t, addr, len);
}

/* One that the kernel has put somewhere, and what this thread does to it. */
static long do_placed(struct thread *t, const void *data)
{
	unsigned int i = below(t, PLACES);
	long ret = -ENOENT;
	char *addr, *to;
	size_t len;

	if (__atomic_exchange_n(&places[i].taken, 1, __ATOMIC_ACQUIRE))
		return -EBUSY;
	addr = places[i].addr;
	len = places[i].len;
	if (addr) {
		switch (below(t, 8)) {
		case 0 ... 1:
			ret = result(munmap(addr, len));
			places[i].addr = NULL;
			break;
		case 2:
			to = mremap(addr, len, (len + 1) / 2, MREMAP_MAYMOVE);
			ret = to == MAP_FAILED ? -errno : 0;
			if (!ret)
				places[i].len = (len + 1) / 2;
			break;
		case 3:
			ret = result(mprotect(addr, len, prot_value(t)));
			break;
		case 4:
			ret = result(madvise(addr, len, MADV_DONTNEED));
			break;
		default:
			ret = touch_some(t, addr, len);
		}
	}
	__atomic_store_n(&places[i].taken, 0, __ATOMIC_RELEASE);
	return ret;
}

/* The kernel's own use of mapped memory, by its pages. */
static long do_direct(struct thread *t, const void *data)
{
	size_t len;
	void *addr = arena_addr(t, &len);

	if (len > 8 * PAGE)
		len = (1 + below(t, 8)) * PAGE;
	if (below(t, 4))
		return result(pread(fd_value(t, FD_FILE), addr, len, 0));
	return result(pwrite(fd_value(t, FD_MEM), addr, len, 0));
}

static long do_vmsplice(struct thread *t, const void *data)
{
	struct iovec iov;

	iov.iov_base = arena_addr(t, &iov.iov_len);
	return result(vmsplice(fd_value(t, FD_PIPE), &iov, 1,
			       SPLICE_F_NONBLOCK | (one_in(t, 4) ? SPLICE_F_GIFT : 0)));
}

static long do_zerocopy(struct thread *t, const void *data)
{
	size_t len;
	void *addr = arena_addr(t, &len);

	if (len > 16 * PAGE)
		len = 16 * PAGE;
	return result(send(fd_value(t, FD_SOCK), addr, 1 + word(t) % len,
			   MSG_ZEROCOPY | MSG_DONTWAIT | MSG_NOSIGNAL));
}

/* Pages go from node to node, if they can. */
static long do_mbind(struct thread *t, const void *data)
{
	unsigned long nodes = 1 + below(t, 3);
	size_t len;
	void *addr = arena_addr(t, &len);

	return result(syscall(SYS_mbind, addr, len, below(t, 4), &nodes, 8, below(t, 8)));
}

const struct call memory_calls[] = {
	{ "mmap", 90, do_mmap },
	{ "mmap_share", 30, do_mmap_share },
	{ "mmap_dmabuf", 20, do_mmap_dmabuf, NULL, ZC_FEAT_DMABUF },
	{ "munmap", 20, do_munmap },
	{ "mprotect", 30, do_mprotect },
	{ "mremap", 30, do_mremap },
	{ "madvise", 50, do_madvise },
	{ "mlock", 10, do_mlock },
	{ "touch", 60, do_touch },
	{ "placed", 60, do_placed },
	{ "direct", 30, do_direct },
	{ "vmsplice", 20, do_vmsplice },
	{ "zerocopy", 30, do_zerocopy },
	{ "mbind", 1, do_mbind },
	{ }
};
