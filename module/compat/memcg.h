/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences of <linux/memcontrol.h>: to whose memory cgroup a kernel thread's allocations are
 * charged, and what is known of a cgroup's limits without waiting.
 */
#ifndef VIB_COMPAT_MEMCG_H
#define VIB_COMPAT_MEMCG_H

#include <linux/memcontrol.h>
#include <linux/sched.h>

/*
 * What set_active_memcg() does in a task; 5.10 does not let modules call that. For kernel threads
 * only, whose allocations are charged to nobody otherwise.
 */
static inline struct mem_cgroup *vib_compat_bill_begin(struct mm_struct *mm)
{
	struct mem_cgroup *bill = get_mem_cgroup_from_mm(mm);

#ifdef CONFIG_MEMCG
	current->active_memcg = bill;
#endif
	return bill;
}

static inline void vib_compat_bill_end(struct mem_cgroup *bill)
{
#ifdef CONFIG_MEMCG
	current->active_memcg = NULL;
#endif
	mem_cgroup_put(bill);
}

/* Has current been charged beyond memory.high, for which it will be made to wait? */
static inline bool vib_compat_is_over_memory_high(void)
{
#ifdef CONFIG_MEMCG
	return current->memcg_nr_pages_over_high;
#else
	return false;
#endif
}

/* It has given that back, so it owes no wait. Nobody else writes there. */
static inline void vib_compat_forget_memory_high(void)
{
#ifdef CONFIG_MEMCG
	current->memcg_nr_pages_over_high = 0;
#endif
}

#endif
