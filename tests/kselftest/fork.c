// SPDX-License-Identifier: GPL-2.0-only
/*
 * A client that forks: its device goes on with its own pages, and the child has copies of
 * them as they were. That holds for every kind of private memory, and for a fork in any
 * moment of a MAP or UNMAP.
 */
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "lib/agree.h"

enum { ROUNDS = 60, LOOK_EVERY = 12, WATCH_US = 3000 };

#define WORLD fork_private
#define WORLD_GROUPS 1
#define WORLD_ONE_ID
#include "world_fixture.h"

/* In the child: waits, then looks for what was there when it was forked, and writes. */
static void be_child(char *mem, int gate)
{
	char byte;

	if (read(gate, &byte, 1) != 1)
		_exit(1);
	if (!mem_is(mem, EDU_CHUNK, 1))
		_exit(2);
	if (!mem_is(mem + EDU_CHUNK, EDU_CHUNK, 2))
		_exit(3);
	mem_fill(mem, PAGE, 9);
	_exit(0);
}

/* Everybody reads what they should of the page at @at: parent, device, child. */
static void each_reads_its_own(struct __test_metadata *_metadata,
			       struct world *w, char *mem, __u64 size, __u64 at)
{
	struct edu *edu = world_edu(w, 0);
	int gate[2], status;
	char *page = mem + at;
	pid_t pid;

	ASSERT_NE(NULL, edu);
	mem_fill(page, EDU_CHUNK, 1);
	mem_fill(page + EDU_CHUNK, EDU_CHUNK, 2);
	ASSERT_EQ(0, dma_map(w->container, IOVA, mem, size, DMA_RW));
	ASSERT_EQ(0, pipe(gate));
	pid = fork();
	if (!pid)
		be_child(page, gate[0]);
	ASSERT_LT(0, pid);

	EXPECT_EQ(0, device_agrees(edu, IOVA + at, page));
	ASSERT_EQ(1, write(gate[1], "", 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, device_agrees(edu, IOVA + at, page));
	close(gate[0]);
	close(gate[1]);
}

TEST_F(fork_private, small_pages)
{
	each_reads_its_own(_metadata, &self->w, self->mem, MEM_SIZE, 7 * PAGE);
}

TEST_F(fork_private, transparent_huge_pages)
{
	char *mem = mem_thp(2 * HUGE_2M);

	ASSERT_NE(NULL, mem);
	each_reads_its_own(_metadata, &self->w, mem, 2 * HUGE_2M, HUGE_2M + 7 * PAGE);
}

TEST_F(fork_private, memfd)
{
	int fd = memfd_create("private", MFD_CLOEXEC);
	char *mem;

	ASSERT_LT(0, fd);
	ASSERT_EQ(0, ftruncate(fd, MEM_SIZE));
	mem = mmap(NULL, MEM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	ASSERT_NE(MAP_FAILED, mem);
	close(fd);
	each_reads_its_own(_metadata, &self->w, mem, MEM_SIZE, 7 * PAGE);
}

/* The child's copies come from the pool, too. */
TEST_F(fork_private, hugetlb_pages)
{
	const size_t size = 2 * HUGE_2M;
	long before = hugepages_get();
	char *mem;

	if (kernel_running() < KERNEL(5, 13))
		SKIP_TEST("fork copies no pinned hugetlb pages before 5.13");
	ASSERT_EQ(0, hugepages_set(before + 4));
	mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	ASSERT_NE(MAP_FAILED, mem);
	each_reads_its_own(_metadata, &self->w, mem, size, HUGE_2M + 7 * PAGE);
	EXPECT_EQ(0, hugepages_set(before));
}

/* A thread that forks for ever; with @seen, in huge pages, each child looks at that a while. */
struct forker {
	volatile bool stop;
	volatile __u64 *seen;
	unsigned long forks;
	int error;
	pthread_t thread;
};

/* In the child: does what it sees there stay as it is? */
static void watch_word(volatile __u64 *word)
{
	__u64 was = word ? *word : 0;

	if (word)
		usleep(WATCH_US);
	_exit(word && *word != was);
}

static void *fork_on(void *arg)
{
	struct forker *forker = arg;
	int status = 0;
	pid_t pid;

	while (!forker->stop) {
		pid = fork();
		if (!pid)
			watch_word(forker->seen);
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			forker->error = errno;
		else if (status)
			forker->error = EBADE;
		else
			forker->forks++;
	}
	return NULL;
}

/* What a fork has made small is huge again, of new memory. */
static void renew_huge_pages(char *mem, __u64 size)
{
	__u64 at;

	madvise(mem, size, MADV_DONTNEED);
	for (at = 0; at < size; at += HUGE_2M)
		mem[at] = 1;
}

static void forks_beside_map_and_unmap(struct __test_metadata *_metadata, struct world *w,
				       char *mem, __u64 size, struct forker *forker)
{
	struct edu *edu = world_edu(w, 0);
	unsigned int i;
	__u64 done;

	ASSERT_NE(NULL, edu);
	ASSERT_EQ(0, pthread_create(&forker->thread, NULL, fork_on, forker));
	for (i = 0; i < ROUNDS; i++) {
		if (forker->seen)
			renew_huge_pages(mem, size);
		ASSERT_EQ(0, dma_map(w->container, IOVA, mem, size, DMA_RW));
		mem_fill(mem, PAGE, i);
		if (i % LOOK_EVERY == 0)
			EXPECT_EQ(0, device_agrees(edu, IOVA + i * PAGE, mem + i * PAGE));
		ASSERT_EQ(0, dma_unmap(w->container, IOVA, size, 0, &done));
		EXPECT_EQ(size, done);
	}
	forker->stop = true;
	pthread_join(forker->thread, NULL);
	EXPECT_EQ(0, forker->error);
	EXPECT_LT(0, forker->forks);
}

TEST_F(fork_private, in_a_loop_beside_map_and_unmap)
{
	struct forker forker = { 0 };

	forks_beside_map_and_unmap(_metadata, &self->w, self->mem, MEM_SIZE, &forker);
}

TEST_F(fork_private, huge_pages_in_a_loop_beside_map_and_unmap)
{
	char *mem = mem_thp(2 * HUGE_2M);
	struct forker forker = { .seen = (__u64 *)mem };

	NEED_THP();
	ASSERT_NE(NULL, mem);
	forks_beside_map_and_unmap(_metadata, &self->w, mem, 2 * HUGE_2M, &forker);
}

TEST_HARNESS_MAIN
