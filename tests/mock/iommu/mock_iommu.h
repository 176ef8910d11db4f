/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A mock IOMMU driver: several instances in front of real PCI devices, with a page table that tests
 * can read back, limits that they choose, calls that fail when they say so, and a list of what a
 * user of the IOMMU API must not do. It translates nothing: no device may do DMA behind it.
 *
 * main.c     instances, devices, registration with the IOMMU core
 * domain.c   domains: allocation, attach, coherency, what an attach changes
 * table.c    the page table, flushes, and what must not happen to them; table_show.c what is in it
 * control.c  commands that tests write
 * report.c   what tests read
 *
 * Everything is under mock_lock, which callers of the core may sleep for. Nothing here knows VFIO.
 */
#ifndef MOCK_IOMMU_H
#define MOCK_IOMMU_H

#include "errors.h"
#include "state.h"

struct dentry;
struct seq_file;

/* main.c */
struct mock_device *mock_device_of(struct device *dev);
/* Can its DMA be made to snoop? */
bool mock_device_coherent(const struct mock_device *mdev);

/* domain.c: allocation for @home (NULL: not known yet); ERR_PTR. */
struct iommu_domain *mock_domain_alloc(struct mock_instance *home);
int mock_domain_attach(struct iommu_domain *iommu, struct device *dev);
void mock_domain_leave(struct device *dev);
void mock_domain_free(struct iommu_domain *iommu);
bool mock_domain_enforce(struct iommu_domain *iommu);
const struct iommu_domain_ops *mock_variant(unsigned int variant);

/* table.c */
int mock_map_pages(struct iommu_domain *iommu, unsigned long iova, phys_addr_t paddr, size_t pgsize,
		   size_t pgcount, int prot, gfp_t gfp, size_t *mapped);
size_t mock_unmap_pages(struct iommu_domain *iommu, unsigned long iova, size_t pgsize,
			size_t pgcount, struct iommu_iotlb_gather *gather);
void mock_flush_all(struct iommu_domain *iommu);
void mock_sync(struct iommu_domain *iommu, struct iommu_iotlb_gather *gather);
phys_addr_t mock_iova_to_phys(struct iommu_domain *iommu, dma_addr_t iova);

/* Drops all entries of a domain that is being freed. */
void mock_table_clear(struct mock_domain *dom);

/* How many IOMMU pages a domain translates, of whatever size. */
unsigned long mock_table_entries(struct mock_domain *dom);

/* A number that two domains have in common if they translate the same. */
u32 mock_table_sum(struct mock_domain *dom);

/* Translations of a domain, merged to runs. */
void mock_table_show(struct mock_domain *dom, struct seq_file *seq);

/* control.c */

/* Counts down; the errno when this call is to fail, else 0. mock_lock is held. */
int mock_fails(enum mock_call call);
void mock_reset(void);

/* Counts down, and waits when this call is to wait. mock_lock is held, but while it waits. */
void mock_hold_call(void);
void mock_debugfs_init(void);

/* report.c */
void mock_report_init(struct dentry *dir);

#endif
