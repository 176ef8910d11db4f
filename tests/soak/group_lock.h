/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Before 5.19 the VFIO core does not lock a group against calls about itself (fixed
 * by e0e29bdb594a): whichever backend serves, two at a time may crash the kernel
 * in __vfio_group_unset_container(). There a process makes them one at a time;
 * elsewhere all at once.
 */
#ifndef VIB_SOAK_GROUP_LOCK_H
#define VIB_SOAK_GROUP_LOCK_H

/* Around what joins, leaves or closes a group, its container or its devices. */
void group_lock(void);
void group_unlock(void);

#endif
