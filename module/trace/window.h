/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints about device memory (BARs) in mappings: windows that leave the IOMMU and come back.
 * The words are those of trace.h.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vfio_iommu_batch
#undef TRACE_SYSTEM_VAR
#define TRACE_SYSTEM_VAR vfio_iommu_batch_window

#if !defined(VIB_WINDOW_H) || defined(TRACE_HEADER_MULTI_READ)
#define VIB_WINDOW_H

#include <linux/tracepoint.h>

DECLARE_EVENT_CLASS(vib_window,
	TP_PROTO(u32 container, u64 iova, u64 last, u64 pages),
	TP_ARGS(container, iova, last, pages),
	TP_STRUCT__entry(
		__field(u64, iova) __field(u64, last) __field(u64, pages) __field(u32, container)
	),
	TP_fast_assign(
		__entry->iova = iova;
		__entry->last = last;
		__entry->pages = pages;
		__entry->container = container;
	),
	TP_printk("container=%u iova=0x%llx last=0x%llx pages=%llu", __entry->container,
		  __entry->iova, __entry->last, __entry->pages)
);

/* The kernel took user addresses that stand for @iova to @last: @pages left every domain. */
DEFINE_EVENT(vib_window, vib_revoke,
	TP_PROTO(u32 container, u64 iova, u64 last, u64 pages),
	TP_ARGS(container, iova, last, pages)
);

/* Device memory from @iova to @last is there again: @pages were filled into every domain. */
DEFINE_EVENT(vib_window, vib_restore,
	TP_PROTO(u32 container, u64 iova, u64 last, u64 pages),
	TP_ARGS(container, iova, last, pages)
);

#endif

/* Kbuild has module/ among the include directories. */
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH trace
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE window
#include <trace/define_trace.h>
