/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The BTF of a module, with or without that of its kernel (the base). Knows nothing of VFIO. The
 * data is not trusted: vib_btf_read() checks that all types lie within it, and every id and string
 * offset is checked when it is used.
 */
#ifndef VIB_BTF_H
#define VIB_BTF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "object.h"

#define VIB_UNTOLD	"?"	/* a name that only the base has; followed by the id for a type */

enum {
	VIB_BTF_TYPE = 12,	/* bytes of a type's entry that all kinds have */
	VIB_BTF_TEXT = 400,	/* bytes of the text that vib_btf_spell() appends to */
};

enum vib_btf_kind {
	VIB_KIND_NONE, VIB_KIND_INT, VIB_KIND_PTR, VIB_KIND_ARRAY, VIB_KIND_STRUCT, VIB_KIND_UNION,
	VIB_KIND_ENUM, VIB_KIND_FWD, VIB_KIND_TYPEDEF, VIB_KIND_VOLATILE, VIB_KIND_CONST,
	VIB_KIND_RESTRICT, VIB_KIND_FUNC, VIB_KIND_FUNC_PROTO, VIB_KIND_VAR, VIB_KIND_DATASEC,
	VIB_KIND_FLOAT, VIB_KIND_DECL_TAG, VIB_KIND_TYPE_TAG, VIB_KIND_ENUM64, VIB_KINDS
};

struct vib_btf {
	const unsigned char *data;
	size_t size;
	const unsigned char *strings;
	uint32_t strings_size;
	const unsigned char **types;
	uint32_t count;
	uint32_t first_id;		/* lower ids are in the base */
	uint32_t first_string;
	const struct vib_btf *base;	/* NULL if not available */
};

/* Takes the BTF of an object file, or a file of bare BTF. Return: false if it has none. */
bool vib_btf_take(struct vib_btf *b, const struct vib_object *o);
/* Reads b->data. Return: false if it is damaged. vib_btf_free() must follow in both cases. */
bool vib_btf_read(struct vib_btf *b);
void vib_btf_free(struct vib_btf *b);
/* Is its version newer than this reader? Then it may look damaged. */
bool vib_btf_is_newer(const struct vib_btf *b);

/*
 * Finds where a module's ids and strings start, from names of functions that it has, and uses @base
 * if that ends there. Return: false if it cannot be determined.
 */
bool vib_btf_place(struct vib_btf *b, const struct vib_btf *base, const char *const *functions,
		   uint32_t count);

/* Return: the type of @id; NULL for void, for one of a base that is not available, or for none. */
const unsigned char *vib_btf_type(const struct vib_btf *b, uint32_t id);
const char *vib_btf_name(const struct vib_btf *b, uint32_t offset);
/* Return: the module's own function @name, or NULL. */
const unsigned char *vib_btf_function(const struct vib_btf *b, const char *name);
/* Return: the structure @name, with its members, or NULL. */
const unsigned char *vib_btf_struct(const struct vib_btf *b, const char *name);
/* Appends the C name of a type. */
void vib_btf_spell(const struct vib_btf *b, uint32_t id, char *text);
void vib_btf_append(char *text, const char *more);

static inline uint32_t vib_btf_word(const unsigned char *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static inline enum vib_btf_kind vib_btf_kind(const unsigned char *type)
{
	return vib_btf_word(type + 4) >> 24 & 0x1f;
}

/* Return: the number of its members, enumerators or parameters. */
static inline uint32_t vib_btf_length(const unsigned char *type)
{
	return vib_btf_word(type + 4) & 0xffff;
}

/* Return: the id of the type that it refers to. */
static inline uint32_t vib_btf_target(const unsigned char *type)
{
	return vib_btf_word(type + 8);
}

#endif
