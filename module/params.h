/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Module parameters, as the rest of the module sees them. main.c declares them; they are read when
 * they are needed, unless the comment says otherwise.
 */
#ifndef VIB_PARAMS_H
#define VIB_PARAMS_H

#include <linux/compiler.h>
#include <linux/types.h>

/* Room for the names of claim_only, with the 0 at the end; sysfs takes a page at a time. */
#define VIB_CLAIM_ONLY_SIZE 1024

/* Most threads of a map or an unmap; see mm/helpers.h. */
#define VIB_MAP_THREADS 16

/**
 * struct vib_params - the module's parameters
 * @claim_type1: also answer for VFIO_TYPE1_IOMMU and VFIO_TYPE1v2_IOMMU
 * @claim_only: with @claim_type1, only for processes of these names, or all if empty; protected by
 *	kernel_param_lock(), see abi/claim.h
 * @allow_unsafe_interrupts: accept groups whose interrupts are not isolated
 * @disable_hugepages: use no IOMMU page larger than the CPU's smallest
 * @map_threads: at most as many threads populate the memory of one large map, or unpin it; 1: the
 *	caller alone, 0: as many as it may use CPUs, VIB_MAP_THREADS at most
 * @dma_entry_limit: limit on mappings that charge no locked memory, for each container; read at
 *	open
 */
struct vib_params {
	bool claim_type1;
	char claim_only[VIB_CLAIM_ONLY_SIZE];
	bool allow_unsafe_interrupts;
	bool disable_hugepages;
	unsigned int map_threads;
	unsigned int dma_entry_limit;
};

/* Return: how many threads may share the work of one call; 1: the caller alone. */
static inline unsigned int vib_threads(const struct vib_params *params)
{
	return READ_ONCE(params->map_threads) ?: VIB_MAP_THREADS;
}

#endif
