// SPDX-License-Identifier: GPL-2.0-only
/* See call.h. */
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "blocking_mem.h"
#include "call.h"
#include "container.h"
#include "dma.h"
#include "emulated.h"
#include "util.h"
#include "world.h"

/* A busy host may need seconds for what takes none; a call that waits is given less. */
enum { SOON_MS = 20000, WAITING_MS = 200 };

int call_map(struct call *call)
{
	return dma_map(call->w->container, call->iova, call->data, call->size,
		       DMA_RW);
}

int call_map_read_only(struct call *call)
{
	return dma_map(call->w->container, call->iova, call->data, call->size,
		       DMA_READ);
}

int call_unmap(struct call *call)
{
	return dma_unmap(call->w->container, call->iova, call->size, 0,
			 &call->unmapped);
}

int call_unmap_all(struct call *call)
{
	return dma_unmap_all(call->w->container, &call->unmapped);
}

/* As many words as @call->size needs. */
static struct vfio_bitmap bitmap_of(const struct call *call)
{
	return bitmap_words(call->data, (call->size / PAGE + 63) / 64);
}

int call_unmap_dirty(struct call *call)
{
	struct vfio_bitmap bitmap = bitmap_of(call);

	return dma_unmap_dirty(call->w->container, call->iova, call->size,
			       &bitmap, &call->unmapped);
}

int call_dirty_get(struct call *call)
{
	struct vfio_bitmap bitmap = bitmap_of(call);

	return dirty_get(call->w->container, call->iova, call->size, &bitmap);
}

int call_take_vaddr(struct call *call)
{
	return dma_unmap(call->w->container, call->iova, call->size,
			 UNMAP_VADDR, &call->unmapped);
}

int call_give_vaddr(struct call *call)
{
	return dma_map(call->w->container, call->iova, call->data, call->size,
		       DMA_VADDR);
}

int call_join(struct call *call)
{
	return world_join(call->w, call->slot);
}

int call_leave(struct call *call)
{
	return group_leave(call->w->slot[call->slot].group);
}

int call_emulated_pin(struct call *call)
{
	return emulated_pin(call->e, call->iova, call->size / PAGE, call->prot);
}

int call_emulated_read(struct call *call)
{
	return emulated_read(call->e, call->iova, call->data, call->size);
}

int call_emulated_write(struct call *call)
{
	return emulated_write(call->e, call->iova, call->data, call->size);
}

static void *run_body(void *arg)
{
	struct call *call = arg;

	call->tid = syscall(SYS_gettid);
	call->ret = call->body(call);
	call->done = true;
	return NULL;
}

int call_begin(struct call *call)
{
	call->done = false;
	call->tid = 0;
	return -pthread_create(&call->thread, NULL, run_body, call);
}

int call_begin_blocked(struct call *call, struct blocking_mem *b)
{
	int ret = call_begin(call);

	return ret ? ret : blocking_mem_awaited(b, SOON_MS);
}

static bool ends_within(const struct call *call, unsigned int limit_ms)
{
	unsigned int ms;

	for (ms = 0; !call->done && ms < limit_ms; ms++)
		usleep(1000);
	return call->done;
}

bool call_waits(const struct call *call)
{
	return !ends_within(call, WAITING_MS);
}

/* The state of a thread of ours, as ps shows it; '?' if there is none. */
static char thread_state(int tid)
{
	char path[64], text[256], *at = NULL;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	file = fopen(path, "r");
	if (!file)
		return '?';
	if (fgets(text, sizeof(text), file))
		at = strrchr(text, ')');
	fclose(file);
	return at && at[1] ? at[2] : '?';
}

bool call_sleeps(const struct call *call)
{
	unsigned int ms;

	for (ms = 0; ms < SOON_MS && !call->done; ms++) {
		if (call->tid && thread_state(call->tid) == 'D')
			return true;
		usleep(1000);
	}
	return false;
}

bool call_ends(const struct call *call)
{
	return ends_within(call, SOON_MS);
}

int call_result(struct call *call)
{
	pthread_join(call->thread, NULL);
	return call->ret;
}
