// SPDX-License-Identifier: GPL-2.0-only
/*
 * Populates memory with several threads. Takes mmap_lock for read. Knows nothing of pins, charges,
 * IOVAs or containers.
 *
 * A window of the range is cut into chunks. All threads, the caller too, take chunks until none is
 * left; while the caller then pins the window, the helpers go on with the next one. Whether memory
 * is untouched is told by the page faults that the caller had while it pinned: memory that is there
 * costs a comparison for each GUP call.
 *
 * A helper is a kernel thread in the caller's cgroups, on those of its CPUs that are of its node,
 * with its nice value; or it does nothing. What it faults in is charged as the caller's fault would
 * be: for pages the kernel takes the memory cgroup from the mm, for page tables from the thread. It
 * holds no page, and nothing at all but mmap_lock while a fault sleeps; it stays out of vmas whose
 * faults user space can hold up (userfaultfd, files that are not tmpfs or hugetlbfs). It has left
 * the caller's cgroups before the call ends.
 *
 * Invariants: a helper touches the crew only between vib_crew_advance() and vib_crew_end(), which
 * waits for it; so the caller's mm lives. crew->next only grows, and chunks are taken in order.
 */
#include "crew.h"

#include <linux/cgroup.h>
#include <linux/cpumask.h>
#include <linux/hugetlb.h>
#include <linux/kthread.h>
#include <linux/magic.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/userfaultfd_k.h>

#include "compat/memcg.h"
#include "compat/gup.h"
#include "compat/mm.h"
#include "pin.h"
#include "trace/trace.h"

#define WINDOW		((u64)SZ_128M)
#define CHUNK		((u64)SZ_4M)

/*
 * Grows with what the calling thread faults in, and with the process's hugetlb memory: up to 6.4
 * GUP faults that in without counting it.
 */
static u64 fault_count(struct mm_struct *mm)
{
	return current->min_flt + current->maj_flt + vib_compat_hugetlb_usage(mm);
}

static unsigned int parity_of(u64 vaddr)
{
	return vaddr / WINDOW & 1;
}

/* Device nodes in /dev have such a superblock, too. */
static bool is_tmpfs(const struct inode *inode)
{
	return S_ISREG(inode->i_mode) && inode->i_sb->s_magic == TMPFS_MAGIC;
}

/* Can a thread of ours do what the caller's fault would do, and is that sure to end? */
static bool may_populate(struct vm_area_struct *vma)
{
	if (vma->vm_flags & (VM_IO | VM_PFNMAP) || !(vma->vm_flags & VM_WRITE) ||
	    userfaultfd_armed(vma))
		return false;
	return vma_is_anonymous(vma) || is_vm_hugetlb_page(vma) ||
	       (vma->vm_file && is_tmpfs(file_inode(vma->vm_file)));
}

/* Return: bytes that are there now, from @vaddr on; 0 if it cannot be told, or cannot be done. */
static u64 populate_some(struct vib_crew *crew, u64 vaddr, u64 end)
{
	struct vm_area_struct *vma;
	unsigned int flags;
	unsigned long addr;
	long got = 0;
	u64 bytes;

	if (mmap_read_lock_killable(crew->mm))
		return 0;
	addr = vib_compat_untag(crew->mm, vaddr);
	vma = vib_compat_vma_lookup(crew->mm, addr);
	if (vma && may_populate(vma)) {
		bytes = min_t(u64, end - vaddr, vma->vm_end - addr);
		flags = vib_compat_pinnable_save();
		got = vib_compat_populate(crew->mm, addr, bytes >> PAGE_SHIFT, FOLL_WRITE);
		vib_compat_pinnable_restore(flags);
	}
	mmap_read_unlock(crew->mm);
	return got > 0 ? (u64)got << PAGE_SHIFT : 0;
}

static bool populate_chunk(struct vib_crew *crew, u64 vaddr, u64 end)
{
	u64 bytes;

	for (; vaddr < end; vaddr += bytes) {
		if (fatal_signal_pending(current))
			return false;
		bytes = populate_some(crew, vaddr, end);
		if (!bytes)
			return false;
		cond_resched();
	}
	return true;
}

/* Takes the next chunk below @limit. */
static bool take_chunk(struct vib_crew *crew, u64 limit, u64 *start, u64 *end)
{
	bool taken;

	spin_lock(&crew->lock);
	limit = min(limit, crew->open);
	taken = crew->next < limit && !crew->failed;
	if (taken) {
		*start = crew->next;
		*end = min(round_down(*start + crew->chunk, crew->chunk), limit);
		crew->next = *end;
		crew->busy[parity_of(*start)]++;
	}
	spin_unlock(&crew->lock);
	return taken;
}

/* Takes and populates a chunk below @limit. Return: false if there is none. */
static bool help_once(struct vib_crew *crew, u64 limit)
{
	u64 start, end, faults = fault_count(crew->mm);
	bool done;

	if (!take_chunk(crew, limit, &start, &end))
		return false;
	done = populate_chunk(crew, start, end);
	spin_lock(&crew->lock);
	crew->busy[parity_of(start)]--;
	crew->faults[parity_of(start)] += fault_count(crew->mm) - faults;
	crew->failed |= !done;
	crew->pages += (end - start) >> PAGE_SHIFT;
	spin_unlock(&crew->lock);
	wake_up_all(&crew->wait);
	return true;
}

static bool has_chunk(struct vib_crew *crew)
{
	bool has;

	spin_lock(&crew->lock);
	has = crew->next < crew->open && !crew->failed;
	spin_unlock(&crew->lock);
	return has;
}

/* Will there be no chunk any more? */
static bool is_over(struct vib_crew *crew)
{
	bool over;

	spin_lock(&crew->lock);
	over = crew->next >= crew->stop || crew->failed;
	spin_unlock(&crew->lock);
	return over;
}

static bool is_idle(struct vib_crew *crew, unsigned int parity)
{
	bool idle;

	spin_lock(&crew->lock);
	idle = !crew->busy[parity];
	spin_unlock(&crew->lock);
	return idle;
}

/* Makes a helper what the caller is, as far as limits and accounts go. */
static int follow_caller(struct vib_crew *crew)
{
	int ret = cgroup_attach_task_all(crew->caller, current);

	if (!ret)
		ret = set_cpus_allowed_ptr(current, crew->cpus);
	if (!ret)
		set_user_nice(current, task_nice(crew->caller));
	return ret;
}

/*
 * A kernel thread that is still ending counts as one that does not freeze, and nobody looks again
 * when it is gone: the cgroup would never be reported frozen. So a helper is elsewhere before the
 * call ends. Without memory for that, it is as if it had stayed.
 */
static void leave_caller(void)
{
	(void)cgroup_attach_task_all(&init_task, current);
}

static void help_until_over(struct vib_crew *crew)
{
	struct mem_cgroup *bill = vib_compat_bill_begin(crew->mm);

	while (!kthread_should_stop() && !is_over(crew))
		if (!help_once(crew, U64_MAX))
			wait_event_idle(crew->wait, kthread_should_stop() || is_over(crew) ||
					has_chunk(crew));
	vib_compat_bill_end(bill);
}

static int help_main(void *data)
{
	struct vib_crew *crew = data;

	/* Ends a fault that waits for memory; nothing but vib_crew_end() sends it. */
	allow_kernel_signal(SIGKILL);
	if (kthread_should_stop())
		return 0;
	if (!follow_caller(crew))
		help_until_over(crew);
	leave_caller();
	return 0;
}

static void start_helpers(struct vib_crew *crew)
{
	struct task_struct *task;

	for (; crew->wanted; crew->wanted--) {
		task = kthread_create_on_node(help_main, crew, NUMA_NO_NODE, "vib-map/%d",
					      current->tgid);
		if (IS_ERR(task)) {
			crew->wanted = 0;
			return;
		}
		crew->helper[crew->started++] = get_task_struct(task);
		wake_up_process(task);
	}
}

/* Lets threads take chunks from @vaddr up to @end. */
static void open_window(struct vib_crew *crew, u64 vaddr, u64 end)
{
	spin_lock(&crew->lock);
	crew->next = max(crew->next, vaddr);
	crew->open = max(crew->open, end);
	spin_unlock(&crew->lock);
	wake_up_all(&crew->wait);
}

/* Ends a window. Return: was it worth while, so that the next one can be begun? */
static bool close_window(struct vib_crew *crew, unsigned int parity)
{
	bool useful;

	spin_lock(&crew->lock);
	useful = crew->faults[parity] && !crew->failed;
	crew->faults[parity] = 0;
	spin_unlock(&crew->lock);
	return useful;
}

static u64 window_end(struct vib_crew *crew, u64 vaddr)
{
	return min(round_down(vaddr, WINDOW) + WINDOW, crew->stop);
}

static void populate_window(struct vib_crew *crew, u64 vaddr)
{
	u64 end = window_end(crew, vaddr);
	unsigned int parity = parity_of(vaddr);

	open_window(crew, vaddr, end);
	start_helpers(crew);
	while (help_once(crew, end))
		;
	if (wait_event_killable(crew->wait, is_idle(crew, parity)))
		return;
	if (close_window(crew, parity))
		open_window(crew, end, window_end(crew, end));
	crew->populated = end;
}

void vib_crew_advance(struct vib_crew *crew, u64 vaddr)
{
	u64 faults;

	if (vaddr < crew->populated || crew->failed)
		return;
	faults = fault_count(crew->mm);
	if (crew->open > vaddr || faults != crew->seen)
		populate_window(crew, vaddr);
	crew->seen = fault_count(crew->mm);
}

/*
 * Return: bytes that a thread takes at a time, so that no huge page is left to two; 0 if a window
 * has too few of them.
 */
static u64 chunk_size(struct mm_struct *mm, u64 vaddr)
{
	u64 size = max_t(u64, CHUNK, PMD_SIZE);
	struct vm_area_struct *vma;

	if (mmap_read_lock_killable(mm))
		return 0;
	vma = vib_compat_vma_lookup(mm, vib_compat_untag(mm, vaddr));
	if (vma && is_vm_hugetlb_page(vma))
		size = max_t(u64, size, huge_page_size(hstate_vma(vma)));
	mmap_read_unlock(mm);
	return size <= WINDOW / 4 ? size : 0;
}

/*
 * The CPUs of helpers: those of the caller's node, as memory comes from the node of who touches it.
 * Return: how many there are, the caller's included.
 */
static unsigned int choose_cpus(struct vib_crew *crew)
{
	cpumask_and(crew->cpus, &current->cpus_mask, cpumask_of_node(numa_node_id()));
	cpumask_and(crew->cpus, crew->cpus, cpu_online_mask);
	return cpumask_weight(crew->cpus);
}

/* Would helpers do what the caller does, as far as scheduling and memory policies go? */
static bool can_be_followed(void)
{
	return (current->policy == SCHED_NORMAL || current->policy == SCHED_BATCH) &&
	       !vib_compat_has_mempolicy();
}

void vib_crew_begin(struct vib_crew *crew, struct vib_pin *pin, unsigned int threads)
{
	struct mm_struct *mm = pin->owner->mm;
	u64 chunk;

	if (threads < 2 || !pin->write || mm != current->mm || !can_be_followed())
		return;
	chunk = chunk_size(mm, pin->vaddr);
	if (!chunk)
		return;
	memset(crew, 0, sizeof(*crew));
	if (!alloc_cpumask_var(&crew->cpus, GFP_KERNEL_ACCOUNT))
		return;
	threads = min3(threads, choose_cpus(crew), (unsigned int)VIB_MAP_THREADS);
	if (threads < 2) {
		free_cpumask_var(crew->cpus);
		return;
	}
	crew->mm = mm;
	crew->caller = current;
	crew->wanted = min_t(u64, threads - 1, pin->left / VIB_CREW_PAGES);
	crew->chunk = chunk;
	crew->stop = pin->vaddr + (pin->left << PAGE_SHIFT);
	crew->seen = fault_count(crew->mm);
	init_waitqueue_head(&crew->wait);
	spin_lock_init(&crew->lock);
	pin->crew = crew;
}

void vib_crew_end(struct vib_crew *crew)
{
	unsigned int i;

	spin_lock(&crew->lock);
	crew->failed = true;
	spin_unlock(&crew->lock);
	for (i = 0; i < crew->started; i++)
		send_sig(SIGKILL, crew->helper[i], 1);
	for (i = 0; i < crew->started; i++) {
		kthread_stop(crew->helper[i]);
		put_task_struct(crew->helper[i]);
	}
	free_cpumask_var(crew->cpus);
	if (crew->pages)
		trace_vib_populate(crew->started, crew->pages);
}
