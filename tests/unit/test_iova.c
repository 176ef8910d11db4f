// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is iova.h right where ranges meet 2^64? The naive model computes in 128 bits, where nothing
 * wraps.
 */
#include "../../module/pure/iova.h"
#include "shim.h"

static void expect_last(u64 start, u64 size, u64 expected)
{
	u64 last = 0x5a;

	must_msg(vib_range_last(start, size, &last), "[%llx, +%llx) refused", start, size);
	must_eq(last, expected);
}

static void expect_no_last(u64 start, u64 size)
{
	u64 last = 0x5a;

	must_msg(!vib_range_last(start, size, &last), "[%llx, +%llx) taken", start, size);
	must_eq(last, 0x5a);
}

START_TEST(range_last_edges)
{
	expect_last(0, 1, 0);
	expect_last(0, 2, 1);
	expect_last(0x1000, 0x1000, 0x1fff);
	expect_last(U64_MAX, 1, U64_MAX);
	expect_last(U64_MAX - 1, 2, U64_MAX);
	expect_last(1, U64_MAX, U64_MAX);
	expect_last(0, U64_MAX, U64_MAX - 1);
	expect_last(1ULL << 63, 1ULL << 63, U64_MAX);
	expect_last(-0x1000ULL, 0x1000, U64_MAX);
}

START_TEST(range_last_refusals)
{
	expect_no_last(0, 0);
	expect_no_last(0x1000, 0);
	expect_no_last(U64_MAX, 0);
	expect_no_last(U64_MAX, 2);
	expect_no_last(U64_MAX, U64_MAX);
	expect_no_last(2, U64_MAX);
	expect_no_last((1ULL << 63) + 1, 1ULL << 63);
	expect_no_last(-0x1000ULL, 0x1001);
}

/* Numbers near a power of two, near 0 and near 2^64 more often than others. */
static u64 rnd_edgy(void)
{
	switch (rnd_below(4)) {
	case 0:
		return rnd();
	case 1:
		return rnd_below(4);
	case 2:
		return U64_MAX - rnd_below(4);
	default:
		return BIT_ULL(rnd_below(64)) + rnd_below(5) - 2;
	}
}

/* In 128 bits nothing wraps. */
static bool fits(u64 start, u64 size)
{
	return size && (__int128)start + size - 1 <= U64_MAX;
}

START_TEST(range_last_random)
{
	int i;

	for (i = 0; i < 100000; i++) {
		u64 start = rnd_edgy();
		u64 size = rnd_edgy();

		if (fits(start, size))
			expect_last(start, size, start + size - 1);
		else
			expect_no_last(start, size);
	}
}

START_TEST(fits_long)
{
	must(vib_fits_long(0));
	must(vib_fits_long(U32_MAX));
	must(vib_fits_long(ULONG_MAX));
	must(vib_fits_long(U64_MAX) == (sizeof(long) == 8));
}

START_TEST(pgsizes_collapse)
{
	/* Nothing smaller than the CPU's page: stays as it is. */
	must_eq(vib_pgsizes_collapse(0), 0);
	must_eq(vib_pgsizes_collapse(0x1000), 0x1000);
	must_eq(vib_pgsizes_collapse(0x40201000), 0x40201000);
	must_eq(vib_pgsizes_collapse(0x2000), 0x2000);
	must_eq(vib_pgsizes_collapse(0x40200000), 0x40200000);
	/* Smaller ones become the CPU's page, even where it was not there itself. */
	must_eq(vib_pgsizes_collapse(1), 0x1000);
	must_eq(vib_pgsizes_collapse(0x800), 0x1000);
	must_eq(vib_pgsizes_collapse(0x200800), 0x201000);
	must_eq(vib_pgsizes_collapse(U64_MAX), ~0xfffULL);
	must_eq(vib_pgsizes_collapse(0x8000000000000200), 0x8000000000001000);
}

START_TEST(pgsize_smallest)
{
	int bit;

	must_eq(vib_pgsize_smallest(0), 0);
	for (bit = 0; bit < 64; bit++) {
		must_eq(vib_pgsize_smallest(BIT_ULL(bit)), BIT_ULL(bit));
		must_eq(vib_pgsize_smallest(U64_MAX << bit), BIT_ULL(bit));
		must_eq(vib_pgsize_smallest(BIT_ULL(bit) | BIT_ULL(63)), BIT_ULL(bit));
	}
}

struct Suite *iova_suite(void)
{
	Suite *suite = suite_create("iova");
	TCase *tcase = shim_tcase(suite, "iova");

	tcase_add_test(tcase, range_last_edges);
	tcase_add_test(tcase, range_last_refusals);
	tcase_add_test(tcase, range_last_random);
	tcase_add_test(tcase, fits_long);
	tcase_add_test(tcase, pgsizes_collapse);
	tcase_add_test(tcase, pgsize_smallest);
	return suite;
}
