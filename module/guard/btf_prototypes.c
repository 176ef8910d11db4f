// SPDX-License-Identifier: GPL-2.0-only
/*
 * Compares the prototypes of the driver operations with the BTF of vfio_iommu_type1, whose
 * functions are named after the members. Without the kernel's own BTF, most type names are unknown.
 * Then it compares what is known: the number of parameters, which are void or pointers, the names
 * that are there, and which types are the same.
 */
#include "btf_prototypes.h"

#include <stdio.h>

#include "btf.h"

#define PREFIX		"vfio_iommu_type1_"
#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

static const struct prototype {
	const char *member;
	const char *function;
	const char *returns;
	const char *parameters;
} prototypes[] = {
#define VIB_PROTOTYPE(member, returns, ...) { #member, PREFIX #member, #returns, #__VA_ARGS__ },
#include "../glue/prototypes.h"
#undef VIB_PROTOTYPE
};

static const struct group_type {
	const char *name;
	uint32_t value;
} group_types[] = {
#define VIB_GROUP_TYPE(name, value) { #name, value },
#include "../glue/prototypes.h"
#undef VIB_GROUP_TYPE
};

/* The types whose names are unknown, and which type is expected in the place of each. */
struct pattern {
	unsigned int count;
	struct {
		char text[64];
		uint32_t id;
	} seen[64];
};

/* Is @text what is expected, where an unknown name may be any? */
static bool may_be(const char *text, const char *expected)
{
	const char *gap = strstr(text, VIB_UNTOLD), *tail;
	size_t head, length = strlen(expected);

	if (!gap)
		return !strcmp(text, expected);
	head = gap - text;
	tail = gap + 1 + strspn(gap + 1, "0123456789");
	return length > head + strlen(tail) && !strncmp(text, expected, head) &&
	       !strcmp(expected + length - strlen(tail), tail) && strcmp(expected, "void");
}

/* Do the same types have the same id everywhere, and different types different ids? */
static bool fits_pattern(struct pattern *pattern, const char *expected, uint32_t id)
{
	unsigned int i;

	for (i = 0; i < pattern->count; i++) {
		bool same = !strcmp(pattern->seen[i].text, expected);

		if (same ? pattern->seen[i].id != id : pattern->seen[i].id == id)
			return false;
		if (same)
			return true;
	}
	if (i == COUNT(pattern->seen))
		return false;
	snprintf(pattern->seen[i].text, sizeof(pattern->seen[i].text), "%s", expected);
	pattern->seen[i].id = id;
	pattern->count++;
	return true;
}

static bool same_type(const struct vib_btf *b, struct pattern *pattern, const char *expected,
		      uint32_t id)
{
	char text[VIB_BTF_TEXT] = "";

	vib_btf_spell(b, id, text);
	return may_be(text, expected) &&
	       (!strstr(text, VIB_UNTOLD) || fits_pattern(pattern, expected, id));
}

/* Takes the next item off @list, "type name, type *name". Return: false at its end. */
static bool next_parameter(const char **list, char type[64], char name[64])
{
	size_t length = strcspn(*list, ","), at = length;

	if (!length)
		return false;
	while (at && (*list)[at - 1] != ' ' && (*list)[at - 1] != '*')
		at--;
	snprintf(name, 64, "%.*s", (int)(length - at), *list + at);
	while (at && (*list)[at - 1] == ' ')
		at--;
	snprintf(type, 64, "%.*s", (int)at, *list);
	*list += length;
	*list += strspn(*list, ", ");
	return true;
}

static bool prototype_agrees(const struct vib_btf *b, struct pattern *pattern,
			     const struct prototype *p, const unsigned char *found)
{
	const unsigned char *at = found + VIB_BTF_TYPE;
	const char *list = p->parameters;
	char type[64], name[64];
	uint32_t i;

	for (i = 0; next_parameter(&list, type, name); i++, at += 8)
		if (i >= vib_btf_length(found) ||
		    !may_be(vib_btf_name(b, vib_btf_word(at)), name) ||
		    !same_type(b, pattern, type, vib_btf_word(at + 4)))
			return false;
	return i == vib_btf_length(found) &&
	       same_type(b, pattern, p->returns, vib_btf_target(found));
}

/* Appends "type name", or "type *name". */
static void print_pair(const struct vib_btf *b, uint32_t type, const char *name, char *text)
{
	vib_btf_spell(b, type, text);
	vib_btf_append(text, text[strlen(text) - 1] == '*' ? "" : " ");
	vib_btf_append(text, name);
}

/* Return: the prototype of @p, or NULL if it is unknown. */
static const unsigned char *prototype_of(const struct vib_btf *b, const struct prototype *p)
{
	const unsigned char *function = vib_btf_function(b, p->function);
	const unsigned char *type = function ? vib_btf_type(b, vib_btf_target(function)) : NULL;

	return type && vib_btf_kind(type) == VIB_KIND_FUNC_PROTO ? type : NULL;
}

static void print_found(const struct vib_btf *b, const struct prototype *p)
{
	const unsigned char *found = prototype_of(b, p), *at = found ? found + VIB_BTF_TYPE : NULL;
	char text[VIB_BTF_TEXT] = "";
	uint32_t i;

	if (!found)
		return;
	print_pair(b, vib_btf_target(found), p->member, text);
	vib_btf_append(text, "(");
	for (i = 0; i < vib_btf_length(found); i++, at += 8) {
		vib_btf_append(text, i ? ", " : "");
		print_pair(b, vib_btf_word(at + 4), vib_btf_name(b, vib_btf_word(at)), text);
	}
	fprintf(stderr, "  %s)\n", text);
}

/* Prints all of them: where two types are the same and should not be, either may be wrong. */
static bool complain_differs(const struct vib_object *type1, const struct vib_btf *b,
			     const char *member)
{
	size_t i;

	vib_complain(type1->file,
		     "by BTF this kernel's VFIO driver operations have other prototypes, see %s.",
		     member);
	fprintf(stderr, "Found (%sN: a type that only the BTF of the kernel itself tells):\n",
		VIB_UNTOLD);
	for (i = 0; i < COUNT(prototypes); i++)
		print_found(b, &prototypes[i]);
	fprintf(stderr, "Expected:\n");
	for (i = 0; i < COUNT(prototypes); i++)
		fprintf(stderr, "  %s %s(%s)\n", prototypes[i].returns, prototypes[i].member,
			prototypes[i].parameters);
	return false;
}

static bool compare_prototypes(const struct vib_object *type1, const struct vib_btf *b,
			       struct vib_opinion *opinion)
{
	struct pattern pattern = { .count = 0 };
	const unsigned char *found;
	size_t i;

	for (i = 0; i < COUNT(prototypes); i++) {
		found = prototype_of(b, &prototypes[i]);
		if (found && !prototype_agrees(b, &pattern, &prototypes[i], found))
			return complain_differs(type1, b, prototypes[i].member);
		opinion->agree += found ? 1 : 0;
	}
	opinion->by_name = !pattern.count;
	return true;
}

static bool is_group_type(const struct vib_btf *b, const unsigned char *type)
{
	return vib_btf_kind(type) == VIB_KIND_ENUM &&
	       !strcmp(vib_btf_name(b, vib_btf_word(type)), "vfio_group_type");
}

/* Are the enumerators of @expected that the BTF has right? One that is missing is no error. */
static bool compare_value(const struct vib_object *type1, const struct vib_btf *b,
			  const unsigned char *type, const struct group_type *expected)
{
	const unsigned char *at = type + VIB_BTF_TYPE;
	uint32_t i;

	for (i = 0; i < vib_btf_length(type); i++, at += 8)
		if (!strcmp(vib_btf_name(b, vib_btf_word(at)), expected->name) &&
		    vib_btf_word(at + 4) != expected->value)
			return vib_complain(type1->file,
					    "by BTF this kernel's %s is %u, expected %u",
					    expected->name, vib_btf_word(at + 4), expected->value);
	return true;
}

static bool compare_group_types(const struct vib_object *type1, const struct vib_btf *b)
{
	uint32_t i, n;

	for (i = 0; i < b->count; i++)
		for (n = 0; is_group_type(b, b->types[i]) && n < COUNT(group_types); n++)
			if (!compare_value(type1, b, b->types[i], &group_types[n]))
				return false;
	return true;
}

static bool compare_all(const struct vib_object *type1, struct vib_btf *b,
			const struct vib_btf *base, struct vib_opinion *opinion)
{
	const char *functions[COUNT(prototypes)];
	bool whole = vib_btf_read(b);
	size_t i;

	for (i = 0; i < COUNT(prototypes); i++)
		functions[i] = prototypes[i].function;
	if (vib_btf_is_newer(b))
		opinion->none = "its BTF is of a later version";
	else if (!whole)
		return vib_complain(type1->file, "its section .BTF is damaged");
	else if (!vib_btf_place(b, base, functions, COUNT(prototypes)))
		opinion->none = "where its BTF begins cannot be told";
	else
		return compare_prototypes(type1, b, opinion) && compare_group_types(type1, b);
	return true;
}

bool vib_opinion_ask(const struct vib_object *type1, const struct vib_object *base,
		     struct vib_opinion *opinion)
{
	struct vib_btf own = { .data = NULL }, kernel = { .data = NULL };
	bool have = base && vib_btf_take(&kernel, base) && vib_btf_read(&kernel), good = true;

	memset(opinion, 0, sizeof(*opinion));
	opinion->of = COUNT(prototypes);
	if (vib_btf_take(&own, type1))
		good = compare_all(type1, &own, have ? &kernel : NULL, opinion);
	else
		opinion->none = "it has no BTF";
	vib_btf_free(&own);
	vib_btf_free(&kernel);
	return good;
}

bool vib_opinion_ask_kernel(const struct vib_object *kernel, struct vib_opinion *opinion)
{
	struct vib_btf b = { .data = NULL };
	bool good = true;

	memset(opinion, 0, sizeof(*opinion));
	opinion->of = COUNT(prototypes);
	if (vib_btf_take(&b, kernel) && vib_btf_read(&b))
		good = compare_prototypes(kernel, &b, opinion) && compare_group_types(kernel, &b);
	else
		opinion->none = "its BTF cannot be read";
	vib_btf_free(&b);
	return good;
}
