// SPDX-License-Identifier: GPL-2.0-only
/*
 * See mover.h: memory blocks, and how to have a page in one that can go offline. Only the
 * second node's are used: the kernel's own memory, which cannot be moved, is on the first as
 * far as possible.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "mem.h"
#include "mover.h"
#include "util.h"

#define PLENTY (512 * MIB)
#define BLOCKS "/sys/devices/system/memory/"
#define NODE "/sys/devices/system/node/node1/"

enum { BIND = 2, MOST_BLOCKS = 64, LONG = 20 };

static long movable = -1;

static long block_of(const void *mem)
{
	char text[32];
	unsigned long long size;

	if (file_read(BLOCKS "block_size_bytes", text, sizeof(text)) < 0)
		return -1;
	size = strtoull(text, NULL, 16);
	return size ? (long)(mem_frame(mem) * PAGE / size) : -1;
}

static void on_alarm(int signal)
{
	(void)signal;
}

/* Moving away what cannot be moved is tried for ever, or until a signal comes. */
static int set_state(long block, const char *state, int seconds)
{
	const struct itimerval limit = { .it_value.tv_sec = seconds,
					 .it_interval.tv_sec = 1 };
	const struct itimerval never = { 0 };
	struct sigaction act = { .sa_handler = on_alarm }, old;
	char path[96];
	int ret;

	snprintf(path, sizeof(path), BLOCKS "memory%ld/state", block);
	sigaction(SIGALRM, &act, &old);
	setitimer(ITIMER_REAL, &limit, NULL);
	ret = file_write(path, state);
	setitimer(ITIMER_REAL, &never, NULL);
	sigaction(SIGALRM, &old, NULL);
	return ret;
}

static int off_and_on(long block, int seconds)
{
	int ret = set_state(block, "offline", seconds);

	return ret ? ret : set_state(block, "online_kernel", LONG);
}

int mover_offline_block(char *mem, int seconds)
{
	long block = block_of(mem);

	return block < 0 ? -ENOENT : off_and_on(block, seconds);
}

/* Huge pages of the second node, so that they come from several blocks. */
static char *on_second_node(size_t size)
{
	char *mem = mem_aligned(size);
	unsigned long second = 1UL << 1;
	size_t at;

	if (!mem || syscall(SYS_mbind, mem, size, BIND, &second, 8 * sizeof(second), 0))
		return NULL;
	madvise(mem, size, MADV_HUGEPAGE);
	for (at = 0; at < size; at += HUGE_2M)
		mem[at] = 1;
	return mem;
}

/* Which blocks of the second node can go offline, by trying; the kernel has some. */
static void try_all(bool *can)
{
	char path[96];
	long block;

	for (block = 0; block < MOST_BLOCKS; block++) {
		snprintf(path, sizeof(path), NODE "memory%ld", block);
		can[block] = !access(path, F_OK) && !off_and_on(block, LONG);
	}
}

/* More than the other blocks hold, so that some of it must be in one that can. */
char *mover_place_in_a_block(void)
{
	bool can[MOST_BLOCKS];
	char *mem, *found = NULL;
	size_t at;
	long block;

	try_all(can);
	mem = on_second_node(PLENTY);
	for (at = 0; mem && at < PLENTY; at += HUGE_2M) {
		block = block_of(mem + at);
		if (!found && block >= 0 && block < MOST_BLOCKS && can[block])
			found = mem + at;
		else
			munmap(mem + at, HUGE_2M);
	}
	return found;
}

/* Movable memory is what user memory is taken from first. */
char *mover_place_in_a_movable_block(void)
{
	char *page = mover_place_in_a_block(), *mem;
	long block;

	if (!page)
		return NULL;
	block = block_of(page);
	if (set_state(block, "offline", LONG))
		return NULL;
	if (set_state(block, "online_movable", LONG))
		return NULL;
	movable = block;
	mem = on_second_node(HUGE_2M);
	return mem && block_of(mem) == block ? mem : NULL;
}

int mover_offline_movable(void)
{
	return movable < 0 ? -ENOENT : set_state(movable, "offline", LONG);
}

int mover_online_kernel(void)
{
	return movable < 0 ? -ENOENT : set_state(movable, "online_kernel", LONG);
}
