// SPDX-License-Identifier: GPL-2.0-only
/*
 * What stands behind user addresses that GUP refuses. Knows nothing of accounts: device memory is
 * not charged.
 *
 * The pages of one vma are read in one go. GUP before v6.2 does not wait for a long-term pin when
 * the fault handler asks to be called again without mmap_lock (userfaultfd, and some file systems),
 * and says -EFAULT; then the page is faulted in here, once, and GUP gets a second chance.
 */
#include "pfnmap.h"

#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "compat/mm.h"

/* Faults one page in; @unlocked when mmap_lock was dropped on the way and vmas may have changed. */
static int fault_in(struct vib_pin *pin, unsigned long addr, bool *unlocked)
{
	return fixup_user_fault(pin->owner->mm, addr,
				FAULT_FLAG_REMOTE | (pin->write ? FAULT_FLAG_WRITE : 0), unlocked);
}

/* Reads one entry, faulting it in once; -EAGAIN when the vma must be looked up anew. */
static int follow(struct vib_pin *pin, struct vm_area_struct *vma, unsigned long addr,
		  struct vib_pfnmap *map)
{
	bool unlocked = false;
	int ret;

	ret = vib_compat_follow_pfnmap(vma, addr, map);
	if (ret) {
		ret = fault_in(pin, addr, &unlocked);
		if (ret)
			return ret;
		if (unlocked)
			return -EAGAIN;
		ret = vib_compat_follow_pfnmap(vma, addr, map);
		if (ret)
			return ret;
	}
	if (pin->write && !map->writable)
		return -EFAULT;
	/* Ordinary memory in such a vma has an owner that we cannot hold. */
	return pfn_valid(map->pfn) && !PageReserved(pfn_to_page(map->pfn)) ? -EFAULT : 0;
}

/*
 * Appends entries of one vma, until one cannot be read: how many pages, or the errno of the first.
 */
static long append_vma(struct vib_pin *pin, struct vm_area_struct *vma, unsigned long addr,
		       struct vib_extents *out, unsigned int max)
{
	u64 limit = min_t(u64, pin->left, (vma->vm_end - addr) >> PAGE_SHIFT);
	struct vib_pfnmap map;
	u64 done = 0, n;
	int ret = 0;

	while (done < limit && max--) {
		ret = follow(pin, vma, addr + (done << PAGE_SHIFT), &map);
		if (ret)
			break;
		n = pin->scattered ? 1 : min3((u64)map.pages, limit - done, VIB_EXT_PAGES_MAX);
		ret = pin->scattered ? vib_extents_push(out, map.pfn, n, 0) :
				       vib_extents_append(out, map.pfn, n, 0);
		if (ret)
			break;
		done += n;
	}
	return done ? (long)done : ret;
}

/* Gives GUP a second chance at an address, but no third. */
static long fault_once(struct vib_pin *pin, unsigned long addr)
{
	bool unlocked = false;

	if (pin->faulted == pin->vaddr)
		return -EFAULT;
	pin->faulted = pin->vaddr;
	return fault_in(pin, addr, &unlocked);
}

/* One look; -EAGAIN when mmap_lock was dropped on the way. mmap_lock is held for read. */
static long look(struct vib_pin *pin, struct vib_extents *out, unsigned int max)
{
	struct mm_struct *mm = pin->owner->mm;
	unsigned long addr = vib_compat_untag(mm, pin->vaddr);
	struct vm_area_struct *vma;

	mmap_assert_locked(mm);
	vma = vib_compat_vma_lookup(mm, addr);
	if (!vma)
		return -EFAULT;
	if (!(vma->vm_flags & VM_PFNMAP))
		return fault_once(pin, addr);
	return append_vma(pin, vma, addr, out, max);
}

long vib_pfnmap_append(struct vib_pin *pin, struct vib_extents *out, unsigned int max)
{
	struct mm_struct *mm = pin->owner->mm;
	long ret;

	mmap_read_lock(mm);
	do {
		ret = look(pin, out, max);
	} while (ret == -EAGAIN && !fatal_signal_pending(current));
	mmap_read_unlock(mm);
	return ret == -EAGAIN ? -EINTR : ret;
}
