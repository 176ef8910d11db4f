// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults memory in, for reading and writing, without pinning it. Takes mmap_lock for read. Knows
 * nothing of who asks.
 *
 * Holds no page, and nothing at all but mmap_lock while a fault sleeps. Stays out of vmas whose
 * faults user space can hold up (userfaultfd, files that are not tmpfs or hugetlbfs).
 */
#include "populate.h"

#include <linux/hugetlb.h>
#include <linux/magic.h>
#include <linux/sched/signal.h>
#include <linux/userfaultfd_k.h>

#include "compat/gup.h"
#include "compat/mm.h"

/* With one hold of mmap_lock, as a fault may wait long where a cgroup is over its memory.high. */
#define AT_ONCE		max_t(u64, SZ_2M, PMD_SIZE)

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
static u64 populate_some(struct mm_struct *mm, u64 vaddr, u64 end)
{
	struct vm_area_struct *vma;
	unsigned int flags;
	unsigned long addr;
	long got = 0;
	u64 bytes;

	if (mmap_read_lock_killable(mm))
		return 0;
	addr = vib_compat_untag(mm, vaddr);
	vma = vib_compat_vma_lookup(mm, addr);
	if (vma && may_populate(vma)) {
		bytes = min3(end - vaddr, (u64)vma->vm_end - addr, AT_ONCE);
		flags = vib_compat_pinnable_save();
		got = vib_compat_populate(mm, addr, bytes >> PAGE_SHIFT, FOLL_WRITE);
		vib_compat_pinnable_restore(flags);
	}
	mmap_read_unlock(mm);
	return got > 0 ? (u64)got << PAGE_SHIFT : 0;
}

bool vib_populate(struct mm_struct *mm, u64 vaddr, u64 end)
{
	u64 bytes;

	for (; vaddr < end; vaddr += bytes) {
		if (fatal_signal_pending(current))
			return false;
		bytes = populate_some(mm, vaddr, end);
		if (!bytes)
			return false;
		cond_resched();
	}
	return true;
}

u64 vib_populate_page_size(struct mm_struct *mm, u64 vaddr)
{
	struct vm_area_struct *vma;
	u64 size = PAGE_SIZE;

	if (mmap_read_lock_killable(mm))
		return 0;
	vma = vib_compat_vma_lookup(mm, vib_compat_untag(mm, vaddr));
	if (vma && is_vm_hugetlb_page(vma))
		size = huge_page_size(hstate_vma(vma));
	mmap_read_unlock(mm);
	return size;
}
