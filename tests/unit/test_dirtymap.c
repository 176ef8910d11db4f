// SPDX-License-Identifier: GPL-2.0-only
/*
 * Are bits set where they belong and nowhere else, and does a shifted window carry each bit once,
 * out and back? The naive model is one bool a bit; a word is put together from it bit by bit.
 */
#include "../../module/pure/dirtymap.h"
#include "shim.h"

enum {
	MAX_BITS = 330,
	MAX_WORDS = (MAX_BITS + 63) / 64 + 1,
};

#define JUNK	0xdeadbeefcafef00dULL

struct world {
	u64 nbits;
	u64 map[MAX_WORDS];
	bool bit[MAX_BITS];
};

/* Word @i of the model put down from bit @shift on; the model's missing bits are clear. */
static u64 model_word(const struct world *w, unsigned int shift, u64 i)
{
	u64 word = 0;
	u64 at;

	for (at = 0; at < w->nbits; at++)
		if (w->bit[at] && (at + shift) / 64 == i)
			word |= BIT_ULL((at + shift) % 64);
	return word;
}

/* The words of the map are the model's; the word after its end was not touched. */
static void expect_map(const struct world *w)
{
	u64 words = vib_dirtymap_words(w->nbits);
	u64 i;

	for (i = 0; i < words; i++)
		must_eq(w->map[i], model_word(w, 0, i));
	must_eq(w->map[words], JUNK);
}

static void fill(struct world *w, u64 nbits, bool value)
{
	u64 i;

	w->nbits = nbits;
	for (i = 0; i < MAX_WORDS; i++)
		w->map[i] = JUNK;
	vib_dirtymap_fill(w->map, nbits, value);
	for (i = 0; i < nbits; i++)
		w->bit[i] = value;
	expect_map(w);
}

START_TEST(words)
{
	must_eq(vib_dirtymap_words(0), 0);
	must_eq(vib_dirtymap_words(1), 1);
	must_eq(vib_dirtymap_words(63), 1);
	must_eq(vib_dirtymap_words(64), 1);
	must_eq(vib_dirtymap_words(65), 2);
	must_eq(vib_dirtymap_words(128), 2);
	must_eq(vib_dirtymap_words(U64_MAX), 1ULL << 58);
}

START_TEST(fills)
{
	struct world w;
	u64 nbits;

	for (nbits = 0; nbits < MAX_BITS; nbits++) {
		fill(&w, nbits, true);
		fill(&w, nbits, false);
	}
}

static void set(struct world *w, u64 first, u64 n)
{
	u64 i;

	vib_dirtymap_set(w->map, first, n);
	for (i = 0; i < n; i++)
		w->bit[first + i] = true;
	expect_map(w);
}

/* Every start and length around the first two word boundaries. */
START_TEST(sets)
{
	struct world w;
	u64 first, n;

	for (first = 0; first < 130; first += 1 + (first % 64 == 3) * 58)
		for (n = 0; first + n <= 200; n++) {
			fill(&w, 200, false);
			set(&w, first, n);
		}
}

/* Windows of the world at @shift, from each word on: each bit once, nothing past the last word. */
static void expect_windows(const struct world *w, unsigned int shift, bool no_map)
{
	const u64 *map = no_map ? NULL : w->map;
	u64 words = vib_dirtymap_words(w->nbits + shift);
	u64 model[MAX_WORDS + 1], out[MAX_WORDS + 2];
	u64 from, n, i;

	must(words <= MAX_WORDS);
	for (i = 0; i < words; i++)
		model[i] = model_word(w, shift, i);
	for (from = 0; from < words; from++) {
		n = words - from;
		if (from & 1)
			n = 1 + n / 2;
		for (i = 0; i <= n; i++)
			out[i] = JUNK;
		vib_dirtymap_window(map, w->nbits, shift, from, out, n);
		for (i = 0; i < n; i++)
			must_eq(out[i], model[from + i]);
		must_eq(out[n], JUNK);
	}
}

/* Without a map every bit is set, and none past the end: every shift, lengths around word ends. */
START_TEST(windows_of_no_map)
{
	static const u64 lengths[] = { 1, 2, 63, 64, 65, 127, 128, 129, 200 };
	struct world w;
	unsigned int shift;

	fill(&w, lengths[_i], true);
	for (shift = 0; shift < 64; shift++)
		expect_windows(&w, shift, true);
}

/* A single bit at every place comes out at its place plus the shift. */
START_TEST(windows_of_one_bit)
{
	struct world w;
	unsigned int shift;
	u64 at;

	for (at = 0; at < 130; at++) {
		fill(&w, 130, false);
		set(&w, at, 1);
		for (shift = 0; shift < 64; shift++)
			expect_windows(&w, shift, false);
	}
}

/* What lies past the last bit in the map's last word is not carried out. */
START_TEST(windows_mask_the_end)
{
	struct world w;
	unsigned int shift;
	u64 out[3];

	fill(&w, 70, false);
	w.map[1] = U64_MAX << 6;
	for (shift = 0; shift < 64; shift++) {
		vib_dirtymap_window(w.map, 70, shift, 0, out, vib_dirtymap_words(70 + shift));
		must_eq(out[0], 0);
		must_eq(out[1], 0);
		if (shift > 58)
			must_eq(out[2], 0);
	}
}

START_TEST(window_of_no_words)
{
	u64 map = U64_MAX, out = JUNK;

	vib_dirtymap_window(&map, 64, 3, 0, &out, 0);
	must_eq(out, JUNK);
}

/*
 * Takes windows of the world out one after the other, with junk where bits are not the window's,
 * and puts each back: the map is without them in between, and as before at the end.
 */
static void out_and_back(struct world *w, unsigned int shift, u64 step)
{
	u64 words = vib_dirtymap_words(w->nbits + shift), out[MAX_WORDS + 1];
	u64 word, n, first, nr, next = 0, i;

	for (word = 0; word < words; word += n) {
		n = min(step, words - word);
		vib_dirtymap_window(w->map, w->nbits, shift, word, out, n);
		nr = vib_dirtymap_bits(w->nbits, shift, word, n, &first);
		must_eq(first, next);
		next = first + nr;
		vib_dirtymap_clear(w->map, first, nr);
		for (i = 0; i < w->nbits; i++)
			must_eq((w->map[i / 64] >> i % 64) & 1,
				w->bit[i] && (i < first || i >= next));
		if (!word)
			out[0] |= BIT_ULL(shift) - 1;
		if (word + n == words && (w->nbits + shift) % 64)
			out[n - 1] |= U64_MAX << (w->nbits + shift) % 64;
		vib_dirtymap_merge(w->map, w->nbits, shift, word, out, n);
		expect_map(w);
	}
	must_eq(next, w->nbits);
}

START_TEST(windows_out_and_back)
{
	struct world w;
	unsigned int shift;
	u64 nbits, step;

	for (nbits = 1; nbits <= 200; nbits += 1 + nbits / 3)
		for (shift = 0; shift < 64; shift++)
			for (step = 1; step <= 3; step++) {
				fill(&w, nbits, true);
				out_and_back(&w, shift, step);
				fill(&w, nbits, false);
				set(&w, nbits / 2, nbits - nbits / 2);
				out_and_back(&w, shift, step);
			}
}

/* What was set since the window was taken stays. */
START_TEST(merge_keeps_what_is_there)
{
	struct world w;
	u64 out[2];

	fill(&w, 100, false);
	set(&w, 3, 1);
	vib_dirtymap_window(w.map, 100, 9, 0, out, 2);
	vib_dirtymap_clear(w.map, 0, 100);
	vib_dirtymap_set(w.map, 99, 1);
	vib_dirtymap_merge(w.map, 100, 9, 0, out, 2);
	w.bit[99] = true;
	expect_map(&w);
}

START_TEST(random_world)
{
	struct world w;
	int i;

	fill(&w, 1, false);
	for (i = 0; i < 100000; i++) {
		u64 first = rnd_below(w.nbits);

		if (rnd_one_in(20))
			fill(&w, 1 + rnd_below(MAX_BITS - 1), rnd_one_in(4));
		else if (rnd_one_in(4))
			expect_windows(&w, rnd_below(64), false);
		else if (rnd_one_in(4))
			out_and_back(&w, rnd_below(64), 1 + rnd_below(4));
		else
			set(&w, first, rnd_below(w.nbits - first + 1) / (1 + rnd_below(20)));
	}
}

struct Suite *dirtymap_suite(void)
{
	Suite *suite = suite_create("dirtymap");
	TCase *tcase = shim_tcase(suite, "dirtymap");

	tcase_add_test(tcase, words);
	tcase_add_test(tcase, fills);
	tcase_add_test(tcase, sets);
	tcase_add_loop_test(tcase, windows_of_no_map, 0, 9);
	tcase_add_test(tcase, windows_of_one_bit);
	tcase_add_test(tcase, windows_mask_the_end);
	tcase_add_test(tcase, window_of_no_words);
	tcase_add_test(tcase, windows_out_and_back);
	tcase_add_test(tcase, merge_keeps_what_is_there);
	tcase_add_test(tcase, random_world);
	return suite;
}
