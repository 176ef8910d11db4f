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

#include "../magic.h"

/*
 * The part of QEMU's plugin interface (version 1) that is used here; Debian
 * ships no header for it.
 */
typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { CB_NO_REGS };

typedef void (*translated_fn)(plugin_id id, struct qemu_plugin_tb *tb);
typedef void (*executed_fn)(unsigned int cpu, void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, translated_fn fn);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
					  executed_fn fn, int flags, void *data);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    executed_fn fn, int flags,
					    void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb,
						 size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

enum { BUCKETS = 1 << 16, MAGIC_BYTES = 7 };

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

/* The displacement of a long nop, or 0 if @insn is something else. */
static uint32_t magic_of(const struct qemu_plugin_insn *insn)
{
	static const uint8_t nop[] = { 0x0f, 0x1f, 0x80 };
	const uint8_t *bytes = qemu_plugin_insn_data(insn);
	uint32_t value;

	if (qemu_plugin_insn_size(insn) != MAGIC_BYTES ||
	    memcmp(bytes, nop, sizeof(nop)))
		return 0;
	memcpy(&value, bytes + sizeof(nop), sizeof(value));
	return value;
}

/* Lets @fn be called whenever @insn runs. */
static void watch(struct qemu_plugin_insn *insn, executed_fn fn)
{
	qemu_plugin_register_vcpu_insn_exec_cb(insn, fn, CB_NO_REGS, NULL);
}

static void translated(plugin_id id, struct qemu_plugin_tb *tb)
{
	size_t n = qemu_plugin_tb_n_insns(tb), i;
	struct block *b = find_block(qemu_plugin_tb_vaddr(tb), n);

	(void)id;
	qemu_plugin_register_vcpu_tb_exec_cb(tb, block_runs, CB_NO_REGS, b);
	for (i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		switch (magic_of(insn)) {
		case MAGIC_BEGIN:
			watch(insn, section_begins);
			break;
		case MAGIC_END:
			watch(insn, section_ends);
			break;
		}
	}
}

__attribute__((visibility("default")))
int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv);

int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
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
