// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lists of process names. Knows nothing of processes, nor of what a list is for.
 */
#include "names.h"

static bool is_blank(char c)
{
	return c == ' ';
}

static bool may_name(char c)
{
	return (unsigned char)c >= ' ' && c != 0x7f && c != '[' && c != ']' && c != '\\';
}

/* Is [name, name + len) a pattern? */
static bool pattern_valid(const char *name, size_t len)
{
	size_t i;

	if (!len || is_blank(name[0]) || is_blank(name[len - 1]))
		return false;
	for (i = 0; i < len; i++)
		if (!may_name(name[i]))
			return false;
	return true;
}

bool vib_names_valid(const char *list, size_t len)
{
	size_t start = 0, i;

	if (!len)
		return true;
	for (i = 0; i <= len; i++) {
		if (i < len && list[i] != ',')
			continue;
		if (!pattern_valid(list + start, i - start))
			return false;
		start = i + 1;
	}
	return true;
}

/*
 * Does @name match [pattern, end)? A * is first tried as nothing, then as one character more each
 * time that what follows it does not match.
 */
static bool pattern_fits(const char *pattern, const char *end, const char *name)
{
	const char *behind_star = NULL, *retry = NULL, *at = name;

	while (*at) {
		if (pattern < end && *pattern == '*') {
			behind_star = ++pattern;
			retry = at;
		} else if (pattern < end && (*pattern == '?' || *pattern == *at)) {
			pattern++;
			at++;
		} else if (behind_star) {
			pattern = behind_star;
			at = ++retry;
		} else {
			return false;
		}
	}
	if (at - name == VIB_NAME_CUT && pattern != behind_star)
		return true;
	while (pattern < end && *pattern == '*')
		pattern++;
	return pattern == end;
}

bool vib_names_hold(const char *list, const char *name)
{
	const char *end = list;

	for (; *list; list = *end ? end + 1 : end) {
		for (end = list; *end && *end != ',';)
			end++;
		if (pattern_fits(list, end, name))
			return true;
	}
	return false;
}
