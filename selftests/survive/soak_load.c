// SPDX-License-Identifier: GPL-2.0-only
/* Streams and processes that come and go: by themselves, by a reset, or killed. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "soak.h"

#define COLD	FLOW_FILE "-cold"

static unsigned int below(struct soak *s, unsigned int nr)
{
	return rand_r(&s->seed) % nr;
}

static int flow_begin(struct soak *s, unsigned int nr)
{
	struct soak_slot *slot = &s->flows[nr];
	int sock[2], ret = zct_pair(below(s, 8) ? AF_INET : AF_INET6, sock);

	slot->until = zct_now_ms() + 500 + below(s, 15000);
	return ret ?: flow_start(&slot->flow, nr % FLOW_WAYS, s->files[below(s, 2)], sock,
				 below(s, 1u << 30));
}

static void flow_leaves(struct soak *s, struct soak_slot *slot, enum soak_end how)
{
	slot->how = how;
	slot->until = 0;
	if (how == SOAK_STOPPED)
		flow_stop(&slot->flow);
	else if (how == SOAK_RESET)
		flow_reset(&slot->flow);
	else
		kill(slot->flow.pid, SIGKILL);
}

static void flow_left(struct soak *s, struct soak_slot *slot)
{
	static const int errors[] = { ECONNRESET, EPIPE, 0 };

	s->kills += slot->how == SOAK_KILLED;
	s->again += slot->flow.count->again;
	s->wrong += !flow_join(&slot->flow, slot->how == SOAK_RESET ? errors : NULL);
	s->bytes += slot->flow.rx.bytes;
	s->ends[slot->how]++;
}

static int actor_begin(struct soak *s, unsigned int nr)
{
	struct soak_slot *slot = &s->actors[nr];
	int sock[2], ret = zct_pair(AF_INET, sock);

	if (ret)
		return ret;
	*slot->count = (struct act_count){ 0 };
	slot->until = zct_now_ms() + below(s, 3000);
	slot->pid = actor_start(UINT_MAX, s->files[below(s, 2)], sock, below(s, 1u << 30),
				slot->count, s->stop);
	close(sock[0]);
	slot->flow.rx = (struct zct_rx){ .sock = sock[1], .check = true, .wrap = FLOW_SIZE };
	zct_rx_start(&slot->flow.rx);
	return slot->pid < 0 ? slot->pid : 0;
}

static void actor_left(struct soak *s, struct soak_slot *slot)
{
	struct zct_rx *rx = &slot->flow.rx;
	int status;
	size_t i;

	waitpid(slot->pid, &status, 0);
	zct_rx_join(rx);
	close(rx->sock);
	s->kills++;
	s->bytes += rx->bytes;
	s->again += slot->count->flow.again;
	for (i = 0; i < acts_nr; i++) {
		s->calls[i] += slot->count->done[i];
		s->good[i] += slot->count->good[i];
	}
	if (rx->bad < 0 && !slot->count->failed && WIFSIGNALED(status))
		return;
	s->wrong++;
	printf("# a process: wrong at %lld of %llu bytes; %llu calls failed, the last %s: %s; "
	       "status %#x\n", (long long)rx->bad, (unsigned long long)rx->bytes,
	       (unsigned long long)slot->count->failed, acts[slot->count->act].name,
	       strerror(slot->count->error), status);
}

int soak_start(struct soak *s)
{
	char *shared = mmap(NULL, (SOAK_ACTORS + 1) * 4096, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned int i;
	int ret = 0;

	if (shared == MAP_FAILED)
		return -errno;
	s->stop = (void *)shared;
	s->files[0] = zct_pattern_file(FLOW_FILE, FLOW_SIZE);
	s->files[1] = zct_pattern_file(COLD, FLOW_SIZE);
	if (s->files[0] < 0 || s->files[1] < 0)
		return -EIO;
	for (i = 0; i < SOAK_FLOWS && !ret; i++)
		ret = flow_begin(s, i);
	for (i = 0; i < SOAK_ACTORS && !ret; i++) {
		s->actors[i].count = (void *)(shared + (i + 1) * 4096);
		ret = actor_begin(s, i);
	}
	s->over = false;
	pthread_create(&s->side[0], NULL, soak_settings, s);
	pthread_create(&s->side[1], NULL, soak_listener, s);
	pthread_create(&s->side[2], NULL, soak_device, s);
	return ret;
}

static int flow_turn(struct soak *s, unsigned int nr, uint64_t now)
{
	struct soak_slot *slot = &s->flows[nr];

	if (!slot->until && flow_over(slot->flow.pid, &slot->flow.rx)) {
		flow_left(s, slot);
		return flow_begin(s, nr);
	}
	if (slot->until && now >= slot->until)
		flow_leaves(s, slot, below(s, SOAK_ENDS));
	return 0;
}

static int actor_turn(struct soak *s, unsigned int nr, uint64_t now)
{
	struct soak_slot *slot = &s->actors[nr];

	if (!slot->until && flow_over(slot->pid, &slot->flow.rx)) {
		actor_left(s, slot);
		return actor_begin(s, nr);
	}
	if (slot->until && now >= slot->until) {
		slot->until = 0;
		kill(slot->pid, SIGKILL);
	}
	return 0;
}

int soak_turn(struct soak *s)
{
	uint64_t now = zct_now_ms();
	unsigned int i;
	int ret = 0;

	for (i = 0; i < SOAK_FLOWS && !ret; i++)
		ret = flow_turn(s, i, now);
	for (i = 0; i < SOAK_ACTORS && !ret; i++)
		ret = actor_turn(s, i, now);
	return ret;
}

void soak_end(struct soak *s)
{
	unsigned int i;

	__atomic_store_n(&s->over, true, __ATOMIC_RELAXED);
	for (i = 0; i < SOAK_THREADS; i++)
		pthread_join(s->side[i], NULL);
	soak_settings_restore();
	for (i = 0; i < SOAK_FLOWS; i++)
		if (s->flows[i].until)
			flow_leaves(s, &s->flows[i], SOAK_STOPPED);
	for (i = 0; i < SOAK_FLOWS; i++)
		flow_left(s, &s->flows[i]);
	for (i = 0; i < SOAK_ACTORS; i++) {
		kill(s->actors[i].pid, SIGKILL);
		actor_left(s, &s->actors[i]);
	}
	for (i = 0; i < 2; i++)
		close(s->files[i]);
	munmap(s->stop, (SOAK_ACTORS + 1) * 4096);
	unlink(FLOW_FILE);
	unlink(COLD);
}
