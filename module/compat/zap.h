/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How vfio-pci takes a BAR from those who have mapped it.
 */
#ifndef VIB_COMPAT_ZAP_H
#define VIB_COMPAT_ZAP_H

/*
 * May it go on for as long as somebody faults it in again? Since v6.10 (aac6db75a9fc) it does not;
 * a kernel that does not tell is taken for one that does, which costs time, and nothing else.
 */
#if defined(VIB_HAVE_BAR_LOCK) && !defined(VIB_HAVE_BAR_VMA_LIST)
#define VIB_COMPAT_ZAPS_AGAIN 0
#else
#define VIB_COMPAT_ZAPS_AGAIN 1
#endif

#endif
