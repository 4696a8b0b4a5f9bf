// SPDX-License-Identifier: GPL-2.0-only
/*
 * SIGKILL at random moments: of processes that make buffers, map, seal, share, import, export
 * them and map them for a device, that ask, dump and listen, and that send in each of the ways.
 * What came of what they sent was right, and all that they had comes back. ZC_ALL: 10,000 times.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "act.h"
#include "state.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(killed)

#define FEW		(10 * acts_nr)
#define MANY		10000
/* So many at a time */
#define ACTORS		3

/**
 * struct victim - a process, and who looks at what it sends
 * @pid:   its number
 * @act:   what it does
 * @rx:    the receiver
 * @count: what it has done
 */
struct victim {
	pid_t pid;
	unsigned int act;
	struct zct_rx rx;
	struct act_count *count;
};

FIXTURE(killed)
{
	int fd;
	int file;
	unsigned int seed;
	bool *stop;
	struct victim of[ACTORS];
	uint64_t bytes;
	uint64_t done;
};

FIXTURE_SETUP(killed)
{
	char *shared;
	int i;

	self->seed = flow_seed();
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->file = zct_pattern_file(FLOW_FILE, FLOW_SIZE);
	ASSERT_GE(self->file, 0);
	shared = mmap(NULL, (ACTORS + 1) * 4096, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, shared);
	self->stop = (void *)shared;
	for (i = 0; i < ACTORS; i++)
		self->of[i].count = (void *)(shared + (i + 1) * 4096);
}

FIXTURE_TEARDOWN(killed)
{
	int i;

	for (i = 0; i < ACTORS; i++)
		if (self->of[i].pid > 0)
			kill(self->of[i].pid, SIGKILL);
	close(self->fd);
	close(self->file);
	unlink(FLOW_FILE);
}

static void begin(struct __test_metadata *_metadata, SELF *self, struct victim *v,
		  unsigned int act)
{
	int sock[2];

	*v->count = (struct act_count){ 0 };
	v->act = act;
	ASSERT_EQ(0, zct_pair(AF_INET, sock));
	v->pid = actor_start(act, self->file, sock, rand_r(&self->seed), v->count, self->stop);
	ASSERT_GT(v->pid, 0);
	close(sock[0]);
	v->rx = (struct zct_rx){ .sock = sock[1], .check = true, .wrap = FLOW_SIZE };
	zct_rx_start(&v->rx);
}

/* It has been killed, and by nothing else; what it has done until then was right. */
static void end(struct __test_metadata *_metadata, SELF *self, struct victim *v)
{
	const char *name = acts[v->act].name;
	int status;

	kill(v->pid, SIGKILL);
	ASSERT_EQ(v->pid, waitpid(v->pid, &status, 0));
	v->pid = 0;
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		TH_LOG("%s: status %#x", name, status);
	zct_rx_join(&v->rx);
	close(v->rx.sock);
	EXPECT_EQ(-1, v->rx.bad)
		TH_LOG("%s: wrong of %llu bytes", name, (unsigned long long)v->rx.bytes);
	/* What is counted was taken before. */
	EXPECT_GE(v->rx.bytes, v->count->flow.sent);
	EXPECT_EQ(0, v->count->failed)
		TH_LOG("%s: %s", acts[v->count->act].name, strerror(v->count->error));
	self->bytes += v->rx.bytes;
	self->done += v->count->good[v->act];
}

/* Wherever it is: in its first call, or after some. */
static void wait_some(SELF *self, const struct victim *v)
{
	uint64_t after = rand_r(&self->seed) % 4, until = zct_now_ms() + 10000;

	while (__atomic_load_n(&v->count->done[v->act], __ATOMIC_RELAXED) < after &&
	       zct_now_ms() < until)
		usleep(500);
	usleep(rand_r(&self->seed) % 5000);
}

static void kill_some(struct __test_metadata *_metadata, SELF *self, unsigned int kills)
{
	unsigned int i;

	for (i = 0; i < kills + ACTORS; i++) {
		struct victim *v = &self->of[i % ACTORS];

		if (i >= ACTORS) {
			wait_some(self, v);
			end(_metadata, self, v);
		}
		if (i < kills)
			begin(_metadata, self, v, i % acts_nr);
		if (!__test_passed(_metadata))
			break;
	}
}

TEST_F_TIMEOUT(killed, anywhere, 3600)
{
	unsigned int kills = zct_all() ? MANY : FEW;
	struct state before, after;
	uint64_t begin;

	TH_LOG("seed %u", self->seed);
	/* The first ones fill caches for good. */
	kill_some(_metadata, self, 2 * acts_nr);
	ASSERT_EQ(0, state_settled(self->fd, &before));
	self->bytes = 0;
	self->done = 0;
	begin = zct_now_ms();
	kill_some(_metadata, self, kills);
	TH_LOG("%u kills in %llu s; before them %llu calls succeeded, and %llu MiB came", kills,
	       (unsigned long long)(zct_now_ms() - begin) / 1000,
	       (unsigned long long)self->done, (unsigned long long)(self->bytes / MIB));
	EXPECT_GT(self->done, kills / 2);
	EXPECT_TRUE(state_back(self->fd, &before, &after, 60000));
	TH_LOG("free memory %lld KiB less, slab %lld KiB more",
	       (long long)(before.mem_free - after.mem_free) / 1024,
	       (long long)(after.slab - before.slab) / 1024);
}

TEST_HARNESS_MAIN
