/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A kernel object in a file, for the layout guard: reads it, decompresses it if needed, and follows
 * its ELF structures with every offset checked. Knows ELF only.
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

/* Prints what is wrong with @file. Return: false, always. */
bool vib_complain(const char *file, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Reads o->file; vib_object_free() undoes it, and may follow a failure. */
bool vib_object_read(struct vib_object *o);
void vib_object_free(struct vib_object *o);

/* Return: @count items of @size bytes at @offset of the file, or NULL if they are not all in it. */
const void *vib_object_part(const struct vib_object *o, uint64_t offset, uint64_t count,
			    uint64_t size);
/* Return: its ELF header, or NULL if it is of no machine known here. To be called first. */
const Elf64_Ehdr *vib_object_elf(const struct vib_object *o);

/* Sections, by number, by type and the section they refer to, or by name. Return: NULL if none. */
const Elf64_Shdr *vib_object_section(const struct vib_object *o, unsigned int index);
const Elf64_Shdr *vib_object_find(const struct vib_object *o, uint32_t type, uint32_t info);
const Elf64_Shdr *vib_object_named(const struct vib_object *o, const char *name);

/* Symbol @index, or NULL behind the last one. */
const Elf64_Sym *vib_object_symbol(const struct vib_object *o, uint64_t index);
const char *vib_object_symbol_name(const struct vib_object *o, const Elf64_Sym *sym);

#endif
