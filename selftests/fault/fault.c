// SPDX-License-Identifier: GPL-2.0-only
/* Failures on demand. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"

#define DEBUGFS	"/sys/kernel/debug"
#define SELF_DIR	"/proc/thread-self"
#define NTH	SELF_DIR "/fail-nth"

/* The most that the kernel looks at; and what is between a caller and the one who fails him */
#define ANY_DEPTH	"32"
#define OWN_DEPTH	"8"

static const char *const attrs[] = { "failslab", "fail_page_alloc" };
static const char copies[] = "fail_usercopy";

static struct {
	char path[96];
	char old[32];
} saved[40];
static int nr_saved;
/* Of each thread whose allocations may fail: the number of those to come, until one does. */
static int nth_fds[1024];
static unsigned int nr_nth;
/* They may end by themselves. */
static bool of_workers;
static unsigned int times_set;

/*
 * Whose turn it is to fail: one of attrs[], while the other does not, or both's. For what an
 * allocation of a slab takes of pages is not the same each time, and the n-th of all would be
 * another one then: some would never fail.
 */
#define BOTH_KINDS	2u
static unsigned int turn = BOTH_KINDS;
/* The one before the first that the turn's kind fails. */
static unsigned int turn_base;
/* What fault_arm() was told last, and how many came since it was told of the first. */
static unsigned int armed, came;
/*
 * Where allocations are asked for that can fail, and how many calls above at most; there may be
 * no such filter.
 */
static unsigned long from_start, from_end = ULONG_MAX;
static const char *from_depth = ANY_DEPTH;
static bool by_kind;

int fault_write(const char *path, const char *val)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, val, strlen(val)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

int fault_read(const char *path, char *val, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = read(fd, val, size - 1);
	if (ret < 0)
		ret = -errno;
	close(fd);
	val[ret > 0 ? ret : 0] = 0;
	val[strcspn(val, "\n")] = 0;
	return ret > 0 ? 0 : ret ?: -EIO;
}

const char *fault_missing(void)
{
	if (access(DEBUGFS "/failslab/ignore-gfp-wait", W_OK) ||
	    access(DEBUGFS "/fail_page_alloc/ignore-gfp-wait", W_OK))
		return "no failslab and fail_page_alloc in debugfs";
	if (access(NTH, W_OK))
		return "no " NTH;
	return NULL;
}

int fault_set(const char *attr, const char *file, const char *val)
{
	char path[96];
	int i, ret;

	snprintf(path, sizeof(path), DEBUGFS "/%s/%s", attr, file);
	for (i = 0; i < nr_saved && strcmp(saved[i].path, path); i++)
		;
	if (i == nr_saved) {
		if (i == sizeof(saved) / sizeof(*saved))
			return -ENOSPC;
		ret = fault_read(path, saved[i].old, sizeof(saved[i].old));
		if (ret)
			return ret;
		memcpy(saved[i].path, path, sizeof(path));
		nr_saved++;
	}
	return fault_write(path, val);
}

void fault_restore(void)
{
	from_depth = ANY_DEPTH;
	while (nr_saved) {
		nr_saved--;
		fault_write(saved[nr_saved].path, saved[nr_saved].old);
	}
}

long fault_get(const char *attr, const char *file)
{
	char path[96], val[32];
	int ret;

	snprintf(path, sizeof(path), DEBUGFS "/%s/%s", attr, file);
	ret = fault_read(path, val, sizeof(val));
	return ret ?: strtol(val, NULL, 0);
}

static int set_both(const char *file, const char *val)
{
	return fault_set(attrs[0], file, val) ?: fault_set(attrs[1], file, val);
}

struct symbol {
	unsigned long addr;
	char type;
	char name[256];
	char owner[64];
};

/* The next symbol of /proc/kallsyms; @owner is "" for one of the kernel's own. */
static bool next_symbol(FILE *f, struct symbol *sym)
{
	char line[512];

	sym->owner[0] = 0;
	return f && fgets(line, sizeof(line), f) &&
	       sscanf(line, "%lx %c %255s [%63[^]]", &sym->addr, &sym->type, sym->name,
		      sym->owner) >= 3;
}

/* Where a function of the kernel's lies: up to the next symbol. */
static bool function_text(const char *name, unsigned long *start, unsigned long *end)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	struct symbol sym;

	*start = 0;
	*end = ULONG_MAX;
	while (next_symbol(f, &sym))
		if (!strcmp(sym.name, name))
			*start = sym.addr;
	if (f)
		rewind(f);
	while (next_symbol(f, &sym))
		if (sym.addr > *start && sym.addr < *end)
			*end = sym.addr;
	if (f)
		fclose(f);
	return *start && *end < ULONG_MAX;
}

/* Where the functions of the module lie. */
static bool module_text(unsigned long *start, unsigned long *end)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	struct symbol sym;

	*start = ULONG_MAX;
	*end = 0;
	while (next_symbol(f, &sym)) {
		if ((sym.type | 0x20) != 't' || strcmp(sym.owner, "zc"))
			continue;
		*start = sym.addr < *start ? sym.addr : *start;
		*end = sym.addr > *end ? sym.addr : *end;
	}
	if (f)
		fclose(f);
	/* The last function is no longer than this. */
	*end += 4096;
	return *start && *start < *end;
}

/* Where code lies that the caller of what @attr has fail is in ("require"), or not ("reject"). */
static int callers(const char *attr, const char *how, unsigned long start, unsigned long end)
{
	char file[32], val[32];
	int ret;

	snprintf(file, sizeof(file), "%s-start", how);
	snprintf(val, sizeof(val), "%#lx", start);
	ret = fault_set(attr, file, val);
	snprintf(file, sizeof(file), "%s-end", how);
	snprintf(val, sizeof(val), "%#lx", end);
	return ret ?: fault_set(attr, file, val);
}

/* What @attr has fail is asked for from there alone. */
static int only_from(const char *attr, unsigned long start, unsigned long end)
{
	return callers(attr, "require", start, end) ||
	       fault_set(attr, "stacktrace-depth", from_depth) ? -EOPNOTSUPP : 0;
}

/* And from nowhere, where no function is. */
static int never(const char *attr)
{
	return only_from(attr, 1, 2);
}

static bool have_copies(void)
{
	return !access(DEBUGFS "/fail_usercopy/require-start", W_OK);
}

static int only_allocations_from(unsigned long start, unsigned long end)
{
	from_start = start;
	from_end = end;
	return only_from(attrs[0], start, end) ?: only_from(attrs[1], start, end);
}

static void take_turn(unsigned int kind, unsigned int base)
{
	unsigned int i;

	turn = kind;
	turn_base = base;
	for (i = 0; i < BOTH_KINDS; i++)
		if (kind == i || kind == BOTH_KINDS ? only_from(attrs[i], from_start, from_end) :
						      never(attrs[i]))
			abort();
}

/* What looks over devices' shoulders has its memory: without it, it looks no more. */
static int spare_dma_debug(void)
{
	unsigned long start, end;

	if (!by_kind || !function_text("add_dma_entry", &start, &end))
		return 0;
	return callers(attrs[0], "reject", start, end) ?: callers(attrs[1], "reject", start, end);
}

int fault_begin(void)
{
	by_kind = !only_allocations_from(0, ULONG_MAX);
	return set_both("probability", "0") ?: set_both("verbose", "0") ?:
	       set_both("task-filter", "N") ?: set_both("ignore-gfp-wait", "N") ?:
	       fault_set(attrs[1], "ignore-gfp-highmem", "N") ?:
	       fault_set(attrs[1], "min-order", "0") ?:
	       (have_copies() ? never(copies) : 0) ?: spare_dma_debug();
}

int fault_begin_init(void)
{
	unsigned long start, end;

	if (!function_text("do_one_initcall", &start, &end))
		return -ENOENT;
	return fault_begin() ?: only_allocations_from(start, end);
}

static int only_module(void)
{
	unsigned long start, end;

	if (!module_text(&start, &end))
		return -ENOENT;
	return only_allocations_from(start, end);
}

static int begin_module(const char *depth)
{
	from_depth = depth;
	return fault_begin() ?: only_module();
}

int fault_begin_module(void)
{
	return begin_module(ANY_DEPTH);
}

int fault_begin_own(void)
{
	return begin_module(OWN_DEPTH);
}

int fault_begin_copies(void)
{
	unsigned long start, end;

	if (!have_copies())
		return -EOPNOTSUPP;
	if (!module_text(&start, &end))
		return -ENOENT;
	by_kind = false;
	return fault_set(copies, "probability", "0") ?: fault_set(copies, "verbose", "0") ?:
	       never(attrs[0]) ?: never(attrs[1]) ?: only_from(copies, start, end);
}

/* @of: the folder of a thread in /proc. Nothing if it has gone. */
static void arm(const char *of)
{
	char path[80], text[16];
	int fd, len;

	snprintf(path, sizeof(path), "%s/fail-nth", of);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	len = snprintf(text, sizeof(text), "%u", armed - turn_base);
	if (nr_nth == sizeof(nth_fds) / sizeof(*nth_fds))
		abort();
	if (pwrite(fd, text, len, 0) == len)
		nth_fds[nr_nth++] = fd;
	else
		close(fd);
}

static void begin_turn(unsigned int nth)
{
	if (nth == 1)
		came = 0;
	if (nth == 1 && by_kind)
		take_turn(0, 0);
	armed = nth;
}

void fault_arm(unsigned int nth)
{
	if (!nth)
		return;
	begin_turn(nth);
	of_workers = false;
	arm(SELF_DIR);
	if (!nr_nth)
		abort();
}

void fault_arm_workers(unsigned int nth)
{
	char path[80], comm[32];
	glob_t found;
	size_t i;

	begin_turn(nth);
	of_workers = true;
	if (glob("/proc/[0-9]*/task/[0-9]*", GLOB_NOSORT, NULL, &found))
		abort();
	for (i = 0; i < found.gl_pathc; i++) {
		snprintf(path, sizeof(path), "%s/comm", found.gl_pathv[i]);
		if (!fault_read(path, comm, sizeof(comm)) && !strncmp(comm, "kworker/", 8))
			arm(found.gl_pathv[i]);
	}
	globfree(&found);
}

bool fault_disarm(void)
{
	bool fired = false;
	char text[16];

	if (!nr_nth)
		return false;
	while (nr_nth) {
		int fd = nth_fds[--nr_nth];
		ssize_t len = pread(fd, text, sizeof(text) - 1, 0);

		text[len > 0 ? len : 0] = 0;
		fired |= len > 0 && !atoi(text);
		if ((len < 1 || pwrite(fd, "0", 1, 0) != 1) && !of_workers)
			abort();
		close(fd);
	}
	came += fired;
	if (fired || turn == BOTH_KINDS)
		return fired;
	/* There are no more of this kind: of the next, the first is @armed + 1. */
	take_turn(turn + 1, turn + 1 == BOTH_KINDS ? 0 : armed);
	return turn < BOTH_KINDS;
}

unsigned int fault_count(void)
{
	return came;
}

int fault_spread(unsigned int percent, unsigned int times)
{
	int ret = only_module();
	char text[16];

	if (ret)
		return ret;
	times_set = times;
	snprintf(text, sizeof(text), "%u", times);
	if (set_both("times", text))
		return -EIO;
	snprintf(text, sizeof(text), "%u", percent);
	return set_both("probability", text);
}

unsigned int fault_calm(void)
{
	set_both("probability", "0");
	return 2 * times_set - fault_get(attrs[0], "times") - fault_get(attrs[1], "times");
}
