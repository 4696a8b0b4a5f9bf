// SPDX-License-Identifier: GPL-2.0-only
/*
 * A plugin of QEMU that has the guest's loads and stores go through a model of a TLB, from
 * one mark of `zcctl bench tlb` to the next, and says what it would have missed:
 *
 *   -plugin tlb.so,model=skylake,out=FILE[,direct=ADDRESS]
 *
 * What the model does not have it looks up where a processor does, in the guest's page tables,
 * which are read through the guest's direct map of physical memory: with "nokaslr", four
 * levels and no page table isolation. Of one processor.
 *
 * The model is not told of invlpg and of writes to cr3. Entries have the value of cr3 as their
 * address space, as with PCIDs, and a mark forgets all; between the marks of a row nothing of
 * what it walks is mapped anew.
 */
#include <assert.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <qemu-plugin.h>

#include "model.h"

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

#define PTE_PRESENT	(1ull << 0)
#define PTE_LARGE	(1ull << 7)
#define PTE_GLOBAL	(1ull << 8)
#define PTE_ADDR	0x000ffffffffff000ull
#define KERNEL		(1ull << 63)

enum who { USER, WHO_KERNEL, WHO };

enum what { LOADS, STORES, WHAT };

struct count {
	uint64_t accesses;
	uint64_t l1_misses;
	uint64_t l2_misses;
};

/**
 * struct mark - what was counted from one begin to its end
 * @session: marks that made the model forget, before
 * @number:  of the row
 * @count:   by who did it, and by the size of the page
 * @unknown: accesses to pages that were not in the page tables: none, if all is well
 */
struct mark {
	uint64_t session;
	uint64_t number;
	struct count count[WHO][WHAT][TLB_PAGES];
	uint64_t unknown;
};

static struct {
	const struct tlb_geometry *geometry;
	struct tlb *tlb;
	char *out;
	uint64_t direct;
	struct qemu_plugin_register *cr3, *rax;
	/* GLib's names are not the kernel's style */
	typeof(g_byte_array_new()) bytes;
	typeof(g_array_new(FALSE, FALSE, 0)) marks;
	uint64_t session;
	struct mark *now;	/* NULL outside of marks */
} state = { .direct = 0xffff888000000000ull };

static void give_up(const char *why)
{
	fprintf(stderr, "tlb plugin: %s\n", why);
	exit(1);
}

static uint64_t read_register(struct qemu_plugin_register *reg)
{
	uint64_t value = 0;

	g_byte_array_set_size(state.bytes, 0);
	if (!reg || qemu_plugin_read_register(reg, state.bytes) < (int)sizeof(value))
		give_up("cannot read the guest's registers");
	memcpy(&value, state.bytes->data, sizeof(value));
	return value;
}

static bool read_entry(uint64_t table, unsigned int index, uint64_t *entry)
{
	if (!qemu_plugin_read_memory_vaddr(state.direct + (table & PTE_ADDR) + index * 8,
					   state.bytes, sizeof(*entry)))
		return false;
	memcpy(entry, state.bytes->data, sizeof(*entry));
	return *entry & PTE_PRESENT;
}

/* As the processor would: from the root to the entry that says where the page is. */
static bool walk(uint64_t cr3, uint64_t addr, enum tlb_page *page, bool *global)
{
	uint64_t entry = cr3;
	int level;

	for (level = 3; level >= 0; level--) {
		if (!read_entry(entry, addr >> (12 + 9 * level) & 511, &entry))
			return false;
		if (!level || (level < 3 && entry & PTE_LARGE))
			break;
	}
	*page = level;
	*global = entry & PTE_GLOBAL;
	return true;
}

/* The number of a level of page tables is that of the size of its pages. */
static_assert(TLB_4K == 0 && TLB_2M == 1 && TLB_1G == 2, "page sizes are levels");

/* By its first byte; what goes over the end of a page is seen on the first one alone. */
static void on_access(unsigned int cpu, qemu_plugin_meminfo_t info, uint64_t addr, void *who)
{
	enum tlb_found found;
	struct count *count;
	enum tlb_page page;
	bool global;
	uint64_t cr3;

	(void)cpu;
	if (!state.now)
		return;
	cr3 = read_register(state.cr3);
	found = tlb_find(state.tlb, cr3, addr, &page);
	if (found == TLB_MISS) {
		if (!walk(cr3, addr, &page, &global)) {
			state.now->unknown++;
			return;
		}
		tlb_insert(state.tlb, cr3, addr, page, global);
	}
	count = &state.now->count[(uintptr_t)who]
				 [qemu_plugin_mem_is_store(info) ? STORES : LOADS][page];
	count->accesses++;
	count->l1_misses += found != TLB_L1;
	count->l2_misses += found == TLB_MISS;
}

static void on_mark(unsigned int cpu, void *kind)
{
	struct mark mark = { .session = state.session };

	(void)cpu;
	switch ((uintptr_t)kind) {
	case 0:
		tlb_flush(state.tlb);
		state.session++;
		break;
	case 1:
		mark.number = read_register(state.rax);
		g_array_append_val(state.marks, mark);
		state.now = &g_array_index(state.marks, struct mark, state.marks->len - 1);
		break;
	case 2:
		state.now = NULL;
	}
}

/* See tlb_mark_begin() of zcctl. */
static bool is_mark(struct qemu_plugin_insn *insn, uintptr_t *kind)
{
	static const unsigned char nop[] = { 0x0f, 0x1f, 0x84, 0x00 };
	static const unsigned char magic[] = { 0x54, 0x63, 0x7a };
	unsigned char data[8];

	if (qemu_plugin_insn_size(insn) != sizeof(data) ||
	    qemu_plugin_insn_data(insn, data, sizeof(data)) != sizeof(data))
		return false;
	*kind = data[4];
	return !memcmp(data, nop, sizeof(nop)) && !memcmp(data + 5, magic, sizeof(magic));
}

/* What was translated before the first mark runs between marks, too: all has the call. */
static void on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	uintptr_t who = qemu_plugin_tb_vaddr(tb) & KERNEL ? WHO_KERNEL : USER, kind;
	size_t i;

	(void)id;
	for (i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		if (is_mark(insn, &kind))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mark,
							       QEMU_PLUGIN_CB_R_REGS,
							       (void *)kind);
		else
			qemu_plugin_register_vcpu_mem_cb(insn, on_access,
							 QEMU_PLUGIN_CB_R_REGS,
							 QEMU_PLUGIN_MEM_RW, (void *)who);
	}
}

static void on_processor(qemu_plugin_id_t id, unsigned int cpu)
{
	typeof(state.marks) regs = qemu_plugin_get_registers();
	unsigned int i;

	(void)id;
	(void)cpu;
	for (i = 0; i < regs->len; i++) {
		qemu_plugin_reg_descriptor *reg =
			&g_array_index(regs, qemu_plugin_reg_descriptor, i);

		if (!strcmp(reg->name, "cr3"))
			state.cr3 = reg->handle;
		else if (!strcmp(reg->name, "rax"))
			state.rax = reg->handle;
	}
	g_array_free(regs, TRUE);
}

static void print_counts(FILE *f, const struct mark *mark)
{
	static const char *const names[WHO][WHAT] = {
		{ "user_loads", "user_stores" }, { "kernel_loads", "kernel_stores" },
	};
	unsigned int who, what, page;

	for (who = 0; who < WHO; who++)
		for (what = 0; what < WHAT; what++) {
			fprintf(f, ", \"%s\": {", names[who][what]);
			for (page = 0; page < TLB_PAGES; page++) {
				const struct count *c = &mark->count[who][what][page];

				fprintf(f, "%s\"%s\": {\"accesses\": %llu, ", page ? ", " : "",
					tlb_page_name(page), (unsigned long long)c->accesses);
				fprintf(f, "\"l1_misses\": %llu, \"l2_misses\": %llu}",
					(unsigned long long)c->l1_misses,
					(unsigned long long)c->l2_misses);
			}
			fputc('}', f);
		}
}

static void on_exit_of_guest(qemu_plugin_id_t id, void *data)
{
	FILE *f = fopen(state.out, "w");
	unsigned int i;

	(void)id;
	(void)data;
	if (!f)
		give_up("cannot write its report");
	fprintf(f, "{\"model\": \"%s\", \"marks\": [", state.geometry->name);
	for (i = 0; i < state.marks->len; i++) {
		const struct mark *mark = &g_array_index(state.marks, struct mark, i);

		fprintf(f, "%s\n{\"session\": %llu, \"mark\": %llu, \"unknown\": %llu",
			i ? "," : "", (unsigned long long)mark->session,
			(unsigned long long)mark->number, (unsigned long long)mark->unknown);
		print_counts(f, mark);
		fputc('}', f);
	}
	fputs("]}\n", f);
	if (fclose(f))
		give_up("cannot write its report");
}

static int option(const char *arg)
{
	if (g_str_has_prefix(arg, "model="))
		state.geometry = tlb_geometry(arg + 6);
	else if (g_str_has_prefix(arg, "out="))
		state.out = g_strdup(arg + 4);
	else if (g_str_has_prefix(arg, "direct="))
		state.direct = g_ascii_strtoull(arg + 7, NULL, 0);
	else
		return -1;
	return 0;
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info,
					   int argc, char **argv)
{
	int i;

	for (i = 0; i < argc; i++)
		if (option(argv[i])) {
			fprintf(stderr, "tlb plugin: no option '%s'\n", argv[i]);
			return -1;
		}
	if (!state.geometry || !state.out) {
		fputs("tlb plugin: needs model=, skylake, zen3 or zen4, and out=FILE\n", stderr);
		return -1;
	}
	if (!info->system_emulation || strcmp(info->target_name, "x86_64") ||
	    info->system.max_vcpus != 1) {
		fputs("tlb plugin: for a machine of one processor, x86_64\n", stderr);
		return -1;
	}
	state.tlb = tlb_new(state.geometry);
	state.bytes = g_byte_array_new();
	state.marks = g_array_new(FALSE, TRUE, sizeof(struct mark));
	if (!state.tlb)
		return -1;
	qemu_plugin_register_vcpu_init_cb(id, on_processor);
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
	qemu_plugin_register_atexit_cb(id, on_exit_of_guest, NULL);
	return 0;
}
