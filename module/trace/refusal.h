/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints of calls that fail, in the same system as those of trace.h. A refused call emits, in
 * this order and from the same thread: vib_limit, if it would have exceeded a limit; vib_refuse for
 * each check that refuses it (the first is the cause); and vib_failed with what it had asked for.
 * None of them fires for a call that succeeds.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vfio_iommu_batch
/* Must differ from the one in trace.h: trace.c includes both. */
#undef TRACE_SYSTEM_VAR
#define TRACE_SYSTEM_VAR vfio_iommu_batch_refusal

#if !defined(VIB_REFUSAL_H) || defined(TRACE_HEADER_MULTI_READ)
#define VIB_REFUSAL_H

#include <linux/tracepoint.h>
#include "caller.h"
#include "reason.h"

VIB_CALL_LIST(VIB_CALL_DEFINE)

/* @asked more than the @used would exceed a limit, in pages or mappings without locked memory. */
TRACE_EVENT(vib_limit,
	TP_PROTO(enum vib_reason which, u64 asked, u64 used, u64 limit),
	TP_ARGS(which, asked, used, limit),
	TP_STRUCT__entry(
		__field(u64, asked) __field(u64, used) __field(u64, limit) __field(int, which)
		VIB_CALLER_FIELDS
	),
	TP_fast_assign(
		VIB_CALLER_ASSIGN
		__entry->asked = asked;
		__entry->used = used;
		__entry->limit = limit;
		__entry->which = which;
	),
	TP_printk("%s: asked=%llu used=%llu limit=%llu" VIB_CALLER_FORMAT,
		  VIB_REASON_PRINT(__entry->which), __entry->asked, __entry->used,
		  __entry->limit, VIB_CALLER_VALUES)
);

/* A check refuses a call with the errno that user space gets. */
TRACE_EVENT(vib_refuse,
	TP_PROTO(u32 container, enum vib_reason reason, int error),
	TP_ARGS(container, reason, error),
	TP_STRUCT__entry(
		__field(u32, container) __field(int, reason) __field(int, error)
		VIB_CALLER_FIELDS
	),
	TP_fast_assign(
		VIB_CALLER_ASSIGN
		__entry->container = container;
		__entry->reason = reason;
		__entry->error = error;
	),
	TP_printk("container=%u error=%d: %s" VIB_CALLER_FORMAT, __entry->container,
		  __entry->error, VIB_REASON_PRINT(__entry->reason), VIB_CALLER_VALUES)
);

/* A call has failed: which call it was, and the range that it asked for. */
TRACE_EVENT_CONDITION(vib_failed,
	TP_PROTO(u32 container, enum vib_call call, u64 iova, u64 size, int error),
	TP_ARGS(container, call, iova, size, error),
	TP_CONDITION(error),
	TP_STRUCT__entry(
		__field(u64, iova) __field(u64, size) __field(u32, container) __field(int, call)
		__field(int, error) VIB_CALLER_FIELDS
	),
	TP_fast_assign(
		VIB_CALLER_ASSIGN
		__entry->iova = iova;
		__entry->size = size;
		__entry->container = container;
		__entry->call = call;
		__entry->error = error;
	),
	TP_printk("container=%u %s iova=0x%llx size=0x%llx error=%d" VIB_CALLER_FORMAT,
		  __entry->container, VIB_CALL_PRINT(__entry->call), __entry->iova, __entry->size,
		  __entry->error, VIB_CALLER_VALUES)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH trace
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE refusal
#include <trace/define_trace.h>
