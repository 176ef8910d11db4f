/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the mock IOMMU remembers. All of it is under mock_lock.
 */
#ifndef MOCK_STATE_H
#define MOCK_STATE_H

#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/xarray.h>

#include "calls.h"
#include "errors.h"

enum {
	MOCK_INSTANCES = 4,
	MOCK_DEVICES = 96,
	MOCK_RESERVED = 4,
	MOCK_VARIANTS = 3,		/* sets of domain operations */
};

#define MOCK_REACH	(BIT_ULL(39) - 1)	/* of a table of three levels, which each has */

/**
 * struct mock_limits - what the hardware of an instance can do
 * @first: lowest usable IOVA
 * @last: highest usable IOVA
 * @pgsizes: bitmap of page sizes
 * @variant: index of its domain operations
 * @coherent: can enforce cache coherency
 */
struct mock_limits {
	u64 first;
	u64 last;
	unsigned long pgsizes;
	unsigned int variant;
	bool coherent;
};

/**
 * struct mock_instance - one IOMMU unit
 * @iommu: the core's object
 * @registered: the core knows it
 * @limits: see there
 * @foreign: errno with which it refuses a domain that another instance was first on; 0 takes it
 * @assign: every attach gives the domain this instance's aperture, not only the first
 * @reserved: regions that its devices report
 * @nr_reserved: how many
 * @attaches, @detaches: devices put on a paging domain, taken off one
 */
struct mock_instance {
	struct iommu_device iommu;
	bool registered;
	struct mock_limits limits;
	int foreign;
	bool assign;
	struct {
		u64 start, last;
		enum iommu_resv_type type;
	} reserved[MOCK_RESERVED];
	unsigned int nr_reserved;
	u64 attaches, detaches;
};

/**
 * struct mock_domain - a paging domain
 * @iommu: the core's object
 * @node: in mock.domains, in the order of allocation
 * @id: never used twice
 * @home: the instance of the first attach (or of the allocation, where it is named); may be NULL
 * @enforced: enforces coherency
 * @devices, @attaching: on it now, on their way to it
 * @mapped: pages translated; @tables: on free lists, waiting for a flush
 * @reach: the highest IOVA that the levels it has are enough for
 * @mapping, @growing: map calls that are on their way, and those of them that add a level
 * @unmapped: the IOVA of the latest unmap since the last flush; @waiting: there was one
 * @pages: page number to entry (table.c)
 * @counts: see there
 */
struct mock_domain {
	struct iommu_domain iommu;
	struct list_head node;
	unsigned int id;
	struct mock_instance *home;
	bool enforced;
	unsigned int devices, attaching;
	unsigned long mapped, tables;
	u64 reach;
	unsigned int mapping, growing;
	u64 unmapped;
	bool waiting;
	struct xarray pages;
	struct mock_counts counts;
};

/* @uncoherent: cannot be made to snoop, whatever @instance can. @domain: which it is on, if any. */
struct mock_device {
	const char *name;
	bool uncoherent;
	struct mock_instance *instance;
	struct mock_domain *domain;
};

/**
 * struct mock - everything
 * @instances: see there
 * @device: those named at load time
 * @nr_devices: how many
 * @domains: live paging domains
 * @next_domain: the next id
 * @allocs, @frees: paging domains, so far
 * @counts: calls on domains, freed ones included
 * @lookups: of an IOVA's address, by iommu_iova_to_phys()
 * @errors: how often each went wrong
 * @fail_in, @fail_with: the n-th call from now on fails (0: never), with this errno
 * @fired: calls that failed so
 * @hold_in: the n-th map call from now on waits (0: none) until @hold_orders grows
 * @held: calls that wait so; @together: the most domains that waited for a flush when one came
 * @stuck: this IOVA cannot be unmapped; ~0 for none
 * @unmap_max: pages that one unmap_pages takes at most; 0 no limit
 * @attach_ms: how long an attach takes; @coarse: a page of any size has one entry, at its start
 */
struct mock {
	struct mock_instance instances[MOCK_INSTANCES];
	struct mock_device device[MOCK_DEVICES];
	unsigned int nr_devices;
	struct list_head domains;
	unsigned int next_domain;
	u64 allocs, frees;
	struct mock_counts counts;
	atomic_long_t lookups;
	u64 errors[MOCK_ERRORS];
	unsigned int fail_in[MOCK_CALLS];
	int fail_with[MOCK_CALLS];
	unsigned int fired;
	unsigned int hold_in, hold_orders, held, together;
	u64 stuck;
	unsigned long unmap_max;
	unsigned int attach_ms;
	bool coarse;
};

extern struct mock mock;
extern struct mutex mock_lock;

static inline struct mock_domain *to_mock_domain(struct iommu_domain *iommu)
{
	return container_of(iommu, struct mock_domain, iommu);
}

#endif
