/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences of <linux/sched/isolation.h>: which CPUs kernel threads have to stay away from.
 */
#ifndef VIB_COMPAT_CPU_H
#define VIB_COMPAT_CPU_H

#include <linux/sched/isolation.h>

/*
 * By isolcpus=, nohz_full= or, where the kernel tells, an isolated partition of cpusets. The caller
 * holds rcu_read_lock().
 */
static inline bool vib_compat_is_isolated(int cpu)
{
#ifdef VIB_HAVE_CPU_IS_ISOLATED
	/* Knows of cpusets where the masks do not, and not always of nohz_full=. */
	if (cpu_is_isolated(cpu))
		return true;
#endif
#ifdef VIB_HAVE_HK_TYPE
	return !cpumask_test_cpu(cpu, housekeeping_cpumask(HK_TYPE_DOMAIN)) ||
	       !cpumask_test_cpu(cpu, housekeeping_cpumask(HK_TYPE_TICK));
#elif defined(VIB_HAVE_HK_FLAG)
	return !cpumask_test_cpu(cpu, housekeeping_cpumask(HK_FLAG_DOMAIN)) ||
	       !cpumask_test_cpu(cpu, housekeeping_cpumask(HK_FLAG_TICK));
#else
#error "no way known to tell which CPUs are isolated on this kernel"
#endif
}

#endif
