// SPDX-License-Identifier: GPL-2.0-only
/* NUMA nodes, by system calls alone: whose processors, whose memory. */
#include <errno.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"
#include "policy.h"

#define NODES	"/sys/devices/system/node/"

/* Pages that are asked for at once */
#define PAGES	256

/* The next of "0-2,5"; -1 at the end. @from: what may come, and then what has been */
static int list_next(const char **list, int *from)
{
	char *end;
	long first, last;

	while (**list) {
		first = strtol(*list, &end, 10);
		if (end == *list)
			return -1;
		last = *end == '-' ? strtol(end + 1, &end, 10) : first;
		if (*from < first)
			*from = first;
		if (*from <= last)
			return (*from)++;
		*list = end + (*end == ',');
	}
	return -1;
}

/**
 * policy_nodes - the nodes that have memory
 * @nodes: out: POLICY_NODES_MAX at most
 *
 * Returns: how many; a kernel that knows none has 0 alone.
 */
unsigned int policy_nodes(int *nodes)
{
	const char *list;
	char line[256];
	unsigned int nr = 0;
	int from = 0, node;

	file_line(NODES "has_memory", line, sizeof(line));
	list = line;
	while (nr < POLICY_NODES_MAX) {
		node = list_next(&list, &from);
		if (node < 0 || node >= POLICY_NODES_MAX)
			break;
		nodes[nr++] = node;
	}
	if (!nr)
		nodes[nr++] = 0;
	return nr;
}

/**
 * policy_node_cpus - the processors of a node that this process may use
 * @node: NUMA node
 * @cpus: out: them
 *
 * Returns: false if there are none.
 */
bool policy_node_cpus(int node, cpu_set_t *cpus)
{
	char path[80], line[1024];
	cpu_set_t allowed;
	const char *list;
	int from = 0, cpu;

	CPU_ZERO(cpus);
	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		return false;
	snprintf(path, sizeof(path), NODES "node%d/cpulist", node);
	if (access(path, F_OK)) {
		*cpus = allowed;
		return !node;
	}
	file_line(path, line, sizeof(line));
	list = line;
	while ((cpu = list_next(&list, &from)) >= 0 && cpu < CPU_SETSIZE)
		if (CPU_ISSET(cpu, &allowed))
			CPU_SET(cpu, cpus);
	return CPU_COUNT(cpus);
}

/**
 * policy_distance - how far is memory, as the firmware says?
 * @from: node of the processor
 * @to:   node of the memory
 *
 * Returns: 10 is local; -1: nobody says.
 */
int policy_distance(int from, int to)
{
	char path[80], line[512], *p = line, *end;
	int node, distance = -1;

	snprintf(path, sizeof(path), NODES "node%d/distance", from);
	file_line(path, line, sizeof(line));
	/* One for each node that is online, in their order: with gaps it is not known. */
	for (node = 0; node <= to; node++, p = end) {
		distance = strtol(p, &end, 10);
		if (end == p)
			return -1;
	}
	return distance;
}

static unsigned long mask_of(int node)
{
	return 1ul << node;
}

/* Have what is not there yet of a mapping on a node, or not at all. */
int policy_bind_memory(void *addr, uint64_t len, int node)
{
	unsigned long mask = mask_of(node);

	return syscall(SYS_mbind, addr, len, MPOL_BIND, &mask, 8 * sizeof(mask) + 1, 0) ?
	       -errno : 0;
}

/* The same for all that this process gets; @node negative: from wherever. */
int policy_bind_process(int node)
{
	unsigned long mask = node < 0 ? 0 : mask_of(node);

	return syscall(SYS_set_mempolicy, node < 0 ? MPOL_DEFAULT : MPOL_BIND,
		       node < 0 ? NULL : &mask, 8 * sizeof(mask) + 1) ? -errno : 0;
}

/* The node of what is there, or a negative errno. */
int policy_node_of(void *addr)
{
	int node;

	if (syscall(SYS_get_mempolicy, &node, NULL, 0, addr, MPOL_F_NODE | MPOL_F_ADDR))
		return -errno;
	return node;
}

/**
 * policy_bytes - on which nodes does memory lie?
 * @addr:  of it, all of which was touched
 * @len:   bytes, a multiple of 4096
 * @bytes: out: on each node, POLICY_NODES_MAX of them
 *
 * Returns: 0 or a negative errno.
 */
int policy_bytes(void *addr, uint64_t len, uint64_t *bytes)
{
	uint64_t pages = len / 4096, done, nr, i;
	void *page[PAGES];
	int node[PAGES];

	memset(bytes, 0, POLICY_NODES_MAX * sizeof(*bytes));
	for (done = 0; done < pages; done += nr) {
		nr = pages - done < PAGES ? pages - done : PAGES;
		for (i = 0; i < nr; i++)
			page[i] = (char *)addr + (done + i) * 4096;
		/* Without nodes to move to it says where they are. */
		if (syscall(SYS_move_pages, 0, nr, page, NULL, node, 0) < 0)
			return -errno;
		for (i = 0; i < nr; i++)
			if (node[i] >= 0 && node[i] < POLICY_NODES_MAX)
				bytes[node[i]] += 4096;
	}
	return 0;
}
