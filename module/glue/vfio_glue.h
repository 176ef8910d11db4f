/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The two names that main.c knows of the VFIO core.
 */
#ifndef VIB_VFIO_GLUE_H
#define VIB_VFIO_GLUE_H

struct vib_params;

/* Registers with the VFIO core; containers may be opened from now on. Errno of the core. */
int vib_vfio_register(const struct vib_params *params);

/* Takes it back and waits until no call of ours runs any more. */
void vib_vfio_unregister(void);

#endif
