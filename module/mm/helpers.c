// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may have helpers, and where they run. Knows neither the work nor what a helper is.
 */
#include "helpers.h"

#include <linux/topology.h>

#include "compat/cpu.h"
#include "compat/mm.h"
#include "helpers_kind.h"

/* Helpers of all callers. */
static atomic_t helpers_alive = ATOMIC_INIT(0);

/* Half of the machine's CPUs, whoever may use them all, and however many calls there are. */
static bool take_place(void)
{
	int most = max(num_online_cpus() / 2, 1U);

	if (atomic_inc_return(&helpers_alive) <= most)
		return true;
	atomic_dec(&helpers_alive);
	return false;
}

static void return_places(unsigned int nr)
{
	atomic_sub(nr, &helpers_alive);
}

/* Would helpers do what the caller does, as far as scheduling and memory policy go? */
static bool can_be_followed(void)
{
	return !(current->flags & PF_KTHREAD) &&
	       !(VIB_HELPERS_ARE_THREADS && vib_compat_has_shadow_stack()) &&
	       (current->policy == SCHED_NORMAL || current->policy == SCHED_BATCH) &&
	       (VIB_HELPERS_ARE_THREADS || !vib_compat_has_mempolicy());
}

/*
 * The CPUs of helpers: those of the caller's node, as memory comes from the node of who touches it.
 * On isolated CPUs somebody may poll, for ever and in real time.
 * Return: how many there are, the caller's included.
 */
static unsigned int choose_cpus(struct vib_helpers *helpers)
{
	struct cpumask *cpus = helpers->cpus;
	int cpu;

	cpumask_and(cpus, &current->cpus_mask, cpumask_of_node(numa_node_id()));
	cpumask_and(cpus, cpus, cpu_online_mask);
	rcu_read_lock();
	if (vib_compat_is_isolated(raw_smp_processor_id()))
		cpumask_clear(cpus);
	for_each_cpu(cpu, cpus)
		if (vib_compat_is_isolated(cpu))
			cpumask_clear_cpu(cpu, cpus);
	rcu_read_unlock();
	return cpumask_weight(cpus);
}

unsigned int vib_helpers_begin(struct vib_helpers *helpers, unsigned int threads)
{
	if (threads < 2 || !can_be_followed())
		return 0;
	if (!alloc_cpumask_var(&helpers->cpus, GFP_KERNEL_ACCOUNT))
		return 0;
	threads = min3(threads, choose_cpus(helpers), (unsigned int)VIB_MAP_THREADS);
	if (threads < 2) {
		free_cpumask_var(helpers->cpus);
		return 0;
	}
	helpers->started = 0;
	helpers->begun = 0;
	atomic_set(&helpers->working, 0);
	init_waitqueue_head(&helpers->idle);
	vib_helper_kind_begin(helpers);
	return threads - 1;
}

void vib_helpers_start(struct vib_helpers *helpers, unsigned int nr)
{
	unsigned int places = 0;

	while (places < nr && can_be_followed() && take_place())
		places++;
	return_places(places - vib_helper_kind_start(helpers, places));
}

void vib_helpers_end(struct vib_helpers *helpers)
{
	unsigned int places = helpers->started;

	vib_helper_kind_end(helpers);
	return_places(places);
	free_cpumask_var(helpers->cpus);
}
