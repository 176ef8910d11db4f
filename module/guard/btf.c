// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module's BTF continues the kernel's (the base): its type ids and string offsets start where
 * those of the base end. Many builds have no base, so both starting points are inferred. The start
 * of the strings: the names of some functions of the module are known, and only one start gives all
 * of them. The start of the ids: every function refers to a prototype, and the prototype with the
 * highest id belongs to the module itself. If a base is available but does not end at these
 * numbers, it is of another kernel and is not used.
 */
#include "btf.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	MAGIC = 0xeb9f,
	VERSION = 1,
	HEADER = 24,
	ANCHORS = 3,		/* known names that must fit */
	DEPTH = 8,		/* of nested types, at most */
};

/* Return: the size of the entry of @type in bytes. */
static size_t bytes_of(const unsigned char *type)
{
	switch (vib_btf_kind(type)) {
	case VIB_KIND_INT:
	case VIB_KIND_VAR:
	case VIB_KIND_DECL_TAG:
		return VIB_BTF_TYPE + 4;
	case VIB_KIND_ARRAY:
		return VIB_BTF_TYPE + 12;
	case VIB_KIND_ENUM:
	case VIB_KIND_FUNC_PROTO:
		return VIB_BTF_TYPE + 8 * vib_btf_length(type);
	case VIB_KIND_STRUCT:
	case VIB_KIND_UNION:
	case VIB_KIND_DATASEC:
	case VIB_KIND_ENUM64:
		return VIB_BTF_TYPE + 12 * vib_btf_length(type);
	default:
		return VIB_BTF_TYPE;
	}
}

/* Indexes the types between @at and @end. Return: false if they do not end exactly at @end. */
static bool read_types(struct vib_btf *b, const unsigned char *at, const unsigned char *end)
{
	b->types = malloc(((end - at) / VIB_BTF_TYPE + 1) * sizeof(*b->types));
	while (b->types && at < end) {
		if (end - at < VIB_BTF_TYPE || vib_btf_kind(at) == VIB_KIND_NONE ||
		    bytes_of(at) > (size_t)(end - at))
			return false;
		b->types[b->count++] = at;
		at += bytes_of(at);
	}
	return b->types;
}

static bool has_magic(const struct vib_btf *b)
{
	return b->size >= HEADER && (vib_btf_word(b->data) & 0xffff) == MAGIC;
}

bool vib_btf_take(struct vib_btf *b, const struct vib_object *o)
{
	const Elf64_Shdr *section;

	b->data = o->data;
	b->size = o->size;
	if (!vib_object_elf(o))
		return true;
	section = vib_object_named(o, ".BTF");
	b->size = section ? section->sh_size : 0;
	b->data = section ? vib_object_part(o, section->sh_offset, b->size, 1) : NULL;
	if (!b->data)
		b->size = 0;
	return section;
}

bool vib_btf_read(struct vib_btf *b)
{
	uint64_t header, types, types_size, strings;

	if (!has_magic(b))
		return false;
	header = vib_btf_word(b->data + 4);
	types = header + vib_btf_word(b->data + 8);
	types_size = vib_btf_word(b->data + 12);
	strings = header + vib_btf_word(b->data + 16);
	b->strings_size = vib_btf_word(b->data + 20);
	if (header < HEADER || types > b->size || types_size > b->size - types ||
	    strings > b->size || b->strings_size > b->size - strings || !b->strings_size)
		return false;
	b->strings = b->data + strings;
	b->first_id = 1;
	return !b->strings[b->strings_size - 1] &&
	       read_types(b, b->data + types, b->data + types + types_size);
}

void vib_btf_free(struct vib_btf *b)
{
	free(b->types);
	b->types = NULL;
}

bool vib_btf_is_newer(const struct vib_btf *b)
{
	uint32_t i;

	if (has_magic(b) && (vib_btf_word(b->data) >> 16 & 0xff) > VERSION)
		return true;
	for (i = 0; i < b->count; i++)
		if (vib_btf_kind(b->types[i]) >= VIB_KINDS)
			return true;
	return false;
}

const unsigned char *vib_btf_type(const struct vib_btf *b, uint32_t id)
{
	if (id < b->first_id)
		return b->base && id ? vib_btf_type(b->base, id) : NULL;
	return id - b->first_id < b->count ? b->types[id - b->first_id] : NULL;
}

const char *vib_btf_name(const struct vib_btf *b, uint32_t offset)
{
	if (offset < b->first_string)
		return b->base ? vib_btf_name(b->base, offset) : VIB_UNTOLD;
	offset -= b->first_string;
	return offset < b->strings_size ? (const char *)b->strings + offset : VIB_UNTOLD;
}

/* Finds the offset of @text in the module's own strings. Return: false if it is not there. */
static bool find_string(const struct vib_btf *b, const char *text, uint32_t *where)
{
	uint32_t at;

	for (at = 0; at < b->strings_size; at += strlen((const char *)b->strings + at) + 1)
		if (!strcmp((const char *)b->strings + at, text)) {
			*where = at;
			return true;
		}
	return false;
}

/* Return: the function whose name is at this string offset, or NULL. */
static const unsigned char *function_named(const struct vib_btf *b, uint32_t name)
{
	uint32_t i;

	for (i = 0; i < b->count; i++)
		if (vib_btf_kind(b->types[i]) == VIB_KIND_FUNC && vib_btf_word(b->types[i]) == name)
			return b->types[i];
	return NULL;
}

const unsigned char *vib_btf_function(const struct vib_btf *b, const char *name)
{
	uint32_t at;

	return find_string(b, name, &at) ? function_named(b, b->first_string + at) : NULL;
}

const unsigned char *vib_btf_struct(const struct vib_btf *b, const char *name)
{
	uint32_t i;

	for (i = 0; i < b->count; i++)
		if (vib_btf_kind(b->types[i]) == VIB_KIND_STRUCT &&
		    !strcmp(vib_btf_name(b, vib_btf_word(b->types[i])), name))
			return b->types[i];
	return NULL;
}

/* If the module's strings start at @first: is there a function for each known name in them? */
static bool strings_fit(const struct vib_btf *b, uint32_t first, const char *const *functions,
			uint32_t count)
{
	uint32_t i, at, fit = 0;

	for (i = 0; i < count; i++) {
		if (!find_string(b, functions[i], &at))
			continue;
		if (!function_named(b, first + at))
			return false;
		fit++;
	}
	return fit >= ANCHORS;
}

static bool infer_strings(struct vib_btf *b, const char *const *functions, uint32_t count)
{
	uint32_t i, at, found = 0;

	for (i = 0; i < count && !find_string(b, functions[i], &at); i++)
		;
	if (i == count)
		return false;
	for (i = 0; i < b->count; i++)
		if (vib_btf_kind(b->types[i]) == VIB_KIND_FUNC && vib_btf_word(b->types[i]) >= at &&
		    strings_fit(b, vib_btf_word(b->types[i]) - at, functions, count)) {
			b->first_string = vib_btf_word(b->types[i]) - at;
			found++;
		}
	return found == 1;
}

/* If the module's ids start at @first: does every function refer to a prototype? */
static bool ids_fit(const struct vib_btf *b, uint32_t first)
{
	uint32_t i, id;

	for (i = 0; i < b->count; i++) {
		id = vib_btf_target(b->types[i]);
		if (vib_btf_kind(b->types[i]) == VIB_KIND_FUNC && id >= first &&
		    (id - first >= b->count ||
		     vib_btf_kind(b->types[id - first]) != VIB_KIND_FUNC_PROTO))
			return false;
	}
	return true;
}

static bool infer_ids(struct vib_btf *b)
{
	uint32_t i, highest = 0, found = 0;

	for (i = 0; i < b->count; i++)
		if (vib_btf_kind(b->types[i]) == VIB_KIND_FUNC &&
		    vib_btf_target(b->types[i]) > highest)
			highest = vib_btf_target(b->types[i]);
	for (i = 0; i < b->count && i < highest; i++)
		if (vib_btf_kind(b->types[i]) == VIB_KIND_FUNC_PROTO && ids_fit(b, highest - i)) {
			b->first_id = highest - i;
			found++;
		}
	return found == 1;
}

bool vib_btf_place(struct vib_btf *b, const struct vib_btf *base, const char *const *functions,
		   uint32_t count)
{
	if (!infer_strings(b, functions, count))
		return false;
	if (base && base->strings_size == b->first_string && ids_fit(b, base->count + 1)) {
		b->first_id = base->count + 1;
		b->base = base;
		return true;
	}
	return infer_ids(b);
}

void vib_btf_append(char *text, const char *more)
{
	strncat(text, more, VIB_BTF_TEXT - strlen(text) - 1);
}

/* Return: the C name of a type that gcc calls @name. */
static const char *name_in_c(const char *name)
{
	return !strcmp(name, "long unsigned int") ? "unsigned long" :
	       !strcmp(name, "long int") ? "long" : *name ? name : VIB_UNTOLD;
}

static const char *const prefixes[VIB_KINDS] = {
	[VIB_KIND_INT] = "",
	[VIB_KIND_TYPEDEF] = "",
	[VIB_KIND_FLOAT] = "",
	[VIB_KIND_STRUCT] = "struct ",
	[VIB_KIND_FWD] = "struct ",
	[VIB_KIND_UNION] = "union ",
	[VIB_KIND_ENUM] = "enum ",
	[VIB_KIND_ENUM64] = "enum ",
};

static void spell_type(const struct vib_btf *b, uint32_t id, unsigned int depth, char *text)
{
	const unsigned char *type = vib_btf_type(b, id);
	enum vib_btf_kind kind = type && depth < DEPTH ? vib_btf_kind(type) : VIB_KIND_NONE;
	char untold[16];

	if (!id) {
		vib_btf_append(text, "void");
	} else if (kind == VIB_KIND_PTR) {
		spell_type(b, vib_btf_target(type), depth + 1, text);
		vib_btf_append(text, text[strlen(text) - 1] == '*' ? "*" : " *");
	} else if (kind == VIB_KIND_CONST) {
		vib_btf_append(text, "const ");
		spell_type(b, vib_btf_target(type), depth + 1, text);
	} else if (kind == VIB_KIND_ARRAY || kind == VIB_KIND_FUNC_PROTO) {
		vib_btf_append(text, "(array or function)");
	} else if (kind < VIB_KINDS && prefixes[kind]) {
		vib_btf_append(text, prefixes[kind]);
		vib_btf_append(text, name_in_c(vib_btf_name(b, vib_btf_word(type))));
	} else {
		snprintf(untold, sizeof(untold), VIB_UNTOLD "%u", id);
		vib_btf_append(text, untold);
	}
}

void vib_btf_spell(const struct vib_btf *b, uint32_t id, char *text)
{
	spell_type(b, id, 0, text);
}
