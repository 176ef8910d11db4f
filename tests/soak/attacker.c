// SPDX-License-Identifier: GPL-2.0-only
/*
 * See hostile.h: a client, its memory, and the threads that call, that change
 * the memory meanwhile, and that bring late memory late.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../kselftest/lib/container.h"
#include "../kselftest/lib/ledger.h"
#include "../kselftest/lib/mem.h"
#include "../kselftest/lib/util.h"
#include "hostile.h"
#include "group_lock.h"

enum { LATE_BY_US = 2000, CHANGE_EVERY_US = 1500, MOVE_ONE_IN = 2000,
	LIKE_PERCENT = 40 };

static const struct hostile *me;
static struct places places;
static int uffd;
static volatile bool ended;

static void give_up(const char *what)
{
	snprintf(me->stage->trouble, sizeof(me->stage->trouble), "%s: %d", what,
		 errno);
	_exit(2);
}

static char *map(int prot, int flags, int fd)
{
	char *at = mmap(NULL, PLACE_SIZE, prot, flags, fd, 0);

	if (at == MAP_FAILED)
		give_up("mmap");
	return at;
}

/* Memory of which all but the first page has to be brought. */
static char *late_memory(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	char *at = mem_untouched(PLACE_SIZE);
	struct uffdio_register range = {
		.range = { .start = (unsigned long)at + PAGE,
			   .len = PLACE_SIZE - PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	at[0] = 0;
	uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api) ||
	    ioctl(uffd, UFFDIO_REGISTER, &range))
		give_up("userfaultfd");
	return at;
}

static void make_places(void)
{
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int both = memfd_create("both", MFD_CLOEXEC);
	char *edge;

	if (file < 0 || both < 0 || ftruncate(both, PLACE_SIZE))
		give_up("files");
	places.at[PLACE_OWN] = mem_small(PLACE_SIZE);
	places.at[PLACE_COMMON] = map(PROT_READ | PROT_WRITE, MAP_SHARED,
				      me->memfd);
	places.at[PLACE_READ_ONLY] = map(PROT_READ, MAP_SHARED, both);
	places.read_only = map(PROT_READ | PROT_WRITE, MAP_SHARED, both);
	places.at[PLACE_NONE] = map(PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	edge = mem_small(2 * PLACE_SIZE);
	munmap(edge + PLACE_SIZE, PLACE_SIZE);
	places.at[PLACE_EDGE] = edge;
	places.at[PLACE_LATE] = late_memory();
	places.late = mem_small(PLACE_SIZE);
	places.at[PLACE_FILE] = map(PROT_READ, MAP_PRIVATE, file);
	places.at[PLACE_BAR] = me->bar;
	places.at[PLACE_UNTOUCHED] = mem_untouched(PLACE_SIZE);
}

/* Brings late memory, late. */
static void *bring(void *arg)
{
	struct rng rng = { me->seed + 77 };
	struct pollfd ready = { .fd = uffd, .events = POLLIN };
	struct uffd_msg msg;

	while (!ended) {
		if (poll(&ready, 1, 100) <= 0 ||
		    read(uffd, &msg, sizeof(msg)) != sizeof(msg))
			continue;
		usleep(rng_below(&rng, LATE_BY_US));
		__u64 page = msg.arg.pagefault.address & ~(PAGE - 1);
		struct uffdio_copy copy = {
			.dst = page,
			.src = (unsigned long)places.late + page -
				(unsigned long)places.at[PLACE_LATE],
			.len = PAGE,
		};
		ioctl(uffd, UFFDIO_COPY, &copy);
		__atomic_fetch_add(&me->stage->late, 1, __ATOMIC_RELAXED);
	}
	return arg;
}

/* Changes what is behind the addresses, with calls under way. */
static void change(struct rng *rng)
{
	size_t at = rng_below(rng, PLACE_SIZE / PAGE) * PAGE;
	char *own = places.at[PLACE_OWN] + at;

	switch (rng_below(rng, 5)) {
	case 0:
		madvise(places.at[PLACE_LATE] + PAGE, PLACE_SIZE - PAGE,
			MADV_DONTNEED);
		break;
	case 1:
		madvise(own, PAGE, MADV_DONTNEED);
		break;
	case 2:
		madvise(places.at[PLACE_UNTOUCHED], PLACE_SIZE, MADV_DONTNEED);
		break;
	case 3:
		fallocate(me->memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			  at, PAGE);
		break;
	default:
		mmap(own, PAGE, PROT_READ | PROT_WRITE, MAP_FIXED |
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	}
}

static void *change_all_along(void *arg)
{
	struct rng rng = { me->seed + 78 };

	while (!ended) {
		change(&rng);
		usleep(rng_below(&rng, CHANGE_EVERY_US));
	}
	return arg;
}

static int pick_target(struct rng *rng)
{
	if (rng_percent(rng, 60))
		return me->container[me->nr];
	return rng_pick(rng, me->container);
}

static void move_group(struct rng *rng)
{
	cover_begin();
	group_lock();
	if (rng_percent(rng, 50))
		group_leave(me->group);
	else
		group_join(me->group, me->container[me->nr]);
	group_unlock();
	cover_is_new(&me->stage->cover);
	__atomic_fetch_add(&me->stage->moves, 1, __ATOMIC_RELAXED);
}

/* A fresh one, or like one that went where none had been. */
static void think_of(struct call *call, struct rng *rng)
{
	const struct call *model = NULL;

	if (rng_percent(rng, LIKE_PERCENT))
		model = cover_pick(&me->stage->cover, rng);
	if (model)
		hostile_call_vary(call, model, rng, &places);
	else
		hostile_call_make(call, rng, &places);
}

static void attack(struct rng *rng)
{
	struct call call;
	int ret;

	if (!rng_below(rng, MOVE_ONE_IN))
		move_group(rng);
	think_of(&call, rng);
	cover_begin();
	ret = vfio_ioctl(pick_target(rng), call.request,
			 (void *)(unsigned long)call.arg);
	if (cover_is_new(&me->stage->cover))
		cover_keep(&me->stage->cover, &call);
	__atomic_fetch_add(ret < 0 ? &me->stage->bad[call.kind] :
			   &me->stage->good[call.kind], 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&me->stage->calls, 1, __ATOMIC_RELAXED);
}

static void *attack_all_along(void *arg)
{
	struct rng rng = { me->seed + (unsigned long)arg };
	unsigned long i;

	if (!cover_open() && me->guided)
		give_up("KCOV");
	for (i = 0; i < me->calls; i++)
		attack(&rng);
	return NULL;
}

void hostile_run(const struct hostile *hostile)
{
	pthread_t caller[HOSTILE_THREADS], helper;
	unsigned long i;

	me = hostile;
	make_places();
	if (drop_ipc_lock() || limit_locked_pages(LIMIT_PAGES))
		give_up("limit");
	pthread_create(&helper, NULL, bring, NULL);
	pthread_create(&helper, NULL, change_all_along, NULL);
	for (i = 0; i < HOSTILE_THREADS; i++)
		pthread_create(&caller[i], NULL, attack_all_along, (void *)i);
	for (i = 0; i < HOSTILE_THREADS; i++)
		pthread_join(caller[i], NULL);
	__atomic_fetch_add(&me->stage->finished, 1, __ATOMIC_SEQ_CST);
	while (!me->stage->leave)
		usleep(5000);
	ended = true;
	_exit(0);
}
