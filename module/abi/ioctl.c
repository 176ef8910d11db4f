// SPDX-License-Identifier: GPL-2.0-only
/*
 * The user ABI. The only place that reads argsz and touches user pointers to structures; it decides
 * nothing about mappings. No lock is held across a user copy.
 *
 * Checked here is what the arguments alone tell: argsz, flags, the form of a dirty bitmap. What
 * depends on page sizes, mappings or dirty tracking is checked by the engine (map.c, vaddr.c,
 * vib_unmap_check(), dirty_report.c).
 */
#include "ioctl.h"
#include "engine/dirty.h"

#include <linux/iommu.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <uapi/linux/vfio_iommu_batch.h>

#include "batch_dma.h"
#include "caps.h"
#include "claim.h"
#include "compat/vfio.h"
#include "engine/engine.h"
#include "pure/dirtymap.h"
#include "pure/iova.h"
#include "trace/refusal.h"

static bool is_coherent(struct vib_ioas *ioas)
{
	bool coherent;

	mutex_lock(&ioas->tree_lock);
	coherent = ioas->coherent;
	mutex_unlock(&ioas->tree_lock);
	return coherent;
}

/* Can user addresses be taken back? Not with emulated devices, which use them at any time. */
static bool can_update_vaddr(struct vib_ioas *ioas)
{
	bool can;

	mutex_lock(&ioas->tree_lock);
	can = list_empty(&ioas->emulated);
	mutex_unlock(&ioas->tree_lock);
	return can;
}

int vib_ioctl_check_extension(struct vib_ioas *ioas, const struct vib_params *params,
			      unsigned long extension)
{
	switch (extension) {
	case VFIO_BATCH_IOMMU:
		return 1;
	case VFIO_TYPE1_IOMMU:
	case VFIO_TYPE1v2_IOMMU:
	case VFIO_BATCH_CHROMEOS_IOMMU:
		return (ioas && ioas->type != VFIO_BATCH_IOMMU) || vib_claims_current(params);
	case VFIO_UNMAP_ALL:
	case VFIO_BATCH_DMA:
		/* Before SET_IOMMU, type1 may still get the container, and may not have it. */
		return ioas || vib_claims_current(params);
	case VFIO_UPDATE_VADDR:
		return ioas && can_update_vaddr(ioas);
	case VFIO_DMA_CC_IOMMU:
		return ioas && is_coherent(ioas);
	default:
		return 0;
	}
}

/* Copies the capabilities behind the fixed part, or tells in argsz how much room they need. */
static int put_caps(struct vfio_iommu_type1_info *info, struct vfio_info_cap *caps,
		    void __user *arg)
{
	if (!caps->size)
		return 0;
	info->flags |= VFIO_IOMMU_INFO_CAPS;
	if (info->argsz < sizeof(*info) + caps->size) {
		info->argsz = sizeof(*info) + caps->size;
		return 0;
	}
	vfio_info_cap_shift(caps, sizeof(*info));
	if (copy_to_user(arg + sizeof(*info), caps->buf, caps->size))
		return -EFAULT;
	info->cap_offset = sizeof(*info);
	return 0;
}

static long get_info(struct vib_ioas *ioas, void __user *arg)
{
	size_t minsz = offsetofend(struct vfio_iommu_type1_info, iova_pgsizes);
	struct vfio_iommu_type1_info info = {};
	struct vfio_info_cap caps = {};
	size_t size;
	int ret;

	if (copy_from_user(&info, arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz)
		return -EINVAL;
	size = min_t(size_t, info.argsz, sizeof(info));
	info.flags = VFIO_IOMMU_INFO_PGSIZES;
	info.iova_pgsizes = vib_caps_pgsizes(ioas);
	ret = vib_caps_build(ioas, &caps);
	if (!ret)
		ret = put_caps(&info, &caps, arg);
	kfree(caps.buf);
	if (ret)
		return ret;
	return copy_to_user(arg, &info, size) ? -EFAULT : 0;
}

/*
 * The structures of MAP_DMA and UNMAP_DMA are read and written in words, which costs less than a
 * copy. Nothing that is not inlined may be called while user memory can be accessed.
 */
static __always_inline int take_map(struct vfio_iommu_type1_dma_map *map,
				    const struct vfio_iommu_type1_dma_map __user *from)
{
	if (!user_access_begin(from, sizeof(*from)))
		return -EFAULT;
	unsafe_get_user(map->argsz, &from->argsz, err_fault);
	unsafe_get_user(map->flags, &from->flags, err_fault);
	unsafe_get_user(map->vaddr, &from->vaddr, err_fault);
	unsafe_get_user(map->iova, &from->iova, err_fault);
	unsafe_get_user(map->size, &from->size, err_fault);
	user_access_end();
	return 0;

err_fault:
	user_access_end();
	return -EFAULT;
}

static __always_inline int take_unmap(struct vfio_iommu_type1_dma_unmap *unmap,
				      const struct vfio_iommu_type1_dma_unmap __user *from)
{
	if (!user_access_begin(from, sizeof(*from)))
		return -EFAULT;
	unsafe_get_user(unmap->argsz, &from->argsz, err_fault);
	unsafe_get_user(unmap->flags, &from->flags, err_fault);
	unsafe_get_user(unmap->iova, &from->iova, err_fault);
	unsafe_get_user(unmap->size, &from->size, err_fault);
	user_access_end();
	return 0;

err_fault:
	user_access_end();
	return -EFAULT;
}

static __always_inline int put_unmap(struct vfio_iommu_type1_dma_unmap __user *to,
				     const struct vfio_iommu_type1_dma_unmap *unmap)
{
	if (!user_access_begin(to, sizeof(*to)))
		return -EFAULT;
	unsafe_put_user(unmap->argsz, &to->argsz, err_fault);
	unsafe_put_user(unmap->flags, &to->flags, err_fault);
	unsafe_put_user(unmap->iova, &to->iova, err_fault);
	unsafe_put_user(unmap->size, &to->size, err_fault);
	user_access_end();
	return 0;

err_fault:
	user_access_end();
	return -EFAULT;
}

static int prot_of(u32 flags)
{
	return (flags & VFIO_DMA_MAP_FLAG_READ ? IOMMU_READ : 0) |
	       (flags & VFIO_DMA_MAP_FLAG_WRITE ? IOMMU_WRITE : 0);
}

static long map_dma(struct vib_ioas *ioas, void __user *arg)
{
	u32 known = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE | VFIO_DMA_MAP_FLAG_VADDR;
	struct vfio_iommu_type1_dma_map map;
	int ret;

	if (take_map(&map, arg))
		return -EFAULT;
	if (map.argsz < sizeof(map) || map.flags & ~known)
		ret = vib_refuse(ioas->handle, VIB_REASON_ARGS, -EINVAL);
	else if (map.flags & VFIO_DMA_MAP_FLAG_VADDR)
		ret = vib_vaddr_restore(ioas, map.iova, map.vaddr, map.size, prot_of(map.flags));
	else
		ret = vib_map(ioas, map.iova, map.vaddr, map.size, prot_of(map.flags));
	trace_vib_failed(ioas->handle, VIB_CALL_MAP, map.iova, map.size, ret);
	return ret;
}

/* A sink that writes dirty bits to the user's bitmap. */
struct user_bitmap {
	struct vib_dirty_sink sink;
	u64 __user *words;
};

static int put_words(struct vib_dirty_sink *sink, u64 word, u64 *words, u64 n, unsigned int keep)
{
	struct user_bitmap *bitmap = container_of(sink, struct user_bitmap, sink);
	u64 __user *to = bitmap->words + word;
	u64 before;

	if (keep) {
		if (copy_from_user(&before, to, sizeof(before)))
			return -EFAULT;
		words[0] |= before & (BIT_ULL(keep) - 1);
	}
	return copy_to_user(to, words, n * sizeof(*words)) ? -EFAULT : 0;
}

/* Checks the user's description of a bitmap for [iova, iova + size), and makes a sink of it. */
static int get_bitmap(struct user_bitmap *out, const struct vfio_bitmap *user, u64 iova, u64 size)
{
	u64 bits;

	if (!access_ok((void __user *)user->data, user->size))
		return -EINVAL;
	if (!user->pgsize)
		return -EINVAL;
	bits = size >> __ffs64(user->pgsize);
	if (!bits || !user->size || user->size > VIB_DIRTY_BITMAP_MAX ||
	    user->size < vib_dirtymap_words(bits) * sizeof(u64))
		return -EINVAL;
	out->sink.iova = iova;
	out->sink.size = size;
	out->sink.pgsize = user->pgsize;
	out->sink.put = put_words;
	out->words = (u64 __user *)user->data;
	return 0;
}

static int unmap_bitmap(struct user_bitmap *out, const struct vfio_iommu_type1_dma_unmap *unmap,
			void __user *arg)
{
	size_t minsz = offsetofend(struct vfio_iommu_type1_dma_unmap, size);
	struct vfio_bitmap bitmap;

	if (unmap->flags & ~VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP)
		return -EINVAL;
	if (unmap->argsz < minsz + sizeof(bitmap))
		return -EINVAL;
	if (copy_from_user(&bitmap, arg + minsz, sizeof(bitmap)))
		return -EFAULT;
	return get_bitmap(out, &bitmap, unmap->iova, unmap->size);
}

/* UNMAP_DMA with a report of dirty pages. */
static int unmap_reporting(struct vib_ioas *ioas, struct vib_unmap *req,
			   const struct vfio_iommu_type1_dma_unmap *unmap, void __user *arg)
{
	struct user_bitmap bitmap;
	int ret = unmap_bitmap(&bitmap, unmap, arg);

	if (ret)
		return vib_refuse(ioas->handle, VIB_REASON_BITMAP, ret);
	req->sink = &bitmap.sink;
	return vib_unmap(ioas, req);
}

static long unmap_dma(struct vib_ioas *ioas, void __user *arg)
{
	u32 known = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP | VFIO_DMA_UNMAP_FLAG_ALL |
		    VFIO_DMA_UNMAP_FLAG_VADDR;
	struct vfio_iommu_type1_dma_unmap unmap;
	struct vib_unmap req = {};
	int ret;

	if (take_unmap(&unmap, arg))
		return -EFAULT;
	req.iova = unmap.iova;
	req.size = unmap.size;
	req.all = unmap.flags & VFIO_DMA_UNMAP_FLAG_ALL;
	if (unmap.argsz < sizeof(unmap) || unmap.flags & ~known)
		ret = vib_refuse(ioas->handle, VIB_REASON_ARGS, -EINVAL);
	else if (unmap.flags & VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP)
		ret = unmap_reporting(ioas, &req, &unmap, arg);
	else if (unmap.flags & VFIO_DMA_UNMAP_FLAG_VADDR)
		ret = vib_vaddr_invalidate(ioas, &req);
	else
		ret = vib_unmap(ioas, &req);
	trace_vib_failed(ioas->handle, VIB_CALL_UNMAP, unmap.iova, unmap.size, ret);
	if (ret)
		return ret;
	unmap.size = req.unmapped;
	return put_unmap(arg, &unmap);
}

/* Writes dirty bits of a range to the user's bitmap. */
static int report_bitmap(struct vib_ioas *ioas,
			 const struct vfio_iommu_type1_dirty_bitmap_get *get)
{
	struct user_bitmap bitmap;
	u64 last;
	int ret;

	if (!vib_fits_long(get->iova) || !vib_fits_long(get->size))
		return vib_refuse(ioas->handle, VIB_REASON_WRAP, -EOVERFLOW);
	if (!get->size)
		return vib_refuse(ioas->handle, VIB_REASON_EMPTY, -EINVAL);
	if (!vib_range_last(get->iova, get->size, &last))
		return vib_refuse(ioas->handle, VIB_REASON_WRAP, -EOVERFLOW);
	ret = get_bitmap(&bitmap, &get->bitmap, get->iova, get->size);
	if (ret)
		return vib_refuse(ioas->handle, VIB_REASON_BITMAP, ret);
	return vib_dirty_get(ioas, &bitmap.sink);
}

static long get_dirty(struct vib_ioas *ioas, void __user *arg, u32 argsz)
{
	struct vfio_iommu_type1_dirty_bitmap_get get;
	int ret;

	if (argsz - offsetofend(struct vfio_iommu_type1_dirty_bitmap, flags) < sizeof(get))
		return -EINVAL;
	if (copy_from_user(&get, arg, sizeof(get)))
		return -EFAULT;
	ret = report_bitmap(ioas, &get);
	trace_vib_failed(ioas->handle, VIB_CALL_DIRTY, get.iova, get.size, ret);
	return ret;
}

static long dirty_pages(struct vib_ioas *ioas, void __user *arg)
{
	size_t minsz = offsetofend(struct vfio_iommu_type1_dirty_bitmap, flags);
	struct vfio_iommu_type1_dirty_bitmap dirty;

	if (!ioas->v2)
		return -EACCES;
	if (copy_from_user(&dirty, arg, minsz))
		return -EFAULT;
	if (dirty.argsz < minsz)
		return -EINVAL;
	switch (dirty.flags) {
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_START:
		return vib_dirty_start(ioas);
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP:
		vib_dirty_stop(ioas);
		return 0;
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP:
		return get_dirty(ioas, arg + minsz, dirty.argsz);
	default:
		return -EINVAL;
	}
}

long vib_ioctl(struct vib_ioas *ioas, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;

	switch (cmd) {
	case VFIO_IOMMU_GET_INFO:
		return get_info(ioas, user);
	case VFIO_IOMMU_MAP_DMA:
		return map_dma(ioas, user);
	case VFIO_IOMMU_UNMAP_DMA:
		return unmap_dma(ioas, user);
	case VFIO_IOMMU_BATCH_DMA:
		return vib_batch_dma(ioas, user);
	case VFIO_IOMMU_DIRTY_PAGES:
		return dirty_pages(ioas, user);
	default:
		return -ENOTTY;
	}
}
