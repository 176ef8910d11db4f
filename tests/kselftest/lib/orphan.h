/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Descriptors that outlive the processes that had them: put into a socket's queue, or into
 * the file table of an io_uring. Each function returns a descriptor or 0, or -errno.
 */
#ifndef VIB_TEST_ORPHAN_H
#define VIB_TEST_ORPHAN_H

/* Sends @n descriptors (at most 8) over the socket @to, and takes them out again. */
int fds_send(int to, const int *fds, unsigned int n);
int fds_receive(int from, int *fds, unsigned int n);

/* An io_uring with @fds as its registered files; -ENOSYS where the kernel has none. */
int ring_of(const int *fds, unsigned int n);

#endif
