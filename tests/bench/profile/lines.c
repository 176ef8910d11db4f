// SPDX-License-Identifier: GPL-2.0-only
/*
 * A plugin for QEMU's TCG: counts the distinct lines of 64 bytes of kernel memory that are read
 * or written between the two magic instructions of ../magic.h, and those of them that hold struct
 * pages. At the end of each such section it prints "@lines ALL STRUCT-PAGES" to the error stream,
 * which is in order with the marks of the guest (--trace of tests/vm/run).
 *
 * A guest is much slower when each access of kernel code is a call, so it is not before the first
 * section begins: then all that is translated is thrown away, and translated anew with calls. The
 * few blocks that run before that happens are not counted. It stays like that: QEMU 7.2 would use
 * what it has freed if the calls went away again.
 *
 * Lines are told apart by virtual address. One guest CPU, x86-64, booted with nokaslr: struct pages
 * are where Documentation/arch/x86/x86_64/mm.rst says.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin.h"

PLUGIN_EXPORT int qemu_plugin_version = PLUGIN_VERSION;

enum { LINE_SHIFT = 6, FIRST_SLOTS = 1 << 16 };

/* An open hash of line numbers, at most half full. 0 is no kernel memory, and an empty slot. */
static uint64_t *slots;
static size_t nslots;
static size_t lines;
static size_t struct_pages;
static uint64_t latest;
static bool active;

static bool is_kernel(uint64_t address)
{
	return address >> 63;
}

/* With four levels of page tables, or with five. */
static bool is_vmemmap(uint64_t address)
{
	return address >> 40 == 0xffffea || address >> 49 == 0xffd4ULL >> 1;
}

static uint64_t *find_slot(uint64_t line)
{
	size_t at = (line * 0x9e3779b97f4a7c15ULL) >> 20;

	for (at &= nslots - 1; slots[at] && slots[at] != line; at = (at + 1) & (nslots - 1))
		;
	return &slots[at];
}

static void allocate_slots(size_t n)
{
	slots = calloc(n, sizeof(*slots));
	if (!slots)
		abort();
	nslots = n;
}

static void grow_slots(void)
{
	uint64_t *old = slots;
	size_t n = nslots, i;

	allocate_slots(2 * n);
	for (i = 0; i < n; i++) {
		if (old[i])
			*find_slot(old[i]) = old[i];
	}
	free(old);
}

static void see_line(uint64_t line)
{
	uint64_t *slot;

	if (line == latest)
		return;
	latest = line;
	slot = find_slot(line);
	if (*slot)
		return;
	*slot = line;
	struct_pages += is_vmemmap(line << LINE_SHIFT);
	if (++lines > nslots / 2)
		grow_slots();
}

static void accessed(unsigned int cpu, plugin_meminfo info, uint64_t address, void *data)
{
	uint64_t size = 1ULL << qemu_plugin_mem_size_shift(info);

	(void)cpu;
	(void)data;
	if (!active || !is_kernel(address))
		return;
	see_line(address >> LINE_SHIFT);
	see_line((address + size - 1) >> LINE_SHIFT);
}

static void translate_counting(plugin_id id);

static plugin_id own_id;

static void section_begins(unsigned int cpu, void *data)
{
	static bool counting;

	(void)cpu;
	(void)data;
	memset(slots, 0, nslots * sizeof(*slots));
	lines = 0;
	struct_pages = 0;
	latest = 0;
	active = true;
	if (!counting)
		qemu_plugin_reset(own_id, translate_counting);
	counting = true;
}

static void section_ends(unsigned int cpu, void *data)
{
	(void)cpu;
	(void)data;
	active = false;
	fprintf(stderr, "@lines %zu %zu\n", lines, struct_pages);
}

static void translated_plain(plugin_id id, struct qemu_plugin_tb *tb)
{
	(void)id;
	watch_magic(tb, section_begins, section_ends);
}

static void translated_counting(plugin_id id, struct qemu_plugin_tb *tb)
{
	size_t n = qemu_plugin_tb_n_insns(tb), i;

	translated_plain(id, tb);
	if (!is_kernel(qemu_plugin_tb_vaddr(tb)))
		return;
	for (i = 0; i < n; i++)
		qemu_plugin_register_vcpu_mem_cb(qemu_plugin_tb_get_insn(tb, i), accessed,
						 CB_NO_REGS, MEM_READ_AND_WRITE, NULL);
}

static void translate_counting(plugin_id id)
{
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated_counting);
}

PLUGIN_EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
	(void)info;
	(void)argc;
	(void)argv;
	own_id = id;
	allocate_slots(FIRST_SLOTS);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated_plain);
	return 0;
}
