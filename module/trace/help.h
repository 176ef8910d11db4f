/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints about threads that helped the caller of a call.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vfio_iommu_batch
#undef TRACE_SYSTEM_VAR
#define TRACE_SYSTEM_VAR vfio_iommu_batch_help

#if !defined(VIB_HELP_H) || defined(TRACE_HEADER_MULTI_READ)
#define VIB_HELP_H

#include <linux/tracepoint.h>

DECLARE_EVENT_CLASS(vib_help,
	TP_PROTO(unsigned int helpers, u64 pages),
	TP_ARGS(helpers, pages),
	TP_STRUCT__entry(__field(u64, pages) __field(unsigned int, helpers)),
	TP_fast_assign(__entry->helpers = helpers; __entry->pages = pages;),
	TP_printk("helpers=%u pages=%llu", __entry->helpers, __entry->pages)
);

/* They populated memory of a map: @pages were looked at by all of them. */
DEFINE_EVENT(vib_help, vib_populate,
	TP_PROTO(unsigned int helpers, u64 pages),
	TP_ARGS(helpers, pages)
);

/* They unpinned memory: @pages by all of them and the caller. */
DEFINE_EVENT(vib_help, vib_unpin,
	TP_PROTO(unsigned int helpers, u64 pages),
	TP_ARGS(helpers, pages)
);

#endif

/* Kbuild has module/ among the include directories. */
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH trace
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE help
#include <trace/define_trace.h>
