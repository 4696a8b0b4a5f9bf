// SPDX-License-Identifier: GPL-2.0-only
/* A process of the fuzzer: its threads run programs until it is time to end. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "fuzz.h"

__thread struct thread *self;

static struct thread threads[THREADS_MAX];

/* Of an access that is not meant to fail the process dies, and says of which first. */
static void on_fault(int sig, siginfo_t *info, void *context)
{
	if (self && self->armed)
		siglongjmp(self->jump, 1);
	dprintf(STDOUT_FILENO, "# signal %d, code %d, at %p\n", sig, info->si_code, info->si_addr);
	signal(sig, SIG_DFL);
}

static void on_alarm(int sig)
{
}

static void signals(void)
{
	struct sigaction fault = {
		.sa_sigaction = on_fault,
		.sa_flags = SA_NODEFER | SA_SIGINFO,
	};
	/* Without SA_RESTART */
	struct sigaction alarm = { .sa_handler = on_alarm };

	sigaction(SIGSEGV, &fault, NULL);
	sigaction(SIGBUS, &fault, NULL);
	sigaction(SIGALRM, &alarm, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* What O_ASYNC sends */
	signal(SIGIO, SIG_IGN);
}

/*
 * Nothing blocks for longer than this. On a kernel that takes its time a call takes a tenth of
 * a second, with all threads that there are: shorter, and each would be interrupted.
 */
static void interrupt_often(struct thread *t)
{
	struct sigevent ev = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM };
	struct itimerspec often = { { 0, 400000000 }, { 0, 400000000 } };

	ev._sigev_un._tid = syscall(SYS_gettid);
	if (!timer_create(CLOCK_MONOTONIC, &ev, &t->timer))
		timer_settime(t->timer, 0, &often, NULL);
}

/* Two pages to write to, two to read the same, each before what is not mapped. */
static int make_room(struct thread *t)
{
	int fd = memfd_create("zc-fuzz-arg", MFD_CLOEXEC);
	char *map = mmap(NULL, 6 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (fd < 0 || map == MAP_FAILED || ftruncate(fd, 2 * PAGE))
		return -1;
	t->arg = mmap(map, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
	t->arg_ro = mmap(map + 3 * PAGE, 2 * PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0);
	close(fd);
	return t->arg == MAP_FAILED || t->arg_ro == MAP_FAILED ? -1 : 0;
}

static void trace_step(const struct step *step)
{
	char line[256];
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC), len, i;

	len = snprintf(line, sizeof(line), "zc-fuzz: %s", calls[step->call]->name);
	for (i = 0; i < WORDS && len < (int)sizeof(line) - 12; i++)
		len += snprintf(line + len, sizeof(line) - len, " %x", step->word[i]);
	if (fd >= 0 && write(fd, line, len) < 0)
		shared->trace = false;
	close(fd);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static void run_step(struct thread *t, const struct step *step)
{
	const struct call *call = calls[step->call];
	uint64_t begin = 0;
	long ret;

	t->step = step;
	t->at = 0;
	if (shared->trace)
		trace_step(step);
	if (shared->times)
		begin = now_ns();
	ret = call->fn(t, call->data);
	if (shared->times)
		shared->count[step->call].ns += now_ns() - begin;
	if (!call->later)
		call_done(step->call, ret);
}

static void run_program(struct thread *t)
{
	uint64_t calls_now;
	uint32_t i;

	program_make(t);
	cover_begin(t);
	for (i = 0; i < t->prog.nr && !shared->stop; i++)
		run_step(t, &t->prog.step[i]);
	if (cover_end(t))
		program_keep(&t->prog);
	calls_now = __atomic_add_fetch(&shared->calls, i, __ATOMIC_RELAXED);
	if (shared->limit && calls_now >= shared->limit)
		shared->stop = true;
}

static void *run(void *data)
{
	struct thread *t = data;

	self = t;
	cover_enable(t);
	interrupt_often(t);
	family_init(t);
	ring_init(t);
	while (!shared->stop)
		run_program(t);
	return NULL;
}

/* It may make buffers on what it has inherited, and what it opens itself. */
static void be_nobody(void)
{
	struct rlimit lock = { 8 * HUGE, 8 * HUGE };

	setrlimit(RLIMIT_MEMLOCK, &lock);
	if (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY))
		_exit(3);
}

void process_run(unsigned int nr, unsigned int generation, unsigned int nr_threads)
{
	uint64_t seed = shared->seed ^ (uint64_t)nr << 32 ^ generation;
	struct thread *first = &threads[0];
	static const struct step zero;
	unsigned int i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signals();
	if (mmap(ARENA, ARENA_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
		 -1, 0) == MAP_FAILED)
		_exit(3);
	for (i = 0; i < nr_threads; i++) {
		threads[i].nr = i;
		threads[i].rng = rng_next(&seed);
		threads[i].step = &zero;
		cover_open(&threads[i]);
		if (make_room(&threads[i]))
			_exit(3);
	}
	files_init(first);
	sockets_init(first);
	if (nr % 2)
		be_nobody();
	for (i = 0; i < nr_threads; i++)
		if (pthread_create(&threads[i].thread, NULL, run, &threads[i]))
			_exit(3);
	for (i = 0; i < nr_threads; i++)
		pthread_join(threads[i].thread, NULL);
	_exit(0);
}
