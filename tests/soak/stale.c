// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does a device reach a page that is no longer its client's? Whichever way a
 * mapping ends, its pages go to somebody else afterwards, and what the devices
 * write, late or again, must not arrive there. The judge's side.
 *
 * stale [SECONDS [SEED]]: at least one round of each kind, then more of them
 * until the time is over.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../kselftest/lib/mem.h"
#include "../kselftest/lib/pci.h"
#include "unbound_edu.h"
#include "leftovers.h"
#include "refill.h"
#include "stale.h"
#include "tap.h"

enum { SHARED_PAGES = 64, KILL_WITHIN_US = 30000, HOLD_US = 60000 };

/* A kind of round, and what has come of it so far. */
struct kind {
	const char *name;
	enum shape shape;
	enum ending ending;
	unsigned int rounds;		/* of one client */
	unsigned int chunks;		/* how much to look for freed pages in */
	unsigned int done, reached, wanted, refilled, damaged;
	unsigned int cuts;
	unsigned long unmapped;
	char trouble[160];
};

#define KIND(title, lie, end, per_client, look) { \
	.name = title, .shape = lie, .ending = end, .rounds = per_client, \
	.chunks = look, }

static struct kind kinds[] = {
	KIND("still mapped", SHAPE_SINGLES, NOT_AT_ALL, 1, 0),
	KIND("UNMAP_DMA of each mapping", SHAPE_SINGLES, BY_UNMAP, 4, 16),
	KIND("UNMAP_DMA of one large mapping", SHAPE_BLOCK, BY_UNMAP, 4, 16),
	KIND("UNMAP_DMA of a range", SHAPE_SINGLES, BY_RANGE, 4, 16),
	KIND("UNMAP_ALL of 33000", SHAPE_THOUSANDS, BY_ALL, 2, 16),
	KIND("UNMAP_ALL of 1032 MiB", SHAPE_SLICES, BY_ALL, 2, 24),
	KIND("close", SHAPE_SINGLES, BY_CLOSE, 1, 16),
	KIND("close of 33000", SHAPE_THOUSANDS, BY_CLOSE, 1, 16),
	KIND("kill", SHAPE_SINGLES, BY_KILL, 1, 16),
	KIND("kill in UNMAP_ALL", SHAPE_THOUSANDS, BY_KILL_IN_UNMAP, 1, 16),
	KIND("kill, container held elsewhere", SHAPE_SINGLES, BY_ORPHAN, 1, 16),
	KIND("map and unmap without pause", SHAPE_SINGLES, CHURN, 400, 4),
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

struct judge {
	struct board *board;
	struct talk talk;
	struct rng rng;
	struct pci_dev dev[AIMED_MAX];
	char *shared;
	pid_t client;
};

bool say(const struct talk *talk, enum step step)
{
	char c = step;

	return write(talk->out, &c, 1) == 1;
}

bool hear(const struct talk *talk, enum step step)
{
	char c;

	return read(talk->in, &c, 1) == 1 && c == (char)step;
}

/* Starts a client, with a pipe in each direction. */
static bool start(struct judge *j, const struct order *order)
{
	int to[2], from[2];
	struct talk theirs;
	struct rng rng = { rng_next(&j->rng) };

	if (pipe(to) || pipe(from))
		return false;
	j->talk = (struct talk){ .in = from[0], .out = to[1] };
	theirs = (struct talk){ .in = to[0], .out = from[1] };
	j->client = fork();
	if (!j->client) {
		close(j->talk.in);
		close(j->talk.out);
		client_run(j->board, &theirs, order, &rng);
	}
	close(theirs.in);
	close(theirs.out);
	return j->client > 0;
}

/* Waits for all children, the orphan's keeper too. */
static void reap(struct judge *j)
{
	while (wait(NULL) > 0)
		;
	close(j->talk.in);
	close(j->talk.out);
}

/*
 * The pages change hands while the client waits, and the devices try again. Or
 * the client is killed, and nothing may be @freed.
 */
static bool judge_round(struct judge *j, struct kind *kind, bool freed)
{
	struct refill refill;
	unsigned int got;

	if (!hear(&j->talk, STEP_FREED))
		return false;
	if (!freed) {
		kill(j->client, SIGKILL);
		waitpid(j->client, NULL, 0);
	}
	got = refill_take(&refill, j->board->pfn, j->board->devices,
			  freed ? kind->chunks : 2);
	if (freed) {
		kind->wanted += j->board->devices;
		kind->refilled += got;
	} else if (got) {
		snprintf(kind->trouble, sizeof(kind->trouble),
			 "%u pages were free while a device could reach them",
			 got);
	}
	say(&j->talk, STEP_REFILLED);
	hear(&j->talk, STEP_AIMED);
	kind->damaged += refill_damaged(&refill);
	refill_drop(&refill);
	say(&j->talk, STEP_NEXT);
	return true;
}

/* The proof that damage is seen: pages are written to while still mapped. */
static bool judge_mapped(struct judge *j, struct kind *kind)
{
	if (!hear(&j->talk, STEP_FREED))
		return false;
	refill_fill(j->shared, SHARED_PAGES * PAGE);
	say(&j->talk, STEP_REFILLED);
	hear(&j->talk, STEP_AIMED);
	kind->wanted += j->board->devices;
	kind->refilled += j->board->devices;
	kind->damaged += refill_damaged_in(j->shared, SHARED_PAGES * PAGE);
	say(&j->talk, STEP_NEXT);
	return true;
}

/*
 * The devices that VFIO has let go of are made to try again, by sysfs; 0, or
 * -errno if one of them cannot be had.
 */
static int aim_all(struct judge *j)
{
	struct edu edu[AIMED_MAX];
	unsigned int i, devices = j->board->devices;
	int ret, bad = 0;

	for (i = 0; i < devices; i++) {
		ret = unbound_edu_open(&edu[i], j->dev[i].addr);
		bad = ret ? ret : bad;
	}
	/* What the client had under way first. */
	for (i = 0; i < devices; i++)
		if (edu[i].bar)
			edu_wait(&edu[i]);
	for (i = 0; i < devices; i++)
		if (edu[i].bar)
			edu_start_store(&edu[i], j->board->iova[i]);
	for (i = 0; i < devices; i++)
		if (edu[i].bar)
			edu_wait(&edu[i]);
	for (i = 0; i < devices; i++)
		unbound_edu_close(&edu[i], j->dev[i].addr);
	return bad;
}

/* Pages change hands once, and the devices try again. */
static int refill_once(struct judge *j, struct kind *kind, unsigned int *got)
{
	struct refill refill;
	int ret;

	*got = refill_take(&refill, j->board->pfn, j->board->devices,
			   kind->chunks);
	ret = aim_all(j);
	kind->damaged += refill_damaged(&refill);
	refill_drop(&refill);
	return ret;
}

/*
 * The client ends, by itself or not. What is free by then is no device's any
 * more, also if somebody switches the device on again.
 */
static void judge_end(struct judge *j, struct kind *kind, bool killed)
{
	unsigned int got;
	int ret;

	if (!hear(&j->talk, STEP_FREED)) {
		reap(j);
		return;
	}
	if (killed) {
		usleep(rng_below(&j->rng, KILL_WITHIN_US));
		kill(j->client, SIGKILL);
	}
	while (!waitpid(j->client, NULL, WNOHANG))
		refill_once(j, kind, &got);
	reap(j);
	ret = refill_once(j, kind, &got);
	kind->wanted += j->board->devices;
	kind->refilled += got;
	if (ret)
		snprintf(kind->trouble, sizeof(kind->trouble),
			 "a device by sysfs: %d", ret);
}

/* Until the keeper unmaps nothing is free; then everything is. */
static void judge_orphan(struct judge *j, struct kind *kind)
{
	if (judge_round(j, kind, false))
		judge_round(j, kind, true);
	reap(j);
}

/* Takes and gives back memory while the client does nothing else either. */
static void judge_churn(struct judge *j, struct kind *kind)
{
	struct refill refill;

	while (*(volatile bool *)&j->board->churning &&
	       !waitpid(j->client, NULL, WNOHANG)) {
		refill_take(&refill, NULL, 0, kind->chunks);
		usleep(rng_below(&j->rng, HOLD_US));
		kind->damaged += refill_damaged(&refill);
		refill_drop(&refill);
	}
	reap(j);
}

static void judge_rounds(struct judge *j, struct kind *kind)
{
	bool on = true;
	unsigned int i;

	for (i = 0; on && i < kind->rounds; i++)
		on = kind->ending == NOT_AT_ALL ? judge_mapped(j, kind) :
			judge_round(j, kind, true);
	reap(j);
}

/* One client of one kind. */
static void run(struct judge *j, struct kind *kind)
{
	struct order order = {
		.shape = kind->shape,
		.ending = kind->ending,
		.rounds = kind->rounds,
		.shared = kind->ending == NOT_AT_ALL ? j->shared : NULL,
	};
	unsigned int devices = j->board->devices;

	memset(j->board, 0, sizeof(*j->board));
	j->board->devices = devices;
	j->board->churning = true;
	if (!start(j, &order))
		return;
	switch (kind->ending) {
	case BY_CLOSE:
	case BY_KILL:
	case BY_KILL_IN_UNMAP:
		judge_end(j, kind, kind->ending != BY_CLOSE);
		break;
	case BY_ORPHAN:
		judge_orphan(j, kind);
		break;
	case CHURN:
		judge_churn(j, kind);
		break;
	default:
		judge_rounds(j, kind);
	}
	kind->done += kind->rounds;
	kind->reached += j->board->reached;
	kind->cuts += j->board->cuts;
	kind->unmapped += j->board->unmapped;
	if (j->board->trouble[0])
		strcpy(kind->trouble, j->board->trouble);
}

/*
 * A kind counts only if the devices did reach the pages before, most of the
 * pages were in other hands after, and UNMAP_ALL was cut where they aimed.
 */
static void conclude(const struct kind *kind, unsigned int devices)
{
	bool shown = kind->damaged > 0, want = kind->ending == NOT_AT_ALL;
	bool sound = !kind->trouble[0] && kind->reached;
	unsigned int cuts = kind->ending == BY_ALL ? kind->done * CUTS : 0;

	sound &= kind->cuts == cuts;
	if (kind->ending != CHURN) {
		sound &= kind->reached == kind->done * devices;
		sound &= 2 * kind->refilled >= kind->wanted;
	}
	tap(sound && shown == want,
	    "%s: %u rounds, %u of %u cuts, %u transfers arrived before, %u of %u pages in other hands, %u damaged%s%s",
	    kind->name, kind->done, kind->cuts, cuts, kind->reached,
	    kind->refilled, kind->wanted, kind->damaged,
	    kind->trouble[0] ? "; " : "", kind->trouble);
}

static bool prepare(struct judge *j)
{
	int devices = pci_find_groups(PCI_EDU, j->dev, AIMED_MAX);

	j->board = mmap(NULL, sizeof(*j->board), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	j->shared = mmap(NULL, SHARED_PAGES * PAGE, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (j->board == MAP_FAILED || j->shared == MAP_FAILED || devices < 2)
		return false;
	j->board->devices = devices;
	memset(j->shared, 0, SHARED_PAGES * PAGE);
	signal(SIGPIPE, SIG_IGN);
	/* A killed client's children are ours to wait for. */
	return !prctl(PR_SET_CHILD_SUBREAPER, 1);
}

int main(int argc, char **argv)
{
	unsigned int seconds = argc > 1 ? strtoul(argv[1], NULL, 0) : 0;
	unsigned int seed = argc > 2 ? strtoul(argv[2], NULL, 0) : test_seed();
	time_t end = time(NULL) + seconds;
	struct judge j = { .rng = { seed } };
	unsigned long unmapped = 0;
	unsigned int i;
	const char *left;

	if (!tap(prepare(&j), "two edu devices and more"))
		return tap_end();
	tap_note("seed %u, %u devices", seed, j.board->devices);
	leftovers_begin();
	do {
		for (i = 0; i < KINDS; i++)
			run(&j, &kinds[i]);
	} while (time(NULL) < end);
	for (i = 0; i < KINDS; i++) {
		conclude(&kinds[i], j.board->devices);
		unmapped += kinds[i].unmapped;
	}
	left = leftovers();
	tap(!left, "nothing is left after %lu unmapped mappings%s%s", unmapped,
	    left ? ": " : "", left ? left : "");
	return tap_end();
}
