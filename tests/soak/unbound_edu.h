/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An edu device in nobody's hands: what root can make it do by sysfs when VFIO
 * has let go of it. For DMA after a container is closed.
 */
#ifndef VIB_SOAK_UNBOUND_EDU_H
#define VIB_SOAK_UNBOUND_EDU_H

#include "../kselftest/lib/edu.h"

/*
 * Takes the device at @addr (0000:00:10.0) as a bus master; 0 or -errno, -EINVAL
 * as long as a driver has its registers.
 */
int unbound_edu_open(struct edu *edu, const char *addr);

/* Does nothing if it was not had. */
void unbound_edu_close(struct edu *edu, const char *addr);

#endif
