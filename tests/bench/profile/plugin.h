/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The part of QEMU's plugin interface that the plugins here use, of QEMU 7.2 (Debian 12) and 10
 * (Debian 13), which ship no header for it. And how they recognise the magic instructions of
 * ../magic.h.
 */
#ifndef VIB_BENCH_PLUGIN_H
#define VIB_BENCH_PLUGIN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "../magic.h"

typedef uint64_t plugin_id;
typedef uint32_t plugin_meminfo;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { CB_NO_REGS };
enum { MEM_READ_AND_WRITE = 3 };

/* The version that both this header and that QEMU know. 10 takes 2 for the oldest. */
#define PLUGIN_VERSION (QEMU_MAJOR < 9 ? 1 : 2)
#define PLUGIN_EXPORT __attribute__((visibility("default")))

typedef void (*simple_fn)(plugin_id id);
typedef void (*translated_fn)(plugin_id id, struct qemu_plugin_tb *tb);
typedef void (*executed_fn)(unsigned int cpu, void *data);
typedef void (*accessed_fn)(unsigned int cpu, plugin_meminfo info, uint64_t address, void *data);

void qemu_plugin_reset(plugin_id id, simple_fn fn);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, translated_fn fn);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, executed_fn fn, int flags,
					  void *data);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, executed_fn fn,
					    int flags, void *data);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn, accessed_fn fn, int flags,
				      int what, void *data);
unsigned int qemu_plugin_mem_size_shift(plugin_meminfo info);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
#if QEMU_MAJOR < 9
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
#else /* 9.1 and later copy, and return how much */
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *to, size_t room);
#endif
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);

/* What a plugin has to have. */
extern int qemu_plugin_version;
int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv);

/* Copies the @size bytes of an instruction. */
static inline void copy_insn(const struct qemu_plugin_insn *insn, uint8_t *to, size_t size)
{
#if QEMU_MAJOR < 9
	memcpy(to, qemu_plugin_insn_data(insn), size);
#else
	qemu_plugin_insn_data(insn, to, size);
#endif
}

/* The displacement of a long nop, or 0 if @insn is something else. */
static inline uint32_t magic_of(const struct qemu_plugin_insn *insn)
{
	static const uint8_t nop[] = { 0x0f, 0x1f, 0x80 };
	uint8_t bytes[sizeof(nop) + sizeof(uint32_t)];
	uint32_t value;

	if (qemu_plugin_insn_size(insn) != sizeof(bytes))
		return 0;
	copy_insn(insn, bytes, sizeof(bytes));
	if (memcmp(bytes, nop, sizeof(nop)))
		return 0;
	memcpy(&value, bytes + sizeof(nop), sizeof(value));
	return value;
}

/* Lets @begins and @ends be called whenever a magic instruction of @tb runs. */
static inline void watch_magic(const struct qemu_plugin_tb *tb, executed_fn begins,
			       executed_fn ends)
{
	size_t n = qemu_plugin_tb_n_insns(tb), i;

	for (i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		switch (magic_of(insn)) {
		case MAGIC_BEGIN:
			qemu_plugin_register_vcpu_insn_exec_cb(insn, begins, CB_NO_REGS, NULL);
			break;
		case MAGIC_END:
			qemu_plugin_register_vcpu_insn_exec_cb(insn, ends, CB_NO_REGS, NULL);
			break;
		}
	}
}

#endif
