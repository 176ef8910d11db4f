// SPDX-License-Identifier: GPL-2.0-only
/*
 * See stale.h: the client's side. Its devices write a mark, so that what they
 * reach shows it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../kselftest/lib/dma.h"
#include "../kselftest/lib/mem.h"
#include "../kselftest/lib/world.h"
#include "cuts.h"
#include "layout.h"
#include "refill.h"
#include "stale.h"

#define SOURCE_IOVA (16 * MIB)

/* STOCK: rounds of churn whose pages are taken at once. */
enum { MARK = 0x11, TRANSFER_US = 100000, STOCK = 16 };

struct client {
	struct board *board;
	const struct talk *talk;
	const struct order *order;
	const struct layout *layout;
	struct rng *rng;
	struct world w;
	struct edu *edu[AIMED_MAX];
	char *mem;
	char *aim[AIMED_MAX];	/* where in mem each device aims */
};

static void give_up(struct client *c, const char *what, int ret)
{
	snprintf(c->board->trouble, sizeof(c->board->trouble), "%s: %d", what,
		 ret);
	_exit(1);
}

static void start_all(struct client *c)
{
	unsigned int i;

	for (i = 0; i < c->board->devices; i++)
		edu_start_store(c->edu[i], c->board->iova[i]);
}

static void wait_all(struct client *c)
{
	unsigned int i;

	for (i = 0; i < c->board->devices; i++)
		if (edu_wait(c->edu[i]))
			give_up(c, "a device does not end", i);
}

/* Opens everything, and loads the devices' buffers with the mark. */
static void set_up(struct client *c)
{
	char *source = mem_small(PAGE);
	unsigned int i;
	int ret;

	if (world_open(&c->w, MODE_BATCH, c->board->devices) != WORLD_READY)
		give_up(c, c->w.why, 0);
	mem_fill(source, PAGE, MARK);
	ret = dma_map(c->w.container, SOURCE_IOVA, source, PAGE, DMA_RW);
	if (ret)
		give_up(c, "map of the source", ret);
	for (i = 0; i < c->board->devices; i++) {
		c->edu[i] = world_edu(&c->w, i);
		if (!c->edu[i])
			give_up(c, "no device", i);
		edu_start_fetch(c->edu[i], SOURCE_IOVA);
	}
	wait_all(c);
	ret = dma_unmap(c->w.container, SOURCE_IOVA, PAGE, 0, NULL);
	if (ret)
		give_up(c, "unmap of the source", ret);
}

static void map_shape(struct client *c)
{
	const struct layout *layout = c->layout;
	unsigned int i, pages = layout->piece / PAGE;
	int ret;

	c->mem = c->order->shared ? c->order->shared :
		layout_memory(c->order->shape);
	if (!c->mem)
		give_up(c, "no memory of that kind", 0);
	for (i = 0; i < layout->count; i++) {
		ret = dma_map(c->w.container, layout_iova(layout, i * pages),
			      c->mem + layout_offset(layout, i * pages),
			      layout->piece, DMA_RW);
		if (ret)
			give_up(c, "map", ret);
	}
}

static bool aimed_at(const struct client *c, unsigned int devices,
		     const char *page)
{
	while (devices--)
		if (c->aim[devices] == page)
			return true;
	return false;
}

/* Each device aims at another page of the memory: a telling one, or any. */
static void take_aim(struct client *c)
{
	unsigned int page[AIMED_MAX], i, n, telling;
	char *mem;

	telling = layout_telling(c->layout, page);
	for (i = 0; i < c->board->devices; i++) {
		do {
			n = i < telling ? page[i] :
				rng_below(c->rng, layout_pages(c->layout));
			mem = c->mem + layout_offset(c->layout, n);
		} while (i >= telling && aimed_at(c, i, mem));
		c->board->iova[i] = layout_iova(c->layout, n);
		c->aim[i] = mem;
		c->board->pfn[i] = pfn_of(mem);
	}
}

/* Every device writes where it aims, and its IOTLB remembers the way. */
static void reach(struct client *c)
{
	unsigned int i;

	start_all(c);
	wait_all(c);
	for (i = 0; i < c->board->devices; i++)
		c->board->reached += mem_is(c->aim[i], EDU_CHUNK, MARK);
}

static void unmap_each(struct client *c)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < c->layout->count; i++)
		ret = dma_unmap(c->w.container,
				TARGET_IOVA + i * c->layout->stride,
				c->layout->piece, 0, NULL);
	if (ret)
		give_up(c, "unmap", ret);
}

/* UNMAP_ALL, and it was cut exactly between the pages that devices aim at. */
static int unmap_all(struct client *c)
{
	unsigned int i, cut = c->layout->cut;
	int ret = cuts_watch();

	if (ret)
		give_up(c, "tracing", ret);
	ret = dma_unmap_all(c->w.container, NULL);
	cuts_read();
	for (i = 1; i <= CUTS; i++)
		c->board->cuts +=
			cuts_between(layout_iova(c->layout, i * cut - 1),
				     layout_iova(c->layout, i * cut));
	return ret;
}

static void unmap_now(struct client *c)
{
	size_t span = c->layout->count * c->layout->stride;
	int ret = 0;

	if (c->order->ending == BY_UNMAP)
		unmap_each(c);
	else if (c->order->ending == BY_RANGE)
		ret = dma_unmap(c->w.container, TARGET_IOVA, span, 0, NULL);
	else if (c->order->ending == BY_ALL)
		ret = unmap_all(c);
	if (ret)
		give_up(c, "unmap", ret);
	c->board->unmapped += c->layout->count;
}

/* The pages are free now, or should be: the judge's turn, then the devices'. */
static void aim_again(struct client *c)
{
	if (!say(c->talk, STEP_FREED) || !hear(c->talk, STEP_REFILLED))
		_exit(1);
	wait_all(c);
	start_all(c);
	wait_all(c);
	if (!say(c->talk, STEP_AIMED) || !hear(c->talk, STEP_NEXT))
		_exit(1);
}

/* Holds the container when the client is dead, and unmaps in the end. */
static void keep(struct client *c)
{
	aim_again(c);
	if (dma_unmap_all(c->w.container, NULL))
		give_up(c, "unmap of an orphan", 0);
	aim_again(c);
	_exit(0);
}

/* To be killed. */
static void wait_for_death(struct client *c)
{
	if (c->order->ending == BY_ORPHAN) {
		if (!fork()) {
			/* The memory that is left belongs to the dead one. */
			mem_free(c->mem, c->layout->mem);
			keep(c);
		}
		pause();
	}
	if (!say(c->talk, STEP_FREED))
		_exit(1);
	if (c->order->ending == BY_KILL_IN_UNMAP)
		dma_unmap_all(c->w.container, NULL);
	for (;;)
		pause();
}

static void let_go(struct client *c)
{
	switch (c->order->ending) {
	case BY_CLOSE:
		/* Nobody's but the container's. */
		mem_free(c->mem, c->layout->mem);
		if (!say(c->talk, STEP_FREED))
			_exit(1);
		world_close(&c->w);
		_exit(0);
	case BY_KILL:
	case BY_KILL_IN_UNMAP:
	case BY_ORPHAN:
		wait_for_death(c);
		break;
	default:
		unmap_now(c);
		if (!c->order->shared)
			mem_free(c->mem, c->layout->mem);
		aim_again(c);
	}
}

static void round_of(struct client *c)
{
	map_shape(c);
	take_aim(c);
	reach(c);
	/* Under way when the end comes. */
	start_all(c);
	usleep(rng_below(c->rng, TRANSFER_US));
	let_go(c);
}

/* Maps a page for each device, has it written to, takes it away, for ever. */
static void churn_once(struct client *c, unsigned int round, char *mem)
{
	unsigned int i, n = c->board->devices;
	int ret = 0;

	for (i = 0; i < n; i++) {
		ret |= dma_map(c->w.container, c->board->iova[i],
			       mem + i * PAGE, PAGE, DMA_RW);
		if (edu_idle(c->edu[i]))
			edu_start_store(c->edu[i], c->board->iova[i]);
	}
	/* Let the devices find it there now and then. */
	if (round % 8 == 0)
		usleep(rng_below(c->rng, TRANSFER_US / 4));
	for (i = 0; i < n; i++)
		c->board->reached += mem_is(mem + i * PAGE, EDU_CHUNK, MARK);
	for (i = 0; round % 3 == 0 && i < n; i++)
		ret |= dma_unmap(c->w.container, c->board->iova[i], PAGE, 0,
				 NULL);
	if (round % 3 == 1)
		ret |= dma_unmap(c->w.container, TARGET_IOVA, n * 2 * PAGE, 0,
				 NULL);
	if (round % 3 == 2)
		ret |= dma_unmap_all(c->w.container, NULL);
	mem_free(mem, n * PAGE);
	c->board->unmapped += n;
	if (ret)
		give_up(c, "churn", ret);
}

/* Pages that a round has let go are not the next one's, but the judge's. */
static void churn(struct client *c)
{
	size_t size = c->board->devices * PAGE;
	char *mem = NULL;
	unsigned int i;

	for (i = 0; i < c->board->devices; i++)
		c->board->iova[i] = TARGET_IOVA + i * 2 * PAGE;
	for (i = 0; i < c->order->rounds; i++) {
		if (i % STOCK == 0)
			mem = mem_small(STOCK * size);
		if (!mem)
			give_up(c, "no memory", 0);
		churn_once(c, i, mem + i % STOCK * size);
	}
	c->board->churning = false;
	wait_all(c);
}

void client_run(struct board *board, const struct talk *talk,
		const struct order *order, struct rng *rng)
{
	static struct client client;
	struct client *c = &client;
	unsigned int i;

	*c = (struct client){
		.board = board,
		.talk = talk,
		.order = order,
		.layout = layout_of(order->shape),
		.rng = rng,
	};
	set_up(c);
	if (order->ending == CHURN)
		churn(c);
	for (i = 0; order->ending != CHURN && i < order->rounds; i++)
		round_of(c);
	_exit(world_close(&c->w) ? 1 : 0);
}
