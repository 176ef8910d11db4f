/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The groups of rows of the bench. Each measures both backends in turn (bulk: iommufd, too), on the
 * same memory: how its pages lie decides much of the cost. What goes wrong ends
 * the program. Row names are what/memory/size; README lists them.
 */
#ifndef VIB_BENCH_ROWS_H
#define VIB_BENCH_ROWS_H

#include "../kselftest/lib/world.h"

/* Whom a row is about: the name in the table, and the way to that backend. */
struct contender {
	const char *name;
	enum mode_id mode;
};

enum { CONTENDERS = 2 };

extern const struct contender contenders[CONTENDERS];

/* One size of each kind of memory; of the kind @only if that is not NULL. */
void rows_bulk(const char *only);

/* A small BAR and a large one; only the small one if @only is not NULL. */
void rows_bar(const char *only);

/* The same work at several sizes, to show how cost grows. */
void rows_growth(const char *only);

/* As rows_growth, at one size that takes longer than all of its. */
void rows_largest(const char *only);

/* A few rows that show the difference in seconds. */
void rows_few(const char *unused);

/* Single mappings among many, and many mappings at once. */
void rows_small(const char *unused);

/* As many small mappings as a client with a vIOMMU may have. */
void rows_many(const char *unused);

/* Groups that join and leave. */
void rows_attach(const char *unused);

/* The second of many groups joins, and the last. */
void rows_crowd(const char *unused);

/* Queries of dirty pages. */
void rows_dirty(const char *unused);

/* A driver that maps per command. */
void rows_nvme(const char *unused);

/* Two threads beside one; wall time, so only the ratio means anything. */
void rows_parallel(const char *unused);

/* One MAP of untouched memory, with helpers and without; wall time, too. */
void rows_untouched(const char *unused);

/* The same at several sizes, to be drawn. */
void rows_untouched_growth(const char *unused);

/* Closing with small pages mapped, with helpers and without; the same. */
void rows_close(const char *unused);
void rows_close_kept(const char *unused);

/* For use inside the rows; failing to open ends the program. */
void open_world(struct world *w, const struct contender *who,
		unsigned int groups);

/* Closes the last group and the container, measured as @row. */
void close_measured(struct world *w, const struct contender *who,
		    const char *row, __u64 units);

/* What that closes before it measures, and what it measures: the groups and the container. */
void close_devices(struct world *w);
void close_groups(struct world *w);

/* Lets free memory be whole again, so that what was freed before does not matter. */
void tidy_memory(void);

/* Closes what is open, and checks that nothing stayed pinned or locked. */
void close_world(struct world *w);

/* Ends the program with a message unless @ret (an errno or its negative) is 0. */
void must(int ret, const char *what);

/* The same, for what has no errno. */
void fail(const char *format, ...) __attribute__((noreturn,
						  format(printf, 1, 2)));

#endif
