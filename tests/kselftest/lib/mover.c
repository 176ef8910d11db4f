// SPDX-License-Identifier: GPL-2.0-only
/* See mover.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mem.h"
#include "mover.h"
#include "util.h"

#define SWAP "/dev/ram0"
#define KSM "/sys/kernel/mm/ksm/"

/* Of newer kernels than the C library. */
enum {
	PAGEOUT = 21,		/* MADV_PAGEOUT */
	COLLAPSE = 25,		/* MADV_COLLAPSE */
	SOFT_OFFLINE = 101,	/* MADV_SOFT_OFFLINE */
	MOVE_ALL = 1 << 2,	/* MPOL_MF_MOVE_ALL */
};

enum { TRIES = 50, TRY_US = 20000, SCANS = 4 };

int mover_swap_on(void)
{
	if (system("mkswap " SWAP " >/dev/null 2>&1"))
		return -ENODEV;
	return neg_errno(swapon(SWAP, 0));
}

int mover_swap_off(void)
{
	return neg_errno(swapoff(SWAP));
}

static bool none_present(const char *mem, size_t size)
{
	size_t at;

	for (at = 0; at < size; at += PAGE) {
		if (mem_frame(mem + at))
			return false;
	}
	return true;
}

/* Pages wait in batches of each CPU before they can be written out. */
bool mover_page_out(char *mem, size_t size)
{
	unsigned int try;

	for (try = 0; try < TRIES; try++) {
		if (madvise(mem, size, PAGEOUT))
			return false;
		if (none_present(mem, size))
			return true;
		usleep(TRY_US);
	}
	return false;
}

bool mover_can_collapse(void)
{
	return !madvise(NULL, 0, COLLAPSE);
}

bool mover_collapse(char *mem)
{
	return !madvise(mem, HUGE_2M, COLLAPSE);
}

void mover_merge(char *mem, size_t size)
{
	long scans = file_read_long(KSM "full_scans");
	unsigned int try;

	if (scans < 0 || madvise(mem, size, MADV_MERGEABLE))
		return;
	file_write(KSM "sleep_millisecs", "1");
	file_write(KSM "pages_to_scan", "10000");
	file_write(KSM "run", "1");
	for (try = 0; try < TRIES * SCANS; try++) {
		if (file_read_long(KSM "full_scans") >= scans + SCANS)
			break;
		usleep(TRY_US);
	}
	file_write(KSM "run", "0");
}

bool mover_other_node(void)
{
	return !access("/sys/devices/system/node/node1", F_OK);
}

/* Which node is the page at @page on? -errno. */
static int node_of(void *page)
{
	int status = -ENOENT;

	if (syscall(SYS_move_pages, 0, 1UL, &page, NULL, &status, 0))
		return -errno;
	return status;
}

int mover_to_other_node(char *mem)
{
	int from = node_of(mem), to = !from, status = -ENOENT;
	void *page = mem;

	if (from < 0)
		return from;
	if (syscall(SYS_move_pages, 0, 1UL, &page, &to, &status, MOVE_ALL) < 0)
		return -errno;
	return node_of(mem) == to ? 0 : -EBUSY;
}

int mover_soft_offline(char *mem)
{
	return neg_errno(madvise(mem, PAGE, SOFT_OFFLINE));
}
