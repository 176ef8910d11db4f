/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The second opinion of the layout guard: what the kernel's own vfio_iommu_type1 says in its BTF of
 * the prototypes in prototypes.h.
 */
#ifndef VIB_OPINION_H
#define VIB_OPINION_H

#include "object.h"

/**
 * struct vib_opinion - what BTF had to say
 * @agree: prototypes that were compared, and agree
 * @of: so many are expected
 * @by_name: were all types compared by name, not some by which of them are equal
 * @none: why there is no opinion, NULL where there is one
 */
struct vib_opinion {
	unsigned int agree;
	unsigned int of;
	bool by_name;
	const char *none;
};

/*
 * Compares. @base has the kernel's own BTF, bare or in an ELF file; NULL where it is not at hand,
 * and left out where @type1 does not belong to it. False where something differs, or the BTF of
 * @type1 is damaged; says so then.
 */
bool vib_opinion_ask(const struct vib_object *type1, const struct vib_object *base,
		     struct vib_opinion *opinion);

/* The same where type1 is a part of the kernel, and the kernel's BTF has all. */
bool vib_opinion_ask_kernel(const struct vib_object *kernel, struct vib_opinion *opinion);

#endif
