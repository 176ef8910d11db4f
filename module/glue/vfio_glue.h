/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Registration with the VFIO core, for main.c.
 */
#ifndef VIB_VFIO_GLUE_H
#define VIB_VFIO_GLUE_H

struct vib_params;

/* Registers with the VFIO core; containers can be opened from now on. Return: 0 or its errno. */
int vib_vfio_register(const struct vib_params *params);

/* Unregisters and waits until no call of the module runs any more. */
void vib_vfio_unregister(void);

#endif
