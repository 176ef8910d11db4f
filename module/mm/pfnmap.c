// SPDX-License-Identifier: GPL-2.0-only
/*
 * What stands behind user addresses that GUP refuses. Takes mmap_lock for read. Knows nothing of
 * accounts: device memory is not charged. The pages of one vma are read in one go.
 */
#include "pfnmap.h"

#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "compat/mm.h"
#include "compat/pfnmap.h"

/* Faults one page in. Sets @unlocked if mmap_lock was dropped meanwhile: vmas may have changed. */
static int fault_in(struct vib_pin *pin, unsigned long addr, bool *unlocked)
{
	return fixup_user_fault(pin->owner->mm, addr,
				FAULT_FLAG_REMOTE | (pin->write ? FAULT_FLAG_WRITE : 0), unlocked);
}

/* Reads one entry, faulting it in once. Return: -EAGAIN when the vma must be looked up again. */
static int follow_entry(struct vib_pin *pin, struct vm_area_struct *vma, unsigned long addr,
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
		/* It may be switched off again already. */
		if (vib_compat_follow_pfnmap(vma, addr, map))
			return -EFAULT;
	}
	if (pin->write && !map->writable)
		return -EFAULT;
	/*
	 * Ordinary memory in such a vma belongs to a driver, and we cannot keep it from being
	 * freed.
	 */
	return pfn_valid(map->pfn) && !PageReserved(pfn_to_page(map->pfn)) ? -EFAULT : 0;
}

/*
 * Appends entries of one vma until one cannot be read. Return: how many pages, or the errno of the
 * first entry.
 */
static long append_vma(struct vib_pin *pin, struct vm_area_struct *vma, unsigned long addr,
		       struct vib_extents *out, unsigned int max)
{
	u64 limit = min_t(u64, pin->left, (vma->vm_end - addr) >> PAGE_SHIFT);
	struct vib_pfnmap map;
	u64 done = 0, n;
	int ret = 0;

	while (done < limit && max--) {
		ret = follow_entry(pin, vma, addr + (done << PAGE_SHIFT), &map);
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

/* Looks once. Return: -EAGAIN when mmap_lock was dropped meanwhile. It is held for read. */
static long append_once(struct vib_pin *pin, struct vib_extents *out, unsigned int max)
{
	struct mm_struct *mm = pin->owner->mm;
	unsigned long addr = vib_compat_untag(mm, pin->vaddr);
	struct vm_area_struct *vma;

	mmap_assert_locked(mm);
	vma = vib_compat_vma_lookup(mm, addr);
	if (!vma || !(vma->vm_flags & VM_PFNMAP))
		return 0;
	return pin->watched ? append_vma(pin, vma, addr, out, max) : -EREMOTE;
}

long vib_pfnmap_append(struct vib_pin *pin, struct vib_extents *out, unsigned int max)
{
	struct mm_struct *mm = pin->owner->mm;
	long ret;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	do {
		ret = append_once(pin, out, max);
	} while (ret == -EAGAIN && !fatal_signal_pending(current));
	mmap_read_unlock(mm);
	return ret == -EAGAIN ? -EINTR : ret;
}

int vib_pfnmap_fault(struct vib_pin *pin)
{
	struct mm_struct *mm = pin->owner->mm;
	unsigned long addr = pin->vaddr;
	bool unlocked = false;
	int ret;

	if (pin->faulted == pin->vaddr)
		return -EFAULT;
	pin->faulted = pin->vaddr;
	if (mmap_read_lock_killable(mm))
		return -EINTR;
	addr = vib_compat_untag(mm, addr);
	ret = vib_compat_vma_lookup(mm, addr) ? fault_in(pin, addr, &unlocked) : -EFAULT;
	mmap_read_unlock(mm);
	return ret;
}

/*
 * Reads entries of the vma at pin->vaddr; sets @skip as for vib_pfnmap_peek(). mmap_lock is held.
 */
static long peek_vma(struct vib_pin *pin, struct vib_extents *out, unsigned int max, u64 *skip)
{
	struct mm_struct *mm = pin->owner->mm;
	unsigned long addr = vib_compat_untag(mm, pin->vaddr);
	struct vm_area_struct *vma = vib_compat_vma_lookup(mm, addr);

	if (!vma)
		return -EFAULT;
	*skip = min_t(u64, pin->left, (vma->vm_end - addr) >> PAGE_SHIFT);
	return vma->vm_flags & VM_PFNMAP ? append_vma(pin, vma, addr, out, max) : -EFAULT;
}

long vib_pfnmap_peek(struct vib_pin *pin, struct vib_extents *out, unsigned int max, u64 *skip)
{
	struct mm_struct *mm = pin->owner->mm;
	long ret;

	*skip = pin->left;
	if (!mmap_read_trylock(mm))
		return -EAGAIN;
	ret = peek_vma(pin, out, max, skip);
	mmap_read_unlock(mm);
	return ret;
}

/* Return: how many pages at pin->vaddr are device memory from @pfn on; 0 or an errno if none. */
static long match_some(struct vib_pin *pin, u64 pfn)
{
	struct mm_struct *mm = pin->owner->mm;
	struct vib_extents ex;
	u64 skip;
	long got;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	vib_extents_init(&ex);
	got = peek_vma(pin, &ex, 1, &skip);
	mmap_read_unlock(mm);
	if (got > 0 && vib_ext_pfn(*vib_extents_words(&ex)) != pfn)
		got = 0;
	vib_extents_fini(&ex);
	return got;
}

bool vib_pfnmap_matches(struct vib_pin *pin, u64 pfn)
{
	long got;

	for (; pin->left; pin->left -= got) {
		got = match_some(pin, pfn);
		if (got <= 0)
			return false;
		pin->vaddr += (u64)got << PAGE_SHIFT;
		pfn += got;
		cond_resched();
	}
	return true;
}
