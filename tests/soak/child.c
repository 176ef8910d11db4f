// SPDX-License-Identifier: GPL-2.0-only
/* See child.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../kselftest/lib/dma.h"
#include "../kselftest/lib/info.h"
#include "../kselftest/lib/mem.h"
#include "child.h"

#define HEIR_SIZE (4 * PAGE)

enum { NAP_US = 20000, HEIR_ARGS = 4 };

static void survive_exec(int fd)
{
	if (fd >= 0)
		fcntl(fd, F_SETFD, 0);
}

/* Goes on as child_main() with the container, its groups and @tell. */
static void hand_on(const struct inherited *inherited, int tell, unsigned int nap)
{
	char arg[HEIR_ARGS][24];
	unsigned int i;

	survive_exec(inherited->container);
	for (i = 0; i < RACE_GROUPS; i++)
		survive_exec(inherited->group[i]);
	survive_exec(tell);
	snprintf(arg[0], sizeof(arg[0]), "%d", inherited->container);
	snprintf(arg[1], sizeof(arg[1]), "%d", tell);
	snprintf(arg[2], sizeof(arg[2]), "%llu", inherited->iova);
	snprintf(arg[3], sizeof(arg[3]), "%u", nap);
	execl("/proc/self/exe", "races", "exec", arg[0], arg[1], arg[2],
	      arg[3], NULL);
}

int child_main(int argc, char **argv)
{
	unsigned int nap;
	struct info info;
	int container;

	/* Nothing was handed on: lives for a moment. */
	if (argc < HEIR_ARGS)
		return 0;
	container = atoi(argv[0]);
	nap = strtoul(argv[3], NULL, 0);
	/* Of the new address space; the place may be taken. */
	dma_map(container, strtoull(argv[2], NULL, 0), mem_small(HEIR_SIZE),
		HEIR_SIZE, DMA_RW);
	if (!info_get(container, &info) && write(atoi(argv[1]), "", 1) != 1)
		return 1;
	usleep(nap);
	if (nap % 2)
		raise(SIGKILL);
	return 0;
}

static void child(const struct inherited *inherited, enum race race, int tell,
		  unsigned int nap)
{
	inherited->mem[0] = 1;
	dma_map(inherited->container, inherited->iova, inherited->mem, HEIR_SIZE,
		DMA_RW);
	if (race == RACE_EXEC)
		execl("/proc/self/exe", "races", "exec", NULL);
	if (race == RACE_EXEC_KEPT)
		hand_on(inherited, tell, nap);
	if (nap % 2)
		raise(SIGKILL);
	_exit(0);
}

/* Until the other program has spoken or is gone. */
static int listen_to(int from)
{
	char c;

	return read(from, &c, 1) == 1 ? 0 : -EPIPE;
}

int child_make(struct rng *rng, enum race race, const struct inherited *inherited)
{
	unsigned int nap = rng_below(rng, NAP_US);
	bool patient = rng_percent(rng, 50);
	int tell[2], ret = 0;
	pid_t pid;

	if (pipe2(tell, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid)
		child(inherited, race, tell[1], nap);
	close(tell[1]);
	if (pid < 0)
		ret = -EAGAIN;
	else if (race == RACE_EXEC_KEPT)
		ret = listen_to(tell[0]);
	else if (patient)
		usleep(rng_below(rng, 3000));
	close(tell[0]);
	if (pid < 0)
		return ret;
	if (race != RACE_EXEC_KEPT || !patient)
		kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return ret;
}
