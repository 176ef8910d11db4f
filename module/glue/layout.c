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
 *	layout FILE...			prints the layout of each vfio_iommu_type1.ko[.xz|.zst|.gz]
 *	layout --check OURS.o FILE...	0 if ours serves the core of every FILE, else says why not
 *
 * Prototypes are not compared. Up to v6.12 MODVERSIONS does that when the module is loaded; later
 * only BTF tells them, for which a build would need that of vmlinux beside the module's own and a
 * reader of both. Nor is the table tried out on the running core at load: that shows where ioctl
 * and owner are, which is known here of a kernel that is not running yet, too.
 *
 * Nothing in a file is trusted: every offset is checked before it is followed.
 */
#include <elf.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layouts.h"

#define TYPE1_TABLE	"vfio_iommu_driver_ops_type1"
#define TYPE1_PREFIX	"vfio_iommu_type1_"
#define OUR_TABLE	"vib_vfio_ops"
#define OUR_PREFIX	"vib_vfio_"

enum {
	SLOT = 8,		/* bytes of a member: all are pointers */
	FILE_MAX = 64 << 20,
};

/* What a table in a file turned out to be. */
struct layout {
	const char *file;
	unsigned char *data;	/* the names below point into it */
	size_t size;		/* of the file */
	size_t bytes;		/* of the table */
	char member[SLOTS_MAX][64];
};

static bool complain(const char *file, const char *format, ...)
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

/* The program that unpacks @file, or NULL where it is not packed. */
static const char *unpacker(const char *file)
{
	return ends_with(file, ".xz") ? "xz" : ends_with(file, ".zst") ? "zstd" :
	       ends_with(file, ".gz") ? "gzip" : NULL;
}

/* Opens a pipe from @program, or the file itself. */
static FILE *open_file(const char *file, const char *program)
{
	char command[4096];
	int length;

	if (!program)
		return fopen(file, "rb");
	length = snprintf(command, sizeof(command), "%s -dc '%s' 2>/dev/null", program, file);
	return strchr(file, '\'') || length >= (int)sizeof(command) ? NULL : popen(command, "r");
}

static bool read_file(struct layout *out)
{
	const char *program = unpacker(out->file);
	FILE *in = open_file(out->file, program);
	int failed;

	if (!in)
		return complain(out->file, "cannot be opened");
	out->data = malloc(FILE_MAX);
	out->size = out->data ? fread(out->data, 1, FILE_MAX, in) : 0;
	failed = ferror(in);
	failed |= program ? pclose(in) : fclose(in);
	if (failed && program)
		return complain(out->file, "cannot be unpacked: is %s installed? is it whole?",
				program);
	return failed || !out->data ? complain(out->file, "cannot be read") : true;
}

/* @count items of @size bytes at @offset of the file, or NULL where it does not reach. */
static const void *part(const struct layout *l, uint64_t offset, uint64_t count, uint64_t size)
{
	if (offset > l->size || count > (l->size - offset) / size)
		return NULL;
	return l->data + offset;
}

static const Elf64_Ehdr *elf_header(const struct layout *l)
{
	const Elf64_Ehdr *elf = part(l, 0, 1, sizeof(*elf));

	if (!elf || memcmp(elf->e_ident, ELFMAG, SELFMAG) ||
	    elf->e_ident[EI_CLASS] != ELFCLASS64 || elf->e_ident[EI_DATA] != ELFDATA2LSB ||
	    elf->e_type != ET_REL || elf->e_shentsize != sizeof(Elf64_Shdr))
		return NULL;
	return elf->e_machine == EM_X86_64 || elf->e_machine == EM_AARCH64 ? elf : NULL;
}

static const Elf64_Shdr *section(const struct layout *l, unsigned int index)
{
	const Elf64_Ehdr *elf = elf_header(l);
	const Elf64_Shdr *all = part(l, elf->e_shoff, elf->e_shnum, sizeof(*all));

	return all && index < elf->e_shnum ? &all[index] : NULL;
}

/* Text at @offset of a string table; "" where there is none. */
static const char *text_at(const struct layout *l, unsigned int index, uint64_t offset)
{
	const Elf64_Shdr *strings = section(l, index);
	const char *text;

	if (!strings || offset >= strings->sh_size ||
	    !part(l, strings->sh_offset, strings->sh_size, 1))
		return "";
	text = (const char *)l->data + strings->sh_offset + offset;
	return memchr(text, 0, strings->sh_size - offset) ? text : "";
}

static const Elf64_Shdr *find_section(const struct layout *l, uint32_t type, uint32_t info)
{
	const Elf64_Shdr *here;
	unsigned int i;

	for (i = 0; (here = section(l, i)); i++)
		if (here->sh_type == type && (type == SHT_SYMTAB || here->sh_info == info))
			return here;
	return NULL;
}

/* Symbol @index, or NULL behind the last one. */
static const Elf64_Sym *symbol(const struct layout *l, uint64_t index)
{
	const Elf64_Shdr *table = find_section(l, SHT_SYMTAB, 0);
	const Elf64_Sym *all;

	if (!table || index >= table->sh_size / sizeof(*all))
		return NULL;
	all = part(l, table->sh_offset, table->sh_size / sizeof(*all), sizeof(*all));
	return all ? &all[index] : NULL;
}

static const char *symbol_name(const struct layout *l, const Elf64_Sym *sym)
{
	return text_at(l, find_section(l, SHT_SYMTAB, 0)->sh_link, sym->st_name);
}

/* The function that a relocation against section @index means. */
static const char *function_at(const struct layout *l, unsigned int index, uint64_t value)
{
	const Elf64_Sym *sym;
	uint64_t i;

	for (i = 0; (sym = symbol(l, i)); i++)
		if (ELF64_ST_TYPE(sym->st_info) == STT_FUNC && sym->st_shndx == index &&
		    sym->st_value == value)
			return symbol_name(l, sym);
	return NULL;
}

/* Is there text at @offset of a section? Compilers keep strings in sections of several kinds. */
static bool is_text(const struct layout *l, const Elf64_Shdr *where, uint64_t offset)
{
	const unsigned char *text;
	size_t n = 0;

	if (!where || where->sh_type != SHT_PROGBITS || offset >= where->sh_size ||
	    !part(l, where->sh_offset, where->sh_size, 1))
		return false;
	text = l->data + where->sh_offset + offset;
	while (n < where->sh_size - offset && text[n] >= ' ' && text[n] <= '~')
		n++;
	return n && n < where->sh_size - offset && !text[n];
}

/* What a relocation puts into its slot: a function, the module itself, or a string. */
static const char *target_of(const struct layout *l, const Elf64_Rela *rela)
{
	const Elf64_Sym *sym = symbol(l, ELF64_R_SYM(rela->r_info));
	const char *name;

	if (!sym)
		return "?";
	name = symbol_name(l, sym);
	if (ELF64_ST_TYPE(sym->st_info) != STT_SECTION && *name && *name != '.')
		return strcmp(name, "__this_module") ? name : "owner";
	name = function_at(l, sym->st_shndx, sym->st_value + rela->r_addend);
	if (name)
		return name;
	return is_text(l, section(l, sym->st_shndx), sym->st_value + rela->r_addend) ? "name" : "?";
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
	uint32_t absolute = elf_header(l)->e_machine == EM_X86_64 ? R_X86_64_64 : R_AARCH64_ABS64;
	const Elf64_Shdr *relocations = find_section(l, SHT_RELA, table->st_shndx);
	const Elf64_Rela *rela;
	uint64_t i, n;

	n = relocations ? relocations->sh_size / sizeof(*rela) : 0;
	rela = n ? part(l, relocations->sh_offset, n, sizeof(*rela)) : NULL;
	if (!rela)
		return complain(l->file, "its table of driver operations has no relocations");
	for (i = 0; i < n; i++) {
		uint64_t offset = rela[i].r_offset - table->st_value;

		if (offset >= l->bytes)
			continue;
		if (offset % SLOT || ELF64_R_TYPE(rela[i].r_info) != absolute)
			return complain(l->file, "its driver operations are not all pointers");
		enter_member(l, offset / SLOT, target_of(l, &rela[i]), prefix);
	}
	return true;
}

/* Reads the table called @name out of out->file. */
static bool read_layout(struct layout *out, const char *name, const char *prefix)
{
	const Elf64_Sym *sym;
	uint64_t i;

	if (!read_file(out))
		return false;
	if (!elf_header(out) || !symbol(out, 0))
		return complain(out->file, "is no kernel object of a kind known here, or damaged");
	for (i = 0; (sym = symbol(out, i)); i++)
		if (ELF64_ST_TYPE(sym->st_info) == STT_OBJECT &&
		    !strcmp(symbol_name(out, sym), name))
			break;
	if (!sym)
		return complain(out->file, "has no object %s to tell the layout", name);
	out->bytes = sym->st_size;
	if (!out->bytes || out->bytes % SLOT || out->bytes > SLOTS_MAX * SLOT)
		return complain(out->file, "%s has %zu bytes: not a table of pointers", name,
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
	unsigned int i;

	if (elf_header(ours)->e_machine != elf_header(core)->e_machine)
		return complain(core->file, "is of another architecture than %s", ours->file);
	if (ours->bytes < core->bytes)
		return complain(core->file, "the core's table has %zu bytes, ours only %zu",
				core->bytes, ours->bytes);
	for (i = 0; i < ours->bytes / SLOT; i++)
		if (ours->member[i][0] && strcmp(ours->member[i], core->member[i]))
			return complain(core->file, "at offset %u the core has %s, ours has %s",
					i * SLOT, core->member[i][0] ? core->member[i] : "nothing",
					ours->member[i]);
	return true;
}

static bool check(const struct layout *ours, const char *file)
{
	static struct layout core;
	const struct known *k;

	memset(&core, 0, sizeof(core));
	core.file = file;
	if (!read_layout(&core, TYPE1_TABLE, TYPE1_PREFIX))
		return false;
	k = identify(&core);
	if (!k) {
		complain(file, "this kernel's VFIO driver operations have an unknown layout.");
		fprintf(stderr, "Found:\n  ");
		print_layout(&core, stderr);
		fprintf(stderr, "Expected one of:\n");
		print_known();
		return false;
	}
	if (!serves(ours, &core))
		return false;
	printf("layout %s (%s) by %s\n", k->id, k->kernels, file);
	free(core.data);
	return true;
}

static bool print_file(const char *file)
{
	struct layout l = { .file = file };
	const struct known *k;

	if (!read_layout(&l, TYPE1_TABLE, TYPE1_PREFIX))
		return false;
	k = identify(&l);
	printf("%s, ", k ? k->id : "unknown");
	print_layout(&l, stdout);
	free(l.data);
	return true;
}

int main(int argc, char **argv)
{
	bool checking = argc > 2 && !strcmp(argv[1], "--check");
	struct layout ours = { .file = checking ? argv[2] : NULL };
	bool good = argc > 1;
	int i;

	if (checking && !read_layout(&ours, OUR_TABLE, OUR_PREFIX))
		return 1;
	for (i = checking ? 3 : 1; i < argc; i++)
		good &= checking ? check(&ours, argv[i]) : print_file(argv[i]);
	return good ? 0 : 1;
}
