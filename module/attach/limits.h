/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the attached groups and their domains leave for mappings. domains_rwsem is held for write in
 * each of these.
 */
#ifndef VIB_LIMITS_H
#define VIB_LIMITS_H

#include "member.h"

/*
 * Takes what @grp reserves out of the IOVA ranges, before it is attached. Return: 0; -EINVAL if a
 * mapping is there, or no range would be left; -ENOMEM. Undone by vib_limits_restore(), which must
 * also follow a failure.
 */
int vib_limits_close(struct vib_ioas *ioas, const struct vib_group *grp);

/*
 * After vib_limits_close(), takes out what grp->domain, which was made for @grp and is in no list
 * yet, cannot reach. Return: 0; -EINVAL if a mapping is there, no range would be left, or the
 * domain's page sizes do not suit the mappings. Undone as vib_limits_close().
 */
int vib_limits_close_domain(struct vib_ioas *ioas, const struct vib_group *grp);

/*
 * Installs the IOVA ranges of all attached groups, after @grp, the latest, was linked with its
 * aperture. Return: 0, or -EINVAL if a mapping lies outside.
 */
int vib_limits_settle(struct vib_ioas *ioas, const struct vib_group *grp);

/*
 * Installs the IOVA ranges of the groups in the lists, after a failure or a detach; they hold every
 * mapping. Cannot fail.
 */
void vib_limits_restore(struct vib_ioas *ioas);

/* Publishes what all domains have in common: page sizes, coherency, who makes memory dirty. */
void vib_limits_update(struct vib_ioas *ioas);

#endif
