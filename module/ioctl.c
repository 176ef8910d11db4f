// SPDX-License-Identifier: GPL-2.0-only
/*
 * The user ABI. The only place that reads argsz and touches user pointers to structures; it decides
 * nothing about mappings. No lock is held across a user copy.
 */
#include "ioctl.h"

#include <linux/iommu.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>

#include <uapi/linux/vfio_iommu_batch.h>

#include "caps.h"
#include "ioas.h"

static bool is_coherent(struct vib_ioas *ioas)
{
	bool coherent;

	mutex_lock(&ioas->tree_lock);
	coherent = ioas->coherent;
	mutex_unlock(&ioas->tree_lock);
	return coherent;
}

int vib_ioctl_check_extension(struct vib_ioas *ioas, const struct vib_params *params,
			      unsigned long extension)
{
	switch (extension) {
	case VFIO_BATCH_IOMMU:
		return 1;
	case VFIO_TYPE1_IOMMU:
	case VFIO_TYPE1v2_IOMMU:
		/* Who has the container already speaks both, whatever was claimed since. */
		return ioas || READ_ONCE(params->claim_type1);
	case VFIO_UNMAP_ALL:
		return ioas || READ_ONCE(params->claim_type1);
	case VFIO_DMA_CC_IOMMU:
		return ioas && is_coherent(ioas);
	default:
		return 0;
	}
}

/* Hands the chain behind the fixed part to the user, or says how much room it needs. */
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

static int prot_of(u32 flags)
{
	return (flags & VFIO_DMA_MAP_FLAG_READ ? IOMMU_READ : 0) |
	       (flags & VFIO_DMA_MAP_FLAG_WRITE ? IOMMU_WRITE : 0);
}

static long map_dma(struct vib_ioas *ioas, void __user *arg)
{
	size_t minsz = offsetofend(struct vfio_iommu_type1_dma_map, size);
	struct vfio_iommu_type1_dma_map map;

	if (copy_from_user(&map, arg, minsz))
		return -EFAULT;
	if (map.argsz < minsz || map.flags & ~(VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE))
		return -EINVAL;
	return vib_map(ioas, map.iova, map.vaddr, map.size, prot_of(map.flags));
}

static long unmap_dma(struct vib_ioas *ioas, void __user *arg)
{
	size_t minsz = offsetofend(struct vfio_iommu_type1_dma_unmap, size);
	struct vfio_iommu_type1_dma_unmap unmap;
	u64 unmapped;
	int ret;

	if (copy_from_user(&unmap, arg, minsz))
		return -EFAULT;
	if (unmap.argsz < minsz || unmap.flags & ~VFIO_DMA_UNMAP_FLAG_ALL)
		return -EINVAL;
	ret = vib_unmap(ioas, unmap.iova, unmap.size, unmap.flags & VFIO_DMA_UNMAP_FLAG_ALL,
			&unmapped);
	if (ret)
		return ret;
	unmap.size = unmapped;
	return copy_to_user(arg, &unmap, minsz) ? -EFAULT : 0;
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
	default:
		return -ENOTTY;
	}
}
