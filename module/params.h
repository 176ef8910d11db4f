/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Module parameters, as the rest of the module sees them. main.c declares them; they are read when
 * they are needed, except where the comment says otherwise.
 */
#ifndef VIB_PARAMS_H
#define VIB_PARAMS_H

#include <linux/types.h>

/**
 * struct vib_params - the module's parameters
 * @claim_type1: answer for VFIO_TYPE1_IOMMU and VFIO_TYPE1v2_IOMMU too
 * @allow_unsafe_interrupts: take groups whose interrupts are not isolated
 * @disable_hugepages: no IOMMU page larger than the CPU's smallest
 * @dma_entry_limit: mappings that charge no locked memory, for each container; read at open
 */
struct vib_params {
	bool claim_type1;
	bool allow_unsafe_interrupts;
	bool disable_hugepages;
	unsigned int dma_entry_limit;
};

#endif
