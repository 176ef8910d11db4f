// SPDX-License-Identifier: GPL-2.0-only
/* See world.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "container.h"
#include "ledger.h"
#include "world.h"

static void why(struct world *w, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(w->why, sizeof(w->why), format, args);
	va_end(args);
}

static void forget(struct world *w)
{
	unsigned int i;

	memset(w, 0, sizeof(*w));
	w->container = -1;
	for (i = 0; i < WORLD_MAX_GROUPS; i++) {
		w->slot[i].group = -1;
		w->slot[i].device = -1;
	}
}

static enum world_state need_backend(struct world *w)
{
	enum backend backend = w->mode->backend;

	if (backend_loaded(backend))
		return WORLD_READY;
	why(w, "%s: %s is not loaded", w->mode->name, backend_name(backend));
	return backend_expected(backend) ? WORLD_BROKEN : WORLD_ABSENT;
}

static enum world_state find_slots(struct world *w, unsigned int groups)
{
	struct pci_dev found[WORLD_MAX_GROUPS];
	unsigned int i;
	int n;

	n = pci_find_groups(PCI_EDU, found, WORLD_MAX_GROUPS);
	if (n < (int)groups) {
		why(w, "%u groups with an edu device wanted, %d found",
		    groups, n);
		return WORLD_BROKEN;
	}
	for (i = 0; i < groups; i++)
		w->slot[i].pci = found[i];
	w->nslots = groups;
	return WORLD_READY;
}

enum world_state world_enter(struct world *w, enum mode_id id,
			     unsigned int groups)
{
	enum world_state state;
	int ret;

	forget(w);
	w->mode = mode_get(id);
	state = need_backend(w);
	if (state != WORLD_READY)
		return state;
	ret = mode_claim(w->mode);
	if (ret) {
		why(w, "claim_type1 cannot be set: error %d", ret);
		return WORLD_BROKEN;
	}
	backend_use_read(&w->use);
	w->locked = locked_pages();
	w->pinned = pinned_pages();
	return find_slots(w, groups);
}

int world_open_container(struct world *w)
{
	w->container = container_open();
	return w->container < 0 ? w->container : 0;
}

int world_join(struct world *w, unsigned int slot)
{
	struct slot *s = &w->slot[slot];

	if (s->group < 0)
		s->group = group_open(s->pci.group);
	if (s->group < 0)
		return s->group;
	return group_join(s->group, w->container);
}

int world_set_iommu(struct world *w)
{
	return container_set_iommu(w->container, w->mode->type_id);
}

int world_open_edu(struct world *w, unsigned int slot)
{
	struct slot *s = &w->slot[slot];

	s->device = group_device(s->group, s->pci.addr);
	if (s->device < 0)
		return s->device;
	return edu_open(&s->edu, s->device);
}

const char *world_proof(const struct world *w)
{
	return mode_proof(w->mode, &w->use);
}

int world_select(struct world *w)
{
	const char *doubt;
	int ret;

	ret = world_set_iommu(w);
	if (ret)
		return ret;
	doubt = world_proof(w);
	if (!doubt)
		return 0;
	why(w, "%s", doubt);
	return -EPROTO;
}

int world_set_up(struct world *w, unsigned int groups)
{
	unsigned int i;
	int ret;

	ret = world_open_container(w);
	for (i = 0; !ret && i < groups; i++)
		ret = world_join(w, i);
	return ret ? ret : world_select(w);
}

enum world_state world_open(struct world *w, enum mode_id id,
			    unsigned int groups)
{
	enum world_state state;
	int ret;

	state = world_enter(w, id, groups);
	if (state != WORLD_READY)
		return state;
	ret = world_set_up(w, groups);
	if (!ret)
		return WORLD_READY;
	if (!w->why[0])
		why(w, "container cannot be set up: error %d", ret);
	return WORLD_BROKEN;
}

struct edu *world_edu(struct world *w, unsigned int slot)
{
	struct slot *s = &w->slot[slot];

	if (!s->edu.bar && world_open_edu(w, slot))
		return NULL;
	return &s->edu;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void world_close_device(struct world *w, unsigned int slot)
{
	edu_close(&w->slot[slot].edu);
	close_fd(&w->slot[slot].device);
}

void world_close_group(struct world *w, unsigned int slot)
{
	close_fd(&w->slot[slot].group);
}

void world_close_container(struct world *w)
{
	close_fd(&w->container);
}

const char *world_leak(struct world *w)
{
	struct backend_use now;
	int i;

	w->why[0] = '\0';
	backend_use_read(&now);
	for (i = 0; i < BACKENDS; i++) {
		if (now.count[i] != w->use.count[i])
			why(w, "use count of %s was %ld and is %ld",
			    backend_name(i), w->use.count[i], now.count[i]);
	}
	if (locked_pages() != w->locked)
		why(w, "%ld pages were locked and %ld are", w->locked,
		    locked_pages());
	if (pinned_pages() != w->pinned)
		why(w, "%ld pages were pinned and %ld are", w->pinned,
		    pinned_pages());
	return w->why[0] ? w->why : NULL;
}

const char *world_leak_soon(struct world *w)
{
	const unsigned int step_us = 20000, steps = 500;
	const char *left;
	unsigned int i;

	for (i = 0; (left = world_leak(w)) && i < steps; i++)
		usleep(step_us);
	return left;
}

const char *world_close(struct world *w)
{
	unsigned int i;

	for (i = 0; i < WORLD_MAX_GROUPS; i++)
		world_close_device(w, i);
	for (i = 0; i < WORLD_MAX_GROUPS; i++)
		world_close_group(w, i);
	world_close_container(w);
	return world_leak(w);
}
