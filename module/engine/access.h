/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Emulated devices (mdev and friends): no IOMMU translates for them; their drivers pin or copy the
 * memory behind an IOVA through us.
 *
 * Locking: pin, unpin and copy take tree_lock for moments and never wait for another call: a
 * mapping that is coming or going is -EINVAL to them. A driver may call all three from inside the
 * notice that a range is being unmapped, and may hold a lock across a pin that it also takes in the
 * notice. So whoever sends a notice holds nothing that a pin needs.
 */
#ifndef VIB_ACCESS_H
#define VIB_ACCESS_H

#include <linux/list.h>
#include <linux/types.h>

struct page;
struct vib_ioas;

/* access_pin.c */

/**
 * vib_access_pin - pins @npages pages from @iova on
 * @ioas: the address space
 * @iova: of the first page
 * @npages: how many
 * @prot: IOMMU_READ and IOMMU_WRITE
 * @pages: gets the pages
 *
 * The mappings stay busy, so that no device is told of an unmap while this one does not know yet
 * what it has pinned, until vib_access_pin_end().
 *
 * Return: 0; or nothing pinned nor busy and -EACCES (type1 v1), -EINVAL (no device is registered,
 * no mapping, no struct page), -EOVERFLOW, -EBUSY (user addresses are taken back), -EPERM (not
 * mapped with that access), -ENOMEM, -ENODEV (the process has gone), or GUP's errno.
 */
int vib_access_pin(struct vib_ioas *ioas, u64 iova, int npages, int prot, struct page **pages);

/* The pages of one vib_access_pin() are about to be the driver's. */
void vib_access_pin_end(struct vib_ioas *ioas, u64 iova, int npages);

/* Undoes one vib_access_pin() of each page. */
void vib_access_unpin(struct vib_ioas *ioas, u64 iova, int npages);

/* access.c */

/* A device wants to be told of unmaps, and no longer. The second waits for a notice under way. */
void vib_access_register(struct vib_ioas *ioas, struct list_head *device);
void vib_access_unregister(struct vib_ioas *ioas, struct list_head *device);

/*
 * -EBUSY while user addresses are taken back, else 0. It cannot be: emulated devices and a live
 * update exclude each other.
 */
int vib_access_check(struct vib_ioas *ioas);

/* Copies to (@write) or from the memory behind an IOVA: 0, -EINVAL, -EPERM, -EFAULT, -EBUSY. */
int vib_access_rw(struct vib_ioas *ioas, u64 iova, void *buf, size_t size, bool write);

/*
 * Tells the devices that the DRAINING mappings of @batch, which nobody is busy with, go away; again
 * and again where pages stay pinned, for a driver may be slow to know what it has pinned. What is
 * pinned after that is a driver's bug: the mapping gets VIB_F_KEPT. -EINTR when killed. Nothing of
 * ours is held.
 */
int vib_access_notify(struct vib_ioas *ioas, struct list_head *batch);

#endif
