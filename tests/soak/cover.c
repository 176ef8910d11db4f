// SPDX-License-Identifier: GPL-2.0-only
/* See cover.h. */
#include <fcntl.h>
#include <linux/kcov.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cover.h"

/* Addresses of one call; what a longer one does at its end goes unseen. */
enum { TRACE_WORDS = 1 << 15 };

/* The number of addresses, then these. */
static __thread unsigned long *trace;

bool cover_open(void)
{
	size_t size = TRACE_WORDS * sizeof(unsigned long);
	int fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
	void *map;

	if (fd < 0)
		return false;
	if (ioctl(fd, KCOV_INIT_TRACE, TRACE_WORDS))
		goto out;
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		goto out;
	/* The file stays open as long as the thread: closing ends the trace. */
	if (!ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC)) {
		trace = map;
		return true;
	}
	munmap(map, size);
out:
	close(fd);
	return false;
}

void cover_begin(void)
{
	if (trace)
		__atomic_store_n(&trace[0], 0, __ATOMIC_RELAXED);
}

static bool is_first(unsigned char *seen)
{
	/* Mostly it is not, and the line stays shared by all CPUs. */
	return !*seen && !__atomic_exchange_n(seen, 1, __ATOMIC_RELAXED);
}

bool cover_is_new(struct cover *cover)
{
	unsigned long i, nr, found = 0;

	if (!trace)
		return false;
	nr = __atomic_load_n(&trace[0], __ATOMIC_RELAXED);
	for (i = 1; i <= nr; i++)
		found += is_first(&cover->seen[trace[i] % COVER_SPAN]);
	if (found)
		__atomic_fetch_add(&cover->points, found, __ATOMIC_RELAXED);
	return found;
}

void cover_keep(struct cover *cover, const struct call *call)
{
	unsigned long at = __atomic_fetch_add(&cover->keeps, 1, __ATOMIC_RELAXED);

	cover->kept[at % COVER_KEPT] = *call;
}

const struct call *cover_pick(struct cover *cover, struct rng *rng)
{
	unsigned long keeps = __atomic_load_n(&cover->keeps, __ATOMIC_RELAXED);

	if (keeps > COVER_KEPT)
		keeps = COVER_KEPT;
	return keeps ? &cover->kept[rng_below(rng, keeps)] : NULL;
}
