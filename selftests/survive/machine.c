// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processors that go and come back, processes that are frozen, memory that runs out or is in
 * pieces: with streams of all ways meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "flow.h"
#include "state.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(machine)

#define GROUP		"/sys/fs/cgroup/zc-survive"
#define STEP		(1 * MIB)
#define PATIENCE_MS	200000
/* Free memory at which one that takes it is satisfied */
#define LITTLE		(64 * MIB)
/* What is left for that one and all others */
#define ENOUGH		(768 * MIB)

FIXTURE(machine)
{
	int fd;
	struct state before;
	struct flows flows;
	pid_t hog;
	char hugepages[32];
};

FIXTURE_SETUP(machine)
{
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, state_settled(self->fd, &self->before));
}

FIXTURE_TEARDOWN(machine)
{
	struct state after;

	if (self->hog > 0)
		kill(self->hog, SIGKILL);
	if (*self->hugepages)
		EXPECT_EQ(0, zct_sysctl("vm/nr_hugepages", self->hugepages, NULL, 0));
	EXPECT_TRUE(state_back(self->fd, &self->before, &after, 30000));
	close(self->fd);
	zct_run("echo 1 >/sys/devices/system/cpu/cpu1/online 2>/dev/null");
	if (!access(GROUP, F_OK))
		EXPECT_EQ(0, rmdir(GROUP));
}

static void start(struct __test_metadata *_metadata, SELF *self)
{
	ASSERT_EQ(0, flows_start(&self->flows, flow_loopback, NULL, 1));
	EXPECT_TRUE(flows_move(&self->flows, STEP, PATIENCE_MS));
}

static bool moves(SELF *self)
{
	return flows_move(&self->flows, STEP, PATIENCE_MS);
}

/* Packets, completions, spare pages and work of a processor that is gone go elsewhere. */
TEST_F_TIMEOUT(machine, cpu_hotplug, 900)
{
	int i;

	if (access("/sys/devices/system/cpu/cpu1/online", W_OK))
		SKIP(return, "no processor that can go");
	start(_metadata, self);
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, zct_run("echo 0 >/sys/devices/system/cpu/cpu1/online"));
		EXPECT_TRUE(moves(self));
		ASSERT_EQ(0, zct_run("echo 1 >/sys/devices/system/cpu/cpu1/online"));
		EXPECT_TRUE(moves(self));
	}
	EXPECT_EQ(0, flows_again(&self->flows));
	EXPECT_TRUE(flows_end(&self->flows));
}

/*
 * Make a group with that controller, or none. False if there is no such. Before anything is
 * sent: the kernel patches itself for the first group that has a limit of memory, which is
 * no good company for an emulated processor (see testing.rst).
 */
static bool group(const char *controller)
{
	if (*controller && zct_run("grep -qw %s /sys/fs/cgroup/cgroup.controllers && "
				   "echo +%s >/sys/fs/cgroup/cgroup.subtree_control",
				   controller, controller))
		return false;
	return !mkdir(GROUP, 0755);
}

/* Move all senders into it. */
static void join(struct __test_metadata *_metadata, SELF *self)
{
	int way;

	for (way = 0; way < FLOW_WAYS; way++)
		ASSERT_EQ(0, zct_run("echo %d >" GROUP "/cgroup.procs", self->flows.of[way].pid));
}

static bool frozen(int ms)
{
	uint64_t end = zct_now_ms() + ms;

	while (zct_run("grep -qx 'frozen 1' " GROUP "/cgroup.events")) {
		if (zct_now_ms() > end)
			return false;
		usleep(10000);
	}
	return true;
}

/* Senders stop wherever they are, and go on there. */
TEST_F_TIMEOUT(machine, frozen, 900)
{
	int i;

	if (!group("") || access(GROUP "/cgroup.freeze", W_OK))
		SKIP(return, "no freezer of cgroup v2");
	start(_metadata, self);
	join(_metadata, self);
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, zct_run("echo 1 >" GROUP "/cgroup.freeze"));
		EXPECT_TRUE(frozen(60000));
		ASSERT_EQ(0, zct_run("echo 0 >" GROUP "/cgroup.freeze"));
		EXPECT_TRUE(moves(self));
	}
	EXPECT_EQ(0, flows_again(&self->flows));
	EXPECT_TRUE(flows_end(&self->flows));
}

/* All processes are frozen, as they are when the machine is suspended, and thawed. */
TEST_F_TIMEOUT(machine, suspended, 900)
{
	int i;

	if (access("/sys/power/pm_test", W_OK) ||
	    zct_run("grep -qw freeze /sys/power/state"))
		SKIP(return, "no suspend, or no test of it");
	start(_metadata, self);
	zct_run("echo 1 >/sys/module/suspend/parameters/pm_test_delay 2>/dev/null");
	ASSERT_EQ(0, zct_run("echo freezer >/sys/power/pm_test"));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, zct_run("echo freeze >/sys/power/state"));
		EXPECT_TRUE(moves(self));
	}
	zct_run("echo none >/sys/power/pm_test");
	EXPECT_TRUE(flows_end(&self->flows));
}

/*
 * One that takes memory until it is killed, before anybody else; or, of the whole machine,
 * until little is left: with files that are read all the time the kernel may go on with little
 * for minutes.
 */
static pid_t hog_start(bool in_group)
{
	pid_t pid = fork();
	char *map;

	if (pid)
		return pid;
	fds_close_but(-1, -1);
	if (zct_run("echo 1000 >/proc/%d/oom_score_adj", getpid()) ||
	    (in_group && zct_run("echo %d >" GROUP "/cgroup.procs", getpid())))
		_exit(1);
	while (in_group || zct_meminfo("MemAvailable") > LITTLE) {
		map = mmap(NULL, 8 * MIB, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (map == MAP_FAILED)
			_exit(2);
		memset(map, 1, 8 * MIB);
	}
	raise(SIGSTOP);
	for (;;)
		pause();
}

static void hogged(struct __test_metadata *_metadata, SELF *self, bool in_group, int times)
{
	uint64_t kills = zct_oom_kills();
	int i, status;

	for (i = 0; i < times; i++) {
		self->hog = hog_start(in_group);
		ASSERT_GT(self->hog, 0);
		ASSERT_EQ(self->hog, waitpid(self->hog, &status, WUNTRACED));
		if (WIFSTOPPED(status)) {
			usleep(500000);
			ASSERT_EQ(0, zct_run("echo f >/proc/sysrq-trigger"));
			ASSERT_EQ(self->hog, waitpid(self->hog, &status, 0));
		}
		self->hog = 0;
		EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
			TH_LOG("status %#x", status);
		EXPECT_TRUE(moves(self));
	}
	EXPECT_LE(kills + times, zct_oom_kills());
	TH_LOG("%llu calls found no memory and were made again",
	       (unsigned long long)flows_again(&self->flows));
}

/*
 * Memory of the machine runs short, again and again, and the OOM killer comes for the hog. Most
 * of it goes as hugepages before: page by page it takes a kernel with KASAN half an hour.
 */
TEST_F_TIMEOUT(machine, out_of_memory, 900)
{
	uint64_t free = zct_meminfo("MemAvailable"), nr_huge;
	char nr[32];

	if (!zct_all())
		SKIP(return, "takes minutes; make check-all has it");
	if (access("/proc/sysrq-trigger", W_OK))
		SKIP(return, "no sysrq, to have somebody killed");
	if (free > ENOUGH) {
		/* Their number has no unit. */
		nr_huge = zct_meminfo("HugePages_Total") / 1024 + (free - ENOUGH) / HUGE;
		snprintf(nr, sizeof(nr), "%llu", (unsigned long long)nr_huge);
		ASSERT_EQ(0, zct_sysctl("vm/nr_hugepages", nr, self->hugepages,
					sizeof(self->hugepages)));
	}
	start(_metadata, self);
	hogged(_metadata, self, false, 2);
	EXPECT_TRUE(flows_end(&self->flows));
}

/* How often the module's workers have asked for somebody to be killed. */
static int workers_killed(void)
{
	FILE *f = popen("dmesg | grep -c 'Workqueue: zc-'", "re");
	int nr = -1;

	if (f && fscanf(f, "%d", &nr) != 1)
		nr = -1;
	if (f)
		pclose(f);
	return nr;
}

/*
 * The same in their memory cgroup. With what is freed of who was killed not counted yet, the
 * kernel may look for another one at once: there is none.
 */
TEST_F_TIMEOUT(machine, cgroup_out_of_memory, 900)
{
	int workers = workers_killed(), way;

	if (!group("memory"))
		SKIP(return, "no memory controller of cgroup v2");
	start(_metadata, self);
	join(_metadata, self);
	for (way = 0; way < FLOW_WAYS; way++)
		ASSERT_EQ(0, zct_run("echo -1000 >/proc/%d/oom_score_adj",
				     self->flows.of[way].pid));
	ASSERT_EQ(0, zct_run("echo 128M >" GROUP "/memory.max"));
	hogged(_metadata, self, true, 5);
	EXPECT_EQ(workers, workers_killed());
	EXPECT_TRUE(flows_end(&self->flows));
}

/* A limit at which hardly anything can be had: they fail with ENOMEM, or go on slowly. */
TEST_F_TIMEOUT(machine, module_limit, 900)
{
	static const uint64_t limits[] = { 1, HUGE, 3 * HUGE, 10 * HUGE };
	long long old = zct_param("max_bytes");
	size_t i;

	start(_metadata, self);
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, zct_param_set("max_bytes", limits[i]));
		usleep(300000);
		ASSERT_EQ(0, zct_param_set("max_bytes", old));
		EXPECT_TRUE(moves(self));
	}
	TH_LOG("%llu calls found no memory and were made again",
	       (unsigned long long)flows_again(&self->flows));
	EXPECT_TRUE(flows_end(&self->flows));
}

/* No hugepage is to be had: small pages will do. */
TEST_F_TIMEOUT(machine, fragmented, 900)
{
	uint64_t free = zct_meminfo("MemAvailable"), made = 0;
	long long max_bytes = zct_param("max_bytes");
	struct zc_buf_create buf;
	int ready[2], status;
	char byte = 0;
	pid_t pid;

	if (free < 640 * MIB)
		SKIP(return, "too little memory");
	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	if (!pid) {
		byte = zct_fragment(free - 320 * MIB);
		_exit(write(ready[1], &byte, 1) != 1 || pause());
	}
	self->hog = pid;
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	ASSERT_EQ(1, byte);
	ASSERT_EQ(0, zct_param_set("max_bytes", 1ll << 40));
	while (!zct_create(self->fd, HUGE, 0, ZC_NODE_ANY, &buf))
		made++;
	TH_LOG("%llu hugepages were left, and taken", (unsigned long long)made);
	start(_metadata, self);
	EXPECT_EQ(-ENOMEM, zct_create(self->fd, 16 * HUGE, 0, ZC_NODE_ANY, &buf));
	EXPECT_TRUE(moves(self));
	EXPECT_TRUE(flows_end(&self->flows));
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	self->hog = 0;
	close(self->fd);
	self->fd = zct_open();
	EXPECT_EQ(0, zct_param_set("max_bytes", max_bytes));
}

TEST_HARNESS_MAIN
