// SPDX-License-Identifier: GPL-2.0-only
/* See info.h. */
#include <errno.h>
#include <string.h>

#include "container.h"
#include "info.h"

enum { ANSWER_SIZE = 4096 };

union answer {
	struct vfio_iommu_type1_info head;
	char bytes[ANSWER_SIZE];
};

static int take_windows(struct info *info, const union answer *answer,
			__u32 offset)
{
	const struct vfio_iommu_type1_info_cap_iova_range *cap;
	unsigned int i;

	cap = (const void *)(answer->bytes + offset);
	if (cap->nr_iovas > INFO_MAX_WINDOWS)
		return -EPROTO;
	if (offset + sizeof(*cap) + cap->nr_iovas * 16ul > answer->head.argsz)
		return -EPROTO;
	info->nwindows = cap->nr_iovas;
	for (i = 0; i < cap->nr_iovas; i++) {
		info->window[i].start = cap->iova_ranges[i].start;
		info->window[i].last = cap->iova_ranges[i].end;
	}
	return 0;
}

/* As the kernel writes it: a client of 32 bits finds no padding in <linux/vfio.h>. */
static void take_migration(struct info *info, const char *cap)
{
	struct {
		struct vfio_info_cap_header header;
		__u32 flags;
		__u32 padding;
		__u64 pgsize_bitmap;
		__u64 max_dirty_bitmap_size;
	} wide;

	memcpy(&wide, cap, sizeof(wide));
	info->migration.flags = wide.flags;
	info->migration.pgsize_bitmap = wide.pgsize_bitmap;
	info->migration.max_dirty_bitmap_size = wide.max_dirty_bitmap_size;
}

static int take_cap(struct info *info, const union answer *answer,
		    __u32 offset)
{
	const struct vfio_info_cap_header *header;

	header = (const void *)(answer->bytes + offset);
	if (info->ncaps == INFO_MAX_CAPS)
		return -EPROTO;
	info->cap[info->ncaps++] = (struct info_cap){
		.id = header->id,
		.version = header->version,
		.offset = offset,
	};

	switch (header->id) {
	case VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE:
		return take_windows(info, answer, offset);
	case VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION:
		take_migration(info, answer->bytes + offset);
		return 0;
	case VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL:
		info->avail = ((const struct vfio_iommu_type1_info_dma_avail *)
			       header)->avail;
		return 0;
	}
	return 0;
}

static int take_chain(struct info *info, const union answer *answer)
{
	const struct vfio_info_cap_header *header;
	__u32 offset = info->cap_offset, next;
	int ret;

	while (offset) {
		if (offset + sizeof(*header) > answer->head.argsz)
			return -EPROTO;
		header = (const void *)(answer->bytes + offset);
		ret = take_cap(info, answer, offset);
		if (ret)
			return ret;
		next = header->next;
		if (next && next <= offset)
			return -EPROTO;
		offset = next;
	}
	return 0;
}

int info_get(int container, struct info *info)
{
	union answer answer = { .head.argsz = sizeof(answer) };
	int ret;

	ret = vfio_ioctl(container, VFIO_IOMMU_GET_INFO, &answer);
	if (ret)
		return ret;

	memset(info, 0, sizeof(*info));
	info->argsz = answer.head.argsz;
	info->flags = answer.head.flags;
	info->pgsizes = answer.head.iova_pgsizes;
	if (info->flags & VFIO_IOMMU_INFO_CAPS)
		info->cap_offset = answer.head.cap_offset;
	return take_chain(info, &answer);
}

const struct info_cap *info_cap(const struct info *info, __u16 id)
{
	unsigned int i;

	for (i = 0; i < info->ncaps; i++) {
		if (info->cap[i].id == id)
			return &info->cap[i];
	}
	return NULL;
}

bool info_inside(const struct info *info, __u64 start, __u64 last)
{
	unsigned int i;

	for (i = 0; i < info->nwindows; i++) {
		if (start >= info->window[i].start &&
		    last <= info->window[i].last)
			return true;
	}
	return false;
}

long info_avail(int container)
{
	struct info info;
	int ret;

	ret = info_get(container, &info);
	if (ret)
		return ret;
	if (!info_cap(&info, VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL))
		return -ENOENT;
	return info.avail;
}

long entries_room(enum backend backend, int container)
{
	if (backend == BACKEND_TYPE1)
		return info_avail(container);
	return containers_value("entries_left:");
}
