// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is a list of names taken for what it says, and does a pattern fit what a person would say it
 * fits, names that the kernel has cut included? The naive model tries every way that a * can stand
 * for.
 */
#include "../../module/pure/names.h"
#include "shim.h"

enum {
	RANDOM_ROUNDS = 200000,
};

#define CUT "qemu-system-x86"	/* of qemu-system-x86_64 */

static bool valid(const char *list)
{
	return vib_names_valid(list, strlen(list));
}

START_TEST(what_is_a_list)
{
	must(valid(""));
	must(valid("a"));
	must(valid("qemu-system-x86*,dpdk-*,vpp_main"));
	must(valid("CPU 0/KVM"));
	must(valid("?"));
	must(valid("na\xc3\xafve"));
}

START_TEST(what_is_none)
{
	static const char * const garbage[] = {
		",", ",a", "a,", "a,,b", " ", " a", "a ", "a, b", "a ,b", "a\n", "a\tb",
		"a,\n", "\x7f", "a\x1b", "[ab]", "a]", "a\\*",
	};
	unsigned int i;

	for (i = 0; i < sizeof(garbage) / sizeof(*garbage); i++)
		must_msg(!valid(garbage[i]), "'%s' is taken", garbage[i]);
}

/* Bytes behind the length are not looked at. */
START_TEST(list_ends_where_it_is_said_to)
{
	must(vib_names_valid("a\n", 1));
	must(!vib_names_valid("a\n", 2));
	must(vib_names_valid(",", 0));
}

START_TEST(which_names_fit)
{
	must(vib_names_hold("qemu", "qemu"));
	must(!vib_names_hold("qemu", "qemu-io"));
	must(!vib_names_hold("qemu-io", "qemu"));
	must(vib_names_hold("qemu*", "qemu"));
	must(vib_names_hold("qemu*", "qemu-io"));
	must(vib_names_hold("*io", "qemu-io"));
	must(!vib_names_hold("*io", "qemu-img"));
	must(vib_names_hold("q?mu-*o", "qemu-io"));
	must(!vib_names_hold("qemu-io?", "qemu-io"));
	must(vib_names_hold("**", "qemu"));
	must(vib_names_hold("*", ""));
	must(!vib_names_hold("?", ""));
	must(!vib_names_hold("", "qemu"));
	must(!vib_names_hold("", ""));
}

START_TEST(any_of_the_list_will_do)
{
	must(vib_names_hold("dpdk-*,qemu", "qemu"));
	must(vib_names_hold("dpdk-*,qemu", "dpdk-testpmd"));
	must(!vib_names_hold("dpdk-*,qemu", "vpp"));
	must(!vib_names_hold("a,b", "a,b"));
	must(!vib_names_hold("a*,b", "b,a"));
}

START_TEST(names_that_were_cut)
{
	must_eq(strlen(CUT), VIB_NAME_CUT);
	must(vib_names_hold("qemu-system-x86_64", CUT));
	must(vib_names_hold("x,qemu-system-x86_64,y", CUT));
	must(vib_names_hold("qemu-system-x86*", CUT));
	must(vib_names_hold("qemu-system-x86", CUT));
	must(vib_names_hold("qemu*x86_64", CUT));
	must(vib_names_hold("*86_64", CUT));
	must(!vib_names_hold("*-tool", CUT));
	must(!vib_names_hold("qemu-system-x8", CUT));
	must(!vib_names_hold("qemu-system-arm", CUT));
	must(!vib_names_hold("qemu-system-aarch64", CUT));
	must(!vib_names_hold("qemu-system-x8", "qemu-system-x8_"));
	must(!vib_names_hold("qemu-system-x86", "qemu-system-x8"));
}

/* @seen: the last character of the name was seen, not left to a *. */
static bool model(const char *pattern, const char *name, bool seen, bool cut)
{
	if (!*name && cut && seen)
		return true;
	if (*pattern == '*')
		return model(pattern + 1, name, false, cut) ||
		       (*name && model(pattern, name + 1, false, cut));
	if (!*name || !*pattern)
		return !*name && !*pattern;
	return (*pattern == '?' || *pattern == *name) && model(pattern + 1, name + 1, true, cut);
}

static void pick(char *text, u64 max, const char *from)
{
	u64 len = rnd_below(max + 1), i;

	for (i = 0; i < len; i++)
		text[i] = from[rnd_below(strlen(from))];
	text[len] = '\0';
}

static unsigned int stars(const char *pattern)
{
	unsigned int nr = 0;

	for (; *pattern; pattern++)
		nr += *pattern == '*';
	return nr;
}

START_TEST(random_patterns)
{
	char pattern[20], name[VIB_NAME_CUT + 1];
	unsigned int i, fits = 0;

	for (i = 0; i < RANDOM_ROUNDS; i++) {
		bool want, cut;

		pick(pattern, sizeof(pattern) - 1, i % 2 ? "aab*?" : "aaaaaaaaaab*?");
		pick(name, VIB_NAME_CUT, i % 2 ? "aab" : "aaaaaaaaab");
		cut = strlen(name) == VIB_NAME_CUT;
		/* which * the hidden part belongs to is nobody's promise */
		if (!*pattern || (cut && stars(pattern) > 1))
			continue;
		want = model(pattern, name, true, cut);
		fits += want;
		must_msg(vib_names_hold(pattern, name) == want, "'%s' and '%s': %d", pattern,
			 name, want);
	}
	must(fits > RANDOM_ROUNDS / 100);
}

Suite *names_suite(void)
{
	Suite *suite = suite_create("names");
	TCase *tc = shim_tcase(suite, "names");

	tcase_add_test(tc, what_is_a_list);
	tcase_add_test(tc, what_is_none);
	tcase_add_test(tc, list_ends_where_it_is_said_to);
	tcase_add_test(tc, which_names_fit);
	tcase_add_test(tc, any_of_the_list_will_do);
	tcase_add_test(tc, names_that_were_cut);
	tcase_add_test(tc, random_patterns);
	return suite;
}
