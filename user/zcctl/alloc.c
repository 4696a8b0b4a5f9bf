// SPDX-License-Identifier: GPL-2.0-only
/* zcctl alloc: make and map a buffer, and show what the kernel made of it. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "zcctl.h"

static const char alloc_help[] =
"usage: zcctl alloc SIZE [OPTION…]\n"
"\n"
"Make a buffer of SIZE bytes (K, M, G, T: binary units; rounded up to 2 MiB), map\n"
"it, touch it, and show what the kernel made of it: the page size that it granted, and\n"
"the one seen in /proc/self/smaps. The buffer goes when the command ends.\n"
"\n"
"  --node N      memory of this NUMA node, if it has some\n"
"  --strict      memory of that node or none\n"
"  --small-ok    small pages where no hugepage is free\n"
"  --slice       up to 1 MiB: a part of a hugepage, rounded up to 4 KiB\n"
"  --page-size N pages of 1G, or another size, from the kernel's hugetlb pool; SIZE is\n"
"                rounded up to that, and no other option but --hold goes with it\n"
"  --hold SECS   keep the buffer so long before the command ends\n"
"\n"
"examples:\n"
"  zcctl alloc 1G\n"
"  zcctl alloc 64M --node 1 --strict\n"
"  zcctl alloc 2G --page-size 1G\n";

/**
 * struct seen - a mapping as the kernel shows it
 * @rss:  bytes present
 * @pmd:  bytes mapped by 2 MiB entries
 * @page: page size of the mapping, bytes: that of its hugetlb pages, or 4096
 * @node: NUMA node of the first page, or negative
 * @faults: page faults of touching it
 */
struct seen {
	uint64_t rss;
	uint64_t pmd;
	uint64_t page;
	int node;
	uint64_t faults;
};

static void read_smaps(const void *addr, struct seen *seen)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	unsigned long start, end, kib;
	bool inside = false;
	char line[512];

	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			inside = (unsigned long)addr >= start &&
				 (unsigned long)addr < end;
		else if (inside && sscanf(line, "Rss: %lu kB", &kib) == 1)
			seen->rss += kib * 1024;
		else if (inside && sscanf(line, "Shared_Hugetlb: %lu kB", &kib) == 1)
			seen->rss += kib * 1024;
		else if (inside && sscanf(line, "Private_Hugetlb: %lu kB", &kib) == 1)
			seen->rss += kib * 1024;
		else if (inside && sscanf(line, "KernelPageSize: %lu kB", &kib) == 1)
			seen->page = kib * 1024;
		else if (inside && sscanf(line, "FilePmdMapped: %lu kB", &kib) == 1)
			seen->pmd = kib * 1024;
	}
	fclose(f);
}

static uint64_t faults(void)
{
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	return ru.ru_minflt;
}

static void touch(char *data, uint64_t size, struct seen *seen)
{
	uint64_t before = faults(), i;
	void *page = data;

	for (i = 0; i < size; i += 4096)
		data[i] = 1;
	seen->faults = faults() - before;
	if (syscall(SYS_move_pages, 0, 1ul, &page, NULL, &seen->node, 0) < 0)
		seen->node = -1;
	read_smaps(data, seen);
}

static void show_json(const struct zc_buf_query *q, const void *data,
		      const struct seen *seen)
{
	struct json_object *obj = out_new("alloc");

	out_add_u64(obj, "address", (uintptr_t)data);
	out_add_u64(obj, "size", q->size);
	out_add_u64(obj, "page_size", q->page_size);
	out_add_u64(obj, "huge_bytes", q->huge_bytes);
	json_object_object_add(obj, "node", json_object_new_int(q->node));
	out_add_u64(obj, "rss_bytes", seen->rss);
	out_add_u64(obj, "pmd_mapped_bytes", seen->pmd);
	out_add_u64(obj, "page_size_seen", seen->page);
	json_object_object_add(obj, "node_seen",
			       seen->node < 0 ? NULL : json_object_new_int(seen->node));
	out_add_u64(obj, "faults", seen->faults);
	out_object(obj);
}

static void show_text(const struct zc_buf_query *q, const void *data,
		      const struct seen *seen)
{
	char a[32], b[32];

	printf("address    %p\n", data);
	printf("size       %s\n", out_bytes(q->size, a, sizeof(a)));
	printf("granted    pages of %s", out_bytes(q->page_size, a, sizeof(a)));
	if (q->size < ZC_HUGE_SIZE)
		printf(", in one piece of a hugepage");
	else if (q->huge_bytes != q->size)
		printf(" and larger, %s on hugepages",
		       out_bytes(q->huge_bytes, a, sizeof(a)));
	putchar('\n');
	if (q->flags & ZC_BUF_IMPORTED)
		printf("in smaps   %s of pages of %s\n", out_bytes(seen->rss, a, sizeof(a)),
		       out_bytes(seen->page, b, sizeof(b)));
	else
		printf("in smaps   %s mapped by 2 MiB entries, of %s present\n",
		       out_bytes(seen->pmd, a, sizeof(a)),
		       out_bytes(seen->rss, b, sizeof(b)));
	printf("node       %d granted", q->node);
	if (seen->node >= 0)
		printf(", %d seen", seen->node);
	printf("\nfaults     %llu to touch it\n", (unsigned long long)seen->faults);
}

static void node_hint(int node, char *hint, size_t size)
{
	char path[64], list[64];

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d", node);
	file_line("/sys/devices/system/node/has_memory", list, sizeof(list));
	snprintf(hint, size, "NUMA node %d %s; nodes with memory: %s", node,
		 access(path, F_OK) ? "is not online" : "has no memory", list);
}

static void limit_hint(const struct zc_query *q, char *hint, size_t len)
{
	uint64_t taken = q->used_bytes + q->held_bytes;
	char a[32], b[32], c[32];

	snprintf(hint, len, "all buffers and transfers may have %s (max_bytes), and have %s:\n"
		 "  %s are left. To raise the limit, write bytes to\n"
		 "  /sys/module/zc/parameters/max_bytes",
		 out_bytes(q->max_bytes, a, sizeof(a)), out_bytes(taken, b, sizeof(b)),
		 out_bytes(taken < q->max_bytes ? q->max_bytes - taken : 0, c, sizeof(c)));
}

static void memlock_hint(char *hint, size_t len)
{
	struct rlimit limit;
	char a[32];

	getrlimit(RLIMIT_MEMLOCK, &limit);
	snprintf(hint, len, "a user without CAP_IPC_LOCK may lock %s, with all that he has:\n"
		 "  ulimit -l says how much in KiB, /etc/security/limits.conf (memlock)\n"
		 "  or LimitMEMLOCK= of a service give more",
		 out_bytes(limit.rlim_cur, a, sizeof(a)));
}

static void hugetlb_hint(int err, uint64_t page, char *hint, size_t len)
{
	char pool[64], path[80], nr[24], idle[24], a[32];

	snprintf(pool, sizeof(pool), "/sys/kernel/mm/hugepages/hugepages-%llukB",
		 (unsigned long long)page / 1024);
	if (access(pool, F_OK)) {
		snprintf(hint, len, "hugetlb has no pages of %s here;\n"
			 "  ls /sys/kernel/mm/hugepages says which it has",
			 out_bytes(page, a, sizeof(a)));
	} else if (err == ENOMEM) {
		snprintf(path, sizeof(path), "%s/free_hugepages", pool);
		file_line(path, idle, sizeof(idle));
		snprintf(path, sizeof(path), "%s/nr_hugepages", pool);
		file_line(path, nr, sizeof(nr));
		snprintf(hint, len, "of %s pages of %s %s are free; for more:\n"
			 "  echo N > %s\n"
			 "  or at boot: hugepagesz=%lluM hugepages=N", nr,
			 out_bytes(page, a, sizeof(a)), idle, path,
			 (unsigned long long)page >> 20);
	}
}

/* Returns an exit code. */
static int failed(int err, const struct alloc_wanted *want, const struct zc_query *q)
{
	char text[320] = "", a[32];
	const char *hint = text;

	switch (err) {
	case EINVAL:
		if (want->size > q->max_buffer_size)
			snprintf(text, sizeof(text), "a buffer may have %s at most",
				 out_bytes(q->max_buffer_size, a, sizeof(a)));
		else if (want->page)
			hugetlb_hint(err, want->page, text, sizeof(text));
		else if (want->node != ZC_NODE_ANY)
			node_hint(want->node, text, sizeof(text));
		break;
	case ENOSPC:
		limit_hint(q, text, sizeof(text));
		break;
	case EPERM:
		memlock_hint(text, sizeof(text));
		break;
	case EDQUOT:
		hint = "the memory cgroup may have no more (memory.max)";
		break;
	case ENOMEM:
		if (want->page)
			hugetlb_hint(err, want->page, text, sizeof(text));
		else
			hint = want->flags & ZC_BUF_SMALL_OK ? "memory is short" :
			       "hugepages are short\n"
			       "  free some: echo 1 > /proc/sys/vm/compact_memory\n"
			       "  or take small pages: --small-ok";
	}
	return out_error(EX_FAILED, err, *hint ? hint : NULL, "cannot make a buffer of %s",
			 out_bytes(want->size, a, sizeof(a)));
}

/* Make a buffer, or say why there is none. Returns an exit code. */
int alloc_buffer(struct zc_context *ctx, const struct alloc_wanted *want,
		 struct zc_buffer **buf)
{
	struct zc_query limits;
	int ret, err;

	if (want->page)
		ret = zc_buffer_new_hugetlb(ctx, want->size, want->page, buf);
	else
		ret = zc_buffer_new(ctx, want->size, want->flags, want->node, buf);
	if (!ret)
		return EX_OK;
	err = zc_query(ctx, &limits);
	if (err)
		return out_error(EX_FAILED, -err, NULL, "cannot query the module");
	return failed(-ret, want, &limits);
}

static int alloc(const struct alloc_wanted *want)
{
	struct seen seen = { .node = -1 };
	struct zc_buf_query query;
	struct zc_context *ctx;
	struct zc_buffer *buf;
	int ret;

	ret = device_open(&ctx);
	if (ret)
		return ret;
	ret = alloc_buffer(ctx, want, &buf);
	zc_close(ctx);
	if (ret)
		return ret;
	touch(zc_buffer_data(buf), zc_buffer_size(buf), &seen);
	ret = zc_buffer_query(buf, &query);
	if (ret)
		ret = out_error(EX_FAILED, -ret, NULL, "cannot query the buffer");
	else if (out_json)
		show_json(&query, zc_buffer_data(buf), &seen);
	else
		show_text(&query, zc_buffer_data(buf), &seen);
	fflush(stdout);
	sleep(want->hold);
	zc_buffer_free(buf);
	return ret;
}

int cmd_alloc(int argc, char **argv)
{
	static const struct option options[] = {
		{ "node", required_argument, NULL, 'n' },
		{ "strict", no_argument, NULL, 's' },
		{ "small-ok", no_argument, NULL, 'o' },
		{ "slice", no_argument, NULL, 'l' },
		{ "page-size", required_argument, NULL, 'p' },
		{ "hold", required_argument, NULL, 'H' },
		{ "help", no_argument, NULL, 'h' },
		{ },
	};
	struct alloc_wanted want = { .node = ZC_NODE_ANY };
	int c;

	while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		switch (c) {
		case 'n':
			if (!parse_int(optarg, 0, 1023, &want.node))
				return out_usage("alloc: '%s' is no NUMA node", optarg);
			break;
		case 's':
			want.flags |= ZC_BUF_NODE_STRICT;
			break;
		case 'o':
			want.flags |= ZC_BUF_SMALL_OK;
			break;
		case 'l':
			want.flags |= ZC_BUF_SLICE;
			break;
		case 'p':
			if (!parse_size(optarg, &want.page) || !want.page)
				return out_usage("alloc: '%s' is no page size", optarg);
			break;
		case 'H':
			if (!parse_int(optarg, 0, 86400, &want.hold))
				return out_usage("alloc: '%s' is no time", optarg);
			break;
		case 'h':
			fputs(alloc_help, stdout);
			return EX_OK;
		case ':':
			return out_no_value("alloc", argv);
		default:
			return out_bad_option("alloc", argv);
		}
	}
	if (argc != optind + 1)
		return out_usage("alloc: one size, please, as in 64M");
	if (!parse_size(argv[optind], &want.size) || !want.size)
		return out_usage("alloc: '%s' is no size, as 64M is", argv[optind]);
	if ((want.flags & ZC_BUF_NODE_STRICT) && want.node == ZC_NODE_ANY)
		return out_usage("alloc: --strict wants --node");
	if (want.page && (want.flags || want.node != ZC_NODE_ANY))
		return out_usage("alloc: --page-size goes with --hold alone");
	return alloc(&want);
}
