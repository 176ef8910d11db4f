// SPDX-License-Identifier: GPL-2.0-only
/*
 * A MAP_DMA that begins anew: it gives back what it has, to go on as if it had just come.
 */
#include "map_steps.h"

#include "mm/pin.h"
#include "mm/rivals.h"
#include "trace/refusal.h"

int vib_map_empty(struct vib_ioas *ioas, struct vib_mapping *map)
{
	map->flags |= VIB_F_PARTIAL;
	vib_retire_extents(ioas, map);
	if (map->flags & VIB_F_STUCK)
		return -EIO;
	/* What is read next may have none. */
	map->flags &= ~(VIB_F_PARTIAL | VIB_F_DEVICE);
	return 0;
}

int vib_map_give_way(struct vib_ioas *ioas, struct vib_mapping *map, struct vib_rival *rival)
{
	int ret;

	ret = vib_map_empty(ioas, map) ?: vib_rival_wait(rival);
	if (ret || vib_rival_fits(rival, map->owner))
		return ret;
	ret = vib_pin_over_limit(map->owner, 0, vib_span_size(&map->span) >> PAGE_SHIFT);
	return vib_refuse(ioas->handle, VIB_REASON_PIN, ret);
}
