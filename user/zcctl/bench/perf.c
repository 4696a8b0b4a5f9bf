// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters of the processor. What it does not have, or does not let the caller have, has a
 * reason and no count: an invented 0 would be the best result of all.
 */
#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __x86_64__
#include <cpuid.h>
#endif

#include "perf.h"

#define DTLB_LOAD(result)						\
	(PERF_COUNT_HW_CACHE_DTLB | PERF_COUNT_HW_CACHE_OP_READ << 8 |	\
	 PERF_COUNT_HW_CACHE_RESULT_ ## result << 16)

const char *bench_perf_name(enum bench_perf_event event)
{
	static const char *const names[] = {
		"dtlb_loads", "dtlb_load_misses", "page_walk_cycles",
	};

	return names[event];
}

/*
 * The cycles that page walks of loads take have no name of their own in the kernel. Of
 * Intel's "perfmon" lists (DTLB_LOAD_MISSES.WALK_DURATION, later WALK_PENDING); AMD's have
 * no such event. Returns 0 if there is none.
 */
static uint64_t walk_event(void)
{
#ifdef __x86_64__
	static const unsigned char event_08[] = {
		0x3c, 0x3f, 0x45, 0x46,		/* Haswell */
		0x3d, 0x47, 0x4f, 0x56,		/* Broadwell */
		0x4e, 0x5e, 0x55, 0x8e, 0x9e, 0xa5, 0xa6,	/* Skylake and its heirs */
		0x7d, 0x7e, 0x6a, 0x6c, 0x8c, 0x8d, 0xa7,	/* Ice Lake and its heirs */
	};
	static const unsigned char event_12[] = { 0x8f, 0xcf };	/* Sapphire, Emerald Rapids */
	unsigned int a, b, c, d, model;

	if (!__get_cpuid(0, &a, &b, &c, &d) || b != signature_INTEL_ebx)
		return 0;
	if (!__get_cpuid(1, &a, &b, &c, &d) || (a >> 8 & 15) != 6)
		return 0;
	model = (a >> 4 & 15) | (a >> 12 & 0xf0);
	if (memchr(event_08, model, sizeof(event_08)))
		return 0x1008;
	if (memchr(event_12, model, sizeof(event_12)))
		return 0x1012;
#endif
	return 0;
}

static int open_event(uint32_t type, uint64_t config, enum bench_perf_who who)
{
	struct perf_event_attr attr = {
		.type = type,
		.size = sizeof(attr),
		.config = config,
		.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING,
		.disabled = 1,
		.exclude_user = who == BENCH_PERF_KERNEL,
		.exclude_kernel = who == BENCH_PERF_USER,
		.exclude_hv = 1,
	};
	int fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Where there are no cycles there is nothing to count with. */
static bool have_pmu(void)
{
	int fd = open_event(PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, BENCH_PERF_USER);

	if (fd >= 0)
		close(fd);
	return fd >= 0 || fd == -EACCES || fd == -EPERM;
}

static const char *why_not(int err)
{
	switch (-err) {
	case EACCES:
	case EPERM:
		return "not allowed: root may, or see kernel.perf_event_paranoid";
	case ENOSYS:
		return "this kernel has no perf events";
	case EMFILE:
		return "too many open files";
	}
	return have_pmu() ? "this processor has no such event" : "this machine has no PMU";
}

static void open_counter(struct bench_perf_counter *counter, enum bench_perf_event event,
			 enum bench_perf_who who)
{
	static const uint64_t configs[] = { DTLB_LOAD(ACCESS), DTLB_LOAD(MISS) };

	*counter = (struct bench_perf_counter){ .fd = -ENOENT };
	if (event != BENCH_PERF_WALK)
		counter->fd = open_event(PERF_TYPE_HW_CACHE, configs[event], who);
	else if (walk_event())
		counter->fd = open_event(PERF_TYPE_RAW, walk_event(), who);
	if (counter->fd < 0)
		counter->why = why_not(counter->fd);
}

/* Of this thread. What cannot be counted is no error, but says why. */
void bench_perf_open(struct bench_perf *perf)
{
	unsigned int event, who;

	for (event = 0; event < BENCH_PERF_EVENTS; event++)
		for (who = 0; who < BENCH_PERF_WHO; who++)
			open_counter(&perf->counters[event][who], event, who);
}

void bench_perf_close(struct bench_perf *perf)
{
	unsigned int event, who;

	for (event = 0; event < BENCH_PERF_EVENTS; event++)
		for (who = 0; who < BENCH_PERF_WHO; who++)
			if (perf->counters[event][who].fd >= 0)
				close(perf->counters[event][who].fd);
}

static void read_counter(int fd, struct bench_perf_value *value)
{
	if (fd >= 0 && read(fd, value, sizeof(*value)) != sizeof(*value))
		*value = (struct bench_perf_value){ 0 };
}

static void for_all(struct bench_perf *perf, unsigned long request)
{
	unsigned int event, who;

	for (event = 0; event < BENCH_PERF_EVENTS; event++)
		for (who = 0; who < BENCH_PERF_WHO; who++)
			if (perf->counters[event][who].fd >= 0)
				ioctl(perf->counters[event][who].fd, request, 0);
}

/* The times cannot be reset: differences are what counts. */
void bench_perf_begin(struct bench_perf *perf)
{
	unsigned int event, who;

	for (event = 0; event < BENCH_PERF_EVENTS; event++)
		for (who = 0; who < BENCH_PERF_WHO; who++)
			read_counter(perf->counters[event][who].fd,
				     &perf->counters[event][who].before);
	for_all(perf, PERF_EVENT_IOC_ENABLE);
}

void bench_perf_end(struct bench_perf *perf)
{
	unsigned int event, who;

	for_all(perf, PERF_EVENT_IOC_DISABLE);
	for (event = 0; event < BENCH_PERF_EVENTS; event++)
		for (who = 0; who < BENCH_PERF_WHO; who++)
			read_counter(perf->counters[event][who].fd,
				     &perf->counters[event][who].after);
}

/*
 * What was counted from begin to end, scaled up where the counter shared the hardware.
 * False if it did not run at all.
 */
bool bench_perf_count(const struct bench_perf_counter *counter, uint64_t *count)
{
	uint64_t value = counter->after.value - counter->before.value;
	uint64_t enabled = counter->after.enabled - counter->before.enabled;
	uint64_t running = counter->after.running - counter->before.running;

	if (counter->fd < 0 || !running)
		return false;
	*count = enabled > running ? value * ((double)enabled / running) : value;
	return true;
}
