/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What group.c is made of: the limits that groups set, the choice of a domain, and the handing over
 * of mappings between "recorded for emulated devices" and "filled into domains".
 */
#ifndef VIB_GROUP_H
#define VIB_GROUP_H

#include "ioas.h"

/* limits.c; domains_rwsem is held for write */

/* Closes what @grp reserves, before it is attached: 0; -EINVAL when a mapping is there, -ENOMEM. */
int vib_limits_close(struct vib_ioas *ioas, const struct vib_group *grp);

/* Makes the windows of all attached groups valid: 0, or -EINVAL when a mapping is outside. */
int vib_limits_settle(struct vib_ioas *ioas);

/* The windows of the attached groups come back after a failure or a detach; they hold every mapping. */
void vib_limits_restore(struct vib_ioas *ioas);

/* What all domains have in common, page sizes and the like, becomes visible. */
void vib_limits_update(struct vib_ioas *ioas);

/* join.c; domains_rwsem is held for write */

/* Attaches the group to a domain, grp->domain, filled but maybe not in the list yet; errno with nothing changed. */
int vib_join(struct vib_ioas *ioas, struct vib_group *grp);

/* handover.c */

/*
 * Pins every mapping that is only recorded, before a first domain comes; they are busy and in @adopted
 * from then on, also after a failure, until vib_handover_end(). -EINTR, -ENOMEM or GUP's errno. No lock is held.
 */
int vib_handover_pin(struct vib_ioas *ioas, struct list_head *adopted);

/* Is there a mapping that still needs it? domains_rwsem is held for write. */
bool vib_handover_pending(struct vib_ioas *ioas);

/* The last domain has left, emulated groups stay: collects every pinned mapping. domains_rwsem is held for write. */
void vib_handover_release(struct vib_ioas *ioas, struct list_head *released);

/*
 * Ends a handover: with @filled the mappings stay pinned, for the domain that holds them now; without
 * they are recorded only. The account follows. No lock is held; cannot fail.
 */
void vib_handover_end(struct vib_ioas *ioas, struct list_head *mappings, bool filled);

#endif
