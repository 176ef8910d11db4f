/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences of <linux/list_sort.h>: v5.13 (4f0f586bf0c8) made what is compared const.
 */
#ifndef VIB_COMPAT_LIST_H
#define VIB_COMPAT_LIST_H

#include <linux/list_sort.h>

typedef int (*vib_list_cmp_fn)(void *, const struct list_head *, const struct list_head *);
typedef int (*vib_list_cmp_old_fn)(void *, struct list_head *, struct list_head *);
typedef void (*vib_list_sort_fn)(void *, struct list_head *, vib_list_cmp_fn);
typedef void (*vib_list_sort_old_fn)(void *, struct list_head *, vib_list_cmp_old_fn);

static inline void vib_compat_list_sort(struct list_head *head, vib_list_cmp_fn cmp)
{
	BUILD_BUG_ON_MSG(!VIB_IS_TYPE(list_sort, vib_list_sort_fn) &&
			 !VIB_IS_TYPE(list_sort, vib_list_sort_old_fn),
			 "list_sort() has a signature that this module does not know");
	if (VIB_IS_TYPE(list_sort, vib_list_sort_fn))
		VIB_AS_TYPE(list_sort, vib_list_sort_fn)(NULL, head, cmp);
	else
		VIB_AS_TYPE(list_sort, vib_list_sort_old_fn)(NULL, head, (vib_list_cmp_old_fn)cmp);
}

#endif
