// SPDX-License-Identifier: GPL-2.0-only
/* The tests that are known: what they are called, and what counts in them. */
#include <string.h>

#include "tests.h"

static const struct test tests[] = {
	{ "io", "A file over TCP",
	  "One file, to a receiver on the same machine that throws the bytes away. What sender "
	  "and receiver take together.",
	  { "sendfile" }, NULL, { ":per_gib" }, 1, false },
	{ "flat", "One call for more and more",
	  "The same bytes by ever larger calls: should cost the same for each.",
	  { "sendfile" }, NULL, { ":per_gib" }, 1, false },
	{ "files", "Small files", "One call for each file, by size.",
	  { "sendfile", "rw" }, NULL, { ":per_file" }, 1, false },
	{ "copybreak", "Small sends", "One send and its receipt, by reference and by copy.",
	  { NULL }, NULL, { ":per_file" }, 1, false },
	{ "many", "Many transfers at once",
	  "What all processors do together, the kernel's workers included, by the number of "
	  "transfers under way. zc reads a file that is not cached; sendfile has one that is.",
	  { "sendfile" }, NULL, { ":per_gib" }, 1, true },
	{ "nic", "To another host", "What is copied, and how packets are made.",
	  { NULL }, NULL, { "frags_per_packet", "copied_bytes" }, 2, false },
	{ "tlb", "Misses of the TLB", "By the size of pages, and the way to get them.",
	  { "small", "4k" }, NULL, { ":tlb_misses", "cpu_ns_per_access" }, 2, false },
	{ "serve", "A server with many connections", "What its clients see, and what it takes.",
	  { "sendfile", "copy-pool" }, NULL, { ":per_gib", "p99_ns", "requests_per_s" }, 3,
	  false },
	{ "alloc", "Memory, to get and to give back",
	  "ioctl is an empty system call, as a yardstick.",
	  { "hugetlb", "thp" }, "ioctl", { "cpu_ns" }, 1, false },
	{ "fault", "The first touch of memory", "Each 4 KiB touched once.",
	  { "small" }, NULL, { ":first_touch", "faults" }, 2, false },
	{ "numa", "Memory near and far", "By the node of the processor and that of the memory.",
	  { NULL }, NULL, { "gb_per_s", "access_ns", "requests_per_s" }, 3, false },
	{ "write", "Writers and their buffers",
	  "A write with its buffer; to get the buffer, to fill it and to give it back; the call.",
	  { "malloc" }, NULL, { "cpu_ns", "get_ns", "write_ns" }, 3, false },
	{ "dma", "Memory for a device", "Mapped for a device, and unmapped.",
	  { "pages" }, NULL,
	  { ":map_per_mib", ":unmap_per_mib", "calls", "segments", "entries", "bounced_bytes" },
	  2, false },
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
