// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pins hugetlb memory by the huge page. Takes mmap_lock for read. Charges nothing.
 *
 * A hugetlb vma maps each huge page as a whole, at addresses aligned to it, and GUP's pin of one
 * page holds the huge page, which the kernel neither splits nor frees while it is held. So if GUP
 * finds a page of it at an address of such a vma, its other pages are at the addresses around that
 * one, at that moment. That the vma is one of hugetlb is looked up under the same hold of
 * mmap_lock: drivers can map single pages of a huge page elsewhere.
 *
 * GUP then must not drop the lock for a fault, so userfaultfd refuses it: the page is faulted in
 * without it, once, and asked for again. Whatever else GUP refuses is left to the way of all other
 * memory, which waits for its turn, tries several times, and knows the errno to return.
 */
#include "huge.h"

#include <linux/hugetlb.h>
#include <linux/mm.h>

#include "compat/gup.h"
#include "compat/mm.h"
#include "compat/present.h"
#include "pfnmap.h"

enum {
	HOLD_CALLS = 8,			/* calls of GUP under one hold of mmap_lock */
	LARGEST = SZ_1G >> PAGE_SHIFT,	/* pages; vib_extents_settle() knows it, too */
	ROOM = 256,			/* extents, at most, for which there is room at once */
};

/**
 * struct huge_walk - progress through one hugetlb vma; mmap_lock is held
 * @pin: of the whole range
 * @vaddr: user address of the next page
 * @left: pages of the vma and the range from there on
 * @nr: pages of a huge page
 * @begun: some are appended
 */
struct huge_walk {
	struct vib_pin *pin;
	unsigned long vaddr;
	u64 left;
	u64 nr;
	bool begun;
};

/* Return: how many pages of the next huge page are to be mapped. */
static u64 next_part(const struct huge_walk *walk)
{
	unsigned long addr = vib_compat_untag(walk->pin->owner->mm, walk->vaddr);

	return min(walk->nr - ((addr >> PAGE_SHIFT) & (walk->nr - 1)), walk->left);
}

/* Has the last extent no huge pages, or those of the walk's size? An extent is of one size. */
static bool is_size_alike(const struct huge_walk *walk, struct vib_extents *out)
{
	u64 last = out->nr ? *vib_extents_last(out) : 0;

	return !(last & VIB_EXT_HUGE) || vib_huge_pages(pfn_to_page(vib_ext_pfn(last))) == walk->nr;
}

/*
 * Appends the next @n pages, held by a pin of @page, which is one of their huge page: its last if
 * @last, else the first of the @n. What begins inside a huge page has a pin of its own, so it goes
 * on with no other extent; nor do huge pages of another size. Return: false, with that pin
 * dropped, if it is another page than a hugetlb vma can have there.
 */
static bool append_part(struct huge_walk *walk, struct vib_extents *out, struct page *page, u64 n,
			bool last)
{
	u64 pfn = page_to_pfn(page) - (last ? n - 1 : 0);
	unsigned long addr = vib_compat_untag(walk->pin->owner->mm, walk->vaddr);
	const u64 flags = VIB_EXT_PINNED | VIB_EXT_ACCOUNTED | VIB_EXT_HUGE;

	if (unlikely(vib_huge_pages(page) != walk->nr ||
		     ((pfn ^ (addr >> PAGE_SHIFT)) & (walk->nr - 1)) ||
		     (pfn & (walk->nr - 1) || !(walk->begun || is_size_alike(walk, out)) ?
		      vib_extents_push(out, pfn, n, flags) :
		      vib_extents_append(out, pfn, n, flags)))) {
		unpin_user_page(page);
		return false;
	}
	walk->begun = true;
	walk->pin->credit -= n;
	walk->pin->accounted += n;
	walk->vaddr += n << PAGE_SHIFT;
	walk->left -= n;
	return true;
}

/*
 * Pins pages with mmap_lock held. Of current's own memory the kernel may have a call that does so
 * without a look at vmas; what that does not find is asked for in the other way.
 */
static long pin_held(const struct huge_walk *walk, u64 vaddr, int nr, struct page **pages)
{
	unsigned int flags = FOLL_LONGTERM | (walk->pin->write ? FOLL_WRITE : 0);
	struct mm_struct *mm = walk->pin->owner->mm;
	int got = mm == current->mm ? vib_compat_pin_present(vaddr, nr, flags, pages) : 0;

	return got > 0 ? got : vib_compat_pin_remote(mm, vaddr, nr, flags, pages);
}

/*
 * Takes the next huge page or two: one call of GUP is asked for the last page of the first and the
 * first page of the second. Return: 1 if some were taken; 0 if not, with @lacking set if that is
 * for want of credit; or GUP's errno.
 */
static long take_next(struct huge_walk *walk, struct vib_extents *out, u64 *lacking)
{
	u64 first = next_part(walk), second = min(walk->nr, walk->left - first);
	struct page *pages[2];
	long got;

	if (first > walk->pin->credit) {
		*lacking = first - walk->pin->credit;
		return 0;
	}
	if (first + second > walk->pin->credit)
		second = 0;
	got = pin_held(walk, walk->vaddr + ((first - 1) << PAGE_SHIFT), second ? 2 : 1, pages);
	if (got <= 0)
		return got ? got : -EFAULT;
	if (!append_part(walk, out, pages[0], first, true)) {
		if (got == 2)
			unpin_user_page(pages[1]);
		return 0;
	}
	return got == 1 || append_part(walk, out, pages[1], second, false);
}

/*
 * Grows the row once, in place of many times, each with an allocation that the kernel clears.
 * Where there is no memory for so many it grows by and by.
 */
static void make_room(struct vib_extents *out, u64 huge)
{
	(void)vib_extents_reserve(out, min_t(u64, huge, ROOM));
}

/* Takes huge pages of the vma at pin->vaddr. Return: as vib_huge_append(). mmap_lock is held. */
static long append_hugetlb(struct vib_pin *pin, struct vib_extents *out, u64 most, u64 *lacking)
{
	struct mm_struct *mm = pin->owner->mm;
	unsigned long addr = vib_compat_untag(mm, pin->vaddr);
	struct huge_walk walk = { .pin = pin, .vaddr = pin->vaddr };
	struct vm_area_struct *vma;
	unsigned int i;
	u64 begin, size;
	long got = 1;

	mmap_assert_locked(mm);
	vma = vib_compat_vma_lookup(mm, addr);
	size = vma ? vma->vm_end - addr : PAGE_SIZE;
	pin->plain = pin->vaddr + size;
	if (!vma || !(vma->vm_flags & VM_HUGETLB))
		return 0;
	walk.nr = vma_kernel_pagesize(vma) >> PAGE_SHIFT;
	if (walk.nr > LARGEST)
		return 0;
	pin->plain = pin->vaddr + PAGE_SIZE;
	begin = min(pin->run, size >> PAGE_SHIFT);
	walk.left = begin;
	make_room(out, min(begin, most) / walk.nr);
	for (i = 0; i < HOLD_CALLS && walk.left && begin - walk.left < most && got > 0; i++)
		got = take_next(&walk, out, lacking);
	if (begin == walk.left)
		return min(got, 0L);
	*lacking = 0;
	return begin - walk.left;
}

static long append_locked(struct vib_pin *pin, struct vib_extents *out, u64 most, u64 *lacking)
{
	long got;

	if (mmap_read_lock_killable(pin->owner->mm))
		return -EINTR;
	got = append_hugetlb(pin, out, most, lacking);
	mmap_read_unlock(pin->owner->mm);
	return got;
}

long vib_huge_append(struct vib_pin *pin, struct vib_extents *out, u64 most, u64 *lacking)
{
	long got;

	*lacking = 0;
	got = append_locked(pin, out, most, lacking);
	if (got == -EFAULT && !vib_pfnmap_fault(pin))
		got = append_locked(pin, out, most, lacking);
	if (got >= 0 || got == -EINTR)
		return got;
	/* As if it had not been asked for yet. */
	pin->faulted = U64_MAX;
	return 0;
}

/* Is the next page @pfn, of a huge page as the vma has? mmap_lock is held. */
static bool is_same_huge(struct huge_walk *walk, u64 pfn)
{
	struct page *page;
	bool same;

	if (vib_compat_get_present(walk->vaddr, 1, walk->pin->write, &page) != 1)
		return false;
	same = page_to_pfn(page) == pfn && vib_huge_pages(page) == walk->nr &&
	       (walk->pin->write || vib_compat_page_anon(page));
	put_page(page);
	return same;
}

/* vib_huge_same() with mmap_lock held. */
static u64 count_same_huge(struct vib_pin *pin, struct vib_extents *ex, struct vib_extent_pos pos,
			   u64 limit, u64 most)
{
	struct mm_struct *mm = pin->owner->mm;
	unsigned long addr = vib_compat_untag(mm, pin->vaddr);
	struct huge_walk walk = { .pin = pin, .vaddr = pin->vaddr };
	struct vm_area_struct *vma = vib_compat_vma_lookup(mm, addr);
	u64 all, n, word;
	unsigned int i;

	mmap_assert_locked(mm);
	if (!vma || !(vma->vm_flags & VM_HUGETLB))
		return 0;
	walk.nr = vma_kernel_pagesize(vma) >> PAGE_SHIFT;
	all = min_t(u64, limit, (vma->vm_end - addr) >> PAGE_SHIFT);
	walk.left = all;
	for (i = 0; i < VIB_HUGE_LOOKS && walk.left && all - walk.left < most; i++) {
		word = vib_extents_at(&pos);
		if (!(word & VIB_EXT_HUGE) || !is_same_huge(&walk, vib_ext_pfn(word)))
			break;
		/* The extent may end inside the huge page. */
		n = min(next_part(&walk), vib_ext_pages(word));
		walk.vaddr += n << PAGE_SHIFT;
		walk.left -= n;
		vib_extents_step(ex, &pos, n);
	}
	return all - walk.left;
}

u64 vib_huge_same(struct vib_pin *pin, struct vib_extents *ex, struct vib_extent_pos pos, u64 limit,
		  u64 most)
{
	u64 same;

	if (mmap_read_lock_killable(pin->owner->mm))
		return 0;
	same = count_same_huge(pin, ex, pos, limit, most);
	mmap_read_unlock(pin->owner->mm);
	return same;
}
