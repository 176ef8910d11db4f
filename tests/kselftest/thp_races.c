// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transparent huge pages that are split, replaced, protected, and of which pages are exchanged,
 * while two containers map them and unmap them again: each page has its own pin and charge, and a
 * device reads what the process has at that address, or had there at some time since MAP was
 * called, never another page. Runs where two CPUs run in parallel: the moment between GUP's pin and
 * the look at the page table is short.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fixture.h"
#include "shared_fixture.h"

enum { MAPPERS = 2, ROUNDS = 100, LOOK_EVERY = 2, COUNT_EVERY = 20, LEAST = 128 };

#define SPLIT "/sys/kernel/debug/split_huge_pages"
#define SCRATCH (FAR - MIB)

#define WORLD thp_races
#define WORLD_GROUPS MAPPERS
#define WORLD_ONE_ID
#define WORLD_BEGIN world_enter
#include "world_fixture.h"

struct racer {
	pthread_t thread;
	struct world *w;
	unsigned int seed;
	int container;
	char *mem;
	char *scratch;		/* what the device copies to */
	unsigned int looks;
	unsigned int reached;	/* calls of MAP during which the memory has changed */
	unsigned int refused;	/* as memory was read-only just then */
	unsigned int splits;	/* that the kernel was asked for */
	unsigned int exchanges;
	int ret;
};

static volatile bool over;
static pthread_barrier_t all_unmapped;
static atomic_uint changes;

/* Two neighbours have one: what each of them holds is at least of that generation. */
static atomic_uint generation[PAGES / 2];

/* What the first word of a page of @mem is, unless the page has not been written yet. */
static __u64 word_of(long page, unsigned int nth)
{
	return 0x5afe000000000000 + ((__u64)nth << 16) + page;
}

/* Writes the words of @nr pages from @page on, and of their neighbours. */
static void write_words(char *mem, long page, long nr)
{
	long pair;

	for (pair = page / 2; 2 * pair < page + nr; pair++) {
		unsigned int next = generation[pair] + 1;

		*(volatile __u64 *)(mem + 2 * pair * PAGE) = word_of(2 * pair, next);
		*(volatile __u64 *)(mem + (2 * pair + 1) * PAGE) = word_of(2 * pair + 1, next);
		generation[pair] = next;
	}
	changes++;
}

/* May @word be in @page, or come from the neighbour, if it is of generation @least or later? */
static bool is_fresh(__u64 word, long page, unsigned int least)
{
	unsigned int nth = word >> 16;

	if (!word)
		return true;
	return nth >= least && (word == word_of(page, nth) || word == word_of(page ^ 1, nth));
}

/* Has the device read a page of those that are mapped from page @first on. Return: 0 or -errno. */
static int look_at_page(struct racer *me, long first, long page, unsigned int least)
{
	volatile __u64 *word = (volatile __u64 *)me->scratch;
	struct edu *edu = world_edu(me->w, me->container);
	int ret;

	*word = ~0ULL;
	ret = edu ? edu_copy(edu, SCRATCH, FAR + (page - first) * PAGE) : -ENODEV;
	if (ret)
		return ret;
	me->looks++;
	return is_fresh(*word, page, least) ? 0 : -EBADE;
}

/* Maps a part of the memory, at random, and unmaps it. */
static int race_once(struct racer *me, bool look)
{
	long first = rand_r(&me->seed) % (PAGES - LEAST);
	long nr = LEAST + rand_r(&me->seed) % (PAGES - LEAST - first + 1), page;
	unsigned int least, before = changes;
	int ret;

	/* Whole ones more often than parts. */
	if (rand_r(&me->seed) % 2) {
		first = 0;
		nr = PAGES;
	}
	page = first + rand_r(&me->seed) % nr;
	least = generation[page / 2];
	ret = map_rw(me->container, me->mem + first * PAGE, nr * PAGE);
	me->reached += changes != before;
	if (ret == -EFAULT) {
		me->refused++;
		return 0;
	}
	if (!ret && look)
		ret = look_at_page(me, first, page, least);
	return ret ? ret : unmap(me->container, nr * PAGE);
}

/* Nothing is mapped but scratch pages. */
static int count_pages(const struct racer *me)
{
	if (locked_pages() != me->w->locked + MAPPERS)
		return -EDQUOT;
	return pinned_pages() == me->w->pinned + MAPPERS ? 0 : -EUCLEAN;
}

static void *race(void *arg)
{
	struct racer *me = arg;
	int i;

	for (i = 1; i <= ROUNDS; i++) {
		if (!me->ret)
			me->ret = race_once(me, i % LOOK_EVERY == 0);
		if (i % COUNT_EVERY)
			continue;
		pthread_barrier_wait(&all_unmapped);
		if (!me->ret)
			me->ret = count_pages(me);
		pthread_barrier_wait(&all_unmapped);
	}
	return NULL;
}

/* Asks the kernel to split what is behind @at; 5.10 can only be asked for all there is. */
static bool split_folio(char *at)
{
	char text[64];

	snprintf(text, sizeof(text), "%d,%p,%p", getpid(), at, at + PART);
	return !file_write(SPLIT, text) || !file_write(SPLIT, "1");
}

/* A part becomes a huge page again, of other memory. */
static void renew_part(char *mem, long page)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;

	mmap(mem + page * PAGE, PART, PROT_READ | PROT_WRITE, flags, -1, 0);
	madvise(mem + page * PAGE, PART, MADV_HUGEPAGE);
	write_words(mem, page, PART_PAGES);
}

/* Two neighbours change places; there is memory at their addresses all the time. */
static bool exchange_pages(char *mem, long page)
{
	const int how = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;
	char *a = mem + (page & ~1L) * PAGE, *b = a + PAGE, *hole = mem_untouched(PAGE);

	bool done = hole && mremap(a, PAGE, PAGE, how, hole) == hole &&
		    mremap(b, PAGE, PAGE, how, a) == a &&
		    mremap(hole, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, b) == b;

	changes++;
	write_words(mem, page, 1);
	return done;
}

/* Something happens to a huge page, or to one page or some pages in it. */
static void change_once(struct racer *me)
{
	long part = rand_r(&me->seed) % (SOME / PART) * PART_PAGES;
	long page = part + rand_r(&me->seed) % (PART_PAGES - 8);

	switch (rand_r(&me->seed) % 8) {
	case 0:
		madvise(me->mem + page * PAGE, PAGE, MADV_DONTNEED);
		write_words(me->mem, page, 1);
		break;
	case 1:
		/* its own vma for a moment, so the entry is split */
		madvise(me->mem + page * PAGE, 8 * PAGE, MADV_NOHUGEPAGE);
		madvise(me->mem + page * PAGE, 8 * PAGE, MADV_HUGEPAGE);
		break;
	case 2:
		me->splits += split_folio(me->mem + part * PAGE);
		break;
	case 3:
		me->exchanges += exchange_pages(me->mem, page);
		break;
	case 4:
		mprotect(me->mem + part * PAGE, PART, PROT_READ);
		mprotect(me->mem + part * PAGE, PART, PROT_READ | PROT_WRITE);
		break;
	default:
		renew_part(me->mem, part);
	}
}

static void *change(void *arg)
{
	while (!over) {
		change_once(arg);
		usleep(200);
	}
	return NULL;
}

/* A container has its scratch page until the end. */
static void map_scratch(struct __test_metadata *_metadata, struct racer *me)
{
	me->scratch = mem_small(PAGE);
	ASSERT_NE(NULL, me->scratch);
	ASSERT_EQ(0, dma_map(containers[me->container], SCRATCH, me->scratch, PAGE, DMA_RW));
}

TEST_F_TIMEOUT(thp_races, memory_that_is_split_and_replaced, 300)
{
	struct racer racer[MAPPERS + 1] = {};
	unsigned int seed = test_seed();
	char *mem;
	int i;

	NEED_THP();
	TH_LOG("VIB_SEED=%u", seed);
	mem = mem_thp(SOME);
	ASSERT_NE(NULL, mem);
	write_words(mem, 0, PAGES);
	ASSERT_EQ(0, open_containers(&self->w, MAPPERS));
	ASSERT_EQ(0, pthread_barrier_init(&all_unmapped, NULL, MAPPERS));
	for (i = 0; i <= MAPPERS; i++) {
		racer[i] = (struct racer){ .seed = seed + i, .w = &self->w, .container = i,
					   .mem = mem };
	}
	for (i = 0; i < MAPPERS; i++)
		map_scratch(_metadata, &racer[i]);
	for (i = 0; i <= MAPPERS; i++)
		ASSERT_EQ(0, pthread_create(&racer[i].thread, NULL, i < MAPPERS ? race : change,
					    &racer[i]));
	for (i = 0; i < MAPPERS; i++) {
		pthread_join(racer[i].thread, NULL);
		EXPECT_EQ(0, racer[i].ret);
		EXPECT_LT(ROUNDS / 10, racer[i].reached);
		EXPECT_GT(ROUNDS / 2, racer[i].refused);
		EXPECT_LT(ROUNDS / LOOK_EVERY / 4, racer[i].looks);
	}
	over = true;
	pthread_join(racer[MAPPERS].thread, NULL);
	EXPECT_LT(0, racer[MAPPERS].splits);
	EXPECT_LT(0, racer[MAPPERS].exchanges);
	EXPECT_EQ(self->w.locked + MAPPERS, locked_pages());
	EXPECT_EQ(self->w.pinned + MAPPERS, pinned_pages());
	/* what has become of it is what a device reaches, huge or not */
	ASSERT_EQ(0, map_rw(0, mem, SOME));
	for (i = 0; i < (int)(SOME / PART); i++)
		EXPECT_TRUE(device_sees(&self->w, 0, i * PART + 77 * PAGE, mem));
	ASSERT_EQ(0, unmap(0, SOME));
	for (i = 0; i < MAPPERS; i++)
		ASSERT_EQ(0, dma_unmap(containers[i], SCRATCH, PAGE, 0, NULL));
	EXPECT_EQ(self->w.locked, locked_pages());
	EXPECT_EQ(self->w.pinned, pinned_pages());
}

TEST_HARNESS_MAIN
