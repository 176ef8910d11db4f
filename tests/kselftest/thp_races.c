// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transparent huge pages that are split and replaced while two containers map them and unmap them
 * again: each page has its own pin and charge, and a device reads what the process has, or had, at
 * that address, never another page. Runs where two CPUs run in parallel: the moment between GUP's
 * pin and the look at the page table is short.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fixture.h"
#include "shared_fixture.h"

enum { MAPPERS = 2, ROUNDS = 100, LOOK_EVERY = 5, LEAST = 128 };

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
	unsigned int splits;	/* that the kernel was asked for */
	int ret;
};

static volatile bool over;

/* What the first word of a page of @mem is, unless the page has not been written yet. */
static __u64 word_of(long page)
{
	return 0x5afe000000000000 + page;
}

/* Writes the words of @nr pages from @page on. */
static void write_words(char *mem, long page, long nr)
{
	for (; nr--; page++)
		*(volatile __u64 *)(mem + page * PAGE) = word_of(page);
}

/* Has the device read a page of those that are mapped from page @first on. Return: 0 or -errno. */
static int look_at_page(struct racer *me, long first, long page)
{
	volatile __u64 *word = (volatile __u64 *)me->scratch;
	struct edu *edu = world_edu(me->w, me->container);
	int ret;

	*word = ~0ULL;
	ret = edu ? edu_copy(edu, SCRATCH, FAR + (page - first) * PAGE) : -ENODEV;
	if (ret)
		return ret;
	me->looks++;
	return !*word || *word == word_of(page) ? 0 : -EBADE;
}

/* Maps a part of the memory, at random, and unmaps it. */
static int race_once(struct racer *me, bool look)
{
	long first = rand_r(&me->seed) % (PAGES - LEAST);
	long nr = LEAST + rand_r(&me->seed) % (PAGES - LEAST - first + 1);
	int ret;

	/* Whole ones more often than parts. */
	if (rand_r(&me->seed) % 2) {
		first = 0;
		nr = PAGES;
	}
	ret = map_rw(me->container, me->mem + first * PAGE, nr * PAGE);
	if (ret)
		return ret;
	if (look)
		ret = look_at_page(me, first, first + rand_r(&me->seed) % nr);
	return ret ? ret : unmap(me->container, nr * PAGE);
}

static void *race(void *arg)
{
	struct racer *me = arg;
	int i;

	for (i = 0; i < ROUNDS && !me->ret; i++)
		me->ret = race_once(me, i % LOOK_EVERY == 0);
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
	madvise(mem + page * PAGE, PART, MADV_DONTNEED);
	write_words(mem, page, PART_PAGES);
}

/* Something happens to a huge page, or to one page or some pages in it. */
static void change_once(struct racer *me)
{
	long part = rand_r(&me->seed) % (SOME / PART) * PART_PAGES;
	long page = part + rand_r(&me->seed) % (PART_PAGES - 8);

	switch (rand_r(&me->seed) % 5) {
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
static void begin_racer(struct __test_metadata *_metadata, struct racer *me, void *(*body)(void *))
{
	if (body == race) {
		me->scratch = mem_small(PAGE);
		ASSERT_NE(NULL, me->scratch);
		ASSERT_EQ(0, dma_map(containers[me->container], SCRATCH, me->scratch, PAGE,
				     DMA_RW));
	}
	ASSERT_EQ(0, pthread_create(&me->thread, NULL, body, me));
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
	for (i = 0; i <= MAPPERS; i++) {
		racer[i] = (struct racer){ .seed = seed + i, .w = &self->w, .container = i,
					   .mem = mem };
		begin_racer(_metadata, &racer[i], i < MAPPERS ? race : change);
	}
	for (i = 0; i < MAPPERS; i++) {
		pthread_join(racer[i].thread, NULL);
		EXPECT_EQ(0, racer[i].ret);
		EXPECT_EQ(ROUNDS / LOOK_EVERY, racer[i].looks);
	}
	over = true;
	pthread_join(racer[MAPPERS].thread, NULL);
	EXPECT_LT(0, racer[MAPPERS].splits);
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
