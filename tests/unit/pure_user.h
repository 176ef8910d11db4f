/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The other door: what module/pure finds in user space instead of pure.h.
 *
 * Forced in front of every file of this room with -include. It defines VIB_PURE_H, so that pure.h
 * stays shut, and exactly the kernel names that the pure parts use, no more: a pure part that
 * reaches for another kernel name does not compile here, and that is the point.
 *
 * Names are as strict as the kernel's: min() and max() refuse operands of different types, u64 is
 * unsigned long long, allocations go through shim.c, which can be told to fail, and a WARN is
 * counted there.
 */
#ifndef VIB_PURE_H
#define VIB_PURE_H

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef unsigned int gfp_t;

#define U32_MAX		((u32)~0U)
#define U64_MAX		((u64)~0ULL)
#define BIT_ULL(nr)	(1ULL << (nr))
#define PAGE_SIZE	4096UL

#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)
#define READ_ONCE(x)	(*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, val) (*(volatile typeof(x) *)&(x) = (val))
#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))

/* The comparison of two addresses is there for its warning about unlike types. */
#define shim_pick(a, b, op) ({			\
	typeof(a) __a = (a);			\
	typeof(b) __b = (b);			\
	(void)(&__a == &__b);			\
	__a op __b ? __a : __b;			\
})
#define swap(a, b) \
	do { typeof(a) __was = (a); (a) = (b); (b) = __was; } while (0)
#define min(a, b)	shim_pick(a, b, <)
#define max(a, b)	shim_pick(a, b, >)
#define min_t(type, a, b) min((type)(a), (type)(b))
#define max_t(type, a, b) max((type)(a), (type)(b))
#define clamp_t(type, val, lo, hi) min_t(type, max_t(type, val, lo), hi)

#define GFP_KERNEL_ACCOUNT ((gfp_t)1)
#define cond_resched()	((void)0)

/* As in pure.h, unless a test makes them smaller or larger (shim_sizes()). */
extern u32 shim_flat_max, shim_chunk_bytes;
#define VIB_FLAT_MAX	shim_flat_max
#define VIB_CHUNK_BYTES	shim_chunk_bytes

void *kmalloc_array(size_t n, size_t size, gfp_t flags);
void *kvmalloc_array(size_t n, size_t size, gfp_t flags);
void kfree(const void *ptr);
void kvfree(const void *ptr);

bool shim_warn(const char *file, int line, const char *what);

#define WARN_ON_ONCE(cond) \
	(unlikely(cond) ? shim_warn(__FILE__, __LINE__, #cond) : false)

#include <linux/rbtree.h>

#endif
