// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads kernel objects from files. A file is not trusted: every offset is checked before it is
 * followed, and a part that does not lie within the file counts as missing.
 */
#include "object.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	FIRST_SIZE = 1 << 20,
	ALIGNMENT = 8,		/* of the entries of ELF's tables */
};

bool vib_complain(const char *file, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "vfio_iommu_batch: %s: ", file);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	return false;
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), tail = strlen(end);

	return length >= tail && !strcmp(text + length - tail, end);
}

/* Return: the program that unpacks @file, or NULL if it is not compressed. */
static const char *find_unpacker(const char *file)
{
	return ends_with(file, ".xz") ? "xz" : ends_with(file, ".zst") ? "zstd" :
	       ends_with(file, ".gz") ? "gzip" : NULL;
}

/* Opens a pipe from @program, or the file itself if @program is NULL. */
static FILE *open_file(const char *file, const char *program)
{
	char command[4096];
	int length;

	if (!program)
		return fopen(file, "rb");
	length = snprintf(command, sizeof(command), "%s -dc '%s' 2>/dev/null", program, file);
	return strchr(file, '\'') || length >= (int)sizeof(command) ? NULL : popen(command, "r");
}

/* Reads all of @in: a vmlinux may have hundreds of MiB. Return: false without memory. */
static bool read_all(struct vib_object *o, FILE *in)
{
	unsigned char *larger;
	size_t room, n;

	o->size = 0;
	for (room = FIRST_SIZE;; room *= 2) {
		larger = realloc(o->data, room);
		if (!larger)
			return false;
		o->data = larger;
		n = fread(o->data + o->size, 1, room - o->size, in);
		o->size += n;
		if (o->size < room)
			return true;
	}
}

bool vib_object_read(struct vib_object *o)
{
	const char *program = find_unpacker(o->file);
	FILE *in = open_file(o->file, program);
	bool failed;

	if (!in)
		return vib_complain(o->file, "cannot be opened");
	failed = !read_all(o, in) || ferror(in);
	failed |= program ? pclose(in) : fclose(in);
	if (failed && program)
		return vib_complain(o->file, "cannot be unpacked: is %s installed? is it whole?",
				    program);
	return failed ? vib_complain(o->file, "cannot be read") : true;
}

void vib_object_free(struct vib_object *o)
{
	free(o->data);
	o->data = NULL;
}

const void *vib_object_part(const struct vib_object *o, uint64_t offset, uint64_t count,
			    uint64_t size)
{
	if (offset > o->size || count > (o->size - offset) / size)
		return NULL;
	return size == 1 || offset % ALIGNMENT == 0 ? o->data + offset : NULL;
}

const Elf64_Ehdr *vib_object_elf(const struct vib_object *o)
{
	const Elf64_Ehdr *elf = vib_object_part(o, 0, 1, sizeof(*elf));

	if (!elf || memcmp(elf->e_ident, ELFMAG, SELFMAG) ||
	    elf->e_ident[EI_CLASS] != ELFCLASS64 || elf->e_ident[EI_DATA] != ELFDATA2LSB ||
	    elf->e_shentsize != sizeof(Elf64_Shdr))
		return NULL;
	return elf->e_machine == EM_X86_64 || elf->e_machine == EM_AARCH64 ? elf : NULL;
}

const Elf64_Shdr *vib_object_section(const struct vib_object *o, unsigned int index)
{
	const Elf64_Ehdr *elf = vib_object_elf(o);
	const Elf64_Shdr *all = vib_object_part(o, elf->e_shoff, elf->e_shnum, sizeof(*all));

	return all && index < elf->e_shnum ? &all[index] : NULL;
}

const Elf64_Shdr *vib_object_find(const struct vib_object *o, uint32_t type, uint32_t info)
{
	const Elf64_Shdr *here;
	unsigned int i;

	for (i = 0; (here = vib_object_section(o, i)); i++)
		if (here->sh_type == type && (type == SHT_SYMTAB || here->sh_info == info))
			return here;
	return NULL;
}

/* Return: the text at @offset of a string table, "" if there is none. */
static const char *text_at(const struct vib_object *o, unsigned int index, uint64_t offset)
{
	const Elf64_Shdr *strings = vib_object_section(o, index);
	const char *text;

	if (!strings || offset >= strings->sh_size ||
	    !vib_object_part(o, strings->sh_offset, strings->sh_size, 1))
		return "";
	text = (const char *)o->data + strings->sh_offset + offset;
	return memchr(text, 0, strings->sh_size - offset) ? text : "";
}

const Elf64_Shdr *vib_object_named(const struct vib_object *o, const char *name)
{
	unsigned int names = vib_object_elf(o)->e_shstrndx, i;
	const Elf64_Shdr *here;

	for (i = 0; (here = vib_object_section(o, i)); i++)
		if (!strcmp(text_at(o, names, here->sh_name), name))
			return here;
	return NULL;
}

const Elf64_Sym *vib_object_symbol(const struct vib_object *o, uint64_t index)
{
	const Elf64_Shdr *table = vib_object_find(o, SHT_SYMTAB, 0);
	const Elf64_Sym *all;

	if (!table || index >= table->sh_size / sizeof(*all))
		return NULL;
	all = vib_object_part(o, table->sh_offset, table->sh_size / sizeof(*all), sizeof(*all));
	return all ? &all[index] : NULL;
}

const char *vib_object_symbol_name(const struct vib_object *o, const Elf64_Sym *sym)
{
	return text_at(o, vib_object_find(o, SHT_SYMTAB, 0)->sh_link, sym->st_name);
}
