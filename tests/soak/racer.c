// SPDX-License-Identifier: GPL-2.0-only
/*
 * See races.h: a client and what its threads do. Descriptors change under the
 * threads' hands on purpose: who closes one takes it away first, and who uses
 * one may find it closed, or that its number is something else by now.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../differential/rng.h"
#include "../kselftest/lib/batch.h"
#include "../kselftest/lib/container.h"
#include "../kselftest/lib/dma.h"
#include "../kselftest/lib/info.h"
#include "../kselftest/lib/ledger.h"
#include "../kselftest/lib/mem.h"
#include "../kselftest/lib/world.h"
#include "child.h"
#include "races.h"
#include "group_lock.h"

#define SLOT (4 * MIB)
#define BASE (1 * GIB)

enum {
	SLOTS = 24,
	BATCH_IOMMU = 0x5642,
	CONTAINER_FD = 200,
	GROUP_FD = 300,
	RENEW_US = 3000,
};

static const struct racer *me;
static atomic_int container = -1, group[RACE_GROUPS] = { -1, -1 };
static char *own, *common;	/* private memory, and the memory in common */
static pthread_mutex_t renewing = PTHREAD_MUTEX_INITIALIZER;

static void close_taken(atomic_int *fd)
{
	int taken = atomic_exchange(fd, -1);

	if (taken >= 0)
		close(taken);
}

static int attach(unsigned int g)
{
	int fd = atomic_load(&group[g]), none = -1;

	if (fd < 0) {
		fd = group_open(me->dev[g].group);
		if (fd < 0)
			return fd;
		if (!atomic_compare_exchange_strong(&group[g], &none, fd)) {
			close(fd);
			fd = none;
		}
	}
	return group_join(fd, atomic_load(&container));
}

/*
 * Container and first group have numbers of their own, which no other file ever
 * gets: a call with a number that is out of date must not let go of them.
 */
static int renumber(int fd, int from)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, from);

	close(fd);
	return high < 0 ? -errno : high;
}

/* Closes all and begins anew, unless another thread is at it. */
static int renew(void)
{
	unsigned int g;
	int fd, ret = -EBUSY;

	if (pthread_mutex_trylock(&renewing))
		return ret;
	me->arena->holding[me->nr] = 0;
	for (g = 0; g < RACE_GROUPS; g++)
		close_taken(&group[g]);
	close_taken(&container);
	fd = container_open();
	if (fd >= 0)
		atomic_store(&container, renumber(fd, CONTAINER_FD));
	fd = group_open(me->dev[0].group);
	if (fd >= 0)
		atomic_store(&group[0], renumber(fd, GROUP_FD));
	ret = attach(0);
	if (!ret)
		ret = container_set_iommu(atomic_load(&container),
					  BATCH_IOMMU);
	me->arena->holding[me->nr] = !ret;
	pthread_mutex_unlock(&renewing);
	return ret;
}

static __u64 slot_iova(struct rng *rng)
{
	return BASE + rng_below(rng, SLOTS) * SLOT;
}

static char *some_memory(struct rng *rng, size_t *size)
{
	size_t pages = rng_percent(rng, 90) ? 1 + rng_below(rng, 16) :
		1 + rng_below(rng, RACE_MEM / PAGE);
	size_t page = rng_below(rng, RACE_MEM / PAGE - pages + 1);

	*size = pages * PAGE;
	return (rng_percent(rng, 50) ? own : common) + page * PAGE;
}

static int map(struct rng *rng)
{
	static const __u32 access[] = { DMA_RW, DMA_RW, DMA_READ, DMA_WRITE };
	size_t size;
	char *mem = some_memory(rng, &size);

	return dma_map(atomic_load(&container), slot_iova(rng) +
		       rng_below(rng, 4) * PAGE, mem, size,
		       rng_pick(rng, access));
}

/* Unmaps and maps in one call, in slots that others use, too. */
static int many(struct rng *rng)
{
	static __thread struct batch batch;
	unsigned int n = 2 + rng_below(rng, 30);
	size_t size;

	for (batch.nr = 0; batch.nr < n;) {
		char *mem = some_memory(rng, &size);

		if (rng_percent(rng, 50))
			batch_unmap(&batch, slot_iova(rng), SLOT);
		else
			batch_map(&batch, slot_iova(rng), mem, size);
	}
	return batch_run(atomic_load(&container), &batch);
}

static int unmap_dirty(struct rng *rng)
{
	static __thread __u64 words[SLOT / PAGE / 64];
	struct vfio_bitmap bitmap = bitmap_words(words, SLOT / PAGE / 64);

	return dma_unmap_dirty(atomic_load(&container), slot_iova(rng), SLOT,
			       &bitmap, NULL);
}

static int get_dirty(struct rng *rng)
{
	static __thread __u64 words[SLOT / PAGE / 64];
	struct vfio_bitmap bitmap = bitmap_words(words, SLOT / PAGE / 64);

	return dirty_get(atomic_load(&container), slot_iova(rng), SLOT,
			 &bitmap);
}

/* Takes an address back, or gives one: mostly to a mapping that is whole. */
static int move_vaddr(struct rng *rng)
{
	__u64 iova = slot_iova(rng);
	int fd = atomic_load(&container), ret;

	ret = dma_unmap(fd, iova, SLOT, UNMAP_VADDR, NULL);
	if (ret)
		return ret;
	dma_map(fd, iova, own, PAGE, DMA_VADDR);
	return dma_unmap(fd, iova, SLOT, 0, NULL);
}

static int use_device(unsigned int g)
{
	struct edu edu = { .device = -1 };
	int ret;

	edu.device = group_device(atomic_load(&group[g]), me->dev[g].addr);
	if (edu.device < 0)
		return edu.device;
	ret = edu_open(&edu, edu.device);
	if (!ret) {
		edu_start_store(&edu, BASE);
		usleep(1000);
		edu_close(&edu);
	}
	close(edu.device);
	return ret;
}

static int breed(struct rng *rng, enum race race)
{
	struct inherited inherited = {
		.container = atomic_load(&container),
		.mem = own,
		.iova = slot_iova(rng),
	};
	unsigned int g;

	for (g = 0; g < RACE_GROUPS; g++)
		inherited.group[g] = atomic_load(&group[g]);
	return child_make(rng, race, &inherited);
}

static int remap(struct rng *rng)
{
	size_t size;
	char *mem = some_memory(rng, &size);
	int flags = MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, fd = -1;
	off_t at = 0;

	munmap(mem, size);
	if (mem >= common && mem < common + RACE_MEM) {
		flags = MAP_FIXED | MAP_SHARED;
		fd = me->memfd;
		at = mem - common;
	}
	return mmap(mem, size, PROT_READ | PROT_WRITE, flags, fd, at) ==
		MAP_FAILED ? -errno : 0;
}

static int protect(struct rng *rng)
{
	static const int prots[] = { PROT_NONE, PROT_READ };
	size_t size;
	char *mem = some_memory(rng, &size);
	int ret;

	ret = neg_errno(mprotect(mem, size, rng_pick(rng, prots)));
	usleep(rng_below(rng, 500));
	mprotect(mem, size, PROT_READ | PROT_WRITE);
	return ret;
}

static int memory_op(struct rng *rng, enum race race)
{
	size_t size;
	char *mem = some_memory(rng, &size);
	int ret;

	if (race == RACE_DONTNEED)
		return neg_errno(madvise(mem, size, MADV_DONTNEED));
	if (race == RACE_PUNCH)
		return neg_errno(fallocate(me->memfd, FALLOC_FL_PUNCH_HOLE |
					   FALLOC_FL_KEEP_SIZE,
					   rng_below(rng, RACE_MEM / PAGE) *
					   PAGE, size));
	ret = neg_errno(mlock(mem, size));
	munlock(mem, size);
	return ret;
}

static int group_op(struct rng *rng, enum race race)
{
	/* The first group keeps the container ours. */
	unsigned int g = RACE_GROUPS - 1;

	switch (race) {
	case RACE_ATTACH:
		return attach(g);
	case RACE_DETACH:
		return group_leave(atomic_load(&group[g]));
	case RACE_GROUP_CLOSE:
		close_taken(&group[g]);
		return 0;
	case RACE_CONTAINER_CLOSE:
		return renew();
	default:
		return use_device(rng_below(rng, RACE_GROUPS));
	}
}

/* What is about groups, descriptors of them or processes that have those too. */
static int one_in_turn(struct rng *rng, enum race race)
{
	bool child = race == RACE_FORK || race == RACE_EXEC ||
		race == RACE_EXEC_KEPT;
	int ret;

	group_lock();
	ret = child ? breed(rng, race) : group_op(rng, race);
	group_unlock();
	return ret;
}

static int one(struct rng *rng, enum race race)
{
	int fd = atomic_load(&container);
	struct info info;

	switch (race) {
	case RACE_MAP:
		return map(rng);
	case RACE_UNMAP:
		return dma_unmap(fd, slot_iova(rng), SLOT *
				 (1 + rng_below(rng, 2)), 0, NULL);
	case RACE_BATCH:
		return many(rng);
	case RACE_UNMAP_ALL:
		return dma_unmap_all(fd, NULL);
	case RACE_UNMAP_DIRTY:
		return unmap_dirty(rng);
	case RACE_INFO:
		return info_get(fd, &info);
	case RACE_DIRTY_START:
		return dirty_start(fd);
	case RACE_DIRTY_STOP:
		return dirty_stop(fd);
	case RACE_DIRTY_GET:
		return get_dirty(rng);
	case RACE_VADDR:
		return move_vaddr(rng);
	case RACE_REMAP:
		return remap(rng);
	case RACE_PROTECT:
		return protect(rng);
	case RACE_DONTNEED:
	case RACE_PUNCH:
	case RACE_LOCK:
		return memory_op(rng, race);
	default:
		return one_in_turn(rng, race);
	}
}

static void *thread(void *arg)
{
	struct rng rng = { me->seed * RACE_THREADS + (unsigned long)arg };
	enum race race;

	rng_next(&rng);
	while (!me->arena->stop) {
		race = race_choose(&rng);
		if (one(&rng, race) < 0)
			__atomic_fetch_add(&me->arena->failed[race], 1,
					   __ATOMIC_RELAXED);
		else
			__atomic_fetch_add(&me->arena->done[race], 1,
					   __ATOMIC_RELAXED);
		if (!me->arena->holding[me->nr] &&
		    one_in_turn(&rng, RACE_CONTAINER_CLOSE))
			usleep(RENEW_US);
	}
	return NULL;
}

static void set_up(void)
{
	own = mem_small(RACE_MEM);
	common = mmap(NULL, RACE_MEM, PROT_READ | PROT_WRITE, MAP_SHARED,
		      me->memfd, 0);
	if (!own || common == MAP_FAILED)
		_exit(2);
	renew();
}

/* All closed and all memory gone: what is still locked is a fault. */
static int locked_at_end(void)
{
	unsigned int g;

	me->arena->holding[me->nr] = 0;
	for (g = 0; g < RACE_GROUPS; g++)
		close_taken(&group[g]);
	close_taken(&container);
	mem_free(own, RACE_MEM);
	mem_free(common, RACE_MEM);
	return locked_pages();
}

void racer_run(const struct racer *racer)
{
	pthread_t threads[RACE_THREADS];
	unsigned long i;
	long locked;

	me = racer;
	set_up();
	for (i = 0; i < RACE_THREADS; i++)
		pthread_create(&threads[i], NULL, thread, (void *)i);
	for (i = 0; i < RACE_THREADS; i++)
		pthread_join(threads[i], NULL);
	locked = locked_at_end();
	if (locked)
		snprintf(me->arena->trouble, sizeof(me->arena->trouble),
			 "client %u: %ld pages locked at its end", me->nr,
			 locked);
	_exit(locked ? 1 : 0);
}
