/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an errno of iommu_attach_group() means.
 *
 * Since v6.2 (the "-EINVAL for incompatible devices" series) -EINVAL is reserved for "this device
 * cannot use this domain". Before, drivers said that with whatever they liked (-EINVAL,
 * -EMEDIUMTYPE, -ENODEV, -EPERM, -EXDEV, -EIO), so all but what cannot mean it is taken for it.
 */
#ifndef VIB_COMPAT_ATTACH_H
#define VIB_COMPAT_ATTACH_H

#include <linux/errno.h>

/* The errno, or -EINVAL where it means, or before v6.2 may mean, that the domain does not suit. */
static inline int vib_compat_attach_error(int ret)
{
#ifdef VIB_HAVE_ATTACH_EINVAL
	return ret;
#else
	switch (ret) {
	case 0:
	case -ENOMEM:
	case -EBUSY:
	case -EINTR:
		return ret;
	default:
		return -EINVAL;
	}
#endif
}

#endif
