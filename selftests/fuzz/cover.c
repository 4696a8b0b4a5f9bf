// SPDX-License-Identifier: GPL-2.0-only
/* What the kernel tells of where it was (KCOV), in the module if that alone is instrumented. */
#include <fcntl.h>
#include <sys/mman.h>

#include "fuzz.h"

#define KCOV_INIT_TRACE	_IOR('c', 1, unsigned long)
#define KCOV_ENABLE	_IO('c', 100)
#define KCOV_TRACE_PC	0
#define ENTRIES		(32u << 10)
/* edge_value() is no descriptor from here on. */
#define OUT_OF_REACH	600

/*
 * For root alone; who enables it need not be. No call may hit the descriptor by chance: all are
 * of one inode of debugfs, and ftruncate() of one takes the mappings of all away, in each process,
 * whose next look at them is a SIGBUS.
 */
void cover_open(struct thread *t)
{
	int fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
	void *map;

	t->cover = NULL;
	t->kcov = fcntl(fd, F_DUPFD_CLOEXEC, OUT_OF_REACH);
	close(fd);
	if (t->kcov < 0 || ioctl(t->kcov, KCOV_INIT_TRACE, ENTRIES))
		return;
	map = mmap(NULL, ENTRIES * sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, t->kcov,
		   0);
	if (map != MAP_FAILED)
		t->cover = map;
}

/* Of this thread */
void cover_enable(struct thread *t)
{
	if (t->cover && ioctl(t->kcov, KCOV_ENABLE, KCOV_TRACE_PC))
		t->cover = NULL;
}

void cover_begin(struct thread *t)
{
	if (t->cover)
		__atomic_store_n(&t->cover[0], 0, __ATOMIC_RELAXED);
}

static bool see(uint8_t *seen)
{
	if (*seen)
		return false;
	*seen = 1;
	return true;
}

bool cover_end(struct thread *t)
{
	uint64_t i, nr, last = 0;
	bool new = false;

	if (!t->cover)
		return false;
	nr = __atomic_load_n(&t->cover[0], __ATOMIC_RELAXED);
	for (i = 1; i <= nr && i < ENTRIES; i++) {
		uint64_t pc = t->cover[i];

		if (see(&shared->pcs[pc % PCS])) {
			__atomic_add_fetch(&shared->nr_pcs, 1, __ATOMIC_RELAXED);
			new = true;
		}
		if (see(&shared->edges[(last * 31 ^ pc) * 0x9e3779b97f4a7c15ull >> 46]))
			new = true;
		last = pc;
	}
	return new;
}
