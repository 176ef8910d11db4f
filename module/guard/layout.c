// SPDX-License-Identifier: GPL-2.0-only
/*
 * The layout guard, a host program that the build runs.
 *
 * The VFIO core's driver operations are private to the kernel and told by no header; a table of
 * another shape than the core's would crash the machine, and from v7 on nothing checks that at
 * load. But the kernel's own vfio_iommu_type1.ko carries such a table: its symbol tells the size,
 * its relocations tell which function is at which offset, and the functions are named after the
 * members. So the shape is read from there, and has to be one that is known here, exactly; and
 * every slot that our own object fills has to hold the function of that name. Sizes and offsets
 * alone do not tell: v5.16 and v6.0 have equal ones with different members.
 *
 *	layout FILE...			prints the layout of each vfio_iommu_type1.ko[.xz...]
 *					and what its BTF says
 *	layout --check OURS.o FILE...	0 if ours serves the core of every FILE, else says why not
 *
 * --btf=KERNEL before all that: a file that has the BTF of the kernel itself, if it is at hand.
 *
 * Names do not tell prototypes. The object's BTF does, where it has some; it is asked for a second
 * opinion (btf_prototypes.h) where the table is a mirror of ours. Without BTF there is MODVERSIONS,
 * which compares prototypes at load up to v6.12. The table is not tried out on the running core at
 * load: that would show where ioctl and owner are, which is known here of a kernel that does not
 * run yet.
 */
#include <stdio.h>
#include <string.h>

#include "layouts.h"
#include "object.h"
#include "btf_prototypes.h"

#define TYPE1_TABLE	"vfio_iommu_driver_ops_type1"
#define TYPE1_PREFIX	"vfio_iommu_type1_"
#define OUR_TABLE	"vib_vfio_ops"
#define OUR_PREFIX	"vib_vfio_"

enum {
	SLOT = 8,		/* bytes of a member: all are pointers */
};

/* What a table in a file turned out to be. */
struct layout {
	struct vib_object object;
	size_t bytes;		/* of the table */
	char member[SLOTS_MAX][64];
};

/* The function that a relocation against section @index means. */
static const char *function_at(const struct layout *l, unsigned int index, uint64_t value)
{
	const Elf64_Sym *sym;
	uint64_t i;

	for (i = 0; (sym = vib_object_symbol(&l->object, i)); i++)
		if (ELF64_ST_TYPE(sym->st_info) == STT_FUNC && sym->st_shndx == index &&
		    sym->st_value == value)
			return vib_object_symbol_name(&l->object, sym);
	return NULL;
}

/* Is there text at @offset of a section? Compilers keep strings in sections of several kinds. */
static bool is_text(const struct layout *l, const Elf64_Shdr *where, uint64_t offset)
{
	const unsigned char *text;
	size_t n = 0;

	if (!where || where->sh_type != SHT_PROGBITS || offset >= where->sh_size ||
	    !vib_object_part(&l->object, where->sh_offset, where->sh_size, 1))
		return false;
	text = l->object.data + where->sh_offset + offset;
	while (n < where->sh_size - offset && text[n] >= ' ' && text[n] <= '~')
		n++;
	return n && n < where->sh_size - offset && !text[n];
}

/* What a relocation puts into its slot: a function, the module itself, or a string. */
static const char *target_of(const struct layout *l, const Elf64_Rela *rela)
{
	const Elf64_Sym *sym = vib_object_symbol(&l->object, ELF64_R_SYM(rela->r_info));
	const Elf64_Shdr *where;
	const char *name;

	if (!sym)
		return "?";
	name = vib_object_symbol_name(&l->object, sym);
	if (ELF64_ST_TYPE(sym->st_info) != STT_SECTION && *name && *name != '.')
		return strcmp(name, "__this_module") ? name : "owner";
	name = function_at(l, sym->st_shndx, sym->st_value + rela->r_addend);
	if (name)
		return name;
	where = vib_object_section(&l->object, sym->st_shndx);
	return is_text(l, where, sym->st_value + rela->r_addend) ? "name" : "?";
}

/* Function names are members' names behind a prefix; compilers may add ".something". */
static void enter_member(struct layout *l, unsigned int slot, const char *name, const char *prefix)
{
	if (!strncmp(name, prefix, strlen(prefix)))
		name += strlen(prefix);
	snprintf(l->member[slot], sizeof(l->member[slot]), "%.*s", (int)strcspn(name, "."), name);
}

static bool read_slots(struct layout *l, const Elf64_Sym *table, const char *prefix)
{
	const struct vib_object *o = &l->object;
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

		if (offset >= l->bytes)
			continue;
		if (offset % SLOT || ELF64_R_TYPE(rela[i].r_info) != absolute)
			return vib_complain(o->file, "its driver operations are not all pointers");
		enter_member(l, offset / SLOT, target_of(l, &rela[i]), prefix);
	}
	return true;
}

static bool is_relocatable(const struct vib_object *o)
{
	const Elf64_Ehdr *elf = vib_object_elf(o);

	return elf && elf->e_type == ET_REL;
}

/* Reads the table called @name out of out->object.file. */
static bool read_layout(struct layout *out, const char *name, const char *prefix)
{
	struct vib_object *o = &out->object;
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
	out->bytes = sym->st_size;
	if (!out->bytes || out->bytes % SLOT || out->bytes > SLOTS_MAX * SLOT)
		return vib_complain(o->file, "%s has %zu bytes: not a table of pointers", name,
				out->bytes);
	return read_slots(out, sym, prefix);
}

static bool matches(const struct layout *l, const struct known *k)
{
	unsigned int i;

	for (i = 0; i < SLOTS_MAX && k->members[i]; i++)
		if (strcmp(l->member[i], strcmp(k->members[i], "-") ? k->members[i] : ""))
			return false;
	return l->bytes == i * SLOT;
}

static const struct known *identify(const struct layout *l)
{
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (matches(l, &known[i]))
			return &known[i];
	return NULL;
}

static void print_layout(const struct layout *l, FILE *to)
{
	unsigned int i;

	fprintf(to, "%zu bytes:", l->bytes);
	for (i = 0; i < l->bytes / SLOT; i++)
		if (l->member[i][0])
			fprintf(to, " %u=%s", i * SLOT, l->member[i]);
	fputc('\n', to);
}

static void print_known(void)
{
	size_t i;
	unsigned int m;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const struct known *k = &known[i];

		for (m = 0; k->members[m]; m++)
			;
		fprintf(stderr, "  %s (%s), %u bytes:", k->id, k->kernels, m * SLOT);
		for (m = 0; k->members[m]; m++)
			if (strcmp(k->members[m], "-"))
				fprintf(stderr, " %u=%s", m * SLOT, k->members[m]);
		fputc('\n', stderr);
	}
}

/* Is every slot that we fill the one the core calls by that name, and is the table long enough? */
static bool serves(const struct layout *ours, const struct layout *core)
{
	const char *file = core->object.file;
	unsigned int i;

	if (vib_object_elf(&ours->object)->e_machine != vib_object_elf(&core->object)->e_machine)
		return vib_complain(file, "is of another architecture than %s", ours->object.file);
	if (ours->bytes < core->bytes)
		return vib_complain(file, "the core's table has %zu bytes, ours only %zu",
				core->bytes, ours->bytes);
	for (i = 0; i < ours->bytes / SLOT; i++)
		if (ours->member[i][0] && strcmp(ours->member[i], core->member[i]))
			return vib_complain(file, "at offset %u the core has %s, ours has %s",
					i * SLOT, core->member[i][0] ? core->member[i] : "nothing",
					ours->member[i]);
	return true;
}

/* Prototypes of a public table are in the headers, and compared by the compiler. */
static bool ask_opinion(const struct layout *core, const struct known *k,
			const struct vib_object *kernel, struct vib_opinion *opinion)
{
	if (k->mirrored)
		return vib_opinion_ask(&core->object, kernel, opinion);
	memset(opinion, 0, sizeof(*opinion));
	opinion->none = "the headers have the prototypes";
	return true;
}

static void print_opinion(const struct vib_opinion *opinion)
{
	if (opinion->none)
		printf("no second opinion: %s\n", opinion->none);
	else
		printf("BTF: %u prototypes of %u agree, types by %s\n", opinion->agree, opinion->of,
		       opinion->by_name ? "name" : "name or by which are equal");
}

static bool check(const struct layout *ours, const struct layout *core,
		  const struct vib_object *kernel)
{
	const struct known *k = identify(core);
	struct vib_opinion opinion;

	if (!k) {
		vib_complain(core->object.file,
			     "this kernel's VFIO driver operations have an unknown layout.");
		fprintf(stderr, "Found:\n  ");
		print_layout(core, stderr);
		fprintf(stderr, "Expected one of:\n");
		print_known();
		return false;
	}
	if (!serves(ours, core) || !ask_opinion(core, k, kernel, &opinion))
		return false;
	printf("layout %s (%s) by %s\n", k->id, k->kernels, core->object.file);
	print_opinion(&opinion);
	return true;
}

static bool print_file(const struct layout *l, const struct vib_object *kernel)
{
	const struct known *k = identify(l);
	struct vib_opinion opinion;

	printf("%s, ", k ? k->id : "unknown");
	print_layout(l, stdout);
	if (!k)
		return true;
	if (!ask_opinion(l, k, kernel, &opinion))
		return false;
	print_opinion(&opinion);
	return true;
}

/* Checks @file against @ours, or prints it where there is no ours. */
static bool look_at(const char *file, const struct layout *ours, const struct vib_object *kernel)
{
	static struct layout l;
	bool good;

	memset(&l, 0, sizeof(l));
	l.object.file = file;
	good = read_layout(&l, TYPE1_TABLE, TYPE1_PREFIX) &&
	       (ours ? check(ours, &l, kernel) : print_file(&l, kernel));
	vib_object_free(&l.object);
	return good;
}

int main(int argc, char **argv)
{
	struct vib_object kernel = { .file = NULL };
	static struct layout ours;
	bool good = true, have;
	int i = 1;

	if (i < argc && !strncmp(argv[i], "--btf=", 6))
		kernel.file = argv[i++] + 6;
	if (i + 1 < argc && !strcmp(argv[i], "--check")) {
		ours.object.file = argv[i + 1];
		i += 2;
		if (!read_layout(&ours, OUR_TABLE, OUR_PREFIX))
			return 1;
	}
	if (i == argc && !ours.object.file)
		return 1;
	have = kernel.file && vib_object_read(&kernel);
	for (; i < argc; i++)
		good &= look_at(argv[i], ours.object.file ? &ours : NULL, have ? &kernel : NULL);
	vib_object_free(&kernel);
	vib_object_free(&ours.object);
	return good ? 0 : 1;
}
