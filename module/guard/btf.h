/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * BTF of a module, with that of the kernel it belongs to, the base, or without. Knows nothing of
 * VFIO. Nothing in it is trusted: vib_btf_read() finds that all types are within, and every id and
 * every string is looked up.
 */
#ifndef VIB_BTF_H
#define VIB_BTF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "object.h"

#define VIB_UNTOLD	"?"	/* a name that only the base tells; with its id, a type */

enum {
	VIB_BTF_TYPE = 12,	/* bytes of a type before what is particular to its kind */
	VIB_BTF_TEXT = 400,	/* of a text that vib_btf_spell() appends to */
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
	uint32_t first_id;		/* what comes before is in the base */
	uint32_t first_string;
	const struct vib_btf *base;	/* NULL where it is not at hand */
};

/* Takes the BTF of an object, which may be nothing but that; false where it has none. */
bool vib_btf_take(struct vib_btf *b, const struct vib_object *o);
/* Reads b->data; false where it is damaged. vib_btf_free() follows in both cases. */
bool vib_btf_read(struct vib_btf *b);
void vib_btf_free(struct vib_btf *b);
/* Is it of a version later than this reader? It may be taken for damaged then. */
bool vib_btf_is_newer(const struct vib_btf *b);

/*
 * Finds where ids and strings of a module begin, knowing names of functions that it has, and takes
 * @base for its base if that ends there. False where it cannot be told.
 */
bool vib_btf_place(struct vib_btf *b, const struct vib_btf *base, const char *const *functions,
		   uint32_t count);

/* The type called @id; NULL where it is void, in a base that is not at hand, or nowhere. */
const unsigned char *vib_btf_type(const struct vib_btf *b, uint32_t id);
const char *vib_btf_name(const struct vib_btf *b, uint32_t offset);
/* The module's own function @name, or NULL. */
const unsigned char *vib_btf_function(const struct vib_btf *b, const char *name);
/* The structure @name, with its members; NULL where there is none. */
const unsigned char *vib_btf_struct(const struct vib_btf *b, const char *name);
/* Appends what C calls a type. */
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

/* How many members, enumerators or parameters it has. */
static inline uint32_t vib_btf_length(const unsigned char *type)
{
	return vib_btf_word(type + 4) & 0xffff;
}

/* The id of the type that it refers to. */
static inline uint32_t vib_btf_target(const unsigned char *type)
{
	return vib_btf_word(type + 8);
}

#endif
