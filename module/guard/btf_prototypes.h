/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The second opinion of the layout guard: what the kernel's own vfio_iommu_type1 says in its BTF of
 * the prototypes in prototypes.h.
 */
#ifndef VIB_OPINION_H
#define VIB_OPINION_H

#include "object.h"

/**
 * struct vib_opinion - the result of comparing with BTF
 * @agree: how many prototypes were compared and agree
 * @of: how many there are
 * @by_name: all types were compared by name; otherwise some only by which of them are the same
 * @none: why nothing could be compared, or NULL
 */
struct vib_opinion {
	unsigned int agree;
	unsigned int of;
	bool by_name;
	const char *none;
};

/*
 * Compares our prototypes with the BTF of @type1. @base has the kernel's own BTF, bare or in an ELF
 * file; NULL if there is none. It is not used if @type1 does not belong to it. Return: false, with
 * a message, if something differs or the BTF of @type1 is damaged.
 */
bool vib_opinion_ask(const struct vib_object *type1, const struct vib_object *base,
		     struct vib_opinion *opinion);

/* The same for a kernel with type1 built in, whose BTF has everything. */
bool vib_opinion_ask_kernel(const struct vib_object *kernel, struct vib_opinion *opinion);

#endif
