/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ioctls: copy in, check sizes and flags, call the engine, copy out.
 */
#ifndef VIB_IOCTL_H
#define VIB_IOCTL_H

struct vib_ioas;
struct vib_params;

/*
 * VFIO_CHECK_EXTENSION. Return: 1 for what is offered, else 0, never an errno (the VFIO core would
 * pass it on). @ioas is NULL for a container without a backend. Of ours takes tree_lock only,
 * because KVM asks with the VFIO group's lock held.
 */
int vib_ioctl_check_extension(struct vib_ioas *ioas, const struct vib_params *params,
			      unsigned long extension);

/* Any other ioctl. Return: its value; -ENOTTY for an unknown one. */
long vib_ioctl(struct vib_ioas *ioas, unsigned int cmd, unsigned long arg);

#endif
