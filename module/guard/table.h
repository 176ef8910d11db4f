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
 * struct vib_table - a table of operations, as read from a file
 * @object: the file; without data if the table came from BTF
 * @bytes: size of the table
 * @declared: read from the structure, so it has the members that type1's table leaves empty, too
 * @member: the member's name for each slot, "" if empty
 */
struct vib_table {
	struct vib_object object;
	size_t bytes;
	bool declared;
	char member[SLOTS_MAX][64];
};

/*
 * Reads the table @name from the object t->object.file, whose functions have names that begin with
 * @prefix. Return: false, with a message, if it cannot. vib_object_free() of t->object must follow.
 */
bool vib_table_read(struct vib_table *t, const char *name, const char *prefix);

/*
 * Reads the structure from the BTF of @kernel. Return: false, without a message, if it has no such
 * structure. One that is damaged or odd gives a table that matches no known layout.
 */
bool vib_table_read_kernel(struct vib_table *t, const struct vib_object *kernel);

#endif
