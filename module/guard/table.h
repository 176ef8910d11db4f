/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A table of VFIO driver operations: which member is in which slot, by name. Read from the object
 * that has such a table, or from the BTF of a kernel that has the structure. Judges nothing.
 */
#ifndef VIB_TABLE_H
#define VIB_TABLE_H

#include "layouts.h"
#include "object.h"

enum {
	SLOT = 8,		/* bytes of a member: all are pointers */
};

/**
 * struct vib_table - what a file told
 * @object: the file; its data is not there for a table that came from BTF
 * @bytes: of the table
 * @declared: read from the structure: has members that type1's own table leaves empty, too
 * @member: names, "" for an empty slot
 */
struct vib_table {
	struct vib_object object;
	size_t bytes;
	bool declared;
	char member[SLOTS_MAX][64];
};

/*
 * Reads the table called @name out of the object t->object.file, whose functions have that
 * @prefix. False where it cannot be told, and says so. vib_object_free() of t->object follows.
 */
bool vib_table_read(struct vib_table *t, const char *name, const char *prefix);

/*
 * Reads the structure out of the BTF of @kernel. False, and nothing said, where it has no such
 * structure; a damaged or odd one reads as a table that nobody knows.
 */
bool vib_table_read_kernel(struct vib_table *t, const struct vib_object *kernel);

#endif
