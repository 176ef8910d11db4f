/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why a group got its domain, and why a call was refused: phrases for debugfs and tracepoints. They
 * are made to be read by people and may change; programs should not depend on them.
 */
#ifndef VIB_REASON_H
#define VIB_REASON_H

/*
 * X(name, words). First why a group joined a domain that was there (JOINED) or got its own (OWN).
 * Then why an attach fails, then why a map, an unmap or a dirty query is refused.
 */
#define VIB_REASON_LIST(X)							\
	X(JOINED_INSTANCE, "same instance as a group of the domain")	\
	X(JOINED_ALIKE, "its instance can do what the domain's can")	\
	X(OWN_FIRST, "first group")					\
	X(OWN_UNLIKE, "no other instance can do the same")		\
	X(OWN_DECLINED, "domains of its instance decline it")		\
	X(OWN_SEVERAL, "several devices, and a failed attach is not undone by this kernel") \
	X(OWN_NONE, "emulated devices need no domain")			\
	X(NO_DEVICE, "no device, or one without an IOMMU")		\
	X(LIVE_UPDATE, "user addresses are taken back")			\
	X(ATTACHED, "attached already")					\
	X(RESERVED, "reserved regions hit a mapping or leave nothing")	\
	X(NO_MSI_ISOLATION, "no interrupt remapping")			\
	X(IOMMU_DRIVER, "the IOMMU driver or core says no")		\
	X(APERTURE, "aperture or page sizes do not hold what is mapped") \
	X(FILL, "a mapping cannot be entered into the domain")		\
	X(HANDOVER, "recorded mappings cannot be pinned")		\
	X(KILLED, "killed")						\
	X(ARGS, "unknown flags, or a structure too short")		\
	X(WRAP, "range wraps or does not fit")				\
	X(EMPTY, "size 0")						\
	X(ACCESS, "neither access nor an address, or both")		\
	X(ALIGN, "not aligned to the smallest IOMMU page")		\
	X(OVERLAP, "overlaps a mapping")				\
	X(OUTSIDE, "outside the usable IOVA ranges")			\
	X(ENTRIES, "dma_entry_limit")					\
	X(MEMLOCK, "RLIMIT_MEMLOCK")					\
	X(PIN, "memory cannot be pinned or charged")			\
	X(CUT, "would cut a mapping in two")				\
	X(BITMAP, "bitmap does not suit, or tracking is off")		\
	X(ADDRESS, "no mapping there that waits for an address")	\
	X(EMULATED, "an emulated device uses the addresses")		\
	X(CLOSING, "container is closing")

#define VIB_REASON_ENUM(name, words) VIB_REASON_##name,
enum vib_reason {
	VIB_REASON_LIST(VIB_REASON_ENUM)
};

/* For trace.h: an enum value as TRACE_DEFINE_ENUM() and __print_symbolic() want it. */
#define VIB_REASON_DEFINE(name, words) TRACE_DEFINE_ENUM(VIB_REASON_##name);
#define VIB_REASON_SYMBOL(name, words) { VIB_REASON_##name, words },
#define VIB_REASON_PRINT(reason) \
	__print_symbolic(reason, VIB_REASON_LIST(VIB_REASON_SYMBOL) { -1, "" })

/* The calls that can be refused, X(name, words). */
#define VIB_CALL_LIST(X)		\
	X(MAP, "MAP")			\
	X(UNMAP, "UNMAP")		\
	X(DIRTY, "DIRTY_PAGES")		\
	X(BATCH, "BATCH_DMA")

#define VIB_CALL_ENUM(name, words) VIB_CALL_##name,
enum vib_call {
	VIB_CALL_LIST(VIB_CALL_ENUM)
};

#define VIB_CALL_DEFINE(name, words) TRACE_DEFINE_ENUM(VIB_CALL_##name);
#define VIB_CALL_SYMBOL(name, words) { VIB_CALL_##name, words },
#define VIB_CALL_PRINT(call) __print_symbolic(call, VIB_CALL_LIST(VIB_CALL_SYMBOL) { -1, "" })

/* Did the group join a domain that was there, rather than get one of its own? */
static inline bool vib_reason_joined(enum vib_reason reason)
{
	return reason == VIB_REASON_JOINED_INSTANCE || reason == VIB_REASON_JOINED_ALIKE;
}

const char *vib_reason_words(enum vib_reason reason);

/*
 * Emits a tracepoint that says which check refuses a call of @container (its handle). Return:
 * @error, for the caller to return.
 */
int vib_refuse(u32 container, enum vib_reason reason, int error);

#endif
