// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many maps and unmaps in one call.
 *
 * The operations are cut into phases in which no unmap concerns what an earlier map makes. A phase
 * does its unmaps first, with one flush for all of them, and then its maps: so each map finds its
 * range free, and the result is the same as in the order of the array.
 */
#include "bulk.h"
#include "map_steps.h"

#include <linux/mm.h>

#include "pure/iova.h"
#include "pure/maptree.h"
#include "sweep.h"
#include "trace/trace.h"

/* The state of a call: operations [first, end) are the phase under way. */
struct progress {
	struct vib_ioas *ioas;
	struct vib_bulk *bulk;
	struct vib_span *spans;		/* spans of a phase's operations; NULL: one phase does */
	u32 first;
	u32 end;
	u16 stamp;			/* of the mappings that it makes; 0: they stay */
};

static bool is_unmap(const struct vib_bulk_op *op)
{
	return !op->prot;
}

/* Is there an unmap after a map, so that it may concern what the map makes? */
static bool is_mixed(const struct vib_bulk *bulk)
{
	u32 unmaps = bulk->nr - bulk->maps, i;

	/* Not if the unmaps come first. */
	for (i = 0; bulk->maps && i < unmaps; i++)
		if (!is_unmap(&bulk->ops[i]))
			return true;
	return false;
}

/*
 * Must the unmap wait for a map of the phase? By the rules of v1 it takes whole mappings of which
 * it covers a part, and so may free the range of any map.
 */
static bool depends_on_maps(struct progress *prog, struct vib_maptree *maps,
			    const struct vib_span *span)
{
	if (!prog->ioas->v2)
		return maps->nr;
	return vib_maptree_first(maps, span->start, span->last);
}

/*
 * Where the phase that begins at @first ends: before an unmap that depends on a map of the phase,
 * or a map that overlaps another. What is no range will be refused, and is a phase of its own.
 */
static u32 phase_end(struct progress *prog, u32 first)
{
	const struct vib_bulk_op *ops = prog->bulk->ops;
	struct vib_maptree tree;
	u32 i;

	vib_maptree_init(&tree);
	for (i = first; i < prog->bulk->nr; i++) {
		struct vib_span *span = &prog->spans[i];

		span->start = ops[i].iova;
		if (!ops[i].size || !vib_range_last(span->start, ops[i].size, &span->last))
			return max(i, first + 1);
		if (is_unmap(&ops[i]) ? depends_on_maps(prog, &tree, span) :
					!!vib_maptree_insert(&tree, span))
			return i;
	}
	return i;
}

static int claim_range(struct vib_sweep *sweep, const struct vib_bulk_op *op)
{
	struct vib_unmap req = { .iova = op->iova, .size = op->size };

	return vib_sweep_claim(sweep, &req);
}

/* Claims what the unmaps of the phase cover. After an errno @stop is the operation that failed. */
static int claim_phase(struct progress *prog, struct vib_sweep *sweep, u32 *stop)
{
	const struct vib_bulk_op *ops = prog->bulk->ops;
	u32 i = prog->first;
	int ret = 0;

	mutex_lock(&prog->ioas->tree_lock);
	for (;; i++) {
		i += vib_sweep_claim_run(sweep, ops + i, prog->end - i);
		if (i == prog->end)
			break;
		ret = is_unmap(&ops[i]) ? claim_range(sweep, &ops[i]) : 0;
		if (ret)
			break;
	}
	mutex_unlock(&prog->ioas->tree_lock);
	*stop = i;
	return ret;
}

/* A stamp for a call whose maps may have to be undone; those of calls long ago come again. */
static u16 next_stamp(void)
{
	static atomic_t latest;

	return (unsigned int)atomic_inc_return(&latest) % U16_MAX + 1;
}

/* Has this call mapped what is there, and not another one since? tree_lock is held. */
static bool is_ours(struct progress *prog, u64 iova)
{
	struct vib_span *span = vib_maptree_first(&prog->ioas->tree, iova, iova);

	lockdep_assert_held(&prog->ioas->tree_lock);
	return span && vib_mapping_of(span)->stamp == prog->stamp;
}

/* Unmaps what the maps before @stop have made. Errors are ignored. */
static void undo_maps(struct progress *prog, u32 stop)
{
	const struct vib_bulk_op *ops = prog->bulk->ops;
	struct vib_sweep sweep;
	u32 i;

	vib_sweep_begin(&sweep, prog->ioas);
	mutex_lock(&prog->ioas->tree_lock);
	for (i = 0; i < stop; i++)
		if (is_ours(prog, ops[i].iova))
			(void)claim_range(&sweep, &ops[i]);
	mutex_unlock(&prog->ioas->tree_lock);
	(void)vib_sweep_end(&sweep);
}

/* Does the maps of the phase before @stop, and sets bulk->done. */
static int map_phase(struct progress *prog, u32 stop)
{
	u32 first = prog->first, done;
	int ret;

	if (!prog->bulk->maps) {
		prog->bulk->done = stop;
		return 0;
	}
	ret = vib_map_many(prog->ioas, prog->bulk->ops + first, stop - first,
			   prog->stamp, &done);
	prog->bulk->done = first + done;
	return ret;
}

static int run_phase(struct progress *prog)
{
	struct vib_sweep sweep;
	int ret, error;
	u32 stop;

	vib_sweep_begin(&sweep, prog->ioas);
	error = claim_phase(prog, &sweep, &stop);
	ret = vib_sweep_end(&sweep);
	prog->bulk->unmapped += sweep.unmapped;
	/* Killed: it is not known which unmaps are done, so bulk->done stays. */
	if (ret || error == -EINTR)
		return ret ? ret : error;
	ret = map_phase(prog, stop);
	return ret ? ret : error;
}

/* Does all phases. */
static int run_bulk(struct progress *prog)
{
	struct vib_bulk *bulk = prog->bulk;
	int ret;

	for (; prog->first < bulk->nr; prog->first = prog->end) {
		prog->end = prog->spans ? phase_end(prog, prog->first) : bulk->nr;
		ret = run_phase(prog);
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}

int vib_bulk(struct vib_ioas *ioas, struct vib_bulk *bulk)
{
	struct progress prog = { .ioas = ioas, .bulk = bulk };
	int ret;

	bulk->done = 0;
	bulk->unmapped = 0;
	if (bulk->whole)
		prog.stamp = next_stamp();
	if (is_mixed(bulk)) {
		prog.spans = kvmalloc_array(bulk->nr, sizeof(*prog.spans), GFP_KERNEL_ACCOUNT);
		if (!prog.spans)
			return -ENOMEM;
	}
	ret = run_bulk(&prog);
	if (ret && bulk->whole)
		undo_maps(&prog, bulk->done);
	kvfree(prog.spans);
	trace_vib_batch(ioas->handle, bulk->nr, bulk->done, bulk->unmapped, ret);
	return ret;
}
