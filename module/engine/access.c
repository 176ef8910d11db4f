// SPDX-License-Identifier: GPL-2.0-only
/*
 * Notices of unmaps to emulated devices, and copies for them. Knows nothing of domains, and of
 * pinned pages only whether there are any.
 */
#include "access.h"
#include "dirty.h"

#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "engine.h"
#include "states.h"

enum {
	/* A device with pages still pinned is notified again after 1, 2, 4 ... ms: for a second. */
	NOTIFY_RETRIES = 10,
};

void vib_access_register(struct vib_ioas *ioas, struct list_head *device)
{
	mutex_lock(&ioas->device_lock);
	list_add(device, &ioas->devices);
	mutex_unlock(&ioas->device_lock);
}

void vib_access_unregister(struct vib_ioas *ioas, struct list_head *device)
{
	mutex_lock(&ioas->device_lock);
	list_del_init(device);
	mutex_unlock(&ioas->device_lock);
}

int vib_access_check(struct vib_ioas *ioas)
{
	return WARN_ONCE(READ_ONCE(ioas->invalid),
			 "vfio_iommu_batch: emulated device used during a live update\n") ?
	       -EBUSY : 0;
}

static void end_copy(struct vib_ioas *ioas, struct vib_mapping *map)
{
	LIST_HEAD(orphans);

	mutex_lock(&ioas->tree_lock);
	vib_mapping_unbusy(ioas, map, &orphans);
	mutex_unlock(&ioas->tree_lock);
	if (!list_empty(&orphans))
		vib_retire(ioas, &orphans);
}

/*
 * Finds the LIVE mapping at @iova, if it may be copied from or, with @write, to. tree_lock is held.
 */
static int find_copyable(struct vib_ioas *ioas, u64 iova, bool write, struct vib_mapping **found)
{
	struct vib_mapping *map = vib_mapping_find_live(ioas, iova);

	if (!map)
		return -EINVAL;
	if (map->flags & VIB_F_INVALID)
		return -EBUSY;
	if (!(map->prot & IOMMU_READ) || (write && !(map->prot & IOMMU_WRITE)))
		return -EPERM;
	*found = map;
	return 0;
}

/* Copies as far as one mapping reaches. Return: how many bytes, or an errno. */
static ssize_t copy_part(struct vib_ioas *ioas, u64 iova, void *buf, size_t size, bool write)
{
	struct vib_mapping *map;
	int ret;

	mutex_lock(&ioas->tree_lock);
	ret = find_copyable(ioas, iova, write, &map);
	if (!ret)
		map->busy++;
	mutex_unlock(&ioas->tree_lock);
	if (ret)
		return ret;
	size = min_t(u64, size, map->span.last - iova + 1);
	ret = vib_owner_copy(map->owner, map->vaddr + (iova - map->span.start), buf, size, write);
	if (!ret && write) {
		mutex_lock(&ioas->tree_lock);
		vib_dirty_mark(map, iova, size);
		mutex_unlock(&ioas->tree_lock);
	}
	end_copy(ioas, map);
	return ret ? ret : (ssize_t)size;
}

int vib_access_rw(struct vib_ioas *ioas, u64 iova, void *buf, size_t size, bool write)
{
	ssize_t done;
	int ret;

	ret = vib_access_check(ioas);
	if (ret)
		return ret;
	for (; size; iova += done, buf += done, size -= done) {
		done = copy_part(ioas, iova, buf, size, write);
		if (done < 0)
			return done;
	}
	return 0;
}

static bool has_pins(struct vib_ioas *ioas, struct vib_mapping *map)
{
	bool pinned;

	mutex_lock(&ioas->tree_lock);
	pinned = !RB_EMPTY_ROOT(&map->pins);
	mutex_unlock(&ioas->tree_lock);
	return pinned;
}

static void tell_devices(struct vib_ioas *ioas, struct vib_mapping *map)
{
	struct list_head *device;

	mutex_lock(&ioas->device_lock);
	list_for_each(device, &ioas->devices)
		ioas->notify(device, map->span.start, vib_span_size(&map->span));
	mutex_unlock(&ioas->device_lock);
}

/* Notifies devices of every mapping with pins. Return: whether some still have pins afterwards. */
static bool tell_batch(struct vib_ioas *ioas, struct list_head *batch)
{
	struct vib_mapping *map;
	bool pinned = false;

	list_for_each_entry(map, batch, node) {
		/* Nothing can be pinned in a DRAINING mapping, so this needs no lock. */
		if (RB_EMPTY_ROOT(&map->pins))
			continue;
		tell_devices(ioas, map);
		pinned |= has_pins(ioas, map);
	}
	return pinned;
}

static void mark_kept(struct vib_ioas *ioas, struct list_head *batch)
{
	struct vib_mapping *map;

	list_for_each_entry(map, batch, node)
		if (WARN_ONCE(has_pins(ioas, map),
			      "vfio_iommu_batch: a device keeps pages of an unmapped range\n"))
			map->flags |= VIB_F_KEPT;
}

int vib_access_notify(struct vib_ioas *ioas, struct list_head *batch)
{
	unsigned int times;

	for (times = 0; tell_batch(ioas, batch); times++) {
		if (times == NOTIFY_RETRIES) {
			mark_kept(ioas, batch);
			break;
		}
		schedule_timeout_killable(msecs_to_jiffies(1U << times));
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return 0;
}
