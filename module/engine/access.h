/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Emulated devices (mdev and friends): no IOMMU translates for them; their drivers pin or copy the
 * memory behind an IOVA through us.
 *
 * Locking: pin, unpin and copy take tree_lock briefly and never wait for another call: for a
 * RESERVED or DRAINING mapping they return -EINVAL. A driver may call all three from inside the
 * notice that a range is being unmapped, and may hold a lock across a pin that it also takes in the
 * notice. So vib_access_notify() holds nothing that a pin needs.
 *
 * How a driver is notified is the VFIO core's business: vib_ioas_open() gets the function, which is
 * vib_vfio_notify() in glue/vfio_ops.c and glue/vfio_ops_510.c.
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
 * The mappings stay busy until vib_access_pin_end(), so that no notice of an unmap comes before the
 * driver has got its pages.
 *
 * Return: 0; or, with nothing pinned or busy: -EACCES (type1 v1), -EINVAL (no device is registered,
 * no mapping, no struct page), -EOVERFLOW, -EBUSY (user addresses are taken back), -EPERM (not
 * mapped with that access), -ENOMEM, -ENODEV (the process has gone), or GUP's errno.
 */
int vib_access_pin(struct vib_ioas *ioas, u64 iova, int npages, int prot, struct page **pages);

/* Ends the busy marks of one vib_access_pin(), just before its pages go to the driver. */
void vib_access_pin_end(struct vib_ioas *ioas, u64 iova, int npages);

/* Undoes one vib_access_pin() of each page. */
void vib_access_unpin(struct vib_ioas *ioas, u64 iova, int npages);

/* access.c */

/* Start and stop notices of unmaps to a device; unregister waits for a notice under way. */
void vib_access_register(struct vib_ioas *ioas, struct list_head *device);
void vib_access_unregister(struct vib_ioas *ioas, struct list_head *device);

/*
 * Return: 0; -EBUSY, with a warning, while user addresses are taken back, which is a bug: emulated
 * devices and a live update exclude each other.
 */
int vib_access_check(struct vib_ioas *ioas);

/* Copies to (@write) or from the memory behind an IOVA: 0, -EINVAL, -EPERM, -EFAULT, -EBUSY. */
int vib_access_rw(struct vib_ioas *ioas, u64 iova, void *buf, size_t size, bool write);

/*
 * Notifies the devices that the DRAINING mappings of @batch, none of them busy, go away; repeats
 * that while pages stay pinned, because a driver may learn late what it has pinned. A page that is
 * pinned even after that is a driver's bug: its mapping gets VIB_F_KEPT. Return: 0, or -EINTR when
 * killed. Nothing of ours is held.
 */
int vib_access_notify(struct vib_ioas *ioas, struct list_head *batch);

#endif
