/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a test may ask of the stand-ins for the kernel, and the random numbers all tests share.
 *
 * shim_setup() and shim_teardown() are the checked fixture of every test case: the second one fails
 * the test if a WARN fired that it did not announce, or if memory of the pure parts is still out.
 */
#ifndef VIB_UNIT_SHIM_H
#define VIB_UNIT_SHIM_H

#include <check.h>

/*
 * Tests open with START_TEST; END_TEST has been empty since libcheck 0.13 and is left out.
 *
 * libcheck's own assertions write a record to a file even when they hold, which is most of the time
 * of a random test; these speak only when they fail.
 */
#define must_msg(cond, ...) \
	do { if (unlikely(!(cond))) ck_abort_msg(__VA_ARGS__); } while (0)
#define must(cond)	must_msg(cond, "%s", #cond)
#define must_eq(a, b)	do {						\
	u64 __x = (u64)(a), __y = (u64)(b);				\
	must_msg(__x == __y, "%s == %s: 0x%llx, 0x%llx", #a, #b, __x, __y); \
} while (0)

void shim_setup(void);
void shim_teardown(void);

/* The test is about to provoke @nr WARNs; no fewer and no more may have fired by its end. */
void shim_expect_warnings(unsigned int nr);

/* The @nth allocation from now on fails, once; 0 for none. */
void shim_fail_nth(unsigned long nth);

/* Has the failure asked for happened? */
bool shim_has_failed(void);

/* Allocations that are still out, and the number of elements the last request asked for. */
unsigned long shim_live(void);
size_t shim_last_request(void);

/* Bytes that are out, and the most that were since shim_setup() or the last call of it. */
size_t shim_bytes(void);
size_t shim_peak(void);

/* How many extents are in one vector at most, and the bytes of a chunk; back at shim_setup(). */
void shim_sizes(u32 flat_max, u32 chunk_bytes);

/*
 * Requests of exactly @bytes get memory that is their own in the first page only; the rest is the
 * same memory for all. So much is written and little is there. Not if @bytes is 0.
 */
void shim_alias(size_t bytes);

/* Chosen in main.c, printed, settable with VIB_SEED; each test starts from it anew. */
extern u64 rnd_seed;
void rnd_restart(void);

/* 64 random bits; a number in [0, n); true once in @n. */
u64 rnd(void);
u64 rnd_below(u64 n);
bool rnd_one_in(u64 n);

struct Suite *iova_suite(void);
struct Suite *extents_suite(void);
struct Suite *maptree_suite(void);
struct Suite *ranges_suite(void);
struct Suite *dirtymap_suite(void);
struct Suite *names_suite(void);
struct Suite *pace_suite(void);
struct Suite *turns_suite(void);

/* A test case with the common fixture, added to @suite. */
struct TCase *shim_tcase(struct Suite *suite, const char *name);

#endif
