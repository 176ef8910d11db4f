// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty bits of what emulated devices write: reported once each, whatever becomes of
 * the query. A large bitmap is handed over window by window (128 MiB of memory each).
 */
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "emulated_fixture.h"

#define ALL_ONES (~0ULL)

#define EMULATED dirty
#include "emulated_world.h"

/* The device writes to a page. */
static int write_page(struct emulated *e, __u64 page)
{
	__u64 word = page;

	return emulated_write(e, IOVA + page * PAGE, &word, sizeof(word));
}

static int get(struct world *w, __u64 pages, void *words)
{
	struct vfio_bitmap bitmap = bitmap_words(words, (pages + 63) / 64);

	return dirty_get(w->container, IOVA, pages * PAGE, &bitmap);
}

TEST_F(dirty, what_is_written_is_reported_once)
{
	__u64 word = 0;

	ASSERT_EQ(0, dma_map(self->w.container, IOVA, self->mem, MEM_SIZE,
			     DMA_RW));
	ASSERT_EQ(0, dirty_start(self->w.container));
	ASSERT_EQ(0, write_page(self->e, 3));
	ASSERT_EQ(0, get(&self->w, MEM_PAGES, &word));
	EXPECT_EQ(8, word);
	ASSERT_EQ(0, get(&self->w, MEM_PAGES, &word));
	EXPECT_EQ(0, word);
}

TEST_F(dirty, bits_survive_a_bitmap_that_faults)
{
	void *hole = mem_untouched(PAGE);
	__u64 word = 0;

	ASSERT_NE(NULL, hole);
	ASSERT_EQ(0, munmap(hole, PAGE));
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, self->mem, MEM_SIZE,
			     DMA_RW));
	ASSERT_EQ(0, dirty_start(self->w.container));
	ASSERT_EQ(0, write_page(self->e, 3));
	EXPECT_EQ(-EFAULT, get(&self->w, MEM_PAGES, hole));
	ASSERT_EQ(0, get(&self->w, MEM_PAGES, &word));
	EXPECT_EQ(8, word);
}

#define EMULATED large
#define EMULATED_BATCH_ONLY
#include "emulated_world.h"

enum {
	WINDOW = 512 * 64,		/* pages of a window */
	PAGES = 2 * WINDOW + 200,
	WORDS = PAGES / 64 + 2,
	PINNED = WINDOW + 77,
};

static const unsigned int written[] = {
	0, 1, 63, 64, WINDOW - 1, WINDOW, WINDOW + 5, 2 * WINDOW, PAGES - 1,
};

enum { WRITTEN = sizeof(written) / sizeof(written[0]) };

/* Maps PAGES, lets the device write some and pin one. */
static void map_and_write(struct __test_metadata *_metadata, struct world *w,
			  struct emulated *e)
{
	char *mem = mem_untouched((__u64)PAGES * PAGE);
	unsigned int i;

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, dma_map(w->container, IOVA, mem, (__u64)PAGES * PAGE,
			     DMA_RW));
	ASSERT_EQ(0, dirty_start(w->container));
	for (i = 0; i < WRITTEN; i++)
		ASSERT_EQ(0, write_page(e, written[i]));
	ASSERT_EQ(0, emulated_pin(e, IOVA + PINNED * PAGE, 1, MOCK_WRITE));
}

static bool bit(const __u64 *words, unsigned int at)
{
	return words[at / 64] >> at % 64 & 1;
}

/*
 * Are exactly the written pages from @from on set, and the pinned one? The bitmap
 * begins @ahead pages before the mapping.
 */
static bool has_written(const __u64 *words, unsigned int ahead,
			unsigned int from)
{
	unsigned int i, expected = 1, found = 0;

	if (!bit(words, ahead + PINNED))
		return false;
	for (i = 0; i < WRITTEN; i++) {
		if (written[i] < from)
			continue;
		expected++;
		if (!bit(words, ahead + written[i]))
			return false;
	}
	for (i = 0; i < WORDS; i++)
		found += __builtin_popcountll(words[i]);
	return found == expected;
}

static int get_ahead(struct world *w, unsigned int ahead, __u64 *words)
{
	struct vfio_bitmap bitmap = bitmap_words(words, WORDS);

	memset(words, 0, WORDS * sizeof(*words));
	return dirty_get(w->container, IOVA - ahead * PAGE,
			 (__u64)(PAGES + ahead) * PAGE, &bitmap);
}

static void reports_windows(struct __test_metadata *_metadata, struct world *w,
			    struct emulated *e, unsigned int ahead)
{
	static __u64 words[WORDS];

	map_and_write(_metadata, w, e);
	ASSERT_EQ(0, get_ahead(w, ahead, words));
	EXPECT_TRUE(has_written(words, ahead, 0));
	ASSERT_EQ(0, get_ahead(w, ahead, words));
	EXPECT_TRUE(has_written(words, ahead, PAGES));
}

TEST_F(large, is_reported_in_windows)
{
	reports_windows(_metadata, &self->w, self->e, 0);
}

TEST_F(large, is_reported_in_windows_that_are_shifted)
{
	reports_windows(_metadata, &self->w, self->e, 61);
}

/* The second window cannot be written: the first is reported, the rest stays dirty. */
TEST_F(large, what_faults_in_the_middle_is_reported_next)
{
	static __u64 words[WORDS];
	char *pages = mem_small(2 * PAGE);
	struct vfio_bitmap bitmap = bitmap_words((void *)pages, WORDS);

	ASSERT_NE(NULL, pages);
	ASSERT_EQ(0, munmap(pages + PAGE, PAGE));
	map_and_write(_metadata, &self->w, self->e);
	EXPECT_EQ(-EFAULT, dirty_get(self->w.container, IOVA,
				     (__u64)PAGES * PAGE, &bitmap));
	ASSERT_EQ(0, get_ahead(&self->w, 0, words));
	EXPECT_TRUE(has_written(words, 0, WINDOW));
}

/* The bitmap of so much address space takes a while. */
#define HUGE (2048 * GIB)
#define HUGE_WORDS (HUGE / PAGE / 64)

/* Who is killed asks no further: most of the bitmap is as it was. */
TEST_F(large, query_ends_with_its_task)
{
	volatile __u64 *words = mmap(NULL, HUGE_WORDS * 8, PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	void *mem = mmap(NULL, HUGE, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int status;
	pid_t pid;

	ASSERT_NE(MAP_FAILED, (void *)words);
	ASSERT_NE(MAP_FAILED, mem);
	memset((void *)words, 0xff, HUGE_WORDS * 8);
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, mem, HUGE, DMA_RW));
	ASSERT_EQ(0, dirty_start(self->w.container));
	pid = fork();
	if (!pid)
		_exit(get(&self->w, HUGE / PAGE, (void *)words) ? 1 : 0);
	ASSERT_LT(0, pid);
	while (words[0] == ALL_ONES && !waitpid(pid, &status, WNOHANG))
		sched_yield();
	EXPECT_EQ(0, words[0]);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	EXPECT_EQ(ALL_ONES, words[HUGE_WORDS - 1]);
}

TEST_HARNESS_MAIN
