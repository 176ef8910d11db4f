/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints, system "vfio_iommu_batch": what was asked of a container, and the result; refusal.h
 * has why a call was refused. "container" is its number in debugfs, sizes are in bytes, "last" is
 * inclusive, and an error is 0 or a negative errno.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vfio_iommu_batch
#undef TRACE_SYSTEM_VAR
#define TRACE_SYSTEM_VAR vfio_iommu_batch

#if !defined(VIB_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define VIB_TRACE_H

#include <linux/tracepoint.h>
#include "caller.h"
#include "reason.h"

/* Exports the values to user space, which formats binary traces. */
VIB_REASON_LIST(VIB_REASON_DEFINE)

/* A group was attached to @domain, for @reason; or it was refused with @error, for @reason. */
TRACE_EVENT(vib_attach,
	TP_PROTO(u32 container, int group, int domain, enum vib_reason reason, int error),
	TP_ARGS(container, group, domain, reason, error),
	TP_STRUCT__entry(
		__field(u32, container) __field(int, group) __field(int, domain)
		__field(int, reason) __field(int, error) VIB_CALLER_FIELDS
	),
	TP_fast_assign(
		VIB_CALLER_ASSIGN
		__entry->container = container;
		__entry->group = group;
		__entry->domain = domain;
		__entry->reason = reason;
		__entry->error = error;
	),
	TP_printk("container=%u group=%d %s domain=%d error=%d: %s" VIB_CALLER_FORMAT,
		  __entry->container, __entry->group,
		  __entry->error ? "refused" : __entry->domain < 0 ? "emulated" :
		  vib_reason_joined(__entry->reason) ? "joined" : "new", __entry->domain,
		  __entry->error, VIB_REASON_PRINT(__entry->reason), VIB_CALLER_VALUES)
);

/* A group was detached; @freed: its domain was freed as well. */
TRACE_EVENT(vib_detach,
	TP_PROTO(u32 container, int group, int domain, bool freed),
	TP_ARGS(container, group, domain, freed),
	TP_STRUCT__entry(
		__field(u32, container) __field(int, group) __field(int, domain)
		__field(bool, freed)
	),
	TP_fast_assign(
		__entry->container = container;
		__entry->group = group;
		__entry->domain = domain;
		__entry->freed = freed;
	),
	TP_printk("container=%u group=%d domain=%d freed=%d", __entry->container,
		  __entry->group, __entry->domain, __entry->freed)
);

/* A MAP_DMA with valid flags has ended; prot is IOMMU_READ (1) and IOMMU_WRITE (2). */
TRACE_EVENT(vib_map,
	TP_PROTO(u32 container, u64 iova, u64 vaddr, u64 size, int prot, int error),
	TP_ARGS(container, iova, vaddr, size, prot, error),
	TP_STRUCT__entry(
		__field(u64, iova) __field(u64, vaddr) __field(u64, size)
		__field(u32, container) __field(int, prot) __field(int, error)
	),
	TP_fast_assign(
		__entry->iova = iova;
		__entry->vaddr = vaddr;
		__entry->size = size;
		__entry->container = container;
		__entry->prot = prot;
		__entry->error = error;
	),
	TP_printk("container=%u iova=0x%llx vaddr=0x%llx size=0x%llx prot=%d error=%d",
		  __entry->container, __entry->iova, __entry->vaddr, __entry->size,
		  __entry->prot, __entry->error)
);

/* An UNMAP_DMA with valid flags has ended, with @unmapped bytes unmapped. */
TRACE_EVENT(vib_unmap,
	TP_PROTO(u32 container, u64 iova, u64 size, bool all, u64 unmapped, int error),
	TP_ARGS(container, iova, size, all, unmapped, error),
	TP_STRUCT__entry(
		__field(u64, iova) __field(u64, size) __field(u64, unmapped)
		__field(u32, container) __field(int, error) __field(bool, all)
	),
	TP_fast_assign(
		__entry->iova = iova;
		__entry->size = size;
		__entry->unmapped = unmapped;
		__entry->container = container;
		__entry->error = error;
		__entry->all = all;
	),
	TP_printk("container=%u iova=0x%llx size=0x%llx all=%d unmapped=0x%llx error=%d",
		  __entry->container, __entry->iova, __entry->size, __entry->all,
		  __entry->unmapped, __entry->error)
);

/* A BATCH_DMA has ended; the first @done of its operations were done. */
TRACE_EVENT(vib_batch,
	TP_PROTO(u32 container, u32 ops, u32 done, u64 unmapped, int error),
	TP_ARGS(container, ops, done, unmapped, error),
	TP_STRUCT__entry(
		__field(u64, unmapped) __field(u32, container) __field(u32, ops)
		__field(u32, done) __field(int, error)
	),
	TP_fast_assign(
		__entry->unmapped = unmapped;
		__entry->container = container;
		__entry->ops = ops;
		__entry->done = done;
		__entry->error = error;
	),
	TP_printk("container=%u ops=%u done=%u unmapped=0x%llx error=%d", __entry->container,
		  __entry->ops, __entry->done, __entry->unmapped, __entry->error)
);

/* Mappings in [iova, last] were taken out of a domain, with @flushes IOTLB flushes. */
TRACE_EVENT(vib_sync,
	TP_PROTO(u32 container, int domain, u64 iova, u64 last, unsigned int flushes),
	TP_ARGS(container, domain, iova, last, flushes),
	TP_STRUCT__entry(
		__field(u64, iova) __field(u64, last) __field(u32, container)
		__field(int, domain) __field(unsigned int, flushes)
	),
	TP_fast_assign(
		__entry->iova = iova;
		__entry->last = last;
		__entry->container = container;
		__entry->domain = domain;
		__entry->flushes = flushes;
	),
	TP_printk("container=%u domain=%d iova=0x%llx last=0x%llx flushes=%u",
		  __entry->container, __entry->domain, __entry->iova, __entry->last,
		  __entry->flushes)
);

#endif

/* Kbuild has module/ among the include directories. */
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH trace
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
