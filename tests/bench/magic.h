/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two instructions that do nothing and that QEMU's plugins (profile/plugin.h)
 * recognise by their bytes: they count what runs between them. They are long
 * nops with a displacement nothing else uses. On other machines than x86-64
 * there is no plugin, and they are nothing at all.
 */
#ifndef VIB_BENCH_MAGIC_H
#define VIB_BENCH_MAGIC_H

#define MAGIC_BEGIN 0x5642b001
#define MAGIC_END 0x5642e002

#ifdef __x86_64__
static inline void magic_begin(void)
{
	/* nopl 0x5642b001(%rax) */
	asm volatile(".byte 0x0f, 0x1f, 0x80, 0x01, 0xb0, 0x42, 0x56" : : : "memory");
}

static inline void magic_end(void)
{
	asm volatile(".byte 0x0f, 0x1f, 0x80, 0x02, 0xe0, 0x42, 0x56" : : : "memory");
}
#else
static inline void magic_begin(void) { }
static inline void magic_end(void) { }
#endif

#endif
