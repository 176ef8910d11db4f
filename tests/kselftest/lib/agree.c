// SPDX-License-Identifier: GPL-2.0-only
/* See agree.h. */
#include <errno.h>

#include "agree.h"
#include "mem.h"

int device_agrees(struct edu *edu, __u64 iova, char *mem)
{
	static unsigned char seed;
	int ret;

	seed++;
	mem_fill(mem, EDU_CHUNK, seed);
	mem_fill(mem + EDU_CHUNK, EDU_CHUNK, seed + 100);
	ret = edu_copy(edu, iova + EDU_CHUNK, iova);
	if (ret)
		return ret;
	return mem_is(mem + EDU_CHUNK, EDU_CHUNK, seed) ? 0 : -EBADE;
}
