// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random calls of VFIO_IOMMU_BATCH_DMA beside a model of the single calls that they stand
 * for. VIB_SEED repeats a run.
 */
#include "fixture.h"
#include "lib/batch.h"

/* Each test has a process of its own. */
static struct batch batch;

#define WORLD batch
#define WORLD_GROUPS 1
#define WORLD_BATCH_ONLY
#define WORLD_V1_TOO
#include "world_fixture.h"

static __u64 at(unsigned int page)
{
	return IOVA + page * PAGE;
}

enum { FIELD = 64, LONGEST = 4, OPS = 24, ROUNDS = 400 };

/* Pages of mappings by the number of the mapping, 0 for none. */
struct model {
	unsigned int page[FIELD];
	unsigned int last;	/* number of the latest mapping */
	bool v2;
	__u64 unmapped;
};

struct range {
	unsigned int first, count;
	bool unmap;
};

static unsigned int below(unsigned int n)
{
	return rand() % n;
}

static int model_map(struct model *m, const struct range *r)
{
	unsigned int i;

	for (i = 0; i < r->count; i++)
		if (m->page[r->first + i])
			return -EEXIST;
	m->last++;
	for (i = 0; i < r->count; i++)
		m->page[r->first + i] = m->last;
	return 0;
}

/* Does a mapping go on over the border before page @at? */
static bool straddles(const struct model *m, unsigned int at)
{
	return at && at < FIELD && m->page[at] && m->page[at] == m->page[at - 1];
}

/* Mappings are taken whole, and one that begins before the range ends it. */
static int model_unmap_v1(struct model *m, const struct range *r)
{
	unsigned int i, end = r->first + r->count;

	if (straddles(m, r->first))
		return 0;
	while (straddles(m, end))
		end++;
	for (i = r->first; i < end; i++) {
		m->unmapped += m->page[i] ? PAGE : 0;
		m->page[i] = 0;
	}
	return 0;
}

static int model_unmap(struct model *m, const struct range *r)
{
	unsigned int i;

	if (!m->v2)
		return model_unmap_v1(m, r);
	if (straddles(m, r->first) || straddles(m, r->first + r->count))
		return -EINVAL;
	for (i = 0; i < r->count; i++) {
		m->unmapped += m->page[r->first + i] ? PAGE : 0;
		m->page[r->first + i] = 0;
	}
	return 0;
}

static int model_do(struct model *m, const struct range *r)
{
	return r->unmap ? model_unmap(m, r) : model_map(m, r);
}

/* Mostly one that succeeds: behind one that fails little can be seen. Return: 0 or its errno. */
static int pick_range(struct model *m, struct range *r)
{
	unsigned int tries;
	int ret = -EINVAL;

	for (tries = 0; ret && tries < 8; tries++) {
		r->unmap = below(2);
		r->count = 1 + below(LONGEST);
		r->first = below(FIELD - r->count + 1);
		ret = model_do(m, r);
	}
	return ret;
}

static void add_range(const struct range *r, char *mem)
{
	if (r->unmap)
		batch_unmap(&batch, at(r->first), r->count * PAGE);
	else
		batch_map(&batch, at(r->first), mem + r->first * PAGE,
			  r->count * PAGE);
}

/* Which pages are mapped: those where nothing else can be. */
static __u64 probe_field(struct world *w, const char *mem)
{
	__u64 word = 0;
	unsigned int i;

	for (i = 0; i < FIELD; i++) {
		if (dma_map(w->container, at(i), mem, PAGE, DMA_RW))
			word |= 1ULL << i;
		else if (dma_unmap(w->container, at(i), PAGE, 0, NULL))
			return 0;
	}
	return word;
}

/* The same, of those that a device may have written: all of them. Type id 1 has no tracking. */
static __u64 field(struct world *w, const char *mem)
{
	__u64 word = 0;
	struct vfio_bitmap bitmap = bitmap_words(&word, 1);

	if (!w->mode->v2)
		return probe_field(w, mem);
	return dirty_get(w->container, IOVA, FIELD * PAGE, &bitmap) ? 0 : word;
}

/* The pages that an unmap may take away: type id 1 also takes the rest of the last mapping. */
static __u64 reach(const struct model *m, const struct range *r)
{
	unsigned int count = r->count + (m->v2 ? 0 : LONGEST - 1);

	return ((1ULL << count) - 1) << r->first;
}

static __u64 model_field(const struct model *m)
{
	__u64 word = 0;
	unsigned int i;

	for (i = 0; i < FIELD; i++)
		word |= (__u64)!!m->page[i] << i;
	return word;
}

/* One round; the model is what is mapped, before and after. */
static void random_round(struct __test_metadata *_metadata, struct world *w,
			 char *mem, struct model *m)
{
	static struct model ignored;
	struct range r[OPS];
	unsigned int i, n = 1 + below(OPS), stop;
	__u64 gone = 0, seen;
	int error = 0;

	batch.nr = 0;
	m->unmapped = 0;
	for (i = 0, stop = 0; i < n; i++) {
		int ret = pick_range(error ? &ignored : m, &r[i]);

		add_range(&r[i], mem);
		error = error ? error : ret;
		stop += !error;
	}
	ASSERT_EQ(error, batch_run(w->container, &batch));
	ASSERT_EQ(stop, batch.done);
	/* Unmaps behind the one that failed may be done. */
	for (i = stop + 1; i < n; i++)
		if (r[i].unmap)
			gone |= reach(m, &r[i]);
	seen = field(w, mem);
	ASSERT_EQ(model_field(m) & ~gone, seen & ~gone);
	ASSERT_EQ(0, seen & ~model_field(m));
	if (!error)
		ASSERT_EQ(m->unmapped, batch.unmapped);
	/* What was unmapped so is so from here on. */
	for (i = 0; i < FIELD; i++)
		if (!(seen >> i & 1))
			m->page[i] = 0;
}

TEST_F(batch, random_batches_come_to_what_single_calls_would)
{
	static struct model model;
	unsigned int i, state = test_seed();

	TH_LOG("VIB_SEED=%u", state);
	srand(state);
	model.v2 = self->w.mode->v2;
	if (model.v2)
		ASSERT_EQ(0, dirty_start(self->w.container));
	for (i = 0; i < ROUNDS; i++)
		random_round(_metadata, &self->w, self->mem, &model);
	EXPECT_EQ(self->w.locked + __builtin_popcountll(model_field(&model)),
		  locked_pages());
}

TEST_HARNESS_MAIN
