// SPDX-License-Identifier: GPL-2.0-only
/* The tests that are known: what they are called, and what counts in them. */
#include <string.h>

#include "tests.h"

static const struct test tests[] = {
	{ "io", "A file over TCP",
	  "One file, to a receiver on the same machine that throws the bytes away. What sender "
	  "and receiver take together.",
	  { "sendfile" }, { ":per_gib" }, .charts = 1 },
	{ "flat", "One call for more and more",
	  "The same bytes by ever larger calls: should cost the same for each.",
	  { "sendfile" }, { ":per_gib" }, .charts = 1 },
	{ "files", "Small files", "One call for each file, by size.",
	  { "sendfile", "rw" }, { ":per_file" }, .charts = 1 },
	{ "copybreak", "Small sends", "One send and its receipt, by reference and by copy.",
	  { NULL }, { ":per_file" }, .charts = 1 },
	{ "many", "Many transfers at once",
	  "What all processors do together, the kernel's workers included, by the number of "
	  "transfers under way. zc reads a file that is not cached; sendfile has one that is.",
	  { "sendfile" }, { ":per_gib" }, .charts = 1, .mixed = true },
	{ "nic", "To another host", "What is copied, and how packets are made.",
	  { NULL }, { "frags_per_packet", "copied_bytes" }, .charts = 2 },
	{ "tlb", "Misses of the TLB", "By the size of pages, and the way to get them.",
	  { "small", "4k" }, { ":tlb_misses", "cpu_ns_per_access" }, .charts = 2 },
	{ "serve", "A server with many connections", "What its clients see, and what it takes.",
	  { "sendfile", "copy-pool" }, { ":per_gib", "p99_ns", "requests_per_s" },
	  .charts = 3 },
	{ "alloc", "Memory, to get and to give back",
	  "All ways give memory that is mapped and touched, but for zc, zc-cache, zc-list "
	  "and zc-kernel: those are a buffer alone, made and destroyed, beside ioctl, an empty "
	  "system call.",
	  { "hugetlb", "thp" }, { "cpu_ns" }, .charts = 1,
	  .aside = { "ioctl", "zc", "zc-cache", "zc-list", "zc-kernel" }, .yardstick = "ioctl" },
	{ "fault", "The first touch of memory",
	  "Each 4 KiB touched once. What zc-reserve gives was cleared beforehand.",
	  { "small" }, { ":first_touch", "first_byte_ns", "faults" }, .charts = 3,
	  .aside = { "zc-reserve" } },
	{ "numa", "Memory near and far", "By the node of the processor and that of the memory.",
	  { NULL }, { "gb_per_s", "access_ns", "requests_per_s" },
	  .charts = 3 },
	{ "write", "Writers and their buffers",
	  "A write with its buffer; to get the buffer, to fill it and to give it back; the call.",
	  { "malloc" }, { "cpu_ns", "get_ns", "write_ns" }, .charts = 3 },
	{ "dma", "Memory for a device", "Mapped for a device, and unmapped.",
	  { "pages" },
	  { ":map_per_mib", ":unmap_per_mib", "calls", "segments", "entries", "bounced_bytes" },
	  .charts = 2 },
};

/* NULL if nobody knows it. */
const struct test *test_named(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(tests) / sizeof(*tests); i++)
		if (!strcmp(tests[i].name, name))
			return &tests[i];
	return NULL;
}

/* Where it stands among them; after all of them what is not known. */
size_t test_order(const char *name)
{
	const struct test *test = test_named(name);

	return test ? (size_t)(test - tests) : sizeof(tests) / sizeof(*tests);
}
