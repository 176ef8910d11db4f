/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A kernel object in a file, for the layout guard: read, unpacked where it is packed, and its ELF
 * followed with every offset checked before it is. Knows ELF only.
 */
#ifndef VIB_OBJECT_H
#define VIB_OBJECT_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vib_object {
	const char *file;
	unsigned char *data;
	size_t size;
};

/* Says what is wrong with @file; always false. */
bool vib_complain(const char *file, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Reads o->file; vib_object_free() undoes it, and may follow a failure. */
bool vib_object_read(struct vib_object *o);
void vib_object_free(struct vib_object *o);

/* @count items of @size bytes at @offset of the file, or NULL where it does not reach. */
const void *vib_object_part(const struct vib_object *o, uint64_t offset, uint64_t count,
			    uint64_t size);
/* NULL where it is none of a machine known here. Asked before all that follow. */
const Elf64_Ehdr *vib_object_elf(const struct vib_object *o);

/* Sections: by number, by type and what it is about, by name; NULL where there is none. */
const Elf64_Shdr *vib_object_section(const struct vib_object *o, unsigned int index);
const Elf64_Shdr *vib_object_find(const struct vib_object *o, uint32_t type, uint32_t info);
const Elf64_Shdr *vib_object_named(const struct vib_object *o, const char *name);

/* Symbol @index, or NULL behind the last one. */
const Elf64_Sym *vib_object_symbol(const struct vib_object *o, uint64_t index);
const char *vib_object_symbol_name(const struct vib_object *o, const Elf64_Sym *sym);

#endif
