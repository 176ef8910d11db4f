/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The mock IOMMUs (tests/mock/iommu): giving them orders, and reading back what
 * became of their domains. Everything is system-wide, so one test at a time.
 */
#ifndef VIB_TEST_MOCK_H
#define VIB_TEST_MOCK_H

#include <stdbool.h>

enum { MOCK_TEXT = 262144 };

/* Is there a mock? */
bool mock_present(void);

/* One command of tests/mock/iommu/control.c, as printf() has it; 0 or -errno. */
int mock_order(const char *format, ...);

/*
 * A counter since the last reset: "allocs", "frees", "fired", "maps", "unmaps",
 * "syncs", "flushes", "held" (now), "together"; "attaches" or "detaches" of one instance; -errno.
 */
long mock_count(const char *key);
long mock_instance_count(unsigned int instance, const char *key);

/* The same of the @nth live domain, in the order of their making; also "mapped". */
long mock_domain_count(unsigned int nth, const char *key);

/* How many paging domains there are. */
int mock_domains(void);

/* Do all domains translate the same? */
bool mock_domains_agree(void);

/* What we did wrong by the rules of the IOMMU API, or NULL. */
const char *mock_complaint(void);

/* Domains, their devices and translations, as text of at most MOCK_TEXT bytes. */
int mock_dump(char *text);

#endif
