// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything at once: clients whose threads map, unmap, move groups, change
 * their memory, fork and die at any moment, while the module is asked to go all
 * along. Nothing may break, nothing may be left, and the module may go exactly
 * when nobody uses it.
 *
 * races [SECONDS [SEED]]: longer, if a machine is so busy that not everything
 * has been done once by then, or the module never been asked to go in use. The
 * threads' order is not repeated by a seed, what they do is.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../differential/rng.h"
#include "../kselftest/lib/backend.h"
#include "child.h"
#include "leftovers.h"
#include "races.h"
#include "tap.h"

/* Having found nobody there, it lets them come back. */
enum {
	EPISODE_MS = 2500,
	PAUSE_US = 4000,
	REMOVED_PAUSE_US = 400000,
	RACE_DEVICES = 4,
	MORE = 120,
};

static const char * const race_name[RACES] = {
	[RACE_MAP] = "map", [RACE_UNMAP] = "unmap",
	[RACE_BATCH] = "batch", [RACE_UNMAP_ALL] = "unmap_all", [RACE_UNMAP_DIRTY] = "unmap_dirty",
	[RACE_INFO] = "info", [RACE_DIRTY_START] = "dirty_start",
	[RACE_DIRTY_STOP] = "dirty_stop", [RACE_DIRTY_GET] = "dirty_get",
	[RACE_VADDR] = "vaddr", [RACE_ATTACH] = "attach",
	[RACE_DETACH] = "detach", [RACE_GROUP_CLOSE] = "group_close",
	[RACE_CONTAINER_CLOSE] = "container_close", [RACE_DEVICE] = "device",
	[RACE_FORK] = "fork", [RACE_EXEC] = "exec",
	[RACE_EXEC_KEPT] = "exec with the container", [RACE_REMAP] = "remap",
	[RACE_PROTECT] = "mprotect", [RACE_DONTNEED] = "dontneed",
	[RACE_PUNCH] = "punch", [RACE_LOCK] = "mlock",
};

/* How often each is done, in parts of their sum. */
static const unsigned int weight[RACES] = {
	[RACE_MAP] = 300, [RACE_UNMAP] = 160, [RACE_BATCH] = 80, [RACE_UNMAP_ALL] = 20,
	[RACE_UNMAP_DIRTY] = 40, [RACE_INFO] = 60, [RACE_DIRTY_START] = 10,
	[RACE_DIRTY_STOP] = 10, [RACE_DIRTY_GET] = 40, [RACE_VADDR] = 20,
	[RACE_ATTACH] = 24, [RACE_DETACH] = 12, [RACE_GROUP_CLOSE] = 12,
	[RACE_CONTAINER_CLOSE] = 2, [RACE_DEVICE] = 4, [RACE_FORK] = 3,
	[RACE_EXEC] = 2, [RACE_EXEC_KEPT] = 2, [RACE_REMAP] = 30,
	[RACE_PROTECT] = 30, [RACE_DONTNEED] = 30, [RACE_PUNCH] = 30,
	[RACE_LOCK] = 10,
};

enum race race_choose(struct rng *rng)
{
	unsigned int i, sum = 0, at;

	for (i = 0; i < RACES; i++)
		sum += weight[i];
	at = rng_below(rng, sum);
	for (i = 0; at >= weight[i]; i++)
		at -= weight[i];
	return i;
}

struct director {
	struct arena *arena;
	struct rng rng;
	struct racer racer[RACE_CLIENTS];
	pid_t pid[RACE_CLIENTS];
	unsigned int episodes, killed, refused, removed, wrong;
	char trouble[256];
};

static void trouble(struct director *d, const char *what, long value)
{
	if (!d->trouble[0])
		snprintf(d->trouble, sizeof(d->trouble), "episode %u: %s: %ld",
			 d->episodes, what, value);
}

static unsigned int holders(const struct director *d, unsigned int *which)
{
	unsigned int i, nr = 0;

	for (i = 0; i < RACE_CLIENTS; i++) {
		which[i] = d->arena->holding[i];
		nr += which[i];
	}
	return nr;
}

/*
 * Asks the module to go. It must not while a client holds a container, that is:
 * says so before and has not let go of it since.
 */
static void try_remove(struct director *d, bool killed)
{
	unsigned int before[RACE_CLIENTS], i;
	int ret;

	holders(d, before);
	ret = backend_remove(BACKEND_BATCH);
	if (ret) {
		d->refused++;
		if (ret != -EAGAIN && ret != -EBUSY)
			trouble(d, "removing the module", ret);
		return;
	}
	d->removed++;
	for (i = 0; !killed && i < RACE_CLIENTS; i++)
		if (before[i] && d->arena->holding[i])
			d->wrong++;
	ret = module_insert();
	if (ret)
		trouble(d, "inserting the module", ret);
	usleep(REMOVED_PAUSE_US);
}

static void start(struct director *d)
{
	unsigned int i;

	d->arena->stop = false;
	for (i = 0; i < RACE_CLIENTS; i++) {
		d->arena->holding[i] = 0;
		d->racer[i].seed = rng_next(&d->rng);
		d->pid[i] = fork();
		if (!d->pid[i])
			racer_run(&d->racer[i]);
	}
}

static long elapsed_ms(const struct timespec *since)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - since->tv_sec) * 1000 +
		(now.tv_nsec - since->tv_nsec) / 1000000;
}

/* The first client's end, and the orphans': 0 or what it exited with. */
static void reap(struct director *d, bool killed)
{
	int status;
	pid_t pid;

	while ((pid = wait(&status)) > 0) {
		if (pid != d->pid[0] && pid != d->pid[1])
			continue;
		if (killed ? !WIFSIGNALED(status) && status : status)
			trouble(d, d->arena->trouble[0] ? d->arena->trouble :
				"a client ended with status", status);
	}
}

static void episode(struct director *d)
{
	bool killed = rng_percent(&d->rng, 50);
	long length = killed ? rng_below(&d->rng, EPISODE_MS) : EPISODE_MS;
	struct timespec begin;
	const char *left;
	unsigned int i;
	int ret;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	start(d);
	while (elapsed_ms(&begin) < length) {
		try_remove(d, false);
		ret = containers_count("container: ");
		if (ret < 0 && ret != -ENOENT)
			trouble(d, "debugfs", ret);
		usleep(PAUSE_US);
	}
	d->arena->stop = !killed;
	for (i = 0; killed && i < RACE_CLIENTS; i++)
		kill(d->pid[i], SIGKILL);
	reap(d, killed);
	d->episodes++;
	d->killed += killed;
	left = leftovers();
	if (left)
		trouble(d, left, 0);
	ret = backend_remove(BACKEND_BATCH);
	if (ret)
		trouble(d, "removing the module with nobody there", ret);
	else
		ret = module_insert();
	if (ret)
		trouble(d, "inserting the module", ret);
}

static bool prepare(struct director *d)
{
	struct pci_dev dev[RACE_DEVICES];
	unsigned int i, g;
	int memfd;

	d->arena = mmap(NULL, sizeof(*d->arena), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	memfd = memfd_create("common", MFD_CLOEXEC);
	if (d->arena == MAP_FAILED || memfd < 0 || ftruncate(memfd, RACE_MEM))
		return false;
	if (pci_find_groups(PCI_EDU, dev, RACE_DEVICES) < RACE_DEVICES)
		return false;
	for (i = 0; i < RACE_CLIENTS; i++) {
		d->racer[i].arena = d->arena;
		d->racer[i].nr = i;
		d->racer[i].memfd = memfd;
		for (g = 0; g < RACE_GROUPS; g++)
			d->racer[i].dev[g] = dev[i * RACE_GROUPS + g];
	}
	return !prctl(PR_SET_CHILD_SUBREAPER, 1) &&
		backend_loaded(BACKEND_BATCH);
}

/* Operations that have not been done yet. */
static unsigned int not_done(const struct director *d)
{
	unsigned int i, nr = 0;

	for (i = 0; i < RACES; i++)
		nr += !d->arena->done[i];
	return nr;
}

static void conclude(struct director *d)
{
	unsigned int i, never = not_done(d);

	for (i = 0; i < RACES; i++)
		tap_note("%s: done %lu, refused %lu", race_name[i],
			 d->arena->done[i], d->arena->failed[i]);
	tap(!never, "each operation has been done (%u were not)", never);
	tap(!d->trouble[0], "%u episodes, %u ended by SIGKILL, left nothing%s%s",
	    d->episodes, d->killed, d->trouble[0] ? "; " : "", d->trouble);
	tap(d->refused && !d->wrong,
	    "the module was asked to go: %u refused, %u gone between two clients, %u under a client",
	    d->refused, d->removed, d->wrong);
}

int main(int argc, char **argv)
{
	unsigned int seconds = argc > 1 ? strtoul(argv[1], NULL, 0) : 10;
	unsigned int seed = argc > 2 ? strtoul(argv[2], NULL, 0) : test_seed();
	static struct director d;
	time_t end;

	/* exec'ed by a client */
	if (argc > 1 && !strcmp(argv[1], "exec"))
		return child_main(argc - 2, argv + 2);
	d.rng.state = seed;
	if (!tap(prepare(&d), "four devices and the module"))
		return tap_end();
	tap_note("seed %u", seed);
	leftovers_begin();
	end = time(NULL) + seconds;
	do
		episode(&d);
	while (time(NULL) < end ||
	       ((not_done(&d) || !d.refused) && time(NULL) < end + MORE));
	conclude(&d);
	return tap_end();
}
