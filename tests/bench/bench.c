// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench-guest GROUP...: measures groups of rows, each for the in-tree type1 and
 * for the batch module under its own id, in one boot and on the same memory.
 * Runs as root in a guest with edu devices on vfio-pci. Prints lines "@row WHO
 * ROW UNITS NS" and at the end "@done"; tests/bench/bench makes tables of them.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../kselftest/lib/mem.h"
#include "../kselftest/lib/util.h"
#include "meter.h"
#include "rows.h"

#define PIECES (256 * MIB)

const struct contender contenders[CONTENDERS] = {
	{ "type1", MODE_TYPE1V2 },
	{ "batch", MODE_BATCH },
};

static const struct {
	const char *name;
	void (*run)(const char *only);
} groups[] = {
	{ "bulk", rows_bulk },
	{ "bar", rows_bar },
	{ "growth", rows_growth },
	{ "largest", rows_largest },
	{ "few", rows_few },
	{ "small", rows_small },
	{ "many", rows_many },
	{ "attach", rows_attach },
	{ "crowd", rows_crowd },
	{ "dirty", rows_dirty },
	{ "nvme", rows_nvme },
	{ "parallel", rows_parallel },
	{ "untouched", rows_untouched },
	{ "close", rows_close },
	{ "close-kept", rows_close_kept },
	{ "untouched-growth", rows_untouched_growth },
};

enum { NGROUPS = sizeof(groups) / sizeof(groups[0]) };

void fail(const char *format, ...)
{
	va_list args;

	printf("bench: ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	exit(1);
}

void must(int ret, const char *what)
{
	if (ret)
		fail("%s: %s", what, strerror(ret < 0 ? -ret : ret));
}

void open_world(struct world *w, const struct contender *who,
		unsigned int groups)
{
	if (world_open(w, who->mode, groups) != WORLD_READY)
		fail("%s: %s", who->name, w->why);
}

/* The kernel hands out its small free pieces first: they are held from here on. */
static void take_small_pieces(void)
{
	static char *pieces;

	if (!pieces)
		pieces = mem_small(PIECES);
	must(pieces ? 0 : ENOMEM, "memory to tidy up with");
}

void tidy_memory(void)
{
	file_write("/proc/sys/vm/drop_caches", "3");
	file_write("/proc/sys/vm/compact_memory", "1");
	take_small_pieces();
}

void close_world(struct world *w)
{
	const char *leak = world_close(w);

	if (leak)
		fail("after closing: %s", leak);
}

void close_devices(struct world *w)
{
	unsigned int i;

	for (i = 0; i < w->nslots; i++)
		world_close_device(w, i);
}

void close_groups(struct world *w)
{
	unsigned int i;

	for (i = 0; i < w->nslots; i++)
		world_close_group(w, i);
	world_close_container(w);
}

void close_measured(struct world *w, const struct contender *who,
		    const char *row, __u64 units)
{
	close_devices(w);
	meter_start(who->name, row);
	close_groups(w);
	meter_stop(units);
	close_world(w);
}

/* "bulk", or "bulk/thp" for one kind of memory only. */
static void run_group(char *name)
{
	const char *only = NULL;
	char *slash;
	int i;

	slash = strchr(name, '/');
	if (slash) {
		*slash = '\0';
		only = slash + 1;
	}
	for (i = 0; i < NGROUPS; i++) {
		if (!strcmp(groups[i].name, name)) {
			groups[i].run(only);
			return;
		}
	}
	fail("no group of rows named %s", name);
}

int main(int argc, char **argv)
{
	int i;

	if (argc < 2)
		fail("usage: bench-guest GROUP...");
	setvbuf(stdout, NULL, _IOLBF, 0);
	meter_init();
	for (i = 1; i < argc; i++)
		run_group(argv[i]);
	printf("@done\n");
	return 0;
}
