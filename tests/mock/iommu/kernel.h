/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The driver's side of the IOMMU core on the kernels that the mock is for. Kbuild asks the target's
 * header and defines:
 *
 * MOCK_ALLOC_BY_DEVICE   v6.7: domain_alloc_paging(dev); identity and blocked domains are static.
 *                        Before, domain_alloc(type): a domain learns its instance when one attaches
 * MOCK_ATTACH_OLD        v6.19: attach_dev() is told where the device comes from
 * MOCK_PAGES_LIST        v6.16: the free list has a type of its own
 */
#ifndef MOCK_KERNEL_H
#define MOCK_KERNEL_H

#include <linux/iommu.h>

static inline struct list_head *mock_freelist(struct iommu_iotlb_gather *gather)
{
#ifdef MOCK_PAGES_LIST
	return &gather->freelist.pages;
#else
	return &gather->freelist;
#endif
}

#endif
