/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The worlds a test body runs in: which IOMMU backend of the kernel serves the
 * container, reached through which type id. A world is only believed with a
 * proof, because the VFIO core falls back from one backend to another without
 * a word: the use counts of both modules, and the list of containers our
 * module shows in debugfs.
 */
#ifndef VIB_TEST_BACKEND_H
#define VIB_TEST_BACKEND_H

#include <stdbool.h>
#include <stddef.h>

enum backend { BACKEND_TYPE1, BACKEND_BATCH, BACKENDS };

enum mode_id {
	MODE_TYPE1,
	MODE_TYPE1V2,
	MODE_BATCH,
	MODE_BATCH_CLAIMED_V1,
	MODE_BATCH_CLAIMED_V2,
	MODES,
};

struct mode {
	const char *name;
	enum backend backend;
	unsigned long type_id;
	bool claim;		/* batch answers for type1's ids */
	bool v2;		/* UNMAP must not cut a mapping */
};

/* Use counts when a test began. */
struct backend_use {
	long count[BACKENDS];
};

const struct mode *mode_get(enum mode_id id);

const char *backend_name(enum backend backend);
bool backend_loaded(enum backend backend);

/*
 * VIB_EXPECT is a list of what whoever starts the tests promises to be there:
 * type1, batch (loaded), pair (two edu devices in one group), sequences (the
 * machine that run makes for sequences.list). What is promised and missing is a
 * failure, what is not promised a skip.
 */
bool promised(const char *what);
bool backend_expected(enum backend backend);

/* Module use count, 0 if it is not loaded. */
long backend_count(enum backend backend);
void backend_use_read(struct backend_use *use);

/* Value of a module parameter, and setting it; -errno. */
long backend_param(enum backend backend, const char *param);
int backend_param_set(enum backend backend, const char *param, long value);

/* Takes the module out if nobody uses it: 0, or -EWOULDBLOCK, -errno. */
int backend_remove(enum backend backend);

/* Our list of containers in debugfs. */
#define CONTAINERS "/sys/kernel/debug/vfio_iommu_batch/containers"

/* The list as a string in @text, cut at @size; length or -errno. */
int containers_read(char *text, size_t size);

/* The list until the next call of this; "" if it cannot be read. */
const char *containers_text(void);

/* How many of its lines begin with @key; -errno if it cannot be read. */
int containers_count(const char *key);

/* The number in its first line that begins with @key; -errno, -ENOENT without one. */
long containers_value(const char *key);

/* The sum of the numbers of all its lines that begin with @key; -errno. */
long containers_sum(const char *key);

/* Sets claim_type1 as @mode needs it; nothing to do if batch is not loaded. */
int mode_claim(const struct mode *mode);

/*
 * Was the container this process just set up served by @mode's backend? NULL
 * if it is proven, else what speaks against it.
 */
const char *mode_proof(const struct mode *mode,
		       const struct backend_use *before);

#endif
