// SPDX-License-Identifier: GPL-2.0-only
/*
 * The layout guard, a host program that the build runs.
 *
 * The VFIO core's driver operations are private to the kernel and in no public header; a table of
 * another shape than the core's would crash the machine, and from v7 on nothing checks that at
 * load. But the kernel's own vfio_iommu_type1.ko has such a table: its symbol tells the size, its
 * relocations tell which function is at which offset, and the functions are named after the
 * members. So the shape is read from there. It must be exactly one of layouts.h, and every slot
 * that our own object fills must hold the function of that name. Sizes and offsets alone do not
 * suffice: v5.16 and v6.0 have equal ones with different members.
 *
 *	layout FILE...			prints the layout of each vfio_iommu_type1.ko[.xz...]
 *					and what its BTF says
 *	layout --check OURS.o FILE...	exits with 0 if ours fits the core of every FILE, else
 *					says why not
 *	layout --check OURS.o		for a kernel with type1 built in: compares with the BTF of
 *					the kernel, or goes by the release's number
 *	layout --check OURS.o none	compares nothing, as the user asked (VIB_TYPE1=none)
 *
 * Options, before FILE: --btf=KERNEL, a file with the BTF of the kernel itself, if available;
 * --release=RELEASE, of the kernel; --declared: the headers declare the structure, so the compiler
 * has compared.
 *
 * Names do not tell prototypes. The object's BTF does, if it has some: if the table is our mirror,
 * btf_prototypes.h gives a second opinion. Without BTF there is MODVERSIONS, which compares
 * prototypes at load up to v6.12.
 */
#include <stdio.h>
#include <string.h>

#include "btf_prototypes.h"
#include "table.h"

#define TYPE1_TABLE	"vfio_iommu_driver_ops_type1"
#define TYPE1_PREFIX	"vfio_iommu_type1_"
#define OUR_TABLE	"vib_vfio_ops"
#define OUR_PREFIX	"vib_vfio_"

struct options {
	const char *ours;
	const char *btf;
	const char *release;
	bool declared;
};

/* Does a slot hold the expected member? One that type1 leaves empty is declared all the same. */
static bool has_member(const struct vib_table *l, unsigned int slot, const char *expected)
{
	if (strcmp(expected, "-"))
		return !strcmp(l->member[slot], expected);
	return l->declared == !!l->member[slot][0];
}

static bool matches_known(const struct vib_table *l, const struct known *k)
{
	unsigned int i;

	for (i = 0; i < SLOTS_MAX && k->members[i]; i++)
		if (!has_member(l, i, k->members[i]))
			return false;
	return l->bytes == i * SLOT;
}

static const struct known *find_known(const struct vib_table *l)
{
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (matches_known(l, &known[i]))
			return &known[i];
	return NULL;
}

static void print_layout(const struct vib_table *l, FILE *to)
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
static bool serves_core(const struct vib_table *ours, const struct vib_table *core)
{
	const char *file = core->object.file;
	unsigned int i;

	if (core->object.data &&
	    vib_object_elf(&ours->object)->e_machine != vib_object_elf(&core->object)->e_machine)
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

/* Asks BTF about the prototypes, unless the table is public: then the compiler compared them. */
static bool ask_opinion(const struct vib_table *core, const struct known *k,
			const struct vib_object *kernel, struct vib_opinion *opinion)
{
	if (k->mirrored)
		return core->declared ? vib_opinion_ask_kernel(kernel, opinion) :
		       vib_opinion_ask(&core->object, kernel, opinion);
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

static bool check_core(const struct vib_table *ours, const struct vib_table *core,
		       const struct vib_object *kernel)
{
	const struct known *k = find_known(core);
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
	if (!serves_core(ours, core) || !ask_opinion(core, k, kernel, &opinion))
		return false;
	printf("layout %s (%s) by %s\n", k->id, k->kernels, core->object.file);
	print_opinion(&opinion);
	return true;
}

static bool print_file(const struct vib_table *l, const struct vib_object *kernel)
{
	const struct known *k = find_known(l);
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

/* Checks @file against @ours, or prints it if @ours is NULL. */
static bool look_at(const char *file, const struct vib_table *ours, const struct vib_object *kernel)
{
	static struct vib_table l;
	bool good;

	memset(&l, 0, sizeof(l));
	l.object.file = file;
	good = vib_table_read(&l, TYPE1_TABLE, TYPE1_PREFIX) &&
	       (ours ? check_core(ours, &l, kernel) : print_file(&l, kernel));
	vib_object_free(&l.object);
	return good;
}

/* Fills a table with the members of a layout, as type1's own table has them. */
static void fill_table(struct vib_table *l, const struct known *k)
{
	unsigned int i;

	for (i = 0; i < SLOTS_MAX && k->members[i]; i++)
		snprintf(l->member[i], sizeof(l->member[i]), "%s",
			 strcmp(k->members[i], "-") ? k->members[i] : "");
	l->bytes = i * SLOT;
}

static const struct known *known_by_number(const char *release)
{
	unsigned int major, minor;
	size_t i;

	if (sscanf(release, "%u.%u", &major, &minor) != 2)
		return NULL;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].mirrored && RELEASE(major, minor) >= known[i].first &&
		    RELEASE(major, minor) <= known[i].last)
			return &known[i];
	return NULL;
}

/* The last resort, never a silent one: goes by the release's number, though vendors backport. */
static bool check_release(const struct vib_table *ours, const char *release)
{
	const struct known *k = known_by_number(release);
	static struct vib_table l;

	vib_complain(release, "neither vfio_iommu_type1.ko nor BTF tells its VFIO layout");
	if (!k)
		return vib_complain(release, "nor its number; VIB_TYPE1=none builds all the same");
	l.object.file = release;
	fill_table(&l, k);
	if (!serves_core(ours, &l))
		return false;
	vib_complain(release, "taking that of %s, by its number", k->kernels);
	printf("layout %s (%s) by the number of %s\n", k->id, k->kernels, release);
	return true;
}

/* Checks a kernel that has type1 built in, or not at all. */
static bool check_kernel(const struct vib_table *ours, const struct vib_object *kernel,
			 const struct options *options)
{
	static struct vib_table l;

	if (options->declared) {
		printf("layout as the headers declare it\n");
		return true;
	}
	if (kernel && vib_table_read_kernel(&l, kernel))
		return check_core(ours, &l, kernel);
	return check_release(ours, options->release);
}

static bool check_none(void)
{
	vib_complain("VIB_TYPE1=none", "the VFIO layout is not compared with anything");
	printf("layout not compared\n");
	return true;
}

/* Parses options. Return: index of the first argument that is none; argc also after a bad one. */
static int parse_options(int argc, char **argv, struct options *options)
{
	int i;

	for (i = 1; i < argc && !strncmp(argv[i], "--", 2); i++) {
		if (!strncmp(argv[i], "--btf=", 6))
			options->btf = argv[i] + 6;
		else if (!strncmp(argv[i], "--release=", 10))
			options->release = argv[i] + 10;
		else if (!strcmp(argv[i], "--declared"))
			options->declared = true;
		else if (!strcmp(argv[i], "--check") && i + 1 < argc)
			options->ours = argv[++i];
		else
			return argc;
	}
	return i;
}

int main(int argc, char **argv)
{
	struct options options = { .release = "an unknown kernel" };
	int i = parse_options(argc, argv, &options);
	struct vib_object kernel = { .file = options.btf };
	static struct vib_table ours = { .object.file = NULL };
	bool good = true, have;

	if (i == argc && !options.ours)
		return 1;
	ours.object.file = options.ours;
	if (options.ours && !vib_table_read(&ours, OUR_TABLE, OUR_PREFIX))
		return 1;
	have = kernel.file && vib_object_read(&kernel);
	if (i == argc)
		good = check_kernel(&ours, have ? &kernel : NULL, &options);
	else if (!strcmp(argv[i], "none"))
		good = check_none();
	for (; i < argc && strcmp(argv[i], "none"); i++)
		good &= look_at(argv[i], options.ours ? &ours : NULL, have ? &kernel : NULL);
	vib_object_free(&kernel);
	vib_object_free(&ours.object);
	return good ? 0 : 1;
}
