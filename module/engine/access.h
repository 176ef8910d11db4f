/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Emulated devices (mdev and friends): no IOMMU translates for them; their drivers pin or copy the
 * memory behind an IOVA through us.
 *
 * Locking: pin, unpin and copy take tree_lock for moments and never wait for another call: a
 * mapping that is coming or going is -EINVAL to them. A driver may call all three from inside the
 * notice that a range is being unmapped.
 */
#ifndef VIB_ACCESS_H
#define VIB_ACCESS_H

#include <linux/list.h>
#include <linux/types.h>

struct iommu_group;
struct page;
struct vib_ioas;

/* A device wants to be told of unmaps, and no longer. The second waits for a notice under way. */
void vib_access_register(struct vib_ioas *ioas, struct list_head *device);
void vib_access_unregister(struct vib_ioas *ioas, struct list_head *device);

/**
 * vib_access_pin - pins @npages pages from @iova on
 * @ioas: the address space
 * @group: whose device asks; it is taken to report what it dirties from now on
 * @iova: of the first page
 * @npages: how many
 * @prot: IOMMU_READ and IOMMU_WRITE
 * @pages: gets the pages
 *
 * Return: @npages; or nothing pinned and -EACCES (type1 v1), -EINVAL (no device is registered, no
 * mapping, no struct page), -EOVERFLOW, -EBUSY (user addresses are taken back), -EPERM (not mapped
 * with that access), -ENOMEM, -ESRCH, or GUP's errno.
 */
int vib_access_pin(struct vib_ioas *ioas, struct iommu_group *group, u64 iova, int npages, int prot,
		   struct page **pages);

/* Undoes one vib_access_pin() of each page. */
void vib_access_unpin(struct vib_ioas *ioas, u64 iova, int npages);

/* Copies to (@write) or from the memory behind an IOVA: 0, -EINVAL, -EPERM, -EFAULT, -EBUSY. */
int vib_access_rw(struct vib_ioas *ioas, u64 iova, void *buf, size_t size, bool write);

/*
 * Tells the devices that the DRAINING mappings of @batch go away. What is pinned after that is a
 * driver's bug: the mapping is kept, pinned, until the container is closed. Nothing of ours is
 * held.
 */
void vib_access_notify(struct vib_ioas *ioas, struct list_head *batch);

#endif
