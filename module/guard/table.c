// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads tables of operations. In an object file, the table's symbol has the size, the relocations
 * say which function is at which offset, and the functions are named after the members. In BTF, the
 * structure itself has the size, the offsets and the names.
 */
#include "table.h"

#include <stdio.h>
#include <string.h>

#include "btf.h"

#define STRUCTURE	"vfio_iommu_driver_ops"

/* Return: the function that a relocation against section @index refers to. */
static const char *function_of(const struct vib_table *t, unsigned int index, uint64_t value)
{
	const Elf64_Sym *sym;
	uint64_t i;

	for (i = 0; (sym = vib_object_symbol(&t->object, i)); i++)
		if (ELF64_ST_TYPE(sym->st_info) == STT_FUNC && sym->st_shndx == index &&
		    sym->st_value == value)
			return vib_object_symbol_name(&t->object, sym);
	return NULL;
}

/* Is there text at @offset of a section? Compilers keep strings in sections of several kinds. */
static bool is_text(const struct vib_table *t, const Elf64_Shdr *where, uint64_t offset)
{
	const unsigned char *text;
	size_t n = 0;

	if (!where || where->sh_type != SHT_PROGBITS || offset >= where->sh_size ||
	    !vib_object_part(&t->object, where->sh_offset, where->sh_size, 1))
		return false;
	text = t->object.data + where->sh_offset + offset;
	while (n < where->sh_size - offset && text[n] >= ' ' && text[n] <= '~')
		n++;
	return n && n < where->sh_size - offset && !text[n];
}

/* What a relocation puts into its slot: a function, the module itself, or a string. */
static const char *target_of(const struct vib_table *t, const Elf64_Rela *rela)
{
	const Elf64_Sym *sym = vib_object_symbol(&t->object, ELF64_R_SYM(rela->r_info));
	const Elf64_Shdr *where;
	const char *name;

	if (!sym)
		return "?";
	name = vib_object_symbol_name(&t->object, sym);
	if (ELF64_ST_TYPE(sym->st_info) != STT_SECTION && *name && *name != '.')
		return strcmp(name, "__this_module") ? name : "owner";
	name = function_of(t, sym->st_shndx, sym->st_value + rela->r_addend);
	if (name)
		return name;
	where = vib_object_section(&t->object, sym->st_shndx);
	return is_text(t, where, sym->st_value + rela->r_addend) ? "name" : "?";
}

/* A function's name is a prefix and the member's name; compilers may append ".something". */
static void enter_member(struct vib_table *t, unsigned int slot, const char *name,
			 const char *prefix)
{
	if (!strncmp(name, prefix, strlen(prefix)))
		name += strlen(prefix);
	snprintf(t->member[slot], sizeof(t->member[slot]), "%.*s", (int)strcspn(name, "."), name);
}

static bool read_slots(struct vib_table *t, const Elf64_Sym *table, const char *prefix)
{
	const struct vib_object *o = &t->object;
	bool x86 = vib_object_elf(o)->e_machine == EM_X86_64;
	const Elf64_Shdr *relocations = vib_object_find(o, SHT_RELA, table->st_shndx);
	uint32_t absolute = x86 ? R_X86_64_64 : R_AARCH64_ABS64;
	const Elf64_Rela *rela;
	uint64_t i, n;

	n = relocations ? relocations->sh_size / sizeof(*rela) : 0;
	rela = n ? vib_object_part(o, relocations->sh_offset, n, sizeof(*rela)) : NULL;
	if (!rela)
		return vib_complain(o->file, "its table of driver operations has no relocations");
	for (i = 0; i < n; i++) {
		uint64_t offset = rela[i].r_offset - table->st_value;

		if (offset >= t->bytes)
			continue;
		if (offset % SLOT || ELF64_R_TYPE(rela[i].r_info) != absolute)
			return vib_complain(o->file, "its driver operations are not all pointers");
		enter_member(t, offset / SLOT, target_of(t, &rela[i]), prefix);
	}
	return true;
}

static bool is_relocatable(const struct vib_object *o)
{
	const Elf64_Ehdr *elf = vib_object_elf(o);

	return elf && elf->e_type == ET_REL;
}

bool vib_table_read(struct vib_table *t, const char *name, const char *prefix)
{
	struct vib_object *o = &t->object;
	const Elf64_Sym *sym;
	uint64_t i;

	if (!vib_object_read(o))
		return false;
	if (!is_relocatable(o) || !vib_object_symbol(o, 0))
		return vib_complain(o->file, "is no kernel object of a known kind, or damaged");
	for (i = 0; (sym = vib_object_symbol(o, i)); i++)
		if (ELF64_ST_TYPE(sym->st_info) == STT_OBJECT &&
		    !strcmp(vib_object_symbol_name(o, sym), name))
			break;
	if (!sym)
		return vib_complain(o->file, "has no object %s to tell the layout", name);
	t->bytes = sym->st_size;
	if (!t->bytes || t->bytes % SLOT || t->bytes > SLOTS_MAX * SLOT)
		return vib_complain(o->file, "%s has %zu bytes: not a table of pointers", name,
				t->bytes);
	return read_slots(t, sym, prefix);
}

/* A member's offset in BTF is in bits; the upper byte is the size of a bit field. */
static void enter_declared(struct vib_table *t, const struct vib_btf *b, const unsigned char *type)
{
	const unsigned char *at = type + VIB_BTF_TYPE;
	uint32_t i, bits;

	for (i = 0; i < vib_btf_length(type); i++, at += 12) {
		bits = vib_btf_word(at + 8);
		if (bits % (8 * SLOT) || bits / 8 >= t->bytes)
			continue;
		enter_member(t, bits / 8 / SLOT, vib_btf_name(b, vib_btf_word(at)), "");
	}
}

bool vib_table_read_kernel(struct vib_table *t, const struct vib_object *kernel)
{
	struct vib_btf b = { .data = NULL };
	const unsigned char *type = NULL;

	if (vib_btf_take(&b, kernel) && vib_btf_read(&b))
		type = vib_btf_struct(&b, STRUCTURE);
	if (type) {
		t->object.file = kernel->file;
		t->bytes = vib_btf_word(type + 8);
		if (t->bytes > SLOTS_MAX * SLOT)
			t->bytes = SLOTS_MAX * SLOT;
		t->declared = true;
		enter_declared(t, &b, type);
	}
	vib_btf_free(&b);
	return type;
}
