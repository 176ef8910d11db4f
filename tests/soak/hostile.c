// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random calls by clients that mean harm: nothing breaks, nobody locks more
 * than he may, nothing is left when they are gone, however they go, and the
 * kernel log is not flooded.
 *
 * hostile [CALLS [SEED]]
 *
 * With VIB_COVER_POINTS, how many points of the module KCOV can tell of, calls
 * are guided by what they reach; that many there must be at most, and of these
 * a part is to be reached.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../kselftest/lib/backend.h"
#include "../kselftest/lib/container.h"
#include "../kselftest/lib/dma.h"
#include "../kselftest/lib/edu.h"
#include "../kselftest/lib/ledger.h"
#include "../kselftest/lib/pci.h"
#include "hostile.h"
#include "klog.h"
#include "leftovers.h"
#include "tap.h"

enum {
	BATCH_IOMMU = 0x5642,
	GROUPS_EACH = 2,
	DEVICES = HOSTILES * GROUPS_EACH,
	ENTRY_LIMIT = 64,
	/* RLIMIT_MEMLOCK, dma_entry_limit, interrupt remapping; two say it once */
	LOG_SITES = 5,
	CALLS_A_THREAD = 6000,
	POLL_US = 20000,
	LEAST_PERCENT = 30,
};

struct director {
	struct stage *stage;
	struct rng rng;
	struct pci_dev dev[DEVICES];
	struct hostile hostile[HOSTILES];
	pid_t pid[HOSTILES];
	int container[TARGETS], group[DEVICES], device;
	struct edu edu;
	int memfd;
	unsigned int epochs, killed;
	long lines, most_locked;
	unsigned long points;	/* that KCOV can tell of in the module */
	char trouble[256];
};

static void trouble(struct director *d, const char *what, long value)
{
	if (!d->trouble[0])
		snprintf(d->trouble, sizeof(d->trouble), "epoch %u: %s: %ld",
			 d->epochs, what, value);
}

/* By our own rules, or by those of type1's first version. */
static unsigned long some_id(struct director *d)
{
	return rng_percent(&d->rng, 70) ? BATCH_IOMMU : VFIO_TYPE1_IOMMU;
}

static void open_targets(struct director *d)
{
	unsigned int i, g;
	int ret = 0;

	for (i = 0; i < TARGETS; i++)
		d->container[i] = container_open();
	for (i = 0; i < DEVICES; i++)
		d->group[i] = group_open(d->dev[i].group);
	for (i = 0; !ret && i < HOSTILES; i++) {
		for (g = 0; !ret && g < GROUPS_EACH; g++)
			ret = group_join(d->group[i * GROUPS_EACH + g],
					 d->container[i]);
		if (!ret)
			ret = container_set_iommu(d->container[i], some_id(d));
	}
	if (ret || containers_count("container: ") != HOSTILES)
		trouble(d, "opening the containers", ret);
	d->device = group_device(d->group[0], d->dev[0].addr);
	ret = d->device < 0 ? d->device : edu_open(&d->edu, d->device);
	if (ret)
		trouble(d, "opening a device", ret);
}

static void close_targets(struct director *d)
{
	unsigned int i;

	edu_close(&d->edu);
	close(d->device);
	for (i = 0; i < DEVICES; i++)
		close(d->group[i]);
	for (i = 0; i < TARGETS; i++)
		close(d->container[i]);
}

static void start(struct director *d, unsigned long calls)
{
	struct hostile *h;
	unsigned int i;

	d->stage->finished = 0;
	d->stage->leave = false;
	for (i = 0; i < HOSTILES; i++) {
		h = &d->hostile[i];
		*h = (struct hostile){
			.stage = d->stage,
			.nr = i,
			.group = d->group[i * GROUPS_EACH + 1],
			.memfd = d->memfd,
			.bar = d->edu.bar,
			.calls = calls,
			.seed = rng_next(&d->rng),
			.guided = d->points,
		};
		memcpy(h->container, d->container, sizeof(h->container));
		d->pid[i] = fork();
		if (!d->pid[i])
			hostile_run(h);
	}
}

/* What each has locked now: never more than it may. */
static void watch(struct director *d)
{
	unsigned int i;
	long locked, lines = klog_lines();

	if (lines < 0)
		trouble(d, "the kernel log overflowed", lines);
	else
		d->lines += lines;
	for (i = 0; i < HOSTILES; i++) {
		locked = locked_pages_of(d->pid[i]);
		if (locked > d->most_locked)
			d->most_locked = locked;
	}
}

static bool is_over(struct director *d)
{
	return d->stage->finished == HOSTILES || d->stage->trouble[0];
}

/* With all unmapped, a client that still lives has nothing locked. */
static void let_go(struct director *d)
{
	unsigned int i;
	long locked;

	for (i = 0; i < HOSTILES; i++)
		if (dma_unmap_all(d->container[i], NULL))
			trouble(d, "UNMAP_ALL", i);
	for (i = 0; i < HOSTILES; i++) {
		locked = locked_pages_of(d->pid[i]);
		if (locked)
			trouble(d, "pages locked with nothing mapped", locked);
	}
	d->stage->leave = true;
}

static void reap(struct director *d, bool killed)
{
	unsigned int i;
	int status;

	for (i = 0; i < HOSTILES; i++) {
		waitpid(d->pid[i], &status, 0);
		if (killed ? !WIFSIGNALED(status) && status : status)
			trouble(d, d->stage->trouble[0] ? d->stage->trouble :
				"a client ended with status", status);
	}
}

static void epoch(struct director *d, unsigned long calls)
{
	bool killed = rng_percent(&d->rng, 40);
	unsigned long from = d->stage->calls, all = calls * HOSTILES *
		HOSTILE_THREADS;
	unsigned long until = from + (killed ? rng_below(&d->rng, all) : all);
	const char *left;
	unsigned int i;

	open_targets(d);
	start(d, calls);
	while (!is_over(d) && (!killed || d->stage->calls < until)) {
		usleep(POLL_US);
		watch(d);
	}
	for (i = 0; killed && i < HOSTILES; i++)
		kill(d->pid[i], SIGKILL);
	if (!killed)
		let_go(d);
	reap(d, killed);
	close_targets(d);
	d->epochs++;
	d->killed += killed;
	left = leftovers();
	if (left)
		trouble(d, left, 0);
}

static bool prepare(struct director *d)
{
	d->stage = mmap(NULL, sizeof(*d->stage), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	d->memfd = memfd_create("common", MFD_CLOEXEC);
	return d->stage != MAP_FAILED && !ftruncate(d->memfd, PLACE_SIZE) &&
		pci_find_groups(PCI_EDU, d->dev, DEVICES) == DEVICES &&
		!klog_begin() &&
		!backend_param_set(BACKEND_BATCH, "dma_entry_limit",
				   ENTRY_LIMIT) &&
		!backend_param_set(BACKEND_BATCH, "claim_type1", 1);
}

/* How much of the module the calls saw, where that can be told. */
static void conclude_cover(struct director *d)
{
	const struct cover *cover = &d->stage->cover;

	if (!d->points) {
		tap_note("not guided by coverage: no module built for KCOV");
		return;
	}
	tap(cover->points >= d->points * LEAST_PERCENT / 100 &&
	    cover->points <= d->points,
	    "calls went through %lu of %lu points of the module, %lu were new",
	    cover->points, d->points, cover->keeps);
}

static void conclude(struct director *d, unsigned long calls, long seconds)
{
	const struct stage *stage = d->stage;
	unsigned int i, never = 0;
	long bound = klog_bound(seconds, LOG_SITES);

	for (i = 0; i < CALL_KINDS; i++) {
		tap_note("%s: done %lu, refused %lu", call_name[i],
			 stage->good[i], stage->bad[i]);
		if (i != CALL_UNKNOWN)
			never += !stage->good[i] && i != CALL_SET_IOMMU;
		never += !stage->bad[i] && i != CALL_EXTENSION;
	}
	tap_note("%lu late pages, %lu groups moved", stage->late, stage->moves);
	tap(stage->calls >= calls && !never && stage->late && stage->moves,
	    "%lu calls in %ld s, each kind done and refused", stage->calls,
	    seconds);
	tap(!d->trouble[0], "%u epochs, %u ended by SIGKILL, left nothing%s%s",
	    d->epochs, d->killed, d->trouble[0] ? "; " : "", d->trouble);
	tap(d->most_locked > 0 && d->most_locked <= LIMIT_PAGES,
	    "at most %ld of %d pages locked", d->most_locked, LIMIT_PAGES);
	conclude_cover(d);
	tap(d->lines <= bound, "%ld lines in the kernel log, %ld allowed",
	    d->lines, bound);
}

int main(int argc, char **argv)
{
	unsigned long calls = argc > 1 ? strtoul(argv[1], NULL, 0) : 100000;
	unsigned int seed = argc > 2 ? strtoul(argv[2], NULL, 0) : test_seed();
	time_t begin = time(NULL);
	const char *points = getenv("VIB_COVER_POINTS");
	static struct director d;

	d.rng.state = seed;
	d.points = points ? strtoul(points, NULL, 0) : 0;
	if (!tap(prepare(&d), "four devices, the module and the kernel log"))
		return tap_end();
	tap_note("seed %u", seed);
	leftovers_begin();
	while (d.stage->calls < calls && !d.trouble[0])
		epoch(&d, CALLS_A_THREAD);
	conclude(&d, calls, time(NULL) - begin);
	backend_param_set(BACKEND_BATCH, "dma_entry_limit", 65535);
	backend_param_set(BACKEND_BATCH, "claim_type1", 0);
	return tap_end();
}
