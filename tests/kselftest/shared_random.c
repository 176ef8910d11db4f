// SPDX-License-Identifier: GPL-2.0-only
/*
 * Three containers and two processes that map, unmap, throw away, replace and write memory at
 * random, beside a model of which page each device reaches. VIB_SEED repeats a run, VIB_STEPS makes
 * it longer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fixture.h"
#include "shared_fixture.h"
#include "shared_peer.h"

enum {
	STEPS = 1000,
	PLACES = 3,
	MAPPINGS = 10,			/* in one container */
	LARGE = 2 * MIB / PAGE,
	CHANGED = 12,			/* most pages that are thrown away at once */
	PAGE_IDS = 1 << 20,
};

#define SPAN (64 * MIB)			/* between the IOVA of two mappings */
#define SCRATCH GIB			/* IOVA of a page to copy from and to */

#define WORLD shared
#define WORLD_GROUPS PLACES
#define WORLD_BATCH_ONLY
#define WORLD_ONE_ID
#define WORLD_BEGIN world_enter
#include "world_fixture.h"

struct mapping {
	bool used;
	int process;
	unsigned int first, count;
	__u32 flags;
	unsigned int id[FIELD];		/* of the page that the device reaches */
};

/* What is known of everything. */
struct model {
	__u64 content[PAGE_IDS];	/* first word of a page, by its id */
	unsigned int ids;
	unsigned int anon[PROCESSES][HALF];
	unsigned int file[HALF];
	struct mapping mapping[PLACES][MAPPINGS];
	pid_t pid[PROCESSES];
	long could, did;		/* pages that could be charged once, and were */
};

static struct model *m;
static char *scratch[PLACES];

static unsigned int below(unsigned int n)
{
	return rand() % n;
}

static unsigned int fresh_id(void)
{
	return ++m->ids;
}

static unsigned int *page_id(int process, unsigned int page)
{
	return page < HALF ? &m->anon[process][page] : &m->file[page - HALF];
}

/* All pages are new ones, filled with 0. */
static void set_up_model(void)
{
	unsigned int i;

	for (i = 0; i < HALF; i++) {
		m->anon[0][i] = fresh_id();
		m->anon[1][i] = fresh_id();
		m->file[i] = fresh_id();
	}
}

static int begin(struct world *w)
{
	int i, ret;

	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	ret = open_containers(w, PLACES);
	if (!ret)
		ret = set_up_field();
	for (i = 0; !ret && i < PLACES; i++) {
		scratch[i] = mem_small(PAGE);
		ret = dma_map(containers[i], SCRATCH, scratch[i], PAGE, DMA_RW);
	}
	if (ret)
		return ret;
	set_up_model();
	m->pid[0] = getpid();
	m->pid[1] = begin_peer();
	return m->pid[1] < 0 ? -errno : 0;
}

static struct mapping *pick_mapping(int *container, int *slot)
{
	*container = below(PLACES);
	*slot = below(MAPPINGS);
	return &m->mapping[*container][*slot];
}

static __u64 slot_iova(int slot)
{
	return FIELD * PAGE + 2 * GIB + slot * SPAN;
}

static int step_map(void)
{
	int container, slot, process = below(PROCESSES), ret;
	struct mapping *map = pick_mapping(&container, &slot);
	unsigned int i;
	struct op op;

	if (map->used)
		return 0;
	map->count = below(4) ? LARGE + below(FIELD - LARGE + 1) : 1 + below(LARGE);
	if (!below(3))
		map->count = FIELD;
	map->first = below(FIELD - map->count + 1);
	/* anonymous memory that is pinned for reading may be left behind by a write after a fork */
	map->flags = map->first >= HALF && !below(6) ? DMA_READ : DMA_RW;
	op = (struct op){ .kind = OP_MAP, .container = container, .iova = slot_iova(slot),
			  .first = map->first, .count = map->count, .flags = map->flags };
	ret = run_op(process, &op);
	if (ret)
		return ret;
	map->used = true;
	map->process = process;
	for (i = 0; i < map->count; i++)
		map->id[i] = *page_id(process, map->first + i);
	return 0;
}

static int step_unmap(void)
{
	int container, slot, ret;
	struct mapping *map = pick_mapping(&container, &slot);
	__u64 done = 0;

	if (!map->used)
		return 0;
	ret = dma_unmap(containers[container], slot_iova(slot), map->count * PAGE, 0, &done);
	map->used = false;
	return ret || done == map->count * PAGE ? ret : -ENODATA;
}

/*
 * Other pages come to some addresses: anonymous ones for one process, those of the file for both.
 */
static int step_change(void)
{
	struct op op = { .first = below(FIELD), .count = 1 + below(CHANGED) };
	int process = below(PROCESSES);
	unsigned int i, end;
	bool file = op.first >= HALF;

	if (!file && !below(8))
		op.count = 1 + below(HALF);
	end = file ? FIELD : HALF;
	op.count = op.count < end - op.first ? op.count : end - op.first;
	op.kind = file ? OP_PUNCH : below(2) ? OP_DONTNEED : OP_REPLACE;
	op.value = below(2);
	for (i = 0; i < op.count; i++)
		*page_id(process, op.first + i) = fresh_id();
	return run_op(process, &op);
}

static int step_write(void)
{
	struct op op = { .kind = OP_WRITE, .first = below(FIELD), .value = rand() };
	int process = below(PROCESSES);

	m->content[*page_id(process, op.first)] = op.value;
	return run_op(process, &op);
}

static int step_read(void)
{
	struct op op = { .kind = OP_READ, .first = below(FIELD) };
	int process = below(PROCESSES), ret;

	ret = run_op(process, &op);
	if (ret)
		return ret;
	return peer_op->value == m->content[*page_id(process, op.first)] ? 0 : -EBADE;
}

/* Its child writes; what is pinned stays the parent's. */
static int step_fork(void)
{
	struct op op = { .kind = OP_FORK, .first = below(HALF) };

	return run_op(below(PROCESSES), &op);
}

/* A device copies a page of a mapping to where it can be read, or back. */
static int step_device(struct world *w)
{
	int container, slot, ret;
	struct mapping *map = pick_mapping(&container, &slot);
	struct edu *edu = world_edu(w, container);
	__u64 iova, *word = (__u64 *)scratch[container];
	unsigned int page;

	if (!edu)
		return -ENODEV;
	if (!map->used)
		return 0;
	page = below(map->count);
	iova = slot_iova(slot) + page * PAGE;
	ret = edu_copy(edu, SCRATCH, iova);
	if (ret)
		return ret;
	if (*word != m->content[map->id[page]])
		return -EBADE;
	if (!(map->flags & DMA_WRITE))
		return 0;
	*word = rand();
	m->content[map->id[page]] = *word;
	return edu_copy(edu, iova, SCRATCH);
}

/*
 * Pages that mappings of a process have; and how many of them are different ones at that address.
 */
static long count_pages(int process, long *distinct)
{
	static unsigned int seen[FIELD][PLACES * MAPPINGS];
	static unsigned char nr[FIELD];
	long sum = 0;
	unsigned int i, j, k;

	memset(nr, 0, sizeof(nr));
	*distinct = 0;
	for (i = 0; i < PLACES * MAPPINGS; i++) {
		struct mapping *map = &m->mapping[i / MAPPINGS][i % MAPPINGS];

		if (!map->used || map->process != process)
			continue;
		sum += map->count;
		*distinct += map->count < LARGE ? map->count : 0;
		for (j = 0; map->count >= LARGE && j < map->count; j++) {
			unsigned int at = map->first + j;

			for (k = 0; k < nr[at] && seen[at][k] != map->id[j]; k++)
				;
			if (k < nr[at])
				continue;
			seen[at][nr[at]++] = map->id[j];
			(*distinct)++;
		}
	}
	return sum;
}

/* Everything that is pinned is charged, to the right process, and no page of it too rarely. */
static int check_account(struct world *w)
{
	long locked, sum, distinct, pinned = 0;
	int i;

	for (i = 0; i < PROCESSES; i++) {
		locked = locked_pages_of(m->pid[i]) - (i ? 0 : w->locked + PLACES);
		sum = count_pages(i, &distinct);
		if (locked < distinct || locked > sum) {
			printf("# process %d: %ld pages locked, of %ld mapped %ld are different\n",
			       i, locked, sum, distinct);
			return -ERANGE;
		}
		m->could += sum - distinct;
		m->did += sum - locked;
		pinned += locked;
	}
	return pinned_pages() == w->pinned + pinned + PLACES ? 0 : -EBADE;
}

static int any_step(struct world *w)
{
	unsigned int dice = below(100);

	if (dice < 30)
		return step_map();
	if (dice < 50)
		return step_unmap();
	if (dice < 60)
		return step_change();
	if (dice < 75)
		return step_write();
	if (dice < 85)
		return step_read();
	if (dice < 88)
		return step_fork();
	return step_device(w);
}

TEST_F_TIMEOUT(shared, agrees_with_a_model, 1800)
{
	unsigned int seed = env_number("VIB_SEED", time(NULL)), i;
	unsigned int steps = env_number("VIB_STEPS", STEPS);
	struct op end = { .kind = OP_END };
	int container, ret;

	ASSERT_EQ(0, begin(&self->w));
	srand(seed);
	for (i = 0; i < steps && m->ids < PAGE_IDS - FIELD; i++) {
		ret = any_step(&self->w);
		ASSERT_EQ(0, ret)
			TH_LOG("seed %u, step %u", seed, i);
		ret = check_account(&self->w);
		ASSERT_EQ(0, ret)
			TH_LOG("seed %u, account after step %u", seed, i);
	}
	TH_LOG("seed %u, %u steps, %ld pages shared of %ld", seed, i, m->did, m->could);
	/* where pages were changed, some that were not are charged again (share.h) */
	EXPECT_LE(m->could / 10 * 8, m->did);
	for (container = 0; container < PLACES; container++)
		EXPECT_EQ(0, dma_unmap_all(containers[container], NULL));
	EXPECT_EQ(0, locked_pages_of(m->pid[1]));
	EXPECT_EQ(0, run_op(1, &end));
	EXPECT_EQ(m->pid[1], waitpid(m->pid[1], NULL, 0));
}

TEST_HARNESS_MAIN
