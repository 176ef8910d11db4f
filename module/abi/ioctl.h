/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The user ABI's door: copies in, checks sizes and flags, calls the engine, copies out.
 */
#ifndef VIB_IOCTL_H
#define VIB_IOCTL_H

struct vib_ioas;
struct vib_params;

/*
 * VFIO_CHECK_EXTENSION: 1 for what is offered, else 0, never an errno (the VFIO core would pass it
 * on).
 * @ioas is NULL for a container without a backend. Takes no lock but tree_lock: KVM asks with the
 * VFIO group's lock held.
 */
int vib_ioctl_check_extension(struct vib_ioas *ioas, const struct vib_params *params,
			      unsigned long extension);

/* Any other ioctl; -ENOTTY for what is unknown. */
long vib_ioctl(struct vib_ioas *ioas, unsigned int cmd, unsigned long arg);

#endif
