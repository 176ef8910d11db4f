/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Small things every other part of the test library stands on: page
 * arithmetic, one-value files of /proc and /sys, the running kernel's version.
 * Knows nothing of VFIO. Errors are -errno, never errno.
 */
#ifndef VIB_TEST_UTIL_H
#define VIB_TEST_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#define KIB 1024ULL
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
/* Given where the programs are for a kernel whose pages are larger, see run. */
#ifndef PAGE_KIB
#define PAGE_KIB 4
#endif
#define PAGE (PAGE_KIB * KIB)

#define KERNEL(major, minor) ((major) * 1000u + (minor))

/* The running kernel as KERNEL(major, minor). */
unsigned int kernel_running(void);

/* First number in a file, in the base strtol() guesses; -errno if unreadable. */
long file_read_long(const char *path);

/* The whole file as a string in @buf, cut at @size; length or -errno. */
int file_read(const char *path, char *buf, size_t size);

/* Writes @text in one write(2); 0 or -errno. */
int file_write(const char *path, const char *text);

/* The number behind "@key" at the start of a line of @path, or -ENOENT. */
long file_keyed_long(const char *path, const char *key);

/* The number in that variable of the environment, @otherwise without it. */
unsigned int env_number(const char *name, unsigned int otherwise);

/* VIB_SEED, or the time: where random moments begin. Print it. */
unsigned int test_seed(void);

/* Milliseconds since some moment; only goes forward. */
long now_ms(void);

/* Turns the -1/errno convention of libc into 0 or more / -errno. */
int neg_errno(int ret);

#endif
