// SPDX-License-Identifier: GPL-2.0-only
/*
 * A mapping that grows, batch by batch, as engine/map_batch.c has it: what is there stays where it
 * is, as others look at it; memory is never much more than what is kept; and no allocation that
 * fails leaves anything but what was there.
 */
#include "../../module/pure/extents_move.h"
#include "extents_util.h"

#define P	VIB_EXT_PINNED

enum {
	BATCH = 4096,			/* VIB_PIN_RUNS */
};

/* One batch of @nr extents is moved, all or, with @hold, but for the last one. */
static int grow(struct vib_extents *ex, struct vib_extents *batch, u32 nr, bool last)
{
	u32 hold = !last;
	struct vib_extents room;
	int ret;

	while (batch->nr < nr) {
		u64 pfn = 2 * ((u64)ex->nr + batch->nr);

		ret = vib_extents_append(batch, pfn, 1, P);
		if (ret)
			return ret;
	}
	if (last && !ex->nr) {
		vib_extents_trim(batch);
		vib_extents_move(ex, batch, nr);
		return 0;
	}
	vib_extents_init(&room);
	ret = vib_extents_prepare(&room, ex, nr - hold, last);
	if (ret)
		return ret;
	/* From here to the end the lock is held: nothing is allocated. */
	shim_fail_nth(1);
	vib_extents_take(ex, &room, batch, nr - hold);
	must(!shim_has_failed());
	shim_fail_nth(0);
	vib_extents_fini(&room);
	return 0;
}

/* Grows to @all extents, and says what was needed most. */
static size_t grow_to(struct vib_extents *ex, u32 all, u32 step)
{
	struct vib_extents batch;
	u32 left;

	vib_extents_init(ex);
	vib_extents_init(&batch);
	shim_peak();
	do {
		left = all - ex->nr;
		must_eq(grow(ex, &batch, min(left, step), left <= step), 0);
		expect_nr(ex, left <= step ? all : all - left + step - 1);
	} while (left > step);
	vib_extents_fini(&batch);
	return shim_peak();
}

/* From a quarter of a gigabyte of scattered pages on, less than a tenth more is needed. */
START_TEST(needs_little_more_than_it_keeps)
{
	static const u32 sizes[] = { 1 << 19, 1 << 20, 1000001, 3000000 };
	struct vib_extents ex;
	size_t peak, kept;

	peak = grow_to(&ex, sizes[_i], BATCH);
	kept = shim_bytes();
	must_eq(vib_extents_bytes(&ex), kept);
	must_msg(peak <= kept + kept / 10, "%zu bytes at most, %zu kept", peak, kept);
	must_msg(kept <= sizes[_i] * sizeof(u64) * 101 / 100, "%zu bytes kept", kept);
	expect_apart(&ex, 0, sizes[_i]);
	vib_extents_fini(&ex);
}

/* Few extents, however many batches they came in, take as much as they need, and one allocation. */
START_TEST(few_are_in_one_vector)
{
	struct vib_extents ex;
	u32 nr;

	for (nr = 1; nr < 400; nr++) {
		grow_to(&ex, nr, 1 + rnd_below(64) + !!(nr > 1));
		expect_apart(&ex, 0, nr);
		must(ex.cap - nr <= ex.cap / 8);
		must_eq(shim_live(), nr > 1);
		vib_extents_fini(&ex);
	}
}

/* Those in between: more than a chunk, in as many steps as there may be. */
START_TEST(memory_of_small_steps)
{
	const u32 nr = VIB_CHUNK_MAX + 1 + _i * 2500;
	struct vib_extents ex;

	grow_to(&ex, nr, 65);
	expect_apart(&ex, 0, nr);
	must_msg(shim_bytes() <= nr * sizeof(u64) * 115 / 100, "%zu for %u", shim_bytes(), nr);
	vib_extents_fini(&ex);
}

/* From eight chunks on all are whole, whatever comes in a batch, but for the last one. */
START_TEST(large_ones_grow_by_whole_chunks)
{
	struct vib_chunk *chunk;
	struct vib_extents ex;
	u32 small = 0;

	grow_to(&ex, 40 * VIB_CHUNK_MAX, 2500);
	for (chunk = vib_extents_head(&ex); chunk; chunk = chunk->next)
		if (chunk->cap < VIB_CHUNK_MAX && chunk->next)
			small = chunk->first;
	must_msg(small < 9 * VIB_CHUNK_MAX, "a small chunk at %u", small);
	vib_extents_fini(&ex);
}

/* What others read is where it was while room is made, and after more was moved in. */
START_TEST(stays_where_it_is)
{
	struct vib_extents ex, batch, seen;
	u64 *words;
	u32 i;

	vib_extents_init(&ex);
	vib_extents_init(&batch);
	must_eq(grow(&ex, &batch, BATCH, false), 0);
	seen = ex;
	words = word_at(&ex, BATCH - 2);
	for (i = 0; i < 20; i++) {
		must_eq(grow(&ex, &batch, BATCH, false), 0);
		must_eq(ex.vec, seen.vec);
		must_eq(word_at(&ex, BATCH - 2), words);
		expect_apart(&seen, 0, BATCH - 1);
	}
	must_eq(grow(&ex, &batch, BATCH, true), 0);
	must_eq(ex.vec, seen.vec);
	expect_apart(&seen, 0, BATCH - 1);
	vib_extents_fini(&batch);
	vib_extents_fini(&ex);
}

/* The n-th allocation fails, be it of the batch or of a chunk: all that was there still is. */
START_TEST(each_allocation_fails)
{
	struct vib_extents ex, batch;
	unsigned long nth = 0;
	u32 i, was, failures = 0;
	bool failed;

	shim_sizes(100, sizeof(struct vib_chunk) + 20 * sizeof(u64));
	do {
		vib_extents_init(&ex);
		vib_extents_init(&batch);
		failed = false;
		nth++;
		for (i = 0; i < 12 && !failed; i++) {
			was = ex.nr;
			/* grow() uses up the shim's one failure, so it is asked for each time. */
			shim_fail_nth(i == nth / 6 % 12 ? 1 + nth % 6 : 0);
			failed = grow(&ex, &batch, 30, i == 11) == -ENOMEM;
			must_eq(failed, shim_has_failed());
			shim_fail_nth(0);
			if (failed)
				expect_nr(&ex, was);
			expect_apart(&ex, 0, ex.nr);
		}
		failures += failed;
		vib_extents_fini(&batch);
		vib_extents_fini(&ex);
		must_eq(shim_live(), 0);
	} while (nth < 72);
	must(failures > 20);
}

/* Where the smaller of what is needed cannot be had, chunks go on: what is there, and then more. */
START_TEST(last_needs_no_vector)
{
	struct vib_extents ex, batch;

	shim_sizes(100, sizeof(struct vib_chunk) + 20 * sizeof(u64));
	vib_extents_init(&ex);
	vib_extents_init(&batch);
	must_eq(grow(&ex, &batch, 10, false), 0);
	if (_i)
		must_eq(vib_extents_reserve(&ex, 8), 0);
	must_eq(room_in(&ex) >= 5, _i);
	shim_fail_nth(1);
	must_eq(grow(&ex, &batch, 5, true), 0);
	must(vib_extents_chunked(&ex));
	expect_nr(&ex, 14);
	expect_apart(&ex, 0, 14);
	vib_extents_fini(&batch);
	vib_extents_fini(&ex);
}

/* Room that is there already does not let a row count beyond 32 bits. */
START_TEST(prepare_has_an_upper_limit)
{
	struct vib_extents ex, room;

	shim_sizes(1, sizeof(struct vib_chunk) + 4 * sizeof(u64));
	vib_extents_init(&ex);
	vib_extents_init(&room);
	must_eq(vib_extents_reserve(&ex, 20), 0);
	add_apart(&ex, 2);
	/* As if all others were in chunks before. */
	vib_extents_head(&ex)->first = VIB_EXTENTS_MAX - 6;
	ex.nr = VIB_EXTENTS_MAX - 4;
	must_eq(room_in(&ex), 18);
	must_eq(vib_extents_prepare(&room, &ex, 4, _i), 0);
	must_eq(vib_extents_prepare(&room, &ex, 5, _i), -ENOMEM);
	must_eq(vib_extents_prepare(&room, &ex, 9, _i), -ENOMEM);
	must_eq(vib_extents_prepare(&room, &ex, 19, _i), -ENOMEM);
	must_eq(vib_extents_prepare(&room, &ex, U32_MAX, _i), -ENOMEM);
	must_eq(room.cap, 1);
	vib_extents_head(&ex)->first = 0;
	ex.nr = 2;
	vib_extents_fini(&ex);
}

void extents_grow(struct TCase *tcase)
{
	tcase_add_loop_test(tcase, needs_little_more_than_it_keeps, 0, 4);
	tcase_add_test(tcase, few_are_in_one_vector);
	tcase_add_loop_test(tcase, memory_of_small_steps, 0, 8);
	tcase_add_test(tcase, large_ones_grow_by_whole_chunks);
	tcase_add_test(tcase, stays_where_it_is);
	tcase_add_test(tcase, each_allocation_fails);
	tcase_add_loop_test(tcase, last_needs_no_vector, 0, 2);
	tcase_add_loop_test(tcase, prepare_has_an_upper_limit, 0, 2);
}
