/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A second process that does to its memory what the first one says. The memory of each is a field:
 * half of it anonymous, half a memfd that both share. For shared_random.c.
 */
#ifndef VIB_TEST_SHARED_PEER_H
#define VIB_TEST_SHARED_PEER_H

#include <linux/falloc.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	PROCESSES = 2,
	HALF = 1024,			/* pages of each half */
	FIELD = 2 * HALF,
};

enum op_kind { OP_MAP, OP_DONTNEED, OP_REPLACE, OP_PUNCH, OP_WRITE, OP_READ, OP_FORK, OP_END };

struct op {
	enum op_kind kind;
	int container;
	__u64 iova;
	unsigned int first, count;
	__u32 flags;
	__u64 value;
	int ret;
};

static char *field;
static int field_fd, to_child[2], to_parent[2];

/* What is to be done, and was; both processes see it. */
static struct op *peer_op;

/* What an operation does to the memory of the process that calls this. */
static inline int do_op(struct op *op)
{
	char *mem = field + op->first * PAGE;
	pid_t pid;

	switch (op->kind) {
	case OP_MAP:
		return dma_map(containers[op->container], op->iova, mem, op->count * PAGE,
			       op->flags);
	case OP_DONTNEED:
		return madvise(mem, op->count * PAGE, MADV_DONTNEED);
	case OP_REPLACE:
		return mmap(mem, op->count * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE |
			    MAP_ANONYMOUS | MAP_FIXED | (op->value ? MAP_POPULATE : 0), -1, 0)
			== mem ? 0 : -1;
	case OP_PUNCH:
		return fallocate(field_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				 (op->first - HALF) * PAGE, op->count * PAGE);
	case OP_WRITE:
		*(volatile __u64 *)mem = op->value;
		return 0;
	case OP_READ:
		op->value = *(volatile __u64 *)mem;
		return 0;
	case OP_FORK:
		pid = fork();
		if (!pid) {
			memset(mem, 0xee, HALF * PAGE - op->first * PAGE);
			_exit(0);
		}
		return pid < 0 || waitpid(pid, NULL, 0) != pid ? -1 : 0;
	case OP_END:
		return 0;
	}
	return -1;
}

/* Does what the parent says until that says OP_END. */
static inline void obey(void)
{
	char c;

	while (read(to_child[0], &c, 1) == 1) {
		peer_op->ret = do_op(peer_op);
		if (write(to_parent[1], &c, 1) != 1 || peer_op->kind == OP_END)
			_exit(0);
	}
	_exit(1);
}

static inline int run_op(int process, const struct op *op)
{
	char c = 0;

	*peer_op = *op;
	if (!process)
		peer_op->ret = do_op(peer_op);
	else if (write(to_child[1], &c, 1) != 1 || read(to_parent[0], &c, 1) != 1)
		return -EPIPE;
	return peer_op->ret;
}

static inline int set_up_field(void)
{
	char *file;

	field = mem_aligned(FIELD * PAGE);
	file = mem_memfd(HALF * PAGE, &field_fd);
	if (!field || !file)
		return -ENOMEM;
	madvise(field, FIELD * PAGE, MADV_NOHUGEPAGE);
	if (mmap(field + HALF * PAGE, HALF * PAGE, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED, field_fd, 0) == MAP_FAILED)
		return -errno;
	memset(field, 0, FIELD * PAGE);
	return 0;
}

/* Return: the second process' number, or -1. It ends with OP_END. */
static inline pid_t begin_peer(void)
{
	pid_t child;

	peer_op = mmap(NULL, sizeof(*peer_op), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (peer_op == MAP_FAILED || pipe(to_child) || pipe(to_parent))
		return -1;
	child = fork();
	if (!child)
		obey();
	return child;
}

#endif
