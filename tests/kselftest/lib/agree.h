/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Do a device and this process still mean the same page? The question behind every test in
 * which something moves, copies or takes away memory under a mapping.
 */
#ifndef VIB_TEST_AGREE_H
#define VIB_TEST_AGREE_H

#include <linux/types.h>

#include "edu.h"

/*
 * The device reads what this process writes to the page at @mem, and this process what the
 * device writes there; the page is mapped at @iova. Two transfers. 0, -EBADE if they differ,
 * or what the device said.
 */
int device_agrees(struct edu *edu, __u64 iova, char *mem);

#endif
