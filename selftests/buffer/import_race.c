// SPDX-License-Identifier: GPL-2.0-only
/* Imports (ZC_IOC_BUF_IMPORT) while others are in the way. */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "import.h"

/* Milliseconds for what races. */
#define RACE_MS	3000

FIXTURE(import_race)
{
	int fd;
	uint64_t used;
	long long nr;
};

FIXTURE_SETUP(import_race)
{
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->used = zct_used(self->fd);
	self->nr = number(NR_2M);
	number_set(NR_2M, NR_HUGE);
	ASSERT_EQ(NR_HUGE, number(FREE_2M));
}

FIXTURE_TEARDOWN(import_race)
{
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 2000));
	close(self->fd);
	EXPECT_TRUE(number_becomes(FREE_2M, NR_HUGE));
	number_set(NR_2M, self->nr);
}

/* Killed in the midst of it, over and over: the fixture counts the hugepages. */
TEST_F_TIMEOUT(import_race, killed, 120)
{
	int fd = memory(SIZE_2M, NR_HUGE * HUGE), i;
	struct zc_buf_import arg;
	unsigned int seed = 1;
	pid_t pid;

	ASSERT_GE(fd, 0);
	for (i = 0; i < 50; i++) {
		pid = fork();
		if (!pid) {
			int zc = zct_open();

			for (;;) {
				if (!import(zc, fd, 0, 0, &arg)) {
					mmap(NULL, arg.size, PROT_READ, MAP_SHARED, zc,
					     arg.mmap_offset);
					zct_destroy(zc, arg.handle);
				}
				ftruncate(fd, 0);
				ftruncate(fd, NR_HUGE * HUGE);
			}
		}
		ASSERT_GT(pid, 0);
		EXPECT_TRUE(zct_kill_soon(pid, &seed));
	}
	close(fd);
}

/**
 * struct rival - a thread that gets in the way of imports
 * @fd:   file that is imported
 * @unit: a quarter of it, bytes; for get_in_the_way()
 * @other: what gets into its place; for swap_parts()
 * @offset: where in that
 * @pause: how long it waits at most, microseconds
 * @place: where it will be mapped
 * @stop: when to end
 */
struct rival {
	int fd;
	uint64_t unit;
	int other;
	uint64_t offset;
	atomic_uint pause;
	atomic_uintptr_t place;
	atomic_bool stop;
};

/* Cut the file, and put other memory where it may be mapped for the import. */
static void *get_in_the_way(void *arg)
{
	struct rival *rival = arg;
	uint64_t unit = rival->unit;
	char *place = mmap(NULL, unit, PROT_READ | PROT_WRITE, MAP_SHARED, rival->fd, 0);
	unsigned int seed = 1;

	munmap(place, unit);
	while (!atomic_load(&rival->stop)) {
		switch (rand_r(&seed) % 3) {
		case 0:
			ftruncate(rival->fd, unit);
			ftruncate(rival->fd, 4 * unit);
			break;
		case 1:
			fallocate(rival->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				  rand_r(&seed) % 4 * unit, unit);
			break;
		default:
			/* Just below what was mapped last, as mmap() goes down. */
			mmap(place - rand_r(&seed) % 4 * unit, unit, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
			munmap(place - 3 * unit, 4 * unit);
		}
		/* Let some succeed. */
		usleep(rand_r(&seed) % 50000);
	}
	return NULL;
}

TEST_F_TIMEOUT(import_race, races, 120)
{
	unsigned int flags[] = { 0, SIZE_2M }, i, done, failed;
	struct zc_buf_import arg;
	struct rival rival = { 0 };
	uint64_t end;
	pthread_t thread;

	for (i = 0; i < 2; i++) {
		rival.unit = flags[i] ? HUGE : 16 * PAGE;
		rival.fd = memory(flags[i], 4 * rival.unit);
		ASSERT_GE(rival.fd, 0);
		atomic_store(&rival.stop, false);
		ASSERT_EQ(0, pthread_create(&thread, NULL, get_in_the_way, &rival));
		end = zct_now_ms() + RACE_MS;
		for (done = failed = 0; zct_now_ms() < end; ) {
			int ret = import(self->fd, rival.fd, 0, 4 * rival.unit, &arg);

			if (ret) {
				EXPECT_TRUE(ret == -EFAULT || ret == -EINVAL || ret == -ENOMEM)
					TH_LOG("%d", ret);
				failed++;
				usleep(1000);
				continue;
			}
			done++;
			EXPECT_EQ(0, zct_destroy(self->fd, arg.handle));
		}
		atomic_store(&rival.stop, true);
		pthread_join(thread, NULL);
		TH_LOG("%u imports, %u failed", done, failed);
		EXPECT_GT(done, 0);
		close(rival.fd);
	}
}

/* Some times as much as is pinned at a time. */
#define PART	(4096 * PAGE)

/* Put something else where the file has just been mapped. */
static void *swap_parts(void *arg)
{
	struct rival *rival = arg;
	unsigned int seed = 1;

	while (!atomic_load(&rival->stop)) {
		char *place = (char *)atomic_load(&rival->place);

		usleep(rand_r(&seed) % atomic_load(&rival->pause));
		if (!place)
			continue;
		mmap(place, PART, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		     rival->other, rival->offset);
		munmap(place, PART);
	}
	return NULL;
}

static bool is_all(const char *buf, char c, size_t len)
{
	while (len--)
		if (buf[len] != c)
			return false;
	return true;
}

/* The first part of a file of 'A' is imported, while others put @other there. */
static void swapped(struct __test_metadata *_metadata, int zc, int fd, int other,
		    uint64_t offset)
{
	struct rival rival = { .fd = fd, .other = other, .offset = offset, .pause = 50000 };
	unsigned int done = 0, failed = 0, wrong = 0;
	static char buf[16 * PAGE];
	struct zc_send send = { 0 };
	struct zc_buf_import arg;
	pthread_t thread;
	char *place;
	uint64_t end;
	int sock[2];

	ASSERT_EQ(0, zct_pair(AF_UNIX, sock));
	ASSERT_EQ(0, pthread_create(&thread, NULL, swap_parts, &rival));
	/* With the thread's stack in its place, this is where the next mapping will be. */
	place = mmap(NULL, PART, PROT_READ | PROT_WRITE, MAP_SHARED, rival.fd, 0);
	munmap(place, PART);
	atomic_store(&rival.place, (uintptr_t)place);
	/* It takes as long as it takes until the one is as often the first as the other. */
	for (end = zct_now_ms() + 180000; (done < 20 || failed < 20) && zct_now_ms() < end; ) {
		/* How long an import takes is a matter of the kernel: the odds are even. */
		atomic_store(&rival.pause, failed > done ? 2000000 : 50000);
		if (import(zc, rival.fd, 0, PART, &arg)) {
			failed++;
			continue;
		}
		done++;
		/* From its end: a part is what fits into the socket. */
		send.handle = arg.handle;
		send.offset = PART - 16 * PAGE;
		send.len = 16 * PAGE;
		send.out_fd = sock[0];
		if (!zct_ioctl(zc, ZC_IOC_SEND, &send) &&
		    recv(sock[1], buf, send.sent, MSG_WAITALL) == (ssize_t)send.sent)
			wrong += !is_all(buf, 'A', send.sent);
		EXPECT_LT(0, send.sent);
		EXPECT_EQ(0, zct_destroy(zc, arg.handle));
	}
	atomic_store(&rival.stop, true);
	pthread_join(thread, NULL);
	TH_LOG("%u imports, %u failed, %u of something else", done, failed, wrong);
	EXPECT_LE(20, done);
	EXPECT_LE(20, failed);
	EXPECT_EQ(0, wrong);
	close(sock[0]);
	close(sock[1]);
}

/* A file of so many parts, each of one letter. */
static int letters(const char *parts)
{
	int fd = memory(0, strlen(parts) * PART), i;
	static char buf[PART];

	for (i = 0; parts[i]; i++) {
		memset(buf, parts[i], PART);
		if (pwrite(fd, buf, PART, i * PART) != PART)
			return -1;
	}
	return fd;
}

/* What is imported is what was asked for, or nothing. Its mapping would be the file's. */
TEST_F_TIMEOUT(import_race, other_part, 240)
{
	int fd = letters("AB");

	ASSERT_GE(fd, 0);
	swapped(_metadata, self->fd, fd, fd, PART);
	close(fd);
}

TEST_F_TIMEOUT(import_race, other_file, 240)
{
	int fd = letters("A"), other = letters("B");

	ASSERT_GE(fd, 0);
	ASSERT_GE(other, 0);
	swapped(_metadata, self->fd, fd, other, 0);
	close(fd);
	close(other);
}

/**
 * struct importer - a thread that imports until its device is closed
 * @zc:   device
 * @file: what it imports
 * @done: how often it did
 * @err:  how it ended
 */
struct importer {
	int zc;
	int file;
	unsigned int done;
	int err;
};

static void *import_on(void *arg)
{
	struct importer *importer = arg;
	struct zc_buf_import buf;

	do {
		importer->err = import(importer->zc, importer->file, 0, 0, &buf);
		if (!importer->err)
			importer->done++;
		/* The other thread guesses but few handles: there may be too many. */
		if (importer->err == -EMFILE || importer->err == -ENOSPC)
			importer->err = 0;
	} while (!importer->err);
	return NULL;
}

/* The device is closed in the midst of it, and handles destroyed that nobody has yet. */
TEST_F_TIMEOUT(import_race, closed, 120)
{
	int file = memory(SIZE_2M, NR_HUGE * HUGE), i;
	unsigned int seed = 1, done = 0, destroyed = 0;
	struct importer importer;
	pthread_t thread;
	uint64_t end;

	ASSERT_GE(file, 0);
	for (i = 0; i < 50; i++) {
		importer = (struct importer) { .zc = zct_open(), .file = file };
		ASSERT_GE(importer.zc, 0);
		ASSERT_EQ(0, pthread_create(&thread, NULL, import_on, &importer));
		end = zct_now_ms() + rand_r(&seed) % 40;
		do {
			destroyed += !zct_destroy(importer.zc, 1 + rand_r(&seed) % 4);
		} while (zct_now_ms() < end);
		ASSERT_EQ(0, close(importer.zc));
		pthread_join(thread, NULL);
		EXPECT_EQ(-EBADF, importer.err);
		done += importer.done;
	}
	TH_LOG("%u imports, %u destroyed by another thread", done, destroyed);
	EXPECT_LT(0, done);
	EXPECT_LT(0, destroyed);
	close(file);
}

/**
 * struct sealer - a thread that would seal a file as soon as its import is destroyed
 * @zc:     device
 * @file:   file
 * @handle: of the import
 * @pause:  how long it waits for, rounds of a loop
 * @go:     1: begin; 2: done
 * @stop:   when to end
 */
struct sealer {
	int zc;
	int file;
	uint32_t handle;
	unsigned int pause;
	atomic_uint go;
	atomic_bool stop;
};

static void *seal_on(void *arg)
{
	struct sealer *sealer = arg;
	volatile unsigned int i;

	while (!atomic_load(&sealer->stop)) {
		if (atomic_load(&sealer->go) != 1)
			continue;
		for (i = 0; i < sealer->pause; i++)
			;
		zct_destroy(sealer->zc, sealer->handle);
		fcntl(sealer->file, F_ADD_SEALS, F_SEAL_WRITE);
		atomic_store(&sealer->go, 2);
	}
	return NULL;
}

/* Destroyed while it is being mapped: the file is sealed, or it can be written to; not both. */
TEST_F_TIMEOUT(import_race, mapped_and_sealed, 120)
{
	unsigned int seed = 1, mapped = 0, sealed = 0, both = 0;
	struct sealer sealer = { .zc = self->fd };
	struct zc_buf_import arg;
	uint64_t end = zct_now_ms() + RACE_MS;
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, seal_on, &sealer));
	while (zct_now_ms() < end) {
		bool is_sealed, is_mapped;
		char *map;

		sealer.file = memory(0, PAGE);
		ASSERT_GE(sealer.file, 0);
		ASSERT_EQ(0, import(self->fd, sealer.file, 0, 0, &arg));
		sealer.handle = arg.handle;
		sealer.pause = rand_r(&seed) % 2000;
		atomic_store(&sealer.go, 1);
		map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd,
			   arg.mmap_offset);
		while (atomic_load(&sealer.go) != 2)
			;
		is_mapped = map != MAP_FAILED;
		is_sealed = fcntl(sealer.file, F_GET_SEALS) & F_SEAL_WRITE;
		mapped += is_mapped;
		sealed += is_sealed;
		both += is_mapped && is_sealed;
		if (is_mapped)
			munmap(map, PAGE);
		close(sealer.file);
	}
	atomic_store(&sealer.stop, true);
	pthread_join(thread, NULL);
	TH_LOG("%u mapped, %u sealed, %u both", mapped, sealed, both);
	EXPECT_LT(0, mapped);
	EXPECT_LT(0, sealed);
	EXPECT_EQ(0, both);
}

/* What lies beside the mapping for the import is the caller's, and stays for his children. */
TEST_F(import_race, neighbour)
{
	int fd = memory(0, 2 * HUGE), status = -1, i;
	struct zc_buf_import arg;
	char *map;
	pid_t pid;

	ASSERT_GE(fd, 0);
	/* That for the import comes just below, and goes on in the file. */
	map = mmap(NULL, HUGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, HUGE);
	ASSERT_NE(MAP_FAILED, map);
	map[7] = 42;
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, import(self->fd, fd, i * HUGE / 2, HUGE - i * HUGE / 2, &arg));
		EXPECT_EQ(0, zct_destroy(self->fd, arg.handle));
		pid = fork();
		if (!pid)
			_exit(map[7] != 42);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(0, status);
	}
	munmap(map, HUGE);
	close(fd);
}

/* Bytes that take longer to import than to look at how far that is */
#define LARGE	(32 * HUGE)

static void *import_one(void *arg)
{
	struct importer *importer = arg;
	struct zc_buf_import buf;

	importer->err = import(importer->zc, importer->file, LARGE, LARGE, &buf);
	if (!importer->err)
		zct_destroy(importer->zc, buf.handle);
	return NULL;
}

/* Is one mapping at this address, of so many bytes? */
static bool is_one(const void *map, uint64_t size)
{
	char line[256], want[64];
	bool found = false;
	FILE *f = fopen("/proc/self/maps", "re");

	snprintf(want, sizeof(want), "%lx-%lx ", (long)map, (long)map + (long)size);
	while (f && !found && fgets(line, sizeof(line), f))
		found = !strncmp(line, want, strlen(want));
	if (f)
		fclose(f);
	return found;
}

/* The process may have no more mappings: what is one with those beside it cannot be undone. */
TEST_F_TIMEOUT(import_race, too_many_mappings, 120)
{
	struct importer importer = { .zc = self->fd, .file = memory(0, 3 * LARGE) };
	char *map, before[32];
	pthread_t thread;
	uint64_t end;
	bool seen;

	ASSERT_GE(importer.file, 0);
	/* But for the middle, which has the one place that is large enough at this height. */
	map = mmap(NULL, 3 * LARGE, PROT_READ | PROT_WRITE, MAP_SHARED, importer.file, 0);
	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(0, zct_sysctl("vm/max_map_count", "65530", before, sizeof(before)));
	ASSERT_EQ(0, pthread_create(&thread, NULL, import_one, &importer));
	pthread_join(thread, NULL);
	ASSERT_EQ(0, importer.err);
	munmap(map + LARGE, LARGE);
	ASSERT_EQ(0, fallocate(importer.file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			       LARGE, LARGE));
	ASSERT_EQ(0, pthread_create(&thread, NULL, import_one, &importer));
	end = zct_now_ms() + 10000;
	do {
		seen = is_one(map, 3 * LARGE);
	} while (!seen && zct_now_ms() < end);
	EXPECT_EQ(0, zct_sysctl("vm/max_map_count", "5", NULL, 0));
	pthread_join(thread, NULL);
	EXPECT_EQ(0, zct_sysctl("vm/max_map_count", before, NULL, 0));
	EXPECT_TRUE(seen);
	EXPECT_EQ(-ENOMEM, importer.err);
	/* Nothing of the module is left, and what is left is the caller's to take away. */
	EXPECT_TRUE(zct_used_becomes(self->fd, self->used, 2000));
	EXPECT_TRUE(is_one(map, 3 * LARGE));
	EXPECT_EQ(0, munmap(map, 3 * LARGE));
	EXPECT_EQ(0, fcntl(importer.file, F_ADD_SEALS, F_SEAL_WRITE));
	close(importer.file);
}

TEST_HARNESS_MAIN
