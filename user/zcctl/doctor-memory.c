// SPDX-License-Identifier: GPL-2.0-only
/* zcctl doctor: is there memory in hugepages, and who may have it? */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"

#define NODES_MAX	1024
#define CAP_IPC_LOCK	14
#define MIB		(1ull << 20)
/* With less than that free a node has other troubles than fragments. */
#define SOME		(64 * MIB)
#define HUGETLB		"/sys/kernel/mm/hugepages"

/**
 * struct node - free memory of a NUMA node
 * @there: has it any memory?
 * @free:  bytes
 * @huge:  of these, in hugepages
 */
struct node {
	bool there;
	uint64_t free;
	uint64_t huge;
};

/* More than any kernel has: 11 and, with larger hugepages or pages, up to 18 */
#define ORDERS	32

/* "Node 0, zone   Normal      3     12 …": free blocks of 1, 2, 4 … pages */
static void add_zone(const char *line, struct node *nodes, uint64_t page)
{
	unsigned int nr, order;
	unsigned long blocks;
	char zone[32];
	int at, len;

	if (sscanf(line, "Node %u, zone %31s%n", &nr, zone, &at) != 2 || nr >= NODES_MAX)
		return;
	nodes[nr].there = true;
	/* The kernel keeps those for others. */
	if (!strcmp(zone, "DMA") || !strcmp(zone, "Movable") || !strcmp(zone, "Device"))
		return;
	for (order = 0; order < ORDERS && sscanf(line + at, "%lu%n", &blocks, &len) == 1;
	     order++) {
		nodes[nr].free += blocks * (page << order);
		if (page << order >= ZC_HUGE_SIZE)
			nodes[nr].huge += blocks * (page << order);
		at += len;
	}
}

static void find_node(struct doctor *doctor, unsigned int nr, const struct node *node)
{
	enum doctor_state state = DOCTOR_OK;
	const char *command = NULL, *what = "";
	char name[32], a[32], b[32];

	if (!node->huge || (node->free >= 4 * SOME && node->huge < node->free / 4)) {
		state = DOCTOR_WARNING;
		what = node->free < SOME ? ": little memory" :
		       node->huge ? ": much is in pieces" : ": it is all in pieces";
		command = node->free < SOME ? "echo 3 | sudo tee /proc/sys/vm/drop_caches" :
					      "echo 1 | sudo tee /proc/sys/vm/compact_memory";
	}
	snprintf(name, sizeof(name), "memory-node%u", nr);
	doctor_find(doctor, name, state, command, "%s free, %s of it in hugepages (%llu)%s",
		    out_bytes(node->free, a, sizeof(a)), out_bytes(node->huge, b, sizeof(b)),
		    (unsigned long long)(node->huge / ZC_HUGE_SIZE), what);
}

/**
 * doctor_nodes - free hugepages on each NUMA node
 * @doctor: the visit
 */
void doctor_nodes(struct doctor *doctor)
{
	struct node *nodes = calloc(NODES_MAX, sizeof(*nodes));
	FILE *f = root_open("/proc/buddyinfo");
	unsigned int i;
	char line[512];

	if (!f)
		doctor_find(doctor, "memory", DOCTOR_NOTE,
			    errno == EACCES ? "sudo zcctl doctor" : NULL,
			    "free hugepages cannot be seen: /proc/buddyinfo: %s", strerror(errno));
	while (f && nodes && fgets(line, sizeof(line), f))
		add_zone(line, nodes, sysconf(_SC_PAGESIZE));
	for (i = 0; nodes && i < NODES_MAX; i++)
		if (nodes[i].there)
			find_node(doctor, i, &nodes[i]);
	if (f)
		fclose(f);
	free(nodes);
}

/* Soft and hard; UINT64_MAX: unlimited. */
static bool read_memlock(uint64_t *soft, uint64_t *hard)
{
	static const char key[] = "Max locked memory";
	FILE *f = root_open("/proc/self/limits");
	char line[256], a[32], b[32];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		found = !strncmp(line, key, strlen(key)) &&
			sscanf(line + strlen(key), "%31s %31s", a, b) == 2;
	if (f)
		fclose(f);
	if (!found)
		return false;
	*soft = *a == 'u' ? UINT64_MAX : strtoull(a, NULL, 10);
	*hard = *b == 'u' ? UINT64_MAX : strtoull(b, NULL, 10);
	return true;
}

/* A few hugepages are soon used up. */
static void find_limit(struct doctor *doctor, uint64_t soft, uint64_t hard)
{
	unsigned long long pages = soft / ZC_HUGE_SIZE;
	const char *command = "ulimit -l unlimited", *then = "";
	char a[32];

	out_bytes(soft, a, sizeof(a));
	if (soft >= SOME) {
		doctor_ok(doctor, "memlock", "RLIMIT_MEMLOCK is %s: %llu hugepages for buffers", a,
			  pages);
		return;
	}
	if (hard != UINT64_MAX) {
		command = "echo \"$USER - memlock unlimited\" | "
			  "sudo tee -a /etc/security/limits.d/zc.conf";
		then = "; a new limit counts when you log in again; of a service it is "
		       "LimitMEMLOCK=infinity";
	}
	doctor_find(doctor, "memlock", pages ? DOCTOR_WARNING : DOCTOR_PROBLEM, command,
		    "RLIMIT_MEMLOCK is %s: %llu hugepages for buffers%s", a, pages, then);
}

/**
 * doctor_memlock - how much memory may the user's buffers have?
 * @doctor: the visit
 */
void doctor_memlock(struct doctor *doctor)
{
	uint64_t soft, hard;

	if (doctor->caps & 1ull << CAP_IPC_LOCK)
		doctor_ok(doctor, "memlock",
			  "buffers are not limited: CAP_IPC_LOCK, which others may lack");
	else if (!read_memlock(&soft, &hard))
		doctor_note(doctor, "memlock",
			    "it cannot be seen: there is no limit in /proc/self/limits");
	else if (soft == UINT64_MAX)
		doctor_ok(doctor, "memlock", "buffers are not limited");
	else
		find_limit(doctor, soft, hard);
}

/**
 * doctor_thp - transparent hugepages
 * @doctor: the visit
 */
void doctor_thp(struct doctor *doctor)
{
	char mode[32];

	if (!root_chosen(mode, sizeof(mode), "/sys/kernel/mm/transparent_hugepage/enabled"))
		doctor_note(doctor, "thp", "this kernel shows no transparent hugepages");
	else if (!strcmp(mode, "never"))
		doctor_find(doctor, "thp", DOCTOR_NOTE,
			    "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled",
			    "never: buffers do without; but the kernel keeps less memory free against "
			    "fragments then");
	else
		doctor_ok(doctor, "thp", "%s; buffers do without", mode);
}

/* "2.0 MiB: 3 of 4 free", for each size */
static void add_size(FILE *to, const char *dir)
{
	unsigned long long kib = 0, all, unused;
	char line[32], a[32];

	if (sscanf(dir, "hugepages-%llukB", &kib) != 1)
		return;
	root_line(line, sizeof(line), HUGETLB "/%s/nr_hugepages", dir);
	all = strtoull(line, NULL, 10);
	root_line(line, sizeof(line), HUGETLB "/%s/free_hugepages", dir);
	unused = strtoull(line, NULL, 10);
	if (all)
		fprintf(to, "%s%llu of %llu pages of %s are free", ftell(to) ? ", " : "", unused,
			all, out_bytes(kib << 10, a, sizeof(a)));
}

/**
 * doctor_hugetlb - the pools of hugetlb
 * @doctor: the visit
 */
void doctor_hugetlb(struct doctor *doctor)
{
	char path[ROOT_PATH], *text = NULL;
	struct dirent **list;
	FILE *to;
	size_t len;
	int nr, i;

	root_path(path, sizeof(path), HUGETLB);
	nr = scandir(path, &list, NULL, alphasort);
	to = open_memstream(&text, &len);
	for (i = 0; i < nr; i++) {
		if (to)
			add_size(to, list[i]->d_name);
		free(list[i]);
	}
	if (nr >= 0)
		free(list);
	if (!to || fclose(to))
		return;
	if (*text)
		doctor_ok(doctor, "hugetlb", "%s", text);
	else if (root_exists(HUGETLB "/hugepages-1048576kB"))
		doctor_find(doctor, "hugetlb", DOCTOR_NOTE,
			    "echo 1 | sudo tee " HUGETLB "/hugepages-1048576kB/nr_hugepages",
			    "there are none, and only 'zcctl alloc --page-size' wants them; of 1 GiB "
			    "they are best had at boot: hugepagesz=1G hugepages=1");
	else
		doctor_note(doctor, "hugetlb",
			    "there are none, and only 'zcctl alloc --page-size' wants them; this "
			    "machine shows none of 1 GiB");
	free(text);
}
