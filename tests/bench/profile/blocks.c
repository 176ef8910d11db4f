// SPDX-License-Identifier: GPL-2.0-only
/*
 * A plugin for QEMU's TCG: counts, exactly, how often each translated block of
 * guest code runs between the two magic instructions of ../magic.h. Each such
 * section is written to the file of the argument out=FILE: "section", then
 * "block ADDRESS INSTRUCTIONS RUNS" for each block that ran. profile.awk turns
 * addresses into functions. One guest CPU.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin.h"

PLUGIN_EXPORT int qemu_plugin_version = PLUGIN_VERSION;

enum { BUCKETS = 1 << 16 };

struct block {
	struct block *next;
	uint64_t address;
	uint64_t instructions;
	uint64_t runs;
};

static struct block *buckets[BUCKETS];
static FILE *out;
static int active;

static struct block *find_block(uint64_t address, uint64_t instructions)
{
	struct block **bucket = &buckets[(address ^ address >> 16) % BUCKETS];
	struct block *b;

	for (b = *bucket; b; b = b->next) {
		if (b->address == address && b->instructions == instructions)
			return b;
	}
	b = calloc(1, sizeof(*b));
	if (!b)
		abort();
	b->address = address;
	b->instructions = instructions;
	b->next = *bucket;
	*bucket = b;
	return b;
}

static void block_runs(unsigned int cpu, void *data)
{
	struct block *b = data;

	(void)cpu;
	b->runs += active;
}

static void section_begins(unsigned int cpu, void *data)
{
	struct block *b;
	int i;

	(void)cpu;
	(void)data;
	for (i = 0; i < BUCKETS; i++) {
		for (b = buckets[i]; b; b = b->next)
			b->runs = 0;
	}
	active = 1;
}

static void section_ends(unsigned int cpu, void *data)
{
	struct block *b;
	int i;

	(void)cpu;
	(void)data;
	active = 0;
	fprintf(out, "section\n");
	for (i = 0; i < BUCKETS; i++) {
		for (b = buckets[i]; b; b = b->next) {
			if (b->runs)
				fprintf(out, "block %016llx %llu %llu\n",
					(unsigned long long)b->address,
					(unsigned long long)b->instructions,
					(unsigned long long)b->runs);
		}
	}
	fflush(out);
}

static void translated(plugin_id id, struct qemu_plugin_tb *tb)
{
	struct block *b = find_block(qemu_plugin_tb_vaddr(tb), qemu_plugin_tb_n_insns(tb));

	(void)id;
	qemu_plugin_register_vcpu_tb_exec_cb(tb, block_runs, CB_NO_REGS, b);
	watch_magic(tb, section_begins, section_ends);
}

PLUGIN_EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
	(void)info;
	if (argc < 1 || strncmp(argv[0], "out=", 4))
		return -1;
	out = fopen(argv[0] + 4, "w");
	if (!out)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
